"""Path values: normalisation, containment by segments, names and suffixes."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.paths import enclosing_paths, path_name, path_suffix, path_within, read_path
from kynara_lang.semantics.problems import ValueProblem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("///", "/"),
        ("/.", "/"),
        (".", "."),
        ("./", "."),
        ("a/..", "."),
        ("/a/..", "/"),
        ("/a/b", "/a/b"),
        ("//a//b/", "/a/b"),
        ("a/./b/../c/", "a/c"),
        ("/a/.../b", "/a/.../b"),
        ("..a/b..", "..a/b.."),
        ("/C:/x", "/C:/x"),
        ("a/C:", "a/C:"),
        ("ab:c", "ab:c"),
        ("~/x", "~/x"),
        (" ", " "),
        ("/a~\u00a0b", "/a~\u00a0b"),
        ("/é/e\u0301", "/é/e\u0301"),
        ("/%2e%2e/x", "/%2e%2e/x"),
    ],
)
def test_read_path(text: str, path: str) -> None:
    assert read_path(text) == path
    assert read_path(path) == path


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "a path is empty", "."),
        ("/..", "climbs above the root", None),
        ("/a/../../b", "climbs above the root", None),
        ("..", "climbs above its start", None),
        ("a/../../b", "climbs above its start", None),
        ("/a\0b", "contains a NUL character", None),
        ("/a\nb", "contains a control character", None),
        ("/a\x1fb", "contains a control character", None),
        ("/a\x7fb", "contains a control character", None),
        ("/a\x80b", "contains a control character", None),
        ("/a\x85b", "contains a control character", None),
        ("/a\x9fb", "contains a control character", None),
        ("a\\b", "contains a backslash", "a/b"),
        ("C:", "starts with a drive letter", None),
        ("c:\\x", "starts with a drive letter", None),
        ("./C:/x", "starts with a drive letter", None),
        ("a/../C:/x", "starts with a drive letter", None),
        ("/\ud800", "lone surrogate", None),
        ("/" * 8193, "characters long", None),
    ],
)
def test_read_path_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_path(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("/work/a", "/work", True),
        ("/work", "/work", True),
        ("/work-evil", "/work", False),
        ("/work", "/work/a", False),
        ("/Work/a", "/work", False),
        ("/a", "/", True),
        ("/", "/", True),
        ("a", "/", False),
        ("a", ".", True),
        (".", ".", True),
        ("/a", ".", False),
        (".", "a", False),
        ("a/b", "a", True),
        ("ab", "a", False),
        ("/a/b", "a", False),
        ("a/b", "/a", False),
    ],
)
def test_path_within(path: str, directory: str, expected: bool) -> None:
    assert path_within(path, directory) is expected


@pytest.mark.parametrize(
    ("path", "name", "suffix"),
    [
        ("/", "", ""),
        (".", "", ""),
        ("/a/main.py", "main.py", ".py"),
        ("main.py", "main.py", ".py"),
        ("/a.d/main", "main", ""),
        ("a.tar.gz", "a.tar.gz", ".gz"),
        (".bashrc", ".bashrc", ""),
        (".bashrc.bak", ".bashrc.bak", ".bak"),
        ("..py", "..py", ""),
        ("...", "...", ""),
        ("a.", "a.", ""),
        ("a..py", "a..py", ".py"),
    ],
)
def test_path_name_and_suffix(path: str, name: str, suffix: str) -> None:
    assert read_path(path) == path
    assert path_name(path) == name
    assert path_suffix(path) == suffix


paths = st.text("ab./:\\", max_size=16)


@given(paths)
def test_normal_paths_are_read_as_themselves(text: str) -> None:
    try:
        path = read_path(text)
    except ValueProblem as problem:
        assert "\n" not in problem.message
        return
    assert read_path(path) == path
    assert ".." not in path.split("/")
    expected = posixpath.normpath(text)
    assert path == (expected[1:] if expected.startswith("//") else expected)


@given(st.text("a./", max_size=12))
def test_climbing_paths_are_always_refused(text: str) -> None:
    depth, climbs = 0, False
    for segment in text.split("/"):
        depth += -1 if segment == ".." else segment not in ("", ".")
        climbs = climbs or depth < 0
    try:
        read_path(text)
    except ValueProblem as problem:
        assert ("climbs" in problem.message) is climbs
    else:
        assert not climbs


@given(paths, paths)
def test_containment_is_a_common_start_of_segments(one: str, other: str) -> None:
    try:
        path, directory = read_path(one), read_path(other)
    except ValueProblem:
        return
    inner, outer = ([part for part in p.split("/") if part not in ("", ".")] for p in (path, directory))
    same_kind = path.startswith("/") == directory.startswith("/")
    assert path_within(path, directory) is (same_kind and inner[: len(outer)] == outer)


@pytest.mark.parametrize("path", ["/", ".", "/a", "a", "/a/b", "a/b/c", "/a/b/c.txt", "..a", "/.a/..b"])
def test_enclosing_paths_are_those_that_it_is_within(path: str) -> None:
    others = ["/", ".", "/a", "a", "/a/b", "a/b", "a/b/c", "/a/b/c", "/ab", "b", "/.a", "..a", "/.a/..b", "/a/b/c.txt"]
    found = enclosing_paths(path)
    assert len(set(found)) == len(found)
    assert {other for other in others if path_within(path, other)} == set(found) & set(others)
    assert all(path_within(path, directory) for directory in found)
    for longest in range(1, 13):
        assert set(enclosing_paths(path, longest)) == {directory for directory in found if len(directory) <= longest}
