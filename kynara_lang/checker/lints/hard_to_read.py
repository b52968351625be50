"""A rule is built in a way that hides what it means.

## What it finds

- **Negation twice:** `unless not …`, `unless a != b`, `not (a != b)`, and `unless` or `not` over parts that are all
  negations themselves, such as `unless not a or not b`.
- **Comparison with `true` or `false`:** `context.mfa == true` is `context.mfa`.
- **Two or more `true` and `false` as arguments** of one predicate: nobody can tell what `may_edit(subject, true, false)`
  asks.
- **Long conditions:** more than eight parts joined by `and` and `or` in one clause or `let`.

## Why it matters

A policy is read far more often than it is written, and mostly by people who did not write it: in reviews, in audits, when
an agent was refused. Most holes in real policies were in plain sight, in a condition that everybody read the wrong way
round. Negations are where that happens: "unless the network is not internal" takes three readings, "when the network is
internal" one.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Server {
  team: String
}
action restart on Server
context {
  internal: Bool
}

permit restart_servers "Agents restart their team's servers from inside the network" {
  subject  Agent
  action   restart
  resource Server
  scope    subject.team == resource.team
  unless   not context.internal
}
```

## Prefer

```kyn
subject Agent {
  team: String
}
resource Server {
  team: String
}
action restart on Server
context {
  internal: Bool
}

permit restart_servers "Agents restart their team's servers from inside the network" {
  subject  Agent
  action   restart
  resource Server
  scope    subject.team == resource.team
  when     context.internal
}
```

## Options

`at-most`: how many parts a condition may have, 8 by default.

## What it cannot see

An action with many Bool parameters: they are what a tool offers, and not the policy's to change. A name that negates
(`let not_internal = …`, an attribute `disabled`), and whether a long condition is the clearest way to say what must be
said. A list of values in `{…}` counts as one part.
"""

from __future__ import annotations

import re

from ...diagnostics.diagnostic import Edit, Fix
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint, Option
from ..symbols import LetSymbol

_READ = 'permit p "d" { subject User action read resource Doc'
VALID = (
    rules(f'{_READ} scope subject == resource.owner unless resource.status == "draft" and not (subject holds lead) }}'),
    rules(f"{_READ} scope not subject.manager when not (context.mfa and subject.manager) when resource.size != 3 }}"),
    rules(
        "let by(u: User, mfa: Bool, strict: Bool) = mfa and not strict\n"
        f"{_READ} scope by(subject, context.mfa, true) unless not context.mfa and subject.manager }}"
    ),
    rules(f'{_READ} scope any "x" when {" and ".join(f"resource.size != {n}" for n in range(8))} }}'),
)
INVALID = (
    rules(
        f"{_READ} scope delegated\n unless not context.mfa  # <-\n unless resource.size != 3  # <-\n"
        " when not (subject.level not in {1, 2})  # <-\n unless not context.mfa or subject.level != 3 }  # <-"
    ),
    rules(
        "let strong(u: User) = context.mfa == true  # <-\nlet weak(mfa: Bool) = false == mfa  # <-\n"
        f"{_READ} scope delegated when strong(subject) when not not context.mfa }}  # <-"
    ),
    rules(
        "let by(u: User, mfa: Bool, strict: Bool) = mfa and not strict\n"
        "forbid f { subject Tenanted action doc_actions resource Ownable\n when subject is User and by(subject, true, false) }  # <-"
    ),
    rules(
        f'{_READ} scope any "x"\n when {" or ".join(f"resource.size == {n}" for n in range(9))}  # <-\n'
        f" when {' and '.join(f'resource.size > {n}' for n in range(6))} and ("
        "context.mfa or subject.manager or subject.level == 1) }"
    ).replace("level == 1) }", "level == 1) }  # <-"),
)

_LITERALS = ast.StringLit | ast.IntLit | ast.DecimalLit | ast.EntityLit
_LOOSE = ast.And | ast.Or | ast.Quantifier
_NOT_IN = re.compile(r"\bnot\s+in\b")
_MOST_LINES = 20


# --- negation twice


def _unless(clause: ast.UnlessClause, context: Context) -> None:
    plain = _affirmed(clause.condition)
    if plain is not None:
        context.report(
            clause.condition.span,
            "`unless` of a negation has to be read twice",
            "a negation under a negation",
            help=f"write `when {plain}`",
        )


def _not(expr: ast.Not, context: Context) -> None:
    plain = _part(expr.operand)
    if plain is not None:
        context.report(
            expr.span,
            "`not` of a negation has to be read twice",
            "a negation under a negation",
            help=f"write `{plain}`",
        )


def _affirmed(expr: ast.Expr) -> str | None:
    """Return what a negation denies, as text, or None for an expression that is no negation."""
    match expr:
        case ast.Not(operand):
            return operand.span.text
        case ast.Binary("!=" | "not in", left, right):
            source = expr.span.source.text
            between = source[left.span.end : right.span.start]
            between = between.replace("!=", "==") if expr.op == "!=" else _NOT_IN.sub("in", between)
            return source[expr.span.start : left.span.end] + between + source[right.span.start : expr.span.end]
        case ast.And(operands) | ast.Or(operands):
            parts = [_part(operand) for operand in operands]
            word = " or " if isinstance(expr, ast.And) else " and "
            return word.join(part for part in parts if part) if all(parts) else None
    return None


