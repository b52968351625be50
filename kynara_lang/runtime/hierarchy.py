"""Works out what everything in an entity store is in, over parents of any depth.

The closures of all entities together can be quadratic in the store (a chain of 100 000 groups has five
thousand million pairs), so they are worked out beforehand only up to a budget that is linear in the store:
ordinary hierarchies, a few levels deep, stay far below it. Beyond it a closure is found when it is asked for,
by one walk over what is above the entity, and a bounded number of those is kept. Nothing recurses, and a
circle is no problem: everything in it is in everything else of it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_BUDGET_BASE: Final = 100_000
_BUDGET_PER_ENTITY: Final = 16
_KEPT: Final = 128


class Hierarchy:
    """The parents of entities by key, and the closures over them."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        """Take the direct parents of each entity that names them; a parent need not be a key itself."""
        self._parents = parents
        self._closures: dict[str, frozenset[str]] = {}
        self._walked = functools.lru_cache(maxsize=_KEPT)(self._walk)
        self._budget = _BUDGET_BASE + _BUDGET_PER_ENTITY * len(parents)
        self._precompute()

    def known(self, key: str) -> frozenset[str] | None:
        """Return the closure of an entity if it was worked out beforehand."""
        return self._closures.get(key)

    def closure(self, key: str) -> frozenset[str]:
        """Return the keys of everything an entity is in, itself included."""
        return self._closures.get(key) or self._walked(key)

    def _precompute(self) -> None:
        """Fill in closures, parents first, until the budget is used up."""
        for start in self._parents:
            # A path of entities, each with the parents still to visit: depth-first without recursion.
            path = [(start, iter(self._parents[start]))] if start not in self._closures else []
            on_path = {start}
            while path:
                key, rest = path[-1]
                parent = next((p for p in rest if p not in self._closures and p not in on_path), None)
                if parent is not None:
                    on_path.add(parent)
                    path.append((parent, iter(self._parents.get(parent, ()))))
                    continue
                path.pop()
                if self._budget <= 0:
                    return
                self._closures[key] = self._walk(key)

    def _walk(self, start: str) -> frozenset[str]:
        """Find a closure, using those already known; what is walked over counts against the budget."""
        reached = {start}
        pending: list[str] = [start]
        while pending:
            for parent in self._parents.get(pending.pop(), ()):
                if parent in reached:
                    continue
                known = self._closures.get(parent)
                if known is None:
                    reached.add(parent)
                    pending.append(parent)
                elif start in known:
                    return known  # each is in the other, so they are in the same: one set serves both
                else:
                    self._budget -= len(known)
                    reached |= known
        self._budget -= len(reached)
        return frozenset(reached)


def union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the union, and for a single set that very set."""
    first, *others = list(sets) or [frozenset()]
    return first.union(*others) if others else first
