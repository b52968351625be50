"""Turns the arguments of a Python call into what a policy reads, and into copies that nobody else can change.

Both come from one reading of each value. What was decided upon is then what the function gets, whatever happens to the
caller's lists and objects in the meantime. A value that has no exact JSON form is refused, never shortened or guessed;
so is an object that holds more than its fields.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import ipaddress
import itertools
import math
import pathlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from ..runtime.canonical import canonical_json
from ..runtime.problems import step
from ..semantics.problems import ValueProblem, quoted
from ..semantics.times import format_duration

MAX_DEPTH: Final = 64
"""How deep lists and objects can hold each other."""
MAX_PARTS: Final = 200_000
"""How many values one argument can be made of, each counted wherever it stands."""


class Unusable(Exception):
    """A value cannot be put before a policy; `path` says where it is, the message why, and what to do."""

    def __init__(self, path: str, message: str) -> None:
        """Take the path in the JSON of the request."""
        super().__init__(message)
        self.path = path
        self.message = message


def read(value: Any, path: str) -> tuple[Any, Any]:
    """Return a value as JSON and as a copy of its own type; raise `Unusable` for what has no exact JSON form.

    JSON here is None, bool, int, `decimal.Decimal`, text, list and dict. A float becomes the shortest decimal that
    means this very float, so that different floats stay different.
    """
    return _read(value, path, 0, itertools.count(1))


def _read(value: Any, path: str, depth: int, parts: Iterator[int]) -> tuple[Any, Any]:
    if next(parts) > MAX_PARTS:
        raise Unusable(path, f"this is more than {MAX_PARTS} values")
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is decimal.Decimal:
        return value, value
    if isinstance(value, enum.Enum):
        return _read(value.value, path, depth, parts)[0], value
    write = _EXACT.get(kind)
    if write is not None:
        return write(value, path), value
    if depth >= MAX_DEPTH:
        raise Unusable(path, f"lists and objects are nested deeper than {MAX_DEPTH} levels")
    if kind is dict:
        return _read_dict(value, path, depth, parts)
    if kind in _LISTS:
        pairs = [_read(item, f"{path}[{at}]", depth + 1, parts) for at, item in enumerate(tuple(value))]
        written = [pair[0] for pair in pairs]
        if kind is set or kind is frozenset:
            written = _sorted(written, path)  # the order of a set is an accident, and what is approved has none
        return written, kind(pair[1] for pair in pairs)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _read_object(value, [field.name for field in dataclasses.fields(value)], path, depth, parts)
    if attrs.has(kind):
        return _read_object(value, [field.name for field in attrs.fields(kind)], path, depth, parts)
    for plain in (str, int, float, decimal.Decimal):  # a subclass can say one thing and do another
        if isinstance(value, plain):
            return _read(_PLAIN[plain](value), path, depth, parts)
    raise Unusable(path, f"a value of the Python type {quoted(kind.__qualname__)} has no exact JSON form")


def as_json(value: Any, path: str) -> Any:
    """Return a value as JSON that shares nothing with it; raise `Unusable`. Any mapping counts as an object."""
    if isinstance(value, Mapping) and type(value) is not dict:
        value = dict(value)
    return read(value, path)[0]


def _read_dict(value: dict[Any, Any], path: str, depth: int, parts: Iterator[int]) -> tuple[Any, Any]:
    written: dict[str, Any] = {}
    kept: dict[Any, Any] = {}
    for key, item in list(value.items()):
        if type(key) is not str:
            raise Unusable(path, "the keys of an object must be texts")
        written[key], kept[key] = _read(item, path + step(key), depth + 1, parts)
    return written, kept


def _read_object(value: Any, names: list[str], path: str, depth: int, parts: Iterator[int]) -> tuple[Any, Any]:
    """Read the fields of an object, and make a copy that has exactly what was read."""
    kind = type(value)
    slots, base = _layout(kind)  # type: ignore[arg-type]  # mypy does not know that classes are hashable
    if base is not None:
        raise Unusable(path, f"a {quoted(kind.__qualname__)} is a {base} besides its fields, which nobody would see")
    kept = copy.copy(value)
    written: dict[str, Any] = {}
    for name in names:
        written[name], field = _read(getattr(value, name), path + step(name), depth + 1, parts)
        object.__setattr__(kept, name, field)
    for name in _held(value, slots) - written.keys():
        if not _computed(kind, name, slots):
            message = f"{quoted(name)} of a {quoted(kind.__qualname__)} is no field of it, so nobody would see it"
            raise Unusable(path, f"{message}; declare it as one")
    for name in _held(kept, slots) - written.keys():  # cached: worked out again, from what was decided upon
        object.__delattr__(kept, name)
    return written, kept


@functools.lru_cache(maxsize=512)
def _layout(kind: type) -> tuple[Mapping[str, Any], str | None]:
    """Return the slots of a class by name, and the built-in type that its objects are besides their attributes."""
    slots: dict[str, Any] = {}
    for each in kind.__mro__:
        if not each.__flags__ & _HEAP_TYPE and each is not object:
            return {}, each.__qualname__
        slots |= {name: member for name, member in vars(each).items() if inspect.ismemberdescriptor(member)}
    return slots, None


def _held(value: Any, slots: Mapping[str, Any]) -> set[str]:
    """Return the names of all that an object holds, in its `__dict__` and in slots."""
    return {*getattr(value, "__dict__", ()), *(name for name, slot in slots.items() if _is_set(slot, value))}


def _is_set(slot: Any, value: Any) -> bool:
    try:
        slot.__get__(value)  # not `getattr`, which would work a cached property out
    except AttributeError:
        return False
    return True


def _computed(kind: type, name: str, slots: Mapping[str, Any]) -> bool:
    """Tell whether an attribute is a cached property, which lies in the `__dict__`, or in a slot if attrs made it."""
    if name in slots:
        # attrs gives a class that it makes anew slots for fields and for cached properties, and for nothing else.
        return "__attrs_attrs__" in vars(slots[name].__objclass__)
    return isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)


def _sorted(items: list[Any], path: str) -> list[Any]:
    try:
        return sorted(items, key=canonical_json)
    except ValueProblem as problem:
        raise Unusable(path, problem.message) from None


def _float(value: float, path: str) -> decimal.Decimal:
    if not math.isfinite(value):
        raise Unusable(path, "infinity and not-a-number are not JSON")
    return decimal.Decimal(float.__repr__(value))


def _instant(value: datetime.datetime, path: str) -> str:
    if value.utcoffset() is None:
        raise Unusable(path, "a time needs a time zone")
    try:
        return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:
        raise Unusable(path, "a time must lie in the years 0001 to 9999 in UTC") from None


def _duration(value: datetime.timedelta, path: str) -> str:
    return format_duration(((value.days * 86_400 + value.seconds) * 10**6 + value.microseconds) * 1000)


def _text(value: Any, path: str) -> str:
    return str(value)


_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made by Python code
_LISTS: Final = (list, tuple, set, frozenset)
_PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    decimal.Decimal: lambda value: decimal.Decimal(value.as_tuple()),
}
# Types whose values never change and which are written exactly; a subclass of one is not among them.
_EXACT: Final[Mapping[type, Callable[[Any, str], Any]]] = {
    float: _float,
    datetime.datetime: _instant,
    datetime.date: lambda value, path: value.isoformat(),
    datetime.timedelta: _duration,
    uuid.UUID: _text,
    pathlib.PosixPath: _text,
    pathlib.PurePosixPath: _text,
    pathlib.WindowsPath: _text,
    pathlib.PureWindowsPath: _text,
    ipaddress.IPv4Address: _text,
    ipaddress.IPv6Address: _text,
}
