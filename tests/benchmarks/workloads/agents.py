"""Agents that call tools for users: 120 rules, half for agents and half for users, and both must be allowed."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.workloads.shape import Atom, Rule, Workload, entity, kyn, python

TOOLS = (
    "fs.read", "fs.write", "http.get", "http.post", "db.query", "db.write",
    "email.send", "shell.exec", "git.push", "payment.create", "calendar.write", "secrets.read",
)  # fmt: skip
PROFILES = ("researcher", "coder", "ops", "finance", "assistant")
ROLES = ("engineer", "manager", "analyst", "sre", "accountant")
DOMAINS = ("example.com", "internal.corp", "api.partner.io", "evil.test")
SCHEMA = f"""\
subject Agent {{ level: Int }}
subject User {{ level: Int }}
resource Call
action {", ".join(TOOLS)} on Call
context {{ rows: Int, amount: Int, env: String, domain: String, path: String, tokens: Int }}
{"".join(f"role {name}" + chr(10) for name in PROFILES + ROLES)}
"""
Drawn = tuple[str, str, str, str, tuple[Atom, ...]]


def atoms(rng: random.Random) -> list[Atom]:
    return [
        ("<=", "context", "rows", rng.randrange(500, 1000)),
        ("<=", "context", "amount", rng.randrange(500, 1000)),
        ("in", "context", "env", ("dev", "stage") if rng.random() < 0.5 else ("dev", "stage", "prod")),
        ("in", "context", "domain", tuple(rng.sample(DOMAINS[:3], 2))),
        ("begins", "context", "path", rng.choice(("/work/", "/"))),
        (">=", "subject", "level", rng.randrange(0, 4)),
        ("<", "context", "tokens", rng.randrange(5000, 10000)),
    ]


def build() -> Workload:
    rng = random.Random(3)
    rules: list[Drawn] = []
    for kind, names in (("Agent", PROFILES), ("User", ROLES)):
        for i in range(60):
            effect = "forbid" if i % 10 == 9 else "permit"
            conditions = tuple(rng.sample(atoms(rng), 3))
            if effect == "forbid":
                conditions = (
                    ("==", "context", "env", "prod"),
                    (">", "context", "amount", 700),
                    ("<", "subject", "level", 3),
                )
            role = names[i // len(TOOLS) % len(names)]
            rules.append((effect, kind, role, TOOLS[i % len(TOOLS)], conditions))

    def person(name: str, roles: tuple[str, ...]) -> dict[str, Any]:
        return {"id": name, "level": rng.randrange(6), "roles": frozenset(rng.sample(roles, 2))}

    agents = [person(f"agent{i}", PROFILES) for i in range(20)]
    users = [person(f"user{i}", ROLES) for i in range(200)]
    asked = [(rng.choice(agents), rng.choice(users), rng.choice(TOOLS), _context(rng)) for _ in range(1000)]
    requests = [
        {
            "subject": {**entity("Agent", agent), "on_behalf_of": entity("User", user)},
            "action": {"name": tool},
            "resource": {"type": "Call", "id": "call"},
            "context": context,
        }
        for agent, user, tool, context in asked
    ]
    text = SCHEMA + "".join(map(_written, range(120), rules))
    plain = tuple(Rule(effect, role, (tool,), None, found) for effect, _, role, tool, found in rules)
    return Workload("agents", text, requests, by_hand(rules), asked, plain)


def _context(rng: random.Random) -> dict[str, Any]:
    return {
        "rows": rng.randrange(1000),
        "amount": rng.randrange(1000),
        "env": rng.choice(("dev", "dev", "stage", "prod")),
        "domain": rng.choice(DOMAINS[:3] * 3 + DOMAINS[3:]),
        "path": rng.choice(("/work/a", "/work/b/c", "/etc/x")),
        "tokens": rng.randrange(10000),
    }


def _written(number: int, rule: Drawn) -> str:
    effect, kind, role, tool, conditions = rule
    scope = '  scope any "measured"\n' if effect == "permit" else ""
    clauses = "".join(f"  when {kyn(c)}\n" for c in conditions)
    return f"{effect} r{number} {{\n  subject {kind} with role {role}\n  action {tool}\n  resource Call\n{scope}{clauses}}}\n"


def by_hand(rules: list[Drawn]) -> Any:
    """Make tables from tool to role to a pair of conditions, and walk them for the agent and for the user."""
    roots = {"subject": "s", "context": "c"}
    table: dict[str, dict[str, Any]] = {}
    for tool in TOOLS:
        for role in PROFILES + ROLES:
            mine = [r for r in rules if (r[2], r[3]) == (role, tool)]
            texts = [
                " or ".join(f"({' and '.join(python(a, roots) for a in r[4])})" for r in mine if r[0] == effect)
                for effect in ("forbid", "permit")
            ]
            if mine:
                table.setdefault(tool, {})[role] = tuple(eval(f"lambda s, c: {t}", {}) if t else None for t in texts)

    def holds(by_role: dict[str, Any], s: Any, c: Any) -> bool:
        found = False
        for role in s["roles"]:
            pair = by_role.get(role)
            if pair is not None:
                forbid, permit = pair
                if forbid is not None and forbid(s, c):
                    return False
                found = found or (permit is not None and permit(s, c))
        return found

    def decide(request: Any) -> bool:
        agent, user, tool, c = request
        by_role = table[tool]
        return holds(by_role, agent, c) and holds(by_role, user, c)

    return decide
