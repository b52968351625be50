"""What is known of arguments, as JSON Schema.

A schema takes everything that a request with a JSON body can carry for a value of the type, and leaves out only what no
request that is allowed carries. It uses keywords that mean the same in the drafts from 2019-09 on and in draft 7, no
references, and no `anyOf`, `allOf` or `not` at the top, which model providers refuse there.

Decimals can be JSON numbers and texts. A bound stands in a schema for both: `maximum` for numbers, which says nothing
of texts, and `pattern` for texts, which says nothing of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, TypeAlias

from ..checker.symbols import AttributeSymbol, Program
from ..semantics import types
from ..semantics.numbers import SCALE, format_decimal
from ..semantics.types import Enum, Record, SetOf, Type
from . import schemas_patterns as patterns
from .constraints import ANY, NEVER, OPEN, Box, Domain, Limit

Schema: TypeAlias = dict[str, Any]

_TEXTS: Final[Mapping[Type, Schema]] = {
    types.TIME: {"type": "string", "format": "date-time"},
    types.DURATION: {"type": "string", "pattern": patterns.DURATION},
}


def nothing() -> Schema:
    """Return the schema of no value at all."""
    return {"not": {}}


def arguments_schema(
    parameters: Mapping[str, AttributeSymbol], box: Box, program: Program, told: Mapping[str, str] | None = None
) -> Schema:
    """Return the schema of the arguments of an action, an object; `told` is what to say of each to people."""
    told = told or {}
    properties: Schema = {}
    for name, symbol in parameters.items():
        schema = value_schema(symbol.type, box.of(name), program)
        said = " ".join(text for text in (symbol.doc, told.get(name)) if text)
        properties[symbol.external] = {"description": said, **schema} if said else schema
    required = [s.external for name, s in parameters.items() if not s.optional or name in box.required]
    made: Schema = {"type": "object", "properties": properties}
    return {**made, "required": required} if required else made


def value_schema(kind: Type, domain: Domain, program: Program) -> Schema:
    """Return the schema of the values of a type that are in a domain."""
    if domain == NEVER:
        return nothing()
    found = [_limited(kind, limit, program) for limit in domain]
    if len(found) == 1:
        return found[0]
    first, *others = found
    shared = {k: v for k, v in first.items() if k != "anyOf" and all(one.get(k) == v for one in others)}
    choices = [{key: value for key, value in one.items() if key not in shared} for one in found]
    return {**shared, "anyOf": choices} if all(choices) else shared


def _limited(kind: Type, limit: Limit, program: Program) -> Schema:
    """Return the schema of the values of a type that are within one limit."""
    schema = _of_type(kind, limit, program)
    more: list[Schema] = []
    if limit.values is not None and not isinstance(kind, types.Entity):
        schema["enum"] = sorted(limit.values)
    if limit.excluded:
        more.append({"not": {"enum": sorted(limit.excluded)}})
    if kind == types.DECIMAL:
        _add_decimal(schema, limit)
    elif kind == types.INT:
        schema |= {word: n for word, n in (("minimum", limit.low), ("maximum", limit.high)) if n is not None}
    if limit.shortest is not None and limit.shortest > 0:
        schema["minItems" if isinstance(kind, SetOf) else "minLength"] = limit.shortest
    if limit.longest is not None:
        schema["maxItems" if isinstance(kind, SetOf) else "maxLength"] = limit.longest
    more += [{"pattern": pattern} for pattern in limit.patterns]
    more += [{"not": {"pattern": pattern}} for pattern in limit.unmatched]
    if isinstance(kind, SetOf):
        more += [{"contains": value_schema(kind.element, one, program)} for one in limit.some]
    return _with_all(schema, more)


def _with_all(schema: Schema, more: list[Schema]) -> Schema:
    """Return a schema with what else must hold; what has no place beside it goes into `allOf`."""
    apart = []
    for one in more:
        if one.keys() & schema.keys():
            apart.append(one)
        else:
            schema |= one
    return {**schema, "allOf": [*schema.get("allOf", []), *apart]} if apart else schema


def _of_type(kind: Type, limit: Limit, program: Program) -> Schema:
    """Return the schema of the values of a type, whose parts are limited."""
    match kind:
        case Enum(values=values):
            return {"type": "string", "enum": list(values)}
        case SetOf(element=element):
            items = value_schema(element, ANY if limit.each is None else limit.each, program)
            return {"type": "array", "items": items}
        case Record():
            return _record(kind, limit.inner or OPEN, program)
        case types.Entity():
            return _entity(kind, limit, program)
        case types.BOOL:
            return {"type": "boolean"}
        case types.INT:
            return {"type": "integer"}
        case types.DECIMAL:
            return {"type": ["number", "string"]}
    return dict(_TEXTS.get(kind, {"type": "string"}))


def _record(kind: Record, box: Box, program: Program) -> Schema:
    named = {f.name: f.external or f.name for f in kind.fields}
    properties = {named[f.name]: value_schema(f.type, box.of(f.name), program) for f in kind.fields}
    required = [named[f.name] for f in kind.fields if not f.optional or f.name in box.required]
    return {"type": "object", "properties": properties, "required": required}


def _entity(kind: types.Entity, limit: Limit, program: Program) -> Schema:
    """Return the schema of references to entities, which can carry more than their type and identifier."""
    if limit.values is not None:
        choices: list[Schema] = []
        for key in sorted(limit.values):
            name, _, identity = key.partition("::")
            choices.append({"type": {"enum": [program.types[name].external]}, "id": {"enum": [identity]}})
    else:
        external = sorted(program.types[name].external for name in kind.names)
        choices = [{"type": {"type": "string", "enum": external}, "id": {"type": "string"}}]
    found: list[Schema] = [{"type": "object", "properties": one, "required": ["type", "id"]} for one in choices]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _add_decimal(schema: Schema, limit: Limit) -> None:
    """Add the bounds of a Decimal, for numbers and for texts."""
    texts = []
    if limit.low is not None:
        schema |= _bound("minimum", limit.low, limit.low - 1)
        texts.append(patterns.at_least(limit.low))
    if limit.high is not None:
        schema |= _bound("maximum", limit.high, limit.high + 1)
        texts.append(patterns.at_most(limit.high))
    first, *others = texts or [patterns.DECIMAL]
    schema["pattern"] = first
    if others:
        schema["allOf"] = [{"pattern": pattern} for pattern in others]


def _bound(word: str, units: int, beyond: int) -> Schema:
    """Return a bound in the way that is written with fewer digits: `more than 0` says `at least 0.0001`."""
    down = word == "minimum"
    if len(format_decimal(beyond)) < len(format_decimal(units)):
        return {f"exclusive{word.capitalize()}": _number(beyond, down=down)}
    return {word: _number(units, down=down)}


def _number(units: int, *, down: bool) -> int | float:
    """Return a Decimal as a number of JSON; one that binary cannot hold is rounded so that nothing is left out."""
    if units % SCALE == 0:
        return units // SCALE
    exact, near = Fraction(units, SCALE), units / SCALE
    if (near > exact) if down else (near < exact):
        return math.nextafter(near, -math.inf if down else math.inf)
    return near
