"""Who may something only on behalf of others gains by it like anybody: nothing else is a proof."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.analysis.escalation_report import diagnostics
from kynara_lang.runtime.replay import Replay

from .test_escalation_readings import decided, entity, program, survey

Json = dict[str, Any]

HEAD = """
subject User { level: Int }
subject Agent { trust: Int }
resource Doc { level: Int }
action read on Doc
action set_trust on Agent (trust: Int) modifies trust = args.trust
action set_level on User (level: Int) modifies level = args.level
permit users "u" { subject User action read resource Doc scope resource.level <= subject.level }
permit users_set "s" { subject User action set_trust resource Agent scope any "all" }
"""
BY_TRUST = 'permit r "r" { subject Agent action read resource Doc scope resource.level <= subject.trust }'
PROGRAMS = {
    "a step": BY_TRUST + 'permit s "s" { subject Agent action set_trust resource Agent scope delegated }',
    "a step that is forbidden otherwise": BY_TRUST
    + """
permit s "s" { subject Agent action set_trust resource Agent scope any "all" }
forbid alone { subject Agent action set_trust resource Agent when not delegated }
""",
    "a step for some": BY_TRUST
    + """
permit s "s" { subject Agent action set_trust resource Agent scope any "all" when delegator is User and delegator.level > 3 }
""",
    "the gain": """
permit s "s" { subject Agent action set_trust resource Agent scope resource == subject }
permit r "r" { subject Agent action read resource Doc scope delegated and resource.level <= subject.trust }
""",
    "the step and the gain": """
permit s "s" { subject Agent action set_trust resource Agent scope delegated }
permit r "r" { subject Agent action read resource Doc scope delegated and resource.level <= subject.trust }
""",
    "what the delegator may": """
permit s "s" { subject Agent action set_level resource User scope any "all" }
permit r "r" { subject Agent action read resource Doc scope delegated }
""",
}


@pytest.mark.parametrize("more", PROGRAMS.values(), ids=PROGRAMS)
def test_a_gain_on_behalf_of_somebody_is_found_and_confirmed(more: str) -> None:
    found = survey(HEAD + more)
    assert not found.proved
    judge = Replay(program(HEAD + more))
    (one,) = (path for path in found.found if path.subject == "Agent")
    requests = [*(move.request for move in one.moves), one.request]
    assert [judge.decision(request) for request in requests if request is not None] == ["allow", "allow"]
    assert any("on_behalf_of" in request["subject"] for request in requests if request is not None)
    told = next(d for d in diagnostics(found) if d.code == one.code)
    assert any("on behalf of User::" in note for note in told.notes)


def test_what_agents_may_alone_is_nothing_to_gain_for_others() -> None:
    text = HEAD + """
permit s "s" { subject Agent action set_level resource User scope any "all" }
permit r "r" { subject Agent action read resource Doc scope any "all" }
permit for_others "f" { subject Agent action read resource Doc scope delegated }
"""
    found = survey(text)
    assert (found.found, found.unknown) == ((), ())


def test_a_delegator_who_may_not_gives_nothing() -> None:
    text = HEAD.replace("permit users_set", "# ") + BY_TRUST
    text += 'permit s "s" { subject Agent action set_trust resource Agent scope delegated }'
    found = survey(text)
    assert (found.found, found.unknown) == ((), ())


def test_a_power_on_behalf_of_somebody_is_one() -> None:
    text = """
subject User
subject Agent
resource Policy
action edit on Policy effects edits_policy
role owner
permit owners "o" { subject User with role owner action edit resource Policy scope any "all" }
permit agents "a" { subject Agent action edit resource Policy scope delegated }
"""
    found = survey(text)
    (one,) = (path for path in found.found if path.subject == "Agent")
    assert one.moves[0].request["subject"]["on_behalf_of"]["roles"] == ["owner"]


CHAIN = """
subject User
subject Worker
subject Agent { trust: Int }
resource Doc { level: Int }
action read on Doc
action set_trust on Agent (trust: Int) modifies trust = args.trust
permit s "s" { subject Agent action set_trust resource Agent scope delegated when delegator is Worker }
permit w "w" { subject Worker action set_trust resource Agent scope delegated when delegator is User }
permit u "u" { subject User action set_trust resource Agent scope any "all" }
permit r "r" { subject Agent action read resource Doc scope resource.level <= subject.trust }
"""


def test_what_only_longer_chains_may_is_said_not_to_be_known() -> None:
    low, high, doc = entity("Agent", "a", trust=1), entity("Agent", "a", trust=9), entity("Doc", "d", level=5)
    sent: Json = {**low, "on_behalf_of": {"type": "Worker", "id": "w", "on_behalf_of": {"type": "User", "id": "u"}}}
    requests: Any = ((low, "read", {}, doc), (sent, "set_trust", {"trust": 9}, low), (high, "read", {}, doc))
    assert decided(CHAIN, *requests) == ["deny", "allow", "allow"]
    found = survey(CHAIN)
    assert not found.proved
    assert [(one.subject, "chains of two" in one.reason) for one in found.unknown] == [("Agent", True)]


MUTUAL = """
subject User
subject Agent
resource Doc
action read on Doc
permit users "u" { subject User action read resource Doc scope any "x" }
permit agents "a" { subject Agent action read resource Doc scope delegated }
require approval ask "q" { subject Agent action read resource Doc from Agent }
"""


def test_agents_that_approve_each_other_on_behalf_of_others_do_so() -> None:
    (one,) = survey(MUTUAL).found
    assert one.code == "KYN406"
    judge = Replay(program(MUTUAL))
    first, second = one.moves[0].request, one.request
    assert second is not None
    approvers = [{key: value for key, value in r["subject"].items() if key != "on_behalf_of"} for r in (second, first)]
    for request, approver in zip((first, second), approvers, strict=True):
        assert judge.decision(request) == "require_approval"
        assert judge.approved(request, [approver]) == "allow"


def test_who_acts_for_somebody_is_no_proof_where_that_is_changed() -> None:
    text = """
subject User
subject Agent { level: Int }
resource Doc
action read on Doc
action set_level on Agent (level: Int) modifies level = args.level
permit readers "r" { subject User, Agent action read resource Doc scope any "x" }
permit own "o" { subject Agent action set_level resource Agent scope resource == subject }
require approval ask "q" { subject User action read resource Doc when actor is Agent and actor.level < 3 from User }
"""
    low, high = ({**entity("Agent", "a", level=n), "on_behalf_of": {"type": "User", "id": "u"}} for n in (1, 9))
    doc = {"type": "Doc", "id": "d"}
    assert decided(text, (low, "read", {}, doc), (high, "read", {}, doc)) == ["require_approval", "allow"]
    assert not survey(text).proved
