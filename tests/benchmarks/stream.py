"""`kynara decide` on JSON lines: decisions for each second of a processor, memory, and what a second process adds.

The command runs on few lines and on many; the difference is what the lines between cost a processor, without the start. What
several processes add is measured by the clock, on the many lines and with the start. All answers are compared with those of the
function written by hand before anything counts.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from statistics import median

from attrs import evolve, frozen

from tests.benchmarks import processes
from tests.benchmarks.measure import Row
from tests.benchmarks.workloads import get
from tests.benchmarks.workloads.shape import Workload

REPEATS = 3
GOAL = 100_000
NAMES = ("gdrive-20", "github-20", "tinytodo-20", "abac", "agents", "roles-1000")


@frozen
class Stream:
    """A program and its requests in a folder, few of them and many."""

    workload: Workload
    folder: Path
    few: int
    many: int

    def write(self) -> None:
        """Write it all down."""
        (self.folder / "policies").mkdir(parents=True)
        (self.folder / "policies" / "measured.kyn").write_text(self.workload.text, encoding="utf-8")
        if self.workload.entities is not None:
            (self.folder / "entities.json").write_text(json.dumps(self.workload.entities), encoding="utf-8")
        lines = [json.dumps(request) + "\n" for request in self.workload.requests]
        for count in (self.few, self.many):
            with open(self.folder / f"{count}.jsonl", "w", encoding="utf-8") as file:
                file.writelines(lines[i % len(lines)] for i in range(count))

    def decide(self, count: int, jobs: int = 1) -> processes.Ran:
        """Decide so many lines, and let the answers go to a file."""
        entities = [] if self.workload.entities is None else ["--entities", "entities.json"]
        many = [] if jobs == 1 else ["--jobs", str(jobs)]
        arguments = [
            "-m",
            "kynara_lang.cli.main",
            "decide",
            "policies",
            "--requests",
            f"{count}.jsonl",
            *entities,
            *many,
        ]
        ran = processes.run(arguments, self.folder, to=self.folder / "answers.jsonl")
        if ran.code:
            raise SystemExit(f"kynara decide ended with {ran.code}: {ran.errors}")
        return ran

    def agree(self, count: int) -> None:
        """Fail unless so many answers were written last, and each is the one made by hand."""
        right = [bool(self.workload.by_hand(request)) for request in self.workload.hand_requests]
        with open(self.folder / "answers.jsonl", encoding="utf-8") as file:
            number = -1
            for number, line in enumerate(file):
                answer = json.loads(line)
                if answer["errors"] or (answer["decision"] == "allow") is not right[number % len(right)]:
                    raise SystemExit(f"{self.workload.name}, line {number + 1} of a stream is decided wrongly: {line}")
        if number + 1 != count:
            raise SystemExit(f"{self.workload.name}: {number + 1} answers to {count} lines of a stream")


def run(quick: bool) -> list[Row]:
    """Measure the workloads; in a hurry one of them, with fewer lines."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="kynara-benchmark-") as folder:
        for name in NAMES[:1] if quick else NAMES:
            few, many = (2_000, 42_000) if quick else (20_000, 220_000)
            stream = Stream(get(name), Path(folder) / name, few, many)
            stream.write()
            rows += measured(stream, 1 if quick else REPEATS)
    return rows


def measured(stream: Stream, repeats: int) -> list[Row]:
    """Measure one workload with one process, and with one for each processor."""
    stream.decide(stream.few)
    stream.agree(stream.few)
    jobs = os.cpu_count() or 1
    rates: list[float] = []
    walls: dict[int, list[float]] = {1: [], jobs: []}
    peaks: dict[int, list[float]] = {stream.few: [], stream.many: []}
    for _ in range(repeats):
        few = stream.decide(stream.few)
        peaks[stream.few].append(few.peak_mb)
        for used, found in walls.items():
            many = stream.decide(stream.many, used)
            stream.agree(stream.many)
            found.append(stream.many / many.seconds)
            if used == 1:
                rates.append((stream.many - stream.few) / (many.worked - few.worked))
                peaks[stream.many].append(many.peak_mb)
    name = f"{stream.workload.name}, kynara decide"
    alone = Row(f"{name}: of a processor", tuple(rates), unit="decisions/s")
    grown = Row(f"{name}: memory for {stream.many:,} lines", tuple(peaks[stream.many]), unit="MB")
    grown = grown.beside(Row("", tuple(peaks[stream.few])), f"memory for {stream.few:,}").at_most(1.1)
    rows = [evolve(alone, peak_mb=median(peaks[stream.many])).at_least(GOAL), grown]
    if jobs > 1:
        one, shared = (
            Row(f"{name} --jobs {used}: by the clock", tuple(found), unit="decisions/s")
            for used, found in walls.items()
        )
        rows += [one, shared.beside(one, "--jobs 1")]
    return rows
