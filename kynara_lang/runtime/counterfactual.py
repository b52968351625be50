"""What would have to be different: the smallest changes to a request that change its decision.

Candidates are read off the clauses that stand in the way: an argument brought to its limit, an attribute made equal to
what it is compared with, a role, a group. Each set of changes is then decided like any request, and only those that
do change the decision are told. What is stored cannot be changed by a request, so it never appears here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, islice, product
from typing import Any

from attrs import evolve, field, frozen

from ..checker.symbols import AttributeSymbol
from ..compiler import ir
from ..semantics import types
from ..semantics.display import display, display_entity, display_text
from ..semantics.problems import EvaluationError
from . import ranges
from .approvers import MadeUp
from .canonical import canonical_value
from .convert import LISTS
from .decision import Decision, Effect
from .engine import Arguments, CompiledBucket, Engine, RuleOutcome, attempt, failures
from .ranges import COMPARISONS, MIRRORED, OPPOSITE, UNITS, Range
from .request import Request

Decide = Callable[[Mapping[str, Any], list[Any]], Decision]

_MOST_TRIES = 250
_MOST_TOLD = 4
_LARGEST = 3
_MOST_JOINED = 8
_TEXT = 60


@frozen
class Change:
    """Changes in words, and what the request would then be decided as.

    `request` is the changed request, or the request as it is where approvals beside it make the difference; `approvals`
    are those, given by approvers who are made up.
    """

    change: str
    decision: Effect
    request: Mapping[str, Any] = field(eq=False, repr=False)
    approvals: tuple[Mapping[str, Any], ...] = field(default=(), eq=False, repr=False)

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape."""
        return {"change": self.change, "decision": str(self.decision)}


@frozen
class _Edit:
    """One change to the raw request: set a member, or add to a list, below a path of member names."""

    path: tuple[str, ...]
    value: Any = field(eq=False)  # JSON, which cannot be hashed; the text says it
    add: bool
    text: str
    range: Range | None = field(default=None, eq=False)


def search(
    decide: Decide,
    engine: Engine,
    decision: Decision,
    request: Request,
    buckets: tuple[CompiledBucket, ...],
    raw: Mapping[str, Any],
    approvals: list[Any],
    approved: MadeUp,
) -> tuple[Change, ...]:
    """Return the smallest verified changes that make the decision more permissive, fewest changes first.

    `approved` is made-up evidence for what the decision waits for.
    """
    if decision.effect is Effect.ALLOW:
        return ()
    found: dict[str, Change] = {}
    if approved.evidence and decide(approved.request, [*approvals, *approved.evidence]).effect is Effect.ALLOW:
        text = _approved(decision, approved)
        found[text] = Change(text, Effect.ALLOW, approved.request, approved.evidence)
    views = [(bucket, view) for at, bucket in enumerate(buckets) for view in engine.views(request, buckets, at)]
    pool = list(_pool(engine, request, buckets))

    def better(edits: frozenset[_Edit]) -> Effect | None:
        changed = _applied(raw, edits)
        effect = decide(changed, approvals).effect if changed is not None else decision.effect
        return effect if effect.rank > decision.effect.rank else None

    smallest: list[frozenset[_Edit]] = []
    for edits in islice(_sets(pool), _MOST_TRIES):
        if any(told <= edits for told in smallest) or len({e.path for e in edits if not e.add}) < sum(
            not e.add for e in edits
        ):
            continue
        effect = better(edits)
        changed = _applied(raw, edits)
        if effect is not None and changed is not None:
            smallest.append(edits)
            text = " and ".join(sorted(_told(edit, edits, views, engine, better) for edit in edits))
            found[text] = Change(text, effect, changed)
            if len(found) >= _MOST_TOLD:
                break
    return tuple(found.values())


