"""Approvals that outlive a process: asked for, granted or rejected, used once, in one SQLite file.

A request for approval is bound to the digest of the policy, everyone in the chain, the action with every argument,
and the resource. It is pending, then approved or rejected, and it ends consumed or expired. Each step is one
transaction that is on disk when it returns, and each is conditional on the state before it: of any number of threads
and processes that want to use one approval, one does.

Whoever can write the file, or put one beside it, can approve. It is created for its owner alone; one of somebody else's
is refused, and so is a folder that everybody may write.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen

from ..runtime.canonical import canonical_json
from ..runtime.strict_json import JsonProblem, loads
from ..semantics.problems import ValueProblem, quoted
from ..semantics.times import format_time

PATIENCE: Final = 5.0
"""How many seconds to wait for another process that is writing."""

MAX_CALL: Final = 1_048_576
"""The longest call that is put before approvers, in characters of JSON."""

_SECOND: Final = 10**9
_LATEST: Final = 2**63 - 1  # in the year 2262; SQLite has no larger numbers
_VERSION: Final = 1
_APPLICATION: Final = 0x4B594E41  # "KYNA"
_MAX_BYTES: Final = 16 * MAX_CALL

_SCHEMA: Final = """
CREATE TABLE approval (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, policy_digest TEXT NOT NULL, state TEXT NOT NULL, rules TEXT NOT NULL,
    request TEXT NOT NULL, opened INTEGER NOT NULL, expires INTEGER NOT NULL, ended INTEGER, session TEXT, trace_id TEXT
);
CREATE TABLE answer (
    approval TEXT NOT NULL REFERENCES approval (id), approver TEXT NOT NULL, entity TEXT NOT NULL,
    verdict TEXT NOT NULL, rules TEXT NOT NULL, at INTEGER NOT NULL, note TEXT, PRIMARY KEY (approval, approver)
);
CREATE UNIQUE INDEX one_open_request ON approval (digest) WHERE state IN ('pending', 'approved');
CREATE INDEX by_digest ON approval (digest, opened);
CREATE INDEX by_state ON approval (state, expires);
"""

_BESIDE: Final = "SQLite would play it into the store. Find out who put it there, and remove it"
# The files of a store, by what stands behind its name, and what to do about one that is not the user's own.
_FILES: Final[Mapping[str, str]] = {
    "": "name a store of your own, or run this as the user whose store it is",
    "-wal": _BESIDE,
    "-shm": _BESIDE,
    "-journal": _BESIDE,
}


class ApprovalError(Exception):
    """A step cannot be taken, such as approving what has expired; the message says why."""


class StoreError(ApprovalError):
    """The approval store cannot be read or written; the message says which and why."""


class State(StrEnum):
    """Where a request for approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CONSUMED = "consumed"


# What a request can be in the file that is in a state at some moment: what has run out may not be marked yet.
_MAY_BE: Final[Mapping[State, tuple[State, ...]]] = {
    **{state: (state,) for state in State},
    State.EXPIRED: (State.EXPIRED, State.PENDING, State.APPROVED),
}


@frozen
class Asked:
    """A rule that asks for an approval: how many distinct people, who, and for how long (seconds)."""

    rule: str
    quorum: int
    approvers: str
    expires_in: int


@frozen
class Answer:
    """What somebody said: `approved` (for which rules) or `rejected`, when (ns), and a note."""

    approver: Mapping[str, Any]
    verdict: str
    rules: tuple[str, ...]
    at: int
    note: str | None = None

    @property
    def name(self) -> str:
        """Return who it was, as `User::lea`."""
        return name_of(self.approver)


