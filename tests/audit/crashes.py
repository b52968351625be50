"""Cuts a log off at every moment: `python -m tests.audit.crashes --seeds 20` makes many thousands of crashes.

A workload runs once on a disk in memory. Then, for each of its calls, the disk is taken as it was: as a killed process
leaves it, also half-way through a write, and as a power cut leaves it, with any of the unflushed sectors written or not.
On each of these disks the log is opened again. Every record that was acknowledged before must be there with its hash,
the log must go on, and must verify.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator

from kynara_lang.audit import Log, LogError, Policy, SigningKey, verify
from kynara_lang.audit.places import Folder
from kynara_lang.audit.reading import read_log
from tests.audit.disks import MemoryDisk, apply, replayed

FOLDER = "/log"
WITNESS = "/witness"


def work(disk: MemoryDisk, key: SigningKey | None, chance: random.Random) -> None:
    """Append some records, in more than one segment and epoch, and note each that was acknowledged."""
    for _ in range(3):
        log = open_log(disk, key, "/witness")
        for number in range(chance.randint(2, 5)):
            receipt = log.append("decision", {"number": number, "text": "x" * chance.choice([10, 300, 1500])})
            disk.note((receipt.seq, receipt.hash))
        if chance.random() < 0.6:
            log.close()
        else:  # it dies: nobody closes anything
            for fd in list(disk.open_files):
                disk.close(fd)


def open_log(disk: MemoryDisk, key: SigningKey | None, witness: str) -> Log:
    places = () if key is None else (Folder(witness, disk),)
    return Log.open(FOLDER, key=key, checkpoints=places, every=3, seconds=None, segment_bytes=2500, disk=disk)


def crashes(
    disk: MemoryDisk, chance: random.Random, power_cuts: int
) -> Iterator[tuple[str, MemoryDisk, dict[int, str]]]:
    """Yield what a crash can leave at each moment of a run, and what had been acknowledged by then."""
    answered: dict[int, str] = {}
    for at, (before, change) in enumerate(replayed(disk.changes)):
        yield f"killed before change {at}", MemoryDisk(before.files()), dict(answered)
        if change is not None and change[0] == "write":
            path, offset, data = str(change[1][0]), int(change[1][1]), bytes(change[1][2])  # type: ignore[call-overload]
            for part in sorted({1, len(data) // 2, len(data) - 1} - {0, len(data)}):
                files = {name: bytearray(content) for name, content in before.files().items()}
                apply(files[path], offset, data[:part])
                yield f"killed after {part} bytes of change {at}", MemoryDisk(files), dict(answered)  # type: ignore[arg-type]
        yield f"power cut before change {at}", MemoryDisk(before.files_without_power()), dict(answered)
        for number in range(power_cuts):
            files_left = before.files_without_power(chance)
            yield f"power cut {number} before change {at}", MemoryDisk(files_left), dict(answered)
        if change is not None and change[0] == "note":
            seq, found = change[1][0]  # type: ignore[misc]
            answered[seq] = found


def check(disk: MemoryDisk, answered: dict[int, str], key: SigningKey | None) -> None:
    """Open a log after a crash; raise `AssertionError` if anything was lost, or `LogError` if it does not open."""
    log = open_log(disk, key, "/witness")
    receipt = log.append("decision", {"after": "the crash"})
    log.close()
    found = {entry.seq: entry.hash for entry in read_log(FOLDER, disk=disk)}
    lost = {seq: value for seq, value in answered.items() if found.get(seq) != value}
    assert not lost, f"acknowledged and lost: {sorted(lost)}"
    assert found[receipt.seq] == receipt.hash
    assert sorted(found) == list(range(len(found)))
    verdict = verify(FOLDER, Policy(key=key.public if key else None), disk=disk)
    assert verdict.ok, verdict.findings


def run(seed: int, key: SigningKey | None, power_cuts: int) -> dict[str, int]:
    """Crash one workload everywhere; return how many crashes of each kind there were."""
    chance = random.Random(seed)
    disk = MemoryDisk()
    work(disk, key, chance)
    counts = {"killed": 0, "power cut": 0}
    for what, left, answered in crashes(disk, chance, power_cuts):
        try:
            check(left, answered, key)
        except (AssertionError, LogError) as error:
            raise AssertionError(f"seed {seed}, {what}: {error}") from error
        counts["killed" if what.startswith("killed") else "power cut"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.audit.crashes")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--power-cuts", type=int, default=6, help="at each moment, besides the one that keeps nothing")
    options = parser.parse_args()
    total = {"killed": 0, "power cut": 0}
    for seed in range(options.seeds):
        key = SigningKey("crashes", bytes(32)) if seed % 2 else None
        for kind, count in run(seed, key, options.power_cuts).items():
            total[kind] += count
    print(f"killed at {total['killed']} points, power cut at {total['power cut']}: nothing acknowledged was lost")


if __name__ == "__main__":
    main()
