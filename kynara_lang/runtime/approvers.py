"""Approvers who are made up, to try whether the approvals that a request waits for could be given.

What `from` demands is read off its condition: a type, a name, roles, groups, and attributes that equal, contain or
exceed what they are compared with. Whoever is made up so is then asked about like any approver: only the condition
itself says who counts. Where nobody who was made up does, those whom the store knows are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice, product
from typing import Any, Final

from attrs import field, frozen

from ..checker.symbols import EntityType, Program, RuleSymbol
from ..compiler import ir
from ..semantics import types
from ..semantics.display import display_entity, is_of
from ..semantics.entity import EMPTY, Entity, entity_key
from ..semantics.problems import EvaluationError
from ..semantics.times import format_time
from ..semantics.types import Type
from . import canonical, evidence
from .decision import ApprovalStatus, Decision
from .engine import Arguments, CompiledBucket, Engine, attempt
from .problems import InvalidRequest, Refused
from .ranges import COMPARISONS, MIRRORED, OPPOSITE, UNITS
from .request import Request

Views = list[tuple[CompiledBucket, Arguments]]

_MOST = 24
_MOST_STORED = 500
_SHOWN = 100
_SOME_TIME = 0
_ATTRIBUTE: Final = re.compile(r"attribute\(\{0\}, '(\w+)'\)")
_HAS: Final = re.compile(r"has_attribute\(\{0\}, '(\w+)'\)")
_PARTS: Final = {"ascii_lower({0})": "{}", "email_domain({0})": "someone@{}"}
_ANY: Final = object()  # an attribute that must be there, whatever its value
_SAMPLES: Final[Mapping[Type, object]] = {
    types.BOOL: False,
    types.INT: 0,
    types.DECIMAL: "0",
    types.STRING: "someone",
    types.TIME: "2000-01-01T00:00:00Z",
    types.DURATION: "1s",
    types.IP: "192.0.2.1",
    types.EMAIL: "someone@example.com",
    types.HOST: "example.com",
    types.URL: "https://example.com/",
    types.PATH: "/",
}


@frozen
class Unapprovable:
    """A rule that asks for an approval, and why none was found that would count."""

    rule: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape."""
        return {"rule": self.rule, "reason": self.reason}


@frozen
class MadeUp:
    """Evidence that would satisfy all that a decision waits for, or the rules for which none was found.

    `request` is what it was made for. That is the request itself or, where nothing in it says when it is made, the same
    at some time: `timeless`. No rule reads the time of such a request, so any would do.
    """

    request: Mapping[str, Any]
    evidence: tuple[Mapping[str, Any], ...] = ()
    without: tuple[Unapprovable, ...] = ()
    timeless: bool = False


def made_up(engine: Engine, decision: Decision, raw: Mapping[str, Any], request: Request, views: Views) -> MadeUp:
    """Make up evidence for what a decision still waits for."""
    pending = {status.rule: status for status in decision.approvals if not status.satisfied}
    if not pending:
        return MadeUp(raw)
    now = evidence.time_of(engine.world, request)
    bound = _bound(decision, request, _SOME_TIME if now is None else now)
    if isinstance(bound, str):
        return MadeUp(raw, without=tuple(Unapprovable(rule, bound) for rule in pending))
    waiting: dict[int, Views] = {}
    for bucket, view in views:
        for index in engine.link(bucket, view).waits:
            waiting.setdefault(index, []).append((bucket, view))
    given, without = [], []
    for index in sorted(waiting):
        rule = engine.program.rules[index]
        if rule.name in pending:
            search = _Search(engine, request, rule, pending[rule.name], waiting[index])
            people = search.people()
            if len(people) < search.missing:
                without.append(Unapprovable(rule.name, search.reason()))
            given.append({"rule": rule.name, "approvers": people, **bound})
    if without:
        return MadeUp(raw, without=tuple(without))
    if now is None:
        name = engine.world.context["now"].external
        raw = {**raw, "context": {**request.shape.context, name: format_time(_SOME_TIME)}}
    return MadeUp(raw, tuple(given), timeless=now is None)


