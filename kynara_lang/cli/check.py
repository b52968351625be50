"""`kynara check`: everything the checker knows about policies."""

from __future__ import annotations

import contextlib
import sys

import click

from ..caching.keeper import Keeper
from ..checker.settings import LintSettings
from ..proofs import INSTALL, ProofWish, solver_installed
from .conclusion import Wishes, conclude, conclusion_options, fixable, lints_for
from .options import STDIN, Stop, color_option, paths_argument
from .output import counted, listed, say
from .policies import Given, check_given, configuration, find_policies, keeper_of_user, report_on
from .reports import FORMATS
from .selection import Selection, selection_options, settings_text
from .watch import watch


@click.command()
@paths_argument
@click.option(
    "--output-format",
    type=click.Choice(list(FORMATS)),
    default="full",
    show_default=True,
    help="How findings are shown.",
)
@click.option(
    "--stdin-filename",
    metavar="NAME",
    help="The name of what `-` reads; it takes the place of that file, such as one an editor has not saved yet.",
)
@selection_options
@conclusion_options
@click.option("--fix", is_flag=True, help="Apply fixes that cannot change a decision.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply all fixes; look at what they did.")
@click.option("--diff", is_flag=True, help="Show what fixes would change, and write nothing.")
@click.option(
    "--prove/--no-prove",
    default=None,
    help="Prove invariants, logic and scope, and fail by what stays unknown; by default a minute is spent on it.",
)
@click.option(
    "--prove-timeout",
    type=click.FloatRange(0.01, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="What one question to the solver may take.",
)
@click.option(
    "--write-tests", metavar="FILE", help="Write each request that breaks an invariant to FILE, as a test."
)
@click.option("--no-cache", is_flag=True, help="Check everything anew, and keep nothing for later runs.")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="Parse in at most N processes; by default as many as can run at once, where files are large.",
)
@click.option("--watch", "watching", is_flag=True, help="Check again whenever a file changes, until interrupted.")
@click.option("--show-settings", is_flag=True, help="Show the settings and where each comes from, and check nothing.")
@color_option
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    output_format: str,
    stdin_filename: str | None,
    selection: Selection,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    prove: bool | None,
    prove_timeout: float,
    write_tests: str | None,
    no_cache: bool,
    jobs: int | None,
    watching: bool,
    show_settings: bool,
    statistics: bool,
    baseline: str | None,
    write_baseline: str | None,
) -> None:
    """Check policies and show everything that is wrong with them.

    All files of the PATHs form one program. `-` reads standard input; with --fix, the fixed text goes to standard
    output and what was found to standard error.

    \b
    Examples:
      kynara check policies/
      kynara check policies/ --output-format json
      kynara check policies/ --select KYN3,KYN801 --diff
      kynara check policies/ --watch
      kynara check policies/ - --stdin-filename policies/refunds.kyn < unsaved.kyn

    Exit codes: 0 nothing was found but notes, 1 there are errors or warnings or, with --diff, something would change,
    2 the check could not be made.
    """
    fixing = fix or unsafe_fixes or diff
    wish = ProofWish(prove, prove_timeout)
    if prove and not solver_installed():
        raise Stop("proofs need the extra `prove`", f"install it: {INSTALL}")
    keeper = Keeper() if no_cache or show_settings else keeper_of_user()

    def once() -> int:
        settings = configuration(options_later=not fixing)
        wishes = Wishes(output_format, statistics, baseline or settings.baseline, write_baseline)
        lints = lints_for(selection.applied(settings.lints), wishes)
        given = find_policies(ctx, paths, settings, stdin_filename=stdin_filename)
        if fixing:
            return _fix(ctx, given, lints, wishes, unsafe=unsafe_fixes, diff=diff, keeper=keeper)
        if write_tests is not None:
            return _prove_to_tests(ctx, given, lints, wishes, wish, write_tests)
        report = report_on(ctx, given, lints, wish, keeper, jobs)
        code = conclude(ctx, report, lints, wishes)
        if hint := fixable(report.diagnostics):
            say(hint)
        if report.diagnostics and output_format == "full" and not statistics and sys.stderr.isatty():
            say(f"`kynara rule {report.diagnostics[0].code}` says more about the first of them")
        if report.missing:
            say(f"Not proved: {listed(report.missing)}; {INSTALL}")
        return code

    if show_settings:
        click.echo(settings_text(configuration(), selection), nl=False)
    elif watching:
        if STDIN in (*paths, baseline) or fixing or write_baseline is not None:
            raise click.UsageError("--watch only checks: it reads no standard input, and writes nothing.", ctx)
        watch(once, paths, baseline)
    else:
        ctx.exit(once())


def _fix(
    ctx: click.Context,
    given: Given,
    lints: LintSettings,
    wishes: Wishes,
    *,
    unsafe: bool,
    diff: bool,
    keeper: Keeper,
) -> int:
    """Fix what was given, or show what would change, and show what is left; return the exit code."""
    from ..program import report_of
    from .fixing import apply_fixes

    checked = check_given(ctx, given, lints=lints, keeper=keeper)
    fixing = apply_fixes(ctx, given, checked, lints, unsafe=unsafe, diff=diff, keeper=keeper)
    aside = diff or given.unsaved is not None  # then standard output holds something else
    with contextlib.redirect_stdout(sys.stderr) if aside else contextlib.nullcontext():
        code = conclude(ctx, report_of(fixing.checked), lints, wishes)
    return 1 if diff and fixing.after else code


def _prove_to_tests(
    ctx: click.Context, given: Given, lints: LintSettings, wishes: Wishes, wish: ProofWish, path: str
) -> int:
    """Check what was given, write what breaks invariants as tests, and show what was found; return the exit code."""
    from ..analysis.scenario_text import ScenarioWriter
    from ..inputs import read_inputs
    from ..program import check_inputs, report_of
    from ..proving import proving

    inputs = read_inputs(given.files, given.libraries, unsaved=given.unsaved)
    checked = check_inputs(inputs, lints=lints, prove=proving(wish))
    writer = ScenarioWriter(checked.program)
    wanted = {i.decl.name.span.start: i for i in checked.program.invariants}
    tests = []
    for found in checked.diagnostics:
        invariant = wanted.get(found.span.start)
        if found.code == "KYN901" and found.witness is not None and invariant is not None:
            name = invariant.decl.name.text
            decision = "deny" if invariant.kind == "never" else min(invariant.decisions)
            tests.append(writer.test(found.witness, decision, f"{name} holds for the request that broke it", name))
    if tests:
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write("\n".join(tests))
        except OSError as error:
            raise Stop(f"{path} cannot be written: {error.strerror}", "give the name of a new file") from None
        say(f"Wrote {counted(len(tests), 'test')} to {path}")
    return conclude(ctx, report_of(checked), lints, wishes)
