"""Keeps the trees of files that parsed without a complaint, so that a file is parsed again only when it changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source
from .folder import Cache, key_of

if TYPE_CHECKING:
    from ..syntax import ast

_KIND: Final = "parsed"


Parse: TypeAlias = "Callable[[Source, Report], ast.Module]"


def parse(source: Source, report: Report) -> ast.Module:
    """Return the tree of a source, as `parser.read` does."""
    from ..syntax import parser  # only here: it loads Lark

    return parser.read(source, report)


def read(cache: Cache, stamp: str, source: Source, report: Report, parse: Parse = parse) -> ast.Module:
    """Return the tree of a source from the cache, or as `parse` makes it; `stamp` is that of parsing."""
    from ..syntax import stored  # only here: a report that is kept needs no trees

    key = key_of(stamp, source.text)
    payload = cache.get(_KIND, key)
    if payload is not None:
        try:
            return stored.from_data(json.loads(payload), source)
        except (ValueError, RecursionError):  # no JSON, or no tree: it is written anew
            pass
    own = Report()
    module = parse(source, own)
    found = own.sorted()
    if not found and not module.broken:
        cache.put(_KIND, key, json.dumps(stored.to_data(module), separators=(",", ":")).encode())
    report.extend(found)
    return module


def holds(cache: Cache, stamp: str, source: Source) -> bool:
    """Whether the tree of a source seems to be there; nobody has looked whether it can be trusted."""
    return cache.holds(_KIND, key_of(stamp, source.text))
