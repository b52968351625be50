"""Counts what was found: how often each code occurs, and how much of it can be fixed."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from .codes import CODES
from .diagnostic import Diagnostic, Severity


@frozen
class Statistic:
    """How often a code was found with one severity, and how many of these findings have a fix of either kind."""

    count: int
    code: str
    severity: Severity
    safe_fixes: int
    unsafe_fixes: int

    @property
    def name(self) -> str:
        """The readable name of the code."""
        return CODES[self.code].name


def statistics_of(diagnostics: Iterable[Diagnostic]) -> tuple[Statistic, ...]:
    """Return one row for each code, the most frequent first."""
    groups: dict[tuple[str, Severity], list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        groups.setdefault((diagnostic.code, diagnostic.severity), []).append(diagnostic)
    rows = []
    for (code, severity), found in groups.items():
        safe = [diagnostic.fix.safe for diagnostic in found if diagnostic.fix is not None]
        rows.append(Statistic(len(found), code, severity, safe.count(True), safe.count(False)))
    return tuple(sorted(rows, key=lambda row: (-row.count, row.code, row.severity)))
