"""Canonical JSON, approval digests, and values as an author would write them."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.runtime.canonical import approval_digest, canonical_json
from kynara_lang.runtime.convert import converter
from kynara_lang.runtime.problems import InvalidRequest
from kynara_lang.runtime.request import Needs, read_shape, validate
from kynara_lang.runtime.strict_json import loads
from kynara_lang.semantics.addresses import read_block
from kynara_lang.semantics.display import display, display_text
from kynara_lang.semantics.missing import MISSING, Missing
from kynara_lang.semantics.problems import ValueProblem
from kynara_lang.semantics.types import (
    BLOCK,
    BOOL,
    DECIMAL,
    DURATION,
    EMAIL,
    ERROR,
    INT,
    IP,
    PATH,
    STRING,
    TIME,
    URL,
    Enum,
    SetOf,
    Type,
)
from tests.runtime.small_program import LINE, USER, agent, doc, request, user, world


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (10**30, "1" + "0" * 30),
        (Decimal("10.00"), "10.00"),
        (Decimal("1E+2"), "1E+2"),
        (0.1, "0.1"),
        ('a"\n\u2028é', '"a\\"\\n\u2028é"'),
        ([1, (2,)], "[1,[2]]"),
        ({3, 20, 1}, "[1,20,3]"),
        ({"b": 1, "a": {}, "é": [], "Z": 0}, '{"Z":0,"a":{},"b":1,"é":[]}'),
    ],
)
def test_one_form(value: object, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("Infinity"),
        "\ud800",
        {1: 2},
        {"\ud800": 1},
        b"",
        object(),
        10**5000,
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_is_not_json(value: object) -> None:
    with pytest.raises(ValueProblem):
        canonical_json({"x": [value]})


def test_depth_is_bounded() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueProblem):
        canonical_json(loop)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(places=2, min_value=-100, max_value=100)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    text = canonical_json(value)
    assert loads(text) == value
    assert canonical_json(loads(text)) == text
    assert json.loads(text) is not ...


# Digests


def digest(policy: str = "sha256:1", **members: Any) -> str:
    here = world()
    shape = read_shape(here, request(**members))
    return approval_digest(policy, validate(here, shape, Needs((frozenset(),) * len(shape.chain))))


def paying(**arguments: Any) -> dict[str, Any]:
    return {"name": "mcp:pay", "properties": arguments}


def test_what_means_the_same_has_the_same_digest() -> None:
    base = digest(action=paying(amount=10, To=["b@x.y", "a@x.y"], at="2026-01-01T01:00:00+01:00"))
    assert base.startswith("sha256:")
    assert len(base) == 7 + 64
    for amount in ("10", "10.0", "10.00", Decimal("10.000"), Decimal("1e1")):
        action = paying(amount=amount, To=("a@x.y", "b@X.y"), at="2026-01-01T00:00:00.0Z")
        assert digest(action=action, context={}) == base
    assert digest(subject=user(roles=["support"]), resource=doc(), action=paying(amount=1)) == digest(
        action=paying(amount=1)
    )


def test_what_differs_has_another_digest() -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"policy": "sha256:2"},
        {"subject": user("bob")},
        {"subject": agent("alice")},
        {"subject": user(on_behalf_of=user("bob"))},
        {"resource": doc("d-2")},
        {"resource": {"type": "user", "id": "d-1"}},
        {"action": {"name": "read", "properties": {"x": 1}}},
        {"action": {"name": "read", "properties": {"x": "1"}}},
        {"action": {"name": "read", "properties": {"x": Decimal("1.0")}}},
        {"action": {"name": "read", "properties": {"x": "1.0"}}},
        {"action": {"name": "read", "properties": {"x": True}}},
        {"action": {"name": "read", "properties": {"x": None}}},
        {"action": {"name": "read", "properties": {"X": None}}},
        {"action": {"name": "read", "properties": {"x": [[]]}}},
        {"action": paying(amount=1)},
        {"action": paying(amount="1.0001")},
        {"action": paying(amount=1, To=[])},
        {"action": paying(amount=1, To=["a@x.y"])},
        {"action": paying(amount=1, To=["a@x.y", "a@x.y"])},
        {"action": paying(amount=1, To=["a@x.y", "A@x.y", "a@X.y"])},
        {"action": paying(amount=1, who=user())},
        {"action": paying(amount=1, who=agent("alice"))},
        {"action": paying(amount=1, who=agent("alice", properties={}))},
        {"action": paying(amount=1, who=agent("alice", properties={"trust": "low"}))},
        {"action": paying(amount=1, who=agent("alice", properties={"iban": "x"}))},
        {"action": paying(amount=1, who=agent("alice", roles=["support"]))},
        {"action": paying(amount=1, who=agent("alice", on_behalf_of=user()))},
        {"action": paying(amount=1, line={"n": 1})},
        {"action": paying(amount=1, line={"n": 1, "iban": "x"})},
        {"action": paying(amount=1, line={"n": 1, "iban": "y"})},
        {"action": paying(amount=1, line={"n": 1, "note": "", "iban": "y"})},
        {"action": paying(amount=1, line={"n": 1, "note": ""})},
    ]
    assert len({digest(**variant) for variant in variants}) == len(variants)


def test_the_digest_is_what_is_documented() -> None:
    arguments = '{"To":["a@x.y"],"amount":"10.00","junk":[1.50,{}],"line":{"n":1},'
    arguments += '"who":{"id":"bot","type":"Agent"}}'
    given = '{"who":{"id":"bot","properties":{"trust":"low"},"type":"Agent"}}'
    text = (
        '{"action":"mcp:pay","arguments":' + arguments + ',"given":' + given + ',"kynara":"approval/1","policy":"sha256:1",'
        '"resource":{"id":"d-1","type":"Doc"},"subjects":[{"id":"bot","type":"Agent"},{"id":"alice","type":"user"}]}'
    )
    action = paying(
        amount=10,
        To=["a@X.y"],
        junk=[Decimal("1.50"), {}],
        line={"n": 1},
        who=agent(properties={"trust": "low"}),
    )
    got = digest(subject=agent(on_behalf_of=user()), action=action)
    assert got == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("junk", [float("nan"), object(), "\ud800", {1: 1}])
def test_undeclared_arguments_must_be_json(junk: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        digest(action=paying(amount=1, junk=junk))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("invalid-value", "action.properties.junk")
    with pytest.raises(InvalidRequest):
        digest(action={"name": "read", "properties": {7: 1}})


# Display


@pytest.mark.parametrize(
    ("type", "raw", "text"),
    [
        (BOOL, True, "true"),
        (INT, -7, "-7"),
        (DECIMAL, 50, "50.00"),
        (STRING, 'a"\\\n\t\u202e\0é', '"a\\"\\\\\\n\\t\\u{202e}\\u{0}é"'),
        (TIME, "2026-11-22T11:00:00+01:00", "2026-11-22T10:00:00Z"),
        (DURATION, "90m", "90m"),
        (IP, "10.0.0.1", '"10.0.0.1"'),
        (EMAIL, "a@B.c", '"a@b.c"'),
        (PATH, "/a//b", '"/a/b"'),
        (URL, "HTTPS://b.c:443/x", '"https://b.c/x"'),
        (Enum(("a", "b")), "a", '"a"'),
        (SetOf(INT), [10, 9, -1], "{-1, 9, 10}"),
        (SetOf(DECIMAL), ["10", "9"], "{9.00, 10.00}"),
        (SetOf(STRING), ["b", "a"], '{"a", "b"}'),
        (SetOf(LINE), [{"n": 1}, {"n": 1, "note": "x"}], '{{count: 1, note: "x"}, {count: 1}}'),
        (SetOf(BOOL), [True, False], "{false, true}"),
        (SetOf(URL), [], "{}"),
        (USER, user('al"ice'), 'User::"al\\"ice"'),
        (SetOf(USER), [user("b"), user("a")], '{User::"a", User::"b"}'),
    ],
)
def test_display(type: Type, raw: object, text: str) -> None:
    assert display(converter(type, world())(raw, "x"), type) == text


def test_display_of_what_has_no_json() -> None:
    assert display(read_block("10.0.0.0/8"), BLOCK) == '"10.0.0.0/8"'
    assert display(MISSING, STRING) == "absent"
    assert display(7, ERROR) == "7"
    assert repr(MISSING) == str(MISSING) == "absent"
    assert list(Missing) == [MISSING]


def test_display_can_be_short() -> None:
    assert display("x" * 100, STRING, 5) == '"xxxxx…"'
    assert display("xxxxx", STRING, 5) == '"xxxxx"'
    assert display(frozenset(range(1000)), SetOf(INT), 8) == "{0, 1, 2, 3, 4, 5, 6, 7, …}"
    assert display(frozenset({"x" * 99}), SetOf(STRING), 3) == '{"xxx…"}'


@given(st.text(st.characters()), st.none() | st.integers(0, 5))
def test_displayed_texts_are_one_printable_line(text: str, limit: int | None) -> None:
    assert display_text(text, limit).isprintable()
