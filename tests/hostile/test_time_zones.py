"""Time zones and leap seconds: an hour that comes twice, a day that is missing, a second that has no number.

A leap second made a name server panic because time ran backwards (Cloudflare, 2017-01-01); the hour before the clocks go
back comes twice; `Europe/Berlin` and `CET` differ by law; a zone file of the operating system can be another one on the next
machine; Samoa had no 30th of December 2011. Here a Time is an instant of UTC without leap seconds, zones are those of the
IANA database that is installed with the package, and what a zone does to an instant is asked for by name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.asking import DECLARED, FAULT, NO, PERMIT, REFUSED, YES, answer, call, door, refusal

LEAP = [
    ("2016-12-31T23:59:59Z", YES),
    ("2016-12-31T23:59:59.999999999Z", YES),
    ("2016-12-31T23:59:60Z", REFUSED),
    ("2016-12-31T23:59:60.5Z", REFUSED),
    ("2016-12-31T23:59:61Z", REFUSED),
    ("2017-01-01T00:59:60+01:00", REFUSED),
    ("2017-01-01T00:00:00Z", NO),
    ("2016-12-31T24:00:00Z", REFUSED),
    ("2016-12-31T23:60:00Z", REFUSED),
    ("2016-02-29T00:00:00Z", YES),
    ("2015-02-29T00:00:00Z", REFUSED),
    ("1900-02-29T00:00:00Z", REFUSED),
    ("2000-02-29T00:00:00Z", YES),
]


@pytest.mark.parametrize(("text", "expected"), LEAP)
def test_there_are_no_leap_seconds(text: str, expected: str) -> None:
    assert answer("Time", "args.x < 2017-01-01", text) == expected


def test_a_minute_has_sixty_seconds_whatever_happened() -> None:
    assert answer("Time", "args.x + 1s == 2017-01-01", "2016-12-31T23:59:59Z") == YES
    assert answer("Time", "2017-01-01 - args.x == 1m", "2016-12-31T23:59:00Z") == YES


OFFSETS = [
    ("2026-11-22T10:00:00Z", YES),
    ("2026-11-22T10:00:00z", YES),
    ("2026-11-22t10:00:00Z", YES),
    ("2026-11-22T10:00:00+00:00", YES),
    ("2026-11-22T10:00:00-00:00", YES),
    ("2026-11-22T11:00:00+01:00", YES),
    ("2026-11-23T09:59:00+23:59", YES),
    ("2026-11-21T10:01:00-23:59", YES),
    ("2026-11-22T10:00:00.000Z", YES),
    ("2026-11-22T10:00:00+01:00", NO),
    ("2026-11-22T10:00:00", REFUSED),
    ("2026-11-22T10:00:00 Z", REFUSED),
    ("2026-11-22T10:00:00+0100", REFUSED),
    ("2026-11-22T10:00:00+01", REFUSED),
    ("2026-11-22T10:00:00 01:00", REFUSED),  # a plus sign that a form decoded
    ("2026-11-22T10:00:00CET", REFUSED),
    ("2026-11-22T10:00:00[Europe/Berlin]", REFUSED),
    ("2026-11-22T10:00:00+24:00", REFUSED),
    ("2026-11-22T10:00:00+01:60", REFUSED),
    ("2026-11-22T10:00:00.Z", REFUSED),
    ("2026-11-22T10:00:00,5Z", REFUSED),
    ("2026-W47-7T10:00:00Z", REFUSED),
    ("20261122T100000Z", REFUSED),
    ("0001-01-01T00:00:00+00:01", REFUSED),
    ("9999-12-31T23:59:59-00:01", REFUSED),
]


@pytest.mark.parametrize(("text", "expected"), OFFSETS)
def test_an_instant_has_an_offset_and_is_compared_in_utc(text: str, expected: str) -> None:
    assert answer("Time", "args.x == 2026-11-22T10:00:00Z", text) == expected


HOURS = [
    # the hour that clocks show, around changes of the clock
    ("Europe/Berlin", "2026-03-29T00:59:59.999999999Z", 1),
    ("Europe/Berlin", "2026-03-29T01:00:00Z", 3),
    ("Europe/Berlin", "2026-10-25T00:30:00Z", 2),
    ("Europe/Berlin", "2026-10-25T01:30:00Z", 2),
    ("Europe/Berlin", "2026-10-25T02:00:00Z", 3),
    ("America/New_York", "2026-03-08T06:59:59Z", 1),
    ("America/New_York", "2026-03-08T07:00:00Z", 3),
    ("Asia/Kathmandu", "2026-01-01T18:14:59Z", 23),
    ("Asia/Kathmandu", "2026-01-01T18:15:00Z", 0),
    ("Pacific/Apia", "2011-12-30T09:59:59Z", 23),
    ("Pacific/Apia", "2011-12-30T10:00:00Z", 0),
    ("Pacific/Kiritimati", "2026-01-01T10:00:00Z", 0),
    ("Etc/GMT+12", "2026-01-01T12:00:00Z", 0),
    ("UTC", "1969-12-31T23:59:59.999999999Z", 23),
    ("UTC", "0001-01-01T00:00:00Z", 0),
]


@pytest.mark.parametrize(("zone", "instant", "hour"), HOURS)
def test_the_hour_is_what_clocks_in_the_zone_show(zone: str, instant: str, hour: int) -> None:
    assert answer("Time", f'args.x.hour("{zone}") == {hour}', instant) == YES
    assert answer("Time", f'args.x.hour("{zone}") != {hour}', instant) == NO


DAYS = [
    ("Pacific/Apia", "2011-12-30T09:59:59Z", "thursday"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z", "saturday"),  # there was no Friday
    ("Pacific/Kiritimati", "2026-11-22T10:00:00Z", "monday"),
    ("Pacific/Niue", "2026-11-22T10:59:59Z", "saturday"),
    ("UTC", "1969-12-31T23:59:59.999999999Z", "wednesday"),
]


@pytest.mark.parametrize(("zone", "instant", "day"), DAYS)
def test_the_day_is_that_of_the_zone(zone: str, instant: str, day: str) -> None:
    assert answer("Time", f'args.x.weekday("{zone}") == "{day}"', instant) == YES


def test_a_local_time_beyond_the_calendar_is_an_error_and_no_permission() -> None:
    assert answer("Time", 'args.x.hour("Pacific/Kiritimati") >= 0', "9999-12-31T23:00:00Z") == FAULT
    assert answer("Time", 'args.x.hour("America/New_York") >= 0', "0001-01-01T00:00:00Z") == FAULT


ZONES = ["europe/berlin", "Europe/Berlin ", "Europe/berlin", "Berlin", "CEST", "+01:00", "UTC+1", "", "/etc/localtime", "../../etc/passwd", "Europe\\\\Berlin", "localtime", "Europe", "Factory/x", "Еurope/Berlin"]


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_one_of_the_database_by_its_exact_name(zone: str) -> None:
    text = f'subject User\nresource Doc\naction read on Doc (x: Time)\nforbid f {{ subject User action read resource Doc when args.x.hour("{zone}") == 1 }}\n'
    assert all(code.startswith("KYN2") for code in refusal(text))


def test_a_zone_does_not_come_from_a_request() -> None:
    text = "subject User\nresource Doc\naction read on Doc (x: Time, zone: String)\nforbid f { subject User action read resource Doc when args.x.hour(args.zone) == 1 }\n"
    assert refusal(text)


BERLIN = door((DECLARED + PERMIT).replace("KIND", "Time").replace("CONDITION", 'args.x.hour("Europe/Berlin") >= 9 and args.x.hour("Europe/Berlin") < 17'))


@settings(max_examples=150, deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)))
def test_office_hours_agree_with_the_calendar(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    inside = 9 <= aware.astimezone(ZoneInfo("Europe/Berlin")).hour < 17
    assert BERLIN.policies.decide(call(aware.isoformat().replace("+00:00", "Z"))).allowed is inside
