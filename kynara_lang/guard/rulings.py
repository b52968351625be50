"""What the guard works on: a call that somebody wants to make, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import define

from ..runtime.decision import Decision, DecisionError
from ..runtime.policyset import PolicySet
from .approvals import Approval
from .contexts import NOBODY, EntityLike, Situation
from .values import Unusable


class Receipt(Protocol):
    """What a log gives for a record that is durable."""

    @property
    def seq(self) -> int:
        """The number of the record."""


@define
class Call:
    """What is asked: may this be done? `problem` says why it cannot even be put as a request."""

    subject: EntityLike | None
    action: Any
    resource: Any
    context: Mapping[str, Any] | None
    args: Mapping[str, Any] | None
    situation: Situation
    problem: Unusable | None = None


@define
class Ruling:
    """What became of a call: the decision, the request as it was decided upon, and its record.

    `fault` says that the decision is not the policies' but comes of something that failed; `degraded`, that it lets a
    call through in spite of that. `used` is the approval that it used up. `whole` says that the request holds all of
    the call, and not just what of it can be told.
    """

    decision: Decision
    request: Mapping[str, Any]
    policies: PolicySet | None = None
    situation: Situation = NOBODY
    fault: DecisionError | None = None
    degraded: str | None = None
    approval: Approval | None = None
    used: Approval | None = None
    whole: bool = True
    receipt: Receipt | None = None


class Enforcer(Protocol):
    """What lets calls through: a guard, as far as wrapped functions know it."""

    @property
    def situation(self) -> Situation:
        """Who is calling here and now."""

    @property
    def may_wait(self) -> bool:
        """Whether a decision may have to wait for a disk."""

    def let_through(self, call: Call) -> Ruling:
        """Return the ruling on a call that may go ahead, or raise why it may not."""

    def ended(self, ruling: Ruling, status: str, error: BaseException | None, taken_ns: int) -> None:
        """Record how a call ended that was let through."""
