"""Checkpoints as text: a signed statement that a log has so many records with this root.

    kynara/audit/0f…           which log (the origin)
    1234                       how many records
    CsUY…=                     the root of the Merkle tree over them, in base64

    — name base64              a signature, of the lines above up to the empty one

This is https://c2sp.org/tlog-checkpoint in https://c2sp.org/signed-note. Lines after the root belong to other tools;
signatures by keys that nobody asked about are passed over, as the format demands.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from attrs import frozen

from .faults import LogError
from .keys import SIGNATURE_BYTES, SigningKey, VerifyingKey

ORIGIN: Final = "kynara/audit/"
MAX_NOTE: Final = 16_384

_ORIGIN: Final = re.compile(re.escape(ORIGIN) + "[0-9a-f]{32}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_SIGNATURE: Final = re.compile(r"— (\S{1,200}) ([A-Za-z0-9+/=]{1,4000})")
_MAX_SIGNATURES: Final = 64


@frozen
class Checkpoint:
    """What a checkpoint states: the log, how many records it has, and the root over them."""

    log: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return f"{ORIGIN}{self.log}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, key: SigningKey) -> str:
        """Return the whole note."""
        signature = key.public.id + key.sign(self.text.encode())
        return f"{self.text}\n— {key.name} {base64.b64encode(signature).decode()}\n"


def read_note(note: str | bytes, key: VerifyingKey | None = None) -> Checkpoint:
    """Read a checkpoint, and check that a key signed it if one is given; raise `LogError` if it is not in order."""
    text, signatures = _split(note)
    checkpoint = _statement(text)
    if key is None:
        return checkpoint
    mine = [raw[4:] for name, raw in signatures if name == key.name and raw[:4] == key.id]
    if not mine:
        raise LogError("key", f"the checkpoint has no signature of the key `{key.name}` ({key.id.hex()})")
    if len(mine) != 1 or len(mine[0]) != SIGNATURE_BYTES or not key.verifies(mine[0], text.encode()):
        raise LogError("key", f"the signature of `{key.name}` under the checkpoint is wrong")
    return checkpoint


def _split(note: str | bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the signed text, its last line feed included, and the signatures."""
    if len(note) > MAX_NOTE:
        raise _malformed("it is too large")
    if isinstance(note, bytes):
        try:
            note = note.decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed("it is not UTF-8") from None
    if any(char < " " and char != "\n" for char in note) or not note.endswith("\n"):
        raise _malformed("it has control characters or does not end with a line")
    text, gap, below = note.rpartition("\n\n")
    lines = below[:-1].split("\n")
    if not gap or not below or len(lines) > _MAX_SIGNATURES:
        raise _malformed("it has no signatures below an empty line")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.fullmatch(line)
    try:
        raw = base64.b64decode(found[2], validate=True) if found else b""
    except binascii.Error:
        raw = b""
    if found is None or len(raw) <= 4:
        raise _malformed("a line below the empty one is no signature")
    return found[1], raw


def _statement(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not _ORIGIN.fullmatch(lines[0]) or not _SIZE.fullmatch(lines[1]):
        raise _malformed(f"it does not begin with `{ORIGIN}…`, a size and a root")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != 32 or base64.b64encode(root).decode() != lines[2]:
        raise _malformed("its root is no SHA-256 hash in base64")
    return Checkpoint(lines[0].removeprefix(ORIGIN), int(lines[1]), root)


def _malformed(why: str) -> LogError:
    return LogError("damaged", f"this is no checkpoint: {why}")
