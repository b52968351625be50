"""Keys that sign checkpoints: Ed25519, in the text form that signed notes use everywhere.

    PRIVATE+KEY+NAME+ID+BASE64      stays with whoever writes the log, in a file that nobody else can read
    NAME+ID+BASE64                  goes to whoever verifies it

NAME says whose key it is, ID is the start of a hash of name and key, and BASE64 a byte for the algorithm (1) with the
key. The form is that of golang.org/x/mod/sumdb/note and https://c2sp.org/signed-note, so that other tools can verify.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from .faults import LogError, needs_extra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519: Final = b"\x01"
_PRIVATE: Final = "PRIVATE+KEY+"
_TEXT: Final = re.compile(r"([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,100})")
_MAX_FILE: Final = 1024
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


@frozen
class VerifyingKey:
    """The public half of a key."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that name the key in a signature."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """The key as text, to hand out."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Tell whether a signature is this key's, of exactly this content."""
        _, public_key = _ed25519()
        from cryptography.exceptions import InvalidSignature

        try:
            public_key.from_public_bytes(self.raw).verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> VerifyingKey:
        """Read the text of a public key; raise `LogError` if it is none."""
        if text.strip().startswith(_PRIVATE):
            raise LogError("key", "this is the private key; to verify, give the public one (without `PRIVATE+KEY+`)")
        name, raw, key_id = _parts(text.strip(), "a public key is a line such as `name+1a2b3c4d+AT…`")
        key = cls(name, raw)
        if key.id != key_id:
            raise LogError("key", f"the public key of `{name:.60}` was copied wrongly: its parts do not fit together")
        return key

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VerifyingKey:
        """Read a public key from a file."""
        return cls.parse(_read(path, private=False))


@frozen
class SigningKey:
    """The private half of a key; its text is never shown by accident."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> SigningKey:
        """Make a new key; `name` says whose it is, without spaces and `+`."""
        if not re.fullmatch(r"[^\s+\x00-\x1f]{1,200}", name):
            raise LogError("key", "the name of a key is up to 200 characters without spaces and `+`")
        return cls(name, os.urandom(KEY_BYTES))

    @property
    def public(self) -> VerifyingKey:
        """The public half."""
        return VerifyingKey(self.name, self._key().public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as text; keep it secret."""
        encoded = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.public.id.hex()}+{encoded}"

    def sign(self, content: bytes) -> bytes:
        """Return the signature of some content."""
        return self._key().sign(content)

    def _key(self) -> Ed25519PrivateKey:
        private_key, _ = _ed25519()
        return private_key.from_private_bytes(self.seed)

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read the text of a private key; raise `LogError` if it is none."""
        if not text.strip().startswith(_PRIVATE):
            raise LogError("key", "this is no private key; it is a line that begins with `PRIVATE+KEY+`")
        name, seed, key_id = _parts(text.strip().removeprefix(_PRIVATE), "this private key is damaged")
        key = cls(name, seed)
        if key.public.id != key_id:
            raise LogError("key", "this private key was copied wrongly: its parts do not fit together")
        return key

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SigningKey:
        """Read a private key from a file that only its owner can read."""
        return cls.parse(_read(path, private=True))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the key to a new file that only its owner can read; never over an old one."""
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(fd, "w", encoding="utf-8") as file:
                file.write(self.text + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LogError("key", f"{os.fspath(path)}: the key cannot be written: {error.strerror or error}") from None


def as_signing_key(key: SigningKey | str | os.PathLike[str] | None) -> SigningKey | None:
    """Return a key that was given itself or as the path of its file."""
    return key if key is None or isinstance(key, SigningKey) else SigningKey.load(key)


def as_verifying_key(key: VerifyingKey | str | os.PathLike[str]) -> VerifyingKey:
    """Return a key that was given itself, as its text or as the path of its file."""
    if isinstance(key, VerifyingKey):
        return key
    text = os.fspath(key)
    return VerifyingKey.parse(text) if _TEXT.fullmatch(text.strip()) else VerifyingKey.load(key)


def _parts(text: str, complaint: str) -> tuple[str, bytes, bytes]:
    """Take the text of a key apart."""
    found = _TEXT.fullmatch(text)
    try:
        raw = base64.b64decode(found[3], validate=True) if found else b""
    except binascii.Error:
        raw = b""
    if found is None or raw[:1] != _ED25519 or len(raw) != 1 + KEY_BYTES:
        raise LogError("key", complaint)
    return found[1], raw[1:], bytes.fromhex(found[2])


def _read(path: str | os.PathLike[str], *, private: bool) -> str:
    """Return what a key file holds."""
    shown = os.fspath(path)
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise LogError("key", f"{shown}: the key cannot be read: {error.strerror or error}") from None
    if private and os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise LogError("key", f"{shown}: others can read this private key; run `chmod 600 {shown}`")
    if len(content) > _MAX_FILE:
        raise LogError("key", f"{shown}: this is no key file: it is too large")
    return content.decode("utf-8", "replace")


def _ed25519() -> tuple[type[Ed25519PrivateKey], type[Ed25519PublicKey]]:
    """Load the library, which only signed logs need."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    except ImportError:
        raise needs_extra("cryptography", "audit", "signing and verifying checkpoints") from None
    return Ed25519PrivateKey, Ed25519PublicKey
