"""The digest of a program: equal for programs that mean the same by construction.

What is written down is the checked program: symbols by key, rules by name, names by what they refer to, literals by the
value they were read as. Order of files and declarations, layout, comments, descriptions, fixtures, tests and invariants
do not count.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attrs import fields

from ..checker.symbols import ActionSymbol, AttributeSymbol, EntityType, PatternSymbol, Program, RuleSymbol, Tables
from ..semantics.types import Entity, Enum, Record, SetOf, Type
from ..syntax import ast

_VERSION = "kynara/1"
_LEFT_OUT = frozenset({"span", "doc", "description"})
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class _Names(dict[type[ast.Node], tuple[str, ...]]):
    """The names of the fields of each class that are written down; worked out at first use."""

    def __missing__(self, kind: type[ast.Node]) -> tuple[str, ...]:
        names = tuple(field.name for field in fields(kind) if field.name not in _LEFT_OUT)
        self[kind] = names
        return names


_NAMES = _Names()


def digest(program: Program) -> str:
    """Return `sha256:…` of the canonical program."""
    summing = Summing(program)
    for rule in program.rules:
        summing.add(rule)
    return summing.result()


class Summing:
    """Works out a digest rule by rule, for a program whose rules are never there all at one time.

    What is hashed is the canonical program as one JSON object with sorted names, of which no more exists than a rule.
    """

    def __init__(self, program: Program) -> None:
        """Begin with what stands before the rules; everything of the program but its rules must be checked."""
        self._program = program
        self._hash = hashlib.sha256()
        before = {
            "actions": {key: _action(action, program.tables) for key, action in program.actions.items()},
            "context": _attributes(program.context.values()),
            "lets": {
                key: [[(n, _type(t)) for n, t in let.parameters or ()], _dump(let.decl.body, program.tables)]
                for key, let in program.lets.items()
            },
            "roles": {key: [role.external, sorted(role.closure)] for key, role in program.roles.items()},
        }
        self._add(_JSON.encode(before)[:-1] + ',"rules":{')
        self._between = ""

    def add(self, rule: RuleSymbol) -> None:
        """Add a rule, by name."""
        self._add(f"{self._between}{_JSON.encode(rule.name)}:{_JSON.encode(_rule(rule, self._program.tables))}")
        self._between = ","

    def result(self) -> str:
        """Return `sha256:…` of the program whose rules were all added."""
        types = {key: _entity(kind) for key, kind in self._program.types.items()}
        self._add("}," + _JSON.encode({"types": types, "version": _VERSION})[1:])
        return f"sha256:{self._hash.hexdigest()}"

    def _add(self, text: str) -> None:
        self._hash.update(text.encode())


def _attributes(symbols: Any) -> Any:
    rows: list[AttributeSymbol] = list(symbols)
    return sorted([a.name, a.external, json.dumps(_type(a.type)), a.optional, a.untrusted] for a in rows)


def _type(kind: Type) -> Any:
    """Write a type down by what it holds; the order in which that was declared does not count."""
    match kind:
        case Enum(values=values):
            return ["enum", sorted(values)]
        case SetOf(element=element):
            return ["set", _type(element)]
        case Record(fields=parts):
            return ["record", [[p.name, p.external or p.name, _type(p.type), p.optional] for p in parts]]
        case Entity(names=names, traits=traits):
            return ["entity", sorted(names), sorted(traits)]
    return str(kind)


def _entity(kind: EntityType) -> Any:
    return [
        kind.kind,
        kind.external,
        sorted(kind.parents),
        sorted(kind.traits),
        _attributes(kind.attributes.values()),
    ]


def _action(action: ActionSymbol, tables: Tables) -> Any:
    decl = action.decl
    return [
        action.external,
        sorted(action.on),
        _attributes(action.parameters.values()),
        sorted(action.groups),
        sorted(json.dumps(_dump(m, tables)) for m in decl.modifies),
        sorted(json.dumps(_dump(a, tables)) for a in decl.acts_as),
        sorted(e.text for e in decl.effects),
    ]


def _rule(rule: RuleSymbol, tables: Tables) -> Any:
    approval = rule.approval
    return [
        rule.effect,
        sorted(rule.actions),
        _patterns(rule.subjects),
        _patterns(rule.resources),
        [[c.kind, None if c.expr is None else _dump(c.expr, tables)] for c in rule.conditions],
        rule.valid_from,
        rule.valid_until,
        approval
        and [
            _patterns(approval.approvers),
            None if approval.where is None else _dump(approval.where, tables),
            approval.quorum,
            approval.expires,
        ],
    ]


def _patterns(patterns: tuple[PatternSymbol, ...]) -> Any:
    return sorted(json.dumps([sorted(p.types), p.entity, p.group, sorted(p.roles)]) for p in patterns)


def _dump(node: ast.Node, tables: Tables) -> Any:
    """Write a tree down as lists; names become the keys of what they refer to."""
    target = tables.targets.get(node)
    if isinstance(node, ast.Ident | ast.Var) and (key := getattr(target, "key", None)) is not None:
        if node in tables.constants:
            return ["constant", repr(_ordered(tables.constants[node]))]
        return [type(node).__name__, key]
    if node in tables.constants and not isinstance(node, ast.Binary):
        return [type(node).__name__, repr(_ordered(tables.constants[node]))]
    parts: list[Any] = [type(node).__name__]
    for name in _NAMES[type(node)]:
        value = getattr(node, name)
        if isinstance(value, ast.Node):
            parts.append(_dump(value, tables))
        elif isinstance(value, tuple):
            parts.append([_dump(v, tables) if isinstance(v, ast.Node) else v for v in value])
        else:
            parts.append(value)
    return parts


def _ordered(value: Any) -> Any:
    return sorted(map(repr, value)) if isinstance(value, frozenset) else value
