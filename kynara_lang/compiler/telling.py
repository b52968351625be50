"""What inspection asks of the trees: by what a rule could be told apart, and which cases one request can meet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import frozen

from . import codegen, ir
from .keys import ENCLOSING, Keys, keys_in, keys_of


@frozen
class Telling:
    """By what a switch could tell a rule from others: the label of each such switch, and the tests that say so.

    `late` are those that stand behind what can be an error in a rule that may not be skipped because of that.
    """

    usable: Mapping[str, tuple[ir.Expr, ...]]
    late: Mapping[str, tuple[ir.Expr, ...]]


def telling(test: ir.Test) -> Telling:
    """Return what could tell a rule from others, whether or not a switch was made of it."""
    usable, every = keys_of(test), keys_of(test, certain=False)
    return Telling(_labelled(usable), _labelled({key: asked for key, asked in every.items() if key not in usable}))


def _labelled(keys: Keys) -> dict[str, tuple[ir.Expr, ...]]:
    return {key.label: asked.said for key, asked in keys.items()}


def telling_of(expr: ir.Expr) -> tuple[str, ...]:
    """Return the labels of the switches that one condition alone could be a case of."""
    return tuple(key.label for key, _ in keys_in(expr))


def met_together(switch: ir.Switch) -> Iterator[Collection[Any]]:
    """Yield which cases of a switch one request can meet at once: every largest such set, and perhaps smaller ones."""
    match switch.on:
        case _ if not switch.several:
            yield from ((value,) for value in switch.cases)
        case _ if switch.cover is not None:
            yield from switch.cover.keys
        case ir.Apply(template) if template in ENCLOSING.values():
            around = codegen.function(ir.Apply(template, (ir.Root("subject"),)))
            for value in switch.cases:  # whoever is within several is within what lies deepest, and that in the others
                yield [outer for outer in around(value, *[None] * 6) if outer in switch.cases]
        case _:
            yield switch.cases.keys()
