"""`std.approvals`: one approver, two, by amount, and never the author."""

from typing import Any

import pytest

import kynara_lang as kynara
from tests.stdlib.asking import ask, entity, program, request

USER = entity("User")
CHANGE = entity("Change", author_id="s-1")
BUDGET = entity("Budget", free_up_to="100.00", single_up_to="1000.00")
DOOR = entity("Door")


def boss(
    identity: str, staff_id: str = "s-9", up_to: str = "10000.00", roles: tuple[str, ...] = ("director",)
) -> dict[str, Any]:
    return entity(f"Boss:{identity}", *roles, staff_id=staff_id, approves_up_to=up_to)


@pytest.mark.parametrize(
    ("action", "resource", "arguments", "effect", "rules"),
    [
        ("look", DOOR, {}, "allow", {"anything"}),
        ("open", DOOR, {}, "require_approval", {"std.approvals.second_person"}),
        ("blow_up", DOOR, {}, "require_approval", {"std.approvals.two_people"}),
        ("merge", CHANGE, {}, "require_approval", {"std.approvals.second_person", "std.approvals.not_the_author"}),
        ("spend", BUDGET, {"amount": "100.00"}, "allow", {"anything"}),
        ("spend", BUDGET, {"amount": "100.01"}, "require_approval", {"std.approvals.middle_amounts"}),
        (
            "spend",
            BUDGET,
            {"amount": "1000.01"},
            "require_approval",
            {"std.approvals.middle_amounts", "std.approvals.large_amounts"},
        ),
    ],
)
def test_what_waits(action: str, resource: Any, arguments: Any, effect: str, rules: set[str]) -> None:
    assert ask(program("approvals"), USER, action, resource, **arguments) == (effect, rules)


def approved(action: str, resource: Any, *approvers: Any, **arguments: Any) -> str:
    """Ask with all rules that wait approved by the same people."""
    policies = program("approvals")
    asked = request(USER, action, resource, **arguments)
    digest = policies.approval_digest(asked)
    waiting = policies.decide(asked).rules
    given = [
        {"rule": rule, "digest": digest, "approvers": list(approvers), "expires": "2026-11-23T10:30:00Z"}
        for rule in waiting
    ]
    return str(policies.decide(asked, approvals=given).effect)


def test_one_is_enough_for_one_and_two_for_two() -> None:
    assert approved("open", DOOR, boss("a")) == kynara.Effect.ALLOW
    assert approved("blow_up", DOOR, boss("a")) == kynara.Effect.REQUIRE_APPROVAL
    assert approved("blow_up", DOOR, boss("a"), boss("a")) == kynara.Effect.REQUIRE_APPROVAL
    assert approved("blow_up", DOOR, boss("a"), boss("b")) == kynara.Effect.ALLOW


def test_who_is_no_signatory_approves_nothing() -> None:
    assert approved("open", DOOR, boss("a", roles=())) == kynara.Effect.REQUIRE_APPROVAL
    assert approved("open", DOOR, entity("User:b", "director")) == kynara.Effect.REQUIRE_APPROVAL


def test_the_author_does_not_count() -> None:
    assert approved("merge", CHANGE, boss("a", staff_id="s-1")) == kynara.Effect.REQUIRE_APPROVAL
    assert approved("merge", CHANGE, boss("a", staff_id="s-2")) == kynara.Effect.ALLOW
    # of two approvers, both rules are met by the one who is not the author and the pair of them
    assert approved("blow_up", CHANGE, boss("a", "s-1"), boss("b", "s-2")) == kynara.Effect.ALLOW


@pytest.mark.parametrize(("up_to", "effect"), [("499.99", "require_approval"), ("500.00", "allow")])
def test_an_approver_has_the_authority_for_the_amount(up_to: str, effect: str) -> None:
    assert approved("spend", BUDGET, boss("a", up_to=up_to), amount="500.00") == effect


def test_large_amounts_need_two_with_the_authority() -> None:
    assert approved("spend", BUDGET, boss("a"), amount="2000.00") == "require_approval"
    assert approved("spend", BUDGET, boss("a"), boss("b", up_to="10.00"), amount="2000.00") == "require_approval"
    assert approved("spend", BUDGET, boss("a"), boss("b"), amount="2000.00") == "allow"


def test_the_predicates_serve_the_rules_of_a_program() -> None:
    change = {"type": "Change", "id": "c", "properties": {"author_id": "s-1"}}
    assert approved("lend", BUDGET, boss("a", "s-1"), amount="5.00", change=change) == "require_approval"
    assert approved("lend", BUDGET, boss("a", up_to="4.99"), amount="5.00", change=change) == "require_approval"
    assert approved("lend", BUDGET, boss("a"), amount="5.00", change=change) == "allow"
