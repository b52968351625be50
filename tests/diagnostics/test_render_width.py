"""How wide diagnostics are: tabs, wide and invisible characters, lines that are cut, and words that are wrapped."""

import pytest

from kynara_lang.diagnostics.diagnostic import Fix
from kynara_lang.diagnostics.excerpt import visible, wrap
from kynara_lang.diagnostics.render_text import render_concise
from kynara_lang.diagnostics.source import Span
from tests.diagnostics.rendering import at, excerpt, finding, one, shown

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
