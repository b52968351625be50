"""Many independent rules: who holds a role may do one action on one type under a condition on the context."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.workloads.shape import Atom, Rule, Workload, entity, kyn, python

REGIONS = ("eu", "us", "ap", "sa")
ACTIONS = [f"act{i}" for i in range(20)]
TYPES = [f"T{i}" for i in range(10)]
Drawn = tuple[str, str, str, tuple[Atom, ...]]


def conditions(rng: random.Random) -> tuple[Atom, ...]:
    found: list[Atom] = [
        ("<", "context", "amount", rng.randrange(100, 1000, 10)),
        (">=", "context", "level", rng.randrange(1, 5)),
        ("==", "context", "mfa", True),
        ("in", "context", "region", tuple(rng.sample(REGIONS, 2))),
    ]
    return tuple(rng.sample(found, 2))


def build(n: int = 100) -> Workload:
    rng = random.Random(11)
    roles = [f"role{i}" for i in range(max(4, n // 25))]
    rules = [(rng.choice(roles), rng.choice(ACTIONS), rng.choice(TYPES), conditions(rng)) for _ in range(n)]
    subjects = [{"id": f"u{i}", "roles": frozenset(rng.sample(roles, 3))} for i in range(200)]
    resources = {t: [{"type": t, "id": f"{t}-{i}"} for i in range(10)] for t in TYPES}
    holders: dict[str, list[Any]] = {}
    for subject in subjects:
        for role in sorted(subject["roles"]):
            holders.setdefault(role, []).append(subject)
    asked = []
    while len(asked) < 1000:
        context = {
            "amount": rng.randrange(1000),
            "level": rng.randrange(6),
            "mfa": rng.random() < 0.7,
            "region": rng.choice(REGIONS),
        }
        if rng.random() < 0.6:
            role, action, kind, _ = rng.choice(rules)
            if role in holders:
                asked.append((rng.choice(holders[role]), action, rng.choice(resources[kind]), context))
        else:
            kind = rng.choice(TYPES)
            asked.append((rng.choice(subjects), rng.choice(ACTIONS), rng.choice(resources[kind]), context))
    requests = [
        {"subject": entity("User", s), "action": {"name": action}, "resource": r, "context": c}
        for s, action, r, c in asked
    ]
    plain = tuple(Rule("permit", role, (action,), kind, found) for role, action, kind, found in rules)
    return Workload(f"roles-{n}", text(roles, rules), requests, by_hand(rules), asked, plain)


def text(roles: list[str], rules: list[Drawn]) -> str:
    lines = [
        "subject User",
        *(f"resource {t}" for t in TYPES),
        f"action {', '.join(ACTIONS)} on {', '.join(TYPES)}",
        "context { amount: Int, level: Int, mfa: Bool, region: String }",
        *(f"role {role}" for role in roles),
    ]
    for i, (role, action, kind, found) in enumerate(rules):
        clauses = " ".join(f"when {kyn(c)}" for c in found)
        lines.append(
            f'permit r{i} "one of many" {{ subject User with role {role} action {action} resource {kind} scope any "measured" {clauses} }}'
        )
    return "\n".join(lines) + "\n"


def by_hand(rules: list[Drawn]) -> Any:
    """Make tables from type to action to role to one condition; equal conditions are one function."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for role, action, kind, found in rules:
        condition = " and ".join(python(a, {"context": "c"}) for a in found)
        grouped.setdefault((kind, action, role), []).append(condition)
    functions: dict[str, Any] = {}
    table: dict[str, dict[str, dict[str, Any]]] = {t: {} for t in TYPES}
    for (kind, action, role), texts in grouped.items():
        source = " or ".join(texts)
        if source not in functions:
            functions[source] = eval(f"lambda c: {source}", {})
        table[kind].setdefault(action, {})[role] = functions[source]

    def decide(request: Any) -> bool:
        s, action, r, c = request
        by_role = table[r["type"]].get(action)
        if by_role is not None:
            for role in s["roles"]:
                if role in by_role and by_role[role](c):
                    return True
        return False

    return decide
