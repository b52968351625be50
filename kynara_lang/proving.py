"""Proofs as part of a check: the solver, the evaluator and the memory are brought together here.

A check proves by itself what it can in a minute, if the extra `prove` is installed. One that was asked to prove takes
as long as it takes, and what stays unknown is an error. Without the extra, what is not proved is said in one line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from attrs import evolve, field, frozen

from .analysis import escalation_report
from .analysis.escalation import PATHS, escalations
from .analysis.proving import Memory, Prover, pending
from .analysis.solver import Limits
from .checker.settings import LintSettings
from .checker.symbols import Program
from .diagnostics.diagnostic import Diagnostic, Severity
from .pipeline import Prove, Proven
from .proofs import ProofWish, solver_installed

PATIENCE = 60.0
"""Seconds that a check takes for proofs that nobody asked for."""


@frozen
class Proving:
    """Proves as is wished.

    `memory` keeps answers between runs, `progress` is told how many questions of how many are done.
    """

    wish: ProofWish = field(factory=ProofWish)
    memory: Memory | None = None
    progress: Callable[[int, int], None] = lambda done, total: None

    def __call__(self, program: Program, found: Iterable[Diagnostic], settings: LintSettings) -> Proven:
        """Prove what can be proved of a program without errors, of which the lints found something already."""
        if not solver_installed():
            return Proven(missing=tuple(pending(program)), solved=False)
        from .runtime.replay import Replay  # only here: a check whose outcome is known needs no evaluator

        asked = self.wish.wanted is True
        end = time.monotonic() + PATIENCE
        evaluator, limits = Replay(program), Limits(milliseconds=int(self.wish.seconds * 1000))
        prover = Prover(
            program,
            evaluator,
            limits,
            self.memory,
            self.progress,
            lambda: asked or time.monotonic() < end,
        )
        proofs = prover.run(found, settings.selects)
        if any(settings.selects(code) for code in PATHS):
            left = float("inf") if asked else end - time.monotonic()
            survey = escalations(program, evaluator, limits, seconds=left)
            paths = tuple(d for d in escalation_report.diagnostics(survey) if settings.selects(d.code))
            proofs = evolve(
                proofs,
                findings=(*proofs.findings, *paths),
                unsettled=(*proofs.unsettled, *escalation_report.unsettled(survey)),
            )
        unsettled = [d for d in proofs.unsettled if settings.selects(d.code)]
        if asked:
            unsettled = [evolve(d, severity=Severity.ERROR) for d in unsettled]
        else:  # of rules it is only worth a word to those who asked
            invariants = {(i.decl.name.span.source.name, i.decl.name.span.start) for i in program.invariants}
            unsettled = [d for d in unsettled if (d.span.source.name, d.span.start) in invariants]
        weighed = [_weighed(d, settings) for d in (*proofs.findings, *unsettled)]
        shown = tuple(d for d in weighed if settings.reports(d.code, d.span.source.name))
        return Proven(shown, proofs.proved, len(proofs.unsettled))


def proving(wish: ProofWish, memory: Memory | None = None) -> Prove | None:
    """Return what proves as is wished, None where nothing is to be proved."""
    return None if wish.wanted is False else Proving(wish, memory)


def _weighed(diagnostic: Diagnostic, settings: LintSettings) -> Diagnostic:
    severity = settings.severity(diagnostic.code)
    return diagnostic if severity is None else evolve(diagnostic, severity=severity)
