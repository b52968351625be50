"""Deciding one link of a request: the compiled trees, and the exact way taken when anything in them fails.

A bucket holds what can decide requests of one action, subject type and resource type; it is built and compiled when
the first such request comes. Trees stop at the first forbid or permit that matches. Should anything raise, the link is
decided again rule by rule, each with its own error: one inside a permit makes it not match, one inside a forbid or an
approval makes it match.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, TypeAlias

from attrs import frozen

from ..checker.symbols import Program, RuleSymbol
from ..compiler import codegen, fused, ir, tree
from ..compiler.layout import Layout
from ..semantics.entity import Entity
from ..semantics.problems import EvaluationError
from .decision import DecisionError, Effect
from .entities import World
from .outcomes import LinkOutcome, Outcomes
from .request import Needs, Request, Shape

Arguments = tuple[Any, ...]
Decide: TypeAlias = Callable[[fused.Values], LinkOutcome]
Steps: TypeAlias = tuple[tuple[Decide, fused.Values], ...]
Pair: TypeAlias = tuple[Decide, fused.Values, Decide, fused.Values]


@frozen(eq=False)
class RuleOutcome:
    """How one rule fares on a link, seen as `arguments` say: `guard` is the first that failed or was in error."""

    test: ir.Test
    outcome: Literal["matched", "failed", "error"]
    arguments: Arguments
    guard: ir.Guard | None = None
    error: DecisionError | None = None

    @property
    def counts(self) -> bool:
        """Whether the rule has its effect: an error makes a forbid or an approval match."""
        return self.outcome == "matched" or (self.outcome == "error" and self.test.rule.effect != "permit")


class CompiledBucket:
    """A bucket with its functions, each compiled when it is needed first: by a decision, or by an exact answer.

    Two threads may compile one at the same time; what they make is alike, and either may stay. `kept_out` is how many
    rules about the action do not fit the types, by clause and reason, once an explanation has counted them.
    """

    kept_out: Mapping[tuple[str, str], int] | None = None

    def __init__(self, bucket: ir.Bucket, outcomes: Outcomes, pool: fused.Pool) -> None:
        """Take what the functions are made from."""
        self.bucket = bucket
        self._outcomes, self._pool = outcomes, pool
        self._guards: dict[int, codegen.Function] = {}
        self._approvers: dict[str, codegen.Function] = {}

    @cached_property
    def layout(self) -> Layout:
        """Where the values of a request stand."""
        return Layout(self.bucket)

    @cached_property
    def fitting(self) -> frozenset[int]:
        """The rules of the bucket, by index."""
        return frozenset(test.rule.index for test in self.bucket.tests)

    @cached_property
    def values(self) -> Callable[..., fused.Values]:
        """The function that takes a view of a link and returns the values that `decide` takes."""
        return fused.values_of(self.layout)

    def warm(self) -> None:
        """Compile all that decisions need."""
        _ = self.values, self.decide
        self._fuser.warm()

    @cached_property
    def _fuser(self) -> fused.Fuser:
        return fused.Fuser(self.layout, self._outcomes.of, self._pool)

    @cached_property
    def decide(self) -> Decide:
        """The function that decides a link for everyone who could have called; it raises if something is in error."""
        fuser = self._fuser
        granted: Decide = fuser.decide(self.bucket, self._outcomes.denied())
        if self.bucket.again:
            granted = _again(granted, fuser.first(self.bucket.again))
        if not self.bucket.approvals:
            return granted
        matches, waiting = fuser.matches(self.bucket.approvals), self._outcomes.waiting
        if self.bucket.approvals_again:
            matches = _matching_again(matches, fuser.matches(self.bucket.approvals_again))

        def decide(values: fused.Values) -> LinkOutcome:
            found = granted(values)
            if found.denies:
                return found
            waits = matches(values)
            return waiting(found, waits) if waits else found

        return decide

    def compiled(self, expr: ir.Expr) -> codegen.Function:
        """Return the function of one expression of this bucket."""
        made = self._guards.get(id(expr))
        if made is None:
            made = self._guards[id(expr)] = codegen.function(expr)
        return made

    def approver(self, rule: str) -> codegen.Function:
        """Return the function that says whether an entity may approve what a rule asks for."""
        made = self._approvers.get(rule)
        if made is None:
            made = self._approvers[rule] = codegen.function(self.bucket.approver_checks[rule])
        return made


def _again(first: Decide, again: fused.Decide) -> Decide:
    """Let forbids that ask who acts stop a link for everyone else who could have called; their values stand last."""

    def decide(values: fused.Values) -> LinkOutcome:
        found = first(values)
        if not found.denies:
            for other in values[-1]:
                stopped: LinkOutcome | None = again(other)
                if stopped is not None:
                    return stopped
        return found

    return decide


def _matching_again(first: fused.Decide, again: fused.Decide) -> fused.Decide:
    """List approvals that match for anyone who could have called."""

    def matches(values: fused.Values) -> list[int]:
        found: list[int] = first(values)
        for other in values[-1]:
            found += again(other)
        return found

    return matches


class Engine:
    """Decides links for one program and one world."""

    def __init__(self, program: Program, world: World, digest: Callable[[], str]) -> None:
        """Index the rules by action; everything else waits for the first request that needs it."""
        self.program = program
        self.world = world
        self.outcomes_of_rules = Outcomes(program, digest)
        self._pool: fused.Pool = {}
        self._rules: dict[str, list[RuleSymbol]] = {}
        for rule in program.rules:
            for action in rule.actions:
                self._rules.setdefault(action, []).append(rule)
        self._buckets: dict[tuple[str, str, str], CompiledBucket] = {}
        self._building = threading.Lock()  # a bucket of many rules takes long, so no two threads build the same

    def rules_about(self, action: str) -> list[RuleSymbol]:
        """Return the rules that are about an action (by key), by name."""
        return self._rules.get(action, [])

    def bucket(self, action: str, subject: str, resource: str) -> CompiledBucket:
        """Return the bucket of an action, a subject type and a resource type (by key)."""
        key = (action, subject, resource)
        found = self._buckets.get(key)
        return self._built(key) if found is None else found

    def _built(self, key: tuple[str, str, str]) -> CompiledBucket:
        with self._building:
            found = self._buckets.get(key)
            if found is None:
                made = tree.bucket(self.program, self._rules.get(key[0], ()), *key, self._entity)
                found = self._buckets[key] = CompiledBucket(made, self.outcomes_of_rules, self._pool)
        return found

    def _entity(self, kind: str, identity: str) -> Entity:
        """Return the entity that a literal names, with what the store knows of it."""
        key = f"{kind}::{identity}"
        return self.world.entity(key) or Entity(kind, identity, None, frozenset(), frozenset({key}))

    def warm(self) -> Iterator[tuple[str, str, str]]:
        """Build and compile every bucket now instead of at its first request; yield its action and types (by key)."""
        subjects = [key for key, kind in self.program.types.items() if kind.kind == "subject"]
        for action in self.program.actions.values():
            for resource in sorted(action.on):
                for subject in subjects:
                    self.bucket(action.key, subject, resource).warm()
                    yield action.key, resource, subject

    def buckets(self, shape: Shape) -> tuple[CompiledBucket, ...]:
        """Return the bucket of each link."""
        action, resource = shape.action.key, shape.resource.type.key
        return tuple(self.bucket(action, raw.type.key, resource) for raw in shape.chain)

    def needs(self, shape: Shape, buckets: tuple[CompiledBucket, ...]) -> Needs:
        """Return the attributes that the rules applicable to any link read."""
        subjects: list[frozenset[str]] = []
        for at, raw in enumerate(shape.chain):
            kind = raw.type
            read = set(buckets[at].bucket.needs.of("subject"))
            if at > 0:
                read |= buckets[at - 1].bucket.needs.of_other("delegator", kind.key) & kind.attributes.keys()
            for bucket in buckets[at:]:
                read |= bucket.bucket.needs.of_other("actor", kind.key) & kind.attributes.keys()
            subjects.append(frozenset(read))
        resource = frozenset[str]().union(*(b.bucket.needs.of("resource") for b in buckets))
        context = frozenset[str]().union(*(b.bucket.needs.of("context") for b in buckets))
        return Needs(tuple(subjects), resource, context)

    @staticmethod
    def views(request: Request, buckets: tuple[CompiledBucket, ...], at: int) -> list[Arguments]:
        """Return what the compiled functions take for one link, for everyone who could have called.

        A rule that reads the actor might forbid what a person does directly and not what an agent does for them. So
        that nobody gets more through another, a link for which any rule asks who acts is decided as if the call had
        come from each principal up to the link itself, and the least counts; other links are decided once.
        """
        chain = request.chain
        delegator = chain[at + 1] if at + 1 < len(chain) else None
        callers = range(at + 1 if buckets[at].bucket.asks_who_acts else 1)
        fixed = (chain[at], request.resource, request.args, request.context, delegator)
        return [(*fixed, chain[caller], len(chain) - 1 - caller) for caller in callers]

    def steps(self, request: Request, buckets: tuple[CompiledBucket, ...]) -> Steps:
        """Return the function and the values for each link."""
        return tuple(self._step(bucket, self.views(request, buckets, at)) for at, bucket in enumerate(buckets))

    @staticmethod
    def _step(bucket: CompiledBucket, views: list[Arguments]) -> tuple[Decide, Any]:
        values, *others = [bucket.values(*view) for view in views]
        return bucket.decide, (*values[:-1], tuple(others)) if others else values

    def stopped(self, bucket: CompiledBucket, views: list[Arguments]) -> LinkOutcome | None:
        """Return how a link is denied if that is found for all its views at once, without any error on the way.

        A forbid that stops the call of somebody else is found before approvals are looked at. Deciding view by view
        looks at them first, and would tell of their errors, too.
        """
        decide, values = self._step(bucket, views)
        try:
            found = decide(values)
        except Exception:  # decided view by view it is found again, and accounted for
            return None
        return found if found.denies else None

    def ready(self, steps: Steps) -> tuple[Callable[[Any], LinkOutcome], Any]:
        """Return what decides links, and what it takes."""
        if len(steps) == 1:
            return steps[0]
        return (self.pair, (*steps[0], *steps[1])) if len(steps) == 2 else (self.chain, steps)

    def chain(self, steps: Steps) -> LinkOutcome:
        """Decide several links; like the function of a bucket it raises whenever something is in error."""
        found: LinkOutcome | None = None
        for decide, values in steps:
            link = decide(values)
            if link.denies:
                return link
            found = link if found is None else found.after.get(link) or self.outcomes_of_rules.joined(found, link)
        assert found is not None
        return found

    def pair(self, steps: Pair) -> LinkOutcome:
        """Decide two links, which is what most chains have: without a loop, and from one tuple instead of three."""
        decide, values, decide_next, values_next = steps
        first = decide(values)
        if first.denies:
            return first
        second = decide_next(values_next)
        if second.denies:
            return second
        return first.after.get(second) or self.outcomes_of_rules.joined(first, second)

    def link(self, bucket: CompiledBucket, arguments: Arguments) -> LinkOutcome:
        """Decide one link."""
        try:
            return bucket.decide(bucket.values(*arguments))
        except Exception:  # whatever it was, the exact way finds and reports it, rule by rule
            return self.exact(bucket, arguments)

    def exact(self, bucket: CompiledBucket, arguments: Arguments) -> LinkOutcome:
        """Decide one link rule by rule, with every error."""
        return self.settled(self.outcomes(bucket, arguments))

    @staticmethod
    def settled(outcomes: Iterable[RuleOutcome]) -> LinkOutcome:
        """Return how a link is decided by what came of each of its rules."""
        matched: dict[str, list[int]] = {"forbid": [], "permit": [], "require_approval": []}
        errors = []
        for found in outcomes:
            if found.error is not None:
                errors.append(found.error)
            if found.counts:
                matched[found.test.rule.effect].append(found.test.rule.index)
        if matched["forbid"]:
            return LinkOutcome(Effect.DENY, tuple(matched["forbid"]), errors=tuple(errors))
        if not matched["permit"]:
            return LinkOutcome(Effect.DENY, errors=tuple(errors))
        waits = tuple(matched["require_approval"])
        effect = Effect.REQUIRE_APPROVAL if waits else Effect.ALLOW
        return LinkOutcome(effect, tuple(matched["permit"]), waits, tuple(errors))

    def outcomes_for_all(self, bucket: CompiledBucket, views: list[Arguments]) -> list[RuleOutcome]:
        """Return how every rule fares on a link: as it does for the first who could have called and for whom it counts.

        A rule that counts for any of them narrows the link, so what these outcomes settle is the least of all views.
        One that counts for nobody is shown as the call was made. Permits fare alike in all views.
        """
        first, *others = views
        found = list(self.outcomes(bucket, first))
        for view in others:
            found = [
                one if one.counts or one.test.rule.effect == "permit" else self._counting(bucket, one, view)
                for one in found
            ]
        return found

    def _counting(self, bucket: CompiledBucket, found: RuleOutcome, view: Arguments) -> RuleOutcome:
        other = self._outcome(bucket, found.test, view)
        return other if other.counts else found

    def outcomes(self, bucket: CompiledBucket, arguments: Arguments) -> Iterator[RuleOutcome]:
        """Yield how every rule of a bucket fares, each on its own."""
        for test in bucket.bucket.tests:
            yield self._outcome(bucket, test, arguments)

    @staticmethod
    def _outcome(bucket: CompiledBucket, test: ir.Test, arguments: Arguments) -> RuleOutcome:
        for guard in test.guards:
            holds, error = attempt(bucket.compiled(guard.condition), arguments)
            if error is not None:
                return RuleOutcome(test, "error", arguments, guard, described(error, test.rule.name))
            if not holds:
                return RuleOutcome(test, "failed", arguments, guard)
        return RuleOutcome(test, "matched", arguments)


def failures(test: ir.Test, bucket: CompiledBucket, arguments: Arguments) -> int:
    """Return how many guards of a rule do not hold, each on its own."""
    return sum(attempt(bucket.compiled(guard.condition), arguments)[0] is not True for guard in test.guards)


def attempt(function: codegen.Function, arguments: Arguments) -> tuple[Any, Exception | None]:
    """Evaluate compiled code; return its value, or None and what went wrong.

    The language says what an error in a rule means, so whatever is raised must end here and be accounted for.
    """
    try:
        return function(*arguments), None
    except Exception as error:
        return None, error


def described(error: Exception, rule: str | None) -> DecisionError:
    """Say what went wrong while a rule was evaluated."""
    if isinstance(error, EvaluationError):
        return DecisionError(error.code, error.message, rule)
    return DecisionError("internal-error", f"evaluation stopped with {type(error).__name__}", rule)
