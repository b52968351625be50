"""Static types: how they are written, which can stand for which, and which values can be equal."""

from __future__ import annotations

import pytest

from kynara_lang.semantics import types
from kynara_lang.semantics.types import (
    BOOL,
    DECIMAL,
    ERROR,
    INT,
    NOTHING,
    STRING,
    Enum,
    Field,
    Record,
    SetOf,
    Type,
    assignable,
    comparable,
)


def entity(*names: str, label: str = "", traits: tuple[str, ...] = ()) -> types.Entity:
    return types.Entity(frozenset(names), label, frozenset(traits))


def record(**fields: Type) -> Record:
    """A record of fields; the name of an optional one ends in `_`."""
    return Record(tuple(Field(name.rstrip("_"), kind, name.endswith("_")) for name, kind in fields.items()))


LOW, BOTH = Enum(("low",)), Enum(("low", "high"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (INT, "Int"),
        (SetOf(SetOf(STRING)), "Set<Set<String>>"),
        (Enum(("a", "b", "c", "d", "e", "f")), '"a" | "b" | "c" | "d" | "e" | "f"'),
        (Enum(("a", "b", "c", "d", "e", "f", "g")), '"a" | "b" | "c" | "d" | "e" | "f" | …'),
        (record(a=INT, b_=STRING), "{a: Int, b: String?}"),
        (entity("m.User", "Agent"), "Agent or User"),
        (entity("A", "B", "C", "D"), "A or B or C or D"),
        (entity("A", "B", "C", "D", "E"), "A or B or C or D or …"),
        (entity("A", label="Owned"), "Owned"),
        (entity(), "entity"),
    ],
)
def test_types_are_written_as_an_author_would(kind: Type, text: str) -> None:
    assert str(kind) == text


def test_types_are_equal_by_structure() -> None:
    assert Enum(("a", "b")) == Enum(("b", "a")) != Enum(("a",))
    assert hash(Enum(("a", "b"))) == hash(Enum(("b", "a")))
    assert entity("A", label="x", traits=("T",)) == entity("A") != entity("B")
    assert Field("a", INT, external="A") == Field("a", INT, external="B") != Field("a", INT, True)
    assert SetOf(INT) == SetOf(INT) != SetOf(STRING)
    with pytest.raises(AttributeError):
        INT.name = "Bool"  # type: ignore[misc]
    assert record(a=INT, b=STRING).index("b") == 1
    assert record(a=INT).index("b") is None


@pytest.mark.parametrize(
    ("value", "place", "fits"),
    [
        (INT, INT, True),
        (INT, DECIMAL, False),
        (BOOL, INT, False),
        (ERROR, INT, True),
        (INT, ERROR, True),
        (NOTHING, INT, True),
        (INT, NOTHING, False),
        (LOW, BOTH, True),
        (BOTH, LOW, False),
        (LOW, STRING, False),
        (SetOf(LOW), SetOf(BOTH), True),
        (SetOf(BOTH), SetOf(LOW), False),
        (SetOf(NOTHING), SetOf(INT), True),
        (SetOf(INT), INT, False),
        (entity("A"), entity("A", "B"), True),
        (entity("A", "B"), entity("A"), False),
        (entity(), entity("A"), False),
        (entity("A", traits=("T",)), entity("B", traits=("T",)), True),
        (entity("A", traits=("T",)), entity("B", traits=("U",)), False),
        (record(a=INT), record(a=INT), True),
        (record(a=LOW), record(a=BOTH), True),
        (record(a=BOTH), record(a=LOW), False),
        (record(a=INT), record(a_=INT), True),
        (record(a_=INT), record(a=INT), False),
        (record(a_=LOW), record(a_=BOTH), True),
        (record(a=INT), record(b=INT), False),
        (record(a=INT), record(a=INT, b_=INT), False),
        (record(a=INT, b=INT), record(a=INT), False),
    ],
)
def test_there_are_no_conversions(value: Type, place: Type, fits: bool) -> None:
    assert assignable(value, place) is fits


@pytest.mark.parametrize(
    ("a", "b", "can"),
    [
        (INT, INT, True),
        (INT, DECIMAL, False),
        (INT, ERROR, True),
        (NOTHING, STRING, True),
        (LOW, BOTH, True),
        (LOW, Enum(("high",)), False),
        (entity("A", "B"), entity("B", "C"), True),
        (entity("A"), entity("B"), False),
        (entity(), entity("B"), True),
        (SetOf(LOW), SetOf(BOTH), True),
        (SetOf(INT), SetOf(STRING), False),
        (record(a=INT), record(a_=INT), True),
        (record(a=INT), record(a=STRING), False),
    ],
)
def test_what_can_be_equal_either_way_round(a: Type, b: Type, can: bool) -> None:
    assert comparable(a, b) is can
    assert comparable(b, a) is can
