"""Forged approvals, replayed approvals, approvals for other arguments.

An agent that asks may try to bring the approval along: in its arguments, in the context, as a role; to use yesterday's; to
have ten euros approved and to send ten thousand; to count one person twice. Where approvals come from is the caller's side;
what one counts for is decided here: this very call, under this very policy, for as long as the rule grants.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.hostile.asking import NOW, codes, door

TEXT = """\
subject User { tenant: String }
subject Bot
resource Order { tenant: String }
action pay on Order (amount: Decimal, to: Set<Email>, note: String?, at: IP?, account: { name: String, bank: User? }?)
action refund on Order (amount: Decimal, to: Set<Email>, note: String?, at: IP?)
context { approved: Bool?, approvals: Set<String>? }
role lead
permit p { subject any action any resource any scope any "t" }
require approval big {
  subject any action pay resource Order
  from User with role lead where approver.tenant == resource.tenant
  quorum 2 expires 4h
}
require approval other { subject any action refund resource Order from User }
"""
REQUEST: dict[str, Any] = {
    "subject": {"type": "Bot", "id": "b", "on_behalf_of": {"type": "User", "id": "u", "properties": {"tenant": "a"}}},
    "action": {"name": "pay", "properties": {"amount": "10.00", "to": ["a@x.com", "b@x.com"], "extra": [1, {"k": "v"}]}},
    "resource": {"type": "Order", "id": "o", "properties": {"tenant": "a"}},
    "context": {"now": NOW},
}
DOOR = door(TEXT)


def person(name: str, tenant: str = "a", *roles: str) -> dict[str, Any]:
    return {"type": "User", "id": name, "properties": {"tenant": tenant}, "roles": list(roles or ("lead",))}


def approval(**changes: Any) -> dict[str, Any]:
    digest = DOOR.policies.approval_digest(REQUEST)
    return {"rule": "policy.big", "digest": digest, "approvers": [person("l"), person("m")], "expires": "2026-11-22T12:00:00Z", **changes}


def changed(place: str, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(REQUEST)
    *path, last = place.split(".")
    owner = found
    for name in path:
        owner = owner[name]
    if value is None:
        del owner[last]
    else:
        owner[last] = value
    return found


def test_the_approval_that_was_given_counts() -> None:
    assert DOOR.effect(REQUEST) == "require_approval"
    assert DOOR.effect(REQUEST, [approval()]) == "allow"


SAME_CALL = [
    ("action.properties.amount", 10),
    ("action.properties.amount", "10.0"),
    ("action.properties.to", ["b@x.com", "a@X.com"]),
    ("context.now", "2026-11-22T11:00:00Z"),
    ("resource.properties.tenant", "a"),
]


@pytest.mark.parametrize(("place", "value"), SAME_CALL)
def test_another_spelling_of_the_same_call_is_the_same_call(place: str, value: Any) -> None:
    assert DOOR.effect(changed(place, value), [approval()]) == "allow"


OTHER_CALL = [
    ("action.properties.amount", "10.01"),
    ("action.properties.amount", "10000.00"),
    ("action.properties.amount", "-10.00"),
    ("action.properties.to", ["a@x.com"]),
    ("action.properties.to", ["b@x.com", "a@x.com", "a@x.com"]),
    ("action.properties.to", ["a@x.com", "b@x.com", "eve@evil.net"]),
    ("action.properties.to", ["A@x.com", "b@x.com"]),
    ("action.properties.note", ""),
    ("action.properties.note", "urgent"),
    ("action.properties.at", "10.0.0.1"),
    ("action.properties.extra", [1, {"k": "w"}]),
    ("action.properties.extra", ["1", {"k": "v"}]),
    ("action.properties.extra", [{"k": "v"}, 1]),
    ("action.properties.extra", None),
    ("action.properties.more", False),
    ("action.properties.account", {"name": "ACME"}),
    ("action.properties.account", {"name": "ACME", "iban": "GOOD", "bank": {"type": "User", "id": "b"}}),
    ("resource.id", "o2"),
    ("resource.id", "O"),
    ("subject.id", "b2"),
    ("subject.type", "User"),
    ("subject.on_behalf_of.id", "v"),
    ("subject.on_behalf_of", None),
    ("subject.on_behalf_of.on_behalf_of", {"type": "User", "id": "w", "properties": {"tenant": "a"}}),
    ("action.name", "refund"),
]


@pytest.mark.parametrize(("place", "value"), OTHER_CALL, ids=str)
def test_an_approval_is_for_one_call(place: str, value: Any) -> None:
    hostile = changed(place, value)
    if place == "subject.type":
        hostile["subject"]["properties"] = {"tenant": "a"}
    assert DOOR.effect(hostile, [approval()]) == "require_approval"


def test_an_approval_is_for_one_policy() -> None:
    for text in (TEXT.replace("quorum 2", "quorum 1"), TEXT.replace("4h", "5h"), TEXT + "role more\n", TEXT.replace('"t"', '"u"')):
        other = door(text)
        same = other.policies.digest == DOOR.policies.digest
        assert other.effect(REQUEST, [approval()]) == ("allow" if same else "require_approval")
    assert door(TEXT.replace("quorum 2", "quorum 1")).policies.digest != DOOR.policies.digest


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"digest": "sha256:" + "0" * 64}, "approval-refused"),
    ({"digest": ""}, "approval-refused"),
    ({"digest": None}, "malformed-approval"),
    ({"digest": ["x"]}, "malformed-approval"),
    ({"rule": "policy.other"}, ""),
    ({"rule": "policy.BIG"}, "malformed-approval"),
    ({"rule": "big"}, "malformed-approval"),
    ({"rule": "policy.p"}, "malformed-approval"),
    ({"rule": "*"}, "malformed-approval"),
    ({"rule": ["policy.big"]}, "malformed-approval"),
    ({"expires": NOW}, "approval-refused"),
    ({"expires": "2026-11-22T09:59:59Z"}, "approval-refused"),
    ({"expires": "2026-11-22T14:00:00.000000001Z"}, "approval-refused"),
    ({"expires": "9999-12-31T00:00:00Z"}, "approval-refused"),
    ({"expires": "never"}, "malformed-approval"),
    ({"expires": 0}, "malformed-approval"),
    ({"expires": None}, "malformed-approval"),
    ({"expires": "2026-11-22T12:00:00"}, "malformed-approval"),
    ({"approvers": []}, "malformed-approval"),
    ({"approvers": "User::l"}, "malformed-approval"),
    ({"approvers": {"type": "User", "id": "l"}}, "malformed-approval"),
    ({"approvers": ["l", "m"]}, "malformed-approval"),
    ({"approvers": [person("l")]}, ""),
    ({"approvers": [person("l"), person("l")]}, ""),
    ({"approvers": [person("l"), person("l", "a", "lead", "boss")]}, ""),
    ({"approvers": [person("l"), person("u")]}, "approval-refused"),
    ({"approvers": [person("l"), {"type": "Bot", "id": "b"}]}, "approval-refused"),
    ({"approvers": [person("l"), {"type": "Bot", "id": "c"}]}, "approval-refused"),
    ({"approvers": [person("l"), person("m", "other")]}, "approval-refused"),
    ({"approvers": [person("l"), person("m", "a", "Lead")]}, "approval-refused"),
    ({"approvers": [person("l"), {"type": "User", "id": "m"}]}, "approval-refused"),
    ({"approvers": [person("l"), {"type": "User", "id": "m", "roles": ["lead"]}]}, "missing-attribute"),
    ({"approvers": [person("l"), {"type": "Order", "id": "o"}]}, "malformed-approval"),
    ({"approvers": [person("l"), {"type": "Ghost", "id": "m"}]}, "malformed-approval"),
]


@pytest.mark.parametrize(("change", "code"), FORGED, ids=str)
def test_what_is_no_approval_counts_for_nothing_and_is_reported(change: dict[str, Any], code: str) -> None:
    decision = DOOR.ask(REQUEST, [approval(**change)])
    assert decision.effect.value == "require_approval"
    assert set(codes(decision)) == ({code} if code else set())


@pytest.mark.parametrize("barred", ["approver holds barred", 'approver in Team::"barred"', "approver has tenant"])
def test_of_whom_nothing_is_known_nobody_can_say_what_they_are_not(barred: str) -> None:
    """A bare name has no roles, no groups and no attributes, and must not pass where some are excluded."""
    strict = door(
        "subject Team\nsubject User in Team { tenant: String? }\nresource Doc\naction read on Doc\nrole barred\n"
        'permit p { subject User action read resource Doc scope any "t" }\n'
        f"require approval a {{ subject User action read resource Doc from User where not ({barred}) }}\n"
    )
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}}
    asked["context"] = {"now": NOW}
    given = {"rule": "policy.a", "digest": strict.policies.approval_digest(asked), "expires": "2026-11-22T12:00:00Z"}
    bare = {"type": "User", "id": "l"}
    known = {**bare, "roles": [], "parents": [], "properties": {}}
    decision = strict.ask(asked, [{**given, "approvers": [bare]}])
    assert (decision.effect.value, codes(decision)) == ("require_approval", ["unknown-entity"])
    assert strict.effect(asked, [{**given, "approvers": [known]}]) == "allow"


def test_one_person_in_two_approvals_is_one_person() -> None:
    one = approval(approvers=[person("l")])
    assert DOOR.effect(REQUEST, [one, one, copy.deepcopy(one)]) == "require_approval"
    assert DOOR.effect(REQUEST, [one, approval(approvers=[person("m")])]) == "allow"


INSIDE: list[tuple[str, Any]] = [
    ("approvals", [approval()]),
    ("approval", approval()),
    ("context.approvals", ["policy.big"]),
    ("context.approved", True),
    ("action.properties.approvals", [approval()]),
    ("action.approvals", [approval()]),
    ("subject.approvals", [approval()]),
    ("subject.properties", {"approved": True, "approvals": [approval()]}),
    ("subject.roles", ["lead", "approver"]),
    ("resource.properties", {"tenant": "a", "approved_by": ["l", "m"]}),
]


@pytest.mark.parametrize(("place", "value"), INSIDE, ids=[p for p, _ in INSIDE])
def test_nothing_inside_a_request_is_an_approval(place: str, value: Any) -> None:
    assert DOOR.effect(changed(place, value)) == "require_approval"


JUNK: list[Any] = [None, 1, True, "yes", b"x", {}, [None], [1], ["approved"], [[]], [{}], [{"rule": "policy.big"}], {"rule": "policy.big"}]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_evidence_that_is_junk_is_reported_and_counts_for_nothing(junk: Any) -> None:
    decision = DOOR.policies.decide(REQUEST, junk)
    assert decision.effect.value == "require_approval"
    assert decision.errors or junk in ({}, b"")
    assert DOOR.policies.explain(REQUEST, junk).decision.effect.value == "require_approval"


def test_what_the_store_knows_of_an_approver_counts_and_not_what_the_approval_says() -> None:
    store = [{"type": "User", "id": "l", "properties": {"tenant": "a"}, "roles": ["lead"]}, {"type": "User", "id": "m", "properties": {"tenant": "a"}, "roles": []}]
    asked = door(TEXT, store)
    assert asked.effect(REQUEST, [approval()]) == "require_approval"


def test_no_approval_lifts_a_forbid_or_stands_for_a_permit() -> None:
    forbids = door(TEXT + "forbid f { subject any action pay resource Order }\n")
    given = [approval(digest=forbids.policies.approval_digest(REQUEST))]
    assert forbids.effect(REQUEST, given) == "deny"
    without = door(TEXT.replace('permit p { subject any action any resource any scope any "t" }\n', ""))
    given = [approval(digest=without.policies.approval_digest(REQUEST))]
    assert without.effect(REQUEST, given) == "deny"


def test_without_the_time_no_approval_counts() -> None:
    hostile = changed("context.now", None)
    assert codes(DOOR.ask(hostile, [approval()])) == ["approval-refused"]
    for bad in ("soon", 0, True, "2026-11-22"):
        assert DOOR.ask(changed("context.now", bad), [approval()]).effect.value != "allow"


ACCOUNT = {"name": "ACME", "iban": "GOOD", "bank": {"type": "User", "id": "b", "properties": {"tenant": "a", "branch": 1}}}
OTHER_ACCOUNT = [
    {**ACCOUNT, "iban": "EVIL"},
    {name: ACCOUNT[name] for name in ("name", "bank")},
    {**ACCOUNT, "more": None},
    {**ACCOUNT, "bank": {"type": "User", "id": "b"}},
    {**ACCOUNT, "bank": {"type": "User", "id": "b", "properties": {"tenant": "a", "branch": 2}}},
    {**ACCOUNT, "bank": {"type": "User", "id": "b", "properties": {"tenant": "b", "branch": 1}}},
    {**ACCOUNT, "bank": {"type": "User", "id": "b", "properties": {"tenant": "a", "branch": 1}, "roles": ["lead"]}},
]


@pytest.mark.parametrize("other", OTHER_ACCOUNT)
def test_what_an_argument_carries_beside_what_is_declared_is_bound_too(other: dict[str, Any]) -> None:
    """No rule reads these members; the tool that is called may."""
    asked = changed("action.properties.account", ACCOUNT)
    given = approval(digest=DOOR.policies.approval_digest(asked))
    assert DOOR.effect(asked, [given]) == "allow"
    assert DOOR.effect(changed("action.properties.account", other), [given]) == "require_approval"
