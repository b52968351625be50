"""Diagnostics as text for people: the full form with source excerpts, and the concise form of one line.

The plain text of the full form is its golden form; colours are styles laid over it and say nothing of their
own. The result is laid out for its width already: print it with `soft_wrap=True`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text

from .diagnostic import Diagnostic, Fix, Label, Severity
from .excerpt import TAB, Role, excerpt_lines, gutter_width, visible, wrap
from .witness_text import witness_lines

NARROWEST = 32

_SEVERITY_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_ROLE_STYLES = {Role.GUTTER: "bold blue", Role.PLACE: "", Role.SOURCE: "", Role.SECONDARY: "bold blue"}


def render_full(diagnostics: Iterable[Diagnostic], *, width: int = 100) -> Text:
    """Return all diagnostics in their full form, with a blank line between two of them."""
    return _text("\n\n").join(render_diagnostic(diagnostic, width=width) for diagnostic in diagnostics)


def render_diagnostic(diagnostic: Diagnostic, *, width: int = 100) -> Text:
    """Return one diagnostic in its full form: what, where with the source lines, notes, and help to copy."""
    width = max(width, NARROWEST)
    excerpt = render_excerpt(diagnostic.labels, width=width, severity=diagnostic.severity)
    lines = [*_title(diagnostic, width), excerpt]
    margin = " " * gutter_width(diagnostic.labels) + " "
    below: list[Text] = []
    for note in diagnostic.notes:
        below += _remark(margin, "note", note, width)
    if diagnostic.witness is not None:
        below += _remark(margin, "witness", "a request, which the evaluator confirms:", width)
        below += [_text(f"{margin}{TAB}{_copied(line)}") for line in witness_lines(diagnostic.witness)]
    if diagnostic.help:
        first, *rest = diagnostic.help.split("\n")
        below += _remark(margin, "help", first, width)
        below += [_text(f"{margin}{TAB}{_copied(line)}".rstrip()) for line in rest]
    if diagnostic.fix:
        below += _remark(margin, "fix", _fix_words(diagnostic.fix), width)
    if below:
        lines += [_text(margin + "|", _ROLE_STYLES[Role.GUTTER]), *below]
    return _text("\n").join(lines)


def render_excerpt(labels: Sequence[Label], *, width: int = 100, severity: Severity = Severity.NOTE) -> Text:
    """Return the source lines of some labels, the first of them marked in the colour of a severity."""
    styles = _ROLE_STYLES | {Role.PRIMARY: _SEVERITY_STYLES[severity]}
    lines = []
    for line in excerpt_lines(labels, width, measure=cell_len):
        shown = _text("")
        for piece in line.pieces:
            shown.append(piece.text, styles[piece.role])
        shown.rstrip()
        lines.append(shown)
    return _text("\n").join(lines)


def render_concise(diagnostic: Diagnostic) -> str:
    """Return one diagnostic on one line: `file:line:column: error[KYN101] unknown-name: message`."""
    place = diagnostic.span.first
    return f"{visible(diagnostic.span.source.name)}:{place.line}:{place.column}: {_headline(diagnostic)}"


def _headline(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.name}: {visible(diagnostic.message)}"


def _title(diagnostic: Diagnostic, width: int) -> list[Text]:
    first, *rest = wrap(_headline(diagnostic), width - len(TAB), cell_len)
    if not rest or cell_len(_headline(diagnostic)) <= width:
        first, rest = _headline(diagnostic), []
    title = _text(first, "bold")
    title.stylize(_SEVERITY_STYLES[diagnostic.severity], 0, first.find(" "))
    return [title, *(_text(TAB + line, "bold") for line in rest)]


def _remark(margin: str, kind: str, words: str, width: int) -> list[Text]:
    """Return `= kind: words`, wrapped, each further line under the first word."""
    head = f"{margin}= {kind}: "
    room = max(width - len(head), 16)
    lines = [part for line in words.split("\n") for part in wrap(visible(line), room, cell_len)]
    shown = _text(head, _ROLE_STYLES[Role.GUTTER])
    shown.stylize("bold", len(margin) + 2, len(head) - 1)
    shown.append(lines[0])
    shown.rstrip()
    return [shown, *(_text((" " * len(head) + line).rstrip()) for line in lines[1:])]


def _copied(line: str) -> str:
    return TAB.join(visible(part) for part in line.split("\t"))


def _fix_words(fix: Fix) -> str:
    return f"{fix.message} (`kynara check {'--fix' if fix.safe else '--unsafe-fixes'}`)"


def _text(words: str, style: str = "") -> Text:
    """Return text that a console prints as it is; the style lies on these words alone."""
    text = Text(no_wrap=True, overflow="ignore")
    return text.append(words, style) if words else text
