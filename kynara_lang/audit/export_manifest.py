"""What an export says of itself: which records, of which log, in which file, and who vouches for it.

The file is known by its SHA-256, the log by the root over all records that it had. `view` is `complete range` where
every record from the first to the last is in the file, and `filtered view` where records may have been left out. The
signature is Ed25519, over the domain `kynara-audit/1 export` with a line feed and the canonical JSON of `manifest`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, BinaryIO, Final

from attrs import frozen

from ..runtime import strict_json
from .encoding import Json, canonical
from .faults import LogError
from .keys import SIGNATURE_BYTES, SigningKey, VerifyingKey

FORMAT: Final = "kynara-export/1"
COMPLETE: Final = "complete range"
FILTERED: Final = "filtered view"
MAX_MANIFEST: Final = 1_048_576

_DOMAIN: Final = b"kynara-audit/1 export\n"
_BLOCK: Final = 1_048_576


@frozen
class Signed:
    """A manifest that was read: what it says, and whose signature is under it, if one is."""

    said: dict[str, Any]
    signed_by: str | None


def manifest_text(said: dict[str, Json], key: SigningKey | None) -> str:
    """Return a manifest as JSON, signed if there is a key."""
    signature: dict[str, Json] | None = None
    if key is not None:
        made = key.sign(_DOMAIN + canonical(said))
        signature = {"key": key.public.text, "ed25519": base64.b64encode(made).decode("ascii")}
    return json.dumps({"manifest": said, "signature": signature}, indent=2) + "\n"


def read_manifest(content: bytes, key: VerifyingKey | None) -> Signed:
    """Read a manifest and, with a key, check its signature; raise `LogError` if either is not in order."""
    try:
        whole = strict_json.loads(content, max_bytes=MAX_MANIFEST)
    except strict_json.JsonProblem as problem:
        raise LogError("not-json", f"this is no manifest of an export: {problem.message}") from None
    said = whole.get("manifest") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(said, dict) or said.get("format") != FORMAT:
        raise LogError("not-json", f"this is no manifest of an export: it has no `format` that is `{FORMAT}`")
    if key is None:
        return Signed(said, None)
    signature = whole.get("signature")
    if not isinstance(signature, dict):
        raise LogError("damaged", "the manifest is not signed")
    if signature.get("key") != key.text:
        raise LogError("damaged", f"the manifest is not signed with the key `{key.name}` ({key.id.hex()})")
    try:
        made = base64.b64decode(str(signature.get("ed25519")), validate=True)
    except (binascii.Error, ValueError):
        made = b""
    if len(made) != SIGNATURE_BYTES or not key.verifies(made, _DOMAIN + canonical(said)):
        raise LogError("damaged", f"the signature of `{key.name}` under the manifest is wrong: it was changed")
    return Signed(said, key.name)


def check_file(said: dict[str, Any], file: BinaryIO) -> None:
    """Raise `LogError` unless a file is the one that a manifest speaks of."""
    from hashlib import sha256

    total, size = sha256(), 0
    while block := file.read(_BLOCK):
        total.update(block)
        size += len(block)
    if size != said.get("bytes"):
        raise LogError("damaged", f"the file has {size} bytes, and had {said.get('bytes')} when it was exported")
    if total.hexdigest() != said.get("sha256"):
        raise LogError("damaged", "the file was changed after it was exported: its SHA-256 is another one")
