"""Rules: their clauses, patterns and conditions.

A rule must say who, what and on what; a permit must also say what bounds it. Conditions are checked in the order in
which they are evaluated (scope, when, unless), each knowing what those before it proved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from attrs import evolve

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from ..semantics.numbers import INT_MAX
from ..semantics.types import BOOL, EMAIL, ERROR, HOST, STRING, TIME, Entity, SetOf, Type
from ..syntax import ast
from . import expansion
from .bags import DELEGATION, arguments_of, context_of
from .literals import read_number
from .narrowing import Env, Variable
from .symbols import (
    ActionSymbol,
    Approval,
    Condition,
    EntityType,
    InvariantSymbol,
    PatternSymbol,
    Program,
    RuleSymbol,
    Scope,
    TraitSymbol,
    covered,
)
from .typechecker import Typechecker

DEFAULT_EXPIRES = 24 * 3600 * 10**9
C = TypeVar("C", bound=ast.Clause)

_ONLY_IN = {
    ast.ScopeClause: ("permit", "a `scope`"),
    ast.FromClause: ("require_approval", "a `from`"),
    ast.QuorumClause: ("require_approval", "a `quorum`"),
    ast.ExpiresClause: ("require_approval", "an `expires`"),
    ast.VerdictClause: ("invariant", "a `never` or `always`"),
}
_COMPARED = 20  # types looked through for an example
_USUAL = ("tenant", "organisation", "organization", "org", "team", "department", "project", "owner")
_SAID = {
    "permit": "a `permit`",
    "forbid": "a `forbid`",
    "require_approval": "a `require approval`",
    "invariant": "an `invariant`",
}
_EXAMPLES = {
    ast.SubjectClause: ("subject", "whom it is for", "subject  any"),
    ast.ActionClause: ("action", "what it is about", "action   any"),
    ast.ResourceClause: ("resource", "on what", "resource any"),
}


class RuleChecks(Typechecker):
    """Checks rules and invariants."""

    def __init__(self, program: Program, report: Report) -> None:
        """Work on a program whose declarations are resolved."""
        super().__init__(program, report)
        self._context = context_of(program.context)
        self._subject_types = frozenset(k for k, t in program.types.items() if t.kind == "subject")
        self._all_types = frozenset(program.types)
        self._library_permits = any(rule.library and rule.effect == "permit" for rule in program.rules)

    # --- clauses

    def rule(self, rule: RuleSymbol, scope: Scope) -> None:
        """Check a rule and fill in its symbol."""
        decl = rule.decl
        clauses = self._clauses(decl, decl.name, decl.clauses, decl.effect)
        actions = self._header(rule, clauses, scope)
        env = self._env(rule, actions, scope)
        rule.conditions = self._conditions(clauses, env)
        rule.valid_from = self._bound(clauses, "from", env)
        rule.valid_until = self._bound(clauses, "until", env)
        if decl.effect == "permit" and not any(c.kind == "scope" for c in rule.conditions):
            self.report.add(
                "KYN301",
                f"the permit `{decl.name.text}` does not say which resources it reaches",
                decl.name.span,
                "no `scope`",
                notes=["without a scope it would reach every resource of its types"],
                help=f"add what bounds it, {self._bounding(rule)}, or say that nothing does: `scope any \"reason\"`",
            )
        if decl.effect == "require_approval":
            rule.approval = self._approval(rule, clauses, env)

    def _bounding(self, rule: RuleSymbol) -> str:
        """Return an example of a scope that the types of a rule allow."""
        mine, theirs = self._shared(covered(rule.subjects)), self._shared(covered(rule.resources))
        alike = [name for name, kind in mine.items() if theirs.get(name) == kind and _tells(kind)]
        if alike:
            name = min(alike, key=lambda n: (_USUAL.index(n) if n in _USUAL else len(_USUAL), n))
            return f"such as `scope subject.{name} == resource.{name}`"
        asking = Entity(covered(rule.subjects))
        for name, kind in theirs.items():
            if asking.names and isinstance(kind, Entity) and asking.names <= kind.names:
                return f"such as `scope subject == resource.{name}`"
            if asking.names and isinstance(kind, SetOf) and isinstance(kind.element, Entity):
                if asking.names <= kind.element.names:
                    return f"such as `scope subject in resource.{name}`"
        for name, kind in theirs.items():
            if isinstance(kind, Entity) and kind.names:
                further = self._shared(kind.names)
                if alike := [n for n, t in mine.items() if further.get(n) == t and _tells(t)]:
                    return f"such as `scope subject.{alike[0]} == resource.{name}.{alike[0]}`"
        return "a `scope` whose condition ties `resource` to `subject`"

    def _shared(self, keys: frozenset[str]) -> dict[str, Type]:
        """Return the attributes that all entities of some types have, those with one type."""
        if len(keys) > _COMPARED:
            return {}
        types = [self.program.types[key].attributes.values() for key in sorted(keys)]
        first, *others = [{a.name: a.type for a in kind if not a.optional} for kind in types] or [{}]
        return {n: kind for n, kind in sorted(first.items()) if all(other.get(n) == kind for other in others)}

    def invariant(self, symbol: InvariantSymbol, scope: Scope) -> None:
        """Check an invariant and fill in its symbol."""
        decl = symbol.decl
        clauses = self._clauses(decl, decl.name, decl.clauses, "invariant")
        actions = self._header(symbol, clauses, scope)
        env = self._env(symbol, actions, scope)
        symbol.conditions = self._conditions(clauses, env)
        verdicts = _of(clauses, ast.VerdictClause)
        if not verdicts:
            self.report.add(
                "KYN009",
                f"the invariant `{decl.name.text}` does not say what never or always holds",
                decl.name.span,
                "no `never` or `always`",
                help="add a line such as `never allow`",
            )
            return
        symbol.kind = verdicts[0].kind
        symbol.decisions = frozenset(d.text for d in verdicts[0].decisions)

    def _clauses(self, decl: ast.Decl, name: ast.Ident, clauses: Iterable[ast.Clause], place: str) -> list[ast.Clause]:
        """Return the clauses that count; misplaced and repeated ones are reported."""
        kept: list[ast.Clause] = []
        seen: dict[object, Span] = {}
        for clause in clauses:
            only = _ONLY_IN.get(type(clause))
            if only is not None and only[0] != place:
                home = {"permit": "a `permit`", "require_approval": "a `require approval`"}.get(
                    only[0], "an `invariant`"
                )
                self.report.add(
                    "KYN011",
                    f"{_SAID[place]} has no {only[1].split(' ', 1)[1]}",
                    clause.span,
                    f"only {home} has one",
                    help="say it with `when`" if isinstance(clause, ast.ScopeClause) else "delete this line",
                )
                continue
            if place == "invariant" and isinstance(clause, ast.ValidClause):
                self.report.add("KYN011", "an `invariant` has no `valid`", clause.span, "only a rule has one")
                continue
            once: object = type(clause)
            if isinstance(clause, ast.ValidClause):
                once = clause.bound
            if not isinstance(clause, ast.WhenClause | ast.UnlessClause):
                if once in seen:
                    word = clause.span.text.split()[0]
                    if isinstance(clause, ast.ValidClause):
                        word = f"valid {clause.bound}"
                    self.report.add(
                        "KYN010",
                        f"`{name.text}` has a second `{word}`",
                        clause.span,
                        "given again here",
                        labels=[(seen[once], "given first here")],
                        help="join them with `and`, or use `when`"
                        if isinstance(clause, ast.ScopeClause)
                        else f"list all in one `{word}`, separated by commas"
                        if once in _EXAMPLES
                        else "delete one",
                    )
                    continue
                seen[once] = clause.span
            kept.append(clause)
        missing = [words for kind, words in _EXAMPLES.items() if kind not in seen]
        if missing:
            lines = [example for _, _, example in missing]
            self.report.add(
                "KYN009",
                f"`{name.text}` has no {', no '.join(f'`{word}`' for word, _, _ in missing)}",
                name.span,
                f"it must say {', '.join(why for _, why, _ in missing)}",
                help=f"add a line such as `{lines[0]}`"
                if len(lines) == 1
                else "\n".join(["add lines such as", *lines]),
            )
        return kept

    def _header(
        self, symbol: RuleSymbol | InvariantSymbol, clauses: list[ast.Clause], scope: Scope
    ) -> list[ActionSymbol]:
        actions: dict[str, ActionSymbol] = {}
        for clause in _of(clauses, ast.ActionClause):
            for action_pattern in clause.patterns:
                for action in self.actions_of(action_pattern, scope) or ():
                    actions[action.key] = action
        symbol.actions = frozenset(actions) - self._beyond(symbol)
        actions = {key: actions[key] for key in symbol.actions}
        for subject in _of(clauses, ast.SubjectClause):
            symbol.subjects = self._patterns(subject.patterns, self._subject_types, scope, "subject")
        reach = frozenset[str]().union(*(a.on for a in actions.values())) if actions else self._all_types
        for resource in _of(clauses, ast.ResourceClause):
            symbol.resources = self._patterns(resource.patterns, reach, scope, "resource")
        beyond = self._beyond(symbol)
        symbol.subjects = _without(symbol.subjects, beyond)
        symbol.resources = _without(symbol.resources, beyond)
        return [actions[key] for key in sorted(actions)]

    def _beyond(self, symbol: RuleSymbol | InvariantSymbol) -> frozenset[str]:
        """Return the types and actions that a rule does not cover, however wide its patterns.

        What only a library declares would otherwise widen every permit over `any`, a trait or a group of a program
        that imports it; an import list that names it says that it is meant. Where no permit of a library is active,
        such a request is denied anyway, and then no forbid of the program has to make sense for it either.
        """
        if isinstance(symbol, RuleSymbol) and symbol.library:
            return frozenset()
        widens = isinstance(symbol, RuleSymbol) and symbol.effect == "permit"
        return frozenset(self.program.unnamed) if widens or not self._library_permits else frozenset()

    # --- patterns

    def _patterns(
        self, nodes: Iterable[ast.Pattern], everything: frozenset[str], scope: Scope, what: str
    ) -> tuple[PatternSymbol, ...]:
        found = (self._pattern(node, everything, scope, what) for node in nodes)
        return tuple(p for p in found if p is not None)

    def _pattern(self, node: ast.Pattern, everything: frozenset[str], scope: Scope, what: str) -> PatternSymbol | None:
        types = everything
        entity = group = None
        if node.type is not None:
            named = self.types_of(node.type, scope)
            if named is None:
                return None
            types = named[0]
            if what != "resource":
                if isinstance(named[1], EntityType) and not types <= self._subject_types:
                    self.report.add(
                        "KYN106",
                        f"`{node.type.text}` is no type of subjects",
                        node.type.span,
                        "declared with `resource`",
                        labels=[(named[1].decl.name.span, "declared here")],
                        help=f"declare it with `subject {node.type.text}`; a subject can also be a resource",
                    )
                    return None
                types &= self._subject_types
        if node.id is not None and node.type is not None:
            kind = self.entity_type(node.type, scope)
            if kind is None:
                return None
            entity = f"{kind.key}::{node.id.value}"
            if "*" in node.id.span.text:
                self.report.add(
                    "KYN204",
                    "an identifier knows no wildcards, so this pattern would hardly ever match",
                    node.id.span,
                    "`*` is taken as it stands",
                    notes=["a star that is really meant is written `\\u{2a}`"],
                    help=f'name a group that they are in: `{kind.name} in …::"…"`, or test an attribute with `when`',
                )
        if node.group is not None:
            kind = self.entity_type(node.group.type, scope)
            if kind is None:
                return None
            group = f"{kind.key}::{node.group.id.value}"
            self._reachable(node, types, kind.key, kind.name)
        if node.roles and what == "resource":
            self.report.add(
                "KYN011",
                "a resource pattern has no roles",
                node.roles[0].span,
                "only subjects and approvers hold roles",
                help=f"test it with `when resource holds {node.roles[0].text}`",
            )
        roles = [r for r in (self.role(name, scope) for name in node.roles) if r is not None]
        if len(roles) < len(node.roles):
            return None
        return PatternSymbol(node, types, entity, group, tuple(r.key for r in roles))

    def _reachable(self, node: ast.Pattern, types: frozenset[str], group: str, name: str) -> None:
        reached, new = set(types), set(types)
        while new:
            new = {p for key in new for p in self.program.types[key].parents} - reached
            reached |= new
        if types and group not in reached:
            member = node.type.text if node.type else "any"
            assert node.group is not None
            self.report.add(
                "KYN210",
                f"{'an' if member[0] in 'AEIOaeio' else 'a'} {member} is never in a {name}"
                if node.type
                else f"nothing is ever in a {name}",
                node.group.span,
                "this can never hold",
                notes=[f"no declaration says that it can be in a {name}"],
                help=f"declare it: `{self._kind_of(member, 'subject')} {member} in {name}`" if node.type else None,
            )

    def _kind_of(self, name: str, other: str) -> str:
        return next((t.kind for t in self.program.types.values() if t.name == name), other)

    # --- conditions

    def _env(self, symbol: RuleSymbol | InvariantSymbol, actions: list[ActionSymbol], scope: Scope) -> Env:
        reach = frozenset[str]().union(*(a.on for a in actions)) if actions else self._all_types
        resources = covered(symbol.resources)
        place = symbol.effect if isinstance(symbol, RuleSymbol) else "invariant"
        variables = {
            "subject": Variable(_entity(symbol.subjects, covered(symbol.subjects), self), ("subject",)),
            "resource": Variable(_entity(symbol.resources, resources & reach or resources, self), ("resource",)),
            "args": Variable(arguments_of(actions), ("args",)),
            "context": Variable(self._context, ("context",)),
            "delegator": Variable(Entity(self._subject_types, "subject"), ("delegator",), maybe=True),
            "delegated": Variable(BOOL, ("delegated",)),
        }
        if place != "permit":
            variables["actor"] = Variable(Entity(self._subject_types, "subject"), ("actor",))
            variables["delegation"] = Variable(DELEGATION, ("delegation",))
        return Env(variables, scope, place)

    def _conditions(self, clauses: list[ast.Clause], env: Env) -> tuple[Condition, ...]:
        found: list[Condition] = []
        for scope in _of(clauses, ast.ScopeClause):
            if scope.condition is not None:
                self.condition(scope.condition, env, "a scope")
                env = self.facts(scope.condition, True, env)
            found.append(Condition("scope", scope.condition, scope))
        for when in _of(clauses, ast.WhenClause):
            self.condition(when.condition, env, "what follows `when`")
            env = self.facts(when.condition, True, env)
            found.append(Condition("when", when.condition, when))
        for unless in _of(clauses, ast.UnlessClause):
            self.condition(unless.condition, evolve(env, excepts=True), "what follows `unless`")
            env = self.facts(unless.condition, False, env)
            found.append(Condition("unless", unless.condition, unless))
        for condition in found:
            if condition.expr is not None:
                expansion.bounded(condition.expr, self.tables, self.report)
        return tuple(found)

    def _bound(self, clauses: list[ast.Clause], bound: str, env: Env) -> int | None:
        for clause in _of(clauses, ast.ValidClause):
            if clause.bound != bound:
                continue
            kind = self.require(clause.time, env, TIME, f"what follows `valid {bound}`")
            if kind == ERROR:
                return None
            value = self.tables.constants.get(clause.time)
            if not isinstance(value, int):
                self.report.add(
                    "KYN208",
                    f"`valid {bound}` needs a time written out",
                    clause.time.span,
                    "not a literal",
                    help=f"write `valid {bound} 2027-01-01`, or test a computed time with `when context.now < …`",
                )
                return None
            return value
        return None

    # --- approvals

    def _approval(self, rule: RuleSymbol, clauses: list[ast.Clause], env: Env) -> Approval:
        approvers: tuple[PatternSymbol, ...] = ()
        where, given, quorum, expires = None, None, 1, DEFAULT_EXPIRES
        for clause in _of(clauses, ast.FromClause):
            given, where = clause, clause.where
            approvers = self._patterns(clause.patterns, self._subject_types, env.scope, "approver")
            if not rule.library:
                approvers = _without(approvers, frozenset(self.program.unnamed))
            if where is not None:
                kind = _entity(approvers, covered(approvers), self)
                approver = Variable(kind, ("approver",))
                for condition in rule.conditions:  # they held, or there is nothing to approve
                    if condition.expr is not None:
                        env = self.facts(condition.expr, condition.kind != "unless", env)
                self.condition(where, env.binding("approver", approver), "what follows `where`")
                expansion.bounded(where, self.tables, self.report)
        if given is None:
            self.report.add(
                "KYN601",
                f"the approval `{rule.decl.name.text}` does not say who may give it",
                rule.decl.name.span,
                "no `from`",
                help="add a line such as `from User with role lead`",
            )
        for count in _of(clauses, ast.QuorumClause):
            _, number = read_number(count.count, self.report)
            if number is not None and not 1 <= number <= 1000:
                self.report.add(
                    "KYN013",
                    "a quorum is a number from 1 to 1000",
                    count.count.span,
                    "out of range",
                    help=f"write `quorum {1 if number < 1 else 1000}`",
                )
            elif number is not None:
                quorum = number
        for after in _of(clauses, ast.ExpiresClause):
            _, number = read_number(after.after, self.report)
            if number is not None and not 0 < number <= INT_MAX:
                self.report.add(
                    "KYN013",
                    "an approval must last longer than nothing",
                    after.after.span,
                    "no time at all",
                    help="write `expires 24h`",
                )
            elif number is not None:
                expires = number
        return Approval(approvers, where, quorum, expires, given)


def _of(clauses: Iterable[ast.Clause], kind: type[C]) -> list[C]:
    return [c for c in clauses if isinstance(c, kind)]


def _tells(kind: Type) -> bool:
    """Whether equal values of a type say that two entities belong together, as names and entities do."""
    return kind in (STRING, HOST, EMAIL) or isinstance(kind, Entity)


def _without(patterns: tuple[PatternSymbol, ...], types: frozenset[str]) -> tuple[PatternSymbol, ...]:
    return tuple(evolve(p, types=p.types - types) for p in patterns) if types else patterns


def _entity(patterns: tuple[PatternSymbol, ...], types: frozenset[str], names: Typechecker) -> Entity:
    """Return the type of what patterns match; one named trait gives its attributes even where no type has it."""
    label, traits = "", frozenset[str]()
    if len(patterns) == 1 and (node := patterns[0].node.type) is not None:
        label = node.text
        target = names.tables.targets.get(node)
        if isinstance(target, TraitSymbol):
            traits = frozenset({target.key})
    return Entity(types, label, traits)
