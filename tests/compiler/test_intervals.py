"""Covers of ranges: for every number exactly the keys of the ranges that it is in."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from kynara_lang.compiler.intervals import EVERYTHING, Range, cover, meet, overlap, union

ENDS = st.integers(-3, 40)
RANGES = st.one_of(
    st.tuples(ENDS, ENDS).map(lambda ends: (min(ends), max(ends))),
    ENDS.map(lambda end: (-math.inf, end)),
    ENDS.map(lambda end: (end, math.inf)),
    st.just(EVERYTHING),
)


def within(number: float, of: Range) -> bool:
    return of[0] <= number <= of[1]


@given(st.frozensets(RANGES, min_size=1, max_size=40))
@example(frozenset({EVERYTHING}))
@example(frozenset((-math.inf, i) for i in range(30)))
@example(frozenset((i, i) for i in range(30)))
def test_a_number_has_one_key_of_each_range_that_it_is_in(ranges: frozenset[Range]) -> None:
    made = cover(ranges)
    assert made.runs.keys() == ranges
    for number in (*range(-5, 43), 2**129):
        keys = made.at(number)
        assert len(keys) == len(set(keys))
        assert all(within(number, key) for key in keys)
        for one in ranges:
            assert sum(key in keys for key in made.runs[one]) == within(number, one)


@given(st.frozensets(RANGES, min_size=1, max_size=20), RANGES)
def test_meets_and_unions(ranges: frozenset[Range], other: Range) -> None:
    joined, met = union(ranges), meet(ranges, other)
    for number in range(-5, 43):
        here = any(within(number, one) for one in ranges)
        assert sum(within(number, one) for one in joined) == here
        assert any(within(number, one) for one in met) == (here and within(number, other))


def test_overlap_is_what_a_piece_is_in_on_average() -> None:
    assert overlap({(0, 9): 1, (10, 19): 3}) == 1  # four pieces, two of them empty
    assert overlap({(-math.inf, 4): 1, (-math.inf, 9): 1}) == 1
    assert overlap({EVERYTHING: 7}) == 7


def test_ranges_that_all_overlap_have_few_keys() -> None:
    made = cover([(-math.inf, i) for i in range(10_000)])
    assert max(map(len, made.keys)) <= 15
    assert sum(map(len, made.runs.values())) < 10_000 * 8
