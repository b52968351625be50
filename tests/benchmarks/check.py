"""`kynara check` on a large program: how long it takes cold and warm, beside what Lark alone needs to parse the text.

Every run is a process of its own, as users start it, with a cache that is empty (cold), that knows the very check (warm)
or that knows all files but one (one changed). Lark runs in a process too, but only its parsing is timed, with the parse
tables that it makes of the grammar itself and no tree of ours. Programs must be clean: showing findings is not what is
measured. Nor are proofs, which would be made where the extra is installed: they have a benchmark of their own, `prove`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.big_program import big_program, rules_in
from tests.benchmarks.measure import Row, in_turn

PARSING_ALONE = """
import gc, sys, time
from pathlib import Path
from kynara_lang.syntax import tables
parser = tables.build()
texts = [path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).rglob("*.kyn"))]
parser.parse(texts[0])
gc.disable()
start = time.perf_counter()
for text in texts:
    parser.parse(text)
print(time.perf_counter() - start)
"""


TREES = """
import gc, sys, time
from pathlib import Path
from kynara_lang.caching.keeper import Keeper, open_keeper
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
paths = sorted(Path(sys.argv[1]).rglob("*.kyn"))
sources = [Source(path.name, path.read_text(encoding="utf-8")) for path in paths]
keeper = open_keeper() if sys.argv[2] == "kept" else Keeper()
keeper.read(sources[0], Report())
gc.disable()
start = time.perf_counter()
for source in sources:
    keeper.read(source, Report())
print(time.perf_counter() - start)
"""


class Place:
    """A folder with a program and a cache, and ways to run things in it."""

    def __init__(self, folder: Path, sources: dict[str, str]) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        for name, text in sources.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> processes.Ran:
        """Run Python, and stop if it fails."""
        return processes.must(arguments, self.folder, {"KYNARA_CACHE_DIR": str(self.cache)})

    def python(self, *arguments: str) -> tuple[float, str]:
        """Run Python; return the seconds of the whole process, and what it printed."""
        ran = self.run(*arguments)
        return ran.seconds, ran.output

    def kynara(self, *arguments: str) -> float:
        """Run `kynara`; return the seconds of the whole process."""
        return self.python("-m", "kynara_lang.cli.main", *arguments)[0]

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def cold(self) -> float:
        """Check with an empty cache."""
        self.forget()
        return self.kynara("check", "--no-prove", "policies")

    def parsing_alone(self) -> float:
        """Parse the whole program with Lark and nothing else."""
        return float(self.python("-c", PARSING_ALONE, "policies")[1])

    def trees(self, how: str) -> float:
        """Make the trees of the whole program, `anew` or of what is `kept` in the cache."""
        return float(self.python("-c", TREES, "policies", how)[1])

    def one_changed(self, file: str) -> Callable[[], float]:
        """Return what changes a file, differently each time, and checks."""
        path = self.folder / file
        count = 0

        def check() -> float:
            nonlocal count
            count += 1
            text = (
                path.read_text(encoding="utf-8").rpartition("# change ")[0] or path.read_text(encoding="utf-8") + "\n"
            )
            path.write_text(f"{text}# change {count}\n", encoding="utf-8")
            return self.kynara("check", "--no-prove", "policies")

        return check


def run(quick: bool) -> list[Row]:
    """Measure all of it; in a hurry with fewer runs and fewer files."""
    runs = 3 if quick else 9
    with tempfile.TemporaryDirectory(prefix="kynara-benchmark-") as folder:
        large = Place(Path(folder) / "large", {source.name: source.text for source in big_program(51)})
        many = Place(Path(folder) / "many", many_files(200 if quick else 1000))
        return [*_large(large, runs), *_many(many, runs), *_start(large, runs)]


def _large(place: Place, runs: int) -> list[Row]:
    place.kynara("check", "--no-prove", "policies")  # so that Python has compiled its modules, and the cache knows the program
    change = place.one_changed("policies/departments/d007.kyn")
    warm = partial(place.kynara, "check", "--no-prove", "policies")  # measured after the cold one, which fills the cache
    found = in_turn(
        {
            "lark": place.parsing_alone,
            "anew": partial(place.trees, "anew"),
            "cold": place.cold,
            "warm": warm,
            "kept": partial(place.trees, "kept"),
            "one changed": change,
        },
        runs,
    )
    what = f"{rules_in(51):,} rules in 51 files"
    alone = _named(found["lark"], f"{what}, parsed by Lark alone")
    return [
        alone,
        _named(found["anew"], f"{what}, made trees").beside(alone, "Lark"),
        _named(found["kept"], f"{what}, trees from the cache").beside(alone, "Lark"),
        _named(found["cold"], f"{what}, cold").beside(alone, "Lark").at_most(10.0),
        _named(found["one changed"], f"{what}, one changed").beside(alone, "Lark"),
        _named(found["warm"], f"{what}, warm").at_most(0.3),
    ]


def _many(place: Place, runs: int) -> list[Row]:
    place.kynara("check", "--no-prove", "policies")
    change = place.one_changed("policies/f007.kyn")
    files = len(list((place.folder / "policies").iterdir()))
    found = in_turn({"lark": place.parsing_alone, "cold": place.cold, "one changed": change}, runs)
    alone = _named(found["lark"], f"{files:,} small files, parsed by Lark alone")
    return [
        alone,
        _named(found["cold"], f"{files:,} small files, cold").beside(alone, "Lark"),
        _named(found["one changed"], f"{files:,} small files, one changed").beside(alone, "Lark"),
    ]


def _start(place: Place, runs: int) -> list[Row]:
    place.kynara("check", "--no-prove", "policies")
    found = in_turn(
        {
            "python": lambda: place.python("-c", "pass")[0],
            "help": lambda: place.kynara("--help"),
            "known": lambda: place.kynara("check", "policies/company.kyn"),
        },
        runs + 4,
    )
    python = _named(found["python"], "python -c pass")
    return [
        python,
        _named(found["help"], "kynara --help").beside(python, "python"),
        _named(found["known"], "one file, warm").beside(python, "python"),
    ]


def _named(row: Row, what: str) -> Row:
    return Row(what, row.values)


def many_files(files: int) -> dict[str, str]:
    """Return a program of many small files, each with a rule of its own."""
    company = next(source for source in big_program(1))
    found = {company.name: company.text}
    for number in range(1, files):
        name = f"f{number:03}"
        found[f"policies/{name}.kyn"] = _SMALL.replace("NAME", name).replace("TYPE", name.capitalize())
    return found


_SMALL = """\
module small.NAME

import std.tenancy (Tenanted, same_tenant)

resource TYPEDoc is Tenanted { owner: Person }

action NAME.read on TYPEDoc

permit NAME_read "Members read the documents of their tenant" {
  subject  Person with role member
  action   NAME.read
  resource TYPEDoc
  scope    same_tenant(subject, resource) and resource.owner == subject
}

fixture NAME_doc = TYPEDoc::"d" { tenant: "acme", owner: alice }

test "NAME" {
  given  alice
  given  context { now: 2026-11-22T10:00:00Z, ip: "10.1.2.3", mfa: true, region: "eu" }
  expect allow NAME.read on NAME_doc
}
"""
