"""Reads a log: every record in order, each checked against the one before, without holding more than one in memory.

Nobody waits for a reader. It takes the size of the newest segment while no writer is at work, and reads so far; what is
appended afterwards is for the next time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from attrs import frozen

from . import framing
from .disk import DISK, Disk
from .encoding import read_canonical
from .faults import LogError, refused
from .framing import MAX_LINE
from .tail import UNKNOWN, Tail, pieces, segment_name, segments_in
from .writer import LOCK, opened

_PATIENCE: Final = 2.0
_PAUSE: Final = 0.002


class Entry(NamedTuple):
    """A record as it is stored: `raw` is the whole line, `segment` the name of its file, `offset` its place in it."""

    seq: int
    raw: bytes
    record: dict[str, Any]
    segment: str
    offset: int

    @property
    def json(self) -> bytes:
        """The stored JSON."""
        return framing.json_of(self.raw)

    @property
    def hash(self) -> str:
        """The hash of the record, which depends on all before it."""
        return framing.hash_of(self.raw).hex()


@frozen
class Segment:
    """One file of a log: the number of its first record, and how much of it there was when somebody looked."""

    first: int
    size: int

    @property
    def name(self) -> str:
        """The name of the file."""
        return segment_name(self.first)


def snapshot(disk: Disk, folder: str) -> list[Segment]:
    """Return the segments of a log as no writer is in the middle of one; raise `LogError` if there are none."""
    try:
        names = disk.names(folder)
        lock = _quiet(disk, folder) if LOCK in names else -1
        try:
            found = [Segment(first, _size(disk, folder, first)) for first in segments_in(disk.names(folder))]
        finally:
            if lock >= 0:
                disk.close(lock)
    except (FileNotFoundError, NotADirectoryError):
        raise LogError("missing", f"{folder}: there is no such log") from None
    except OSError as error:
        raise opened(error, folder) from None
    if not found:
        raise LogError("missing", f"{folder}: there are no records here; a log has at least one")
    return found


def _quiet(disk: Disk, folder: str) -> int:
    """Wait for a moment without a writer, though not for long; return the lock, which closing gives back."""
    try:
        lock = disk.open(os.path.join(folder, LOCK))
    except OSError:
        return -1  # a copy that is only for reading has no writers
    deadline = time.monotonic() + _PATIENCE
    while not disk.lock(lock, shared=True) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return lock


def _size(disk: Disk, folder: str, first: int) -> int:
    fd = disk.open(os.path.join(folder, segment_name(first)))
    try:
        return disk.size(fd)
    finally:
        disk.close(fd)


def read_log(path: str | os.PathLike[str], *, since: int = 0, disk: Disk = DISK) -> Iterator[Entry]:
    """Yield the records of a log from number `since` on; raise `LogError` where one is not in order.

    The chain is checked from the segment that holds record `since`. Whether it is the right log from its beginning to
    its end is a question for `verify`.
    """
    folder = os.fspath(path)
    segments = snapshot(disk, folder)
    start = max((i for i, s in enumerate(segments) if s.first <= since), default=0)
    tail = begin_behind(disk, folder, segments[start - 1]) if start else Tail()
    for segment in segments[start:]:
        if tail.size != segment.first:
            raise LogError("damaged", f"{segment.name}: record {tail.size} is missing")
        tail.segment, tail.end = segment.first, 0
        for entry in _read_segment(disk, folder, segment, tail):
            if entry.seq >= since:
                yield entry


def _read_segment(disk: Disk, folder: str, segment: Segment, tail: Tail) -> Iterator[Entry]:
    try:
        fd = disk.open(os.path.join(folder, segment.name))
    except OSError as error:
        raise refused(f"{segment.name}: cannot be read", error) from None
    try:
        for offset, line in pieces(disk, fd, 0, segment.size):
            wrong = tail.problem(line)
            if wrong is not None:
                raise damaged(tail.size, segment.name, offset, wrong)
            head = framing.head_of(framing.json_of(line))
            assert head is not None
            tail.advance(line, head)
            yield _entry(line, head.seq, segment.name, offset)
    except OSError as error:
        raise refused(f"{segment.name}: cannot be read", error) from None
    finally:
        disk.close(fd)


def read_at(path: str | os.PathLike[str], segment: str, offset: int, *, disk: Disk = DISK) -> Entry:
    """Return the record at a place, as an index remembers it; its hash is what the line says, not checked.

    Compare `Entry.hash` with what is known of the record.
    """
    if not segments_in([segment]):
        raise LogError("damaged", f"`{segment}` is no name of a segment")
    try:
        fd = disk.open(os.path.join(os.fspath(path), segment))
        try:
            line = b"".join(disk.read(fd, MAX_LINE, offset).partition(b"\n")[:2])
        finally:
            disk.close(fd)
    except OSError as error:
        raise refused(f"{segment}: cannot be read", error) from None
    head = framing.head_of(framing.json_of(line))
    if head is None or framing.length_problem(line) is not None:
        raise LogError("damaged", f"{segment}, byte {offset}: there is no record here")
    return _entry(line, head.seq, segment, offset)


def damaged(seq: int, segment: str, offset: int, wrong: str) -> LogError:
    """Return the complaint that a record is not in order."""
    return LogError("damaged", f"record {seq} ({segment}, byte {offset}) {wrong}")


def _entry(line: bytes, seq: int, segment: str, offset: int) -> Entry:
    try:
        record = read_canonical(framing.json_of(line))
    except LogError as error:
        raise damaged(seq, segment, offset, error.message) from None
    assert isinstance(record, dict)  # it has the end of a record
    return Entry(seq, line, record, segment, offset)


def begin_behind(disk: Disk, folder: str, segment: Segment) -> Tail:
    """Return the tail behind the last record of a segment, taking that record as it is."""
    start = max(0, segment.size - MAX_LINE)
    try:
        fd = disk.open(os.path.join(folder, segment.name))
        try:
            end = disk.read(fd, segment.size - start, start)
        finally:
            disk.close(fd)
    except OSError as error:
        raise refused(f"{segment.name}: cannot be read", error) from None
    line = end[end.rfind(b"\n", 0, -1) + 1 :]
    head = None if framing.length_problem(line) else framing.head_of(framing.json_of(line))
    if head is None:
        raise LogError("damaged", f"{segment.name} does not end with a record")
    return Tail(log=head.log, size=head.seq + 1, hash=framing.hash_of(line), commit=head.commit, epoch=UNKNOWN)
