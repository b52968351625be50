"""Declarations become symbols: who is declared where, what it means, and what is declared twice.

First every name of every file is entered, then imports bind names of libraries, then what declarations say of each
other (traits, parents, types of attributes, roles, groups) is resolved; so no order of files or lines matters.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import PurePath
from typing import TypeVar

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span
from ..semantics.types import BUILTIN, TIME
from ..syntax import ast
from .resolution import Resolution
from .stored_rules import Bodies, Kept, StoredRule
from .symbols import (
    ActionSymbol,
    AttributeSymbol,
    EntityType,
    FixtureSymbol,
    InvariantSymbol,
    LetSymbol,
    Offered,
    Program,
    RoleSymbol,
    RuleSymbol,
    Scope,
    TraitSymbol,
)

RESERVED = frozenset({"history", "seen", "count", "sum", "limit", "oblige", "grant", "template"})
MEANINGS = {
    "subject": "it is who asks",
    "resource": "it is what is acted on",
    "args": "it is the action's arguments",
    "context": "it is when and from where",
    "actor": "it is who performs the call",
    "delegator": "it is whom the subject acts for",
    "delegated": "it is whether there is a delegator",
    "delegation": "it is the chain of delegation",
    "approver": "it is who approves",
    "true": "it is a value",
    "false": "it is a value",
    "any": "it begins `any x in …`",
    "all": "it begins `all x in …`",
    "not": "it negates what follows",
}
S = TypeVar("S")

_BUILT_IN = Source("<built in>", "now: Time")


class Declarations:
    """Enters the declarations of a program and its libraries."""

    def __init__(self, program: Program, report: Report, kept: Kept | None = None) -> None:
        """Work on an empty program; `kept` has the rules of one that was checked before."""
        self.program = program
        self.bodies = Bodies() if kept is None else kept.bodies
        self._kept: Mapping[Source, Sequence[StoredRule]] = {} if kept is None else kept.rules
        self.report = report
        self.resolution = Resolution(program, report)
        self.scopes: dict[ast.Module, Scope] = {}
        self.rules: list[tuple[RuleSymbol, ast.Module]] = []
        self.invariants: list[tuple[InvariantSymbol, ast.Module]] = []
        self.tests: list[tuple[ast.TestDecl, ast.Module]] = []
        self._places: dict[tuple[int, str, str], Span] = {}

    def run(self, files: Iterable[ast.Module], libraries: Mapping[str, ast.Module], available: Iterable[str]) -> None:
        """Enter, bind and resolve everything. `available` names the library modules that could be imported."""
        files = list(files)
        self.program.offered = available if isinstance(available, Offered) else None
        common = Scope("")
        own = {module_name(f) for f in files}
        for module in files:
            self._enter(module, common, module_name(module), library=False)
            self.scopes[module] = common
        library_scopes: dict[str, Scope] = {}
        for name, module in libraries.items():
            scope = Scope(name)
            self._enter(module, scope, name, library=True)
            self.scopes[module] = library_scopes[name] = scope
        self.program.exported = {
            exported: name
            for name, scope in reversed(library_scopes.items())
            for kind in _IMPORTABLE
            for exported in getattr(scope, kind)
        }
        wanted: set[str] = set()
        for module in (*files, *libraries.values()):
            self.scopes[module] = self._bind(module, library_scopes, own, list(available), wanted)
        self.rules = [(r, module) for r, module in self.rules if not r.library or _active(r, wanted)]
        self._resolve([*files, *libraries.values()])

    # --- entering names

    def _enter(self, module: ast.Module, scope: Scope, name: str, *, library: bool) -> None:
        prefix = f"{name}." if library else ""
        for decl in module.declarations:
            match decl:
                case ast.TraitDecl():
                    trait = TraitSymbol(prefix + decl.name.text, decl.name.text, decl)
                    self._declare(scope, "type", scope.traits, decl.name, trait)
                    self.program.traits.setdefault(trait.key, trait)
                case ast.EntityDecl():
                    external = decl.external.value if decl.external else decl.name.text
                    kind = EntityType(prefix + decl.name.text, decl.name.text, external, decl.kind, decl)
                    if self._declare(scope, "type", scope.types, decl.name, kind):
                        self.program.types[kind.key] = kind
                        self.program.unnamed |= {kind.key} if library else set()
                case ast.TypeDecl():
                    self._declare(scope, "type", scope.aliases, decl.name, decl)
                case ast.ActionDecl():
                    self._enter_action(decl, scope, prefix)
                case ast.RoleDecl():
                    external = decl.external.value if decl.external else decl.name.text
                    role = RoleSymbol(prefix + decl.name.text, decl.name.text, external, decl)
                    if self._declare(scope, "role", scope.roles, decl.name, role):
                        self.program.roles[role.key] = role
                case ast.LetDecl():
                    self._usable(decl.name)
                    let = LetSymbol(prefix + decl.name.text, decl.name.text, decl, scope)
                    if self._declare(scope, "let", scope.lets, decl.name, let):
                        self.program.lets[let.key] = let
                case ast.RuleDecl():
                    self._enter_rule(decl, scope, name, module, library=library)
                case ast.InvariantDecl() if not library:
                    self._unique("invariant", f"{name}.{decl.name.text}", decl.name)
                    self.invariants.append((InvariantSymbol(f"{name}.{decl.name.text}", decl), module))
                case ast.FixtureDecl() if not library:
                    fixture = FixtureSymbol(decl.name.text, decl)
                    if self._declare(scope, "fixture", scope.fixtures, decl.name, fixture):
                        self.program.fixtures[fixture.name] = fixture
                case ast.TestDecl() if not library:
                    self.tests.append((decl, module))
        for packed in module.packed:
            qualified = f"{name}.{packed.name.text}"
            line = self.bodies.add(packed)
            rule = StoredRule(qualified, packed.effect, name, library, packed.span, self.bodies, line, packed.name.span)
            self._enter_symbol(rule, packed.name, scope, module)
        for rule in self._kept.get(module.source, ()):
            scope.rules[rule.name.rpartition(".")[2] if library else rule.name] = rule
            self.rules.append((rule, module))

    def _enter_action(self, decl: ast.ActionDecl, scope: Scope, prefix: str) -> None:
        for part in decl.names:
            name = part.name.text
            external = part.external.value if part.external else name
            action = ActionSymbol(prefix + name, name, external, decl)
            if self._declare(scope, "action", scope.actions, part.name, action, reserve=False):
                self.program.actions[action.key] = action
                self.program.unnamed |= {action.key} if prefix else set()
        for group in decl.groups:
            scope.groups.setdefault(group.text, group.span)

    def _enter_rule(self, decl: ast.RuleDecl, scope: Scope, name: str, module: ast.Module, *, library: bool) -> None:
        rule = RuleSymbol(f"{name}.{decl.name.text}", decl.effect, decl, name, library)
        self._enter_symbol(rule, decl.name, scope, module)

    def _enter_symbol(self, rule: RuleSymbol, name: ast.Ident, scope: Scope, module: ast.Module) -> None:
        self._reserved(name)
        if self._unique("rule", rule.name, name):
            scope.rules.setdefault(name.text if rule.library else rule.name, rule)
            self.rules.append((rule, module))

    def _declare(
        self,
        scope: Scope,
        kind: str,
        table: MutableMapping[str, S],
        name: ast.Ident,
        symbol: S,
        *,
        reserve: bool = True,
    ) -> bool:
        if reserve:
            self._reserved(name)
        if kind == "type" and name.text in (*BUILTIN, "Set"):
            self.report.add(
                "KYN102",
                f"`{name.text}` is a built-in type",
                name.span,
                "this name is taken",
                help="choose another name",
            )
            return False
        key = (id(scope), kind, name.text)
        if key in self._places:
            self._twice(name, self._places[key])
            return False
        self._places[key] = name.span
        table[name.text] = symbol
        return True

    def _unique(self, kind: str, qualified: str, name: ast.Ident) -> bool:
        key = (0, kind, qualified)
        if key in self._places:
            self._twice(name, self._places[key])
            return False
        self._places[key] = name.span
        return True

    def _twice(self, name: ast.Ident, first: Span) -> None:
        self.report.add(
            "KYN102",
            f"`{name.text}` is declared twice",
            name.span,
            "declared again here",
            labels=[(first, "declared first here")],
            help="give one of them another name, or delete one",
        )

    def _reserved(self, name: ast.Ident) -> None:
        if name.text in RESERVED:
            self.report.add(
                "KYN012",
                f"`{name.text}` is kept free for a later version of the language",
                name.span,
                "reserved",
                help=f"choose another name, such as `{name.text}_`; attributes, parameters and actions may have it",
            )

    def _usable(self, name: ast.Ident) -> None:
        if name.text in MEANINGS:
            self.report.add(
                "KYN012",
                f"`{name.text}` already has a meaning in every rule",
                name.span,
                MEANINGS[name.text],
                help=f"choose another name, such as `{name.text}_`",
            )

    # --- imports

    def _bind(
        self,
        module: ast.Module,
        libraries: Mapping[str, Scope],
        own: set[str],
        available: list[str],
        wanted: set[str],
    ) -> Scope:
        scope = self.scopes[module]
        in_library = bool(scope.module)
        bound = Scope(scope.module)
        places: dict[tuple[str, str], Span] = {}
        for item in module.imports:
            name = item.module.text
            source = libraries.get(name)
            if name in own and not in_library:
                self.report.add(
                    "KYN107",
                    f"`{name}` is part of this program",
                    item.module.span,
                    "needs no import",
                    notes=["all files that are checked together see each other's declarations"],
                    help="delete the import",
                )
            elif source is None:
                guess = self.report.near(name, available)
                self.program.unimported |= {wish.text for wish in item.names}
                self.report.add(
                    "KYN103",
                    f"there is no module `{name}`",
                    item.module.span,
                    "not found",
                    notes=[f"libraries are {', '.join(f'`{m}`' for m in available)}"] if available else (),
                    help=f"did you mean `{guess}`?" if guess else None,
                )
            else:
                for wish in item.names:
                    self._bind_name(wish, name, source, scope, bound, None if in_library else wanted, places)
        if not any((bound.types, bound.traits, bound.aliases, bound.actions, bound.groups, bound.roles, bound.lets)):
            return scope
        return Scope(
            scope.module,
            ChainMap(bound.types, scope.types),
            ChainMap(bound.traits, scope.traits),
            ChainMap(bound.aliases, scope.aliases),
            ChainMap(bound.actions, scope.actions),
            ChainMap(bound.groups, scope.groups),
            ChainMap(bound.roles, scope.roles),
            ChainMap(bound.lets, scope.lets),
            scope.fixtures,
            scope.rules,
        )

    def _bind_name(
        self,
        wish: ast.Ident,
        module: str,
        source: Scope,
        scope: Scope,
        bound: Scope,
        wanted: set[str] | None,
        places: dict[tuple[str, str], Span],
    ) -> None:
        found = False
        for kind in _IMPORTABLE:
            table = getattr(source, kind)
            if wish.text in table:
                found = True
                space = _SPACE_OF.get(kind, "type")
                place = self._places.get((id(scope), space, wish.text))
                before = places.setdefault((space, wish.text), wish.span)
                if place is not None:
                    self._imported_twice(wish, place, "declared here")
                elif before is not wish.span and getattr(bound, kind).get(wish.text) is not table[wish.text]:
                    self._imported_twice(wish, before, "imported here")
                else:
                    getattr(bound, kind)[wish.text] = table[wish.text]
                    if wanted is not None:
                        self.program.unnamed.discard(getattr(table[wish.text], "key", ""))
        rule = source.rules.get(wish.text)
        if rule is not None:
            found = True
            if rule.effect == "permit" and wanted is None:
                self.report.add(
                    "KYN104",
                    "a library cannot activate a permit",
                    wish.span,
                    "only a program can name it",
                    notes=["importing a library can only narrow what is allowed"],
                )
            elif wanted is not None:
                wanted.add(rule.name)
        if not found:
            names = {n for kind in (*_IMPORTABLE, "rules") for n in getattr(source, kind)}
            guess = self.report.near(wish.text, names)
            self.program.unimported |= {wish.text, guess or wish.text}
            self.report.add(
                "KYN104",
                f"`{module}` declares no `{wish.text}`",
                wish.span,
                "not found in this module",
                notes=[f"it declares {', '.join(f'`{n}`' for n in sorted(names))}"] if names else (),
                help=f"did you mean `{guess}`?" if guess else None,
            )

    def _imported_twice(self, wish: ast.Ident, first: Span, label: str) -> None:
        self.report.add(
            "KYN102",
            f"`{wish.text}` means two things in this file",
            wish.span,
            "imported again here" if label == "imported here" else "imported here",
            labels=[(first, label)],
            help="leave it out of one import" if label == "imported here" else "rename the declaration",
        )

    # --- meaning

    def _resolve(self, modules: list[ast.Module]) -> None:
        resolve = self.resolution
        declared = {id(t.decl): t for t in self.program.types.values()}
        traits = {id(t.decl): t for t in self.program.traits.values()}
        pairs = [(decl, self.scopes[m]) for m in modules for decl in m.declarations]
        for decl, scope in pairs:
            if isinstance(decl, ast.EntityDecl) and id(decl) in declared:
                resolve.traits_of(declared[id(decl)], scope)
        for decl, scope in pairs:
            if isinstance(decl, ast.EntityDecl) and id(decl) in declared:
                resolve.parents_of(declared[id(decl)], scope)
        resolve.aliases([(decl, scope) for decl, scope in pairs if isinstance(decl, ast.TypeDecl)])
        for decl, scope in pairs:
            if isinstance(decl, ast.TraitDecl) and id(decl) in traits:
                traits[id(decl)].attributes = resolve.properties(decl.attributes, scope, decl.name.text)
        for decl, scope in pairs:
            if isinstance(decl, ast.EntityDecl) and id(decl) in declared:
                resolve.entity(declared[id(decl)], scope)
            elif isinstance(decl, ast.ContextDecl):
                resolve.context(decl, scope)
        now = Span(_BUILT_IN, 0, 9)
        self.program.context.setdefault("now", AttributeSymbol("now", "now", TIME, False, False, now))
        scope_of = {id(decl): scope for decl, scope in pairs}
        resolve.roles([(r, scope_of[id(r.decl)]) for r in self.program.roles.values()])
        actions: dict[int, list[ActionSymbol]] = {}
        for action in self.program.actions.values():
            actions.setdefault(id(action.decl), []).append(action)
        for decl, scope in pairs:
            if isinstance(decl, ast.ActionDecl):
                resolve.actions(decl, actions.get(id(decl), []), scope)
        for decl, scope in pairs:
            if isinstance(decl, ast.ActionDecl):
                resolve.effects(decl, actions.get(id(decl), []), scope)
        resolve.externals()
        for let in self.program.lets.values():
            let.scope = scope_of[id(let.decl)]


_IMPORTABLE = ("types", "traits", "aliases", "actions", "groups", "roles", "lets")
_SPACE_OF = {"roles": "role", "lets": "let", "actions": "action", "groups": "group"}


def _active(rule: RuleSymbol, wanted: set[str]) -> bool:
    return rule.effect != "permit" or rule.name in wanted


def importable(module: ast.Module) -> frozenset[str]:
    """Return the names of a library that an import can bind."""
    names: set[str] = set()
    for decl in module.declarations:
        if isinstance(decl, ast.TraitDecl | ast.EntityDecl | ast.TypeDecl | ast.RoleDecl | ast.LetDecl):
            names.add(decl.name.text)
        elif isinstance(decl, ast.ActionDecl):
            names |= {part.name.text for part in decl.names} | {group.text for group in decl.groups}
    return frozenset(names)


def module_name(module: ast.Module) -> str:
    """Return a file's module: what it says, or its file name made into a name."""
    if module.name is not None:
        return module.name.text
    stem = PurePath(module.source.name).stem
    return re.sub(r"[^A-Za-z0-9_]", "_", stem) or "main"
