"""Makes proofs about a log by reading it once: that a record is in it, and that it extends what it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from attrs import define

from .faults import LogError
from .merkle import consistency_ranges, inclusion_ranges, leaf_hash, range_roots
from .reading import Entry, read_log


@define
class _Leaves:
    """The leaf hashes of a log; one record is kept on the way."""

    path: str | os.PathLike[str]
    size: int
    wanted: int = -1
    each: Callable[[int], None] = lambda seq: None
    found: Entry | None = None

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for entry in read_log(self.path):
            if entry.seq == self.wanted:
                self.found = entry
            if entry.seq >= self.size:
                return
            self.each(entry.seq)
            seen += 1
            yield leaf_hash(entry.raw)
        if seen < self.size:
            raise LogError("damaged", f"the log has {seen} records, fewer than the {self.size} of the checkpoint")


def inclusion_proof(
    path: str | os.PathLike[str], seq: int, size: int, each: Callable[[int], None] = lambda seq: None
) -> tuple[Entry, list[bytes]]:
    """Return record `seq` and the nodes that prove that it is among the first `size`; `each` is told of every record.

    `merkle.root_of_inclusion` of the record's line and the nodes is the root of a checkpoint of that size.
    """
    if not 0 <= seq < size:
        raise LogError("missing", f"there is no record {seq} among the first {size}")
    leaves = _Leaves(path, size, seq, each)
    nodes = range_roots(inclusion_ranges(seq, size), leaves)
    if leaves.found is None:  # the proof needs nothing that stands behind the record
        leaves.found = next(read_log(path, since=seq))
    return leaves.found, nodes


def consistency_proof(path: str | os.PathLike[str], old: int, new: int) -> list[bytes]:
    """Return the nodes that prove that the log with `new` records extends the log with `old`; see `is_consistent`."""
    if not 0 < old <= new:
        raise LogError("missing", f"a log of {new} records cannot extend one of {old}")
    return range_roots(consistency_ranges(old, new), _Leaves(path, new))
