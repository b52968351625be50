"""Details of lints that nothing else pins down: what is compared, where a finding stands, and what it does not say."""

from __future__ import annotations

import pytest

from kynara_lang.checker.linter import LintSettings
from kynara_lang.checker.lints.lethal_trifecta import shown_subject
from kynara_lang.checker.logic.domains import Covered
from kynara_lang.checker.logic.regions import Regions
from kynara_lang.checker.reach import Need
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

SCHEMA = """\
subject User { level: Int, team: String, city: String }
subject Agent { team: String, city: String }
resource Doc { size: Int, owner: User, team: String, home: { city: String, seen: String } }
resource Folder { size: Int }
action read, write on Doc, Folder
let off = false
let on = true
"""


def program(rules: str) -> Program:
    checked = check_sources([Source("p.kyn", SCHEMA + rules)])
    assert not checked.has_errors, [d.message for d in checked.diagnostics]
    return checked.program


def found(rules: str, code: str, schema: str = SCHEMA) -> tuple[Diagnostic, ...]:
    return check_sources([Source("p.kyn", schema + rules)], lints=LintSettings(select=(code,))).diagnostics


def permit(name: str, when: str) -> str:
    return f'permit {name} {{ subject User action read resource Doc scope any "t" when {when} }}\n'


def forbid(name: str, when: str) -> str:
    return f"forbid {name} {{ subject User action read resource Doc when {when} }}\n"


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("subject User action read resource Doc", "subject User action read resource Doc", True),
        ("subject User action read resource Doc", "subject Agent action read resource Doc", False),
        ("subject User action read resource Doc", "subject User action write resource Doc", False),
        ("subject User action read resource Doc", "subject User action read resource Folder", False),
        ("subject any action any resource Doc", "subject Agent action write resource Doc, Folder", True),
    ],
)
def test_rules_meet_where_action_and_both_types_do(one: str, other: str, meet: bool) -> None:
    regions = Regions(program(f"forbid a {{ {one} }}\nforbid b {{ {other} }}\n"))
    first, second = (regions.of(rule) for rule in regions._program.rules)
    assert first.meets(second) is meet
    assert second.meets(first) is meet


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        ("true", True),
        ("false", False),
        ("on", True),
        ("off", False),
        ('"abc".starts_with("a")', True),
        ('"abc".starts_with("b")', False),
        ('resource.team like "a" and resource.team == "a"', True),
        ('resource.team like "a" and resource.team == "b"', False),
        ("resource.size == 3 and (resource.size == 1 or (resource.size == 2 or resource.size == 3))", True),
        ("resource.size == 4 and (resource.size == 1 or (resource.size == 2 or resource.size == 3))", False),
        ("1 < 2", True),
        ("2 < 1", False),
        ("1 < 1", False),
        ("resource.size != 5 and resource.size < 9 and subject.level > 6 and subject.level < resource.size", True),
        ("resource.size != 5 and resource.size < 9 and subject.level > 7 and subject.level < resource.size", False),
        ("resource.size != 5 and resource.size > 2 and subject.level < 4 and subject.level > resource.size", False),
        ("resource.size != 5 and resource.size > 2 and subject.level < 5 and subject.level > resource.size", True),
    ],
)
def test_what_is_possible_follows_from_the_values_alone(condition: str, possible: bool) -> None:
    regions = Regions(program(forbid("f", condition)))
    assert regions.possible(regions.of(regions._program.rules[0]).formula) is possible


def test_a_permit_is_not_called_needless_for_one_that_can_be_an_error() -> None:
    narrow = permit("narrow", "subject.level > 1")
    assert [d.code for d in found(narrow + permit("wide", "subject.level > 0"), "KYN504")] == ["KYN504"]
    assert found(narrow + permit("wide", "resource.owner.level > 3 or subject.level > 0"), "KYN504") == ()


def test_a_forbid_that_can_be_an_error_still_forbids() -> None:
    narrow = forbid("narrow", "subject.level > 1")
    assert [d.code for d in found(narrow + forbid("wide", "resource.owner.level > 3 or subject.level > 0"), "KYN504")] == ["KYN504"]


def test_of_what_covers_a_rule_only_what_is_needed_is_named() -> None:
    rules = permit("p", "subject.level > 10")
    rules += forbid("low", "subject.level < 20") + forbid("aside", "subject.level == 15") + forbid("also", "subject.level == 16")
    rules += forbid("high", "subject.level >= 20")
    (one,) = found(rules, "KYN503")
    said = " ".join([one.message, *one.notes, *(f"{label.message} {label.span.text}" for label in one.labels)])
    assert "low" in said
    assert "high" in said
    assert "aside" not in said
    assert "also" not in said


def test_a_subject_is_shown_by_its_name_its_group_or_its_role() -> None:
    made = program('permit p { subject Agent::"bot" action read resource Doc scope any "t" }\n')
    assert shown_subject("Agent", Need(entity="Agent::bot"), made) == '`Agent::"bot"`'


def test_actions_that_fit_no_resource_are_marked_from_the_first_to_the_last() -> None:
    rules = 'permit p { subject User action read, write resource User scope any "t" }\n'
    (one,) = found(rules, "KYN512")
    assert one.span.text == "read, write"


AGENTS = """\
permit own { subject User action read resource Doc scope resource.owner == subject }
"""


def test_an_agent_that_is_bound_by_nothing_is_marked_where_it_stands_first() -> None:
    rules = AGENTS + 'permit bots { subject Agent, Agent with role r action read resource Doc scope any "t" }\nrole r\n'
    (one,) = found(rules, "KYN605")
    assert one.span.text == "Agent"


def test_a_shared_name_is_that_of_a_group_however_deep_it_stands() -> None:
    """`subject.city == resource.home.city` binds to a city, which many people live in, and not to the person."""
    agents = 'permit bots { subject Agent action read resource Doc scope any "t" }\n'
    own = "permit own { subject User action read resource Doc scope CONDITION }\n"
    assert found(own.replace("CONDITION", "subject.city == resource.home.seen") + agents, "KYN605") != ()
    assert found(own.replace("CONDITION", "subject.city == resource.home.city") + agents, "KYN605") == ()


def test_a_wildcard_covers_no_authority_over_what_the_permit_does_not_name() -> None:
    schema = SCHEMA + "action run on Folder effects executes_code\n"
    assert found('permit p { subject User action any resource Doc scope any "t" }\n', "KYN304", schema) == ()


def test_what_is_no_text_is_left_open_by_a_pattern() -> None:
    for covered in (Covered("glob", ("a", "")), Covered("glob", ("a", ""), others=True)):
        assert covered.holds(3) is True
    assert [Covered("glob", ("a", "")).holds(text) for text in ("ab", "b")] == [True, False]


def test_alternatives_that_leave_nothing_out_are_said_to() -> None:
    rules = 'permit p "d" { subject User action read resource Doc scope resource.size > 3 or resource.size <= 3 }\n'
    (one,) = found(rules, "KYN302")
    assert "what one alternative leaves out, another takes in" in " ".join([one.message, *one.notes, *(x.message for x in one.labels)])
