"""The groups of source files that are mutated, and the folders of tests that judge the mutants."""

import math
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What a group consists of, and how much of it must be killed.
GROUPS: dict[str, list[str]] = {
    "evaluator": [
        *(
            f"runtime/{name}.py"
            for name in (
                "audience", "decision", "engine", "evidence", "hierarchy", "outcomes", "policyset", "problems", "ranges"
            )
        ),
        "semantics/*.py",
    ],
    "requests": [
        f"runtime/{name}.py"
        for name in ("convert", "request", "facts", "plain", "strict_json", "canonical", "store", "entities")
    ],
    "compiler": ["compiler/*.py"],
    "checker": ["checker/*.py"],
    "lints": ["checker/lints/*.py", "checker/logic/*.py"],
}
GOALS = {"evaluator": 90, "requests": 90, "compiler": 90, "checker": 80, "lints": 80}

# The folders of tests that run in this process. Those that only start other processes would not see a mutant.
# Others would see some more, but they take long and are about something else.
JUDGES = ["caching", "checker", "compiler", "golden", "hostile", "properties", "runtime", "semantics", "stdlib", "syntax"]


def files_of(group: str) -> Iterator[Path]:
    """List the source files of a group."""
    folder = ROOT / "kynara_lang"
    found = {file for pattern in GROUPS[group] for file in folder.glob(pattern)}
    yield from sorted(file for file in found if file.name != "__init__.py")


def judging_files() -> list[Path]:
    """List the test files whose tests judge mutants."""
    return sorted(file for folder in JUDGES for file in (ROOT / "tests" / folder).rglob("test_*.py"))


def interval(hits: int, count: int) -> tuple[float, float]:
    """Return Wilson's interval, in which the true share lies with 95 %."""
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)
