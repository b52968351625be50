"""Formulas about one request in negation normal form, and whether they can hold.

A literal says that a term's value lies in a set, or that a fact (any other condition, as a term) is so or not. What
the structure of terms does not show counts as possible: `satisfiable` errs on that side, so whoever reports "never" or
"always" by it is right. It gives up, again as possible, when a formula has too many cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from attrs import field, frozen

from ...semantics.types import Entity, Type
from .domains import Domain, Intervals, Space, Values, between, of_type

MOST_WORK = 6_000  # literals and alternatives looked at while cases are told apart
MOST_LITERALS = 4_000

LENGTHS = (".size()", ".length()")
"""The heads of terms that count something, and so are never below zero."""


@frozen(cache_hash=True)
class Term:
    """A value that a request gives, equal to another if both are computed alike.

    `head` names the operation (`root`, `attr`, `const`, …) and `parts` its operands. `fails` says that computing it can
    be an evaluation error, `kind` its type, `roots` the names of the request that it reads.
    """

    head: str
    parts: tuple[object, ...]
    kind: Type | None = field(default=None, eq=False, repr=False)
    fails: bool = field(default=False, eq=False, repr=False)
    roots: frozenset[str] = field(default=frozenset(), eq=False, repr=False)


@frozen(cache_hash=True)
class Member:
    """A term's value lies in a set."""

    term: Term
    domain: Domain


@frozen(cache_hash=True)
class Fact:
    """A term of truth holds, or does not."""

    term: Term
    holds: bool = True


@frozen(cache_hash=True)
class All:
    """Every part holds."""

    parts: tuple[Formula, ...]


@frozen(cache_hash=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Formula, ...]


_DEPTH = Term("attr", (Term("root", ("delegation",)), "depth"))

Literal: TypeAlias = Member | Fact
Formula: TypeAlias = Member | Fact | All | AnyOf

TRUE = All(())
FALSE = AnyOf(())


def all_of(parts: Iterable[Formula]) -> Formula:
    """Return the conjunction of some formulas."""
    found: dict[Formula, None] = {}
    for part in parts:
        if isinstance(part, All):
            found.update(dict.fromkeys(part.parts))
        elif part == FALSE:
            return FALSE
        else:
            found[part] = None
    return next(iter(found)) if len(found) == 1 else All(tuple(found))


def any_of(parts: Iterable[Formula]) -> Formula:
    """Return the disjunction of some formulas."""
    found: dict[Formula, None] = {}
    for part in parts:
        if isinstance(part, AnyOf):
            found.update(dict.fromkeys(part.parts))
        elif part == TRUE:
            return TRUE
        else:
            found[part] = None
    return next(iter(found)) if len(found) == 1 else AnyOf(tuple(found))


def negated(formula: Formula) -> Formula:
    """Return the formula that holds exactly when this one does not."""
    match formula:
        case Member(term, domain):
            return Member(term, domain.complement())
        case Fact(term, holds):
            return Fact(term, not holds)
        case All(parts):
            return any_of(negated(p) for p in parts)
        case AnyOf(parts):
            return all_of(negated(p) for p in parts)


def conjuncts(formula: Formula) -> tuple[Formula, ...]:
    """Return the formulas that must all hold."""
    return formula.parts if isinstance(formula, All) else (formula,)


def literals(formula: Formula) -> Iterable[Literal]:
    """Yield every literal of a formula; stop after very many."""
    stack: list[Formula] = [formula]
    seen: set[Formula] = set()
    while stack and len(seen) < MOST_LITERALS:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if isinstance(current, Member | Fact):
            yield current
        else:
            stack.extend(current.parts)


def satisfiable(formulas: Iterable[Formula], including: RolesOf | None = None) -> bool:
    """Whether some request could make all formulas hold; True in doubt.

    `including` gives the keys of the roles that come with one.
    """
    return _Search(including or (lambda role: frozenset({role}))).possible(list(formulas))


RolesOf: TypeAlias = Callable[[str], frozenset[str]]


class _Search:
    """Looks for a case without contradiction, with a bound on the work."""

    def __init__(self, including: RolesOf) -> None:
        self._including = including
        self._left = MOST_WORK

    def possible(self, waiting: list[Formula]) -> bool:
        """Whether formulas can hold together."""
        # Not by recursion: a rule may have more alternatives one after the other than calls can be nested.
        stack: list[Iterator[_Case]] = [iter([(waiting, {})])]
        while stack:
            case = next(stack[-1], None)
            if case is None:
                stack.pop()
                continue
            known = dict(case[1])
            branches = _settled(list(case[0]), known)
            if branches is None or self._left < 0:
                return True  # in doubt
            self._left -= len(known) + len(branches) if case[1] else 0  # what must hold in any case is always looked at
            if contradictory(known, self._including):
                continue
            branches = [b for b in branches if not any(part in known for part in b)]
            if not branches:
                return True
            first, *rest = sorted(branches, key=len)
            stack.append(_alternatives(first, [AnyOf(b) for b in rest], known))
        return False


_Case: TypeAlias = tuple[list[Formula], dict[Literal, None]]


def _alternatives(parts: tuple[Formula, ...], others: list[Formula], known: dict[Literal, None]) -> Iterator[_Case]:
    for part in parts:
        yield [part, *others], known


def _settled(waiting: list[Formula], known: dict[Literal, None]) -> list[tuple[Formula, ...]] | None:
    """Add to what is known all literals that must hold; return the alternatives left, None if that is too much."""
    branches: list[tuple[Formula, ...]] = []
    while waiting:
        formula = waiting.pop()
        match formula:
            case Member() | Fact():
                known[formula] = None
            case All(parts):
                waiting.extend(parts)
            case AnyOf(parts):
                branches.append(parts)
        if len(known) > MOST_LITERALS or len(waiting) > MOST_LITERALS:
            return None
    return branches


