"""How long a decision takes, as a multiple of a hand-written Python function that decides the same; and for other engines.

Each engine meets each workload in a process of its own (`cell.py`), three times; medians are shown. A repeat visits every
workload, and a workload every engine, so that neighbours in time are compared. A request comes prepared (validated once, or
whatever is best for the engine), as a dict, or as JSON text; the latter two are read and validated whole each time.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from tests.benchmarks import processes
from tests.benchmarks.cell import FAILED, LOADING, WRONG
from tests.benchmarks.engines import ENGINES, KYNARA, Known
from tests.benchmarks.measure import Found, Row, shown

REPEATS = 3
GOALS = {"gdrive": 2.0, "github": 2.0, "tinytodo": 2.0, "abac": 1.0, "agents": 1.3, "roles": 1.5}
MANY_RULES = {"roles-10000": 2.0, "roles-100000": 2.0}
APPLICATIONS = ("gdrive", "github", "tinytodo")
QUICK = ("gdrive-20", "abac", "agents", "roles-10", "roles-100", "roles-1000")
GROWTH = tuple(f"roles-{10**n}" for n in range(1, 6))
FULL = (*(f"{name}-{n}" for name in APPLICATIONS for n in (5, 20, 50)), "abac", "agents", *GROWTH)

Cell = dict[str, Any]


def run(quick: bool) -> Found:
    """Measure every engine on every workload; in a hurry on fewer, and once."""
    cells = measured(QUICK if quick else FULL, quick)
    return Found(rows(cells), cells, [table(cells), loads(cells)])


def measured(workloads: Sequence[str], quick: bool, engines: Sequence[str] = tuple(ENGINES)) -> list[Cell]:
    """Measure engines on workloads; what failed or was refused is not tried again."""
    cells: list[Cell] = []
    given_up: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(prefix="kynara-benchmark-") as folder:
        for repeat in range(1 if quick else REPEATS):
            for workload in workloads:
                for known in present(engines):
                    suited = workload.partition("-")[0] in known.kinds
                    if suited and (known.name, workload) not in given_up:
                        cells.append({**one(known.name, workload, quick, folder), "repeat": repeat})
                        if "problem" in cells[-1]:
                            given_up.add((known.name, workload))
    return cells


def present(engines: Iterable[str] = tuple(ENGINES)) -> list[Known]:
    """Return the engines that are installed."""
    return [ENGINES[name] for name in engines if ENGINES[name].installed]


def missing() -> list[Known]:
    """Return the engines that are not."""
    return [known for known in ENGINES.values() if not known.installed]


def one(engine: str, workload: str, quick: bool, folder: str) -> Cell:
    """Measure one engine on one workload in a process of its own; what went wrong is the cell's `problem`."""
    print(f"{workload}: {engine}", file=sys.stderr)
    budget = "0.05" if quick else "0.5"
    environment = {"KYNARA_BENCHMARK_FOLDER": folder, "KYNARA_CACHE_DIR": str(Path(folder) / "cache")}
    ran = processes.run(["-m", "tests.benchmarks.cell", engine, workload, budget], environment=environment)
    cell: Cell = {"engine": engine, "workload": workload}
    last = (ran.errors.strip().splitlines() or ["it said nothing"])[-1]
    if ran.code == 0:
        return {**cell, **json.loads(ran.output), "peak_mb": ran.peak_mb}
    if ran.code == WRONG:
        print(f"\n*** {engine} DECIDES WRONGLY and is not timed: {last}\n", file=sys.stderr)
        return {**cell, "wrong": True, "problem": f"decides wrongly: {last}"}
    if ran.code == -signal.SIGALRM:
        return {**cell, "problem": f"not loaded in {LOADING} s"}
    if ran.code != FAILED:
        print(f"{engine} on {workload} ended with {ran.code}:\n{ran.errors[-2000:]}", file=sys.stderr)
    return {**cell, "problem": f"failed: {last[:250]}"}


@frozen
class Figures:
    """What the repeats of one engine on one workload with one form of requests came to."""

    seconds: tuple[float, ...]
    by_hand: tuple[float, ...]
    ratio: float
    p99: tuple[float, ...]
    slow: float
    """How many times the median of single decisions the 99th percentile is."""

    def row(self, what: str) -> Row:
        """Return them as a row, beside the function written by hand."""
        return Row(what, self.seconds, self.ratio, "by hand")


def figures(cells: list[Cell], engine: str, workload: str, form: str = "prepared") -> Figures | None:
    """Return the figures of a cell, if it was measured."""
    mine = [c["forms"] for c in cells if (c["engine"], c["workload"]) == (engine, workload) and "forms" in c]
    found = [forms[form] for forms in mine if form in forms]
    if not found:
        return None
    return Figures(
        tuple(f["seconds"] for f in found),
        tuple(f["by_hand"] for f in found),
        median(f["ratio"] for f in found),
        tuple(f["p99"] for f in found),
        median(f["p99"] / f["p50"] for f in found),
    )


