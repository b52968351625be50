"""Reads conditions that remain after partial evaluation as what they say of the arguments of a call.

A condition is asked what is known where it is true, or where it is false. `and` and `or` are what they are; a
comparison with something known bounds the argument in it; of everything else nothing is known. Whatever makes a
condition so is inside the box that is returned, which may hold more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from ..analysis.arithmetic import CONTRARY
from ..analysis.knowledge import UNKNOWN, Found, Items, Made, plain
from ..checker.symbols import AttributeSymbol
from ..semantics import types
from ..semantics.types import Enum, Record, SetOf, Type
from . import schemas_patterns as patterns
from .constraints import ANY, NEVER, OPEN, Box, Domain, Limit, all_of, both, either, one_of

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDERS: Final = frozenset(_MIRRORED)
Steps: TypeAlias = tuple[tuple[str, str], ...]
Wrap: TypeAlias = Callable[[Domain], Box]


@frozen(eq=False)
class _Place:
    """Something that arguments hold: its type, and the box that says of the call what a domain says of it.

    `steps` are the builtins that are asked of it, such as the host of a URL.
    """

    type: Type
    wrap: Wrap
    steps: Steps = ()


Variables: TypeAlias = Mapping[int, _Place]


def arguments_where(found: Found, parameters: Mapping[str, AttributeSymbol]) -> Box | None:
    """Return what is known of the arguments where a condition is true; None where it surely never is."""
    required = frozenset(name for name, symbol in parameters.items() if not symbol.optional)
    return all_of([Box(required=required), _Reader(parameters).box(found, True)])


class _Reader:
    """Reads conditions about the arguments of one action."""

    def __init__(self, parameters: Mapping[str, AttributeSymbol], variables: Variables | None = None) -> None:
        """Take the parameters, and what the variables of quantifiers around stand for, by what they are made of."""
        self._parameters = parameters
        self._variables = variables or {}

    def box(self, found: Found, wanted: bool) -> Box | None:
        """Return what is known where a condition has a value."""
        if found.failed:
            return None
        if isinstance(found.value, bool):
            return OPEN if found.value is wanted else None
        if found.joined is not None:
            parts = (self.box(part, wanted) for part in found.parts)
            return all_of(parts) if (found.joined == "and") is wanted else one_of(parts)
        if found.made is None:
            return OPEN
        made = evolve(found.made, negated=False) if found.made.negated else found.made
        return self._made(made, wanted is not found.made.negated)

    def _made(self, made: Made, wanted: bool) -> Box | None:
        op, operands = made.op, made.operands
        if op in ("all", "any"):
            return self._quantified(made, wanted)
        if op == "has":
            return self._has(made, wanted)
        if op in ("argument", "field", "variable"):
            place = self._place(made)
            return OPEN if place is None else place.wrap((Limit(values=frozenset({wanted})),))
        if len(operands) == 2 and isinstance(op, str):
            return self._compared(op, operands[0], operands[1], wanted)
        if len(operands) == 2 and isinstance(op, tuple):
            return self._asked(op, operands[0], operands[1], wanted)
        return OPEN

    # --- places

    def _place(self, made: Made | None) -> _Place | None:
        """Return the place that something reads, if it reads one of the arguments."""
        if made is None or made.negated:
            return None
        if made.op == "variable":
            return self._variables.get(id(made))
        if made.op == "argument":
            symbol = self._parameters.get(made.name)
            return None if symbol is None else _Place(symbol.type, lambda domain: Box({made.name: domain}))
        owner = self._place(made.operands[0].made) if len(made.operands) == 1 else None
        if owner is None:
            return None
        if made.op == "field":
            return _field(owner, made.name)
        if isinstance(made.op, tuple):
            return evolve(owner, steps=(*owner.steps, made.op))
        return None

    def _has(self, made: Made, wanted: bool) -> Box:
        box = Box(required=frozenset({made.name})) if wanted else Box(absent=frozenset({made.name}))
        if not made.operands:
            return box
        owner = self._place(made.operands[0].made)
        return OPEN if owner is None or owner.steps else owner.wrap((Limit(inner=box),))

    # --- conditions

    def _quantified(self, made: Made, wanted: bool) -> Box | None:
        domain, variable, body = made.operands
        place = self._place(domain.made)
        if place is None or place.steps or not isinstance(place.type, SetOf) or variable.made is None:
            return OPEN
        inside = _Element()
        element = _Place(place.type.element, inside.wrap)
        reader = _Reader(self._parameters, {**self._variables, id(variable.made): element})
        every = (made.op == "all") is wanted
        found = reader.box(body, wanted)
        each = NEVER if found is None else inside.of(found)
        return place.wrap((Limit(each=each) if every else Limit(some=(each,), shortest=1),))

    def _compared(self, op: str, left: Found, right: Found, wanted: bool) -> Box | None:
        a, b = self._place(left.made), self._place(right.made)
        x, y = _known(left), _known(right)
        if a is not None and y is not UNKNOWN:
            return a.wrap(_domain(a, op, y, wanted))
        if b is None or x is UNKNOWN:
            return OPEN
        if op == "in":  # something known is one of the elements of a set
            return b.wrap(_holds(b, x, wanted))
        return b.wrap(_domain(b, _MIRRORED.get(op, op), x, wanted)) if op in ("==", "!=", *_ORDERS) else OPEN

    def _asked(self, row: tuple[str, str], owner: Found, given: Found, wanted: bool) -> Box | None:
        """Return what a method with one parameter says, be it of what it is asked of or of what is passed."""
        a, b = self._place(owner.made), self._place(given.made)
        x, y = _known(owner), _known(given)
        if a is not None and y is not UNKNOWN:
            if row[0] == "String":
                return a.wrap(_text(a, row[1], y, wanted))
            if a.steps or not isinstance(a.type, SetOf):
                return OPEN
            element = _Place(a.type.element, lambda domain: OPEN)
            if row[1] == "contains_all":
                return a.wrap(_every(_holds(a, one, True) for one in y) if wanted else ANY)
            if wanted:
                return a.wrap((Limit(some=(_among(element, y, True),), shortest=1),))
            return a.wrap((Limit(each=_among(element, y, False)),))
        if b is None or x is UNKNOWN or b.steps or not isinstance(b.type, SetOf):
            return OPEN
        element = _Place(b.type.element, lambda domain: OPEN)
        if row[1] == "contains_all":
            each = _among(element, x, wanted)
            return b.wrap((Limit(each=each) if wanted else Limit(some=(each,), shortest=1),))
        return OPEN


class _Element:
    """Stands for an element of a set while the body of a quantifier is read."""

    _NAME = ""

    def wrap(self, domain: Domain) -> Box:
        return Box({self._NAME: domain})

    def of(self, box: Box) -> Domain:
        return box.of(self._NAME)


def _field(owner: _Place, name: str) -> _Place | None:
    """Return a field of a record."""
    kind = owner.type
    at = kind.index(name) if isinstance(kind, Record) and not owner.steps else None
    if at is None or not isinstance(kind, Record):
        return None
    required = frozenset(f.name for f in kind.fields if not f.optional)

    def wrap(domain: Domain) -> Box:
        inner = all_of([Box({name: domain}, required)])
        return owner.wrap(NEVER if inner is None else (Limit(inner=inner),))

    return _Place(kind.fields[at].type, wrap)


def _known(found: Found) -> Any:
    """Return a value that is known for sure, of a set that is written out its elements, else UNKNOWN."""
    if found.failed or found.fails:
        return UNKNOWN
    value = found.value
    if isinstance(value, Items):
        elements = [_known(item) for item in value.items]
        return UNKNOWN if any(e is UNKNOWN for e in elements) else frozenset(elements)
    found_value = plain(value)
    return UNKNOWN if found_value is None else found_value


# --- what a comparison with something known says


def _domain(place: _Place, op: str, value: Any, wanted: bool) -> Domain:
    """Return the values for which a comparison is true, or false."""
    if not wanted and op in CONTRARY:
        op, wanted = CONTRARY[op], True
    if op in ("in", "not in"):
        return _among(place, value, op == "in") if isinstance(value, frozenset) else ANY
    if op in ("==", "!="):
        return _among(place, frozenset({value}), op == "==")
    if op in _ORDERS:
        return _ordered(place, op, value)
    if op == "within" and wanted:
        return _within(place, value if isinstance(value, frozenset) else frozenset({value}))
    if op == "like" and wanted and place.type == types.STRING:
        fold = _folds(place)
        return ANY if fold is None else (Limit(patterns=(patterns.glob(value, fold=fold),)),)
    return ANY


def _folds(place: _Place) -> bool | None:
    """Return whether a text is asked for in lower case; None where it is not the text that is asked about."""
    steps = [step for step in place.steps if step != ("String", "lower")]
    return None if steps else bool(place.steps)


def _ordered(place: _Place, op: str, value: int) -> Domain:
    strict = op in ("<", ">")
    low = value + strict if op in (">", ">=") else None
    high = value - strict if op in ("<", "<=") else None
    match place.steps:
        case () if place.type in (types.INT, types.DECIMAL):
            return (Limit(low=low, high=high),)
        case (*_, ("String", "length")) if _of_text(place):
            return (Limit(shortest=low, longest=high),) if high is None or high >= 0 else NEVER
        case (("Set", "size"),):  # equal elements count once: a list can be longer than its set
            if high is not None and high <= 0:
                return (Limit(longest=0),) if high == 0 else NEVER
            return (Limit(shortest=low),)
    return ANY


def _among(place: _Place, values: frozenset[Any], wanted: bool) -> Domain:
    """Return what is known of what is, or is not, one of some values."""
    if not values:
        return NEVER if wanted else ANY
    if place.steps:
        return _among_asked(place, values) if wanted else ANY
    kind = place.type
    if kind == types.BOOL:
        left = values if wanted else frozenset({True, False}) - values
        return (Limit(values=left),) if left else NEVER
    if isinstance(kind, Enum):
        left = frozenset(kind.values) & values if wanted else frozenset(kind.values) - values
        return (Limit(values=left),) if left else NEVER
    if kind in (types.STRING, types.INT):
        return (Limit(values=values) if wanted else Limit(excluded=values),)
    if not wanted:
        return ANY
    if isinstance(kind, types.Entity):
        return (Limit(values=frozenset(str.__str__(value) for value in values)),)
    if kind == types.DECIMAL:
        return _any(Limit(low=value, high=value) for value in sorted(values))
    found = _spelled(kind, values)
    return ANY if found is None else (Limit(patterns=(found,)),)


def _spelled(kind: Type, values: frozenset[Any]) -> str | None:
    """Return the pattern of the spellings of some values."""
    if kind == types.PATH:
        return patterns.paths(values, within=False)
    if kind == types.HOST:
        return patterns.hosts(values, within=False)
    if kind == types.EMAIL:
        return patterns.one_of(patterns.email(value) for value in sorted(values))
    if kind == types.IP:
        return patterns.one_of(patterns.block(value, value) for value in sorted(values))
    return None


def _among_asked(place: _Place, values: frozenset[Any]) -> Domain:
    """Return what is known of a value of which something (its host, its length) is one of some values."""
    found = None
    match place.steps:
        case (("String", "lower"), *rest) if place.type == types.STRING and not rest:
            found = patterns.equal(values, fold=True)
        case (*_, ("String", "length")) if _of_text(place):
            return _any(Limit(shortest=value, longest=value) for value in sorted(values) if value >= 0)
        case (("Set", "size"),):
            return _any(Limit(shortest=value, longest=None if value else 0) for value in sorted(values) if value >= 0)
        case (("Email", "domain"),):
            found = patterns.email_hosts(values, within=False)
        case (("Url", "host"),):
            found = patterns.url_hosts(values, within=False)
        case (("Url", "scheme"),):
            found = patterns.schemes(values)
        case (("Path", "suffix"),) if "" not in values:
            found = patterns.path_ends(values)
        case (("Path", "name"),) if "" not in values:
            found = patterns.path_ends(values, after="/")
    return ANY if found is None else (Limit(patterns=(found,)),)


def _of_text(place: _Place) -> bool:
    """Whether what is asked last is asked of the text itself, in lower case or not: that is as long."""
    return place.type == types.STRING and all(step == ("String", "lower") for step in place.steps[:-1])


def _within(place: _Place, values: frozenset[Any]) -> Domain:
    """Return what is known of a value that is within one of some places."""
    found = None
    if not values:
        return NEVER
    match place.steps:
        case () if place.type == types.PATH:
            found = patterns.paths(values, within=True)
        case () if place.type == types.HOST:
            found = patterns.hosts(values, within=True)
        case () if place.type == types.IP:
            found = patterns.one_of(patterns.block(*value) for value in sorted(values))
        case (("Email", "domain"),):
            found = patterns.email_hosts(values, within=True)
        case (("Url", "host"),):
            found = patterns.url_hosts(values, within=True)
    return ANY if found is None else (Limit(patterns=(found,)),)


def _text(place: _Place, method: str, value: str, wanted: bool) -> Domain:
    """Return what is known of a text that starts with, ends with or contains another, or does not."""
    fold = _folds(place) if place.type == types.STRING else None
    if fold is None:
        return ANY
    inside = patterns.literal(value, fold=fold)
    if method == "ends_with":  # where a text ends is not told apart from a line's end there, so not negated
        return (Limit(patterns=(f"{inside}$",)),) if wanted else ANY
    pattern = f"^{inside}" if method == "starts_with" else inside
    if wanted:
        return (Limit(patterns=(pattern,)),)
    # A letter folded to match in either case would rule out what only seems to be in the text.
    return ANY if fold else (Limit(unmatched=(pattern,)),)


def _holds(place: _Place, value: Any, wanted: bool) -> Domain:
    """Return what is known of a set that holds a value, or does not."""
    if place.steps or not isinstance(place.type, SetOf):
        return ANY
    element = _Place(place.type.element, lambda domain: OPEN)
    found = _among(element, frozenset({value}), wanted)
    return (Limit(some=(found,), shortest=1) if wanted else Limit(each=found),)


def _every(domains: Iterable[Domain]) -> Domain:
    found = ANY
    for domain in domains:
        found = both(found, domain)
    return found


def _any(limits: Iterator[Limit]) -> Domain:
    found: Domain = NEVER
    for limit in limits:
        found = either(found, (limit,))
    return found
