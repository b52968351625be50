"""A file looked at as text, before anything is parsed: size, encoding, deception, nesting.

What is refused here could hide code from whoever reviews it, or make the parser do endless work. Every pattern is
linear and keeps no state for each character, so that a hostile file of the largest size costs a moment.
"""

from __future__ import annotations

import re

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span

MAX_CHARACTERS = 32 * 1024 * 1024
MAX_LINE = 100_000
MAX_NESTING = 100

# A string, a comment or one bracket: what stands inside the first two is never a bracket.
STRING = r'"(?:[^"\\\n]++|\\[^\n])*+"'
BRACKETS = re.compile(rf"{STRING}|#[^\n]*|[(\[{{]|[)\]}}]")

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = "\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_LINE_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_CONTROLS = "\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
# Finding one of them takes a twelfth of the time of telling them apart.
_SUSPECT = re.compile(f"[{_BIDI}{_UNSEEN}{_LINE_BREAKS}{_CONTROLS}\r]")
_DECEPTIVE = re.compile(
    f"(?P<bidi>[{_BIDI}])|(?P<unseen>[{_UNSEEN}])|(?P<line>[{_LINE_BREAKS}]|\r(?!\n))|(?P<control>[{_CONTROLS}])"
)
_WHY = {
    "bidi": (
        "a bidirectional control character makes text look other than it is",
        "such characters can hide code from whoever reviews it, in comments and strings too",
    ),
    "unseen": (
        "an invisible character makes text look other than it is",
        "two texts that look the same would differ, and a review could not tell",
    ),
    "line": (
        "a character that only some programs show as a line break",
        "where a line ends decides where a comment ends, so it must be seen alike everywhere",
    ),
    "control": (
        "a control character makes text look other than it is",
        "terminals obey such characters instead of showing them",
    ),
}


def acceptable(source: Source, text: str, report: Report) -> bool:
    """Whether a text can be handed to the parser; the first thing that forbids it is reported."""
    if len(text) > MAX_CHARACTERS:
        report.add(
            "KYN007",
            f"the file has {len(text):,} characters",
            Span(Source(source.name, text[:MAX_LINE]), 0, 0),  # whoever shows it need not look at all of the text
            f"at most {MAX_CHARACTERS:,} are read",
            help="split the policy into several files; all files of the checked paths form one program",
        )
        return False
    begin = _long_line(text)
    if begin is not None:
        report.add(
            "KYN007",
            f"a line has more than {MAX_LINE:,} characters",
            Span(source, begin, begin + 1),
            "it begins here",
            help="break the line; a line break can stand between any two words",
        )
        return False
    if found := _NOT_TEXT.search(text):
        what = "a NUL character" if found[0] == "\0" else "a lone surrogate, half of a character"
        report.add(
            "KYN006",
            f"the file holds {what}",
            Span(source, *found.span()),
            "not text",
            help="save the file as UTF-8 text",
        )
        return False
    if _SUSPECT.search(text) and (found := _DECEPTIVE.search(text)):
        _deceptive(found, source, report)
        return False
    return _nesting(source, text, report)


def _long_line(text: str) -> int | None:
    """Return where the first line begins that is too long; the last break in so many characters settles all before."""
    begin = 0
    while len(text) - begin > MAX_LINE:
        end = text.rfind("\n", begin, begin + MAX_LINE + 1)
        if end < 0:
            return begin
        begin = end + 1
    return None


def _deceptive(found: re.Match[str], source: Source, report: Report) -> None:
    kind = found.lastgroup or "control"
    message, why = _WHY[kind]
    number = ord(found[0])
    if kind == "line":
        cure = "end lines with LF or with CR LF"
    else:
        cure = f"delete the character; in a string it can be written as the escape `\\u{{{number:x}}}`"
    report.add(
        "KYN005",
        message,
        Span(source, *found.span()),
        f"U+{number:04X} stands here{'' if kind == 'line' else ' unseen'}",
        notes=[why],
        help=cure,
    )


def _nesting(source: Source, text: str, report: Report) -> bool:
    opened: list[int] = []
    for found in BRACKETS.finditer(text):
        if found[0] in ("(", "[", "{"):
            opened.append(found.start())
            if len(opened) > MAX_NESTING:
                break
        elif found[0] in (")", "]", "}") and opened:
            opened.pop()
    else:
        return True
    report.add(
        "KYN007",
        f"brackets are nested more than {MAX_NESTING} deep",
        Span(source, opened[-1], opened[-1] + 1),
        "one too many opens here",
        labels=[(Span(source, opened[0], opened[0] + 1), "the outermost opens here")],
        help="close brackets that are meant to be closed, or give parts of the expression names with `let`",
    )
    return False
