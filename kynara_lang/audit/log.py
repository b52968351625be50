"""The log that programs append to: many threads and processes, one chain, no answer before a record is on the disk.

Threads that append at the same time share one write and one flush. The first to come leads: it writes what has
gathered, flushes, and wakes everybody whose record is on the disk; if more came in the meantime, the first of those
leads next. So a lone caller waits for no other thread, and many callers pay for one flush together.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final

from . import framing
from .checkpoints import Checkpointer
from .disk import DISK, Disk
from .encoding import Json, canonical
from .faults import LogError
from .framing import Head
from .keys import SigningKey, as_signing_key
from .opening import find_tail, genesis_body, keep_tail, open_body, read_beginning
from .places import Place, as_place
from .writer import Clock, Receipt, Writer, canonical_body, opened

__all__ = ["Log", "LogError", "Receipt"]

OWN_KINDS: Final = frozenset({"genesis", "open", "close", "recovery"})
"""Kinds of records that only the log itself writes."""

MAX_BATCH: Final = 1_048_576
"""The most bytes that are written and flushed at once."""

_KEEP_EVERY: Final = 10_000
_NO_PLACE: Final = (
    "a key alone is not enough: checkpoints must reach a place outside the log, or whoever replaces the log replaces "
    'them too; for instance Log.open(…, key=…, checkpoints=["/var/lib/witness"])'
)
_NEEDS_KEY: Final = (
    "this log signs its checkpoints; open it with its key, or with keyless=True to add records that others sign"
)
_UNSIGNED: Final = 'checkpoints are signed: give a key too, for instance Log.open(…, key="audit.key", checkpoints=[…])'
_LARGEST: Final = 10**16 - 1
_MAX_BODY: Final = framing.MAX_RECORD - len(
    framing.record_json(b"", Head(_LARGEST, _LARGEST, "k" * 32, "0" * 32, _LARGEST, _LARGEST, "t" * 27, 1))
)


class _Entry:
    """A record on its way, and the thread that waits for it."""

    __slots__ = ("body", "error", "gate", "kind", "leads", "receipt")

    def __init__(self, kind: str, body: bytes) -> None:
        self.kind = kind
        self.body = body
        self.gate = threading.Lock()
        self.gate.acquire()
        self.receipt: Receipt | None = None
        self.error: LogError | None = None
        self.leads = False

    @property
    def waits(self) -> bool:
        """Whether nobody wrote the record yet, or said why not."""
        return self.receipt is None and self.error is None


class Log:
    """A log that is open for appending; threads can share it, and other processes can have it open too."""

    def __init__(self, writer: Writer, checkpointer: Checkpointer | None, keyless: bool) -> None:
        """Take over a writer that caught up; use `Log.open`."""
        self._keyless = keyless
        self._writer = writer
        self._checkpointer = checkpointer
        self._owner = os.getpid()
        self._closed = False
        self._mutex = threading.Lock()  # guards the queue
        self._writing = threading.Lock()  # guards the writer
        self._queue: deque[_Entry] = deque()
        self._led = False
        self._kept = 0
        self._stop = threading.Event()

    # --- opening and closing

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        key: SigningKey | str | os.PathLike[str] | None = None,
        checkpoints: Iterable[Place | str | os.PathLike[str]] = (),
        every: int = 1000,
        seconds: float | None = 60.0,
        segment_bytes: int = 64 * 1_048_576,
        wait: float = 10.0,
        keyless: bool = False,
        clock: Clock | None = None,
        disk: Disk = DISK,
    ) -> Log:
        """Open a log, or begin one in a folder that is empty or missing; raise `LogError` if that cannot be done.

        `key` signs checkpoints, which go to every place of `checkpoints` (a folder, or one of `places.py`) each
        `every` records, after `seconds` in which something was added, and on closing. There must be one place at least
        outside the log's folder. `segment_bytes` says when a new file is begun; it is settled when the log begins.
        `wait` is how many seconds another process may keep the log to itself. `keyless` says that a signed log is
        opened without its key, to add to it: other processes, which have the key, sign what this one adds.
        """
        folder = os.path.abspath(os.fspath(path))
        signing = as_signing_key(key)
        places = tuple(as_place(place, folder) for place in checkpoints)
        if min(every, segment_bytes) < 1 or wait < 0 or (seconds is not None and seconds <= 0):
            raise LogError("settings", "`every`, `seconds` and `segment_bytes` are greater than zero, `wait` not less")
        if (signing is None) != (not places):
            raise LogError("settings", _UNSIGNED if signing is None else _NO_PLACE)
        try:
            disk.make_folder(folder)
            writer = Writer(disk, folder, clock or Clock(), wait)
        except OSError as error:
            raise opened(error, folder) from None
        log = cls(writer, None if signing is None else Checkpointer(disk, folder, signing, places, every), keyless)
        ready = False
        try:
            writer.lock()
            log._begin(segment_bytes)
            writer.unlock()
            ready = True
        except OSError as error:
            raise opened(error, folder) from None
        finally:
            if not ready:
                writer.close()
        if signing is not None and seconds is not None:
            _start_timer(log, seconds)
        return log

    def _begin(self, segment_bytes: int) -> None:
        """Find the end of the log under the lock, begin it if there is none, and open an epoch."""
        writer, checkpointer = self._writer, self._checkpointer
        begun = read_beginning(writer.disk, writer.folder)
        if begun is not None and begun.key is not None and checkpointer is None and not self._keyless:
            raise LogError("settings", f"{writer.folder}: {_NEEDS_KEY}")
        held = [] if checkpointer is None else checkpointer.held(begun.log if begun else None)
        writer.segment_bytes = begun.segment_bytes if begun else segment_bytes
        writer.tail = find_tail(writer.disk, writer.folder, {c.size: c.root for _, c in held})
        recovery = writer.catch_up()
        if checkpointer is not None:
            checkpointer.check(writer.tail, held)
        entries: list[tuple[str, bytes]] = []
        if writer.tail.size == 0:
            if writer.acknowledged() not in (None, (0, 0)):
                raise LogError("damaged", f"{writer.folder}: records were acknowledged here, but there are none")
            writer.tail.log = secrets.token_hex(16)
            key = None if checkpointer is None else checkpointer.public.text
            entries.append(("genesis", canonical(genesis_body(segment_bytes, key))))
        writer.epoch = writer.tail.epoch + 1
        entries.append(("open", canonical(open_body(self._owner))))
        if recovery is not None:
            entries.append(("recovery", canonical(recovery)))
        writer.append(entries)
        self._kept = writer.tail.size

    def close(self) -> None:
        """Write a last record and a last checkpoint, and close the files; a second time does nothing.

        Raises `LogError` if the last record or checkpoint failed; the log is closed all the same.
        """
        with self._writing:
            if self._closed:
                return
            self._closed = True
            self._stop.set()
            try:
                if self._writer.failure is None and os.getpid() == self._owner:
                    self._write([("close", b"{}")], last=True)
            finally:
                self._writer.close()

    def __enter__(self) -> Log:
        """Return the log; leaving the `with` block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        self.close()

    # --- what is known of it

    @property
    def path(self) -> str:
        """The folder of the log."""
        return self._writer.folder

    @property
    def id(self) -> str:
        """The identity of the log: 32 hexadecimal digits, chosen at random when it began."""
        return self._writer.tail.log

    @property
    def troubles(self) -> dict[str, str]:
        """Places that did not take the newest checkpoint, each with the reason; some other place took it."""
        return {} if self._checkpointer is None else dict(self._checkpointer.troubles)

    # --- appending

    def append(self, kind: str, body: Mapping[str, Any]) -> Receipt:
        """Append a record and return when it is on the disk; raise `LogError` if that cannot be said.

        Then nothing was acknowledged: the record may be in the log or not, and whatever it would have allowed must not
        happen. Any thread can call this at any time.
        """
        if kind in OWN_KINDS:
            raise LogError("settings", f"records of kind `{kind}` are written by the log itself")
        framing.check_kind(kind)
        entry = _Entry(kind, canonical_body(body))
        if len(entry.body) > _MAX_BODY:
            raise framing.too_large(len(entry.body))
        try:
            with self._mutex:
                self._queue.append(entry)
                entry.leads, self._led = not self._led, True
            if not entry.leads:
                entry.gate.acquire()  # until a leader wrote the record, or this thread is to lead
            while entry.leads and entry.waits:
                self._serve()
        finally:
            self._leave(entry)
        if entry.error is not None:
            raise entry.error.again()
        assert entry.receipt is not None
        return entry.receipt

    def _leave(self, entry: _Entry) -> None:
        """Let the next one lead; a thread that was interrupted takes its record back if nobody took it yet."""
        if entry.leads or entry.waits:
            with self._mutex:
                if entry in self._queue:
                    self._queue.remove(entry)
                if entry.leads:
                    self._led = bool(self._queue)
                    if self._queue:
                        self._queue[0].leads = True
                        self._queue[0].gate.release()

    def _serve(self) -> None:
        """Write what has gathered, and tell everybody in it how that went."""
        error: LogError | None = LogError("failed", "the write was interrupted")
        batch: list[_Entry] = []
        receipts: list[Receipt] = []
        try:
            self._gather(batch)
            with self._writing:
                if self._closed:
                    raise LogError("closed", f"{self._writer.folder}: the log was closed")
                receipts = self._write([(entry.kind, entry.body) for entry in batch])
            error = None
        except LogError as found:
            error = found
        finally:
            for at, entry in enumerate(batch):
                entry.error = error
                entry.receipt = None if error else receipts[at]
                if not entry.leads:
                    entry.gate.release()

    def _gather(self, batch: list[_Entry]) -> None:
        """Move from the queue what is written at once."""
        size = 0
        with self._mutex:
            while self._queue and size < MAX_BATCH:
                batch.append(self._queue.popleft())
                size += len(batch[-1].body)

    def _write(self, entries: list[tuple[str, bytes]], *, last: bool = False) -> list[Receipt]:
        """Write under the lock, with what must come before and after; `_writing` is held."""
        writer, checkpointer = self._writer, self._checkpointer
        self._check_usable()
        writer.lock()
        try:
            recovery = self._caught_up()
            if checkpointer is not None and checkpointer.undelivered is not None:
                checkpointer.make(writer.tail)
            before = [] if recovery is None else [("recovery", canonical(recovery))]
            receipts = writer.append(before + entries)[len(before) :]
            self._after(last)
        finally:
            writer.unlock()
        return receipts

    def _caught_up(self) -> dict[str, Json] | None:
        """Read what other processes wrote; what the system refuses here is final, since nothing is known then."""
        try:
            return self._writer.catch_up()
        except OSError as error:
            raise self._writer.fail(f"the log cannot be read or flushed ({error.strerror or error})") from None

    def _after(self, last: bool) -> None:
        """Make a checkpoint where one is due; a failure stops the next record, not those that are on the disk."""
        writer, checkpointer = self._writer, self._checkpointer
        if checkpointer is None:
            if self._keyless:
                return
            if last or writer.tail.size - self._kept >= _KEEP_EVERY:
                with contextlib.suppress(OSError):  # the next one to open the log reads all of it then
                    keep_tail(writer.disk, writer.folder, writer.tail)
                self._kept = writer.tail.size
        elif last or checkpointer.due(writer.tail.size):
            with contextlib.suppress(*(() if last else (LogError,))):
                checkpointer.make(writer.tail)

    def _check_usable(self) -> None:
        if self._writer.failure is not None:
            raise self._writer.failure.again()
        if os.getpid() != self._owner:
            raise LogError("settings", "this log was opened before the process was forked; open it again in the child")

    # --- checkpoints

    def checkpoint(self) -> str:
        """Sign and deliver a checkpoint of everything that is in the log now, and return it."""
        with self._writing:
            return self._make_checkpoint()

    def _make_checkpoint(self) -> str:
        writer, checkpointer = self._writer, self._checkpointer
        if checkpointer is None:
            raise LogError("settings", "this log has no key, so there are no checkpoints")
        if self._closed:
            raise LogError("closed", f"{writer.folder}: the log was closed")
        self._check_usable()
        writer.lock()
        try:
            recovery = self._caught_up()
            if recovery is not None:
                writer.append([("recovery", canonical(recovery))])
            return checkpointer.make(writer.tail)
        finally:
            writer.unlock()

    def _checkpoint_if_added(self) -> None:
        """Make a checkpoint unless all that this process knows of has one; failures wait for the next record."""
        checkpointer = self._checkpointer
        assert checkpointer is not None
        with self._writing, contextlib.suppress(LogError):
            if not self._closed and (checkpointer.undelivered or self._writer.tail.size > checkpointer.size):
                self._make_checkpoint()


def _start_timer(log: Log, seconds: float) -> None:
    """Make checkpoints in the background until the log is closed or forgotten."""
    known, stop = weakref.ref(log), log._stop

    def run() -> None:
        while not stop.wait(seconds):
            found = known()
            if found is None:
                return
            found._checkpoint_if_added()
            del found

    threading.Thread(target=run, name="kynara-audit-checkpoints", daemon=True).start()
