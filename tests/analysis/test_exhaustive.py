"""Verdicts against counting: in a universe so small that every request can be decided, the prover must say what is so."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kynara_lang.analysis import invariants
from kynara_lang.analysis.logic import Idle, Logic
from kynara_lang.analysis.question import Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

SCHEMA = """\
subject User { grade: "low" | "high"  cleared: Bool }
resource Doc { kind: "a" | "b"  open: Bool }
action read, write on Doc
context { mfa: Bool }
role staff
role lead extends staff
"""
SUBJECT_TESTS = ('subject.grade == "high"', "subject.cleared", "subject holds lead", "subject holds staff")
OTHER_TESTS = ('resource.kind == "a"', "resource.open", "context.mfa", "delegated")
DELEGATOR = "(delegated and delegator.cleared)"
NARROWING = ("actor.cleared", "delegation.depth > 0")


def condition(pick: random.Random, more: tuple[str, ...] = ()) -> str:
    tests = (*SUBJECT_TESTS, *OTHER_TESTS, DELEGATOR, *more)
    one, two = (pick.choice(("", "not ")) + pick.choice(tests) for _ in range(2))
    return pick.choice((one, f"({one} and {two})", f"({one} or {two})"))


def program_text(pick: random.Random) -> str:
    lines = [SCHEMA]
    for i in range(pick.randint(1, 3)):
        role = pick.choice(("", " with role staff", " with role lead"))
        lines.append(
            f'permit p{i} "d" {{ subject User{role} action {pick.choice(("read", "read, write"))} resource Doc '
            f"scope {condition(pick)} when {condition(pick)} }}"
        )
    for i in range(pick.randint(0, 2)):
        lines.append(f"forbid f{i} {{ subject User action any resource Doc when {condition(pick, NARROWING)} }}")
    for i in range(pick.randint(0, 1)):
        lines.append(
            f"require approval a{i} {{ subject User action read resource Doc when {condition(pick, NARROWING)} "
            "from User with role lead }"
        )
    for i in range(3):
        verdict = pick.choice(("never allow", "never allow or require_approval", "never require_approval", "always deny"))
        if pick.random() < 0.2:
            verdict = "always allow or require_approval"
        lines.append(
            f"invariant i{i} {{ {verdict} subject User action {pick.choice(('read', 'write'))} resource Doc "
            f"when {condition(pick)} }}"
        )
    return "\n".join(lines)


def principals() -> Iterator[dict[str, Any]]:
    for grade, cleared, roles in itertools.product(("low", "high"), (True, False), ([], ["staff"], ["lead"])):
        yield {"type": "User", "properties": {"grade": grade, "cleared": cleared}, "roles": roles}


def requests() -> Iterator[dict[str, Any]]:
    """Every direct request there is, and every one made for one other principal."""
    chains = [(p,) for p in principals()] + list(itertools.product(principals(), repeat=2))
    for chain, action, kind, is_open, mfa in itertools.product(
        chains, ("read", "write"), ("a", "b"), (True, False), (True, False)
    ):
        subject = {**chain[0], "id": "p0"}
        if len(chain) == 2:
            subject["on_behalf_of"] = {**chain[1], "id": "p1"}
        yield {
            "subject": subject,
            "action": {"name": action},
            "resource": {"type": "Doc", "id": "d", "properties": {"kind": kind, "open": is_open}},
            "context": {"mfa": mfa},
        }


ALL = list(requests())


def counterexamples(program: Program, replay: Replay) -> dict[str, bool]:
    """Return for each invariant whether any request breaks it."""
    broken = {}
    for invariant in program.invariants:
        bad = [d for d in invariants.DECISIONS if (d in invariant.decisions) == (invariant.kind == "never")]
        meant = (r for r in ALL if r["action"]["name"] in invariant.actions)
        broken[invariant.name] = any(replay.decision(r) in bad and replay.speaks_of(invariant, r) for r in meant)
    return broken


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_are_what_counting_says(seed: int) -> None:
    text = program_text(random.Random(seed))
    checked = check_sources([Source("small.kyn", text)])
    if checked.has_errors:
        pytest.fail(f"{[d.message for d in checked.diagnostics]}\n{text}")
    program, replay = checked.program, Replay(checked.program)
    broken = counterexamples(program, replay)
    for invariant in program.invariants:
        found = invariants.prove(program, invariant, replay, Limits())
        assert found.verdict is not Verdict.PROVED or not broken[invariant.name], text
        assert found.verdict is not Verdict.REFUTED or found.request is not None
        if broken[invariant.name]:  # a chain of two is enough to break it, and that far the prover looks
            assert found.verdict is Verdict.REFUTED, text


@pytest.mark.parametrize("seed", range(12, 20))
def test_idle_rules_make_no_difference(seed: int) -> None:
    text = program_text(random.Random(seed))
    program = check_sources([Source("small.kyn", text)]).program
    whole = Replay(program)
    before = [whole.decision(r) for r in ALL[::7]]
    for rule in program.rules:
        found = Logic(program, Limits()).idle(rule)
        if not isinstance(found, Idle):
            continue
        rest = tuple(r for r in program.rules if r is not rule)
        left = Replay(check_sources([Source("small.kyn", without(text, rule.decl.name.text))]).program)
        assert len(left._program.rules) == len(rest)
        assert [left.decision(r) for r in ALL[::7]] == before, (rule.name, text)


def without(text: str, name: str) -> str:
    return "\n".join(line for line in text.splitlines() if f" {name} " not in line)
