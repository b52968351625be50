"""Makes the bodies of records: what was decided and upon what, how calls ended, approvals and policies.

All are pure functions that return JSON a log can hold. What stands around a body (number, time, epoch) is the log's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from ..checker.symbols import Program
from ..runtime.canonical import canonical_json, canonical_value
from ..runtime.decision import Decision, DecisionError
from ..runtime.entities import World
from ..runtime.policyset import PolicySet, Request
from ..semantics import types
from ..semantics.entity import Entity
from ..semantics.missing import MISSING
from ..semantics.text import is_scalar_text
from ..version import __version__
from .encoding import Json
from .redaction import Redaction, hidden_in, outer_path, speaks_of_argument
from .stored import restored, stored

__all__ = [
    "Redaction",
    "approval_body",
    "decision_body",
    "entities_digest",
    "hidden_arguments",
    "outcome_body",
    "policy_body",
    "stored_approvals",
    "stored_request",
]

_REDACTED: Final = "(left out: it could quote a redacted argument)"
_UNREAD: Final = "(left out because a redaction is configured: it could quote an argument that was not read)"
_MAX_CHAIN: Final = 64

_Places = dict[str, dict[str, Json]]
_PLACES: WeakKeyDictionary[Program, _Places] = WeakKeyDictionary()
_DIGESTS: WeakKeyDictionary[World, str] = WeakKeyDictionary()


def decision_body(
    policies: PolicySet,
    request: Mapping[str, Any] | Request,
    decision: Decision,
    *,
    phase: str = "check",
    session: str | None = None,
    trace_id: str | None = None,
    degraded: str | None = None,
    approvals: Sequence[Mapping[str, Any]] = (),
    redaction: Redaction | None = None,
    whole: bool = True,
) -> dict[str, Json]:
    """Return the body of a `decision` record: the whole request as decided upon, the decision, and what led to it.

    `degraded` says why a decision was made that should have been a denial. `approvals` is the evidence that was given.
    With a redaction, arguments that it hides are commitments, and so is whatever could tell them. `whole` says that the
    request holds all arguments of the call; without them nobody can tell what a message quotes, and none is stored.
    """
    asked = stored(request.raw if isinstance(request, Request) else request)
    hidden = False
    if redaction is not None:
        asked, hidden = redaction.request(asked)
    evidence = [stored(one) for one in approvals]
    if redaction is not None and hidden:
        evidence = [_without_digest(one, redaction) for one in evidence]
    unread = redaction is not None and not whole
    chain = _chain(asked)
    places = _rule_places(policies.program)
    return {
        "phase": phase,
        "session": stored(session),
        "trace_id": stored(trace_id),
        "subject": chain[0] if chain else None,
        "chain": list(chain),
        "action": _action(asked),
        "resource": _named(_member(asked, "resource")),
        "request": asked,
        "entities": entities_digest(policies),
        "decision": str(decision.effect),
        "rules": [places.get(name, {"rule": name}) for name in decision.rules],
        "approvals": stored([status.to_dict() for status in decision.approvals]),
        "evidence": evidence,
        "errors": [_error(error, hidden, unread) for error in decision.errors],
        "degraded": _degraded(degraded, hidden, unread),
        "policy_digest": decision.policy_digest,
        "engine": __version__,
    }


def outcome_body(
    decision_seq: int,
    *,
    status: str,
    error: str | None,
    duration_us: int,
    session: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Json]:
    """Return the body of an `outcome` record: how the call ended that a decision let through."""
    return {
        "decision_seq": decision_seq,
        "status": status,
        "error": stored(error),
        "duration_us": duration_us,
        "session": stored(session),
        "trace_id": stored(trace_id),
    }


def approval_body(
    step: str,
    approval: Mapping[str, Any],
    *,
    by: Mapping[str, Any] | None = None,
    redaction: Redaction | None = None,
) -> dict[str, Json]:
    """Return the body of an `approval` record: requested, granted, approved, rejected, expired or consumed.

    The call itself and its digest stand in the record of the first step only; the others have the approval's `id`, so
    that whoever answers need not know what is redacted.
    """
    told = stored(approval)
    assert isinstance(told, dict)
    if step != "requested":
        told = {name: value for name, value in told.items() if name not in ("request", "digest")}
    elif redaction is not None:
        asked, hidden = redaction.request(told.get("request"))
        told = {**told, "request": asked}
        if hidden:
            told = _without_digest(told, redaction)
    return {"step": step, "approval": told, "by": stored(by)}


def policy_body(*, digest: str, before: str | None, problem: str | None) -> dict[str, Json]:
    """Return the body of a `policy` record: policies were loaded, took the place of others, or were refused."""
    return {"digest": digest, "before": before, "problem": stored(problem), "engine": __version__}


# Reading bodies again


def stored_request(body: Mapping[str, Any]) -> Any:
    """Return the request that a `decision` record holds, as it was decided; see `hidden_arguments`."""
    return restored(body["request"])


def stored_approvals(body: Mapping[str, Any]) -> list[Any]:
    """Return the evidence that a `decision` record holds."""
    found = restored(body["evidence"])
    return found if isinstance(found, list) else []


def hidden_arguments(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the arguments that a `decision` record holds commitments of; with any, it cannot be decided again."""
    return tuple(hidden_in(body["request"]))


