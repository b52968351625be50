"""Decisions: what LANGUAGE.md section 6 says, rule kind by rule kind."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.entities import EntitiesError
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

PERMIT = 'permit p { subject any action any resource any scope any "test" }\n'
OVERFLOW = "resource.size + 9223372036854775807 > 0"
HUGE = having(DOC, size=9223372036854775807)


def rule(head: str, *clauses: str, subject: str = "any", action: str = "any", resource: str = "any") -> str:
    return f"{head} {{ subject {subject} action {action} resource {resource} {' '.join(clauses)} }}\n"


def test_without_a_permit_everything_is_denied() -> None:
    decision = program(rule("forbid f", "when false")).decide(ask())
    assert (decision.effect, decision.rules, decision.errors) == (Effect.DENY, (), ())


def test_a_forbid_outweighs_every_permit() -> None:
    decision = program(PERMIT + rule("forbid f", 'when resource.kind == "memo"', action="read")).decide(ask())
    assert (decision.effect, decision.rules) == (Effect.DENY, ("f1.f",))


def test_a_permit_names_itself() -> None:
    decision = program(PERMIT).decide(ask())
    assert decision.allowed
    assert decision.rules == ("f1.p",)
    assert decision.policy_digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        (rule("permit p", f"scope {OVERFLOW}"), Effect.DENY),
        (PERMIT + rule("forbid f", f"when {OVERFLOW}", action="read"), Effect.DENY),
        (PERMIT + rule("require approval a", f"when {OVERFLOW}", "from User", action="read"), Effect.REQUIRE_APPROVAL),
        (PERMIT + rule("forbid f", f"unless {OVERFLOW}", action="read"), Effect.DENY),
    ],
)
def test_an_error_never_helps_and_is_reported(text: str, effect: Effect) -> None:
    decision = program(text.replace("action any", "action read")).decide(ask(resource=HUGE))
    assert decision.effect is effect
    assert [(e.code, e.rule) for e in decision.errors] == [("overflow", f"f1.{text.split()[-20:] and _last(text)}")]


def _last(text: str) -> str:
    """Return the name of the last rule of a text."""
    words = text.split()
    at = max(i for i, w in enumerate(words) if w in ("permit", "forbid", "approval"))
    return words[at + 1]


def test_a_permit_in_error_leaves_the_others_alone() -> None:
    text = rule("permit bad", f"scope {OVERFLOW}", action="read") + rule("permit good", 'scope any "t"', action="read")
    decision = program(text).decide(ask(resource=HUGE))
    assert decision.allowed
    assert decision.rules == ("f1.good",)


def test_a_forbid_whose_later_clause_is_false_still_matches_when_an_earlier_one_errs() -> None:
    text = PERMIT + rule("forbid f", f"when {OVERFLOW}", 'when resource.kind == "other"', action="read")
    policies = program(
        text + "".join(rule(f"forbid g{i}", f'when resource.kind == "k{i}"', action="read") for i in range(9))
    )
    assert policies.decide(ask(resource=HUGE)).rules == ("f1.f",)


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        ("2025-12-31T23:59:59.999999999Z", False),
        ("2026-01-01T00:00:00Z", True),
        ("2026-12-31T23:59:59Z", True),
        ("2027-01-01T00:00:00Z", False),
        ("2027-01-01T00:30:00+01:00", True),
    ],
)
def test_validity_is_half_open(now: str, inside: bool) -> None:
    bounds = "valid from 2026-01-01 valid until 2027-01-01"
    permit = program(rule("permit p", 'scope any "t"', bounds)).decide(ask(now=now))
    assert permit.allowed is inside
    forbid = program(PERMIT + rule("forbid f", bounds)).decide(ask(now=now))
    assert forbid.allowed is not inside


def test_validity_needs_the_time() -> None:
    request = ask()
    del request["context"]["now"]
    decision = program(rule("permit p", 'scope any "t"', "valid until 2027-01-01")).decide(request)
    assert [(e.code, e.path) for e in decision.errors] == [("missing-attribute", "context.now")]


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "person", "matches"),
        [
            ('User::"alice"', ALICE, True),
            ('User::"bob"', ALICE, False),
            ("Agent", ALICE, False),
            ("User with role reader", ALICE, True),
            ("User with role editor", {**ALICE, "roles": ["reader"]}, False),
            ("User with role editor or reader", {**ALICE, "roles": ["reader"]}, True),
            ("any with role reader", {**ALICE, "roles": []}, False),
            ('User in Team::"cs"', {**ALICE, "parents": [{"type": "Team", "id": "cs"}]}, True),
            ('User in Team::"cs"', ALICE, False),
            ('Agent, User in Team::"cs"', BOT, True),
        ],
    )
    def test_subjects(self, pattern: str, person: dict[str, Any], matches: bool) -> None:
        policies = program(rule("permit p", 'scope any "t"', subject=pattern))
        assert policies.decide(ask(person)).allowed is matches

    @pytest.mark.parametrize(
        ("pattern", "matches"),
        [('Doc::"d1"', True), ('Doc::"d2"', False), ('Doc in Folder::"top"', True), ('Doc in Folder::"x"', False)],
    )
    def test_resources(self, pattern: str, matches: bool) -> None:
        stored = [
            {"type": "Folder", "id": "top"},
            {"type": "Folder", "id": "mid", "parents": [{"type": "Folder", "id": "top"}]},
        ]
        doc = {**DOC, "parents": [{"type": "Folder", "id": "mid"}]}
        policies = program(rule("permit p", 'scope any "t"', resource=pattern), entities=stored)
        assert policies.decide(ask(resource=doc)).allowed is matches

    def test_cycles_in_parents_are_harmless(self) -> None:
        stored = [
            {"type": "Folder", "id": "a", "parents": [{"type": "Folder", "id": "b"}]},
            {"type": "Folder", "id": "b", "parents": [{"type": "Folder", "id": "a"}]},
        ]
        doc = {**DOC, "parents": [{"type": "Folder", "id": "a"}]}
        policies = program(rule("permit p", 'scope any "t"', resource='Doc in Folder::"b"'), entities=stored)
        assert policies.decide(ask(resource=doc)).allowed


class TestDelegation:
    def test_every_link_needs_its_own_permit(self) -> None:
        policies = program(rule("permit p", 'scope any "t"', subject="Agent"))
        assert policies.decide(ask(BOT)).allowed
        assert policies.decide(ask(BOT, ALICE)).effect is Effect.DENY

    def test_an_agent_gets_no_more_than_its_user(self) -> None:
        policies = program(rule("permit p", "scope subject.tenant == resource.tenant", subject="User, Agent"))
        assert policies.decide(ask(BOT, ALICE)).allowed
        assert policies.decide(ask(BOT, having(ALICE, tenant="globex"))).effect is Effect.DENY

    def test_scope_delegated_needs_somebody_to_act_for(self) -> None:
        policies = program(
            rule("permit a", "scope delegated", subject="Agent") + rule("permit u", 'scope any "t"', subject="User")
        )
        assert policies.decide(ask(BOT)).effect is Effect.DENY
        assert policies.decide(ask(BOT, ALICE)).rules == ("f1.a", "f1.u")

    def test_delegator_is_the_next_link(self) -> None:
        text = rule("permit u", 'scope any "t"', subject="User") + rule(
            "permit a", "scope delegator is User and delegator.level >= 3", subject="Agent"
        )
        assert program(text).decide(ask(BOT, ALICE)).allowed
        assert program(text).decide(ask(BOT, having(ALICE, level=2))).effect is Effect.DENY
        assert program(text).decide(ask(BOT, {**BOT, "id": "b2"}, ALICE)).effect is Effect.DENY

    def test_what_a_delegator_lacks_makes_the_request_invalid(self) -> None:
        text = PERMIT + rule("forbid f", "when delegator is User and delegator.level < 3", subject="Agent")
        decision = program(text).decide(ask(BOT, having(ALICE, level=None)))
        assert [(e.code, e.path) for e in decision.errors] == [
            ("missing-attribute", "subject.on_behalf_of.properties.level")
        ]

    def test_a_forbid_may_ask_who_acts_and_how_deep(self) -> None:
        acts = program(PERMIT + rule("forbid f", "when actor is Agent", subject="User"))
        assert acts.decide(ask(ALICE)).allowed
        assert acts.decide(ask(BOT, ALICE)).effect is Effect.DENY
        deep = program(PERMIT + rule("forbid f", "when delegation.depth > 1"))
        assert deep.decide(ask(BOT, ALICE)).allowed
        assert deep.decide(ask(BOT, {**BOT, "id": "b2"}, ALICE)).effect is Effect.DENY


    @pytest.mark.parametrize(
        "condition",
        [
            "when delegation.depth == 0",
            "when actor is User",
            "unless actor is Agent",
            "when not (actor is Agent)",
            "unless delegation.depth > 0",
        ],
    )
    @pytest.mark.parametrize("head", ["forbid f", "require approval f"])
    def test_nobody_gets_through_another_what_they_may_not_do_directly(self, head: str, condition: str) -> None:
        """A rule about the caller may match a person's own call and not the same call made for that person."""
        from_ = "from User" if head.startswith("require") else ""
        policies = program(PERMIT + rule(head, condition, from_, subject="User"))
        direct, through = policies.decide(ask(ALICE)), policies.decide(ask(BOT, ALICE))
        assert direct.effect is not Effect.ALLOW
        assert through.effect.rank <= direct.effect.rank
        assert policies.explain(ask(BOT, ALICE)).links[1].effect is through.effect


