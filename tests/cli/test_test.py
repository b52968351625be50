"""`kynara test`: what it prints, in which format, and how it exits."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from tests.cli.project import POLICY, Run, Spawn

TESTS = """\
module shop.tests

fixture ann = User::"ann" with role support { tenant: "acme" }
fixture bot = Bot::"b-1" { tenant: "acme" }
fixture o1  = Order::"o-1" { tenant: "acme", total: 80.00 }

test "everybody reads" {
  given  bot on behalf of ann
  expect allow read on o1                         because read_orders
  expect deny  read on o1 { tenant: "globex" }
}

test "support refunds" {
  given  ann
  given  context { now: 2026-11-22 }
  expect allow refund(amount: 80.00) on o1
  expect deny  refund(amount: 80.01) on o1
}
"""
FAILING = """
test "wrong on purpose" {
  given  ann
  expect deny read on o1
  expect allow read on o1  because refund_orders
  expect deny refund(amount: 1.00) on o1
}
"""


@pytest.fixture
def tested(project: Path) -> Path:
    """The project with tests that pass."""
    (project / "policies" / "tests.kyn").write_text(TESTS, encoding="utf-8")
    return project


@pytest.fixture
def failing(tested: Path) -> Path:
    """The project with tests of which one fails."""
    (tested / "policies" / "tests.kyn").write_text(TESTS + FAILING, encoding="utf-8")
    return tested


def without_time(text: str) -> str:
    return re.sub(r"\d+\.\d\d s", "N s", text)


@pytest.mark.usefixtures("tested")
def test_what_passes_is_told_in_a_line(kynara: Run) -> None:
    result = kynara("test", "policies")
    assert result.exit_code == 0
    assert without_time(result.stdout) == "policies/tests.kyn ..\n\n2 passed in N s\n"
    assert result.stderr == ""


@pytest.mark.usefixtures("tested")
def test_verbose_has_a_line_for_each(kynara: Run) -> None:
    lines = kynara("test", "policies", "-v").stdout.splitlines()
    assert lines[:2] == [
        "policies/tests.kyn:7 everybody reads PASSED",
        "policies/tests.kyn:13 support refunds PASSED",
    ]


@pytest.mark.usefixtures("failing")
def test_a_failure_shows_the_line_the_decisions_the_rules_and_why(kynara: Run) -> None:
    result = kynara("test", "policies")
    assert result.exit_code == 1
    shown = result.stdout
    assert "policies/tests.kyn ..F" in shown
    assert "FAILED wrong on purpose  policies/tests.kyn:20" in shown
    assert re.search(r"22 \|   expect deny read on o1\n +\| +\^+ wanted deny, got allow\n", shown)
    assert "= determined by shop.read_orders\n" in shown
    assert 'allowed: User::"ann" may read Order::"o-1"' in shown
    assert "did not determine that it is allow" in shown
    assert "this is not a valid request" in shown
    assert "= context.now: the context needs `now` for this decision" in shown
    assert without_time(shown).endswith("\n2 passed, 1 failed in N s\n")


@pytest.mark.usefixtures("failing")
def test_verbose_shows_whole_explanations(kynara: Run) -> None:
    short, whole = kynara("test", "policies").stdout, kynara("test", "policies", "-v").stdout
    assert "more lines; --verbose shows all" in short
    assert "Rules looked at" not in short
    assert "Rules looked at" in whole


@pytest.mark.usefixtures("failing")
def test_k_chooses_by_title(kynara: Run) -> None:
    result = kynara("test", "policies", "-k", "not wrong")
    assert result.exit_code == 0
    assert without_time(result.stdout).endswith("2 passed, 1 deselected in N s\n")


@pytest.mark.parametrize(("expression", "why"), [("(", "a word is missing"), ("and", "before `and`")])
@pytest.mark.usefixtures("tested")
def test_k_must_be_an_expression(kynara: Run, expression: str, why: str) -> None:
    result = kynara("test", "policies", "-k", expression)
    assert result.exit_code == 2
    assert why in result.stderr


@pytest.mark.usefixtures("tested")
def test_x_stops_at_the_first_failure(kynara: Run, failing: Path) -> None:
    (failing / "policies" / "tests.kyn").write_text(
        TESTS + FAILING + FAILING.replace("on purpose", "twice"), encoding="utf-8"
    )
    assert "2 passed, 2 failed" in kynara("test", "policies").stdout
    result = kynara("test", "policies", "-x")
    assert result.exit_code == 1
    assert without_time(result.stdout).endswith("2 passed, 1 failed in N s; stopped at the first failure\n")


def test_without_tests_it_fails_and_says_so(kynara: Run, tested: Path) -> None:
    result = kynara("test", "policies", "-k", "nothing like it")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "No test ran: no title fits -k.\n")
    (tested / "policies" / "tests.kyn").unlink()
    result = kynara("test", "policies")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "No test ran: the policy holds no `test`.\n")


@pytest.mark.usefixtures("project")
def test_errors_of_the_policy_end_it_with_2(kynara: Run) -> None:
    result = kynara("test", "broken")
    assert result.exit_code == 2
    assert "error[KYN101]" in result.stderr
    assert result.stdout == ""


def test_the_configuration_says_where_policies_are(kynara: Run, tested: Path) -> None:
    (tested / "kynara.toml").write_text('policies = "policies/"', encoding="utf-8")
    assert kynara("test").exit_code == 0


@pytest.mark.usefixtures("project")
def test_a_policy_can_come_from_standard_input(kynara: Run) -> None:
    result = kynara("test", "-", input=POLICY + TESTS.replace("module shop.tests", ""))
    assert without_time(result.stdout) == "<stdin> ..\n\n2 passed in N s\n"


# --- for programs


@pytest.mark.usefixtures("failing")
def test_json(kynara: Run) -> None:
    result = kynara("test", "policies", "--output-format", "json", "--coverage")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["version"] == 1
    assert {k: v for k, v in found["summary"].items() if k != "seconds"} == {
        "passed": 2,
        "failed": 1,
        "deselected": 0,
        "expectations": 7,
    }
    wrong = found["tests"][2]
    assert (wrong["title"], wrong["file"], wrong["line"], wrong["outcome"]) == (
        "wrong on purpose",
        "policies/tests.kyn",
        20,
        "failed",
    )
    one, two, three = wrong["expectations"]
    assert (one["line"], one["wanted"], one["decision"], one["rules"]) == (22, "deny", "allow", ["shop.read_orders"])
    assert one["request"]["subject"]["type"] == "user"
    assert (two["because"], two["missing"]) == (["shop.refund_orders"], ["shop.refund_orders"])
    assert three["errors"][0]["path"] == "context.now"
    assert found["coverage"]["rules"] == {"covered": 2, "total": 3}
    assert [d["code"] for d in found["diagnostics"]] == ["KYN902"]


@pytest.mark.usefixtures("failing")
def test_junit(kynara: Run) -> None:
    result = kynara("test", "policies", "--output-format", "junit")
    assert result.stdout.isascii()
    suites = xml.fromstring(result.stdout)
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    first, _, last = suites.iter("testcase")
    assert (first.get("name"), first.get("classname"), first.get("file"), first.get("line")) == (
        "everybody reads",
        "policies.tests",
        "policies/tests.kyn",
        "7",
    )
    failure = last.find("failure")
    assert failure is not None
    assert failure.get("message") == "line 22: wanted deny, got allow"
    assert "expect deny read on o1" in (failure.text or "")


# --- coverage


@pytest.mark.usefixtures("tested")
def test_coverage_as_a_table(kynara: Run) -> None:
    result = kynara("test", "policies", "--coverage")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    at = lines.index("file               rules  clauses  covered")
    assert lines[at + 1 : at + 6] == [
        "policies/shop.kyn    2/3      2/4    57.1%",
        "    21: scope never false",
        "    25: require approval late_refunds never matches",
        "    27: when never true",
        "total                2/3      2/4    57.1%",
    ]
    assert (
        "policies/shop.kyn:25:18: warning[KYN902] untested-rule: no test makes the require approval `late_refunds` match"
        in lines
    )


def test_a_finding_that_settings_make_an_error_fails(kynara: Run, tested: Path) -> None:
    assert kynara("test", "policies", "--coverage").exit_code == 0
    (tested / "kynara.toml").write_text('severity = {KYN902 = "error"}', encoding="utf-8")
    result = kynara("test", "policies", "--coverage")
    assert "error[KYN902]" in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.usefixtures("tested")
def test_without_the_solver_mutation_says_what_would_settle_the_rest(
    kynara: Run, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr("kynara_lang.cli.test.solver_installed", lambda: installed)
    monkeypatch.setattr("kynara_lang.testing.neighbours.Neighbours.difference", lambda *given: None)
    said = kynara("test", "policies", "--mutate").stderr
    assert ('pip install "kynara-lang[prove]"' in said) is not installed


@pytest.mark.usefixtures("tested")
def test_coverage_beside_the_source(kynara: Run) -> None:
    lines = kynara("test", "policies", "--coverage-format", "annotate").stdout.splitlines()
    assert '14 + permit read_orders "Everybody reads" {' in lines
    assert "21 ~   scope   subject.tenant == resource.tenant  <- never false" in lines
    assert "27 ~   when    context.now >= 2026-12-01  <- never true" in lines
    assert "26     subject any  action refund  resource Order" in lines


class Page(HTMLParser):
    """Collects what a page has: its tags, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_coverage_as_a_page_needs_nothing_else_and_escapes(kynara: Run, tested: Path) -> None:
    policy = POLICY.replace("Everybody reads", "<script>alert('x')</script> & \\u{1b}")
    (tested / "policies" / "shop.kyn").write_text(policy, encoding="utf-8")
    result = kynara("test", "policies", "--coverage-format", "html", "--coverage-output", "out.html")
    assert (result.exit_code, result.stderr) == (0, "The coverage is in out.html\n")
    page = Page((tested / "out.html").read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name in attributes for _, attributes in page.tags for name in ("src", "onload", "style"))
    assert all(a.get("href", "#") and str(a.get("href", "#")).startswith("#") for _, a in page.tags)
    assert "<script>alert('x')</script> &" in page.words
    assert "57.1%" in page.words
    assert ("span", {"class": "partial"}) in page.tags


