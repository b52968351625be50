"""Explanations: complete, in agreement with decisions, and true about what would change them."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.cli.render_explanation import renderables
from kynara_lang.cli.render_html import page
from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.explanation import Considered, Explanation
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

TEXT = """
let cap = 100.00
permit pay_own "Editors pay what their tenant owns" {
  subject User with role editor, Agent
  action pay
  resource Doc
  scope subject.tenant == resource.tenant
  when args.amount <= resource.price
  unless resource.kind == "sealed"
}
permit read_all { subject User action read resource any scope any "test" }
permit write_team { subject User in Team::"cs" action write resource Doc scope any "test" }
forbid late { subject any action any resource any unless context.now.hour("UTC") in {8, 9, 10, 11} }
require approval large {
  subject any action pay resource any when args.amount > cap from User with role editor quorum 2
}
"""


def explain(*chain: dict[str, Any], **changes: Any) -> Explanation:
    return program(TEXT).explain(ask(*chain, **changes))


def pay(amount: str, *chain: dict[str, Any], **changes: Any) -> Explanation:
    return explain(*chain, action="pay", args={"amount": amount}, **changes)


def considered(explanation: Explanation, link: int = 0) -> dict[str, Considered]:
    return {c.rule.decl.name.text: c for c in explanation.links[link].considered}


def test_every_rule_is_accounted_for_on_every_link() -> None:
    found = pay("1.00", BOT, ALICE)
    for link in range(2):
        assert considered(found, link).keys() == {"pay_own", "read_all", "write_team", "late", "large"}


def test_a_failed_rule_shows_the_clause_that_failed_with_its_values() -> None:
    found = considered(pay("3.00"))["pay_own"]
    assert found.outcome == "failed"
    assert found.clause is not None
    assert (found.clause.kind, found.clause.text) == ("when", "args.amount <= resource.price")
    assert found.clause.values == {"args.amount": "3.00", "resource.price": "2.50"}
    assert found.clause.span.text == "when args.amount <= resource.price"


def test_constants_are_shown_by_name() -> None:
    assert considered(pay("1.00"))["large"].clause.values == {"args.amount": "1.00", "cap": "100.00"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("person", "action", "rule", "clause", "reason"),
    [
        (ALICE, "pay", "read_all", "action", "it is not about `pay`"),
        (BOT, "read", "read_all", "subject", "it is not for an Agent"),
    ],
)
def test_what_the_tree_pruned_says_why(person: Any, action: str, rule: str, clause: str, reason: str) -> None:
    args = {"amount": "1.00"} if action == "pay" else None
    found = considered(explain(person, action=action, args=args))[rule]
    assert found.outcome == "not_applicable"
    assert found.clause is not None
    assert (found.clause.kind, found.reason) == (clause, reason)
    assert found.clause.span.text.startswith(clause)


def test_a_role_or_group_that_is_missing_is_the_subject_clause() -> None:
    found = considered(pay("1.00", {**ALICE, "roles": ["reader"]}))["pay_own"].clause
    assert found is not None
    assert (found.kind, found.values["roles"]) == ("subject", "reader")
    found = considered(explain(action="write"))["write_team"].clause
    assert found is not None
    assert found.kind == "subject"


def test_an_error_is_shown_where_it_happened() -> None:
    policies = program(
        "permit p { subject User action read resource Doc scope resource.size + 9223372036854775807 > 0 }"
    )
    found = considered(policies.explain(ask()))["p"]
    assert found.outcome == "error"
    assert found.error is not None
    assert found.error.code == "overflow"


class TestNearMisses:
    def test_the_nearest_comes_first(self) -> None:
        text = "".join(
            f"permit p{n} {{ subject User action read resource Doc scope subject.level > 2"
            f" {' '.join(f'when resource.size > {10 + i}' for i in range(n))} }}\n"
            for n in (3, 1, 2)
        )
        found = program(text).explain(ask())
        assert [(m.rule.decl.name.text, m.failed) for m in found.near_misses] == [("p1", 1), ("p2", 2), ("p3", 3)]

    def test_each_clause_is_marked(self) -> None:
        (miss,) = pay("3.00").near_misses
        assert [(c.kind, c.holds) for c in miss.clauses] == [
            ("subject", True),
            ("scope", True),
            ("when", False),
            ("unless", True),
        ]

    def test_a_forbidden_request_has_none_where_a_permit_matches(self) -> None:
        assert pay("1.00", now="2026-11-22T20:00:00Z").near_misses == ()


class TestCounterfactual:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (pay("3.00"), "`args.amount` were 2.50 or less (it is 3.00)"),
            (pay("1.00", {**ALICE, "roles": []}), 'User::"alice" held the role editor'),
            (pay("1.00", {**ALICE, "roles": {"auditor"}}), 'User::"alice" held the role editor'),
            (explain(action="write"), 'User::"alice" were in Team::"cs"'),
            (pay("1.00", resource=having(DOC, tenant="x")), '`resource.tenant` were "acme" (it is "x")'),
        ],
    )
    def test_names_the_smallest_changes(self, found: Explanation, expected: str) -> None:
        assert (expected, Effect.ALLOW) in [(c.change, c.decision) for c in found.counterfactual]

    def test_several_changes_together(self) -> None:
        (first, *_) = pay("3.00", {**ALICE, "roles": []}).counterfactual
        assert first.change.count(" and ") == 1

    def test_never_one_that_a_forbid_would_still_stop(self) -> None:
        policies = program(
            TEXT + 'forbid never_olga { subject any action any resource Doc when resource.kind == "memo" }'
        )
        found = policies.explain(ask(action="pay", args={"amount": "3.00"}))
        for change in found.counterfactual:
            assert "resource.kind" in change.change

    def test_acting_for_somebody(self) -> None:
        policies = program(
            "permit own { subject User action read resource Doc scope subject.level > 2 and not delegated }"
            ' permit lent { subject User action read resource Doc scope delegated when subject.tenant == "acme" }'
        )
        boss = having({**ALICE, "id": "boss"}, level=9)
        found = policies.explain(ask(having(ALICE, level=1, boss=boss)))
        assert ('User::"alice" acted for its boss, User::"boss"', Effect.ALLOW) in [
            (c.change, c.decision) for c in found.counterfactual
        ]

    def test_an_approval_names_who_and_how_many(self) -> None:
        found = pay("200.00", resource=having(DOC, price="500.00"))
        assert found.decision.effect is Effect.REQUIRE_APPROVAL
        assert "2 of User with role editor" in found.counterfactual[0].change

    def test_an_allowed_request_has_none(self) -> None:
        assert explain().counterfactual == ()


def test_the_json_has_the_members_others_rely_on() -> None:
    found = pay("3.00", BOT, ALICE).to_dict()
    assert set(found) == {
        "decision",
        "rules",
        "approvals",
        "errors",
        "policy_digest",
        "links",
        "near_misses",
        "counterfactual",
        "ignored_attributes",
        "approval_digest",
        "unapprovable",
    }
    assert set(found["links"][0]) == {"subject", "decision", "rules", "considered", "pruned"}
    failed = next(c for c in found["links"][0]["considered"] if c["outcome"] == "failed" and c["effect"] == "permit")
    assert set(failed) == {"rule", "effect", "outcome", "clause", "text", "range", "values"}
    assert set(failed["range"]["start"]) == {"line", "column", "offset"}
    assert set(found["counterfactual"][0]) == {"change", "decision"}


def test_an_invalid_request_is_explained_by_its_errors() -> None:
    found = program(TEXT).explain({"action": {"name": "payy"}})
    assert found.links == ()
    assert any("payy" in e.message for e in found.decision.errors)
    assert found.to_dict()["decision"] == "deny"


def test_undeclared_attributes_are_listed() -> None:
    request = ask(having(ALICE, shoe=43))
    request["context"]["weather"] = "fine"
    assert set(program(TEXT).explain(request).ignored_attributes) == {"subject.properties.shoe", "context.weather"}


def test_thousands_of_rules_are_counted_and_not_listed() -> None:
    text = (
        "".join(
            f"permit p{i} {{ subject User action {'read' if i % 2 else 'write'} resource Doc scope resource.size > {i} }}\n"
            for i in range(2000)
        )
        + 'permit other { subject Agent action read resource Doc scope any "t" }'
    )
    found = program(text).explain(ask(resource=having(DOC, size=-1)))
    (link,) = found.links
    assert len(link.considered) == 50
    assert [(p.clause, p.count) for p in link.pruned] == [("subject", 1), ("scope", 950), ("action", 1000)]
    assert len(found.near_misses) == 10
    screen = "".join(part.plain for part in renderables(found))
    assert screen.count("\n") < 80
    assert "38 more that do not match" in screen
    assert "950 more: its `scope` clause does not hold" in screen
    everything = program(text).explain(ask(), all_rules=True).links[0]
    assert (len(everything.considered), everything.pruned) == (2001, ())


def test_rules_that_count_are_listed_wherever_they_stand() -> None:
    """However many rules fail before them; and the nearest misses are found among all."""
    text = (
        "".join(
            f"permit p{i:03} {{ subject User action read resource Doc scope resource.size > {i} when subject.level > {i} }}\n"
            for i in range(200)
        )
        + "forbid z { subject User action read resource Doc when resource.size == -1 }"
    )
    link = program(text).explain(ask(resource=having(DOC, size=-1))).links[0]
    assert [c.rule.decl.name.text for c in link.considered if c.outcome == "matched"] == ["z"]
    assert (len(link.considered), sum(p.count for p in link.pruned)) == (50, 151)
    found = program(text).explain(ask(having(ALICE, level=100), resource=having(DOC, size=-1)))
    assert [(m.rule.decl.name.text, m.failed) for m in found.near_misses] == [(f"p{i:03}", 1) for i in range(10)]
    far = "".join(
        f"permit q{i} {{ subject User action read resource Doc scope subject.level < {i} when resource.size > {i} }}\n"
        for i in range(90)
    )
    found = program(far).explain(ask(having(ALICE, level=85), resource=having(DOC, size=-1)))
    assert [(m.rule.decl.name.text, m.failed) for m in found.near_misses[:5]] == [
        ("q86", 1),
        ("q87", 1),
        ("q88", 1),
        ("q89", 1),
        ("q0", 2),
    ]


def test_a_change_beyond_the_end_of_time_is_not_proposed() -> None:
    policies = program(
        "permit p { subject User action read resource Doc scope context.now > 9999-12-31T23:59:59.999999999Z }"
    )
    assert policies.explain(ask()).counterfactual == ()


def test_a_time_zone_with_a_name_is_shown_as_it_is_written() -> None:
    policies = program(
        'let home = "Europe/Berlin"\n'
        'permit p { subject User action read resource Doc scope context.now.weekday(home) == "sunday" }'
    )
    clause = policies.explain(ask(now="2026-11-23T10:00:00Z")).near_misses[0].clauses[0]
    assert clause.values["home"] == '"Europe/Berlin"'


WINDOW = "permit p { subject User action read resource Doc scope context.now >= 2026-11-22T01:00:00Z when %s }"


@pytest.mark.parametrize(
    ("condition", "at", "change"),
    [
        ("context.now < 2026-11-22T03:00:00Z", "T10:00:00Z", "`context.now` were 2026-11-22T02:59:59Z"),
        ("context.now < 2026-11-22T03:00:00Z", "T00:30:00Z", "`context.now` were 2026-11-22T01:00:00Z"),
        ("context.now >= 2026-11-21", "T00:30:00Z", "`context.now` were 2026-11-22T01:00:00Z or more"),
        ('context.now.weekday("UTC") == "sunday"', "T00:30:00Z", "`context.now` were 2026-11-22T01:00:00Z"),
    ],
)
def test_a_range_of_values_is_told_only_where_all_of_it_would_do(condition: str, at: str, change: str) -> None:
    (found,) = program(WINDOW % condition).explain(ask(now=f"2026-11-22{at}")).counterfactual
    assert found.change == f"{change} (it is 2026-11-22{at})"


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        ("context.now == context.now", 'within "10.0.0.0/8"'),
        ('not (context.ip within "10.0.0.0/24")', None),
        ('context.ip != "10.9.9.9"', '"10.0.0.0"'),
    ],
)
def test_a_place_is_told_only_where_all_of_it_would_do(condition: str, change: str | None) -> None:
    text = f'permit p {{ subject User action read resource Doc scope context has ip when context.ip within "10.0.0.0/8" when {condition} }}'
    found = program(text).explain(ask(ip="192.0.2.1")).counterfactual
    assert [c.change for c in found] == ([f'`context.ip` were {change} (it is "192.0.2.1")'] if change else [])


class TestWhoActs:
    """A link for which a rule asks who acts is decided for each principal up to it, and the least counts."""

    ANYBODY = 'permit p { subject any action read resource any scope any "test" }\n'
    BOTH = ANYBODY + (
        "require approval by_agents { subject User action read resource any when actor is Agent from User }\n"
        "require approval by_people { subject User action read resource any when actor is User from User }\n"
    )

    @staticmethod
    def approved(policies: PolicySet, request: dict[str, Any], *names: str) -> list[dict[str, Any]]:
        given = {"digest": policies.approval_digest(request), "expires": "2026-11-22T11:00:00Z"}
        return [{**given, "rule": f"f1.{n}", "approvers": [{"type": "User", "id": "lea"}]} for n in names]

    @pytest.mark.parametrize("given", [(), ("by_agents",), ("by_people",), ("by_agents", "by_people")])
    def test_the_least_of_the_links_is_the_answer_whichever_approvals_were_given(self, given: tuple[str, ...]) -> None:
        policies, request = program(self.BOTH), ask(BOT, ALICE)
        found = policies.explain(request, self.approved(policies, request, *given))
        agent, person = found.links
        assert agent.effect is Effect.ALLOW
        assert person.effect is found.decision.effect
        assert person.rules == found.decision.rules
        assert all(considered(found, 1)[name].outcome == "matched" for name in ("by_agents", "by_people"))
        actors = [considered(found, 1)[name].clauses[0].values["actor"] for name in ("by_agents", "by_people")]
        assert actors == ['Agent::"bot"', 'User::"alice"']

    def test_a_pending_approval_is_shown_as_matching_and_says_for_whose_call(self) -> None:
        policies, request = program(self.BOTH), ask(BOT, ALICE)
        found = policies.explain(request, self.approved(policies, request, "by_agents"))
        screen = "".join(part.plain for part in renderables(found, 200))
        assert '└─ acts for User::"alice": needs approval by f1.by_people' in screen
        assert '  as if User::"alice" had made the call: a rule asks who acts, so this is decided for each' in screen
        assert 'f1.by_people\n      as if User::"alice" had made the call: matches\n' in screen
        assert "f1.by_agents\n      matches\n" in screen
        assert "as if User::&quot;alice&quot; had made the call: matches" in page(found)

    def test_a_forbid_that_stops_only_a_call_nobody_made_says_so(self) -> None:
        text = self.ANYBODY + "forbid only_by_agents { subject User action read resource any unless actor is Agent }"
        found = program(text).explain(ask(BOT, ALICE))
        (stopping,) = [c for c in found.to_dict()["links"][1]["considered"] if c["rule"] == "f1.only_by_agents"]
        assert (stopping["as_if_called_by"], stopping["values"]) == ('User::"alice"', {"actor": 'User::"alice"'})
        direct = program(text).explain(ask(ALICE)).to_dict()["links"][0]["considered"]
        assert not any("as_if_called_by" in c for c in direct)

    def test_an_approval_that_matches_for_another_link_is_not_shown_where_it_does_not(self) -> None:
        text = self.ANYBODY + (
            "require approval of_agents { subject Agent action read resource any from User }\n"
            "require approval of_people { subject any action read resource any when subject is User from User }\n"
        )
        screen = "".join(part.plain for part in renderables(program(text).explain(ask(BOT, ALICE)), 200))
        assert 'f1.of_people\n  --> f1.kyn:3\n  for User::"alice"\n' in screen

    def test_the_approvals_of_every_caller_determine_a_decision(self) -> None:
        assert program(self.BOTH).determining(ask(BOT, ALICE)) == {"f1.by_agents", "f1.by_people"}
