"""Keeps what a check found, so that the same check of the same files says it again without checking anything.

A report is found by everything it depends on: this program, the settings, the day, the names and texts of all files and
the names of the modules that could be imported. Which of these are imported is known only afterwards, so an entry lists
them with digests of their texts, and is none if they have changed.

Findings point into texts. Those are not kept: a span is kept as the number of its file, or the name of its module, and
two offsets, and points into the texts that were just read when it comes back.
"""

from __future__ import annotations

import datetime
import json
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Final

from attrs import fields, has

from ..diagnostics.source import Source, Span
from ..inputs import Inputs
from ..report import Report
from .folder import Cache, key_of

_KIND: Final = "checked"


def key(stamp: str, today: datetime.date, settings: str, inputs: Inputs) -> str:
    """Return the key of a check; `stamp` is that of checking, `settings` a text that tells settings apart."""
    return key_of(stamp, today.isoformat(), settings, *inputs.parts)


def find(cache: Cache, key: str, inputs: Inputs) -> Report | None:
    """Return what a check found before, None if that is not known."""
    payload = cache.get(_KIND, key) if inputs.complete else None
    if payload is None:
        return None
    try:
        data = json.loads(payload)
        for module, digest in data["imported"].items():
            if digest_of(inputs.libraries.find(module)) != digest:
                return None
        report = _decoded(data["report"], Report, _places(inputs))
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError):  # not what `keep` writes
        return None
    assert isinstance(report, Report)
    return report


def keep(cache: Cache, key: str, inputs: Inputs, report: Report) -> None:
    """Keep what a check of some inputs found, unless it could not come back just as it is.

    Findings about files that cannot be read are of that kind, because they point into texts that are no source.
    """
    places = _places(inputs)
    try:
        data = json.loads(json.dumps(_encoded(report, {id(source): name for name, source in places.items()})))
        faithful = _decoded(data, Report, places) == report
    except (TypeError, ValueError, LookupError, RecursionError):
        return
    if faithful:
        imported = {module: digest_of(source) for module, source in inputs.imported.items()}
        cache.put(_KIND, key, json.dumps({"imported": imported, "report": data}).encode())


def digest_of(source: Source | None) -> str | None:
    """Return what a text is known by, None for none."""
    return None if source is None else key_of(source.name, source.text)


# Findings as data


def _places(inputs: Inputs) -> dict[int | str, Source]:
    """Return the texts that findings can point into: files by number, library modules by name."""
    places: dict[int | str, Source] = dict(enumerate(inputs.sources))
    return places | {name: source for name, source in inputs.imported.items() if source is not None}


def _encoded(value: Any, places: Mapping[int, int | str]) -> Any:
    if isinstance(value, Span):
        return [places[id(value.source)], value.start, value.end]
    if isinstance(value, tuple):
        return [_encoded(item, places) for item in value]
    if isinstance(value, Enum):
        return value.value
    if has(type(value)):
        return [_encoded(getattr(value, field.name), places) for field in fields(type(value))]
    return value


def _decoded(data: Any, kind: Any, places: Mapping[int | str, Source]) -> Any:
    """Make what a field of a type holds of data; raise for anything that cannot be it."""
    if kind is Span:
        place, start, end = data
        source = places[place]
        if type(start) is not int or type(end) is not int or not 0 <= start <= end <= len(source.text):
            raise ValueError
        return Span(source, start, end)
    if has(kind):
        return kind(*(_decoded(item, inner, places) for item, inner in zip(data, _kinds(kind), strict=True)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    options = typing.get_args(kind)
    if type(None) in options:
        return None if data is None else _decoded(data, options[0], places)
    if typing.get_origin(kind) is tuple:
        return tuple(_decoded(item, options[0], places) for item in data)
    if type(data) is not (typing.get_origin(kind) or kind):
        raise TypeError
    return data


@cache
def _kinds(kind: Any) -> tuple[Any, ...]:
    """Return the types of the fields of a class, in their order."""
    hints = typing.get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind))