def _bound(decision: Decision, request: Request, now: int) -> dict[str, str] | str:
    """Return what binds an approval to a call and a time, or why nobody can approve this call."""
    try:
        digest = canonical.approval_digest(decision.policy_digest, request)
        return {"digest": digest, "expires": format_time(now + 1)}
    except InvalidRequest:
        return "an argument is not JSON, so nothing can be bound to this call"
    except EvaluationError:
        return "after `context.now` there is no time left in which it could last"


@frozen
class _Facts:
    """What a condition demands of an approver; `known` is the entity it must be."""

    types: frozenset[str] | None = None
    known: str | None = None
    roles: frozenset[str] = EMPTY
    groups: frozenset[str] = EMPTY
    attributes: Mapping[str, Any] = field(factory=dict)

    def joined(self, other: _Facts) -> _Facts | None:
        """Return what both demand, or None where nobody could meet it."""
        kinds = other.types if self.types is None else self.types if other.types is None else self.types & other.types
        if kinds == EMPTY or (self.known and other.known and self.known != other.known):
            return None
        attributes = dict(self.attributes)
        for name, value in other.attributes.items():
            before = attributes.get(name, _ANY)
            if isinstance(before, frozenset) and isinstance(value, frozenset):
                value = before | value
            elif before is not _ANY and value is _ANY:
                value = before
            elif before is not _ANY and before != value:
                return None
            attributes[name] = value
        known = other.known if isinstance(other.known, Entity) else self.known or other.known
        return _Facts(kinds, known, self.roles | other.roles, self.groups | other.groups, attributes)


_NOTHING: Final = _Facts()


def _all_of(found: Iterable[list[_Facts]]) -> list[_Facts]:
    """Return ways to meet demands together, each of which can be met in one of several ways."""
    joined: list[_Facts] = [_NOTHING]
    for ways in found:
        both = (one.joined(other) for one, other in product(joined, ways))
        joined = list(islice((facts for facts in both if facts is not None), _MOST))
    return joined


@frozen(eq=False)
class _Search:
    """Looks for those who could approve what one rule asks for; nobody of the chain and nobody who did so already."""

    engine: Engine
    request: Request
    rule: RuleSymbol
    status: ApprovalStatus
    waiting: Views

    @property
    def missing(self) -> int:
        """How many approvers it still takes."""
        return self.status.quorum - len(self.status.approved_by)

    def people(self) -> list[dict[str, Any]]:
        """Return as many as are missing, as references, or fewer if no more are found."""
        found: dict[str, dict[str, Any]] = {}
        for raw in self._candidates():
            if len(found) == self.missing:
                break
            person = self._read(raw)
            if person is not None and person not in found and self._counts(person):
                found[person] = raw
        return list(found.values())

    def reason(self) -> str:
        """Say why nobody was found: for certain where all approvers are named, else that trying did not help."""
        assert self.rule.approval is not None
        named = {pattern.entity for pattern in self.rule.approval.approvers}
        able = sorted(name for name in named if name is not None and name not in self.request.chain)
        if None in named or len(able) >= self.status.quorum:
            return "nobody who was tried meets its `from` and is not of the chain"
        if not able:
            return "whoever it names makes this call or is acted for, and nobody of the chain approves"
        shown = " and ".join(display_entity(_named(name), _SHOWN) for name in able)
        return f"it takes {self.status.quorum}, and only {shown} could give it"

    def _read(self, raw: dict[str, Any]) -> Entity | None:
        kinds = frozenset(key for key, kind in self.engine.program.types.items() if kind.kind == "subject")
        try:
            return self.engine.world.reference(raw, types.Entity(kinds), "approver", 0)
        except Refused:
            return None

    def _counts(self, person: Entity) -> bool:
        if person in self.request.chain or display_entity(person) in self.status.approved_by:
            return False
        name = self.rule.name
        return all(attempt(bucket.approver(name), (*view, person))[0] is True for bucket, view in self.waiting)

    def _candidates(self) -> Iterator[dict[str, Any]]:
        world, program = self.engine.world, self.engine.program
        demands = [_Demands(self.engine, bucket, view) for bucket, view in self.waiting]
        for facts in _all_of(one.of(one.bucket.bucket.approver_checks[self.rule.name], True) for one in demands):
            for kind in self._kinds(facts):
                try:
                    described = _described(program, kind, facts)
                except EvaluationError:
                    continue  # just beyond the last value there is
                names = self._unused(kind) if facts.known is None else [facts.known.split("::", 1)[1]]
                for identity in islice(names, self.missing):
                    yield {"type": kind.external, "id": identity, **described}
        for key in islice(world.stored(), _MOST_STORED):
            kind_key, identity = key.split("::", 1)
            yield {"type": program.types[kind_key].external, "id": identity}

    def _kinds(self, facts: _Facts) -> list[EntityType]:
        program = self.engine.program
        if facts.known is not None:
            kind = program.types[facts.known.split("::", 1)[0]]
            return [kind] if facts.types is None or kind.key in facts.types else []
        keys = sorted(program.types if facts.types is None else facts.types)
        return [program.types[key] for key in keys if program.types[key].kind == "subject"][:_MOST]

    def _unused(self, kind: EntityType) -> Iterator[str]:
        """Yield identifiers of nobody: neither of the request nor of the store."""
        taken = {*self.request.chain, self.request.resource}
        for number in count(1):
            key = entity_key(kind.key, f"someone-{number}")
            if key not in taken and self.engine.world.entity(key) is None:
                yield f"someone-{number}"


