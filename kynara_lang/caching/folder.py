"""The folder of the cache: where it is, whether it can be trusted, and its entries.

An entry is a file named after its kind and its key; it holds a signature over that name and the payload, and the
payload. The key that signs lies beside the entries, so an entry that was copied from elsewhere, changed, cut short or
renamed is none. Files are written under another name first, so two processes can use the folder at the same time.

A disk that is full or read-only is no reason to fail, nor to say anything: there is no cache then.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import define, field

MAX_ENTRIES: Final = 20_000
MAX_BYTES: Final = 256 * 2**20
"""How many entries, of how many bytes together, are left when a run ends."""

_VARIABLE: Final = "KYNARA_CACHE_DIR"
_KEY_FILE: Final = "key"
_TAG_FILE: Final = "CACHEDIR.TAG"
_TAG: Final = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"  # backups leave out folders with this, see bford.info/cachedir
    b"# This folder is the cache of kynara: `kynara clean` empties it.\n"
)
_KEY_BYTES: Final = 32
_PIECE: Final = 1 << 20
_SIGNATURE_BYTES: Final = 64  # SHA-256 in hexadecimal digits
_ENTRY = re.compile(r"[a-z]+-[0-9a-f]{64}")
_UNFINISHED = re.compile(r"new-[0-9a-f]{16}")
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_OTHERS: Final = 0o077  # what group and world may do
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class CacheError(Exception):
    """The folder cannot be trusted, or its place is not given as it must be; the text says why and what to do."""


@define
class Cache:
    """A folder that was found to be the user's own, and the key that its entries are signed with.

    `written` counts the entries that were written; once writing has failed nothing more is.
    """

    folder: Path
    _key: bytes = field(repr=False)
    written: int = 0
    _full: bool = False

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under a key, or None if there is nothing, or nothing that can be trusted."""
        name = f"{kind}-{key}"
        content = _read(self.folder / name, touch=True)
        if content is None:
            return None
        payload = content[_SIGNATURE_BYTES:]
        fine = hmac.compare_digest(content[:_SIGNATURE_BYTES], self._signature(name, (payload,)))
        return payload if fine else None

    def holds(self, kind: str, key: str) -> bool:
        """Whether there is something under a key, be it as it may."""
        return (self.folder / f"{kind}-{key}").exists()

    def put(self, kind: str, key: str, *parts: bytes | memoryview) -> None:
        """Keep something under a key of 64 hexadecimal digits, in place of what was there.

        It may be given in parts, which are not joined: a program of many rules takes tens of megabytes.
        """
        name = f"{kind}-{key}"
        assert _ENTRY.fullmatch(name)
        if self._full:
            return
        try:
            _write(self.folder / name, (self._signature(name, parts), *parts))
            self.written += 1
        except OSError:
            self._full = True

    def prune(self) -> None:
        """Remove the entries that were not used for the longest time, until the limits are kept with room to spare."""
        try:
            found = _entries(self.folder)
        except OSError:  # another process cleans it
            return
        count, size = len(found), sum(status.st_size for status in found.values())
        if count <= MAX_ENTRIES and size <= MAX_BYTES:
            return
        for path, status in sorted(found.items(), key=lambda item: item[1].st_mtime):
            if count <= MAX_ENTRIES * 0.9 and size <= MAX_BYTES * 0.9:
                break
            if _remove(path):
                count, size = count - 1, size - status.st_size

    def _signature(self, name: str, parts: Iterable[bytes | memoryview]) -> bytes:
        signature = hmac.new(self._key, name.encode() + b"\n", "sha256")
        for part in parts:
            signature.update(part)
        return signature.hexdigest().encode()


def key_of(*parts: str) -> str:
    """Return the key of an entry that depends on some texts, and on their order."""
    digest = hashlib.sha256()
    for part in parts:
        if part.isascii():  # as it mostly is, and then megabytes need no copy
            digest.update(b"%d\n" % len(part))
            for start in range(0, len(part), _PIECE):
                digest.update(part[start : start + _PIECE].encode())
            continue
        content = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d\n" % len(content))
        digest.update(content)
    return digest.hexdigest()


def open_cache() -> Cache | None:
    """Return the cache, made if there is none yet, or None where there can be none.

    Raises `CacheError` if its folder cannot be trusted.
    """
    folder = place()
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _verify(folder)
        _claim(folder)
        return Cache(folder, _key_of(folder))
    except OSError:
        return None


