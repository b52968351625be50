"""The guard: puts decisions between a program and what it does.

from kynara_lang.guard import Guard

guard = Guard("policies/")

@guard.tool(action="refund", resource="Order::{order}")
def refund(order: str, amount: Decimal) -> str: ...

with guard.session("Agent::refund-bot"), guard.acting_for("User::alice"):
    refund("o-1", Decimal("10.00"))
"""

from __future__ import annotations

from .approvals import Answer, Approval, ApprovalError, ApprovalStore, State, StoreError
from .contexts import Situation
from .guard import Guard
from .recording import Recorder
from .refusals import ApprovalRequired, DegradedWarning, GuardWarning, NotAllowed, PermissionDenied
from .watching import Change, Unavailable

__all__ = [
    "Guard",
    "NotAllowed",
    "PermissionDenied",
    "ApprovalRequired",
    "ApprovalStore",
    "Approval",
    "Answer",
    "State",
    "ApprovalError",
    "StoreError",
    "Situation",
    "Change",
    "Unavailable",
    "Recorder",
    "GuardWarning",
    "DegradedWarning",
]
