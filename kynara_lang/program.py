"""Programs from files and from text: what `kynara_lang.load`, `loads` and `check` do.

The configuration (`kynara.toml`, or `[tool.kynara]` of `pyproject.toml`) says where libraries are. It is looked for
upwards from the first path, so that a program means the same whatever the working folder of the process is.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, frozen

from .checker.linter import LintSettings
from .diagnostics.diagnostic import Diagnostic, Severity
from .diagnostics.diagnostic import Report as Findings
from .diagnostics.source import Source
from .files import (
    FilesError,
    PolicyFile,
    find_configuration,
    find_files,
    find_modules,
    read_source,
    source_of,
)
from .pipeline import Checked, Libraries, check_sources, standard_library

if TYPE_CHECKING:
    from .runtime.entities import Entities
    from .runtime.policyset import PolicySet

AnyPath: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = AnyPath | Iterable[AnyPath]

_MOST_SHOWN = 20


@frozen
class Report:
    """What checking a program found. `rules` counts the rules of its own files, not those of libraries."""

    diagnostics: tuple[Diagnostic, ...]
    files: int
    rules: int

    @property
    def ok(self) -> bool:
        """Whether the program can be compiled: nothing that was found is an error."""
        return all(diagnostic.severity is not Severity.ERROR for diagnostic in self.diagnostics)


class CompileError(Exception):
    """A program has errors and was not compiled; `diagnostics` holds all that was found, warnings too."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Take everything that was found."""
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        """Return how many errors there are, and each on a line of its own: place, code, name and message."""
        from .diagnostics.render_text import render_concise  # only here: it is slow to import

        errors = [d for d in self.diagnostics if d.severity is Severity.ERROR]
        lines = [f"the policy has {len(errors)} {'error' if len(errors) == 1 else 'errors'}"]
        lines += [render_concise(error) for error in errors[:_MOST_SHOWN]]
        if len(errors) > _MOST_SHOWN:
            lines.append(f"and {len(errors) - _MOST_SHOWN} more")
        return "\n".join(lines)


def load(paths: Paths, *, entities: Entities | None = None) -> PolicySet:
    """Compile the program in a file, a folder or several of them.

    Raises `CompileError` if it has errors, `FilesError` (an `OSError`) if a path cannot be used, `ConfigurationError`
    (a `ValueError`) for a broken configuration, and `EntitiesError` (also one) where the store does not fit.
    """
    return _compiled(_checked(paths), entities)


def loads(text: str, *, name: str = "policy.kyn", entities: Entities | None = None) -> PolicySet:
    """Compile a program given as text; `name` is the file name that diagnostics show. Raises as `load` does.

    A text lies in no folder, so it has no configuration: it can import the standard library.
    """
    return _compiled(check_sources([Source(name, text)]), entities)


def check(paths: Paths) -> Report:
    """Check the program in a file, a folder or several of them; raises as `load` does, but no `CompileError`."""
    return report_of(_checked(paths, lints=LintSettings()))


def check_files(
    files: Sequence[PolicyFile],
    libraries: Sequence[str],
    *,
    unsaved: tuple[str, bytes | None] | None = None,
    lints: LintSettings | None = None,
) -> Checked:
    """Check files as one program, with libraries from the given folders.

    `unsaved` is the name and the content of one more file that does not come from disk; it takes the place of the
    file of that name, if there is one. A content of None is one that was too large to be read. `lints` says which lints
    look at it, None that none does.
    """
    findings = Findings()
    name, content = unsaved or ("", None)
    if unsaved is not None:
        place = os.path.realpath(name)
        files = [file for file in files if file.real != place]
    found = [read_source(file, findings) for file in files]
    if unsaved is not None:
        found.append(source_of(name, content, findings))
    sources = [source for source in found if source is not None]
    today = datetime.datetime.now(datetime.UTC).date()
    checked = check_sources(sources, _libraries(libraries, findings), report=findings, lints=lints, today=today)
    return evolve(checked, files=len(found))


def report_of(checked: Checked) -> Report:
    """Return what is told of a checked program."""
    rules = sum(not rule.library for rule in checked.program.rules)
    return Report(checked.diagnostics, checked.files, rules)


def _checked(paths: Paths, lints: LintSettings | None = None) -> Checked:
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not named:
        raise FilesError("no path was given")
    first = Path(named[0])
    configuration = find_configuration(first if first.is_dir() else first.parent)
    files = find_files(named, apart_from=configuration.libraries)
    return check_files(files, configuration.libraries, lints=lints)


def _compiled(checked: Checked, entities: Entities | None) -> PolicySet:
    if checked.has_errors:
        raise CompileError(checked.diagnostics)
    from .runtime.policyset import PolicySet  # only here: checking needs no runtime

    return PolicySet(checked.program, entities)


def _libraries(folders: Sequence[str], findings: Findings) -> Libraries:
    """Return the standard library together with the modules of some folders."""
    standard = standard_library()
    if not folders:
        return standard
    modules = find_modules(folders)

    def find(name: str) -> Source | None:
        file = modules.get(name)
        return standard.find(name) if file is None else read_source(file, findings)

    return Libraries(find, tuple(sorted({*standard.names, *modules})))
