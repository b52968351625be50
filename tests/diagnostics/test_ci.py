"""What build services read: GitHub's workflow commands, GitLab's Code Quality report, and JUnit."""

import json
from xml.etree import ElementTree as xml

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.diagnostics.diagnostic import Diagnostic, Label, Severity
from kynara_lang.diagnostics.render_ci import github_line, gitlab_list
from kynara_lang.diagnostics.render_junit import junit_text
from kynara_lang.diagnostics.source import Source, Span
from tests.diagnostics.findings import ALL, FIXED, NOTE, PATH, PLAIN, SHOP, hostile

# GitHub


def test_github_shows_a_finding_beside_its_line() -> None:
    assert github_line(PLAIN) == (
        "::warning file=policies/shop.kyn,line=3,endLine=3,col=8,endColumn=19,title=KYN801 undescribed-permit"
        "::the permit `read_orders` does not say what it is for%0Ahelp: say it in words%0A"
        'permit read_orders "…" {'
    )


@pytest.mark.parametrize(
    ("severity", "command"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.NOTE, "notice")]
)
def test_github_severities(severity: Severity, command: str) -> None:
    assert github_line(evolve(PLAIN, severity=severity)).startswith(f"::{command} file=")


def test_github_takes_no_columns_over_several_lines() -> None:
    assert github_line(PATH) == (
        "::error file=policies/shop.kyn,line=10,endLine=15,title=KYN410 role-cycle::support can become admin"
    )


def test_github_properties_are_escaped() -> None:
    source = Source("a,b:c%d.kyn", "permit")
    line = github_line(Diagnostic("KYN001", "a, b: 100%\r\n::x", (Label(Span(source, 0, 6), ""),)))
    assert line == (
        "::error file=a%2Cb%3Ac%25d.kyn,line=1,endLine=1,col=1,endColumn=7,title=KYN001 unexpected-text"
        "::a, b: 100%25\u240d%0A::x"
    )


def test_github_commands_cannot_be_injected() -> None:
    line = github_line(hostile("x\n::error::y,line=7::\x1b.kyn"))
    assert len(line.splitlines()) == 1
    assert line.startswith("::error file=x\u240a%3A%3Aerror%3A%3Ay%2Cline=7%3A%3A\u241b.kyn,line=1,")
    assert all(character not in line for character in "\x1b\x00\r\u202e")
    assert "%250A::error::x" in line


# GitLab


def test_gitlab_lists_findings() -> None:
    assert gitlab_list([PLAIN, PATH]) == [
        {
            "description": "KYN801 undescribed-permit: the permit `read_orders` does not say what it is for",
            "check_name": "KYN801",
            "fingerprint": "364b5353c0b9c3344c81caa248fbab6b:1",
            "severity": "major",
            "location": {"path": "policies/shop.kyn", "lines": {"begin": 3, "end": 3}},
        },
        {
            "description": "KYN410 role-cycle: support can become admin",
            "check_name": "KYN410",
            "fingerprint": "29cb731fa5b601acba08c382d49da586:1",
            "severity": "critical",
            "location": {"path": "policies/shop.kyn", "lines": {"begin": 10, "end": 15}},
        },
    ]
    assert gitlab_list([NOTE])[0]["severity"] == "info"
    assert gitlab_list([]) == []


def test_gitlab_fingerprints_are_unique() -> None:
    prints = [entry["fingerprint"] for entry in gitlab_list([*ALL, *ALL, *ALL])]
    assert len(set(prints)) == len(prints) == 12


def test_gitlab_texts_are_harmless() -> None:
    text = json.dumps(gitlab_list([hostile()]))
    assert "\\u241b[31m" in text
    assert "\\u001b" not in text


# JUnit


def test_junit_has_one_case_a_file() -> None:
    assert junit_text([PLAIN], ["policies/shop.kyn", "policies/good.kyn"]) == (
        """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="kynara check" tests="2" failures="1" errors="0">
  <testsuite name="kynara check" tests="2" failures="1" errors="0" skipped="0">
    <testcase name="policies/good.kyn" classname="kynara.check" file="policies/good.kyn" />
    <testcase name="policies/shop.kyn" classname="kynara.check" file="policies/shop.kyn">
      <failure message="policies/shop.kyn:3:8: warning[KYN801] undescribed-permit: """
        """the permit `read_orders` does not say what it is for" type="warning">"""
        """warning[KYN801] undescribed-permit: the permit `read_orders` does not say what it is for
 --&gt; policies/shop.kyn:3:8
  |
3 | permit read_orders {
  |        ^^^^^^^^^^^ no description
  |
  = help: say it in words
      permit read_orders "&#8230;" {</failure>
    </testcase>
  </testsuite>
</testsuites>"""
    )


def cases(diagnostics: list[Diagnostic], names: list[str]) -> dict[str, xml.Element]:
    """The test cases of a report that a strict reader takes, by name."""
    text = junit_text(diagnostics, names)
    assert text.isascii()
    suites = xml.fromstring(text)
    (suite,) = suites
    found = {case.attrib["name"]: case for case in suite}
    assert suite.attrib["tests"] == suites.attrib["tests"] == str(len(found))
    failures = sum(case.find("failure") is not None for case in found.values())
    assert suite.attrib["failures"] == suites.attrib["failures"] == str(failures)
    return found


def test_junit_tells_all_findings_of_a_file_in_one_failure_led_by_the_worst() -> None:
    (case,) = cases([PLAIN, FIXED, NOTE], [SHOP.name]).values()
    (failure,) = case
    assert failure.attrib["type"] == "error"
    assert failure.attrib["message"].startswith("policies/shop.kyn:10:8: error[KYN301] permit-without-scope: ")
    assert failure.attrib["message"].endswith(" (and 2 more)")
    assert failure.text is not None
    assert [failure.text.count(f"[{code}]") for code in ("KYN801", "KYN301", "KYN305")] == [1, 1, 1]


def test_junit_passes_files_with_notes_and_shows_them() -> None:
    (case,) = cases([NOTE], [SHOP.name]).values()
    (output,) = case
    assert output.tag == "system-out"
    assert output.text is not None
    assert "note[KYN305]" in output.text


def test_junit_has_a_case_for_a_file_that_could_not_be_read() -> None:
    unread = Diagnostic("KYN006", "not text", (Label(Span(Source("b.kyn", "?"), 0, 1), ""),))
    found = cases([unread], ["a.kyn"])
    assert list(found) == ["a.kyn", "b.kyn"]
    assert found["b.kyn"].find("failure") is not None


def test_junit_is_xml_whatever_a_message_holds() -> None:
    (case,) = cases([hostile("a\x00\x1b<&\"'>\ud800.kyn")], []).values()
    assert case.attrib["name"] == "a\u2400\u241b<&\"'><U+D800>.kyn"
    failure = case.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "]]></failure>&<b a='\"'>\u2400<U+202E><U+FFFE>" in failure.text
    assert len(case) == 1


# Any text


@given(st.text(), st.text(max_size=20))
@settings(max_examples=80, deadline=None)
def test_any_text_is_safe_everywhere(text: str, name: str) -> None:
    source = Source(name, text)
    found = Diagnostic("KYN101", text, (Label(Span(source, 0, len(text)), text),), (text,), text)
    assert len(github_line(found).splitlines()) == 1
    assert len(cases([found], [name])) == 1
    assert json.loads(json.dumps(gitlab_list([found])))[0]["location"]["path"] == name
