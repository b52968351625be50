"""What conditions say of arguments, as schemas: each row has values that fit and values that are left out.

Whether a schema ever leaves out what a policy allows is tested with random policies in tests/properties/test_discovery.py.
"""

from __future__ import annotations

import decimal
import json
import re
from typing import Any

import jsonschema
import pytest

import kynara_lang as kynara
from kynara_lang.guard import schemas_patterns as patterns
from kynara_lang.guard.constraints import ANY, MOST_CHOICES, NEVER, Box, Limit, all_of, both, either, one_of
from kynara_lang.guard.discovery import Discovered, discover
from kynara_lang.semantics.numbers import read_decimal

D = decimal.Decimal


def act(parameters: str, condition: str) -> Discovered | None:
    text = f"""
    subject User {{ limit: Decimal, allowed: Set<String>, home: Path, peer: User? }}
    resource Thing {{ total: Decimal }}
    action act on Thing ({parameters})
    permit p {{ subject any action act resource Thing scope any "a test" when {condition} }}
    """
    user = {"type": "User", "id": "u", "properties": {"limit": "7.50", "allowed": ["a", "b"], "home": "/home/u"}}
    found = discover(kynara.loads(text), user)
    return found[0] if found else None


def fits(parameters: str, condition: str, value: Any) -> bool:
    one = act(parameters, condition)
    assert one is not None
    jsonschema.Draft202012Validator.check_schema(one.json_schema)
    name = next(iter(one.json_schema["properties"]))
    return jsonschema.Draft202012Validator(one.json_schema).is_valid({name: value})


