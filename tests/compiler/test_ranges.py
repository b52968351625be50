"""Rules that ranges tell apart: each range ends exactly where its comparison does, however it is written."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest

from kynara_lang.compiler import ir
from kynara_lang.compiler.intervals import cover
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

BASE = """
subject User
resource Doc { n: Int }
action read on Doc
"""
WAYS: dict[str, Callable[[int, int], bool]] = {
    "when resource.n < {0}": operator.lt,
    "when resource.n <= {0}": operator.le,
    "when resource.n > {0}": operator.gt,
    "when resource.n >= {0}": operator.ge,
    "when {0} < resource.n": operator.gt,
    "when {0} <= resource.n": operator.ge,
    "when {0} > resource.n": operator.lt,
    "when {0} >= resource.n": operator.le,
    "unless resource.n < {0}": operator.ge,
    "unless resource.n <= {0}": operator.gt,
    "unless resource.n > {0}": operator.le,
    "unless resource.n >= {0}": operator.lt,
    "unless {0} < resource.n": operator.le,
    "unless {0} <= resource.n": operator.lt,
    "unless {0} > resource.n": operator.ge,
    "unless {0} >= resource.n": operator.gt,
    "when resource.n == {0}": operator.eq,
}
LIMITS = range(-50, 150, 10)


def approvals(clause: str) -> PolicySet:
    rules = "".join(
        f"require approval a{i} {{ subject User action read resource Doc {clause.format(limit)} from User }}\n"
        for i, limit in enumerate(LIMITS)
    )
    return program('permit p { subject User action read resource Doc scope any "t" }\n' + rules, base=BASE)


def matching(policies: PolicySet, number: int) -> set[str]:
    decision = policies.decide(
        {
            "subject": {"type": "User", "id": "u"},
            "action": {"name": "read"},
            "resource": {"type": "Doc", "id": "d", "properties": {"n": number}},
        }
    )
    assert decision.errors == ()
    return set(decision.rules) - {"f1.p"}


@pytest.mark.parametrize("clause", WAYS)
def test_a_range_ends_where_its_comparison_does(clause: str) -> None:
    policies = approvals(clause)
    (node,) = policies._engine.bucket("read", "User", "Doc").bucket.approvals
    assert isinstance(node, ir.Switch)
    for number in (n + around for n in (*LIMITS, -(2**63) + 1, 2**63 - 2) for around in (-1, 0, 1)):
        assert matching(policies, number) == {
            f"f1.a{i}" for i, limit in enumerate(LIMITS) if WAYS[clause](number, limit)
        }


@pytest.mark.parametrize(
    "clause",
    [
        "when resource.n > {0} when resource.n < {1}",
        "when {0} < resource.n and resource.n < {1}",
        "when resource.n > {0} unless resource.n >= {1}",
        "when resource.n > {0} and resource.n < 1000 and resource.n < {1}",
    ],
)
def test_two_comparisons_are_one_range_or_none(clause: str) -> None:
    """Limits that leave something between them, one number, and nothing at all."""
    for width in (25, 2, 1, -5):
        rules = "".join(
            f"require approval a{i} {{ subject User action read resource Doc {clause.format(at, at + width)} from User }}\n"
            for i, at in enumerate(LIMITS)
        )
        policies = program('permit p { subject User action read resource Doc scope any "t" }\n' + rules, base=BASE)
        for number in range(-55, 180):
            assert matching(policies, number) == {
                f"f1.a{i}" for i, at in enumerate(LIMITS) if at < number < at + width
            }


def test_ranges_in_each_other_have_few_keys() -> None:
    made = cover([(i, 20_000 - i) for i in range(10_000)])
    assert max(map(len, made.keys)) <= 16
    assert sum(map(len, made.runs.values())) < 10_000 * 16
