"""Overflow, exponents and huge numbers: a number that is another one by the time it is compared.

A product that wraps around is small; a binary float makes 9007199254740993 even, and 0.1 + 0.2 more than 0.3; `1e400` is
infinite for one JSON reader and an error for another; turning a million digits into a number takes quadratic time
(CVE-2020-10735). Here Int is a signed 64-bit number, Decimal counts ten-thousandths in 64 bits, overflow is an error,
numbers are read exactly or not at all, and the work to refuse one does not depend on its value.
"""

from __future__ import annotations

import decimal
import time
from typing import Any

import pytest

from kynara_lang.runtime import strict_json
from tests.hostile.asking import FAULT, NO, REFUSED, YES, answer, call, codes, door, refusal

TOP, LOW = 2**63 - 1, -(2**63)
D = decimal.Decimal

INTS: list[tuple[str, Any, str]] = [
    ("args.x > 0", TOP, YES),
    ("args.x > 0", TOP + 1, REFUSED),
    ("args.x > 0", 2**64, REFUSED),
    ("args.x > 0", 2**64 + 1, REFUSED),
    ("args.x < 0", LOW, YES),
    ("args.x < 0", LOW - 1, REFUSED),
    ("args.x > 0", 10**400, REFUSED),
    ("args.x > 0", D("1E+3"), REFUSED),
    ("args.x > 0", 1.5, REFUSED),
    ("args.x > 0", float("inf"), REFUSED),
    ("args.x > 0", float("nan"), REFUSED),
    ("args.x + 1 > args.x", TOP, FAULT),
    ("args.x + 1 > args.x", TOP - 1, YES),
    ("args.x - 1 < args.x", LOW, FAULT),
    ("args.x * 2 > args.x", 2**62, FAULT),
    ("args.x * 2 == -9223372036854775807 - 1", -(2**62), YES),
    ("args.x * args.x > 0", 2**32, FAULT),
    ("args.x * args.x > 0", -(2**32), FAULT),
    ("-args.x > 0", LOW, FAULT),
    ("-args.x > 0", LOW + 1, YES),
    ("args.x + args.x - args.x == args.x", 2**62, FAULT),
    ("args.x == 9007199254740993", 9007199254740993, YES),
    ("args.x == 9007199254740993", 9007199254740992, NO),
]

DECIMALS: list[tuple[str, Any, str]] = [
    ("args.x + 0.20 == 0.30", "0.1", YES),
    ("args.x + 0.20 == 0.30", D("0.1"), YES),
    ("args.x == 922337203685477.5807", "922337203685477.5807", YES),
    ("args.x > 0.00", "922337203685477.5808", REFUSED),
    ("args.x < 0.00", "-922337203685477.5808", YES),
    ("args.x < 0.00", "-922337203685477.5809", REFUSED),
    ("args.x > 0.00", 922337203685477, YES),
    ("args.x > 0.00", 922337203685478, REFUSED),
    ("args.x > 0.00", "1e3", REFUSED),
    ("args.x == 1000.00", D("1E+3"), YES),
    ("args.x > 0.00", D("1E+400"), REFUSED),
    ("args.x > 0.00", D("1E+999999"), REFUSED),
    ("args.x == 0.00", D("0E+999999"), YES),
    ("args.x == 0.00", D("0E-999999"), YES),
    ("args.x == 0.00", D("-0"), YES),
    ("args.x >= 0.00", "0.00001", REFUSED),
    ("args.x >= 0.00", D("1E-400"), REFUSED),
    ("args.x == 1.00", "1.00000", REFUSED),
    ("args.x == 1.00", D("1.00000000"), YES),
    ("args.x > 0.00", D("NaN"), REFUSED),
    ("args.x > 0.00", D("Infinity"), REFUSED),
    ("args.x > 0.00", D("sNaN"), REFUSED),
    ("args.x > 0.00", "Infinity", REFUSED),
    ("args.x > 0.00", "１", REFUSED),
    ("args.x > 0.00", "1_000", REFUSED),
    ("args.x > 0.00", "1,5", REFUSED),
    ("args.x > 0.00", "0x10", REFUSED),
    ("args.x > 0.00", "", REFUSED),
    ("args.x > 0.00", "9" * 100_000, REFUSED),
    ("args.x + 0.0001 > 0.00", "922337203685477.5807", FAULT),
    ("args.x * 2 > 0.00", "922337203685477.5807", FAULT),
    ("args.x * 10000.00 > 0.00", "922337203685477.5807", FAULT),
    ("args.x * args.x == 0.00", "0.0001", FAULT),  # rounding would make nothing of it
    ("args.x * 0.50 <= 0.00", "0.0001", FAULT),
]


