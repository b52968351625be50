"""Turns what a request carries into values: one converter for each static type, built once.

A converter takes decoded JSON (or the Python objects that say the same) and a JSON path, and returns a value
or raises `Refused`. Types are exact: `true` is no Int, `1` no Bool, `"1"` no Int, and a binary float is
nothing at all, because what it was written as is already lost. What a value looks like inside is in
`semantics`.
"""

from __future__ import annotations

import decimal
import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from ..semantics import types
from ..semantics.addresses import read_ip
from ..semantics.entity import Entity
from ..semantics.hosts import read_email, read_host
from ..semantics.missing import MISSING
from ..semantics.numbers import INT_MAX, INT_MIN, SCALE, decimal_from_number, read_decimal
from ..semantics.paths import read_path
from ..semantics.problems import ValueProblem, quoted
from ..semantics.text import is_scalar_text
from ..semantics.times import TIME_MAX, TIME_MIN, read_duration, read_time
from ..semantics.types import Enum, Record, SetOf, Type
from ..semantics.urls import read_url
from .problems import Refused, meant, step

MAX_STRING: Final = 1_048_576
"""The longest String, in characters."""
MAX_ELEMENTS: Final = 100_000
"""The most elements of a Set, counted before equal ones are merged."""
MAX_DEPTH: Final = 64
"""How deep entity references can carry further references."""
LISTS: Final = (list, tuple, set, frozenset)
"""What a list whose order means nothing can be in Python: sets of values, roles, parents."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONG_NUMBER_BITS: Final = 256


class Converter(Protocol):
    """Reads a value found at a path; `depth` counts the entity references around it."""

    def __call__(self, value: object, path: str, depth: int = 0, /) -> Any:
        """Return the value, or raise `Refused`."""


class Surroundings(Protocol):
    """What converters need of the world around them: a cache, and someone who knows entities."""

    @property
    def converters(self) -> dict[object, Converter]:
        """The converters built so far."""

    def reference(self, value: object, type: types.Entity, path: str, depth: int) -> Entity:
        """Read a reference to an entity of one of the types."""


def converter(type: Type, world: Surroundings) -> Converter:
    """Return the converter of a type; the same one every time for one world."""
    key = _spelled(type)
    found = world.converters.get(key)
    if found is None:
        found = world.converters[key] = _build(type, world)
    return found


def as_mapping(value: object) -> Mapping[str, object] | None:
    """Return the value if it is a JSON object."""
    if type(value) is dict or isinstance(value, Mapping):
        return value
    return None


def shown(value: object) -> str:
    """Say in a few words what a value of a request is, safe to print."""
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`"
        case int():
            return f"`{value}`" if value.bit_length() <= _LONG_NUMBER_BITS else "a number of many digits"
        case decimal.Decimal():
            return quoted(str(value))
        case float():
            return "a binary floating-point number"
        case str():
            return f"the text {quoted(str.__str__(value))}"
        case list() | tuple() | set() | frozenset():
            return "a list"
        case dict() | Mapping():
            return "an object"
    return "something that is not JSON"


def _spelled(type: Type) -> object:
    """Return what two types share exactly if they are read alike: also the spelling of record fields."""
    match type:
        case SetOf(element=element):
            return SetOf, _spelled(element)
        case Record(fields=fields):
            return Record, tuple((f.name, f.external or f.name, f.optional, _spelled(f.type)) for f in fields)
    return type


def _build(type: Type, world: Surroundings) -> Converter:
    """Make the converter of a type."""
    match type:
        case Enum():
            return _enum(type)
        case SetOf():
            return _set(type, world)
        case Record():
            return _record(type, world)
        case types.Entity():
            return lambda value, path, depth=0: world.reference(value, type, path, depth)
    simple = _SIMPLE.get(type)
    if simple is not None:
        return simple
    # Only what the checker already complained about has such a type; a program with it is never run.
    return _nothing(type)


def _nothing(type: Type) -> Converter:
    """Make a converter that refuses everything."""

    def convert(value: object, path: str, depth: int = 0, /) -> Any:
        raise mistyped(value, path, str(type))

    return convert


def mistyped(value: object, path: str, wanted: str, hint: str = "") -> Refused:
    """Return the complaint that a value is of another type than the wanted one."""
    if value is None:
        hint = "; leave out what is absent"
    elif isinstance(value, float) and not hint:
        hint = "; floats are inexact, pass text or decimal.Decimal"
    return Refused("wrong-type", path, f"{_article(wanted)} is expected here, not {shown(value)}{hint}")


def _article(wanted: str) -> str:
    """Return the name of a type with `a` or `an`."""
    return f"{'an' if wanted[0] in 'AEIOaeio' else 'a'} {wanted}"


def _invalid(problem: ValueProblem, path: str) -> Refused:
    """Turn a reader's complaint about a text into one about a request."""
    better = f"; did you mean {quoted(problem.suggestion)}?" if problem.suggestion else ""
    return Refused("invalid-value", path, problem.message + better)


