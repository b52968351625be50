"""What is known of a request that is not complete yet, and of the values in it.

A request has parts that somebody knows already (who asks, on what) and parts that nobody knows (an argument that was
not chosen yet, an attribute that nobody looked up). Here are the words for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..semantics.entity import Entity, entity_key


class _Mark(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Mark.UNKNOWN
"""Stands for a value that is not known."""


@frozen(eq=False)
class Someone:
    """An entity, and what is known of it.

    `name` is how policies write it. Attributes are by their name in the policy; `whole` says that others are known to
    be absent. `roles` (with inherited ones) and `above` (keys of everything it is in, itself included) are None where
    they are not known. `own` entities are those of the request itself, which are validated with it; of others `told`
    says whether anybody knows more than the name, None where that is not known either.
    """

    name: str
    types: frozenset[str]
    id: str | None = None
    attributes: Mapping[str, Any] = field(factory=dict)
    whole: bool = False
    roles: frozenset[str] | None = None
    above: frozenset[str] | None = None
    own: bool = False
    told: bool | None = None

    @property
    def key(self) -> str | None:
        """`Type::id`, where both are known."""
        if self.id is None or len(self.types) != 1:
            return None
        return entity_key(next(iter(self.types)), self.id)


def described(entity: Entity, name: str, *, own: bool = False) -> Someone:
    """Return an entity of which everything is known that ever will be."""
    told = entity.attrs is not None
    return Someone(
        name,
        frozenset({entity.type}),
        entity.id,
        entity.attrs or {},
        whole=True,
        roles=entity.roles,
        above=entity.ancestors,
        own=own,
        told=True if own else told,
    )


@frozen(eq=False)
class Known:
    """What is known of a request: of its subject and resource, their types at least; the rest may be unknown.

    Arguments and context fields are by their name in the policy; `all_arguments` and `all_context` say that others are
    known to be absent. `delegator` and `delegated` tell for whom the subject acts: `delegated` is None where it is not
    known whether it acts for anybody.
    """

    subject: Someone
    action: str
    resource: Someone
    arguments: Mapping[str, Any] = field(factory=dict)
    all_arguments: bool = False
    context: Mapping[str, Any] = field(factory=dict)
    all_context: bool = False
    delegator: Someone | None = None
    delegated: bool | None = None
    actor: Someone | None = None
    depth: int | None = None


Lookup: TypeAlias = Callable[[str, str], Entity | None]
"""Returns what a store knows of the entity of a type (by key) and an identifier."""


# --- what became of an expression

ATOM: Final = 9
LEVELS: Final[Mapping[str, int]] = {
    "any": 0, "all": 0, "or": 1, "and": 2, "not": 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4,
    "not in": 4, "has": 4, "is": 4, "holds": 4, "like": 4, "within": 4, "+": 5, "-": 5, "*": 6, "minus": 7, ".": 8,
}  # fmt: skip
"""How tightly operators bind, as the grammar has it."""


@frozen(eq=False)
class Made:
    """How what is left of an expression is made, for those who look for what they know how to say otherwise.

    `op` is an operator, or the row of a builtin (receiver and name), over `operands`; or `argument` and `field` (of the
    only operand), which read `name`; `has`, which asks for a field, or for an argument where it has no operand; a
    `variable`; or a quantifier (`all`, `any`) over a set, the variable and the body. `negated` says that it is the
    contrary of that.
    """

    op: str | tuple[str, str]
    operands: tuple[Found, ...] = ()
    name: str = ""
    negated: bool = False


@frozen(eq=False)
class Found:
    """What became of an expression: its value, or how what is left of it is written.

    `fails` says that evaluating it may be an error, `failed` that it surely is one. `contrary` is how the opposite of a
    condition is written, with its level; `parts` are the conditions that an `and` or `or` joins (`joined` says which);
    `reads` is what of it is not known; `made` is how it is made where that is an operation on something unknown.
    """

    text: str
    level: int = ATOM
    value: Any = UNKNOWN
    fails: bool = False
    failed: bool = False
    contrary: tuple[str, int] | None = None
    joined: Literal["and", "or"] | None = None
    parts: tuple[Found, ...] = ()
    reads: frozenset[str] = frozenset()
    made: Made | None = None

    @property
    def known(self) -> bool:
        """Whether its value is known, if evaluating it is no error."""
        return self.value is not UNKNOWN

    @property
    def outcomes(self) -> frozenset[object]:
        """What evaluating a condition can come to: True, False, or `error`."""
        if self.failed:
            return frozenset({"error"})
        values: set[object] = {self.value} if self.known else {True, False}
        return frozenset(values | {"error"} if self.fails else values)

    def at(self, level: int) -> str:
        """Return the text as an operand of what binds with a level."""
        return self.text if self.level >= level else f"({self.text})"


@frozen(eq=False)
class Items:
    """A set that is written out; some of its elements may not be known."""

    items: tuple[Found, ...]


def plain(value: Any) -> Any:
    """Return a value to compare with: of an entity its key; UNKNOWN where it is not known as a whole."""
    if isinstance(value, Someone):
        return UNKNOWN if value.key is None else value.key
    if isinstance(value, Items):
        found = [plain(item.value) for item in value.items]
        return UNKNOWN if any(one is UNKNOWN for one in found) else frozenset(found)
    return value
