"""`kynara approvals`: what an approver sees, and what becomes of the answer."""

import json
import os
import pty
import select
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.audit import read_log
from kynara_lang.guard import ApprovalRequired, ApprovalStore, Guard
from tests.cli.project import ROOT, Run
from tests.guard.programs import TEXT

NOTE = 'all of it\n\x1b[2J\x07\u202e\u200b"\\' + "long " * 200


@pytest.fixture
def home(project: Path) -> Path:
    (project / "policies" / "shop.kyn").write_text(TEXT, encoding="utf-8")
    people = [{"type": "User", "id": "lea", "roles": ["lead"]}, {"type": "User", "id": "dave", "roles": []}]
    (project / "people.json").write_text(json.dumps(people), encoding="utf-8")
    return project


ALICE = {"type": "User", "id": "alice", "roles": ["support"]}


def ask(home: Path, amount: str = "80.00", note: str | None = None) -> str:
    """Make a call that has to wait; return the id of what it waits for."""
    guard = Guard(home / "policies", approvals=home / "approvals.db")
    args = {"amount": amount} if note is None else {"amount": amount, "note": note}
    with guard.session("Bot::bot", id="s-1"), guard.acting_for(ALICE), pytest.raises(ApprovalRequired) as waiting:
        guard.enforce(None, "refund", "Order::o-1", args=args)
    assert waiting.value.approval is not None
    return waiting.value.approval.id


APPROVE = ["--store", "approvals.db", "--policies", "policies"]
LEA = [*APPROVE, "--as", "User::lea", "--role", "lead", "--yes"]


def stored(id: str) -> Any:
    return ApprovalStore("approvals.db").get(id)


# --- looking


def test_the_list_shows_what_waits(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "list", "--store", "approvals.db")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{id}  pending, 3 h 59 min left")
    assert line.endswith('Bot::"bot" for User::"alice" wants to refund Order::"o-1"')


def test_the_list_can_show_the_rest(home: Path, kynara: Run) -> None:
    one, other = ask(home, "60.00"), ask(home, "70.00")
    assert kynara("approvals", "reject", one, *LEA).exit_code == 0
    listed = kynara("approvals", "list", "--store", "approvals.db").stdout
    assert (other in listed, one in listed) == (True, False)
    everything = kynara("approvals", "list", "--store", "approvals.db", "--all").stdout
    assert f"{one}  rejected" in everything
    assert other in everything
    assert kynara("approvals", "list", "--store", "approvals.db", "--state", "rejected").stdout.startswith(one)
    assert kynara("approvals", "list", "--store", "approvals.db", "--state", "consumed").stdout == "there is none\n"
    found = json.loads(kynara("approvals", "list", "--store", "approvals.db", "--all", "--format", "json").stdout)
    assert [(a["id"], a["state"]) for a in found] == [(one, "rejected"), (other, "pending")]


def test_an_empty_list_says_so(home: Path, kynara: Run) -> None:
    ApprovalStore("approvals.db")
    assert kynara("approvals", "list", "--store", "approvals.db").stdout == "nothing waits for an approval\n"
    assert kynara("approvals", "list", "--store", "approvals.db", "--format", "json").stdout == "[]\n"


def test_the_exact_call_is_shown_and_nothing_of_it_can_act(home: Path, kynara: Run) -> None:
    id = ask(home, note=NOTE)
    result = kynara("approvals", "show", id, *APPROVE)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    shown = next(line for line in lines if line.startswith("  args.note = "))
    assert json.loads(shown.removeprefix("  args.note = ")) == NOTE
    assert '  args.amount = "80.00"' in lines
    assert '  resource = Order::"o-1"' in lines
    assert '  subject = Bot::"bot"' in lines
    assert '  acting for = User::"alice"' in lines
    assert '  User::"alice".roles = ["support"]' in lines
    assert any(line.startswith("  context.now = ") for line in lines)
    assert "  shop.large: 1 of User with role lead, for 4 h" in lines
    assert not any(ord(c) < 32 or c in "\u202e\u200b\x7f" for c in result.stdout.replace("\n", ""))


