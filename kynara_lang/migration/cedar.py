"""Imports Cedar: policies, a schema and entities in, a program of Kynara out, with all that could not be taken over.

What is common to both languages is translated so that it decides the same. Everything else is refused by name, with its
place, the reason and what to do instead; nothing is changed in meaning without saying so. The one intended difference:
a forbid that cannot be evaluated denies, where Cedar skips it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from ..diagnostics.source import Source
from ..runtime.strict_json import JsonProblem, loads
from .cedar_data import read_entities, request_of, store_of
from .cedar_inference import complete
from .cedar_model import CedarError, from_entities
from .cedar_names import KEYWORDS, lower_name
from .cedar_policies import MAX_BYTES, MAX_DEPTH, Policy, cedarpy_or_none, read_policy_file
from .cedar_program import Written, write_program
from .cedar_rules import Refusal
from .cedar_schema import parse_schema, read_schema

__all__ = ["CedarError", "Imported", "Refusal", "import_cedar"]


@frozen
class Imported:
    """What came of an import: the program, the entity store (None where no entities were given), what is refused."""

    text: str
    entities: list[Any] | None
    refusals: tuple[Refusal, ...]
    policies: int
    rules: int
    written: Written

    def request(self, request: Any) -> Any:
        """Return a request of Cedar as one of this program, or raise `CedarError`."""
        return request_of(request, self.written.model, self.written.names, self.written.context)


def import_cedar(
    sources: Sequence[Source],
    *,
    schema: Source | None = None,
    entities: Source | None = None,
    module: str | None = None,
) -> Imported:
    """Translate Cedar policies; raise `CedarError` where something cannot be read at all."""
    if schema is None and entities is None:
        raise CedarError(
            "nothing says which types and attributes there are: Cedar's policies do not",
            "give the schema with `--schema`, or an entities file with `--entities` to take them from",
        )
    policies: list[Policy] = [policy for source in sources for policy in read_policy_file(source)]
    data = None if entities is None else read_entities(read_json(entities), entities.name)
    if schema is not None:
        model = read_schema(_schema_data(schema))
    else:
        model = from_entities(data or [])
        complete(model, policies)
    if not model.performed() or not model.kinds:
        raise CedarError("there is no action or type that policies could be about", "check the schema or the entities")
    given = [source.name for source in (*sources, *(one for one in (schema, entities) if one is not None))]
    name = lower_name(module or _stem(sources))
    written = write_program(model, policies, ", ".join(given), f"{name}_policies" if name in KEYWORDS else name)
    store = None if data is None else store_of(data, [policy.node for policy in policies], model, written.names)
    return Imported(written.text, store, tuple(written.refusals), len(policies), written.rules, written)


def _stem(sources: Sequence[Source]) -> str:
    name = sources[0].name.replace("\\", "/").rpartition("/")[2] if sources else ""
    return name.partition(".")[0] or "imported"


def _schema_data(schema: Source) -> Any:
    """Return a schema in the JSON format; text is read through `cedarpy` where it is there, which knows it best."""
    if schema.text.lstrip("\ufeff \t\r\n").startswith("{"):
        return read_json(schema)
    cedarpy = cedarpy_or_none()
    if cedarpy is not None:
        try:
            cedarpy.Schema.from_str(schema.text)
        except ValueError as error:
            raise CedarError(f"`{schema.name}` is no Cedar schema: {error}") from None
    return parse_schema(schema.text, schema.name)


def read_json(source: Source) -> Any:
    """Read a JSON file strictly."""
    try:
        return loads(source.text.lstrip("\ufeff"), max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except JsonProblem as problem:
        raise CedarError(f"`{source.name}` is not JSON: {problem}") from None
