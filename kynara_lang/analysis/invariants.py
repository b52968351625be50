"""Invariants: proved for every possible request, refuted by one request, or unknown.

A chain is decided as its least permissive link, so what the acting principal's own link can never get, whoever it acts
for, no chain can get: that is how "never" is proved for chains of any length. Refuting looks for a request of a direct
call, then of chains of two and three.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from attrs import frozen

from ..checker.symbols import InvariantSymbol, Program
from .links import Slice
from .question import Evaluator, Question, Verdict, confirmed
from .solver import Answer, Limits, Term
from .witness import Json

DECISIONS = ("allow", "require_approval", "deny")
MOST_CHAINS = 40


@frozen
class Outcome:
    """What is known of an invariant: where it fails, with which request and decision, or why nothing is known."""

    invariant: InvariantSymbol
    verdict: Verdict
    where: Slice | None = None
    request: Json | None = None
    decision: str = ""
    reason: str = ""


def prove(program: Program, invariant: InvariantSymbol, evaluator: Evaluator, limits: Limits) -> Outcome:
    """Return what is known of an invariant."""
    bad = frozenset(d for d in DECISIONS if (d in invariant.decisions) == (invariant.kind == "never"))
    unknown: Outcome | None = None
    for where in slices_of(program, invariant):
        found = _in_slice(program, invariant, bad, where, evaluator, limits)
        if found.verdict is Verdict.REFUTED:
            return found
        if found.verdict is Verdict.UNKNOWN:
            unknown = unknown or found
    return unknown or Outcome(invariant, Verdict.PROVED)


def slices_of(program: Program, invariant: InvariantSymbol) -> list[Slice]:
    """Return every slice that an invariant speaks of."""
    subjects = sorted(frozenset[str]().union(*(p.types for p in invariant.subjects)))
    resources = frozenset[str]().union(*(p.types for p in invariant.resources))
    return [
        Slice(action, subject, resource)
        for action in sorted(invariant.actions)
        for resource in sorted(program.actions[action].on & resources)
        for subject in subjects
    ]


def _in_slice(
    program: Program,
    invariant: InvariantSymbol,
    bad: frozenset[str],
    where: Slice,
    evaluator: Evaluator,
    limits: Limits,
) -> Outcome:
    if "deny" not in bad:
        question = Question(program, where, limits, anyone=True)
        least = "require_approval" if "require_approval" in bad else "allow"
        answer, _ = question.ask(*_meant(question, invariant), question.at_least(least))
        if answer is Answer.UNSAT or (bad == {"require_approval"} and _never_asks(program, where, limits)):
            return Outcome(invariant, Verdict.PROVED)
    reason = "no request was found, and no proof that there is none"
    direct_only = False
    if "deny" in bad:
        # In a chain, whoever may least decides; so this can only be proved of what speaks of direct calls alone.
        question = Question(program, where, limits, anyone=True)
        delegated = question.universe.smt.variable("delegated", question.universe.smt.bool)
        direct_only = question.ask(*_meant(question, invariant), delegated)[0] is Answer.UNSAT
    for chain in islice(_chains(program), MOST_CHAINS):
        question = Question(program, where, limits, chain=chain)
        claims = [question.universe.smt.either(*(question.decided(d) for d in sorted(bad)))]
        claims += _meant(question, invariant)
        answer, model = question.ask(*claims)
        if direct_only and answer is Answer.UNSAT:
            return Outcome(invariant, Verdict.PROVED)
        if answer is Answer.UNKNOWN:
            reason = "the solver gave up"
        if model is None:
            continue
        request = question.written(model)

        def keeps(changed: Json) -> bool:
            return evaluator.decision(changed) in bad and evaluator.speaks_of(invariant, changed)

        shown = confirmed(request, program, keeps)
        if shown is not None:
            return Outcome(invariant, Verdict.REFUTED, where, shown, evaluator.decision(shown))
        reason = question.unconfirmed(*claims)
    return Outcome(invariant, Verdict.UNKNOWN, where, reason=reason)


def _never_asks(program: Program, where: Slice, limits: Limits) -> bool:
    """Whether surely no link of any chain waits for an approval of an action on a type of resource."""
    for key in sorted(k for k, kind in program.types.items() if kind.kind == "subject"):
        link = Question(program, Slice(where.action, key, where.resource), limits, anywhere=True)
        if link.ask(link.link.decision("require_approval"))[0] is not Answer.UNSAT:
            return False
    return True


def _chains(program: Program) -> Iterator[tuple[str, ...]]:
    subjects = sorted(key for key, kind in program.types.items() if kind.kind == "subject")
    yield ()
    for first in subjects:
        yield (first,)
    for first in subjects:
        for second in subjects:
            yield (first, second)


def _meant(question: Question, invariant: InvariantSymbol) -> list[Term]:
    """Return that a request is one of those that an invariant speaks of."""
    link, smt = question.link, question.universe.smt
    claims = [
        link.fits(link.subject, invariant.subjects, question.slice.subject),
        link.fits(link.around.resource, invariant.resources, question.slice.resource),
    ]
    for condition in invariant.conditions:
        if condition.expr is not None:
            value, error = link.condition(condition)
            claims += [value, smt.no(error)]
    return claims
