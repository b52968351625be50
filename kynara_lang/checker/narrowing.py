"""What a condition proves: which optional values are present, which types an entity can still have.

A path names a value that cannot change while a request is decided: a root (`subject`) and attribute names. Facts about
paths are learnt from `has`, `is` and `delegated`, and hold in whatever is evaluated only when the condition held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from attrs import evolve, field, frozen

from ..semantics.types import Entity, Type
from ..syntax import ast
from .symbols import Scope

Path = tuple[str, ...]


@frozen
class Facts:
    """What is known at a place: paths that are present, and the type keys an entity at a path can have."""

    present: frozenset[Path] = frozenset()
    kinds: tuple[tuple[Path, frozenset[str]], ...] = ()

    def kind(self, path: Path) -> frozenset[str] | None:
        """Return the types still possible at a path, or None when nothing is known."""
        return dict(self.kinds).get(path)

    def both(self, other: Facts) -> Facts:
        """Return what is known when both hold."""
        if other is NOTHING_KNOWN:
            return self
        kinds = dict(self.kinds)
        for path, names in other.kinds:
            kinds[path] = kinds[path] & names if path in kinds else names
        return Facts(self.present | other.present, tuple(sorted(kinds.items())))

    def either(self, other: Facts) -> Facts:
        """Return what is known when one of the two holds and it is not known which."""
        mine, theirs = dict(self.kinds), dict(other.kinds)
        kinds = {path: mine[path] | theirs[path] for path in mine.keys() & theirs.keys()}
        return Facts(self.present & other.present, tuple(sorted(kinds.items())))


NOTHING_KNOWN = Facts()


@frozen
class Variable:
    """A name that can be used in an expression. `maybe` says that it may be absent (`delegator`)."""

    type: Type
    path: Path
    maybe: bool = False


@frozen
class Env:
    """The names and facts at a place of a program.

    `place` says what is being checked: values of fixtures may name fixtures, and a permit may not read who acts.
    """

    variables: dict[str, Variable]
    scope: Scope
    place: Literal["permit", "forbid", "require_approval", "invariant", "let", "constant", "fixture"]
    facts: Facts = field(default=NOTHING_KNOWN)

    def knowing(self, facts: Facts) -> Env:
        """Return this environment with further facts."""
        return self if facts is NOTHING_KNOWN else evolve(self, facts=self.facts.both(facts))

    def binding(self, name: str, variable: Variable) -> Env:
        """Return this environment with one more name."""
        return evolve(self, variables={**self.variables, name: variable})


def path_of(expr: ast.Expr, env: Env) -> Path | None:
    """Return the path an expression names, or None when it is not a path."""
    names: list[str] = []
    while isinstance(expr, ast.Attribute):
        names.append(expr.name.text)
        expr = expr.target
    if isinstance(expr, ast.Var) and expr.name in env.variables:
        return (*env.variables[expr.name].path, *reversed(names))
    return None


TypesOf = Callable[[ast.Is], frozenset[str]]


@frozen
class Prover:
    """Works out the facts of checked conditions.

    `possible` gives the keys of the entity types an `is` names, `type_of` an expression's type, `predicate` the body of
    a predicate with its parameter names, or None for what is not one.
    """

    possible: TypesOf
    type_of: Callable[[ast.Expr], Type]
    predicate: Callable[[ast.Call], tuple[ast.Expr, tuple[str, ...]] | None]

    def facts(self, expr: ast.Expr, truth: bool, env: Env) -> Facts:
        """Return what is known once a condition is known to be `truth`."""
        match expr:
            case ast.Not(operand):
                return self.facts(operand, not truth, env)
            case ast.And(operands):
                return self._several(operands, truth, together=truth, env=env)
            case ast.Or(operands):
                return self._several(operands, truth, together=not truth, env=env)
            case ast.Has(target, name) if truth:
                path = path_of(target, env)
                return NOTHING_KNOWN if path is None else Facts(frozenset({(*path, name.text)}))
            case ast.Is(target):
                return self._is(expr, target, truth, env)
            case ast.Var("delegated") if truth and "delegated" in env.variables:
                return Facts(frozenset({("delegator",)}))
            case ast.Call():
                return self._call(expr, truth, env)
        return NOTHING_KNOWN

    def _several(self, operands: tuple[ast.Expr, ...], truth: bool, *, together: bool, env: Env) -> Facts:
        found = [self.facts(operand, truth, env) for operand in operands]
        result = found[0]
        for facts in found[1:]:
            result = result.both(facts) if together else result.either(facts)
        return result

    def _is(self, expr: ast.Is, target: ast.Expr, truth: bool, env: Env) -> Facts:
        path, kind = path_of(target, env), self.type_of(target)
        if path is None or not isinstance(kind, Entity):
            return NOTHING_KNOWN
        tested = self.possible(expr)
        left = kind.names & tested if truth else kind.names - tested
        present = frozenset({path}) if truth else frozenset()
        return Facts(present, ((path, left),))

    def _call(self, expr: ast.Call, truth: bool, env: Env) -> Facts:
        found = self.predicate(expr)
        if found is None:
            return NOTHING_KNOWN
        body, parameters = found
        variables: dict[str, Variable] = {}
        for name, argument in zip(parameters, expr.arguments, strict=False):
            path = path_of(argument, env)
            if path is not None:
                variables[name] = Variable(self.type_of(argument), path)
        if "context" in env.variables:
            variables.setdefault("context", env.variables["context"])
        inner = evolve(env, variables=variables)
        return self.facts(body, truth, inner)
