"""Decides requests that an analysis thought of: what it shows is what the evaluator says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from attrs import evolve

from ..checker.symbols import InvariantSymbol, Program, RuleSymbol
from ..semantics.problems import ValueProblem
from ..semantics.times import format_time, read_time
from ..syntax import ast
from .policyset import PolicySet
from .problems import InvalidRequest


class Replay:
    """The evaluator of one program, as analyses need it."""

    def __init__(self, program: Program) -> None:
        """Compile a program without errors; nothing is known of entities but what requests carry."""
        self._program = program
        self._policies = PolicySet(program)
        self._invariants: dict[InvariantSymbol, Replay] = {}

    def decision(self, request: dict[str, Any]) -> str:
        """Return `allow`, `require_approval` or `deny`; `invalid` where it is denied because it is no request."""
        decision = self._policies.decide(request)
        if any(error.path is not None for error in decision.errors):
            return "invalid"
        return decision.effect.value

    def approved(self, request: dict[str, Any], approvers: Sequence[dict[str, Any]]) -> str:
        """Return the decision when some entities approve whatever is asked for that they may approve."""
        try:
            digest = self._policies.approval_digest(request)
            expires = format_time(read_time(request.get("context", {}).get("now", "")) + 1)
        except (InvalidRequest, ValueProblem):
            return self.decision(request)
        rules = (a.rule for a in self._policies.decide(request).approvals)
        given = [{"rule": r, "digest": digest, "approvers": list(approvers), "expires": expires} for r in rules]
        return self._policies.decide(request, given).effect.value

    def matched(self, request: dict[str, Any]) -> frozenset[str]:
        """Return the names of the rules that match for the principal that acts; none for what is no request."""
        try:
            return self._policies.counting(request)
        except InvalidRequest:
            return frozenset()

    def speaks_of(self, invariant: InvariantSymbol, request: dict[str, Any]) -> bool:
        """Return whether a request is one of those that an invariant is about: as if it were a permit of its own."""
        if invariant not in self._invariants:
            alone = RuleSymbol(
                invariant.name,
                "permit",
                cast(ast.RuleDecl, invariant.decl),  # what is asked of it are its clauses, which are the same
                "",
                subjects=invariant.subjects,
                resources=invariant.resources,
                actions=invariant.actions,
                conditions=invariant.conditions,
            )
            self._invariants[invariant] = Replay(evolve(self._program, rules=(alone,)))
        return invariant.name in self._invariants[invariant].matched(request)
