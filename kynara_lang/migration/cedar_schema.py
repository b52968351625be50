"""Reads Cedar schemas: the text that people write, into the JSON format, and the JSON format into a model.

What a schema says of types and actions is taken; annotations are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from . import cedar_model as model
from .cedar_model import Action, CedarError, CedarType, EntityTypes, Field, Model, RecordType, SetType, Uid
from .cedar_syntax import Reader, SyntaxProblem, tokens, unescaped

_PRIMITIVES: Final[Mapping[str, CedarType]] = {
    "Bool": model.BOOL,
    "Boolean": model.BOOL,
    "Long": model.LONG,
    "String": model.STRING,
    "ipaddr": model.IP,
    "decimal": model.DECIMAL,
    "datetime": model.DATETIME,
    "duration": model.DURATION,
}
_FORMAT: Final = "see Cedar's schema format; `cedar validate` checks a schema"
_MOST_NESTED: Final = 32


class SchemaReader(Reader):
    """Reads the text of a schema."""

    def schema(self) -> dict[str, Any]:
        """Return the schema in the JSON format."""
        found: dict[str, Any] = {}
        while self.word.kind != "end":
            self.annotations()
            if self.may("namespace"):
                name = self.path()
                self.need("{")
                while not self.may("}"):
                    self.declaration(found, name)
            else:
                self.declaration(found, "")
        return found

    def annotations(self) -> None:
        """Go over annotations."""
        while self.may("@"):
            self.a("word")
            if self.may("("):
                self.a("string")
                self.need(")")

    def declaration(self, into: dict[str, Any], namespace: str) -> None:
        """Read a declaration into its namespace."""
        place = into.setdefault(namespace, {"entityTypes": {}, "actions": {}, "commonTypes": {}})
        self.annotations()
        if self.may("entity"):
            names, kind = self.entity()
            place["entityTypes"].update(dict.fromkeys(names, kind))
        elif self.may("action"):
            names, action = self.action()
            place["actions"].update(dict.fromkeys(names, action))
        else:
            self.need("type")
            name = self.a("word").text
            self.need("=")
            place["commonTypes"][name] = self.type()
        self.need(";")

    def entity(self) -> tuple[list[str], dict[str, Any]]:
        """Read entity types."""
        names = [self.a("word").text]
        while self.may(","):
            names.append(self.a("word").text)
        kind: dict[str, Any] = {}
        if self.may("enum"):
            self.need("[")
            kind["enum"] = self.listed(lambda: unescaped(self.a("string").text), "]")
            return names, kind
        if self.may("in"):
            kind["memberOfTypes"] = self.one_or_list(self.path)
        if self.may("=") or self.sees("{"):
            kind["shape"] = self.type()
        if self.may("tags"):
            kind["tags"] = self.type()
        return names, kind

    def action(self) -> tuple[list[str], dict[str, Any]]:
        """Read actions."""
        names = [self.name()]
        while self.may(","):
            names.append(self.name())
        action: dict[str, Any] = {}
        if self.may("in"):
            action["memberOf"] = self.one_or_list(self.action_reference)
        if self.may("appliesTo"):
            self.need("{")
            applies = action["appliesTo"] = {}
            for key, value in self.listed(self.applies, "}"):
                applies[key] = value
        if self.may("attributes"):
            self.type()
        return names, action

    def applies(self) -> tuple[str, Any]:
        """Read one line of what an action applies to."""
        key = self.a("word").text
        self.need(":")
        if key == "context":
            return key, self.type()
        return {"principal": "principalTypes", "resource": "resourceTypes"}.get(key, key), self.one_or_list(self.path)

    def action_reference(self) -> dict[str, str]:
        """Read the name of an action: a plain one, or one with its type."""
        if self.word.kind == "string":
            return {"id": unescaped(self.take().text)}
        name = self.path()
        if self.may("::"):
            return {"type": name, "id": unescaped(self.a("string").text)}
        return {"id": name}

    def name(self) -> str:
        """Read a name that may be quoted."""
        word = self.take()
        if word.kind not in ("word", "string"):
            raise SyntaxProblem(f"a name expected, not `{word.text}`")
        return unescaped(word.text) if word.kind == "string" else word.text

    def one_or_list(self, one: Any) -> list[Any]:
        """Read one, or several in brackets."""
        return self.listed(one, "]") if self.may("[") else [one()]

    def type(self) -> dict[str, Any]:
        """Read a type."""
        if self.may("{"):
            return {"type": "Record", "attributes": dict(self.listed(self.attribute, "}"))}
        name = self.path()
        if name == "Set" and self.may("<"):
            element = self.type()
            self.need(">")
            return {"type": "Set", "element": element}
        return {"type": "EntityOrCommon", "name": name}

    def attribute(self) -> tuple[str, dict[str, Any]]:
        """Read an attribute of a record."""
        self.annotations()
        name = self.name()
        required = not self.may("?")
        self.need(":")
        return name, {**self.type(), "required": required}


@frozen
class _Schema:
    """A schema in the JSON format, and all of its names."""

    data: Mapping[str, Any]
    common: Mapping[str, tuple[str, Any]]
    entities: frozenset[str]

    def resolved(self, name: str, namespace: str) -> str | None:
        """Return the full name of an entity type that is named in a namespace; None if there is none."""
        for full in dict.fromkeys((_full(namespace, name), name)):
            if full in self.entities:
                return full
        return None

    def entity(self, name: str, namespace: str) -> str:
        """Return the full name of an entity type that must be there."""
        found = self.resolved(name, namespace)
        if found is None:
            raise CedarError(f"the schema has no entity type `{name}`", _FORMAT)
        return found

    def type(self, node: Any, namespace: str, depth: int = 0) -> CedarType:
        """Read a type."""
        if depth > _MOST_NESTED:
            raise CedarError(f"types of the schema are nested deeper than {_MOST_NESTED}, or go round in a circle")
        match node:
            case {"type": "Record"}:
                return RecordType(self.fields(node, namespace, depth))
            case {"type": "Set", "element": element}:
                return SetType(self.type(element, namespace, depth + 1))
            case {"type": "Entity", "name": str(name)}:
                return EntityTypes(frozenset((self.entity(name, namespace),)))
            case {"type": "Extension", "name": str(name)} if name in _PRIMITIVES:
                return _PRIMITIVES[name]
            case {"type": "EntityOrCommon", "name": str(name)} | {"type": str(name)}:
                return self.named(name, namespace, depth)
        raise CedarError(f"the schema has a type that cannot be read: {_shown(node)}", _FORMAT)

    def named(self, name: str, namespace: str, depth: int) -> CedarType:
        """Return the type of a name: a common type, an entity type, or one that the language has."""
        for full in dict.fromkeys((_full(namespace, name), name)):
            if full in self.common:
                home, node = self.common[full]
                return self.type(node, home, depth + 1)
            if full in self.entities:
                return EntityTypes(frozenset((full,)))
        primitive = _PRIMITIVES.get(name.removeprefix("__cedar::"))
        if primitive is None:
            raise CedarError(f"the schema has no type `{name}`", _FORMAT)
        return primitive

    def fields(self, node: Any, namespace: str, depth: int = 0) -> dict[str, Field]:
        """Read the attributes of a record."""
        node = _object(node, "shape")
        kind = self.type(node, namespace, depth + 1) if node.get("type") != "Record" else None
        if kind is not None:
            if not isinstance(kind, RecordType):
                raise CedarError(f"the schema has a {kind} where a record must be", _FORMAT)
            return dict(kind.fields)
        attributes = _object(node.get("attributes", {}), "attributes")
        return {
            name: Field(self.type(one, namespace, depth + 1), _object(one, name).get("required", True) is not False)
            for name, one in attributes.items()
        }


def _full(namespace: str, name: str) -> str:
    return f"{namespace}::{name}" if namespace else name


def _shown(node: Any) -> str:
    return repr(node)[:60]


def _object(node: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(node, Mapping):
        raise CedarError(f"the schema's `{what}` is no object", _FORMAT)
    return node


def _list(node: Any, what: str) -> list[Any]:
    if node is not None and not isinstance(node, list):
        raise CedarError(f"the schema's `{what}` is no list", _FORMAT)
    return node or []


def _texts(node: Any, what: str) -> list[str]:
    if not isinstance(node, list) or not all(isinstance(item, str) for item in node):
        raise CedarError(f"the schema's `{what}` is no list of names", _FORMAT)
    return node


def parse_schema(text: str, name: str) -> dict[str, Any]:
    """Return the text of a schema in the JSON format, or raise `CedarError`."""
    try:
        return SchemaReader(tokens(text)).schema()
    except SyntaxProblem as problem:
        raise CedarError(f"`{name}` is no Cedar schema: {problem}", _FORMAT) from None
    except RecursionError:
        raise CedarError(f"`{name}` is nested too deeply") from None


def read_schema(data: Any) -> Model:
    """Return what a schema in the JSON format declares, or raise `CedarError`."""
    namespaces = {name: _object(inner, name or "schema") for name, inner in _object(data, "schema").items()}
    common: dict[str, tuple[str, Any]] = {}
    entities: set[str] = set()
    for namespace, inner in namespaces.items():
        for name, node in _object(inner.get("commonTypes", {}), "commonTypes").items():
            common[_full(namespace, name)] = (namespace, node)
        entities.update(_full(namespace, name) for name in _object(inner.get("entityTypes", {}), "entityTypes"))
    schema = _Schema(namespaces, common, frozenset(entities))
    found = Model()
    for namespace, inner in namespaces.items():
        for name, node in _object(inner.get("entityTypes", {}), "entityTypes").items():
            kind = found.kind(_full(namespace, name))
            parents = _texts(_object(node, name).get("memberOfTypes", []), "memberOfTypes")
            kind.parents.update(schema.entity(parent, namespace) for parent in parents)
            kind.attributes.update(schema.fields(node.get("shape", {"type": "Record"}), namespace))
        for action in _actions(inner, namespace, schema):
            found.actions[action.uid] = action
    for action in list(found.actions.values()):
        for parent in action.parents:
            found.actions.setdefault(parent, Action(parent))
    return found


def _actions(inner: Mapping[str, Any], namespace: str, schema: _Schema) -> Iterator[Action]:
    """Yield the actions of a namespace."""
    here = _full(namespace, "Action")
    for name, node in _object(inner.get("actions", {}), "actions").items():
        action = Action(Uid(here, name))
        for parent in _list(_object(node, name).get("memberOf"), "memberOf"):
            match parent:
                case {"id": str(group), "type": str(kind)}:
                    # A type without a namespace is the one here, where there is none of that name without one.
                    elsewhere = "::" in kind or group in schema.data.get("", {}).get("actions", {})
                    action.parents.add(Uid(kind if elsewhere else _full(namespace, kind), group))
                case {"id": str(group)}:
                    action.parents.add(Uid(here, group))
                case _:
                    raise CedarError(f"the schema's `memberOf` of the action `{name}` cannot be read", _FORMAT)
        applies = node.get("appliesTo")
        if applies is not None:
            given = _object(applies, "appliesTo")
            principals = _texts(given.get("principalTypes", []), "principalTypes")
            resources = _texts(given.get("resourceTypes", []), "resourceTypes")
            action.principals = frozenset(schema.entity(one, namespace) for one in principals)
            action.resources = frozenset(schema.entity(one, namespace) for one in resources)
            action.context = schema.fields(given.get("context", {"type": "Record"}), namespace)
        yield action
