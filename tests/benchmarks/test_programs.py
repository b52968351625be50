"""The programs that are measured are what they are said to be: as many rules, and nothing to find."""

from __future__ import annotations

import datetime

import pytest

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from tests.benchmarks.big_program import big_program, rules_in
from tests.benchmarks.check import many_files
from tests.benchmarks.measure import Row, in_turn

TODAY = datetime.date(2026, 11, 23)


@pytest.mark.parametrize("files", [1, 4])
def test_nothing_is_found_in_a_large_program(files: int) -> None:
    checked = check_sources(big_program(files), lints=LintSettings(), today=TODAY)
    assert checked.diagnostics == ()
    assert sum(not rule.library for rule in checked.program.rules) == rules_in(files)


def test_nothing_is_found_in_a_program_of_many_files() -> None:
    sources = [Source(name, text) for name, text in many_files(5).items()]
    assert len(sources) == 5
    assert check_sources(sources, lints=LintSettings(), today=TODAY).diagnostics == ()


def test_the_large_program_is_as_large_as_it_is_said_to_be() -> None:
    sources = big_program(51)
    assert len({source.name for source in sources}) == 51
    assert rules_in(51) == 1004
    assert sum(source.text.count("\n") for source in sources) > 10_000


def test_things_are_measured_in_turn_and_compared_run_by_run() -> None:
    calls: list[str] = []
    seconds = iter([1.0, 10.0, 2.0, 30.0, 4.0, 20.0])

    def thing(name: str) -> float:
        calls.append(name)
        return next(seconds)

    found = in_turn({"a": lambda: thing("a"), "b": lambda: thing("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert found["a"] == Row("a", (1.0, 2.0, 4.0))
    beside = found["b"].beside(found["a"], "the first", "under 20")
    assert (beside.median, beside.ratio, beside.to, beside.goal) == (20.0, 10.0, "the first", "under 20")
