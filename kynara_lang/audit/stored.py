"""Values of requests as a log stores them, so that each can be decided again exactly as it came.

A log holds JSON without fractions, and what a value looks like matters: `"10"` and `10` are not the same to a policy.
What JSON cannot say is therefore an object with one member whose name begins with `$`:

    {"$number": "10.00"}         a number that was written with a fraction or an exponent
    {"$integer": "0x20000000000000"}    a whole number beyond ±(2⁵³ - 1)
    {"$float": "0x1.8p+1"}       a binary floating-point number of Python, which no policy accepts
    {"$time": …}, {"$duration": …}, {"$ip": …}, {"$set": […]}    what Python programs can hand over
    {"$text": …}                 a text with lone surrogates: its UTF-16 units in hexadecimal digits
    {"$hmac": …}                 an argument that is redacted, see `redaction`
    {"$other": …}                something that is not JSON at all; only its Python type is told

Names that begin with `$` get another `$` before them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ..semantics.text import is_scalar_text
from .encoding import MAX_INTEGER, Json, canonical

MAX_DEPTH: Final = 96
_LONGEST_NUMBER_BITS: Final = 100_000
_SPECIAL: Final = "$"
_DROPPED: Final = "$dropped"


class Unreadable:
    """Stands for a value that was not stored; no policy accepts it."""

    def __init__(self, what: str) -> None:
        """Take the name of what it was."""
        self.what = what

    def __repr__(self) -> str:
        """Say what it stands for."""
        return f"<not stored: {self.what}>"


def stored(value: object, depth: int = 0) -> Json:
    """Return a value as JSON that a log can hold; `restored` gives an equal one back."""
    kind = type(value)
    if kind is str:
        return value if is_scalar_text(value) else _broken_text(value)  # type: ignore[arg-type,return-value]
    if kind is bool or value is None:
        return value  # type: ignore[return-value]
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]
    if kind is dict or isinstance(value, Mapping):
        return _other("nesting") if depth >= MAX_DEPTH else _object(value, depth)  # type: ignore[arg-type]
    if isinstance(value, list | tuple):
        return _other("nesting") if depth >= MAX_DEPTH else [stored(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset) and depth < MAX_DEPTH:
        return {"$set": sorted((stored(item, depth + 1) for item in value), key=canonical)}
    return _scalar(value)


def _object(value: Mapping[object, object], depth: int) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, item in value.items():
        if not isinstance(key, str) or not is_scalar_text(str.__str__(key)):
            dropped = found.get(_DROPPED, 0)
            found[_DROPPED] = (dropped if isinstance(dropped, int) else 0) + 1  # no policy can name such a member
        elif key.startswith(_SPECIAL):
            found[_SPECIAL + str.__str__(key)] = stored(item, depth + 1)
        else:
            found[str.__str__(key)] = stored(item, depth + 1)
    return found


def _scalar(value: object) -> Json:
    """Return what is neither plain JSON nor a collection."""
    if isinstance(value, str):
        return stored(str.__str__(value))
    if type(value) is Decimal:
        return {"$number": str(value)}
    if type(value) is float:
        return {"$float": value.hex()}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$duration": f"{value.days} {value.seconds} {value.microseconds}"}
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return {"$ip": str(value)}
    return _other(type(value).__name__)


def _integer(value: int) -> Json:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    return _other("a number of many digits") if value.bit_length() > _LONGEST_NUMBER_BITS else {"$integer": hex(value)}


def _broken_text(value: str) -> Json:
    return {"$text": value.encode("utf-16-be", "surrogatepass").hex()}


def _other(what: str) -> Json:
    return {"$other": what if is_scalar_text(what) else "?"}


def restored(value: Json) -> Any:
    """Return the value that was stored; what was not stored is an `Unreadable`."""
    if isinstance(value, list):
        return [restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, item),) = value.items()
        if name.startswith(_SPECIAL) and not name.startswith("$$") and name != _DROPPED:
            return _restored(name, item)
    members = {name: item for name, item in value.items() if name != _DROPPED}
    return {name.removeprefix(_SPECIAL): restored(item) for name, item in members.items()}


def _restored(name: str, item: Json) -> Any:
    if name == "$set" and isinstance(item, list):
        return [restored(one) for one in item]  # a list reads as a set wherever one is expected
    read = _READERS.get(name)
    if read is None or not isinstance(item, str):
        return Unreadable(name)
    try:
        return read(item)
    except (ValueError, ArithmeticError):
        return Unreadable(name)


def _duration(text: str) -> timedelta:
    days, seconds, microseconds = map(int, text.split())
    return timedelta(days, seconds, microseconds)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "$number": Decimal,
    "$integer": lambda text: int(text, 16),
    "$float": float.fromhex,
    "$time": datetime.fromisoformat,
    "$duration": _duration,
    "$ip": ipaddress.ip_address,
    "$text": lambda text: bytes.fromhex(text).decode("utf-16-be", "surrogatepass"),
}
