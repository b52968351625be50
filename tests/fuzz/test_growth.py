"""The measurement of growth: that every family can be made and worked on, and that what is quadratic would be seen."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import growth
from tests.fuzz.growth import FAMILIES, Growth
from tests.fuzz.hostile_shapes import ENTITIES, POLICIES, PROVED, REQUESTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("work", "shapes"), FAMILIES, ids=[work.__name__ for work, _ in FAMILIES])
def test_every_family_is_worked_on_and_grows(work: object, shapes: dict[str, object]) -> None:
    assert callable(work)
    for name, (size, most, make) in shapes.items():  # type: ignore[misc]
        assert size * 4 <= most, f"{name} is measured at three sizes at least"
        small, large = make(4), make(8)
        assert len(large) >= len(small) or name == "a large exponent", name
        work(small)


def test_there_are_many_families() -> None:
    assert len(POLICIES) + len(PROVED) + len(REQUESTS) + len(ENTITIES) > 100


@pytest.mark.parametrize("power", [1, 2, 3])
def test_the_exponent_is_that_of_the_growth(power: int) -> None:
    found = Growth("made up", "check", {size: 0.01 + 1e-3 * size**power for size in (10, 20, 40, 80)}, False, 0.01)
    assert math.isclose(found.exponent, power, rel_tol=0.15)
    assert ("steep" in found.line()) is (power > 1)


def test_what_is_quadratic_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that counts work stands for time: one piece of work for each pair of letters."""
    clock = 0.0

    def work(text: str) -> bool:
        nonlocal clock
        clock += 1e-6 * len(text) ** 2
        return False

    monkeypatch.setattr(growth.time, "process_time", lambda: clock)
    assert "steep" in growth.measured("pairs", work, lambda n: "x" * n, 100, 100_000, 0.4).line()


def test_the_command_prints_a_line_a_family() -> None:
    command = [sys.executable, "-m", "tests.fuzz.growth", "--enough", "0.0", "parentheses", "a path of slashes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode in (0, 1), done.stderr
    assert [line.split()[0] for line in lines[:-1]] == ["check", "fmt", "decide"]
    assert lines[-1].endswith("steep")
