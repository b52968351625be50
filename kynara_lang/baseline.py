"""Baselines: findings that a project knows of, kept in a file, so that `kynara check` shows what is new.

An entry is found again by the content it is about (see `diagnostics/fingerprint.py`), so moved lines and renamed files
change nothing; the file and the message of an entry only tell people what it is. What the language itself demands is
never held back: a baseline knows lints alone.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from .diagnostics.codes import LANGUAGE_CODES
from .diagnostics.diagnostic import Diagnostic
from .diagnostics.excerpt import visible
from .diagnostics.fingerprint import fingerprints
from .files import FilesError, read_bytes
from .runtime.strict_json import JsonProblem, loads
from .semantics.problems import quoted

VERSION: Final = 1
MAX_BASELINE_BYTES: Final = 32 * 2**20
"""The largest baseline that is read."""

_Key: TypeAlias = tuple[str, str]  # fingerprint and file

_MAX_COUNT: Final = 1_000_000
_KINDS: Final[Mapping[str, type]] = {"code": str, "file": str, "fingerprint": str, "message": str, "count": int}
_CODE = re.compile(r"KYN[0-9]{3}")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


class BaselineError(ValueError):
    """A baseline cannot be read or written; the text says why."""


@frozen(order=True)
class Entry:
    """Findings of one code in one file that read alike: how many there are, and what the first of them says."""

    code: str
    file: str
    fingerprint: str
    message: str
    count: int


@frozen
class Held:
    """What a baseline makes of findings: those it leaves, how many it hides, and the entries that found nothing.

    The count of an entry in `stale` is how many of its findings are gone.
    """

    left: tuple[Diagnostic, ...]
    hidden: int
    stale: tuple[Entry, ...]


def can_be_held(diagnostic: Diagnostic, *, linted: bool) -> bool:
    """Whether a baseline may hide a finding: one of a lint. Where lints did not run, all are the language's own."""
    return linted and diagnostic.code not in LANGUAGE_CODES


def entries_of(diagnostics: Iterable[Diagnostic]) -> tuple[Entry, ...]:
    """Return the entries for some findings, sorted."""
    found = list(diagnostics)
    entries: dict[_Key, Entry] = {}
    for diagnostic, key in zip(found, _keys(found), strict=True):
        known = entries.get(key, Entry(diagnostic.code, key[1], key[0], diagnostic.message, 0))
        entries[key] = evolve(known, count=known.count + 1)
    return tuple(sorted(entries.values()))


def hold(diagnostics: Iterable[Diagnostic], entries: Iterable[Entry], *, linted: bool) -> Held:
    """Take the findings away that entries know of, each entry as often as it counts.

    Where equal findings stand in several files, those in the file of an entry go first.
    """
    diagnostics = tuple(diagnostics)
    candidates = [found for found in diagnostics if can_be_held(found, linted=linted)]
    entry_of = {(entry.fingerprint, entry.file): entry for entry in entries}
    counts = Counter({key: entry.count for key, entry in entry_of.items()})
    hidden: set[int] = set()
    elsewhere: list[tuple[Diagnostic, str]] = []
    for found, key in zip(candidates, _keys(candidates), strict=True):
        if counts[key]:
            counts[key] -= 1
            hidden.add(id(found))
        else:
            elsewhere.append((found, key[0]))
    free: defaultdict[str, list[_Key]] = defaultdict(list)
    for key, count in counts.items():
        if count:
            free[key[0]].append(key)
    for found, fingerprint in elsewhere:
        if keys := free[fingerprint]:
            counts[keys[-1]] -= 1
            hidden.add(id(found))
            if not counts[keys[-1]]:
                keys.pop()
    left = tuple(found for found in diagnostics if id(found) not in hidden)
    stale = sorted(evolve(entry_of[key], count=count) for key, count in counts.items() if count)
    return Held(left, len(hidden), tuple(stale))


def _keys(diagnostics: Sequence[Diagnostic]) -> list[_Key]:
    """Return fingerprint and file of each finding; a baseline is text, so a file is named as it is shown."""
    files = [visible(diagnostic.span.source.name) for diagnostic in diagnostics]
    return list(zip(fingerprints(diagnostics), files, strict=True))


# The file


