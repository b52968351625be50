"""One engine on one workload, in a process of its own: `python -m tests.benchmarks.cell ENGINE WORKLOAD SECONDS`.

It prints one line of JSON: how long loading took and how much memory it needed, and for each form of requests what a decision
takes beside the function written by hand. Before anything is timed, up to 1 000 decisions are compared with that function, and
only requests that were compared are timed. An engine that decides one of them otherwise is not timed at all.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from typing import Any

from tests.benchmarks.engines import ENGINES, KYNARA
from tests.benchmarks.engines.shape import Engine
from tests.benchmarks.timing import Call, alternate
from tests.benchmarks.workloads import get

MOST_COMPARED = 1000
COMPARING = 8.0
"""Seconds after which comparing ends, for engines that would take minutes over all requests."""
LOADING = 60
"""Seconds that another engine may take to load; the process is ended then, and that is reported."""
WRONG = 3
"""The exit code of a process in which an engine decided wrongly."""
FAILED = 4
"""The exit code of a process in which an engine could not load the program or make its requests."""


class Disagreement(Exception):
    """An engine and the function written by hand do not decide a request alike."""


def compare(engine: Engine, call: Call, requests: list[Any], form: str) -> int:
    """Compare decisions with those made by hand, and return how many; what is not equal to them is refused."""
    workload = engine.workload
    end = time.perf_counter() + COMPARING
    compared = 0
    for mine, its in zip(requests[:MOST_COMPARED], workload.hand_requests, strict=False):
        answer, right = call(mine), bool(workload.by_hand(its))
        if engine.allowed(answer) is not right:
            asked = json.dumps(workload.requests[compared])
            raise Disagreement(f"{workload.name}, {form}: by hand {right}, but {answer!r} for {asked}")
        compared += 1
        if time.perf_counter() > end:
            break
    return compared


def measure(engine: Engine, budget: float, limit: int = 0) -> dict[str, Any]:
    """Load the program, in so many seconds at most unless that is 0, and measure each form of requests."""
    engine.write()
    gc.collect()
    before, start = memory_mb(), time.perf_counter()
    signal.alarm(limit)  # ends the process, whatever library it is in
    engine.load()
    found: dict[str, Any] = {"load_seconds": time.perf_counter() - start, "load_mb": memory_mb() - before, "forms": {}}
    signal.alarm(0)
    workload = engine.workload
    for form, (call, requests) in engine.forms().items():
        compared = compare(engine, call, requests, form)
        timed = alternate(call, requests[:compared], workload.by_hand, workload.hand_requests, budget)
        found["forms"][form] = {**timed.as_dict(), "compared": compared}
    return {**found, "peak_mb": peak_mb()}


def memory_mb() -> float:
    """Return how much memory this process has now, where the system tells it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return peak_mb()


def peak_mb() -> float:
    """Return how much memory this process had at most."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def main() -> None:
    name, workload, budget = sys.argv[1], get(sys.argv[2]), float(sys.argv[3])
    engine = ENGINES[name].load()(workload)
    print(json.dumps(measure(engine, budget, 0 if name == KYNARA else LOADING)))


def end() -> int:
    """Run, and return the exit code; what went wrong is said on one line."""
    try:
        main()
    except Disagreement as wrong:
        print(wrong, file=sys.stderr)
        return WRONG
    except (ValueError, TypeError, RuntimeError, MemoryError) as failed:  # what engines raise for a program they reject
        print(
            f"{type(failed).__name__}: {(str(failed).strip().splitlines() or ['no reason'])[0][:200]}", file=sys.stderr
        )
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(end())
