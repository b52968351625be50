"""The control graph: which types of subjects may change what about authority, and through whom they can go on.

An edge is an action that some permit allows to a subject type: it leads to a principal that the subject can act as, to
an attribute that it can change, or to a power of its own. What conditions ask is not weighed for an edge; whether a
path leads along it is a question of its own.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from ..checker.symbols import Program, RuleSymbol
from .escalation import Escalation, Survey
from .escalation_report import cut_of, hops, sentence
from .links import Slice, slices_of
from .steps import Steps


@frozen
class Edge:
    """An action on authority that permits allow to a subject type: what it leads to, by which effect.

    `principal` is whether it leads to a type of principals. `codes` are those of the paths that take it.
    """

    subject: str
    action: str
    resource: str
    target: str
    effect: str
    principal: bool
    permits: tuple[str, ...]
    codes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "subject": self.subject,
            "action": self.action,
            "resource": self.resource,
            "effect": self.effect,
            "leads_to": self.target,
            "permits": list(self.permits),
            "codes": list(self.codes),
        }


def edges(program: Program, survey: Survey | None = None) -> list[Edge]:
    """Return every edge, by subject and action; with a survey, those that paths take know their codes."""
    known = Steps(program)
    permits = _permits(program)
    taken: dict[tuple[str, Slice], set[str]] = {}
    for one in survey.found if survey is not None else ():
        for step in one.steps:
            taken.setdefault((one.subject, step.where), set()).add(one.code)
    found: list[Edge] = []
    for where in sorted(known.slices, key=lambda s: (s.subject, s.action, s.resource)):
        codes = tuple(sorted(taken.get((where.subject, where), ())))
        names = tuple(sorted(rule.decl.name.text for rule in permits.get(where, ())))
        for effect, target, principal in _leads(known, where):
            types, action = program.types, program.actions[where.action].name
            subject, resource = types[where.subject].name, types[where.resource].name
            found.append(Edge(subject, action, resource, target, effect, principal, names, codes))
    return found


def _permits(program: Program) -> dict[Slice, list[RuleSymbol]]:
    found: dict[Slice, list[RuleSymbol]] = {}
    for rule in program.rules:
        for where in slices_of(program, rule) if rule.effect == "permit" else ():
            found.setdefault(where, []).append(rule)
    return found


def _leads(known: Steps, where: Slice) -> list[tuple[str, str, bool]]:
    """Return what the action of a slice leads to: the effect, its target, and whether that is a principal."""
    program = known.program
    resource = program.types[where.resource]
    found = [(f"effects {power}", power.replace("_", " "), False) for power in known.powers(where)]
    for acting in known.actings(where):
        needs = sorted({program.actions[key].name for actions in acting.requires for key in actions})
        effect = acting.effect + (f" requires {', '.join(needs)}" if needs else "")
        found.append((effect, program.types[acting.principal].name, True))
    for modifies in program.actions[where.action].decl.modifies:
        name = modifies.attribute.text
        if name in resource.attributes or name in ("roles", "parents"):
            found.append((f"modifies {modifies.span.text}", f"{resource.name}.{name}", False))
    return found


def to_dict(survey: Survey) -> dict[str, Any]:
    """Return everything that is known as JSON values."""
    program = survey.program
    return {
        "version": 1,
        "depth": survey.depth,
        "proved": survey.proved,
        "edges": [edge.to_dict() for edge in edges(program, survey)],
        "paths": [_path(one, program) for one in survey.found],
        "unknown": [
            {
                "subject": program.types[one.subject].name,
                "actions": [program.actions[step.where.action].name for step in one.steps],
                "reason": one.reason,
            }
            for one in survey.unknown
        ],
    }


def _path(one: Escalation, program: Program) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity.value,
        "subject": program.types[one.subject].name,
        "message": sentence(one, program),
        "hops": [
            {
                "message": hop.message,
                "rule": hop.rule,
                "file": hop.span.source.name,
                "line": hop.span.first.line,
                "action": hop.action,
                "effect": hop.effect,
                "gains": hop.gains,
                "request": hop.witness,
            }
            for hop in hops(one, program)
        ],
        "cut": cut_of(one, program),
    }
