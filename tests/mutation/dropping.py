"""Two operators that cosmic-ray lacks: a statement that is not there, and a function that returns nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator

_CHANGES_SOMETHING = ("+=", "-=", "|=", "&=", "*=")


class DropStatement(Operator):
    """Puts `pass` in place of a call, a `raise`, or an assignment that changes what is there."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and _does_something(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return _replaced(node, "pass")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("f(x)\n", "pass\n"),)


class ReturnNothing(Operator):
    """Puts `return None` in place of a `return` with a value."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and node.children[0].type == "return_stmt":
            if node.children[0].children[1].get_code().strip() != "None":
                yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return _replaced(node, "return None")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("return x\n", "return None\n"),)


def _does_something(statement: Any) -> bool:
    if statement.type == "expr_stmt":
        target = statement.children[0]
        return statement.children[1].type == "operator" and (
            statement.children[1].value in _CHANGES_SOMETHING or target.type == "atom_expr"
        )
    return statement.type in ("atom_expr", "raise_stmt") or statement.get_code().strip().startswith("raise ")


def _replaced(node: Any, text: str) -> Any:
    """Keep the lines as they are: the numbers of all other lines stay the same."""
    statement = node.children[0]
    new = parso.parse(text).children[0]
    new.get_first_leaf().prefix = statement.get_first_leaf().prefix
    lost = statement.end_pos[0] - statement.start_pos[0]
    node.children = [new, *node.children[1:]]
    last = node.children[-1]
    if lost and last.type == "newline":
        last.value = last.value + "\n" * lost
    return node
