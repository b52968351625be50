"""`kynara clean`: empties the cache of the user."""

from __future__ import annotations

import click

from .options import Stop, color_option
from .output import counted


@click.command()
@color_option
def clean() -> None:
    """Empty the cache.

    It holds the syntax trees of files and what checks found, so that a check of unchanged files need not be made again,
    and compiled programs for commands that are given --cache.
    Only what kynara put there is removed. KYNARA_CACHE_DIR says where it is, if not in the cache folder of the user.

    \b
    Examples:
      kynara clean

    Exit codes: 0 it is empty, 2 it could not be emptied.
    """
    from ..caching import folder

    try:
        place = folder.place()
        removed = 0 if place is None else folder.empty(place)
    except folder.CacheError as error:
        raise Stop(str(error)) from None
    if removed:
        click.echo(f"Removed {counted(removed, 'entry', 'entries')} from {place}")
    else:
        click.echo(f"There is nothing in the cache{f' {place}' if place else ''}")
