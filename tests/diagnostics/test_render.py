"""How diagnostics look: literal texts, read as an author reads them, and what holds for every source."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from kynara_lang.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Severity
from kynara_lang.diagnostics.excerpt import excerpt_lines, visible
from kynara_lang.diagnostics.render_text import render_concise, render_diagnostic, render_excerpt, render_full
from kynara_lang.diagnostics.source import Span
from tests.diagnostics.rendering import POLICY, TYPES, at, excerpt, finding, one, shown

# The whole form


def test_the_whole_form() -> None:
    diagnostic = finding(
        (at("usr"), "no type of this name"),
        message="`usr` is not declared",
        notes=("a subject is a type", "types are declared with `type`"),
        help="did you mean `User`?\nsubject User\n\twhen true",
        fix=Fix("write `User`", (Edit(at("usr"), "User"),), safe=True),
    )
    assert (
        shown(diagnostic)
        == """
error[KYN101] unknown-name: `usr` is not declared
 --> policies/a.kyn:9:11
  |
9 |   subject usr
  |           ^^^ no type of this name
  |
  = note: a subject is a type
  = note: types are declared with `type`
  = help: did you mean `User`?
      subject User
          when true
  = fix: write `User` (`kynara check --fix`)
"""
    )


def test_the_least_form() -> None:
    assert (
        shown(finding((at("usr"), "")))
        == """
error[KYN101] unknown-name: it is wrong
 --> policies/a.kyn:9:11
  |
9 |   subject usr
  |           ^^^
"""
    )


def test_an_unsafe_fix_says_so() -> None:
    fix = Fix("write `User`", (Edit(at("usr"), "User"),))
    text = shown(finding((at("usr"), ""), fix=fix))
    assert text.endswith("\n  |\n  = fix: write `User` (`kynara check --unsafe-fixes`)\n")


def test_several_diagnostics_have_a_blank_line_between_them() -> None:
    a = finding((at("usr"), "a"))
    b = finding((at("Order"), "b"), code="KYN107", severity=Severity.WARNING)
    assert (
        "\n" + render_full([a, b]).plain + "\n"
        == """
error[KYN101] unknown-name: it is wrong
 --> policies/a.kyn:9:11
  |
9 |   subject usr
  |           ^^^ a

warning[KYN107] unneeded-import: it is wrong
  --> policies/a.kyn:11:12
   |
11 |   resource Order
   |            ^^^^^ b
"""
    )
    assert render_full([]).plain == ""


@pytest.mark.parametrize("severity", list(Severity))
def test_the_concise_form(severity: Severity) -> None:
    line = render_concise(finding((at("usr"), "x"), message="`usr` is not declared", severity=severity))
    assert line == f"policies/a.kyn:9:11: {severity.value}[KYN101] unknown-name: `usr` is not declared"


# Several labels


def test_labels_on_one_line_hang_below_it_where_they_do_not_collide() -> None:
    assert (
        excerpt((at("== 5", to="=="), "never equal"), (at("subject.dept"), "Str?"), (at("5"), "Int"))
        == """
12 |   when subject.tenant == resource.tenant and subject.dept == 5 or resource.total <= 100
   |                                              ------------ ^^ - Int
   |                                              |            |
   |                                              Str?         never equal
"""
    )


def test_labels_that_collide_get_lines_of_their_own() -> None:
    source = one("a == b")
    assert (
        excerpt((at("==", source), "never equal"), (at("a", source), "a Str"), (at("b", source), "Int"))
        == """
1 | a == b
  | - ^^ - Int
  | | |
  | | never equal
  | a Str
"""
    )


def test_a_label_inside_another_one() -> None:
    source = one("permit read(x, y)")
    assert (
        excerpt((at("x", source), "unknown"), (at("read(x, y)", source), "in this call"))
        == """
1 | permit read(x, y)
  |        -----^---- in this call
  |             |
  |             unknown
"""
    )
    assert (
        excerpt((at("y)", source), "unknown"), (at("read(x, y)", source), "in this call"))
        == """
1 | permit read(x, y)
  |        --------^^ unknown
  |        |
  |        in this call
"""
    )


def test_labels_on_the_same_characters() -> None:
    source = one("permit read")
    assert (
        excerpt((at("read", source), "first"), (at("read", source), "second"))
        == """
1 | permit read
  |        ^^^^ first
  |        |
  |        second
"""
    )


def test_a_label_without_words_is_only_marked() -> None:
    source = one("a and b or c")
    assert (
        excerpt((at("or", source), "binds looser"), (at("and", source), ""))
        == """
1 | a and b or c
  |   ---   ^^ binds looser
