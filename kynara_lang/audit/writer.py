"""Appends groups of records to a log that other processes append to as well.

A group is written under a lock on the file `lock`, flushed, and only then answered:

    lock, catch up with what others wrote, write, fdatasync, note the size in `acknowledged`, unlock, answer

Whoever holds the lock is the only writer, so there is one chain with dense numbers, and what a writer finds behind the
place where it stopped was written whole by others, or by one that died. In the second case the size in `acknowledged`
is smaller than the file. Whole records up there are kept: their writer may have been about to answer. They are written
again, in place, before they count, since a flush that failed in another process may have dropped them from memory. What
is no record is cut off, if nobody can have got an answer for it: nothing of a later group follows, and `acknowledged`
does not reach there. Either way a `recovery` record says what was found.

`acknowledged` is not flushed. It survives a killed process; after a power cut it may say less than is true, never more.
A failed write is undone. A failed flush is final: what is on the disk is not known any more, and nobody may guess.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from attrs import define, frozen

from . import framing
from .disk import Disk, write_all
from .encoding import Json, canonical
from .faults import LogError, refused
from .framing import Head
from .tail import Tail, pieces, segment_name, segments_in

LOCK: Final = "lock"
ACKNOWLEDGED: Final = "acknowledged"
MAX_GROUP: Final = 2 * 1_048_576
"""The most bytes that are written and flushed at once, and so the largest tail that a crash can tear."""

_ACKNOWLEDGED_FORM: Final = b"%016d %016d "
_ACKNOWLEDGED_BYTES: Final = 16 + 1 + 16 + 1 + 16
_FIRST_PAUSE: Final = 0.0001
_LONGEST_PAUSE: Final = 0.002


@frozen
class Receipt:
    """What is known of a record that is on the disk: its number, its hash, and when it was written."""

    seq: int
    hash: str
    time: str
    epoch: int


@define
class Clock:
    """Where times come from: microseconds since 1970 in UTC, and microseconds that never go backwards."""

    wall: Callable[[], int] = lambda: time.time_ns() // 1000
    monotonic: Callable[[], int] = lambda: time.monotonic_ns() // 1000


class Writer:
    """The one who writes, for one process; not safe to share between threads: `Log` sees to that.

    Every method but `close` expects the lock to be held, which `held` does.
    """

    def __init__(self, disk: Disk, folder: str, clock: Clock, wait: float) -> None:
        """Take over a folder that exists; `wait` is how many seconds another writer may take."""
        self.disk = disk
        self.folder = folder
        self.clock = clock
        self.tail = Tail()
        self.epoch = 0
        self.segment_bytes = 0
        self.failure: LogError | None = None
        self._wait = wait
        self._fd = self._open_segment = -1
        self._caught_up = False
        self._lock = disk.open(os.path.join(folder, LOCK), write=True, create=True)
        try:
            self._noted = disk.open(os.path.join(folder, ACKNOWLEDGED), write=True, create=True)
        except OSError:
            disk.close(self._lock)
            raise

    def close(self) -> None:
        """Close all files; a lock that is held goes with its file."""
        for fd in (self._fd, self._noted, self._lock):
            if fd >= 0:
                self.disk.close(fd)
        self._fd = self._noted = self._lock = -1

    # --- the lock

    def lock(self) -> None:
        """Become the only writer; raise `LogError` if another one stays for too long."""
        deadline, pause = 0.0, _FIRST_PAUSE
        while not self._try_lock():
            deadline = deadline or time.monotonic() + self._wait
            if time.monotonic() >= deadline:
                raise LogError("locked", f"another process has kept the log locked for {self._wait:g} seconds")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _try_lock(self) -> bool:
        try:
            return self.disk.lock(self._lock)
        except OSError as error:
            raise refused("the log cannot be locked", error) from None

    def unlock(self) -> None:
        """Let others write."""
        self.disk.unlock(self._lock)

    # --- what is there

    def catch_up(self) -> dict[str, Json] | None:
        """Move the tail behind everything that is stored; return the body of a `recovery` record where one is due."""
        found: dict[str, Json] | None = None
        read = not self._caught_up
        while True:
            fd = self._segment()
            size = self.disk.size(fd)
            if size < self.tail.end:
                raise self._damaged(size, f"the file ends here, but {self.tail.end} bytes were acknowledged")
            if size > self.tail.end:
                found, read = self._read_on(fd, size) or found, True
            if self.tail.end < self.segment_bytes or not self._has_next():
                break
            self.tail.next_segment()
        if read and (noted := self.acknowledged()) is not None and noted > (self.tail.segment, self.tail.end):
            raise self._damaged(self.tail.end, "records that were acknowledged are missing behind here")
        self._caught_up = True
        return found

    def _segment(self) -> int:
        """Return the newest segment, open for writing."""
        tail = self.tail
        if self._open_segment != tail.segment:
            fresh = self.disk.open(os.path.join(self.folder, segment_name(tail.segment)), write=True, create=True)
            if self._fd >= 0:
                self.disk.close(self._fd)
            self._fd, self._open_segment = fresh, -1
            if tail.end == 0:
                self.disk.flush_folder(self.folder)
            self._open_segment = tail.segment
        return self._fd

    def _later_segment(self) -> bool:
        return any(first > self.tail.segment for first in segments_in(self.disk.names(self.folder)))

    def _has_next(self) -> bool:
        return self.tail.size > self.tail.segment and self._later_segment()

    def _read_on(self, fd: int, size: int) -> dict[str, Json] | None:
        """Read what others wrote behind the tail; keep what is whole and cut what is torn."""
        tail, before = self.tail, self.tail.end
        noted = self.acknowledged() or (0, 0)
        if noted[0] > tail.segment or self._later_segment():
            sure = size
        else:
            sure = noted[1] if noted[0] == tail.segment else 0
        cut: bytes | None = None
        for at, line in pieces(self.disk, fd, tail.end, size):
            wrong = tail.problem(line)
            head = None if wrong else framing.head_of(framing.json_of(line))
            if head is None:
                cut = self._torn(fd, at, size, sure, wrong or "is no record")
                break
            tail.advance(line, head)
        if cut is not None:
            self.disk.truncate(fd, tail.end)
        elif tail.end <= sure:
            return None
        if tail.end > max(sure, before):
            self._write_again(fd, max(sure, tail.commit_at))
        self.disk.flush(fd)
        self._note()
        return self._found(cut, sure, before)

    def _torn(self, fd: int, at: int, size: int, sure: int, wrong: str) -> bytes:
        """Return the end of a file that is no record, or raise `LogError` if somebody may have got an answer for it."""
        if at < sure:
            raise self._damaged(at, f"what begins here {wrong}, and it was acknowledged")
        if size - at > MAX_GROUP:
            raise self._damaged(at, f"what begins here {wrong}, and {size - at} bytes follow: more than one write")
        due = self.tail.size
        for offset, line in pieces(self.disk, fd, at, size):
            head = framing.head_of(framing.json_of(line)) if line.endswith(b"\n") else None
            if head is not None and head.commit > due:
                raise self._damaged(at, f"what begins here {wrong}, and a later commit follows at byte {offset}")
        return self.disk.read(fd, size - at, at)

    def _write_again(self, fd: int, start: int) -> None:
        """Write whole records again that nobody is known to have flushed."""
        start = min(start, self.tail.end)
        write_all(self.disk, fd, self.disk.read(fd, self.tail.end - start, start), start)

    def _found(self, cut: bytes | None, sure: int, before: int) -> dict[str, Json]:
        """Return the body of a record that says what was cut, and from which record on answers are uncertain."""
        body: dict[str, Json] = {"segment": segment_name(self.tail.segment), "size": self.tail.size}
        if self.tail.end > max(sure, before):
            body["uncertain_from"] = self.tail.commit
        if cut is not None:
            body["cut"] = {"bytes": len(cut), "offset": self.tail.end, "sha256": sha256(cut).hexdigest()}
        return body

    def _damaged(self, offset: int, message: str) -> LogError:
        where = f"record {self.tail.size}, {segment_name(self.tail.segment)}, byte {offset}"
        return LogError("damaged", f"{where}: {message}; run `kynara audit verify {self.folder}`")

    # --- what was answered

    def acknowledged(self) -> tuple[int, int] | None:
        """Return segment and size up to which answers were given at least, or None if nothing says so."""
        content = self.disk.read(self._noted, _ACKNOWLEDGED_BYTES + 1, 0)
        text, check = content[:34], content[34:]
        if len(content) != _ACKNOWLEDGED_BYTES or check != _check(text):
            return None
        return int(text[:16]), int(text[17:33])

    def _note(self) -> None:
        text = _ACKNOWLEDGED_FORM % (self.tail.segment, self.tail.end)
        write_all(self.disk, self._noted, text + _check(text), 0)

    # --- writing

    def append(self, entries: Sequence[tuple[str, bytes]]) -> list[Receipt]:
        """Write and flush some records, given by kind and canonical body; all are on the disk when this returns.

        Raises `LogError` if they are not. A write that failed is undone; if that fails too, or a flush does, then
        `failure` is set and the writer is not to be used any more.
        """
        if self.tail.end >= self.segment_bytes:
            self.tail.next_segment()
        tail, lines, receipts = self._lines(entries)
        data = b"".join(lines)
        try:
            fd = self._segment()
        except OSError as error:
            raise refused("a new segment cannot be made", error) from None
        try:
            write_all(self.disk, fd, data, self.tail.end)
        except OSError as error:
            self._undo(fd)
            raise refused("the record cannot be written", error) from None
        try:
            self.disk.flush(fd)
            self.tail = tail
            self._note()
        except OSError as error:
            raise self.fail(f"the record may not be on the disk ({error.strerror or error})") from None
        return receipts

    def _lines(self, entries: Sequence[tuple[str, bytes]]) -> tuple[Tail, list[bytes], list[Receipt]]:
        """Make the lines of some records, and the tail behind them."""
        now = self.tail
        tail = now.copy()
        lines: list[bytes] = []
        receipts: list[Receipt] = []
        moment, monotonic = framing.time_text(self.clock.wall()), max(0, self.clock.monotonic())
        for kind, body in entries:
            epoch = 0 if kind == "genesis" else self.epoch
            head = Head(now.size, epoch, kind, now.log, monotonic, tail.size, moment, framing.VERSION)
            text = framing.record_json(body, head)
            digest = framing.chained(tail.hash, text)
            line = framing.line_of(text, digest)
            tail.advance(line, head)
            lines.append(line)
            receipts.append(Receipt(head.seq, digest.hex(), moment, epoch))
        return tail, lines, receipts

    def _undo(self, fd: int) -> None:
        """Take back a write that failed half-way."""
        try:
            self.disk.truncate(fd, self.tail.end)
        except OSError as error:
            self.fail(f"a write failed and cannot be undone ({error.strerror or error})")

    def fail(self, reason: str) -> LogError:
        """Write nothing any more, and return the error that says so from now on."""
        self.failure = LogError(
            "failed", f"{reason}: this log takes no more records from this process; open it again to see what is there"
        )
        return self.failure


def _check(text: bytes) -> bytes:
    """Return a short hash by which a half-written note is known."""
    return sha256(text).hexdigest()[:16].encode()


def canonical_body(body: object) -> bytes:
    """Return the bytes of the body of a record; raise `LogError` if it cannot be one."""
    found = canonical(body)
    if not found.startswith(b"{"):
        raise LogError("not-json", "the body of a record is an object")
    if len(found) > framing.MAX_RECORD:
        raise framing.too_large(len(found))
    return found


def opened(error: OSError, folder: str) -> LogError:
    """Return what it means that a log cannot be opened."""
    if error.errno in (errno.ELOOP, errno.EINVAL):
        return LogError("damaged", f"{folder}: {error.strerror or error}; a log is a folder of regular files")
    return refused(f"{folder}: the log cannot be opened", error)
