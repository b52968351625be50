"""Differences that say the same of several kinds of request, each told once.

A rule about many types and actions makes one difference in every slice that it reaches. Readers want to know that one,
where it is, and one request; so regions of the same rules and the same conditions become one entry with many places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from attrs import frozen

from .regions_text import Region
from .versions import Triple

Names = tuple[str, ...]
Key = TypeVar("Key", bound=Hashable)


@frozen
class Told:
    """What one side of a slice says: its regions, and why they may not be all, or why nothing is known."""

    place: Triple
    regions: tuple[Region, ...]
    reason: str


@frozen
class Entry:
    """What holds of some places alike. A region stands for those of all places, with the request of the first."""

    places: tuple[Triple, ...]
    regions: tuple[Region, ...] = ()
    reasons: tuple[str, ...] = ()


def merged(sides: Iterable[Told]) -> list[Entry]:
    """Return everything that is told, with places that say the same together; each place stands once in an entry."""
    regions: dict[Hashable, tuple[Region, list[Triple]]] = {}
    reasons: dict[str, list[Triple]] = {}
    for side in sides:
        seen = Counter[Hashable]()
        for region in side.regions:
            said = _said(region)
            seen[said] += 1
            regions.setdefault((said, seen[said]), (region, []))[1].append(side.place)
        if side.reason:
            places = reasons.setdefault(side.reason, [])
            if side.place not in places[-1:]:  # both directions of a slice can be unknown for one reason
                places.append(side.place)
    entries: dict[tuple[Triple, ...], Entry] = {}
    for region, where in regions.values():
        at = tuple(where)
        entry = entries.get(at, Entry(at))
        entries[at] = Entry(at, (*entry.regions, region), entry.reasons)
    for reason, where in reasons.items():
        at = tuple(where)
        entry = entries.get(at, Entry(at))
        entries[at] = Entry(at, entry.regions, (*entry.reasons, reason))
    return list(entries.values())


def _said(region: Region) -> Hashable:
    """Return what a region says, whatever the types and the action are called."""
    r = region
    return (r.kind, r.side, r.general, r.rules, r.before, r.after, r.note, r.chain)


def products(places: Iterable[Triple]) -> list[tuple[Names, Names, Names]]:
    """Return subjects, actions and resources all of whose combinations are places: few of them, and no other place."""
    resources = _joined(((s, a), r) for a, s, r in places)
    actions = _joined(((s, several), a) for (s, a), several in resources)
    subjects = _joined(((several, them), s) for (s, them), several in actions)
    return [(who, several, them) for (several, them), who in subjects]


def _joined(pairs: Iterable[tuple[Key, str]]) -> Sequence[tuple[Key, Names]]:
    found: dict[Key, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return [(key, tuple(names)) for key, names in found.items()]
