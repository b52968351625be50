"""The folder of the cache: whom it trusts, what it takes for an entry, and that it never gets in the way."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kynara_lang.caching import folder
from kynara_lang.caching.folder import Cache, CacheError, empty, key_of, open_cache, place

ROOT = Path(__file__).resolve().parents[2]
KEY, OTHER = key_of("one"), key_of("two")

posix = pytest.mark.skipif(os.name == "nt", reason="owners and modes are different there")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache will be; the folder it lies in exists, it does not."""
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cache(home: Path) -> Cache:
    found = open_cache()
    assert found is not None
    assert found.folder == home
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# Where it is


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="caches lie elsewhere there")
def test_the_user_says_where_it_is() -> None:
    assert place({"HOME": "/h"}) == Path(os.path.expanduser("~/.cache/kynara"))
    assert place({"XDG_CACHE_HOME": "/x"}) == Path("/x/kynara")
    assert place({"XDG_CACHE_HOME": "relative"}) == place({})
    assert place({"XDG_CACHE_HOME": "/x", "KYNARA_CACHE_DIR": "/own"}) == Path("/own")
    assert place({"KYNARA_CACHE_DIR": ""}) == place({})


def test_a_place_relative_to_the_working_folder_is_refused() -> None:
    with pytest.raises(CacheError, match="KYNARA_CACHE_DIR must be an absolute path, not `here`"):
        place({"KYNARA_CACHE_DIR": "here"})


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder.os.path, "expanduser", lambda path: path)
    for variable in ("KYNARA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert place(os.environ) is None
    assert open_cache() is None


# Whom it trusts


@posix
def test_nobody_else_may_look_into_it_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        found = open_cache()
        assert found is not None
        found.put("parsed", KEY, b"x")
    finally:
        os.umask(before)
    assert mode(home) == 0o700
    assert {mode(path) for path in home.iterdir()} == {0o600}
    assert sorted(path.name for path in home.iterdir()) == ["CACHEDIR.TAG", "key", f"parsed-{KEY}"]


@posix
@pytest.mark.parametrize("open_to", [0o750, 0o701, 0o720, 0o777])
def test_a_folder_that_others_have_access_to_is_refused(home: Path, open_to: int) -> None:
    home.mkdir()
    home.chmod(open_to)
    with pytest.raises(CacheError, match=r"others have access to .*`chmod 700`"):
        open_cache()
    with pytest.raises(CacheError):
        empty(home)
    assert list(home.iterdir()) == []


@posix
def test_a_link_to_a_folder_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CacheError, match="is a file or a link, where a folder should be"):
        open_cache()
    with pytest.raises(CacheError):
        empty(home)


@posix
def test_a_folder_of_somebody_else_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(mode=0o700)
    me = os.geteuid()
    monkeypatch.setattr(folder.os, "geteuid", lambda: me + 1)
    with pytest.raises(CacheError, match="belongs to somebody else"):
        open_cache()


@pytest.mark.parametrize("content", [b"mine", bytes(32)], ids=["text", "as long as a key"])
@pytest.mark.parametrize("tag", [None, b"Signature: 8a477f597d28d172789f06886806bc55\n# of another program\n"])
def test_a_folder_of_something_else_is_neither_used_nor_emptied(home: Path, content: bytes, tag: bytes | None) -> None:
    """A file called `key` can be anybody's."""
    home.mkdir(mode=0o700)
    (home / "key").write_bytes(content)
    (home / "key").chmod(0o600)
    if tag is not None:
        (home / "CACHEDIR.TAG").write_bytes(tag)
        (home / "CACHEDIR.TAG").chmod(0o600)
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    for use in (open_cache, lambda: empty(home)):
        with pytest.raises(CacheError, match=r"holds files and was not made by kynara; KYNARA_CACHE_DIR can name"):
            use()
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_an_empty_folder_becomes_a_cache_and_stays_one(home: Path) -> None:
    home.mkdir(mode=0o700)
    assert empty(home) == 0
    (home / f"new-{'0' * 16}").write_text("what another process begins")
    for _ in range(2):
        cache = open_cache()
        assert cache is not None
        cache.put("parsed", KEY, b"payload")
        (home / "notes.txt").write_text("mine")
        assert empty(home) == 1
    assert sorted(path.name for path in home.iterdir()) == ["CACHEDIR.TAG", "notes.txt"]


