"""The entity store as the application hands it over: read, checked for shape, and tied to no program."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

from ..files import open_to_read
from ..semantics.problems import quoted
from . import facts
from .convert import as_mapping
from .problems import Problems, RequestProblem
from .strict_json import JsonProblem, loads

MAX_STORE_BYTES: Final = 256 * 1_048_576
"""The largest entity file that is read."""

_SHOWN: Final = 10


class EntitiesError(ValueError):
    """An entity store cannot be used; `problems` says why, as far as places in the JSON are to blame."""

    def __init__(self, message: str, problems: Iterable[RequestProblem] = ()) -> None:
        """Take the whole message, and the problems it tells of."""
        super().__init__(message)
        self.problems = tuple(problems)


@frozen
class StoredEntry:
    """One entity of a store as it was read."""

    type: str
    id: str
    raw: Mapping[str, object]
    path: str


class Entities:
    """An entity store: properties, roles and parents by type and id.

    In JSON it is a list of `{"type", "id", "properties", "roles", "parents"}`, or an object with such a list
    as `entities`; all but the first two may be left out. What the store says of an entity counts more than
    what a request says of it, member by member.
    """

    def __init__(self, entries: Sequence[StoredEntry], source: str = "entities") -> None:
        """Take entries that were checked; use `from_json`, `from_text` or `from_list` to make a store."""
        self.entries = tuple(entries)
        self.source = source

    def __len__(self) -> int:
        """Return how many entities are stored."""
        return len(self.entries)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Entities:
        """Read a store from a JSON file; raise `EntitiesError` if that fails for any reason."""
        source = os.fspath(path)
        try:
            with open_to_read(source) as file:
                content = file.read(MAX_STORE_BYTES + 1)
        except OSError as error:
            raise EntitiesError(f"{source}: cannot be read: {error.strerror or error}") from None
        return cls._from_document(content, source)

    @classmethod
    def from_text(cls, text: str) -> Entities:
        """Read a store from JSON text; raise `EntitiesError` if it is not acceptable."""
        return cls._from_document(text, "entities")

    @classmethod
    def from_list(cls, items: Iterable[Mapping[str, object]]) -> Entities:
        """Make a store of decoded JSON objects; raise `EntitiesError` if they are not acceptable."""
        return cls._from_items(list(items), "", "entities")

    @classmethod
    def _from_document(cls, document: str | bytes, source: str) -> Entities:
        try:
            content = loads(document, max_bytes=MAX_STORE_BYTES)
        except JsonProblem as problem:
            raise EntitiesError(f"{source}: {problem.message}") from None
        members = as_mapping(content)
        if members is not None:
            content, prefix = members.get("entities"), "entities"
        else:
            prefix = ""
        if not isinstance(content, list):
            raise EntitiesError(f'{source}: a list of entities, or an object {{"entities": […]}}, is expected')
        return cls._from_items(content, prefix, source)

    @classmethod
    def _from_items(cls, items: Sequence[object], prefix: str, source: str) -> Entities:
        problems = Problems()
        entries: dict[tuple[str, str], StoredEntry] = {}
        for i, item in enumerate(items):
            path = f"{prefix}[{i}]"
            raw = as_mapping(item)
            if raw is None:
                facts.complain(item, path, "object with `type` and `id`", problems)
                continue
            identity = facts.read_identity(raw, path, problems)
            if identity is None:
                continue
            first = entries.setdefault(identity, StoredEntry(*identity, raw, path))
            if first.path != path:
                message = f"{quoted('::'.join(identity))} is already described at {first.path}"
                problems.add("contradictory", path, message)
        raise_if_any(problems, source)
        return cls(list(entries.values()), source)


def raise_if_any(problems: Sequence[RequestProblem], source: str) -> None:
    """Raise `EntitiesError` with a line for each problem, up to a few, if there are any."""
    if not problems:
        return
    lines = [f"{source}: {problem.path}: {problem.message}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"and {len(problems) - _SHOWN} more")
    raise EntitiesError("\n".join(lines), problems)