class TestReferences:
    SCOPE = rule("permit p", "scope resource.owner.tenant == subject.tenant", subject="User", resource="Doc")

    def test_the_store_supplies_what_a_reference_names(self) -> None:
        stored = [{"type": "User", "id": "olga", "properties": {"tenant": "acme"}}]
        assert program(self.SCOPE, entities=stored).decide(ask()).allowed

    def test_the_reference_may_carry_it(self) -> None:
        owner = {"type": "User", "id": "olga", "properties": {"tenant": "acme"}}
        assert program(self.SCOPE).decide(ask(resource=having(DOC, owner=owner))).allowed

    def test_what_it_carries_does_not_override_the_store(self) -> None:
        stored = [{"type": "User", "id": "olga", "properties": {"tenant": "globex"}}]
        owner = {"type": "User", "id": "olga", "properties": {"tenant": "acme"}}
        assert not program(self.SCOPE, entities=stored).decide(ask(resource=having(DOC, owner=owner))).allowed

    def test_an_entity_nobody_knows_is_an_error(self) -> None:
        decision = program(self.SCOPE).decide(ask())
        assert [(e.code, e.rule) for e in decision.errors] == [("unknown-entity", "f1.p")]

    def test_what_the_actor_says_of_others_does_not_help_its_user(self) -> None:
        """Knowledge carried by one reference is no knowledge elsewhere, or a chain could get more than its end."""
        olga = {"type": "User", "id": "olga", "properties": {"tenant": "acme", "level": 1}}
        loud = having(ALICE, boss=olga)
        policies = program(self.SCOPE)
        assert not policies.decide(ask(loud, {**ALICE, "id": "bob"})).allowed
        assert not policies.decide(ask({**olga, "roles": []}, {**ALICE, "id": "bob"})).allowed

    def test_hierarchy_of_an_unknown_entity_is_an_error(self) -> None:
        policies = program(PERMIT + rule("forbid f", 'when resource.owner in Team::"bad"', action="read"))
        assert policies.decide(ask()).errors[0].code == "unknown-entity"
        known = having(DOC, owner={"type": "User", "id": "olga", "properties": {}})
        assert policies.decide(ask(resource=known)).allowed


