"""Time and Duration values: counts of nanoseconds, and what clocks and calendars make of them."""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Final

from kynara_lang.semantics.numbers import INT_MAX, INT_MIN
from kynara_lang.semantics.problems import EvaluationError, ValueProblem, quoted, refuse_long

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SECOND: Final = 10**9
_UNITS: Final = {"d": 86_400 * _SECOND, "h": 3_600 * _SECOND, "m": 60 * _SECOND, "s": _SECOND}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND: Final = int((datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds())
TIME_MIN: Final = _FIRST_SECOND * _SECOND
"""The first instant of the year 1."""
TIME_MAX: Final = TIME_MIN + 3_652_059 * _UNITS["d"] - 1
"""The last instant of the year 9999."""

_USUAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
"""The form that nearly all times have, which the standard library reads in a sixth of the time."""
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})([Tt ])([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_DURATION: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,9}))?([smhd])")
_PARTS: Final = re.compile(r"(?:[0-9]{1,9}[dhms]){2,4}")
_LONGEST_ZONE: Final = 64


def read_time(text: str) -> int:
    """Read an RFC 3339 instant such as `2026-11-22T10:00:00Z`."""
    if _USUAL.fullmatch(text) and text[11:13] != "24":  # some versions of the library take it for the next day's 00
        try:
            since = datetime.fromisoformat(text) - _EPOCH
            return (since.days * 86_400 + since.seconds) * _SECOND
        except ValueError:
            pass  # no such day, or no such time of day
    refuse_long(text)
    match = _TIME.fullmatch(text)
    if match is None:
        if _DATE.fullmatch(text):
            raise ValueProblem(f"{quoted(text)} is a date without a time of day", f"{text}T00:00:00Z")
        raise ValueProblem(f"{quoted(text)} is not a time such as `2026-11-22T10:00:00Z`")
    year, month, day, separator, hours, minutes, seconds, fraction, offset = match.groups()
    if separator == " ":
        raise ValueProblem(f"{quoted(text)} needs a `T` between date and time", text.replace(" ", "T"))
    if offset is None:
        raise ValueProblem(f"{quoted(text)} needs a `Z` or an offset such as `+01:00` at the end", text + "Z")
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        raise ValueProblem(f"{quoted(text)} is not a time of day; the last one is 23:59:59")
    days = _days(year, month, day, text)
    total = ((days * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds) - _offset_seconds(offset, text)
    ns = total * _SECOND + int((fraction or "0").ljust(9, "0"))
    if not TIME_MIN <= ns <= TIME_MAX:
        raise ValueProblem(f"{quoted(text)} is outside the years 0001 to 9999 in UTC")
    return ns


def read_date_or_time(text: str) -> int:
    """Read an instant, or a date such as `2026-11-22` as its midnight in UTC."""
    match = _DATE.fullmatch(text)
    return read_time(text) if match is None else _days(match[1], match[2], match[3], text) * _UNITS["d"]


def format_time(ns: int) -> str:
    """Write an instant in UTC, with as few fraction digits as are exact."""
    seconds, rest = divmod(check_time(ns), _SECOND)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}{fraction}Z"


def check_time(ns: int) -> int:
    """Return the result of time arithmetic if it is in the years 0001 to 9999."""
    if TIME_MIN <= ns <= TIME_MAX:
        return ns
    raise EvaluationError("time-range", "the resulting time is outside the years 0001 to 9999")


def read_duration(text: str) -> int:
    """Read a duration such as `90s`, `15m`, `4h` or `7d`.

    A minus sign and fractions of a second are read as well, because differences of times have them; the
    grammar of the language decides which of these forms a literal in a policy can take.
    """
    refuse_long(text)
    match = _DURATION.fullmatch(text)
    if match is None or (match[3] and match[4] != "s"):
        raise _malformed_duration(text)
    sign, whole, fraction, unit = match.groups("")
    ns = int(whole) * _UNITS[unit] + int(fraction.ljust(9, "0"))
    ns = -ns if sign else ns
    if not INT_MIN <= ns <= INT_MAX:
        raise ValueProblem(f"{quoted(text)} is too long for a duration; the longest is about 292 years")
    return ns


