"""Decides plain requests quickly: those for which reading code could be made, and in which nothing is unusual.

What this cannot decide it leaves to the exact way, which validates from the beginning. It holds no problem and no
message, and what it keeps depends on the program and the store only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from attrs import frozen

from ..checker.symbols import EntityType
from ..compiler import fused, ir
from ..compiler.layout import Layout
from ..compiler.reader import EntityFields, Field, Inline, PairReader, Plan, Reader, pair_reader, reader
from ..semantics import types
from ..semantics.addresses import read_ip
from ..semantics.entity import Entity, entity_key, names_chain
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
from .request import MAX_CHAIN, read_principal

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


_Person: TypeAlias = "_Named | Entity"


@frozen(eq=False)
class _Link:
    """How to read and decide one link.

    `asks` says whether rules ask for anything of the delegator or of who acts; `acting` adds who acts to the values,
    where some rule asks. `others` are the attributes that rules read of the delegator or the actor, by type; where
    rules ask for no attributes, roles or ancestors of theirs it is None.
    """

    layout: Layout
    plan: Plan
    read: Reader
    decide: Decide
    type: str
    asks: bool
    acting: Callable[[fused.Values, _Person, int], fused.Values] | None
    others: Mapping[tuple[ir.RootName, str], frozenset[str]] | None


class _Named(str):
    """The key of a delegator or of who acts, and its type: all that most rules ask of one.

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
        self._pairs: dict[tuple[_Link, _Link], PairReader] = {}

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
            (person,) = self._people([(link, subject)])
            values = link.acting(values, person, 0)
        return link.decide(values)

    def _chain(
        self, request: dict[str, Any], subject: Any, action: dict[str, Any], resource: dict[str, Any]
    ) -> LinkOutcome | None:
        """Read every link before the first is decided: a request that is invalid anywhere is decided by nothing."""
        links: list[tuple[_Link, dict[str, Any]]] = []
        asks = False
        while True:
            if type(subject) is not dict or len(links) == MAX_CHAIN:
                return None
            link = self._link(action["name"], resource["type"], subject["type"])
            if link is None:
                return None
            links.append((link, subject))
            asks = asks or link.asks
            if "on_behalf_of" not in subject:
                break
            subject = subject["on_behalf_of"]
        if asks:
            return self._asking(request, action, resource, links)
        if len(links) == 2:
            return self._two(request, action, resource, *links)
        steps: list[tuple[Decide, fused.Values]] = []
        last = links[-1][1]
        for link, subject in links:
            # Of the delegator the code asks only whether there is one. Naming them would take a quarter of the time.
            values = link.read(request, subject, action, resource, None if subject is last else subject)
            if values is None:
                return None
            steps.append((link.decide, values))
        if len({(link.type, subject["id"]) for link, subject in links}) != len(links):
            return None  # somebody acts for themselves; that identifiers are texts was seen when they were read
        decide, taken = self._engine.ready(tuple(steps))
        return decide(taken)

    def _two(
        self,
        request: dict[str, Any],
        action: dict[str, Any],
        resource: dict[str, Any],
        called: tuple[_Link, dict[str, Any]],
        served: tuple[_Link, dict[str, Any]],
    ) -> LinkOutcome | None:
        """Decide a chain of two, which most chains are: what its links share is read once."""
        (first, subject), (second, other) = called, served
        read = self._pairs.get((first, second))
        if read is None:
            read = pair_reader((first.layout, second.layout), (first.plan, second.plan))
            self._pairs[first, second] = read
        both = read(request, subject, other, action, resource)
        if both is None or (first.type == second.type and subject["id"] == other["id"]):
            return None  # or somebody acts for themselves
        return self._engine.pair((first.decide, both[0], second.decide, both[1]))

    def _asking(
        self,
        request: dict[str, Any],
        action: dict[str, Any],
        resource: dict[str, Any],
        links: list[tuple[_Link, dict[str, Any]]],
    ) -> LinkOutcome | None:
        """Decide a chain of which rules ask who acts, or for whom."""
        people = self._people(links)
        if len(set(people)) != len(people):
            return None  # somebody acts for themselves
        steps: list[tuple[Decide, fused.Values]] = []
        for at, (link, subject) in enumerate(links):
            delegator = people[at + 1] if at + 1 < len(people) else None
            values = link.read(request, subject, action, resource, delegator)
            if values is None:
                return None
            steps.append((link.decide, values if link.acting is None else _for_all(link.acting, values, people, at)))
        decide, taken = self._engine.ready(tuple(steps))
        return decide(taken)

    def _people(self, links: list[tuple[_Link, dict[str, Any]]]) -> list[_Person]:
        """Return the principals of a chain, as far as the rules of any link ask for them."""
        if all(link.others is None for link, _ in links):
            return [_Named(link.type, _text(subject["id"])) for link, subject in links]
        people: list[_Person] = []
        for at, (link, subject) in enumerate(links):
            asked = [later.others.get(("actor", link.type)) for later, _ in links[at:] if later.others]
            if at > 0 and (before := links[at - 1][0].others):
                asked.append(before.get(("delegator", link.type)))
            names = [some for some in asked if some is not None]
            if not names:
                people.append(_Named(link.type, _text(subject["id"])))
                continue
            people.append(read_principal(self._engine.world, subject, names[0].union(*names[1:])))
        return people

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

    def _made(self, bucket: CompiledBucket, subject: EntityType, resource: EntityType) -> _Link:
        """Make the code for a bucket."""
        layout, needs = bucket.layout, bucket.bucket.needs
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
        others = self._others(bucket.bucket)
        asks = acting is not None or others is not None or any(place.root == "delegator" for place in layout.places)
        return _Link(layout, plan, reader(layout, plan), bucket.decide, subject.key, asks, acting, others)

    def _others(self, bucket: ir.Bucket) -> Mapping[tuple[ir.RootName, str], frozenset[str]] | None:
        """Return the attributes that rules read of a delegator or an actor of each type, if they ask for anything."""
        roots = {root for root, _, _ in bucket.needs.others} | _asked_for_more(bucket)
        return {
            (root, key): bucket.needs.of_other(root, key) & kind.attributes.keys()
            for root in roots
            for key, kind in self._engine.program.types.items()
            if kind.kind == "subject"
        } or None

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


def _text(value: Any) -> str:
    """Return a text of exactly that kind; another might say that it equals several."""
    if type(value) is not str:
        raise TypeError
    return value


def _asked_for_more(bucket: ir.Bucket) -> set[ir.RootName]:
    """Return who of the delegator and the actor is asked for roles or ancestors."""
    found: set[ir.RootName] = set()
    for node in (n for test in bucket.tests for guard in test.guards for n in ir.descend(guard.condition)):
        match node:
            case ir.Apply(template, (ir.Root("delegator" | "actor" as name), *_)) if ".roles" in template or (
                ".ancestors" in template
            ):
                found.add(name)
    return found


def _for_all(
    acting: Callable[[fused.Values, _Person, int], fused.Values], values: fused.Values, people: list[_Person], at: int
) -> fused.Values:
    """Add who acts to the values of a link, and the values for everyone else up to it who could have called."""
    depth = len(people) - 1
    others = tuple([acting(values, people[caller], depth - caller) for caller in range(1, at + 1)])
    return (*acting(values, people[0], depth)[:-1], others)


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
    """Return the spellings of what is declared."""
    return frozenset(slot.external for slot in slots.values())


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
    return name in facts.LIFTED or names_chain(name)
