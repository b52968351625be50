"""Places that say the same, told once: in few words, and of no other place."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.analysis.merged import Entry, Told, merged, products
from kynara_lang.analysis.regions_text import Region, _nameless

PLACES = st.lists(st.tuples(*[st.sampled_from("abc")] * 3), unique=True)
HERE, THERE = ("read", "User", "Doc"), ("read", "User", "Order")


def region(general: str, rule: str = "p.r", request: str = "1") -> Region:
    rules = ((rule, "p.kyn:1"),)
    return Region("permit", "", "new", (), rules, {"id": request}, "deny", "allow", general=(general,))


@given(PLACES)
def test_products_are_all_places_and_no_other(places: list[tuple[str, str, str]]) -> None:
    shown = [
        (action, subject, resource)
        for subjects, actions, resources in products(places)
        for subject, action, resource in itertools.product(subjects, actions, resources)
    ]
    assert sorted(shown) == sorted(places)


def test_regions_that_say_the_same_are_one_with_the_first_request() -> None:
    first = region("x", request="1")
    sides = [Told(HERE, (first,), ""), Told(THERE, (region("x", request="2"), region("y")), "")]
    assert merged(sides) == [Entry((HERE, THERE), (first,)), Entry((THERE,), (region("y"),))]


def test_other_rules_or_decisions_are_something_else() -> None:
    assert len(merged([Told(HERE, (region("x"),), ""), Told(THERE, (region("x", rule="p.s"),), "")])) == 2


def test_two_regions_of_one_place_stay_two() -> None:
    twice = (region("x", request="1"), region("x", request="2"))
    assert merged([Told(HERE, twice, "")]) == [Entry((HERE,), twice)]


def test_reasons_stand_with_the_places_that_they_are_about() -> None:
    sides = [Told(HERE, (region("x"),), ""), Told(THERE, (region("x"),), "time"), Told(THERE, (), "time")]
    assert merged(sides) == [Entry((HERE, THERE), (region("x"),)), Entry((THERE,), (), ("time",))]


def test_only_the_name_of_a_type_that_a_pattern_begins_with_is_left_out() -> None:
    assert _nameless('User with role User, User in User::"User, User"', "User") == (
        '_ with role User, _ in User::"User, User"'
    )
    assert _nameless('User::"x", Users', "User") == 'User::"x", Users'
