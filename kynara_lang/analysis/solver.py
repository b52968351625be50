"""The narrow boundary to the solver (cvc5): sorts, terms, and three honest answers.

Nothing else of the package knows cvc5. An answer is `SAT`, `UNSAT` or `UNKNOWN`; a time-out, a limit or an error inside
the solver is `UNKNOWN`. Terms are simplified a little when they are made, which keeps questions small.

z3 was measured one to three orders of magnitude slower on strings, and misreads `\\u{…}`; so there is no choice of
solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, TypeAlias

from attrs import frozen

Term: TypeAlias = Any  # cvc5.Term: its package has no types
Sort: TypeAlias = Any


class MissingSolver(RuntimeError):
    """The extra `prove` is not installed."""

    def __init__(self) -> None:
        """Say how to get it."""
        super().__init__('proofs need the extra `prove`: pip install "kynara-lang[prove]"')


class Answer(Enum):
    """What the solver says of a question."""

    SAT = "sat"
    UNSAT = "unsat"
    UNKNOWN = "unknown"


@frozen
class Limits:
    """How much one question may cost: milliseconds, and the solver's own count of steps."""

    milliseconds: int = 2_000
    steps: int = 2_000_000


def available() -> bool:
    """Whether the solver is installed."""
    from importlib.util import find_spec

    return find_spec("cvc5") is not None


def readable(value: str) -> bool:
    """Whether the solver has all characters of a text: it knows the planes 0 to 2 of Unicode."""
    return all(character <= "\U0002ffff" for character in value)


