"""Where a broken declaration or clause begins and ends, guessed from the layout that everybody uses.

A word that only begins declarations, at the start of a line, begins one; so do the words that other languages begin
rules with. `subject`, `action`, `resource` and `context` begin clauses too, so they count only outside of brackets.
Inside a declaration, a clause begins with its word at the start of a line, and an attribute with the line itself.
"""

from __future__ import annotations

import re

from attrs import frozen

from .scrutiny import STRING

_ONLY = "module|import|trait|type|role|let|permit|forbid|require[ \t]+approval|invariant|fixture|test"
_ELSEWHERE = r"(?:default[ \t]+)?(?:allow|deny|grant|policy|rule|statement)(?=[ \t]+[A-Za-z_\"]|[ \t]*[({:=])"
_ALSO = "subject|resource|action|context"
_LANDMARKS = re.compile(
    rf"{STRING}|#[^\n]*|(?P<open>[({{\[])|(?P<close>[)}}\]])"
    rf"|^(?:(?P<only>{_ONLY}|{_ELSEWHERE})|(?P<also>{_ALSO}))(?![A-Za-z0-9_])(?![ \t]*:)",
    re.MULTILINE,
)

_MARGIN = re.compile(r"^[ \t]*(?=[^\s}])", re.MULTILINE)
_CLAUSE = re.compile(
    r"(?:subject|action|resource|scope|when|unless|valid|from|quorum|expires|never|always|given|expect)"
    r"(?![A-Za-z0-9_])(?![ \t]*:)"
)
_CLOSING = re.compile(r"^[ \t]*\}", re.MULTILINE)
_NOT_LINE_END = re.compile(r"[^\n]")


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
    after = _beginnings(text, starts[-1], len(text), max(stop, starts[-1] + 1))
    end = next((at for at in after if at >= stop and at > starts[-1]), len(text))
    return Broken(tuple(starts), end)


def without_part(text: str, start: int, end: int, stop: int) -> str | None:
    """Return `text[start:end]` with the clause or line around `stop` blanked, or None where no such part can go.

    What stands before the first brace is the head of a declaration, without which nothing else can be read.
    """
    brace = text.find("{", start, stop)
    if brace < 0:
        return None
    words = [m.end() for m in _MARGIN.finditer(text, brace + 1, end)]
    clauses = [at for at in words if _CLAUSE.match(text, at)]
    if any(at < stop for at in clauses):
        # A clause's own word does not fit where the clause before it is unfinished; another word begins a broken part.
        parts = clauses if stop in clauses else sorted({*clauses, *(at for at in words if at == stop)})
        first = max(at for at in parts if at < stop or (at == stop and stop not in clauses))
    else:
        parts = words
        first = max((at for at in parts if at <= stop), default=brace + 1)
    last = min((at for at in parts if at > first and (at > stop or stop in clauses)), default=end)
    closing = _CLOSING.search(text, stop, last)
    last = closing.start() if closing else last
    if last <= first:
        return None
    return text[start:first] + _NOT_LINE_END.sub(" ", text[first:last]) + text[last:end]


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
