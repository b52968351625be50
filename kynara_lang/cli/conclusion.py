"""How `kynara check` ends: what a baseline makes of the findings, what is shown, and the exit code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from attrs import evolve, frozen

from ..checker.settings import LintSettings
from ..diagnostics.codes import CODES
from ..diagnostics.diagnostic import Diagnostic, Severity
from ..report import Report
from .options import STDIN, Stop, read_input
from .output import chatter, counted, listed, print_laid_out
from .reports import Shown, show

if TYPE_CHECKING:
    from ..baseline import Entry, Held

# Baselines are imported by the functions that need them: most checks heed none.

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MOST_SHOWN: Final = 20


@frozen
class Wishes:
    """What is to be done with findings: how to show them, and which baseline to heed or to write."""

    output_format: str = "full"
    statistics: bool = False
    baseline: str | None = None
    write_baseline: str | None = None


def conclusion_options(command: _Command) -> _Command:
    """Add `--statistics`, `--baseline` and `--write-baseline` to a command."""
    for option in (
        click.option(
            "--write-baseline",
            metavar="FILE",
            help="Write the present findings of lints to FILE, for --baseline; what the language demands stays out.",
        ),
        click.option(
            "--baseline", metavar="FILE", help="Hide the findings that FILE lists, and list its entries that are gone."
        ),
        click.option(
            "--statistics",
            is_flag=True,
            help="Count findings by code instead of showing each, and list permits that are unscoped on purpose.",
        ),
    ):
        command = option(command)
    return command


def lints_for(settings: LintSettings, wishes: Wishes) -> LintSettings:
    """Return the settings to check with: statistics count the quiet lints too, unless these are ignored."""
    if not wishes.statistics:
        return settings
    quiet = [code for code, known in CODES.items() if known.quiet and not code.startswith(settings.ignore)]
    return evolve(settings, extend_select=(*settings.extend_select, *quiet))


def conclude(ctx: click.Context, report: Report, settings: LintSettings, wishes: Wishes) -> int:
    """Show a report as is wished and return the exit code: 1 if an error or a warning is left, else 0.

    `settings` are those the program was checked with.
    """
    if wishes.write_baseline is not None:
        return _write(ctx, report, wishes, wishes.write_baseline)
    if wishes.baseline is None:
        show(ctx, Shown(report, statistics=wishes.statistics), wishes.output_format)
        return _exit_code(report)
    held = _held(ctx, report, wishes.baseline)
    left = evolve(report, diagnostics=held.left)
    show(ctx, Shown(left, held.hidden, wishes.statistics), wishes.output_format)
    stale = [entry for entry in held.stale if report.linted and _is_gone(entry, report, settings)]
    _tell_of_stale(ctx, wishes.baseline, stale)
    return _exit_code(left)


def fixable(diagnostics: Iterable[Diagnostic]) -> str | None:
    """Return a line that says how many findings have a fix, if any has."""
    found = [diagnostic.fix.safe for diagnostic in diagnostics if diagnostic.fix is not None]
    parts = []
    if safe := sum(found):
        parts.append(f"{safe:,} with `--fix`")
    if unsafe := len(found) - safe:
        parts.append(f"{unsafe:,}{' more' if safe else ''} with `--unsafe-fixes`, to be looked at")
    return f"Can be fixed: {listed(parts)}" if parts else None


def _exit_code(report: Report) -> int:
    return 1 if any(d.severity is not Severity.NOTE for d in report.diagnostics) else 0


def _held(ctx: click.Context, report: Report, path: str) -> Held:
    from ..baseline import MAX_BASELINE_BYTES, BaselineError, baseline_of, hold

    content = read_input(ctx, path, "the baseline", MAX_BASELINE_BYTES)
    try:
        entries = baseline_of(content)
    except BaselineError as error:
        help = "`kynara check --write-baseline FILE` writes one"
        raise Stop(f"{'standard input' if path == STDIN else path}: {error}", help) from None
    return hold(report.diagnostics, entries, linted=report.linted)


def _write(ctx: click.Context, report: Report, wishes: Wishes, path: str) -> int:
    """Write a baseline of what lints found; there is none while the language itself finds errors."""
    from ..baseline import BaselineError, can_be_held, entries_of, write_baseline
    from ..diagnostics.excerpt import visible

    if path == STDIN:
        raise click.UsageError("--write-baseline needs the name of a file.", ctx)
    if not report.linted:
        show(ctx, Shown(report, statistics=wishes.statistics), wishes.output_format)
        chatter(ctx).print("No baseline was written: correct these errors of the language first", soft_wrap=True)
        return 1
    found = [d for d in report.diagnostics if can_be_held(d, linted=True)]
    try:
        write_baseline(path, entries_of(found))
    except BaselineError as error:
        raise Stop(str(error)) from None
    line = f"Wrote {counted(len(found), 'finding')} to {path}"
    if other := len(report.diagnostics) - len(found):
        line += f"; {counted(other, 'finding')} of the language itself cannot be in a baseline"
    print_laid_out(chatter(ctx), visible(line))
    return 0


# Entries that are gone


def _is_gone(entry: Entry, report: Report, settings: LintSettings) -> bool:
    """Whether an entry would have been found again: its lint ran, and its file was looked at or is no more."""
    runs = entry.code not in CODES or settings.selects(entry.code)
    return runs and (entry.file in report.names or not os.path.lexists(entry.file))


def _tell_of_stale(ctx: click.Context, path: str, stale: list[Entry]) -> None:
    if not stale:
        return
    from ..diagnostics.excerpt import visible

    console = chatter(ctx)
    gone = sum(entry.count for entry in stale)
    verb = "no longer occurs" if gone == 1 else "no longer occur"
    again = shlex.join(["kynara", "check", *ctx.params["paths"], "--write-baseline", path])
    lines = [f"{counted(gone, 'finding')} of the baseline {path} {verb}; `{again}` writes it anew:"]
    lines += [f"  {entry.code} in {entry.file}: {entry.message}{_times(entry.count)}" for entry in stale[:_MOST_SHOWN]]
    if len(stale) > _MOST_SHOWN:
        lines.append(f"  and {len(stale) - _MOST_SHOWN:,} more")
    for line in lines:
        print_laid_out(console, visible(line))


def _times(count: int) -> str:
    return f" ({count:,} times)" if count > 1 else ""
