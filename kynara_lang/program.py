"""Programs from files and from text: what `kynara_lang.load`, `loads` and `check` do.

The configuration (`kynara.toml`, or `[tool.kynara]` of `pyproject.toml`) says where libraries are. It is looked for
upwards from the first path, so that a program means the same whatever the working folder of the process is.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import evolve

from .ahead import parsing_ahead
from .checker.linter import LintSettings, own_modules
from .collecting import undisturbed
from .configuration import Configuration, find_configuration
from .diagnostics.diagnostic import Diagnostic, Severity
from .diagnostics.source import Source
from .files import FilesError, PolicyFile, find_files
from .inputs import Inputs, read_inputs
from .pipeline import Checked, Prove, Proven, Read, check_sources, compile_sources
from .report import Report as Report
from .syntax import packed, parser

if TYPE_CHECKING:
    from .checker.symbols import Program
    from .runtime.entities import Entities
    from .runtime.policyset import PolicySet

AnyPath: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = AnyPath | Iterable[AnyPath]

_MOST_SHOWN = 20


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


class ProgramCache(Protocol):
    """Keeps compiled programs; `kynara_lang.program_cache()` returns one."""

    def find_program(self, inputs: Inputs) -> Program | None:
        """Return the program that some inputs were compiled to before, None if there is none that fits them."""

    def keep_program(self, inputs: Inputs, program: Program) -> None:
        """Keep what some inputs were compiled to."""


def load(
    paths: Paths, *, entities: Entities | None = None, cache: ProgramCache | None = None, jobs: int = 1
) -> PolicySet:
    """Compile the program in a file, a folder or several of them.

    With `cache`, as `program_cache()` returns one, a program that was compiled before is taken from it, which takes a
    thirtieth of the time. Whoever can write to its folder decides what is decided, so give one only where nobody can
    who may not write policies. Files are parsed in at most `jobs` processes, as many as are worth it.

    Raises `CompileError` if it has errors, `FilesError` (an `OSError`) if a path cannot be used, `ConfigurationError`
    (a `ValueError`) for a broken configuration, `EntitiesError` (also one) if the store does not fit, and `TypeError`
    or `ValueError` if `cache` is no cache or `jobs` no number of processes.
    """
    if cache is not None and not hasattr(cache, "find_program"):
        raise TypeError("cache must be what `kynara_lang.program_cache()` returns, or None")
    _refuse_no_number(jobs)
    return _compiled(compile_inputs(_inputs(paths)[0], cache, jobs), entities)


def loads(text: str, *, name: str = "policy.kyn", entities: Entities | None = None) -> PolicySet:
    """Compile a program given as text; `name` is the file name that diagnostics show. Raises as `load` does.

    A text lies in no folder, so it has no configuration: it can import the standard library.
    """
    with undisturbed():
        checked = compile_sources([Source(name, text)])
    return _compiled(checked, entities)


def check(paths: Paths, *, prove: bool | None = None, jobs: int = 1) -> Report:
    """Check the program in a file, a folder or several of them, with the lints that the configuration selects.

    `prove` asks for proofs, or refuses them; by default what can be proved in a minute is, if the extra `prove` is
    installed. Files are parsed in at most `jobs` processes. Raises as `load` does, but no `CompileError`.
    """
    _refuse_no_number(jobs)
    from .proofs import ProofWish
    from .proving import proving  # only here: loading proves nothing

    inputs, configuration = _inputs(paths)
    with undisturbed(), parsing_ahead(inputs.sources, jobs) as ahead:
        prover = proving(ProofWish(prove))
        return report_of(check_inputs(inputs, lints=configuration.lints, read=ahead.read, prove=prover))


def check_files(
    files: Sequence[PolicyFile],
    libraries: Sequence[str],
    *,
    unsaved: tuple[str, bytes | None] | None = None,
    lints: LintSettings | None = None,
    texts: Mapping[str, str] | None = None,
    read: Read = parser.read,
) -> Checked:
    """Check files as one program, with libraries from the given folders.

    `unsaved` is the name and the content of one more file that does not come from disk; it takes the place of the
    file of that name, if there is one. A content of None is one that was too large to be read. `lints` says which lints
    look at it, None that none does. `texts` holds, by the name of a file, what it would say instead. `read` is
    how a tree is made of a source.
    """
    inputs = read_inputs(files, libraries, unsaved=unsaved, texts=texts)
    return check_inputs(inputs, lints=lints, read=read)


def check_inputs(
    inputs: Inputs,
    *,
    lints: LintSettings | None = None,
    today: datetime.date | None = None,
    read: Read = parser.read,
    prove: Prove | None = None,
) -> Checked:
    """Check what was read as one program; findings are added to those of reading, so inputs serve one check.

    `lints` says which lints look at it, None that none does; `today` is the day of the check, if not the present one;
    `read` is how a tree is made of a source; `prove` proves what lints leave open.
    """
    findings = inputs.findings
    today = today or datetime.datetime.now(datetime.UTC).date()
    checked = check_sources(
        inputs.sources, inputs.libraries, report=findings, lints=lints, today=today, read=read, prove=prove
    )
    return evolve(checked, files=inputs.files)


def compile_inputs(inputs: Inputs, cache: ProgramCache | None = None, jobs: int | None = 1) -> Checked:
    """Compile what was read, to decide requests; what `cache` knows of it is not worked out again.

    At most `jobs` processes parse files, None for as many as can run at once. Findings are added to those of reading,
    so inputs serve once.
    """
    with undisturbed():
        known = None if cache is None else cache.find_program(inputs)
        if known is not None:
            return Checked(known, (), False, inputs.files)
        with parsing_ahead(inputs.sources, jobs, pack=True) as ahead:
            read = partial(ahead.read, pack=packed.pack)
            checked = compile_sources(inputs.sources, inputs.libraries, report=inputs.findings, read=read)
        if cache is not None and not checked.has_errors:
            cache.keep_program(inputs, checked.program)
        return evolve(checked, files=inputs.files)


def report_of(checked: Checked) -> Report:
    """Return what is told of a checked program."""
    rules = sum(not rule.library for rule in checked.program.rules)
    names = tuple(module.source.name for module in own_modules(checked.program))
    proven = checked.proven or Proven()
    return Report(
        checked.diagnostics,
        checked.files,
        rules,
        names,
        checked.linted,
        proved=proven.proved,
        unknown=proven.unknown,
        missing=proven.missing,
    )


def _refuse_no_number(jobs: int) -> None:
    if type(jobs) is not int:
        raise TypeError("jobs must be a number of processes, such as 2")
    if jobs < 1:
        raise ValueError("jobs must be at least 1")


def _inputs(paths: Paths) -> tuple[Inputs, Configuration]:
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not named:
        raise FilesError("no path was given")
    first = Path(named[0])
    configuration = find_configuration(first if first.is_dir() else first.parent)
    files = find_files(named, apart_from=configuration.libraries)
    return read_inputs(files, configuration.libraries), configuration


def _compiled(checked: Checked, entities: Entities | None) -> PolicySet:
    if checked.has_errors:
        raise CompileError(checked.diagnostics)
    from .runtime.policyset import PolicySet  # only here: checking needs no runtime

    return PolicySet(checked.program, entities)
