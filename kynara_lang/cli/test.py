"""`kynara test`: runs the tests that policies hold, and says what they leave untried."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from attrs import frozen

from ..diagnostics.diagnostic import Diagnostic, Severity
from ..proofs import INSTALL, solver_installed
from ..runtime.policyset import PolicySet
from ..testing.cases import Test, tests_of
from ..testing.coverage import Coverage, Gathering, heeded_findings
from ..testing.running import TestResult, run_test
from ..testing.selecting import SelectionError, selection
from .options import Stop, color_option, paths_argument
from .output import busy, chatter, print_json, print_laid_out, results, say, width
from .policies import configuration, load_whole

if TYPE_CHECKING:
    from rich.console import Console

    from ..testing.mutating import Mutation

_TEXTS: Final = ("table", "annotate")

_Command = TypeVar("_Command", bound=Callable[..., Any])


@frozen
class Wishes:
    """What the command line asks for beside the tests themselves."""

    output: str
    coverage: str | None
    coverage_file: str | None
    min_coverage: float | None
    mutate: bool
    mutate_timeout: float
    min_score: float | None
    verbose: bool

    @property
    def aside(self) -> bool:
        """Whether standard output belongs to something that a program reads, and text has to stand aside."""
        return self.output != "text" or self.page_on_stdout

    @property
    def page_on_stdout(self) -> bool:
        """Whether the coverage is the document that standard output holds."""
        return self.coverage not in (None, *_TEXTS) and self.coverage_file is None and self.output != "json"


@frozen(eq=False)
class Run:
    """What came of everything: the tests that ran, and what was asked for beside them."""

    policies: PolicySet
    results: Sequence[TestResult]
    deselected: int
    seconds: float
    stopped: bool = False
    coverage: Coverage | None = None
    untested: tuple[Diagnostic, ...] = ()
    mutation: Mutation | None = None

    @property
    def failed(self) -> bool:
        """Whether a test failed, or there was none."""
        return not self.results or not all(result.passed for result in self.results)


def _options(command: _Command) -> _Command:
    """Add the options of the command."""
    options = [
        click.option("-k", "expression", metavar="EXPR", help="Run tests whose titles fit: `refund and not large`."),
        click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first test that fails."),
        click.option("-v", "--verbose", is_flag=True, help="A line for each test, and whole explanations."),
        click.option(
            "--output-format",
            type=click.Choice(["text", "json", "junit"]),
            default="text",
            show_default=True,
            help="How the outcome is shown.",
        ),
        click.option("--coverage", is_flag=True, help="Show which rules and clauses the tests reach."),
        click.option(
            "--coverage-format",
            type=click.Choice([*_TEXTS, "json", "html"]),
            help="How coverage is shown; `annotate` shows the source with a mark before each line.",
        ),
        click.option("--coverage-output", metavar="FILE", help="Write the coverage to FILE (html, or json)."),
        click.option(
            "--min-coverage",
            type=click.FloatRange(0, 100),
            metavar="PERCENT",
            help="Exit with 1 if less of the rules and clauses is covered.",
        ),
        click.option("--mutate", is_flag=True, help="Change the policy in small ways, and show what no test notices."),
        click.option(
            "--mutate-timeout",
            type=click.FloatRange(0.01),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="How long changes are tried.",
        ),
        click.option(
            "--min-score",
            type=click.FloatRange(0, 100),
            metavar="PERCENT",
            help="Exit with 1 if the tests notice less of the changes.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@paths_argument
@_options
@color_option
@click.pass_context
def test(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    expression: str | None,
    exitfirst: bool,
    **wished: Any,
) -> None:
    """Run the `test` blocks of policies.

    Every `expect` is a request, decided as `kynara decide` would. With --coverage, every rule should match once, and
    every clause decide both ways. With --mutate, the policy is changed in small ways: tests that pass nevertheless
    leave something untried, and a test that would notice is shown to copy.

    \b
    Examples:
      kynara test policies/
      kynara test policies/ -k 'refund and not large' -x
      kynara test policies/ --coverage --min-coverage 90
      kynara test policies/ --coverage-format html --coverage-output coverage.html
      kynara test policies/ --mutate

    Exit codes: 0 all is well, 1 a test failed, none ran or a minimum was missed, 2 the policy has errors.
    """
    wishes = _wishes(ctx, wished)
    wanted = _wanted(ctx, expression)
    policies = load_whole(ctx, paths)
    found = tests_of(policies.program)
    chosen = [one for one in found if wanted(one.title)]
    run = _run(ctx, policies, chosen, len(found) - len(chosen), wishes, exitfirst=exitfirst)
    _show(ctx, run, wishes)
    ctx.exit(_conclude(run, wishes, expression))


def _wishes(ctx: click.Context, given: dict[str, Any]) -> Wishes:
    coverage, shown, file = given["coverage"], given["coverage_format"], given["coverage_output"]
    wanted = coverage or shown is not None or file is not None or given["min_coverage"] is not None
    if shown is None and file is not None:
        shown = "json" if file.endswith(".json") else "html"
    if file is not None and shown in _TEXTS:
        raise click.UsageError("--coverage-output takes --coverage-format html or json.", ctx)
    if given["min_score"] is not None and not given["mutate"]:
        raise click.UsageError("--min-score needs --mutate.", ctx)
    wishes = Wishes(
        given["output_format"],
        (shown or "table") if wanted else None,
        file,
        given["min_coverage"],
        given["mutate"],
        given["mutate_timeout"],
        given["min_score"],
        given["verbose"],
    )
    unplaced = shown == "html" and file is None
    if (wishes.page_on_stdout or unplaced) and wishes.output != "text":
        raise click.UsageError("Two documents cannot share standard output: give --coverage-output FILE.", ctx)
    return wishes


def _wanted(ctx: click.Context, expression: str | None) -> Callable[[str], bool]:
    if expression is None:
        return lambda title: True
    try:
        return selection(expression)
    except SelectionError as error:
        raise click.UsageError(f"-k cannot be understood: {error}", ctx) from None


# --- running


def _run(
    ctx: click.Context,
    policies: PolicySet,
    chosen: Sequence[Test],
    deselected: int,
    wishes: Wishes,
    *,
    exitfirst: bool,
) -> Run:
    start = time.perf_counter()
    found: list[TestResult] = []
    with busy(ctx, "testing", total=len(chosen)) as one_more:
        for one in chosen:
            found.append(run_test(policies, one))
            one_more()
            if exitfirst and not found[-1].passed:
                break
    seconds = time.perf_counter() - start
    stopped = len(found) < len(chosen)
    if wishes.coverage is None and not wishes.mutate:
        return Run(policies, found, deselected, seconds, stopped)
    gathering = Gathering(policies)
    cases = [case for result in found for case in result.test.cases]
    for case in cases:
        gathering.add(case)
    coverage: Coverage | None = None
    untested: tuple[Diagnostic, ...] = ()
    if wishes.coverage is not None:
        coverage = gathering.coverage()
        untested = heeded_findings(policies.program, coverage, configuration().lints)
    mutation = None
    if wishes.mutate and found and all(result.passed for result in found):
        mutation = _mutate(ctx, gathering, policies, wishes.mutate_timeout)
    return Run(policies, found, deselected, seconds, stopped, coverage, untested, mutation)


def _mutate(ctx: click.Context, gathering: Gathering, policies: PolicySet, seconds: float) -> Mutation:
    from ..testing.mutants import mutants
    from ..testing.mutating import Laboratory
    from ..testing.settling import Settled, settled

    settle = settled if solver_installed() else lambda original, changed: Settled()
    laboratory = Laboratory(policies, list(gathering.matched_by), gathering.matched_by, settle)
    with busy(ctx, "changing the policy", total=len(mutants(policies.program))) as one_more:
        return laboratory.run(seconds=seconds, each=one_more)


# --- showing


def _show(ctx: click.Context, run: Run, wishes: Wishes) -> None:
    console = chatter(ctx) if wishes.aside else results(ctx)
    if wishes.output == "text":
        _show_tests(console, run, wishes)
    if run.coverage is not None:
        _show_coverage(console, run, run.coverage, wishes)
    if run.mutation is not None:
        _show_mutation(console, run, run.mutation)
    if wishes.output == "text":
        from .render_tests import closing

        if run.results:
            print_laid_out(console, closing(run.results, run.deselected, run.seconds, stopped=run.stopped))
        return
    from . import tests_as_data

    if wishes.output == "junit":
        click.echo(tests_as_data.tests_junit(run.results, run.policies, run.seconds))
    else:
        print_json(_as_json(run))


def _show_tests(console: Console, run: Run, wishes: Wishes) -> None:
    from rich.text import Text

    from ..diagnostics.excerpt import visible
    from .render_tests import failure, marks, one_line

    if wishes.verbose:
        for result in run.results:
            print_laid_out(console, one_line(result))
    else:
        for name in dict.fromkeys(result.test.file for result in run.results):
            here = [result for result in run.results if result.test.file == name]
            print_laid_out(console, Text(f"{visible(name)} ").append_text(marks(here)))
    for result in run.results:
        if not result.passed:
            console.print()
            print_laid_out(console, failure(result, run.policies, width(console), whole=wishes.verbose))
    if run.results:
        console.print()


def _show_coverage(console: Console, run: Run, coverage: Coverage, wishes: Wishes) -> None:
    from ..diagnostics.render_text import render_concise
    from .render_coverage import annotated, table

    if wishes.coverage in _TEXTS:
        for line in annotated(coverage) if wishes.coverage == "annotate" else table(coverage):
            print_laid_out(console, line)
        console.print()
    elif wishes.output != "json" or wishes.coverage_file is not None:
        _write_coverage(coverage, wishes)
    for finding in run.untested:
        print_laid_out(console, render_concise(finding))
    if run.untested:
        console.print()


def _write_coverage(coverage: Coverage, wishes: Wishes) -> None:
    """Write the page or the JSON to its file, or to standard output."""
    import json

    from .coverage_page import page

    text = page(coverage) if wishes.coverage == "html" else json.dumps(coverage.to_dict(), indent=2) + "\n"
    if wishes.coverage_file is None:
        click.echo(text, nl=False)
        return
    try:
        Path(wishes.coverage_file).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Stop(f"{wishes.coverage_file}: {reason}") from None
    say(f"The coverage is in {wishes.coverage_file}")


def _show_mutation(console: Console, run: Run, mutation: Mutation) -> None:
    from .render_mutants import not_tried, score_line, survivors

    for part in survivors(mutation, run.policies.program):
        print_laid_out(console, part)
    print_laid_out(console, score_line(mutation))
    for line in not_tried(mutation):
        print_laid_out(console, line)
    console.print()


def _as_json(run: Run) -> dict[str, Any]:
    from . import tests_as_data

    found = tests_as_data.tests_dict(run.results, run.deselected, run.seconds)
    if run.coverage is not None:
        from ..diagnostics.render_json import diagnostic_dict

        found["coverage"] = run.coverage.to_dict()
        found["diagnostics"] = [diagnostic_dict(finding) for finding in run.untested]
    if run.mutation is not None:
        from .render_mutants import mutation_dict

        found["mutation"] = mutation_dict(run.mutation, run.policies.program)
    return found


def _conclude(run: Run, wishes: Wishes, expression: str | None) -> int:
    """Say what else makes the command fail, and return the exit code."""
    code = 1 if run.failed or any(d.severity is Severity.ERROR for d in run.untested) else 0
    if not run.results:
        few = "the policy holds no `test`" if expression is None or not run.deselected else "no title fits -k"
        say(f"No test ran: {few}.")
    if wishes.mutate and run.mutation is None and run.results:
        say("Nothing was changed: tests have to pass first.")
    doubtful = [tried for tried in run.mutation.survivors if tried.difference is None] if run.mutation else []
    if doubtful and not solver_installed():
        say(f"Whether changes without a request change anything, proofs would settle; {INSTALL}")
    for percent, least, what in (
        (run.coverage.count.percent if run.coverage else None, wishes.min_coverage, "coverage"),
        (run.mutation.score if run.mutation else None, wishes.min_score, "score"),
    ):
        if percent is not None and least is not None and percent < least:
            say(f"The {what} of {percent:.1f}% is below {least:g}%.")
            code = 1
    return code
