"""How a log is found again when it is opened: from its newest checkpoint on, or from its beginning.

The file `resume` keeps the tail at the last checkpoint, so that opening a long log does not read all of it. It is only
a help: where it is missing, torn or does not fit, everything is read. In a signed log it counts only if its root is
that of the signed checkpoint, here and outside; so what is signed next always extends what was signed before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ..version import __version__
from . import framing
from .disk import Disk, write_whole
from .encoding import MAX_INTEGER, Json, canonical
from .framing import MAX_LINE
from .merkle import Frontier
from .tail import Tail, segment_name, segments_in

RESUME: Final = "resume"
FORMAT: Final = "kynara-audit/1"

_MAX_RESUME: Final = 16_384
_NUMBERS: Final = ("commit", "commit_at", "end", "epoch", "last_at", "segment", "size")


@frozen
class Beginning:
    """What the first record of a log settles."""

    log: str
    segment_bytes: int
    key: str | None


def genesis_body(segment_bytes: int, key: str | None) -> dict[str, Json]:
    """Return the body of the first record; `key` is the public key that signs checkpoints, if one does."""
    return {"format": FORMAT, "hash": "sha256", "key": key, "segment_bytes": segment_bytes}


def open_body(process: int) -> dict[str, Json]:
    """Return the body of the record that opens an epoch: who writes in it."""
    return {"engine": __version__, "process": process}


def read_beginning(disk: Disk, folder: str) -> Beginning | None:
    """Return what the genesis record settled, or None if the log has not begun."""
    segments = segments_in(disk.names(folder))
    if not segments or segments[0] != 0:
        return None
    fd = disk.open(os.path.join(folder, segment_name(0)))
    try:
        line = disk.read(fd, MAX_LINE, 0).partition(b"\n")[0] + b"\n"
    finally:
        disk.close(fd)
    text = framing.json_of(line)
    head = None if framing.line_problem(line, framing.START) else framing.head_of(text)
    if head is None or head.kind != "genesis":
        return None
    try:
        body = json.loads(text)["body"]
        size, key = body.get("segment_bytes"), body.get("key")
    except (ValueError, RecursionError):
        return None
    if type(size) is not int or size <= 0 or not (key is None or isinstance(key, str)):
        return None
    return Beginning(head.log, size, key)


def keep_tail(disk: Disk, folder: str, tail: Tail) -> None:
    """Keep a tail for the next time; raises `OSError`."""
    kept: dict[str, Json] = {name: getattr(tail, name) for name in _NUMBERS}
    kept |= {"hash": tail.hash.hex(), "log": tail.log, "tree": [root.hex() for root in tail.tree.roots]}
    write_whole(disk, os.path.join(folder, RESUME), canonical(kept))


def find_tail(disk: Disk, folder: str, roots: Mapping[int, bytes]) -> Tail:
    """Return the tail to read on from: the one that was kept if it can be relied on, else the empty one.

    `roots` are what checkpoints say of sizes of this log. The tail has the root of each of these sizes in its marks, or
    will have it when everything was read.
    """
    tail = _kept_tail(disk, folder)
    if tail is not None and _ends_in(disk, folder, tail) and all(size == tail.size for size in roots):
        root = tail.tree.root()
        if all(signed == root for signed in roots.values()):
            tail.marks = {tail.size: root}
            return tail
    return Tail(marks=dict.fromkeys(roots, b""))


def _kept_tail(disk: Disk, folder: str) -> Tail | None:
    """Read what was kept, if all of it can be understood."""
    if RESUME not in disk.names(folder):
        return None
    fd = disk.open(os.path.join(folder, RESUME))
    try:
        kept = json.loads(disk.read(fd, _MAX_RESUME, 0))
        numbers = {name: kept[name] for name in _NUMBERS}
        if not all(type(n) is int and 0 <= n <= MAX_INTEGER for n in numbers.values()):
            return None
        tree = Frontier(numbers["size"], [bytes.fromhex(root) for root in kept["tree"]])
        return Tail(log=str(kept["log"]), hash=bytes.fromhex(kept["hash"]), tree=tree, **numbers)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    finally:
        disk.close(fd)


def _ends_in(disk: Disk, folder: str, tail: Tail) -> bool:
    """Tell whether a log has, where a tail says so, the record that the tail ends with."""
    if not 0 <= tail.last_at < tail.end or tail.end - tail.last_at > MAX_LINE:
        return False
    if tail.segment not in segments_in(disk.names(folder)):
        return False
    fd = disk.open(os.path.join(folder, segment_name(tail.segment)))
    try:
        line = disk.read(fd, tail.end - tail.last_at, tail.last_at)
    finally:
        disk.close(fd)
    head = framing.head_of(framing.json_of(line)) if line.endswith(b"\n") else None
    return (
        head is not None
        and (head.log, head.seq) == (tail.log, tail.size - 1)
        and line[9:73] == tail.hash.hex().encode()
    )
