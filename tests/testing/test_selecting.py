"""Which tests `-k` means."""

from __future__ import annotations

import re

import pytest

from kynara_lang.testing.selecting import SelectionError, selection

TITLES = ["refund limits", "Large refunds wait", "readers read", "to be or not to be"]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("refund", [0, 1]),
        ("REFUND", [0, 1]),
        ("refund limits", [0]),
        ("refund   limits", [0]),
        ("refund and large", [1]),
        ("refund and not large", [0]),
        ("limits or read", [0, 2]),
        ("not refund", [2, 3]),
        ("not not refund", [0, 1]),
        ("not (refund or read)", [3]),
        ("limits or refund and wait", [0, 1]),
        ("(limits or refund) and wait", [1]),
        ('"or not"', [3]),
        ('be "or not" to', [3]),
        ("nothing", []),
    ],
)
def test_it_means_titles(text: str, fits: list[int]) -> None:
    wanted = selection(text)
    assert [at for at, title in enumerate(TITLES) if wanted(title)] == fits


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a word is missing at the end"),
        ("refund and", "a word is missing at the end"),
        ("and refund", "a word is missing before `and`"),
        ("(refund", "a `)` is missing"),
        ("refund)", "`)` stands where"),
        ("()", "a word is missing before `)`"),
        ('"refund', "a quote is not closed"),
        ("(" * 100_000, "too many parentheses"),
    ],
)
def test_what_is_no_expression_is_told(text: str, why: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(why)):
        selection(text)