def test_a_file_in_its_place_means_no_cache(home: Path) -> None:
    home.write_text("x")
    assert open_cache() is None
    assert home.read_text() == "x"


# What is an entry


def test_what_was_put_is_got(cache: Cache) -> None:
    assert cache.get("parsed", KEY) is None
    cache.put("parsed", KEY, b"payload")
    assert cache.get("parsed", KEY) == b"payload"
    assert cache.get("parsed", OTHER) is None
    assert cache.get("checked", KEY) is None
    cache.put("parsed", KEY, b"")
    assert cache.get("parsed", KEY) == b""


def test_another_process_gets_it_too(cache: Cache) -> None:
    cache.put("parsed", KEY, b"payload")
    again = open_cache()
    assert again is not None
    assert again.get("parsed", KEY) == b"payload"


def test_an_entry_that_was_changed_anywhere_is_none(cache: Cache, home: Path) -> None:
    cache.put("parsed", KEY, b"payload")
    entry = home / f"parsed-{KEY}"
    right = entry.read_bytes()
    for at in range(len(right)):
        entry.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
        assert cache.get("parsed", KEY) is None
        entry.write_bytes(right[:at])
        assert cache.get("parsed", KEY) is None
    entry.write_bytes(right + b"x")
    assert cache.get("parsed", KEY) is None
    cache.put("parsed", KEY, b"new")
    assert cache.get("parsed", KEY) == b"new"


def test_an_entry_under_another_name_is_none(cache: Cache, home: Path) -> None:
    cache.put("parsed", KEY, b"payload")
    for name in (f"parsed-{OTHER}", f"checked-{KEY}"):
        (home / name).write_bytes((home / f"parsed-{KEY}").read_bytes())
        (home / name).chmod(0o600)
    assert cache.get("parsed", OTHER) is None
    assert cache.get("checked", KEY) is None


def test_an_entry_of_another_cache_is_none(cache: Cache, home: Path) -> None:
    cache.put("parsed", KEY, b"payload")
    (home / "key").unlink()
    again = open_cache()
    assert again is not None
    assert again.get("parsed", KEY) is None


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_broken_key_is_replaced(cache: Cache, home: Path, content: bytes) -> None:
    cache.put("parsed", KEY, b"payload")
    (home / "key").write_bytes(content)
    again = open_cache()
    assert again is not None
    assert again.get("parsed", KEY) is None
    again.put("parsed", KEY, b"new")
    assert again.get("parsed", KEY) == b"new"


@posix
def test_an_entry_that_others_can_write_a_link_and_what_is_no_file_are_none(cache: Cache, home: Path) -> None:
    cache.put("parsed", KEY, b"payload")
    entry = home / f"parsed-{KEY}"
    entry.chmod(0o620)
    assert cache.get("parsed", KEY) is None
    entry.chmod(0o600)
    assert cache.get("parsed", KEY) == b"payload"
    entry.rename(home / "moved")
    entry.symlink_to(home / "moved")
    assert cache.get("parsed", KEY) is None
    entry.unlink()
    entry.mkdir()
    assert cache.get("parsed", KEY) is None
    entry.rmdir()
    os.mkfifo(entry, 0o600)
    assert cache.get("parsed", KEY) is None  # and does not wait for somebody to write
    writer = os.open(entry, os.O_RDWR | os.O_NONBLOCK)
    assert cache.get("parsed", KEY) is None
    os.close(writer)


