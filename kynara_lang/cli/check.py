"""`kynara check`: everything the checker knows about policies."""

from __future__ import annotations

import click

from ..checker.linter import LintSettings
from ..diagnostics.diagnostic import Severity
from ..program import report_of
from .options import color_option, paths_argument
from .output import chatter, results
from .policies import check_policies
from .reports import FORMATS, summary


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
@color_option
@click.pass_context
def check(ctx: click.Context, paths: tuple[str, ...], output_format: str, stdin_filename: str | None) -> None:
    """Check policies and show everything that is wrong with them.

    All files of the PATHs form one program. `-` reads standard input.

    \b
    Examples:
      kynara check policies/
      kynara check policies/ --output-format json
      kynara check policies/ - --stdin-filename policies/refunds.kyn < unsaved.kyn

    Exit codes: 0 nothing was found but notes, 1 there are errors or warnings, 2 the check could not be made.
    """
    checked = check_policies(ctx, paths, stdin_filename=stdin_filename, lints=LintSettings())
    report = report_of(checked)
    FORMATS[output_format](results(ctx), report)
    chatter(ctx).print(summary(report), soft_wrap=True)
    ctx.exit(1 if any(d.severity is not Severity.NOTE for d in report.diagnostics) else 0)
