"""How diagnostics look: literal texts, read as an author reads them, and what holds for every source."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from kynara_lang.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Severity
from kynara_lang.diagnostics.excerpt import excerpt_lines, visible, wrap
from kynara_lang.diagnostics.render_json import report_dict
from kynara_lang.diagnostics.render_text import render_concise, render_diagnostic, render_excerpt, render_full
from kynara_lang.diagnostics.source import Source, Span

POLICY = Source(
    "policies/a.kyn",
    """\
module shop

type User {
  tenant: Str
  dept: Str?
}

permit refund
  subject usr
  action  refund
  resource Order
  when subject.tenant == resource.tenant and subject.dept == 5 or resource.total <= 100
}
""",
)
TYPES = Source("policies/types.kyn", "# the types\ntype User\n")


def at(text: str, source: Source = POLICY, *, to: str = "") -> Span:
    """The span of the first occurrence of a text, up to the end of another one after it."""
    start = source.text.index(text)
    end = source.text.index(to, start) + len(to) if to else start + len(text)
    return Span(source, start, end)


def one(text: str, name: str = "a.kyn") -> Source:
    return Source(name, text)


def finding(
    *labels: tuple[Span, str],
    message: str = "it is wrong",
    code: str = "KYN101",
    notes: tuple[str, ...] = (),
    help: str | None = None,
    fix: Fix | None = None,
    severity: Severity = Severity.ERROR,
    witness: dict[str, object] | None = None,
) -> Diagnostic:
    places = tuple(Label(span, text) for span, text in labels)
    return Diagnostic(code, message, places, notes, help, fix, severity, witness)


def shown(diagnostic: Diagnostic, width: int = 100) -> str:
    return "\n" + render_diagnostic(diagnostic, width=width).plain + "\n"


def excerpt(*labels: tuple[Span, str], width: int = 100) -> str:
    """The source lines alone, without the place."""
    lines = render_excerpt([Label(*label) for label in labels], width=width).plain.split("\n")
    return "\n" + "\n".join(lines[2:]) + "\n"


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


# Characters


def test_tabs_are_four_columns() -> None:
    source = one("\twhen\tx == y\n")
    assert (
        excerpt((at("x", source), "unknown"), (at("\twhen", source), "a tab"))
        == """
1 |     when    x == y
  | --------    ^ unknown
  | |
  | a tab
"""
    )


@pytest.mark.parametrize(
    ("text", "line", "signs"),
    [
        ('"日本" == usr', '"日本" == usr', "          ^^^"),
        ('"😀👍🏽" == usr', '"😀👍🏽" == usr', "          ^^^"),
        ('"e\u0301a\u0300" == usr', '"e\u0301a\u0300" == usr', "        ^^^"),
        ('"❤\ufe0f🇩🇪" == usr', '"❤\ufe0f🇩🇪" == usr', "          ^^^"),
        ('"한글" usr日本 x', '"한글" usr日本 x', "       ^^^"),
    ],
)
def test_wide_and_combining_characters_keep_the_signs_aligned(text: str, line: str, signs: str) -> None:
    assert excerpt((at("usr", one(text)), "")) == f"\n1 | {line}\n  | {signs}\n"


def test_wide_characters_are_marked_in_their_whole_width() -> None:
    source = one("x 日本 e\u0301 y")
    assert (
        excerpt((at("日本", source), "日本だ"), (at("\u0301", source), "accent"))
        == """
1 | x 日本 e\u0301 y
  |   ^^^^ - accent
  |   |
  |   日本だ
"""
    )


def test_escapes_never_reach_the_terminal() -> None:
    source = one('x == "\x1b[31m\x07\u202e\u200b\x9b\x7f" usr\n', "a\x1b]0;x\x07.kyn")
    diagnostic = finding(
        (at("usr", source), "here\x1b[0m"),
        message="`\x1b[0m\n\u2066x\ud800`",
        notes=("a\x07\nb\u00a0",),
        help="c\x1b\n\x1bd",
        fix=Fix("e\x1b", (), safe=True),
    )
    assert (
        shown(diagnostic)
        == """
