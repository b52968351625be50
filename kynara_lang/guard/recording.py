"""Writes down what the guard does: every decision before it is returned, approval steps, policy changes and outcomes.

What is written is made by `kynara_lang.audit.records`; where it goes is a log that is durable when `append` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from .approvals import Approval
from .rulings import Receipt, Ruling
from .watching import Change

if TYPE_CHECKING:
    from ..audit.records import Redaction
    from ..runtime.policyset import PolicySet


class Recorder(Protocol):
    """A log: `kynara_lang.audit.Log`, or anything that keeps as well what it is given."""

    def append(self, kind: str, body: Mapping[str, Any], /) -> Receipt:
        """Store a record durably, or raise; safe to call from several threads."""


class Records:
    """Makes records of what happens, and stores them; raises whatever the log raises."""

    def __init__(self, log: Recorder, redaction: Redaction | None = None) -> None:
        """Take the log, and what of the arguments is not to be stored as it is."""
        from ..audit import records  # only here: a guard without a log needs none of it

        self._log = log
        self._redaction = redaction
        self._bodies = records

    def decision(self, ruling: Ruling, phase: str) -> Receipt:
        """Store a decision with the request that it is about, and the approval that it used up."""
        body = self._bodies.decision_body(
            ruling.policies if ruling.policies is not None else self._nothing,
            ruling.request,
            ruling.decision,
            phase=phase,
            session=ruling.situation.session,
            trace_id=ruling.situation.trace_id,
            degraded=ruling.degraded,
            approvals=ruling.used.evidence() if ruling.used is not None else (),
            redaction=self._redaction,
            whole=ruling.whole,
        )
        return self._log.append("decision", body)

    def outcome(self, ruling: Ruling, status: str, error: str | None, duration_us: int) -> None:
        """Store how a call ended that was let through."""
        assert ruling.receipt is not None
        situation = ruling.situation
        body = self._bodies.outcome_body(
            ruling.receipt.seq,
            status=status,
            error=error,
            duration_us=duration_us,
            session=situation.session,
            trace_id=situation.trace_id,
        )
        self._log.append("outcome", body)

    def approval(self, step: str, approval: Approval, by: Mapping[str, Any] | None = None) -> None:
        """Store a step of an approval."""
        body = self._bodies.approval_body(step, approval.to_dict(), by=by, redaction=self._redaction)
        self._log.append("approval", body)

    def policy(self, change: Change) -> None:
        """Store that policies were loaded, took the place of others, or were refused."""
        body = self._bodies.policy_body(digest=change.digest, before=change.before, problem=change.problem)
        self._log.append("policy", body)

    @cached_property
    def _nothing(self) -> PolicySet:
        """The empty program, for decisions that were made while there were no policies."""
        from ..program import loads

        return loads("")
