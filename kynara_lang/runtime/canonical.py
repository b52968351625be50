"""The one spelling of a value as JSON, and the digest that binds an approval to what was approved.

Two calls that mean the same must have the same digest (`10`, `"10.0"` and `10.00` for a Decimal; sets in any
order) and two that do not must differ. Declared arguments are therefore written from their values, each type
in its normal form. What no rule reads but the tool may is written exactly as it was given: undeclared arguments, and
declared ones that carry more than their values tell, such as an undeclared member of a record.
"""

from __future__ import annotations

import decimal
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..checker.symbols import Program
from ..semantics import types
from ..semantics.addresses import format_ip
from ..semantics.missing import MISSING
from ..semantics.numbers import format_decimal
from ..semantics.problems import ValueProblem
from ..semantics.text import is_scalar_text
from ..semantics.times import format_duration, format_time
from ..semantics.types import Record, SetOf, Type
from ..semantics.urls import format_url
from .problems import InvalidRequest, RequestProblem, step
from .request import RawEntity, Request

_FORMAT: Final = "approval/1"
_MAX_DEPTH: Final = 64
_LONG_NUMBER_BITS: Final = 4096


def canonical_json(value: object) -> str:
    """Write decoded JSON in its one form: keys in order, no spaces, numbers digit for digit.

    A `decimal.Decimal` is written as the number it was read as, so that it differs from a text with the same
    digits. Sets, which JSON does not have, become lists sorted by what they hold. Raises `ValueProblem` for
    everything that JSON cannot hold, and for what is nested deeper than 64 levels.
    """
    return _write(value, 0)


def canonical_value(value: Any, type: Type, program: Program) -> object:
    """Return a value of a static type as JSON in its normal form; equal values give equal JSON."""
    match type:
        case types.Entity():
            return {"type": program.types[value.type].external, "id": value.id}
        case SetOf(element=element):
            members = [canonical_value(member, element, program) for member in value]
            return sorted(members, key=canonical_json)
        case Record(fields=fields):
            return {
                field.external or field.name: canonical_value(item, field.type, program)
                for field, item in zip(fields, value, strict=True)
                if item is not MISSING
            }
    write = _NORMAL_FORMS.get(type)
    return write(value) if write else value


def approval_digest(policy_digest: str, request: Request) -> str:
    """Return `sha256:…` of what an approval of this request is bound to.

    That is the policy, everyone in the chain, the action with all its arguments, and the resource; not the
    context, which may differ between asking and acting. Raises `InvalidRequest` if what is bound as it was given
    is not JSON.
    """
    shape = request.shape
    bound = {
        "kynara": _FORMAT,
        "policy": policy_digest,
        "subjects": [_named(raw) for raw in shape.chain],
        "action": shape.action.external,
        "arguments": _arguments(request),
        "resource": _named(shape.resource),
    }
    given = _given(request)
    if given:
        bound["given"] = _Written(_object(given))
    return f"sha256:{hashlib.sha256(canonical_json(bound).encode('utf-8')).hexdigest()}"


_NORMAL_FORMS: Final[Mapping[Type, Callable[[Any], str]]] = {
    types.DECIMAL: format_decimal,
    types.TIME: format_time,
    types.DURATION: format_duration,
    types.IP: format_ip,
    types.URL: format_url,
}


class _Written(str):
    """JSON that is already written."""

    __slots__ = ()


def _named(raw: RawEntity) -> dict[str, str]:
    """Name an entity as requests do."""
    return {"type": raw.type.external, "id": raw.id}


def _arguments(request: Request) -> _Written:
    """Write all arguments, by their spelling in requests."""
    shape = request.shape
    written: dict[str, str] = {}
    for symbol in shape.action.parameters.values():
        if symbol.name in request.args:
            value = canonical_value(request.args[symbol.name], symbol.type, shape.program)
            written[symbol.external] = _write(value, 0)
    declared = {symbol.external for symbol in shape.action.parameters.values()}
    for name, raw in shape.arguments.items():
        if name not in declared:
            written |= _as_given(name, raw)
    return _Written(_object(written))


def _given(request: Request) -> dict[str, str]:
    """Write the declared arguments that carry more than their values tell, exactly as they were given."""
    given = request.shape.arguments
    found: dict[str, str] = {}
    for symbol in request.shape.action.parameters.values():
        name = symbol.external
        if name in given and _carries_more(given[name], symbol.type, request.args.get(symbol.name)):
            found |= _as_given(name, given[name])
    return found


def _as_given(name: str, raw: object) -> dict[str, str]:
    try:
        return {_key(name): _write(raw, 0)}
    except ValueProblem as problem:
        path = "action.properties" + step(name)
        raise InvalidRequest([RequestProblem("invalid-value", path, problem.message)]) from None


def _carries_more(raw: object, type: Type, value: object = None) -> bool:
    """Tell whether what was given says more than its value in the normal form, which is known outside of sets only."""
    match type:
        case types.Entity():
            return not isinstance(raw, Mapping) or not raw.keys() <= {"type", "id"}
        case SetOf(element=element) if isinstance(raw, list | tuple | set | frozenset):
            # Of several equal elements a set keeps one, and the tool gets them all.
            distinct = len(value) if isinstance(value, frozenset) else 1
            return len(raw) > distinct or any(_carries_more(item, element) for item in raw)
        case Record(fields=fields) if isinstance(raw, Mapping):
            parts = value if isinstance(value, tuple) else (None,) * len(fields)
            names = {field.external or field.name for field in fields}
            return not raw.keys() <= names or any(
                _carries_more(raw[field.external or field.name], field.type, part)
                for field, part in zip(fields, parts, strict=True)
                if (field.external or field.name) in raw
            )
    return False


def _write(value: object, depth: int) -> str:
    """Write one value; `depth` counts the lists and objects around it."""
    match value:
        case _Written():
            return str.__str__(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            if value.bit_length() > _LONG_NUMBER_BITS:
                raise ValueProblem("a number has too many digits")
            return int.__repr__(value)
        case decimal.Decimal():
            if not value.is_finite():
                raise ValueProblem("infinity and not-a-number are not JSON")
            return str(value)
        case float():
            if not math.isfinite(value):
                raise ValueProblem("infinity and not-a-number are not JSON")
            return float.__repr__(value)
    if depth >= _MAX_DEPTH:
        raise ValueProblem(f"lists and objects are nested deeper than {_MAX_DEPTH} levels")
    match value:
        case list() | tuple():
            return "[" + ",".join([_write(item, depth + 1) for item in value]) + "]"
        case set() | frozenset():
            return "[" + ",".join(sorted([_write(item, depth + 1) for item in value])) + "]"
        case Mapping():
            return _object({_key(key): _write(item, depth + 1) for key, item in value.items()})
    raise ValueProblem("this is not JSON")


def _object(members: Mapping[str, str]) -> str:
    """Write an object whose members are already written."""
    return "{" + ",".join(f"{_text(key)}:{members[key]}" for key in sorted(members)) + "}"


def _key(key: object) -> str:
    """Return a key that must be a text."""
    if not isinstance(key, str):
        raise ValueProblem("the keys of an object must be texts")
    return str.__str__(key)


def _text(text: str) -> str:
    """Write a text; what can be written without an escape is."""
    plain = str.__str__(text)
    if not is_scalar_text(plain):
        raise ValueProblem("a text contains a lone surrogate, which is not a character")
    return json.dumps(plain, ensure_ascii=False)
