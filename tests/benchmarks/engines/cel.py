"""The Common Expression Language in Rust. It has no policies: a host keeps the conditions by action and type, forbids first."""

from __future__ import annotations

import json
from typing import Any

import cel

from tests.benchmarks.engines.shape import Asked, Engine, Form, buckets, distinct, questions, within
from tests.benchmarks.workloads.shape import Atom

FUNCTIONS = {"within": within}


def test(atom: Atom) -> str:
    """Write a condition in CEL."""
    op, root, name, constant = atom
    place = f"{root}.{name}"
    match op:
        case "in":
            return f"{place} in {json.dumps(constant)}"
        case "holds":
            return f"{json.dumps(constant)} in {place}"
        case "meets":
            return f"{place}.exists(g, g in {json.dumps(constant)})"
        case "within":
            return f"within({place}, {json.dumps(constant)})"
        case "begins":
            return f"{place}.startsWith({json.dumps(constant)})"
        case "same":
            return f"{place} == {constant}.{name}"
    return f"{place} {op} {json.dumps(constant)}"


class Cel(Engine):
    """Compiled conditions in a table that a host made: by action and type, with the role that each asks for."""

    def write(self) -> None:
        """Write the conditions."""
        types = sorted({entity["type"] for entity in distinct(questions(self.workload), "resource")})
        self.buckets = buckets(self.workload, types)
        self.texts = [" && ".join(map(test, rule.conditions)) for rule in self.workload.rules]

    def load(self) -> None:
        """Compile each condition once."""
        programs = [cel.compile(text) for text in self.texts]
        self.table: dict[tuple[str, str], tuple[list[Any], list[Any]]] = {}
        for key, rules in self.buckets.items():
            sides = self.table[key] = ([], [])
            for number, rule in rules:
                sides[rule.effect == "permit"].append((rule.role, programs[number]))

    def forms(self) -> dict[str, Form]:
        """Return requests with their variables in a context of CEL, and with a context to be made first."""
        table = self.table

        def decide(chain: list[Any]) -> bool:
            for key, roles, context in chain:
                forbids, permits = table.get(key, ((), ()))
                for role, program in forbids:
                    if (role is None or role in roles) and program.execute(context):
                        return False
                for role, program in permits:
                    if (role is None or role in roles) and program.execute(context):
                        break
                else:
                    return False
            return True

        def from_dicts(chain: list[Any]) -> bool:
            return decide([(key, roles, _context(variables)) for key, roles, variables in chain])

        asked = questions(self.workload)
        return {
            "prepared": (decide, [[(*_head(one), _context(_variables(one))) for one in chain] for chain in asked]),
            "dict": (from_dicts, [[(*_head(one), _variables(one)) for one in chain] for chain in asked]),
        }


def _head(one: Asked) -> tuple[tuple[str, str], frozenset[str]]:
    return (one.action, one.resource["type"]), frozenset(one.subject["roles"])


def _variables(one: Asked) -> dict[str, Any]:
    return {"subject": one.subject, "resource": one.resource, "context": one.context}


def _context(variables: dict[str, Any]) -> Any:
    return cel.Context(variables=variables, functions=FUNCTIONS)
