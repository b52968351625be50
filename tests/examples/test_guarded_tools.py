"""The guarded tool loop: what its README shows is what happens, through the approval and after it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import kynara_lang as kynara
from kynara_lang.audit import read_log
from kynara_lang.guard import ApprovalStore, State

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "guarded_tools"
README = (STORY / "README.md").read_text(encoding="utf-8")
TEXTS = [block.strip("\n") for block in re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]


def python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def shown(beginning: str) -> str:
    """Return the block of the README that begins like this."""
    (found,) = [text for text in TEXTS if text.startswith(beginning)]
    return found


def test_the_policy_has_nothing_to_complain_of_and_its_invariant_is_proved() -> None:
    report = kynara.check(STORY / "policies", prove=True)
    assert (report.diagnostics, report.proved) == ((), 1)


def test_its_tests_pass_and_reach_every_rule_and_clause() -> None:
    python("-m", "kynara_lang.cli.main", "test", str(STORY / "policies"), "--coverage", "--min-coverage", "100")


@pytest.mark.parametrize("beginning", ["@guard.tool", "with guard.session"])
def test_the_readme_shows_lines_of_the_program(beginning: str) -> None:
    program = (STORY / "agent.py").read_text(encoding="utf-8")
    assert all(line.strip() in program for line in shown(beginning).splitlines())


def test_the_whole_story(tmp_path: Path) -> None:
    first = python(str(STORY / "agent.py"), str(tmp_path))
    assert first.strip() == shown("> look_up")

    store = ApprovalStore(tmp_path / "approvals.db")
    (waiting,) = store.requests(State.PENDING)
    commands = ("-m", "kynara_lang.cli.main", "approvals")
    where = ("--store", str(tmp_path / "approvals.db"))
    listed = python(*commands, "list", *where).strip()
    assert listed.split(" left ")[-1] == shown("e79ad4ce094c").split(" left ")[-1]

    policies = ("--policies", str(STORY / "policies"), "--entities", str(STORY / "people.json"))
    log = ("--log", str(tmp_path / "log"))
    told = python(*commands, "approve", waiting.id[:6], *where, *policies, *log, "--as", "User::lea", "--yes")
    assert shown("Agent::") in told

    second = python(str(STORY / "agent.py"), str(tmp_path))
    assert shown("> refund") in second
    assert second.replace(shown("> refund"), "") == first.replace(
        "> refund(order='o-1', amount=75.0, reason='broken')\n"
        "  refund on Order o-1 needs a person's approval before it may go ahead.",
        "",
    )
    assert python(str(STORY / "agent.py"), str(tmp_path)) == first  # it was for once
    assert [a.state for a in store.requests()] == [State.CONSUMED, State.PENDING]

    records = [entry.record for entry in read_log(tmp_path / "log")]
    steps = [r["body"]["step"] for r in records if r["kind"] == "approval"]
    assert steps == ["requested", "approved", "consumed", "requested"]
    decisions = [r["body"]["decision"] for r in records if r["kind"] == "decision"]
    assert [decisions.count(effect) for effect in ("allow", "require_approval", "deny")] == [10, 2, 9]
