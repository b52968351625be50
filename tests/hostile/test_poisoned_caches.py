"""Poisoned caches, and caches shared between users: what one user leaves decides for another.

Parser tables and compiled templates kept as pickles in a shared temporary folder run code for whoever loads them; a build
cache that anybody may write to changes what others build. Here the folder belongs to one user, entries are signed, hold JSON
and are known by everything they depend on, and what cannot be trusted is refused or as good as absent.
`tests/caching` tests the folder by itself; here `kynara check` runs on what an attacker left.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kynara_lang.caching import stamp, trees
from kynara_lang.caching.folder import CacheError, key_of, open_cache
from kynara_lang.cli.main import cli
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.syntax import parser, stored

GOOD = """\
subject User
resource Doc
action read on Doc
permit p "Everybody reads" { subject User action read resource Doc scope any "a test" }
"""
BAD = GOOD.replace("read resource", "raed resource")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "policies").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(home: Path, text: str) -> tuple[int, list[str]]:
    """Run `kynara check` on a policy; return its exit code and the codes of its findings."""
    (home / "policies" / "p.kyn").write_text(text, encoding="utf-8")
    result: Result = CliRunner().invoke(cli, ["check", "policies", "--output-format", "json", "--no-prove"])
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        return 2, []
    return result.exit_code, [d["code"] for d in json.loads(result.stdout)["diagnostics"]]


def entries(home: Path) -> list[Path]:
    return [path for path in (home / "cache").iterdir() if path.name not in ("key", "CACHEDIR.TAG")]


def test_what_is_kept_is_json_and_nothing_that_runs(home: Path) -> None:
    check(home, GOOD)
    assert entries(home)
    for path in entries(home):
        json.loads(path.read_bytes()[64:])


POISON: dict[str, Any] = {
    "empty": lambda content: b"",
    "unsigned": lambda content: content[64:],
    "signed with nothing": lambda content: b"0" * 64 + content[64:],
    "signed with a plain hash": lambda content: hashlib.sha256(content[64:]).hexdigest().encode() + content[64:],
    "cut": lambda content: content[:-10],
    "extended": lambda content: content + b" ",
    "one bit": lambda content: content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
    "a pickle": lambda content: content[:64] + b"cos\nsystem\n(S'echo poisoned'\ntR.",
    "an empty report": lambda content: content[:64] + b'{"imported": {}, "report": [[], 1, 1, [], true, 0, 0, []]}',
    "huge": lambda content: content[:64] + b"[" * 3_000_000,
}


@pytest.mark.parametrize("how", POISON)
def test_an_entry_that_somebody_changed_is_no_entry(home: Path, how: str) -> None:
    """The findings of a broken policy stay, whatever is written over what was kept of it."""
    expected = check(home, BAD)
    assert expected[0] == 1
    for path in entries(home):
        path.write_bytes(POISON[how](path.read_bytes()))
    assert check(home, BAD) == expected


def test_an_entry_of_a_good_policy_does_not_pass_for_that_of_a_bad_one(home: Path) -> None:
    check(home, BAD)
    bad = {path.name: path.read_bytes() for path in entries(home)}
    expected = check(home, BAD)
    check(home, GOOD)
    good = [path.read_bytes() for path in entries(home) if path.name not in bad]
    assert good
    for name in bad:
        for content in good:
            (home / "cache" / name).write_bytes(content)
            assert check(home, BAD) == expected


def test_a_cache_that_was_brought_along_is_not_believed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository can hold a folder of entries, but not the user's key; with its own key they are still JSON."""
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "theirs"))
    check(home, GOOD)
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    expected = check(home, BAD)
    for path in (tmp_path / "theirs").iterdir():
        if path.name != "key":
            (tmp_path / "cache" / path.name).write_bytes(path.read_bytes())
    assert check(home, BAD) == expected


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707, 0o755, 0o711])
def test_a_folder_that_others_can_look_into_is_refused(home: Path, mode: int) -> None:
    check(home, GOOD)
    (home / "cache").chmod(mode)
    with pytest.raises(CacheError):
        open_cache()
    assert check(home, BAD)[0] in (1, 2)  # never silence about what is wrong


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_folder_or_an_entry_that_is_a_link_is_not_followed(home: Path) -> None:
    expected = check(home, BAD)
    target = home / "elsewhere"
    for path in entries(home):
        target.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(target)
    assert check(home, BAD) == expected
    (home / "cache").rename(home / "moved")
    (home / "cache").symlink_to(home / "moved")
    with pytest.raises(CacheError):
        open_cache()


def test_a_key_that_is_readable_by_others_signs_nothing(home: Path) -> None:
    check(home, BAD)
    key = home / "cache" / "key"
    before = key.read_bytes()
    key.chmod(0o644)
    check(home, BAD)
    assert key.read_bytes() != before


SIGNED_LIES: list[Any] = [None, [], {}, 0, "x", {"name": []}, {"name": [], "imports": [], "declarations": []}, [[["Module", 0, 10**9]]], {"declarations": [["__import__"]]}, "\ud800"]


@pytest.mark.parametrize("payload", SIGNED_LIES, ids=repr)
def test_even_a_signed_entry_that_is_no_tree_is_no_tree(home: Path, payload: Any) -> None:
    """The user's own key signs it; it is still data, and data of the wrong shape is parsed anew."""
    cache = open_cache()
    assert cache is not None
    source = Source("p.kyn", GOOD)
    cache.put("parsed", key_of("1", GOOD), json.dumps(payload).encode())
    report = Report()
    module = trees.read(cache, "1", source, report)
    assert stored.to_data(module) == stored.to_data(parser.read(source, Report()))


def test_the_key_of_an_entry_holds_everything_it_depends_on(home: Path) -> None:
    """Texts that run into one another, other versions and other days are other entries."""
    assert key_of("a", "b") != key_of("ab", "")
    assert key_of("1", "a\n1") != key_of("1\na", "1")
    assert stamp.of_parsing() != stamp.of_checking()
