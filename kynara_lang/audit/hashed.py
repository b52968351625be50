"""A file of which every byte is counted and hashed while it is written."""

from __future__ import annotations

from hashlib import sha256
from typing import IO, BinaryIO

from attrs import define, field


@define
class Hashed:
    """A file that is being written, its bytes counted and hashed."""

    file: BinaryIO | IO[bytes]
    size: int = 0
    closed: bool = False
    _hash: object = field(factory=sha256)

    def write(self, data: bytes) -> int:
        """Write all of some bytes."""
        self.file.write(data)
        self._hash.update(data)  # type: ignore[attr-defined]
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Hand everything to the system."""
        self.file.flush()

    def sha256(self) -> str:
        """Return the hash of what was written."""
        return str(self._hash.hexdigest())  # type: ignore[attr-defined]
