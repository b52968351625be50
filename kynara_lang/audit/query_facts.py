"""What a record says, whatever its kind: the one place that knows where in a record things stand.

A log that nobody signed can hold anything, so nothing here relies on a shape: what is not there, or not of its type, is
not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen

from ..semantics.text import is_scalar_text
from . import framing
from .encoding import MAX_INTEGER
from .framing import time_text as time_text
from .reading import Entry

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ENTITY: Final = re.compile(r'(?P<type>[^:"]+)(?:::(?P<id>.*))?', re.DOTALL)


@frozen
class Facts:
    """What a record says. Entities are written as in a log, `Type::"id"`; times are microseconds since 1970.

    `about` is the number of the decision that an outcome belongs to, `approval` the id of an approval; `status` is how
    a call ended, the step of an approval, or `refused` for policies that were not taken.
    """

    log: str
    seq: int
    time: int
    kind: str
    phase: str | None = None
    session: str | None = None
    trace_id: str | None = None
    chain: tuple[str, ...] = ()
    action: str | None = None
    resource: str | None = None
    decision: str | None = None
    rules: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    about: int | None = None
    approval: str | None = None
    status: str | None = None
    error: str | None = None
    policy_digest: str | None = None
    ip: str | None = None

    @property
    def subject(self) -> str | None:
        """Who acts: the first of the chain."""
        return self.chain[0] if self.chain else None

    @property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """What a record is found by: names and values of `Criteria`."""
        return tuple(dict.fromkeys(self._terms()))

    def _terms(self) -> Iterator[tuple[str, str]]:
        for name in ("kind", "decision", "action", "session"):
            value = getattr(self, name)
            if value is not None:
                yield name, value
        for name, entities in (("subject", self.chain[:1]), ("member", self.chain), ("resource", (self.resource,))):
            for entity in entities:
                if entity is not None:
                    yield name, entity
                    yield name, entity.partition("::")[0]
        for rule in self.rules:
            yield "rule", rule
        if self.about is not None:
            yield "about", str(self.about)

    @property
    def summary(self) -> str:
        """The record in a few words."""
        call = " ".join(part for part in (self.action, self._on) if part)
        who = " for ".join(self.chain)
        match self.kind:
            case "decision":
                return " ".join(part for part in (self.decision, f"{who}:" if who else "", call) if part)
            case "outcome":
                of = "" if self.about is None else f" of the call of record {self.about}"
                return f"{self.status or 'end'}{of}" + (f": {self.error}" if self.error else "")
            case "approval":
                what = f"{who}: {call}" if who else call
                return " ".join(part for part in (self.status, self.approval, f"({what})" if what else "") if part)
            case "policy":
                digest = (self.policy_digest or "")[:19]
                return f"{self.status} {digest}" + (f": {self.error}" if self.error else "")
        return self.kind

    @property
    def _on(self) -> str:
        return f"on {self.resource}" if self.resource else ""


def facts_of(entry: Entry) -> Facts:
    """Return what a record says."""
    head, body = framing.head_of(entry.json), _members(entry.record.get("body"))
    assert head is not None
    said: dict[str, Any] = {
        "log": head.log,
        "seq": head.seq,
        "time": read_time(head.time) or 0,
        "kind": head.kind,
        "session": _text(body.get("session")),
        "trace_id": _text(body.get("trace_id")),
    }
    read = _KINDS.get(head.kind)
    return Facts(**said | (read(body) if read else {}))


def _decision(body: Mapping[str, Any]) -> dict[str, Any]:
    context = _members(_members(body.get("request")).get("context"))
    return {
        "phase": _text(body.get("phase")),
        "chain": tuple(text for one in _items(body.get("chain")) if (text := _text(one)) is not None),
        "action": _text(body.get("action")),
        "resource": _text(body.get("resource")),
        "decision": _text(body.get("decision")),
        "rules": _texts(body.get("rules"), "rule"),
        "errors": _texts(body.get("errors"), "code"),
        "policy_digest": _text(body.get("policy_digest")),
        "ip": _text(context.get("ip")),
    }


def _outcome(body: Mapping[str, Any]) -> dict[str, Any]:
    about = body.get("decision_seq")
    return {
        "about": about if type(about) is int and 0 <= about <= MAX_INTEGER else None,
        "status": _text(body.get("status")),
        "error": _text(body.get("error")),
    }


def _approval(body: Mapping[str, Any]) -> dict[str, Any]:
    told = _members(body.get("approval"))
    request = _members(told.get("request"))
    action = request.get("action")
    resource = _named(_members(request.get("resource")))
    return {
        "status": _text(body.get("step")),
        "approval": _text(told.get("id")),
        "session": _text(told.get("session")),
        "trace_id": _text(told.get("trace_id")),
        "chain": tuple(_chain(request)),
        "action": _text(_members(action).get("name")) or _text(action),
        "resource": resource,
        "rules": _texts(told.get("rules"), "rule"),
        "policy_digest": _text(told.get("policy_digest")),
    }


def _policy(body: Mapping[str, Any]) -> dict[str, Any]:
    problem = _text(body.get("problem"))
    loaded = "swapped" if body.get("before") is not None else "loaded"
    return {
        "policy_digest": _text(body.get("digest")),
        "status": "refused" if problem is not None else loaded,
        "error": problem,
    }


_KINDS: Final = {"decision": _decision, "outcome": _outcome, "approval": _approval, "policy": _policy}


def _chain(request: Mapping[str, Any]) -> Iterator[str]:
    link = _members(request.get("subject"))
    while (name := _named(link)) is not None:
        yield name
        link = _members(link.get("on_behalf_of"))


def _named(entity: Mapping[str, Any]) -> str | None:
    kind, identity = _text(entity.get("type")), _text(entity.get("id"))
    return entity_text(kind, identity) if kind is not None and identity is not None else None


def entity_text(kind: str, identity: str) -> str:
    """Write an entity as a log does."""
    return f"{kind}::{json.dumps(identity, ensure_ascii=False)}"


def entity_of(text: str) -> str | None:
    """Return what somebody wrote for an entity as a log writes it, or None if it is no `Type` or `Type::id`."""
    found = _ENTITY.fullmatch(text)
    if found is None:
        return None
    identity = found["id"]
    if identity is None:
        return found["type"]
    if len(identity) >= 2 and identity[0] == identity[-1] == '"':
        try:
            identity = json.loads(identity)
        except ValueError:
            identity = identity[1:-1]
    return entity_text(found["type"], identity) if isinstance(identity, str) else None


def named_entity(text: str) -> tuple[str, str]:
    """Return type and id of an entity as a log writes it."""
    kind, _, identity = text.partition("::")
    try:
        plain = json.loads(identity)
    except (ValueError, RecursionError):
        plain = identity
    return kind, plain if isinstance(plain, str) and is_scalar_text(plain) else identity


def read_time(text: str) -> int | None:
    """Return a time of RFC 3339, or a date in UTC, in microseconds since 1970; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        if len(text) > len("2026-01-01"):
            return None  # nobody can tell which time zone was meant
        moment = moment.replace(tzinfo=UTC)
    try:
        return (moment - _BEGINNING) // _MICROSECOND
    except OverflowError:
        return None


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object, member: str) -> tuple[str, ...]:
    found = (_text(_members(one).get(member)) for one in _items(value))
    return tuple(one for one in found if one is not None)
