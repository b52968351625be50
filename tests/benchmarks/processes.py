"""Runs commands in processes of their own, and tells how long each took and how much memory it had at most.

A process that is started by a large one counts the memory of that one as its own peak, for as long as it takes to
replace it. So every command is started by a tiny one, which waits for it and says what it took.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]

_STARTER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
taken = time.perf_counter() - start
scale = 1024 if sys.platform != "darwin" else 1
worked, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * scale / 1e6
print("\\n%r %r %r %r" % (taken, worked, peak, os.waitstatus_to_exitcode(status)), file=sys.stderr)
"""


@frozen
class Ran:
    """How a command ended: its seconds from start to end, those of processors, its peak of memory, code and output."""

    seconds: float
    worked: float
    peak_mb: float
    code: int
    output: str
    errors: str


def run(
    arguments: Sequence[str],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    to: Path | None = None,
) -> Ran:
    """Run Python with some arguments; its output goes to a file where one is named."""
    command = [sys.executable, "-I", "-S", "-c", _STARTER, sys.executable, *arguments]
    given = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    with open(to or os.devnull, "wb") as file:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=file if to else subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
    errors, _, said = ended.stderr.decode("utf-8", "replace").rstrip("\n").rpartition("\n")
    seconds, worked, peak, code = said.split()
    output = "" if ended.stdout is None else ended.stdout.decode("utf-8", "replace")
    return Ran(float(seconds), float(worked), float(peak), int(code), output, errors)


def must(
    arguments: Sequence[str],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    fine: Sequence[int] = (0,),
) -> Ran:
    """Run Python, and stop the benchmark if it fails: what went wrong quickly is not fast."""
    ran = run(arguments, folder, environment)
    if ran.code not in fine:
        shown = " ".join(arguments)
        raise SystemExit(f"{shown} ended with {ran.code}:\n{ran.output[-2000:]}{ran.errors[-2000:]}")
    return ran


def told(
    arguments: Sequence[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Run a program that prints one line of JSON, and return that; its process's peak stands in it, too."""
    ran = must(arguments, folder, environment)
    found: dict[str, float] = json.loads(ran.output)
    return {**found, "process_seconds": ran.seconds, "peak_mb": ran.peak_mb}
