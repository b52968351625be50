"""The decision tree: what is left of a program once action, subject type and resource type are known.

Expressions here are closed: names are gone, predicates expanded, literals are values, `is` and `has` are decided where
the types decide them. A tree is a sequence of tests and switches; each test ends in a rule, whose leaf says what the
rule does. (The division into leaf, chain and fan-out is Elm's.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import field, frozen

from ..checker.symbols import RuleSymbol
from ..diagnostics.source import Span
from ..semantics.types import Type
from .intervals import Cover

RootName = Literal["subject", "resource", "args", "context", "delegator", "actor", "approver", "depth"]


@frozen(eq=False)
class Expr:
    """A value computed from a request; `fails` says that it can be an evaluation error."""

    @property
    def fails(self) -> bool:
        """Whether evaluating this can be an error on a valid request."""
        return any(part.fails for part in parts(self))


@frozen(eq=False)
class Const(Expr):
    """A value known now."""

    value: Any


@frozen(eq=False)
class Root(Expr):
    """A whole entity of the request, or the depth of its delegation."""

    name: RootName


@frozen(eq=False)
class Local(Expr):
    """A quantified variable."""

    name: str


@frozen(eq=False)
class Read(Expr):
    """An attribute, argument or context field of a validated request: it is there and has its type.

    `kinds` are the entity types that the delegator or actor can have where it is read; None stands for all. An
    `optional` one is there only behind the test that proves it.
    """

    root: RootName
    name: str
    kinds: frozenset[str] | None = None
    optional: bool = False


@frozen(eq=False)
class Present(Expr):
    """Whether an optional attribute, argument or context field is there."""

    root: RootName
    name: str
    kinds: frozenset[str] | None = None


@frozen(eq=False)
class Apply(Expr):
    """A row of the operator tables, or one of the few operations on entities, applied to operands."""

    template: str
    operands: tuple[Expr, ...]
    may_fail: bool = False

    @property
    def fails(self) -> bool:
        """Whether the row or an operand can fail."""
        return self.may_fail or any(operand.fails for operand in self.operands)


@frozen(eq=False)
class Not(Expr):
    """Negation."""

    operand: Expr


@frozen(eq=False)
class And(Expr):
    """All hold, tested left to right."""

    operands: tuple[Expr, ...]


@frozen(eq=False)
class Or(Expr):
    """One holds, tested left to right."""

    operands: tuple[Expr, ...]


@frozen(eq=False)
class Collect(Expr):
    """A set or a record made of values."""

    kind: Literal["set", "record"]
    items: tuple[Expr, ...]


@frozen(eq=False)
class Each(Expr):
    """A quantifier; an error for any element is an error of the whole.

    `reads` is what the body reads of elements that are entities of the request itself (`all x in {subject, actor}: …`):
    never evaluated, but needed of the request.
    """

    kind: Literal["all", "any"]
    variable: str
    domain: Expr
    body: Expr
    reads: tuple[Expr, ...] = ()


def parts(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions directly below one."""
    match expr:
        case Apply(_, operands) | And(operands) | Or(operands) | Collect(_, operands):
            return operands
        case Not(operand):
            return (operand,)
        case Each(_, _, domain, body, reads):
            return (domain, body, *reads)
    return ()


def descend(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything below it."""
    stack = [expr]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(parts(current)))


def conjuncts(condition: Expr) -> tuple[Expr, ...]:
    """Return what must all hold for a condition to hold, in the order of evaluation, however it is nested."""
    if not isinstance(condition, And):
        return (condition,)
    return tuple(conjunct for operand in condition.operands for conjunct in conjuncts(operand))


TRUE, FALSE = Const(True), Const(False)


@frozen(eq=False)
class Shown(Expr):
    """A value that a clause reads, with its text and type, for explanations; never part of a tree."""

    text: str
    value: Expr
    type: Type


@frozen(eq=False)
class Guard:
    """One thing that must hold for a rule to match, and where the clause stands that says so."""

    kind: Literal["subject", "resource", "valid", "scope", "when", "unless"]
    condition: Expr
    span: Span
    reads: tuple[Shown, ...] = ()


@frozen(eq=False)
class Test:
    """A rule whose types fit: it matches when all its guards hold."""

    __test__ = False  # not a test class of pytest

    rule: RuleSymbol
    guards: tuple[Guard, ...]


@frozen(eq=False)
class Switch:
    """Many rules told apart by one value: only those of the value at hand are tested.

    `several` says that more than one case can fit: the value is a set (roles held) each of whose elements counts, or a
    number, and then `cover` says which cases, which are ranges, count for it. A value that may be absent has no case.
    """

    on: Expr
    several: bool
    cases: Mapping[Any, Tree]
    label: str
    cover: Cover | None = None


Tree = tuple["Test | Switch", ...]


@frozen(eq=False)
class Needs:
    """The attributes that the rules of a bucket read: those of the roots whose type is known, and of the others."""

    known: Mapping[RootName, frozenset[str]]
    others: frozenset[tuple[RootName, str, frozenset[str] | None]]

    def of(self, root: RootName) -> frozenset[str]:
        """Return the names read of the subject, the resource or the context."""
        return self.known.get(root, frozenset())

    def of_other(self, root: RootName, kind: str) -> frozenset[str]:
        """Return the names read of the delegator or the actor when it has a type."""
        return frozenset(n for r, n, kinds in self.others if r == root and (kinds is None or kind in kinds))


@frozen(eq=False)
class Bucket:
    """Everything that can decide requests of one action, subject type and resource type.

    The three trees hold the same tests as `tests`, arranged; forbids come first, then permits, then approvals.
    `asks_who_acts` says that some rule reads the actor or the depth of delegation; `again` and `approvals_again` are
    the forbids and the approvals that do, for whoever else could have called (no permit may). `required` names what
    every valid request has of what is read: attributes of the subject and the resource, arguments, context fields.
    """

    action: str
    subject_type: str
    resource_type: str
    tests: tuple[Test, ...]
    forbids: Tree
    permits: Tree
    approvals: Tree
    needs: Needs
    asks_who_acts: bool
    again: Tree
    approvals_again: Tree
    required: Mapping[RootName, frozenset[str]]
    approver_checks: Mapping[str, Expr] = field(factory=dict)
