"""Measures things in turn: one run of each, then the next, so that a slow minute slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from attrs import evolve, frozen


@frozen
class Row:
    """What was measured: seconds of each run, and how many times that of another row it is."""

    what: str
    seconds: tuple[float, ...]
    ratio: float | None = None
    to: str = ""
    goal: str = ""

    @property
    def median(self) -> float:
        """The median in seconds."""
        return median(self.seconds)

    def beside(self, other: Row, to: str, goal: str = "") -> Row:
        """Return this row as a multiple of another: the median of the ratios of runs that were made in turn."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return evolve(self, ratio=median(mine / its for mine, its in pairs), to=to, goal=goal)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {
            "what": self.what,
            "median": self.median,
            "seconds": list(self.seconds),
            "ratio": self.ratio,
            "to": self.to or None,
            "goal": self.goal or None,
        }

    def cells(self) -> tuple[str, ...]:
        """Return the row as the cells of a table."""
        spread = f"{shown(min(self.seconds))} to {shown(max(self.seconds))}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.what, shown(self.median), spread, ratio, self.to, self.goal)


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


def shown(seconds: float) -> str:
    """Write a time: seconds, or microseconds where those would be nothing but zeros."""
    return f"{seconds:.3f}" if seconds >= 0.001 else f"{seconds * 1e6:.2f} µs"