@frozen
class Approval:
    """A request for approval of one call; times are nanoseconds since 1970 (UTC)."""

    id: str
    digest: str
    policy_digest: str
    state: State
    rules: tuple[Asked, ...]
    request: Mapping[str, Any]
    opened: int
    expires: int
    answers: tuple[Answer, ...] = ()
    ended: int | None = None
    session: str | None = None
    trace_id: str | None = None

    @property
    def granted(self) -> tuple[Answer, ...]:
        """The answers that approve."""
        return tuple(answer for answer in self.answers if answer.verdict == State.APPROVED)

    def evidence(self) -> list[dict[str, Any]]:
        """Return what `PolicySet.decide` takes beside a request: one piece for each approver and rule."""
        lasts = {asked.rule: asked.expires_in * _SECOND for asked in self.rules}
        return [
            {
                "rule": rule,
                "digest": self.digest,
                "approvers": [answer.approver],
                "expires": format_time(answer.at + lasts[rule]),
            }
            for answer in self.granted
            for rule in answer.rules
            if rule in lasts
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape; the request is the exact call."""
        return {
            "id": self.id,
            "state": str(self.state),
            "digest": self.digest,
            "policy_digest": self.policy_digest,
            "request": self.request,
            "rules": [
                {"rule": a.rule, "quorum": a.quorum, "from": a.approvers, "expires_in": a.expires_in}
                for a in self.rules
            ],
            "answers": [
                {
                    "approver": a.approver,
                    "verdict": a.verdict,
                    "rules": list(a.rules),
                    "at": format_time(a.at),
                    "note": a.note,
                }
                for a in self.answers
            ],
            "opened": format_time(self.opened),
            "expires": format_time(self.expires),
            "ended": None if self.ended is None else format_time(self.ended),
            "session": self.session,
            "trace_id": self.trace_id,
        }


@frozen
class Verdict:
    """What an answer comes to: the answer itself, and the state that the request is in from then on."""

    answer: Answer
    state: State


Judge = Callable[[Approval], Verdict]
Recorded = Callable[[Approval], None]


def name_of(entity: Mapping[str, Any]) -> str:
    """Return an entity's name, as `User::lea`."""
    return f"{entity.get('type')}::{entity.get('id')}"


class ApprovalStore:
    """Requests for approval in one SQLite file; safe to share between threads, and between processes by its path.

    Every step opens the file anew: nothing is shared between threads, nor with a child after `fork`.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True, patience: float = PATIENCE) -> None:
        """Open a store, and create it if there is none; raise `StoreError` for what is none or cannot be used.

        `patience` is how many seconds a step waits for another process that is writing.
        """
        self.path = Path(path)
        self._patience = patience
        with self._reporting():
            if create:
                self._create()
            elif not self.path.is_file():
                raise StoreError(f"there is no approval store `{self.path}`")
            with self._connected() as database:
                self._check(database)

    def find(self, digest: str, now: int) -> Approval | None:
        """Return the request for approval that counts for a call: open, or rejected and not yet expired."""
        with self._transaction(writing=False) as database:
            return _counting(database, digest, now)

    def get(self, id: str) -> Approval:
        """Return a request for approval by its id, or by how its id begins if only one does."""
        with self._transaction(writing=False) as database:
            return _one(database, id)

    def requests(self, state: State | str | None = None, *, now: int | None = None) -> tuple[Approval, ...]:
        """Return all requests, the newest last; with `now`, those that time has run out for are shown as expired."""
        may_be = _MAY_BE[State(state)] if state is not None else tuple(State)
        marks = ", ".join("?" * len(may_be))
        with self._transaction(writing=False) as database:
            rows = database.execute(f"SELECT * FROM approval WHERE state IN ({marks}) ORDER BY opened, rowid", may_be)
            found = [_approval(database, row) for row in rows.fetchall()]
        if now is not None:
            found = [as_of(approval, now) for approval in found]
        return tuple(approval for approval in found if state is None or approval.state == state)

    def open(
        self,
        *,
        digest: str,
        policy_digest: str,
        request: Mapping[str, Any],
        rules: Sequence[Asked],
        now: int,
        session: str | None = None,
        trace_id: str | None = None,
    ) -> tuple[Approval, bool]:
        """Ask for an approval of a call, or find that it was asked for; tell also whether it is new.

        It waits for as long as the shortest of the approvals would last.
        """
        expires = min(now + min(asked.expires_in for asked in rules) * _SECOND, _LATEST)
        named = [[asked.rule, asked.quorum, asked.approvers, asked.expires_in] for asked in rules]
        try:
            written = canonical_json(request)
        except ValueProblem as problem:
            raise ApprovalError(f"the call cannot be stored: {problem.message}") from None
        if len(written) > MAX_CALL:
            raise ApprovalError(f"the call has {len(written)} characters; nobody reads more than {MAX_CALL} of them")
        with self._transaction() as database:
            _expire(database, now)
            counting = _counting(database, digest, now)
            if counting is not None:
                return counting, False
            id = secrets.token_hex(6)
            database.execute(
                "INSERT INTO approval VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, NULL, ?, ?)",
                (id, digest, policy_digest, canonical_json(named), written, now, expires, session, trace_id),
            )
            return _one(database, id), True

    def answer(self, id: str, judge: Judge, now: int, recorded: Recorded | None = None) -> Approval:
        """Store what somebody answers; `judge` sees the request as it is, and says what the answer comes to.

        `recorded` is called with the request as it will be, before it is: what it raises undoes everything.

        Nobody else can answer meanwhile. Who may answer is for `judge` to say (`granting` asks the policies); it raises
        `ApprovalError` for somebody who may not. Raises the same if the request is not pending any more.
        """
        with self._transaction() as database:
            found = _pending(database, id, now)
            verdict = judge(found)
            answer = verdict.answer
            if any(given.name == answer.name for given in found.answers):
                raise ApprovalError(f"{answer.name} has answered already; distinct people have to")
            database.execute(
                "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    found.id,
                    answer.name,
                    canonical_json(answer.approver),
                    answer.verdict,
                    canonical_json(answer.rules),
                    answer.at,
                    answer.note,
                ),
            )
            if verdict.state is State.REJECTED:
                database.execute("UPDATE approval SET state = 'rejected', ended = ? WHERE id = ?", (now, found.id))
            elif verdict.state is State.APPROVED:
                lasts = {asked.rule: asked.expires_in * _SECOND for asked in found.rules}
                given_at = [(given.at, rule) for given in (*found.granted, answer) for rule in given.rules]
                expires = min([_LATEST, *(at + lasts[rule] for at, rule in given_at if rule in lasts)])
                database.execute(
                    "UPDATE approval SET state = 'approved', expires = ? WHERE id = ?", (expires, found.id)
                )
            after = _one(database, found.id)
            if recorded is not None:
                recorded(after)
            return after

    def consume(self, id: str, now: int) -> bool:
        """Use an approval up; of all who try, one gets True, and it is on disk when they do."""
        with self._transaction() as database:
            done = database.execute(
                "UPDATE approval SET state = 'consumed', ended = ? WHERE id = ? AND state = 'approved' AND expires > ?",
                (now, id, now),
            )
            return done.rowcount == 1

    def void(self, id: str, now: int) -> bool:
        """End an approval that does not count any more, because of who approved or because the policy asks for more."""
        with self._transaction() as database:
            done = database.execute(
                "UPDATE approval SET state = 'expired', ended = ? WHERE id = ? AND state = 'approved'", (now, id)
            )
            return done.rowcount == 1

    def expire(self, now: int) -> tuple[Approval, ...]:
        """End what time has run out for, and return it; of several who ask, one is told of each."""
        with self._transaction() as database:
            return _expire(database, now)

    # --- the file

    def _create(self) -> None:
        """Create the file for its owner alone; the files that SQLite puts beside it get the same permissions."""
        _refuse_open_folder(self.path)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def _check(self, database: sqlite3.Connection) -> None:
        """See to it that the file is a store of this version; one that is empty becomes one."""
        if database.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreError(
                f"`{self.path}` lies where SQLite cannot keep a write-ahead log, such as on a network drive"
            )
        with _all_or_nothing(database, "BEGIN IMMEDIATE"):
            kind = database.execute("PRAGMA application_id").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if kind == 0 and tables == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {_VERSION}")
                return
            if kind != _APPLICATION:
                raise StoreError(f"`{self.path}` is a database of something else, not an approval store")
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version != _VERSION:
                raise StoreError(f"`{self.path}` has version {version}; this release reads version {_VERSION}")

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:  # SQLite puts parts of a damaged file into its messages
            raise StoreError(f"the approval store `{self.path}` failed: it is damaged, and holds no text") from error
        except (sqlite3.Error, OSError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            shown = reason if reason.isprintable() else quoted(reason)  # a damaged file can speak through SQLite
            raise StoreError(f"the approval store `{self.path}` failed: {shown}") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Open the file, which must exist: a store that somebody took away must not come back empty."""
        _refuse_open_folder(self.path)
        _refuse_foreign_files(self.path)
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, timeout=self._patience, isolation_level=None, uri=True)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            yield database

    @contextmanager
    def _transaction(self, *, writing: bool = True) -> Iterator[sqlite3.Connection]:
        """Do everything inside or nothing of it; what was written is on disk at the end."""
        with (
            self._reporting(),
            self._connected() as database,
            _all_or_nothing(database, "BEGIN IMMEDIATE" if writing else "BEGIN"),
        ):
            yield database


