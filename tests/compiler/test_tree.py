"""Decision trees: what they switch on, and what they must not skip."""

from __future__ import annotations

import pytest

from kynara_lang.compiler import ir, tree
from kynara_lang.semantics.entity import Entity
from tests.runtime.programs import program


def bucket(text: str) -> ir.Bucket:
    built = program(text).program
    return tree.bucket(built, built.rules, "read", "User", "Doc", lambda t, i: Entity(t, i))


def rules(head: str, *clauses: str, count: int = 20, subject: str = "User") -> str:
    return "".join(
        f"{head}{i} {{ subject {subject} action read resource Doc {' '.join(clauses).replace('#', str(i))} }}\n"
        for i in range(count)
    )


def test_few_rules_are_a_sequence() -> None:
    assert all(isinstance(n, ir.Test) for n in bucket(rules("permit p", 'scope any "t"', count=8)).permits)


def test_many_permits_that_differ_by_a_constant_become_a_switch() -> None:
    (node,) = bucket(rules("permit p", 'scope resource.kind == "k#"', "when subject.level > 1")).permits
    assert isinstance(node, ir.Switch)
    assert node.label == "resource.kind"
    assert sorted(node.cases) == sorted(f"k{i}" for i in range(20))
    assert all(len(case) == 1 for case in node.cases.values())


def test_roles_become_a_switch_over_what_the_subject_holds() -> None:
    text = "".join(f"role r{i}\n" for i in range(20)) + "".join(
        f'permit p{i} {{ subject User with role r{i} action read resource Doc scope any "t" }}\n' for i in range(20)
    )
    (node,) = bucket(text).permits
    assert isinstance(node, ir.Switch)
    assert node.several


def test_groups_become_a_switch_over_what_the_subject_is_in() -> None:
    text = "".join(rules(f"permit p{i}", 'scope any "t"', count=1, subject=f'User in Team::"t{i}"') for i in range(20))
    (node,) = bucket(text).permits
    assert isinstance(node, ir.Switch)
    assert (node.label, node.several) == ("subject.ancestors", True)


def test_directories_become_a_switch_where_there_are_many() -> None:
    base = "subject User\nresource Doc { path: Path }\naction read on Doc\n"

    def tree_of(count: int) -> ir.Tree:
        built = program(rules("permit p", 'scope resource.path within "/srv/#"', count=count), base=base).program
        return tree.bucket(built, built.rules, "read", "User", "Doc", lambda t, i: Entity(t, i)).permits

    (node,) = tree_of(30)
    assert isinstance(node, ir.Switch)
    assert node.label == "resource.path.within"
    assert all(isinstance(n, ir.Test) for n in tree_of(20))


@pytest.mark.parametrize("head", ["permit p", "forbid f"])
def test_an_optional_attribute_can_be_switched_on(head: str) -> None:
    scope = 'scope any "t"' if head == "permit p" else ""
    found = bucket(rules(head, scope, 'when subject has nick and subject.nick == "n#"'))
    (node,) = found.permits or found.forbids
    assert isinstance(node, ir.Switch)
    assert node.label == "subject.nick"


RANGES = [
    ("when resource.size >= {i}0 and resource.size < {i}5", "resource.size.range"),
    ("when {i} <= resource.size unless resource.size > {i}5", "resource.size.range"),
    ("when resource.size <= {i}", "resource.size.range"),
    ("when resource.price > {i}.50", "resource.price.range"),
    ('when context has ip and context.ip within "10.{i}.0.0/16"', "context.ip.range"),
    ('when context has ip and context.ip within {{"10.{i}.0.0/16", "::{i}/128"}}', "context.ip.range"),
    ('when context.now.hour("Europe/Berlin") >= {i}', "context.now.hour(Europe/Berlin).range"),
    ("valid from 2026-01-{i:02}", "context.now.range"),
    ('when subject.tenant.lower() == "t{i}"', "subject.tenant.lower"),
]


