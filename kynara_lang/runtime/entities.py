"""The world: an entity store as one program understands it.

Every stored entity of a type that the program declares is converted once, with its roles and all that it is
in, so that a decision only looks it up. The world is also where references to entities are read, because only
it knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from attrs import frozen

from ..checker.symbols import AttributeSymbol, EntityType, Program
from ..semantics import types
from ..semantics.entity import EMPTY, Entity, entity_key
from ..semantics.problems import quoted
from . import facts
from .convert import MAX_DEPTH, Converter, as_mapping, converter, mistyped
from .hierarchy import Hierarchy, union
from .problems import Problems, Refused, meant, step
from .store import Entities, EntitiesError, StoredEntry, raise_if_any

__all__ = ["Entities", "EntitiesError", "Slot", "World"]


class Slot(NamedTuple):
    """An attribute, argument or context field and how to read it; `suffix` is its step of a path."""

    name: str
    external: str
    suffix: str
    optional: bool
    read: Converter
    type: types.Type


class _LateEntity(Entity):
    """A stored entity so high or deep in a hierarchy that its ancestors are found when asked for."""

    __slots__ = ("_hierarchy",)

    _hierarchy: Hierarchy

    def await_ancestors(self, hierarchy: Hierarchy) -> None:
        """Forget the ancestors; from now on the hierarchy is asked for them."""
        del self.ancestors
        self._hierarchy = hierarchy

    def __getattr__(self, name: str) -> Any:
        """Find the ancestors, whose own place is empty."""
        if name == "ancestors":
            return self._hierarchy.closure(str.__str__(self))
        raise AttributeError(name)


class World:
    """A program with the entities it can look up, everything converted and ready to compare.

    Stored entities of types that the program does not declare are left out: nothing in the program can name
    them. A World never changes after it was made, except for caches, and is safe to share between threads.
    """

    def __init__(self, program: Program, entities: Entities | None = None) -> None:
        """Convert the store for a program; raise `EntitiesError` with everything that does not fit."""
        self.program = program
        self.converters: dict[object, Converter] = {}
        self._entities: dict[str, Entity] = {}
        self._with_roles: frozenset[str] = EMPTY
        self._with_parents: frozenset[str] = EMPTY
        self.context = self._slots(program.context)
        self._attributes = {key: self._slots(type.attributes) for key, type in program.types.items()}
        self._parameters = {key: self._slots(action.parameters) for key, action in program.actions.items()}
        self.has_store = entities is not None
        self._loading = self.has_store
        if entities is not None:
            self._load(entities)
            self._loading = False

    def entity(self, key: str) -> Entity | None:
        """Return the stored entity of a key such as `User::alice`."""
        return self._entities.get(key)

    @property
    def lookup(self) -> tuple[Callable[[str], Entity | None], frozenset[str], frozenset[str]]:
        """What finds a stored entity by key, and the keys of those of which the store says roles, and parents."""
        return self._entities.get, self._with_roles, self._with_parents

    def stored(self) -> tuple[str, ...]:
        """Return the keys of the entities that the store tells of, sorted."""
        return tuple(sorted(self._entities))

    def attributes(self, type_key: str) -> Mapping[str, Slot]:
        """Return how to read the attributes of a type, by internal name."""
        return self._attributes[type_key]

    def parameters(self, action_key: str) -> Mapping[str, Slot]:
        """Return how to read the arguments of an action, by internal name."""
        return self._parameters[action_key]

    def says_roles(self, key: str) -> bool:
        """Tell whether the store has the roles of an entity, be it that it has none."""
        return key in self._with_roles

    def says_parents(self, key: str) -> bool:
        """Tell whether the store has the parents of an entity, be it that it has none."""
        return key in self._with_parents

    def above(self, key: str) -> frozenset[str] | None:
        """Return what the store says an entity is in, itself included, or None where it does not say."""
        return self._entities[key].ancestors if key in self._with_parents else None

    def effective_roles(self, names: Iterable[str]) -> frozenset[str]:
        """Return the keys of roles and all they extend, from spellings; undeclared ones are ignored."""
        declared = self.program.roles_by_external
        return union([declared[name].closure for name in names if name in declared])

    def reference(self, value: object, type: types.Entity, path: str, depth: int) -> Entity:
        """Read `{"type", "id"}` as an entity of one of the types, or raise `Refused`.

        A stored entity is the one of the store, completed by what the reference carries and the store lacks.
        One that is neither stored nor carries properties, roles or parents is unknown: it has a name and no
        attributes.
        """
        raw = as_mapping(value)
        if raw is None:
            raise mistyped(value, path, f'{type} as {{"type", "id"}}')
        if depth >= MAX_DEPTH:
            raise Refused("invalid-value", path, f"entities are nested deeper than {MAX_DEPTH} levels")
        problems = Problems()
        identity = facts.read_identity(raw, path, problems)
        kind = facts.find_type(self.program, identity[0], path, problems) if identity else None
        if problems or identity is None or kind is None:
            raise Refused.of(problems[0])
        if kind.key not in type.names:
            raise Refused("wrong-type", f"{path}.type", f"{type} is expected here, not {quoted(kind.external)}")
        key = entity_key(kind.key, identity[1])
        stored = self._entities.get(key)
        carries = "properties" in raw or "roles" in raw or "parents" in raw
        if stored is not None and (self._loading or not carries):
            return stored
        if not carries:
            return Entity(kind.key, identity[1], None, EMPTY, frozenset((key,)))
        return self._described(raw, kind, identity[1], stored, path, depth)

    def _described(
        self,
        raw: Mapping[str, object],
        kind: EntityType,
        identity: str,
        stored: Entity | None,
        path: str,
        depth: int,
    ) -> Entity:
        """Make the entity of a reference that carries facts; those of the store count more."""
        problems = Problems()
        key = entity_key(kind.key, identity)
        properties = facts.read_properties(raw, path, problems)
        attrs: dict[str, Any] = dict(stored.attrs or {}) if stored is not None else {}
        for slot in self._attributes[kind.key].values():
            if slot.name not in attrs and slot.external in properties:
                place = f"{path}.properties{slot.suffix}"
                attrs[slot.name] = slot.read(properties[slot.external], place, depth + 1)
        roles = self.effective_roles(facts.read_roles(raw, properties, kind, path, problems) or EMPTY)
        above = facts.read_parents(self.program, self.above, raw, properties, kind, path, problems)
        if problems:
            raise Refused.of(problems[0])
        ancestors = (above or EMPTY) | {key}
        if stored is not None:
            roles = stored.roles if key in self._with_roles else roles
            ancestors = stored.ancestors if key in self._with_parents else ancestors
            if len(attrs) == len(stored.attrs or {}) and (roles, ancestors) == (
                stored.roles,
                stored.ancestors,
            ):
                return stored
        return Entity(kind.key, identity, attrs, roles, ancestors)

    def _load(self, entities: Entities) -> None:
        loader = _Loader(self, entities)
        self._with_roles = frozenset(key for key, one in loader.stored.items() if one.roles is not None)
        self._with_parents = frozenset(key for key, one in loader.stored.items() if one.parents is not None)
        self._entities = loader.load()
        loader.convert(self._entities)

    def _slots(self, symbols: Mapping[str, AttributeSymbol]) -> dict[str, Slot]:
        return {
            name: Slot(name, s.external, step(s.external), s.optional, converter(s.type, self), s.type)
            for name, s in symbols.items()
        }


@frozen
class _Stored:
    """A stored entity of a declared type on its way into a world."""

    entry: StoredEntry
    kind: EntityType
    properties: Mapping[str, object]
    roles: frozenset[str] | None
    parents: tuple[str, ...] | None


class _Loader:
    """Fills a world from a store: names and hierarchy first; attributes when all entities exist."""

    def __init__(self, world: World, entities: Entities) -> None:
        self.world = world
        self.source = entities.source
        self.problems = Problems()
        self.stored: dict[str, _Stored] = {}
        for entry in entities.entries:
            kind = world.program.by_external.get(entry.type)
            if kind is not None:
                self.stored[entity_key(kind.key, entry.id)] = self._read(entry, kind)
            elif meant(entry.type, world.program.by_external):
                # Left out, it would leave what a request claims of the entity unopposed.
                facts.find_type(world.program, entry.type, entry.path, self.problems)

    def load(self) -> dict[str, Entity]:
        """Return all entities by key, or raise `EntitiesError`."""
        hierarchy = Hierarchy({key: one.parents for key, one in self.stored.items() if one.parents is not None})
        shared: dict[frozenset[str], frozenset[str]] = {EMPTY: EMPTY}
        entities: dict[str, Entity] = {}
        for key, one in self.stored.items():
            roles = self.world.effective_roles(one.roles or EMPTY)
            entity = _entity(one, shared.setdefault(roles, roles), key, hierarchy)
            entities[key] = entity
        return entities

    def convert(self, entities: Mapping[str, Entity]) -> None:
        """Fill in the attributes; the entities they refer to exist by now."""
        for key, one in self.stored.items():
            attrs: dict[str, Any] = {}
            for slot in self.world.attributes(one.kind.key).values():
                if slot.external not in one.properties:
                    continue
                path = f"{one.entry.path}.properties{slot.suffix}"
                try:
                    attrs[slot.name] = slot.read(one.properties[slot.external], path)
                except Refused as refused:
                    self.problems.append(refused.problem)
            entities[key].attrs = attrs
        raise_if_any(self.problems, self.source)

    def _read(self, entry: StoredEntry, kind: EntityType) -> _Stored:
        """Read everything of an entry but its attributes."""
        raw, path, problems = entry.raw, entry.path, self.problems
        properties = facts.read_properties(raw, path, problems)
        roles = facts.read_roles(raw, properties, kind, path, problems)
        given = [
            tuple(self._parents(value, kind, place))
            for value, place in facts.given(raw, properties, kind, "parents", path)
        ]
        parents = facts.agreed(given, "parents", path, problems)
        return _Stored(entry, kind, properties, roles, parents)

    def _parents(self, value: object, kind: EntityType, path: str) -> Iterator[str]:
        """List the keys of an entry's parents."""
        for key, _, members, at in facts.parent_references(self.world.program, value, kind, path, self.problems):
            if "parents" in members:
                message = "what a parent is in belongs into the parent's own entry"
                self.problems.add("malformed-request", f"{at}.parents", message)
            yield key


def _entity(one: _Stored, roles: frozenset[str], key: str, hierarchy: Hierarchy) -> Entity:
    """Make a stored entity without attributes."""
    alone = frozenset((key,))
    ancestors = alone if one.parents is None else hierarchy.known(key)
    if ancestors is not None:
        return Entity(one.kind.key, one.entry.id, {}, roles, ancestors)
    late = _LateEntity(one.kind.key, one.entry.id, {}, roles, alone)
    late.await_ancestors(hierarchy)
    return late
