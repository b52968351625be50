"""Operations on String values: folding, globs and well-formedness."""

from __future__ import annotations

import re
import string
from typing import Final

from kynara_lang.semantics.problems import refuse_long

_TO_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""A control character of ASCII or Latin-1: terminals, logs and shells obey it instead of showing it."""


def ascii_lower(s: str) -> str:
    """Return the text with A-Z in lower case and every other character unchanged.

    Unicode folding differs between Unicode versions and can change the length; the ASCII one means the same
    to the evaluator, the prover and an SQL back end.
    """
    return s.lower() if s.isascii() else s.translate(_TO_LOWER)


def compile_glob(pattern: str) -> tuple[str, ...]:
    """Split a glob at its stars for `glob_match`; a pattern without a star gives one part."""
    refuse_long(pattern)
    first, *others = pattern.split("*")
    if not others:
        return (first,)
    # A run of stars means the same as one star.
    return (first, *[part for part in others[:-1] if part], others[-1])


def glob_match(parts: tuple[str, ...], s: str) -> bool:
    """Tell whether the whole text matches; a star stands for any run of characters, also the empty one.

    Taking the leftmost place for each middle part is enough, because it leaves the most room for the rest; so
    the text is walked through once and nothing is ever tried again.
    """
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return s == first
    end = len(s) - len(last)
    at = len(first)
    if end < at or not s.startswith(first) or not s.endswith(last):
        return False
    for part in parts[1:-1]:
        found = s.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_scalar_text(s: str) -> bool:
    """Tell whether the text is free of lone surrogates, that is, can be written as UTF-8."""
    if s.isascii():
        return True
    try:
        s.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
