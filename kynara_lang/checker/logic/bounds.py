"""What bounds the resources of a permit: which part of a scope is to blame if nothing does, and what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from attrs import evolve, frozen

from ...semantics.addresses import V4
from ...semantics.types import EMAIL, HOST, IP, PATH, STRING, Entity, SetOf, Type
from ...syntax import ast
from ..symbols import AttributeSymbol, Condition, Program, RuleSymbol
from .domains import Covered, Intervals, Values, between
from .formula import FALSE, TRUE, All, AnyOf, Fact, Formula, Member, all_of, any_of
from .reading import DELEGATED, Names, Reading, root, type_of
from .regions import Region

_EVERY_V4 = between(V4, V4 + 2**32 - 1)
_EVERY_V6 = between(0, V4 - 1)
_EVERY = between(0, V4 + 2**32 - 1)


@frozen
class Blamed:
    """The smallest part of a condition that is to blame; `inner` is the part of the predicate that it uses, if any.

    `alternative` says of the part, and `inner_alternative` of the inner one, that another alternative is not to blame.
    """

    expr: ast.Expr
    inner: ast.Expr | None = None
    alternative: bool = False
    inner_alternative: bool = False


def scope_of(rule: RuleSymbol) -> Condition | None:
    """Return the scope of a permit, None where it is `any` or the rule is no permit."""
    return next((c for c in rule.conditions if c.kind == "scope" and c.expr is not None), None)


def bounded_by_pattern(rule: RuleSymbol) -> bool:
    """Whether each resource pattern names an entity or a group, so that the rule reaches nothing beyond it."""
    return all(p.entity is not None or p.group is not None for p in rule.resources)


def of_types(region: Region) -> Formula:
    """Return what is known of every request that a rule can be asked about: the types of subject and resource."""
    types = {"subject": region.subjects, "resource": region.resources}
    return all_of(Member(type_of(root(name)), Values(keys)) for name, keys in types.items())


def mentions_resource(said: Formula) -> bool:
    """Whether anything in a formula is about the resource."""
    match said:
        case All(parts) | AnyOf(parts):
            return any(mentions_resource(part) for part in parts)
        case _:
            return "resource" in said.term.roots


def ignores_resource(said: Formula) -> bool:
    """Whether a formula can hold without a look at the resource, and for somebody who acts for nobody."""
    match said:
        case All(parts):
            return all(ignores_resource(part) for part in parts)
        case AnyOf(parts):
            return any(ignores_resource(part) for part in parts)
        case _:
            return said != Fact(DELEGATED) and not mentions_resource(said)


def bounding_when(rule: RuleSymbol, reading: Reading) -> ast.Expr | None:
    """Return what a `when` says of the resource: it stands in the wrong place, but the rule has a bound."""
    whens = (c.expr for c in rule.conditions if c.kind == "when" and c.expr is not None)
    return next((expr for expr in whens if not ignores_resource(reading.formula(expr))), None)


def everywhere(said: Formula) -> Formula:
    """Return a formula in which what covers every absolute path, or all addresses of a kind, covers everything."""
    match said:
        case All(parts):
            return all_of(everywhere(p) for p in parts)
        case AnyOf(parts):
            return any_of(everywhere(p) for p in parts)
        case Member(_, Covered("path", "/", others)):
            return FALSE if others else TRUE
        case Member(term, Intervals() as domain) if term.kind == IP:
            # A complement reaches beyond all addresses: `not … within "10.0.0.0/8"` leaves something out.
            if domain.meet(_EVERY) == domain and any(domain.meet(one) == one for one in (_EVERY_V4, _EVERY_V6)):
                return TRUE
    return said


Judge: TypeAlias = Callable[[Formula], bool]


def without_idle(said: Formula, vacuous: Judge) -> Formula:
    """Return a formula without what it says of the resource in vain: parts that are true of every resource."""
    if mentions_resource(said) and vacuous(said):
        return TRUE
    match said:
        case All(parts):
            return all_of(without_idle(part, vacuous) for part in parts)
        case AnyOf(parts):
            return any_of(without_idle(part, vacuous) for part in parts)
    return said


def blamed(
    reading: Reading, expr: ast.Expr, bad: Judge, *, first: Judge | None = None, names: Names | None = None
) -> Blamed:
    """Return the smallest part of a bad condition that makes it so: an alternative, a conjunct, through predicates.

    Of several bad conjuncts it is the one that is `first`, if there is only one.
    """
    names = names or {}
    if isinstance(expr, ast.Or | ast.And):
        guilty = [o for o in expr.operands if bad(reading.formula(o, names))]
        if isinstance(expr, ast.And) and len(guilty) > 1 and first is not None:
            guilty = [o for o in guilty if first(reading.formula(o, names))]
        if guilty and (isinstance(expr, ast.Or) or len(guilty) == 1):
            found = blamed(reading, guilty[0], bad, first=first, names=names)
            return evolve(found, alternative=found.alternative or isinstance(expr, ast.Or))
    elif (opened := reading.opened(expr, names)) is not None:
        found = blamed(reading, opened[0], bad, first=first, names=opened[1])
        return Blamed(expr, found.inner or found.expr, False, found.alternative or found.inner_alternative)
    return Blamed(expr)


# --- what to say of it


def in_line(expr: ast.Expr) -> str | None:
    """Return an expression as it is written, if it is short enough to be shown in a sentence."""
    text = expr.span.text
    return text if len(text) <= 60 and "\n" not in text else None


def every_type(program: Program, region: Region) -> str:
    """Say which resources a rule reaches if nothing bounds them: `every Doc and every Folder`."""
    names = [program.types[key].name for key in sorted(region.resources)]
    if len(names) > 3:
        return f"every resource of {len(names)} types"
    return " and ".join(f"every {name}" for name in names)


def suggested(program: Program, region: Region) -> str | None:
    """Return a condition that would bound the resources of a rule by what its types have, if there is one."""
    return next(_bounds(program, region), None)


def _bounds(program: Program, region: Region) -> Iterator[str]:
    of_subject, of_resource = (_shared(program, keys) for keys in (region.subjects, region.resources))
    for name, kind in of_resource.items():
        if of_subject.get(name) == kind and (kind in (STRING, EMAIL) or isinstance(kind, Entity)):
            yield f"resource.{name} == subject.{name}"
    for name, kind in of_resource.items():
        if isinstance(kind, Entity) and region.subjects <= kind.names:
            yield f"resource.{name} == subject"
        if isinstance(kind, SetOf) and isinstance(kind.element, Entity) and region.subjects <= kind.element.names:
            yield f"subject in resource.{name}"
        if kind in (PATH, HOST):
            yield from (f"resource.{name} within subject.{n}" for n, k in of_subject.items() if k == kind)


def _shared(program: Program, keys: frozenset[str]) -> dict[str, Type]:
    """Return the attributes that all of some types have, with one type, always, and not chosen by the caller."""
    kinds = [program.types[key].attributes for key in sorted(keys)]
    first: dict[str, AttributeSymbol] = kinds[0] if kinds else {}

    def like(one: AttributeSymbol, other: AttributeSymbol | None) -> bool:
        return other is not None and other.type == one.type and not other.optional and not other.untrusted

    return {name: symbol.type for name, symbol in first.items() if all(like(symbol, k.get(name)) for k in kinds)}
