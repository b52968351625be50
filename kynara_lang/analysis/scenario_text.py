"""A witness as a `test` block, so that what was found once is tried for ever.

Entities of the request become fixtures, because only a fixture can be told of where another mentions it. Names are
those of the program, where requests have those of the outside world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checker.symbols import AttributeSymbol, EntityType, Program
from ..semantics.types import BOOL, DECIMAL, DURATION, INT, TIME, Entity, Record, SetOf, Type
from .witness import Json


class ScenarioWriter:
    """Writes the tests of one program; `prefix` begins the names of the fixtures of each."""

    def __init__(self, program: Program) -> None:
        """Write in the names of a program without errors."""
        self._program = program

    def test(self, request: Json, decision: str, title: str, prefix: str) -> str:
        """Return fixtures and a test that a request is decided as given."""
        fixtures: dict[str, str] = {}
        chain: list[str] = []
        subject: Any = request["subject"]
        while subject is not None:
            chain.append(self._fixture(subject, f"{prefix}_subject{len(chain) or ''}", fixtures))
            subject = subject.get("on_behalf_of")
        resource = self._fixture(request["resource"], f"{prefix}_resource", fixtures)
        action = next(a for a in self._program.actions.values() if a.external == request["action"]["name"])
        arguments = self._members(request["action"].get("properties", {}), action.parameters.values(), prefix, fixtures)
        context = self._members(request.get("context", {}), self._program.context.values(), prefix, fixtures)
        lines = [*fixtures.values(), "", f"test {_text(title)} {{", f"  given    {' on behalf of '.join(chain)}"]
        if context:
            lines.append(f"  given    context {{ {context} }}")
        lines += [f"  expect   {decision} {action.name}{f'({arguments})' if arguments else ''} on {resource}", "}"]
        return "\n".join(lines) + "\n"

    def _fixture(self, entity: Mapping[str, Any], name: str, fixtures: dict[str, str]) -> str:
        """Add a fixture, after those that it mentions; return its name."""
        kind = self._program.by_external[entity["type"]]
        text = f"{kind.name}::{_text(entity['id'])}"
        roles = [self._program.roles_by_external[r].name for r in entity.get("roles", ())]
        if roles:
            text += f" with role {', '.join(roles)}"
        if entity.get("parents"):
            text += f" in {', '.join(self._reference(p, f'{name}_in', fixtures) for p in entity['parents'])}"
        members = self._members(entity.get("properties", {}), kind.attributes.values(), name, fixtures)
        fixtures[name] = f"fixture {name} = {text}{f' {{ {members} }}' if members else ''}"
        return name

    def _reference(self, entity: Mapping[str, Any], name: str, fixtures: dict[str, str]) -> str:
        """Return how an entity is named: by a fixture where more is known of it than its name."""
        if not entity.get("properties") and not entity.get("roles") and not entity.get("parents"):
            kind: EntityType = self._program.by_external[entity["type"]]
            return f"{kind.name}::{_text(entity['id'])}"
        while name in fixtures:
            name += "_"
        return self._fixture(entity, name, fixtures)

    def _members(
        self, given: Mapping[str, Any], symbols: Iterable[AttributeSymbol], prefix: str, fixtures: dict[str, str]
    ) -> str:
        known = {symbol.external: symbol for symbol in symbols}
        parts = []
        for external, value in given.items():
            symbol = known[external]
            parts.append(f"{symbol.name}: {self._value(value, symbol.type, f'{prefix}_{symbol.name}', fixtures)}")
        return ", ".join(parts)

    def _value(self, value: Any, kind: Type, name: str, fixtures: dict[str, str]) -> str:
        if isinstance(kind, Entity):
            return self._reference(value, name, fixtures)
        if isinstance(kind, SetOf):
            return "{" + ", ".join(self._value(v, kind.element, name, fixtures) for v in value) + "}"
        if isinstance(kind, Record):
            fields = {f.external or f.name: f for f in kind.fields}
            inner = (f"{fields[n].name}: {self._value(v, fields[n].type, name, fixtures)}" for n, v in value.items())
            return "{ " + ", ".join(inner) + " }"
        if kind == BOOL:
            return "true" if value else "false"
        if kind in (INT, DECIMAL, TIME, DURATION):
            return str(value)
        return _text(str(value))


def _text(value: str) -> str:
    """Return a text as a literal of the language."""
    made = []
    for char in value:
        if char in '"\\':
            made.append(f"\\{char}")
        elif char.isprintable():
            made.append(char)
        else:
            made.append(f"\\u{{{ord(char):x}}}")
    return f'"{"".join(made)}"'
