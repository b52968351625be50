"""The table of what Kynara promises about speed, each promise with what was measured: the worst of all workloads it is about.

This is what `python -m tests.benchmarks` prints; the single benchmarks have all rows behind it.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from tests.benchmarks import loading, stream
from tests.benchmarks.decisions import (
    APPLICATIONS,
    FULL,
    PEERS,
    Cell,
    beside,
    figures,
    grown,
    limit,
    loads,
    measured,
    table,
)
from tests.benchmarks.engines import KYNARA
from tests.benchmarks.measure import Found, Row

QUICK = ("gdrive-20", "abac", "agents", "roles-100", "roles-1000")
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("applications", APPLICATIONS),
    ("abac", ("abac",)),
    ("agents", ("agents",)),
    ("up to 1 000 rules", ("roles-10", "roles-100", "roles-1000")),
    ("10 000 and 100 000 rules", ("roles-10000", "roles-100000")),
)
"""Workloads with one goal, by kind or by name."""
FROM_TEXT = 50.0
"""Times what the function by hand takes that a decision from JSON text may take: 15 µs where that one takes 0.3 µs."""


def run(quick: bool) -> Found:
    """Measure decisions beside other engines, loading, explaining and streams; in a hurry smaller and fewer."""
    cells = measured(QUICK if quick else FULL, quick)
    rows = of_decisions(cells)
    rows += [row for row in loading.run(quick) if quick or row.goal]
    rows += of_streams(stream.run(quick))
    return Found(rows, cells, [table(cells), loads(cells)])


def of_decisions(cells: list[Cell]) -> list[Row]:
    """Return the promises about decisions, each with its worst workload."""
    workloads = list(dict.fromkeys(cell["workload"] for cell in cells))
    found: list[Row | None] = []
    for title, members in GROUPS:
        mine = [name for name in workloads if name in members or name.partition("-")[0] in members]
        found.append(worst(f"{title}: a prepared decision", (_prepared(cells, name) for name in mine)))
        for peer in PEERS:
            if peer[1] == members:
                found.append(worst(f"{title}: {peer[0]} is slower", (beside(cells, name, *peer) for name in mine)))
    found += [
        grown(cells),
        worst("99 of 100 single decisions take at most", (_slow(cells, name) for name in workloads)),
        worst("from JSON text to a decision", (_from_text(cells, name) for name in workloads)),
        worst("regorus RVM, from a dict, is slower", (beside(cells, name, *PEERS[-1]) for name in workloads)),
    ]
    return [row for row in found if row is not None]


def worst(title: str, rows: Iterable[Row | None]) -> Row | None:
    """Return the row that is furthest from its goal, under a title."""
    found = [row for row in rows if row is not None and row.room is not None]
    if not found:
        return None
    row = min(found, key=lambda row: row.room or 0)
    return evolve(row, what=f"{title} ({row.what.partition(',')[0]})" if len(found) > 1 else title)


def of_streams(rows: list[Row]) -> list[Row]:
    """Return the slowest stream, and the one with which memory grows most."""
    found = [
        worst("kynara decide, one process", (row for row in rows if row.least is not None)),
        worst("kynara decide, memory", (row for row in rows if row.most is not None)),
    ]
    return [row for row in found if row is not None]


def _prepared(cells: list[Cell], name: str) -> Row | None:
    mine = figures(cells, KYNARA, name)
    return mine.row(name).at_most(limit(name)) if mine else None


def _slow(cells: list[Cell], name: str) -> Row | None:
    mine = figures(cells, KYNARA, name)
    return Row(name, mine.p99, mine.slow, "the median").at_most(4.0) if mine else None


def _from_text(cells: list[Cell], name: str) -> Row | None:
    mine = figures(cells, KYNARA, name, "JSON text")
    return mine.row(name).at_most(FROM_TEXT) if mine else None
