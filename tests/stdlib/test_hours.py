"""`std.hours`: office hours as clocks show them where somebody works."""

import datetime
import re
from zoneinfo import ZoneInfo

import pytest

from tests.stdlib.asking import ask, entity, library_text, program

ZONES = re.findall(r'"([A-Za-z_/]+)"', library_text("hours").partition("type Zone =")[2].partition("##")[0])
SERVER = entity("Server", place="UTC")


def at(zone: str, day: int, hour: int, minute: int = 0) -> str:
    """Return a time of a week of November 2026; the 23rd is a Monday."""
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(zone)).isoformat()


def test_zones_are_many() -> None:
    assert len(ZONES) == len(set(ZONES)) == 13


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("day", "hour", "minute", "working"),
    [
        (23, 9, 0, True),
        (27, 16, 59, True),
        (23, 8, 59, False),
        (27, 17, 0, False),
        (28, 12, 0, False),
        (29, 9, 0, False),
    ],
)
def test_office_hours_are_those_of_the_place(zone: str, day: int, hour: int, minute: int, working: bool) -> None:
    now = at(zone, day, hour, minute)
    rules = set() if working else {"std.hours.outside_office_hours"}
    effect, found = ask(program("hours"), entity("User", zone=zone), "deploy", SERVER, now=now)
    assert (effect, found) == (("allow", {"all_deploy"}) if working else ("deny", rules))
    day_worker = ask(program("hours"), entity("Clerk", zone=zone), "restart", SERVER, now=now)
    assert day_worker == (("allow", {"all_deploy"}) if working else ("deny", {"std.hours.day_workers_sleep"}))


def test_summer_time_is_heeded() -> None:
    clerk = entity("Clerk", zone="Europe/Berlin")
    assert ask(program("hours"), clerk, "restart", SERVER, now="2026-07-01T07:30:00Z")[0] == "allow"
    assert ask(program("hours"), clerk, "restart", SERVER, now="2026-12-01T07:30:00Z")[0] == "deny"


def test_what_has_not_joined_happens_at_night() -> None:
    now = at("UTC", 29, 3)
    assert ask(program("hours"), entity("User", zone="UTC"), "restart", SERVER, now=now)[0] == "allow"


@pytest.mark.parametrize(("hour", "effect"), [(10, "allow"), (15, "deny")])
def test_the_predicates_serve_the_permits_of_a_program(hour: int, effect: str) -> None:
    # Nairobi is three hours ahead: at 15:00 UTC it is 18:00 there.
    now = at("UTC", 23, hour)
    assert ask(program("hours"), entity("User", zone="UTC"), "move", SERVER, now=now)[0] == effect
