"""What several commands share: options, the errors that end a command, and the one standard input."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable
from typing import IO, Any, BinaryIO, Final, TypeVar, cast

import click

STDIN: Final = "-"

_Command = TypeVar("_Command", bound=Callable[..., Any])
_COLOR: Final = "kynara.color"
_STDIN: Final = "kynara.stdin"


class Stop(click.ClickException):
    """Ends a command with exit code 2: what is wrong, and, below it, what to do about it."""

    exit_code = 2

    def __init__(self, message: str, help: str | None = None) -> None:
        """Take the message (it may have several lines) and a line of help."""
        super().__init__(message)
        self.help = help

    def show(self, file: IO[Any] | None = None) -> None:
        """Print both on standard error, with everything made visible that could act on a terminal."""
        from ..diagnostics.excerpt import visible

        lines = [f"error: {line}" for line in self.message.splitlines()]
        if self.help:
            lines.append(f"help: {self.help}")
        for line in lines:
            click.echo(visible(line), file=file, err=file is None)


def color_option(command: _Command) -> _Command:
    """Add `--color` to a command; it counts for the whole command line wherever it stands."""

    def remember(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta[_COLOR] = value

    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        callback=remember,
        help="Whether to colour output; `auto` (the default) does on a terminal, and heeds NO_COLOR and FORCE_COLOR.",
    )(command)


def color_choice(ctx: click.Context) -> str:
    """Return what `--color` says: `auto`, `always` or `never`."""
    return str(ctx.meta.get(_COLOR, "auto"))


def paths_argument(command: _Command) -> _Command:
    """Add the policy paths to a command as `paths`."""
    return click.argument("paths", nargs=-1, metavar="[PATH]...")(command)


def no_requests(ctx: click.Context, paths: tuple[str, ...], option: str, otherwise: str) -> click.UsageError:
    """Return what to say where no request is given: the command to write, if requests stand where policies belong."""
    taken = next((path for path in paths if path.endswith((".json", ".jsonl"))), None)
    if taken is None:
        return click.UsageError(otherwise, ctx)
    command = [*ctx.command_path.split(), *(path for path in paths if path != taken), option, taken]
    return click.UsageError(f"{taken!r} is no policy. For requests that are in it, write: {shlex.join(command)}", ctx)


def entities_option(command: _Command) -> _Command:
    """Add `--entities` to a command as `entities`."""
    return click.option(
        "--entities",
        metavar="FILE",
        help="Look up properties, roles and parents of entities in this JSON file.",
    )(command)


def cache_option(command: _Command) -> _Command:
    """Add `--cache` to a command as `cache`."""
    return click.option(
        "--cache",
        is_flag=True,
        help="Take the policy from your cache if it was compiled before; who can write there decides what is decided.",
    )(command)


def standard_input(ctx: click.Context, purpose: str) -> BinaryIO:
    """Return standard input as bytes; a second purpose on one command line is a mistake."""
    first = ctx.meta.setdefault(_STDIN, purpose)
    if first != purpose:
        raise click.UsageError(f"Standard input cannot be both {first} and {purpose}.", ctx)
    stream = sys.stdin
    if stream is None:
        raise Stop(f"standard input is closed; it was to be {purpose}")
    return cast(BinaryIO, getattr(stream, "buffer", None) or io.BytesIO(stream.read().encode("utf-8")))


def read_input(ctx: click.Context, path: str, purpose: str, limit: int) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; stop if there are more than `limit`."""
    from .. import files

    try:
        if path == STDIN:
            content = files.read_bounded(standard_input(ctx, purpose), limit)
        else:
            content = files.read_bytes(path, limit)
    except files.FilesError as error:
        raise Stop(str(error)) from None
    if content is None:
        raise Stop(f"{purpose} may have {limit // 2**20} MiB at most")
    return content
