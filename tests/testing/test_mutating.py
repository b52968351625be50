"""Changes to a policy: what is changed, what notices it, and the tests that are suggested."""

from __future__ import annotations

import pytest

from kynara_lang.diagnostics.diagnostic import Edit
from kynara_lang.diagnostics.source import Span
from kynara_lang.proofs import solver_installed
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.testing import coverage, mutants, mutating, settling, writing
from kynara_lang.testing.running import run_test
from tests.testing.programs import asked, cases, policies_of, shop

DECLARED = """\
role support
role lead extends support
subject Team in Team
subject User in Team { tenant: String }
subject Bot { tenant: String }
resource Order { tenant: String  total: Decimal  open: Bool }
action read, list on Order in look
action refund on Order (amount: Decimal)
context { now: Time }
"""


def changes(declaration: str) -> dict[str, str]:
    """Return the changes to the last declaration of a program: what they do, and its text afterwards."""
    program = policies_of(DECLARED + declaration).program
    found = [m for m in mutants.mutants(program) if m.decl is program.modules[0].declarations[-1]]
    assert len({(m.what, m.declaration()) for m in found}) == len(found)
    return {f"{m.what} @{m.span.text.split()[0]}": " ".join(m.declaration().split()) for m in found}


def test_clauses_are_dropped_and_the_permit_is_unbounded() -> None:
    found = changes(
        "permit p { subject User action read resource Order scope subject.tenant == resource.tenant"
        " when resource.open unless resource.total > 1.00 valid until 2030-01-01 }"
    )
    whole = (
        "permit p { subject User action read resource Order scope subject.tenant == resource.tenant"
        " when resource.open unless resource.total > 1.00 valid until 2030-01-01 }"
    )

    def expect(what: str, old: str, new: str) -> None:
        assert found.pop(what) == " ".join(whole.replace(old, new).split())

    expect("the rule is dropped @p", whole, "")
    expect("nothing bounds the permit @scope", "scope subject.tenant == resource.tenant", 'scope any "mutant"')
    expect("the `when` is dropped @when", "when resource.open", "")
    expect("the `unless` is dropped @unless", "unless resource.total > 1.00", "")
    expect("the `valid` is dropped @valid", "valid until 2030-01-01", "")
    expect("every type is meant @User", "subject User", "subject any")
    expect("every type is meant @Order", "resource Order", "resource any")
    expect("all of `look` are meant @read", "action read", "action look")
    expect("every action is meant @read", "action read", "action any")
    expect("`==` becomes `!=` @subject.tenant", "==", "!=")
    expect("`>` becomes `>=` @resource.total", ">", ">=")
    assert found == {}


def test_patterns_ask_for_less() -> None:
    found = changes(
        'forbid f { subject User in Team::"t" with role support or lead, Bot, User::"u" action read, list resource any }'
    )
    patterns = {what: text.partition("subject ")[2].partition(" action")[0] for what, text in found.items()}
    two = 'Bot, User::"u"'
    assert patterns["no role is asked for @User"] == f'User in Team::"t", {two}'
    assert patterns["the role `support` is left out @User"] == f'User in Team::"t" with role lead, {two}'
    assert patterns["the role `lead` is left out @User"] == f'User in Team::"t" with role support, {two}'
    assert patterns["no group is asked for @User"] == f"User with role support or lead, {two}"
    assert patterns['every User is meant @User::"u"'] == 'User in Team::"t" with role support or lead, Bot, User'
    assert patterns["every type is meant @Bot"] == 'User in Team::"t" with role support or lead, any, User::"u"'
    assert patterns["`Bot` is left out @Bot"] == 'User in Team::"t" with role support or lead, User::"u"'
    (first,) = (
        text for what, text in patterns.items() if what.startswith("`User in") and what.endswith("left out @User")
    )
    assert first == two
    assert "action list resource any" in found["`read` is left out @read"]
    assert "action read resource any" in found["`list` is left out @list"]
    assert not any("@any" in what for what in found)


def test_conditions_are_turned_and_their_parts_left_out() -> None:
    """Comments and parentheses between operands are no operators."""
    found = changes('let f(o: Order, u: User) = (o.total) # a < b and c\n < 5.00 and (o.open or not (u in Team::"t"))')
    texts = {what: text.partition(" = ")[2] for what, text in found.items()}
    body = '(o.total) # a < b and c < 5.00 and (o.open or not (u in Team::"t"))'

    def expect(what: str, *edits: tuple[str, str]) -> None:
        changed = body
        for old, new in edits:
            changed = changed.replace(old, new)
        assert texts.pop(next(w for w in texts if w.startswith(what))) == " ".join(changed.split())

    expect("`<` becomes `<=`", ("c < 5", "c <= 5"))
    expect("`and` becomes `or`", ("5.00 and", "5.00 or"))
    expect("`or` becomes `and`", ("open or", "open and"))
    expect("`o.open` is no way", ("o.open", "false"))
    expect("`o.open or not", ('o.open or not (u in Team::"t")', "true"))
    expect("the `not` is dropped", ("or not (", "or ("))
    expect("`in` becomes `not in`", ("u in", "u not in"))
    assert (
        sum(what.endswith(" is not asked @o.total)") or "no way any more" in what for what in texts) == len(texts) - 1
    )


