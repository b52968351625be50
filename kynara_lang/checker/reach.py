"""Who may do what, as far as types and patterns decide: which rules cover a subject type, an action, a resource type.

What a rule's conditions ask beyond types is not weighed: a permit that could match counts as granting, a forbid or an
approval that could match as standing in the way. So whoever reports that nothing stands in the way is right about that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from attrs import define, field, frozen

from ..diagnostics.source import Span
from ..semantics.types import IP, TIME, Entity, SetOf
from ..syntax import ast
from .origins import Both, Either, Formula, Origins, Path, Test, conjuncts, tests_in
from .symbols import ActionSymbol, Approval, PatternSymbol, Program, RuleSymbol

FLOWS: Final = frozenset({"reads_private", "reads_untrusted", "sends_out"})
"""The effects that are harmless one by one, and a leak together."""
ACTING: Final = frozenset({"acts as", "writes_memory"})
"""The effects by which one subject comes to act as another, or to steer it."""


@frozen
class Need:
    """What a pattern asks of a subject beyond its type: to be one entity, to be in a group, to hold a role (keys)."""

    entity: str | None = None
    group: str | None = None
    role: str | None = None

    @property
    def order(self) -> tuple[str, str, str]:
        """A key to sort by: what asks for nothing comes first."""
        return (self.entity or "", self.group or "", self.role or "")


@frozen(eq=False)
class Grant:
    """An action that a permit grants, on resources of some types."""

    permit: RuleSymbol
    action: ActionSymbol
    resources: frozenset[str]


@frozen(eq=False)
class Hop:
    """A step by which subjects of one type come to act as, or to steer, subjects of another."""

    grant: Grant
    origin: str
    target: str


@define(eq=False)
class Reach:
    """What the rules of one program cover; worked out where it is asked for."""

    program: Program
    origins: Origins = field(init=False)
    _permits: dict[str, list[RuleSymbol]] = field(factory=dict, init=False)
    _narrowing: dict[str, list[RuleSymbol]] = field(factory=dict, init=False)
    _types: dict[RuleSymbol, tuple[frozenset[str], frozenset[str]]] = field(factory=dict, init=False)
    _excluded: dict[tuple[RuleSymbol, str, str], bool] = field(factory=dict, init=False)
    _guarded: dict[tuple[str, str, str], bool] = field(factory=dict, init=False)
    _unstopped: dict[tuple[str, str, str], bool] = field(factory=dict, init=False)
    _flows: dict[str, dict[Need | None, dict[str, Grant]]] = field(factory=dict, init=False)
    _steps: dict[str, dict[Need | None, dict[str, Hop]]] = field(factory=dict, init=False)
    _allowed: dict[tuple[str, ast.Ident, str], bool] = field(factory=dict, init=False)
    _trifectas: dict[str, tuple[Need, dict[str, Grant]] | None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        """Find the rules of each action."""
        self.origins = Origins(self.program)
        for rule in sorted(self.program.rules, key=lambda r: (r.library, r.name)):
            found = self._permits if rule.effect == "permit" else self._narrowing
            for action in rule.actions:
                found.setdefault(action, []).append(rule)

    # --- rules

    def permits(self, action: str) -> list[RuleSymbol]:
        """Return the permits of an action, those of the program before those of libraries."""
        return self._permits.get(action, [])

    def narrowing(self, action: str) -> list[RuleSymbol]:
        """Return the forbids and approvals of an action."""
        return self._narrowing.get(action, [])

    def types_of(self, rule: RuleSymbol) -> tuple[frozenset[str], frozenset[str]]:
        """Return the subject and the resource types that a rule's patterns cover."""
        if rule not in self._types:
            self._types[rule] = (_covered(rule.subjects), _covered(rule.resources))
        return self._types[rule]

    def covers(self, rule: RuleSymbol, subject: str, action: str, resource: str) -> bool:
        """Whether a rule can match some request of these types."""
        subjects, resources = self.types_of(rule)
        return (
            subject in subjects
            and action in rule.actions
            and resource in resources
            and resource in self.program.actions[action].on
            and not self._excludes(rule, subject, resource)
        )

    def resources(self, rule: RuleSymbol, subject: str, action: str) -> frozenset[str]:
        """Return the resource types on which a rule covers a subject type and an action."""
        _, resources = self.types_of(rule)
        on = self.program.actions[action].on
        return frozenset(key for key in resources & on if self.covers(rule, subject, action, key))

    def _excludes(self, rule: RuleSymbol, subject: str, resource: str) -> bool:
        """Whether a rule's conditions say, by `is` and `has`, that it is not for these types."""
        key = (rule, subject, resource)
        if key not in self._excluded:
            types: dict[Path, str] = {("subject",): subject, ("resource",): resource}
            self._excluded[key] = any(self.origins.decided(f, types) is False for f in self.origins.of_rule(rule))
        return self._excluded[key]

    def guarded(self, subject: str, action: str, resource: str) -> bool:
        """Whether a forbid or an approval can stand in the way of an action.

        A forbid does not that only keeps tenants or the like apart: as a scope does, it says which resources are meant.
        Nor does one over `any` action that only asks for somebody to act for, an address or a time; one that names the
        action does, because then somebody has thought about it.
        """
        key = (subject, action, resource)
        if key not in self._guarded:
            self._guarded[key] = any(
                self.covers(rule, subject, action, resource) and not self._separates(rule, of_all=True)
                for rule in self.narrowing(action)
            )
        return self._guarded[key]

    def _open(self, subject: str, action: str, resource: str) -> bool:
        """Whether no forbid and no approval can stop what an action lets out, however the request comes."""
        key = (subject, action, resource)
        if key not in self._unstopped:
            self._unstopped[key] = not any(
                self.covers(rule, subject, action, resource) and not self._separates(rule, of_all=False)
                for rule in self.narrowing(action)
            )
        return self._unstopped[key]

    def _separates(self, rule: RuleSymbol, *, of_all: bool) -> bool:
        """Whether a forbid asks only for an attribute in common, for delegation, or for a place or time of the call.

        With `of_all`, the latter counts only for a rule over `any` action.
        """
        if rule.effect != "forbid":
            return False
        asked = [t for f in self.origins.of_rule(rule) for t in tests_in(f) if t.operator not in ("is", "has")]
        clauses = (clause for clause in rule.decl.clauses if isinstance(clause, ast.ActionClause))
        looser = not of_all or any(pattern.name is None for clause in clauses for pattern in clause.patterns)
        return bool(asked) and all(_same_attribute(test) or (looser and self._circumstance(test)) for test in asked)

    def _circumstance(self, test: Test) -> bool:
        """Whether a test is about how a request comes, and not about what is done: through whom, from where, when."""
        return any(
            read.root in ("delegated", "delegation") or (read.root == "context" and self._place_or_time(read.path))
            for read in test.reads
        ) and not any(read.root in ("args", "resource") for read in test.reads)

    def _place_or_time(self, path: Path) -> bool:
        declared = self.program.context.get(path[1]) if len(path) > 1 else None
        return declared is not None and declared.type in (IP, TIME)

    # --- delegation

    def delegated_only(self, rule: RuleSymbol) -> bool:
        """Whether a rule matches only where the subject acts for somebody."""
        return any(needs_delegator(formula) for formula in self.origins.of_rule(rule))

    def reads(self, rule: RuleSymbol, *roots: str) -> bool:
        """Whether a rule's conditions read any of some roots, such as `delegator`."""
        tests = (test for formula in self.origins.of_rule(rule) for test in tests_in(formula))
        return any(read.root in roots for test in tests for read in test.reads)

    # --- approvals

    def approvers_named(self, approval: Approval) -> frozenset[str] | None:
        """Return the only entities that could approve, as `Type::id`; None where they are not named one by one."""
        named: frozenset[str] | None = None
        if all(pattern.entity is not None for pattern in approval.approvers):
            named = frozenset(str(pattern.entity) for pattern in approval.approvers)
        for part in conjuncts(self.origins.condition(approval.where)) if approval.where is not None else ():
            if isinstance(part, Test) and (listed := self._listed(part)) is not None:
                named = listed if named is None else named & listed
        return named

    def _listed(self, test: Test) -> frozenset[str] | None:
        """Return the entities that a test limits `approver` to."""
        if not isinstance(test.node, ast.Binary) or (test.operator, test.positive) not in _AMONG:
            return None
        sides = zip(test.operands, (test.node.right, test.node.left), strict=True)
        for value, other in list(sides)[: 1 if "in" in test.operator else 2]:
            if value.path == ("approver",):
                group = "in" in test.operator and not isinstance(self.program.tables.types.get(other), SetOf)
                return None if group else self.origins.entities(other)
        return None

    @staticmethod
    def only_subject(rule: RuleSymbol) -> frozenset[str]:
        """Return the one entity that a rule is about, as `Type::id`; empty where there can be several."""
        named = frozenset(pattern.entity or "" for pattern in rule.subjects)
        return named if len(named) == 1 and "" not in named else frozenset()

    # --- grants

    def _grants(self, subject: str, effects: frozenset[str]) -> Iterator[tuple[Need, Grant]]:
        """Yield what permits grant a type of actions with some effects where nothing stands in the way, and to whom.

        An action counts as stopped where it is on any of the resource types that it is granted on.
        """
        actions = (key for key, action in self.program.actions.items() if not effects.isdisjoint(effects_of(action)))
        for name in sorted(actions):
            for permit in self.permits(name):
                resources = self.resources(permit, subject, name)
                if resources and all(self._open(subject, name, r) for r in resources):
                    for need in _needs(permit.subjects, subject):
                        yield need, Grant(permit, self.program.actions[name], resources)

    def needs(self, subject: str) -> list[Need]:
        """Return what can set subjects of a type apart: nothing first, then each need of what they are granted."""
        found = {Need(), *self._flows_of(subject), *self._steps_of(subject)}
        return sorted((need for need in found if need is not None), key=lambda need: need.order)

    def _weaker(self, need: Need | None) -> list[Need | None]:
        """Return every need that whoever meets a need meets too, what asks for less first; None stands for all."""
        if need is None:
            return [None]
        roles = self.program.roles[need.role].closure if need.role else ()
        all_of = product({None, need.entity}, {None, need.group}, {None, *roles})
        return [*sorted({Need(*parts) for parts in all_of}, key=lambda n: n.order)]

    def flows(self, subject: str, need: Need | None) -> dict[str, Grant]:
        """Return a grant for each of the three flows that subjects with a need are free to make; None is any."""
        table, found = self._flows_of(subject), dict[str, Grant]()
        for met in self._weaker(need):
            found = {**table.get(met, {}), **found}
        return found

    def _flows_of(self, subject: str) -> dict[Need | None, dict[str, Grant]]:
        """Return a grant for each flow that subjects of a type are free to make, by need; None stands for any."""
        if subject not in self._flows:
            table: dict[Need | None, dict[str, Grant]] = {}
            for need, grant in self._grants(subject, FLOWS):
                for effect in effects_of(grant.action) & FLOWS:
                    for key in (need, None):
                        table.setdefault(key, {}).setdefault(effect, grant)
            self._flows[subject] = table
        return self._flows[subject]

    def trifecta(self, subject: str) -> tuple[Need, dict[str, Grant]] | None:
        """Return who of a type is free to make all three flows, and by what."""
        if subject not in self._trifectas:
            self._trifectas[subject] = None
            if len(self.flows(subject, None)) == len(FLOWS):
                for need in self.needs(subject):
                    found = self.flows(subject, need)
                    if len(found) == len(FLOWS):
                        self._trifectas[subject] = (need, found)
                        break
        return self._trifectas[subject]

    # --- acting as somebody else

    def hops(self, subject: str, need: Need) -> dict[str, tuple[Hop, ...]]:
        """Return the types that subjects with a need can come to act as, each with the shortest way there."""
        found: dict[str, tuple[Hop, ...]] = {}
        waiting: list[tuple[str, tuple[Hop, ...]]] = [(subject, ())]
        for key, way in waiting:
            table = self._steps_of(key)
            for met in self._weaker(None if way else need):
                steps = table.get(met, {})
                for other in sorted(steps.keys() - found.keys()):
                    found[other] = (*way, steps[other])
                    waiting.append((other, found[other]))
        return found

    def _steps_of(self, subject: str) -> dict[Need | None, dict[str, Hop]]:
        """Return a step from a type to each that its subjects can act as, by need; None stands for any."""
        if subject not in self._steps:
            table: dict[Need | None, dict[str, Hop]] = {}
            for need, grant in self._grants(subject, ACTING):
                for other in sorted(self._acted_as(grant, subject)):
                    for key in (need, None):
                        table.setdefault(key, {}).setdefault(other, Hop(grant, subject, other))
            self._steps[subject] = table
        return self._steps[subject]

    def _acted_as(self, grant: Grant, subject: str) -> frozenset[str]:
        """Return the subject types as which, or through which, whoever has a grant can act."""
        found = grant.resources if "writes_memory" in effects_of(grant.action) else frozenset()
        for acting in grant.action.decl.acts_as:
            reached = self._principals(acting, grant)
            for required in acting.requires:
                reached = frozenset(key for key in reached if self._may(subject, required, key))
            found |= reached
        return frozenset(key for key in found if self.program.types[key].kind == "subject")

    def _principals(self, acting: ast.ActsAs, grant: Grant) -> frozenset[str]:
        if acting.attribute is None:
            return grant.resources
        name = acting.attribute.text
        declared = (
            [grant.action.parameters.get(name)]
            if acting.root.text == "args"
            else [self.program.types[key].attributes.get(name) for key in grant.resources]
        )
        kinds = (attribute.type for attribute in declared if attribute is not None)
        return frozenset[str]().union(*(kind.names for kind in kinds if isinstance(kind, Entity)))

    def _may(self, subject: str, required: ast.Ident, resource: str) -> bool:
        """Whether some permit lets a type do what `requires` names to a type."""
        key = (subject, required, resource)
        if key not in self._allowed:
            target = self.program.tables.targets.get(required)
            named = (
                [target.key]
                if isinstance(target, ActionSymbol)
                else [name for name, action in self.program.actions.items() if required.text in action.groups]
            )
            self._allowed[key] = any(self.covers(p, subject, n, resource) for n in named for p in self.permits(n))
        return self._allowed[key]


