"""From a checked condition to a formula: names resolved to what they read, lets expanded, constants put in.

The result says the same of every request as the condition does, as long as its evaluation is no error. What can be an
error is told apart, by `failing`, because a formula may come out simpler than the evaluation that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from attrs import frozen

from ...semantics.entity import entity_key
from ...semantics.operators import Builtin, Operator
from ...semantics.text import compile_glob
from ...semantics.types import BOOL, IP, PATH, Entity, SetOf, Type
from ...syntax import ast
from ..bags import Bag
from ..symbols import EntityType, LetSymbol, Program, RoleSymbol, TraitSymbol
from .domains import NUMERIC, Covered, Domain, Values, between, numbers
from .formula import (
    FALSE,
    LENGTHS,
    TRUE,
    All,
    AnyOf,
    Fact,
    Formula,
    Member,
    Term,
    all_of,
    any_of,
    literals,
    negated,
    satisfiable,
)

Names = Mapping[str, Term]

_OF_ITSELF = ("contains_all", "starts_with", "ends_with", "contains")  # true of a value and itself
_MOST_COPIES = 64  # of the body of a quantifier over a set that is written out, those around it counted in
_MOST_EXPANDED = 16  # literals and joints of two truths that are compared with each other

ROOTS = ("subject", "resource", "args", "context", "delegator", "delegation", "actor", "approver")


def root(name: str, kind: Type | None = None) -> Term:
    """Return the term for a whole part of the request."""
    return Term("root", (name,), kind, roots=frozenset({name}))


def type_of(entity: Term) -> Term:
    """Return the term for an entity's type."""
    return Term("type", (entity,), None, entity.fails, entity.roots)


def constant(value: object, kind: Type | None) -> Term:
    """Return the term for a value known now."""
    return Term("const", ("entity" if isinstance(kind, Entity) else str(kind), value), kind)


DELEGATED = Term("delegated", (), BOOL, roots=frozenset({"delegator"}))


@frozen
class Said:
    """What a condition says, and the terms of which evaluating it can come to an error."""

    formula: Formula
    failing: frozenset[Term]


