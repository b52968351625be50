"""Whatever fails, the answer is no and says what failed; and what `fail_closed=False` changes about that."""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.guard import (
    ApprovalRequired,
    ApprovalStore,
    DegradedWarning,
    Guard,
    GuardWarning,
    PermissionDenied,
    State,
)
from kynara_lang.guard.granting import approve
from kynara_lang.runtime.decision import Decision, Effect
from kynara_lang.runtime.plain import PlainRequests
from kynara_lang.runtime.policyset import PolicySet
from tests.guard.programs import BOT, DAVE, LEA, ORDER, START, Kept, SetClock, program

POLICIES = program()


def code(decision: Decision) -> str:
    assert decision.effect is Effect.DENY
    return decision.errors[-1].code


class Raising(PolicySet):
    def decide(self, request: Any, approvals: Any = ()) -> Decision:
        raise MemoryError("no more")


class Broken(PolicySet):
    """Policies in which something is wrong that no request can be blamed for."""

    def _prepared(self, request: Any) -> Any:
        raise ZeroDivisionError

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._plain = Failing(self._engine)


class Failing(PlainRequests):
    def decide(self, raw: Any) -> Any:
        raise ZeroDivisionError


class Slow(PolicySet):
    def decide(self, request: Any, approvals: Any = ()) -> Decision:
        time.sleep(0.02)
        return super().decide(request, approvals)


class BrokenStore(ApprovalStore):
    def __init__(self) -> None: ...

    def find(self, digest: str, now: int) -> Any:
        raise OSError("gone")


@pytest.fixture
def loud() -> Iterator[None]:
    """A guard that fails open warns when it is made."""
    with pytest.warns(GuardWarning, match="fail_closed=False"):
        yield


# --- closed


@pytest.mark.parametrize(("kind", "expected"), [(Raising, "guard-failed"), (Broken, "internal-error")])
def test_an_exception_in_evaluation_denies(kind: type[PolicySet], expected: str) -> None:
    guard = Guard(kind(POLICIES.program))
    assert code(guard.check(BOT, "read", ORDER)) == expected
    with pytest.raises(PermissionDenied):
        guard.enforce(BOT, "read", ORDER)


def test_policies_that_do_not_load_deny(tmp_path: Path) -> None:
    (tmp_path / "shop.kyn").write_text("permit everything", encoding="utf-8")
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.warns(GuardWarning, match="everything is denied"):
            guard = Guard(path)
        decision = guard.check(BOT, "read", ORDER)
        assert code(decision) == "policies-unavailable"
        assert decision.policy_digest == ""
        assert guard.problem is not None
        assert "; ".join(guard.problem.splitlines()) in decision.errors[0].message
        with pytest.raises(PermissionDenied) as denied:
            guard.enforce(BOT, "read", ORDER)
        assert "policies" not in str(denied.value)


def test_policies_may_be_a_path(tmp_path: Path) -> None:
    from tests.guard.programs import TEXT

    (tmp_path / "shop.kyn").write_text(TEXT, encoding="utf-8")
    assert Guard(str(tmp_path)).enforce(BOT, "read", ORDER).policy_digest == kynara.load(tmp_path).digest


def test_a_log_that_cannot_be_written_denies() -> None:
    log = Kept(failing={"decision"})
    guard = Guard(POLICIES, log)
    ran = []
    decision = guard.check(BOT, "read", ORDER)
    assert code(decision) == "log-failed"
    assert "No space left" in decision.errors[0].message

    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str) -> None:
        ran.append(order)

    with guard.session(BOT), pytest.raises(PermissionDenied) as denied:
        look("o")
    assert "space" not in str(denied.value)
    assert ran == []


def test_a_record_that_is_too_large_denies(tmp_path: Path) -> None:
    from kynara_lang.audit import Log

    with Log.open(tmp_path / "log") as log:
        guard = Guard(POLICIES, log)
        assert guard.check(BOT, "refund", ORDER, args={"amount": 1, "note": "x" * 1000}).allowed
        assert code(guard.check(BOT, "refund", ORDER, args={"amount": 1, "note": "x" * 70_000})) == "log-failed"
        assert guard.check(BOT, "read", ORDER).allowed


def test_a_decision_that_takes_too_long_is_a_denial() -> None:
    log = Kept()
    guard = Guard(Slow(POLICIES.program), log, budget=0.005)
    assert code(guard.check(BOT, "read", ORDER)) == "timed-out"
    assert log.of("decision")[-1]["errors"][0]["code"] == "timed-out"
    assert Guard(Slow(POLICIES.program), budget=60).check(BOT, "read", ORDER).allowed


def test_a_log_that_takes_too_long_is_a_denial_and_said_to_be_one() -> None:
    log = Kept(delay=0.02)
    assert code(Guard(POLICIES, log, budget=0.015).check(BOT, "read", ORDER)) == "timed-out"
    assert log.of("decision")[-1]["decision"] == "allow"
    assert log.of("outcome") == [
        {"decision_seq": 1, "status": "timed_out", "error": None, "duration_us": 0, "session": None, "trace_id": None}
    ]


