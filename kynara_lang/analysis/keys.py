"""Names of unknowns, and entities as texts of the solver, so that no two things ever share one.

What requests call a type, an attribute or a role may be any text (`as "…"`), also one with `::`, a dot or a blank.
Everything but letters, digits and underscores is escaped in it, so the signs between names are never part of one.
"""

from __future__ import annotations

import re

_SIGN = re.compile(r"[^A-Za-z0-9_]")
_ESCAPED = re.compile(r"%([0-9a-f]+);")


def spelled(name: str) -> str:
    """Return what requests call something, without a sign in it; two names never become one."""
    return _SIGN.sub(lambda found: f"%{ord(found[0]):x};", name)


def part_of(path: str, name: str) -> str:
    """Return the path of what requests call by a name in something at a path."""
    return f"{path}.{spelled(name)}"


def presence(path: str) -> str:
    """Return the name of whether there is something at a path."""
    return f"{path} present"


def holding(path: str, role: str) -> str:
    """Return the name of whether the entity at a path holds a role."""
    return f"{path} holds {spelled(role)}"


def entity_text(kind: str, identity: str) -> str:
    """Return an entity of a type (by external name) as the solver has it."""
    return type_prefix(kind) + identity


def type_prefix(kind: str) -> str:
    """Return what the texts of all entities of a type (by external name), and no others, begin with."""
    return f"{spelled(kind)}::"


def type_and_id(text: str) -> tuple[str, str]:
    """Return the type (by external name) and the identifier of an entity as the solver has it."""
    kind, _, identity = text.partition("::")
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), kind), identity


def type_of(text: str) -> str:
    """Return the type (by external name) of an entity as the solver has it."""
    return type_and_id(text)[0]
