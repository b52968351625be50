"""Every malformed variant of generated requests is denied, with what is wrong and where; no text that is nearly JSON is read."""

from __future__ import annotations

import pytest

from kynara_lang.runtime import strict_json
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from tests.fuzz.choices import Chosen

from .generate import program
from .malformed import texts, variants
from .requests import Caller
from .vocabulary import readable

PROGRAMS = 25


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_every_malformed_variant_is_denied_and_told_why(number: int) -> None:
    draw = Chosen(f"malformed-{number}")
    made = program(draw)
    caller = Caller(draw, made.schema)
    policies = PolicySet(made.check(), Entities.from_list(caller.store()) if draw.chance(40) else None)
    requests = [caller.request(bent=0) for _ in range(20)]
    # A request without anything wrong, so that what is denied is denied for what was done to it.
    well_formed = [r for r in requests if not any(e.path is not None for e in policies.decide(r).errors)][:3]
    assert well_formed
    for request in well_formed:
        count = 0
        for how, wrong in variants(request, made.schema):
            decision = policies.decide(wrong)
            context = f"{how}: {readable(wrong)}\n{decision}"
            assert decision.effect.value == "deny", context
            assert any(error.path is not None for error in decision.errors), context
            assert not any(error.code == "internal-error" for error in decision.errors), context
            assert not decision.rules, context
            assert policies.explain(wrong).decision == decision, context
            count += 1
        assert count > 90
        for how, text in texts(request):
            with pytest.raises(strict_json.JsonProblem):
                pytest.fail(f"{how} is read as {strict_json.loads(text)!r}")
