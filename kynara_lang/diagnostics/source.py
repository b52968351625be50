"""Source texts and spans: where in a file something stands.

A span holds two offsets into its source (counted in code points from 0); lines and columns, which people count
from 1, are worked out only when something is shown.
"""

from __future__ import annotations

from bisect import bisect_right

from attrs import field, frozen


@frozen(eq=False)
class Source:
    """One text that was checked: the name it is shown under, and its characters."""

    name: str
    text: str
    _line_starts: list[int] = field(init=False, factory=list, repr=False)

    def line_starts(self) -> list[int]:
        """Return the offset at which each line begins; worked out at first use."""
        if not self._line_starts:
            starts, find, at = [0], self.text.find, 0
            while (at := find("\n", at)) >= 0:
                at += 1
                starts.append(at)
            self._line_starts[:] = starts  # at once, so that no other thread sees half of it
        return self._line_starts

    def position(self, offset: int) -> Position:
        """Return the line and column of an offset, both counted from 1."""
        starts = self.line_starts()
        line = bisect_right(starts, offset)
        return Position(line=line, column=offset - starts[line - 1] + 1, offset=offset)

    def line_text(self, line: int) -> str:
        """Return the text of a line (counted from 1) without its line break."""
        starts = self.line_starts()
        end = starts[line] if line < len(starts) else len(self.text)
        return self.text[starts[line - 1] : end].rstrip("\r\n")


@frozen
class Position:
    """A place in a source: line and column count from 1, the offset from 0, all in code points."""

    line: int
    column: int
    offset: int


@frozen
class Span:
    """The characters of a source from `start` up to, not including, `end`."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters that the span covers."""
        return self.source.text[self.start : self.end]

    @property
    def first(self) -> Position:
        """The position of the first character."""
        return self.source.position(self.start)

    @property
    def last(self) -> Position:
        """The position just behind the last character."""
        return self.source.position(self.end)

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of another of the same source."""
        return Span(self.source, self.start, other.end)
