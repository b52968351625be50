"""Source excerpts: the lines of a source with their labelled spans marked, as plain data without colours.

Takes labels (the first is the primary one) and gives lines of pieces, each piece with the role it plays; a
renderer gives the roles colours. The picture is rustc's: `^^^` under the primary span, `---` under the
others, a bar at the left of a span of several lines. All text goes through `visible`, so that no source can
send a terminal an escape.

Everything is counted in terminal columns, as told by `measure`, and turned into text at the end only: a
`_View` cuts and expands one source line and knows at which column each of its characters stands; a `_Grid` is
a row that is being drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby, pairwise

from attrs import define, field, frozen

from .diagnostic import Label
from .source import Source

Measure = Callable[[str], int]

TAB = "    "
LONGEST = 4000  # characters of a line that are looked at; the rest is cut before anything is measured
SMALLEST_ROOM = 20  # columns for source text that even the narrowest screen gets
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")  # printable by name, yet blank


class Role(StrEnum):
    """What a piece of an excerpt is."""

    GUTTER = "gutter"
    PLACE = "place"
    SOURCE = "source"
    PRIMARY = "primary"
    SECONDARY = "secondary"


@frozen
class Piece:
    """Some text of one role."""

    text: str
    role: Role


@frozen
class ExcerptLine:
    """One line of an excerpt."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The line as plain text, without trailing spaces."""
        return "".join(piece.text for piece in self.pieces).rstrip(" ")


