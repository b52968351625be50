"""Runs fuzz cases for some time: counts what was compared, and makes small what differs."""

from __future__ import annotations

import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from kynara_lang.caching.folder import Cache
from tests.properties.vocabulary import Draw, readable

from . import comparing
from .choices import Chosen, Replayed, shrunk
from .comparing import Difference

SHRINKING = 30.0
"""How many seconds a difference is made smaller for."""


@define
class Found:
    """A difference, how to make it again, and the smallest program and requests that show it."""

    seed: str
    kind: str
    text: str
    reproduction: str


@define
class Tally:
    """What was compared so far: programs, programs × requests, comparisons by kind, and what differed."""

    programs: int = 0
    cases: int = 0
    denied: int = 0
    seconds: float = 0.0
    compared: Counter[str] = field(factory=Counter)
    differences: list[Found] = field(factory=list)

    def lines(self) -> list[str]:
        """Return the tally in words."""
        rate = self.cases / self.seconds if self.seconds else 0.0
        kinds = [f"  {count:>10,} {kind}" for kind, count in sorted(self.compared.items())]
        first = f"{self.cases:,} programs × requests of {self.programs:,} programs in {self.seconds:.0f} s: {rate:,.0f} a second"
        told = f"{self.denied / max(self.cases, 1):.0%} of the requests were denied"
        return [first, told, "compared:", *kinds, f"{len(self.differences)} differences"]


def run(
    seed: int,
    *,
    minutes: float | None = None,
    programs: int | None = None,
    most: int = 5,
    say: Callable[[str], None] = lambda _: None,
) -> Tally:
    """Compare programs drawn from a seed until the time is over, so many are done, or so many differences are found."""
    tally = Tally()
    start = time.monotonic()
    end = start + minutes * 60 if minutes is not None else None
    with tempfile.TemporaryDirectory() as folder:
        number, told = 0, start
        while (end is None or time.monotonic() < end) and (programs is None or number < programs):
            cache = comparing.open_own_cache(Path(folder) / str(number // 200))  # not one folder of a million entries
            _one(f"{seed}-{number}", cache, tally, say)
            number += 1
            tally.seconds = time.monotonic() - start
            if len(tally.differences) >= most:
                break
            if time.monotonic() > told + 30:
                told = time.monotonic()
                say(tally.lines()[0])
    return tally


def _one(seed: str, cache: Cache, tally: Tally, say: Callable[[str], None]) -> None:
    draw = Chosen(seed)
    tally.programs += 1
    try:
        one, counts = comparing.compare(draw, cache)
    except Difference as difference:
        say(f"a difference of case {seed}, being made smaller: {difference.kind}")
        tally.differences.append(_found(seed, draw.made, difference, cache))
        return
    tally.cases += len(one.requests) + len(one.bent)
    tally.denied += sum(decision.effect.value == "deny" for decision in one.decided)
    tally.compared.update(counts)


def _found(seed: str, choices: list[int], difference: Difference, cache: Cache) -> Found:
    def fails(draw: Draw) -> bool:
        return _difference(draw, cache, difference) is not None

    small = shrunk(choices, fails, SHRINKING)
    shown = _difference(Replayed(small), cache, difference) or difference
    one = comparing.case(Replayed(small), cache)
    parts = [f"--- {name}\n{text}" for name, text in one.made.files().items()]
    parts.append(f"store: {readable(one.store)}")
    parts.append(f"{shown}")
    cause = shown.__cause__
    if cause is not None:
        parts.append("".join(traceback.format_exception(cause)[-4:]))
    return Found(seed, difference.kind, str(shown), "\n".join(parts))


def _difference(draw: Draw, cache: Cache, like: Difference) -> Difference | None:
    """Return the difference that a case shows, if it is like one that is known; nothing else is compared."""
    try:
        comparing.compare(draw, cache, only=like.comparison)
    except Difference as found:
        return found if found.kind == like.kind else None
    except Exception:  # smaller choices can make what is no program at all
        return None
    return None


def new_seed() -> int:
    """Return a seed that nobody chose."""
    return random.SystemRandom().randrange(2**32)
