"""Plain requests are read by code of their own: it must read the same values as the exact reader, or nothing.

Requests are those of the other properties and mutations of them: members of other types, among them such that only
Python has, numbers of all sizes, members dropped and added.
"""

from __future__ import annotations

import copy
import enum
from collections import OrderedDict
from decimal import Decimal
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.compiler.layout import Layout
from kynara_lang.runtime.decision import Decision, Effect
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest

from .generate import program
from .requests import Caller
from .vocabulary import JUNK, Draw

REQUESTS = 6
MUTANTS = 12


class Text(str):
    """A text that is not quite one."""


class Sly(str):
    """A text that claims to equal every other."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class Number(int):
    """A number that is not quite one."""


class Color(enum.StrEnum):
    """A text of a closed set."""

    RED = "red"


STRANGE: tuple[Any, ...] = (
    *JUNK,
    True,
    False,
    0,
    1,
    -1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    10**400,
    1.5,
    float("nan"),
    Decimal("1.5"),
    Decimal("1E+30"),
    Text("a"),
    Sly("a"),
    Number(1),
    Color.RED,
    b"a",
    "",
    "\ud800",
    "é",
    "a" * 2000,
    (),
    [],
    ["a", 1],
    [Text("a")],
    [["a"]],
    {},
    OrderedDict(),
    {"type": "User"},
    {"type": "User", "id": "a"},
    {1: 2},
    set(),
    frozenset({"a"}),
    object(),
)
NAMES = (
    "type", "id", "properties", "roles", "parents", "on_behalf_of", "onBehalfOf", "on-behalf-of", "onbehalfof", "role",
    "context", "contxt", "options", "undeclared", Text("properties"), 7, None, ("a",),
)  # fmt: skip


def mutated(draw: Draw, request: Any) -> Any:
    """Change one member somewhere, or its kind."""
    found = copy.deepcopy(request)
    places = list(_places(found))
    if not places:
        return found
    owner, key = draw.pick(places)
    match draw.number(5):
        case 0 | 1:
            owner[key] = draw.pick(STRANGE)
        case 2:
            del owner[key]
        case 3 if isinstance(owner, dict):
            owner[draw.pick(NAMES)] = draw.pick(STRANGE)
        case 4:
            owner[key] = _alike(owner[key])
        case _ if isinstance(owner, dict) and isinstance(owner[key], dict):
            owner[key][draw.pick(NAMES)] = draw.pick(STRANGE)
    return found


def _alike(value: Any) -> Any:
    """Return a value that says the same, or nearly so, by another type."""
    match value:
        case bool():
            return int(value)
        case int():
            return Number(value)
        case str():
            return Text(value)
        case list():
            return tuple(value)
        case dict():
            return OrderedDict(value)
    return value


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def exactly(policies: PolicySet, request: Any) -> Decision:
    """Decide a request in the exact way, whatever it is."""
    try:
        return policies._decide(policies._prepare(request), ())
    except InvalidRequest as invalid:
        assert invalid.problems
        return Decision(Effect.DENY, policies.digest)


def plain_values(policies: PolicySet, request: Any) -> Any:
    """Return the values that the code for plain requests reads for each link, or None where it gives up."""
    plain = policies._plain
    read: list[Any] = []

    def ready(steps: Any) -> Any:
        read.extend(values for _, values in steps)
        return (lambda _: None), None

    try:
        subject, action, resource = request["subject"], request["action"], request["resource"]
        if "on_behalf_of" in subject:
            plain._engine.ready = ready  # type: ignore[method-assign]
            plain.decide(request)
        else:
            link = plain._link(action["name"], resource["type"], subject["type"])
            if link is not None and type(request) is dict:
                values = link.read(request, subject, action, resource, None)
                if link.acting is not None and values is not None:
                    values = link.acting(values, *plain._people([(link, subject)]), 0)
                read += [] if values is None else [values]
    except Exception:
        return None
    finally:
        vars(plain._engine).pop("ready", None)
    return read or None


def agree(policies: PolicySet, request: Any) -> bool:
    """Compare decisions, and values where the request was plain; tell whether it was."""
    decision = policies.decide(request)
    exact = exactly(policies, request)
    note(f"{request!r}\n  {decision}\n  {exact}")
    assert decision.effect is exact.effect
    if not any(e.path for e in decision.errors):
        assert decision == exact
    values = plain_values(policies, request)
    if values is None:
        return False
    prepared = policies._prepare(request)  # what was read must be a valid request
    steps = policies._engine.steps(prepared.request, prepared.buckets)
    for bucket, mine, (_, its) in zip(prepared.buckets, values, steps, strict=True):
        alike(bucket.layout, mine, its)
        assert bucket.layout.asks_who_acts == (len(mine) > len(bucket.layout.places))
        if bucket.layout.asks_who_acts:
            for one, other in zip(mine[-1], its[-1], strict=True):
                alike(bucket.layout, one, other)
    return True


def alike(layout: Layout, mine: Any, its: Any) -> None:
    """Compare the values of a link, place by place."""
    assert len(mine) == len(its)
    for place, one, other in zip(layout.places, mine, its, strict=False):
        assert shape(one, place.part) == shape(other, place.part), place


def shape(value: Any, part: str = "value") -> Any:
    """Return a value with its type; an entity counts by its key, as it does in the code of a bucket.

    Of optional values only the decisions tell, since the exact reader keeps them together with others.
    """
    if part == "attributes" or isinstance(value, dict):
        return None
    if part == "roles":
        return set(value)
    if isinstance(value, str):
        return str, str(value)
    if isinstance(value, tuple | frozenset):
        return type(value), (tuple if isinstance(value, tuple) else frozenset)(map(shape, value))
    return type(value), value


@st.composite
def cases(draw: Any) -> tuple[PolicySet, list[Any]]:
    """A program with or without a store, and requests with mutations of each."""
    source = Draw(draw)
    made = program(source)
    caller = Caller(source, made.schema)
    store = Entities.from_list(caller.store()) if source.chance(50) else None
    requests = [caller.request(bent=5) for _ in range(REQUESTS)]
    requests += [mutated(source, source.pick(requests)) for _ in range(MUTANTS)]
    note("\n".join(made.files().values()))
    return PolicySet(made.check(), store), requests


@given(cases())
def test_plain_requests_are_read_as_the_exact_reader_reads_them(case: tuple[PolicySet, list[Any]]) -> None:
    policies, requests = case
    for request in requests:
        agree(policies, request)
