"""Int and Decimal values: reading, writing and exact arithmetic."""

from __future__ import annotations

import decimal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.numbers import (
    INT_MAX,
    INT_MIN,
    SCALE,
    checked,
    decimal_from_number,
    format_decimal,
    multiply_decimals,
    read_decimal,
    read_int,
)
from kynara_lang.semantics.problems import EvaluationError, ValueProblem

int64 = st.integers(INT_MIN, INT_MAX)
exact = decimal.Context(prec=100)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("42", 42), ("-7", -7), (str(INT_MAX), INT_MAX), (str(INT_MIN), INT_MIN)],
)
def test_read_int(text: str, value: int) -> None:
    assert read_int(text) == value


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "`` is not an integer", None),
        ("-", "is not an integer", None),
        ("1 ", "is not an integer", None),
        ("1\n", "is not an integer", None),
        ("1_000", "is not an integer", None),
        ("٣", "is not an integer", None),
        ("1e3", "is not an integer", None),
        ("1.0", "it has a fraction", None),
        ("007", "has leading zeros", "7"),
        ("-00", "has leading zeros", "-0"),
        ("+5", "has a leading plus sign", "5"),
        (str(INT_MAX + 1), "does not fit in 64 bits", None),
        (str(INT_MIN - 1), "does not fit in 64 bits", None),
        ("9" * 8192, "does not fit in 64 bits", None),
        ("9" * 8193, "characters long", None),
    ],
)
def test_read_int_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_int(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("50.00", 500_000, "50.00"),
        ("5", 50_000, "5.00"),
        ("0.5", 5_000, "0.50"),
        ("-0.0001", -1, "-0.0001"),
        ("1.125", 11_250, "1.125"),
        ("-0", 0, "0.00"),
        ("922337203685477.5807", INT_MAX, "922337203685477.5807"),
        ("-922337203685477.5808", INT_MIN, "-922337203685477.5808"),
    ],
)
def test_read_decimal(text: str, value: int, written: str) -> None:
    assert read_decimal(text) == value
    assert format_decimal(value) == written


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "is not a decimal number", None),
        (".5", "is not a decimal number", None),
        ("5.", "is not a decimal number", None),
        ("1e3", "is not a decimal number", None),
        ("1,5", "is not a decimal number", None),
        ("NaN", "is not a decimal number", None),
        ("1.5\n", "is not a decimal number", None),
        ("007", "has leading zeros", "7"),
        ("00.5", "has leading zeros", "0.5"),
        ("+1.5", "has a leading plus sign", "1.5"),
        ("1.00000", "has more than 4 fraction digits", None),
        ("922337203685477.5808", "beyond the range of a Decimal", None),
        ("9" * 8000, "beyond the range of a Decimal", None),
    ],
)
def test_read_decimal_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_decimal(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@given(int64)
def test_decimals_survive_writing(n: int) -> None:
    assert read_decimal(format_decimal(n)) == n
    assert decimal_from_number(decimal.Decimal(format_decimal(n))) == n


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("0", 0),
        ("-0E-99999", 0),
        ("0E+99999", 0),
        ("1E3", 10_000_000),
        ("1.50000000", 15_000),
        ("100E-6", 1),
        ("9.223372036854775807E14", INT_MAX),
    ],
)
def test_decimal_from_number(number: str, value: int) -> None:
    assert decimal_from_number(decimal.Decimal(number)) == value


@pytest.mark.parametrize(
    ("number", "fragment"),
    [
        ("NaN", "is not a number"),
        ("sNaN", "is not a number"),
        ("-Infinity", "is not a number"),
        ("0.00001", "more than 4 fraction digits"),
        ("1E-999999", "more than 4 fraction digits"),
        ("1E+999999", "beyond the range"),
        ("922337203685477.5808", "beyond the range"),
        ("1" * 8193, "characters long"),
    ],
)
def test_decimal_from_number_refuses(number: str, fragment: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueProblem, match=fragment):
        decimal_from_number(decimal.Decimal(number))
    assert time.process_time() - start < 20


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimal_from_number_is_exact_or_refused(number: decimal.Decimal) -> None:
    try:
        value = decimal_from_number(number)
    except ValueProblem:
        return
    assert exact.divide(decimal.Decimal(value), SCALE) == number


@pytest.mark.parametrize("n", [INT_MIN - 1, INT_MAX + 1, 2**200])
def test_checked_refuses(n: int) -> None:
    with pytest.raises(EvaluationError) as caught:
        checked(n)
    assert caught.value.code == "overflow"


@given(int64)
def test_checked_keeps_what_fits(n: int) -> None:
    assert checked(n) == n


small = st.integers(-(10**7), 10**7)


@given(st.one_of(int64, small), st.one_of(int64, small, small.map(lambda n: n * SCALE)))
def test_products_against_decimal_arithmetic(a: int, b: int) -> None:
    product = exact.multiply(decimal.Decimal(a).scaleb(-4, exact), decimal.Decimal(b).scaleb(-4, exact))
    units = product.scaleb(4, exact)
    try:
        result = multiply_decimals(a, b)
    except EvaluationError as error:
        if error.code == "inexact":
            assert units != units.to_integral_value(context=exact)
        else:
            assert error.code == "overflow"
            assert not INT_MIN <= units <= INT_MAX
    else:
        assert result == units
