"""Sets of values that a comparison with a constant leaves: intervals, values listed, and what a pattern covers.

Each set has an exact complement, so that negation never loses anything. Ordered values (numbers, times, durations,
addresses) are whole numbers throughout, so an interval needs no open ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from attrs import frozen

from ...semantics.addresses import V4
from ...semantics.hosts import host_within
from ...semantics.numbers import INT_MAX, INT_MIN
from ...semantics.paths import path_within
from ...semantics.text import glob_match
from ...semantics.times import TIME_MAX, TIME_MIN
from ...semantics.types import DECIMAL, DURATION, INT, IP, TIME, Enum, Type

MOST_PATTERNS = 40  # of one value, compared with each other
_FAR = 1 << 140  # beyond every whole number that stands for a value
_ANYTHING = "\ue000"  # stands for what a star covers


@frozen
class Intervals:
    """Whole numbers in some inclusive ranges, sorted and apart from each other."""

    ranges: tuple[tuple[int, int], ...]

    def complement(self) -> Intervals:
        """Return every other number."""
        found, low = [], -_FAR
        for start, end in self.ranges:
            if low < start:
                found.append((low, start - 1))
            low = end + 1
        if low <= _FAR:
            found.append((low, _FAR))
        return Intervals(tuple(found))

    def meet(self, other: Intervals) -> Intervals:
        """Return the numbers in both."""
        found = []
        mine, theirs = list(self.ranges), list(other.ranges)
        while mine and theirs:
            (a, b), (c, d) = mine[0], theirs[0]
            if max(a, c) <= min(b, d):
                found.append((max(a, c), min(b, d)))
            (mine if b <= d else theirs).pop(0)
        return Intervals(tuple(found))


@frozen
class Values:
    """Some values, or, `others`, all values but these."""

    values: frozenset[Any]
    others: bool = False

    def complement(self) -> Values:
        """Return every other value."""
        return Values(self.values, not self.others)

    def meet(self, other: Values) -> Values:
        """Return the values in both."""
        if self.others and other.others:
            return Values(self.values | other.values, True)
        if self.others or other.others:
            few, rest = (other, self) if self.others else (self, other)
            return Values(few.values - rest.values)
        return Values(self.values & other.values)


PatternKind = Literal["glob", "path", "host"]


@frozen
class Covered:
    """The values that a pattern covers, or, `others`, all that it does not.

    A glob is a tuple of its parts as `compile_glob` gives them; the others are what `within` names.
    """

    kind: PatternKind
    pattern: Any
    others: bool = False

    def complement(self) -> Covered:
        """Return every other value."""
        return Covered(self.kind, self.pattern, not self.others)

    def holds(self, value: Any) -> bool:
        """Whether a value can be in the set; one of another type stands where the type of this one is excluded."""
        if not isinstance(value, str):
            return True
        return _COVERS[self.kind](self.pattern, value) is not self.others


Domain: TypeAlias = Intervals | Values | Covered

_COVERS: dict[PatternKind, Callable[[Any, Any], bool]] = {
    "glob": glob_match,
    "path": lambda place, value: path_within(value, place),
    "host": lambda place, value: host_within(value, place),
}


def between(low: int | None, high: int | None) -> Intervals:
    """Return the numbers from `low` to `high`, either None for no bound."""
    return Intervals(((-_FAR if low is None else low, _FAR if high is None else high),))


def numbers(values: Iterable[int]) -> Intervals:
    """Return some numbers."""
    found: list[tuple[int, int]] = []
    for value in sorted(set(values)):
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return Intervals(tuple(found))


NUMERIC: dict[Type, Intervals] = {
    INT: between(INT_MIN, INT_MAX),
    DECIMAL: between(INT_MIN, INT_MAX),
    DURATION: between(INT_MIN, INT_MAX),
    TIME: between(TIME_MIN, TIME_MAX),
    IP: between(0, V4 + 2**32 - 1),
}
"""The ordered types: each value is a whole number in this range."""


def of_type(kind: Type | None) -> Domain | None:
    """Return all values of a type, where that says something."""
    if isinstance(kind, Enum):
        return Values(frozenset(kind.values))
    return NUMERIC.get(kind) if kind is not None else None


class Space:
    """What is left of one value when several sets are known to hold it."""

    def __init__(self) -> None:
        """Start with any value."""
        self.intervals: Intervals | None = None
        self.values = Values(frozenset(), True)
        self.patterns: list[Covered] = []

    def within(self, domain: Domain) -> None:
        """Take one more set that holds the value."""
        match domain:
            case Intervals():
                self.intervals = domain if self.intervals is None else self.intervals.meet(domain)
            case Values():
                self.values = self.values.meet(domain)
            case Covered():
                if len(self.patterns) < MOST_PATTERNS:
                    self.patterns.append(domain)

    @property
    def empty(self) -> bool:
        """Whether surely no value is left."""
        if self.intervals is not None and not self.intervals.ranges:
            return True
        if not self.values.others:
            return not any(all(p.holds(v) for p in self.patterns) for v in self.values.values)
        return any(_apart(a, b) for i, a in enumerate(self.patterns) for b in self.patterns[i + 1 :])

    @property
    def listed(self) -> frozenset[Any] | None:
        """The only values left, or None when they are not known one by one."""
        if self.values.others:
            return None
        return frozenset(v for v in self.values.values if all(p.holds(v) for p in self.patterns))


def _apart(a: Covered, b: Covered) -> bool:
    """Whether two patterns surely have no value in common."""
    if a.kind != b.kind or (a.others and b.others):
        return False
    if a.others or b.others:
        small, rest = (b, a) if a.others else (a, b)
        return _inside(small, rest.pattern)
    if a.kind == "glob":
        return _starts_apart(a.pattern[0], b.pattern[0]) or _starts_apart(a.pattern[-1][::-1], b.pattern[-1][::-1])
    return not _inside(a, b.pattern) and not _inside(b, a.pattern)


def _starts_apart(a: str, b: str) -> bool:
    return not a.startswith(b) and not b.startswith(a)


def _inside(small: Covered, pattern: Any) -> bool:
    """Whether everything that one pattern covers is covered by another of its kind."""
    if small.kind == "glob":
        told_apart = not any(_ANYTHING in part for part in pattern)
        return told_apart and glob_match(pattern, _ANYTHING.join(small.pattern))
    return _COVERS[small.kind](pattern, small.pattern)
