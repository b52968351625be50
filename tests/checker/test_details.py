"""Details of the checker that nothing else pins down: exact limits, the words of cures, and one finding for one mistake."""

from __future__ import annotations

import pytest

from kynara_lang.checker import expansion
from kynara_lang.checker.lint_examples import rules
from kynara_lang.checker.linter import LintSettings
from kynara_lang.checker.words import in_words
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources
from kynara_lang.semantics import types
from kynara_lang.semantics.types import BOOL, INT, STRING, Enum, Field, Record, SetOf, Type


def found(text: str, *codes: str) -> tuple[Diagnostic, ...]:
    """Check a text; with codes, only these lints look at it."""
    return check_sources([Source("p.kyn", text)], lints=LintSettings(select=codes) if codes else None).diagnostics


def messages(text: str) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in found(text)]


SCHEMA = """\
trait Kept { kept: Int }
subject User is Kept { level: Int, name: String, home: { city: String, zip: String? } }
resource Doc is Kept { size: Int }
action read on Doc
role a
role b
"""


# Expansion


def nested(levels: int) -> str:
    """Predicates that use each other: the last is as many levels deep as there are."""
    lines = ["let p0(n: Int) = n > 1"]
    lines += [f"let p{i}(n: Int) = p{i - 1}(n)" for i in range(1, levels)]
    return SCHEMA + "\n".join(lines) + f"\nforbid f {{ subject User action read resource Doc when p{levels - 1}(1) }}\n"


def test_predicates_nest_up_to_a_limit_and_the_first_beyond_it_is_told_alone() -> None:
    assert (expansion.MAX_SIZE, expansion.MAX_DEPTH) == (20_000, 80)
    fine = next(n for n in range(30, 90) if found(nested(n + 1)))
    assert found(nested(fine)) == ()
    (one,) = found(nested(fine + 1))
    assert one.message == "this is nested 81 levels deep once its `let`s are expanded"
    (still,) = found(nested(fine + 20))
    assert still.message == one.message
    assert still.span.first.line < len(nested(fine + 20).splitlines())


def test_what_grows_is_measured_exactly_and_told_once() -> None:
    def text(times: int) -> str:
        wide = " and ".join(["n > 1"] * 100)
        return (
            SCHEMA
            + f"let wide(n: Int) = {wide}\n"
            + f"let wider(n: Int) = {' and '.join(['wide(n)'] * 20)}\n"
            + f"let widest(n: Int) = {' and '.join(['wider(n)'] * times)}\n"
            + "forbid f { subject User action read resource Doc when widest(1) and widest(2) }\n"
        )

    assert found(text(1)) == ()
    (one,) = found(text(2))
    assert one.message == "this has 24,345 parts once its `let`s are expanded"
    assert one.span.text == "widest(1) and widest(2)"
    # Where the let itself is too large, nothing is said of the rule that uses it.
    (inner,) = found(text(4))
    assert inner.message == "this has 24,337 parts once its `let`s are expanded"
    assert inner.span.text == " and ".join(["wider(n)"] * 4)


# Types


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (INT, "an Int"),
        (STRING, "a String"),
        (BOOL, "true or false"),
        (SetOf(INT), "a `Set<Int>`"),
        (Enum(("a", "b")), 'one of "a" | "b"'),
        (Record((Field("a", INT),)), "a record `{a: Int}`"),
        (types.Entity(frozenset()), "an entity"),
        (types.Entity(frozenset(), "Owned"), "an Owned"),
        (types.Entity(frozenset({"User"})), "a User"),
        (types.Entity(frozenset({"Agent"})), "an Agent"),
    ],
)
def test_types_in_a_sentence(kind: Type, words: str) -> None:
    assert in_words(kind) == words


def test_a_name_for_a_type_may_be_made_of_several_others_in_any_order() -> None:
    for order in ("xyz", "zyx", "yzx"):
        named = {
            "x": "type X = { a: Y, b: Z, c: W, d: Y }",
            "y": "type Y = { a: Z, b: W }",
            "z": 'type Z = "low" | "high"',
        }
        text = SCHEMA + 'type W = "one" | "two"\n' + "\n".join(named[letter] for letter in order) + "\n"
        good = 'subject S { x: X }\nforbid f { subject S action read resource Doc when subject.x.c == "one" and subject.x.a.b == "two" }'
        assert messages(text + good) == []
        bad = good.replace('"one"', '"uno"')
        assert [code for code, _ in messages(text + bad)] == ["KYN204"]


