"""Trees as plain data and back, for keeping the tree of a file that was parsed before.

The data is what JSON can say: for each declaration a list of rows, one a node, children before their parents, so that
reading back is a loop with a stack and no depth of the data can exhaust anything. A row holds the number of the node's
class, where its span starts and ends, and one value a field: what is no node as it is, and how many of the nodes read
last belong to the field where it holds nodes.

Reading trusts nothing. What a field may hold is taken from the annotations of the tree itself, so that a new node needs
nothing here; data that does not fit them, whatever is wrong with it, is no tree. The numbers of the classes are those
of this version of the tree: whoever keeps data must not give it to another.
"""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, Literal, TypeAlias, TypeVar

from attrs import fields, frozen

from ..diagnostics.source import Source, Span
from . import ast, walk

Row: TypeAlias = list[Any]
N = TypeVar("N", bound=ast.Node)
_Holding: TypeAlias = Literal["plain", "word", "one", "many"]
_Write: TypeAlias = Callable[[Any, Any], None]

_BEFORE_FIELDS: Final = 3  # values of a row: class, start, end


class NoTree(ValueError):
    """Data is not what `to_data` makes of a tree."""


@frozen
class _Shape:
    """How the row of one class is read: its fields from the last to the first, as their nodes lie on the stack.

    A field is its place in the row, what it holds, which values, types or classes that may be, and the slot it is
    written to. Writing slots takes half the time that the constructors of frozen classes take; nodes have no checks or
    defaults of their own that it would miss. Fields are told apart in one loop, since a call for each takes as long.
    """

    kind: type[ast.Node]
    width: int
    fields: tuple[tuple[int, _Holding, frozenset[Any], _Write], ...]


# Writing


def to_data(module: ast.Module) -> dict[str, Any]:
    """Return a tree as data. It must be whole: what could not be read of a file is not kept."""
    assert not module.broken
    return {
        "name": [rows_of(module.name)] if module.name else [],
        "imports": [rows_of(node) for node in module.imports],
        "declarations": [rows_of(node) for node in module.declarations],
        "comments": [rows_of(node) for node in module.comments],
    }


def rows_of(top: ast.Node) -> list[Row]:
    """Return the rows of one node and everything below it."""
    forms = _forms()
    rows = []
    waiting = [top]
    while waiting:
        node = waiting.pop()
        number, values, nodes = forms[type(node)]
        row: Row = [number, *values(node)]
        for place in nodes:
            held = row[place]
            if type(held) is tuple:
                waiting += held
                row[place] = len(held)
            elif held is not None:
                waiting.append(held)
                row[place] = 1
        rows.append(row)
    rows.reverse()  # parents were written before their children, and the last child first
    return rows


# Reading


def from_data(data: object, source: Source) -> ast.Module:
    """Return the tree of a source that was made data; raise `NoTree` for anything that cannot be one."""
    try:
        if not isinstance(data, dict) or len(data) != 4 or len(data["name"]) > 1:
            raise NoTree
        shapes = _shapes()
        return ast.Module(
            source,
            next((_node(rows, ast.Ident, source, shapes) for rows in data["name"]), None),
            tuple(_node(rows, ast.Import, source, shapes) for rows in data["imports"]),
            tuple(_node(rows, ast.Decl, source, shapes) for rows in data["declarations"]),
            tuple(_node(rows, ast.Comment, source, shapes) for rows in data["comments"]),
        )
    except (TypeError, ValueError, LookupError) as problem:  # a row of another shape
        raise NoTree from problem


def node_of(rows: object, wanted: type[N], source: Source) -> N:
    """Return the node of some rows with everything below it; raise `NoTree` for anything that cannot be one."""
    try:
        if not isinstance(rows, list):
            raise NoTree
        return _node(rows, wanted, source, _shapes())
    except (TypeError, ValueError, LookupError) as problem:
        raise NoTree from problem


