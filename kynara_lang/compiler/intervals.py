"""Which of many ranges a number is in: found by bisection, with no more ranges at hand than there are.

Ranges of amounts, times and addresses are all ranges of integers, with both ends in them. Between two neighbouring
ends nothing changes, so a number is looked up among the ends. What is written down for each such piece are keys. Where
few ranges overlap a key is the range itself. Where many do (`amount <= 1`, `amount <= 2`, …) that would be every
range for every piece; then a key is a run of pieces of a binary tree, each range is a few runs, and each piece is in
as many runs as the tree is deep.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from attrs import frozen

Range = tuple[float, float]
"""The first and the last number; infinity where there is none."""

EVERYTHING: Final[Range] = (-math.inf, math.inf)
_OVERLAPPING = 4  # so many ranges for a piece, on average, are written down one by one


@frozen
class Cover:
    """For each piece between `starts` the keys that count there; and for each range the keys that stand for it."""

    starts: tuple[float, ...]
    keys: tuple[tuple[Range, ...], ...]
    runs: Mapping[Range, tuple[Range, ...]]

    def at(self, number: float) -> tuple[Range, ...]:
        """Return the keys that count for a number."""
        return self.keys[bisect_right(self.starts, number)]


def meet(ranges: Iterable[Range], other: Range) -> frozenset[Range]:
    """Return what is in one of some ranges and in another one."""
    found = ((max(low, other[0]), min(high, other[1])) for low, high in ranges)
    return frozenset((low, high) for low, high in found if low <= high)


def union(ranges: Iterable[Range]) -> frozenset[Range]:
    """Return ranges that do not overlap, with the same numbers in them."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return frozenset(found)


def overlap(counts: Mapping[Range, int]) -> float:
    """Return how many of some ranges, each counted so many times, a piece is in on average."""
    starts = _starts(counts)
    total = sum(count * (end - first) for r, count in counts.items() for first, end in (_pieces(r, starts),))
    return total / (len(starts) + 1)


def cover(ranges: Collection[Range]) -> Cover:
    """Choose the keys of ranges, none of which is empty."""
    starts = _starts(ranges)
    pieces = {r: _pieces(r, starts) for r in ranges}
    if sum(end - first for first, end in pieces.values()) <= _OVERLAPPING * (len(starts) + 1):
        runs: dict[Range, tuple[Range, ...]] = {r: (r,) for r in ranges}
    else:
        ends = (-math.inf, *starts, math.inf)
        runs = {r: tuple((ends[a], ends[b] - 1) for a, b in _runs(*found)) for r, found in pieces.items()}
    keys: list[list[Range]] = [[] for _ in range(len(starts) + 1)]
    for key in sorted({key for some in runs.values() for key in some}):
        first, end = _pieces(key, starts)
        for piece in keys[first:end]:
            piece.append(key)
    return Cover(starts, tuple(map(tuple, keys)), runs)


def _starts(ranges: Iterable[Range]) -> tuple[float, ...]:
    """Return where something begins or has just ended."""
    found = {end for low, high in ranges for end in (low, high + 1)}
    return tuple(sorted(found - {-math.inf, math.inf}))


def _pieces(of: Range, starts: tuple[float, ...]) -> tuple[int, int]:
    """Return the first piece of a range, and the one after its last."""
    low, high = of
    end = len(starts) + 1 if high == math.inf else bisect_left(starts, high + 1) + 1
    return bisect_right(starts, low), end


def _runs(first: int, end: int) -> list[tuple[int, int]]:
    """Divide a run of pieces into runs of a binary tree: of the length of a power of two, at a multiple of it."""
    found = []
    while first < end:
        size = first & -first or 1 << end.bit_length()
        while first + size > end:
            size //= 2
        found.append((first, first + size))
        first += size
    return found
