"""What a caller may be told: a short, stable reason that says nothing of the policy.

An agent that learns which rule stopped it, or which attribute it lacked, learns how to get around it. So it is told
only what it sent itself and what to do next: everything here is a fixed text, filled with the action's name and the
resource of its own request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from .decision import Decision, Effect

_LONGEST = 80
_ARGUMENTS = "action.properties."  # what the caller itself chose and sent
_INCOMPLETE = frozenset({"missing-attribute", "missing-argument"})


@frozen
class AgentReason:
    """A reason fit for a program or a model: a stable code and one sentence."""

    decision: Effect
    reason: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape: decision, reason, message."""
        return {"decision": str(self.decision), "reason": self.reason, "message": self.message}


def agent_reason(decision: Decision, request: object) -> AgentReason:
    """Return what the caller that made a request may be told of its decision."""
    call = _call(request)
    if decision.effect is Effect.ALLOW:
        return AgentReason(decision.effect, "allowed", f"{call} is allowed.")
    if decision.effect is Effect.REQUIRE_APPROVAL:
        return AgentReason(
            decision.effect, "approval-required", f"{call} needs a person's approval before it may go ahead."
        )
    codes = {error.code for error in decision.errors if error.path is not None}
    if codes and codes <= _INCOMPLETE:
        return AgentReason(
            decision.effect, "incomplete-request", f"{call} cannot be decided: the request lacks something."
        )
    if codes:
        sent = sorted({error.path for error in decision.errors if error.path and error.path.startswith(_ARGUMENTS)})
        where = f" What is wrong is at {', '.join(sent)[:_LONGEST]}." if sent and not codes & _INCOMPLETE else ""
        message = f"{call} cannot be decided: the request is not valid.{where}"
        return AgentReason(decision.effect, "invalid-request", message)
    return AgentReason(decision.effect, "not-permitted", f"{call} is not permitted. Trying again will not change that.")


def _call(request: object) -> str:
    """Name the call in the words of the request itself."""
    action, resource = _member(request, "action", "name"), _member(request, "resource", "id")
    kind = _member(request, "resource", "type")
    if action is None:
        return "This call"
    return f"{action} on {kind} {resource}" if resource is not None and kind is not None else action


def _member(request: object, part: str, name: str) -> str | None:
    inner: Any = request.get(part) if isinstance(request, Mapping) else None
    value = inner.get(name) if isinstance(inner, Mapping) else None
    if not isinstance(value, str) or not value.isprintable():
        return None
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