ROWS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("x: Decimal", "args.x <= 50.00", ["50", "50.0000", "-7", 50, D("49.99"), "0"], ["50.0001", "51", "100", 50.5, D("50.01")]),
    ("x: Decimal", "args.x > 0.00", ["0.0001", "1", 1], ["0", "0.0000", "-0", "-1", 0, -1]),
    ("x: Decimal", "args.x <= subject.limit", ["7.5", D("7.5")], ["7.5001", 8]),
    ("x: Decimal", "subject.limit >= args.x", ["7.5"], ["7.51"]),
    ("x: Decimal", "args.x == 50.01", ["50.01", D("50.01"), "50.0100"], ["50.02", "50.010001", 50]),
    ("x: Decimal", "(args.x < 1.00 or args.x > 9.00)", ["0.99", "9.01"], ["1", "5", "9.00"]),
    ("x: Decimal", "not args.x > 5.00", ["5"], ["5.01"]),
    ("x: Decimal", "args.x + 1.00 <= 5.00", ["100"], []),
    ("x: Int", "args.x >= 3 and args.x != 7", [3, 8], [2, 7, "3"]),
    ("x: Int", "args.x in {1, 2}", [1, 2], [0, 3]),
    ("x: Bool", "not args.x", [False], [True]),
    ('x: "low" | "mid" | "high"', 'args.x != "high"', ["low", "mid"], ["high", "other"]),
    ('x: "low" | "mid" | "high"', 'args.x in {"low", "high"}', ["low", "high"], ["mid"]),
    ("x: String", 'args.x == "a"', ["a"], ["b", "A"]),
    ("x: String", "args.x in subject.allowed", ["a", "b"], ["c"]),
    ("x: String", 'args.x not in {"a", "b"}', ["c"], ["a"]),
    ("x: String", 'args.x like "a*.txt"', ["a.txt", "a\nb.txt"], ["b.txt", "a.txtx"]),
    ("x: String", 'args.x.starts_with("a+")', ["a+b"], ["aab", "ba+"]),
    ("x: String", 'not args.x.starts_with("a")', ["b"], ["ab"]),
    ("x: String", 'args.x.ends_with(".py") and args.x.contains("x")', ["x.py"], ["x.pyc", "y.py"]),
    ("x: String", 'args.x.lower() in {"yes"}', ["YES", "yes"], ["no"]),
    ("x: String", "args.x.length() <= 3", ["abc"], ["abcd"]),
    ("x: Path", 'args.x within "/workspace"', ["/workspace", "//workspace/./a", "/x/../workspace"], ["/workspace-evil", "/etc", "workspace"]),
    ("x: Path", "args.x within subject.home", ["/home/u/a", "/home//u/"], ["/home/v"]),
    ("x: Path", 'args.x within {"/a", "b/c"}', ["/a/x", "b/./c/d", "./b/c"], ["/b/c", "/c"]),
    ("x: Path", 'args.x == "/a/b"', ["/a/b", "/a//b/."], ["/a/b/c"]),
    ("x: Path", 'args.x.suffix in {".py", ".md"}', ["a/b.py", "x.md/"], ["a.pyc", "py"]),
    ("x: Path", 'args.x.name == "a.py"', ["a.py", "/x/a.py"], ["/x/ba.py"]),
    ("x: Host", 'args.x within "acme.com"', ["acme.com", "API.Acme.com.", "ａcme.com"], ["acme.com.evil.net", "notacme.com"]),
    ("x: Host", 'args.x == "10.0.0.1"', ["10.0.0.1", "::ffff:10.0.0.1"], ["10.0.0.2", "110.0.0.1"]),
    ("x: Email", 'args.x.domain within "acme.com"', ["a@acme.com", "a@x.ACME.com"], ["a@acme.com.evil.net", "acme.com@evil.net"]),
    ("x: Email", 'args.x == "a.b@acme.com"', ["a.b@Acme.com"], ["A.b@acme.com", "aXb@acme.com"]),
    ("x: Url", 'args.x.host within "acme.com"', ["https://acme.com", "HTTPS://a.ACME.com:8443/x"], ["https://acme.com.evil.net", "https://evil.net/acme.com", "https://evil.net#.acme.com"]),
    ("x: Url", 'args.x.scheme == "https"', ["https://a.de", "HTTPS://a.de"], ["http://a.de", "httpsx://a.de"]),
    ("x: IP", 'args.x within "10.0.0.0/8"', ["10.1.2.3", "::ffff:10.0.0.1"], ["11.0.0.1", "110.0.0.1"]),
    ("x: IP", 'args.x within "192.168.4.0/22"', ["192.168.7.1"], ["192.168.8.1", "192.168.40.1"]),
    ("x: Set<Email>", 'all e in args.x: e.domain within "acme.com"', [[], ["a@acme.com"]], [["a@acme.com", "b@evil.net"]]),
    ("x: Set<String>", 'any e in args.x: e == "a"', [["b", "a"]], [[], ["b"]]),
    ("x: Set<String>", 'not (any e in args.x: e == "a")', [[], ["b"]], [["a"]]),
    ("x: Set<String>", '{"a", "b"}.contains_all(args.x)', [[], ["a", "a"]], [["c"]]),
    ("x: Set<String>", 'args.x.contains_all({"a", "b"})', [["a", "b", "c"]], [["a"]]),
    ("x: Set<String>", 'args.x.contains_any({"a", "b"})', [["b"]], [["c"], []]),
    ("x: Set<String>", '"a" in args.x', [["a"]], [["b"], []]),
    ("x: Set<Int>", "args.x.size() >= 2", [[1, 2]], [[1]]),
    ("x: Set<Int>", "args.x.size() == 0", [[]], [[1]]),
    ("x: Set<Int>", "args.x.size() <= 1", [[1, 1, 1]], []),
    ("x: {a: Int, b: String?}", 'args.x.a > 3 and args.x has b', [{"a": 4, "b": "x"}], [{"a": 3, "b": "x"}, {"a": 4}]),
    ("x: User", 'args.x == User::"bob"', [{"type": "User", "id": "bob"}], [{"type": "User", "id": "eve"}, "bob"]),
    ("x: Time", "args.x < 2026-12-01", ["2026-11-30T00:00:00Z"], [5]),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "condition", "good", "bad"), ROWS, ids=[row[1] for row in ROWS])
