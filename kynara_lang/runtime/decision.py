"""Decisions: what was decided, by which rules, and what went wrong on the way."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

_LONGEST: Final = 1000
"""How many characters of a message are kept: it quotes what callers wrote."""


class Effect(StrEnum):
    """What is decided, from the least to the most permissive: deny, require_approval, allow."""

    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"
    ALLOW = "allow"

    @property
    def rank(self) -> int:
        """How permissive the effect is: 0 deny, 1 require_approval, 2 allow."""
        return _RANK[self]


_RANK = {Effect.DENY: 0, Effect.REQUIRE_APPROVAL: 1, Effect.ALLOW: 2}


def _one_line(text: str) -> str:
    """Return a message that no terminal or log obeys, whatever it quotes."""
    if len(text) <= _LONGEST and text.isprintable():
        return text
    shown = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown}…"


@frozen
class DecisionError:
    """Something that went wrong: with the request (`path` says where) or inside a rule (`rule` says which)."""

    code: str
    message: str = field(converter=_one_line)
    rule: str | None = None
    path: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape."""
        found = {"code": self.code, "message": self.message, "rule": self.rule, "path": self.path}
        return {key: value for key, value in found.items() if value is not None}


@frozen
class ApprovalStatus:
    """An approval that a request needs: by whom, how many, for how long (seconds), and whether it was given."""

    rule: str
    quorum: int
    approvers: str
    expires_in: int
    satisfied: bool
    approved_by: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "rule": self.rule,
            "quorum": self.quorum,
            "from": self.approvers,
            "expires_in": self.expires_in,
            "satisfied": self.satisfied,
            "approved_by": list(self.approved_by),
        }


@frozen
class Decision:
    """The answer to a request.

    `rules` names rules that determined it, one for each link at least: the forbid that stopped the request, the
    approvals it waits for, or the permits that let it through; a default deny has none.
    """

    effect: Effect
    policy_digest: str
    rules: tuple[str, ...] = ()
    approvals: tuple[ApprovalStatus, ...] = ()
    errors: tuple[DecisionError, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request may go ahead now, without anyone's approval."""
        return self.effect is Effect.ALLOW

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape of INTERFACE: decision, rules, approvals, errors, policy_digest."""
        return {
            "decision": str(self.effect),
            "rules": list(self.rules),
            "approvals": [a.to_dict() for a in self.approvals],
            "errors": [e.to_dict() for e in self.errors],
            "policy_digest": self.policy_digest,
        }
