"""Where imported modules come from: the standard library that is shipped, and what else a caller offers."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from . import resources
from .diagnostics.source import Source


@frozen
class Libraries:
    """Where imported modules come from: `find` returns a module's source or None, `names` lists what there is."""

    find: Callable[[str], Source | None]
    names: tuple[str, ...]


def standard_library() -> Libraries:
    """Return the library that is shipped: the `std` modules."""

    def find(module: str) -> Source | None:
        found = resources.library_source(module)
        return None if found is None else Source(*found)

    return Libraries(find, tuple(resources.library_modules()))
