"""Discovery: which actions somebody could be allowed, what must hold for that, and what else is said of them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

import kynara_lang as kynara
from kynara_lang.guard import Guard
from kynara_lang.guard.discovery import Discovered, discover
from kynara_lang.runtime.problems import InvalidRequest

TYPES = """
subject User { tenant: String, level: Int? }
subject Agent { tenant: String }
resource Order { tenant: String, total: Decimal }
resource File { owner: User }
role staff
role lead extends staff
context { ip: IP }
"""
ALICE = {"type": "User", "id": "alice", "roles": ["staff"], "properties": {"tenant": "acme"}}
BOT = {"type": "Agent", "id": "bot", "properties": {"tenant": "acme"}, "on_behalf_of": ALICE}


def found(rules: str, subject: Any = ALICE, context: Any = None, types: str = TYPES) -> dict[str, Discovered]:
    return {one.action: one for one in discover(kynara.loads(types + rules), subject, context)}


def the(rules: str, subject: Any = ALICE, context: Any = None) -> Discovered:
    (one,) = found(rules, subject, context).values()
    return one


def permit(action: str, *clauses: str, subject: str = "any", scope: str = 'any "a test"') -> str:
    lines = [f"subject {subject}", f"action {action}", "resource any", f"scope {scope}", *clauses]
    return f"\npermit p_{action.replace('.', '_')} {{\n  " + "\n  ".join(lines) + "\n}\n"


def rule(kind: str, name: str, *clauses: str, subject: str = "any") -> str:
    return f"\n{kind} {name} {{\n  " + "\n  ".join([f"subject {subject}", "action any", "resource any", *clauses]) + "\n}\n"


# --- which actions


def test_an_action_that_no_permit_covers_is_hidden() -> None:
    assert found("action read, write on Order" + permit("read")).keys() == {"read"}


def test_what_the_subject_is_decides() -> None:
    rules = "action read on Order\naction erase on Order"
    rules += permit("read", subject="User with role staff") + permit("erase", subject="User with role lead")
    assert found(rules).keys() == {"read"}
    assert found(rules, {**ALICE, "roles": ["lead"]}).keys() == {"read", "erase"}
    assert found(rules, {**ALICE, "roles": []}) == {}
    assert found(rules, {"type": "User", "id": "dave", "properties": {"tenant": "acme"}}) == {}


def test_what_is_known_of_the_context_decides_and_what_is_not_may_be_anything() -> None:
    rules = "action read on Order" + permit("read", 'when context.ip within "10.0.0.0/8"')
    assert the(rules, context={"ip": "10.1.2.3"}).constraints == ()
    assert found(rules, context={"ip": "8.8.8.8"}) == {}
    assert the(rules).constraints == ('context.ip within "10.0.0.0/8"',)


def test_the_time_is_that_of_the_context() -> None:
    rules = "action read on Order" + permit("read", "valid until 2026-12-01")
    assert found(rules, context={"now": "2026-11-30T23:59:59Z"}).keys() == {"read"}
    assert found(rules, context={"now": "2026-12-01T00:00:00Z"}) == {}
    assert the(rules).constraints == ("context.now < 2026-12-01T00:00:00Z",)


def test_a_forbid_that_surely_matches_hides() -> None:
    rules = "action read on Order" + permit("read") + rule("forbid", "agents", subject="Agent")
    assert found(rules).keys() == {"read"}
    assert found(rules, BOT) == {}


def test_every_link_must_possibly_allow() -> None:
    rules = "action read on Order\naction write on Order"
    rules += permit("read") + permit("write", subject="User with role lead, Agent")
    assert found(rules, {**BOT, "on_behalf_of": {**ALICE, "roles": ["lead"]}}).keys() == {"read", "write"}
    assert found(rules, BOT).keys() == {"read"}


def test_constraints_of_all_links_count() -> None:
    rules = "action refund on Order (amount: Decimal)"
    rules += permit("refund", "when args.amount <= 50.00", subject="User").replace("p_refund", "people")
    rules += permit("refund", "when args.amount >= 10.00", "when args.amount <= 80.00", subject="Agent")
    one = the(rules, BOT)
    assert one.json_schema["properties"]["amount"]["minimum"] == 10
    assert one.json_schema["properties"]["amount"]["maximum"] == 50
    assert "args.amount <= 50.00" in one.constraints
    assert "args.amount >= 10.00" in one.constraints


def test_links_that_exclude_each_other_hide() -> None:
    rules = "action refund on Order (amount: Decimal)"
    rules += permit("refund", "when args.amount <= 50.00", subject="User").replace("p_refund", "people")
    rules += permit("refund", "when args.amount > 50.00", subject="Agent")
    assert found(rules, BOT) == {}


def test_a_rule_that_asks_who_acts_counts_for_everyone_who_could() -> None:
    rules = "action read on Order" + permit("read") + rule("forbid", "by_agents", "when actor is Agent", subject="User")
    assert found(rules).keys() == {"read"}
    assert found(rules, BOT) == {}


def test_a_link_for_which_a_rule_asks_who_acts_is_also_looked_at_as_if_it_acted_itself() -> None:
    rules = "action read on Order" + permit("read")
    rules += rule("forbid", "directly", "when actor is User", subject="User")
    assert found(rules) == {}
    assert found(rules, BOT) == {}, "nobody gets more through another"


def test_only_types_on_which_it_is_possible_are_named() -> None:
    rules = "action read" + permit("read") + "forbid files { subject any action any resource File }"
    assert "File" not in the(rules).resources
    assert "Order" in the(rules).resources


def test_the_store_counts() -> None:
    program = kynara.loads(TYPES + "action read on Order" + permit("read", subject="User with role lead"))
    store = kynara.Entities.from_list([{"type": "User", "id": "alice", "roles": ["lead"]}])
    claimed = {**ALICE, "roles": ["lead"]}
    assert discover(program.bind(store), ALICE)
    empty = kynara.Entities.from_list([{"type": "User", "id": "alice", "roles": []}])
    assert not discover(program.bind(empty), claimed)


def test_an_optional_attribute_that_nobody_gives_is_absent_and_a_required_one_is_not_known() -> None:
    rules = "action read on Order\naction write on Order"
    rules += permit("read", "when subject has level and subject.level > 3", subject="User")
    rules += permit("write", 'when subject.tenant == "acme"', subject="User")
    assert found(rules, {"type": "User", "id": "alice"}).keys() == {"write"}


# --- the effect


def test_an_approval_that_is_always_needed_is_the_effect() -> None:
    rules = "action read on Order" + permit("read") + rule("require approval", "look", "from User with role lead")
    one = the(rules)
    assert (one.effect, one.approval) == (kynara.Effect.REQUIRE_APPROVAL, "always")
    assert one.note == "A person has to approve each call."


def test_an_approval_that_may_be_needed_is_said() -> None:
    rules = "action refund on Order (amount: Decimal)" + permit("refund")
    rules += rule("require approval", "look", "when args.amount > 50.00", "from User with role lead")
    one = the(rules)
    assert (one.effect, one.approval) == (kynara.Effect.ALLOW, "args.amount > 50.00")
    assert one.note == "A person may have to approve a call where: args.amount > 50.00."


def test_an_approval_that_an_error_can_ask_for_is_said_and_not_to_a_model() -> None:
    rules = "action share on File (with: User)" + permit("share", subject="User")
    lost = "when resource.owner.tenant != resource.owner.tenant"  # false, or in error where nobody knows the owner
    one = the(rules + rule("require approval", "look", lost, "from User with role lead"))
    assert one.effect is kynara.Effect.ALLOW
    assert one.approval is not None
    assert one.note == "A person may have to approve a call."


def test_arguments_that_are_permitted_only_with_an_approval_make_it_the_effect() -> None:
    rules = "action refund on Order (amount: Decimal)" + permit("refund", "when args.amount > 60.00")
    rules += rule("require approval", "look", "when args.amount > 50.00", "from User with role lead")
    assert the(rules).effect is kynara.Effect.REQUIRE_APPROVAL


# --- what is said


def test_known_values_are_put_in() -> None:
    rules = "action read on Order" + permit("read", scope="resource.tenant == subject.tenant")
    assert the(rules).constraints == ('resource.tenant == "acme"',)


def test_alternatives_have_what_they_share_said_once() -> None:
    rules = "action refund on Order (amount: Decimal, why: String)"
    small = permit("refund", "when args.amount <= 5.00", scope="resource.tenant == subject.tenant")
    large = permit("refund", 'when args.why == "broken"', scope="resource.tenant == subject.tenant")
    one = the(rules + small + large.replace("p_refund", "other"))
    shared, choice = one.constraints
    assert shared == 'resource.tenant == "acme"'
    assert set(choice.split(" or ")) == {"args.amount <= 5.00", 'args.why == "broken"'}
    assert "maximum" not in one.json_schema["properties"]["amount"]


def test_what_a_forbid_excludes_is_said() -> None:
    rules = "action refund on Order (amount: Decimal)" + permit("refund")
    one = the(rules + rule("forbid", "large", "when args.amount > 500.00"))
    assert one.constraints == ("args.amount <= 500.00",)
    assert one.json_schema["properties"]["amount"]["maximum"] == 500
    either = the(rules + rule("forbid", "large", "when args.amount > 500.00", 'unless context.ip within "10.0.0.0/8"'))
    assert either.constraints == ('args.amount <= 500.00 or context.ip within "10.0.0.0/8"',)
    assert "maximum" not in either.json_schema["properties"]["amount"]


def test_a_note_is_about_arguments_alone() -> None:
    rules = "action refund on Order (amount: Decimal)"
    rules += permit("refund", "when args.amount <= 5.00", "when args.amount <= resource.total", 'when context.ip within "10.0.0.0/8"')
    one = the(rules + rule("require approval", "look", "when resource.total > 9.00", "from User with role lead"))
    assert one.note == "Allowed only where: args.amount <= 5.00. A person may have to approve a call."


def test_names_are_those_of_requests() -> None:
    rules = 'action pay as "mcp/pay" on Order (amount as "sum-paid": Decimal)'
    rules += '\npermit p { subject any action pay resource any scope any "a test" when args.amount <= 5.00 }'
    one = the(rules)
    assert one.action == "mcp/pay"
    assert [a.name for a in one.arguments] == ["sum-paid"]
    assert one.json_schema["required"] == ["sum-paid"]


def test_arguments_are_told_with_type_constraints_and_documentation() -> None:
    rules = "action refund on Order (\n## In euros.\namount: Decimal, note: String?)"
    one = the(rules + permit("refund", "when args.amount <= 5.00", "when args has note"))
    amount, note = one.arguments
    assert (amount.type, amount.required, amount.constraints) == ("Decimal", True, ("args.amount <= 5.00",))
    assert (note.type, note.required) == ("String", True)
    assert amount.schema["description"].endswith("Allowed where args.amount <= 5.00.")
    assert one.json_schema["required"] == ["amount", "note"]


def test_everything_is_json() -> None:
    rules = "action refund on Order (amount: Decimal)" + permit("refund", "when args.amount <= 5.00")
    told = the(rules).to_dict()
    assert told["effect"] == "allow"
    assert {"action", "effect", "resources", "arguments", "constraints", "approval", "json_schema", "note"} == told.keys()
    jsonschema.Draft202012Validator.check_schema(told["json_schema"])


# --- what is not done


def test_a_subject_that_is_none_is_refused_with_the_place() -> None:
    policies = kynara.loads(TYPES + "action read on Order" + permit("read"))
    for subject, path in (
        ({"type": "Nobody", "id": "x"}, "subject.type"),
        ({"id": "x"}, "subject.type"),
        ({**ALICE, "properties": {"tenant": 1}}, "subject.properties.tenant"),
        ({**BOT, "on_behalf_of": {"type": "Order", "id": "o"}}, "subject.on_behalf_of.type"),
        ({"type": "User", "id": "a", "on_behalf_of": {"type": "User", "id": "a"}}, "subject.on_behalf_of"),
        ("alice", "subject"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            discover(policies, subject)  # type: ignore[arg-type]
        assert path in [problem.path for problem in refused.value.problems]


def test_a_context_that_is_none_is_refused_with_the_place() -> None:
    policies = kynara.loads(TYPES + "action read on Order" + permit("read"))
    with pytest.raises(InvalidRequest, match=r"context\.ip"):
        discover(policies, ALICE, {"ip": "10.0.0.300"})


class Recorder:
    """Counts what is recorded."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def append(self, kind: str, body: Any) -> Any:
        self.kinds.append(kind)
        return type("Receipt", (), {"seq": len(self.kinds), "hash": ""})()


def test_discovery_records_no_decision_and_opens_no_approval(tmp_path: Any) -> None:
    rules = "action refund on Order (amount: Decimal)" + permit("refund")
    rules += rule("require approval", "look", "from User with role lead")
    recorder = Recorder()
    guard = Guard(kynara.loads(TYPES + rules), log=recorder, approvals=tmp_path / "approvals.db")  # type: ignore[arg-type]
    before = list(recorder.kinds)
    assert [one.action for one in guard.discover(ALICE)] == ["refund"]
    assert recorder.kinds == before
    guard.check(ALICE, "refund", {"type": "Order", "id": "o"}, args={"amount": "1.00"})
    assert recorder.kinds != before, "a check is recorded: the recorder works"
