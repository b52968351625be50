"""From PATH to a program: what every command that works on policies begins with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..checker.linter import LintSettings
from ..diagnostics.diagnostic import Severity
from ..files import (
    MAX_BYTES,
    Configuration,
    ConfigurationError,
    FilesError,
    find_configuration,
    find_files,
    read_bounded,
)
from ..pipeline import Checked
from ..program import check_files, report_of
from .options import STDIN, Stop, read_input, standard_input
from .output import busy, chatter, counted
from .reports import print_full, summary

if TYPE_CHECKING:
    from ..runtime.entities import Entities
    from ..runtime.policyset import PolicySet

_UNNAMED = "<stdin>"


def configuration() -> Configuration:
    """Return the configuration of the working folder."""
    try:
        return find_configuration(os.curdir)
    except ConfigurationError as error:
        raise Stop(str(error)) from None


def check_policies(
    ctx: click.Context,
    paths: Sequence[str],
    *,
    stdin_filename: str | None = None,
    lints: LintSettings | None = None,
) -> Checked:
    """Check the program in some paths, or in those of the configuration; `lints` says which lints look at it.

    The path `-` is standard input, which stands in for the file `stdin_filename` if a path leads to that, too.
    """
    settings = configuration()
    if stdin_filename is not None and STDIN not in paths:
        raise click.UsageError(f"--stdin-filename needs '{STDIN}' as one PATH.", ctx)
    named = [path for path in paths or _configured(ctx, settings) if path != STDIN]
    unsaved = None
    if STDIN in paths:
        unsaved = (stdin_filename or _UNNAMED, read_bounded(standard_input(ctx, "the policy"), MAX_BYTES))
    try:
        files = find_files(named, apart_from=settings.libraries)
        with busy(ctx, f"checking {counted(len(files), 'file')}"):
            return check_files(files, settings.libraries, unsaved=unsaved, lints=lints)
    except FilesError as error:
        help = None if paths or settings.file is None else f"the configuration is {settings.file}"
        raise Stop(str(error), help) from None


def load_policies(ctx: click.Context, paths: Sequence[str], entities: str | None = None) -> PolicySet:
    """Compile the program in some paths; if it has errors, show them on standard error and leave with 2."""
    checked = check_policies(ctx, paths)
    if checked.has_errors:
        console = chatter(ctx)
        print_full(console, [d for d in checked.diagnostics if d.severity is Severity.ERROR])
        console.print(f"{summary(report_of(checked))}; a policy with errors decides nothing", soft_wrap=True)
        ctx.exit(2)
    from ..runtime.entities import EntitiesError  # only here: checking needs no runtime
    from ..runtime.policyset import PolicySet

    try:
        store = _entities(ctx, entities) if entities is not None else None
        with busy(ctx, "compiling"):
            return PolicySet(checked.program, store)
    except EntitiesError as error:
        raise Stop(str(error)) from None


def _configured(ctx: click.Context, settings: Configuration) -> tuple[str, ...]:
    """Return the paths of the configuration, or say how to give some."""
    if settings.policies:
        return settings.policies
    if settings.file is None:
        why = "there is no kynara.toml here or above, nor [tool.kynara] in a pyproject.toml"
    else:
        why = f"{settings.file} does not say where policies are"
    message = f'Give a PATH: {why}.\nWith `policies = "policies/"` in kynara.toml, PATH can be left out.'
    raise click.UsageError(message, ctx)


def _entities(ctx: click.Context, path: str) -> Entities:
    from ..runtime.entities import Entities
    from ..runtime.store import MAX_STORE_BYTES

    if path != STDIN:
        return Entities.from_json(path)
    content = read_input(ctx, path, "the entities", MAX_STORE_BYTES)
    try:
        return Entities.from_text(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Stop("the entities are not UTF-8 text") from None
