"""A value is compared with itself.

## What it finds

Comparisons with the same value on both sides: `==`, `!=`, `<`, `in`, `within`, `.contains_all(…)` and the like, in rules, in
invariants and in predicates; and uses of a predicate that compare a value with itself only because of what is passed to it:
`same_tenant(resource, resource)`. Names of predicates and their arguments are looked into.

## Why it matters

Such a test has the same answer for every request, so it tests nothing. Nearly always one side was meant to be something else,
and in a policy it is the other side that made the difference: the tenant of the *subject*.

## Avoid

```kyn
trait Tenanted { tenant: String }
subject Agent is Tenanted
resource Order is Tenanted
action cancel on Order

let same_tenant(a: Tenanted, b: Tenanted) = a.tenant == b.tenant

permit cancel_orders "Agents cancel the orders of their tenant" {
  subject  Agent
  action   cancel
  resource Order
  scope    same_tenant(resource, resource)
}
```

## Prefer

```kyn
trait Tenanted { tenant: String }
subject Agent is Tenanted
resource Order is Tenanted
action cancel on Order

let same_tenant(a: Tenanted, b: Tenanted) = a.tenant == b.tenant

permit cancel_orders "Agents cancel the orders of their tenant" {
  subject  Agent
  action   cancel
  resource Order
  scope    same_tenant(subject, resource)
}
```

## Options

None.

## What it cannot see

Values that are equal by calculation (`resource.size + 1 - 1`) or because of what the data holds. Constants compared with
constants are KYN502 and KYN302.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from ...semantics.types import Type
from ...syntax import ast, walk
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import Term
from ..logic.reading import Names, Reading
from ..logic.regions import Regions
from ..symbols import LetSymbol, RuleSymbol

_FORBID = "forbid f { subject User action read resource Doc when"

VALID = (
    rules(f"{_FORBID} resource.tenant != subject.tenant }}"),
    rules(f"{_FORBID} resource.size > 3 and resource.size < 9 }}"),
    rules(f"{_FORBID} subject == resource.owner and subject.level == resource.owner.level }}"),
    rules(f"{_FORBID} any r in resource.readers: any s in resource.readers: r != s }}"),
    rules(f"{_FORBID} 1 == 1 and resource.size in {{1, 2}} }}"),
    rules(f"let cap = 3\n{_FORBID} cap == 3 and resource.size > cap }}"),
    rules(f"let near(a: Int, b: Int) = a <= b + 1\n{_FORBID} near(resource.size, resource.size) }}"),
    rules(f"let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\n{_FORBID} not same(subject, resource) }}"),
)
INVALID = (
    rules(f"{_FORBID}\n resource.tenant != resource.tenant }}  # <-"),
    rules(f"{_FORBID}\n resource.size + 1 <= 1 + resource.size }}  # <-"),
    rules(f"{_FORBID} context.mfa and\n resource in resource }}  # <-"),
    rules(f"{_FORBID}\n resource.path within resource.path }}  # <-"),
    rules(f"{_FORBID}\n resource.labels.contains_all(resource.labels) }}  # <-"),
    rules(f"{_FORBID}\n any r in resource.readers: r == r }}  # <-"),
    rules(f"{_FORBID}\n subject in {{resource.owner, subject}} }}  # <-"),
    rules(f"let own(u: User, d: Doc) = u.manager or\n d.owner == d.owner  # <-\n{_FORBID} own(subject, resource) }}"),
    rules(
        f"let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\n{_FORBID}\n not same(resource, resource) }}  # <-"
    ),
    rules(
        "let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\nlet ours(u: User, t: Tenanted) = u.manager and same(t, u)\n"
        f"{_FORBID}\n ours(resource.owner, resource.owner) }}  # <-"
    ),
    rules(
        "let own(u: User, d: Doc) = u == d.owner\n"
        'permit p "d" { subject User with role staff action doc_actions resource Doc\n scope own(resource.owner, resource) }  # <-'
    ),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    "invariant i { never allow subject User action read resource Doc\n when not same_tenant(subject, subject) }  # <-",
)

_ANSWERS = {
    "==": "always true",
    "!=": "always false",
    "<": "always false",
    ">": "always false",
    "<=": "always true",
    ">=": "always true",
    "in": "always true",
    "not in": "always false",
    "within": "always true",
    "contains_all": "always true",
    "contains_any": "true unless it is empty",
    "starts_with": "always true",
    "ends_with": "always true",
    "contains": "always true",
}


@define
class _Search:
    """Looks for comparisons of a value with itself; what a predicate makes of equal arguments is worked out once."""

    reading: Reading
    context: Context
    _calls: dict[tuple[str, tuple[Term, ...]], ast.Expr | None] = field(factory=dict)
    _own: dict[str, frozenset[ast.Expr]] = field(factory=dict)

    def within(self, expr: ast.Expr, names: Names) -> Iterator[tuple[ast.Expr, ast.Expr | None]]:
        """Yield the guilty parts of a condition; for a use of a predicate also what is guilty in there."""
        for node, known in _descend(expr, names):
            if self._compares_itself(node, known):
                yield node, None
            elif isinstance(node, ast.Call):
                arguments = tuple(self.reading.term(a, known) for a in node.arguments)
                if (inner := self._in_call(self.context.tables.targets[node.function], arguments)) is not None:
                    yield node, inner

    def in_predicate(self, let: LetSymbol) -> Iterator[tuple[ast.Expr, ast.Expr | None]]:
        """Yield the guilty parts of a predicate, whatever is passed to it."""
        return self.within(let.decl.body, {n: _parameter(let, n, kind) for n, kind in let.parameters or ()})

    def _compares_itself(self, node: ast.Expr, names: Names) -> bool:
        match node:
            case ast.Binary("in" | "not in", left, ast.SetLit(items)):
                return any(self._same(left, item, names) for item in items)
            case ast.Binary(op, left, right) if op in _ANSWERS:
                return self._same(left, right, names)
            case ast.MethodCall(target, name, (argument,)) if name.text in _ANSWERS:
                return self._same(target, argument, names)
        return False

    def _same(self, left: ast.Expr, right: ast.Expr, names: Names) -> bool:
        a = self.reading.term(left, names)
        return bool(a.roots) and a == self.reading.term(right, names)

    def _in_call(self, let: LetSymbol, arguments: tuple[Term, ...]) -> ast.Expr | None:
        """Return what compares a value with itself in a predicate because of what is passed to it."""
        key = (let.key, arguments)
        if key not in self._calls:
            if let.key not in self._own:
                self._own[let.key] = frozenset(node for node, _ in self.in_predicate(let))
            names = dict(zip((n for n, _ in let.parameters or ()), arguments, strict=True))
            found = (
                inner or node for node, inner in self.within(let.decl.body, names) if node not in self._own[let.key]
            )
            self._calls[key] = next(found, None)
        return self._calls[key]


def _parameter(let: LetSymbol, name: str, kind: Type) -> Term:
    """Return a term for a predicate's parameter, equal to nothing else."""
    return Term("parameter", (let.key, name), kind, roots=frozenset({name}))


