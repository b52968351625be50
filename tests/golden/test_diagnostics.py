"""Every message, as an author sees it: a policy with a mistake, and beside it what the checker says.

A case is `<CODE>-<slug>.kyn`, or a folder of that name with several files; the expected text stands in
`<CODE>-<slug>.txt`. `KYNARA_UPDATE_GOLDENS=1` rewrites the texts: then read the difference as somebody would who has
never seen the language. One mistake gives one message, so each case has exactly one, unless its name says otherwise.
"""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import pytest

from kynara_lang.checker.linter import LintSettings, lint_codes
from kynara_lang.diagnostics.codes import CODES, PROVED_CODES, TESTED_CODES
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.render_text import render_diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.proving import Proving

FOLDER = Path(__file__).with_name("diagnostics")
CASES = sorted(p.stem if p.is_file() else p.name for p in FOLDER.iterdir() if p.is_dir() or p.suffix == ".kyn")
TODAY = datetime.date(2026, 11, 23)
NUMBERS = {"two": 2, "three": 3}


def sources_of(case: str) -> list[Source]:
    """Return the files of a case, under names that do not depend on where the tests lie."""
    folder = FOLDER / case
    files = sorted(folder.glob("*.kyn")) if folder.is_dir() else [FOLDER / f"{case}.kyn"]
    return [Source(path.name, path.read_bytes().decode("utf-8")) for path in files]


def found_in(case: str) -> tuple[Diagnostic, ...]:
    """Return what is found in a case; a case of a lint is looked at by that lint alone, what needs proofs is proved."""
    code = case.split("-")[0]
    lints = LintSettings(select=(code,)) if code in {*lint_codes(), *PROVED_CODES} else None
    prove = Proving() if code in PROVED_CODES else None
    return check_sources(sources_of(case), lints=lints, today=TODAY, prove=prove).diagnostics


@pytest.mark.parametrize("case", CASES)
def test_an_author_is_told(case: str) -> None:
    found = found_in(case)
    shown = "\n\n".join(render_diagnostic(diagnostic, width=100).plain for diagnostic in found) + "\n"
    golden = FOLDER / f"{case}.txt"
    if os.environ.get("KYNARA_UPDATE_GOLDENS"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
    wanted = re.search(r"-(\w+)-messages$", case)
    assert len(found) == (NUMBERS[wanted[1]] if wanted else 1), shown
    assert {d.code for d in found} == {case.split("-")[0]}


@pytest.mark.parametrize("case", CASES)
def test_a_message_is_one_line_in_the_authors_words(case: str) -> None:
    for diagnostic in found_in(case):
        assert "\n" not in diagnostic.message
        assert (
            diagnostic.message[0].islower()
            or diagnostic.message[0] in "`\"'"
            or diagnostic.message.split()[0].isupper()
        )
        assert not diagnostic.message.endswith(".")
        assert diagnostic.labels[0].message, "the primary place has a label that stands alone"
        assert not re.search(r"ast\.|NoneType|frozenset|<error>|__ANON|\bNone\b(?!`)", _words(diagnostic))


def test_every_code_has_a_case() -> None:
    shown = {case.split("-")[0] for case in CASES}
    # What only proofs or tests find is shown by the tests of these.
    assert sorted(set(CODES) - PROVED_CODES - TESTED_CODES - shown) == []


def test_no_golden_is_left_over() -> None:
    assert sorted(p.stem for p in FOLDER.glob("*.txt")) == CASES


def _words(diagnostic: Diagnostic) -> str:
    labels = [label.message for label in diagnostic.labels]
    return "\n".join([diagnostic.message, *labels, *diagnostic.notes, diagnostic.help or ""])
