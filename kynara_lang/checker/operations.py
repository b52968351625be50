"""Operators, tests and calls: which types they take, from the tables of `semantics.operators`."""

from __future__ import annotations

import re

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from ..semantics import times
from ..semantics.operators import BUILTINS, OPERATORS, ORDERED, TEXT_LIKE, Builtin, receiver_name
from ..semantics.problems import ValueProblem
from ..semantics.text import compile_glob
from ..semantics.types import (
    BLOCK,
    BOOL,
    DECIMAL,
    DURATION,
    EMAIL,
    ERROR,
    HOST,
    INT,
    IP,
    NOTHING,
    PATH,
    STRING,
    URL,
    Entity,
    Enum,
    Record,
    SetOf,
    Simple,
    Type,
    assignable,
    comparable,
)
from ..syntax import ast
from ..syntax.habits import NULLS, no_null
from .attributes import AttributeChecks
from .bags import Bag
from .containment import contained
from .names import spelled
from .narrowing import Env, path_of
from .symbols import LetSymbol, Program, Scope, Tables
from .words import in_words, not_one_kind

_WITHIN_PLACES: dict[Type, Type] = {IP: BLOCK, PATH: PATH, HOST: HOST}
_TESTED: dict[Type, str] = {IP: "an address", PATH: "a path", HOST: "a host"}
_UNQUOTED = {
    "Int": r"-?[0-9]+",
    "Decimal": r"-?[0-9]+\.[0-9]+",
    "Bool": "true|false",
    "Time": r"\d{4}-\d\d-\d\d(?:T[\d:]+Z)?",
}
_ASKS = ("exists", "has", "defined", "is_defined", "isset", "present")
_HOLDS_ONE = ("contains", "includes", "include", "has", "member", "element", "exists")
_WITHIN_PARTS: dict[Type, str] = {URL: "host", EMAIL: "domain"}


