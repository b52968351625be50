"""How one link of a request is decided, as solver terms: which rules match, and what follows.

A slice is an action with a type of subject and a type of resource (all by key). Within it the rules that can match are
few, and their types are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import define, frozen

from ..checker.symbols import AttributeSymbol, Condition, PatternSymbol, Program, RuleSymbol
from ..semantics.types import TIME
from .encoding import Bag, Encoded, Encoder
from .keys import part_of
from .solver import Term
from .universe import Mention, Scalar, Universe

MAX_DEPTH = 15  # of delegation: a chain has sixteen links at most


@frozen
class Slice:
    """An action and the types that meet in it, by key."""

    action: str
    subject: str
    resource: str

    def shown(self, program: Program) -> str:
        """Return the slice as people write it: `User refund Order`."""
        types = program.types
        return f"{types[self.subject].name} {program.actions[self.action].name} {types[self.resource].name}"


@frozen(eq=False)
class Matching:
    """Whether a rule matches, and each of its clauses with its value and error, in order of evaluation."""

    rule: RuleSymbol
    matches: Term
    clauses: tuple[tuple[Condition, Term, Term], ...]


@define(eq=False)
class Surroundings:
    """What the links of one request share: the resource, the arguments, the context."""

    resource: Mention
    arguments: Bag
    context: Bag


class Link:
    """One principal's share of a request.

    `delegator` is whom it acts for: None for nobody, else a mention and whether there is one at all.
    """

    def __init__(
        self,
        universe: Universe,
        program: Program,
        where: Slice,
        subject: Mention,
        around: Surroundings,
        delegator: tuple[Mention, Term] | None = None,
        actor: Mention | None = None,
        depth: Term | None = None,
    ) -> None:
        """Place a subject in a slice."""
        smt = universe.smt
        self.universe, self.program, self.slice = universe, program, where
        self.subject, self.around = subject, around
        self.delegated = smt.false if delegator is None else delegator[1]
        self._encoder = Encoder(universe, program, self.delegated)
        self.names: dict[str, Encoded | Bag] = {
            "subject": Encoded(subject, smt.false),
            "resource": Encoded(around.resource, smt.false),
            "args": around.arguments,
            "context": around.context,
            "actor": Encoded(actor or subject, smt.false),
        }
        if delegator is not None:
            self.names["delegator"] = Encoded(delegator[0], smt.false)
        else:
            nobody = Mention("nobody", smt.text(""), frozenset())
            self.names["delegator"] = Encoded(nobody, smt.false)
        below = smt.number(0) if depth is None else depth
        self.names["delegation"] = Bag("delegation", {}, {"depth": below})

    # --- rules

    def rules(self, effect: str) -> list[RuleSymbol]:
        """Return the rules of an effect that can match in this slice."""
        found = []
        for rule in self.program.rules:
            fits = rule.effect == effect and self.slice.action in rule.actions
            if fits and _covers(rule.subjects, self.slice.subject) and _covers(rule.resources, self.slice.resource):
                found.append(rule)
        return found

    def matching(self, rule: RuleSymbol) -> Matching:
        """Return whether a rule matches; an error makes a permit not match, and everything else match."""
        smt = self.universe.smt
        value, error = self.patterns(rule)
        value = smt.both(value, self._valid(rule))
        clauses = []
        goes_on = value
        for condition in rule.conditions:
            if condition.expr is None:
                continue
            if goes_on == smt.false:
                break  # decided by the types: what follows may read what these types do not have
            mine, wrong = self.condition(condition)
            clauses.append((condition, mine, wrong))
            error = smt.either(error, smt.both(goes_on, wrong))
            value = smt.both(value, mine)
            goes_on = smt.both(goes_on, smt.no(wrong), mine)
        held = smt.both(value, smt.no(error)) if rule.effect == "permit" else smt.either(value, error)
        return Matching(rule, held, tuple(clauses))

    def patterns(self, rule: RuleSymbol) -> tuple[Term, Term]:
        """Return whether subject and resource fit the patterns of a rule, beyond their types."""
        smt = self.universe.smt
        subject = self.fits(self.subject, rule.subjects, self.slice.subject)
        resource = self.fits(self.around.resource, rule.resources, self.slice.resource)
        return smt.both(subject, resource), smt.false

    def fits(self, entity: Mention, patterns: tuple[PatternSymbol, ...], type_key: str) -> Term:
        """Return whether an entity of a type fits one of some patterns."""
        smt, universe = self.universe.smt, self.universe
        found = []
        for pattern in patterns:
            if type_key not in pattern.types:
                continue
            asked = []
            if pattern.entity is not None:
                asked.append(smt.equal(entity.key, self._named(pattern.entity).key))
            if pattern.group is not None:
                asked.append(universe.within(entity, self._named(pattern.group), self.program))
            if pattern.roles:
                asked.append(smt.either(*(universe.role(entity, role, self.program) for role in pattern.roles)))
            found.append(smt.both(*asked))
        return smt.either(*found)

    def condition(self, condition: Condition) -> tuple[Term, Term]:
        """Return whether a condition of a rule or an invariant holds, and whether it is an error."""
        assert condition.expr is not None
        value, error = self._encoder.condition(condition.expr, self.names)
        return (self.universe.smt.no(value) if condition.kind == "unless" else value), error

    def _named(self, key: str) -> Mention:
        type_key, identity = key.split("::", 1)
        return self.universe.named(self.program.types[type_key].external, identity)

    def _valid(self, rule: RuleSymbol) -> Term:
        smt = self.universe.smt
        if rule.valid_from is None and rule.valid_until is None:
            return smt.true
        now = self.universe.make(part_of("context", self.program.context["now"].external), TIME, self.program)
        assert isinstance(now, Scalar)
        after = smt.true if rule.valid_from is None else smt.at_most(smt.number(rule.valid_from), now.term)
        before = smt.true if rule.valid_until is None else smt.less(now.term, smt.number(rule.valid_until))
        return smt.both(after, before)

    # --- the decision

    @cached_property
    def permitted(self) -> Term:
        """Whether some permit matches."""
        return self.universe.smt.either(*(self.matching(r).matches for r in self.rules("permit")))

    @cached_property
    def forbidden(self) -> Term:
        """Whether some forbid matches."""
        return self.universe.smt.either(*(self.matching(r).matches for r in self.rules("forbid")))

    @cached_property
    def waiting(self) -> Term:
        """Whether some approval is asked for; none is given."""
        return self.universe.smt.either(*(self.matching(r).matches for r in self.rules("require_approval")))

    @cached_property
    def granted(self) -> Term:
        """Whether the link is not denied: it is allowed, or waits for an approval."""
        smt = self.universe.smt
        return smt.both(self.permitted, smt.no(self.forbidden))

    @cached_property
    def allowed(self) -> Term:
        """Whether the link is allowed at once."""
        smt = self.universe.smt
        return smt.both(self.granted, smt.no(self.waiting))

    def decision(self, effect: str) -> Term:
        """Return whether the link is decided `allow`, `require_approval` or `deny`."""
        smt = self.universe.smt
        match effect:
            case "allow":
                return self.allowed
            case "require_approval":
                return smt.both(self.granted, self.waiting)
        return smt.no(self.granted)


def _covers(patterns: tuple[PatternSymbol, ...], type_key: str) -> bool:
    return any(type_key in pattern.types for pattern in patterns)


def slices(program: Program) -> list[Slice]:
    """Return every slice in which some permit can match, in order of names."""
    found: set[Slice] = set()
    for rule in program.rules:
        if rule.effect == "permit":
            found |= slices_of(program, rule)
    return sorted(found, key=lambda s: (s.action, s.subject, s.resource))


def slices_of(program: Program, rule: RuleSymbol) -> set[Slice]:
    """Return the slices in which a rule can match."""
    subjects = frozenset[str]().union(*(p.types for p in rule.subjects))
    resources = frozenset[str]().union(*(p.types for p in rule.resources))
    return {
        Slice(action, subject, resource)
        for action in rule.actions
        for resource in program.actions[action].on & resources
        for subject in subjects
    }


def surroundings(universe: Universe, program: Program, where: Slice, suffix: str = "") -> Surroundings:
    """Return the shared unknowns of a request in a slice; `suffix` tells several requests of one universe apart."""
    action = program.actions[where.action]
    arguments: Mapping[str, AttributeSymbol] = action.parameters
    for symbol in (*arguments.values(), *program.context.values()):
        bag = "context" if symbol in program.context.values() else f"args{suffix}"
        universe.make(part_of(bag, symbol.external), symbol.type, program)
    resource = root(universe, program, f"resource{suffix}", where.resource)
    return Surroundings(resource, Bag(f"args{suffix}", arguments), Bag("context", program.context))


def root(universe: Universe, program: Program, path: str, type_key: str) -> Mention:
    """Return an entity of the request itself, of a type."""
    external = program.types[type_key].external
    return universe.mention(path, universe.smt.variable(path, universe.smt.string), {external})
