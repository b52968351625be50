"""Judges a mutant in a process of its own, with the changed file on disk in a copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mutation.forking import KILLED, SURVIVED, TIMED_OUT
from tests.mutation.groups import ROOT

_COPIED = ("kynara_lang", "grammar", "stdlib_policies", "tests", "examples", "pyproject.toml", "README.md")


class Fresh:
    """A copy of the repository, in which one file after the other is changed and put back."""

    def __init__(self, work: Path) -> None:
        self.tree = work / "tree"
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, self.tree / name)
        self.sound: dict[str, bool] = {}

    def judge(self, job: dict[str, Any]) -> tuple[str, str | None]:
        """Run the tests of a job; say how it ended and which test saw the change."""
        tests = [test for test in job["tests"] if self.sound.get(test, True)]
        file = self.tree / job["path"]
        original = file.read_bytes()
        file.write_text(job["text"], encoding="utf-8")
        try:
            outcome, test = self._run(tests, job["limits"])
        finally:
            file.write_bytes(original)
        if outcome == KILLED and test is not None and test not in self.sound:
            self.sound[test] = self._run([test], job["limits"])[0] == SURVIVED
            if not self.sound[test]:
                return self.judge(job)
        return outcome, test

    def _run(self, tests: Sequence[str], limits: dict[str, float]) -> tuple[str, str | None]:
        if not tests:
            return SURVIVED, None
        choice = self.tree / "choice.json"
        choice.write_text(json.dumps(list(tests)), encoding="utf-8")
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))
        command = [sys.executable, "-m", "pytest", "-x", "-rfE", "--tb=no", "-p", "no:cacheprovider", "--color=no"]
        command += ["-p", "tests.mutation.steady", "-p", "tests.mutation.choosing", *files]
        environment = os.environ | {
            "KYNARA_MUTATION_CHOICE": str(choice),
            "PYTHONPATH": str(self.tree),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        seconds = 60 + 6 * sum(limits.get(test, 1) for test in tests)
        try:
            done = subprocess.run(
                command, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return TIMED_OUT, None
        if done.returncode == 0:
            return SURVIVED, None
        named = re.search(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", done.stdout, re.MULTILINE)
        test = next((test for test in tests if named and named[1] == test), None)
        return KILLED, test