error[KYN101] unknown-name: `␛[0m␊<U+2066>x<U+D800>`
 --> a␛]0;x␇.kyn:1:19
  |
1 | x == "␛[31m␇<U+202E><U+200B><U+009B>␡" usr
  |                                        ^^^ here␛[0m
  |
  = note: a␇
          b<U+00A0>
  = help: c␛
      ␛d
  = fix: e␛ (`kynara check --fix`)
"""
    )
    assert render_concise(diagnostic) == (
        "a␛]0;x␇.kyn:1:19: error[KYN101] unknown-name: `␛[0m␊<U+2066>x<U+D800>`"
    )


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("a", "a"),
        (" ", " "),
        ("é", "é"),
        ("日", "日"),
        ("\0", "␀"),
        ("\r", "␍"),
        ("\u00ad", "<U+00AD>"),
        ("\u200d", "<U+200D>"),
        ("\u2028", "<U+2028>"),
        ("\u3000", "<U+3000>"),
        ("\u3164", "<U+3164>"),
        ("\ufeff", "<U+FEFF>"),
        ("\U000e0041", "<U+E0041>"),
        ("\U000e0100", "<U+E0100>"),
    ],
)
def test_visible(character: str, expected: str) -> None:
    assert visible(character) == expected
    assert visible(f"a{character}b") == f"a{expected}b"


# Widths


def test_a_long_line_is_cut_around_its_span() -> None:
    source = one("a" * 60 + " usr " + "b" * 60)
    assert (
        excerpt((at("usr", source), "unknown"), width=44)
        == """
1 | …aaaaaaaaaa usr bbbbbbbbbbbbbbbbbbbbbbb…
  |             ^^^ unknown
"""
    )
    assert (
        excerpt((Span(source, 0, 3), "start"), width=44)
        == """
1 | aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
  | ^^^ start
"""
    )
    assert (
        excerpt((Span(source, 122, 125), "end"), width=44)
        == """
1 | …bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  |                                      ^^^
  |                                      end
"""
    )


def test_a_span_longer_than_the_screen_is_cut_too() -> None:
    source = one("x = " + "a" * 100 + " y")
    assert (
        excerpt((at("a" * 100, source), "too long"), width=44)
        == """
1 | …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
  |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |  too long
"""
    )


def test_labels_that_were_cut_off_are_marked_under_the_cut() -> None:
    source = one("start " + "a" * 60 + " usr " + "b" * 60 + " end")
    labels = ((at("usr", source), "here"), (at("start", source), "left"), (at("end", source), "right"))
    assert (
        excerpt(*labels, width=44)
        == """
1 | …aaaaaaaaaa usr bbbbbbbbbbbbbbbbbbbbbbb…
  | -           ^^^                        -
  | |           |                          |
  | left        here                   right
"""
    )


def test_wide_characters_are_not_cut_in_half() -> None:
    source = one("日" * 40 + "usr" + "本" * 40)
    text = excerpt((at("usr", source), ""), width=43)
    assert (
        text
        == """
1 | …日日日日日usr本本本本本本本本本本本本…
  |            ^^^
"""
    )


def test_a_very_long_line_is_shown_at_once() -> None:
    source = one("a" * 500_000 + " usr " + "b" * 500_000)
    assert (
        excerpt((at("usr", source), "here"), width=44)
        == """
1 | …aaaaaaaaaa usr bbbbbbbbbbbbbbbbbbbbbbb…
  |             ^^^ here
"""
    )
    accents = one("usr" + "\u0301" * 500_000)
    assert len(excerpt((at("usr", accents), "here"))) < 5000


def test_a_narrow_screen() -> None:
    diagnostic = finding(
        (at("usr"), "no type of this name is declared or imported"),
        message="`usr` is not declared in this module or its imports",
        notes=("a subject names a type that is declared here or imported from elsewhere",),
        help="did you mean `User`? it is declared in this very module\n  subject User # this is never broken",
    )
    assert (
        shown(diagnostic, width=40)
        == """
error[KYN101] unknown-name: `usr` is
    not declared in this module or its
    imports
 --> policies/a.kyn:9:11
  |
9 |   subject usr
  |           ^^^ no type of this name
  |               is declared or
  |               imported
  |
  = note: a subject names a type that is
          declared here or imported from
          elsewhere
  = help: did you mean `User`? it is
          declared in this very module
        subject User # this is never broken
"""
    )


def test_a_label_at_the_right_edge_hangs_to_the_left() -> None:
    source = one("permit read subject User x")
    assert (
        excerpt((at("x", source), "nothing is expected to stand here"), width=32)
        == """
1 | permit read subject User x
  |                          ^
  |         nothing is expected
  |         to stand here
"""
    )


def test_the_words_beside_a_sign_are_wrapped_above_those_that_hang() -> None:
    source = one("ab cd ef")
    labels = ((at("ef", source), "a text that is longer than its line"), (at("ab", source), "left"))
    assert (
        excerpt(*labels, width=34)
        == """
1 | ab cd ef
  | --    ^^ a text that is longer
  | |        than its line
  | |
  | left
"""
    )


def test_lists_in_notes_keep_their_indent() -> None:
    assert shown(
        finding((at("usr"), ""), notes=("either:\n  - one that is too long for it\n  - two",)), 34
    ).endswith("""
  = note: either:
            - one that is too long
            for it
            - two
""")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two", 10, ["one two"]),
        ("one two three", 8, ["one two", "three"]),
        ("a  b", 10, ["a  b"]),
        ("abcdefghij kl", 4, ["abcd", "efgh", "ij", "kl"]),
        ("日本日本", 5, ["日本", "日本"]),
        ("  in dent", 6, ["  in", "  dent"]),
        ("one ", 3, ["one", ""]),
    ],
)
def test_wrap(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


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


# JSON


def test_the_json_report() -> None:
    found = [
        finding(
            (at("usr"), "no type of this name"),
            (at("User", TYPES), "declared here"),
            message="`usr` is not declared",
            notes=("a note",),
            help="did you mean `User`?",
            fix=Fix("write `User`", (Edit(at("usr"), "User"),), safe=True),
            witness={"subject": {"type": "User", "id": "u"}},
        ),
        finding((at("type User", to="}"), ""), code="KYN107", severity=Severity.WARNING),
    ]
    usr = {
        "start": {"line": 9, "column": 11, "offset": 79},
        "end": {"line": 9, "column": 14, "offset": 82},
    }
    user = {
        "start": {"line": 2, "column": 6, "offset": 17},
        "end": {"line": 2, "column": 10, "offset": 21},
    }
    block = {
        "start": {"line": 3, "column": 1, "offset": 13},
        "end": {"line": 6, "column": 2, "offset": 53},
    }
    report = report_dict(found, files=3, rules=7)
    assert report == {
        "version": 1,
        "diagnostics": [
            {
                "code": "KYN101",
                "name": "unknown-name",
                "severity": "error",
                "message": "`usr` is not declared",
                "file": "policies/a.kyn",
                "range": usr,
                "labels": [
                    {"message": "no type of this name", "file": "policies/a.kyn", "range": usr},
                    {"message": "declared here", "file": "policies/types.kyn", "range": user},
                ],
                "notes": ["a note"],
                "help": "did you mean `User`?",
                "fix": {
                    "message": "write `User`",
                    "safe": True,
                    "edits": [{"file": "policies/a.kyn", "range": usr, "replacement": "User"}],
                },
                "witness": {"subject": {"type": "User", "id": "u"}},
                "url": "kynara:rule/KYN101",
            },
            {
                "code": "KYN107",
                "name": "unneeded-import",
                "severity": "warning",
                "message": "it is wrong",
                "file": "policies/a.kyn",
                "range": block,
                "labels": [{"message": "", "file": "policies/a.kyn", "range": block}],
                "notes": [],
                "help": None,
                "url": "kynara:rule/KYN107",
            },
        ],
        "summary": {"errors": 1, "warnings": 1, "notes": 0, "files": 3, "rules": 7},
    }
    assert json.loads(json.dumps(report)) == report


def test_a_clean_json_report() -> None:
    assert report_dict([], files=2, rules=0) == {
        "version": 1,
        "diagnostics": [],
        "summary": {"errors": 0, "warnings": 0, "notes": 0, "files": 2, "rules": 0},
    }
