"""The oracle: what a program answers, worked out by walking its syntax tree as naively as possible.

It is written to be read beside the language's definition, not to be fast, and knows nothing of the compiler or the
decision point. From the checker it takes what names and literals mean (`tables`), from `semantics` only the readers
that turn texts of a request into values. Operators, hierarchy, roles, globs and containment are said here a second
time, in other words: what the two evaluators agree on, neither got wrong alone.
"""

from __future__ import annotations

import decimal
import operator
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import field, frozen

from kynara_lang.checker.symbols import ActionSymbol, EntityType, LetSymbol, PatternSymbol, Program, RuleSymbol
from kynara_lang.semantics import addresses, hosts, numbers, paths, times, types, urls
from kynara_lang.semantics.problems import ValueProblem
from kynara_lang.syntax import ast, walk

RANK = {"deny": 0, "require_approval": 1, "allow": 2}
OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
             "!=": operator.ne, "+": operator.add, "-": operator.sub, "*": operator.mul}  # fmt: skip
READ_TEXT = {types.STRING: str, types.TIME: times.read_time, types.DURATION: times.read_duration,
             types.IP: addresses.read_ip, types.EMAIL: hosts.read_email, types.HOST: hosts.read_host,
             types.URL: urls.read_url, types.PATH: paths.read_path}  # fmt: skip
EPOCH, DAY = datetime(1970, 1, 1, tzinfo=UTC), 86_400 * 10**9
FIRST_DAY, LAST_DAY = ((datetime(*day, tzinfo=UTC) - EPOCH).days for day in ((1, 1, 1), (9999, 12, 31)))


class Invalid(Exception):
    """The request is malformed."""


class Fault(Exception):
    """An expression has no value: an evaluation error."""


@frozen
class Ent:
    """An entity: its type (by key) and identifier; `raw` is what the request says of it, None for a bare name."""

    type: str
    id: str
    raw: Mapping | None = field(default=None, eq=False, repr=False)


class Rec(tuple):
    """A record: its present fields as (name, value), sorted by name."""


@frozen(eq=False)
class Bound:
    """What a name stands for: an expression, read with names of its own; of a quantified variable, its domain."""

    expr: ast.Expr
    names: dict
    element: bool = False


@frozen
class Link:
    """How one principal of the chain fares, as if one of those before it had called."""

    decision: str
    rules: frozenset[str]
    faults: frozenset[str]


@frozen
class Verdict:
    """What is decided, by which rules, and which rules were in error. `deciding`: of a denial the first that denies."""

    decision: str
    rules: frozenset[str] = frozenset()
    errors: frozenset[str] = frozenset()
    valid: bool = True
    links: tuple[Link, ...] = ()
    deciding: tuple[Link, ...] = ()


def decide(program: Program, request: object, store: list | None = None) -> Verdict:
    """Decide a request in its JSON shape; `store` is a list of entities in theirs."""
    return Oracle(program, store or []).verdict(request)


def ensure(condition: bool) -> None:
    """Refuse the request unless a condition holds."""
    if not condition:
        raise Invalid


