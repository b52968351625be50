"""A program ready to decide: the decision point.

A request is read, its links are decided each on its own, and the answer is the least permissive of theirs. Nothing a
request can contain makes this raise: what cannot be decided is denied, with the reason among the errors.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from attrs import define, field, frozen

from ..checker.symbols import Program
from ..compiler.digest import digest
from . import canonical, evidence
from .decision import ApprovalStatus, Decision, DecisionError, Effect
from .engine import Arguments, CompiledBucket, Engine, RuleOutcome
from .entities import Entities, World
from .explanation import Explanation, explain
from .outcomes import LinkOutcome, status
from .plain import PlainRequests
from .problems import InvalidRequest
from .request import Request as Validated
from .request import read_shape, validate

_NO_APPROVALS: Final = ()


@define(eq=False)
class Request:
    """A request in its JSON shape, validated once for the policy set that made it and decided many times.

    Another policy set validates it again for itself. `problems` says what is wrong with it; then every decision on it
    is a denial.
    """

    raw: Mapping[str, Any]
    problems: tuple[DecisionError, ...] = ()
    _owner: object = field(default=None, repr=False)
    _prepared: Prepared | None = field(default=None, repr=False)
    _decide: Callable[[Any], LinkOutcome] = field(default=lambda _: LinkOutcome(Effect.DENY), repr=False)
    _values: Any = field(default=None, repr=False)

    def prepared_for(self, owner: object) -> Prepared | None:
        """Return what was prepared for an owner, or None if it was prepared for nobody or somebody else."""
        return self._prepared if self._owner is owner else None


@frozen(eq=False)
class Prepared:
    """A validated request with the bucket of each of its links."""

    request: Validated
    buckets: tuple[CompiledBucket, ...]


class PolicySet:
    """A compiled program, with or without an entity store. It never changes, so threads can share it."""

    def __init__(self, program: Program, entities: Entities | None = None) -> None:
        """Compile a program that was checked without errors; raise `EntitiesError` where the store does not fit."""
        self.program = program
        self._world = World(program, entities)
        self._engine = Engine(program, self._world, lambda: self.digest)
        self._plain = PlainRequests(self._engine)

    def bind(self, entities: Entities) -> PolicySet:
        """Return a policy set of the same program that looks entities up in a store."""
        return PolicySet(self.program, entities)

    @property
    def world(self) -> World:
        """What is known of entities."""
        return self._world

    @cached_property
    def digest(self) -> str:
        """`sha256:…` of the canonical program; equal whatever the order of files and declarations."""
        return self.program.digest or digest(self.program)

    def warm(self) -> None:
        """Compile everything now, so that no request waits for it."""
        types = self.program.types
        for action, resource, subject in self._engine.warm():
            self._plain.warm(self.program.actions[action].external, types[resource].external, types[subject].external)

    # --- requests

    def request(
        self,
        *,
        subject: Mapping[str, Any],
        action: Mapping[str, Any] | str,
        resource: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
    ) -> Request:
        """Validate a request once, to decide it many times; never raises, see `Request.problems`."""
        named = {"name": action} if isinstance(action, str) else action
        raw = {"subject": subject, "action": named, "resource": resource, "context": {} if context is None else context}
        try:
            raw = copy.deepcopy(raw)
            prepared = self._prepare(raw)
            steps = self._engine.steps(prepared.request, prepared.buckets)
            return Request(raw, (), self, prepared, *self._engine.ready(steps))
        except InvalidRequest as invalid:
            return Request(raw, _errors(invalid))
        except Exception as error:  # a request that cannot even be copied is one that cannot be decided
            return Request(raw, (_internal(error),))

    def _prepare(self, raw: object) -> Prepared:
        shape = read_shape(self._world, raw)
        buckets = self._engine.buckets(shape)
        return Prepared(validate(self._world, shape, self._engine.needs(shape, buckets)), buckets)

    def _prepared(self, request: Mapping[str, Any] | Request) -> Prepared:
        if isinstance(request, Request):
            return request.prepared_for(self) or self._prepare(request.raw)
        return self._prepare(request)

    # --- decisions

    def decide(self, request: Mapping[str, Any] | Request, approvals: Iterable[Any] = ()) -> Decision:
        """Decide a request. `approvals` are the evidence beside it, never part of it. Never raises."""
        if approvals is _NO_APPROVALS:
            try:
                if request.__class__ is Request:
                    found = request._decide(request._values) if request._owner is self else None
                else:
                    found = self._plain.decide(request)
                if found is not None and found.decision is not None:
                    return found.decision
            except Exception:  # below, each problem is found, and each rule accounts for its own error
                pass
        try:
            prepared = self._prepared(request)
            return self._decide(prepared, approvals)
        except InvalidRequest as invalid:
            return Decision(Effect.DENY, self.digest, errors=_errors(invalid))
        except Exception as error:  # fail closed: whatever went wrong, the answer is no
            return Decision(Effect.DENY, self.digest, errors=(_internal(error),))

    def decide_many(self, requests: Iterable[Mapping[str, Any] | Request]) -> Iterator[Decision]:
        """Decide requests one by one, as they come."""
        for request in requests:
            yield self.decide(request)

    def explain(
        self, request: Mapping[str, Any] | Request, approvals: Iterable[Any] = (), *, all_rules: bool = False
    ) -> Explanation:
        """Decide a request and say why; `all_rules` lists rules that are otherwise only counted.

        Raises nothing, whatever the request is.
        """
        given: object = approvals  # whatever it is, `decide` says what is wrong with it
        approvals = list(given) if isinstance(given, Iterable) else [given]
        raw = request.raw if isinstance(request, Request) else request
        decision = self.decide(request, approvals)
        return explain(self._engine, self.decide, decision, raw, approvals, all_rules=all_rules)

    def counting(self, request: Mapping[str, Any] | Request) -> frozenset[str]:
        """Return the names of the rules that count for the principal that acts; raise `InvalidRequest`."""
        prepared = self._prepared(request)
        bucket = prepared.buckets[0]
        (arguments,) = self._engine.views(prepared.request, prepared.buckets, 0)
        return frozenset(o.test.rule.name for o in self._engine.outcomes(bucket, arguments) if o.counts)

    def outcomes(self, request: Mapping[str, Any] | Request) -> Iterator[RuleOutcome]:
        """Yield how each rule that fits fares, for every link and whoever could have called; raise `InvalidRequest`."""
        prepared = self._prepared(request)
        for at, bucket in enumerate(prepared.buckets):
            for arguments in self._engine.views(prepared.request, prepared.buckets, at):
                yield from self._engine.outcomes(bucket, arguments)

    def determining(self, request: Mapping[str, Any] | Request) -> frozenset[str]:
        """Return the names of all rules that determine a decision without approvals; raise `InvalidRequest`.

        Those are the rules of all links that are decided as the request is: forbids, approvals or permits.
        """
        prepared = self._prepared(request)
        effect = self._decide(prepared, ()).effect
        found: set[str] = set()
        for at, bucket in enumerate(prepared.buckets):
            views = self._engine.views(prepared.request, prepared.buckets, at)
            outcome = self._engine.settled(self._engine.outcomes_for_all(bucket, views))
            if outcome.effect is effect:
                found.update(self._engine.outcomes_of_rules.names(outcome.waits or outcome.rules))
        return frozenset(found)

    def approval_digest(self, request: Mapping[str, Any] | Request) -> str:
        """Return what an approval of this request is bound to: `sha256:…`; raise `InvalidRequest` for a bad one."""
        return canonical.approval_digest(self.digest, self._prepared(request).request)

    def _decide(self, prepared: Prepared, approvals: Iterable[Any]) -> Decision:
        engine, request = self._engine, prepared.request
        found: list[tuple[CompiledBucket, Arguments, LinkOutcome]] = []
        errors: list[DecisionError] = []
        for at, bucket in enumerate(prepared.buckets):
            views = engine.views(request, prepared.buckets, at)
            stopped = engine.stopped(bucket, views) if len(views) > 1 else None
            for arguments in views:
                outcome = stopped or engine.link(bucket, arguments)
                errors += outcome.errors
                if outcome.effect is Effect.DENY:
                    names = self._engine.outcomes_of_rules.names(outcome.rules)
                    return Decision(Effect.DENY, self.digest, names, errors=tuple(dict.fromkeys(errors)))
                found.append((bucket, arguments, outcome))
        granted = self._engine.outcomes_of_rules.names(i for _, _, outcome in found for i in outcome.rules)
        if not any(outcome.waits for _, _, outcome in found):
            return Decision(Effect.ALLOW, self.digest, granted, errors=tuple(dict.fromkeys(errors)))
        statuses = self._statuses(request, found, approvals, errors)
        pending = tuple(s.rule for s in statuses if not s.satisfied)
        effect = Effect.REQUIRE_APPROVAL if pending else Effect.ALLOW
        return Decision(effect, self.digest, pending or granted, statuses, tuple(dict.fromkeys(errors)))

    # --- approvals

    def _statuses(
        self,
        request: Validated,
        links: list[tuple[CompiledBucket, Arguments, LinkOutcome]],
        approvals: Iterable[Any],
        errors: list[DecisionError],
    ) -> tuple[ApprovalStatus, ...]:
        """Say of each approval that matches whether the evidence satisfies it, wherever it matches."""
        given = evidence.read(approvals, self._world, errors)
        bound = canonical.approval_digest(self.digest, request) if given else ""
        now = evidence.time_of(self._world, request) if given else None
        found: dict[int, tuple[str, ...]] = {}
        for bucket, arguments, outcome in links:
            for index in outcome.waits:
                rule = self.program.rules[index]
                people = evidence.approved_by(rule, given, bound, now, bucket, arguments, request.chain, errors)
                before = found.get(index, people)
                found[index] = tuple(p for p in before if p in people)
        return tuple(status(self.program.rules[i], people) for i, people in sorted(found.items()))


def _errors(invalid: InvalidRequest) -> tuple[DecisionError, ...]:
    return tuple(DecisionError(p.code, p.message, path=p.path) for p in invalid.problems)


def _internal(error: Exception) -> DecisionError:
    return DecisionError("internal-error", f"the request could not be decided: {type(error).__name__}")
