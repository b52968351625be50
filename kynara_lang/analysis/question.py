"""One request that nobody has seen: its links as solver terms, and what can be claimed of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from ..checker.symbols import InvariantSymbol, Program
from .links import MAX_DEPTH, Link, Slice, root, surroundings
from .solver import Answer, Limits, Model, Smt, Term
from .universe import Mention, Universe
from .witness import Json, Writer, smaller


class Verdict(StrEnum):
    """What is known of a property of every possible request."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Evaluator(Protocol):
    """Decides requests of one program: the only one whose word counts for a witness."""

    def decision(self, request: Json) -> str:
        """Return `allow`, `require_approval` or `deny`; `invalid` where it is denied because it is no request."""

    def matched(self, request: Json) -> frozenset[str]:
        """Return the names of the rules that match for the principal that acts."""

    def speaks_of(self, invariant: InvariantSymbol, request: Json) -> bool:
        """Return whether a request is one of those that an invariant is about."""


class Question:
    """A request in a slice, of a principal that acts for a chain of others.

    `chain` holds the types (by key) of those it acts for, nearest first. With `anyone`, the principal may act for
    somebody of whom nothing is known: what cannot hold of its link then can hold of no chain. With `anywhere`, besides,
    somebody else may have called on its behalf: what cannot hold then can hold of no link at all.
    """

    def __init__(
        self,
        program: Program,
        where: Slice,
        limits: Limits | None = None,
        *,
        chain: Sequence[str] = (),
        anyone: bool = False,
        anywhere: bool = False,
        universe: Universe | None = None,
        suffix: str = "",
        link: type[Link] = Link,
    ) -> None:
        """Make the unknowns of the request."""
        self.program, self.slice = program, where
        self.universe = universe or Universe(Smt(limits))
        smt = self.universe.smt
        self.around = surroundings(self.universe, program, where, suffix)
        types = (where.subject, *chain)
        names = [f"subject{suffix}", *(f"delegator{suffix}{i or ''}" for i in range(len(chain)))]
        self.chain = [root(self.universe, program, n, t) for n, t in zip(names, types, strict=True)]
        for i, a in enumerate(self.chain):  # a chain that repeats a principal is no request
            self.universe.valid += [smt.no(smt.equal(a.key, b.key)) for b in self.chain[i + 1 :]]
        self.links: list[tuple[Link, ...]] = []
        for at, subject in enumerate(self.chain):
            place = Slice(where.action, types[at], where.resource)
            if anyone or anywhere:
                who: list[tuple[tuple[Mention, Term] | None, Mention, Term]] = [self._somebody(anywhere)]
            else:
                # Who asks who acts is decided as if each principal up to the link had called; the least counts.
                below = (self.chain[at + 1], smt.true) if at + 1 < len(self.chain) else None
                depths = [smt.number(len(types) - 1 - caller) for caller in range(at + 1)]
                who = [(below, self.chain[caller], depth) for caller, depth in enumerate(depths)]
            self.links.append(tuple(link(self.universe, program, place, subject, self.around, *w) for w in who))

    def _somebody(self, anywhere: bool) -> tuple[tuple[Mention, Term], Mention, Term]:
        """Return a delegator who may be there or not, who acts, and the depth of the chain, all unknown."""
        universe, smt = self.universe, self.universe.smt
        types = frozenset(t.external for t in self.program.types.values() if t.kind == "subject")
        below = universe.mention("delegator", smt.variable("delegator", smt.string), types)
        delegated, depth = smt.variable("delegated", smt.bool), smt.variable("delegation.depth", smt.int)
        subject = self.chain[0]
        universe.valid += [
            smt.between(0, depth, MAX_DEPTH),
            smt.implies(delegated, smt.less(smt.number(0), depth)),
            smt.no(smt.both(delegated, smt.equal(below.key, subject.key))),
        ]
        if not anywhere:
            universe.valid.append(smt.implies(smt.less(smt.number(0), depth), delegated))
            return (below, delegated), subject, depth
        actor = universe.mention("actor", smt.variable("actor", smt.string), types)
        alone = smt.both(smt.equal(actor.key, subject.key), smt.no(delegated))
        universe.valid.append(smt.equal(alone, smt.equal(depth, smt.number(0))))
        return (below, delegated), actor, depth

    @property
    def link(self) -> Link:
        """The link of the principal that acts."""
        return self.links[0][0]

    def at_least(self, effect: str) -> Term:
        """Return whether the request is decided as permissively as an effect, or more."""
        smt = self.universe.smt
        every = [link for callers in self.links for link in callers]
        return smt.both(*((link.allowed if effect == "allow" else link.granted) for link in every))

    def decided(self, effect: str) -> Term:
        """Return whether the request is decided as an effect."""
        smt = self.universe.smt
        match effect:
            case "allow":
                return self.at_least("allow")
            case "require_approval":
                return smt.both(self.at_least("require_approval"), smt.no(self.at_least("allow")))
        return smt.no(self.at_least("require_approval"))

    # --- answers

    def ask(self, *claims: Term, limits: Limits | None = None) -> tuple[Answer, Model | None]:
        """Return whether a request can fulfil claims; a model is one that can be written down where possible."""
        answer, model = self.plainly(*claims, limits=limits)
        if answer is Answer.SAT:
            return answer, model
        return self.universe.smt.ask(*claims, given=self.universe.valid, limits=limits)

    def plainly(self, *claims: Term, limits: Limits | None = None) -> tuple[Answer, Model | None]:
        """Ask only for what can surely be written down."""
        universe = self.universe
        return universe.smt.ask(*claims, given=(*universe.valid, *universe.plain), limits=limits)

    def unconfirmed(self, *claims: Term) -> str:
        """Say why the evaluator does not confirm a request that was found for claims."""
        if not self.universe.exact:
            return "a condition has no exact counterpart in the solver"
        if self.plainly(*claims)[0] is Answer.SAT:
            return "the solver and the evaluator disagree about a request, which is a mistake in Kynara"
        return "no values were found that the evaluator confirms"

    def written(self, model: Model) -> Json:
        """Return the request of a model."""
        return Writer(self.universe, model, self.program).request(self.chain, self.slice.action, self.around)


def confirmed(request: Json, program: Program, keeps: Callable[[Json], bool]) -> Json | None:
    """Return the smallest request found that the evaluator confirms, or None where it does not confirm it."""
    return smaller(request, program, keeps) if keeps(request) else None
