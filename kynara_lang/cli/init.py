"""`kynara init`: writes a project to start from, which passes every check and test as it is."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

import click

from ..diagnostics.excerpt import visible
from .options import Stop, color_option
from .output import counted

STARTER: Final = Path(__file__).resolve().parent.parent / "starter"
_HIDDEN: Final = {"pre-commit-config.yaml": ".pre-commit-config.yaml"}
"""Files whose names begin with a dot where they are written, and not where they are kept."""

_MOST_SHOWN: Final = 10


@click.command()
@click.argument("folder", default=os.curdir, metavar="[DIR]")
@color_option
def init(folder: str) -> None:
    """Write a project to start from: a policy for an AI agent with tools, its tests, settings and a README.

    DIR is the folder to write to, by default this one; it is created if it does not exist. Nothing is overwritten:
    if any of the files is there already, none is written.

    \b
    Examples:
      kynara init my-policies
      kynara init

    Exit codes: 0 the project was written, 2 something is in the way.
    """
    files = starter_files()
    root = Path(folder)
    _refuse_what_is_there(root, files)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:  # what has come since is not overwritten either
            file.write(text)
        click.echo(visible(f"wrote {path.as_posix()}"))
    click.echo(f"\n{counted(len(files), 'file')}. Next:\n")
    if root.resolve() != Path.cwd():
        click.echo(visible(f"  cd {shlex.quote(folder)}"))
    click.echo("  kynara check\n  kynara test\n\nREADME.md says what everything is for.")


def starter_files() -> dict[str, str]:
    """Return the texts of the starter by the paths they are written to, with `/`, sorted."""
    found = {}
    for path in STARTER.rglob("*"):
        if path.is_file():
            name = path.relative_to(STARTER).as_posix()
            found[_HIDDEN.get(name, name)] = path.read_text(encoding="utf-8")
    if not found:
        raise FileNotFoundError(f"the installation of kynara-lang is incomplete: no files in `{STARTER}`")
    return dict(sorted(found.items()))


def _refuse_what_is_there(root: Path, files: dict[str, str]) -> None:
    """Stop if a file would be overwritten, or could not be written because of what is there; all of it is told."""
    places = {root / name for name in files}
    folders = {folder for place in places for folder in place.parents if folder == root or root in folder.parents}
    in_the_way = [place for place in sorted(places) if os.path.lexists(place)]
    in_the_way += [folder for folder in sorted(folders) if os.path.lexists(folder) and not folder.is_dir()]
    if not in_the_way:
        return
    lines = [f"`{place.as_posix()}` is in the way" for place in in_the_way[:_MOST_SHOWN]]
    if len(in_the_way) > _MOST_SHOWN:
        lines.append(f"and {len(in_the_way) - _MOST_SHOWN} more are")
    raise Stop(
        "\n".join([*lines, "nothing was written"]),
        "`kynara init` never overwrites; name a folder that does not exist yet, such as `kynara init my-policies`",
    )
