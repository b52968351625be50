"""The static types of the language, compared by structure."""

from __future__ import annotations

from attrs import field, frozen


@frozen
class Type:
    """What an expression can be; the built-in ones are the constants below."""

    def __str__(self) -> str:
        """Return the type as an author would write it."""
        raise NotImplementedError


@frozen
class Simple(Type):
    """A built-in type without parts."""

    name: str

    def __str__(self) -> str:
        return self.name


@frozen
class Enum(Type):
    """One of a few texts."""

    values: tuple[str, ...] = field(eq=frozenset)

    def __str__(self) -> str:
        shown = " | ".join(f'"{v}"' for v in self.values[:6])
        return shown if len(self.values) <= 6 else shown + " | …"


@frozen
class SetOf(Type):
    """A set; its elements have one type."""

    element: Type

    def __str__(self) -> str:
        return f"Set<{self.element}>"


@frozen
class Field:
    """A field of a record; `external` is its spelling in requests."""

    name: str
    type: Type
    optional: bool = False
    external: str = field(default="", eq=False)


@frozen
class Record(Type):
    """A record; fields are kept sorted by name, so that order of declaration does not matter."""

    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(f"{f.name}: {f.type}{'?' * f.optional}" for f in self.fields) + "}"

    def index(self, name: str) -> int | None:
        """Return the place of a field, or None when there is none of that name."""
        return next((i for i, f in enumerate(self.fields) if f.name == name), None)


@frozen
class Entity(Type):
    """An entity of one of several types, named by their keys; `label` is what an author wrote for them."""

    names: frozenset[str]
    label: str = field(default="", eq=False)
    traits: frozenset[str] = field(default=frozenset(), eq=False)

    def __str__(self) -> str:
        if self.label:
            return self.label
        shown = sorted(n.rpartition(".")[2] for n in self.names)
        return " or ".join(shown[:4]) + (" or …" if len(shown) > 4 else "") if shown else "entity"


BOOL = Simple("Bool")
INT = Simple("Int")
DECIMAL = Simple("Decimal")
STRING = Simple("String")
TIME = Simple("Time")
DURATION = Simple("Duration")
IP = Simple("IP")
EMAIL = Simple("Email")
HOST = Simple("Host")
URL = Simple("Url")
PATH = Simple("Path")

BUILTIN: dict[str, Simple] = {
    t.name: t for t in (BOOL, INT, DECIMAL, STRING, TIME, DURATION, IP, EMAIL, HOST, URL, PATH)
}

# The right side of `within` for an IP: a block of addresses, which only a literal can make.
BLOCK = Simple("address block")
# The type of what was already complained about: it fits everywhere, so that one mistake gives one message.
ERROR = Simple("<error>")
# The type of an empty set's elements: it fits every set.
NOTHING = Simple("nothing")

READ_FROM_TEXT = frozenset({IP, EMAIL, HOST, URL, PATH, BLOCK})


def assignable(value: Type, place: Type) -> bool:
    """Whether a value of one type can stand where the other is needed; there are no conversions."""
    if value in (place, ERROR, NOTHING) or place == ERROR:
        return True
    match value, place:
        case Entity(), Entity():
            return (bool(value.names) and value.names <= place.names) or bool(value.traits & place.traits)
        case Enum(), Enum():
            return set(value.values) <= set(place.values)
        case SetOf(), SetOf():
            return assignable(value.element, place.element)
        case Record(), Record():
            return len(value.fields) == len(place.fields) and all(
                a.name == b.name and assignable(a.type, b.type) and (b.optional or not a.optional)
                for a, b in zip(value.fields, place.fields, strict=True)
            )
    return False


def comparable(a: Type, b: Type) -> bool:
    """Whether two values can ever be equal."""
    if ERROR in (a, b) or NOTHING in (a, b):
        return True
    match a, b:
        case Entity(), Entity():
            return not a.names or not b.names or bool(a.names & b.names)
        case Enum(), Enum():
            return bool(set(a.values) & set(b.values))
        case SetOf(), SetOf():
            return comparable(a.element, b.element)
        case Record(), Record():
            return len(a.fields) == len(b.fields) and all(
                x.name == y.name and comparable(x.type, y.type) for x, y in zip(a.fields, b.fields, strict=True)
            )
    return a == b
