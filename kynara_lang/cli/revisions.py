"""A version of a program as `kynara diff` names it: a path, or `REV:path` of the git checkout of the working folder.

The files of a revision come from git's own store, so nothing is checked out. The configuration and the libraries are
those of the working tree, whatever revision is named: what is compared are policies, under the settings of today.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import click
from attrs import evolve

from ..diagnostics.diagnostic import Severity
from ..files import MAX_BYTES, SUFFIX, FilesError, find_files, source_of
from ..inputs import Inputs, read_inputs
from ..pipeline import Checked
from ..program import check_inputs
from ..semantics.problems import quoted
from .options import Stop
from .output import chatter
from .reports import print_full

_PATIENCE: Final = 60  # seconds for one call of git
_REGULAR: Final = ("100644", "100755")
_EXAMPLE: Final = "a revision of git is named as `REV:path`, such as `HEAD~1:policies`"


def program_at(ctx: click.Context, named: str, libraries: Sequence[str]) -> Checked:
    """Check the program that a path or `REV:path` names; leave with 2 where it cannot be compared."""
    revision, colon, path = named.partition(":")
    try:
        if colon and len(revision) > 1 and not os.path.exists(named):  # one letter is a drive
            inputs = _at_revision(revision, path, libraries)
        else:
            inputs = read_inputs(find_files([named], apart_from=libraries), libraries)
        checked = check_inputs(inputs)
    except FilesError as error:
        raise Stop(str(error), None if colon else _EXAMPLE) from None
    if checked.has_errors:
        print_full(chatter(ctx), [d for d in checked.diagnostics if d.severity is Severity.ERROR])
        raise Stop(f"{named} has errors; what it decides cannot be compared")
    return checked


class _Blob(NamedTuple):
    """A file of a revision: its path from the top of the checkout, and git's name for what it holds."""

    path: str
    content: str


def _at_revision(revision: str, path: str, libraries: Sequence[str]) -> Inputs:
    """Read the policies below a path, as seen from the working folder, as they were at a revision."""
    if revision.startswith("-") or "\0" in revision + path:
        raise Stop(f"{quoted(revision)} is not the name of a revision", _EXAMPLE)
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", asked=revision)
    top = os.fsdecode(_git("rev-parse", "--show-toplevel")).rstrip("\n")
    here = os.fsdecode(_git("rev-parse", "--show-prefix")).rstrip("\n")
    place = os.path.normpath(os.path.join(here, path or ".")).replace(os.sep, "/")
    if place == ".." or place.startswith(("../", "/")):
        raise Stop(f"{quoted(path)} lies outside the git checkout {quoted(top)}")
    apart = [os.path.realpath(folder) for folder in libraries]
    blobs = [b for b in _blobs(commit.decode("ascii").strip(), place) if not _apart(os.path.join(top, b.path), apart)]
    if not blobs:
        seen = "paths are as seen from the working folder"
        raise Stop(f"{quoted(revision)} has no `{SUFFIX}` files at {quoted(place)}", seen)
    inputs = read_inputs((), libraries)
    sources = []
    for blob, content in zip(blobs, _contents(blobs), strict=True):
        name = os.fsencode(blob.path).decode("utf-8", "replace")
        # The last part of a path names a module, so the revision must stand apart from it.
        source = source_of(f"{revision}:{name}" if "/" in name else f"{revision}:./{name}", content, inputs.findings)
        sources += [] if source is None else [source]
    return evolve(inputs, sources=tuple(sources), files=len(blobs))


def _blobs(commit: str, place: str) -> list[_Blob]:
    """List the policy files at a place of a commit, without what is hidden below it."""
    where = [] if place == "." else ["--", place]
    listed = os.fsdecode(_git("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, *where))
    found = []
    for line in listed.split("\0"):
        about, _, name = line.partition("\t")
        if not name.endswith(SUFFIX) or _hidden(name, place):
            continue
        mode, _, content = about.split(" ")
        if mode not in _REGULAR:
            raise Stop(f"{quoted(name)} is a link in that revision, and links are not followed there")
        found.append(_Blob(name, content))
    return sorted(found, key=lambda blob: blob.path.split("/"))


def _hidden(name: str, place: str) -> bool:
    """Whether a file is hidden, or in a folder that is, below the place that was named."""
    below = PurePosixPath(name) if place == "." else PurePosixPath(name).relative_to(place)
    return any(part.startswith(".") or part == "__pycache__" for part in below.parts)


def _apart(path: str, folders: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    return any(real.startswith(os.path.join(folder, "")) for folder in folders)


def _contents(blobs: Sequence[_Blob]) -> Iterator[bytes | None]:
    """Yield what files hold, None for one that is too large, all from one call of git."""
    sizes = _git("cat-file", "--batch-check", given=[blob.content for blob in blobs]).decode("ascii").splitlines()
    small = [int(line.split(" ")[2]) <= MAX_BYTES for line in sizes]
    wanted = [blob.content for blob, fits in zip(blobs, small, strict=True) if fits]
    told = _git("cat-file", "--batch", given=wanted)
    at = 0
    for fits in small:
        if not fits:
            yield None
            continue
        end = told.index(b"\n", at)
        size = int(told[at:end].split(b" ")[2])
        yield told[end + 1 : end + 1 + size]
        at = end + 2 + size


def _git(*arguments: str, given: Sequence[str] = (), asked: str | None = None) -> bytes:
    """Return what git says, without a shell in between; `asked` is the revision that may not exist."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    lines = "".join(f"{line}\n" for line in given).encode()
    try:
        done = subprocess.run(
            ["git", *arguments], input=lines, capture_output=True, timeout=_PATIENCE, check=False, env=environment
        )
    except FileNotFoundError:
        raise Stop("git is not installed; give two paths instead") from None
    except subprocess.TimeoutExpired:
        raise Stop("git did not answer within a minute") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        if asked is not None and not said:
            raise Stop(f"git knows no revision {quoted(asked)}", _EXAMPLE)
        raise Stop(f"git: {said[0].removeprefix('fatal: ') if said else 'it failed'}")
    return done.stdout
