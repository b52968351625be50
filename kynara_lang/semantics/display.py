"""Writes values as a policy author would: what explanations, tests and witnesses show.

Everything that comes out is one line of printable text, also when a request's author tried otherwise:
control, bidirectional and lone surrogate characters are written as escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import types
from .addresses import format_block, format_ip
from .entity import Entity
from .missing import MISSING
from .numbers import format_decimal
from .times import format_duration, format_time
from .types import Enum, Record, SetOf, Type
from .urls import Url, format_url

_ESCAPES: Final[Mapping[str, str]] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_IN_ORDER: Final = frozenset({types.INT, types.DECIMAL, types.TIME, types.DURATION, types.IP, types.BOOL})


def display(value: Any, type: Type, limit: int | None = None) -> str:
    """Return a value of a static type as it would be written in a policy.

    Decimals come out as `50.00`, entities as `User::"alice"`, sets and records in an order that depends on
    their members only. With `limit`, texts are cut after about that many characters and sets after that many
    characters of members; an ellipsis shows where.
    """
    if value is MISSING:
        return "absent"
    match type:
        case types.Entity():
            return display_entity(value, limit)
        case SetOf(element=element):
            return _display_set(value, element, limit)
        case Record(fields=fields):
            parts = (
                f"{field.name}: {display(item, field.type, limit)}"
                for field, item in zip(fields, value, strict=True)
                if item is not MISSING
            )
            return _joined(parts, limit)
        case Enum() | types.STRING | types.EMAIL | types.HOST | types.PATH:
            return display_text(value, limit)
        case types.BOOL:
            return "true" if value else "false"
        case types.DECIMAL:
            return format_decimal(value)
        case types.TIME:
            return format_time(value)
        case types.DURATION:
            return format_duration(value)
        case types.IP:
            return f'"{format_ip(value)}"'
        case types.URL:
            return display_text(format_url(value), limit)
        case types.BLOCK:
            return f'"{format_block(*value)}"'
    return str(value)


def is_of(value: Any, type: Type) -> bool:
    """Whether a value can be one of a static type; numbers of all kinds look alike."""
    match type:
        case types.Entity(names=names):
            return isinstance(value, Entity) and value.type in names
        case Enum(values=values):
            return isinstance(value, str) and value in values
        case SetOf(element=element):
            return isinstance(value, frozenset) and all(is_of(member, element) for member in value)
        case Record(fields=fields):
            alike = isinstance(value, tuple) and len(value) == len(fields)
            return alike and all(m is MISSING or is_of(m, f.type) for m, f in zip(value, fields, strict=True))
        case types.BOOL:
            return isinstance(value, bool)
        case types.STRING | types.EMAIL | types.HOST | types.PATH:
            return isinstance(value, str)
        case types.URL:
            return isinstance(value, Url)
        case types.BLOCK:
            return isinstance(value, tuple)
    return isinstance(value, int) and not isinstance(value, bool)


def display_entity(entity: Entity, limit: int | None = None) -> str:
    """Return an entity as `User::"alice"`, the type without the name of its module."""
    return f"{entity.type.rpartition('.')[2]}::{display_text(entity.id, limit)}"


def display_text(text: str, limit: int | None = None) -> str:
    """Return a text as a string literal; a cut one ends in an ellipsis inside the quotes."""
    shown = text if limit is None else text[:limit]
    if shown.isprintable() and '"' not in shown and "\\" not in shown:
        body = shown
    else:
        body = "".join(map(_escaped, shown))
    return f'"{body}{"" if len(shown) == len(text) else "…"}"'


def _escaped(char: str) -> str:
    """Return one character as it stands in a string literal."""
    return _ESCAPES.get(char) or (char if char.isprintable() else f"\\u{{{ord(char):x}}}")


def _display_set(values: Iterable[Any], element: Type, limit: int | None) -> str:
    """Return a set with its members in order: numbers by size, everything else as it is written."""
    if element in _IN_ORDER:
        return _joined((display(value, element, limit) for value in sorted(values)), limit)
    return _joined(sorted(display(value, element, limit) for value in values), limit)


def _joined(parts: Iterable[str], limit: int | None) -> str:
    """Join members between braces until there are too many characters."""
    shown: list[str] = []
    length = 0
    for part in parts:
        if limit is not None and shown and length + len(part) > limit:
            shown.append("…")
            break
        shown.append(part)
        length += len(part)
    return "{" + ", ".join(shown) + "}"
