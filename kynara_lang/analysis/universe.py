"""The unknowns of a question: entities, arguments and context of a request that nobody has seen yet.

Everything has the name that requests give it, so that one universe can hold two versions of a program. A request tells
of one state of the world: two mentions of one entity agree in what they say of it.

Two strengths of claims are kept apart. `valid` is what every request fulfils: what cannot hold together with it is
proved impossible. `plain` asks for more (small sets, times of one week), so that the solver finds values that can be
written down; nothing is ever concluded from its failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from attrs import define, field, frozen

from ..checker.symbols import AttributeSymbol, Program
from ..semantics.addresses import V4
from ..semantics.numbers import INT_MAX, INT_MIN
from ..semantics.times import TIME_MAX, TIME_MIN
from ..semantics.types import (
    BOOL,
    DECIMAL,
    DURATION,
    EMAIL,
    HOST,
    INT,
    IP,
    PATH,
    STRING,
    TIME,
    URL,
    Entity,
    Enum,
    Record,
    SetOf,
    Type,
)
from .keys import entity_text, holding, part_of, presence, spelled, type_prefix
from .solver import Smt, Sort, Term

POOL = 3
"""How many elements a set of a plain witness has at most."""

RANGES: Mapping[Type, tuple[int, int]] = {
    INT: (INT_MIN, INT_MAX),
    DECIMAL: (INT_MIN, INT_MAX),
    DURATION: (INT_MIN, INT_MAX),
    TIME: (TIME_MIN, TIME_MAX),
    IP: (0, V4 + 2**32 - 1),
}
_PLAIN_RANGES: Mapping[Type, tuple[int, int]] = {
    TIME: (1_767_225_600 * 10**9, 1_893_456_000 * 10**9),  # the years 2026 to 2029
    IP: (V4 + (1 << 24), V4 + (223 << 24)),
}

_PLAIN_STEPS: Mapping[Type, int] = {DECIMAL: 100, TIME: 10**9, DURATION: 10**9}
"""Cents, and whole seconds."""


class Unencodable(Exception):
    """Something has no counterpart in the solver; what depends on it stays unknown."""


@frozen(eq=False)
class Scalar:
    """A value that is one solver term."""

    term: Term
    kind: Type
    path: str = ""


@frozen(eq=False)
class Opaque:
    """A value of a type that has no counterpart in the solver."""

    kind: Type


@frozen(eq=False)
class Optional:
    """A field that may be absent."""

    present: Term
    value: Value


@frozen(eq=False)
class Fields:
    """A record: its fields by name."""

    fields: Mapping[str, Optional]


@define(eq=False)
class Mention:
    """An entity that is mentioned somewhere, and what is said of it there.

    `key` is its type and identifier as a text, `types` the external names of types it can have, `known` whether anybody
    knows more of it than its name (None for the request's own entities, of which everything is known). A reference may
    tell some attributes and leave out others, also those that its type requires.
    """

    path: str
    key: Term
    types: frozenset[str]
    known: Term | None = None
    attributes: dict[tuple[str, str], Optional] = field(factory=dict)
    roles: dict[str, Term] = field(factory=dict)
    groups: dict[str, Term] = field(factory=dict)

    @property
    def type(self) -> str | None:
        """The only type it can have, or None when there are several."""
        return next(iter(self.types)) if len(self.types) == 1 else None


Value: TypeAlias = Scalar | Fields | Mention | Opaque


class Universe:
    """Makes the unknowns of one question and remembers them."""

    def __init__(self, smt: Smt) -> None:
        """Start without unknowns."""
        self.smt = smt
        self.valid: list[Term] = []
        self.plain: list[Term] = []
        self._exact = True
        self.mentions: dict[str, Mention] = {}
        self.quantified: dict[tuple[Any, ...], tuple[Term, Term]] = {}
        self._made: dict[str, Value] = {}
        self._fresh = 0
        self._patterns: dict[str, Term] = {}

    @property
    def exact(self) -> bool:
        """Whether everything that was asked for so far has an exact counterpart in the solver."""
        return self._exact and not self.smt.beyond

    def inexact(self) -> None:
        """Remember that something is only encoded from both sides, or not at all."""
        self._exact = False

    def fresh(self, what: str, sort: Sort | None = None) -> Term:
        """Return an unknown that nothing else names."""
        self._fresh += 1
        return self.smt.variable(f"{what}!{self._fresh}", sort or self.smt.bool)

    def unknown(self, what: str) -> Term:
        """Return an unconstrained truth in place of what cannot be encoded; answers may then be unknown."""
        self.inexact()
        return self.fresh(what)

    # --- values

    def sort(self, kind: Type) -> Sort:
        """Return the solver's sort for values of a type; raises Unencodable where there is none."""
        if kind == BOOL:
            return self.smt.bool
        if kind in RANGES:
            return self.smt.int
        if kind == URL:
            s, n = self.smt.string, self.smt.int
            return self.smt.tuple_of([s, s, n, s, s])
        if kind in (STRING, PATH, HOST, EMAIL) or isinstance(kind, Enum | Entity):
            return self.smt.string
        if isinstance(kind, SetOf):
            return self.smt.set_of(self.sort(kind.element))
        raise Unencodable(str(kind))

    def make(self, path: str, kind: Type, program: Program) -> Value:
        """Return the unknown value of a type at a path, the same one each time."""
        name = f"{path}: {_spelled(kind, program)}"
        if name not in self._made:
            self._made[name] = self._new(path, name, kind, program)
        return self._made[name]

    def made(self) -> Iterable[Value]:
        """Return every value that is an unknown by itself."""
        return tuple(self._made.values())

    def _new(self, path: str, name: str, kind: Type, program: Program) -> Value:
        # What stands at a path can be of one type for one type of entity and of another for another: those are two
        # unknowns, and what is known of one says nothing of the other.
        if isinstance(kind, Record):
            return Fields(
                {
                    f.name: self._field(part_of(path, f.external or f.name), f.type, f.optional, program)
                    for f in kind.fields
                }
            )
        if isinstance(kind, Entity):
            types = frozenset(program.types[key].external for key in kind.names)
            return self.mention(
                name,
                self.smt.variable(name, self.smt.string),
                types,
                known=self.smt.variable(f"{name}?", self.smt.bool),
            )
        try:
            term = self.smt.variable(name, self.sort(kind))
        except Unencodable:
            return Opaque(kind)
        made = Scalar(term, kind, path)
        self._constrain(made, program)
        return made

    def _field(self, path: str, kind: Type, optional: bool, program: Program) -> Optional:
        present = self.smt.variable(presence(path), self.smt.bool) if optional else self.smt.true
        return Optional(present, self.make(path, kind, program))

    def _constrain(self, made: Scalar, program: Program) -> None:
        kind, term, smt = made.kind, made.term, self.smt
        if kind in RANGES:
            self.valid.append(smt.between(RANGES[kind][0], term, RANGES[kind][1]))
        if kind in _PLAIN_STEPS:
            self.plain.append(smt.equal(smt.remainder(term, _PLAIN_STEPS[kind]), smt.number(0)))
        if kind in _PLAIN_RANGES:
            self.plain.append(smt.between(_PLAIN_RANGES[kind][0], term, _PLAIN_RANGES[kind][1]))
        if isinstance(kind, Enum):
            self.valid.append(smt.either(*(smt.equal(term, smt.text(v)) for v in kind.values)))
        elif kind in (PATH, HOST, EMAIL):
            self.valid.append(smt.matches(term, self.pattern(kind, plain=False)))
            self.plain.append(smt.matches(term, self.pattern(kind, plain=True)))
        elif kind == STRING:
            self.plain.append(smt.matches(term, self.pattern(kind, plain=True)))
        elif kind == URL:
            self._constrain_url(term)
        elif isinstance(kind, SetOf):
            if isinstance(kind.element, Enum):
                every = [smt.text(v) for v in kind.element.values]
                self.valid.append(smt.subset(term, smt.collection(every, self.sort(kind))))
            pool = self.pool(made, program)
            items = [self.term(item) for item in pool]
            self.plain.append(smt.subset(term, smt.collection(items, self.sort(kind))))

    def _constrain_url(self, term: Term) -> None:
        smt = self.smt
        scheme, host, port, path, rest = (smt.component(term, i) for i in range(5))
        self.valid += [
            smt.matches(host, self.pattern(HOST, plain=False)),
            smt.matches(path, self.pattern(PATH, plain=False)),
            smt.starts(path, smt.text("/")),
            smt.between(0, port, 65535),  # 0 stands for none
        ]
        https = smt.both(smt.equal(scheme, smt.text("https")), smt.equal(port, smt.number(443)))
        http = smt.both(smt.equal(scheme, smt.text("http")), smt.equal(port, smt.number(80)))
        other = smt.both(
            smt.either(*(smt.equal(scheme, smt.text(s)) for s in ("https", "http"))), smt.between(1, port, 65535)
        )
        self.plain += [
            smt.either(https, http, other),
            smt.equal(rest, smt.text("")),
            smt.matches(host, self.pattern(HOST, plain=True)),
            smt.matches(path, self.pattern(PATH, plain=True)),
        ]

    def pool(self, of: Scalar, program: Program) -> list[Value]:
        """Return the few values that a set of a plain witness draws from."""
        kind = of.kind
        assert isinstance(kind, SetOf)
        return [self.make(f"{of.path}[{i}]", kind.element, program) for i in range(POOL)]

    def some_element(self, of: Scalar, program: Program) -> Value:
        """Return an unknown that a set may hold, and that nothing else names."""
        kind = of.kind
        assert isinstance(kind, SetOf)
        self._fresh += 1
        return self.make(f"{of.path}[some {self._fresh}]", kind.element, program)

    def constant(self, value: Any, kind: Type, program: Program) -> Value:
        """Return a value known now."""
        smt = self.smt
        if isinstance(kind, Entity):
            type_key, identity = value if isinstance(value, tuple) else str(value).split("::", 1)
            return self.named(program.types[type_key].external, identity)
        if kind == BOOL:
            return Scalar(smt.truth(value), kind)
        if kind in RANGES:
            return Scalar(smt.number(value), kind)
        if kind == URL:
            scheme, host, port, path, rest = value
            texts = [smt.text(scheme), smt.text(host), smt.number(port or 0), smt.text(path), smt.text(rest)]
            return Scalar(smt.composed(texts), kind)
        if isinstance(kind, SetOf):
            items = [self.term(self.constant(v, kind.element, program)) for v in sorted(value, key=repr)]
            return Scalar(smt.collection(items, self.sort(kind)), kind)
        if isinstance(value, str):
            return Scalar(smt.text(value), kind)
        raise Unencodable(str(kind))

    def term(self, value: Value) -> Term:
        """Return a value as one term."""
        if isinstance(value, Mention):
            return value.key
        if isinstance(value, Scalar):
            return value.term
        raise Unencodable("a record, or what is made of records")

    # --- entities

    def named(self, type: str, identity: str) -> Mention:
        """Return the mention of an entity by a literal; nothing else is known of it without a store."""
        path = f"{spelled(type)}::{spelled(identity)}"
        if path not in self.mentions:
            found = Mention(
                path,
                self.smt.text(entity_text(type, identity)),
                frozenset({type}),
                known=self.smt.variable(f"{path}?", self.smt.bool),
            )
            self.plain.append(self.smt.no(self.smt.variable(f"{path}?", self.smt.bool)))
            self.mentions[path] = found
        return self.mentions[path]

    def mention(self, path: str, key: Term, types: Iterable[str], known: Term | None = None) -> Mention:
        """Return an entity mentioned at a path, the same one each time for the same types."""
        types = frozenset(types)
        name = f"{path}: {'|'.join(sorted(map(spelled, types)))}"
        if name not in self.mentions:
            smt = self.smt
            self.valid.append(smt.either(*(smt.starts(key, smt.text(type_prefix(t))) for t in sorted(types))))
            identity = smt.some(smt.letters([("a", "z"), ("0", "9"), ("-", "-")]))
            shapes = [smt.sequence(smt.exactly(type_prefix(t)), identity) for t in sorted(types)]
            self.plain.append(smt.either(*self._literal_or(key, shapes)))
            self.mentions[name] = Mention(path, key, types, known)
        return self.mentions[name]

    def _literal_or(self, key: Term, shapes: list[Term]) -> list[Term]:
        literals = [self.smt.equal(key, m.key) for m in self.mentions.values() if m.key.isStringValue()]
        return [*(self.smt.matches(key, shape) for shape in shapes), *literals]

    def attribute(self, of: Mention, symbol: AttributeSymbol, program: Program) -> Optional:
        """Return an attribute of an entity, as that mention tells it.

        Where it can be of several types, what one of them requires another may leave out.
        """
        name = attribute_key(symbol, program)
        if name not in of.attributes:
            path = part_of(of.path, symbol.external)
            partial = self.partial(of)
            needed = frozenset(t for t in of.types if not partial and self.requires(t, symbol.external, program))
            made = self._field(path, symbol.type, needed != of.types, program)
            if needed:
                self.valid.append(self.smt.implies(self.of_type(of, needed), made.present))
            for other in list(self.mentions.values()):
                if other is not of and name in other.attributes and other.types & of.types:
                    self._agree(of, made, other, other.attributes[name], symbol.external)
            of.attributes[name] = made
        return of.attributes[name]

    def read(self, of: Mention, symbols: Mapping[str, AttributeSymbol], program: Program) -> Optional:
        """Return an attribute of an entity that requests may call otherwise for each type; `symbols` are by type."""
        by_key: dict[tuple[str, str], list[str]] = {}
        for kind, symbol in symbols.items():
            by_key.setdefault(attribute_key(symbol, program), []).append(kind)
        (first, *_), *others = by_key.values()
        found = self.attribute(of, symbols[first], program)
        for kinds in others:
            told = self.attribute(of, symbols[kinds[0]], program)
            found = self._either(self.of_type(of, kinds), told, found, "|".join(map(spelled, kinds)))
        return found

    def _either(self, condition: Term, then: Optional, otherwise: Optional, what: str) -> Optional:
        """Return one field or another, by a condition that `what` names."""
        a, b = then.value, otherwise.value
        choose = self.smt.choose
        present = choose(condition, then.present, otherwise.present)
        if isinstance(a, Scalar) and isinstance(b, Scalar) and a.term.getSort() == b.term.getSort():
            return Optional(present, Scalar(choose(condition, a.term, b.term), a.kind))
        if isinstance(a, Mention) and isinstance(b, Mention):
            return Optional(present, self._someone(condition, a, b, what))
        raise Unencodable("a record that requests call otherwise for each type")

    def _someone(self, condition: Term, a: Mention, b: Mention, what: str) -> Mention:
        """Return one entity or another: what is said of it agrees with what is said of the one that it is."""
        path = f"{a.path} for {what} or ({b.path})"
        key = self.smt.variable(path, self.smt.string)
        self.valid.append(self.smt.equal(key, self.smt.choose(condition, a.key, b.key)))
        known = None
        if a.known is not None and b.known is not None:
            known = self.smt.choose(condition, a.known, b.known)
        return self.mention(path, key, a.types | b.types, known)

    def requires(self, kind: str, external: str, program: Program) -> bool:
        """Return whether a type requires an attribute (both as requests call them)."""
        return any(not symbol.optional for symbol in declared(program, kind, external))

    def of_type(self, mention: Mention, types: Iterable[str]) -> Term:
        """Return whether an entity is of one of some types (by external name)."""
        kinds = mention.types & frozenset(types)
        if kinds == mention.types:
            return self.smt.true
        return self.smt.either(*(self.smt.starts(mention.key, self.smt.text(type_prefix(t))) for t in sorted(kinds)))

    def same(self, a: Mention, b: Mention, what: str) -> Term:
        """Return whether two mentions must agree in what they both say of an attribute, or of `roles`."""
        told = [m.known for m in (a, b) if m.known is not None]
        return self.smt.both(self.smt.equal(a.key, b.key), *told)

    def _agree(self, a: Mention, mine: Optional, b: Mention, theirs: Optional, what: str) -> None:
        smt = self.smt
        try:
            same = self.equal(mine.value, theirs.value)
        except Unencodable:
            return
        there = self._both_say(a, mine.present, b, theirs.present)
        alike = smt.both(there, smt.implies(smt.both(mine.present, theirs.present), same))
        self.valid.append(smt.implies(self.same(a, b, what), alike))

    def partial(self, of: Mention) -> bool:
        """Whether a mention may tell less than there is to tell: one that only refers to an entity."""
        return of.known is not None

    def _both_say(self, a: Mention, mine: Term, b: Mention, theirs: Term) -> Term:
        """Return that what one of two mentions of an entity says, the other says: but a reference may leave it out."""
        smt = self.smt
        if self.partial(a) and self.partial(b):
            return smt.true
        if self.partial(a):
            return smt.implies(mine, theirs)
        return smt.implies(theirs, mine) if self.partial(b) else smt.equal(mine, theirs)

    def role(self, of: Mention, role: str, program: Program) -> Term:
        """Return whether an entity holds a role (by key), inherited or not."""
        external = program.roles[role].external
        if external not in of.roles:
            smt = self.smt
            held = smt.variable(holding(of.path, external), smt.bool)
            of.roles[external] = held
            for inner in sorted(program.roles[role].closure - {role}):
                self.valid.append(smt.implies(held, self.role(of, inner, program)))
            self._agree_on_role(of, external)
        return of.roles[external]

    def _agree_on_role(self, of: Mention, role: str) -> None:
        for other in self.mentions.values():
            if other is not of and role in other.roles:
                alike = self._both_say(of, of.roles[role], other, other.roles[role])
                self.valid.append(self.smt.implies(self.same(of, other, "roles"), alike))

    def within(self, member: Mention, group: Mention, program: Program) -> Term:
        """Return whether an entity is in a group, directly or not; it is in itself."""
        if group.path not in member.groups:
            smt = self.smt
            inside = smt.variable(f"{member.path} in {group.path}", smt.bool)
            same = smt.equal(member.key, group.key)
            able = [t for t in sorted(member.types) if way_up(program, t, group.types)]
            typed = smt.either(*(smt.starts(member.key, smt.text(type_prefix(t))) for t in able))
            possible = smt.true if len(able) == len(member.types) else typed
            self.valid += [smt.implies(same, inside), smt.implies(inside, smt.either(same, possible))]
            member.groups[group.path] = inside
            for path, other in member.groups.items():
                if path != group.path and (known := self._at(path)) is not None:
                    self.valid.append(smt.implies(smt.equal(known.key, group.key), smt.equal(other, inside)))
        return member.groups[group.path]

    def _at(self, path: str) -> Mention | None:
        return next((m for m in self.mentions.values() if m.path == path), None)

    # --- comparing

    def equal(self, a: Value, b: Value) -> Term:
        """Return whether two values are equal."""
        smt = self.smt
        if isinstance(a, Fields) and isinstance(b, Fields):
            parts = []
            for name in sorted({*a.fields, *b.fields}):
                mine, theirs = a.fields.get(name), b.fields.get(name)
                if mine is None or theirs is None:
                    only = mine or theirs
                    assert only is not None
                    parts.append(smt.no(only.present))
                    continue
                same = smt.implies(mine.present, self.equal(mine.value, theirs.value))
                parts += [smt.equal(mine.present, theirs.present), same]
            return smt.both(*parts)
        return smt.equal(self.term(a), self.term(b))

    # --- patterns

    def pattern(self, kind: Type, *, plain: bool) -> Term:
        """Return the spelling that values of a text-like type have once read."""
        name = f"{kind} {plain}"
        if name not in self._patterns:
            self._patterns[name] = self._pattern(kind, plain)
        return self._patterns[name]

    def _pattern(self, kind: Type, plain: bool) -> Term:
        smt = self.smt
        if kind == STRING:
            return smt.some(smt.letters([("a", "z"), ("A", "Z"), ("0", "9"), (" ", "~")]))
        label = smt.some(smt.letters([("a", "z")] if plain else [("a", "z"), ("0", "9"), ("-", "-")]))
        host = smt.sequence(label, smt.many(smt.sequence(smt.exactly("."), label)))
        if not plain:
            host = smt.one_of(
                host, smt.sequence(smt.exactly("["), smt.many(smt.letters([("0", ":"), ("a", "f")])), smt.exactly("]"))
            )
        if kind == HOST:
            return host
        if kind == EMAIL:
            local = smt.some(smt.letters([("a", "z"), ("0", "9")] if plain else [("!", "?"), ("A", "\U0002fa1f")]))
            return smt.sequence(local, smt.exactly("@"), host)
        return self._paths(plain)

    def _paths(self, plain: bool) -> Term:
        """Return the pattern of normalised paths: whole segments, none of them `.` or `..`."""
        smt = self.smt
        bare = (
            [("a", "z"), ("0", "9"), ("-", "-"), ("_", "_")] if plain else [(" ", "-"), ("0", "["), ("]", "\U0002fa1f")]
        )
        dot, other = smt.exactly("."), smt.letters(bare)
        rest = smt.many(smt.one_of(dot, other))
        segment = smt.one_of(
            smt.sequence(other, rest),
            smt.sequence(dot, other, rest),
            smt.sequence(dot, dot, smt.some(smt.one_of(dot, other))),
        )
        under = smt.sequence(smt.exactly("/"), segment)
        absolute = smt.one_of(smt.exactly("/"), smt.some(under))
        return smt.one_of(absolute, smt.exactly("."), smt.sequence(segment, smt.many(under)))


def attribute_key(symbol: AttributeSymbol, program: Program) -> tuple[str, str]:
    """Return what mentions know an attribute by: what requests call it, and its type."""
    return symbol.external, _spelled(symbol.type, program)


def _spelled(kind: Type, program: Program) -> str:
    """Return a type so that two programs spell it alike if their requests do."""
    match kind:
        case Entity(names):
            return "|".join(sorted(spelled(program.types[name].external) for name in names))
        case SetOf(element):
            return f"Set<{_spelled(element, program)}>"
        case Enum(values):
            return "|".join(sorted(repr(v) for v in values))
        case Record(fields):
            inner = (f"{spelled(f.external or f.name)}{'?' * f.optional}: {_spelled(f.type, program)}" for f in fields)
            return "{" + ", ".join(inner) + "}"
    return str(kind)


def way_up(program: Program, member: str, groups: frozenset[str]) -> tuple[str, ...]:
    """Return the types between a member's and a group's (all external names), the group's last; empty for none."""
    ways: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(member, ())]
    while waiting:
        name, way = waiting.pop(0)
        kind = program.by_external.get(name)
        for key in sorted(kind.parents) if kind is not None else ():
            parent = program.types[key].external
            if parent not in ways:
                ways[parent] = (*way, parent)
                waiting.append((parent, ways[parent]))
    return next((ways[g] for g in sorted(groups) if g in ways), ())


def declared(program: Program, kind: str, external: str) -> list[AttributeSymbol]:
    """Return the attribute of a type (both as requests call them), if it declares one."""
    found = program.by_external.get(kind)
    return [] if found is None else [s for s in found.attributes.values() if s.external == external]


def attributes_of(program: Program, types: Iterable[str], name: str) -> dict[str, AttributeSymbol]:
    """Return an attribute by its name in the program, for each of some types (by external name) that has it."""
    kinds = ((external, program.by_external.get(external)) for external in sorted(types))
    return {external: kind.attributes[name] for external, kind in kinds if kind is not None and name in kind.attributes}
