"""Which requests a rule matches, as a formula, and which rules cover which others.

One link of a chain is looked at: what its subject, action and resource can be, and every clause. Comparing all rules
with all others would take hours for large programs, so a rule is only compared with those that an index finds: what a
rule demands of one value by name must be demanded, too, by whatever it covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal

from attrs import define, field, frozen

from ...syntax import ast
from ..symbols import PatternSymbol, Program, RuleSymbol
from .domains import Intervals, Values, between
from .formula import (
    Fact,
    Formula,
    Member,
    Term,
    all_of,
    any_of,
    conjuncts,
    literals,
    negated,
    satisfiable,
)
from .reading import Reading, root, type_of

MOST_COMPARED = 60  # rules that one rule is compared with

ACTION = root("action")
NOW = Term("attr", (root("context"), "now"), roots=frozenset({"context"}))


@frozen(eq=False)
class Part:
    """One clause of a rule, and what it demands; an `unless` demands the contrary of what it says.

    `failing` are the terms of which evaluating it can come to an error.
    """

    kind: Literal["subject", "resource", "action", "valid", "scope", "when", "unless"]
    clause: ast.Clause
    demands: Formula
    failing: frozenset[Term] = frozenset()


@define(eq=False)
class Region:
    """The requests that a rule matches: the types and actions that can meet, and what its clauses demand."""

    rule: RuleSymbol
    subjects: frozenset[str]
    actions: frozenset[str]
    resources: frozenset[str]
    parts: tuple[Part, ...] = field(factory=tuple)

    @cached_property
    def formula(self) -> Formula:
        """What all clauses demand together."""
        return all_of(part.demands for part in self.parts)

    @cached_property
    def terms(self) -> frozenset[Term]:
        """Every term that some literal is about."""
        return frozenset(literal.term for literal in literals(self.formula))

    @cached_property
    def failing(self) -> frozenset[Term]:
        """The terms of which evaluating the rule can come to an error."""
        return frozenset[Term]().union(*(part.failing for part in self.parts))

    @property
    def empty(self) -> bool:
        """Whether no action and types meet at all."""
        return not (self.subjects and self.actions and self.resources)

    def meets(self, other: Region) -> bool:
        """Whether an action and types exist for which both rules can match."""
        return bool(
            self.subjects & other.subjects and self.actions & other.actions and self.resources & other.resources
        )


class Regions:
    """The regions of a program's rules."""

    def __init__(self, program: Program) -> None:
        """Work on a program without errors."""
        self._program = program
        self.reading = Reading(program)
        self._regions: dict[RuleSymbol, Region] = {}
        self._indexes: dict[ast.Effect, Index] = {}

    def of(self, rule: RuleSymbol) -> Region:
        """Return the region of a rule, worked out once."""
        if rule not in self._regions:
            self._regions[rule] = self._region(rule)
        return self._regions[rule]

    def possible(self, *formulas: Formula) -> bool:
        """Whether formulas can hold together; True in doubt."""
        return satisfiable(formulas, lambda role: self._program.roles[role].closure)

    def implies(self, given: Formula, wanted: Formula) -> bool:
        """Whether whatever fulfils one formula surely fulfils another."""
        known = set(conjuncts(given))
        # One by one, and last first: conditions tell rules from each other more often than types do.
        return all(not self.possible(given, negated(p)) for p in reversed(conjuncts(wanted)) if p not in known)

    def always(self, wanted: Formula) -> bool:
        """Whether a formula surely holds for every request."""
        return not self.possible(negated(wanted))

    def index(self, effect: ast.Effect) -> Index:
        """Return the index of all rules with an effect, those of libraries too."""
        if effect not in self._indexes:
            found = Index(lambda role: self._program.roles[role].closure)
            for rule in self._program.rules:
                if rule.effect == effect and not self.of(rule).empty:
                    found.add(self.of(rule))
            self._indexes[effect] = found
        return self._indexes[effect]

    # --- reading rules

    def _region(self, rule: RuleSymbol) -> Region:
        actions = [self._program.actions[key] for key in rule.actions]
        resources = _types(rule.resources)
        fitting = frozenset(a.key for a in actions if a.on & resources)
        reach = frozenset[str]().union(*(a.on for a in actions)) & resources
        region = Region(rule, _types(rule.subjects), fitting, reach)
        region.parts = tuple(self._parts(rule, region))
        return region

    def _parts(self, rule: RuleSymbol, region: Region) -> Iterator[Part]:
        conditions = {condition.clause: condition for condition in rule.conditions}
        # In the order in which clauses are evaluated, whatever order they are written in.
        for clause in rule.decl.clauses:
            match clause:
                case ast.SubjectClause():
                    yield Part("subject", clause, self._patterns("subject", rule.subjects, region.subjects))
                case ast.ActionClause():
                    yield Part("action", clause, Member(ACTION, Values(region.actions)))
                case ast.ResourceClause():
                    yield Part("resource", clause, self._patterns("resource", rule.resources, region.resources))
                case ast.ValidClause(bound="from") if rule.valid_from is not None:
                    yield Part("valid", clause, Member(NOW, between(rule.valid_from, None)))
                case ast.ValidClause(bound="until") if rule.valid_until is not None:
                    yield Part("valid", clause, Member(NOW, between(None, rule.valid_until - 1)))
        for clause, condition in conditions.items():
            if condition.expr is not None:
                said = self.reading.read(condition.expr)
                demands = negated(said.formula) if condition.kind == "unless" else said.formula
                yield Part(condition.kind, clause, demands, said.failing)

    def _patterns(self, name: str, patterns: Iterable[PatternSymbol], types: frozenset[str]) -> Formula:
        return any_of(self.pattern(root(name), p, types) for p in patterns)

    @staticmethod
    def pattern(entity: Term, pattern: PatternSymbol, types: frozenset[str]) -> Formula:
        """Return what a pattern demands of an entity, of those types that can stand there."""
        demands: list[Formula] = [Member(type_of(entity), Values(pattern.types & types))]
        if pattern.entity is not None:
            demands.append(Member(entity, Values(frozenset({pattern.entity}))))
        if pattern.group is not None:
            group = Term("const", ("entity", pattern.group))
            demands.append(Fact(Term("in", (entity, group), roots=entity.roots)))
        if pattern.roles:
            held = (Fact(Term("holds", (entity, role), roots=entity.roots)) for role in pattern.roles)
            demands.append(any_of(held))
        return all_of(demands)