class Reading:
    """Reads the conditions of one program; what predicates say of equal arguments is read once."""

    def __init__(self, program: Program) -> None:
        """Read the conditions of a program without errors."""
        self._program = program
        self._tables = program.tables
        self._calls: dict[tuple[str, tuple[Term, ...]], Said] = {}
        self._bound = 0
        self._copies = 1
        self._failing: set[Term] = set()

    def read(self, expr: ast.Expr, names: Names | None = None) -> Said:
        """Return what a condition says, and the terms of which evaluating it can come to an error."""
        outer, self._failing = self._failing, set()
        found = Said(self.formula(expr, names), frozenset(self._failing))
        self._failing = outer
        return found

    def opened(self, expr: ast.Expr, names: Names) -> tuple[ast.Expr, Names] | None:
        """Return what a use of a `let` stands for, and what the names in it do; None for anything else."""
        if isinstance(expr, ast.Call):
            let: LetSymbol = self._tables.targets[expr.function]
            values = [self.term(a, names) for a in expr.arguments]
            return let.decl.body, dict(zip((n for n, _ in let.parameters or ()), values, strict=True))
        used = self._tables.targets.get(expr)
        return (used.decl.body, {}) if isinstance(expr, ast.Var) and isinstance(used, LetSymbol) else None

    # --- conditions

    def formula(self, expr: ast.Expr, names: Names | None = None) -> Formula:
        """Return what a condition says."""
        names = names or {}
        value = self._tables.constants.get(expr)
        if isinstance(value, bool):
            return TRUE if value else FALSE
        match expr:
            case ast.Not(operand):
                return negated(self.formula(operand, names))
            case ast.And(operands):
                return all_of(self.formula(o, names) for o in operands)
            case ast.Or(operands):
                return any_of(self.formula(o, names) for o in operands)
            case ast.Call(function, arguments):
                return self._call(self._tables.targets[function], [self.term(a, names) for a in arguments])
            case ast.Quantifier():
                return self._quantifier(expr, names)
            case ast.Binary(op, left, right):
                a, b = self.term(left, names), self.term(right, names)
                return self._noted(self._binary(op, a, b, right), (a, b))
            case ast.MethodCall(target, name, arguments):
                given = [self.term(x, names) for x in (target, *arguments)]
                return self._noted(self._method(self.term(expr, names), name.text, *given), given)
            case ast.Is(target, kind):
                entity = self.term(target, names)
                return self._noted(self._is(entity, self._tables.targets[kind]), (entity,))
            case ast.Holds(target, role):
                entity, symbol = self.term(target, names), cast(RoleSymbol, self._tables.targets[role])
                return self._noted(self._asked(entity, "holds", symbol.key), (entity,))
            case ast.Has(target, name):
                entity = self.term(target, names)
                return self._noted(self._has(entity, self._tables.types.get(target), name.text), (entity,))
        return self._noted(self._truth(self.term(expr, names)))

    def _noted(self, said: Formula, operands: Iterable[Term] = ()) -> Formula:
        """Note the terms of one test that can fail; of one that says nothing more about them, its operands."""
        failing = {literal.term for literal in literals(said) if literal.term.fails}
        self._failing |= failing or {term for term in operands if term.fails}
        return said

    def _truth(self, term: Term) -> Formula:
        if term.head == "formula":
            return cast(Formula, term.parts[0])
        if term.head == "const":
            return TRUE if term.parts[1] is True else FALSE
        return Fact(term)

    def _is(self, entity: Term, named: EntityType | TraitSymbol) -> Formula:
        types = frozenset({named.key}) if isinstance(named, EntityType) else frozenset(named.members)
        if self._always_one_of(entity, types):
            return TRUE
        test: Formula = Member(type_of(entity), Values(types))
        return all_of((Fact(DELEGATED), test)) if entity == root("delegator") else test

    def _always_one_of(self, value: Term, types: frozenset[str]) -> bool:
        """Whether an attribute is declared as nothing but some types, wherever there is one of its name.

        The type that the checker knows at one place will not do: what is read here is kept, and used at others.
        """
        if value.head != "attr" or not isinstance(cast(Term, value.parts[0]).kind, Entity):
            return False
        every = (kind.attributes.get(cast(str, value.parts[1])) for kind in self._program.types.values())
        declared = [symbol.type for symbol in every if symbol is not None]
        return bool(declared) and all(isinstance(kind, Entity) and kind.names <= types for kind in declared)

    def _asked(self, entity: Term, head: str, what: str) -> Formula:
        # What a reference leads to may be unknown to everybody; the request's own entities are known.
        looked_up = entity.head != "root" or (head == "has" and entity == root("approver"))
        followed = looked_up and isinstance(entity.kind, Entity)
        test = Fact(Term(head, (entity, what), BOOL, entity.fails or followed, entity.roots))
        return all_of((Fact(DELEGATED), test)) if entity == root("delegator") else test

    def _has(self, owner: Term, kind: Type | None, name: str) -> Formula:
        """Return what `has` asks; a request without a required attribute that is asked about is none."""
        if isinstance(kind, Bag) and name in kind.fields and not kind.fields[name].optional:
            return TRUE
        asked = self._asked(owner, "has", name)
        if not isinstance(kind, Entity) or owner not in (root("subject"), root("resource")):
            return asked
        declared = {key: self._program.types[key].attributes.get(name) for key in kind.names}
        required = frozenset(key for key, symbol in declared.items() if symbol is not None and not symbol.optional)
        optional = frozenset(key for key, symbol in declared.items() if symbol is not None and symbol.optional)
        if optional == kind.names:
            return asked
        if required == kind.names:
            return TRUE
        kind_of = type_of(owner)
        return any_of((Member(kind_of, Values(required)), all_of((Member(kind_of, Values(optional)), asked))))

    def _call(self, let: LetSymbol, arguments: list[Term]) -> Formula:
        key = (let.key, tuple(arguments))
        if key not in self._calls:
            names = dict(zip((n for n, _ in let.parameters or ()), arguments, strict=True))
            self._calls[key] = self.read(let.decl.body, names)
        called = self._calls[key]
        self._failing |= called.failing
        return called.formula

    def _quantifier(self, expr: ast.Quantifier, names: Names) -> Formula:
        domain = self.term(expr.domain, names)
        kind = self._tables.types.get(expr.domain)
        written = _written_out(domain, kind)
        if written is not None and len(written) * self._copies <= _MOST_COPIES:
            return self._one_by_one(expr, names, domain, written)
        self._bound += 1
        variable = Term("bound", (self._bound,), kind.element if isinstance(kind, SetOf) else None)
        body = self.read(expr.body, {**names, expr.variable.text: variable})
        self._bound -= 1
        listed = _without(body.formula, Term("element", (variable, domain)))
        said = listed if expr.kind == "any" else negated(listed)  # `all` is the negation of `any`
        fails = domain.fails or bool(body.failing)
        roots = domain.roots.union(*(literal.term.roots for literal in literals(said)))
        fact: Formula = Fact(Term("any", (domain, said), BOOL, fails, roots))
        self._noted(fact)
        if not satisfiable((said,)) or (domain.head == "const" and not domain.parts[1]):
            fact = FALSE
        return fact if expr.kind == "any" else negated(fact)

    def _one_by_one(self, expr: ast.Quantifier, names: Names, domain: Term, items: tuple[Term, ...]) -> Formula:
        """Return what a quantifier says of each member of a set that is written out."""
        self._failing |= {domain} if domain.fails else set()
        self._copies *= max(len(items), 1)
        said = [self.formula(expr.body, {**names, expr.variable.text: item}) for item in items]
        self._copies //= max(len(items), 1)
        return any_of(said) if expr.kind == "any" else all_of(said)

    # --- comparisons

    def _binary(self, op: str, a: Term, b: Term, right: ast.Expr) -> Formula:
        match op:
            case "==":
                return _equal(a, b)
            case "!=":
                return negated(_equal(a, b))
            case "<":
                return _below(a, b)
            case ">":
                return _below(b, a)
            case "<=":
                return negated(_below(b, a))
            case ">=":
                return negated(_below(a, b))
            case "in":
                return self._in(a, b, right)
            case "not in":
                return negated(self._in(a, b, right))
            case "like":
                # A constant pattern was compiled when it was checked.
                return _covered(a, "glob", b.parts[1] if b.head == "const" else None, b)
            case "within":
                return _within(a, b)
        raise AssertionError(f"no meaning of `{op}` as a condition")

    def _in(self, a: Term, b: Term, right: ast.Expr) -> Formula:
        if b.head == "set":
            return any_of(_equal(a, cast(Term, item)) for item in b.parts)
        if b.head == "const" and isinstance(b.parts[1], frozenset):
            return _listed(a, b.parts[1])
        kind = self._tables.types.get(right)
        head = "in" if isinstance(kind, Entity) else "element"
        fails = a.fails or b.fails or (head == "in" and a.head != "root")
        return Fact(Term(head, (a, b), BOOL, fails, a.roots | b.roots))

    def _method(self, term: Term, name: str, subject: Term, *given: Term) -> Formula:
        known = given[0].parts[1] if given and given[0].head == "const" else None
        if isinstance(known, str) and "*" not in known:
            glob = {"starts_with": f"{known}*", "ends_with": f"*{known}", "contains": f"*{known}*"}.get(name)
            if glob is not None:
                return _covered(subject, "glob", compile_glob(glob), given[0])
        if given and given[0] == subject and name in _OF_ITSELF:
            return TRUE
        if known == frozenset() and name in ("contains_all", "contains_any"):
            return TRUE if name == "contains_all" else FALSE
        return Fact(term)

    # --- values

    def term(self, expr: ast.Expr, names: Names) -> Term:
        """Return the term for a value."""
        kind = self._tables.types.get(expr)
        if expr in self._tables.constants:
            value = self._tables.constants[expr]
            if isinstance(expr, ast.EntityLit):
                value = entity_key(*value)
            return constant(value, kind)
        match expr:
            case ast.Var(name):
                return self._variable(expr, name, kind, names)
            case ast.Attribute(target, name):
                return self._attribute(expr, self.term(target, names), name.text, kind)
            case ast.SetLit(items):
                found = [self.term(i, names) for i in items]
                if all(t.head == "const" for t in found):
                    return constant(frozenset(t.parts[1] for t in found), kind)
                ordered = tuple(sorted(set(found), key=repr))
                return _made("set", ordered, kind, found)
            case ast.RecordLit(fields):
                values = [self.term(f.value, names) for f in fields]
                named = sorted(zip((f.name.text for f in fields), values, strict=True), key=lambda pair: pair[0])
                return _made("record", tuple(named), kind, values)
            case ast.Negate(operand):
                inner = self.term(operand, names)
                return _made("-", (inner,), kind, [inner], fails=True)
            case ast.Binary(op, left, right) if op in ("+", "-", "*"):
                pair = [self.term(left, names), self.term(right, names)]
                row = self._tables.targets.get(expr)
                if op in ("+", "*") and pair[0].kind == pair[1].kind:
                    pair.sort(key=repr)
                return _made(op, tuple(pair), kind, pair, fails=isinstance(row, Operator) and row.fails)
            case ast.MethodCall(target, name, arguments):
                parts = [self.term(x, names) for x in (target, *arguments)]
                builtin = self._tables.targets.get(expr)
                failing = isinstance(builtin, Builtin) and builtin.fails
                made = _made(f".{name.text}()", tuple(parts), kind, parts, fails=failing)
                known = parts[0].parts[1] if parts[0].head == "const" else None
                return constant(len(cast(Any, known)), kind) if made.head in LENGTHS and known is not None else made
        if isinstance(expr, ast.Call) and kind != BOOL and (opened := self.opened(expr, names)) is not None:
            return self.term(*opened)
        said = self.formula(expr, names)
        if said in (TRUE, FALSE):
            return constant(said == TRUE, BOOL)
        inside = [literal.term for literal in literals(said)]
        return inside[0] if said == Fact(inside[0]) else _made("formula", (said,), BOOL, inside)

    def _variable(self, expr: ast.Var, name: str, kind: Type | None, names: Names) -> Term:
        if name in names:
            return names[name]
        let = self._tables.targets.get(expr)
        if isinstance(let, LetSymbol):
            return self.term(let.decl.body, {})
        if name == "delegated":
            return DELEGATED
        return root(name, kind)

    def _attribute(self, expr: ast.Attribute, target: Term, name: str, kind: Type | None) -> Term:
        row = self._tables.targets.get(expr)
        if isinstance(row, Builtin):
            return Term("attr", (target, name), kind, target.fails or row.fails, target.roots)
        # Validated with the request are the attributes of its own parts; others are looked up, and may be unknown.
        followed = isinstance(target.kind, Entity) and (target.head != "root" or target.parts[0] == "approver")
        return Term("attr", (target, name), kind, target.fails or followed, target.roots)