@pytest.mark.parametrize(("condition", "value", "expected"), INTS, ids=lambda v: str(v)[:40])
def test_integers_are_exact_and_bounded(condition: str, value: Any, expected: str) -> None:
    assert answer("Int", condition, value) == expected


@pytest.mark.parametrize(("condition", "value", "expected"), DECIMALS, ids=lambda v: str(v)[:40])
def test_decimals_are_exact_and_bounded(condition: str, value: Any, expected: str) -> None:
    assert answer("Decimal", condition, value) == expected


TIMES = [
    ("Duration", "args.x > 0s", "106751d", YES),
    ("Duration", "args.x > 0s", "106752d", REFUSED),
    ("Duration", "args.x > 0s", "9223372036854775808s", REFUSED),
    ("Duration", "args.x + 1d > 0s", "106751d", FAULT),
    ("Duration", "args.x * 2 > 0s", "106751d", FAULT),
    ("Duration", "-args.x > 0s", "-106751d", YES),
    ("Duration", "args.x > 0s", "0.0000000001s", REFUSED),
    ("Time", "args.x - 1d < args.x", "0001-01-01T00:00:00Z", FAULT),
    ("Time", "args.x + 1s > args.x", "9999-12-31T23:59:59Z", FAULT),
    ("Time", "args.x - 0001-01-01 > 0s", "9999-12-31T23:59:59Z", FAULT),
    ("String", "args.x.length() > 2", "abc", YES),
]


@pytest.mark.parametrize(("kind", "condition", "value", "expected"), TIMES)
def test_times_and_durations_are_bounded(kind: str, condition: str, value: str, expected: str) -> None:
    assert answer(kind, condition, value) == expected


LITERALS = ["9223372036854775808", "99999999999999999999", "1.00001", "922337203685477.5808", "1e5", "0x10", "01", "1_000", ".5", "5.", "1.2.3", "106752d", "9" * 5000]


@pytest.mark.parametrize("literal", LITERALS, ids=lambda v: v[:30])
def test_a_policy_cannot_write_such_a_number(literal: str) -> None:
    for kind in ("Int", "Decimal", "Duration"):
        text = f"subject User\nresource Doc\naction read on Doc (x: {kind})\nforbid f {{ subject User action read resource Doc when args.x > {literal} }}\n"
        assert refusal(text)


@pytest.mark.parametrize("body", ["9223372036854775807 + 1", "9223372036854775807 * 2", "0.0001 * 0.0001", "-9223372036854775807 - 2"])
def test_arithmetic_on_constants_is_an_error_and_no_permission(body: str) -> None:
    text = f'subject User\nresource Doc\naction read on Doc (x: Int)\nlet c = {body}\npermit p {{ subject User action read resource Doc scope any "t" when c != c or true }}\n'
    decision = door(text).ask(call(1))
    assert (decision.effect.value, len(codes(decision))) == ("deny", 1)


DOCUMENTS = ["1e400", "-1e400", "1E999999999", "1e-999999999", "NaN", "Infinity", "-Infinity", "0x10", "01", "+1", "1.", ".5", "1_0", "9" * 65, "-" + "9" * 65, "0." + "0" * 100 + "1", "9" * 1_000_000]


@pytest.mark.parametrize("number", DOCUMENTS, ids=lambda v: v[:30])
def test_json_with_such_a_number_is_refused_at_once(number: str) -> None:
    start = time.process_time()
    with pytest.raises(strict_json.JsonProblem):
        strict_json.loads(f'{{"x": {number}}}')
    assert time.process_time() - start < 2


def test_huge_python_numbers_are_refused_at_once() -> None:
    for value in (10**100_000, -(10**100_000), D(10) ** 100_000):
        start = time.process_time()
        for kind in ("Int", "Decimal", "String", "Bool", "Time", "Set<Int>"):
            head = f"subject User\nresource Doc\naction read on Doc (x: {kind})\n"
            policies = door(head + 'permit p { subject any action any resource any scope any "t" }\n').policies
            assert not policies.decide(call(value)).allowed
            assert not policies.explain(call([value])).decision.allowed
        assert time.process_time() - start < 10
