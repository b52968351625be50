"""Operators and builtins on known values: what their rows in `semantics.operators` say, as functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..semantics import hosts, numbers, paths, text, times, urls
from ..semantics.operators import BUILTINS, Builtin
from ..semantics.types import DECIMAL, IP, PATH, TIME, Type

CONTRARY: Mapping[str, str] = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
}  # fmt: skip

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_METHODS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("Url", "scheme"): lambda url: url.scheme,
    ("Url", "host"): lambda url: url.host,
    ("Url", "port"): urls.url_port,
    ("Url", "path"): lambda url: url.path,
    ("Email", "domain"): hosts.email_domain,
    ("Path", "name"): paths.path_name,
    ("Path", "suffix"): paths.path_suffix,
    ("Time", "hour"): times.hour,
    ("Time", "weekday"): times.weekday,
    ("String", "lower"): text.ascii_lower,
    ("String", "starts_with"): str.startswith,
    ("String", "ends_with"): str.endswith,
    ("String", "contains"): operator.contains,
    ("String", "length"): len,
    ("Set", "size"): len,
    ("Set", "contains_all"): lambda whole, part: whole >= part,
    ("Set", "contains_any"): lambda one, other: not one.isdisjoint(other),
}


def method(row: tuple[str, str]) -> Builtin:
    """Return the builtin of a receiver and a name."""
    return BUILTINS[row]


def compute(row: str | tuple[str, str], values: list[Any], kinds: list[Type], result: Type) -> Any:
    """Apply an operator or a builtin to known values; raises EvaluationError."""
    if isinstance(row, tuple):
        return _METHODS[row](*values)
    if row in _COMPARE:
        return _COMPARE[row](*values)
    if row == "minus":
        return numbers.checked(-values[0])
    a, b = values
    match row:
        case "like":
            return text.glob_match(b, a)
        case "within":
            return any(_within(kinds[0], a, place) for place in (b if isinstance(b, frozenset) else (b,)))
        case "*" if kinds == [DECIMAL, DECIMAL]:
            return numbers.multiply_decimals(a, b)
        case "*":
            return numbers.checked(a * b)
    number = a + b if row == "+" else a - b
    return times.check_time(number) if result == TIME else numbers.checked(number)


def _within(kind: Type, value: Any, place: Any) -> bool:
    if kind == IP:
        return bool(place[0] <= value <= place[1])
    return paths.path_within(value, place) if kind == PATH else hosts.host_within(value, place)
