"""Columns that hold something else than they were declared to: SQLite stores a text in a column of integers.

Seen in Kynara itself: a store in which a time was a text ended `kynara approvals` with a `TypeError`. A text is also larger than
any number to SQLite, so that such an approval would never have run out, had it been read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.guard.approvals import Answer, Approval, ApprovalStore, Asked, State, StoreError, Verdict
from tests.fuzz.targets import REQUEST

DIGEST = "sha256:0"
LOOSE: dict[str, list[Any]] = {
    "opened": ["x", "", 1.5, b"\x00"],
    "expires": ["x", "9" * 30, 1.5],
    "ended": ["x", 1.5],
    "session": [b"\xff"],
    "trace_id": [b"\xff"],
    "digest": [b"\xff"],
    "state": ["", "allowed", b"approved"],
    "rules": ["[]]", "[1]", "{}1", '[["a", "2", "b", 1]]', '[["a", 2, "b"]]', '[[1, 2, 3, 4]]', "null"],
    "request": ["[]", "null", "1", "{", '"x"'],
}


@pytest.fixture
def store(tmp_path: Path) -> ApprovalStore:
    made = ApprovalStore(tmp_path / "approvals.db")
    rules = [Asked("fuzz.sending", 1, "User", 60)]
    made.open(digest=DIGEST, policy_digest="sha256:1", request=REQUEST, rules=rules, now=1)

    def judge(found: Approval) -> Verdict:
        return Verdict(Answer({"type": "User", "id": "lea"}, "approved", ("fuzz.sending",), 2), State.APPROVED)

    made.answer(made.requests()[0].id, judge, 2)
    return made


def change(store: ApprovalStore, table: str, column: str, value: Any) -> None:
    with closing(sqlite3.connect(store.path)) as database:
        database.execute(f"UPDATE {table} SET {column} = ?", (value,))
        database.commit()


def test_as_it_was_written_it_is_read(store: ApprovalStore) -> None:
    assert [one.state for one in store.requests(now=3)] == [State.APPROVED]


@pytest.mark.parametrize(("column", "value"), [(column, value) for column, values in LOOSE.items() for value in values])
def test_a_column_of_another_kind_is_refused_by_the_store(store: ApprovalStore, column: str, value: Any) -> None:
    known = store.requests()[0].id
    change(store, "approval", column, value)
    with pytest.raises(StoreError, match="cannot be read"):
        store.get(known)
    found = None
    try:
        found = store.find(DIGEST, 3)
    except StoreError:
        return
    assert found is None  # it does not count, so nobody had to read it


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "x"), ("at", 1.5), ("note", b"\xff"), ("verdict", b"approved"), ("rules", "[1]"), ("rules", "{"), ("entity", "[]"), ("entity", '"lea"')],
)
def test_an_answer_of_another_kind_is_refused_by_the_store(store: ApprovalStore, column: str, value: Any) -> None:
    change(store, "answer", column, value)
    with pytest.raises(StoreError, match="cannot be read"):
        store.requests(now=3)
    with pytest.raises(StoreError):
        store.find(DIGEST, 3)
