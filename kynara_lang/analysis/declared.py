"""What two versions of a program declare differently: types, attributes, actions, roles, context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from attrs import frozen

from ..checker.symbols import ActionSymbol, AttributeSymbol, EntityType, Program
from .versions import Version

Change = Literal["added", "removed", "changed"]


@frozen
class Declared:
    """One declaration that differs; `old` and `new` are what it says, where it is not added or removed."""

    change: Change
    what: str
    old: str = ""
    new: str = ""


def changes(old: Version, new: Version) -> tuple[Declared, ...]:
    """Return what differs in declarations, by the names that requests use."""
    a, b = old.program, new.program
    found = [
        *_types(old, new),
        *_actions(old, new),
        *_fields("context.", _context(a), _context(b), old, new),
        *_roles(a, b),
    ]
    return tuple(found)


def _context(program: Program) -> dict[str, AttributeSymbol]:
    return {symbol.external: symbol for symbol in program.context.values()}


def _types(old: Version, new: Version) -> Iterator[Declared]:
    mine, theirs = old.program.by_external, new.program.by_external
    for name in sorted({*mine, *theirs}):
        a, b = mine.get(name), theirs.get(name)
        if a is None or b is None:
            kind = (a or b).kind  # type: ignore[union-attr]
            yield Declared("added" if a is None else "removed", f"{kind} {name}")
            continue
        if a.kind != b.kind:
            yield Declared("changed", name, a.kind, b.kind)
        yield from _listed(f"{a.kind} {name} in", _parents(a, old.program), _parents(b, new.program))
        of_a = {s.external: s for s in a.attributes.values()}
        of_b = {s.external: s for s in b.attributes.values()}
        yield from _fields(f"{name}.", of_a, of_b, old, new)


def _parents(kind: EntityType, program: Program) -> list[str]:
    return sorted(program.types[key].external for key in kind.parents)


def _actions(old: Version, new: Version) -> Iterator[Declared]:
    mine, theirs = old.program.actions_by_external, new.program.actions_by_external
    for name in sorted({*mine, *theirs}):
        a, b = mine.get(name), theirs.get(name)
        if a is None or b is None:
            yield Declared("added" if a is None else "removed", f"action {name}")
            continue
        yield from _listed(f"action {name} on", _on(a, old.program), _on(b, new.program))
        yield from _listed(f"action {name} effects", _effects(a), _effects(b))
        of_a = {s.external: s for s in a.parameters.values()}
        of_b = {s.external: s for s in b.parameters.values()}
        yield from _fields(f"action {name}: args.", of_a, of_b, old, new)


def _on(action: ActionSymbol, program: Program) -> list[str]:
    return sorted(program.types[key].external for key in action.on)


def _effects(action: ActionSymbol) -> list[str]:
    decl = action.decl
    nodes = (*decl.modifies, *decl.acts_as)
    return sorted([*(e.text for e in decl.effects), *(" ".join(n.span.text.split()) for n in nodes)])


def _fields(
    prefix: str,
    mine: Mapping[str, AttributeSymbol],
    theirs: Mapping[str, AttributeSymbol],
    old: Version,
    new: Version,
) -> Iterator[Declared]:
    for name in sorted({*mine, *theirs}):
        a, b = mine.get(name), theirs.get(name)
        if a is None:
            yield Declared("added", f"{prefix}{name}", new=_type(theirs[name]))
        elif b is None:
            yield Declared("removed", f"{prefix}{name}", old=_type(a))
        elif old.prints.shape(a.type) != new.prints.shape(b.type) or (a.optional, a.untrusted) != (
            b.optional,
            b.untrusted,
        ):
            yield Declared("changed", f"{prefix}{name}", _type(a), _type(b))


def _type(symbol: AttributeSymbol) -> str:
    return f"{symbol.type}{'?' * symbol.optional}{' untrusted' * symbol.untrusted}"


def _roles(old: Program, new: Program) -> Iterator[Declared]:
    mine, theirs = old.roles_by_external, new.roles_by_external
    for name in sorted({*mine, *theirs}):
        a, b = mine.get(name), theirs.get(name)
        if a is None or b is None:
            yield Declared("added" if a is None else "removed", f"role {name}")
            continue
        inner = [sorted(p.roles[key].external for key in r.closure - {r.key}) for p, r in ((old, a), (new, b))]
        yield from _listed(f"role {name} extends", *inner)


def _listed(what: str, old: list[str], new: list[str]) -> Iterator[Declared]:
    if old != new:
        yield Declared("changed", what, ", ".join(old) or "nothing", ", ".join(new) or "nothing")
