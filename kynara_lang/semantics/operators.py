"""Operators and builtins: one row each, with types, result, generated code, and whether it can fail.

The type checker, the compiler and the reference read these rows; what a row says holds for all of them. In a template
`{0}`, `{1}` … are the operands in order; every other name is one of `FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from . import hosts, numbers, paths, text, times, urls
from .types import (
    BLOCK,
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
    Enum,
    SetOf,
    Type,
)

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "checked": numbers.checked,
    "multiply_decimals": numbers.multiply_decimals,
    "check_time": times.check_time,
    "hour": times.hour,
    "weekday": times.weekday,
    "glob_match": text.glob_match,
    "ascii_lower": text.ascii_lower,
    "path_within": paths.path_within,
    "path_name": paths.path_name,
    "path_suffix": paths.path_suffix,
    "host_within": hosts.host_within,
    "email_domain": hosts.email_domain,
    "url_port": urls.url_port,
    "len": len,
}


@frozen
class Operator:
    """An operator between two types; `fails` says that it can be an evaluation error."""

    op: str
    left: Type
    right: Type
    result: Type
    template: str
    fails: bool = False


def _arithmetic() -> list[Operator]:
    rows = []
    for kind in (INT, DECIMAL, DURATION):
        rows += [Operator(op, kind, kind, kind, f"checked({{0}} {op} {{1}})", fails=True) for op in "+-"]
    return [
        *rows,
        Operator("+", TIME, DURATION, TIME, "check_time({0} + {1})", fails=True),
        Operator("+", DURATION, TIME, TIME, "check_time({0} + {1})", fails=True),
        Operator("-", TIME, DURATION, TIME, "check_time({0} - {1})", fails=True),
        Operator("-", TIME, TIME, DURATION, "checked({0} - {1})", fails=True),
        Operator("*", INT, INT, INT, "checked({0} * {1})", fails=True),
        Operator("*", DECIMAL, DECIMAL, DECIMAL, "multiply_decimals({0}, {1})", fails=True),
        Operator("*", DECIMAL, INT, DECIMAL, "checked({0} * {1})", fails=True),
        Operator("*", INT, DECIMAL, DECIMAL, "checked({0} * {1})", fails=True),
        Operator("*", DURATION, INT, DURATION, "checked({0} * {1})", fails=True),
        Operator("*", INT, DURATION, DURATION, "checked({0} * {1})", fails=True),
    ]


ORDERED = (INT, DECIMAL, TIME, DURATION)

OPERATORS: dict[str, tuple[Operator, ...]] = {}
for _row in (
    *_arithmetic(),
    *(Operator(op, t, t, BOOL, f"{{0}} {op} {{1}}") for op in ("<", "<=", ">", ">=") for t in ORDERED),
    Operator("like", STRING, STRING, BOOL, "glob_match({1}, {0})"),
    Operator("within", IP, BLOCK, BOOL, "{1}[0] <= {0} <= {1}[1]"),
    Operator("within", PATH, PATH, BOOL, "path_within({0}, {1})"),
    Operator("within", HOST, HOST, BOOL, "host_within({0}, {1})"),
):
    OPERATORS[_row.op] = (*OPERATORS.get(_row.op, ()), _row)


@frozen
class Builtin:
    """An attribute (`parameters` is None) or a method of a built-in type.

    A parameter of type None is the receiver's own type (`set.contains_all(x)`); `zone` is a time zone's name, which
    must be a constant.
    """

    receiver: str
    name: str
    parameters: tuple[Type | str | None, ...] | None
    result: Type
    template: str
    fails: bool = False

    @property
    def shown(self) -> str:
        """The builtin as it is used: `.host` or `.hour("Europe/Berlin")`."""
        if self.parameters is None:
            return f".{self.name}"
        words = ['"Europe/Berlin"' if p == "zone" else "…" for p in self.parameters]
        return f".{self.name}({', '.join(words)})"


WEEKDAY = Enum(times.WEEKDAYS)

BUILTINS: dict[tuple[str, str], Builtin] = {
    (row.receiver, row.name): row
    for row in (
        Builtin("Url", "scheme", None, STRING, "{0}.scheme"),
        Builtin("Url", "host", None, HOST, "{0}.host"),
        Builtin("Url", "port", None, INT, "url_port({0})", fails=True),
        Builtin("Url", "path", None, PATH, "{0}.path"),
        Builtin("Email", "domain", None, HOST, "email_domain({0})"),
        Builtin("Path", "name", None, STRING, "path_name({0})"),
        Builtin("Path", "suffix", None, STRING, "path_suffix({0})"),
        Builtin("Time", "hour", ("zone",), INT, "hour({0}, {1})", fails=True),
        Builtin("Time", "weekday", ("zone",), WEEKDAY, "weekday({0}, {1})", fails=True),
        Builtin("String", "lower", (), STRING, "ascii_lower({0})"),
        Builtin("String", "starts_with", (STRING,), BOOL, "{0}.startswith({1})"),
        Builtin("String", "ends_with", (STRING,), BOOL, "{0}.endswith({1})"),
        Builtin("String", "contains", (STRING,), BOOL, "{1} in {0}"),
        Builtin("String", "length", (), INT, "len({0})"),
        Builtin("Set", "size", (), INT, "len({0})"),
        Builtin("Set", "contains_all", (None,), BOOL, "{0} >= {1}"),
        Builtin("Set", "contains_any", (None,), BOOL, "not {0}.isdisjoint({1})"),
    )
}


def receiver_name(kind: Type) -> str:
    """Return the name under which a type's builtins are found."""
    return "Set" if isinstance(kind, SetOf) else str(kind)


TEXT_LIKE = frozenset({PATH, HOST, URL, EMAIL})