def rows(cells: list[Cell]) -> list[Row]:
    """Return what Kynara's decisions cost, workload by workload, with the goals of each."""
    found: list[Row] = []
    for workload in dict.fromkeys(cell["workload"] for cell in cells):
        for form in ("prepared", "dict", "JSON text"):
            mine = figures(cells, KYNARA, workload, form)
            if mine is None:
                continue
            row = mine.row(f"{workload}, {form} (99 %: {mine.slow:.1f} times the median)")
            found.append(row.at_most(limit(workload)) if form == "prepared" else row)
        found += [row for row in (beside(cells, workload, *goal) for goal in PEERS) if row is not None]
    growth = grown(cells)
    return found + ([growth] if growth else [])


def limit(workload: str) -> float:
    """Return how many times what the function by hand takes a prepared decision may take."""
    return MANY_RULES.get(workload) or GOALS[workload.partition("-")[0]]


PEERS: tuple[tuple[str, tuple[str, ...], str, str, float], ...] = (
    ("regorus RVM", APPLICATIONS, "prepared", "prepared", 9.0),
    ("cedarpy", APPLICATIONS, "prepared", "prepared", 40.0),
    ("regorus RVM", ("abac",), "prepared", "prepared", 10.0),
    ("regorus RVM", tuple(GOALS), "dict", "JSON text", 1.0),
)
"""An engine, kinds of workloads, its form of requests and Kynara's, and how many times slower it should be."""


def beside(
    cells: list[Cell], workload: str, engine: str, kinds: tuple[str, ...], form: str, mine: str, goal: float
) -> Row | None:
    """Return how many times slower another engine is than Kynara, each as a multiple of the function by hand."""
    its, kynara = figures(cells, engine, workload, form), figures(cells, KYNARA, workload, mine)
    if its is None or kynara is None or workload.partition("-")[0] not in kinds:
        return None
    what = f"{workload}, {engine} ({form})"
    return Row(what, its.seconds, its.ratio / kynara.ratio, f"Kynara ({mine})").at_least(goal)


def grown(cells: list[Cell]) -> Row | None:
    """Return by how much a decision is slower with 100 000 rules than with 100."""
    few, many = figures(cells, KYNARA, "roles-100"), figures(cells, KYNARA, "roles-100000")
    if few is None or many is None:
        return None
    ratio = median(many.seconds) / median(few.seconds)
    return Row("growth from 100 to 100 000 rules, prepared", many.seconds, ratio, "roles-100").at_most(2.5)


def table(cells: list[Cell]) -> list[tuple[str, ...]]:
    """Return what every engine costs on every workload as multiples of the function by hand, which stands in the last line."""
    workloads = list(dict.fromkeys(cell["workload"] for cell in cells))
    forms = dict.fromkeys((c["engine"], form) for c in cells for form in c.get("forms", {}))
    forms |= {(c["engine"], "prepared"): None for c in cells if "problem" in c}
    lines = [("times by hand", *workloads)]
    for engine, form in forms:
        lines.append((f"{engine}, {form}", *(_cost(cells, engine, workload, form) for workload in workloads)))
    hand = [figures(cells, KYNARA, workload) for workload in workloads]
    lines.append(("by hand", *(shown(median(f.by_hand)) if f else "" for f in hand)))
    return lines


def _cost(cells: list[Cell], engine: str, workload: str, form: str) -> str:
    mine = figures(cells, engine, workload, form)
    if mine is not None:
        return f"{mine.ratio:.2f}" if mine.ratio < 10 else f"{mine.ratio:,.0f}"
    problem = _problem(cells, engine, workload) if form == "prepared" else None
    return "" if problem is None else problem.partition(":")[0]


def loads(cells: list[Cell]) -> list[tuple[str, ...]]:
    """Return how long each engine took to load growing programs, the first time, and the most memory of its process."""
    workloads = [name for name in GROWTH if any(cell["workload"] == name for cell in cells)]
    lines = [("loading, and the most memory of the process", *workloads)]
    for engine in dict.fromkeys(cell["engine"] for cell in cells):
        found = []
        for name in workloads:
            mine = [c for c in cells if (c["engine"], c["workload"]) == (engine, name) and "load_seconds" in c]
            found.append(f"{shown(mine[0]['load_seconds'])}, {mine[0]['peak_mb']:.0f} MB" if mine else "")
        lines.append((engine, *found))
    return lines


def _problem(cells: list[Cell], engine: str, workload: str) -> str | None:
    found = [c["problem"] for c in cells if (c["engine"], c["workload"]) == (engine, workload) and "problem" in c]
    return found[0] if found else None


def problems(cells: list[Cell]) -> list[str]:
    """Return a line for each cell that could not be measured."""
    return [f"{c['engine']} on {c['workload']}: {c['problem']}" for c in cells if "problem" in c]
