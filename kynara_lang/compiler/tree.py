"""Building a bucket's trees: which value tells rules apart best, and what is then left to test.

Where many rules differ by one value (a role held, an identifier, an attribute compared with a constant), a switch on it
leaves only those of the value at hand. A permit that is skipped would have failed anyway. A forbid or an approval may
only be skipped by what is evaluated before anything in it can fail, because an error in it makes it match.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from attrs import evolve, frozen

from ..checker.symbols import AttributeSymbol, Program, RuleSymbol
from . import ir
from .lower import EntityMaker, Lowering

_FEW = 8  # so many are tested one by one as fast as by a switch
_DEEPEST = 8


@frozen
class _Key:
    """A value that a test needs to be one of some constants."""

    what: tuple[str, ...]
    several: bool


_MANY = 24
"""For so many rules it pays to list what a path or a host is within; that takes about 1 µs."""
_ENCLOSING = {
    "path_within({0}, {1})": "enclosing_paths({0})",
    "host_within({0}, {1})": "enclosing_domains({0})",
}

_Keys = dict[_Key, tuple[ir.Expr, frozenset[Hashable], ir.Expr]]
"""For each key what it is read from, the constants, and the test that says so."""


def bucket(
    program: Program, rules: Iterable[RuleSymbol], action: str, subject: str, resource: str, entity: EntityMaker
) -> ir.Bucket:
    """Lower the rules that fit an action and two types, and arrange them."""
    lowering = Lowering(program, program.actions[action], program.types[subject], program.types[resource], entity)
    found = (lowering.test(rule) for rule in rules)
    tests = tuple(t for t in found if t is not None and not _never(t))
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
        forbids=_arrange(by_effect["forbid"], _certain_keys),
        permits=_arrange(by_effect["permit"], _all_keys),
        approvals=_arrange(approvals, _certain_keys),
        needs=_needs(_nodes(tests, checks.values())),
        asks_who_acts=any(_root(n) in ("actor", "depth") for n in _nodes(tests, checks.values())),
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


def _never(test: ir.Test) -> bool:
    """Whether a test is decided by its types alone; its first guard being false says so."""
    return bool(test.guards) and test.guards[0].condition is ir.FALSE and test.guards[0].kind in ("subject", "resource")


def _nodes(tests: Iterable[ir.Test], checks: Iterable[ir.Expr]) -> Iterator[ir.Root | ir.Read | ir.Present]:
    """Yield everything that rules read of a request."""
    conditions = (guard.condition for test in tests for guard in test.guards)
    for node in (n for condition in chain(conditions, checks) for n in ir.descend(condition)):
        if isinstance(node, ir.Root | ir.Read | ir.Present):
            yield node


def _root(node: ir.Root | ir.Read | ir.Present) -> ir.RootName:
    return node.name if isinstance(node, ir.Root) else node.root


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


# --- what tells rules apart


def _all_keys(test: ir.Test) -> _Keys:
    keys: _Keys = {}
    for guard in test.guards:
        for conjunct in ir.conjuncts(guard.condition):
            _add_key(keys, conjunct)
    return keys


def _certain_keys(test: ir.Test) -> _Keys:
    keys: _Keys = {}
    for guard in test.guards:
        for conjunct in ir.conjuncts(guard.condition):
            if conjunct.fails:
                return keys
            _add_key(keys, conjunct)
    return keys


def _add_key(keys: _Keys, expr: ir.Expr) -> None:
    match expr:
        case ir.Apply("{1} in {0}.roles", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            keys.setdefault(_Key((name, "roles"), True), (on, frozenset({value}), expr))
        case ir.Apply("not {0}.roles.isdisjoint({1})", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            keys.setdefault(_Key((name, "roles"), True), (on, value, expr))
        case ir.Apply("{1} in {0}.ancestors", (ir.Root("subject" | "resource" as name) as root, ir.Const(value))):
            above = ir.Apply("{0}.ancestors", (root,))
            keys.setdefault(_Key((name, "ancestors"), True), (above, frozenset({value}), expr))
        case ir.Apply(template, (ir.Read(root, name, _, False) as read, ir.Const(str() as value))) if (
            template in _ENCLOSING and _steady(root)
        ):
            around = ir.Apply(_ENCLOSING[template], (read,))
            keys.setdefault(_Key((root, name, "within"), True), (around, frozenset({value}), expr))
        case ir.Apply("{0} == {1}", (ir.Root(name) as on, ir.Const(value))) if name != "delegator":
            keys.setdefault(_Key((name,), False), (on, frozenset({value}), expr))
        case ir.Apply("{0} == {1}", (ir.Read(root, name, _, False) as on, ir.Const(value))) if _steady(root):
            keys.setdefault(_Key((root, name), False), (on, frozenset({value}), expr))
        case ir.Apply("{0} == {1}", (ir.Const(value), ir.Read(root, name, _, False) as on)) if _steady(root):
            keys.setdefault(_Key((root, name), False), (on, frozenset({value}), expr))
        case ir.Apply("{0} in {1}", (ir.Read(root, name, _, False) as on, ir.Const(value))) if _steady(root):
            keys.setdefault(_Key((root, name), False), (on, value, expr))


def _steady(root: str) -> bool:
    """Whether what is read of a root is there in every valid request: there may be no delegator."""
    return root in ("subject", "resource", "args", "context")


def _arrange(tests: list[ir.Test], keys_of: Callable[[ir.Test], _Keys], depth: int = 0) -> ir.Tree:
    if len(tests) <= _FEW or depth >= _DEEPEST:
        return tuple(tests)
    keyed = [(test, keys_of(test)) for test in tests]
    best, on = _best([keys for _, keys in keyed])
    if best is None or on is None:
        return tuple(tests)
    cases: dict[Any, list[ir.Test]] = {}
    rest: list[ir.Test] = []
    for test, keys in keyed:
        if best in keys:
            _, values, said = keys[best]
            smaller = _settled(test, said)
            for value in values:
                cases.setdefault(value, []).append(smaller)
        else:
            rest.append(test)
    without = _without(best, keys_of)
    made = {value: _arrange(found, without, depth + 1) for value, found in cases.items()}
    switch = ir.Switch(on, best.several, made, ".".join(best.what))
    return (switch, *_arrange(rest, without, depth + 1))


def _settled(test: ir.Test, known: ir.Expr) -> ir.Test:
    """Return a test without what the switch before it has found to be so."""
    guards = []
    for guard in test.guards:
        left = [c for c in ir.conjuncts(guard.condition) if c is not known]
        if len(left) == len(ir.conjuncts(guard.condition)):
            guards.append(guard)
        elif left:
            guards.append(evolve(guard, condition=left[0] if len(left) == 1 else ir.And(tuple(left))))
    return ir.Test(test.rule, tuple(guards))


def _without(used: _Key, keys_of: Callable[[ir.Test], _Keys]) -> Callable[[ir.Test], _Keys]:
    return lambda test: {key: found for key, found in keys_of(test).items() if key != used}


def _best(found: list[_Keys]) -> tuple[_Key | None, ir.Expr | None]:
    """Return the key that leaves the fewest tests, or None when none leaves clearly fewer."""
    counts: dict[_Key, dict[Hashable, int]] = {}
    exprs: dict[_Key, ir.Expr] = {}
    for keys in found:
        for key, (on, values, _) in keys.items():
            exprs.setdefault(key, on)
            per_value = counts.setdefault(key, {})
            for value in values:
                per_value[value] = per_value.get(value, 0) + 1
    best: tuple[float, tuple[str, ...], _Key] | None = None
    for key, per_value in counts.items():
        having = sum(key in keys for keys in found)
        left = len(found) - having + max(per_value.values(), default=0)
        if key.what[-1] == "within" and key.several and having < _MANY:
            continue
        if len(per_value) >= 2 and left < len(found) and (best is None or (left, key.what) < best[:2]):
            best = (left, key.what, key)
    return (best[2], exprs[best[2]]) if best else (None, None)
