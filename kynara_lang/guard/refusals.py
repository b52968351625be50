"""What the guard raises: a call that is not let through, with what may be told to whoever made it.

Programs feed the text of an exception to a model without a second thought. So the text of these is the reason that is
fit for an agent; everything else, which an author may see, is in `decision` and never in the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..runtime.audience import AgentReason
from ..runtime.decision import Decision

if TYPE_CHECKING:
    from .approvals import Approval


class NotAllowed(Exception):
    """A call was not let through; `reason` is for whoever made the call, everything else for the program.

    `request` is what was decided, as far as it could be read; `guard.policies.explain(request)` says why.
    """

    def __init__(self, decision: Decision, reason: AgentReason, request: Mapping[str, Any]) -> None:
        """Take the decision, what may be told of it, and what it is about."""
        super().__init__(reason.message)
        self.decision = decision
        self.reason = reason
        self.request = request

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it pass to another process whole."""
        return type(self), (self.decision, self.reason, self.request)


class PermissionDenied(NotAllowed):
    """A call is denied, by the policies or because something failed; `decision.errors` says which."""


class ApprovalRequired(NotAllowed):
    """A call waits for an approval; `approval` is the request for it, None if the guard has no approval store."""

    def __init__(
        self, decision: Decision, reason: AgentReason, request: Mapping[str, Any], approval: Approval | None = None
    ) -> None:
        """Take also the request for approval that waits for somebody to answer it."""
        super().__init__(decision, reason, request)
        self.approval = approval

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it pass to another process whole."""
        return type(self), (self.decision, self.reason, self.request, self.approval)


class GuardWarning(UserWarning):
    """Something is wrong with how calls are guarded, and the program goes on."""


class DegradedWarning(GuardWarning):
    """A call was let through although it could not be decided or recorded, because of `fail_closed=False`."""
