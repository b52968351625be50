"""Lists of tools cut down to what somebody could be allowed: tools that are always denied left out, schemas narrowed.

A tool is a mapping in one of the shapes that agents meet: MCP (`inputSchema`), Anthropic (`input_schema`), OpenAI's
Chat Completions (`{"type": "function", "function": {…, "parameters"}}`) and Responses (`parameters`). The parameters
of a tool are taken as the arguments of the action by the same names. What becomes of its schema takes no call that the
tool's own does not take, and leaves out only calls that are denied.

What is shown to a model does not enforce anything: each call is still decided.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from .discovery import Discovered

Tool: TypeAlias = Mapping[str, Any]

_SCHEMAS: Final = ("inputSchema", "input_schema", "parameters")
_BOUNDS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min,
}  # fmt: skip
_NULL: Final = frozenset({"null"})
_NUMBERS: Final = frozenset({"number", "integer"})
_ABOUT: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"), _NUMBERS),
    "pattern": frozenset({"string"}),
}
"""Keywords that a schema of ours has for one of two types, and say nothing where the tool takes only the other."""
_FLAT: Final = frozenset((
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern",
    "format", "minLength", "maxLength", "items", "minItems", "maxItems", "uniqueItems", "properties", "required", "not",
    "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
))  # fmt: skip
"""Keywords that mean the same whatever else stands beside them; others stay in a schema of their own."""
_TOLD: Final = ("description", "format")
_ELSEWHERE: Final = ("#/$defs/", "#/definitions/")
_MOST_STEPS: Final = 16


def narrow_tools(
    tools: Iterable[Tool], discovered: Iterable[Discovered], actions: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return copies of the tools that could be allowed, each with a schema and a description of what remains of it.

    `actions` gives the action of a tool by its name, where that is not the name itself. A tool without an action that
    was discovered is left out. A tool with `strict` set is narrowed by `enum` alone, because model providers take few
    other keywords there; the rest stands in its description. Raises `ValueError` for what is no tool in a known shape.
    """
    known = {one.action: one for one in discovered}
    named = actions or {}
    found = []
    for at, tool in enumerate(tools):
        name = tool_name(tool, at)
        one = known.get(named.get(name, name))
        if one is not None:
            found.append(_narrowed_tool(tool, one))
    return found


def tool_name(tool: object, at: int = 0) -> str:
    """Return the name of a tool; one that has none, as some that a provider runs itself, goes by its type."""
    if not isinstance(tool, Mapping):
        raise ValueError(
            f"tool {at} of the list is a {type(tool).__name__}, not a mapping; "
            "pass an object of the mcp package as `tool.model_dump(by_alias=True, exclude_none=True)`"
        )
    inner = tool.get("function")
    holder = inner if isinstance(inner, Mapping) else tool
    for word in ("name", "type"):
        if isinstance(name := holder.get(word), str):
            return name
    raise ValueError(f"tool {at} of the list has no `name`")


def _narrowed_tool(tool: Tool, one: Discovered) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(tool))
    holder = made["function"] if isinstance(made.get("function"), dict) else made
    key = next((word for word in _SCHEMAS if isinstance(holder.get(word), Mapping)), None)
    if key is None:  # run by a provider, or without parameters: there is nothing to narrow
        return made
    holder[key] = narrow_schema(holder[key], one, strict=holder.get("strict") is True)
    if one.note:
        holder["description"] = f"{holder.get('description') or ''}\n\n{one.note}".strip()
    return made


def narrow_schema(own: Mapping[str, Any], one: Discovered, *, strict: bool = False) -> dict[str, Any]:
    """Return the schema of a tool's parameters, narrowed by what was discovered of its action.

    One whose parts refer to each other by their place stays as it is: what narrows one would narrow the other.
    """
    made: dict[str, Any] = copy.deepcopy(dict(own))
    properties = made.get("properties")
    if not isinstance(properties, dict) or _refers_to_places(made):
        return made
    for argument in one.arguments:
        if argument.name in properties:
            before = properties[argument.name]
            after = _only_listed(before, argument.schema) if strict else _narrowed(before, argument.schema, made)
            properties[argument.name] = after
    listed = made.get("required", [])
    if not strict and isinstance(listed, list):
        made["required"] = [*listed, *_missing(properties, listed, (a.name for a in one.arguments if a.required))]
    if not made.get("required", True):
        del made["required"]
    return made


def _missing(properties: Mapping[str, Any], listed: list[Any], required: Iterable[str]) -> list[str]:
    """Return what nobody but the caller gives, among what is required: a default would be filled in."""
    found = [name for name in required if name in properties and name not in listed]
    return [n for n in found if not (isinstance(properties[n], Mapping) and "default" in properties[n])]


