"""What declarations say of each other: types of attributes, traits, parents, roles, actions and their effects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from ..semantics.entity import names_chain
from ..semantics.types import BUILTIN, ERROR, TIME, Entity, Enum, Field, Record, SetOf, Type
from ..syntax import ast, walk
from .names import NameChecks
from .symbols import ActionSymbol, AttributeSymbol, EntityType, Program, RoleSymbol, Scope, Tables
from .words import in_words

EFFECTS = (
    "edits_policy",
    "approves",
    "writes_memory",
    "registers_tool",
    "disables_audit",
    "mints_credential",
    "executes_code",
    "reads_private",
    "reads_untrusted",
    "sends_out",
    "irreversible",
)
_FOREIGN_TYPES = {
    "str": "String",
    "text": "String",
    "number": "Decimal",
    "float": "Decimal",
    "double": "Decimal",
    "money": "Decimal",
    "integer": "Int",
    "long": "Int",
    "boolean": "Bool",
    "date": "Time",
    "datetime": "Time",
    "timestamp": "Time",
    "instant": "Time",
    "timedelta": "Duration",
    "list": "Set<…>",
    "array": "Set<…>",
    "ipaddr": "IP",
    "ipaddress": "IP",
    "uri": "Url",
    "mail": "Email",
    "hostname": "Host",
    "domain": "Host",
    "file": "Path",
}
_MAX_PARTS = 1_000  # of a type once the types it names are written out
_MAX_LEVELS = 60
MAX_EXTENDED = 2_000_000
"""How many roles all roles together extend, directly and through others."""

X = TypeVar("X", EntityType, ActionSymbol, RoleSymbol)


class Resolution(NameChecks):
    """Resolves the declarations of a program once all names are entered."""

    def __init__(self, program: Program, report: Report) -> None:
        """Work on a program whose names are entered."""
        self.program = program
        self.report = report
        self.tables: Tables = program.tables
        self._aliases: dict[int, Type] = {}
        self._measures: dict[int, tuple[int, int]] = {}  # parts and levels of each `type`

    # --- types

    def type(self, node: ast.TypeExpr, scope: Scope) -> Type:
        """Return the type that a type expression names."""
        match node:
            case ast.NamedType(name):
                return self._named(name, scope)
            case ast.EnumType(values):
                seen: dict[str, Span] = {}
                for value in values:
                    if value.value in seen:
                        self.report.add(
                            "KYN102",
                            f'"{value.value}" is listed twice',
                            value.span,
                            "listed again here",
                            labels=[(seen[value.value], "listed first here")],
                            help="delete one",
                        )
                    seen[value.value] = value.span
                return Enum(tuple(seen))
            case ast.SetType(element):
                inner = self.type(element, scope)
                return ERROR if inner == ERROR else SetOf(inner)
            case ast.RecordType(fields):
                made = self.attributes(fields, scope, "this record")
                ordered = (made[name] for name in sorted(made))
                return Record(tuple(Field(a.name, a.type, a.optional, a.external) for a in ordered))
        raise AssertionError(type(node).__name__)

    def _named(self, name: ast.Ident, scope: Scope) -> Type:
        text = name.text
        if text in BUILTIN:
            return BUILTIN[text]
        if (kind := scope.types.get(text)) is not None:
            self.tables.targets[name] = kind
            return Entity(frozenset({kind.key}), text)
        if (trait := scope.traits.get(text)) is not None:
            self.tables.targets[name] = trait
            return Entity(frozenset(trait.members), text, frozenset({trait.key}))
        if (alias := scope.aliases.get(text)) is not None:
            self.tables.targets[name] = alias
            return self._aliases.get(id(alias), ERROR)
        known = [*BUILTIN, *scope.types, *scope.traits, *scope.aliases]
        guess = _FOREIGN_TYPES.get(text.lower()) or self.report.near(text, known)
        if text == "Set":
            guess = "Set<…>"
        self.unknown(name.span, "type", text, guess, declare=f"subject {text}`, `resource {text}` or `type {text} = …")
        return ERROR

    def aliases(self, pairs: Iterable[tuple[ast.TypeDecl, Scope]]) -> None:
        """Resolve `type` declarations, each after those it names; one that comes back to itself is reported."""
        scopes = dict(pairs)
        state: dict[ast.TypeDecl, bool] = {}  # False while what a type names is being looked at
        for root in scopes:
            stack = [(root, 0)]
            while stack:
                decl, at = stack.pop()
                if at == 0:
                    if decl in state:
                        continue
                    state[decl] = False
                used = self._named_by(decl, scopes[decl])
                if at < len(used):
                    stack.append((decl, at + 1))
                    name, target = used[at]
                    if state.get(target) is False:
                        self._circular(target, name)
                    else:
                        stack.append((target, 0))
                    continue
                state[decl] = True
                self._aliases[id(decl)] = self._alias(decl, scopes[decl])

    @staticmethod
    def _named_by(decl: ast.TypeDecl, scope: Scope) -> list[tuple[ast.Ident, ast.TypeDecl]]:
        names = (node.name for node in walk.descend(decl.type) if isinstance(node, ast.NamedType))
        return [
            (name, scope.aliases[name.text])
            for name in names
            if name.text in scope.aliases and name.text not in scope.types and name.text not in scope.traits
        ]

    def _circular(self, decl: ast.TypeDecl, name: ast.Ident) -> None:
        self.report.add(
            "KYN105",
            f"the type `{decl.name.text}` is defined by itself",
            decl.name.span,
            "defined in terms of itself",
            labels=[(name.span, "its definition comes back to it here")],
            help="a record cannot hold itself; use an entity type, whose values are references",
        )

    def _alias(self, decl: ast.TypeDecl, scope: Scope) -> Type:
        used = [self._measures.get(id(target), (0, 0)) for _, target in self._named_by(decl, scope)]
        own, levels = sum(1 for _ in walk.descend(decl.type)), walk.deepest(decl.type)[0]
        parts, depth = own + sum(n for n, _ in used), levels + max((n for _, n in used), default=0)
        blamed = any(n > _MAX_PARTS or d > _MAX_LEVELS for n, d in used)
        self._measures[id(decl)] = (min(parts, _MAX_PARTS + 1), min(depth, _MAX_LEVELS + 1))
        if parts <= _MAX_PARTS and depth <= _MAX_LEVELS:
            return self.type(decl.type, scope)
        if not blamed:
            self.report.add(
                "KYN007",
                f"the type `{decl.name.text}` is too large once the types it names are written out",
                decl.name.span,
                f"{parts:,} parts in {depth} levels",
                notes=[f"at most {_MAX_PARTS:,} parts in {_MAX_LEVELS} levels are checked"],
                help="make part of it an entity type, whose values are references",
            )
        return ERROR

    def attributes(
        self,
        nodes: Iterable[ast.AttributeDecl],
        scope: Scope,
        owner: str,
    ) -> dict[str, AttributeSymbol]:
        """Resolve attributes, parameters or fields; a name or an external spelling used twice is reported."""
        found: dict[str, AttributeSymbol] = {}
        external: dict[str, Span] = {}
        for node in nodes:
            name = node.name.text
            spelling = node.external.value if node.external else name
            if name in found:
                self._twice(node.name.span, found[name].span, f"`{name}` is declared twice in {owner}")
                continue
            if spelling in external:
                self._twice(
                    node.span,
                    external[spelling],
                    f'two attributes of {owner} are called "{spelling}" in requests',
                )
            external[spelling] = node.span
            kind = self.type(node.type, scope)
            found[name] = AttributeSymbol(name, spelling, kind, node.optional, node.untrusted, node.name.span, node.doc)
        return found

    def properties(self, nodes: Sequence[ast.AttributeDecl], scope: Scope, owner: str) -> dict[str, AttributeSymbol]:
        """Resolve what requests give as `properties`: attributes of types and traits, and parameters of actions."""
        for node in nodes:
            if names_chain(node.external.value if node.external else node.name.text):
                self._no_property(node)
        return self.attributes(nodes, scope, owner)

    def _no_property(self, node: ast.AttributeDecl) -> None:
        """Report a property that no request can have; without it every request of a rule that reads it is invalid."""
        place = node.external or node.name
        spelling = place.span.text.strip('"')
        self.report.add(
            "KYN012",
            f"`{spelling}` already has a meaning in every request, so no request can give a property of that name",
            place.span,
            "`on_behalf_of` says for whom a subject acts",
            notes=[
                "it stands beside `properties`; among them, in whatever spelling, the request is refused: "
                "a chain that lost a person would lose that person's limits"
            ],
            help=f'let requests spell it otherwise: `{node.name.text} as "acting_for"`'
            if node.external
            else "choose another name, such as `acting_for`; a rule reads the person acted for as `delegator`",
        )

    def parameters(self, nodes: Iterable[ast.Parameter], scope: Scope) -> tuple[tuple[str, Type], ...]:
        """Resolve the parameters of a predicate."""
        found: dict[str, tuple[Type, Span]] = {}
        for node in nodes:
            name = node.name.text
            if name in found:
                self._twice(node.name.span, found[name][1], f"the parameter `{name}` is declared twice")
                continue
            found[name] = (self.type(node.type, scope), node.name.span)
        return tuple((name, kind) for name, (kind, _) in found.items())

    def _twice(self, span: Span, first: Span, message: str) -> None:
        self.report.add(
            "KYN102",
            message,
            span,
            "declared again here",
            labels=[(first, "declared first here")],
            help="give one of them another name, or delete one",
        )

    # --- entities and context

    def traits_of(self, kind: EntityType, scope: Scope) -> None:
        """Resolve which traits an entity type has."""
        for name in kind.decl.traits:
            trait = scope.traits.get(name.text)
            if trait is None:
                self.program.unfinished.add(kind.key)
                if name.text in scope.types:
                    self.report.add(
                        "KYN106",
                        f"`{name.text}` is not a trait",
                        name.span,
                        "an entity type",
                        labels=[(scope.types[name.text].decl.name.span, "declared here")],
                        help=f"to say that it can contain {kind.name}, write `in {name.text}`",
                    )
                else:
                    guess = self.report.near(name.text, scope.traits)
                    self.unknown(name.span, "trait", name.text, guess, declare=f"trait {name.text} {{ … }}")
                continue
            self.tables.targets[name] = trait
            trait.members.add(kind.key)
            kind.traits.add(trait.key)

    def parents_of(self, kind: EntityType, scope: Scope) -> None:
        """Resolve what an entity type can be in, once it is known who has which trait."""
        for name in kind.decl.parents:
            found = self.types_of(name, scope)
            if found is not None:
                kind.parents |= found[0]

    def entity(self, kind: EntityType, scope: Scope) -> None:
        """Resolve an entity type's attributes, those of its traits included."""
        own = self.properties(kind.decl.attributes, scope, kind.name)
        for key in sorted(kind.traits):
            for name, symbol in self.program.traits[key].attributes.items():
                if name not in own:
                    own[name] = symbol
                elif own[name].type != symbol.type and ERROR not in (own[name].type, symbol.type):
                    self.report.add(
                        "KYN102",
                        f"`{name}` of {kind.name} has another type in a trait",
                        own[name].span,
                        f"here it is {own[name].type}",
                        labels=[(symbol.span, f"here it is {symbol.type}")],
                        help="delete it here, or give both one type",
                    )
        kind.attributes = own

    def context(self, decl: ast.ContextDecl, scope: Scope) -> None:
        """Add a `context` block to the context of the program."""
        for name, symbol in self.attributes(decl.fields, scope, "this context").items():
            before = self.program.context.get(name)
            if name == "now" and (symbol.type != TIME or symbol.optional):
                self.report.add(
                    "KYN201",
                    "`now` is always a Time",
                    symbol.span,
                    "declared as something else",
                    help="write `now: Time`, or leave it out: every program has it",
                )
                continue
            if before is None:
                self.program.context[name] = symbol
            elif (before.type, before.optional) != (symbol.type, symbol.optional) and before.type != ERROR:
                self.report.add(
                    "KYN102",
                    f"the context field `{name}` has two types",
                    symbol.span,
                    f"here it is {symbol.type}{'?' * symbol.optional}",
                    labels=[(before.span, f"here it is {before.type}{'?' * before.optional}")],
                    help="give both one type",
                )

    # --- roles

    def roles(self, roles: list[tuple[RoleSymbol, Scope]]) -> None:
        """Resolve what roles extend; a role that extends itself is reported."""
        extends: dict[str, list[str]] = {}
        for role, scope in roles:
            found = (self.role(name, scope) for name in role.decl.extends)
            extends[role.key] = [r.key for r in found if r is not None]
        blamed: set[str] = set()
        room = MAX_EXTENDED
        for role, _ in roles:
            if room < 0:
                break
            reached: set[str] = set()
            stack = list(extends[role.key])
            while stack:
                key = stack.pop()
                if key not in reached:
                    reached.add(key)
                    stack.extend(extends[key])
            role.closure = frozenset(reached | {role.key})
            room -= len(reached)
            if room < 0:
                self._too_many_extended(role)
            if role.key in reached and role.key not in blamed:
                blamed |= self._role_circle(role, extends)

    def _too_many_extended(self, role: RoleSymbol) -> None:
        """Report that all roles extend more than is worked out: a chain of roles has the square of its length."""
        self.report.add(
            "KYN007",
            f"all roles together extend more than {MAX_EXTENDED:,} others",
            role.decl.name.span,
            "no more are looked at from here on",
            notes=["what a role extends through others counts, too"],
            help="extend fewer roles, above all in long chains",
        )

    def _role_circle(self, role: RoleSymbol, extends: dict[str, list[str]]) -> set[str]:
        """Report a circle of roles once, with every step of it; return the roles of the circle."""
        came_from: dict[str, str] = {}
        waiting = [role.key]
        while role.key not in came_from:
            key = waiting.pop(0)
            for target in extends[key]:
                if target not in came_from:
                    came_from[target] = key
                    waiting.append(target)
        circle = [role.key]
        while (before := came_from[circle[-1]]) != role.key:
            circle.append(before)
        circle.append(role.key)
        circle.reverse()
        steps = [
            next(
                n.span
                for n in self.program.roles[a].decl.extends
                if self.tables.targets.get(n) is self.program.roles[b]
            )
            for a, b in pairwise(circle)
        ]
        names = " → ".join(self.program.roles[key].name for key in circle)
        self.report.add(
            "KYN410",
            f"the role `{role.name}` extends itself",
            role.decl.name.span,
            "part of a circle" if len(circle) > 2 else "extends itself",
            labels=[(step, "and this leads back to it" if i else "through this") for i, step in enumerate(steps[:8])],
            notes=[
                *([f"the circle is {names}"] if len(circle) > 2 else []),
                "all roles of a circle hold the same rights, so they are one role",
            ],
            help="delete one `extends`",
        )
        return set(circle)

    # --- actions

    def actions(self, decl: ast.ActionDecl, symbols: list[ActionSymbol], scope: Scope) -> None:
        """Resolve what an action applies to and its parameters."""
        on: set[str] = set()
        for name in decl.on:
            found = self.types_of(name, scope)
            if found is not None:
                on |= found[0]
        if not decl.on:
            on = set(self.program.types)
        parameters = self.properties(decl.parameters, scope, f"`{decl.names[0].name.text}`")
        for symbol in symbols:
            symbol.on = frozenset(on)
            symbol.parameters = parameters
            symbol.groups = frozenset(g.text for g in decl.groups)
            if symbol.name in scope.groups:
                self.report.add(
                    "KYN102",
                    f"`{symbol.name}` is an action and an action group",
                    _name_span(symbol),
                    "an action here",
                    labels=[(scope.groups[symbol.name], "a group here")],
                    help="give the group another name",
                )

    def effects(self, decl: ast.ActionDecl, symbols: list[ActionSymbol], scope: Scope) -> None:
        """Check what an action says it can do to authority and information."""
        if not symbols:
            return
        action = symbols[0]
        for name in decl.effects:
            if name.text not in EFFECTS:
                guess = self.report.near(name.text, EFFECTS)
                self.report.add(
                    "KYN101",
                    f"there is no effect `{name.text}`",
                    name.span,
                    "not an effect",
                    notes=[f"effects are {', '.join(EFFECTS)}"],
                    help=f"did you mean `{guess}`?" if guess else None,
                )
        targets = [self.program.types[key] for key in sorted(action.on)]
        for change in decl.modifies:
            changed = change.attribute.text
            having = [t.attributes[changed] for t in targets if changed in t.attributes]
            if not having and changed not in ("roles", "parents") and targets:
                known = {a for t in targets for a in t.attributes} | {"roles", "parents"}
                guess = self.report.near(changed, known)
                self.report.add(
                    "KYN202",
                    f"nothing that `{action.name}` applies to has an attribute `{changed}`",
                    change.attribute.span,
                    "not declared",
                    help=f"did you mean `{guess}`?" if guess else None,
                )
            if change.parameter is not None:
                self._parameter(change.parameter, action)
        for acting in decl.acts_as:
            self._acts_as(acting, action, targets, scope)

    def _parameter(self, name: ast.Ident, action: ActionSymbol) -> AttributeSymbol | None:
        symbol = action.parameters.get(name.text)
        if symbol is None:
            guess = self.report.near(name.text, action.parameters)
            self.report.add(
                "KYN202",
                f"`{action.name}` has no parameter `{name.text}`",
                name.span,
                "not declared",
                help=f"did you mean `{guess}`?" if guess else None,
            )
        return symbol

    def _acts_as(self, node: ast.ActsAs, action: ActionSymbol, targets: list[EntityType], scope: Scope) -> None:
        for name in node.requires:
            self.actions_of(ast.ActionPattern(name, span=name.span), scope)
        kind: Type = ERROR
        if node.root.text == "resource" and node.attribute is None:
            kind = Entity(action.on)
        elif node.root.text == "resource" and node.attribute is not None:
            followed = node.attribute.text
            kinds = [t.attributes[followed].type for t in targets if followed in t.attributes]
            if not kinds:
                guess = self.report.near(followed, {a for t in targets for a in t.attributes})
                self.report.add(
                    "KYN202",
                    f"nothing that `{action.name}` applies to has an attribute `{followed}`",
                    node.attribute.span,
                    "not declared",
                    help=f"did you mean `{guess}`?" if guess else None,
                )
                return
            kind = kinds[0]
        elif node.root.text == "args" and node.attribute is not None:
            symbol = self._parameter(node.attribute, action)
            kind = symbol.type if symbol else ERROR
        else:
            self.report.add(
                "KYN211",
                f"an action cannot act as `{node.root.text}`",
                node.root.span,
                "not a principal",
                help="write `acts as resource`, `acts as resource.attr` or `acts as args.param`",
            )
            return
        if kind != ERROR and not isinstance(kind, Entity):
            self.report.add(
                "KYN211",
                f"only an entity can be acted as, and this is {in_words(kind)}",
                (node.attribute or node.root).span,
                f"this is {in_words(kind)}",
                help="give it the type of a subject, such as `User`",
            )

    # --- spellings in requests

    def externals(self) -> None:
        """Find what requests call each type, action and role; two of one kind must not share a spelling."""
        self.program.by_external = self._by_external("types", list(self.program.types.values()))
        self.program.actions_by_external = self._by_external("actions", list(self.program.actions.values()))
        self.program.roles_by_external = self._by_external("roles", list(self.program.roles.values()))

    def _by_external(self, what: str, symbols: Sequence[X]) -> dict[str, X]:
        found: dict[str, X] = {}
        for symbol in symbols:
            before = found.setdefault(symbol.external, symbol)
            if before is not symbol:
                self._twice(
                    _name_span(symbol),
                    _name_span(before),
                    f'two {what} are called "{symbol.external}" in requests',
                )
        return found


def _name_span(symbol: EntityType | ActionSymbol | RoleSymbol) -> Span:
    if isinstance(symbol, ActionSymbol):
        return next(n.span for n in symbol.decl.names if n.name.text == symbol.name)
    return symbol.decl.name.span