_AMONG = {("==", True), ("in", True), ("!=", False), ("not in", False)}


def needs_delegator(formula: Formula) -> bool:
    """Whether a formula holds only where there is a delegator."""
    if isinstance(formula, Both):
        return any(needs_delegator(part) for part in formula.parts)
    if isinstance(formula, Either):
        return all(needs_delegator(part) for part in formula.parts)
    if any(read.root == "delegated" for read in formula.reads):
        return formula.operator == "true" and formula.positive
    proves = formula.operator != "is" or formula.positive
    return proves and any(read.root == "delegator" for read in formula.reads)


def a_person(program: Program) -> str:
    """Return a type that could approve, for examples in messages: rather `User`, rather no group, or `…` for none."""
    groups = frozenset[str]().union(*(kind.parents for kind in program.types.values()))
    people = [k for key, k in program.types.items() if k.kind == "subject" and key not in program.autonomous]
    people.sort(key=lambda kind: (kind.name != "User", kind.key in groups, kind.name))
    return people[0].name if people else "…"


def effects_of(action: ActionSymbol) -> frozenset[str]:
    """Return the effects that an action declares; `acts as` counts as one more of that name."""
    names = {effect.text for effect in action.decl.effects}
    return frozenset(names | {"acts as"} if action.decl.acts_as else names)


