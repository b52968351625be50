"""Applying the fixes of findings: which edits go together, what texts they make, and writing these to disk.

Fixes are applied in rounds, because what one changes can be what another is about: a round takes those that do not
overlap, the first by position winning, and the program is checked anew. Of a round that breaks the program the fixes
that do so are taken back, and no others. What a mistake has hidden is not what its cure breaks. Nothing is written
before the last round is done.
"""

from __future__ import annotations

import difflib
import io
import os
import stat
import tempfile
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import evolve, frozen

from .diagnostics.codes import LANGUAGE_CODES
from .diagnostics.diagnostic import Diagnostic, Edit, Severity
from .files import BOM, MAX_BYTES, FilesError, PolicyFile, read_bytes

if TYPE_CHECKING:
    from .pipeline import Checked

ROUNDS: Final = 10
"""How often fixes are applied and the program checked again."""

_SYNTAX: Final = "0"
_NONE: Final = "9"  # comes after all phases that have errors of the language
_MOST_TRIALS: Final = 40  # checks in a round that look for the fixes that bring errors

Recheck: TypeAlias = "Callable[[Mapping[str, str]], Checked]"
"""Checks the program again with other texts for some files, given by their names."""


@frozen
class Fixing:
    """What fixing came to: the program as it would be, and by name the old and new text of each file that changed.

    `broke` holds the errors that fixes would have brought, which were taken back for them; `unfinished` says that
    after the last round there was still something to fix.
    """

    checked: Checked
    before: Mapping[str, str]
    after: Mapping[str, str]
    fixed: int = 0
    broke: tuple[Diagnostic, ...] = ()
    unfinished: bool = False


def fix(checked: Checked, recheck: Recheck, files: Collection[str], *, unsafe: bool) -> Fixing:
    """Apply the safe fixes of what was found, with `unsafe` all, to the files of these names and no others."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    fixed = 0
    broke: list[Diagnostic] = []
    refused: set[_Key] = set()

    def left() -> tuple[Diagnostic, ...]:
        return chosen((d for d in checked.diagnostics if _key(d) not in refused), files, unsafe=unsafe)

    for _ in range(ROUNDS):
        cured = left()
        if not cured:
            return Fixing(checked, before, after, fixed, tuple(broke))
        tried = _try(checked, after, cured, recheck)
        broke += tried.broke
        refused |= {_key(diagnostic) for diagnostic in tried.refused}
        for name, edits in _by_file(tried.kept).items():
            before.setdefault(name, edits[0].span.source.text)
        checked, after, fixed = tried.checked, tried.after, fixed + len(tried.kept)
    return Fixing(checked, before, after, fixed, tuple(broke), bool(left()))


_Key: TypeAlias = "tuple[str, str, str, tuple[str, ...]]"


def _key(diagnostic: Diagnostic) -> _Key:
    """Return by what a fix is known again in the next round, where it stands elsewhere."""
    edits = diagnostic.fix.edits if diagnostic.fix is not None else ()
    return diagnostic.code, diagnostic.message, diagnostic.span.source.name, tuple(e.replacement for e in edits)


@frozen
class _Tried:
    """What came of a round: the fixes that are kept, those that are not, and the errors that these would bring."""

    checked: Checked
    after: dict[str, str]
    kept: tuple[Diagnostic, ...]
    refused: tuple[Diagnostic, ...]
    broke: tuple[Diagnostic, ...]


def _try(checked: Checked, after: dict[str, str], cured: tuple[Diagnostic, ...], recheck: Recheck) -> _Tried:
    """Apply fixes and check again; if that brings errors, halve them until it is known which ones do."""
    found = _Tried(checked, after, (), (), ())
    waiting, trials = [cured], 0
    while waiting:
        some = waiting.pop(0)
        together = (*found.kept, *some)
        now = dict(after)
        for name, edits in _by_file(together).items():
            now[name] = edited(edits[0].span.source.text, edits)
        rechecked, trials = recheck(now), trials + 1
        broke = brought(checked.diagnostics, rechecked.diagnostics, together)
        if not broke:
            found = evolve(found, checked=rechecked, after=now, kept=together)
        elif len(some) > 1 and trials < _MOST_TRIALS:
            waiting[:0] = [some[: len(some) // 2], some[len(some) // 2 :]]
        else:
            found = evolve(found, refused=(*found.refused, *some), broke=(*found.broke, *broke))
    return found


def chosen(diagnostics: Iterable[Diagnostic], files: Collection[str], *, unsafe: bool) -> tuple[Diagnostic, ...]:
    """Return the findings whose fixes can be applied together: no two of them change the same place."""
    taken: dict[str, list[tuple[int, int]]] = {}
    found = []
    seen: set[tuple[Edit, ...]] = set()
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        if fix is None or not fix.edits or not (fix.safe or unsafe):
            continue
        if any(edit.span.source.name not in files for edit in fix.edits):
            continue
        if fix.edits not in seen and not _take(taken, fix.edits):  # two findings may have the same cure
            continue
        seen.add(fix.edits)
        found.append(diagnostic)
    return tuple(found)


def _take(taken: dict[str, list[tuple[int, int]]], edits: Iterable[Edit]) -> bool:
    """Reserve the places of edits; False, and none is reserved, if one of them is not free."""
    mine: dict[str, list[tuple[int, int]]] = {}
    for edit in edits:
        name, place = edit.span.source.name, (edit.span.start, edit.span.end)
        if not _free(taken.get(name, ()), place) or not _free(mine.setdefault(name, []), place):
            return False
        insort(mine[name], place)
    for name, places in mine.items():
        for place in places:
            insort(taken.setdefault(name, []), place)
    return True


def _free(taken: Sequence[tuple[int, int]], place: tuple[int, int]) -> bool:
    """Whether no place that is taken overlaps with this one; text is inserted at one point only once."""
    at = bisect_right(taken, place)
    for start, end in taken[max(at - 1, 0) : at + 1]:
        if (start < place[1] and place[0] < end) or (start, end) == place:
            return False
    return True


def _by_file(cured: Iterable[Diagnostic]) -> dict[str, list[Edit]]:
    edits: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edit for diagnostic in cured if diagnostic.fix for edit in diagnostic.fix.edits):
        edits.setdefault(edit.span.source.name, []).append(edit)
    return edits


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with edits that do not overlap; line breaks in replacements become those of the text."""
    parts = []
    at = 0
    windows = "\r\n" in text
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        parts.append(text[at : edit.span.start])
        new = edit.replacement
        parts.append(new.replace("\r\n", "\n").replace("\n", "\r\n") if windows else new)
        at = edit.span.end
    return "".join((*parts, text[at:]))


