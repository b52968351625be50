"""Expressions reduced by what is known of a request: to a value, to an error, or to what is left to be known.

The evaluation is that of the language: `and` and `or` stop early, a quantifier looks at every element, a predicate's
argument is evaluated where its parameter stands. Where something is unknown, every outcome that is possible is kept:
what a reduced condition excludes can come of no request that agrees with what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import define, evolve

from ..checker.symbols import AttributeSymbol, EntityType, LetSymbol, Program, TraitSymbol
from ..semantics.display import display, display_text
from ..semantics.entity import Entity
from ..semantics.missing import MISSING
from ..semantics.operators import Builtin
from ..semantics.problems import EvaluationError
from ..semantics.types import BOOL, ERROR, STRING, Record, SetOf, Type
from ..semantics.types import Entity as EntityOf
from ..syntax import ast
from .arithmetic import CONTRARY, compute, method
from .knowledge import ATOM, LEVELS, UNKNOWN, Found, Items, Known, Lookup, Made, Someone, described, plain

_ASKED = ("has", "is", "holds")
MOST_ELEMENTS = 50
"""Sets with more elements are quantified over without looking at each."""


@define(eq=False)
class Bound:
    """What a name stands for: an expression with names of its own, reduced when it is first needed."""

    expr: ast.Expr
    names: Names
    found: Found | None = None


@define(eq=False)
class Bag:
    """`args` or `context`: what is declared, what of it is known, and whether the rest is known to be absent."""

    name: str
    declared: Mapping[str, AttributeSymbol]
    values: Mapping[str, Any]
    whole: bool


Binding: TypeAlias = Found | Bound | Bag
Names: TypeAlias = Mapping[str, Binding]


def nobody() -> Found:
    """Return what `delegator` is where the subject acts for nobody."""
    return Found("delegator", value=None)


class Reducer:
    """Reduces conditions of one program by what is known of one request."""

    def __init__(self, program: Program, known: Known, lookup: Lookup | None = None) -> None:
        """Take what is known; `lookup` is what a store knows of entities, None where there may be any store."""
        self.program, self.known = program, known
        self._tables = program.tables
        self._lookup = lookup
        self._up: dict[str, frozenset[str]] = {}
        action = program.actions[known.action]
        self.delegated = Found("delegated", reads=frozenset({"delegated"}))
        if known.delegated is not None:
            self.delegated = Found(str(known.delegated).lower(), value=known.delegated)
        depth = Found("delegation.depth", LEVELS["."], reads=frozenset({"delegation.depth"}))
        self._depth = depth if known.depth is None else Found(str(known.depth), value=known.depth)
        everyone = frozenset(key for key, kind in program.types.items() if kind.kind == "subject")
        delegator = nobody()
        if known.delegated is not False:
            delegator = self.whom(known.delegator or Someone("delegator", everyone, own=True))
        actor = known.actor or (known.subject if known.delegated is False else Someone("actor", everyone, own=True))
        self.names: Names = {
            "subject": self.whom(known.subject),
            "resource": self.whom(known.resource),
            "args": Bag("args", action.parameters, known.arguments, known.all_arguments),
            "context": Bag("context", program.context, known.context, known.all_context),
            "delegator": delegator,
            "actor": self.whom(actor),
        }

    # --- values

    def whom(self, entity: Someone) -> Found:
        """Return an entity as a value."""
        if entity.key is not None and not entity.own:
            return Found(self._literal(entity), value=entity)
        return Found(entity.name, value=entity, reads=frozenset() if entity.key else frozenset({entity.name}))

    def _literal(self, entity: Someone) -> str:
        return f"{self.program.types[min(entity.types)].name}::{display_text(entity.id or '')}"

    def _value(self, value: Any, kind: Type) -> Found:
        """Return a known value."""
        if isinstance(value, Entity):
            return self.whom(described(value, ""))
        return Found(display(value, kind), value=value)

    def _unknown(
        self, text: str, kind: Type, *, fails: bool = False, level: int = 8, made: Made | None = None
    ) -> Found:
        value: Any = Someone(text, kind.names) if isinstance(kind, EntityOf) else UNKNOWN
        return Found(text, level, value, fails=fails, reads=frozenset({text}), made=made)

    def _kind(self, expr: ast.Expr) -> Type:
        return self._tables.types.get(expr, ERROR)

    # --- expressions

    def reduce(self, expr: ast.Expr, names: Names | None = None) -> Found:
        """Return what becomes of an expression."""
        names = self.names if names is None else names
        if expr in self._tables.constants:
            return self._constant(expr)
        match expr:
            case ast.Var(name):
                return self._variable(expr, name, names)
            case ast.Attribute():
                return self._attribute(expr, names)
            case ast.Not(operand):
                return opposite(self.reduce(operand, names))
            case ast.And(operands):
                return junction("and", (self.reduce_in_turn(operands, names, stop=False)))
            case ast.Or(operands):
                return junction("or", (self.reduce_in_turn(operands, names, stop=True)))
            case ast.Negate(operand):
                found = self.reduce(operand, names)
                return self._computed("minus", expr, f"-{found.at(LEVELS['minus'])}", [found], [self._kind(operand)])
            case ast.SetLit(items):
                return self._set([self.reduce(item, names) for item in items])
            case ast.RecordLit(fields):
                return self._record(expr, fields, names)
            case ast.Binary():
                return self._binary(expr, names)
            case ast.Has(target, name):
                return self._has(expr, target, name.text, names)
            case ast.Is(target, kind):
                return self._is(self.reduce(target, names), target, self._tables.targets[kind])
            case ast.Holds(target, role):
                return self._holds(self.reduce(target, names), self._tables.targets[role].key)
            case ast.Call(function, arguments):
                return self._call(self._tables.targets[function], arguments, names)
            case ast.MethodCall(target, name, arguments):
                return self._method(expr, target, name.text, arguments, names)
            case ast.Quantifier():
                return self._quantifier(expr, names)
        raise AssertionError(f"no reduction of {type(expr).__name__}")

    def reduce_in_turn(self, operands: Iterable[ast.Expr], names: Names, *, stop: bool) -> list[Found]:
        """Return what becomes of operands; those behind one that surely ends the evaluation are not looked at."""
        found = []
        for operand in operands:
            found.append(self.reduce(operand, names))
            if found[-1].failed or found[-1].value is stop:
                break
        return found

    def _constant(self, expr: ast.Expr) -> Found:
        value = self._tables.constants[expr]
        if isinstance(expr, ast.EntityLit):
            return self.entity(*value)
        kind = self._kind(expr)
        if kind == STRING and not isinstance(value, str):  # a compiled pattern, or a time zone
            return Found(display_text("*".join(value) if isinstance(value, tuple) else str(value)), value=value)
        return self._value(value, kind)

    def entity(self, kind: str, identity: str) -> Found:
        """Return the entity that a literal names, with what a store knows of it."""
        stored = self._lookup(kind, identity) if self._lookup else None
        if stored is not None:
            return self.whom(described(stored, ""))
        return self.whom(Someone("", frozenset({kind}), identity, told=None if self._lookup is None else False))

    def _variable(self, expr: ast.Var, name: str, names: Names) -> Found:
        if name == "delegated" and name not in names:
            return self.delegated
        bound = names.get(name)
        if isinstance(bound, Bound):
            if bound.found is None:
                bound.found = self.reduce(bound.expr, bound.names)
            return bound.found
        if isinstance(bound, Found):
            return bound
        let = self._tables.targets.get(expr)
        assert isinstance(let, LetSymbol), f"{name} is not known"
        return self.reduce(let.decl.body, {})

    def _attribute(self, expr: ast.Attribute, names: Names) -> Found:
        name, kind = expr.name.text, self._kind(expr)
        if isinstance(expr.target, ast.Var):
            if expr.target.name == "delegation" and "delegation" not in names:
                return self._depth
            if isinstance(bag := names.get(expr.target.name), Bag):
                if name in bag.values:
                    return self._value(bag.values[name], bag.declared[name].type)
                made = Made("argument", name=name) if bag.name == "args" else None
                return self._unknown(f"{bag.name}.{name}", kind, made=made)
        target = self.reduce(expr.target, names)
        text = f"{target.at(LEVELS['.'])}.{name}"
        row = self._tables.targets.get(expr)
        if isinstance(row, Builtin):
            kinds = [self._kind(expr.target)]
            return self._computed((row.receiver, row.name), expr, text, [target], kinds, LEVELS["."])
        if isinstance(target.value, Someone):
            return self._told(target, target.value, name, kind)
        if target.value is None:  # the delegator, who is not there
            return Found(text, LEVELS["."], failed=True)
        owner = self._kind(expr.target)
        if target.known and isinstance(owner, Record):
            value = target.value[owner.index(name)]
            if value is not MISSING:
                return _over(self._value(value, kind), (target,))
        return _over(self._unknown(text, kind, made=Made("field", (target,), name)), (target,))

    def _told(self, target: Found, entity: Someone, name: str, kind: Type) -> Found:
        """Return an attribute of an entity."""
        text = f"{target.at(LEVELS['.'])}.{name}"
        if target.failed or (not entity.own and entity.told is False):
            return Found(text, LEVELS["."], failed=True)
        if name in entity.attributes:
            found = self._value(entity.attributes[name], self._declared(entity, name, kind))
            return evolve(found, fails=target.fails)
        if entity.own:
            return self._unknown(text, kind, fails=target.fails)
        if entity.whole:
            return Found(text, LEVELS["."], failed=True)
        return self._unknown(text, kind, fails=True)

    def _declared(self, entity: Someone, name: str, kind: Type) -> Type:
        symbols = (self.program.types[key].attributes.get(name) for key in sorted(entity.types))
        return next((symbol.type for symbol in symbols if symbol is not None), kind)

    # --- entities

    def _has(self, expr: ast.Has, target: ast.Expr, name: str, names: Names) -> Found:
        if isinstance(target, ast.Var) and isinstance(bag := names.get(target.name), Bag):
            symbol = bag.declared.get(name)
            answer = _present(symbol, name in bag.values, bag.whole)
            found = _truth(f"{bag.name} has {name}", answer, "has")
            return evolve(found, made=Made("has", name=name)) if bag.name == "args" else found
        owner = self.reduce(target, names)
        text = f"{owner.at(5)} has {name}"
        if isinstance(owner.value, Someone):
            entity = owner.value
            if owner.failed or (not entity.own and entity.told is False):
                return Found(text, failed=True)
            if entity.own:
                answers = {
                    _present(self.program.types[key].attributes.get(name), name in entity.attributes, entity.whole)
                    for key in entity.types
                }
                answer = answers.pop() if len(answers) == 1 else None
            else:
                answer = True if name in entity.attributes else False if entity.whole else None
            return _truth(text, answer, "has", fails=owner.fails or (not entity.own and entity.told is None))
        if owner.value is None:
            return Found(text, failed=True)
        kind = self._kind(target)
        if owner.known and isinstance(kind, Record):
            return _truth(text, owner.value[kind.index(name)] is not MISSING, "has", fails=owner.fails)
        found = _truth(text, None, "has", fails=owner.fails, failed=owner.failed)
        return evolve(found, made=Made("has", (owner,), name))

    def _is(self, target: Found, expr: ast.Expr, named: EntityType | TraitSymbol) -> Found:
        text = f"{target.at(5)} is {named.name}"
        if target.value is None:
            return _truth(text, False, "is")
        if not isinstance(target.value, Someone):
            return Found(text, failed=True)
        types = frozenset({named.key}) if isinstance(named, EntityType) else frozenset(named.members)
        answer = True if target.value.types <= types else None if target.value.types & types else False
        if answer is True and self.delegated.value is not True and target.text == "delegator":
            answer = None
        return _truth(text, answer, "is", fails=target.fails, failed=target.failed)

    def _holds(self, target: Found, role: str) -> Found:
        text = f"{target.at(5)} holds {self.program.roles[role].name}"
        if target.value is None:
            return _truth(text, False, "holds")
        entity = target.value
        if not isinstance(entity, Someone) or (not entity.own and entity.told is False):
            return Found(text, failed=True)
        answer = None if entity.roles is None else role in entity.roles
        if answer is True and self.delegated.value is not True and target.text == "delegator":
            answer = None
        return _truth(text, answer, "holds", fails=target.fails or (not entity.own and entity.told is None))

    def inside(self, member: Someone, group: Someone) -> bool | None:
        """Return whether an entity is in another, as far as that is known."""
        if member.above is not None and group.key is not None:
            return group.key in member.above
        if member.key is not None and member.key == group.key:
            return True
        if not any(self._containers(key) & group.types for key in member.types):
            return False
        return None

    def _containers(self, key: str) -> frozenset[str]:
        """Return the types that an entity of a type can be in, its own included."""
        if key not in self._up:
            found, waiting = {key}, [key]
            while waiting:
                more = self.program.types[waiting.pop()].parents - found
                found |= more
                waiting += more
            self._up[key] = frozenset(found)
        return self._up[key]

    # --- operators

    def _set(self, items: Sequence[Found]) -> Found:
        text = "{" + ", ".join(item.text for item in items) + "}"
        reads = frozenset[str]().union(*(item.reads for item in items))
        value = Items(tuple(items))
        failed, fails = any(i.failed for i in items), any(i.fails for i in items)
        return Found(text, value=value, fails=fails, failed=failed, reads=reads)

    def _record(self, expr: ast.Expr, parts: Iterable[ast.FieldValue], names: Names) -> Found:
        found = {part.name.text: self.reduce(part.value, names) for part in parts}
        text = "{" + ", ".join(f"{name}: {one.text}" for name, one in found.items()) + "}"
        kind = self._kind(expr)
        assert isinstance(kind, Record)
        values = [plain(found[f.name].value) if f.name in found else MISSING for f in kind.fields]
        value: Any = UNKNOWN if any(v is UNKNOWN for v in values) else tuple(values)
        return _over(Found(text, value=value), found.values())

    def _binary(self, expr: ast.Binary, names: Names) -> Found:
        op = expr.op
        a, b = self.reduce(expr.left, names), self.reduce(expr.right, names)
        if op in ("in", "not in"):
            found = self._in(a, b)
            return opposite(found) if op == "not in" else found
        if op in ("==", "!=") and plain(a.value) is not UNKNOWN and plain(b.value) is UNKNOWN:
            a, b = b, a  # what is known was put in: `"acme" == resource.tenant` reads backwards
        text = f"{a.at(_left(op))} {op} {b.at(LEVELS[op] + 1)}"
        if op in ("==", "!="):
            answer = self._same(a, b)
            made = _truth(text, answer if op == "==" or answer is None else not answer, op)
            return _over(_contrasted(made, op, a, b), (a, b))
        kinds = [self._kind(expr.left), self._kind(expr.right)]
        if op == "within" and isinstance(b.value, Items):
            return self._within_any(expr, a, b, text, kinds[0])
        found = self._computed(op, expr, text, [a, b], kinds, LEVELS[op])
        return _contrasted(found, op, a, b) if op in CONTRARY else found

    def _within_any(self, expr: ast.Expr, a: Found, places: Found, text: str, kind: Type) -> Found:
        value = plain(places.value)
        made = Found(text, LEVELS["within"], reads=a.reads | places.reads, made=Made("within", (a, places)))
        if value is not UNKNOWN and a.known and not a.failed:
            held = any(compute("within", [a.value, place], [kind, kind], BOOL) for place in value)
            made = _truth(text, held, "within")
        return _over(made, (a, places))

    def _same(self, a: Found, b: Found) -> bool | None:
        x, y = a.value, b.value
        if x is None or y is None:  # nobody is nobody else
            return x is y
        one, other = plain(x), plain(y)
        if one is not UNKNOWN and other is not UNKNOWN:
            return bool(one == other)
        if isinstance(x, Someone) and isinstance(y, Someone) and not x.types & y.types:
            return False
        return True if a.text == b.text and a.reads == b.reads else None

    def _in(self, a: Found, b: Found) -> Found:
        if isinstance(b.value, Someone):
            text = f"{a.at(5)} in {b.at(5)}"
            if not isinstance(a.value, Someone) or (not a.value.own and a.value.told is False):
                return Found(text, failed=True)
            answer = self.inside(a.value, b.value)
            made = _truth(text, answer, "in", fails=not a.value.own and a.value.told is None)
            if answer is None:
                made = evolve(made, reads=frozenset({text}))
            return _over(_contrasted(made, "in", a, b), (a, b))
        if isinstance(b.value, Items):
            return self._listed(a, b, b.value)
        value, whole = plain(a.value), plain(b.value)
        answer = None
        if whole is not UNKNOWN:
            answer = value in whole if value is not UNKNOWN else None if whole else False
        made = _truth(f"{a.at(5)} in {b.at(5)}", answer, "in")
        return _over(_contrasted(made, "in", a, b), (a, b))

    def _listed(self, a: Found, b: Found, listed: Items) -> Found:
        """Return whether a value is one of those written out; what it surely is not is left out."""
        answers = [(item, self._same(a, item)) for item in listed.items]
        left = [item for item, answer in answers if answer is not False]
        if any(answer for _, answer in answers):
            return _over(_truth(f"{a.at(5)} in {b.text}", True, "in"), (a, b))
        if len(left) == 1:
            made = _contrasted(_truth(f"{a.at(5)} == {left[0].at(5)}", None, "=="), "==", a, left[0])
        else:
            kept = self._set(left)
            made = _contrasted(_truth(f"{a.at(5)} in {kept.text}", None if left else False, "in"), "in", a, kept)
        return _over(made, (a, b))

    def _computed(
        self, row: Any, expr: ast.Expr, text: str, operands: list[Found], kinds: list[Type], level: int = ATOM
    ) -> Found:
        """Apply a row of the operator tables; what cannot be computed yet is left, with how it may fail."""
        made = Found(text, level, made=Made(row, tuple(operands)))
        values = [plain(o.value) for o in operands]
        if all(v is not UNKNOWN for v in values) and not any(o.failed for o in operands):
            try:
                value = compute(row, values, kinds, self._kind(expr))
            except EvaluationError:
                return Found(text, level, failed=True)
            made = self._value(value, self._kind(expr))
        elif row == "minus" or row in ("+", "-", "*") or (isinstance(row, tuple) and method(row).fails):
            made = Found(text, level, fails=True)
        return _over(made, operands)

    # --- calls

    def _call(self, let: LetSymbol, arguments: Iterable[ast.Expr], names: Names) -> Found:
        bound: dict[str, Binding] = {"context": self.names["context"]}
        for (name, _), argument in zip(let.parameters or (), arguments, strict=True):
            bound[name] = Bound(argument, names)
        return self.reduce(let.decl.body, bound)

    def _method(
        self, expr: ast.MethodCall, target: ast.Expr, name: str, arguments: Iterable[ast.Expr], names: Names
    ) -> Found:
        owner = self.reduce(target, names)
        given = [self.reduce(argument, names) for argument in arguments]
        text = f"{owner.at(LEVELS['.'])}.{name}({', '.join(g.text for g in given)})"
        row = self._tables.targets.get(expr)
        if not isinstance(row, Builtin):  # where the tests before it leave no type: it is never evaluated
            return Found("false", value=False)
        kinds = [self._kind(target)]
        return self._computed((row.receiver, row.name), expr, text, [owner, *given], kinds, LEVELS["."])

    # --- quantifiers

    def _quantifier(self, expr: ast.Quantifier, names: Names) -> Found:
        domain = self.reduce(expr.domain, names)
        elements = self._elements(domain, self._kind(expr.domain))
        word: Literal["and", "or"] = "and" if expr.kind == "all" else "or"
        if elements is not None:
            bodies = []
            for one, sure in elements:
                body = self.reduce(expr.body, {**names, expr.variable.text: one})
                if not sure:
                    skipped = body.value is (expr.kind == "all")
                    value = body.value if skipped else UNKNOWN
                    body = evolve(body, value=value, fails=body.fails or body.failed, failed=False)
                bodies.append(body)
            found = junction(word, bodies)
            # Every element is looked at, so no error is passed over.
            failed = domain.failed or any(body.failed for body in bodies)
            fails = domain.fails or any(body.fails for body in bodies)
            return evolve(found, fails=fails, failed=failed)
        kind = self._kind(expr.domain)
        element = kind.element if isinstance(kind, SetOf) else ERROR
        one = self._unknown(expr.variable.text, element, level=ATOM, made=Made("variable", name=expr.variable.text))
        body = self.reduce(expr.body, {**names, expr.variable.text: one})
        text = f"{expr.kind} {expr.variable.text} in {domain.at(1)}: {body.text}"
        empty = expr.kind == "all"
        value = empty if body.failed or body.value is empty else UNKNOWN
        reads = domain.reads | (body.reads - one.reads)
        fails = domain.fails or body.fails or body.failed
        made = Made(expr.kind, (domain, one, body))
        return Found(text, LEVELS["any"], value, fails, domain.failed, reads=reads, made=made)

    def _elements(self, domain: Found, kind: Type) -> list[tuple[Found, bool]] | None:
        """Return the elements of a set where they can be looked at one by one, and whether each is surely one.

        Of two that are one entity only the first is an element: what is known of the second does not count.
        """
        if isinstance(domain.value, Items):
            found: list[tuple[Found, bool]] = []
            for item in domain.value.items:
                answers = [self._same(item, other) for other, _ in found]
                if True not in answers:
                    found.append((item, None not in answers))
            return found
        if not domain.known or not isinstance(kind, SetOf) or len(domain.value) > MOST_ELEMENTS:
            return None
        return [(self._value(item, kind.element), True) for item in sorted(domain.value, key=repr)]


# --- truth


def opposite(found: Found) -> Found:
    """Return the negation of a condition."""
    value = UNKNOWN if not found.known else not found.value
    text, level = found.contrary or (f"not {found.at(LEVELS['not'])}", LEVELS["not"])
    joined: Literal["and", "or"] | None = {"and": "or", "or": "and", None: None}[found.joined]
    parts = tuple(opposite(part) for part in found.parts)
    contrary = (found.text, found.level)
    made = None if found.made is None else evolve(found.made, negated=not found.made.negated)
    return Found(text, level, value, found.fails, found.failed, contrary, joined, parts, found.reads, made)


def junction(word: Literal["and", "or"], operands: Sequence[Found]) -> Found:
    """Join conditions that are evaluated in turn, until one is false (for `and`) or true (for `or`)."""
    ends = word == "or"
    kept: list[Found] = []
    fails = False
    for operand in operands:
        if operand.failed and not kept:
            return Found(operand.text, operand.level, fails=fails, failed=True)
        fails = fails or operand.fails or operand.failed
        if operand.failed or operand.value is ends:
            reads = frozenset[str]().union(*(k.reads for k in kept), operand.reads) if fails else frozenset[str]()
            failing = tuple(k for k in (*kept, operand) if k.fails or k.failed)
            return Found(str(ends).lower(), value=ends, fails=fails, parts=failing, reads=reads)
        if not operand.known or operand.fails:
            kept += operand.parts if operand.joined == word else (operand,)
    kept = list({one.text: one for one in kept}.values())
    if not kept:
        return Found(str(not ends).lower(), value=not ends)
    if len(kept) == 1 and kept[0].fails is fails and not kept[0].failed and not kept[0].known:
        return kept[0]
    reads = frozenset[str]().union(*[k.reads for k in kept])
    value = not ends if all(k.known for k in kept) else UNKNOWN
    if len(kept) == 1:
        return evolve(kept[0], value=value, fails=fails, failed=False, reads=reads)
    text = f" {word} ".join(one.at(LEVELS["not"]) for one in kept)
    return Found(text, LEVELS[word], value, fails, joined=word, parts=tuple(kept), reads=reads)


def _truth(text: str, answer: bool | None, op: str, *, fails: bool = False, failed: bool = False) -> Found:
    value = UNKNOWN if answer is None else answer
    reads = frozenset({text}) if answer is None and op in _ASKED else frozenset[str]()
    return Found(text, LEVELS[op], value, fails, failed, reads=reads)


def _contrasted(found: Found, op: str, a: Found, b: Found) -> Found:
    contrary, made = (f"{a.at(5)} {CONTRARY[op]} {b.at(5)}", found.level), Made(op, (a, b))
    value, reads = found.value, found.reads
    return Found(found.text, found.level, value, found.fails, found.failed, contrary, reads=reads, made=made)


def _over(found: Found, operands: Iterable[Found]) -> Found:
    """Return what is computed from operands: it fails where they do, and reads what they read."""
    parts = list(operands)
    fails = found.fails or any(o.fails for o in parts)
    failed = found.failed or any(o.failed for o in parts)
    reads = found.reads.union(*[o.reads for o in parts]) if not found.known or fails else frozenset[str]()
    value = UNKNOWN if failed else found.value
    return Found(
        found.text, found.level, value, fails, failed, found.contrary, found.joined, found.parts, reads, found.made
    )


def _present(symbol: AttributeSymbol | None, known: bool, whole: bool) -> bool | None:
    """Return whether an attribute of the request's own parts is there; what is required is there in every request."""
    if symbol is None:
        return False
    return True if known or not symbol.optional else False if whole else None


def _left(op: str) -> int:
    """Return how tightly a left operand must bind: `a - b - c` needs no parentheses, comparisons do not chain."""
    return LEVELS[op] if op in ("+", "-", "*") else LEVELS[op] + 1