def _named(key: str) -> Entity:
    kind, _, identity = key.partition("::")
    return Entity(kind, identity)


def _described(program: Program, kind: EntityType, facts: _Facts) -> dict[str, Any]:
    """Write what an approver must have, and what every entity of the type has."""
    properties: dict[str, Any] = {}
    for symbol in kind.attributes.values():
        value = facts.attributes.get(symbol.name, _ANY)
        if value is not _ANY and is_of(value, symbol.type):
            properties[symbol.external] = canonical.canonical_value(value, symbol.type, program)
        elif symbol.name in facts.attributes or not symbol.optional:
            properties[symbol.external] = _sample(symbol.type, program)
    if isinstance(facts.known, Entity):  # what the request says of it
        attrs, symbols = facts.known.attrs or {}, kind.attributes
        for name in attrs.keys() & symbols.keys():
            symbol = symbols[name]
            properties[symbol.external] = canonical.canonical_value(attrs[name], symbol.type, program)
    groups = [key.split("::", 1) for key in sorted(facts.groups)]
    return {
        "properties": properties,
        "roles": [program.roles[role].external for role in sorted(facts.roles)],
        "parents": [{"type": program.types[key].external, "id": identity} for key, identity in groups],
    }


def _sample(kind: Type, program: Program) -> object:
    match kind:
        case types.Enum(values):
            return values[0]
        case types.SetOf():
            return []
        case types.Record(fields):
            return {f.external or f.name: _sample(f.type, program) for f in fields if not f.optional}
        case types.Entity(names):
            return {"type": program.types[min(names)].external, "id": "someone"}
    return _SAMPLES.get(kind)


