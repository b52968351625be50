"""What came of tests, for people: the line that was not met, what was decided instead, and how that came about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from ..checker.symbols import Program
from ..diagnostics.diagnostic import Label, Severity
from ..diagnostics.excerpt import visible, wrap
from ..diagnostics.render_text import render_excerpt
from ..runtime.policyset import PolicySet
from ..testing.running import Outcome, TestResult, evidence_of
from .output import counted
from .render_explanation import renderables

FIRST_LINES = 8
"""How much of an explanation a failure shows."""
NARROWEST = 40


def failure(result: TestResult, policies: PolicySet, width: int, *, whole: bool = False) -> Text:
    """Return everything about a test that failed; `whole` shows explanations to their end."""
    text = Text()
    text.append(f"FAILED {visible(result.test.title)}", "bold red")
    text.append(f"  {visible(result.test.file)}:{result.test.line}\n", "bold")
    if result.test.problem is not None:
        text.append(f"  {result.test.problem}\n")
    for outcome in result.failures:
        text.append("\n")
        text.append_text(_not_met(outcome, policies, max(width, NARROWEST), whole=whole))
    text.rstrip()
    return text


def _not_met(outcome: Outcome, policies: PolicySet, width: int, *, whole: bool) -> Text:
    text = Text()
    text.append_text(render_excerpt(_labels(outcome, policies.program), width=width, severity=Severity.ERROR))
    text.append("\n")
    for remark in _remarks(outcome):
        for number, line in enumerate(wrap(visible(remark), width - 4)):
            text.append(f"  {'= ' if number == 0 else '  '}{line}\n")
    if not outcome.invalid:
        text.append("\n")
        text.append_text(_explained(outcome, policies, width, whole=whole))
    return text


def _labels(outcome: Outcome, program: Program) -> Sequence[Label]:
    """Return the places to blame: the decision, or the rules that did not determine it."""
    item = outcome.case.expectation
    got = outcome.decision.effect.value
    if outcome.invalid:
        return [Label(item.span, "this is not a valid request")]
    if got != outcome.case.wanted:
        return [Label(item.decision.span, f"wanted {outcome.case.wanted}, got {got}")]
    targets = program.tables.targets
    named = {targets[name].name: name.span for name in item.because}
    return [Label(named[rule], f"did not determine that it is {got}") for rule in outcome.missing]


def _remarks(outcome: Outcome) -> list[str]:
    if outcome.invalid:
        return [f"{error.path or 'request'}: {error.message}" for error in outcome.invalid]
    rules = ", ".join(outcome.determining)
    told = [f"determined by {rules}" if rules else "determined by no rule: no permit matches"]
    return [*told, *(f"in error: {error.rule}: {error.message}" for error in outcome.decision.errors)]


def _explained(outcome: Outcome, policies: PolicySet, width: int, *, whole: bool) -> Text:
    """Return the first lines of the explanation, a little to the right."""
    explanation = policies.explain(outcome.case.request, evidence_of(policies, outcome.case))
    text = Text("\n").join(renderables(explanation, width - 2))
    lines = text.split("\n")
    while lines and not lines[-1].plain.strip():
        lines.pop()
    cut = not whole and len(lines) > FIRST_LINES
    shown = Text()
    for line in lines[: FIRST_LINES if cut else len(lines)]:
        if line.plain.strip():
            shown.append("  ")
        shown.append_text(line)
        shown.append("\n")
    if cut:
        shown.append(f"  … {counted(len(lines) - FIRST_LINES, 'more line')}; --verbose shows all\n", "dim")
    return shown


def marks(results: Iterable[TestResult]) -> Text:
    """Return a point for each test that passed, and an F for each that failed."""
    text = Text()
    for result in results:
        text.append("." if result.passed else "F", "green" if result.passed else "bold red")
    return text


def one_line(result: TestResult) -> Text:
    """Return the line of one test that `--verbose` shows."""
    text = Text(f"{visible(result.test.file)}:{result.test.line} {visible(result.test.title)} ")
    return text.append(*(("PASSED", "green") if result.passed else ("FAILED", "bold red")))


def closing(results: Sequence[TestResult], deselected: int, seconds: float, *, stopped: bool) -> Text:
    """Return the line that sums it up: `5 passed, 1 failed in 0.03 s`."""
    passed = sum(result.passed for result in results)
    failed = len(results) - passed
    parts = [f"{passed:,} passed"] if passed else []
    parts += [f"{failed:,} failed"] if failed else []
    parts += [f"{deselected:,} deselected"] if deselected else []
    ended = "; stopped at the first failure" if stopped else ""
    style = "bold red" if failed else "bold green"
    return Text(f"{', '.join(parts)} in {seconds:.2f} s{ended}", style)
