"""Records written out: what they leave out is absent, on either side of a comparison and among elements."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.analysis.partial import Partial
from kynara_lang.checker.linter import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.proving import Proving
from kynara_lang.runtime.policyset import PolicySet
from tests import oracle
from tests.properties.test_partial import everything, links, lookup

DECLARED = """
type Best = {k: String, v: Int?}
subject User { name: String }
resource Doc { best: Best, all: Set<Best>, who: {u: User, n: Int?}, of: {best: Best, x: Int?} }
action read on Doc
let same(a: Best, b: Best) = a == b
"""
A, A1, B = {"k": "a"}, {"k": "a", "v": 1}, {"k": "b"}

# Conditions that ask whether `resource.best` is A, has A among `resource.all`, and so on.
BEST_IS_A = (
    'resource.best == {k: "a"}',
    '{k: "a"} == resource.best',
    'not ({k: "a"} != resource.best)',
    "{k: subject.name} == resource.best",
    '{k: "a"} in {resource.best}',
    '{k: "a"} in {{k: "c"}, resource.best}',
    '{resource.best} == {{k: "a"}}',
    '{{k: "a"}} == {resource.best}',
    '{{k: "c"}, {k: "a"}} == {resource.best, {k: "c"}}',
    'not ({k: "a"} not in {resource.best})',
    'same({k: "a"}, resource.best)',
    '{best: {k: "a"}} == resource.of',
    'any b in {{k: "a"}}: b == {k: "a"} and {k: "a"} == resource.best',
)
PROVED = ('{k: "a"} == resource.best', 'not ({k: "a"} != resource.best)', '{k: "a"} in {{k: "c"}, resource.best}')
A_IS_AMONG = ('{k: "a"} in resource.all', 'resource.all.contains_all({{k: "a"}})', 'any b in resource.all: {k: "a"} == b')
ALL_IS_A = ('{{k: "a"}} == resource.all', 'resource.all == {{k: "a"}}', 'all b in resource.all: {k: "a"} == b')
WHO_IS_SUBJECT = ("{u: subject} == resource.who", "resource.who == {u: subject}", "{u: subject} in {resource.who}")


def request(best: Any = B, among: Any = (), who: Any = None) -> dict[str, Any]:
    user = {"type": "User", "id": "u"}
    found = {"best": best, "all": list(among), "who": who or {"u": {**user, "id": "z"}}, "of": {"best": best}}
    return {
        "subject": {**user, "properties": {"name": "a"}},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d", "properties": found},
    }


def policies_of(condition: str) -> PolicySet:
    text = f'{DECLARED}permit p "x" {{ subject User action read resource Doc scope any "x" when {condition} }}'
    checked = check_sources([Source("a.kyn", text)])
    assert [d.message for d in checked.diagnostics if d.code.startswith("KYN2") or d.code.startswith("KYN5")] == []
    return PolicySet(checked.program)


def holds(policies: PolicySet, asked: dict[str, Any]) -> bool:
    """Return whether the condition holds, as all say that can tell."""
    said = policies.decide(asked)
    assert not said.errors
    assert policies.explain(asked).decision == said
    assert policies._decide(policies._prepare(asked), ()) == said
    assert oracle.decide(policies.program, asked).decision == said.effect.value
    for _, view, action in links(policies, asked):
        remains = Partial(policies.program, everything(view, action), lookup(policies)).rule(policies.program.rules[0])
        assert remains.outcome == ("always" if said.allowed else "never")
    return said.allowed


@pytest.mark.parametrize("condition", BEST_IS_A)
def test_a_record_that_leaves_out_a_field_equals_one_without_it(condition: str) -> None:
    policies = policies_of(condition)
    assert [holds(policies, request(best)) for best in (A, A1, B)] == [True, False, False]


@pytest.mark.parametrize("condition", A_IS_AMONG)
def test_it_is_an_element_where_one_without_the_field_is(condition: str) -> None:
    policies = policies_of(condition)
    found = [holds(policies, request(among=among)) for among in ([A], [A1], [A, A1], [B], [])]
    assert found == [True, False, True, False, False]


@pytest.mark.parametrize("condition", ALL_IS_A)
def test_a_set_of_such_records_is_compared(condition: str) -> None:
    policies = policies_of(condition)
    assert [holds(policies, request(among=among)) for among in ([A], [A, A1], [A1])] == [True, False, False]


@pytest.mark.parametrize("condition", WHO_IS_SUBJECT)
def test_its_fields_may_be_entities(condition: str) -> None:
    policies = policies_of(condition)
    me = {"type": "User", "id": "u"}
    assert [holds(policies, request(who=who)) for who in ({"u": me}, {"u": me, "n": 1}, None)] == [True, False, False]


@pytest.mark.parametrize("condition", PROVED)
def test_the_prover_knows_that_the_field_is_absent(condition: str) -> None:
    for asked, codes in (("resource.best has v", []), ("not (resource.best has v)", ["KYN901"])):
        text = (
            f'{DECLARED}permit p "x" {{ subject User action read resource Doc scope any "x" when {condition} }}\n'
            f"invariant i {{ never allow subject User action read resource Doc when {asked} }}"
        )
        checked = check_sources([Source("a.kyn", text)], lints=LintSettings(select=("KYN901", "KYN903")), prove=Proving())
        assert [d.code for d in checked.diagnostics] == codes
