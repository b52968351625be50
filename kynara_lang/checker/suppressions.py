"""Comments that silence a finding: `# kynara: ignore[KYN302] reason="…" until=2027-01-01`.

Takes what the lints found and gives what is left of it, together with what is wrong with the comments themselves
(KYN803). A suppression covers its own line, or, where it has a line for itself, the next line with code; it silences
findings that start there. There is one way to write one, so that all of them can be searched for; whatever looks
like an attempt is reported rather than passed over, because its author believes that it works.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from ..diagnostics.codes import CODES
from ..diagnostics.diagnostic import Diagnostic, Edit, Fix, Report
from ..diagnostics.source import Source, Span
from ..diagnostics.suggest import distance
from ..semantics.problems import quoted
from ..syntax import ast
from .settings import LintSettings, beyond_settings, code_problem

CODE: Final = "KYN803"

_REASON_GIVEN: Final = 'reason="why this is fine"'
_FORM: Final = re.compile(r"# kynara: ignore\[([^\]]*)\](.*)", re.DOTALL)
_NO_CODES: Final = re.compile(r"# kynara: ignore\b")
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_MEMBER: Final = re.compile(rf'\s+(?:(reason)=({_TEXT})|(until)=([^\s"]+))')
_UNQUOTED: Final = re.compile(r"\s+reason=\s*['“”„’‘]?([^\"'“”’‘]+?)['“”’‘]?(?=\s+until=|\s*\Z)")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_REMARK: Final = re.compile(rf"{_TEXT}|(?<=\s)(#)")
_HINT: Final = re.compile(r"kynara|KYN\d|ignore|disable|suppress|silence|noqa|nolint|nosec|nosemgrep", re.IGNORECASE)
_LONGEST: Final = 2000  # characters of a comment; looking at much longer ones would take its time
_MEANT: Final = "ignore|disable|suppress|silence|noqa|nolint"
_WORDS: Final = _MEANT.split("|")
_PERHAPS: Final = f"{_MEANT}|allow|skip|off"
_ATTEMPT: Final = re.compile(
    rf"""\#+\s*(?:
        kynara\s*:\s*(?P<word>\w+)(?P<code>\s*[\[(=:]\s*KYN\d)?           # the word is looked at more closely
      | kynara[\s:-]*(?:{_PERHAPS})\s*(?:[\[(=:]|\bKYN\d|\breason\b|\ball\b|\Z)
      | (?:[\w-]+\s*:\s*)?(?:{_PERHAPS})\s*[\[(=:]?\s*KYN\d
      | (?:noqa|nolint|nosec|nosemgrep)\b
      | type:\s*ignore\b
      | (?:regal|opa|ruff|pylint|eslint|flake8)[\s:-]*(?:{_MEANT})\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_BEHIND: Final = re.compile(r"(?<![`\"'])#\s*kynara:\s*ignore\b")
_CODE: Final = re.compile(r"KYN\d{3}", re.IGNORECASE)
_REASON: Final = re.compile(r"reason\s*[=:]\s*(?:[\"“']([^\"”']+)[\"”'])", re.IGNORECASE)


@define
class _Use:
    """One code of a suppression, and how many findings it covers."""

    code: str
    span: Span
    covers: int = 0


@frozen
class _Suppression:
    """A suppression that is written as it must be."""

    comment: ast.Comment
    line: int | None  # the line it covers; None where no code follows
    uses: tuple[_Use, ...]
    until: datetime.date | None
    until_span: Span
    expired: bool


def heeded(
    modules: Iterable[ast.Module],
    findings: Iterable[Diagnostic],
    ran: Collection[str],
    settings: LintSettings,
    today: datetime.date | None,
) -> tuple[Diagnostic, ...]:
    """Return the findings that no comment and no setting for single files silences, by file and place.

    Among them is what is wrong with the comments. `ran` holds the codes of what was looked for: of others it is not
    known whether there is something to silence. A suppression is good through its day; with None for `today` it is not
    known to be expired.
    """
    by_source: dict[Source, list[Diagnostic]] = {}
    for finding in findings:
        if settings.reports(finding.code, finding.span.source.name):
            by_source.setdefault(finding.span.source, []).append(finding)
    report = Report()
    for module in modules:
        here = by_source.get(module.source, [])
        reader = _Reader(settings, today, here, report)
        suppressions = reader.suppressions(module)
        left = [finding for finding in here if not _covered(finding, suppressions)]
        for suppression in suppressions:
            _tell_idle(suppression, left, ran, reader)
        by_source[module.source] = left
    for left in by_source.values():
        report.extend(left)
    return report.sorted()


def _covered(finding: Diagnostic, suppressions: Sequence[_Suppression]) -> bool:
    """Whether a suppression silences a finding; the one that covers it first counts as used."""
    if not suppressions:
        return False
    line = finding.span.first.line
    covering = [(s, use) for s in suppressions if s.line == line for use in s.uses if use.code == finding.code]
    if not covering:
        return False
    suppression, use = min(covering, key=lambda pair: pair[0].expired)
    use.covers += 1
    return not suppression.expired


# Reading


@frozen
class _Reader:
    """Reads the suppressions of one file, and reports what is wrong with them; `here` is what was found in it."""

    settings: LintSettings
    today: datetime.date | None
    here: Sequence[Diagnostic]
    report: Report = field(repr=False)

    def tell(
        self, span: Span, message: str, label: str, help: str, notes: Iterable[str] = (), fix: Fix | None = None
    ) -> None:
        """Report what is wrong with a suppression, if that is wanted in this file."""
        if self.settings.reports(CODE, span.source.name):
            severity = self.settings.severity(CODE)
            self.report.add(CODE, message, span, label, notes=notes, help=help, fix=fix, severity=severity)

    def suppressions(self, module: ast.Module) -> list[_Suppression]:
        """Return the suppressions of a file that are written as they must be."""
        found = []
        for comment in module.comments:
            if not _HINT.search(comment.text):
                continue
            if len(comment.text) > _LONGEST:
                self._tell_long(comment)
                continue
            said, remark = _parted(comment)
            if (written := _FORM.fullmatch(said.text)) is not None:
                if (suppression := self._suppression(said, written)) is not None:
                    found.append(suppression)
            elif _attempted(said):
                self._tell_attempt(said)
            elif remark is not None and not comment.own_line and (late := _BEHIND.search(remark.text)):
                self._tell_late(said, _part(remark, late.start(), len(remark.text)))
        return found

    def _suppression(self, comment: ast.Comment, written: re.Match[str]) -> _Suppression | None:
        """Read what a suppression says; report all that is wrong with it and return None if anything is."""
        uses = [_Use(span.text, span) for span in _listed(comment, written)]
        fine = self._codes_are_fine(comment, uses)
        values: dict[str, tuple[str, Span]] = {}
        at = written.start(2)
        while at < len(comment.text):
            member = _MEMBER.match(comment.text, at)
            name = (member[1] or member[3]) if member else ""
            if member is None or name in values:
                self._tell_rest(comment, at, member)
                return None
            values[name] = (member[2] or member[4], _part(comment, *member.span()))
            at = member.end()
        if not values.get("reason", ("", comment.span))[0][1:-1].strip():
            shown = f"{comment.text[: written.start(2)]} {_REASON_GIVEN}"
            self.tell(
                comment.span,
                "this suppression gives no reason, and silences nothing",
                "why is the finding fine here?",
                f"say it to those who read this later: `{shown}`",
            )
            fine = False
        text, place = values.get("until", ("", comment.span))
        until = _date(text)
        if text and until is None:
            self.tell(
                place,
                f"{quoted(text)} is no date, and the suppression silences nothing",
                "the last day on which it holds",
                "write year, month and day: `until=2027-01-31`",
            )
            fine = False
        if not fine:
            return None
        expired = until is not None and self.today is not None and self.today > until
        return _Suppression(comment, _line_covered(comment), tuple(uses), until, place, expired)

    def _tell_rest(self, comment: ast.Comment, at: int, repeated: re.Match[str] | None) -> None:
        """Report what is neither a reason nor a date, or repeats one."""
        if repeated is None and (bare := _UNQUOTED.match(comment.text, at)) is not None:
            span = _part(comment, at, bare.end())
            message = "a reason stands in double quotes, and this suppression silences nothing"
            self.tell(span, message, "no text in quotes", f'write `reason="{bare[1].strip()}"`')
            return
        span = _part(comment, at, repeated.end() if repeated else len(comment.text))
        if repeated:
            message = f"{quoted(span.text)} is said twice, and the suppression silences nothing"
        else:
            message = f"{quoted(span.text)} is no part of a suppression, which silences nothing"
        form = f"`{_form(_codes_of(comment.text) or self._codes_at(comment))} until=2027-01-31`"
        self.tell(span, message, "cannot stand here", f"this is the whole form, where `until` may be left out: {form}")

    def _codes_are_fine(self, comment: ast.Comment, uses: Sequence[_Use]) -> bool:
        """Report each code that cannot be silenced; whether there was none."""
        if not uses:
            self._tell_blanket(comment, comment.span, "a suppression names the codes that it silences")
        fine = bool(uses)
        for use in uses:
            code = use.code
            problem = code_problem(code)
            if code.casefold() in ("all", "*") or (problem is None and code not in CODES):
                message = f"{quoted(code)} stands for several lints; a suppression names each"
                self._tell_blanket(comment, use.span, message)
            elif problem is not None:
                what, _, cure = problem.partition("; ")
                self.tell(use.span, f"{what}, and the suppression silences nothing", "not a code", cure)
            elif beyond_settings(code):
                message = f"`{code}` is a mistake in the language, which nothing silences"
                self.tell(use.span, message, "no lint", "delete this code, and correct what it reports")
            elif code == CODE:
                self.tell(
                    use.span,
                    f"`{CODE}` cannot be silenced: it is about suppressions themselves",
                    "about comments such as this one",
                    f'where it is not wanted, say so in the configuration: `ignore = ["{CODE}"]`',
                )
            else:
                continue
            fine = False
        return fine

    def _tell_blanket(self, comment: ast.Comment, span: Span, message: str) -> None:
        cure = f"write the code of the finding: `{_form(self._codes_at(comment))}`"
        self.tell(span, message, "would silence what nobody has looked at", cure)

    def _tell_attempt(self, comment: ast.Comment) -> None:
        """Report a comment that looks like a suppression, with the one that was meant as far as it can be told."""
        named = _codes_of(comment.text)
        if not named and _NO_CODES.match(comment.text):
            self._tell_blanket(comment, comment.span, "a suppression names the codes that it silences")
            return
        reason = _REASON.search(comment.text)
        said = f'reason="{reason[1].strip()}"' if reason and reason[1].strip() else _REASON_GIVEN
        meant = _form(named or self._codes_at(comment), said)
        silenced = named and all(code in CODES and not beyond_settings(code) and code != CODE for code in named)
        certain = silenced and said is not _REASON_GIVEN and "until" not in comment.text
        fix = Fix("write it as a suppression", (Edit(comment.span, meant),)) if certain else None
        message = "this looks like a suppression, and silences nothing"
        self.tell(comment.span, message, "not written as one", f"write `{meant}`", fix=fix)

    def _tell_long(self, comment: ast.Comment) -> None:
        if _NO_CODES.match(comment.text):
            message = f"a suppression of more than {_LONGEST:,} characters silences nothing"
            place = Span(comment.span.source, comment.span.start, comment.span.start + 1)
            self.tell(place, message, "too long", "give a short reason, and say the rest in comments around it")

    def _tell_late(self, before: ast.Comment, late: Span) -> None:
        self.tell(
            late,
            "a suppression stands at the beginning of its comment, and this one silences nothing",
            "too late here",
            f"put it first: `{late.text}  {before.text}`",
        )

    def _codes_at(self, comment: ast.Comment) -> list[str]:
        """Return the codes of what is found on the line that a comment covers."""
        line = _line_covered(comment)
        return sorted({finding.code for finding in self.here if finding.span.first.line == line})


def _attempted(comment: ast.Comment) -> bool:
    found = _ATTEMPT.match(comment.text)
    if found is None:
        return False
    if found["word"] is None or found["code"] is not None:
        return True
    word = found["word"].lower()
    return any(word.startswith(meant) or distance(word, meant, len(meant) // 3) <= len(meant) // 3 for meant in _WORDS)


def _parted(comment: ast.Comment) -> tuple[ast.Comment, ast.Comment | None]:
    """Return the parts of a comment before and from a second `#`, behind which anything may stand."""
    text, start = comment.text.rstrip(), comment.span.start
    at = next((found.start(1) for found in _REMARK.finditer(text, 1) if found[1]), len(text))
    at = len(text[:at].rstrip())
    return _cut(comment, start, start + at), _cut(comment, start + at, comment.span.end) if at < len(text) else None


def _cut(comment: ast.Comment, start: int, end: int) -> ast.Comment:
    span = Span(comment.span.source, start, end)
    return evolve(comment, text=span.text, span=span)


def _line_covered(comment: ast.Comment) -> int | None:
    """Return the line that a comment covers: its own, or the next that holds code."""
    source, line = comment.span.source, comment.span.first.line
    if not comment.own_line:
        return line
    for below in range(line + 1, len(source.line_starts()) + 1):
        text = source.line_text(below).lstrip()
        if text and not text.startswith("#"):
            return below
    return None


def _listed(comment: ast.Comment, written: re.Match[str]) -> Iterator[Span]:
    """Yield where each code of a suppression stands."""
    for found in re.finditer(r"[^,]+", written[1]):
        if found[0].strip():
            yield _part(comment, written.start(1) + found.start(), written.start(1) + found.end())


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _part(comment: ast.Comment, start: int, end: int) -> Span:
    """Return the span of a part of a comment, without white space around it."""
    text = comment.text[start:end]
    start += comment.span.start + len(text) - len(text.lstrip())
    return Span(comment.span.source, start, start + len(text.strip()))


def _codes_of(text: str) -> list[str]:
    return list(dict.fromkeys(code.upper() for code in _CODE.findall(text)))


def _form(codes: Sequence[str], reason: str = _REASON_GIVEN) -> str:
    return f"# kynara: ignore[{', '.join(codes) or 'KYN302'}] {reason}"


# What has nothing to silence


def _tell_idle(suppression: _Suppression, left: Sequence[Diagnostic], ran: Collection[str], reader: _Reader) -> None:
    """Report what of a suppression covers nothing, or that its time is over."""
    comment, uses = suppression.comment, suppression.uses
    name = comment.span.source.name
    idle = [use for use in uses if not use.covers and use.code in ran and reader.settings.reports(use.code, name)]
    whole = len(idle) == len(uses)
    if suppression.expired and not whole:
        reader.tell(
            suppression.until_span,
            f"this suppression held until {suppression.until}, and silences nothing any more",
            "its time is over",
            "settle what it silenced, or give it a later date and say why in the reason",
        )
    elif whole:
        over = f" and held until {suppression.until}" if suppression.expired else ""
        codes = ", ".join(f"`{use.code}`" for use in uses)
        reader.tell(
            comment.span,
            f"this suppression silences nothing{over}",
            f"no {codes} starts {_place(suppression)}",
            "delete the comment",
            _elsewhere(idle, left),
            Fix("delete the comment", (Edit(_with_surroundings(comment), ""),), safe=True),
        )
    else:
        for use in idle:
            fix = Fix(f"delete `{use.code}`", (Edit(_with_comma(use, uses), ""),), safe=True)
            message, label = f"`{use.code}` has nothing to silence here", f"none starts {_place(suppression)}"
            reader.tell(use.span, message, label, "delete it", _elsewhere([use], left), fix)


def _place(suppression: _Suppression) -> str:
    return "behind this" if suppression.line is None else f"on line {suppression.line}"


def _elsewhere(idle: Iterable[_Use], left: Sequence[Diagnostic]) -> list[str]:
    """Say where the nearest finding is that the author may have meant."""
    notes = []
    for use in idle:
        lines = [finding.span.first.line for finding in left if finding.code == use.code]
        if lines:
            line = min(lines, key=lambda line: abs(line - use.span.first.line))
            notes.append(f"a `{use.code}` starts on line {line}; a comment silences it there, or right above")
    return notes


def _with_comma(use: _Use, uses: Sequence[_Use]) -> Span:
    """Return the place of a code of several, with the comma that goes with it."""
    at = uses.index(use)
    if at + 1 < len(uses):
        return Span(use.span.source, use.span.start, uses[at + 1].span.start)
    return Span(use.span.source, uses[at - 1].span.end, use.span.end)


def _with_surroundings(comment: ast.Comment) -> Span:
    """Return the place of a comment with the space around it, or with its line where it has one for itself."""
    source, start, end = comment.span.source, comment.span.start, comment.span.end
    text = source.text
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    if behind := text[end:line_end].strip():  # a remark, which stays
        return Span(source, start, text.index(behind, end))
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return Span(source, start, min(line_end + 1, len(text)) if comment.own_line else end)
