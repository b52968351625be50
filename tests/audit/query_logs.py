"""Small logs for the tests of reading, exporting and replaying: a program, requests, and ways to write and forge."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kynara_lang import loads
from kynara_lang.audit import Clock, Log, SigningKey, framing, read_log
from kynara_lang.audit.encoding import canonical
from kynara_lang.audit.reading import Entry
from kynara_lang.audit.records import approval_body, decision_body, outcome_body, policy_body
from kynara_lang.audit.tail import segment_name
from tests.cli.project import POLICY

POLICIES = loads(POLICY)
LATE = "2026-12-02T10:00:00Z"


def request(
    number: int, *, action: str = "orders:refund", amount: Any = "10.00", tenant: str = "acme", now: str = "2026-11-22T10:00:00Z"
) -> dict[str, Any]:
    """Return a request of one of three bots for one of two people, on an order of its own."""
    person = {"type": "user", "id": ["alice", "bob"][number % 2], "roles": ["support"], "properties": {"tenant": "acme"}}
    bot = {"type": "Bot", "id": f"bot-{number % 3}", "properties": {"tenant": "acme"}, "on_behalf_of": person}
    return {
        "subject": bot,
        "action": {"name": action, "properties": {"amount": amount} if action != "read" else {}},
        "resource": {"type": "Order", "id": f"o-{number}", "properties": {"tenant": tenant, "total": "80.00"}},
        "context": {"now": now, "ip": "203.0.113.7"},
    }


def decided(asked: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the body of the record of a decision."""
    approvals = more.get("approvals", ())
    return decision_body(POLICIES, asked, POLICIES.decide(asked, approvals), **more)


def write(path: Path, bodies: Iterable[tuple[str, Mapping[str, Any]]], **options: Any) -> None:
    """Write a log of some records."""
    with Log.open(path, **options) as log:
        for kind, body in bodies:
            log.append(kind, body)


def mixed(count: int, chance: random.Random) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield records of all kinds."""
    yield "policy", policy_body(digest=POLICIES.digest, before=None, problem=None)
    for number in range(count):
        asked = request(
            number,
            action=chance.choice(["read", "orders:refund"]),
            amount=chance.choice(["10.00", "90.00"]),
            tenant=chance.choice(["acme", "acme", "other"]),
            now=chance.choice([LATE, "2026-11-22T10:00:00Z"]),
        )
        body = decided(asked, session=f"s-{number // 7}", trace_id=chance.choice([None, "t-1"]))
        yield "decision", body
        if chance.random() < 0.3:
            yield "outcome", outcome_body(number, status="ok", error=None, duration_us=7, session=f"s-{number // 7}")
        if chance.random() < 0.1:
            approval = {"id": f"ap-{number}", "request": asked, "rules": [{"rule": "shop.late_refunds"}], "session": "s-1"}
            yield "approval", approval_body("requested", approval)


class Ticks:
    """A clock that a test turns."""

    def __init__(self, start: int = 1_790_000_000_000_000) -> None:
        self.now = start

    @property
    def clock(self) -> Clock:
        """The clock as a log wants it; each look moves it by a second."""
        return Clock(wall=self.look)

    def look(self) -> int:
        self.now += 1_000_000
        return self.now


def key_pair(folder: Path, name: str = "acme") -> tuple[str, str]:
    """Make a key; return the files of its two halves."""
    key = SigningKey.generate(name)
    key.save(folder / f"{name}.key")
    (folder / f"{name}.pub").write_text(key.public.text + "\n")
    return str(folder / f"{name}.key"), str(folder / f"{name}.pub")


def forged(path: Path, texts: Iterable[bytes | dict[str, Any]], log: str = "0" * 32) -> None:
    """Write a log, its chain in order, whose records hold any bodies; bytes are written as they are."""
    path.mkdir()
    before, lines = framing.START, []
    for seq, (kind, body) in enumerate([("genesis", b"{}"), ("open", b"{}"), *(("decision", text) for text in texts)]):
        body = body if isinstance(body, bytes) else canonical(body)
        head = framing.Head(seq, 0 if kind == "genesis" else 1, kind, log, seq, seq, "2026-11-22T10:00:00.000000Z", 1)
        text = framing.record_json(body, head)
        before = framing.chained(before, text)
        lines.append(framing.line_of(text, before))
    (path / segment_name(0)).write_bytes(b"".join(lines))


def entries(path: Path) -> list[Entry]:
    """Return all records of a log."""
    return list(read_log(path))


def change_byte(file: Path, at: int, flip: int = 1) -> None:
    """Change one byte of a file."""
    content = bytearray(file.read_bytes())
    content[at] ^= flip
    file.write_bytes(content)