def _made(head: str, parts: tuple[object, ...], kind: Type | None, of: list[Term], *, fails: bool = False) -> Term:
    roots = frozenset[str]().union(*(t.roots for t in of))
    return Term(head, parts, kind, fails or any(t.fails for t in of), roots)


def _equal(a: Term, b: Term) -> Formula:
    if a == b:
        return TRUE
    if a.head == "const" and b.head == "const":
        return TRUE if a.parts[1] == b.parts[1] else FALSE
    if a.head == "const":
        a, b = b, a
    if b.head == "const":
        if b.kind == BOOL and a.kind == BOOL:
            said = _said_by(a)
            return said if b.parts[1] is True else negated(said)
        return _listed(a, frozenset({b.parts[1]}))
    if a.kind == BOOL and b.kind == BOOL and not {a.head, b.head} <= {"attr", "bound"}:
        one, other = _said_by(a), _said_by(b)
        if _size(one) + _size(other) <= _MOST_EXPANDED:
            return any_of((all_of((one, other)), all_of((negated(one), negated(other)))))
    first, second = sorted((a, b), key=repr)
    return Fact(_made("==", (first, second), BOOL, [a, b]))


def _said_by(truth: Term) -> Formula:
    """Return a value of truth as a formula."""
    return cast(Formula, truth.parts[0]) if truth.head == "formula" else Fact(truth)


