"""An index of a log: says where the records are that a question is about, and is never believed.

It is one SQLite file beside the segments. Whoever asks it reads the record it points to from the log, checks its hash
against the record before it, and tests the record itself against the question; so an index can at worst leave something
out, never make something up. It is made from the log alone: where it is missing, of another log, damaged or from an
older format it is made again, and where the log went on it is continued.

What is kept for a term (`action` is `refund`) is the set of records that have it, by blocks (see `index_blocks`); a
term is known by a hash of itself, so that neither long nor strange texts matter.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from attrs import frozen

from . import index_blocks as blocks

FORMAT: Final = 1
_TERM_BYTES: Final = 12
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1

_SCHEMA: Final = (
    "CREATE TABLE head (one INTEGER PRIMARY KEY, format INTEGER, log TEXT)",
    "CREATE TABLE places (seq INTEGER PRIMARY KEY, time INTEGER, segment TEXT, offset INTEGER, hash BLOB)",
    "CREATE TABLE spans (block INTEGER PRIMARY KEY, oldest INTEGER, newest INTEGER)",
    "CREATE TABLE postings (term BLOB, block INTEGER, bits BLOB, PRIMARY KEY (term, block)) WITHOUT ROWID",
)


class IndexDamaged(Exception):
    """The index is not what was made from this log; make it again."""


class Place(NamedTuple):
    """Where a record is: its number, the segment's name, the offset in it, and the hash the record must have."""

    seq: int
    segment: str
    offset: int
    hash: bytes


class Indexed(NamedTuple):
    """What the index is told of a record: its place, its time in microseconds, and its terms."""

    place: Place
    time: int
    terms: tuple[tuple[str, str], ...]


@frozen
class Wanted:
    """What is looked for: all of some terms, from one time up to before another, both in microseconds."""

    terms: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    until: int | None = None