def place_of(action: ActionSymbol) -> Span:
    """Return where an action is declared."""
    return next(part.name.span for part in action.decl.names if part.name.text == action.name)


def patterns_of(rule: RuleSymbol, action: ActionSymbol) -> list[ast.ActionPattern]:
    """Return the patterns of a rule's action clause that cover an action."""
    clauses = (clause for clause in rule.decl.clauses if isinstance(clause, ast.ActionClause))
    return [pattern for clause in clauses for pattern in clause.patterns if _names(pattern, action)]


def _names(pattern: ast.ActionPattern, action: ActionSymbol) -> bool:
    if pattern.name is None:
        return True
    name = pattern.name.text
    return action.name.startswith(f"{name}.") if pattern.prefix else action.name == name or name in action.groups


def _covered(patterns: Iterable[PatternSymbol]) -> frozenset[str]:
    return frozenset[str]().union(*(pattern.types for pattern in patterns))


def _needs(patterns: Iterable[PatternSymbol], subject: str) -> Iterator[Need]:
    for pattern in patterns:
        if subject in pattern.types:
            for role in pattern.roles or (None,):
                yield Need(pattern.entity, pattern.group, role)


def _same_attribute(test: Test) -> bool:
    """Whether a test compares an attribute of the subject with that of the resource."""
    if test.operator not in ("==", "!=") or any(value.path is None for value in test.operands):
        return False
    (one, *rest), (other, *others) = (value.path or () for value in test.operands)
    return {one, other} == {"subject", "resource"} and rest == others and len(rest) == 1
