"""Reads requests in two steps: the shape, which says who asks for what, and the values that a decision needs.

The first step finds the action and the types, so that the caller can tell which attributes some applicable
rule reads; the second reads exactly those. What a rule does not read need not be there and is not looked at,
except arguments: they belong to the call itself, and all that are declared must fit.

Both steps collect every problem before they raise `InvalidRequest`, and raise nothing else, whatever they are
given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, frozen

from ..checker.symbols import ActionSymbol, EntityType, Program
from ..semantics.entity import EMPTY, Entity, entity_key
from ..semantics.problems import quoted
from . import facts
from .convert import as_mapping, text
from .entities import Slot, World
from .problems import InvalidRequest, Problems, Refused, meant

MAX_CHAIN: Final = 16
"""How many principals a chain may have, the one that performs the call included."""

_OF_BATCHES: Final = ("evaluations", "options")
_MEMBERS: Final = ("subject", "action", "resource", "context", "on_behalf_of")


@define(eq=False)
class RawEntity:
    """A subject or resource as the request describes it, its properties not yet read.

    `roles` are spelled as given; `above` are the keys of everything it is in, or None if the request does not
    say.
    """

    type: EntityType
    id: str
    key: str
    properties: Mapping[str, object]
    roles: frozenset[str] | None
    above: frozenset[str] | None
    path: str


@define(eq=False)
class Shape:
    """Who asks for what: a request whose structure, action and types are in order."""

    chain: tuple[RawEntity, ...]
    action: ActionSymbol
    arguments: Mapping[str, object]
    resource: RawEntity
    context: Mapping[str, object]
    program: Program


@frozen
class Needs:
    """The internal names of what to read of each principal of the chain, the resource and the context."""

    subjects: tuple[frozenset[str], ...]
    resource: frozenset[str] = EMPTY
    context: frozenset[str] = EMPTY


@define(eq=False)
class Request:
    """A request ready to be decided; `args` and `context` are by internal name, without what is absent."""

    chain: tuple[Entity, ...]
    action: ActionSymbol
    args: dict[str, Any]
    resource: Entity
    context: dict[str, Any]
    shape: Shape


def expand_evaluations(raw: object) -> list[object]:
    """Return the single requests of an AuthZEN batch; one without `evaluations` is a batch of one.

    Members at the top are defaults; an evaluation's own `subject`, `action`, `resource` or `context` replaces
    the default as a whole. What is malformed at the top or inside one evaluation is left to `read_shape` of each: a
    misplaced `on_behalf_of` must not get lost, nor a batch inside a batch.
    Raises `InvalidRequest` if `evaluations` is not a list.
    """
    request = as_mapping(raw)
    if request is None or "evaluations" not in request:
        return [raw]
    items = request["evaluations"]
    if not isinstance(items, list | tuple):
        problems = Problems()
        facts.complain(items, "evaluations", "list", problems)
        raise InvalidRequest(problems)
    defaults = {name: value for name, value in request.items() if name not in _OF_BATCHES}
    if not items:
        return [defaults]
    expanded: list[object] = []
    for item in items:
        members = as_mapping(item)
        expanded.append(item if members is None else {**defaults, **members})
    return expanded


def read_shape(world: World, raw: object) -> Shape:
    """Check the structure of a request and find its action and types, or raise `InvalidRequest`."""
    problems = Problems()
    request = as_mapping(raw)
    if request is None:
        facts.complain(raw, "request", "object", problems)
        raise InvalidRequest(problems)
    facts.refuse_misspelt(request, _MEMBERS, "request", problems)
    if "on_behalf_of" in request:
        problems.add("malformed-request", "on_behalf_of", "`on_behalf_of` stands inside the `subject`")
    if "evaluations" in request:
        message = "this is a batch, which is several requests; `expand_evaluations` gives them one by one"
        problems.add("malformed-request", "evaluations", message)
    chain = _read_chain(world, request, problems)
    action, arguments = _read_action(world, request, problems)
    resource = None
    members = _member(request, "resource", problems)
    if members is not None:
        resource = _read_entity(world, members, "resource", problems)
        if "on_behalf_of" in members:
            message = "`on_behalf_of` stands inside the `subject`; a resource acts for nobody"
            problems.add("malformed-request", "resource.on_behalf_of", message)
    context = facts.NOTHING
    if "context" in request:
        context = _member(request, "context", problems) or facts.NOTHING
    if action is not None and resource is not None and resource.type.key not in action.on:
        message = f"the action {quoted(action.external)} does not apply to {quoted(resource.type.external)}"
        problems.add("action-not-applicable", "resource.type", message)
    if problems or action is None or resource is None:
        raise InvalidRequest(problems)
    return Shape(chain, action, arguments, resource, context, world.program)


def validate(world: World, shape: Shape, needs: Needs) -> Request:
    """Read the values that a decision needs, or raise `InvalidRequest`.

    `needs.subjects` has one set for each principal of the chain.
    """
    problems = Problems()
    chain = tuple([_fill(world, raw, names, problems) for raw, names in zip(shape.chain, needs.subjects, strict=True)])
    resource = _fill(world, shape.resource, needs.resource, problems)
    args: dict[str, Any] = {}
    for slot in world.parameters(shape.action.key).values():
        if slot.external in shape.arguments:
            _read(slot, shape.arguments[slot.external], "action.properties", args, problems)
        elif not slot.optional:
            message = f"{quoted(shape.action.external)} needs the argument {quoted(slot.external)}"
            problems.add("missing-argument", f"action.properties{slot.suffix}", message)
    context: dict[str, Any] = {}
    for name in needs.context:
        declared = world.context[name]
        if declared.external in shape.context:
            _read(declared, shape.context[declared.external], "context", context, problems)
        elif not declared.optional:
            message = f"the context needs {quoted(declared.external)} for this decision"
            problems.add("missing-attribute", f"context{declared.suffix}", message)
    if problems:
        raise InvalidRequest(sorted(problems, key=lambda problem: (problem.path, problem.code)))
    return Request(chain, shape.action, args, resource, context, shape)


def read_known(world: World, subject: object, context: object) -> tuple[tuple[Entity, ...], dict[str, Any]]:
    """Read who will ask, with everyone they act for, and the context, as far as they are given.

    Values are by internal name. What is absent is left out, whatever needs it; what is given must be well-formed, or
    `InvalidRequest` is raised.
    """
    problems = Problems()
    given = {"subject": subject, "context": context}
    raw_chain = _read_chain(world, given, problems)
    raw_context = _member(given, "context", problems) or facts.NOTHING
    chain: list[Entity] = []
    for raw in raw_chain:
        stored = world.entity(raw.key)
        known = (stored.attrs or {}) if stored is not None else {}
        slots = world.attributes(raw.type.key).values()
        there = frozenset(slot.name for slot in slots if slot.name in known or slot.external in raw.properties)
        chain.append(_fill(world, raw, there, problems))
    values: dict[str, Any] = {}
    for slot in world.context.values():
        if slot.external in raw_context:
            _read(slot, raw_context[slot.external], "context", values, problems)
    if problems:
        raise InvalidRequest(sorted(problems, key=lambda problem: (problem.path, problem.code)))
    return tuple(chain), values


def read_principal(world: World, raw: Mapping[str, object], names: frozenset[str]) -> Entity:
    """Read one principal of a chain with the named attributes, or raise `InvalidRequest`."""
    problems = Problems()
    entity = _read_entity(world, raw, "subject", problems)
    found = None if entity is None else _fill(world, entity, names, problems)
    if problems or found is None:
        raise InvalidRequest(problems)
    return found


# The shape


def _member(request: Mapping[str, object], name: str, problems: Problems) -> Mapping[str, object] | None:
    """Return a member that must be an object."""
    if name not in request:
        problems.add("malformed-request", name, f"the request has no `{name}`")
        return None
    members = as_mapping(request[name])
    if members is None:
        facts.complain(request[name], name, "object", problems)
    return members


def _read_chain(world: World, request: Mapping[str, object], problems: Problems) -> tuple[RawEntity, ...]:
    """Read the subject and everyone it acts for."""
    chain: list[RawEntity] = []
    seen: dict[str, str] = {}
    path = "subject"
    members = _member(request, path, problems)
    for _ in range(MAX_CHAIN):
        if members is None:
            return tuple(chain)
        entity = _read_entity(world, members, path, problems)
        if entity is not None:
            chain.append(entity)
            if entity.type.kind != "subject":
                message = f"{quoted(entity.type.external)} is a type of resources, not of subjects"
                problems.add("not-a-subject", f"{path}.type", message)
            first = seen.setdefault(entity.key, path)
            if first != path:
                problems.add("repeated-principal", path, f"{quoted(entity.key)} is already in the chain, at {first}")
        if "on_behalf_of" not in members:
            return tuple(chain)
        path += ".on_behalf_of"
        outer, members = members, as_mapping(members["on_behalf_of"])
        if members is None:
            facts.complain(outer["on_behalf_of"], path, "object", problems)
    problems.add("chain-too-long", path, f"a chain may have {MAX_CHAIN} principals; here is one more")
    return tuple(chain)


def _read_entity(world: World, raw: Mapping[str, object], path: str, problems: Problems) -> RawEntity | None:
    """Read everything of a subject or resource but its attributes."""
    identity = facts.read_identity(raw, path, problems)
    properties = facts.read_properties(raw, path, problems)
    kind = facts.find_type(world.program, identity[0], path, problems) if identity else None
    if identity is None or kind is None:
        return None
    roles = facts.read_roles(raw, properties, kind, path, problems)
    above = facts.read_parents(world.program, world.above, raw, properties, kind, path, problems)
    return RawEntity(kind, identity[1], entity_key(kind.key, identity[1]), properties, roles, above, path)


def _read_action(
    world: World, request: Mapping[str, object], problems: Problems
) -> tuple[ActionSymbol | None, Mapping[str, object]]:
    """Find the action; return it with its raw arguments."""
    members = _member(request, "action", problems)
    if members is None:
        return None, facts.NOTHING
    arguments = facts.read_properties(members, "action", problems)
    if "name" not in members:
        problems.add("malformed-request", "action.name", "the action has no `name`")
        return None, arguments
    try:
        name = text(members["name"], "action.name", "text")
    except Refused as refused:
        problems.add("malformed-request", "action.name", refused.problem.message)
        return None, arguments
    known = world.program.actions_by_external
    action = known.get(name)
    if action is None:
        problems.add("unknown-action", "action.name", f"there is no action {quoted(name)}{meant(name, known)}")
    return action, arguments


# The values


def _read(slot: Slot, value: object, path: str, into: dict[str, Any], problems: Problems) -> None:
    """Convert one value, or add why it cannot be."""
    try:
        into[slot.name] = slot.read(value, path + slot.suffix)
    except Refused as refused:
        problems.append(refused.problem)


def _fill(world: World, raw: RawEntity, names: frozenset[str], problems: Problems) -> Entity:
    """Make the entity with the named attributes; member by member the store counts more than the request."""
    stored = world.entity(raw.key)
    known: Mapping[str, Any] = (stored.attrs or {}) if stored is not None else {}
    attrs: dict[str, Any] = {}
    slots = world.attributes(raw.type.key)
    for name in names:
        slot = slots.get(name)
        if slot is None:
            continue
        if name in known:
            attrs[name] = known[name]
        elif slot.external in raw.properties:
            _read(slot, raw.properties[slot.external], f"{raw.path}.properties", attrs, problems)
        elif not slot.optional:
            wanted = f"{quoted(slot.external)}, of type {quoted(str(raw.type.attributes[name].type))}"
            unknown = "; the entity store has no such entity" if world.has_store and stored is None else ""
            message = f"{quoted(raw.key)} needs {wanted}, for this decision{unknown}"
            problems.add("missing-attribute", f"{raw.path}.properties{slot.suffix}", message)
    if stored is not None and world.says_roles(raw.key):
        roles = stored.roles
    else:
        roles = world.effective_roles(raw.roles) if raw.roles else EMPTY
    if stored is not None and world.says_parents(raw.key):
        ancestors = stored.ancestors
    else:
        ancestors = frozenset((raw.key,)) if raw.above is None else raw.above | {raw.key}
    return Entity(raw.type.key, raw.id, attrs, roles, ancestors)
