"""Why a request is decided as it is, worked out only when somebody asks.

Every link is decided again rule by rule with the same compiled conditions, so that the explanation cannot disagree with
the decision. For a rule that fits, each clause is shown with what it read; for one that does not, the clause that
kept it out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import nsmallest
from typing import Any, Literal

from attrs import frozen

from ..checker.symbols import Program, RuleSymbol
from ..compiler import ir
from ..diagnostics.source import Span
from ..semantics.display import display, display_entity, is_of
from ..syntax import ast
from ..syntax.packed import NoRule
from . import approvers, canonical, counterfactual
from .approvers import Unapprovable
from .decision import Decision, DecisionError, Effect
from .engine import Arguments, CompiledBucket, Engine, RuleOutcome, attempt, failures
from .ignored import ignored_attributes
from .outcomes import LinkOutcome
from .problems import InvalidRequest
from .request import Request as Validated
from .request import Shape, read_shape, validate

Outcome = Literal["matched", "failed", "not_applicable", "error"]
_SHOWN = 120
_LISTED = 50
_NEAREST = 10
_CLAUSES: dict[str, type[ast.Clause]] = {
    "action": ast.ActionClause,
    "subject": ast.SubjectClause,
    "resource": ast.ResourceClause,
}


@frozen
class ClauseResult:
    """One clause of a rule on one link: whether it holds (None where that has no answer) and what it read."""

    kind: str
    text: str
    span: Span
    holds: bool | None
    values: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "clause": self.kind,
            "text": self.text,
            "holds": self.holds,
            "values": dict(self.values),
            "range": _range(self.span),
        }


@frozen
class Considered:
    """A rule on a link: what came of it, and the clause that decided that.

    `as_if` names the principal as whose own call the rule counts, where it does not count for the call that was made.
    """

    rule: RuleSymbol
    outcome: Outcome
    clause: ClauseResult | None = None
    reason: str | None = None
    error: DecisionError | None = None
    clauses: tuple[ClauseResult, ...] = ()
    as_if: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        found: dict[str, Any] = {"rule": self.rule.name, "effect": self.rule.effect, "outcome": self.outcome}
        if self.as_if is not None:
            found["as_if_called_by"] = self.as_if
        if self.clause is not None:
            found |= {"clause": self.clause.kind, "text": self.clause.text, "range": _range(self.clause.span)}
        if self.reason is not None:
            found["reason"] = self.reason
        if self.error is not None:
            found["error"] = self.error.to_dict()
        values = {name: value for c in self.clauses for name, value in c.values.items()}
        found["values"] = dict(self.clause.values) if self.clause and self.outcome != "matched" else values
        return found


@frozen
class Pruned:
    """Rules kept out by one kind of clause that are counted instead of listed."""

    clause: str
    reason: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {"clause": self.clause, "reason": self.reason, "count": self.count}


@frozen
class LinkExplanation:
    """One link of the chain: who, how it alone would be decided, by which rules, and the rules considered.

    `considered` lists every rule that matches or is in error, and the others as long as the list stays short (all of
    them where asked for): first those whose action and types fit. `pruned` counts the rest by what kept them out.
    """

    subject: str
    effect: Effect
    rules: tuple[str, ...]
    considered: tuple[Considered, ...]
    pruned: tuple[Pruned, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "subject": self.subject,
            "decision": str(self.effect),
            "rules": list(self.rules),
            "considered": [c.to_dict() for c in self.considered],
            "pruned": [p.to_dict() for p in self.pruned],
        }


@frozen
class NearMiss:
    """A permit that fits a link by its types and fails: the fewer clauses fail, the nearer."""

    link: int
    rule: RuleSymbol
    clauses: tuple[ClauseResult, ...]

    @property
    def failed(self) -> int:
        """How many clauses do not hold."""
        return sum(clause.holds is not True for clause in self.clauses)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "rule": self.rule.name,
            "link": self.link,
            "failed": self.failed,
            "clauses": [c.to_dict() for c in self.clauses],
        }


@frozen
class Explanation:
    """Why a request is decided as it is: per link, with near misses and what would change the decision.

    `approval_digest` is what an approval of this call must be bound to, where one is asked for; `unapprovable` are the
    rules that wait for one and for which none was found that would count.
    """

    decision: Decision
    action: str
    resource: str
    links: tuple[LinkExplanation, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    counterfactual: tuple[counterfactual.Change, ...] = ()
    ignored_attributes: tuple[str, ...] = ()
    approval_digest: str | None = None
    unapprovable: tuple[Unapprovable, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape of INTERFACE."""
        return {
            **self.decision.to_dict(),
            "links": [link.to_dict() for link in self.links],
            "near_misses": [miss.to_dict() for miss in self.near_misses],
            "counterfactual": [change.to_dict() for change in self.counterfactual],
            "ignored_attributes": list(self.ignored_attributes),
            "approval_digest": self.approval_digest,
            "unapprovable": [without.to_dict() for without in self.unapprovable],
        }


