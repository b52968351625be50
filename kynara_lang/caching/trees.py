"""Keeps the trees of files that parsed without a complaint, so that a file is parsed again only when it changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source
from .folder import Cache, key_of

if TYPE_CHECKING:
    from ..syntax import ast

_KIND: Final = "parsed"


def read(cache: Cache, stamp: str, source: Source, report: Report) -> ast.Module:
    """Return the tree of a source as `parser.read` does, from the cache if it is there; `stamp` is that of parsing."""
    from ..syntax import stored  # only here: a report that is kept needs no trees

    key = key_of(stamp, source.text)
    payload = cache.get(_KIND, key)
    if payload is not None:
        try:
            return stored.from_data(json.loads(payload), source)
        except (ValueError, RecursionError):  # no JSON, or no tree: it is written anew
            pass
    from ..syntax import parser  # only here: it loads Lark

    own = Report()
    module = parser.read(source, own)
    found = own.sorted()
    if not found and not module.broken:
        cache.put(_KIND, key, json.dumps(stored.to_data(module), separators=(",", ":")).encode())
    report.extend(found)
    return module
