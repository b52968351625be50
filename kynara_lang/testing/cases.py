"""From `test` blocks to requests: what an enforcement point would send for each `expect`.

A test goes through the same door as everyone else. Its fixtures are written as the JSON of a request, in the names that
requests use, and an entity that another one mentions carries along what is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from attrs import frozen

from ..checker.symbols import ActionSymbol, AttributeSymbol, EntityType, FixtureSymbol, Program, RoleSymbol, RuleSymbol
from ..runtime.canonical import canonical_value
from ..semantics import types
from ..semantics.types import Record, SetOf, Type
from ..syntax import ast

Json = dict[str, Any]

MOST_CARRIED: Final = 10_000
"""How many entities the fixtures of one request can carry along; each mention counts."""


@frozen(eq=False)
class Case:
    """One `expect`: the request it is about, the decision it wants, and the rules (by full name) it names.

    `approvers` approve whatever is asked for, as entities of a request.
    """

    expectation: ast.Expectation
    request: Json
    wanted: str
    because: tuple[str, ...]
    approvers: tuple[Json, ...] = ()


@frozen(eq=False)
class Test:
    """One `test` block with its expectations; `problem` says why its requests cannot be written down."""

    __test__ = False  # not a test class of pytest

    decl: ast.TestDecl
    cases: tuple[Case, ...]
    problem: str | None = None

    @property
    def title(self) -> str:
        """What the test is called."""
        return self.decl.title.value

    @property
    def file(self) -> str:
        """The name of the file that the test stands in."""
        return self.decl.title.span.source.name

    @property
    def line(self) -> int:
        """The line, counted from 1, on which the test begins."""
        return self.decl.span.first.line


class TooMuchCarried(Exception):
    """Fixtures mention each other so often that a request would be without bounds."""


def tests_of(program: Program) -> tuple[Test, ...]:
    """Return the tests of a program without errors, in the order of their files and places."""
    return tuple(_test(program, decl) for decl in program.tests)


def _test(program: Program, decl: ast.TestDecl) -> Test:
    cases: list[Case] = []
    chain: tuple[ast.EntityUse, ...] = ()
    context: dict[str, ast.FieldValue] = {}
    approving: tuple[ast.EntityUse, ...] = ()
    for item in decl.items:
        match item:
            case ast.GivenSubject(uses):
                chain = uses
            case ast.GivenContext(given):
                context |= {field.name.text: field for field in given.fields}
            case ast.GivenApproval(uses):
                approving = uses
            case ast.Expectation():
                try:
                    request = Scene(program).request(chain, context.values(), item)
                    approvers = tuple(Scene(program).entity(use) for use in approving)
                except TooMuchCarried:
                    problem = f"the fixtures of this request mention more than {MOST_CARRIED:,} entities"
                    return Test(decl, (), problem)
                named = tuple(cast(RuleSymbol, program.tables.targets[name]).name for name in item.because)
                cases.append(Case(item, request, item.decision.text, named, approvers))
    return Test(decl, tuple(cases))


class Scene:
    """Writes the entities and values of one request as JSON."""

    def __init__(self, program: Program) -> None:
        """Write in the outside names of a program without errors."""
        self._program = program
        self._tables = program.tables
        self._open: list[FixtureSymbol] = []  # fixtures whose attributes are being written
        self._carried = 0

    def request(self, chain: Iterable[ast.EntityUse], context: Iterable[ast.FieldValue], item: ast.Expectation) -> Json:
        """Return the request of an expectation; the actor comes first in the chain."""
        subject: Json | None = None
        for use in reversed(tuple(chain)):
            subject = self.entity(use) | ({} if subject is None else {"on_behalf_of": subject})
        action: ActionSymbol = self._tables.targets[item.action]
        named: Json = {"name": action.external}
        if item.arguments:
            named["properties"] = self._fields(item.arguments, action.parameters)
        request = {"subject": subject, "action": named, "resource": self.entity(item.resource)}
        given = self._fields(context, self._program.context)
        return request | ({"context": given} if given else {})

    def entity(self, use: ast.EntityUse) -> Json:
        """Return an entity with all that is said of it; what is written at its use counts more than its fixture."""
        if isinstance(use.base, ast.Ident):
            written = self.fixture(self._tables.targets[use.base])
            kind = self._program.by_external[written["type"]]
        else:
            kind = self._tables.targets[use.base.type]
            written = _named(kind, use.base.id.value)
        return written | self._said(use, kind, written.get("properties", {}))

    def fixture(self, fixture: FixtureSymbol) -> Json:
        """Return a fixture; one that mentions itself is known by its name alone where it does."""
        kind = self._program.types[fixture.type]
        named = _named(kind, fixture.identity)
        if fixture in self._open:
            return named
        self._carried += 1
        if self._carried > MOST_CARRIED:
            raise TooMuchCarried
        self._open.append(fixture)
        named |= {"properties": {}} | self._said(fixture.decl.entity, kind, {})  # whoever has a fixture is known
        self._open.pop()
        return named

    def _said(self, use: ast.EntityUse, kind: EntityType, before: Json) -> Json:
        """Return the properties, roles and parents that a use adds or replaces."""
        said: Json = {}
        if use.properties is not None:
            said["properties"] = before | self._fields(use.properties.fields, kind.attributes)
        if use.roles:
            said["roles"] = [cast(RoleSymbol, self._tables.targets[role]).external for role in use.roles]
        if use.parents:
            said["parents"] = [self._parent(parent) for parent in use.parents]
        return said

    def _parent(self, parent: ast.EntityLit | ast.Ident) -> Json:
        """Return a parent by its name, with what it is in itself."""
        if isinstance(parent, ast.EntityLit):
            return _named(self._tables.targets[parent.type], parent.id.value)
        written = self.fixture(self._tables.targets[parent])
        return {name: written[name] for name in ("type", "id", "parents") if name in written}

    def _fields(self, fields: Iterable[ast.FieldValue], declared: Mapping[str, AttributeSymbol]) -> Json:
        symbols = ((declared[field.name.text], field.value) for field in fields)
        return {symbol.external: self._value(value, symbol.type) for symbol, value in symbols}

    def _value(self, value: ast.Expr, kind: Type) -> Any:
        match value, kind:
            case ast.Var(), types.Entity():
                return self.fixture(self._tables.targets[value])
            case ast.EntityLit(of, identity), _:
                return _named(self._tables.targets[of], identity.value)
            case ast.SetLit(items), SetOf(element):
                return [self._value(item, element) for item in items]
            case ast.RecordLit(fields), Record(parts):
                known = {part.name: part for part in parts}
                named = ((known[field.name.text], field.value) for field in fields)
                return {part.external or part.name: self._value(item, part.type) for part, item in named}
        return canonical_value(self._tables.constants[value], kind, self._program)


def _named(kind: EntityType, identity: str) -> Json:
    return {"type": kind.external, "id": identity}
