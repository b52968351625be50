"""What tells rules apart: the values that a condition needs to be among constants, or in ranges of numbers.

A switch on such a value leaves aside the rules that need another one. A permit that is left aside would have failed
anyway. A forbid or an approval may only be left aside by what is evaluated before anything in it can fail, because an
error in it makes it match. Where evaluating the value is itself what fails, the switch fails as the rule does.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final, Literal

from attrs import frozen

from ..semantics.operators import BUILTINS
from ..semantics.types import BOOL
from . import ir
from .intervals import Range, meet, union

Kind = Literal["", "roles", "ancestors", "within", "range"]


@frozen
class Key:
    """A value, and how constants tell it apart: equal to them, or holding, being in or being within them."""

    value: tuple[str, ...]
    kind: Kind = ""

    @property
    def several(self) -> bool:
        """Whether more than one constant can fit the value."""
        return self.kind != ""

    @property
    def label(self) -> str:
        """The key in words."""
        return ".".join((*self.value, self.kind) if self.kind else self.value)


@frozen
class Asked:
    """What a test needs of a key: one of some constants or ranges; `on` gives the value, `said` is what asks for it."""

    on: ir.Expr
    among: frozenset[Any]
    said: tuple[ir.Expr, ...]


Keys = Mapping[Key, Asked]

ENCLOSING: Final = {
    "path_within({0}, {1})": "enclosing_paths({0})",
    "host_within({0}, {1})": "enclosing_domains({0})",
}
_IN_BLOCK: Final = "{1}[0] <= {0} <= {1}[1]"
_COMPARED: Final = {"{0} < {1}": "<", "{0} <= {1}": "<=", "{0} > {1}": ">", "{0} >= {1}": ">="}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_DERIVED: Final = {row.template: row.name for row in BUILTINS.values() if row.result != BOOL}
"""Values that are computed from another, such as the hour of a time."""
_STEADY: Final = ("subject", "resource", "args", "context")
"""What is read of these is there in every valid request, or behind a test that proves it: there may be no delegator."""


def keys_of(test: ir.Test, *, certain: bool | None = None) -> Keys:
    """Return the keys that may leave a test aside; `certain` keeps those alone that come before what can fail."""
    if certain is None:
        certain = test.rule.effect != "permit"
    found: dict[Key, Asked] = {}
    fails: tuple[str, ...] | None = None
    for conjunct in (c for guard in test.guards for c in ir.conjuncts(guard.condition)):
        keys = list(keys_in(conjunct))
        if certain and conjunct.fails and fails is None and keys:
            fails = keys[0][0].value
        if certain and (conjunct.fails or fails is not None) and not any(key.value == fails for key, _ in keys):
            break
        for key, asked in keys:
            known = found.get(key)
            if known is None:
                found[key] = asked
            elif key.kind == "range":
                both = frozenset(r for one in asked.among for r in meet(known.among, one))
                found[key] = Asked(known.on, both, (*known.said, *asked.said))
    return found


def proof(on: ir.Expr) -> ir.Present | None:
    """Return the test that must hold before a value can be read, if it may be absent."""
    for node in ir.descend(on):
        if isinstance(node, ir.Read) and node.optional:
            return ir.Present(node.root, node.name, node.kinds)
    return None


def keys_in(expr: ir.Expr) -> Iterator[tuple[Key, Asked]]:
    """Yield what a condition needs, if it is that a value is one of some constants."""
    match expr:
        case ir.Apply("{1} in {0}.roles", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            yield Key((name,), "roles"), Asked(on, frozenset({value}), (expr,))
        case ir.Apply("not {0}.roles.isdisjoint({1})", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            yield Key((name,), "roles"), Asked(on, value, (expr,))
        case ir.Apply("{1} in {0}.ancestors", (ir.Root("subject" | "resource" as name) as root, ir.Const(value))):
            above = ir.Apply("{0}.ancestors", (root,))
            yield Key((name,), "ancestors"), Asked(above, frozenset({value}), (expr,))
        case ir.Apply("{0} == {1}", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            yield Key((name,)), Asked(on, frozenset({value}), (expr,))
        case ir.Apply("{0} == {1}", (on, ir.Const(value)) | (ir.Const(value), on)) if (of := _value(on)) is not None:
            yield Key(of), Asked(on, frozenset({value}), (expr,))
        case ir.Apply("{0} in {1}", (on, ir.Const(value))) if (of := _value(on)) is not None:
            yield Key(of), Asked(on, value, (expr,))
        case ir.Apply(template, (on, ir.Const(value))) if template in ENCLOSING and (of := _value(on)) is not None:
            yield Key(of, "within"), Asked(_around(template, on), frozenset({value}), (expr,))
        case ir.Each("any", local, ir.Const(values), ir.Apply(template, (on, ir.Local(one)))) if one == local:
            of = _value(on)
            if of is not None and template in ENCLOSING:
                yield Key(of, "within"), Asked(_around(template, on), values, (expr,))
            elif of is not None and template == _IN_BLOCK:
                yield Key(of, "range"), Asked(on, union(values), (expr,))
        case ir.Apply() | ir.Not(ir.Apply()):
            yield from _range(expr)


def _around(template: str, on: ir.Expr) -> ir.Expr:
    return ir.Apply(ENCLOSING[template], (on,), on.fails)


def _range(expr: ir.Apply | ir.Not) -> Iterator[tuple[Key, Asked]]:
    """Yield the range that a comparison, or its opposite, needs a number to be in."""
    compared = expr.operand if isinstance(expr, ir.Not) else expr
    match compared:
        case ir.Apply(template, (on, ir.Const((int() as low, int() as high)))) if template == _IN_BLOCK:
            if expr is not compared:
                return  # two ranges, of nearly all there is
            found: Range = (low, high)
        case ir.Apply(template, (on, ir.Const(int() as limit))) if template in _COMPARED:
            op = _COMPARED[template]
            found = _side(op if expr is compared else _OPPOSITE[op], limit)
        case ir.Apply(template, (ir.Const(int() as limit), on)) if template in _COMPARED:
            op = _TURNED[_COMPARED[template]]
            found = _side(op if expr is compared else _OPPOSITE[op], limit)
        case _:
            return
    of = _value(on)
    if of is not None:
        yield Key(of, "range"), Asked(on, frozenset({found}), (expr,))


def _side(op: str, limit: int) -> Range:
    """Return the numbers on one side of a limit; all ordered values are integers."""
    match op:
        case "<":
            return -math.inf, limit - 1
        case "<=":
            return -math.inf, limit
        case ">":
            return limit + 1, math.inf
    return limit, math.inf


def _value(expr: ir.Expr) -> tuple[str, ...] | None:
    """Name a value that a request holds, or one that is computed from nothing but it; None for any other."""
    match expr:
        case ir.Read(root, name) if root in _STEADY:
            return root, name
        case ir.Apply(template, (inner, *others)) if template in _DERIVED:
            of = _value(inner)
            constants: list[Hashable] = [o.value for o in others if isinstance(o, ir.Const)]
            if of is not None and len(constants) == len(others):
                return (
                    *of,
                    f"{_DERIVED[template]}({', '.join(map(str, constants))})" if others else _DERIVED[template],
                )
    return None
