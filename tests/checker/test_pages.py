"""Every code has one page that keeps what it promises: what it avoids is found, what it prefers is clean."""

from __future__ import annotations

import datetime
import re

import pytest

from kynara_lang import pages
from kynara_lang.checker.linter import LintSettings, lint_codes, lint_module
from kynara_lang.cli.new_lint import PLACEHOLDER
from kynara_lang.diagnostics import codes
from kynara_lang.diagnostics.codes import CODES, LANGUAGE_CODES, PROVED_CODES, TESTED_CODES
from kynara_lang.diagnostics.source import Source
from kynara_lang.pages import FAMILIES, FOLDER, SECTIONS, UnknownCode, find_code, page_of
from kynara_lang.pipeline import check_sources
from kynara_lang.proving import Proving
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.testing import cases, coverage

TODAY = datetime.date(2026, 11, 23)
WRITTEN = sorted(path.stem for path in FOLDER.iterdir())
WITHOUT_PROGRAM = {"KYN006"}  # what is no text cannot stand in a page

STANDS_FOR_CHARACTER = re.compile(r"⟨U\+([0-9A-F]{4,6})⟩")


def text_of(code: str) -> str:
    """Return a page as it is written."""
    text = lint_module(code).__doc__ if code in lint_codes() else (FOLDER / f"{code}.md").read_text(encoding="utf-8")
    assert isinstance(text, str)
    return text


def programs(code: str, section: str) -> list[str]:
    """Return the programs of a section; a character that a page cannot show has a stand-in there."""
    found = re.findall(r"^```kyn\n(.*?)^```$", page_of(code).sections[section], re.MULTILINE | re.DOTALL)
    return [STANDS_FOR_CHARACTER.sub(lambda stand_in: chr(int(stand_in[1], 16)), text) for text in found]


def found(code: str, text: str) -> list[str]:
    """Return what is found in a program of the page of a code; what only proofs or tests find is looked for by these."""
    prove = Proving() if code in PROVED_CODES else None
    checked = check_sources([Source("policy.kyn", text)], lints=LintSettings(), today=TODAY, prove=prove)
    assert checked.proven is None or not checked.proven.missing, "the extra `prove` is not installed"
    findings = list(checked.diagnostics)
    if code in TESTED_CODES and not checked.has_errors:
        policies = PolicySet(checked.program)
        asked = [case for test in cases.tests_of(checked.program) for case in test.cases]
        findings += coverage.untested_rules(coverage.coverage_of(policies, asked))
    return [f"{d.code}: {d.message}" for d in findings]


def test_every_code_has_one_page() -> None:
    assert sorted([*WRITTEN, *lint_codes()]) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_begins_with_its_meaning_and_has_its_sections(code: str) -> None:
    assert text_of(code).startswith(f"{CODES[code].meaning}\n\n## {SECTIONS[0]}\n\n")
    sections = page_of(code).sections
    assert tuple(sections) == SECTIONS
    assert all(sections.values())


ALSO = {"KYN406": ["KYN607"]}  # the proof finds two agents that approve each other, the lint that one of them can at all


@pytest.mark.parametrize("code", WRITTEN)
def test_what_a_page_avoids_is_found_and_nothing_else(code: str) -> None:
    texts = programs(code, "Avoid")
    assert len(texts) == (code not in WITHOUT_PROGRAM)
    for text in texts:
        assert [finding.partition(":")[0] for finding in found(code, text)] == [code, *ALSO.get(code, ())]


@pytest.mark.parametrize("code", WRITTEN)
def test_what_a_page_prefers_is_clean(code: str) -> None:
    texts = programs(code, "Prefer")
    assert len(texts) == (code not in WITHOUT_PROGRAM)
    for text in texts:
        assert found(code, text) == []


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_written_in_the_markdown_that_is_shown(code: str) -> None:
    prose = re.sub(r"^```(?:kyn|text|toml)\n.*?^```$", "", text_of(code), flags=re.MULTILINE | re.DOTALL)
    assert "```" not in prose
    assert not re.search(r"\]\(|^#(?!# )|^ *>|^\d+\) |^<", prose, re.MULTILINE)


@pytest.mark.parametrize("code", lint_codes())
def test_the_options_of_a_lint_stand_on_its_page(code: str) -> None:
    page = page_of(code)
    for option in page.options:
        assert f"`{option.name}`" in page.sections["Options"]
    assert page.options or page.sections["Options"].startswith("None.")


@pytest.mark.parametrize("code", lint_codes())
def test_nothing_of_a_new_lint_is_left_to_write(code: str) -> None:
    module = lint_module(code)
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:
        assert [line for line in file if PLACEHOLDER in line] == []
    assert PLACEHOLDER not in CODES[code].meaning


def test_what_the_language_demands_cannot_be_ignored() -> None:
    assert {code for code in CODES if not page_of(code).can_be_ignored} == LANGUAGE_CODES


def test_the_families_are_those_of_the_table() -> None:
    told = " ".join((codes.__doc__ or "").split())
    assert f"{', '.join(f'{digit}xx {what}' for digit, what in FAMILIES.items())}." in told


def test_the_pages_lie_in_the_package() -> None:
    assert (pages.FOLDER.parents[1] / "py.typed").is_file()


@pytest.mark.parametrize(
    "word", ["KYN301", "kyn301", "301", "permit-without-scope", "permit_without_scope", " Permit-Without-Scope "]
)
def test_a_code_is_found_by_code_number_and_name(word: str) -> None:
    assert find_code(word) is CODES["KYN301"]


@pytest.mark.parametrize(
    ("word", "help"),
    [
        ("permit-without-scop", "did you mean `permit-without-scope`?"),
        ("no-scope", "`kynara rule` lists everything there is"),
        ("KYN3O1", "did you mean `KYN301`?"),
        ("399", "those of scope are KYN301, KYN302, "),
        ("KYN3", "those of scope are KYN301, KYN302, "),
        ("3xx", "those of scope are KYN301, KYN302, "),
        ("", "`kynara rule` lists everything there is"),
        ("x" * 10_000, "`kynara rule` lists everything there is"),
    ],
)
def test_what_is_no_code_is_told_with_what_may_be_meant(word: str, help: str) -> None:
    with pytest.raises(UnknownCode) as error:
        find_code(word)
    assert help in str(error.value)
