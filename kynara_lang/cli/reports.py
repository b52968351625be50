"""How `kynara check` shows what was found: one function for each `--output-format`, and the summary line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from rich.console import Console

from ..diagnostics.diagnostic import Diagnostic, Severity
from ..diagnostics.render_json import report_dict
from ..diagnostics.render_text import render_concise, render_diagnostic
from ..program import Report
from .output import counted, listed, print_json, print_laid_out, width


def print_full(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics with their source lines, a blank line behind each."""
    for diagnostic in diagnostics:
        print_laid_out(console, render_diagnostic(diagnostic, width=width(console)))
        console.print()


def _full(console: Console, report: Report) -> None:
    print_full(console, report.diagnostics)


def _concise(console: Console, report: Report) -> None:
    for diagnostic in report.diagnostics:
        print_laid_out(console, render_concise(diagnostic))


def _json(console: Console, report: Report) -> None:
    print_json(report_dict(report.diagnostics, files=report.files, rules=report.rules))


FORMATS: Final[Mapping[str, Callable[[Console, Report], None]]] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
}


def summary(report: Report) -> str:
    """Return the one line that says how it went: `Found 2 errors in 3 files`, `All good: 5 rules in 2 files`."""
    counts = Counter(diagnostic.severity for diagnostic in report.diagnostics)
    found = [counted(counts[severity], severity.value) for severity in Severity if counts[severity]]
    files = counted(report.files, "file")
    if found:
        return f"Found {listed(found)} in {files}"
    return f"All good: {counted(report.rules, 'rule')} in {files}"
