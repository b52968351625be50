"""Literals and values of Cedar's extension types, as Kynara writes them: decimals, addresses, times, durations."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Final

from .cedar_names import text_literal

_DECIMAL: Final = re.compile(r"(-?)([0-9]+\.[0-9]{1,4})")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{3})?(Z|[+-][0-9]{4}))?"
)
_DURATION: Final = re.compile(r"(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_ADDRESS: Final = "write an address such as `10.0.0.1`"


class Unfit(Exception):
    """A literal has no counterpart: why, and what to do instead."""

    def __init__(self, why: str, instead: str) -> None:
        """Take what is told."""
        super().__init__(why)
        self.instead = instead


def decimal_literal(text: str) -> str:
    """Return a Decimal."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise Unfit("it is no decimal", "write digits on both sides of the dot, four at most behind it")
    return f"(-{match[2]})" if match[1] else match[2]


def time_text(text: str) -> str:
    """Return a time as RFC 3339 has it."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Unfit("it is no time", "write it as `2026-11-22T10:00:00Z`")
    day, clock, fraction, zone = match.groups()
    if clock is None:
        clock, zone = "00:00:00", "Z"
    zone = zone if zone == "Z" else f"{zone[:3]}:{zone[3:]}"
    found = f"{day}T{clock}{fraction or ''}{zone}"
    try:
        datetime.fromisoformat(found).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("there is no such time in the years 1 to 9999", "correct it") from None
    return found


def time_literal(text: str) -> str:
    """Return a Time."""
    found = time_text(text)
    return text if len(text) == 10 else found


def milliseconds(text: str) -> int:
    """Return the length of a duration."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        raise Unfit("it is no duration", "write it as `1d2h3m4s5ms`")
    days, hours, minutes, seconds, parts = (int(part or 0) for part in match.groups()[1:])
    length = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + parts
    return -length if match[1] else length


def duration_text(text: str) -> str:
    """Return a duration as requests have it."""
    length = milliseconds(text)
    whole, rest = divmod(abs(length), 1000)
    return f"{'-' if length < 0 else ''}{whole}{f'.{rest:03}' if rest else ''}s"


def duration_literal(text: str) -> str:
    """Return a Duration: a number of the largest unit that fits."""
    length = milliseconds(text)
    seconds, rest = divmod(abs(length), 1000)
    if rest:
        raise Unfit("written durations have whole seconds in Kynara", "round it")
    size, unit = next((one for one in _UNITS if seconds and seconds % one[0] == 0), (1, "s"))
    found = f"{seconds // size}{unit}"
    return f"(-{found})" if length < 0 else found


def address_literal(text: str) -> str:
    """Return an IP."""
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise Unfit("it is no address", _ADDRESS) from None
    if "/" in text:
        raise Unfit("it is a block, and a block equals no address in Kynara", "use `isInRange`")
    return text_literal(str(_plain(found.ip)))


def block_literal(text: str) -> str:
    """Return a block of addresses; bits behind the prefix, which say nothing, are cleared."""
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise Unfit("it is no block of addresses", "write it as `10.0.0.0/8`") from None
    _plain(found.ip)
    return text_literal(str(found.network))


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise Unfit(
            "Kynara takes an IPv4 address in IPv6 for the IPv4 address, and Cedar does not", "write the IPv4 one"
        )
    return address
