"""What a program uses of what it declares: everything that a rule, an invariant, a test or an action depends on.

Lets count only where something that counts uses them. Types and traits are taken generously: whatever mentions one
uses it. What a library's rules and lets read of the program's types is used too.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from ..semantics.types import Entity
from ..syntax import ast, walk
from .bags import Bag
from .symbols import ActionSymbol, FixtureSymbol, LetSymbol, Program


@define(eq=False)
class Uses:
    """What is used: symbols of lets, roles, types, traits, attributes, context fields and fixtures, and `type`s.

    `idle` gives for what only an unused let mentions that let.
    """

    symbols: set[object] = field(factory=set)
    idle: dict[object, LetSymbol] = field(factory=dict)

    def __contains__(self, symbol: object) -> bool:
        """Whether something uses a symbol."""
        return symbol in self.symbols


def is_library(program: Program) -> bool:
    """Whether the checked files are themselves a library, whose declarations are there for those who import it.

    They are if every file with declarations is a module `std.…`, or if none declares an entity type or an action: then
    no request could be made to them.
    """
    files = [m for m in program.modules if m.source not in program.library_sources and m.declarations]
    if not files:
        return False
    shipped = all(m.name is not None and m.name.text.split(".")[0] == "std" for m in files)
    return shipped or not any(isinstance(d, ast.EntityDecl | ast.ActionDecl) for m in files for d in m.declarations)


def uses_of(program: Program) -> Uses:
    """Return what a program uses."""
    uses = Uses()
    own = [m for m in program.modules if m.source not in program.library_sources]
    seeker = _Seeker(program, uses.symbols)
    for rule in program.rules:
        seeker.seek(rule.decl)
        patterns = (*rule.subjects, *rule.resources, *(rule.approval.approvers if rule.approval else ()))
        seeker.covered.update(*(pattern.types for pattern in patterns))
    for invariant in program.invariants:
        seeker.seek(invariant.decl)
    for test in program.tests:
        seeker.seek(test)
    seeker.covers()
    for module in own:
        for decl in module.declarations:
            seeker.declared(decl)
    seeker.finish()
    _roles(program, uses.symbols)
    for let in program.lets.values():
        if let not in uses:
            beside = _Seeker(program, set())
            beside.seek(let.decl)
            for symbol in beside.found - uses.symbols:
                uses.idle.setdefault(symbol, let)
    return uses


def _roles(program: Program, found: set[object]) -> None:
    """Add the roles that a used one extends, and those that extend a used one: their holders hold it too."""
    named = {key for key, role in program.roles.items() if role in found}
    for role in program.roles.values():
        if role.closure & named:
            found.update(program.roles[key] for key in role.closure)


@define(eq=False)
class _Seeker:
    """Finds the symbols that parts of a program mention, and follows lets and fixtures to what those mention."""

    program: Program
    found: set[object]
    covered: set[str] = field(factory=set)
    _waiting: list[ast.Node] = field(factory=list)
    _actions: dict[ast.ActionDecl, ActionSymbol] = field(factory=dict)
    _seen: set[tuple[frozenset[str], frozenset[str], str]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        """Find the actions by their declarations."""
        self._actions = {action.decl: action for action in self.program.actions.values()}

    def seek(self, node: ast.Node) -> None:
        """Note what a part mentions."""
        targets = self.program.tables.targets
        for part in walk.descend(node):
            match part:
                case ast.Ident() | ast.Var():
                    self._mention(targets.get(part))
                case ast.Attribute(target, name) | ast.Has(target, name):
                    self._read(target, name.text)
                case ast.EntityUse():
                    self.given(part)
                case ast.GivenContext(context):
                    for value in context.fields:
                        self._add(self.program.context.get(value.name.text))

    def declared(self, decl: ast.Decl) -> None:
        """Note what a declaration mentions that is no reason of its own: types, and what a fixture is given."""
        match decl:
            case ast.EntityDecl(parents=parents, attributes=attributes):
                self._mentioned_by(decl, (*parents, *attributes))
            case ast.TraitDecl(attributes=attributes):
                self._mentioned_by(decl, attributes)
            case ast.ContextDecl(fields):
                self._mentioned_by(decl, fields)
            case ast.TypeDecl(_, kind):
                self._mentioned_by(decl, (kind,))
            case ast.LetDecl(_, parameters):
                self._mentioned_by(decl, parameters or ())
            case ast.ActionDecl():
                self.seek(decl)
                self._effects(decl, self._actions[decl])
            case ast.FixtureDecl():
                for part in walk.descend(decl):
                    if isinstance(part, ast.EntityUse):
                        self.given(part)
                    elif not isinstance(target := self.program.tables.targets.get(part), FixtureSymbol):
                        self._add(target)

    def covers(self) -> None:
        """Note the entity types that rules cover by `any` or by a trait."""
        self.found.update(self.program.types[key] for key in self.covered)

    def given(self, use: ast.EntityUse) -> None:
        """Note the attributes that a fixture or a test gives to an entity."""
        base = use.base if isinstance(use.base, ast.Ident) else use.base.type
        target = self.program.tables.targets.get(base)
        key = target.type if isinstance(target, FixtureSymbol) else getattr(target, "key", "")
        for value in use.properties.fields if use.properties else ():
            self._attribute(key, value.name.text)

    def finish(self) -> None:
        """Follow the lets and fixtures that were found."""
        while self._waiting:
            self.seek(self._waiting.pop())

    def _mentioned_by(self, decl: ast.Decl, parts: Iterable[ast.Node]) -> None:
        for part in parts:
            for node in walk.descend(part):
                target = self.program.tables.targets.get(node)
                if target is not decl and getattr(target, "decl", None) is not decl:
                    self._add(target)

    def _effects(self, decl: ast.ActionDecl, action: ActionSymbol) -> None:
        changed = [change.attribute.text for change in decl.modifies]
        changed += [a.attribute.text for a in decl.acts_as if a.attribute and a.root.text == "resource"]
        for name in changed:
            for key in action.on:
                self._attribute(key, name)

    def _mention(self, target: object) -> None:
        if isinstance(target, LetSymbol | FixtureSymbol) and target not in self.found:
            self._waiting.append(target.decl)
        self._add(target)

    def _add(self, target: object) -> None:
        if target is not None:
            self.found.add(target)

    def _read(self, target: ast.Expr, name: str) -> None:
        kind = self.program.tables.types.get(target)
        if isinstance(kind, Bag) and kind.label == "context":
            self._add(self.program.context.get(name))
        elif isinstance(kind, Entity) and (kind.names, kind.traits, name) not in self._seen:
            self._seen.add((kind.names, kind.traits, name))
            for key in kind.names:
                self._attribute(key, name)
            for key in kind.traits:
                self._add(self.program.traits[key].attributes.get(name))

    def _attribute(self, key: str, name: str) -> None:
        """Note an attribute of an entity type, which is also that of each of its traits that has one of this name."""
        kind = self.program.types.get(key)
        if kind is not None:
            self._add(kind.attributes.get(name))
            for trait in kind.traits:
                self._add(self.program.traits[trait].attributes.get(name))
