"""What `kynara check` proves: invariants, rules that do nothing, scopes that bound nothing, as findings.

Structure has the first word: what the lints found already is not asked again. What is left goes to the solver, question
by question, and what it says is remembered under everything that it depends on, so that an edit of one rule asks only
what that rule takes part in. What could not be settled is said, never taken for proved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from attrs import evolve, field, frozen

from ..checker.authority import authority_of, subject_reads
from ..checker.linter import own_modules
from ..checker.symbols import InvariantSymbol, Program, RuleSymbol
from ..checker.words import rule_in_words
from ..diagnostics.diagnostic import Diagnostic, Report, Severity
from ..syntax import ast
from . import invariants
from .links import slices_of
from .logic import Idle, Logic, Unsettled, unbounded
from .question import Evaluator, Verdict
from .solver import Limits

VERSION = "2"
"""Changes whenever what is remembered would have another meaning."""


class Memory(Protocol):
    """Remembers answers by key between runs."""

    def get(self, key: str) -> str | None:
        """Return what was put under a key, if it is still there."""

    def put(self, key: str, value: str) -> None:
        """Remember an answer."""


@frozen
class Proofs:
    """What was found, and what could not be settled.

    `proved` counts invariants that hold for every request. `unsettled` are notes on what is unknown; a run that was
    asked to prove fails by them.
    """

    findings: tuple[Diagnostic, ...] = ()
    unsettled: tuple[Diagnostic, ...] = ()
    proved: int = 0


@frozen
class Prover:
    """Proves what can be proved of one program."""

    program: Program
    evaluator: Evaluator
    limits: Limits = field(factory=Limits)
    memory: Memory | None = None
    progress: Callable[[int, int], None] = lambda done, total: None
    patience: Callable[[], bool] = lambda: True  # whether there is still time

    def run(self, found: Iterable[Diagnostic], wanted: Callable[[str], bool]) -> Proofs:
        """Prove invariants, and what the lints left open of rules; `wanted` says which codes are."""
        report, unsettled = Report(), Report()
        known = {(d.code, d.span.source.name, d.span.start) for d in found}
        blamed = {(name, start) for _, name, start in known}
        rules = [r for r in self.program.rules if not r.library]
        jobs = len(self.program.invariants) + len(rules)
        proved = 0
        for done, invariant in enumerate(self.program.invariants):
            self.progress(done, jobs)
            if wanted("KYN901"):
                proved += self._invariant(invariant, report, unsettled)
        keys = _Contents(self.program)
        logic = Logic(self.program, self.limits)
        for done, rule in enumerate(rules, len(self.program.invariants)):
            self.progress(done, jobs)
            place = rule.decl.name.span
            if (place.source.name, place.start) in blamed or _inside(rule, known):
                continue  # the lints have said what is wrong with it
            self._rule(rule, logic, keys, report, unsettled, wanted)
        self.progress(jobs, jobs)
        return Proofs(report.sorted(), unsettled.sorted(), proved)

    # --- invariants

    def _invariant(self, invariant: InvariantSymbol, report: Report, unsettled: Report) -> bool:
        name = invariant.decl.name
        if not self.patience():
            _unsettled(unsettled, name, f"the invariant `{name.text}`", "there was no time left")
            return False
        outcome = invariants.prove(self.program, invariant, self.evaluator, self.limits)
        if outcome.verdict is Verdict.UNKNOWN:
            _unsettled(unsettled, name, f"the invariant `{name.text}`", outcome.reason)
        if outcome.verdict is Verdict.REFUTED:
            assert outcome.request is not None
            matched = self.evaluator.matched(outcome.request)
            rules = [r for r in self.program.rules if r.name in matched]
            blamed = [r for r in rules if (r.effect == "forbid") == (outcome.decision == "deny")][:3]
            report.add(
                "KYN901",
                f"the invariant `{name.text}` does not hold: a request is decided `{outcome.decision}`",
                name.span,
                "broken by the request below",
                labels=[(r.decl.name.span, "this matches it") for r in blamed],
                help="narrow the rules until the request is decided otherwise, or correct the invariant",
            )
            _with_witness(report, outcome.request)
        return outcome.verdict is Verdict.PROVED

    # --- rules

    def _rule(
        self,
        rule: RuleSymbol,
        logic: Logic,
        keys: _Contents,
        report: Report,
        unsettled: Report,
        wanted: Callable[[str], bool],
    ) -> None:
        if not self.patience():  # asked first: what a rule depends on can be all others, and naming it takes time
            _unsettled(unsettled, rule.decl.name, rule_in_words(rule), "there was no time left")
            return
        key = keys.of(rule)
        known = json.loads(self._recall(key) or "null")
        if known is None:
            known = self._settle(rule, logic)
            if known["verdict"] != Verdict.UNKNOWN and self.memory is not None:
                self.memory.put(key, json.dumps(known))
        if known["verdict"] == Verdict.UNKNOWN:
            _unsettled(
                unsettled, rule.decl.name, f"whether {rule_in_words(rule)} makes a difference", "the solver gave up"
            )
        if known["why"]:
            by = [r for r in self.program.rules if r.name in known["by"]]
            _report_idle(rule, known["why"], by, report, wanted)
        elif known["request"] is not None and wanted("KYN302"):
            _report_unbounded(rule, known["everyone"], known["request"], report)

    def _recall(self, key: str) -> str | None:
        return None if self.memory is None else self.memory.get(key)

    def _settle(self, rule: RuleSymbol, logic: Logic) -> dict[str, Any]:
        made: dict[str, Any] = {"verdict": Verdict.PROVED, "why": "", "by": [], "request": None, "everyone": False}
        idle = logic.idle(rule)
        if isinstance(idle, Unsettled):
            made["verdict"] = Verdict.UNKNOWN
        elif isinstance(idle, Idle):
            made |= {"why": idle.why, "by": [r.name for r in idle.by]}
        elif rule.effect == "permit":
            scope = unbounded(self.program, rule, self.limits)
            if scope is not None:
                made |= {"request": scope.request, "everyone": scope.everyone}
        return made


class _Contents:
    """Names everything that an answer about a rule depends on: the rules it can meet, and all declarations."""

    def __init__(self, program: Program) -> None:
        self._program = program
        digest = hashlib.sha256(VERSION.encode())
        for module in program.modules:
            for decl in module.declarations:
                if not isinstance(decl, ast.RuleDecl | ast.FixtureDecl | ast.TestDecl | ast.InvariantDecl):
                    digest.update(decl.span.text.encode() + b"\0")
            for item in module.imports:
                digest.update(item.span.text.encode() + b"\0")
        self._declarations = digest.hexdigest()
        self._places = {rule: frozenset(slices_of(program, rule)) for rule in program.rules}
        self._meeting: dict[Any, list[RuleSymbol]] = {}
        for rule, places in self._places.items():
            for place in places:
                self._meeting.setdefault(place, []).append(rule)

    def of(self, rule: RuleSymbol) -> str:
        """Return the key of what is known of a rule."""
        others = {other for place in self._places[rule] for other in self._meeting[place]}
        texts = sorted((other.name, other.decl.span.text) for other in others)
        content = json.dumps([self._declarations, rule.name, texts])
        return hashlib.sha256(content.encode()).hexdigest()


def _inside(rule: RuleSymbol, known: Iterable[tuple[str, str, int]]) -> bool:
    """Whether a finding on logic or scope lies within a rule."""
    span = rule.decl.span
    return any(
        code[3] in "35" and name == span.source.name and span.start <= start < span.end for code, name, start in known
    )


def _unsettled(report: Report, name: ast.Ident, what: str, reason: str) -> None:
    report.add(
        "KYN903",
        f"{what} could be neither proved nor refuted",
        name.span,
        "not known",
        notes=[reason],
        help="say it more simply, or give the solver more time with `--prove-timeout`",
    )


def _with_witness(report: Report, request: Mapping[str, Any]) -> None:
    """Give the finding that was added last its witness."""
    if report.last is not None:
        report.replace(evolve(report.last, witness=dict(request)))


def _report_idle(
    rule: RuleSymbol, why: str, by: list[RuleSymbol], report: Report, wanted: Callable[[str], bool]
) -> None:
    code = {"never": "KYN501", "forbidden": "KYN503", "covered": "KYN504", "unmet": "KYN506"}[why]
    if not wanted(code):
        return
    names = ", ".join(f"`{r.decl.name.text}`" for r in by)
    each = "" if len(by) == 1 else " together"
    verb = "permit" if rule.effect == "permit" else "forbid"
    message, label, other = {
        "never": ("can never match", "no request fulfils all of this", ""),
        "forbidden": (
            f"grants nothing: {names}{each} forbid{'s' * (len(by) == 1)} all of it",
            "always forbidden",
            "forbids it",
        ),
        "covered": (
            f"says nothing new: {names}{each} {verb}{'s' * (len(by) == 1)} all of it",
            "covered by others",
            "covers it",
        ),
        "unmet": ("asks for an approval of what nothing permits", "meets no permit", ""),
    }[why]
    report.add(
        code,
        f"{rule_in_words(rule)} {message}",
        rule.decl.name.span,
        label,
        labels=[(r.decl.name.span, f"{other}{each}") for r in by[:5]],
        notes=["proved for every possible request"],
        help="correct the conditions, or delete the rule",
    )


def _report_unbounded(rule: RuleSymbol, everyone: bool, request: Mapping[str, Any], report: Report) -> None:
    scope = next(c for c in rule.conditions if c.kind == "scope")
    subject = json.dumps(request["subject"], ensure_ascii=False)
    report.add(
        "KYN302",
        "this scope is true of every resource" if everyone else "for some subjects this scope bounds nothing",
        scope.clause.span,
        "bounds nothing" if everyone else "true of every resource for such a subject",
        notes=["proved for every possible request"] if everyone else [f"such as the subject {subject}"],
        help="bound it by the resource in every case; give those who may reach everything a permit of their own with"
        ' `scope any "reason"`',
        severity=None if everyone else Severity.WARNING,
    )
    _with_witness(report, request)


def pending(program: Program) -> Iterator[str]:
    """Yield what a run without the solver leaves unproved, in words."""
    if program.invariants:
        count = len([i for i in program.invariants if i.decl.span.source in {m.source for m in own_modules(program)}])
        yield f"{count} invariant{'s' * (count != 1)}"
    reads, types = subject_reads(program), frozenset(program.types)
    if any(authority_of(program.actions[key], reads, types) for rule in program.rules for key in sorted(rule.actions)):
        yield "that nobody comes to more rights than are meant"
    if program.invariants:
        yield "what structure does not show of rules"
