"""Approvals from the asking to the using up: what they are bound to, who may give them, and that they count once."""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.guard import ApprovalError, ApprovalRequired, ApprovalStore, Guard, PermissionDenied, State, StoreError
from kynara_lang.guard.approvals import Approval
from kynara_lang.guard.granting import approve, reject, verified
from kynara_lang.runtime.decision import Effect
from tests.guard.programs import (
    ALICE,
    BOT,
    DAVE,
    HOUR,
    KIM,
    LEA,
    MAX,
    ORDER,
    START,
    TEXT,
    Kept,
    SetClock,
    program,
)

POLICIES = program()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path) -> ApprovalStore:
    return ApprovalStore(tmp_path / "approvals.db")


@pytest.fixture
def guard(store: ApprovalStore, clock: SetClock) -> Guard:
    return Guard(POLICIES, approvals=store, clock=clock)


def ask(guard: Guard, amount: Any = "80.00", subject: Any = BOT, resource: Any = ORDER, **more: Any) -> Approval:
    """Make a call that has to wait; return what it waits for."""
    with pytest.raises(ApprovalRequired) as raised:
        guard.enforce(subject, "refund", resource, args={"amount": amount, **more})
    assert raised.value.approval is not None
    return raised.value.approval


def use(guard: Guard, amount: Any = "80.00", subject: Any = BOT, **more: Any) -> bool:
    try:
        return guard.enforce(subject, "refund", ORDER, args={"amount": amount, **more}).allowed
    except (ApprovalRequired, PermissionDenied):
        return False


# --- the whole way


def test_asked_approved_used_once(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard)
    assert (asked.state, asked.expires - asked.opened) == (State.PENDING, 4 * HOUR)
    assert [(rule.rule, rule.quorum, rule.approvers) for rule in asked.rules] == [
        ("shop.large", 1, "User with role lead")
    ]
    clock.at += HOUR
    granted = approve(store, POLICIES, asked.id, LEA, now=clock.at, note="fine")
    assert granted.approval.state is State.APPROVED
    assert granted.approval.expires == clock.at + 4 * HOUR
    decision = guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    assert decision.allowed
    assert decision.approvals[0].approved_by == ('User::"lea"',)
    used = store.get(asked.id)
    assert (used.state, used.ended) == (State.CONSUMED, clock.at)
    again = ask(guard)
    assert again.id != asked.id


def test_the_same_call_finds_the_same_request(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    first = ask(guard, "80.00")
    clock.at += 1  # the time is not part of the call
    assert ask(guard, "80.0").id == first.id
    assert ask(guard, 80).id == first.id
    guard.check(BOT, "refund", ORDER, args={"amount": 80})
    assert len(store.requests()) == 1


def test_a_check_asks_and_uses_nothing_up(guard: Guard, store: ApprovalStore) -> None:
    args = {"amount": "80.00"}
    assert guard.check(BOT, "refund", ORDER, args=args).effect is Effect.REQUIRE_APPROVAL
    (asked,) = store.requests()
    approve(store, POLICIES, asked.id, LEA, now=START)
    for _ in range(3):
        assert guard.check(BOT, "refund", ORDER, args=args).effect is Effect.REQUIRE_APPROVAL
    assert store.get(asked.id).state is State.APPROVED
    assert guard.enforce(BOT, "refund", ORDER, args=args).allowed


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "80.01"},
        {"subject": {"type": "Bot", "id": "other"}},
        {"subject": {**BOT, "on_behalf_of": ALICE}},
        {"note": "x"},
        {"undeclared": 1},
    ],
)
def test_an_approval_is_for_no_other_call(guard: Guard, store: ApprovalStore, other: dict[str, Any]) -> None:
    asked = ask(guard)
    approve(store, POLICIES, asked.id, LEA, now=START)
    assert not use(guard, **other)
    assert store.get(asked.id).state is State.APPROVED


def test_an_approval_is_for_one_resource(guard: Guard, store: ApprovalStore) -> None:
    approve(store, POLICIES, ask(guard).id, LEA, now=START)
    assert ask(guard, resource={"type": "Order", "id": "o-2"}).state is State.PENDING


