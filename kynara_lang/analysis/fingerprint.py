"""What rules and declarations say, as plain values that are equal where two programs say the same.

Names are those of requests, lets are expanded, literals are the values they were read as. So comments, layout, the
order of declarations and the names of lets make no difference, and equal fingerprints mean equal decisions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from attrs import fields, frozen

from ..checker.symbols import (
    ActionSymbol,
    Approval,
    AttributeSymbol,
    Condition,
    EntityType,
    LetSymbol,
    PatternSymbol,
    Program,
    RoleSymbol,
    RuleSymbol,
    TraitSymbol,
)
from ..semantics.types import Entity, Enum, Record, SetOf, Type
from ..syntax import ast
from ..syntax.walk import descend
from .links import Slice

_LEFT_OUT = frozenset({"span", "doc", "description"})
_DELEGATION = frozenset({"delegator", "delegated", "delegation", "actor"})

Print = Hashable


@frozen
class Mentioned:
    """Names of attributes, arguments and context fields (as policies call them), and of roles (as requests do)."""

    names: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def __or__(self, other: Mentioned) -> Mentioned:
        """Return what either mentions."""
        return Mentioned(self.names | other.names, self.roles | other.roles)


class Fingerprints:
    """The fingerprints of one program, each worked out once."""

    def __init__(self, program: Program) -> None:
        """Work on a program without errors."""
        self.program = program
        self._lets: dict[str, Print] = {}
        self._conditions: dict[Condition, Print] = {}
        self._approvals: dict[Approval, tuple[Print, int, int]] = {}
        self._mentioned: dict[RuleSymbol, Mentioned] = {}
        self._reach: dict[tuple[frozenset[str], frozenset[str]], Print] = {}

    # --- rules

    def rule(self, rule: RuleSymbol, where: Slice) -> Print:
        """Return what a rule says in a slice, whatever it is called."""
        conditions = tuple(self.condition(c) for c in rule.conditions if c.expr is not None)
        return (
            rule.effect,
            self._patterns(rule.subjects, where.subject),
            self._patterns(rule.resources, where.resource),
            conditions,
            rule.valid_from,
            rule.valid_until,
            None if rule.approval is None else self.approval(rule.approval),
        )

    def condition(self, condition: Condition) -> Print:
        """Return what a clause says."""
        if condition not in self._conditions:
            said = None if condition.expr is None else self._dump(condition.expr)
            kind = "unless" if condition.kind == "unless" else "when"  # a scope that is true says what a `when` does
            self._conditions[condition] = (kind, said)
        return self._conditions[condition]

    def approval(self, approval: Approval) -> tuple[Print, int, int]:
        """Return who may approve, how many are needed, and for how long that counts."""
        if approval not in self._approvals:
            patterns = frozenset(
                (frozenset(self._external(key) for key in p.types), *self._pattern(p)) for p in approval.approvers
            )
            where = None if approval.where is None else self._dump(approval.where)
            self._approvals[approval] = ((patterns, where), approval.quorum, approval.expires)
        return self._approvals[approval]

    def _patterns(self, patterns: Iterable[PatternSymbol], key: str) -> Print:
        return frozenset(self._pattern(p) for p in patterns if key in p.types)

    def _pattern(self, pattern: PatternSymbol) -> tuple[Print, ...]:
        roles = frozenset(self.program.roles[key].external for key in pattern.roles)
        return (self._entity(pattern.entity), self._entity(pattern.group), roles)

    def _entity(self, key: str | None) -> tuple[str, str] | None:
        if key is None:
            return None
        kind, _, identity = key.partition("::")
        return self._external(kind), identity

    def _external(self, key: str) -> str:
        return self.program.types[key].external

    # --- expressions

    def _dump(self, node: ast.Node) -> Print:
        target = self.program.tables.targets.get(node)
        if isinstance(target, LetSymbol):
            return self._let(target)
        if isinstance(node, ast.Ident) and target is not None:
            return self._named(target, node)
        constants = self.program.tables.constants
        if node in constants and not isinstance(node, ast.Binary):
            value = constants[node]
            if isinstance(node, ast.EntityLit):
                return ("entity", self._external(value[0]), value[1])
            kind = self.program.tables.types.get(node)
            return ("value", None if kind is None else self.shape(kind), repr(_ordered(value)))
        parts: list[Print] = [type(node).__name__]
        for field in fields(type(node)):
            if field.name not in _LEFT_OUT:
                parts.append(self._part(getattr(node, field.name)))
        return tuple(parts)

    def _part(self, value: Any) -> Print:
        if isinstance(value, ast.Node):
            return self._dump(value)
        return tuple(self._part(v) for v in value) if isinstance(value, tuple) else value

    def _named(self, target: Any, node: ast.Ident) -> Print:
        match target:
            case EntityType(external=external) | RoleSymbol(external=external) | ActionSymbol(external=external):
                return (type(target).__name__, external)
            case TraitSymbol():
                return ("trait", frozenset(self._external(key) for key in target.members))
        return node.text

    def _let(self, let: LetSymbol) -> Print:
        if let.key not in self._lets:
            names = tuple(name for name, _ in let.parameters or ())
            self._lets[let.key] = (names, self._dump(let.decl.body))
        return self._lets[let.key]

    # --- what rules read

    def mentioned(self, rule: RuleSymbol) -> Mentioned:
        """Return the names of everything that a rule may read, of whatever it is."""
        if rule not in self._mentioned:
            names = {"now"} if (rule.valid_from, rule.valid_until) != (None, None) else set()
            approvers = rule.approval.approvers if rule.approval is not None else ()
            roles = {role for p in (*rule.subjects, *rule.resources, *approvers) for role in p.roles}
            waiting = [c.expr for c in rule.conditions if c.expr is not None]
            waiting += [rule.approval.where] if rule.approval is not None and rule.approval.where is not None else []
            lets: set[str] = set()
            while waiting:
                for node in descend(waiting.pop()):
                    target = self.program.tables.targets.get(node)
                    if isinstance(node, ast.Attribute | ast.Has):
                        names.add(node.name.text)
                    elif isinstance(target, RoleSymbol):
                        roles.add(target.key)
                    elif isinstance(target, LetSymbol) and target.key not in lets:
                        lets.add(target.key)
                        waiting.append(target.decl.body)
            external = frozenset(self.program.roles[role].external for role in roles)
            self._mentioned[rule] = Mentioned(frozenset(names), external)
        return self._mentioned[rule]

    @staticmethod
    def asks_about_others(rule: RuleSymbol) -> bool:
        """Whether a rule reads for whom the subject acts, or who acts for it."""
        exprs = (c.expr for c in rule.conditions if c.expr is not None)
        return any(isinstance(n, ast.Var) and n.name in _DELEGATION for expr in exprs for n in descend(expr))

    # --- declarations

    def declarations(self, where: Slice, mentioned: Mentioned, *, others: bool) -> Print:
        """Return what is declared of all that rules may read of a request in a slice, and of its arguments.

        With `others`, the declarations of all principals count.
        """
        program = self.program
        action = program.actions[where.action]
        context = [s for s in program.context.values() if s.name in mentioned.names]
        kinds = {where.subject, where.resource}
        if others:
            kinds |= {key for key, kind in program.types.items() if kind.kind == "subject"}
        for symbol in (*action.parameters.values(), *context):
            kinds |= _entities_in(symbol.type)
        known = (frozenset(kinds), mentioned.names)
        if known not in self._reach:
            self._reach[known] = self._all_of(*known)
        roles = frozenset((external, self.holding(external)) for external in mentioned.roles)
        return (self.fields(action.parameters.values()), self.fields(context), roles, self._reach[known])

    def holding(self, external: str) -> frozenset[str]:
        """Return the roles with which an entity holds a role: that one, and those that extend it."""
        role = self.program.roles_by_external.get(external)
        if role is None:
            return frozenset()
        return frozenset(r.external for r in self.program.roles.values() if role.key in r.closure)

    def _all_of(self, kinds: frozenset[str], names: frozenset[str]) -> Print:
        """Return the declarations of types, and of all that they lead to, as far as attributes of some names go."""
        seen: set[str] = set()
        found = []
        waiting = list(kinds)
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            kind = self.program.types[key]
            read = [s for s in kind.attributes.values() if s.name in names]
            waiting += [*kind.parents, *(name for symbol in read for name in _entities_in(symbol.type))]
            parents = frozenset(self._external(parent) for parent in kind.parents)
            found.append((kind.external, kind.kind, parents, self.fields(read)))
        return frozenset(found)

    def fields(self, symbols: Iterable[AttributeSymbol]) -> Print:
        """Return what is declared of attributes, arguments or context fields."""
        return frozenset((s.name, s.external, self.shape(s.type), s.optional) for s in symbols)

    def shape(self, kind: Type) -> Print:
        """Return a type as requests see it."""
        match kind:
            case Entity(names):
                return ("entity", frozenset(self._external(name) for name in names))
            case SetOf(element):
                return ("set", self.shape(element))
            case Enum(values):
                return ("enum", frozenset(values))
            case Record(parts):
                return ("record", tuple((f.external or f.name, self.shape(f.type), f.optional) for f in parts))
        return str(kind)


def _entities_in(kind: Type) -> frozenset[str]:
    match kind:
        case Entity(names):
            return names
        case SetOf(element):
            return _entities_in(element)
        case Record(parts):
            return frozenset[str]().union(*(_entities_in(f.type) for f in parts))
    return frozenset()


def _ordered(value: Any) -> Any:
    return sorted(map(repr, value)) if isinstance(value, frozenset) else value
