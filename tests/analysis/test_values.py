"""Elements of large sets: to the solver they may be anything, in a request they are values of their type."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.analysis import invariants
from kynara_lang.analysis.question import Question, Slice, Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.analysis.values import elements, written
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.replay import Replay
from kynara_lang.semantics import types
from kynara_lang.semantics.addresses import V4
from kynara_lang.semantics.types import Entity, SetOf, Type

USER = Entity(frozenset({"User"}), "subject")
KINDS = ["IP", "Time", "Duration", "Int", "Decimal", "String", "Host", "Email", "Path", "Url", "User", "Set<IP>", "Set<User>"]


def program(kind: str, rest: str) -> Program:
    text = f'subject User as "u"\nresource Doc\naction read on Doc\ncontext {{ all: Set<{kind}> }}\n{rest}\n'
    found = check_sources([Source("policy.kyn", text)])
    assert not found.has_errors, found.diagnostics
    return found.program


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_larger_than_witnesses_like_to_have_is_written_all_the_same(kind: str) -> None:
    made = program(
        kind,
        'permit p "d" { subject User action read resource Doc scope any "d" when context.all.size() > 6 }\n'
        "invariant few { never allow subject User action read resource Doc when context.all.size() > 5 }",
    )
    outcome = invariants.prove(made, made.invariants[0], Replay(made), Limits())
    assert outcome.verdict is Verdict.REFUTED, outcome.reason
    assert outcome.request is not None
    assert len(outcome.request["context"]["all"]) == 7
    assert PolicySet(made).decide(outcome.request).allowed


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (types.IP, {-1, 5, V4 + 2**32, V4 + (10 << 24) + 2}),
        (types.TIME, {-(10**30), 0}),
        (types.INT, {2**63, 7}),
        (types.HOST, {"", "A", "host1.example.com", "a.example"}),
        (types.EMAIL, {"x", "a@b.example"}),
        (types.PATH, {"", "/a", "/../b"}),
        (types.URL, {("", "", 0, "", ""), ("https", "a.example", 443, "/", "")}),
        (types.STRING, {"\ud800", "x1", ""}),
        (USER, {"A", "u::", "Team::x", "u::x", "u::someone1"}),
        (SetOf(types.IP), {frozenset({-1}), frozenset({5}), frozenset()}),
    ],
)  # fmt: skip
def test_what_no_request_can_have_becomes_an_ordinary_value_and_the_rest_stays(kind: Type, found: set[Any]) -> None:
    made = program("Int", "")
    replaced = elements(found, kind, made)
    assert set(replaced) == found
    assert len(set(replaced.values())) == len(found)
    changed = {item for item, value in replaced.items() if item != value}
    assert changed
    assert changed < found
    assert elements(replaced.values(), kind, made) == {value: value for value in replaced.values()}
    for value in replaced.values():
        assert written(value, kind) is not None


WHERE = Slice("read", "User", "Doc")


def test_only_of_plain_values_it_is_said_that_kynara_is_mistaken() -> None:
    made = program("Host", 'permit p "d" { subject User action read resource Doc scope any "d" when context.all.size() > 6 }')
    question = Question(made, WHERE, Limits())
    assert question.unconfirmed(question.decided("allow")) == "no values were found that the evaluator confirms"
    assert "mistake in Kynara" in question.unconfirmed(question.decided("deny"))
    question.universe.unknown("something")
    assert question.unconfirmed(question.decided("deny")) == "a condition has no exact counterpart in the solver"
