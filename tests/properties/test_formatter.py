"""The formatter, for random programs with random comments, line breaks and parentheses in them."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.syntax import ast, parser
from kynara_lang.syntax.formatter import formatted
from kynara_lang.syntax.layout import TABLE_WIDTH, Piece
from kynara_lang.syntax.pieces import SUPPRESSION, read_pieces

from .generate import program
from .vocabulary import Draw

COMMENTS = ("# c", "#", "## documentation", "### not documentation", '# kynara: ignore[KYN305] reason="x"', "# é\t")
EXAMPLE = (Path(__file__).parents[1] / "syntax" / "complete_example.kyn").read_text(encoding="utf-8")
BREAKS = ("\n", "\n\n", "\n\n\n", "\n   ", "\r\n")
ATOMS = (
    "a",
    "true",
    "1",
    "2.50",
    '"s"',
    "subject",
    'User::"x"',
    "{1, 2}",
    "2026-11-22",
    "4h",
    "f(x, y)",
    "a.b",
    "{r: 1}",
)
COMPARISONS = ("==", "!=", "<", "<=", "in", "not in", "like", "within")


def parsed(text: str) -> ast.Module | None:
    report = Report()
    module = parser.parse(Source("policy.kyn", text), report)
    return None if report.has_errors else module


def spoilt(chance: random.Random, text: str) -> str:
    """Return a program with other space between its words, and with comments there."""
    *pieces, end = read_pieces(text)
    comments, breaks = chance.choice((0, 0.01, 0.05, 0.2)), chance.choice((0, 0.02, 0.1, 0.3))
    made: list[str] = []
    for piece in pieces:
        made += [*(f"\n{remark.text}\n" for remark in piece.leads), piece.text]
        if piece.trail is not None:
            made.append(f" {piece.trail.text}\n")
        elif chance.random() < comments:
            made.append(chance.choice(("", " ", "\n", "\n\n")) + chance.choice(COMMENTS) + chance.choice(BREAKS))
        else:
            made.append(chance.choice(BREAKS) if chance.random() < breaks else " ")
    return "".join([*made, *(f"\n{remark.text}" for remark in end.leads)])


@st.composite
def spoilt_programs(draw: Any) -> str:
    chosen = Draw(draw)
    text = EXAMPLE if chosen.chance(30) else chosen.pick(list(program(chosen).files().values()))
    other = spoilt(random.Random(draw(st.integers(0, 2**32))), text)  # a choice for every space is too much to shrink
    return other if parsed(other) is not None else text  # `acts # why as` is not the language


def expression(draw: Draw, depth: int = 4) -> str:
    """Return an expression, in parentheses wherever that can be needed and sometimes where it cannot."""
    if depth == 0 or draw.chance(15):
        return draw.pick(ATOMS)

    def inner() -> str:
        return f"({expression(draw, depth - 1)})"

    made = draw.pick(
        (
            lambda: f"{inner()} and {inner()} and {inner()}",
            lambda: f"{inner()} or {inner()}",
            lambda: f"not {inner()}",
            lambda: f"-{inner()}",
            lambda: f"{inner()} {draw.pick(COMPARISONS)} {inner()}",
            lambda: f"{inner()} {draw.pick(('+', '-', '*'))} {inner()}",
            lambda: f"{inner()} {draw.pick(('has', 'holds'))} x",
            lambda: f"{inner()} is User",
            lambda: f"{inner()}.attr",
            lambda: f"{inner()}.method({expression(draw, depth - 1)})",
            lambda: f"{draw.pick(('all', 'any'))} x in {inner()}: {expression(draw, depth - 1)}",
            lambda: f"{{{expression(draw, depth - 1)}, {expression(draw, depth - 1)}}}",
        )
    )()
    return f"(({made}))" if draw.chance(10) else made


def lines_of(pieces: list[Piece], text: str) -> list[tuple[int, list[str]]]:
    """Return for each suppression how many words come before the line that it covers, and the words of that line."""
    dots = {number for number, piece in enumerate(pieces) if piece.text == "."}
    rest = [piece for n, piece in enumerate(pieces) if not {n, n - 1} & dots]  # a dotted name is one, where it begins
    words = [piece for piece in rest if piece.text not in "(){},"]
    covered = []
    for piece in pieces:
        for remark in (*piece.leads, *([piece.trail] if piece.trail else [])):
            if remark.text.startswith(SUPPRESSION):
                start = text.rfind("\n", 0, piece.start) + 1
                end = text.find("\n", piece.start) % (len(text) + 1)
                before = sum(word.end <= start for word in words)
                covered.append((before, [word.text for word in words if start <= word.start < end]))
    return covered


@given(spoilt_programs())
def test_a_program_is_the_same_in_its_layout(text: str) -> None:
    note(text)
    once = formatted(Source("policy.kyn", text), Report())  # compares the trees and the comments itself
    assert once is not None
    note(once)
    assert formatted(Source("policy.kyn", once), Report()) == once
    assert not re.search(r"[ \t]\n|\A\n|\n\n\Z", once)
    assert SUPPRESSION in once or "\n\n\n" not in once
    assert [p.text for p in read_pieces(once) if p.text not in "(),"] == [
        p.text for p in read_pieces(text) if p.text not in "(),"
    ]


@given(spoilt_programs())
def test_suppressions_cover_the_same_words(text: str) -> None:
    once = formatted(Source("policy.kyn", text), Report())
    assert once is not None
    note(once)
    assert lines_of(read_pieces(once), once) == lines_of(read_pieces(text), text)


@given(st.composite(lambda draw: expression(Draw(draw)))())
def test_parentheses_are_those_that_are_needed(written: str) -> None:
    text = f"let x = {written}\n"
    note(text)
    once = formatted(Source("policy.kyn", text), Report())
    assert once is not None
    note(once)
    assert formatted(Source("policy.kyn", once), Report()) == once
    assert all(len(line) <= TABLE_WIDTH or " " not in line.strip() for line in once.splitlines())
    depth: list[int] = []
    for found in re.finditer(r"[()]", once):  # take away each pair: what is left is another program, or none
        if found[0] == "(":
            depth.append(found.start())
            continue
        start = depth.pop()
        if re.search(r"[A-Za-z_0-9]$|(?<![a-z])not $", once[:start]) or re.match(r"\((?:any|all) ", once[start:]):
            continue  # a call, or parentheses that stay where they help
        without = f"{once[:start]} {once[start + 1 : found.start()]} {once[found.end() :]}"
        assert formatted(Source("policy.kyn", without), Report()) != once, without
