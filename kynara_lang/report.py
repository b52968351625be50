"""What checking a program found, as told to whoever asked for it."""

from __future__ import annotations

from attrs import frozen

from .diagnostics.diagnostic import Diagnostic, Severity


@frozen
class Report:
    """What checking a program found. `rules` counts the rules of its own files, not those of libraries.

    `names` are the files that could be read, `linted` says whether lints looked at them: they do where the language
    itself finds no error. `proved` counts the invariants that hold, `unknown` what could not be settled, and `missing`
    says what is not proved for want of a solver.
    """

    diagnostics: tuple[Diagnostic, ...]
    files: int
    rules: int
    names: tuple[str, ...] = ()
    linted: bool = False
    proved: int = 0
    unknown: int = 0
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing that was found is an error.

        A program with an error of the language cannot be compiled. One with an error of a lint can: it does what it
        says, and what it says is hardly meant.
        """
        return all(diagnostic.severity is not Severity.ERROR for diagnostic in self.diagnostics)