def format_duration(ns: int) -> str:
    """Write a duration in the largest unit that is exact, such as `4h`, `90s` or `0.5s`."""
    sign, size = ("-" if ns < 0 else ""), abs(ns)
    if size:
        for unit, length in _UNITS.items():
            if size % length == 0:
                return f"{sign}{size // length}{unit}"
    seconds, rest = divmod(size, _SECOND)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{sign}{seconds}{fraction}s"


@functools.lru_cache(maxsize=1024)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone of the IANA database by its exact name, such as `Europe/Berlin`.

    The database is always that of the `tzdata` package, never the operating system's, so that a policy means
    the same on every machine that has the same packages.
    """
    refuse_long(name)
    if name.startswith("/") or "\\" in name or ".." in name:
        raise ValueProblem(f"{quoted(name)} is not the name of a time zone but looks like a file path")
    # The list is looked at before any file: names differing in case can open the same file on some systems.
    if name not in _zone_names():
        raise ValueProblem(f"{quoted(name)} is not a known time zone", _near_zone(name))
    file = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as data:
        return zoneinfo.ZoneInfo.from_file(data, key=name)


def hour(ns: int, place: zoneinfo.ZoneInfo) -> int:
    """Return the hour of the day, 0 to 23, that clocks in the zone show at the instant."""
    return _local(ns, place).hour


def weekday(ns: int, place: zoneinfo.ZoneInfo) -> str:
    """Return the day of the week that calendars in the zone show at the instant."""
    return WEEKDAYS[_local(ns, place).weekday()]


def _local(ns: int, place: zoneinfo.ZoneInfo) -> datetime:
    """Return the local time of an instant; at the ends of time it can lie in a year that does not exist."""
    try:
        return (_EPOCH + timedelta(seconds=ns // _SECOND)).astimezone(place)
    except OverflowError:
        raise EvaluationError("time-range", "the local time is outside the years 0001 to 9999") from None


def _days(year: str, month: str, day: str, text: str) -> int:
    """Return the days from 1970 to a date; `text` is what to complain about."""
    try:
        return (datetime(int(year), int(month), int(day), tzinfo=UTC) - _EPOCH).days
    except ValueError:
        raise ValueProblem(f"{quoted(text)} is not a date in the calendar") from None


def _offset_seconds(offset: str, text: str) -> int:
    """Return how far local time is ahead of UTC; `text` is what to complain about."""
    if offset in ("Z", "z"):
        return 0
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 23 or minutes > 59:
        raise ValueProblem(f"{quoted(text)} has an offset that is too large; the largest is 23:59")
    seconds = hours * 3600 + minutes * 60
    return -seconds if offset[0] == "-" else seconds


def _malformed_duration(text: str) -> ValueProblem:
    """Find out why a duration cannot be read."""
    if _PARTS.fullmatch(text):
        parts = re.findall(r"([0-9]+)([dhms])", text)
        total = sum(int(count) * _UNITS[unit] for count, unit in parts)
        return ValueProblem(f"{quoted(text)} has several units; a duration has one", format_duration(total))
    return ValueProblem(f"{quoted(text)} is not a duration such as `90s`, `15m`, `4h` or `7d`")


@functools.cache
def _zone_names() -> frozenset[str]:
    """Return the names of all time zones."""
    listing = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(listing.split())


def _near_zone(name: str) -> str | None:
    """Return the time zone that was probably meant."""
    # Comparing texts takes quadratic time, so long ones are not compared.
    if len(name) > _LONGEST_ZONE:
        return None
    folded = {known.lower(): known for known in sorted(_zone_names())}
    wanted = name.lower().replace(" ", "_")
    cities = {low.rpartition("/")[2]: known for low, known in folded.items() if "/" in low}
    exact = folded.get(wanted) or cities.get(wanted)
    near = [exact] if exact else [folded[low] for low in difflib.get_close_matches(wanted, folded, n=1)]
    return near[0] if near else None
