"""Shortens parse tables: what a level of precedence only passes on goes up all levels in one step.

A number between two operators is a unary expression, a product, a sum, a comparison and so on up to the condition as a
whole; Lark's parser takes each of these steps by itself, and they are half of all that it does. Which of them follow
is known as soon as the state below and the next word are, so a state is made for every such case that goes on where
they end. That is the elimination of unit productions (Pager, "Eliminating unit productions from LR parsers", Acta
Informatica 9, 1977), here only of those that make no node. Language, trees and errors stay as they are: a state
expects the same words as the one that it stands for, and what ends in an error is still taken step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from lark.grammar import Rule
from lark.parsers.lalr_analysis import ParseTableBase, Reduce, Shift

State: TypeAlias = tuple[int, tuple[tuple[str, int], ...]]
"""A state, and where it goes on after a step up: the name of a level, and the state in which that would be reached."""
Row: TypeAlias = Mapping[str, tuple[Any, Any]]

_STANDS_ALONE: Final = ()


def shorten(table: ParseTableBase[int]) -> ParseTableBase[int]:
    """Return tables that take the steps between levels at once; the ones given must be without conflicts."""
    return _Shortened(table).table()


class _Shortened:
    """Makes the states of the shortened tables, each when a row refers to it."""

    def __init__(self, table: ParseTableBase[int]) -> None:
        self._rows: Mapping[int, Row] = table.states
        self._table = table
        self._numbers: dict[State, int] = {}

    def table(self) -> ParseTableBase[int]:
        """Return the tables."""
        starts = {name: self._number((state, _STANDS_ALONE)) for name, state in self._table.start_states.items()}
        ends = {name: self._number((state, _STANDS_ALONE)) for name, state in self._table.end_states.items()}
        states: dict[int, Row] = {}
        pending = list(self._numbers)
        while pending:
            state = pending.pop()
            known = len(self._numbers)
            states[self._numbers[state]] = dict(self._row(state))
            pending += list(self._numbers)[known:]
        return ParseTableBase(states, starts, ends)  # type: ignore[no-untyped-call]

    def _number(self, state: State) -> int:
        return self._numbers.setdefault(state, len(self._numbers))

    def _row(self, state: State) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """Yield what a state does: with each of the words that it expects, and after each expression in it."""
        for one in _all(state):
            for symbol in self._rows[one]:
                if _is_level(symbol):
                    yield symbol, (Shift, self._number(self._entered(state, self._after(state, symbol))))
        for word in self._rows[state[0]]:
            if not _is_level(word):
                action, argument = self._action(state, word)
                if action is Shift:
                    argument = self._number(self._entered(state, argument))
                yield word, (action, argument)

    def _action(self, state: State, word: str) -> tuple[Any, Any]:
        """Return what comes of a word after all steps up; where that is an error, only the first step."""
        first = found = self._rows[state[0]][word]
        up = dict(state[1])
        while _passes_on(found) and found[1].origin.name in up:
            above = self._rows[up[found[1].origin.name]]
            if word not in above:
                return first
            found = above[word]
        return found

    def _entered(self, below: State, entered: int) -> State:
        """Return the state of a state entered above another, with all that steps up from it would lead to."""
        up: dict[str, int] = {}
        pending = [entered]
        while pending:
            for found in self._rows[pending.pop()].values():
                if _passes_on(found) and found[1].origin.name not in up:
                    level = found[1].origin.name
                    reached = self._after(below, level)
                    up[level] = reached
                    pending.append(reached)
        return entered, tuple(sorted(up.items()))

    def _after(self, state: State, level: str) -> int:
        """Return the state that a level leads to.

        There is one: if two of these states went on with the level, the words that begin it would be in conflict.
        """
        (found,) = {self._rows[one][level][1] for one in _all(state) if level in self._rows[one]}
        return int(found)


def _all(state: State) -> tuple[int, ...]:
    return (state[0], *(above for _, above in state[1]))


def _is_level(symbol: str) -> bool:
    return symbol.islower()  # terminals are written in capitals


def _passes_on(found: tuple[Any, Any]) -> bool:
    """Whether an action is a step up that makes no node: the value of a rule with one part is that part."""
    action, rule = found
    if action is not Reduce:
        return False
    assert isinstance(rule, Rule)
    inlined = rule.expansion[0].name.startswith("_") if rule.expansion else True
    return len(rule.expansion) == 1 and rule.options.expand1 and not rule.alias and not inlined
