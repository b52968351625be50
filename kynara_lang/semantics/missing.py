"""The mark that stands in a record's value for an optional field that is absent.

It never reaches an expression: reading an optional field without a proof that it is present is a type error.
It only takes part when whole records are compared, where an absent field equals an absent field and nothing
else.
"""

from __future__ import annotations

import enum
from typing import Final


class Missing(enum.Enum):
    """The type of the mark; `MISSING` is its only value."""

    MISSING = "absent"

    def __repr__(self) -> str:
        return "absent"

    __str__ = __repr__


MISSING: Final = Missing.MISSING
"""What a record holds in place of an absent optional field."""
