"""Reads JSON so strictly that two readers cannot understand one document differently.

Attackers live off the differences between JSON readers: which of two equal keys counts, what `1e400` is,
where a lone surrogate goes. Everything of that kind is invalid here. Numbers keep the value they are written
with: an integer literal becomes an int, any other a Decimal with exactly the written digits.

The work is done by the standard library's reader, in C, with hooks for numbers and objects. What it does not
bound (size, depth) is checked before it runs, and what it lets pass (lone surrogates as escapes) after, both
by a bounded number of passes over the text, none of them a Python loop over its characters. Memory and time
are linear in the size of the document.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

MAX_NUMBER_LENGTH: Final = 64
MAX_EXPONENT: Final = 64

_BOM: Final = "\ufeff"
_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"
_TO_ROUND: Final = bytes.maketrans(_OPENING + _CLOSING, b"(())")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(_OPENING + _CLOSING))

# An escaped backslash (to stay in step), a high surrogate with or without its low one, or a low one alone.
_ESCAPES: Final = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_MAYBE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_MEANING: Final = {
    "Expecting value": "a value is expected here",
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected here",
    "Expecting ':' delimiter": "`:` is expected here",
    "Expecting ',' delimiter": "`,` or a closing bracket is expected here",
    "Illegal trailing comma before end of object": "a comma may not stand before `}`",
    "Illegal trailing comma before end of array": "a comma may not stand before `]`",
    "Unterminated string starting at": "the string that starts here does not end",
    "Invalid control character at": "a control character must be written as an escape",
    "Invalid \\escape": "this escape is not known",
    "Invalid \\uXXXX escape": "`\\u` needs four hexadecimal digits",
    "Extra data": "there is more text after the end of the document",
}


class JsonProblem(ValueError):
    """A document is not acceptable JSON; `message` says why in one line, with line and column where known."""

    def __init__(self, message: str) -> None:
        """Keep the one-line message."""
        super().__init__(message)
        self.message = message


def loads(text: str | bytes, *, max_bytes: int = 1_048_576, max_depth: int = 64) -> object:
    """Read one JSON document and return it as None, bool, int, Decimal, str, list and dict.

    `max_bytes` bounds the size in UTF-8 bytes, `max_depth` the nesting (`[]` has depth 1). Bytes must be
    UTF-8 without a byte order mark. Raises JsonProblem, and nothing else, whatever the text contains.
    """
    document = _bounded_text(text, max_bytes)
    if document.count("[") + document.count("{") > max_depth and _deeper_than(document, max_depth):
        raise JsonProblem(f"the document is nested deeper than {max_depth} levels")
    try:
        value = _decoded(document)
    except json.JSONDecodeError as error:
        raise _syntax_problem(document, error) from None
    except RecursionError:
        raise JsonProblem("the document is nested too deeply") from None
    if "\\u" in document and _MAYBE_SURROGATE.search(document):
        _reject_lone_surrogate_escapes(document)
    return value


def _decoded(document: str) -> object:
    """Read a document; one without white space around it needs only the scanner, which is a fifth of the time."""
    try:
        value, end = _SCAN(document, 0)
    except StopIteration:
        return _DECODER.decode(document)
    return value if end == len(document) or not document[end:].strip(" \t\r\n") else _DECODER.decode(document)


def _bounded_text(text: str | bytes, max_bytes: int) -> str:
    """Return the document as a string of whole characters, no larger than allowed."""
    if len(text) > max_bytes:
        raise _too_large(max_bytes)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"the document is not UTF-8: byte {error.start + 1} fits no character"
            raise JsonProblem(message) from None
    elif not text.isascii():
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise JsonProblem(f"{_place(text, error.start)}: a lone surrogate is not a character") from None
        if size > max_bytes:
            raise _too_large(max_bytes)
    if text.startswith(_BOM):
        raise JsonProblem("line 1, column 1: a byte order mark must be left out")
    return text


def _deeper_than(document: str, max_depth: int) -> bool:
    """Tell whether brackets outside strings nest deeper than `max_depth`.

    Escapes are cut out, so that quotes alternate between opening and closing; of what stands outside
    strings, only the brackets are kept; then each pass removes the innermost pairs. A document whose brackets
    do not pair up may pass when it stays below twice the limit: the reader then finds what is wrong with it.
    """
    plain = document.replace("\\\\", "").replace('\\"', "")
    outside = "".join(plain.split('"')[::2]).encode("utf-8")
    brackets = outside.translate(_TO_ROUND, _NOT_BRACKETS)
    for _ in range(max_depth):
        fewer = brackets.replace(b"()", b"")
        if len(fewer) == len(brackets):
            return brackets.count(b"(") > max_depth
        brackets = fewer
    return b"(" in brackets


def _reject_lone_surrogate_escapes(document: str) -> None:
    """Raise JsonProblem if a valid document writes half of a surrogate pair as an escape."""
    for match in _ESCAPES.finditer(document):
        if match["low"] is None and match[0] != "\\\\":
            place = _place(document, match.start())
            raise JsonProblem(f"{place}: `{match[0]}` is a lone surrogate, not a character")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object whose keys are all different."""
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonProblem(f"the key {_shown(key)} occurs twice in one object")
            seen.add(key)
    return result


def _integer(text: str) -> int:
    """Read an integer literal of bounded length."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise _number_too_long(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    """Read a literal with a fraction or an exponent, digit for digit."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise _number_too_long(text)
    _, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise JsonProblem(f"the exponent of the number `{text}` is beyond {MAX_EXPONENT}")
    return Decimal(text)


def _constant(name: str) -> object:
    """Refuse what the standard library's reader takes for a number and JSON does not."""
    raise JsonProblem(f"`{name}` is not a JSON value")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
_SCAN: Final[Callable[[str, int], tuple[object, int]]] = _DECODER.scan_once  # type: ignore[attr-defined]


def _syntax_problem(document: str, error: json.JSONDecodeError) -> JsonProblem:
    """Say in our words, and with its place, what the standard library's reader found."""
    if not document.strip(" \t\r\n"):
        return JsonProblem("the document is empty")
    known = _MEANING.get(error.msg.removesuffix(": "))
    meaning = known or "this is not valid JSON"
    return JsonProblem(f"line {error.lineno}, column {error.colno}: {meaning}")


def _too_large(max_bytes: int) -> JsonProblem:
    return JsonProblem(f"the document is larger than {max_bytes} bytes")


def _number_too_long(text: str) -> JsonProblem:
    return JsonProblem(f"the number `{text[:16]}…` has more than {MAX_NUMBER_LENGTH} characters")


def _place(text: str, offset: int) -> str:
    """Name line and column of an offset, counting from 1, as the standard library's reader does."""
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - text.rfind(chr(10), 0, offset)}"


def _shown(key: str) -> str:
    """Quote a key so that it stays on one line and short, whatever it contains."""
    start = key[:40]
    quoted = start if start.isprintable() else json.dumps(start)[1:-1]
    return f"`{quoted}{'…' if len(key) > 40 else ''}`"
