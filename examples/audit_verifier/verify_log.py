#!/usr/bin/env python3
"""Verifies a Kynara audit log without Kynara: one file to read, copy and run.

    python verify_log.py LOG [--key KEY] [--checkpoint FILE] [--size N] [--log ID]

It needs Python alone; a key needs the package `cryptography` too. It shares no code with Kynara and says the same, so
either can be used to doubt the other. Exit code 0: in order as far as the level goes; 1: not; 2: it cannot be checked.

A log is a folder of files NNNNNNNNNNNNNNNN.records, named after the number of their first record. A line is
`LENGTH HASH JSON\\n`: HASH is SHA-256 of the domain, the hash before (zeros at first), the length as 8 bytes, and JSON.
JSON is canonical (RFC 8785) and ends with what the log says of the record. The lines are the leaves of a Merkle tree
(RFC 6962), whose root a checkpoint signs: the log's own, in the file `checkpoint`, and the one you kept elsewhere.

  chain only      neither key nor checkpoint: finds changes inside, not a cut end, a rewritten log or an older copy
  signed          --key: finds also whatever contradicts the log's own checkpoint; an older copy with its own passes
  held elsewhere  --checkpoint: finds everything before that checkpoint, and that the end before it is missing
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
from pathlib import Path

DOMAIN = b"kynara-audit/1 record\n"
ORIGIN = "kynara/audit/"
PREFIX = 8 + 1 + 64 + 1
MAX_LINE = PREFIX + 65_536 + 1
MAX_NOTE = 16_384
MAX_INTEGER = 2**53 - 1

NUMBER = rb"(0|[1-9][0-9]{0,15})"
TIME = rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
HEAD = re.compile(
    rb',"commit":%b,"epoch":%b,"kind":"([a-z][a-z_-]{0,31})","log":"([0-9a-f]{32})","monotonic":%b,"seq":%b,"time":%b,'
    rb'"version":([0-9]{1,4})\}\Z' % (NUMBER, NUMBER, NUMBER, NUMBER, b'"' + TIME + b'"')
)


class Bad(Exception):
    """What is wrong; its arguments are those of `finding`."""


class Unusable(Exception):
    """The key or the checkpoint that was given cannot be used."""


def finding(code, message, seq=None, segment=None, offset=None):
    """Return what is wrong as a tuple: code, message, and number, file and byte of the record, if it has a place."""
    return code, message, seq, segment, offset


class Log:
    """A log as far as it was read: the number of records, the chain and the tree."""

    def __init__(self):
        self.id, self.size, self.hash, self.commit, self.epoch = "", 0, bytes(32), -1, 0
        self.tree = []  # roots of perfect trees, each with its size, the largest first
        self.marks = {}  # sizes of checkpoints, with the root that the log had then

    def take(self, line):
        """Go on behind a line, or return what is wrong with it."""
        text = line[PREFIX:-1]
        if not re.match(rb"[0-9a-f]{8} [0-9a-f]{64} ", line) or line[-1:] != b"\n" or int(line[:8], 16) != len(text):
            return "is no line, or not as long as it says"
        digest = hashlib.sha256(DOMAIN + self.hash + len(text).to_bytes(8, "big") + text).digest()
        if digest.hex().encode() != line[9:73]:
            return "does not have the hash that stands before it"
        found = HEAD.search(text, max(0, len(text) - 320))
        if not found or not text.startswith(b'{"body":{'):
            return "does not end as a record does"
        wrong = self.place(found) or not_canonical(text)
        if wrong:
            return wrong
        self.hash, self.id, self.commit = digest, found[4].decode(), int(found[1])
        self.epoch = int(found[2]) if found[3] == b"open" else self.epoch
        self.add(hashlib.sha256(b"\0" + line).digest())
        return None

    def place(self, found):
        """Say why a record with this end cannot stand here."""
        commit, epoch, kind, log, _, seq, _, version = found.groups()
        if int(version) != 1 or int(seq) != self.size:
            return f"is not record {self.size} of version 1"
        if self.id and log.decode() != self.id:
            return "belongs to another log"
        if (kind == b"genesis") != (self.size == 0):
            return "is a genesis record in the wrong place, or none where one is due"
        if int(commit) not in (self.size, self.commit):
            return "belongs to a commit that cannot be here"
        due = {b"genesis": [0], b"open": [self.epoch + 1]}.get(kind, range(1, self.epoch + 1))
        return None if int(epoch) in due else "belongs to an epoch that was not opened"

    def add(self, leaf):
        """Add a leaf to the tree."""
        size = 1
        while self.tree and self.tree[-1][0] == size:
            leaf, size = hashlib.sha256(b"\1" + self.tree.pop()[1] + leaf).digest(), size * 2
        self.tree.append((size, leaf))
        self.size += 1
        if self.size in self.marks:
            self.marks[self.size] = self.root()

    def root(self):
        """Return the root of the tree."""
        found = self.tree[-1][1] if self.tree else hashlib.sha256(b"").digest()
        for _, left in reversed(self.tree[:-1]):
            found = hashlib.sha256(b"\1" + left + found).digest()
        return found


def not_canonical(text):
    """Say why some bytes are not canonical JSON without fractions, or return None."""

    def refuse(number):
        raise ValueError(number)

    def whole(number):
        return int(number) if len(number) < 18 and abs(int(number)) <= MAX_INTEGER else refuse(number)

    try:
        value = json.loads(text.decode("utf-8"), parse_int=whole, parse_float=refuse, parse_constant=refuse)
        again = json.dumps(in_order(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except RecursionError:
        return "is nested too deeply"
    except ValueError:
        return "is not the JSON that a log can hold"
    return None if again == text else "is not in the canonical form of JSON"


def in_order(value):
    """Return a value with the keys of its objects in the order of their UTF-16 units."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: in_order(value[key]) for key in keys}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def regular(path):
    """Return the size of a regular file that is no link; raise `Bad` for anything else, `OSError` if there is none."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise Bad("unreadable", f"{path} is not a regular file")
    return found.st_size


def read_records(log, folder):
    """Read all files of a log, in order; raise `Bad` at the first record that is not in order."""
    try:
        names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"[0-9]{16}\.records", name))
    except OSError as error:
        raise Bad("missing", f"{folder}: {error.strerror}") from None
    sizes = {name: regular(os.path.join(folder, name)) for name in names}
    for name in names:
        if int(name[:16]) != log.size:
            raise Bad("missing", f"the file that begins with record {log.size} is missing, here is {name}", log.size)
        offset = 0
        with open(os.path.join(folder, name), "rb") as file:
            while offset < sizes[name]:
                line = file.readline(min(MAX_LINE, sizes[name] - offset))
                wrong = log.take(line)
                if wrong:
                    torn = name == names[-1] and offset + len(line) == sizes[name] and not line.endswith(b"\n")
                    raise Bad("torn" if torn else "changed", f"record {log.size} {wrong}", log.size, name, offset)
                offset += len(line)
    if not log.size:
        raise Bad("missing", "there are no records here")


def read_note(note, key):
    """Return log, size and root of a checkpoint; raise `ValueError` if it is none, `KeyError` if it is not signed."""
    text, gap, below = note.decode("utf-8").rpartition("\n\n")
    lines = text.split("\n")
    plain = len(note) <= MAX_NOTE and not re.search(rb"[\x00-\x09\x0b-\x1f]", note)
    if not plain or not gap or not below.endswith("\n") or len(lines) < 3:
        raise ValueError("it does not have the form of one")
    signatures = [re.fullmatch(r"— (\S{1,200}) ([A-Za-z0-9+/=]{1,4000})", line) for line in below[:-1].split("\n")]
    if not all(signatures) or len(signatures) > 64:
        raise ValueError("its signatures do not have their form")
    raw = [(found[1], base64.b64decode(found[2], validate=True)) for found in signatures]
    root = base64.b64decode(lines[2], validate=True)
    log, size = lines[0].removeprefix(ORIGIN), lines[1]
    if lines[0] != ORIGIN + log or not re.fullmatch(r"[0-9a-f]{32}", log) or any(len(s) <= 4 for _, s in raw):
        raise ValueError("it is not of such a log")
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", size) or base64.b64encode(root).decode() != lines[2] or len(root) != 32:
        raise ValueError("it has no size or no root")
    if key:
        mine = [s[4:] for name, s in raw if name == key[0] and s[:4] == key[1]]
        if len(mine) != 1 or not verifies(key[2], mine[0], (text + "\n").encode()):
            raise KeyError("the key did not sign it")
    return log, int(size), root


def read_key(text):
    """Return name, id and bytes of a public key `NAME+ID+BASE64`."""
    found = re.fullmatch(r"([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,100})", text.strip())
    try:
        raw = base64.b64decode(found[3], validate=True) if found else b""
        key_id = hashlib.sha256(found[1].encode() + b"\n" + raw).digest()[:4] if len(raw) == 33 else b""
    except ValueError:
        key_id = b""
    if not key_id or raw[0] != 1 or key_id.hex() != found[2]:
        raise Unusable("this is no public key of the form NAME+ID+BASE64")
    return found[1], key_id, raw[1:]


def verifies(raw, signature, content):
    """Tell whether an Ed25519 signature is right."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
    except ImportError:
        raise Unusable("a key needs the package `cryptography`: pip install cryptography") from None
    except (InvalidSignature, ValueError):
        return False
    return True


