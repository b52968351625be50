"""Walking over trees without recursion, so that no input can exhaust the stack."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import fields

from .ast import Node

_CHILD_FIELDS: dict[type[Node], tuple[str, ...]] = {}


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below a node, in the order they are written."""
    kind = type(node)
    names = _CHILD_FIELDS.get(kind)
    if names is None:
        names = tuple(f.name for f in fields(kind) if f.name not in ("span", "doc"))
        _CHILD_FIELDS[kind] = names
    for name in names:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif type(value) is tuple:
            for item in value:
                if isinstance(item, Node):
                    yield item


def descend(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, parents before children, left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))


def deepest(node: Node) -> tuple[int, Node]:
    """Return how many levels of nodes lie below and including a node, and a node of the lowest level."""
    best = (1, node)
    stack = [(1, node)]
    while stack:
        depth, current = stack.pop()
        if depth > best[0]:
            best = (depth, current)
        stack.extend((depth + 1, child) for child in children(current))
    return best
