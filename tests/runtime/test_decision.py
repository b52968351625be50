"""Decisions as data, how sure the decision point is never to raise, and what a policy set promises beside deciding."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.runtime.audience import agent_reason
from kynara_lang.runtime.decision import ApprovalStatus, Decision, DecisionError, Effect
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

RULES = """
permit p { subject User, Agent action any resource Doc scope subject.tenant == resource.tenant }
require approval a { subject User action pay resource Doc when args.amount > 2.00 from User with role editor
  quorum 2 expires 90s }
forbid f { subject any action read resource Doc when resource.size > 100 }
"""


@pytest.fixture
def policies() -> PolicySet:
    return program(RULES)


def test_a_decision_as_json(policies: PolicySet) -> None:
    digest = policies.digest
    assert digest.startswith("sha256:")
    assert len(digest) == 71
    assert policies.decide(ask()).to_dict() == {
        "decision": "allow",
        "rules": ["f1.p"],
        "approvals": [],
        "errors": [],
        "policy_digest": digest,
    }
    waiting = policies.decide(ask(action="pay", args={"amount": "2.01"})).to_dict()
    assert waiting == {
        "decision": "require_approval",
        "rules": ["f1.a"],
        "approvals": [
            {
                "rule": "f1.a",
                "quorum": 2,
                "from": "User with role editor",
                "expires_in": 90,
                "satisfied": False,
                "approved_by": [],
            }
        ],
        "errors": [],
        "policy_digest": digest,
    }
    denied = policies.decide(ask(resource=having(DOC, size="x"))).to_dict()
    assert (denied["decision"], denied["rules"], denied["policy_digest"]) == ("deny", [], digest)
    (error,) = denied["errors"]
    assert (error["code"], error["path"]) == ("wrong-type", "resource.properties.size")
    assert set(error) == {"code", "message", "path"}


def test_what_an_error_does_not_say_is_left_out() -> None:
    assert DecisionError("c", "m").to_dict() == {"code": "c", "message": "m"}
    whole = {"code": "c", "message": "m", "rule": "r", "path": "p"}
    assert DecisionError("c", "m", "r", "p").to_dict() == whole


def test_only_an_allow_is_allowed() -> None:
    assert [Decision(effect, "").allowed for effect in Effect] == [effect == "allow" for effect in map(str, Effect)]
    assert Effect.DENY.rank < Effect.REQUIRE_APPROVAL.rank < Effect.ALLOW.rank


def test_what_is_handed_out_cannot_be_changed(policies: PolicySet) -> None:
    """Decisions are shared between requests: one that could be written to would change the next answer."""
    decision = policies.decide(ask())
    status = ApprovalStatus("r", 1, "", 1, False)
    reason = agent_reason(decision, ask())
    for thing, name in ((decision, "effect"), (status, "satisfied"), (DecisionError("c", "m"), "code"), (reason, "reason")):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)


def test_an_approval_is_satisfied_by_as_many_as_the_quorum(policies: PolicySet) -> None:
    asked = ask(action="pay", args={"amount": "2.01"})
    given = {
        "rule": "f1.a",
        "digest": policies.approval_digest(asked),
        "expires": "2026-11-22T10:01:30Z",
        "approvers": [{"type": "User", "id": name, "roles": ["editor"]} for name in ("lea", "mo")],
    }
    decision = policies.decide(asked, [given])
    assert (decision.effect, decision.rules) == (Effect.ALLOW, ("f1.p",))
    assert decision.approvals[0].to_dict()["approved_by"] == ['User::"lea"', 'User::"mo"']
    one = {**given, "approvers": given["approvers"][:1]}
    assert policies.decide(asked, [one]).effect is Effect.REQUIRE_APPROVAL
    # A second too long, and a moment too late.
    for expires, words in (("2026-11-22T10:01:30.000000001Z", "last longer"), ("2026-11-22T10:00:00Z", "expired")):
        late = policies.decide(asked, [{**given, "expires": expires}])
        assert late.effect is Effect.REQUIRE_APPROVAL
        assert words in late.errors[0].message


class Broken(dict[str, Any]):
    """A request that cannot be copied, and fails wherever it is looked at."""

    def __deepcopy__(self, memo: object) -> object:
        raise ZeroDivisionError

    def __contains__(self, key: object) -> bool:
        raise ZeroDivisionError

    def __getitem__(self, key: str) -> Any:
        raise ZeroDivisionError

    def __iter__(self) -> Any:
        raise ZeroDivisionError


def test_what_cannot_even_be_looked_at_is_denied(policies: PolicySet) -> None:
    decision = policies.decide(Broken(ask()))
    assert decision.effect is Effect.DENY
    assert decision.policy_digest == policies.digest
    assert decision.errors == (
        DecisionError("internal-error", "the request could not be decided: ZeroDivisionError"),
    )
    prepared = policies.request(subject=Broken(ALICE), action="read", resource=DOC)
    assert prepared.problems == decision.errors
    assert policies.decide(prepared).effect is Effect.DENY


def test_a_request_that_was_not_valid_is_denied_each_time_it_is_decided(policies: PolicySet) -> None:
    prepared = policies.request(subject=ALICE, action="read", resource=having(DOC, size="x"))
    assert [p.code for p in prepared.problems] == ["wrong-type"]
    for _ in range(2):
        decision = policies.decide(prepared)
        assert decision.effect is Effect.DENY
        assert decision.errors == prepared.problems


def test_a_prepared_request_belongs_to_the_policy_set_that_made_it(policies: PolicySet) -> None:
    prepared = policies.request(subject=ALICE, action={"name": "read"}, resource=DOC, context={})
    assert policies.decide(prepared).allowed
    stricter = program(RULES, "forbid all { subject any action any resource any }")
    assert stricter.decide(prepared).effect is Effect.DENY
    assert stricter.decide(prepared).policy_digest == stricter.digest != policies.digest
    assert prepared.prepared_for(policies) is not None
    assert prepared.prepared_for(stricter) is None


def test_a_prepared_request_keeps_nothing_of_what_it_was_made_from(policies: PolicySet) -> None:
    subject = having(ALICE)
    prepared = policies.request(subject=subject, action="read", resource=DOC)
    subject["properties"]["tenant"] = "other"
    assert policies.decide(prepared).allowed
    assert "_decide" not in repr(prepared)


@pytest.mark.parametrize("people", [[ALICE], [BOT, ALICE], [BOT, {**BOT, "id": "b2"}, ALICE]])
def test_chains_are_prepared_whatever_their_length(policies: PolicySet, people: list[dict[str, Any]]) -> None:
    """One, two and more links are decided by different code."""
    for size, effect in ((100, "allow"), (101, "deny")):
        request = ask(*people, resource=having(DOC, size=size))
        prepared = policies.request(**{name: request[name] for name in ("subject", "action", "resource", "context")})
        assert str(policies.decide(prepared).effect) == str(policies.decide(request).effect) == effect
    outsider = [*people[:-1], having(people[-1], tenant="other")]
    assert not policies.decide(ask(*outsider)).allowed
    assert not policies.decide(ask(having(people[0], tenant="other"), *people[1:])).allowed


@pytest.mark.parametrize("length", [2, 3])
def test_every_link_of_a_prepared_chain_counts(length: int) -> None:
    policies = program(
        """
