"""From a model of the solver to a request that anyone can replay, as small as it can be made.

What the solver left open gets an ordinary value. The request is then decided by the evaluator, which is handed in:
nothing is shown that it does not confirm.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..checker.symbols import AttributeSymbol, Program
from ..semantics.types import Record, SetOf, Type
from .keys import part_of, presence, type_and_id
from .links import Surroundings
from .solver import Model, Term
from .universe import Fields, Mention, Opaque, Optional, Scalar, Universe, Value, attribute_key, way_up
from .values import elements, ordinary, written

Json = dict[str, Any]


class Writer:
    """Writes the request of one model."""

    def __init__(self, universe: Universe, model: Model, program: Program) -> None:
        """Take the values from a model."""
        self._universe, self._model, self._program = universe, model, program

    def request(self, chain: Sequence[Mention], action: str, around: Surroundings) -> Json:
        """Return the request of a chain (the actor first) for an action (by key)."""
        subject = self._entity(chain[-1])
        for mention in reversed(chain[:-1]):
            subject = {**self._entity(mention), "on_behalf_of": subject}
        made: Json = {
            "subject": subject,
            "action": {"name": self._program.actions[action].external},
            "resource": self._entity(around.resource),
        }
        arguments = self._bag(around.arguments.path, around.arguments.fields)
        if arguments:
            made["action"]["properties"] = arguments
        made["context"] = self._bag("context", self._program.context)
        return made

    def _bag(self, path: str, fields: Mapping[str, AttributeSymbol]) -> Json:
        made = {}
        for symbol in fields.values():
            value = self._universe.make(part_of(path, symbol.external), symbol.type, self._program)
            present = self._universe.smt.variable(presence(part_of(path, symbol.external)), self._universe.smt.bool)
            if not symbol.optional or self._holds(present):
                made[symbol.external] = self._value(value, symbol.type)
        return made

    def _entity(self, mention: Mention) -> Json:
        """Return one of the request's own entities, with everything that its type requires."""
        type_name, identity = self._name(mention)
        kind = self._program.by_external[type_name]
        made: Json = {"type": type_name, "id": identity}
        properties = {}
        for symbol in kind.attributes.values():
            known = self._known(mention, symbol)
            if known is None:
                if not symbol.optional:
                    properties[symbol.external] = ordinary(symbol.type, self._program)
            elif not symbol.optional or self._holds(known.present):
                properties[symbol.external] = self._value(known.value, symbol.type)
        if properties:
            made["properties"] = properties
        return self._with_roles(made, mention)

    def _known(self, mention: Mention, symbol: AttributeSymbol) -> Optional | None:
        return mention.attributes.get(attribute_key(symbol, self._program))

    def _with_roles(self, made: Json, mention: Mention) -> Json:
        roles = sorted(name for name, held in mention.roles.items() if self._holds(held))
        if roles:
            made["roles"] = roles
        parents = []
        for path, inside in sorted(mention.groups.items()):
            group = next(m for m in self._universe.mentions.values() if m.path == path)
            if self._holds(inside) and self._name(group) != self._name(mention):
                parents.append(self._parent(self._name(mention)[0], *self._name(group)))
        if parents:
            made["parents"] = [p for i, p in enumerate(parents) if p not in parents[:i]]
        return made

    def _parent(self, member: str, type_name: str, identity: str) -> Json:
        """Return a parent through which a member of some type is in a group, with what lies between."""
        *between, _ = way_up(self._program, member, frozenset({type_name})) or ("",)
        made: Json = {"type": type_name, "id": identity}
        for name in reversed(between):
            made = {"type": name, "id": "between", "parents": [made]}
        return made

    def _reference(self, mention: Mention) -> Json:
        type_name, identity = self._name(mention)
        made: Json = {"type": type_name, "id": identity}
        if mention.known is None or not self._holds(mention.known):
            return made
        properties = {}
        for symbol in self._program.by_external[type_name].attributes.values():
            known = self._known(mention, symbol)
            if known is not None and self._told(known, symbol):
                properties[symbol.external] = self._value(known.value, symbol.type)
        made["properties"] = properties
        return self._with_roles(made, mention)

    def _told(self, known: Optional, symbol: AttributeSymbol) -> bool:
        """Whether a reference tells an attribute: one that is required is left out only where that matters."""
        if not symbol.optional and not self._model.tells(known.present):
            return True
        return self._holds(known.present)

    def _holds(self, term: Term) -> bool:
        """Whether something is so; what nothing depends on is not."""
        return bool(self._model.tells(term) and self._model.value(term))

    def _name(self, mention: Mention) -> tuple[str, str]:
        if not self._model.tells(mention.key):  # any entity will do
            return min(mention.types), mention.path.partition(":")[0].rpartition(".")[2]
        return type_and_id(str(self._model.value(mention.key)))

    def _value(self, value: Value, kind: Type) -> Any:
        if isinstance(value, Mention):
            return self._reference(value)
        if isinstance(value, Fields):
            assert isinstance(kind, Record)
            return {
                f.external or f.name: self._value(value.fields[f.name].value, f.type)
                for f in kind.fields
                if self._holds(value.fields[f.name].present)
            }
        if isinstance(value, Opaque):
            return ordinary(kind, self._program)
        if not self._model.tells(value.term):
            return ordinary(kind, self._program)
        if isinstance(kind, SetOf):
            return self._set(value, kind)
        return written(self._model.value(value.term), kind)

    def _set(self, value: Scalar, kind: SetOf) -> list[Any]:
        items: dict[Any, Any] = {}
        for item, meant in elements(self._model.value(value.term) or (), kind.element, self._program).items():
            items[item] = written(meant, kind.element)
        for item in self._universe.pool(value, self._program) if value.path else ():
            # What is known of an element that is an entity stands with its reference.
            if isinstance(item, Mention) and (key := self._model.value(item.key)) in items:
                items[key] = self._reference(item)
        return [items[key] for key in sorted(items, key=repr)]