@posix
def test_an_entry_of_somebody_else_is_none(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("parsed", KEY, b"payload")
    me = os.geteuid()
    monkeypatch.setattr(folder.os, "geteuid", lambda: me + 1)
    assert cache.get("parsed", KEY) is None


def test_a_name_cannot_lead_out_of_the_folder(cache: Cache) -> None:
    with pytest.raises(AssertionError):
        cache.put("../parsed", KEY, b"")
    with pytest.raises(AssertionError):
        cache.put("parsed", "../key", b"")


def test_keys_of_different_texts_differ() -> None:
    keys = {key_of(), key_of(""), key_of("", ""), key_of("ab"), key_of("a", "b"), key_of("b", "a"), key_of("\udcff")}
    assert len(keys) == 7
    assert all(len(key) == 64 for key in keys)


# It never gets in the way


@pytest.mark.parametrize("function", ["open", "replace"])
def test_a_full_disk_means_no_cache(cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    tried = 0

    def fail(*arguments: object, **options: object) -> int:
        nonlocal tried
        tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    before = set(home.iterdir())
    monkeypatch.setattr(folder.os, function, fail)
    cache.put("parsed", KEY, b"payload")
    cache.put("parsed", OTHER, b"payload")
    assert tried == 1, "once it has failed it is not tried again"
    assert cache.written == 0
    assert set(home.iterdir()) == before


@pytest.mark.parametrize("function", ["open", "mkdir", "replace"])
def test_a_disk_that_is_read_only_means_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    def fail(*arguments: object, **options: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(folder.os, function, fail)
    assert open_cache() is None


def test_a_folder_that_is_gone_meanwhile_does_no_harm(cache: Cache, home: Path) -> None:
    for path in home.iterdir():
        path.unlink()
    home.rmdir()
    cache.put("parsed", KEY, b"payload")
    assert cache.get("parsed", KEY) is None
    cache.prune()


PROCESS = """
from kynara_lang.caching.folder import key_of, open_cache
for number in range(150):
    cache = open_cache()
    assert cache is not None
    key = key_of(str(number % 30))
    found = cache.get("parsed", key)
    assert found in (None, b"x" * 1000 * (number % 30)), number
    cache.put("parsed", key, b"x" * 1000 * (number % 30))
    assert not cache._full
    if number % 10 == 0:
        cache.prune()
"""


def test_processes_at_the_same_time_do_not_disturb_each_other(home: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROCESS]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(4)]
    for process in running:
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr.decode()
    cache = open_cache()
    assert cache is not None
    assert sorted(path.name.partition("-")[0] for path in home.iterdir()) == ["CACHEDIR.TAG", "key", *["parsed"] * 30]
    assert cache.get("parsed", key_of("7")) == b"x" * 7000


# It stays small, and can be emptied


def old(path: Path, age: float) -> None:
    os.utime(path, (time.time() - age, time.time() - age))


def filled(cache: Cache, home: Path) -> list[Path]:
    """Put ten entries of a thousand bytes, the first used last the longest time ago."""
    entries = []
    for number in range(10):
        cache.put("parsed", key_of(str(number)), bytes(1000 - 64))
        entries.append(home / f"parsed-{key_of(str(number))}")
        old(entries[-1], 1000 - number)
    return entries


@pytest.mark.parametrize(("limit", "value"), [("MAX_ENTRIES", 5), ("MAX_BYTES", 5000)])
def test_entries_that_were_not_used_for_long_make_room(
    cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    entries = filled(cache, home)
    cache.prune()
    assert all(path.exists() for path in entries)
    monkeypatch.setattr(folder, limit, value)
    cache.prune()
    assert [path.exists() for path in entries] == [False] * 6 + [True] * 4


def test_what_is_used_counts_as_new(cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = filled(cache, home)
    old(entries[0], 100_000)
    assert cache.get("parsed", key_of("0")) is not None
    monkeypatch.setattr(folder, "MAX_ENTRIES", 2)
    cache.prune()
    assert [path.exists() for path in entries] == [True] + [False] * 9


def test_what_a_killed_process_left_is_removed_after_a_while(cache: Cache, home: Path) -> None:
    left, fresh = home / f"new-{'0' * 16}", home / f"new-{'1' * 16}"
    for path in (left, fresh):
        path.write_text("half")
    old(left, 4000)
    cache.prune()
    assert (left.exists(), fresh.exists()) == (False, True)


def test_emptying_removes_what_is_ours_and_nothing_else(cache: Cache, home: Path) -> None:
    entries = filled(cache, home)
    (home / f"new-{'1' * 16}").write_text("half")
    (home / "notes.txt").write_text("mine")
    (home / "parsed-notes").write_text("mine")
    assert empty(home) == len(entries)
    assert sorted(path.name for path in home.iterdir()) == ["CACHEDIR.TAG", "notes.txt", "parsed-notes"]
    assert empty(home) == 0
    assert empty(home / "nowhere") == 0
