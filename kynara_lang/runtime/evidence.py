"""Approvals given beside a request: read, bound to what they were given for, and counted.

An approval counts for a rule when its digest is that of this very call under this very policy, it has not expired, it
cannot outlive what the rule grants, and its approvers match the rule's `from`, are distinct, and are nobody of the
chain. What is wrong with evidence is reported and makes it count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from ..checker.symbols import RuleSymbol
from ..semantics import times, types
from ..semantics.display import display_entity
from ..semantics.entity import Entity
from ..semantics.problems import ValueProblem, quoted
from .decision import DecisionError
from .engine import Arguments, CompiledBucket, attempt, described
from .entities import World
from .problems import Refused, meant
from .request import Request

_SECOND = 10**9
_SHOWN = 100
"""How many characters of a name are shown: whoever writes a request chooses it."""


@frozen
class Evidence:
    """One approval: the rule it is for, the digest of what was approved, who approved, and until when (ns)."""

    rule: str
    digest: str
    approvers: tuple[Entity, ...]
    expires: int
    path: str


def time_of(world: World, request: Request) -> int | None:
    """Read `context.now` where no rule did; an approval's expiry is compared with it."""
    slot = world.context["now"]
    if "now" in request.context:
        found: int = request.context["now"]
        return found
    raw = request.shape.context.get(slot.external)
    if raw is None:
        return None
    try:
        return int(slot.read(raw, "context.now"))
    except Refused:
        return None  # as good as absent: no approval counts, and each is reported


def read(raw: Iterable[Any], world: World, errors: list[DecisionError]) -> tuple[Evidence, ...]:
    """Read approvals in their JSON shape: `{"rule", "digest", "approvers": [entity, …], "expires"}`."""
    subjects = types.Entity(frozenset(k for k, t in world.program.types.items() if t.kind == "subject"), "subject")
    found: list[Evidence] = []
    try:
        items = list(raw)
    except TypeError:
        errors.append(DecisionError("malformed-approval", "approvals are a list", path="approvals"))
        return ()
    for number, item in enumerate(items):
        path = f"approvals[{number}]"
        try:
            found.append(_read_one(item, path, world, subjects))
        except Refused as refused:
            problem = refused.problem
            errors.append(DecisionError("malformed-approval", problem.message, path=problem.path))
    return tuple(found)


def _read_one(item: Any, path: str, world: World, subjects: types.Entity) -> Evidence:
    if not isinstance(item, Mapping):
        raise Refused("malformed-request", path, "an approval is an object")
    texts: list[str] = []
    for name in ("rule", "digest", "expires"):
        value = item.get(name)
        if not isinstance(value, str):
            raise Refused("malformed-request", f"{path}.{name}", f"an approval needs `{name}` as a text")
        texts.append(value)
    asking = [rule.name for rule in world.program.rules if rule.effect == "require_approval"]
    if texts[0] not in asking:
        message = f"no rule {quoted(texts[0])} asks for an approval{meant(texts[0], asking)}"
        raise Refused("malformed-request", f"{path}.rule", message)
    raw_approvers = item.get("approvers")
    if not isinstance(raw_approvers, list | tuple) or not raw_approvers:
        raise Refused("malformed-request", f"{path}.approvers", "an approval needs `approvers`, a list of entities")
    approvers = tuple(
        world.reference(one, subjects, f"{path}.approvers[{i}]", 0) for i, one in enumerate(raw_approvers)
    )
    try:
        expires = times.read_time(texts[2])
    except ValueProblem as problem:
        raise Refused("malformed-request", f"{path}.expires", problem.message) from None
    return Evidence(texts[0], texts[1], approvers, expires, path)


def approved_by(
    rule: RuleSymbol,
    evidence: Iterable[Evidence],
    digest: str,
    now: int | None,
    bucket: CompiledBucket,
    arguments: Arguments,
    chain: tuple[Entity, ...],
    errors: list[DecisionError],
) -> tuple[str, ...]:
    """Return those who approved a rule for this call, as `User::"lea"`, in order, each once."""
    approval = rule.approval
    assert approval is not None
    found: dict[str, None] = {}
    for item in evidence:
        if item.rule != rule.name:
            continue
        reason = _refusal(item, digest, now, approval.expires)
        if reason is not None:
            errors.append(DecisionError("approval-refused", reason, rule.name, item.path))
            continue
        for person in item.approvers:
            if person in chain:
                message = f"{display_entity(person, _SHOWN)} asks for this and cannot approve it"
                errors.append(DecisionError("approval-refused", message, rule.name, item.path))
                continue
            counts, error = attempt(bucket.approver(rule.name), (*arguments, person))
            if error is not None:
                errors.append(described(error, rule.name))
            elif counts is True:
                found[display_entity(person)] = None
            else:
                message = f"{display_entity(person, _SHOWN)} is not among those who may approve this"
                errors.append(DecisionError("approval-refused", message, rule.name, item.path))
    return tuple(found)


def _refusal(item: Evidence, digest: str, now: int | None, lasts: int) -> str | None:
    """Say why an approval counts for nothing, or None when it counts."""
    if item.digest != digest:
        return "this approval was given for another call or under another policy"
    if now is None:
        return "without `context.now` nobody can tell whether an approval has expired"
    if item.expires <= now:
        return f"this approval expired at {times.format_time(item.expires)}"
    if item.expires > now + lasts:
        return f"this approval would last longer than the {times.format_duration(lasts)} that the rule grants"
    return None