def _told(
    edit: _Edit,
    edits: frozenset[_Edit],
    views: list[tuple[CompiledBucket, Arguments]],
    engine: Engine,
    better: Callable[[frozenset[_Edit]], Effect | None],
) -> str:
    """Return an edit in words: a range of values only where all of them would do."""
    if edit.range is None:
        return edit.text
    tried = ranges.probes(edit.range, views)
    if tried is None:
        return edit.range.exact
    for value in tried:
        try:
            raw = canonical_value(value, edit.range.type, engine.program)
        except EvaluationError:
            continue  # beyond the last value there is
        if better(edits - {edit} | {evolve(edit, value=raw)}) is None:
            return edit.range.exact
    return edit.text


def _approved(decision: Decision, approved: MadeUp) -> str:
    """Say whose approvals a request waits for."""
    wanted = ["`context.now` were given"] if approved.timeless else []
    for status in decision.approvals:
        if not status.satisfied:
            missing = status.quorum - len(status.approved_by)
            who = f"{missing} of" if missing > 1 else "one"
            wanted.append(f"it were approved by {who} {status.approvers} ({status.rule})")
    return " and ".join(wanted)


def _sets(pool: list[tuple[_Edit, ...]]) -> Iterator[frozenset[_Edit]]:
    """Yield sets of edits, small ones first; what belongs together stays together."""
    seen: set[frozenset[_Edit]] = set()
    ranked = sorted(range(len(pool)), key=lambda i: (len(pool[i]), i))
    for size in range(1, _LARGEST + 1):
        for chosen in combinations(ranked, size):
            edits = frozenset(e for i in chosen for e in pool[i])
            if edits and edits not in seen:
                seen.add(edits)
                yield edits


def _pool(engine: Engine, request: Request, buckets: tuple[CompiledBucket, ...]) -> Iterator[tuple[_Edit, ...]]:
    """Yield what could be changed: for each permit that fails, and for each forbid that stops the request."""
    told: set[tuple[_Edit, ...]] = set()
    for at, bucket in enumerate(buckets):
        outcomes = engine.outcomes_for_all(bucket, engine.views(request, buckets, at))
        for ways_of in islice(_ways(engine, request, at, bucket, outcomes), 12):
            for way in ways_of:
                if way not in told:
                    told.add(way)
                    yield way


def _ways(
    engine: Engine, request: Request, at: int, bucket: CompiledBucket, outcomes: list[RuleOutcome]
) -> Iterator[list[tuple[_Edit, ...]]]:
    """Yield, rule by rule, what would undo a forbid or make a permit match; the fewer clauses fail, the sooner."""
    in_the_way: list[tuple[int, RuleOutcome]] = []
    for outcome in outcomes:
        if outcome.test.rule.effect != "permit":
            in_the_way += [(0, outcome)] if outcome.counts else []
        elif outcome.outcome != "matched":
            in_the_way.append((failures(outcome.test, bucket, outcome.arguments), outcome))
    for _, outcome in sorted(in_the_way, key=lambda found: found[0]):
        atoms = _Atoms(engine, request, at, bucket, outcome.arguments)
        guards = outcome.test.guards
        if outcome.test.rule.effect != "permit":
            yield [way for g in guards for way in atoms.ways(g.condition, False)]
            continue
        ways = [atoms.ways(g.condition, True) for g in guards if atoms.value(g.condition) is not True]
        if all(ways):
            yield [way for found in ways for way in found]
            yield [tuple(e for found in ways for e in found[0])]


def _applied(raw: Mapping[str, Any], edits: frozenset[_Edit]) -> dict[str, Any] | None:
    """Return the request with the edits made, or None where its shape does not take them."""
    changed: dict[str, Any] = copy.deepcopy(dict(raw))
    for edit in sorted(edits, key=lambda e: (e.path, e.text)):
        place: Any = changed
        for name in edit.path[:-1]:
            if not isinstance(place, dict):
                return None
            place = place.setdefault(name, {})
        if not isinstance(place, dict):
            return None
        last = edit.path[-1]
        if edit.add:
            before = place.get(last, [])
            if not isinstance(before, LISTS):
                return None
            place[last] = [*before, edit.value]
        else:
            place[last] = edit.value
    return changed


