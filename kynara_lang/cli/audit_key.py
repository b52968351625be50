"""`kynara audit key`: makes the pair of keys of a log."""

from __future__ import annotations

import os

import click

from .audit import trouble
from .options import Stop, color_option
from .output import say


@click.command(short_help="Make the key that signs checkpoints, and the one that verifies them.")
@click.argument("name", metavar="NAME")
@click.option("--output", "-o", metavar="FILE", default="audit.key", show_default=True, help="The private key's file.")
@color_option
def key(name: str, output: str) -> None:
    """Make a new Ed25519 key for a log: a private half for whoever writes it, a public one for whoever verifies it.

    NAME says whose key it is, and stands in every signature. The public key goes to a file beside the private one that
    ends in `.pub`. Nothing is overwritten.

    \b
    Examples:
      kynara audit key example.com/payments
      kynara audit key example.com/payments -o /etc/kynara/audit.key

    Exit codes: 0 the keys were made, 2 they could not be.
    """
    from ..audit.keys import SigningKey

    public = f"{output.removesuffix('.key')}.pub"
    if os.path.lexists(public) or os.path.lexists(output):
        taken = output if os.path.lexists(output) else public
        raise Stop(f"{taken} is there already", "give the name of a new file with --output")
    with trouble():
        made = SigningKey.generate(name)
        text = made.public.text
        made.save(output)
    try:
        with open(public, "x", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise Stop(f"{public} cannot be written: {error.strerror}", f"the public key is {text}") from None
    say(f"Wrote {output}, which only the writer of the log may read, and {public}, which every verifier needs")
    click.echo(text)