def baseline_of(content: bytes) -> tuple[Entry, ...]:
    """Return the entries of the content of a baseline; raises `BaselineError` for whatever is wrong with it."""
    try:
        return _entries(loads(content, max_bytes=MAX_BASELINE_BYTES, max_depth=8))
    except JsonProblem as problem:
        raise BaselineError(f"the baseline is not valid: {problem.message}") from None
    except BaselineError as error:
        raise BaselineError(f"the baseline is not valid: {error}") from None


def write_baseline(path: str, entries: Iterable[Entry]) -> None:
    """Write a baseline file, whole or not at all; raises `BaselineError`.

    A file of that name is replaced only if it is a baseline, so that no slip of the keyboard costs a policy.
    """
    shown = [{name: getattr(entry, name) for name in _KINDS} for entry in sorted(entries)]
    text = json.dumps({"version": VERSION, "entries": shown}, indent=2) + "\n"
    if len(text) > MAX_BASELINE_BYTES:
        raise BaselineError(f"a baseline of {len(shown)} entries is too large; correct what is most frequent first")
    try:
        target = os.path.realpath(path)
        if os.path.lexists(target):
            _must_be_a_baseline(path)
        _put(target, text)
    except BaselineError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BaselineError(f"the baseline `{path}` cannot be written: {reason or error}") from None


def _put(target: str, text: str) -> None:
    """Write a file beside the one it replaces, so that there is always a whole one."""
    draft = f"{target}.{secrets.token_hex(8)}"
    try:
        with open(draft, "x", encoding="ascii", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        if os.path.lexists(draft):
            os.unlink(draft)


def _must_be_a_baseline(path: str) -> None:
    """Raise BaselineError unless the file that is there is a baseline."""
    try:
        content = read_bytes(path, MAX_BASELINE_BYTES)
        baseline_of(content or b"")
    except FilesError as error:
        raise BaselineError(str(error)) from None
    except BaselineError:
        raise BaselineError(f"`{path}` exists and is no baseline that can be read, so it is not replaced") from None


def _entries(document: object) -> tuple[Entry, ...]:
    """Read the document of a baseline, to the letter: what it says decides what nobody is shown."""
    if not isinstance(document, dict):
        raise BaselineError("it must be an object with `version` and `entries`")
    version = document.get("version")
    if type(version) is not int:
        raise BaselineError("it does not say its `version`")
    if version != VERSION:
        raise BaselineError(f"its version is {version}, and this kynara reads version {VERSION}")
    _members("it", document, ("version", "entries"))
    entries = document["entries"]
    if not isinstance(entries, list):
        raise BaselineError("`entries` must be a list")
    read = [_entry(f"entry {number}", entry) for number, entry in enumerate(entries, start=1)]
    twice = [key for key, times in Counter((e.fingerprint, e.file) for e in read).items() if times > 1]
    if twice:
        raise BaselineError(f"two entries have the fingerprint {quoted(twice[0][0])} and the same file")
    return tuple(read)


def _entry(name: str, value: object) -> Entry:
    if not isinstance(value, dict):
        raise BaselineError(f"{name} must be an object")
    _members(name, value, _KINDS)
    for member, kind in _KINDS.items():
        if type(value[member]) is not kind:
            raise BaselineError(f"`{member}` of {name} must be a {'text' if kind is str else 'whole number'}")
    entry = Entry(**value)
    if not _CODE.fullmatch(entry.code):
        raise BaselineError(f"`code` of {name} is {quoted(entry.code)}, which is not a code such as `KYN801`")
    if not _FINGERPRINT.fullmatch(entry.fingerprint):
        raise BaselineError(f"`fingerprint` of {name} is {quoted(entry.fingerprint)}, not 32 hexadecimal digits")
    if not 1 <= entry.count <= _MAX_COUNT:
        raise BaselineError(f"`count` of {name} must be from 1 to {_MAX_COUNT}")
    return entry


def _members(name: str, value: Mapping[str, object], expected: Iterable[str]) -> None:
    """Raise BaselineError unless a value has exactly these members."""
    for missing in expected:
        if missing not in value:
            raise BaselineError(f"{name} has no `{missing}`")
    for other in value:
        if other not in expected:
            raise BaselineError(f"{name} has a member {quoted(other)}, which means nothing in a baseline")
