"""Lowering: a rule, an action and two types in; guards without names, unions or predicates out.

Because the types of subject and resource are known, `is` and `has` on them are decided here, and an attribute is one
lookup. A predicate's argument is put in its parameter's place, so it is evaluated where, and only if, the parameter is:
a `let` is expanded, not called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from attrs import frozen

from ..checker.symbols import (
    ActionSymbol,
    AttributeSymbol,
    Condition,
    EntityType,
    LetSymbol,
    PatternSymbol,
    Program,
    RuleSymbol,
)
from ..semantics.operators import OPERATORS, Builtin, Operator
from ..semantics.types import ERROR, Entity, Record, SetOf, Type
from ..syntax import ast
from . import ir

EntityMaker = Callable[[str, str], Any]
_ENTITY_ROOTS = ("subject", "resource", "delegator", "actor", "approver")


@frozen
class _Bound:
    """What a name stands for, and how it is written in an explanation (None inside a quantifier)."""

    value: ir.Expr
    text: str | None


_Names = dict[str, _Bound]


class Lowering:
    """Lowers rules for one action, subject type and resource type.

    `entity` makes entity values from a type key and an id, known ones where a store knows them.
    """

    def __init__(
        self, program: Program, action: ActionSymbol, subject: EntityType, resource: EntityType, entity: EntityMaker
    ) -> None:
        """Fix what is known of the requests to come."""
        self._tables = program.tables
        self._program = program
        self._action = action
        self._types = {"subject": subject, "resource": resource}
        self._entity = entity
        self._locals = (f"v{number}" for number in count())
        self._own: dict[str, tuple[ir.Root, ...]] = {}
        self._reads: list[ir.Expr] = []
        self._shown: dict[str, ir.Shown] = {}
        roots: tuple[ir.RootName, ...] = ("subject", "resource", "delegator", "actor", "approver", "args", "context")
        self._roots: _Names = {name: _Bound(ir.Root(name), name) for name in roots}
        self._roots["delegation"] = _Bound(ir.Root("depth"), "delegation")
        self._roots["delegated"] = _Bound(ir.Apply("{0} is not None", (ir.Root("delegator"),)), "delegated")

    # --- rules

    def test(self, rule: RuleSymbol) -> ir.Test | None:
        """Lower a rule, or return None when its types do not fit."""
        if self._types["subject"].key not in rule.subject_types:
            return None
        if self._types["resource"].key not in rule.resource_types or self._action.key not in rule.actions:
            return None
        with rule.opened() as body:
            return ir.Test(rule, tuple(self._guards(body)))

    def _guards(self, rule: RuleSymbol) -> list[ir.Guard]:
        """Return what must hold for a rule whose types fit to match."""
        subject = self._patterns("subject", rule.subjects)
        resource = self._patterns("resource", rule.resources)
        guards = []
        for kind, asked in (("subject", subject), ("resource", resource)):
            if asked is not ir.TRUE:
                clause = next(c for c in rule.decl.clauses if type(c).__name__ == f"{kind.capitalize()}Clause")
                guards.append(ir.Guard(cast(Any, kind), asked, clause.span))
        guards += self._validity(rule)
        for condition in rule.conditions:
            if condition.expr is not None:
                guards.append(self._guard(condition))
                if guards[-1].condition is ir.FALSE:
                    break  # the types decide that it never holds, so nothing after it is evaluated or read
        return guards

    def _patterns(self, root: ir.RootName, patterns: tuple[PatternSymbol, ...]) -> ir.Expr:
        """Return the condition under which a pattern fits; the type of one of them at least does."""
        return _or([self.pattern(root, p) for p in patterns if self._types[root].key in p.types])

    def pattern(self, root: ir.RootName, pattern: PatternSymbol) -> ir.Expr:
        """Return what a pattern asks of an entity beyond its type."""
        entity = ir.Root(root)
        asked: list[ir.Expr] = []
        if pattern.entity is not None:
            asked.append(ir.Apply("{0} == {1}", (entity, ir.Const(pattern.entity))))
        if pattern.group is not None:
            asked.append(ir.Apply("{1} in {0}.ancestors", (entity, ir.Const(pattern.group))))
        if len(pattern.roles) == 1:
            asked.append(ir.Apply("{1} in {0}.roles", (entity, ir.Const(pattern.roles[0]))))
        elif pattern.roles:
            asked.append(ir.Apply("not {0}.roles.isdisjoint({1})", (entity, ir.Const(frozenset(pattern.roles)))))
        return _and(asked)

    def approver(self, rule: RuleSymbol) -> ir.Expr:
        """Return the condition under which an entity may approve what a rule asks approval for."""
        approval = rule.approval
        assert approval is not None
        root = ir.Root("approver")
        fits = _or(
            [
                _and([ir.Apply("{0}.type in {1}", (root, ir.Const(p.types))), self.pattern("approver", p)])
                for p in approval.approvers
            ]
        )
        if approval.where is None:
            return fits
        return _and([fits, self._expr(approval.where, self._roots)])

    def _validity(self, rule: RuleSymbol) -> list[ir.Guard]:
        guards = []
        for clause in rule.decl.clauses:
            if isinstance(clause, ast.ValidClause):
                bound = rule.valid_from if clause.bound == "from" else rule.valid_until
                template = "{0} >= {1}" if clause.bound == "from" else "{0} < {1}"
                now = ir.Read("context", "now")
                shown = ir.Shown("context.now", now, self._program.context["now"].type)
                condition = ir.Apply(template, (now, ir.Const(bound)))
                guards.append(ir.Guard("valid", condition, clause.span, (shown,)))
        return guards

    def _guard(self, condition: Condition) -> ir.Guard:
        assert condition.expr is not None
        self._shown = {}
        lowered = self._expr(condition.expr, self._roots)
        if condition.kind == "unless":
            lowered = _not(lowered)
        return ir.Guard(condition.kind, lowered, condition.clause.span, tuple(self._shown.values()))

    # --- expressions

    def _expr(self, node: ast.Expr, names: _Names) -> ir.Expr:
        if node in self._tables.constants:
            value = self._constant(node)
            return self._show(node, value, None) if isinstance(node, ast.Var) else value
        match node:
            case ast.Var() | ast.Attribute():
                value, text = self._path(node, names)
                return self._show(node, value, text)
            case ast.Not(operand):
                return _not(self._expr(operand, names))
            case ast.Negate(operand):
                return ir.Apply("checked(-{0})", (self._expr(operand, names),), may_fail=True)
            case ast.And(operands):
                return _and([self._expr(o, names) for o in operands])
            case ast.Or(operands):
                return _or([self._expr(o, names) for o in operands])
            case ast.SetLit(items):
                return self._collect("set", [self._expr(i, names) for i in items])
            case ast.RecordLit(fields):
                return self._record(node, fields, names)
            case ast.Binary(op, left, right):
                return self._binary(node, op, left, right, names)
            case ast.Has(target, name):
                return self._has(target, name.text, names)
            case ast.Is(target):
                return self._is(node, target, names)
            case ast.Holds(target, role):
                key = ir.Const(self._tables.targets[role].key)
                test = self._of_entity("{1} in {0}.roles", "{1} in roles_of({0})", target, key, names)
                return self._if_there(self._expr(target, names), test)
            case ast.Call(function, arguments):
                return self._call(self._tables.targets[function], arguments, names)
            case ast.MethodCall(target, _, arguments):
                row: Builtin | None = self._tables.targets.get(node)
                if row is None:
                    return ir.FALSE  # where the tests before it leave no type: it is never evaluated
                return ir.Apply(row.template, tuple(self._expr(x, names) for x in (target, *arguments)), row.fails)
            case ast.Quantifier(kind, variable, domain, body):
                return self._quantifier(kind, variable.text, self._expr(domain, names), body, names)
        raise AssertionError(f"no lowering for {type(node).__name__}")

    def _quantifier(
        self, kind: Literal["all", "any"], variable: str, domain: ir.Expr, body: ast.Expr, names: _Names
    ) -> ir.Expr:
        local = next(self._locals)
        self._own[local] = self._own_in(domain)
        outer, self._reads = self._reads, []
        lowered = self._expr(body, {**names, variable: _Bound(ir.Local(local), None)})
        reads, self._reads = tuple(self._reads), outer
        return ir.Each(kind, local, domain, lowered, reads)

    def _own_in(self, value: ir.Expr) -> tuple[ir.Root, ...]:
        """Return the entities of the request itself that a value can be or hold."""
        match value:
            case ir.Root() if value.name in _ENTITY_ROOTS and value.name != "approver":
                return (value,)
            case ir.Local(name):
                return self._own.get(name, ())
            case ir.Apply(template) if template.startswith("attribute("):
                return ()  # what an attribute refers to is followed in the store or where the request describes it
            case ir.Collect(_, items) | ir.Apply(_, items):
                return tuple({root.name: root for item in items for root in self._own_in(item)}.values())
        return ()

    def _read(self, root: ir.Root, name: str, target: ast.Expr) -> ir.Read:
        symbol = self._declared(root.name).get(name)
        optional = symbol is not None and symbol.optional
        return ir.Read(root.name, name, self._kinds(target), optional)

    def _constant(self, node: ast.Expr) -> ir.Expr:
        value = self._tables.constants[node]
        if isinstance(node, ast.EntityLit):
            value = self._entity(*value)
        return ir.TRUE if value is True else ir.FALSE if value is False else ir.Const(value)

    def _show(self, node: ast.Expr, value: ir.Expr, text: str | None) -> ir.Expr:
        """Remember a value that a clause reads, to be shown beside its text when someone asks why."""
        reads = isinstance(value, ir.Read | ir.Apply) or (isinstance(value, ir.Root) and value.name in _ENTITY_ROOTS)
        if isinstance(value, ir.Read) and value.root in self._types and value.name not in self._declared(value.root):
            return value  # stands in a branch that the type has decided away
        if text is None and isinstance(node, ast.Var) and isinstance(self._tables.targets.get(node), LetSymbol):
            text, reads = node.name, True
        if text is not None and reads:
            kind = self._tables.types.get(node, ERROR)
            if text not in self._shown:
                zone = value.value if isinstance(value, ir.Const) and isinstance(value.value, ZoneInfo) else None
                self._shown[text] = ir.Shown(text, value if zone is None else ir.Const(zone.key), kind)
        return value

    def _path(self, node: ast.Expr, names: _Names) -> tuple[ir.Expr, str | None]:
        """Lower a name or an attribute; also return how it is written once predicates are expanded."""
        if isinstance(node, ast.Var):
            bound = names.get(node.name)
            if bound is not None:
                return bound.value, bound.text
            let = self._tables.targets[node]
            return self._expr(let.decl.body, {}), None
        assert isinstance(node, ast.Attribute)
        name = node.name.text
        row = self._tables.targets.get(node)
        if node.target in self._tables.constants or not isinstance(node.target, ast.Var | ast.Attribute):
            target, text = self._expr(node.target, names), None
        else:
            target, text = self._path(node.target, names)
        text = None if text is None else f"{text}.{name}"
        if isinstance(row, Builtin):
            return ir.Apply(row.template, (target,), row.fails), text
        kind = self._tables.types.get(node.target, ERROR)
        if isinstance(kind, Record):
            return ir.Apply(f"{{0}}[{kind.index(name)}]", (target,)), text
        if isinstance(target, ir.Root) and target.name != "approver":  # whom no request validates
            return (target if target.name == "depth" else self._read(target, name, node.target)), text
        self._reads += [self._read(root, name, node.target) for root in self._own_in(target)]
        return ir.Apply(f"attribute({{0}}, {name!r})", (target,), may_fail=True), text

    def _declared(self, root: ir.RootName) -> Mapping[str, AttributeSymbol]:
        """Return what is declared for a root whose type is known here."""
        if root == "args":
            return self._action.parameters
        if root == "context":
            return self._program.context
        return self._types[root].attributes if root in self._types else {}

    def _kinds(self, target: ast.Expr) -> frozenset[str] | None:
        kind = self._tables.types.get(target)
        return kind.names if isinstance(kind, Entity) else None

    def _binary(self, node: ast.Binary, op: str, left: ast.Expr, right: ast.Expr, names: _Names) -> ir.Expr:
        a = self._expr(left, names)
        if op == "in" or op == "not in":
            found = self._in(a, left, right, names)
            return _not(found) if op == "not in" else found
        b = self._expr(right, names)
        if op in ("==", "!="):
            return _fold(ir.Apply(f"{{0}} {op} {{1}}", (a, b)), op)
        row = self._tables.targets.get(node)
        if isinstance(row, Operator):
            return ir.Apply(row.template, (a, b), row.fails)
        kind = self._tables.types.get(left)
        row = next((r for r in OPERATORS[op] if r.left == kind), None)
        if row is None:
            return ir.FALSE  # where the tests before it leave no type: it is never evaluated
        of_right = self._tables.types.get(right)
        if op == "within" and (isinstance(of_right, SetOf) or isinstance(_value(b), frozenset)):
            return self._within_any(row, a, b)
        return ir.Apply(row.template, (a, b), row.fails)

    def _within_any(self, row: Operator, a: ir.Expr, places: ir.Expr) -> ir.Expr:
        value, place = next(self._locals), next(self._locals)
        if not a.fails:
            return ir.Each("any", place, places, ir.Apply(row.template, (a, ir.Local(place))))
        # What can fail is evaluated once and first: an error is one also where there is no place to compare with.
        inner = ir.Each("any", place, places, ir.Apply(row.template, (ir.Local(value), ir.Local(place))))
        return ir.Each("any", value, ir.Collect("set", (a,)), inner)

    def _in(self, a: ir.Expr, left: ast.Expr, right: ast.Expr, names: _Names) -> ir.Expr:
        b = self._expr(right, names)
        if isinstance(self._tables.types.get(right), SetOf) or isinstance(_value(b), frozenset):
            return ir.Apply("{0} in {1}", (a, b))
        return self._of_entity("{1} in {0}.ancestors", "{1} in ancestors_of({0})", left, b, names)

    def _of_entity(self, known: str, followed: str, target: ast.Expr, operand: ir.Expr, names: _Names) -> ir.Expr:
        """Apply a test to an entity: one of the request's own is known, one reached by a reference may not be.

        Neither may be who approves: of a bare name nobody can say that it holds no role.
        """
        entity = self._expr(target, names)
        if isinstance(entity, ir.Root) and entity.name != "approver":
            return ir.Apply(known, (entity, operand))
        return ir.Apply(followed, (entity, operand), may_fail=True)

    def _has(self, target: ast.Expr, name: str, names: _Names) -> ir.Expr:
        value = self._expr(target, names)
        kind = self._tables.types.get(target, ERROR)
        if isinstance(kind, Record):
            return ir.Apply(f"{{0}}[{kind.index(name)}] is not MISSING", (value,))
        if not isinstance(value, ir.Root) or value.name == "approver":
            self._reads += [self._read(root, name, target) for root in self._own_in(value)]
            return ir.Apply(f"has_attribute({{0}}, {name!r})", (value,), may_fail=True)
        if value.name in ("delegator", "actor"):
            return ir.Present(value.name, name, self._kinds(target))
        symbol = self._declared(value.name).get(name)
        if symbol is None:
            return ir.FALSE
        if value.name == "args" and not symbol.optional:
            return ir.TRUE  # all declared arguments are checked
        return ir.Present(value.name, name)  # whoever asks for a required attribute needs it: absent, it is no request

    def _is(self, node: ast.Is, target: ast.Expr, names: _Names) -> ir.Expr:
        value = self._expr(target, names)
        named = self._tables.targets[node.type]
        tested = frozenset({named.key}) if isinstance(named, EntityType) else frozenset(named.members)
        if isinstance(value, ir.Root) and value.name in self._types:
            return ir.TRUE if self._types[value.name].key in tested else ir.FALSE
        return self._if_there(value, ir.Apply("{0}.type in {1}", (value, ir.Const(tested))))

    @staticmethod
    def _if_there(entity: ir.Expr, test: ir.Expr) -> ir.Expr:
        """Let a test of the delegator fail where there is none; everyone else is always there."""
        if isinstance(entity, ir.Root) and entity.name == "delegator":
            return ir.And((ir.Apply("{0} is not None", (entity,)), test))
        return test

    def _call(self, let: LetSymbol, arguments: tuple[ast.Expr, ...], names: _Names) -> ir.Expr:
        assert let.parameters is not None
        inner: _Names = {"context": self._roots["context"]}
        for (parameter, _), argument in zip(let.parameters, arguments, strict=True):
            if isinstance(argument, ast.Var | ast.Attribute) and argument not in self._tables.constants:
                inner[parameter] = _Bound(*self._path(argument, names))
            else:
                inner[parameter] = _Bound(self._expr(argument, names), None)
        return self._expr(let.decl.body, inner)

    def _record(self, node: ast.RecordLit, fields: tuple[ast.FieldValue, ...], names: _Names) -> ir.Expr:
        kind: Type | None = self._tables.types.get(node)
        assert isinstance(kind, Record)
        given = {f.name.text: self._expr(f.value, names) for f in fields}
        items = [given[f.name] if f.name in given else ir.Apply("MISSING", ()) for f in kind.fields]
        return ir.Collect("record", tuple(items))

    @staticmethod
    def _collect(kind: str, items: list[ir.Expr]) -> ir.Expr:
        if all(isinstance(i, ir.Const) for i in items):
            return ir.Const(frozenset(_value(i) for i in items))
        return ir.Collect("set", tuple(items))


def _value(expr: ir.Expr) -> Any:
    return expr.value if isinstance(expr, ir.Const) else None


def _fold(expr: ir.Apply, op: str) -> ir.Expr:
    a, b = expr.operands
    if isinstance(a, ir.Const) and isinstance(b, ir.Const):
        return ir.TRUE if (a.value == b.value) == (op == "==") else ir.FALSE
    return expr


def _not(expr: ir.Expr) -> ir.Expr:
    if isinstance(expr, ir.Const):
        return ir.FALSE if expr.value is True else ir.TRUE
    return expr.operand if isinstance(expr, ir.Not) else ir.Not(expr)


def _and(found: list[ir.Expr]) -> ir.Expr:
    """Join conditions; what follows a constant false is never evaluated, so it may go."""
    kept: list[ir.Expr] = []
    for expr in found:
        if isinstance(expr, ir.Const) and expr.value is True:
            continue
        kept.append(expr)
        if isinstance(expr, ir.Const):
            break
    if not kept:
        return ir.TRUE
    return kept[0] if len(kept) == 1 else ir.And(tuple(kept))


def _or(found: list[ir.Expr]) -> ir.Expr:
    """Join alternatives; what follows a constant true is never evaluated, so it may go."""
    kept: list[ir.Expr] = []
    for expr in found:
        if isinstance(expr, ir.Const) and expr.value is False:
            continue
        kept.append(expr)
        if isinstance(expr, ir.Const):
            break
    if not kept:
        return ir.FALSE
    return kept[0] if len(kept) == 1 else ir.Or(tuple(kept))
