"""What grows while the parser reduces, `a and b or c` and `a < b < c`, judged once it is whole.

The grammar lets both through, so that the message can show the cure; each chain is blamed once, however long it is.
"""

from __future__ import annotations

import re
from typing import Literal

from attrs import frozen

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from . import ast

_SHOWN = 200  # characters of a chain that are still worth repeating


@frozen(eq=False)
class Chain(ast.Node):
    """A growing `and` or `or`: operands are appended in place, so that a long chain costs linear work.

    An operand that is itself a chain stands there without parentheses.
    """

    word: Literal["and", "or"]
    operands: list[ast.Expr | Chain]


@frozen(eq=False)
class Compared(ast.Node):
    """Comparisons without `and` between them: `a < b < c`, all operands, the operators between, and each comparison."""

    operands: list[ast.Expr]
    spans: list[Span]
    operators: list[ast.BinaryOp]
    tests: list[ast.Expr]


def mixed(outer: Chain, inner: list[Chain], report: Report) -> None:
    """Report chains of the other word that stand in a chain without parentheses."""
    whole, text = outer.span, outer.span.text
    shown = None
    if len(text) <= _SHOWN and "#" not in text:
        pieces, at = [], whole.start
        for chain in inner:
            pieces += [whole.source.text[at : chain.span.start], "(", chain.span.text, ")"]
            at = chain.span.end
        pieces.append(whole.source.text[at : whole.end])
        shown = _one_line("".join(pieces))
    report.add(
        "KYN509",
        "`and` and `or` stand together without parentheses",
        inner[0].span,
        f"`{inner[0].word}` would be taken first here",
        help=f"say which is meant, such as `{shown}`" if shown else "put parentheses around what belongs together",
    )


def comparisons(chain: Compared, report: Report) -> ast.Expr:
    """Report a comparison that is compared again; return the first one, so that checking goes on without echoes."""
    shown = None
    last = chain.operands[-1]
    if len(chain.tests) == 2 and chain.operators == ["=="] and isinstance(last, ast.BoolLit):
        shown = ("" if last.value else "not ") + chain.tests[0].span.text
    elif len(chain.span.text) <= _SHOWN and all(isinstance(test, ast.Binary) for test in chain.tests):
        shown = " and ".join(_one_line(test.span.text) for test in chain.tests)
    report.add(
        "KYN008",
        "a comparison cannot be compared again",
        chain.span,
        f"{len(chain.tests)} comparisons in one",
        help=f"write `{shown}`" if shown else "write each comparison by itself, with `and` between them",
    )
    return chain.tests[0]


def right_start(test: ast.Binary) -> int:
    """Return where the right operand of a test begins, its parentheses included."""
    between = test.span.source.text[test.left.span.end : test.right.span.start]
    opened = between[len(between.rstrip("( \t\r\n")) :].lstrip()
    return test.right.span.start - len(opened)


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text)
