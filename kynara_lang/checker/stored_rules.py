"""Rules of which only the head is at hand: the body is unpacked, and checked again, when somebody asks for it.

Of a hundred thousand rules a decision looks at some hundred. What tells these from the others (effect, actions, types)
is the head. All else, the tree and what the checker makes of it, is a hundred times as much.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from attrs import define, field, frozen

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span
from ..syntax import ast, packed
from .rules import RuleChecks
from .symbols import Program, RuleSymbol, Scope, Tables

_BODY: Final = ("decl", "subjects", "resources", "conditions", "valid_from", "valid_until", "approval")


@define(eq=False, init=False)
class StoredRule(RuleSymbol):
    """A rule with its head; reading anything of its body makes all of it. A rule with errors has a head only.

    Everything of the body is set once and to what it stays, so whoever reads it meanwhile finds nothing half done.
    """

    span: Span = field(init=False)
    name_span: Span = field(init=False)
    subject_types: frozenset[str] = field(init=False)
    resource_types: frozenset[str] = field(init=False)
    bodies: Bodies = field(init=False)
    line: int = field(init=False)

    def __init__(
        self,
        name: str,
        effect: ast.Effect,
        module: str,
        library: bool,
        span: Span,
        bodies: Bodies,
        line: int,
        name_span: Span | None = None,
    ) -> None:
        """Take what a file says of the rule; what it is about is set when it is checked, or was before.

        Where its name stands is said of rules with mistakes, so one that was checked before need not know.
        """
        self.name, self.effect, self.module, self.library = name, effect, module, library
        self.span, self.bodies, self.line = span, bodies, line
        self.name_span = name_span or span

    def __getattr__(self, name: str) -> Any:
        """Make the body if a part of it is asked for that is not there yet."""
        if name not in _BODY:
            raise AttributeError(name)
        self.bodies.fill(self)
        return object.__getattribute__(self, name)

    @contextmanager
    def opened(self) -> Iterator[RuleSymbol]:
        """Give the rule with its body, which stays only where it is going to be asked for again.

        What many buckets hold is opened for each of them, and who may approve is asked for later.
        """
        buckets = len(self.actions) * len(self.subject_types) * len(self.resource_types)
        if buckets > 1 or self.effect == "require_approval" or _has_body(self):
            yield self
        else:
            with self.bodies.opened(self) as whole:
                yield whole


@define(eq=False)
class Bodies:
    """Makes the bodies of stored rules.

    While a program is checked the lines are those of the files, in their order; once it is, they lie on the shelf.
    """

    shelf: packed.Shelf = field(factory=lambda: packed.Shelf(()))
    _lines: list[bytes] = field(factory=list)
    _lock: threading.RLock = field(factory=threading.RLock)
    _checks: RuleChecks | None = None
    _scopes: Mapping[Source, Scope] = field(factory=dict)
    _shared: dict[frozenset[str], frozenset[str]] = field(factory=dict)

    def add(self, rule: ast.PackedRule) -> int:
        """Take a rule as it was parsed; return its number."""
        self._lines.append(packed.with_doc(rule))
        return len(self._lines) - 1

    def begin(self, program: Program, scopes: Mapping[Source, Scope]) -> None:
        """Take what bodies are checked with; a body was checked before, so its findings are known."""
        self._checks, self._scopes = RuleChecks(program, Report()), scopes

    def check(self, rule: StoredRule, checks: RuleChecks, each: Callable[[RuleSymbol], None]) -> None:
        """Check a rule for the first time, show it to `each`, and keep its head only."""
        with _for_a_while(checks.tables):
            whole = self._whole(rule, checks, self._lines[rule.line])
            rule.actions = self._once(whole.actions)
            rule.subject_types = self._once(whole.subject_types)
            rule.resource_types = self._once(whole.resource_types)
            each(whole)

    def put_away(self, rules: Iterable[StoredRule]) -> None:
        """Put the lines on the shelf, rules that the same requests are about beside each other."""
        ordered = sorted(rules, key=lambda r: (sorted(r.resource_types), sorted(r.actions), r.name))
        self.shelf = packed.Shelf.of(self._taken(rule.line) for rule in ordered)
        for line, rule in enumerate(ordered):
            rule.line = line
        self._lines = []

    @contextmanager
    def opened(self, rule: StoredRule) -> Iterator[RuleSymbol]:
        """Give a rule with its body as `fill` makes it, and keep nothing of that; no other is made meanwhile."""
        with self._lock:
            assert self._checks is not None
            with _for_a_while(self._checks.tables):
                yield self._checked(rule, self._checks)

    def _taken(self, line: int) -> bytes:
        """Return a line, which is gone then: all and their boxes would be the most memory that loading takes."""
        taken, self._lines[line] = self._lines[line], b""
        return taken

    def fill(self, rule: StoredRule) -> None:
        """Make the body of a rule; raise `NoRule` if what lies on the shelf is not the body that was checked."""
        with self._lock:
            if _has_body(rule):
                return  # another thread was faster
            assert self._checks is not None
            whole = self._checked(rule, self._checks)
            for name in _BODY:
                setattr(rule, name, getattr(whole, name))

    def _checked(self, rule: StoredRule, checks: RuleChecks) -> RuleSymbol:
        try:
            whole = self._whole(rule, checks, self.shelf.line(rule.line))
        except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as problem:
            raise packed.NoRule from problem
        if (whole.decl.effect, whole.decl.span) != (rule.effect, rule.span) or checks.report.has_errors:
            raise packed.NoRule  # of a body with errors a part might count
        return whole

    def _whole(self, rule: StoredRule, checks: RuleChecks, line: bytes) -> RuleSymbol:
        source = rule.span.source
        decl = packed.unpack(line, source)
        whole = RuleSymbol(rule.name, rule.effect, decl, rule.module, rule.library, index=rule.index)
        checks.rule(whole, self._scopes[source])
        return whole

    def _once(self, names: frozenset[str]) -> frozenset[str]:
        return self._shared.setdefault(names, names)


@contextmanager
def _for_a_while(tables: Tables) -> Iterator[None]:
    """Take out of the tables, in the end, what was put there meanwhile."""
    marks = [(table, len(table)) for table in (tables.types, tables.constants, tables.targets)]
    try:
        yield
    finally:
        for table, size in marks:
            while len(table) > size:
                table.popitem()


def _has_body(rule: StoredRule) -> bool:
    try:
        object.__getattribute__(rule, _BODY[-1])
    except AttributeError:
        return False
    return True


@frozen(eq=False)
class Kept:
    """What is known of the rules of a program that was checked before: their heads by file, and their bodies."""

    bodies: Bodies
    rules: Mapping[Source, Sequence[StoredRule]]