def own_checkpoint(folder, key):
    """Return the checkpoint in a log's folder, None if there is none; raise `Bad` if it does not count."""
    path = os.path.join(folder, "checkpoint")
    try:
        regular(path)
        with open(path, "rb") as file:
            return read_note(file.read(MAX_NOTE + 1), key)
    except FileNotFoundError:
        if not key:
            return None
        raise Bad("unsigned", "there is no checkpoint") from None
    except (KeyError, ValueError) as error:
        code = "unsigned" if isinstance(error, KeyError) else "changed"
        raise Bad(code, f"the log's own checkpoint: {error.args[0]}") from None
    except OSError as error:
        raise Bad("unreadable", f"the log's own checkpoint: {error}") from None


def check(folder, key=None, checkpoint=None, size=0, log_id=None):
    """Return what is wrong with a log, as `finding` tells it; nothing if it is in order."""
    pinned = read_key(key) if key else None
    try:
        held = read_note(checkpoint, pinned) if checkpoint is not None else None
    except (ValueError, KeyError) as error:
        raise Unusable(f"the checkpoint that you hold cannot be used: {error.args[0]}") from None
    log, found, own = Log(), [], None
    try:
        own = own_checkpoint(folder, pinned)
    except Bad as bad:
        found.append(finding(*bad.args))
    log.marks = {note[1]: None for note in (own, held) if note}
    try:
        read_records(log, folder)
    except Bad as bad:
        return [*found, finding(*bad.args)]
    except OSError as error:
        return [*found, finding("unreadable", str(error), log.size)]
    if log_id is not None and log_id != log.id:
        found.append(finding("other-log", f"this is log {log.id}"))
    if log.size < size:
        found.append(finding("short", f"there are {log.size} records, fewer than {size}"))
    for note, what in ((held, "the checkpoint that you hold"), (own, "its own checkpoint")):
        if note and note[0] != log.id:
            found.append(finding("other-log", f"{what} is of log {note[0]}"))
        elif note and note[1] > log.size:
            found.append(finding("short", f"{what} is of {note[1]} records, and here are {log.size}", log.size))
        elif note and log.marks.get(note[1]) != note[2]:
            found.append(finding("rewritten", f"the log does not extend {what} of {note[1]} records"))
    return found


def main():
    """Read the command line, check, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="the folder of the log")
    parser.add_argument("--key", help="the public key that signs its checkpoints: its text, or a file")
    parser.add_argument("--checkpoint", help="a file with the newest checkpoint that was kept elsewhere")
    parser.add_argument("--size", type=int, default=0, help="how many records there must be at least")
    parser.add_argument("--log", dest="log_id", help="the identity that the log must have")
    options = parser.parse_args()
    key, note = options.key, options.checkpoint
    try:
        key = Path(key).read_text("utf-8") if key and os.path.exists(key) else key
        found = check(options.log, key, Path(note).read_bytes() if note else None, options.size, options.log_id)
    except (Unusable, OSError, UnicodeDecodeError) as error:
        print(f"cannot be checked: {error}", file=sys.stderr)
        return 2
    level = "checkpoint held elsewhere" if note else "signed" if key else "chain only"
    for code, message, _, segment, offset in found:
        print(f"{code}: {message}" + (f" ({segment}, byte {offset})" if segment else ""))
    print(f"{'NOT ' if found else ''}in order, as far as this level tells: {level}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
