"""Runs the lints: what the checker says of a program beyond what the language demands.

Lints see a program without errors of the language. Each is a module in `lints/`, found by the name that the table of
codes gives its code; adding the file (and the row) is all it takes. Rules and nodes are walked once for all lints.
Lints look at the program's own files: what a library says is its author's matter.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

from attrs import field, frozen

from ..diagnostics.codes import CODES
from ..diagnostics.diagnostic import Diagnostic, Fix, Report
from ..diagnostics.source import Span
from ..syntax import ast, walk
from . import lints
from .settings import LintSettings as LintSettings
from .symbols import Program, RuleSymbol, Tables

T = TypeVar("T")


@frozen
class Option:
    """A setting of one lint: its default, which also fixes its type (a text, a whole number or a list of texts).

    `problem` says what is wrong with a value of that type, if anything is; its words follow the option's name.
    """

    name: str
    default: str | int | tuple[str, ...]
    meaning: str
    problem: Callable[[Any], str | None] = lambda value: None


@frozen
class Lint:
    """What a lint looks at: each rule, nodes of some classes, or the program as a whole.

    `nodes` maps a node class to a function that gets each node of that class in the program's own files.
    """

    rule: Callable[[RuleSymbol, Context], None] | None = None
    nodes: Mapping[type[ast.Node], Callable[[Any, Context], None]] = field(factory=dict)
    program: Callable[[Context], None] | None = None
    options: tuple[Option, ...] = ()


@frozen
class Context:
    """What a lint is given: the program, and a way to say what it found.

    `today` is the day of the check, None where nobody said it. `shared` keeps what several lints work out alike.
    """

    program: Program
    code: str
    settings: LintSettings
    today: datetime.date | None
    _report: Report
    _shared: dict[Callable[[Program], Any], Any]

    @property
    def tables(self) -> Tables:
        """What the checker knows of expressions."""
        return self.program.tables

    @property
    def rules(self) -> tuple[RuleSymbol, ...]:
        """The rules of the program's own files."""
        return tuple(rule for rule in self.program.rules if not rule.library)

    @property
    def modules(self) -> tuple[ast.Module, ...]:
        """The program's own files."""
        return own_modules(self.program)

    def shared(self, work: Callable[[Program], T]) -> T:
        """Return what a function makes of the program, worked out once for all lints that ask."""
        if work not in self._shared:
            self._shared[work] = work(self.program)
        found: T = self._shared[work]
        return found

    def option(self, name: str) -> Any:
        """Return the value of one of the lint's own options."""
        given = self.settings.options.get(self.code, {})
        if name in given:
            return given[name]
        return next(o.default for o in lint_of(self.code).options if o.name == name)

    def report(
        self,
        span: Span,
        message: str,
        label: str,
        *,
        labels: Iterable[tuple[Span, str]] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Report a finding at a place, with the severity that the table of codes or the settings give it."""
        severity = self.settings.severity(self.code)
        self._report.add(
            self.code, message, span, label, labels=labels, notes=notes, help=help, fix=fix, severity=severity
        )


@cache
def lint_codes() -> tuple[str, ...]:
    """Return the codes that have a lint, sorted; found by the files there are."""
    names = {code.name.replace("-", "_"): code.code for code in CODES.values()}
    files = sorted(module.name for module in iter_modules(lints.__path__))
    return tuple(sorted(names[name] for name in files))


@cache
def lint_module(code: str) -> Any:
    """Return the module of a lint: its docstring is the page, `LINT`, `VALID` and `INVALID` are in it."""
    return import_module(f"{lints.__name__}.{CODES[code].name.replace('-', '_')}")


def lint_of(code: str) -> Lint:
    """Return the lint of a code."""
    lint = lint_module(code).LINT
    assert isinstance(lint, Lint)
    return lint


def running_codes(settings: LintSettings) -> tuple[str, ...]:
    """Return the codes of the lints that settings select."""
    return tuple(code for code in lint_codes() if settings.selects(code))


def own_modules(program: Program) -> tuple[ast.Module, ...]:
    """Return the files that are the program itself, without its libraries."""
    return tuple(module for module in program.modules if module.source not in program.library_sources)


def own_trees(program: Program) -> tuple[ast.Module, ...]:
    """Return the files that are the program itself, with all that is written there.

    Raises `ValueError` for a program that was compiled to decide with: nothing would be found in it.
    """
    if not program.has_trees:
        raise ValueError("this program was compiled to decide with, and its rules are packed: check its files instead")
    return own_modules(program)


def run(program: Program, settings: LintSettings, today: datetime.date | None = None) -> tuple[Diagnostic, ...]:
    """Return what the selected lints find in a program without errors, by file and place.

    What comments and settings silence in single files is still in it; `suppressions.heeded` takes that away.
    """
    report = Report()
    shared: dict[Callable[[Program], Any], Any] = {}
    trees = own_trees(program)
    running = [
        (lint_of(code), Context(program, code, settings, today, report, shared)) for code in running_codes(settings)
    ]
    by_node: dict[type[ast.Node], list[tuple[Callable[[Any, Context], None], Context]]] = {}
    for lint, context in running:
        if lint.program is not None:
            lint.program(context)
        if lint.rule is not None:
            for rule in context.rules:
                lint.rule(rule, context)
        for kind, function in lint.nodes.items():
            by_node.setdefault(kind, []).append((function, context))
    if by_node:
        for module in trees:
            for top in (*module.imports, *module.declarations):
                for node in walk.descend(top):
                    for function, context in by_node.get(type(node), ()):
                        function(node, context)
    return report.sorted()
