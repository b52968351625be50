"""What only real processes show: kills, several writers, the order of system calls, clocks and disks that are full.

`strace` and `faketime` must be there (`.ci/run` installs them): without them these tests fail.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kynara_lang.audit import Log, read_log, verify
from tests.audit.logs import FIRST, both

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

APPEND = """
import os, sys
from kynara_lang.audit import Log, LogError
try:
    log = Log.open(sys.argv[1])
except LogError as error:
    os.write(1, f"{error.code}\\n".encode())
    sys.exit()
for number in range(int(sys.argv[2])):
    try:
        receipt = log.append("decision", {"number": number, "text": "x" * int(sys.argv[3])})
        os.write(1, f"{receipt.seq} {receipt.hash}\\n".encode())
    except LogError as error:
        os.write(1, f"{error.code}\\n".encode())
"""


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"this test needs `{name}`; .ci/run installs it: apt-get install {name}"
    return found


def append(log: Path, count: int = 3, size: int = 10, before: list[str] | None = None) -> list[str]:
    """Append in a process of its own; return a line for each record: its number and hash, or the code of an error."""
    command = [*(before or []), sys.executable, "-c", APPEND, str(log), str(count), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


def command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit.processes", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(log: Path, answers: list[str]) -> None:
    """Open a log again; what was answered must be there, and everything in order."""
    with Log.open(log) as opened:
        opened.append("decision", {"after": "all"})
    stored = {f"{entry.seq} {entry.hash}" for entry in read_log(log)}
    assert {answer for answer in answers if " " in answer} <= stored
    assert both(log).ok


def test_killed_processes_lose_nothing_that_was_acknowledged() -> None:
    printed = command("kill", "--count", "48")
    assert re.fullmatch(r"48 kills, [1-9]\d* acknowledged records, none lost; .*\n", printed)


def test_processes_that_write_at_the_same_time_make_one_dense_chain() -> None:
    assert "8 processes, 1600 records, dense" in command("many", "--records", "200")


# --- system calls


def traced(log: Path, where: Path, *options: str, count: int = 3) -> tuple[list[str], list[str]]:
    trace = where / "trace"
    calls = "trace=pwrite64,fdatasync,write,fsync,ftruncate,flock"
    answers = append(log, count, before=[tool("strace"), "-f", "-y", "-o", str(trace), "-e", calls, *options])
    return answers, trace.read_text().splitlines()


def test_every_answer_comes_after_the_write_and_the_flush(tmp_path: Path) -> None:
    answers, calls = traced(tmp_path / "log", tmp_path)
    assert len(answers) == 3
    steps = []
    for call in calls:
        if found := re.search(r"(pwrite64|fdatasync)\(\d+<[^>]*/([a-z0-9]+)(?:\.records)?>", call):
            steps.append("note" if found[2] == "acknowledged" else found[1])
        elif re.search(r"write\(1<", call):
            steps.append("answer")
        elif "flock(" in call:
            steps.append("lock" if "LOCK_EX" in call else "unlock")
    one = ["lock", "pwrite64", "fdatasync", "note", "unlock"]
    assert steps == [*one, *[*one, "answer"] * 3]


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_flush_that_the_system_fails_is_final(when: int, tmp_path: Path) -> None:
    answers, _ = traced(tmp_path / "log", tmp_path, "-e", f"inject=fdatasync:error=EIO:when={when}")
    # The first is that of opening, after which there is no log; whatever was answered came before.
    assert [a for a in answers if " " not in a] == ["failed"] * (1 if when == 1 else 5 - when)
    check(tmp_path / "log", answers)


@pytest.mark.parametrize("when", [3, 5, 6])
def test_a_write_that_the_system_refuses(when: int, tmp_path: Path) -> None:
    answers, calls = traced(tmp_path / "log", tmp_path, "-e", f"inject=pwrite64:error=ENOSPC:when={when}")
    errors = [a for a in answers if " " not in a]
    records = "records>" in next(call for call in calls if "INJECTED" in call)
    assert errors == ["full"] if records else errors[0] == "failed"
    check(tmp_path / "log", answers)


@pytest.mark.parametrize(("call", "when"), [("pwrite64", 3), ("fdatasync", 2), ("pwrite64", 4), ("fdatasync", 3)])
def test_a_process_that_is_killed_in_a_system_call(call: str, when: int, tmp_path: Path) -> None:
    answers, _ = traced(tmp_path / "log", tmp_path, "-e", f"inject={call}:signal=KILL:when={when}")
    assert len(answers) < 3
    check(tmp_path / "log", answers)


# --- clocks


def test_a_clock_that_is_turned_back(tmp_path: Path) -> None:
    log = tmp_path / "log"
    answers = append(log, 2)
    answers += append(log, 2, before=[tool("faketime"), "2001-02-03 04:05:06"])
    answers += append(log, 2)
    check(log, answers)
    times = [entry.record["time"] for entry in read_log(log)]
    assert [time[:4] == "2001" for time in times[:9]] == [False] * 4 + [True] * 3 + [False] * 2
    assert any("the clock went back before record 4" in told for told in verify(log).observations)


# --- disks


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A tmpfs of 256 KiB, in a mount namespace of its own; where that is not permitted, a file that may not grow."""
    script = tmp_path / "full"
    mount = f"mount -t tmpfs -o size=256k none {tmp_path}/small"
    script.write_text(
        f'#!/bin/sh\nset -e\n{mount}\n"$@"\ncp -r {tmp_path}/small/log {tmp_path}/kept\n', encoding="utf-8"
    )
    script.chmod(0o700)
    (tmp_path / "small").mkdir()
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here; the next test has a disk that refuses to grow")
    answers = append(tmp_path / "small" / "log", 400, 1000, before=[*namespace, str(script)])
    assert answers.count("full") > 100
    assert sum(" " in answer for answer in answers) > 100
    assert set(answers[-100:]) == {"full"}
    check(tmp_path / "kept", answers)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    limit = ["sh", "-c", 'ulimit -f 100; exec "$@"', "sh"]  # blocks of 512 bytes
    answers = append(tmp_path / "log", 100, 1000, before=limit)
    assert answers.count("full") > 20
    assert sum(" " in answer for answer in answers) > 20
    assert (tmp_path / "log" / FIRST).stat().st_size <= 51_200
    check(tmp_path / "log", answers)