def test_a_circle_of_names_for_types_is_told_once() -> None:
    text = SCHEMA + "type A = { b: Int, c: B }\ntype B = { d: C, e: A }\ntype C = { f: Int }\nsubject S { a: A }\n"
    assert messages(text) == [("KYN105", "the type `A` is defined by itself")]


def test_after_a_name_declared_twice_the_others_still_count() -> None:
    text = """
subject User { a: Int, a: Int, b: Int }
resource Doc { x: Int, x: Int, x: Int, y: Int }
action read on Doc (m: Int, m: Int, n: Int)
forbid f { subject User action read resource Doc when subject.b == resource.y and args.n == 1 }
"""
    said = [d.message for d in found(text)]
    assert said == [
        "`a` is declared twice in User",
        "`x` is declared twice in Doc",
        "`x` is declared twice in Doc",
        "`m` is declared twice in `read`",
    ]
    several = "subject User\nresource Doc\naction read, write, send on Doc (m: Int, m: Int)\n"
    assert [d.message for d in found(several)] == ["`m` is declared twice in `read`"]


@pytest.mark.parametrize(
    ("condition", "help_"),
    [
        ('subject.level == "12"', "write `12` without quotes"),
        ('subject.level == "-12"', "write `-12` without quotes"),
        ('subject.level == "1.2.3"', None),
        ('subject.level == "x"', None),
    ],
)
def test_the_cure_for_a_number_in_quotes(condition: str, help_: str | None) -> None:
    (one,) = found(SCHEMA + f"forbid f {{ subject User action read resource Doc when {condition} }}")
    assert one.help == help_


def test_a_record_fits_where_its_fields_do() -> None:
    def rule(record: str) -> list[str]:
        text = SCHEMA + f"forbid f {{ subject User action read resource Doc when subject.home == {record} }}"
        return [d.code for d in found(text)]

    assert rule('{ city: "x" }') == []
    assert rule('{ city: "x", zip: "y" }') == []
    assert rule('{ zip: "y", city: "x" }') == []
    assert rule('{ zip: "y" }') != []
    assert rule('{ city: "x", zip: "y", more: 1 }') != []
    assert rule("{ city: 1 }") != []


# Patterns


def test_a_trait_of_subjects_and_resources_means_subjects_where_the_subject_is() -> None:
    text = SCHEMA + "forbid f { subject Kept action read resource Doc when subject.$ > 1 }"
    assert messages(text.replace("$", "level")) == []
    assert messages(text.replace("$", "size")) != []


def test_the_cure_for_roles_of_a_resource_names_the_first() -> None:
    (one,) = found(SCHEMA + "forbid f { subject User action read resource Doc with role a or b }")
    assert one.help == "test it with `when resource holds a`"
    assert one.span.text == "a"


# Lints


def lint(text: str, *codes: str) -> list[str]:
    """Return what lints point at."""
    return [d.span.text for d in found(text, *codes)]


def test_actions_that_fit_nothing_are_shown_from_the_first_to_the_last() -> None:
    text = 'permit p "d" { subject User action read, write, share resource Team scope delegated }'
    assert lint(rules(text), "KYN512") == ["read, write, share"]


def test_a_wildcard_is_asked_about_the_types_of_its_rule_only() -> None:
    text = """
subject User { level: Int, team: String }
resource Repo { team: String }
action repo.read on Repo
action repo.promote on User (level: Int) modifies level
permit q "d" { subject User action repo.read resource Repo scope subject.team == resource.team when subject.level > 3 }
"""
    permit = 'permit p "d" { subject User action repo.* resource {0} scope delegated }'
    assert lint(text + permit.replace("{0}", "Repo"), "KYN304") == []
    assert lint(text + permit.replace("{0}", "Repo, User"), "KYN304") == ["repo.*"]