def _part(operand: ast.Expr) -> str | None:
    """Return what a negation denies, as text that can stand beside other parts."""
    plain = _affirmed(operand)
    denied = operand.operand if isinstance(operand, ast.Not) else operand
    return f"({plain})" if plain is not None and isinstance(denied, _LOOSE) else plain


# --- true and false


def _binary(expr: ast.Binary, context: Context) -> None:
    if expr.op not in ("==", "!="):
        return
    if isinstance(expr.right, ast.BoolLit):
        literal, value = expr.right, expr.left
    elif isinstance(expr.left, ast.BoolLit):
        literal, value = expr.left, expr.right
    else:
        return
    wanted = literal.value is (expr.op == "==")
    text = f"({value.span.text})" if isinstance(value, ast.Binary | _LOOSE) else value.span.text
    plain = text if wanted else f"not {text}"
    context.report(
        expr.span,
        f"a comparison with `{literal.span.text}` is "
        + ("the value itself, said at length" if wanted else "a negation in disguise"),
        "what is compared is true or false already",
        help=f"write `{plain}`",
        fix=_fix(expr, value, plain),
    )


def _fix(expr: ast.Binary, value: ast.Expr, plain: str) -> Fix | None:
    if not isinstance(value, ast.Var | ast.Attribute | ast.Call | ast.MethodCall):
        return None
    return Fix(f"write `{plain}`", (Edit(expr.span, plain),))


def _call(expr: ast.Call, context: Context) -> None:
    literals = [argument for argument in expr.arguments if isinstance(argument, ast.BoolLit)]
    if len(literals) < 2:
        return
    let = context.tables.targets.get(expr.function)
    name = expr.function.text
    context.report(
        literals[0].span.to(literals[-1].span),
        f"the call of `{name}` does not say what its `true` and `false` mean",
        "which is which?",
        labels=[(let.decl.name.span, f"`{name}` is declared here")] if isinstance(let, LetSymbol) else (),
        help=f'let callers say it in words\nlet {name}(…, how: "…" | "…") = …\nwhen {name}(…, "…")',
    )


# --- long conditions


def _unless_clause(clause: ast.UnlessClause, context: Context) -> None:
    _unless(clause, context)
    _clause(clause, context)


def _clause(clause: ast.ScopeClause | ast.WhenClause | ast.UnlessClause, context: Context) -> None:
    if clause.condition is not None:
        _long(clause.condition, clause.span.text.split()[0], context)


def _from(clause: ast.FromClause, context: Context) -> None:
    if clause.where is not None:
        _long(clause.where, "where", context)


def _let(decl: ast.LetDecl, context: Context) -> None:
    _long(decl.body, "let", context)


def _long(expr: ast.Expr, word: str, context: Context) -> None:
    parts, most = _leaves(expr), context.option("at-most")
    if parts > most:
        context.report(
            expr.span,
            f"this condition has {parts} parts",
            f"more than {most} are hard to follow",
            help=_in_a_set(expr) or _in_lines(expr, word) or "give parts of it a name: `let NAME(…) = …`",
        )


def _leaves(expr: ast.Expr) -> int:
    match expr:
        case ast.And(operands) | ast.Or(operands):
            return sum(map(_leaves, operands))
        case ast.Not(operand):
            return _leaves(operand)
    return 1


def _in_a_set(expr: ast.Expr) -> str | None:
    """Return the same condition as membership in a set, where all parts compare one value with literals."""
    op = {ast.Or: "==", ast.And: "!="}.get(type(expr))
    parts = expr.operands if isinstance(expr, ast.And | ast.Or) else ()
    values = []
    for part in parts:
        if not isinstance(part, ast.Binary) or part.op != op or not isinstance(part.right, _LITERALS):
            return None
        values.append((part.left.span.text, part.right.span.text))
    if len({left for left, _ in values}) != 1:
        return None
    member = "in" if op == "==" else "not in"
    return f"name the values in a set: `{values[0][0]} {member} {{{', '.join(right for _, right in values)}}}`"


def _in_lines(expr: ast.Expr, word: str) -> str | None:
    """Return the same condition as several clauses, where its parts stand for themselves."""
    splits = (isinstance(expr, ast.And) and word == "when") or (isinstance(expr, ast.Or) and word == "unless")
    if not splits or not isinstance(expr, ast.And | ast.Or) or len(expr.operands) > _MOST_LINES:
        return None
    return "\n".join([f"write one `{word}` for each part", *(f"{word} {part.span.text}" for part in expr.operands)])


def _problem(most: int) -> str | None:
    return None if most > 0 else "must be 1 or more"


LINT = Lint(
    nodes={
        ast.UnlessClause: _unless_clause,
        ast.WhenClause: _clause,
        ast.ScopeClause: _clause,
        ast.FromClause: _from,
        ast.LetDecl: _let,
        ast.Not: _not,
        ast.Binary: _binary,
        ast.Call: _call,
    },
    options=(Option("at-most", 8, "how many parts a condition may have", _problem),),
)
