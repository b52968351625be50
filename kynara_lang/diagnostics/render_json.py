"""Diagnostics as JSON: the report of `kynara check --output-format json`, version 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .diagnostic import Diagnostic, Fix, Hop, Label, Severity
from .source import Position, Span
from .statistics import Statistic

VERSION = 1


def report_dict(
    diagnostics: Iterable[Diagnostic],
    *,
    files: int,
    rules: int,
    hidden: int | None = None,
    statistics: Iterable[Statistic] | None = None,
) -> dict[str, Any]:
    """Return the report as JSON values: the diagnostics in the given order, and a summary.

    `files` and `rules` are how many of each were checked, `hidden` how many findings a baseline holds back, if there
    is one; `statistics` are a member only where they are given.
    """
    found = list(diagnostics)
    counts = Counter(diagnostic.severity for diagnostic in found)
    shown: dict[str, Any] = {
        "version": VERSION,
        "diagnostics": [diagnostic_dict(diagnostic) for diagnostic in found],
        "summary": {
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "notes": counts[Severity.NOTE],
            "files": files,
            "rules": rules,
        },
    }
    if hidden is not None:
        shown["summary"]["hidden"] = hidden
    if statistics is not None:
        shown["statistics"] = [_statistic(row) for row in statistics]
    return shown


def diagnostic_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic as JSON values; `fix`, `witness` and `path` are members only when there is one."""
    shown: dict[str, Any] = {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": diagnostic.span.source.name,
        "range": range_dict(diagnostic.span),
        "labels": [_label(label) for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
    }
    if diagnostic.fix is not None:
        shown["fix"] = _fix(diagnostic.fix)
    if diagnostic.witness is not None:
        shown["witness"] = diagnostic.witness
    if diagnostic.path:
        shown["path"] = [_hop(hop) for hop in diagnostic.path]
    shown["url"] = rule_url(diagnostic.code)
    return shown


def rule_url(code: str) -> str:
    """Return the stable address of the page of a code, the one that `kynara rule CODE` shows."""
    return f"kynara:rule/{code}"


def range_dict(span: Span) -> dict[str, dict[str, int]]:
    """Return where a span starts and ends (exclusive), lines and columns from 1, offsets from 0."""
    return {"start": _position(span.first), "end": _position(span.last)}


def _position(position: Position) -> dict[str, int]:
    return {"line": position.line, "column": position.column, "offset": position.offset}


def _label(label: Label) -> dict[str, Any]:
    return {"message": label.message, "file": label.span.source.name, "range": range_dict(label.span)}


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [
        {"file": edit.span.source.name, "range": range_dict(edit.span), "replacement": edit.replacement}
        for edit in fix.edits
    ]
    return {"message": fix.message, "safe": fix.safe, "edits": edits}


def _hop(hop: Hop) -> dict[str, Any]:
    shown = {"message": hop.message, "file": hop.span.source.name, "range": range_dict(hop.span)}
    known = {
        "rule": hop.rule,
        "action": hop.action,
        "effect": hop.effect,
        "gains": hop.gains,
        "witness": hop.witness,
    }
    return shown | {name: value for name, value in known.items() if value is not None}


def _statistic(row: Statistic) -> dict[str, Any]:
    return {
        "count": row.count,
        "code": row.code,
        "name": row.name,
        "severity": row.severity.value,
        "fixable": {"safely": row.safe_fixes, "unsafely": row.unsafe_fixes},
    }
