"""The front door of the compiler: every phase, by name, in order.

Sources come in as text; nothing here touches the disk. Phases report and go on, so that one run tells an author
everything; only a program without errors is compiled.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from attrs import frozen

from . import resources
from .checker import linter
from .checker.check import check
from .checker.linter import LintSettings
from .checker.symbols import Program
from .diagnostics.diagnostic import Diagnostic, Report
from .diagnostics.source import Source
from .syntax import ast
from .syntax.parser import read


@frozen
class Libraries:
    """Where imported modules come from: `find` returns a module's source or None, `names` lists what there is."""

    find: Callable[[str], Source | None]
    names: tuple[str, ...]


@frozen
class Checked:
    """A program that was checked, and what was found."""

    program: Program
    diagnostics: tuple[Diagnostic, ...]
    has_errors: bool
    files: int


def standard_library() -> Libraries:
    """Return the library that is shipped: the `std` modules."""

    def find(module: str) -> Source | None:
        found = resources.library_source(module)
        return None if found is None else Source(*found)

    return Libraries(find, tuple(resources.library_modules()))


def check_sources(
    sources: Iterable[Source],
    libraries: Libraries | None = None,
    *,
    report: Report | None = None,
    lints: LintSettings | None = None,
    today: datetime.date | None = None,
) -> Checked:
    """Parse and check the files of one program with the libraries that they import.

    With `lints`, a program without errors is also looked at by the lints that these settings select; a program is
    compiled whatever lints think of it, so loading one asks for none. `today` is for lints that look at dates.
    """
    report = report or Report()
    libraries = libraries or standard_library()
    sources = list(sources)
    modules = [read(source, report) for source in sources]
    imported = _imported(modules, libraries, report)
    program = check(modules, imported, libraries.names, report)
    if lints is not None and not report.has_errors:
        report.extend(linter.run(program, lints, today))
    return Checked(program, report.sorted(), report.has_errors, len(sources))


def _imported(modules: list[ast.Module], libraries: Libraries, report: Report) -> dict[str, ast.Module]:
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
