"""Conditions as other languages write them: what is said in their place stands there and is accepted."""

from __future__ import annotations

import re

import pytest

from kynara_lang.checker.linter import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

DECLARED = """\
subject User { team: String  manager: Bool  boss: User? }
subject Agent
resource Folder in Folder
resource Doc in Folder { size: Int  price: Decimal  owner: User  note: String?  tags: Set<String>  public: Bool }
action read on Doc
context { mfa: Bool }
"""


def program(condition: str) -> str:
    head = 'permit p "d" {\n  subject  any\n  action   read\n  resource Doc\n  scope    subject is User and resource.owner == subject\n'
    return f"{DECLARED}{head}  {condition}\n}}\n"


def found(condition: str) -> tuple[Diagnostic, ...]:
    return check_sources([Source("p.kyn", program(condition))], lints=LintSettings(select=("KYN301",))).diagnostics


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("when subject.manager xor resource.public", "when subject.manager != resource.public"),
        ("when subject.manager implies resource.public", "when (not subject.manager or resource.public)"),
        ("when subject.manager -> resource.public", "when (not subject.manager or resource.public)"),
        ("when resource has not note", "when not resource has note"),
        ("when resource has no note", "when not resource has note"),
        ("when resource.note exists", "when resource has note"),
        ("when resource.note is not null", "when resource has note"),
        ("when resource.note is missing", "when not resource has note"),
        ("when context.mfa is true", "when context.mfa"),
        ("when context.mfa is not true", "when not context.mfa"),
        ("when context.mfa is false", "when not context.mfa"),
        ("when resource.size in 1..5", "when (resource.size >= 1 and resource.size <= 5)"),
        ("when not resource.size between 1 and 5", "when not (resource.size >= 1 and resource.size <= 5)"),
        ("when resource.public AND context.mfa", "when resource.public and context.mfa"),
        ("when NOT context.mfa", "when not context.mfa"),
        ('when subject.team in ("a", "b")', 'when subject.team in {"a", "b"}'),
        ('when subject in [User::"a", User::"b"]', 'when subject in {User::"a", User::"b"}'),
        ('when any(resource.tags, t => t == "a")', 'when any t in resource.tags: t == "a"'),
        ('when exists t in resource.tags: t == "a"', 'when any t in resource.tags: t == "a"'),
        ('when for all t in resource.tags: t == "a"', 'when all t in resource.tags: t == "a"'),
        ('when any t in resource.tags where t == "a"', 'when any t in resource.tags : t == "a"'),
        ("when not subject isn't Agent", "when not not subject is Agent"),
        ('when resource.owner == User:"a"', 'when resource.owner == User::"a"'),
        ('when resource.owner == User("a")', 'when resource.owner == User::"a"'),
        ("when resource.owner == User::a", 'when resource.owner == User::"a"'),
        (
            'when resource in Folder::"x", Folder::"y"',
            'when any g in {Folder::"x", Folder::"y"}: resource in g',
        ),
        ("when resource.size >= 1,000", "when resource.size >= 1000"),
        ("when resource.price > .5", "when resource.price > 0.5"),
        ('when subject.team === "a"', 'when subject.team == "a"'),
    ],
)
def test_what_is_said_stands_in_its_place_and_is_accepted(written: str, right: str) -> None:
    (finding,) = found(written)
    cure = re.findall("`([^`]*)`", finding.help or "")[0]
    span = finding.span
    text = span.source.text
    assert text[: span.start] + cure + text[span.end :] == program(right)
    assert found(right) == ()


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        ("when resource.size == 1 xor context.mfa", "write both sides out: `(a and not b) or (not a and b)`"),
        ("when context.mfa implies resource.size == 1", "write both sides out: `not (a) or (b)`"),
        (
            "when resource in Folder",
            'name the group: `resource in Folder::"…"`; or test the type, if that is meant: `resource is Folder`',
        ),
        ("when subject?.boss == subject", "ask first: `subject has boss and subject.boss…`"),
        ("- when context.mfa", "delete the `-`"),
        ("when context.mfa and", "write what comes after `and`, or delete it"),
        ("when context.mfa)", "delete it, or look for a bracket that is closed too early"),
        ("deny", "delete it: `permit NAME` allows, `forbid NAME` denies"),
        ("log true", "delete it; whoever asks may record each decision"),
    ],
)
def test_what_cannot_be_put_in_its_place_is_explained(written: str, cure: str) -> None:
    (finding,) = found(written)
    assert finding.help == cure
