"""Reads JSON lines in constant memory: lines of bounded length, however long the stream and its lines are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

MAX_LINE: Final = 4 * 1024 * 1024
"""The longest line, in bytes, whose content is kept."""

_CHUNK: Final = 64 * 1024
_WHITE: Final = b" \t\r\n"


class Readable(Protocol):
    """A stream that gives what is there: at most so many bytes, none at its end."""

    def read1(self, size: int, /) -> bytes:
        """Return what can be had by reading once."""


class Line(NamedTuple):
    """A line, counted from 1, without its end; `content` is None if it was too long to be kept."""

    number: int
    content: bytes | None


def bare(content: bytes) -> bytes:
    """Return what a line holds without the white space around it: that of JSON alone.

    Python strips form feeds and vertical tabs, too. A line of these is no JSON and has to be answered as one.
    """
    return content.strip(_WHITE)


def in_line(number: int, problem: str) -> str:
    """Say in which line of a stream there is a problem that a reader of this line alone places in line 1."""
    alone = "line 1, "
    return f"line {number}, {problem.removeprefix(alone)}" if problem.startswith(alone) else f"line {number}: {problem}"


def read_lines(
    stream: Readable, *, limit: int = MAX_LINE, before_waiting: Callable[[], None] = lambda: None
) -> Iterator[Line]:
    """List the lines of a stream as they come in.

    `before_waiting` is called whenever all that came in was listed and more is asked for, so that answers can be sent
    to whoever waits for them before writing on.
    """
    number = 1
    begun = bytearray()
    overlong = False
    while True:
        before_waiting()
        chunk = stream.read1(_CHUNK)
        if not chunk:
            break
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            if not begun and not overlong and len(end) <= limit:  # nearly always: nothing to put together
                yield Line(number, end)
                number += 1
                continue
            overlong = overlong or len(begun) + len(end) > limit
            yield Line(number, None if overlong else bytes(begun + end))
            number, overlong = number + 1, False
            begun.clear()
        overlong = overlong or len(begun) + len(rest) > limit
        if overlong:
            begun.clear()
        else:
            begun += rest
    if begun or overlong:
        yield Line(number, None if overlong else bytes(begun))
