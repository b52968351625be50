"""Pages of codes and their table of contents, laid out for people and as data for programs.

A colour is a style laid over the text and says nothing of its own, so that a page reads the same when it is piped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..checker.suppressions import CODE as SUPPRESSIONS
from ..diagnostics.codes import Code
from ..diagnostics.excerpt import visible, wrap
from ..pages import FAMILIES, Page

WIDEST: Final = 100

_INDENT = "  "
_NARROWEST_COLUMN = 12
_SEVERITIES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"(?:[-*]|[0-9]+\.) ")
_QUOTED = re.compile(r"`[^`]+`")
_STRESSED = re.compile(r"\*\*([^*`]+|`[^`]+`)\*\*")
_PROGRAM_STYLES = {
    "green": re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "dim": re.compile(r"#[^\n]*"),
    "bold": re.compile(
        r"^\s*(?:module|import|trait|subject|resource|type|action|context|role|let|permit|forbid|require approval"
        r"|fixture|test|invariant|never|always|given|expect|scope|when|unless|valid (?:from|until)|from|quorum"
        r"|expires)\b",
        re.MULTILINE,
    ),
}


def render_page(page: Page, width: int) -> Text:
    """Return a page laid out for a width: print it as it is."""
    code, width = page.code, max(32, min(width, WIDEST))
    title = _text(f"{code.severity}[{code.code}] {code.name}", "bold")
    title.stylize(_SEVERITIES[code.severity], 0, len(code.severity))
    parts = [title, _wrapped(code.meaning, "", width)]
    for heading, body in {**page.sections, "Severity": severity_words(page)}.items():
        parts += [_text(""), _text(heading, "bold underline"), _text("\n\n").join(_laid_out(body, width))]
    return _text("\n").join(parts)


def lay_out(markdown: str, width: int) -> Text:
    """Return Markdown with headings laid out for a width: print it as it is."""
    width = max(32, min(width, WIDEST))
    parts: list[Text] = []
    for heading, body in re.findall(r"^#+ (.+)\n+((?:(?!#+ ).*\n?)*)", markdown, re.MULTILINE):
        style = "bold underline" if parts else "bold"
        parts += [_text("")] * bool(parts) + [_text(heading, style)]
        if body.strip():
            parts.append(_text("\n\n").join(_laid_out(body, width)))
    return _text("\n").join(parts)


def severity_words(page: Page) -> str:
    """Say in Markdown how much a code weighs and how it is silenced."""
    code, weight = page.code.code, page.code.severity.capitalize()
    if not page.can_be_ignored:
        return f"{weight}. The language itself demands it: no setting and no comment silences it."
    if page.code.quiet:
        weight += f", and quiet: it is reported only to those who ask for it, as with `--extend-select {code}`"
    heavier = "warning" if page.code.severity == "error" else "error"
    words = (
        f"{weight}.\n\n"
        f'- To make it weigh something else: `severity = {{ {code} = "{heavier}" }}` in `kynara.toml`.\n'
        f'- To leave it out everywhere: `ignore = ["{code}"]` there, or `--ignore {code}`.'
    )
    if code != SUPPRESSIONS:  # which are not silenced by more of them
        words += (
            "\n- To accept one finding, on its line or on the line before:\n\n"
            f'```kyn\n# kynara: ignore[{code}] reason="why it is right here" until=2027-01-01\n```'
        )
    return words


def render_contents(codes: Iterable[Code]) -> Text:
    """Return the table of contents: every code under what its hundred is about."""
    codes = tuple(codes)
    names = max(len(code.name) for code in codes)
    lines = []
    for digit, family in groupby(codes, lambda code: code.code[3]):
        lines += [_text(""), _text(f"{digit}xx {FAMILIES[digit]}", "bold underline")]
        for code in family:
            line = _text(f"{_INDENT}{code.code}  {code.name:{names}}  ", "")
            line.append(f"{code.severity:7}", _SEVERITIES[code.severity])
            lines.append(line.append(f"  {code.meaning}{' (quiet)' if code.quiet else ''}"))
    return _text("\n").join(lines[1:])


def contents_markdown(codes: Iterable[Code]) -> str:
    """Return the table of contents as it stands in the language reference."""
    rows = [f"| {c.code} | {c.name} | {c.severity} | {c.meaning.replace('|', chr(92) + '|')} |" for c in codes]
    return "\n".join(["| code | name | severity | meaning |", "|---|---|---|---|", *rows]) + "\n"


def code_dict(code: Code) -> dict[str, Any]:
    """Return what the table of contents says of a code."""
    return {
        "code": code.code,
        "name": code.name,
        "severity": code.severity,
        "quiet": code.quiet,
        "meaning": code.meaning,
    }


def page_dict(page: Page) -> dict[str, Any]:
    """Return a page as data; sections are Markdown."""
    return {
        **code_dict(page.code),
        "can_be_ignored": page.can_be_ignored,
        "sections": dict(page.sections),
        "options": [{"name": o.name, "default": o.default, "meaning": o.meaning} for o in page.options],
    }


def _laid_out(markdown: str, width: int) -> Iterator[Text]:
    """Lay out the blocks of a section: programs and tables as they stand, everything else wrapped."""
    for number, part in enumerate(_FENCED.split(markdown)):
        if number % 2:  # what the fences enclose
            yield _program(part.rstrip("\n"))
            continue
        for block in filter(None, (block.strip("\n") for block in re.split(r"\n\s*\n", part))):
            if block.startswith("|"):
                yield _table(block, width)
            else:
                items = re.split(rf"\n(?={_ITEM.pattern})", _STRESSED.sub(r"\1", block))
                yield _text("\n").join(_wrapped(" ".join(item.split()), _INDENT, width) for item in items)


def _wrapped(words: str, indent: str, width: int) -> Text:
    """Wrap a paragraph or an item of a list; the further lines of an item stand under its text."""
    marker = _ITEM.match(words)
    hang = " " * (marker.end() if marker else 0)
    first, *rest = wrap(visible(words), width - len(indent) - len(hang), cell_len)
    return _styled("\n".join([indent + first, *(indent + hang + line for line in rest)]))


def _table(block: str, width: int) -> Text:
    """Line the columns of a table up, the widest ones wrapped; its second line only separates the head."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in _visible_lines(block)]
    rows.pop(1)
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    room = width - len(_INDENT) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST_COLUMN:
        widths[widths.index(max(widths))] -= 1
    lines: list[str] = []
    head = 0
    for row in rows:
        cells = [wrap(cell, size, cell_len) for cell, size in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = (set_cell_size(part, size) for part, size in zip(parts, widths, strict=True))
            lines.append((_INDENT + "  ".join(padded)).rstrip())
        head = head or len("\n".join(lines))
    shown = _styled("\n".join(lines))
    shown.stylize("bold", 0, head)
    return shown


def _program(text: str) -> Text:
    shown = _text("\n".join((_INDENT * 2 + line).rstrip() for line in _visible_lines(text)))
    for style in ("bold", "green", "dim"):
        shown.highlight_regex(_PROGRAM_STYLES[style], style)
    return shown


def _styled(words: str) -> Text:
    shown = _text(words)
    shown.highlight_regex(_QUOTED, "cyan")
    return shown


def _visible_lines(text: str) -> list[str]:
    """Return the lines of a text, with everything made visible that could act on a terminal."""
    return [visible(line) for line in text.split("\n")]


def _text(words: str, style: str = "") -> Text:
    text = Text(no_wrap=True, overflow="ignore")
    return text.append(words, style) if words else text
