"""How trees are arranged: how deep switches stand in each other, in which order tests are made, and what nodes are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kynara_lang.compiler import fused, ir
from kynara_lang.compiler.inspection import depth_of
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

NAMES = "abcdefghijkl"
BASE = f"""
subject Team
subject User in Team {{ s: String, n: Int, yes: Bool, nums: Set<Int> }}
resource Doc {{ s: String, n: Int, {", ".join(f"{name}: String" for name in NAMES)} }}
action read on Doc
role r
"""


def forbids(*conditions: str) -> PolicySet:
    rules = (f"forbid f{i:03} {{ subject User action read resource Doc when {c} }}\n" for i, c in enumerate(conditions))
    return program("".join(rules), base=BASE)


def tree_of(policies: PolicySet) -> ir.Tree:
    return policies._engine.bucket("read", "User", "Doc").bucket.forbids


def denied(policies: PolicySet, **attributes: str) -> tuple[str, ...]:
    request = {
        "subject": {"type": "User", "id": "u", "properties": {"s": "s", "n": 1, "yes": True, "nums": [1]}},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d", "properties": {"s": "s", "n": 1, **dict.fromkeys(NAMES, "x"), **attributes}},
        "context": {"now": "2026-01-02T00:00:00Z"},
    }
    return policies.decide(request).rules


def test_switches_stand_eight_deep_in_each_other_and_no_deeper() -> None:
    """Each rule wants one other attribute to be "y", so each switch leaves one rule fewer, and the last many."""
    wanted = ["y" if at == rule else "x" for rule in range(24) for at in range(len(NAMES))]
    conditions = [
        " and ".join(f'resource.{name} == "{wanted[rule * len(NAMES) + at]}"' for at, name in enumerate(NAMES))
        for rule in range(24)
    ]
    policies = forbids(*conditions)
    assert depth_of(tree_of(policies)) == 8
    for rule, name in enumerate(NAMES):
        assert denied(policies, **{name: "y"}) == (f"f1.f{rule:03}",)
    assert denied(policies, a="y", b="y") == ()


def test_switches_stand_eight_behind_each_other_and_no_more() -> None:
    conditions = [f'resource.{name} == "k{i}" and resource.n != {i}' for name in NAMES[:10] for i in range(9)]
    policies = forbids(*conditions)
    tree = tree_of(policies)
    assert [type(node) for node in tree] == [ir.Switch] * 8 + [ir.Test] * 18
    for at, name in enumerate(NAMES[:10]):
        assert denied(policies, **{name: "k0"}) == (f"f1.f{at * 9:03}",)
        assert denied(policies, **{name: "k1"}) == ()


ORDER = [
    'subject.s == "s"',
    "subject holds r",
    "subject.s == resource.s",
    "subject.n > 1",
    'subject in Team::"t"',
    "subject.n > 1 or subject.n > resource.n",
    'subject.s like "a*b"',
    "subject.n > 1 or subject.n > 2 or subject.n > 3",
    "any x in subject.nums: x > 1",
]


@pytest.mark.parametrize(("first", "second"), list(pairwise(ORDER)))
def test_a_cheap_test_is_made_before_a_dear_one(first: str, second: str) -> None:
    """Neighbours of a list that goes from cheap to dear; those that cost the same stay in the order of the rule."""

    def order(*clauses: str) -> list[str]:
        (test,) = tree_of(forbids(" and ".join(f"({clause})" for clause in clauses)))
        assert isinstance(test, ir.Test)
        conjuncts = ir.conjuncts(test.guards[0].condition)
        by_node = {id(node): clause for node, clause in zip(conjuncts, clauses, strict=True)}
        return [by_node[id(node)] for node in fused._cheap_first(list(conjuncts))]

    assert order(first, second) == [first, second]
    alike = (first, second) in {(ORDER[0], ORDER[1])}
    assert order(second, first) == ([second, first] if alike else [first, second])


def test_nodes_that_say_the_same_are_two_nodes() -> None:
    """A condition is found again by what it is and not by what it says: the same words stand in several clauses."""
    read = ir.Read("subject", "n")
    for node, twin in (
        (ir.Const(1), ir.Const(1)),
        (ir.Root("subject"), ir.Root("subject")),
        (ir.Local("v1"), ir.Local("v1")),
        (read, ir.Read("subject", "n")),
        (ir.Present("subject", "n"), ir.Present("subject", "n")),
        (ir.Apply("{0}", (read,)), ir.Apply("{0}", (read,))),
        (ir.Not(read), ir.Not(read)),
        (ir.And((read,)), ir.And((read,))),
        (ir.Or((read,)), ir.Or((read,))),
        (ir.Collect("set", (read,)), ir.Collect("set", (read,))),
        (ir.Each("any", "v1", read, read), ir.Each("any", "v1", read, read)),
        (ir.Needs({}, frozenset()), ir.Needs({}, frozenset())),
        (ir.Switch(read, False, {}, "l"), ir.Switch(read, False, {}, "l")),
    ):
        assert node == node
        assert node != twin
        assert len({node, twin}) == 2


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_of_values_that_tell_rules_apart_alike_the_first_by_name_is_taken(order: str) -> None:
    """A tree depends on what is asked and not on the order in which it is written down."""
    conditions = [" and ".join(f'resource.{name} == "k{i}"' for name in order) for i in range(12)]
    policies = forbids(*conditions)
    (node,) = tree_of(policies)
    assert isinstance(node, ir.Switch)
    assert node.label == "resource.a"
    assert denied(policies, a="k3", b="k3", c="k3") == ("f1.f003",)
    assert denied(policies, a="k3", b="k3", c="k4") == ()


def test_one_value_is_preferred_to_roles_of_which_a_request_has_many() -> None:
    """One rule more that asks for a role must not make every rule that asks for a role count at once."""
    head = "subject User\nresource Doc { code: String }\naction read on Doc\n" + "".join(f"role r{i}\n" for i in range(60))
    both = "".join(
        f'permit p{i} {{ subject User with role r{i} action read resource Doc scope resource.code == "c{i}" }}\n'
        for i in range(60)
    )
    only = 'permit q { subject User with role r7 action read resource Doc scope any "x" }\n'
    switch, rest = program(both + only, base=head)._engine.bucket("read", "User", "Doc").bucket.permits
    assert isinstance(switch, ir.Switch)
    assert switch.label == "resource.code"
    assert isinstance(rest, ir.Test)
