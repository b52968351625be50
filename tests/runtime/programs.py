"""Programs and requests that several tests of the runtime decide."""

from __future__ import annotations

import copy
from typing import Any

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet

BASE = """
subject Team
subject User in Team {
  tenant: String
  level: Int
  nick: String?
  boss: User?
}
subject Agent { tenant: String
  trust: "low" | "high" }
resource Folder in Folder
resource Doc in Folder {
  tenant: String
  owner: User
  size: Int
  price: Decimal
  kind: String
}
role reader
role editor extends reader
action read, write on Doc
action pay on Doc (amount: Decimal)
context { ip: IP? }
"""


def program(text: str, *more: str, entities: list[dict[str, Any]] | None = None, base: str = BASE) -> PolicySet:
    """Compile texts as the files of one program; the base declares what they use."""
    sources = [Source(f"f{i}.kyn", part) for i, part in enumerate((base, text, *more))]
    checked = check_sources(sources)
    assert not checked.has_errors, [(d.code, d.message, d.span.text) for d in checked.diagnostics]
    return PolicySet(checked.program, Entities.from_list(entities) if entities is not None else None)


ALICE = {"type": "User", "id": "alice", "properties": {"tenant": "acme", "level": 3}, "roles": ["editor"]}
BOT = {"type": "Agent", "id": "bot", "properties": {"tenant": "acme", "trust": "high"}}
DOC = {
    "type": "Doc",
    "id": "d1",
    "properties": {
        "tenant": "acme",
        "owner": {"type": "User", "id": "olga"},
        "size": 10,
        "price": "2.50",
        "kind": "memo",
    },
}


def ask(
    *chain: dict[str, Any], action: str = "read", resource: dict[str, Any] = DOC, args: Any = None, **context: Any
) -> dict[str, Any]:
    """Return a request of a chain of principals, the one that performs the call first."""
    subject: dict[str, Any] | None = None
    for person in reversed(chain or (ALICE,)):
        person = copy.deepcopy(person)
        if subject is not None:
            person["on_behalf_of"] = subject
        subject = person
    named: dict[str, Any] = {"name": action}
    if args is not None:
        named["properties"] = args
    return {
        "subject": subject,
        "action": named,
        "resource": copy.deepcopy(resource),
        "context": {"now": "2026-11-22T10:00:00Z", **context},
    }


def having(entity: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Return an entity with other properties; None takes one away."""
    changed = copy.deepcopy(entity)
    for name, value in properties.items():
        if value is None:
            changed["properties"].pop(name, None)
        else:
            changed["properties"][name] = value
    return changed
