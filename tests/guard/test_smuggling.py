"""What could be slipped past a policy and an approver in a call: a parameter, an attribute, a boundary that nobody sees."""

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import attrs
import pytest

import kynara_lang as kynara
from kynara_lang.audit import Log
from kynara_lang.guard import Guard, PermissionDenied
from kynara_lang.guard.values import Unusable, read
from tests.audit.query_logs import entries
from tests.guard.programs import BOT, ORDER, SetClock, program


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard(program(), clock=SetClock())
    with made.session(BOT):
        yield made


def refused(call: Any, *said: str) -> None:
    """Make a call, which must be refused with all of this in the message."""
    with pytest.raises(PermissionDenied) as found:
        call()
    (error,) = found.value.decision.errors
    assert error.code == "malformed-request"
    assert all(part in error.message for part in said), error.message


# --- parameters


def test_no_argument_takes_the_name_of_a_parameter_that_it_does_not_show(guard: Guard) -> None:
    with pytest.raises(ValueError, match="`args` sets `amount` without it, so nobody would see the parameter of that name"):

        @guard.tool(action="refund", resource="Order::{order}", args={"amount": "{total}"})
        def pay(order: str, amount: Any, total: Any) -> None: ...

    @guard.tool(action="refund", resource="Order::{order}", args=lambda total: {"amount": total})
    def pay_later(order: str, amount: Any, total: Any) -> str:
        return "paid"

    refused(lambda: pay_later("o-1", 1_000_000, 1), "sets `amount` without it", "put `{amount}` in it")


def test_arguments_that_show_their_parameter_may_have_its_name(guard: Guard) -> None:
    @guard.tool(action="refund", resource="Order::{order}", args={"amount": lambda amount: amount["sum"], "order": "no. {order}"})
    def of_itself(order: str, amount: Any) -> Any:
        return amount

    assert of_itself("o", {"sum": 1}) == {"sum": 1}

    @guard.tool(action="refund", resource="Order::{order}", args={"amount": "{total}", "note": "{amount}"})
    def swapped(order: str, amount: Any, total: Any) -> Any:
        return amount, total

    assert swapped("o", "a note", 1) == ("a note", 1)

    @guard.tool(action="refund", resource="Order::{order}", args=lambda amount, total: {"amount": amount + total})
    def both(order: str, amount: Any, total: Any) -> Any:
        return amount, total

    assert both("o", 1, 2) == (1, 2)


@pytest.mark.parametrize("name", ["cls", "self"])
def test_a_function_outside_of_a_class_has_no_receiver(guard: Guard, name: str) -> None:
    made: dict[str, Any] = {}
    exec(f"def refund({name}, amount): return {name}", made)
    tool = guard.tool(action="refund", resource=lambda amount: ORDER)(made["refund"])
    refused(lambda: tool(object(), 1), "no exact JSON form; pass plain values, or leave the parameter out")
    assert tool("x", 1) == "x"


class Shop:
    def __init__(self, guard: Guard) -> None:
        tool = guard.tool(action="refund", resource=lambda amount: ORDER)

        class Inner:
            @tool
            def method(self, amount: int) -> type:
                return type(self)

            @classmethod
            @tool
            def of_class(cls, amount: int) -> type:
                return cls

            @staticmethod
            @tool
            def static(cls: Any, amount: int) -> Any:
                return cls

            def plain(self, cls: Any, amount: int) -> Any:
                return cls

        self.inner = Inner
        self.bound = tool(Inner().plain)


def test_data_is_not_taken_for_the_object_of_a_method(guard: Guard) -> None:
    shop = Shop(guard)
    assert shop.inner().method(1) is shop.inner
    assert shop.inner.of_class(1) is shop.inner
    refused(lambda: shop.inner.static("unseen", 1), "`cls` is where a method gets its object", "rename the parameter")
    refused(lambda: shop.bound(object(), 1), "no exact JSON form")


@pytest.mark.parametrize(
    ("shape", "values", "allowed"),
    [
        ("Order::{a}::{b}", ("a", ":b"), True),
        ("Order::{a}::{b}", ("a:", "b"), False),
        ("Order::{a}--{b}", ("a-", "b"), False),
        ("Order::{a}-{b}", ("a", "b"), True),
        ("Order::{a}aba{b}", ("xab", "y"), False),
        ("Order::{a}::{b}::", ("a", "b:"), True),
    ],
)
def test_two_calls_never_share_a_resource(guard: Guard, shape: str, values: tuple[str, str], allowed: bool) -> None:
    @guard.tool(action="read", resource=shape)
    def look(a: str, b: str) -> bool:
        return True

    if allowed:
        assert look(*values)
    else:
        refused(lambda: look(*values), "the argument `a` ends like", "which separates it from others here")


# --- objects


@dataclasses.dataclass
class Order:
    amount: str

    def __post_init__(self) -> None:
        self.iban = "ALICE"


