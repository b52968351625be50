"""Counts the tests that decisions take: the same trees, with a counter around every condition and in every switch.

What is counted is written down here a second time, from the reference, not from the inspection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from attrs import evolve

from kynara_lang.compiler import codegen, ir
from kynara_lang.compiler.inspection import Inspected, Inspector, Place
from kynara_lang.runtime.engine import Arguments, CompiledBucket
from kynara_lang.runtime.policyset import PolicySet


class Meter:
    """How many tests were evaluated."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> bool:
        self.count += 1
        return True

    def reading(self) -> int:
        """Return the count, and begin again."""
        count, self.count = self.count, 0
        return count


@contextmanager
def metered() -> Iterator[Meter]:
    """Let the compiled code count while this lasts."""
    meter = Meter()
    with mock.patch.dict(codegen.NAMESPACE, {"counted": meter}):
        yield meter


def instrumented(bucket: ir.Bucket) -> ir.Bucket:
    """Return a bucket that decides the same and counts its tests."""
    return evolve(
        bucket,
        tests=tuple(_rule(test) for test in bucket.tests),
        forbids=_tree(bucket.forbids),
        permits=_tree(bucket.permits),
        approvals=_tree(bucket.approvals),
    )


def _tree(tree: ir.Tree) -> ir.Tree:
    found: list[ir.Test | ir.Switch] = []
    for node in tree:
        if isinstance(node, ir.Test):
            found.append(_rule(node))
            continue
        cases = {value: _tree(case) for value, case in node.cases.items()}
        if node.several:
            cases = {value: (_lookup(case), *case) for value, case in cases.items()}
        found += [_lookup((node,)), evolve(node, cases=cases)]
    return tuple(found)


def _lookup(tree: ir.Tree) -> ir.Test:
    """Return a test that never holds and counts one."""
    rule, guard = _some(tree)
    return ir.Test(rule, (evolve(guard, condition=ir.Apply("counted() and {0}", (ir.Const(False),))),))


def _some(tree: ir.Tree) -> tuple[object, ir.Guard]:
    node = tree[0]
    if isinstance(node, ir.Switch):
        return _some(next(iter(node.cases.values())))
    return node.rule, ir.Guard("when", ir.TRUE, node.rule.span)


def _rule(test: ir.Test) -> ir.Test:
    return ir.Test(test.rule, tuple(evolve(g, condition=_condition(g.condition)) for g in test.guards))


def _condition(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.And(operands):
            return ir.And(tuple(map(_condition, operands)))
        case ir.Or(operands):
            return ir.Or(tuple(map(_condition, operands)))
        case ir.Not(operand):
            return ir.Not(_condition(operand))
        case ir.Const():
            return expr
    return ir.Apply("counted() and {0}", (expr,))


class Counting:
    """Decides the links of requests, and says of each how many tests it took and how many were claimed at most."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        self._inspector = Inspector(policies.program)
        self._known: dict[Place, tuple[CompiledBucket, Inspected]] = {}

    def _made(self, bucket: ir.Bucket) -> tuple[CompiledBucket, Inspected]:
        place = Place(bucket.action, bucket.resource_type, bucket.subject_type)
        if place not in self._known:
            outcomes = self._policies._engine.outcomes_of_rules
            made = CompiledBucket(instrumented(bucket), outcomes, {})
            self._known[place] = made, self._inspector.bucket(place)
        return self._known[place]

    def links(self, request: object, meter: Meter) -> Iterator[tuple[int, int | None, Inspected]]:
        """Yield what each link took: by its trees, and rule by rule if something was in error."""
        engine, prepared = self._policies._engine, self._policies._prepare(request)
        for at, bucket in enumerate(prepared.buckets):
            made, inspected = self._made(bucket.bucket)
            for arguments in engine.views(prepared.request, prepared.buckets, at):
                yield (*self._count(made, arguments, meter), inspected)

    def _count(self, made: CompiledBucket, arguments: Arguments, meter: Meter) -> tuple[int, int | None]:
        values = made.values(*arguments)
        meter.reading()
        try:
            made.decide(values)
        except Exception:  # as the engine does
            quick = meter.reading()
            list(self._policies._engine.outcomes(made, arguments))
            return quick, meter.reading()
        return meter.reading(), None
