"""`kynara diff`: who gains and who loses, with a request for each; revisions of git; exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .project import Run

OLD = """\
subject User { tenant: String }
resource Order { tenant: String  total: Decimal }
action read on Order
action refund on Order (amount: Decimal) effects irreversible
role support
permit refunds "Support refunds" {
  subject User with role support  action refund  resource Order
  scope subject.tenant == resource.tenant  when args.amount <= 50.00
}
permit reads "People read" { subject User  action read  resource Order  scope subject.tenant == resource.tenant }
"""
NEW = OLD.replace("50.00", "100.00")
NARROWER = OLD.replace("scope subject.tenant == resource.tenant }", "scope subject.tenant == resource.tenant when resource.total < 9.00 }")


@pytest.fixture
def versions(kynara: Run, project: Path) -> Run:
    for name, text in (("old", OLD), ("new", NEW), ("narrower", NARROWER)):
        (project / name).mkdir()
        (project / name / "shop.kyn").write_text(text, encoding="utf-8")
    return kynara


def test_who_gains_is_told_with_the_condition_and_a_request(versions: Run) -> None:
    result = versions("diff", "old", "new", "--no-new-access")
    assert result.exit_code == 1
    assert result.stdout.startswith("More access: User refund Order\n  User with role support may now `refund` Order\n")
    assert "when args.amount <= 100.00   (was: args.amount <= 50.00)" in result.stdout
    assert 'action   refund(amount: "50.01")' in result.stdout
    assert versions("diff", "old", "new").exit_code == 0


def test_who_loses_is_no_new_access(versions: Run) -> None:
    result = versions("diff", "old", "narrower", "--no-new-access", "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["summary"]["gains"], found["summary"]["losses"]) == (False, True)
    (lost,) = found["regions"]
    assert (lost["before"], lost["after"]) == ("allow", "deny")


def test_the_same_is_the_same(versions: Run) -> None:
    result = versions("diff", "old", "old", "--no-new-access")
    assert (result.exit_code, result.stdout) == (0, "No difference: 2 kinds of request decided alike, for sure\n")


def test_markdown_is_for_a_pull_request(versions: Run) -> None:
    shown = versions("diff", "old", "new", "--format", "markdown").stdout
    assert shown.startswith("### Policy difference\n")
    assert "```text\n" in shown


def test_recorded_requests_are_replayed(versions: Run, project: Path) -> None:
    request = {
        "subject": {"type": "User", "id": "a", "roles": ["support"], "properties": {"tenant": "x"}},
        "action": {"name": "refund", "properties": {"amount": "70.00"}},
        "resource": {"type": "Order", "id": "o", "properties": {"tenant": "x"}},
    }
    small = {**request, "action": {"name": "refund", "properties": {"amount": "7.00"}}}
    (project / "log.jsonl").write_text(f"{json.dumps(small)}\n\n{json.dumps(request)}\n", encoding="utf-8")
    result = versions("diff", "old", "new", "--replay", "log.jsonl")
    assert "request in line 3: deny -> allow\n" in result.stdout
    for broken in ("{", "\f\n"):
        (project / "log.jsonl").write_text(broken, encoding="utf-8")
        assert versions("diff", "old", "new", "--replay", "log.jsonl").exit_code == 2


def test_a_revision_of_git_is_read(versions: Run, project: Path) -> None:
    for command in (
        ["init", "-q"],
        ["add", "old"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=project, check=True)
    (project / "old" / "shop.kyn").write_text(NEW, encoding="utf-8")
    result = versions("diff", "HEAD:old", "old")
    assert "More access: User refund Order" in result.stdout
    missing = versions("diff", "nowhere:old", "old")
    assert missing.exit_code == 2
    assert "nowhere" in missing.stderr
    assert versions("diff", "--", "-x:old", "old").exit_code == 2
    assert versions("diff", "HEAD:nothing", "old").exit_code == 2


def test_a_program_with_errors_is_not_compared(versions: Run) -> None:
    result = versions("diff", "old", "broken")
    assert result.exit_code == 2
    assert "broken has errors" in result.stderr


def test_without_the_solver_nothing_is_called_equal(versions: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kynara_lang.proofs.solver_installed", lambda: False)
    result = versions("diff", "old", "new", "--no-new-access")
    assert result.exit_code == 1
    assert "unknown in 1" in result.stdout
    assert "kynara-lang[prove]" in result.stdout


class Clock:
    """A clock on which a second passes each time that it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize("seconds", [0.5, 1, 2, 3, 5])
