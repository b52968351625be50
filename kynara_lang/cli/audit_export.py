"""`kynara audit export`: records for other programs, with a manifest that says what they are."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from .audit import log_argument, new_file, progress, trouble
from .audit_reading import criteria_of, criteria_options
from .options import STDIN, Stop, color_option
from .output import counted, say

if TYPE_CHECKING:
    from ..audit.export import Slice
    from ..audit.keys import SigningKey

_FORMS = ("jsonl", "csv", "parquet", "ocsf", "cloudevents")


@click.command(short_help="Write records for other programs, with a signed manifest.")
@log_argument
@click.option("--format", "form", type=click.Choice(_FORMS), required=True, help="What to write.")
@click.option("--output", "-o", metavar="FILE", required=True, help="Where; `-` is standard output.")
@click.option("--manifest", metavar="FILE", help="Where to write the manifest, if not to FILE.manifest.json.")
@click.option("--key", metavar="FILE", help="The private key that signs the manifest.")
@click.option("--unsigned", is_flag=True, help="Leave the manifest unsigned.")
@click.option("--first", type=click.IntRange(min=0), default=0, metavar="SEQ", help="The first record to look at.")
@click.option("--last", type=click.IntRange(min=0), metavar="SEQ", help="The last record to look at.")
@criteria_options
@color_option
@click.pass_context
def export(
    ctx: click.Context,
    /,
    log: str,
    form: str,
    output: str,
    manifest: str | None,
    key: str | None,
    unsigned: bool,
    first: int,
    last: int | None,
    **given: Any,
) -> None:
    """Write records as JSON Lines, CSV, Parquet, OCSF API Activity or CloudEvents, with a signed manifest.

    The manifest says which records the file has (a complete range, or a filtered view), the hash of the file, and the
    root of the log. The whole log is read and its chain checked on the way.

    \b
    Examples:
      kynara audit export audit/ --format jsonl --output all.jsonl --key audit.key
      kynara audit export audit/ --format csv --output denials.csv --decision deny --key audit.key

    Exit codes: 0 fine, 1 the log is not in order, 2 usage, or a file cannot be read or written.
    """
    from ..audit.export import Slice

    if (key is None) != unsigned:
        raise click.UsageError("Give --key FILE, or --unsigned.", ctx)
    if last is not None and last < first:
        raise click.UsageError("--last is before --first.", ctx)
    if manifest is None:
        if output == STDIN:
            raise click.UsageError("With --output -, give --manifest FILE.", ctx)
        manifest = f"{output}.manifest.json"
    if output == STDIN and sys.stdout.isatty():
        raise Stop("standard output is a terminal, and what records hold could act on it", "lead it into a file")
    if os.path.exists(manifest):
        raise Stop(f"{manifest} exists already", "evidence is not written over; choose another name")
    with trouble(log):
        signing = _signing_key(key)
        said = _written(ctx, log, form, output, Slice(criteria_of(given), first, last))
        _write_manifest(manifest, said, signing)
    view = "all of a range" if said["view"] == "complete range" else "a filtered view"
    say(f"{counted(int(said['records']), 'record')}, {view}; {manifest} says which")


def _signing_key(path: str | None) -> SigningKey | None:
    from ..audit.keys import SigningKey

    if path is None:
        return None
    key = SigningKey.load(path)
    key.sign(b"")  # before anything is written: the library that signs must be there
    return key


def _written(ctx: click.Context, log: str, form: str, output: str, wanted: Slice) -> dict[str, Any]:
    """Write the file, and return what the manifest is to say."""
    from ..audit.export import export as exported

    with progress(ctx, "exporting") as at:
        if output == STDIN:
            stream = cast(BinaryIO, sys.stdout.buffer)
            return {**exported(log, form, stream, wanted, progress=at), "file": None}
        with new_file(output) as file:
            return {**exported(log, form, file, wanted, progress=at), "file": os.path.basename(output)}


def _write_manifest(path: str, said: dict[str, Any], key: SigningKey | None) -> None:
    from ..audit.export_manifest import manifest_text

    with new_file(path) as stream:
        stream.write(manifest_text(said, key).encode("utf-8"))
