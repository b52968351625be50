"""Rules that do nothing, and scopes that bound nothing: what structure alone did not show, decided for every request.

Each rule is asked one question first: is there a request for which this rule, and no other, makes the difference? A yes
settles everything, so a good rule costs one question. Only after a no is it worked out why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

from attrs import frozen

from ..checker.symbols import Program, RuleSymbol
from ..semantics.types import DECIMAL, DURATION, INT, SetOf
from .links import Link, Slice, Surroundings, root, slices_of
from .question import Question
from .solver import Answer, Limits, Model, Smt, Term
from .universe import Mention, Optional, Scalar, Unencodable, Universe

MOST_SLICES = 200
MOST_CANDIDATES = 6  # subjects that are tried for one scope
ORDINARY = 10**9
"""Numbers of a subject beyond this do not count as ordinary: `resource.level <= subject.level` bounds a resource."""


@frozen
class Idle:
    """A rule that makes no difference: it never matches, or other rules cover it, or it meets no permit."""

    rule: RuleSymbol
    why: Literal["never", "forbidden", "covered", "unmet"]
    by: tuple[RuleSymbol, ...] = ()


@frozen
class Unsettled:
    """A rule of which it is not known whether it makes a difference."""

    rule: RuleSymbol


class Logic:
    """Asks what rules are good for; the questions of one slice share their encoding."""

    def __init__(self, program: Program, limits: Limits) -> None:
        """Work on a program without errors."""
        self._program, self._limits = program, limits
        self._questions: dict[Slice, Question] = {}

    def question(self, where: Slice) -> Question:
        """Return the question about any link in a slice."""
        if where not in self._questions:
            self._questions[where] = Question(self._program, where, self._limits, anywhere=True)
        return self._questions[where]

    def idle(self, rule: RuleSymbol) -> Idle | Unsettled | None:
        """Return why a rule makes no difference, or None if it does."""
        places = sorted(slices_of(self._program, rule), key=lambda s: (s.action, s.subject, s.resource))
        if not places or len(places) > MOST_SLICES:
            return None if not places else self._first(rule, places[:MOST_SLICES])
        alone = self._anywhere(rule, places, self._alone)
        if alone is not Answer.UNSAT:
            return None if alone is Answer.SAT else Unsettled(rule)
        if (ever := self._anywhere(rule, places, lambda *_: ())) is not Answer.SAT:
            return Idle(rule, "never") if ever is Answer.UNSAT else Unsettled(rule)
        if rule.effect == "require_approval":
            return Idle(rule, "unmet")
        if rule.effect == "permit":
            free = self._anywhere(rule, places, lambda link, smt, _: (smt.no(link.forbidden),))
            if free is not Answer.SAT:
                why = self._covering(rule, places, "forbid")
                return Idle(rule, "forbidden", why) if free is Answer.UNSAT else Unsettled(rule)
        return Idle(rule, "covered", self._covering(rule, places, rule.effect))

    def _first(self, rule: RuleSymbol, places: list[Slice]) -> Unsettled | None:
        return None if self._anywhere(rule, places, self._alone) is Answer.SAT else Unsettled(rule)

    def _alone(self, link: Link, smt: Smt, rule: RuleSymbol) -> tuple[Term, ...]:
        """Return that a rule makes the difference: no other does the same, and nothing undoes it."""
        if rule.effect == "require_approval":
            return (link.granted,)
        others = [link.matching(r).matches for r in link.rules(rule.effect) if r is not rule]
        undone = [link.forbidden] if rule.effect == "permit" else []
        return tuple(smt.no(term) for term in (*others, *undone))

    def _anywhere(
        self, rule: RuleSymbol, places: Iterable[Slice], also: Callable[[Link, Smt, RuleSymbol], Iterable[Term]]
    ) -> Answer:
        """Return whether a rule can match, and more, in some slice."""
        unknown = False
        for where in places:
            question = self.question(where)
            link, smt = question.link, question.universe.smt
            answer, _ = question.ask(link.matching(rule).matches, *also(link, smt, rule))
            if answer is Answer.SAT:
                return answer
            unknown = unknown or answer is Answer.UNKNOWN
        return Answer.UNKNOWN if unknown else Answer.UNSAT

    def _covering(self, rule: RuleSymbol, places: list[Slice], effect: str) -> tuple[RuleSymbol, ...]:
        """Return rules of an effect that together match whenever a rule does: as few as are found quickly."""
        found: dict[RuleSymbol, None] = {}
        for where in places:
            link = self.question(where).link
            found.update(dict.fromkeys(r for r in link.rules(effect) if r is not rule))
        kept = list(found)
        for other in list(islice(kept, 40)):
            fewer = [r for r in kept if r is not other]

            def without(link: Link, smt: Smt, _: RuleSymbol, fewer: list[RuleSymbol] = fewer) -> list[Term]:
                return [smt.no(link.matching(r).matches) for r in link.rules(effect) if r in fewer]

            if self._anywhere(rule, places, without) is Answer.UNSAT:
                kept = fewer
        return tuple(kept)


@frozen
class Unbounded:
    """A scope that bounds nothing for some subject: of which type, and what the model says of that subject."""

    rule: RuleSymbol
    where: Slice
    everyone: bool
    request: dict[str, object]


def unbounded(program: Program, rule: RuleSymbol, limits: Limits) -> Unbounded | None:
    """Return for whom the scope of a permit is true of every resource of a type, if for anybody.

    A subject with ordinary numbers and sets of one element at most is looked for whose scope covers two resources that
    differ in everything that the scope reads; then whether, for that very subject, any resource is left out.
    """
    scope = next((c for c in rule.conditions if c.kind == "scope" and c.expr is not None), None)
    if scope is None:
        return None
    for where in sorted(slices_of(program, rule), key=lambda s: (s.action, s.subject, s.resource))[:MOST_SLICES]:
        question = Question(program, where, limits)
        try:
            found = _for_whom(question, rule, program)
        except Unencodable:
            continue
        if found is not None:
            return found
    return None


def _for_whom(question: Question, rule: RuleSymbol, program: Program) -> Unbounded | None:
    universe, smt, where = question.universe, question.universe.smt, question.slice
    pair = [_with_resource(question, program, f"resource{mark}") for mark in ("", "'")]
    held = [_scope(link, rule) for link in pair]
    first, second = (link.around.resource for link in pair)
    apart = [smt.no(smt.equal(first.key, second.key)), *_different(universe, first, second)]
    who = question.link.fits(question.link.subject, rule.subjects, where.subject)
    claims = [who, *(link.fits(link.around.resource, rule.resources, where.resource) for link in pair), *apart, *held]
    left_out_of = _with_resource(question, program, "resource''")
    fits = left_out_of.fits(left_out_of.around.resource, rule.resources, where.resource)
    left_out = smt.both(fits, smt.no(_scope(left_out_of, rule)))
    used: list[Term] = []  # one entity cannot have two states
    for attempt in range(MOST_CANDIDATES):
        answer, model = smt.ask(*claims, given=(*universe.valid, *universe.plain, *_ordinary(universe)))
        if answer is not Answer.SAT or model is None:
            return None
        answer, other = question.ask(left_out, *used, *_pinned(universe, model))
        pinned = (*universe.valid, *_pinned(universe, model))
        if answer is Answer.UNSAT and smt.ask(left_out, given=pinned)[0] is Answer.UNSAT:
            everyone = smt.ask(who, left_out, given=universe.valid)[0] is Answer.UNSAT
            return Unbounded(rule, where, everyone, question.written(model))
        if other is None:
            return None
        used.append(smt.no(smt.equal(left_out_of.around.resource.key, other.term(left_out_of.around.resource.key))))
        # Whoever is unbounded reaches the resource, too, that this candidate does not.
        again = _with_resource(question, program, f"resource{attempt}")
        claims += [_scope(again, rule), *_like(universe, again.around.resource, left_out_of.around.resource, other)]
    return None


def _like(universe: Universe, mention: Mention, shown: Mention, model: Model) -> list[Term]:
    """Return that an entity is what a model says of another."""
    smt = universe.smt
    claims = [smt.equal(mention.key, model.term(shown.key))]
    for name in mention.attributes.keys() & shown.attributes.keys():
        mine, its = _whole(mention.attributes[name]), _whole(shown.attributes[name])
        claims.append(smt.equal(universe.term(mine), model.term(universe.term(its))))
    return claims


def _with_resource(question: Question, program: Program, path: str) -> Link:
    """Return the link of a question with another resource."""
    old = question.link
    resource = root(question.universe, program, path, question.slice.resource)
    around = Surroundings(resource, old.around.arguments, old.around.context)
    return Link(question.universe, program, question.slice, old.subject, around)


def _scope(link: Link, rule: RuleSymbol) -> Term:
    scope = next(c for c in rule.conditions if c.kind == "scope")
    value, error = link.condition(scope)
    return link.universe.smt.both(value, link.universe.smt.no(error))


def _different(universe: Universe, a: Mention, b: Mention) -> list[Term]:
    """Return that two entities differ in every attribute that both were asked for."""
    smt = universe.smt
    return [
        smt.no(universe.equal(_whole(a.attributes[name]), _whole(b.attributes[name])))
        for name in a.attributes.keys() & b.attributes.keys()
    ]


def _whole(attribute: Optional) -> Scalar | Mention:
    if isinstance(attribute.value, Scalar | Mention):
        return attribute.value
    raise Unencodable("a record")


def _ordinary(universe: Universe) -> list[Term]:
    """Return that nobody has extreme numbers or all values of a set at once."""
    smt = universe.smt
    claims = []
    for value in universe.made():
        if isinstance(value, Scalar) and not value.path.startswith("resource"):
            if value.kind in (INT, DECIMAL, DURATION):
                claims.append(smt.between(-ORDINARY, value.term, ORDINARY * 10**4))
            if isinstance(value.kind, SetOf):
                claims.append(smt.at_most(smt.size(value.term), smt.number(1)))
    return claims


def _pinned(universe: Universe, model: Model) -> list[Term]:
    """Return that everything but the resource is as in a model, as far as the scope has to do with it.

    What a quantifier finds in a set is no part of a request: for another resource it may find something else.
    """

    def fixed(path: str) -> bool:
        return not path.startswith("resource") and "[some " not in path and "[each " not in path

    terms = [v.term for v in universe.made() if isinstance(v, Scalar) and fixed(v.path)]
    for mention in universe.mentions.values():
        if fixed(mention.path):
            present = (attribute.present for attribute in mention.attributes.values())
            terms += [mention.key, *mention.roles.values(), *mention.groups.values(), *present]
    return [universe.smt.equal(term, model.term(term)) for term in terms if model.tells(term)]
