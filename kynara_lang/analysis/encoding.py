"""Checked conditions as solver terms: for each, its value and whether evaluating it is an error.

Evaluation order counts, because it decides which errors happen: `and` and `or` stop early, a quantifier looks at every
element, a predicate's argument is evaluated where its parameter stands. What has no counterpart in the solver becomes
an unconstrained value, and the universe is no longer exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from attrs import field, frozen

from ..checker.symbols import AttributeSymbol, EntityType, LetSymbol, Program, TraitSymbol
from ..semantics import times
from ..semantics.numbers import INT_MAX, INT_MIN, SCALE
from ..semantics.operators import WEEKDAY, Builtin
from ..semantics.times import TIME_MAX, TIME_MIN
from ..semantics.types import BOOL, DECIMAL, ERROR, HOST, INT, IP, PATH, STRING, TIME, Entity, SetOf, Type
from ..syntax import ast
from .keys import part_of, presence
from .solver import Term, readable
from .universe import Fields, Mention, Optional, Scalar, Unencodable, Universe, Value, attributes_of

_HOUR = 3_600 * 10**9
_EPOCH_WEEKDAY = times.WEEKDAYS.index("thursday")  # of 1970-01-01
PLAIN_WEEK = 1_796_083_200 * 10**9
"""The first instant of 2026-12-01 UTC: in the week from there, zones are as far from UTC at its end as at its start."""


@frozen(eq=False)
class Bag:
    """`args`, `context` or `delegation`: names to read, not a value. `terms` are those that are known already."""

    path: str
    fields: Mapping[str, AttributeSymbol]
    terms: Mapping[str, Term] = field(factory=dict)


@frozen(eq=False)
class Encoded:
    """A value, and whether evaluating it is an error; then the value means nothing."""

    value: Value
    error: Term


Binding = Encoded | Bag
Names = Mapping[str, Binding]


class Encoder:
    """Encodes the conditions of one program in a universe.

    `delegated` is whether there is a delegator, for the link that the names of a condition belong to.
    """

    def __init__(self, universe: Universe, program: Program, delegated: Term) -> None:
        """Work on a program without errors."""
        self.universe = universe
        self.smt = universe.smt
        self._program = program
        self._tables = program.tables
        self._delegated = delegated
        self._depth = 0  # of quantifiers around: each has a name of its own for any element

    # --- conditions

    def condition(self, expr: ast.Expr, names: Names) -> tuple[Term, Term]:
        """Return whether a condition is true, and whether evaluating it is an error."""
        try:
            found = self.encode(expr, names)
            return self.universe.term(found.value), found.error
        except Unencodable:
            return self.universe.unknown("condition"), self.universe.unknown("error")

    def encode(self, expr: ast.Expr, names: Names) -> Encoded:
        """Return an expression encoded; raises Unencodable."""
        if expr in self._tables.constants:
            value = self._tables.constants[expr]
            return Encoded(self.universe.constant(value, self._kind(expr), self._program), self.smt.false)
        match expr:
            case ast.Var(name):
                return self._variable(expr, name, names)
            case ast.Attribute():
                return self._attribute(expr, names)
            case ast.Not(operand):
                value, error = self.condition(operand, names)
                return self._truth(self.smt.no(value), error)
            case ast.And(operands):
                return self._junction(operands, names, stops=False)
            case ast.Or(operands):
                return self._junction(operands, names, stops=True)
            case ast.Negate(operand):
                inner = self.encode(operand, names)
                minus = self.smt.subtract(self.smt.number(0), self.universe.term(inner.value))
                return self._checked(minus, self._kind(expr), inner.error)
            case ast.SetLit(items):
                return self._set(expr, items, names)
            case ast.RecordLit():
                return self._record(expr, names)
            case ast.Binary(op, left, right):
                return self._binary(expr, op, left, right, names)
            case ast.Has(target, name):
                return self._has(target, name.text, names)
            case ast.Is(target, kind):
                return self._is(target, self._tables.targets[kind], names)
            case ast.Holds(target, role):
                return self._holds(target, self._tables.targets[role].key, names)
            case ast.Call(function, arguments):
                return self._call(self._tables.targets[function], arguments, names)
            case ast.MethodCall(target, name, arguments):
                return self._method(expr, target, name.text, arguments, names)
            case ast.Quantifier():
                return self._quantifier(expr, names)
        raise Unencodable(type(expr).__name__)

    def _truth(self, term: Term, *errors: Term) -> Encoded:
        return Encoded(Scalar(term, BOOL), self.smt.either(*errors))

    def _kind(self, expr: ast.Expr) -> Type:
        return self._tables.types.get(expr, ERROR)

    # --- names

    def _variable(self, expr: ast.Var, name: str, names: Names) -> Encoded:
        if name == "delegated" and name not in names:
            return self._truth(self._delegated)
        bound = names.get(name)
        if isinstance(bound, Encoded):
            return bound
        let = self._tables.targets.get(expr)
        if isinstance(let, LetSymbol):
            return self.encode(let.decl.body, {})
        raise Unencodable(name)

    def _attribute(self, expr: ast.Attribute, names: Names) -> Encoded:
        if isinstance(expr.target, ast.Var) and isinstance(bag := names.get(expr.target.name), Bag):
            return self._of_bag(bag, expr.name.text)
        target = self.encode(expr.target, names)
        row = self._tables.targets.get(expr)
        if isinstance(row, Builtin):
            return self._part(target, row.name)
        if isinstance(target.value, Fields):
            found = target.value.fields.get(expr.name.text)
            if found is None:
                raise Unencodable(expr.name.text)
            return Encoded(found.value, target.error)
        if not isinstance(target.value, Mention):
            raise Unencodable(expr.name.text)
        kind = self._kind(expr.target)
        types = target.value.types
        if isinstance(kind, Entity):
            types = frozenset(self._program.types[key].external for key in kind.names) & types or types
        symbols = attributes_of(self._program, types, expr.name.text)
        if not symbols:
            raise Unencodable(expr.name.text)
        read = self.universe.read(target.value, symbols, self._program)
        return Encoded(read.value, self.smt.either(target.error, self._untold(target.value, read.present)))

    def _untold(self, mention: Mention, *present: Term) -> Term:
        """Return whether what is asked of an entity is not known: nobody knows it, or not this."""
        if mention.known is None:
            return self.smt.false  # validated with the request, or proved to be present
        return self.smt.no(self.smt.both(mention.known, *present))

    def _of_bag(self, bag: Bag, name: str) -> Encoded:
        if name in bag.terms:
            return Encoded(Scalar(bag.terms[name], INT), self.smt.false)
        symbol = bag.fields.get(name)
        if symbol is None:
            raise Unencodable(name)
        path = part_of(bag.path, symbol.external)
        return Encoded(self.universe.make(path, symbol.type, self._program), self.smt.false)

    def _part(self, target: Encoded, name: str) -> Encoded:
        """Return a part of a URL, an address or a path."""
        smt, term = self.smt, self.universe.term(target.value)
        match name:
            case "scheme" | "host" | "path":
                index, kind = {"scheme": (0, STRING), "host": (1, HOST), "path": (3, PATH)}[name]
                return Encoded(Scalar(smt.component(term, index), kind), target.error)
            case "port":
                port = smt.component(term, 2)
                return Encoded(Scalar(port, INT), smt.either(target.error, smt.equal(port, smt.number(0))))
            case "domain":
                return Encoded(Scalar(smt.after(term, "@"), HOST), target.error)
            case "name" | "suffix":
                return Encoded(Scalar(self._end_of_path(term, name), STRING), target.error)
        raise Unencodable(name)

    def _end_of_path(self, path: Term, what: str) -> Term:
        smt = self.smt
        folder, name = (self.universe.fresh(f"path {part}", smt.string) for part in ("folder", "name"))
        whole = smt.either(
            smt.equal(path, smt.join(folder, smt.text("/"), name)),
            smt.both(smt.equal(path, name), smt.no(smt.equal(path, smt.text(".")))),
            smt.both(smt.equal(path, smt.text(".")), smt.equal(name, smt.text(""))),
        )
        self.universe.valid += [whole, smt.no(smt.contains(name, smt.text("/")))]
        if what == "name":
            return name
        stem, suffix = (self.universe.fresh(f"path {part}", smt.string) for part in ("stem", "suffix"))
        none = smt.equal(suffix, smt.text(""))
        self.universe.valid += [smt.equal(name, smt.join(stem, suffix)), smt.either(none, self._ending(stem, suffix))]
        # Without a suffix there is no dot but at the start or the end.
        self.universe.valid.append(smt.implies(none, smt.no(smt.matches(name, self._dotted()))))
        return suffix

    def _ending(self, stem: Term, suffix: Term) -> Term:
        smt = self.smt
        return smt.both(
            smt.starts(suffix, smt.text(".")),
            smt.no(smt.contains(smt.after(suffix, "."), smt.text("."))),
            smt.less(smt.number(1), smt.length(suffix)),
            smt.no(smt.matches(stem, smt.many(smt.exactly(".")))),
        )

    def _dotted(self) -> Term:
        smt = self.smt
        other = smt.letters([("\x00", "-"), ("/", "\U0002fa1f")])
        start = smt.sequence(smt.many(smt.exactly(".")), other, smt.anything)
        return smt.sequence(start, smt.exactly("."), smt.some(other))

    # --- truth

    def _junction(self, operands: Iterable[ast.Expr], names: Names, *, stops: bool) -> Encoded:
        """Encode `and` (which stops at what is false) or `or` (which stops at what is true)."""
        smt = self.smt
        value, error, goes_on = smt.truth(not stops), smt.false, smt.true
        for operand in operands:
            if goes_on == smt.false:
                break  # decided by the types: what follows may read what these types do not have
            mine, wrong = self.condition(operand, names)
            error = smt.either(error, smt.both(goes_on, wrong))
            value = smt.either(value, mine) if stops else smt.both(value, mine)
            goes_on = smt.both(goes_on, smt.no(wrong), smt.no(mine) if stops else mine)
        return self._truth(value, error)

    def _call(self, let: LetSymbol, arguments: Iterable[ast.Expr], names: Names) -> Encoded:
        bound: dict[str, Binding] = {"context": names["context"]} if "context" in names else {}
        for (name, _), argument in zip(let.parameters or (), arguments, strict=True):
            bound[name] = self.encode(argument, names)
        return self.encode(let.decl.body, bound)

    def _quantifier(self, expr: ast.Quantifier, names: Names) -> Encoded:
        """Encode a quantifier over a set: exactly where its elements are written out, else from both sides.

        Of a set that is unknown, what holds for some element holds for a fresh one; a plain witness has all its
        elements in a small pool, so there the answer is exact. Quantifiers share their answer, and that element, where
        they say the same of the same set, and nowhere else.
        """
        domain = self.encode(expr.domain, names)
        if isinstance(expr.domain, ast.SetLit):
            return self._over(expr, self._listed(expr.domain, names), names, domain.error)
        kind = self._kind(expr.domain)
        if not isinstance(domain.value, Scalar) or not isinstance(kind, SetOf) or not domain.value.path:
            raise Unencodable("a set that is computed")
        # What the body says of any element tells it from every other: terms show whatever its names are bound to.
        any_element = self.universe.make(f"{domain.value.path}[each {self._depth}]", kind.element, self._program)
        said = (expr.kind, domain.value.term, *self._body(expr, any_element, names))
        known = self.universe.quantified.get(said)
        if known is None:
            known = self.universe.quantified[said] = self._unknown_set(expr, domain.value, kind, names)
        held, wrong = known
        return self._truth(held, domain.error, wrong)

    def _listed(self, domain: ast.SetLit, names: Names) -> list[tuple[Term, Encoded]]:
        """Return the elements of a set that is written out, each with whether it is one.

        Of two that are one entity the first is; what the second, which may tell another part, says does not count.
        """
        items = [self.encode(item, names) for item in domain.items]
        entities = [i.value.key if isinstance(i.value, Mention) else None for i in items]
        return [
            (self.smt.no(self.smt.either(*(self.smt.equal(key, e) for e in entities[:at] if key and e))), item)
            for at, (key, item) in enumerate(zip(entities, items, strict=True))
        ]

    def _unknown_set(self, expr: ast.Quantifier, domain: Scalar, kind: SetOf, names: Names) -> tuple[Term, Term]:
        """Return whether a quantifier over an unknown set holds, and whether evaluating it is an error."""
        smt, of = self.smt, domain.term
        pool = self.universe.pool(domain, self._program)
        inside = [(smt.element(self.universe.term(item), of), Encoded(item, smt.false)) for item in pool]
        near = self._over(expr, inside, names, smt.false)
        held = self.universe.fresh("quantified")
        wrong = self.universe.fresh("error")
        self.universe.inexact()
        self.universe.plain += [smt.equal(held, self.universe.term(near.value)), smt.equal(wrong, near.error)]
        # An element of its own: what two quantifiers find in one set need not be the same.
        some = self.universe.some_element(domain, self._program)
        body, bad = self._body(expr, some, names)
        within = smt.element(self.universe.term(some), of)
        empty = smt.equal(of, smt.empty(self.universe.sort(kind)))
        if expr.kind == "any":
            self.universe.valid.append(smt.implies(held, smt.both(within, smt.either(body, bad))))
            self.universe.valid.append(smt.implies(empty, smt.no(held)))
        else:
            self.universe.valid.append(smt.implies(smt.no(held), smt.both(within, smt.either(smt.no(body), bad))))
            self.universe.valid.append(smt.implies(empty, held))
        self.universe.valid.append(smt.implies(empty, smt.no(wrong)))
        return held, wrong

    def _body(self, expr: ast.Quantifier, item: Value, names: Names) -> tuple[Term, Term]:
        """Return the body for an element, and whether that is an error."""
        self._depth += 1
        try:
            return self.condition(expr.body, {**names, expr.variable.text: Encoded(item, self.smt.false)})
        finally:
            self._depth -= 1

    def _over(self, expr: ast.Quantifier, items: list[tuple[Term, Encoded]], names: Names, *errors: Term) -> Encoded:
        smt = self.smt
        held, wrong = [], list(errors)
        for inside, item in items:
            body, bad = self._body(expr, item.value, names)
            held.append(smt.both(inside, body) if expr.kind == "any" else smt.implies(inside, body))
            wrong.append(smt.both(inside, smt.either(bad, item.error)))
        return self._truth(smt.either(*held) if expr.kind == "any" else smt.both(*held), *wrong)

    # --- entities

    def _has(self, target: ast.Expr, name: str, names: Names) -> Encoded:
        smt = self.smt
        if isinstance(target, ast.Var) and isinstance(bag := names.get(target.name), Bag):
            symbol = bag.fields.get(name)
            if symbol is None:
                return self._truth(smt.false)
            name = presence(part_of(bag.path, symbol.external))
            return self._truth(smt.variable(name, smt.bool) if symbol.optional else smt.true)
        found = self.encode(target, names)
        if isinstance(found.value, Fields):
            return self._truth(found.value.fields[name].present, found.error)
        if not isinstance(found.value, Mention):
            raise Unencodable("has")
        mention, untold = found.value, self._untold(found.value)
        there = []
        for kind in sorted(mention.types):
            symbol = self._program.by_external[kind].attributes.get(name)
            if symbol is not None:
                read = self.universe.attribute(mention, symbol, self._program)
                there.append(smt.both(self.universe.of_type(mention, {kind}), read.present))
        return self._truth(smt.either(*there), found.error, untold)

    def _is(self, target: ast.Expr, named: EntityType | TraitSymbol, names: Names) -> Encoded:
        found = self.encode(target, names)
        if not isinstance(found.value, Mention):
            raise Unencodable("is")
        keys = {named.key} if isinstance(named, EntityType) else named.members
        types = frozenset(self._program.types[key].external for key in keys)
        return self._truth(self.smt.both(self._there(target), self.universe.of_type(found.value, types)), found.error)

    def _there(self, target: ast.Expr) -> Term:
        """Return whether who is asked about is there at all: the delegator may not be."""
        return self._delegated if isinstance(target, ast.Var) and target.name == "delegator" else self.smt.true

    def _holds(self, target: ast.Expr, role: str, names: Names) -> Encoded:
        found = self.encode(target, names)
        if not isinstance(found.value, Mention):
            raise Unencodable("holds")
        held = self.universe.role(found.value, role, self._program)
        untold = self.smt.both(self._there(target), self._untold(found.value))
        return self._truth(self.smt.both(self._there(target), held), found.error, untold)

    # --- operators

    def _set(self, expr: ast.SetLit, items: Iterable[ast.Expr], names: Names) -> Encoded:
        kind = self._kind(expr)
        found = [self.encode(item, names) for item in items]
        terms = [self.universe.term(f.value) for f in found]
        if not isinstance(kind, SetOf):
            raise Unencodable("set")
        made = self.smt.collection(terms, self.universe.sort(kind))
        return Encoded(Scalar(made, kind), self.smt.either(*(f.error for f in found)))

    def _record(self, expr: ast.RecordLit, names: Names) -> Encoded:
        found = {f.name.text: self.encode(f.value, names) for f in expr.fields}
        made = Fields({name: Optional(self.smt.true, f.value) for name, f in found.items()})
        return Encoded(made, self.smt.either(*(f.error for f in found.values())))

    def _binary(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr, names: Names) -> Encoded:
        if op == "within":
            return self._within(left, right, names)
        if op == "like":
            return self._like(self.encode(left, names), self._tables.constants.get(right))
        a = self.encode(left, names)
        if op in ("in", "not in"):
            held = self._in(a, right, names)
            value = self.universe.term(held.value)
            return self._truth(self.smt.no(value) if op == "not in" else value, held.error)
        b = self.encode(right, names)
        if op in ("==", "!="):
            same = self.universe.equal(a.value, b.value)
            return self._truth(same if op == "==" else self.smt.no(same), a.error, b.error)
        x, y = self.universe.term(a.value), self.universe.term(b.value)
        smt = self.smt
        match op:
            case "<":
                return self._truth(smt.less(x, y), a.error, b.error)
            case ">":
                return self._truth(smt.less(y, x), a.error, b.error)
            case "<=":
                return self._truth(smt.at_most(x, y), a.error, b.error)
            case ">=":
                return self._truth(smt.at_most(y, x), a.error, b.error)
        errors = smt.either(a.error, b.error)
        kind = self._kind(expr)
        if op == "*" and self._kind(left) == self._kind(right) == DECIMAL:
            product = smt.multiply(x, y)
            inexact = smt.no(smt.equal(smt.remainder(product, SCALE), smt.number(0)))
            return self._checked(smt.quotient(product, SCALE), kind, smt.either(errors, inexact))
        made = {"+": smt.add, "-": smt.subtract, "*": smt.multiply}[op](x, y)
        return self._checked(made, kind, errors)

    def _checked(self, term: Term, kind: Type, error: Term) -> Encoded:
        low, high = (TIME_MIN, TIME_MAX) if kind == TIME else (INT_MIN, INT_MAX)
        return Encoded(Scalar(term, kind), self.smt.either(error, self.smt.no(self.smt.between(low, term, high))))

    def _in(self, a: Encoded, right: ast.Expr, names: Names) -> Encoded:
        smt = self.smt
        if isinstance(right, ast.SetLit):
            items = [self.encode(item, names) for item in right.items]
            same = [self.universe.equal(a.value, item.value) for item in items]
            return self._truth(smt.either(*same), a.error, *(item.error for item in items))
        b = self.encode(right, names)
        if isinstance(b.value, Mention):
            if not isinstance(a.value, Mention):
                raise Unencodable("in")
            held = self.universe.within(a.value, b.value, self._program)
            return self._truth(held, a.error, b.error, self._untold(a.value))
        return self._truth(smt.element(self.universe.term(a.value), self.universe.term(b.value)), a.error, b.error)

    def _like(self, a: Encoded, parts: Any) -> Encoded:
        if not isinstance(parts, tuple) or not all(map(readable, parts)):
            raise Unencodable("like")
        smt, term = self.smt, self.universe.term(a.value)
        if len(parts) == 1:
            return self._truth(smt.equal(term, smt.text(parts[0])), a.error)
        pieces = [smt.exactly(parts[0])]
        for part in parts[1:]:
            pieces += [smt.anything, smt.exactly(part)]
        return self._truth(smt.matches(term, smt.sequence(*pieces)), a.error)

    def _within(self, left: ast.Expr, right: ast.Expr, names: Names) -> Encoded:
        a = self.encode(left, names)
        kind = self._kind(left)
        if isinstance(right, ast.SetLit):
            places: list[Any] = [self._place(item, kind, names) for item in right.items]
        elif isinstance(value := self._tables.constants.get(right), frozenset):
            places = [self._known_place(v, kind) for v in sorted(value, key=repr)]
        elif isinstance(self._kind(right), SetOf):
            raise Unencodable("within a set that is not written out")
        else:
            places = [self._place(right, kind, names)]
        term = self.universe.term(a.value)
        held = [self._inside(term, place, kind) for place, _ in places]
        return self._truth(self.smt.either(*held), a.error, *(error for _, error in places))

    def _place(self, expr: ast.Expr, kind: Type, names: Names) -> tuple[Any, Term]:
        if expr in self._tables.constants:
            return self._known_place(self._tables.constants[expr], kind)
        let = self._tables.targets.get(expr)
        if kind == IP and isinstance(let, LetSymbol):
            return self._place(let.decl.body, kind, {})
        found = self.encode(expr, names)
        return self.universe.term(found.value), found.error

    def _known_place(self, value: Any, kind: Type) -> tuple[Any, Term]:
        return (value if kind == IP else self.smt.text(value)), self.smt.false

    def _inside(self, term: Term, place: Any, kind: Type) -> Term:
        smt = self.smt
        if kind == IP:
            low, high = cast(tuple[int, int], place)
            return smt.between(low, term, high)
        if kind == HOST:
            return smt.either(smt.equal(term, place), smt.ends(term, smt.join(smt.text("."), place)))
        rooted = smt.starts(term, smt.text("/"))
        below = smt.starts(term, smt.join(place, smt.text("/")))
        here = smt.choose(smt.equal(place, smt.text(".")), smt.no(rooted), below)
        return smt.either(smt.equal(term, place), smt.choose(smt.equal(place, smt.text("/")), rooted, here))

    # --- methods

    def _method(
        self, expr: ast.MethodCall, target: ast.Expr, name: str, arguments: Iterable[ast.Expr], names: Names
    ) -> Encoded:
        smt = self.smt
        a = self.encode(target, names)
        if name in ("hour", "weekday"):
            return self._clock(a, name, self._tables.constants[next(iter(arguments))])
        given = [self.encode(argument, names) for argument in arguments]
        x, *others = (self.universe.term(e.value) for e in (a, *given))
        errors = [e.error for e in (a, *given)]
        match name:
            case "starts_with":
                return self._truth(smt.starts(x, others[0]), *errors)
            case "ends_with":
                return self._truth(smt.ends(x, others[0]), *errors)
            case "contains":
                return self._truth(smt.contains(x, others[0]), *errors)
            case "contains_all":
                return self._truth(smt.subset(others[0], x), *errors)
            case "contains_any":
                meet = smt.shared(x, others[0])
                return self._truth(smt.no(smt.equal(meet, smt.empty(meet.getSort()))), *errors)
            case "length":
                return Encoded(Scalar(smt.length(x), INT), a.error)
            case "size":
                return Encoded(Scalar(smt.size(x), INT), a.error)
            case "lower":
                return Encoded(Scalar(smt.lower(x), STRING), a.error)
        raise Unencodable(name)

    def _clock(self, a: Encoded, name: str, place: ZoneInfo) -> Encoded:
        """Encode what clocks show: exactly for UTC; elsewhere exactly in the week of plain witnesses."""
        smt, term = self.smt, self.universe.term(a.value)
        offset = datetime.fromtimestamp(PLAIN_WEEK // 10**9, place).utcoffset() or timedelta()
        local = smt.add(term, smt.number(int(offset.total_seconds()) * 10**9))
        if name == "hour":
            shown, kind, sort = smt.remainder(smt.quotient(local, _HOUR), 24), cast(Type, INT), smt.int
        else:
            number = smt.remainder(smt.add(smt.quotient(local, 24 * _HOUR), smt.number(_EPOCH_WEEKDAY)), 7)
            shown, kind, sort = smt.text(times.WEEKDAYS[0]), WEEKDAY, smt.string
            for index, text in enumerate(times.WEEKDAYS[1:], 1):
                shown = smt.choose(smt.equal(number, smt.number(index)), smt.text(text), shown)
        if place.key == "UTC":
            return Encoded(Scalar(shown, kind), a.error)
        free = smt.variable(f"{name} of {term} in {place.key}", sort)
        error = self.universe.fresh(f"{name} error")  # at the ends of time
        possible = [smt.number(h) for h in range(24)] if name == "hour" else [smt.text(d) for d in times.WEEKDAYS]
        self.universe.valid.append(smt.either(*(smt.equal(free, one) for one in possible)))
        self.universe.plain += [
            smt.between(PLAIN_WEEK, term, PLAIN_WEEK + 7 * 24 * _HOUR - 1),
            smt.equal(free, shown),
            smt.no(error),
        ]
        self.universe.inexact()
        return Encoded(Scalar(free, kind), smt.either(a.error, error))
