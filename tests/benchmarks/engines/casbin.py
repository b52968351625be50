"""casbin, in Python: its fast enforcer filters by type and action, then runs a matcher for each rule that is left."""

from __future__ import annotations

import logging
import tempfile
from types import SimpleNamespace
from typing import Any

import casbin

from tests.benchmarks.engines.shape import Asked, Engine, Form, questions
from tests.benchmarks.workloads.shape import Atom

MODEL = """
[request_definition]
r = sub, typ, act, ctx
[policy_definition]
p = sub, typ, act, rule, eft
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.typ == p.typ && r.act == p.act && holds(r.sub.roles, p.sub) && eval(p.rule)
"""
FUNCTIONS = {
    "holds": lambda values, value: value in values,
    "among": lambda value, values: value in values.split("|"),
}


def test(atom: Atom) -> str:
    """Write a condition for the matcher; the rules about roles test the context only."""
    op, _, name, constant = atom
    if op == "in":
        return f"among(r.ctx.{name}, '{'|'.join(constant)}')"
    return f"r.ctx.{name} {op} {constant!r}"


class Casbin(Engine):
    """Rules as lines of a policy."""

    def write(self) -> None:
        """Write the lines."""
        logging.getLogger("casbin").disabled = True
        self.lines = [
            [rule.role, rule.kind, rule.actions[0], " && ".join(map(test, rule.conditions)), "allow"]
            for rule in self.workload.rules
        ]

    def load(self) -> None:
        """Make the enforcer, which reads its model from a file, and add the lines."""
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(MODEL)
            file.flush()
            self.enforcer = casbin.FastEnforcer(file.name, cache_key_order=(1, 2))
        for name, function in FUNCTIONS.items():
            self.enforcer.add_function(name, function)
        self.enforcer.add_policies(self.lines)

    def forms(self) -> dict[str, Form]:
        """Return requests as casbin takes them."""
        enforce = self.enforcer.enforce
        covered = {(line[1], line[2]) for line in self.lines}

        def decide(request: Any) -> bool:
            if (request[1], request[2]) not in covered:  # with no rule left to match, casbin raises instead of denying
                return False
            return bool(enforce(*request))

        return {"prepared": (decide, [_request(chain[0]) for chain in questions(self.workload)])}


def _request(one: Asked) -> tuple[Any, ...]:
    subject = SimpleNamespace(roles=frozenset(one.subject["roles"]))
    return subject, one.resource["type"], one.action, SimpleNamespace(**one.context)
