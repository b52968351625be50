"""Where a broken declaration begins and ends, guessed from the layout that everybody uses.

A word that only begins declarations, at the start of a line, begins one. `subject`, `action`, `resource` and `context`
begin clauses too, so they count only outside of brackets.
"""

from __future__ import annotations

import re

from attrs import frozen

from .scrutiny import STRING

_ONLY = "module|import|trait|type|role|let|permit|forbid|require[ \t]+approval|invariant|fixture|test"
_ALSO = "subject|resource|action|context"
_LANDMARKS = re.compile(
    rf"{STRING}|#[^\n]*|(?P<open>[({{\[])|(?P<close>[)}}\]])"
    rf"|^(?:(?P<only>{_ONLY})|(?P<also>{_ALSO}))(?![A-Za-z0-9_])(?![ \t]*:)",
    re.MULTILINE,
)


@frozen
class Broken:
    """A stretch of text to set aside: where it may begin, the smallest first, and where it ends."""

    starts: tuple[int, ...]
    end: int


def broken(text: str, start: int, stop: int) -> Broken:
    """Return what to set aside of `text[start:]` when parsing stopped at `stop`."""
    begins = _beginnings(text, start, stop, 0)
    before = [at for at in begins if at < stop]
    starts = [stop] if text[:stop].endswith("\n") and stop > start else []
    starts.append(before[-1] if before else start)
    after = _beginnings(text, starts[-1], len(text), stop)
    end = next((at for at in after if at >= stop and at > starts[-1]), len(text))
    return Broken(tuple(starts), end)


def declaration_word_before(text: str, start: int, stop: int) -> tuple[int, int] | None:
    """Return the place of a word that begins declarations if it stands at a margin and right before `stop`."""
    line = text.rfind("\n", start, stop) + 1
    found = _LANDMARKS.match(text, line) if line > start else None
    if found is None or not (found["only"] or found["also"]) or text[found.end() : stop].strip():
        return None
    return found.span() if line in _beginnings(text, start, stop, 0) else None


def _beginnings(text: str, start: int, stop: int, wanted_from: int) -> list[int]:
    """Return where declarations begin, up to and including `stop`, or the first one from `wanted_from` on."""
    found, depth = [], 0
    for mark in _LANDMARKS.finditer(text, start):
        if mark.start() > stop:
            break
        if mark["open"]:
            depth += 1
        elif mark["close"]:
            depth = max(depth - 1, 0)
        elif mark["only"] or (mark["also"] and not depth):
            depth = 0
            found.append(mark.start())
            if wanted_from and mark.start() >= wanted_from:
                break
    return found
