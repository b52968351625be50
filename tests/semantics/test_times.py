"""Time and Duration values, time zones, and the ends of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.numbers import INT_MAX, INT_MIN
from kynara_lang.semantics.problems import EvaluationError, ValueProblem
from kynara_lang.semantics.times import (
    TIME_MAX,
    TIME_MIN,
    WEEKDAYS,
    check_time,
    format_duration,
    format_time,
    hour,
    read_date_or_time,
    read_duration,
    read_time,
    weekday,
    zone,
)

SECOND = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-11-22t10:00:00z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00.5Z", "2026-11-22T10:00:00.5Z"),
        ("2026-11-22T10:00:00.000000001Z", "2026-11-22T10:00:00.000000001Z"),
        ("2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00Z"),
        ("2026-11-22T23:00:00-02:30", "2026-11-23T01:30:00Z"),
        ("2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00Z"),
        ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_read_time(text: str, written: str) -> None:
    ns = read_time(text)
    assert format_time(ns) == written
    assert read_time(written) == read_date_or_time(text) == ns


def test_known_instants() -> None:
    assert read_time("1970-01-01T00:00:01.5Z") == 1_500_000_000
    assert read_date_or_time("1970-01-02") == 86_400 * SECOND
    assert read_time("0001-01-01T00:00:00Z") == TIME_MIN
    assert read_time("9999-12-31T23:59:59.999999999Z") == TIME_MAX


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "is not a time such as", None),
        ("2026-11-22", "a date without a time of day", "2026-11-22T00:00:00Z"),
        ("2026-11-22 10:00:00Z", "needs a `T`", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00", "needs a `Z` or an offset", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00Z", "is not a time such as", None),
        ("2026-11-22T10:00:00.Z", "is not a time such as", None),
        ("2026-11-22T10:00:00.1234567890Z", "is not a time such as", None),
        ("2026-11-22T10:00:00Z\n", "is not a time such as", None),
        ("２026-11-22T10:00:00Z", "is not a time such as", None),
        ("2026-11-22T10:00:60Z", "is not a time of day", None),
        ("2026-11-22T24:00:00Z", "is not a time of day", None),
        ("2026-11-22T10:60:00Z", "is not a time of day", None),
        ("2026-02-29T10:00:00Z", "is not a date in the calendar", None),
        ("2026-13-01T10:00:00Z", "is not a date in the calendar", None),
        ("0000-01-01T10:00:00Z", "is not a date in the calendar", None),
        ("2026-11-22T10:00:00+24:00", "has an offset that is too large", None),
        ("2026-11-22T10:00:00+01:60", "has an offset that is too large", None),
        ("0001-01-01T00:00:00+00:01", "outside the years 0001 to 9999", None),
        ("9999-12-31T23:59:59-00:01", "outside the years 0001 to 9999", None),
        ("2" * 9000, "characters long", None),
    ],
)
def test_read_time_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_time(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("text", ["2026-02-29", "0000-01-01", "2026-1-1", "20261122", "2026-11-22\n"])
def test_read_date_or_time_refuses(text: str) -> None:
    with pytest.raises(ValueProblem):
        read_date_or_time(text)


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets))
def test_times_agree_with_datetime(moment: datetime) -> None:
    ns = read_time(moment.isoformat())
    assert ns == (moment - EPOCH) // timedelta(microseconds=1) * 1000


@given(st.integers(TIME_MIN, TIME_MAX))
def test_times_survive_writing(ns: int) -> None:
    assert read_time(format_time(ns)) == ns
    assert check_time(ns) == ns


@pytest.mark.parametrize("ns", [TIME_MIN - 1, TIME_MAX + 1])
def test_check_time_refuses(ns: int) -> None:
    for operation in (check_time, format_time):
        with pytest.raises(EvaluationError) as caught:
            operation(ns)
        assert caught.value.code == "time-range"


@pytest.mark.parametrize(
    ("text", "ns", "written"),
    [
        ("0s", 0, "0s"),
        ("0d", 0, "0s"),
        ("90s", 90 * SECOND, "90s"),
        ("60s", 60 * SECOND, "1m"),
        ("15m", 900 * SECOND, "15m"),
        ("240m", 14_400 * SECOND, "4h"),
        ("7d", 604_800 * SECOND, "7d"),
        ("-36h", -129_600 * SECOND, "-36h"),
        ("0.5s", SECOND // 2, "0.5s"),
        ("-1.000000001s", -SECOND - 1, "-1.000000001s"),
    ],
)
def test_read_duration(text: str, ns: int, written: str) -> None:
    assert read_duration(text) == ns
    assert format_duration(ns) == written


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "is not a duration such as", None),
        ("90", "is not a duration such as", None),
        ("s", "is not a duration such as", None),
        ("5ms", "is not a duration such as", None),
        ("4H", "is not a duration such as", None),
        ("4 h", "is not a duration such as", None),
        ("1.5h", "is not a duration such as", None),
        ("+4h", "is not a duration such as", None),
        ("04h", "is not a duration such as", None),
        ("4h\n", "is not a duration such as", None),
        ("1h30m", "has several units", "90m"),
        ("106752d", "too long for a duration", None),
        ("9" * 19 + "d", "too long for a duration", None),
        ("9" * 8000 + "d", "is not a duration such as", None),
    ],
)
def test_read_duration_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_duration(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@given(st.one_of(st.integers(INT_MIN, INT_MAX), st.integers(-(10**6), 10**6).map(lambda n: n * SECOND)))
def test_durations_survive_writing(ns: int) -> None:
    assert read_duration(format_duration(ns)) == ns


@pytest.mark.parametrize(
    ("name", "fragment", "suggestion"),
    [
        ("Europe/Berlim", "is not a known time zone", "Europe/Berlin"),
        ("europe/berlin", "is not a known time zone", "Europe/Berlin"),
        ("Berlin", "is not a known time zone", "Europe/Berlin"),
        ("America/New York", "is not a known time zone", "America/New_York"),
        ("", "is not a known time zone", None),
        ("Europe", "is not a known time zone", None),
        ("x" * 500, "is not a known time zone", None),
        ("/etc/localtime", "looks like a file path", None),
        ("../zones", "looks like a file path", None),
        ("Europe/../UTC", "looks like a file path", None),
        ("Europe\\Berlin", "looks like a file path", None),
        ("zone.tab", "is not a known time zone", None),
        ("a" * 9000, "characters long", None),
    ],
)
def test_zone_refuses(name: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        zone(name)
    assert fragment in caught.value.message
    if suggestion:
        assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("time", "name", "expected"),
    [
        ("2026-11-22T10:00:00Z", "UTC", (10, "sunday")),
        ("2026-11-22T10:00:00Z", "Europe/Berlin", (11, "sunday")),
        ("2026-07-22T22:30:00Z", "Europe/Berlin", (0, "thursday")),
        ("2026-11-22T10:00:00Z", "Pacific/Kiritimati", (0, "monday")),
        ("1969-12-31T23:59:59.999Z", "UTC", (23, "wednesday")),
        ("2026-03-29T00:59:59Z", "Europe/Berlin", (1, "sunday")),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", (3, "sunday")),
        ("2026-11-22T18:29:59Z", "Asia/Kolkata", (23, "sunday")),
    ],
)
def test_hour_and_weekday(time: str, name: str, expected: tuple[int, str]) -> None:
    ns, place = read_time(time), zone(name)
    assert place.key == name
    assert (hour(ns, place), weekday(ns, place)) == expected


def test_local_times_outside_the_calendar_are_errors() -> None:
    for ns, name in ((TIME_MIN, "America/New_York"), (TIME_MAX, "Asia/Tokyo")):
        for operation in (hour, weekday):
            with pytest.raises(EvaluationError) as caught:
                operation(ns, zone(name))
            assert caught.value.code == "time-range"


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)))
def test_hour_and_weekday_agree_with_datetime(moment: datetime) -> None:
    place = zone("America/Sao_Paulo")
    aware = moment.replace(tzinfo=UTC)
    ns = (aware - EPOCH) // timedelta(microseconds=1) * 1000
    local = aware.astimezone(place)
    assert hour(ns, place) == local.hour
    assert weekday(ns, place) == WEEKDAYS[local.weekday()]
