"""The stamp of this program: another version of anything that findings depend on is another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kynara_lang.caching import keeper, stamp
from kynara_lang.caching.keeper import Keeper, open_keeper


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is taken for this one, and a library beside it."""
    for name in ("syntax/parser.py", "diagnostics/codes.py", "checker/lints/a.py", "checker/__pycache__/a.pyc"):
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", encoding="utf-8")
    (tmp_path / "site" / "lark").mkdir(parents=True)
    (tmp_path / "site" / "lark" / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(stamp, "_PACKAGE", tmp_path / "package")
    monkeypatch.setattr(stamp, "_LIBRARIES", ("lark", "cvc5"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "package"


def stamps() -> tuple[str, str]:
    return stamp.of_parsing(), stamp.of_checking()


def test_without_a_change_it_is_the_same(package: Path) -> None:
    assert stamps() == stamps()
    (package / "checker" / "__pycache__" / "b.pyc").write_text("x", encoding="utf-8")
    assert stamps() == stamps()


@pytest.mark.parametrize("file", ["syntax/parser.py", "diagnostics/codes.py", "syntax/new.py"])
def test_what_parses_changes_both(package: Path, file: str) -> None:
    parsing, checking = stamps()
    (package / file).write_text("a longer text", encoding="utf-8")
    assert stamps()[0] != parsing
    assert stamps()[1] != checking


def test_the_time_of_a_file_counts(package: Path) -> None:
    _, checking = stamps()
    os.utime(package / "checker" / "lints" / "a.py", ns=(1, 1))
    assert stamps()[1] != checking


def test_a_lint_changes_what_is_found_and_no_tree(package: Path) -> None:
    parsing, checking = stamps()
    (package / "checker" / "lints" / "b.py").write_text("text", encoding="utf-8")
    assert stamps()[0] == parsing
    assert stamps()[1] != checking


def test_what_others_wrote_counts(package: Path, tmp_path: Path) -> None:
    before = stamps()
    (tmp_path / "site" / "lark" / "__init__.py").write_text("x = 1", encoding="utf-8")
    changed = stamps()
    (tmp_path / "site" / "cvc5.py").write_text("", encoding="utf-8")  # another module that was not there
    installed = stamps()
    for one, other in ((before, changed), (changed, installed)):
        assert one[0] != other[0]
        assert one[1] != other[1]


def test_the_grammar_and_the_versions_count(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {stamps()}
    for place, name, value in (
        (stamp, "__version__", "99"),
        (stamp.sys, "version", "another Python"),
        (stamp, "grammar_text", lambda: "start: x"),
    ):
        monkeypatch.setattr(place, name, value)
        seen.add(stamps())
    assert len(seen) == 4


def test_a_program_that_is_no_files_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise NotADirectoryError

    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    assert open_keeper().cache is not None
    monkeypatch.setattr(keeper.stamp, "of_parsing", fail)
    assert open_keeper() == Keeper()
