"""Verifies a log: that nothing in it was changed, and that it is all there, as far as that can be known.

What can be known depends on what the verifier brings along. From the folder alone: that records, chain and numbers fit
together, which finds accidents and clumsy hands. With the public key: that the log extends a checkpoint that was
signed, which nobody without the private key can make for another log. With a checkpoint that was kept elsewhere: that
the log extends that very one, so that neither an older copy nor a rewritten one passes. `Verdict.level` says which.

The log is read once, record by record. Reading stops at the first record that is not in order: what stands behind it
hangs on a broken chain, and nothing can be said about it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from attrs import define, field, frozen

from . import framing
from .checkpoints import CHECKPOINT
from .disk import DISK, Disk, read_whole
from .encoding import text_problem
from .faults import LogError
from .framing import Head
from .keys import VerifyingKey, as_verifying_key
from .notes import MAX_NOTE, Checkpoint, read_note
from .reading import Segment, snapshot
from .tail import Tail, pieces, segment_name

Problem: TypeAlias = Literal[
    "missing",  # there is no log, or a segment of it is not there
    "unreadable",  # a file is not a regular one, or the system does not give it
    "changed",  # a record is not what was written
    "torn",  # the end of the last file is no whole record
    "short",  # the log has fewer records than it must have
    "rewritten",  # the log does not extend a checkpoint
    "unsigned",  # there is no checkpoint of the pinned key
    "other-log",  # it is not the log that was asked about
]

Progress: TypeAlias = Callable[[int, int], None]

_STEP: Final = 1 << 20
_MAX_OBSERVATIONS: Final = 1000


class Level(StrEnum):
    """What a verdict rests on, from the least to the most."""

    CHAIN = "chain only"
    SIGNED = "signed"
    HELD = "checkpoint held elsewhere"


def _pinned(key: VerifyingKey | str | os.PathLike[str] | None) -> VerifyingKey | None:
    return None if key is None else as_verifying_key(key)


@frozen
class Policy:
    """What a verifier knows beforehand: the key, the newest checkpoint it holds, the least size, the log's identity."""

    key: VerifyingKey | None = field(default=None, converter=_pinned)
    checkpoint: str | bytes | None = None
    size: int = 0
    log: str | None = None

    @property
    def level(self) -> Level:
        """What a verdict under this policy rests on."""
        if self.checkpoint is not None:
            return Level.HELD
        return Level.SIGNED if self.key is not None else Level.CHAIN


@frozen
class Finding:
    """Something that is wrong: what, and at which record, file and byte, as far as it has a place."""

    code: Problem
    message: str
    seq: int | None = None
    segment: str | None = None
    offset: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "code": self.code,
            "message": self.message,
            "seq": self.seq,
            "segment": self.segment,
            "offset": self.offset,
        }


@frozen
class Verdict:
    """What was found. `signed` is how many records the newest checkpoint covers that the log was compared with."""

    level: Level
    findings: tuple[Finding, ...]
    observations: tuple[str, ...]
    log: str | None
    size: int
    root: bytes
    hash: bytes
    signed: int
    first_time: str | None
    last_time: str | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, as far as the level goes."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "ok": self.ok,
            "level": str(self.level),
            "findings": [finding.to_dict() for finding in self.findings],
            "observations": list(self.observations),
            "log": self.log,
            "size": self.size,
            "root": self.root.hex(),
            "hash": self.hash.hex(),
            "signed": self.signed,
            "first_time": self.first_time,
            "last_time": self.last_time,
        }


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def verify(
    path: str | os.PathLike[str],
    policy: Policy | None = None,
    *,
    progress: Progress | None = None,
    disk: Disk = DISK,
) -> Verdict:
    """Verify a log under a policy; never raises for anything that a folder can contain.

    `progress` is called with how many bytes of how many were read. Raises `LogError` where the policy itself is
    unusable: a checkpoint that is none, or not the key's.
    """
    policy = policy or Policy()
    held = None if policy.checkpoint is None else read_note(policy.checkpoint, policy.key)
    check = _Check(os.fspath(path), policy, disk, held)
    check.run(progress or _no_progress)
    return check.verdict()


