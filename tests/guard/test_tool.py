"""Guarded functions: what a policy sees of a call is all of it, and what runs is what it saw."""

import asyncio
import dataclasses
import datetime
import decimal
import functools
import inspect
import pathlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from kynara_lang.guard import ApprovalStore, Guard, PermissionDenied
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from tests.guard.programs import ALICE, BOT, DAVE, SetClock, program

D = decimal.Decimal


class Seeing(PolicySet):
    """Policies that keep what they were asked."""

    asked: list[Any]

    def decide(self, request: Any, approvals: Any = ()) -> Decision:
        self.__dict__.setdefault("asked", []).append(request)
        return super().decide(request, approvals)

    @property
    def last(self) -> Any:
        return self.asked[-1]

    @property
    def args(self) -> Any:
        return self.last["action"]["properties"]


@pytest.fixture
def seen() -> Seeing:
    return Seeing(program().program)


@pytest.fixture
def guard(seen: Seeing) -> Iterator[Guard]:
    made = Guard(seen, clock=SetClock())
    with made.session(BOT):
        yield made


# --- binding


def test_the_actual_arguments_are_bound(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="refund", resource="Order::{order}")
    def refund(order: str, amount: D, note: str | None = None) -> tuple[str, D, str | None]:
        return order, amount, note

    assert refund("o-1", D("10.00")) == ("o-1", D("10.00"), None)
    assert seen.last == {
        "subject": BOT,
        "action": {"name": "refund", "properties": {"order": "o-1", "amount": D("10.00")}},
        "resource": {"type": "Order", "id": "o-1"},
        "context": {"now": "2026-11-23T02:13:20.000000000Z"},
    }
    assert refund(amount=D(1), order="o-2", note="x") == ("o-2", D(1), "x")
    assert seen.args == {"order": "o-2", "amount": D(1), "note": "x"}
    assert seen.last["resource"]["id"] == "o-2"


def test_what_is_not_allowed_does_not_run(guard: Guard) -> None:
    ran = []

    @guard.tool(action="refund", resource="Order::{order}")
    def refund(order: str, amount: Any) -> None:
        ran.append(amount)

    for amount in (D("1000.01"), "1000.01", 1001, 1e6, "ten", None, float("nan"), object(), [1]):
        with pytest.raises(PermissionDenied):
            refund("o-1", amount)
    assert ran == []


def test_a_call_that_python_refuses_is_no_call(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str) -> str:
        return order

    for call in (lambda: look(), lambda: look("a", "b"), lambda: look("a", order="b"), lambda: look(other="a")):  # type: ignore[call-arg,misc]
        with pytest.raises(TypeError):
            call()
    assert not hasattr(seen, "asked")


def test_every_kind_of_parameter_is_bound(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str, /, first: int = 1, *rest: int, flag: bool = True, **more: Any) -> tuple[Any, ...]:
        return order, first, rest, flag, more

    assert look("o", 2, 3, 4, flag=False, extra=[1]) == ("o", 2, (3, 4), False, {"extra": [1]})
    assert seen.args == {"order": "o", "first": 2, "rest": [3, 4], "flag": False, "extra": [1]}
    assert look("o") == ("o", 1, (), True, {})
    assert seen.args == {"order": "o", "first": 1, "rest": [], "flag": True}


def test_a_further_argument_cannot_hide_behind_a_parameter(guard: Guard) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str, /, **more: Any) -> Any:
        return more

    with pytest.raises(PermissionDenied) as denied:
        look("o", **{"order": "other"})
    assert "given twice" in denied.value.decision.errors[0].message

    @guard.tool(action="refund", resource="Order::{order}", args={"amount": "{sum}"})
    def refund(order: str, sum: int, **more: Any) -> Any:
        return more

    with pytest.raises(PermissionDenied) as denied:
        refund("o", 1, amount=10_000)
    assert "set by `args`" in denied.value.decision.errors[0].message