def _bool(value: object, path: str, depth: int = 0) -> bool:
    if value is True or value is False:
        return value
    raise mistyped(value, path, "Bool")


def _int(value: object, path: str, depth: int = 0) -> int:
    # A subclass can compare and print as it likes, and `bool` is one: the type must be exact.
    if type(value) is not int:
        raise mistyped(value, path, "Int", "; write it without quotes" if isinstance(value, str) else "")
    if not INT_MIN <= value <= INT_MAX:
        raise Refused("invalid-value", path, f"{shown(value)} does not fit in 64 bits")
    return value


def _decimal(value: object, path: str, depth: int = 0) -> int:
    try:
        if type(value) is int:
            units = value * SCALE if value.bit_length() <= _LONG_NUMBER_BITS else INT_MAX + 1
            if not INT_MIN <= units <= INT_MAX:
                raise ValueProblem(f"{shown(value)} is beyond the range of a Decimal, about ±922 trillion")
            return units
        if isinstance(value, decimal.Decimal):
            return decimal_from_number(value)
        if isinstance(value, str):
            return read_decimal(str.__str__(value))
    except ValueProblem as problem:
        raise _invalid(problem, path) from None
    raise mistyped(value, path, "Decimal")


def text(value: object, path: str, wanted: str = "String", hint: str = "") -> str:
    """Read a text of bounded length that can be written as UTF-8."""
    if not isinstance(value, str):
        raise mistyped(value, path, wanted, hint)
    plain = value if type(value) is str else str.__str__(value)
    if len(plain) > MAX_STRING:
        raise Refused("invalid-value", path, f"a text may have {MAX_STRING} characters, not {len(plain)}")
    if not is_scalar_text(plain):
        raise Refused("invalid-value", path, f"{quoted(plain)} contains a lone surrogate, which is not a character")
    return plain


def _string(value: object, path: str, depth: int = 0) -> str:
    return text(value, path)


def _read_with(read: Callable[[str], Any], wanted: str, hint: str = "") -> Converter:
    """Make a converter of a reader of texts."""

    def convert(value: object, path: str, depth: int = 0, /) -> Any:
        plain = text(value, path, wanted, hint)
        try:
            return read(plain)
        except ValueProblem as problem:
            raise _invalid(problem, path) from None

    return convert


_time_text: Final = _read_with(read_time, "Time", "; write it as text such as `2026-11-22T10:00:00Z`")
_duration_text: Final = _read_with(read_duration, "Duration", "; write it as text such as `15m`")
_ip_text: Final = _read_with(read_ip, "IP")


def _time(value: object, path: str, depth: int = 0) -> int:
    if not isinstance(value, datetime):
        instant: int = _time_text(value, path)
        return instant
    if value.utcoffset() is None:
        raise Refused("invalid-value", path, "a time needs a time zone")
    since = _nanoseconds(value - _EPOCH)
    if not TIME_MIN <= since <= TIME_MAX:
        raise Refused("invalid-value", path, "a time must lie in the years 0001 to 9999 in UTC")
    return since


def _duration(value: object, path: str, depth: int = 0) -> int:
    if not isinstance(value, timedelta):
        length: int = _duration_text(value, path)
        return length
    length = _nanoseconds(value)
    if not INT_MIN <= length <= INT_MAX:
        raise Refused("invalid-value", path, "a duration can be about 292 years long at most")
    return length


