"""Fingerprints of findings: by what they are about, so that they survive when lines and files move.

A fingerprint is made of the code, of how the declaration begins that the finding stands in, and of the text of its
primary place; white space does not count, so that a new layout changes nothing. It knows neither line nor file. Two
findings can have the same one: an occurrence tells them apart where each needs its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from .diagnostic import Diagnostic
from .source import Source

_LONGEST: Final = 2000  # characters of a place that count: many findings may be about one long text
_DECLARATION: Final = re.compile(r"^[^\s#}][^{\"#\n]*", re.MULTILINE)  # its keyword and name, at the left margin


def fingerprints(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return the fingerprint of each diagnostic, equal ones for findings that read alike."""
    beginnings: dict[Source, list[tuple[int, str]]] = {}
    found = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        if span.source not in beginnings:
            beginnings[span.source] = _beginnings(span.source)
        place = span.source.text[span.start : min(span.end, span.start + _LONGEST)]
        found.append(_digest(diagnostic.code, _above(beginnings[span.source], span.start), place))
    return found


def unique_fingerprints(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return a fingerprint for each diagnostic that no other has: `fingerprints` with their occurrence, from 1."""
    seen: Counter[str] = Counter()
    unique = []
    for fingerprint in fingerprints(diagnostics):
        seen[fingerprint] += 1
        unique.append(f"{fingerprint}:{seen[fingerprint]}")
    return unique


def _beginnings(source: Source) -> list[tuple[int, str]]:
    """Return where the declarations of a source begin, and their first words."""
    return [(match.start(), match[0][:_LONGEST]) for match in _DECLARATION.finditer(source.text)]


def _above(beginnings: list[tuple[int, str]], offset: int) -> str:
    """Return the first words of the declaration that an offset lies in."""
    at = bisect_right(beginnings, offset, key=lambda beginning: beginning[0])
    return beginnings[at - 1][1] if at else ""


def _digest(*parts: str) -> str:
    dense = "\0".join("".join(part.split()) for part in parts)
    return sha256(dense.encode("utf-8", "surrogatepass")).hexdigest()[:32]