class Oracle:
    """One program with one entity store."""

    def __init__(self, program: Program, store: list) -> None:
        self.program, self.tables, kinds = program, program.tables, program.by_external
        self.store = {(kinds[e["type"]].key, e["id"]): e for e in store if e["type"] in kinds}
        self.reads: dict[tuple[str, str, str], set] = {}  # what rules read, by all that it depends on

    # --- deciding

    def verdict(self, request: object) -> Verdict:
        """Decide a request, whether it is well-formed or not."""
        try:
            return self.decide(request)
        except Invalid:
            return Verdict("deny", valid=False)

    def decide(self, request: object) -> Verdict:
        action, views = self.views(request)
        links = [self.link(names, action) for names in views]
        decision = min((link.decision for link in links), key=RANK.__getitem__)
        deciding = [link for link in links if link.decision == decision]
        deciding = deciding[:1] if decision == "deny" else deciding
        rules = frozenset().union(*(link.rules for link in deciding))
        faults = frozenset().union(*(link.faults for link in links))
        return Verdict(decision, rules, faults, True, tuple(links), tuple(deciding))

    def views(self, request: object) -> tuple[ActionSymbol, list[dict]]:
        """Return the action, and what names stand for: on each link, for each principal that could have called."""
        action, chain, resource, raw_args, raw_context = self.read_request(request)
        args = self.read_members(raw_args, action.parameters, action.parameters)
        views, of_context = [], set()
        for at, caller in [(i, j) for i in range(len(chain)) for j in range(i + 1)]:
            names = {"subject": chain[at], "resource": resource, "args": args, "actor": chain[caller]}
            names["delegator"] = chain[at + 1] if at + 1 < len(chain) else None
            names["delegated"] = at + 1 < len(chain)
            names["delegation"] = Rec([("depth", len(chain) - 1 - caller)])
            kinds = action.key, chain[at].type, resource.type
            if kinds not in self.reads:
                self.reads[kinds] = Reads(self, names, action).of(self.rules(names, action))
            for root, name, possible in self.reads[kinds]:
                if root == "context":
                    of_context.add(name)
                elif names[root] is not None and names[root].type in possible:
                    self.check_attribute(names[root], name)
            views.append(names)
        context = self.read_members(raw_context, self.program.context, of_context)
        return action, [{**names, "context": context} for names in views]

    def rules(self, names: dict, action: ActionSymbol) -> list[RuleSymbol]:
        """Return the rules for an action that fit the types of subject and resource."""
        fitting = (rule for rule in self.program.rules if action.key in rule.actions)
        fitting = (rule for rule in fitting if any(names["subject"].type in p.types for p in rule.subjects))
        return [rule for rule in fitting if any(names["resource"].type in p.types for p in rule.resources)]

    def link(self, names: dict, action: ActionSymbol) -> Link:
        matching: dict[str, set[str]] = {"permit": set(), "forbid": set(), "require_approval": set()}
        faults: set[str] = set()
        for rule in self.rules(names, action):
            try:
                matches = self.matches(rule, names)
            except Fault:
                faults.add(rule.name)
                matches = rule.effect != "permit"
            if matches:
                matching[rule.effect].add(rule.name)
        if matching["forbid"] or not matching["permit"]:
            return Link("deny", frozenset(matching["forbid"]), frozenset(faults))
        if matching["require_approval"]:
            return Link("require_approval", frozenset(matching["require_approval"]), frozenset(faults))
        return Link("allow", frozenset(matching["permit"]), frozenset(faults))

    def matches(self, rule: RuleSymbol, names: dict) -> bool:
        if not any(self.fits(p, names["subject"]) for p in rule.subjects):
            return False
        if not any(self.fits(p, names["resource"]) for p in rule.resources):
            return False
        if rule.valid_from is not None and names["context"]["now"] < rule.valid_from:
            return False
        if rule.valid_until is not None and names["context"]["now"] >= rule.valid_until:
            return False
        asked = ((c.expr, c.kind != "unless") for c in rule.conditions if c.expr is not None)
        return all(self.value(expr, names) == wanted for expr, wanted in asked)

    def fits(self, pattern: PatternSymbol, entity: Ent) -> bool:
        return (
            entity.type in pattern.types
            and pattern.entity in (None, f"{entity.type}::{entity.id}")
            and (pattern.group is None or pattern.group in {f"{t}::{i}" for t, i in self.above(entity)})
            and (not pattern.roles or not self.roles(entity).isdisjoint(pattern.roles))
        )

    # --- reading a request

    def read_request(self, request: object) -> tuple:
        ensure(isinstance(request, Mapping) and "on_behalf_of" not in request and "evaluations" not in request)
        chain, raw = [self.read_entity(request.get("subject"))], request["subject"]
        while "on_behalf_of" in raw:
            raw = raw["on_behalf_of"]
            chain.append(self.read_entity(raw))
        ensure(len(chain) <= 16 and len(set(chain)) == len(chain))
        ensure(all(self.program.types[s.type].kind == "subject" for s in chain))
        resource = self.read_entity(request.get("resource"))
        ensure("on_behalf_of" not in request["resource"])
        raw, context = request.get("action"), request.get("context", {})
        ensure(isinstance(raw, Mapping) and isinstance(raw.get("name"), str) and isinstance(context, Mapping))
        action = self.program.actions_by_external.get(raw["name"])
        ensure(action is not None and resource.type in action.on)
        return action, chain, resource, self.properties(raw), context

    def read_entity(self, raw: object) -> Ent:
        """Read type, id, roles and parents; attributes are looked at when they are needed."""
        ensure(isinstance(raw, Mapping))
        ensure(all(isinstance(raw.get(part), str) and well_formed(raw[part]) for part in ("type", "id")))
        ensure(raw["type"] in self.program.by_external)
        self.properties(raw)
        entity = Ent(self.program.by_external[raw["type"]].key, raw["id"], raw)
        places = self.places(entity, "roles")
        ensure(all(isinstance(p, list) and all(isinstance(r, str) for r in p) for p in places))
        ensure(len({frozenset(p) for p in places}) <= 1)
        self.parents(entity)
        return entity

    def properties(self, raw: Mapping) -> Mapping:
        """Return the properties; a chain hidden among them is refused, because it would not count."""
        found = raw.get("properties", {})
        ensure(isinstance(found, Mapping) and "on_behalf_of" not in found)
        return found

    def places(self, entity: Ent, member: str) -> list:
        """List what is said of an entity's roles or parents: beside its properties, and among them."""
        raw = entity.raw or {}
        declared = any(a.external == member for a in self.program.types[entity.type].attributes.values())
        return [source[member] for source in (raw, {} if declared else self.properties(raw)) if member in source]

    def parents(self, entity: Ent) -> set[tuple[str, str]]:
        """Return everything that an entity itself says it is in."""
        found = []
        for place in self.places(entity, "parents"):
            ensure(isinstance(place, list) and all(isinstance(raw, Mapping) for raw in place))
            found.append(set())
            for raw in place:
                parent = self.read_entity({k: raw[k] for k in ("type", "id") if k in raw})
                ensure(parent.type in self.program.types[entity.type].parents)
                found[-1] |= self.above(Ent(parent.type, parent.id, raw))
        ensure(all(f == found[0] for f in found))
        return found[0] if found else set()

    def read_members(self, raw: Mapping, declared: Mapping, wanted: Iterable[str]) -> dict:
        """Read the wanted ones of declared arguments or context fields; what is required must be there."""
        ensure(all(declared[n].optional or declared[n].external in raw for n in wanted))
        present = {n: declared[n] for n in wanted if declared[n].external in raw}
        return {name: self.read(raw[symbol.external], symbol.type) for name, symbol in present.items()}

    def read(self, raw: object, kind: types.Type) -> object:
        """Read a value of a type."""
        match kind:
            case types.BOOL:
                ensure(type(raw) is bool)
                return raw
            case types.INT:
                ensure(type(raw) is int and -(2**63) <= raw < 2**63)
                return raw
            case types.SetOf(element=element):
                ensure(isinstance(raw, list))
                members = [self.read(item, element) for item in raw]
                self.agree([*members])
                return frozenset(members)
            case types.Record(fields=fields):
                ensure(isinstance(raw, Mapping) and all(f.optional or f.external in raw for f in fields))
                return Rec((f.name, self.read(raw[f.external], f.type)) for f in fields if f.external in raw)
            case types.Entity(names=names):
                return self.read_reference(raw, names)
            case types.Enum(values=values):
                ensure(isinstance(raw, str) and raw in values)
                return raw
        try:
            if kind == types.DECIMAL and isinstance(raw, decimal.Decimal):
                return numbers.decimal_from_number(raw)
            if kind == types.DECIMAL:
                ensure(type(raw) in (int, str))
                return numbers.read_decimal(str(raw))
            ensure(isinstance(raw, str) and well_formed(raw))
            return READ_TEXT[kind](raw)
        except ValueProblem:
            raise Invalid from None

    def read_reference(self, raw: object, names: frozenset[str]) -> Ent:
        """Read a reference; what it carries and the store does not say must be well-typed."""
        entity = self.read_entity(raw)
        ensure(entity.type in names)
        if not raw.keys() & {"properties", "roles", "parents"}:
            return Ent(entity.type, entity.id)
        for symbol in self.program.types[entity.type].attributes.values():
            if symbol.external in self.properties(raw).keys() - self.entry(entity).get("properties", {}).keys():
                self.read(self.properties(raw)[symbol.external], symbol.type)
        return entity

    def agree(self, members: list) -> None:
        """Refuse what says different things of one entity: a set keeps one of the two, and which one would count?"""
        said: dict[Ent, object] = {}
        while members:
            member = members.pop()
            if isinstance(member, Ent):
                statement = self.statement(member)
                ensure(said.setdefault(member, statement) == statement)
            elif isinstance(member, tuple | frozenset):
                members.extend(member)

    def statement(self, value: object) -> object:
        """Return a value with all that the request says of entities in it and the store does not say already."""
        if type(value) in (Rec, tuple, frozenset):
            return type(value)(self.statement(item) for item in value)
        if not isinstance(value, Ent) or (value.raw is None and not self.entry(value)):
            return value
        stored, raw = self.entry(value).get("properties", {}), self.properties(value.raw or {})
        declared = {s.external: s.type for s in self.program.types[value.type].attributes.values()}
        told = [(n, self.statement(self.read(raw[n], declared[n]))) for n in declared.keys() & raw.keys() - stored.keys()]
        return value, frozenset(told), frozenset(self.roles(value)), frozenset(self.above(value))

    # --- what is known of entities

    def entry(self, entity: Ent) -> Mapping:
        return self.store.get((entity.type, entity.id), {})

    def known(self, entity: Ent) -> Ent:
        """Return the entity if anything is known of it, which is a fault otherwise."""
        if entity.raw is None and not self.entry(entity):
            raise Fault("unknown entity")
        return entity

    def said(self, entity: Ent, name: str) -> list:
        """Return what the store, or else the request, says of an attribute: one value, or none."""
        symbol = self.program.types[entity.type].attributes.get(name)
        sources = [self.entry(entity).get("properties", {}), (self.known(entity).raw or {}).get("properties", {})]
        return [(s[symbol.external], symbol.type) for s in sources if symbol is not None and symbol.external in s][:1]

    def check_attribute(self, entity: Ent, name: str) -> None:
        """Refuse an attribute that is missing although required, or not of its type."""
        symbol, said = self.program.types[entity.type].attributes.get(name), self.said(entity, name)
        ensure(symbol is None or symbol.optional or said != [])
        for raw, kind in said:
            self.read(raw, kind)

    def attribute(self, entity: Ent, name: str) -> object:
        for raw, kind in self.said(entity, name):
            return self.read(raw, kind)
        raise Fault("missing attribute")

    def stored(self, entity: Ent, member: str) -> list | None:
        """Return the roles or parents that the store gives an entity, None where it does not say."""
        return next(iter(self.places(Ent(entity.type, entity.id, self.entry(entity)), member)), None)

    def roles(self, entity: Ent) -> set[str]:
        """Return the keys of the roles an entity holds, with all that they extend."""
        given = self.stored(self.known(entity), "roles")
        given = next(iter(self.places(entity, "roles")), []) if given is None else given
        declared, found = self.program.roles_by_external, set()
        new = [declared[r] for r in given if r in declared]
        while new:
            role = new.pop()
            if role.key not in found:
                found.add(role.key)
                new += [self.tables.targets[name] for name in role.decl.extends]
        return found

    def above(self, entity: Ent) -> set[tuple[str, str]]:
        """Return the entity and everything it is in, at any depth."""
        found, new = {(entity.type, entity.id)}, [entity]
        while new:
            one = new.pop()
            given = self.stored(one, "parents")
            if given is None:
                found |= self.parents(one)
            for raw in given or ():
                parent = Ent(self.program.by_external[raw["type"]].key, raw["id"])
                if (parent.type, parent.id) not in found:
                    found.add((parent.type, parent.id))
                    new.append(parent)
        return found

    # --- expressions

    def value(self, e: ast.Expr, names: dict):
        """Evaluate an expression; `names` says what its names stand for."""
        if e in self.tables.constants and not isinstance(e, ast.EntityLit):
            return self.tables.constants[e]
        match e:
            case ast.EntityLit():
                return Ent(*self.tables.constants[e])
            case ast.SetLit(items):
                return frozenset([self.value(i, names) for i in items])
            case ast.RecordLit(fields):
                return Rec(sorted((f.name.text, self.value(f.value, names)) for f in fields))
            case ast.Var(name) if name in names:
                found = names[name]
                return self.value(found.expr, found.names) if isinstance(found, Bound) else found
            case ast.Var():
                return self.value(self.tables.targets[e].decl.body, {})
            case ast.Attribute(target, name):
                return self.member(self.tables.types[target], self.value(target, names), name.text)
            case ast.Not(operand):
                return not self.value(operand, names)
            case ast.Negate(operand):
                return self.bounded(e, -self.value(operand, names))
            case ast.And(operands):
                return all(self.value(o, names) for o in operands)
            case ast.Or(operands):
                return any(self.value(o, names) for o in operands)
            case ast.Has(target, name):
                owner = self.value(target, names)
                return self.said(owner, name.text) != [] if isinstance(owner, Ent) else name.text in dict(owner)
            case ast.Is(target):
                entity = self.value(target, names)
                return entity is not None and entity.type in self.named_types(e)
            case ast.Holds(target, role):
                entity = self.value(target, names)
                return entity is not None and self.tables.targets[role].key in self.roles(entity)
            case ast.Call():
                body = self.expanded(e, names)
                return self.value(body.expr, body.names)
            case ast.Quantifier(kind, variable, domain, body):
                found = [self.value(body, {**names, variable.text: x}) for x in self.value(domain, names)]
                return all(found) if kind == "all" else any(found)
            case ast.MethodCall(target, name, arguments):
                if name.text in ("hour", "weekday"):
                    return clock(self.value(target, names), self.text(arguments[0]), name.text)
                return method(self.value(target, names), name.text, [self.value(a, names) for a in arguments])
            case ast.Binary("like", left, right):
                return glob(self.text(right), self.value(left, names))
            case ast.Binary(op, left, right):
                return self.binary(e, op, self.value(left, names), self.value(right, names))
        raise AssertionError(type(e).__name__)

    def expanded(self, e: ast.Call, names: dict) -> Bound:
        """Return a predicate's body, with its parameters as the expressions they stand for."""
        let = self.tables.targets[e.function]
        bound = {n: Bound(a, names) for (n, _), a in zip(let.parameters, e.arguments, strict=True)}
        return Bound(let.decl.body, {n: v for n, v in names.items() if n == "context"} | bound)

    def named_types(self, e: ast.Is) -> set[str]:
        named = self.tables.targets[e.type]
        return {named.key} if isinstance(named, EntityType) else set(named.members)

    def text(self, e: ast.Expr) -> str:
        """Return the text of a literal, or of a constant that stands for one."""
        while isinstance(e, ast.Var):
            e = self.tables.targets[e].decl.body
        return e.value

    def member(self, kind: types.Type, owner, name: str):
        if isinstance(owner, Ent):
            return self.attribute(owner, name)
        if isinstance(owner, Rec | dict):
            return dict(owner)[name]
        if kind == types.URL:
            if getattr(owner, name) is None:
                raise Fault("no port")
            return getattr(owner, name)
        if kind == types.EMAIL:
            return owner.split("@")[1]
        last = (segments(owner) or [""])[-1]
        stem = last.lstrip(".")
        suffix = "." + stem.split(".")[-1] if "." in stem and not stem.endswith(".") else ""
        return {"name": last, "suffix": suffix}[name]

    def binary(self, e: ast.Binary, op: str, a, b):
        left, right = self.tables.types[e.left], self.tables.types[e.right]
        match op:
            case "in" | "not in" if isinstance(b, frozenset):
                return any(a == x for x in b) == (op == "in")
            case "in" | "not in":
                return ((b.type, b.id) in self.above(self.known(a))) == (op == "in")
            case "within":
                return any(within(left, a, place) for place in (b if isinstance(b, frozenset) else [b]))
            case "+" | "-" | "*":
                result = OPERATORS[op](a, b)
                if op == "*" and left == right == types.DECIMAL:
                    if result % 10_000 != 0:
                        raise Fault("inexact")
                    result //= 10_000
                return self.bounded(e, result)
        return OPERATORS[op](a, b)

    def bounded(self, e: ast.Expr, number: int) -> int:
        is_time = self.tables.types[e] == types.TIME
        low, high = (FIRST_DAY * DAY, LAST_DAY * DAY + DAY - 1) if is_time else (-(2**63), 2**63 - 1)
        if not low <= number <= high:
            raise Fault("overflow")
        return number


