"""Lines that `kynara decide --with-request` wrote: a decision together with the request it answered.

Such a line can be explained later. The explanation is of the policy at hand, so what was decided then, and under which
policy, is said beside it wherever it differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..runtime.explanation import Explanation
from .options import Stop


@frozen
class Recorded:
    """What was decided when a line was written, and by which policy."""

    decision: str
    policy_digest: str

    def to_dict(self, explanation: Explanation) -> dict[str, Any]:
        """Return the JSON shape, with whether policy and decision are still the same."""
        now = explanation.decision
        return {
            "decision": self.decision,
            "policy_digest": self.policy_digest,
            "same_policy": self.policy_digest == now.policy_digest,
            "same_decision": self.decision == str(now.effect),
        }

    def remark(self, explanation: Explanation) -> str | None:
        """Say how this record differs from what is explained, or None when it does not."""
        now = explanation.decision
        if self.policy_digest != now.policy_digest:
            return (
                f"This was decided as {self.decision} under another policy ({self.policy_digest[:19]}…); "
                f"what follows explains the policy at hand ({now.policy_digest[:19]}…)."
            )
        if self.decision != str(now.effect):
            return (
                f"This was decided as {self.decision} under this very policy, and is decided as {now.effect} now: "
                "the entities or the approvals were others."
            )
        return None


def unwrapped(raw: object) -> tuple[object, Recorded | None]:
    """Return the request of a recorded line with what was recorded, or a plain request as it is."""
    if not isinstance(raw, Mapping) or "decision" not in raw or "subject" in raw:
        return raw, None
    if "request" not in raw:
        raise Stop(
            "this line is a decision without its request, so there is nothing to explain",
            "write such lines with `kynara decide --with-request`, or give the line of the request instead",
        )
    return raw["request"], Recorded(str(raw["decision"]), str(raw.get("policy_digest", "")))
