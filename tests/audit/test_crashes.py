"""A log that is cut off at every moment loses nothing that was acknowledged, goes on and verifies."""

import hashlib
import random

import pytest

from kynara_lang.audit import Log, LogError, SigningKey, read_log, verify
from tests.audit import crashes
from tests.audit.disks import MemoryDisk, Node

KEY = SigningKey("crashes", bytes(32))


@pytest.mark.parametrize("key", [None, KEY], ids=["unsigned", "signed"])
def test_nothing_acknowledged_is_lost_wherever_it_is_cut_off(key: SigningKey | None) -> None:
    counts = crashes.run(7, key, power_cuts=2)
    assert counts["killed"] > 150
    assert counts["power cut"] > 200


def check_all(disk: MemoryDisk, chance: random.Random) -> None:
    for _, left, answered in crashes.crashes(disk, chance, 2):
        crashes.check(left, answered, None)


class ForgetfulDisk(MemoryDisk):
    """Says that it flushed records, and did not."""

    def flushed(self, node: Node) -> None:
        if all(found is not node for name, found in self.names_seen.items() if name.endswith(".records")):
            node.flush()


def test_these_crashes_would_find_a_log_that_does_not_flush() -> None:
    disk, chance = ForgetfulDisk(), random.Random(7)
    crashes.work(disk, None, chance)
    disk.changes = [c for c in disk.changes if not (c[0] == "flush" and str(c[1][0]).endswith(".records"))]
    with pytest.raises((AssertionError, LogError)):
        check_all(disk, chance)


def test_these_crashes_would_find_an_answer_before_the_flush() -> None:
    disk, chance = MemoryDisk(), random.Random(7)
    crashes.work(disk, None, chance)
    early = list(disk.changes)
    for at, change in enumerate(disk.changes):
        if change[0] == "note":  # move the answer before the flush that precedes it
            flush = max(i for i in range(at) if early[i][0] == "flush")
            early.insert(flush, early.pop(at))
    disk.changes = early
    with pytest.raises(AssertionError, match="acknowledged and lost"):
        check_all(disk, chance)


# What recovery does


def filled(records: int = 3) -> dict[str, bytes]:
    disk = MemoryDisk()
    log = Log.open("/log", disk=disk)
    for number in range(records):
        log.append("decision", {"number": number})
    return disk.files()


RECORDS = "/log/0000000000000000.records"
NOTED = "/log/acknowledged"


def reopened(files: dict[str, bytes]) -> list[dict[str, object]]:
    disk = MemoryDisk(files)
    Log.open("/log", disk=disk).close()
    assert verify("/log", disk=disk).ok
    return [entry.record for entry in read_log("/log", disk=disk)]


def test_a_torn_end_is_cut_and_the_cut_is_a_record() -> None:
    files = filled()
    torn = b"000000ff 00ab"
    records = reopened({**files, RECORDS: files[RECORDS] + torn})
    cut = next(r for r in records if r["kind"] == "recovery")
    assert cut["body"] == {
        "cut": {"bytes": len(torn), "offset": len(files[RECORDS]), "sha256": hashlib.sha256(torn).hexdigest()},
        "segment": "0000000000000000.records",
        "size": 5,
    }


def test_whole_records_that_nobody_noted_are_kept_and_said_to_be_uncertain() -> None:
    before, after = filled(2), filled(2)
    disk = MemoryDisk(after)
    log = Log.open("/log", disk=disk)
    log.append("decision", {"number": 2})
    noted_before = disk.files()[NOTED]
    log.append("decision", {"number": 3})
    records = reopened({**disk.files(), NOTED: noted_before})
    assert [r["body"].get("number") for r in records if r["kind"] == "decision"] == [0, 1, 2, 3]  # type: ignore[attr-defined]
    recovery = next(r for r in records if r["kind"] == "recovery")
    assert recovery["body"] == {"segment": "0000000000000000.records", "size": 7, "uncertain_from": 6}
    assert before.keys() == after.keys()


def test_nothing_is_recovered_where_nothing_is_wrong() -> None:
    assert not [r for r in reopened(filled()) if r["kind"] == "recovery"]


def test_what_was_acknowledged_is_never_cut() -> None:
    files = filled()
    content = files[RECORDS]
    for damaged in (content[:-1], content[:-1] + b"x", content[:-200], content[: content.rindex(b"\n", 0, -1) + 1]):
        with pytest.raises(LogError, match="kynara audit verify") as caught:
            Log.open("/log", disk=MemoryDisk({**files, RECORDS: damaged}))
        assert caught.value.code == "damaged"


def test_damage_before_a_later_commit_is_never_cut_even_if_nothing_was_noted() -> None:
    files = filled()
    lines = files[RECORDS].splitlines(keepends=True)
    changed = b"".join([*lines[:-2], lines[-2].replace(b"number", b"Number"), lines[-1]])
    with pytest.raises(LogError, match="a later commit follows"):
        Log.open("/log", disk=MemoryDisk({**files, RECORDS: changed, NOTED: b""}))


def test_without_any_note_only_the_last_commit_is_cut() -> None:
    files = filled()
    records = reopened({**files, RECORDS: files[RECORDS][:-1], NOTED: b""})
    assert [r["body"].get("number") for r in records if r["kind"] == "decision"] == [0, 1]  # type: ignore[attr-defined]


def test_records_that_are_gone_are_not_begun_anew() -> None:
    files = filled()
    del files[RECORDS]
    with pytest.raises(LogError) as caught:
        Log.open("/log", disk=MemoryDisk(files))
    assert caught.value.code == "damaged"


def test_a_large_unreadable_end_is_no_torn_write() -> None:
    files = filled()
    with pytest.raises(LogError, match="more than one write"):
        Log.open("/log", disk=MemoryDisk({**files, RECORDS: files[RECORDS] + bytes(5 * 1_048_576), NOTED: b""}))
