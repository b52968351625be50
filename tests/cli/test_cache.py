"""`kynara check` with its cache, `--no-cache` and `kynara clean`: what is kept changes nothing that is seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kynara_lang import program
from kynara_lang.cli.reports import FORMATS
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.syntax import ast, parser
from tests.cli.project import Run

posix = pytest.mark.skipif(os.name == "nt", reason="modes are different there")


@pytest.fixture
def cache(tmp_path: Path, project: Path) -> Path:
    """Where the cache of these tests is."""
    return tmp_path / "cache"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the parser was asked for."""
    names: list[str] = []
    real = parser.read

    def read(source: Source, report: Report, pack: None = None) -> ast.Module:
        names.append(source.name)
        return real(source, report, pack)

    monkeypatch.setattr(parser, "read", read)
    return names


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A one for each time that a program was really checked."""
    made: list[int] = []
    real = program.check_inputs

    def check(*arguments: Any, **options: Any) -> Any:
        made.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(program, "check_inputs", check)
    return made


def test_of_a_thousand_files_the_one_that_changed_is_parsed_again(
    kynara: Run, project: Path, parsed: list[str]
) -> None:
    folder = project / "many"
    folder.mkdir()
    for number in range(1000):
        (folder / f"f{number:03}.kyn").write_text(f"role r{number}\n", encoding="utf-8")
    first = kynara("check", "many", "--select", "KYN1")
    assert len(parsed) == 1000
    assert kynara("check", "many", "--select", "KYN1").output == first.output
    assert len(parsed) == 1000
    (folder / "f500.kyn").write_text("role other\n", encoding="utf-8")
    assert kynara("check", "many", "--select", "KYN1").output == first.output
    assert parsed[1000:] == ["many/f500.kyn"]
    kynara("check", "many", "--select", "KYN2")
    assert len(parsed) == 1001, "with other settings it is checked again, but not parsed"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("more", [(), ("--statistics",), ("--color", "always")], ids=" ".join)
@pytest.mark.parametrize("path", ["policies", "broken"])
def test_what_is_shown_is_the_same(kynara: Run, checks: list[int], path: str, form: str, more: tuple[str, ...]) -> None:
    command = ("check", path, "--output-format", form, *more)
    runs = [kynara(*command, "--no-cache"), kynara(*command), kynara(*command)]
    assert len(checks) == 2
    assert len({(run.exit_code, run.stdout, run.stderr) for run in runs}) == 1


def test_no_cache_reads_and_writes_none(kynara: Run, checks: list[int], cache: Path) -> None:
    kynara("check", "policies", "--no-cache")
    assert not cache.exists()
    kynara("check", "policies")
    assert cache.exists()
    kynara("check", "policies", "--no-cache")
    assert len(checks) == 3


def test_a_cache_that_is_garbage_changes_nothing(kynara: Run, checks: list[int], cache: Path) -> None:
    first = kynara("check", "broken")
    for entry in cache.iterdir():
        if entry.name != "CACHEDIR.TAG":  # without it the folder is that of something else
            entry.write_bytes(b"garbage")
    assert kynara("check", "broken").output == first.output
    assert kynara("check", "broken").output == first.output
    assert len(checks) == 2


@posix
def test_a_cache_that_cannot_be_trusted_is_told_of_and_not_used(kynara: Run, checks: list[int], cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o755)
    for _ in range(2):
        result = kynara("check", "broken")
        note, rest = result.stderr.split("\n", 1)
        assert note == f"note: no cache is used: others have access to {cache}; `chmod 700` takes it from them"
        assert (result.exit_code, rest) == (1, kynara("check", "broken", "--no-cache").stderr)
    assert len(checks) == 4
    assert list(cache.iterdir()) == []


def test_a_cache_cannot_be_named_by_a_project(kynara: Run, project: Path) -> None:
    (project / "kynara.toml").write_text('policies = "policies"\ncache = "cache"', encoding="utf-8")
    assert "there is no key `cache`" in kynara("check").stderr


def test_standard_input_is_known_by_what_it_holds(kynara: Run, project: Path, checks: list[int]) -> None:
    policy = (project / "policies" / "shop.kyn").read_text(encoding="utf-8")
    for text, expected in ((policy, 1), (policy, 1), (policy + "\n", 2), ("permit", 3), (policy, 3)):
        kynara("check", "-", input=text)
        assert len(checks) == expected


def test_settings_that_are_wrong_are_told_whatever_is_known(kynara: Run, project: Path) -> None:
    settings = project / "kynara.toml"
    settings.write_text('policies = "policies"\n[options.KYN603]\nnonsense = 1', encoding="utf-8")
    first = kynara("check")
    assert first.exit_code == 2
    assert first.stderr.startswith("error: kynara.toml: `options` of `KYN603` ")
    settings.write_text('policies = "policies"', encoding="utf-8")
    assert kynara("check").exit_code != 2
    settings.write_text('policies = "policies"\n[options.KYN603]\nnonsense = 1', encoding="utf-8")
    assert kynara("check").output == first.output


def test_fixes_are_looked_for_without_parsing_again(kynara: Run, parsed: list[str]) -> None:
    kynara("check", "broken")
    assert len(parsed) == 1
    kynara("check", "broken", "--diff")
    assert len(parsed) == 1
    kynara("check", "broken", "--diff", "--unsafe-fixes")
    assert len(parsed) == 2, "the text that the fixes make is another"


# kynara clean


def test_clean_empties_the_cache_and_says_where_it_was(kynara: Run, cache: Path, checks: list[int]) -> None:
    kynara("check", "policies")
    (cache / "mine.txt").write_text("x", encoding="utf-8")
    kinds = ("parsed-", "checked-", "proved-")
    entries = [path.name.split("-")[0] for path in cache.iterdir() if path.name.startswith(kinds)]
    assert set(entries) == {"parsed", "checked", "proved"}
    result = kynara("clean")
    assert (result.exit_code, result.stdout) == (0, f"Removed {len(entries)} entries from {cache}\n")
    assert sorted(path.name for path in cache.iterdir()) == ["CACHEDIR.TAG", "mine.txt"]
    kynara("check", "policies")
    assert len(checks) == 2


def test_clean_of_nothing_is_fine(kynara: Run, cache: Path) -> None:
    result = kynara("clean")
    assert (result.exit_code, result.stdout) == (0, f"There is nothing in the cache {cache}\n")
    assert not cache.exists()


def test_clean_leaves_a_place_alone_that_is_no_cache(kynara: Run, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("mine", encoding="utf-8")
    result = kynara("clean")
    assert (result.exit_code, result.stderr) == (2, f"error: {cache} is a file or a link, where a folder should be\n")
    assert cache.read_text(encoding="utf-8") == "mine"
    monkeypatch.setenv("KYNARA_CACHE_DIR", "relative")
    assert "must be an absolute path" in kynara("clean").stderr


def test_a_folder_of_something_else_is_left_alone_and_the_check_is_made(kynara: Run, cache: Path) -> None:
    cache.mkdir(mode=0o700)
    (cache / "key").write_text("mine", encoding="utf-8")
    without = kynara("check", "policies", "--no-cache")
    result = kynara("check", "policies")
    assert (result.exit_code, result.stdout) == (without.exit_code, without.stdout)
    assert f"note: no cache is used: {cache} holds files and was not made by kynara" in result.stderr
    assert kynara("clean").exit_code == 2
    assert [(path.name, path.read_text(encoding="utf-8")) for path in cache.iterdir()] == [("key", "mine")]


def test_who_asks_for_a_cache_is_told_that_there_is_none(
    kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "a-file"
    file.write_text("", encoding="utf-8")
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(file / "cache"))
    (project / "requests.jsonl").write_text("{}\n", encoding="utf-8")
    given = ("decide", "policies", "--requests", "requests.jsonl")
    note = "note: no cache is used: its folder cannot be made or read"
    assert note not in kynara(*given).stderr
    assert note in kynara(*given, "--cache").stderr
