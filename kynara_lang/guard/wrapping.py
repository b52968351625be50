"""Guards functions: each call is bound, decided, run with the values that were decided upon, and its end recorded.

A generator is decided when it begins to run, as its body is. Under asyncio, what can wait for a disk is done in a
thread, so that other tasks go on; a task that is cancelled meanwhile runs nothing, and that is recorded, too.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from contextlib import aclosing
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from .binding import Binding, Bound, binding_of, resource_of
from .deciding import told
from .rulings import Call, Enforcer, Ruling
from .templates import Shape
from .values import Unusable

P = ParamSpec("P")
R = TypeVar("R")


class Tool(Protocol):
    """A decorator that leaves the type of a function as it is."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return the function, guarded."""


class Guarded:
    """A call that is enforced at the beginning of a `with` statement, and whose end is recorded."""

    def __init__(self, guard: Enforcer, call: Call) -> None:
        """Take what is to be done; nothing is decided yet."""
        self._guard = guard
        self._call = call
        self._ruling: Ruling | None = None
        self._started = 0

    def __enter__(self) -> Any:
        """Decide; return the decision, or raise why it may not go ahead."""
        self._once()
        return self._begun(self._guard.let_through(self._call))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record how it ended."""
        assert self._ruling is not None
        self._guard.ended(self._ruling, _status(error), error, time.perf_counter_ns() - self._started)

    def _once(self) -> None:
        if self._ruling is not None:
            raise RuntimeError("one decision lets one call through; call `guarded` again")

    def _begun(self, ruling: Ruling) -> Any:
        self._ruling, self._started = ruling, time.perf_counter_ns()
        return ruling.decision

    async def __aenter__(self) -> Any:
        """Decide without holding other tasks up."""
        if not self._guard.may_wait:
            return self.__enter__()
        self._once()
        return self._begun(await _in_thread(self._guard, self._call))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record how it ended, without holding other tasks up."""
        if not self._guard.may_wait:
            self.__exit__(kind, error, trace)
            return
        assert self._ruling is not None
        taken = time.perf_counter_ns() - self._started
        # Not to be stopped half-way: what has been done is recorded, even if the task is cancelled once more.
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self._guard.ended, self._ruling, _status(error), error, taken))


class _Handover:
    """A ruling on its way from a thread to a task that may have been cancelled; exactly one of them ends up with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ruling: Ruling | None = None
        self._nobody_waits = False

    @property
    def wanted(self) -> bool:
        """Whether anybody waits."""
        return not self._nobody_waits

    def offer(self, ruling: Ruling) -> bool:
        """Give the ruling over; return whether anybody still waits for it."""
        with self._lock:
            self._ruling = ruling
            return not self._nobody_waits

    def withdraw(self) -> Ruling | None:
        """Stop waiting; return the ruling if it was given over already."""
        with self._lock:
            self._nobody_waits = True
            return self._ruling


async def _in_thread(guard: Enforcer, call: Call) -> Ruling:
    """Decide in a thread; if the task is cancelled meanwhile, record that what was let through was not done."""
    handover = _Handover()

    def decide() -> Ruling | None:
        if not handover.wanted:  # cancelled before a thread was free: no approval is used up for nothing
            return None
        ruling = guard.let_through(call)
        if not handover.offer(ruling):
            guard.ended(ruling, "cancelled", None, 0)
        return ruling

    working = asyncio.get_running_loop().run_in_executor(None, decide)
    try:
        ruling = await asyncio.shield(working)
        assert ruling is not None
        return ruling
    except asyncio.CancelledError:
        # Nobody will look at what it raises, if it does.
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        ruling = handover.withdraw()
        if ruling is not None:
            guard.ended(ruling, "cancelled", None, 0)
        raise


def _status(error: BaseException | None) -> str:
    if error is None or isinstance(error, GeneratorExit):
        return "ok"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "error"


def guarded_tool(guard: Enforcer, action: str, resource: Shape, args: Shape, apart_from: Collection[str]) -> Tool:
    """Return the decorator of `Guard.tool`."""
    if not isinstance(action, str):
        raise ValueError("`action` is the name of an action; write `@guard.tool(action=…, resource=…)`")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(resource) and not (_is_async(function) or inspect.isasyncgenfunction(function)):
            raise ValueError("the function for `resource` is async, and the tool is not")
        binding = binding_of(function, resource, args, apart_from)
        return cast("Callable[P, R]", _wrapped(_Wrapped(guard, action, binding), function))

    return cast(Tool, decorate)


class _Wrapped:
    """A guarded function: how its calls are put as requests."""

    def __init__(self, guard: Enforcer, action: str, binding: Binding) -> None:
        self._guard = guard
        self._action = action
        self._binding = binding

    def entering(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Guarded, Bound | None]:
        """Return what to enter before the function runs, and the arguments it gets; None if they cannot be read."""
        given = self._binding.taken(positional, named)
        try:
            bound = self._binding.read(given)
            return self._asking(bound, self._binding.resource(bound.values))
        except Exception as error:  # whatever it was, the call is not known, and what is not known is denied
            return self._unknown(error)

    async def entering_later(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Guarded, Bound | None]:
        """Do the same for an async function, where what works out the resource may be async, too."""
        given = self._binding.taken(positional, named)
        try:
            bound = self._binding.read(given)
            found = self._binding.resource(bound.values)
            return self._asking(bound, await found if inspect.isawaitable(found) else found)
        except Exception as error:  # as above
            return self._unknown(error)

    def _asking(self, bound: Bound, resource: Any) -> tuple[Guarded, Bound | None]:
        arguments = self._binding.arguments(bound.values)
        situation = self._guard.situation
        call = Call(None, self._action, resource_of(resource), None, arguments, situation)
        return Guarded(self._guard, call), bound

    def _unknown(self, error: Exception) -> tuple[Guarded, Bound | None]:
        if not isinstance(error, Unusable):
            error = Unusable("resource", f"what the call is about is not known: {told(error)}")
        call = Call(None, self._action, None, None, None, self._guard.situation, error)
        return Guarded(self._guard, call), None


def _wrapped(tool: _Wrapped, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the same kind that is decided before it runs."""
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def later_items(*positional: Any, **named: Any) -> AsyncGenerator[Any, Any]:
            entering, bound = await tool.entering_later(positional, named)
            async with entering, aclosing(_run(function, bound)) as items:
                step = items.asend(None)
                while True:
                    try:
                        item = await step
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # what is thrown in is the function's to handle, as without a guard
                        step = items.athrow(error)
                    else:
                        step = items.asend(sent)

        return later_items
    if _is_async(function):

        @functools.wraps(function)
        async def later(*positional: Any, **named: Any) -> Any:
            entering, bound = await tool.entering_later(positional, named)
            async with entering:
                return await _run(function, bound)

        return later
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def items(*positional: Any, **named: Any) -> Generator[Any, Any, Any]:
            entering, bound = tool.entering(positional, named)
            with entering:
                return (yield from _run(function, bound))

        return items

    @functools.wraps(function)
    def now(*positional: Any, **named: Any) -> Any:
        entering, bound = tool.entering(positional, named)
        with entering:
            return _run(function, bound)

    return now


def _run(function: Callable[..., Any], bound: Bound | None) -> Any:
    """Run a function with the values that were decided upon."""
    if bound is None:
        raise RuntimeError("a call whose arguments cannot be read was let through")
    return function(*bound.positional, **bound.named)


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
