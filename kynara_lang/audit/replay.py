"""Decides recorded decisions again, from nothing but what the records hold, and says where the answer is another one.

What a record does not hold cannot be decided again: arguments that are commitments, values that were no JSON, entities
of another store, approvals that were bound to another policy, and decisions that were not the policies' but came of
something that failed. Such records are counted by reason, and never count as equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from ..runtime.decision import Decision
from ..runtime.policyset import PolicySet
from .reading import Entry
from .records import entities_digest, hidden_arguments, stored_approvals, stored_request

REDACTED: Final = "redacted"
NOT_STORED: Final = "not-stored"
OTHER_ENTITIES: Final = "other-entities"
OTHER_APPROVALS: Final = "other-approvals"
FAILURE: Final = "failure"
IN_PART: Final = "in-part"
MALFORMED: Final = "malformed"

REASONS: Final[Mapping[str, str]] = {
    REDACTED: "arguments are stored as commitments",
    NOT_STORED: "a value was no JSON, and is not stored",
    OTHER_ENTITIES: "entities were looked up in another store",
    OTHER_APPROVALS: "approvals were given under another policy",
    FAILURE: "something failed, and the policies did not decide",
    IN_PART: "the call could not be put as a request, and only parts of it are stored",
    MALFORMED: "the record does not hold what a decision record does",
}
"""Why a record cannot be decided again, in words."""

_LOST: Final = ("$other", "$dropped")


@frozen
class Difference:
    """A record that is decided otherwise now: what was said then, and what is said now."""

    entry: Entry
    same_policy: bool
    then: dict[str, Any]
    now: dict[str, Any]


@define
class Replayed:
    """What came of it: how many decision records there were, and what became of each."""

    decisions: int = 0
    equal: int = 0
    other_policy: int = 0
    different: int = 0
    skipped: Counter[str] = field(factory=Counter)

    @property
    def replayed(self) -> int:
        """How many records were decided again."""
        return self.equal + self.different


def replay(entries: Iterable[Entry], policies: PolicySet, counts: Replayed) -> Iterator[Difference]:
    """Decide every decision record again; yield those with another answer, and count all of them.

    Under the policies that decided then, everything that the policies say must be the same; under others, the effect.
    """
    digest, store = policies.digest, entities_digest(policies)
    for entry in entries:
        if entry.record.get("kind") != "decision":
            continue
        counts.decisions += 1
        body = entry.record.get("body")
        reason = _hindrance(body, digest, store)
        if reason is not None:
            counts.skipped[reason] += 1
            continue
        assert isinstance(body, dict)
        same_policy = body["policy_digest"] == digest
        counts.other_policy += not same_policy
        decision = policies.decide(stored_request(body), stored_approvals(body))
        then, now = _told(body, whole=same_policy), _told(_as_body(decision), whole=same_policy)
        if then == now:
            counts.equal += 1
        else:
            counts.different += 1
            yield Difference(entry, same_policy, then, now)


def _hindrance(body: object, digest: str, store: str | None) -> str | None:
    """Say why a decision cannot be made again, or None if it can."""
    if not isinstance(body, dict) or "request" not in body:
        return MALFORMED
    if any(type(body.get(name)) is not kind for name, kind in _SHAPE.items()):
        return MALFORMED
    if body.get("degraded") is not None or any(_not_of_policies(error) for error in body["errors"]):
        return FAILURE
    malformed = any(_member(error, "code") == "malformed-request" for error in body["errors"])
    if malformed and not _member(body["request"], "context"):
        return IN_PART
    if hidden_arguments(body):
        return REDACTED
    if _loses(body["request"]) or _loses(body["evidence"]):
        return NOT_STORED
    if body.get("entities") != store:
        return OTHER_ENTITIES
    if body["evidence"] and body["policy_digest"] != digest:
        return OTHER_APPROVALS
    return None


_SHAPE: Final[Mapping[str, type]] = {
    "decision": str,
    "policy_digest": str,
    "errors": list,
    "evidence": list,
    "rules": list,
    "approvals": list,
}


def _not_of_policies(error: object) -> bool:
    """Tell whether an error is neither a rule's nor about the request or its approvals."""
    return not isinstance(error, dict) or (error.get("rule") is None and error.get("path") is None)


def _loses(value: object) -> bool:
    """Tell whether a stored value leaves something out."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if any(name in one for name in _LOST):
                return True
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False


def _as_body(decision: Decision) -> dict[str, Any]:
    """Return a decision as a record would hold it, as far as it is compared."""
    return decision.to_dict() | {"rules": [{"rule": rule} for rule in decision.rules]}


def _told(body: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return what is compared: the effect, and with `whole` rules, approvals and errors, though not their wording."""
    told: dict[str, Any] = {"decision": body["decision"]}
    if whole:
        told["rules"] = [_member(rule, "rule") for rule in body["rules"]]
        told["approvals"] = [
            [_member(one, name) for name in ("rule", "quorum", "satisfied", "approved_by")] for one in body["approvals"]
        ]
        told["errors"] = sorted({_error(one) for one in body["errors"]})
    return told


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _error(error: object) -> str:
    """Return what is compared of an error: that the request was wrong, or which error a rule or an approval had."""
    path, rule, code = (_member(error, name) for name in ("path", "rule", "code"))
    if rule is not None:
        return f"{code} in {rule}"
    return f"{code} in the approvals" if str(path).startswith("approvals") else "the request is not in order"
