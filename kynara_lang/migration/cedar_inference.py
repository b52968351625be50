"""Works out what the context holds from how policies read it, where no schema says so.

A field has the type of what it is compared with. One that some policy asks for with `has` may be absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from . import cedar_model as cedar
from .cedar_model import Action, CedarType, EntityTypes, Field, Model, SetType, Uid
from .cedar_outcomes import Head, kind_of
from .cedar_policies import Policy

_CONDITIONS: Final = ("&&", "||", "!", "if-then-else")
_COMPARED: Final = ("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual")
_ADDRESSED: Final = ("isInRange", "isIpv4", "isIpv6", "isLoopback", "isMulticast")
_RESULTS: Final = {
    **{"ip": cedar.IP, "decimal": cedar.DECIMAL, "datetime": cedar.DATETIME, "duration": cedar.DURATION},
    **{"offset": cedar.DATETIME, "durationSince": cedar.DURATION},
    **dict.fromkeys(("+", "-", "*", "neg"), cedar.LONG),
}
_ROUNDS: Final = 3


def complete(model: Model, policies: Sequence[Policy]) -> None:
    """Add to a guessed model what policies alone tell: entity types, actions, and the fields of the context."""
    for node in (part for policy in policies for part in parts(policy.node)):
        match node:
            case {"type": str(kind), "id": str(own)} if cedar.is_action(kind):
                model.actions.setdefault(Uid(kind, own), Action(Uid(kind, own)))
            case {"type": str(kind), "id": str()} | {"entity_type": str(kind)}:
                model.kind(kind)
    types = frozenset(model.kinds)
    for action in model.actions.values():
        action.principals = action.resources = types
    fields: dict[str, Field] = {}
    for _ in range(_ROUNDS):
        for action in model.actions.values():
            action.context = fields
        head = Head(model, types, types, model.performed()[:1])
        for used, used_as in _uses(policies, head):
            fields.setdefault(used, Field(used_as))
    for node in (part for policy in policies for part in parts(policy.node)):
        name = asked_of_context(node)
        if name in fields:
            fields[name] = Field(fields[name].type, False)


def asked_of_context(node: Any) -> str:
    """Return the field of the context that a node asks for with `has`; an empty text for every other node."""
    match node:
        case {"has": {"left": {"Var": "context"}, "attr": str(attribute)}}:
            return attribute
    return ""


def parts(node: Any) -> Iterator[Any]:
    """Yield a node and everything in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Mapping):
            waiting.extend(reversed(list(one.values())))
        elif isinstance(one, list):
            waiting.extend(reversed(one))


def _uses(policies: Sequence[Policy], head: Head) -> Iterator[tuple[str, CedarType]]:
    """Yield the fields of the context that are used, with the type that each use asks for."""
    for policy in policies:
        for node in parts(policy.node):
            if not isinstance(node, Mapping):
                continue
            if "kind" in node and "body" in node:
                yield from _field(node["body"], cedar.BOOL)
            for name, value in node.items():
                yield from _uses_in(name, value, head)


def _uses_in(name: str, value: Any, head: Head) -> Iterator[tuple[str, CedarType]]:
    """Yield what one node says of its operands."""
    match value:
        case {"left": left, "right": right}:
            yield from _of_two(name, left, right, head)
        case {"arg": arg}:
            yield from _field(arg, cedar.BOOL if name == "!" else cedar.LONG if name == "neg" else None)
        case {"if": test, "then": yes, "else": no} if name == "if-then-else":
            for part in (test, yes, no):
                yield from _field(part, cedar.BOOL)
        case {"left": left, "pattern": _}:
            yield from _field(left, cedar.STRING)
        case [first, *_] if name in _ADDRESSED:
            yield from _field(first, cedar.IP)
        case [left, right] if name in _COMPARED:
            yield from _field(left, cedar.DECIMAL)
            yield from _field(right, cedar.DECIMAL)
        case [left, right] if name in ("offset", "durationSince"):
            yield from _field(left, cedar.DATETIME)
            yield from _field(right, cedar.DURATION if name == "offset" else cedar.DATETIME)


def _of_two(name: str, left: Any, right: Any, head: Head) -> Iterator[tuple[str, CedarType]]:
    kinds = _known(left, head), _known(right, head)
    if name in _CONDITIONS:
        wanted: tuple[CedarType | None, CedarType | None] = (cedar.BOOL, cedar.BOOL)
    elif name in ("+", "-", "*"):
        wanted = (cedar.LONG, cedar.LONG)
    elif name in ("<", "<=", ">", ">="):
        wanted = (kinds[1], kinds[0])
    elif name == "contains":
        wanted = (SetType(kinds[1]) if kinds[1] else None, kinds[0].element if isinstance(kinds[0], SetType) else None)
    elif name in ("==", "!=", "containsAll", "containsAny"):
        wanted = (kinds[1], kinds[0])
    elif name == "in":
        wanted = (None, kinds[0] if isinstance(kinds[0], EntityTypes) and len(kinds[0].names) == 1 else None)
    else:
        return
    yield from _field(left, wanted[0])
    yield from _field(right, wanted[1])


def _known(node: Any, head: Head) -> CedarType | None:
    """Return the type of an operand, as far as it is known."""
    match node:
        case {"Set": [first, *_]}:
            element = _known(first, head)
            return SetType(element) if element else None
        case dict() if len(node) == 1 and (name := next(iter(node))) in _RESULTS:
            return _RESULTS[name]
    kind = kind_of(node, head)
    return kind if isinstance(kind, cedar.Simple | SetType | EntityTypes | cedar.RecordType) else None


def _field(node: Any, kind: CedarType | None) -> Iterator[tuple[str, CedarType]]:
    match node:
        case {".": {"left": {"Var": "context"}, "attr": str(name)}} if kind is not None:
            yield name, kind