"""
    )
    assert (
        excerpt((at("and", source), "binds tighter"), (at("or", source), ""))
        == """
1 | a and b or c
  |   ^^^   --
  |   |
  |   binds tighter
"""
    )


def test_labels_on_other_lines_stand_in_line_order() -> None:
    labels = (
        (at("usr"), "here"),
        (at("permit refund"), "in this rule"),
        (at("User"), "near"),
        (at("}"), "end"),
    )
    assert (
        excerpt(*labels)
        == """
3 | type User {
  |      ---- near
4 |   tenant: Str
5 |   dept: Str?
6 | }
  | - end
7 |
8 | permit refund
  | ------------- in this rule
9 |   subject usr
  |           ^^^ here
""".replace("4 |   tenant: Str\n5 |   dept: Str?\n", "...\n")
    )


def test_one_line_between_is_shown_instead_of_dots() -> None:
    assert (
        excerpt((at("refund\n"), "here"), (at("action"), "there"))
        == """
 8 | permit refund
   |        ^^^^^^ here
 9 |   subject usr
10 |   action  refund
   |   ------ there
"""
    )


def test_labels_in_other_files_have_blocks_of_their_own() -> None:
    third = one("x\n", "c.kyn")
    diagnostic = finding(
        (at("User"), "declared again here"),
        (at("User", TYPES), "first declared here"),
        (at("x", third), "used here"),
        (at("types", TYPES), "these"),
        notes=("a type is declared once",),
    )
    assert (
        shown(diagnostic)
        == """
error[KYN101] unknown-name: it is wrong
 --> policies/a.kyn:3:6
  |
3 | type User {
  |      ^^^^ declared again here
  |
 ::: policies/types.kyn:2:6
  |
1 | # the types
  |       ----- these
2 | type User
  |      ---- first declared here
  |
 ::: c.kyn:1:1
  |
1 | x
  | - used here
  |
  = note: a type is declared once
"""
    )


def test_the_gutter_fits_the_largest_line_number_of_all_files() -> None:
    source = one("\n" * 998 + "x\n")
    assert (
        excerpt((at("type User"), "here"), (at("x", source), "there"))
        == """
  3 | type User {
    | ^^^^^^^^^ here
    |
   ::: a.kyn:999:1
    |
998 |
999 | x
    | - there
""".replace("998 |\n", "")
    )


# Spans of several lines


def test_a_span_of_whole_lines_has_a_bar() -> None:
    assert (
        excerpt((at("permit", to="}\n"), "reaches everything"), (at("type User", to="}"), "the type"))
        == """
 3 | / type User {
...  |
 6 | | }
   | |_- the type
 7 |
 8 | / permit refund
...  |
13 | | }
   | |_^ reaches everything
"""
    )


def test_a_span_from_the_middle_of_a_line() -> None:
    source = one("permit when (\n  a\n  and b\n  or c) because\n")
    assert (
        excerpt((at("(", source, to=")"), "mixed"))
        == """
1 |   permit when (
  |  _____________^
... |
4 | |   or c) because
  | |_______^ mixed
"""
    )


def test_spans_of_several_lines_inside_each_other() -> None:
    source = one("permit when (\n  a\n) unless (\n  b\n) end\n")
    labels = (
        (at("(\n  a", source, to=")"), "first"),
        (at("(\n  b", source, to=")"), "second"),
        (at("permit", source, to="end"), "the rule"),
    )
    assert (
        excerpt(*labels)
        == """
1 | /   permit when (
  | | ______________^
2 | ||    a
3 | ||  ) unless (
  | ||__^ first
  | |  __________-
4 | | |   b
5 | | | ) end
  | | |_- second
  | |_______- the rule
"""
    )


def test_a_label_inside_a_span_of_several_lines() -> None:
    assert (
        excerpt((at("type User", to="}"), "the type"), (at("dept"), "this one"))
        == """
3 | / type User {
4 | |   tenant: Str
5 | |   dept: Str?
  | |   ---- this one
6 | | }
  | |_^ the type
"""
    )


# Ends of files, and line ends


def test_the_end_of_a_file_is_one_caret_under_the_text_before_it() -> None:
    end = len(POLICY.text)
    assert (
        excerpt((Span(POLICY, end, end), "expected a rule"))
        == """
13 | }
14 |
   | ^ expected a rule
"""
    )
    source = one("permit\n\n\n\n")
    assert (
        excerpt((Span(source, 10, 10), "expected a name"))
        == """
1 | permit
...
5 |
  | ^ expected a name
