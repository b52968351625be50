"""Columns: which neighbouring lines are aligned with each other, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NARROW: Final = 6
"""By how many spaces a name is padded at most; one that is longer than its neighbours begins a new run."""


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
        narrowest, widest = min(narrowest, width), max(widest, width)
        for member in run if width == widest else (number,):
            result[member] = widest
    return result