def test_an_approval_is_for_one_policy(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard)
    other = program(TEXT.replace("50.00", "60.00"))
    with pytest.raises(ApprovalError, match="another policy"):
        approve(store, other, asked.id, LEA, now=START)
    approve(store, POLICIES, asked.id, LEA, now=START)
    after = Guard(other, approvals=store, clock=clock)
    assert ask(after).id != asked.id


def test_everything_is_there_after_a_restart(tmp_path: Path, clock: SetClock) -> None:
    path = tmp_path / "approvals.db"
    asked = ask(Guard(program(), approvals=path, clock=clock))
    approve(ApprovalStore(path), program(), asked.id[:6], LEA, now=START)
    assert use(Guard(program(), approvals=path, clock=clock))
    assert not use(Guard(program(), approvals=path, clock=clock))


# --- time


def test_a_request_that_nobody_answers_expires(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard)
    clock.at += 4 * HOUR - 1
    assert ask(guard).id == asked.id
    clock.at += 1
    with pytest.raises(ApprovalError, match="expired"):
        approve(store, POLICIES, asked.id, LEA, now=clock.at)
    assert ask(guard).id != asked.id
    assert store.get(asked.id).state is State.EXPIRED


def test_an_approval_that_is_not_used_expires(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard)
    clock.at += HOUR
    approve(store, POLICIES, asked.id, LEA, now=clock.at)
    clock.at += 4 * HOUR
    assert store.consume(asked.id, clock.at) is False
    assert not use(guard)
    assert store.get(asked.id).state is State.EXPIRED


def test_what_expired_does_not_come_back_when_the_clock_goes_backwards(
    guard: Guard, store: ApprovalStore, clock: SetClock
) -> None:
    asked = ask(guard)
    approve(store, POLICIES, asked.id, LEA, now=clock.at)
    clock.at += 4 * HOUR
    assert not use(guard)
    clock.at = START
    assert not use(guard)
    assert store.get(asked.id).state is State.EXPIRED


def test_an_approval_outlasts_a_clock_that_goes_back(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard, "600.00")
    approve(store, POLICIES, asked.id, MAX, now=clock.at - HOUR // 2)
    approve(store, POLICIES, asked.id, LEA, now=clock.at)
    clock.at -= 10 * 10**9
    for _ in range(2):
        assert ask(guard, "600.00").id == asked.id  # it is not used, and nothing is asked anew
    assert not guard.check(BOT, "refund", ORDER, {"now": "2026-11-23T02:13:19Z"}, args={"amount": "600.00"}).allowed
    assert store.get(asked.id).state is State.APPROVED
    clock.at = START
    assert use(guard, "600.00")
    assert not use(guard, "600.00")
    assert [approval.state for approval in store.requests()] == [State.CONSUMED, State.PENDING]


def test_a_clock_that_went_back_gives_nothing_to_an_approver_who_lost_the_role(
    store: ApprovalStore, clock: SetClock
) -> None:
    before = POLICIES.bind(kynara.Entities.from_list([LEA]))
    asked = ask(Guard(before, approvals=store, clock=clock))
    approve(store, before, asked.id, "User::lea", now=START)
    guard = Guard(POLICIES.bind(kynara.Entities.from_list([{**LEA, "roles": []}])), approvals=store, clock=clock)
    clock.at -= HOUR
    assert ask(guard).id == asked.id
    clock.at = START
    assert ask(guard).id != asked.id
    assert store.get(asked.id).state is State.EXPIRED


# --- who may answer


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (MAX, "not among those who may approve"),
        (DAVE, "not among those who may approve"),
        (BOT, "asks for this"),
        ("User::lea", "not among those who may approve"),
        ({**LEA, "on_behalf_of": ALICE}, "for themselves"),
        ("lea", "Type::id"),
        ({"type": "Nobody", "id": "x"}, "Nobody"),
        ({"type": "Order", "id": "o-1"}, "subject"),
        ({"type": "User"}, "`id`"),
        ({**LEA, "role": "lead"}, "no member"),
    ],
)
def test_who_may_not_approve(guard: Guard, store: ApprovalStore, who: Any, why: str) -> None:
    asked = ask(guard)
    for answer in (approve, reject):
        with pytest.raises(ApprovalError, match=why):
            answer(store, POLICIES, asked.id, who, now=START)
    assert store.get(asked.id).answers == ()
    assert not use(guard)