def _nanoseconds(delta: timedelta) -> int:
    """Return a length of time exactly."""
    return ((delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds) * 1000


def _ip(value: object, path: str, depth: int = 0) -> int:
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        value = str(value)
    address: int = _ip_text(value, path)
    return address


_SIMPLE: Final[Mapping[Type, Converter]] = {
    types.BOOL: _bool,
    types.INT: _int,
    types.DECIMAL: _decimal,
    types.STRING: _string,
    types.TIME: _time,
    types.DURATION: _duration,
    types.IP: _ip,
    types.EMAIL: _read_with(read_email, "Email"),
    types.HOST: _read_with(read_host, "Host"),
    types.URL: _read_with(read_url, "Url"),
    types.PATH: _read_with(read_path, "Path"),
}


def _enum(type: Enum) -> Converter:
    """Make the converter of an enum."""
    values = {value: value for value in type.values}

    def convert(value: object, path: str, depth: int = 0, /) -> str:
        plain = text(value, path, f"text out of {type}")
        found = values.get(plain)
        if found is None:
            raise Refused("invalid-value", path, f"{quoted(plain)} is none of {type}{meant(plain, values)}")
        return found

    return convert


def _set(type: SetOf, world: Surroundings) -> Converter:
    """Make the converter of a set."""
    read = converter(type.element, world)
    check = holds_entities(type.element)

    def convert(value: object, path: str, depth: int = 0, /) -> frozenset[Any]:
        if not isinstance(value, LISTS):
            raise mistyped(value, path, f"list for a {type}")
        if len(value) > MAX_ELEMENTS:
            raise Refused("invalid-value", path, f"a set may have {MAX_ELEMENTS} elements, not {len(value)}")
        members = [read(item, f"{path}[{i}]", depth) for i, item in enumerate(value)]
        if check:
            _agree(members, path)
        return frozenset(members)

    return convert


def _record(type: Record, world: Surroundings) -> Converter:
    """Make the converter of a record; members that the type does not have are ignored, as everywhere."""
    fields = [
        (f.external or f.name, step(f.external or f.name), f.optional, converter(f.type, world)) for f in type.fields
    ]

    def convert(value: object, path: str, depth: int = 0, /) -> tuple[Any, ...]:
        members = as_mapping(value)
        if members is None:
            raise mistyped(value, path, f"object for a record {type}")
        parts: list[Any] = []
        for external, suffix, optional, read in fields:
            if external in members:
                parts.append(read(members[external], path + suffix, depth))
            elif optional:
                parts.append(MISSING)
            else:
                raise Refused("missing-attribute", path + suffix, f"the record needs a {quoted(external)}")
        return tuple(parts)

    return convert


def holds_entities(type: Type) -> bool:
    """Tell whether values of a type have entities in them."""
    match type:
        case types.Entity():
            return True
        case SetOf(element=element):
            return holds_entities(element)
        case Record(fields=fields):
            return any(holds_entities(field.type) for field in fields)
    return False


def _agree(members: list[Any], path: str) -> None:
    """Refuse a set that names one entity twice and says different things of it.

    Entities are equal by name, so a set keeps one of the two: which one would decide what the policy sees.
    """
    seen: dict[str, Entity] = {}
    # Entities inside entities differ only if what carries them does, so `_same` goes into those itself.
    pending: list[Any] = list(members)
    while pending:
        member = pending.pop()
        if isinstance(member, Entity):
            first = seen.setdefault(member, member)
            if first is not member and not _same(first, member):
                raise Refused(
                    "contradictory",
                    path,
                    f"{quoted(member)} is named twice with different properties, roles or parents",
                )
        elif isinstance(member, tuple | frozenset):
            pending.extend(member)


def _same(a: Any, b: Any) -> bool:
    """Tell whether two equal-looking values say the same of every entity in them."""
    if a is b:
        return True
    if isinstance(a, Entity) and isinstance(b, Entity):
        if a != b or a.roles != b.roles or a.ancestors != b.ancestors:
            return False
        if a.attrs is None or b.attrs is None:
            return a.attrs is b.attrs
        return a.attrs.keys() == b.attrs.keys() and all(_same(a.attrs[k], b.attrs[k]) for k in a.attrs)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        # Members that hold entities are equal by name; the counterpart is found by that.
        counterpart = {member: member for member in b}
        return a == b and all(_same(member, counterpart[member]) for member in a)
    return bool(a == b)
