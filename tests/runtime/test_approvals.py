"""Approvals: what counts as one, and everything that does not."""

from __future__ import annotations

import decimal
from typing import Any

import pytest

from kynara_lang.runtime.decision import Effect
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

TEXT = """
permit p { subject any action any resource any scope any "test" }
require approval big {
  subject any
  action pay
  resource any
  when args.amount > 50.00
  from User with role editor where approver.tenant == resource.tenant
  quorum 2
  expires 4h
}
"""
LEA = {**ALICE, "id": "lea"}
MAX = {**ALICE, "id": "max"}


def request(amount: str = "60.00", **changes: Any) -> dict[str, Any]:
    return ask(BOT, ALICE, action="pay", args={"amount": amount}, **changes)


def evidence(policies: Any, asked: dict[str, Any], *people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "rule": "f1.big",
        "digest": policies.approval_digest(asked),
        "approvers": list(people or (LEA, MAX)),
        "expires": "2026-11-22T12:00:00Z",
        **changes,
    }


def test_enough_approvers_allow_it() -> None:
    policies, asked = program(TEXT), request()
    assert policies.decide(asked).effect is Effect.REQUIRE_APPROVAL
    decision = policies.decide(asked, [evidence(policies, asked)])
    assert decision.allowed
    assert decision.rules == ("f1.p",)
    assert [(s.rule, s.satisfied, s.approved_by) for s in decision.approvals] == [
        ("f1.big", True, ('User::"lea"', 'User::"max"'))
    ]


def test_approvers_may_come_in_several_pieces_of_evidence() -> None:
    policies, asked = program(TEXT), request()
    pieces = [evidence(policies, asked, LEA), evidence(policies, asked, MAX)]
    assert policies.decide(asked, pieces).allowed
    assert not policies.decide(asked, [pieces[0], pieces[0]]).allowed


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"approvers": [LEA]}, None),
        ({"approvers": [LEA, LEA]}, None),
        ({"approvers": [LEA, ALICE]}, "asks for this"),
        ({"approvers": [LEA, {**MAX, "roles": ["reader"]}]}, "not among those"),
        ({"approvers": [LEA, having(MAX, tenant="globex")]}, "not among those"),
        ({"expires": "2026-11-22T10:00:00Z"}, "expired"),
        ({"expires": "2026-11-22T14:00:01Z"}, "longer than"),
        ({"digest": "sha256:00"}, "another call"),
        ({"rule": "f1.other"}, None),
        ({"approvers": []}, "approvers"),
        ({"expires": "soon"}, "soon"),
        ({"expires": None}, "expires"),
        ({"approvers": [LEA, {"type": "Doc", "id": "d1"}]}, "expected"),
    ],
)
def test_what_does_not_count(change: dict[str, Any], why: str | None) -> None:
    policies, asked = program(TEXT), request()
    decision = policies.decide(asked, [evidence(policies, asked, **change)])
    assert decision.effect is Effect.REQUIRE_APPROVAL
    if why is not None:
        assert any(why in e.message for e in decision.errors), decision.errors


@pytest.mark.parametrize(
    "other",
    [
        request("60.01"),
        request(resource={**DOC, "id": "d2"}),
        ask(BOT, action="pay", args={"amount": "60.00"}),
        ask({**BOT, "id": "b2"}, ALICE, action="pay", args={"amount": "60.00"}),
        request() | {"action": {"name": "pay", "properties": {"amount": "60.00", "undeclared": 1}}},
    ],
)
def test_an_approval_is_for_one_call(other: dict[str, Any]) -> None:
    policies = program(TEXT)
    assert not policies.decide(other, [evidence(policies, request())]).allowed


def test_an_approval_is_for_one_policy_but_any_spelling_of_a_value() -> None:
    policies, asked = program(TEXT), request("60.00")
    given = evidence(policies, asked)
    assert policies.decide(request("60.0"), [given]).allowed
    assert not program(TEXT.replace("50.00", "51.00")).decide(asked, [given]).allowed


def test_nothing_inside_a_request_is_an_approval() -> None:
    policies, asked = program(TEXT), request()
    given = evidence(policies, asked)
    inside = {**asked, "approvals": [given], "context": {**asked["context"], "approvals": [given]}}
    assert policies.decide(inside).effect is Effect.REQUIRE_APPROVAL


def test_without_a_time_no_approval_counts() -> None:
    policies, asked = program(TEXT), request()
    del asked["context"]["now"]
    decision = policies.decide(asked, [evidence(policies, asked)])
    assert decision.effect is Effect.REQUIRE_APPROVAL
    assert any("context.now" in e.message for e in decision.errors)


@pytest.mark.parametrize("junk", [None, 1, "x", [None], [1], [[]], [{}], [{"rule": 1}]])
def test_junk_evidence_is_reported_and_counts_for_nothing(junk: Any) -> None:
    decision = program(TEXT).decide(request(), junk)
    assert decision.effect in (Effect.REQUIRE_APPROVAL, Effect.DENY)
    assert decision.errors


def test_an_error_in_where_makes_nobody_an_approver() -> None:
    text = TEXT.replace("approver.tenant == resource.tenant", "approver.level + 9223372036854775807 > 0")
    policies, asked = program(text), request()
    decision = policies.decide(asked, [evidence(policies, asked)])
    assert decision.effect is Effect.REQUIRE_APPROVAL
    assert {e.code for e in decision.errors} == {"overflow"}


def test_a_call_that_is_no_json_cannot_be_approved_and_is_still_explained() -> None:
    asked = request() | {"action": {"name": "pay", "properties": {"amount": "60.00", "undeclared": decimal.Decimal("NaN")}}}
    found = program(TEXT).explain(asked)
    assert found.decision.effect is Effect.REQUIRE_APPROVAL
    assert found.approval_digest is None
