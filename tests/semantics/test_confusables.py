"""Texts that look like others are told apart from texts that are merely foreign."""

import unicodedata

import pytest

from kynara_lang.semantics.confusables import LATIN, Oddity, alphabet, oddity, skeletons


@pytest.mark.parametrize(
    ("text", "kind", "character", "plain"),
    [
        ("аdmin", "mixed", "а", "admin"),
        ("Mосква", "mixed", "M", None),
        ("αdmin-2", "mixed", "α", "admin-2"),
        ("the аdmin", "mixed", "а", "the admin"),
        ("a\u00a0b", "invisible", "\u00a0", "a b"),
        ("ad\u200dmin", "invisible", "\u200d", "admin"),
        ("\u3164", "invisible", "\u3164", ""),
        ("a\u3000b", "invisible", "\u3000", "a b"),
        ("a\ufe0f", "invisible", "\ufe0f", "a"),
        ("ａdmin", "wide", "ａ", "admin"),
        ("𝐚dmin", "wide", "𝐚", "admin"),
        ("cafe\u0301", "decomposed", "\u0301", "café"),
    ],
)
def test_an_odd_text_is_told(text: str, kind: str, character: str, plain: str | None) -> None:
    assert oddity(text) == Oddity(kind, character, plain)


@pytest.mark.parametrize(
    "text",
    [
        "admin",
        "",
        "Москва",
        "Москва admin",
        "日本　語",
        "東京２３区",
        "größe naïve Łódź",
        "Ελλάδα",
        "Δt",
        "µs",
        "m²",
        "👩\u200d💻",
        "❤\ufe0f",
        "می\u200cخواهم",
        "क\u094d\u200dष",
    ],
)
def test_a_foreign_text_is_left_alone(text: str) -> None:
    assert oddity(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user1", "userl"),
        ("userI", "user1"),
        ("r0le", "role"),
        ("r0le", "rOle"),
        ("modem", "modern"),
        ("adm1n", "admin"),
        ("сор", "cop"),
        ("tier_1", "tier_l"),
    ],
)
def test_names_that_look_alike_share_a_skeleton(one: str, other: str) -> None:
    assert set(skeletons(one)) & set(skeletons(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("user1", "user2"), ("mail", "mall"), ("role", "rOle"), ("step1", "stepi"), ("node", "mode"), ("admin", "Admin")],
)
def test_names_that_differ_visibly_share_none(one: str, other: str) -> None:
    assert not set(skeletons(one)) & set(skeletons(other))


def test_the_table_maps_letters_of_two_alphabets_to_latin_ones() -> None:
    assert {alphabet(letter) for letter in LATIN} == {"Cyrillic", "Greek"}
    assert all(latin.isascii() and latin.isalpha() for latin in LATIN.values())
    for letter, latin in LATIN.items():
        assert (unicodedata.category(letter), unicodedata.category(latin)).count("Lu") in (0, 2)
