"""What an entry of the cache depends on besides the policies: this program itself.

An entry that another version made, or this one before somebody edited it, must not be found. So the keys of entries
hold a stamp of the sources they come from: their names, sizes and times, which are known without reading them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

from ..resources import grammar_text
from ..version import __version__

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_LIBRARIES: Final = ("lark", "attrs", "idna", "tzdata", "cvc5")
"""What others wrote and findings can depend on. One that is not installed counts, too."""


def of_parsing() -> str:
    """Return the stamp of everything that can change the tree of a file."""
    return _stamp(_PACKAGE / "syntax", _PACKAGE / "diagnostics")


def of_checking() -> str:
    """Return the stamp of everything that can change what a check finds."""
    return _stamp(_PACKAGE)


def _stamp(*folders: Path) -> str:
    digest = hashlib.sha256(f"{__version__}\n{sys.version}\n{grammar_text()}".encode())
    for folder in folders:
        for line in _files(folder):
            digest.update(line.encode("utf-8", "surrogateescape"))
    for library in _LIBRARIES:
        found = PathFinder.find_spec(library)
        origin = found.origin if found is not None else None
        digest.update(f"{library} {origin and _of(origin, os.stat(origin))}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[str]:
    """Yield a line for each file of a folder and those below it."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path))
        else:
            yield _of(entry.path, entry.stat())


def _of(path: str, status: os.stat_result) -> str:
    return f"{path} {status.st_size} {status.st_mtime_ns}\n"