def _refers_to_places(schema: Any) -> bool:
    """Whether a schema refers to a part of itself that is no definition, or to what cannot be looked up here."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            target = one.get("$ref", _ELSEWHERE[0])
            if not isinstance(target, str) or not target.startswith(_ELSEWHERE) or "$dynamicRef" in one:
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


# --- one schema narrowed by another


def _narrowed(own: Any, ours: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Return a schema of what both take; null stays where it stands for nothing being given.

    Where the types have nothing in common, something between the tool and the policy converts the value, and the tool's
    own schema stays as it is.
    """
    if not isinstance(own, Mapping):
        return own if own is False else _untold(ours)
    types, wanted = _types(own, root), _types(ours, {}) or frozenset()
    if types is not None and not types & wanted:
        return own
    branches = own.get("anyOf")
    if isinstance(branches, list) and own.keys() <= {*_FLAT, "anyOf"}:
        return {**own, "anyOf": [b if _types(b, root) == _NULL else _narrowed(b, ours, root) for b in branches]}
    nullable = {"anyOf": [_untold(ours), {"type": "null"}]}
    if not own.keys() <= _FLAT and not (own.keys() <= {*_FLAT, "additionalProperties"} and "properties" in own):
        return {"allOf": [own, nullable if types is None or "null" in types else _untold(ours)]}
    if types is not None and "null" in types:
        return {**own, **nullable}
    return _merged(own, ours, root, wanted if types is None else types & wanted)


def _merged(own: Mapping[str, Any], ours: Mapping[str, Any], root: Mapping[str, Any], types: frozenset[str]) -> Any:
    """Return one flat schema of two, for values of some types; what finds no place in it goes into `allOf`."""
    made: dict[str, Any] = dict(own)
    apart: list[Any] = []
    for word, value in _untold(ours).items():
        mine = own.get(word)
        if word == "type":
            made["type"] = _named(mine if isinstance(mine, str | list) else value, types)
        elif not types & _ABOUT.get(word, types):
            continue
        elif word == "allOf":
            apart += [one for one in value if types & _ABOUT.get(next(iter(one)), types)]
        elif word == "required":
            made["required"] = _required(own, value)
        elif word not in own or mine == value:
            made[word] = value
        elif word in _BOUNDS and isinstance(mine, int | float):
            made[word] = _BOUNDS[word](mine, value)
        elif word == "enum" and isinstance(mine, list):
            made |= _listed(mine, value)
        elif word == "items" and isinstance(mine, bool | Mapping):
            made["items"] = _narrowed(mine, value, root)
        elif word == "properties" and isinstance(mine, Mapping):
            both = {name: _narrowed(mine[name], value[name], root) for name in value if name in mine}
            made["properties"] = {**mine, **both}
        else:
            apart.append({word: value})
    return {**made, "allOf": apart} if apart else made


def _required(own: Mapping[str, Any], value: list[str]) -> Any:
    """Return what a record must have: beside what its own schema says, what nothing else gives."""
    mine, properties = own.get("required", []), own.get("properties")
    if not isinstance(mine, list):
        return mine
    return [*mine, *(_missing(properties, mine, value) if isinstance(properties, Mapping) else value)]


def _only_listed(own: Any, ours: Mapping[str, Any]) -> Any:
    """Return a schema with a list of values in common with another; anything else stays as it is."""
    if not isinstance(own, Mapping) or "enum" not in ours or own.get("type") != "string":
        return own
    values = own.get("enum", ours["enum"])
    kept = [value for value in values if value in ours["enum"]] if isinstance(values, list) else []
    return {**own, "enum": kept} if kept else own


def _listed(mine: list[Any], value: list[Any]) -> dict[str, Any]:
    kept = [one for one in mine if one in value]
    return {"enum": kept} if kept else {"not": {}}


def _untold(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without what is no test."""
    return {word: value for word, value in schema.items() if word not in _TOLD}


# --- types


def _types(schema: Any, root: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the types that a schema takes, with `integer` beside `number`; None where it does not say."""
    for _ in range(_MOST_STEPS):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            break
        schema = _referred(schema["$ref"], root)
    if not isinstance(schema, Mapping):
        return None
    named = schema.get("type")
    if isinstance(named, str | list):
        names = [named] if isinstance(named, str) else [name for name in named if isinstance(name, str)]
        return frozenset(names) | ({"integer"} if "number" in names else frozenset())
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            found = [_types(one, root) for one in schema[word]]
            known = [one for one in found if one is not None]
            return frozenset[str]().union(*known) if len(known) == len(found) else None
    return None


def _referred(target: Any, root: Mapping[str, Any]) -> Any:
    """Return the definition that a reference names."""
    found: Any = root
    for step in str(target).split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _named(own: str | list[Any], types: frozenset[str]) -> str | list[str]:
    """Return what of a `type` is left, as it was written; of numbers, integers may be."""
    names = [own] if isinstance(own, str) else own
    left = [n if n in types else "integer" for n in names if n in types or (n == "number" and "integer" in types)]
    return left[0] if len(left) == 1 else list(dict.fromkeys(left))
