"""Canonical JSON is that of RFC 8785, and only what a log can hold is written."""

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.audit import LogError
from kynara_lang.audit.encoding import MAX_DEPTH, MAX_INTEGER, canonical, text_problem
from tests.audit.logs import alone

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
KEYS = TEXTS | st.sampled_from(["a", "b", "\ue000", "\U0001f600", "\ud7ff", "", "aa", "\u20ac", "\r", "\x7f", "\x80"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=400)
@given(VALUES)
def test_it_writes_what_rfc8785_writes(value: object) -> None:
    written = canonical(value)
    assert written == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert json.loads(written) == value
    assert text_problem(written) is None
    assert alone.not_canonical(written) is None


@settings(max_examples=200)
@given(VALUES, st.integers(0, 10**6), st.sampled_from([b" ", b"\n", b",", b"0", b'"', b"\\u0041"]))
def test_what_is_written_otherwise_is_refused_by_both_verifiers(value: object, place: int, extra: bytes) -> None:
    written = canonical(value)
    at = place % (len(written) + 1)
    changed = written[:at] + extra + written[at:]
    try:
        same = rfc8785.dumps(json.loads(changed)) == changed
    except (ValueError, RecursionError):
        same = False
    if not same:
        assert text_problem(changed) is not None
        assert alone.not_canonical(changed) is not None


def test_keys_are_in_the_order_of_utf16_units() -> None:
    value = {"\ue000": 1, "\U0001f600": 2, "z": 3}
    assert canonical(value) == '{"z":3,"\U0001f600":2,"\ue000":1}'.encode()
    assert canonical({"x": [value]}) == '{"x":[{"z":3,"\U0001f600":2,"\ue000":1}]}'.encode()
    assert text_problem(canonical(value)) is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1.5, "floating-point"),
        (float("nan"), "floating-point"),
        ({"a": [0.0]}, "floating-point"),
        (MAX_INTEGER + 1, "beyond"),
        (-MAX_INTEGER - 1, "beyond"),
        ({"a": 10**400}, "beyond"),
        ({1: 2}, "keys"),
        ({"\ue000": {1: 2}}, "keys"),
        ({None: 2}, "keys"),
        (b"bytes", "bytes"),
        ({"a": {1, 2}}, "set"),
        (object(), "object"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ([["x"]] * 1 + [object()], "object"),
    ],
)
def test_what_a_log_cannot_hold_is_refused(value: object, why: str) -> None:
    with pytest.raises(LogError, match=why) as caught:
        canonical(value)
    assert caught.value.code == "not-json"


def test_what_is_nested_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    deep: object = 1
    for _ in range(MAX_DEPTH + 1):
        deep = {"a": deep}
    for value in (endless, deep, {"\ue000": deep}):
        with pytest.raises(LogError, match="nested"):
            canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":01}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}",
        b"[" * 60_000 + b"]" * 60_000,
        b'{"a":' + b"1" * 50_000 + b"}",
        b"",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_other_spellings_are_refused_by_both_verifiers(text: bytes) -> None:
    assert text_problem(text) is not None
    assert alone.not_canonical(text) is not None
