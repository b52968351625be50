"""Rules as bytes: for a program of so many rules that the trees of all would not fit.

A tree takes some ten thousand bytes, its rows as JSON less than a thousand, and the rows of many rules, compressed, a
tenth of that. So rules are packed one by one while a file is parsed, unpacked one by one while they are checked, and
kept on a shelf, from which the few that a request is about are taken when it comes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, evolve, field

from ..diagnostics.source import Source
from . import ast, stored, walk

_IN_A_BOX: Final = 64
"""How many rules are compressed together: one that is wanted costs the opening of all."""
_LARGEST_BOX: Final = 2**28
_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class NoRule(Exception):
    """What was kept of a rule is none, or is another one: somebody who can sign entries of the cache made it."""


def pack(rule: ast.RuleDecl) -> ast.RuleDecl | ast.PackedRule:
    """Pack a rule; one that is too deep to be checked stays as it is, to be found."""
    rows = stored.rows_of(rule)
    if len(rows) > walk.MAX_DEPTH and walk.deepest(rule)[0] > walk.MAX_DEPTH:
        return rule
    return ast.PackedRule(rule.effect, rule.name, rule.span, _JSON.encode(rows).encode())


def with_doc(rule: ast.PackedRule) -> bytes:
    """Return the rows of a rule behind its documentation, on one line: what lies on a shelf."""
    return b"[%b,%b]" % (json.dumps(rule.doc).encode(), rule.rows)


def unpack(line: bytes, source: Source) -> ast.RuleDecl:
    """Return the tree of a packed rule; raise `NoTree` for what is none."""
    content = json.loads(line)
    if not isinstance(content, list) or len(content) != 2:
        raise stored.NoTree
    doc, rows = content
    rule = stored.node_of(rows, ast.RuleDecl, source)
    return rule if doc is None else evolve(rule, doc=str(doc))


@define
class Shelf:
    """Packed rules in compressed boxes; the box that was opened last stays open."""

    boxes: tuple[bytes | memoryview, ...]
    _open: int = field(default=-1, init=False)
    _lines: Sequence[bytes] = field(factory=tuple, init=False)

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> Shelf:
        """Put lines on a shelf; each is found again by its number."""
        boxes: list[bytes] = []
        waiting: list[bytes] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) == _IN_A_BOX:
                boxes.append(_box(waiting))
                waiting = []
        if waiting:
            boxes.append(_box(waiting))
        return cls(tuple(boxes))

    def line(self, number: int) -> bytes:
        """Return a line; raise `NoTree` where there is none."""
        box, at = divmod(number, _IN_A_BOX)
        try:
            if box != self._open:
                opened = zlib.decompressobj()
                content = opened.decompress(self.boxes[box], _LARGEST_BOX)
                self._lines, self._open = content.split(b"\n"), box
            return self._lines[at]
        except (LookupError, zlib.error) as problem:
            raise stored.NoTree from problem


def _box(lines: list[bytes]) -> bytes:
    return zlib.compress(b"\n".join(lines), 1)
