"""Decision trees: what they switch on, and what they must not skip."""

from __future__ import annotations

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


def test_a_switch_on_an_optional_attribute_is_not_made() -> None:
    text = rules("permit p", 'scope subject has nick and subject.nick == "n#"')
    assert all(isinstance(n, ir.Test) for n in bucket(text).permits)


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
