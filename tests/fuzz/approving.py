"""Approvals beside requests: who counts, and what is decided then, against the oracle.

What approvals say is drawn with the program, before anything is decided; which rule they are for, and when they expire, is
worked out of the request that they are given with, because an approval that fits nothing counts for nothing.
"""

from __future__ import annotations

import copy
from typing import Any

from attrs import frozen

from kynara_lang.checker.symbols import Program
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from kynara_lang.semantics import times
from kynara_lang.semantics.problems import ValueProblem
from tests.oracle import Ent, Oracle
from tests.oracle_approvals import Outcome, outcome
from tests.properties.requests import Caller
from tests.properties.vocabulary import IDS, JUNK, Draw, quoted

RECIPES = 40
REQUESTS = 25
"""How many requests of a program are decided with approvals."""
SECOND = 10**9
NOON = "2026-11-22T12:00:00Z"


class Unlike(AssertionError):
    """The evaluator and the oracle do not count the same."""


@frozen
class Recipe:
    """What is drawn of an approval: the approvers, and numbers that say how well the rest of it fits."""

    approvers: list[Any]
    rule: int
    digest: int
    until: int
    damage: int
    junk: Any


def recipes(draw: Draw, caller: Caller) -> list[Recipe]:
    """Draw what approvals say."""
    found = []
    for _ in range(RECIPES):
        people = [_person(draw, caller) for _ in range(1 + draw.number(2))]
        numbers = [draw.number(99) for _ in range(4)]
        found.append(Recipe(people, *numbers, draw.pick(JUNK)))
    return found


def _person(draw: Draw, caller: Caller) -> Any:
    kind, identity = draw.pick(caller.schema.subjects), draw.pick((*IDS, "d", "e"))
    if draw.chance(15):  # of whom nothing is known but, perhaps, in the store
        return {"type": caller.schema.kinds[kind].external, "id": identity}
    return caller.entity(kind, identity)


def with_approvals(
    policies: PolicySet, naive: Oracle, drawn: list[Recipe], asked: list[tuple[Any, Decision]]
) -> int:
    """Decide some requests with approvals, those first that wait for one; return how many."""
    fine = [pair for pair in asked if not any(e.path is not None for e in pair[1].errors) and _bound(policies, pair[0])]
    waiting = [pair for pair in fine if pair[1].effect.value == "require_approval"]
    others = [pair for pair in fine if pair[1].effect.value == "allow"][:2] + [pair for pair in fine if pair[1].effect.value == "deny"][:2]
    some = waiting[: REQUESTS - len(others)] + others
    digests = [policies.approval_digest(request) for request, _ in some]
    for at, (request, before) in enumerate(some):
        mine = [drawn[(3 * at + i) % len(drawn)] for i in range(1 + drawn[at % len(drawn)].rule % 4)]
        approvals = [_written(policies.program, one, request, before, digests, at) for one in mine]
        decision = policies.decide(request, approvals)
        _compare(decision, outcome(naive, request, approvals, digests[at]), request, approvals)
    return len(some)


def _bound(policies: PolicySet, request: Any) -> bool:
    """Whether an approval can be bound to a request: undeclared arguments may be no JSON."""
    try:
        return bool(policies.approval_digest(request))
    except InvalidRequest:
        return False


def _written(program: Program, recipe: Recipe, request: Any, before: Decision, digests: list[str], at: int) -> Any:
    """Write an approval that mostly fits the request."""
    asking = {rule.name: rule for rule in program.rules if rule.effect == "require_approval"}
    pending = [name for name in before.rules if name in asking] or list(asking) or ["main.none"]
    names = pending if recipe.rule < 90 else [*asking, "main.none"]
    name = names[recipe.rule % len(names)]
    lasts = asking[name].approval.expires if name in asking and asking[name].approval is not None else 0  # type: ignore[union-attr]
    steps = (lasts, 1, lasts - 1, 60 * SECOND, lasts, lasts + 1, 0, -SECOND)
    until = _now(program, request) + steps[recipe.until % len(steps) if recipe.until >= 40 else recipe.until % 5]
    written = {
        "rule": name,
        "digest": digests[at if recipe.digest >= 10 else recipe.digest % len(digests)],
        "approvers": copy.deepcopy(recipe.approvers),
        "expires": times.format_time(min(max(until, times.TIME_MIN), times.TIME_MAX)),
    }
    if recipe.damage < 8:
        key = ("rule", "digest", "approvers", "expires")[recipe.damage % 4]
        if recipe.damage < 2:
            del written[key]
        else:
            written[key] = recipe.junk
    return written


def _now(program: Program, request: Any) -> int:
    raw = request.get("context", {}).get(program.context["now"].external)
    try:
        return times.read_time(raw if isinstance(raw, str) else NOON)
    except ValueProblem:
        return times.read_time(NOON)


def _compare(decision: Decision, expected: Outcome, request: Any, approvals: list[Any]) -> None:
    where = f"\n  of {decision}\n  for {request}\n  with {approvals}"
    if any(e.code == "internal-error" for e in decision.errors):
        raise Unlike(f"an internal error{where}")
    if decision.effect.value != expected.decision:
        raise Unlike(f"{expected.decision} is not {decision.effect.value}{where}")
    if expected.decision == "require_approval" and set(decision.rules) != expected.pending:
        raise Unlike(f"{set(expected.pending)} is not {decision.rules}{where}")
    if expected.decision != "deny":
        counted = {status.rule: set(status.approved_by) for status in decision.approvals}
        people = {rule: set(map(_shown, who)) for rule, who in expected.people.items()}
        if counted != people:
            raise Unlike(f"{people} is not {counted}{where}")


def _shown(person: Ent) -> str:
    return f"{person.type}::{quoted(person.id)}"
