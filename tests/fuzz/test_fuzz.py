"""The fuzz runner: a short run with a fixed seed, and that it would see, and make small, what differs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.runtime import engine
from tests.fuzz import running
from tests.fuzz.choices import Chosen, Replayed, shrunk
from tests.fuzz.comparing import COMPARISONS, REQUESTS, Case, compare, open_own_cache
from tests.properties.generate import program
from tests.properties.vocabulary import Draw

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_run_finds_no_difference() -> None:
    tally = running.run(20261122, programs=12)
    assert not tally.differences, "\n".join(found.reproduction for found in tally.differences)
    assert tally.programs == 12
    assert tally.cases == 12 * (REQUESTS + REQUESTS // 6)
    assert set(tally.compared) == set(COMPARISONS)
    assert all(tally.compared.values())
    assert 0.1 < tally.denied / tally.cases < 0.95


def test_a_seed_gives_the_same_cases_and_another_one_others(tmp_path: Path) -> None:
    def drawn(seed: str) -> tuple[dict[str, str], list[Any]]:
        one, _ = compare(Chosen(seed), open_own_cache(tmp_path / "cache"), only="oracle")
        return one.made.files(), one.requests

    assert repr(drawn("1-1")) == repr(drawn("1-1"))
    assert repr(drawn("1-1")) != repr(drawn("1-2"))


def test_choices_that_are_played_back_make_the_same_program() -> None:
    first = Chosen("again")
    text = program(first).files()
    assert program(Replayed(first.made)).files() == text


def test_choices_are_made_smaller_while_they_fail() -> None:
    def fails(draw: Draw) -> bool:
        return [draw.number(1000) for _ in range(draw.number(50))].count(0) < 40 and max(
            [draw.number(1000) for _ in range(3)]
        ) >= 17

    chosen = Chosen("1")
    assert fails(chosen)
    small = shrunk(chosen.made, fails, seconds=20)
    assert fails(Replayed(small))
    assert len(small) <= 4
    assert sum(small) == 17


def test_a_wrong_answer_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that forgets its forbids: the runner must say so, with a program of few lines."""
    real = engine.Engine.link

    def link(self: Any, bucket: Any, arguments: Any) -> Any:
        found = real(self, bucket, arguments)
        if found.effect.value == "deny" and found.rules:
            return engine.LinkOutcome(engine.Effect.ALLOW, found.rules)
        return found

    monkeypatch.setattr(engine.Engine, "link", link)
    monkeypatch.setattr(running, "SHRINKING", 3.0)
    tally = running.run(1, programs=40, most=1)
    (found,) = tally.differences
    assert found.kind == "oracle"
    assert "forbid" in found.reproduction
    assert found.seed.startswith("1-")


def test_an_exception_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(one: Case) -> int:
        raise ZeroDivisionError("made on purpose")

    monkeypatch.setitem(COMPARISONS, "oracle", breaks)
    monkeypatch.setattr(running, "SHRINKING", 0.5)
    (found,) = running.run(1, programs=1).differences
    assert "ZeroDivisionError" in found.text
    assert "made on purpose" in found.reproduction


def test_the_command_prints_seed_counts_and_rate() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--programs", "1", "--seed", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 5\n")
    assert "programs × requests" in done.stdout
    assert "a second" in done.stdout
    assert done.stdout.endswith("0 differences\n")