def empty(folder: Path) -> int:
    """Remove every file that a cache made in a folder; return how many entries it had. The tag that makes it one stays.

    Raises `CacheError` if the folder is not one that a cache would use, and `OSError` if a file cannot be removed.
    """
    if not os.path.lexists(folder):
        return 0
    _verify(folder)
    if not _is_ours(folder):
        _refuse_others(folder)
        return 0
    found = _entries(folder)
    unfinished = [path for path in folder.iterdir() if _UNFINISHED.fullmatch(path.name)]
    for path in (*found, *unfinished, folder / _KEY_FILE):
        path.unlink(missing_ok=True)
    return len(found)


def place(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where the cache is, None if nowhere: only the environment of the user says so, never a project.

    Raises `CacheError` if it says something else than a place.
    """
    if own := environment.get(_VARIABLE):
        if not os.path.isabs(own):
            raise CacheError(f"{_VARIABLE} must be an absolute path, not `{own}`")
        return Path(own)
    folder = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(folder):
        usual = {"darwin": "~/Library/Caches", "win32": environment.get("LOCALAPPDATA", "")}
        folder = os.path.expanduser(usual.get(sys.platform, "~/.cache"))
    return Path(folder, "kynara") if os.path.isabs(folder) else None


# The files


def _verify(folder: Path) -> None:
    """See to it that nobody else can have put something into the folder."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise CacheError(f"{folder} is a file or a link, where a folder should be")
    if not _is_own(status):
        raise CacheError(f"{folder} belongs to somebody else")
    if _is_open_to_others(status):
        raise CacheError(f"others have access to {folder}; `chmod 700` takes it from them")


def _claim(folder: Path) -> None:
    """Make a folder a cache if it is empty; one of another kind is refused, because its files could have our names."""
    if not _is_ours(folder):
        _refuse_others(folder)
        _write(folder / _TAG_FILE, (_TAG,))


def _is_ours(folder: Path) -> bool:
    return _read(folder / _TAG_FILE) == _TAG


def _refuse_others(folder: Path) -> None:
    """Raise `CacheError` if a folder without our tag holds anything but what a process is about to put there."""
    if all(_UNFINISHED.fullmatch(name) for name in os.listdir(folder)):
        return
    if not _is_ours(folder):  # else another process made it one meanwhile
        instead = f"{_VARIABLE} can name a folder that is empty, or is not there yet"
        raise CacheError(f"{folder} holds files and was not made by kynara; {instead}")


def _is_own(status: os.stat_result) -> bool:
    return os.name == "nt" or status.st_uid == os.geteuid()


def _is_open_to_others(status: os.stat_result) -> bool:
    return os.name != "nt" and bool(status.st_mode & _OTHERS)


def _key_of(folder: Path) -> bytes:
    """Return the key that signs entries, made at first use. Of two processes that make one, the last wins."""
    path = folder / _KEY_FILE
    key = _read(path)
    if key is None or len(key) != _KEY_BYTES:
        _write(path, (os.urandom(_KEY_BYTES),))
        key = _read(path)
    if key is None or len(key) != _KEY_BYTES:
        raise OSError
    return key


def _read(path: Path, *, touch: bool = False) -> bytes | None:
    """Return what a file holds if it is the user's own alone; `touch` notes that it was used."""
    try:
        with open(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES or not _is_own(status) or _is_open_to_others(status):
                return None
            content = file.read()
        if touch and status.st_mtime < time.time() - _DAY:
            os.utime(path)
        return content
    except OSError:
        return None


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file that only the user may read, all of it or nothing."""
    unfinished = path.with_name(f"new-{os.urandom(8).hex()}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600), "wb") as file:
            file.writelines(parts)
        os.replace(unfinished, path)
    except OSError:
        _remove(unfinished)
        raise


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # another process was faster, or it stays
        return False
    return True


def _entries(folder: Path) -> dict[Path, os.stat_result]:
    """List the entries of a folder; what a process that was killed left unfinished is removed on the way."""
    found = {}
    for entry in os.scandir(folder):
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            continue
        if _ENTRY.fullmatch(entry.name):
            found[Path(entry.path)] = status
        elif _UNFINISHED.fullmatch(entry.name) and status.st_mtime < time.time() - _HOUR:
            _remove(Path(entry.path))
    return found
