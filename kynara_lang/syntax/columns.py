"""Columns: which neighbouring lines are aligned with each other, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define

from .layout import TABLE_WIDTH, Cat, Choice, Layout, Line, size_of

NARROW: Final = 6
"""By how many spaces a name is padded at most; one that is longer than its neighbours begins a new run."""
OPTIONS_GAP: Final = 3
"""How far what an action does stands off from the rest."""

_FAR: Final = 24  # by how many spaces the third cell of a row is moved at most


@define(eq=False)
class Row:
    """The cells of a declaration that has one line, and what stands before the second and the third of them."""

    cells: Sequence[Layout | None]
    gaps: Sequence[Choice | Line]


def aligned(widths: Sequence[int | None], limit: int = NARROW) -> list[int]:
    """Return how wide each cell of a column becomes: as wide as the widest of its run.

    A run ends where it would need more than `limit` spaces somewhere. None is a line without this column, which ends no
    run; its own width stays 0.
    """
    result = [0] * len(widths)
    run: list[int] = []
    narrowest = widest = 0
    for number, width in enumerate(widths):
        if width is None:
            continue
        if run and max(widest, width) - min(narrowest, width) > limit:
            run = []
        if not run:
            narrowest = widest = width
        run.append(number)
        narrowest = min(narrowest, width)
        for member in run if width > widest else (number,):
            result[member] = max(widest, width)
        widest = max(widest, width)
    return result


def align_rows(
    rows: Sequence[Row], width: int = TABLE_WIDTH, gap: int = OPTIONS_GAP, *, everywhere: bool = False
) -> None:
    """Align the cells of neighbours, as far as that makes no line too long.

    `gap` is how far the third cells stand off; with `everywhere` lines that have none make room for them, too.
    """
    for columns in (2, 1, 0):
        heads = [_width(row.cells[0]) for row in rows]
        _place(rows, 1, heads, NARROW if columns > 0 else 0, 1)
        _place(rows, 2, heads, _FAR if columns > 1 else 0, gap, everywhere=everywhere)
        if all(row_width(row) <= width for row in rows):
            return


def _place(
    rows: Sequence[Row], number: int, heads: list[int], limit: int, gap: int, *, everywhere: bool = False
) -> None:
    """Set the spaces before one cell of each row; `heads` has the width of what stands before it, and is updated."""
    cells = [row.cells[number] if len(row.cells) > number else None for row in rows]
    wanted = aligned([h if cell or everywhere else None for h, cell in zip(heads, cells, strict=True)], limit)
    for place, (row, cell) in enumerate(zip(rows, cells, strict=True)):
        if cell is not None:
            space = gap + wanted[place] - heads[place]
            set_gap(row.gaps[number - 1], " " * space)
            heads[place] += space + _width(cell)


def row_width(row: Row) -> int:
    """Return the width of a row with the spaces it has now."""
    return _width(row.cells[0]) + sum(
        len(gap.flat) + _width(cell) for gap, cell in zip(row.gaps, row.cells[1:], strict=True) if cell is not None
    )


def on_one_line(row: Row, width: int = TABLE_WIDTH) -> bool:
    """Whether a row fits on a line when it is aligned with nothing."""
    cells = Cat([cell for cell in row.cells if cell is not None])
    return not size_of(cells).broken and row_width(row) <= width


def _width(cell: Layout | None) -> int:
    return 0 if cell is None else size_of(cell).width


def set_gap(gap: Choice | Line, text: str) -> None:
    """Change the spaces before a cell; what was measured must not contain them."""
    gap.flat = text
    if isinstance(gap, Choice):
        gap.broken = text
