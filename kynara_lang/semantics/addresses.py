"""IP values: addresses as one integer and blocks as inclusive ranges of such integers.

An IPv6 address is its 128-bit number. An IPv4 address lies above all of them, at `V4 + number`, so that no
IPv6 block can contain one. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) *is* the IPv4 address: otherwise
the way a server spells its peers would decide whether a rule about 10.0.0.0/8 matches.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from kynara_lang.semantics.problems import ValueProblem, quoted, refuse_long

V4: Final = 1 << 128
"""What is added to the 32-bit number of an IPv4 address."""

_MAPPED: Final = 0xFFFF << 32
_MAPPED_PREFIX: Final = 96
_V6_LONGEST: Final = len("0000:0000:0000:0000:0000:0000:255.255.255.255")
_DOTTED: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_PREFIX: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_OCTETS: Final = {str(number): number for number in range(256)}


def read_ip(text: str) -> int:
    """Read an IPv4 or IPv6 address."""
    try:
        a, b, c, d = text.split(".", 4)
        return V4 + (_OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d])
    except (ValueError, KeyError):
        pass  # no plain IPv4 address: another kind, or none
    refuse_long(text)
    if "/" in text:
        raise ValueProblem(f"{quoted(text)} is a block, not a single address")
    return _unmapped(_number(text, text))


def read_block(text: str) -> tuple[int, int]:
    """Read a CIDR block such as `10.0.0.0/8`, or a single address, as its first and last address."""
    refuse_long(text)
    address, slash, prefix = text.partition("/")
    base = _number(address, text)
    if not slash:
        only = _unmapped(base)
        return only, only
    bits = 32 if base >= V4 else 128
    if not _PREFIX.fullmatch(prefix) or int(prefix) > bits:
        raise ValueProblem(f"{quoted(text)} needs a prefix length from 0 to {bits} after the `/`")
    size = 1 << (bits - int(prefix))
    low = base & -size
    mapped = base >> 32 == 0xFFFF
    if mapped and int(prefix) < _MAPPED_PREFIX:
        # An IPv4-mapped address is an IPv4 address, so the block would have to hold both kinds.
        raise ValueProblem(f"{quoted(text)} reaches beyond the IPv4-mapped addresses")
    low_ip = _unmapped(low)
    block = low_ip, low_ip + size - 1
    if low != base:
        raise ValueProblem(f"{quoted(text)} has host bits set", _with_prefix(*block))
    return block


def format_ip(ip: int) -> str:
    """Write an address in its shortest usual form."""
    return str(ipaddress.IPv4Address(ip - V4) if ip >= V4 else ipaddress.IPv6Address(ip))


def format_block(low: int, high: int) -> str:
    """Write a block as `address/prefix`, or as the address alone where it holds only one."""
    return format_ip(low) if low == high else _with_prefix(low, high)


def _with_prefix(low: int, high: int) -> str:
    """Write a block as `address/prefix`."""
    bits = 32 if low >= V4 else 128
    return f"{format_ip(low)}/{bits - (high - low).bit_length()}"


def _unmapped(number: int) -> int:
    """Replace an IPv4-mapped IPv6 address by the IPv4 address that it is."""
    return number - _MAPPED + V4 if number >> 32 == 0xFFFF else number


def _number(address: str, text: str) -> int:
    """Parse one address, still with IPv4-mapped addresses as IPv6 ones; `text` is what to complain about."""
    if ":" not in address:
        return V4 + _v4_number(address, text)
    if "%" in address:
        raise ValueProblem(f"{quoted(text)} has a zone id, which means something on one machine only")
    if address.startswith("["):
        raise ValueProblem(f"{quoted(text)} is not an IP address; write it without brackets")
    # Before parsing, so that the time to refuse a text does not depend on how the parser works.
    if len(address) <= _V6_LONGEST:
        try:
            return int(ipaddress.IPv6Address(address))
        except ipaddress.AddressValueError:
            pass
    raise ValueProblem(f"{quoted(text)} is not an IPv6 address")


def _v4_number(address: str, text: str) -> int:
    """Parse four decimal numbers; forms that some programs read as octal, hex or short are refused."""
    if not _DOTTED.fullmatch(address):
        raise ValueProblem(f"{quoted(text)} is not an IP address")
    octets = address.split(".")
    if len(octets) != 4:
        raise ValueProblem(f"{quoted(text)} is not an IP address; an IPv4 address has four numbers")
    number = 0
    for octet in octets:
        if octet != "0" and octet.startswith("0"):
            raise ValueProblem(f"{quoted(text)} has leading zeros, which some programs read as octal")
        if len(octet) > 3 or int(octet) > 255:
            raise ValueProblem(f"{quoted(text)} has a number above 255")
        number = number << 8 | int(octet)
    return number
