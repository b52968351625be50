"""What came of tests, for programs: as JSON, and as a JUnit report with one test case for each `test`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as xml

from ..diagnostics.excerpt import visible
from ..diagnostics.words import visible_lines
from ..runtime.policyset import PolicySet
from ..testing.running import Outcome, TestResult
from .render_tests import failure

VERSION = 1
_NAME = "kynara test"
_WIDTH = 100


def tests_dict(results: Sequence[TestResult], deselected: int, seconds: float) -> dict[str, Any]:
    """Return the report as JSON values."""
    passed = sum(result.passed for result in results)
    return {
        "version": VERSION,
        "tests": [_test_dict(result) for result in results],
        "summary": {
            "passed": passed,
            "failed": len(results) - passed,
            "deselected": deselected,
            "expectations": sum(len(result.outcomes) for result in results),
            "seconds": round(seconds, 6),
        },
    }


def _test_dict(result: TestResult) -> dict[str, Any]:
    found = {
        "title": result.test.title,
        "file": result.test.file,
        "line": result.test.line,
        "outcome": "passed" if result.passed else "failed",
        "seconds": round(result.seconds, 6),
        "expectations": [_outcome_dict(outcome) for outcome in result.outcomes],
    }
    return found | ({"problem": result.test.problem} if result.test.problem is not None else {})


def _outcome_dict(outcome: Outcome) -> dict[str, Any]:
    found = {
        "line": outcome.case.expectation.span.first.line,
        "passed": outcome.passed,
        "wanted": outcome.case.wanted,
        "because": list(outcome.case.because),
        "decision": outcome.decision.effect.value,
        "rules": list(outcome.determining or outcome.decision.rules),
        "errors": [error.to_dict() for error in outcome.decision.errors],
    }
    if not outcome.passed:
        found |= {"missing": list(outcome.missing), "request": outcome.case.request}
    return found


def tests_junit(results: Iterable[TestResult], policies: PolicySet, seconds: float) -> str:
    """Return the report as XML of ASCII characters."""
    cases = [_junit_case(result, policies) for result in results]
    failed = sum(case.find("failure") is not None for case in cases)
    counts = {
        "name": _NAME,
        "tests": str(len(cases)),
        "failures": str(failed),
        "errors": "0",
        "time": f"{seconds:.6f}",
    }
    suites = xml.Element("testsuites", counts)
    suite = xml.SubElement(suites, "testsuite", counts | {"skipped": "0"})
    suite.extend(cases)
    xml.indent(suites)
    written: bytes = xml.tostring(suites, "us-ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written.decode("ascii")}'


def _junit_case(result: TestResult, policies: PolicySet) -> xml.Element:
    test = result.test
    named = {
        "name": visible(test.title),
        "classname": visible(test.file.removesuffix(".kyn").replace("/", ".")),
        "file": visible(test.file),
        "line": str(test.line),
        "time": f"{result.seconds:.6f}",
    }
    case = xml.Element("testcase", named)
    if not result.passed:
        lines = [o.case.expectation.span.first.line for o in result.failures]
        place = f"line {lines[0]}: " if lines else ""
        message = place + (test.problem or _short(result.failures[0]))
        xml.SubElement(case, "failure", {"message": visible(message), "type": "expectation"}).text = visible_lines(
            failure(result, policies, _WIDTH).plain
        )
    return case


def _short(outcome: Outcome) -> str:
    if outcome.invalid:
        return "this is not a valid request"
    got = outcome.decision.effect.value
    if got != outcome.case.wanted:
        return f"wanted {outcome.case.wanted}, got {got}"
    return f"{', '.join(outcome.missing)} did not determine that it is {got}"
