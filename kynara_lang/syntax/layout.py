"""Laying text out within a width: what may stand on one line, where it may break, and where comments go.

A layout is built of text and of places where a line may break. A group stands on one line if it fits; else it breaks
at all of its own places, and the groups inside it are looked at by themselves (Oppen 1980; Wadler, "A prettier
printer"). Pieces are words of the source with their comments. A comment on a line of its own comes before its word, one
at the end of a line stays at the end of a line, and no comment counts for the width: so adding one moves no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from attrs import define, field

WIDTH: Final = 100
"""How many columns a line may have where it can be broken."""
TABLE_WIDTH: Final = 120
"""The same for lines that are rows of a table: actions, roles, fixtures, and what tests are given and expect."""

_BEFORE_COMMENT: Final = "  "


@define(eq=False)
class Remark:
    """A comment; `gap` says that an empty line stands between it and what follows."""

    text: str
    start: int
    end: int
    gap: bool = False


@define(eq=False)
class Piece:
    """A word or sign of the source with its comments: those on lines before it, and one at the end of its line.

    `apart` says that an empty line stands before it and its comments, `fresh` that it or they begin a line. `inside` is
    how much further the comments are indented than the word: they stand in what it closes.
    """

    text: str
    start: int
    end: int
    leads: list[Remark] = field(factory=list)
    trail: Remark | None = None
    apart: bool = False
    fresh: bool = False
    inside: int = 0


@define(eq=False)
class Line:
    """A place where a line may break; what stands there instead where it does not; `hard` ones always break."""

    flat: str = " "
    hard: bool = False
    apart: bool = False  # an empty line comes with the break


@define(eq=False)
class Choice:
    """Text that depends on whether its group is broken."""

    flat: str
    broken: str


@define(eq=False)
class Cat:
    """Several layouts one behind the other."""

    parts: Sequence[Layout]
    size: Size | None = None


@define(eq=False)
class Group:
    """What stands on one line if it can."""

    inner: Layout
    size: Size | None = None


@define(eq=False)
class Nest:
    """What is indented further where it breaks: by some columns, or (None) up to the column where it begins."""

    inner: Layout
    by: int | None = None
    size: Size | None = None


Layout: TypeAlias = str | Piece | Remark | Line | Choice | Cat | Group | Nest


class Size(NamedTuple):
    """What is known of a layout: its width on one line, and the width up to the first place where it may break.

    `leads` and `trails` say that it begins, or ends, with a comment; `broken` that it cannot stand on one line.
    """

    width: int
    head: int
    breaks: bool = False
    leads: bool = False
    trails: bool = False
    broken: bool = False


def size_of(layout: Layout) -> Size:
    """Return the size of a layout; it is kept, so nothing may change in what was measured."""
    match layout:
        case Cat() | Group() | Nest():
            return layout.size or _measured(layout)
        case str():
            return Size(len(layout), len(layout))
        case Piece():
            width = len(layout.text)
            return Size(width, width, False, bool(layout.leads), layout.trail is not None)
        case Line():
            return Size(len(layout.flat), 0, True, broken=layout.hard)
        case Choice():
            return Size(len(layout.flat), len(layout.broken))
        case Remark():
            return Size(len(layout.text), len(layout.text), broken=True)


def _measured(layout: Cat | Group | Nest) -> Size:
    """Measure a layout after all that it is made of, which can be nested deeply."""
    waiting: list[Cat | Group | Nest] = [layout]
    while waiting:
        current = waiting[-1]
        parts = current.parts if isinstance(current, Cat) else [current.inner]
        below = [part for part in parts if isinstance(part, Cat | Group | Nest) and part.size is None]
        if below:
            waiting += below
            continue
        current.size = _joined(parts)
        waiting.pop()
    assert layout.size is not None
    return layout.size


def _joined(parts: Iterable[Layout]) -> Size:
    width = head = 0
    breaks = leads = trails = broken = started = False
    for part in parts:
        size = size_of(part)
        broken = broken or size.broken or (size.leads and started) or (trails and size.width > 0)
        if not breaks:
            head += size.head
        if not started:
            leads = size.leads
        started = started or size.width > 0
        trails = size.trails or (trails and size.width == 0)
        breaks = breaks or size.breaks
        width += size.width
    return Size(width, head, breaks, leads, trails, broken)


# Rendering


@define
class Page:
    """Lines of text; `places` has the line of each piece by where it began, `remarks` each comment with its line."""

    lines: list[str] = field(factory=list)
    places: dict[int, int] = field(factory=dict)
    remarks: list[tuple[Remark, int]] = field(factory=list)


_Waiting: TypeAlias = list[tuple[int, bool, Layout]]
"""What is still to be written, last first: the indentation, whether it is on one line, the layout."""


def render(layout: Layout, width: int = WIDTH) -> Page:
    """Write a layout that begins at the start of a line."""
    pen = _Pen()
    waiting: _Waiting = [(0, False, layout)]
    while waiting:
        indent, flat, current = waiting.pop()
        match current:
            case str():
                pen.write(current, indent)
            case Piece():
                pen.write_piece(current, indent)
            case Remark():
                pen.write_remark(current, indent)
            case Choice():
                pen.write(current.flat if flat else current.broken, indent)
            case Line():
                if flat:
                    pen.write(current.flat, indent)
                else:
                    pen.break_line(indent, apart=current.apart)
            case Cat():
                waiting.extend((indent, flat, part) for part in reversed(current.parts))
            case Nest():
                waiting.append((pen.column if current.by is None else indent + current.by, flat, current.inner))
            case Group():
                waiting.append((indent, flat or _fits(width - pen.column, current, waiting), current.inner))
    pen.break_line(0)
    return pen.page


def _fits(room: int, group: Group, waiting: _Waiting) -> bool:
    """Whether a group, and what follows up to where the line may break, fits into the room that a line has left."""
    size = size_of(group)
    room -= size.width
    if size.broken or room < 0:
        return False
    for _, flat, behind in reversed(waiting):
        size = size_of(behind)
        room -= size.width if flat else size.head
        if room < 0:
            return False
        if size.breaks and not flat:
            break
    return True


class _Pen:
    """Writes lines; a comment for the end of a line waits until the line ends."""

    def __init__(self) -> None:
        """Begin on an empty page."""
        self.page = Page()
        self.column = 0
        self._line: list[str] = []
        self._trail: Remark | None = None

    def write(self, text: str, indent: int) -> None:
        """Write text; behind a comment only on a new line."""
        if self._trail is not None and text.strip():
            self.break_line(indent)
        self._line.append(text)
        self.column += len(text)

    def write_piece(self, piece: Piece, indent: int) -> None:
        """Write a word of the source, the comments before it on lines of their own."""
        if piece.leads:
            if self._trail is not None or "".join(self._line).strip():
                self.break_line(indent)
            for remark in piece.leads:
                self.write(" " * piece.inside, indent)
                self.write_remark(remark, indent)
                closes = piece.inside > 0 and remark is piece.leads[-1]
                self.break_line(indent, apart=remark.gap and not closes)
        self.write(piece.text, indent)
        self.page.places[piece.start] = len(self.page.lines)
        if piece.trail is not None:
            self.page.remarks.append((piece.trail, len(self.page.lines)))
            self._trail = piece.trail

    def write_remark(self, remark: Remark, indent: int) -> None:
        """Write a comment on a line of its own."""
        self.write(remark.text, indent)
        self.page.remarks.append((remark, len(self.page.lines)))

    def break_line(self, indent: int, *, apart: bool = False) -> None:
        """End the line, with the comment that waits for that."""
        line = "".join(self._line).rstrip(" ")
        if self._trail is not None:
            line = f"{line}{_BEFORE_COMMENT}{self._trail.text}"
            self._trail = None
        self.page.lines.append(line)
        if apart:
            self.page.lines.append("")
        self._line = [" " * indent]
        self.column = indent
