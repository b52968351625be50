"""The fuzz runner: a short run with a fixed seed, and that it would see, and make small, what differs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.compiler import ir, keys, tree
from kynara_lang.runtime import engine, evidence
from kynara_lang.runtime.policyset import PolicySet
from tests.fuzz import comparing, crowds, running
from tests.fuzz.choices import Chosen, Replayed, shrunk
from tests.fuzz.comparing import COMPARISONS, Case, compare, open_own_cache
from tests.properties.generate import program
from tests.properties.requests import Caller
from tests.properties.vocabulary import Draw

PROGRAMS = 14
ROOT = Path(__file__).resolve().parents[2]


def test_a_short_run_finds_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "REQUESTS", 100)
    monkeypatch.setattr(comparing, "SAMPLED", dict.fromkeys(comparing.SAMPLED, 50))
    tally = running.run(20261122, programs=PROGRAMS)
    assert not tally.differences, "\n".join(found.reproduction for found in tally.differences)
    assert tally.programs == PROGRAMS
    assert tally.cases == PROGRAMS * (100 + 10)
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


def test_a_switch_that_is_wrong_by_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests hit the very constants that rules are told apart by, so a wrong end of a range cannot hide."""
    right = keys._side
    monkeypatch.setattr(keys, "_side", lambda op, limit: right(op, limit + (op == ">=")))
    monkeypatch.setattr(comparing, "CROWDED", 100)
    monkeypatch.setattr(comparing, "REQUESTS", 60)
    monkeypatch.setattr(running, "SHRINKING", 0.5)
    (found,) = running.run(1, programs=40, most=1).differences
    assert found.kind in ("oracle", "trees")


def test_crowds_become_switches_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a crowd is made of must be what the compiler switches on, or the fuzzer looks at nothing."""
    kinds = set[str]()

    def told(tests: list[Any], depth: int = 0, used: frozenset[Any] = frozenset()) -> Any:
        made = arranged(tests, depth, used)
        kinds.update(node.label for node in made if isinstance(node, ir.Switch))
        return made

    arranged = tree._arrange
    monkeypatch.setattr(tree, "_arrange", told)
    for seed in range(40):
        draw = Chosen(f"crowd-{seed}")
        made = program(draw)
        targets = crowds.crowd(draw, made, "crowd")
        one = PolicySet(made.check())
        caller = Caller(draw, made.schema)
        for _ in range(8):
            request = caller.request(bent=0)
            crowds.aim(draw, made, request, targets)
            one.decide(request)
    for wanted in ("range", "lower", "hour", "within", "domain", "host", "depth", "roles", "ancestors"):
        assert any(wanted in kind for kind in kinds), (wanted, kinds)


def test_an_approver_of_the_chain_who_counts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluator that lets those approve who ask: what approvals say must be such that it shows."""
    right = evidence.approved_by

    def everybody(*given: Any) -> tuple[str, ...]:
        return right(*given[:6], (), given[7])

    monkeypatch.setattr(evidence, "approved_by", everybody)
    monkeypatch.setattr(comparing, "REQUESTS", 150)
    monkeypatch.setattr(running, "SHRINKING", 0.5)
    (found,) = running.run(1, programs=60, most=1).differences
    assert found.kind == "approvals"


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
