"""What a workload consists of."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

JSON = Any
Atom = tuple[Any, ...]
"""`("<", root, name, constant)` and the like; the operators are those of `kyn` and `python` below."""
PROBABILITY = 0.05
"""How likely an edge between two entities of an application is."""


@frozen
class Rule:
    """A rule in no language: who may do what on what, if all the conditions hold; None where any will do."""

    effect: str
    role: str | None
    actions: tuple[str, ...]
    kind: str | None
    conditions: tuple[Atom, ...]


@frozen
class Workload:
    """A program as text, requests as JSON, an entity store or None; and the same by hand.

    `by_hand` takes one of `hand_requests`, which are in the best shape for it and in the order of `requests`. Other engines
    make their own texts of the `rules` or of the `graph`; a workload has one of the two.
    """

    name: str
    text: str
    requests: list[JSON]
    by_hand: Callable[[Any], Any]
    hand_requests: list[Any]
    rules: tuple[Rule, ...] = ()
    graph: Graph | None = None

    @property
    def kind(self) -> str:
        """The name without the size."""
        return self.name.partition("-")[0]

    @property
    def entities(self) -> list[JSON] | None:
        """The entity store, for a program about a graph of entities."""
        return None if self.graph is None else self.graph.store()


class Graph:
    """Entities of an application as they are drawn: properties and parents by `Type:id`."""

    def __init__(self) -> None:
        self.entities: dict[str, tuple[dict[str, Any], list[str]]] = {}

    def add(self, kind: str, identity: str, parents: Iterable[str] = (), **properties: Any) -> str:
        key = f"{kind}:{identity}"
        self.entities[key] = (properties, list(parents))
        return key

    def ancestors(self) -> dict[str, frozenset[str]]:
        """Return what each entity is in, without itself."""
        found: dict[str, frozenset[str]] = {}
        for start in self.entities:
            reached: set[str] = set()
            pending = [start]
            while pending:
                for parent in self.entities.get(pending.pop(), ({}, []))[1]:
                    if parent not in reached:
                        reached.add(parent)
                        pending.append(parent)
            found[start] = frozenset(reached)
        return found

    def store(self) -> list[JSON]:
        """Return the entities as a store; texts with a colon are references."""
        return [
            {
                **reference(key),
                "properties": {name: _value(value) for name, value in properties.items()},
                "parents": [reference(parent) for parent in parents],
            }
            for key, (properties, parents) in self.entities.items()
        ]


def reference(key: str) -> JSON:
    """Return `Type:id` as JSON."""
    kind, _, identity = key.partition(":")
    return {"type": kind, "id": identity}


def asking(subject: str, action: str, resource: str) -> JSON:
    """Return a request that says nothing of its entities but their names."""
    return {"subject": reference(subject), "action": {"name": action}, "resource": reference(resource), "context": {}}


def _value(value: Any) -> JSON:
    if isinstance(value, list):
        return [_value(item) for item in value]
    return reference(value) if isinstance(value, str) and ":" in value else value


# --- conditions, once for the policy and once by hand

_SIGNS = ("==", "!=", "<", "<=", ">", ">=")


def kyn(atom: Atom) -> str:
    """Write an atom in the policy language."""
    op, root, name, constant = atom
    place = f"{root}.{name}"
    match op:
        case "in":
            return f"{place} in {{{', '.join(map(_literal, sorted(constant)))}}}"
        case "holds":
            return f"{_literal(constant)} in {place}"
        case "meets":
            return f"{place}.contains_any({{{', '.join(map(_literal, sorted(constant)))}}})"
        case "within":
            return f'{place} within "{constant}"'
        case "begins":
            return f"{place}.starts_with({_literal(constant)})"
        case "same":
            return f"{place} == {constant}.{name}"
        case "==" if constant is True:
            return place
    return f"{place} {op} {_literal(constant)}"


def python(atom: Atom, roots: Mapping[str, str]) -> str:
    """Write an atom as a person would in Python, over plain dicts."""
    op, root, name, constant = atom
    place = f"{roots[root]}[{name!r}]"
    match op:
        case "in":
            return f"{place} in {{{', '.join(map(repr, sorted(constant)))}}}"
        case "holds":
            return f"{constant!r} in {place}"
        case "meets":
            return f"({' or '.join(f'{c!r} in {place}' for c in sorted(constant))})"
        case "within":
            block = ipaddress.ip_network(constant)
            return f"ip_int({place}) & {int(block.netmask)} == {int(block.network_address)}"
        case "begins":
            return f"{place}.startswith({constant!r})"
        case "same":
            return f"{place} == {roots[constant]}[{name!r}]"
    assert op in _SIGNS
    return f"{place} {op} {constant!r}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def entity(kind: str, of: Mapping[str, Any]) -> JSON:
    """Return an entity that carries its properties; `id` and `roles` stand beside them."""
    properties = {
        k: sorted(v) if isinstance(v, frozenset) else v for k, v in of.items() if k not in ("id", "type", "roles")
    }
    found = {"type": kind, "id": of["id"], "properties": properties}
    return {**found, "roles": sorted(of["roles"])} if of.get("roles") else found
