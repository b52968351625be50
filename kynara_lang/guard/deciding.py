"""Deciding one call: by the policies, by approvals, in time, and on record; whatever fails on the way denies.

A decision takes four steps: the policies decide; a call that needs an approval uses one up, or asks for one; the time
it all took is looked at; it is written down. Only then does anybody hear of it.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve

from ..runtime.decision import Decision, DecisionError, Effect
from ..runtime.policyset import PolicySet
from ..runtime.problems import InvalidRequest
from ..semantics import times
from .approvals import Approval, ApprovalError, ApprovalStore, Asked, State
from .clock import Clock
from .contexts import Situation, entity
from .recording import Records
from .refusals import DegradedWarning
from .rulings import Call, Ruling
from .values import Unusable, as_json
from .watching import Policies, Unavailable

LOGGER: Final = logging.getLogger("kynara.guard")


class Decider:
    """Makes rulings on calls; threads share it."""

    def __init__(
        self,
        policies: Policies,
        clock: Clock,
        records: Records | None,
        approvals: ApprovalStore | None,
        *,
        fail_closed: bool,
        budget: float | None,
    ) -> None:
        """Take all that a ruling is made of."""
        self._policies = policies
        self._clock = clock
        self._records = records
        self._approvals = approvals
        self._fail_closed = fail_closed
        self._budget = budget
        self._keeps = records is not None or approvals is not None

    def rule(self, phase: str, call: Call) -> Ruling:
        """Decide a call, see to its approval, and write it down; never raises."""
        if self._records is None and self._approvals is None and self._budget is None:
            return self._weighed(self._evaluated(call))
        started = time.monotonic()
        ruling = self._evaluated(call)
        if self._approvals is not None and ruling.decision.effect is Effect.REQUIRE_APPROVAL:
            self._approve(ruling, self._approvals, started, use=phase == "enforce")
        self._limit(ruling, started)
        self._weighed(ruling)
        if self._records is not None:
            self._record(ruling, self._records, phase, started)
        return ruling

    def _evaluated(self, call: Call) -> Ruling:
        policies: PolicySet | None = None
        request: Mapping[str, Any] = {}
        try:
            policies = self._policies.current()
            if call.problem is not None:
                raise call.problem
            request = self._request(policies, call)
            decision = policies.decide(request)
            if decision.errors and not self._keeps and any(e.code in _SPELLING for e in decision.errors):
                request = _spelled_out(request)  # perhaps it is JSON in all but its Python types
                decision = policies.decide(request)
            ruling = Ruling(decision, request, policies, call.situation)
            if decision.errors and decision.effect is Effect.DENY:
                ruling.fault = next((e for e in decision.errors if e.code == "internal-error" and not e.rule), None)
            return ruling
        except Unusable as problem:
            error = DecisionError("malformed-request", problem.message, path=problem.path)
            return Ruling(_denied(policies, error), _readable(call), policies, call.situation, whole=False)
        except Unavailable as missing:
            why = "; ".join(str(missing).splitlines())
            error = DecisionError("policies-unavailable", f"there are no policies to decide with: {why}")
        except Exception as exception:  # fail closed: whatever went wrong, the answer is no
            error = DecisionError("guard-failed", f"the call could not be decided: {told(exception)}")
        # A call that cannot be put as a request is never let through, whatever else has failed.
        fault = error if call.problem is None else None
        said = request or _readable(call)
        return Ruling(_denied(policies, error), said, policies, call.situation, fault=fault, whole=bool(request))

    def _request(self, policies: PolicySet, call: Call) -> dict[str, Any]:
        """Put a call as a request: the subject and the context are the program's, `context.now` is the guard's."""
        action = call.action
        if call.args is not None:
            if not isinstance(action, str):
                raise Unusable("action", "with `args`, the action is given by its name")
            action = {"name": action, "properties": call.args}
        elif isinstance(action, str):
            action = {"name": action}
        resource = entity(call.resource, "resource") if isinstance(call.resource, str) else call.resource
        request = {
            "subject": call.situation.asking(call.subject),
            "action": action,
            "resource": resource,
            "context": self.context(policies, call.situation, call.context),
        }
        # What is decided, bound to an approval and written down is one thing, whoever holds the caller's objects.
        return _spelled_out(request) if self._keeps else request

    def context(self, policies: PolicySet, situation: Situation, context: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the context of a request: the session's, the time, and what the program says of this call."""
        known = dict(situation.context)
        known[policies.program.context["now"].external] = self._clock.text()
        if context is not None:
            if not isinstance(context, Mapping):
                raise Unusable("context", "the context is an object")
            known.update(context)
        return known

    # --- approvals

    def _approve(self, ruling: Ruling, store: ApprovalStore, started: float, *, use: bool) -> None:
        """Use the approval of a call up, or ask for one; what fails is a denial."""
        try:
            self._seek(ruling, store, started, use=use)
        except InvalidRequest as invalid:
            problem = invalid.problems[0]
            ruling.decision = _denied(ruling.policies, DecisionError(problem.code, problem.message, path=problem.path))
        except _Unrecorded as unrecorded:
            self._approvals_failed(ruling, DecisionError("log-failed", str(unrecorded)))
        except Exception as exception:  # fail closed, whatever the store is
            why = str(exception) if isinstance(exception, ApprovalError) else told(exception)
            self._approvals_failed(ruling, DecisionError("approvals-failed", f"approvals cannot be used: {why}"))

    def _approvals_failed(self, ruling: Ruling, error: DecisionError) -> None:
        """Deny; with `fail_closed=False` the call still waits for an approval that nobody can give."""
        effect = Effect.DENY if self._fail_closed else Effect.REQUIRE_APPROVAL
        ruling.decision = evolve(ruling.decision, effect=effect, errors=(*ruling.decision.errors, error))
        LOGGER.error(error.message)

    def _seek(self, ruling: Ruling, store: ApprovalStore, started: float, *, use: bool) -> None:
        policies, asked = ruling.policies, ruling.decision
        assert policies is not None
        digest = policies.approval_digest(ruling.request)
        now = self._clock.now()
        for _ in range(_ATTEMPTS):
            found = store.find(digest, now)
            if found is None:
                found = self._open(ruling, store, digest, now)
            ruling.approval = found
            if found.state is State.REJECTED:
                who = ", ".join(answer.name for answer in found.answers if answer.verdict == State.REJECTED)
                error = DecisionError("approval-rejected", f"{who} rejected this call (`{found.id}`)")
                ruling.decision = evolve(asked, effect=Effect.DENY, errors=(*asked.errors, error))
                return
            if found.state is not State.APPROVED or not use:
                return
            decision = policies.decide(ruling.request, found.evidence())
            if decision.effect is Effect.DENY:
                ruling.decision = decision
                return
            if not decision.allowed and _ahead(found, policies, ruling.request):
                LOGGER.warning(
                    "`%s` was approved at a time that is still to come by the clock of this call; it is not used, and"
                    " counts again from then on",
                    found.id,
                )
                return
            if not decision.allowed:  # who approved may not any more, or the policy asks for more than it did
                if store.void(found.id, now):
                    self._step("expired", store.get(found.id))
            elif self._late(started) is not None:
                return  # `_limit` denies it, and the approval is kept
            elif store.consume(found.id, now):
                ruling.decision, ruling.used = decision, store.get(found.id)
                self._step("consumed", ruling.used)
                return
        raise ApprovalError("others use the approvals of this call faster than they are given")

    def _open(self, ruling: Ruling, store: ApprovalStore, digest: str, now: int) -> Approval:
        for gone in store.expire(now):
            self._step("expired", gone)
        asked = [
            Asked(s.rule, s.quorum, s.approvers, s.expires_in) for s in ruling.decision.approvals if not s.satisfied
        ]
        found, new = store.open(
            digest=digest,
            policy_digest=ruling.decision.policy_digest,
            request=ruling.request,
            rules=asked,
            now=now,
            session=ruling.situation.session,
            trace_id=ruling.situation.trace_id,
        )
        if new:
            self._step("requested", found)
        return found

    def _step(self, step: str, approval: Approval) -> None:
        if self._records is None:
            return
        try:
            self._records.approval(step, approval)
        except Exception as exception:  # fail closed, whatever the log is
            message = f"the approval step `{step}` of `{approval.id}` was not recorded: {told(exception)}"
            if self._fail_closed:
                raise _Unrecorded(message) from None
            warn(message)

    # --- the end of a decision

    def _late(self, started: float) -> DecisionError | None:
        taken = time.monotonic() - started
        if self._budget is None or taken <= self._budget:
            return None
        return DecisionError("timed-out", f"deciding took {taken:.3f} seconds; {self._budget:g} are allowed")

    def _limit(self, ruling: Ruling, started: float) -> None:
        late = self._late(started)
        if late is not None:
            errors = (*ruling.decision.errors, late)
            if ruling.decision.allowed:
                ruling.fault = late
            ruling.decision = evolve(ruling.decision, effect=Effect.DENY, errors=errors)

    def _weighed(self, ruling: Ruling) -> Ruling:
        """Let a call through that could not be decided, if that is what the guard was told to do."""
        if ruling.fault is not None and not self._fail_closed:
            ruling.degraded = ruling.fault.message
            ruling.decision = evolve(ruling.decision, effect=Effect.ALLOW)
            warn(f"let through although {ruling.degraded}")
        return ruling

    def _record(self, ruling: Ruling, records: Records, phase: str, started: float) -> None:
        """Write a decision down before anybody hears of it; what is not written down is not allowed."""
        try:
            ruling.receipt = records.decision(ruling, phase)
        except Exception as exception:  # fail closed, whatever the log is
            error = DecisionError("log-failed", f"the decision was not recorded: {told(exception)}")
            self._unrecorded(ruling, error)
            return
        late = self._late(started)
        if late is not None and ruling.decision.allowed and ruling.fault is None:
            # The record says that it was allowed; another says that it was not done.
            self.ended(ruling, "timed_out", None, 0)
            self._unrecorded(ruling, late)

    def _unrecorded(self, ruling: Ruling, error: DecisionError) -> None:
        LOGGER.error(error.message)
        errors = (*ruling.decision.errors, error)
        effect = ruling.decision.effect if not self._fail_closed else Effect.DENY
        if effect is Effect.ALLOW:
            ruling.degraded = error.message
            warn(f"let through although {error.message}")
        ruling.decision = evolve(ruling.decision, effect=effect, errors=errors)

    def ended(self, ruling: Ruling, status: str, error: BaseException | None, taken_ns: int) -> None:
        """Record how a call ended that was let through; it is done, so what fails here is only said."""
        if self._records is None or ruling.receipt is None:
            return
        try:
            self._records.outcome(ruling, status, None if error is None else type(error).__name__, taken_ns // 1000)
        except Exception as exception:
            warn(f"the outcome of record {ruling.receipt.seq} was not recorded: {told(exception)}")


_SPELLING: Final = frozenset({"wrong-type", "malformed-request"})


def _spelled_out(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as JSON that shares nothing with the caller's; raise `Unusable`."""
    return {name: as_json(part, name) for name, part in request.items()}


class _Unrecorded(Exception):
    """A step was not recorded, and nothing may come of it."""


_ATTEMPTS: Final = 8
"""How often a guard looks for an approval that others use up before it does."""


def warn(message: str) -> None:
    """Say loudly that a call was let through, or not recorded, because something failed."""
    LOGGER.error(message)
    warnings.warn(message, DegradedWarning, stacklevel=2)


def _ahead(approval: Approval, policies: PolicySet, request: Mapping[str, Any]) -> bool:
    """Tell whether a clock went back since somebody approved: such an approval counts for nothing, but is no worse."""
    now = times.read_time(request["context"][policies.program.context["now"].external])
    return any(answer.at > now for answer in approval.granted)


def _denied(policies: PolicySet | None, error: DecisionError) -> Decision:
    return Decision(Effect.DENY, policies.digest if policies is not None else "", errors=(error,))


def told(error: BaseException) -> str:
    """Return what an exception says, beginning with what it is."""
    kind = type(error).__name__
    try:
        said = str(error)
    except Exception:  # an exception of a caller's object can fail even in telling what it is about
        return f"{kind}, which cannot say what it is about"
    return f"{kind}: {said}" if said else kind


def _readable(call: Call) -> dict[str, Any]:
    """Return what can be told of a call that is no request: the parts that can be read."""
    return dict(_parts(call))


def _parts(call: Call) -> Iterator[tuple[str, Any]]:
    action = {"name": call.action} if isinstance(call.action, str) else call.action
    for name, part in (
        ("subject", call.subject or call.situation.requester),
        ("action", action),
        ("resource", call.resource),
    ):
        try:
            if isinstance(part, Mapping):
                yield name, as_json(part, name)
            elif isinstance(part, str):
                yield name, entity(part, name)
        except Exception:  # the object of a caller can raise anything; this part is then not told
            continue
