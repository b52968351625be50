"""A witness as lines that people read: who, for whom, what, on what, when and from where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def witness_lines(witness: Mapping[str, Any]) -> list[str]:
    """Return a request line by line, each part under its name."""
    lines = []
    subject: Any = witness["subject"]
    word = "subject  "
    while isinstance(subject, Mapping):
        lines.append(f"{word}{_entity(subject)}")
        subject, word = subject.get("on_behalf_of"), "    for  "
    action = witness["action"]
    lines.append(f"action   {action['name']}{_members(action.get('properties'), '(', ')')}")
    lines.append(f"resource {_entity(witness['resource'])}")
    if witness.get("context"):
        lines.append(f"context  {_members(witness['context'], '{', '}').strip()}")
    return lines


def _entity(entity: Mapping[str, Any]) -> str:
    text = f"{entity['type']}::{_json(entity['id'])}"
    if entity.get("roles"):
        text += f" with role {', '.join(entity['roles'])}"
    if entity.get("parents"):
        text += f" in {', '.join(_entity(parent) for parent in entity['parents'])}"
    return text + _members(entity.get("properties"), " {", "}")


def _members(members: Mapping[str, Any] | None, start: str, end: str) -> str:
    if not members:
        return ""
    return f"{start}{', '.join(f'{name}: {_value(value)}' for name, value in members.items())}{end}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _entity(value) if value.keys() >= {"type", "id"} else _members(value, "{", "}") or "{}"
    if isinstance(value, list):
        return "{" + ", ".join(_value(v) for v in value) + "}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
