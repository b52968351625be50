"""What the prover says of a program against what is decided: on a small universe of requests, and of an invariant.

What the solver excludes is never decided, for a principal that calls by itself and for any chain; what it finds is decided as it
said. An invariant that is called proved holds for every request at hand; a request that refutes one is decided so by the oracle.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from kynara_lang.analysis import invariants
from kynara_lang.analysis.links import Slice
from kynara_lang.analysis.question import Question, Verdict
from kynara_lang.analysis.solver import Answer, Limits
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.replay import Replay
from tests import oracle
from tests.properties.generate import Made
from tests.properties.vocabulary import Draw

DECISIONS = ("allow", "require_approval", "deny")
LIMITS = Limits(400, 100_000)
MOST_SLICES = 2


class Disagreement(AssertionError):
    """The prover and the evaluator say different things."""


def invariant(draw: Draw, made: Made) -> str:
    """Write an invariant about some of the requests of a program; the checker may refuse it."""
    lines = made.author.rule("looked_at", "forbid").split("\n")[1:-1]
    kept = [line for line in lines if re.match(r"  (subject|action|resource) ", line)]
    kept += [line for line in lines if line.startswith("  when ")][:1]
    kind = draw.pick(("never", "never", "always"))
    decisions = " or ".join(draw.some(DECISIONS, 40) or [draw.pick(DECISIONS)])
    return f"invariant looked_at {{\n  {kind} {decisions}\n" + "\n".join(kept) + "\n}\n"


def small_universe(program: Program, requests: list[Any]) -> dict[Slice, list[tuple[Any, str, int]]]:
    """Return well-formed requests, and those of each principal of their chains, with decision and length, by slice."""
    policies = PolicySet(program)
    found: dict[Slice, list[tuple[Any, str, int]]] = defaultdict(list)
    for request in requests:
        decision = policies.decide(request)
        if any(error.path is not None for error in decision.errors):
            continue
        shape = policies._prepare(request).request.shape
        where = Slice(shape.action.key, shape.chain[0].type.key, shape.resource.type.key)
        found[where].append((request, decision.effect.value, len(shape.chain)))
    return dict(found)


def with_slices(program: Program, requests: list[Any]) -> int:
    """Compare what the solver says of a few slices with all requests in them; return how many answers were compared."""
    replay, count = Replay(program), 0
    universe = small_universe(program, requests)
    for where, decided in sorted(universe.items(), key=lambda item: -len(item[1]))[:MOST_SLICES]:
        question = Question(program, where, LIMITS)
        for effect in DECISIONS:
            answer, model = question.ask(question.decided(effect))
            if answer is Answer.UNSAT:
                for request, decision, length in decided:
                    if length == 1 and decision == effect:
                        raise Disagreement(f"{effect} is excluded, and is decided for {request}")
            elif model is not None and question.universe.exact:
                request = question.written(model)
                said = replay.decision(request)
                if said != effect and (said != "invalid" or _plain(question, effect)) and not _of_a_store(program, request):
                    raise Disagreement(f"{effect} was found, and {said} is decided for {request}")
            count += len(decided)
        anyone = Question(program, where, LIMITS, anyone=True)
        for least, excluded in (("allow", ("allow",)), ("require_approval", ("allow", "require_approval"))):
            if anyone.ask(anyone.at_least(least))[0] is Answer.UNSAT:
                for request, decision, _ in decided:
                    if decision in excluded:
                        raise Disagreement(f"{decision} is excluded for any chain, and is decided for {request}")
            count += len(decided)
    return count


def _plain(question: Question, effect: str) -> bool:
    """Whether a request of plain values was found; only of such a one it is said that it can be written down."""
    return question.plainly(question.decided(effect))[0] is Answer.SAT


def _of_a_store(program: Program, request: Any) -> bool:
    """Whether a request is decided by what a store says of an entity that the policy alone names, which no request can."""
    return any(error.code == "unknown-entity" for error in PolicySet(program).decide(request).errors)


def with_invariant(files: dict[str, str], text: str, requests: list[Any]) -> int:
    """Prove an invariant and look for a request that it does not hold for; return how many requests were compared."""
    checked = check_sources([Source(name, content + text * (name == "main.kyn")) for name, content in files.items()])
    if checked.has_errors:  # a condition that invariants may not have, such as one on who acts
        return 0
    (asked,) = checked.program.invariants
    replay = Replay(checked.program)
    outcome = invariants.prove(checked.program, asked, replay, LIMITS)
    bad = frozenset(d for d in DECISIONS if (d in asked.decisions) == (asked.kind == "never"))
    if "mistake" in outcome.reason:
        raise Disagreement(f"{outcome.reason}\n{text}")
    if outcome.verdict is Verdict.REFUTED:
        said = oracle.decide(checked.program, outcome.request, None).decision
        if said not in bad or said != outcome.decision:
            raise Disagreement(f"refuted by a request that the oracle decides {said}: {outcome.request}\n{text}")
        return 1
    if outcome.verdict is not Verdict.PROVED:
        return 0
    for request in requests:
        if replay.decision(request) in bad and replay.speaks_of(asked, request):
            raise Disagreement(f"proved, and {replay.decision(request)} is decided for {request}\n{text}")
    return len(requests)
