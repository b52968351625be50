"""Converters: what each type accepts, exactly; what it refuses, and how it says so."""

import decimal
import ipaddress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.runtime.convert import MAX_ELEMENTS, MAX_STRING, converter
from kynara_lang.runtime.problems import Refused, RequestProblem
from kynara_lang.semantics.addresses import V4
from kynara_lang.semantics.entity import Entity
from kynara_lang.semantics.missing import MISSING
from kynara_lang.semantics.numbers import INT_MAX, INT_MIN
from kynara_lang.semantics.types import (
    BLOCK,
    BOOL,
    DECIMAL,
    DURATION,
    EMAIL,
    ERROR,
    HOST,
    INT,
    IP,
    NOTHING,
    PATH,
    STRING,
    TIME,
    URL,
    Enum,
    Field,
    Record,
    SetOf,
    Type,
)
from kynara_lang.semantics.urls import Url
from tests.runtime.small_program import LINE, PRINCIPAL, USER, team, user, world

TRUST = Enum(("low", "medium", "high"))
SECOND = 10**9


class Loud(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def read(type: Type, value: object, **options: Any) -> Any:
    return converter(type, options.get("in_world") or world())(value, "x")


def refused(type: Type, value: object, **options: Any) -> RequestProblem:
    with pytest.raises(Refused) as caught:
        read(type, value, **options)
    problem = caught.value.problem
    assert problem.message.isprintable()
    assert len(problem.message) < 400
    assert problem.path.startswith("x")
    return problem


@pytest.mark.parametrize(
    ("type", "given", "value"),
    [
        (BOOL, True, True),
        (INT, 0, 0),
        (INT, INT_MAX, INT_MAX),
        (INT, INT_MIN, INT_MIN),
        (DECIMAL, 10, 100_000),
        (DECIMAL, Decimal("10.00"), 100_000),
        (DECIMAL, "10.0001", 100_001),
        (DECIMAL, Decimal("1e2"), 1_000_000),
        (STRING, "", ""),
        (STRING, "é\n", "é\n"),
        (TIME, "1970-01-01T00:00:01Z", SECOND),
        (TIME, datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC), SECOND + 5_000),
        (TIME, datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (TIME, datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1_000),
        (DURATION, "15m", 900 * SECOND),
        (DURATION, timedelta(days=-1, microseconds=1), -86_400 * SECOND + 1_000),
        (IP, "10.0.0.1", V4 + (10 << 24) + 1),
        (IP, ipaddress.ip_address("::ffff:10.0.0.1"), V4 + (10 << 24) + 1),
        (EMAIL, "Eve@Example.COM", "Eve@example.com"),
        (HOST, "Example.COM.", "example.com"),
        (PATH, "/a/./b/../c", "/a/c"),
        (URL, "https://Example.com", Url("https", "example.com", 443, "/", "")),
        (TRUST, "low", "low"),
        (SetOf(INT), [2, 1, 2], frozenset({1, 2})),
        (SetOf(INT), (1,), frozenset({1})),
        (SetOf(INT), {1}, frozenset({1})),
        (SetOf(INT), [], frozenset()),
        (SetOf(NOTHING), [], frozenset()),
        (SetOf(SetOf(STRING)), [["a"], ["a"]], frozenset({frozenset({"a"})})),
        (LINE, {"n": 1, "note": "x", "other": None}, (1, "x")),
        (LINE, {"n": 1}, (1, MISSING)),
    ],
)
def test_reads(type: Type, given: object, value: object) -> None:
    got = read(type, given)
    assert got == value
    assert got.__class__ is value.__class__


@pytest.mark.parametrize(
    "type", [BOOL, INT, DECIMAL, STRING, TIME, DURATION, IP, EMAIL, HOST, URL, PATH, TRUST, LINE, USER]
)
@pytest.mark.parametrize(
    "value",
    [None, 1.5, float("nan"), b"x", object(), [], ["10.0.0.1"], 10**5000, [[]]],
    ids=lambda v: str(type(v)),
)
def test_refuses_what_is_of_no_such_type(type: Type, value: object) -> None:
    assert refused(type, value).code in ("wrong-type", "invalid-value")


@pytest.mark.parametrize(
    "type", [BOOL, STRING, TIME, DURATION, IP, EMAIL, HOST, URL, PATH, TRUST, SetOf(INT), LINE, USER]
)
def test_a_number_is_nothing_else(type: Type) -> None:
    assert refused(type, 1).code == "wrong-type"
    assert refused(type, Decimal(1)).code == "wrong-type"


@pytest.mark.parametrize("type", [INT, DECIMAL, STRING, SetOf(BOOL), LINE, USER])
def test_a_bool_is_nothing_else(type: Type) -> None:
    assert refused(type, True).code == "wrong-type"


@pytest.mark.parametrize("type", [BOOL, INT, SetOf(STRING), LINE, USER])
def test_a_text_is_nothing_else(type: Type) -> None:
    assert refused(type, "1").code == "wrong-type"


def test_only_an_int_is_an_int() -> None:
    assert refused(INT, True).message == "an Int is expected here, not `true`"
    assert refused(INT, "1").message == "an Int is expected here, not the text `1`; write it without quotes"
    assert refused(INT, Decimal("1")).code == "wrong-type"
    assert refused(INT, INT_MAX + 1).code == "invalid-value"
    assert refused(INT, INT_MIN - 1).code == "invalid-value"


def test_a_float_is_told_what_to_do() -> None:
    assert "pass text or decimal.Decimal" in refused(DECIMAL, 0.1).message
    assert refused(DECIMAL, 1.0).code == "wrong-type"


def test_null_is_told_what_to_do() -> None:
    assert refused(STRING, None).message == "a String is expected here, not null; leave out what is absent"


@pytest.mark.parametrize(
    "value",
    [
        "1.00001",
        "1e3",
        "",
        "NaN",
        10**15,
        -(10**15),
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1e999999"),
    ],
)
def test_decimals_out_of_range(value: object) -> None:
    assert refused(DECIMAL, value).code == "invalid-value"


def test_strings_are_bounded_and_of_characters() -> None:
    assert read(STRING, "x" * MAX_STRING)
    assert refused(STRING, "x" * (MAX_STRING + 1)).code == "invalid-value"
    for type in (STRING, EMAIL, HOST, URL, PATH, TRUST, TIME, DURATION, IP):
        assert refused(type, "a\ud800").code == "invalid-value"


def test_a_text_with_a_mind_of_its_own_becomes_plain() -> None:
    assert type(read(STRING, Loud("a"))) is str
    assert type(read(PATH, Loud("a"))) is str
    assert refused(TRUST, Loud("b")).code == "invalid-value"


def test_times_need_a_zone_and_a_range() -> None:
    assert refused(TIME, datetime(2026, 1, 1)).code == "invalid-value"
    late = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-1)))
    assert refused(TIME, late).code == "invalid-value"
    assert refused(TIME, 1_700_000_000).code == "wrong-type"
    assert refused(DURATION, timedelta.max).code == "invalid-value"
    assert refused(TIME, "2026-11-22T10:00:00").message.endswith("; did you mean `2026-11-22T10:00:00Z`?")


