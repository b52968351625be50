"""A check with what earlier ones left: the report if nothing changed, else the trees of the files that did not."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from ..diagnostics.diagnostic import Report as Findings
from ..diagnostics.source import Source
from ..inputs import Inputs
from ..proofs import NO_PROOFS, ProofWish
from ..report import Report
from . import reports, stamp, trees
from .folder import Cache, key_of, open_cache

if TYPE_CHECKING:
    from ..checker.settings import LintSettings
    from ..checker.symbols import Program
    from ..syntax import ast

_PROVED: Final = "proved"


@frozen
class Keeper:
    """Checks programs, and keeps what is learnt in a cache; without one it checks all the same.

    The stamps of this program are taken when it is made: if somebody edits it while it watches, what is still in memory
    must not be kept as the work of the new one.
    """

    cache: Cache | None = None
    parsing: str = ""
    checking: str = ""

    def find(self, inputs: Inputs, lints: LintSettings, wish: ProofWish = NO_PROOFS) -> Report | None:
        """Return what is known to be found in some inputs today, None if it is not known."""
        if self.cache is None:
            return None
        return reports.find(self.cache, self._key(inputs, lints, wish, _today()), inputs)

    def check(
        self,
        inputs: Inputs,
        lints: LintSettings,
        wish: ProofWish = NO_PROOFS,
        each: Callable[[], None] = lambda: None,
        jobs: int | None = 1,
    ) -> Report:
        """Return what is found in some inputs today; `each` is called for every file whose tree was made.

        At most `jobs` processes parse files, None for as many as can run at once.
        """
        from ..ahead import parsing_ahead  # only here: nothing is checked that is known
        from ..program import check_inputs, report_of
        from ..proving import proving

        today = _today()
        prove = proving(wish, self)
        with parsing_ahead([source for source in inputs.sources if not self._holds(source)], jobs) as ahead:

            def read(source: Source, findings: Findings) -> ast.Module:
                module = self.read(source, findings, ahead.read)
                each()
                return module

            report = report_of(check_inputs(inputs, lints=lints, today=today, read=read, prove=prove))
        if self.cache is not None:
            reports.keep(self.cache, self._key(inputs, lints, wish, today), inputs, report)
            if self.cache.written:
                self.cache.prune()
        return report

    def find_program(self, inputs: Inputs) -> Program | None:
        """Return the program that some inputs were compiled to before, None if there is none that fits them."""
        from . import programs  # only here: most checks compile nothing

        return None if self.cache is None else programs.find(self.cache, self.checking, inputs)

    def keep_program(self, inputs: Inputs, program: Program) -> None:
        """Keep what some inputs were compiled to."""
        from . import programs

        if self.cache is not None:
            programs.keep(self.cache, self.checking, inputs, program)
            self.cache.prune()

    def read(self, source: Source, findings: Findings, parse: trees.Parse = trees.parse) -> ast.Module:
        """Return the tree of a source, as `parse` does where it is not known."""
        if self.cache is None:
            return parse(source, findings)
        return trees.read(self.cache, self.parsing, source, findings, parse)

    def _holds(self, source: Source) -> bool:
        return self.cache is not None and trees.holds(self.cache, self.parsing, source)

    def get(self, key: str) -> str | None:
        """Return what was proved of a question, if it is known."""
        known = None if self.cache is None else self.cache.get(_PROVED, key_of(self.checking, key))
        return None if known is None else known.decode()

    def put(self, key: str, value: str) -> None:
        """Keep what was proved of a question."""
        if self.cache is not None:
            self.cache.put(_PROVED, key_of(self.checking, key), value.encode())

    def _key(self, inputs: Inputs, lints: LintSettings, wish: ProofWish, today: datetime.date) -> str:
        return reports.key(self.checking, today, f"{lints.key()}\n{wish.key()}", inputs)


def open_keeper() -> Keeper:
    """Return what keeps things in the cache of the user, if there can be one.

    Raises `CacheError` if its folder cannot be trusted.
    """
    cache = open_cache()
    if cache is None:
        return Keeper()
    try:
        return Keeper(cache, stamp.of_parsing(), stamp.of_checking())
    except OSError:  # this program does not lie in files of its own
        return Keeper()


def program_cache() -> Keeper:
    """Return the cache of the user, for `load`: `KYNARA_CACHE_DIR`, or `kynara` in the usual folder of caches.

    Raises `CacheError` if its folder cannot be trusted. Where there can be none, nothing is kept and all works.
    """
    return open_keeper()


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
