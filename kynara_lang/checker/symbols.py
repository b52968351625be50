"""What the checker learns of a program: its declarations as symbols, and tables keyed by tree node.

The key of a symbol is unique in the whole program: the name itself for declarations of the program, and
`module.name` for those of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal

from attrs import define, field, frozen

from ..diagnostics.source import Source, Span
from ..semantics.types import Type
from ..syntax import ast


@frozen(eq=False)
class AttributeSymbol:
    """An attribute, a parameter or a context field. `external` is its spelling in requests."""

    name: str
    external: str
    type: Type
    optional: bool
    untrusted: bool
    span: Span
    doc: str | None = None


@define(eq=False)
class TraitSymbol:
    """A structural interface, and the keys of the entity types that have it."""

    key: str
    name: str
    decl: ast.TraitDecl
    attributes: dict[str, AttributeSymbol] = field(factory=dict)
    members: set[str] = field(factory=set)


@define(eq=False)
class EntityType:
    """An entity type. `parents` are the keys of types that can contain it directly."""

    key: str
    name: str
    external: str
    kind: Literal["subject", "resource"]
    decl: ast.EntityDecl
    parents: set[str] = field(factory=set)
    traits: set[str] = field(factory=set)
    attributes: dict[str, AttributeSymbol] = field(factory=dict)


@define(eq=False)
class ActionSymbol:
    """An action. `on` holds the keys of the resource types it applies to, `groups` all groups it belongs to."""

    key: str
    name: str
    external: str
    decl: ast.ActionDecl
    on: frozenset[str] = frozenset()
    parameters: dict[str, AttributeSymbol] = field(factory=dict)
    groups: frozenset[str] = frozenset()


@define(eq=False)
class RoleSymbol:
    """A role. `closure` holds the keys of the role itself and all that it extends."""

    key: str
    name: str
    external: str
    decl: ast.RoleDecl
    closure: frozenset[str] = frozenset()


@define(eq=False)
class LetSymbol:
    """A constant (`parameters` is None) or a predicate."""

    key: str
    name: str
    decl: ast.LetDecl
    scope: Scope
    parameters: tuple[tuple[str, Type], ...] | None = None
    type: Type | None = None
    size: int = 0
    depth: int = 0
    state: Literal["new", "checking", "done"] = "new"


@frozen(eq=False)
class PatternSymbol:
    """A subject, resource or approver pattern. `types` are the keys it covers; the rest is tested at run time."""

    node: ast.Pattern
    types: frozenset[str]
    entity: str | None = None
    group: str | None = None
    roles: tuple[str, ...] = ()


@frozen(eq=False)
class Condition:
    """A `scope`, `when` or `unless` of a rule; `expr` is None for `scope any`."""

    kind: Literal["scope", "when", "unless"]
    expr: ast.Expr | None
    clause: ast.Clause


@frozen(eq=False)
class Approval:
    """What a `require approval` asks for; `expires` in nanoseconds."""

    approvers: tuple[PatternSymbol, ...]
    where: ast.Expr | None
    quorum: int
    expires: int
    clause: ast.FromClause | None


@define(eq=False)
class RuleSymbol:
    """A rule with everything about it resolved. Times are nanoseconds since 1970, None when unbounded."""

    name: str  # qualified: module.rule
    effect: ast.Effect
    decl: ast.RuleDecl
    module: str
    library: bool = False
    subjects: tuple[PatternSymbol, ...] = ()
    resources: tuple[PatternSymbol, ...] = ()
    actions: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    approval: Approval | None = None
    index: int = 0

    @contextmanager
    def opened(self) -> Iterator[RuleSymbol]:
        """Give the rule with its body, which may be gone when nobody looks at it any more."""
        yield self

    @property
    def description(self) -> str | None:
        """The text behind the rule's name."""
        return self.decl.description.value if self.decl.description else None

    @property
    def span(self) -> Span:
        """Where the rule stands."""
        return self.decl.span

    @property
    def name_span(self) -> Span:
        """Where its name stands."""
        return self.decl.name.span

    @property
    def subject_types(self) -> frozenset[str]:
        """The keys of the types that a subject can have for the rule to match."""
        return covered(self.subjects)

    @property
    def resource_types(self) -> frozenset[str]:
        """The keys of the types that a resource can have for the rule to match."""
        return covered(self.resources)


def covered(patterns: Iterable[PatternSymbol]) -> frozenset[str]:
    """Return the keys of all types that patterns cover."""
    return frozenset[str]().union(*(p.types for p in patterns))