def explain(
    engine: Engine,
    decide: counterfactual.Decide,
    decision: Decision,
    raw: Mapping[str, Any],
    approvals: Iterable[Any],
    *,
    all_rules: bool = False,
) -> Explanation:
    """Explain a decision that was made on a request; `all_rules` lists even those that were only counted."""
    try:
        return _explained(engine, decide, decision, raw, approvals, all_rules=all_rules)
    except NoRule:  # the decision says that it could not be made
        return _without_links(decision, raw)


def _explained(
    engine: Engine,
    decide: counterfactual.Decide,
    decision: Decision,
    raw: Mapping[str, Any],
    approvals: Iterable[Any],
    *,
    all_rules: bool,
) -> Explanation:
    """Explain a decision of a program of which every rule can be read."""
    try:
        shape = read_shape(engine.world, raw)
        buckets = engine.buckets(shape)
        request = validate(engine.world, shape, engine.needs(shape, buckets))
    except InvalidRequest:
        return _without_links(decision, raw)
    links, misses = [], []
    satisfied = {status.rule for status in decision.approvals if status.satisfied}
    for at, bucket in enumerate(buckets):
        views = engine.views(request, buckets, at)
        outcomes = engine.outcomes_for_all(bucket, views)
        link = _link(engine, shape, request, at, bucket, outcomes, satisfied, all_rules=all_rules)
        links.append(link)
        if link.effect is Effect.DENY:
            misses += _near(at, bucket, views[0], outcomes, all_rules=all_rules)
    misses.sort(key=lambda m: (m.failed, m.rule.name, m.link))
    views = [(bucket, view) for at, bucket in enumerate(buckets) for view in engine.views(request, buckets, at)]
    approved = approvers.made_up(engine, decision, raw, request, views)
    changes = counterfactual.search(decide, engine, decision, request, buckets, raw, list(approvals), approved)
    return Explanation(
        decision,
        shape.action.name,
        display_entity(request.resource),
        tuple(links),
        tuple(misses if all_rules else misses[:_NEAREST]),
        changes,
        tuple(dict.fromkeys(ignored_attributes(engine.world, shape))),
        _binding(decision, request) if decision.approvals else None,
        approved.without,
    )


def _without_links(decision: Decision, raw: object) -> Explanation:
    """Return the explanation of a request that no rule was asked about."""
    return Explanation(decision, _said(raw, "action", "name"), _said(raw, "resource", "id"))


def _binding(decision: Decision, request: Validated) -> str | None:
    """Return what an approval is bound to, or None for a call that nobody can approve: it is not JSON throughout."""
    try:
        return canonical.approval_digest(decision.policy_digest, request)
    except InvalidRequest:
        return None


def _said(raw: object, part: str, member: str) -> str:
    inner = raw.get(part) if isinstance(raw, Mapping) else None
    value = inner.get(member) if isinstance(inner, Mapping) else None
    return value[:_SHOWN] if isinstance(value, str) else "?"