def test_enums_suggest() -> None:
    assert refused(TRUST, "hihg").message.endswith("; did you mean `high`?")
    assert refused(TRUST, "High").code == "invalid-value"


def test_sets_name_the_bad_element() -> None:
    assert refused(SetOf(INT), [1, True]).path == "x[1]"
    assert refused(SetOf(INT), {"a": 1}).code == "wrong-type"
    assert refused(SetOf(STRING), "ab").code == "wrong-type"
    assert refused(SetOf(INT), [1] * (MAX_ELEMENTS + 1)).code == "invalid-value"
    assert len(read(SetOf(INT), range_list(MAX_ELEMENTS))) == MAX_ELEMENTS


def range_list(n: int) -> list[int]:
    return list(range(n))


def test_records_name_the_bad_field() -> None:
    assert refused(LINE, {"n": "1"}).path == "x.n"
    assert refused(LINE, {"count": 1}) == RequestProblem("missing-attribute", "x.n", "the record needs a `n`")
    assert refused(LINE, {"n": 1, "note": None}).path == "x.note"
    assert refused(LINE, [["n", 1]]).code == "wrong-type"


def test_records_that_differ_in_spelling_only_are_read_apart() -> None:
    here = world()
    one, two = (Record((Field("a", INT, external=name),)) for name in ("A", "B"))
    assert one == two
    assert converter(one, here)({"A": 1}, "x") == converter(two, here)({"B": 1}, "x") == (1,)
    assert converter(one, here) is converter(Record((Field("a", INT, external="A"),)), here)


@pytest.mark.parametrize("type", [BLOCK, ERROR, NOTHING])
def test_types_that_no_value_has(type: Type) -> None:
    assert refused(type, "10.0.0.0/8").code == "wrong-type"


# References


def test_a_bare_reference_is_unknown() -> None:
    alice = read(USER, {"type": "user", "id": "alice"})
    assert isinstance(alice, Entity)
    assert (alice, alice.type, alice.id, alice.attrs) == ("User::alice", "User", "alice", None)
    assert alice.ancestors == {"User::alice"}


