"""Which rules and clauses tests reach, and what is said of those they do not."""

from __future__ import annotations

import pytest

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Severity
from kynara_lang.diagnostics.render_text import render_full
from kynara_lang.testing import coverage
from tests.testing.programs import asked, policies_of, shop

CONTEXT = 'given context { now: 2026-11-22, ip: "10.1.2.3" }'


def covered(tests: str) -> coverage.Coverage:
    """Return what tests cover of the shop."""
    policies = shop(tests)
    return coverage.coverage_of(policies, asked(policies))


def rule(found: coverage.Coverage, name: str) -> coverage.RuleCoverage:
    """Return the coverage of one rule."""
    (one,) = [r for file in found.files for r in file.rules if r.rule.decl.name.text == name]
    return one


def lacks(found: coverage.Coverage, name: str) -> list[str | None]:
    """Return what a rule and its clauses lack."""
    one = rule(found, name)
    return [one.lacks, *(clause.lacks for clause in one.clauses)]


def test_without_tests_nothing_is_covered() -> None:
    found = covered("")
    assert (found.rule_count, found.clause_count) == (coverage.Count(0, 4), coverage.Count(0, 6))
    assert found.count.percent == 0
    assert lacks(found, "refunds") == ["never asked", *["never evaluated"] * 3]


def test_clauses_count_as_evaluation_reaches_them() -> None:
    """The role keeps Bob out before any clause is evaluated."""
    found = covered(f'test "t" {{ given bob {CONTEXT} expect deny refund(amount: 1.00) on parcel }}')
    assert lacks(found, "refunds") == ["never matches", *["never evaluated"] * 3]
    assert lacks(found, "large") == ["never matches", "never true"]
    assert lacks(found, "outside") == ["never asked", "never evaluated"]


def test_an_unless_is_told_by_what_stands_in_it() -> None:
    one = f"given alice {CONTEXT} expect allow refund(amount: 1.00) on parcel"
    two = 'expect deny refund(amount: 1.00) on parcel { status: "open" }'
    three = "expect deny refund(amount: 99.00) on parcel"
    assert lacks(covered(f'test "t" {{ {one} }}'), "refunds") == [None, "never false", "never false", "never true"]
    assert lacks(covered(f'test "t" {{ {one} {three} }}'), "refunds") == [None, "never false", None, "never true"]
    assert lacks(covered(f'test "t" {{ {one} {two} }}'), "refunds") == [None, "never false", "never false", None]


def test_every_link_counts() -> None:
    found = covered(
        f'test "t" {{ given bot on behalf of alice {CONTEXT} expect allow refund(amount: 1.00) on parcel }}'
    )
    assert rule(found, "refunds").matched
    assert lacks(found, "outside") == ["never matches", "never false"]


def test_all_of_it_can_be_covered() -> None:
    found = covered(
        f"""
test "t" {{
  given bot on behalf of alice
  {CONTEXT}
  expect allow            refund(amount: 1.00) on parcel
  expect require_approval refund(amount: 51.00) on parcel
  expect deny             refund(amount: 99.00) on parcel
  expect deny             refund(amount: 1.00) on parcel {{ status: "open" }}
  expect deny             refund(amount: 1.00) on parcel {{ tenant: "globex" }}
  expect deny             read on parcel {{ tenant: "globex" }}
  expect allow            read on parcel
  given context {{ ip: "192.168.0.1" }}
  expect deny             refund(amount: 1.00) on parcel
}}
"""
    )
    assert found.count == coverage.Count(10, 10)
    assert found.count.percent == 100
    assert coverage.untested_rules(found) == ()


def test_an_error_is_neither_way() -> None:
    text = """
subject User { n: Int }
resource Door
action open on Door
permit p { subject User action open resource Door scope subject.n * 9223372036854775807 > 0 }
forbid f { subject User action open resource Door when subject.n * 9223372036854775807 > 0 }
test "t" { given User::"a" { n: 2 }  expect deny open on Door::"d" }
"""
    policies = policies_of(text)
    found = coverage.coverage_of(policies, asked(policies))
    assert lacks(found, "p") == ["never matches", "never evaluated"]
    assert lacks(found, "f") == ["never matches", "never evaluated"]


def test_rules_of_libraries_and_unscoped_permits_have_nothing_to_cover() -> None:
    text = """
import std.tenancy (Tenanted)
subject User is Tenanted
resource Door is Tenanted
action open on Door
permit p { subject User action open resource Door scope any "x" }
test "t" { given User::"a" { tenant: "x" }  expect deny open on Door::"d" { tenant: "y" } }
"""
    policies = policies_of(text)
    found = coverage.coverage_of(policies, asked(policies))
    assert [r.rule.name for file in found.files for r in file.rules] == ["file.p"]
    assert found.count == coverage.Count(1, 1)


def test_an_invalid_request_covers_nothing() -> None:
    assert covered('test "t" { given alice  expect deny read on Order::"o-2" }').count.covered == 0


@pytest.mark.parametrize(
    ("test", "notes", "labels"),
    [
        ("", "no test asks for one of its actions with types that fit", 1),
        (
            f'test "t" {{ given bob {CONTEXT} expect deny refund(amount: 1.00) on parcel }}',
            "tests come as far as its patterns, and never beyond",
            1,
        ),
        (
            f'test "t" {{ given alice {CONTEXT} expect deny refund(amount: 99.00) on parcel }}',
            "tests come as far as its `when`, and never beyond",
            2,
        ),
    ],
)
def test_a_finding_says_how_far_tests_come(test: str, notes: str, labels: int) -> None:
    found = [d for d in coverage.untested_rules(covered(test)) if "`refunds`" in d.message]
    (finding,) = found
    assert (finding.code, finding.severity) == ("KYN902", Severity.WARNING)
    assert finding.message == "no test makes the permit `refunds` match"
    assert finding.notes == (notes,)
    assert len(finding.labels) == labels


def test_a_finding_as_people_see_it() -> None:
    found = covered(f'test "t" {{ given alice {CONTEXT} expect deny refund(amount: 99.00) on parcel }}')
    (finding,) = [d for d in coverage.untested_rules(found) if "`refunds`" in d.message]
    assert (
        render_full([finding]).plain
        == """\
warning[KYN902] untested-rule: no test makes the permit `refunds` match
  --> file.kyn:38:8
   |
38 | permit refunds "Support refunds" {
   |        ^^^^^^^ untested
...
43 |   when     args.amount <= resource.total
   |   -------------------------------------- holds in no test
   |
   = note: tests come as far as its `when`, and never beyond
   = help: add an `expect` that names it behind `because`; `kynara test --mutate` suggests some"""
    )


def test_comments_and_settings_silence_findings() -> None:
    text = """
subject User
resource Door
action open, shut on Door
# kynara: ignore[KYN902] reason="only in an emergency"
permit p { subject User action open resource Door scope any "x" }
permit q { subject User action shut resource Door scope any "x" }
"""
    policies = policies_of(text)
    found = coverage.coverage_of(policies, ())

    def told(settings: LintSettings) -> list[tuple[str, Severity]]:
        return [(d.span.text, d.severity) for d in coverage.heeded_findings(policies.program, found, settings)]

    assert told(LintSettings()) == [("q", Severity.WARNING)]
    assert told(LintSettings(severities={"KYN9": Severity.NOTE})) == [("q", Severity.NOTE)]
    assert told(LintSettings(ignore=("KYN902",))) == []
    assert told(LintSettings(select=("KYN3",))) == []
