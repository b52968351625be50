"""Signs of life: what a terminal shows while a check takes long, and that nobody else sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.project import ROOT

CODE = """
import sys, time
from kynara_lang.cli import output
from kynara_lang.cli.main import cli
from kynara_lang.syntax import parser
output.PATIENCE = float(sys.argv.pop(1))
read = parser.read
def slowly(*arguments):
    time.sleep(0.03)
    return read(*arguments)
parser.read = slowly
cli.main(sys.argv[1:], prog_name="kynara")
"""


def on_a_terminal(patience: float, *arguments: str) -> tuple[int, str]:
    """Run `kynara` with a terminal as standard error; return its exit code and what the terminal was sent."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(patience), *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    stdout, _ = process.communicate(timeout=60)
    assert b"checking" not in stdout
    return process.returncode, shown.decode()


@pytest.fixture
def many(project: Path) -> Path:
    folder = project / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"f{number}.kyn").write_text(f"role r{number}\n", encoding="utf-8")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="terminals are different there")
def test_a_long_check_shows_how_many_files_are_done_and_takes_it_away(many: Path) -> None:
    code, shown = on_a_terminal(0.1, "check", "many", "--select", "KYN1")
    assert code == 0
    assert "checking 40 files" in shown
    assert "/40" in shown
    assert any(f"{done}/40" in shown for done in range(5, 40)), "it moves on"
    last = shown.rstrip().splitlines()[-1]
    assert last.endswith("All good: 0 rules in 40 files")
    assert "\x1b[2K" in shown.rpartition("/40")[2], "the line of the bar is erased"


@pytest.mark.skipif(os.name == "nt", reason="terminals are different there")
def test_a_short_check_shows_none(many: Path) -> None:
    assert on_a_terminal(30, "check", "many", "--select", "KYN1") == (0, "All good: 0 rules in 40 files\r\n")
