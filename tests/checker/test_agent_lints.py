"""What lints about agents say and do beyond finding: text to copy that cures, settings, and permits of libraries."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from kynara_lang.checker.linter import LintSettings, lint_of
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources, standard_library

CASES = Path(__file__).parents[1] / "golden" / "diagnostics"
TODAY = datetime.date(2026, 11, 23)
CURED_BY_A_RULE = sorted(
    path.stem for code in ("KYN604", "KYN606", "KYN701", "KYN702") for path in CASES.glob(f"{code}-*.kyn")
)


def found(text: str, code: str, libraries: dict[str, str] | None = None, **options: object) -> tuple[Diagnostic, ...]:
    """Return what one lint, or the language, finds in a program."""
    standard, own = standard_library(), libraries or {}

    def find(name: str) -> Source | None:
        return Source(f"{name}.kyn", own[name]) if name in own else standard.find(name)

    settings = LintSettings(select=(code,), options={code: options})
    known = Libraries(find, (*standard.names, *own))
    return check_sources([Source("policy.kyn", text)], known, lints=settings, today=TODAY).diagnostics


@pytest.mark.parametrize("case", CURED_BY_A_RULE)
def test_the_rule_in_help_cures(case: str) -> None:
    text, code = (CASES / f"{case}.kyn").read_text(encoding="utf-8"), case[:6]
    (finding,) = found(text, code)
    rule = re.search(r"^(require approval|forbid) .*?^}", finding.help or "", re.MULTILINE | re.DOTALL)
    assert rule is not None
    left = found(f"{text}\n{rule[0]}\n", code)
    # A permit that covers several such actions is reported for the next one.
    assert [d.help for d in left] != [finding.help]
    assert not left or "the same holds for" in "".join(finding.notes)


def test_the_scope_in_help_cures_an_agent_that_acts_alone() -> None:
    text = (CASES / "KYN605-mailboxes.kyn").read_text(encoding="utf-8")
    (finding,) = found(text, "KYN605")
    scope = next(line for line in (finding.help or "").splitlines() if line.startswith("scope "))
    cured = text.replace('scope    any "the person behind the agent is the bound"', scope)
    assert cured != text
    assert found(cured, "KYN605") == ()


def test_a_cured_scope_is_named_in_full() -> None:
    text = (CASES / "KYN306-argument.kyn").read_text(encoding="utf-8")
    (finding,) = found(text, "KYN306")
    cure = (finding.help or "").split("`")[1]
    assert found(text.replace("resource.tenant == args.tenant", cure), "KYN306") == ()


# --- how long an approval lasts

LONG = """\
role lead
subject User
resource Doc
action read on Doc
require approval r { subject User action read resource Doc from User with role lead expires 2d }
"""


@pytest.mark.parametrize(("at_most", "reported"), [("7d", False), ("48h", False), ("47h", True), ("15m", True)])
def test_the_longest_time_can_be_set(at_most: str, reported: bool) -> None:
    assert bool(found(LONG, "KYN603", **{"at-most": at_most})) is reported


def test_the_time_suggested_is_within_what_is_set() -> None:
    (finding,) = found(LONG, "KYN603", **{"at-most": "15m"})
    assert "`expires 15m`" in (finding.help or "")
    (finding,) = found(LONG, "KYN603", **{"at-most": "36h"})
    assert "`expires 24h`" in (finding.help or "")


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("KYN603", "a week", "must be a duration, such as `7d` or `12h`"),
        ("KYN603", "", "must be a duration, such as `7d` or `12h`"),
        ("KYN603", "-1d", "must be longer than nothing, such as `7d`"),
        ("KYN603", "0s", "must be longer than nothing, such as `7d`"),
        ("KYN603", "12h", None),
        ("KYN809", 0, "must be 1 or more"),
        ("KYN809", 1, None),
    ],
)
def test_a_setting_that_means_nothing_is_refused(code: str, value: object, said: str | None) -> None:
    (option,) = (option for option in lint_of(code).options if option.name == "at-most")
    assert option.problem(value) == said


def test_the_fix_shortens_and_is_not_safe() -> None:
    text = LONG.replace("2d", "30d")
    (finding,) = found(text, "KYN603")
    assert finding.fix is not None
    assert not finding.fix.safe
    (edit,) = finding.fix.edits
    shorter = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    assert found(shorter, "KYN603") == ()


# --- libraries

LIBRARY = """\
module acme.flows
trait Worker {}
resource Doc
action look, scan on Doc effects reads_private, reads_untrusted
action post on Doc effects sends_out
permit reading "d" { subject Worker action look, scan resource Doc scope any "x" }
permit posting "d" { subject Worker action post resource Doc scope any "x" }
"""
ASKED = "require approval asked { subject any action post resource any from any }\n"
OWN = 'permit own "d" { subject Bot action post resource Doc scope any "x" }\n'


def importing(*names: str) -> str:
    return (
        f"import std.agents (Autonomous)\nimport acme.flows (Worker, Doc, {', '.join(names)})\n"
        "subject Bot is Autonomous, Worker\n"
    )


def test_a_permit_of_a_library_is_shown_where_the_program_names_it() -> None:
    (finding,) = found(importing("look", "post", "reading", "posting"), "KYN701", {"acme.flows": LIBRARY})
    assert {label.span.source.name for label in finding.labels} == {"policy.kyn"}
    assert [label.span.text for label in finding.labels] == ["posting", "reading"]


def test_a_finding_stands_at_the_programs_own_permit() -> None:
    program = importing("look", "post", "reading") + OWN
    (finding,) = found(program, "KYN701", {"acme.flows": LIBRARY})
    assert [label.span.text for label in finding.labels] == ["own", "reading"]


def test_a_permit_of_a_library_that_no_import_names_grants_nothing() -> None:
    assert found(importing("look", "post") + OWN, "KYN701", {"acme.flows": LIBRARY}) == ()


def test_an_approval_of_a_library_stands_in_between() -> None:
    program = importing("look", "post", "reading") + OWN
    assert found(program, "KYN701", {"acme.flows": LIBRARY + ASKED}) == ()


# --- once for each type of agents


def test_delegation_is_reported_once_for_each_type() -> None:
    text = """\
import std.agents (Autonomous)
subject User
subject Bot is Autonomous
subject Crawler is Autonomous
resource Doc
action read, write on Doc
permit b "d" { subject Bot action read resource Doc scope delegated }
permit a "d" { subject Bot, Crawler action write resource Doc
  scope delegated }
"""
    first, second = found(text, "KYN606")
    assert (first.span.first.line, second.span.first.line) == (7, 9)
    assert "`Bot`" in first.message
    assert any("`a`" in note for note in first.notes)
    assert "`Crawler`" in second.message
