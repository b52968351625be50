"""What a condition proves: `has`, `is` and `delegated`, through and, or, not, unless, later clauses and predicates."""

from __future__ import annotations

import pytest

from tests.checker.programs import HEAD, codes, rule, when

PROVED = [
    'subject has nick and subject.nick == "x"',
    'not (subject has nick) or subject.nick == "x"',
    'not subject has nick or subject.nick == "x"',
    'not (not subject has nick or subject.nick != "x")',
    "subject has boss and subject.boss has boss and subject.boss.boss == subject",
    'subject.home has zip and subject.home.zip == "1"',
    'context has device and context.device == "x"',
    "(subject has nick and subject has boss) and (subject.nick == subject.boss.tenant)",
    "((subject has nick and subject has boss) or (subject has boss and context.mfa)) and subject.boss == subject",
    'any d in resource.readers: d has nick and d.nick == "x"',
    "subject has nick and (any d in resource.readers: d.tenant == subject.nick)",
]
UNPROVED = [
    'subject.nick == "x"',
    'subject.nick == "x" and subject has nick',
    'subject has nick or subject.nick == "x"',
    'not subject has nick and subject.nick == "x"',
    "subject has boss and subject.boss.boss == subject",
    '(subject has nick or subject has boss) and subject.nick == "x"',
    'resource.owner has nick and subject.nick == "x"',
    "not (subject has nick and context.mfa) or subject.boss == subject",
    'any d in resource.readers: d.nick == "x"',
    '(any d in resource.readers: d has nick) and subject.nick == "x"',
    '(all d in resource.readers: d has nick) and (any d in resource.readers: d.nick == "x")',
    'subject.home.zip == "1"',
    'subject has home and subject.home.zip == "1"',
]


@pytest.mark.parametrize("condition", PROVED)
def test_what_is_proved_can_be_read(condition: str) -> None:
    assert when(condition) == []


@pytest.mark.parametrize("condition", UNPROVED)
def test_what_is_not_proved_cannot(condition: str) -> None:
    assert when(condition) == ["KYN203"]


def test_earlier_clauses_prove_for_later_ones_whatever_the_order_of_lines() -> None:
    read = 'when subject.nick == "x"'
    assert codes(rule("when subject has nick", read)) == []
    assert codes(rule(read, "when subject has nick")) == ["KYN203"]
    assert codes(rule("scope subject has nick", read, effect="permit")) == []
    assert codes(rule(read, "scope subject has nick", effect="permit")) == []  # the scope comes first
    assert codes(rule('unless subject.nick == "x"', "when subject has nick")) == []  # unless comes last
    assert codes(rule("unless not subject has nick", 'unless subject.nick == "x"')) == []
    assert codes(rule("unless subject has nick", 'unless subject.nick == "x"')) == ["KYN203"]
    assert codes(rule("unless not subject has nick or context.mfa", 'unless subject.nick == "x"')) == []
    assert codes(rule("unless not subject has nick and context.mfa", 'unless subject.nick == "x"')) == ["KYN203"]


def test_predicates_prove_what_their_bodies_prove() -> None:
    lets = (
        "let named(u: User) = u has nick\nlet both(a: User, b: User) = named(a) and named(b)\n"
        "let one(a: User, b: User) = named(a) or named(b)\nlet un(u: User) = not named(u)\n"
        "let dev() = context has device\n".replace("dev()", "dev(u: User)")
        + "let boss_named(u: User) = u has boss and named(u.boss)\n"
    )
    for condition, fine in {
        'named(subject) and subject.nick == "x"': True,
        "both(subject, resource.owner) and subject.nick == resource.owner.nick": True,
        'one(subject, resource.owner) and subject.nick == "x"': False,
        'un(subject) or subject.nick == "x"': True,
        'not un(subject) and subject.nick == "x"': True,
        'dev(subject) and context.device == "x"': True,
        'boss_named(subject) and subject.boss.nick == "x"': True,
        'named(resource.owner) and subject.nick == "x"': False,
        'boss_named(subject) and subject.nick == "x"': False,
    }.items():
        assert when(condition, before=lets) == ([] if fine else ["KYN203"]), condition


