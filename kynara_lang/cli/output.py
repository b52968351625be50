"""Where output goes and how it looks: consoles, colours, and signs of life for whatever takes long.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import click

from .options import color_choice

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID

PATIENCE: Final = 1.0
"""Seconds before something on the terminal shows that work is going on."""

_PIPED_WIDTH: Final = 100
_WIDEST: Final = 120


def results(ctx: click.Context) -> Console:
    """Return a console on standard output."""
    return _console(ctx, stderr=False)


def chatter(ctx: click.Context) -> Console:
    """Return a console on standard error."""
    return _console(ctx, stderr=True)


def say(line: str) -> None:
    """Print one line of plain words on standard error."""
    click.echo(line, err=True)


def _console(ctx: click.Context, *, stderr: bool) -> Console:
    from rich.console import Console  # only here: a check without findings needs none

    class _Console(Console):
        """A console that leaves a reader who left, as behind `| head`, to the door of the command line."""

        def on_broken_pipe(self) -> None:
            """Raise the BrokenPipeError that is being handled again."""
            raise  # rich calls this while it handles the error

    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    colored = _colored(color_choice(ctx), terminal)
    return _Console(
        file=stream,
        force_terminal=terminal,
        color_system=None if not colored else "auto" if terminal else "standard",
        no_color=not colored,
        width=None if terminal else _columns(),
        highlight=False,
        markup=False,
        emoji=False,
    )


def _colored(choice: str, terminal: bool) -> bool:
    """Decide on colour: the option first, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM") != "dumb")


def _columns() -> int:
    wanted = os.environ.get("COLUMNS", "")
    return int(wanted) if wanted.isdecimal() and 0 < int(wanted) < 10_000 else _PIPED_WIDTH


def width(console: Console) -> int:
    """Return how wide text is laid out: as wide as the console, within what reads well."""
    return min(console.width, _WIDEST) if console.is_terminal else console.width


def print_laid_out(console: Console, text: RenderableType) -> None:
    """Print text that was laid out already."""
    console.print(text, soft_wrap=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON: ASCII alone, so that no text of a request can act on a terminal."""
    click.echo(json.dumps(value, indent=indent))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 error`, `2 errors`; `plural` is the word for several if it is not the noun with an `s`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(parts: Iterable[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


@contextmanager
def busy(ctx: click.Context, what: str, total: int = 1) -> Iterator[Callable[[], None]]:
    """Show on a terminal what is being done, once it takes longer than a moment; with several parts, how many are done.

    The function that this gives is to be called whenever one more of `total` parts is done.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    console = chatter(ctx)
    lock, ended = threading.Lock(), threading.Event()
    shown: list[tuple[Progress, TaskID]] = []
    done = 0

    def appear() -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        several = (BarColumn(), MofNCompleteColumn()) if total > 1 else ()
        with lock:
            if not ended.is_set():
                bar = Progress(
                    SpinnerColumn(), TextColumn("{task.description}"), *several, console=console, transient=True
                )
                shown.append((bar, bar.add_task(what, total=total, completed=done)))
                bar.start()

    def advance() -> None:
        nonlocal done
        with lock:
            done += 1
            for bar, task in shown:
                bar.update(task, completed=min(done, total))

    timer = threading.Timer(PATIENCE, appear)
    timer.daemon = True
    timer.start()
    try:
        yield advance
    finally:
        with lock:
            ended.set()
        timer.cancel()
        for bar, _ in shown:
            bar.stop()


class Gauge:
    """A progress bar over the bytes of a file: on a terminal, after a moment, gone when done."""

    def __init__(self, ctx: click.Context, what: str, total: int | None) -> None:
        """Take what is being done and how many bytes there are; None for a stream that does not say."""
        console = chatter(ctx)
        # Where results scroll by on the same terminal they are progress enough.
        self._wanted = total is not None and console.is_terminal and not sys.stdout.isatty()
        self._console, self._what, self._total = console, what, total
        self._start = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID

    def __enter__(self) -> Self:
        """Begin; nothing is shown yet."""
        return self

    def at(self, done: int) -> None:
        """Show how many bytes are done."""
        if not self._wanted:
            return
        if self._bar is None:
            if time.monotonic() - self._start < PATIENCE:
                return
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        self._bar.update(self._task, completed=done)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
