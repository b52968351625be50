"""Types of expressions: what each can be, whether what it reads is there, and how its literals are read.

Every expression gets a type in the tables. An expression already complained about has the error type, which fits
everywhere, so that one mistake gives one message. Conditions are checked left to right, each knowing what those before
it proved. Attributes are in `attributes.py`, operators and calls in `operations.py`.
"""

from __future__ import annotations

import re
from typing import Any

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from ..semantics.types import (
    BOOL,
    ERROR,
    NOTHING,
    READ_FROM_TEXT,
    STRING,
    Entity,
    Enum,
    Field,
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
from .literals import read_number, read_string
from .names import spelled
from .narrowing import Env, Prover, Variable
from .operations import OperationChecks
from .symbols import LetSymbol, Program, Scope
from .words import in_words

_ROOTS = {
    "subject": "who asks",
    "resource": "what is acted on",
    "args": "the action's arguments",
    "actor": "who performs the call",
    "delegator": "whom the subject acts for",
    "delegated": "whether there is a delegator",
    "delegation": "the chain of delegation",
    "approver": "who approves",
    "context": "when and from where",
}
_OF_REQUEST = {"principal": "subject", "subject": "subject", "user": "subject", "resource": "resource"}
_FOREIGN_NAMES = {
    "principal": "subject",
    "user": "subject",
    "request": "context",
    "env": "context",
    "environment": "context",
    "input": "args",
    "params": "args",
    "arguments": "args",
    "obj": "resource",
    "object": "resource",
}


_MEMBER = re.compile(r"\.([a-z_]\w*)")
_SOUGHT = re.compile(r'\s*(?:==|in)\s*((?:Action::)?"[^"]*"|\{[^{}]*\})')


class Typechecker(OperationChecks, AttributeChecks):
    """Checks the expressions of one program; what it learns goes into the program's tables."""

    def __init__(self, program: Program, report: Report) -> None:
        """Work on a program whose declarations are resolved."""
        self.program = program
        self.report = report
        self.tables = program.tables
        self.prover = Prover(self.types_named, lambda e: self.tables.types.get(e, ERROR), self.predicate_of)

    # --- doors

    def check(self, expr: ast.Expr, env: Env, expected: Type | None = None) -> Type:
        """Work out the type of an expression; `expected` decides how literals in it are read."""
        found = self._infer(expr, env, expected)
        if isinstance(found, Bag):
            found = self._no_value(expr, found)
        self.tables.types[expr] = found
        return found

    def looked_into(self, expr: ast.Expr, env: Env) -> Type:
        """Work out the type of what stands before `.name` or `has name`: there `args` and `context` can stand too."""
        if isinstance(expr, ast.Var) and (variable := env.variables.get(expr.name)) is not None:
            if isinstance(variable.type, Bag):
                self.tables.types[expr] = variable.type
                return variable.type
        return self.check(expr, env)

    def _no_value(self, expr: ast.Expr, bag: Bag) -> Type:
        names = sorted(bag.fields)
        self.report.add(
            "KYN201",
            f"`{bag}` is no value by itself",
            expr.span,
            f"one {bag.what} must be named",
            notes=[f"{bag} has {', '.join(f'`{n}`' for n in names[:12])}" if names else f"{bag} has none here"],
            help=f"write `{expr.span.text}.{names[0]}`" if names else None,
        )
        return ERROR

    def require(self, expr: ast.Expr, env: Env, place: Type, why: str) -> Type:
        """Check an expression that must have a type; `why` names the place in the message."""
        found = self.check(expr, env, place)
        if not assignable(found, place):
            self.mismatch(expr.span, found, place, why)
            return ERROR
        return found

    def condition(self, expr: ast.Expr, env: Env, why: str) -> None:
        """Check an expression that must be true or false."""
        self.require(expr, env, BOOL, why)

    def mismatch(self, span: Span, found: Type, place: Type, why: str) -> None:
        """Report a value of the wrong type."""
        if isinstance(found, Entity) and isinstance(place, Entity) and found.names & self.program.unfinished:
            return  # it may have the trait that is not known
        help_text = self._cure(span, found, place)
        self.report.add(
            "KYN201",
            f"{why} must be {in_words(place)}, and this is {in_words(found)}",
            span,
            f"this is {in_words(found)}",
            notes=["there are no implicit conversions"] if not help_text else (),
            help=help_text,
        )

    @staticmethod
    def _cure(span: Span, found: Type, place: Type) -> str | None:
        """Return what to write instead of a value of the wrong type, where that can be said."""
        text, bare = span.text, span.text.strip('"')
        match found, place:
            case SetOf(Simple("Bool")), Simple("Bool") if text.startswith("{"):
                return f"braces make a set; leave them out: `{text[1:-1].strip()}`"
            case Record(), Record():
                return _record_cure(found, place)
            case Simple(), SetOf(element) if found == element or element == ERROR:
                return f"write a set of one: `{{{text}}}`"
            case Simple("String"), Entity() if place.label and text.startswith('"'):
                return f"write an entity: `{place.label}::{text}`"
            case Entity(), Simple("Bool"):
                return f"to test the type, write `{text} is …`"
            case Simple("Int" | "Decimal" | "Time" | "Duration"), Simple("Bool"):
                return f"compare it, such as `{text} > …`"
            case (Simple("String") | Enum() | Simple(), Simple("Bool")):
                return f"compare it, such as `{text} == …`"
            case Simple("Int"), Simple("Decimal") if text.lstrip("-").isdigit():
                return f"write `{text}.00`: a dot makes a Decimal"
            case Simple("Decimal"), Simple("Int"):
                return f"write `{text.partition('.')[0]}`: an Int has no dot" if text[:1].isdigit() else None
            case Simple("String"), Simple("Int" | "Decimal") if bare.lstrip("-").replace(".", "", 1).isdigit():
                return f"write `{bare}` without quotes"
            case Simple("String"), Simple("Time") if bare[:4].isdigit():
                return f"write `{bare}` without quotes"
            case Simple("Int"), Simple("Time") if len(text) == 4 and text.isdigit():
                return f"write a whole date: `{text}-01-01`"
        return None

    def facts(self, expr: ast.Expr, truth: bool, env: Env) -> Env:
        """Return the environment of what is evaluated once a condition is known to be `truth`."""
        return env.knowing(self.prover.facts(expr, truth, env))

    # --- expressions

    def _infer(self, expr: ast.Expr, env: Env, expected: Type | None) -> Type:
        match expr:
            case ast.BoolLit(value):
                return self.constant(expr, BOOL, value)
            case ast.IntLit() | ast.DecimalLit() | ast.TimeLit() | ast.DurationLit():
                return self.constant(expr, *read_number(expr, self.report))
            case ast.Negate(operand) if isinstance(operand, ast.IntLit | ast.DecimalLit):
                kind, number = read_number(operand, self.report, negative=True)
                return self.constant(expr, kind, number)
            case ast.StringLit():
                return self._string(expr, expected)
            case ast.EntityLit():
                return self._entity(expr, env)
            case ast.SetLit():
                return self._set(expr, env, expected)
            case ast.RecordLit():
                return self._record(expr, env, expected)
            case ast.Var():
                return self._variable(expr, env, expected)
            case ast.Attribute():
                return self.attribute(expr, env)
            case ast.Not(operand):
                self.condition(operand, env, "what `not` negates")
                return BOOL
            case ast.And(operands) | ast.Or(operands):
                return self._junction(expr, operands, env)
            case ast.Quantifier():
                return self._quantifier(expr, env)
            case _:
                return self.operation(expr, env)

    def constant(self, expr: ast.Expr, kind: Type, value: Any) -> Type:
        """Remember the value of a literal."""
        if kind != ERROR:
            self.tables.constants[expr] = value
        return kind

    def _string(self, expr: ast.StringLit, expected: Type | None) -> Type:
        if expected is not None and (expected in READ_FROM_TEXT or isinstance(expected, Enum)):
            return self.constant(expr, *read_string(expr, expected, self.report, expr))
        return self.constant(expr, STRING, expr.value)

    def _entity(self, expr: ast.EntityLit, env: Env) -> Type:
        kind = self.entity_type(expr.type, env.scope)
        if kind is None:
            return ERROR
        return self.constant(expr, Entity(frozenset({kind.key}), kind.name), (kind.key, expr.id.value))

    def _set(self, expr: ast.SetLit, env: Env, expected: Type | None) -> Type:
        wanted = expected.element if isinstance(expected, SetOf) else None
        if not expr.items:
            return SetOf(wanted or NOTHING)
        if wanted is None:
            leading = next((i for i in expr.items if not self.flexible(i, env.scope)), expr.items[0])
            wanted = self.check(leading, env)
        found: Type = NOTHING
        for item in expr.items:
            kind = self.tables.types[item] if item in self.tables.types else self.check(item, env, wanted)
            if kind == ERROR or found == ERROR:
                found = ERROR
            elif isinstance(kind, Entity) and isinstance(found, Entity):
                found = Entity(kind.names | found.names)
            elif found == NOTHING:
                found = kind
            elif not comparable(found, kind):
                self.report.add(
                    "KYN201",
                    "the elements of a set must have one type",
                    item.span,
                    f"this is {in_words(kind)}",
                    labels=[(expr.items[0].span, f"this is {in_words(found)}")],
                )
                found = ERROR
        return ERROR if found == ERROR else SetOf(wanted if assignable(found, wanted) else found)

    def _record(self, expr: ast.RecordLit, env: Env, expected: Type | None) -> Type:
        wanted = {f.name: f.type for f in expected.fields} if isinstance(expected, Record) else {}
        fields: dict[str, Field] = {}
        for part in expr.fields:
            if part.name.text in fields:
                self.report.add(
                    "KYN102",
                    f"`{part.name.text}` is given twice",
                    part.name.span,
                    "given again here",
                    labels=[
                        (
                            next(p.name.span for p in expr.fields if p.name.text == part.name.text),
                            "given first here",
                        )
                    ],
                    help="delete one",
                )
            kind = self.check(part.value, env, wanted.get(part.name.text))
            fields[part.name.text] = Field(part.name.text, kind)
        if isinstance(expected, Record) and fields.keys() <= wanted.keys():
            missing = [f.name for f in expected.fields if f.name not in fields and not f.optional]
            if not missing and all(assignable(fields[n].type, wanted[n]) for n in fields):
                return expected
            if not missing:
                return Record(tuple(fields.get(f.name, f) for f in expected.fields))
        return Record(tuple(fields[n] for n in sorted(fields)))

    def _junction(self, expr: ast.Expr, operands: tuple[ast.Expr, ...], env: Env) -> Type:
        word = "and" if isinstance(expr, ast.And) else "or"
        for operand in operands:
            self.condition(operand, env, f"each side of `{word}`")
            env = self.facts(operand, word == "and", env)
        return BOOL

    def _quantifier(self, expr: ast.Quantifier, env: Env) -> Type:
        domain = self.check(expr.domain, env)
        name = expr.variable.text
        element: Type = ERROR
        if isinstance(domain, SetOf):
            element = ERROR if domain.element == NOTHING else domain.element
        elif domain != ERROR:
            self.report.add(
                "KYN201",
                f"`{expr.kind} {name} in …` goes over a set, and this is {in_words(domain)}",
                expr.domain.span,
                "not a set",
            )
        if name in env.variables or name in env.scope.lets:
            self.report.add(
                "KYN102",
                f"`{name}` already means something here",
                expr.variable.span,
                "a quantified variable needs a name of its own",
                labels=[(env.scope.lets[name].decl.name.span, "declared here")] if name not in env.variables else (),
                help=f"choose another name, such as `{name[0]}`, here and after the `:`",
            )
        inner = env.binding(name, Variable(element, (f"{name}@{expr.span.start}",)))
        self.condition(expr.body, inner, f"what holds for `{expr.kind} {name}`")
        return BOOL

    # --- names

    def _variable(self, expr: ast.Var, env: Env, expected: Type | None) -> Type:
        name = expr.name
        if (variable := env.variables.get(name)) is not None:
            kind = variable.type
            if variable.maybe and variable.path not in env.facts.present:
                self.report.add(
                    "KYN203",
                    f"`{name}` may be absent: the subject may act for nobody",
                    expr.span,
                    "not proved to be there",
                    help=f"ask first: `delegated and {name}…` or `{name} is … and {name}…`",
                )
                return ERROR
            narrowed = env.facts.kind(variable.path)
            if narrowed is not None and isinstance(kind, Entity) and not kind.names <= narrowed:
                return Entity(narrowed & kind.names)
            return kind
        if (let := env.scope.lets.get(name)) is not None and env.place != "fixture":
            return self._constant_use(expr, let, env, expected)
        if env.place == "fixture" and (fixture := env.scope.fixtures.get(name)) is not None:
            self.tables.targets[expr] = fixture
            return Entity(frozenset({fixture.type}), "") if fixture.type else ERROR
        return self._unknown(expr, env, expected)

    def _constant_use(self, expr: ast.Var, let: LetSymbol, env: Env, expected: Type | None) -> Type:
        self.tables.targets[expr] = let
        if let.parameters is not None:
            shown = ", ".join(f"{n}: {t}" for n, t in let.parameters)
            self.report.add(
                "KYN206",
                f"`{let.name}` is a predicate and needs arguments",
                expr.span,
                "used without arguments",
                labels=[(let.decl.name.span, f"declared as `{let.name}({shown})`")],
                help=f"write `{let.name}(…)`",
            )
            return ERROR
        found = let.type or ERROR
        if expected is None or assignable(found, expected):
            return found
        if self.flexible(let.decl.body, env.scope):
            return self._read_again(expr, let.decl.body, expected)
        return found

    def _read_again(self, use: ast.Var, body: ast.Expr, expected: Type) -> Type:
        """Read a constant's literal as the type that this use of it needs."""
        if isinstance(body, ast.StringLit) and (expected in READ_FROM_TEXT or isinstance(expected, Enum)):
            return self.constant(use, *read_string(body, expected, self.report, use))
        if isinstance(body, ast.SetLit) and isinstance(expected, SetOf):
            values = set()
            for item in body.items:
                if not isinstance(item, ast.StringLit):
                    return self.tables.types.get(body, ERROR)
                kind, value = read_string(item, expected.element, self.report, use)
                if kind == ERROR:
                    return ERROR
                values.add(value)
            return self.constant(use, expected, frozenset(values))
        if isinstance(body, ast.Var):
            target = self.tables.targets.get(body)
            if isinstance(target, LetSymbol):
                return self._read_again(use, target.decl.body, expected)
        return self.tables.types.get(body, ERROR)

    def flexible(self, expr: ast.Expr, scope: Scope) -> bool:
        """Whether the type of an expression depends on its place: string literals, records, and sets of these.

        A record that is written out may leave out optional fields; which there are, its place alone says.
        """
        for _ in range(100):
            match expr:
                case ast.StringLit() | ast.RecordLit():
                    return True
                case ast.SetLit(items):
                    return all(isinstance(item, ast.StringLit | ast.RecordLit) for item in items)
                case ast.Var(name) if name in scope.lets and scope.lets[name].parameters is None:
                    expr, scope = scope.lets[name].decl.body, scope.lets[name].scope
                case _:
                    return False
        return False

    def _unknown(self, expr: ast.Var, env: Env, expected: Type | None) -> Type:
        name = expr.name
        notes: list[str] = []
        help_text = fix = None
        if name in NULLS:
            null = no_null(expr.span)
            self.report.add("KYN101", null.message, null.span, null.label, notes=null.notes, help=null.help)
            return ERROR
        if self.blamed(name):
            return ERROR
        if name in ("approver", "now") and self._out_of_place(expr, env):
            return ERROR
        if name in _ROOTS and env.place in ("let", "constant"):
            message = f"a `let` cannot read `{name}`"
            label = f"`{name}` belongs to a rule"
            help_text = (
                f"make it a parameter: `let name({name[0]}: Type) = …`, and use it as `name({name})`"
                if name != "context" or env.place == "let"
                else "a constant reads nothing of the request; give it a parameter and pass the field"
            )
        elif name in ("actor", "delegation") and env.place == "permit":
            self.report.add(
                "KYN207",
                f"a `permit` may not read `{name}`",
                expr.span,
                "what a principal may do must not depend on who acts for it",
                notes=[
                    "every link of a chain needs its own permission; if a permit could ask who acts, an agent could get"
                    " more than its user has"
                ],
                help=f"say it in a `forbid` or `require approval`, which may read `{name}`",
            )
            return ERROR
        elif name in _ROOTS:
            message, label = (
                f"`{name}` has no meaning here",
                f"`{name}` is {_ROOTS[name]}, and there is none here",
            )
            if name == "approver":
                help_text = "`approver` is bound in `from … where …`"
        else:
            message, label = f"`{name}` is not declared", "no value of this name"
            if isinstance(expected, Enum) and name in expected.values:
                self.report.add("KYN101", message, expr.span, label, help=f'texts stand in quotes: write `"{name}"`')
                return ERROR
            if env.place != "fixture" and self._action_asked(expr):
                return ERROR
            part = _MEMBER.match(expr.span.source.text, expr.span.end) if name == "request" else None
            guess = (
                (part and _OF_REQUEST.get(part[1]))
                or _FOREIGN_NAMES.get(name)
                or self.report.near(name, [*env.variables, *env.scope.lets, *self._fixtures(env)])
            )
            if guess and guess in _FOREIGN_NAMES.values():
                notes.append(f"`{guess}` is {_ROOTS[guess]}")
            help_text = f"did you mean `{guess}`?" if guess else self.elsewhere(name)
            fix = None if part else spelled(expr.span, guess)
            if not guess and (fixture := env.scope.fixtures.get(name)) is not None:
                notes.append(f"`{name}` is a fixture, which only tests know")
                help_text = f"write `{fixture.decl.entity.base.span.text}`"
            if not help_text and expected == STRING:
                help_text = f'if a text is meant, write `"{name}"`'
            elif not help_text:
                help_text = f"declare it: `let {name} = …`" if env.place != "fixture" else None
            if name in env.scope.roles:
                notes.append(f"`{name}` is a role")
                help_text, fix = f"to test it, write `subject holds {name}`", None
        self.report.add("KYN101", message, expr.span, label, notes=notes, help=help_text, fix=fix)
        return ERROR

    def _out_of_place(self, expr: ast.Var, env: Env) -> bool:
        """Report `now`, which belongs to the context, and an `approver` who stands behind `when` instead of `where`."""
        text, at = expr.span.source.text, expr.span.start
        if expr.name == "now":
            help_text = "write `context.now`" if "context" in env.variables else None
            if env.place == "constant":
                help_text = "a constant knows no time; test `context.now` in a rule or a predicate"
            label = "the time belongs to `context`"
            self.report.add("KYN101", "`now` is not declared", expr.span, label, help=help_text)
            return True
        found = re.search(r"\bfrom\b[^\n{}#]*?\b(when)\b[^\n]*\Z", text[text.rfind("\n", 0, at) + 1 : at][-500:])
        if found is None or env.place != "require_approval":
            return False
        start = at - len(found[0]) + found.start(1) - found.start()
        place = Span(expr.span.source, start, start + 4)
        message = "what an approver must be is said with `where`"
        self.report.add("KYN101", message, place, "`approver` is not known here", help="write `where`")
        return True

    def _action_asked(self, expr: ast.Var) -> bool:
        """Report a condition that asks which action is meant."""
        text, at = expr.span.source.text, expr.span.end
        if expr.name == "request" and (member := _MEMBER.match(text, at)) and member[1] == "action":
            at = member.end()
        elif expr.name != "action":
            return False
        end = text.find("\n", at)
        sought = _SOUGHT.match(text[at : end if end >= 0 else len(text)][:300])
        names = re.findall(r'"([^"]*)"', sought[1]) if sought else []
        self.program.unimported.add("Action")  # what a condition in Cedar compares it with
        plain = names and all(re.fullmatch(r"[a-z_][\w.]*", name) for name in names)
        self.report.add(
            "KYN101",
            "a condition cannot ask which action it is",
            Span(expr.span.source, expr.span.start, at),
            "the `action` clause says it",
            help=f"name it there, and delete it here: `action {', '.join(names) if plain else 'NAME'}`",
        )
        return True

    @staticmethod
    def _fixtures(env: Env) -> list[str]:
        return list(env.scope.fixtures) if env.place == "fixture" else []


def _record_cure(found: Record, place: Record) -> str:
    """Return what to change in a record so that it becomes the one that is needed."""
    mine, theirs = {f.name: f for f in found.fields}, {f.name: f for f in place.fields}
    if missing := [f"`{n}: {f.type}`" for n, f in theirs.items() if n not in mine and not f.optional]:
        return f"add {', '.join(missing)}"
    if extra := [f"`{n}`" for n in mine if n not in theirs]:
        return f"leave out {', '.join(extra)}"
    wrong = [n for n, f in mine.items() if not assignable(f.type, theirs[n].type)]
    return "; ".join(f"`{n}` must be {in_words(theirs[n].type)}" for n in wrong)