def visible(text: str) -> str:
    """Return text in which nothing can act on a terminal, hide itself, or reorder what stands around it.

    Control characters become their pictures (ESC is `␛`), other such characters their number (`<U+202E>`).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    number = ord(character)
    if number < 32:
        return chr(0x2400 + number)
    if number == 127:
        return "\u2421"
    if not character.isprintable() or character in _INVISIBLE or 0xE0100 <= number <= 0xE01EF:
        return f"<U+{number:04X}>"
    return character


def columns(text: str) -> int:
    """Return how many terminal columns a text takes, by the Unicode width of each of its characters."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def wrap(text: str, width: int, measure: Measure = columns) -> list[str]:
    """Break text at spaces into lines of at most `width` columns; only a longer word is broken inside.

    Further lines are indented as the first one is.
    """
    indent = " " * min(len(text) - len(text.lstrip(" ")), width // 2)
    room = width - len(indent)
    lines: list[str] = []
    used = 0
    for word in text.lstrip(" ").split(" "):
        size = measure(word)
        if lines and used + 1 + size <= room:
            lines[-1] += " " + word
            used += 1 + size
        else:
            lines += _chop(word, room, measure) if size > room else [word]
            used = measure(lines[-1])
    return [(indent + line).rstrip(" ") for line in lines]


def _chop(word: str, width: int, measure: Measure) -> list[str]:
    """Break a word into pieces of at most `width` columns, of one character at least."""
    pieces, begin, used = [], 0, 0
    for at, character in enumerate(word):
        size = measure(character)
        if at > begin and used + size > width:
            pieces.append(word[begin:at])
            begin, used = at, 0
        used += size
    return [*pieces, word[begin:]]


def gutter_width(labels: Sequence[Label]) -> int:
    """Return how many columns the line numbers of an excerpt of these labels take."""
    return max(len(str(_mark(label, Role.PRIMARY).last_line)) for label in labels)


def excerpt_lines(labels: Sequence[Label], width: int, *, measure: Measure = columns) -> list[ExcerptLine]:
    """Return the lines that show labels in their sources, `width` columns wide; `labels[0]` is primary.

    The file of the primary label comes first, under `-->`; each other file has its own block, under `:::`.
    """
    marks = [_mark(label, Role.SECONDARY if i else Role.PRIMARY) for i, label in enumerate(labels)]
    gutter = max(len(str(mark.last_line)) for mark in marks)
    by_source: dict[int, list[_Mark]] = {}
    for mark in marks:
        by_source.setdefault(id(mark.source), []).append(mark)
    lines: list[ExcerptLine] = []
    for block in by_source.values():
        arrow = ":::" if lines else "-->"
        if lines:
            lines.append(_line(_gutter(gutter)))
        place = f"{visible(block[0].source.name)}:{block[0].first_line}:{block[0].column}"
        lines.append(_line(Piece(" " * gutter + arrow + " ", Role.GUTTER), Piece(place, Role.PLACE)))
        if block[0].source.text or any(mark.text for mark in block):
            lines.append(_line(_gutter(gutter)))
            lines.extend(_Block(block, gutter, width, measure).lines())
    return lines


def _line(*pieces: Piece) -> ExcerptLine:
    return ExcerptLine(pieces)


def _gutter(width: int, number: int | str = "") -> Piece:
    return Piece(f"{number:>{width}} |", Role.GUTTER)


@frozen
class _Mark:
    """A label with its lines; `start` and `end` count characters of the first and the last line from 0."""

    source: Source
    first_line: int
    column: int
    start: int
    last_line: int
    end: int
    text: str
    role: Role

    @property
    def tall(self) -> bool:
        return self.last_line > self.first_line

    def covers(self, line: int) -> bool:
        """Whether a line lies inside, the first and the last line included."""
        return self.first_line <= line <= self.last_line


def _mark(label: Label, role: Role) -> _Mark:
    """Work out the lines of a label; blank space at the end of a span of several lines is left off."""
    span, source = label.span, label.span.source
    covered = span.text
    size = len(covered.rstrip()) if "\n" in covered else len(covered)
    first = span.first
    last = source.position(span.start + size - 1) if size else first
    start = min(first.column - 1, len(source.line_text(first.line)))
    end = min(last.column, len(source.line_text(last.line))) if size else start
    text = visible(" ".join(label.message.split("\n")))
    return _Mark(source, first.line, first.column, start, last.line, end, text, role)


@frozen
class _View:
    """One source line as it is shown, cut to the room there is, with the way from characters to columns."""

    text: str
    width: int
    begin: int
    places: list[int]
    shift: int
    cut_right: bool

    def column(self, index: int) -> int:
        """Return the column of a character; what was cut off is at the edge, where the `…` stands."""
        place = self.places[min(max(index - self.begin, 0), len(self.places) - 1)] - self.shift
        return min(max(place, 0), self.width - self.cut_right)

    def extent(self, start: int, end: int) -> tuple[int, int]:
        """Return the columns from the first to behind the last of some characters, at least one."""
        left, right = self.column(start), self.column(end)
        at_edge = left == 0 or (self.cut_right and left == self.width - 1)
        if left == right and end > start and not at_edge:
            left -= 1  # what has no width of its own belongs to the character before it
        return left, max(right, left + 1)


def _view(text: str, spots: Sequence[tuple[int, int]], room: int, measure: Measure) -> _View:
    """Show a line, cut around its spots (starts and ends, the most important first) when it is too long."""
    begin = max(0, min(spots[0][0] - LONGEST // 2, len(text) - LONGEST)) if spots else 0
    part = text[begin : begin + LONGEST]
    pieces, places = _expand(part, measure)
    more_left, more_right = begin > 0, begin + LONGEST < len(text)
    wanted = [_between(places, start - begin, end - begin) for start, end in spots]
    total = max([places[-1], *(right for _, right in wanted)])
    if total <= room and not more_left and not more_right:
        shown = "".join(pieces)
        return _View(shown, places[-1], 0, places, 0, False)
    low, high = min(w[0] for w in wanted or [(0, 1)]), max(w[1] for w in wanted or [(0, 1)])
    if high - low > room - 2 and wanted:
        low, high = wanted[0][0], min(wanted[0][1], wanted[0][0] + room - 2)
    spare = room - 2 - (high - low)
    edge = max(0, min(low - 1 - spare // 3, total - room))
    cut_left = edge > 0 or more_left
    first = next((i for i, p in enumerate(places[:-1]) if p >= edge + cut_left and places[i + 1] > p), 0)
    shift = places[first] - cut_left
    cut_right = more_right or total - shift > room
    last = max(i for i, p in enumerate(places) if i == first or p - shift <= room - cut_right)
    shown = "…" * cut_left + "".join(pieces[first:last]) + "…" * cut_right
    return _View(shown, places[last] - shift + cut_right, begin, places, shift, cut_right)


def _between(places: list[int], start: int, end: int) -> tuple[int, int]:
    most = len(places) - 1
    left, right = places[min(max(start, 0), most)], places[min(max(end, 0), most)]
    return left, max(right, left + 1)


def _expand(text: str, measure: Measure) -> tuple[list[str], list[int]]:
    """Return what is shown for each character, and the column at which each begins (and the end, as last).

    Characters that only together make a sign (a letter with its accents, a flag) are measured together.
    """
    pieces: list[str] = []
    places = [0]
    before, sign = 0, ""
    for character in text:
        piece = TAB if character == "\t" else visible(character)
        own = measure(piece)
        if own and measure(sign + piece) == measure(sign) + own:
            before, sign = places[-1], piece
        else:
            sign += piece
        pieces.append(piece)
        places.append(before + measure(sign))
    return pieces, places


@frozen
class _Spot:
    """A mark on one shown line: from column `start` up to column `end`."""

    start: int
    end: int
    text: str
    role: Role


@define
class _Grid:
    """A row that is being drawn: text by column; what is drawn later covers what was there."""

    measure: Measure
    cells: dict[int, tuple[str, Role]] = field(factory=dict)

    def fill(self, start: int, end: int, character: str, role: Role) -> None:
        """Draw one character from column `start` up to `end`."""
        for column in range(start, end):
            self.cells[column] = (character, role)

    def write(self, start: int, text: str, role: Role) -> None:
        """Draw text from a column on."""
        if text:
            self.fill(start, start + self.measure(text), "", role)
            self.cells[start] = (text, role)

    def pieces(self, origin: int) -> list[Piece]:
        """Return the row from column `origin` on as pieces."""
        parts: list[tuple[str, Role]] = []
        at = origin
        for column in sorted(self.cells):
            parts += [(" " * (column - at), Role.SOURCE), self.cells[column]]
            at = column + 1
        same = groupby((part for part in parts if part[0]), key=lambda part: part[1])
        return [Piece("".join(text for text, _ in group), role) for role, group in same]


class _Block:
    """The marks of one source, drawn line by line; column 0 of a row is where the source text begins."""

    def __init__(self, marks: list[_Mark], gutter: int, width: int, measure: Measure) -> None:
        self._marks = marks
        self._source = marks[0].source
        self._gutter = gutter
        self._measure = measure
        self._depths = _depths([mark for mark in marks if mark.tall])
        self._origin = -(max(self._depths.values(), default=-1) + 2) if self._depths else 0
        self._room = max(SMALLEST_ROOM, width - gutter - 3 + self._origin)
        self._bars: list[_Mark] = []

    def lines(self) -> Iterator[ExcerptLine]:
        """Draw all lines."""
        numbers = self._numbers()
        yield from self._source_line(numbers[0])
        for before, number in pairwise(numbers):
            if number - before == 2:
                yield from self._source_line(before + 1)
            elif number - before > 2:
                yield self._row(_Grid(self._measure), "...")
            yield from self._source_line(number)

    def _numbers(self) -> list[int]:
        """Return the lines to show; before a blank one, such as the end of a file, the text above it."""
        numbers: set[int] = set()
        for line in {line for mark in self._marks for line in (mark.first_line, mark.last_line)}:
            above = line
            while above > 1 and not self._source.line_text(above).strip():
                above -= 1
            numbers |= {above, line}
        return sorted(numbers)

    def _source_line(self, number: int) -> Iterator[ExcerptLine]:
        """Draw a source line and, under it, everything that is marked on it."""
        text = self._source.line_text(number)
        flat = [mark for mark in self._marks if mark.first_line == number == mark.last_line]
        begins = [mark for mark in self._depths if mark.first_line == number]
        ends = [mark for mark in self._depths if mark.last_line == number]
        spots = [(m.start, m.end) for m in flat] + [(m.start, m.start + 1) for m in begins]
        spots += [(max(m.end - 1, 0), m.end) for m in ends]
        view = _view(text, spots, self._room, self._measure)
        grid = _Grid(self._measure)
        grid.write(0, view.text.rstrip(" "), Role.SOURCE)
        bent = [mark for mark in begins if text[: mark.start].strip() and not flat]
        straight = [mark for mark in begins if mark not in bent]
        for mark in straight:
            grid.fill(self._column(mark), self._column(mark) + 1, "/", mark.role)
        yield self._row(grid, number)
        self._bars += straight
        spots_drawn = [_Spot(*view.extent(m.start, m.end), m.text, m.role) for m in flat]
        for grid in self._labelled(spots_drawn):
            yield self._row(grid)
        turns = [(view.extent(mark.start, mark.start + 1), mark, self._begin) for mark in bent]
        turns += [(view.extent(max(mark.end - 1, 0), mark.end), mark, self._end) for mark in ends]
        for (left, right), mark, draw in sorted(turns, key=lambda turn: turn[0]):
            yield from draw(mark, left, right)

    def _begin(self, mark: _Mark, start: int, end: int) -> Iterator[ExcerptLine]:
        """Draw the beginning of a bar that starts in the middle of a line."""
        grid = _Grid(self._measure)
        grid.fill(self._column(mark) + 1, start, "_", mark.role)
        grid.fill(start, end, _sign(mark.role), mark.role)
        yield self._row(grid)
        self._bars.append(mark)

    def _end(self, mark: _Mark, start: int, end: int) -> Iterator[ExcerptLine]:
        """Draw the end of a bar with the text of its label."""
        self._bars.remove(mark)
        for i, grid in enumerate(self._labelled([_Spot(start, end, mark.text, mark.role)])):
            if i == 0:
                grid.fill(self._column(mark), self._column(mark) + 1, "|", mark.role)
                grid.fill(self._column(mark) + 1, start, "_", mark.role)
            yield self._row(grid)

    def _column(self, mark: _Mark) -> int:
        return self._origin + self._depths[mark]

    def _row(self, grid: _Grid, number: int | str = "") -> ExcerptLine:
        """Finish a row: the line number or `...` and the bars that run through it stand before the grid."""
        for mark in self._bars:
            grid.fill(self._column(mark), self._column(mark) + 1, "|", mark.role)
        pieces = grid.pieces(self._origin)
        if number == "...":
            return ExcerptLine((Piece("...".ljust(self._gutter + 3), Role.GUTTER), *pieces))
        space = (Piece(" ", Role.SOURCE),) if pieces else ()
        return ExcerptLine((_gutter(self._gutter, number), *space, *pieces))

    def _labelled(self, spots: list[_Spot]) -> Iterator[_Grid]:
        """Draw signs under all spots of a line and their texts: the last beside its sign, others hang."""
        if not spots:
            return
        grid = _Grid(self._measure)
        for spot in sorted(spots, key=lambda s: (s.role is Role.PRIMARY, s.start - s.end)):
            grid.fill(spot.start, spot.end, _sign(spot.role), spot.role)
        hanging = [spot for spot in spots if spot.text]
        hanging.sort(key=lambda s: (s.end, s.start, s.role is Role.PRIMARY), reverse=True)
        beside: list[str] = []
        if hanging and hanging[0].end >= max(spot.end for spot in spots):
            room = self._room - hanging[0].end - 1
            if room >= min(SMALLEST_ROOM, self._measure(hanging[0].text)):
                spot = hanging.pop(0)
                beside = wrap(spot.text, room, self._measure)
                grid.write(spot.end + 1, beside[0], spot.role)
        yield grid
        hanging.sort(key=lambda s: (s.start, s.role is Role.PRIMARY), reverse=True)
        for line in beside[1:]:
            grid = self._threads(hanging)
            grid.write(spot.end + 1, line, spot.role)
            yield grid
        if hanging and len(spots) > 1:
            yield self._threads(hanging)
        yield from self._hang(hanging)

    def _hang(self, hanging: list[_Spot]) -> Iterator[_Grid]:
        """Draw texts under their spots, from right to left; texts that do not touch share a row."""
        while hanging:
            spot, *hanging = hanging
            edge = self._text_column(spot, hanging)
            group = [(edge, wrap(spot.text, self._room - edge, self._measure), spot.role)]
            while hanging and hanging[0].start + self._measure(hanging[0].text) + 1 < edge:
                spot, *hanging = hanging
                edge = spot.start
                group.append((edge, [spot.text], spot.role))
            for i in range(max(len(lines) for _, lines, _ in group)):
                grid = self._threads(hanging)
                for column, lines, role in group:
                    if i < len(lines):
                        grid.write(column, lines[i], role)
                yield grid

    def _threads(self, spots: list[_Spot]) -> _Grid:
        """Draw the threads by which texts hang that are still to come."""
        grid = _Grid(self._measure)
        for spot in reversed(spots):
            grid.fill(spot.start, spot.start + 1, "|", spot.role)
        return grid

    def _text_column(self, spot: _Spot, others: list[_Spot]) -> int:
        """Return where a hanging text begins: under its spot, or further left when it is too narrow there."""
        size = self._measure(spot.text)
        if spot.start + min(size, SMALLEST_ROOM) <= self._room:
            return spot.start
        free = max((other.start + 2 for other in others if other.start < spot.start), default=0)
        return max(min(free, self._room - 10), self._room - min(size, SMALLEST_ROOM))


def _sign(role: Role) -> str:
    return "^" if role is Role.PRIMARY else "-"


def _depths(tall: list[_Mark]) -> dict[_Mark, int]:
    """Give every span of several lines a bar of its own; the longer ones stand further left."""
    depths: dict[_Mark, int] = {}
    for mark in sorted(tall, key=lambda m: m.first_line - m.last_line):
        near = [other for other in depths if other.covers(mark.first_line) or mark.covers(other.first_line)]
        taken = {depths[other] for other in near}
        depths[mark] = next(depth for depth in range(len(tall)) if depth not in taken)
    return depths
