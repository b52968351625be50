"""Finds policy files on disk, and reads them: bounded, as UTF-8, and nothing twice.

A file that is left out by accident can be a `forbid` that is missing. So whatever cannot be read is an error, never
skipped; only hidden entries and `__pycache__` are passed over. And whoever proposes a policy can put links into a
folder, so a folder stands for the policy files in it, and no link makes it stand for another file of the machine. What
is wrong with paths is raised (`FilesError`), what is wrong inside a file becomes a diagnostic with its place.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from attrs import frozen

from .diagnostics.diagnostic import Report
from .diagnostics.source import Source, Span

SUFFIX: Final = ".kyn"
MAX_BYTES: Final = 128 * 1024 * 1024
"""The largest policy file that is read."""
BOM: Final = b"\xef\xbb\xbf"

_CHUNK: Final = 1024 * 1024
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_STREAMS: Final = ("/dev/", "/proc/")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BEHIND_THE_PROBLEM: Final = 4096
_MODULE_PART: Final = re.compile(r"[a-z_][A-Za-z0-9_]*")


class FilesError(OSError):
    """A path cannot be used; the message says which and why in one line."""


# Finding policy files


@frozen
class PolicyFile:
    """A policy file: the name it is shown under, the path to open, and the path that is its identity.

    `linked` says that symbolic links lead to it.
    """

    name: str
    path: str
    real: str
    linked: bool = False


def find_files(paths: Iterable[str | os.PathLike[str]], *, apart_from: Iterable[str] = ()) -> tuple[PolicyFile, ...]:
    """Return the files of some paths, sorted by name, each once however many paths and links lead to it.

    A path is a file, or a folder that stands for all `.kyn` files below it; folders in `apart_from` (libraries) are
    only searched when a path names them. Raises `FilesError` for a path that does not exist or has no policies.
    """
    apart = frozenset(os.path.realpath(folder) for folder in apart_from)
    found: dict[str, PolicyFile] = {}
    for path in paths:
        for file in _files_of(os.fspath(path), apart):
            known = found.get(file.real)
            if known is None or (file.linked, file.name) < (known.linked, known.name):
                found[file.real] = file
    return tuple(sorted(found.values(), key=lambda file: file.name.split("/")))


def find_modules(folders: Iterable[str]) -> dict[str, PolicyFile]:
    """Return the library modules of some folders: `acme.base` is `acme/base.kyn` in one of them.

    Files whose names are not module names are left out. Raises `FilesError` for a folder that does not exist, a module
    that is found twice, and one that takes a name of the standard library.
    """
    modules: dict[str, PolicyFile] = {}
    for folder in folders:
        if not os.path.isdir(folder):
            raise FilesError(f"the library folder {_named(folder)} does not exist")
        for file in _walk(folder, frozenset()):
            parts = Path(file.path).relative_to(folder).with_suffix("").parts
            if not all(_MODULE_PART.fullmatch(part) for part in parts):
                continue
            name = ".".join(parts)
            if parts[0] == "std":
                raise FilesError(f"{_named(file.name)} takes the name `{name}`; `std` is the standard library")
            known = modules.setdefault(name, file)
            if known.real != file.real:
                both = f"{_named(known.name)} and {_named(file.name)}"
                raise FilesError(f"the library module `{name}` is found twice: {both}")
    return modules


def _files_of(path: str, apart: frozenset[str]) -> Iterator[PolicyFile]:
    """List what a path that somebody named stands for."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise FilesError(f"there is no file or folder {_named(path)}") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISDIR(status.st_mode):
        yield PolicyFile(shown_name(path), path, os.path.realpath(path))
        return
    empty = True
    for file in _walk(path, apart):
        empty = False
        yield file
    if empty:
        raise FilesError(f"the folder {_named(path)} contains no `{SUFFIX}` files")


def _walk(root: str, apart: frozenset[str]) -> Iterator[PolicyFile]:
    """List the policy files below a folder; linked folders come last, and each real folder once."""
    entered: set[str] = set()
    top = os.path.realpath(root)
    waiting = deque([(root, top, False)])
    while waiting:
        folder, real, linked = waiting.popleft()
        if real in entered:
            continue
        entered.add(real)
        for entry in _entries(folder):
            link = entry.is_symlink()
            place = os.path.realpath(entry.path) if link else os.path.join(real, entry.name)
            if os.path.isdir(entry.path) if link else entry.is_dir():
                if place not in apart:
                    _refuse_to_stray(entry.path, place, root, top)
                    inner = (entry.path, place, linked or link)
                    waiting.append(inner) if inner[2] else waiting.appendleft(inner)
            elif entry.name.endswith(SUFFIX):
                if link:
                    _refuse_to_stray(entry.path, place, root, top, SUFFIX)
                yield PolicyFile(shown_name(entry.path), entry.path, place, linked or link)


def find_beside(path: str) -> tuple[str, ...]:
    """Return the paths of the policy files in the folder of a file, without those further below.

    Raises `FilesError` as `find_files` does for that folder.
    """
    folder = os.path.dirname(path) or os.curdir
    top = os.path.realpath(folder)
    found = sorted(e.path for e in _entries(folder) if e.name.endswith(SUFFIX) and not os.path.isdir(e.path))
    for one in found:
        if os.path.islink(one):
            _refuse_to_stray(one, os.path.realpath(one), folder, top, SUFFIX)
    return tuple(found)


