"""Links in a proposed tree: git stores them, so a pull request is enough to put one beside the policies.

CVE-2022-24904 (Argo CD) was that: what was linked was opened by somebody with more rights, and shown.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Run

COMMANDS = [
    ("check", "policies"),
    ("check", "."),
    ("check", "--no-cache", "--fix", "policies"),
    ("fmt", "policies"),
    ("test", "policies"),
    ("inspect", "policies"),
    ("decide", "policies", "--requests", "requests.jsonl"),
    ("diff", "policies", "policies"),
]


@pytest.fixture
def tree(project: Path) -> Path:
    """A checkout with a secret beside it, and one in what git keeps."""
    (project / "requests.jsonl").write_text("{}\n", encoding="utf-8")
    for secret in (project.parent / "token", project / "policies" / ".git"):
        secret.write_text("hunter2 is secret\n", encoding="utf-8")
    return project


@pytest.mark.parametrize("target", ["../../token", "/proc/self/environ", ".git"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_a_link_leads_to_is_not_shown(kynara: Run, tree: Path, command: tuple[str, ...], target: str) -> None:
    (tree / "policies" / "x.kyn").symlink_to(target)
    result = kynara(*command)
    assert result.exit_code == 2
    assert "`policies/x.kyn` is a link that leads " in result.stderr
    assert "hunter2" not in result.output
    assert "PATH=" not in result.output
    assert (tree.parent / "token").read_text(encoding="utf-8") == "hunter2 is secret\n"
