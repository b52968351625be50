"""Problems that values can have, at check time and at evaluation time."""

from __future__ import annotations

from typing import Final

MAX_TEXT: Final = 8192
"""The longest text, in characters, that any reader looks at."""

_QUOTED: Final = 60
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\u{0}", "`": "\\u{60}"}


class ValueProblem(ValueError):
    """A text or number is not a value of the type that is expected of it."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        """Take one line for the policy author, and the corrected text where it is obvious."""
        # Both go to the base class so that the exception survives pickling between worker processes.
        super().__init__(message, suggestion)
        self.message = message
        self.suggestion = suggestion

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message


class EvaluationError(Exception):
    """An operation on well-formed values has no result."""

    def __init__(self, code: str, message: str) -> None:
        """Take a stable kebab-case code for programs and one line for people."""
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message


def quoted(text: str) -> str:
    """Return the text in backticks, shortened, with everything invisible escaped.

    Offending text can come from an attacker: control, bidirectional and lone surrogate characters must reach
    neither a terminal nor a log, and a backtick must not end the quotation.
    """
    pieces: list[str] = []
    room = _QUOTED
    for char in text[: _QUOTED + 1]:
        piece = _ESCAPES.get(char) or (char if char.isprintable() else f"\\u{{{ord(char):x}}}")
        room -= len(piece)
        pieces.append(piece)
    if room >= 0:
        return f"`{''.join(pieces)}`"
    while room < 1:  # one place is for the ellipsis
        room += len(pieces.pop())
    return f"`{''.join(pieces)}…`"


def refuse_long(text: str) -> None:
    """Raise a problem for a text that is too long to be looked at."""
    if len(text) > MAX_TEXT:
        raise ValueProblem(f"{quoted(text)} is {len(text)} characters long; at most {MAX_TEXT} are allowed")
