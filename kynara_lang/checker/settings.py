"""Which lints run where, and how much they weigh: settings as plain data, and the words for wrong ones.

A code may be given as a prefix everywhere but in `options`: `KYN3` is all of scope, `KYN` all lints. What the language
itself demands is beyond all settings.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from ..diagnostics.codes import CODES, LANGUAGE_CODES
from ..diagnostics.diagnostic import Severity
from ..diagnostics.suggest import near
from ..semantics.problems import quoted
from ..semantics.text import compile_glob, glob_match

ALL: Final = "KYN"
"""The prefix of every code."""


@frozen
class FileIgnores:
    """Codes that are not reported in the files that a glob names; the glob is as seen from `LintSettings.root`."""

    glob: str
    codes: tuple[str, ...]


@frozen
class LintSettings:
    """Which lints run and how much they weigh. Codes may be prefixes: `KYN3` is all of scope.

    A longer prefix counts more than a shorter one; of equal ones `ignore` counts more. Lints that are quiet by default
    run only if a selection names them by more than `KYN`. `options` holds settings of lints by code. The globs of
    `per_file_ignores` are seen from the folder `root`, names of files from the folder `working`; both are absolute.
    """

    select: tuple[str, ...] = (ALL,)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    per_file_ignores: tuple[FileIgnores, ...] = ()
    root: str = "/"
    working: str = "/"

    def selects(self, code: str) -> bool:
        """Whether findings of a code are wanted."""
        wanted = max((len(p) for p in (*self.select, *self.extend_select) if code.startswith(p)), default=0)
        refused = max((len(p) for p in self.ignore if code.startswith(p)), default=0)
        return wanted > refused and (wanted > len(ALL) or not CODES[code].quiet)

    def reports(self, code: str, file: str) -> bool:
        """Whether findings of a code are wanted in a file, given by the name it is shown under."""
        return self.selects(code) and not any(code.startswith(prefix) for prefix in self.ignored_in(file))

    def ignored_in(self, file: str) -> tuple[str, ...]:
        """Return the codes and prefixes that are not reported in a file, given by the name it is shown under."""
        if not self.per_file_ignores:
            return ()
        place = posixpath.relpath(posixpath.join(self.working, file), self.root)
        return tuple(code for entry in self.per_file_ignores if matches(entry.glob, place) for code in entry.codes)

    def severity(self, code: str) -> Severity | None:
        """Return the severity that findings of a code are given, None for the one of the table of codes."""
        given = max((prefix for prefix in self.severities if code.startswith(prefix)), key=len, default=None)
        return None if given is None else self.severities[given]

    def key(self) -> str:
        """Return a text that is equal for equal settings, and for no others."""
        return json.dumps(asdict(self), sort_keys=True, default=repr)  # an option may still hold anything of TOML

    def asked(
        self, *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = (), extend_select: tuple[str, ...] = ()
    ) -> LintSettings:
        """Return the settings with what the command line asks for, which counts more than what these say.

        `select` takes the place of all that was selected and ignored; the other two of what was said before of
        the codes below them.
        """
        if select:
            chosen = evolve(self, select=select, extend_select=(), ignore=())
        else:
            chosen = evolve(
                self,
                select=_apart(self.select, ignore),
                extend_select=_apart(self.extend_select, ignore),
                ignore=_apart(self.ignore, extend_select),
            )
        return evolve(chosen, extend_select=(*chosen.extend_select, *extend_select), ignore=(*chosen.ignore, *ignore))


def _apart(codes: tuple[str, ...], prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in codes if not code.startswith(prefixes)) if prefixes else codes


# Globs


def matches(glob: str, path: str) -> bool:
    """Whether a glob names a path: segment by segment; `**` stands for any number of them."""
    reached = {0}
    parts = _segments(glob)
    for name in path.split("/"):
        reached = _beyond(parts, reached)
        reached = {at + (parts[at] != _ANY) for at in reached if at < len(parts) and _fits(parts[at], name)}
    return len(parts) in _beyond(parts, reached)


_ANY: Final = ("", "", "")  # stands for `**`, which `compile_glob` would take for one star


def _beyond(parts: tuple[tuple[str, ...], ...], reached: Iterable[int]) -> set[int]:
    """Add the places behind each `**` that can be reached without a segment for it."""
    found = set(reached)
    for at in range(len(parts)):
        if at in found and parts[at] == _ANY:
            found.add(at + 1)
    return found


def _fits(part: tuple[str, ...], name: str) -> bool:
    return part == _ANY or glob_match(part, name)


@cache
def _segments(glob: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_ANY if part == "**" else compile_glob(part) for part in glob.split("/"))


def glob_problem(glob: str) -> str | None:
    """Say what is wrong with a glob, if anything is; the words follow the glob."""
    if "\\" in glob:
        return "has a backslash; folders are separated by `/`"
    if found := next((sign for sign in "?[]{}!" if sign in glob), None):
        return f"has {quoted(found)}; only `*` and `**` have a meaning in a glob"
    if any("**" in part and part != "**" for part in glob.split("/")):
        return "has `**` beside other signs; it stands for whole folders: `**/tests/*.kyn`"
    if glob.startswith("/"):
        return "is absolute; globs are relative to the folder of the configuration"
    if not glob or any(part in ("", ".", "..") for part in glob.split("/")):
        return "names no files; all files below a folder are `folder/**`"
    return None


# Codes


def code_problem(text: str) -> str | None:
    """Say what is wrong with a code or a prefix of codes, if anything is."""
    if text.startswith(ALL) and any(code.startswith(text) for code in CODES):
        return None
    names = {code.name: code.code for code in CODES.values()}
    name = text.casefold().replace("_", "-")
    if name in names:
        return f"{quoted(text)} is a name; the code is `{names[name]}`"
    if text.casefold() in ("all", "*"):
        return f"there is no code {quoted(text)}; all lints are `{ALL}`"
    upper = text.upper().replace("-", "")
    meant = upper if upper.startswith(ALL) else f"{ALL}{upper}"
    if any(code.startswith(meant) for code in CODES):
        return f"there is no code {quoted(text)}; did you mean `{meant}`?"
    if guess := near(name, names):
        return f"there is no code {quoted(text)}; did you mean `{names[guess]}` ({guess})?"
    alike = [code for code in CODES if code.startswith(meant[: len(ALL) + 1])]
    known = ", ".join(f"`{code}`" for code in alike) if alike else "codes such as `KYN302`, prefixes such as `KYN3`"
    return f"there is no code {quoted(text)}; known are {known}"


def beyond_settings(text: str) -> bool:
    """Whether a code or prefix covers nothing but what the language itself demands."""
    return all(code in LANGUAGE_CODES for code in CODES if code.startswith(text))