def test_a_predicate_body_is_checked_for_itself() -> None:
    assert codes(HEAD + 'let f(u: User) = u.nick == "x"') == ["KYN203"]
    assert codes(HEAD + 'let f(u: User) = u has nick and u.nick == "x"') == []


def test_is_narrows_unions() -> None:
    for condition, wanted in {
        "subject is User and subject.only_user == 1": [],
        "subject.only_user == 1": ["KYN203"],
        "not subject is User or subject.only_user == 1": [],
        "not (subject is Bot) and subject.only_user == 1": [],
        "subject is Bot and subject.only_user == 1": ["KYN202"],
        'subject is User or subject.trust == "low"': [],
        'subject is Named and subject.name == "x"': [],
        'subject.tenant == "x"': [],
        "subject has only_user and subject.only_user == 1": [],
        "(subject is User or subject is Bot) and subject.only_user == 1": ["KYN203"],
        "subject is User and subject is Bot": [],  # what other tests say is odd logic, not a wrong type
        "subject is Doc": ["KYN210"],
    }.items():
        assert when(condition, subject="User, Bot") == wanted, condition


def test_a_predicate_does_not_widen_what_is_known() -> None:
    lets = "let bot_or_doc(t: Tenanted) = t is Bot or t is Doc\nlet no_doc(t: Tenanted) = not t is Doc\n"
    assert when("not bot_or_doc(subject) and subject.only_user == 1", subject="User, Bot", before=lets) == []
    assert when('bot_or_doc(subject) and subject.trust == "low"', subject="User, Bot", before=lets) == []
    assert when("no_doc(subject) and subject.level == 1", before=lets) == []


def test_under_any_an_attribute_needs_to_be_there_for_all_types_the_actions_apply_to() -> None:
    assert when("resource.size == 1", resource="any") == []  # `read` applies to documents only
    assert when("resource.size == 1", action="any", resource="any") == ["KYN203"]
    assert when("resource is Doc and resource.size == 1", action="any", resource="any") == []
    assert when('subject.tenant == "x"', subject="any") == ["KYN203"]  # teams have none
    assert when('subject.tenant == "x"', subject="Tenanted") == []
    assert when('subject is Tenanted and subject.tenant == "x"', subject="any") == []


def test_arguments_of_several_actions() -> None:
    assert when('args.to within "/x"', action="move") == []
    assert when('args.to within "/x"', action="move, read") == ["KYN203"]
    assert when('args has to and args.to within "/x"', action="move, read") == []
    assert when('args.why == "x"', action="move") == ["KYN203"]
    assert when('args has why and args.why == "x"', action="move, send, read") == []
    assert when("args has to", action="move, send") == []
    assert when('args.to == "/x"', action="move, send") == ["KYN108"]
    assert when("args.copy", action="send") == []
    assert when("args.nothing", action="move, send") == ["KYN202"]
    assert when("args has nothing", action="move") == ["KYN202"]


def test_the_delegator_is_there_when_delegated() -> None:
    read = "delegator is User and delegator.level > 1"
    assert when("delegated and delegator == resource.owner") == []
    assert when("not delegated or delegator == resource.owner") == []
    assert when("delegator == resource.owner") == ["KYN203"]
    assert when("not delegated and delegator == resource.owner") == ["KYN203"]
    assert when(read) == []
    assert when("delegated and " + read) == []
    assert when("delegated and delegator.level > 1") == ["KYN203"]
    assert when("delegator holds lead") == ["KYN203"]
    assert when("delegated and delegator holds lead") == []
    assert codes(rule("scope delegated", "when delegator == resource.owner", effect="permit")) == []
    assert codes(rule("unless not delegated", "unless delegator == resource.owner")) == []


def test_what_an_approval_matched_on_is_known_of_its_approver() -> None:
    lines = ["when subject has nick", 'from User where approver.tenant == "x" and subject.nick == "y"']
    assert codes(rule(*lines, effect="require approval")) == []
    assert codes(rule('from User where approver.nick == "x"', effect="require approval")) == ["KYN203"]
    assert codes(rule("from any where approver is User and approver.level > 1", effect="require approval")) == []
    assert codes(rule("from any where approver.level > 1", effect="require approval")) == ["KYN203"]
