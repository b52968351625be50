"""Says how the arguments of a call become the resource and the arguments of a request: by texts with `{parameter}`.

A text that is nothing but `{order}` stands for that argument's value, of whatever type. In a longer text the value is
put in its place, and what separates two values is found nowhere before its place: `{owner}/{name}` would otherwise mean
the same for `a/b` and `c` as for `a` and `b/c`, and `{owner}::{name}` for `a:` and `b` as for `a` and `:b`. A function
in place of a text is called with the arguments that its parameters name.
"""

from __future__ import annotations

import inspect
import string
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from attrs import frozen

from ..runtime.convert import shown
from ..runtime.problems import meant
from ..semantics.problems import quoted
from .values import Unusable, as_json, read

Shape = Any
"""A text with places, a function, a mapping or list of such, or a constant."""


@frozen
class Arguments:
    """The arguments of one call by parameter: as JSON, and as the values that the function gets."""

    written: Mapping[str, Any]
    kept: Mapping[str, Any]

    def copy(self, name: str) -> Any:
        """Return a value like the one that the function gets, so that nobody changes that one meanwhile."""
        return read(self.kept[name], name)[1] if name in self.written else self.kept[name]


Fill = Callable[[Arguments], Any]
"""Makes JSON of the arguments of a call; raises `Unusable` where they do not fit."""


def compiled(shape: Shape, path: str, parameters: Collection[str]) -> Fill:
    """Return how to fill a shape in; raise `ValueError` for one that names a parameter that there is not."""
    if isinstance(shape, str):
        return _text(shape, path, parameters)
    if isinstance(shape, Mapping):
        inner = {str(key): compiled(value, f"{path}.{key}", parameters) for key, value in shape.items()}
        return lambda call: {key: fill(call) for key, fill in inner.items()}
    if isinstance(shape, list | tuple):
        items = [compiled(item, f"{path}[{at}]", parameters) for at, item in enumerate(shape)]
        return lambda call: [fill(call) for fill in items]
    if callable(shape):
        asked = calling(shape, path, parameters)
        return lambda call: as_json(asked(call), path)
    constant = as_json(shape, path)
    return lambda call: constant


def calling(function: Callable[..., Any], path: str, parameters: Collection[str]) -> Fill:
    """Return how to call a function with the arguments that it names; raise `ValueError` for others."""
    wanted = _wanted(function, path, parameters)
    return lambda call: function(**{name: call.copy(name) for name in wanted})


def mentioned(shape: Shape, path: str, parameters: Collection[str]) -> set[str]:
    """Return the parameters that a shape reads."""
    if isinstance(shape, str):
        return {piece.parameter for piece in _pieces(shape, path, parameters) if piece.parameter is not None}
    if isinstance(shape, Mapping):
        return {name for value in shape.values() for name in mentioned(value, path, parameters)}
    if isinstance(shape, list | tuple):
        return {name for item in shape for name in mentioned(item, path, parameters)}
    return set(_wanted(shape, path, parameters)) if callable(shape) else set()


def _wanted(function: Callable[..., Any], path: str, parameters: Collection[str]) -> list[str]:
    wanted = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            wanted += [other for other in parameters if other not in wanted]
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise ValueError(f"the function for `{path}` is called by name; {quoted(name)} cannot be given by name")
        if name not in parameters:
            if parameter.default is not parameter.empty:
                continue
            raise _unknown(name, path, parameters)
        wanted.append(name)
    return wanted


def constant_type(shape: Shape) -> str:
    """Return the type of an entity that a shape describes; raise `ValueError` where the call would choose it."""
    kind = shape.get("type") if isinstance(shape, Mapping) else str(shape).partition("::")[0]
    if not isinstance(kind, str) or not kind or "{" in kind or "}" in kind:
        raise ValueError(f"the resource {quoted(str(shape))} needs a type that does not depend on the call")
    return kind


@frozen
class _Piece:
    """Some text, and the parameter whose value comes behind it, if any."""

    text: str
    parameter: str | None


def _text(shape: str, path: str, parameters: Collection[str]) -> Fill:
    pieces = _pieces(shape, path, parameters)
    names = [piece.parameter for piece in pieces if piece.parameter is not None]
    if not names:
        whole = "".join(piece.text for piece in pieces)
        return lambda call: whole
    if len(pieces) == 1 and not pieces[0].text:
        (name,) = names
        return lambda call: call.written[name]
    between = [piece.text for piece in pieces[1:] if piece.parameter is not None]
    if "" in between:
        raise ValueError(f"in {quoted(shape)} two places touch; what separates their values?")
    ends = [*(piece.text if piece.parameter is not None else "" for piece in pieces[1:]), ""]
    pairs = list(zip(pieces, ends, strict=True))
    return lambda call: "".join(_filled(piece, end, call, between, path) for piece, end in pairs)


def _pieces(shape: str, path: str, parameters: Collection[str]) -> list[_Piece]:
    found: list[_Piece] = []
    try:
        parsed = list(string.Formatter().parse(shape))
    except ValueError as error:
        raise ValueError(f"{quoted(shape)} is not a text with places such as `{{name}}`: {error}") from None
    text = ""
    for literal, name, spec, conversion in parsed:
        text += literal
        if name is None:
            continue
        if spec or conversion:
            raise ValueError(f"in {quoted(shape)} a place is a plain `{{name}}`; what is put in is never formatted")
        if name not in parameters:
            raise _unknown(name, path, parameters)
        found.append(_Piece(text, name))
        text = ""
    if text or not found:
        found.append(_Piece(text, None))
    return found


def _filled(piece: _Piece, end: str, call: Arguments, between: list[str], path: str) -> str:
    if piece.parameter is None:
        return piece.text
    value = text_of(call.written[piece.parameter], path)
    for text in between:
        if text in value:
            message = (
                f"the argument {quoted(piece.parameter)} holds {quoted(text)}, which separates it from others here"
            )
            raise Unusable(path, message)
    if end and (value + end).index(end) < len(value):
        message = f"the argument {quoted(piece.parameter)} ends like {quoted(end)}, which separates it from others here"
        raise Unusable(path, message)
    return piece.text + value


def text_of(value: Any, path: str) -> str:
    """Return the text of a text or a whole number; raise `Unusable` for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value.bit_length() <= _LONG_NUMBER_BITS else _refuse(value, path)
    return _refuse(value, path)


def _refuse(value: Any, path: str) -> str:
    raise Unusable(path, f"a text is expected here, not {shown(value)}")


def _unknown(name: str, path: str, parameters: Collection[str]) -> ValueError:
    return ValueError(f"`{path}` names {quoted(name)}, which is no parameter of the tool{meant(name, parameters)}")


_LONG_NUMBER_BITS: Final = 256
