"""`//`, `..`, `%2e`, NUL, drive letters, mixed separators: a path that is somewhere else than it looks.

Apache served files outside its root for `.%2e` and, after the first correction, for `%%32%65` (CVE-2021-41773 and
CVE-2021-42013); servers disagree about `..;` ("Breaking Parser Logic", Orange Tsai, 2018); C programs end a path at a
NUL; Windows takes `\\` and `C:` where others see letters; and a file server for agents took `/work-evil` for a folder in
`/work` (CVE-2025-53110). Here paths are normalised once and contained by whole segments.
"""

from __future__ import annotations

import pytest

from tests.hostile.asking import NO, REFUSED, YES, answer, refusal

WITHIN_WORK = [
    ("/work", YES),
    ("/work/", YES),
    ("/work/a", YES),
    ("/work//a", YES),
    ("//work/a", YES),
    ("/work/./a", YES),
    ("/./work/a", YES),
    ("/work/a/../b", YES),
    ("/etc/../work/a", YES),
    ("/work/...", YES),
    ("/work/..a", YES),
    ("/work/a..", YES),
    ("/work/~", YES),
    ("/work/%2e%2e/etc", YES),  # a path is not decoded: `%2e%2e` is the name of a folder
    ("/work/..%2fetc", YES),
    ("/work/..;/etc", YES),  # nor has it parameters
    ("/work/a:b", YES),
    ("/work/․․/etc", YES),  # one-dot leaders are no dots
    ("/work/．．/etc", YES),
    ("/work/a b", YES),
    ("/work/CON", YES),
    ("/work-evil", NO),
    ("/work-evil/a", NO),
    ("/workevil", NO),
    ("/wor", NO),
    ("/", NO),
    ("/WORK/a", NO),
    ("/work.", NO),
    ("/work ", NO),
    ("/work/../etc/passwd", NO),
    ("/work/./../etc", NO),
    ("/work//../etc", NO),
    ("/work/a/../../etc", NO),
    ("/work/..", NO),
    ("/work/../work-evil", NO),
    ("/etc/work", NO),
    ("work", NO),
    ("work/a", NO),
    ("./work", NO),
    (".", NO),
    ("~/work", NO),
    ("／work", NO),
    ("/ｗork", NO),
    ("", REFUSED),
    ("..", REFUSED),
    ("../work", REFUSED),
    ("/..", REFUSED),
    ("/../work", REFUSED),
    ("/work/../..", REFUSED),
    ("/work/a/../../../etc", REFUSED),
    ("a/../../work", REFUSED),
    ("/work/\0", REFUSED),
    ("/work/a\0/../../etc", REFUSED),
    ("/work/a\n", REFUSED),
    ("/work/\x1b[2J", REFUSED),
    ("\\work", REFUSED),
    ("/work\\..\\..\\etc", REFUSED),
    ("/work/..\\etc", REFUSED),
    ("C:/work", REFUSED),
    ("c:work", REFUSED),
    ("C:\\work", REFUSED),
    ("./C:/work", REFUSED),
    ("a/../C:/work", REFUSED),
    ("\\\\server\\work", REFUSED),
    ("\\\\?\\C:\\work", REFUSED),
    ("/work/\ud800", REFUSED),
    ("/work/" + "a" * 9000, REFUSED),
    ("/work/" + "../" * 5000, REFUSED),
]


@pytest.mark.parametrize(("path", "expected"), WITHIN_WORK, ids=lambda v: ascii(v)[:40])
def test_containment_goes_by_whole_segments_of_what_is_left(path: str, expected: str) -> None:
    assert answer("Path", 'args.x within "/work"', path) == expected
    assert answer("Path", 'args.x within "/etc/../work/"', path) == expected
    assert answer("Path", 'args.x within {"/nowhere", "/work"}', path) == expected


RELATIVE = [
    ("src/a", YES),
    ("./src/a", YES),
    ("a/../src", YES),
    ("src-evil", NO),
    ("/src", NO),
    ("a/src", NO),
    ("src/../a", NO),
    ("../src", REFUSED),
]


@pytest.mark.parametrize(("path", "expected"), RELATIVE)
def test_a_relative_path_is_within_a_relative_one_only(path: str, expected: str) -> None:
    assert answer("Path", 'args.x within "src"', path) == expected


def test_the_whole_tree_is_not_the_working_folder() -> None:
    assert answer("Path", 'args.x within "/"', "/etc") == YES
    assert answer("Path", 'args.x within "/"', "etc") == NO
    assert answer("Path", 'args.x within "."', "etc") == YES
    assert answer("Path", 'args.x within "."', "/etc") == NO


NAMES = [
    ("/a/.env", ".env", ""),
    ("/a/.env/", ".env", ""),
    ("/a/./.env", ".env", ""),
    ("/a/.env/.", ".env", ""),
    ("/a/key.pem", "key.pem", ".pem"),
    ("/a/key.pem/../b", "b", ""),
    ("/a/key.pem.", "key.pem.", ""),
    ("/a/..pem", "..pem", ""),
    ("/a/key.pem ", "key.pem ", ".pem "),
    ("/a/key.PEM", "key.PEM", ".PEM"),
]


@pytest.mark.parametrize(("path", "name", "suffix"), NAMES)
def test_the_name_is_that_of_the_normalised_path(path: str, name: str, suffix: str) -> None:
    assert answer("Path", f'args.x.name == "{name}" and args.x.suffix == "{suffix}"', path) == YES


@pytest.mark.parametrize(
    "condition",
    ['args.x like "/work/*"', 'args.x.starts_with("/work/")', 'args.x.contains("..")', 'args.x in "/work"', 'args.x within "..\\\\a"'],
)
def test_a_policy_cannot_look_at_the_letters_of_a_path(condition: str) -> None:
    text = f"subject User\nresource Doc\naction read on Doc (x: Path)\nforbid f {{ subject User action read resource Doc when {condition} }}\n"
    assert all(code.startswith("KYN2") for code in refusal(text))


@pytest.mark.parametrize("directory", ["..", "/..", "C:/", "\\\\a", "", "a\\u{0}b", "../a"])
def test_a_policy_cannot_name_a_directory_that_is_none(directory: str) -> None:
    text = f'subject User\nresource Doc\naction read on Doc (x: Path)\npermit p {{ subject User action read resource Doc scope any "t" when args.x within "{directory}" }}\n'
    assert refusal(text)
