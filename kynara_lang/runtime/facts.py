"""Reads what a JSON object says of an entity: its type and id, its properties, roles and parents.

The same three shapes occur in a request (subject, resource), as entity-valued attributes, and in an entity
store. `roles` and `parents` may stand beside the properties or, for enforcement points that know only
AuthZEN, among them; there they are attributes if the type declares such attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from ..checker.symbols import EntityType, Program
from ..diagnostics.suggest import near
from ..semantics.entity import EMPTY, bare, entity_key, names_chain
from ..semantics.problems import quoted
from .convert import LISTS, MAX_DEPTH, as_mapping, mistyped, text
from .problems import Problems, Refused, meant, step

Keys = TypeVar("Keys", bound=Collection[str])

NOTHING: Final[Mapping[str, object]] = {}
_SHORT: Final = 4  # `uid` is no misspelt `id`

LIFTED: Final = ("roles", "parents")
"""The members that may stand among the properties as well."""


MEMBERS: Final = ("type", "id", "properties", "roles", "parents", "on_behalf_of")
"""The members that the JSON of an entity can have."""

OF_A_REFERENCE: Final = ("type", "id", "properties", "roles", "parents")
"""Those that mean something where an entity is referred to: there nobody acts for anybody."""

MAX_STRANGE: Final = 100
"""How many members that mean nothing one object may have: each is compared with what it may have been meant for."""


def refuse_misspelt(members: Iterable[object], known: Collection[str], path: str, problems: Problems) -> None:
    """Add a problem for each member that is almost a known one.

    Others are ignored, as the AuthZEN API asks for. But a misspelt `on_behalf_of` would take the person out of a chain,
    and with the person every limit that they have.
    """
    strange = [name for name in members if isinstance(name, str) and name not in known]
    if not strange:
        return
    if len(strange) > MAX_STRANGE:
        problems.add("malformed-request", path, f"there are more than {MAX_STRANGE} members here that mean nothing")
        return
    meant_by = {bare(name): name for name in known}
    for name in strange:
        guess = meant_by.get(bare(name)) or near(name, [other for other in known if len(other) > _SHORT])
        if guess is not None:
            problems.add("malformed-request", path + step(name), f"did you mean {quoted(guess)}?")


def read_identity(raw: Mapping[str, object], path: str, problems: Problems) -> tuple[str, str] | None:
    """Read `type` and `id` as texts; what is wrong is added to the problems."""
    refuse_misspelt(raw, MEMBERS, path, problems)
    found: list[str] = []
    for name in ("type", "id"):
        if name not in raw:
            problems.add("malformed-request", f"{path}.{name}", f"the entity has no `{name}`")
            continue
        try:
            found.append(text(raw[name], f"{path}.{name}", "text"))
        except Refused as refused:
            problems.add("malformed-request", refused.problem.path, refused.problem.message)
    return (found[0], found[1]) if len(found) == 2 else None


def find_type(program: Program, external: str, path: str, problems: Problems) -> EntityType | None:
    """Return the type of that spelling, or add the problem that there is none."""
    found = program.by_external.get(external)
    if found is None:
        guess = meant(external, program.by_external)
        problems.add("unknown-type", f"{path}.type", f"there is no entity type {quoted(external)}{guess}")
    return found


def read_properties(raw: Mapping[str, object], path: str, problems: Problems) -> Mapping[str, object]:
    """Return the member `properties`, empty if there is none."""
    if "properties" not in raw:
        return NOTHING
    found = as_mapping(raw["properties"])
    if found is None:
        complain(raw["properties"], f"{path}.properties", "object", problems)
        return NOTHING
    for name in found:
        if names_chain(name):
            place = f"{path}.properties{step(name)}"
            problems.add("malformed-request", place, "`on_behalf_of` stands beside `properties`, not among them")
    return found


def complain(value: object, path: str, wanted: str, problems: Problems) -> None:
    """Add the problem that a part of the structure is not what it should be."""
    problems.add("malformed-request", path, mistyped(value, path, wanted).problem.message)


def declared_as_attribute(type: EntityType, name: str) -> bool:
    """Tell whether a type has an attribute that requests spell like this."""
    return any(symbol.external == name for symbol in type.attributes.values())


def given(
    raw: Mapping[str, object], properties: Mapping[str, object], type: EntityType, name: str, path: str
) -> Iterator[tuple[object, str]]:
    """List where `roles` or `parents` is given, with the path of each place."""
    if name in raw:
        yield raw[name], f"{path}.{name}"
    if name in properties and not declared_as_attribute(type, name):
        yield properties[name], f"{path}.properties.{name}"


def read_roles(
    raw: Mapping[str, object],
    properties: Mapping[str, object],
    type: EntityType,
    path: str,
    problems: Problems,
) -> frozenset[str] | None:
    """Return the roles by the spelling they are given with, or None if the entity says nothing of them."""
    found: list[frozenset[str]] = []
    for value, place in given(raw, properties, type, "roles", path):
        if not isinstance(value, LISTS):
            complain(value, place, "list of roles", problems)
            continue
        names = [str.__str__(name) for name in value if isinstance(name, str)]
        if len(names) == len(value):
            found.append(frozenset(names))
        for i, name in enumerate(value):
            if not isinstance(name, str):
                complain(name, f"{place}[{i}]", "role as text", problems)
    return agreed(found, "roles", path, problems)


def read_parents(
    program: Program,
    above: Callable[[str], frozenset[str] | None],
    raw: Mapping[str, object],
    properties: Mapping[str, object],
    type: EntityType,
    path: str,
    problems: Problems,
    depth: int = 0,
) -> frozenset[str] | None:
    """Return the keys of everything above an entity, or None if it says nothing of its parents.

    `above` gives what the entity store says a parent is in, the parent included, or None where the store does
    not say; then what the parent itself carries counts.
    """
    found: list[frozenset[str]] = []
    for value, place in given(raw, properties, type, "parents", path):
        reached: set[str] = set()
        for key, parent_type, members, at in parent_references(program, value, type, place, problems):
            stored = above(key)
            if stored is not None:
                reached |= stored
                continue
            reached.add(key)
            if depth >= MAX_DEPTH:
                problems.add("malformed-request", at, f"parents are nested deeper than {MAX_DEPTH} levels")
                continue
            inner = read_properties(members, at, problems)
            reached |= read_parents(program, above, members, inner, parent_type, at, problems, depth + 1) or EMPTY
        found.append(frozenset(reached))
    return agreed(found, "parents", path, problems)


def parent_references(
    program: Program, value: object, child: EntityType, path: str, problems: Problems
) -> Iterator[tuple[str, EntityType, Mapping[str, object], str]]:
    """List the well-formed references of `parents`: key, type, members, path; others become problems."""
    if not isinstance(value, LISTS):
        complain(value, path, "list of parents", problems)
        return
    for i, item in enumerate(value):
        at = f"{path}[{i}]"
        members = as_mapping(item)
        if members is None:
            complain(item, at, "object with `type` and `id`", problems)
            continue
        names = read_identity(members, at, problems)
        kind = find_type(program, names[0], at, problems) if names else None
        if names is None or kind is None:
            continue
        if kind.key not in child.parents:
            message = f"the policy does not declare {quoted(child.external)} in {quoted(kind.external)}"
            problems.add("wrong-type", f"{at}.type", message)
            continue
        yield entity_key(kind.key, names[1]), kind, members, at


def agreed(found: Sequence[Keys], name: str, path: str, problems: Problems) -> Keys | None:
    """Return what the places where a member is given agree on, or None if there is no such place."""
    if len(found) == 2 and set(found[0]) != set(found[1]):
        message = f"`{name}` is given twice, beside the properties and among them, and differs"
        problems.add("contradictory", f"{path}.{name}", message)
    return found[0] if found else None