class Index:
    """An open index. What it says of itself is checked when it is opened, what it says of records by who reads them."""

    def __init__(self, connection: sqlite3.Connection, log: str) -> None:
        """Take a connection to a file with the tables of an index; use `open_index` or `new_index`."""
        self._connection = connection
        self.log = log

    def __enter__(self) -> Self:
        """Begin using it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def last(self) -> Place | None:
        """Return where the newest record is that the index knows, or None if it knows none."""
        with _damage():
            row = self._connection.execute(
                "SELECT seq, segment, offset, hash FROM places ORDER BY seq DESC LIMIT 1"
            ).fetchone()
            return None if row is None else _place(row)

    def go_on(self, feed: Callable[[Place | None], Iterable[Indexed]]) -> None:
        """Index what came after the newest known record, which `feed` is given; all of it, or on an error nothing."""
        with _damage():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                batch: list[Indexed] = []
                for one in feed(self.last()):
                    if batch and blocks.block_of(one.place.seq) != blocks.block_of(batch[0].place.seq):
                        self._write(batch)
                        batch = []
                    batch.append(one)
                if batch:
                    self._write(batch)
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _write(self, batch: list[Indexed]) -> None:
        """Write records of one block, of which others may be there already."""
        block = blocks.block_of(batch[0].place.seq)
        write = self._connection.executemany
        write(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?)",
            [(p.seq, time, p.segment, p.offset, p.hash) for p, time, _ in batch],
        )
        found: dict[bytes, int] = {}
        for place, _, terms in batch:
            bit = 1 << (place.seq % blocks.BLOCK)
            for term in terms:
                key = _key(term)
                found[key] = found.get(key, 0) | bit
        times = [one.time for one in batch]
        before = self._connection.execute("SELECT oldest, newest FROM spans WHERE block = ?", (block,)).fetchone()
        if before is not None:
            times += before
            for key in found:
                row = self._postings(key, block)
                found[key] |= 0 if row is None else blocks.unpacked(row)
        self._connection.execute("INSERT OR REPLACE INTO spans VALUES (?, ?, ?)", (block, min(times), max(times)))
        write("INSERT OR REPLACE INTO postings VALUES (?, ?, ?)", [(k, block, blocks.packed(found[k])) for k in found])

    def _postings(self, key: bytes, block: int) -> object:
        row = self._connection.execute("SELECT bits FROM postings WHERE term = ? AND block = ?", (key, block))
        found = row.fetchone()
        return None if found is None else found[0]

    # --- asking

    def count(self, wanted: Wanted) -> int:
        """Return how many records are wanted."""
        return sum(bits.bit_count() for _, bits in self._sets(wanted, newest=True))

    def places(self, wanted: Wanted, *, newest: bool = True) -> Iterator[Place]:
        """Say where the wanted records are, newest or oldest first."""
        order = blocks.newest_first if newest else blocks.oldest_first
        for block, bits in self._sets(wanted, newest=newest):
            for seq in order(block, bits):
                with _damage():
                    row = self._connection.execute(
                        "SELECT seq, segment, offset, hash FROM places WHERE seq = ?", (seq,)
                    ).fetchone()
                if row is None:
                    raise IndexDamaged(f"the index says nothing of where record {seq} is")
                yield _place(row)

    def _sets(self, wanted: Wanted, *, newest: bool) -> Iterator[tuple[int, int]]:
        """Yield the blocks that have wanted records, and which."""
        since = _LEAST if wanted.since is None else wanted.since
        until = _MOST if wanted.until is None else wanted.until
        keys = [_key(term) for term in wanted.terms]
        joins = "".join(f" JOIN postings p{n} ON p{n}.block = s.block AND p{n}.term = ?" for n in range(len(keys)))
        bits = "".join(f", p{n}.bits" for n in range(len(keys)))
        text = (
            f"SELECT s.block, s.oldest, s.newest{bits} FROM spans s{joins}"
            f" WHERE s.newest >= ? AND s.oldest < ? ORDER BY s.block {'DESC' if newest else 'ASC'}"
        )
        with _damage():
            known = self.last()
            rows = self._connection.execute(text, (*keys, since, until))
            while (row := rows.fetchone()) is not None:
                block, oldest, latest, *kept = row
                found = blocks.between(block, 0, known.seq if known else -1)
                for one in kept:
                    found &= blocks.unpacked(one)
                if found and not since <= oldest <= latest < until:
                    found &= self._within(block, since, until)
                if found:
                    yield block, found

    def _within(self, block: int, since: int, until: int) -> int:
        """Return the records of a block that are of some time."""
        start = blocks.first_of(block)
        rows = self._connection.execute(
            "SELECT seq FROM places WHERE seq >= ? AND seq < ? AND time >= ? AND time < ?",
            (start, start + blocks.BLOCK, since, until),
        )
        return blocks.bits_of(seq for (seq,) in rows)


# --- files


def open_index(path: Path, log: str) -> Index:
    """Open the index of a log; raise `IndexDamaged` if there is none that can be used."""
    if path.is_symlink() or not path.is_file():
        raise IndexDamaged("there is no index")
    connection: sqlite3.Connection | None = None
    fits = False
    try:
        with _damage():
            connection = _connect(path)
            tables = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
            head = connection.execute("SELECT format, log FROM head").fetchall() if tables == set(_SCHEMA) else []
        fits = head == [(FORMAT, log)]
    finally:
        if connection is not None and not fits:
            connection.close()
    if not fits:
        raise IndexDamaged("the index is of another log or another version")
    return Index(connection, log)


def new_index(path: Path, log: str, feed: Callable[[Place | None], Iterable[Indexed]]) -> Index:
    """Make the index of a log in place of what is there; raise `OSError` where it cannot be written."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        connection = _connect(unfinished)
        try:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO head VALUES (1, ?, ?)", (FORMAT, log))
            Index(connection, log).go_on(feed)
        finally:
            connection.close()
        for rest in ("-journal", "-wal", "-shm"):  # what is left of the old file would be played into the new one
            path.with_name(path.name + rest).unlink(missing_ok=True)
        os.replace(unfinished, path)
    except (sqlite3.Error, IndexDamaged) as error:
        raise OSError(f"the index cannot be written: {error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return open_index(path, log)


def _connect(path: Path) -> sqlite3.Connection:
    """Connect to a file, and believe as little as possible of what it says."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA cache_size = -32000")
    return connection


@contextmanager
def _damage() -> Iterator[None]:
    """Turn whatever SQLite complains of into `IndexDamaged`: what is wrong with an index ends with another one."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # it puts parts of a damaged file into its messages
        raise IndexDamaged(f"the index cannot be read: {type(error).__name__}") from None
    except blocks.DamagedBlock as error:
        raise IndexDamaged(str(error)) from None


def _place(row: tuple[object, ...]) -> Place:
    match row:
        case (int(seq), str(segment), int(offset), bytes(digest)):
            return Place(seq, segment, offset, digest)
    raise IndexDamaged("the index says something of a place that it cannot say")


@lru_cache(maxsize=65536)
def _key(term: tuple[str, str]) -> bytes:
    """Return what a term is known by: a hash, since a text may be long; who reads the record sees what it says."""
    field, value = term
    text = f"{field}\0{value}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_TERM_BYTES).digest()
