"""Type confusion: `true` for `1`, `"1"` for `1`, a list for a text, an object for a name.

Loose comparison made forged cookies of WordPress valid (CVE-2014-0166), a list or an object in place of a text turns
queries of document databases into others, and in Python `True == 1`, `1 == 1.0` and `hash(True) == hash(1)`. Here every
value must have exactly the declared type.
"""

from __future__ import annotations

import decimal
import enum
from typing import Any

import pytest

from tests.hostile.asking import NO, REFUSED, YES, answer, call, codes, door, refusal


class Sly(str):
    """A text that is equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("admin")


class One(enum.IntEnum):
    """A number by another name."""

    ONE = 1


CONFUSED: list[tuple[str, str, Any, str]] = [
    ("Int", "args.x == 1", 1, YES),
    *[("Int", "args.x == 1", other, REFUSED) for other in (True, "1", 1.0, [1], {"1": 1}, One.ONE, decimal.Decimal(1), "0x1")],
    ("Int", "args.x == 0", 0, YES),
    *[("Int", "args.x == 0", other, REFUSED) for other in (False, "", "0", None, [], 0.0, -0.0, "0e1")],
    ("Bool", "args.x", True, YES),
    *[("Bool", "args.x", other, REFUSED) for other in (1, "true", "yes", "on", [True], 1.0, {"true": True}, "True")],
    ("Bool", "not args.x", False, YES),
    *[("Bool", "not args.x", other, REFUSED) for other in (0, "", "false", None, [], {})],
    ("String", 'args.x == "1"', "1", YES),
    *[("String", 'args.x == "1"', other, REFUSED) for other in (1, True, ["1"], {"1": ""}, b"1", 1.0)],
    ("String", 'args.x != "admin"', "Admin", YES),
    *[("String", 'args.x != "admin"', other, REFUSED) for other in (["admin"], {"$ne": "admin"}, {"id": "admin"}, 0)],
    ("String", 'args.x == "0"', "0e1", NO),
    ("String", 'args.x == "1"', "1.0", NO),
    ("String", 'args.x in {"a", "b"}', ["a"], REFUSED),
    ("String", 'args.x.contains("a")', ["a"], REFUSED),
    ("String", "args.x.length() > 3", ["a", "b", "c", "d"], REFUSED),
    ("Decimal", "args.x == 1.00", 1, YES),
    ("Decimal", "args.x == 1.00", "1", YES),
    *[("Decimal", "args.x == 1.00", other, REFUSED) for other in (True, 1.0, ["1"], "1e0", "+1", " 1", "1.", "01")],
    ("Set<Int>", "1 in args.x", [1], YES),
    *[("Set<Int>", "1 in args.x", other, REFUSED) for other in (1, "1", [True], ["1"], {"1": 1}, {1: 1}, None, "[1]")],
    ("Set<String>", '"a" in args.x', ["a"], YES),
    *[("Set<String>", '"a" in args.x', other, REFUSED) for other in ("a", "abc", {"a": 1}, [["a"]], [1, "a"], b"a")],
    ("Set<Bool>", "true in args.x", [1], REFUSED),
    ('"low" | "high"', 'args.x == "low"', "low", YES),
    *[('"low" | "high"', 'args.x == "low"', other, REFUSED) for other in (0, ["low"], "LOW", "low ", "", None, "lowhigh")],
    ("Time", "args.x < 2027-01-01", "2026-01-01T00:00:00Z", YES),
    *[("Time", "args.x < 2027-01-01", other, REFUSED) for other in (0, 1767225600, "2026", "", ["2026-01-01T00:00:00Z"], False)],
    ("Duration", "args.x < 1h", "5m", YES),
    *[("Duration", "args.x < 1h", other, REFUSED) for other in (0, 300, "300", "", "PT5M", None, -1)],
    ("IP", 'args.x within "10.0.0.0/8"', "10.0.0.1", YES),
    *[("IP", 'args.x within "10.0.0.0/8"', other, REFUSED) for other in (167772161, ["10.0.0.1"], [10, 0, 0, 1], b"10.0.0.1", "10.0.0.0/8")],
    ("{a: Int}", "args.x == {a: 1}", {"a": 1}, YES),
    *[("{a: Int}", "args.x == {a: 1}", other, REFUSED) for other in ({"a": True}, {"a": "1"}, [1], [["a", 1]], (1,), "a", {"A": 1}, {})],
    ("User", 'args.x == User::"a"', {"type": "User", "id": "a"}, YES),
    *[
        ("User", 'args.x == User::"a"', other, REFUSED)
        for other in ("a", "User::a", ["User", "a"], {"type": "Doc", "id": "a"}, {"type": "User", "id": ["a"]}, {"id": "a"}, {"type": "User", "id": 1})
    ],
]  # fmt: skip


@pytest.mark.parametrize(("kind", "condition", "value", "expected"), CONFUSED, ids=repr)
def test_a_value_of_another_type_is_refused(kind: str, condition: str, value: Any, expected: str) -> None:
    assert answer(kind, condition, value) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "args.x == 1.00",
        'args.x == "1"',
        "args.x == true",
        "args.x == {1}",
        'args.x == User::"a"',
        "args.x",
        "not args.x",
        "args.x and true",
        "args.x in {1.00}",
        'args.x like "1"',
        "args.x < 1.5",
        "args.x + 1.00 == 2.00",
        "args.x.length() == 1",
        "args.x is User",
    ],
)
def test_types_that_do_not_meet_are_an_error_of_the_policy(condition: str) -> None:
    text = f'subject User\nresource Doc\naction read on Doc (x: Int)\npermit p {{ subject User action read resource Doc scope any "t" when {condition} }}\n'
    assert {code[:4] for code in refusal(text)} == {"KYN2"}


def test_a_text_that_equals_everything_is_read_as_what_it_says() -> None:
    """A subclass of `str` in a Python request must not bring its own `==` along."""
    head = "subject User\nresource Doc\naction read on Doc (x: String)\n"
    policies = door(head + 'permit p { subject User action read resource Doc scope any "t" when args.x == "admin" }\n').policies
    assert policies.decide(call("admin")).allowed
    assert not policies.decide(call(Sly("guest"))).allowed
    enumerated = head.replace("String", '"guest" | "admin"')
    policies = door(enumerated + 'permit p { subject User action read resource Doc scope any "t" when args.x == "admin" }\n').policies
    assert not policies.decide(call(Sly("guest"))).allowed
    sly = call("x")
    sly["action"]["name"] = Sly("delete")
    assert not policies.decide(sly).allowed
    sly = call("admin")
    sly["subject"]["type"] = Sly("Root")
    assert not policies.decide(sly).allowed


def test_numbers_of_one_set_do_not_meet_truths() -> None:
    """In Python `{1} == {True}`; constants of both kinds in one program must stay apart."""
    text = """\
subject User
resource Doc
action read on Doc (n: Int, b: Bool, ns: Set<Int>, bs: Set<Bool>)
permit p { subject User action read resource Doc scope any "t" when args.ns == {1} and args.bs == {true} and args.n == 1 and args.b == true }
"""
    asked = door(text)
    good = {"n": 1, "b": True, "ns": [1], "bs": [True]}
    request = call(None)
    request["action"]["properties"] = good
    assert asked.effect(request) == "allow"
    for name, other in (("n", True), ("b", 1), ("ns", [True]), ("bs", [1])):
        request["action"]["properties"] = {**good, name: other}
        assert codes(asked.ask(request)) == ["wrong-type"]
