"""What rules read of the state of the world: from the typed tree, whether or not the solver has a counterpart for it.

That nothing reads what an action changes is told to people as a proof. So everything counts that is written in a
condition, also what other operands, or the types that meet in a request, may keep from ever being evaluated; attributes
count by the declaration that the checker resolved them to, not by how requests spell them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from ..checker.symbols import LetSymbol, PatternSymbol, Program, RuleSymbol
from ..semantics.operators import Builtin
from ..semantics.types import Entity, SetOf
from ..syntax import ast, walk
from .links import Slice

Names = Mapping[str, frozenset[str]]
"""The entity types (by key) that names can have where these are known better than by the type of the name."""


@frozen
class Reading:
    """What is read: attributes by type (key) and name, the types whose roles are, whether groups, whether delegation.

    `delegation` is whether it depends on whether the principal acts for somebody, `whom` whether also on who that is,
    `depth` whether on how long the chain is; `actor` is whether it depends on who acts in the end. `named` are the
    types (by key) of entities that a rule names, and not the request, to read something of them.
    """

    attributes: frozenset[tuple[str, str]] = frozenset()
    roles: frozenset[str] = frozenset()
    groups: bool = False
    delegation: bool = False
    whom: bool = False
    depth: bool = False
    actor: bool = False
    named: frozenset[str] = frozenset()

    def __or__(self, other: Reading) -> Reading:
        """Return what one or the other reads."""
        return Reading(
            self.attributes | other.attributes,
            self.roles | other.roles,
            self.groups or other.groups,
            self.delegation or other.delegation,
            self.whom or other.whom,
            self.depth or other.depth,
            self.actor or other.actor,
            self.named | other.named,
        )


NOTHING = Reading()


@define(eq=False)
class Reader:
    """Reads the rules of one program; what is the same for many slices is read once."""

    program: Program
    _rules: dict[str, list[RuleSymbol]] = field(factory=dict)
    _slices: dict[Slice, Reading] = field(factory=dict)
    _lets: dict[tuple[LetSymbol, tuple[tuple[str, frozenset[str]], ...]], Reading] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """List the rules by action."""
        for rule in self.program.rules:
            for action in rule.actions:
                self._rules.setdefault(action, []).append(rule)

    def rules(self, where: Slice) -> list[RuleSymbol]:
        """Return the rules that can match in a slice."""
        return [
            rule
            for rule in self._rules.get(where.action, ())
            if where.subject in rule.subject_types and where.resource in rule.resource_types
        ]

    def of_slice(self, where: Slice) -> Reading:
        """Return what the rules of a slice read for the principal, and of those who may approve."""
        if where not in self._slices:
            found = NOTHING
            for rule in self.rules(where):
                found |= self._of_rule(rule, where)
            self._slices[where] = found
        return self._slices[where]

    def _of_rule(self, rule: RuleSymbol, where: Slice) -> Reading:
        names = {"subject": frozenset({where.subject}), "resource": frozenset({where.resource})}
        found = _of_patterns(rule.subjects, names["subject"]) | _of_patterns(rule.resources, names["resource"])
        for condition in rule.conditions:
            if condition.expr is not None:
                found |= self._of(condition.expr, names)
        if rule.approval is not None:
            found |= _of_patterns(rule.approval.approvers, frozenset(self.program.types))
            if rule.approval.where is not None:
                found |= self._of(rule.approval.where, names)
        return found

    def _of(self, expr: ast.Expr, names: Names) -> Reading:
        """Return what an expression reads, evaluated or not."""
        found = NOTHING
        inner = names
        match expr:
            case ast.Var(name):
                return self._of_name(expr, name, names)
            case ast.Attribute(target, name) | ast.Has(target, name):
                if not isinstance(self.program.tables.targets.get(expr), Builtin):
                    found = self._of_attribute(target, name.text, names) | self._named(target)
            case ast.Holds(target):
                found = Reading(roles=self._types(target, names)) | self._named(target)
            case ast.Binary("in" | "not in", left, right):
                groups = isinstance(self.program.tables.types.get(right), Entity)
                found = Reading(groups=True) | self._named(left) if groups else NOTHING
            case ast.Call():
                found = self._of_predicate(expr, names)
                for argument in expr.arguments:
                    found |= self._named(argument)
            case ast.Quantifier(_, variable, domain):
                found = self._named(domain)
                inner = {name: types for name, types in names.items() if name != variable.text}
        for child in walk.children(expr):
            if isinstance(child, ast.Expr):
                found |= self._of(child, inner)
            elif isinstance(child, ast.FieldValue):
                found |= self._of(child.value, inner)
        return found

    def _named(self, target: ast.Expr) -> Reading:
        """Return the types of what something is read of, where the rule itself names that."""
        targets, kind = self.program.tables.targets, self.program.tables.types.get(target)
        kind = kind.element if isinstance(kind, SetOf) else kind
        names = (node for node in walk.descend(target) if isinstance(node, ast.Var))
        fixed = all(isinstance(targets.get(name), LetSymbol) for name in names)
        return Reading(named=kind.names) if fixed and isinstance(kind, Entity) else NOTHING

    def _of_name(self, expr: ast.Var, name: str, names: Names) -> Reading:
        let = self.program.tables.targets.get(expr)
        if name not in names and isinstance(let, LetSymbol):
            return self._of_let(let, {})
        asks = name in ("delegated", "delegator", "delegation")
        acts = name in ("actor", "delegation")
        return Reading(delegation=asks, whom=name == "delegator", depth=name == "delegation", actor=acts)

    def _of_attribute(self, target: ast.Expr, name: str, names: Names) -> Reading:
        types = self._types(target, names)
        return Reading(frozenset((key, name) for key in types if name in self.program.types[key].attributes))

    def _of_predicate(self, expr: ast.Call, names: Names) -> Reading:
        let = self.program.tables.targets.get(expr.function)
        if not isinstance(let, LetSymbol):
            return NOTHING
        given = zip(let.parameters or (), expr.arguments, strict=True)
        return self._of_let(let, {name: self._types(argument, names) for (name, _), argument in given})

    def _of_let(self, let: LetSymbol, names: Names) -> Reading:
        key = (let, tuple(sorted(names.items())))
        if key not in self._lets:
            self._lets[key] = self._of(let.decl.body, names)
        return self._lets[key]

    def _types(self, expr: ast.Expr, names: Names) -> frozenset[str]:
        """Return the entity types that a value can have; every one where the checker says nothing of it."""
        kind = self.program.tables.types.get(expr)
        if kind is None:
            static = frozenset(self.program.types)
        else:
            static = kind.names if isinstance(kind, Entity) else frozenset()
        if isinstance(expr, ast.Var) and expr.name in names:
            # Where a guard has told the type already, what is read of other types is never evaluated.
            return static & names[expr.name]
        return static


def _of_patterns(patterns: Iterable[PatternSymbol], types: frozenset[str]) -> Reading:
    """Return what it takes to know whether an entity of some types fits one of some patterns."""
    fitting = [pattern for pattern in patterns if pattern.types & types]
    roles = (pattern.types & types for pattern in fitting if pattern.roles)
    return Reading(roles=frozenset[str]().union(*roles), groups=any(p.group is not None for p in fitting))