permit u { subject User action any resource Doc scope any "t" }
permit b { subject Agent action any resource Doc scope any "t" }
require approval r { subject User action read resource Doc when subject.level > 3 from User }
require approval s { subject Agent action read resource Doc when subject.trust == "low" from User }
"""
    )
    bots = [{**BOT, "id": f"b{i}"} for i in range(length - 1)]
    for level, trust, rules in (
        (3, "high", ("f1.b", "f1.u")),
        (4, "high", ("f1.r",)),
        (3, "low", ("f1.s",)),
        (4, "low", ("f1.r", "f1.s")),
    ):
        request = ask(*(having(bot, trust=trust) for bot in bots), having(ALICE, level=level))
        prepared = policies.request(subject=request["subject"], action="read", resource=DOC, context={})
        for decision in (policies.decide(request), policies.decide(prepared), policies.decide(request, [])):
            assert decision.rules == rules


def test_what_counts_for_whoever_acts(policies: PolicySet) -> None:
    assert policies.counting(ask()) == {"f1.p"}
    assert policies.counting(ask(resource=having(DOC, size=101))) == {"f1.p", "f1.f"}
    assert policies.counting(ask(having(BOT, tenant="other"), ALICE)) == set()
    assert policies.counting(ask(BOT, having(ALICE, tenant="other"))) == {"f1.p"}
    with pytest.raises(InvalidRequest):
        policies.counting({})


def test_what_determines_a_decision(policies: PolicySet) -> None:
    assert policies.determining(ask()) == {"f1.p"}
    assert policies.determining(ask(resource=having(DOC, size=101))) == {"f1.f"}
    assert policies.determining(ask(action="pay", args={"amount": 3})) == {"f1.a"}
    assert policies.determining(ask(BOT, having(ALICE, tenant="other"))) == set()


def test_every_rule_that_fits_has_an_outcome_for_every_link(policies: PolicySet) -> None:
    found = [(o.test.rule.name, o.outcome, o.counts) for o in policies.outcomes(ask(BOT, ALICE, action="write"))]
    assert found == [("f1.p", "matched", True)] * 2
    reading = [(o.test.rule.name, o.outcome, o.counts) for o in policies.outcomes(ask())]
    assert sorted(reading) == [("f1.f", "failed", False), ("f1.p", "matched", True)]


def test_everything_can_be_made_before_the_first_request(policies: PolicySet) -> None:
    policies.warm()
    links = policies._plain._links
    assert set(links) == {"read", "write", "pay"}
    assert {subject for by_type in links.values() for found in by_type.values() for subject in found} == {
        "User",
        "Agent",
        "Team",
    }
    buckets = dict(policies._engine._buckets)
    assert policies.decide(ask()).allowed
    assert policies._engine._buckets == buckets


def test_many_are_decided_one_by_one(policies: PolicySet) -> None:
    requests = [ask(), {}, ask(resource=having(DOC, size=101))]
    assert [str(d.effect) for d in policies.decide_many(requests)] == ["allow", "deny", "deny"]


@pytest.mark.parametrize(
    ("request_", "call"),
    [
        (ask(), "read on Doc d1"),
        ({"action": {"name": "read"}}, "read"),
        ({"action": {"name": "read"}, "resource": {"id": "d1"}}, "read"),
        ({"action": {"name": "read"}, "resource": {"type": "Doc"}}, "read"),
        ({"resource": {"type": "Doc", "id": "d1"}}, "This call"),
        ({"action": {"name": 1}}, "This call"),
        ({"action": "read"}, "This call"),
        ("read", "This call"),
    ],
)
def test_a_call_is_named_by_what_it_said(request_: Any, call: str) -> None:
    for effect, end in (
        (Effect.ALLOW, " is allowed."),
        (Effect.REQUIRE_APPROVAL, " needs a person's approval before it may go ahead."),
        (Effect.DENY, " is not permitted. Trying again will not change that."),
    ):
        assert agent_reason(Decision(effect, ""), request_).message == call + end


def test_what_a_caller_is_told_of_a_request_that_is_not_valid() -> None:
    def told(*errors: DecisionError) -> tuple[str, str]:
        found = agent_reason(Decision(Effect.DENY, "", errors=errors), {"action": {"name": "pay"}}).to_dict()
        assert found["decision"] == "deny"
        return found["reason"], found["message"]

    lacks = DecisionError("missing-argument", "secret", path="action.properties.amount")
    wrong = DecisionError("wrong-type", "secret", path="action.properties.to")
    inside = DecisionError("overflow", "secret", rule="secret")
    invalid = "pay cannot be decided: the request is not valid."
    assert told(lacks) == ("incomplete-request", "pay cannot be decided: the request lacks something.")
    assert told(wrong) == ("invalid-request", f"{invalid} What is wrong is at action.properties.to.")
    assert told(wrong, lacks) == ("invalid-request", invalid)
    assert told(inside)[0] == "not-permitted"
    assert told(inside, lacks)[0] == "incomplete-request"
    long = DecisionError("wrong-type", "secret", path="action.properties." + "x" * 100)
    assert told(long)[1] == f"{invalid} What is wrong is at action.properties.{'x' * 62}."
