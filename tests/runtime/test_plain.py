"""Plain requests, which are read on a short way: what the properties found, and that it is taken at all."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

RULES = """
permit p { subject User action any resource Doc scope subject.tenant == resource.tenant when subject.level >= 2 }
permit a { subject Agent action any resource Doc scope any "test" when subject.trust == "high" }
forbid f { subject any action any resource Doc when resource has size and resource.size > 100 }
permit q { subject User action pay resource Doc scope args.amount <= resource.price }
"""


@pytest.fixture
def policies() -> PolicySet:
    return program(RULES)


@pytest.mark.parametrize(
    "request_",
    [
        ask(),
        ask(having(ALICE, level=1)),
        ask(BOT, ALICE),
        ask({**ALICE, "id": "ünal"}),
        ask({**ALICE, "parents": [{"type": "Team", "id": "t"}]}),
        ask(having(ALICE, undeclared=[1, {}])),
        ask(action="pay", args={"amount": "1.50", "note": None}),
        ask(resource=having(DOC, size=101)),
    ],
)
def test_plain_requests_are_decided_on_the_short_way(policies: PolicySet, request_: Any) -> None:
    found = policies._plain.decide(request_)
    assert found is not None
    assert policies.decide(request_) == found.decision
    assert found.decision == policies._decide(policies._prepare(copy.deepcopy(request_)), ())


def test_chains_are_plain_where_rules_ask_for_the_delegator_alone() -> None:
    text = """
permit u { subject User action any resource Doc scope any "test" }
permit a { subject Agent action any resource Doc scope delegated unless delegator == resource.owner }
forbid f { subject Agent action any resource Doc when delegated and delegator is User and resource.size == 7 }
"""
    policies = program(text)
    for request in (ask(BOT), ask(BOT, ALICE), ask(BOT, {**ALICE, "id": "olga"})):
        found = policies._plain.decide(request)
        assert found is not None
        assert found.decision == policies._decide(policies._prepare(request), ())
    assert not policies.decide(ask(BOT, ALICE, resource=having(DOC, size=7))).allowed
    assert policies.decide(ask(BOT, ALICE, resource=having(DOC, size=8))).allowed


def test_a_required_attribute_is_there_for_has() -> None:
    """The short way keeps optional values together, and looked for a required one among them."""
    policies = program('permit p { subject User action read resource Doc scope any "t" unless not resource has size }')
    assert policies._plain.decide(ask()) is not None
    assert policies.decide(ask()).allowed


class Liar(str):
    """A text that is found under another's name."""

    def __hash__(self) -> int:
        return hash("read")

    def __eq__(self, other: object) -> bool:
        return other == "read"


def test_a_text_that_poses_as_another_is_taken_for_what_it_is(policies: PolicySet) -> None:
    assert policies.decide(ask(action="read")).allowed
    decision = policies.decide(ask(action=Liar("destroy")))
    assert [e.code for e in decision.errors] == ["unknown-action"]


def test_strange_names_are_not_kept(policies: PolicySet) -> None:
    policies.decide(ask())
    before = repr({k: {m: list(o) for m, o in v.items()} for k, v in policies._plain._links.items()})
    for name in ("x", "y", "z"):
        policies.decide(ask(action=name))
        policies.decide(ask({**ALICE, "type": name}))
        policies.decide(ask(resource={**DOC, "type": name}))
    assert before == repr({k: {m: list(o) for m, o in v.items()} for k, v in policies._plain._links.items()})


def test_nothing_of_a_request_stays_behind(policies: PolicySet) -> None:
    """The same objects with other content are another request."""
    request = ask()
    assert policies.decide(request).allowed
    request["subject"]["properties"]["level"] = 1
    assert not policies.decide(request).allowed
    request["subject"]["properties"]["level"] = True
    assert [e.path for e in policies.decide(request).errors] == ["subject.properties.level"]
