"""Binds the arguments that a tool is really called with to the action and the resource of a request.

Every parameter is put before the policy: those that `args` does not mention under their own names. What an approval
is bound to is therefore the whole call, and nothing can be smuggled past an approver in a parameter that nobody
thought of.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from attrs import define, frozen

from ..runtime.convert import shown
from ..runtime.problems import meant, step
from ..semantics.problems import quoted
from . import templates
from .contexts import entity
from .templates import Arguments, Fill, Shape
from .values import Unusable, as_json, read

_RECEIVERS: Final = ("self", "cls")
_HIDDEN: Final = "the parameter of that name; call the argument something else, or put `{{{0}}}` in it"


@frozen
class Bound:
    """A call of a tool: what the policy reads of its arguments, and the arguments that the function gets."""

    values: Arguments
    positional: tuple[Any, ...]
    named: Mapping[str, Any]


@define(eq=False)
class Binding:
    """How the calls of one tool become requests."""

    signature: inspect.Signature
    receiver: str | None
    apart: frozenset[str]
    resource: Callable[[Arguments], Any]
    arguments: Callable[[Arguments], dict[str, Any]]

    def taken(self, positional: tuple[Any, ...], named: Mapping[str, Any]) -> inspect.BoundArguments:
        """Return the arguments by parameter, defaults included; raise `TypeError` as the function itself would."""
        call = self.signature.bind(*positional, **named)
        call.apply_defaults()
        return call

    def read(self, call: inspect.BoundArguments) -> Bound:
        """Read the arguments; raise `Unusable` for one that has no exact JSON form."""
        if self.receiver is not None:
            _an_object(self.receiver, call.arguments[self.receiver])
        written: dict[str, Any] = {}
        kept = dict(call.arguments)
        for name, value in call.arguments.items():
            if name not in self.apart:
                written[name], kept[name] = self._read(name, value)
        call.arguments = kept
        return Bound(Arguments(written, kept), call.args, call.kwargs)

    def _read(self, name: str, value: Any) -> tuple[Any, Any]:
        path = "action.properties" + step(name)
        try:
            return read(value, path)
        except Unusable as problem:
            help = f"; pass plain values, or leave the parameter out on purpose with `apart_from=[{name!r}]`"
            raise Unusable(problem.path, problem.message + help) from None


def binding_of(
    function: Callable[..., Any],
    resource: Shape,
    args: Shape,
    apart_from: Collection[str],
) -> Binding:
    """Return how calls of a function are bound; raise `ValueError` for what cannot be meant."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise ValueError(f"the parameters of {function!r} are not known, so its calls cannot be bound") from None
    parameters = signature.parameters
    if isinstance(apart_from, str):
        raise ValueError(f"`apart_from` is a list of parameters; write `apart_from=[{apart_from!r}]`")
    for name in apart_from:
        if name not in parameters:
            raise ValueError(
                f"`apart_from` names {quoted(name)}, which is no parameter of the tool{meant(name, parameters)}"
            )
    receiver = _receiver(function, parameters)
    apart = {*apart_from, *([receiver] if receiver else ())}
    return Binding(
        signature,
        receiver,
        frozenset(apart),
        _resource(resource, parameters, apart),
        _arguments(args, parameters, apart),
    )


def _receiver(function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """Return the parameter that a method gets its object in: it is where the call goes, not what it says.

    Only a function that is written in a class has one; `cls` of any other is a parameter like all.
    """
    first = next(iter(parameters), None)
    around = ("<locals>", *getattr(function, "__qualname__", "").split("."))[-2]
    return first if first in _RECEIVERS and around != "<locals>" and not inspect.ismethod(function) else None


def _an_object(name: str, value: Any) -> None:
    """Refuse plain data where a method gets its object; a static method can have such a parameter, too."""
    if not isinstance(value, type) and type(value).__module__ == "builtins":
        message = f"{quoted(name)} is where a method gets its object, which is not put before the policy; "
        raise Unusable("action.properties" + step(name), message + f"it was given {shown(value)}: rename the parameter")


def _resource(shape: Shape, parameters: Collection[str], apart: Collection[str]) -> Callable[[Arguments], Any]:
    if callable(shape):
        return templates.calling(shape, "resource", parameters)
    bound = [name for name in parameters if name not in apart]
    kind = templates.constant_type(shape)
    if isinstance(shape, str):
        _, sign, rest = shape.partition("::")
        if not sign or not rest:
            raise ValueError(f"the resource {quoted(shape)} is no entity; write it as `Type::{{parameter}}`")
        shape = {"type": kind, "id": rest}
    if "id" not in shape:
        raise ValueError(f"the resource {quoted(str(shape))} has no `id`")
    fill = templates.compiled(shape, "resource", bound)

    def resource(call: Arguments) -> dict[str, Any]:
        found = fill(call)
        return {**found, "id": templates.text_of(found["id"], "resource.id")}

    return resource


def _arguments(shape: Shape, parameters: Mapping[str, inspect.Parameter], apart: Collection[str]) -> Fill:
    bound = [name for name in parameters if name not in apart]
    spread = next((name for name in bound if parameters[name].kind is inspect.Parameter.VAR_KEYWORD), None)
    renamed = _renamed(shape, bound)
    fill: Fill = lambda call: {}  # noqa: E731 - the plain case of what follows
    hidden: set[str] = set()  # the parameters that nobody would see if `args` set an argument of their name
    if callable(shape):
        fill = templates.calling(shape, "args", parameters)
        hidden = set(bound) - templates.mentioned(shape, "args", parameters)
    elif isinstance(shape, Mapping):
        fill = templates.compiled(shape, "args", bound)
        for name in (set(bound) - renamed).intersection(shape):
            if name not in templates.mentioned(shape[name], f"args.{name}", bound):
                raise ValueError(f"`args` sets {quoted(name)} without it, so nobody would see {_HIDDEN.format(name)}")
    elif shape is not None:
        raise ValueError(f"`args` is a mapping or a function, not {quoted(str(shape))}")

    def arguments(call: Arguments) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for name in bound:
            if name != spread and name not in renamed and call.written[name] is not None:
                own[name] = call.written[name]
        for name, value in call.written[spread].items() if spread else ():
            if name in parameters:
                message = f"{quoted(name)} is given twice, as a parameter and as a further argument"
                raise Unusable("action.properties" + step(name), message)
            own[name] = value
        said = fill(call)
        if not isinstance(said, Mapping):
            raise Unusable("action.properties", "the function for `args` returns a mapping")
        for name in call.written[spread] if spread else ():
            if name in said:  # what the policy read would not be what the function gets
                message = f"{quoted(name)} is given as a further argument, and set by `args`"
                raise Unusable("action.properties" + step(name), message)
        for name in hidden.intersection(said):
            message = f"`args` sets {quoted(name)} without it, so nobody would see {_HIDDEN.format(name)}"
            raise Unusable("action.properties" + step(name), message)
        return {**own, **_without_nothing(as_json(said, "action.properties"))}

    return arguments


def _renamed(shape: Shape, bound: Collection[str]) -> set[str]:
    """Return the parameters that stand whole in `args`, under another name."""
    if not isinstance(shape, Mapping):
        return set()
    whole = {f"{{{name}}}": name for name in bound}
    return {whole[value] for value in shape.values() if isinstance(value, str) and value in whole}


def _without_nothing(members: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is None: an argument that is absent."""
    return {name: value for name, value in members.items() if value is not None}


def resource_of(found: Any) -> dict[str, Any]:
    """Return what a tool says its resource is in the JSON shape; raise `Unusable`."""
    return entity(found, "resource")
