"""The code that reads plain requests: from each place where something can stand, and from the store before it."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

BASE = """
subject Team
subject User in Team { n: Int, nick: String? }
resource Folder
resource Doc in Folder { n: Int }
action read on Doc (n: Int, note: String?)
context { n: Int, zone: String? }
role a
role b extends a
permit p { subject any action any resource any scope any "t" }
"""
STORE: list[dict[str, Any]] = [
    {"type": "User", "id": "u", "properties": {"n": 1}, "roles": ["b"], "parents": [{"type": "Team", "id": "t"}]},
    {"type": "User", "id": "named", "properties": {"nick": "x"}},
    {"type": "Doc", "id": "d", "properties": {"n": 1}, "parents": [{"type": "Folder", "id": "f"}]},
    {"type": "Team", "id": "t"},
    {"type": "Folder", "id": "f"},
]


def forbid(condition: str, *, stored: bool = False) -> PolicySet:
    rule = f"forbid f {{ subject User action read resource Doc when {condition} }}"
    return program(rule, base=BASE, entities=STORE if stored else None)


def ask(user: str = "u", doc: str = "d", **members: Any) -> dict[str, Any]:
    """A plain request in which every `n` is 7; what is given replaces what stands there."""
    asked: dict[str, Any] = {
        "subject": {"type": "User", "id": user, "properties": {"n": 7}},
        "action": {"name": "read", "properties": {"n": 7}},
        "resource": {"type": "Doc", "id": doc, "properties": {"n": 7}},
        "context": {"n": 7},
    }
    for path, value in members.items():
        place, _, name = path.partition("_")
        of = asked[place] if name in ("roles", "parents") or place == "context" else asked[place]["properties"]
        of[name] = value
    return asked


def denied(policies: PolicySet, asked: dict[str, Any]) -> bool:
    """Decide on the short way, which must be taken, and compare with the exact one."""
    found = policies._plain.decide(asked)
    assert found is not None
    assert found.decision == policies._decide(policies._prepare(asked), ())
    return not found.decision.allowed


@pytest.mark.parametrize("place", ["subject", "action", "resource", "context"])
def test_a_value_is_read_from_where_it_stands(place: str) -> None:
    policies = forbid(f"{'args' if place == 'action' else place}.n == 7")
    assert denied(policies, ask())
    assert not denied(policies, ask(**{f"{place}_n": 8}))


@pytest.mark.parametrize(("place", "name"), [("subject", "nick"), ("action", "note"), ("context", "zone")])
def test_a_value_that_may_be_absent_is_read_where_it_is_there(place: str, name: str) -> None:
    root = "args" if place == "action" else place
    policies = forbid(f'{root} has {name} and {root}.{name} == "x"')
    assert denied(policies, ask(**{f"{place}_{name}": "x"}))
    assert not denied(policies, ask(**{f"{place}_{name}": "y"}))
    assert not denied(policies, ask())


@pytest.mark.parametrize("stored", [False, True])
def test_values_that_the_store_knows_count_more(stored: bool) -> None:
    for condition in ("subject.n == 1", "resource.n == 1"):
        policies = forbid(condition, stored=stored)
        assert denied(policies, ask()) is stored
        assert not denied(policies, ask("stranger", "other"))
        assert denied(policies, ask("stranger", "other", subject_n=1, resource_n=1))
    nick = forbid('subject has nick and subject.nick == "x"', stored=stored)
    assert denied(nick, ask("named")) is stored
    assert denied(nick, ask("named", subject_nick="y")) is stored
    assert denied(nick, ask("u", subject_nick="x"))
    assert not denied(nick, ask("u"))


@pytest.mark.parametrize("stored", [False, True])
def test_roles_are_those_of_the_store_where_it_says_any(stored: bool) -> None:
    holds_a, holds_b = (forbid(f"subject holds {role}", stored=stored) for role in "ab")
    assert denied(holds_a, ask(subject_roles=["a"]))
    assert denied(holds_b, ask(subject_roles=["a"])) is stored
    assert denied(holds_a, ask()) is denied(holds_b, ask()) is stored
    for user in ("stranger", "named"):
        assert denied(holds_a, ask(user, subject_roles=["b"]))
        assert denied(holds_b, ask(user, subject_roles=["a", "other", "b"]))
        assert not denied(holds_b, ask(user, subject_roles=["a", "other"]))
        assert not denied(holds_a, ask(user, subject_roles=[]))
        assert not denied(holds_a, ask(user))


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("condition", "path", "kind", "group"),
    [('subject in Team::"t"', "subject_parents", "Team", "t"), ('resource in Folder::"f"', "resource_parents", "Folder", "f")],
)
def test_parents_are_those_of_the_store_where_it_says_any(
    stored: bool, condition: str, path: str, kind: str, group: str
) -> None:
    policies = forbid(condition, stored=stored)
    within, elsewhere = ([{"type": kind, "id": name}] for name in (group, "else"))
    assert denied(policies, ask("stranger", "other", **{path: within}))
    assert not denied(policies, ask("stranger", "other", **{path: elsewhere}))
    assert not denied(policies, ask("stranger", "other"))
    assert denied(policies, ask()) is stored
    assert denied(policies, ask(**{path: elsewhere})) is stored


def test_whoever_is_asked_for_by_name_is_found_by_name() -> None:
    for condition in ('subject == User::"u"', 'resource == Doc::"d"', 'subject != User::"v" and resource != Doc::"e"'):
        policies = forbid(condition)
        assert denied(policies, ask())
        assert not denied(policies, ask("v", "e"))


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("subject", "onBehalfOf", {}),
        ("action", "n", True),
        ("action", "n", "7"),
        ("action", "n", 2**63),
        ("subject", "n", -(2**63) - 1),
        ("resource", "n", None),
        ("context", "n", 7.0),
        ("subject", "nick", 1),
        ("subject", "nick", "\ud800"),
        ("context", "zone", "x" * 1_048_577),
        ("subject", "roles", "a"),
        ("subject", "roles", [1]),
        ("subject", "roles", [["a"]]),
        ("subject", "parents", "t"),
        ("subject", "parents", [{"type": "Doc", "id": "d"}]),
        ("resource", "parents", [{"type": "Team", "id": "t"}]),
    ],
)
def test_what_is_not_plain_is_left_to_the_exact_way(place: str, name: str, value: object) -> None:
    policies = forbid(
        'subject has nick and subject.nick == "x" and context has zone and context.zone == "x" and args.n == 7'
        ' and subject holds a and subject in Team::"t" and resource.n == 7 and context.n == 7 and subject.n == 7'
    )
    asked = ask(**{f"{place}_{name}": value})
    try:
        found = policies._plain.decide(asked)
    except Exception:  # whatever it is, the exact way is taken then
        found = None
    assert found is None
    assert policies.decide(asked).errors or name == "onBehalfOf"


def test_names_that_nobody_knows_are_read_over() -> None:
    policies = forbid("subject.n == 7 and context.n == 7 and args.n == 7")
    strangers = {f"{place}_{name}": 1 for place in ("subject", "action", "resource", "context") for name in ("x", "y")}
    assert denied(policies, ask(**strangers))
    assert not denied(policies, ask(subject_n=8, **strangers))
