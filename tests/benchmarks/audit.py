"""Measures the log: durable decisions with one caller and with many, verification, and memory over many records.

The disk's own rate is measured in the same run, in turn: a file to which records of the same size are appended, each
flushed before the next. Rows are seconds for each record; their names say how many a second that is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import kynara_lang as kynara
from kynara_lang.audit import Log
from kynara_lang.audit.disk import Disk
from kynara_lang.audit.encoding import canonical
from kynara_lang.audit.records import decision_body
from tests.benchmarks.measure import Row

ROOT = Path(__file__).resolve().parent.parent.parent
POLICIES = ROOT / "examples" / "support_refunds" / "policies"
REQUEST = ROOT / "examples" / "support_refunds" / "requests" / "deny-outside-office.json"
CALLERS = 32
TURN = 10


class Unflushed(Disk):
    """A disk that does not wait, to make long logs quickly."""

    def flush(self, fd: int) -> None:
        pass


def body() -> dict[str, object]:
    """Return the body of a decision as a guard would record it."""
    policies = kynara.load(POLICIES)
    request = json.loads(REQUEST.read_text(encoding="utf-8"))
    return dict(decision_body(policies, request, policies.decide(request), session="s-1", trace_id="4bf92f3577b34da6"))


def beside_the_disk(folder: str, log: Log, record: dict[str, object], size: int, count: int) -> tuple[float, float]:
    """Return the seconds for each flushed append of so many bytes to a file, and for each durable record of one caller.

    The two take turns every ten: a disk that others use has slow seconds, and these must be slow for both.
    """
    fd = os.open(os.path.join(folder, "raw"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    data, raw, one, at = b"x" * size, 0.0, 0.0, 0
    for _ in range(count // TURN):
        start = time.perf_counter()
        for _ in range(TURN):
            os.pwrite(fd, data, at)
            os.fdatasync(fd)
            at += size
        between = time.perf_counter()
        for _ in range(TURN):
            log.append("decision", record)
        raw, one = raw + between - start, one + time.perf_counter() - between
    os.close(fd)
    return raw / count, one / count


def many_callers(log: Log, record: dict[str, object], count: int) -> tuple[float, list[float]]:
    """Return the seconds for each durable record of 32 callers together, and how long each of them waited."""
    waits: list[list[float]] = [[] for _ in range(CALLERS)]
    ready = threading.Barrier(CALLERS + 1)

    def call(mine: list[float]) -> None:
        ready.wait()
        for _ in range(count // CALLERS):
            start = time.perf_counter()
            log.append("decision", record)
            mine.append(time.perf_counter() - start)

    threads = [threading.Thread(target=call, args=(mine,)) for mine in waits]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - start
    return taken / sum(map(len, waits)), [wait for mine in waits for wait in mine]


def long_log(folder: str, record: dict[str, object], count: int) -> str:
    """Make a log of so many records."""
    path = os.path.join(folder, f"long-{count}")
    with Log.open(path, disk=Unflushed()) as log:
        for _ in range(count):
            log.append("decision", record)
    return path


def peak_of(path: str) -> tuple[int, float]:
    """Return the peak memory in KiB and the seconds of a process that verifies a log."""
    program = (
        "import resource, sys, time; from kynara_lang.audit import verify; start = time.process_time();"
        "verdict = verify(sys.argv[1]); assert verdict.ok, verdict;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time() - start)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ
    )
    peak, seconds = found.stdout.split()
    return int(peak), float(seconds)


def rated(what: str, seconds: list[float], goal: str = "") -> Row:
    return Row(f"{what}: {1 / median(seconds):,.0f} a second", tuple(seconds), goal=goal)


def in_turn(folder: str, record: dict[str, object], size: int, quick: bool) -> list[Row]:
    """Measure the disk, one caller and many callers in turn."""
    runs, count = (3, 300) if quick else (7, 1500)
    found: dict[str, list[float]] = {"raw": [], "one": [], "many": [], "p99": []}
    with Log.open(os.path.join(folder, "log")) as log:
        for _ in range(runs):
            raw, one = beside_the_disk(folder, log, record, size, count)
            found["raw"].append(raw)
            found["one"].append(one)
            each, waits = many_callers(log, record, count * 4)
            found["many"].append(each)
            found["p99"].append(quantiles(waits, n=100)[98])
    disk = rated(f"the disk: {size} bytes and a flush", found["raw"])
    return [
        disk,
        rated("a durable decision, one caller", found["one"]).beside(
            disk, "the disk's own flush", "at most 1.25: 0.8 of the disk's rate"
        ),
        rated(f"a durable decision, {CALLERS} callers", found["many"], "3,000 a second or more").beside(
            disk, "the disk's own flush"
        ),
        Row(f"{CALLERS} callers: how long 99 % wait at most", tuple(found["p99"]), goal="0.025 or less"),
    ]


def timed_work(what: str, work: Callable[[], object], count: int) -> Row:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return rated(what, [(time.perf_counter() - start) / count])


def run(quick: bool) -> list[Row]:
    """Measure everything; the folder for it is in TMPDIR, so choose the disk by that."""
    record = body()
    size = len(canonical(record)) + 290
    short, long = (10_000, 50_000) if quick else (50_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="kynara-audit-") as folder:
        rows = in_turn(folder, record, size, quick)
        rows.append(timed_work("making the body of a decision", body_again(), 3000))
        rows.append(timed_work("writing it as canonical JSON", lambda: canonical(record), 3000))
        peaks = []
        for count in (short, long):
            path = long_log(folder, record, count)
            peak, seconds = peak_of(path)
            peaks.append(peak)
            rows.append(
                rated(f"verifying {count:,} records, peak {peak // 1024} MiB", [seconds / count], "20,000 or more")
            )
        grown = (peaks[1] - peaks[0]) / 1024
        rows.append(Row(f"memory grows by {grown:.1f} MiB from {short:,} to {long:,} records", (0.0,), goal="flat"))
    return rows


def body_again() -> Callable[[], object]:
    policies = kynara.load(POLICIES)
    request = json.loads(REQUEST.read_text(encoding="utf-8"))
    decision = policies.decide(request)
    return lambda: decision_body(policies, request, decision, session="s-1", trace_id="4bf92f3577b34da6")
