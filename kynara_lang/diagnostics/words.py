"""What a diagnostic says in words alone, for readers that show the place themselves."""

from __future__ import annotations

from .diagnostic import Diagnostic
from .excerpt import visible


def in_words(diagnostic: Diagnostic) -> str:
    """Return the message, then each note and the help on lines of their own."""
    parts = [diagnostic.message, *(f"note: {note}" for note in diagnostic.notes)]
    if diagnostic.help:
        parts.append(f"help: {diagnostic.help}")
    return "\n".join(parts)


def visible_lines(text: str) -> str:
    """Return text in which nothing but line breaks can act on a terminal, hide itself or reorder what is around it."""
    return "\n".join(visible(line) for line in text.split("\n"))
