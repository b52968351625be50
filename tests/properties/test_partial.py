"""Partial evaluation against the evaluator: with everything known it says the same, with less it never excludes the truth."""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve
from hypothesis import assume, given, note
from hypothesis import strategies as st

from kynara_lang.analysis.knowledge import Known, Someone, described
from kynara_lang.analysis.partial import Partial, decisions, least
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.engine import Arguments, CompiledBucket
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from kynara_lang.syntax import parser
from tests.properties.generate import Made, program
from tests.properties.requests import Caller
from tests.properties.vocabulary import Draw, readable


class Case:
    """A program, a store, requests, and a way to draw what of them is known."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.made: Made = program(draw)
        caller = Caller(draw, self.made.schema)
        self.store = caller.store() if draw.chance(30) else None
        self.requests = [caller.request(bent=0) for _ in range(6)]
        self.forget = [[draw.chance(50) for _ in range(12)] for _ in self.requests]

    def policies(self) -> PolicySet:
        store = None if self.store is None else Entities.from_list(self.store)
        result = check_sources([Source(name, text) for name, text in self.made.files().items()])
        assume(not result.has_errors)
        return PolicySet(result.program, store)

    def __repr__(self) -> str:
        return "\n".join([*self.made.files().values(), readable(self.store), *map(readable, self.requests)])


@st.composite
def cases(draw: Any) -> Case:
    return Case(Draw(draw))


def links(policies: PolicySet, request: Any) -> list[tuple[CompiledBucket, Arguments, str]]:
    """Return each link of a request as the evaluator sees it."""
    try:
        prepared = policies._prepare(request)
    except InvalidRequest:
        return []
    action = prepared.request.action.key
    found = []
    for at, bucket in enumerate(prepared.buckets):
        found += [(bucket, view, action) for view in policies._engine.views(prepared.request, prepared.buckets, at)]
    return found


def everything(view: Arguments, action: str) -> Known:
    """Return that everything is known of a link."""
    subject, resource, args, context, delegator, actor, depth = view
    return Known(
        described(subject, "subject", own=True),
        action,
        described(resource, "resource", own=True),
        args,
        True,
        context,
        True,
        None if delegator is None else described(delegator, "delegator", own=True),
        delegator is not None,
        described(actor, "actor", own=True),
        depth,
    )


def less(known: Known, forget: list[bool]) -> Known:
    """Return that less is known."""
    flags = iter(forget)

    def of(entity: Someone) -> Someone:
        drop = next(flags)
        attributes = {n: v for i, (n, v) in enumerate(sorted(entity.attributes.items())) if not (drop and i % 2)}
        return evolve(
            entity,
            id=None if next(flags) else entity.id,
            attributes=attributes,
            whole=entity.whole and not drop,
            roles=None if next(flags) else entity.roles,
            above=None if drop else entity.above,
        )

    arguments = {} if next(flags) else dict(list(known.arguments.items())[:1])
    context = {} if next(flags) else known.context
    nobody_knows = next(flags)
    return evolve(
        known,
        subject=of(known.subject),
        resource=of(known.resource),
        arguments=arguments,
        all_arguments=False,
        context=context,
        all_context=context == known.context and known.all_context,
        delegator=None if nobody_knows else known.delegator,
        delegated=None if nobody_knows else known.delegated,
        actor=None if nobody_knows else known.actor,
        depth=None if nobody_knows else known.depth,
    )


def lookup(policies: PolicySet) -> Any:
    return lambda kind, identity: policies._world.entity(f"{kind}::{identity}")


def outcomes(policies: PolicySet, bucket: CompiledBucket, view: Arguments) -> dict[str, bool]:
    """Return whether each rule counts, as the evaluator says."""
    return {o.test.rule.name: o.counts for o in policies._engine.outcomes(bucket, view)}


@given(cases())
def test_with_everything_known_it_says_what_the_evaluator_says(case: Case) -> None:
    policies = case.policies()
    for request in case.requests:
        for bucket, view, action in links(policies, request):
            partial = Partial(policies.program, everything(view, action), lookup(policies))
            said = outcomes(policies, bucket, view)
            remains = [partial.rule(rule) for rule in policies.program.rules]
            for one in remains:
                note(f"{one.rule.name}: {one.outcome} {one.parts}; {said.get(one.rule.name)}; {readable(request)}")
                assert one.outcome == ("always" if said.get(one.rule.name, False) else "never")
            assert decisions(remains) == {policies._engine.exact(bucket, view).effect.value}


@given(cases())
def test_with_less_known_nothing_that_is_so_is_excluded(case: Case) -> None:
    policies = case.policies()
    for request, forget in zip(case.requests, case.forget, strict=True):
        possible = []
        for bucket, view, action in links(policies, request):
            known = less(everything(view, action), forget)
            partial = Partial(policies.program, known, lookup(policies) if forget[-1] else None)
            said = outcomes(policies, bucket, view)
            remains = [partial.rule(rule) for rule in policies.program.rules]
            for one in remains:
                note(f"{one.rule.name}: {one.outcome} {one.parts}; {said.get(one.rule.name)}; {readable(request)}")
                assert one.outcome != ("never" if said.get(one.rule.name, False) else "always")
            possible.append(decisions(remains))
            assert policies._engine.exact(bucket, view).effect.value in possible[-1]
        if possible:
            assert policies.decide(request).effect.value in least(possible)


@given(cases())
def test_what_remains_of_a_permit_is_text_of_the_language(case: Case) -> None:
    policies = case.policies()
    for request, forget in zip(case.requests, case.forget, strict=True):
        for _, view, action in links(policies, request):
            for one in Partial(policies.program, less(everything(view, action), forget)).rules():
                for part in one.parts:
                    if part.kind in ("scope", "when", "unless"):
                        report = Report()
                        # Requests can hold parts of a second, and policies have no literal for them.
                        text = re.sub(r"\b[0-9]+\.[0-9]+s\b", "1s", part.text)
                        note(text)
                        parser.read(Source("remains.kyn", f"let remains = {text}\n"), report)
                        assert not report.has_errors