def contradictory(known: Iterable[Literal], including: RolesOf) -> bool:
    """Whether literals surely cannot all hold at once."""
    facts: dict[Term, bool] = {}
    members: list[Member] = []
    for literal in known:
        if isinstance(literal, Member):
            members.append(literal)
        elif facts.setdefault(literal.term, literal.holds) is not literal.holds:
            return True
    same = _Equal(facts)
    spaces = _spaces(members, same)
    return (
        any(space.empty for space in spaces.values())
        or same.refuted(facts)
        or _misordered(facts, spaces, same)
        or _roles_clash(facts, same, including)
        or _types_clash(spaces, same)
        or _outside_itself(facts, spaces, same)
    )


class _Equal:
    """Which terms are equal by the facts that say so."""

    def __init__(self, facts: Mapping[Term, bool]) -> None:
        self._leader: dict[Term, Term] = {}
        for term, holds in facts.items():
            if holds and term.head == "==":
                a, b = term.parts
                assert isinstance(a, Term)
                assert isinstance(b, Term)
                self._leader[self(a)] = self(b)

    def __call__(self, term: Term) -> Term:
        """Return the term that stands for all that are equal to one."""
        while (leader := self._leader.get(term)) is not None and leader is not term:
            term = leader
        return term

    def refuted(self, facts: Mapping[Term, bool]) -> bool:
        """Whether some terms are said to be equal, and not."""
        return any(
            not holds and term.head == "==" and self(_at(term, 0)) == self(_at(term, 1))
            for term, holds in facts.items()
        )


def _at(term: Term, index: int) -> Term:
    part = term.parts[index]
    assert isinstance(part, Term)
    return part


def _spaces(members: Iterable[Member], same: _Equal) -> dict[Term, Space]:
    spaces: dict[Term, Space] = {}
    seen: dict[Term, dict[Term, None]] = {}
    for member in members:
        leader = same(member.term)
        spaces.setdefault(leader, Space()).within(member.domain)
        seen.setdefault(leader, {})[member.term] = None
    for leader, terms in seen.items():
        # Of two types, a name has different values: one of them stands where the type is excluded.
        if len({term.kind for term in terms}) == 1:
            for term in terms:
                if (base := every_value(term)) is not None:
                    spaces[leader].within(base)
    return spaces


def every_value(term: Term) -> Domain | None:
    """Return all values that a term can have, where that says something."""
    if term.head in LENGTHS or term == _DEPTH:
        return between(0, None)
    if term.head == ".hour()":
        return between(0, 23)
    return of_type(term.kind)


def _misordered(facts: Mapping[Term, bool], spaces: Mapping[Term, Space], same: _Equal) -> bool:
    """Whether `<` is said of what is equal, both ways, or of values that lie the other way."""
    ordered = [(same(_at(t, 0)), same(_at(t, 1)), holds) for t, holds in facts.items() if t.head == "<"]
    below = {(a, b) for a, b, holds in ordered if holds}
    unequal = {(same(_at(t, 0)), same(_at(t, 1))) for t, holds in facts.items() if t.head == "==" and not holds}
    for a, b, holds in ordered:
        if holds and (a == b or (b, a) in below or not _can_be_below(a, b, spaces, strictly=True)):
            return True
        if not holds and not _can_be_below(b, a, spaces, strictly=False):
            return True
        if not holds and ((b, a, False) in ordered) and ((a, b) in unequal or (b, a) in unequal):
            return True
    return False


def _can_be_below(a: Term, b: Term, spaces: Mapping[Term, Space], *, strictly: bool) -> bool:
    low, high = _bounds(a, spaces), _bounds(b, spaces)
    if low is None or high is None:
        return True
    return low[0] < high[1] if strictly else low[0] <= high[1]


def _bounds(term: Term, spaces: Mapping[Term, Space]) -> tuple[int, int] | None:
    space = spaces.get(term)
    known = space.intervals if space is not None else every_value(term)
    if not isinstance(known, Intervals) or not known.ranges:
        return None
    return known.ranges[0][0], known.ranges[-1][1]


def _roles_clash(facts: Mapping[Term, bool], same: _Equal, including: RolesOf) -> bool:
    """Whether somebody holds a role and not one that comes with it."""
    held: dict[Term, set[str]] = {}
    for term, holds in facts.items():
        if holds and term.head == "holds":
            held.setdefault(same(_at(term, 0)), set()).update(including(str(term.parts[1])))
    return any(
        not holds and term.head == "holds" and term.parts[1] in held.get(same(_at(term, 0)), ())
        for term, holds in facts.items()
    )


def _types_clash(spaces: Mapping[Term, Space], same: _Equal) -> bool:
    """Whether an entity is said to be one of some entities, and of a type that none of them has."""
    for term, space in spaces.items():
        if term.head == "type":
            entity = same(_at(term, 0))
            listed = spaces[entity].listed if entity in spaces else None
            if listed is not None and isinstance(entity.kind, Entity | None):
                if space.values.meet(Values(frozenset(type_of_key(key) for key in listed))).values == frozenset():
                    return True
    return False


def type_of_key(key: str) -> str:
    """Return the type of an entity by its key."""
    return key.partition("::")[0]


def _outside_itself(facts: Mapping[Term, bool], spaces: Mapping[Term, Space], same: _Equal) -> bool:
    """Whether an entity is said not to be in itself."""
    for term, holds in facts.items():
        if term.head == "in" and not holds:
            entity, group = same(_at(term, 0)), same(_at(term, 1))
            listed = spaces[entity].listed if entity in spaces else None
            if entity == group or (listed is not None and group.head == "const" and listed == {group.parts[1]}):
                return True
    return False
