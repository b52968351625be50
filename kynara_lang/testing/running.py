"""Runs tests: asks the program what it decides, and compares it with what was expected."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from ..runtime.decision import Decision, DecisionError
from ..runtime.policyset import PolicySet
from ..semantics import times
from .cases import Case, Test


@frozen(eq=False)
class Outcome:
    """What came of one `expect`.

    `missing` are the rules that it names and that did not determine the decision; `determining` those that did.
    `invalid` says what is wrong with its request.
    """

    case: Case
    decision: Decision
    determining: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    invalid: tuple[DecisionError, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it is as expected; an invalid request never is, even where a denial was wanted."""
        return not self.invalid and not self.missing and self.decision.effect.value == self.case.wanted


@frozen(eq=False)
class TestResult:
    """What came of one test, and how many seconds it took."""

    __test__ = False  # not a test class of pytest

    test: Test
    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return self.test.problem is None and all(outcome.passed for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The expectations that were not met."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)


def run_test(policies: PolicySet, test: Test) -> TestResult:
    """Run one test to its end, whatever fails in it."""
    start = time.perf_counter()
    outcomes = tuple(judge(policies, case) for case in test.cases)
    return TestResult(test, outcomes, time.perf_counter() - start)


def judge(policies: PolicySet, case: Case) -> Outcome:
    """Decide the request of an expectation, and see whether it is met."""
    decision = policies.decide(case.request)
    if case.approvers and decision.approvals:
        decision = policies.decide(case.request, evidence_of(policies, case, decision))
    invalid = invalid_parts(decision)
    if invalid:
        return Outcome(case, decision, invalid=invalid)
    if not case.because and decision.effect.value == case.wanted:
        return Outcome(case, decision)
    determining = policies.determining(case.request)
    if case.approvers and decision.allowed:  # by the approvals that were given, and by the permits behind them
        determining |= frozenset(decision.rules)
    missing = tuple(name for name in case.because if name not in determining)
    return Outcome(case, decision, tuple(sorted(determining)), missing)


def evidence_of(policies: PolicySet, case: Case, decision: Decision | None = None) -> list[dict[str, Any]]:
    """Return the approvals that a test gives: of each rule that asks for one, for this very call, from now on."""
    decision = decision or policies.decide(case.request)
    if not case.approvers or not decision.approvals:
        return []
    digest, now = policies.approval_digest(case.request), case.request.get("context", {}).get("now")
    begins = times.read_time(now) if isinstance(now, str) else 0
    return [
        {
            "rule": status.rule,
            "digest": digest,
            "approvers": list(case.approvers),
            "expires": times.format_time(begins + status.expires_in * 10**9),
        }
        for status in decision.approvals
    ]


def invalid_parts(decision: Decision) -> tuple[DecisionError, ...]:
    """Return what is wrong with a request, if that is why it is denied; errors inside rules are none of these."""
    return tuple(error for error in decision.errors if error.rule is None)


def notices(policies: PolicySet, cases: Iterable[Case]) -> Case | None:
    """Return the first expectation that a program does not meet, None where it meets all."""
    return next((case for case in cases if not judge(policies, case).passed), None)
