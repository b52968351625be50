"""Parsing in several processes gives what parsing in one does, whatever becomes of the processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang import ahead
from kynara_lang.caching.folder import open_cache
from kynara_lang.caching.keeper import Keeper
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.render_text import render_full
from kynara_lang.files import find_files
from kynara_lang.inputs import read_inputs
from kynara_lang.syntax import parser

BASE = """\
## Whoever asks.
subject User { team: String }
resource Doc { team: String }
action read, write on Doc
"""
RULE = """\
# a comment
## Of the same team.
permit p{} "nice 😀" {{ subject User  action read  resource Doc  scope subject.team == resource.team  # kynara: ignore[KYN801]
}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ahead, "WORTH", 10)
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "base.kyn").write_text(BASE, encoding="utf-8")
    for at in range(5):
        (folder / f"f{at}.kyn").write_text("".join(RULE.format(f"{at}_{n}") for n in range(at)), encoding="utf-8")
    return folder


@pytest.fixture
def parsed_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were parsed in this process."""
    names: list[str] = []
    real = parser.read

    def read(source: Any, *given: Any) -> Any:
        names.append(Path(source.name).name)
        return real(source, *given)

    monkeypatch.setattr(parser, "read", read)
    return names


def description(rule: Any) -> str:
    assert rule.decl.description is not None
    return str(rule.decl.description.value)


def told(policies: kynara.PolicySet) -> list[Any]:
    rules = policies.program.rules
    return [policies.digest, *((r.name, r.effect, r.span.text, r.decl.doc, description(r)) for r in rules)]


def shown(diagnostics: Iterable[Diagnostic]) -> str:
    return render_full(diagnostics, width=100).plain


def test_a_program_is_the_same_in_how_many_processes_it_is_parsed(folder: Path, parsed_here: list[str]) -> None:
    alone = kynara.load(folder)
    assert len(parsed_here) == 6
    together = kynara.load(folder, jobs=3)
    assert len(parsed_here) == 6
    assert told(alone) == told(together)
    assert len(alone.program.rules) == 10


def test_a_check_finds_the_same(folder: Path, parsed_here: list[str]) -> None:
    alone = kynara.check(folder, prove=False)
    del parsed_here[:]
    together = kynara.check(folder, prove=False, jobs=2)
    assert parsed_here == []
    assert shown(alone.diagnostics) == shown(together.diagnostics)
    assert together.diagnostics


def test_what_has_mistakes_is_parsed_here_with_all_its_messages(folder: Path, parsed_here: list[str]) -> None:
    (folder / "f1.kyn").write_text("permit {\n", encoding="utf-8")
    (folder / "f2.kyn").write_text("permit x { subject Nobody }\n", encoding="utf-8")
    found = []
    for jobs in (1, 3):
        del parsed_here[:]
        with pytest.raises(kynara.CompileError) as wrong:
            kynara.load(folder, jobs=jobs)
        found.append(shown(wrong.value.diagnostics))
    assert found[0] == found[1]
    assert [name for name in parsed_here if name[0] == "f" and name[1].isdigit()] == ["f1.kyn"]


def test_trees_from_other_processes_are_kept(folder: Path, parsed_here: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(folder.parent / "cache"))
    keeper = Keeper(open_cache(), "1", "2")

    def check() -> None:
        keeper.check(read_inputs(find_files([str(folder)]), ()), LintSettings(), jobs=2)

    check()
    assert len(list((folder.parent / "cache").glob("parsed-*"))) == 6
    begun: list[Any] = []
    monkeypatch.setattr(ahead, "_begin", begun.append)
    check()
    assert (parsed_here, begun) == ([], [])


@pytest.mark.parametrize("what", ["raise SystemExit(1)", "print()", "print('{}')", "print(1); print(); print()"])
def test_processes_that_fail_cost_time_only(
    folder: Path, parsed_here: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    alone = kynara.load(folder)
    real = subprocess.Popen

    def begin(command: list[str], **given: Any) -> Any:
        return real([sys.executable, "-c", what], **given)

    monkeypatch.setattr(subprocess, "Popen", begin)
    assert told(kynara.load(folder, jobs=3)) == told(alone)
    assert len(parsed_here) == 12


def test_where_there_can_be_no_more_processes_there_are_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = kynara.load(folder)

    def begin(command: list[str], **given: Any) -> Any:
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", begin)
    assert told(kynara.load(folder, jobs=3)) == told(alone)


def test_small_files_and_one_file_are_parsed_here(
    folder: Path, parsed_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(ahead, "_begin", begun.append)
    kynara.load(folder / "base.kyn", jobs=8)
    monkeypatch.setattr(ahead, "WORTH", 10_000)
    kynara.load(folder, jobs=8)
    assert begun == []
    assert len(parsed_here) == 7


def test_modules_in_the_working_folder_are_not_run(
    folder: Path, parsed_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "json.py").write_text("raise SystemExit('taken')\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    kynara.load(folder, jobs=2)
    assert parsed_here == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jobs": 0}, "at least 1"),
        ({"jobs": -1}, "at least 1"),
        ({"jobs": 2.5}, "number of processes"),
        ({"jobs": "2"}, "number of processes"),
        ({"jobs": True}, "number of processes"),
        ({"cache": True}, r"program_cache\(\)"),
        ({"cache": "folder"}, r"program_cache\(\)"),
    ],
)
def test_what_is_no_cache_or_number_of_processes_is_refused_in_words(
    folder: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        kynara.load(folder, **given)