def test_names_cannot_pretend_to_be_other_lines(home: Path, kynara: Run) -> None:
    guard = Guard(home / "policies", approvals=home / "approvals.db")
    with pytest.raises(ApprovalRequired):
        guard.enforce(
            {"type": "Bot", "id": 'bot"\n  args.amount = 1'},
            "refund",
            "Order::o-1",
            args={"amount": 80, 'x = 1\n  resource = Order::"cheap"': 1},
        )
    (asked,) = ApprovalStore("approvals.db").requests()
    lines = kynara("approvals", "show", asked.id, *APPROVE).stdout.splitlines()
    assert [line for line in lines if line.startswith("  args.amount")] == ["  args.amount = 80"]
    assert [line for line in lines if line.startswith("  resource")] == ['  resource = Order::"o-1"']
    assert '  args."x = 1\\n  resource = Order::\\"cheap\\"" = 1' in lines


def test_json_has_the_numbers_as_they_are(home: Path, kynara: Run) -> None:
    guard = Guard(home / "policies", approvals=home / "approvals.db")

    @guard.tool(action="refund", resource="Order::{order}")
    def refund(order: str, amount: float) -> None: ...

    with guard.session("Bot::bot"), pytest.raises(ApprovalRequired):
        refund("o", 80.1)
    (asked,) = ApprovalStore("approvals.db").requests()
    result = kynara("approvals", "show", asked.id[:5], *APPROVE, "--format", "json")
    assert '"amount":80.1' in result.stdout
    told = json.loads(result.stdout)
    assert (told["id"], told["verified"], told["problem"]) == (asked.id, True, None)
    assert result.stdout.isascii()


def test_without_policies_a_call_is_shown_and_not_compared(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "show", id, "--store", "approvals.db")
    assert result.exit_code == 0
    assert "not compared with its digest: give --policies" in result.stdout


# --- answering


def test_approved_at_the_command_line_and_then_allowed(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "approve", id, *LEA, "--note", "fine")
    assert result.exit_code == 0
    assert '  args.amount = "80.00"' in result.stdout
    assert f"{id} is approved: the call can be made once, within 3 h 59 min" in result.stdout
    assert stored(id).answers[0].note == "fine"
    guard = Guard(home / "policies", approvals=home / "approvals.db")
    with guard.session("Bot::bot"), guard.acting_for(ALICE):
        assert guard.enforce(None, "refund", "Order::o-1", args={"amount": "80.00"}).allowed
    again = kynara("approvals", "approve", id, *LEA)
    assert again.exit_code == 1
    assert "is consumed since" in again.stderr


def test_a_quorum_waits_for_the_rest(home: Path, kynara: Run) -> None:
    id = ask(home, "600.00")
    result = kynara("approvals", "approve", id, *LEA)
    assert f"{id} has your approval, and is still pending: shop.two_people waits for 1 more approver" in result.stdout
    told = json.loads(
        kynara(
            "approvals", "approve", id, *APPROVE, "--as", "User::max", "--role", "support", "--yes", "--format", "json"
        ).stdout
    )
    assert (told["state"], told["missing"]) == ("approved", {})


def test_rejected_at_the_command_line(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "reject", id, *LEA, "--note", "ask for less")
    assert result.exit_code == 0
    assert f"{id} is rejected: the call is denied until " in result.stdout
    assert stored(id).state == "rejected"


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (["--as", "User::max", "--role", "support"], "User::max may not answer this"),
        (["--as", "User::alice", "--role", "lead"], 'User::"alice" asks for this and cannot approve it'),
        (["--as", "User::dave", "--role", "lead", "--entities", "people.json"], "User::dave may not answer this"),
    ],
)
@pytest.mark.parametrize("what", ["approve", "reject"])
def test_who_may_not_answer_is_told_who_may(home: Path, kynara: Run, what: str, who: list[str], why: str) -> None:
    id = ask(home)
    result = kynara("approvals", what, id, *APPROVE, *who, "--yes")
    assert result.exit_code == 1
    assert why in result.stderr
    assert "shop.large asks for User with role lead" in result.stderr
    assert stored(id).answers == ()


