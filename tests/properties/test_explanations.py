"""Explanations of random requests under random programs: they agree with the decision, and their advice holds."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, note, settings

from kynara_lang.cli.render_explanation import renderables
from kynara_lang.cli.render_html import page
from kynara_lang.runtime.audience import agent_reason
from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet

from .generate import Made
from .test_oracle import cases


@settings(max_examples=60)
@given(cases(stored=True))
def test_an_explanation_agrees_with_the_decision_and_its_advice_holds(case: tuple[Made, list[Any], list[Any]]) -> None:
    made, store, requests = case
    note("\n".join(made.files().values()))
    policies = PolicySet(made.check()).bind(Entities.from_list(store))
    for request in requests:
        decision, explanation = policies.decide(request), policies.explain(request)
        note(f"{request}\n{decision}")
        assert explanation.decision == decision
        if explanation.links:
            least = min(explanation.links, key=lambda link: link.effect.rank)
            assert least.effect is decision.effect
            named = {name for link in explanation.links for name in link.rules}
            assert set(decision.rules) <= named
        for change in explanation.counterfactual:
            assert change.decision.rank > decision.effect.rank
            assert policies.decide(change.request, change.approvals).effect is change.decision
        if decision.effect is Effect.REQUIRE_APPROVAL:
            offered = any(change.approvals for change in explanation.counterfactual)
            assert offered is not bool(explanation.unapprovable)
        json.dumps(explanation.to_dict())
        assert "".join(part.plain for part in renderables(explanation, 60))
        assert page(explanation).endswith("</html>\n")


def _texts(value: Any) -> set[str]:
    """Return every text in a JSON value that is long enough to be recognised."""
    match value:
        case str():
            return {value} if len(value) > 3 else set()
        case dict():
            return {t for k, v in value.items() for t in _texts(v)}
        case list():
            return {t for v in value for t in _texts(v)}
    return set()


@settings(max_examples=60)
@given(cases(stored=True))
def test_an_agent_learns_nothing_that_it_did_not_send(case: tuple[Made, list[Any], list[Any]]) -> None:
    made, store, requests = case
    policies = PolicySet(made.check()).bind(Entities.from_list(store))
    fixed = {text for effect in Effect for text in effect.split("_")}
    secrets = _texts(store) | {rule.name for rule in policies.program.rules}
    secrets |= {a.name for t in policies.program.types.values() for a in t.attributes.values() if len(a.name) > 3}
    for request in requests:
        told = agent_reason(policies.decide(request), request).message
        sent = _texts(request)
        for secret in secrets:
            if not any(secret in text for text in sent) and secret not in fixed:
                assert secret not in told.split(), (secret, told)
