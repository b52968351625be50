"""Every call to the system may fail, at every time it is made: then there is no answer, and no damage."""

import errno
from collections.abc import Iterator

import pytest

from kynara_lang.audit import Log, LogError, Policy, SigningKey, read_log, verify
from kynara_lang.audit.places import Folder
from tests.audit.disks import BrokenDisk, MemoryDisk

KEY = SigningKey("faults", bytes(32))


def opened(disk: MemoryDisk, key: SigningKey | None) -> Log:
    places = () if key is None else (Folder("/witness", disk),)
    return Log.open("/log", key=key, checkpoints=places, every=2, seconds=None, segment_bytes=1500, wait=0.0, disk=disk)


def work(disk: MemoryDisk, key: SigningKey | None) -> tuple[dict[int, str], int]:
    """Append some records whatever happens; return what was acknowledged, and how many errors there were."""
    answered: dict[int, str] = {}
    errors = 0
    try:
        log = opened(disk, key)
    except LogError:
        return answered, 1
    for number in range(6):
        try:
            receipt = log.append("decision", {"number": number, "text": "x" * 300})
            answered[receipt.seq] = receipt.hash
        except LogError:
            errors += 1
    try:
        log.close()
    except LogError:
        errors += 1
    return answered, errors


def check(files: dict[str, bytes], answered: dict[int, str], key: SigningKey | None) -> None:
    disk = MemoryDisk(files)
    log = opened(disk, key)
    log.append("decision", {"after": "the fault"})
    log.close()
    found = {entry.seq: entry.hash for entry in read_log("/log", disk=disk)}
    assert {seq: found.get(seq) for seq in answered} == answered
    verdict = verify("/log", Policy(key=key.public if key else None), disk=disk)
    assert verdict.ok, verdict.findings


def calls(key: SigningKey | None) -> int:
    disk = BrokenDisk()
    answered, errors = work(disk, key)
    assert (len(answered), errors) == (6, 0)
    return len(disk.calls)


FAULTS = {
    "no room": {"code": errno.ENOSPC},
    "input-output error": {"code": errno.EIO},
    "no room from then on": {"code": errno.ENOSPC, "lasting": True},
    "input-output error from then on": {"code": errno.EIO, "lasting": True},
    "a byte is taken, then no room": {"code": errno.ENOSPC, "lasting": True, "taken": 1},
    "a short write": {"code": errno.ENOSPC, "taken": 7},
}


@pytest.mark.parametrize("key", [None, KEY], ids=["unsigned", "signed"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_call_gives_no_answer_and_no_damage(fault: str, key: SigningKey | None) -> None:
    broke = 0
    for at in range(calls(key)):
        disk = BrokenDisk(at=at, **FAULTS[fault])  # type: ignore[arg-type]
        answered, errors = work(disk, key)
        broke += disk.broke
        what = f"{disk.calls[at]}, call {at}"
        try:
            check(disk.files(), answered, key)  # the process ends
            check(disk.files_without_power(), answered, key)  # or the power fails
        except (AssertionError, LogError) as error:
            raise AssertionError(f"{fault} at {what}: {error}") from error
        if "from then on" in fault and disk.calls[at] in ("write", "flush") and at < calls(key) - 30:
            assert errors, what
    assert broke > 50


# What each fault means


def disks_at(kind: str, code: int) -> Iterator[tuple[BrokenDisk, Log]]:
    """Yield a log that is open, on a disk whose next call of a kind fails once."""
    disk = BrokenDisk(code=code)
    log = opened(disk, None)
    log.append("decision", {"number": 0})
    before = len(disk.calls)
    log.append("decision", {"number": 1})
    pattern = disk.calls[before:]
    disk.at = len(disk.calls) + pattern.index(kind)
    yield disk, log


def test_without_room_the_record_is_refused_and_the_log_goes_on_when_there_is_room() -> None:
    for disk, log in disks_at("write", errno.ENOSPC):
        with pytest.raises(LogError, match="No space left") as caught:
            log.append("decision", {"number": 2})
        assert caught.value.code == "full"
        assert log.append("decision", {"number": 3}).seq == 4
        assert [e.record["body"].get("number") for e in read_log("/log", disk=disk)][-3:] == [0, 1, 3]


def test_a_failed_flush_is_final() -> None:
    for disk, log in disks_at("flush", errno.EIO):
        with pytest.raises(LogError, match="may not be on the disk") as caught:
            log.append("decision", {"number": 2})
        assert caught.value.code == "failed"
        for _ in range(2):
            with pytest.raises(LogError, match="open it again") as caught:
                log.append("decision", {"number": 3})
            assert caught.value.code == "failed"
        size = len(disk.files()["/log/0000000000000000.records"])
        log.close()
        assert len(disk.files()["/log/0000000000000000.records"]) == size


def test_what_a_failed_flush_dropped_is_written_again_before_it_counts() -> None:
    for disk, log in disks_at("flush", errno.EIO):
        with pytest.raises(LogError):
            log.append("decision", {"number": 2})
        log.close()
        disk.locked.clear()
        again = opened(disk, None)
        receipt = again.append("decision", {"number": 3})
        left = MemoryDisk(disk.files_without_power())
        found = list(read_log("/log", disk=left))
        assert [e.record["body"].get("number") for e in found if e.record["kind"] == "decision"] == [0, 1, 2, 3]
        assert found[receipt.seq].hash == receipt.hash
        assert [e.record["kind"] for e in found if e.record["kind"] == "recovery"] == ["recovery"]


def test_a_write_that_cannot_be_taken_back_is_final() -> None:
    disk = BrokenDisk(code=errno.EIO, lasting=True)
    log = opened(disk, None)
    before = len(disk.calls)
    log.append("decision", {"number": 0})
    disk.at = len(disk.calls) + disk.calls[before:].index("write")
    with pytest.raises(LogError):
        log.append("decision", {"number": 1})
    disk.lasting = False
    with pytest.raises(LogError) as caught:
        log.append("decision", {"number": 2})
    assert caught.value.code == "failed"


def test_a_file_that_is_removed_while_the_log_is_open_is_noticed(tmp_path) -> None:
    log = Log.open(tmp_path / "log")
    (tmp_path / "log" / "0000000000000000.records").unlink()
    with pytest.raises(LogError, match="removed"):
        log.append("decision", {})


def test_a_file_that_is_cut_while_the_log_is_open_is_noticed(tmp_path) -> None:
    log = Log.open(tmp_path / "log")
    log.append("decision", {})
    path = tmp_path / "log" / "0000000000000000.records"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(LogError, match="were acknowledged"):
        log.append("decision", {})