# --- whose files they are


def _refuse_open_folder(path: Path) -> None:
    """Raise `StoreError` for a folder that everybody may write: a file can be put there between look and use."""
    if os.name == "posix" and path.parent.stat().st_mode & stat.S_IWOTH:
        raise StoreError(
            f"everybody may write the folder of the approval store `{path}`, and so approve by putting a file beside"
            " it; keep the store in a folder that only its owner may write"
        )


def _refuse_foreign_files(path: Path) -> None:
    """Raise `StoreError` unless the store, and what SQLite would play into it, are files of the user who runs this."""
    if os.name != "posix":
        return
    for name, does in _FILES.items():
        file = path.with_name(path.name + name)
        try:
            status = os.lstat(file)
        except FileNotFoundError:
            if name:  # the others come and go
                continue
            raise
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"`{file}` is a link or no file at all, where a file of your own should be; {does}")
        if status.st_uid != os.geteuid():
            raise StoreError(f"`{file}` belongs to somebody else (user {status.st_uid}), who could approve; {does}")
        if status.st_mode & stat.S_IWOTH:
            raise StoreError(f"everybody may write `{file}`, and so approve; run `chmod o-w` on it")


@contextmanager
def _all_or_nothing(database: sqlite3.Connection, begin: str) -> Iterator[None]:
    database.execute(begin)
    with database:  # commits at the end, and rolls back whatever stops it
        yield


