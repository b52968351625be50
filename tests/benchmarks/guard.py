"""What a guard adds to a decision: the same request decided by the policies alone, and through a guard without a log.

A decision takes long beside what the guard adds, and how long it takes differs from minute to minute. So both are also
measured with a decision that is made already, where nothing but the guard is left.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kynara_lang as kynara
from kynara_lang.guard import Guard
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from tests.benchmarks.measure import Row, in_turn

STORY = Path(__file__).resolve().parents[2] / "examples" / "support_refunds"
GOAL = 5e-6
"""Seconds that a guard may add to a decision."""


class Decided(PolicySet):
    """Policies that have decided already."""

    answer: Decision

    def decide(self, request: Any, approvals: Any = ()) -> Decision:
        """Return the answer."""
        return self.answer


def run(quick: bool) -> list[Row]:
    """Measure a thousand calls each, many times in turn; rows are seconds for a thousand, so 0.005 is 5 µs a call."""
    policies = kynara.load(STORY / "policies")
    request = json.loads((STORY / "requests" / "allow-agent-for-alice.json").read_text(encoding="utf-8"))
    parts = (request["subject"], request["action"], request["resource"], request["context"])
    decided = Decided(policies.program)
    decided.answer = policies.decide(request)
    guard, nothing_but_guard = Guard(policies), Guard(decided)
    order = request["resource"]

    @nothing_but_guard.tool(action="refund", resource=lambda order: found)
    def refund(order: str, amount: str) -> None: ...

    found = {"type": order["type"], "id": order["id"], "properties": order["properties"]}
    with nothing_but_guard.session(request["subject"]):
        rows = in_turn(
            {
                "policies.decide": a_thousand(lambda: policies.decide(request)),
                "guard.check": a_thousand(lambda: guard.check(*parts)),
                "guard.enforce": a_thousand(lambda: guard.enforce(*parts)),
                "a decision that is made already": a_thousand(lambda: decided.decide(request)),
                "guard.check of it": a_thousand(lambda: nothing_but_guard.check(*parts)),
                "guard.enforce of it": a_thousand(lambda: nothing_but_guard.enforce(*parts)),
                "a guarded function of it": a_thousand(lambda: refund("o-1", "10.00")),
            },
            runs=20 if quick else 200,
        )
    alone, made = rows["policies.decide"], rows["a decision that is made already"]
    return [
        alone,
        rows["guard.check"].beside(alone, "policies.decide"),
        rows["guard.enforce"].beside(alone, "policies.decide"),
        made,
        added("guard.check adds", rows["guard.check of it"], made),
        added("guard.enforce adds", rows["guard.enforce of it"], made),
        rows["a guarded function of it"],
    ]


def a_thousand(call: Callable[[], object]) -> Callable[[], float]:
    """Return what makes a call a thousand times and returns the seconds that it took."""

    def calls() -> float:
        start = time.perf_counter()
        for _ in range(1000):
            call()
        return time.perf_counter() - start

    return calls


def added(what: str, row: Row, other: Row) -> Row:
    """Return what is left of a row without another, beside the goal for a thousand calls."""
    left = Row(what, tuple(mine - its for mine, its in zip(row.values, other.values, strict=True)))
    goal = Row("goal", (GOAL * 1000,) * len(left.values))
    return left.beside(goal, "5 µs a call", "at most 1")
