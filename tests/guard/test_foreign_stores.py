"""Approval stores that another user of the machine can reach: whoever writes the files of a store can approve."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kynara_lang.guard import ApprovalRequired, ApprovalStore, Guard, PermissionDenied, State, StoreError
from kynara_lang.guard.approvals import Approval
from kynara_lang.guard.granting import approve
from tests.guard.programs import BOT, LEA, ORDER, START, SetClock, program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files have no owner like this there")

POLICIES = program()
SOMEBODY = 65_534

GiveAway = Callable[[Path], None]


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> GiveAway:
    """Make a file somebody else's; only root can, and for everybody else it looks so."""
    if os.geteuid() == 0:
        return lambda path: os.chown(path, SOMEBODY, -1)
    look, given = os.lstat, set()

    def looked(path: str | os.PathLike[str], **more: int | None) -> os.stat_result:
        status = look(path, **more)
        if os.fspath(path) not in given:
            return status
        return os.stat_result((*status[:4], SOMEBODY, *status[5:10]))

    monkeypatch.setattr(os, "lstat", looked)
    return lambda path: given.add(os.fspath(path))


@pytest.fixture
def store(tmp_path: Path) -> ApprovalStore:
    return ApprovalStore(tmp_path / "approvals.db")


@pytest.fixture
def guard(store: ApprovalStore) -> Guard:
    return Guard(POLICIES, approvals=store, clock=SetClock())


def ask(guard: Guard) -> Approval:
    with pytest.raises(ApprovalRequired) as raised:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    assert raised.value.approval is not None
    return raised.value.approval


def denied(guard: Guard) -> str:
    """Make the call, which is denied because the store cannot be used; return why."""
    with pytest.raises(PermissionDenied) as raised:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    (error,) = raised.value.decision.errors
    assert error.code == "approvals-failed"
    return error.message


def forged(store: ApprovalStore, id: str, folder: Path) -> bytes:
    """Return a write-ahead log that approves a request, as SQLite would play it into the store."""
    folder.mkdir()
    copy = Path(shutil.copy(store.path, folder / "copy.db"))
    with closing(sqlite3.connect(copy)) as kept_open:  # or it would be played in, and gone
        kept_open.execute("SELECT count(*) FROM approval").fetchone()
        approve(ApprovalStore(copy), POLICIES, id, LEA, now=START)
        return (folder / "copy.db-wal").read_bytes()


def test_a_log_that_somebody_else_put_beside_the_store_approves_nothing(
    guard: Guard, store: ApprovalStore, tmp_path: Path, give_away: GiveAway
) -> None:
    asked = ask(guard)
    planted = store.path.with_name("approvals.db-wal")
    planted.write_bytes(forged(store, asked.id, tmp_path / "theirs"))
    give_away(planted)
    assert "approvals.db-wal` belongs to somebody else (user 65534), who could approve" in denied(guard)
    with pytest.raises(StoreError, match="Find out who put it there, and remove it"):
        store.get(asked.id)
    planted.unlink()
    assert store.get(asked.id).state is State.PENDING


@pytest.mark.parametrize("behind", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("create", [True, False])
def test_no_file_of_a_store_is_somebody_elses(
    guard: Guard, store: ApprovalStore, give_away: GiveAway, behind: str, create: bool
) -> None:
    file = store.path.with_name(store.path.name + behind)
    file.touch()
    give_away(file)
    with pytest.raises(StoreError, match=f"{file.name}` belongs to somebody else"):
        ApprovalStore(store.path, create=create)
    assert file.name in denied(guard)


@pytest.mark.parametrize("behind", ["", "-wal", "-shm", "-journal"])
def test_no_file_of_a_store_is_a_link_or_open_to_everybody(store: ApprovalStore, tmp_path: Path, behind: str) -> None:
    file = store.path.with_name(store.path.name + behind)
    elsewhere = tmp_path / "elsewhere"
    if file.exists():
        file.rename(elsewhere)
    else:
        elsewhere.touch()
    file.symlink_to(elsewhere)
    with pytest.raises(StoreError, match=f"{file.name}` is a link or no file"):
        store.requests()
    file.unlink()
    elsewhere.rename(file)
    file.chmod(0o666)
    with pytest.raises(StoreError, match=rf"everybody may write `.*{file.name}`, and so approve; run `chmod o-w`"):
        store.requests()


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_that_everybody_may_write_holds_no_store(tmp_path: Path, mode: int) -> None:
    """Sticky or not: nothing of others can be taken away there, but a file can be put beside the store at any time."""
    folder = tmp_path / "shared"
    folder.mkdir()
    store = ApprovalStore(folder / "approvals.db")
    guard = Guard(POLICIES, approvals=store, clock=SetClock())
    ask(guard)
    folder.chmod(mode)
    assert "keep the store in a folder that only its owner may write" in denied(guard)
    for path in (store.path, folder / "new.db"):
        with pytest.raises(StoreError, match="everybody may write the folder"):
            ApprovalStore(path)
    assert not (folder / "new.db").exists()
    folder.chmod(0o770)  # a group was chosen by whoever made the folder
    assert len(store.requests()) == 1
