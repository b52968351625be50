"""The shipped tables take fewer steps than Lark's own, and say of every text what Lark's own say."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import lark
import pytest

from kynara_lang.syntax import tables
from kynara_lang.syntax.shortcuts import shorten

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("tests", "stdlib_policies", "examples", "kynara_lang") for path in (ROOT / folder).rglob("*.kyn"))
WORD = re.compile(r'#[^\n]*|"[^"\n]*"|\w+|::|[=!<>]=|\S')


@pytest.fixture(scope="module")
def plain() -> lark.Lark:
    return tables.build()


@pytest.fixture(scope="module")
def short() -> lark.Lark:
    return tables.load()


def said(parser: lark.Lark, text: str) -> object:
    """Return the tree of a text, or all that a message about it is made of."""
    try:
        return parser.parse(text)
    except lark.exceptions.UnexpectedToken as problem:
        return problem.token, problem.token.type, problem.token.start_pos, frozenset(problem.accepts)
    except lark.exceptions.UnexpectedCharacters as problem:
        return problem.pos_in_stream, frozenset(problem.allowed or ())


def damaged(text: str, seed: str) -> list[str]:
    """Return the text with a word left out, written twice, and put elsewhere, and cut short."""
    draw = random.Random(seed)
    words = list(WORD.finditer(text))
    found = []
    for _ in range(3):
        one, other = (draw.choice(words) for _ in range(2))
        found.append(text[: one.start()] + text[one.end() :])
        found.append(text[: one.start()] + other[0] + " " + text[one.start() :])
        found.append(text[: one.start()] + other[0] + text[one.end() :])
        found.append(text[: one.end()])
    return found


def test_every_policy_of_the_project_reads_the_same(plain: lark.Lark, short: lark.Lark) -> None:
    assert len(FILES) > 600
    kinds: Counter[type] = Counter()
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="replace")
        for variant in (text, *(damaged(text, path.as_posix()) if WORD.search(text) and len(text) < 3000 else ())):
            mine = said(short, variant)
            assert mine == said(plain, variant), variant
            kinds[type(mine)] += 1
    assert kinds[lark.Tree] > 1000
    assert kinds[tuple] > 1000


class Counting(dict[Any, Any]):
    """Counts which rules are reduced."""

    def __init__(self, callbacks: dict[Any, Any]) -> None:
        super().__init__(callbacks)
        self.rules: Counter[str] = Counter()

    def __getitem__(self, rule: Any) -> Any:
        self.rules[str(rule)] += 1
        return super().__getitem__(rule)


def steps(parser: Any, text: str) -> Counter[str]:
    inner = parser.parser.parser.parser
    before, inner.callbacks = inner.callbacks, Counting(inner.callbacks)
    try:
        parser.parse(text)
        rules: Counter[str] = inner.callbacks.rules
    finally:
        inner.callbacks = before
    return rules


def test_levels_that_only_pass_on_cost_no_step(plain: lark.Lark, short: lark.Lark) -> None:
    text = 'let p = context.a == 1 and (not context.b.c("x") or all x in {1, 2}: x < 3 * 4)\n'
    mine, theirs = steps(short, text), steps(plain, text)
    levels = ("or : and", "and : negated", "negated : comparison", "comparison : sum", "sum : product", "product : unary", "unary : postfix")
    assert [mine[f"<{level}>"] for level in levels] == [0] * len(levels)
    assert all(theirs[f"<{level}>"] > 0 for level in levels)
    assert mine == Counter({rule: count for rule, count in theirs.items() if mine[rule]})
    assert mine.total() < 0.6 * theirs.total()


TOY = """
start: sum "."
?sum: sum "+" product -> add
    | product
?product: product "*" atom -> times
        | atom
?atom: NUMBER | "(" sum ")" -> group | sign
sign: "-" atom
NUMBER: /[0-9]+/
"""


@pytest.mark.parametrize("text", ["1.", "1+2*3.", "(1+2)*-3+4.", "1+.", "1*2+3", "(1.", "--1*((2)).", "-", "", ")"])
def test_a_grammar_of_another_kind(text: str) -> None:
    plain: Any = lark.Lark(TOY, parser="lalr")
    inner = plain.parser.parser
    before = inner._parse_table
    inner._parse_table = shorten(before)
    data, memo = plain.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    inner._parse_table = before
    short = lark.Lark.__new__(lark.Lark)
    short._load({"data": data, "memo": memo})
    assert said(short, text) == said(plain, text)
