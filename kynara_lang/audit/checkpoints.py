"""Makes checkpoints while a log is written, keeps the newest beside it and delivers each to places outside.

The log's own copy is replaced before any place gets the checkpoint. If no place takes it, the log takes no more records
until one does: otherwise what nobody outside knows of would grow without bound.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from .disk import Disk, read_whole, write_whole
from .faults import LogError, refused
from .keys import SigningKey
from .notes import MAX_NOTE, Checkpoint, read_note
from .opening import keep_tail
from .places import Place
from .tail import Tail

CHECKPOINT: Final = "checkpoint"


class Checkpointer:
    """Signs and delivers for one process; used under the lock of the log only."""

    def __init__(self, disk: Disk, folder: str, key: SigningKey, places: Sequence[Place], every: int) -> None:
        """Take a key, at least one place, and after how many records a checkpoint is due."""
        self.key = key
        self.public = key.public
        self.every = every
        self.size = 0
        self.troubles: dict[str, str] = {}
        self.undelivered: LogError | None = None
        self._disk = disk
        self._folder = folder
        self._places = tuple(places)

    def known(self) -> Checkpoint | None:
        """Return the log's own newest checkpoint; raise `LogError` if it is not this key's."""
        try:
            note = read_whole(self._disk, os.path.join(self._folder, CHECKPOINT), MAX_NOTE)
        except OSError as error:
            raise refused("the log's own checkpoint cannot be read", error) from None
        if note is None:
            return None
        try:
            return read_note(note, self.public)
        except LogError as error:
            raise LogError(error.code, f"{self._folder}: the log's own checkpoint: {error.message}") from None

    def held(self, log: str | None) -> list[tuple[str, Checkpoint]]:
        """Return what is known of a log here and outside, each with the name of its place."""
        own = self.known()
        found = [] if own is None else [("the log's own checkpoint", own)]
        for place in self._places:
            note = None if log is None else place.newest(log)
            if note is not None:
                found.append((place.name, read_note(note, self.public)))
        return found

    def check(self, tail: Tail, held: Sequence[tuple[str, Checkpoint]]) -> None:
        """Raise `LogError` unless a log extends every checkpoint; `tail.marks` has the root at the size of each."""
        for where, checkpoint in held:
            if checkpoint.size > tail.size:
                message = f"{where} is of {checkpoint.size} records, but the log has {tail.size}: it was cut"
                raise LogError("damaged", message)
            if checkpoint.log != tail.log:
                raise LogError("damaged", f"{where} is of another log, {checkpoint.log}")
            if tail.marks.get(checkpoint.size) != checkpoint.root:
                message = f"the log does not extend {where}: one of its first {checkpoint.size} records was changed"
                raise LogError("damaged", message)
            self.size = max(self.size, checkpoint.size)

    def due(self, size: int) -> bool:
        """Tell whether a log of this size needs a checkpoint."""
        return size - self.size >= self.every or self.undelivered is not None

    def make(self, tail: Tail) -> str:
        """Sign the end of the log and deliver it; raise `LogError` if that fails, and again until it does not."""
        note = Checkpoint(tail.log, tail.size, tail.tree.root()).signed(self.key)
        self.undelivered = LogError("undelivered", "a checkpoint was begun and not delivered")
        try:
            write_whole(self._disk, os.path.join(self._folder, CHECKPOINT), note.encode())
            keep_tail(self._disk, self._folder, tail)
        except OSError as error:
            self.undelivered = refused("the checkpoint cannot be written", error)
            raise self.undelivered from None
        self._deliver(tail.log, note)
        self.size, self.undelivered = tail.size, None
        return note

    def _deliver(self, log: str, note: str) -> None:
        """Give a checkpoint to every place; one that takes it is enough."""
        self.troubles = {}
        for place in self._places:
            try:
                place.deliver(log, note)
            except LogError as error:
                self.troubles[place.name] = error.message
        if len(self.troubles) == len(self._places):
            reasons = "; ".join(self.troubles.values())
            self.undelivered = LogError("undelivered", f"no place outside the log took its checkpoint: {reasons}")
            raise self.undelivered