def _node(rows: list[Row], wanted: type[N], source: Source, shapes: dict[int, _Shape]) -> N:
    """Read one node with everything below it."""
    size = len(source.text)
    new, set_span = object.__new__, _slot(ast.Node, "span")
    set_source, set_start, set_end = _slot(Span, "source"), _slot(Span, "start"), _slot(Span, "end")
    stack: list[ast.Node] = []
    for row in rows:
        shape = shapes[row[0]]
        start, end = row[1], row[2]
        if len(row) != shape.width or type(start) is not int or type(end) is not int or not 0 <= start <= end <= size:
            raise NoTree
        span = new(Span)
        set_source(span, source)
        set_start(span, start)
        set_end(span, end)
        made = new(shape.kind)
        set_span(made, span)
        for place, holding, allowed, write in shape.fields:
            value = row[place]
            if holding == "plain":
                if type(value) not in allowed:
                    raise NoTree
            elif holding == "word":
                if value not in allowed:
                    raise NoTree
            elif value is None:
                if None not in allowed:
                    raise NoTree
            elif holding == "one":
                if value != 1 or type(value := stack.pop()) not in allowed:
                    raise NoTree
            elif value == 0:
                value = ()
            else:
                count, value = value, tuple(stack[-value:])
                if count < 0 or len(value) != count or not allowed.issuperset(map(type, value)):
                    raise NoTree
                del stack[-count:]
            write(made, value)
        stack.append(made)
    (node,) = stack
    if not isinstance(node, wanted):
        raise NoTree
    if len(rows) > walk.MAX_DEPTH and walk.deepest(node)[0] > walk.MAX_DEPTH:
        raise NoTree
    return node


# What the annotations of the tree say


@cache
def _table() -> dict[type, tuple[int, tuple[str, ...]]]:
    """Return the number of each class that has nodes of its own, and the names of its fields, the span aside."""
    kinds = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.Node)]
    leaves = [kind for kind in kinds if not any(other is not kind and issubclass(other, kind) for other in kinds)]
    return {
        kind: (number, tuple(field.name for field in fields(kind) if field.name != "span"))
        for number, kind in enumerate(leaves)
    }


@cache
def _forms() -> dict[type, tuple[int, Callable[[ast.Node], tuple[Any, ...]], tuple[int, ...]]]:
    """Return how each class is written: its number, what gives the rest of its row, and the places that hold nodes."""
    forms: dict[type, tuple[int, Callable[[ast.Node], tuple[Any, ...]], tuple[int, ...]]] = {}
    for kind, (number, names) in _table().items():
        places = {name: place for place, name in enumerate(names, _BEFORE_FIELDS)}
        nodes = tuple(places[name] for name in names if name in walk.holding(kind))
        forms[kind] = (number, operator.attrgetter("span.start", "span.end", *names), nodes)
    return forms


@cache
def _shapes() -> dict[int, _Shape]:
    """Return how the rows of each class are read, by the number of the class."""
    shapes = {}
    for kind, (number, names) in _table().items():
        hints = typing.get_type_hints(kind)
        read = [(p, *_held(hints[name]), _slot(kind, name)) for p, name in enumerate(names, _BEFORE_FIELDS)]
        shapes[number] = _Shape(kind, _BEFORE_FIELDS + len(read), tuple(reversed(read)))
    return shapes


def _slot(kind: type, name: str) -> _Write:
    """Return what writes a slot of a frozen object that nobody has seen yet."""
    write: _Write = getattr(kind, name).__set__
    return write


def _held(hint: Any) -> tuple[_Holding, frozenset[Any]]:
    """Return what a field of a type holds, and what that may be; None stands for nothing where nodes would be."""
    options = list(typing.get_args(hint)) if isinstance(hint, types.UnionType) else [hint]
    absent = [None] if type(None) in options else []
    options = [option for option in options if option is not type(None)]
    if isinstance(options[0], type) and issubclass(options[0], ast.Node):
        return "one", frozenset([*_below(options), *absent])
    if typing.get_origin(options[0]) is tuple:
        inner = typing.get_args(options[0])[0]
        return "many", frozenset([*_below(typing.get_args(inner) or (inner,)), *absent])
    if typing.get_origin(options[0]) is typing.Literal:
        return "word", frozenset(typing.get_args(options[0]))
    assert options[0] in (str, bool)
    return "plain", frozenset([options[0], *map(type, absent)])


def _below(kinds: Iterable[type]) -> frozenset[type]:
    return frozenset(kind for kind in _table() if issubclass(kind, tuple(kinds)))
