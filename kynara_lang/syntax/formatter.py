"""Writes a program in its canonical layout: what `kynara fmt` does to a file.

Takes a tree and the text it came from, gives the text laid out. The words of the text are printed in their order, with
their comments, by going through the tree (`print_declarations`, `print_expressions`); a small printer for layouts
decides what stands on one line (`layout`). Nothing but space changes, with these exceptions: parentheses and commas
that say nothing are left out, and attributes on one line get commas.

A comment that silences findings covers one line. Where a declaration, laid out, would have other words on that line, it
stays as its author wrote it, because findings would appear or vanish. `formatted` reads what it made, and
raises `FormatterError` if that is not the program it was given: then the text must be left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source
from . import ast, parser, stored
from .columns import Row, align_rows, on_one_line
from .layout import TABLE_WIDTH, WIDTH, Page, Piece, render
from .pieces import SUPPRESSION, FormatterError, Words, read_pieces
from .print_declarations import DeclarationPrinter, Shown

BOM: Final = "\ufeff"
_ALONE: Final = (ast.RuleDecl, ast.InvariantDecl, ast.TestDecl)
_SIGNS: Final = frozenset("(){},")


@define(eq=False)
class _Item:
    """A declaration, an import or the first line of a file: where it stands in the text, and its lines.

    `first` and `last` differ only where several declarations stay as their author wrote them. `apart` says that an
    empty line stands before it, `gaps` that one stands among the comments before it, `simple` that it has one line.
    """

    first: ast.Node
    last: ast.Node
    pieces: list[Piece]
    begin: int
    end: int
    apart: bool
    gaps: bool
    shown: Shown
    page: Page = field(factory=Page)
    simple: bool = False

    def lay_out(self) -> None:
        """Write the lines."""
        table = isinstance(self.first, ast.TestDecl) or self.shown.row is not None
        self.page = render(self.shown.layout, TABLE_WIDTH if table else WIDTH)
        self.simple = len({*self.page.places.values()}) == 1


def formatted(source: Source, report: Report) -> str | None:
    """Return the text of a source in its canonical layout; None if it does not parse, which the report then says.

    Raises `FormatterError` if that would change the program.
    """
    module = parser.parse(source, report)
    if module is None or report.has_errors:
        return None
    text = laid_out(module)
    if text != source.text:
        again = parser.parse(Source(source.name, text), Report())
        if again is None or not same_program(module, again):
            raise FormatterError("the program would not be the same")
    return text


def same_program(one: ast.Module, other: ast.Module) -> bool:
    """Whether two files say the same, comments included, wherever it stands in them."""
    return _said(one) == _said(other)


def _said(module: ast.Module) -> list[Any]:
    """Return a tree as rows without places, and the texts of its comments."""
    data = stored.to_data(module)
    trees = [*data["name"], *data["imports"], *data["declarations"]]
    rows = [[(row[0], *row[3:]) for row in rows] for rows in trees]
    return [rows, [comment.text.rstrip(" \t\r") for comment in module.comments]]


def laid_out(module: ast.Module) -> str:
    """Return the text of a file that parsed in its canonical layout."""
    source = module.source
    pieces = read_pieces(source.text)
    covered = _covered_before(source, pieces) if SUPPRESSION in source.text else {}
    items = _items(module, pieces)
    for run in _runs(items):
        align_rows(run)
    for item in items:
        item.lay_out()
    if covered:
        items = _with_verbatim(items, covered, source)
    lines = list(_lines(items, pieces[-1]))
    newline = "\r\n" if source.text[: source.text.find("\n")].endswith("\r") else "\n"
    mark = BOM if source.text.startswith(BOM) else ""
    return mark + "".join(f"{line}{newline}" for line in lines)


def _items(module: ast.Module, pieces: list[Piece]) -> list[_Item]:
    """Return what a file consists of; the last piece is left, with the comments at the end."""
    words = Words(pieces)
    printer = DeclarationPrinter(words)
    found: list[_Item] = []
    names = [module.name] if module.name else []
    nodes: list[ast.Ident | ast.Import | ast.Decl] = [*names, *module.imports, *module.declarations]
    for node in nodes:
        first, at = words.next, words.at
        begin = first.leads[0].start if first.leads else first.start
        apart, gaps = first.apart, any(remark.gap for remark in first.leads)
        match node:
            case ast.Ident():
                shown = printer.module(node)
            case ast.Import():
                shown = printer.imported(node)
            case ast.Decl():
                shown = printer.declaration(node)
        mine = pieces[at : words.at]
        end = mine[-1].trail.end if mine[-1].trail else mine[-1].end
        found.append(_Item(node, node, mine, begin, end, apart, gaps, shown))
    words.take("")
    return found


# Neighbours


def _runs(items: Sequence[_Item]) -> list[list[Row]]:
    """Return the rows of neighbours of one kind that are aligned with each other: no empty line stands between them."""
    runs: list[list[Row]] = []
    kind: type | None = None
    for item in items:
        row = item.shown.row
        if row is None or not on_one_line(row):
            kind = None
            continue
        if type(item.first) is not kind or item.apart or item.gaps:
            runs.append([])
        kind = type(item.first)
        runs[-1].append(row)
    return runs


def _lines(items: Sequence[_Item], rest: Piece) -> Iterator[str]:
    """Yield the lines of a file; `rest` has the comments at its end."""
    before: _Item | None = None
    for item in items:
        if before is not None and _apart(before, item):
            yield ""
        yield from item.page.lines
        before = item
    apart = before is not None and rest.apart
    for remark in rest.leads:
        if apart:
            yield ""
        yield remark.text
        apart = remark.gap


def _apart(one: _Item, other: _Item) -> bool:
    """Whether an empty line stands between two neighbours; only what is short or of one kind may do without."""
    before, after = one.last, other.first
    if isinstance(before, ast.Ident) or isinstance(before, ast.Import) != isinstance(after, ast.Import):
        return True
    if isinstance(before, _ALONE) or isinstance(after, _ALONE):
        return True
    return other.apart or not ((one.simple and other.simple) or _kind(before) == _kind(after))


def _kind(node: ast.Node) -> str:
    return node.kind if isinstance(node, ast.EntityDecl) else type(node).__name__


# Comments that silence findings


_Covered = Mapping[int, frozenset[int]]
"""Which words stand on the line that each suppression covers, all by where they begin."""


def _covered_before(source: Source, pieces: Sequence[Piece]) -> _Covered:
    lines: dict[int, set[int]] = {}
    line_of = {piece.start: source.position(piece.start).line for piece in pieces}
    for piece in pieces:
        if piece.text not in _SIGNS:
            lines.setdefault(line_of[piece.start], set()).add(piece.start)
    return {
        remark.start: frozenset(lines.get(line_of[piece.start], ()))
        for piece in pieces
        for remark in (*piece.leads, *([piece.trail] if piece.trail else []))
        if remark.text.startswith(SUPPRESSION)
    }


def _covered_after(item: _Item) -> _Covered:
    signs = {piece.start for piece in item.pieces if piece.text in _SIGNS}
    lines: dict[int, set[int]] = {}
    for start, line in item.page.places.items():
        lines.setdefault(line, set()).update({start} - signs)
    found = {}
    for remark, line in item.page.remarks:
        if remark.text.startswith(SUPPRESSION):
            covered = min((other for other in lines if other >= line), default=line)
            found[remark.start] = frozenset(lines.get(covered, ()))
    return found


def _with_verbatim(items: Sequence[_Item], before: _Covered, source: Source) -> list[_Item]:
    """Return the declarations where those stay as they are whose suppressions would cover something else."""
    printed = {start for item in items for start in item.page.places}
    found: list[_Item] = []
    start = 0
    for number, item in enumerate(items):
        if number + 1 < len(items) and _share_line(item, items[number + 1], source):
            continue
        chunk = items[start : number + 1]
        start = number + 1
        if all(before[at] & printed == after for one in chunk for at, after in _covered_after(one).items()):
            found += chunk
            continue
        found.append(_verbatim(chunk, source))
    return found


def _share_line(one: _Item, other: _Item, source: Source) -> bool:
    return "\n" not in source.text[one.end : other.begin]


def _verbatim(chunk: Sequence[_Item], source: Source) -> _Item:
    """Return declarations as one, with the lines that their author wrote."""
    first, last = chunk[0], chunk[-1]
    lines = [line.rstrip(" \t\r") for line in source.text[first.begin : last.end].split("\n")]
    simple = source.position(first.pieces[0].start).line == source.position(last.pieces[-1].start).line
    made = _Item(first.first, last.last, [], first.begin, last.end, first.apart, first.gaps, first.shown)
    made.page, made.simple = Page(lines), simple
    return made
