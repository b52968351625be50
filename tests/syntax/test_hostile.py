"""Whatever a file holds: a diagnostic or a tree, no exception, and soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.render_text import render_diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.syntax import scrutiny

MANY = 100_000
SECONDS = 30  # for the largest input; a slow machine under load included. What is quadratic takes hours


def checked(text: str, limit: float = SECONDS) -> tuple[Diagnostic, ...]:
    """Check a text; rendering must work and stay small too."""
    start = time.process_time()
    found = check_sources([Source("hostile.kyn", text)]).diagnostics
    for diagnostic in found[:20]:
        assert len(render_diagnostic(diagnostic, width=100).plain) < 10_000
    assert time.process_time() - start < limit
    return found


def codes(text: str) -> list[str]:
    return [d.code for d in checked(text)]


def rule(condition: str) -> str:
    return (
        "subject User { n: Int, b: Bool, u: User }\naction a on User\n"
        f"forbid f {{ subject any action a resource User when {condition} }}\n"
    )


def repeated(word: str, times: int = MANY) -> str:
    """Repeat a word, with a line break now and then, so that no line is too long."""
    return "".join(word * 100 + "\n" for _ in range(times // 100))


DEEP = {
    "parentheses": rule(repeated("(") + "true" + repeated(")")),
    "braces": rule(repeated("{") + "1" + repeated("}")),
    "brackets": rule(repeated("[") + "1" + repeated("]")),
    "not": rule(repeated("not ") + "true"),
    "minus": rule(repeated("-") + "1 == 1"),
    "attributes": rule("resource" + repeated(".u") + ".b"),
    "methods": rule('"a"' + repeated(".lower()") + ' == "a"'),
    "sums": rule("1" + repeated(" + 1") + " == 1"),
    "products": rule("1" + repeated(" * 1") + " == 1"),
    "conjunctions": rule("true" + repeated(" and true")),
    "quantifiers": rule(repeated("any x in y: ", 10_000) + "true"),
    "set types": "type A = " + repeated("Set<") + "Int" + repeated(">"),
    "large set": rule("resource.n in {" + ",\n".join(map(str, range(MANY))) + "}"),
    "open rules": "permit p {\n" * MANY,
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_or_too_large_is_said_once(name: str) -> None:
    assert codes(DEEP[name]) == ["KYN007"]


def test_long_chains_cost_what_their_length_costs() -> None:
    assert codes(rule("1" + repeated(" < 1", 20_000))) == ["KYN008"]
    assert sorted(set(codes(rule("true" + repeated(" and true or true", 20_000))))) == ["KYN007", "KYN509"]
    assert codes("action a" + repeated(".b") + "\n") == ["KYN007"]
    assert codes("role " + "a" * 90_000) == ["KYN007"]


@pytest.mark.parametrize(
    "text",
    [
        "#" + "x" * 50_000_000,
        "x" * 50_000_000,
        '"' + "x" * 8_000_000,
        '"' + "\\a" * 4_000_000,
        "(" * 8_000_000,
        "\n" * 50_000_000,
    ],
)
def test_a_huge_file_or_line_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    assert codes(text) == ["KYN007"]
    assert time.process_time() - start < 30


def test_long_documentation_costs_what_its_length_costs() -> None:
    assert codes(f"## {'d' * 100}\n" * 200_000 + "role a\n") == []


@pytest.mark.parametrize("before", ["", "\n", "#\n" * 3, "#" + "x" * (scrutiny.MAX_LINE - 1) + "\n", "\n" * (scrutiny.MAX_LINE + 5)])
@pytest.mark.parametrize("after", ["", "\n", "\nrole a\n"])
def test_a_line_that_is_too_long_is_told_where_it_begins(before: str, after: str) -> None:
    longest, text = "#" + "x" * (scrutiny.MAX_LINE - 1), "#" + "x" * scrutiny.MAX_LINE
    assert "KYN007" not in codes(before + longest + after)
    assert [(d.code, d.span.start) for d in checked(before + text + after)] == [("KYN007", len(before))]


def test_the_longest_line_is_still_read() -> None:
    assert codes("#" + "x" * (scrutiny.MAX_LINE - 1) + "\nrole a") == []
    assert codes("#" + "x" * scrutiny.MAX_LINE + "\nrole a") == ["KYN007"]
    assert codes('let a = "' + "\\n" * 49_000 + '"\n') == []
    assert codes('let a = "' + "\\n" * 49_000 + "\n") == ["KYN003"]
    assert codes('"\n' * 100_000) == ["KYN003"]


@pytest.mark.parametrize("character", ["\0", "\ud800", "\udfff"])  # noqa: PT014 - half characters look alike to it
def test_what_is_no_text_is_refused(character: str) -> None:
    for text in (character, f"# {character}", f'let a = "{character}"', f"role a\n{character}"):
        assert codes(text) == ["KYN006"]


DECEPTIVE = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u180e\u200b\u2060\u2062\ufeff\ufff9\U000e0001\U000e0041"
BREAKS = "\x0b\x0c\x85\u2028\u2029\r"
CONTROLS = "\x01\x07\x08\x1b\x7f\x9b"


@pytest.mark.parametrize("character", DECEPTIVE + INVISIBLE + BREAKS + CONTROLS)
def test_what_deceives_is_refused_everywhere(character: str) -> None:
    for text in (
        f"# a{character}b",
        f'let a = "x{character}y"',
        f"role a{character} ",
        f'permit p "d{character}e" {{ }}',
    ):
        (found,) = checked(text)
        assert found.code == "KYN005"
        assert found.span.text == character
        assert character not in render_diagnostic(found, width=100).plain.replace("\n", "")


@pytest.mark.parametrize("text", ["é", "日本語", "👩‍👩‍👧", "a\u200cb", "🏳️‍🌈", "\t"])
def test_other_letters_stand_in_comments_and_strings(text: str) -> None:
    assert codes(f'# {text}\nlet a = "{text}"\n') == []


def doubling(times: int) -> str:
    lets = "".join(f"let p{i}(x: User) = p{i - 1}(x) and p{i - 1}(x)\n" for i in range(1, times + 1))
    uses = f"forbid f {{ subject User action a resource User when p{times}(subject) and p{times}(subject) }}"
    return f"subject User {{ b: Bool? }}\naction a on User\nlet p0(x: User) = x has b\n{lets}{uses}"


def test_lets_that_double_are_refused_where_they_become_too_large() -> None:
    assert codes(doubling(40)) == ["KYN007"]
    assert codes(doubling(400)) == ["KYN007"]
    assert codes(doubling(5)) == []


def test_lets_that_nest_deep_are_refused_once() -> None:
    assert codes("let a0 = 1\n" + "".join(f"let a{i} = a{i - 1}\n" for i in range(1, 5000))) == ["KYN007"]
    backwards = "".join(f"let a{i} = a{i - 1}\n" for i in range(5000, 0, -1)) + "let a0 = 1\n"
    assert codes(backwards) == ["KYN007"]
    assert codes("let a0 = 1\n" + "".join(f"let a{i} = a{i - 1}\n" for i in range(1, 70))) == []


def test_types_that_double_or_nest_deep_are_refused_once() -> None:
    double = "type A0 = Int\n" + "".join(f"type A{i} = {{a: A{i - 1}, b: A{i - 1}}}\n" for i in range(1, 100))
    assert codes(double) == ["KYN007"]
    chain = [f"type A{i} = A{i - 1}\n" for i in range(1, 5000)]
    assert codes("type A0 = Int\n" + "".join(chain)) == ["KYN007"]
    assert codes("".join(reversed(chain)) + "type A0 = Int\n") == ["KYN007"]


CIRCLES = {
    "let a = a": "KYN105",
    "let a = b\nlet b = a": "KYN105",
    "let a = b\nlet b = c\nlet c = a + 1\nlet d = a": "KYN105",
    "subject U\nlet a(x: U) = b(x) and b(x)\nlet b(x: U) = a(x) and a(x)\nlet c(x: U) = a(x)": "KYN105",
    "type A = A": "KYN105",
    "type A = Set<B>\ntype B = {c: C}\ntype C = A\nsubject U { a: A, b: B }": "KYN105",
    "role a extends a": "KYN410",
    "role a extends b\nrole b extends c\nrole c extends b, a": "KYN410",
    "role a extends c\nrole b extends c\nrole c extends d\nrole d extends c": "KYN410",
}


@pytest.mark.parametrize("text", CIRCLES)
def test_a_circle_is_said_once(text: str) -> None:
    assert codes(text) == [CIRCLES[text]]


def test_circles_in_rules_do_not_hang() -> None:
    text = (
        "subject U { b: Bool? }\naction q on U\nlet a(x: U) = b(x) and x has b\nlet b(x: U) = a(x) or x has b\n"
        "forbid f { subject U action q resource U when a(subject) and b(subject) and subject.b }"
    )
    assert "KYN105" in codes(text)


def test_thousands_of_roles_and_rules_are_checked() -> None:
    assert codes("role r0\n" + "".join(f"role r{i} extends r{i - 1}\n" for i in range(1, 1500))) == []
    head = "subject User { t: String }\nresource R { t: String }\naction a on R (n: Int)\nrole x\n"
    rules = "".join(
        f"permit p{i} {{\n subject User with role x\n action a\n resource R\n"
        f" scope subject.t == resource.t\n when args.n < {i}\n}}\n"
        for i in range(20_000)
    )
    assert checked(head + rules, limit=180) == ()


def test_suggestions_do_not_buy_endless_work() -> None:
    declared = "".join(f"role abcdefgh{i}\n" for i in range(5000))
    used = "".join(f"role x{i} extends abcdefghx{i}\n" for i in range(5000))
    assert len(checked(declared + used, limit=60)) == 5000


def test_one_file_has_a_bounded_number_of_syntax_errors() -> None:
    assert len(checked("role a\n" + "role 5\n" * 5000)) == 20


WORDS = st.sampled_from(
    [
        "permit",
        "forbid",
        "require",
        "approval",
        "subject",
        "action",
        "resource",
        "scope",
        "when",
        "unless",
        "any",
        "all",
        "in",
        "not",
        "and",
        "or",
        "has",
        "is",
        "true",
        "{",
        "}",
        "(",
        ")",
        '"',
        ",",
        ".",
        ":",
        "=",
        "==",
        "!=",
        "<",
        ">",
        "+",
        "-",
        "*",
        "::",
        "#",
        "##",
        "1",
        "2.5",
        "4h",
        "2026-01-01",
        "a",
        "User",
        '"x"',
        "let",
        "role",
        "type",
        "trait",
        "context",
        "test",
        "given",
        "expect",
        "on",
        "with",
        "from",
        "\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_no_sequence_of_words_raises(text: str) -> None:
    checked(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    checked(text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damaged_policy_raises(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(POLICY)))
    end = data.draw(st.integers(start, min(len(POLICY), start + 30)))
    inserted = data.draw(st.sampled_from(["", "(", "}", '"', "{", " and ", "not ", "User", "#", "\n", "as", "..", "5"]))
    checked(POLICY[:start] + inserted + POLICY[end:])


POLICY = """\
import std.tenancy (Tenanted, same_tenant)
subject User as "user" in Team is Tenanted { level: Int? }
subject Team
resource Doc is Tenanted { state: "a" | "b", path: Path }
action read, doc.edit on Doc (to: Set<Email>) in g modifies state effects sends_out
context { ip: IP }
role lead extends head
role head
let cap = 5
let ok(u: User, d: Doc) = u has level and u.level > cap and d.state in {"a", "b"}
permit p "d" {
  subject  User with role lead, User::"x"
  action   g, doc.*
  resource any
  scope    same_tenant(subject, resource)
  when     ok(subject, resource) or any e in args.to: e.domain within "example.com"
  valid until 2027-01-01
}
require approval q { subject any action read resource Doc from User where approver != subject quorum 2 expires 4h }
fixture alice = User::"alice" with role lead { tenant: "t", level: 3 }
test "t" { given alice expect deny read on Doc::"d" { tenant: "t" } because q }
invariant i { never allow subject any action read resource Doc when not resource.path within "/a" }
"""
