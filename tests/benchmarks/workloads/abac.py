"""Fifty rules with six tests of attributes each: numbers, texts, sets, addresses, times; ten of them forbid."""

from __future__ import annotations

import random
import socket
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.workloads.shape import Atom, Rule, Workload, entity, kyn, python

ACTIONS = ("read", "write", "delete", "share", "export", "approve", "print", "administer")
TYPES = ("Document", "Invoice", "Record", "Report", "Ticket")
DEPARTMENTS = ("eng", "sales", "hr", "legal", "ops", "fin")
GROUPS = ("staff", "leads", "oncall", "audit", "contractors", "admins")
COUNTRIES = ("de", "fr", "us", "jp", "br", "in")
CLASSES = ("public", "internal", "confidential", "secret")
STATES = ("draft", "open", "closed", "archived")
BLOCKS = ("10.0.0.0/8", "10.0.0.0/9", "10.64.0.0/10", "192.168.0.0/16", "0.0.0.0/1")
NOW = 1_760_000_000
SCHEMA = f"""\
subject User {{ clearance: Int, department: String, country: String, groups: Set<String> }}
trait Thing {{
  amount: Int, state: String, classification: String, path: String, department: String, version: Int
}}
{"".join(f"resource {kind} is Thing" + chr(10) for kind in TYPES)}
action {", ".join(ACTIONS)} on {", ".join(TYPES)}
context {{ ip: IP, risk: Int, hour: Int }}
"""
Drawn = tuple[str, tuple[str, ...], str | None, tuple[Atom, ...]]


def time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def atoms(rng: random.Random, tight: bool) -> list[Atom]:
    """Draw one candidate for each attribute; a tight one holds about half of the time, a loose one mostly."""

    def many(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(rng.sample(values, len(values) // 2 if tight else len(values) - 1))

    return [
        (">=", "subject", "clearance", rng.randrange(4, 7) if tight else rng.randrange(0, 3)),
        ("<", "context", "risk", rng.randrange(40, 60) if tight else rng.randrange(80, 100)),
        ("<=", "resource", "amount", rng.randrange(4000, 6000) if tight else rng.randrange(8000, 10000)),
        ("!=", "resource", "state", rng.choice(STATES)),
        ("in", "subject", "department", many(DEPARTMENTS)),
        ("in", "subject", "country", many(COUNTRIES)),
        ("in", "resource", "classification", many(CLASSES)),
        ("holds", "subject", "groups", "staff" if not tight else rng.choice(GROUPS)),
        ("meets", "subject", "groups", tuple(rng.sample(GROUPS, 3 if tight else 4))),
        ("within", "context", "ip", rng.choice(BLOCKS[:4]) if tight else rng.choice((BLOCKS[0], BLOCKS[4]))),
        ("begins", "resource", "path", rng.choice(("/a/", "/b/")) if tight else "/"),
        (">=", "context", "hour", rng.randrange(8, 12) if tight else rng.randrange(0, 4)),
        ("<", "context", "now", NOW + (rng.randrange(40, 60) if tight else rng.randrange(80, 100)) * 864),
        ("same", "resource", "department", "subject") if tight else (">=", "resource", "version", 1),
    ]


def build() -> Workload:
    rng = random.Random(5)
    rules: list[Drawn] = []
    for i in range(50):
        tight = i % 5 == 4
        actions = tuple(sorted(rng.sample(ACTIONS, rng.randrange(1, 4))))
        kind = rng.choice((*TYPES, None))
        rules.append(("forbid" if tight else "permit", actions, kind, tuple(rng.sample(atoms(rng, tight), 6))))
    subjects = [
        {
            "id": f"u{i}",
            "clearance": rng.randrange(10),
            "department": rng.choice(DEPARTMENTS),
            "country": rng.choice(COUNTRIES),
            "groups": frozenset(["staff"] * (rng.random() < 0.9) + rng.sample(GROUPS, 2)),
        }
        for i in range(200)
    ]
    resources = [
        {
            "id": f"d{i}",
            "type": rng.choice(TYPES),
            "amount": rng.randrange(10000),
            "state": rng.choice(STATES),
            "classification": rng.choice(CLASSES),
            "path": f"{rng.choice(('/a/', '/b/', '/c/'))}x{i}",
            "department": rng.choice(DEPARTMENTS),
            "version": rng.randrange(5),
        }
        for i in range(300)
    ]
    asked = [(rng.choice(subjects), rng.choice(ACTIONS), rng.choice(resources), _context(rng)) for _ in range(1000)]
    requests = [
        {
            "subject": entity("User", s),
            "action": {"name": action},
            "resource": entity(r["type"], r),
            "context": {**c, "now": time(c["now"])},
        }
        for s, action, r, c in asked
    ]
    text = SCHEMA + "".join(map(_written, range(50), rules))
    plain = tuple(Rule(effect, None, actions, kind, found) for effect, actions, kind, found in rules)
    return Workload("abac", text, requests, by_hand(rules), asked, plain)


def _context(rng: random.Random) -> dict[str, Any]:
    address = f"{rng.choice((10, 10, 10, 192))}.{rng.choice((168, rng.randrange(256)))}.{rng.randrange(256)}.7"
    return {"ip": address, "risk": rng.randrange(100), "hour": rng.randrange(24), "now": NOW + rng.randrange(86400)}


def _written(number: int, rule: Drawn) -> str:
    effect, actions, kind, conditions = rule
    scope = '  scope any "measured"\n' if effect == "permit" else ""
    clauses = "".join(f"  when {f'context.now < {time(c[3])}' if c[2] == 'now' else kyn(c)}\n" for c in conditions)
    head = f"{effect} r{number} {{\n  subject User\n  action {', '.join(actions)}\n  resource {kind or 'any'}\n"
    return f"{head}{scope}{clauses}}}\n"


def by_hand(rules: list[Drawn]) -> Any:
    """Write what a person would: a function per action and type, forbids first, tests inline in the order of rules."""
    roots = {"subject": "s", "resource": "r", "context": "c"}
    out, table = [], []
    for action in ACTIONS:
        for kind in TYPES:
            mine = [r for r in rules if action in r[1] and r[2] in (None, kind)]
            tests = {
                effect: [f"({' and '.join(python(a, roots) for a in r[3])})" for r in mine if r[0] == effect]
                for effect in ("forbid", "permit")
            }
            if not tests["permit"]:
                continue
            out.append(f"def {action}_{kind}(s, r, c):")
            if tests["forbid"]:
                out.append(f"    if {' or '.join(tests['forbid'])}:\n        return False")
            out.append(f"    return {' or '.join(tests['permit'])}\n")
            table.append(f"({action!r}, {kind!r}): {action}_{kind}")
    out.append(f"TABLE = {{{', '.join(table)}}}\n")
    out.append(
        "def decide(request):\n    s, action, r, c = request\n    f = TABLE.get((action, r['type']))\n"
        "    return f is not None and f(s, r, c)\n"
    )
    names: dict[str, Any] = {"ip_int": ip_int}
    exec(compile("\n".join(out), "<by hand>", "exec"), names)
    return names["decide"]


def ip_int(text: str, pack: Any = socket.inet_aton, number: Any = int.from_bytes) -> int:
    """Return an IPv4 address as a number, in the fastest way of the standard library."""
    found: int = number(pack(text), "big")
    return found
