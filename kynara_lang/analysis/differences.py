"""The difference between two versions of a program: for every slice, who gains and who loses.

The structure answers first. A slice whose rules say the same, and rest on declarations that say the same, is equal. One
that has only lost permits, or only won forbids and approvals, gives nobody more. What then remains is asked of the
solver, for direct calls, and, where a rule reads for whom the subject acts, for chains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Literal

from attrs import evolve, field, frozen

from ..checker.symbols import RuleSymbol
from .contrast import NO_TIME, Contrast, Search, Witness, alike
from .declared import Declared, changes
from .links import Slice
from .regions_text import Direction, Region, described
from .solver import Answer, Limits
from .versions import Triple, Version

MOST_CHAINS = 20
MOST_IN_CHAINS = 3
MOST_GIVEN_UP = 2
NO_SOLVER = "this needs the solver"
Verdict = Literal["none", "found", "unknown"]


@frozen
class Side:
    """Who gains in a slice, or who loses. `complete` says that `regions` are all there is, `reason` why not."""

    verdict: Verdict = "none"
    regions: tuple[Region, ...] = ()
    complete: bool = True
    reason: str = ""


@frozen
class RuleChange:
    """A rule that says something else in a slice than before; `place` is where it stands."""

    change: Literal["added", "removed", "changed"]
    effect: str
    name: str
    place: str


@frozen
class SliceDifference:
    """What differs in a slice; its names are those of requests."""

    action: str
    subject: str
    resource: str
    gains: Side
    losses: Side
    rules: tuple[RuleChange, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both versions decide every request of the slice alike, for sure."""
        return self.gains.verdict == self.losses.verdict == "none"


@frozen
class Differences:
    """What differs between two versions.

    `slices` are those that are not surely equal; `by_structure` and `by_proof` count the others. `solver` says whether
    there was one.
    """

    declared: tuple[Declared, ...] = ()
    slices: tuple[SliceDifference, ...] = ()
    by_structure: int = 0
    by_proof: int = 0
    solver: bool = True

    @property
    def gains(self) -> bool:
        """Whether somebody may do more than before."""
        return any(s.gains.verdict == "found" for s in self.slices)

    @property
    def losses(self) -> bool:
        """Whether somebody may do less than before."""
        return any(s.losses.verdict == "found" for s in self.slices)

    @property
    def unknown_gains(self) -> bool:
        """Whether it is not known of some slice whether anybody may do more."""
        return any(s.gains.verdict == "unknown" for s in self.slices)

    @property
    def out_of_time(self) -> bool:
        """Whether something is not known because there was no time to ask."""
        return any(NO_TIME in (s.gains.reason, s.losses.reason) for s in self.slices)