"""
    )


def test_the_end_of_a_line_is_one_caret_behind_it() -> None:
    source = one("permit read")
    assert (
        excerpt((Span(source, 11, 11), "expected `subject`"))
        == """
1 | permit read
  |            ^ expected `subject`
"""
    )
    source = one("permit\r\nread\r\n")
    assert (
        excerpt((Span(source, 6, 8), "the line ends"))
        == """
1 | permit
  |       ^ the line ends
"""
    )


def test_an_empty_file_shows_its_place_and_lines_only_for_words() -> None:
    empty = one("")
    assert (
        shown(finding((Span(empty, 0, 0), ""), notes=("byte 255 at 12",)))
        == """
error[KYN101] unknown-name: it is wrong
 --> a.kyn:1:1
  |
  = note: byte 255 at 12
"""
    )
    assert (
        excerpt((Span(empty, 0, 0), "expected a rule"))
        == """
1 |
  | ^ expected a rule
"""
    )


# Colours


def printed(diagnostic: Diagnostic, *, color: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=color, color_system="standard" if color else None, width=20)
    console.print(render_diagnostic(diagnostic), soft_wrap=True)
    return out.getvalue()


def test_a_console_prints_the_plain_text_and_colours_only_add_to_it() -> None:
    diagnostic = finding(
        (at("usr"), "[red]no[/red] :smile:"),
        (at("subject usr", to="subject"), "s"),
        notes=("n",),
        help="a\nb",
    )
    assert printed(diagnostic, color=False) == render_diagnostic(diagnostic).plain + "\n"
    coloured = printed(diagnostic, color=True)
    assert "\x1b[1;31merror[KYN101]\x1b[0m\x1b[1m unknown-name: it is wrong\x1b[0m\n" in coloured
    assert "\x1b[1;31m^^^\x1b[0m \x1b[1;31m[red]no[/red] :smile:\x1b[0m\n" in coloured
    assert "\x1b[1;34m-------" in coloured
    assert "  subject usr\n" in coloured


@pytest.mark.parametrize(("severity", "color"), [("error", "31"), ("warning", "33"), ("note", "36")])
def test_the_primary_place_has_the_colour_of_the_severity(severity: str, color: str) -> None:
    coloured = printed(finding((at("usr"), ""), severity=Severity(severity)), color=True)
    assert f"\x1b[1;{color}m{severity}[KYN101]\x1b[0m" in coloured
    assert f"\x1b[1;{color}m^^^\x1b[0m" in coloured


# Without rich


def test_excerpt_lines_are_data_that_reads_the_same_without_rich() -> None:
    labels = [Label(at("usr"), "日本"), Label(at("User", TYPES), "declared")]
    lines = excerpt_lines(labels, 60)
    assert "\n".join(line.text for line in lines) == render_excerpt(labels, width=60).plain
    roles = [
        [(piece.text, piece.role.value) for piece in line.pieces if piece.text.strip()] for line in lines
    ]
    assert roles[:4] == [
        [(" --> ", "gutter"), ("policies/a.kyn:9:11", "place")],
        [("  |", "gutter")],
        [("9 |", "gutter"), ("  subject usr", "source")],
        [("  |", "gutter"), ("^^^", "primary"), ("日本", "primary")],
    ]


# What holds for every source

CHARACTERS = st.sampled_from(
    list("ab(){} \t\n\n\r") + ["\x1b", "\u202e", "日", "😀", "\u0301", "\ufe0f", "🇩"]
)
SOURCES = st.lists(CHARACTERS, max_size=200).map("".join)
PLACES = st.tuples(st.integers(0, 1), st.integers(0, 200), st.integers(0, 200), st.text(max_size=60))


@given(SOURCES, SOURCES, st.lists(PLACES, min_size=1, max_size=5), st.integers(20, 120))
def test_every_source_is_shown_in_clean_lines(
    first: str, second: str, places: list[tuple[int, int, int, str]], width: int
) -> None:
    sources = [one(first), one(second, "b.kyn")]
    labels = []
    for which, start, end, text in places:
        source = sources[which]
        start, end = sorted((min(start, len(source.text)), min(end, len(source.text))))
        labels.append((Span(source, start, end), text))
    text = render_diagnostic(finding(*labels, notes=(first,), help=second), width=width).plain
    for line in text.split("\n"):
        assert line == line.rstrip(" ")
        assert visible(line) == line
    rows = render_excerpt([Label(*label) for label in labels], width=width).plain.split("\n")
    bars = sum(span.first.line < span.last.line for span, _ in labels)
    assert all(cell_len(row) <= max(width, 20 + 8 + bars) for row in rows)
    if labels[0][0].source.text:
        assert any("^" in row for row in rows)