@define(eq=False)
class _Check:
    """One verification on its way."""

    folder: str
    policy: Policy
    disk: Disk
    held: Checkpoint | None
    tail: Tail = field(factory=Tail)
    findings: list[Finding] = field(factory=list)
    observations: list[str] = field(factory=list)
    signed: int = 0
    first: Head | None = None
    last: Head | None = None

    def run(self, progress: Progress) -> None:
        """Read everything and compare it with the policy."""
        own = self._own_checkpoint()
        self.tail.marks = {c.size: b"" for c in (own, self.held) if c is not None}
        try:
            segments = snapshot(self.disk, self.folder)
        except LogError as error:
            self._find("missing" if error.code == "missing" else "unreadable", error.message)
            return
        if not self._read(segments, progress):
            return
        if self.policy.log is not None and self.tail.log != self.policy.log:
            self._find("other-log", f"this is log {self.tail.log}, not {self.policy.log}")
        if self.tail.size < self.policy.size:
            self._find("short", f"the log has {self.tail.size} records, and must have {self.policy.size} at least")
        if self.held is not None:
            self._extends(self.held, "the checkpoint that you hold")
        if own is not None:
            self._extends(own, "its own checkpoint")

    def _read(self, segments: Sequence[Segment], progress: Progress) -> bool:
        """Read all segments; tell whether every record is in order."""
        total, done = sum(segment.size for segment in segments), 0
        for number, segment in enumerate(segments):
            if segment.first != self.tail.size:
                message = f"{segment_name(self.tail.size)} is missing: {segment.name} begins with a later record"
                if segment.first < self.tail.size:
                    message = f"{segment.name} should not be there: the file before it has that record already"
                self._find("missing", message, self.tail.size)
                return False
            self.tail.segment, self.tail.end = segment.first, 0
            last = number == len(segments) - 1
            if not self._read_segment(segment, last, lambda at, before=done: progress(before + at, total)):  # type: ignore[misc]
                return False
            done += segment.size
        progress(done, total)
        if self.tail.size == 0:
            self._find("missing", "the log is empty; even one that nobody used has a genesis record")
        return self.tail.size > 0

    def _read_segment(self, segment: Segment, last: bool, progress: Callable[[int], None]) -> bool:
        try:
            fd = self.disk.open(os.path.join(self.folder, segment.name))
        except OSError as error:
            self._find("unreadable", f"cannot be read: {error.strerror or error}", self.tail.size, segment.name)
            return False
        told = 0
        try:
            for offset, line in pieces(self.disk, fd, 0, segment.size):
                wrong = self._take(line)
                if wrong is not None:
                    torn = last and offset + len(line) == segment.size and not line.endswith(b"\n")
                    self._broken(wrong, segment, offset, torn)
                    return False
                if offset - told >= _STEP:
                    progress(told := offset)
            if self.tail.end != segment.size:
                message = f"the file became shorter while it was read: {self.tail.end} of {segment.size} bytes"
                self._find("changed", message, self.tail.size, segment.name, self.tail.end)
        except OSError as error:
            self._find("unreadable", f"cannot be read: {error.strerror or error}", self.tail.size, segment.name)
        finally:
            self.disk.close(fd)
        return not self.findings or self.findings[-1].segment != segment.name

    def _take(self, line: bytes) -> str | None:
        """Move on behind a line, or say what is wrong with it."""
        wrong = framing.line_problem(line, self.tail.hash)
        if wrong is not None:
            return wrong
        text = framing.json_of(line)
        head = framing.head_of(text)
        if head is None:
            return "does not end as a record does"
        wrong = self.tail.head_problem(head) or text_problem(text)
        if wrong is None:
            self._observe(head, text)
            self.tail.advance(line, head)
        return wrong

    def _observe(self, head: Head, text: bytes) -> None:
        """Remember what is worth knowing and not wrong."""
        if self.first is None:
            self.first = head
        if self.last is not None and head.time < self.last.time:
            self._remark(f"the clock went back before record {head.seq}, from {self.last.time} to {head.time}")
        if head.kind == "recovery":
            cut = json.loads(text)["body"].get("cut")
            torn = f"cut {cut.get('bytes')} bytes that were no record" if isinstance(cut, Mapping) else "cut nothing"
            self._remark(f"record {head.seq} is a recovery after a crash, at {head.time}: it {torn}")
        self.last = head

    def _remark(self, text: str) -> None:
        if len(self.observations) < _MAX_OBSERVATIONS:
            self.observations.append(text)

    def _broken(self, wrong: str, segment: Segment, offset: int, torn: bool) -> None:
        if torn:
            count = segment.size - offset
            message = (
                f"the last {count} bytes are no whole record: the end was cut off, or a writer died; "
                "opening the log for writing cuts them off and records that"
            )
            self._find("torn", message, self.tail.size, segment.name, offset)
        else:
            self._find("changed", f"record {self.tail.size} {wrong}", self.tail.size, segment.name, offset)

    # --- checkpoints

    def _own_checkpoint(self) -> Checkpoint | None:
        """Return the log's own checkpoint, if it counts."""
        key = self.policy.key
        try:
            note = read_whole(self.disk, os.path.join(self.folder, CHECKPOINT), MAX_NOTE)
        except OSError as error:
            self._find("unreadable", f"the log's own checkpoint cannot be read: {error.strerror or error}")
            return None
        if note is None:
            if key is not None:
                self._find("unsigned", f"the log has no checkpoint, and one of the key `{key.name}` is demanded")
            return None
        try:
            return read_note(note, key)
        except LogError as error:
            code: Problem = "unsigned" if error.code == "key" else "changed"
            self._find(code, f"the log's own checkpoint: {error.message}")
            return None

    def _extends(self, checkpoint: Checkpoint, what: str) -> None:
        """Compare the log with a checkpoint that it must extend."""
        size = checkpoint.size
        if checkpoint.log != self.tail.log:
            self._find("other-log", f"{what} is of log {checkpoint.log}, and this is log {self.tail.log}")
        elif size > self.tail.size:
            found = f"the log has {self.tail.size}: the end was cut off, or this is an older copy"
            self._find(
                "short",
                f"{what} is of {size} records, and {found}",
                self.tail.size,
                segment_name(self.tail.segment),
                self.tail.end,
            )
        elif size == 0 or self.tail.marks[size] != checkpoint.root:
            self._find("rewritten", f"the log does not extend {what}: among records 0 to {size - 1}, some were changed")
        else:
            self.signed = max(self.signed, size)

    def _find(
        self, code: Problem, message: str, seq: int | None = None, segment: str | None = None, offset: int | None = None
    ) -> None:
        self.findings.append(Finding(code, message, seq, segment, offset))

    def verdict(self) -> Verdict:
        """Return what was found."""
        tail = self.tail
        return Verdict(
            self.policy.level,
            tuple(self.findings),
            tuple(self.observations),
            tail.log or None,
            tail.size,
            tail.tree.root(),
            tail.hash,
            self.signed,
            None if self.first is None else self.first.time,
            None if self.last is None else self.last.time,
        )
