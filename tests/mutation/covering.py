"""Which tests reach which line: recorded once for each test file and kept until the file or the package changes."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.mutation.changes import Mutant, text_of
from tests.mutation.groups import ROOT, judging_files

_FRESH_FILES = 24
_IMPORT_BUDGET = 10.0


class Coverage:
    """The tests of each line, with the seconds each test takes."""

    def __init__(self, work: Path) -> None:
        self.seconds: dict[str, float] = {}
        self.not_passed: set[str] = set()
        self._lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._totals: dict[str, int] = defaultdict(int)
        self._breadth: dict[str, int] = defaultdict(int)
        package = _package_digest()
        wanted = {file.relative_to(ROOT).as_posix(): _digest(file) for file in judging_files()}
        records = work / "records"
        records.mkdir(parents=True, exist_ok=True)
        known = self._load(records, package, wanted)
        missing = sorted(set(wanted) - known)
        if missing:
            self._record(records, package, {name: wanted[name] for name in missing})
            self._load(records, package, {name: wanted[name] for name in missing})

    def tests_for(self, mutant: Mutant, budget: float) -> list[str]:
        """List tests that reach a change, in the order to run them in.

        Half of the time is for those of the same folder, then those that run the fewest lines, so look at little else;
        half is for some of each file.
        """
        tests: set[str] = set()
        for line in _lines_of(mutant):
            tests |= self._lines[mutant.path][line]
        folder = f"tests/{Path(mutant.path).parts[1]}/"
        direct = sorted(tests, key=lambda test: (not test.startswith(folder), self._breadth[test], test))
        half = budget / 2
        chosen = dict.fromkeys([*self._within(direct, half), *self._within(self._of_each_file(tests), half)])
        # In steps of half a decade, so that of tests which take about as long the more direct one comes first.
        return sorted(chosen, key=lambda test: int(math.log10(max(self.seconds[test], 0.1)) * 2))

    def _of_each_file(self, tests: set[str]) -> list[str]:
        """Order tests so that each file has its turn with its quickest, then its second, and so on."""
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            by_file[test.split("::")[0]].append(test)
        files = sorted(by_file, key=lambda file: (-len(by_file[file]) / self._totals[file], file))
        turns = range(max((len(found) for found in by_file.values()), default=0))
        return [by_file[file][turn] for turn in turns for file in files if turn < len(by_file[file])]

    def _within(self, tests: list[str], budget: float) -> list[str]:
        """Keep tests, in order, while there is time for them."""
        kept = []
        for test in tests:
            if self.seconds[test] <= budget:
                kept.append(test)
                budget -= self.seconds[test]
        return kept

    def at_import(self, mutant: Mutant) -> list[str] | None:
        """List tests of the whole file where a change runs when the file is imported, and only then; else None."""
        lines = self._lines[mutant.path]
        reached = [line for line in _lines_of(mutant) if line in lines]
        if not reached or any(lines[line] for line in reached):
            return None
        return self._within(self._of_each_file(set().union(*lines.values())), _IMPORT_BUDGET)

    def few_files(self, tests: list[str]) -> list[str]:
        """Keep the tests of the first files only, for runs that have to collect them anew."""
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))[:_FRESH_FILES]
        return [test for test in tests if test.split("::")[0] in files]

    def _load(self, records: Path, package: str, wanted: dict[str, str]) -> set[str]:
        known = set()
        for file in sorted(records.glob("*.json")):
            record = json.loads(file.read_text(encoding="utf-8"))
            fresh = {name for name, digest in record["files"].items() if wanted.get(name) == digest}
            if record["package"] != package or not fresh - known:
                continue
            good = [test.split("::")[0] in fresh for test in record["tests"]]
            for test, seconds, used in zip(record["tests"], record["seconds"], good, strict=True):
                if used:
                    self.seconds[test] = seconds
                    self._totals[test.split("::")[0]] += 1
            for path, lines in record["lines"].items():
                for line, numbers in lines.items():
                    reached = {record["tests"][number] for number in numbers if good[number]}
                    self._lines[path][int(line)] |= reached
                    for test in reached:
                        self._breadth[test] += 1
            self.not_passed |= set(record["not_passed"])
            known |= fresh
        return known

    def _record(self, records: Path, package: str, files: dict[str, str]) -> None:
        print(f"recording which lines the tests of {len(files)} files reach", flush=True)
        target = records / f"{hashlib.sha256(repr((package, files)).encode()).hexdigest()[:16]}.json"
        command = [sys.executable, "-m", "pytest", "-p", "tests.mutation.steady", "-p", "tests.mutation.recording"]
        environment = os.environ | {"KYNARA_MUTATION_RECORD": str(target), "PYTHONPATH": str(ROOT)}
        subprocess.run([*command, *files], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
        record = json.loads(target.read_text(encoding="utf-8")) | {"package": package, "files": files}
        target.write_text(json.dumps(record), encoding="utf-8")


def _lines_of(mutant: Mutant) -> list[int]:
    """List the lines that have to run for a change to matter; for a name of the module, where the name is used."""
    tree = ast.parse(text_of(mutant.path))
    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= mutant.line <= (node.end_lineno or 0)
    ]
    if inside:
        reached = list(range(mutant.lines[0], mutant.lines[1] + 1))
        return reached if mutant.operator != "ZeroIterationForLoop" else [mutant.line]
    statement = next(s for s in tree.body if _first(s) <= mutant.line <= (s.end_lineno or 0))
    lines = range(_first(statement), (statement.end_lineno or 0) + 1)
    names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    if isinstance(statement, ast.Assign | ast.AnnAssign) and names:
        used = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names and n.lineno not in lines]
        return used or list(range(1, len(text_of(mutant.path).splitlines()) + 1))
    if isinstance(statement, ast.FunctionDef):
        return list(lines)
    return list(range(1, len(text_of(mutant.path).splitlines()) + 1))


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _package_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "kynara_lang").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
