"""The calls to the operating system that a log makes, in one place, so that tests can make each of them fail.

Every file is opened without following links, and must be a regular one: a log folder can be somebody else's, and a
named pipe would hang whoever reads it.
"""

from __future__ import annotations

import errno
import os
from importlib import import_module
from types import ModuleType
from typing import Final

from ..files import open_regular
from .faults import LogError

fcntl: ModuleType | None
try:
    fcntl = import_module("fcntl")
except ImportError:  # Windows
    fcntl = None

_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


class Disk:
    """The real disk; every method is one or two calls, and raises `OSError` as they do."""

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it, for nobody but its owner; it may exist."""
        os.makedirs(path, FOLDER_MODE, exist_ok=True)

    def names(self, path: str) -> list[str]:
        """List what is in a folder."""
        return os.listdir(path)

    def open(self, path: str, *, write: bool = False, create: bool = False) -> int:
        """Open a regular file."""
        flags = _NO_LINKS | (os.O_RDWR if write else os.O_RDONLY) | (os.O_CREAT if create else 0)
        return open_regular(path, flags, FILE_MODE)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to so many bytes."""
        if not hasattr(os, "pread"):  # Windows, where logs can be read and verified, not written
            os.lseek(fd, offset, os.SEEK_SET)
            return os.read(fd, size)
        return os.pread(fd, size, offset)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write some or all bytes; return how many."""
        return os.pwrite(fd, data, offset)

    def flush(self, fd: int) -> None:
        """Return when what was written to a file is on the disk."""
        whole = getattr(fcntl, "F_FULLFSYNC", None)  # macOS, whose fsync leaves data in the drive's own memory
        if fcntl is not None and whole is not None:
            fcntl.fcntl(fd, whole)
        else:
            os.fdatasync(fd)

    def flush_folder(self, path: str) -> None:
        """Return when the names in a folder are on the disk."""
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def size(self, fd: int) -> int:
        """Return the size of a file; one that has no name any more is an error."""
        found = os.fstat(fd)
        if found.st_nlink == 0:
            raise OSError(errno.ENOENT, "the file was removed while it was open")
        return found.st_size

    def replace(self, old: str, new: str) -> None:
        """Give a file another name, in place of the one that has it."""
        os.replace(old, new)

    def close(self, fd: int) -> None:
        """Close a file."""
        os.close(fd)

    def lock(self, fd: int, *, shared: bool = False) -> bool:
        """Take a lock on a file if that is possible at once; tell whether it was."""
        if fcntl is None:  # Windows, again
            if shared:
                return True
            raise LogError("settings", "writing a log needs a system with `flock`, such as Linux or macOS")
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, fd: int) -> None:
        """Give a lock back."""
        assert fcntl is not None  # or there was no lock
        fcntl.flock(fd, fcntl.LOCK_UN)


DISK: Final = Disk()


def write_all(disk: Disk, fd: int, data: bytes, offset: int) -> None:
    """Write all bytes, however many the system takes at a time."""
    done = disk.write(fd, data, offset)
    while done < len(data):
        more = disk.write(fd, memoryview(data)[done:], offset + done)
        if more <= 0:
            raise OSError(errno.EIO, "the system takes no more bytes")
        done += more


def read_whole(disk: Disk, path: str, most: int) -> bytes | None:
    """Return what a small file holds, or None where there is none; more than `most` bytes are an error."""
    try:
        fd = disk.open(path)
    except FileNotFoundError:
        return None
    try:
        content = disk.read(fd, most + 1, 0)
    finally:
        disk.close(fd)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"is larger than {most} bytes", path)
    return content


def write_whole(disk: Disk, path: str, content: bytes) -> None:
    """Put a small file in place of what was there: whoever reads it finds the old one or the new one, whole."""
    fresh = f"{path}.{os.getpid()}.new"
    fd = disk.open(fresh, write=True, create=True)
    try:
        disk.truncate(fd, 0)
        write_all(disk, fd, content, 0)
        disk.flush(fd)
    finally:
        disk.close(fd)
    disk.replace(fresh, path)
    disk.flush_folder(os.path.dirname(path))
