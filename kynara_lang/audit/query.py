"""Answers which records of a log are about something, through an index that is never believed.

The index says where records are. Each is read from the log, its hash computed from what it says and from the hash of
the record before it, and the record itself tested against the question. What does not fit means that the index is not
what was made from this log, or that the log was changed: the index is made again, once, from the log alone, and that
reads the whole chain. A hand that changes the index can at worst hide records, which `scan` finds: it reads the whole
log. A hand that changes a record and computes its hash anew is found by whoever reads the chain on from there: by
`scan`, `verify` and, if everything up to the end was computed anew, by a checkpoint.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import fields, frozen

from .faults import LogError
from .index import Index, IndexDamaged, Indexed, Place, Wanted, new_index, open_index
from .merkle import leaf_hash
from .query_facts import Facts, facts_of, time_text
from .query_reading import follows, newest, read_after, read_exactly
from .reading import Entry, read_log
from .verifying import Progress

INDEX: Final = "index.sqlite"
"""The file of the index, in the folder of the log."""


@frozen
class Criteria:
    """What records are looked for: those that fit all that is given.

    `subject`, `member` and `resource` are a type or `Type::"id"`; `subject` is the principal that acts, `member` any of
    its chain; `about` is the number of a decision. `since` and `until` are microseconds since 1970, and the second is
    not included.
    """

    subject: str | None = None
    member: str | None = None
    action: str | None = None
    resource: str | None = None
    decision: str | None = None
    rule: str | None = None
    session: str | None = None
    kind: str | None = None
    about: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """What must be said of a record, apart from its time."""
        return tuple((name, value) for name in _TERMS if (value := getattr(self, name)) is not None)

    @property
    def everything(self) -> bool:
        """Whether every record fits."""
        return self == EVERYTHING

    def fits(self, facts: Facts) -> bool:
        """Tell whether a record fits."""
        too_early = self.since is not None and facts.time < self.since
        too_late = self.until is not None and facts.time >= self.until
        return not too_early and not too_late and set(facts.terms).issuperset(self.terms)

    def to_dict(self) -> dict[str, str]:
        """Return what is given, as text by name."""
        times = {"since": self.since, "until": self.until}
        return dict(self.terms) | {name: time_text(time) for name, time in times.items() if time is not None}


EVERYTHING: Final = Criteria()
_TERMS: Final = tuple(field.name for field in fields(Criteria) if field.name not in ("since", "until"))


@frozen
class Answer:
    """The records that were found, and how many fit in all; `unindexed` says why the whole log was read, if it was."""

    entries: tuple[Entry, ...]
    total: int
    unindexed: str | None = None


def search(
    path: str,
    criteria: Criteria,
    *,
    limit: int = 20,
    oldest: bool = False,
    scan: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Find the newest records that fit, or the oldest; raise `LogError` where the log is not in order."""
    if scan:
        return _scanned(path, criteria, limit, oldest, progress, None)
    try:
        return _asked(path, criteria, limit, oldest, progress)
    except (IndexDamaged, OSError) as error:
        return _scanned(path, criteria, limit, oldest, progress, str(error))


def _asked(path: str, criteria: Criteria, limit: int, oldest: bool, progress: Progress | None) -> Answer:
    wanted = Wanted(criteria.terms, criteria.since, criteria.until)
    with fresh_index(path, progress) as index:
        try:
            return _answered(path, index, criteria, wanted, limit, oldest)
        except IndexDamaged:
            index.close()
    with fresh_index(path, progress, anew=True) as index:
        return _answered(path, index, criteria, wanted, limit, oldest)


def _answered(path: str, index: Index, criteria: Criteria, wanted: Wanted, limit: int, oldest: bool) -> Answer:
    total = index.count(wanted)
    places = islice(index.places(wanted, newest=not oldest), limit)
    return Answer(tuple(_read(path, place, criteria, index.log) for place in places), total)


def _read(path: str, place: Place, criteria: Criteria, log: str) -> Entry:
    entry = read_exactly(path, place.segment, place.offset, place.hash)
    fits = entry is not None and entry.seq == place.seq and criteria.fits(facts := facts_of(entry)) and facts.log == log
    # The hash in the index proves nothing: it lies beside the records, and whoever changes one can change the other.
    if entry is None or not fits or not follows(path, entry):
        raise IndexDamaged(f"record {place.seq} is not where or what the index says")
    return entry


def _scanned(
    path: str, criteria: Criteria, limit: int, oldest: bool, progress: Progress | None, why: str | None
) -> Answer:
    """Read the whole log, and keep no more of it than is asked for."""
    total = 0
    kept: list[tuple[int, Entry]] = []
    for entry in watched(read_log(path), path, progress):
        if criteria.fits(facts_of(entry)):
            total += 1
            if not oldest:
                (heapq.heappushpop if len(kept) >= limit else heapq.heappush)(kept, (entry.seq, entry))
            elif len(kept) < limit:
                kept.append((entry.seq, entry))
    entries = sorted((entry for _, entry in kept), key=lambda e: e.seq, reverse=not oldest)
    return Answer(tuple(entries[:limit]), total, why or "asked")


# --- the index of a log


def fresh_index(path: str, progress: Progress | None = None, *, anew: bool = False) -> Index:
    """Return the index of a log that knows all its records; make it or go on with it where it does not.

    Raises `LogError` where the log is not in order, and `OSError` where the index cannot be kept.
    """
    file = Path(path) / INDEX
    first = next(iter(read_log(path)), None)
    if first is None:
        raise LogError("missing", f"{path}: there are no records here; a log has at least one")
    log = facts_of(first).log

    def everything(_: Place | None) -> Iterator[Indexed]:
        return _indexed(watched(read_log(path), path, progress))

    if not anew:
        try:
            return _continued(path, open_index(file, log), progress)
        except IndexDamaged:
            pass  # what follows makes a new one
    return new_index(file, log, everything)


def _continued(path: str, index: Index, progress: Progress | None) -> Index:
    """Let an index go on to the end of the log; close it if it cannot."""

    def rest(last: Place | None) -> Iterator[Indexed]:
        entry = None if last is None else read_exactly(path, last.segment, last.offset, last.hash)
        if last is None or entry is None or entry.seq != last.seq:
            raise IndexDamaged("the index does not end with a record of this log")
        return _indexed(watched(read_after(path, entry), path, progress))

    done = False
    try:
        if next(rest(index.last()), None) is not None:
            index.go_on(rest)
        done = True
    finally:
        if not done:
            index.close()
    return index


def _indexed(entries: Iterable[Entry]) -> Iterator[Indexed]:
    for entry in entries:
        facts = facts_of(entry)
        yield Indexed(Place(entry.seq, entry.segment, entry.offset, leaf_hash(entry.raw)), facts.time, facts.terms)


def watched(entries: Iterator[Entry], path: str, progress: Progress | None) -> Iterator[Entry]:
    """Pass records on, and tell how far that is, every now and then."""
    if progress is None:
        return entries
    return _counted(entries, newest(path, 1)[0].seq + 1, progress)


def _counted(entries: Iterator[Entry], total: int, progress: Progress) -> Iterator[Entry]:
    for entry in entries:
        if entry.seq % 512 == 0:
            progress(entry.seq, max(total, entry.seq))
        yield entry
