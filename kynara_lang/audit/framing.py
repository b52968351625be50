"""The bytes of one record: how it is written, hashed and read again.

A stored line is

    LENGTH HASH JSON\\n

LENGTH: the number of bytes of JSON, eight hexadecimal digits. HASH: SHA-256, in hexadecimal digits, of the domain
`kynara-audit/1 record` with a line feed, the hash of the record before (32 bytes; zeros before the first), the length
of JSON (8 bytes, most significant first) and JSON. The hash of one record therefore depends on every byte of all before
it. The whole line, its line feed included, is the leaf of the Merkle tree.

JSON is canonical, so that its members stand in this order, and what the log adds to a body comes after it: `body`,
`commit`, `epoch`, `kind`, `log`, `monotonic`, `seq`, `time`, `version`. `commit` is the number of the first record that
was written and flushed together with this one: when a record has a greater `commit`, what came before was flushed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from .faults import LogError

VERSION: Final = 1
MAX_RECORD: Final = 65_536
"""The largest record: the bytes of its JSON."""

PREFIX: Final = 8 + 1 + 64 + 1
MAX_LINE: Final = PREFIX + MAX_RECORD + 1

START: Final = bytes(32)
"""What stands for the hash of the record before the first."""

DOMAIN: Final = b"kynara-audit/1 record\n"

_FORM: Final = (
    b'{"body":%b,"commit":%d,"epoch":%d,"kind":"%b","log":"%b","monotonic":%d,"seq":%d,"time":"%b","version":%d}'
)
_FRAME: Final = re.compile(rb"([0-9a-f]{8}) ([0-9a-f]{64}) ")
_NUMBER: Final = rb"(0|[1-9][0-9]{0,15})"
_TIME: Final = rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
_HEAD: Final = re.compile(
    rb',"commit":%b,"epoch":%b,"kind":"([a-z][a-z_-]{0,31})","log":"([0-9a-f]{32})","monotonic":%b,"seq":%b,"time":"%b",'
    rb'"version":([0-9]{1,4})\}\Z' % (_NUMBER, _NUMBER, _NUMBER, _NUMBER, _TIME)
)
_HEAD_BYTES: Final = 320
_KIND: Final = re.compile(r"[a-z][a-z_-]{0,31}")
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _BEGINNING) // timedelta(microseconds=1)
_LATEST: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _BEGINNING) // timedelta(microseconds=1)


class Head(NamedTuple):
    """What the log adds to a body."""

    commit: int
    epoch: int
    kind: str
    log: str
    monotonic: int
    seq: int
    time: str
    version: int


def check_kind(kind: str) -> None:
    """Raise `LogError` unless a word can be the kind of a record."""
    if not _KIND.fullmatch(kind):
        raise LogError("not-json", f"the kind of a record is a word in small letters, not {kind!r:.60}")


def record_json(body: bytes, head: Head) -> bytes:
    """Return the JSON of a record, from a body that is canonical JSON; raise `LogError` if it is too large."""
    text = (
        b'{"body":%b,"commit":%d,"epoch":%d,"kind":"%b","log":"%b","monotonic":%d,"seq":%d,"time":"%b","version":%d}'
        % (
            body,
            head.commit,
            head.epoch,
            head.kind.encode(),
            head.log.encode(),
            head.monotonic,
            head.seq,
            head.time.encode(),
            head.version,
        )
    )
    if len(text) > MAX_RECORD:
        raise too_large(len(text))
    return text


def too_large(size: int) -> LogError:
    """Return the complaint about a record of so many bytes."""
    return LogError(
        "too-large", f"the record has {size} bytes, more than {MAX_RECORD}: nothing is cut short or left out"
    )


def chained(before: bytes, text: bytes) -> bytes:
    """Return the hash of a record, from the hash of the one before and its JSON."""
    return sha256(b"%b%b%b%b" % (DOMAIN, before, len(text).to_bytes(8, "big"), text)).digest()


def line_of(text: bytes, digest: bytes) -> bytes:
    """Return the stored line of a record."""
    return b"%08x %b %b\n" % (len(text), digest.hex().encode(), text)


def json_of(line: bytes) -> bytes:
    """Return the JSON of a stored line."""
    return line[PREFIX:-1]


def hash_of(line: bytes) -> bytes:
    """Return the hash that stands in a stored line."""
    return bytes.fromhex(line[9:73].decode("ascii"))


def length_problem(line: bytes) -> str | None:
    """Say what is wrong with the frame of a line, or None if that is in order."""
    found = _FRAME.match(line)
    if found is None:
        return "does not begin with a length and a hash"
    if line[-1:] != b"\n" or int(found[1], 16) != len(line) - PREFIX - 1:
        return "is not as long as it says"
    return None


def line_problem(line: bytes, before: bytes) -> str | None:
    """Say what is wrong with the frame of a line or its hash, or None when both are in order."""
    wrong = length_problem(line)
    if wrong is None and chained(before, json_of(line)).hex().encode() != line[9:73]:
        return "does not have the hash that stands before it"
    return wrong


def head_of(text: bytes) -> Head | None:
    """Read what the log added to a body, or return None where that is not how a record ends."""
    found = _HEAD.search(text, max(0, len(text) - _HEAD_BYTES))
    if found is None or not text.startswith(b'{"body":{'):
        return None
    commit, epoch, kind, log, monotonic, seq, time, version = found.groups()
    return Head(
        int(commit), int(epoch), kind.decode(), log.decode(), int(monotonic), int(seq), time.decode(), int(version)
    )


def time_text(microseconds: int) -> str:
    """Write a time, microseconds since 1970, as `2026-11-22T10:00:00.123456Z`; years have four digits."""
    moment = _BEGINNING + timedelta(microseconds=min(max(microseconds, _EARLIEST), _LATEST))
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"
