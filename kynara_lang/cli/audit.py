"""`kynara audit`: reading, proving and exporting what was recorded. These commands say whether to believe it.

A log can be somebody else's, and so can everything in it: whatever a record holds is made visible before it is printed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from ..diagnostics.suggest import near
from .options import Stop, color_option, read_input
from .output import busy, print_json, say

if TYPE_CHECKING:
    from ..audit.keys import VerifyingKey
    from ..audit.verifying import Progress

_COMMANDS: Final = {
    "verify": "kynara_lang.cli.audit:verify",
    "show": "kynara_lang.cli.audit_reading:show",
    "query": "kynara_lang.cli.audit_reading:query",
    "tail": "kynara_lang.cli.audit_reading:tail",
    "export": "kynara_lang.cli.audit_export:export",
    "prove": "kynara_lang.cli.audit:prove",
    "checkpoint": "kynara_lang.cli.audit:checkpoint",
    "replay": "kynara_lang.cli.audit_replay:replay",
    "key": "kynara_lang.cli.audit_key:key",
}
_PERCENT: Final = 100
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _AuditGroup(click.Group):
    """The commands below `kynara audit`, each loaded when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, or return None if there is no such command."""
        module, _, attribute = _COMMANDS.get(cmd_name, "").partition(":")
        if not module:
            return None
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; for a name that does not exist, say which one is near."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            guess = near(name, _COMMANDS)
            better = f" Did you mean '{guess}'?" if guess else ""
            raise click.UsageError(f"There is no command 'audit {name}'.{better}", ctx)
        return super().resolve_command(ctx, args)


@click.group("audit", cls=_AuditGroup)
@color_option
def audit() -> None:
    """Read, verify, prove and export the log of what was decided.

    \b
    Examples:
      kynara audit verify audit/ --key audit.pub --checkpoint held.checkpoint
      kynara audit query audit/ --decision deny --since 2026-11-01
      kynara audit show audit/ 47

    Exit codes: 0 fine, 1 the log is not in order, or something differs, 2 usage, or a file cannot be read.
    """


# --- what the commands share


def log_argument(command: _Command) -> _Command:
    """Add the folder of the log to a command as `log`."""
    return click.argument("log", metavar="PATH")(command)


def format_option(command: _Command) -> _Command:
    """Add `--format` to a command as `form`."""
    choice = click.Choice(["text", "json"])
    help = "How to answer."
    return click.option("--format", "form", type=choice, default="text", show_default=True, help=help)(command)


def key_option(command: _Command) -> _Command:
    """Add `--key` to a command that checks signatures, as `key`."""
    return click.option("--key", metavar="KEY", help="The public key that must have signed, or its file.")(command)


@contextmanager
def trouble(path: str | None = None) -> Iterator[None]:
    """End a command where the log says no: with 1 where it is not in order, with 2 where it cannot be read."""
    from ..audit.faults import LogError

    try:
        yield
    except LogError as error:
        if error.code == "damaged":
            help = f"`kynara audit verify {path}` says what is wrong with the log" if path is not None else None
            not_in_order(error.message, help)
        help = "a log is a folder, as `Log.open` makes it" if error.code == "missing" and path is not None else None
        raise Stop(error.message, help) from None
    except RecursionError:
        not_in_order("a record is nested more deeply than any that a log writes")


def not_in_order(message: str, help: str | None = None) -> NoReturn:
    """End a command with exit code 1: what was read is not what was written."""
    Stop(message, help).show()
    raise click.exceptions.Exit(1)


@contextmanager
def progress(ctx: click.Context, what: str) -> Iterator[Progress]:
    """Give a function that shows on a terminal how much of something is done."""
    with busy(ctx, what, total=_PERCENT) as one_more:
        shown = 0

        def at(done: int, total: int) -> None:
            nonlocal shown
            while shown < done * _PERCENT // max(total, 1):
                shown += 1
                one_more()

        yield at


def read_small(ctx: click.Context, path: str, purpose: str) -> bytes:
    """Return what a file holds that cannot be large."""
    return read_input(ctx, path, purpose, 1_048_576)


def public_key(key: str | None) -> VerifyingKey | None:
    """Return the key that a command line names; raise `LogError` if it is none."""
    from ..audit.keys import as_verifying_key

    return None if key is None else as_verifying_key(key)


# --- verify


@click.command(short_help="Say whether a log is what was written, and all of it.")
@click.argument("log", metavar="[PATH]", required=False)
@key_option
@click.option("--checkpoint", metavar="FILE", help="The newest checkpoint that you hold; the log must extend it.")
@click.option("--min-size", metavar="N", type=click.IntRange(min=0), default=0, help="How many records there must be.")
@click.option("--log-id", metavar="ID", help="Which log it must be.")
@click.option("--proof", metavar="FILE", help="Check a proof of `kynara audit prove` instead of a log.")
@click.option("--manifest", metavar="FILE", help="Check an export by its manifest instead of a log.")
@format_option
@color_option
@click.pass_context
def verify(
    ctx: click.Context,
    log: str | None,
    key: str | None,
    checkpoint: str | None,
    min_size: int,
    log_id: str | None,
    proof: str | None,
    manifest: str | None,
    form: str,
) -> None:
    """Say whether the log at PATH is what was written, all of it, as far as that can be known.

    Without a key and without a checkpoint, only accidents and clumsy hands are noticed. An empty, shorter or missing
    log is an error.

    \b
    Examples:
      kynara audit verify audit/ --key audit.pub --checkpoint held.checkpoint
      kynara audit verify --proof record-47.proof.json --key audit.pub
      kynara audit verify --manifest denials.csv.manifest.json --key audit.pub

    Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked.
    """
    if sum(given is not None for given in (log, proof, manifest)) != 1:
        raise click.UsageError("Give one of PATH, --proof and --manifest.", ctx)
    if log is None and (min_size or log_id is not None or (manifest is not None and checkpoint is not None)):
        raise click.UsageError("--min-size, --log-id and --checkpoint are about a log.", ctx)
    with trouble():
        if log is not None:
            _verify_log(ctx, log, key, checkpoint, min_size, log_id, form)
        elif proof is not None:
            _verify_proof(ctx, proof, key, checkpoint, form)
        else:
            assert manifest is not None
            _verify_manifest(ctx, manifest, key, form)


def _verify_log(
    ctx: click.Context, log: str, key: str | None, checkpoint: str | None, min_size: int, log_id: str | None, form: str
) -> NoReturn:
    from ..audit.verifying import Policy
    from ..audit.verifying import verify as verified
    from . import render_audit

    pinned = public_key(key)
    held = None if checkpoint is None else _held(ctx, checkpoint, pinned)
    with progress(ctx, "verifying") as at:
        verdict = verified(log, Policy(pinned, held, min_size, log_id), progress=at)
    if form == "json":
        print_json(verdict.to_dict())
    else:
        click.echo(render_audit.verdict_text(verdict), nl=False)
    ctx.exit(0 if verdict.ok else 1)


def _verify_proof(ctx: click.Context, path: str, key: str | None, checkpoint: str | None, form: str) -> None:
    from ..audit import query_proof
    from ..audit.notes import read_note
    from . import render_audit

    pinned = public_key(key)
    held = None if checkpoint is None else read_note(_held(ctx, checkpoint, pinned), pinned)
    found = query_proof.read_proof(read_small(ctx, path, "the proof"))
    by = query_proof.check_proof(found, pinned, held)
    head = found.head
    if form == "json":
        said = {"ok": True, "log": head.log, "seq": head.seq, "size": by.size, "root": by.root.hex()}
        print_json({**said, "record": found.record})
        return
    click.echo(f"record {head.seq} is in the log {head.log}, as one of its first {by.size:,} records")
    click.echo(render_audit.record_text(render_audit.entry_of(found.line)), nl=False)


def _held(ctx: click.Context, path: str, key: VerifyingKey | None) -> bytes:
    """Return the checkpoint that somebody holds; stop if it is none, or not of the key."""
    from ..audit.faults import LogError
    from ..audit.notes import read_note

    note = read_small(ctx, path, "the checkpoint")
    try:
        read_note(note, key)
    except LogError as error:
        raise Stop(f"{path}: {error.message}") from None
    return note


def _verify_manifest(ctx: click.Context, path: str, key: str | None, form: str) -> None:
    from ..audit import export_manifest
    from . import render_audit

    read = export_manifest.read_manifest(read_small(ctx, path, "the manifest"), public_key(key))
    name = read.said.get("file")
    if not isinstance(name, str) or os.path.basename(name) != name or name in ("", ".", ".."):
        raise Stop("the manifest does not name a file beside it", "was it written to standard output? Compare `sha256`")
    file = os.path.join(os.path.dirname(path), name)
    try:
        with open(file, "rb") as stream:
            export_manifest.check_file(read.said, stream)
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror or error}") from None
    if form == "json":
        print_json({"ok": True, "signed_by": read.signed_by, "manifest": read.said})
    else:
        click.echo(render_audit.manifest_text(read), nl=False)


# --- proofs and checkpoints


@click.command(short_help="Write a proof that a record is in a log.")
@log_argument
@click.argument("seq", type=click.IntRange(min=0))
@click.option("--output", "-o", metavar="FILE", help="Where to write the proof, if not to standard output.")
@color_option
@click.pass_context
def prove(ctx: click.Context, log: str, seq: int, output: str | None) -> None:
    """Write a proof, as JSON, that record SEQ is in the log; it can be checked without the log.

    The proof holds the record. It leads to the newest signed checkpoint, if that covers the record.

    \b
    Examples:
      kynara audit prove audit/ 47 --output record-47.proof.json
      kynara audit verify --proof record-47.proof.json --key audit.pub

    Exit codes: 0 fine, 1 the log is not in order, 2 there is no such record, or a file cannot be read or written.
    """
    from ..audit import query_proof

    with trouble(log), progress(ctx, "proving") as at:
        found = query_proof.prove(log, seq, at)
    if found.checkpoint is None:
        say(f"note: no signed checkpoint covers record {seq} yet; without one the proof convinces nobody else")
    if output is None:
        click.echo(found.to_json(), nl=False)
        return
    with new_file(output) as stream:
        stream.write(found.to_json().encode("utf-8"))


@click.command(short_help="Print the newest signed checkpoint of a log.")
@log_argument
@key_option
@click.option("--output", "-o", metavar="FILE", help="A checkpoint you hold; replaced if the log extends it.")
@color_option
@click.pass_context
def checkpoint(ctx: click.Context, log: str, key: str | None, output: str | None) -> None:
    """Print the newest signed checkpoint of the log, to be kept where nobody who writes the log can change it.

    With --output, the checkpoint in that file is replaced, but only after the log was verified against it, and never by
    one of fewer records.

    \b
    Examples:
      kynara audit checkpoint audit/ --key audit.pub
      kynara audit checkpoint audit/ --key audit.pub --output /mnt/witness/held.checkpoint

    Exit codes: 0 fine, 1 the log does not extend the checkpoint that you hold, or has an older one itself, 2 there is
    none, or it cannot be read.
    """
    from ..audit.notes import read_note
    from ..audit.query_proof import own_checkpoint

    with trouble(log):
        found = own_checkpoint(log)
        if found is None:
            help = "a log signs checkpoints if it is opened as Log.open(path, key=…, checkpoints=[…])"
            raise Stop(f"{log} has no checkpoint", help)
        read_note(found[1], public_key(key))
        if output is None:
            click.echo(found[1], nl=False)
            return
        _replace_held(ctx, log, public_key(key), output, found[1])


def _replace_held(ctx: click.Context, log: str, key: VerifyingKey | None, output: str, note: str) -> None:
    """Put a checkpoint in place of an older one that the log extends."""
    from ..audit.disk import DISK, write_whole
    from ..audit.notes import read_note
    from ..audit.verifying import Policy, verify
    from . import render_audit

    held = _held(ctx, output, key) if os.path.exists(output) else None
    with progress(ctx, "verifying") as at:
        verdict = verify(log, Policy(key, held), progress=at)
    if not verdict.ok:
        click.echo(render_audit.verdict_text(verdict), err=True, nl=False)
        not_in_order(f"{output} is kept as it is")
    # Whoever can write the log's folder can put an older checkpoint back there, which the log extends just as well.
    newest, before = read_note(note).size, 0 if held is None else read_note(held).size
    if newest < before:
        not_in_order(
            f"{output} is kept as it is: it is of {before} records, and the newest checkpoint that {log} has is of"
            f" {newest}. With that one, nobody would notice if the records from {newest} on were cut off",
            "an older checkpoint was put back into the log's folder, or it was lost there in a crash; where the log"
            " is in order, opening it with its key signs a new one",
        )
    try:
        write_whole(DISK, os.path.abspath(output), note.encode("utf-8"))
    except OSError as error:
        raise Stop(f"{output} cannot be written: {error.strerror or error}") from None


@contextmanager
def new_file(path: str) -> Iterator[Any]:
    """Open a file that did not exist, for its owner alone; take it away again if what writes it fails."""
    try:
        stream = open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
    except FileExistsError:
        raise Stop(f"{path} exists already", "evidence is not written over; choose another name") from None
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror or error}") from None
    done = False
    try:
        with stream:
            yield stream
        done = True
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        if not done:
            os.unlink(path)
