"""Missing against null: an attribute that is absent, null, empty or undefined is taken for another of these.

In Rego, `not input.user.blocked` is true where nothing says whether the user is blocked; in SQL, `x <> NULL` is neither
true nor false; in JSON, a null and a missing member are two things that most readers make one. Here there is no null, and
what may be missing can be read only behind `has`.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.hostile.asking import NOW, REFUSED, answer, codes, door, refusal

HEAD = """\
subject User { blocked: Bool?, tenant: String, boss: User? }
resource Doc { tenant: String, owner: User? }
action read on Doc (note: String?)
context { mfa: Bool? }
"""
PERMIT = 'permit p { subject User action read resource Doc scope any "t" }\n'
NOTHING = [None, "", 0, False, [], {}, "null", "None", "undefined", "\0"]


def request(**more: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "User", "id": "u", "properties": {"tenant": "a", **more.get("subject", {})}},
        "action": {"name": "read", "properties": more.get("args", {})},
        "resource": {"type": "Doc", "id": "d", "properties": {"tenant": "a", **more.get("resource", {})}},
        "context": {"now": NOW, **more.get("context", {})},
    }


@pytest.mark.parametrize(
    "condition",
    [
        "unless subject.blocked",
        "when not subject.blocked",
        "when subject.blocked == false",
        "when args.note == args.note",
        "when context.mfa",
        "when subject.boss == resource.owner",
        "when subject has blocked or subject.blocked",
        "unless subject has blocked and args.note.length() > 0",
    ],
)
def test_what_may_be_missing_cannot_be_read_without_a_guard(condition: str) -> None:
    text = HEAD + f'permit p {{ subject User action read resource Doc scope any "t" {condition} }}\n'
    assert refusal(text) == ["KYN203"]


GUARDED = [
    # condition; decision where it is absent, true, false
    ("when subject has blocked and not subject.blocked", "deny", "deny", "allow"),
    ("unless subject has blocked and subject.blocked", "allow", "deny", "allow"),
    ("when not subject has blocked or not subject.blocked", "allow", "deny", "allow"),
    ("unless subject has blocked", "allow", "deny", "deny"),
]


@pytest.mark.parametrize(("condition", "absent", "true", "false"), GUARDED)
def test_absent_is_neither_true_nor_false(condition: str, absent: str, true: str, false: str) -> None:
    asked = door(HEAD + f'permit p {{ subject User action read resource Doc scope any "t" {condition} }}\n')
    assert asked.effect(request()) == absent
    assert asked.effect(request(subject={"blocked": True})) == true
    assert asked.effect(request(subject={"blocked": False})) == false


@pytest.mark.parametrize("where", ["subject", "args", "resource", "context"])
@pytest.mark.parametrize("value", [None, [], {}, [None]], ids=repr)
def test_null_and_empty_are_not_absent(where: str, value: Any) -> None:
    """An optional member that is there must have its type; null is no way to leave it out."""
    name = {"subject": "blocked", "args": "note", "resource": "owner", "context": "mfa"}[where]
    roots = {"subject": "subject", "args": "args", "resource": "resource", "context": "context"}
    asked = door(HEAD + PERMIT + f"forbid f {{ subject User action read resource Doc when {roots[where]} has {name} }}\n")
    assert asked.effect(request()) == "allow"
    decision = asked.ask(request(**{where: {name: value}}))
    assert decision.effect.value == "deny"
    assert codes(decision) in (["wrong-type"], ["malformed-request"], ["malformed-request"] * 2), decision


@pytest.mark.parametrize("condition", ["subject.tenant == resource.tenant", "subject.tenant != resource.tenant"])
def test_two_missing_values_are_not_equal(condition: str) -> None:
    """The classic: neither has a tenant, `None == None`, and the stranger reads the document."""
    asked = door(HEAD + f"permit p {{ subject User action read resource Doc scope {condition} }}\n")
    bare = request()
    for entity in ("subject", "resource"):
        del bare[entity]["properties"]["tenant"]
    both_null = request(subject={"tenant": None}, resource={"tenant": None})
    for hostile in (bare, both_null):
        decision = asked.ask(hostile)
        assert decision.effect.value == "deny"
        assert len(decision.errors) == 2


@pytest.mark.parametrize("value", NOTHING, ids=repr)
def test_what_stands_for_nothing_elsewhere_is_a_value_or_refused(value: Any) -> None:
    expected = "no" if isinstance(value, str) else REFUSED
    assert answer("String", 'args.x == "a"', value) == expected


@pytest.mark.parametrize("member", ["subject", "action", "resource", "context"])
@pytest.mark.parametrize("value", [None, [], "", 0, False], ids=repr)
def test_a_member_that_is_null_is_refused(member: str, value: Any) -> None:
    asked = door(HEAD + PERMIT)
    assert asked.effect({**request(), member: value}) == "deny"


@pytest.mark.parametrize("place", ["subject.on_behalf_of", "subject.roles", "subject.properties", "action.properties"])
def test_an_optional_member_that_is_null_is_refused(place: str) -> None:
    asked, changed = door(HEAD + PERMIT), copy.deepcopy(request())
    owner, name = place.split(".")
    changed[owner][name] = None
    assert codes(asked.ask(changed)) == ["malformed-request"]


def test_missing_time_is_not_the_beginning_of_time() -> None:
    """Without `context.now` a rule that has an end, or a beginning, cannot be decided."""
    for bound in ("valid from 2026-01-01", "valid until 2030-01-01"):
        for effect in ('permit q { scope any "t"', "forbid q {"):
            rule = effect.replace("{", "{ subject User action read resource Doc ") + f" {bound} }}\n"
            without = request()
            del without["context"]["now"]
            assert codes(door(HEAD + PERMIT + rule).ask(without)) == ["missing-attribute"]


def test_no_delegator_is_not_somebody() -> None:
    text = HEAD + "permit p { subject User action read resource Doc scope delegated and delegator == subject }\n"
    assert door(text).effect(request()) == "deny"
    text = HEAD + PERMIT + "forbid f { subject User action read resource Doc unless delegated and delegator == subject }\n"
    assert door(text).effect(request()) == "deny"


def test_a_field_of_a_record_that_is_missing_is_not_equal_to_anything_but_itself() -> None:
    kind = "{a: Int, b: String?}"
    assert answer(kind, 'args.x == {a: 1, b: "" }', {"a": 1}) == "no"
    assert answer(kind, "args.x == {a: 1}", {"a": 1}) == "yes"
    assert answer(kind, "args.x == {a: 1}", {"a": 1, "b": ""}) == "no"
    assert answer(kind, "args.x == {a: 1}", {"a": 1, "b": None}) == REFUSED
    assert answer(kind, "args.x has b", {"a": 1}) == "no"