def brought(
    before: Iterable[Diagnostic], after: Iterable[Diagnostic], cured: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """Return the errors of the language that are there after some findings were cured, and were not before.

    Where the cured ones were such errors themselves, those that they hid do not count: all of later phases, of syntax
    what stands further down, of names and types what stands anywhere but where a fix has put something.
    """
    cured = list(cured)
    errors = [diagnostic for diagnostic in cured if _breaks(diagnostic)]
    last = min(map(_phase, errors), default=_NONE)
    read_to: dict[str, int] = {}
    for diagnostic in errors:
        if _phase(diagnostic) == _SYNTAX:
            span = diagnostic.span
            read_to[span.source.name] = min(span.start, read_to.get(span.source.name, span.start))
    written = _written(cured)
    known = Counter((d.code, d.message) for d in before if _breaks(d))
    found = []
    for diagnostic in after:
        if not _breaks(diagnostic) or _phase(diagnostic) > last:
            continue
        what = (diagnostic.code, diagnostic.message)
        known[what] -= 1
        name, start, end = diagnostic.span.source.name, diagnostic.span.start, diagnostic.span.end
        if known[what] >= 0 or start > read_to.get(name, start):
            continue
        if _SYNTAX < _phase(diagnostic) == last and not any(a <= start and end <= b for a, b in written.get(name, ())):
            continue
        found.append(diagnostic)
    return tuple(found)


def _written(cured: Iterable[Diagnostic]) -> dict[str, list[tuple[int, int]]]:
    """Return for each file where in the new text there is what fixes have put in."""
    places: dict[str, list[tuple[int, int]]] = {}
    for name, edits in _by_file(cured).items():
        moved = 0
        for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
            start = edit.span.start + moved
            places.setdefault(name, []).append((start, start + len(edit.replacement)))
            moved += len(edit.replacement) - (edit.span.end - edit.span.start)
    return places


def _breaks(diagnostic: Diagnostic) -> bool:
    return diagnostic.code in LANGUAGE_CODES and diagnostic.severity is Severity.ERROR


def _phase(diagnostic: Diagnostic) -> str:
    """Return the hundred of a code: syntax before names before types before the rest."""
    return diagnostic.code[len("KYN")]


# Showing


def unified_diff(name: str, before: str, after: str) -> list[str]:
    """Return what changes in a file as the lines of a unified diff, without line breaks."""
    lines = []
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        lines += [line[:-1]] if line.endswith("\n") else [line, "\\ No newline at end of file"]
    return lines


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline="\n"))


# Writing


def in_bytes(text: str, content: bytes) -> bytes:
    """Return a new text for a file that holds some bytes: with a byte order mark if that has one."""
    return (BOM if content.startswith(BOM) else b"") + text.encode("utf-8")


def write(fixing: Fixing, files: Iterable[PolicyFile]) -> None:
    """Write the files that changed, each at once or not at all, with the mode they have.

    Raises `FilesError`, and writes none of them, if one is no longer what was checked or cannot be written.
    """
    write_texts(fixing.before, fixing.after, files)


def write_texts(before: Mapping[str, str], after: Mapping[str, str], files: Iterable[PolicyFile]) -> None:
    """Do the same with old and new texts given by the names of the files."""
    waiting: list[tuple[str, PolicyFile]] = []
    try:
        for file in files:
            if file.name in after:
                with _told(file):
                    content = _unchanged(file, before[file.name])
                    waiting.append((_beside(file, in_bytes(after[file.name], content)), file))
        for new, file in waiting:
            with _told(file):
                os.replace(new, file.real)
    finally:
        for new, _ in waiting:
            if os.path.exists(new):
                os.unlink(new)


@contextmanager
def _told(file: PolicyFile) -> Iterator[None]:
    """Say of a failure which file it is about."""
    try:
        yield
    except FilesError:
        raise
    except OSError as error:
        raise FilesError(f"`{file.name}` cannot be written: {error.strerror or error}") from None


def _unchanged(file: PolicyFile, text: str) -> bytes:
    """Return the bytes of a file, which must still say what was checked."""
    content = read_bytes(file.path, MAX_BYTES)
    if content is None or content.removeprefix(BOM) != text.encode("utf-8"):
        raise FilesError(f"`{file.name}` changed on disk since it was checked; nothing was written, so try again")
    if not os.access(file.real, os.W_OK):
        raise FilesError(f"`{file.name}` is write-protected; nothing was written")
    return content


def _beside(file: PolicyFile, content: bytes) -> str:
    """Write a new file beside an old one, with its mode, and return its path."""
    folder, name = os.path.split(file.real)
    handle, path = tempfile.mkstemp(prefix=f".{name[:40]}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(path, stat.S_IMODE(os.stat(file.real).st_mode))
    except OSError:
        os.unlink(path)
        raise
    return path
