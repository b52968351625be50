"""Writes JSON in the one form of RFC 8785, for the values that a log holds: everything but fractions.

Two programs that write the same value must write the same bytes, or hashes would not agree. RFC 8785 settles the order
of keys, the escapes and the spaces; what it says of numbers is about binary floats, which a log does not hold. Whole
numbers are kept within ±(2⁵³ - 1), where every reader of JSON agrees on them.

The writing itself is done by the standard library in C, which differs in the order of keys only: it sorts by code
points, RFC 8785 by UTF-16 units. That matters for characters from U+E000 on alone, so only then keys are sorted here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from .faults import LogError

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 128
"""How deep lists and objects can be nested in a record."""

_LAST_ALIKE: Final = "\ud7ff"
"""Keys up to this character sort alike by code points and by UTF-16 units."""

_SIMPLE: Final = frozenset({str, bool, type(None)})

_WRITER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_WRITER_AS_IS: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=False, separators=(",", ":")
)


def canonical(value: object) -> bytes:
    """Return the bytes of a value; raise `LogError` for what is not None, bool, int, str, list or dict throughout."""
    if _is_plain(value, 0):
        text = _WRITER.encode(value)
    else:
        text = _WRITER_AS_IS.encode(_in_order(value))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise LogError("not-json", "a text contains a lone surrogate, which is not a character") from None


def _is_plain(value: object, depth: int) -> bool:
    """Check that a value can be written; tell whether the standard library sorts all its keys as RFC 8785 does."""
    kind = type(value)
    if kind in _SIMPLE:
        return True
    if kind is int:
        _check_integer(value)
        return True
    if depth >= MAX_DEPTH:
        raise LogError("not-json", f"lists and objects are nested deeper than {MAX_DEPTH} levels")
    plain = True
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or key > _LAST_ALIKE:
                plain = False
                _check_key(key)
            if type(item) not in _SIMPLE:  # most are, and this is where the time goes
                plain &= _is_plain(item, depth + 1)
        return plain
    if kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            if type(item) not in _SIMPLE:
                plain &= _is_plain(item, depth + 1)
        return plain
    return _is_unusual(value, depth)


def _is_unusual(value: object, depth: int) -> bool:
    """Check a value of a type that is no plain one but stands for one."""
    if isinstance(value, str):
        return True
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_key(key)
            _is_plain(item, depth + 1)
        return False
    raise LogError("not-json", f"a record cannot hold {_described(value)}")


def _check_integer(value: object) -> None:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
        raise LogError("not-json", "a whole number is beyond ±(2⁵³ - 1); write it as text")


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise LogError("not-json", f"the keys of an object are texts, not {_described(key)}")


def _described(value: object) -> str:
    """Say what a value is that has no place in a record."""
    if isinstance(value, float):
        return "a binary floating-point number; write it as text"
    return f"a value of type `{type(value).__name__}`"


def _in_order(value: object) -> object:
    """Return a value that was checked, its keys in the order of their UTF-16 units."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=_utf16)
        return {str.__str__(key): _in_order(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def read_canonical(text: bytes) -> Json:
    """Return the value that some bytes are the canonical form of; raise `LogError` if they are not that of any."""
    try:
        value: Json = _READER.decode(text.decode("utf-8"))
        # Nearly always the standard library writes the same, and it is much faster.
        same = _WRITER.encode(value).encode("utf-8") == text or canonical(value) == text
    except RecursionError:
        raise LogError("damaged", "is nested too deeply") from None
    except (ValueError, LogError):  # also what is no UTF-8
        raise LogError("damaged", "is not the JSON that a log can hold") from None
    if not same:
        raise LogError("damaged", "is not in the canonical form of JSON")
    return value


def text_problem(text: bytes) -> str | None:
    """Say why some bytes are not what a log would have written, or None if they are."""
    try:
        read_canonical(text)
    except LogError as error:
        return error.message
    return None


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS or not -MAX_INTEGER <= (value := int(text)) <= MAX_INTEGER:
        raise ValueError(text)
    return value


_INTEGER_DIGITS: Final = 17
_READER: Final = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse, parse_int=_integer)
