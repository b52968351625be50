"""The time of a request: text of the instant that a clock shows, made anew once a second."""

from __future__ import annotations

from collections.abc import Callable

from ..semantics.times import format_time

_SECOND = 10**9


class Clock:
    """A clock in nanoseconds since 1970 (UTC), and its time as requests spell it."""

    def __init__(self, now: Callable[[], int]) -> None:
        """Take the clock."""
        self.now = now
        self._known = (-1, "")

    def text(self) -> str:
        """Return the present instant, such as `2026-11-22T10:00:00.000000125Z`."""
        second, rest = divmod(self.now(), _SECOND)
        known, text = self._known  # read and written whole, so that threads see a pair that belongs together
        if known != second:
            text = format_time(second * _SECOND)[:-1]
            self._known = (second, text)
        return f"{text}.{rest:09}Z"