# --- one link


def _link(
    engine: Engine,
    shape: Shape,
    request: Validated,
    at: int,
    bucket: CompiledBucket,
    outcomes: list[RuleOutcome],
    satisfied: Collection[str],
    *,
    all_rules: bool,
) -> LinkExplanation:
    effect, rules = _answer(engine.settled(outcomes), engine.program, satisfied)
    counts = dict(_others(engine, shape, at, bucket))
    shown = outcomes if all_rules else _short(outcomes, counts)
    found = {o.test.rule.index: _considered(o, bucket, request) for o in shown}
    room = len(engine.program.rules) if all_rules else max(0, _LISTED - len(outcomes))
    about = engine.rules_about(shape.action.key)
    for rule in _unlike(bucket, about):
        if room == 0:
            break
        found[rule.index] = _pruned(shape, at, rule)
        counts[_kept_out(shape, at, rule)] -= 1
        room -= 1
    elsewhere = len(engine.program.rules) - len(about)
    if elsewhere <= room:
        for rule in engine.program.rules:
            if shape.action.key not in rule.actions:
                found[rule.index] = _pruned(shape, at, rule)
    elif elsewhere:
        counts[("action", f"it is not about `{shape.action.name}`")] = elsewhere
    return LinkExplanation(
        display_entity(request.chain[at]),
        effect,
        rules,
        tuple(found[index] for index in sorted(found)),
        tuple(Pruned(clause, reason, count) for (clause, reason), count in counts.items() if count),
    )


def _answer(outcome: LinkOutcome, program: Program, satisfied: Collection[str]) -> tuple[Effect, tuple[str, ...]]:
    """Return how a link is decided, and by which rules, once the approvals that were given are counted."""
    granted, waits = (tuple(program.rules[i].name for i in found) for found in (outcome.rules, outcome.waits))
    if not waits:
        return outcome.effect, granted
    pending = tuple(name for name in waits if name not in satisfied)
    return (Effect.REQUIRE_APPROVAL, pending) if pending else (Effect.ALLOW, granted)


def _short(outcomes: list[RuleOutcome], counts: dict[tuple[str, str], int]) -> list[RuleOutcome]:
    """Return the rules to list, those that count before others; count the rest."""
    room = _LISTED - sum(o.outcome != "failed" for o in outcomes)
    shown = []
    for outcome in outcomes:
        if outcome.outcome == "failed":
            room -= 1
            if room < 0 and outcome.guard is not None:
                key = (outcome.guard.kind, f"its `{outcome.guard.kind}` clause does not hold")
                counts[key] = counts.get(key, 0) + 1
                continue
        shown.append(outcome)
    return shown


def _unlike(bucket: CompiledBucket, about: list[RuleSymbol]) -> Iterator[RuleSymbol]:
    """Yield the rules about an action whose types do not fit a bucket."""
    fitting = bucket.fitting
    return (rule for rule in about if rule.index not in fitting)


def _others(engine: Engine, shape: Shape, at: int, bucket: CompiledBucket) -> Mapping[tuple[str, str], int]:
    """Count the rules about an action whose types do not fit, by what keeps them out: always the same of a bucket."""
    if bucket.kept_out is None:
        counts: dict[tuple[str, str], int] = {}
        for rule in _unlike(bucket, engine.rules_about(shape.action.key)):
            key = _kept_out(shape, at, rule)
            counts[key] = counts.get(key, 0) + 1
        bucket.kept_out = counts
    return bucket.kept_out


def _considered(outcome: RuleOutcome, bucket: CompiledBucket, request: Validated) -> Considered:
    clauses = _clauses(outcome.test, bucket, outcome.arguments)
    decisive = next((c for g, c in zip(outcome.test.guards, clauses, strict=True) if g is outcome.guard), None)
    caller = outcome.arguments[5]
    as_if = None if caller is request.chain[0] else display_entity(caller)
    return Considered(outcome.test.rule, outcome.outcome, decisive, None, outcome.error, clauses, as_if)