def test_rules_told_apart_by_roles_or_constants_decide_as_if_each_were_tested() -> None:
    kinds = [f"k{i}" for i in range(40)]
    text = "".join(
        rule(
            f"permit p{i}",
            f'scope resource.kind == "{kind}"',
            f"when subject.level >= {i % 5}",
            subject="User",
            action="read",
        )
        for i, kind in enumerate(kinds)
    )
    policies = program(text)
    for (i, kind), level in itertools.product(enumerate(kinds), range(5)):
        request = ask(having(ALICE, level=level), resource=having(DOC, kind=kind))
        assert policies.decide(request).allowed is (level >= i % 5)
    assert not policies.decide(ask(resource=having(DOC, kind="other"))).allowed


def test_order_of_files_and_rules_does_not_matter() -> None:
    parts = [
        rule("permit p", 'scope any "t"', action="read"),
        rule("forbid f", "when subject.level < 2", subject="User"),
        rule("require approval a", "when resource.size > 5", "from User"),
    ]
    for named in ("m",):
        found = set()
        for order in itertools.permutations(parts):
            policies = program(f"module {named}\n" + order[0], *(f"module {named}\n" + p for p in order[1:]))
            decision = policies.decide(ask())
            found.add((decision.effect, decision.rules, policies.digest))
        assert len(found) == 1


