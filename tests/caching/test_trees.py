"""Trees that are kept: which files are parsed again, and which trees are not kept at all. Parsing is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kynara_lang.caching import trees
from kynara_lang.caching.folder import Cache, key_of, open_cache
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.syntax import ast, parser, stored

TEXT = "## documented\nrole r  # a role\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    found = open_cache()
    assert found is not None
    return found


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the parser was asked for."""
    names: list[str] = []
    real = parser.read

    def read(source: Source, report: Report) -> ast.Module:
        names.append(source.name)
        return real(source, report)

    monkeypatch.setattr(parser, "read", read)
    return names


def read(cache: Cache, text: str, name: str = "a.kyn", stamp: str = "1") -> tuple[ast.Module, Report]:
    report = Report()
    return trees.read(cache, stamp, Source(name, text), report), report


def test_a_text_is_parsed_once(cache: Cache, parsed: list[str]) -> None:
    first, _ = read(cache, TEXT)
    second, report = read(cache, TEXT)
    assert parsed == ["a.kyn"]
    assert report.sorted() == ()
    assert stored.to_data(first) == stored.to_data(second)
    assert second.declarations[0].doc == "documented"
    assert second.comments[1].text == "# a role"


def test_a_text_under_another_name_is_the_same_tree_in_another_source(cache: Cache, parsed: list[str]) -> None:
    read(cache, TEXT)
    found, _ = read(cache, TEXT, name="b.kyn")
    assert parsed == ["a.kyn"]
    assert found.source.name == "b.kyn"
    assert found.declarations[0].span.source is found.source


def test_another_text_and_another_version_are_parsed(cache: Cache, parsed: list[str]) -> None:
    read(cache, TEXT)
    read(cache, TEXT + " ", name="b.kyn")
    read(cache, TEXT, name="c.kyn", stamp="2")
    assert parsed == ["a.kyn", "b.kyn", "c.kyn"]


@pytest.mark.parametrize("text", ["role", "forbid f { when a or b and c }", "role r\u202e", "role r\nrole"])
def test_what_was_complained_of_is_complained_of_again(cache: Cache, parsed: list[str], text: str) -> None:
    first, second = (read(cache, text)[1].sorted() for _ in range(2))
    assert parsed == ["a.kyn"] * 2
    assert first
    assert [(d.code, d.message, d.span.start) for d in first] == [(d.code, d.message, d.span.start) for d in second]


def test_a_file_that_was_reported_under_its_name_before_is_not_taken_for_clean(cache: Cache) -> None:
    report = Report()
    for _ in range(2):  # as a file and as a library, say: the second time nothing new is reported
        trees.read(cache, "1", Source("a.kyn", "forbid f { when a or b and c }"), report)
    _, other = read(cache, "forbid f { when a or b and c }")
    assert other.sorted()


def test_what_is_wrong_with_one_file_keeps_no_other_from_being_kept(cache: Cache, parsed: list[str]) -> None:
    for _ in range(2):
        report = Report()
        for name, text in (("a.kyn", "role"), ("b.kyn", TEXT)):
            trees.read(cache, "1", Source(name, text), report)
        assert [d.span.source.name for d in report.sorted()] == ["a.kyn"]
    assert parsed == ["a.kyn", "b.kyn", "a.kyn"]


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 100_000, b"{}", b'{"name": 1}', b"null"])
def test_a_signed_entry_that_is_no_tree_is_written_anew(cache: Cache, parsed: list[str], payload: bytes) -> None:
    key = key_of("1", TEXT)
    cache.put("parsed", key, payload)
    found, _ = read(cache, TEXT)
    assert len(found.declarations) == 1
    again = cache.get("parsed", key)
    assert again is not None
    assert json.loads(again) == stored.to_data(found)
    read(cache, TEXT)
    assert parsed == ["a.kyn"]
