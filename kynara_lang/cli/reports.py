"""How `kynara check` shows what was found: one function for each `--output-format`, the statistics, the summary line.

What a service reads has standard output for itself: statistics that are asked for beside it go to standard error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import click
from attrs import frozen

from .. import __version__
from ..diagnostics.codes import CODES
from ..diagnostics.diagnostic import Diagnostic, Severity
from ..report import Report
from .output import chatter, counted, listed, print_json, print_laid_out, results, say, width

if TYPE_CHECKING:
    from rich.console import Console

    from ..diagnostics.statistics import Statistic

# What shows findings is imported by the function that needs it: where nothing was found, nothing is.


@frozen
class Shown:
    """What a check shows: the report, how many findings a baseline hides (None without one), whether it is counted."""

    report: Report
    hidden: int | None = None
    statistics: bool = False


def show(ctx: click.Context, shown: Shown, output_format: str) -> None:
    """Print what was found in one of the formats, and the line that sums it up."""
    if shown.report.diagnostics or output_format not in _TEXTS:
        FORMATS[output_format](ctx, shown)
    if shown.statistics and output_format not in (*_TEXTS, "json"):
        print_statistics(chatter(ctx), shown.report.diagnostics)
    say(summary(shown.report, shown.hidden or 0))


def print_full(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics with their source lines, a blank line behind each."""
    from ..diagnostics.render_text import render_diagnostic

    for diagnostic in diagnostics:
        print_laid_out(console, render_diagnostic(diagnostic, width=width(console)))
        console.print()


def _full(ctx: click.Context, shown: Shown) -> None:
    console = results(ctx)
    if shown.statistics:
        print_statistics(console, shown.report.diagnostics)
    else:
        print_full(console, shown.report.diagnostics)


def _concise(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_text import render_concise

    console = results(ctx)
    if shown.statistics:
        print_statistics(console, shown.report.diagnostics)
        return
    for diagnostic in shown.report.diagnostics:
        print_laid_out(console, render_concise(diagnostic))


def _json(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_json import report_dict
    from ..diagnostics.statistics import statistics_of

    report = shown.report
    rows = statistics_of(report.diagnostics) if shown.statistics else None
    found = report_dict(
        report.diagnostics, files=report.files, rules=report.rules, hidden=shown.hidden, statistics=rows
    )
    print_json(found)


# What services read: each imports its own renderer, which nobody else needs


def _sarif(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_sarif import sarif_dict

    print_json(sarif_dict(shown.report.diagnostics, version=__version__, page=_page))


def _page(code: str) -> str | None:
    from ..pages import text_of

    try:
        return text_of(code).markdown
    except FileNotFoundError:
        return None


def _github(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_ci import github_line

    for diagnostic in shown.report.diagnostics:
        click.echo(github_line(diagnostic))


def _gitlab(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_ci import gitlab_list

    print_json(gitlab_list(shown.report.diagnostics))


def _junit(ctx: click.Context, shown: Shown) -> None:
    from ..diagnostics.render_junit import junit_text

    click.echo(junit_text(shown.report.diagnostics, shown.report.names))


_TEXTS: Final = ("full", "concise")

FORMATS: Final[Mapping[str, Callable[[click.Context, Shown], None]]] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
}


# Statistics and summary


def print_statistics(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    """Print how often each code was found, and below it every finding that only those see who ask for it."""
    from rich.text import Text

    from ..diagnostics.excerpt import visible
    from ..diagnostics.statistics import statistics_of

    found = list(diagnostics)
    rows = [("count", "code", "name", "severity", "fixable")]
    rows += [(f"{s.count:,}", s.code, s.name, s.severity.value, _fixable(s)) for s in statistics_of(found)]
    if len(rows) == 1:
        return
    first, *rest = (max(map(len, column)) for column in zip(*rows, strict=True))
    for number, (count, *cells) in enumerate(rows):
        line = "  ".join([count.rjust(first), *(c.ljust(size) for c, size in zip(cells, rest, strict=True))])
        print_laid_out(console, Text(line.rstrip(), "" if number else "bold"))
    for code in sorted({diagnostic.code for diagnostic in found if CODES[diagnostic.code].quiet}):
        console.print()
        print_laid_out(console, Text(f"{code} {CODES[code].name}: {CODES[code].meaning}", "bold"))
        for diagnostic in found:
            if diagnostic.code == code:
                place = f"{diagnostic.span.source.name}:{diagnostic.span.first.line}"
                print_laid_out(console, visible(f"  {place}: {'; '.join([diagnostic.message, *diagnostic.notes])}"))


def _fixable(row: Statistic) -> str:
    ways = [(row.safe_fixes, "--fix"), (row.unsafe_fixes, "--unsafe-fixes")]
    return ", ".join(f"{number:,} with {way}" for number, way in ways if number) or "no"


def summary(report: Report, hidden: int = 0) -> str:
    """Return the one line that says how it went: `Found 2 errors in 3 files`, `All good: 5 rules in 2 files`.

    `hidden` is how many findings a baseline holds back.
    """
    counts = Counter(diagnostic.severity for diagnostic in report.diagnostics)
    found = [counted(counts[severity], severity.value) for severity in Severity if counts[severity]]
    files = counted(report.files, "file")
    aside = f"; {counted(hidden, 'finding')} hidden by the baseline" if hidden else ""
    if found:
        return f"Found {listed(found)} in {files}{aside}"
    proved = f", {counted(report.proved, 'invariant')} proved" if report.proved else ""
    return f"All good: {counted(report.rules, 'rule')} in {files}{proved}{aside}"