def test_nobody_of_the_chain_approves(guard: Guard, store: ApprovalStore) -> None:
    asked = ask(guard, subject={**BOT, "on_behalf_of": LEA})
    with pytest.raises(ApprovalError, match="asks for this and cannot approve it"):
        approve(store, POLICIES, asked.id, LEA, now=START)
    approve(store, POLICIES, asked.id, {**LEA, "id": "other"}, now=START)
    assert use(guard, subject={**BOT, "on_behalf_of": LEA})


def test_two_rules_with_a_quorum(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    asked = ask(guard, "600.00")
    assert asked.expires - asked.opened == HOUR  # the shorter one
    granted = approve(store, POLICIES, asked.id, MAX, now=clock.at)
    assert granted.missing == {"shop.large": 1, "shop.two_people": 1}
    assert granted.approval.granted[0].rules == ("shop.two_people",)
    assert not use(guard, "600.00")
    with pytest.raises(ApprovalError, match="answered already"):
        approve(store, POLICIES, asked.id, MAX, now=clock.at)
    granted = approve(store, POLICIES, asked.id, KIM, now=clock.at)
    assert granted.missing == {"shop.large": 1}
    clock.at += HOUR // 2
    granted = approve(store, POLICIES, asked.id, LEA, now=clock.at)
    assert (granted.missing, granted.approval.state) == ({}, State.APPROVED)
    assert granted.approval.expires == START + HOUR  # as long as every answer counts
    assert use(guard, "600.00")


def test_with_an_entity_store_a_claim_to_a_role_is_worth_nothing(store: ApprovalStore, clock: SetClock) -> None:
    people = kynara.Entities.from_list([{**DAVE, "roles": []}, LEA])
    policies = POLICIES.bind(people)
    guard = Guard(policies, approvals=store, clock=clock)
    asked = ask(guard)
    with pytest.raises(ApprovalError, match="not among those"):
        approve(store, policies, asked.id, {**DAVE, "roles": ["lead"]}, now=START)
    approve(store, policies, asked.id, "User::lea", now=START)
    assert use(guard)


def test_an_approver_who_lost_the_role_meanwhile_does_not_count(store: ApprovalStore, clock: SetClock) -> None:
    before = POLICIES.bind(kynara.Entities.from_list([LEA]))
    after = POLICIES.bind(kynara.Entities.from_list([{**LEA, "roles": []}, {**LEA, "id": "eva"}]))
    asked = ask(Guard(before, approvals=store, clock=clock))
    approve(store, before, asked.id, "User::lea", now=START)
    guard = Guard(after, approvals=store, clock=clock)
    fresh = ask(guard)
    assert fresh.id != asked.id
    assert store.get(asked.id).state is State.EXPIRED
    approve(store, after, fresh.id, "User::eva", now=START)
    assert use(guard)


def test_an_approval_does_not_outweigh_a_forbid(store: ApprovalStore, clock: SetClock) -> None:
    text = (
        TEXT
        + "\nforbid locked { subject any action refund resource any when context has mfa and context.mfa == false }"
    )
    policies = program(text)
    guard = Guard(policies, approvals=store, clock=clock)
    asked = ask(guard)
    approve(store, policies, asked.id, LEA, now=START)
    args = {"amount": "80.00"}
    with pytest.raises(PermissionDenied):
        guard.enforce(BOT, "refund", ORDER, {"mfa": False}, args=args)
    assert store.get(asked.id).state is State.APPROVED  # it was not used
    assert guard.enforce(BOT, "refund", ORDER, {"mfa": True}, args=args).allowed


# --- no


def test_a_rejected_call_is_denied_until_the_request_would_have_expired(
    guard: Guard, store: ApprovalStore, clock: SetClock
) -> None:
    asked = ask(guard)
    rejected = reject(store, POLICIES, asked.id, LEA, now=START, note="too much")
    assert (rejected.state, rejected.answers[0].verdict) == (State.REJECTED, "rejected")
    with pytest.raises(PermissionDenied) as denied:
        guard.enforce(BOT, "refund", ORDER, args={"amount": "80.00"})
    (error,) = denied.value.decision.errors
    assert error.code == "approval-rejected"
    assert "User::lea" in error.message
    assert "lea" not in str(denied.value)
    assert len(store.requests()) == 1
    for answer in (approve, reject):
        with pytest.raises(ApprovalError, match="is rejected"):
            answer(store, POLICIES, asked.id, {**LEA, "id": "eva"}, now=START)
    clock.at += 4 * HOUR
    assert ask(guard).id != asked.id


def test_one_of_two_is_enough_to_say_no(guard: Guard, store: ApprovalStore) -> None:
    asked = ask(guard, "600.00")
    approve(store, POLICIES, asked.id, LEA, now=START)
    reject(store, POLICIES, asked.id, MAX, now=START)
    with pytest.raises(PermissionDenied):
        guard.enforce(BOT, "refund", ORDER, args={"amount": "600.00"})


# --- the store itself


def test_ids_may_be_shortened_as_long_as_they_are_clear(guard: Guard, store: ApprovalStore) -> None:
    asked = ask(guard)
    assert store.get(asked.id[:3]).id == asked.id
    for wrong in ("", "zz", "%", "_" * 12, asked.id + "0"):
        with pytest.raises(ApprovalError, match="no request"):
            store.get(wrong)
    others = [ask(guard, 60 + number) for number in range(40)]
    first = next(a.id[0] for a in others if sum(b.id[0] == a.id[0] for b in [*others, asked]) > 1)
    with pytest.raises(ApprovalError, match="several"):
        store.get(first)


def test_requests_are_listed_by_state(guard: Guard, store: ApprovalStore, clock: SetClock) -> None:
    one, other = ask(guard, 60), ask(guard, 70)
    approve(store, POLICIES, one.id, LEA, now=START)
    assert [a.id for a in store.requests()] == [one.id, other.id]
    assert [a.id for a in store.requests("pending")] == [other.id]
    assert [a.id for a in store.requests(State.APPROVED)] == [one.id]
    assert store.requests("pending", now=START + 4 * HOUR) == ()
    assert {a.state for a in store.requests(now=START + 4 * HOUR)} == {State.EXPIRED}


def test_the_file_is_for_its_owner_alone(store: ApprovalStore) -> None:
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600


def test_the_exact_call_is_kept(guard: Guard, store: ApprovalStore) -> None:
    note = "a\x00\n\u202e" + "long " * 10_000
    asked = ask(guard, "80.00", note=note)
    kept = store.get(asked.id)
    assert kept.request["action"]["properties"] == {"amount": "80.00", "note": note}
    assert verified(POLICIES, kept) is kept


def tampered(store: ApprovalStore, statement: str, *values: Any) -> None:
    with sqlite3.connect(store.path) as database:
        database.execute(statement, values)
    database.close()


def test_another_call_in_the_place_of_the_one_asked_for_is_noticed(guard: Guard, store: ApprovalStore) -> None:
    asked = ask(guard)
    shown = ask(guard, "60.00")
    tampered(store, "UPDATE approval SET request = replace(request, '80.00', '60.00') WHERE id = ?", asked.id)
    with pytest.raises(ApprovalError, match="the store was changed"):
        approve(store, POLICIES, asked.id, LEA, now=START)
    with pytest.raises(ApprovalError, match="not the one that was shown"):
        approve(store, POLICIES, shown.id, LEA, now=START, digest=asked.digest)
    assert store.get(asked.id).answers == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval SET request = '{'",
        "UPDATE approval SET state = 'allowed'",
        "UPDATE approval SET rules = '[1]'",
        "UPDATE approval SET rules = '[[1, 2]]'",
        "UPDATE approval SET request = x'ff'",
    ],
)
def test_a_damaged_row_is_told_and_denied(guard: Guard, store: ApprovalStore, statement: str) -> None:
    asked = ask(guard)
    tampered(store, statement)
    with pytest.raises(StoreError, match="cannot be read"):
        store.get(asked.id)
    assert not use(guard)