# The parts


def _error(error: DecisionError, hidden: bool, unread: bool) -> Json:
    told = error.to_dict()
    if unread:
        told["message"] = _UNREAD
        if error.path is not None:
            told["path"] = outer_path(error.path)
    elif hidden and speaks_of_argument(error.path):
        told["message"] = _REDACTED
    return stored(told)


def _degraded(why: str | None, hidden: bool, unread: bool) -> Json:
    """Return why a call was let through: the message of what failed, which can quote anything that it was given."""
    if why is not None and (hidden or unread):
        return _UNREAD if unread else _REDACTED
    return stored(why)


def _without_digest(approval: Json, redaction: Redaction) -> Json:
    if isinstance(approval, dict) and isinstance(digest := approval.get("digest"), str):
        return {**approval, "digest": redaction.digest(digest)}
    return approval


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _named(entity: Json) -> str | None:
    """Return `Type::"id"` of an entity of a stored request, or None if it has no such name."""
    kind, identity = _member(entity, "type"), _member(entity, "id")
    if not isinstance(kind, str) or not isinstance(identity, str):
        return None
    return f"{kind}::{json.dumps(identity, ensure_ascii=False)}"


def _chain(request: Json) -> tuple[str, ...]:
    """Return the names of the subject and of everyone it acts for, as far as they have names."""
    found: list[str] = []
    link = _member(request, "subject")
    while isinstance(link, dict) and len(found) < _MAX_CHAIN:
        name = _named(link)
        if name is None:
            break
        found.append(name)
        link = link.get("on_behalf_of")
    return tuple(found)


def _action(request: Json) -> str | None:
    action = _member(request, "action")
    name = _member(action, "name") if isinstance(action, dict) else action
    return name if isinstance(name, str) else None


def _rule_places(program: Program) -> _Places:
    """Return what a record says of each rule: effect, file and line."""
    found = _PLACES.get(program)
    if found is None:
        found = _PLACES[program] = {rule.name: _place(rule.name, rule.effect, rule.span) for rule in program.rules}
    return found


def _place(name: str, effect: str, span: Any) -> dict[str, Json]:
    file: str = span.source.name
    return {
        "rule": name,
        "effect": effect,
        "file": file if is_scalar_text(file) else ascii(file),
        "line": span.first.line,
    }


# The entity store


def entities_digest(policies: PolicySet) -> str | None:
    """Return `sha256:…` of everything the entity store tells of the program's types, or None without a store.

    Worked out once for a policy set, before its first record: it reads all entities.
    """
    world = policies.world
    if not world.has_store:
        return None
    found = _DIGESTS.get(world)
    if found is None:
        total = hashlib.sha256(b"kynara-audit/1 entities\n")
        for key in world.stored():
            entity = world.entity(key)
            assert entity is not None
            line = canonical_json(_told(entity, world)).encode()
            total.update(len(line).to_bytes(8, "big") + line)
        found = _DIGESTS[world] = f"sha256:{total.hexdigest()}"
    return found


def _told(entity: Entity, world: World) -> dict[str, object]:
    """Return everything that is told of an entity."""
    key = str.__str__(entity)
    slots = world.attributes(entity.type)
    known = world.program.types[entity.type].attributes
    return {
        "entity": key,
        "attributes": {slots[n].external: _value(v, known[n].type, world) for n, v in (entity.attrs or {}).items()},
        "roles": sorted(entity.roles) if entity.roles or world.says_roles(key) else None,
        "in": sorted(entity.ancestors) if world.says_parents(key) or len(entity.ancestors) > 1 else None,
    }


def _value(value: Any, kind: types.Type, world: World) -> object:
    """Return a value in its normal form; an entity that is not stored itself, with all that is told of it here."""
    match kind:
        case types.Entity():
            if value.attrs is None or world.entity(str.__str__(value)) is value:
                return canonical_value(value, kind, world.program)
            return _told(value, world)
        case types.SetOf(element=element):
            return sorted((_value(one, element, world) for one in value), key=canonical_json)
        case types.Record(fields=fields):
            pairs = [(f, one) for f, one in zip(fields, value, strict=True) if one is not MISSING]
            return {f.external or f.name: _value(one, f.type, world) for f, one in pairs}
    return canonical_value(value, kind, world.program)
