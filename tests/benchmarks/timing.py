"""Times a decision beside a function written by hand: batches of the two alternate in one process.

A ratio is taken between neighbours in time, and the median of the ratios counts. Garbage that was there before is frozen, so that
neither pays for the other's. Times of batches are those of the processor: who else runs costs caches, but not turns.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from itertools import repeat
from statistics import median
from time import perf_counter_ns as now
from time import process_time_ns as worked
from typing import Any

from attrs import asdict, frozen

Call = Callable[[Any], object]
MOST_SINGLES = 50_000


@frozen
class Timed:
    """Seconds of one decision and of one by hand, the ratio of neighbours, and percentiles of single decisions."""

    seconds: float
    by_hand: float
    ratio: float
    p50: float
    p99: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures as JSON values."""
        return asdict(self)


def alternate(call: Call, requests: Sequence[Any], by_hand: Call, hand_requests: Sequence[Any], budget: float) -> Timed:
    """Time both for some seconds, in batches that take an eighth of them at most."""
    gc.collect()
    gc.freeze()
    try:
        loop, timer = loop_cost(), timer_cost()
        start = now()
        call(requests[0])
        first = max(now() - start, 1)
        some = requests[: max(1, min(len(requests), int(budget * 1e8 / first)))]
        size = max(1, min(len(requests), int(budget * 1e9 / 8 / max(batch(call, some), 1))))
        mine: list[float] = []
        hand: list[float] = []
        single: list[float] = []
        at, end = 0, now() + int(budget * 1e9)
        while now() < end or len(mine) < 5:
            part = requests[at : at + size]
            at = (at + size) % len(requests) if at + size < len(requests) else 0
            mine.append(max(batch(call, part) - loop, 0.1))
            hand.append(max(batch(by_hand, hand_requests) - loop, 0.1))
            if len(single) < MOST_SINGLES:
                single += singles(call, part, timer)
        single.sort()
        return Timed(
            median(mine) / 1e9,
            median(hand) / 1e9,
            median(m / h for m, h in zip(mine, hand, strict=True)),
            single[len(single) // 2] / 1e9,
            single[int(len(single) * 0.99)] / 1e9,
        )
    finally:
        gc.unfreeze()


def batch(call: Call, requests: Sequence[Any]) -> float:
    """Return the nanoseconds of the processor that one request takes in a batch."""
    start = worked()
    for request in requests:
        call(request)
    return (worked() - start) / len(requests)


def singles(call: Call, requests: Sequence[Any], timer: float) -> list[float]:
    """Return the nanoseconds of each request on its own, without what the clock costs."""
    found = []
    add = found.append
    for request in requests:
        start = now()
        call(request)
        add(max(now() - start - timer, 1.0))
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
