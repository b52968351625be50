"""Every lint keeps what its page promises: its examples find what they mark, and what it recommends is clean."""

from __future__ import annotations

import datetime
import re

import pytest

from kynara_lang.checker.lint_examples import MARK
from kynara_lang.checker.linter import LintSettings, lint_codes, lint_module
from kynara_lang.diagnostics.codes import CODES, LANGUAGE_CODES, PROVED_CODES, TESTED_CODES
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

TODAY = datetime.date(2026, 11, 23)
SECTIONS = ["What it finds", "Why it matters", "Avoid", "Prefer", "Options", "What it cannot see"]
EXAMPLES = [
    pytest.param(code, text, id=f"{code}-{kind.lower()}-{number}")
    for code in lint_codes()
    for kind in ("VALID", "INVALID")
    for number, text in enumerate(getattr(lint_module(code), kind), 1)
]


def found(text: str, settings: LintSettings) -> list[tuple[str, int]]:
    """Return code and line of everything found in a program."""
    checked = check_sources([Source("policy.kyn", text)], lints=settings, today=TODAY)
    return [(d.code, d.span.first.line) for d in checked.diagnostics]


def program_of(code: str, section: str) -> str:
    """Return the program in a section of a lint's page."""
    page = lint_module(code).__doc__
    part = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```kyn\n(.*?)```", part, re.DOTALL)
    assert len(blocks) == 1, f"{section} of {code} holds one program"
    return blocks[0]


@pytest.mark.parametrize(("code", "text"), EXAMPLES)
def test_an_example_finds_what_it_marks(code: str, text: str) -> None:
    marked = [(code, n) for n, line in enumerate(text.splitlines(), 1) if line.rstrip().endswith(MARK)]
    assert sorted(set(found(text, LintSettings(select=(code,))))) == marked


@pytest.mark.parametrize("code", lint_codes())
def test_there_are_enough_examples(code: str) -> None:
    module = lint_module(code)
    assert len(module.VALID) >= 3
    assert len(module.INVALID) >= 3
    assert not any(MARK in text for text in module.VALID)
    assert all(MARK in text for text in module.INVALID)


@pytest.mark.parametrize("code", lint_codes())
def test_a_page_has_its_sections(code: str) -> None:
    page = lint_module(code).__doc__
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS
    first = page.partition("\n")[0]
    assert first == CODES[code].meaning


@pytest.mark.parametrize("code", lint_codes())
def test_what_a_page_avoids_is_found(code: str) -> None:
    assert code in {c for c, _ in found(program_of(code, "Avoid"), LintSettings(select=(code,)))}


@pytest.mark.parametrize("code", lint_codes())
def test_what_a_page_prefers_is_clean(code: str) -> None:
    assert found(program_of(code, "Prefer"), LintSettings(extend_select=(code,))) == []


def test_every_code_of_a_lint_has_its_file() -> None:
    assert sorted(set(CODES) - LANGUAGE_CODES - PROVED_CODES - TESTED_CODES) == sorted(lint_codes())