def _size(said: Formula) -> int:
    """Return how many literals and joints a formula has, counted no further than matters here."""
    count, stack = 0, [said]
    while stack and count <= _MOST_EXPANDED:
        current = stack.pop()
        count += 1
        if isinstance(current, All | AnyOf):
            stack.extend(current.parts)
    return count


def _written_out(domain: Term, kind: Type | None) -> tuple[Term, ...] | None:
    """Return the members of a set that is written out, None for any other."""
    if domain.head == "set":
        return cast("tuple[Term, ...]", domain.parts)
    if domain.head == "const" and isinstance(domain.parts[1], frozenset) and isinstance(kind, SetOf):
        return tuple(constant(value, kind.element) for value in sorted(domain.parts[1], key=repr))
    return None


def _without(said: Formula, granted: Term) -> Formula:
    """Return what a formula says once something is known to hold."""
    match said:
        case All(parts):
            return all_of(_without(part, granted) for part in parts)
        case AnyOf(parts):
            return any_of(_without(part, granted) for part in parts)
        case Fact(term, holds) if term == granted:
            return TRUE if holds else FALSE
    return said


def _listed(a: Term, values: frozenset[Any]) -> Formula:
    if a.head == "const":
        return TRUE if a.parts[1] in values else FALSE
    if not values:
        return FALSE
    if a.kind == BOOL:
        return any_of(Fact(a, value) for value in values)
    domain: Domain = numbers(values) if a.kind in NUMERIC else Values(values)
    return Member(a, domain)