def test_what_was_not_compared_in_time_is_unknown(versions: Run, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("kynara_lang.cli.diff.time", Clock())
    result = versions("diff", "old", "narrower", "--no-new-access", "--timeout", str(seconds), "--format", "json")
    found = json.loads(result.stdout)
    (read,) = found["slices"]
    assert found["summary"]["out_of_time"]
    assert read["losses"]["reason"] == "there was no time left"
    assert not read["losses"]["complete"]
    assert result.exit_code == (1 if read["gains"]["verdict"] == "unknown" else 0)
    assert found["summary"]["equal_by_structure"] == 1


def test_without_time_there_may_be_new_access(versions: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kynara_lang.cli.diff.time", Clock())
    result = versions("diff", "old", "new", "--no-new-access", "--timeout", "0.5")
    assert result.exit_code == 1
    assert "not settled: there was no time left\n" in result.stdout
    assert result.stdout.endswith(
        "no new access found; less in 0; unknown in 1 (give it more time with `--timeout`); 1 decided alike, for sure\n"
    )


def test_with_time_everything_is_compared(versions: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kynara_lang.cli.diff.time", Clock())
    summary = json.loads(versions("diff", "old", "narrower", "--timeout", "500", "--format", "json").stdout)["summary"]
    assert not summary["out_of_time"]
    assert not summary["unknown_gains"]
    assert summary["losses"]


WIDE = """\
subject User { tenant: String }
subject Agent { tenant: String }
resource Order { tenant: String }
resource Doc { tenant: String }
resource Note { tenant: String }
action read on Order, Doc
action write on Order, Doc
action hide on Note
role staff
permit work {
  subject User with role staff, Agent with role staff  action read, write, hide  resource any
  scope subject.tenant == resource.tenant  when resource.tenant != "b"
}
permit mine { subject User::"x", Agent::"x"  action hide  resource Note  scope any "x" }
"""


@pytest.fixture
def wide(kynara: Run, project: Path) -> Callable[[str, str], str]:
    """Return what is said of a change of the program whose rule reaches many kinds of request."""

    def change(before: str, after: str, *options: str) -> str:
        for name, text in (("a", WIDE), ("b", WIDE.replace(before, after))):
            (project / name).mkdir(exist_ok=True)
            (project / name / "p.kyn").write_text(text, encoding="utf-8")
        return kynara("diff", "a", "b", *options).stdout

    return change


def test_what_is_the_same_for_many_kinds_of_request_is_told_once(wide: Callable[..., str]) -> None:
    shown = wide(' when resource.tenant != "b"', "")
    assert shown.startswith(
        "More access: Agent, User hide Note; Agent, User read, write Doc, Order\n"
        "  Agent with role staff may now `hide` Note; likewise in the other 9 kinds of request\n"
        "    scope subject.tenant == resource.tenant\n"
        '    no longer: when resource.tenant != "b"\n'
        "    rule p.work (b/p.kyn:10)\n"
        "    for instance, deny before, allow now:\n"
    )
    assert shown.endswith("\n\nmore access in 10 kinds of request; less in 0; 0 decided alike, for sure\n")
    assert shown.count("for instance") == 1


def test_json_lists_the_kinds_of_request_of_a_region(wide: Callable[..., str]) -> None:
    found = json.loads(wide(' when resource.tenant != "b"', "", "--format", "json"))
    (region,) = found["regions"]
    places = [(s["subject"], s["action"], s["resource"]) for s in region["slices"]]
    assert len(places) == len(set(places)) == 10
    assert places == [(s["subject"], s["action"], s["resource"]) for s in found["slices"]]
    assert (region["direction"], region["witness"]["action"]["name"]) == ("gain", places[0][1])
    assert {s["gains"]["verdict"] for s in found["slices"]} == {"found"}


def test_markdown_tells_it_once_too(wide: Callable[..., str]) -> None:
    shown = wide(' when resource.tenant != "b"', "", "--format", "markdown")
    assert "**Agent, User hide Note; Agent, User read, write Doc, Order**\n" in shown
    assert shown.count("```text") == 1


def test_what_differs_between_kinds_of_request_is_told_of_each(wide: Callable[..., str]) -> None:
    narrower = wide("User with role staff, Agent with role staff ", "User, Agent with role staff ")
    assert "More access: User hide Note; User read, write Doc, Order\n" in narrower
    everyone = wide("User with role staff, Agent with role staff ", "User, Agent ")
    assert everyone.startswith("More access: Agent, User hide Note; Agent, User read, write Doc, Order\n")
    assert "    subject Agent   (was: Agent with role staff)\n" in everyone
    named = wide('User::"x", Agent::"x"', "User, Agent")
    assert '    subject Agent   (was: Agent::"x")\n' in named
    assert '    subject User   (was: User::"x")\n' in named
    lost = wide('subject User::"x", Agent::"x" ', 'subject User::"y", Agent::"y" ')
    assert '  Agent::"y" may now `hide` Note\n' in lost
    assert '  User::"y" may now `hide` Note\n' in lost


def test_what_is_unknown_for_one_reason_is_told_once(wide: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kynara_lang.cli.diff.time", Clock())
    assert wide(' when resource.tenant != "b"', "", "--timeout", "0.5").startswith(
        "Unknown: Agent, User hide Note; Agent, User read, write Doc, Order\n"
        "  not settled: there was no time left\n\nno new access found;"
    )