def _descend(expr: ast.Expr, names: Names) -> Iterator[tuple[ast.Expr, Names]]:
    """Yield an expression and all below it, each with what the names in it stand for."""
    stack: list[tuple[ast.Node, Names]] = [(expr, names)]
    while stack:
        node, known = stack.pop()
        if isinstance(node, ast.Expr):
            yield node, known
        for child in reversed(list(walk.children(node))):
            inner = known
            if isinstance(node, ast.Quantifier) and child is node.body:
                bound = Term("bound", (node.span.source.name, node.span.start), roots=frozenset({node.variable.text}))
                inner = {**known, node.variable.text: bound}
            stack.append((child, inner))


def _program(context: Context) -> None:
    search = _Search(context.shared(Regions).reading, context)
    for rule in context.rules:
        where = rule.approval.where if rule.approval is not None else None
        for expr in (*(c.expr for c in rule.conditions), where):
            if expr is not None:
                for node, inner in search.within(expr, {}):
                    _report(node, inner, rule, context)
    for condition in (c for invariant in context.program.invariants for c in invariant.conditions):
        if condition.expr is not None:
            for node, inner in search.within(condition.expr, {}):
                _report(node, inner, None, context)
    for let in context.program.lets.values():
        if let.decl.span.source not in context.program.library_sources:
            for node, inner in search.in_predicate(let):
                _report(node, inner, None, context)


def _report(node: ast.Expr, inner: ast.Expr | None, rule: RuleSymbol | None, context: Context) -> None:
    value, answer = _compared(inner or node)
    if inner is None:
        message, label, labels = f"`{value}` is compared with itself", answer, []
    else:
        assert isinstance(node, ast.Call)
        message = f"`{node.function.text}` is used to compare a value with itself"
        label, labels = "the same value on both sides", [(inner.span, f"{answer} in this use")]
    meant = _meant(node, rule, context) if inner is None else None
    context.report(
        node.span,
        message,
        label,
        labels=labels,
        notes=["so it has the same answer for every request"],
        help=f"perhaps this was meant: `{meant}`"
        if meant
        else "put on one side the value that it was meant to be compared with",
    )


def _compared(node: ast.Expr) -> tuple[str, str]:
    """Return the value that a test compares with itself, and the answer that this always has."""
    match node:
        case ast.Binary(op, left, _):
            return _in_short(left), _ANSWERS[op]
        case ast.MethodCall(target, name, _):
            return _in_short(target), _ANSWERS[name.text]
    raise AssertionError(f"no comparison: {type(node).__name__}")


def _in_short(expr: ast.Expr) -> str:
    text = " ".join(expr.span.text.split())
    return text if len(text) <= 50 else f"{text[:49]}…"


def _meant(node: ast.Expr, rule: RuleSymbol | None, context: Context) -> str | None:
    """Return a comparison of subject and resource, where both have the attribute that was compared with itself."""
    match node:
        case ast.Binary("==" | "!=" as op, ast.Attribute(ast.Var("subject" | "resource"), name)) if rule is not None:
            types = frozenset[str]().union(*(p.types for p in (*rule.subjects, *rule.resources)))
            having = [context.program.types[key].attributes.get(name.text) for key in sorted(types)]
            kinds = {None if a is None or a.optional else a.type for a in having}
            if len(kinds) == 1 and None not in kinds:
                return f"subject.{name.text} {op} resource.{name.text}"
    return None


LINT = Lint(program=_program)