def test_an_approval_is_not_used_up_by_a_decision_that_takes_too_long(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(POLICIES, approvals=store, clock=SetClock())
    args = {"amount": "80.00"}
    guard.check(BOT, "refund", ORDER, args=args)
    (asked,) = store.requests()
    approve(store, POLICIES, asked.id, LEA, now=START)
    slow = Guard(Slow(POLICIES.program), approvals=store, clock=SetClock(), budget=0.005)
    with pytest.raises(PermissionDenied):
        slow.enforce(BOT, "refund", ORDER, args=args)
    assert store.get(asked.id).state is State.APPROVED


def test_a_broken_approval_store_denies(tmp_path: Path) -> None:
    guard = Guard(POLICIES, approvals=BrokenStore())
    assert code(guard.check(BOT, "refund", ORDER, args={"amount": 80})) == "approvals-failed"
    assert guard.check(BOT, "read", ORDER).allowed  # nothing to approve


@pytest.mark.parametrize("harm", ["remove", "junk", "folder"])
def test_a_store_that_breaks_later_denies(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "approvals.db"
    guard = Guard(POLICIES, approvals=path)
    guard.check(BOT, "refund", ORDER, args={"amount": 80})
    for file in tmp_path.iterdir():
        file.unlink()
    if harm == "junk":
        path.write_bytes(b"junk" * 1000)
    elif harm == "folder":
        path.mkdir()
    decision = guard.check(BOT, "refund", ORDER, args={"amount": 80})
    assert code(decision) == "approvals-failed"
    assert (harm == "remove") is not path.exists()  # an empty store in its place would be one without rejections


def test_an_approval_step_that_is_not_recorded_denies(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    log = Kept(failing={"approval"})
    guard = Guard(POLICIES, log, store)
    decision = guard.check(BOT, "refund", ORDER, args={"amount": 80})
    assert code(decision) == "log-failed"
    assert "`requested`" in decision.errors[0].message


def test_an_outcome_that_is_not_recorded_is_said() -> None:
    guard = Guard(POLICIES, Kept(failing={"outcome"}))
    with pytest.warns(DegradedWarning, match="outcome of record 1"), guard.guarded(BOT, "read", ORDER):
        pass
    with pytest.warns(DegradedWarning), pytest.raises(KeyError), guard.guarded(BOT, "read", ORDER):
        raise KeyError  # what went wrong inside is what the caller hears of


# --- open, and loud


def test_what_cannot_be_decided_is_let_through_if_it_must_be(loud: None) -> None:
    log = Kept()
    for kind in (Raising, Broken):
        guard = Guard(kind(POLICIES.program), log, fail_closed=False)
        with pytest.warns(DegradedWarning, match="let through"):
            decision = guard.enforce(BOT, "read", ORDER)
        assert decision.allowed
        body = log.of("decision")[-1]
        assert (body["decision"], bool(body["degraded"])) == ("allow", True)
        assert body["errors"]


def test_policies_that_do_not_load_let_through_if_they_must(tmp_path: Path) -> None:
    log = Kept()
    with pytest.warns(GuardWarning):
        guard = Guard(tmp_path / "missing", log, fail_closed=False)
    with pytest.warns(DegradedWarning):
        assert guard.enforce(DAVE, "read", ORDER).allowed
    assert log.of("decision")[-1]["degraded"]


def test_what_cannot_be_recorded_is_let_through_only_if_it_is_allowed(loud: None) -> None:
    guard = Guard(POLICIES, Kept(failing={"decision"}), fail_closed=False)
    with pytest.warns(DegradedWarning, match="not recorded"):
        assert guard.enforce(BOT, "read", ORDER).allowed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert guard.check(DAVE, "read", ORDER).effect is Effect.DENY
        assert guard.check(BOT, "refund", ORDER, args={"amount": 80}).effect is Effect.REQUIRE_APPROVAL


def test_what_is_decided_stays_decided(loud: None, tmp_path: Path) -> None:
    guard = Guard(POLICIES, approvals=BrokenStore(), fail_closed=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert guard.check(DAVE, "read", ORDER).effect is Effect.DENY
        assert guard.check(None, "read", ORDER).effect is Effect.DENY
        assert guard.check(BOT, "refund", ORDER, args={"amount": "many"}).effect is Effect.DENY
        with pytest.raises(ApprovalRequired):
            guard.enforce(BOT, "refund", ORDER, args={"amount": 80})

        @guard.tool(action="read", resource="Order::{order}")
        def look(order: Any) -> None: ...

        with guard.session(BOT), pytest.raises(PermissionDenied):
            look(object())


def test_a_call_without_readable_arguments_never_runs(tmp_path: Path) -> None:
    with pytest.warns(GuardWarning):
        guard = Guard(tmp_path / "missing", fail_closed=False)
    ran = []

    @guard.tool(action="read", resource="Order::{order}")
    def look(order: Any) -> None:
        ran.append(order)

    with guard.session(BOT), pytest.raises(PermissionDenied):
        look(object())
    assert ran == []


def test_a_slow_decision_is_let_through_if_it_must_be(loud: None) -> None:
    log = Kept()
    guard = Guard(Slow(POLICIES.program), log, budget=0.005, fail_closed=False)
    with pytest.warns(DegradedWarning, match="took"):
        assert guard.enforce(BOT, "read", ORDER).allowed
    assert "took" in log.of("decision")[-1]["degraded"]
    assert guard.check(DAVE, "read", ORDER).effect is Effect.DENY
