"""Which tests are meant by `-k EXPR`: words of their titles, joined by `and`, `or` and `not`."""

from __future__ import annotations

import re
from collections.abc import Callable

Wanted = Callable[[str], bool]
"""Tells of a title whether its test is meant."""

_TOKEN = re.compile(r'\s*("[^"]*"|\(|\)|[^\s()"]+)')


class SelectionError(ValueError):
    """An expression cannot be understood; the message says why."""


def selection(text: str) -> Wanted:
    """Read an expression; raise `SelectionError` where it is none.

    A word, or several in a row, is sought in the title, whatever its case; between quotes, `and`, `or` and `not` are
    words like others. `not` binds closest, `or` least.
    """
    reader = _Reader(text)
    wanted = reader.either()
    if reader.next is not None:
        raise SelectionError(f"`{reader.next}` stands where `and`, `or` or the end is expected")
    return wanted


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        if text.count('"') % 2:
            raise SelectionError("a quote is not closed")
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str | None:
        token = self.next
        self._at += 1
        return token

    def either(self) -> Wanted:
        found = [self.both()]
        while self.next == "or":
            self._take()
            found.append(self.both())
        return found[0] if len(found) == 1 else lambda title: any(wanted(title) for wanted in found)

    def both(self) -> Wanted:
        found = [self.one()]
        while self.next == "and":
            self._take()
            found.append(self.one())
        return found[0] if len(found) == 1 else lambda title: all(wanted(title) for wanted in found)

    def one(self) -> Wanted:
        depth = 0
        while self.next == "not":
            self._take()
            depth += 1
        wanted = self._group() if self.next == "(" else self._words()
        return wanted if depth % 2 == 0 else lambda title: not wanted(title)

    def _group(self) -> Wanted:
        self._take()
        try:
            inner = self.either()
        except RecursionError:
            raise SelectionError("there are too many parentheses") from None
        if self._take() != ")":
            raise SelectionError("a `)` is missing")
        return inner

    def _words(self) -> Wanted:
        words: list[str] = []
        while self.next not in (None, "(", ")", "and", "or", "not"):
            words.append((self._take() or "").strip('"'))
        if not words:
            raise SelectionError("a word is missing" + (f" before `{self.next}`" if self.next else " at the end"))
        sought = " ".join(words).casefold()
        return lambda title: sought in title.casefold()
