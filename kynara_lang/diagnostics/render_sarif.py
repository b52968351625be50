"""Diagnostics as SARIF 2.1.0 (OASIS Standard, 27 March 2020), which code scanning services and editors read.

One run, with a rule for each code that occurs. Further places are related locations, a path is a code flow. Files are
named by URIs relative to the working folder, which stands for the root of the sources. Braces in messages stay as they
are: what reads SARIF replaces placeholders only in messages that come with arguments, and ours have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

from .codes import CODES
from .diagnostic import Diagnostic, Edit, Fix, Hop, Label
from .fingerprint import unique_fingerprints
from .render_json import rule_url
from .source import Span
from .words import in_words, visible_lines

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT: Final = "kynaraFingerprint/v1"
_ROOT: Final = "%SRCROOT%"  # the name that code scanning services know


def sarif_dict(
    diagnostics: Iterable[Diagnostic], *, version: str, page: Callable[[str], str | None] = lambda code: None
) -> dict[str, Any]:
    """Return the report as JSON values: `version` is that of the tool, `page` gives the page of a code in Markdown."""
    found = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    index = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "kynara",
        "version": version,
        "informationUri": "kynara:rule",
        "rules": [_rule(code, page(code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which kynara was run."}}},
        "results": [
            _result(diagnostic, index[diagnostic.code], fingerprint)
            for diagnostic, fingerprint in zip(found, unique_fingerprints(found), strict=True)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, page: str | None) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": known.meaning},
        "fullDescription": {"text": known.meaning},
        "helpUri": rule_url(code),
        "help": {"text": known.meaning} if page is None else {"text": page, "markdown": page},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(diagnostic: Diagnostic, rule: int, fingerprint: str) -> dict[str, Any]:
    first, *others = diagnostic.labels
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": _plain(in_words(diagnostic))},
        "locations": [_labelled(first)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if others:
        result["relatedLocations"] = [{"id": number} | _labelled(label) for number, label in enumerate(others)]
    if diagnostic.path:
        steps = [{"location": _hop(hop)} for hop in diagnostic.path]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if diagnostic.fix is not None and diagnostic.fix.edits:
        result["fixes"] = [_fix(diagnostic.fix)]
    return result


def _plain(text: str) -> str:
    """Return text in which nothing hides, and which no reader takes for a link."""
    return visible_lines(text).replace("](", "] (")


def _labelled(label: Label) -> dict[str, Any]:
    location = {"physicalLocation": _place(label.span)}
    return location | {"message": {"text": _plain(label.message)}} if label.message else location


def _hop(hop: Hop) -> dict[str, Any]:
    return {"physicalLocation": _place(hop.span), "message": {"text": _plain(hop.message)}}


def _place(span: Span) -> dict[str, Any]:
    return {"artifactLocation": _artifact(span.source.name), "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    first, last = span.first, span.last
    return {
        "startLine": first.line,
        "startColumn": first.column,
        "endLine": last.line,
        "endColumn": last.column,
    }


def _artifact(name: str) -> dict[str, str]:
    """Return where a file is: relative to the root of the sources, or absolute as a `file:` URI."""
    path = quote(name, safe="/", errors="surrogateescape")
    if name.startswith("/"):
        return {"uri": f"file://{path}"}
    if name[1:3] == ":/":  # a drive
        return {"uri": f"file:///{name[:2]}{path.removeprefix(quote(name[:2]))}"}
    return {"uri": path, "uriBaseId": _ROOT}


def _fix(fix: Fix) -> dict[str, Any]:
    caution = "" if fix.safe else " (this can change decisions: read it before you take it)"
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.span.source.name, []).append(edit)
    changes = [
        {"artifactLocation": _artifact(name), "replacements": [_replacement(edit) for edit in edits]}
        for name, edits in files.items()
    ]
    return {
        "description": {"text": _plain(fix.message) + caution},
        "artifactChanges": changes,
        "properties": {"safe": fix.safe},
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