@pytest.mark.usefixtures("tested")
def test_a_document_has_standard_output_for_itself(kynara: Run) -> None:
    result = kynara("test", "policies", "--coverage-format", "json")
    assert json.loads(result.stdout)["rules"] == {"covered": 2, "total": 3}
    assert "2 passed" in result.stderr
    page = kynara("test", "policies", "--coverage-format", "html")
    assert page.stdout.startswith("<!doctype html>")
    assert page.stdout.endswith("</html>\n")
    assert (
        xml.fromstring(kynara("test", "policies", "--output-format", "junit", "--coverage").stdout).tag == "testsuites"
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--output-format", "json", "--coverage-format", "html"], "Two documents"),
        (["--output-format", "junit", "--coverage-format", "json"], "Two documents"),
        (["--coverage-format", "table", "--coverage-output", "x"], "--coverage-output takes"),
        (["--min-score", "50"], "--min-score needs --mutate"),
        (["--min-coverage", "101"], "101"),
        (["--coverage-format", "html", "--coverage-output", "no/such/folder/x.html"], "no/such/folder/x.html"),
    ],
)
@pytest.mark.usefixtures("tested")
def test_what_does_not_go_together_is_told(kynara: Run, options: list[str], why: str) -> None:
    result = kynara("test", "policies", *options)
    assert result.exit_code == 2
    assert why in result.stderr