@frozen(eq=False)
class _Demands:
    """Reads off a condition, as it is asked on one link, what approvers must be like."""

    engine: Engine
    bucket: CompiledBucket
    arguments: Arguments

    def of(self, expr: ir.Expr, truth: bool) -> list[_Facts]:
        """Return alternatives, each of which may give the condition a truth value; others demand nothing."""
        if not _is_about_approver(expr):
            return [_NOTHING] if self._value(expr) is truth else []
        match expr:
            case ir.Not(operand):
                return self.of(operand, not truth)
            case ir.And(operands) | ir.Or(operands):
                found = [self.of(operand, truth) for operand in operands]
                if isinstance(expr, ir.And) == truth:
                    return _all_of(found)
                return [facts for ways in found for facts in ways][:_MOST]
            case ir.Apply(template, (ir.Root("approver"), *others)):
                return self._of_entity(template, others, truth)
            case ir.Apply(template, (a, b)):
                return self._between(template, a, b, truth)
        return [_NOTHING]

    def _value(self, expr: ir.Expr) -> Any:
        if _is_about_approver(expr):
            return None
        return attempt(self.bucket.compiled(expr), self.arguments)[0]

    def _of_entity(self, template: str, others: list[ir.Expr], truth: bool) -> list[_Facts]:
        """Read what is asked of the approver as a whole."""
        if found := _ATTRIBUTE.fullmatch(template):
            return [_Facts(attributes={found[1]: truth})]
        if found := _HAS.fullmatch(template):
            return [_Facts(attributes={found[1]: _ANY}) if truth else _NOTHING]
        other = self._value(others[0]) if len(others) == 1 else None
        match template:
            case "{0}.type in {1}" if other is not None:
                return [_Facts(other if truth else frozenset(self.engine.program.types.keys() - other))]
            case "{0} == {1}" | "{0} != {1}" if other is not None:
                return [_Facts(known=other) if (template == "{0} == {1}") is truth else _NOTHING]
            case "{0} in {1}" if truth and isinstance(other, frozenset):
                return [_Facts(known=one) for one in sorted(other)[:_MOST]]
            case "{1} in {0}.roles" | "{1} in roles_of({0})" if truth and other is not None:
                return [_Facts(roles=frozenset({other}))]
            case "not {0}.roles.isdisjoint({1})" if truth and other is not None:
                return [_Facts(roles=frozenset({role})) for role in sorted(other)]
            case "{1} in {0}.ancestors" | "{1} in ancestors_of({0})" if truth and other is not None:
                return [_Facts(groups=frozenset({other}))]
        return [_NOTHING]

    def _between(self, template: str, a: ir.Expr, b: ir.Expr, truth: bool) -> list[_Facts]:
        """Read what an attribute of the approver is compared with."""
        for mine, other, mirrored in ((a, b, False), (b, a, True)):
            value = self._value(other)
            if value is None:
                continue
            if isinstance(mine, ir.Root) and template in ("{0} == {1}", "{0} != {1}"):
                return self._of_entity(template, [other], truth)
            name, inside = _attribute(mine)
            if name is None:
                continue
            if template in COMPARISONS:
                op = COMPARISONS[template] if truth else OPPOSITE[COMPARISONS[template]]
                values = self._compared(name, MIRRORED[op] if mirrored else op, value)
            else:
                values = _containing(template, value, mirrored) if truth else []
            if inside is not None:
                values = [inside.format(one) for one in values if isinstance(one, str)]
            return [_Facts(attributes={name: one}) for one in values] or [_NOTHING]
        return [_NOTHING]

    def _compared(self, name: str, op: str, value: Any) -> list[Any]:
        """Return values of an attribute that compare so."""
        if op in ("==", "<=", ">="):
            return [value]
        symbols = (kind.attributes.get(name) for kind in self.engine.program.types.values())
        kind = next((symbol.type for symbol in symbols if symbol is not None and is_of(value, symbol.type)), None)
        unit = UNITS.get(kind) if kind is not None else None
        if unit is not None:
            return [value - unit if op == "<" else value + unit]
        if op == "!=" and isinstance(kind, types.Enum):
            return [other for other in kind.values if other != value]
        return [not value] if isinstance(value, bool) else []


def _attribute(expr: ir.Expr) -> tuple[str | None, str | None]:
    """Return the attribute of the approver that is read, and how its value is made where only a part of it is read."""
    match expr:
        case ir.Apply(template, (ir.Root("approver"),)) if found := _ATTRIBUTE.fullmatch(template):
            return found[1], None
        case ir.Apply(template, (inner,)) if template in _PARTS:
            return _attribute(inner)[0], _PARTS[template]
    return None, None


def _containing(template: str, value: Any, mirrored: bool) -> list[Any]:
    """Return values of an attribute that contain a value, are among some, or lie within a place."""
    match template:
        case "{0} in {1}":
            return [frozenset({value})] if mirrored else sorted(value, key=str)[:_MOST]
        case "not {0}.isdisjoint({1})":
            return [value]
        case "path_within({0}, {1})" | "host_within({0}, {1})" | "{0}.startswith({1})" if not mirrored:
            return [value]
        case "{1}[0] <= {0} <= {1}[1]" if not mirrored:
            return [value[0]]
        case "glob_match({1}, {0})" if not mirrored:
            return ["".join(value)]
    return []


def _is_about_approver(expr: ir.Expr) -> bool:
    return any(isinstance(node, ir.Root) and node.name == "approver" for node in ir.descend(expr))
