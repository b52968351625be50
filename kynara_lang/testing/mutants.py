"""Changes to a policy, as small as a slip of the pen: each one a few edits of its text.

Most of them widen, because that is what tests are for: a clause is dropped, a comparison moved by one, a pattern asks
for less. What comes of a change is checked like any program; one that the checker refuses was no danger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest

from attrs import frozen

from ..checker.linter import own_trees
from ..checker.symbols import ActionSymbol, Program
from ..diagnostics.diagnostic import Edit
from ..diagnostics.source import Span
from ..syntax import ast, walk

_MOVED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
_COMMENT = re.compile(r"#[^\n]*")


@frozen(eq=False)
class Mutant:
    """One change: what it does in words, its edits, and the declaration (a rule or a let) that it is made in.

    `span` is the place that is blamed.
    """

    what: str
    span: Span
    edits: tuple[Edit, ...]
    decl: ast.RuleDecl | ast.LetDecl

    def declaration(self) -> str:
        """Return the text of the declaration as it is after the change."""
        whole = self.decl.span
        text = whole.text
        for edit in sorted(self.edits, key=lambda e: e.span.start, reverse=True):
            at, end = edit.span.start - whole.start, edit.span.end - whole.start
            text = text[:at] + edit.replacement + text[end:]
        return text


def mutants(program: Program) -> tuple[Mutant, ...]:
    """Return the changes to the rules and lets of a program's own files; the first of each declaration come first.

    So whoever has time for a part of them only has tried something everywhere.
    """
    actions = {action.name: action for action in program.actions.values()}
    found = [
        list(_of(decl, actions))
        for module in own_trees(program)
        for decl in module.declarations
        if isinstance(decl, ast.RuleDecl | ast.LetDecl)
    ]
    return tuple(mutant for layer in zip_longest(*found) for mutant in layer if mutant is not None)


def _of(decl: ast.RuleDecl | ast.LetDecl, actions: dict[str, ActionSymbol]) -> Iterator[Mutant]:
    if isinstance(decl, ast.RuleDecl):
        yield _mutant("the rule is dropped", decl.name.span, decl, Edit(decl.span, ""))
        for clause in decl.clauses:
            yield from _of_clause(clause, decl, actions)
        conditions = [c.condition for c in decl.clauses if isinstance(c, ast.WhenClause | ast.UnlessClause)]
        conditions += [c.condition for c in decl.clauses if isinstance(c, ast.ScopeClause) and c.condition is not None]
    else:
        conditions = [decl.body]
    for condition in conditions:
        for node in walk.descend(condition):
            yield from _of_expression(node, decl)


def _mutant(what: str, span: Span, decl: ast.RuleDecl | ast.LetDecl, *edits: Edit) -> Mutant:
    return Mutant(what, span, edits, decl)


# --- clauses


def _of_clause(clause: ast.Clause, decl: ast.RuleDecl, actions: dict[str, ActionSymbol]) -> Iterator[Mutant]:
    match clause:
        case ast.ScopeClause(condition) if condition is not None:
            yield _mutant("nothing bounds the permit", clause.span, decl, Edit(clause.span, 'scope any "mutant"'))
        case ast.WhenClause() | ast.UnlessClause() | ast.ValidClause():
            word = clause.span.text.split()[0]
            yield _mutant(f"the `{word}` is dropped", clause.span, decl, Edit(clause.span, ""))
        case ast.SubjectClause(patterns) | ast.ResourceClause(patterns):
            yield from _fewer(patterns, decl)
            for pattern in patterns:
                yield from _wider(pattern, decl)
        case ast.ActionClause(named):
            yield from _fewer(named, decl)
            for name in named:
                yield from _more_actions(name, decl, actions)


def _fewer(patterns: tuple[ast.Pattern, ...] | tuple[ast.ActionPattern, ...], decl: ast.RuleDecl) -> Iterator[Mutant]:
    """Leave one of several patterns out."""
    for at, pattern in enumerate(patterns if len(patterns) > 1 else ()):
        if at:
            gone = Span(pattern.span.source, patterns[at - 1].span.end, pattern.span.end)
        else:
            gone = Span(pattern.span.source, pattern.span.start, patterns[1].span.start)
        yield _mutant(f"`{_line(pattern.span)}` is left out", pattern.span, decl, Edit(gone, ""))


def _wider(pattern: ast.Pattern, decl: ast.RuleDecl) -> Iterator[Mutant]:
    """Let a pattern ask for less."""
    if pattern.type is None and not pattern.roles and pattern.group is None:
        return
    head = pattern.type.text if pattern.type is not None else "any"
    within = f" in {pattern.group.span.text}" if pattern.group is not None else ""
    named = f"::{pattern.id.span.text}" if pattern.id is not None else ""
    if pattern.roles:
        without = Edit(pattern.span, head + named + within)
        yield _mutant("no role is asked for", pattern.span, decl, without)
        for left_out in pattern.roles if len(pattern.roles) > 1 else ():
            kept = " or ".join(role.text for role in pattern.roles if role is not left_out)
            edit = Edit(pattern.span, f"{head}{named}{within} with role {kept}")
            yield _mutant(f"the role `{left_out.text}` is left out", pattern.span, decl, edit)
    roles = f" with role {' or '.join(role.text for role in pattern.roles)}" if pattern.roles else ""
    if pattern.group is not None:
        yield _mutant("no group is asked for", pattern.span, decl, Edit(pattern.span, head + named + roles))
    if pattern.id is not None:
        yield _mutant(f"every {head} is meant", pattern.span, decl, Edit(pattern.span, head + within + roles))
    elif pattern.type is not None:
        yield _mutant("every type is meant", pattern.span, decl, Edit(pattern.span, "any" + within + roles))


def _more_actions(pattern: ast.ActionPattern, decl: ast.RuleDecl, actions: dict[str, ActionSymbol]) -> Iterator[Mutant]:
    """Let a rule be about more actions: those of a group, or all."""
    if pattern.name is None:
        return
    action = None if pattern.prefix else actions.get(pattern.name.text)
    for group in sorted(action.groups) if action is not None else ():
        yield _mutant(f"all of `{group}` are meant", pattern.span, decl, Edit(pattern.span, group))
    yield _mutant("every action is meant", pattern.span, decl, Edit(pattern.span, "any"))


# --- conditions


def _of_expression(node: ast.Node, decl: ast.RuleDecl | ast.LetDecl) -> Iterator[Mutant]:
    match node:
        case ast.Binary(op, left, right) if op in _MOVED:
            gap = Span(node.span.source, left.span.end, right.span.start)
            if (sign := _sign(gap, op)) is not None:
                edit = Edit(sign, _MOVED[op])
                yield _mutant(f"`{op}` becomes `{_MOVED[op]}`", node.span, decl, edit)
        case ast.And(operands) | ast.Or(operands):
            word, other, neutral = ("and", "or", "true") if isinstance(node, ast.And) else ("or", "and", "false")
            gaps = [Span(node.span.source, a.span.end, b.span.start) for a, b in pairwise(operands)]
            signs = [_sign(gap, word) for gap in gaps]
            if all(sign is not None for sign in signs):
                edits = [Edit(sign, other) for sign in signs if sign is not None]
                yield _mutant(f"`{word}` becomes `{other}`", node.span, decl, *edits)
            for operand in operands:
                what = f"`{_line(operand.span)}` is {'not asked' if word == 'and' else 'no way any more'}"
                yield _mutant(what, operand.span, decl, Edit(operand.span, neutral))
        case ast.Not(operand):
            sign = Span(node.span.source, node.span.start, operand.span.start)
            if (found := _sign(sign, "not")) is not None:
                yield _mutant("the `not` is dropped", node.span, decl, Edit(found, ""))
        case ast.Quantifier(kind):
            other = "any" if kind == "all" else "all"
            word_span = Span(node.span.source, node.span.start, node.span.start + len(kind))
            yield _mutant(f"`{kind}` becomes `{other}`", node.span, decl, Edit(word_span, other))


def _sign(gap: Span, sign: str) -> Span | None:
    """Return where an operator stands between its operands; comments and parentheses may stand there, too."""
    text = _COMMENT.sub(lambda comment: " " * len(comment[0]), gap.text)
    pattern = r"\s+".join(rf"\b{word}\b" for word in sign.split()) if sign[0].isalpha() else re.escape(sign)
    found = re.search(pattern, text)
    return None if found is None else Span(gap.source, gap.start + found.start(), gap.start + found.end())


def _line(span: Span) -> str:
    text = " ".join(span.text.split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def beyond_tests(program: Program) -> int:
    """Count the clauses of approvals that are not changed: most tests hand in no approvals."""
    kinds = ast.FromClause | ast.QuorumClause | ast.ExpiresClause
    return sum(isinstance(clause, kinds) for clause in _clauses(program))


def _clauses(program: Program) -> Iterable[ast.Clause]:
    for module in own_trees(program):
        for decl in module.declarations:
            if isinstance(decl, ast.RuleDecl):
                yield from decl.clauses
