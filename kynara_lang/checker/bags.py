"""The types of `args`, `context` and `delegation`: names with types, which only attribute access can look into."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from ..semantics.types import INT, Type
from .symbols import ActionSymbol, AttributeSymbol


@frozen
class BagField:
    """One name of a bag: its types (several when actions disagree), whether it may be absent, where it comes from."""

    types: tuple[Type, ...]
    optional: bool
    declared: tuple[AttributeSymbol, ...] = ()
    lacking: tuple[str, ...] = ()


@frozen
class Bag(Type):
    """`args`, `context` or `delegation`; `what` names one of its fields for messages."""

    label: str
    what: str
    fields: Mapping[str, BagField] = field(eq=False)
    where: str = field(default="", eq=False)

    def __str__(self) -> str:
        return self.label


def arguments_of(actions: list[ActionSymbol]) -> Bag:
    """Return the type of `args` in a rule for these actions."""
    names = {name for action in actions for name in action.parameters}
    fields = {}
    for name in sorted(names):
        having = [a for a in actions if name in a.parameters]
        declared = tuple(a.parameters[name] for a in having)
        types: list[Type] = []
        for symbol in declared:
            if symbol.type not in types:
                types.append(symbol.type)
        lacking = tuple(sorted(a.name for a in actions if name not in a.parameters))
        optional = bool(lacking) or any(symbol.optional for symbol in declared)
        fields[name] = BagField(tuple(types), optional, declared, lacking)
    where = f" of `{actions[0].name}`" if len(actions) == 1 else " of these actions" if actions else ""
    return Bag("args", "argument", fields, where)


def context_of(declared: Mapping[str, AttributeSymbol]) -> Bag:
    """Return the type of `context`."""
    return Bag(
        "context",
        "context field",
        {name: BagField((symbol.type,), symbol.optional, (symbol,)) for name, symbol in declared.items()},
    )


DELEGATION = Bag("delegation", "member", {"depth": BagField((INT,), False)})
