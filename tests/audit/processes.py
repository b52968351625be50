"""Real processes at a real log: `python -m tests.audit.processes kill --count 2000`, `… many --records 10000`.

`kill` lets a process append, ends it with SIGKILL at a moment that nobody chose, opens the log again and looks for every
record that the process had an answer for. `many` lets several processes append to one log at the same time.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from kynara_lang.audit import Log, read_log, verify

FRESH_AFTER = 40  # kills after which a new log is begun


def appended(log: Path, out: int, chance: random.Random, records: int | None) -> None:
    """Append records and write number and hash of each to a pipe once it is acknowledged."""
    with Log.open(log, segment_bytes=20_000) as opened:
        number = 0
        while records is None or number < records:
            receipt = opened.append(
                "decision", {"number": number, "by": os.getpid(), "text": "x" * chance.randint(1, 900)}
            )
            os.write(out, f"{receipt.seq} {receipt.hash}\n".encode())
            number += 1


def forked(log: Path, seed: int, records: int | None) -> tuple[int, int]:
    """Start a process that appends; return it and the pipe with what was acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    try:
        os.close(reading)
        appended(log, writing, random.Random(seed), records)
        code = 0
    finally:
        os._exit(code)
    raise AssertionError("not reached")


def read_all(pipe: int) -> dict[int, str]:
    """Return what was acknowledged: whole lines only, as a killed process may have begun one."""
    content = b""
    while block := os.read(pipe, 65_536):
        content += block
    os.close(pipe)
    lines = content[: content.rfind(b"\n") + 1].decode().splitlines()
    return {int(seq): found for seq, found in (line.split() for line in lines)}


def kill(folder: Path, count: int, seed: int) -> tuple[int, int, int]:
    """Kill a process so many times; return how many records had been acknowledged, and how many recoveries there were."""
    chance, acknowledged, recoveries, torn = random.Random(seed), 0, 0, 0
    for number in range(count):
        log = folder / f"log-{number // FRESH_AFTER}"
        child, pipe = forked(log, seed + number, None)
        select.select([pipe], [], [], chance.choice([0.002, 0.01, 5, 5, 5, 5]))
        time.sleep(chance.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        answered = read_all(pipe)
        acknowledged += len(answered)
        with Log.open(log) as opened:
            receipt = opened.append("decision", {"after": "the kill"})
        found = {e.seq: e for e in read_log(log, since=min(answered, default=receipt.seq))}
        lost = {seq for seq, value in answered.items() if seq not in found or found[seq].hash != value}
        assert not lost, f"kill {number}: acknowledged and lost: {sorted(lost)}"
        last_open = max(seq for seq, e in found.items() if e.record["kind"] == "open") if answered else 0
        after = [e.record["body"] for seq, e in found.items() if seq >= last_open and e.record["kind"] == "recovery"]
        recoveries += bool(after)
        torn += any("cut" in body for body in after)
        if number % FRESH_AFTER == FRESH_AFTER - 1 or number == count - 1:
            verdict = verify(log)
            assert verdict.ok, verdict.findings
    return acknowledged, recoveries, torn


def many(folder: Path, processes: int, records: int) -> float:
    """Let processes append at the same time; return the seconds it took. Numbers must be dense, and nothing lost."""
    log = folder / "log"
    start = time.perf_counter()
    started = [forked(log, seed, records) for seed in range(processes)]
    pending = {pipe: b"" for _, pipe in started}
    answered: dict[int, str] = {}
    while pending:
        for pipe in select.select(list(pending), [], [])[0]:
            block = os.read(pipe, 65_536)
            pending[pipe] += block
            if not block:
                for line in pending.pop(pipe).decode().splitlines():
                    seq, found = line.split()
                    assert int(seq) not in answered, f"two processes were given number {seq}"
                    answered[int(seq)] = found
                os.close(pipe)
    seconds = time.perf_counter() - start
    for child, _ in started:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "a process failed"
    stored = {e.seq: (e.hash, e.record) for e in read_log(log)}
    assert list(stored) == list(range(len(stored)))
    assert len(answered) == processes * records
    assert {seq: stored[seq][0] for seq in answered} == answered
    assert len(stored) == processes * (records + 2) + 1
    counts: dict[int, list[int]] = {}
    for _, record in stored.values():
        if record["kind"] == "decision":
            counts.setdefault(record["body"]["by"], []).append(record["body"]["number"])
    assert sorted(counts.values()) == [list(range(records))] * processes
    verdict = verify(log)
    assert verdict.ok, verdict.findings
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.audit.processes")
    parser.add_argument("what", choices=["kill", "many"])
    parser.add_argument("--count", type=int, default=100, help="how many kills")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--records", type=int, default=1000, help="how many records of each process")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kynara-audit-") as folder:
        if options.what == "kill":
            acknowledged, recoveries, torn = kill(Path(folder), options.count, options.seed)
            print(
                f"{options.count} kills, {acknowledged} acknowledged records, none lost; "
                f"{recoveries} recoveries, {torn} with a torn end"
            )
        else:
            seconds = many(Path(folder), options.processes, options.records)
            count = options.processes * options.records
            print(f"{options.processes} processes, {count} records, dense: {count / seconds:,.0f} a second")


if __name__ == "__main__":
    sys.exit(main())
