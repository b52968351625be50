"""What is written down: every decision before it is returned, and how every call that was let through ended."""

import asyncio
import datetime
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.audit import Log, Redaction, read_log
from kynara_lang.audit.encoding import canonical
from kynara_lang.audit.replay import Replayed, replay
from kynara_lang.guard import ApprovalStore, Guard, NotAllowed, PermissionDenied, State
from kynara_lang.guard.granting import approve
from tests.guard.programs import ALICE, BOT, DAVE, LEA, ORDER, Kept, Receipt, SetClock, program

POLICIES = program()


@pytest.fixture
def log() -> Kept:
    return Kept()


@pytest.fixture
def guard(log: Kept) -> Guard:
    return Guard(POLICIES, log, clock=SetClock())


def last(log: Kept, kind: str = "decision") -> Any:
    return log.of(kind)[-1]


def test_every_decision_is_a_record_with_everything_it_was_made_of(guard: Guard, log: Kept) -> None:
    with guard.session(BOT, id="s-1", trace_id="t-1", context={"mfa": True}), guard.acting_for(ALICE):
        guard.check(None, "refund", ORDER, args={"amount": 10.5})
    body = last(log)
    assert (body["phase"], body["session"], body["trace_id"]) == ("check", "s-1", "t-1")
    assert body["chain"] == ['Bot::"bot"', 'User::"alice"']
    assert (body["action"], body["resource"], body["decision"]) == ("refund", 'Order::"o-1"', "allow")
    assert body["policy_digest"] == POLICIES.digest
    assert body["degraded"] is None
    assert body["request"]["context"] == {"mfa": True, "now": "2026-11-23T02:13:20.000000000Z"}
    with pytest.raises(NotAllowed):
        guard.enforce(DAVE, "read", ORDER)
    assert (last(log)["phase"], last(log)["decision"]) == ("enforce", "deny")


def test_a_call_that_is_no_request_is_recorded_with_what_can_be_told(guard: Guard, log: Kept) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    def look(order: Any) -> None: ...

    with guard.session(BOT):
        for order in (object(), None):
            with pytest.raises(PermissionDenied):
                look(order)
            assert (last(log)["decision"], last(log)["subject"], last(log)["action"]) == ("deny", 'Bot::"bot"', "read")
            assert last(log)["errors"]
    guard.check(None, object(), ORDER)  # type: ignore[arg-type]
    assert (last(log)["subject"], last(log)["action"], last(log)["resource"]) == (None, None, 'Order::"o-1"')


def by_token(token: str) -> str:
    return {"known": "o-1"}[token]


@pytest.mark.parametrize(
    "tool",
    [
        {"resource": lambda token: {"type": "Order", "id": by_token(token)}},
        {"resource": "Order::o-1", "args": lambda token: {"order": by_token(token)}},
        {"resource": "Order::o-1"},
    ],
    ids=["resource", "args", "an argument"],
)
def test_what_is_redacted_is_not_quoted_where_a_call_cannot_be_read(log: Kept, tool: dict[str, Any]) -> None:
    guard = Guard(POLICIES, log, clock=SetClock(), redaction=Redaction(b"k" * 32, {"*": ["token"]}))

    @guard.tool("read", **tool)
    def look(token: Any) -> None: ...

    unreadable: Any = {"S3CRET": object()} if tool == {"resource": "Order::o-1"} else "S3CRET"
    with guard.session(BOT), pytest.raises(PermissionDenied) as denied:
        look(unreadable)
    assert "S3CRET" in str(denied.value.decision.errors)  # for the program
    assert b"S3CRET" not in canonical(last(log))
    (error,) = last(log)["errors"]
    assert error["code"] == "malformed-request"
    assert error["message"].startswith("(left out because a redaction is configured")
    assert error["path"] in ("resource", "action.properties.token")


@pytest.mark.filterwarnings("ignore::kynara_lang.guard.GuardWarning")
def test_what_is_redacted_is_not_quoted_by_why_a_call_was_let_through(log: Kept) -> None:
    class Failing(type(POLICIES)):  # type: ignore[misc]
        def decide(self, *request: Any) -> Any:
            raise KeyError("S3CRET")

    for hidden, told in (("token", False), ("other", True)):
        redaction = Redaction(b"k" * 32, {"*": [hidden]})
        guard = Guard(Failing(POLICIES.program), log, fail_closed=False, redaction=redaction)
        assert guard.check(BOT, "read", ORDER, args={"token": "x"}).allowed
        assert last(log)["degraded"]
        assert (b"S3CRET" in canonical(last(log))) is told