def test_a_pattern_that_covers_several_agents_gives_one_finding() -> None:
    text = """
import std.agents (Autonomous)
trait Robot { n: Int }
subject Bot is Robot, Autonomous
subject Crawler is Robot, Autonomous
resource Doc
action read on Doc
require approval a { subject Bot action read resource Doc from Robot }
"""
    libraries = Libraries({"std.agents": Source("agents.kyn", "trait Autonomous { }")}.get, ("std.agents",))
    sources = [Source("p.kyn", text.replace("is Robot, Autonomous", "is Robot, Autonomous { }"))]
    diagnostics = check_sources(sources, libraries, lints=LintSettings(select=("KYN607",))).diagnostics
    assert [(d.code, d.span.text) for d in diagnostics] == [("KYN607", "Robot")]


def test_of_forbids_that_cover_a_permit_only_those_that_are_needed_are_named() -> None:
    text = """
permit p "d" { subject User action read resource Doc scope subject.tenant == resource.tenant when subject.level > 3 }
forbid low { subject User action read resource Doc when subject.level < 10 }
forbid other { subject User action read resource Doc when resource.size > 7 }
forbid high { subject User action read resource Doc when subject.level >= 10 }
forbid more { subject User action read resource Doc when resource.size < 7 }
"""
    (one,) = found(rules(text), "KYN503")
    assert one.message == "the permit `p` grants nothing: `high` and `low` together forbid all of it"


def test_a_forbid_says_nothing_new_although_the_other_can_come_to_an_error() -> None:
    """An error makes a forbid match, so one that covers another covers it in error as well; a permit is left out then."""
    text = """
{0} one {{ subject User action read resource Doc {1} when resource.size + 1 > 3 or subject.level > 3 }}
{0} two {{ subject User action read resource Doc {1} when subject.level > 4 }}
"""
    assert lint(rules(text.format("forbid", "")), "KYN504") == ["two"]
    assert lint(rules(text.format("permit", "scope subject.tenant == resource.tenant")), "KYN504") == []


LETS = """
let yes = true
let one = 1
let two = 2
let big(n: Int) = n > two
let glob(s: String) = s like "a*"
let this(b: Bool) = b
"""


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("yes", "always"),
        ("not yes", "never"),
        ("this(true)", "always"),
        ("this(false)", "never"),
        ("1 < 2", "always"),
        ("2 < 1", "never"),
        ("one < two", "always"),
        ("two <= one", "never"),
        ("one == two", "never"),
        ("big(3)", "always"),
        ("big(2)", "never"),
        ('glob("abc")', "always"),
        ('glob("bc")', "never"),
        ('resource.title like "abc"', ""),
        ('resource.title like "abc" and resource.title == "abd"', "never"),
        ('resource.title like "abc" and resource.title == "abc"', "always"),
        ('resource.title like "abc" and resource.title like "b*"', "never"),
        ('resource.title in {"a", "b"} and resource.title like "c"', "never"),
        ("resource.size > 3 and resource.size < 5", ""),
        ("resource.size > 3 and resource.size < 4", "never"),
        ("resource.size > 3 or resource.size < 5", "always"),
        ("resource.size > 3 or resource.size < 3", ""),
        ("resource.size > subject.level and resource.size < subject.level", "never"),
        ("resource.size > subject.level and resource.size <= subject.level", "never"),
        ("resource.size > 5 and resource.size < subject.level and subject.level < 7", "never"),
        ("resource.size > 5 and resource.size < subject.level and subject.level < 8", ""),
        ("resource.size >= 5 and resource.size <= subject.level and subject.level <= 5", ""),
        ("resource.size > 3 or resource.size == 3 or resource.size < 3", "always"),
        ("resource.size == 1 or resource.size == 2 or resource.size == 3 and resource.size != 3", ""),
        ("(resource.size == 1 or resource.size == 2) and not (resource.size == 1) and not (resource.size == 2)", "never"),
    ],
)
def test_what_can_be_worked_out_of_a_condition(condition: str, says: str) -> None:
    if " and " in condition and " or " in condition and "(" not in condition:
        condition = condition.replace("resource.size == 3 and resource.size != 3", "(resource.size == 3 and resource.size != 3)")
    text = rules(LETS + f"forbid f {{ subject User action read resource Doc when {condition} }}")
    assert [d.code for d in found(text, "KYN501", "KYN502")] == {"never": ["KYN501"], "always": ["KYN502"], "": []}[says]
