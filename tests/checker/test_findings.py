"""What lints find at their edges: how many of many they name, and where another lint has the word."""

from __future__ import annotations

import pytest

from kynara_lang.checker.lint_examples import rules
from kynara_lang.checker.linter import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources


def found(text: str, *codes: str) -> tuple[Diagnostic, ...]:
    return check_sources([Source("p.kyn", text)], lints=LintSettings(select=codes)).diagnostics


@pytest.mark.parametrize(
    "clause",
    [
        "scope {0}",
        'scope any "x" when {0}',
        'scope any "x" unless {0}',
    ],
)
def test_a_long_condition_is_found_in_every_clause(clause: str) -> None:
    long = " or ".join(f"subject.level > {n}" for n in range(10))
    (one,) = found(rules(f"permit p {{ subject User action read resource Doc {clause.format(long)} }}"), "KYN809")
    assert one.message == "this condition has 10 parts"
    assert one.span.text == long


def test_a_long_condition_is_found_in_what_an_approver_must_be() -> None:
    long = " or ".join(f"approver.level > {n}" for n in range(10))
    text = f"require approval a {{ subject User action write resource Doc from User where {long} }}"
    (one,) = found(rules(text), "KYN809")
    assert (one.message, one.span.text) == ("this condition has 10 parts", long)


@pytest.mark.parametrize("text", ["subject User\n", "role a\nsubject User\n", "action read on Doc\nresource Doc\n"])
def test_a_policy_without_rules_is_found_at_its_first_word(text: str) -> None:
    (one,) = found(text, "KYN806")
    assert one.span.text == text.split()[0]
    assert one.labels[0].message == "the policy has no rules"


@pytest.mark.parametrize("quorum", [1, 2, 3])
@pytest.mark.parametrize("named", [1, 2, 3])
def test_a_quorum_is_out_of_reach_where_fewer_are_named_but_not_where_nobody_is(quorum: int, named: int) -> None:
    """Who asks cannot approve: where nobody else is named that is found, and nothing said of the quorum."""
    people = ", ".join(f'User::"{name}"' for name in "abc"[:named])
    text = f'require approval r {{ subject User::"a" action write resource Doc from {people}\n quorum {quorum} }}'
    others = named - 1
    assert [d.code for d in found(rules(text), "KYN602")] == (["KYN602"] if 0 < others < quorum else [])


@pytest.mark.parametrize("count", [1, 2, 6, 7, 9])
def test_of_many_actions_that_a_wildcard_covers_five_more_are_named_and_the_others_counted(count: int) -> None:
    declared = "".join(f"action crm.promote{i} on User (level: Int) modifies level\n" for i in range(count))
    text = declared + "action crm.list on Folder\n" + 'permit p { subject User action crm.* resource User scope delegated }\n'
    text += "permit q { subject User action read resource Doc scope delegated when subject.level > 3 }\n"
    (one,) = found(rules(text), "KYN304")
    named = [note for note in one.notes if note.startswith("it also covers")]
    assert len(named) == min(count - 1, 5)
    assert (f"and {count - 6} more" in one.notes) is (count > 6)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ('resource.path within {"/a", "/b"} and not (resource.path within "/a" or resource.path within "/b")', "never"),
        ('resource.path within {"/a", "/b"} and resource.path == "/c/d"', "never"),
        ('resource.path within {"/a", "/b"} and resource.path == "/b/d"', ""),
        ("(resource.size > 3) == true and resource.size < 2", "never"),
        ("subject.manager == (resource.size > 3) and subject.manager != (resource.size > 3)", "never"),
        ('resource.title.starts_with("a") and resource.title.starts_with("b")', "never"),
        ('resource.title.starts_with("a") and resource.title == "b"', "never"),
        ('resource.title.starts_with("a") and resource.title == "ab"', ""),
        ('resource.labels.contains_any({"a"}) and not resource.labels.contains_any({"a"})', "never"),
        ('context.ip within "200.0.0.0/8"', ""),
        ('context.ip within "ff00::/8"', ""),
        ('context.ip within "0.0.0.0/0" or context.ip within "::/0"', "always"),
        ('context.ip within "0.0.0.0/0" and context.ip within "::/0"', "never"),
        ('context.ip within "0.0.0.0/1" or context.ip within "::/0"', ""),
        ("-resource.size == 3 and -resource.size == 4", ""),  # the least number has no opposite, and a forbid matches
        ("resource.labels.contains_all({})", "always"),
        ("resource.labels.contains_any({})", "never"),
    ],
)
def test_what_can_be_worked_out_of_sets_paths_and_questions_in_questions(condition: str, says: str) -> None:
    text = rules(f"forbid f {{ subject User action read resource Doc when {condition} }}")
    assert [d.code for d in found(text, "KYN501", "KYN502")] == {"never": ["KYN501"], "always": ["KYN502"], "": []}[says]


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ("subject.tenant == subject.tenant", "a value is always equal to itself"),
        ('resource.title like "*"', "a `*` stands for any text, also the empty one"),
        ('resource.title.starts_with("")', "every text holds the empty one"),
        ("resource.size > 3 or resource.size <= 3", "what one alternative leaves out, another takes in"),
        ('resource.status in {"draft", "final"}', "all possible values are listed"),
        ("resource is Doc", "the permit is about nothing but `Doc`"),
    ],
)
def test_why_a_scope_holds_back_nothing(scope: str, why: str) -> None:
    said = found(rules(f"permit p {{ subject User action read resource Doc scope {scope} }}"), "KYN302")
    assert [one.notes[0] for one in said] == [why]