def test_arguments_can_be_renamed_and_none_is_lost(guard: Guard, seen: Seeing) -> None:
    @guard.tool(
        action="refund", resource={"type": "Order", "id": "{order}"}, args={"amount": "{sum}", "currency": "EUR"}
    )
    def refund(order: str, sum: int, reason: str = "none") -> int:
        return sum

    assert refund("o", 5) == 5
    assert seen.args == {"order": "o", "amount": 5, "currency": "EUR", "reason": "none"}


def test_arguments_can_be_worked_out(guard: Guard, seen: Seeing) -> None:
    @guard.tool(
        action="refund",
        resource=lambda order: {"type": "Order", "id": order, "properties": {"tenant": "acme"}},
        args=lambda cents: {"amount": D(cents) / 100},
    )
    def refund(order: str, cents: int) -> int:
        return cents

    assert refund("o", 550) == 550
    assert seen.args == {"order": "o", "cents": 550, "amount": D("5.5")}
    assert seen.last["resource"] == {"type": "Order", "id": "o", "properties": {"tenant": "acme"}}


def test_what_works_out_the_resource_cannot_change_the_call(guard: Guard, seen: Seeing) -> None:
    def order_of(to: list[str]) -> dict[str, Any]:
        to.append("eve@example.com")
        return {"type": "Order", "id": "o"}

    @guard.tool(action="send", resource=order_of, args=lambda to: to.append("mallory@example.com") or {})
    def send(to: list[str]) -> list[str]:
        return to

    assert send(["a@example.com"]) == ["a@example.com"] == seen.args["to"]


def test_texts_with_several_places_cannot_be_confused(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="read", resource="Order::{owner}/{name}.txt")
    def look(owner: str, name: str) -> None: ...

    look("a", "b")
    assert seen.last["resource"]["id"] == "a/b.txt"
    with pytest.raises(PermissionDenied) as denied:
        look("a/b", "c")
    assert "separates it" in denied.value.decision.errors[0].message
    with pytest.raises(PermissionDenied):
        look("a", "b/c")


@pytest.mark.parametrize("order", [None, True, D(1), ["o"], {"id": "o"}, 1.5, 10**100])
def test_an_id_is_a_text_or_a_whole_number(guard: Guard, seen: Seeing, order: Any) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: Any) -> None: ...

    look(7)
    assert seen.last["resource"]["id"] == "7"
    with pytest.raises(PermissionDenied) as denied:
        look(order)
    assert denied.value.decision.errors[0].path == "resource.id"