@dataclasses.dataclass
class Plain:
    amount: str

    @functools.cached_property
    def doubled(self) -> str:
        return self.amount * 2


class Further(Plain):
    pass


@attrs.define
class Slotted:
    amount: str

    @functools.cached_property
    def doubled(self) -> str:
        return self.amount * 2


class More(Slotted):
    __slots__ = ("iban",)


@dataclasses.dataclass
class Both(dict[str, Any]):
    amount: str


@dataclasses.dataclass
class Failure(Exception):
    amount: str


def test_an_object_with_more_than_its_fields_is_refused() -> None:
    more, further = More("1"), Further("1")
    assert read(more, "x")[0] == read(further, "x")[0] == {"amount": "1"}
    more.iban = "x"  # type: ignore[attr-defined]
    further.iban = "x"  # type: ignore[attr-defined]
    for value in (Order("1"), more, further):
        with pytest.raises(Unusable, match=r"`iban` of a `\w+` is no field of it, so nobody would see it; declare it as one"):
            read(value, "x")


@pytest.mark.parametrize(("value", "base"), [(Both("1"), "dict"), (Failure("1"), "Exception")])
def test_an_object_that_is_also_something_else_is_refused(value: Any, base: str) -> None:
    with pytest.raises(Unusable, match=f"is a {base} besides its fields"):
        read(value, "x")


@pytest.mark.parametrize("kind", [Plain, Slotted])
def test_what_was_worked_out_of_an_object_is_worked_out_again(kind: Any) -> None:
    value = kind("1")
    assert value.doubled == "11"
    assert read(value, "x")[1].doubled == "11"
    if kind is Plain:
        value.__dict__["doubled"] = "evil"
    else:
        value.doubled = "evil"
    written, kept = read(value, "x")
    assert (written, kept.doubled) == ({"amount": "1"}, "11")


# --- what callers' objects do


class Lazy(Mapping[str, Any]):
    """A part of a request whose reading fails."""

    def __getitem__(self, key: str) -> Any:
        raise Silent

    def __iter__(self) -> Iterator[str]:
        raise Silent

    def __len__(self) -> int:
        return 1


class Silent(Exception):
    """An exception that cannot say what it is about."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("part", ["subject", "action", "resource", "context"])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_check_never_raises(tmp_path: Any, part: str, recorded: bool) -> None:
    log = Log.open(tmp_path / "log") if recorded else None
    given: dict[str, Any] = {"subject": BOT, "action": "read", "resource": ORDER, "context": None, part: Lazy()}
    guard = Guard(program(), log, clock=SetClock())
    found = guard.check(given["subject"], given["action"], given["resource"], context=given["context"])
    assert not found.allowed
    assert found.errors
    if log is not None:
        log.close()
        assert [entry.record["kind"] for entry in entries(tmp_path / "log")].count("decision") == 1


def test_a_resource_that_cannot_be_worked_out_is_denied_whatever_it_raises(guard: Guard) -> None:
    def resource(order: str) -> Any:
        raise Silent

    @guard.tool(action="read", resource=resource)
    def look(order: str) -> None: ...

    refused(lambda: look("o"), "what the call is about is not known: Silent, which cannot say what it is about")


def test_an_async_generator_gets_what_is_sent_and_thrown_into_it(guard: Guard) -> None:
    ended = []

    def made(guarded: bool) -> Any:
        async def items(order: str) -> AsyncIterator[Any]:
            got: Any = None
            try:
                while got != "end":
                    try:
                        got = yield got
                    except KeyError:
                        got = "caught"
            finally:
                ended.append(guarded)

        return guard.tool(action="read", resource="Order::{order}")(items) if guarded else items

    async def talk(items: Any) -> list[Any]:
        heard = [await items.asend(None), await items.asend(1), await items.athrow(KeyError("x")), await items.asend(2)]
        with pytest.raises(ValueError, match="not mine"):
            await items.athrow(ValueError("not mine"))
        return heard

    for guarded in (False, True):
        assert asyncio.run(talk(made(guarded)("o"))) == [None, 1, "caught", 2]

    async def whole(items: Any) -> Any:
        await items.asend(None)
        with pytest.raises(StopAsyncIteration):
            await items.asend("end")

    async def left(items: Any) -> None:
        await items.asend(None)
        await items.aclose()

    asyncio.run(whole(made(True)("o")))
    asyncio.run(left(made(True)("o")))
    assert ended == [False, True, True, True]


# --- entities as texts


def test_an_id_cannot_choose_the_type_of_an_entity() -> None:
    policy = """
    subject Person {}
    subject Boss as "Person::Boss" {}
    resource Doc {}
    action read on Doc
    permit bosses "d" { subject Boss action read resource Doc scope any "all" }
    """
    asked = Guard(kynara.loads(policy))
    name = "Boss::eve"
    assert asked.check(f"Person::{name}", "read", "Doc::d").effect == "deny"
    assert asked.check({"type": "Person::Boss", "id": "eve"}, "read", "Doc::d").effect == "allow"