def _counting(database: sqlite3.Connection, digest: str, now: int) -> Approval | None:
    rows = database.execute(
        "SELECT * FROM approval WHERE digest = ? AND state IN ('pending', 'approved', 'rejected') AND expires > ?"
        " ORDER BY state = 'rejected', opened DESC LIMIT 1",
        (digest, now),
    )
    return next((_approval(database, row) for row in rows), None)


def _one(database: sqlite3.Connection, id: str) -> Approval:
    rows = database.execute("SELECT * FROM approval WHERE substr(id, 1, ?) = ? LIMIT 2", (len(id), id)).fetchall()
    if not id or not rows:
        raise ApprovalError(f"there is no request for approval `{id}`")
    if len(rows) > 1:
        raise ApprovalError(f"several requests for approval begin with `{id}`; give more of the id")
    return _approval(database, rows[0])


def _pending(database: sqlite3.Connection, id: str, now: int) -> Approval:
    found = as_of(_one(database, id), now)
    if found.state is State.PENDING:
        return found
    when = found.expires if found.ended is None else found.ended
    since = f" since {format_time(when)}" if found.state is not State.APPROVED else ""
    raise ApprovalError(
        f"the request for approval `{found.id}` is {found.state}{since}; only a pending one can be answered"
    )


def as_of(approval: Approval, now: int) -> Approval:
    """Return an approval as it stands at a time: what has run out is expired, whether the file says so yet or not."""
    if approval.state in (State.PENDING, State.APPROVED) and approval.expires <= now:
        return evolve(approval, state=State.EXPIRED, ended=approval.expires)
    return approval


def _expire(database: sqlite3.Connection, now: int) -> tuple[Approval, ...]:
    rows = database.execute(
        "SELECT * FROM approval WHERE state IN ('pending', 'approved') AND expires <= ?", (now,)
    ).fetchall()
    found = tuple(as_of(_approval(database, row), now) for row in rows)
    database.executemany(
        "UPDATE approval SET state = 'expired', ended = expires WHERE id = ?", [(gone.id,) for gone in found]
    )
    return found


def _approval(database: sqlite3.Connection, row: sqlite3.Row) -> Approval:
    """Read a row; raise `StoreError` for one that no release has written."""
    try:
        answers = database.execute(
            "SELECT * FROM answer WHERE approval = ? ORDER BY at, rowid", (row["id"],)
        ).fetchall()
        return Approval(
            _is(str, row["id"]),
            _is(str, row["digest"]),
            _is(str, row["policy_digest"]),
            State(row["state"]),
            tuple(_asked(*rule) for rule in _json(row["rules"])),
            _is(dict, _json(row["request"])),
            _is(int, row["opened"]),
            _is(int, row["expires"]),
            tuple(_answer(given) for given in answers),
            _is(int | None, row["ended"]),
            _is(str | None, row["session"]),
            _is(str | None, row["trace_id"]),
        )
    except (JsonProblem, ValueError, TypeError, LookupError) as error:  # a damaged table can lack a column
        columns = row.keys()
        which = quoted(str(row["id"])) if "id" in columns else "without an id"
        raise StoreError(f"the request for approval {which} cannot be read: {error}") from None


def _asked(rule: object, quorum: object, approvers: object, expires_in: object) -> Asked:
    return Asked(_is(str, rule), _is(int, quorum), _is(str, approvers), _is(int, expires_in))


def _answer(row: sqlite3.Row) -> Answer:
    return Answer(
        _is(dict, _json(row["entity"])),
        _is(str, row["verdict"]),
        tuple(_is(str, rule) for rule in _json(row["rules"])),
        _is(int, row["at"]),
        _is(str | None, row["note"]),
    )


def _is(kind: Any, value: Any) -> Any:
    """Return a value of a column, which SQLite does not hold to the type that it was declared with."""
    if not isinstance(value, kind):
        raise ValueError("a column holds something else than it should")
    return value


def _json(text: str) -> Any:
    return loads(text, max_bytes=_MAX_BYTES)