def _clauses(test: ir.Test, bucket: CompiledBucket, arguments: Arguments) -> tuple[ClauseResult, ...]:
    return tuple(clause_result(guard, bucket, arguments) for guard in test.guards)


def clause_result(guard: ir.Guard, bucket: CompiledBucket, arguments: Arguments) -> ClauseResult:
    """Evaluate one clause on its own, and what it reads."""
    holds, error = attempt(bucket.compiled(guard.condition), arguments)
    if error is not None:
        holds = None  # it may lean on what an earlier clause proves; then it has no answer of its own
    values = {}
    for read in guard.reads:
        value, error = attempt(bucket.compiled(read.value), arguments)
        there = error is None and value is not None and _is_meant(read, value, arguments)
        values[read.text] = display(value, read.type, _SHOWN) if there else "absent"
    if guard.kind == "subject":
        values |= _of_subject(arguments[0])
    return ClauseResult(guard.kind, clause_text(guard.span), guard.span, holds, values)


def _is_meant(read: ir.Shown, value: Any, arguments: Arguments) -> bool:
    """Whether what was found is what the clause means: `subject.from` behind `subject is User` means no Team's."""
    people = {"subject": arguments[0], "resource": arguments[1], "delegator": arguments[4], "actor": arguments[5]}
    for node in ir.descend(read.value):
        if isinstance(node, ir.Read) and node.kinds is not None and node.root in people:
            if people[node.root] is None or people[node.root].type not in node.kinds:
                return False
    return is_of(value, read.type)


def _of_subject(subject: Any) -> dict[str, str]:
    roles = ", ".join(sorted(r.rpartition(".")[2] for r in subject.roles)) or "none"
    return {"subject": display_entity(subject), "roles": roles}


def clause_text(clause: Span) -> str:
    """Return a clause as written, without its keyword, on one line."""
    return " ".join(clause.text.split()).partition(" ")[2]


def _pruned(shape: Shape, at: int, rule: RuleSymbol) -> Considered:
    """Say which clause keeps a rule out by action or type."""
    word, reason = _kept_out(shape, at, rule)
    kind = _CLAUSES[word]
    clause = next((c for c in rule.decl.clauses if isinstance(c, kind)), None)
    result = None if clause is None else ClauseResult(word, clause_text(clause.span), clause.span, False, {})
    return Considered(rule, "not_applicable", result, reason)


def _kept_out(shape: Shape, at: int, rule: RuleSymbol) -> tuple[str, str]:
    """Return the clause that keeps a rule out, and why, in words."""
    kind = shape.chain[at].type
    if shape.action.key not in rule.actions:
        return "action", f"it is not about `{shape.action.name}`"
    if kind.key not in rule.subject_types:
        return "subject", f"it is not for {_an(kind.name)}"
    return "resource", f"it is not on {_an(shape.resource.type.name)}"


def _an(name: str) -> str:
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def _near(
    at: int, bucket: CompiledBucket, arguments: Arguments, outcomes: list[RuleOutcome], *, all_rules: bool
) -> list[NearMiss]:
    """Return the permits that failed, or those of them that failed least."""
    failed = [o for o in outcomes if o.test.rule.effect == "permit" and o.outcome != "matched"]
    if not all_rules:
        failed = nsmallest(_NEAREST, failed, key=lambda o: (failures(o.test, bucket, arguments), o.test.rule.name))
    return [NearMiss(at, o.test.rule, _clauses(o.test, bucket, arguments)) for o in failed]


def _range(span: Span) -> dict[str, Any]:
    first, last = span.first, span.last
    return {
        "file": span.source.name,
        "start": {"line": first.line, "column": first.column, "offset": first.offset},
        "end": {"line": last.line, "column": last.column, "offset": last.offset},
    }