@pytest.mark.parametrize("effect", ["permits", "forbids"])
@pytest.mark.parametrize(("clause", "label"), RANGES)
def test_ranges_become_a_switch_where_there_are_many(effect: str, clause: str, label: str) -> None:
    def tree_of(count: int) -> ir.Tree:
        scope = 'scope any "t"' if effect == "permits" else ""
        text = "".join(
            f"{effect[:-1]} p{i} {{ subject User action read resource Doc {scope} {clause.format(i=i)} }}\n"
            for i in range(1, count + 1)
        )
        found: ir.Tree = getattr(bucket(text), effect)
        return found

    (node,) = tree_of(17)
    assert isinstance(node, ir.Switch)
    assert node.label == label
    assert (node.cover is not None) == label.endswith("range")
    assert all(isinstance(n, ir.Test) for n in tree_of(8))


def test_ranges_that_all_overlap_are_few_cases_each() -> None:
    (node,) = bucket(rules("permit p", "scope resource.size <= #", count=200)).permits
    assert isinstance(node, ir.Switch)
    assert node.cover is not None
    assert sum(map(len, node.cases.values())) < 200 * 8
    assert max(map(len, node.cover.keys)) <= 8


def test_a_range_beside_a_better_constant_is_left_alone() -> None:
    (node,) = bucket(rules("permit p", 'scope resource.size <= # and resource.kind == "k#"', count=200)).permits
    assert isinstance(node, ir.Switch)
    assert node.label == "resource.kind"


def test_what_is_only_as_certain_as_the_value_that_is_switched_on_may_stand_behind_it() -> None:
    """All comparisons of an hour fail together; what is behind them is not reached where they do."""
    hours = 'when context.now.hour("UTC") >= # and context.now.hour("UTC") < 23 and resource.kind == "k"'
    (node,) = bucket(rules("forbid f", hours)).forbids
    assert isinstance(node, ir.Switch)
    assert node.label == "context.now.hour(UTC).range"
    other = 'when context.now.hour("Europe/Berlin") >= 1 and resource.size >= #'
    assert all(isinstance(n, ir.Test) for n in bucket(rules("forbid f", other)).forbids)


def test_what_a_predicate_asks_for_tells_rules_apart_too() -> None:
    lets = "".join(f'let p{i}(d: Doc) = d.kind == "k{i}" and d.size > 1\n' for i in range(20))
    (node,) = bucket(lets + rules("permit q", "scope p#(resource) and resource.tenant == subject.tenant")).permits
    assert isinstance(node, ir.Switch)
    assert node.label == "resource.kind"
    left = [guard.condition for case in node.cases.values() for test in case for guard in test.guards]
    assert all(isinstance(c, ir.And) and len(c.operands) == 2 for c in left)


def test_a_forbid_is_not_skipped_by_what_stands_behind_something_that_can_fail() -> None:
    risky = rules("forbid f", "when resource.size + 1 > 0", 'when resource.kind == "k#"')
    assert all(isinstance(n, ir.Test) for n in bucket(risky).forbids)
    safe = rules("forbid f", 'when resource.kind == "k#"', "when resource.size + 1 > 0")
    assert isinstance(bucket(safe).forbids[0], ir.Switch)


def test_types_decide_is_and_has() -> None:
    text = """
permit a { subject any action read resource Doc scope subject is User and subject.level > 1 }
permit b { subject any action read resource Doc scope not (subject is Agent and subject.trust == "low") }
permit c { subject Agent action read resource Doc scope any "t" }
"""
    found = {t.rule.decl.name.text: t.guards for t in bucket(text).tests}
    assert found.keys() == {"a", "b"}
    assert isinstance(found["a"][0].condition, ir.Apply)
    assert found["b"][0].condition is ir.TRUE


def test_needs_are_what_the_fitting_rules_read() -> None:
    text = """
permit a { subject User action read resource Doc scope subject.level > 1 and resource.kind == "x" }
permit b { subject User action write resource Doc scope resource.size > 1 }
forbid c { subject User action read resource Doc when delegator is Agent and delegator.trust == "low" }
"""
    needs = bucket(text).needs
    assert needs.of("subject") == {"level"}
    assert needs.of("resource") == {"kind"}
    assert needs.of_other("delegator", "Agent") == {"trust"}
    assert needs.of_other("delegator", "User") == frozenset()
