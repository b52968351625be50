"""Fingerprints: what leaves them as they are, and what does not."""

import pytest
from attrs import evolve

from kynara_lang.diagnostics.diagnostic import Diagnostic, Label, Severity
from kynara_lang.diagnostics.fingerprint import fingerprints, unique_fingerprints
from kynara_lang.diagnostics.source import Source
from tests.diagnostics.findings import PLAIN, at

POLICY = """\
module shop

permit read_orders "Support reads" {
  subject  User
  action   read
  scope    any "all is public"
}

permit read_bills "Support reads" {
  subject  User
  action   read
  scope    any "all is public"
}
"""


def found(text: str, place: str, *, name: str = "a.kyn", code: str = "KYN801") -> Diagnostic:
    """A finding at the last occurrence of a place."""
    before = text.rindex(place)
    source = Source(name, text)
    span = evolve(at(place, source), start=before, end=before + len(place))
    return Diagnostic(code, "x", (Label(span, ""),))


def one(text: str, place: str, **more: str) -> str:
    return fingerprints([found(text, place, **more)])[0]


BEFORE = one(POLICY, 'scope    any "all is public"')


@pytest.mark.parametrize(
    "text",
    [
        "\n\n" + POLICY,
        "# a comment\n## a doc\n" + POLICY,
        POLICY.replace("permit read_orders", "permit read_carts"),
        POLICY.replace("  ", "\t"),
        POLICY.replace(" {\n", " {\n  # now with a comment\n"),
        POLICY.replace("\n", "\r\n"),
        POLICY.replace("Support reads", "Support may read"),
        POLICY.replace("action   read", "action   read, write"),
        POLICY.replace("permit read_bills ", "permit  read_bills  "),
    ],
)
def test_what_is_around_it_may_change(text: str) -> None:
    assert one(text, [line.strip() for line in text.splitlines() if "scope" in line][-1]) == BEFORE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("all is public", "all was public"),
        ("permit read_bills", "permit read_prices"),
        ("permit read_bills", "forbid read_bills"),
    ],
)
def test_what_it_is_about_may_not(old: str, new: str) -> None:
    text = POLICY.replace(old, new)
    assert one(text, [line.strip() for line in text.splitlines() if "scope" in line][-1]) != BEFORE


def test_file_message_and_weight_do_not_count_and_the_code_does() -> None:
    place = 'scope    any "all is public"'
    assert one(POLICY, place, name="b.kyn") == BEFORE
    assert one(POLICY, place, code="KYN305") != BEFORE
    other = evolve(found(POLICY, place), message="y", severity=Severity.NOTE, notes=("n",), help="h")
    assert fingerprints([other]) == [BEFORE]


def test_the_same_place_in_two_declarations_differs() -> None:
    first = found(POLICY[: POLICY.index("permit read_bills")], 'scope    any "all is public"')
    assert fingerprints([first]) != [BEFORE]


def test_findings_that_read_alike_are_told_apart_by_their_occurrence() -> None:
    other = found("\n" + PLAIN.span.source.text, "read_orders", name="other.kyn")
    prints = unique_fingerprints([PLAIN, other, PLAIN])
    (plain,) = fingerprints([PLAIN])
    assert prints == [f"{plain}:1", f"{plain}:2", f"{plain}:3"]


def test_a_place_before_every_declaration_has_one() -> None:
    assert len(one("  permit p {}", "permit")) == 32
    assert one("", "") != one("x", "x")


def test_of_a_long_place_only_the_beginning_counts() -> None:
    text = "permit p {\n" * 1_000
    one_more = [
        Diagnostic("KYN001", "x", (Label(at("permit", Source("a.kyn", t), to=t[10:]), ""),)) for t in (text, text + "}")
    ]
    assert len(set(fingerprints(one_more))) == 1
