"""What the tests of a program reach: which rules match, and which clauses decide both ways.

A rule is covered when it matched once. A clause is covered when it held once and failed once, each time as the order of
evaluation reached it: what stands behind a clause that fails is not evaluated. Every link of every request counts, for
everyone who could have called, just as it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from attrs import define, evolve, frozen

from ..checker import suppressions
from ..checker.linter import own_modules
from ..checker.settings import LintSettings
from ..checker.symbols import Program, RuleSymbol
from ..diagnostics.diagnostic import Diagnostic, Report
from ..diagnostics.source import Span
from ..runtime.policyset import PolicySet
from ..runtime.problems import InvalidRequest
from ..syntax import ast
from .cases import Case

State = Literal["covered", "partial", "missed"]

CODE = "KYN902"


@define(eq=False)
class ClauseCoverage:
    """A `scope`, `when` or `unless`: whether it ever let the rule match, and whether it ever kept it out."""

    kind: str
    span: Span
    held: bool = False
    failed: bool = False

    @property
    def covered(self) -> bool:
        """Whether it decided both ways."""
        return self.held and self.failed

    @property
    def state(self) -> State:
        """How much of it is covered."""
        return "covered" if self.covered else "partial" if self.held or self.failed else "missed"

    @property
    def lacks(self) -> str | None:
        """What never happened, in words; None where nothing is missing."""
        if self.covered:
            return None
        if not self.held and not self.failed:
            return "never evaluated"
        # what stands in the text of an `unless` is false where the clause holds
        return f"never {'true' if self.held == (self.kind == 'unless') else 'false'}"


@define(eq=False)
class RuleCoverage:
    """A rule: whether it ever matched, whether its types ever fitted, and its clauses."""

    rule: RuleSymbol
    clauses: tuple[ClauseCoverage, ...]
    reached: bool = False
    matched: bool = False

    @property
    def state(self) -> State:
        """How much of the rule itself is covered, its clauses aside."""
        return "covered" if self.matched else "partial" if self.reached else "missed"

    @property
    def lacks(self) -> str | None:
        """What never happened, in words; None where nothing is missing."""
        return None if self.matched else "never matches" if self.reached else "never asked"


@frozen
class Count:
    """How many of how many are covered."""

    covered: int
    total: int

    def __add__(self, other: Count) -> Count:
        """Count both."""
        return Count(self.covered + other.covered, self.total + other.total)

    @property
    def percent(self) -> float:
        """The share that is covered; all of nothing is."""
        return 100.0 * self.covered / self.total if self.total else 100.0


@frozen(eq=False)
class FileCoverage:
    """One file of the program, with its rules in the order in which they are written."""

    name: str
    text: str
    rules: tuple[RuleCoverage, ...]

    @property
    def rule_count(self) -> Count:
        """How many of its rules are covered."""
        return Count(sum(rule.matched for rule in self.rules), len(self.rules))

    @property
    def clause_count(self) -> Count:
        """How many of its clauses are covered."""
        clauses = [clause for rule in self.rules for clause in rule.clauses]
        return Count(sum(clause.covered for clause in clauses), len(clauses))

    @property
    def count(self) -> Count:
        """How many of both are covered."""
        return self.rule_count + self.clause_count


@frozen(eq=False)
class Coverage:
    """The coverage of a whole program: its files by name, those without rules left out."""

    files: tuple[FileCoverage, ...]

    @property
    def rule_count(self) -> Count:
        """How many rules are covered."""
        return sum((file.rule_count for file in self.files), Count(0, 0))

    @property
    def clause_count(self) -> Count:
        """How many clauses are covered."""
        return sum((file.clause_count for file in self.files), Count(0, 0))

    @property
    def count(self) -> Count:
        """How many rules and clauses are covered."""
        return self.rule_count + self.clause_count

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            **_totals(self.rule_count, self.clause_count),
            "files": [
                {
                    "file": file.name,
                    **_totals(file.rule_count, file.clause_count),
                    "rules": [_rule_dict(rule) for rule in file.rules],
                }
                for file in self.files
            ],
        }


def _totals(rules: Count, clauses: Count) -> dict[str, Any]:
    return {
        "percent": round((rules + clauses).percent, 2),
        "rules": {"covered": rules.covered, "total": rules.total},
        "clauses": {"covered": clauses.covered, "total": clauses.total},
    }


def _rule_dict(rule: RuleCoverage) -> dict[str, Any]:
    clauses = [
        {"clause": c.kind, "line": c.span.first.line, "text": c.span.text, "held": c.held, "failed": c.failed}
        for c in rule.clauses
    ]
    line = rule.rule.decl.name.span.first.line
    return {
        "rule": rule.rule.name,
        "line": line,
        "reached": rule.reached,
        "matched": rule.matched,
        "clauses": clauses,
    }


class Gathering:
    """Gathers coverage while tests run; only the program's own rules are looked at, not those of its libraries."""

    def __init__(self, policies: PolicySet) -> None:
        """Begin with nothing covered."""
        self._policies = policies
        self._program = policies.program
        self._rules = {rule: _empty(rule) for rule in self._program.rules if not rule.library}
        self._clauses = {clause.span: clause for rule in self._rules.values() for clause in rule.clauses}
        self.matched_by: dict[Case, frozenset[str]] = {}

    def add(self, case: Case) -> None:
        """See which rules and clauses the request of an expectation reaches; an invalid one reaches none."""
        matched: set[str] = set()
        try:
            for outcome in self._policies.outcomes(case.request):
                rule = self._rules.get(outcome.test.rule)
                if rule is None:
                    continue
                rule.reached = True
                for guard in outcome.test.guards:
                    clause = self._clauses.get(guard.span)
                    last = guard is outcome.guard
                    if clause is not None and not (last and outcome.outcome == "error"):
                        clause.held |= not last
                        clause.failed |= last
                    if last:
                        break
                if outcome.outcome == "matched":
                    rule.matched = True
                if outcome.outcome != "failed":
                    matched.add(rule.rule.name)
        except InvalidRequest:
            return
        self.matched_by[case] = frozenset(matched)

    def coverage(self) -> Coverage:
        """Return what is covered by now."""
        files = []
        for module in own_modules(self._program):
            here = [r for r in self._rules.values() if r.rule.decl.span.source is module.source]
            if here:
                here.sort(key=lambda rule: rule.rule.decl.span.start)
                files.append(FileCoverage(module.source.name, module.source.text, tuple(here)))
        return Coverage(tuple(sorted(files, key=lambda file: file.name)))


