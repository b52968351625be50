"""Sets of record numbers, a block at a time: small where few records have a term, and quick to intersect.

The numbers of a log are cut into blocks of 4096. What an index keeps for a term is, for each block that has it, which
records of the block do: their places, two bytes each, or one bit for each record where that is shorter. In memory both
are one integer with a bit for each record, so that several terms are met by `&`. The idea is that of Roaring bitmaps.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

BLOCK: Final = 4096
"""How many records a block has."""

ALL: Final = (1 << BLOCK) - 1
"""Every record of a block."""

_BITMAP_BYTES: Final = BLOCK // 8
_LITTLE: Final = "little"


class DamagedBlock(ValueError):
    """What is kept for a block cannot have been written here."""


def block_of(seq: int) -> int:
    """Return the block that a record belongs to."""
    return seq // BLOCK


def first_of(block: int) -> int:
    """Return the number of the first record of a block."""
    return block * BLOCK


def bits_of(seqs: Iterable[int]) -> int:
    """Return the set of some records of one block."""
    bits = 0
    for seq in seqs:
        bits |= 1 << (seq % BLOCK)
    return bits


def packed(bits: int) -> bytes:
    """Return a set as it is kept."""
    if bits.bit_count() * 2 < _BITMAP_BYTES:
        places = list(_places(bits))
        return struct.pack(f"<{len(places)}H", *places)
    return bits.to_bytes(_BITMAP_BYTES, _LITTLE)


def unpacked(kept: object) -> int:
    """Return the set that was kept, or raise `DamagedBlock`."""
    if not isinstance(kept, bytes) or len(kept) % 2 or not 0 < len(kept) <= _BITMAP_BYTES:
        raise DamagedBlock("a set of records has a length that none can have")
    if len(kept) == _BITMAP_BYTES:
        return int.from_bytes(kept, _LITTLE)
    bits = 0
    for place in struct.unpack(f"<{len(kept) // 2}H", kept):
        if place >= BLOCK:
            raise DamagedBlock("a set of records has a place outside its block")
        bits |= 1 << place
    return bits


def newest_first(block: int, bits: int) -> Iterator[int]:
    """List the numbers of the records of a set, from the last to the first."""
    start = first_of(block)
    while bits:
        place = bits.bit_length() - 1
        yield start + place
        bits ^= 1 << place


def oldest_first(block: int, bits: int) -> Iterator[int]:
    """List the numbers of the records of a set, from the first to the last."""
    start = first_of(block)
    for place in _places(bits):
        yield start + place


def between(block: int, first: int, last: int) -> int:
    """Return the records of a block from number `first` to `last`, both included."""
    start = first_of(block)
    low, high = max(first - start, 0), min(last - start, BLOCK - 1)
    return ((1 << (high + 1)) - 1) & ~((1 << low) - 1) if low <= high else 0


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
