"""Requests near those of the tests: other values, roles, entities and actions, one change at a time.

A request that shows what a change to a policy does is seldom far from one that is tested already. Values come from the
fixtures and from the rules themselves, with what lies just beside a bound; so what a rule compares is met exactly.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from ..analysis.values import ordinary
from ..checker.linter import own_trees
from ..checker.symbols import ActionSymbol, AttributeSymbol, EntityType, Program, RuleSymbol
from ..runtime.canonical import canonical_json, canonical_value
from ..runtime.policyset import PolicySet
from ..semantics import types
from ..semantics.problems import ValueProblem
from ..semantics.types import DECIMAL, DURATION, INT, TIME, Enum, SetOf, Type
from ..syntax import ast, walk
from .cases import Case, Json, Scene, TooMuchCarried
from .mutants import Mutant
from .running import invalid_parts

MOST_VALUES: Final = 10
"""How many other values are tried for one attribute."""
BUDGET: Final = 3_000
"""How many requests are asked about one change of a policy."""
SECONDS: Final = 1.0
"""How long they may take."""

_NUMBERS: Final[Mapping[Type, int]] = {INT: 1, DECIMAL: 100, TIME: 10**9, DURATION: 10**9}
_GONE: Final = object()
_ELSEWHERE: Final[Mapping[Type, tuple[Any, ...]]] = {
    types.STRING: ("something else",),
    types.IP: ("203.0.113.9",),
    types.EMAIL: ("someone@elsewhere.example",),
    types.HOST: ("elsewhere.example",),
    types.URL: ("https://elsewhere.example/",),
    types.PATH: ("/elsewhere",),
    INT: (0,),
    DECIMAL: ("0.00", "1000000.00"),
    TIME: ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
}
"""Values that most policies are not about."""

Change = Callable[[Json], None]
"""Changes a request in place."""


@frozen(eq=False)
class _Put:
    """Sets a member of a request, or takes it away; what is not there any more is left alone."""

    path: tuple[str, ...]
    value: Any

    def __call__(self, request: Json) -> None:
        """Make the change."""
        place: Any = request
        for step in self.path[:-1]:
            if not isinstance(place, dict) or (step == "on_behalf_of" and step not in place):
                return
            place = place.setdefault(step, {})
        if self.value is _GONE:
            place.pop(self.path[-1], None)
        else:
            place[self.path[-1]] = copy.deepcopy(self.value)


@define(eq=False)
class Neighbours:
    """Looks for a request that two versions of a program decide differently."""

    program: Program
    cases: Sequence[Case]
    _values: dict[Type, list[Any]] = field(factory=dict)
    _named: dict[str, list[Any]] = field(factory=dict)
    _entities: dict[str, list[Json]] = field(factory=dict)
    _requests: list[Json] = field(factory=list)
    _worked_out: dict[AttributeSymbol, list[Any]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Collect entities from fixtures and tests, and values from these and from rules."""
        seen: dict[str, Json] = {canonical_json(case.request): case.request for case in self.cases}
        self._requests = list(seen.values())
        scene = Scene(self.program)
        for fixture in self.program.fixtures.values():
            try:
                self._add_entity(scene.fixture(fixture))
            except TooMuchCarried:
                continue
        for request in self._requests:
            for _, entity in _principals(request):
                self._add_entity(_alone(entity))
            self._add_entity(request["resource"])
            self._add_members(request.get("context", {}), self.program.context.values())
            action = self.program.actions_by_external[request["action"]["name"]]
            self._add_members(request["action"].get("properties", {}), action.parameters.values())
        self._add_constants()

    # --- what is known

    def _add_entity(self, entity: Json) -> None:
        kind = self.program.by_external[entity["type"]]
        known = self._entities.setdefault(kind.key, [])
        if entity not in known:
            known.append(entity)
        self._add_members(entity.get("properties", {}), kind.attributes.values())

    def _add_members(self, given: Mapping[str, Any], symbols: Iterable[AttributeSymbol]) -> None:
        for symbol in symbols:
            if symbol.external in given:
                self._named.setdefault(symbol.name, []).append(given[symbol.external])
                self._values.setdefault(symbol.type, []).append(given[symbol.external])

    def _add_constants(self) -> None:
        """Add the literals of rules and lets, and the numbers beside them."""
        tables = self.program.tables
        for module in own_trees(self.program):
            for decl in module.declarations:
                for node in walk.descend(decl) if isinstance(decl, ast.RuleDecl | ast.LetDecl) else ():
                    kind = tables.types.get(node)
                    if isinstance(node, ast.Expr) and kind is not None and node in tables.constants:
                        self._add_near(node, kind, tables.constants[node])

    def _add_near(self, node: ast.Expr, kind: Type, value: Any) -> None:
        """Add what a literal stands for, with what lies just beside a bound or just within it."""
        if isinstance(node, ast.StringLit):
            text = node.value
            within = {types.BLOCK: text.partition("/")[0], types.PATH: f"{text}/x", types.HOST: f"x.{text}"}
            read = types.IP if kind == types.BLOCK else kind
            found = [] if kind == types.BLOCK else [text, text.replace("*", "x")]
            self._values.setdefault(read, []).extend([*found, *([within[kind]] if kind in within else [])])
        elif (step := _NUMBERS.get(kind)) is not None:
            near = (_written(v, kind, self.program) for v in (value, value + step, value - step))
            self._values.setdefault(kind, []).extend(near)

    def _others(self, symbol: AttributeSymbol) -> list[Any]:
        """Return values for an attribute: those seen under its name, then those of its type, then any."""
        if symbol not in self._worked_out:
            self._worked_out[symbol] = self._work_out(symbol)
        return self._worked_out[symbol]

    def _work_out(self, symbol: AttributeSymbol) -> list[Any]:
        kind = symbol.type
        found = [*self._named.get(symbol.name, ()), *self._values.get(kind, ())]
        match kind:
            case Enum(values):
                found += values
            case types.Simple("Bool"):
                found += [True, False]
            case types.Entity(names):
                found += [e for key in sorted(names) for e in self._entities.get(key, ())]
            case SetOf(element):
                found += [[], *([value] for value in self._values.get(element, ()))]
                if isinstance(element, types.Entity):
                    found += [[e] for key in sorted(element.names) for e in self._entities.get(key, ())]
        found += [ordinary(kind, self.program), *_ELSEWHERE.get(kind, ())]
        distinct = {canonical_json(value): value for value in found if value is not None}
        first = list(distinct.values())
        elsewhere = [v for v in _ELSEWHERE.get(kind, ()) if v in first]
        return [v for v in first if v not in elsewhere][: MOST_VALUES - len(elsewhere)] + elsewhere

    # --- changes

    def changes(self, request: Json) -> Iterator[Change]:
        """Yield everything that can be different by itself about a request."""
        for path, entity in _principals(request):
            yield from self._of_entity(path, entity)
            rest = {name: value for name, value in entity.items() if name == "on_behalf_of"}
            for other in self._subjects():
                yield _Put(path, other | rest)
            if "on_behalf_of" in entity:
                yield _Put((*path, "on_behalf_of"), _GONE)
            else:
                for other in self._subjects():
                    yield _Put((*path, "on_behalf_of"), other)
        resource = request["resource"]
        yield from self._of_entity(("resource",), resource)
        action = self.program.actions_by_external[request["action"]["name"]]
        for key in sorted(action.on):
            for other in self._entities.get(key, ()):
                yield _Put(("resource",), other)
        yield from self._of_members(("action", "properties"), action.parameters.values())
        yield from self._of_members(("context",), self.program.context.values())
        kind = self.program.by_external[resource["type"]]
        for other_action in self.program.actions.values():
            if other_action is not action and kind.key in other_action.on:
                yield _Put(("action",), self._call(other_action))

    def _subjects(self) -> list[Json]:
        keys = [key for key in sorted(self._entities) if self.program.types[key].kind == "subject"]
        return [entity for key in keys for entity in self._entities[key]]

    def _of_entity(self, path: tuple[str, ...], entity: Json) -> Iterator[Change]:
        kind = self.program.by_external[entity["type"]]
        yield from self._of_members((*path, "properties"), kind.attributes.values())
        held = entity.get("roles", [])
        for role in self.program.roles_by_external:
            if role not in held:
                yield _Put((*path, "roles"), [role])
        if held:
            yield _Put((*path, "roles"), _GONE)
        if entity.get("parents"):
            yield _Put((*path, "parents"), _GONE)
        for key in sorted(kind.parents):
            for group in self._entities.get(key, ()):
                parent = {name: group[name] for name in ("type", "id", "parents") if name in group}
                yield _Put((*path, "parents"), [parent])

    def _of_members(self, path: tuple[str, ...], symbols: Iterable[AttributeSymbol]) -> Iterator[Change]:
        for symbol in symbols:
            if symbol.optional:
                yield _Put((*path, symbol.external), _GONE)
            for value in self._others(symbol):
                yield _Put((*path, symbol.external), value)

    # --- where to begin

    def _call(self, action: ActionSymbol) -> Json:
        given = {s.external: self._others(s)[0] for s in action.parameters.values() if not s.optional}
        return {"name": action.external} | ({"properties": given} if given else {})

    def _starts(self, mutant: Mutant) -> list[Json]:
        """Return requests that are about a rule, those of tests first; of others there may be no test."""
        rules = [r for r in self.program.rules if r.decl is mutant.decl]
        rule = rules[0] if rules else None
        tested = [r for r in self._requests if rule is None or self._about(r, rule)]
        made = [] if rule is None else list(self._made(rule))
        return [*tested, *made][:20]

    def _about(self, request: Json, rule: RuleSymbol) -> bool:
        action = self.program.actions_by_external[request["action"]["name"]]
        kinds = {self.program.by_external[entity["type"]].key for _, entity in _principals(request)}
        covered = frozenset[str]().union(*(p.types for p in rule.subjects))
        return action.key in rule.actions and bool(kinds & covered)

    def _made(self, rule: RuleSymbol) -> Iterator[Json]:
        """Yield a request for each action and pair of types of a rule: from fixtures, or of plain values."""
        context = {s.external: self._others(s)[0] for s in self.program.context.values() if not s.optional}
        subjects = sorted(frozenset[str]().union(*(p.types for p in rule.subjects)))
        resources = sorted(frozenset[str]().union(*(p.types for p in rule.resources)))
        for key in sorted(rule.actions):
            action = self.program.actions[key]
            for subject in subjects:
                for resource in resources:
                    if resource not in action.on or self.program.types[subject].kind != "subject":
                        continue
                    request = {
                        "subject": self._someone(self.program.types[subject]),
                        "action": self._call(action),
                        "resource": self._someone(self.program.types[resource]),
                    }
                    yield copy.deepcopy(request | ({"context": context} if context else {}))

    def _someone(self, kind: EntityType) -> Json:
        known = self._entities.get(kind.key)
        if known:
            return known[0]
        given = {s.external: self._others(s)[0] for s in kind.attributes.values() if not s.optional}
        return {"type": kind.external, "id": kind.name.lower()} | ({"properties": given} if given else {})

    # --- the search

    def difference(self, original: PolicySet, changed: PolicySet, mutant: Mutant) -> Json | None:
        """Return a request that both decide differently, near one of the tests; None if none was found."""
        end = time.monotonic() + SECONDS
        left = BUDGET
        starts = self._starts(mutant) or self._requests[:20]
        known = [list(self.changes(start)) for start in starts]
        for request, made in _candidates(starts, known, mutant.what):
            left -= 1
            if left < 0 or time.monotonic() > end:
                return None
            if differ(original, changed, request) is not None:
                return self._smallest(original, changed, made)
        return None

    @staticmethod
    def _smallest(original: PolicySet, changed: PolicySet, made: tuple[Json, tuple[Change, ...]]) -> Json:
        """Leave out every change that is not needed."""
        start, applied = made
        kept = list(applied)
        for change in applied:
            fewer = [c for c in kept if c is not change]
            if differ(original, changed, _applied(start, fewer)) is not None:
                kept = fewer
        return _applied(start, kept)


