"""Whether a change holds for a range of values: `50.00 or less` is said only where every value of it would do.

What a decision asks of one value is gathered from all guards of all links. If each of them compares the value with
another that is known, nothing changes between one such limit and the next, so trying the limits, and what is just
beside them, tries the whole range. If anything else is asked of it, only the value that was tried is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..compiler import ir
from ..semantics import types
from ..semantics.types import Type
from .engine import Arguments, CompiledBucket, attempt

COMPARISONS: Final = {f"{{0}} {op} {{1}}": op for op in ("==", "!=", "<", "<=", ">", ">=")}
OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
UNITS: Final[dict[Type, int]] = {types.INT: 1, types.DECIMAL: 100, types.TIME: 10**9, types.DURATION: 10**9}
_MOST: Final = 24
_SHARED: Final = ("args", "context", "resource")  # the same for every link


@frozen
class Range:
    """The values that a change says would do: those `<=` a limit and so on, or those `within` a place.

    `exact` is the change in words for the one value that was tried, `unit` what lies between neighbours of its type.
    """

    read: tuple[str, str]
    op: str
    limit: Any = field(eq=False)
    type: Type
    unit: int
    exact: str

    def holds(self, value: Any) -> bool:
        """Whether a value is in the range."""
        return _IN_RANGE[self.op](value, self.limit)


_IN_RANGE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, limit: bool(value < limit),
    "<=": lambda value, limit: bool(value <= limit),
    ">": lambda value, limit: bool(value > limit),
    ">=": lambda value, limit: bool(value >= limit),
}


def probes(range_: Range, links: Sequence[tuple[CompiledBucket, Arguments]]) -> list[Any] | None:
    """Return values to try, which stand for all of a range; None where nothing can stand for it."""
    if range_.read[0] not in _SHARED:
        return None
    asked = list(_asked(range_.read, links))
    if range_.op == "within":
        return [] if all(op == "within" and other == range_.limit for op, other in asked) else None
    if any(op not in COMPARISONS.values() or other is None for op, other in asked):
        return None
    near = {other + step for _, other in asked for step in (-range_.unit, 0, range_.unit)}
    found = sorted(value for value in near if range_.holds(value))
    return found if len(found) <= _MOST else None


def _asked(
    read: tuple[str, str], links: Iterable[tuple[CompiledBucket, Arguments]]
) -> Iterator[tuple[str, Any]]:
    """Yield everything that is asked of what is read: an operator and the other operand's value."""
    for bucket, arguments in links:
        for test in bucket.bucket.tests:
            for guard in test.guards:
                for node in ir.descend(guard.condition):
                    for part in ir.parts(node):
                        if isinstance(part, ir.Read) and (part.root, part.name) == read:
                            yield _question(node, part, bucket, arguments)


def _question(node: ir.Expr, part: ir.Read, bucket: CompiledBucket, arguments: Arguments) -> tuple[str, Any]:
    if not isinstance(node, ir.Apply) or len(node.operands) != 2:
        return "other", None
    a, b = node.operands
    other = b if part is a else a
    value = attempt(bucket.compiled(other), arguments)[0]
    if node.template in COMPARISONS:
        return COMPARISONS[node.template], value
    return ("within", (node.template, value)) if part is a else ("other", None)
