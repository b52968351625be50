"""Where a log ends: everything that the next record depends on, moved forward line by line.

Writers go on from a tail. Whoever reads a log checks each line against the tail of the lines before it, so that there
is one place that knows what may follow what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attrs import define, field

from . import framing
from .disk import Disk
from .framing import MAX_LINE, START, Head
from .merkle import Frontier, leaf_hash

_NAME: Final = re.compile(r"([0-9]{16})\.records")
UNKNOWN: Final = -1
"""The epoch of a tail that did not see the log from its beginning, until an epoch is opened."""

_BLOCK: Final = 1 << 18


def segment_name(first: int) -> str:
    """Return the file name of the segment whose first record has a number."""
    return f"{first:016d}.records"


def segments_in(names: list[str]) -> list[int]:
    """Return the numbers of the first records of the segments among some file names, in order."""
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


@define
class Tail:
    """The end of a log: `size` records, the hash of the last, and the place where the next one goes.

    `segment` is the number of the first record of the newest segment and `end` its size in bytes. `commit` is the first
    record of the newest group that was written and flushed at once, `commit_at` its offset; `last_at` is the offset of
    the last record. `epoch` is the newest epoch. `marks` are sizes whose root is wanted, with the root once known.
    """

    log: str = ""
    size: int = 0
    hash: bytes = START
    commit: int = -1
    commit_at: int = 0
    epoch: int = 0
    segment: int = 0
    end: int = 0
    last_at: int = 0
    tree: Frontier = field(factory=Frontier)
    marks: dict[int, bytes] = field(factory=dict)

    def problem(self, line: bytes) -> str | None:
        """Say why a line cannot be the next one, or None if it can; what is inside the body is not looked at."""
        wrong = framing.line_problem(line, self.hash)
        if wrong is not None:
            return wrong
        head = framing.head_of(framing.json_of(line))
        return "does not end as a record does" if head is None else self.head_problem(head)

    def head_problem(self, head: Head) -> str | None:
        """Say why a record with this head cannot be the next one."""
        if head.version != framing.VERSION:
            return f"has version {head.version}, which this program does not know"
        if head.seq != self.size:
            return f"has number {head.seq} where {self.size} is due"
        if self.log and head.log != self.log:
            return f"belongs to another log, {head.log}"
        if (head.kind == "genesis") != (self.size == 0):
            return "is a genesis record in the wrong place" if self.size else "is no genesis record"
        if head.commit != self.size and head.commit != self.commit:
            return f"belongs to commit {head.commit}, which cannot be here"
        return None if self.epoch == UNKNOWN else self._epoch_problem(head)

    def _epoch_problem(self, head: Head) -> str | None:
        if head.kind == "genesis":
            return f"is a genesis record of epoch {head.epoch}" if head.epoch else None
        if head.kind == "open":
            due = self.epoch + 1
            return f"opens epoch {head.epoch} where {due} is due" if head.epoch != due else None
        return None if 0 < head.epoch <= self.epoch else f"belongs to epoch {head.epoch}, which was never opened"

    def advance(self, line: bytes, head: Head) -> None:
        """Move on behind a line that is in order."""
        self.log = head.log
        self.hash = framing.hash_of(line)
        if head.commit == self.size:
            self.commit, self.commit_at = self.size, self.end
        if head.kind == "open":
            self.epoch = head.epoch
        self.tree.add(leaf_hash(line))
        self.last_at = self.end
        self.end += len(line)
        self.size += 1
        if self.size in self.marks:
            self.marks[self.size] = self.tree.root()

    def copy(self) -> Tail:
        """Return a tail that goes its own way."""
        return Tail(
            self.log,
            self.size,
            self.hash,
            self.commit,
            self.commit_at,
            self.epoch,
            self.segment,
            self.end,
            self.last_at,
            self.tree.copy(),
            self.marks,
        )

    def next_segment(self) -> None:
        """Go on in a new segment."""
        self.segment, self.end = self.size, 0


def pieces(disk: Disk, fd: int, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each line from one offset to another; what is too long for a line comes in parts."""
    rest, at = b"", start
    while at + len(rest) < stop:
        block = disk.read(fd, min(_BLOCK, stop - at - len(rest)), at + len(rest))
        if not block:
            break
        rest += block
        begin = 0
        while True:
            found = rest.find(b"\n", begin, begin + MAX_LINE)
            if found >= 0:
                end = found + 1
            elif len(rest) - begin >= MAX_LINE:
                end = begin + MAX_LINE
            else:
                break
            yield at + begin, rest[begin:end]
            begin = end
        at, rest = at + begin, rest[begin:]
    if rest:
        yield at, rest