@pytest.mark.parametrize(("least", "code"), [("57", 0), ("57.2", 1), ("100", 1)])
@pytest.mark.usefixtures("tested")
def test_min_coverage(kynara: Run, least: str, code: int) -> None:
    result = kynara("test", "policies", "--min-coverage", least)
    assert result.exit_code == code
    assert (f"The coverage of 57.1% is below {least}%." in result.stderr) == bool(code)


def test_settings_silence_untested_rules(kynara: Run, tested: Path) -> None:
    (tested / "kynara.toml").write_text('ignore = ["KYN902"]', encoding="utf-8")
    assert "KYN902" not in kynara("test", "policies", "--coverage").stdout


# --- changes


@pytest.mark.usefixtures("tested")
def test_mutate_shows_what_no_test_notices_and_a_test_that_would(kynara: Run, tested: Path) -> None:
    result = kynara("test", "policies", "--mutate")
    assert result.exit_code == 0
    shown = result.stdout
    assert "SURVIVED policies/shop.kyn:25  late_refunds: the rule is dropped" in shown
    assert "  - require approval late_refunds {" in shown
    assert re.search(r"\d+ of \d+ changes noticed: \d+\.\d%", shown)
    assert "1 clause of approvals not changed (from, quorum, expires)" in shown
    suggested = re.findall(r"^    (test .*?^    \}\n)", shown, re.MULTILINE | re.DOTALL)
    assert suggested
    added = "\n".join(re.sub("^    ", "", text, flags=re.MULTILINE) for text in suggested)
    (tested / "policies" / "tests.kyn").write_text(TESTS + added, encoding="utf-8")
    again = kynara("test", "policies", "--mutate")
    assert again.exit_code == 0
    assert f"{len(suggested) + 2} passed" in again.stdout
    assert "this one would" not in again.stdout


