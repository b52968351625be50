"""The syntax tree: a program as its author wrote it.

Nodes are frozen, compared by identity, and carry their span as a keyword, so that `case Binary("==", a, b)` reads
like grammar. Nothing is resolved here: what the checker learns goes into tables keyed by node.
"""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from ..diagnostics.source import Source, Span


@frozen(eq=False)
class Node:
    """Anything of a program that has a place in a file."""

    span: Span = field(kw_only=True, repr=False)


@frozen(eq=False)
class Ident(Node):
    """One occurrence of a name; action and module names may be dotted."""

    text: str


@frozen(eq=False)
class Comment(Node):
    """A comment with its `#`; `own_line` says that nothing stands before it on its line."""

    text: str
    own_line: bool


# --- expressions ---------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Expr(Node):
    """An expression."""


@frozen(eq=False)
class BoolLit(Expr):
    """`true` or `false`."""

    value: bool


@frozen(eq=False)
class IntLit(Expr):
    """A whole number as written, its range not yet checked."""

    text: str


@frozen(eq=False)
class DecimalLit(Expr):
    """A number with a dot, as written."""

    text: str


@frozen(eq=False)
class StringLit(Expr):
    """A string with its escapes resolved; what it is read as depends on the type expected."""

    value: str


@frozen(eq=False)
class TimeLit(Expr):
    """A date or an instant, as written."""

    text: str


@frozen(eq=False)
class DurationLit(Expr):
    """A duration such as `15m`, as written."""

    text: str


@frozen(eq=False)
class EntityLit(Expr):
    """`User::"alice"`."""

    type: Ident
    id: StringLit


@frozen(eq=False)
class SetLit(Expr):
    """`{a, b}`."""

    items: tuple[Expr, ...]


@frozen(eq=False)
class FieldValue(Node):
    """`name: value` in a record, a fixture or a context of a test."""

    name: Ident
    value: Expr


@frozen(eq=False)
class RecordLit(Expr):
    """`{a: 1, b: 2}`."""

    fields: tuple[FieldValue, ...]


@frozen(eq=False)
class Var(Expr):
    """A name used as a value: `subject`, a let, a parameter, a quantified variable, a fixture."""

    name: str


@frozen(eq=False)
class Attribute(Expr):
    """`target.name`."""

    target: Expr
    name: Ident


@frozen(eq=False)
class Call(Expr):
    """A predicate used: `same_tenant(subject, resource)`."""

    function: Ident
    arguments: tuple[Expr, ...]


@frozen(eq=False)
class MethodCall(Expr):
    """`target.name(arguments)`."""

    target: Expr
    name: Ident
    arguments: tuple[Expr, ...]


@frozen(eq=False)
class Not(Expr):
    """`not operand`."""

    operand: Expr


@frozen(eq=False)
class Negate(Expr):
    """`-operand`."""

    operand: Expr


@frozen(eq=False)
class And(Expr):
    """`a and b and …`, flat."""

    operands: tuple[Expr, ...]


@frozen(eq=False)
class Or(Expr):
    """`a or b or …`, flat."""

    operands: tuple[Expr, ...]


BinaryOp = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "like", "within", "+", "-", "*"]


@frozen(eq=False)
class Binary(Expr):
    """An operator between two values."""

    op: BinaryOp
    left: Expr
    right: Expr


@frozen(eq=False)
class Has(Expr):
    """`target has name`."""

    target: Expr
    name: Ident


@frozen(eq=False)
class Is(Expr):
    """`target is Type`."""

    target: Expr
    type: Ident


@frozen(eq=False)
class Holds(Expr):
    """`target holds role`."""

    target: Expr
    role: Ident


@frozen(eq=False)
class Quantifier(Expr):
    """`all x in S: P` or `any x in S: P`."""

    kind: Literal["all", "any"]
    variable: Ident
    domain: Expr
    body: Expr


# --- types ---------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class TypeExpr(Node):
    """A type as written."""


@frozen(eq=False)
class NamedType(TypeExpr):
    """A built-in type, an entity type, a trait or a `type` by its name."""

    name: Ident