@pytest.mark.parametrize("content", [b"", b"not a database at all, but longer than a header of one" * 9])
def test_a_file_that_is_no_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    if not content:  # nothing was ever in it
        assert ApprovalStore(path).requests() == ()
        return
    with pytest.raises(StoreError, match="failed"):
        ApprovalStore(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(StoreError, match="something else"):
        ApprovalStore(path)


def test_a_store_of_a_later_release_is_left_alone(store: ApprovalStore) -> None:
    tampered(store, "PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="version 9"):
        ApprovalStore(store.path)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no approval store"):
        ApprovalStore(tmp_path / "none.db", create=False)
    with pytest.raises(StoreError, match="No such file"):
        ApprovalStore(tmp_path / "none" / "none.db")


def test_a_call_that_nobody_can_read_is_denied(guard: Guard, store: ApprovalStore) -> None:
    for note in ("x" * 1_048_577, "\ud800"):
        with pytest.raises(PermissionDenied):
            guard.enforce(BOT, "refund", ORDER, args={"amount": 80, "memo": note})
    assert store.requests() == ()


# --- records


def test_every_step_is_recorded(store: ApprovalStore, clock: SetClock) -> None:
    log = Kept()
    guard = Guard(POLICIES, log, store, clock=clock)
    asked = ask(guard)
    ask(guard)
    approve(store, POLICIES, asked.id, LEA, now=START)
    assert use(guard)
    ask(guard, 70)
    clock.at += 4 * HOUR
    ask(guard, 70)
    assert log.kinds() == [
        "policy",
        *("approval", "decision"),  # asked for
        "decision",
        *("approval", "decision"),  # used up
        *("approval", "decision"),
        *("approval", "approval", "decision"),  # one expired, another asked for
    ]


def test_a_program_answers_through_its_guard(store: ApprovalStore, clock: SetClock) -> None:
    log = Kept()
    guard = Guard(POLICIES, log, store, clock=clock)
    asked = ask(guard, "600.00")
    with pytest.raises(ApprovalError, match="not among those"):
        guard.approve(asked.id, DAVE)
    guard.approve(asked.id, MAX)
    guard.approve(asked.id, LEA, note="fine")
    guard.reject(ask(guard, 70).id, LEA)
    steps = [(body["step"], body["by"] and body["by"]["id"]) for body in log.of("approval")]
    assert steps == [
        ("requested", None),
        ("granted", "max"),
        ("approved", "lea"),
        ("requested", None),
        ("rejected", "lea"),
    ]
    with pytest.raises(ApprovalError, match="no approval store"):
        Guard(POLICIES).approve(asked.id, LEA)


def test_an_answer_that_is_not_recorded_is_not_taken(store: ApprovalStore, clock: SetClock) -> None:
    log = Kept()
    guard = Guard(POLICIES, log, store, clock=clock)
    asked = ask(guard)
    log.failing.add("approval")
    for answer in (guard.approve, guard.reject):
        with pytest.raises((OSError, StoreError)):
            answer(asked.id, LEA)
    assert store.get(asked.id) == asked


def test_an_approval_may_last_longer_than_the_file_can_say(store: ApprovalStore, clock: SetClock) -> None:
    policies = program(TEXT.replace("expires 4h", "expires 106000d"))
    guard = Guard(policies, approvals=store, clock=clock)
    approve(store, policies, ask(guard).id, LEA, now=START)
    assert use(guard)


def test_a_note_is_text(guard: Guard, store: ApprovalStore) -> None:
    with pytest.raises(ApprovalError, match="note"):
        approve(store, POLICIES, ask(guard).id, LEA, now=START, note="\udcff")


@pytest.mark.skipif(os.name != "posix", reason="permissions are different there")
def test_a_file_that_everybody_may_write_is_refused(store: ApprovalStore) -> None:
    store.path.chmod(0o666)
    with pytest.raises(StoreError, match="chmod o-w"):
        ApprovalStore(store.path)
    store.path.chmod(0o660)  # a group was chosen by whoever owns the file
    assert ApprovalStore(store.path).requests() == ()


def test_what_has_run_out_is_listed_as_expired(guard: Guard, store: ApprovalStore) -> None:
    asked = ask(guard)
    later = START + 4 * HOUR
    assert [a.id for a in store.requests("expired", now=later)] == [asked.id]
    assert store.requests("pending", now=later) == store.requests("expired") == ()
    with pytest.raises(ValueError):
        store.requests("open")
