"""Finding records: the index and a reading of the whole log agree, and an index that is wrong is never believed."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from kynara_lang.audit import Log, LogError, framing, verify
from kynara_lang.audit.merkle import leaf_hash
from kynara_lang.audit.query import INDEX, Answer, Criteria, fresh_index, search
from kynara_lang.audit.query_facts import entity_of, facts_of, read_time
from kynara_lang.audit.query_reading import newest, read_after
from kynara_lang.audit.reading import Entry
from kynara_lang.audit.tail import segment_name
from tests.audit.query_logs import Ticks, change_byte, decided, entries, forged, mixed, request, write

ALL = 1_000_000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of some 150 records of all kinds, in several segments."""
    write(tmp_path / "audit", mixed(100, random.Random(1)), segment_bytes=30_000)
    return tmp_path / "audit"


def both(path: Path, criteria: Criteria, **options: int) -> Answer:
    """Ask the index and the log itself; they must agree."""
    asked = search(str(path), criteria, limit=options.get("limit", ALL))
    read = search(str(path), criteria, limit=options.get("limit", ALL), scan=True)
    assert (asked.entries, asked.total) == (read.entries, read.total)
    assert (asked.unindexed, read.unindexed) == (None, "asked")
    return asked


CRITERIA = [
    Criteria(),
    Criteria(decision="deny"),
    Criteria(decision="require_approval"),
    Criteria(subject='Bot::"bot-1"'),
    Criteria(subject="Bot"),
    Criteria(subject="user"),  # nobody: people are further back in the chain
    Criteria(member='user::"alice"'),
    Criteria(member="user"),
    Criteria(resource='Order::"o-7"'),
    Criteria(resource="Order"),
    Criteria(action="read"),
    Criteria(rule="shop.refund_orders"),
    Criteria(session="s-3"),
    Criteria(kind="outcome"),
    Criteria(kind="approval", rule="shop.late_refunds"),
    Criteria(about="12"),
    Criteria(decision="allow", action="read", member='user::"bob"', subject='Bot::"bot-2"'),
    Criteria(decision="nonsense"),
]


@pytest.mark.parametrize("criteria", CRITERIA, ids=str)
def test_the_index_and_the_log_agree(log: Path, criteria: Criteria) -> None:
    found = both(log, criteria)
    expected = [entry for entry in entries(log) if criteria.fits(facts_of(entry))]
    assert list(found.entries) == expected[::-1]
    assert found.total == len(expected)
    few = search(str(log), criteria, limit=3, oldest=True)
    assert (list(few.entries), few.total) == (expected[:3], len(expected))


def test_the_questions_are_about_something(log: Path) -> None:
    empty = [criteria for criteria in CRITERIA if not both(log, criteria).total]
    assert empty == [Criteria(subject="user"), Criteria(about="12"), Criteria(decision="nonsense")] or len(empty) == 2


def test_everything_is_found_by_what_it_says(log: Path) -> None:
    """Each term of each record leads to exactly the records that have it."""
    having: dict[tuple[str, str], list[int]] = {}
    for entry in entries(log):
        for term in facts_of(entry).terms:
            having.setdefault(term, []).append(entry.seq)
    assert {name for name, _ in having} == {
        "kind", "decision", "action", "session", "subject", "member", "resource", "rule", "about"
    }  # fmt: skip
    for (name, value), seqs in having.items():
        found = search(str(log), Criteria(**{name: value}), limit=ALL, oldest=True)  # type: ignore[arg-type]
        assert [entry.seq for entry in found.entries] == seqs