def test_a_schema_says_what_the_condition_does(parameters: str, condition: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert fits(parameters, condition, value), value
    for value in bad:
        assert not fits(parameters, condition, value), value


def test_schemas_are_json_with_plain_tops() -> None:
    for parameters, condition, _, _ in ROWS:
        one = act(parameters, condition)
        assert one is not None
        assert json.loads(json.dumps(one.json_schema)) == one.json_schema
        assert one.json_schema.keys() <= {"type", "properties", "required"}, "model providers refuse more at the top"


def test_an_argument_that_must_be_there_is_required_and_one_that_must_not_is_refused() -> None:
    assert fits("x: String?", 'args has x and args.x == "a"', "a")
    one = act("x: String?", "args has x")
    assert one is not None
    assert one.json_schema["required"] == ["x"]
    assert not fits("x: String?", "not args has x", "a")


@pytest.mark.parametrize(
    ("parameters", "condition"),
    [
        ("x: Int", "args.x > 3 and args.x < 2"),
        ("x: Int", "args.x in {1, 2} and args.x > 5"),
        ("x: String", 'args.x == "a" and args.x != "a"'),
        ("x: String", 'args.x in {"a"} and args.x in {"b"}'),
        ('x: "low" | "high"', 'args.x != "low" and args.x != "high"'),
        ("x: Bool", "args.x and not args.x"),
        ("x: String?", "args has x and not args has x"),
        ("x: Set<String>", "args.x.size() == 0 and args.x.size() > 2"),
        ("x: Set<String>", '"a" in args.x and (all e in args.x: e == "b")'),
        ("x: {a: Int}", "args.x.a > 3 and args.x.a < 2"),
    ],
)
def test_conditions_that_no_argument_meets_hide_the_action(parameters: str, condition: str) -> None:
    assert act(parameters, condition) is None


def test_a_bound_that_binary_cannot_hold_leaves_nothing_out() -> None:
    for text in ("50.01", "0.1", "922337203685477.5807", "-0.3", "1.0001"):
        one = act("x: Decimal", f"args.x <= {text}" if text[0] != "-" else f"args.x <= 0.00 - {text[1:]}")
        assert one is not None
        schema = one.json_schema["properties"]["x"]
        assert jsonschema.Draft202012Validator(schema).is_valid(D(text)), schema
        assert jsonschema.Draft202012Validator(schema).is_valid(text), schema


# --- the domains


def test_domains_meet_and_join() -> None:
    low, high = (Limit(low=1, high=5),), (Limit(low=4, high=9),)
    assert both(low, high) == (Limit(low=4, high=5),)
    assert either(low, high) == (Limit(low=1, high=9),)
    assert both(low, (Limit(low=6),)) == NEVER
    assert either(low, ANY) == ANY
    assert both(low, ANY) == low
    apart = either((Limit(high=1),), (Limit(low=5),))
    assert len(apart) == 2
    assert both(apart, (Limit(values=frozenset({0, 3, 7})),)) == (Limit(values=frozenset({0, 7})),)


def test_many_choices_become_what_they_share() -> None:
    many: Any = NEVER
    for n in range(MOST_CHOICES + 1):
        many = either(many, (Limit(low=10 * n, high=10 * n + 1),))
    assert many == (Limit(low=0, high=10 * MOST_CHOICES + 1),)


def test_boxes_keep_what_holds_in_each() -> None:
    a = Box({"x": (Limit(low=1),), "y": (Limit(low=1),)}, required=frozenset({"x", "y"}))
    b = Box({"x": (Limit(low=3, high=5),)}, required=frozenset({"x"}))
    assert one_of([a, b]) == Box({"x": (Limit(low=1),)}, required=frozenset({"x"}))
    assert one_of([a, None]) == a
    assert one_of([None, None]) is None
    assert all_of([a, None]) is None
    assert all_of([a, Box(absent=frozenset({"y"}))]) is None


def test_what_is_absent_in_one_choice_is_bound_by_the_other() -> None:
    a, b = Box(absent=frozenset({"x"})), Box({"x": (Limit(low=3),)})
    assert one_of([a, b]) == Box({"x": (Limit(low=3),)})


# --- numbers as text


@pytest.mark.parametrize("bound", ["0", "50.00", "50.5", "49.25", "100", "-50.5", "-0.0001", "0.0001", "9.9999", "1000", "10"])
def test_patterns_of_decimals_are_exact(bound: str) -> None:
    units = read_decimal(bound)
    fractions = ("", ".0", ".00", ".5", ".4999", ".5000", ".5001", ".0001", ".9", ".25", ".2499", ".9999")
    for whole in (0, 1, 9, 10, 11, 48, 49, 50, 51, 99, 100, 101, 999, 1000, 1001, 123456):
        for text in (f"{sign}{whole}{fraction}" for sign in ("", "-") for fraction in fractions):
            value = read_decimal(text)
            assert bool(re.search(patterns.at_most(units), text)) == (value <= units), text
            assert bool(re.search(patterns.at_least(units), text)) == (value >= units), text


def test_patterns_are_of_the_common_subset() -> None:
    made = [
        patterns.paths(["/a b/c.d", "x"], within=True), patterns.hosts(["acme.com", "10.0.0.1", "[::1]"], within=True),
        patterns.url_hosts(["acme.com"], within=True), patterns.email_hosts(["acme.com"], within=False),
        patterns.at_most(123456), patterns.at_least(-5), patterns.glob(("a.", "b")), patterns.equal(["a|b", "(c)"]),
        patterns.email("a+b@acme.com"), patterns.schemes(["https"]), patterns.path_ends([".py"]),
    ]  # fmt: skip
    for pattern in made:
        re.compile(pattern)
        assert not re.search(r"\(\?[^:]", pattern), "no look-around, flags or names"
        assert set(re.findall(r"\\(.)", pattern)) <= set(r"\^$.*+?()[]{}|-sSu"), "no escapes that a dialect refuses"
