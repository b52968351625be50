"""Logs for tests, and the ways to tamper with them."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from attrs import frozen

from kynara_lang.audit import Log, Policy, SigningKey, Verdict, verify
from kynara_lang.audit.framing import START, chained, json_of, line_of
from kynara_lang.audit.merkle import Frontier, leaf_hash
from kynara_lang.audit.notes import Checkpoint

KEY = SigningKey("tests", bytes(range(32)))
OTHER_KEY = SigningKey("tests", bytes(range(1, 33)))
FIRST = "0000000000000000.records"
ROOT = Path(__file__).resolve().parent.parent.parent
ALONE = ROOT / "examples" / "audit_verifier" / "verify_log.py"


def load_alone() -> ModuleType:
    """Return the verifier that stands alone."""
    spec = importlib.util.spec_from_file_location("verify_log", ALONE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


alone = load_alone()


@frozen
class Made:
    """A signed log, with what its witness holds."""

    path: Path
    witness: Path

    @property
    def held(self) -> bytes:
        (file,) = self.witness.glob("*.checkpoint")
        return file.read_bytes()


def make(where: Path, records: int = 6, *, segment_bytes: int = 1 << 20, key: SigningKey = KEY, text: str = "") -> Made:
    """Make a signed log of some decisions and close it; it has records for opening and closing besides."""
    with Log.open(
        where / "log", key=key, checkpoints=[where / "witness"], seconds=None, segment_bytes=segment_bytes
    ) as log:
        for number in range(records):
            log.append("decision", {"number": number, "text": text or "Grüße"})
    return Made(where / "log", where / "witness")


def lines_of(log: Path) -> list[bytes]:
    """Return all stored lines."""
    return [line for file in sorted(log.glob("*.records")) for line in file.read_bytes().splitlines(keepends=True)]


def put(log: Path, lines: Iterable[bytes]) -> None:
    """Store other lines, in one file."""
    for file in log.glob("*.records"):
        file.unlink()
    (log / FIRST).write_bytes(b"".join(lines))


def chain(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines with their hashes worked out anew, as whoever rewrites a log does."""
    made, before = [], START
    for line in lines:
        text = json_of(line)
        before = chained(before, text)
        made.append(line_of(text, before))
    return made


def signed(log_id: str, lines: Iterable[bytes], key: SigningKey) -> bytes:
    """Return a checkpoint of some lines."""
    tree = Frontier()
    for line in lines:
        tree.add(leaf_hash(line))
    return Checkpoint(log_id, tree.size, tree.root()).signed(key).encode()


def copied(made: Made, where: Path) -> Made:
    """Return a copy to tamper with."""
    shutil.copytree(made.path, where / "log")
    shutil.copytree(made.witness, where / "witness")
    return Made(where / "log", where / "witness")


def both(
    path: Path,
    *,
    key: SigningKey | None = None,
    checkpoint: bytes | None = None,
    size: int = 0,
    log: str | None = None,
) -> Verdict:
    """Verify a log with both verifiers; they must agree on what is wrong, and where."""
    policy = Policy(key=key.public if key else None, checkpoint=checkpoint, size=size, log=log)
    verdict = verify(path, policy)
    found = alone.check(str(path), key.public.text if key else None, checkpoint, size, log)
    mine = [(f.code, f.segment, f.offset) for f in verdict.findings]
    theirs = [(code, segment, offset) for code, _, _, segment, offset in found]
    same = [(code, place if place is None or code != "short" else None) for code, place, _ in mine]
    assert same == [(code, place) for code, place, _ in theirs], (verdict.findings, found)
    places = [(seq, f.seq) for f, (_, _, seq, _, _) in zip(verdict.findings, found, strict=True)]
    assert all(theirs == mine for theirs, mine in places), places
    return verdict


Attack = Callable[[Made, Path], None]
