"""Answering a request for approval: whether somebody may, and whether there are enough, as the policies say.

The policies are asked with the very call that is to be approved and the answers given so far as evidence, as it stood
when it was asked for. So a rule's `from` means here what it means when the approval is used, where it is looked at
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from ..runtime.decision import Decision, Effect
from ..runtime.policyset import PolicySet
from ..runtime.problems import InvalidRequest
from ..semantics import times
from ..semantics.display import display_entity
from ..semantics.entity import Entity
from ..semantics.problems import ValueProblem
from ..semantics.text import is_scalar_text
from .approvals import Answer, Approval, ApprovalError, ApprovalStore, Recorded, State, Verdict, name_of
from .contexts import EntityLike, entity
from .values import Unusable

_SECOND: Final = 10**9


@frozen
class Granted:
    """What came of an answer: the request as it is now, and how many answers each rule still waits for."""

    approval: Approval
    missing: Mapping[str, int]


def approve(
    store: ApprovalStore,
    policies: PolicySet,
    id: str,
    approver: EntityLike,
    *,
    now: int,
    note: str | None = None,
    digest: str | None = None,
    recorded: Recorded | None = None,
) -> Granted:
    """Approve a call as somebody whom the caller has authenticated; raise `ApprovalError` if they may not.

    `approver` has the roles and properties that the policies ask for, unless their entity store knows them. `digest` is
    that of the call which the approver has seen, so that no other is approved in its place. `recorded` is called with
    what comes of it before it counts; what that raises undoes it.
    """
    person = _person(approver, note)
    missing: dict[str, int] = {}

    def judge(found: Approval) -> Verdict:
        _seen(found, digest)
        decision = _with(policies, found, person)
        if decision.effect is Effect.DENY:
            raise ApprovalError(f"the call is denied, whoever approves: {_reasons(decision)}")
        rules = _counting(policies, found, decision, person)
        missing.update({s.rule: s.quorum - len(s.approved_by) for s in decision.approvals if not s.satisfied})
        answer = Answer(person, State.APPROVED, rules, now, note)
        return Verdict(answer, State.APPROVED if decision.allowed else State.PENDING)

    return Granted(store.answer(id, judge, now, recorded), missing)


def reject(
    store: ApprovalStore,
    policies: PolicySet,
    id: str,
    approver: EntityLike,
    *,
    now: int,
    note: str | None = None,
    digest: str | None = None,
    recorded: Recorded | None = None,
) -> Approval:
    """Reject a call as somebody who could have approved it; raise `ApprovalError` if they may not."""
    person = _person(approver, note)

    def judge(found: Approval) -> Verdict:
        _seen(found, digest)
        decision = _with(policies, found, person)
        if decision.effect is not Effect.DENY:
            _counting(policies, found, decision, person)
        return Verdict(Answer(person, State.REJECTED, (), now, note), State.REJECTED)

    return store.answer(id, judge, now, recorded)


def step_of(approval: Approval) -> str:
    """Return what an answer was, for a record: one of several (`granted`), or the one that settled it."""
    return "granted" if approval.state is State.PENDING else str(approval.state)


def verified(policies: PolicySet, approval: Approval) -> Approval:
    """Return a request for approval whose call is the one that its digest says; raise `ApprovalError` for another."""
    if approval.policy_digest != policies.digest:
        raise ApprovalError(
            f"`{approval.id}` was asked for under another policy ({approval.policy_digest[:19]}…, not "
            f"{policies.digest[:19]}…), where approving it has no effect; the call has to be made again"
        )
    try:
        digest = policies.approval_digest(approval.request)
    except InvalidRequest as invalid:
        raise ApprovalError(f"the call of `{approval.id}` cannot be read: {invalid}") from None
    if digest != approval.digest:
        raise ApprovalError(f"the call of `{approval.id}` is not the one that was asked for; the store was changed")
    return approval


def _person(approver: EntityLike, note: str | None) -> dict[str, Any]:
    if note is not None and not is_scalar_text(note):
        raise ApprovalError("the note is not a text that can be written down")
    try:
        person = entity(approver, "approver")
    except Unusable as problem:
        raise ApprovalError(f"the approver cannot be understood: {problem.message}") from None
    if "on_behalf_of" in person:
        raise ApprovalError("an approver answers for themselves, on behalf of nobody")
    for name in ("type", "id"):
        if not isinstance(person.get(name), str):
            raise ApprovalError(f"an approver needs a `{name}`, a text")
    return person


def _seen(found: Approval, digest: str | None) -> None:
    if digest is not None and digest != found.digest:
        raise ApprovalError(f"the call of `{found.id}` is not the one that was shown; the store was changed")


def _with(policies: PolicySet, approval: Approval, person: Mapping[str, Any]) -> Decision:
    """Decide the call as it was asked for, with the answers so far, as if this person approved at that moment, too."""
    found = verified(policies, approval)
    until = times.format_time(_asked_at(policies, found) + _SECOND)
    given = [(answer.approver, answer.rules) for answer in found.granted]
    given.append((person, tuple(asked.rule for asked in found.rules)))
    evidence = [
        {"rule": rule, "digest": found.digest, "approvers": [one], "expires": until}
        for one, rules in given
        for rule in rules
    ]
    return policies.decide(found.request, evidence)


def _counting(policies: PolicySet, found: Approval, decision: Decision, person: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rules for which somebody's approval counts; raise `ApprovalError` if there are none."""
    shown = _shown(policies, person)
    rules = tuple(status.rule for status in decision.approvals if shown in status.approved_by)
    if rules:
        return rules
    wanted = "\n".join(f"{asked.rule} asks for {asked.approvers}" for asked in found.rules)
    raise ApprovalError(f"{name_of(person)} may not answer this: {_reasons(decision)}\n{wanted}")


def _asked_at(policies: PolicySet, approval: Approval) -> int:
    name = policies.program.context["now"].external
    try:
        return times.read_time(approval.request["context"][name])
    except (KeyError, TypeError, ValueProblem):
        raise ApprovalError(f"the call of `{approval.id}` does not say when it was made") from None


def _shown(policies: PolicySet, person: Mapping[str, Any]) -> str:
    """Return how a decision names an approver."""
    kind = policies.program.by_external.get(person["type"])
    return display_entity(Entity(kind.key if kind else person["type"], person["id"]))


def _reasons(decision: Decision) -> str:
    found = [error.message for error in decision.errors]
    if not found and decision.rules:
        return f"{', '.join(decision.rules)} decided"
    return "; ".join(dict.fromkeys(found)) or "no permit matches"