def test_the_entity_store_says_who_may(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "approve", id, *APPROVE, "--as", "User::lea", "--entities", "people.json", "--yes")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["approve", "nothing", *LEA], 1, "there is no request for approval `nothing`"),
        (
            ["approve", "x", "--store", "none.db", "--policies", "policies", "--as", "User::lea", "--yes"],
            2,
            "no approval store",
        ),
        (["approve", "x", *APPROVE, "--as", "lea", "--yes"], 2, "not TYPE::ID"),
        (["approve", "x", *APPROVE], 2, "--as"),
        (["approve", "x", "--store", "approvals.db", "--as", "User::lea"], 2, "Give a PATH"),
        (["list"], 2, "--store"),
        (["list", "--store", "people.json"], 2, "failed"),
        (["show", "x", "--store", "none.db"], 2, "no approval store"),
        (["nonsense"], 2, "nonsense"),
        (["list", "--store", "approvals.db", "--state", "odd"], 2, "odd"),
    ],
)
def test_mistakes_are_told(home: Path, kynara: Run, arguments: list[str], code: int, said: str) -> None:
    ask(home)
    result = kynara("approvals", *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_another_policy_is_told_before_anything_is_answered(home: Path, kynara: Run) -> None:
    id = ask(home)
    (home / "policies" / "shop.kyn").write_text(TEXT.replace("50.00", "60.00"), encoding="utf-8")
    for command in (["approve", id, *LEA], ["show", id, *APPROVE]):
        result = kynara("approvals", *command)
        assert result.exit_code == 1
        assert "asked for under another policy" in result.stderr
    assert stored(id).answers == ()


def test_a_call_that_was_changed_in_the_store_is_not_approved(home: Path, kynara: Run) -> None:
    id = ask(home)
    with sqlite3.connect("approvals.db") as database:
        database.execute("UPDATE approval SET request = replace(request, '80.00', '51.00')")
    database.close()
    for command in (["approve", id, *LEA], ["show", id, *APPROVE]):
        result = kynara("approvals", *command)
        assert result.exit_code == 1
        assert "the store was changed" in result.stderr
    shown = kynara("approvals", "show", id, *APPROVE, "--format", "json")
    assert json.loads(shown.stdout)["verified"] is False
    assert stored(id).answers == ()


def test_nobody_is_asked_where_there_is_no_terminal(home: Path, kynara: Run) -> None:
    id = ask(home)
    result = kynara("approvals", "approve", id, *LEA[:-1], input="y\n")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert stored(id).answers == ()


@pytest.mark.parametrize(
    ("typed", "code", "state"), [("y\n", 0, "approved"), ("n\n", 1, "pending"), ("\n", 1, "pending")]
)
def test_at_a_terminal_one_is_asked(home: Path, typed: str, code: int, state: str) -> None:
    id = ask(home)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "kynara_lang.cli.main", "approvals", "approve", id, *LEA[:-1]]
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    os.close(follower)
    shown = read_until(leader, "approve this call? [y/N]:")
    assert 'args.amount = "80.00"' in shown
    os.write(leader, typed.encode())
    assert process.wait(60) == code
    os.close(leader)
    assert stored(id).state == state


def read_until(terminal: int, text: str) -> str:
    found, end = "", time.monotonic() + 60
    while text not in found:
        assert time.monotonic() < end, found
        if select.select([terminal], [], [], 0.1)[0]:
            found += os.read(terminal, 4096).decode()
    return found


def test_the_answer_can_be_recorded_too(home: Path, kynara: Run) -> None:
    one, other = ask(home, "600.00"), ask(home, "70.00")
    steps = [
        ["approve", one, *LEA, "--log", "log"],
        ["approve", one, *APPROVE, "--as", "User::max", "--role", "support", "--yes", "--log", "log"],
        ["reject", other, *LEA, "--log", "log"],
    ]
    for step in steps:
        assert kynara("approvals", *step).exit_code == 0
    bodies = [entry.record["body"] for entry in read_log("log") if entry.record["kind"] == "approval"]
    assert [(b["step"], b["by"]["id"], b["approval"]["id"]) for b in bodies] == [
        ("granted", "lea", one),
        ("approved", "max", one),
        ("rejected", "lea", other),
    ]


def test_a_log_that_cannot_be_written_is_said(home: Path, kynara: Run) -> None:
    id = ask(home)
    (home / "log").write_text("no log", encoding="utf-8")
    result = kynara("approvals", "approve", id, *LEA, "--log", "log")
    assert result.exit_code == 2
    assert "log" in result.stderr
    assert stored(id).state == "pending"  # what cannot be recorded is not done
