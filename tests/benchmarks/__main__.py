"""Runs a benchmark: `python -m tests.benchmarks check`, with `--quick` in less than a minute, with `--json` for machines.

Each benchmark is a module of this folder with a function `run(quick)` that returns rows. Machines differ, and so do
minutes on one machine: what counts is a ratio between things that were measured in turn in one run.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib import import_module

from tests.benchmarks.measure import Row

BENCHMARKS = {
    "audit": "the log: durable decisions beside the disk's own flushes, verification, memory",
    "audit_query": "finding records in a log of 1 000 000: making the index, questions of every kind",
    "guard": "what a guard without a log adds to a decision",
    "decisions": "one decision, prepared, from a dict and from JSON text, beside a function written by hand",
    "prove": "proofs at 50, 500 and 2 000 rules: everything anew, everything known, one rule changed",
    "check": "checking a large program: cold, warm and with one changed file, beside parsing alone; start-up",
}


def main() -> None:
    about = "\n".join(f"  {name}: {what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", epilog=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows: list[Row] = import_module(f"tests.benchmarks.{options.benchmark}").run(options.quick)
    machine = f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}"
    if options.json:
        print(
            json.dumps(
                {"benchmark": options.benchmark, "machine": machine, "rows": [r.as_dict() for r in rows]}, indent=2
            )
        )
        return
    print(f"{options.benchmark}, {machine}; medians, with the fastest and the slowest run\n")
    cells = [("what", "seconds", "", "ratio", "to", "goal"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
