"""Values as requests write them: those of a model of the solver, and ordinary ones for what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final

from ..checker.symbols import Program
from ..semantics.addresses import V4, format_ip
from ..semantics.hosts import read_email, read_host
from ..semantics.numbers import format_decimal
from ..semantics.paths import read_path
from ..semantics.problems import ValueProblem
from ..semantics.times import format_duration, format_time
from ..semantics.types import (
    BOOL,
    DECIMAL,
    DURATION,
    EMAIL,
    HOST,
    INT,
    IP,
    PATH,
    STRING,
    TIME,
    URL,
    Entity,
    Enum,
    Record,
    SetOf,
    Type,
)
from ..semantics.urls import Url, format_url, read_url
from .encoding import PLAIN_WEEK
from .keys import entity_text, type_and_id
from .universe import RANGES

_NOON: Final = PLAIN_WEEK + 12 * 3_600 * 10**9
_ORDINARY: Final[Mapping[Type, int]] = {
    INT: 1,
    DECIMAL: 10_000,
    TIME: _NOON,
    DURATION: 3_600 * 10**9,
    IP: V4 + (10 << 24) + 1,
}
_STEPS: Final[Mapping[Type, int]] = {INT: 1, DECIMAL: 10_000, TIME: 10**9, DURATION: 10**9, IP: 1}
_NUMBERED: Final[Mapping[Type, str]] = {
    STRING: "x{}",
    PATH: "/x{}",
    HOST: "host{}.example.com",
    EMAIL: "someone{}@example.com",
}
_HALF_A_CHARACTER: Final = re.compile("[\ud800-\udfff]")
_READ: Final[Mapping[Type, Callable[[str], str]]] = {HOST: read_host, EMAIL: read_email, PATH: read_path}


def written(value: Any, kind: Type) -> Any:
    """Return a value as requests write it."""
    if kind in (BOOL, INT):
        return value
    if kind == DECIMAL:
        return format_decimal(value)
    if kind == TIME:
        return format_time(value)
    if kind == DURATION:
        return format_duration(value)
    if kind == IP:
        return format_ip(value)
    if kind == URL:
        return format_url(_url(value))
    if isinstance(kind, Entity):
        name, identity = type_and_id(str(value))
        return {"type": name, "id": identity}
    if isinstance(kind, SetOf):
        return [written(v, kind.element) for v in sorted(value, key=repr)]
    return value


def ordinary(kind: Type, program: Program) -> Any:
    """Return a value that nobody would wonder at, as requests write it."""
    if isinstance(kind, Enum):
        return kind.values[0]
    if isinstance(kind, SetOf):
        return []
    if isinstance(kind, Record):
        return {f.external or f.name: ordinary(f.type, program) for f in kind.fields if not f.optional}
    if isinstance(kind, Entity):
        return {"type": program.types[min(kind.names)].external, "id": "someone"}
    texts = {BOOL: False, EMAIL: "someone@example.com", HOST: "example.com", PATH: "/x"}
    if kind in texts:
        return texts[kind]
    if kind in _ORDINARY:
        return written(_ORDINARY[kind], kind)
    return "https://example.com/" if kind == URL else "x"


def elements(found: Iterable[Any], kind: Type, program: Program) -> dict[Any, Any]:
    """Return the elements of a set of a model, each with the value that it is written as.

    The solver limits elements by nothing but what is asked of them, so where only their number counts, one may be no
    value of its type. It becomes an ordinary one that is not in the set; whether that serves, the evaluator says.
    """
    items = sorted(found, key=repr)
    kept = {item for item in items if _can_be(item, kind, program)}
    others = (other for other in _numbered(kind, program) if other not in kept)
    return {item: item if item in kept else next(others) for item in items}


def _can_be(value: Any, kind: Type, program: Program) -> bool:
    """Whether a value of the solver is one of its type; texts must be in their canonical form."""
    if kind in RANGES:
        low, high = RANGES[kind]
        return bool(low <= value <= high)
    if isinstance(kind, Entity):
        name, identity = type_and_id(str(value))
        return bool(identity) and name in {program.types[key].external for key in kind.names}
    if isinstance(kind, SetOf):
        return all(_can_be(item, kind.element, program) for item in value)
    if kind == STRING:
        return not _HALF_A_CHARACTER.search(value)
    try:
        if kind == URL:
            return read_url(format_url(_url(value))) == _url(value)
        return kind not in _READ or _READ[kind](value) == value
    except ValueProblem:
        return False


def _numbered(kind: Type, program: Program) -> Iterator[Any]:
    """Yield one value after the other, as the solver has them."""
    if isinstance(kind, SetOf):
        yield from (frozenset({one}) for one in _numbered(kind.element, program))
    for number in count(1):
        if kind in _ORDINARY:
            yield _ORDINARY[kind] + number * _STEPS[kind]
        elif kind == URL:
            yield ("https", f"host{number}.example.com", 443, "/", "")
        elif isinstance(kind, Entity):
            yield entity_text(program.types[min(kind.names)].external, f"someone{number}")
        else:
            yield _NUMBERED[kind].format(number)


def _url(value: Any) -> Url:
    scheme, host, port, path, rest = value
    return Url(scheme, host, port or None, path, rest)
