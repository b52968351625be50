"""Walking over trees without recursion, so that no input can exhaust the stack."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Final

from attrs import fields

from .ast import Node

MAX_DEPTH: Final = 80
"""How many levels of nodes a declaration may have; the parser sets aside what is deeper."""


class _Fields(dict[type[Node], tuple[str, ...]]):
    """The names of the fields of each class that can hold nodes, last one first; worked out at first use.

    Most nodes are leaves, such as names: knowing that they have nothing to look at makes every walk twice as fast.
    """

    def __missing__(self, kind: type[Node]) -> tuple[str, ...]:
        hints = typing.get_type_hints(kind)
        names = tuple(field.name for field in reversed(fields(kind)) if _mentions_nodes(hints[field.name]))
        self[kind] = names
        return names


def _mentions_nodes(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Node):
        return True
    return any(_mentions_nodes(part) for part in typing.get_args(hint))


_BACKWARDS: Final = _Fields()


def holding(kind: type[Node]) -> tuple[str, ...]:
    """Return the names of the fields of a class that can hold nodes, last one first."""
    return _BACKWARDS[kind]


def children(node: Node) -> list[Node]:
    """Return the nodes directly below a node, in the order they are written."""
    found: list[Node] = []
    add_children(node, found)
    found.reverse()
    return found


def descend(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, parents before children, left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if _BACKWARDS[type(current)]:
            add_children(current, stack)


def deepest(node: Node) -> tuple[int, Node]:
    """Return how many levels of nodes lie below and including a node, and a node of the lowest level."""
    best = (1, node)
    stack = [(1, node)]
    while stack:
        depth, current = stack.pop()
        if depth > best[0]:
            best = (depth, current)
        if _BACKWARDS[type(current)]:
            stack.extend((depth + 1, child) for child in children(current))
    return best


def add_children(node: Node, stack: list[Node]) -> None:
    """Add the nodes directly below a node to a list, the first one last."""
    for name in _BACKWARDS[type(node)]:
        held = getattr(node, name)
        if type(held) is tuple:
            stack += held[::-1]
        elif held is not None:
            stack.append(held)
