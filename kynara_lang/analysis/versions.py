"""Two versions of a program that are asked about one request.

Values have the names that requests use, so both versions read the same unknowns where they declare the same. Where
they do not, it is told apart what each version can read: a request that a version cannot read is denied by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

from ..checker.symbols import AttributeSymbol, Condition, Program, RuleSymbol
from ..semantics.types import STRING, Enum
from .fingerprint import Fingerprints, Mentioned, Print
from .keys import holding, presence, type_prefix
from .links import Link, Slice, slices
from .solver import Smt, Term
from .universe import Mention, Scalar, Universe, declared, way_up
from .witness import Json

Triple = tuple[str, str, str]
"""An action, a subject type and a resource type as requests spell them."""


class Decider(Protocol):
    """Decides requests of one version."""

    def decision(self, request: Json) -> str:
        """Return `allow`, `require_approval` or `deny`; `invalid` where it is denied because it is no request."""

    def matched(self, request: Json) -> frozenset[str]:
        """Return the names of the rules that match for the principal that acts."""


class Version:
    """One version of a program: what it grants, what it says, and what decides its requests."""

    def __init__(self, program: Program, decider: Decider) -> None:
        """Take a program without errors, and its evaluator."""
        self.program, self.decider = program, decider
        self.prints = Fingerprints(program)
        self._rules: dict[Slice, tuple[RuleSymbol, ...]] = {}

    def granted(self) -> dict[Triple, Slice]:
        """Return every slice in which some permit can match, by what requests call it."""
        return {self.triple(where): where for where in slices(self.program)}

    def triple(self, where: Slice) -> Triple:
        """Return what requests call a slice."""
        types = self.program.types
        return (
            self.program.actions[where.action].external,
            types[where.subject].external,
            types[where.resource].external,
        )

    def find(self, triple: Triple) -> Slice | None:
        """Return the slice of a name, or None where such requests are invalid."""
        action = self.program.actions_by_external.get(triple[0])
        subject, resource = (self.program.by_external.get(name) for name in triple[1:])
        if action is None or subject is None or resource is None:
            return None
        if subject.kind != "subject" or resource.key not in action.on:
            return None
        return Slice(action.key, subject.key, resource.key)

    @cached_property
    def _by_action(self) -> dict[str, list[tuple[RuleSymbol, frozenset[str], frozenset[str]]]]:
        found: dict[str, list[tuple[RuleSymbol, frozenset[str], frozenset[str]]]] = {}
        for rule in self.program.rules:
            subjects = frozenset[str]().union(*(p.types for p in rule.subjects))
            resources = frozenset[str]().union(*(p.types for p in rule.resources))
            for action in rule.actions:
                found.setdefault(action, []).append((rule, subjects, resources))
        return found

    def rules(self, where: Slice | None) -> tuple[RuleSymbol, ...]:
        """Return the rules that can match in a slice."""
        if where is None:
            return ()
        if where not in self._rules:
            about = self._by_action.get(where.action, [])
            self._rules[where] = tuple(r for r, s, o in about if where.subject in s and where.resource in o)
        return self._rules[where]

    def asks_about_others(self, where: Slice | None) -> bool:
        """Whether some rule of a slice reads for whom the subject acts, or who acts for it."""
        return any(self.prints.asks_about_others(rule) for rule in self.rules(where))

    def mentioned(self, where: Slice | None) -> Mentioned:
        """Return the names of everything that the rules of a slice may read."""
        found = Mentioned()
        for rule in self.rules(where):
            found |= self.prints.mentioned(rule)
        return found

    def content(self, where: Slice, effect: str) -> frozenset[Print]:
        """Return what the rules of an effect say in a slice."""
        return frozenset(self.prints.rule(r, where) for r in self.rules(where) if r.effect == effect)


Pair = tuple[Version, Version]


class Versions(Universe):
    """The unknowns that two versions of a program share."""

    def __init__(self, smt: Smt, versions: Sequence[Version], *, alike: bool) -> None:
        """Make no unknowns yet; `alike` says that both declare the same of everything that is asked about."""
        super().__init__(smt)
        self.versions = tuple(versions)
        self.alike = alike
        self.conditions: dict[tuple[Any, ...], tuple[Term, Term]] = {}

    def present(self, path: str) -> Term:
        """Return whether something optional is there."""
        return self.smt.variable(presence(path), self.smt.bool)

    def requires(self, kind: str, external: str, program: Program) -> bool:
        """Return whether a type requires an attribute; it may be absent if either version says that it may."""
        symbols = [s for version in self.versions for s in declared(version.program, kind, external)]
        return bool(symbols) and not any(symbol.optional for symbol in symbols)

    def role(self, of: Mention, role: str, program: Program) -> Term:
        """Return whether an entity holds a role (by key): that one is given, or one that extends it in a version."""
        holding = sorted(r.external for r in program.roles.values() if role in r.closure)
        return self.smt.either(*(self._given(of, external) for external in holding))

    def _given(self, of: Mention, external: str) -> Term:
        if external not in of.roles:
            of.roles[external] = self.smt.variable(holding(of.path, external), self.smt.bool)
            self._agree_on_role(of, external)
        return of.roles[external]

    def within(self, member: Mention, group: Mention, program: Program) -> Term:
        """Return whether an entity is in a group, as a version can read it; it is in itself."""
        smt = self.smt
        if group.path not in member.groups:
            inside = smt.variable(f"{member.path} in {group.path}", smt.bool)
            possible = smt.either(*(self._able(member, group, v.program) for v in self.versions))
            same = smt.equal(member.key, group.key)
            self.valid += [smt.implies(same, inside), smt.implies(inside, smt.either(same, possible))]
            member.groups[group.path] = inside
            for path, other in member.groups.items():
                if path != group.path and (known := self._at(path)) is not None:
                    self.valid.append(smt.implies(smt.equal(known.key, group.key), smt.equal(other, inside)))
        able = smt.either(smt.equal(member.key, group.key), self._able(member, group, program))
        return smt.both(member.groups[group.path], able)

    def _able(self, member: Mention, group: Mention, program: Program) -> Term:
        """Return whether an entity's type can be in a group's."""
        able = [t for t in sorted(member.types) if way_up(program, t, group.types)]
        if len(able) == len(member.types):
            return self.smt.true
        return self.smt.either(*(self.smt.starts(member.key, self.smt.text(type_prefix(t))) for t in able))

    def members_readable(self, program: Program) -> Term:
        """Return whether a version can read who is in which group, as far as that was asked about."""
        claims = []
        for member in list(self.mentions.values()):
            for path, inside in member.groups.items():
                group = self._at(path)
                if group is not None:
                    claims.append(self.smt.implies(inside, self.within(member, group, program)))
        return self.smt.both(*claims)

    def readable(self, path: str, mine: AttributeSymbol, other: AttributeSymbol | None, versions: Pair) -> Term:
        """Return whether the first version can read an attribute that the second declares otherwise, or not at all."""
        smt = self.smt
        there = self.present(path)
        if other is None:
            return smt.true if mine.optional else there
        fits = self._fits(path, mine, other, versions)
        if not mine.optional:
            return smt.both(there, fits) if other.optional else fits
        return smt.implies(there, fits) if other.optional else fits

    def _fits(self, path: str, mine: AttributeSymbol, other: AttributeSymbol, versions: Pair) -> Term:
        """Return whether a value of the second version's type is one of the first's."""
        smt = self.smt
        if same_type(mine, other, versions):
            return smt.true
        value = self.make(path, mine.type, versions[0].program)
        written = self.make(path, other.type, versions[1].program)
        texts = all(isinstance(s.type, Enum) or s.type == STRING for s in (mine, other))
        if not (texts and isinstance(value, Scalar) and isinstance(written, Scalar)):
            return self.unknown(f"{path} readable")
        same = smt.equal(value.term, written.term)
        if not isinstance(mine.type, Enum):
            self.valid.append(same)
            return smt.true
        fits = smt.either(*(smt.equal(written.term, smt.text(v)) for v in mine.type.values))
        self.valid.append(smt.implies(fits, same))
        return fits


def same_type(mine: AttributeSymbol, other: AttributeSymbol, versions: Pair) -> bool:
    """Whether two versions declare one type for an attribute."""
    one, two = versions
    return one.prints.shape(mine.type) == two.prints.shape(other.type)


class VersionLink(Link):
    """A link that encodes a condition once, if both versions have it."""

    universe: Versions

    def condition(self, condition: Condition) -> tuple[Term, Term]:
        """Return whether a condition holds, and whether it is an error."""
        version = next(v for v in self.universe.versions if v.program is self.program)
        around = [self.names[n] for n in ("delegator", "actor", "delegation")]
        key = (
            version.prints.condition(condition),
            self.subject.path,
            self.around.resource.path,
            *(getattr(getattr(one, "value", None), "path", None) or str(getattr(one, "terms", "")) for one in around),
            None if self.universe.alike else id(self.program),
        )
        if key not in self.universe.conditions:
            self.universe.conditions[key] = super().condition(condition)
        return self.universe.conditions[key]

