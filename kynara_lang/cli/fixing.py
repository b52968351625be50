"""`kynara check --fix`, `--unsafe-fixes` and `--diff`: applies fixes to what was given, or shows what would change."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from .. import fixes
from ..checker.settings import LintSettings
from ..diagnostics.excerpt import visible
from ..files import FilesError
from ..fixes import Fixing
from .options import Stop
from .output import chatter, counted, results
from .policies import Given, check_given
from .reports import print_full

if TYPE_CHECKING:
    from ..caching.keeper import Keeper
    from ..pipeline import Checked


def apply_fixes(
    ctx: click.Context,
    given: Given,
    checked: Checked,
    lints: LintSettings,
    *,
    unsafe: bool,
    diff: bool,
    keeper: Keeper | None = None,
) -> Fixing:
    """Apply the fixes of what was found, or with `diff` show on standard output what they would change.

    Where standard input is checked, only that is fixed, and the result goes to standard output.
    """
    name = given.unsaved[0] if given.unsaved else None
    names = {name} if name is not None else {file.name for file in given.files}

    def recheck(texts: Mapping[str, str]) -> Checked:
        return check_given(ctx, given, lints=lints, texts=texts, keeper=keeper)

    fixing = fixes.fix(checked, recheck, names, unsafe=unsafe)
    if diff:
        for changed in sorted(fixing.after):
            print_diff(ctx, changed, fixing.before[changed], fixing.after[changed])
    elif given.unsaved is not None:
        _print_fixed(*given.unsaved, fixing)
    else:
        try:
            fixes.write(fixing, given.files)
        except FilesError as error:
            raise Stop(str(error)) from None
    _tell(ctx, fixing, diff=diff)
    return fixing


def print_diff(ctx: click.Context, name: str, before: str, after: str) -> None:
    """Print on standard output what changes in a file, as a unified diff."""
    color = results(ctx).color_system is not None
    for line in fixes.unified_diff(visible(name), before, after):
        shown = visible(line) if sys.stdout.isatty() else line
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1]) if color else None
        click.echo(click.style(shown, fg=style) if style else shown, color=color)


def _print_fixed(name: str, content: bytes | None, fixing: Fixing) -> None:
    """Print what standard input held, with the fixes; a text without fixes comes out as it came in."""
    if content is None:
        raise Stop("standard input is too large to be fixed")
    if name in fixing.after:
        content = fixes.in_bytes(fixing.after[name], content)
    click.echo(content, nl=False)


def _tell(ctx: click.Context, fixing: Fixing, *, diff: bool) -> None:
    console = chatter(ctx)
    if fixing.broke:
        print_full(console, fixing.broke)
        brought = counted(len(fixing.broke), "error")
        console.print(f"Left out the fixes that would bring the {brought} above", soft_wrap=True)
    if fixing.unfinished:
        console.print(f"Stopped after {fixes.ROUNDS} rounds; run it again if fixes are left", soft_wrap=True)
    where = f" in {counted(len(fixing.after), 'file')}" if fixing.after else ""
    said = f"{'Would fix' if diff else 'Fixed'} {counted(fixing.fixed, 'finding')}{where}"
    console.print(said, soft_wrap=True)
