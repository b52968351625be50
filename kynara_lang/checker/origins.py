"""Where the values of a condition come from: what it reads of the request, and what of that whoever asks chooses.

A condition is read with its lets written out and `not` moved inwards. What is left are tests, joined by "all of" and
"one of"; a test knows what each of its operands reads. Nothing is evaluated, and a quantifier counts as its body. What
a predicate comes to is worked out once for the arguments it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from attrs import define, evolve, field, frozen

from ..diagnostics.source import Span
from ..semantics.types import Entity, SetOf, Type
from ..syntax import ast, walk
from .symbols import AttributeSymbol, EntityType, LetSymbol, Program, RuleSymbol, TraitSymbol

Path: TypeAlias = tuple[str, ...]

ROOTS: Final = ("subject", "resource", "args", "context", "delegator", "delegated", "actor", "delegation", "approver")
ELEMENT: Final = "*"
"""Stands in a path for an element of a set."""
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in", "like", "within"})


@frozen
class Read:
    """Something of the request that is read: its path, and the declaration that marks it as `untrusted`, if any."""

    path: Path
    marked: AttributeSymbol | None = None

    @property
    def root(self) -> str:
        """What it is read of: `subject`, `args` …"""
        return self.path[0]

    @property
    def chosen(self) -> bool:
        """Whether whoever asks chooses it: an argument, or what is marked as untrusted."""
        return self.root == "args" or self.marked is not None

    @property
    def shown(self) -> str:
        """The path as it is written."""
        return ".".join(part for part in self.path if part != ELEMENT)


@frozen
class Value:
    """An operand: all that it reads, its own path if it is nothing but read, the entity types that it can have."""

    reads: frozenset[Read] = frozenset()
    path: Path | None = None
    types: frozenset[str] = frozenset()


CONSTANT: Final = Value()


@frozen(eq=False)
class Test:
    """A condition without `and`, `or`, `not` and lets. `operator` is also `is`, `has`, `holds`, a method or `true`."""

    __test__ = False  # not a test class of pytest

    node: ast.Expr
    operator: str
    operands: tuple[Value, ...]
    positive: bool

    @property
    def reads(self) -> frozenset[Read]:
        """All that its operands read."""
        return frozenset[Read]().union(*(operand.reads for operand in self.operands))


@frozen(eq=False)
class Both:
    """Every part must hold; `node` is what was written, a single part is the body of a predicate or quantifier."""

    parts: tuple[Formula, ...]
    node: ast.Expr


@frozen(eq=False)
class Either:
    """Some part must hold."""

    parts: tuple[Formula, ...]
    node: ast.Expr


Formula: TypeAlias = Test | Both | Either
Names: TypeAlias = Mapping[str, Value]


def tests_in(formula: Formula) -> Iterator[Test]:
    """Yield every test of a formula, as written."""
    stack = [formula]
    while stack:
        current = stack.pop()
        if isinstance(current, Test):
            yield current
        else:
            stack.extend(reversed(current.parts))


def places_in(formula: Formula, within: Span) -> Iterator[tuple[Test, Span]]:
    """Yield every test with the smallest part of some text that it comes from: itself, or the use of a let."""
    stack = [(formula, within)]
    while stack:
        current, place = stack.pop()
        place = smaller(place, current.node)
        if isinstance(current, Test):
            yield current, place
        else:
            stack.extend((part, place) for part in reversed(current.parts))


def smaller(place: Span, node: ast.Expr) -> Span:
    """Return where a node is written, if that is part of a place; else, as for what stands in a let, the place."""
    span = node.span
    inside = span.source is place.source and place.start <= span.start and span.end <= place.end
    return span if inside else place


def conjuncts(formula: Formula) -> Iterator[Formula]:
    """Yield the tests and alternatives that must all hold, those inside predicates too."""
    stack = [formula]
    while stack:
        current = stack.pop()
        if isinstance(current, Both):
            stack.extend(reversed(current.parts))
        else:
            yield current


@define(eq=False)
class Origins:
    """Reads the conditions of one program; each condition, and each predicate for the same arguments, once."""

    program: Program
    _roots: Names = field(factory=lambda: {r: Value(frozenset({Read((r,))}), (r,)) for r in ROOTS}, init=False)
    _read: dict[tuple[ast.Expr, bool], Formula] = field(factory=dict, init=False)
    _lets: dict[tuple[LetSymbol, bool, tuple[Value, ...]], Formula] = field(factory=dict, init=False)
    _values: dict[tuple[LetSymbol, tuple[Value, ...]], Value] = field(factory=dict, init=False)

    # --- conditions

    def condition(self, expr: ast.Expr, *, positive: bool = True) -> Formula:
        """Return what a condition of a rule, or its opposite, comes to."""
        key = (expr, positive)
        if key not in self._read:
            self._read[key] = self._formula(expr, self._roots, positive)
        return self._read[key]

    def of_rule(self, rule: RuleSymbol, *kinds: str) -> tuple[Formula, ...]:
        """Return what must hold for a rule to match, or what its clauses of some kinds say of that."""
        return tuple(
            self.condition(c.expr, positive=c.kind != "unless")
            for c in rule.conditions
            if c.expr is not None and (not kinds or c.kind in kinds)
        )

    def _formula(self, node: ast.Expr, names: Names, positive: bool) -> Formula:
        match node:
            case ast.Not(operand):
                return self._formula(operand, names, not positive)
            case ast.And(operands) | ast.Or(operands):
                parts = tuple(self._formula(operand, names, positive) for operand in operands)
                return (Both if isinstance(node, ast.And) is positive else Either)(parts, node)
            case ast.Call():
                let, given = self._called(node, names)
                key = (let, positive, given)
                if key not in self._lets:
                    self._lets[key] = self._formula(let.decl.body, self._inside(let, given), positive)
                return Both((self._lets[key],), node)
            case ast.Var(name) if name not in names:
                constant = self.program.tables.targets[node]
                assert isinstance(constant, LetSymbol)
                return Both((self._formula(constant.decl.body, {}, positive),), node)
            case ast.Quantifier():
                return Both((self._formula(node.body, self._over(node, names), positive),), node)
            case ast.Binary(op, left, right) if op in _COMPARISONS:
                return Test(node, op, (self._value(left, names), self._value(right, names)), positive)
            case ast.Has(target, name):
                return Test(node, "has", (self._member(node, self._value(target, names), name.text),), positive)
            case ast.Is(target) | ast.Holds(target):
                operator = "is" if isinstance(node, ast.Is) else "holds"
                return Test(node, operator, (self._value(target, names),), positive)
            case ast.MethodCall(target, method, arguments):
                values = tuple(self._value(value, names) for value in (target, *arguments))
                return Test(node, method.text, values, positive)
        return Test(node, "true", (self._value(node, names),), positive)

    # --- values

    def _value(self, node: ast.Expr, names: Names) -> Value:
        match node:
            case ast.Var(name):
                # A constant reads nothing of the request.
                return self._narrowed(names[name], node) if name in names else CONSTANT
            case ast.Attribute(target, name):
                return self._member(node, self._value(target, names), name.text)
            case ast.Call():
                let, arguments = self._called(node, names)
                key = (let, arguments)
                if key not in self._values:
                    self._values[key] = self._value(let.decl.body, self._inside(let, arguments))
                return self._values[key]
            case ast.Quantifier():
                return _joined([self._value(node.domain, names), self._value(node.body, self._over(node, names))])
            case ast.RecordLit(fields):
                return _joined(self._value(entry.value, names) for entry in fields)
        return _joined(self._value(child, names) for child in walk.children(node) if isinstance(child, ast.Expr))

    def _called(self, node: ast.Call, names: Names) -> tuple[LetSymbol, tuple[Value, ...]]:
        let = self.program.tables.targets[node.function]
        assert isinstance(let, LetSymbol)
        return let, tuple(self._value(argument, names) for argument in node.arguments)

    def _inside(self, let: LetSymbol, arguments: tuple[Value, ...]) -> Names:
        """Return the names that a predicate's body sees."""
        names = (name for name, _ in let.parameters or ())
        return {"context": self._roots["context"], **dict(zip(names, arguments, strict=True))}

    def _over(self, node: ast.Quantifier, names: Names) -> Names:
        """Return the names that a quantifier's body sees."""
        domain = self._value(node.domain, names)
        element = self._extended(domain, ELEMENT, None) if domain.path else evolve(domain, path=None)
        found = self.program.tables.types.get(node.domain)
        return {**names, node.variable.text: evolve(element, types=_types_in(found))}

    def _member(self, node: ast.Expr, owner: Value, name: str) -> Value:
        """Return the value of `owner.name`."""
        if owner.path is None:
            return evolve(owner, types=_types_in(self.program.tables.types.get(node)))
        if owner.path == ("context",):
            having = [self.program.context[name]]
        else:
            attributes = (self.program.types[key].attributes.get(name) for key in sorted(owner.types))
            having = [attribute for attribute in attributes if attribute is not None]
        marked = next((attribute for attribute in having if attribute.untrusted), None)
        types = frozenset[str]().union(*(_types_in(attribute.type) for attribute in having))
        return self._narrowed(evolve(self._extended(owner, name, marked), types=types), node)

    @staticmethod
    def _extended(owner: Value, name: str, marked: AttributeSymbol | None) -> Value:
        """Return the value one step below another that is nothing but read."""
        assert owner.path is not None
        (read,) = owner.reads
        path = (*owner.path, name)
        return Value(frozenset({Read(path, read.marked or marked)}), path)

    def _narrowed(self, value: Value, node: ast.Expr) -> Value:
        """Return a value with what the type checker knows of the entity types possible here."""
        known = _types_in(self.program.tables.types.get(node))
        return evolve(value, types=(value.types & known) or value.types or known)

    # --- what types decide

    def decided(self, formula: Formula, types: Mapping[Path, str]) -> bool | None:
        """Return whether a formula holds for entities of known types; None where that depends on more."""
        if isinstance(formula, Test):
            found = self._test_decided(formula, types)
            return found if found is None else found is formula.positive
        parts = {self.decided(part, types) for part in formula.parts}
        settled = isinstance(formula, Either)
        if settled in parts:
            return settled
        return None if None in parts else not settled

    def _test_decided(self, test: Test, types: Mapping[Path, str]) -> bool | None:
        if isinstance(test.node, ast.BoolLit):
            return test.node.value
        path = test.operands[0].path if test.operands else None
        if path is None:
            return None
        if test.operator == "is" and path in types:
            assert isinstance(test.node, ast.Is)
            return types[path] in self.named(test.node)
        if test.operator == "has" and path[:-1] in types:
            attribute = self.program.types[types[path[:-1]]].attributes.get(path[-1])
            return False if attribute is None else None if attribute.optional else True
        return None

    def named(self, node: ast.Is) -> frozenset[str]:
        """Return the keys of the entity types that an `is` asks for."""
        target = self.program.tables.targets[node.type]
        assert isinstance(target, EntityType | TraitSymbol)
        return frozenset({target.key}) if isinstance(target, EntityType) else frozenset(target.members)

    # --- sets written out

    def entities(self, node: ast.Expr) -> frozenset[str] | None:
        """Return the entities that a literal, a set of literals or a let names, as `Type::id`; None for all else."""
        if isinstance(node, ast.SetLit):
            parts = [self.entities(item) for item in node.items]
            return None if None in parts else frozenset[str]().union(*(part for part in parts if part is not None))
        if isinstance(node, ast.EntityLit):
            key, identity = self.program.tables.constants[node]
            return frozenset({f"{key}::{identity}"})
        target = self.program.tables.targets.get(node) if isinstance(node, ast.Var) else None
        return self.entities(target.decl.body) if isinstance(target, LetSymbol) else None


def has_marks(program: Program) -> bool:
    """Whether anything of a program is marked as `untrusted`; arguments always are and do not count."""
    entities = (attribute for kind in program.types.values() for attribute in kind.attributes.values())
    return any(attribute.untrusted for attribute in (*entities, *program.context.values()))


def _joined(values: Iterable[Value]) -> Value:
    return Value(frozenset[Read]().union(*(value.reads for value in values)))


def _types_in(kind: Type | None) -> frozenset[str]:
    """Return the entity types of an entity, or of a set's elements."""
    if isinstance(kind, SetOf):
        kind = kind.element
    return kind.names if isinstance(kind, Entity) else frozenset()
