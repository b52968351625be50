"""The mutants: what cosmic-ray's operators can change in a file, each change with its place and its text.

Of the eleven replacements that cosmic-ray has for each arithmetic operator, and the seven for each comparison, only
those are taken that a person could write by mistake. The others mostly die of a type error (`text >> text`), or live
because words happen to sort so (`kind >= "set"`): neither says anything about the tests. Two operators are added.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

from tests.mutation.dropping import DropStatement, ReturnNothing
from tests.mutation.groups import ROOT

_BINARY = [
    "Add_Sub", "Sub_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul", "RShift_LShift",
    "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitOr",
]  # fmt: skip
_COMPARISON = [
    "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE",
    "GtE_Gt", "GtE_Lt",
]  # fmt: skip
_UNARY = ["Delete_Not", "Delete_USub", "USub_UAdd", "UAdd_USub", "Delete_Invert", "Invert_USub"]
_OTHER = [
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator",
    "ZeroIterationForLoop",
]  # fmt: skip

Place = tuple[int, int]


def _operators() -> dict[str, Operator]:
    names = [f"ReplaceBinaryOperator_{pair}" for pair in _BINARY]
    names += [f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISON]
    names += [f"ReplaceUnaryOperator_{pair}" for pair in _UNARY]
    found: dict[str, Operator] = {name: get_operator(f"core/{name}")() for name in names + _OTHER}
    return found | {"DropStatement": DropStatement(), "ReturnNothing": ReturnNothing()}


OPERATORS = _operators()


@attrs.frozen
class Mutant:
    """One change of one file; `lines` are those of the statement that it changes."""

    path: str
    operator: str
    occurrence: int
    line: int
    lines: Place

    @property
    def name(self) -> str:
        return f"{self.path}:{self.operator}:{self.occurrence}"

    def mutated(self) -> str:
        """Return the text of the whole file with the change."""
        return str(mutate_code(text_of(self.path), OPERATORS[self.operator], self.occurrence))

    def change(self) -> tuple[str, str]:
        """Return the lines that differ, before and after, each as one line."""
        before, after = text_of(self.path).splitlines(), self.mutated().splitlines()
        shortest = min(len(before), len(after))
        start = next((i for i in range(shortest) if before[i] != after[i]), shortest)
        end = next((i for i in range(shortest - start) if before[-1 - i] != after[-1 - i]), shortest - start)
        return _one_line(before[start : len(before) - end]), _one_line(after[start : len(after) - end])


def mutants_of(file: Path) -> list[Mutant]:
    """List every change that the operators can make in a file, except where it could not run at all."""
    path = file.relative_to(ROOT).as_posix()
    tree = ast.parse(text_of(path))
    silent = list(_silent(tree))
    statements = [(n.lineno, n.end_lineno or n.lineno) for n in ast.walk(tree) if isinstance(n, ast.stmt)]
    nodes = list(ast_nodes(get_ast(text_of(path))))
    found = []
    for name, operator in OPERATORS.items():
        positions = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, at in enumerate(positions):
            if not any(start <= at < end for start, end in silent):
                around = [lines for lines in statements if lines[0] <= at[0] <= lines[1]] or [(at[0], at[0])]
                lines = min(around, key=lambda lines: lines[1] - lines[0])
                found.append(Mutant(path, name, occurrence, at[0], lines))
    return found


@cache
def text_of(path: str) -> str:
    """Read a source file once."""
    return (ROOT / path).read_text(encoding="utf-8")


def _silent(tree: ast.Module) -> Iterator[tuple[Place, Place]]:
    """List the ranges in which a change cannot be imported, and the programs of a lint that are tests themselves."""
    for node in ast.walk(tree):
        for field in ("annotation", "returns", "pattern"):
            inner = getattr(node, field, None)
            if isinstance(inner, ast.expr | ast.pattern):
                yield _range(inner)
        if isinstance(node, ast.arguments) and (node.kwonlyargs or node.posonlyargs):
            arguments = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            yield _range(arguments[0])[0], (arguments[-1].lineno, arguments[-1].col_offset)
    for statement in tree.body:
        match statement:
            case ast.Assign(value=ast.BinOp(op=ast.BitOr()) as union) if _is_type(union):
                yield _range(statement)
            case ast.Assign(targets=[ast.Name("VALID" | "INVALID")]) | ast.If(test=ast.Name("TYPE_CHECKING")):
                yield _range(statement)
            case _:
                pass


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_type(node.left) and _is_type(node.right)
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Constant)


def _range(node: Any) -> tuple[Place, Place]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _one_line(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)
