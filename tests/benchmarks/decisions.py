"""How long a decision takes, as a multiple of a hand-written Python function that decides the same.

Batches of the one and of the other alternate in one process, and a ratio is taken between neighbours in time; the
median of the ratios is shown. Every workload is first decided by both, request by request, and must agree. Garbage that
was there before is frozen, so that neither pays for the other's. A request comes in one of three forms: prepared
(validated once), a dict, or JSON text, which is read, validated and decided each time. A line of a stream is what
`kynara decide` does: read, decide and write.
"""

from __future__ import annotations

import gc
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import repeat
from statistics import median
from time import perf_counter_ns as now
from time import thread_time_ns as worked
from typing import Any

from attrs import evolve

from kynara_lang.cli.answers import answer_all
from kynara_lang.cli.json_lines import read_lines
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.strict_json import loads
from tests.benchmarks.measure import Row
from tests.benchmarks.workloads import get
from tests.benchmarks.workloads.shape import Workload

GOALS = {"gdrive": 2.0, "github": 2.0, "tinytodo": 2.0, "abac": 1.0, "agents": 1.3, "roles": 1.5}
MANY_RULES = {"roles-10000": 2.0, "roles-100000": 2.0}
QUICK = ("gdrive-20", "github-20", "tinytodo-20", "abac", "agents", "roles-10", "roles-100", "roles-1000")
FULL = (
    *(f"{name}-{n}" for name in ("gdrive", "github", "tinytodo") for n in (5, 20, 50)),
    "abac",
    "agents",
    *(f"roles-{n}" for n in (10, 100, 1000, 10_000, 100_000)),
)

Call = Callable[[Any], object]


def run(quick: bool, names: Sequence[str] = ()) -> list[Row]:
    """Measure decisions on every workload, or on the named ones."""
    rows: list[Row] = []
    absolute: dict[str, float] = {}
    for name in names or (QUICK if quick else FULL):
        found = measure(get(name), 0.4 if quick else 2.0)
        rows += found
        absolute[name] = found[0].median
    if "roles-100" in absolute and "roles-100000" in absolute:
        growth = absolute["roles-100000"] / absolute["roles-100"]
        rows.append(
            Row("growth from 100 to 100 000 rules, prepared", (absolute["roles-100000"],), growth, "roles-100", "≤ 2.5")
        )
    return rows


def measure(workload: Workload, budget: float) -> list[Row]:
    """Compare the three forms of requests with the function written by hand."""
    checked = check_sources([Source("measured.kyn", workload.text)])
    assert not checked.has_errors, [(d.code, d.message) for d in checked.diagnostics[:3]]
    store = None if workload.entities is None else Entities.from_list(workload.entities)
    policies = PolicySet(checked.program, store)
    prepared = [policies.request(**request) for request in workload.requests]
    texts = [json.dumps(request).encode() for request in workload.requests]
    forms: dict[str, tuple[Call, list[Any]]] = {
        "prepared": (policies.decide, prepared),
        "dict": (policies.decide, workload.requests),
        "JSON text": (lambda text: policies.decide(loads(text)), texts),  # type: ignore[arg-type]
    }
    kind = workload.name.partition("-")[0]
    rows = []
    for form, (call, requests) in forms.items():
        agree(workload, call, requests)
        mine, hand, slow = alternate(call, requests, workload.by_hand, workload.hand_requests, budget)
        limits = {"prepared": f"≤ {MANY_RULES.get(workload.name, GOALS[kind])}", "JSON text": "≤ 15 µs"}
        row = Row(f"{workload.name}, {form}", mine).beside(Row("by hand", hand), "by hand", limits.get(form, ""))
        rows.append(evolve(row, what=f"{row.what} (99 %: {slow:.1f} times the median)"))
    return [*rows, stream(workload, policies, max(5, int(budget * 10)))]


def stream(workload: Workload, policies: PolicySet, runs: int) -> Row:
    """Measure what `kynara decide` does with a line, beside what `json.loads` alone takes to read it."""
    lines = [json.dumps(request).encode() for request in workload.requests] * 5
    data = b"\n".join(lines) + b"\n"
    mine, reading = [], []
    for _ in range(runs):
        start = worked()
        answer_all(policies, read_lines(io.BytesIO(data)), Counter(), lambda text: None)
        mine.append((worked() - start) / len(lines) / 1e9)
        start = worked()
        for line in lines:
            json.loads(line)
        reading.append((worked() - start) / len(lines) / 1e9)
    row = Row(f"{workload.name}, a line of a stream", tuple(mine))
    return row.beside(Row("json.loads", tuple(reading)), "json.loads", "≤ 10 µs")


def agree(workload: Workload, call: Call, requests: list[Any]) -> None:
    """Fail unless both ways decide every request alike; what is not allowed by hand is denied here."""
    for mine, its in zip(requests, workload.hand_requests, strict=True):
        decision: Any = call(mine)
        assert not decision.errors, decision.errors
        assert decision.allowed == bool(workload.by_hand(its)), (workload.name, mine)


def alternate(
    call: Call, requests: list[Any], by_hand: Call, hand_requests: list[Any], budget: float
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return the seconds for one request in each batch of both, and the 99th percentile beside the median."""
    gc.collect()
    gc.freeze()
    try:
        loop, timer = loop_cost(), timer_cost()
        mine: list[float] = []
        hand: list[float] = []
        single: list[int] = []
        end = now() + int(budget * 1e9)
        while now() < end or len(mine) < 5:
            mine.append(max(batch(call, requests) - loop, 0.1) / 1e9)
            hand.append(max(batch(by_hand, hand_requests) - loop, 0.1) / 1e9)
            if len(single) < 50_000:
                single += singles(call, requests, timer)
        single.sort()
        slow = single[int(len(single) * 0.99)] / max(single[len(single) // 2], 1)
        return tuple(mine), tuple(hand), slow
    finally:
        gc.unfreeze()


def batch(call: Call, requests: list[Any]) -> float:
    """Return the nanoseconds of the processor that one request takes in a batch; who else runs does not count."""
    start = worked()
    for request in requests:
        call(request)
    return (worked() - start) / len(requests)


def singles(call: Call, requests: list[Any], timer: float) -> list[int]:
    """Return the nanoseconds of each request on its own, without what the clock costs."""
    found = []
    add = found.append
    for request in requests:
        start = now()
        call(request)
        add(int(now() - start - timer))
    return found


def loop_cost(times: int = 10_000) -> float:
    """Return the nanoseconds that a turn of an empty loop takes."""
    found = []
    for _ in range(7):
        start = now()
        for _turn in repeat(None, times):
            pass
        found.append(now() - start)
    return min(found) / times


def timer_cost() -> float:
    """Return the nanoseconds that reading the clock takes."""
    found = []
    for _ in range(2000):
        start = now()
        found.append(now() - start)
    return median(found)
