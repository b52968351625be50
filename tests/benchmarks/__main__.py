"""Runs benchmarks: `python -m tests.benchmarks` measures what is promised about speed, with a name one part of it in full.

`--quick` is smaller and done within a minute; `--json` prints JSON for machines; `--picture FILE.svg` also draws how decisions
grow with the number of rules, where those were measured. The JSON is an object:

- `benchmark`, `quick`, `machine`: what ran, how and where; `engines`: the version of each engine, null if it is not installed.
- `rows`: each has `what`, `median`, `values` (of the runs) and their `unit`; a `ratio` beside what `to` names; its `goal` as text
  and whether it was `reached`; and `peak_mb` of its processes. What does not apply is null.
- `cells`: one for each engine, workload and repeat: `load_seconds`, `load_mb`, `peak_mb`, and `forms`, where each form of requests
  has `seconds`, `by_hand`, `ratio`, `p50`, `p99` and how many decisions were `compared`; or a `problem` instead of all that.

Machines differ, and so do minutes on one machine: what counts is a ratio between things that were measured in turn in one run. A
benchmark is a module of this folder with a function `run(quick)` that returns rows. It ends with 1 if an engine decided wrongly.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.decisions import missing, problems
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.measure import HEADINGS, Found, lines_of
from tests.benchmarks.picture import draw
from tests.benchmarks.picture import lines_of as lines_in

HEADLINE = "headline"
BENCHMARKS = {
    HEADLINE: "what is promised about speed, and whether it holds; without a name this one runs",
    "decisions": "one decision, prepared, from a dict and from JSON text, beside a function written by hand and other engines",
    "loading": "up to 100 000 rules, cold and from the cache: time, memory, explaining one request",
    "stream": "`kynara decide` on JSON lines: decisions a second, memory, two processes",
    "commands": "each command: its start, its work on a small policy, its memory; formatting; a check cold and warm",
    "check": "checking a large program: cold, warm and with one changed file, beside parsing alone; start-up",
    "prove": "proofs at 50, 500 and 2 000 rules: everything anew, everything known, one rule changed",
    "guard": "what a guard without a log adds to a decision",
    "audit": "the log: durable decisions beside the disk's own flushes, verification, memory",
    "audit_query": "finding records in a log of 1 000 000: making the index, questions of every kind",
}
WITH_PEERS = (HEADLINE, "decisions")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark that is asked for, and print what it found."""
    about = "\n".join(f"  {name}: {what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", epilog=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmark", choices=BENCHMARKS, nargs="?", default=HEADLINE)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs, within a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--picture", metavar="FILE.svg", type=Path, help="draw how decisions grow with the number of rules"
    )
    options = parser.parse_args(arguments)
    if options.picture and options.benchmark not in WITH_PEERS:
        parser.error(f"a picture is drawn of decisions: by {' or '.join(WITH_PEERS)}")
    if options.benchmark in WITH_PEERS:
        for known in missing():
            print(f"{known.name} is not measured: {known.package} is not installed (extra `bench`)", file=sys.stderr)
    found = import_module(f"tests.benchmarks.{options.benchmark}").run(options.quick)
    if not isinstance(found, Found):
        found = Found(found)
    if options.picture:
        lines = lines_in(found.cells)
        if not lines:
            parser.error("nothing was measured that could be drawn")
        options.picture.write_text(draw(lines, machine()), encoding="utf-8")
    report = as_json(options.benchmark, options.quick, found) if options.json else as_text(options.benchmark, found)
    print(report)
    return 1 if any(cell.get("wrong") for cell in found.cells) else 0


def machine() -> str:
    """Return what the figures were measured on."""
    return (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )


def as_json(benchmark: str, quick: bool, found: Found) -> str:
    """Return what was found as JSON text."""
    said: dict[str, Any] = {
        "benchmark": benchmark,
        "quick": quick,
        "machine": machine(),
        "engines": {known.name: known.version for known in ENGINES.values()} if benchmark in WITH_PEERS else {},
        "rows": [row.as_dict() for row in found.rows],
        "cells": found.cells,
    }
    return json.dumps(said, indent=2)


def as_text(benchmark: str, found: Found) -> str:
    """Return what was found as tables."""
    lines = [f"{benchmark}, {machine()}; medians, with the fastest and the slowest run", ""]
    for table in found.tables:
        lines += [*lines_of(table), ""]
    lines += [*problems(found.cells), ""] if problems(found.cells) else []
    return "\n".join([*lines, *lines_of([HEADINGS, *(row.cells() for row in found.rows)])])


if __name__ == "__main__":
    sys.exit(main())