_Made = tuple[Json, tuple[Json, tuple[Change, ...]]]


def _candidates(starts: Sequence[Json], known: Sequence[Sequence[Change]], seed: str) -> Iterator[_Made]:
    """Yield requests with how they are made: without change, with each single change, then with several at random."""
    for start in starts:
        yield start, (start, ())
    for at in range(max((len(changes) for changes in known), default=0)):
        for start, changes in zip(starts, known, strict=True):
            if at < len(changes):
                yield _applied(start, [changes[at]]), (start, (changes[at],))
    pick = random.Random(seed)  # the same choice in every run
    several = [(start, changes) for start, changes in zip(starts, known, strict=True) if changes]
    while several:
        start, changes = pick.choice(several)
        chosen = tuple(pick.choice(changes) for _ in range(pick.choice((2, 2, 3, 4))))
        yield _applied(start, chosen), (start, chosen)


def differ(original: PolicySet, changed: PolicySet, request: Json) -> tuple[str, str] | None:
    """Return what two programs decide if that differs; a request that the original cannot read shows nothing."""
    one = original.decide(request)
    if invalid_parts(one):
        return None
    two = changed.decide(request)
    return None if one.effect is two.effect else (one.effect.value, two.effect.value)


def _applied(start: Json, changes: Iterable[Change]) -> Json:
    request = copy.deepcopy(start)
    for change in changes:
        change(request)
    return request


def _principals(request: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    path: tuple[str, ...] = ("subject",)
    entity = request["subject"]
    while entity is not None:
        yield path, entity
        path, entity = (*path, "on_behalf_of"), entity.get("on_behalf_of")


def _alone(entity: Json) -> Json:
    return {name: value for name, value in entity.items() if name != "on_behalf_of"}


def _written(value: Any, kind: Type, program: Program) -> Any:
    """Return a constant as requests write it; one beyond the bounds of its type is left out."""
    try:
        return canonical_value(value, kind, program)
    except (ValueError, OverflowError, ValueProblem):
        return None