def test_it_is_on_disk_before_anybody_hears_of_it(log: Kept) -> None:
    told = threading.Event()

    class Watching(Kept):
        def append(self, kind: str, body: Any, /) -> Receipt:
            assert not told.is_set()
            return super().append(kind, body)

    guard = Guard(POLICIES, Watching())
    guard.check(BOT, "read", ORDER)
    told.set()


def test_what_is_recorded_is_what_was_decided(log: Kept) -> None:
    """Somebody changes the request while it is being decided."""
    from kynara_lang.runtime.policyset import PolicySet

    order: dict[str, Any] = {"type": "Order", "id": "o-1", "properties": {"tenant": "acme"}}

    class Meddling(PolicySet):
        def decide(self, request: Any, approvals: Any = ()) -> Any:
            decision = super().decide(request, approvals)
            order["id"] = "other"
            order["properties"]["tenant"] = "globex"
            return decision

    Guard(Meddling(POLICIES.program), log).check(BOT, "read", order)
    assert last(log)["request"]["resource"] == {"type": "Order", "id": "o-1", "properties": {"tenant": "acme"}}


@pytest.mark.parametrize(
    ("error", "status"), [(None, "ok"), (KeyError("secret"), "error"), (asyncio.CancelledError(), "cancelled")]
)
def test_how_a_block_ended(guard: Guard, log: Kept, error: BaseException | None, status: str) -> None:
    try:
        with guard.guarded(BOT, "read", ORDER):
            if error is not None:
                raise error
    except BaseException as raised:
        assert raised is error
    outcome = last(log, "outcome")
    assert (outcome["status"], outcome["error"]) == (status, type(error).__name__ if error else None)
    assert outcome["decision_seq"] == 1
    assert outcome["duration_us"] >= 0
    assert "secret" not in str(outcome)


def test_what_was_not_let_through_has_no_outcome(guard: Guard, log: Kept) -> None:
    with pytest.raises(PermissionDenied), guard.guarded(DAVE, "read", ORDER):
        pass
    assert log.kinds() == ["policy", "decision"]


def test_how_tools_of_every_kind_end(guard: Guard, log: Kept) -> None:
    tool = guard.tool(action="read", resource="Order::{order}")

    @tool
    def look(order: str) -> int:
        return int(order)

    @tool
    def rows(order: str) -> Iterator[int]:
        yield 1
        yield int(order)

    @tool
    async def later(order: str) -> int:
        return int(order)

    @tool
    async def later_rows(order: str) -> AsyncIterator[int]:
        yield 1
        yield int(order)

    async def drained(order: str) -> list[int]:
        return [row async for row in later_rows(order)]

    with guard.session(BOT):
        for call in (look, lambda o: list(rows(o)), lambda o: asyncio.run(later(o)), lambda o: asyncio.run(drained(o))):
            call("7")
            assert last(log, "outcome")["status"] == "ok"
            with pytest.raises(ValueError):
                call("x")
            assert (last(log, "outcome")["status"], last(log, "outcome")["error"]) == ("error", "ValueError")
        stopped = rows("7")
        next(stopped)
        stopped.close()
        assert last(log, "outcome")["status"] == "ok"
    assert len(log.of("decision")) == len(log.of("outcome")) == 9


def test_the_event_loop_goes_on_while_a_log_is_slow() -> None:
    guard = Guard(POLICIES, Kept(delay=0.1))
    turns = 0

    @guard.tool(action="read", resource="Order::{order}")
    async def look(order: str) -> str:
        return order

    async def run() -> None:
        nonlocal turns
        with guard.session(BOT):
            calls = asyncio.gather(*(look(str(number)) for number in range(4)))
            while not calls.done():
                turns += 1
                await asyncio.sleep(0.005)
            assert await calls == ["0", "1", "2", "3"]

    asyncio.run(run())
    assert turns > 5


