"""A disk in memory that forgets what was not flushed, breaks where it is told to, and can be cut off at any moment.

It keeps two states of everything: what programs see, and what would be there after the power failed. Every call that
changes something is remembered, so that one run of a workload yields the disk after each of its calls.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator

from attrs import define, field

from kynara_lang.audit.disk import Disk

SECTOR = 512


@define(eq=False)
class Node:
    """A file: what programs see, what is on the disk, and the writes in between."""

    seen: bytearray = field(factory=bytearray)
    kept: bytearray = field(factory=bytearray)
    dirty: list[tuple[int, bytes | None]] = field(factory=list)  # offset and data; None cuts at the offset

    def write(self, offset: int, data: bytes) -> None:
        apply(self.seen, offset, data)
        self.dirty.append((offset, data))

    def cut(self, size: int) -> None:
        apply(self.seen, size, None)
        self.dirty.append((size, None))

    def flush(self) -> None:
        for offset, data in self.dirty:
            apply(self.kept, offset, data)
        self.dirty.clear()


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset : offset + len(data)] = data


Change = tuple[str, tuple[object, ...]]


class MemoryDisk(Disk):
    """The disk. `changes` are the calls that changed something; `note` adds to them what a workload wants to remember."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.names_seen: dict[str, Node] = {}
        self.names_kept: dict[str, Node] = {}
        self.renames: list[tuple[str, str | None, Node]] = []  # new name, old name, file
        self.folders: set[str] = {"/"}
        self.open_files: dict[int, Node] = {}
        self.next_fd = 3
        self.locked: dict[int, int] = {}
        self.changes: list[Change] = []
        for path, content in (files or {}).items():
            node = Node(bytearray(content), bytearray(content))
            self.names_seen[path] = self.names_kept[path] = node
            self.make_folder(os.path.dirname(path))

    # --- what may fail

    def call(self, name: str) -> None:
        """Be told of every call; a disk that breaks raises here."""

    def short(self, data: bytes) -> int:
        """Say how many bytes of a write are taken."""
        return len(data)

    def flushed(self, node: Node) -> None:
        node.flush()

    # --- the calls

    def make_folder(self, path: str) -> None:
        self.call("make_folder")
        while path not in self.folders:
            self.folders.add(path)
            path = os.path.dirname(path)

    def names(self, path: str) -> list[str]:
        self.call("names")
        if path not in self.folders:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        return [os.path.basename(name) for name in self.names_seen if os.path.dirname(name) == path]

    def open(self, path: str, *, write: bool = False, create: bool = False) -> int:
        self.call("open")
        if path not in self.names_seen:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            if os.path.dirname(path) not in self.folders:
                raise FileNotFoundError(errno.ENOENT, "no such folder", path)
            node = Node()
            self.names_seen[path] = node
            self.renames.append((path, None, node))
            self.changes.append(("create", (path,)))
        fd, self.next_fd = self.next_fd, self.next_fd + 1
        self.open_files[fd] = self.names_seen[path]
        return fd

    def read(self, fd: int, size: int, offset: int) -> bytes:
        self.call("read")
        return bytes(self.open_files[fd].seen[offset : offset + size])

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self.call("write")
        taken = bytes(data)[: self.short(bytes(data))]
        self.open_files[fd].write(offset, taken)
        self.changes.append(("write", (self.path_of(fd), offset, taken)))
        return len(taken)

    def flush(self, fd: int) -> None:
        self.call("flush")
        self.flushed(self.open_files[fd])
        self.changes.append(("flush", (self.path_of(fd),)))

    def flush_folder(self, path: str) -> None:
        self.call("flush_folder")
        self.keep_names(path)
        self.changes.append(("flush_folder", (path,)))

    def keep_names(self, path: str) -> None:
        for change in [c for c in self.renames if os.path.dirname(c[0]) == path]:
            self.keep_name(change)
            self.renames.remove(change)

    def keep_name(self, change: tuple[str, str | None, Node]) -> None:
        new, old, node = change
        if old is not None:
            self.names_kept.pop(old, None)
        self.names_kept[new] = node

    def truncate(self, fd: int, size: int) -> None:
        self.call("truncate")
        self.open_files[fd].cut(size)
        self.changes.append(("truncate", (self.path_of(fd), size)))

    def size(self, fd: int) -> int:
        self.call("size")
        return len(self.open_files[fd].seen)

    def replace(self, old: str, new: str) -> None:
        self.call("replace")
        node = self.names_seen.pop(old)
        self.names_seen[new] = node
        self.renames.append((new, old, node))
        self.changes.append(("replace", (old, new)))

    def close(self, fd: int) -> None:
        self.locked.pop(fd, None)
        del self.open_files[fd]

    def lock(self, fd: int, *, shared: bool = False) -> bool:
        self.call("lock")
        node = self.open_files[fd]
        if any(other != fd and self.open_files[other] is node for other in self.locked):
            return False
        self.locked[fd] = 1
        return True

    def unlock(self, fd: int) -> None:
        self.locked.pop(fd, None)

    # --- what is left of it

    def path_of(self, fd: int) -> str:
        node = self.open_files[fd]
        return next(path for path, found in self.names_seen.items() if found is node)

    def note(self, what: object) -> None:
        self.changes.append(("note", (what,)))

    def files(self) -> dict[str, bytes]:
        """Return what programs see: what is left when a process is killed."""
        return {path: bytes(node.seen) for path, node in self.names_seen.items()}

    def files_without_power(self, chance: random.Random | None = None) -> dict[str, bytes]:
        """Return what is left when the power fails: everything flushed, and of the rest what chance keeps.

        A disk may have written any sectors of any write before it was told to, in any order.
        """
        names = dict(self.names_kept)
        contents = {id(node): bytearray(node.kept) for node in self.names_seen.values()}
        if chance is not None:
            for new, old, node in self.renames[: chance.randint(0, len(self.renames))]:
                if old is not None:
                    names.pop(old, None)
                names[new] = node
            for node in self.names_seen.values():
                for offset, data in node.dirty:
                    if chance.random() < 0.5:
                        apply_some(contents[id(node)], offset, data, chance)
        return {path: bytes(contents.get(id(node), node.kept)) for path, node in names.items()}


