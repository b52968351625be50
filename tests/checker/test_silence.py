"""Nothing is found where nothing is wrong: the examples, the standard library, and the example of the language's design."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.proofs import ProofWish
from kynara_lang.proving import proving

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "std": sorted((ROOT / "stdlib_policies" / "std").glob("*.kyn")),
    "the complete example": [ROOT / "tests" / "syntax" / "complete_example.kyn"],
    **{f.name: sorted(f.rglob("*.kyn")) for f in sorted((ROOT / "examples").iterdir()) if any(f.rglob("*.kyn"))},
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_lints_and_proofs_are_silent(name: str) -> None:
    assert PROGRAMS[name], "a program has files"
    sources = [Source(path.name, path.read_text(encoding="utf-8")) for path in PROGRAMS[name]]
    wish = ProofWish(wanted=True)
    checked = check_sources(sources, lints=LintSettings(), today=datetime.date(2026, 11, 23), prove=proving(wish))
    assert [f"{d.code} {d.message}" for d in checked.diagnostics] == []
    assert checked.proven is not None
    assert checked.proven.proved == len(checked.program.invariants)
