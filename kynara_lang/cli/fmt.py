"""`kynara fmt`: policies in their canonical layout."""

from __future__ import annotations

from typing import Final

import click
from attrs import define, field

from ..diagnostics.diagnostic import Report
from ..diagnostics.excerpt import visible
from ..files import MAX_BYTES, FilesError, PolicyFile, read_bytes, source_of
from ..fixes import in_bytes, write_texts
from ..syntax.formatter import formatted
from ..syntax.pieces import FormatterError
from .fixing import print_diff
from .options import STDIN, color_option, paths_argument
from .output import busy, chatter, counted, say
from .policies import configuration, find_policies
from .reports import print_full

BUG: Final = "this is a bug in kynara, not in your policy; please report it with the line above"


@define
class _Run:
    """What is to be done, and what was: how many files were fine, which ones changed, how many have errors."""

    ctx: click.Context
    dry: bool
    diff: bool
    fine: int = 0
    changed: list[str] = field(factory=list)
    failed: int = 0

    def format(self, name: str, content: bytes | None) -> tuple[str, str] | None:
        """Return what a file says and what it is to say; None if it cannot be formatted, which is shown."""
        report = Report()
        source = source_of(name, content, report)
        try:
            text = None if source is None else formatted(source, report)
        except FormatterError as error:
            say(visible(f"internal error: `{name}` is left as it is: {error}"))
            say(BUG)
            self.failed += 1
            return None
        if source is None or text is None:
            print_full(chatter(self.ctx), report.sorted())
            self.failed += 1
            return None
        if self.diff and source.text != text:
            print_diff(self.ctx, name, source.text, text)
        return source.text, text

    def format_stdin(self, name: str, content: bytes | None) -> None:
        """Format standard input to standard output."""
        made = self.format(name, content)
        if made is None or content is None:
            return
        self._count(name, *made)
        if not self.dry:
            click.echo(in_bytes(made[1], content), nl=False)

    def format_file(self, file: PolicyFile) -> None:
        """Format a file in its place."""
        try:
            made = self.format(file.name, read_bytes(file.path, MAX_BYTES))
            if made is None:
                return
            if made[0] != made[1] and not self.dry:
                write_texts({file.name: made[0]}, {file.name: made[1]}, [file])
            self._count(file.name, *made)
        except FilesError as error:
            say(visible(f"error: {error}"))
            self.failed += 1

    def _count(self, name: str, before: str, after: str) -> None:
        if before == after:
            self.fine += 1
        else:
            self.changed.append(name)

    @property
    def summary(self) -> str:
        """The line that says what was done."""
        parts = []
        if self.changed:
            parts.append(f"{counted(len(self.changed), 'file')} {'would be ' if self.dry else ''}reformatted")
        if self.fine:
            parts.append(f"{counted(self.fine, 'file')} left unchanged")
        if self.failed:
            parts.append(f"{counted(self.failed, 'file')} not formatted because of errors")
        return ", ".join(parts)


@click.command()
@paths_argument
@click.option("--check", "checking", is_flag=True, help="Write nothing, and list the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing, and show what would change.")
@click.option("--stdin-filename", metavar="NAME", help="What `-` is called in messages.")
@color_option
@click.pass_context
def fmt(ctx: click.Context, paths: tuple[str, ...], checking: bool, diff: bool, stdin_filename: str | None) -> None:
    """Write policies in their canonical layout.

    Only the layout changes: every comment stays, and the program is the same before and after. A file that does not
    parse is left as it is. `-` reads standard input and writes to standard output.

    \b
    Examples:
      kynara fmt policies/
      kynara fmt --check policies/
      kynara fmt --diff policies/refunds.kyn
      kynara fmt - --stdin-filename policies/refunds.kyn < unsaved.kyn

    Exit codes: 0 all is well laid out, now or already, 1 something would change with --check or --diff, 2 a file could
    not be formatted.
    """
    if STDIN in paths and len(set(paths)) > 1:
        raise click.UsageError(f"Where '{STDIN}' is formatted, it is the only PATH.", ctx)
    given = find_policies(ctx, paths, configuration(options_later=True), stdin_filename=stdin_filename)
    run = _Run(ctx, checking or diff, diff)
    if given.unsaved is not None:
        run.format_stdin(*given.unsaved)
    else:
        with busy(ctx, f"formatting {counted(len(given.files), 'file')}", total=len(given.files)) as one_more:
            for file in given.files:
                run.format_file(file)
                one_more()
    if checking and not diff:
        for name in run.changed:
            click.echo(visible(name))
    if given.unsaved is None or run.dry:
        say(run.summary)
    ctx.exit(2 if run.failed else 1 if run.dry and run.changed else 0)
