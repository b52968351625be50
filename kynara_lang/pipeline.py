"""The front door of the compiler: every phase, by name, in order.

Sources come in as text; nothing here touches the disk. Phases report and go on, so that one run tells an author
everything; only a program without errors is compiled.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeAlias

from attrs import evolve, frozen

from .checker import linter, suppressions
from .checker.check import check
from .checker.declarations import importable
from .checker.linter import LintSettings
from .checker.symbols import Offered, Program, RuleSymbol
from .diagnostics.codes import PROVABLE_CODES, PROVED_CODES
from .diagnostics.diagnostic import Diagnostic, Report
from .diagnostics.source import Source
from .libraries import Libraries as Libraries
from .libraries import standard_library as standard_library
from .syntax import ast, packed, parser

Read: TypeAlias = Callable[[Source, Report], ast.Module]
"""Makes a tree of a source, as `parser.read` does."""


@frozen
class Proven:
    """What proofs found: how many invariants hold, how much is unknown, and what a missing solver leaves open.

    `solved` says that there was a solver.
    """

    findings: tuple[Diagnostic, ...] = ()
    proved: int = 0
    unknown: int = 0
    missing: tuple[str, ...] = ()
    solved: bool = True


Prove: TypeAlias = Callable[[Program, Iterable[Diagnostic], LintSettings], Proven]
"""Proves what can be proved of a program, beyond what lints found."""


@frozen
class Checked:
    """A program that was checked, and what was found. `linted` says whether lints looked at it."""

    program: Program
    diagnostics: tuple[Diagnostic, ...]
    has_errors: bool
    files: int
    linted: bool = False
    proven: Proven | None = None


def check_sources(
    sources: Iterable[Source],
    libraries: Libraries | None = None,
    *,
    report: Report | None = None,
    lints: LintSettings | None = None,
    today: datetime.date | None = None,
    read: Read = parser.read,
    prove: Prove | None = None,
) -> Checked:
    """Parse and check the files of one program with the libraries that they import.

    With `lints`, a program without errors is also looked at by the lints that these settings select; a program is
    compiled whatever lints think of it, so loading one asks for none. `today` is for lints that look at dates. `read`
    is how a tree is made of a source. With `prove`, what lints leave open is proved.
    """
    report = report or Report()
    libraries = libraries or standard_library()
    sources = list(sources)
    modules = [read(source, report) for source in sources]
    imported = _imported(modules, libraries, report, read)
    program = check(modules, imported, Offered(libraries.names, _declared(libraries, read)), report)
    proven = None
    linted = lints is not None and not report.has_errors
    if lints is not None and linted:
        found = linter.run(program, lints, today)
        ran = frozenset(linter.running_codes(lints))
        if prove is not None:
            proven = prove(program, found, lints)
            found = (*found, *proven.findings)
            # Where nothing was proved, nobody knows whether a suppression of what proofs find is of use.
            ran = ran | PROVED_CODES if proven.solved else ran - PROVABLE_CODES
        report.extend(suppressions.heeded(linter.own_modules(program), found, ran, lints, today))
    return Checked(program, report.sorted(), report.has_errors, len(sources), linted, proven)


def read_packed(source: Source, report: Report) -> ast.Module:
    """Return the tree of a source as `parser.read` does, with its rules packed."""
    return parser.read(source, report, packed.pack)


def compile_sources(
    sources: Iterable[Source],
    libraries: Libraries | None = None,
    *,
    report: Report | None = None,
    read: Read = read_packed,
) -> Checked:
    """Parse and check a program to decide requests with, and keep of it what that takes.

    It is checked as `check_sources` does without lints. But of each rule only the head stays, and the rest is packed,
    so lints cannot look at it any more; comments are gone, too. The digest is known already. `read` makes trees whose
    rules are packed.
    """
    from .compiler.digest import Summing  # only here: a check compiles nothing

    report = report or Report()
    libraries = libraries or standard_library()
    sources = list(sources)
    sums: list[Summing] = []

    def summing(program: Program) -> Callable[[RuleSymbol], None]:
        sums.append(Summing(program))
        return sums[0].add

    modules = [read(source, report) for source in sources]
    imported = _imported(modules, libraries, report, read)
    program = check(modules, imported, Offered(libraries.names, _declared(libraries, parser.read)), report, summing)
    program.digest = sums[0].result()
    program.modules = tuple(without_rules(module) for module in program.modules)
    program.has_trees = False
    return Checked(program, report.sorted(), report.has_errors, len(sources))


def without_rules(module: ast.Module) -> ast.Module:
    """Return a module without its rules, which the program has packed, and without its comments."""
    declarations = tuple(d for d in module.declarations if not isinstance(d, ast.RuleDecl))
    return evolve(module, declarations=declarations, comments=(), packed=())


def _declared(libraries: Libraries, read: Read) -> Callable[[str], frozenset[str]]:
    """Return what tells the names that a library module declares; a module is read when it is first asked for."""

    @cache
    def declared(module: str) -> frozenset[str]:
        source = libraries.find(module)
        return frozenset() if source is None else importable(read(source, Report()))

    return declared


def _imported(modules: list[ast.Module], libraries: Libraries, report: Report, read: Read) -> dict[str, ast.Module]:
    """Parse every library module that a program imports, directly or through another."""
    found: dict[str, ast.Module] = {}
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        for item in waiting.pop().imports:
            name = item.module.text
            if name in seen:
                continue
            seen.add(name)
            source = libraries.find(name)
            if source is not None:
                found[name] = read(source, report)
                waiting.append(found[name])
    return dict(sorted(found.items()))