class OperationChecks(AttributeChecks):
    """The part of the type checker that knows operators, tests and calls."""

    program: Program
    report: Report
    tables: Tables

    def require(self, expr: ast.Expr, env: Env, place: Type, why: str) -> Type:
        """Check an expression that must have a type."""
        raise NotImplementedError

    def flexible(self, expr: ast.Expr, scope: Scope) -> bool:
        """Whether the type of an expression depends on its place."""
        raise NotImplementedError

    def mismatch(self, span: Span, found: Type, place: Type, why: str) -> None:
        """Report a value of the wrong type."""
        raise NotImplementedError

    def operation(self, expr: ast.Expr, env: Env) -> Type:
        """Work out the type of an operator, a test or a call."""
        match expr:
            case ast.Binary(op, left, right):
                return self._binary(expr, op, left, right, env)
            case ast.Negate(operand):
                found = self.check(operand, env)
                if found not in (INT, DECIMAL, DURATION, ERROR):
                    self.report.add(
                        "KYN201",
                        f"a minus stands before a number or a duration, and this is {in_words(found)}",
                        operand.span,
                        f"this is {in_words(found)}",
                    )
                    return ERROR
                return found
            case ast.Has(target, name):
                return self._has(expr, target, name, env)
            case ast.Is(target):
                return self._is(expr, target, env)
            case ast.Holds(target, role):
                found = self.check(target, env)
                if found not in (ERROR,) and not isinstance(found, Entity):
                    self.mismatch(target.span, found, Entity(frozenset()), "what holds a role")
                self.role(role, env.scope)
                return BOOL
            case ast.Call():
                return self._call(expr, env)
            case ast.MethodCall():
                return self._method(expr, env)
        raise AssertionError(f"no rule for {type(expr).__name__}")

    # --- operators

    def _binary(self, expr: ast.Binary, op: str, left: ast.Expr, right: ast.Expr, env: Env) -> Type:
        if op in ("==", "!="):
            if any(self._null(side, env) for side in (left, right)):
                return BOOL
            a, b = self._pair(left, right, env)
            if not comparable(a, b):
                self._never_equal(expr, a, b)
            return BOOL
        if op in ("in", "not in"):
            return self._in(expr, left, right, env)
        if op == "like":
            return self._like(left, right, env)
        if op == "within":
            return self._within(left, right, env)
        return self._row(expr, op, left, right, env)

    def _null(self, expr: ast.Expr, env: Env) -> bool:
        """Report a comparison with null; what is compared may well be absent, so it is not looked at."""
        if not isinstance(expr, ast.Var) or expr.name not in NULLS:
            return False
        if expr.name in env.variables or expr.name in env.scope.lets:
            return False
        null = no_null(expr.span)
        self.report.add("KYN101", null.message, null.span, null.label, notes=null.notes, help=null.help)
        return True

    def _pair(self, left: ast.Expr, right: ast.Expr, env: Env) -> tuple[Type, Type]:
        """Check two operands, the one with a type of its own first, so that literals are read as its type."""
        if self.flexible(left, env.scope) and not self.flexible(right, env.scope):
            b = self.check(right, env)
            return self.check(left, env, b), b
        a = self.check(left, env)
        return a, self.check(right, env, a)

    def _row(self, expr: ast.Binary, op: str, left: ast.Expr, right: ast.Expr, env: Env) -> Type:
        a, b = self._pair(left, right, env)
        if ERROR in (a, b):
            return BOOL if op in ("<", "<=", ">", ">=") else ERROR
        for row in OPERATORS[op]:
            if row.left == a and row.right == b:
                self.tables.targets[expr] = row
                return row.result
        self._no_row(expr, op, a, b)
        return BOOL if op in ("<", "<=", ">", ">=") else ERROR

    def _no_row(self, expr: ast.Binary, op: str, a: Type, b: Type) -> None:
        help_text = None
        for side, mine, other in ((expr.left, a, b), (expr.right, b, a)):
            if mine == INT and other == DECIMAL and side.span.text.lstrip("-").isdigit():
                help_text = f"write `{side.span.text}.00`: a dot makes a Decimal"
            if mine == INT and other == DURATION and isinstance(side, ast.IntLit):
                help_text = f"write a duration, such as `{side.text}d` for days or `{side.text}m` for minutes"
            if other == STRING and str(mine) in _UNQUOTED:
                text = expr.right if side is expr.left else expr.left
                if isinstance(text, ast.StringLit) and re.fullmatch(_UNQUOTED[str(mine)], text.value):
                    help_text = f"write `{text.value}` without quotes"
        ordered = op in ("<", "<=", ">", ">=")
        notes = []
        message = f"`{op}` cannot {'compare' if ordered else 'compute with'} {in_words(a)} and {in_words(b)}"
        if ordered and a not in ORDERED and b not in ORDERED:
            what = "texts" if a == b == STRING else f"values of {a}" if a == b else f"{in_words(a)} and {in_words(b)}"
            message = f"`{op}` cannot order {what}"
            notes.append(f"{', '.join(str(t) for t in ORDERED)} can be ordered")
            if isinstance(a, Enum) and isinstance(b, Enum):
                left = expr.left.span.text
                help_text = f'list the values that are meant: `{left} in {{"{a.values[0]}", …}}`'
        elif op == "+" and STRING in (a, b):
            notes.append("`+` adds numbers, times and durations; texts cannot be joined")
        elif help_text is None:
            notes.append("there are no implicit conversions")
        self.report.add(
            "KYN205" if ordered else "KYN201",
            message,
            expr.span,
            not_one_kind(a, op, b),
            notes=notes,
            help=help_text,
        )

    def _never_equal(self, expr: ast.Binary, a: Type, b: Type) -> None:
        help_text = None
        for side, mine, other in ((expr.left, a, b), (expr.right, b, a)):
            if mine == INT and other == DECIMAL and side.span.text.lstrip("-").isdigit():
                help_text = f"write `{side.span.text}.00`: a dot makes a Decimal"
            if mine == INT and other == DURATION and isinstance(side, ast.IntLit):
                help_text = f"write a duration, such as `{side.text}d` for days or `{side.text}m` for minutes"
            if isinstance(mine, Record) and other == SetOf(NOTHING):
                help_text = _without_fields(mine, side.span.text, absent=expr.op == "==")
            elif isinstance(other, SetOf) and comparable(mine, other.element):
                among = expr.right if side is expr.left else expr.left
                help_text = f"write `{side.span.text} {'in' if expr.op == '==' else 'not in'} {among.span.text}`"
            if isinstance(mine, Entity) and isinstance(other, Simple) and mine.label and len(mine.names) == 1:
                text = expr.right if side is expr.left else expr.left
                if isinstance(text, ast.StringLit):
                    help_text = f"compare with an entity: `{mine.label}::{text.span.text}`"
            if mine in (INT, DECIMAL, BOOL) and other == STRING:
                text = expr.right if side is expr.left else expr.left
                if isinstance(text, ast.StringLit) and re.fullmatch(_UNQUOTED[str(mine)], text.value):
                    help_text = f"write `{text.value}` without quotes"
        self.report.add(
            "KYN205",
            f"{in_words(a)} is never equal to {in_words(b)}",
            expr.span,
            not_one_kind(a, expr.op, b),
            notes=() if help_text else ["there are no implicit conversions"],
            help=help_text,
        )

    def _in(self, expr: ast.Binary, left: ast.Expr, right: ast.Expr, env: Env) -> Type:
        if self.flexible(left, env.scope) and not self.flexible(right, env.scope):
            b = self.check(right, env)
            a = self.check(left, env, b.element if isinstance(b, SetOf) else None)
        else:
            a = self.check(left, env)
            b = self.check(right, env, None if isinstance(a, Entity) and _is_entity(right) else SetOf(a))
        if ERROR in (a, b):
            return BOOL
        if isinstance(b, SetOf):
            if not comparable(a, b.element):
                help_text = None
                if isinstance(a, Entity) and isinstance(b.element, Entity):
                    asked = f"any g in {right.span.text}: {left.span.text} in g"
                    help_text = f"to ask for membership in any of them: `{asked}`"
                elif isinstance(b.element, Record) and a == SetOf(NOTHING):
                    help_text = _without_fields(b.element, "r", absent=expr.op == "in", among=right.span.text)
                self.report.add(
                    "KYN205",
                    f"{in_words(a)} is never an element of {in_words(b)}",
                    expr.span,
                    not_one_kind(a, expr.op, b),
                    help=help_text,
                )
            return BOOL
        if isinstance(a, Entity) and isinstance(b, Entity):
            self._hierarchy(expr, a, b)
            return BOOL
        negated = "not " if expr.op == "not in" else ""
        self.report.add(
            "KYN201",
            f"`in` needs a set or a group, and this is {in_words(b)}",
            right.span,
            "neither a set nor an entity",
            help=f"to look inside text, write `{negated}{right.span.text}.contains({left.span.text})`"
            if a == b == STRING
            else f"to test {_TESTED[a]}, write `{negated}{left.span.text} within {right.span.text}`"
            if a in _WITHIN_PLACES
            else None,
        )
        return BOOL

    def _hierarchy(self, expr: ast.Binary, member: Entity, group: Entity) -> None:
        reached, new = set(member.names), set(member.names)
        while new:
            new = {p for key in new for p in self.program.types[key].parents} - reached
            reached |= new
        if member.names and group.names and not reached & group.names:
            self.report.add(
                "KYN210",
                f"{in_words(member)} is never in {in_words(group)}",
                expr.span,
                "this can never hold",
                notes=[f"no declaration says that {in_words(member)} can be in {in_words(group)}"],
                help=f"declare it: `subject {member} in {group}`" if member.label and group.label else None,
            )

    def _like(self, left: ast.Expr, right: ast.Expr, env: Env) -> Type:
        a = self.check(left, env)
        b = self.check(right, env, STRING)
        if a in TEXT_LIKE:
            self._within_instead(left.span, a, "`like`", right)
        elif a not in (STRING, ERROR):
            self.mismatch(left.span, a, STRING, "what `like` looks at")
        if b != STRING:
            if b != ERROR:
                self.mismatch(right.span, b, STRING, "the pattern of `like`")
            return BOOL
        text = self._constant_text(right, env)
        if text is None:
            self.report.add(
                "KYN208",
                "the pattern of `like` must be a text known now",
                right.span,
                "not a constant",
                help='write it out, such as `"report-*"`, or use `.starts_with(…)`',
            )
            return BOOL
        try:
            self.tables.constants[right] = compile_glob(text)
        except ValueProblem as problem:
            self.report.add("KYN204", f"this is not a pattern: {problem.message}", right.span, "read as a pattern")
        return BOOL

    def _constant_text(self, expr: ast.Expr, env: Env) -> str | None:
        for _ in range(100):
            if isinstance(expr, ast.StringLit):
                return expr.value
            let = self.tables.targets.get(expr)
            if not isinstance(let, LetSymbol):
                return None
            expr = let.decl.body
        return None

    def _within(self, left: ast.Expr, right: ast.Expr, env: Env) -> Type:
        a = self.check(left, env)
        place = _WITHIN_PLACES.get(a)
        if place is None:
            self.check(right, env)
            if a != ERROR:
                part = _WITHIN_PARTS.get(a)
                self.report.add(
                    "KYN201",
                    f"`within` tests an IP, a Path or a Host, and this is {in_words(a)}",
                    left.span,
                    f"this is {in_words(a)}",
                    help=f"write `{left.span.text}.{part} within {right.span.text}`"
                    if part
                    else f"declare it as a Path, Host or IP instead of {a}"
                    if a == STRING
                    else None,
                )
            return BOOL
        several = isinstance(right, ast.SetLit) or self._names_set(right, env)
        b = self.check(right, env, SetOf(place) if several else place)
        inner = b.element if isinstance(b, SetOf) else b
        if not assignable(inner, place):
            self.mismatch(right.span, b, place, "what lies on the right of `within`")
        return BOOL

    def _names_set(self, expr: ast.Expr, env: Env) -> bool:
        scope = env.scope
        for _ in range(100):
            if isinstance(expr, ast.SetLit):
                return True
            if not isinstance(expr, ast.Var) or expr.name in env.variables or expr.name not in scope.lets:
                return False
            let = scope.lets[expr.name]
            expr, scope = let.decl.body, let.scope
        return False

    def _within_instead(self, span: Span, kind: Type, what: str, sought: ast.Expr | None = None) -> None:
        text = sought.value if isinstance(sought, ast.StringLit) else ""
        suffix = re.fullmatch(r"\*?(\.\w+)", text) if kind == PATH and what in ("`like`", "`.ends_with`") else None
        cure = contained(span.text, kind, text, at_end=what == "`.ends_with`")
        self.report.add(
            "KYN209",
            f"{what} compares spelling, and {in_words(kind)} can be spelled in ways that fool it",
            span,
            f"this is {in_words(kind)}",
            notes=["`/work-evil` starts with `/work`, and `example.com.evil.net` with `example.com`"]
            if suffix is None
            else (),
            help=f'ask for its suffix: `{span.text}.suffix == "{suffix[1]}"`'
            if suffix
            else cure,
        )

    # --- tests

    def _tested(self, target: ast.Expr, env: Env) -> Type:
        """Check the target of a test that is itself the question whether something is there."""
        if isinstance(target, ast.Var) and (v := env.variables.get(target.name)) is not None and v.maybe:
            self.tables.types[target] = v.type
            narrowed = env.facts.kind(v.path)
            return Entity(v.type.names & narrowed) if narrowed is not None and isinstance(v.type, Entity) else v.type
        return self.check(target, env)

    def _has(self, expr: ast.Has, target: ast.Expr, name: ast.Ident, env: Env) -> Type:
        found = self.looked_into(target, env)
        match found:
            case Bag():
                if name.text not in found.fields:
                    self.unknown_attribute(
                        name, f"there is no {found.what} `{name.text}`{found.where}", found.fields, found
                    )
            case Entity():
                having = self.attributes_named(found, name.text)
                if not having and (found.names or found.traits) and not found.names & self.program.unfinished:
                    known = {a for k in found.names for a in self.program.types[k].attributes}
                    self.unknown_attribute(name, f"{in_words(found)} has no attribute `{name.text}`", known, found)
            case Record():
                if found.index(name.text) is None:
                    fields = [f.name for f in found.fields]
                    self.unknown_attribute(name, f"this record has no field `{name.text}`", fields, found)
            case _ if found != ERROR:
                self.mismatch(target.span, found, Entity(frozenset()), "what `has` looks into")
        return BOOL

    def _is(self, expr: ast.Is, target: ast.Expr, env: Env) -> Type:
        found = self._tested(target, env)
        named = self.types_of(expr.type, env.scope)
        if named is None or found == ERROR:
            return BOOL
        if not isinstance(found, Entity):
            self.mismatch(target.span, found, Entity(frozenset()), "what `is` tests")
        elif named[0] and found.names and not named[0] & found.names and not self._learnt(target, env):
            self.report.add(
                "KYN210",
                f"`{expr.span.text}` can never hold",
                expr.span,
                f"`{target.span.text}` is {in_words(found)} here",
            )
        return BOOL

    @staticmethod
    def _learnt(target: ast.Expr, env: Env) -> bool:
        """Whether what is known of a target's type was learnt from other tests: then it is the logic that is odd."""
        path = path_of(target, env)
        return path is not None and env.facts.kind(path) is not None

    # --- calls

    def _call(self, expr: ast.Call, env: Env) -> Type:
        name = expr.function
        if name.text in _ASKS and name.text not in env.scope.lets and self._asks(expr, env):
            return BOOL
        let = env.scope.lets.get(name.text)
        if let is None or let.parameters is None:
            for argument in expr.arguments:
                self.check(argument, env)
            if let is not None:
                self.report.add(
                    "KYN206",
                    f"`{name.text}` is a constant and takes no arguments",
                    name.span,
                    "not a predicate",
                    labels=[(let.decl.name.span, "declared here")],
                    help=f"write `{name.text}`",
                )
            else:
                predicates = [n for n, symbol in env.scope.lets.items() if symbol.parameters is not None]
                self._no_predicate(expr, predicates)
            return ERROR
        self.tables.targets[name] = let
        if len(expr.arguments) != len(let.parameters):
            shown = ", ".join(f"{n}: {t}" for n, t in let.parameters)
            self.report.add(
                "KYN206",
                f"`{let.name}` takes {_count(len(let.parameters))}, and {_given(len(expr.arguments))}",
                expr.span,
                f"expected `{let.name}({shown})`",
                labels=[(let.decl.name.span, "declared here")],
            )
        for (parameter, kind), argument in zip(let.parameters, expr.arguments, strict=False):
            self.require(argument, env, kind, f"`{parameter}` of `{let.name}`")
        return let.type or ERROR

    def _asks(self, expr: ast.Call, env: Env) -> bool:
        """Report `exists(value.attr)` and the like, without asking whether the attribute is proved to be there."""
        if len(expr.arguments) != 1 or not isinstance(argument := expr.arguments[0], ast.Attribute):
            return False
        self.looked_into(argument.target, env)
        cure = f"write `{argument.target.span.text} has {argument.name.text}`"
        name = expr.function
        self.report.add("KYN101", f"there is no predicate `{name.text}`", name.span, "not declared", help=cure)
        return True

    def _no_predicate(self, expr: ast.Call, predicates: list[str]) -> None:
        name = expr.function
        guess = self.report.near(name.text, predicates)
        methods = [row for row in BUILTINS.values() if row.name == name.text and row.parameters is not None]
        if self.blamed(name.text):
            return
        help_text = f"did you mean `{guess}`?" if guess else self.elsewhere(name.text)
        if name.text in ("now", "today", "current_time") and not expr.arguments:
            help_text, guess = "write `context.now`", None
        if name.text in ("len", "length", "size", "count") and len(expr.arguments) == 1:
            kind = self.tables.types.get(expr.arguments[0], ERROR)
            method = "size" if isinstance(kind, SetOf) else "length" if kind == STRING else None
            help_text = f"it is a method: `{expr.arguments[0].span.text}.{method}()`" if method else help_text
        if not help_text and methods and expr.arguments:
            first, *rest = (argument.span.text for argument in expr.arguments)
            help_text = f"it is a method: `{first}.{name.text}({', '.join(rest)})`"
        elif not help_text:
            parameters = ", ".join(f"{chr(97 + i)}: …" for i in range(min(len(expr.arguments), 20)))
            help_text = f"declare it: `let {name.text}({parameters}) = …`" if parameters else None
        fix = spelled(name.span, guess) if help_text == f"did you mean `{guess}`?" else None
        self.report.add(
            "KYN101", f"there is no predicate `{name.text}`", name.span, "not declared", help=help_text, fix=fix
        )

    def _method(self, expr: ast.MethodCall, env: Env) -> Type:
        target = self.check(expr.target, env)
        row = BUILTINS.get((receiver_name(target), expr.name.text))
        if row is None or row.parameters is None:
            for argument in expr.arguments:
                self.check(argument, env)
            if target == ERROR:
                return ERROR
            if target in TEXT_LIKE and expr.name.text in ("starts_with", "ends_with", "contains", "lower"):
                self._within_instead(expr.target.span, target, f"`.{expr.name.text}`", *expr.arguments[:1])
            elif isinstance(target, SetOf) and expr.name.text in _HOLDS_ONE and len(expr.arguments) == 1:
                self._element_asked(expr, target, expr.arguments[0])
            else:
                self.no_builtin(expr.name, target, called=True)
            return ERROR
        self.tables.targets[expr] = row
        if len(expr.arguments) != len(row.parameters):
            self.report.add(
                "KYN206",
                f"`.{row.name}` takes {_count(len(row.parameters))}, and {_given(len(expr.arguments))}",
                expr.span,
                f"expected `{row.shown}`",
            )
            return row.result
        for parameter, argument in zip(row.parameters, expr.arguments, strict=True):
            if parameter == "zone":
                self._zone(argument, env)
            else:
                place = target if parameter is None else parameter
                assert isinstance(place, Type)
                self._argument(argument, env, place, row)
        return row.result

    def _element_asked(self, expr: ast.MethodCall, target: SetOf, sought: ast.Expr) -> None:
        """Report `values.contains(x)`, which other languages ask of a set."""
        cure = f"{sought.span.text} in {expr.target.span.text}"
        if isinstance(self.tables.types.get(sought), SetOf):
            cure = f"{expr.target.span.text}.contains_all({sought.span.text})"
        self.report.add(
            "KYN202",
            f"{in_words(target)} has no method `{expr.name.text}`",
            expr.name.span,
            "no such method",
            help=f"write `{cure}`",
        )

    def _argument(self, argument: ast.Expr, env: Env, place: Type, row: Builtin) -> None:
        found = self.check(argument, env, place)
        fits = comparable(found, place) if row.receiver == "Set" else assignable(found, place)
        if not fits:
            self.mismatch(argument.span, found, place, f"the argument of `.{row.name}`")

    def _zone(self, argument: ast.Expr, env: Env) -> None:
        found = self.check(argument, env)
        text = self._constant_text(argument, env)
        if found != STRING:
            if found != ERROR:
                self.mismatch(argument.span, found, STRING, "the name of a time zone")
            return
        if text is None:
            self.report.add(
                "KYN208",
                "the time zone must be a text known now",
                argument.span,
                "not a constant",
                help='write it out, such as `"Europe/Berlin"`',
            )
            return
        try:
            self.tables.constants[argument] = times.zone(text)
        except ValueProblem as problem:
            self.report.add(
                "KYN204",
                problem.message,
                argument.span,
                "not a time zone",
                help=f'write `"{problem.suggestion}"`' if problem.suggestion else None,
            )


def _without_fields(kind: Record, record: str, *, absent: bool, among: str = "") -> str:
    """Return what to write instead of `{}`, which is the empty set, where a record may have been meant."""
    if not all(field.optional for field in kind.fields):
        required = ", ".join(f"{field.name}: …" for field in kind.fields if not field.optional)
        return f"`{{}}` is the empty set; a record is written with its fields: `{{{required}}}`"
    asked = " or ".join(f"{record} has {field.name}" for field in kind.fields)
    if absent:
        asked = f"not ({asked})"
    if among:
        asked = f"{'any' if absent else 'all'} {record} in {among}: {asked}"
    return f"`{{}}` is the empty set; ask for the fields instead: `{asked}`"


def _is_entity(expr: ast.Expr) -> bool:
    return not isinstance(expr, ast.SetLit)


def _given(n: int) -> str:
    return "none is given" if n == 0 else "1 is given" if n == 1 else f"{n} are given"


def _count(n: int) -> str:
    return "no argument" if n == 0 else "one argument" if n == 1 else f"{n} arguments"
