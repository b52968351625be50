"""Diagnostics as a JUnit report, in the shape that build servers agree on: one test case a file.

A file fails if an error or a warning was found in it, and has one failure then, with everything that was found: most
readers show no second one. Notes alone stand in the output of a case that passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as xml

from .diagnostic import Diagnostic, Severity
from .excerpt import visible
from .render_text import render_concise, render_full
from .words import visible_lines

_NAME = "kynara check"


def junit_text(diagnostics: Iterable[Diagnostic], names: Iterable[str]) -> str:
    """Return the report as XML of ASCII characters; `names` are the files that were checked, good ones too."""
    files: dict[str, list[Diagnostic]] = {name: [] for name in names}
    for diagnostic in diagnostics:
        files.setdefault(diagnostic.span.source.name, []).append(diagnostic)
    cases = [_case(name, found) for name, found in sorted(files.items())]
    failures = sum(case.find("failure") is not None for case in cases)
    counts = {"name": _NAME, "tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    suites = xml.Element("testsuites", counts)
    suite = xml.SubElement(suites, "testsuite", counts | {"skipped": "0"})
    suite.extend(cases)
    xml.indent(suites)
    written: bytes = xml.tostring(suites, "us-ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written.decode("ascii")}'


def _case(name: str, found: list[Diagnostic]) -> xml.Element:
    shown = visible(name)
    case = xml.Element("testcase", {"name": shown, "classname": "kynara.check", "file": shown})
    weights = {diagnostic.severity for diagnostic in found} - {Severity.NOTE}
    if weights:
        kind = Severity.ERROR if Severity.ERROR in weights else Severity.WARNING
        worst = [diagnostic for diagnostic in found if diagnostic.severity is kind]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        failure = xml.SubElement(case, "failure", {"message": render_concise(worst[0]) + more, "type": kind.value})
        failure.text = _text(found)
    elif found:
        xml.SubElement(case, "system-out").text = _text(found)
    return case


def _text(found: list[Diagnostic]) -> str:
    """Return diagnostics in their full form; XML has no way to write most control characters, so none is left."""
    return visible_lines(render_full(found).plain)