def _below(a: Term, b: Term) -> Formula:
    """Return that one ordered value is less than another."""
    if a == b:
        return FALSE
    if a.head == "const" and b.head == "const":
        return TRUE if cast(int, a.parts[1]) < cast(int, b.parts[1]) else FALSE
    if b.head == "const" and isinstance(b.parts[1], int):
        return Member(a, between(None, b.parts[1] - 1))
    if a.head == "const" and isinstance(a.parts[1], int):
        return Member(b, between(a.parts[1] + 1, None))
    return Fact(_made("<", (a, b), BOOL, [a, b]))


def _covered(a: Term, kind: str, pattern: Any, b: Term) -> Formula:
    if pattern is None:
        return Fact(_made(kind, (a, b), BOOL, [a, b]))
    covered = Covered(cast(Any, kind), pattern)
    if a.head == "const":
        return TRUE if covered.holds(a.parts[1]) else FALSE
    if kind == "glob" and len(pattern) == 1:
        return Member(a, Values(frozenset(pattern)))
    if kind == "glob" and not any(pattern):
        return TRUE
    return Member(a, covered)


def _within(a: Term, b: Term) -> Formula:
    if a == b:
        return TRUE
    if b.head == "set":
        return any_of(_within(a, cast(Term, item)) for item in b.parts)
    if b.head != "const":
        return Fact(_made("within", (a, b), BOOL, [a, b]))
    places = b.parts[1]
    if isinstance(places, frozenset):
        return any_of(_within(a, constant(place, None)) for place in sorted(places, key=repr))
    if a.kind == IP:
        low, high = cast(tuple[int, int], places)
        return Member(a, between(low, high))
    return _covered(a, "path" if a.kind == PATH else "host", places, b)
