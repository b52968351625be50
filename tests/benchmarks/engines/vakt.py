"""vakt, in Python: it looks at every policy for each inquiry, with one object for each test."""

from __future__ import annotations

import logging
from typing import Any

import vakt
from vakt import rules as given

from tests.benchmarks.engines.shape import Asked, Engine, Form, questions
from tests.benchmarks.workloads.shape import Atom, Rule

COMPARED = {
    "==": given.Eq,
    "!=": given.NotEq,
    "<": given.Less,
    "<=": given.LessOrEqual,
    ">": given.Greater,
    ">=": given.GreaterOrEqual,
}


class Holds(given.base.Rule):
    """A set holds a value; vakt has no such test of its own."""

    def __init__(self, constant: Any) -> None:
        self.constant = constant

    def satisfied(self, what: Any, inquiry: Any = None) -> bool:
        """Say whether it does."""
        return self.constant in what


def test(atom: Atom) -> Any:
    """Make the test of a condition."""
    op, _, _, constant = atom
    match op:
        case "in":
            return given.In(*constant)
        case "holds":
            return Holds(constant)
        case "meets":
            return given.AnyIn(*constant)
        case "within":
            return given.CIDR(constant)
        case "begins":
            return given.StartsWith(constant)
        case "same":
            return given.SubjectMatch(atom[2])
    return COMPARED[op](constant)


def policy(number: int, rule: Rule) -> Any:
    """Make the policy of a rule; the tests of one attribute are joined."""
    parts: dict[str, dict[str, Any]] = {"subject": {}, "resource": {}, "context": {}}
    if rule.role:
        parts["subject"]["roles"] = Holds(rule.role)
    if rule.kind:
        parts["resource"]["type"] = given.Eq(rule.kind)
    for atom in rule.conditions:
        _, root, name, _ = atom
        before = parts[root].get(name)
        parts[root][name] = test(atom) if before is None else given.And(before, test(atom))
    return vakt.Policy(
        f"r{number}",
        actions=[given.In(*rule.actions)],
        subjects=[parts["subject"] or given.Any()],
        resources=[parts["resource"] or given.Any()],
        context=parts["context"],
        effect=vakt.ALLOW_ACCESS if rule.effect == "permit" else vakt.DENY_ACCESS,
    )


class Vakt(Engine):
    """A guard with all policies in memory."""

    def write(self) -> None:
        """Policies are objects; there is no text to write."""
        logging.getLogger("vakt").setLevel(logging.CRITICAL)

    def load(self) -> None:
        """Make the policies and store them."""
        storage = vakt.MemoryStorage()
        for number, rule in enumerate(self.workload.rules):
            storage.add(policy(number, rule))
        self.guard = vakt.Guard(storage, vakt.RulesChecker())

    def forms(self) -> dict[str, Form]:
        """Return inquiries; all of a request are asked."""
        check = self.guard.is_allowed_check

        def decide(chain: list[Any]) -> bool:
            for inquiry in chain:  # noqa: SIM110 - a generator would be timed, too
                if not check(inquiry):
                    return False
            return True

        return {"prepared": (decide, [[_inquiry(one) for one in chain] for chain in questions(self.workload)])}


def _inquiry(one: Asked) -> Any:
    return vakt.Inquiry(subject=one.subject, action=one.action, resource=one.resource, context=one.context)
