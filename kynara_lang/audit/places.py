"""Where checkpoints go, outside the folder of the log: with one of them anybody can tell that a log was rewritten."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Final, Protocol, TextIO

from attrs import frozen

from .disk import DISK, Disk, read_whole, write_whole
from .faults import LogError, needs_extra, refused
from .notes import MAX_NOTE, read_note

try:
    import syslog
except ImportError:  # pragma: no cover - Windows
    syslog = None  # type: ignore[assignment]

_MAX_REPLY: Final = 1_048_576


class Place(Protocol):
    """Somewhere outside the log's folder."""

    @property
    def name(self) -> str:
        """What to call the place in messages."""

    def deliver(self, log: str, note: str) -> None:
        """Take a checkpoint; raise `LogError` if that fails."""

    def newest(self, log: str) -> bytes | None:
        """Return the newest checkpoint that is held for a log; None if there is none, or it is not kept."""


@frozen
class Folder:
    """A folder, best on another machine or under another account: it holds the newest checkpoint of each log."""

    path: str
    disk: Disk = DISK

    @property
    def name(self) -> str:
        """What to call the place in messages."""
        return f"the folder {self.path}"

    def file(self, log: str) -> str:
        """Return where the newest checkpoint of a log is kept."""
        return os.path.join(self.path, f"{log}.checkpoint")

    def deliver(self, log: str, note: str) -> None:
        """Keep a checkpoint in place of an older one, never of a newer one."""
        held = self.newest(log)
        if held is not None and read_note(held).size > read_note(note).size:
            raise LogError("damaged", f"{self.file(log)} holds a checkpoint of more records than the log has")
        try:
            self.disk.make_folder(self.path)
            write_whole(self.disk, self.file(log), note.encode())
        except OSError as error:
            raise refused(f"{self.name} did not take the checkpoint", error) from None

    def newest(self, log: str) -> bytes | None:
        """Return the checkpoint that is held for a log."""
        try:
            return read_whole(self.disk, self.file(log), MAX_NOTE)
        except OSError as error:
            raise refused(f"{self.name} cannot be read", error) from None


@frozen
class Lines:
    """A stream, by default standard output: one line of JSON for each checkpoint, for whoever collects them."""

    stream: TextIO | None = None

    @property
    def name(self) -> str:
        """What to call the place in messages."""
        return "standard output" if self.stream is None else "the stream"

    def deliver(self, log: str, note: str) -> None:
        """Write a line, and flush it."""
        stream = sys.stdout if self.stream is None else self.stream
        try:
            stream.write(_line(note) + "\n")
            stream.flush()
        except (OSError, ValueError) as error:
            raise LogError("undelivered", f"{self.name} did not take the checkpoint: {error}") from None

    def newest(self, log: str) -> bytes | None:
        """Return None: what was written is gone."""
        return None


@frozen
class SystemLog:
    """The system's log (syslog): one line of JSON for each checkpoint."""

    @property
    def name(self) -> str:
        """What to call the place in messages."""
        return "the system's log"

    def deliver(self, log: str, note: str) -> None:
        """Send a line."""
        if syslog is None:  # pragma: no cover - Windows
            raise LogError("settings", "this system has no syslog; name a folder instead")
        syslog.syslog(syslog.LOG_INFO | syslog.LOG_AUTH, _line(note))

    def newest(self, log: str) -> bytes | None:
        """Return None: what was sent is gone."""
        return None


@frozen
class Timestamps:
    """A time-stamp authority (RFC 3161), which signs that a checkpoint existed at a time; a folder keeps its replies.

    For each checkpoint the folder gets `LOG.SIZE.checkpoint` and `LOG.SIZE.tsr`, the authority's reply, which
    `openssl ts -verify` checks against the first.
    """

    url: str
    folder: str
    timeout: float = 10.0
    disk: Disk = DISK

    @property
    def name(self) -> str:
        """What to call the place in messages."""
        return f"the time-stamp authority {self.url}"

    def deliver(self, log: str, note: str) -> None:
        """Have a checkpoint stamped, and keep the reply."""
        reply = self._stamped(note.encode())
        base = os.path.join(self.folder, f"{log}.{read_note(note).size}")
        try:
            self.disk.make_folder(self.folder)
            write_whole(self.disk, f"{base}.checkpoint", note.encode())
            write_whole(self.disk, f"{base}.tsr", reply)
        except OSError as error:
            raise refused(f"the reply of {self.name} cannot be kept", error) from None

    def newest(self, log: str) -> bytes | None:
        """Return None: an authority stamps and does not keep."""
        return None

    def _stamped(self, content: bytes) -> bytes:
        try:
            from rfc3161_client import PKIStatus, TimestampRequestBuilder, decode_timestamp_response
        except ImportError:
            raise needs_extra("rfc3161-client", "timestamp", "time stamps") from None
        if not self.url.startswith(("https://", "http://")):
            raise LogError("settings", f"{self.name}: the address begins with `https://` or `http://`")
        request = TimestampRequestBuilder().data(content).nonce(nonce=True).cert_request(cert_request=True).build()
        call = urllib.request.Request(
            self.url, request.as_bytes(), {"Content-Type": "application/timestamp-query"}, method="POST"
        )
        try:
            with urllib.request.urlopen(call, timeout=self.timeout) as answer:
                reply: bytes = answer.read(_MAX_REPLY)
            found = decode_timestamp_response(reply)
        except (OSError, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise LogError("undelivered", f"{self.name} did not answer: {reason}") from None
        if PKIStatus(found.status) not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            raise LogError("undelivered", f"{self.name} refused to stamp the checkpoint (status {found.status})")
        imprint, stated = request.message_imprint, found.tst_info.message_imprint
        if stated.message != imprint.message or found.tst_info.nonce != request.nonce:
            raise LogError("undelivered", f"{self.name} stamped something else than the checkpoint")
        return reply


def as_place(place: Place | str | os.PathLike[str], log_folder: str) -> Place:
    """Return a place that was given itself or as a folder; raise `LogError` for one inside the log's own folder."""
    found: Place = Folder(os.path.abspath(os.fspath(place))) if isinstance(place, str | os.PathLike) else place
    inner = found.folder if isinstance(found, Timestamps) else found.path if isinstance(found, Folder) else None
    if inner is not None:
        whole = os.path.realpath(log_folder)
        if os.path.commonpath([whole, os.path.realpath(inner)]) == whole:
            raise LogError("settings", f"{inner} is inside the log's folder, where checkpoints prove nothing")
    return found


def _line(note: str) -> str:
    return "kynara-checkpoint " + json.dumps(note)
