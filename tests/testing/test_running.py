"""What makes an expectation pass, and what does not."""

from __future__ import annotations

import pytest

from kynara_lang.testing import cases
from kynara_lang.testing.running import Outcome, run_test
from tests.testing.programs import policies_of, run, shop

CONTEXT = 'given context { now: 2026-11-22, ip: "10.1.2.3" }'


def outcome(given: str, expect: str) -> Outcome:
    """Run one expectation on the shop."""
    (result,) = run(shop(f'test "t" {{ given {given} {CONTEXT} expect {expect} }}'))
    (found,) = result.outcomes
    assert result.passed == found.passed
    return found


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("alice", "allow read on parcel"),
        ("alice", "allow read on parcel because reads"),
        ("alice", "allow read on parcel because shop.reads"),
        ("alice", 'deny read on parcel { tenant: "globex" }'),
        ("alice", "require_approval refund(amount: 60.00) on parcel because large"),
        ("bot on behalf of alice", "allow refund(amount: 1.00) on parcel because refunds"),
        ("bob", "deny refund(amount: 1.00) on parcel"),
    ],
)
def test_what_is_so_passes(given: str, expect: str) -> None:
    assert outcome(given, expect).passed


@pytest.mark.parametrize(
    ("given", "expect", "got"),
    [
        ("alice", "deny read on parcel", "allow"),
        ("alice", "allow refund(amount: 60.00) on parcel", "require_approval"),
        ("bob", "allow refund(amount: 1.00) on parcel", "deny"),
        ("bot on behalf of bob", "allow refund(amount: 1.00) on parcel", "deny"),
    ],
)
def test_another_decision_fails(given: str, expect: str, got: str) -> None:
    found = outcome(given, expect)
    assert not found.passed
    assert found.decision.effect.value == got


@pytest.mark.parametrize(
    ("given", "expect", "missing", "determining"),
    [
        ("alice", "allow read on parcel because refunds", ("shop.refunds",), ("shop.reads",)),
        ("bob", "deny refund(amount: 1.00) on parcel because outside", ("shop.outside",), ()),
        (
            "alice",
            "require_approval refund(amount: 60.00) on parcel because refunds",
            ("shop.refunds",),
            ("shop.large",),
        ),
        ("alice", "allow read on parcel because reads, large", ("shop.large",), ("shop.reads",)),
    ],
)
def test_a_rule_that_did_not_determine_it_fails(
    given: str, expect: str, missing: tuple[str, ...], determining: tuple[str, ...]
) -> None:
    found = outcome(given, expect)
    assert not found.passed
    assert (found.missing, found.determining) == (missing, determining)


def test_because_names_some_of_all_the_rules_that_match() -> None:
    """A decision stops at the first; `because` knows all of them, on every link that is decided so."""
    text = """
subject User
resource Door
action open on Door
permit p { subject User action open resource Door scope any "x" }
permit q { subject User action open resource Door scope any "x" }
forbid a { subject User::"a" action open resource Door }
forbid b { subject User::"a" action open resource Door }
forbid c { subject User::"c" action open resource Door }
test "both permits"    { given User::"x"  expect allow open on Door::"d" because q }
test "one of two"      { given User::"x"  expect allow open on Door::"d" because p, q }
test "both forbids"    { given User::"a"  expect deny open on Door::"d" because b, a }
test "of another link" { given User::"a" on behalf of User::"c"  expect deny open on Door::"d" because a, c }
test "not of a link that would be allowed" {
  given User::"x" on behalf of User::"c"
  expect deny open on Door::"d" because p
}
"""
    assert [result.passed for result in run(policies_of(text))] == [True, True, True, True, False]


def test_an_invalid_request_fails_even_where_a_denial_is_wanted() -> None:
    """A test that denies for want of an attribute says nothing of the policy."""
    (result,) = run(shop('test "t" { given alice  expect deny read on Order::"o-2" }'))
    (found,) = result.outcomes
    assert not result.passed
    assert found.decision.effect.value == "deny"
    assert [(error.code, error.path) for error in found.invalid] == [
        ("missing-attribute", "resource.properties.tenant-id")
    ]


