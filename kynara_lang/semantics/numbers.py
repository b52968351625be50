"""Int and Decimal values: 64-bit signed counts of ones and of ten-thousandths."""

from __future__ import annotations

import decimal
import re
from typing import Final

from kynara_lang.semantics.problems import EvaluationError, ValueProblem, quoted, refuse_long

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
SCALE: Final = 10_000
"""How many units of a Decimal make one."""

_FRACTION_DIGITS: Final = 4
_MOST_DIGITS: Final = 19  # of a 64-bit number
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]{1,4}))?")
_LOOSE: Final = re.compile(r"([+-]?)([0-9]+)(\.[0-9]+)?")


def read_int(text: str) -> int:
    """Read an Int such as `42` or `-7`."""
    refuse_long(text)
    if not _INT.fullmatch(text):
        raise _malformed(text, "an integer")
    # The length is looked at first: turning digits into a number takes more than linear time.
    if len(text) > _MOST_DIGITS + 1 or not INT_MIN <= int(text) <= INT_MAX:
        raise ValueProblem(f"{quoted(text)} does not fit in 64 bits")
    return int(text)


def read_decimal(text: str) -> int:
    """Read a Decimal such as `50.00`, with at most four fraction digits."""
    refuse_long(text)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise _malformed(text, "a decimal number")
    sign, whole, fraction = match.groups("")
    digits = whole + fraction.ljust(_FRACTION_DIGITS, "0")
    if len(whole) <= _MOST_DIGITS:
        units = -int(digits) if sign else int(digits)
        if INT_MIN <= units <= INT_MAX:
            return units
    raise _decimal_range(text)


def decimal_from_number(number: decimal.Decimal) -> int:
    """Convert an exact number, as a JSON reader gives it, to a Decimal value."""
    text = str(number)
    refuse_long(text)
    if not number.is_finite():
        raise ValueProblem(f"{quoted(text)} is not a number")
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # only of infinities and not-a-numbers it is a letter
    # Everything is decided on lengths before any power is computed: `1e999999999` is cheap to write.
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return 0
    shift = exponent + len(digits) - len(significant) + _FRACTION_DIGITS
    if shift < 0:
        raise ValueProblem(f"{quoted(text)} has more than {_FRACTION_DIGITS} fraction digits")
    if len(significant) + shift > _MOST_DIGITS:
        raise _decimal_range(text)
    units = int(significant + "0" * shift)
    units = -units if sign else units
    if not INT_MIN <= units <= INT_MAX:
        raise _decimal_range(text)
    return units


def format_decimal(n: int) -> str:
    """Write a Decimal with two to four fraction digits, as few as are exact."""
    whole, fraction = divmod(abs(n), SCALE)
    digits = f"{fraction:0{_FRACTION_DIGITS}}".rstrip("0").ljust(2, "0")
    return f"{'-' if n < 0 else ''}{whole}.{digits}"


def checked(n: int) -> int:
    """Return the result of an operation if it is in the signed 64-bit range."""
    if INT_MIN <= n <= INT_MAX:
        return n
    raise EvaluationError("overflow", "the result does not fit in 64 bits")


def multiply_decimals(a: int, b: int) -> int:
    """Multiply two Decimals exactly; a product that would need rounding is an error."""
    units, rest = divmod(a * b, SCALE)
    if rest:
        factors = f"{format_decimal(a)} and {format_decimal(b)}"
        raise EvaluationError("inexact", f"the product of {factors} has more than four fraction digits")
    return checked(units)


def _malformed(text: str, what: str) -> ValueProblem:
    """Find out why a number cannot be read."""
    match = _LOOSE.fullmatch(text)
    if match is None:
        return ValueProblem(f"{quoted(text)} is not {what}")
    sign, whole, fraction = match.groups("")
    if what == "an integer" and fraction:
        return ValueProblem(f"{quoted(text)} is not an integer, it has a fraction")
    if len(fraction) > _FRACTION_DIGITS + 1:
        return ValueProblem(f"{quoted(text)} has more than {_FRACTION_DIGITS} fraction digits")
    plain = sign.replace("+", "") + (whole.lstrip("0") or "0") + fraction
    flaw = "a leading plus sign" if sign == "+" else "leading zeros"
    return ValueProblem(f"{quoted(text)} has {flaw}", plain)


def _decimal_range(text: str) -> ValueProblem:
    """Describe a number beyond what a Decimal can hold."""
    return ValueProblem(f"{quoted(text)} is beyond the range of a Decimal, about ±922 trillion")
