"""Loading many rules: cold and from the cache, the memory that it takes, and explaining one request with them.

The rules are those of the workload `roles`, in one file and in twenty. Every load is a process of its own, as a host starts
it, and so is every command. Beside them Lark alone parses a tenth of the rules, in the same turn.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from attrs import evolve

from tests.benchmarks import processes
from tests.benchmarks.check import PARSING_ALONE
from tests.benchmarks.measure import Row
from tests.benchmarks.workloads import get

FILES = 20
REPEATS = 3
EXPLAINED = 10
LARK = "Lark's parse of a tenth"
JUDGED = 100_000
GOALS = {
    "loaded cold": (20.0, 400.0),
    "loaded from the cache": (2.0, 150.0),
    "first explanation": (0.05,),
    "explanation": (0.05,),
}
"""Goals with 100 000 rules: times Lark's parse of a tenth and megabytes, seconds and megabytes, seconds."""


class Program:
    """So many rules in so many files in a folder, with a cache of their own and ways to load them."""

    def __init__(self, folder: Path, rules: int, files: int) -> None:
        self.rules = rules
        self.name = f"{rules:,} rules in {f'{files} files' if files > 1 else 'one file'}"
        self.folder = folder / f"{rules}-{files}"
        self.policies = self.folder / "policies"
        self.policies.mkdir(parents=True)
        workload = get(f"roles-{rules}")
        for name, text in in_files(workload.text, files).items():
            (self.policies / name).write_text(text, encoding="utf-8")
        self.requests = self.folder / "requests.jsonl"
        asked = "".join(f"{json.dumps(request)}\n" for request in workload.requests[: EXPLAINED + 1])
        self.requests.write_text(asked, encoding="utf-8")
        self.one = self.folder / "request.jsonl"
        self.one.write_text(asked.partition("\n")[0] + "\n", encoding="utf-8")
        self.cache = self.folder / "cache"
        self.environment = {"KYNARA_CACHE_DIR": str(self.cache)}

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def load(self) -> dict[str, float]:
        """Load the program as a host does."""
        arguments = ["-m", "tests.benchmarks.loaded", "policies", self.requests.name]
        return processes.told(arguments, self.folder, self.environment)

    def command(self, *arguments: str) -> processes.Ran:
        """Run `kynara`; of random rules some say the same, so that a check ends with 1 for its warnings."""
        given = ["-m", "kynara_lang.cli.main", *arguments]
        return processes.must(given, self.folder, self.environment, fine=(0, 1))

    def lark(self) -> float:
        """Parse the program with Lark alone, after one of its files."""
        return float(processes.must(["-c", PARSING_ALONE, "policies"], self.folder, self.environment).output)


def in_files(text: str, files: int) -> dict[str, str]:
    """Return a text in so many files: declarations in the first, the rules shared out among all."""
    lines = text.splitlines(keepends=True)
    rules = [line for line in lines if line.startswith("permit ")]
    found = {f"f{i:02}.kyn": "".join(rules[i::files]) for i in range(files)}
    found["f00.kyn"] = "".join(line for line in lines if not line.startswith("permit ")) + found["f00.kyn"]
    return found


def run(quick: bool) -> list[Row]:
    """Measure growth to 100 000 rules, in twenty files; and those in one. In a hurry, to 2 000."""
    with tempfile.TemporaryDirectory(prefix="kynara-benchmark-") as folder:
        place = Path(folder)
        if quick:
            return measured(Program(place, 2000, FILES), Program(place, 200, 1), 1, cli=False)
        found: list[Row] = []
        for rules in (1000, 10_000):
            found += measured(Program(place, rules, FILES), Program(place, rules // 10, 1), REPEATS, cli=True)
        tenth = Program(place, 10_000, 1)
        for files in (FILES, 1):
            found += measured(Program(place, 100_000, files), tenth, REPEATS, cli=files > 1)
        return found


def measured(program: Program, tenth: Program, repeats: int, *, cli: bool) -> list[Row]:
    """Measure one program, cold and warm in turn, beside Lark's parse of a tenth."""
    taken: dict[str, list[dict[str, Any]]] = {}

    def note(what: str, seconds: float, peak: float | None = None) -> None:
        taken.setdefault(what, []).append({"seconds": seconds, "peak": peak})

    for _ in range(repeats):
        note(LARK, tenth.lark())
        program.forget()
        for how in ("loaded cold", "loaded from the cache"):
            found = program.load()
            note(how, found["load"], found["loaded_mb"])
            if how == "loaded cold":
                continue
            for what in ("first decision", "first explanation", "explanation"):
                note(what, found[what])
        if cli:
            program.forget()
            for how in ("cold", "again"):
                ran = program.command("check", "--no-prove", "policies")
                note(f"kynara check --no-prove, {how}", ran.seconds, ran.peak_mb)
            ran = program.command("decide", "policies", "--requests", program.one.name)
            note("kynara decide, one request", ran.seconds, ran.peak_mb)
            ran = program.command("explain", "policies", "--request", program.one.name)
            note("kynara explain", ran.seconds, ran.peak_mb)
    return _rows(program, taken, judged=program.rules == JUDGED)


def _rows(program: Program, taken: dict[str, list[dict[str, Any]]], *, judged: bool) -> list[Row]:
    lark = Row(LARK, tuple(one["seconds"] for one in taken[LARK]))
    found = []
    for what, runs in taken.items():
        row = Row(f"{program.name}: {what}", tuple(one["seconds"] for one in runs))
        peaks = tuple(one["peak"] for one in runs if one["peak"] is not None)
        if what in ("loaded cold", "kynara check --no-prove, cold"):
            row = row.beside(lark, LARK)
        rows = [evolve(row, peak_mb=max(peaks)) if peaks else row]
        if what.startswith("loaded"):
            rows.append(Row(f"{program.name}: memory, {what}", peaks, unit="MB"))
        goals = GOALS.get(what, ()) if judged else ()
        found += [row.at_most(goal) for row, goal in zip(rows, goals, strict=False)] if goals else rows
    return found
