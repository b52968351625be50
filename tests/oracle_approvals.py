"""The oracle of approvals: which of those given beside a request count, worked out as naively as the decision itself.

What an approval is bound to is a digest, and working that out is not said a second time: the digest of the call is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from kynara_lang.checker.symbols import RuleSymbol
from kynara_lang.semantics import times
from kynara_lang.semantics.problems import ValueProblem
from tests.oracle import Ent, Fault, Invalid, Oracle, ensure


@frozen
class Outcome:
    """What is decided, which approvals are still missing, and who counts as having approved each rule that asks."""

    decision: str
    pending: frozenset[str] = frozenset()
    people: Mapping[str, frozenset[Ent]] = {}


def outcome(oracle: Oracle, request: dict, approvals: Iterable[object], digest: str) -> Outcome:
    """Decide a well-formed request with approvals beside it."""
    action, views = oracle.views(request)
    links = [oracle.link(names, action) for names in views]
    if any(link.decision == "deny" for link in links):
        return Outcome("deny")
    rules = {rule.name: rule for rule in oracle.program.rules if rule.effect == "require_approval"}
    given = [read for item in approvals if (read := _read(oracle, item, rules)) is not None and read[1] == digest]
    people: dict[str, frozenset[Ent]] = {}
    for names, link in zip(views, links, strict=True):
        for name in link.rules if link.decision == "require_approval" else ():
            mine = [(approvers, until) for rule, _, approvers, until in given if rule == name]
            who = _counting(oracle, rules[name], mine, {one["subject"] for one in views}, names, _now(oracle, request))
            people[name] = people.get(name, who) & who
    pending = frozenset(name for name, who in people.items() if len(who) < rules[name].approval.quorum)
    return Outcome("require_approval" if pending else "allow", pending, people)


def _read(oracle: Oracle, item: object, rules: Mapping[str, RuleSymbol]) -> tuple | None:
    """Return rule, digest, approvers and expiry, or None for what is no approval."""
    try:
        ensure(isinstance(item, Mapping))
        ensure(all(isinstance(item.get(name), str) for name in ("rule", "digest", "expires")))
        ensure(item["rule"] in rules)
        ensure(isinstance(item.get("approvers"), list) and item["approvers"] != [])
        subjects = frozenset(key for key, kind in oracle.program.types.items() if kind.kind == "subject")
        approvers = [oracle.read_reference(raw, subjects) for raw in item["approvers"]]
        return item["rule"], item["digest"], approvers, times.read_time(item["expires"])
    except (Invalid, ValueProblem):
        return None


def _now(oracle: Oracle, request: dict) -> int | None:
    raw = request.get("context", {}).get(oracle.program.context["now"].external)
    try:
        return times.read_time(raw) if isinstance(raw, str) else None
    except ValueProblem:
        return None


def _counting(
    oracle: Oracle, rule: RuleSymbol, given: list, chain: set[Ent], names: dict, now: int | None
) -> frozenset[Ent]:
    """Return who approved a rule on one link: nobody of the chain, in time, and among those whom the rule asks."""
    found = set()
    for approvers, until in given:
        if now is not None and now < until <= now + rule.approval.expires:
            found |= {one for one in approvers if one not in chain and _may(oracle, rule, one, names)}
    return frozenset(found)


def _may(oracle: Oracle, rule: RuleSymbol, approver: Ent, names: dict) -> bool:
    # Of whom nothing is known nobody knows a role; what `where` asks of them beyond that is an error.
    described = Ent(approver.type, approver.id, approver.raw or {"type": approver.type, "id": approver.id})
    if not any(oracle.fits(pattern, described) for pattern in rule.approval.approvers):
        return False
    try:
        return rule.approval.where is None or oracle.value(rule.approval.where, {**names, "approver": approver}) is True
    except Fault:
        return False
