"""The quick form of an operation is taken where there is one, and what tells nodes, rules and constants apart tells them apart."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import Any

import pytest

from kynara_lang.compiler import fused, ir
from kynara_lang.compiler.digest import digest
from kynara_lang.compiler.inspection import Inspector, Place
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

BASE = """
subject User { n: Int, s: String, yes: Bool, path: Path, tags: Set<String>, boss: User }
resource Doc { n: Int }
action read on Doc
role r0
role r1
role r2
role r3
role r4
permit p { subject any action any resource any scope any "t" }
"""


def forbid(condition: str) -> PolicySet:
    return program(f"forbid f {{ subject User action read resource Doc when {condition} }}", base=BASE)


def decide(policies: PolicySet, *, n: int = 0, of: int = 0, roles: tuple[str, ...] = ()) -> Decision:
    who = {"type": "User", "id": "u", "properties": {"n": n}, "roles": list(roles)}
    doc = {"type": "Doc", "id": "d", "properties": {"n": of}}
    return policies.decide({"subject": who, "action": {"name": "read"}, "resource": doc})


def names(policies: PolicySet) -> set[str]:
    """Return what the function that decides looks up, in itself and in what stands inside it."""
    found, waiting = set[str](), [policies._engine.bucket("read", "User", "Doc").decide.__code__]
    while waiting:
        code = waiting.pop()
        found |= {*code.co_names, *code.co_freevars}
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found


@pytest.mark.parametrize(
    ("condition", "general", "instead"),
    [
        ('subject.s like "*.txt"', "glob_match", "endswith"),
        ('subject.s like "a*"', "glob_match", "startswith"),
        ('subject.path within "/a"', "path_within", "startswith"),
        ("subject.boss.n == 1", "attribute", "attrs"),
        ('subject.tags.contains_any({"a", "b"})', "isdisjoint", None),
    ],
)
def test_an_operation_takes_its_quick_form(condition: str, general: str, instead: str | None) -> None:
    found = names(forbid(condition))
    assert general not in found
    assert instead is None or instead in found


def test_many_values_are_looked_for_at_once() -> None:
    many = ", ".join(f'"{i}"' for i in range(20))
    assert "isdisjoint" in names(forbid(f"subject.tags.contains_any({{{many}}})"))


@pytest.mark.parametrize("value", ["true", "false"])
def test_truth_is_written_out(value: str) -> None:
    held = forbid(f"subject.yes == {value}")._engine.bucket("read", "User", "Doc").decide.__closure__ or ()
    assert not any(isinstance(cell.cell_contents, bool) for cell in held)


@pytest.mark.parametrize(("count", "kind"), [(0, tuple), (1, tuple), (2, tuple), (4, tuple), (5, dict), (9, dict)])
def test_few_roles_are_a_tuple_and_many_a_table_both_by_name(count: int, kind: type) -> None:
    roles = [f"r{i}" for i in range(count)]
    found = fused.ordered(frozenset(roles))
    assert isinstance(found, kind)
    assert list(found) == roles


def test_two_roles_are_in_the_order_of_their_names_in_every_process() -> None:
    pairs = [(f"r{i}", f"r{j}") for i in range(10) for j in range(i + 1, 10)]
    assert [tuple(fused.ordered(frozenset(pair))) for pair in pairs] == pairs


@pytest.mark.parametrize(
    "kind", [kind for _, kind in inspect.getmembers(ir, inspect.isclass) if kind.__module__ == ir.__name__], ids=lambda k: k.__name__
)
def test_nodes_are_compared_by_identity(kind: type[Any]) -> None:
    """Tables have nodes as keys, and two conditions that are written alike stand in two places."""
    assert kind.__eq__ is object.__eq__
    assert kind.__hash__ is object.__hash__


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_any_role_of_a_pattern_is_enough(count: int) -> None:
    asked = " or ".join(f"r{i}" for i in range(count))
    policies = program(f"forbid f {{ subject User with role {asked} action read resource Doc }}", base=BASE)
    for i in range(5):
        assert decide(policies, roles=(f"r{i}",)).allowed is (i >= count)


def test_rules_that_ask_for_one_of_several_roles_are_told_apart_by_them() -> None:
    roles = "".join(f"role x{i}\nrole y{i}\n" for i in range(30))
    rules = "".join(f"forbid f{i:02} {{ subject User with role x{i} or y{i} action read resource Doc }}\n" for i in range(30))
    policies = program(roles + rules, base=BASE)
    (switch,) = policies._engine.bucket("read", "User", "Doc").bucket.forbids
    assert isinstance(switch, ir.Switch)
    assert len(switch.cases) == 60
    assert decide(policies, roles=("y7",)).rules == ("f1.f07",)


@pytest.mark.parametrize(("clause", "other"), [("subject", "User with role r0"), ("resource", 'Doc::"x"')])
def test_a_pattern_that_does_not_fit_is_shown_where_it_stands(clause: str, other: str) -> None:
    clauses = {"action": "read", "subject": "User", "resource": "Doc", clause: other}
    rule = " ".join(f"{name} {text}" for name, text in clauses.items())
    policies = program(f"forbid f {{ {rule} }}", base=BASE)
    (test,) = [t for t in policies._engine.bucket("read", "User", "Doc").bucket.tests if t.rule.name == "f1.f"]
    assert [guard.span.text for guard in test.guards] == [f"{clause} {other}"]


@pytest.mark.parametrize("count", [8, 30])
def test_an_overflow_among_rules_that_something_else_tells_apart_is_an_error(count: int) -> None:
    """Nothing cheaper may leave a forbid aside before what is in error in it was evaluated: an error lets nobody through."""
    rules = "".join(
        f"forbid f{i:02} {{ subject User action read resource Doc when -subject.n == 1 when resource.n == {i} }}\n" for i in range(count)
    )
    policies = program(rules, base=BASE)
    assert decide(policies, n=-1, of=99).allowed
    assert decide(policies, n=-1, of=7).rules == ("f1.f07",)
    assert not decide(policies, n=-(2**63), of=99).allowed


@pytest.mark.parametrize("change", [("n == low", "n == high"), ("boss == chief", "boss == deputy"), ("path within here", "path within there")])
def test_a_constant_counts_by_its_value_in_the_digest(change: tuple[str, str]) -> None:
    lets = 'let low = 1\nlet high = 2\nlet chief = User::"a"\nlet deputy = User::"b"\nlet here = "/a"\nlet there = "/b"\n'
    one, other = (
        digest(program(f"{lets}forbid f {{ subject User action read resource Doc when subject.{c} }}", base=BASE).program) for c in change
    )
    assert one != other


def test_an_inspection_counts_the_rules_of_each_effect() -> None:
    rules = "".join(f"forbid f{i} {{ subject User action read resource Doc when subject.n == {i} }}\n" for i in range(3))
    policies = program(rules + "require approval a { subject User action read resource Doc from any }", base=BASE)
    inspected = Inspector(policies.program).bucket(Place("read", "Doc", "User"))
    assert {part.effect: part.rules for part in inspected.parts} == {"forbid": 3, "permit": 1, "require_approval": 1}