def _types(patterns: Iterable[PatternSymbol]) -> frozenset[str]:
    return frozenset[str]().union(*(p.types for p in patterns))


Key = tuple[Term, object]


class Index:
    """Finds the rules of one effect that might cover a region."""

    def __init__(self, including: Callable[[str], frozenset[str]]) -> None:
        """Start empty; `including` gives the roles that come with one."""
        self._including = including
        self._keyed: dict[Key, list[Region]] = {}
        self._general: list[Region] = []
        self._all: list[Region] = []
        self._by_action: dict[str, list[Region]] = {}

    def add(self, region: Region) -> None:
        """Take one more region in, under what it demands by name: the role or value fewest others share."""
        self._all.append(region)
        for action in region.actions:
            self._by_action.setdefault(action, []).append(region)
        demanded = [keys for keys in _demanded(region.formula) if keys]
        if not demanded:
            self._general.append(region)
            return
        keys = min(demanded, key=lambda keys: max(len(self._keyed.get(key, ())) for key in keys))
        for key in keys:
            self._keyed.setdefault(key, []).append(region)

    def might_cover(self, region: Region) -> list[Region]:
        """Return rules that might match whatever a region holds, the most general first; not all of very many."""
        found: dict[Region, None] = {}
        for keys in _demanded(region.formula):
            for key in sorted(keys, key=repr)[:1]:  # whoever covers the region covers each of its values
                for one in self._with_roles(key):
                    found.update(dict.fromkeys(self._keyed.get(one, ())[:MOST_COMPARED]))
        found.update(dict.fromkeys(self._general[:MOST_COMPARED]))
        return [other for other in found if other is not region and region.meets(other)][:MOST_COMPARED]

    def meeting(self, region: Region) -> Iterator[Region]:
        """Yield the rules that share an action and types with a region."""
        seen: set[Region] = set()
        for action in sorted(region.actions):
            for other in self._by_action.get(action, ()):
                if other not in seen and region.meets(other):
                    seen.add(other)
                    yield other

    def _with_roles(self, key: Key) -> list[Key]:
        term, value = key
        if term.head == "holds":
            entity, role = term.parts
            return [(Term("holds", (entity, inner)), value) for inner in sorted(self._including(str(role)))]
        return [key]


def _demanded(formula: Formula) -> Iterator[list[Key]]:
    """Yield, for each thing that a formula demands of one value by name, the values that it allows."""
    for part in conjuncts(formula):
        match part:
            case Fact(term, holds):
                yield [(term, holds)]
            case Member(term, Values(values, False)) if term != ACTION and term.head != "type" and len(values) <= 20:
                yield [(term, value) for value in values]
            case Member(term, Intervals(((low, high),))) if low == high:
                yield [(term, low)]


def needed(possible: Callable[..., bool], parts: list[Part], *others: Formula) -> list[Part]:
    """Return a smallest selection of parts that still cannot hold together (beside others)."""
    kept, size = list(parts), max(len(parts) // 2, 1)
    while True:  # leaves out many at once first, then fewer and fewer
        at = 0
        while at < len(kept):
            fewer = kept[:at] + kept[at + size :]
            if possible(*(p.demands for p in fewer), *others):
                at += size
            else:
                kept = fewer
        if size == 1:
            return kept
        size //= 2
