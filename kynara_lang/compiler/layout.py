"""Where the code of a bucket finds what it reads of a request: a tuple with one place for each value.

A value in a tuple is read in 3 ns; looked up in the attributes of an entity it takes 17. What is always there in a
valid request has a place of its own: required attributes, arguments and context fields, the ancestors of subject and
resource, and of their roles those that some rule of the bucket asks for, so that other roles cost nothing. What may be
absent is read from the attributes as a whole, behind the test that proves it. Where the subject is looked for in what
something else refers to (`subject in resource.owner.admins`), that has a place too: looking it up took 25 ns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from attrs import frozen

from . import ir

ROLE = "{1} in {0}.roles"
ROLES = "not {0}.roles.isdisjoint({1})"
ANCESTOR = "{1} in {0}.ancestors"
_ORDER: tuple[ir.RootName, ...] = (
    "args",
    "context",
    "resource",
    "subject",
    "delegator",
    "approver",
    "actor",
    "depth",
)
Part = Literal["whole", "attributes", "roles", "ancestors", "value", "reached"]
_ATTRIBUTE = "attribute({0}, "


@frozen(order=True)
class Place:
    """One value: a part of a root; `name` is that of an attribute, argument or context field.

    `beyond` is the attribute that is `reached` of what `name` refers to.
    """

    root: ir.RootName
    part: Part
    name: str = ""
    beyond: str = ""


class Layout:
    """The places of a bucket, in an order that depends on nothing but what is read.

    What all links share stands first, then what is of one link, and last who acts: `fixed` counts what stands before
    that. Where rules ask who acts the last value of all holds the values for everyone else who could have called, each
    a whole tuple. `roles` are those that matter of the subject and of the resource.
    """

    def __init__(self, bucket: ir.Bucket) -> None:
        """Give a place to everything that the rules of a bucket read."""
        self._required = bucket.required
        roles: dict[str, set[str]] = {"subject": set(), "resource": set()}
        found: set[Place] = set()
        for test in bucket.tests:
            for guard in test.guards:
                for node in self._reading(guard.condition):
                    found.update(self._places(node))
                    self._collect_roles(node, roles)
        self.places = tuple(sorted(found, key=lambda place: (_ORDER.index(place.root), place)))
        self.fixed = sum(place.root not in ("actor", "depth") for place in self.places)
        self.asks_who_acts = bucket.asks_who_acts
        self.roles = {root: frozenset(names) for root, names in roles.items()}
        self._at = {place: at for at, place in enumerate(self.places)}

    def at(self, root: ir.RootName, part: Part, name: str = "") -> int:
        """Return where a value stands in the tuple."""
        return self._at[Place(root, part, name)]

    def looked_for(self, other: ir.Expr) -> int | None:
        """Return where a value stands that subject or resource are looked for in, if it is one that is reached."""
        place = self._reached(other)
        return None if place is None else self._at[place]

    def acting(self, fixed: tuple[Any, ...], actor: Any, depth: int) -> tuple[Any, ...]:
        """Return the values of a link for one who could have called, and nobody else."""
        return (*fixed, *(actor if place.root == "actor" else depth for place in self.places[self.fixed :]), ())

    def is_value(self, node: ir.Read | ir.Present) -> bool:
        """Whether what is read, or asked for, is there in every valid request; then it has a place of its own."""
        return node.name in self._required.get(node.root, ())

    def _reading(self, condition: ir.Expr) -> Iterator[ir.Expr]:
        """Yield an expression and what is below it; an entity whose roles or ancestors are asked for is not read."""
        stack = [condition]
        while stack:
            node = stack.pop()
            yield node
            match node:
                case ir.Apply(template, (ir.Root(name), other)) if of_known(template, name):
                    if template != ANCESTOR or self._reached(other) is None:
                        stack.append(other)
                case ir.Each(_, _, domain, body):
                    stack += (domain, body)
                case _:
                    stack += ir.parts(node)

    def _places(self, node: ir.Expr) -> Iterator[Place]:
        match node:
            case ir.Apply(template, (ir.Root(name), other)) if of_known(template, name):
                yield Place(name, "ancestors" if template == ANCESTOR else "roles")
                place = self._reached(other) if template == ANCESTOR else None
                if place is not None:
                    yield place
            case ir.Read(root, name) if self.is_value(node):
                yield Place(root, "value", name)
            case ir.Read(root) | ir.Present(root) if not self.is_value(node):
                yield container(root)
            case ir.Root(name):
                yield Place(name, "whole")

    def _reached(self, node: ir.Expr) -> Place | None:
        """Return the place of an attribute of what a value of the request refers to, None for anything else."""
        match node:
            case ir.Apply(template, (ir.Read(root, name) as read,)) if template.startswith(_ATTRIBUTE):
                return Place(root, "reached", name, attribute_of(template)) if self.is_value(read) else None
        return None

    @staticmethod
    def _collect_roles(node: ir.Expr, roles: dict[str, set[str]]) -> None:
        match node:
            case ir.Apply("{1} in {0}.roles", (ir.Root(name), ir.Const(value))) if name in roles:
                roles[name].add(value)
            case ir.Apply("not {0}.roles.isdisjoint({1})", (ir.Root(name), ir.Const(value))) if name in roles:
                roles[name] |= value


def attribute_of(template: str) -> str:
    """Return the name of the attribute that an operation reads of an entity; empty for other operations."""
    return template[len(_ATTRIBUTE) + 1 : -2] if template.startswith(_ATTRIBUTE) else ""


def of_known(template: str, root: ir.RootName) -> bool:
    """Whether an operation asks the subject or the resource for its roles or ancestors."""
    return root in ("subject", "resource") and template in (ROLE, ROLES, ANCESTOR)


def container(root: ir.RootName) -> Place:
    """Return the place of what holds the optional values of a root."""
    return Place(root, "attributes" if root in ("subject", "resource") else "whole")
