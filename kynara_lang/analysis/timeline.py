"""States of the world after one another, in one universe: what a permitted action changed, and what stayed as it was.

What is said of an entity in one state holds in the next, except for what the action between them changed. A mention
belongs to the state that its path begins with (`@2 resource`); one without belongs to the first state.
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import Literal

from attrs import evolve, frozen

from ..checker.symbols import ActionSymbol, Program
from ..semantics.types import Entity, Enum, SetOf, Type
from ..syntax import ast
from .keys import part_of
from .links import Surroundings
from .solver import Smt, Term
from .universe import Mention, Optional, Scalar, Universe, way_up

_STATE = re.compile(r"@(\d+) ")


@frozen(eq=False)
class Change:
    """What leads from one state to the next: one attribute, the roles or the parents of one entity (`kind`).

    `after` is that entity in the next state. Where it is put into or taken out of one `group`, `given` says which; else
    both are None.
    """

    what: str
    kind: Literal["attribute", "roles", "parents"]
    target: Mention
    after: Mention
    given: Term | None = None
    group: Mention | None = None


def at(state: int, path: str) -> str:
    """Return a path in a state."""
    return f"@{state} {path}" if state else path


def state_of(path: str) -> int:
    """Return the state that a path belongs to."""
    found = _STATE.match(path)
    return int(found[1]) if found else 0


def without_state(path: str) -> str:
    """Return a path without the state that it belongs to."""
    return _STATE.sub("", path, count=1)


class Timeline(Universe):
    """The unknowns of several states. A change is entered before anything is asked of the state that it leads to."""

    def __init__(self, smt: Smt, program: Program) -> None:
        """Start with one state."""
        super().__init__(smt)
        self._program = program
        self.changes: list[list[Change]] = []

    @property
    def now(self) -> int:
        """The state that all changes so far have led to."""
        return len(self.changes)

    # --- entities

    def mention(self, path: str, key: Term, types: frozenset[str] | set[str], known: Term | None = None) -> Mention:  # type: ignore[override]
        """Return an entity mentioned at a path; everyone who is referred to is known, as by an entity store."""
        return super().mention(path, key, types)

    def partial(self, of: Mention) -> bool:
        """Whether a mention may tell less than there is to tell: a store leaves nothing out."""
        return False

    def _earlier(self, mention: Mention) -> Mention:
        """Return an entity as it was one state before."""
        path = at(state_of(mention.path) - 1, f"was ({mention.path})")
        return self.mention(path, mention.key, mention.types, mention.known)

    def same(self, a: Mention, b: Mention, what: str) -> Term:
        """Return whether two mentions must agree: they are one entity, and nothing changed this of it in between."""
        first, last = sorted((state_of(a.path), state_of(b.path)))
        between = [c for changes in self.changes[first:last] for c in changes if _tells(c, what)]
        spared = (self.smt.no(self.smt.equal(c.target.key, a.key)) for c in between)
        return self.smt.both(super().same(a, b, what), *spared)

    def within(self, member: Mention, group: Mention, program: Program) -> Term:
        """Return whether an entity is in a group, in the state of the entity's mention."""
        new = group.path not in member.groups
        inside = super().within(member, group, program)
        if new:
            self._agree_on_groups(member, group, inside)
            if state_of(member.path) > 0:
                self._follow(member, group, inside)
        return inside

    def _agree_on_groups(self, member: Mention, group: Mention, inside: Term) -> None:
        smt, state = self.smt, state_of(member.path)
        for other in list(self.mentions.values()):
            if other is member or state_of(other.path) != state or not other.types & member.types:
                continue
            for path, theirs in other.groups.items():
                known = self._at(path)
                if known is not None and known.types & group.types:
                    one = smt.both(super().same(member, other, "parents"), smt.equal(known.key, group.key))
                    self.valid.append(smt.implies(one, smt.equal(inside, theirs)))

    def _follow(self, member: Mention, group: Mention, inside: Term) -> None:
        """Say how being in a group follows from the state before."""
        smt, state = self.smt, state_of(member.path)
        before = self._earlier(member)
        was = self.within(before, group, self._program)
        moved = [c for c in self.changes[state - 1] if c.kind == "parents"]
        if not moved:
            self.valid.append(smt.equal(inside, was))
            return
        change = moved[0]
        through = self.within(before, change.target, self._program)  # an entity is in itself
        itself = smt.equal(member.key, change.target.key)
        self.valid.append(smt.implies(smt.no(through), smt.equal(inside, was)))
        if change.group is not None and change.given is not None:
            above = self.within(change.group, group, self._program)
            gained, lost = smt.both(change.given, above), smt.both(smt.no(change.given), above)
            self.valid.append(smt.implies(smt.both(through, inside), smt.either(was, gained)))
            self.valid.append(smt.implies(smt.both(through, gained), inside))
            self.valid.append(smt.implies(smt.both(was, smt.no(inside)), lost))
        if member is not change.after:
            # What is in a group through the entity follows it; what is in it on its own stays.
            there = self.within(change.after, group, self._program)
            had = self.within(change.target, group, self._program)
            further = smt.both(through, smt.no(itself))
            self.valid.append(smt.implies(smt.both(further, inside), smt.either(was, there)))
            self.valid.append(smt.implies(smt.both(further, was, smt.no(inside)), smt.both(had, smt.no(there))))
            self.valid.append(smt.implies(smt.both(through, there), inside))

    def close(self) -> None:
        """Make being in groups transitive over all that is mentioned; to be called before anything is asked."""
        smt = self.smt
        done: set[tuple[str, str, str]] = set()
        waiting = list(self.mentions.values())
        while waiting:
            member = waiting.pop()
            for middle, outer in permutations(list(member.groups), 2):
                between, group = self._at(middle), self._at(outer)
                if between is None or group is None or (member.path, middle, outer) in done:
                    continue
                done.add((member.path, middle, outer))
                between = self._as_of(between, state_of(member.path))
                if not any(way_up(self._program, kind, group.types) for kind in between.types):
                    continue
                known = len(self.mentions)
                further = self.within(between, group, self._program)
                inside = smt.both(member.groups[middle], further)
                self.valid.append(smt.implies(inside, member.groups[outer]))
                waiting += [between, *list(self.mentions.values())[known:]]

    def _as_of(self, mention: Mention, state: int) -> Mention:
        """Return an entity in another state."""
        if state_of(mention.path) == state:
            return mention
        return self.mention(at(state, f"as of then ({mention.path})"), mention.key, mention.types)

    # --- changes

    def change(self, action: ActionSymbol, around: Surroundings) -> tuple[list[Change], list[Term]]:
        """Enter what an action changes of its resource; return that, and what must hold for it to be a change."""
        changes: list[Change] = []
        claims: list[Term] = []
        resource = around.resource
        state = self.now + 1
        self.changes.append(changes)
        for number, modifies in enumerate(action.decl.modifies):
            what = modifies.attribute.text
            kind = self._program.by_external[resource.type or ""]
            symbol = kind.attributes.get(what)
            if symbol is None and what not in ("roles", "parents"):
                continue
            path = at(state, f"changed {number} by {around.arguments.path}")
            after = self.mention(path, resource.key, resource.types)
            value = self._argument(modifies, action, around)
            if value is not None and symbol is None:
                claims.append(value.present)
            if symbol is not None:
                changes.append(Change(symbol.external, "attribute", resource, after))
                found = self.attribute(after, symbol, self._program)
                if value is not None:
                    claims += self._assigned(found, value)
            elif what == "roles":
                made = Change(what, "roles", resource, after)
                changes.append(made)
                self._roles(made, value)
            else:
                changes.append(self._parents(Change(what, "parents", resource, after), value))
        return changes, claims

    def _argument(self, modifies: ast.Modifies, action: ActionSymbol, around: Surroundings) -> Optional | None:
        if modifies.parameter is None:
            return None
        symbol = action.parameters[modifies.parameter.text]
        return self._field(part_of(around.arguments.path, symbol.external), symbol.type, symbol.optional, self._program)

    def _assigned(self, found: Optional, value: Optional) -> list[Term]:
        if type(found.value) is not type(value.value):
            return self._anything()
        if isinstance(found.value, Scalar) and isinstance(value.value, Scalar):
            if found.value.term.getSort() != value.value.term.getSort():
                return self._anything()
        # An argument that is left out leaves nothing there.
        same = self.smt.implies(value.present, self.equal(found.value, value.value))
        return [self.smt.equal(found.present, value.present), same]

    def _anything(self) -> list[Term]:
        self.inexact()
        return []

    def _roles(self, change: Change, value: Optional | None) -> None:
        """Say which roles an entity holds after an action that gives or takes one, sets all, or does anything."""
        smt, program = self.smt, self._program
        named = value.value if value is not None else None
        kind: Type | None = named.kind if isinstance(named, Scalar) else None
        several = isinstance(kind, SetOf)
        given = smt.variable(f"{change.after.path} given", smt.bool)
        for key, role in sorted(program.roles.items()):
            held = self.role(change.target, key, program)
            then = self.role(change.after, key, program)
            if not isinstance(named, Scalar) or not _names_roles(kind):
                continue  # anything can be held afterwards
            above = [r for r in program.roles.values() if key in r.closure]
            if several:
                listed = (smt.element(smt.text(r.external), named.term) for r in above)
                self.valid.append(smt.equal(then, smt.either(*listed)))
                continue
            meant = smt.either(*(smt.equal(named.term, smt.text(r.external)) for r in above))
            gone = smt.equal(named.term, smt.text(role.external))
            self.valid.append(smt.implies(given, smt.equal(then, smt.either(held, meant))))
            kept = smt.both(smt.implies(then, held), smt.implies(gone, smt.no(then)))
            kept = smt.both(kept, smt.implies(smt.no(meant), smt.equal(then, held)))
            self.valid.append(smt.implies(smt.no(given), kept))

    def _parents(self, change: Change, value: Optional | None) -> Change:
        named = value.value if value is not None else None
        if not isinstance(named, Mention):
            return change
        given = self.smt.variable(f"{change.after.path} given", self.smt.bool)
        return evolve(change, given=given, group=named)


def _tells(change: Change, what: str) -> bool:
    """Whether a change is one of what is said of an attribute, or of `roles`."""
    return change.what == what and change.kind != "parents"


def _names_roles(kind: Type | None) -> bool:
    """Whether values of a type can name roles, one or several."""
    if isinstance(kind, SetOf):
        kind = kind.element
    return kind is not None and not isinstance(kind, Entity) and (isinstance(kind, Enum) or str(kind) == "String")


