"""A path that the solver found, as facts and requests in JSON: gone again, request by request, by the evaluator.

What the model says of entities becomes one small set of facts. Each request is written with what is known of everyone
it mentions at that time; after each step the facts are changed as its action says. Only what the evaluator decides as
claimed is shown, and as little of it as is needed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from attrs import define, evolve, field, frozen

from ..checker.symbols import AttributeSymbol, Program
from ..semantics.types import Record, SetOf, Type
from .asking import Asked
from .keys import entity_text, part_of, presence, type_and_id, type_of
from .paths import Path, Taken
from .question import Evaluator
from .solver import Model
from .timeline import Change, state_of, without_state
from .universe import Fields, Mention, Opaque, Optional, Scalar, Value, attribute_key, way_up
from .values import elements, ordinary, written
from .witness import Json

_ALPHABET = "abcdefghij"
_DEEPEST = 4
"""How far entities are written out that entities refer to."""


class Judge(Evaluator, Protocol):
    """Decides requests, also with approvals."""

    def approved(self, request: Json, approvers: Sequence[Json]) -> str:
        """Return the decision when some entities approve whatever is asked for that they may approve."""


@frozen
class Ref:
    """An entity that facts refer to, as the solver has it."""

    key: str


@define
class Facts:
    """What is known of one entity."""

    properties: dict[str, Any] = field(factory=dict)
    roles: list[str] = field(factory=list)
    parents: list[str] = field(factory=list)


@frozen
class Call:
    """A request: whose, for what, with which arguments, on what, in which context (by name).

    `approvers` are who may approve it, `behalf` is on whose behalf it is made.
    """

    who: str
    action: str
    arguments: dict[str, Any]
    resource: str
    context: str
    approvers: tuple[str, ...] = ()
    behalf: str | None = None


@frozen
class Turn:
    """What a step changes: an attribute (absent afterwards without a value), the roles or the parents of an entity."""

    key: str
    what: str
    kind: str
    value: Any = None
    absent: bool = False


@frozen
class Played:
    """A step in facts: its request, further requests it needs, and what it changes."""

    call: Call
    required: tuple[Call, ...] = ()
    turns: tuple[Turn, ...] = ()
    reached: str | None = None


@define
class Rehearsal:
    """Facts, the steps of a path, and the request that is gained, by the subject before and by whoever has it after."""

    program: Program
    facts: dict[str, Facts]
    contexts: dict[str, dict[str, Any]]
    played: tuple[Played, ...]
    before: Call | None = None
    after: Call | None = None
    waits: bool = False

    # --- writing

    def states(self) -> list[dict[str, Facts]]:
        """Return the facts before each step, and after the last."""
        found = [self.facts]
        for played in self.played:
            found.append(_turned(found[-1], played.turns))
        return found

    def request(self, call: Call, facts: Mapping[str, Facts]) -> Json:
        """Return a request with everything that is known of those it mentions."""
        made: Json = {"subject": self._entity(call.who, facts), "action": {"name": call.action}}
        if call.behalf is not None:
            made["subject"]["on_behalf_of"] = self._entity(call.behalf, facts)
        made["resource"] = self._entity(call.resource, facts)
        if call.arguments:
            made["action"]["properties"] = self._expanded(call.arguments, facts, 1)
        made["context"] = self._expanded(self.contexts[call.context], facts, 1)
        return made

    def _entity(self, key: str, facts: Mapping[str, Facts], depth: int = 0) -> Json:
        kind, identity = type_and_id(key)
        made: Json = {"type": kind, "id": identity}
        known = facts.get(key)
        if known is None or depth >= _DEEPEST:
            return made
        if known.properties or depth:
            made["properties"] = self._expanded(known.properties, facts, depth + 1)
        if known.roles:
            made["roles"] = list(known.roles)
        if known.parents:
            made["parents"] = [self._parent(kind, parent, facts, depth + 1) for parent in known.parents]
        return made

    def _parent(self, member: str, parent: str, facts: Mapping[str, Facts], depth: int) -> Json:
        """Return a parent, with what lies between where a member of its type cannot be in it directly."""
        kind, identity = type_and_id(parent)
        made: Json = {"type": kind, "id": identity}
        above = facts.get(parent)
        if above is not None and above.parents and depth < _DEEPEST:
            made["parents"] = [self._parent(made["type"], p, facts, depth + 1) for p in above.parents if p != parent]
        *between, _ = way_up(self.program, member, frozenset({made["type"]})) or ("",)
        for name in reversed(between):
            made = {"type": name, "id": "between", "parents": [made]}
        return made

    def _expanded(self, value: Any, facts: Mapping[str, Facts], depth: int) -> Any:
        if isinstance(value, Ref):
            return self._entity(value.key, facts, depth)
        if isinstance(value, Mapping):
            return {name: self._expanded(inner, facts, depth) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._expanded(inner, facts, depth) for inner in value]
        return value

    # --- going it again

    def holds(self, judge: Judge) -> bool:
        """Return whether the evaluator decides every request as the path claims."""
        states = self.states()
        for number, (played, facts) in enumerate(zip(self.played, states, strict=False)):
            wanted = "require_approval" if self.waits and number == len(self.played) - 1 else "allow"
            if self.decide(played.call, facts, judge) != wanted:
                return False
            if any(self.decide(call, facts, judge) != "allow" for call in played.required):
                return False
        if self.before is None or self.after is None:
            return True
        for before in (self.before, evolve(self.before, behalf=None)):  # what it may alone is nothing to gain
            if self.decide(before, states[0], judge) not in ("deny", "require_approval"):
                return False
        return self.decide(self.after, states[-1], judge) == "allow"

    def decide(self, call: Call, facts: Mapping[str, Facts], judge: Judge) -> str:
        """Return how a request is decided, with the approvals that the principals of the path give."""
        request = self.request(call, facts)
        decision = judge.decision(request)
        if decision == "require_approval" and call.approvers:
            return judge.approved(request, [self._entity(key, facts) for key in call.approvers])
        return decision

    def smaller(self, judge: Judge) -> Rehearsal:
        """Return the same path with as few facts, and as ordinary ones, as still make it hold."""
        best = self
        for change in list(self._simplifications()):
            tried = evolve(best, facts=copy.deepcopy(best.facts), contexts=copy.deepcopy(best.contexts))
            if change(tried) and tried.holds(judge):
                best = tried
        return best._with_names(judge)._with_words(judge)

    def _with_names(self, judge: Judge) -> Rehearsal:
        """Return the same path with identifiers that can be told apart, where they do not matter."""
        best = self
        for old in list(self.facts):
            kind = type_of(old)
            names = (entity_text(kind, f"{kind.rpartition('.')[2].lower()}-{n}") for n in range(1, len(self.facts) + 1))
            new = next(name for name in names if name not in best.facts)
            tried = best._renamed(old, new)
            if tried.holds(judge):
                best = tried
        return best

    def _with_words(self, judge: Judge) -> Rehearsal:
        """Return the same path with the texts `a`, `b` … for those that do not matter."""
        best = self
        found = {word for facts in self.facts.values() for word in _words(facts.properties)}
        words = sorted(found - self.program.roles_by_external.keys())
        for old, new in zip(words, (word for word in _ALPHABET if word not in words), strict=False):
            if old not in _ALPHABET:
                tried = best._renamed("", "", {old: new})
                if tried.holds(judge):
                    best = tried
        return best

    def _renamed(self, old: str, new: str, words: Mapping[str, str] = MappingProxyType({})) -> Rehearsal:
        """Return the same path with another key for an entity, and other words in texts."""

        def text(key: str) -> str:
            return new if key == old else key

        def value(inner: Any) -> Any:
            if isinstance(inner, str):
                return words.get(inner, inner)
            if isinstance(inner, Ref):
                return Ref(text(inner.key))
            if isinstance(inner, Mapping):
                return {name: value(part) for name, part in inner.items()}
            return [value(part) for part in inner] if isinstance(inner, list) else inner

        def call(one: Call) -> Call:
            others = tuple(text(key) for key in one.approvers)
            behalf = text(one.behalf) if one.behalf is not None else None
            resource, given = text(one.resource), value(one.arguments)
            return Call(text(one.who), one.action, given, resource, one.context, others, behalf)

        def turn(one: Turn) -> Turn:
            changed = value(one.value) if one.kind == "attribute" else list(one.value)
            changed = [text(key) for key in changed] if one.kind == "parents" else changed
            return evolve(one, key=text(one.key), value=changed)

        def played(one: Played) -> Played:
            reached = text(one.reached) if one.reached is not None else None
            required, turns = tuple(map(call, one.required)), tuple(map(turn, one.turns))
            return Played(call(one.call), required, turns, reached)

        facts = {
            text(key): Facts(value(known.properties), list(known.roles), [text(p) for p in known.parents])
            for key, known in self.facts.items()
        }
        before, after = (call(c) if c is not None else None for c in (self.before, self.after))
        steps = tuple(map(played, self.played))
        return Rehearsal(self.program, facts, value(self.contexts), steps, before, after, self.waits)

    def _simplifications(self) -> Iterator[Any]:
        fixed = {(turn.key, turn.what) for played in self.played for turn in played.turns}
        for key, facts in self.facts.items():
            kind = self.program.by_external[type_of(key)]
            if (key, "parents") not in fixed:
                yield from (_without(key, "parents", parent) for parent in facts.parents)
            if (key, "roles") not in fixed:
                yield from (_without(key, "roles", role) for role in facts.roles)
            for symbol in kind.attributes.values():
                if symbol.external in facts.properties and (key, symbol.external) not in fixed:
                    if symbol.optional:
                        yield _dropped(key, symbol.external)
                    yield _simple(key, symbol, self.program)
        yield _one_context
        for name in self.contexts:
            for symbol in self.program.context.values():
                yield _no_context(name, symbol.external)
                yield _plain_context(name, symbol, self.program)


def _words(value: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)


def _without(key: str, what: str, item: str) -> Any:
    def change(tried: Rehearsal) -> bool:
        getattr(tried.facts[key], what).remove(item)
        return True

    return change


def _dropped(key: str, name: str) -> Any:
    def change(tried: Rehearsal) -> bool:
        return tried.facts[key].properties.pop(name, None) is not None

    return change


def _simple(key: str, symbol: AttributeSymbol, program: Program) -> Any:
    def change(tried: Rehearsal) -> bool:
        properties = tried.facts[key].properties
        if symbol.external not in properties or isinstance(properties[symbol.external], Ref):
            return False
        properties[symbol.external] = ordinary(symbol.type, program)
        return True

    return change


def _one_context(tried: Rehearsal) -> bool:
    """Make all requests in the context of the last."""
    *others, last = tried.contexts
    tried.contexts.update(dict.fromkeys(others, tried.contexts[last]))  # and they change together from now on
    return bool(others)


def _no_context(context: str, name: str) -> Any:
    return lambda tried: tried.contexts[context].pop(name, None) is not None


def _plain_context(context: str, symbol: AttributeSymbol, program: Program) -> Any:
    def change(tried: Rehearsal) -> bool:
        if symbol.external not in tried.contexts[context]:
            return False
        tried.contexts[context][symbol.external] = ordinary(symbol.type, program)
        return True

    return change


def _turned(facts: Mapping[str, Facts], turns: Sequence[Turn]) -> dict[str, Facts]:
    """Return facts after a step."""
    made = copy.deepcopy(dict(facts))
    for turn in turns:
        known = made.setdefault(turn.key, Facts())
        if turn.kind == "roles":
            known.roles = list(turn.value)
        elif turn.kind == "parents":
            known.parents = list(turn.value)
        elif turn.absent:
            known.properties.pop(turn.what, None)
        else:
            known.properties[turn.what] = turn.value
    return made


# --- from a model


class Author:
    """Writes the rehearsal of a path from one model of it."""

    def __init__(self, path: Path, model: Model) -> None:
        """Take the values from a model."""
        self._path, self._model = path, model
        self._program, self._timeline = path.program, path.timeline

    def rehearsal(self, *, waits: bool = False, direct: bool = False) -> Rehearsal:
        """Return the path in facts and requests.

        With `direct`, entities are in all their groups directly, else through one another where they can be.
        """
        played = tuple(self._played(taken) for taken in self._path.taken)
        before, after = self._path.before, self._path.after
        facts = self._facts()
        if not direct:
            _through_one_another(facts)
        gained = None if after is None else self._call(after)
        gone = None if before is None else self._call(before)
        if gone is not None and gained is not None and before is not None and before.call.whom is None:
            gone = evolve(gone, behalf=gained.behalf)  # it was asked for alone, and is refused on behalf of others too
        return Rehearsal(self._program, facts, self._contexts(), played, gone, gained, waits)

    def _contexts(self) -> dict[str, dict[str, Any]]:
        """Return the contexts of all requests, that of what is gained last."""
        path = self._path
        asked = [taken.asked for taken in path.taken] + [one for one in (path.before,) if one is not None]
        paths = {without_state(one.around.context.path): one.around.context.path for one in asked}
        return {name: self._bag(path, self._program.context) for name, path in paths.items()}

    def _played(self, taken: Taken) -> Played:
        required = []
        for options in taken.required:
            required += [self._call(o) for o in options if self._model.value(o.call.allowed)][:1]
        turns = tuple(self._turn(change) for change in taken.changes)
        who = taken.step.acting and self._path.principal(self._path.number_of(taken), taken.asked.state)
        return Played(self._call(taken.asked), tuple(required), turns, self._key(who) if who else None)

    def _call(self, asked: Asked) -> Call:
        action = self._program.actions[asked.where.action]
        arguments = self._bag(asked.around.arguments.path, action.parameters)
        others = [self._key(p) for p in self._path.others(asked)]
        who, resource = self._key(asked.subject), self._key(asked.around.resource)
        context = without_state(asked.around.context.path)
        return Call(who, action.external, arguments, resource, context, tuple(others), self._behalf(asked))

    def _behalf(self, asked: Asked) -> str | None:
        whom = asked.call.whom
        return self._key(whom) if whom is not None and self._model.value(asked.call.delegated) else None

    def _key(self, mention: Mention) -> str:
        return str(self._model.value(mention.key))

    def _bag(self, path: str, fields: Mapping[str, AttributeSymbol]) -> dict[str, Any]:
        made = {}
        smt = self._timeline.smt
        for symbol in fields.values():
            value = self._timeline.make(part_of(path, symbol.external), symbol.type, self._program)
            present = smt.variable(presence(part_of(path, symbol.external)), smt.bool)
            if not symbol.optional or self._model.value(present):
                made[symbol.external] = self._value(value, symbol.type)
        return made

    def _facts(self) -> dict[str, Facts]:
        """Return what the model says of every entity before the first step."""
        found: dict[str, Facts] = {}
        absent: set[tuple[str, str]] = set()
        for mention in sorted(self._timeline.mentions.values(), key=lambda m: state_of(m.path)):
            if mention.known is not None and not self._model.value(mention.known):
                continue
            key = self._key(mention)
            facts = found.setdefault(key, Facts())
            for (external, kind), told in mention.attributes.items():
                symbol = self._symbol(key, external)
                if symbol is None or attribute_key(symbol, self._program)[1] != kind:
                    continue
                if external in facts.properties or (key, external) in absent:
                    continue
                if not symbol.optional or self._model.value(told.present):
                    facts.properties[external] = self._value(told.value, symbol.type)
                else:
                    absent.add((key, external))
            if self._as_at_first(mention, "roles"):
                held = (name for name, term in mention.roles.items() if self._model.value(term))
                facts.roles = sorted({*facts.roles, *held})
            if self._as_at_first(mention, "parents"):
                facts.parents = sorted({*facts.parents, *self._groups(mention)})
        for key, facts in found.items():
            for symbol in self._program.by_external[type_of(key)].attributes.values():
                if not symbol.optional and symbol.external not in facts.properties:
                    facts.properties[symbol.external] = self._ordinary(symbol.type)
        return found

    def _as_at_first(self, mention: Mention, kind: str) -> bool:
        """Whether the roles or parents that a mention tells are still those of the first state."""
        before = (c for changes in self._timeline.changes[: state_of(mention.path)] for c in changes if c.kind == kind)
        return not any(kind == "parents" or self._key(c.target) == self._key(mention) for c in before)

    def _groups(self, mention: Mention) -> list[str]:
        own = self._key(mention)
        found = []
        for path, inside in mention.groups.items():
            group = next(m for m in self._timeline.mentions.values() if m.path == path)
            if self._model.value(inside) and self._key(group) != own:
                found.append(self._key(group))
        return found

    def _symbol(self, key: str, external: str) -> AttributeSymbol | None:
        attributes = self._program.by_external[type_of(key)].attributes.values()
        return next((s for s in attributes if s.external == external), None)

    def _turn(self, change: Change) -> Turn:
        key = self._key(change.target)
        if change.kind == "roles":
            held = (name for name, term in change.after.roles.items() if self._model.value(term))
            return Turn(key, change.what, "roles", sorted(held))
        if change.kind == "parents":
            state = state_of(change.after.path)
            same = [m for m in self._timeline.mentions.values() if state_of(m.path) == state and self._key(m) == key]
            groups = {group for mention in same for group in self._groups(mention)}
            if change.group is not None and change.given is not None and self._model.value(change.given):
                groups.add(self._key(change.group))
            return Turn(key, change.what, "parents", sorted(groups - {key}))
        told = next(o for (name, _), o in change.after.attributes.items() if name == change.what)
        symbol = self._symbol(key, change.what)
        assert symbol is not None
        if symbol.optional and not self._model.value(told.present):
            return Turn(key, change.what, "attribute", absent=True)
        return Turn(key, change.what, "attribute", self._value(told.value, symbol.type))

    def _ordinary(self, kind: Type) -> Any:
        return _referring(ordinary(kind, self._program))

    def _value(self, value: Value, kind: Type) -> Any:
        if isinstance(value, Mention):
            return Ref(self._key(value))
        if isinstance(value, Fields):
            assert isinstance(kind, Record)
            fields = ((f, value.fields[f.name]) for f in kind.fields)
            return {f.external or f.name: self._value(v.value, f.type) for f, v in fields if self._told(v)}
        if isinstance(value, Opaque):
            return self._ordinary(kind)
        assert isinstance(value, Scalar)
        if isinstance(kind, SetOf):
            items = elements(self._model.value(value.term) or (), kind.element, self._program)
            return [_referring(written(item, kind.element)) for item in items.values()]
        return written(self._model.value(value.term), kind)

    def _told(self, known: Optional) -> bool:
        return bool(self._model.value(known.present))


def _through_one_another(facts: dict[str, Facts]) -> None:
    """Leave out the parents of entities that other parents lead to."""
    for known in facts.values():
        for parent in list(known.parents):
            others = (facts.get(other) for other in known.parents if other != parent)
            if any(other is not None and parent in other.parents for other in others):
                known.parents.remove(parent)


def _referring(value: Any) -> Any:
    """Return a value with entities as references."""
    if isinstance(value, list):
        return [_referring(item) for item in value]
    if isinstance(value, dict) and set(value) == {"type", "id"}:
        return Ref(entity_text(value["type"], value["id"]))
    return value