def test_times_are_exact_also_where_the_clock_went_back(tmp_path: Path) -> None:
    ticks, path = Ticks(), tmp_path / "audit"
    with Log.open(path, clock=ticks.clock) as log:
        for number in range(30):
            log.append("decision", decided(request(number)))
            if number == 15:
                ticks.now -= 20_000_000
    times = sorted(facts_of(entry).time for entry in entries(path))
    assert times != [facts_of(entry).time for entry in entries(path)]
    for since in (None, times[0], times[9], times[9] + 1, times[-1] + 1):
        for until in (None, times[0], times[20], times[20] + 1, times[-1] + 1):
            found = both(path, Criteria(since=since, until=until, kind="decision"))
            assert all((since or 0) <= facts_of(one).time < (until or ALL**3) for one in found.entries)


def test_the_index_goes_on_with_the_log(log: Path) -> None:
    before = both(log, Criteria(decision="deny")).total
    inode = (log / INDEX).stat().st_ino
    for number in range(3):
        write(log, [("decision", decided(request(number, tenant="other")))])
        assert both(log, Criteria(decision="deny")).total == before + number + 1
    assert (log / INDEX).stat().st_ino == inode  # it was not made again


def test_an_index_of_another_log_is_made_again(log: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", mixed(40, random.Random(2)))
    both(tmp_path / "other", Criteria())
    shutil.copy(tmp_path / "other" / INDEX, log / INDEX)
    assert both(log, Criteria()).total == len(entries(log))


def test_an_index_that_is_further_than_the_log_is_made_again(log: Path, tmp_path: Path) -> None:
    shutil.copytree(log, tmp_path / "older")
    write(log, mixed(20, random.Random(9)))
    both(log, Criteria())
    shutil.copy(log / INDEX, tmp_path / "older" / INDEX)
    assert both(tmp_path / "older", Criteria()).total == len(entries(tmp_path / "older"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE places SET offset = offset + 1",
        "UPDATE places SET offset = 0",
        "UPDATE places SET segment = '../../etc/passwd'",
        "UPDATE places SET hash = zeroblob(32)",
        "UPDATE places SET seq = seq + 1000",
        "UPDATE places SET offset = (SELECT offset FROM places WHERE seq = 5), hash = (SELECT hash FROM places WHERE seq = 5)",
        "UPDATE postings SET bits = (SELECT bits FROM postings ORDER BY length(bits) DESC LIMIT 1)",
        "DELETE FROM places WHERE seq BETWEEN 10 AND 90",
        "DROP TABLE places",
        "DELETE FROM head",
    ],
)
def test_an_index_that_is_wrong_is_made_again(log: Path, change: str) -> None:
    expected = both(log, Criteria(decision="deny"))
    with sqlite3.connect(log / INDEX) as connection:
        connection.execute(change)
    connection.close()
    assert both(log, Criteria(decision="deny")) == expected


def test_an_index_can_hide_records_but_a_scan_finds_them(log: Path) -> None:
    """What the index cannot be trusted for: this is why `--scan` exists."""
    expected = both(log, Criteria(decision="deny"))
    with sqlite3.connect(log / INDEX) as connection:
        connection.execute("DELETE FROM postings")
    connection.close()
    assert search(str(log), Criteria(decision="deny")).total == 0
    assert search(str(log), Criteria(decision="deny"), limit=ALL, scan=True).entries == expected.entries


def test_no_changed_byte_of_an_index_makes_anything_up(log: Path) -> None:
    expected = {entry.seq: entry for entry in both(log, Criteria(decision="deny")).entries}
    content, chance = (log / INDEX).read_bytes(), random.Random(4)
    for _ in range(60):
        changed = bytearray(content)
        for _ in range(chance.choice([1, 20, 400])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        (log / INDEX).write_bytes(changed)
        found = search(str(log), Criteria(decision="deny"), limit=ALL)
        assert all(expected[entry.seq] == entry for entry in found.entries)


def test_without_a_place_for_the_index_the_log_is_read(log: Path) -> None:
    (log / INDEX).mkdir()
    found = search(str(log), Criteria(decision="deny"), limit=ALL)
    assert found.unindexed is not None
    assert found.entries == search(str(log), Criteria(decision="deny"), limit=ALL, scan=True).entries


def test_what_is_left_of_a_killed_writer_is_not_played_into_a_new_index(log: Path) -> None:
    expected = both(log, Criteria(decision="deny"))
    journal = log / f"{INDEX}-journal"
    connection = sqlite3.connect(log / INDEX, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("UPDATE places SET hash = zeroblob(32)")
    connection.execute("DELETE FROM postings")
    kept = journal.read_bytes()
    connection.execute("COMMIT")
    connection.close()
    assert kept
    for content in (b"nonsense" * 600, (log / INDEX).read_bytes()):
        (log / INDEX).write_bytes(content)
        journal.write_bytes(kept)
        assert both(log, Criteria(decision="deny")) == expected
        assert not journal.exists()


# A log that is not in order


def test_a_record_that_was_changed_since_is_not_shown(log: Path) -> None:
    (entry,) = search(str(log), Criteria(resource='Order::"o-90"', kind="decision")).entries
    change_byte(log / entry.segment, entry.offset + len(entry.raw) - 300)
    with pytest.raises(LogError) as error:
        search(str(log), Criteria(resource='Order::"o-90"', kind="decision"))
    assert error.value.code == "damaged"
    assert f"record {entry.seq}" in error.value.message


def put(log: Path, entry: Entry, line: bytes) -> None:
    """Write a line in the place of a record, as long as it was, and let the index say that it was always there."""
    assert len(line) == len(entry.raw)
    file = log / entry.segment
    content = file.read_bytes()
    file.write_bytes(content[: entry.offset] + line + content[entry.offset + len(line) :])
    with sqlite3.connect(log / INDEX) as connection:
        connection.execute("UPDATE places SET hash = ? WHERE seq = ?", (leaf_hash(line), entry.seq))
    connection.close()


@pytest.mark.parametrize("first", [False, True], ids=["in a segment", "first of a segment"])
def test_a_record_that_was_changed_together_with_the_index_is_told(log: Path, first: bool) -> None:
    wanted = Criteria(kind="decision")
    found = search(str(log), wanted, limit=ALL).entries
    entry = next(one for one in found if (one.offset == 0) is first and one.seq > 20 and b"alice" in one.raw)
    put(log, entry, entry.raw.replace(b"alice", b"mallo"))
    with pytest.raises(LogError, match=f"record {entry.seq} .* does not have the hash that stands before it") as error:
        search(str(log), wanted, limit=ALL)
    assert error.value.code == "damaged"


def test_a_record_of_another_log_is_not_shown(log: Path, tmp_path: Path) -> None:
    expected = both(log, Criteria(kind="decision"))
    write(tmp_path / "other", mixed(100, random.Random(6)), segment_bytes=30_000)
    ours = {one.seq for one in expected.entries}
    entry = next(one for one in entries(tmp_path / "other")[40:] if one.seq in ours and one.record["kind"] == "decision")
    planted = segment_name(1)  # behind it, the log is not read again
    shutil.copy(tmp_path / "other" / entry.segment, log / planted)
    with sqlite3.connect(log / INDEX) as connection:
        place = (planted, entry.offset, leaf_hash(entry.raw), entry.seq)
        connection.execute("UPDATE places SET segment = ?, offset = ?, hash = ? WHERE seq = ?", place)
    connection.close()
    with pytest.raises(LogError, match="is missing"):
        search(str(log), Criteria(kind="decision"), limit=ALL)
    (log / planted).unlink()
    assert both(log, Criteria(kind="decision")) == expected


def test_a_record_whose_hash_was_computed_anew_is_found_where_the_chain_goes_on(log: Path) -> None:
    """What a query that reads only what it shows cannot notice; `SECURITY.md` says so."""
    entry = next(one for one in entries(log)[40:] if b"alice" in one.raw)
    before = entries(log)[entry.seq - 1]
    text = entry.json.replace(b"alice", b"mallo")
    both(log, Criteria())
    put(log, entry, framing.line_of(text, framing.chained(framing.hash_of(before.raw), text)))
    record = Criteria(kind=str(entry.record["kind"]))
    assert b"mallo" in next(one.raw for one in search(str(log), record, limit=ALL).entries if one.seq == entry.seq)
    for attempt in (lambda: search(str(log), record, scan=True), lambda: search(str(log), Criteria(), limit=ALL)):
        with pytest.raises(LogError, match=f"record {entry.seq + 1} .* does not have the hash"):
            attempt()
    assert not verify(log).ok


def test_a_log_that_was_cut_off_since_is_not_believed(log: Path) -> None:
    both(log, Criteria())
    last = newest(str(log), 1)[0]
    file = log / last.segment
    file.write_bytes(file.read_bytes()[: last.offset])
    cut = both(log, Criteria())  # a shorter log is a log; that it is shorter, `verify` says with a checkpoint
    assert cut.entries[0].seq == last.seq - 1
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(LogError) as error:
        search(str(log), Criteria())
    assert error.value.code == "damaged"


@pytest.mark.parametrize("missing", ["nothing/at/all", "empty"])
def test_where_there_is_no_log_nothing_is_made(tmp_path: Path, missing: str) -> None:
    (tmp_path / "empty").mkdir()
    for scan in (False, True):
        with pytest.raises(LogError) as error:
            search(str(tmp_path / missing), Criteria(), scan=scan)
        assert error.value.code == "missing"
    assert not list((tmp_path / "empty").iterdir())


def chain_of(length: int) -> dict[str, object]:
    """A request whose subject acts for somebody who acts for somebody, and so on."""
    link: dict[str, object] = {}
    for number in range(length):
        link = {"type": "A", "id": f"a{number}", "on_behalf_of": link}
    return {"request": {"subject": link}}


SHAPES: list[bytes | dict[str, object]] = [
    {"chain": 7, "rules": {"a": 1}, "errors": [[]], "action": [], "resource": {}, "decision": 9, "request": [], "session": {}},
    {"chain": [None, {}, "x"], "rules": [7, {"rule": 8}, {"rule": "r"}], "request": {"context": [1]}, "decision": "deny"},
    {"decision": "", "session": "\x00", "chain": ["", "::", ":", "é\u202e"]},
    {"session": "\x1b[31m" * 3000},
    chain_of(100),
    json.dumps(chain_of(250), sort_keys=True, separators=(",", ":")).encode(),  # deeper than a log would write
    {},
]


def test_records_of_any_shape_can_be_indexed(tmp_path: Path) -> None:
    forged(tmp_path / "audit", SHAPES)
    found = both(tmp_path / "audit", Criteria())
    assert found.total == len(SHAPES) + 2
    assert both(tmp_path / "audit", Criteria(decision="deny")).total == 1
    for entry in found.entries:
        assert isinstance(facts_of(entry).summary, str)


NO_RECORDS = [
    b'{"decision":"\\ud800"}',
    b'{"session":"\xed\xa0\x80"}',
    b'{"decision":"deny","decision":"allow"}',
    b'{"n":' + b"9" * 4000 + b"}",
    b'{"x":NaN}',
    b'{"b":1,"a":2}',
    b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
]


@pytest.mark.parametrize("text", NO_RECORDS, ids=range(len(NO_RECORDS)))
def test_what_no_log_would_write_is_damage_wherever_it_is_read(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "audit"
    forged(path, [{}])
    before = entries(path)[1]
    shutil.rmtree(path)
    forged(path, [text, {}])
    for attempt in (
        lambda: search(str(path), Criteria()),
        lambda: search(str(path), Criteria(), scan=True),
        lambda: newest(str(path), 5),
        lambda: list(read_after(str(path), before)),
    ):
        with pytest.raises(LogError) as error:
            attempt()
        assert error.value.code == "damaged"
        assert "record 2 " in error.value.message


# Others at work


def _ask(path: str, queue: multiprocessing.Queue[int]) -> None:
    queue.put(search(path, Criteria(kind="decision"), limit=5).total)


def test_several_processes_can_make_the_index_at_once(log: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()  # type: ignore[assignment]
    askers = [context.Process(target=_ask, args=(str(log), queue)) for _ in range(4)]
    for asker in askers:
        asker.start()
    answers = [queue.get(timeout=60) for _ in askers]
    for asker in askers:
        asker.join()
    assert answers == [100] * 4
    assert sorted(file.name for file in log.iterdir() if "index" in file.name) == [INDEX]


def test_the_log_can_be_open_for_writing(log: Path) -> None:
    with Log.open(log) as writer:
        before = both(log, Criteria(kind="decision")).total
        for number in range(5):
            writer.append("decision", decided(request(number)))
            assert both(log, Criteria(kind="decision")).total == before + number + 1


# Reading from somewhere


def test_reading_on_from_any_record(log: Path) -> None:
    every = entries(log)
    assert len({entry.segment for entry in every}) > 2
    for at in range(0, len(every), 7):
        assert list(read_after(str(log), every[at])) == every[at + 1 :]


@pytest.mark.parametrize("count", [0, 1, 2, 31, 60, 100_000])
def test_the_newest_records(log: Path, count: int) -> None:
    assert newest(str(log), count) == (entries(log)[-count:] if count else [])


def test_reading_on_notices_what_does_not_follow(log: Path, tmp_path: Path) -> None:
    every = entries(log)
    write(tmp_path / "other", mixed(100, random.Random(6)), segment_bytes=30_000)
    with pytest.raises(LogError):
        list(read_after(str(tmp_path / "other"), every[40]))
    (log / every[-1].segment).unlink()
    with pytest.raises(LogError) as error:
        list(read_after(str(log), every[-1]))
    assert error.value.code == "damaged"
    gap = next(entry for entry in every if entry.segment != segment_name(0)).segment
    assert gap != every[-1].segment
    (log / gap).unlink()
    with pytest.raises(LogError) as error:
        list(read_after(str(log), every[0]))
    assert "is missing" in error.value.message


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_newest_records_are_checked(log: Path, size: int) -> None:
    every = entries(log)
    changed = every[-size]
    change_byte(log / changed.segment, changed.offset + 90)
    with pytest.raises(LogError) as error:
        newest(str(log), 6)
    assert error.value.code == "damaged"


def test_the_end_of_a_file_without_lines_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    for content in (b"x" * 300_000, b"\n" * 10, b"", b"00000002 " + b"0" * 64 + b" {}\n"):
        (tmp_path / "audit" / segment_name(0)).write_bytes(content)
        with pytest.raises(LogError):
            newest(str(tmp_path / "audit"), 3)[0]


# Names and times


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Agent", "Agent"),
        ("Agent::bot", 'Agent::"bot"'),
        ('Agent::"bot"', 'Agent::"bot"'),
        ("Agent::a::b", 'Agent::"a::b"'),
        ('Agent::say "hi"', 'Agent::"say \\"hi\\""'),
        ('Agent::"say \\"hi\\""', 'Agent::"say \\"hi\\""'),
        ("Agent::", 'Agent::""'),
        ("Agent::é\n", 'Agent::"é\\n"'),
        ("", None),
        ("::x", None),
    ],
)
def test_entities_as_people_write_them(text: str, meant: str | None) -> None:
    assert entity_of(text) == meant


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59Z", -1_000_000),
        ("1970-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
    ],
)
def test_times_as_people_write_them(text: str, microseconds: int | None) -> None:
    assert read_time(text) == microseconds


def test_an_index_can_be_made_before_it_is_needed(log: Path) -> None:
    seen: list[tuple[int, int]] = []
    with fresh_index(str(log), lambda done, total: seen.append((done, total))) as index:
        last = index.last()
    assert last is not None
    assert last.seq == entries(log)[-1].seq
    assert seen == [(0, last.seq + 1)]
