"""One request of a path: who makes it on whose behalf, and how all links of its chain together are decided.

A principal can be permitted something only while it acts for somebody. So where a rule asks for that, each request of a
path may have a delegator of its own, of any type. The decision is then the least of both links.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cached_property

from attrs import define, frozen

from ..checker.symbols import Condition, RuleSymbol
from .encoding import Bag, Encoded
from .links import MAX_DEPTH, Link, Matching, Slice, Surroundings
from .solver import Term
from .steps import Steps
from .timeline import Timeline, at
from .universe import Mention


class Chains(Enum):
    """Whom the principals of a path can act for, where a rule asks for that.

    `ALONE` is nobody and `TWO` somebody who acts for nobody. The others claim too little, so only what is impossible
    with them says anything: `LONGER` knows nothing of those behind a delegator, `ANY` nothing of the delegator either.
    """

    ALONE = 1
    TWO = 2
    LONGER = 3
    ANY = 4


class Workflow(Link):
    """A link that sees what conditions of permits ask of the resource as it is later, and everything else as it was.

    What it allows becomes possible by ordinary work on the resource, not because a bound was moved.
    """

    later: dict[str, Encoded | Bag]

    def matching(self, rule: RuleSymbol) -> Matching:
        """Return whether a rule matches, `when` and `unless` of a permit with what is known later."""
        if rule.effect != "permit":
            return super().matching(rule)
        smt = self.universe.smt
        before = self.names
        held, error = self.patterns(rule)
        held = smt.both(held, self._valid(rule))
        found: list[tuple[Condition, Term, Term]] = []
        for condition in rule.conditions:
            if condition.expr is None or held == smt.false:
                continue
            self.names = before if condition.kind == "scope" else self.later
            value, wrong = self.condition(condition)
            found.append((condition, value, wrong))
            error = smt.either(error, wrong)
            held = smt.both(held, value)
        self.names = before
        return Matching(rule, smt.both(held, smt.no(error)), tuple(found))


class Call:
    """The links of a request: that of the principal, and those of its delegator where it has one (`delegated`)."""

    def __init__(
        self,
        link: Link,
        delegated: Term,
        whom: Mention | None = None,
        others: tuple[tuple[Term, Link], ...] = (),
        *,
        exact: bool = True,
    ) -> None:
        """Take the links; `others` are decided as well where they are there, not `exact` if some are not known."""
        self.link, self.delegated, self.whom, self._others = link, delegated, whom, others
        self._exact = exact
        self._smt = link.universe.smt

    @property
    def links(self) -> list[tuple[Term, Link]]:
        """Every link, with whether the chain has it."""
        return [(self._smt.true, self.link), *self._others]

    def acts_for(self, person: Mention) -> Term:
        """Return whether the request is made on behalf of somebody, who then counts as no approver of it."""
        if self.whom is None or not self._exact:
            return self._smt.false
        return self._smt.both(self.delegated, self._smt.equal(self.whom.key, person.key))

    @cached_property
    def granted(self) -> Term:
        """Whether the request is not denied: it is allowed, or waits for an approval."""
        return self._smt.both(*(self._smt.implies(there, link.granted) for there, link in self.links))

    @cached_property
    def allowed(self) -> Term:
        """Whether the request is allowed at once."""
        return self._smt.both(*(self._smt.implies(there, link.allowed) for there, link in self.links))

    @cached_property
    def refused(self) -> Term:
        """Whether the request is not allowed at once; of links that are not known nothing is claimed."""
        refused = self._smt.no(self.allowed)
        return refused if self._exact else self._smt.either(self.delegated, refused)

    @cached_property
    def waits(self) -> Term:
        """Whether the request waits for an approval."""
        return self._smt.both(self.granted, self.refused)


@frozen(eq=False)
class Asked:
    """A request of a path: by which of the principals it controls (0 is the subject itself), in which state."""

    where: Slice
    who: int
    state: int
    controlled: int
    subject: Mention
    around: Surroundings
    call: Call


@define(eq=False)
class Caller:
    """Makes the requests of one path."""

    timeline: Timeline
    steps: Steps
    chains: Chains

    def call(
        self,
        name: str,
        where: Slice,
        subject: Mention,
        around: Surroundings,
        state: int,
        delegated: Term | None = None,
        *,
        kind: type[Link] = Link,
    ) -> Call:
        """Return the links of a request of somebody; `delegated` is whether it is for others, None where it may be."""
        smt, program = self.timeline.smt, self.steps.program
        types = self._delegators(where)
        if not types or (delegated is not None and delegated == smt.false):
            return Call(kind(self.timeline, program, where, subject, around), smt.false)
        if delegated is None:
            delegated = smt.variable(at(state, f"{name} delegated"), smt.bool)
        whom = self._mention(f"{name} delegator", state, types)
        # A chain that repeats a principal is no request.
        self.timeline.valid.append(smt.no(smt.both(delegated, smt.equal(whom.key, subject.key))))
        links = smt.number(1) if self.chains is Chains.TWO else self._many(f"{name} depth")
        depth = smt.choose(delegated, links, smt.number(0))
        link = kind(self.timeline, program, where, subject, around, (whom, delegated), subject, depth)
        exact = self.chains is Chains.TWO
        if self.chains is Chains.ANY:
            return Call(link, delegated, whom, exact=exact)
        others = []
        for key in types:
            place = Slice(where.action, key, where.resource)
            there = smt.both(delegated, self.timeline.of_type(whom, {program.types[key].external}))
            it = self._mention(f"{name} delegator as {key}", state, [key])
            self.timeline.valid.append(smt.implies(there, smt.equal(it.key, whom.key)))
            # What the delegator may is decided as if it had called, and as if it was called for: the least counts.
            for number, caller in enumerate((it, subject)):
                below = smt.number(number) if exact else self._many(f"{name} depth {number} of {key}")
                behind = None if exact else self._anybody(f"{name} behind {key}", state)
                others.append((there, kind(self.timeline, program, place, it, around, behind, caller, below)))
        return Call(link, delegated, whom, tuple(others), exact=exact)

    def _delegators(self, where: Slice) -> list[str]:
        """Return the types (by key) of those whom a request of a slice can be made for; none where that is the same."""
        if self.chains is Chains.ALONE or not self.steps.delegated(where):
            return []
        if self.chains is Chains.ANY:
            return sorted(key for key, kind in self.steps.program.types.items() if kind.kind == "subject")
        return self.steps.delegators(where)

    def _mention(self, path: str, state: int, types: Iterable[str]) -> Mention:
        """Return the delegator of a request, who is the same in all states."""
        key = self.timeline.smt.variable(path, self.timeline.smt.string)
        externals = frozenset(self.steps.program.types[kind].external for kind in types)
        return self.timeline.mention(at(state, path), key, externals)

    def _anybody(self, path: str, state: int) -> tuple[Mention, Term]:
        types = (key for key, kind in self.steps.program.types.items() if kind.kind == "subject")
        there = self.timeline.smt.variable(f"{path} is there", self.timeline.smt.bool)
        return self._mention(path, state, types), there

    def _many(self, name: str) -> Term:
        """Return an unknown depth of delegation."""
        found = self.timeline.smt.variable(name, self.timeline.smt.int)
        self.timeline.valid.append(self.timeline.smt.between(0, found, MAX_DEPTH))
        return found