def test_the_digest_changes_with_the_meaning_only() -> None:
    base = rule("permit p", "scope resource.size < 10", action="read")
    digest = program(base).digest
    assert program("# a comment\n" + base.replace("permit p", 'permit p "described"')).digest == digest
    assert program(base + 'fixture f = User::"x"\n').digest == digest
    assert program(base.replace("10", "11")).digest != digest
    assert program(base.replace("<", "<=")).digest != digest
    assert program(base.replace("action read", "action write")).digest != digest
    assert program("let limit_a = 10\n" + base.replace("10", "limit_a")).digest != digest


@pytest.mark.parametrize("request_", [None, 1, "x", [], {}, {"subject": 1}, {"subject": {"type": "User"}}, object()])
def test_decide_never_raises(request_: Any) -> None:
    decision = program(PERMIT).decide(request_)
    assert decision.effect is Effect.DENY
    assert decision.errors


def test_a_prepared_request_is_decided_like_a_raw_one_and_again_by_others() -> None:
    first, second = program(PERMIT), program(rule("forbid f"))
    raw = ask()
    prepared = first.request(**{k: raw[k] for k in ("subject", "action", "resource", "context")})
    assert first.decide(prepared).allowed
    raw["subject"]["properties"]["level"] = "changed afterwards"
    assert first.decide(prepared).allowed
    assert second.decide(prepared).effect is Effect.DENY
    bad = first.request(subject={}, action="read", resource=DOC)
    assert bad.problems
    assert first.decide(bad).effect is Effect.DENY


def test_texts_cannot_become_code() -> None:
    evil = '\\"); __import__(\\"os\\").abort() #'
    base = """
subject User as "x']+exit()#" { tenant as "t\\"+exit()+\\"": String }
resource Doc
action read as "');exit()#" on Doc
"""
    text = f'permit p {{ subject User::"{evil}" action read resource Doc scope subject.tenant == "{evil}" }}'
    policies = program(text, base=base)
    plain = evil.replace("\\", "")
    request = {
        "subject": {"type": "x']+exit()#", "id": plain, "properties": {'t"+exit()+"': plain}},
        "action": {"name": "');exit()#"},
        "resource": {"type": "Doc", "id": plain},
    }
    assert policies.decide(request).allowed
    assert policies.explain(request).decision.allowed


@pytest.mark.parametrize("name", ["onBehalfOf", "on_behalf", "onbehalfof", "on-behalf-of", "on_behalf_off"])
def test_a_misspelt_chain_is_no_shorter_chain(name: str) -> None:
    """Whoever is left out of a chain takes their limits with them."""
    policies = program(rule("permit p", 'scope any "t"', subject="Agent"))
    for place in (lambda r: r["subject"], lambda r: r, lambda r: r["subject"]["properties"]):
        request = ask(BOT)
        place(request)[name] = ALICE
        decision = policies.decide(request)
        among_properties = place(request) is request["subject"]["properties"]
        refused = name in ("onBehalfOf", "onbehalfof", "on-behalf-of") or not among_properties
        assert decision.allowed is not refused, (name, decision.errors)


def test_other_members_are_let_pass() -> None:
    request = ask(BOT)
    request |= {"options": {}, "trace": "x"}
    request["subject"]["uid"] = 7
    assert program(rule("permit p", 'scope any "t"', subject="Agent")).decide(request).allowed


def test_a_store_with_a_misspelt_type_is_refused() -> None:
    with pytest.raises(EntitiesError, match="User"):
        program(PERMIT, entities=[{"type": "user", "id": "zoe", "roles": []}])
    assert program(PERMIT, entities=[{"type": "Invoice", "id": "i"}]).decide(ask()).allowed


def test_what_is_missing_says_whether_the_store_knows_the_entity() -> None:
    text = rule("permit p", "scope subject.level > 1", subject="User")
    nobody = ask({"type": "User", "id": "alcie"})
    (without,) = program(text).decide(nobody).errors
    (with_store,) = program(text, entities=[{"type": "User", "id": "alice", "properties": {"level": 3}}]).decide(nobody).errors
    assert "entity store has no such entity" not in without.message
    assert "entity store has no such entity" in with_store.message


@pytest.mark.parametrize("context", [[], "", 0, False])
def test_a_context_that_is_no_object_is_refused_however_the_request_is_made(context: Any) -> None:
    policies = program('permit p { subject any action any resource any scope any "test" }')
    raw = {**ask(), "context": context}
    made = policies.request(subject=raw["subject"], action=raw["action"], resource=raw["resource"], context=context)
    assert made.problems
    assert not policies.decide(made).allowed
    assert policies.decide(made).errors == policies.decide(raw).errors