@frozen(eq=False)
class EnumType(TypeExpr):
    """`"low" | "high"`."""

    values: tuple[StringLit, ...]


@frozen(eq=False)
class SetType(TypeExpr):
    """`Set<T>`."""

    element: TypeExpr


@frozen(eq=False)
class AttributeDecl(Node):
    """`name as "external": Type? untrusted`: an attribute, a parameter, a context field or a record field."""

    name: Ident
    external: StringLit | None
    type: TypeExpr
    optional: bool = False
    untrusted: bool = False
    doc: str | None = None


@frozen(eq=False)
class RecordType(TypeExpr):
    """`{a: T, b: U?}`."""

    fields: tuple[AttributeDecl, ...]


# --- patterns and clauses ------------------------------------------------------------------------------------------


@frozen(eq=False)
class Pattern(Node):
    """`any`, `Type`, `Type::"id"` or `Type in Group::"id"`, each `with role r or s`. No `type` means `any`."""

    type: Ident | None
    id: StringLit | None = None
    group: EntityLit | None = None
    roles: tuple[Ident, ...] = ()


@frozen(eq=False)
class ActionPattern(Node):
    """`any`, an action or group, or a dotted prefix `crm.*` (then `name` is `crm`)."""

    name: Ident | None
    prefix: bool = False


@frozen(eq=False)
class Clause(Node):
    """A line of a rule or an invariant; its span covers keyword and content."""


@frozen(eq=False)
class SubjectClause(Clause):
    """`subject PATTERN, …`."""

    patterns: tuple[Pattern, ...]


@frozen(eq=False)
class ActionClause(Clause):
    """`action NAME, …`."""

    patterns: tuple[ActionPattern, ...]


@frozen(eq=False)
class ResourceClause(Clause):
    """`resource PATTERN, …`."""

    patterns: tuple[Pattern, ...]


@frozen(eq=False)
class ScopeClause(Clause):
    """`scope EXPR`, or `scope any "reason"` (then `condition` is None)."""

    condition: Expr | None
    reason: StringLit | None = None


@frozen(eq=False)
class WhenClause(Clause):
    """`when EXPR`."""

    condition: Expr


@frozen(eq=False)
class UnlessClause(Clause):
    """`unless EXPR`."""

    condition: Expr


@frozen(eq=False)
class ValidClause(Clause):
    """`valid from TIME` or `valid until TIME`."""

    bound: Literal["from", "until"]
    time: Expr


@frozen(eq=False)
class FromClause(Clause):
    """`from PATTERN, … [where EXPR]`."""

    patterns: tuple[Pattern, ...]
    where: Expr | None


@frozen(eq=False)
class QuorumClause(Clause):
    """`quorum N`."""

    count: IntLit


@frozen(eq=False)
class ExpiresClause(Clause):
    """`expires DURATION`."""

    after: DurationLit


@frozen(eq=False)
class VerdictClause(Clause):
    """`never D or D` or `always D` of an invariant."""

    kind: Literal["never", "always"]
    decisions: tuple[Ident, ...]


# --- declarations --------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Decl(Node):
    """A declaration; `doc` is the `##` comment in front of it."""

    doc: str | None = field(default=None, kw_only=True)


@frozen(eq=False)
class Import(Node):
    """`import std.tenancy (Tenanted, same_tenant)`."""

    module: Ident
    names: tuple[Ident, ...]


@frozen(eq=False)
class TraitDecl(Decl):
    """`trait T { … }`."""

    name: Ident
    attributes: tuple[AttributeDecl, ...]


@frozen(eq=False)
class EntityDecl(Decl):
    """`subject N …` or `resource N …`."""

    kind: Literal["subject", "resource"]
    name: Ident
    external: StringLit | None
    parents: tuple[Ident, ...]
    traits: tuple[Ident, ...]
    attributes: tuple[AttributeDecl, ...]


@frozen(eq=False)
class TypeDecl(Decl):
    """`type Severity = "low" | "high"`."""

    name: Ident
    type: TypeExpr


@frozen(eq=False)
class ActionName(Node):
    """One of the names an action declaration lists, with its external spelling."""

    name: Ident
    external: StringLit | None


