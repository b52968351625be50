"""Choices that can be made again: a case is nothing but the numbers that were drawn for it, so it can be kept and shrunk.

The generators of `tests/properties` draw numbers, small ones for simple things. Here the numbers come from a seed, are
written down, and can be played back; a failing case is made smaller by leaving out and lowering numbers, as Hypothesis
does, whatever the generators make of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

from tests.properties.vocabulary import Draw


class Chosen(Draw):
    """Draws numbers at random and writes them down."""

    def __init__(self, seed: str) -> None:
        self.made: list[int] = []
        self._random = random.Random(seed)

    def number(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        if most <= 0:
            return 0
        self.made.append(self._random.randint(0, most))
        return self.made[-1]


class Replayed(Draw):
    """Draws the numbers that are given, and zeros after them."""

    def __init__(self, choices: Sequence[int]) -> None:
        self.made: list[int] = []
        self._left = iter(choices)

    def number(self, most: int) -> int:
        """Return the next number, as far as it fits."""
        if most <= 0:
            return 0
        self.made.append(min(next(self._left, 0), most))
        return self.made[-1]


def shrunk(choices: Sequence[int], fails: Callable[[Draw], bool], seconds: float) -> list[int]:
    """Return fewer and smaller choices that still fail, found within some time; `fails` must raise nothing."""
    best = list(choices)
    end = time.monotonic() + seconds
    improved = True
    while improved:
        improved = False
        for candidate in _smaller(best):
            if time.monotonic() > end:
                return best
            replay = Replayed(candidate)
            if fails(replay) and _weight(replay.made) < _weight(best):
                best, improved = replay.made, True
                break
    return best


def _weight(choices: Sequence[int]) -> tuple[int, int]:
    return len(choices), sum(choices)


def _smaller(choices: list[int]) -> Iterator[list[int]]:
    """Yield the choices without a part, then with a part of zeros, then with one number lowered: large steps first."""
    size = len(choices) // 2
    while size:
        for start in range(0, len(choices), size):
            yield choices[:start] + choices[start + size :]
        size //= 2
    size = len(choices) // 2
    while size:
        for start in range(0, len(choices), size):
            if any(choices[start : start + size]):
                yield choices[:start] + [0] * len(choices[start : start + size]) + choices[start + size :]
        size //= 2
    for at, number in enumerate(choices):
        for lower in {0, number // 2, number - 1}:
            if 0 <= lower < number:
                yield [*choices[:at], lower, *choices[at + 1 :]]
