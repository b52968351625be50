"""A request as a `test` block to copy: in the names of the policy, with the fixtures that there are.

What a fixture says already is not written again: `order { tenant: "globex" }` is the fixture with one value of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checker.symbols import AttributeSymbol, Program
from ..semantics.display import display_text
from ..semantics.types import BOOL, DECIMAL, DURATION, INT, TIME, Entity, Record, SetOf, Type
from .cases import Json, Scene, TooMuchCarried


class TestWriter:
    """Writes tests for one program."""

    __test__ = False  # not a test class of pytest

    def __init__(self, program: Program) -> None:
        """Know the fixtures of a program without errors."""
        self._program = program
        self._known: list[tuple[str, Json]] = []
        scene = Scene(program)
        for name, fixture in program.fixtures.items():
            try:
                self._known.append((name, scene.fixture(fixture)))
            except TooMuchCarried:
                continue
        self._new: dict[str, str] = {}

    def test(self, title: str, request: Json, decision: str, because: Iterable[str] = ()) -> str:
        """Return a test, with the fixtures that it needs beyond those of the program."""
        self._new = {}
        chain = []
        subject: Any = request["subject"]
        while subject is not None:
            chain.append(self._use({name: value for name, value in subject.items() if name != "on_behalf_of"}))
            subject = subject.get("on_behalf_of")
        action = self._program.actions_by_external[request["action"]["name"]]
        arguments = self._members(request["action"].get("properties", {}), action.parameters.values())
        context = self._members(request.get("context", {}), self._program.context.values())
        resource = self._use(request["resource"])
        lines = [*self._new.values(), f"test {display_text(title)} {{", f"  given    {' on behalf of '.join(chain)}"]
        if context:
            lines.append(f"  given    context {{ {context} }}")
        rules = ", ".join(because)
        reason = f" because {rules}" if rules else ""
        call = f"{action.name}({arguments})" if arguments else action.name
        lines.append(f"  expect   {decision} {call} on {resource}{reason}")
        return "\n".join([*lines, "}"]) + "\n"

    def _use(self, entity: Json) -> str:
        """Return an entity as a chain or an `expect` names it."""
        kind = self._program.by_external[entity["type"]]
        best: tuple[int, str] | None = None
        for name, fixture in self._known:
            if (fixture["type"], fixture["id"]) == (entity["type"], entity["id"]) and _covers(fixture, entity):
                said = self._differences(fixture, entity, kind.attributes.values())
                if best is None or len(said) < best[0]:
                    best = len(said), name + said
        if best is not None:
            return best[1]
        return f"{kind.name}::{display_text(entity['id'])}" + self._differences({}, entity, kind.attributes.values())

    def _differences(self, fixture: Json, entity: Json, symbols: Iterable[AttributeSymbol]) -> str:
        """Return what has to be said of an entity beyond what its fixture says."""
        said = ""
        if entity.get("roles") and entity["roles"] != fixture.get("roles"):
            names = (self._program.roles_by_external[role].name for role in entity["roles"])
            said += f" with role {', '.join(names)}"
        if entity.get("parents") and entity["parents"] != fixture.get("parents"):
            said += f" in {', '.join(self._reference(parent) for parent in entity['parents'])}"
        before = fixture.get("properties", {})
        other = {n: v for n, v in entity.get("properties", {}).items() if n not in before or before[n] != v}
        members = self._members(other, symbols)
        return said + (f" {{ {members} }}" if members else "")

    def _reference(self, entity: Json) -> str:
        """Return an entity as values name it: a fixture where more is known of it than its name."""
        for name, fixture in self._known:
            if fixture == entity or ("properties" not in entity and _as_parent(fixture) == entity):
                return name
        kind = self._program.by_external[entity["type"]]
        literal = f"{kind.name}::{display_text(entity['id'])}"
        if not any(member in entity for member in ("properties", "roles", "parents")):
            return literal
        said = self._differences({}, entity, kind.attributes.values())
        text = f"= {literal}{said}"
        for name, written in self._new.items():
            if written.endswith(text):
                return name
        name = self._free(kind.name.lower())
        self._new[name] = f"fixture {name} {text}"
        return name

    def _free(self, stem: str) -> str:
        taken = {name for name, _ in self._known} | self._new.keys()
        number = 1
        while f"{stem}_{number}" in taken:
            number += 1
        return f"{stem}_{number}"

    def _members(self, given: Mapping[str, Any], symbols: Iterable[AttributeSymbol]) -> str:
        known = {symbol.external: symbol for symbol in symbols}
        pairs = ((known[external], value) for external, value in given.items())
        return ", ".join(f"{symbol.name}: {self._value(value, symbol.type)}" for symbol, value in pairs)

    def _value(self, value: Any, kind: Type) -> str:
        match kind:
            case Entity():
                return self._reference(value)
            case SetOf(element):
                return "{" + ", ".join(self._value(item, element) for item in value) + "}"
            case Record(parts):
                known = {part.external or part.name: part for part in parts}
                inner = (f"{known[name].name}: {self._value(item, known[name].type)}" for name, item in value.items())
                return "{ " + ", ".join(inner) + " }"
        if kind == BOOL:
            return "true" if value else "false"
        return str(value) if kind in (INT, DECIMAL, TIME, DURATION) else display_text(value)


def _covers(fixture: Json, entity: Json) -> bool:
    """Whether an entity can be a use of a fixture: nothing can be taken away from one, only replaced."""
    gone = [name for name in ("roles", "parents") if fixture.get(name) and not entity.get(name)]
    return not gone and fixture.get("properties", {}).keys() <= entity.get("properties", {}).keys()


def _as_parent(fixture: Json) -> Json:
    return {name: fixture[name] for name in ("type", "id", "parents") if name in fixture}
