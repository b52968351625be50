"""A diagnostic as data: what is wrong, where, why it matters, and what to write instead.

Phases make diagnostics and go on; how they look is decided elsewhere. The shape follows rustc's: one primary span
whose label stands alone, further labelled places, facts in notes, and the cure, as text to copy, in help.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from attrs import frozen

from .codes import CODES
from .source import Span
from .suggest import near

_LONGEST = 600  # characters of one remark: an author's words are shown, but not a page of them
_COMPARED = 100_000  # names compared for suggestions in one report: hostile input must not buy endless work


class Severity(StrEnum):
    """How much a diagnostic weighs: an error fails the check, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Label:
    """A second or primary place with a few words that stand alone when read alone."""

    span: Span
    message: str


@frozen
class Edit:
    """Replace the characters of a span by other text."""

    span: Span
    replacement: str


@frozen
class Fix:
    """Edits that cure a diagnostic; `safe` says that they cannot widen access or change a decision."""

    message: str
    edits: tuple[Edit, ...]
    safe: bool = False


@frozen
class Hop:
    """One step of a path, such as that of an escalation: where it is allowed, and what it does, in words.

    `rule` is the full name of the rule that allows it, `effect` the effect of the action that makes it a step, `gains`
    what is had afterwards and was not before, `witness` a request for it.
    """

    span: Span
    message: str
    rule: str | None = None
    action: str | None = None
    effect: str | None = None
    gains: str | None = None
    witness: dict[str, Any] | None = None


@frozen
class Diagnostic:
    """One finding about a program. `labels[0]` is the primary place; `path` holds the steps that lead to it."""

    code: str
    message: str
    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    severity: Severity = Severity.ERROR
    witness: dict[str, Any] | None = None
    path: tuple[Hop, ...] = ()

    @property
    def name(self) -> str:
        """The readable name of the code, such as `unknown-name`."""
        return CODES[self.code].name

    @property
    def span(self) -> Span:
        """The primary place."""
        return self.labels[0].span


class Report:
    """Collects diagnostics while phases go on; one place is blamed once for one code."""

    def __init__(self) -> None:
        """Start without diagnostics."""
        self._found: dict[tuple[str, str, int, int], Diagnostic] = {}
        self._compared = 0

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        labels: Iterable[tuple[Span, str]] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Add a diagnostic whose primary place is `span`; the code's own severity is taken when none is given."""
        more = tuple(Label(place, _clipped(text)) for place, text in labels)
        self.append(
            Diagnostic(
                code=code,
                message=_clipped(message),
                labels=(Label(span, _clipped(label)), *more),
                notes=tuple(_clipped(note) for note in notes),
                help=None if help is None else _clipped(help),
                fix=fix,
                severity=severity or Severity(CODES[code].severity),
            )
        )

    def append(self, diagnostic: Diagnostic) -> None:
        """Add a finished diagnostic unless the same code was already reported at the same place."""
        span = diagnostic.span
        self._found.setdefault((diagnostic.code, span.source.name, span.start, span.end), diagnostic)

    def replace(self, diagnostic: Diagnostic) -> None:
        """Put a finished diagnostic in the place of the one with the same code at the same place."""
        span = diagnostic.span
        self._found[(diagnostic.code, span.source.name, span.start, span.end)] = diagnostic

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add several finished diagnostics."""
        for diagnostic in diagnostics:
            self.append(diagnostic)

    def near(self, word: str, names: Iterable[str]) -> str | None:
        """Return the name closest to a word, as `suggest.near` does, until a lot of names have been compared."""
        if self._compared > _COMPARED:
            return None
        candidates = list(names)
        return near(word, candidates) if self.may_compare(len(candidates)) else None

    def may_compare(self, count: int) -> bool:
        """Whether so many more names may be compared for a suggestion; they count as compared."""
        self._compared += count
        return self._compared <= _COMPARED

    @property
    def last(self) -> Diagnostic | None:
        """The diagnostic that was added last."""
        return next(reversed(self._found.values()), None)

    @property
    def has_errors(self) -> bool:
        """Whether anything found is an error."""
        return any(d.severity is Severity.ERROR for d in self._found.values())

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return all diagnostics by file and place, so that no order of work shows through."""
        return tuple(sorted(self._found.values(), key=lambda d: (d.span.source.name, d.span.start, d.code, d.message)))


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