class Reads:
    """Which attributes rules read of the request's own entities, once the types of those and the action are known.

    Left out is what the types of subject and resource (or a literal) decide away: `subject is Agent and subject.trust
    == "low"` reads nothing of a User. `scan` collects, and returns what a condition is where that alone decides it.
    """

    def __init__(self, oracle: Oracle, names: dict, action: ActionSymbol) -> None:
        self.oracle, self.tables = oracle, oracle.tables
        self.types = {root: oracle.program.types[names[root].type] for root in ("subject", "resource")}
        self.declared = {"args": action.parameters, "context": oracle.program.context}
        self.declared |= {root: kind.attributes for root, kind in self.types.items()}
        self.found: set[tuple[str, str, frozenset[str]]] = set()

    def of(self, rules: list[RuleSymbol]) -> set[tuple[str, str, frozenset[str]]]:
        """Return (root, attribute, types of the root for which it is read)."""
        for rule in rules:
            if rule.valid_from is not None or rule.valid_until is not None:
                self.found.add(("context", "now", frozenset()))
            for condition in rule.conditions:
                if condition.expr is not None and self.scan(condition.expr, {}) is (condition.kind == "unless"):
                    break  # never true: nothing after it is looked at
            if rule.approval is not None and rule.approval.where is not None:
                self.scan(rule.approval.where, {})
        return self.found

    def seen_through(self, e: ast.Expr, names: dict) -> tuple[ast.Expr, dict]:
        """Replace a name by what it stands for."""
        while isinstance(e, ast.Var):
            bound = names.get(e.name)
            if bound is not None and not bound.element:
                e, names = bound.expr, bound.names
            elif bound is None and isinstance(self.tables.targets.get(e), LetSymbol):
                e, names = self.tables.targets[e].decl.body, {}
            else:
                break
        return e, names

    def roots(self, e: ast.Expr, names: dict) -> set[str]:
        """Return the roots an expression can be: itself one, or a quantified variable over a set with some in it."""
        e, names = self.seen_through(e, names)
        if isinstance(e, ast.SetLit):
            return set().union(*(self.roots(item, names) for item in e.items))
        if not isinstance(e, ast.Var):
            return set()
        return self.roots(names[e.name].expr, names[e.name].names) if e.name in names else {e.name}

    def scan(self, e: ast.Expr, names: dict) -> bool | None:
        e, names = self.seen_through(e, names)
        target = self.seen_through(e.target, names)[0] if isinstance(e, ast.Attribute | ast.Has | ast.Is) else None
        root = target.name if isinstance(target, ast.Var) else None
        match e:
            case ast.BoolLit(value):
                return value
            case ast.Attribute(_, name):
                self.read(e.target, name.text, names)
            case ast.Has(_, name) if root in self.declared and name.text not in self.declared[root]:
                return False
            case ast.Has(_, name) if root == "args" and not self.declared[root][name.text].optional:
                return True
            case ast.Has(_, name):
                self.read(e.target, name.text, names)
            case ast.Is() if root in self.types:
                return self.types[root].key in self.oracle.named_types(e)
            case ast.Not(operand):
                return {True: False, False: True, None: None}[self.scan(operand, names)]
            case ast.And(operands) | ast.Or(operands):
                ending, undecided = isinstance(e, ast.Or), False
                for operand in operands:
                    found = self.scan(operand, names)
                    if found is ending:
                        return None if undecided else ending
                    undecided |= found is None
                return None if undecided else not ending
            case ast.Call():
                body = self.oracle.expanded(e, names)
                return self.scan(body.expr, body.names)
            case ast.Quantifier(_, variable, domain, body):
                self.scan(domain, names)
                self.scan(body, {**names, variable.text: Bound(domain, names, element=True)})
                return None
            case ast.Binary("==" | "!=", left, right):
                a, b = self.literal(left, names), self.literal(right, names)
                if a and b:
                    return (a == b) == (e.op == "==")
        for child in walk.children(e):
            child = child.value if isinstance(child, ast.FieldValue) else child
            if isinstance(child, ast.Expr):
                self.scan(child, names)
        return None

    def read(self, target: ast.Expr, name: str, names: dict) -> None:
        """Note that an attribute of what the target can be is read."""
        of_static_type = getattr(self.tables.types[target], "names", frozenset())
        for root in self.roots(target, names) & {"subject", "resource", "delegator", "actor", "context"}:
            self.found.add((root, name, frozenset({self.types[root].key}) if root in self.types else of_static_type))

    def literal(self, e: ast.Expr, names: dict) -> list | None:
        """Return the value of a literal, in a list, or None for everything else."""
        inner, names = self.seen_through(e, names)
        for place in (e, inner):
            if place in self.tables.constants:
                return [self.tables.constants[place]]
        items = [self.literal(i, names) for i in inner.items] if isinstance(inner, ast.SetLit) else [None]
        return None if None in items else [frozenset(found[0] for found in items)]


