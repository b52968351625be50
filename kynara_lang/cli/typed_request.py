"""Requests typed by hand: from `--subject User::alice --action read …` to the JSON shape of a request.

Names are those that requests use; where nothing has that name, the one that the policy declares is understood, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import click
from attrs import frozen

from ..checker.symbols import AttributeSymbol, Program
from ..runtime.strict_json import JsonProblem, loads
from ..semantics.types import Entity


class Named(Protocol):
    """Something declared: its name in policies, and its spelling in requests."""

    @property
    def name(self) -> str:
        """The declared name."""

    @property
    def external(self) -> str:
        """The spelling in requests."""


@frozen
class Typed:
    """The options of a request typed by hand, as they stand on the command line.

    What is said of the delegator is about the one that `on_behalf_of` names first.
    """

    subject: str | None = None
    action: str | None = None
    resource: str | None = None
    arguments: Sequence[str] = ()
    context: Sequence[str] = ()
    on_behalf_of: Sequence[str] = ()
    subject_attributes: Sequence[str] = ()
    resource_attributes: Sequence[str] = ()
    roles: Sequence[str] = ()
    delegator_attributes: Sequence[str] = ()
    delegator_roles: Sequence[str] = ()

    @property
    def given(self) -> bool:
        """Whether any of them was given."""
        return self != Typed()


def request_of(typed: Typed, program: Program) -> dict[str, Any]:
    """Return the request in its JSON shape; raise `click.UsageError` for what cannot be understood."""
    if typed.subject is None or typed.action is None or typed.resource is None:
        parts = {"--subject": typed.subject, "--action": typed.action, "--resource": typed.resource}
        missing = " and ".join(option for option, value in parts.items() if value is None)
        raise click.UsageError(f"A request needs --subject, --action and --resource; {missing} is missing.")
    subject, attributes = _entity(program, typed.subject, "--subject")
    _add(subject, "properties", _pairs(program, typed.subject_attributes, "--subject-attr", attributes))
    _add(subject, "roles", [spelled(role, program.roles.values()) for role in typed.roles])
    link = subject
    for number, principal in enumerate(typed.on_behalf_of):
        link["on_behalf_of"], attributes = _entity(program, principal, "--on-behalf-of")
        link = link["on_behalf_of"]
        if number == 0:
            _add(link, "properties", _pairs(program, typed.delegator_attributes, "--delegator-attr", attributes))
            _add(link, "roles", [spelled(role, program.roles.values()) for role in typed.delegator_roles])
    if (typed.delegator_attributes or typed.delegator_roles) and not typed.on_behalf_of:
        raise click.UsageError("--delegator-attr and --delegator-role are about whom --on-behalf-of names.")
    name = spelled(typed.action, program.actions.values())
    known = program.actions_by_external.get(name)
    action: dict[str, Any] = {"name": name}
    _add(action, "properties", _pairs(program, typed.arguments, "--arg", known.parameters.values() if known else ()))
    resource, attributes = _entity(program, typed.resource, "--resource")
    _add(resource, "properties", _pairs(program, typed.resource_attributes, "--resource-attr", attributes))
    request = {"subject": subject, "action": action, "resource": resource}
    _add(request, "context", _pairs(program, typed.context, "--context", program.context.values()))
    return request


def typed_entity(
    program: Program, text: str, option: str, attributes: Sequence[str] = (), roles: Sequence[str] = ()
) -> dict[str, Any]:
    """Return an entity typed by hand, with properties (`NAME=VALUE`) and roles; raise `click.UsageError`."""
    found, declared = _entity(program, text, option)
    _add(found, "properties", _pairs(program, attributes, "--attr", declared))
    _add(found, "roles", [spelled(role, program.roles.values()) for role in roles])
    return found


def at_time(request: Mapping[str, Any], now: str, program: Program) -> dict[str, Any]:
    """Return the request as if it was made at a time."""
    context = request.get("context", {})
    if not isinstance(context, Mapping):  # the request is malformed, and will be denied as such
        return dict(request)
    return {**request, "context": {**context, spelled("now", program.context.values()): now}}


def spelled(name: str, declared: Iterable[Named]) -> str:
    """Return how requests spell a name: as it is if that means something, else as what is declared under it."""
    declared = list(declared)
    if any(symbol.external == name for symbol in declared):
        return name
    meant = [symbol.external for symbol in declared if symbol.name == name]
    return meant[0] if len(meant) == 1 else name


def _entity(program: Program, text: str, option: str) -> tuple[dict[str, Any], Iterable[AttributeSymbol]]:
    """Read `TYPE::ID`, or `TYPE::"ID"` as policies write it, and return the attributes of the type, too.

    A type in requests may have `::` itself: of several ways to read the text, the longest known type is meant.
    """
    splits = [at for at in range(len(text)) if text.startswith("::", at) and 0 < at < len(text) - 2]
    if not splits:
        raise click.BadParameter(f"{text!r} is not TYPE::ID, such as User::alice.", param_hint=option)
    types = [(spelled(text[:at], program.types.values()), text[at + 2 :]) for at in splits]
    known = [(type, id) for type, id in types if type in program.by_external]
    type, identity = known[-1] if known else types[0]
    if len(identity) > 2 and identity[0] == identity[-1] == '"':
        value = _value(identity)
        identity = value if isinstance(value, str) else identity
    declared = program.by_external.get(type)
    return {"type": type, "id": identity}, declared.attributes.values() if declared else ()


def _pairs(
    program: Program, texts: Sequence[str], option: str, declared: Iterable[AttributeSymbol]
) -> dict[str, Any]:
    """Read `NAME=VALUE` several times; the value of what is an entity may be TYPE::ID."""
    declared = list(declared)
    entities = {symbol.external for symbol in declared if isinstance(symbol.type, Entity)}
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint=option)
        name = spelled(name, declared)
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice.", param_hint=option)
        found[name] = _value(value)
        if name in entities and isinstance(found[name], str) and "::" in value:
            found[name], _ = _entity(program, value, option)
    return found


def _value(text: str) -> Any:
    """Read a value: JSON if it is that, else the text itself."""
    try:
        return loads(text)
    except JsonProblem:
        return text


def _add(target: dict[str, Any], name: str, value: Any) -> None:
    """Add a member unless it is empty."""
    if value:
        target[name] = value
