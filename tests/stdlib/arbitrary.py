"""Makes requests up for any program: every type of subject, action and resource, with values that often fit each other."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from kynara_lang.checker.symbols import AttributeSymbol, Program
from kynara_lang.semantics import types as ty

VALUES = {
    "Bool": [True, False],
    "Int": [0, 1, 2, 3],
    "Decimal": ["-1.00", "0.00", "50.00", "500.00", "5000.00", "100000.00"],
    "String": ["acme", "globex", "EUR", "billing", "files"],
    "Time": ["2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z", "2026-11-28T03:00:00Z"],
    "Duration": ["1h", "7d"],
    "IP": ["10.0.0.1", "93.184.216.34", "169.254.169.254"],
    "Email": ["a@example.com", "b@evil.example"],
    "Host": ["example.com", "api.example.com", "evil.example", "metadata.goog"],
    "Url": ["https://example.com/x", "https://evil.example/"],
    "Path": ["/work", "/work/a.txt", "/work/.env", "/work/.git/config", "/etc/passwd"],
}
DEPTH = 2


class Arbitrary:
    """Draws requests for one program, the same ones for the same seed."""

    def __init__(self, program: Program, seed: int) -> None:
        self.program = program
        self.random = random.Random(seed)

    def requests(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield requests to the actions of the program itself."""
        subjects = sorted(key for key, kind in self.program.types.items() if kind.kind == "subject")
        actions = sorted(key for key in self.program.actions if key not in self.program.unnamed)
        for _ in range(number):
            action = self.program.actions[self.random.choice(actions)]
            subject = self.entity(self.random.choice(subjects))
            if self.random.random() < 0.4:
                subject["on_behalf_of"] = self.entity(self.random.choice(subjects)) | {"id": "behind"}
            yield {
                "subject": subject,
                "action": {"name": action.external, "properties": self.values(action.parameters, DEPTH)},
                "resource": self.entity(self.random.choice(sorted(action.on))),
                "context": {"now": "2026-11-23T10:00:00Z", **self.values(self.program.context, DEPTH)},
            }

    def entity(self, key: str, depth: int = DEPTH) -> dict[str, Any]:
        """Return an entity of a type with all that is declared of it, as far as `depth` goes."""
        kind = self.program.types[key]
        roles = [role.external for role in self.program.roles.values() if self.random.random() < 0.3]
        found = {"type": kind.external, "id": self.random.choice("ab"), "roles": roles}
        return found if depth == 0 else found | {"properties": self.values(kind.attributes, depth - 1)}

    def values(self, attributes: Mapping[str, AttributeSymbol], depth: int) -> dict[str, Any]:
        return {
            attribute.external: self.value(attribute.type, depth)
            for attribute in attributes.values()
            if not (attribute.optional and self.random.random() < 0.4)
        }

    def value(self, kind: ty.Type, depth: int) -> Any:
        match kind:
            case ty.Simple(name):
                return self.random.choice(VALUES[name])
            case ty.Enum(values):
                return self.random.choice(values)
            case ty.SetOf(element):
                return [self.value(element, depth) for _ in range(self.random.randrange(3))]
            case ty.Record(fields):
                return {field.external or field.name: self.value(field.type, depth) for field in fields}
            case ty.Entity(names):
                return self.entity(self.random.choice(sorted(names)), depth)
        raise AssertionError(f"no values for {kind}")