# --- operators


def clock(ns: int, zone: str, name: str):
    try:
        local = (EPOCH + timedelta(seconds=ns // 10**9)).astimezone(ZoneInfo(zone))
    except OverflowError:
        raise Fault("time range") from None
    return local.hour if name == "hour" else local.strftime("%A").lower()


def method(owner, name: str, given: list):
    match name:
        case "size" | "length":
            return sum(1 for _ in owner)
        case "contains_all":
            return all(x in owner for x in given[0])
        case "contains_any":
            return any(x in owner for x in given[0])
        case "lower":
            return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in owner)
        case "starts_with":
            return owner[: len(given[0])] == given[0]
        case "ends_with":
            return owner[::-1][: len(given[0])] == given[0][::-1]
        case "contains":
            return any(owner[i : i + len(given[0])] == given[0] for i in range(len(owner) + 1))
    raise AssertionError(name)


def well_formed(text: str) -> bool:
    """Whether a text is free of lone surrogates."""
    return not any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def glob(pattern: str, text: str) -> bool:
    """Match a text against a pattern with `*`, by dynamic programming over both."""
    reached = [True] + [False] * len(text)  # reached[i]: the pattern so far matches text[:i]
    for letter in pattern:
        before, reached = reached, []
        for i in range(len(text) + 1):
            if letter == "*":
                reached.append(before[i] or (i > 0 and reached[i - 1]))
            else:
                reached.append(i > 0 and before[i - 1] and text[i - 1] == letter)
    return reached[-1]


def segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def within(kind: types.Type, value, place) -> bool:
    """Whether an address lies in a block, a path under a directory, or a host under a domain."""
    if kind == types.IP:
        return place[0] <= value and value <= place[1]
    if kind == types.PATH:
        same_start = value.startswith("/") == place.startswith("/")
        return same_start and segments(value)[: len(segments(place))] == segments(place)
    labels, domain = value.split(".")[::-1], place.split(".")[::-1]
    return labels[: len(domain)] == domain
