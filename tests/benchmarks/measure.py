"""Measures things in turn: one run of each, then the next, so that a slow minute slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from attrs import evolve, field, frozen


@frozen
class Row:
    """What was measured: a value for each run, how many times that of another row it is, and what it should be."""

    what: str
    values: tuple[float, ...]
    ratio: float | None = None
    to: str = ""
    goal: str = ""
    unit: str = "s"
    peak_mb: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.values)

    def beside(self, other: Row, to: str, goal: str = "") -> Row:
        """Return this row as a multiple of another: the median of the ratios of runs that were made in turn."""
        pairs = zip(self.values, other.values, strict=True)
        return evolve(self, ratio=median(mine / its for mine, its in pairs), to=to, goal=goal)

    def at_most(self, limit: float) -> Row:
        """Return this row with a goal for its ratio, if it has one, else for its median."""
        return evolve(self, goal=f"≤ {self._limit(limit)}", most=limit)

    def at_least(self, limit: float) -> Row:
        """Return this row with a goal that its ratio, if it has one, else its median, must not stay below."""
        return evolve(self, goal=f"≥ {self._limit(limit)}", least=limit)

    @property
    def room(self) -> float | None:
        """How many times better than its goal it is, so that less than 1 misses it; None if no goal was set in numbers."""
        judged = self.median if self.ratio is None else self.ratio
        if self.most is not None:
            return self.most / judged
        return None if self.least is None else judged / self.least

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None if none was set in numbers."""
        return None if self.room is None else self.room >= 1

    def _limit(self, limit: float) -> str:
        return f"{limit:g} times" if self.ratio is not None else shown(limit, self.unit)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {
            "what": self.what,
            "median": self.median,
            "values": list(self.values),
            "unit": self.unit,
            "ratio": self.ratio,
            "to": self.to or None,
            "goal": self.goal or None,
            "reached": self.reached,
            "peak_mb": self.peak_mb,
        }

    def cells(self) -> tuple[str, ...]:
        """Return the row as the cells of a table."""
        low, high = shown(min(self.values), self.unit), shown(max(self.values), self.unit)
        spread = f"{low} to {high}" if len(self.values) > 1 else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        reached = {True: "reached", False: "missed", None: ""}[self.reached]
        peak = "" if self.peak_mb is None else f"{self.peak_mb:.0f} MB"
        return (self.what, shown(self.median, self.unit), spread, ratio, self.to, self.goal, reached, peak)


HEADINGS = ("what", "median", "runs", "ratio", "to", "goal", "", "peak")


@frozen
class Found:
    """What a benchmark found: rows and, where things were measured in cells, those."""

    rows: list[Row]
    cells: list[dict[str, Any]] = field(factory=list)
    tables: list[list[tuple[str, ...]]] = field(factory=list)


def in_turn(things: Mapping[str, Callable[[], float]], runs: int) -> dict[str, Row]:
    """Run each of some things once, then each again, and so on; each returns the seconds it took."""
    seconds: dict[str, list[float]] = {what: [] for what in things}
    for _ in range(runs):
        for what, thing in things.items():
            seconds[what].append(thing())
    return {what: Row(what, tuple(taken)) for what, taken in seconds.items()}


def timed(function: Callable[[], object]) -> float:
    """Return how many seconds a function takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def shown(value: float, unit: str = "s") -> str:
    """Write a value with its unit; seconds as milli- or microseconds where they would be nothing but zeros."""
    if unit != "s":
        return f"{value:,.0f} {unit}"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value * 1e9:.0f} ns"


def lines_of(cells: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table, columns under each other; those with nothing in them are left out."""
    used = [column for column in zip(*cells, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in used]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*used, strict=True)
    ]
