"""Deciding again: under the same policies nothing differs, under others what does is shown, and nothing is glossed over."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kynara_lang import Entities, PolicySet, load, loads
from kynara_lang.audit import Log
from kynara_lang.audit.records import Redaction, decision_body
from kynara_lang.audit.replay import (
    FAILURE,
    IN_PART,
    MALFORMED,
    NOT_STORED,
    OTHER_APPROVALS,
    OTHER_ENTITIES,
    REASONS,
    REDACTED,
    Difference,
    Replayed,
    replay,
)
from kynara_lang.guard import ApprovalRequired, Guard
from kynara_lang.runtime.decision import Decision, DecisionError, Effect
from tests.audit.query_logs import LATE, POLICIES, decided, entries, forged, mixed, request, write
from tests.cli.project import POLICY, ROOT
from tests.guard.programs import ALICE, BOT, LEA, ORDER, program

EXAMPLES = sorted(file.parent for file in (ROOT / "examples").glob("*/requests.jsonl"))


def again(path: Path, policies: PolicySet) -> tuple[Replayed, list[Difference]]:
    counts = Replayed()
    return counts, list(replay(entries(path), policies, counts))


def bodies(policies: PolicySet, requests: Iterable[Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for one in requests:
        yield "decision", decision_body(policies, one, policies.decide(one))


# The same policies


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_request_of_the_examples_is_decided_the_same(example: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in ([example / "policies"] if (example / "policies").exists() else example.glob("*.kyn"))]
    policies = load(paths)
    if (example / "entities.json").exists():
        policies = policies.bind(Entities.from_json(example / "entities.json"))
    requests = [json.loads(line, parse_float=Decimal) for line in (example / "requests.jsonl").read_text().splitlines()]
    requests = [one.get("request", one) for one in requests if line_is_single(one)]
    write(tmp_path / "audit", bodies(policies, requests))
    counts, differences = again(tmp_path / "audit", policies)
    assert not differences
    assert (counts.decisions, counts.equal) == (len(requests), len(requests))
    assert counts.equal > 3


def line_is_single(one: Mapping[str, Any]) -> bool:
    return "evaluations" not in one


STRANGE: list[Any] = [
    10, "10", "10.00", Decimal("10.000"), 10.0, float("nan"), 2**70, True, None, [], {}, "\ud800", "", " 1", "1e1",
    datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1), ip_address("10.0.0.1"), "$number", "٣", "10.00" * 50,
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_whatever_is_asked_is_asked_again_as_it_was(value: Any, tmp_path: Path) -> None:
    """As an argument, as a property, in the context, as a member, and as the whole request."""
    base = request(1)
    requests: list[Any] = [
        request(1, amount=value),
        {**base, "resource": {**base["resource"], "properties": {"tenant": value, "total": value}}},
        {**base, "context": {"now": value, "$number": value, "$$x": value}},
        {**base, "subject": {**base["subject"], "id": value}},
        {**base, "subject": {**base["subject"], "roles": value}},
        {**base, "action": value},
        {**base, "action": "read"},
        {**base, "context": value},
        {**base, "surplus": value},
    ]
    write(tmp_path / "audit", bodies(POLICIES, requests))
    counts, differences = again(tmp_path / "audit", POLICIES)
    assert not differences
    assert counts.equal + counts.skipped[IN_PART] == len(requests)
    assert counts.skipped[IN_PART] <= 3  # a malformed request without a context may be only a part of one


def test_requests_with_approvals_are_decided_with_them(tmp_path: Path) -> None:
    asked = request(1, now=LATE)
    person = {"type": "user", "id": "lea", "roles": ["support"], "properties": {"tenant": "acme"}}
    good = {
        "rule": "late_refunds",
        "digest": POLICIES.approval_digest(asked),
        "approvers": [person],
        "expires": "2026-12-02T10:05:00Z",
    }
    good["rule"] = next(rule.name for rule in POLICIES.program.rules if rule.effect == "require_approval")
    kinds = [[], [good], [{**good, "digest": "sha256:0"}], [{**good, "expires": "2026-12-02T09:00:00Z"}], [{}], [7]]
    write(tmp_path / "audit", [("decision", decided(asked, approvals=given)) for given in kinds])  # type: ignore[arg-type]
    effects = {entry.record["body"]["decision"] for entry in entries(tmp_path / "audit") if entry.record["kind"] == "decision"}
    assert effects == {"allow", "require_approval"}
    counts, differences = again(tmp_path / "audit", POLICIES)
    assert (counts.equal, differences) == (len(kinds), [])


def test_other_kinds_of_records_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "audit", mixed(60, random.Random(2)))
    counts, differences = again(tmp_path / "audit", POLICIES)
    assert (counts.decisions, counts.equal, differences) == (60, 60, [])


# What differs


def changed(body: dict[str, Any], **members: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return [("decision", {**body, **members})]


LIES: list[dict[str, Any]] = [
    {"decision": "allow"},
    {"decision": "require_approval"},
    {"rules": [{"rule": "shop.refund_orders"}]},
    {"approvals": [{"rule": "shop.late_refunds", "quorum": 1, "satisfied": True, "approved_by": []}]},
    {"errors": [{"code": "overflow", "message": "…", "rule": "shop.refund_orders"}]},
    {"errors": [{"code": "invalid-value", "message": "…", "path": "action.properties.amount"}]},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_record_that_says_something_else_is_a_difference(tmp_path: Path, lie: dict[str, Any]) -> None:
    body = decided(request(1, tenant="other"))
    assert body["decision"] == "deny"
    write(tmp_path / "audit", changed(body, **lie))
    counts, (difference,) = again(tmp_path / "audit", POLICIES)
    assert (counts.different, counts.equal) == (1, 0)
    assert difference.same_policy
    assert difference.then != difference.now
    assert difference.now["decision"] == "deny"


def test_a_request_that_was_changed_is_a_difference(tmp_path: Path) -> None:
    body = decided(request(1))
    assert body["decision"] == "allow"
    write(tmp_path / "audit", changed(body, request=decided(request(1, amount="99.00"))["request"]))
    _, (difference,) = again(tmp_path / "audit", POLICIES)
    assert (difference.then["decision"], difference.now["decision"]) == ("allow", "deny")


def test_other_policies_are_compared_by_their_effect(tmp_path: Path) -> None:
    stricter = loads(POLICY.replace("args.amount <= resource.total", "args.amount <= 5.00"))
    renamed = loads(POLICY.replace("refund_orders", "refunds"))
    write(tmp_path / "audit", mixed(60, random.Random(2)))
    counts, differences = again(tmp_path / "audit", stricter)
    assert counts.other_policy == counts.decisions == 60
    assert differences
    assert {d.then["decision"] for d in differences} <= {"allow", "require_approval"}
    assert {d.now["decision"] for d in differences} == {"deny"}
    assert not any(d.same_policy for d in differences)
    counts, differences = again(tmp_path / "audit", renamed)
    assert (counts.equal, counts.other_policy, differences) == (60, 60, [])


# What cannot be decided again


def skipped(path: Path, policies: PolicySet = POLICIES) -> dict[str, int]:
    counts, differences = again(path, policies)
    assert not differences
    assert counts.equal == 0
    assert counts.replayed + counts.skipped.total() == counts.decisions
    return dict(counts.skipped)


def test_redacted_arguments_are_said(tmp_path: Path) -> None:
    redaction = Redaction(b"k" * 32, {"orders:refund": ["amount"]})
    write(tmp_path / "audit", [("decision", decided(request(1), redaction=redaction))])
    assert skipped(tmp_path / "audit") == {REDACTED: 1}


@pytest.mark.parametrize("value", [object(), b"bytes", 10**50_000, {1: 2}], ids=["object", "bytes", "long", "keys"])
def test_values_that_are_not_stored_are_said(tmp_path: Path, value: Any) -> None:
    write(tmp_path / "audit", [("decision", decided(request(1, amount=value)))])
    assert skipped(tmp_path / "audit") == {NOT_STORED: 1}


def test_other_entities_are_said(tmp_path: Path) -> None:
    store = [{"type": "Order", "id": "o-1", "properties": {"tenant": "other"}}]
    bound = POLICIES.bind(Entities.from_list(store))
    write(tmp_path / "audit", bodies(bound, [request(1)]))
    assert skipped(tmp_path / "audit") == {OTHER_ENTITIES: 1}
    other = POLICIES.bind(Entities.from_list([{**store[0], "properties": {"tenant": "acme"}}]))
    assert skipped(tmp_path / "audit", other) == {OTHER_ENTITIES: 1}
    same = POLICIES.bind(Entities.from_list(store))
    assert again(tmp_path / "audit", same)[0].equal == 1


def test_approvals_under_another_policy_are_said(tmp_path: Path) -> None:
    write(tmp_path / "audit", [("decision", decided(request(1, now=LATE), approvals=[{"rule": "x"}]))])
    other = loads(POLICY.replace("2026-12-01", "2026-12-02"))
    assert skipped(tmp_path / "audit", other) == {OTHER_APPROVALS: 1}
    assert again(tmp_path / "audit", POLICIES)[0].equal == 1


@pytest.mark.parametrize("code", ["timed-out", "log-failed", "guard-failed", "policies-unavailable", "internal-error"])
def test_failures_are_said(tmp_path: Path, code: str) -> None:
    failed = evolve(POLICIES.decide(request(1)), effect=Effect.DENY, errors=(DecisionError(code, "…"),))
    write(tmp_path / "audit", [("decision", decision_body(POLICIES, request(1), failed))])
    assert skipped(tmp_path / "audit") == {FAILURE: 1}


def test_degraded_decisions_are_said(tmp_path: Path) -> None:
    write(tmp_path / "audit", [("decision", decided(request(1), degraded="the log was full"))])
    assert skipped(tmp_path / "audit") == {FAILURE: 1}


def test_calls_that_are_stored_in_part_are_said(tmp_path: Path) -> None:
    part = {name: value for name, value in request(1, action="read").items() if name != "context"}
    assert POLICIES.decide(part).allowed  # what is stored would be allowed; what was asked was no request
    error = DecisionError("malformed-request", "a value has no exact JSON form", path="action.properties")
    refused = Decision(Effect.DENY, POLICIES.digest, errors=(error,))
    write(tmp_path / "audit", [("decision", decision_body(POLICIES, part, refused))])
    assert skipped(tmp_path / "audit") == {IN_PART: 1}


PARTS: dict[str, Any] = {
    "request": {}, "decision": "deny", "policy_digest": "x", "errors": [], "evidence": [], "rules": [], "approvals": []
}  # fmt: skip


def test_records_that_are_none_are_said(tmp_path: Path) -> None:
    without = [{name: value for name, value in PARTS.items() if name != left_out} for left_out in PARTS]
    wrong = [{**PARTS, name: 7} for name in PARTS if name != "request"]
    forged(tmp_path / "audit", [{}, *without, *wrong])
    assert skipped(tmp_path / "audit") == {MALFORMED: 1 + len(without) + len(wrong)}


SHAPES: list[dict[str, Any]] = [
    {**PARTS, "request": 7, "decision": "maybe"},
    {**PARTS, "request": [[]], "policy_digest": POLICIES.digest, "errors": [{"path": 7, "code": []}], "evidence": [[]],
     "rules": [7], "approvals": [8]},
    {**PARTS, "request": {"subject": {"$number": "NaN"}}, "decision": "x"},
    {**PARTS, "request": {"subject": {"$number": "1e999999999"}}, "decision": "x"},
    {**PARTS, "request": {"subject": {"$integer": "0x" + "f" * 60_000}}, "decision": "x"},
]  # fmt: skip


def test_records_of_any_shape_are_differences_or_said(tmp_path: Path) -> None:
    forged(tmp_path / "audit", SHAPES)
    counts, differences = again(tmp_path / "audit", POLICIES)
    assert counts.equal == 0
    assert len(differences) + counts.skipped.total() == len(SHAPES)
    assert len(differences) >= 2


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == {REDACTED, NOT_STORED, OTHER_ENTITIES, OTHER_APPROVALS, FAILURE, IN_PART, MALFORMED}


# What a guard records


def test_everything_that_a_guard_records_is_decided_the_same_or_said(tmp_path: Path) -> None:
    policies = program()
    with Log.open(tmp_path / "audit") as log:
        guard = Guard(policies, log=log, approvals=tmp_path / "approvals")
        with guard.acting_for(ALICE):
            for amount in ("10.00", "60.00", "600.00", "2000.00", "ten", 10.5, object(), None):
                for _ in range(2):
                    guard.check(BOT, "refund", ORDER, args={"amount": amount})
            with pytest.raises(ApprovalRequired):
                guard.enforce(BOT, "refund", ORDER, args={"amount": "70.00"})
            (waiting,) = [one for one in guard_approvals(tmp_path) if one["properties"]["amount"] == "70.00"]
            guard.approve(waiting["id"], LEA)
            guard.check(BOT, "refund", ORDER, args={"amount": "70.00"})
            assert guard.enforce(BOT, "refund", ORDER, args={"amount": "70.00"}).allowed
        guard.check(None, "read", ORDER)
        guard.check(BOT, "read", "Order")
        guard.check(BOT, "read", ORDER, {"now": "tomorrow"})
        guard.check(BOT, {"name": "read"}, ORDER, args={"x": 1})
        guard.check(BOT, "send", ORDER, args={"to": {"a@example.com", "b@example.com"}})
        guard.check(BOT, "nonsense", {"type": "Nothing", "id": "x"})
    counts, differences = again(tmp_path / "audit", policies)
    assert not differences
    assert counts.equal + counts.skipped.total() == counts.decisions
    assert counts.equal > 12
    assert set(counts.skipped) <= {IN_PART, NOT_STORED}


def guard_approvals(folder: Path) -> list[dict[str, Any]]:
    """Return the approvals that wait, from the log: id and the action asked for."""
    told = [entry.record["body"]["approval"] for entry in entries(folder / "audit") if entry.record["kind"] == "approval"]
    return [{"id": one["id"], **one["request"]["action"]} for one in told if "request" in one]