def apply_some(content: bytearray, offset: int, data: bytes | None, chance: random.Random) -> None:
    """Apply a write as a disk may have done it: some of its sectors, whole."""
    if data is None:
        apply(content, offset, None)
        return
    keep = chance.random()
    start = 0
    while start < len(data):
        end = min(len(data), (offset + start) // SECTOR * SECTOR + SECTOR - offset)
        if chance.random() < keep:
            apply(content, offset + start, data[start:end])
        start = end


def replayed(changes: list[Change]) -> Iterator[tuple[MemoryDisk, Change | None]]:
    """Yield the disk as it was before each change of a run, with the change that comes next; at last with None."""
    disk = MemoryDisk()
    for name, details in changes:
        yield disk, (name, details)
        do(disk, name, details)
    yield disk, None


def do(disk: MemoryDisk, name: str, details: tuple[object, ...]) -> None:
    """Make a change again."""
    if name == "note":
        return
    path = str(details[0])
    if name == "create":
        disk.make_folder(os.path.dirname(path))
        disk.close(disk.open(path, write=True, create=True))
    elif name == "flush_folder":
        disk.flush_folder(path)
    elif name == "replace":
        disk.replace(path, str(details[1]))
    else:
        node = disk.names_seen[path]
        if name == "write":
            node.write(details[1], details[2])  # type: ignore[arg-type]
        elif name == "truncate":
            node.cut(details[1])  # type: ignore[arg-type]
        else:
            assert name == "flush"
            node.flush()


class BrokenDisk(MemoryDisk):
    """A disk that breaks at one call, or from it on.

    A flush that fails throws away what it should have written, as Linux does: programs go on seeing it, and no later
    flush brings it to the disk.
    """

    def __init__(
        self,
        files: dict[str, bytes] | None = None,
        *,
        at: int = -1,
        code: int = errno.EIO,
        lasting: bool = False,
        taken: int | None = None,
    ) -> None:
        self.calls: list[str] = []
        self.at = at
        self.code = code
        self.lasting = lasting
        self.taken = taken
        self.broke = False
        super().__init__(files)

    def call(self, name: str) -> None:
        now, here = len(self.calls), name
        self.calls.append(here)
        if now == self.at or (self.lasting and self.broke):
            self.broke = True
            if name == "write" and self.taken is not None and now == self.at:
                return  # short
            if name == "flush":
                return  # see `flushed`
            raise OSError(self.code, os.strerror(self.code))

    def short(self, data: bytes) -> int:
        if self.taken is not None and len(self.calls) - 1 == self.at:
            return min(self.taken, len(data))
        return len(data)

    def flushed(self, node: Node) -> None:
        if len(self.calls) - 1 == self.at or (self.lasting and self.broke):
            node.dirty.clear()
            raise OSError(self.code, os.strerror(self.code))
        node.flush()


Workload = Callable[[MemoryDisk], None]