def test_a_reference_can_carry_facts() -> None:
    carried = user(
        properties={
            "tenant": "acme",
            "mfa-verified": True,
            "junk": 1.5,
            "manager": {"type": "user", "id": "bob"},
        },
        roles=["team-lead", "nobody"],
        parents=[team("a", parents=[team("b")])],
    )
    alice = read(PRINCIPAL, carried)
    assert alice.attrs == {"tenant": "acme", "mfa": True, "manager": "User::bob"}
    assert alice.roles == {"lead", "support"}
    assert alice.ancestors == {"User::alice", "Team::a", "Team::b"}
    assert alice.attrs["manager"].attrs is None
    assert read(USER, user(properties={})).attrs == {}


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        ("User::alice", "wrong-type", "x"),
        ({"type": "user"}, "malformed-request", "x.id"),
        ({"id": "a"}, "malformed-request", "x.type"),
        ({"type": "user", "id": 1}, "malformed-request", "x.id"),
        ({"type": "user", "id": "\udc00"}, "malformed-request", "x.id"),
        ({"type": "usr", "id": "a"}, "unknown-type", "x.type"),
        ({"type": "User", "id": "a"}, "unknown-type", "x.type"),
        ({"type": "Doc", "id": "a"}, "wrong-type", "x.type"),
        (user(properties=None), "malformed-request", "x.properties"),
        (user(properties={"tenant": 1}), "wrong-type", "x.properties.tenant"),
        (user(properties={"mfa-verified": 1}), "wrong-type", "x.properties.mfa-verified"),
        (user(roles="support"), "malformed-request", "x.roles"),
        (user(roles=["support", 1]), "malformed-request", "x.roles[1]"),
        (user(parents=[{"type": "Folder", "id": "f"}]), "wrong-type", "x.parents[0].type"),
        (user(roles=[], properties={"roles": ["support"]}), "contradictory", "x.roles"),
    ],
)
def test_malformed_references(value: object, code: str, path: str) -> None:
    problem = refused(USER, value)
    assert (problem.code, problem.path) == (code, path)


def test_references_nest_to_a_bound() -> None:
    value: dict[str, Any] = user("u0")
    for i in range(1, 64):
        value = user(f"u{i}", properties={"manager": value})
    assert read(USER, value).id == "u63"
    assert refused(USER, user("u64", properties={"manager": value})).code == "invalid-value"
    circle: dict[str, Any] = user(properties={})
    circle["properties"]["manager"] = circle
    assert refused(USER, circle).code == "invalid-value"
    loop: dict[str, Any] = team("t")
    loop["parents"] = [loop]
    assert refused(USER, user(parents=[loop])).code == "malformed-request"


def test_the_store_counts_more_than_a_reference() -> None:
    here = world(user(properties={"tenant": "acme"}, roles=[]))
    stored = here.entity("User::alice")
    assert read(USER, user(), in_world=here) is stored
    assert read(USER, user(properties={"tenant": "evil"}, roles=["support"]), in_world=here) is stored
    completed = read(USER, user(properties={"tenant": 1, "mfa-verified": True}, parents=[team("a")]), in_world=here)
    assert completed.attrs == {"tenant": "acme", "mfa": True}
    assert completed.roles == frozenset()
    assert completed.ancestors == {"User::alice", "Team::a"}


def test_a_set_may_not_contradict_itself() -> None:
    rich, poor = user(properties={"tenant": "a"}), user(properties={"tenant": "b"})
    assert refused(SetOf(USER), [rich, poor]).code == "contradictory"
    assert refused(SetOf(USER), [rich, user()]).code == "contradictory"
    assert refused(SetOf(USER), [rich, user(properties={"tenant": "a"}, roles=["support"])]).code == "contradictory"
    assert refused(SetOf(USER), [rich, user(properties={"tenant": "a"}, parents=[team("t")])]).code == "contradictory"
    assert len(read(SetOf(USER), [rich, dict(rich), user("bob")])) == 1 + 1
    inner = [user("bob", properties={"manager": one}) for one in (rich, poor)]
    assert refused(SetOf(USER), inner).code == "contradictory"
    boxed = Record((Field("who", USER), Field("n", INT)))
    assert refused(SetOf(boxed), [{"who": rich, "n": 1}, {"who": poor, "n": 1}]).code == "contradictory"
    assert refused(SetOf(SetOf(USER)), [[rich], [poor]]).code == "contradictory"
    deep = [user("bob", properties={"friends": [one]}) for one in (rich, poor)]
    assert refused(SetOf(USER), deep).code == "contradictory"
    here = world(user(properties={"tenant": "a"}))
    assert read(SetOf(USER), [rich, poor], in_world=here) == {"User::alice"}


# Whatever comes

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Nd"]))
    | st.binary(max_size=3)
    | st.datetimes()
    | st.timedeltas()
    | st.ip_addresses()
    | st.sampled_from(["user", "Doc", "10.0.0.1", "2026-11-22T10:00:00Z", "a@b.c", "https://a.b/c", "1.0"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "id", "n", "note", "properties", "roles", "parents"]), inner)
    ),
    max_leaves=8,
)
TYPES = [BOOL, INT, DECIMAL, STRING, TIME, DURATION, IP, EMAIL, HOST, URL, PATH, TRUST, LINE, USER]
WORLD = world()


@given(ANYTHING, st.sampled_from(TYPES + [SetOf(t) for t in TYPES]))
def test_nothing_but_a_refusal_is_raised(value: object, type: Type) -> None:
    try:
        got = converter(type, WORLD)(value, "x")
    except Refused as refusal:
        assert refusal.problem.message.isprintable()
        return
    hash(got)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14))
def test_decimals_are_exact_from_text_and_number(number: Decimal) -> None:
    with decimal.localcontext(prec=50):
        units = int(number * 10_000)
    assert read(DECIMAL, number) == units
    assert read(DECIMAL, format(number, "f")) == units
