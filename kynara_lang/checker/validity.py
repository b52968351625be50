"""When a rule exists at all: `valid from` and `valid until`, judged without a clock of one's own."""

from __future__ import annotations

import datetime

from .symbols import RuleSymbol

_DAY = 86_400 * 10**9


def inverted(rule: RuleSymbol) -> bool:
    """Whether a rule ends before, or when, it begins, so that it never exists."""
    return rule.valid_from is not None and rule.valid_until is not None and rule.valid_until <= rule.valid_from


def over(rule: RuleSymbol, today: datetime.date | None) -> bool:
    """Whether a rule ended before this day began (in UTC); nothing is over where nobody says what day it is."""
    if today is None or rule.valid_until is None:
        return False
    return rule.valid_until <= (today - datetime.date(1970, 1, 1)).days * _DAY


def later(today: datetime.date) -> str:
    """Return a date for examples of a later end: the first day of the next year."""
    return f"{min(today.year + 1, datetime.MAXYEAR)}-01-01"