def coverage_of(policies: PolicySet, cases: Iterable[Case]) -> Coverage:
    """Return what some expectations cover."""
    gathering = Gathering(policies)
    for case in cases:
        gathering.add(case)
    return gathering.coverage()


def untested_rules(coverage: Coverage) -> tuple[Diagnostic, ...]:
    """Return a finding for every rule that no test makes match."""
    report = Report()
    for file in coverage.files:
        for found in file.rules:
            if not found.matched:
                _tell(found, report)
    return report.sorted()


def heeded_findings(program: Program, coverage: Coverage, settings: LintSettings) -> tuple[Diagnostic, ...]:
    """Return the findings of untested rules, but for those that a comment or the settings silence."""
    if not settings.selects(CODE):
        return ()
    severity = settings.severity(CODE)
    found = untested_rules(coverage)
    weighed = found if severity is None else tuple(evolve(finding, severity=severity) for finding in found)
    heeded = suppressions.heeded(own_modules(program), weighed, (), settings, None)
    return tuple(finding for finding in heeded if finding.code == CODE)


def _tell(found: RuleCoverage, report: Report) -> None:
    decl = found.rule.decl
    kind = decl.effect.replace("_", " ")
    never = [clause for clause in found.clauses if clause.failed and not clause.held]
    if not found.reached:
        why = "no test asks for one of its actions with types that fit"
    elif never:
        why = f"tests come as far as its `{never[0].kind}`, and never beyond"
    else:
        why = "tests come as far as its patterns, and never beyond"
    report.add(
        CODE,
        f"no test makes the {kind} `{decl.name.text}` match",
        decl.name.span,
        "untested",
        labels=[(never[0].span, "holds in no test")] if never else (),
        notes=[why],
        help="add an `expect` that names it behind `because`; `kynara test --mutate` suggests some",
    )


def _empty(rule: RuleSymbol) -> RuleCoverage:
    conditions = (condition.clause for condition in rule.conditions if condition.expr is not None)
    return RuleCoverage(rule, tuple(ClauseCoverage(_kind(clause), clause.span) for clause in conditions))


def _kind(clause: ast.Clause) -> str:
    match clause:
        case ast.ScopeClause():
            return "scope"
        case ast.UnlessClause():
            return "unless"
    return "when"
