"""Diagnostics as the annotations of two continuous integration services: GitHub Actions and GitLab Code Quality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .diagnostic import Diagnostic, Severity
from .excerpt import visible
from .fingerprint import unique_fingerprints
from .words import in_words, visible_lines

_COMMANDS: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}
_SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "critical",
    Severity.WARNING: "major",
    Severity.NOTE: "info",
}

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github_line(diagnostic: Diagnostic) -> str:
    """Return the workflow command that makes GitHub Actions show a diagnostic beside its lines.

    Columns are left out where it goes over several lines: GitHub takes them within one line only.
    """
    first, last = diagnostic.span.first, diagnostic.span.last
    properties = {"file": visible(diagnostic.span.source.name), "line": str(first.line), "endLine": str(last.line)}
    if first.line == last.line:
        properties |= {"col": str(first.column), "endColumn": str(last.column)}
    properties["title"] = f"{diagnostic.code} {diagnostic.name}"
    listed = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{visible_lines(in_words(diagnostic)).translate(_DATA)}"


def gitlab_list(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return the Code Quality report of GitLab as JSON values."""
    found = list(diagnostics)
    return [
        {
            "description": f"{diagnostic.code} {diagnostic.name}: {visible(diagnostic.message)}",
            "check_name": diagnostic.code,
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[diagnostic.severity],
            "location": {
                "path": diagnostic.span.source.name,
                "lines": {"begin": diagnostic.span.first.line, "end": diagnostic.span.last.line},
            },
        }
        for diagnostic, fingerprint in zip(found, unique_fingerprints(found), strict=True)
    ]
