"""What not to say while part of a program could not be read.

A declaration that does not parse may declare what the rest uses. Its own mistake is reported; that its names are
"unknown" elsewhere would be an echo of it, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..diagnostics.diagnostic import Diagnostic
from ..syntax import ast

_ECHOES = frozenset({"KYN101", "KYN104", "KYN106", "KYN202", "KYN203", "KYN206", "KYN210", "KYN211"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGE = 1_000_000  # characters: not worth looking for words in


def without_guesses(found: Iterable[Diagnostic], modules: Iterable[ast.Module]) -> list[Diagnostic]:
    """Return the diagnostics that are true whatever the parts that could not be read would have said."""
    spans = [span for module in modules for span in module.broken]
    if not spans:
        return list(found)
    if any(span.end - span.start > _LARGE for span in spans):
        return [d for d in found if d.code not in _ECHOES]
    words = {word for span in spans for word in _WORD.findall(span.text)}
    return [d for d in found if d.code not in _ECHOES or words.isdisjoint(_WORD.findall(d.span.text))]
