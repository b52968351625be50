"""Decides plain requests quickly: those for which reading code could be made, and in which nothing is unusual.

What this cannot decide it leaves to the exact way, which validates from the beginning. It holds no problem and no
message, and what it keeps depends on the program and the store only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from attrs import frozen

from ..checker.symbols import EntityType
from ..compiler import fused
from ..compiler.reader import EntityFields, Field, Inline, Plan, Reader, reader
from ..semantics import types
from ..semantics.addresses import read_ip
from ..semantics.entity import entity_key
from ..semantics.hosts import read_email, read_host
from ..semantics.numbers import INT_MAX, INT_MIN
from ..semantics.paths import read_path
from ..semantics.text import is_scalar_text
from ..semantics.times import read_duration, read_time
from ..semantics.urls import read_url
from . import facts
from .convert import MAX_ELEMENTS, MAX_STRING, Converter, converter, holds_entities
from .engine import CompiledBucket, Decide, Engine
from .entities import Slot, World
from .outcomes import LinkOutcome
from .problems import InvalidRequest, Problems
from .request import MAX_CHAIN

_INLINE: Mapping[types.Type, Inline] = {types.BOOL: "bool", types.INT: "int", types.STRING: "string"}
_OF_TEXT: Mapping[types.Type, Callable[[str], Any]] = {
    types.TIME: read_time,
    types.DURATION: read_duration,
    types.IP: read_ip,
    types.EMAIL: read_email,
    types.HOST: read_host,
    types.URL: read_url,
    types.PATH: read_path,
}


@frozen(eq=False)
class _Link:
    """How to read and decide one link; `alone` says that it reads attributes of the delegator, if there is one.

    `acting` adds who acts to the values, where some rule asks.
    """

    read: Reader
    decide: Decide
    alone: bool
    type: str
    acting: Callable[[fused.Values, _Named, int], fused.Values] | None


class _Named(str):
    """The key of a delegator, and its type: all that most rules ask of one.

    It has no attributes, roles or ancestors on purpose: code that wants them raises, and the exact way has them.
    """

    __slots__ = ("type",)

    type: str

    def __new__(cls, kind: str, identity: str) -> _Named:
        """Make the key of an entity."""
        self = super().__new__(cls, entity_key(kind, identity))
        self.type = kind
        return self


class PlainRequests:
    """Decides plain requests of one engine, by code that is made when the first one of its kind comes."""

    def __init__(self, engine: Engine) -> None:
        """Prepare nothing yet."""
        self._engine = engine
        self._links: dict[str, dict[str, dict[str, _Link | None]]] = {}

    def decide(self, request: Any) -> LinkOutcome | None:
        """Decide a request, or return None or raise anything if that needs the exact way."""
        if type(request) is not dict:
            return None
        subject, action, resource = request["subject"], request["action"], request["resource"]
        if type(subject) is not dict or type(action) is not dict or type(resource) is not dict:
            return None
        if "on_behalf_of" in subject:
            return self._chain(request, subject, action, resource)
        link = self._link(action["name"], resource["type"], subject["type"])
        if link is None:
            return None
        values = link.read(request, subject, action, resource, None)
        if values is None:
            return None
        if link.acting is not None:
            values = link.acting(values, _Named(link.type, subject["id"]), 0)
        return link.decide(values)

    def _chain(
        self, request: dict[str, Any], subject: Any, action: dict[str, Any], resource: dict[str, Any]
    ) -> LinkOutcome | None:
        """Read every link before the first is decided: a request that is invalid anywhere is decided by nothing."""
        links: list[tuple[_Link, dict[str, Any]]] = []
        while True:
            if type(subject) is not dict or len(links) == MAX_CHAIN:
                return None
            link = self._link(action["name"], resource["type"], subject["type"])
            if link is None or link.alone:
                return None
            links.append((link, subject))
            if "on_behalf_of" not in subject:
                break
            subject = subject["on_behalf_of"]
        read: list[fused.Values] = []
        people: list[_Named] = []
        key: _Named | None = None
        for link, subject in reversed(links):
            values = link.read(request, subject, action, resource, key)
            if values is None:
                return None
            key = _Named(link.type, subject["id"])
            people.append(key)
            read.append(values)
        if len(set(people)) != len(people):
            return None  # somebody acts for themselves
        read.reverse()
        people.reverse()
        steps = [
            (link.decide, _for_all(link, values, people, at))
            for at, ((link, _), values) in enumerate(zip(links, read, strict=True))
        ]
        decide, taken = self._engine.ready(tuple(steps))
        return decide(taken)

    def warm(self, action: str, resource: str, subject: str) -> None:
        """Make the code for requests of an action and two types, by their spellings."""
        self._link(action, resource, subject)

    def _link(self, action: Any, resource: Any, subject: Any) -> _Link | None:
        """Return how to read and decide requests of an action and two types, by their spellings, which are texts.

        Types are texts of exactly that kind, because nothing else is looked up: another kind of text could say that it
        equals several.
        """
        if type(action) is not str or type(resource) is not str or type(subject) is not str:
            return None
        try:
            return self._links[action][resource][subject]
        except KeyError:
            return self._new_link(action, resource, subject)

    def _new_link(self, action: str, resource: str, subject: str) -> _Link | None:
        program = self._engine.program
        named, on, who = (
            program.actions_by_external.get(action),
            program.by_external.get(resource),
            program.by_external.get(subject),
        )
        if named is None or on is None or who is None or on.key not in named.on or who.kind != "subject":
            return None
        made = self._made(self._engine.bucket(named.key, who.key, on.key), who, on)
        # Only what the program declares is kept, so that strange names cannot fill memory.
        self._links.setdefault(action, {}).setdefault(resource, {})[subject] = made
        return made

    def _made(self, bucket: CompiledBucket, subject: EntityType, resource: EntityType) -> _Link | None:
        """Make the code for a bucket, or return None where a rule reads attributes of who acts."""
        layout, needs = bucket.layout, bucket.bucket.needs
        if any(root == "actor" for root, _, _ in needs.others):
            return None
        world = self._engine.world
        stored, says_roles, says_parents = world.lookup
        parameters = world.parameters(bucket.bucket.action)
        plan = Plan(
            subject=self._fields(subject, needs.of("subject"), layout.roles["subject"]),
            resource=self._fields(resource, needs.of("resource"), layout.roles["resource"]),
            arguments=_fields(world, parameters, None),
            declared_arguments=_declared(parameters),
            context=_fields(world, world.context, needs.of("context")),
            stored=stored if world.has_store else None,
            says_roles=says_roles,
            says_parents=says_parents,
            strange=_strange,
            is_text=is_scalar_text,
            longest=MAX_STRING,
            most_elements=MAX_ELEMENTS,
            least=INT_MIN,
            most=INT_MAX,
        )
        acting = layout.acting if bucket.bucket.asks_who_acts else None
        return _Link(reader(layout, plan), bucket.decide, bool(needs.others), subject.key, acting)

    def _fields(self, kind: EntityType, needed: frozenset[str], asked: frozenset[str]) -> EntityFields:
        world = self._engine.world
        slots = world.attributes(kind.key)
        roles = {name: role.closure & asked for name, role in world.program.roles_by_external.items()}
        return EntityFields(
            kind.key,
            _fields(world, slots, needed),
            _declared(slots),
            {name: closure for name, closure in roles.items() if closure},
            _parents(world, kind),
        )


def _for_all(link: _Link, values: fused.Values, people: list[_Named], at: int) -> fused.Values:
    """Add who acts to the values of a link, and the values for everyone else up to it who could have called."""
    if link.acting is None:
        return values
    depth = len(people) - 1
    others = tuple(link.acting(values, people[caller], depth - caller) for caller in range(1, at + 1))
    return (*link.acting(values, people[0], depth)[:-1], others)


def _fields(world: World, slots: Mapping[str, Slot], needed: Iterable[str] | None) -> tuple[Field, ...]:
    """Describe what to read, in the order of declaration; all of it if nothing is said to be needed."""
    wanted = slots.keys() if needed is None else frozenset(needed)
    return tuple(
        Field(slot.name, slot.external, slot.optional, *_quickest(slot.type, slot.read, world))
        for slot in slots.values()
        if slot.name in wanted
    )


def _quickest(kind: types.Type, convert: Converter, world: World) -> tuple[Callable[[Any], Any], Inline | None]:
    """Return the quickest way to read plain values of a type: a function, and what to do about it."""
    read: Callable[[Any], Any] = partial(_at_nowhere, convert)
    match kind:
        case types.Enum(values=values):
            return dict(zip(values, values, strict=True)).__getitem__, "text"
        case types.SetOf(element=types.STRING):
            return read, "strings"
        case types.SetOf(element=element) if not holds_entities(element):
            return partial(_at_nowhere, converter(element, world)), "set"
    if kind in _OF_TEXT:
        return _OF_TEXT[kind], "text"
    return read, _INLINE.get(kind)


def _declared(slots: Mapping[str, Slot]) -> frozenset[str]:
    """Return the spellings of properties that are what they seem."""
    return frozenset(slot.external for slot in slots.values() if not facts.is_misplaced_chain(slot.external))


def _at_nowhere(convert: Converter, value: Any) -> Any:
    """Convert a value; where it stands matters to nobody, because what is wrong is found again."""
    return convert(value, "")


def _parents(world: World, kind: EntityType) -> Callable[[Mapping[str, Any]], frozenset[str] | None]:
    """Return what reads the member `parents`, exactly as the exact reader does."""

    def read(raw: Mapping[str, Any]) -> frozenset[str] | None:
        problems = Problems()
        found = facts.read_parents(world.program, world.above, raw, facts.NOTHING, kind, "", problems)
        if problems:
            raise InvalidRequest(problems)
        return found

    return read


def _strange(name: object) -> bool:
    """Tell whether a property that is not declared may be more than one that is ignored."""
    return name in facts.LIFTED or facts.is_misplaced_chain(name)
