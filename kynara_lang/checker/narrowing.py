"""What a condition proves: which optional values are present, which types an entity can still have.

A path names a value that cannot change while a request is decided: a root (`subject`) and attribute names. Facts about
paths are learnt from `has`, `is` and `delegated`, and hold in whatever is evaluated only when the condition held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import evolve, field, frozen

from ..semantics.types import Entity, Type
from ..syntax import ast
from .expansion import MAX_DEPTH
from .symbols import LetSymbol, Scope

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
    `excepts` says that it is an exception, behind `unless`.
    """

    variables: dict[str, Variable]
    scope: Scope
    place: Literal["permit", "forbid", "require_approval", "invariant", "let", "constant", "fixture"]
    facts: Facts = field(default=NOTHING_KNOWN)
    excepts: bool = False

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

    `possible` gives the keys of the entity types an `is` names, `type_of` an expression's type, `predicate` the let
    that a call uses, or None for what is no predicate. What a predicate proves of its parameters is worked out once,
    so that predicates that use predicates twice cost no more than their text.
    """

    possible: TypesOf
    type_of: Callable[[ast.Expr], Type]
    predicate: Callable[[ast.Call], LetSymbol | None]
    _of_lets: dict[tuple[str, bool], Facts] = field(factory=dict, init=False)

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
        let = self.predicate(expr)
        if let is None or let.parameters is None or let.type is None:
            return NOTHING_KNOWN  # a predicate that uses itself was reported
        facts = self._of_let(let, let.parameters, truth, env)
        if facts is NOTHING_KNOWN:
            return facts
        roots: dict[str, Path | None] = {"context": ("context",)}
        for (name, _), argument in zip(let.parameters, expr.arguments, strict=False):
            roots[parameter_root(let, name)] = path_of(argument, env)
        present = (_moved(path, roots) for path in facts.present)
        result = Facts(frozenset(path for path in present if path is not None))
        for path, names in facts.kinds:
            if (moved := _moved(path, roots)) is not None:
                result = result.both(Facts(kinds=((moved, names),)))
        return result

    def _of_let(self, let: LetSymbol, parameters: tuple[tuple[str, Type], ...], truth: bool, env: Env) -> Facts:
        key = (let.key, truth)
        if let.depth > MAX_DEPTH:
            return NOTHING_KNOWN  # it was reported, and is not followed any deeper
        if key not in self._of_lets:
            self._of_lets[key] = NOTHING_KNOWN
            variables = {name: Variable(kind, (parameter_root(let, name),)) for name, kind in parameters}
            if "context" in env.variables:
                variables.setdefault("context", env.variables["context"])
            self._of_lets[key] = self.facts(let.decl.body, truth, Env(variables, let.scope, "let"))
        return self._of_lets[key]


def parameter_root(let: LetSymbol, name: str) -> str:
    """Return the root of paths that begin at a predicate's parameter; no other root is spelled like it."""
    return f"{let.key}({name})"


def _moved(path: Path, roots: Mapping[str, Path | None]) -> Path | None:
    root = roots.get(path[0])
    return None if root is None else (*root, *path[1:])
