"""What each command costs: its start (`--help`), its work on a small policy, and the memory of both; then formatting and checking.

Every run is a process of its own, as users start it, beside `python -c pass`. Formatting and checking are measured on a program of
more than 10,000 lines, beside what Lark alone needs to parse it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from attrs import define, field

from kynara_lang.audit import Log
from kynara_lang.cli.main import COMMANDS
from kynara_lang.guard import Guard
from tests.benchmarks import processes
from tests.benchmarks.big_program import big_program, rules_in
from tests.benchmarks.check import PARSING_ALONE, Place
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.measure import Row

STORY = processes.ROOT / "examples" / "support_refunds"
CEDAR = processes.ROOT / "examples" / "cedar_migration"
REPEATS = 5

WORK: dict[str, tuple[str, ...]] = {
    "approvals": ("list", "--store", "approvals.db"),
    "audit": ("verify", "log"),
    "check": ("policies",),
    "clean": (),
    "decide": ("policies", "--requests", "requests.jsonl"),
    "diff": ("policies", "policies"),
    "escalation": ("policies",),
    "explain": ("policies", "--request", "request.json"),
    "fmt": ("--check", "policies"),
    "import": ("cedar", "before.cedar", "--schema", "before.cedarschema", "-o", "NEW"),
    "init": ("NEW",),
    "inspect": ("policies",),
    "rule": ("KYN301",),
    "std": ("tenancy",),
    "test": ("policies",),
    "what-can": ("Agent",),
    "who-can": ("refund", "Order"),
}
"""What each command is given in a folder that `Small` prepares; NEW is a folder that does not exist yet."""


@define
class Small:
    """A folder with a small policy, requests, a log, an approval that waits, and policies to import."""

    folder: Path
    fresh: Iterator[int] = field(factory=count)

    def write(self) -> None:
        """Put it all there."""
        shutil.copytree(STORY / "policies", self.folder / "policies")
        (self.folder / "kynara.toml").write_text('policies = ["policies"]\n', encoding="utf-8")
        shutil.copy(STORY / "requests.jsonl", self.folder)
        waits = STORY / "requests" / "approval-large-amount.json"
        shutil.copy(waits, self.folder / "request.json")
        for name in ("before.cedar", "before.cedarschema"):
            shutil.copy(CEDAR / name, self.folder)
        request = json.loads(waits.read_text(encoding="utf-8"))
        with Log.open(self.folder / "log") as log:
            guard = Guard(self.folder / "policies", log=log, approvals=str(self.folder / "approvals.db"))
            guard.check(request["subject"], request["action"], request["resource"], request["context"])

    def kynara(self, *arguments: str) -> processes.Ran:
        """Run `kynara` with a cache of its own."""
        environment = {"KYNARA_CACHE_DIR": str(self.folder / "cache")}
        return processes.must(["-m", "kynara_lang.cli.main", *arguments], self.folder, environment)

    def work(self, command: str) -> processes.Ran:
        """Run a command on what is here."""
        new = f"new-{next(self.fresh)}"
        return self.kynara(command, *(new if argument == "NEW" else argument for argument in WORK[command]))


def run(quick: bool) -> list[Row]:
    """Measure all commands, then formatting and checking a large program; in a hurry once each."""
    repeats = 1 if quick else REPEATS
    with tempfile.TemporaryDirectory(prefix="kynara-benchmark-") as folder:
        small = Small(Path(folder) / "small")
        small.folder.mkdir()
        small.write()
        large = Place(Path(folder) / "large", {source.name: source.text for source in big_program(51)})
        return [*starts(small, repeats), *formatting(large, repeats), *checking(large, repeats)]


def able() -> list[str]:
    """Return the commands that can work here: importing Cedar needs cedarpy."""
    return [name for name in COMMANDS if name != "import" or ENGINES["cedarpy"].installed]


def starts(small: Small, repeats: int) -> list[Row]:
    """Measure each command's help, and its work on a small policy, in turn."""
    runs: dict[str, list[processes.Ran]] = {}
    small.kynara("check", "policies")  # so that Python has compiled its modules
    for _ in range(repeats):
        runs.setdefault("python -c pass", []).append(processes.must(["-c", "pass"]))
        runs.setdefault("kynara --help", []).append(small.kynara("--help"))
        for command in COMMANDS:
            runs.setdefault(f"kynara {command} --help", []).append(small.kynara(command, "--help"))
        for command in able():
            runs.setdefault(f"kynara {command}, a small policy", []).append(small.work(command))
    return beside_python(runs)


def beside_python(runs: dict[str, list[processes.Ran]]) -> list[Row]:
    """Return a row for each command, beside the start of Python alone."""
    rows = [_row(what, found) for what, found in runs.items()]
    return [rows[0], *(row.beside(rows[0], "python") for row in rows[1:])]


def _row(what: str, runs: list[processes.Ran]) -> Row:
    return Row(what, tuple(ran.seconds for ran in runs), peak_mb=max(ran.peak_mb for ran in runs))


def formatting(place: Place, repeats: int) -> list[Row]:
    """Measure `kynara fmt` in lines a second, whole process included, beside Lark's parse of the same lines."""
    place.run("-m", "kynara_lang.cli.main", "fmt", "policies")  # so that the check finds nothing to show
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in (place.folder / "policies").rglob("*.kyn"))
    parsed, formatted = [], []
    for _ in range(repeats):
        parsed.append(float(place.run("-c", PARSING_ALONE, "policies").output))
        formatted.append(place.run("-m", "kynara_lang.cli.main", "fmt", "--check", "policies"))
    alone = Row("Lark alone", tuple(parsed))
    whole = _row(f"kynara fmt --check of {lines:,} lines", formatted).beside(alone, "Lark")
    rates = [(alone, "Lark alone, lines a second"), (whole, "kynara fmt --check, lines a second")]
    return [whole, *(Row(what, tuple(lines / taken for taken in row.values), unit="lines/s") for row, what in rates)]


def checking(place: Place, repeats: int) -> list[Row]:
    """Measure `kynara check` with an empty cache and with one that knows the program."""
    check = ("-m", "kynara_lang.cli.main", "check", "policies")
    alone, cold, warm = [], [], []
    for _ in range(repeats):
        alone.append(float(place.run("-c", PARSING_ALONE, "policies").output))
        place.forget()
        cold.append(place.run(*check))
        warm.append(place.run(*check))
    lark = Row("Lark alone", tuple(alone))
    what = f"kynara check of {rules_in(51):,} rules in 51 files"
    return [
        _row(f"{what}, cold", cold).beside(lark, "Lark").at_most(10.0),
        _row(f"{what}, warm", warm).at_most(0.3),
    ]
