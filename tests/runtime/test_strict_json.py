"""The strict JSON reader: what it reads exactly, what it refuses, and that hostile input costs little."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.runtime.strict_json import JsonProblem, loads

REQUEST = """{
  "subject": {"type": "Agent", "id": "refund-bot", "properties": {"tenant": "acme"}, "roles": ["support"]},
  "action": {"name": "refund", "properties": {"amount": 10.00}},
  "resource": {"type": "Order", "id": "o-1", "properties": {"total": "80.00", "items": 3,
                "gift": false, "x": null}}
}"""


def problem(text: str | bytes, **limits: int) -> str:
    with pytest.raises(JsonProblem) as caught:
        loads(text, **limits)
    message = caught.value.message
    assert message == str(caught.value)
    assert message.isprintable(), "one line, without control characters"
    assert len(message) < 200
    return message


# What it reads


def test_reads_a_request_from_text_and_bytes() -> None:
    value = loads(REQUEST)
    assert value == loads(REQUEST.encode())
    assert isinstance(value, dict)
    assert value["action"] == {"name": "refund", "properties": {"amount": Decimal("10.00")}}
    assert value["resource"]["properties"] == {"total": "80.00", "items": 3, "gift": False, "x": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-0", 0),
        ("42", 42),
        ("9223372036854775808", 2**63),
        ("1" * 64, int("1" * 64)),
        ("10.00", Decimal("10.00")),
        ("1.0", Decimal("1.0")),
        ("0.1", Decimal("0.1")),
        ("-0.0", Decimal("-0.0")),
        ("1e2", Decimal("1E+2")),
        ("1E-64", Decimal("1E-64")),
        ("1.5e+64", Decimal("1.5E+64")),
        ("0." + "1" * 62, Decimal("0." + "1" * 62)),
    ],
)
def test_numbers_keep_exactly_what_is_written(text: str, expected: object) -> None:
    value = loads(text)
    assert value == expected
    assert type(value) is type(expected)
    assert str(value) == str(expected), "trailing zeros and sign too"


def test_decimals_do_not_depend_on_the_context_of_the_thread() -> None:
    with localcontext() as context:
        context.prec = 3
        assert str(loads("1234567.12345")) == "1234567.12345"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        (r'"\uD83D\uDE00"', "\N{GRINNING FACE}"),
        ('"\N{GRINNING FACE}"', "\N{GRINNING FACE}"),
        (r'"\\ud800"', "\\ud800"),
        (r'"\\\ud83d\ude00"', "\\\N{GRINNING FACE}"),
        (r'"\"\\\ud83d\ude00\\ud800"', '"\\\N{GRINNING FACE}\\ud800'),
        (r'"\u0000"', "\0"),
        (r'"\ud7ff\ue000"', "\ud7ff\ue000"),
    ],
)
def test_strings_keep_every_character(text: str, expected: str) -> None:
    assert loads(text) == expected
    assert loads(text.encode()) == expected


# What it refuses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the document is empty"),
        (b"", "the document is empty"),
        (" \n\t", "the document is empty"),
        ("{} {}", "line 1, column 4: there is more text after the end of the document"),
        ("1\n2", "line 2, column 1: there is more text after the end of the document"),
        ('{"a": }', "line 1, column 7: a value is expected here"),
        ("{a: 1}", "line 1, column 2: a key in double quotes is expected here"),
        ('{"a" 1}', "line 1, column 6: `:` is expected here"),
        ("[1 2]", "line 1, column 4: `,` or a closing bracket is expected here"),
        ('"abc', "line 1, column 1: the string that starts here does not end"),
        ('"a\nb"', "line 1, column 3: a control character must be written as an escape"),
        (r'"\x41"', "line 1, column 2: this escape is not known"),
        ('{"a": 1, "a": 2}', "the key `a` occurs twice in one object"),
        (r'{"a": 1, "\u0061": 2}', "the key `a` occurs twice in one object"),
        ('{"é": 1, "é": 2}', "the key `é` occurs twice in one object"),
        (r'[{"x": {"\n": 1, "\n": 1}}]', r"the key `\n` occurs twice in one object"),
        ("NaN", "`NaN` is not a JSON value"),
        ("[-Infinity]", "`-Infinity` is not a JSON value"),
        ('{"a": Infinity}', "`Infinity` is not a JSON value"),
        ("1" * 65, f"the number `{'1' * 16}…` has more than 64 characters"),
        ("-" + "1" * 64, f"the number `-{'1' * 15}…` has more than 64 characters"),
        ("0." + "1" * 63, "the number `0.11111111111111…` has more than 64 characters"),
        ("1e65", "the exponent of the number `1e65` is beyond 64"),
        ("1E-65", "the exponent of the number `1E-65` is beyond 64"),
        ("1.0e+999999", "the exponent of the number `1.0e+999999` is beyond 64"),
        ("\ufeff{}", "line 1, column 1: a byte order mark must be left out"),
        (
            b"\xef\xbb\xbf{}",
            "line 1, column 1: a byte order mark must be left out",
        ),
        (b'"\xff"', "the document is not UTF-8: byte 2 fits no character"),
        (b'"\xed\xa0\x80"', "the document is not UTF-8: byte 2 fits no character"),
        ('\n "\ud800"', "line 2, column 3: a lone surrogate is not a character"),
        (r'"\ud800"', r"line 1, column 2: `\ud800` is a lone surrogate, not a character"),
        (r'"\uDC00"', r"line 1, column 2: `\uDC00` is a lone surrogate, not a character"),
        (r'{"\ud800": 1}', r"line 1, column 3: `\ud800` is a lone surrogate, not a character"),
        (r'"\ud800\ud83d\ude00"', r"line 1, column 2: `\ud800` is a lone surrogate, not a character"),
        (r'"\ude00\ud83d"', r"line 1, column 2: `\ude00` is a lone surrogate, not a character"),
        (r'"\\\ud800"', r"line 1, column 4: `\ud800` is a lone surrogate, not a character"),
    ],
)
def test_says_what_is_wrong(text: str | bytes, expected: str) -> None:
    assert problem(text) == expected


@pytest.mark.parametrize(
    "text",
    ["01"]
    + ["+1", "1.", ".5", "1e", "0x10", "1_000", "--1", "'a'", "[1,]", '{"a":1,}', "/* */ 1", "True", "nul"]
    + ["[", "]", "{", "}", "[}", '{"a"', '"', "\\", '"\\', '"\\u12"', '"\\u+123"', "\u00a01", "\x0c1"]
    + [
        "1\x00",
        "\u0661",
        "1\u0662",
        "[,1]",
        "undefined",
        "nan",
        "inf",
        "-",
        '"\t"',
        '"\x7f" "',
        "{1: 2}",
        "[1]]",
    ],
)
def test_other_dialects_are_invalid(text: str) -> None:
    problem(text)
    problem(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
def test_only_utf8_is_read(encoding: str) -> None:
    problem('{"a": 1}'.encode(encoding))


# Bounds


def test_size_is_bounded_in_bytes() -> None:
    assert loads('"abc"', max_bytes=5) == "abc"
    assert problem('"abcd"', max_bytes=5) == "the document is larger than 5 bytes"
    assert problem(b'"abcd"', max_bytes=5) == "the document is larger than 5 bytes"
    assert problem('"éé"', max_bytes=5) == "the document is larger than 5 bytes"
    assert loads('"éé"', max_bytes=6) == "éé"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [1, 2, 3, 64])
def test_depth_is_bounded_exactly(depth: int) -> None:
    too_deep = f"the document is nested deeper than {depth} levels"
    padding = "[" + ",".join(["{}"] * 100) + "]"  # more brackets than the limit, so the exact scan runs
    loads(nested(depth), max_depth=depth)
    assert problem(nested(depth + 1), max_depth=depth) == too_deep
    if depth > 2:
        loads(f"[{padding},{nested(depth - 1)}]", max_depth=depth)
    assert problem(f"[{padding},{nested(depth)}]", max_depth=depth) == too_deep
    objects = '{"a":' * depth + "1" + "}" * depth
    loads(objects, max_depth=depth)
    assert problem(f"[{objects}]", max_depth=depth) == too_deep


@pytest.mark.parametrize("text", ["[" * 200, '\\"' + "[" * 200, "[" * 200 + '\\\\"]', '"' + "{" * 200, "\\" * 201])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    document = json.dumps([text, {text: text}, "]]]", '"'])
    assert loads(document) == json.loads(document)


def test_depth_one_above_what_the_reader_can_recurse_is_a_problem_too() -> None:
    depth = 200_000
    assert "nested" in problem(nested(depth), max_depth=depth)


HOSTILE = {
    "open brackets": "[" * 1_000_000,
    "closing brackets": "]" * 1_000_000,
    "open objects": '{"a":' * 200_000,
    "crossed brackets": "[}" * 500_000,
    "deep": nested(500_000),
    "wide at the limit": "[" + ",".join([nested(63)] * 7_000) + "]",
    "flat": "[" + ",".join(["[]"] * 300_000) + "]",
    "backslashes": '"' + "\\" * 1_000_000,
    "escaped backslashes": '"' + "\\\\" * 499_000 + '\\ud800"',
    "surrogates": '"' + "\\ud83d\\ude00" * 80_000 + '\\ud800"',
    "quotes": '"' * 1_000_000,
    "open string with brackets": '"' + "[" * 1_000_000,
    "long integer": "1" * 1_000_000,
    "long fraction": "0." + "1" * 1_000_000,
    "long exponent": "1e" + "9" * 1_000_000,
    "spaces": " " * 1_000_000,
    "lines": "\n" * 1_000_000 + "x",
    "duplicate at the end": "{" + ",".join(f'"{n}":0' for n in range(80_000)) + ',"0":0}',
    "strings without commas": '""' * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_cost_little(name: str) -> None:
    text = HOSTILE[name]
    limit = sys.getrecursionlimit()
    started = time.process_time()
    try:
        loads(text)
    except JsonProblem as caught:
        assert len(caught.message) < 200
    assert time.process_time() - started < 30, "far more than linear work needs, far less than quadratic"
    assert sys.getrecursionlimit() == limit



def test_is_safe_to_share_between_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(loads, [REQUEST, '{"a": [1.50]}'] * 200))
    assert values == [loads(REQUEST), {"a": [Decimal("1.50")]}] * 200


# Properties

characters = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**60), 10**60) | characters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(characters, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_round_trip(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert loads(text) == value
    assert loads(text.encode()) == value


@given(st.integers(-(10**20), 10**20), st.integers(1, 20))
def test_decimals_round_trip(digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    value = loads(f"{number:f}")
    assert isinstance(value, Decimal)
    assert value.as_tuple() == Decimal(f"{number:f}").as_tuple()


@given(st.text(st.sampled_from(' {}[]:,"\\u0dD8cC1e-.\n') | st.characters(), max_size=40) | st.binary(max_size=40))
def test_nothing_but_a_json_problem_is_ever_raised(text: str | bytes) -> None:
    try:
        value = loads(text, max_depth=4)
    except JsonProblem as caught:
        assert caught.message.isprintable()
    else:
        json.dumps(value, default=str, ensure_ascii=False).encode("utf-8")


@given(st.text(st.sampled_from('[]{}"\\a,'), max_size=60))
def test_depth_scan_agrees_with_a_plain_one(text: str) -> None:
    """For every document that the standard library accepts, the bound is exact."""
    try:
        value = json.loads(text)
    except ValueError:
        return
    for limit in range(1, 5):
        if depth_of(value) <= limit:
            assert loads(text, max_depth=limit) == value
        else:
            problem(text, max_depth=limit)


@given(values, st.integers(1, 4))
def test_depth_bound_is_exact(value: object, limit: int) -> None:
    text = json.dumps(value)
    if depth_of(value) <= limit:
        assert loads(text, max_depth=limit) == value
    else:
        assert "nested" in problem(text, max_depth=limit)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0
