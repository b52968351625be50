"""Reads a log from a record on that was read before, and from its end: without beginning at the beginning.

`read_log` checks the chain from the start of a segment. An index that goes on, and whoever follows a log, know the hash
of the last record they read, so it is enough to check from there.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import Final

from . import framing
from .disk import DISK
from .encoding import read_canonical
from .faults import LogError, refused
from .framing import MAX_LINE
from .merkle import leaf_hash
from .reading import Entry, Segment, begin_behind, damaged, read_at, snapshot
from .tail import UNKNOWN, Tail, pieces, segment_name, segments_in

_BLOCK: Final = 1 << 18


def read_exactly(path: str, segment: str, offset: int, leaf: bytes) -> Entry | None:
    """Return the record at a place if it is byte for byte the one with this leaf hash, else None."""
    try:
        entry = read_at(path, segment, offset)
    except LogError as error:
        if error.code in ("damaged", "input-output"):
            return None
        raise
    return entry if leaf_hash(entry.raw) == leaf else None


def follows(path: str, entry: Entry) -> bool:
    """Tell whether a record has the hash of its contents and of the record before it, which is taken as it is."""
    try:
        return _tail_before(path, entry).problem(entry.raw) is None
    except LogError as error:
        if error.code in ("damaged", "input-output"):
            return False
        raise


def _tail_before(path: str, entry: Entry) -> Tail:
    """Return the tail behind the record before one, be that in the same file or at the end of the one before."""
    first = segments_in([entry.segment])[0]
    if entry.offset:
        return begin_behind(DISK, path, Segment(first, entry.offset))
    try:
        earlier = [other for other in segments_in(DISK.names(path)) if other < first]
        if not earlier:
            return Tail()
        fd = DISK.open(os.path.join(path, segment_name(earlier[-1])))
        try:
            size = DISK.size(fd)
        finally:
            DISK.close(fd)
    except OSError as error:
        raise refused(f"{entry.segment}: what is before it cannot be read", error) from None
    return begin_behind(DISK, path, Segment(earlier[-1], size))


def read_after(path: str, last: Entry) -> Iterator[Entry]:
    """Yield the records after one that was read before; raise `LogError` where one is not in order."""
    head = framing.head_of(last.json)
    assert head is not None
    segments = snapshot(DISK, path)
    start = next((at for at, segment in enumerate(segments) if segment.name == last.segment), None)
    end = last.offset + len(last.raw)
    if start is None or segments[start].size < end:
        raise LogError("damaged", f"{last.segment}: the log is shorter than it was: record {last.seq} is missing")
    tail = Tail(
        log=head.log, size=last.seq + 1, hash=framing.hash_of(last.raw), commit=head.commit, epoch=UNKNOWN, end=end
    )
    for at, segment in enumerate(segments[start:]):
        if at:
            if tail.size != segment.first:
                raise LogError("damaged", f"{segment.name}: record {tail.size} is missing")
            tail.next_segment()
        yield from _rest_of(path, segment, tail)


def _rest_of(path: str, segment: Segment, tail: Tail) -> Iterator[Entry]:
    """Yield the records of a segment from where the tail is."""
    try:
        fd = DISK.open(os.path.join(path, segment.name))
        try:
            for offset, line in pieces(DISK, fd, tail.end, segment.size):
                wrong = tail.problem(line)
                if wrong is not None:
                    raise damaged(tail.size, segment.name, offset, wrong)
                head = framing.head_of(framing.json_of(line))
                assert head is not None
                tail.advance(line, head)
                yield _entry(line, head.seq, segment.name, offset)
        finally:
            DISK.close(fd)
    except OSError as error:
        raise refused(f"{segment.name}: cannot be read", error) from None


def newest(path: str, count: int) -> list[Entry]:
    """Return the last records of a log, the oldest of them first; each is checked against the one before it."""
    found: deque[Entry] = deque()
    for segment in reversed(snapshot(DISK, path)):
        wanted = count + 1 - len(found)  # one more: the hash of the first is checked against it
        if wanted <= 0:
            break
        found.extendleft(reversed(_end_of(path, segment, wanted)))
    entries = list(found)
    if not entries and count:
        raise LogError("missing", f"{path}: there are no records here; a log has at least one")
    for before, entry in zip([None, *entries], entries, strict=False):
        _check(before, entry)
    return entries[-count:] if count else []


def _check(before: Entry | None, entry: Entry) -> None:
    if before is None and entry.seq:
        return
    wrong = framing.line_problem(entry.raw, framing.START if before is None else framing.hash_of(before.raw))
    if wrong is None and entry.seq != (0 if before is None else before.seq + 1):
        wrong = "does not have the number that is due"
    if wrong is not None:
        raise damaged(entry.seq, entry.segment, entry.offset, wrong)


def _end_of(path: str, segment: Segment, count: int) -> list[Entry]:
    """Return up to so many records from the end of a segment."""
    try:
        fd = DISK.open(os.path.join(path, segment.name))
        try:
            start, text = segment.size, b""
            while start > 0 and text.count(b"\n", 0, -1) < count:
                if b"\n" not in text[: MAX_LINE + 1] and len(text) > MAX_LINE:
                    raise damaged(segment.first, segment.name, start, "is longer than a record can be")
                size = min(_BLOCK, start)
                start -= size
                text = DISK.read(fd, size, start) + text
        finally:
            DISK.close(fd)
    except OSError as error:
        raise refused(f"{segment.name}: cannot be read", error) from None
    return _lines(segment, start, text, count)


def _lines(segment: Segment, start: int, text: bytes, count: int) -> list[Entry]:
    """Cut the end of a segment into its last records."""
    *whole, rest = text.split(b"\n")
    lines = [line + b"\n" for line in whole] + ([rest] if rest else [])
    found: deque[Entry] = deque(maxlen=count)
    at = start
    for number, line in enumerate(lines):
        if number or not start:  # the first may be the rest of a line that begins before
            head = None if framing.length_problem(line) else framing.head_of(framing.json_of(line))
            if head is None:
                raise LogError("damaged", f"{segment.name}, byte {at}: there is no whole record here")
            found.append(_entry(line, head.seq, segment.name, at))
        at += len(line)
    return list(found)


def _entry(line: bytes, seq: int, segment: str, offset: int) -> Entry:
    try:
        record = read_canonical(framing.json_of(line))
    except LogError as error:
        raise damaged(seq, segment, offset, error.message) from None
    assert isinstance(record, dict)  # it has the end of a record
    return Entry(seq, line, record, segment, offset)
