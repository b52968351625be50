"""Which actions change authority: who holds what, who acts as whom, and what judges and records that."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from ..semantics.types import Entity
from ..syntax import ast, walk
from .symbols import ActionSymbol, LetSymbol, Program

MEANINGS: Final = {
    "edits_policy": "it changes the policy itself",
    "approves": "it approves what others ask for",
    "writes_memory": "it steers a principal by what it writes",
    "registers_tool": "it gives agents new tools",
    "disables_audit": "it stops what records misuse",
    "mints_credential": "it makes credentials",
    "executes_code": "it runs code",
}
"""The effects that are authority, and what an action with one does."""


def authority_of(action: ActionSymbol, subject_reads: frozenset[tuple[str, str]], types: frozenset[str]) -> str | None:
    """Say how an action on resources of some types changes authority, or return None for one that does not.

    `subject_reads` are the attributes that rules read of their subject, by type key and name.
    """
    decl = action.decl
    for effect in decl.effects:
        if effect.text in MEANINGS:
            return MEANINGS[effect.text]
    if decl.acts_as:
        return "whoever does it can act as somebody else"
    for change in decl.modifies:
        name = change.attribute.text
        if name == "roles":
            return "it changes who holds which role"
        if name == "parents":
            return "it changes who is in which group"
        if any((key, name) in subject_reads for key in action.on & types):
            return f"it changes `{name}`, which rules read of their subject"
    return None


def subject_reads(program: Program) -> frozenset[tuple[str, str]]:
    """Return the attributes that rules read of their `subject`, also through predicates: type key and name."""
    reader = _Reader(program)
    for rule in program.rules:
        for condition in rule.conditions:
            if condition.expr is not None:
                reader.read(condition.expr, "subject")
        if rule.approval is not None and rule.approval.where is not None:
            reader.read(rule.approval.where, "subject")
    return frozenset(reader.found)


@define(eq=False)
class _Reader:
    """Follows one variable through expressions; each parameter of each predicate is looked at once."""

    program: Program
    found: set[tuple[str, str]] = field(factory=set)
    _followed: set[tuple[LetSymbol, str]] = field(factory=set)

    def read(self, expr: ast.Expr, variable: str) -> None:
        """Note the attributes that an expression reads of a variable."""
        for node in walk.descend(expr):
            match node:
                case ast.Attribute(ast.Var(name) as target, attribute) | ast.Has(ast.Var(name) as target, attribute):
                    kind = self.program.tables.types.get(target)
                    if name == variable and isinstance(kind, Entity):
                        self.found.update((key, attribute.text) for key in kind.names)
                case ast.Call(function, arguments):
                    let = self.program.tables.targets.get(function)
                    if isinstance(let, LetSymbol) and let.parameters:
                        for (parameter, _), argument in zip(let.parameters, arguments, strict=False):
                            if isinstance(argument, ast.Var) and argument.name == variable:
                                self._follow(let, parameter)

    def _follow(self, let: LetSymbol, parameter: str) -> None:
        if (let, parameter) not in self._followed:
            self._followed.add((let, parameter))
            self.read(let.decl.body, parameter)
