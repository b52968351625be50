"""Keeps compiled programs, so that one of a hundred thousand rules is there in a second instead of a minute.

Kept are the declarations as trees, the head of each rule in columns, the bodies as they lie on their shelf, and the
digest. Texts are not: an entry is found by all of them, and spans point into those just read. What declarations mean
is worked out again, which is little; a program that then has errors was none, and is as good as not there.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import frozen

from ..checker.check import restore
from ..checker.stored_rules import Bodies, Kept, StoredRule
from ..checker.symbols import Offered, Program
from ..diagnostics.source import Source, Span
from ..inputs import Inputs
from ..syntax import ast, stored
from ..syntax.packed import Shelf
from .folder import Cache, key_of
from .reports import digest_of

_KIND: Final = "program"
_NUMBERS: Final = "I"
"""Columns are numbers of four bytes; offsets into files of 128 MiB fit."""


def find(cache: Cache, stamp: str, inputs: Inputs) -> Program | None:
    """Return the program that some inputs were compiled to before, None if that is not known."""
    payload = cache.get(_KIND, _key(stamp, inputs)) if inputs.complete else None
    if payload is None:
        return None
    try:
        head, sections = _sections(payload)
        for module, digest in head["imported"].items():
            if digest_of(inputs.libraries.find(module)) != digest:
                return None
        return _program(head, sections, inputs)
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError):  # not what `keep` writes
        return None


def keep(cache: Cache, stamp: str, inputs: Inputs, program: Program) -> None:
    """Keep the program that some inputs were compiled to."""
    rules = [rule for rule in program.rules if isinstance(rule, StoredRule)]
    if not inputs.complete or len(rules) != len(program.rules):
        return
    places = {id(source): at for at, source in enumerate(_sources(inputs).values())}
    kinds: dict[Any, int] = {}
    columns = [array(_NUMBERS) for _ in _COLUMNS]
    for rule in rules:
        kind = (
            (rule.effect, rule.module, rule.library, places[id(rule.span.source)]),
            (rule.actions, rule.subject_types, rule.resource_types),
        )
        row = (kinds.setdefault(kind, len(kinds)), rule.span.start, rule.span.end, rule.line)
        for column, number in zip(columns, row, strict=True):
            column.append(number)
    boxes = rules[0].bodies.shelf.boxes if rules else ()
    sections = ["\n".join(rule.name for rule in rules).encode(), *(c.tobytes() for c in columns), *boxes]
    head = {
        "imported": {module: digest_of(source) for module, source in inputs.imported.items()},
        "digest": program.digest,
        "modules": [[places[id(m.source)], stored.to_data(m)] for m in program.modules],
        "kinds": [[*said, *map(sorted, about)] for said, about in kinds],
        "sizes": [len(section) for section in sections],
    }
    first = json.dumps(head, separators=(",", ":")).encode()
    cache.put(_KIND, _key(stamp, inputs), first, b"\n", *sections)


_COLUMNS: Final = ("kind", "start", "end", "line")


def _key(stamp: str, inputs: Inputs) -> str:
    return key_of(stamp, sys.byteorder, str(array(_NUMBERS).itemsize), *inputs.parts)


def _sources(inputs: Inputs) -> dict[int | str, Source]:
    """Return the texts that a program consists of: files by number, library modules by name."""
    files: dict[int | str, Source] = dict(enumerate(inputs.sources))
    return files | {name: source for name, source in sorted(inputs.imported.items()) if source is not None}


def _sections(payload: bytes) -> tuple[Any, list[memoryview]]:
    """Return the head and the sections behind it, which are not copied: they are most of the program."""
    end = payload.index(b"\n")
    head = json.loads(payload[:end])
    at = end + 1
    whole = memoryview(payload)
    sections = []
    for size in head["sizes"]:
        sections.append(whole[at : at + size])
        at += size
    if at != len(payload):
        raise ValueError
    return head, sections


def _program(head: Any, sections: Sequence[memoryview], inputs: Inputs) -> Program | None:
    named = _sources(inputs)
    sources = list(named.values())
    modules = [stored.from_data(data, sources[at]) for at, data in head["modules"]]
    own = {id(source) for source in inputs.sources}
    files = [module for module in modules if id(module.source) in own]
    names = {id(source): name for name, source in named.items()}
    libraries = {str(names[id(m.source)]): m for m in modules if id(m.source) not in own}
    bodies = Bodies(Shelf(tuple(sections[1 + len(_COLUMNS) :])))
    rules: dict[Source, list[StoredRule]] = {source: [] for source in sources}
    for rule in _rules(head, sections, sources, bodies):
        rules[rule.span.source].append(rule)
    program = restore(files, libraries, Offered(inputs.libraries.names, _nothing), Kept(bodies, rules))
    if program is not None:
        program.digest = str(head["digest"])
    return program


@frozen
class _Kind:
    """What many rules have in common."""

    effect: ast.Effect
    module: str
    library: bool
    source: Source
    actions: frozenset[str]
    subject_types: frozenset[str]
    resource_types: frozenset[str]


def _rules(
    head: Any, sections: Sequence[memoryview], sources: Sequence[Source], bodies: Bodies
) -> Iterator[StoredRule]:
    kinds = [
        _Kind(effect, module, library, sources[at], frozenset(actions), frozenset(subjects), frozenset(resources))
        for effect, module, library, at, actions, subjects, resources in head["kinds"]
    ]
    names = str(sections[0], "utf-8").split("\n") if sections[0] else []
    columns = []
    for content in sections[1 : 1 + len(_COLUMNS)]:
        column = array(_NUMBERS)
        column.frombytes(content)
        columns.append(column)
    for name, at, start, end, line in zip(names, *columns, strict=True):
        kind = kinds[at]
        rule = StoredRule(name, kind.effect, kind.module, kind.library, Span(kind.source, start, end), bodies, line)
        rule.actions, rule.subject_types, rule.resource_types = kind.actions, kind.subject_types, kind.resource_types
        yield rule


def _nothing(module: str) -> frozenset[str]:
    """Say that a module declares nothing: who restores a program suggests no imports."""
    return frozenset()
