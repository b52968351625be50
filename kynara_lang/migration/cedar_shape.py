"""Says whether a policy in Cedar's JSON format has the shape that the format asks for.

Whatever is read afterwards need not look again. A policy that has another shape is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_PAIRS: Final = frozenset(
    ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "&&", "||", "in")
    + ("contains", "containsAll", "containsAny", "hasTag", "getTag")
)
_SINGLES: Final = frozenset(("!", "neg", "isEmpty"))


def is_policy(node: Any) -> bool:
    """Whether this is a policy."""
    if not isinstance(node, Mapping) or node.get("effect") not in ("permit", "forbid"):
        return False
    heads = all(_is_head(node.get(name)) for name in ("principal", "action", "resource"))
    conditions = node.get("conditions", [])
    return heads and isinstance(conditions, list) and all(_is_condition(one) for one in conditions)


def _is_condition(node: Any) -> bool:
    match node:
        case {"kind": "when" | "unless", "body": body}:
            return _is_expression(body)
    return False


def _is_head(node: Any) -> bool:
    match node:
        case {"op": "All"}:
            return True
        case {"op": "==" | "in", "entity": entity} if "slot" not in node:
            return _is_entity(entity)
        case {"op": "in", "entities": list(entities)}:
            return all(map(_is_entity, entities))
        case {"op": "==" | "in", "slot": str()}:
            return "entity" not in node
        case {"op": "is", "entity_type": str()}:
            inside = node.get("in")
            return "in" not in node or (isinstance(inside, Mapping) and _is_head({"op": "in", **inside}))
    return False


def _is_entity(node: Any) -> bool:
    match node:
        case {"type": str(), "id": str()}:
            return True
        case {"__entity": {"type": str(), "id": str()}}:
            return True
    return False


def _is_expression(node: Any) -> bool:
    """Whether this is an expression, with everything in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, Mapping) or len(one) != 1:
            return False
        ((name, value),) = one.items()
        inner = _inner(name, value)
        if inner is None:
            return False
        waiting += inner
    return True


def _inner(name: str, value: Any) -> list[Any] | None:
    """Return the expressions that a node is made of; None if it has another shape."""
    if name in _FORMS:
        return _FORMS[name](value)
    if name in _PAIRS:
        return _members(value, "left", "right")
    if name in _SINGLES:
        return _members(value, "arg")
    return value if isinstance(value, list) else None  # a call of a function


def _members(value: Any, *names: str) -> list[Any] | None:
    if not isinstance(value, Mapping) or value.keys() != {*names}:
        return None
    return [value[name] for name in names]


def _literal(value: Any) -> list[Any] | None:
    plain = isinstance(value, bool | int | str)
    return [] if plain or (isinstance(value, Mapping) and "__entity" in value and _is_entity(value)) else None


def _named(value: Any) -> list[Any] | None:
    return [] if isinstance(value, str) else None


def _attribute(value: Any) -> list[Any] | None:
    match value:
        case {"left": left, "attr": str()}:
            return [left]
    return None


def _type_test(value: Any) -> list[Any] | None:
    match value:
        case {"left": left, "entity_type": str(), "in": place}:
            return [left, place]
        case {"left": left, "entity_type": str()}:
            return [left]
    return None


def _pattern(value: Any) -> list[Any] | None:
    match value:
        case {"left": left, "pattern": list(parts)} if all(map(_is_pattern_part, parts)):
            return [left]
    return None


def _is_pattern_part(part: Any) -> bool:
    match part:
        case "Wildcard" | {"Literal": str()}:
            return True
    return False


_FORMS: Final[Mapping[str, Callable[[Any], list[Any] | None]]] = {
    "Value": _literal,
    "Var": _named,
    "Slot": _named,
    "Set": lambda value: value if isinstance(value, list) else None,
    "Record": lambda value: [*value.values()] if isinstance(value, Mapping) else None,
    ".": _attribute,
    "has": _attribute,
    "is": _type_test,
    "like": _pattern,
    "if-then-else": lambda value: _members(value, "if", "then", "else"),
}
