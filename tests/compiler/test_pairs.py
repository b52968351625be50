"""Chains of two, read at once: what the links share is read once, and each link still gets what its own rules ask for."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kynara_lang.runtime import plain
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.semantics.hosts import read_host
from tests.runtime.programs import program

BASE = """
subject Team
subject User in Team { n: Int, nick: String? }
subject Agent { n: Int }
resource Folder
resource Doc in Folder { n: Int, m: Int?, host: Host? }
action read on Doc (n: Int, note: String?)
context { n: Int, m: Int?, host: Host }
role a
role b
role c extends a, b
permit p { subject any action any resource any scope any "t" }
"""
RULES = """
forbid agent_doc { subject Agent action read resource Doc when resource.n == 1 }
forbid user_doc { subject User action read resource Doc when resource has m and resource.m == 1 }
forbid agent_context { subject Agent action read resource Doc when context has m and context.m == 2 }
forbid user_context { subject User action read resource Doc when context.n == 2 }
forbid both_host { subject any action read resource Doc when context.host within "evil.example" }
forbid agent_role { subject Agent action read resource Doc when resource holds a }
forbid user_role { subject User action read resource Doc when resource holds b and not (resource holds a) }
forbid agent_own { subject Agent with role a action read resource Doc when subject.n == 3 }
forbid user_own { subject User with role b action read resource Doc when subject.n == 3 }
forbid user_group { subject User in Team::"t" action read resource Doc }
forbid folder { subject User action read resource Doc in Folder::"f" }
forbid argument { subject User action read resource Doc when args has note and args.note == "x" }
"""
SAME: dict[str, Any] = {
    "subject": {
        "type": "Agent", "id": "g", "properties": {"n": 7}, "roles": [],
        "on_behalf_of": {"type": "User", "id": "u", "properties": {"n": 7}, "roles": []},
    },
    "action": {"name": "read", "properties": {"n": 7}},
    "resource": {"type": "Doc", "id": "d", "properties": {"n": 7}, "roles": []},
    "context": {"n": 7, "host": "fine.example"},
}  # fmt: skip


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return program(RULES, base=BASE)


def changed(**places: Any) -> dict[str, Any]:
    """Return the request with other values: `subject__on_behalf_of__id="x"`; None takes a member out."""
    found = copy.deepcopy(SAME)
    for place, value in places.items():
        *path, last = place.split("__")
        owner = found
        for name in path:
            owner = owner[name]
        if value is None:
            del owner[last]
        else:
            owner[last] = value
    return found


def rules(policies: PolicySet, asked: dict[str, Any]) -> set[str]:
    """Decide on the short way, which must be taken, and compare with the exact one."""
    found = policies._plain.decide(asked)
    assert found is not None
    assert found.decision == policies._decide(policies._prepare(asked), ())
    return {name.removeprefix("f1.") for name in found.decision.rules if name != "f0.p"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"resource__properties__n": 1}, "agent_doc"),
        ({"resource__properties__m": 1}, "user_doc"),
        ({"context__m": 2}, "agent_context"),
        ({"context__n": 2}, "user_context"),
        ({"context__host": "a.evil.example"}, "both_host"),
        ({"resource__roles": ["a"]}, "agent_role"),
        ({"resource__roles": ["b"]}, "user_role"),
        ({"resource__roles": ["c"]}, "agent_role"),
        ({"subject__roles": ["a"], "subject__properties__n": 3}, "agent_own"),
        ({"subject__roles": ["b"], "subject__properties__n": 3}, None),
        ({"subject__on_behalf_of__roles": ["b"], "subject__on_behalf_of__properties__n": 3}, "user_own"),
        ({"subject__on_behalf_of__roles": ["a"], "subject__on_behalf_of__properties__n": 3}, None),
        ({"subject__on_behalf_of__roles": ["b"], "subject__properties__n": 3}, None),
        ({"subject__on_behalf_of__parents": [{"type": "Team", "id": "t"}]}, "user_group"),
        ({"resource__parents": [{"type": "Folder", "id": "f"}]}, "folder"),
        ({"action__properties__note": "x"}, "argument"),
    ],
)
def test_each_link_is_decided_by_its_own_rules(policies: PolicySet, change: dict[str, Any], rule: str | None) -> None:
    assert rules(policies, changed(**change)) == ({rule} if rule else set())


@pytest.mark.parametrize(
    "change",
    [
        {"subject__properties__n": None},
        {"subject__properties__n": "7"},
        {"subject__on_behalf_of__properties__n": True},
        {"subject__on_behalf_of__roles": "b"},
        {"subject__on_behalf_of__strange": 1},
        {"subject__strange": 1},
        {"subject__id": 1},
        {"subject__on_behalf_of__id": ""},
        {"resource__properties__m": "1"},
        {"resource__strange": 1},
        {"context__n": None},
        {"context__m": "2"},
        {"context__host": "//"},
        {"action__properties__n": None},
        {"strange": 1},
        {"subject__type": "User", "subject__id": "u"},
    ],
)
def test_what_is_wrong_anywhere_is_left_to_the_exact_way(policies: PolicySet, change: dict[str, Any]) -> None:
    asked = changed(**change)
    try:
        found = policies._plain.decide(asked)
    except Exception:  # as good as None: the exact way has it
        found = None
    decision = policies.decide(asked)
    if found is not None:  # members that nobody knows are read over where the exact way does so, too
        assert found.decision == decision
    else:
        assert decision == policies.decide(asked, [])


def test_two_of_one_type_are_told_apart_by_their_names(policies: PolicySet) -> None:
    person = {"type": "User", "id": "v", "properties": {"n": 7}, "on_behalf_of": SAME["subject"]["on_behalf_of"]}
    assert rules(policies, changed(subject=person)) == set()
    assert policies.decide(changed(subject={**person, "id": "u"})).errors[0].code == "repeated-principal"


def test_what_both_links_ask_for_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(text: str) -> str:
        seen.append(text)
        return read_host(text)

    of_text = {kind: counted if read is read_host else read for kind, read in plain._OF_TEXT.items()}
    monkeypatch.setattr(plain, "_OF_TEXT", of_text)
    assert rules(program(RULES, base=BASE), SAME) == set()
    assert seen == ["fine.example"]
