"""Building a bucket's trees: which value tells rules apart best, and what is then left to test.

Where many rules differ by one value (a role held, an identifier, an attribute compared with a constant), a switch on it
leaves only those of the value at hand; what may leave a rule aside stands in `keys`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from attrs import evolve

from ..checker.symbols import AttributeSymbol, Program, RuleSymbol
from . import ir
from .intervals import cover, overlap
from .keys import Key, Keys, keys_of
from .lower import EntityMaker, Lowering

FEW = 8  # so many are tested one by one as fast as by a switch
_DEEPEST = 8
_HELD = 3
"""How many roles, groups or directories a request is taken to have. With 1, a hundred rules that ask for a role and a
code beside one that asks for a role alone took 203 tests at worst, and not 4."""


_MANY = {"within": 24, "range": 16}
"""For so many rules it pays to list what a path or a host is within, which takes about 1 µs, or to bisect: 0.2 µs."""


def bucket(
    program: Program, rules: Iterable[RuleSymbol], action: str, subject: str, resource: str, entity: EntityMaker
) -> ir.Bucket:
    """Lower the rules that fit an action and two types, and arrange them."""
    lowering = Lowering(program, program.actions[action], program.types[subject], program.types[resource], entity)
    found = (lowering.test(rule) for rule in rules)
    tests = tuple(t for t in found if t is not None)
    by_effect: dict[str, list[ir.Test]] = {"forbid": [], "permit": [], "require_approval": []}
    for test in tests:
        by_effect[test.rule.effect].append(test)
    approvals = by_effect["require_approval"]
    checks = {t.rule.name: lowering.approver(t.rule) for t in approvals}
    return ir.Bucket(
        action=action,
        subject_type=subject,
        resource_type=resource,
        tests=tests,
        forbids=_arrange(_keyed(by_effect["forbid"])),
        permits=_arrange(_keyed(by_effect["permit"])),
        approvals=_arrange(_keyed(approvals)),
        needs=_needs(_nodes(tests, checks.values())),
        asks_who_acts=any(map(_of_who_acts, _nodes(tests, checks.values()))),
        again=_arrange(_keyed(t for t in by_effect["forbid"] if any(map(_of_who_acts, _nodes((t,), ()))))),
        approvals_again=_arrange(_keyed(t for t in approvals if any(map(_of_who_acts, _nodes((t,), ()))))),
        required={
            "subject": _required(program.types[subject].attributes),
            "resource": _required(program.types[resource].attributes),
            "args": _required(program.actions[action].parameters),
            "context": _required(program.context),
        },
        approver_checks=checks,
    )


def _required(declared: Mapping[str, AttributeSymbol]) -> frozenset[str]:
    return frozenset(name for name, symbol in declared.items() if not symbol.optional)


def _nodes(tests: Iterable[ir.Test], checks: Iterable[ir.Expr]) -> Iterator[ir.Root | ir.Read | ir.Present]:
    """Yield everything that rules read of a request."""
    conditions = (guard.condition for test in tests for guard in test.guards)
    for node in (n for condition in chain(conditions, checks) for n in ir.descend(condition)):
        if isinstance(node, ir.Root | ir.Read | ir.Present):
            yield node


def _of_who_acts(node: ir.Root | ir.Read | ir.Present) -> bool:
    return (node.name if isinstance(node, ir.Root) else node.root) in ("actor", "depth")


def _needs(nodes: Iterable[ir.Root | ir.Read | ir.Present]) -> ir.Needs:
    known: dict[ir.RootName, set[str]] = {}
    others: set[tuple[ir.RootName, str, frozenset[str] | None]] = set()
    for node in nodes:
        if isinstance(node, ir.Root):
            continue
        if node.root in ("delegator", "actor"):
            others.add((node.root, node.name, node.kinds))
        else:
            known.setdefault(node.root, set()).add(node.name)
    return ir.Needs({root: frozenset(names) for root, names in known.items()}, frozenset(others))


# --- the arrangement

_Keyed = tuple[ir.Test, Keys]


def _keyed(tests: Iterable[ir.Test]) -> list[_Keyed]:
    return [(test, keys_of(test)) for test in tests]


def _arrange(tests: list[_Keyed], depth: int = 0, used: frozenset[Key] = frozenset()) -> ir.Tree:
    if len(tests) <= FEW or depth >= _DEEPEST:
        return tuple(test for test, _ in tests)
    best = _best([keys for _, keys in tests])
    if best is None:
        return tuple(test for test, _ in tests)
    having = [(test, keys, keys[best]) for test, keys in tests if best in keys]
    covering = None
    if best.kind == "range":
        covering = cover({r for _, _, asked in having for r in asked.among})
    used |= {best}
    cases: dict[Any, list[_Keyed]] = {}
    for test, _, asked in having:
        settled = _settled(test, asked.said)
        left = (settled, _without(used, keys_of(settled)))
        for value in asked.among:
            for case in (value,) if covering is None else covering.runs[value]:
                cases.setdefault(case, []).append(left)
    made = {value: _arrange(found, depth + 1, used) for value, found in cases.items()}
    rest = [(test, keys) for test, keys in tests if best not in keys]
    switch = ir.Switch(having[0][2].on, best.several, made, best.label, covering)
    return (switch, *_arrange(rest, depth + 1, used))


def _settled(test: ir.Test, known: tuple[ir.Expr, ...]) -> ir.Test:
    """Return a test without what the switch before it has found to be so."""
    guards = []
    for guard in test.guards:
        left = tuple(c for c in ir.conjuncts(guard.condition) if not any(c is k for k in known))
        match left:
            case _ if len(left) == len(ir.conjuncts(guard.condition)):
                guards.append(guard)
            case (one,):
                guards.append(evolve(guard, condition=one))
            case (_, *_):
                guards.append(evolve(guard, condition=ir.And(left)))
    return ir.Test(test.rule, tuple(guards))


def _without(used: frozenset[Key], keys: Keys) -> Keys:
    return {key: asked for key, asked in keys.items() if key not in used}


def _best(found: list[Keys]) -> Key | None:
    """Return the key that leaves the fewest tests, or None when none leaves clearly fewer."""
    counts: dict[Key, dict[Any, int]] = {}
    having: dict[Key, int] = {}
    for keys in found:
        for key, asked in keys.items():
            having[key] = having.get(key, 0) + 1
            per_value = counts.setdefault(key, {})
            for value in asked.among:
                per_value[value] = per_value.get(value, 0) + 1
    best: tuple[float, str, Key] | None = None
    for key, per_value in counts.items():
        if len(per_value) < 2 or having[key] < _MANY.get(key.kind, 0):
            continue
        most = overlap(per_value) if key.kind == "range" else max(per_value.values())
        left = len(found) - having[key] + most
        if left < len(found):
            # Of roles, groups and directories a request has more than one, and each can leave that many.
            weighed = left + (_HELD - 1) * most if key.several and key.kind != "range" else left
            if best is None or (weighed, key.label) < best[:2]:
                best = (weighed, key.label, key)
    return best[2] if best else None
