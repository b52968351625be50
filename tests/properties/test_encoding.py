"""The encoder against the evaluator on random programs: what the solver finds is decided as it said, what it excludes never is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from kynara_lang.analysis.links import slices
from kynara_lang.analysis.question import Question
from kynara_lang.analysis.solver import Answer, Limits
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.replay import Replay

from .generate import Made, program
from .requests import Caller
from .vocabulary import Draw, readable

DECISIONS = ("allow", "require_approval", "deny")
LIMITS = Limits(1_000, 300_000)


@st.composite
def cases(draw: Any) -> tuple[Made, list[Any]]:
    source = Draw(draw)
    made = program(source)
    caller = Caller(source, made.schema)
    return made, [caller.request() for _ in range(12)]


@settings(max_examples=60)
@given(cases())
def test_what_the_solver_finds_is_decided_as_it_said(case: tuple[Made, list[Any]]) -> None:
    made, _ = case
    note("\n".join(made.files().values()))
    checked = made.check()
    replay = Replay(checked)
    for where in slices(checked)[:3]:
        question = Question(checked, where, LIMITS)
        for decision in DECISIONS:
            _, model = question.ask(question.decided(decision))
            if model is None:
                continue
            request = question.written(model)
            note(f"{decision}: {readable(request)}")
            if question.universe.exact:
                assert replay.decision(request) == decision


@settings(max_examples=60)
@given(cases())
def test_what_the_solver_excludes_is_never_decided(case: tuple[Made, list[Any]]) -> None:
    made, requests = case
    note("\n".join(made.files().values()))
    checked = made.check()
    replay, policies = Replay(checked), PolicySet(checked)
    excluded: dict[tuple[str, str, str], set[str]] = {}
    for request in requests:
        decision = replay.decision(request)
        if decision == "invalid":
            continue
        shape = policies._prepare(request).request.shape
        chain = [raw.type.key for raw in shape.chain]
        if len(chain) > 1:
            continue
        key = (shape.action.key, chain[0], shape.resource.type.key)
        if key not in excluded:
            excluded[key] = set()
            for where in slices(checked):
                if (where.action, where.subject, where.resource) == key:
                    question = Question(checked, where, LIMITS)
                    excluded[key] = {d for d in DECISIONS if question.ask(question.decided(d))[0] is Answer.UNSAT}
        note(f"{decision}: {readable(request)}")
        assert decision not in excluded[key]