@frozen(eq=False)
class _Atoms:
    """Finds, for one link, the edits that would give a condition a truth value."""

    engine: Engine
    request: Request
    at: int
    bucket: CompiledBucket
    arguments: Arguments

    def value(self, expr: ir.Expr) -> Any:
        """Return the value of an expression, or None where it has none."""
        return attempt(self.bucket.compiled(expr), self.arguments)[0]

    def ways(self, expr: ir.Expr, truth: bool) -> list[tuple[_Edit, ...]]:
        """Return alternatives, each a set of edits that would make a condition true or false."""
        match expr:
            case ir.Not(operand):
                return self.ways(operand, not truth)
            case ir.And(operands) | ir.Or(operands):
                together = isinstance(expr, ir.And) == truth
                wrong = [o for o in operands if (self.value(o) is True) != truth] if together else list(operands)
                found = [self.ways(o, truth) for o in wrong]
                if together:
                    joined = islice(product(*found), _MOST_JOINED) if found else ()
                    return [tuple(e for way in ways for e in way) for ways in joined]
                return [way for ways in found for way in ways]
            case ir.Read():
                return self._set(expr, truth)
            case ir.Apply(template, operands):
                return self._apply(template, operands, truth)
        return []

    def _apply(self, template: str, operands: tuple[ir.Expr, ...], truth: bool) -> list[tuple[_Edit, ...]]:
        match template, operands:
            case ("{1} in {0}.roles", (ir.Root("subject"), ir.Const(role))) if truth:
                return self._role(role)
            case ("not {0}.roles.isdisjoint({1})", (ir.Root("subject"), ir.Const(roles))) if truth:
                return [way for role in sorted(roles) for way in self._role(role)]
            case ("{1} in {0}.ancestors", (ir.Root(name), ir.Const(group))) if truth:
                return self._group(name, str(group))
            case ("{0} is not None", (ir.Root("delegator"),)) if truth:
                return self._acting_for()
            case ("{0} in {1}", (ir.Read() as read, other)):
                values = self.value(other)
                if truth and isinstance(values, frozenset):
                    return [w for v in sorted(values, key=str)[:3] for w in self._set(read, v)]
                return []
        if len(operands) != 2 or template not in COMPARISONS:
            return self._contained(template, operands, truth)
        op = template[4:-4]
        a, b = operands
        found: list[tuple[_Edit, ...]] = []
        if isinstance(a, ir.Read) and (other := self.value(b)) is not None:
            found += self._compare(a, op if truth else OPPOSITE[op], other)
        if isinstance(b, ir.Read) and (other := self.value(a)) is not None:
            found += self._compare(b, MIRRORED[op if truth else OPPOSITE[op]], other)
        return found

    def _contained(self, template: str, operands: tuple[ir.Expr, ...], truth: bool) -> list[tuple[_Edit, ...]]:
        if not truth or not operands or not isinstance(operands[0], ir.Read):
            return []
        other = self.value(operands[1]) if len(operands) == 2 else None
        if other is None:
            return []
        if template in ("path_within({0}, {1})", "host_within({0}, {1})"):
            return self._set(operands[0], other, f'within "{other}"', ("within", (template, other)))
        if template == "{0}.startswith({1})":
            return self._set(operands[0], other, f'a text that starts with "{other}"', ("within", (template, other)))
        if template == "{1}[0] <= {0} <= {1}[1]":
            words = f"within {display(other, types.BLOCK)}"
            return self._set(operands[0], other[0], words, ("within", (template, other)))
        return []

    def _compare(self, read: ir.Read, op: str, other: Any) -> list[tuple[_Edit, ...]]:
        symbol = self._symbol(read)
        unit = UNITS.get(symbol.type, 0) if symbol else 0
        if symbol is None or op == "==":
            return self._set(read, other)
        limit = display(other, symbol.type, _TEXT)
        if op in ("<=", ">=") and unit:  # sets have these signs, too, and no order
            return self._set(read, other, f"{limit} or {'less' if op == '<=' else 'more'}", (op, other))
        if op in ("<", ">") and unit:
            near = other - unit if op == "<" else other + unit
            return self._set(read, near, f"{'less' if op == '<' else 'more'} than {limit}", (op, other))
        if op == "!=" and isinstance(symbol.type, types.Enum):
            return [w for v in symbol.type.values if v != other for w in self._set(read, v)]
        return []

    # --- edits

    def _symbol(self, read: ir.Read) -> AttributeSymbol | None:
        shape = self.request.shape
        match read.root:
            case "args":
                return shape.action.parameters.get(read.name)
            case "context":
                return self.engine.program.context.get(read.name)
            case "resource":
                return shape.resource.type.attributes.get(read.name)
            case "subject":
                return shape.chain[self.at].type.attributes.get(read.name)
        return None

    def _subject(self, at: int | None = None) -> tuple[str, ...]:
        return ("subject", *("on_behalf_of",) * (self.at if at is None else at))

    def _set(
        self, read: ir.Read, value: Any, words: str | None = None, bound: tuple[str, Any] | None = None
    ) -> list[tuple[_Edit, ...]]:
        """Set what is read to a value; `words` and `bound` say what other values might do as well."""
        symbol = self._symbol(read)
        if symbol is None or value is None or isinstance(symbol.type, types.Record):
            return []
        below: dict[str, tuple[str, ...]] = {
            "args": ("action", "properties"),
            "context": ("context",),
            "resource": ("resource", "properties"),
            "subject": (*self._subject(), "properties"),
        }
        try:
            raw = canonical_value(value, symbol.type, self.engine.program)
            shown = display(value, symbol.type, _TEXT)
        except EvaluationError:
            return []  # just beyond the last value there is, such as a second after the end of time
        now = self.value(read)
        before = "" if now is None else f" (it is {display(now, symbol.type, _TEXT)})"
        exact, told = (f"`{self._name(read)}` were {value}{before}" for value in (shown, words or shown))
        unit = UNITS.get(symbol.type, 1)
        span = Range((read.root, read.name), *bound, symbol.type, unit, exact) if bound else None
        return [(_Edit((*below[read.root], symbol.external), raw, False, told, span),)]

    def _name(self, read: ir.Read) -> str:
        if read.root == "subject" and len(self.request.chain) > 1:
            return f"{read.name} of {display_entity(self.request.chain[self.at], _TEXT)}"
        return f"{read.root}.{read.name}"

    def _role(self, key: str) -> list[tuple[_Edit, ...]]:
        role = self.engine.program.roles[key]
        text = f"{display_entity(self.request.chain[self.at], _TEXT)} held the role {role.name}"
        return [(_Edit((*self._subject(), "roles"), role.external, True, text),)]

    def _acting_for(self) -> list[tuple[_Edit, ...]]:
        """Act for somebody that the subject itself names, such as its owner."""
        raw = self.request.shape.chain[self.at]
        types_of = self.engine.program.types
        found: list[tuple[_Edit, ...]] = []
        for name, symbol in sorted(raw.type.attributes.items()):
            value = raw.properties.get(symbol.external)
            principals = isinstance(symbol.type, types.Entity) and any(
                types_of[key].kind == "subject" for key in symbol.type.names
            )
            if principals and isinstance(value, Mapping):
                who = display_entity(self.request.chain[self.at], _TEXT)
                kind, identity = (display_text(str(value.get(key)), _TEXT) for key in ("type", "id"))
                text = f"{who} acted for its {name}, {kind[1:-1]}::{identity}"
                found.append((_Edit((*self._subject(), "on_behalf_of"), dict(value), False, text),))
        return found

    def _group(self, root: str, group: str) -> list[tuple[_Edit, ...]]:
        kind, _, identity = group.partition("::")
        place = self._subject() if root == "subject" else ("resource",) if root == "resource" else None
        declared = self.engine.program.types.get(kind)
        if place is None or declared is None:
            return []
        entity = {"type": declared.external, "id": identity}
        who = self.request.chain[self.at] if root == "subject" else self.request.resource
        text = f"{display_entity(who, _TEXT)} were in {declared.name}::{display_text(identity, _TEXT)}"
        return [(_Edit((*place, "parents"), entity, True, text),)]