def _refuse_to_stray(path: str, real: str, folder: str, top: str, suffix: str = "") -> None:
    """Raise `FilesError` for an entry that leads out of the folder that was named, or to what is no policy file.

    What a check reads it also shows, and the file of another could be a secret of the machine that checks.
    """
    if real != top and not real.startswith(os.path.join(top, "")):
        where = f"out of the folder {_named(shown_name(folder))}"
    elif not real.endswith(suffix):
        where = f"to a file whose name does not end in `{suffix}`"
    else:
        return
    raise FilesError(
        f"{_named(shown_name(path))} is a link that leads {where}; it is not followed, because whoever proposes a "
        "policy could have any file of this machine read and shown. Remove the link, and name what it leads to by its "
        "own path: on the command line, in `kynara_lang.load([…])`, or in `policies` or `libraries` of kynara.toml"
    )


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """List what is in a folder, without hidden entries and caches of Python."""
    try:
        with os.scandir(folder) as entries:
            found = [e for e in entries if not e.name.startswith(".") and e.name != "__pycache__"]
    except OSError as error:
        raise _unreadable(folder, error) from None
    for entry in found:
        special = not entry.is_symlink() and not entry.is_dir() and not entry.is_file()
        if special and entry.name.endswith(SUFFIX):
            raise FilesError(f"{_named(shown_name(entry.path))} is not a regular file")
    return found


def shown_name(path: str) -> str:
    """Return the name of a path for people: relative to the working folder if it lies there, else as given."""
    name = os.path.normpath(path)
    if os.path.isabs(name):
        inside = os.path.join(os.getcwd(), "")
        name = name.removeprefix(inside)
    return os.fsencode(Path(name).as_posix()).decode("utf-8", "backslashreplace")


def _named(path: str) -> str:
    """Quote a path in full, with everything made visible that could act on a terminal."""
    from .diagnostics.excerpt import visible  # only here: it is slow to import

    return f"`{visible(path)}`"


def _unreadable(path: str, error: Exception) -> FilesError:
    reason = error.strerror if isinstance(error, OSError) else None
    return FilesError(f"{_named(path)} cannot be read: {reason or error}")


# Reading


def read_source(file: PolicyFile, report: Report) -> Source | None:
    """Return the source of a file, or None with a diagnostic if it is not text; raise `FilesError` for no file."""
    return source_of(file.name, read_bytes(file.path, MAX_BYTES), report)


def source_of(name: str, content: bytes | None, report: Report) -> Source | None:
    """Return the source of bytes, or None with a diagnostic if they are not UTF-8 or (as None) too many."""
    if content is None:
        source = Source(name, "")
        report.add(
            "KYN007",
            f"the file is larger than {MAX_BYTES // 2**20} MiB",
            Span(source, 0, 0),
            "not read",
            help="split the policy into several files; all files of the checked paths form one program",
        )
        return None
    content = content.removeprefix(BOM)
    try:
        return Source(name, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        _complain_of_encoding(name, content, error, report)
        return None


def _complain_of_encoding(name: str, content: bytes, error: UnicodeDecodeError, report: Report) -> None:
    start = len(content[: error.start].decode("utf-8"))
    source = Source(name, content[: error.end + _BEHIND_THE_PROBLEM].decode("utf-8", "replace"))
    report.add(
        "KYN006",
        "the file is not UTF-8 text",
        Span(source, start, start + 1),
        f"the byte 0x{content[error.start]:02X} fits no character",
        notes=["it begins as UTF-16 text does"] if content.startswith(_UTF_16) else (),
        help="save the file as UTF-8",
    )


def read_bytes(path: str, limit: int) -> bytes | None:
    """Return the content of a file, or None if it is larger than `limit` bytes; raise `FilesError` if that fails."""
    try:
        with open_to_read(path) as file:
            if os.fstat(file.fileno()).st_size > limit:
                return None
            return read_bounded(file, limit)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def open_to_read(path: str) -> BinaryIO:
    """Open a file; what a link leads to must be a regular one.

    A link comes with a tree that somebody proposed, and one to a pipe or a terminal would make the reader wait for
    ever. Who names a pipe itself means it, also one of the shell: `/dev/stdin`, and `<(…)` as `/dev/fd/63`.
    """
    means_stream = os.path.abspath(path).startswith(_STREAMS) or not os.path.islink(path)
    return open(path, "rb", opener=None if means_stream else open_regular)


def open_regular(path: str, flags: int, mode: int = 0o666) -> int:
    """Open a file with some flags of `os.open`, never waiting for it; raise `OSError` unless it is a regular one."""
    fd = os.open(path, flags | _AT_ONCE, mode)
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind):
        return fd
    os.close(fd)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "is not a regular file", path)


def read_bounded(stream: BinaryIO, limit: int) -> bytes | None:
    """Return all that is left of a stream, or None if it is more than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return None
    return b"".join(chunks)
