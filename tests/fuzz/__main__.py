"""`python -m tests.fuzz --minutes N [--seed S]`: compares evaluators on random programs for as long as one likes.

Prints the seed, what was compared and how fast; a difference is printed with the smallest program that shows it, and
makes the exit code 1. `--case SEED-NUMBER` runs a single case again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from . import comparing, running
from .choices import Chosen


def main() -> int:
    """Run the fuzzer; return the exit code."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, help="how long to go on (default: 1)")
    options.add_argument("--programs", type=int, help="how many programs to compare, instead of a time")
    options.add_argument("--seed", type=int, help="a number; the same one gives the same programs and requests")
    options.add_argument("--case", metavar="SEED-NUMBER", help="compare one case again, as a difference names it")
    asked = options.parse_args()
    if asked.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            one, counts = comparing.compare(Chosen(asked.case), comparing.open_own_cache(Path(folder) / "cache"))
        print(f"no difference among {len(one.requests)} requests: {counts}")
        return 0
    minutes = 1.0 if asked.minutes is None and asked.programs is None else asked.minutes
    seed = running.new_seed() if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    tally = running.run(seed, minutes=minutes, programs=asked.programs, say=lambda text: print(text, flush=True))
    for found in tally.differences:
        print(f"\n=== case {found.seed}, {found.kind}\n{found.reproduction}\n")
    print("\n".join(tally.lines()))
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
