"""`kynara check --watch`: checks again whenever something changes that the check reads.

Files are looked at twice a second. What they were is noted before each run, so nothing that is saved while a check is
being made is missed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click

from ..configuration import Configuration, ConfigurationError, find_configuration
from ..files import FilesError, PolicyFile, find_files, find_modules
from .output import say

INTERVAL: Final = 0.5
"""Seconds between two looks."""


def watch(
    run: Callable[[], object],
    paths: Sequence[str],
    baseline: str | None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], time.struct_time] = time.localtime,
) -> None:
    """Run once, and again whenever something changed since the last run began; only an interrupt ends it.

    What ends a run with an error is shown, and does not end the watch. A command line that is wrong from the start
    does. `paths` and `baseline` are those of the command line, which count more than the configuration.
    """
    first = True
    while True:
        seen = snapshot(paths, baseline)
        click.clear()
        try:
            run()
        except click.ClickException as error:
            if first and isinstance(error, click.UsageError):
                raise
            error.show()
        first = False
        when = time.strftime("%H:%M:%S", clock())
        say(f"{when}: waiting for changes; Ctrl-C ends")
        while snapshot(paths, baseline) == seen:
            sleep(INTERVAL)


def snapshot(paths: Sequence[str], baseline: str | None) -> dict[str, object]:
    """Return what a change of anything that a check reads shows in; that something is missing is part of it."""
    try:
        settings = find_configuration(os.curdir, options_later=True)
    except ConfigurationError:  # the run has said what is wrong with it
        settings = Configuration()
    found: dict[str, object] = {}
    for path in paths or settings.policies:
        found[path] = _statuses(partial(find_files, [path], apart_from=settings.libraries))
    for folder in settings.libraries:
        found[folder] = _statuses(partial(find_modules, [folder]))
    for other in (*_configurations(), baseline or settings.baseline):
        found[str(other)] = None if other is None else _status(other)
    return found


def _configurations() -> list[str]:
    """Return every path at which a configuration would count, whether there is one or not."""
    here = Path.cwd()
    return [str(folder / name) for folder in (here, *here.parents) for name in ("kynara.toml", "pyproject.toml")]


def _statuses(find: Callable[[], tuple[PolicyFile, ...] | dict[str, PolicyFile]]) -> object:
    try:
        found = find()
        files = found.values() if isinstance(found, dict) else found
        return {file.path: _status(file.path) for file in files}
    except FilesError as error:  # such as a folder that is gone for a moment
        return str(error)


def _status(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
