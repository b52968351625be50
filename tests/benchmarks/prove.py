"""Proofs at 50, 500 and 2 000 rules: everything anew, everything known, and with one rule changed.

The programs are random but the same each time, and have idle rules in them, which take longer to settle than good ones.
The structural part of the check is timed beside it, as the measure of the machine.
"""

from __future__ import annotations

import random

from kynara_lang.analysis.proving import Prover
from kynara_lang.analysis.solver import Limits
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay
from tests.benchmarks.measure import Row, in_turn, timed

_SCHEMA = """\
subject User { tenant: String  level: Int  department: String }
resource Doc { tenant: String  size: Int  path: Path  status: "draft" | "final"  department: String }
resource Ticket { tenant: String  cost: Decimal  status: "open" | "closed" }
context { ip: IP  mfa: Bool }
"""


class _Known(dict[str, str]):
    """A memory that lasts as long as this process."""

    def put(self, key: str, value: str) -> None:
        self[key] = value


def text_of(rules: int, changed: int | None = None) -> str:
    """Return a program with some rules; `changed` is the number of a rule that says something else."""
    pick = random.Random(rules)
    actions = max(4, rules // 10)
    lines = [_SCHEMA, *(f"role r{i}" for i in range(20))]
    lines += [f"action act{i} on {'Doc' if i % 2 else 'Ticket'} (amount: Int)" for i in range(actions)]
    for i in range(rules):
        action = pick.randrange(actions)
        of_doc, kind = action % 2, pick.random()
        condition = pick.choice(
            (
                f"args.amount < {pick.randrange(1, 1000)}",
                f'resource.status == "{"draft" if of_doc else "open"}"',
                "context.mfa",
                f'context.ip within "10.{pick.randrange(200)}.0.0/16"',
                f'resource.path within "/srv/{pick.randrange(50)}"'
                if of_doc
                else f"resource.cost <= {pick.randrange(100)}.00",
            )
        )
        if i == changed:
            condition = "subject.level > 3"
        where = f"action act{action} resource {'Doc' if of_doc else 'Ticket'}"
        if kind < 0.85:
            role = f"r{pick.randrange(20)}"
            lines.append(
                f'permit p{i} "d" {{ subject User with role {role} {where} '
                f"scope subject.tenant == resource.tenant when {condition} }}"
            )
        elif kind < 0.95:
            lines.append(f"forbid f{i} {{ subject User {where} when {condition} }}")
        else:
            lines.append(f"require approval a{i} {{ subject User {where} when {condition} from User with role r1 }}")
    return "\n".join(lines)


def _program(text: str) -> Program:
    return check_sources([Source("big.kyn", text)]).program


def run(quick: bool) -> list[Row]:
    """Measure, with fewer rules when in a hurry."""
    rows = []
    for rules in (50, 200) if quick else (50, 500, 2_000):
        text, other = text_of(rules), text_of(rules, changed=rules // 2)
        program, edited = _program(text), _program(other)
        known = _Known()
        prove(program, known)

        def cold(program: Program = program) -> float:
            return timed(lambda: prove(program, _Known()))

        def warm(program: Program = program, known: _Known = known) -> float:
            return timed(lambda: prove(program, known))

        def one_changed(edited: Program = edited, known: _Known = known) -> float:
            before = _Known(known)
            return timed(lambda: prove(edited, before))

        def check(text: str = text) -> float:
            return timed(lambda: _program(text))

        runs = 1 if rules == 2_000 else 3
        found = in_turn({"check": check, "cold": cold, "one changed": one_changed, "warm": warm}, runs)
        for what, row in found.items():
            goal = {"one changed": "well under a second", "cold": "a hook's patience"}.get(what, "")
            named = Row(f"{rules} rules, {'structure alone' if what == 'check' else f'proofs, {what}'}", row.values)
            rows.append(named if what == "check" else named.beside(found["check"], "structure", goal))
    return rows


def prove(program: Program, known: _Known) -> None:
    """Prove everything about a program."""
    proofs = Prover(program, Replay(program), Limits(), known).run((), lambda code: True)
    assert not proofs.unsettled
