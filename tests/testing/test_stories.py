"""The tests that the examples and the reference show pass, and try every rule of a story that claims it."""

from __future__ import annotations

from pathlib import Path

import pytest

import kynara_lang as kynara
from kynara_lang.testing import coverage
from tests.testing.programs import asked, policies_of, run

ROOT = Path(__file__).resolve().parents[2]
STORIES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir() and any(path.rglob("*.kyn")))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_every_story_has_tests_and_they_pass(story: Path) -> None:
    results = run(kynara.load(story))
    assert results
    assert [result.test.title for result in results if not result.passed] == []


def test_the_todo_story_is_covered() -> None:
    policies = kynara.load(ROOT / "examples" / "authzen_todo")
    assert coverage.coverage_of(policies, asked(policies)).count.percent == 100


def test_tests_of_the_todo_story_do_not_count_in_its_digest() -> None:
    folder = ROOT / "examples" / "authzen_todo"
    assert kynara.load(folder).digest == kynara.load(folder / "todo.kyn").digest


def test_the_tests_of_the_reference_pass() -> None:
    reference = (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8")
    section = reference.partition("\n## Fixtures, tests and invariants\n")[2]
    program = section.partition("```kyn\n")[2].partition("```")[0]
    (result,) = run(policies_of(program))
    assert result.passed
