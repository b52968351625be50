"""The guard: what it answers, what it raises, and who it takes a call to come from."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.guard import ApprovalRequired, Guard, GuardWarning, NotAllowed, PermissionDenied
from kynara_lang.runtime.decision import Effect
from tests.guard.programs import ALICE, BOT, DAVE, ORDER, START, SetClock, program


@pytest.fixture
def guard() -> Guard:
    return Guard(program(), clock=SetClock())


# --- answers


def test_check_returns_what_the_policies_decide(guard: Guard) -> None:
    assert guard.check(BOT, "refund", ORDER, args={"amount": "10.00"}).effect is Effect.ALLOW
    assert guard.check(BOT, "refund", ORDER, args={"amount": "80.00"}).effect is Effect.REQUIRE_APPROVAL
    denied = guard.check(BOT, "refund", ORDER, args={"amount": "2000.00"})
    assert (denied.effect, denied.rules) == (Effect.DENY, ("shop.huge",))
    assert denied.policy_digest == guard.policies.digest


def test_an_action_may_have_the_json_shape_and_entities_may_be_texts(guard: Guard) -> None:
    action = {"name": "refund", "properties": {"amount": "10.00"}}
    assert guard.check("Bot::bot", action, "Order::o-1").allowed
    assert guard.enforce("Bot::bot", "read", "Order::a::b").allowed


def test_enforce_returns_the_decision_or_raises_with_it(guard: Guard) -> None:
    assert guard.enforce(BOT, "read", ORDER).allowed
    with pytest.raises(PermissionDenied) as denied:
        guard.enforce(DAVE, "read", ORDER)
    assert denied.value.decision.effect is Effect.DENY
    with pytest.raises(ApprovalRequired) as waiting:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    assert waiting.value.decision.effect is Effect.REQUIRE_APPROVAL
    assert waiting.value.approval is None


def test_what_is_raised_tells_an_agent_nothing_of_the_policy(guard: Guard) -> None:
    for amount in ("80.00", "2000.00", "much"):
        with pytest.raises(NotAllowed) as raised:
            guard.enforce(BOT, "refund", ORDER, args={"amount": amount})
        told = f"{raised.value}{raised.value!r}{raised.value.args}{raised.value.reason}"
        assert "shop" not in told
        assert "huge" not in told
        assert str(raised.value) == raised.value.reason.message
        assert raised.value.__cause__ is None


def test_what_is_raised_can_be_explained(guard: Guard) -> None:
    with pytest.raises(PermissionDenied) as denied:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "2000.00"})
    explained = guard.policies.explain(denied.value.request)
    assert explained.decision == denied.value.decision
    assert explained.decision.rules == ("shop.huge",)


def test_what_is_raised_can_pass_to_another_process(guard: Guard) -> None:
    with pytest.raises(ApprovalRequired) as raised:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again), again.decision) == (ApprovalRequired, str(raised.value), raised.value.decision)


@pytest.mark.parametrize(
    ("subject", "action", "resource", "context", "path"),
    [
        (None, "read", ORDER, None, "subject"),
        ("alice", "read", ORDER, None, "subject"),
        (5, "read", ORDER, None, "subject"),
        (BOT, "read", "o-1", None, "resource"),
        (BOT, "read", 7, None, "resource"),
        (BOT, None, ORDER, None, "action"),
        (BOT, "read", ORDER, "now", "context"),
        (BOT, "read", ORDER, {"mfa": object()}, None),
        ({**BOT, "on_behalf_of": "alice"}, "read", ORDER, None, "subject.on_behalf_of"),
    ],
)
def test_what_is_no_request_is_denied_and_says_where(
    guard: Guard, subject: Any, action: Any, resource: Any, context: Any, path: str | None
) -> None:
    decision = guard.check(subject, action, resource, context)
    if path is None:  # nothing reads it
        assert decision.allowed
        return
    assert decision.effect is Effect.DENY
    assert [error.path for error in decision.errors] == [path]
    assert decision.policy_digest == guard.policies.digest


def test_arguments_are_given_once(guard: Guard) -> None:
    decision = guard.check(BOT, {"name": "refund"}, ORDER, args={"amount": "1.00"})
    assert decision.effect is Effect.DENY
    assert "by its name" in decision.errors[0].message


def test_values_mean_the_same_whether_or_not_anything_is_kept(tmp_path: Any) -> None:
    plain, keeping = Guard(program()), Guard(program(), approvals=tmp_path / "approvals.db")
    for amount in (10.5, "10.5", 2000.5, 0.12345, float("nan"), object(), [1], None):
        args = {"amount": amount}
        one, other = plain.check(BOT, "refund", ORDER, args=args), keeping.check(BOT, "refund", ORDER, args=args)
        assert (one.effect, [e.path for e in one.errors]) == (other.effect, [e.path for e in other.errors]), amount


@pytest.mark.parametrize(
    ("policies", "options", "message"),
    [
        (None, {}, "a path or several paths, not None"),
        (5, {}, "not 5"),
        (b"policies", {}, "not b'policies'"),
        ({"policies": 1}, {}, "not {"),
        (program(), {"log": "audit"}, "Log.open"),
    ],
)
def test_what_no_guard_can_be_made_of(policies: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as refused:
        Guard(policies, **options)
    assert message in str(refused.value)


# --- time


def test_the_guard_gives_the_time() -> None:
    text = """
    subject Bot {} resource Order {} action read on Order context { now as "time": Time }
    permit early { subject Bot action read resource Order scope any "test" when context.now < 2026-11-23 }
    """
    clock = SetClock(START)
    guard = Guard(kynara.loads(text), clock=clock)
    assert guard.check(BOT, "read", ORDER).errors == ()
    for day, allowed in (("2026-11-22T23:59:59.999999999Z", True), ("2026-11-23T00:00:00Z", False)):
        from kynara_lang.semantics.times import read_time

        clock.at = read_time(day)
        assert guard.check(BOT, "read", ORDER).allowed is allowed
    # What the program itself says counts; in a test, say.
    assert guard.check(BOT, "read", ORDER, {"time": "2026-11-01T00:00:00Z"}).allowed


def test_the_time_is_exact(guard: Guard) -> None:
    clock = SetClock(START + 1_234_567)
    guard = Guard(program(), clock=clock)
    with guard.session(BOT):
        assert guard._clock.text() == "2026-11-23T02:13:20.001234567Z"
        clock.at += 10**9
        assert guard._clock.text() == "2026-11-23T02:13:21.001234567Z"


# --- who is calling


def test_a_session_says_who_is_calling(guard: Guard) -> None:
    with guard.session("Bot::bot"):
        assert guard.check(None, "read", ORDER).allowed
    assert not guard.check(None, "read", ORDER).allowed


def test_acting_for_somebody_gives_no_more_than_they_have(guard: Guard) -> None:
    with guard.session(BOT):
        with guard.acting_for(ALICE):
            assert guard.check(None, "read", ORDER).allowed
            with guard.acting_for(DAVE):
                assert not guard.check(None, "read", ORDER).allowed
            assert guard.check(None, "read", ORDER).allowed
        with guard.acting_for(DAVE), guard.acting_for(ALICE):
            assert not guard.check(None, "read", ORDER).allowed
        assert guard.check(None, "read", ORDER).allowed


def test_acting_for_holds_for_a_subject_that_is_named_too(guard: Guard) -> None:
    with guard.acting_for(DAVE):
        assert not guard.check(BOT, "read", ORDER).allowed
        assert not guard.check({**BOT, "on_behalf_of": ALICE}, "read", ORDER).allowed
        assert not guard.check("Bot::bot", "read", ORDER).allowed
    assert guard.check({**BOT, "on_behalf_of": ALICE}, "read", ORDER).allowed


def test_a_session_in_a_session_acts_for_the_outer_one(guard: Guard) -> None:
    sub = {"type": "Bot", "id": "sub"}
    outer = guard.session(BOT, context={"mfa": True}, id="outer", trace_id="t")
    with outer, guard.acting_for(DAVE), guard.session(sub) as inner:
        chain = [inner.requester["id"], inner.requester["on_behalf_of"]["id"]]  # type: ignore[index]
        assert chain == ["sub", "bot"]
        assert (inner.context, inner.session, inner.trace_id) == ({"mfa": True}, "outer", "t")
        assert not guard.check(None, "read", ORDER).allowed
    with guard.acting_for(DAVE), guard.session(sub):
        assert not guard.check(None, "read", ORDER).allowed


def test_saying_the_same_principal_twice_is_saying_it_once(guard: Guard) -> None:
    with guard.session(BOT), guard.acting_for(ALICE), guard.acting_for(copy.deepcopy(ALICE)):
        assert guard.check(None, "read", ORDER).allowed
    with guard.session(BOT), guard.acting_for(ALICE), guard.acting_for({**ALICE, "roles": []}):
        decision = guard.check(None, "read", ORDER)  # the same name with other facts is no such thing
        assert [error.code for error in decision.errors] == ["repeated-principal"]


def test_whom_a_subject_acts_for_already_is_not_said_twice(guard: Guard) -> None:
    both = {**BOT, "on_behalf_of": ALICE}
    with guard.acting_for(ALICE):
        assert guard.check(both, "read", ORDER).allowed
        with guard.session(both):
            assert guard.check(None, "read", ORDER).allowed
    with guard.acting_for(ALICE), guard.acting_for(DAVE):
        assert not guard.check(both, "read", ORDER).allowed


def test_a_situation_is_made_where_it_is_entered(guard: Guard) -> None:
    early = guard.acting_for(ALICE)
    with guard.session(BOT), guard.acting_for(DAVE), early:
        assert not guard.check(None, "read", ORDER).allowed
        with pytest.raises(RuntimeError, match="entered already"), early:
            pass


def test_what_was_given_to_a_session_cannot_be_changed_later(guard: Guard) -> None:
    facts = copy.deepcopy(DAVE)
    with guard.session(facts):
        facts["roles"] = ["support"]
        assert not guard.check(None, "read", ORDER).allowed


@pytest.mark.parametrize(
    "wrong",
    ["alice", "", "::", "User::", 7, {"type": "User", "id": "a", "role": "lead"}, {"type": "User", "id": object()}],
)
def test_a_situation_that_cannot_be_meant_is_refused_where_it_is_written(guard: Guard, wrong: Any) -> None:
    with pytest.raises(ValueError):
        guard.acting_for(wrong)
    with pytest.raises(ValueError):
        guard.session(wrong)


def test_a_session_cannot_set_the_time(guard: Guard) -> None:
    with pytest.raises(ValueError, match="the guard sees to"):
        guard.session(BOT, context={"now": "2026-01-01T00:00:00Z"})


def test_threads_begin_with_nobody(guard: Guard) -> None:
    found: list[bool] = []
    with guard.session(BOT):
        thread = threading.Thread(target=lambda: found.append(guard.check(None, "read", ORDER).allowed))
        thread.start()
        thread.join()
    assert found == [False]


def test_threads_do_not_see_each_other(guard: Guard) -> None:
    gate = threading.Barrier(8)
    wrong: list[str] = []

    def act(number: int) -> None:
        principal = ALICE if number % 2 else DAVE
        with guard.session(BOT), guard.acting_for(principal):
            gate.wait()
            for _ in range(50):
                if guard.check(None, "read", ORDER).allowed is not bool(number % 2):
                    wrong.append(principal["id"])  # type: ignore[arg-type]

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_tasks_do_not_see_each_other_and_their_children_do(guard: Guard) -> None:
    async def child() -> bool:
        await asyncio.sleep(0)
        return guard.check(None, "read", ORDER).allowed

    async def act(principal: dict[str, Any]) -> list[bool]:
        with guard.session(BOT), guard.acting_for(principal):
            found = []
            for _ in range(20):
                await asyncio.sleep(0)
                found.append(guard.check(None, "read", ORDER).allowed)
            found.append(await asyncio.create_task(child()))
            found.append(await asyncio.to_thread(lambda: guard.check(None, "read", ORDER).allowed))
            return found

    async def both() -> list[list[bool]]:
        return await asyncio.gather(act(ALICE), act(DAVE), act(ALICE))

    assert asyncio.run(both()) == [[True] * 22, [False] * 22, [True] * 22]


def test_two_guards_have_their_own_situations() -> None:
    one, other = Guard(program()), Guard(program())
    with one.session(BOT):
        assert one.check(None, "read", ORDER).allowed
        assert not other.check(None, "read", ORDER).allowed


# --- blocks


def test_a_block_runs_only_if_it_is_let_through(guard: Guard) -> None:
    ran = []
    with guard.guarded(BOT, "read", ORDER) as decision:
        ran.append(decision.allowed)
    with pytest.raises(PermissionDenied), guard.guarded(DAVE, "read", ORDER):
        ran.append(False)
    assert ran == [True]


def test_a_block_is_one_call(guard: Guard) -> None:
    block = guard.guarded(BOT, "read", ORDER)
    with block:
        pass
    with pytest.raises(RuntimeError, match="one call"), block:
        pass


def test_a_block_may_be_async(guard: Guard) -> None:
    async def run() -> bool:
        async with guard.guarded(BOT, "read", ORDER) as decision:
            await asyncio.sleep(0)
            return bool(decision.allowed)

    assert asyncio.run(run())


# --- discovery


def test_discovery_is_for_whoever_is_calling() -> None:
    guard = Guard(program())
    discovered: Callable[[], set[str]] = lambda: {found.action for found in guard.discover()}  # noqa: E731
    with guard.session(BOT):
        assert discovered() == {"read", "refund", "send"}
        with guard.acting_for(DAVE):
            assert discovered() == set()


def test_without_anybody_nothing_is_discovered(tmp_path: Any) -> None:
    guard = Guard(program(), approvals=tmp_path / "approvals.db")
    with pytest.warns(GuardWarning, match="nobody is said to be calling"):
        assert guard.discover() == ()
