"""Malformed variants of a request that is well-formed: each is one thing wrong, so each must be denied, and told why.

What is wrong is wrong whatever the rules read: structure, names, types of entities, arguments. A property that no rule reads may
hold anything, so properties are left alone, as is what the store knows better.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from kynara_lang.semantics import types as ty

from .schema import Attr, Schema

JSON = Any
LONGEST = 17
_WRONG: list[JSON] = [None, True, 1, 1.5, "x", [], ["x", 1], {}, {"type": "User"}, {"a": 1}]
_NO_TEXT: list[JSON] = [None, 1, True, [], {}, "\ud800"]
_NO_LIST: list[JSON] = [None, "admin", 1, True, {}]
_NO_OBJECT: list[JSON] = [None, "x", 1, True, [], [["a", 1]]]
_MISSPELT = ("onBehalfOf", "on_behalf_off", "on-behalf-of", "ON_BEHALF_OF", "onbehalfof")


def variants(request: JSON, made: Schema) -> Iterator[tuple[str, JSON]]:
    """Yield everything that is wrong with one change of a well-formed request, and what was changed."""
    for place in _entities(request):
        yield from _of_entity(request, place)
    for name in ("subject", "action", "resource"):
        yield f"no {name}", {k: v for k, v in request.items() if k != name}
    for name in ("subject", "action", "resource", "context"):
        for wrong in _NO_OBJECT:
            yield f"{name} is {wrong!r}", {**request, name: wrong}
    for wrong in [*_NO_TEXT, "", "nothing.such"]:
        yield f"the action is {wrong!r}", _with(request, ("action", "name"), wrong)
    yield "an action without a name", {**request, "action": {k: v for k, v in request["action"].items() if k != "name"}}
    yield "arguments that are a list", _with(request, ("action", "properties"), [])
    for name in _MISSPELT:
        somebody = {"type": request["subject"]["type"], "id": "somebody"}
        yield f"{name} in the subject", _with(request, ("subject", name), somebody)
        yield f"{name} beside the subject", {**request, name: somebody}
    yield from _chains(request)
    yield from _arguments(request, made)


def texts(request: JSON) -> Iterator[tuple[str, str]]:
    """Yield texts that are nearly the JSON of a request, and no JSON that is read."""
    text = json.dumps(request, default=str)
    yield "cut off", text[:-1]
    yield "more behind it", text + "{}"
    yield "a subject twice", '{"subject": {}, ' + text[1:]
    yield "a comma at its end", text[:-1] + ",}"
    yield "a comment", "/**/" + text
    yield "single quotes", text.replace('"', "'")
    yield "NaN in it", text[:-1] + ', "x": NaN}'
    yield "a lone surrogate in it", text[:-1] + ', "x": "\\ud800"}'
    yield "a control character in it", text[:-1] + ', "x": "\t\x01"}'
    yield "a byte order mark", "\ufeff" + text
    yield "too deep", text[:-1] + ', "x": ' + "[" * 70 + "]" * 70 + "}"


def _entities(request: JSON) -> list[tuple[str, ...]]:
    """List the places of the request's own entities."""
    found, at = [("resource",), ("subject",)], request["subject"]
    while "on_behalf_of" in at:
        found.append((*found[-1], "on_behalf_of"))
        at = at["on_behalf_of"]
    return found


def _of_entity(request: JSON, place: tuple[str, ...]) -> Iterator[tuple[str, JSON]]:
    name = ".".join(place)
    for member in ("type", "id"):
        for wrong in _NO_TEXT:
            yield f"{name}.{member} is {wrong!r}", _with(request, (*place, member), wrong)
        found = copy.deepcopy(request)
        del _at(found, place)[member]
        yield f"{name} without {member}", found
    yield f"{name} of no known type", _with(request, (*place, "type"), "Nothing")
    for wrong in _NO_OBJECT:
        yield f"{name}.properties is {wrong!r}", _with(request, (*place, "properties"), wrong)
        if place != ("resource",):
            yield f"{name}.on_behalf_of is {wrong!r}", _with(request, (*place, "on_behalf_of"), wrong)
    for member in ("roles", "parents"):
        for wrong in _NO_LIST:
            yield f"{name}.{member} is {wrong!r}", _with(request, (*place, member), wrong)
        yield f"{name}.{member} holds a number", _with(request, (*place, member), [1])


def _chains(request: JSON) -> Iterator[tuple[str, JSON]]:
    kind = request["subject"]["type"]
    innermost = _entities(request)[-1]
    again = {key: request["subject"][key] for key in ("type", "id")}
    yield "a principal twice", _with(request, (*innermost, "on_behalf_of"), again)
    chain: JSON = None
    for number in range(LONGEST):
        chain = {"type": kind, "id": f"n{number}", **({"on_behalf_of": chain} if chain else {})}
    yield f"a chain of {LONGEST}", {**request, "subject": chain}


def _arguments(request: JSON, made: Schema) -> Iterator[tuple[str, JSON]]:
    action = next(a for a in made.actions.values() if a.external == request["action"]["name"])
    given = request["action"].get("properties", {})
    for parameter in action.params.values():
        place = ("action", "properties", parameter.external)
        if parameter.external in given and not parameter.optional:
            found = copy.deepcopy(request)
            del found["action"]["properties"][parameter.external]
            yield f"no argument {parameter.name}", found
        if given or not parameter.optional:
            for wrong in _WRONG:
                if not _may_be(parameter, wrong):
                    yield f"the argument {parameter.name} ({parameter.type}) is {wrong!r}", _with(request, place, wrong)


def _may_be(parameter: Attr, value: JSON) -> bool:
    """Tell whether a value might be one of a parameter's type: then nothing is wrong, or not for sure."""
    match parameter.type, value:
        case ty.SetOf(element=element), list():
            return all(_may_be(Attr("", "", element), item) for item in value)
        case ty.Record(fields=fields), dict():
            return all(f.optional for f in fields) or "a" in value
        case ty.Entity(), dict():
            return False
    match value:
        case bool():
            return bool(parameter.type == ty.BOOL)
        case int():
            return parameter.type in (ty.INT, ty.DECIMAL)
        case float():
            return bool(parameter.type == ty.DECIMAL)
        case str():
            return parameter.type in (ty.STRING, ty.PATH, ty.HOST)
    return False


def _at(value: JSON, place: tuple[str, ...]) -> JSON:
    for step in place:
        value = value[step]
    return value


def _with(request: JSON, place: tuple[str, ...], value: JSON) -> JSON:
    """Return a request with another value at a place."""
    found = copy.deepcopy(request)
    owner = found
    for step in place[:-1]:
        owner = owner.setdefault(step, {})
    owner[place[-1]] = value
    return found
