"""Translates data of Cedar: an entities file into an entity store, and requests into requests.

Values are written as their declared types say. Entities that are mentioned and not in the file get entries without
anything, because to Cedar an entity that it does not know is one that is in nothing and has no attributes; to Kynara it
would be an error to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from . import cedar_model as cedar
from .cedar_inference import parts
from .cedar_literals import Unfit, address_literal, duration_text, time_text
from .cedar_model import CedarError, CedarType, EntityTypes, Model, RecordType, SetType, Uid
from .cedar_names import Names
from .cedar_syntax import SyntaxProblem, read_uid

Json = Any
_FORMAT: Final = 'an entity is {"uid": {"type": "User", "id": "alice"}, "attrs": {…}, "parents": […]}'


def read_entities(data: Json, name: str) -> list[dict[str, Json]]:
    """Return the entities of a file with all of their members, or raise `CedarError`."""
    if not isinstance(data, list):
        raise CedarError(f"`{name}` is no list of entities", _FORMAT)
    found: list[dict[str, Json]] = []
    seen: dict[Uid, int] = {}
    for i, entity in enumerate(data):
        match entity:
            case {"uid": uid}:
                attrs, parents = entity.get("attrs", {}), entity.get("parents", [])
                if not isinstance(attrs, dict) or not isinstance(parents, list):
                    raise CedarError(f"`{name}`: entity {i + 1} is malformed", _FORMAT)
                for one in (uid, *parents):
                    _uid(one, name, i)
                first = seen.setdefault(cedar.uid_of(uid), i)
                if first != i:
                    raise CedarError(f"`{name}`: entity {i + 1} is entity {first + 1} again", "keep one of them")
                found.append({"uid": uid, "attrs": attrs, "parents": parents})
            case _:
                raise CedarError(f"`{name}`: entity {i + 1} has no `uid`", _FORMAT)
    return found


def _uid(value: Json, name: str, i: int) -> None:
    try:
        cedar.uid_of(value)
    except CedarError as error:
        raise CedarError(f"`{name}`: entity {i + 1}: {error}", _FORMAT) from None


def store_of(
    entities: Sequence[Mapping[str, Json]], policies: Sequence[Json], model: Model, names: Names
) -> list[Json]:
    """Return the entity store; entities that policies or other entities mention are there, too."""
    found: dict[Uid, Json] = {}
    mentioned: list[Uid] = [Uid(n["type"], n["id"]) for policy in policies for n in parts(policy) if _names_one(n)]
    for entity in entities:
        uid = cedar.uid_of(entity["uid"])
        if uid.type not in model.kinds:
            continue
        properties = {}
        for name, field in model.kinds[uid.type].attributes.items():
            if name in entity["attrs"]:
                value = entity["attrs"][name]
                properties[name] = translated(value, field.type, f"{name} of {uid}")
                mentioned += _references(properties[name])
        above = [cedar.uid_of(parent) for parent in entity["parents"]]
        mentioned += above
        found[uid] = _entry(uid, properties, [one for one in above if one.type in model.kinds])
    for uid in mentioned:
        if uid.type in model.kinds and uid not in found:
            found[uid] = _entry(uid, {}, [])
    return list(found.values())


def _names_one(node: Json) -> bool:
    match node:
        case {"type": str(kind), "id": str()}:
            return not cedar.is_action(kind)
    return False


def _entry(uid: Uid, properties: Mapping[str, Json], parents: Sequence[Uid]) -> Json:
    return {
        "type": uid.type,
        "id": uid.id,
        "properties": properties,
        "roles": [],
        "parents": [{"type": one.type, "id": one.id} for one in sorted(set(parents))],
    }


def _references(value: Json) -> Iterator[Uid]:
    return (Uid(n["type"], n["id"]) for n in parts(value) if _names_one(n) and len(n) == 2)


def translated(value: Json, kind: CedarType, where: str) -> Json:
    """Return a value of Cedar's data as Kynara reads it; raise `CedarError` where it does not fit its type."""
    match kind, value:
        case SetType(element=element), list() if element is not None or not value:
            return [translated(item, element, where) for item in value] if element is not None else []
        case RecordType(fields=fields), dict():
            return {n: translated(value[n], one.type, f"{n} of {where}") for n, one in fields.items() if n in value}
        case EntityTypes(), dict():
            uid = cedar.uid_of(value)
            return {"type": uid.type, "id": uid.id}
        case (cedar.BOOL, bool()) | (cedar.STRING, str()):
            return value
        case cedar.LONG, int() if not isinstance(value, bool):
            return value
    text = _extension(value)
    if text is None or kind not in (cedar.IP, cedar.DECIMAL, cedar.DATETIME, cedar.DURATION):
        raise CedarError(f"{where} is not of type {kind}", "correct the data, or the schema")
    try:
        match kind:
            case cedar.DATETIME:
                return time_text(text)
            case cedar.DURATION:
                return duration_text(text)
            case cedar.IP:
                address_literal(text)
        return text
    except Unfit as unfit:
        raise CedarError(f"{where}: `{text}`: {unfit}", unfit.instead) from None


def _extension(value: Json) -> str | None:
    """Return the text of a value of an extension type, which a schema lets people write as plain text."""
    match value:
        case str():
            return value
        case {"__extn": {"arg": str(text)}} | {"fn": str(), "arg": str(text)}:
            return text
    return None


def request_of(request: Json, model: Model, names: Names, context: Mapping[str, cedar.Field]) -> Json:
    """Return a request of Cedar as one of Kynara, or raise `CedarError`."""
    if not isinstance(request, Mapping) or not {"principal", "action", "resource"} <= request.keys():
        raise CedarError("a request has `principal`, `action` and `resource`")
    principal, action, resource = (_named(request[name]) for name in ("principal", "action", "resource"))
    given = request.get("context") or {}
    if not isinstance(given, Mapping):
        raise CedarError("`context` of a request is an object")
    values = {n: translated(given[n], one.type, f"context.{n}") for n, one in context.items() if n in given}
    return {
        "subject": {"type": principal.type, "id": principal.id},
        "action": {"name": names.spellings.get(action, str(action))},
        "resource": {"type": resource.type, "id": resource.id},
        "context": values,
    }


def _named(value: Json) -> Uid:
    """Read who or what a request names: text such as `User::"alice"`, or an object."""
    if isinstance(value, str):
        try:
            value = read_uid(value)
        except (SyntaxProblem, IndexError):
            raise CedarError(f'`{value}` names no entity; write `User::"alice"`') from None
    return cedar.uid_of(value)
