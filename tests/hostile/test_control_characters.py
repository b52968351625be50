"""Control characters in what a caller names: messages and explanations that clear the screen, or forge a line of a log.

Log injection is as old as logs; escape sequences in package names and commit messages have rewritten terminals. Seen in Kynara
itself: an approver, or an entity that nobody knows, with `ESC [2J` in its identifier stood in the message as it was, a megabyte
of it if its caller liked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.runtime import strict_json
from tests.hostile.asking import NOW, Door, door

PROGRAM = """\
subject User { level: Int, owner: User? }
resource Folder
resource Doc in Folder { level: Int, owner: User }
action read on Doc (to: User, word: String)
role reader
permit p { subject User with role reader action read resource Doc in Folder::"open" scope resource.owner.level == subject.level }
permit q { subject User action read resource Doc scope delegated when args.to.level > 1 }
forbid f { subject User action read resource Doc when subject has owner and subject.owner.level > 10 }
require approval a { subject User action read resource Doc when args.word != "x" from User with role reader where approver.level > 1 }
"""
EVIL = {
    "an escape sequence": "\x1b[2J\x1b[H",
    "a line break": "x\nWARN granted",
    "a bidirectional control": "\u202eresu",
    "a carriage return": "x\rok",
    "DEL": "b\x7fb",
    "a separator of lines": "x\u2028y",
    "quotes": '"; x::"',
    "a megabyte": "a" * 1_000_000,
    "a thousand controls": "\x1b" * 1000,
}  # fmt: skip


def request(evil: str) -> dict[str, Any]:
    somebody = {"type": "User", "id": evil}
    return {
        "subject": {"type": "User", "id": evil, "properties": {"level": 2, "owner": somebody},
                    "on_behalf_of": {"type": "User", "id": f"{evil}2", "properties": {"level": 1, "owner": {**somebody, "id": f"{evil}3"}}}},
        "action": {"name": "read", "properties": {"to": {"type": "User", "id": f"{evil}4"}, "word": evil}},
        "resource": {"type": "Doc", "id": evil, "properties": {"level": 1, "owner": {"type": "User", "id": f"{evil}5"}}},
        "context": {"now": NOW},
    }  # fmt: skip


def asked(evil: str) -> Iterator[tuple[Any, list[Any]]]:
    """Yield requests and evidence in which a text stands where messages quote it."""
    made = request(evil)
    yield made, []
    yield {**made, "subject": {**made["subject"], "type": evil}}, []
    yield {**made, "action": {"name": evil}}, []
    yield {**made, "subject": {**made["subject"], "roles": [evil]}}, []
    yield {**made, "subject": {**made["subject"], "on_behalf_of": {"type": "User", "id": evil}}}, []
    yield {**made, "resource": {**made["resource"], "parents": [{"type": evil, "id": evil}]}}, []
    yield {**made, evil: 1, "subject": {**made["subject"], f"roles{evil}": 1}}, []
    yield {**made, "context": {"now": evil}}, []
    for given in ({"rule": evil}, {"rule": "policy.a", "digest": evil}, {"rule": "policy.a", "expires": evil}, {"rule": "policy.a", "approvers": [evil]}):
        yield made, [{"digest": "", "expires": NOW, "approvers": [{"type": "User", "id": evil}], **given}]


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*texts(key), *texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def harmless(decision: kynara.Decision) -> None:
    for error in decision.errors:
        for text in texts(error.to_dict()):
            assert text.isprintable(), repr(text)
            assert len(text) < 12_000


@pytest.fixture(scope="module")
def point() -> Door:
    return door(PROGRAM)


@pytest.mark.parametrize("evil", EVIL)
def test_no_message_of_a_decision_carries_what_a_terminal_obeys(point: Door, evil: str) -> None:
    errors = 0
    for made, given in asked(EVIL[evil]):
        decision = point.policies.decide(made, given)
        harmless(decision)
        errors += len(decision.errors)
    assert errors > 8, "there is nothing to look at"


@pytest.mark.parametrize("evil", [name for name in EVIL if name != "a megabyte"])
def test_no_explanation_carries_what_a_terminal_obeys(point: Door, evil: str) -> None:
    for made, given in asked(EVIL[evil]):
        explanation = point.policies.explain(made, given)
        harmless(explanation.decision)
        for change in explanation.counterfactual:
            assert change.change.isprintable(), repr(change.change)


@pytest.mark.parametrize("evil", EVIL)
def test_an_approver_of_an_unusual_name_is_told_of_in_a_harmless_way(evil: str) -> None:
    policies = door(PROGRAM).policies
    subject = {"type": "User", "id": "u", "properties": {"level": 2}, "roles": ["reader"]}
    owner = {"type": "User", "id": "o", "properties": {"level": 2}}
    made = {
        **request("x"),
        "subject": subject,
        "resource": {"type": "Doc", "id": "d", "parents": [{"type": "Folder", "id": "open"}], "properties": {"level": 1, "owner": owner}},
        "action": {"name": "read", "properties": {"to": owner, "word": "y"}},
    }
    assert policies.decide(made).effect.value == "require_approval"
    given = {"rule": "policy.a", "digest": policies.approval_digest(made), "expires": "2026-11-22T11:00:00Z"}
    for roles in ([], ["reader"]):
        decision = policies.decide(made, [{**given, "approvers": [{"type": "User", "id": EVIL[evil], "roles": roles}]}])
        assert decision.effect.value == "require_approval"
        assert [error.code for error in decision.errors] == ["approval-refused" if not roles else "missing-attribute"]
        harmless(decision)


def test_what_json_refuses_is_told_in_a_harmless_way() -> None:
    for text in ('{"\\u001b[2J": 1, "\\u001b[2J": 2}', '"\\ud800"', '{"a": \x1b}', "\x1b[2J", '{"a": 1' + "9" * 100 + "}", "[" * 100):
        with pytest.raises(strict_json.JsonProblem) as problem:
            strict_json.loads(text)
        assert problem.value.message.isprintable()