class Smt:
    """Makes terms and answers questions about them."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Start the solver; raises MissingSolver where the extra is not installed."""
        try:
            import cvc5
        except ImportError:
            raise MissingSolver from None
        self._kind = cvc5.Kind
        self._cvc5 = cvc5
        self._tm = cvc5.TermManager()
        self._limits = limits or Limits()
        self.bool, self.int, self.string = (
            self._tm.getBooleanSort(),
            self._tm.getIntegerSort(),
            self._tm.getStringSort(),
        )
        self.true, self.false = self._tm.mkTrue(), self._tm.mkFalse()
        self.beyond = 0  # how many texts it could not read
        self._variables: dict[tuple[str, str], Term] = {}
        self._unknowns: dict[int, frozenset[str]] = {}

    # --- sorts and leaves

    def set_of(self, element: Sort) -> Sort:
        """Return the sort of sets."""
        return self._tm.mkSetSort(element)

    def tuple_of(self, sorts: Sequence[Sort]) -> Sort:
        """Return the sort of tuples."""
        return self._tm.mkTupleSort(*sorts)

    def variable(self, name: str, sort: Sort) -> Term:
        """Return the variable of a name and sort, the same one each time."""
        key = (name, str(sort))
        if key not in self._variables:
            self._variables[key] = self._tm.mkConst(sort, name)
        return self._variables[key]

    def truth(self, value: bool) -> Term:
        """Return a constant of truth."""
        return self.true if value else self.false

    def number(self, value: int) -> Term:
        """Return a whole number."""
        return self._tm.mkInteger(str(value))

    def text(self, value: str) -> Term:
        """Return a text; one with characters beyond the solver's becomes an unknown that can be any text."""
        if readable(value):
            return self._tm.mkString(value)
        self.beyond += 1
        return self.variable(f"text beyond the alphabet!{self.beyond}", self.string)

    def composed(self, terms: Sequence[Term]) -> Term:
        """Return a tuple."""
        return self._tm.mkTuple(list(terms))

    def component(self, term: Term, index: int) -> Term:
        """Return one component of a tuple."""
        selector = term.getSort().getDatatype()[0][index].getTerm()
        return self._tm.mkTerm(self._kind.APPLY_SELECTOR, selector, term)

    # --- truth

    def both(self, *terms: Term) -> Term:
        """Return the conjunction of terms."""
        kept = [t for t in terms if t != self.true]
        if any(t == self.false for t in kept):
            return self.false
        return self._several(self._kind.AND, kept, self.true)

    def either(self, *terms: Term) -> Term:
        """Return the disjunction of terms."""
        kept = [t for t in terms if t != self.false]
        if any(t == self.true for t in kept):
            return self.true
        return self._several(self._kind.OR, kept, self.false)

    def _several(self, kind: Any, terms: list[Term], empty: Term) -> Term:
        unique = list(dict.fromkeys(terms))
        if not unique:
            return empty
        return unique[0] if len(unique) == 1 else self._tm.mkTerm(kind, *unique)

    def no(self, term: Term) -> Term:
        """Return the negation of a term."""
        if term == self.true:
            return self.false
        if term == self.false:
            return self.true
        return term[0] if term.getKind() == self._kind.NOT else self._tm.mkTerm(self._kind.NOT, term)

    def implies(self, given: Term, then: Term) -> Term:
        """Return that one term entails another."""
        return self.either(self.no(given), then)

    def choose(self, condition: Term, then: Term, otherwise: Term) -> Term:
        """Return one term or another."""
        if condition == self.true or then == otherwise:
            return then
        return otherwise if condition == self.false else self._tm.mkTerm(self._kind.ITE, condition, then, otherwise)

    def equal(self, a: Term, b: Term) -> Term:
        """Return whether two terms are equal."""
        return self.true if a == b else self._tm.mkTerm(self._kind.EQUAL, a, b)

    # --- numbers

    def less(self, a: Term, b: Term) -> Term:
        """Return whether a number is below another."""
        return self._tm.mkTerm(self._kind.LT, a, b)

    def at_most(self, a: Term, b: Term) -> Term:
        """Return whether a number is at most another."""
        return self._tm.mkTerm(self._kind.LEQ, a, b)

    def between(self, low: int, term: Term, high: int) -> Term:
        """Return whether a number lies in an inclusive range."""
        return self.both(self.at_most(self.number(low), term), self.at_most(term, self.number(high)))

    def add(self, a: Term, b: Term) -> Term:
        """Return a sum."""
        return self._tm.mkTerm(self._kind.ADD, a, b)

    def subtract(self, a: Term, b: Term) -> Term:
        """Return a difference."""
        return self._tm.mkTerm(self._kind.SUB, a, b)

    def multiply(self, a: Term, b: Term) -> Term:
        """Return a product."""
        return self._tm.mkTerm(self._kind.MULT, a, b)

    def quotient(self, a: Term, by: int) -> Term:
        """Return a number divided by a positive constant, rounded down."""
        return self._tm.mkTerm(self._kind.INTS_DIVISION, a, self.number(by))

    def remainder(self, a: Term, by: int) -> Term:
        """Return what is left of a number divided by a positive constant, never negative."""
        return self._tm.mkTerm(self._kind.INTS_MODULUS, a, self.number(by))

    # --- texts

    def join(self, *terms: Term) -> Term:
        """Return texts put together."""
        return terms[0] if len(terms) == 1 else self._tm.mkTerm(self._kind.STRING_CONCAT, *terms)

    def starts(self, term: Term, prefix: Term) -> Term:
        """Return whether a text starts with another."""
        return self._tm.mkTerm(self._kind.STRING_PREFIX, prefix, term)

    def ends(self, term: Term, suffix: Term) -> Term:
        """Return whether a text ends with another."""
        return self._tm.mkTerm(self._kind.STRING_SUFFIX, suffix, term)

    def contains(self, term: Term, part: Term) -> Term:
        """Return whether a text contains another."""
        return self._tm.mkTerm(self._kind.STRING_CONTAINS, term, part)

    def length(self, term: Term) -> Term:
        """Return how many characters a text has."""
        return self._tm.mkTerm(self._kind.STRING_LENGTH, term)

    def lower(self, term: Term) -> Term:
        """Return a text with A-Z in lower case."""
        return self._tm.mkTerm(self._kind.STRING_TO_LOWER, term)

    def after(self, term: Term, mark: str) -> Term:
        """Return what follows the first occurrence of a mark."""
        at = self._tm.mkTerm(self._kind.STRING_INDEXOF, term, self.text(mark), self.number(0))
        start = self.add(at, self.number(len(mark)))
        return self._tm.mkTerm(self._kind.STRING_SUBSTR, term, start, self.length(term))

    def matches(self, term: Term, pattern: Term) -> Term:
        """Return whether a text matches a regular expression of the functions below."""
        return self._tm.mkTerm(self._kind.STRING_IN_REGEXP, term, pattern)

    def exactly(self, value: str) -> Term:
        """Return the pattern of one text."""
        return self._tm.mkTerm(self._kind.STRING_TO_REGEXP, self.text(value))

    def letters(self, ranges: Iterable[tuple[str, str]]) -> Term:
        """Return the pattern of one character in some ranges."""
        made = [self._tm.mkTerm(self._kind.REGEXP_RANGE, self.text(a), self.text(b)) for a, b in ranges]
        return made[0] if len(made) == 1 else self._tm.mkTerm(self._kind.REGEXP_UNION, *made)

    def one_of(self, *patterns: Term) -> Term:
        """Return the pattern of one among patterns."""
        return patterns[0] if len(patterns) == 1 else self._tm.mkTerm(self._kind.REGEXP_UNION, *patterns)

    def sequence(self, *patterns: Term) -> Term:
        """Return the pattern of patterns after one another."""
        return patterns[0] if len(patterns) == 1 else self._tm.mkTerm(self._kind.REGEXP_CONCAT, *patterns)

    def many(self, pattern: Term) -> Term:
        """Return the pattern of any number of repetitions."""
        return self._tm.mkTerm(self._kind.REGEXP_STAR, pattern)

    def some(self, pattern: Term) -> Term:
        """Return the pattern of one or more repetitions."""
        return self._tm.mkTerm(self._kind.REGEXP_PLUS, pattern)

    @property
    def anything(self) -> Term:
        """The pattern of every text."""
        return self._tm.mkTerm(self._kind.REGEXP_ALL)

    # --- sets

    def empty(self, sort: Sort) -> Term:
        """Return the empty set of a sort of sets."""
        return self._tm.mkEmptySet(sort)

    def collection(self, items: Iterable[Term], sort: Sort) -> Term:
        """Return the set of some terms."""
        made = [self._tm.mkTerm(self._kind.SET_SINGLETON, item) for item in items]
        if not made:
            return self.empty(sort)
        return made[0] if len(made) == 1 else self._tm.mkTerm(self._kind.SET_UNION, *made)

    def element(self, item: Term, of: Term) -> Term:
        """Return whether a term is in a set."""
        return self._tm.mkTerm(self._kind.SET_MEMBER, item, of)

    def subset(self, small: Term, large: Term) -> Term:
        """Return whether all of one set is in another."""
        return self._tm.mkTerm(self._kind.SET_SUBSET, small, large)

    def shared(self, a: Term, b: Term) -> Term:
        """Return the intersection of two sets."""
        return self._tm.mkTerm(self._kind.SET_INTER, a, b)

    def size(self, of: Term) -> Term:
        """Return how many elements a set has."""
        return self._tm.mkTerm(self._kind.SET_CARD, of)

    # --- questions

    def ask(
        self, *claims: Term, given: Iterable[Term] = (), limits: Limits | None = None
    ) -> tuple[Answer, Model | None]:
        """Return whether claims can hold together, and a model of it when they can.

        Of what is `given`, only what has to do with the claims is handed on: each of them can be fulfilled, so those
        that share no unknown with the claims change no answer, and cost time.
        """
        kept = [claim for claim in claims if claim != self.true]
        if any(claim == self.false for claim in kept):
            return Answer.UNSAT, None
        near, known = self._near(kept, given)
        limits = limits or self._limits
        solver = self._cvc5.Solver(self._tm)
        solver.setLogic("ALL")
        for option, value in (
            ("produce-models", "true"),
            ("strings-exp", "true"),
            ("sets-exp", "true"),
            ("tlimit-per", str(limits.milliseconds)),
            ("rlimit-per", str(limits.steps)),
        ):
            solver.setOption(option, value)
        try:
            for claim in (*kept, *near):
                solver.assertFormula(claim)
            result = solver.checkSat()
        except RuntimeError:  # what the solver cannot do, it raises; then nothing is known
            return Answer.UNKNOWN, None
        if result.isUnsat():
            return Answer.UNSAT, None
        return (Answer.SAT, Model(self, solver, known)) if result.isSat() else (Answer.UNKNOWN, None)

    def _near(self, claims: Iterable[Term], given: Iterable[Term]) -> tuple[list[Term], frozenset[str]]:
        """Return what is given of the unknowns of some claims, and of those it brings in, and all these unknowns."""
        known = frozenset[str]().union(*(self.unknowns(claim) for claim in claims))
        waiting = [(term, self.unknowns(term)) for term in dict.fromkeys(given) if term != self.true]
        found: list[Term] = []
        grown = True
        while grown:
            grown, left = False, []
            for term, names in waiting:
                if names & known or not names:
                    found.append(term)
                    grown = grown or not names <= known
                    known |= names
                else:
                    left.append((term, names))
            waiting = left
        return found, known

    def unknowns(self, term: Term) -> frozenset[str]:
        """Return the names of the variables of a term."""
        found = self._unknowns.get(term.getId())
        if found is None:
            if term.getKind() == self._kind.CONSTANT:
                found = frozenset({term.getSymbol()})
            else:
                found = frozenset[str]().union(*(self.unknowns(child) for child in term))
            self._unknowns[term.getId()] = found
        return found


class Model:
    """Values that make claims hold."""

    def __init__(self, smt: Smt, solver: Any, known: frozenset[str]) -> None:
        """Keep the solver, which knows the values, and the names of the unknowns that it was told of."""
        self._smt, self._solver, self._known = smt, solver, known

    def tells(self, term: Term) -> bool:
        """Whether the value of a term follows from what was asked; else any value would do."""
        return self._smt.unknowns(term) <= self._known

    def value(self, term: Term) -> Any:
        """Return the value of a term: bool, int, str, a frozenset or a tuple; None where it has no plain one."""
        return _plain(self._solver.getValue(term))

    def term(self, term: Term) -> Term:
        """Return the value of a term as a term."""
        return self._solver.getValue(term)


def _plain(value: Term) -> Any:
    if value.isBooleanValue():
        return value.getBooleanValue()
    if value.isIntegerValue():
        return int(value.getIntegerValue())
    if value.isStringValue():
        return value.getStringValue()
    if value.isSetValue():
        return frozenset(_plain(item) for item in value.getSetValue())
    if value.isTupleValue():
        return tuple(_plain(item) for item in value.getTupleValue())
    return None
