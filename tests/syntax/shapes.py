"""Parsing for tests, and trees as short text: `(and a (not b))`."""

from __future__ import annotations

from attrs import fields

from kynara_lang.diagnostics.diagnostic import Diagnostic, Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.syntax import ast
from kynara_lang.syntax.parser import parse, read


def module(text: str, name: str = "t.kyn") -> ast.Module:
    """Parse a text that must parse."""
    report = Report()
    found = parse(Source(name, text), report)
    assert found is not None, report.sorted()
    assert report.sorted() == ()
    return found


def problems(text: str) -> tuple[Diagnostic, ...]:
    """Return what parsing alone reports."""
    report = Report()
    read(Source("t.kyn", text), report)
    return report.sorted()


def expression(text: str) -> ast.Expr:
    """Parse one condition."""
    rule = module(f"forbid f {{\n when {text}\n}}").declarations[0]
    assert isinstance(rule, ast.RuleDecl)
    assert len(rule.clauses) == 1, "the condition ended too early"
    clause = rule.clauses[0]
    assert isinstance(clause, ast.WhenClause)
    return clause.condition


def shape(node: ast.Node) -> str:
    """Return a tree as text in prefix form."""
    match node:
        case ast.Binary(op, a, b):
            return f"({op} {shape(a)} {shape(b)})"
        case ast.And(operands):
            return f"(and {' '.join(map(shape, operands))})"
        case ast.Or(operands):
            return f"(or {' '.join(map(shape, operands))})"
        case ast.Not(operand):
            return f"(not {shape(operand)})"
        case ast.Negate(operand):
            return f"(- {shape(operand)})"
        case ast.Attribute(target, name):
            return f"{shape(target)}.{name.text}"
        case ast.MethodCall(target, name, arguments):
            return f"{shape(target)}.{name.text}({', '.join(map(shape, arguments))})"
        case ast.Call(function, arguments):
            return f"{function.text}({', '.join(map(shape, arguments))})"
        case ast.Has(target, name):
            return f"(has {shape(target)} {name.text})"
        case ast.Is(target, name):
            return f"(is {shape(target)} {name.text})"
        case ast.Holds(target, name):
            return f"(holds {shape(target)} {name.text})"
        case ast.Quantifier(kind, variable, domain, body):
            return f"({kind} {variable.text} {shape(domain)} {shape(body)})"
        case ast.SetLit(items):
            return f"{{{', '.join(map(shape, items))}}}"
        case ast.RecordLit(parts):
            return "{" + ", ".join(f"{p.name.text}: {shape(p.value)}" for p in parts) + "}"
        case ast.EntityLit(kind, identity):
            return f'{kind.text}::"{identity.value}"'
        case ast.StringLit(value):
            return f'"{value}"'
        case ast.BoolLit(value):
            return str(value).lower()
        case ast.Var(name):
            return name
        case ast.IntLit(text) | ast.DecimalLit(text) | ast.TimeLit(text) | ast.DurationLit(text):
            return text
    return type(node).__name__


def whole(node: object) -> object:
    """Return everything a tree holds as plain values, spans included, for comparing two trees."""
    if isinstance(node, ast.Node | ast.Module):
        names = [f.name for f in fields(type(node)) if f.name not in ("span", "source")]
        place = (node.span.start, node.span.end) if isinstance(node, ast.Node) else ()
        return (type(node).__name__, place, *(whole(getattr(node, name)) for name in names))
    if isinstance(node, tuple):
        return tuple(whole(item) for item in node)
    return repr(node) if not isinstance(node, str | bool | None.__class__) else node
