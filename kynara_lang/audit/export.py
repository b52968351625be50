"""Writes records of a log for other programs, in one pass and little memory, and says exactly what was written.

The whole log is read, whatever is exported: its chain is checked, no index is asked, and the root that the manifest
states is that of every record there was. What the log's own checkpoint says is compared on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, BinaryIO, Final, Protocol

from attrs import frozen

from ..version import __version__
from .encoding import Json
from .export_formats import LINES, csv_header
from .export_manifest import COMPLETE, FILTERED, FORMAT
from .faults import LogError
from .framing import time_text
from .hashed import Hashed
from .merkle import Frontier, leaf_hash
from .query import EVERYTHING, Criteria, watched
from .query_facts import facts_of
from .query_proof import own_checkpoint
from .reading import Entry, read_log
from .verifying import Progress

PARQUET: Final = "parquet"
FORMS: Final = ("jsonl", "csv", PARQUET, "ocsf", "cloudevents")


class Sink(Protocol):
    """Takes records, one after the other."""

    def add(self, entry: Entry) -> None:
        """Take a record."""

    def close(self) -> None:
        """Write what is left."""


class Lines:
    """A text format with a line for each record."""

    def __init__(self, out: Hashed, form: str) -> None:
        """Take where to write, and the name of the format."""
        self._out = out
        self._line: Callable[[Entry], bytes] = LINES[form]
        if form == "csv":
            out.write(csv_header())

    def add(self, entry: Entry) -> None:
        """Write the line of a record."""
        self._out.write(self._line(entry))

    def close(self) -> None:
        """Do nothing: every line is written."""


@frozen
class Slice:
    """Which records are exported: those from `first` to `last` (None: the end) that fit."""

    criteria: Criteria = EVERYTHING
    first: int = 0
    last: int | None = None

    def has(self, entry: Entry) -> bool:
        """Tell whether a record is exported."""
        if entry.seq < self.first or (self.last is not None and entry.seq > self.last):
            return False
        return self.criteria.everything or self.criteria.fits(facts_of(entry))


def export(
    path: str, form: str, out: BinaryIO | IO[bytes], wanted: Slice, *, progress: Progress | None = None
) -> dict[str, Json]:
    """Write the records that are wanted to a file, and return what its manifest says, apart from the file's name.

    Raises `LogError` where the log is not in order; what was written until then is to be thrown away.
    """
    held = own_checkpoint(path)
    hashed = Hashed(out)
    sink = _sink(form, hashed)
    tree, count = Frontier(), 0
    newest: Entry | None = None
    for newest in watched(read_log(path), path, progress):
        tree.add(leaf_hash(newest.raw))
        if held is not None and tree.size == held[0].size and tree.root() != held[0].root:
            raise LogError("damaged", "the log does not extend its own checkpoint: records were changed")
        if wanted.has(newest):
            sink.add(newest)
            count += 1
    if newest is None:
        raise LogError("missing", f"{path}: there are no records here; a log has at least one")
    if held is not None and tree.size < held[0].size:
        message = f"the log has {tree.size} records, but its own checkpoint is of {held[0].size}: it was cut"
        raise LogError("damaged", message)
    if wanted.first > newest.seq:
        raise LogError("settings", f"there is no record {wanted.first}: the log has the records 0 to {newest.seq}")
    sink.close()
    hashed.flush()
    last = newest.seq if wanted.last is None else min(wanted.last, newest.seq)
    return {
        "format": FORMAT,
        "log": facts_of(newest).log,
        "form": form,
        "bytes": hashed.size,
        "sha256": hashed.sha256(),
        "records": count,
        "view": COMPLETE if wanted.criteria.everything else FILTERED,
        "range": {"first": wanted.first, "last": last},
        "criteria": dict(wanted.criteria.to_dict()),
        "tree": {"size": tree.size, "root": tree.root().hex(), "hash": newest.hash},
        "checkpoint": None if held is None else held[1],
        "made": time_text(time.time_ns() // 1000),
        "engine": __version__,
    }


def _sink(form: str, out: Hashed) -> Sink:
    if form == PARQUET:
        from .export_parquet import Table

        return Table(out)
    return Lines(out, form)
