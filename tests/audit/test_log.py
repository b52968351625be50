"""Appending: what a receipt says, who may write when, what is refused, and what becomes of checkpoints."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from kynara_lang.audit import Clock, Log, LogError, Receipt, VerifyingKey, read_log, verify
from kynara_lang.audit.framing import MAX_RECORD
from kynara_lang.audit.notes import read_note
from kynara_lang.audit.reading import read_at
from tests.audit.logs import FIRST, KEY, OTHER_KEY, both


def kinds(path: Path) -> list[str]:
    return [entry.record["kind"] for entry in read_log(path)]


# --- records


def test_a_log_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        receipt = log.append("decision", {"b": 1, "a": "ü"})
    entries = list(read_log(tmp_path / "log"))
    assert [(e.seq, e.record["kind"], e.record["epoch"]) for e in entries] == [
        (0, "genesis", 0),
        (1, "open", 1),
        (2, "decision", 1),
        (3, "close", 1),
    ]
    entry = entries[2]
    assert receipt == Receipt(2, entry.hash, entry.record["time"], 1)
    assert entry.record["body"] == {"a": "ü", "b": 1}
    assert entry.record["log"] == log.id
    assert entry.record["version"] == 1
    assert entry.record["commit"] == 2
    assert 0 <= entry.record["monotonic"] <= time.monotonic_ns() // 1000
    assert entries[0].record["body"] == {
        "format": "kynara-audit/1",
        "hash": "sha256",
        "key": None,
        "segment_bytes": 64 << 20,
    }
    assert read_at(tmp_path / "log", entry.segment, entry.offset) == entry
    assert both(tmp_path / "log").ok


def test_a_log_goes_on_in_a_new_epoch(tmp_path: Path) -> None:
    ids = set()
    for expected in (1, 2, 3):
        with Log.open(tmp_path / "log") as log:
            assert log.append("decision", {}).epoch == expected
            ids.add(log.id)
    assert len(ids) == 1
    assert kinds(tmp_path / "log") == ["genesis", *["open", "decision", "close"] * 3]


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with Log.open(tmp_path / "log", key=KEY, checkpoints=[tmp_path / "witness"], segment_bytes=300) as log:
            log.append("decision", {})
    finally:
        os.umask(old)
    for folder in (tmp_path / "log", tmp_path / "witness"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("kind", ["", "A", "a b", "decision\n", "ä", "1", "x" * 33])
def test_words_that_are_no_kind(kind: str, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log, pytest.raises(LogError, match="kind"):
        log.append(kind, {})


@pytest.mark.parametrize("kind", ["genesis", "open", "close", "recovery"])
def test_records_of_the_log_itself_are_not_for_others(kind: str, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log, pytest.raises(LogError, match="written by the log itself"):
        log.append(kind, {})


def test_a_record_is_as_large_as_allowed_or_refused_whole(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        log.append("decision", {"text": "x" * 65_000})
        with pytest.raises(LogError, match="65536") as caught:
            log.append("decision", {"text": "x" * 65_536})
        assert caught.value.code == "too-large"
        with pytest.raises(LogError) as caught:
            log.append("decision", {"text": "ü" * 32_750})
        assert caught.value.code == "too-large"
        assert log.append("decision", {}).seq == 3
    assert max(len(entry.json) for entry in read_log(tmp_path / "log")) <= MAX_RECORD
    assert both(tmp_path / "log").ok


@pytest.mark.parametrize("body", [{"a": 0.5}, {"a": object()}, {"a": "\ud800"}, [], "text", {1: 2}])
def test_what_is_no_body_is_refused_and_does_no_harm(body: object, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        with pytest.raises(LogError) as caught:
            log.append("decision", body)  # type: ignore[arg-type]
        assert caught.value.code == "not-json"
        assert log.append("decision", {}).seq == 2


def test_a_body_cannot_pretend_to_be_the_end_of_a_record(tmp_path: Path) -> None:
    end = '},"commit":0,"epoch":9,"kind":"close","log":"' + "0" * 32 + '","monotonic":0,"seq":9,"time":"x","version":1}'
    with Log.open(tmp_path / "log") as log:
        log.append("decision", {"text": end, "z": {"commit": 1, "epoch": 2, "version": 1}})
    assert both(tmp_path / "log").ok
    assert kinds(tmp_path / "log") == ["genesis", "open", "decision", "close"]


# --- opening and closing


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    log = Log.open(tmp_path / "log")
    log.close()
    log.close()
    with pytest.raises(LogError) as caught:
        log.append("decision", {})
    assert caught.value.code == "closed"


@pytest.mark.parametrize("settings", [{"every": 0}, {"seconds": 0}, {"segment_bytes": 0}, {"wait": -1}])
def test_settings_that_make_no_sense(settings: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(LogError) as caught:
        Log.open(tmp_path / "log", **settings)  # type: ignore[arg-type]
    assert caught.value.code == "settings"


def test_a_log_where_none_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LogError):
        Log.open(tmp_path / "file")
    with pytest.raises(LogError):
        Log.open(tmp_path / "file" / "log")


def test_the_size_of_segments_is_settled_when_a_log_begins(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log", segment_bytes=1000) as log:
        log.append("decision", {})
    with Log.open(tmp_path / "log", segment_bytes=10**9) as log:
        for _ in range(10):
            log.append("decision", {"text": "x" * 100})
    sizes = [file.stat().st_size for file in sorted((tmp_path / "log").glob("*.records"))]
    assert len(sizes) > 3
    assert all(1000 <= size < 1400 for size in sizes[:-1])
    assert both(tmp_path / "log").ok


def test_a_log_of_a_folder_with_other_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Log.open(tmp_path):
        pass
    assert both(tmp_path).ok


def test_reading_from_the_middle(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log", segment_bytes=900) as log:
        for number in range(30):
            log.append("decision", {"number": number})
    whole = list(read_log(tmp_path / "log"))
    for since in (0, 1, 5, 17, 32, 33):
        assert list(read_log(tmp_path / "log", since=since)) == whole[since:]


def test_reading_what_is_damaged_stops_at_the_place(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        for number in range(5):
            log.append("decision", {"number": number})
    path = tmp_path / "log" / FIRST
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":4'))
    entries = read_log(tmp_path / "log")
    assert [next(entries).seq for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(LogError, match=r"record 5 \(0000000000000000.records, byte"):
        next(entries)
    for missing in ("nowhere", FIRST):
        with pytest.raises(LogError) as caught:
            next(read_log(tmp_path / "log" / missing))
        assert caught.value.code == "missing"


@pytest.mark.parametrize(
    ("segment", "offset"), [("../x", 0), (FIRST, 1), (FIRST, 10**6), ("0000000000000009.records", 0)]
)
def test_reading_where_no_record_is(segment: str, offset: int, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log"):
        pass
    with pytest.raises(LogError):
        read_at(tmp_path / "log", segment, offset)


# --- many writers


def test_many_threads_share_one_log(tmp_path: Path) -> None:
    receipts: list[Receipt] = []
    with Log.open(tmp_path / "log") as log:
        start = threading.Barrier(16)

        def call(name: int) -> None:
            start.wait()
            for number in range(25):
                receipts.append(log.append("decision", {"thread": name, "number": number}))

        threads = [threading.Thread(target=call, args=(name,)) for name in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    entries = list(read_log(tmp_path / "log"))
    assert sorted(r.seq for r in receipts) == list(range(2, 402))
    assert {r.seq: r.hash for r in receipts} == {e.seq: e.hash for e in entries if e.record["kind"] == "decision"}
    for name in range(16):  # what one thread appends stays in order
        mine = [e.record["body"]["number"] for e in entries if e.record["body"].get("thread") == name]
        assert mine == list(range(25))
    assert any(e.record["commit"] < e.seq for e in entries[2:]), "no two threads ever shared a flush"


def test_one_bad_record_does_not_spoil_those_written_with_it(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        errors: list[LogError] = []
        written: list[int] = []
        start = threading.Barrier(8)

        def call(name: int) -> None:
            start.wait()
            for _ in range(10):
                try:
                    written.append(log.append("decision", {"text": "x" * (70_000 if name % 2 else 10)}).seq)
                except LogError as error:
                    errors.append(error)

        threads = [threading.Thread(target=call, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(errors), sorted(written)) == (40, list(range(2, 42)))


def test_two_writers_in_turn_make_one_chain(tmp_path: Path) -> None:
    one, two = Log.open(tmp_path / "log", segment_bytes=1500), Log.open(tmp_path / "log")
    seqs = [log.append("decision", {"by": name}).seq for _ in range(10) for name, log in (("one", one), ("two", two))]
    assert seqs == list(range(3, 23))
    one.close()
    seqs.append(two.append("decision", {}).seq)
    two.close()
    assert {e.record["epoch"] for e in read_log(tmp_path / "log")} == {0, 1, 2}
    assert both(tmp_path / "log").ok


def test_a_writer_that_keeps_the_log_locked_is_not_waited_for_forever(tmp_path: Path) -> None:
    one, two = Log.open(tmp_path / "log"), Log.open(tmp_path / "log", wait=0.05)
    one._writer.lock()
    with pytest.raises(LogError, match=r"locked for 0\.05 seconds") as caught:
        two.append("decision", {})
    assert caught.value.code == "locked"
    with pytest.raises(LogError, match="locked"):
        Log.open(tmp_path / "log", wait=0)
    one._writer.unlock()
    assert two.append("decision", {}).seq == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_cannot_write_with_the_log_of_its_parent(tmp_path: Path) -> None:
    log = Log.open(tmp_path / "log")
    child = os.fork()
    if child == 0:
        try:
            log.append("decision", {})
        except LogError as error:
            os._exit(0 if "forked" in error.message else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert log.append("decision", {}).seq == 2


def test_a_clock_that_goes_back_is_written_as_it_is_and_remarked(tmp_path: Path) -> None:
    times = iter([10**15, 10**15 + 5, 10**15 - 10**9, 10**15 + 7, -(10**20), 10**20, *[10**15] * 9])
    with Log.open(tmp_path / "log", clock=Clock(wall=lambda: next(times), monotonic=lambda: -5)) as log:
        receipts = [log.append("decision", {}) for _ in range(5)]
    assert [r.time for r in receipts] == [
        "2001-09-09T01:46:40.000005Z",
        "2001-09-09T01:30:00.000000Z",
        "2001-09-09T01:46:40.000007Z",
        "0001-01-01T00:00:00.000000Z",
        "9999-12-31T00:00:00.000000Z",
    ]
    verdict = both(tmp_path / "log")
    assert verdict.ok
    assert verdict.observations[0].startswith("the clock went back before record 3, from 2001-09-09T01:46:40.000005Z")
    assert len(verdict.observations) == 3


def test_a_thread_that_is_interrupted_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.open(tmp_path / "log")
    real = log._writer.append

    def interrupted(entries: object) -> list[Receipt]:
        monkeypatch.setattr(log._writer, "append", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(log._writer, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        log.append("decision", {"number": 0})
    assert log.append("decision", {"number": 1}).seq == 2
    log.close()
    assert both(tmp_path / "log").ok


# --- checkpoints


def held(tmp_path: Path) -> int:
    (file,) = (tmp_path / "witness").glob("*.checkpoint")
    return read_note(file.read_bytes(), KEY.public).size


def test_checkpoints_come_after_so_many_records_and_on_closing(tmp_path: Path) -> None:
    log = Log.open(tmp_path / "log", key=KEY, checkpoints=[tmp_path / "witness"], every=4, seconds=None)
    sizes = []
    for _ in range(8):
        log.append("decision", {})
        sizes.append(held(tmp_path) if (tmp_path / "witness").exists() else 0)
    assert sizes == [0, 4, 4, 4, 4, 8, 8, 8]
    log.close()
    assert held(tmp_path) == 11
    assert (tmp_path / "log" / "checkpoint").read_bytes() == next((tmp_path / "witness").iterdir()).read_bytes()
    assert next(read_log(tmp_path / "log")).record["body"]["key"] == KEY.public.text
    assert VerifyingKey.parse(KEY.public.text) == KEY.public


def test_checkpoints_come_after_so_many_seconds_if_anything_was_added(tmp_path: Path) -> None:
    log = Log.open(tmp_path / "log", key=KEY, checkpoints=[tmp_path / "witness"], seconds=0.02)
    log.append("decision", {})
    deadline = time.monotonic() + 20
    while not (list((tmp_path / "witness").glob("*.checkpoint")) if (tmp_path / "witness").exists() else []):
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.01)
    assert held(tmp_path) == 3
    before = next((tmp_path / "witness").glob("*.checkpoint")).stat().st_mtime_ns
    time.sleep(0.1)
    assert next((tmp_path / "witness").glob("*.checkpoint")).stat().st_mtime_ns == before
    log.close()


def test_a_checkpoint_on_demand(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log", key=KEY, checkpoints=[tmp_path / "witness"]) as log:
        log.append("decision", {})
        note = log.checkpoint()
        assert read_note(note, KEY.public).size == 3 == held(tmp_path)
    with pytest.raises(LogError, match="closed"):
        log.checkpoint()
    with Log.open(tmp_path / "other") as log, pytest.raises(LogError, match="no key"):
        log.checkpoint()


def test_a_key_needs_a_place_and_a_place_a_key(tmp_path: Path) -> None:
    for settings in ({"key": KEY}, {"checkpoints": [tmp_path / "witness"]}):
        with pytest.raises(LogError) as caught:
            Log.open(tmp_path / "log", **settings)  # type: ignore[arg-type]
        assert caught.value.code == "settings"
    assert not (tmp_path / "log").exists()


def test_places_inside_the_log_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "log")
    for inside in (tmp_path / "log", tmp_path / "log" / "witness", tmp_path / "link", tmp_path / "link" / "w"):
        with pytest.raises(LogError, match="inside the log's folder"):
            Log.open(tmp_path / "log", key=KEY, checkpoints=[inside])


def test_without_a_place_that_takes_its_checkpoint_the_log_takes_no_more_records(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.write_text("a file where a folder should be")
    log = Log.open(tmp_path / "log", key=KEY, checkpoints=[witness], every=3, seconds=None)
    log.append("decision", {})  # the third record: it is on the disk, its checkpoint is not delivered
    for _ in range(2):
        with pytest.raises(LogError, match="no place outside the log took its checkpoint") as caught:
            log.append("decision", {})
        assert caught.value.code == "undelivered"
    witness.unlink()
    assert log.append("decision", {}).seq == 3
    assert held(tmp_path) == 3
    log.close()
    assert both(tmp_path / "log", key=KEY).ok


def test_one_place_that_takes_it_is_enough_and_the_other_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("a file")
    with Log.open(
        tmp_path / "log", key=KEY, checkpoints=[tmp_path / "bad", tmp_path / "witness"], every=1, seconds=None
    ) as log:
        log.append("decision", {})
        assert list(log.troubles) == [f"the folder {tmp_path / 'bad'}"]
        assert held(tmp_path) == 3


def test_a_signed_log_is_not_opened_without_its_key_unless_others_sign(tmp_path: Path) -> None:
    settings = {"key": KEY, "checkpoints": [tmp_path / "witness"], "seconds": None}
    Log.open(tmp_path / "log", **settings).close()  # type: ignore[arg-type]
    with pytest.raises(LogError, match="open it with its key"):
        Log.open(tmp_path / "log")
    with Log.open(tmp_path / "log", keyless=True) as log:
        log.append("approval", {})
    assert both(tmp_path / "log", key=KEY).ok
    assert verify(tmp_path / "log").signed == 3
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        log.append("decision", {})
    assert held(tmp_path) == 9


def test_a_log_is_not_opened_with_another_key(tmp_path: Path) -> None:
    Log.open(tmp_path / "log", key=KEY, checkpoints=[tmp_path / "witness"]).close()
    with pytest.raises(LogError, match="the log's own checkpoint"):
        Log.open(tmp_path / "log", key=OTHER_KEY, checkpoints=[tmp_path / "witness"])


def test_an_older_copy_is_not_gone_on_with_where_a_place_knows_better(tmp_path: Path) -> None:
    import shutil

    settings = {"key": KEY, "checkpoints": [tmp_path / "witness"], "seconds": None}
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        log.append("decision", {})
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        log.append("decision", {})
    shutil.rmtree(tmp_path / "log")
    shutil.move(tmp_path / "copy", tmp_path / "log")
    with pytest.raises(LogError, match=r"is of 7 records, but the log has 4: it was cut"):
        Log.open(tmp_path / "log", **settings)  # type: ignore[arg-type]


def test_a_log_that_was_rewritten_is_not_signed(tmp_path: Path) -> None:
    from tests.audit.logs import chain, lines_of, put

    settings = {"key": KEY, "checkpoints": [tmp_path / "witness"], "seconds": None}
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        log.append("decision", {"number": 1})
    put(tmp_path / "log", chain(line.replace(b'"number":1', b'"number":2') for line in lines_of(tmp_path / "log")))
    with pytest.raises(LogError, match="does not extend"):
        Log.open(tmp_path / "log", **settings)  # type: ignore[arg-type]


def test_opening_a_long_log_reads_only_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    settings = {"key": KEY, "checkpoints": [tmp_path / "witness"], "seconds": None, "segment_bytes": 2000}
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        for number in range(30):
            log.append("decision", {"number": number})
    (tmp_path / "log" / FIRST).unlink()  # opening does not notice; verifying does
    (tmp_path / "log" / FIRST).write_bytes(b"")
    resume = (tmp_path / "log" / "resume").read_bytes()
    with Log.open(tmp_path / "log", **settings) as log:  # type: ignore[arg-type]
        assert log.append("decision", {}).seq == 34
    assert {f.code for f in both(tmp_path / "log").findings} == {"missing"}
    for torn in (resume[:-5], b"", b"{}", b"[" * 9999, resume.replace(b'"size":33', b'"size":32'), b"\xff"):
        (tmp_path / "log" / "resume").write_bytes(torn)
        with pytest.raises(LogError):  # everything is read then, and that is damaged
            Log.open(tmp_path / "log", **settings)  # type: ignore[arg-type]
