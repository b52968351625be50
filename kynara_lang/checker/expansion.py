"""How large a condition becomes once its constants and predicates are expanded, and in which order lets are checked.

Expansion is where a small hostile file could ask for endless work (`let b(x) = a(x) and a(x)`, thirty times over), so
sizes are worked out without expanding, and what would grow too large is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics.diagnostic import Report
from ..syntax import ast, walk
from .symbols import LetSymbol, Tables

MAX_SIZE = 20_000
MAX_DEPTH = 80


def _measure(expr: ast.Expr, tables: Tables) -> tuple[int, int, bool]:
    """Return an expression's nodes and levels once expanded, and whether it uses a let that is itself too large."""
    size, depth, deepest, blamed = 0, 0, 0, False
    level: list[ast.Node] = [expr]
    while level:
        size += len(level)
        depth += 1
        below: list[ast.Node] = []
        for node in level:
            let = _used(node, tables)
            if let is not None:
                size += let.size
                blamed = blamed or let.size > MAX_SIZE or let.depth > MAX_DEPTH
                deepest = max(deepest, depth + let.depth)
            walk.add_children(node, below)
        level = below
    return size, max(deepest, depth), blamed


def _own_size(expr: ast.Expr) -> int:
    return sum(1 for _ in walk.descend(expr))


def _used(node: ast.Node, tables: Tables) -> LetSymbol | None:
    if isinstance(node, ast.Call):
        found = tables.targets.get(node.function)
    elif isinstance(node, ast.Var):
        found = tables.targets.get(node)
    else:
        return None
    return found if isinstance(found, LetSymbol) else None


def bounded(expr: ast.Expr, tables: Tables, report: Report) -> tuple[int, int]:
    """Report an expression that becomes too large, unless a let in it already was; return its measures."""
    size, depth, blamed = _measure(expr, tables)
    if blamed:
        pass
    elif size > MAX_SIZE:
        report.add(
            "KYN007",
            f"this has {size:,} parts" + (" once its `let`s are expanded" if size > _own_size(expr) else ""),
            expr.span,
            f"at most {MAX_SIZE:,} are compiled",
            help="use each predicate fewer times, or split the rule",
        )
    elif depth > MAX_DEPTH:
        report.add(
            "KYN007",
            f"this is nested {depth} levels deep once its `let`s are expanded",
            expr.span,
            f"at most {MAX_DEPTH} levels are compiled",
            help="use fewer predicates inside predicates",
        )
    return min(size, MAX_SIZE + 1), min(depth, MAX_DEPTH + 1)


def in_order(lets: Iterable[LetSymbol], report: Report) -> list[LetSymbol]:
    """Return lets so that each follows those it uses; one that uses itself is reported and left out."""
    uses: dict[LetSymbol, list[tuple[LetSymbol, ast.Node]]] = {}
    for let in lets:
        found: list[tuple[LetSymbol, ast.Node]] = []
        bound = {p.name.text for p in let.decl.parameters or ()}
        for node in walk.descend(let.decl.body):
            name = node.function.text if isinstance(node, ast.Call) else getattr(node, "name", None)
            if isinstance(node, ast.Call | ast.Var) and name not in bound and name in let.scope.lets:
                found.append((let.scope.lets[str(name)], node))
        uses[let] = found
    done: dict[LetSymbol, bool] = {}  # False while what a let uses is being looked at
    order: list[LetSymbol] = []
    for root in uses:
        stack: list[tuple[LetSymbol, int]] = [(root, 0)]
        while stack:
            let, at = stack.pop()
            if at == 0:
                if let in done:
                    continue
                done[let] = False
            used = uses.get(let, [])
            if at < len(used):
                stack.append((let, at + 1))
                target, node = used[at]
                if done.get(target) is False:
                    report.add(
                        "KYN105",
                        f"`{target.name}` is defined by itself",
                        target.decl.name.span,
                        "its definition comes back to it",
                        labels=[(node.span, "through this")],
                        help="a `let` is expanded where it is used, so it cannot use itself",
                    )
                elif target not in done:
                    stack.append((target, 0))
            else:
                done[let] = True
                order.append(let)
    return order
