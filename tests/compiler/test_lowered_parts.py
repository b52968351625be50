"""What types decide away reads nothing, what may be absent is asked for first, and what no switch can hold stays a test."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.compiler.intervals import union
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

BASE = """
subject User { n: Int, note: String?, at: IP? }
subject Agent { trust: Int }
subject Boss { at: IP }
resource Doc { n: Int, kind: String, note: String? }
action read on Doc (x: Int)
action write on Doc (x: Int?)
permit p { subject any action any resource any scope any "t" }
"""


def decided(policies: PolicySet, who: dict[str, Any], of: dict[str, Any], **changes: Any) -> Decision:
    return policies.decide(
        {
            "subject": {"type": "User", "id": "u", "properties": who},
            "action": {"name": "read", "properties": {"x": 3}},
            "resource": {"type": "Doc", "id": "d", "properties": of},
            **changes,
        }
    )


@pytest.mark.parametrize("before", ["", 'when resource.kind == "k"\n', 'when resource.kind == "k" when 1 == 1\n'])
def test_behind_what_the_types_decide_away_nothing_is_needed(before: str) -> None:
    policies = program(
        f"forbid f {{ subject any action read resource Doc\n{before}when subject is Agent\nwhen resource.n > 1 }}", base=BASE
    )
    assert decided(policies, {}, {"kind": "k"}).allowed
    agent = {"type": "Agent", "id": "a", "properties": {}}
    assert decided(policies, {}, {"kind": "k", "n": 3}, subject=agent).rules == ("f1.f",)


def test_what_is_required_is_needed_by_whoever_asks_whether_it_is_there() -> None:
    policies = program("forbid f { subject any action read resource Doc when subject has n }", base=BASE)
    (error,) = decided(policies, {}, {}).errors
    assert (error.code, error.path) == ("missing-attribute", "subject.properties.n")
    assert decided(policies, {"n": 1}, {}).rules == ("f1.f",)
    agent = {"type": "Agent", "id": "a", "properties": {}}
    assert decided(policies, {}, {}, subject=agent).allowed


@pytest.mark.parametrize("of", ["subject.note", "resource.note"])
def test_a_switch_on_what_may_be_absent_asks_whether_it_is_there(of: str) -> None:
    """Without that the code would raise for every such request, and each rule be evaluated by itself."""
    root, _, _ = of.partition(".")
    rules = "".join(
        f'forbid f{i:02} {{ subject User action read resource Doc when {root} has note and {of} == "{i}" }}\n' for i in range(30)
    )
    policies = program(rules, base=BASE)
    bucket = policies._engine.bucket("read", "User", "Doc")
    request = policies._prepare({
        "subject": {"type": "User", "id": "u"}, "action": {"name": "read", "properties": {"x": 1}},
        "resource": {"type": "Doc", "id": "d"}, "context": {},
    })  # fmt: skip
    (view,) = policies._engine.views(request.request, request.buckets, 0)
    assert bucket.decide(bucket.values(*view)).effect.value == "allow"
    for i in (0, 7, 29):
        given = {"note": str(i)}
        assert decided(policies, given, given).rules == (f"f1.f{i:02}",)


def test_a_range_between_constants_is_written_as_one_comparison() -> None:
    policies = program('forbid f { subject User action read resource Doc when subject has at and subject.at within "10.0.0.0/8" }', base=BASE)
    held = [cell.cell_contents for cell in policies._engine.bucket("read", "User", "Doc").decide.__closure__ or ()]
    assert [n & 0xFFFFFFFF for n in held if isinstance(n, int)] == [10 << 24, (11 << 24) - 1]
    assert not any(isinstance(n, tuple) for n in held)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("any x in {1, 5}: args.x >= x", True),
        ("any x in {4, 5}: args.x >= x", False),
        ('delegator is Boss and delegator.at within {"10.0.0.0/8", "11.0.0.0/8"}', True),
        ('delegator is Boss and delegator.at within {"12.0.0.0/8", "13.0.0.0/8"}', False),
    ],
)
def test_among_many_rules_what_no_switch_can_hold_is_tested(condition: str, holds: bool) -> None:
    rules = "".join(f"forbid f{i:02} {{ subject User action read resource Doc when resource.n == {i} }}\n" for i in range(30))
    policies = program(rules + f"forbid g {{ subject User action read resource Doc when {condition} }}", base=BASE)
    boss = {"type": "Boss", "id": "b", "properties": {"at": "11.1.1.1"}}
    found = decided(policies, {}, {"n": 99}, subject={"type": "User", "id": "u", "on_behalf_of": boss})
    assert found.rules == (("f1.g",) if holds else ("f0.p",))


def test_ranges_that_were_joined_do_not_overlap() -> None:
    assert union([(1, 2), (5, 9), (6, 7)]) == {(1, 2), (5, 9)}
    assert union([(1, 2), (5, 9), (6, 12), (20, 21)]) == {(1, 2), (5, 12), (20, 21)}


FAILING = ["subject.boss.n > 1", "not (subject.boss.n > 1)", "subject.boss.n > 1 and subject.n > 1", "any b in subject.friends: b.n > 1",
           "subject.n + 1 > 2", "any b in {subject.boss}: b has note"]  # fmt: skip
CERTAIN = ["subject.n > 1", "not (subject.n > 1)", "subject.n > 1 or subject holds r", "any t in subject.tags: t == \"x\"", "delegated"]


@pytest.mark.parametrize(("condition", "fails"), [*((c, True) for c in FAILING), *((c, False) for c in CERTAIN)])
def test_what_can_be_an_error_is_known_through_every_form(condition: str, fails: bool) -> None:
    base = """
    subject User { n: Int, note: String?, boss: User, friends: Set<User>, tags: Set<String> }
    resource Doc
    action read on Doc
    role r
    """
    policies = program(f"forbid f {{ subject any action read resource Doc when {condition} }}", base=base)
    (test,) = policies._engine.bucket("read", "User", "Doc").bucket.tests
    assert any(guard.condition.fails for guard in test.guards) is fails
