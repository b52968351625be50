"""The index: what it finds is what was put in, and what was damaged is noticed or harmless."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.audit import index_blocks as blocks
from kynara_lang.audit.index import IndexDamaged, Indexed, Place, Wanted, new_index, open_index

SEGMENT = "0000000000000000.records"


def indexed(seq: int, time: int, *terms: tuple[str, str]) -> Indexed:
    return Indexed(Place(seq, SEGMENT, seq * 100, seq.to_bytes(32, "big")), time, terms)


# Sets of records


@given(st.sets(st.integers(0, blocks.BLOCK - 1), min_size=1, max_size=blocks.BLOCK))
def test_a_set_is_kept_and_read_again(places: set[int]) -> None:
    bits = blocks.bits_of(places)
    kept = blocks.packed(bits)
    assert blocks.unpacked(kept) == bits
    assert len(kept) <= blocks.BLOCK // 8
    assert list(blocks.oldest_first(3, bits)) == sorted(3 * blocks.BLOCK + place for place in places)
    assert list(blocks.newest_first(3, bits)) == sorted((3 * blocks.BLOCK + place for place in places), reverse=True)


@pytest.mark.parametrize("size", [1, 2, 254, 255, 256, 257, 4095, 4096])
def test_sets_of_every_size_are_kept(size: int) -> None:
    bits = blocks.bits_of(range(size))
    assert blocks.unpacked(blocks.packed(bits)) == bits
    assert len(blocks.packed(bits)) == min(2 * size, 512)


@pytest.mark.parametrize("kept", [b"", b"x", b"x" * 511, b"x" * 514, None, 7, "ab", b"\x00\x10", b"\xff\xff"])
def test_what_was_not_kept_here_is_refused(kept: object) -> None:
    with pytest.raises(blocks.DamagedBlock):
        blocks.unpacked(kept)


@given(st.integers(0, 3), st.integers(-1, 5 * 4096), st.integers(-1, 5 * 4096))
def test_a_range_of_a_block(block: int, first: int, last: int) -> None:
    start = block * blocks.BLOCK
    expected = {n for n in (start, start + 1, start + 4095, first, last) if start <= n < start + 4096 and first <= n <= last}
    found = blocks.between(block, first, last)
    assert all(found >> (n - start) & 1 for n in expected)
    assert found.bit_count() == max(0, min(last, start + 4095) - max(first, start) + 1)


# Asking


def some_records(count: int, chance: random.Random) -> list[Indexed]:
    found, time = [], 0
    for seq in range(count):
        time += chance.choice([5, 5, 5, -40, 90])
        terms = {("kind", chance.choice("ab")), ("action", chance.choice(["read", "refund", "x" * 90_000]))}
        terms |= {("member", f"u-{chance.randrange(50)}") for _ in range(chance.randrange(3))}
        found.append(indexed(seq, time, *sorted(terms)))
    return found


def fitting(records: list[Indexed], wanted: Wanted) -> list[int]:
    """What an index should find, worked out without one."""
    return [
        one.place.seq
        for one in records
        if set(wanted.terms) <= set(one.terms)
        and (wanted.since is None or one.time >= wanted.since)
        and (wanted.until is None or one.time < wanted.until)
    ]


def test_what_is_found_is_what_was_put_in(tmp_path: Path) -> None:
    chance = random.Random(5)
    records = some_records(9_000, chance)
    cuts = sorted(chance.sample(range(9_000), 6))
    index = new_index(tmp_path / "i", "log", lambda _: records[: cuts[0]])
    for start, end in zip(cuts, [*cuts[1:], 9_000], strict=True):  # it goes on in the middle of blocks
        index.go_on(lambda last, a=start, b=end: records[a:b])  # type: ignore[misc]
    assert index.last() == records[-1].place
    times = [None, *(one.time for one in chance.sample(records, 6)), 10**9, -(10**9)]
    for _ in range(60):
        terms = tuple(chance.sample(sorted({term for one in records[:200] for term in one.terms}), chance.randrange(3)))
        wanted = Wanted(terms, chance.choice(times), chance.choice(times))
        expected = fitting(records, wanted)
        assert index.count(wanted) == len(expected)
        assert [place.seq for place in index.places(wanted, newest=False)] == expected
        assert [place.seq for place in index.places(wanted)] == expected[::-1]
    index.close()


def test_an_index_of_nothing_finds_nothing(tmp_path: Path) -> None:
    with new_index(tmp_path / "i", "log", lambda last: []) as index:
        assert index.last() is None
        assert index.count(Wanted()) == 0
        assert list(index.places(Wanted())) == []


def test_a_feed_that_fails_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    def feed(last: Place | None) -> list[Indexed]:
        raise ValueError("the log is not in order")

    with new_index(tmp_path / "i", "log", lambda last: [indexed(0, 1, ("kind", "a"))]) as index:
        with pytest.raises(ValueError, match="not in order"):
            index.go_on(feed)
        assert index.count(Wanted((("kind", "a"),))) == 1
    with pytest.raises(ValueError, match="not in order"):
        new_index(tmp_path / "j", "log", feed)
    assert [file.name for file in tmp_path.iterdir()] == ["i"]


def test_an_index_is_for_its_owner_alone(tmp_path: Path) -> None:
    new_index(tmp_path / "i", "log", lambda last: []).close()
    assert (tmp_path / "i").stat().st_mode & 0o777 == 0o600


# Damage


def made(tmp_path: Path) -> Path:
    records = some_records(5_000, random.Random(3))
    new_index(tmp_path / "i", "log", lambda last: records).close()
    return tmp_path / "i"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE head SET format = 99",
        "UPDATE head SET log = 'another'",
        "DELETE FROM head",
        "INSERT INTO head VALUES (2, 1, 'log')",
        "DROP TABLE postings",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON places BEGIN DELETE FROM places; END",
        "ALTER TABLE places ADD COLUMN more TEXT",
    ],
)
def test_an_index_of_another_log_or_shape_is_not_opened(tmp_path: Path, change: str) -> None:
    file = made(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(IndexDamaged):
        open_index(file, "log")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"nonsense" * 900, b"\0" * 4096])
def test_what_is_no_database_is_not_opened(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i").write_bytes(content)
    with pytest.raises(IndexDamaged):
        open_index(tmp_path / "i", "log")


def test_a_link_or_a_folder_is_not_opened(tmp_path: Path) -> None:
    made(tmp_path).rename(tmp_path / "real")
    (tmp_path / "i").symlink_to(tmp_path / "real")
    with pytest.raises(IndexDamaged):
        open_index(tmp_path / "i", "log")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IndexDamaged):
        open_index(tmp_path / "folder", "log")
    with pytest.raises(OSError):
        new_index(tmp_path / "folder", "log", lambda last: [])
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE postings SET bits = x'00'",
        "UPDATE postings SET bits = 'text'",
        "UPDATE postings SET bits = x'ffff'",
        "UPDATE places SET segment = x'07'",
        "UPDATE places SET offset = 'far'",
        "UPDATE places SET hash = NULL",
        "DELETE FROM places WHERE seq < 4990",
    ],
)
def test_what_an_index_cannot_say_is_damage(tmp_path: Path, change: str) -> None:
    file = made(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute(change)
    connection.close()
    with open_index(file, "log") as index, pytest.raises(IndexDamaged):
        list(index.places(Wanted((("kind", "a"),))))


def test_no_changed_byte_leads_to_anything_but_an_answer_or_damage(tmp_path: Path) -> None:
    file = made(tmp_path)
    content, chance = file.read_bytes(), random.Random(11)
    noticed = 0
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(chance.choice([1, 1, 40])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        file.write_bytes(changed[: chance.choice([len(changed), len(changed), chance.randrange(len(changed))])])
        try:
            with open_index(file, "log") as index:
                index.count(Wanted((("kind", "a"), ("action", "read")), 10, 3000))
                list(index.places(Wanted((("kind", "b"),))))
        except (IndexDamaged, OSError):
            noticed += 1
    assert noticed > 15  # some of the changes hit what is looked at