@define(eq=False)
class InvariantSymbol:
    """A property of decisions, to be proved or refuted."""

    name: str
    decl: ast.InvariantDecl
    kind: Literal["never", "always"] = "never"
    decisions: frozenset[str] = frozenset()
    subjects: tuple[PatternSymbol, ...] = ()
    resources: tuple[PatternSymbol, ...] = ()
    actions: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()


@define(eq=False)
class FixtureSymbol:
    """An entity of tests: its type, identifier and what is said of it, not yet converted."""

    name: str
    decl: ast.FixtureDecl
    type: str = ""
    identity: str = ""


@define(eq=False)
class Scope:
    """The names a file can use, by kind: those of its program or library, and those its imports bind."""

    module: str
    types: MutableMapping[str, EntityType] = field(factory=dict)
    traits: MutableMapping[str, TraitSymbol] = field(factory=dict)
    aliases: MutableMapping[str, ast.TypeDecl] = field(factory=dict)
    actions: MutableMapping[str, ActionSymbol] = field(factory=dict)
    groups: MutableMapping[str, Span] = field(factory=dict)
    roles: MutableMapping[str, RoleSymbol] = field(factory=dict)
    lets: MutableMapping[str, LetSymbol] = field(factory=dict)
    fixtures: MutableMapping[str, FixtureSymbol] = field(factory=dict)
    rules: MutableMapping[str, RuleSymbol] = field(factory=dict)


@define(eq=False)
class Tables:
    """What is known of expressions, keyed by node.

    `types` gives an expression's static type; `constants` the value of a literal, or of a name that stands for one, as
    its place reads it; `targets` what a name refers to; `narrowed` the entity types possible where a node stands.
    """

    types: dict[ast.Node, Type] = field(factory=dict)
    constants: dict[ast.Node, Any] = field(factory=dict)
    targets: dict[ast.Node, Any] = field(factory=dict)


@frozen(eq=False)
class Offered:
    """The modules that could be imported; `declared` gives the names that the declarations of one of them introduce."""

    modules: tuple[str, ...]
    declared: Callable[[str], Collection[str]]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the modules."""
        return iter(self.modules)

    def declaring(self, name: str) -> str | None:
        """Return the first module that declares a name."""
        return next((module for module in self.modules if name in self.declared(module)), None)


@define(eq=False)
class Program:
    """A checked program: what the compiler and every analysis work on.

    All mappings are by key, except `by_external`, which finds entity types and `actions_by_external`, which finds
    actions by their spelling in requests. `rules` are the active ones, sorted by name. `exported` says in which module
    each name is that an imported library declares; `unnamed` holds the keys of library types and actions that no import
    list of the program names, which no permit of the program covers. `library_sources` are the sources of the modules
    that are libraries, not files of the program. `offered` knows what can be imported besides. `digest` is that of the
    program where it was worked out with it. `has_trees` says whether the modules hold the rules, too.

    What is reported once is not held against the rest of a program: `unfinished` holds the keys of entity types with a
    trait that is not known, `unimported` names that an import was to bind, or that were found to need one.
    """

    types: dict[str, EntityType] = field(factory=dict)
    traits: dict[str, TraitSymbol] = field(factory=dict)
    actions: dict[str, ActionSymbol] = field(factory=dict)
    roles: dict[str, RoleSymbol] = field(factory=dict)
    context: dict[str, AttributeSymbol] = field(factory=dict)
    rules: tuple[RuleSymbol, ...] = ()
    lets: dict[str, LetSymbol] = field(factory=dict)
    fixtures: dict[str, FixtureSymbol] = field(factory=dict)
    invariants: tuple[InvariantSymbol, ...] = ()
    tests: tuple[ast.TestDecl, ...] = ()
    modules: tuple[ast.Module, ...] = ()
    tables: Tables = field(factory=Tables)
    by_external: Mapping[str, EntityType] = field(factory=dict)
    actions_by_external: Mapping[str, ActionSymbol] = field(factory=dict)
    roles_by_external: Mapping[str, RoleSymbol] = field(factory=dict)
    autonomous: frozenset[str] = frozenset()
    exported: Mapping[str, str] = field(factory=dict)
    unnamed: set[str] = field(factory=set)
    offered: Offered | None = None
    unfinished: set[str] = field(factory=set)
    unimported: set[str] = field(factory=set)
    library_sources: frozenset[Source] = frozenset()
    digest: str | None = None
    has_trees: bool = True
