"""Lays out expressions, types and what they share with declarations: names, lists, braces.

Parentheses are those that precedence demands, and those that an author put around the operand of `not` or around `all`
and `any`, where they show how far these reach. Where an expression does not fit, it breaks at its loosest operators
first, each leading its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from . import ast
from .columns import aligned
from .layout import Cat, Choice, Group, Layout, Line, Nest, Piece
from .pieces import FormatterError, Words

T = TypeVar("T")

STEP: Final = 2
"""How far what stands inside something is indented."""

_ANY, _NEGATED, _COMPARED, SUM, _PRODUCT, _UNARY, _POSTFIX = range(7)
_ARITHMETIC: Final = {"+": SUM, "-": SUM, "*": _PRODUCT}


def hard(*, apart: bool = False) -> Line:
    """Return a line break that is always there, with an empty line if `apart`."""
    return Line(hard=True, apart=apart)


class Printer:
    """Makes layouts of expressions and types, taking word after word of the source."""

    def __init__(self, words: Words) -> None:
        """Take the words of the source."""
        self.words = words
        self._before_colon: set[ast.Expr] = set()  # `true` and `false` there have parentheses, or they would be names

    # --- words, lists, braces

    def word(self, wanted: str) -> Piece:
        """Take a keyword or sign."""
        return self.words.take(wanted)

    def follows(self, text: str) -> bool:
        """Whether a word comes next."""
        return self.words.next.text == text

    def name(self, node: ast.Ident) -> Piece:
        """Take a name."""
        return self.words.name(node)

    def literal(self, node: ast.Node) -> Piece:
        """Take a literal as its author wrote it."""
        return self.words.spanned(node)

    def listed(self, items: Iterable[T], show: Callable[[T], Layout]) -> Cat:
        """Lay out a list with commas; where it breaks, each item has a line."""
        parts: list[Layout] = []
        for item in items:
            if parts:
                parts += [self.word(","), Line()]
            parts.append(show(item))
        return Cat(parts)

    def column(self, items: Iterable[T], show: Callable[[T], Layout]) -> Layout:
        """Lay out a list that, where it breaks, stands as a column."""
        return Nest(Group(self.listed(items, show)))

    def alternatives(self, sign: str, items: Iterable[T], show: Callable[[T], Layout]) -> Cat:
        """Lay out what stands between `and`, `or` or `|`; where it breaks, these lead the lines."""
        parts: list[Layout] = []
        for item in items:
            if parts:
                parts += [Line(), self.word(sign), " "]
            parts.append(show(item))
        return Cat(parts)

    def in_parentheses(self, items: Sequence[T], show: Callable[[T], Layout]) -> Layout:
        """Lay out a list in parentheses."""
        opening = self.word("(")
        inner = self.listed(items, show)
        remarks, closing = self.closing(")")
        if not items:
            return self._empty(opening, remarks, closing, "")
        return Group(Cat([opening, Nest(Cat([Line(""), inner, *remarks]), STEP), Line(""), closing]))

    def closing(self, sign: str) -> tuple[list[Layout], Piece]:
        """Take what closes a block; comments before it become lines inside the block."""
        piece = self.word(sign)
        remarks: list[Layout] = []
        apart = piece.apart
        for remark in piece.leads:
            remarks += [hard(apart=apart), remark]
            apart = remark.gap
        piece.leads, piece.inside = [], STEP  # it may get others, from parentheses that are left out behind it
        return remarks, piece

    def _empty(self, opening: Piece, remarks: list[Layout], closing: Piece, space: str) -> Layout:
        if remarks or opening.trail is not None:
            return Cat([opening, Nest(Cat(remarks), STEP), hard(), closing])
        return Cat([opening, space, closing])

    def block(self, items: Iterable[T], show: Callable[[T], Layout]) -> Layout:
        """Lay out a block in braces that has a line for each item."""
        opening = self.word("{")
        parts: list[Layout] = []
        for item in items:
            apart = bool(parts) and self.words.next.apart
            parts += [hard(apart=apart), show(item)]
        remarks, closing = self.closing("}")
        if not parts:
            return self._empty(opening, remarks, closing, " ")
        return Cat([opening, Nest(Cat([*parts, *remarks]), STEP), hard(), closing])

    def braces(self, items: Sequence[T], show: Callable[[T, Choice], Layout], *, space: str = " ") -> Layout:
        """Lay out a list in braces: on one line if it was begun so and fits, else with a line for each item.

        `show` gets what to put behind the name of an item, so that on lines of their own types or values are aligned.
        Attributes have commas on one line only.
        """
        opening = self.word("{")
        expanded = self.words.next.fresh
        parts: list[Layout] = []
        pads: list[Choice] = []
        runs: list[int] = []
        for number, item in enumerate(items):
            first = self.words.next
            apart = number > 0 and first.apart
            parts.append(Line("" if not number and not space else " ", hard=expanded or apart, apart=apart))
            pads.append(Choice(" ", " "))
            parts.append(show(item, pads[-1]))
            if number == 0 or apart or any(remark.gap for remark in first.leads):
                runs.append(number)
            self._comma(parts, item, last=number + 1 == len(items))
        remarks, closing = self.closing("}")
        if not items:
            return self._empty(opening, remarks, closing, space)
        for start, end in zip(runs, [*runs[1:], len(items)], strict=True):
            _align(items[start:end], pads[start:end])
        return Group(Cat([opening, Nest(Cat([*parts, *remarks]), STEP), Line(space, hard=expanded), closing]))

    def _comma(self, parts: list[Layout], item: object, *, last: bool) -> None:
        """Take the comma behind an item of braces, or leave it out."""
        attribute = isinstance(item, ast.AttributeDecl)
        if not last and not attribute:
            parts.append(self.word(","))
            return
        if self.follows(","):
            self.words.drop()
        if not last:
            parts.append(Choice(",", ""))

    # --- types

    def type(self, node: ast.TypeExpr) -> Layout:
        """Lay out a type."""
        match node:
            case ast.NamedType(name):
                return self.name(name)
            case ast.EnumType(values):
                return Group(self.alternatives("|", values, self.literal))
            case ast.SetType(element):
                return Cat([self.word("Set"), self.word("<"), self.type(element), self.word(">")])
            case ast.RecordType(fields):
                return self.braces(fields, self.attribute, space="")
        raise FormatterError(f"`{type(node).__name__}` is no type")

    def attribute(self, node: ast.AttributeDecl, pad: Layout = " ") -> Layout:
        """Lay out an attribute or parameter; `pad` stands before its type."""
        parts: list[Layout] = [self.name(node.name)]
        if node.external is not None:  # a name that is a keyword is one by what follows it
            parts += [" ", self.words.join("as"), " ", self.words.join(node.external.span.text)]
        parts += [self.words.join(":"), pad, Nest(self.type(node.type))]
        if node.optional:
            parts.append(self.word("?"))
        if node.untrusted:
            parts += [" ", self.word("untrusted")]
        return Cat(parts)

    def external(self, node: ast.StringLit | None) -> list[Layout]:
        """Lay out the spelling used in requests."""
        return [] if node is None else [" ", self.word("as"), " ", self.literal(node)]

    # --- expressions

    def expression(self, node: ast.Expr, level: int = _ANY, *, last: bool = True, keep: bool = False) -> Layout:
        """Lay out an expression where only what binds as tightly as `level` needs no parentheses.

        `last` says that a quantifier, which reaches as far as it can, may stand here without them; `keep` that they
        stay if they are there.
        """
        needed = _level(node) < level or (isinstance(node, ast.Quantifier) and not last)
        given = self._opened(node)
        kept = needed or (keep and given > 0 and _level(node) < _POSTFIX) or node in self._before_colon
        opening = self._parentheses("(", given, wanted=kept)
        inner = self._bare(node, last=last or kept)
        closing = self._parentheses(")", given, wanted=kept)
        return Cat([opening, Nest(inner), closing]) if kept else inner

    def _opened(self, node: ast.Expr) -> int:
        """Return how many parentheses its author put around an expression."""
        count = 0
        while self.words.peek(count).text == "(" and self.words.peek(count).start < node.span.start:
            count += 1
        return count

    def _parentheses(self, sign: str, given: int, *, wanted: bool) -> Layout:
        """Take one of some parentheses if one is wanted, adding it if there is none; drop the others."""
        part: Layout = ""
        if wanted:
            part = self.word(sign) if given else sign
        for _ in range(given - wanted):
            if not self.follows(sign):
                raise FormatterError(f"`{sign}` was expected where `{self.words.next.text}` stands")
            self.words.drop() if sign == "(" else self.words.drop_last()
        return part

    def _bare(self, node: ast.Expr, *, last: bool) -> Layout:
        """Lay out an expression without the parentheses around it."""
        match node:
            case ast.And(operands):
                return self._chain("and", operands, last=last)
            case ast.Or(operands):
                return self._chain("or", operands, last=last)
            case ast.Not(operand):
                return Cat([self.word("not"), " ", self.expression(operand, _NEGATED, last=last, keep=True)])
            case ast.Quantifier(kind, variable, domain, body):
                head: list[Layout] = [self.word(kind), " ", self.name(variable), " ", self.word("in"), " "]
                self._before_colon.update(_last_word(domain))
                reach = [self.expression(domain, SUM, last=False), self.word(":")]
                return Group(Cat([*head, *reach, Nest(Cat([Line(), self.expression(body)]), STEP)]))
            case ast.Binary(op, left, right):
                level = _ARITHMETIC.get(op, _COMPARED)
                first = self.expression(left, max(level, SUM), last=False)
                signs = self.worded(op)
                second = self.expression(right, SUM if level == _COMPARED else level + 1, last=False)
                return Group(Cat([first, Nest(Cat([Line(), *signs, " ", second]), STEP)]))
            case ast.Has(target, name):
                return self._tested(target, "has", name)
            case ast.Is(target, name):
                return self._tested(target, "is", name)
            case ast.Holds(target, name):
                return self._tested(target, "holds", name)
            case ast.Negate(operand):
                return Cat([self.word("-"), self.expression(operand, _UNARY, last=False)])
        return self._closed(node)

    def _closed(self, node: ast.Expr) -> Layout:
        """Lay out an expression that never needs parentheses."""
        match node:
            case ast.Var():
                return self.literal(node)
            case ast.Attribute(target, name):
                return Cat([self.expression(target, _POSTFIX, last=False), self.word("."), self.name(name)])
            case ast.MethodCall(target, name, arguments):
                head = [self.expression(target, _POSTFIX, last=False), self.word("."), self.name(name)]
                return Cat([*head, self.in_parentheses(arguments, self.expression)])
            case ast.Call(function, arguments):
                return Cat([self.name(function), self.in_parentheses(arguments, self.expression)])
            case ast.EntityLit():
                return self.entity(node)
            case ast.SetLit(items):
                return self.braces(items, lambda item, _: self.expression(item), space="")
            case ast.RecordLit(fields):
                return self.braces(fields, self.field, space="")
        return self.literal(node)

    def entity(self, node: ast.EntityLit) -> Layout:
        """Lay out `Type::"id"`."""
        return Cat([self.name(node.type), self.word("::"), self.literal(node.id)])

    def field(self, node: ast.FieldValue, pad: Layout = " ") -> Layout:
        """Lay out `name: value`; `pad` stands before the value."""
        return Cat([self.name(node.name), self.words.join(":"), pad, Nest(self.expression(node.value))])

    def _chain(self, word: str, operands: Sequence[ast.Expr], *, last: bool) -> Layout:
        ends = operands[-1]

        def operand(node: ast.Expr) -> Layout:
            quantified = isinstance(node, ast.Quantifier)
            return self.expression(node, _NEGATED, last=last and node is ends, keep=quantified)

        return Nest(Group(self.alternatives(word, operands, operand)))

    def _tested(self, target: ast.Expr, word: str, name: ast.Ident) -> Layout:
        first = self.expression(target, SUM, last=False)
        return Cat([first, " ", self.word(word), " ", self.name(name)])

    def worded(self, text: str) -> list[Layout]:
        """Take words with a space between them."""
        parts: list[Layout] = []
        for word in text.split():
            parts += [" ", self.word(word)] if parts else [self.word(word)]
        return parts


def _level(node: ast.Expr) -> int:
    """Return how tightly an expression binds."""
    match node:
        case ast.And() | ast.Or():
            return _ANY
        case ast.Not() | ast.Quantifier():
            return _NEGATED
        case ast.Binary(op):
            return _ARITHMETIC.get(op, _COMPARED)
        case ast.Has() | ast.Is() | ast.Holds():
            return _COMPARED
        case ast.Negate():
            return _UNARY
    return _POSTFIX


def _last_word(node: ast.Expr) -> Iterator[ast.BoolLit]:
    """Yield the `true` or `false` that an expression ends with, where it needs no parentheses for precedence."""
    level = SUM
    while _level(node) >= level:
        match node:
            case ast.BoolLit():
                yield node
                return
            case ast.Negate(operand):
                node, level = operand, _UNARY
            case ast.Binary(_, _, right):
                node, level = right, _level(node) + 1
            case _:
                return


def _align(items: Sequence[object], pads: Sequence[Choice]) -> None:
    """Let the types of attributes, or the values of fields, stand in a column where each has a line."""
    widths = [_name_width(item) for item in items]
    for pad, width, wanted in zip(pads, widths, aligned(widths), strict=True):
        if width is not None:
            pad.broken = " " * (wanted - width + 1)


def _name_width(item: object) -> int | None:
    match item:
        case ast.AttributeDecl(name, external):
            return len(name.text) + (len(" as ") + len(external.span.text) if external else 0)
        case ast.FieldValue(name):
            return len(name.text)
    return None
