"""What a Cedar program is about: entity types, actions and contexts, as a schema declares them or entities show them.

Types are Cedar's, under Cedar's names. Where no schema is given, what entities look like stands in for one: an
attribute that all entities of a type have is required, every type may act and be acted on, and what the context holds
is worked out from how policies read it (`cedar_inference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen


class CedarError(Exception):
    """Something cannot be read at all: the message says what, and `help` what to do."""

    def __init__(self, message: str, help: str | None = None) -> None:
        """Take the message and, if there is one, the cure."""
        super().__init__(message)
        self.help = help


@frozen
class Simple:
    """A type without parts: `Bool`, `Long`, `String`, `ipaddr`, `decimal`, `datetime`, `duration`."""

    name: str

    def __str__(self) -> str:
        return self.name


@frozen
class SetType:
    """A set; the element type is None for one of which nothing is known but that it is empty."""

    element: CedarType | None

    def __str__(self) -> str:
        return f"Set<{self.element}>" if self.element else "Set"


@frozen
class Field:
    """An attribute of an entity, a record or a context."""

    type: CedarType
    required: bool = True


@frozen
class RecordType:
    """A record."""

    fields: Mapping[str, Field] = field(factory=dict)

    def __str__(self) -> str:
        inside = ", ".join(f"{n}{'' if f.required else '?'}: {f.type}" for n, f in self.fields.items())
        return f"{{{inside}}}"


@frozen
class EntityTypes:
    """References to entities of any of the types."""

    names: frozenset[str]

    def __str__(self) -> str:
        return " or ".join(sorted(self.names))


CedarType: TypeAlias = Simple | SetType | RecordType | EntityTypes

BOOL: Final = Simple("Bool")
LONG: Final = Simple("Long")
STRING: Final = Simple("String")
IP: Final = Simple("ipaddr")
DECIMAL: Final = Simple("decimal")
DATETIME: Final = Simple("datetime")
DURATION: Final = Simple("duration")


@define
class EntityKind:
    """An entity type: what it can be in, directly, and its attributes."""

    name: str
    parents: set[str] = field(factory=set)
    attributes: dict[str, Field] = field(factory=dict)


@frozen(order=True)
class Uid:
    """The name of an entity: `Action::"read"`."""

    type: str
    id: str

    def __str__(self) -> str:
        return f'{self.type}::"{self.id}"'


@define
class Action:
    """An action or a group of actions: what it is in, directly, and what it applies to; None for nothing."""

    uid: Uid
    parents: set[Uid] = field(factory=set)
    principals: frozenset[str] | None = None
    resources: frozenset[str] | None = None
    context: dict[str, Field] = field(factory=dict)

    @property
    def performed(self) -> bool:
        """Whether there can be requests for it: a mere group has none."""
        return self.principals is not None and self.resources is not None


@define
class Model:
    """All that policies can be about. `guessed` says that entities stand in for a schema."""

    kinds: dict[str, EntityKind] = field(factory=dict)
    actions: dict[Uid, Action] = field(factory=dict)
    guessed: bool = False

    def kind(self, name: str) -> EntityKind:
        """Return an entity type, which is added if it is new."""
        return self.kinds.setdefault(name, EntityKind(name))

    def above(self, name: str) -> frozenset[str]:
        """Return the types that an entity of a type can be in, its own included, because an entity is in itself."""
        return reach(name, lambda one: self.kinds[one].parents if one in self.kinds else ())

    def members(self, group: Uid) -> tuple[Action, ...]:
        """Return the actions that are performed and are an action or are in it, at any depth."""
        return tuple(action for action in self.performed() if group in self.groups(action.uid))

    def groups(self, action: Uid) -> frozenset[Uid]:
        """Return what an action is in, itself included."""
        return reach(action, lambda one: self.actions[one].parents if one in self.actions else ())

    def performed(self) -> tuple[Action, ...]:
        """Return all actions that can be performed, as they are declared."""
        return tuple(action for action in self.actions.values() if action.performed)

    def fields(self, names: Iterable[str], attribute: str) -> list[Field | None]:
        """Return what each of several entity types has under a name."""
        return [self.kinds[name].attributes.get(attribute) if name in self.kinds else None for name in sorted(names)]


def reach(start: Any, step: Any) -> frozenset[Any]:
    """Return everything that repeated steps lead to, the start included."""
    found, waiting = {start}, [start]
    while waiting:
        for one in step(waiting.pop()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return frozenset(found)


# What entities look like


def joined(one: CedarType | None, other: CedarType | None) -> CedarType | None:
    """Return the type of values of two types; None if there is none."""
    match one, other:
        case EntityTypes(names=names), EntityTypes(names=more):
            return EntityTypes(names | more)
        case SetType(element=None), SetType():
            return other
        case SetType(), SetType(element=None):
            return one
        case SetType(element=a), SetType(element=b):
            element = joined(a, b)
            return SetType(element) if element is not None else None
        case RecordType(fields=these), RecordType(fields=those):
            fields: dict[str, Field] = {}
            for name in [*these, *(n for n in those if n not in these)]:
                mine, its = these.get(name), those.get(name)
                if mine is None or its is None:
                    only = mine or its
                    assert only is not None
                    fields[name] = Field(only.type, False)
                    continue
                both = joined(mine.type, its.type)
                if both is None:
                    return None
                fields[name] = Field(both, mine.required and its.required)
            return RecordType(fields)
    return one if one == other else None


_EXTENSIONS: Final[Mapping[str, CedarType]] = {
    "ip": IP, "decimal": DECIMAL, "datetime": DATETIME, "duration": DURATION,
}  # fmt: skip


def type_of_value(value: Any) -> CedarType | None:
    """Return the type that a value of an entity file has; None if it has none that can be told."""
    match value:
        case bool():
            return BOOL
        case int():
            return LONG
        case str():
            return STRING
        case list():
            element: CedarType | None = None
            for item in value:
                one = type_of_value(item)
                element = one if element is None else joined(element, one)
                if element is None:
                    return None
            return SetType(element)
        case {"__entity": {"type": str(name), "id": str()}}:
            return EntityTypes(frozenset((name,)))
        case {"__extn": {"fn": str(name)}}:
            return _EXTENSIONS.get(name)
        case dict():
            fields = {name: type_of_value(inner) for name, inner in value.items()}
            known = {name: Field(kind) for name, kind in fields.items() if kind is not None}
            return RecordType(known) if len(known) == len(fields) else None
    return None


def from_entities(entities: Sequence[Mapping[str, Any]]) -> Model:
    """Return what entities show: their types, attributes, parents, and the actions among them."""
    model = Model(guessed=True)
    counts: dict[str, int] = {}
    seen: dict[tuple[str, str], list[CedarType | None]] = {}
    for entity in entities:
        uid = uid_of(entity["uid"])
        parents = {uid_of(parent) for parent in entity["parents"]}
        if is_action(uid.type):
            model.actions[uid] = Action(uid, parents)
            continue
        kind = model.kind(uid.type)
        counts[uid.type] = counts.get(uid.type, 0) + 1
        for parent in parents:
            kind.parents.add(model.kind(parent.type).name)
        for name, value in entity["attrs"].items():
            seen.setdefault((uid.type, name), []).append(type_of_value(value))
            for mentioned in _mentioned(value):
                model.kind(mentioned)
    for (owner, name), several in seen.items():
        merged = several[0]
        for one in several[1:]:
            merged = joined(merged, one)
        if merged is not None:
            model.kinds[owner].attributes[name] = Field(merged, len(several) == counts[owner])
    for action in list(model.actions.values()):
        for parent in action.parents:
            model.actions.setdefault(parent, Action(parent))
    return model


def _mentioned(value: Any) -> Iterable[str]:
    """Yield the types of all entities that a value names."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case {"__entity": {"type": str(name)}}:
                yield name
            case dict() as members:
                waiting.extend(members.values())
            case list() as items:
                waiting.extend(items)


def uid_of(value: Any) -> Uid:
    """Read the name of an entity as Cedar's JSON has it."""
    match value:
        case {"__entity": inner}:
            return uid_of(inner)
        case {"type": str(kind), "id": str(name)}:
            return Uid(kind, name)
    raise CedarError('an entity is named by {"type": "User", "id": "alice"}', "see Cedar's entities file format")


def is_action(type_name: str) -> bool:
    """Whether a type is one of actions."""
    return type_name.rpartition("::")[2] == "Action"
