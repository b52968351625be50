"""The Merkle tree of RFC 6962 over the stored lines, with proofs that need one pass and little memory.

The hash of a leaf is SHA-256 of a zero byte and the line, that of a node SHA-256 of a one byte and its two children.
Every node of a proof is the root over a range of leaves; the ranges of one proof do not overlap, so one pass over the
leaves makes them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """The roots of the perfect trees that some leaves make, from the largest to the smallest: enough to go on."""

    __slots__ = ("roots", "size")

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        """Begin with no leaves, or go on from so many; there is one root for each binary one of `size`."""
        self.size = size
        self.roots = list(roots)
        if len(self.roots) != size.bit_count() or any(len(root) != 32 for root in self.roots):
            raise ValueError("these are not the roots of so many leaves")

    def add(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        size, roots = self.size, self.roots
        while size & 1:
            leaf = sha256(b"\1" + roots.pop() + leaf).digest()
            size >>= 1
        roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.roots:
            return EMPTY_ROOT
        found = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            found = node_hash(left, found)
        return found

    def copy(self) -> Frontier:
        """Return a frontier that goes its own way."""
        found = Frontier()
        found.size, found.roots = self.size, self.roots[:]
        return found


Range = tuple[int, int]


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove that leaf `index` is in the tree over `size` leaves."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf")
    found: list[Range] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove that the tree over `new` leaves extends that over `old`."""
    if not 0 < old <= new:
        raise ValueError("a tree cannot extend a larger or an empty one")
    found: list[Range] = []
    low, high, whole = 0, new, True
    while old != high - low:
        middle = _split(high - low)
        if old <= middle:
            found.append((low + middle, high))
            high = low + middle
        else:
            found.append((low, low + middle))
            low, old, whole = low + middle, old - middle, False
    if not whole:
        found.append((low, high))
    return found[::-1]


def range_roots(ranges: Sequence[Range], leaves: Iterable[bytes]) -> list[bytes]:
    """Return the root over each range, from the hashes of all leaves in order, read once."""
    trees = [Frontier() for _ in ranges]
    order = sorted(range(len(ranges)), key=lambda i: ranges[i])
    at = 0
    for number, leaf in enumerate(leaves):
        while at < len(order) and number >= ranges[order[at]][1]:
            at += 1
        if at == len(order):
            break
        if number >= ranges[order[at]][0]:
            trees[order[at]].add(leaf)
    if any(tree.size != high - low for tree, (low, high) in zip(trees, ranges, strict=True)):
        raise ValueError("there are fewer leaves than the proof needs")
    return [tree.root() for tree in trees]


def root_of_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its proof lead to, or None if a proof cannot have that many nodes."""
    if not 0 <= index < size or len(proof) != len(inclusion_ranges(index, size)):
        return None
    found = leaf
    for node, (low, _) in zip(proof, inclusion_ranges(index, size), strict=True):
        found = node_hash(found, node) if low > index else node_hash(node, found)
    return found


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that a tree with one root extends a smaller one with another."""
    if old > new or (old == 0 and proof):
        return False
    if old == 0:
        return old_root == EMPTY_ROOT
    ranges = consistency_ranges(old, new)
    if len(proof) != len(ranges):
        return False
    # Without the node of the old tree itself the old tree is perfect, and its root is that node.
    if not ranges or ranges[0][0] >= old:
        found_old = found_new = old_root
        rest = list(zip(proof, ranges, strict=True))
    else:
        found_old = found_new = proof[0]
        rest = list(zip(proof[1:], ranges[1:], strict=True))
    for node, (low, _) in rest:
        if low >= old:
            found_new = node_hash(found_new, node)
        else:
            found_old, found_new = node_hash(node, found_old), node_hash(node, found_new)
    return (found_old, found_new) == (old_root, new_root)