@pytest.mark.usefixtures("tested")
def test_mutate_as_json(kynara: Run) -> None:
    found = json.loads(kynara("test", "policies", "--mutate", "--output-format", "json").stdout)["mutation"]
    assert found["survived"] == len(found["survivors"]) > 0
    (dropped,) = [
        s for s in found["survivors"] if (s["declaration"], s["change"]) == ("late_refunds", "the rule is dropped")
    ]
    assert (dropped["file"], dropped["line"]) == ("policies/shop.kyn", 25)
    assert (dropped["decision"], dropped["changed_decision"]) == ("require_approval", "allow")
    assert dropped["test"].startswith('test "late_refunds: the rule is dropped" {')
    assert dropped["request"]["action"]["name"] == "orders:refund"


@pytest.mark.usefixtures("tested")
def test_mutate_is_bounded_in_time(kynara: Run) -> None:
    result = kynara("test", "policies", "--mutate", "--mutate-timeout", "0.01")
    assert re.search(r"\d+ changes not tried: the time was over; --mutate-timeout gives more", result.stdout)


@pytest.mark.parametrize(("least", "code"), [("1", 0), ("100", 1)])
@pytest.mark.usefixtures("tested")
def test_min_score(kynara: Run, least: str, code: int) -> None:
    result = kynara("test", "policies", "--mutate", "--min-score", least)
    assert result.exit_code == code
    assert ("is below 100%" in result.stderr) == bool(code)


@pytest.mark.usefixtures("failing")
def test_nothing_is_changed_while_tests_fail(kynara: Run) -> None:
    result = kynara("test", "policies", "--mutate", "--min-score", "1")
    assert result.exit_code == 1
    assert "Nothing was changed: tests have to pass first." in result.stderr
    assert "SURVIVED" not in result.stdout


def test_what_acts_on_a_terminal_is_made_visible(kynara: Run, tested: Path) -> None:
    text = TESTS.replace("everybody reads", "every\\u{1b}[31mbody").replace("expect allow read", "expect deny read")
    (tested / "policies" / "tests.kyn").write_text(text, encoding="utf-8")
    for options in ((), ("-v",), ("--output-format", "junit")):
        assert "\x1b" not in kynara("test", "policies", *options).stdout


def test_in_a_process_of_its_own_it_is_coloured_where_that_is_wanted(spawn: Spawn, tested: Path) -> None:
    plain: subprocess.CompletedProcess[bytes] = spawn("test", "policies")
    colored = spawn("test", "policies", "--color", "always")
    assert b"\x1b[" not in plain.stdout
    assert b"\x1b[" in colored.stdout
    assert plain.returncode == colored.returncode == 0
