"""`python -m tests.fuzz.growth [NAME …]`: how time grows with the size of hostile input, one family after the other.

Each family is made at a size, twice and four times that size, and so on, until one takes long enough to be measured. A line says
how many characters that one has. The exponent says what the last doublings of the text cost: 1 is linear, 2 is quadratic. One of more than 1.3 is marked, and is to be mended, or
bounded by a limit with a message; `limit` says that the largest size was refused. Times are those of the processor, and differ
between machines; exponents hardly do. What is promised is tested in calls, not in time, by `tests/hostile/test_work_limits.py`.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.render_text import render_diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.proving import Proving
from kynara_lang.runtime import strict_json
from kynara_lang.runtime.entities import Entities, EntitiesError
from kynara_lang.syntax.formatter import formatted

from .hostile_shapes import ENTITIES, POLICIES, PROVED, REQUESTS
from .targets import policies

STEEP = 1.3
ENOUGH = 0.4
"""Seconds of a measurement that is long enough to be told from what every program costs."""
TINY = 2
MOST = 12.0
"""Seconds after which a family is not made larger."""


@frozen
class Growth:
    """What was measured: seconds by the length of the text, whether the largest was refused, and what next to nothing costs."""

    name: str
    work: str
    seconds: dict[int, float]
    refused: bool
    base: float = 0.0

    @property
    def exponent(self) -> float:
        """What a doubling costs, as a power: over the last two doublings, without what next to nothing costs."""
        sizes = sorted(self.seconds)
        if len(sizes) < 3:
            return math.nan
        first, last = sizes[-3], sizes[-1]
        before, after = (max(self.seconds[size] - self.base, 1e-4) for size in (first, last))
        return math.log(after / before) / math.log(last / first)

    def line(self) -> str:
        """Return the row of a table."""
        size = max(self.seconds)
        mark = "  <-- steep" if self.exponent > STEEP and self.seconds[size] > ENOUGH / 4 else ""
        limit = "  limit" if self.refused else ""
        return f"{self.work:<9} {self.name:<42} {size:>9,} {self.seconds[size]:>8.2f} s  ^{self.exponent:4.2f}{limit}{mark}"


def check(text: str) -> bool:
    """Check with every lint, and show what is found first; return whether it was refused."""
    checked = check_sources([Source("hostile.kyn", text)], lints=LintSettings())
    for diagnostic in checked.diagnostics[:20]:
        render_diagnostic(diagnostic, width=100)
    return any(d.code == "KYN007" for d in checked.diagnostics)


def fmt(text: str) -> bool:
    """Lay out; return whether it was refused."""
    report = Report()
    formatted(Source("hostile.kyn", text), report)
    return any(d.code == "KYN007" for d in report.sorted())


def prove(text: str) -> bool:
    """Check and prove, as `kynara check` does."""
    check_sources([Source("hostile.kyn", text)], lints=LintSettings(), prove=Proving())
    return False


def decide(text: str) -> bool:
    """Read and decide a request, and explain it; return whether it was refused."""
    try:
        request: Any = strict_json.loads(text, max_bytes=2**30)
    except strict_json.JsonProblem:
        return True
    policies().decide(request)
    return bool(policies().explain(request).decision.errors)


def entities(text: str) -> bool:
    """Read a store, and decide a request about what is in it; return whether it was refused."""
    try:
        point = policies().bind(Entities.from_text(text))
    except EntitiesError:
        return True
    point.decide(strict_json.loads(ENTITIES_ASKED))
    return False


ENTITIES_ASKED = """{"subject": {"type": "user", "id": "u0"}, "action": {"name": "docs:send", "properties": {"to": [], "amount": 1}},
 "resource": {"type": "Doc", "id": "d0"}, "context": {"now": "2026-11-22T10:00:00Z"}}"""


def measured(
    name: str, work: Callable[[str], bool], make: Callable[[int], str], size: int, most: int, enough: float
) -> Growth:
    """Make a family larger until it takes long enough, or is as large as it may become."""
    start, found, refused = time.process_time(), dict[int, float](), False
    work(make(TINY))  # what is loaded once
    base, _ = _seconds(work, make(TINY), enough)
    while size <= most and time.process_time() - start < max(MOST, 8 * enough):
        text = make(size)
        found[len(text)], refused = _seconds(work, text, enough)
        if found[len(text)] > enough and len(found) > 3:
            break
        size *= 2
    return Growth(name, work.__name__, found, refused, base)


def _seconds(work: Callable[[str], bool], text: str, enough: float) -> tuple[float, bool]:
    """Return the least time of two, and whether the text was refused."""
    best, refused = math.inf, False
    for _ in range(2):
        gc.collect()
        gc.disable()  # as the commands do: looking for garbage costs more, the more there is
        begin = time.process_time()
        refused = work(text)
        best = min(best, time.process_time() - begin)
        gc.enable()
        if best > enough:
            break
    return best, refused


FAMILIES: list[tuple[Callable[[str], bool], dict[str, tuple[int, int, Callable[[int], str]]]]] = [
    (check, POLICIES),
    (fmt, POLICIES),
    (prove, PROVED),
    (decide, REQUESTS),
    (entities, ENTITIES),
]


def main() -> int:
    """Measure all families, or those whose names are given; return 1 where one is steep."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.growth", description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", help="parts of names of families, or of works (check, fmt, prove, decide, entities)")
    options.add_argument("--enough", type=float, default=ENOUGH, help=f"seconds that a measurement must reach (default: {ENOUGH})")
    given = options.parse_args()
    asked = given.names
    steep = 0
    for work, shapes in FAMILIES:
        for name, (size, most, make) in shapes.items():
            if not asked or any(part in name or part == work.__name__ for part in asked):
                found = measured(name, work, make, size, most, given.enough)
                steep += "steep" in found.line()
                print(found.line(), flush=True)
    print(f"{steep} steep")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
