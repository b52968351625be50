"""Random requests and entity stores for a random program: mostly well-formed, and then bent out of shape."""

from __future__ import annotations

import copy
from typing import Any

from kynara_lang.semantics import types as ty

from .schema import Attr, Schema
from .vocabulary import IDS, JUNK, POOL, Draw

JSON = Any


class Caller:
    """Writes requests and stores for one set of declarations."""

    def __init__(self, draw: Draw, made: Schema) -> None:
        self.draw, self.schema = draw, made

    # --- values

    def value(self, kind: ty.Type, depth: int = 1) -> JSON:
        """Write a value of a type as a request carries it."""
        draw = self.draw
        match kind:
            case ty.Enum(values=values):
                return draw.pick(values)
            case ty.SetOf(element=element):
                most = 1 if isinstance(element, ty.Record) else 3
                drawn = [self.value(element, depth) for _ in range(draw.number(most))]
                return drawn if draw.chance(3) else _distinct(drawn)
            case ty.Record(fields=fields):
                given = [f for f in fields if not f.optional or draw.chance(60)]
                return {f.external or f.name: self.value(f.type, depth) for f in given}
            case ty.Entity(names=names):
                return self.reference(draw.pick(sorted(names)), depth)
        return draw.pick(draw.pick(POOL[kind])[1])

    def reference(self, name: str, depth: int) -> JSON:
        """Write a reference, which may carry what is known of the entity."""
        found = {"type": self.schema.kinds[name].external, "id": self.draw.pick(IDS)}
        if depth > 0 and self.draw.chance(60):
            found |= self.described(name, depth - 1, present=80)
        return found

    def described(self, name: str, depth: int, present: int) -> dict[str, JSON]:
        """Write properties, roles and parents of an entity; required properties are there to some percentage."""
        draw, kind = self.draw, self.schema.kinds[name]
        found: dict[str, JSON] = {}
        properties = self.members(list(kind.attrs.values()), depth, present)
        if properties or draw.chance(30):
            found["properties"] = properties
        if draw.chance(60):
            roles = draw.some([e for e, _ in self.schema.roles.values()], 40) + draw.some(["nobody"], 5)
            among = "roles" not in kind.attrs and draw.chance(15)
            (found.setdefault("properties", {}) if among else found)["roles"] = roles
        if kind.parents and draw.chance(50):
            parents = [self.parent(p, 2) for p in draw.some(kind.parents, 70)]
            (found.setdefault("properties", {}) if draw.chance(15) else found)["parents"] = parents
        return found

    def members(self, declared: list[Attr], depth: int, present: int) -> dict[str, JSON]:
        """Write declared properties, arguments or context fields, and now and then undeclared ones."""
        draw = self.draw
        there = [a for a in declared if draw.chance(60 if a.optional else present)]
        found = {a.external: self.value(a.type, depth) for a in there}
        return {**found, "undeclared": draw.pick(JUNK)} if draw.chance(5) else found

    def parent(self, name: str, depth: int) -> JSON:
        found: dict[str, JSON] = {"type": self.schema.kinds[name].external, "id": self.draw.pick(IDS)}
        above = self.schema.kinds[name].parents
        if above and depth > 0 and self.draw.chance(50):
            found["parents"] = [self.parent(self.draw.pick(above), depth - 1)]
        return found

    # --- requests

    def request(self, *, bent: int = 12) -> JSON:
        """Write a request; some percentage is bent out of shape."""
        draw, made = self.draw, self.schema
        action = made.actions[draw.pick(list(made.actions))]
        resource = self.entity(draw.pick(action.on))
        found = {"subject": self.chain(), "action": {"name": action.external}, "resource": resource}
        args = self.members(list(action.params.values()), 1, 99)
        if args or draw.chance(50):
            found["action"]["properties"] = args
        if draw.chance(98):
            found["context"] = self.members(list(made.context.values()), 1, 99)
        for _ in range(draw.number(1) + 1 if draw.chance(bent) else 0):
            found = self.bend(found)
        return found

    def plain(self) -> JSON:
        """Return the smallest request of the right shape, without drawing anything."""
        action = next(iter(self.schema.actions.values()))
        kinds = self.schema.kinds
        return {
            "subject": {"type": kinds[self.schema.subjects[0]].external, "id": "a"},
            "action": {"name": action.external},
            "resource": {"type": kinds[action.on[0]].external, "id": "a"},
            "context": {"now": "2026-11-22T10:00:00Z"},
        }

    def chain(self) -> JSON:
        """Write a subject with those it acts for."""
        draw = self.draw
        names = [(k, i) for i in (*IDS, "d") for k in self.schema.subjects]
        found: JSON = None
        for _ in range(1 + (draw.number(3) if draw.chance(40) else 0)):
            at = draw.number(len(names) - 1)
            kind, identity = names[at] if draw.chance(5) else names.pop(at)  # a principal repeated is invalid
            link = self.entity(kind, identity)
            if found is not None:
                link["on_behalf_of"] = found
            found = link
        return found

    def entity(self, name: str, identity: str | None = None) -> dict[str, JSON]:
        found = {"type": self.schema.kinds[name].external, "id": identity or self.draw.pick(IDS)}
        return found | self.described(name, 1, present=99)

    def bend(self, request: JSON) -> JSON:
        """Replace, drop or add one member somewhere."""
        found = copy.deepcopy(request)
        places = list(_places(found))
        owner, key = self.draw.pick(places)
        match self.draw.number(3):
            case 0 | 1:
                owner[key] = self.draw.pick(JUNK)
            case 2:
                del owner[key]
            case 3 if isinstance(owner, dict):
                owner[self.draw.pick(("type", "id", "properties", "roles", "parents", "on_behalf_of"))] = self.draw.pick(JUNK)
        return found

    # --- stores

    def store(self) -> list[JSON]:
        """Write an entity store."""
        found = []
        for name, kind in self.schema.kinds.items():
            for identity in self.draw.some(IDS, 50):
                entry = {"type": kind.external, "id": identity, **self.described(name, 0, present=85)}
                for place in (entry, entry.get("properties", {})):
                    if "parents" in place and "parents" not in kind.attrs:
                        place["parents"] = [{"type": p["type"], "id": p["id"]} for p in place["parents"]]
                found.append(entry)
        return found


def _distinct(values: list[JSON]) -> list[JSON]:
    """Leave out references that name an entity twice: what they say of it could differ, which is an error."""
    seen, found = set(), []
    for value in values:
        name = (value["type"], value["id"]) if isinstance(value, dict) and "type" in value else None
        if name is None or name not in seen:
            found.append(value)
        seen.add(name)
    return found


def _places(value: JSON):
    """List (container, key) of everything inside a request."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
