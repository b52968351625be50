"""A version of a program as `kynara diff` names it: a path, or `REV:path` of the git checkout of the working folder."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import click

from ..diagnostics.diagnostic import Report as Findings
from ..diagnostics.diagnostic import Severity
from ..diagnostics.source import Source
from ..files import MAX_BYTES, SUFFIX, FilesError, find_files, source_of
from ..inputs import read_inputs
from ..pipeline import Checked, check_sources
from ..program import check_inputs
from .options import Stop
from .output import chatter
from .reports import print_full

_PATIENCE: Final = 60  # seconds for one call of git


def program_at(ctx: click.Context, named: str, libraries: Sequence[str]) -> Checked:
    """Check the program that a path or `REV:path` names; leave with 2 where it cannot be compared.

    Libraries are those of the working folder, whichever revision is named.
    """
    revision, colon, path = named.partition(":")
    checked = _at_revision(revision, path, libraries) if colon and len(revision) > 1 else _on_disk(named, libraries)
    if checked.has_errors:
        print_full(chatter(ctx), [d for d in checked.diagnostics if d.severity is Severity.ERROR])
        raise Stop(f"{named} has errors; what it decides cannot be compared")
    return checked


def _on_disk(path: str, libraries: Sequence[str]) -> Checked:
    try:
        return check_inputs(read_inputs(find_files([path], apart_from=libraries), libraries))
    except FilesError as error:
        raise Stop(str(error), "a revision of git is named as `REV:path`, such as `HEAD~1:policies`") from None


def _at_revision(revision: str, path: str, libraries: Sequence[str]) -> Checked:
    if revision.startswith("-"):
        raise Stop(f"`{revision}` is not the name of a revision")
    place = path or "."
    listed = _git("ls-tree", "-r", "-z", "--name-only", "--full-name", revision, "--", place)
    names = [n for n in listed.decode("utf-8", "replace").split("\0") if n.endswith(SUFFIX) and not _hidden(n)]
    if not names:
        raise Stop(f"{revision} has no `{SUFFIX}` files at {place}", "paths are as seen from the working folder")
    findings = Findings()
    sources: list[Source] = []
    for name in sorted(names):
        content: bytes | None = _git("show", f"{revision}:{name}")
        if content is not None and len(content) > MAX_BYTES:
            content = None
        source = source_of(f"{revision}:{name}", content, findings)
        if source is not None:
            sources.append(source)
    known = read_inputs((), libraries)
    return check_sources(sources, known.libraries, report=findings)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in PurePosixPath(name).parts)


def _git(*arguments: str) -> bytes:
    """Return what git says; without a shell, and with nothing that could be taken for an option of another kind."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=_PATIENCE, check=False)
    except FileNotFoundError:
        raise Stop("git is not installed; give two paths instead") from None
    except subprocess.TimeoutExpired:
        raise Stop("git did not answer within a minute") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        raise Stop(f"git: {reason[0].removeprefix('fatal: ')}")
    return done.stdout
