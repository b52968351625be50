"""Values of a call: their exact JSON form, and copies that nobody else can change."""

import dataclasses
import datetime
import decimal
import enum
import ipaddress
import pathlib
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.guard.values import MAX_DEPTH, MAX_PARTS, Unusable, as_json, read


class Shade(enum.Enum):
    DARK = "dark"


class Size(enum.IntEnum):
    BIG = 3


class Tone(enum.StrEnum):
    LOW = "low"


@dataclasses.dataclass
class Line:
    item: str
    tags: list[str]


@dataclasses.dataclass(frozen=True)
class Fixed:
    line: Line


@dataclasses.dataclass(slots=True)
class Slotted:
    amount: decimal.Decimal


@attrs.define
class Attrs:
    tags: list[str]


@attrs.frozen
class Frozen:
    tags: tuple[str, ...]


BERLIN = datetime.timezone(datetime.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("text", "text"),
        (0.1, decimal.Decimal("0.1")),
        (1e22, decimal.Decimal("1e+22")),
        (-0.0, decimal.Decimal("-0.0")),
        (decimal.Decimal("10.00"), decimal.Decimal("10.00")),
        (Shade.DARK, "dark"),
        (Size.BIG, 3),
        (Tone.LOW, "low"),
        (datetime.datetime(2026, 11, 22, 11, 0, 0, 5, BERLIN), "2026-11-22T10:00:00.000005Z"),
        (datetime.date(2026, 11, 22), "2026-11-22"),
        (datetime.timedelta(minutes=15), "15m"),
        (datetime.timedelta(microseconds=1), "0.000001s"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/../b"), "/a/../b"),
        (pathlib.PureWindowsPath("C:/a"), "C:\\a"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        ((1, [2], {"a": (3,)}), [1, [2], {"a": [3]}]),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2, 10}), [10, 2]),  # by their JSON, so that a set has one form
        (Line("i", ["t"]), {"item": "i", "tags": ["t"]}),
        (Fixed(Line("i", [])), {"line": {"item": "i", "tags": []}}),
        (Slotted(decimal.Decimal(1)), {"amount": decimal.Decimal(1)}),
        (Attrs(["t"]), {"tags": ["t"]}),
        (Frozen(("t",)), {"tags": ["t"]}),
    ],
)
def test_what_has_an_exact_form(value: Any, written: Any) -> None:
    found, kept = read(value, "here")
    assert repr(found) == repr(written)
    assert kept == value
    assert type(kept) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        bytearray(b"x"),
        float("nan"),
        float("inf"),
        complex(1),
        datetime.datetime(2026, 11, 22),
        datetime.datetime(1, 1, 1, tzinfo=BERLIN),
        datetime.time(10),
        {1: "a"},
        {("a",): 1},
        OrderedDict(a=1),
        defaultdict(list),
        namedtuple("Point", "x y")(1, 2),
        ipaddress.ip_network("10.0.0.0/8"),
        lambda: None,
        iter([1]),
        Line,
        range(3),
        [object()],
        {"a": {"b": b""}},
        Line("i", [object()]),  # type: ignore[list-item]
    ],
)
def test_what_has_none(value: Any) -> None:
    with pytest.raises(Unusable) as refused:
        read(value, "here")
    assert refused.value.path.startswith("here")
    assert "\n" not in refused.value.message


def test_the_path_leads_to_what_is_wrong() -> None:
    with pytest.raises(Unusable) as refused:
        read({"a": [1, Line("i", [b""])]}, "action.properties.x")  # type: ignore[list-item]
    assert refused.value.path == "action.properties.x.a[1].tags[0]"


def test_copies_share_nothing_that_can_change() -> None:
    line = Line("i", ["t"])
    value = {"list": [1], "set": {1}, "line": line, "fixed": Fixed(line), "attrs": Attrs(["t"])}
    written, kept = read(value, "here")
    line.tags.append("more")
    line.item = "other"
    value["list"].append(2)  # type: ignore[attr-defined]
    value["attrs"].tags.append("more")  # type: ignore[attr-defined]
    assert kept == {
        "list": [1],
        "set": {1},
        "line": Line("i", ["t"]),
        "fixed": Fixed(Line("i", ["t"])),
        "attrs": Attrs(["t"]),
    }
    assert written["line"] == {"item": "i", "tags": ["t"]}


class Liar(str):
    """A text that says one thing when it is compared and another when it is written."""

    def __str__(self) -> str:
        return "harmless"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Amount(float):
    def __repr__(self) -> str:
        return "1.0"


class Count(int):
    def __int__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "1"


def test_a_subclass_of_a_plain_type_becomes_plain() -> None:
    for value, plain in ((Liar("rm"), "rm"), (Amount(99.5), decimal.Decimal("99.5")), (Count(99), 99)):
        written, kept = read(value, "here")
        assert (written, type(kept)) == (plain, type(value).__mro__[1])
        assert kept == plain or float(plain) == kept


def test_depth_and_size_are_bounded() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    read(deep, "here")
    with pytest.raises(Unusable, match="deeper"):
        read([deep], "here")
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(Unusable, match="deeper"):
        read(loop, "here")
    wide: list[Any] = [1]
    for _ in range(MAX_DEPTH - 2):
        wide = [wide, wide]
    with pytest.raises(Unusable, match=str(MAX_PARTS)):
        read(wide, "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_its_own_form_and_the_copy_is_equal(value: Any) -> None:
    written, kept = read(value, "here")
    assert kept == value
    assert undone(written) == value


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_different_floats_stay_different(one: float, other: float) -> None:
    assert (str(as_json(one, "a")) == str(as_json(other, "b"))) == (repr(one) == repr(other))


def undone(value: Any) -> Any:
    match value:
        case decimal.Decimal():
            return float(value)
        case list():
            return [undone(item) for item in value]
        case dict():
            return {key: undone(item) for key, item in value.items()}
    return value
