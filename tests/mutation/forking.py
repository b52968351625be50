"""A pytest plugin: collects the tests once, then judges each mutant in a process forked from there.

The functions of the child get the code of the mutant in place of their own; the parent never changes. A mutant of what
runs at import (a constant, a class, a decorator) cannot be judged so, and neither can one whose effect somebody keeps
from before the fork: `fresh.py` judges these again, with the changed file on disk.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutation.groups import ROOT

_FUNCTION = 0x3  # the flags of code that belongs to a function, and not to a module or a class
_MEMORY = 6 << 30
KILLED, TIMED_OUT, SURVIVED, UNFIT = "killed", "timed out", "survived", "unfit"


class Judge:
    """Runs in place of the ordinary loop over the tests."""

    def __init__(self, work: Path) -> None:
        self.jobs = [json.loads(line) for line in (work / "jobs.jsonl").read_text(encoding="utf-8").splitlines()]
        self.results = work / "forked.jsonl"
        self.killers: dict[str, list[str]] = {}
        self.sound: dict[str, bool] = {}
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[str, list[FunctionType]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.functions = living_functions()
        gc.collect()
        gc.freeze()
        with self.results.open("a", encoding="utf-8") as out:
            for job in self.jobs:
                started = time.monotonic()
                outcome, killer = self._judge(job)
                took = round(time.monotonic() - started, 2)
                out.write(json.dumps({"name": job["name"], "outcome": outcome, "by": killer, "seconds": took}) + "\n")
                out.flush()
        return True

    def _judge(self, job: dict[str, Any]) -> tuple[str, str | None]:
        if job["at_import"]:
            return UNFIT, None
        known = self.killers.setdefault(job["path"], [])
        tests = [t for t in known if t in job["tests"]][:40] + [t for t in job["tests"] if t not in known]
        tests = [test for test in tests if test in self.items and self.sound.get(test, True)]
        if not tests:
            return SURVIVED, None
        outcome, test = self._fork(job, tests, mutate=True)
        if outcome in (KILLED, TIMED_OUT) and test is not None and test not in self.sound:
            before = tests[: tests.index(test) + 1]
            self.sound[test] = self._fork(job, before, mutate=False)[0] == SURVIVED
            if not self.sound[test]:
                return self._judge(job)
        if outcome == KILLED and test is not None:
            if test in known:
                known.remove(test)
            known.insert(0, test)
        return outcome, test

    def _fork(self, job: dict[str, Any], tests: list[str], *, mutate: bool) -> tuple[str, str | None]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _quiet()
            if mutate and not put_in_place(ROOT / job["path"], job["text"], self.functions):
                _say(writing, UNFIT)
            self._run(writing, tests, job["limits"])
            _say(writing, SURVIVED)
        os.close(writing)
        said = b""
        end = time.monotonic() + 600
        while time.monotonic() < end and select.select([reading], [], [], max(0, end - time.monotonic()))[0]:
            chunk = os.read(reading, 65536)
            if not chunk:
                break
            said += chunk
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        words = said.decode("utf-8").split("\n")
        running = [word[1:] for word in words if word.startswith(">")]
        final = [word for word in words if word and not word.startswith(">")]
        return (final[0] if final else TIMED_OUT), (running[-1] if running else None)

    def _run(self, writing: int, tests: list[str], limits: dict[str, float]) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.signal(signal.SIGPROF, lambda _signal, _frame: _say(writing, TIMED_OUT))
        chosen = [self.items[test] for test in tests]
        chosen[0].config.pluginmanager.register(_FirstFailure(writing))
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            os.write(writing, f">{item.nodeid}\n".encode())
            seconds = 3 + 6 * limits.get(item.nodeid, 1)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + 3 * seconds) + 1, -1))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        signal.setitimer(signal.ITIMER_PROF, 0)


class _FirstFailure:
    def __init__(self, writing: int) -> None:
        self.writing = writing

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _say(self.writing, KILLED)


def _say(writing: int, word: str) -> None:
    os.write(writing, f"{word}\n".encode())
    os._exit(0)


def _quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


def put_in_place(file: Path, text: str, functions: dict[str, list[FunctionType]]) -> bool:
    """Give every living function of a file the code it has in the mutant; false if more than functions changed."""
    before = compile(file.read_text(encoding="utf-8"), str(file), "exec", dont_inherit=True)
    after = compile(text, str(file), "exec", dont_inherit=True)
    pairs: list[tuple[CodeType, CodeType]] = []
    if not _pair(before, after, pairs) or not pairs:
        return False
    placed = 0
    for old, new in pairs:
        for function in functions.get(str(file), []):
            if function.__code__ == old:
                function.__code__ = new
                placed += 1
    return placed > 0


def _pair(before: CodeType, after: CodeType, pairs: list[tuple[CodeType, CodeType]]) -> bool:
    """Collect the functions of a module or a class that differ; false if anything else differs."""
    inner_before = [part for part in before.co_consts if isinstance(part, CodeType)]
    inner_after = [part for part in after.co_consts if isinstance(part, CodeType)]
    if len(inner_before) != len(inner_after) or _bare(before) != _bare(after):
        return False
    for old, new in zip(inner_before, inner_after, strict=True):
        if old == new:
            continue
        if old.co_flags & _FUNCTION == _FUNCTION:
            if len(old.co_freevars) != len(new.co_freevars):
                return False
            pairs.append((old, new))
        elif not _pair(old, new, pairs):
            return False
    return True


def _bare(code: CodeType) -> tuple[Any, ...]:
    consts = [(type(part), part) for part in code.co_consts if not isinstance(part, CodeType)]
    return code.co_code, consts, code.co_names, code.co_varnames


def living_functions() -> dict[str, list[FunctionType]]:
    """Find every function of the package that exists now, by file."""
    found: dict[str, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            found.setdefault(thing.__code__.co_filename, []).append(thing)
    return found


def pytest_configure(config: Any) -> None:
    """Take over the loop."""
    config.pluginmanager.register(Judge(Path(os.environ["KYNARA_MUTATION_WORK"])))
    sys.dont_write_bytecode = True
