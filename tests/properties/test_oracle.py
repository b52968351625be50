"""The decision point against the oracle: two evaluators, written apart, must give one answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.compiler.fused import Fuser
from kynara_lang.runtime.engine import CompiledBucket, Engine
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from tests import oracle

from .generate import Made, program
from .requests import Caller
from .vocabulary import Draw, readable

REQUESTS = 8


@st.composite
def cases(draw: Any, *, stored: bool) -> tuple[Made, list[Any], list[Any]]:
    """A program, a store, and requests."""
    source = Draw(draw)
    made = program(source)
    caller = Caller(source, made.schema)
    store = caller.store() if stored else []
    return made, store, [caller.request() for _ in range(REQUESTS)]


def agree(policies: PolicySet, store: list[Any], request: Any) -> oracle.Verdict:
    """Decide a request twice; every difference is a failure."""
    expected = oracle.decide(policies.program, request, store)
    decision = policies.decide(request)
    note(f"{readable(request)}\n  oracle {expected}\n  decide {decision}")
    assert not any(e.code == "internal-error" for e in decision.errors)
    assert decision.effect.value == expected.decision
    invalid = [e for e in decision.errors if e.path is not None]
    assert bool(invalid) != expected.valid
    assert set(decision.rules) <= expected.rules
    assert bool(decision.rules) == bool(expected.rules)
    if expected.decision == "allow":  # every link was let through by some permit
        assert all(link.rules & set(decision.rules) for link in expected.links)
    if expected.valid:
        trees_agree(policies, request)
    faulty = {e.rule for e in decision.errors if e.rule is not None}
    assert faulty <= expected.errors
    if expected.decision != "allow":  # a permit in error beside one that matches changes nothing
        assert set(decision.rules) & frozenset().union(*(link.faults for link in expected.deciding)) <= faulty
    return expected


def trees_agree(policies: PolicySet, request: Any) -> None:
    """Decide every link by its trees and rule by rule: they are two ways to one answer."""
    engine, prepared = policies._engine, policies._prepare(request)
    for at, bucket in enumerate(prepared.buckets):
        for arguments in engine.views(prepared.request, prepared.buckets, at):
            quick, exact = engine.link(bucket, arguments), engine.exact(bucket, arguments)
            assert quick.effect is exact.effect
            assert set(quick.rules) <= set(exact.rules)
            assert quick.waits == exact.waits
            lists_agree(engine, bucket, arguments)


def lists_agree(engine: Engine, bucket: CompiledBucket, arguments: Any) -> None:
    """List what matches by each tree and rule by rule: a rule must not hide behind another that decides as it does."""
    fuser, exact = Fuser(bucket.layout, lambda test: None, {}), list(engine.outcomes(bucket, arguments))
    trees = {
        "forbid": bucket.bucket.forbids,
        "permit": bucket.bucket.permits,
        "require_approval": bucket.bucket.approvals,
    }
    for effect, tree in trees.items():
        try:
            found = set(fuser.matches(tree)(bucket.values(*arguments)))
        except Exception:  # then the engine goes rule by rule
            continue
        assert found == {o.test.rule.index for o in exact if o.counts and o.test.rule.effect == effect}


@given(cases(stored=False))
def test_agrees_with_the_oracle(case: tuple[Made, list[Any], list[Any]]) -> None:
    made, _, requests = case
    note("\n".join(made.files().values()))
    policies = PolicySet(made.check())
    for request in requests:
        agree(policies, [], request)


@given(cases(stored=True))
def test_agrees_with_the_oracle_on_a_store(case: tuple[Made, list[Any], list[Any]]) -> None:
    made, store, requests = case
    note("\n".join([*made.files().values(), readable(store)]))
    policies = PolicySet(made.check()).bind(Entities.from_list(store))
    for request in requests:
        agree(policies, store, request)