@pytest.mark.parametrize("test", ["resource.owner.tenant in resource.labels", "resource.owner in resource.readers"])
@pytest.mark.parametrize(("effect", "scope"), [("permit", "scope subject.tenant == resource.tenant"), ("forbid", "")])
def test_a_permit_is_not_covered_by_one_that_can_come_to_an_error(test: str, effect: str, scope: str) -> None:
    """What follows a reference can fail, and then a permit does not match; membership itself cannot."""
    text = "".join(
        f"{effect} {name} {{ subject User action read resource Doc {scope} when {condition} }}\n"
        for name, condition in (("one", f"{test} or subject.level > 3"), ("two", "subject.level > 4"))
    )
    fallible = effect == "permit" and ".tenant" in test
    assert [d.span.text for d in found(rules(text), "KYN504")] == ([] if fallible else ["two"])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_up_to_three_types_that_a_permit_reaches_are_named(count: int) -> None:
    types = [f"Thing{i}" for i in range(count)]
    text = "".join(f"resource {name}\n" for name in types) + f"action take on {', '.join(types)}\nsubject Man\n"
    text += f"permit p {{ subject Man action take resource {', '.join(types)} scope subject == subject }}\n"
    (one,) = found(text, "KYN302")
    named = " and ".join(f"every {name}" for name in types) if count < 4 else f"every resource of {count} types"
    assert f"so the permit reaches {named}" in one.notes


@pytest.mark.parametrize("count", [1, 2, 6, 7, 8])
def test_of_many_permits_that_agents_pass_on_without_bound_five_more_are_named(count: int) -> None:
    text = "".join(f"permit p{i} {{ subject Agent action read resource Doc scope delegated }}\n" for i in range(count))
    (one,) = found(rules(text), "KYN606")
    others = [f"`p{i}`" for i in range(1, count)]
    said = [note for note in one.notes if note.startswith("the same holds for")]
    assert said == ([f"the same holds for {', '.join(others[:5])}{' …' if count > 6 else ''}"] if others else [])


@pytest.mark.parametrize(
    ("condition", "own"),
    [
        ("subject == resource.owner", True),
        ("not (subject != resource.owner)", True),
        ("subject != resource.owner", False),
        ("subject in resource.readers", True),
        ("not (subject not in resource.readers)", True),
        ("subject not in resource.readers", False),
    ],
)
def test_what_is_ones_own_is_so_however_it_is_said(condition: str, own: bool) -> None:
    text = f"permit own {{ subject User action read resource Doc scope {condition} }}\n"
    text += 'permit p { subject Agent action read resource Doc scope any "x" }\n'
    agents = "import std.agents (Autonomous)\n" + rules(text).replace("subject Agent is Tenanted", "subject Agent is Autonomous, Tenanted")
    libraries = Libraries({"std.agents": Source("agents.kyn", "trait Autonomous { }")}.get, ("std.agents",))
    said = check_sources([Source("p.kyn", agents)], libraries, lints=LintSettings(select=("KYN605",))).diagnostics
    assert [d.code for d in said] == (["KYN605"] if own else [])


_PAGES = """
subject User {{ team: String, desk: String, home: Page }}
resource Page {{ team: String, tag: String untrusted, link: Page untrusted }}
action read on Page (team: String, page: Page, all: Bool)
permit p {{ subject User action read resource Page scope {0} }}
"""


@pytest.mark.parametrize(
    ("scope", "chosen"),
    [
        ("resource.team == subject.team", False),
        ("resource.team == args.team", True),
        ("resource.team == args.team or resource.team == subject.team", True),
        ("resource.team == subject.team or resource.team == subject.desk", False),
        ("resource.team == args.team or args.all", True),
        ("(resource.team == args.team or resource.team == subject.team) and args.team == subject.desk", False),
        ("resource.team == args.page.team", True),
        ("resource.team == args.page.team and args.page.team == subject.team", False),
        ("resource == args.page and args.page.team == subject.team", False),
        ("resource.team == args.page.team and args.page == subject.home", False),
        ("resource.link.team == subject.team", True),
    ],
)
def test_what_the_caller_chooses_bounds_nothing_unless_something_else_bounds_it(scope: str, chosen: bool) -> None:
    assert [d.code for d in found(_PAGES.format(scope), "KYN306")] == (["KYN306"] if chosen else [])


@pytest.mark.parametrize(("resource", "codes"), [("Folder", []), ("Folder, User", ["KYN304"])])
def test_an_action_that_a_rule_covers_on_no_type_of_its_own_changes_nothing(resource: str, codes: list[str]) -> None:
    text = "action crm.become on User acts as resource\naction crm.list on Folder, User\n"
    text += f"permit p {{ subject User action crm.* resource {resource} scope delegated }}\n"
    assert [d.code for d in found(rules(text), "KYN304")] == codes
