"""Approvals that an explanation offers: each was tried with approvers who are made up, and none is offered that cannot count."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.cli.render_explanation import renderables
from kynara_lang.cli.render_html import page
from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.explanation import Explanation
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import ask, program

BASE = """
subject Team
subject User in Team {
  team: String
  teams: Set<String>
  level: Int
  limit: Decimal
  nick: String?
  trusted: Bool
  dept: "sales" | "law"
  boss: User?
  mail: Email
  home: Path
}
subject Agent { team: String }
resource Doc {
  owner: User
  team: String
}
role boss
role chief extends boss
action pay on Doc (amount: Decimal)
permit p { subject any action pay resource any scope any "test" }
require approval q { subject Agent, User action pay resource any from %s }
"""
AL = {"type": "User", "id": "al", "roles": ["boss"], "properties": {"team": "t"}}
BOT = {"type": "Agent", "id": "bot", "properties": {"team": "t"}}
OWNER = {"type": "User", "id": "ow", "properties": {"team": "x"}}
DOC = {"type": "Doc", "id": "d", "properties": {"team": "docs", "owner": OWNER}}
NOBODY = "nobody who was tried meets its `from` and is not of the chain"
OF_CHAIN = "whoever it names makes this call or is acted for, and nobody of the chain approves"


def policies(wanted: str, *stored: dict[str, Any]) -> PolicySet:
    return program(BASE % wanted, base="", entities=list(stored) or None)


def request(**changes: Any) -> dict[str, Any]:
    return ask(BOT, AL, action="pay", args={"amount": "3"}, resource=DOC, **changes)


def offered(found: Explanation) -> list[str]:
    return [change.change for change in found.counterfactual if change.approvals]


def unapprovable(found: Explanation) -> list[tuple[str, str]]:
    return [(without.rule, without.reason) for without in found.unapprovable]


@pytest.mark.parametrize(
    "wanted",
    [
        "User",
        "any",
        "Agent, User with role boss",
        "User with role boss or chief",
        'User in Team::"x"',
        'User where approver in Team::"x"',
        "User where approver holds chief",
        "User where not (approver holds boss)",
        "User where approver != subject and resource.owner != approver",
        "User where approver.team == subject.team",
        'User where resource.team == approver.team and approver.team != "z"',
        'User where resource.team in approver.teams and "v" in approver.teams',
        'User where approver.teams.contains_all({"a", "b"}) and approver.teams.contains_any({"c"})',
        'User where approver.level > 3 and approver.dept != "sales"',
        "User where args.amount <= approver.limit",
        "User where approver.trusted",
        'User where not (approver.trusted or approver.level == 0 or approver.team == "x")',
        'User where approver has nick and approver.nick == "n"',
        "User where approver has nick",
        "User where approver has boss and approver.boss == resource.owner",
        "User with role boss where approver == resource.owner",
        'User where approver.dept in {"law"} and approver.home within "/a/b"',
        'User where approver.mail.domain == "law.example" and approver.team.lower() == "x"',
        'User where approver.team like "ab*c"',
        "any where approver is User and approver.level > 2",
        'User::"bo" with role boss where approver.level > 9',
    ],
)
def test_an_approval_that_can_be_given_is_offered_and_was_tried(wanted: str) -> None:
    program_ = policies(wanted)
    found = program_.explain(request())
    assert offered(found) == [f"it were approved by one {wanted} (f1.q)"]
    assert unapprovable(found) == []
    (change,) = found.counterfactual
    decision = program_.decide(change.request, change.approvals)
    assert (decision.effect, decision.errors) == (Effect.ALLOW, ())


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ('User::"al"', OF_CHAIN),
        ('Agent::"bot"', OF_CHAIN),
        ('User::"al", Agent::"bot" quorum 2', OF_CHAIN),
        ('User::"bo" quorum 2', 'it takes 2, and only User::"bo" could give it'),
        ('User::"al", User::"bo" quorum 2', 'it takes 2, and only User::"bo" could give it'),
        ("User where approver == subject", NOBODY),
        ("User where delegated and approver == delegator", NOBODY),
        ("User where approver == resource.owner quorum 2", NOBODY),
        ('User where approver.team == "x" and approver.team == "y"', NOBODY),
        ("User where approver.level > 9223372036854775807", NOBODY),
        ('User where approver has boss and approver.boss.team == "x"', NOBODY),
    ],
)
def test_an_approval_that_cannot_count_is_not_offered_and_the_reason_is_told(wanted: str, reason: str) -> None:
    found = policies(wanted).explain(request())
    assert found.decision.effect is Effect.REQUIRE_APPROVAL
    assert offered(found) == []
    assert unapprovable(found) == [("f1.q", reason)]
    assert found.to_dict()["unapprovable"] == [{"rule": "f1.q", "reason": reason}]
    screen = "".join(part.plain for part in renderables(found, 200))
    assert f"  no approval was found that f1.q would count: {reason}\n" in screen
    assert "no approval was found that f1.q would count: " in page(found)


def test_as_many_different_people_as_are_missing_are_made_up() -> None:
    program_ = policies("User with role boss quorum 3")
    lea = {"type": "User", "id": "lea", "roles": ["boss"]}
    given = {
        "rule": "f1.q",
        "digest": program_.approval_digest(request()),
        "approvers": [lea],
        "expires": "2026-11-22T11:00:00Z",
    }
    (change,) = program_.explain(request(), [given]).counterfactual
    assert change.change == "it were approved by 2 of User with role boss (f1.q)"
    assert program_.decide(change.request, [given, *change.approvals]).allowed
    assert not program_.decide(change.request, change.approvals).allowed


@pytest.mark.parametrize("now", [None, "garbage", 5])
def test_without_a_time_an_approval_is_offered_together_with_one(now: object) -> None:
    program_, asked = policies("User"), request(now=now)
    (change,) = program_.explain(asked).counterfactual
    assert change.change == "`context.now` were given and it were approved by one User (f1.q)"
    assert program_.decide(change.request, change.approvals).allowed
    assert not program_.decide(asked, change.approvals).allowed
    del asked["context"]
    assert offered(program_.explain(asked)) == [change.change]


def test_at_the_end_of_time_no_approval_is_offered() -> None:
    found = policies("User").explain(request(now="9999-12-31T23:59:59.999999999Z"))
    assert offered(found) == []
    assert unapprovable(found) == [("f1.q", "after `context.now` there is no time left in which it could last")]


def test_what_cannot_be_bound_cannot_be_approved() -> None:
    asked = request()
    asked["action"]["properties"]["stray"] = object()
    found = policies("User").explain(asked)
    assert offered(found) == []
    assert unapprovable(found) == [("f1.q", "an argument is not JSON, so nothing can be bound to this call")]


def test_an_approver_must_do_for_every_link_that_waits() -> None:
    wanted = 'User where (subject is User and approver.team == "x") or (subject is Agent and approver.team == %s)'
    assert offered(policies(wanted % '"x"').explain(request()))
    assert unapprovable(policies(wanted % '"y"').explain(request())) == [("f1.q", NOBODY)]


def test_all_approvals_that_are_missing_are_offered_together_or_not_at_all() -> None:
    other = "require approval r { subject any action pay resource any from %s }"
    found = program(BASE % "User", other % "User with role boss", base="").explain(request())
    assert offered(found) == [
        "it were approved by one User (f1.q) and it were approved by one User with role boss (f2.r)"
    ]
    found = program(BASE % "User", other % 'User::"al"', base="").explain(request())
    assert (offered(found), unapprovable(found)) == ([], [("f2.r", OF_CHAIN)])


def test_those_whom_the_store_knows_are_asked_where_nobody_can_be_made_up() -> None:
    wanted = 'User where approver has boss and approver.boss.team == "x"'
    boss = {"type": "User", "id": "ed", "properties": {"team": "x"}}
    lea = {"type": "User", "id": "lea", "properties": {"boss": {"type": "User", "id": "ed"}}}
    (change,) = policies(wanted, boss, lea).explain(request()).counterfactual
    assert [person["id"] for person in change.approvals[0]["approvers"]] == ["lea"]


def test_what_the_store_says_of_a_named_approver_counts() -> None:
    wanted = 'User::"bo" with role boss'
    assert offered(policies(wanted).explain(request()))
    found = policies(wanted, {"type": "User", "id": "bo", "roles": []}).explain(request())
    assert unapprovable(found) == [("f1.q", NOBODY)]
