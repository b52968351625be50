"""What is known of the arguments of a call: for each, which values it can have.

A `Limit` says a few things of one value, all of which hold. A `Domain` is a choice of limits, one of which holds; the
empty choice is no value at all. A `Box` has a domain for each argument. All of them say less than is true where that is
simpler, and never more: a value that they leave out is surely out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

MOST_CHOICES: Final = 12
"""A domain with more limits is replaced by what all of them have in common."""


@frozen
class Limit:
    """What is known of one value; what is not said is not known.

    `values` are all it can be, `excluded` what it is not. `low` and `high` bound a number, in its smallest units;
    `shortest` and `longest` the characters of a text or the elements of a set. A text matches all `patterns` and none
    of `unmatched`. `each` element of a set is in one domain, and of `some` domains there is an element each. `inner`
    is what is known of the fields of a record.
    """

    values: frozenset[Any] | None = None
    excluded: frozenset[Any] = frozenset()
    low: int | None = None
    high: int | None = None
    shortest: int | None = None
    longest: int | None = None
    patterns: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    each: Domain | None = None
    some: tuple[Domain, ...] = ()
    inner: Box | None = None


Domain: TypeAlias = tuple[Limit, ...]


@frozen
class Box:
    """What is known of the arguments of a call, or of the fields of a record, by their names in the policy.

    Those of `required` are surely there, those of `absent` surely not; what is known of others holds if they are there.
    """

    members: Mapping[str, Domain] = field(factory=dict)
    required: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    def of(self, name: str) -> Domain:
        """Return which values a member can have."""
        return NEVER if name in self.absent else self.members.get(name, ANY)


FREE: Final = Limit()
ANY: Final[Domain] = (FREE,)
NEVER: Final[Domain] = ()
OPEN: Final = Box()
"""Nothing is known."""


# --- of one value


def both(a: Domain, b: Domain) -> Domain:
    """Return the values that are in both domains."""
    if a == ANY or b == ANY:
        return b if a == ANY else a
    found = (_meet(x, y) for x in a for y in b)
    return _simple([one for one in found if one is not None])


def either(a: Domain, b: Domain) -> Domain:
    """Return the values that are in one of two domains."""
    return _simple([*a, *b])


def _simple(limits: Iterable[Limit]) -> Domain:
    """Return a choice of limits without those that say nothing new."""
    kept: list[Limit] = []
    for limit in limits:
        for i, other in enumerate(kept):
            joined = _joined(limit, other)
            if joined is not None:
                kept[i] = joined
                break
        else:
            kept.append(limit)
    if FREE in kept:
        return ANY
    return tuple(kept) if len(kept) <= MOST_CHOICES else (_hull(kept),)


def _joined(a: Limit, b: Limit) -> Limit | None:
    """Return one limit that says exactly what a choice of two does, where there is one."""
    if a == b:
        return a
    if a.values is not None and b.values is not None and evolve(a, values=None) == evolve(b, values=None):
        return evolve(a, values=a.values | b.values)
    if evolve(a, low=None, high=None) == evolve(b, low=None, high=None):
        first, second = (a, b) if (a.low is None or (b.low is not None and a.low <= b.low)) else (b, a)
        if first.high is None or second.low is None or second.low <= first.high + 1:
            return evolve(a, low=_least(a.low, b.low), high=_most(a.high, b.high))
    return None


def _hull(limits: list[Limit]) -> Limit:
    """Return what several limits have in common."""
    found = limits[0]
    for limit in limits[1:]:
        values = None if found.values is None or limit.values is None else found.values | limit.values
        found = Limit(
            values=values,
            excluded=found.excluded & limit.excluded,
            low=_least(found.low, limit.low),
            high=_most(found.high, limit.high),
            shortest=_least(found.shortest, limit.shortest),
            longest=_most(found.longest, limit.longest),
            patterns=tuple(p for p in found.patterns if p in limit.patterns),
            unmatched=tuple(p for p in found.unmatched if p in limit.unmatched),
            each=None if found.each is None or limit.each is None else either(found.each, limit.each),
            some=tuple(one for one in found.some if one in limit.some),
            inner=None if found.inner is None or limit.inner is None else one_of([found.inner, limit.inner]),
        )
    return found


def _least(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else min(a, b)


def _most(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else max(a, b)


def _meet(a: Limit, b: Limit) -> Limit | None:
    """Return what holds where two limits do, or None where they surely cannot both hold."""
    inner = a.inner or b.inner
    if a.inner is not None and b.inner is not None:
        inner = all_of([a.inner, b.inner])
        if inner is None:
            return None
    if a.each is not None and b.each is not None:
        each: Domain | None = both(a.each, b.each)
    else:
        each = b.each if a.each is None else a.each
    made = Limit(
        values=b.values if a.values is None else a.values if b.values is None else a.values & b.values,
        excluded=a.excluded | b.excluded,
        low=_higher(a.low, b.low),
        high=_lower(a.high, b.high),
        shortest=_higher(a.shortest, b.shortest),
        longest=_lower(a.longest, b.longest),
        patterns=tuple(dict.fromkeys(a.patterns + b.patterns)),
        unmatched=tuple(dict.fromkeys(a.unmatched + b.unmatched)),
        each=each,
        some=(*a.some, *(one for one in b.some if one not in a.some)),
        inner=inner,
    )
    if made.values is not None:
        left = frozenset(value for value in made.values if _possible(value, made))
        made = evolve(made, values=left, excluded=frozenset(), low=None, high=None)
    return None if _empty(made) else made


def _higher(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def _lower(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _possible(value: Any, limit: Limit) -> bool:
    if value in limit.excluded:
        return False
    return (limit.low is None or value >= limit.low) and (limit.high is None or value <= limit.high)


def _empty(limit: Limit) -> bool:
    """Whether no value can be so; not every contradiction is seen."""
    if limit.values is not None and not limit.values:
        return True
    if limit.low is not None and limit.high is not None and limit.low > limit.high:
        return True
    longest = 0 if limit.each == NEVER else limit.longest
    if limit.shortest is not None and longest is not None and limit.shortest > longest:
        return True
    if limit.each is not None and any(both(limit.each, one) == NEVER for one in limit.some):
        return True
    return any(one == NEVER for one in limit.some)


# --- of all arguments


def all_of(boxes: Iterable[Box | None]) -> Box | None:
    """Return what holds where all boxes do; None, which is also a box that cannot hold, where they surely cannot."""
    members: dict[str, Domain] = {}
    required, absent = frozenset[str](), frozenset[str]()
    for box in boxes:
        if box is None:
            return None
        for name, domain in box.members.items():
            members[name] = both(members.get(name, ANY), domain)
        required |= box.required
        absent |= box.absent
    absent |= {name for name, domain in members.items() if domain == NEVER}
    if absent & required:
        return None
    return Box({name: domain for name, domain in members.items() if name not in absent}, required, absent)


def one_of(boxes: Iterable[Box | None]) -> Box | None:
    """Return what holds in each of several boxes, argument by argument; what only the whole tells is lost."""
    possible = [box for box in boxes if box is not None]
    if not possible:
        return None
    found = possible[0]
    for box in possible[1:]:
        names = {*found.members, *found.absent} & {*box.members, *box.absent}
        members = {name: either(found.of(name), box.of(name)) for name in sorted(names)}
        found = Box(
            {name: domain for name, domain in members.items() if domain not in (ANY, NEVER)},
            found.required & box.required,
            found.absent & box.absent,
        )
    return found
