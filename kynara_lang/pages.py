"""Finds and reads the pages of codes: what each finds, why it matters, what to avoid and what to prefer.

The page of a lint is the docstring of its file. What the language itself demands has no lint, so its pages are the
files `diagnostics/pages/KYN….md`. Both are written alike: a first line that is the meaning of the code, then the
sections, in Markdown of paragraphs, lists, tables and fenced blocks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from .diagnostics.codes import CODES, LANGUAGE_CODES, Code
from .diagnostics.suggest import distance, near

if TYPE_CHECKING:
    from .checker.linter import Option

SECTIONS: Final = ("What it finds", "Why it matters", "Avoid", "Prefer", "Options", "What it cannot see")
"""The sections of a page, in this order."""

FAMILIES: Final[Mapping[str, str]] = {
    "0": "syntax",
    "1": "names and modules",
    "2": "types",
    "3": "scope",
    "4": "escalation",
    "5": "logic",
    "6": "approval and delegation",
    "7": "information flow",
    "8": "hygiene",
    "9": "invariants and tests",
}
"""What the hundreds of codes are about, by their digit."""

FOLDER: Final = Path(__file__).resolve().parent / "diagnostics" / "pages"
LINTS: Final = Path(__file__).resolve().parent / "checker" / "lints"

_SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)
_NUMBER = re.compile(r"(?:KYN)?([0-9]{3})", re.IGNORECASE)
_FAMILY = re.compile(r"(?:KYN)?([0-9])(?:[0-9]|XX)?", re.IGNORECASE)


class UnknownCode(LookupError):
    """Nothing is called so; its text says what may have been meant."""


@frozen
class Page:
    """The page of a code: its sections by heading, as Markdown, and the options of the lint if it is one."""

    code: Code
    sections: Mapping[str, str]
    options: tuple[Option, ...] = ()

    @property
    def can_be_ignored(self) -> bool:
        """Whether settings and comments can silence it; what the language itself demands cannot be."""
        return self.code.code not in LANGUAGE_CODES

    @property
    def markdown(self) -> str:
        """The page as it is written, under a title."""
        parts = [f"# {self.code.code} {self.code.name}", self.code.meaning]
        for heading, text in self.sections.items():
            parts += [f"## {heading}", text]
        return "\n\n".join(parts) + "\n"


def page_of(code: str) -> Page:
    """Return the page of a code; raises FileNotFoundError if the installation lacks it."""
    from .checker.linter import lint_codes, lint_of  # only here: the text of a page needs no lint

    page = text_of(code)
    return evolve(page, options=lint_of(code).options) if code in lint_codes() else page


def text_of(code: str) -> Page:
    """Return the page of a code without the options of its lint, which is not loaded; raises as `page_of` does."""
    lint = LINTS / f"{CODES[code].name.replace('-', '_')}.py"
    if lint.is_file():
        text = ast.get_docstring(ast.parse(lint.read_text(encoding="utf-8")), clean=False) or ""
    else:
        text = (FOLDER / f"{code}.md").read_text(encoding="utf-8")
    return Page(CODES[code], sections_of(text))


def sections_of(text: str) -> dict[str, str]:
    """Return the sections of a page by their headings; the line before them is the meaning, which the code has too."""
    _, *parts = _SECTION.split(text)
    return {heading: body.strip("\n") for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def find_code(word: str) -> Code:
    """Return the code that is meant by `KYN301`, `301` or `permit-without-scope`; raises UnknownCode."""
    name = word.strip().lower().replace("_", "-")
    for code in CODES.values():
        if name in (code.name, code.code.lower(), code.code.removeprefix("KYN")):
            return code
    raise UnknownCode(f"no code is `{word}`, and none is named so; {_guess(name)}")


def _guess(name: str) -> str:
    """Say what a word that is no code may have been meant for."""
    if family := _FAMILY.fullmatch(name) or _NUMBER.fullmatch(name):
        digit = family[1][0]
        found = [code for code in CODES if code[3] == digit]
        if found:
            return f"those of {FAMILIES[digit]} are {', '.join(found)}"
    close = [code for code in CODES if distance(name, code.lower(), 1) <= 1]
    guess = close[0] if close else near(name, (code.name for code in CODES.values()))
    return f"did you mean `{guess}`?" if guess else "`kynara rule` lists everything there is"
