"""Every limit of what a request may contain, at the last value that passes and the first that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.runtime import store
from kynara_lang.runtime.audience import agent_reason
from kynara_lang.runtime.canonical import canonical_json
from kynara_lang.runtime.convert import converter, shown
from kynara_lang.runtime.entities import Entities, EntitiesError
from kynara_lang.runtime.problems import InvalidRequest, Refused, step
from kynara_lang.runtime.request import MAX_CHAIN, read_shape
from kynara_lang.runtime.strict_json import JsonProblem, loads
from kynara_lang.semantics.numbers import INT_MAX, INT_MIN
from kynara_lang.semantics.problems import ValueProblem
from kynara_lang.semantics.times import TIME_MAX, TIME_MIN
from kynara_lang.semantics.types import DECIMAL, DURATION, INT, TIME, Type
from tests.runtime.programs import DOC, ask, program
from tests.runtime.small_program import USER, request, team, user, world


def read(type: Type, value: object) -> Any:
    return converter(type, world())(value, "x")


def lists(depth: int, inside: object = 1) -> Any:
    """Nest lists; `[1]` has depth 1."""
    value = inside
    for _ in range(depth):
        value = [value]
    return value


def objects(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


# JSON in its one form


@pytest.mark.parametrize("nest", [lists, objects])
def test_what_is_written_may_nest_64_levels(nest: Any) -> None:
    assert canonical_json(nest(64)).count("1") == 1
    with pytest.raises(ValueProblem, match="nested deeper than 64 levels"):
        canonical_json(nest(65))


def test_a_set_that_is_written_counts_as_a_level() -> None:
    assert canonical_json(lists(63, frozenset({1})))
    with pytest.raises(ValueProblem, match="64 levels"):
        canonical_json(lists(64, frozenset({1})))


def test_a_number_that_is_written_may_have_4096_bits() -> None:
    assert canonical_json(2**4096 - 1) == str(2**4096 - 1)
    assert canonical_json(-(2**4096) + 1) == str(1 - 2**4096)
    with pytest.raises(ValueProblem, match="too many digits"):
        canonical_json(2**4096)


def test_an_undeclared_argument_may_nest_as_deep_as_anything_else() -> None:
    policies = program('permit p { subject any action read resource Doc scope any "t" }')
    digest = policies.approval_digest(ask(args={"x": lists(64)}))
    assert digest != policies.approval_digest(ask(args={"x": lists(63)}))
    with pytest.raises(InvalidRequest) as caught:
        policies.approval_digest(ask(args={"x": lists(65)}))
    assert caught.value.problems[0].path == "action.properties.x"


# Values


def test_integers_have_64_bits() -> None:
    assert read(INT, INT_MAX) == INT_MAX == 9_223_372_036_854_775_807
    assert read(INT, INT_MIN) == INT_MIN == -9_223_372_036_854_775_808
    for value in (INT_MAX + 1, INT_MIN - 1):
        with pytest.raises(Refused, match="does not fit in 64 bits"):
            read(INT, value)


def test_decimals_have_64_bits_of_ten_thousandths_whatever_they_are_written_as() -> None:
    most = "922337203685477.5807"
    least = "-922337203685477.5808"
    assert read(DECIMAL, most) == read(DECIMAL, Decimal(most)) == INT_MAX
    assert read(DECIMAL, least) == read(DECIMAL, Decimal(least)) == INT_MIN
    assert read(DECIMAL, 922_337_203_685_477) == 9_223_372_036_854_770_000
    assert read(DECIMAL, -922_337_203_685_477) == -9_223_372_036_854_770_000
    too_much = ["922337203685477.5808", "-922337203685477.5809", 922_337_203_685_478, -922_337_203_685_478, 2**300]
    for value in [*too_much, Decimal("922337203685477.5808"), Decimal("-922337203685477.5809")]:
        with pytest.raises(Refused, match="beyond the range of a Decimal"):
            read(DECIMAL, value)


def test_times_of_python_reach_from_the_year_1_to_the_year_9999() -> None:
    assert read(TIME, datetime.min.replace(tzinfo=UTC)) == TIME_MIN
    assert read(TIME, datetime.max.replace(tzinfo=UTC)) == TIME_MAX - 999
    assert read(TIME, datetime(1970, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == 97_445_000_006_000
    for value in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"):
        assert read(TIME, value) in (TIME_MIN, TIME_MAX)
    for value in ("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"):
        with pytest.raises(Refused, match="0001 to 9999"):
            read(TIME, value)


def test_lengths_of_time_of_python_are_exact_and_fit_in_64_bits() -> None:
    assert read(DURATION, timedelta(days=2, seconds=3, microseconds=4)) == 172_803_000_004_000
    assert read(DURATION, timedelta(microseconds=-1)) == -1000
    longest = timedelta(microseconds=INT_MAX // 1000)
    assert read(DURATION, longest) == 9_223_372_036_854_775_000
    assert read(DURATION, -longest) == -9_223_372_036_854_775_000
    for value in (longest + timedelta(microseconds=1), -longest - timedelta(microseconds=1)):
        with pytest.raises(Refused, match="292 years"):
            read(DURATION, value)


def test_a_number_is_shown_up_to_256_bits() -> None:
    assert shown(2**256 - 1) == f"`{2**256 - 1}`"
    assert shown(2**256) == "a number of many digits"


def test_references_nest_64_levels_and_so_do_parents() -> None:
    value = user("u")
    for i in range(63):
        value = user(f"u{i}", properties={"manager": value})
    assert read(USER, value).id == "u62"
    with pytest.raises(Refused, match="entities are nested deeper than 64 levels"):
        read(USER, user("last", properties={"manager": value}))
    above = team("t")
    for i in range(63):
        above = team(f"t{i}", parents=[above])
    assert len(read(USER, user(parents=[above])).ancestors) == 65
    with pytest.raises(Refused, match="parents are nested deeper than 64 levels"):
        read(USER, user(parents=[team("top", parents=[above])]))


def test_a_chain_has_16_principals() -> None:
    def chain(length: int) -> dict[str, Any]:
        subject = user(f"u{length}")
        for i in range(length - 1, 0, -1):
            subject = user(f"u{i}", on_behalf_of=subject)
        return subject

    assert MAX_CHAIN == 16
    assert len(read_shape(world(), request(subject=chain(16))).chain) == 16
    with pytest.raises(InvalidRequest) as caught:
        read_shape(world(), request(subject=chain(17)))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("chain-too-long", "subject" + ".on_behalf_of" * 16)


# Documents


def test_documents_are_bounded_without_being_asked() -> None:
    assert loads('"' + "x" * 1_048_574 + '"')
    with pytest.raises(JsonProblem, match="larger than 1048576 bytes"):
        loads('"' + "x" * 1_048_575 + '"')
    assert loads("[" * 64 + "]" * 64)
    with pytest.raises(JsonProblem, match="nested deeper than 64 levels"):
        loads("[" * 65 + "]" * 65)


def test_numbers_in_documents_have_64_characters() -> None:
    assert loads("1" * 64) == int("1" * 64)
    assert loads("0." + "1" * 62) == Decimal("0." + "1" * 62)
    for text in ("1" * 65, "0." + "1" * 63):
        with pytest.raises(JsonProblem, match="more than 64 characters"):
            loads(text)


def test_keys_are_shown_up_to_40_characters() -> None:
    for length, end in ((40, "`"), (41, "…`")):
        key = "k" * length
        with pytest.raises(JsonProblem) as caught:
            loads(f'{{"{key}": 1, "{key}": 2}}')
        assert caught.value.message == f"the key `{'k' * 40}{end} occurs twice in one object"


def test_the_place_of_a_character_counts_from_one() -> None:
    for text, place in (('"\ud800"', "line 1, column 2"), ('\n\n  "\ud800"', "line 3, column 4")):
        with pytest.raises(JsonProblem, match=place):
            loads(text)


def test_a_store_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.MAX_STORE_BYTES == 256 * 2**20
    file = tmp_path / "e.json"
    file.write_text("[]" + " " * 8, encoding="utf-8")
    monkeypatch.setattr(store, "MAX_STORE_BYTES", 10)
    assert len(Entities.from_json(file)) == 0
    monkeypatch.setattr(store, "MAX_STORE_BYTES", 9)
    with pytest.raises(EntitiesError, match="larger than 9 bytes"):
        Entities.from_json(file)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, "and 1 more"), (13, "and 3 more")])
def test_ten_problems_of_a_store_are_told(count: int, more: str) -> None:
    with pytest.raises(EntitiesError) as caught:
        Entities.from_list([{"type": "user"}] * count)
    lines = str(caught.value).split("\n")
    assert lines[:10] == [f"entities: [{i}].id: the entity has no `id`" for i in range(10)]
    assert lines[10:] == ([more] if more else [])
    assert len(caught.value.problems) == count


# What is shown


def test_names_in_paths_are_shortened() -> None:
    assert step("a" * 64) == "." + "a" * 64
    assert step("a" * 65) == '["' + "a" * 60 + '\\u2026"]'
    assert step("é" * 60) == '["' + "\\u00e9" * 60 + '"]'
    assert step("é" * 61).startswith('["' + "\\u00e9" * 60 + "\\u2026")
    assert step("9") == '["9"]'
    assert step(9) == "[…]"


def test_a_caller_is_told_eighty_characters_of_a_name() -> None:
    policies = program("forbid f { subject any action read resource Doc }")

    def told(name: str) -> str:
        asked = ask(resource={**DOC, "id": name})
        return agent_reason(policies.decide(asked), asked).message

    assert told("x" * 80).startswith("read on Doc " + "x" * 80 + " is not")
    assert told("x" * 81).startswith("read on Doc " + "x" * 80 + "… is not")
