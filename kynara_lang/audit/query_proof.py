"""Proofs that one record is in a log, for somebody who has neither the log nor any other record of it.

A proof holds the stored line of the record, the nodes of the Merkle tree that lead from it to the root, and the signed
checkpoint that states this root. Whoever has the public key needs nothing else. See RFC 6962, section 2.1.1.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from attrs import frozen

from ..runtime import strict_json
from . import framing
from .checkpoints import CHECKPOINT
from .disk import DISK, read_whole
from .encoding import text_problem
from .faults import LogError, refused
from .keys import VerifyingKey
from .merkle import leaf_hash, root_of_inclusion
from .notes import MAX_NOTE, Checkpoint, read_note
from .proofs import inclusion_proof
from .query_reading import newest
from .verifying import Progress

FORMAT: Final = "kynara-proof/1"
MAX_PROOF: Final = 1_048_576


@frozen
class Proof:
    """A record as stored, and what leads from it to the root over `size` records; `checkpoint` states that root."""

    line: bytes
    size: int
    nodes: tuple[bytes, ...]
    checkpoint: str | None

    @property
    def head(self) -> framing.Head:
        """What the log added to the record."""
        found = framing.head_of(framing.json_of(self.line))
        assert found is not None
        return found

    @property
    def record(self) -> dict[str, Any]:
        """The record itself."""
        found: dict[str, Any] = json.loads(framing.json_of(self.line))
        return found

    def root(self) -> bytes | None:
        """Return the root that the record and the nodes lead to, or None if they cannot lead to any."""
        return root_of_inclusion(self.head.seq, self.size, leaf_hash(self.line), self.nodes)

    def to_json(self) -> str:
        """Return the proof as JSON, to be kept or handed on."""
        head, root = self.head, self.root()
        said = {
            "format": FORMAT,
            "log": head.log,
            "seq": head.seq,
            "size": self.size,
            "root": None if root is None else root.hex(),
            "nodes": [node.hex() for node in self.nodes],
            "checkpoint": self.checkpoint,
            "line": self.line.decode("utf-8"),
        }
        return json.dumps(said, indent=2) + "\n"


def own_checkpoint(path: str) -> tuple[Checkpoint, str] | None:
    """Return the newest checkpoint that a log keeps itself, with its text, or None if it has none."""
    try:
        note = read_whole(DISK, os.path.join(path, CHECKPOINT), MAX_NOTE)
    except OSError as error:
        raise refused("the log's own checkpoint cannot be read", error) from None
    return None if note is None else (read_note(note), note.decode("utf-8"))


def prove(path: str, seq: int, progress: Progress | None = None) -> Proof:
    """Prove that record `seq` is in a log; raise `LogError` if it is not, or the log is not as its checkpoint says."""
    last = newest(path, 1)[0].seq
    if not 0 <= seq <= last:
        raise LogError("missing", f"there is no record {seq}: the log has the records 0 to {last}")
    held = own_checkpoint(path)
    covers = held is not None and held[0].size > seq
    size = held[0].size if held is not None and covers else last + 1
    if size > last + 1:
        raise LogError("damaged", f"the log has {last + 1} records, but its own checkpoint is of {size}: it was cut")

    def each(done: int) -> None:
        if progress is not None:
            progress(done, size)

    entry, nodes = inclusion_proof(path, seq, size, each)
    proof = Proof(entry.raw, size, tuple(nodes), held[1] if held is not None and covers else None)
    if held is not None and covers and (proof.root() != held[0].root or proof.head.log != held[0].log):
        raise LogError("damaged", "the log does not extend its own checkpoint: records were changed")
    return proof


def read_proof(content: bytes) -> Proof:
    """Read a proof; raise `LogError` if it is none. That it proves anything is for `check_proof`."""
    try:
        said = strict_json.loads(content, max_bytes=MAX_PROOF)
    except strict_json.JsonProblem as problem:
        raise _malformed(problem.message) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise _malformed(f"it has no `format` that is `{FORMAT}`")
    line, size, nodes, checkpoint = (said.get(name) for name in ("line", "size", "nodes", "checkpoint"))
    if not isinstance(line, str) or type(size) is not int or not isinstance(nodes, list):
        raise _malformed("it needs `line`, `size` and `nodes`")
    if checkpoint is not None and not isinstance(checkpoint, str):
        raise _malformed("`checkpoint` is a text")
    try:
        proof = Proof(line.encode("utf-8"), size, tuple(bytes.fromhex(str(node)) for node in nodes), checkpoint)
    except ValueError:
        raise _malformed("its nodes are hexadecimal digits") from None
    wrong = framing.length_problem(proof.line)
    head = None if wrong else framing.head_of(framing.json_of(proof.line))
    if head is None or text_problem(framing.json_of(proof.line)) is not None:
        raise _malformed("its line is no stored record")
    if (said.get("log"), said.get("seq")) != (head.log, head.seq):
        raise LogError("damaged", "`log` and `seq` of the proof are not those of the record in it")
    root = proof.root()
    if root is None or said.get("root") != root.hex():
        raise LogError("damaged", "the record and the nodes do not lead to the root that the proof states")
    return proof


def check_proof(proof: Proof, key: VerifyingKey | None, held: Checkpoint | None) -> Checkpoint:
    """Return the checkpoint that the record is proven by; raise `LogError` if it is not.

    The checkpoint in the proof counts with the key that signed it; one that the caller holds counts as it is.
    """
    found: list[Checkpoint] = [] if held is None else [held]
    if key is not None and proof.checkpoint is not None:
        found.append(_signed(proof.checkpoint, key))
    if not found:
        if key is not None:
            raise LogError("missing", "the proof has no checkpoint: none was signed after the record was written")
        raise LogError("settings", "a proof says nothing without the key of its checkpoint, or a checkpoint you hold")
    root = proof.root()
    for checkpoint in found:
        if checkpoint.log != proof.head.log:
            raise LogError("damaged", f"the checkpoint is of another log, {checkpoint.log}")
        if checkpoint.size != proof.size:
            raise LogError("damaged", f"the proof is for {proof.size} records, the checkpoint of {checkpoint.size}")
        if checkpoint.root != root:
            raise LogError("damaged", "the record is not the one that was in the log: proof and checkpoint differ")
    return found[-1]


def _signed(note: str, key: VerifyingKey) -> Checkpoint:
    """Read the checkpoint of a proof, which must be signed with a key."""
    try:
        return read_note(note, key)
    except LogError as error:
        raise LogError("damaged", f"in the proof, {error.message}") from None


def _malformed(why: str) -> LogError:
    return LogError("not-json", f"this is no proof: {why}")
