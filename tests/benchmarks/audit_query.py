"""Finding records in a log of 1 000 000: making the index, going on with it, and answering questions of every kind.

The log is written without waiting for the disk, which is not what is measured here. Each question is asked as `kynara audit
query` asks it: the index is opened, compared with the log, asked, and every record that is shown is read from the log and
tested. The files are in the system's cache, as they are when somebody asks several questions.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

from kynara_lang import loads
from kynara_lang.audit import Log
from kynara_lang.audit.disk import Disk
from kynara_lang.audit.query import INDEX, Criteria, search
from kynara_lang.audit.query_facts import facts_of
from kynara_lang.audit.query_reading import newest
from kynara_lang.audit.reading import read_log
from kynara_lang.audit.records import decision_body, outcome_body
from tests.benchmarks.measure import Row, timed

RECORDS = 1_000_000
QUICK = 50_000
USERS = 2_000
AGENTS = 40
KINDS = 20_000
ROUNDS = 20

POLICY = """
module shop
role support
subject User  { tenant: String }
subject Agent { tenant: String }
resource Order { tenant: String, total: Decimal }
action read   on Order
action refund on Order (amount: Decimal) effects irreversible
permit reads   { subject any  action read    resource Order  scope subject.tenant == resource.tenant }
permit refunds { subject any  action refund  resource Order  scope subject.tenant == resource.tenant
                 when args.amount <= resource.total }
"""


class Unflushed(Disk):
    """A disk that nobody waits for."""

    def flush(self, fd: int) -> None:
        """Do nothing."""


def request(chance: random.Random) -> dict[str, Any]:
    """Return a request of some agent for some user, on one of many orders."""
    tenant = chance.choice(["acme", "globex", "initech"])
    who = {"type": "User", "id": f"user-{chance.randrange(USERS)}", "properties": {"tenant": tenant}}
    agent = {"type": "Agent", "id": f"agent-{chance.randrange(AGENTS)}", "properties": {"tenant": tenant}}
    owner = tenant if chance.random() < 0.9 else "other"
    order = {"type": "Order", "id": f"o-{chance.randrange(RECORDS)}", "properties": {"tenant": owner, "total": "50.00"}}
    refund = chance.random() < 0.2
    action = {"name": "refund", "properties": {"amount": f"{chance.randrange(60)}.00"}} if refund else {"name": "read"}
    return {
        "subject": {**agent, "on_behalf_of": who},
        "action": action,
        "resource": order,
        "context": {"now": "2026-11-22T10:00:00Z"},
    }


def write(path: str, records: int, chance: random.Random) -> None:
    """Write a log of decisions, each fourth with an outcome."""
    policies = loads(POLICY)
    decided = [body(policies, chance) for _ in range(min(KINDS, records))]
    with Log.open(path, disk=Unflushed()) as log:
        while (done := log.append("decision", varied(chance.choice(decided), chance)).seq) < records - 3:
            if not done % 4:
                log.append("outcome", outcome_body(done, status="ok", error=None, duration_us=1200))


def body(policies: Any, chance: random.Random) -> dict[str, Any]:
    """Return the body of a decision record."""
    asked = request(chance)
    session = f"session-{chance.randrange(RECORDS // 20)}"
    return decision_body(policies, asked, policies.decide(asked), session=session)


def varied(one: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a body with another order and another session: deciding is not what is measured."""
    identity = f"o-{chance.randrange(RECORDS)}"
    asked = {**one["request"], "resource": {**one["request"]["resource"], "id": identity}}
    session = f"session-{chance.randrange(RECORDS // 20)}"
    return {**one, "request": asked, "resource": f'Order::"{identity}"', "session": session}


def questions(path: str, chance: random.Random) -> Iterator[tuple[str, Criteria]]:
    """Yield questions about a log, common and rare, alone and together."""
    size = newest(path, 1)[0].seq + 1
    some = facts_of(
        next(entry for entry in read_log(path, since=chance.randrange(size // 2)) if entry.record["kind"] == "decision")
    )
    user, agent = f'User::"user-{chance.randrange(USERS)}"', f'Agent::"agent-{chance.randrange(AGENTS)}"'
    yield "everything", Criteria()
    yield "every deny", Criteria(decision="deny")
    yield "one agent", Criteria(subject=agent)
    yield "one user in the chain", Criteria(member=user)
    yield "one agent for one user", Criteria(subject=agent, member=user)
    yield "denied refunds of one user", Criteria(member=user, action="refund", decision="deny")
    yield "one order", Criteria(resource=some.resource)
    yield "one session", Criteria(session=some.session)
    yield "one rule, one agent", Criteria(rule="shop.refunds", subject=agent)
    yield "what nothing fits", Criteria(kind="outcome", decision="deny")
    yield "a hundredth of the time", Criteria(since=some.time, until=some.time + 1_000_000, decision="deny")


def run(quick: bool) -> list[Row]:
    """Measure on a log of 1 000 000 records, or of 50 000 with `quick`."""
    records = QUICK if quick else RECORDS
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "audit")
        rows = [Row(f"writing {records:,} records, unflushed", (timed(lambda: write(path, records, chance)),))]
        rows.append(Row("making the index", (timed(lambda: search(path, Criteria())),)))
        rows.append(Row("reading the whole log (--scan)", (timed(lambda: search(path, Criteria(), scan=True)),)))
        rows += asked(path, chance)
        rows.append(went_on(path, chance))
        megabytes = (Path(path) / INDEX).stat().st_size / 2**20
        rows.append(Row(f"(the index has {megabytes:.0f} MiB)", (0.0,)))
    return rows


def asked(path: str, chance: random.Random) -> list[Row]:
    """Ask every kind of question several times, with other names each time."""
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for what, criteria in questions(path, chance):
            seconds.setdefault(what, []).append(timed(lambda: search(path, criteria)))  # noqa: B023 - runs at once
    rows = [Row(what, tuple(taken)) for what, taken in seconds.items()]
    every = [one for taken in seconds.values() for one in taken]
    return [*rows, Row("all questions, 95th percentile", (quantiles(every, n=20)[-1],), goal="< 0.1 s")]


def went_on(path: str, chance: random.Random) -> Row:
    """Ask after a record was added each time."""
    policies = loads(POLICY)
    taken: list[float] = []
    with Log.open(path, disk=Unflushed()) as log:
        add: Callable[[], Any] = lambda: log.append("decision", body(policies, chance))  # noqa: E731
        for _ in range(ROUNDS):
            add()
            taken.append(timed(lambda: search(path, Criteria(decision="deny"))))
    return Row("every deny, after a record was added", tuple(taken), goal="< 0.1 s")
