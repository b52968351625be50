"""Every policy with a mistake, loaded with its rules packed: what is said of it, and what it is, stays the same."""

from __future__ import annotations

import pytest

from kynara_lang.compiler.digest import digest
from kynara_lang.diagnostics.render_json import diagnostic_dict
from kynara_lang.pipeline import check_sources, compile_sources
from kynara_lang.runtime.policyset import PolicySet
from tests.golden.test_diagnostics import CASES, sources_of


@pytest.mark.parametrize("case", CASES)
def test_the_same_is_said_of_a_program_whose_rules_are_packed(case: str) -> None:
    """Loading checks rule by rule, and forgets each; nothing may be said twice, or not, or elsewhere for that."""
    whole, packed = check_sources(sources_of(case)), compile_sources(sources_of(case))
    expected = [diagnostic_dict(found) for found in whole.diagnostics]
    assert [diagnostic_dict(found) for found in packed.diagnostics] == expected
    assert packed.has_errors == whole.has_errors
    assert [rule.name for rule in packed.program.rules] == [rule.name for rule in whole.program.rules]
    if not whole.has_errors:
        assert packed.program.digest == digest(whole.program)
        assert PolicySet(packed.program).digest == PolicySet(whole.program).digest


def test_some_of_them_have_errors_and_some_have_none() -> None:
    """What only lints find is compiled, so both ways are looked at."""
    found = [compile_sources(sources_of(case)).has_errors for case in CASES]
    assert found.count(True) > 100
    assert found.count(False) > 50
