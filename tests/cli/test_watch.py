"""`kynara check --watch`: what makes it check again, what it survives, and how it ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from kynara_lang.cli import watch as watching
from kynara_lang.cli.options import Stop
from kynara_lang.cli.watch import watch
from tests.cli.project import POLICY, ROOT, Run

Step = Callable[[], object]


def at_noon() -> time.struct_time:
    return time.strptime("12:00:00", "%H:%M:%S")


def runs_during(steps: list[Step], *, paths: tuple[str, ...] = ("policies",), run: Step = lambda: None) -> list[int]:
    """Watch while some steps are taken, one a look; return after how many steps there was a run."""
    runs: list[int] = []
    slept = 0

    def sleep(seconds: float) -> None:
        nonlocal slept
        assert seconds == watching.INTERVAL
        if slept == len(steps):
            raise KeyboardInterrupt
        steps[slept]()
        slept += 1

    def count() -> None:
        runs.append(slept)
        run()

    with pytest.raises(KeyboardInterrupt):
        watch(count, paths, None, sleep=sleep, clock=at_noon)
    return runs


def nothing() -> None:
    pass


def test_without_a_change_there_is_one_run(project: Path) -> None:
    assert runs_during([nothing] * 5) == [0]


def test_whatever_a_check_reads_makes_it_run_again(project: Path) -> None:
    policies, library, settings = project / "policies", project / "lib" / "acme", project / "kynara.toml"
    library.mkdir(parents=True)
    (library / "base.kyn").write_text("trait Kept")
    (project / "elsewhere").mkdir()
    baseline = project / "known.json"
    steps: list[Step] = [
        lambda: (policies / "shop.kyn").write_text(POLICY + "\n"),
        nothing,
        lambda: (policies / "more.kyn").write_text("role a"),
        lambda: (policies / "more.kyn").write_text("role b"),
        lambda: (policies / "more.kyn").unlink(),
        lambda: settings.write_text('libraries = ["lib"]\nbaseline = "known.json"'),
        lambda: (library / "base.kyn").write_text("trait Held"),
        lambda: (library / "new.kyn").write_text("trait New"),
        lambda: baseline.write_text("{}"),
        lambda: settings.write_text("broken ="),
        lambda: settings.unlink(),
        nothing,
        lambda: (project / "pyproject.toml").write_text(""),
        lambda: (project / "notes.txt").write_text("no policy"),
        lambda: (project / "elsewhere" / "other.kyn").write_text("no policy of this program"),
    ]
    assert runs_during(steps) == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13]


def test_the_configuration_says_what_is_watched(project: Path) -> None:
    settings = project / "kynara.toml"
    settings.write_text('policies = "policies"')
    steps: list[Step] = [
        lambda: (project / "broken" / "shop.kyn").write_text("role a"),
        lambda: settings.write_text('policies = "broken"'),
        lambda: (project / "broken" / "shop.kyn").write_text("role b"),
        lambda: (project / "policies" / "shop.kyn").write_text("role c"),
    ]
    assert runs_during(steps, paths=()) == [0, 2, 3]


def test_what_is_missing_for_a_moment_comes_back(project: Path) -> None:
    steps: list[Step] = [
        lambda: (project / "policies").rename(project / "away"),
        nothing,
        lambda: (project / "away").rename(project / "policies"),
    ]
    assert runs_during(steps) == [0, 1, 3]


def test_what_is_saved_while_a_check_is_made_is_not_missed(project: Path) -> None:
    left = ["role a", "role b"]

    def run() -> None:
        if left:
            (project / "policies" / "more.kyn").write_text(left.pop())

    assert runs_during([nothing] * 3, run=run) == [0, 0, 0]


def test_a_run_that_ends_with_an_error_is_told_and_not_the_end(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise Stop("there is no policy", "look for one")

    assert runs_during([lambda: (project / "policies" / "shop.kyn").unlink()], run=run) == [0, 1]
    stderr = capsys.readouterr().err
    once = "error: there is no policy\nhelp: look for one\n12:00:00: waiting for changes; Ctrl-C ends\n"
    assert stderr == once * 2


def test_a_command_line_that_is_wrong_is_the_end_at_once_but_not_later(project: Path) -> None:
    def wrong() -> None:
        raise click.UsageError("no")

    with pytest.raises(click.UsageError):
        watch(wrong, ["policies"], None, sleep=lambda seconds: None)
    first = [True]

    def wrong_later() -> None:
        if not first.pop():
            raise click.UsageError("no")
        first.append(False)

    first[:] = [True]
    assert runs_during([lambda: (project / "policies" / "shop.kyn").unlink()], run=wrong_later) == [0, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-"],
        ["policies", "-"],
        ["policies", "--fix"],
        ["policies", "--unsafe-fixes"],
        ["policies", "--diff"],
        ["policies", "--write-baseline", "known.json"],
        ["policies", "--baseline", "-"],
    ],
)
def test_what_reads_standard_input_or_writes_cannot_be_watched(kynara: Run, arguments: list[str]) -> None:
    result: Result = kynara("check", "--watch", *arguments, input="role a")
    assert result.exit_code == 2
    assert "--watch only checks: it reads no standard input, and writes nothing." in result.stderr


def test_without_anything_to_watch_it_does_not_begin(kynara: Run) -> None:
    result = kynara("check", "--watch")
    assert result.exit_code == 2
    assert "Give a PATH" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
def test_in_a_process_of_its_own(project: Path) -> None:
    policy = project / "policies" / "shop.kyn"
    process = subprocess.Popen(
        [sys.executable, "-m", "kynara_lang.cli.main", "check", "policies", "--watch", "--select", "KYN1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: queue.Queue[str] = queue.Queue()
    stderr = process.stderr
    reader = threading.Thread(target=lambda: [lines.put(line) for line in stderr], daemon=True)
    reader.start()

    def told() -> str:
        summary, waiting = lines.get(timeout=30), lines.get(timeout=30)
        assert waiting.endswith(": waiting for changes; Ctrl-C ends\n")
        return summary

    try:
        assert told() == "All good: 3 rules in 1 file\n"
        policy.write_text("permit", encoding="utf-8")
        assert told() == "Found 1 error in 1 file\n"
        policy.unlink()
        assert told() == "error: the folder `policies` contains no `.kyn` files\n"
        policy.write_text(POLICY, encoding="utf-8")
        assert told() == "All good: 3 rules in 1 file\n"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert process.returncode == 130
    assert "error[KYN001]" in process.stdout.read()
    reader.join(timeout=30)
    assert "".join(lines.queue).strip() == ""