@frozen(eq=False)
class Modifies(Node):
    """`modifies attr` or `modifies attr = args.param`."""

    attribute: Ident
    parameter: Ident | None


@frozen(eq=False)
class ActsAs(Node):
    """`acts as resource`, `acts as resource.attr` or `acts as args.param`, with what it requires."""

    root: Ident
    attribute: Ident | None
    requires: tuple[Ident, ...]


@frozen(eq=False)
class ActionDecl(Decl):
    """`action a, b on T (p: U) in g modifies x acts as resource effects e`."""

    names: tuple[ActionName, ...]
    on: tuple[Ident, ...]
    parameters: tuple[AttributeDecl, ...]
    groups: tuple[Ident, ...]
    modifies: tuple[Modifies, ...]
    acts_as: tuple[ActsAs, ...]
    effects: tuple[Ident, ...]


@frozen(eq=False)
class ContextDecl(Decl):
    """`context { … }`."""

    fields: tuple[AttributeDecl, ...]


@frozen(eq=False)
class RoleDecl(Decl):
    """`role r as "external" extends s`."""

    name: Ident
    external: StringLit | None
    extends: tuple[Ident, ...]


@frozen(eq=False)
class Parameter(Node):
    """A parameter of a predicate."""

    name: Ident
    type: TypeExpr


@frozen(eq=False)
class LetDecl(Decl):
    """`let c = EXPR` (then `parameters` is None) or `let f(a: T) = EXPR`."""

    name: Ident
    parameters: tuple[Parameter, ...] | None
    body: Expr


Effect = Literal["permit", "forbid", "require_approval"]


@frozen(eq=False)
class RuleDecl(Decl):
    """A rule; its clauses as written, in their order."""

    effect: Effect
    name: Ident
    description: StringLit | None
    clauses: tuple[Clause, ...]


@frozen(eq=False)
class InvariantDecl(Decl):
    """`invariant NAME { never … }`."""

    name: Ident
    description: StringLit | None
    clauses: tuple[Clause, ...]


@frozen(eq=False)
class EntityUse(Node):
    """An entity of a test: a fixture's name or a literal, with roles, parents and properties added or overriding."""

    base: Ident | EntityLit
    roles: tuple[Ident, ...]
    parents: tuple[EntityLit | Ident, ...]
    properties: RecordLit | None


@frozen(eq=False)
class FixtureDecl(Decl):
    """`fixture alice = User::"alice" with role support { … }`."""

    name: Ident
    entity: EntityUse


@frozen(eq=False)
class GivenSubject(Node):
    """`given bot on behalf of alice`, the actor first."""

    chain: tuple[EntityUse, ...]


@frozen(eq=False)
class GivenContext(Node):
    """`given context { … }`."""

    context: RecordLit


@frozen(eq=False)
class GivenApproval(Node):
    """`given approval by lea and leo`: who approves whatever is asked for."""

    approvers: tuple[EntityUse, ...]


@frozen(eq=False)
class Expectation(Node):
    """`expect deny refund(amount: 1.00) on order because r`."""

    decision: Ident
    action: Ident
    arguments: tuple[FieldValue, ...]
    resource: EntityUse
    because: tuple[Ident, ...]


@frozen(eq=False)
class TestDecl(Decl):
    """`test "title" { given … expect … }`."""

    __test__ = False  # not a test class of pytest

    title: StringLit
    items: tuple[GivenSubject | GivenContext | GivenApproval | Expectation, ...]


@frozen(eq=False)
class PackedRule:
    """A rule whose tree was made data, because a program of many rules has no use for most trees most of the time."""

    effect: Effect
    name: Ident
    span: Span
    rows: bytes
    doc: str | None = None


@frozen(eq=False)
class Module:
    """One parsed file. Its rules are among the declarations, or they are `packed`."""

    source: Source
    name: Ident | None
    imports: tuple[Import, ...]
    declarations: tuple[Decl, ...]
    comments: tuple[Comment, ...]
    broken: tuple[Span, ...] = ()  # what could not be read, and was reported
    packed: tuple[PackedRule, ...] = ()