def test_the_first_change_of_every_declaration_comes_first() -> None:
    program = shop("").program
    found = mutants.mutants(program)
    rules = [r.decl for r in program.rules]
    assert {m.decl for m in found[: len(rules)]} == set(rules)
    assert all(m.what == "the rule is dropped" for m in found[: len(rules)])


def test_what_no_test_can_tell_is_counted() -> None:
    assert mutants.beyond_tests(shop("").program) == 1


# --- trying them

TESTS = """
test "support refunds what it may" {
  given  alice
  given  context { now: 2026-11-22, ip: "10.1.2.3" }
  expect allow            refund(amount: 50.00) on parcel
  expect require_approval refund(amount: 80.00) on parcel
  expect deny             refund(amount: 80.01) on parcel
}
"""


def tried(policies: PolicySet, **given: object) -> mutating.Mutation:
    """Try all changes of a program."""
    expectations = asked(policies)
    return mutating.Laboratory(policies, expectations, **given).run(seconds=60)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def mutation() -> mutating.Mutation:
    """What comes of the changes to the shop under some tests, without a solver."""
    return tried(shop(TESTS))


def fate(mutation: mutating.Mutation, rule: str, what: str) -> list[str]:
    return [t.fate for t in mutation.tried if t.mutant.decl.name.text == rule and t.mutant.what == what]


def test_tests_notice_what_they_are_about(mutation: mutating.Mutation) -> None:
    assert fate(mutation, "large", "`>` becomes `>=`") == ["noticed"]
    assert fate(mutation, "large", "the rule is dropped") == ["noticed"]
    assert fate(mutation, "refunds", "`<=` becomes `<`") == ["noticed"]
    assert fate(mutation, "refunds", "the `when` is dropped") == ["noticed"]


def test_what_tests_do_not_notice_survives(mutation: mutating.Mutation) -> None:
    assert fate(mutation, "reads", "the rule is dropped") == ["survived"]
    assert fate(mutation, "outside", "the rule is dropped") == ["survived"]
    assert fate(mutation, "refunds", "the `unless` is dropped") == ["survived"]
    assert fate(mutation, "refunds", "no role is asked for") == ["survived"]


def test_what_the_checker_refuses_is_left_out(mutation: mutating.Mutation) -> None:
    """A Bot acts on `any`, but `subject.tenant` is not there for every type."""
    assert fate(mutation, "refunds", "every type is meant").count("refused") >= 1
    assert mutation.count("refused") + mutation.count("noticed") + mutation.count("survived") + mutation.count(
        "equivalent"
    ) == len(mutation.tried)


def test_the_same_program_is_no_survivor(mutation: mutating.Mutation) -> None:
    """There is one resource type with `refund`, but `any` covers more than `Order`: only what is equal is left out."""
    policies = policies_of(
        """
subject User
resource Door
action open on Door
permit p { subject User action any resource Door scope any "x" }
test "t" { given User::"u"  expect allow open on Door::"d" }
"""
    )
    found = tried(policies)
    assert [t.mutant.what for t in found.tried if t.fate == "survived"] == []
    assert found.count("noticed") == 1


@pytest.mark.parametrize(
    ("rule", "old", "new", "same"),
    [
        ("subject User action ring, clean resource House", "ring, clean", "any", True),
        ("subject User with role r, User action open resource Door", " with role r, User", "", True),
        ('subject User action open resource Door in House::"h", Door', ' in House::"h", Door', "", True),
        ("subject User action open resource Door", "open", "any", False),
        ("subject User with role r action open resource Door", " with role r", "", False),
        ('subject User action open resource Door in House::"h"', ' in House::"h"', "", False),
        ("subject User action ring resource any", "ring", "any", False),
    ],
)
def test_patterns_that_cover_the_same_are_no_change(rule: str, old: str, new: str, same: bool) -> None:
    before = policies_of(
        "role r\nsubject User\nresource House\nresource Door in House\naction open on Door\n"
        f'action ring on Door, House\naction clean on House\npermit p {{ {rule} scope any "x" }}'
    ).program
    (decl,) = (m.decl for m in before.rules)
    start = decl.span.start + decl.span.text.index(old)
    edit = Edit(Span(decl.span.source, start, start + len(old)), new)
    mutant = mutants.Mutant("a change", edit.span, (edit,), decl)
    after = mutating.changed_program(mutant, *mutating.parts_of(before))
    assert after is not None
    assert mutating.same_cover(mutant, before, after) is same