# --- making it small


def smaller(request: Json, program: Program, keeps: Callable[[Json], bool]) -> Json:
    """Return a request with as little in it, and as ordinary, as still `keeps` what it shows."""
    for path, simple in list(_simplifications(request, program)):
        changed = copy.deepcopy(request)
        _put(changed, path, simple)
        if keeps(changed):
            request = changed
    return request


_GONE = object()


def _simplifications(request: Json, program: Program) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield what could be left out or be an ordinary value instead, largest parts first."""
    for path, members in _entities(request):
        for name in ("parents", "roles"):
            if name in members:
                yield (*path, name), _GONE
                for i in reversed(range(len(members[name]))):
                    yield (*path, name, i), _GONE
        kind = program.by_external.get(members.get("type", ""))
        for symbol in kind.attributes.values() if kind else ():
            yield from _simpler((*path, "properties", symbol.external), symbol, program)
    action = next((a for a in program.actions.values() if a.external == request["action"]["name"]), None)
    for symbol in action.parameters.values() if action else ():
        yield from _simpler(("action", "properties", symbol.external), symbol, program)
    for symbol in program.context.values():
        yield from _simpler(("context", symbol.external), symbol, program)


def _simpler(
    path: tuple[str | int, ...], symbol: AttributeSymbol, program: Program
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, _GONE
    yield path, ordinary(symbol.type, program)


def _entities(request: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    path: tuple[str | int, ...] = ("subject",)
    subject = request["subject"]
    while subject is not None:
        yield path, subject
        path, subject = (*path, "on_behalf_of"), subject.get("on_behalf_of")
    yield ("resource",), request["resource"]


def _put(request: Any, path: tuple[str | int, ...], value: Any) -> None:
    *where, last = path
    for step in where:
        if isinstance(request, dict) and step not in request:
            return
        request = request[step]
    if isinstance(request, list):
        index = int(last)
        request[index : index + 1] = [] if value is _GONE else [value]
    elif value is _GONE:
        request.pop(last, None)
    elif last in request:
        request[last] = value
