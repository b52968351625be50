"""One approval, and everybody wants it: exactly one call is let through."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kynara_lang.guard import ApprovalRequired, ApprovalStore, Guard, NotAllowed, PermissionDenied, State
from kynara_lang.guard.granting import approve
from tests.guard.programs import BOT, LEA, MAX, ORDER, TEXT, program

ROOT = Path(__file__).resolve().parents[2]

THREADS = 16
USES = 1_000

IN_A_PROCESS = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kynara_lang.guard import Guard, NotAllowed
folder, uses = Path(sys.argv[1]), int(sys.argv[2])
guard = Guard(folder / "shop.kyn", approvals=folder / "approvals.db")

@guard.tool(action="refund", resource="Order::{order}")
def refund(order, amount):
    with open(folder / "done.txt", "a") as done:
        done.write("done\\n")

def use(number):
    with guard.session("Bot::bot"):
        try:
            refund("o-1", 80)
        except NotAllowed as refused:
            return refused.decision.errors[-1].code if refused.decision.errors else "waits"
        return "ran"

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(use, range(uses)))
print({what: found.count(what) for what in set(found)}, flush=True)
"""


def test_a_thousand_uses_of_one_approval_by_processes_and_threads_are_one(tmp_path: Path) -> None:
    (tmp_path / "shop.kyn").write_text(TEXT, encoding="utf-8")
    guard = Guard(tmp_path / "shop.kyn", approvals=tmp_path / "approvals.db")
    store = ApprovalStore(tmp_path / "approvals.db")
    try:
        guard.enforce(BOT, "refund", ORDER, args={"order": "o-1", "amount": 80})
    except ApprovalRequired as waiting:
        assert waiting.approval is not None
        asked = waiting.approval
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", IN_A_PROCESS, str(tmp_path), str(USES // 4)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    approve(store, guard.policies, asked.id, LEA, now=time.time_ns())
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert (tmp_path / "done.txt").read_text().splitlines() == ["done"], answers
    assert [a.state for a in store.requests()].count(State.CONSUMED) == 1
    assert store.get(asked.id).state is State.CONSUMED
    assert len(store.requests()) == 2  # and a new one is asked for, once


def test_a_thousand_uses_by_threads_are_one(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    policies = program()
    guard = Guard(policies, approvals=store)
    ran: list[int] = []
    gate = threading.Barrier(THREADS)

    @guard.tool(action="refund", resource="Order::{order}")
    def refund(order: str, amount: int) -> None:
        ran.append(amount)

    def use(number: int) -> None:
        gate.wait()
        with guard.session(BOT):
            for _ in range(USES // THREADS + 1):
                try:
                    refund("o-1", 80)
                except NotAllowed:
                    continue

    try:
        with guard.session(BOT):
            refund("o-1", 80)
    except ApprovalRequired as waiting:
        assert waiting.approval is not None
        approve(store, policies, waiting.approval.id, LEA, now=waiting.approval.opened)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(use, range(THREADS)))
    assert ran == [80]
    assert [a.state for a in store.requests()] == [State.CONSUMED, State.PENDING]


def test_many_who_ask_at_once_ask_once(tmp_path: Path) -> None:
    guard = Guard(program(), approvals=tmp_path / "approvals.db")
    gate = threading.Barrier(THREADS)

    def ask(number: int) -> str:
        gate.wait()
        try:
            guard.enforce(BOT, "refund", ORDER, args={"amount": 80})
        except ApprovalRequired as waiting:
            assert waiting.approval is not None
            return waiting.approval.id
        except PermissionDenied as denied:
            return str(denied.decision)
        return "ran"

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(ask, range(THREADS)))) == 1


@pytest.mark.parametrize("attempt", range(10))
def test_two_who_approve_at_once_are_two(tmp_path: Path, attempt: int) -> None:
    policies, store = program(), ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(policies, approvals=store)
    with pytest.raises(ApprovalRequired) as waiting:
        guard.enforce(BOT, "refund", ORDER, args={"amount": 600})
    asked = waiting.value.approval
    assert asked is not None
    gate = threading.Barrier(2)

    def answer(person: dict[str, object]) -> None:
        gate.wait()
        approve(store, policies, asked.id, person, now=asked.opened)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(answer, [LEA, MAX]))
    assert store.get(asked.id).state is State.APPROVED
    assert guard.enforce(BOT, "refund", ORDER, args={"amount": 600}).allowed


def test_processes_may_create_the_store_together(tmp_path: Path) -> None:
    code = (
        "import sys; from kynara_lang.guard import ApprovalStore\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(ApprovalStore(sys.argv[1]).requests())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "approvals.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    assert [process.communicate("go\n", timeout=60)[0] for process in processes] == ["()\n"] * 4


STEPS = """
import sys
from kynara_lang.guard import ApprovalStore
store = ApprovalStore(sys.argv[1])
sys.stdout.write(str(store.consume(sys.argv[2], int(sys.argv[3]))))
sys.stdout.flush()
"""


def test_an_approval_is_used_up_on_disk_before_anybody_hears_of_it(tmp_path: Path) -> None:
    store, policies = ApprovalStore(tmp_path / "approvals.db"), program()
    with pytest.raises(ApprovalRequired) as waiting:
        Guard(policies, approvals=store).enforce(BOT, "refund", ORDER, args={"amount": 80})
    asked = waiting.value.approval
    assert asked is not None
    approve(store, policies, asked.id, LEA, now=asked.opened)
    calls = tmp_path / "calls.txt"
    command = ["strace", "-f", "-y", "-o", str(calls), "-e", "trace=write,pwrite64,fsync,fdatasync"]
    ran = subprocess.run(
        [*command, sys.executable, "-c", STEPS, str(store.path), asked.id, str(asked.opened)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == "True"
    lines = calls.read_text().splitlines()
    answered = next(at for at, line in enumerate(lines) if "write(1" in line and '"True"' in line)
    stored = max(at for at, line in enumerate(lines[:answered]) if "pwrite64" in line and "-wal" in line)
    assert any("sync(" in line and "-wal" in line for line in lines[stored:answered]), "\n".join(lines)
