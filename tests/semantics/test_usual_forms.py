"""Usual spellings of times and addresses are read on a short way; it must lead where the long one does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from kynara_lang.semantics import addresses, times
from kynara_lang.semantics.problems import ValueProblem

STRANGE = "0123456789+-: ._WTZtz²٣é/\x00"


def outcome(read: Callable[[str], int], text: str) -> int | str:
    try:
        return read(text)
    except ValueProblem as problem:
        return str(problem)


def spoiled(rng: random.Random, text: str) -> str:
    """Replace, drop or add a few characters."""
    letters = list(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(letters))
        letters[at : at + rng.randrange(2)] = rng.choice(STRANGE) * rng.randrange(2)
    return "".join(letters)


def some_times(rng: random.Random) -> list[str]:
    found = []
    for _ in range(5000):
        year = rng.choice((0, 1, 1969, 1970, 2000, 2024, 9999, rng.randrange(10000)))
        day, clock = (rng.randrange(14), rng.randrange(33)), (rng.randrange(26), rng.randrange(62), rng.randrange(62))
        text = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(year, *day, *clock)
        found += [text, spoiled(rng, text)]
    return [*found, "2026-11-22T10:00:Z Z", "2026-W48-7T10:00:00Z", "2026-11-22T24:00:00Z", "2016-12-31T23:59:60Z"]


def test_times(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = some_times(random.Random(1))
    short = [outcome(times.read_time, text) for text in texts]
    monkeypatch.setattr(times, "_USUAL", re.compile("(?!)"))
    assert short == [outcome(times.read_time, text) for text in texts]
    assert any(isinstance(found, int) for found in short)


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    plain = [".".join(str(rng.randrange(280)) for _ in range(rng.choice((4, 4, 4, 3, 5)))) for _ in range(3000)]
    texts = plain + [spoiled(rng, text) for text in plain] + ["10.0.0.01", "1.2.3.4 ", "", "...", "1.2.3.", "0x1.2.3.4"]
    short = [outcome(addresses.read_ip, text) for text in texts]
    monkeypatch.setattr(addresses, "_OCTETS", {})
    assert short == [outcome(addresses.read_ip, text) for text in texts]
    assert any(isinstance(found, int) for found in short)
