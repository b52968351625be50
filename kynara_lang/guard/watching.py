"""Where a guard has its policies from: given once, or kept in step with the files that they are read from.

A new version takes the place of the old one in one assignment, and only if it compiles. Files are looked at when a
decision is asked for, at most so often. What has changed is loaded when two looks in a row saw the same: a file that
is being written is, for a moment, a policy without its last rules, and without a `forbid` among them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import frozen

from ..configuration import ConfigurationError, find_configuration
from ..files import FilesError, find_files, find_modules
from ..program import AnyPath, Paths, load
from ..runtime.entities import Entities
from ..runtime.policyset import PolicySet

INTERVAL: Final = 0.5
"""Seconds between two looks at the files."""

_CONFIGURATIONS: Final = ("kynara.toml", "pyproject.toml")


class Unavailable(Exception):
    """There are no policies to decide with; the message says why."""


@frozen
class Change:
    """What became of the policies: `problem` says why a new version was refused, None that it decides from now on."""

    digest: str
    before: str | None = None
    problem: str | None = None


@frozen
class Watched:
    """Files to read policies from, and to look at every `interval` seconds; `clock` tells how time passes."""

    paths: Paths
    entities: AnyPath | None = None
    interval: float = INTERVAL
    clock: Callable[[], float] = time.monotonic


class Policies(Protocol):
    """Where a guard has its policies from."""

    def current(self) -> PolicySet:
        """Return the policies that decide now, or raise `Unavailable`."""

    def reload(self) -> bool:
        """Read the policies anew; return whether what was read is in use."""


class Fixed:
    """Policies that never change."""

    def __init__(self, policies: PolicySet, said: Callable[[Change], None]) -> None:
        """Take the policies, and say that they decide from now on."""
        self._policies = policies
        said(Change(policies.digest))

    def current(self) -> PolicySet:
        """Return the policies."""
        return self._policies

    def reload(self) -> bool:
        """Do nothing: there is nothing to read."""
        return True


class Files:
    """Policies in files: loaded once, and loaded again whenever the files change if they are watched."""

    def __init__(
        self,
        paths: Paths,
        said: Callable[[Change], None],
        *,
        entities: AnyPath | None = None,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load them; with `interval`, in seconds, look at the files so often. `said` is told of every change."""
        self._paths: tuple[AnyPath, ...] = (paths,) if isinstance(paths, str | os.PathLike) else tuple(paths)
        self._entities = entities
        self._interval = interval
        self._said = said
        self._clock = clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._policies: PolicySet | None = None
        self._problem = ""
        self._loaded: object = None
        self._seen: object = None
        self._next = 0.0
        self.reload()

    def current(self) -> PolicySet:
        """Return the policies of the newest version that compiles, or raise `Unavailable` if there never was one."""
        if self._interval is not None and self._clock() >= self._next:
            self._look_unless_busy(self._interval)
        policies = self._policies
        if policies is None:
            raise Unavailable(self._problem)
        return policies

    def reload(self) -> bool:
        """Load the files now, whatever they were; return whether they are in use now."""
        with self._lock:
            self._seen = self._snapshot()
            return self._load(self._seen)

    def _look_unless_busy(self, interval: float) -> None:
        """Look at the files; whoever comes meanwhile is answered by the version at hand, and waits for no compiler."""
        if self._process != os.getpid():  # after a fork nobody would give the lock back
            self._process, self._lock = os.getpid(), threading.Lock()
        if not self._lock.acquire(blocking=False):
            return
        try:
            seen = self._snapshot()
            settled, self._seen = seen == self._seen, seen
            if settled and seen != self._loaded:
                self._load(seen)
            self._next = self._clock() + interval
        finally:
            self._lock.release()

    def _load(self, seen: object) -> bool:
        before = self._policies.digest if self._policies is not None else None
        self._loaded = seen  # the same files are not tried twice
        try:
            entities = None if self._entities is None else Entities.from_json(self._entities)
            policies = load(self._paths, entities=entities)
            policies.warm()
            digest = policies.digest
        except Exception as error:  # whatever is wrong with a new version, the one at hand goes on
            self._problem = str(error) or type(error).__name__
            self._said(Change(before or "", before, self._problem))
            return False
        if self._snapshot() != seen:  # somebody wrote meanwhile; the next looks see what came of it
            self._problem, self._loaded = "the files changed while they were read", None
            return False
        self._policies, self._problem = policies, ""
        self._said(Change(digest, before))
        return True

    def _snapshot(self) -> object:
        """Return what a change of anything that loading reads shows in; that something is missing is part of it."""
        found: dict[str, Any] = {}
        first = Path(self._paths[0]) if self._paths else Path()
        start = first if first.is_dir() else first.parent
        here = Path(os.path.abspath(start))
        for folder in (here, *here.parents):
            for name in _CONFIGURATIONS:
                found[str(folder / name)] = _status(folder / name)
        try:
            libraries = find_configuration(start).libraries
            files = (*find_files(self._paths, apart_from=libraries), *find_modules(libraries).values())
            found.update({file.path: _status(file.path) for file in files})
        except (FilesError, ConfigurationError) as error:
            found[""] = str(error)
        if self._entities is not None:
            found[os.fspath(self._entities)] = _status(self._entities)
        return found


def _status(path: AnyPath) -> object:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


def source_of(policies: PolicySet | Watched | Paths, said: Callable[[Change], None]) -> Policies:
    """Return where policies come from: given, in files that are loaded once, or in files that are watched.

    Raises `TypeError` for what is none of these.
    """
    if isinstance(policies, PolicySet):
        return Fixed(policies, said)
    if isinstance(policies, Watched):
        return Files(policies.paths, said, entities=policies.entities, interval=policies.interval, clock=policies.clock)
    given: object = policies  # whatever it is, say so
    if not isinstance(given, str | os.PathLike | Iterable) or isinstance(given, bytes | Mapping):
        raise TypeError(f"policies are a `PolicySet`, a path or several paths, not {policies!r}")
    return Files(policies, said)
