"""Lists what a request carries to no effect: what nothing is declared for, and what the store says differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..semantics import types
from ..semantics.display import display_text
from ..semantics.entity import EMPTY
from ..semantics.types import Record, SetOf, Type
from . import facts
from .convert import MAX_DEPTH, as_mapping
from .entities import Slot, World
from .problems import Refused, step
from .request import RawEntity, Shape

_SHOWN: Final = 60


def ignored_attributes(world: World, shape: Shape) -> list[str]:
    """List the JSON paths of what the request carries to no effect, entity by entity.

    That is: properties, arguments and context fields that the program does not declare, roles it does not
    declare (as `subject.roles: "x"`), and what the store says differently; also inside of values, for the members of
    records and for what references carry.
    """
    found: list[str] = []
    for raw in (*shape.chain, shape.resource):
        if raw is shape.resource:
            found += _of_members(world, shape.arguments, world.parameters(shape.action.key), "action.properties")
        found += _of_entity(world, raw)
    return found + list(_of_members(world, shape.context, world.context, "context"))


def _of_members(
    world: World, members: Mapping[str, object], slots: Mapping[str, Slot], path: str, depth: int = 0
) -> Iterator[str]:
    """List members that nothing is declared for, and what the others carry to no effect."""
    declared = {slot.external: slot for slot in slots.values()}
    for name, value in members.items():
        place = path + step(name)
        if name in declared:
            yield from _of_value(world, value, declared[name].type, place, depth)
        else:
            yield place


def _of_value(world: World, raw: object, type: Type, path: str, depth: int) -> Iterator[str]:
    """List what a value carries to no effect; nothing where it is not of the type, which is said elsewhere."""
    match type:
        case SetOf(element=element) if isinstance(raw, list | tuple):
            for at, item in enumerate(raw):
                yield from _of_value(world, item, element, f"{path}[{at}]", depth)
        case Record(fields=fields):
            declared = {field.external or field.name: field.type for field in fields}
            for name, item in (as_mapping(raw) or facts.NOTHING).items():
                if name in declared:
                    yield from _of_value(world, item, declared[name], path + step(name), depth)
                else:
                    yield path + step(name)
        case types.Entity():
            yield from _of_reference(world, as_mapping(raw) or facts.NOTHING, path, depth)


def _of_reference(world: World, raw: Mapping[str, object], path: str, depth: int) -> Iterator[str]:
    """List what a reference carries to no effect, beside its type and id."""
    spelled = raw.get("type")
    kind = world.program.by_external.get(spelled) if isinstance(spelled, str) else None
    if kind is None or depth >= MAX_DEPTH:
        return
    properties = as_mapping(raw.get("properties")) or facts.NOTHING
    lifted = {name for name in facts.LIFTED if not facts.declared_as_attribute(kind, name)}
    attributes = {name: value for name, value in properties.items() if name not in lifted}
    yield from _of_members(world, attributes, world.attributes(kind.key), f"{path}.properties", depth + 1)
    roles = raw.get("roles", properties.get("roles") if "roles" in lifted else None)
    if isinstance(roles, list | tuple | set | frozenset):
        yield from _of_roles(world, {name for name in roles if isinstance(name, str)}, path)
    for name in raw:
        if name not in facts.OF_A_REFERENCE:
            yield path + step(name)


def _of_roles(world: World, names: frozenset[str] | set[str], path: str) -> Iterator[str]:
    for name in sorted(names - world.program.roles_by_external.keys()):
        yield f"{path}.roles: {display_text(name, _SHOWN)}"


def _of_entity(world: World, raw: RawEntity) -> Iterator[str]:
    """List what a subject or resource carries to no effect."""
    slots = world.attributes(raw.type.key)
    lifted = {name for name in facts.LIFTED if not facts.declared_as_attribute(raw.type, name)}
    properties = {name: value for name, value in raw.properties.items() if name not in lifted}
    yield from _of_members(world, properties, slots, f"{raw.path}.properties")
    yield from _of_roles(world, raw.roles or EMPTY, raw.path)
    stored = world.entity(raw.key)
    if stored is None:
        return
    for slot in slots.values():
        if slot.external in properties and slot.name in (stored.attrs or {}):
            path = f"{raw.path}.properties{slot.suffix}"
            try:
                same = slot.read(properties[slot.external], path) == (stored.attrs or {})[slot.name]
            except Refused:
                same = False
            if not same:
                yield path
    if raw.roles is not None and world.says_roles(raw.key) and world.effective_roles(raw.roles) != stored.roles:
        yield f"{raw.path}.roles"
    if raw.above is not None and world.says_parents(raw.key) and raw.above | {raw.key} != stored.ancestors:
        yield f"{raw.path}.parents"
