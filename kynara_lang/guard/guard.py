"""The guard: decides calls where they are made, and lets through only what is allowed.

Whatever fails on the way, the answer is no and says what failed; `deciding` has the way. There is no cache: every call
is decided anew.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from ..program import AnyPath, Paths
from ..runtime.audience import agent_reason
from ..runtime.decision import Decision, Effect
from ..runtime.policyset import PolicySet
from . import contexts, granting
from .approvals import Approval, ApprovalError, ApprovalStore
from .clock import Clock
from .contexts import Entered, EntityLike, Situation
from .deciding import LOGGER, Decider, told, warn
from .granting import Granted
from .recording import Recorder, Records
from .refusals import ApprovalRequired, GuardWarning, PermissionDenied
from .rulings import Call, Ruling
from .templates import Shape
from .values import Unusable, as_json
from .watching import INTERVAL, Change, Unavailable, Watched, source_of
from .wrapping import Guarded, Tool, guarded_tool

if TYPE_CHECKING:
    from ..audit.records import Redaction
    from .discovery import Discovered


class Guard:
    """Decides calls by policies, writes it down, and lets through what is allowed; threads and tasks can share it."""

    def __init__(
        self,
        policies: PolicySet | Watched | Paths,
        log: Recorder | None = None,
        approvals: ApprovalStore | AnyPath | None = None,
        fail_closed: bool = True,
        *,
        budget: float | None = None,
        clock: Callable[[], int] = time.time_ns,
        on_change: Callable[[Change], object] | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        """Take what to decide by, where to write it down, and where approvals are kept.

        `policies` are compiled already, or paths that are loaded now; while they do not load, everything is denied.
        `log` is a `kynara_lang.audit.Log`. `budget` is how many seconds a decision may take: one that took longer is
        denied. (Nothing is interrupted; evaluation is bounded, and the approval store and the log give up on their
        own.) `clock` gives `context.now`, in nanoseconds since 1970. `on_change` is told what becomes of the
        policies. With `fail_closed=False` calls that cannot be decided or recorded are let through, with a warning
        each.
        """
        if log is not None and not callable(getattr(log, "append", None)):
            raise TypeError(f"`log` is an open log, such as `kynara_lang.audit.Log.open(path)`, not {log!r}")
        self._situation: ContextVar[Situation] = ContextVar("kynara_situation", default=contexts.NOBODY)
        self._clock = Clock(clock)
        self._records = None if log is None else Records(log, redaction)
        self._approvals = ApprovalStore(approvals) if isinstance(approvals, str | os.PathLike) else approvals
        self._on_change = on_change
        self._problem: str | None = None
        if not fail_closed:
            warnings.warn("fail_closed=False: calls that cannot be decided are let through", GuardWarning, stacklevel=2)
        self._policies = source_of(policies, self._changed)
        self._decider = Decider(
            self._policies, self._clock, self._records, self._approvals, fail_closed=fail_closed, budget=budget
        )
        self.may_wait = log is not None or self._approvals is not None or isinstance(policies, Watched)

    @classmethod
    def watch(
        cls,
        paths: Paths,
        log: Recorder | None = None,
        approvals: ApprovalStore | AnyPath | None = None,
        fail_closed: bool = True,
        *,
        entities: AnyPath | None = None,
        interval: float = INTERVAL,
        budget: float | None = None,
        clock: Callable[[], int] = time.time_ns,
        on_change: Callable[[Change], object] | None = None,
        redaction: Redaction | None = None,
    ) -> Guard:
        """Return a guard that loads its policies again when their files change.

        The files (and `entities`, a store as JSON) are looked at when a decision is asked for, every `interval`
        seconds at most. A new version is loaded when two looks in a row saw the same, and decides from then on if it
        compiles; else the old one goes on, with a warning, a record, and `on_change` saying so.
        """
        return cls(
            Watched(paths, entities, interval),
            log,
            approvals,
            fail_closed,
            budget=budget,
            clock=clock,
            on_change=on_change,
            redaction=redaction,
        )

    # --- asking

    def check(
        self,
        subject: EntityLike | None,
        action: Mapping[str, Any] | str,
        resource: EntityLike,
        context: Mapping[str, Any] | None = None,
        *,
        args: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Return what is decided of a call; never raises, and uses no approval up.

        `subject` is None for that of the session. An action with arguments is `"refund", args={"amount": …}`, or has
        the JSON shape. A call that needs an approval is put before the approvers.
        """
        return self._decider.rule(
            "check", Call(subject, action, resource, context, args, self._situation.get())
        ).decision

    def enforce(
        self,
        subject: EntityLike | None,
        action: Mapping[str, Any] | str,
        resource: EntityLike,
        context: Mapping[str, Any] | None = None,
        *,
        args: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Return the decision of a call that may go ahead now, or raise `PermissionDenied` or `ApprovalRequired`.

        An approval that lets it go ahead is used up.
        """
        return self.let_through(Call(subject, action, resource, context, args, self._situation.get())).decision

    def guarded(
        self,
        subject: EntityLike | None,
        action: Mapping[str, Any] | str,
        resource: EntityLike,
        context: Mapping[str, Any] | None = None,
        *,
        args: Mapping[str, Any] | None = None,
    ) -> Guarded:
        """Return a context manager, for `with` and `async with`: it enforces, and records how what is inside ends."""
        return Guarded(self, Call(subject, action, resource, context, args, self._situation.get()))

    def tool(
        self,
        action: str,
        resource: Shape,
        args: Shape = None,
        *,
        apart_from: Collection[str] = (),
    ) -> Tool:
        """Return a decorator that guards a function, sync or async: each of its calls is decided before it runs.

        `resource` is the entity that is acted on: `"Order::{order}"`, a mapping, or a function of parameters by name.
        `args` names arguments otherwise than the parameters (`{"amount": "{sum}"}`) or works them out (a function of
        parameters by name that returns a mapping); all other parameters are arguments under their own names.
        `apart_from` are parameters that no policy is to see, such as a connection that the program passes in.

        The function gets the values that were decided upon. Raises `ValueError` for what cannot be meant.
        """
        return guarded_tool(self, action, resource, args, apart_from)

    def discover(
        self, subject: EntityLike | None = None, context: Mapping[str, Any] | None = None
    ) -> tuple[Discovered, ...]:
        """Return the actions that could be allowed or approved, with what remains to be known of their arguments.

        Nothing is recorded, and nothing is put before approvers. Without policies, nothing is discovered.
        """
        from .discovery import discover  # only here: it loads the analysis

        situation = self._situation.get()
        try:
            policies = self._policies.current()
            asking = as_json(situation.asking(subject), "subject")
            return discover(policies, asking, self._decider.context(policies, situation, context))
        except (Unavailable, Unusable) as problem:
            warnings.warn(f"nothing is discovered: {problem}", GuardWarning, stacklevel=2)
            return ()

    # --- answering

    def approve(self, id: str, approver: EntityLike, *, note: str | None = None) -> Granted:
        """Approve a call that waits, as somebody whom the program has authenticated; raise `ApprovalError` if not.

        It is recorded before it counts. Nothing that an agent can call may lead here.
        """
        return granting.approve(self._answerable, self.policies, id, approver, **self._answering(note))

    def reject(self, id: str, approver: EntityLike, *, note: str | None = None) -> Approval:
        """Reject a call that waits, as somebody who could have approved it; raise `ApprovalError` if not."""
        return granting.reject(self._answerable, self.policies, id, approver, **self._answering(note))

    @property
    def _answerable(self) -> ApprovalStore:
        if self._approvals is None:
            raise ApprovalError("this guard has no approval store")
        return self._approvals

    def _answering(self, note: str | None) -> dict[str, Any]:
        return {"now": self._clock.now(), "note": note, "recorded": self._answered}

    def _answered(self, after: Approval) -> None:
        if self._records is not None:
            self._records.approval(granting.step_of(after), after, after.answers[-1].approver)

    # --- who is calling

    def session(
        self,
        subject: EntityLike | None = None,
        *,
        id: str | None = None,
        context: Mapping[str, Any] | None = None,
        trace_id: str | None = None,
    ) -> Entered:
        """Return a context manager in which `subject` is calling, with what is known of the context.

        The subject of a session inside another acts for everyone who was calling outside: a sub-agent gets no more than
        the agent that started it. The guard sees to `context.now` itself. Raises `ValueError` for what is no entity.
        """
        try:
            return Entered(self._situation, contexts.in_session(subject, id, context, trace_id))
        except Unusable as problem:
            raise ValueError(f"{problem.path}: {problem.message}") from None

    def acting_for(self, principal: EntityLike) -> Entered:
        """Return a context manager in which whoever calls acts for `principal`, and gets no more than they have."""
        try:
            return Entered(self._situation, contexts.acting_for(principal))
        except Unusable as problem:
            raise ValueError(f"{problem.path}: {problem.message}") from None

    @property
    def situation(self) -> Situation:
        """Who is calling here and now."""
        return self._situation.get()

    # --- the policies

    @property
    def policies(self) -> PolicySet:
        """The policies that decide now; raises `Unavailable` while there are none."""
        return self._policies.current()

    @property
    def problem(self) -> str | None:
        """Why the newest version of the policies is not in use, or None if it is."""
        return self._problem

    def reload(self) -> bool:
        """Load the policies from their files now; return whether they are in use."""
        return self._policies.reload()

    def _changed(self, change: Change) -> None:
        """Say what became of the policies: in the log, in a warning if it is bad, and to whoever asked to be told."""
        self._problem = change.problem
        if change.problem is None:
            LOGGER.info("policies %s decide from now on", change.digest)
        else:
            rest = f"those loaded before ({change.before[:19]}…) go on" if change.before else "everything is denied"
            message = f"policies do not load, {rest}: {change.problem}"
            LOGGER.error(message)
            warnings.warn(message, GuardWarning, stacklevel=2)
        if self._records is not None:
            try:
                self._records.policy(change)
            except Exception as error:  # decisions will not be recorded either, and are denied for that
                warn(f"a change of the policies was not recorded: {told(error)}")
        if self._on_change is not None:
            try:
                self._on_change(change)
            except Exception as error:  # whoever is told must not be able to stop what they are told of
                LOGGER.error("on_change failed: %s", told(error))

    # --- deciding

    def let_through(self, call: Call) -> Ruling:
        """Return the ruling on a call that may go ahead, or raise why it may not."""
        ruling = self._decider.rule("enforce", call)
        if not ruling.decision.allowed:
            self._refuse(ruling)
        return ruling

    def _refuse(self, ruling: Ruling) -> NoReturn:
        reason = agent_reason(ruling.decision, ruling.request)
        if ruling.decision.effect is Effect.REQUIRE_APPROVAL:
            raise ApprovalRequired(ruling.decision, reason, ruling.request, ruling.approval)
        raise PermissionDenied(ruling.decision, reason, ruling.request)

    def ended(self, ruling: Ruling, status: str, error: BaseException | None, taken_ns: int) -> None:
        """Record how a call ended that was let through."""
        self._decider.ended(ruling, status, error, taken_ns)