def test_an_error_inside_a_rule_is_no_invalid_request() -> None:
    text = """
subject User { n: Int }
resource Door
action open on Door
permit p { subject User action open resource Door scope subject.n * 9223372036854775807 > 0 }
test "t" { given User::"a" { n: 2 }  expect deny open on Door::"d" }
"""
    (result,) = run(policies_of(text))
    assert result.passed
    assert result.outcomes[0].decision.errors[0].rule == "file.p"


def test_everything_in_a_test_runs_though_something_fails() -> None:
    (result,) = run(
        shop(
            f'test "t" {{ given alice {CONTEXT} expect deny read on parcel  expect allow read on parcel'
            "  expect require_approval read on parcel }"
        )
    )
    assert [one.passed for one in result.outcomes] == [False, True, False]
    assert len(result.failures) == 2


def test_fixtures_are_shared_by_the_files_of_a_program() -> None:
    (result,) = run(shop('module other\ntest "t" { given alice  expect allow read on parcel because shop.reads }'))
    assert result.passed
    assert (result.test.file, result.test.line) == ("file1.kyn", 2)


APPROVED = """
module m
role support
role lead
subject User { tenant: String }
resource Order { tenant: String }
action refund on Order (amount: Decimal)
permit refunds {
  subject User with role support action refund resource Order scope subject.tenant == resource.tenant
}
require approval large {
  subject any action refund resource Order when args.amount > 50.00
  from User with role lead where approver.tenant == resource.tenant
  quorum 2
}
fixture ann = User::"ann" with role support { tenant: "a" }
fixture lea = User::"lea" with role lead { tenant: "a" }
fixture leo = User::"leo" with role lead { tenant: "a" }
fixture order = Order::"o" { tenant: "a" }
test "t" {
  given ann
  given context { now: 2026-11-22T10:00:00Z }
  %s
}
"""


@pytest.mark.parametrize(
    ("lines", "passes"),
    [
        ("expect require_approval refund(amount: 80.00) on order because large", True),
        ("given approval by lea and leo expect allow refund(amount: 80.00) on order because large, refunds", True),
        ("given approval by lea expect allow refund(amount: 80.00) on order", False),
        ("given approval by lea expect require_approval refund(amount: 80.00) on order because large", True),
        ("given approval by lea and lea expect allow refund(amount: 80.00) on order", False),
        ("given approval by lea and ann expect allow refund(amount: 80.00) on order", False),
        ('given approval by lea and leo { tenant: "b" } expect allow refund(amount: 80.00) on order', False),
        ("given approval by lea and leo expect allow refund(amount: 10.00) on order because refunds", True),
        ('given approval by lea and leo expect deny refund(amount: 80.00) on order { tenant: "b" }', True),
        # a later line takes the place of an earlier one
        ("given approval by lea and leo given approval by lea expect allow refund(amount: 80.00) on order", False),
        ("given approval by lea and leo expect allow refund(amount: 80.00) on order because nothing", None),
    ],
)
def test_who_approves_can_be_tested(lines: str, passes: bool | None) -> None:
    if passes is None:
        with pytest.raises(AssertionError, match="no rule `nothing`"):
            policies_of(APPROVED % lines)
        return
    policies = policies_of(APPROVED % lines)
    (result,) = (run_test(policies, test) for test in cases.tests_of(policies.program))
    assert result.passed is passes


def test_an_approval_needs_the_time() -> None:
    text = APPROVED.replace("given context { now: 2026-11-22T10:00:00Z }", "")
    policies = policies_of(text % "given approval by lea and leo expect allow refund(amount: 80.00) on order")
    (result,) = (run_test(policies, test) for test in cases.tests_of(policies.program))
    (outcome,) = result.outcomes
    assert not outcome.passed
    assert "without `context.now`" in outcome.decision.errors[0].message


def test_only_subjects_approve() -> None:
    with pytest.raises(AssertionError, match="is no subject"):
        policies_of(APPROVED % "given approval by order expect allow refund(amount: 80.00) on order")
