"""Folding, globs and well-formedness of String values."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.problems import ValueProblem
from kynara_lang.semantics.text import ascii_lower, compile_glob, glob_match, is_scalar_text


@pytest.mark.parametrize(
    ("text", "lower"),
    [("", ""), ("ABC xyz", "abc xyz"), ("ÄÖA", "ÄÖa"), ("İK", "İk"), ("\u212aB", "\u212ab"), ("ß", "ß")],
)
def test_ascii_lower(text: str, lower: str) -> None:
    assert ascii_lower(text) == lower


@given(st.text())
def test_ascii_lower_goes_character_by_character(text: str) -> None:
    assert ascii_lower(text) == "".join(c.lower() if "A" <= c <= "Z" else c for c in text)


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("", ("",)),
        ("abc", ("abc",)),
        ("*", ("", "")),
        ("***", ("", "")),
        ("a*b", ("a", "b")),
        ("*a**b*", ("", "a", "b", "")),
    ],
)
def test_compile_glob(pattern: str, parts: tuple[str, ...]) -> None:
    assert compile_glob(pattern) == parts


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("a*", "a\nb", True),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "a_c_b", False),
        ("a*b*c", "abbc", True),
        ("*x*x*", "x", False),
        ("[a]?", "[a]?", True),
        ("[a]?", "ab", False),
        ("A*", "abc", False),
    ],
)
def test_glob_match(pattern: str, text: str, expected: bool) -> None:
    assert glob_match(compile_glob(pattern), text) is expected


@given(st.text("ab*.", max_size=8), st.text("ab*.\n", max_size=12))
def test_glob_against_a_backtracking_oracle(pattern: str, text: str) -> None:
    oracle = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert glob_match(compile_glob(pattern), text) is (oracle.fullmatch(text) is not None)


def test_glob_takes_linear_time() -> None:
    parts = compile_glob("*a" * 4000 + "*b*")
    start = time.process_time()
    assert not glob_match(parts, "a" * 1_000_000)
    assert time.process_time() - start < 20


def test_long_globs_are_refused() -> None:
    with pytest.raises(ValueProblem, match="characters long"):
        compile_glob("a" * 8193)


@pytest.mark.parametrize(
    ("text", "scalar"), [("", True), ("aé😀", True), ("\ud83d", False), ("a\udfff", False)]
)
def test_is_scalar_text(text: str, scalar: bool) -> None:
    assert is_scalar_text(text) is scalar
