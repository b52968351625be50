"""The parts of the mutation runner that need no tool: a mutant put in place, and what a sample says of the whole."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.forking import living_functions, put_in_place
from tests.mutation.groups import GOALS, GROUPS, files_of, interval, judging_files

SOURCE = '''
LIMIT = 3

class Box:
    def __init__(self):
        self.value = 1

    def more(self):
        return [self.value + n for n in range(LIMIT)]

def outer(x=2):
    def inner():
        return x * 2
    return inner

def guarded():
    if outer()() > 3:
        return True
    return False
'''


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    file = tmp_path / "changed.py"
    file.write_text(SOURCE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("changed", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["changed"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def placed(module: ModuleType, before: str, after: str) -> bool:
    assert module.__file__ is not None
    assert before in SOURCE
    return put_in_place(Path(module.__file__), SOURCE.replace(before, after), living_functions())


def test_living_functions_get_the_code_of_the_mutant(module: ModuleType) -> None:
    box, guarded = module.Box(), module.guarded
    assert placed(module, "self.value + n", "self.value - n")
    assert box.more() == [1, 0, -1]
    assert placed(module, "x * 2", "x // 2")
    assert module.outer()() == 1
    assert guarded() is False
    assert placed(module, "outer()() > 3", "not outer()() > 3")


@pytest.mark.parametrize(
    ("before", "after"), [("LIMIT = 3", "LIMIT = 4"), ("x=2", "x=3"), ("class Box:", "class Box(dict):"), ("\n", "\n")]
)
def test_what_runs_at_import_is_left_to_a_process_of_its_own(module: ModuleType, before: str, after: str) -> None:
    assert not placed(module, before, after)
    assert module.guarded() is True


def test_a_sample_says_in_which_range_the_whole_lies() -> None:
    low, high = interval(270, 300)
    assert (round(low, 3), round(high, 3)) == (0.861, 0.929)
    assert interval(0, 10)[0] == pytest.approx(0)
    assert interval(10, 10)[1] == pytest.approx(1)
    assert interval(2700, 3000)[0] > low


def test_every_group_has_files_a_goal_and_tests() -> None:
    assert GROUPS.keys() == GOALS.keys()
    for group in GROUPS:
        names = [file.name for file in files_of(group)]
        assert names
        assert "__init__.py" not in names
    assert {"test_decide.py", "test_diagnostics.py"} <= {file.name for file in judging_files()}