@pytest.mark.parametrize(
    ("resource", "args", "apart_from", "message"),
    [
        ("{kind}::{order}", None, (), "does not depend on the call"),
        ({"type": "{order}", "id": "x"}, None, (), "does not depend on the call"),
        ({"id": "{order}"}, None, (), "does not depend"),
        ({"type": "Order"}, None, (), "no `id`"),
        ("Order", None, (), "Type::{parameter}"),
        ("Order::{ordr}", None, (), "did you mean `order`"),
        ("Order::{order}{kind}", None, (), "touch"),
        ("Order::{order!r}", None, (), "plain `{name}`"),
        ("Order::{order:>9}", None, (), "plain `{name}`"),
        ("Order::{order.id}", None, (), "no parameter"),
        ("Order::{", None, (), "places"),
        (lambda ordr: ordr, None, (), "did you mean `order`"),
        (lambda *order: order, None, (), "by name"),
        ("Order::{order}", "amount", (), "mapping or a function"),
        ("Order::{order}", {"amount": "{amuont}"}, (), "no parameter"),
        ("Order::{order}", None, ("ordre",), "did you mean `order`"),
        ("Order::{order}", None, "order", "apart_from=['order']"),
        ("Order::{order}", None, ("order",), "no parameter"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_function(
    guard: Guard, resource: Any, args: Any, apart_from: Any, message: str
) -> None:
    with pytest.raises(ValueError) as refused:

        @guard.tool(action="read", resource=resource, args=args, apart_from=apart_from)
        def look(order: str, kind: str = "x") -> None: ...

    assert message in str(refused.value)


def test_the_action_is_a_name(guard: Guard) -> None:
    with pytest.raises(ValueError, match="name of an action"):
        guard.tool(lambda: None, resource="Order::x")  # type: ignore[arg-type]


def test_a_method_is_guarded_without_its_object(guard: Guard, seen: Seeing) -> None:
    class Shop:
        def __init__(self) -> None:
            self.orders = {"o": {"tenant": "acme"}}

        @guard.tool(
            action="read",
            resource=lambda self, order: {"type": "Order", "id": order, "properties": self.orders[order]},
        )
        def look(self, order: str) -> str:
            return order

    shop = Shop()
    assert shop.look("o") == "o"
    assert seen.args == {"order": "o"}
    with pytest.raises(PermissionDenied) as denied:
        shop.look("unknown")
    assert "KeyError" in denied.value.decision.errors[0].message
    assert "KeyError" not in str(denied.value)


def test_a_parameter_is_left_out_only_on_purpose(guard: Guard, seen: Seeing) -> None:
    connection = object()

    def look(order: str, database: Any) -> Any:
        return database

    with pytest.raises(PermissionDenied) as denied:
        guard.tool(action="read", resource="Order::{order}")(look)("o", connection)
    assert "apart_from=['database']" in denied.value.decision.errors[0].message
    assert denied.value.decision.errors[0].path == "action.properties.database"
    apart = guard.tool(action="read", resource="Order::{order}", apart_from=["database"])(look)
    assert apart("o", connection) is connection
    assert seen.args == {"order": "o"}


# --- nothing between check and call


@dataclasses.dataclass
class Change:
    path: pathlib.Path
    lines: list[str]
    at: datetime.datetime


def test_arguments_of_many_types_arrive_as_they_are(guard: Guard, seen: Seeing) -> None:
    change = Change(pathlib.Path("/w/a"), ["x"], datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))

    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str, change: Change) -> Change:
        return change

    found = look("o", change)
    assert found == change
    assert found is not change
    assert found.lines is not change.lines
    assert seen.args["change"] == {"path": "/w/a", "lines": ["x"], "at": "2026-01-01T00:00:00Z"}


def test_what_runs_is_what_was_decided_upon(seen: Seeing) -> None:
    """Another thread changes the arguments after the decision; the function does not see it."""
    deciding, changed = threading.Event(), threading.Event()

    class Slow(Seeing):
        def decide(self, request: Any, approvals: Any = ()) -> Decision:
            decision = super().decide(request, approvals)
            deciding.set()
            assert changed.wait(5)
            return decision

    guard = Guard(Slow(program().program))

    @guard.tool(action="send", resource="Order::{order}")
    def send(order: str, to: list[str]) -> list[str]:
        return to

    people = ["a@example.com"]

    def change() -> None:
        assert deciding.wait(5)
        people[:] = ["eve@example.com"]
        changed.set()

    thread = threading.Thread(target=change)
    thread.start()
    with guard.session(BOT):
        assert send("o", people) == ["a@example.com"]
    thread.join()
    assert people == ["eve@example.com"]


def test_the_default_of_a_parameter_cannot_be_changed_by_a_call(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="send", resource="Order::{order}")
    def send(order: str, to: list[str] = ["a@example.com"]) -> list[str]:  # noqa: B006 - what is tested
        to.append("eve@example.com")
        return to

    send("o")
    send("o")
    assert seen.args["to"] == ["a@example.com"]


# --- a caller of a tool says nothing about who is calling


def test_arguments_cannot_say_who_is_calling(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str, **more: Any) -> None: ...

    admin = {"type": "User", "id": "root", "roles": ["lead"]}
    look("o", subject=admin, context={"now": "2020-01-01T00:00:00Z"}, delegator=admin, action="refund", resource=admin)
    assert seen.last["subject"] == BOT
    assert seen.last["action"]["name"] == "read"
    assert seen.last["context"] == {"now": "2026-11-23T02:13:20.000000000Z"}
    assert seen.last["resource"] == {"type": "Order", "id": "o"}
    with guard.acting_for(DAVE), pytest.raises(PermissionDenied):
        look("o", subject=ALICE)


def test_a_resource_is_an_entity_and_nothing_else(guard: Guard) -> None:
    for found in ({"type": "Order", "id": "o", "subject": ALICE}, {"type": "Order"}, "o", None, ["Order", "o"]):

        @guard.tool(action="read", resource=lambda order, found=found: found)
        def look(order: str) -> None: ...

        with pytest.raises(PermissionDenied):
            look("o")


# --- kinds of functions


def test_async_functions(guard: Guard, seen: Seeing) -> None:
    async def order_of(order: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "Order", "id": order, "properties": {"tenant": "acme"}}

    @guard.tool(action="refund", resource=order_of)
    async def refund(order: str, amount: int) -> int:
        await asyncio.sleep(0)
        return amount

    assert inspect.iscoroutinefunction(refund)
    assert asyncio.run(refund("o", 5)) == 5
    assert seen.last["resource"]["properties"] == {"tenant": "acme"}
    with pytest.raises(PermissionDenied):
        asyncio.run(refund("o", 2_000))
    with pytest.raises(ValueError, match="the tool is not"):

        @guard.tool(action="refund", resource=order_of)
        def sync(order: str) -> None: ...


def test_generators_are_decided_when_they_begin(guard: Guard, seen: Seeing) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def rows(order: str) -> Iterator[int]:
        yield 1
        yield 2

    with guard.acting_for(DAVE):
        waiting = rows("o")
        assert not hasattr(seen, "asked")
        with pytest.raises(PermissionDenied):
            next(waiting)
    assert list(rows("o")) == [1, 2]


def test_async_generators(guard: Guard) -> None:
    closed = []

    @guard.tool(action="read", resource="Order::{order}")
    async def rows(order: str) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(order)

    async def take(order: str, most: int) -> list[int]:
        found = []
        async for row in rows(order):
            found.append(row)
            if len(found) == most:
                break
        return found

    assert asyncio.run(take("a", 9)) == [1, 2]
    assert asyncio.run(take("b", 1)) == [1]
    assert closed == ["a", "b"]
    with guard.acting_for(DAVE), pytest.raises(PermissionDenied):
        asyncio.run(take("c", 1))


def test_callables_that_are_no_functions(guard: Guard) -> None:
    class Look:
        def __call__(self, order: str) -> str:
            return order

    class Later:
        async def __call__(self, order: str) -> str:
            return order

    def both(order: str, suffix: str) -> str:
        return order + suffix

    tool: Callable[[Any], Any] = guard.tool(action="read", resource="Order::{order}")
    assert tool(Look())("o") == "o"
    assert asyncio.run(tool(Later())("o")) == "o"
    assert tool(functools.partial(both, suffix="!"))("o") == "o!"


def test_a_guarded_function_looks_like_the_function(guard: Guard) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str, deep: bool = False) -> str:
        """Look at an order."""
        return order

    assert look.__name__ == "look"
    assert look.__doc__ == "Look at an order."
    assert list(inspect.signature(look).parameters) == ["order", "deep"]


def test_an_exception_of_the_function_passes(guard: Guard) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: str) -> None:
        raise KeyError(order)

    with pytest.raises(KeyError, match="o"):
        look("o")


def test_an_approval_is_for_every_argument(tmp_path: Any) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(program(), approvals=store)

    @guard.tool(action="refund", resource="Order::{order}", args={"amount": "{amount}"})
    def refund(order: str, amount: int, memo: str = "", *rest: str, **more: Any) -> None: ...

    with guard.session(BOT):
        for call in ((), ("b",), ("b", "c")):
            with pytest.raises(Exception, match="approval"):
                refund("o", 80, *call)
        with pytest.raises(Exception, match="approval"):
            refund("o", 80, account="eve")
    assert len({approval.digest for approval in store.requests()}) == 4