def test_a_test_that_would_notice_is_found_for_the_survivors_of_the_shop(mutation: mutating.Mutation) -> None:
    """Each is pasted into the program: it passes there, and alone notices the change."""
    writer = writing.TestWriter(shop(TESTS).program)
    shown = [(one.mutant, one.difference) for one in mutation.survivors if one.difference is not None]
    assert len(shown) >= len(mutation.survivors) - 2
    for mutant, (request, decided, otherwise) in shown:
        assert decided != otherwise
        pasted = shop(TESTS + writer.test("suggested", request, decided))
        added = cases.tests_of(pasted.program)[-1]
        assert run_test(pasted, added).passed
        (same,) = [
            m
            for m in mutants.mutants(pasted.program)
            if (m.what, m.span.start, m.decl.name.text) == (mutant.what, mutant.span.start, mutant.decl.name.text)
        ]
        changed = mutating.changed_program(same, *mutating.parts_of(pasted.program))
        assert changed is not None
        assert not run_test(PolicySet(changed), added).passed, mutant.what


@pytest.mark.skipif(not solver_installed(), reason="the extra `prove` is not installed")
def test_the_solver_settles_what_no_request_shows() -> None:
    """Nothing crosses tenants anyway: the scope of the permit can go, and the solver knows."""
    policies = policies_of(
        """
import std.tenancy (Tenanted, same_tenant)
subject User is Tenanted
resource Door is Tenanted
action open on Door
permit p { subject User action open resource Door scope same_tenant(subject, resource) }
test "t" { given User::"u" { tenant: "a" }  expect allow open on Door::"d" { tenant: "a" } }
"""
    )
    (without,) = [t for t in tried(policies).tried if t.mutant.what == "nothing bounds the permit"]
    (with_it,) = [
        t for t in tried(policies, settle=settling.settled).tried if t.mutant.what == "nothing bounds the permit"
    ]
    assert (without.fate, without.difference) == ("survived", None)
    assert with_it.fate == "equivalent"


@pytest.mark.skipif(not solver_installed(), reason="the extra `prove` is not installed")
def test_the_solver_finds_requests_too() -> None:
    one = policies_of(
        "subject U { n: Int }\nresource D\naction o on D\npermit p { subject U action o resource D scope subject.n > 4711 }"
    )
    two = policies_of(
        "subject U { n: Int }\nresource D\naction o on D\npermit p { subject U action o resource D scope subject.n > 4712 }"
    )
    found = settling.settled(one, two)
    assert not found.same
    assert found.request is not None
    assert found.request["subject"]["properties"] == {"n": 4712}


def test_time_is_bounded_and_the_rest_is_counted() -> None:
    policies = shop(TESTS)
    found = mutating.Laboratory(policies, asked(policies)).run(seconds=0)
    assert found.tried == ()
    assert found.left == len(mutants.mutants(policies.program))
    assert found.score == 100


def test_the_score_is_the_share_that_is_noticed(mutation: mutating.Mutation) -> None:
    noticed, survived = mutation.count("noticed"), mutation.count("survived")
    assert mutation.score == pytest.approx(100 * noticed / (noticed + survived))
    assert [t.mutant.span.start for t in mutation.survivors] == sorted(t.mutant.span.start for t in mutation.survivors)


def test_a_mutant_of_a_let_is_tried_in_all_rules() -> None:
    policies = policies_of(
        """
subject User { n: Int }
resource Door
action open on Door
let big(u: User) = u.n > 5
permit p { subject User action open resource Door scope big(subject) }
test "t" { given User::"u" { n: 6 }  expect allow open on Door::"d"
           given User::"u" { n: 5 }  expect deny open on Door::"d" }
"""
    )
    found = [t for t in tried(policies).tried if t.mutant.what == "`>` becomes `>=`"]
    assert [t.fate for t in found] == ["noticed"]


def test_gathering_says_which_rules_a_request_matches() -> None:
    policies = shop(TESTS)
    gathering = coverage.Gathering(policies)
    first, second, third = asked(policies)
    for case in (first, second, third):
        gathering.add(case)
    assert gathering.matched_by[second] == {"shop.refunds", "shop.large"}
    assert gathering.matched_by[third] == {"shop.large"}
