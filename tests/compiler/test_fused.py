"""The functions of a bucket: what is written once, and what stands in for what."""

from __future__ import annotations

from typing import Any

from kynara_lang.compiler import fused, ir, tree
from kynara_lang.compiler.layout import Layout
from kynara_lang.semantics.entity import Entity
from tests.runtime.programs import program


def bucket(text: str) -> ir.Bucket:
    built = program(text).program
    return tree.bucket(built, built.rules, "read", "User", "Doc", lambda t, i: Entity(t, i))


def same(kind: str, approver: str = "") -> str:
    scope = 'scope any "t"' if kind == "permit" else ""
    return "".join(
        f"{kind} p{i} {{ subject User action read resource Doc {scope} when subject.level > {i % 2} {approver} }}\n"
        for i in range(6)
    )


def test_of_tests_that_ask_the_same_the_first_answers() -> None:
    found: list[str] = []

    def outcome(test: ir.Test) -> Any:
        found.append(test.rule.decl.name.text)
        return found[-1]

    made = bucket(same("permit"))
    decide = fused.Fuser(Layout(made), outcome, {}).decide(made, None)
    assert found == ["p0", "p1"]
    assert [decide((level,)) for level in (0, 1, 2)] == [None, "p0", "p0"]


def test_of_approvals_that_ask_the_same_all_are_listed() -> None:
    made = bucket(same("require approval", "from User"))
    matches = fused.Fuser(Layout(made), lambda test: None, {}).matches(made.approvals)
    names = [test.rule.index for test in made.tests]
    assert [sorted(matches((level,))) for level in (0, 1, 2)] == [[], names[::2], names]