@frozen
class Comparing:
    """Compares two versions. Without `limits` there is no solver, and only the structure answers.

    `left` says how many seconds there still are: what the solver was not asked by then is unknown; what the structure
    shows is said all the same. `structural` is for tests: without it all is asked of the solver.
    """

    old: Version
    new: Version
    limits: Limits | None = field(factory=Limits)
    progress: Callable[[int, int], None] = lambda done, total: None
    structural: bool = True
    left: Callable[[], float] = lambda: math.inf

    def run(self) -> Differences:
        """Return what differs."""
        found, by_structure, by_proof = [], 0, 0
        triples = sorted({*self.old.granted(), *self.new.granted()})
        for done, triple in enumerate(triples):
            self.progress(done, len(triples))
            if self.structural and self._says_the_same(triple):
                by_structure += 1
                continue
            one = self._slice(triple)
            if one.equal:
                by_proof += 1
            else:
                found.append(one)
        self.progress(len(triples), len(triples))
        declared = changes(self.old, self.new)
        return Differences(declared, tuple(found), by_structure, by_proof, self.limits is not None)

    # --- by structure

    def _says_the_same(self, triple: Triple) -> bool:
        a, b = self.old.find(triple), self.new.find(triple)
        if a is None or b is None or not alike(self.old, self.new, triple, chain=False):
            return False
        effects = ("permit", "forbid", "require_approval")
        return all(self.old.content(a, e) == self.new.content(b, e) for e in effects)

    def _cannot_give_more(self, giver: Version, other: Version, triple: Triple) -> bool:
        """Whether a version has nothing that could make it grant more than another: only permits widen."""
        a, b = giver.find(triple), other.find(triple)
        if a is None or not giver.content(a, "permit"):
            return True
        if not self.structural or b is None or not alike(giver, other, triple, chain=False):
            return False
        narrower = all(other.content(b, e) <= giver.content(a, e) for e in ("forbid", "require_approval"))
        return narrower and giver.content(a, "permit") <= other.content(b, "permit")

    def _rule_changes(self, triple: Triple) -> tuple[RuleChange, ...]:
        a, b = self.old.find(triple), self.new.find(triple)
        mine = {r.name: r for r in self.old.rules(a)}
        theirs = {r.name: r for r in self.new.rules(b)}
        found = []
        for name in sorted({*mine, *theirs}):
            before, after = mine.get(name), theirs.get(name)
            if before is None and after is not None:
                found.append(_change("added", after))
            elif after is None and before is not None:
                found.append(_change("removed", before))
            elif before is not None and after is not None and a is not None and b is not None:
                if self.old.prints.rule(before, a) != self.new.prints.rule(after, b):
                    found.append(_change("changed", after))
        return tuple(found)

    # --- by the solver

    def _slice(self, triple: Triple) -> SliceDifference:
        gains = self._side(self.new, self.old, triple, "gain")
        losses = self._side(self.old, self.new, triple, "loss")
        return SliceDifference(*triple, gains, losses, self._rule_changes(triple))

    def _side(self, giver: Version, other: Version, triple: Triple, direction: Direction) -> Side:
        if self._cannot_give_more(giver, other, triple):
            return Side()
        if self.limits is None:
            return Side("unknown", (), False, NO_SOLVER)
        if self.left() <= 0:
            return Side("unknown", (), False, NO_TIME)
        contrast = Contrast(giver, other, triple, self.limits, left=self.left)
        search = contrast.search()
        regions = [described(contrast, witness, direction) for witness in search.witnesses]
        if giver.asks_about_others(giver.find(triple)) or other.asks_about_others(other.find(triple)):
            search, more = self._in_chains(giver, other, triple, direction, search)
            regions += more
        if regions:
            return Side("found", tuple(regions), search.complete, search.reason)
        return Side() if search.complete else Side("unknown", (), False, search.reason)

    def _in_chains(
        self, giver: Version, other: Version, triple: Triple, direction: Direction, direct: Search
    ) -> tuple[Search, list[Region]]:
        """Look further where it matters for whom the subject acts: at any link of any chain, then at short chains."""
        assert self.limits is not None
        known = [w for w in direct.witnesses if w.kind in ("permit", "forbid", "approval")]
        anywhere = None
        if _common_principals_alike(giver, other, triple):
            anywhere = Contrast(giver, other, triple, self.limits, anywhere=True, left=self.left)
            if _excluded(anywhere, known):
                return direct, []
        regions: list[Region] = []
        gave_up = 0
        for chain in islice(_chains(giver), MOST_CHAINS):
            if len(regions) >= MOST_IN_CHAINS or gave_up >= MOST_GIVEN_UP or self.left() <= 0:
                break
            contrast = Contrast(giver, other, triple, self.limits, chain=chain, left=self.left)
            witness = contrast.beyond(known)
            gave_up += contrast.gave_up
            if witness is not None:
                regions.append(evolve(described(contrast, witness, direction), chain=chain))
                known += [witness] if witness.kind in ("permit", "forbid", "approval") else []
        if anywhere is not None and regions and _excluded(anywhere, known):
            return direct, regions
        reason = NO_TIME if self.left() <= 0 else "chains of principals beyond those tried were not excluded"
        return evolve(direct, complete=False, reason=direct.reason or reason), regions


def _change(change: Literal["added", "removed", "changed"], rule: RuleSymbol) -> RuleChange:
    span = rule.decl.name.span
    return RuleChange(change, rule.effect, rule.name, f"{span.source.name}:{span.first.line}")


def _excluded(contrast: Contrast, known: list[Witness]) -> bool:
    """Whether there surely is nothing but what is known."""
    contrast.blocks = [contrast.smt.no(contrast.region(witness)) for witness in known]
    return contrast.ask(*contrast.more())[0] is Answer.UNSAT


def _chains(giver: Version) -> Iterator[tuple[str, ...]]:
    subjects = sorted(t.external for t in giver.program.types.values() if t.kind == "subject")
    yield from ((first,) for first in subjects)
    yield from ((first, second) for first in subjects for second in subjects)


def _common_principals_alike(one: Version, two: Version, triple: Triple) -> bool:
    """Whether two versions declare the same of all principals that both know, as far as rules of a slice read them."""
    places: list[tuple[Version, Slice | None]] = [(v, v.find(triple)) for v in (one, two)]
    names = frozenset[str]().union(*(v.mentioned(where).names for v, where in places))
    for external, kind in one.program.by_external.items():
        other = two.program.by_external.get(external)
        if kind.kind != "subject" or other is None:
            continue
        mine, theirs = (
            v.prints.fields(s for s in k.attributes.values() if s.name in names)
            for v, k in ((one, kind), (two, other))
        )
        if mine != theirs:
            return False
    return True