class Gated(Kept):
    """A log whose decisions wait until they may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def append(self, kind: str, body: Any, /) -> Receipt:
        if kind == "decision":
            self.reached.set()
            assert self.go_on.wait(10)
        return super().append(kind, body)


def test_a_task_that_is_cancelled_while_it_is_decided_runs_nothing_and_that_is_recorded() -> None:
    log = Gated()
    guard = Guard(POLICIES, log)
    ran = []

    @guard.tool(action="read", resource="Order::{order}")
    async def look(order: str) -> None:
        ran.append(order)

    async def run() -> None:
        with guard.session(BOT):
            task = asyncio.create_task(look("o"))
        await asyncio.to_thread(log.reached.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        log.go_on.set()

    asyncio.run(run())  # waits for its threads
    assert ran == []
    assert [body["decision"] for body in log.of("decision")] == ["allow"]
    assert [body["status"] for body in log.of("outcome")] == ["cancelled"]


def test_a_task_that_is_cancelled_before_a_thread_is_free_uses_no_approval_up(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(POLICIES, approvals=store)

    @guard.tool(action="refund", resource="Order::{order}")
    async def refund(order: str, amount: int) -> None: ...

    async def run() -> None:
        from concurrent.futures import ThreadPoolExecutor

        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        with guard.session(BOT):
            with pytest.raises(NotAllowed):
                await refund("o", 80)
            (asked,) = store.requests()
            approve(store, POLICIES, asked.id, LEA, now=asked.opened)
            free = threading.Event()
            busy = asyncio.get_running_loop().run_in_executor(None, free.wait, 10)
            task = asyncio.create_task(refund("o", 80))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            free.set()
            await busy

    asyncio.run(run())
    assert [approval.state for approval in store.requests()] == [State.APPROVED]


def test_a_task_that_is_cancelled_while_it_runs(guard: Guard, log: Kept) -> None:
    @guard.tool(action="read", resource="Order::{order}")
    async def look(order: str) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        with guard.session(BOT):
            task = asyncio.create_task(look("o"))
        while not log.of("decision"):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert [body["status"] for body in log.of("outcome")] == ["cancelled"]


def test_discovery_records_nothing(guard: Guard, log: Kept, tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    with Guard(POLICIES, log, store).session(BOT):
        pass
    guard.discover(BOT)
    assert set(log.kinds()) == {"policy"}
    assert store.requests() == ()


def test_with_a_real_log(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    with Log.open(tmp_path / "log") as log:
        guard = Guard(POLICIES, log, store)

        @guard.tool(action="refund", resource="Order::{order}")
        def refund(order: str, amount: float) -> float:
            return amount

        with guard.session(BOT, id="s-1"):
            assert refund("o", 10.25) == 10.25
            with pytest.raises(NotAllowed):
                refund("o", 80.5)
            (asked,) = store.requests()
            approve(store, POLICIES, asked.id, LEA, now=asked.opened)
            assert refund("o", 80.5) == 80.5
            with pytest.raises(NotAllowed):
                refund("o", object())  # type: ignore[arg-type]
    kinds = [entry.record["kind"] for entry in read_log(tmp_path / "log")]
    ours = ("policy", "decision", "approval", "outcome")
    assert [kind for kind in kinds if kind in ours] == [
        *("policy", "decision", "outcome"),
        *("approval", "decision"),
        *("approval", "decision", "outcome"),
        "decision",
    ]


def test_what_a_guard_records_is_decided_so_again(tmp_path: Path) -> None:
    store, clock = ApprovalStore(tmp_path / "approvals.db"), SetClock()
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with Log.open(tmp_path / "log") as log:
        guard = Guard(POLICIES, log, store, clock=clock)
        for amount in (10, 10.5, "80.00", 80.5, 2_000, "many", object(), 0.123456, when, float("inf")):
            guard.check(BOT, "refund", ORDER, {"mfa": True}, args={"amount": amount, "memo": [when, 0.1]})
            guard.check(DAVE, "refund", ORDER, args={"amount": amount})
        guard.check(None, "read", ORDER)
        guard.check(BOT, "nonsense", {"type": "Order", "id": "o", "properties": {"when": when}})
        for asked in store.requests():
            guard.approve(asked.id, LEA)
        for amount in ("80.00", 80.5):
            assert guard.enforce(
                BOT, "refund", ORDER, {"mfa": True}, args={"amount": amount, "memo": [when, 0.1]}
            ).allowed
    counts = Replayed()
    assert list(replay(read_log(tmp_path / "log"), POLICIES, counts)) == []
    assert (counts.decisions, counts.other_policy, counts.different) == (24, 0, 0)
    assert dict(counts.skipped) == {"in-part": 5}  # two times two values that are no JSON, and nobody who is calling
    assert counts.equal == 19


def test_threads_share_a_guard_and_a_log(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        guard = Guard(POLICIES, log)

        @guard.tool(action="read", resource="Order::{order}")
        def look(order: str) -> str:
            return order

        def act(number: int) -> None:
            with guard.session({"type": "Bot", "id": f"b{number}"}):
                for each in range(10):
                    look(f"o{each}")

        threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = list(read_log(tmp_path / "log"))
    assert [entry.seq for entry in found] == list(range(len(found)))
    decisions = {e.seq: e.record["body"] for e in found if e.record["kind"] == "decision"}
    outcomes = [e.record["body"] for e in found if e.record["kind"] == "outcome"]
    assert len(decisions) == len(outcomes) == 80
    assert {outcome["decision_seq"] for outcome in outcomes} == set(decisions)
