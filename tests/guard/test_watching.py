"""Policies that are loaded again when their files change: whole, good and settled versions only."""

import os
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import kynara_lang
from kynara_lang import ConfigurationError, FilesError
from kynara_lang.guard import Change, Guard, GuardWarning
from kynara_lang.guard.watching import Watched
from tests.guard.programs import BOT, DAVE, ORDER, TEXT, Kept, SetClock

STRICTER = TEXT + "\nforbid nobody_reads { subject any action read resource any }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.kyn").write_text(TEXT, encoding="utf-8")
    return tmp_path / "policies"


def write(folder: Path, text: str, name: str = "shop.kyn") -> None:
    """Write a file, and see to it that its time is another."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    write.times += 1  # type: ignore[attr-defined]
    stamp = 1_700_000_000_000_000_000 + write.times  # type: ignore[attr-defined]
    os.utime(path, ns=(stamp, stamp))


write.times = 0  # type: ignore[attr-defined]


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def passing() -> Time:
    return Time()


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def log() -> Kept:
    return Kept()


@pytest.fixture
def guard(folder: Path, passing: Time, changes: list[Change], log: Kept) -> Guard:
    return Guard(Watched(folder, None, 1.0, passing), log, clock=SetClock(), on_change=changes.append)


def look_twice(guard: Guard, passing: Time) -> None:
    for _ in range(2):
        passing.at += 1
        guard.check(BOT, "read", ORDER)


def test_a_new_version_takes_the_place_of_the_old_one(
    guard: Guard, folder: Path, passing: Time, changes: list[Change], log: Kept
) -> None:
    first = guard.check(BOT, "read", ORDER)
    assert first.allowed
    write(folder, STRICTER)
    look_twice(guard, passing)
    second = guard.check(BOT, "read", ORDER)
    assert not second.allowed
    assert second.policy_digest != first.policy_digest
    assert changes == [Change(first.policy_digest), Change(second.policy_digest, first.policy_digest)]
    assert [(b["digest"], b["before"], b["problem"]) for b in log.of("policy")] == [
        (first.policy_digest, None, None),
        (second.policy_digest, first.policy_digest, None),
    ]
    assert [b["policy_digest"] for b in log.of("decision")][::3] == [first.policy_digest, second.policy_digest]


def test_files_are_not_looked_at_more_often_than_said(guard: Guard, folder: Path, passing: Time) -> None:
    guard.check(BOT, "read", ORDER)
    write(folder, STRICTER)
    for _ in range(5):
        assert guard.check(BOT, "read", ORDER).allowed
    passing.at += 1
    assert guard.check(BOT, "read", ORDER).allowed  # seen for the first time
    passing.at += 0.5
    assert guard.check(BOT, "read", ORDER).allowed
    passing.at += 0.5
    assert not guard.check(BOT, "read", ORDER).allowed


def test_a_file_that_is_being_written_is_left_alone(
    guard: Guard, folder: Path, passing: Time, changes: list[Change]
) -> None:
    """Between two saves a file can be a good policy that lacks its last rules."""
    write(folder, STRICTER)
    look_twice(guard, passing)
    assert not guard.check(BOT, "read", ORDER).allowed
    for lines in range(3):  # each look sees another half
        write(folder, TEXT + "\n" * lines)
        passing.at += 1
        assert not guard.check(BOT, "read", ORDER).allowed
    write(folder, STRICTER + "\n")
    look_twice(guard, passing)
    assert not guard.check(BOT, "read", ORDER).allowed
    assert len(changes) == 3


def test_a_bad_version_keeps_the_old_one_and_says_so(
    guard: Guard, folder: Path, passing: Time, changes: list[Change], log: Kept
) -> None:
    digest = guard.check(BOT, "read", ORDER).policy_digest
    write(folder, "permit everything")
    with pytest.warns(GuardWarning, match="go on"):
        look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).policy_digest == digest
    assert guard.problem is not None
    assert "shop.kyn" in guard.problem
    assert changes[-1].problem == guard.problem
    assert log.of("policy")[-1]["problem"] == guard.problem
    count = len(changes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look_twice(guard, passing)  # the same files are not complained of twice
    assert len(changes) == count
    write(folder, STRICTER)
    look_twice(guard, passing)
    assert guard.problem is None
    assert not guard.check(BOT, "read", ORDER).allowed


def test_policies_that_are_gone_keep_the_old_ones(guard: Guard, folder: Path, passing: Time) -> None:
    (folder / "shop.kyn").unlink()
    with pytest.warns(GuardWarning, match="contains no"):
        look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).allowed


def test_a_file_more_and_a_configuration_count_too(guard: Guard, folder: Path, passing: Time) -> None:
    write(folder, "forbid no_reading { subject any action read resource any }", "more.kyn")
    look_twice(guard, passing)
    assert not guard.check(BOT, "read", ORDER).allowed
    write(folder.parent, "polices = 1", "kynara.toml")
    with pytest.warns(GuardWarning, match="kynara.toml"):
        look_twice(guard, passing)


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000], ids=["digits", "bits"])
def test_a_configuration_of_a_number_that_python_cannot_write_keeps_the_old_ones(
    guard: Guard, folder: Path, passing: Time, number: str
) -> None:
    write(folder.parent, f"ignore = {number}", "kynara.toml")
    with pytest.warns(GuardWarning, match="kynara.toml"):
        look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).allowed
    with pytest.raises(ConfigurationError, match="a whole number beyond 64 bits"):
        kynara_lang.load(folder)


def test_a_link_out_of_the_folder_keeps_the_old_ones(guard: Guard, folder: Path, passing: Time) -> None:
    (folder.parent / "token").write_text("secret", encoding="utf-8")
    (folder / "more.kyn").symlink_to("../token")
    with pytest.warns(GuardWarning, match=r"more\.kyn` is a link that leads out of the folder") as said:
        look_twice(guard, passing)
    assert "secret" not in "".join(str(one.message) for one in said)
    assert guard.check(BOT, "read", ORDER).allowed
    with pytest.raises(FilesError):
        kynara_lang.load(folder)


def test_it_begins_when_the_first_good_version_is_there(tmp_path: Path, passing: Time) -> None:
    with pytest.warns(GuardWarning, match="everything is denied"):
        guard = Guard(Watched(tmp_path / "policies", None, 1.0, passing))
    assert guard.check(BOT, "read", ORDER).errors[0].code == "policies-unavailable"
    (tmp_path / "policies").mkdir()
    write(tmp_path / "policies", TEXT)
    look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).allowed


def test_entities_are_watched_too(folder: Path, tmp_path: Path, passing: Time) -> None:
    write(tmp_path, '[{"type": "User", "id": "dave", "roles": ["support"]}]', "people.json")
    guard = Guard(Watched(folder, tmp_path / "people.json", 1.0, passing))
    assert guard.check(DAVE, "read", ORDER).allowed
    write(tmp_path, '[{"type": "User", "id": "dave", "roles": []}]', "people.json")
    look_twice(guard, passing)
    assert not guard.check(DAVE, "read", ORDER).allowed
    write(tmp_path, "[", "people.json")
    with pytest.warns(GuardWarning, match=r"people\.json"):
        look_twice(guard, passing)
    assert not guard.check(DAVE, "read", ORDER).allowed


def test_reload_does_not_wait(folder: Path) -> None:
    guard = Guard.watch(folder, interval=3600)
    write(folder, STRICTER)
    assert guard.check(BOT, "read", ORDER).allowed
    assert guard.reload()
    assert not guard.check(BOT, "read", ORDER).allowed
    write(folder, "nonsense")
    with pytest.warns(GuardWarning):
        assert not guard.reload()
    assert not guard.check(BOT, "read", ORDER).allowed


def test_a_guard_that_watches_nothing_has_nothing_to_reload(folder: Path) -> None:
    guard = Guard(folder)
    write(folder, STRICTER)
    assert guard.check(BOT, "read", ORDER).allowed
    assert guard.reload()  # files are read anew, if somebody says so
    assert not guard.check(BOT, "read", ORDER).allowed


def test_whoever_is_told_cannot_stop_it(folder: Path) -> None:
    def fail(change: Change) -> None:
        raise RuntimeError

    assert Guard(folder, on_change=fail).check(BOT, "read", ORDER).allowed


def test_while_one_thread_loads_the_others_are_answered(
    folder: Path, passing: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kynara_lang.guard import watching

    guard = Guard(Watched(folder, None, 1.0, passing))
    loading, go_on = threading.Event(), threading.Event()
    real = watching.load

    def slow(*arguments: Any, **options: Any) -> Any:
        loading.set()
        assert go_on.wait(10)
        return real(*arguments, **options)

    monkeypatch.setattr(watching, "load", slow)
    write(folder, STRICTER)
    thread = threading.Thread(target=look_twice, args=(guard, passing))
    thread.start()
    assert loading.wait(10)
    assert guard.check(BOT, "read", ORDER).allowed  # by the version at hand, at once
    go_on.set()
    thread.join()
    assert not guard.check(BOT, "read", ORDER).allowed


def test_a_version_that_changes_while_it_is_read_is_not_used(
    folder: Path, passing: Time, monkeypatch: pytest.MonkeyPatch, guard: Guard
) -> None:
    from kynara_lang.guard import watching

    real = watching.load

    def load(*arguments: Any, **options: Any) -> Any:
        found = real(*arguments, **options)
        write(folder, TEXT + "\n")  # somebody saves meanwhile
        return found

    write(folder, STRICTER)
    monkeypatch.setattr(watching, "load", load)
    look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).allowed
    monkeypatch.setattr(watching, "load", real)
    look_twice(guard, passing)
    assert guard.check(BOT, "read", ORDER).allowed
    assert guard.problem is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_process_goes_on_watching(folder: Path, passing: Time) -> None:
    """Even if another thread was just looking at the files when it was made."""
    guard = Guard(Watched(folder, None, 1.0, passing))
    guard._policies._lock.acquire()  # type: ignore[attr-defined]
    write(folder, STRICTER)
    child = os.fork()
    if not child:
        look_twice(guard, passing)
        os._exit(0 if not guard.check(BOT, "read", ORDER).allowed else 1)
    assert os.waitpid(child, 0)[1] == 0
