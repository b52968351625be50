"""What can be found out about a log that somebody tampered with, at each level, and what cannot."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kynara_lang.audit import Level, LogError, Policy, verify
from tests.audit import mutations
from tests.audit.logs import FIRST, KEY, OTHER_KEY, Made, alone, both, chain, copied, lines_of, make, put, signed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"), 6)


def log_id(made: Made) -> str:
    return made.held.split(b"\n")[0].decode().rpartition("/")[2]


def forget(made: Made) -> None:
    """Remove what the log's folder says besides the records, as whoever can write there may."""
    for name in ("checkpoint", "resume", "acknowledged"):
        (made.path / name).unlink()


# --- the attacks; each gets a copy of a log, and a folder to work in


def nothing(made: Made, where: Path) -> None:
    pass


def change_a_byte(made: Made, where: Path) -> None:
    content = bytearray((made.path / FIRST).read_bytes())
    content[600] ^= 1
    (made.path / FIRST).write_bytes(content)


def delete_a_record(made: Made, where: Path) -> None:
    lines = lines_of(made.path)
    put(made.path, lines[:3] + lines[4:])


def duplicate_a_record(made: Made, where: Path) -> None:
    lines = lines_of(made.path)
    put(made.path, lines[:4] + lines[3:])


def swap_two_records(made: Made, where: Path) -> None:
    lines = lines_of(made.path)
    put(made.path, [*lines[:3], lines[4], lines[3], *lines[5:]])


def insert_a_record(made: Made, where: Path) -> None:
    lines = lines_of(made.path)
    put(made.path, [*lines[:3], *chain([*lines[:3], lines[4]])[3:], *lines[3:]])


def splice_from_another_log(made: Made, where: Path) -> None:
    other = lines_of(make(where / "other", 6).path)
    lines = lines_of(made.path)
    put(made.path, [*lines[:4], other[4], *lines[5:]])


def splice_and_chain(made: Made, where: Path) -> None:
    other = lines_of(make(where / "other", 6).path)
    lines = lines_of(made.path)
    put(made.path, chain([*lines[:4], other[4], *lines[5:]]))


def delete_and_chain(made: Made, where: Path) -> None:
    lines = lines_of(made.path)
    put(made.path, chain(lines[:3] + lines[4:]))


def cut_inside_a_record(made: Made, where: Path) -> None:
    content = (made.path / FIRST).read_bytes()
    (made.path / FIRST).write_bytes(content[:-20])


def empty_the_file(made: Made, where: Path) -> None:
    (made.path / FIRST).write_bytes(b"")


def remove_the_records(made: Made, where: Path) -> None:
    (made.path / FIRST).unlink()


def remove_the_log(made: Made, where: Path) -> None:
    shutil.rmtree(made.path)


def cut_the_end(made: Made, where: Path) -> None:
    put(made.path, lines_of(made.path)[:-2])


def cut_the_end_and_the_checkpoint(made: Made, where: Path) -> None:
    put(made.path, lines_of(made.path)[:-2])
    forget(made)


def leave_only_the_genesis_record(made: Made, where: Path) -> None:
    put(made.path, lines_of(made.path)[:1])
    forget(made)


def restore_an_older_copy(made: Made, where: Path) -> None:
    lines = lines_of(made.path)[:5]
    put(made.path, lines)
    (made.path / "checkpoint").write_bytes(signed(log_id(made), lines, KEY))  # it was made when the copy was


def cut_behind_the_checkpoint(made: Made, where: Path) -> None:
    """The log went on after the newest checkpoint, and that part is cut off again: its exposure."""
    lines = lines_of(made.path)
    later = chain([*lines, lines[-1].replace(b'"seq":8', b'"seq":9').replace(b'"commit":8', b'"commit":9')])
    put(made.path, later)
    assert both(made.path).ok
    put(made.path, lines)


def rewrite_without_the_key(made: Made, where: Path) -> None:
    put(made.path, chain(line.replace(b'"number":1', b'"number":7') for line in lines_of(made.path)))


def rewrite_without_the_key_or_checkpoint(made: Made, where: Path) -> None:
    rewrite_without_the_key(made, where)
    forget(made)


def rewrite_with_another_key(made: Made, where: Path) -> None:
    rewrite_without_the_key(made, where)
    (made.path / "checkpoint").write_bytes(signed(log_id(made), lines_of(made.path), OTHER_KEY))


def rewrite_with_the_key(made: Made, where: Path) -> None:
    rewrite_without_the_key(made, where)
    (made.path / "checkpoint").write_bytes(signed(log_id(made), lines_of(made.path), KEY))


def begin_another_log_with_the_key(made: Made, where: Path) -> None:
    other = make(where / "other", 9)
    shutil.rmtree(made.path)
    shutil.copytree(other.path, made.path)


NONE: set[str] = set()
Table = dict[Callable[[Made, Path], None], tuple[set[str], set[str], set[str]]]

# For each attack what is found with nothing, with the key, and with key and a checkpoint that was held elsewhere. An
# empty set: it is not found.
TABLE: Table = {
    nothing: (NONE, NONE, NONE),
    change_a_byte: ({"changed"}, {"changed"}, {"changed"}),
    delete_a_record: ({"changed"}, {"changed"}, {"changed"}),
    duplicate_a_record: ({"changed"}, {"changed"}, {"changed"}),
    swap_two_records: ({"changed"}, {"changed"}, {"changed"}),
    insert_a_record: ({"changed"}, {"changed"}, {"changed"}),
    splice_from_another_log: ({"changed"}, {"changed"}, {"changed"}),
    splice_and_chain: ({"changed"}, {"changed"}, {"changed"}),
    delete_and_chain: ({"changed"}, {"changed"}, {"changed"}),
    cut_inside_a_record: ({"torn"}, {"torn"}, {"torn"}),
    empty_the_file: ({"missing"}, {"missing"}, {"missing"}),
    remove_the_records: ({"missing"}, {"missing"}, {"missing"}),
    remove_the_log: ({"missing"}, {"missing", "unsigned"}, {"missing", "unsigned"}),
    cut_the_end: ({"short"}, {"short"}, {"short"}),
    cut_the_end_and_the_checkpoint: (NONE, {"unsigned"}, {"unsigned", "short"}),
    leave_only_the_genesis_record: (NONE, {"unsigned"}, {"unsigned", "short"}),
    restore_an_older_copy: (NONE, NONE, {"short"}),
    cut_behind_the_checkpoint: (NONE, NONE, NONE),
    rewrite_without_the_key: ({"rewritten"}, {"rewritten"}, {"rewritten"}),
    rewrite_without_the_key_or_checkpoint: (NONE, {"unsigned"}, {"unsigned", "rewritten"}),
    rewrite_with_another_key: (NONE, {"unsigned"}, {"unsigned", "rewritten"}),
    rewrite_with_the_key: (NONE, NONE, {"rewritten"}),
    begin_another_log_with_the_key: (NONE, NONE, {"other-log"}),
}


@pytest.mark.parametrize("attack", TABLE, ids=lambda attack: attack.__name__)
def test_what_is_found_at_each_level(attack: Callable[[Made, Path], None], made: Made, tmp_path: Path) -> None:
    held = made.held
    victim = copied(made, tmp_path)
    attack(victim, tmp_path)
    verdicts = [
        both(victim.path),
        both(victim.path, key=KEY),
        both(victim.path, key=KEY, checkpoint=held),
    ]
    assert [v.level for v in verdicts] == [Level.CHAIN, Level.SIGNED, Level.HELD]
    assert tuple({f.code for f in v.findings} for v in verdicts) == TABLE[attack]
    assert [v.ok for v in verdicts] == [not found for found in TABLE[attack]]


def test_a_checkpoint_that_is_held_counts_without_the_key_too(made: Made, tmp_path: Path) -> None:
    victim = copied(made, tmp_path)
    rewrite_with_the_key(victim, tmp_path)
    assert {f.code for f in both(victim.path, checkpoint=made.held).findings} == {"rewritten"}


def test_behind_a_held_checkpoint_whoever_has_the_key_can_rewrite(made: Made, tmp_path: Path) -> None:
    lines = lines_of(made.path)
    held = signed(log_id(made), lines[:4], KEY)
    victim = copied(made, tmp_path)
    rewritten = chain([*lines[:5], *(line.replace(b'"number":4', b'"number":9') for line in lines[5:])])
    put(victim.path, rewritten)
    (victim.path / "checkpoint").write_bytes(signed(log_id(made), rewritten, KEY))
    verdict = both(victim.path, key=KEY, checkpoint=held)
    assert verdict.ok  # not detectable: this is the exposure that SECURITY.md states
    early = chain([*lines[:3], *(line.replace(b'"number":1', b'"number":9') for line in lines[3:])])
    put(victim.path, early)
    (victim.path / "checkpoint").write_bytes(signed(log_id(made), early, KEY))
    assert {f.code for f in both(victim.path, key=KEY, checkpoint=held).findings} == {"rewritten"}


def test_the_least_size_finds_a_cut_end_without_any_key(made: Made, tmp_path: Path) -> None:
    victim = copied(made, tmp_path)
    leave_only_the_genesis_record(victim, tmp_path)
    assert {f.code for f in both(victim.path, size=2).findings} == {"short"}
    assert both(victim.path, size=1).ok


def test_the_identity_finds_another_log_without_any_key(made: Made, tmp_path: Path) -> None:
    victim = copied(made, tmp_path)
    begin_another_log_with_the_key(victim, tmp_path)
    assert {f.code for f in both(victim.path, key=KEY, log=log_id(made)).findings} == {"other-log"}


def test_the_place_of_a_change_is_named(made: Made, tmp_path: Path) -> None:
    lines = lines_of(made.path)
    victim = copied(made, tmp_path)
    put(victim.path, [*lines[:4], lines[4].replace(b"number", b"Number"), *lines[5:]])
    (found,) = both(victim.path).findings
    assert (found.seq, found.segment, found.offset) == (4, FIRST, sum(map(len, lines[:4])))
    assert "does not have the hash" in found.message


def test_the_end_may_not_be_cut_at_any_byte(made: Made, tmp_path: Path) -> None:
    """At the end of a record only a checkpoint tells; anywhere else the end itself does."""
    victim = copied(made, tmp_path)
    content = (made.path / FIRST).read_bytes()
    last = len(content) - len(lines_of(made.path)[-1]) - len(lines_of(made.path)[-2])
    forget(victim)
    whole = [last, last + len(lines_of(made.path)[-2])]
    for size in range(last, len(content)):
        (victim.path / FIRST).write_bytes(content[:size])
        alone_found = both(victim.path)
        assert [f.code for f in alone_found.findings] == ([] if size in whole else ["torn"]), size
        if size % 16 == 0 or size in whole:
            assert both(victim.path, checkpoint=made.held).findings, size


def test_every_byte_of_a_small_log_counts(made: Made, tmp_path: Path) -> None:
    """Each byte is changed in turn; the place that is named is the line with the change, or the one it runs into."""
    victim = copied(made, tmp_path)
    forget(victim)
    for _ in mutations.every_byte(victim.path):
        pass


def test_random_mutations_are_found_and_located(tmp_path: Path) -> None:
    log = mutations.larger_log(tmp_path, 60)
    assert mutations.run(log, 400, seed=5, both_verifiers=True) == 400


# --- segments


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make(tmp_path_factory.mktemp("long"), 40, segment_bytes=2000)
    assert len(list(made.path.glob("*.records"))) > 4
    return made


def test_a_log_of_many_segments_is_in_order(long: Made) -> None:
    verdict = both(long.path, key=KEY, checkpoint=long.held)
    assert verdict.ok
    assert (verdict.size, verdict.signed) == (43, 43)


@pytest.mark.parametrize("which", [0, 1, -2])
def test_a_missing_segment_is_found(which: int, long: Made, tmp_path: Path) -> None:
    victim = copied(long, tmp_path)
    sorted(victim.path.glob("*.records"))[which].unlink()
    (found,) = both(victim.path).findings
    assert found.code == "missing"


def test_a_missing_last_segment_is_found_by_the_checkpoint(long: Made, tmp_path: Path) -> None:
    victim = copied(long, tmp_path)
    sorted(victim.path.glob("*.records"))[-1].unlink()
    assert {f.code for f in both(victim.path, key=KEY).findings} == {"short"}


def test_a_segment_under_another_name_is_found(long: Made, tmp_path: Path) -> None:
    victim = copied(long, tmp_path)
    second = sorted(victim.path.glob("*.records"))[1]
    second.rename(second.with_name("0000000000000003.records"))
    assert {f.code for f in both(victim.path).findings} == {"missing"}


def test_a_torn_end_of_a_segment_that_is_not_the_last_is_a_change(long: Made, tmp_path: Path) -> None:
    victim = copied(long, tmp_path)
    second = sorted(victim.path.glob("*.records"))[1]
    second.write_bytes(second.read_bytes()[:-5])
    (found,) = both(victim.path).findings
    assert (found.code, found.segment) == ("changed", second.name)


# --- policies


def test_a_policy_with_the_wrong_key_finds_no_signature(made: Made) -> None:
    assert {f.code for f in both(made.path, key=OTHER_KEY).findings} == {"unsigned"}


def test_a_held_checkpoint_of_another_key_is_refused_before_anything_is_read(made: Made) -> None:
    forged = signed(log_id(made), lines_of(made.path), OTHER_KEY)
    with pytest.raises(LogError):
        verify(made.path, Policy(key=KEY.public, checkpoint=forged))
    with pytest.raises(alone.Unusable):
        alone.check(str(made.path), KEY.public.text, forged)


def test_the_verdict_says_what_it_covers(made: Made) -> None:
    verdict = verify(made.path, Policy(key=KEY.public, checkpoint=signed(log_id(made), lines_of(made.path)[:4], KEY)))
    assert verdict.ok
    assert verdict.to_dict()["level"] == "checkpoint held elsewhere"
    assert (verdict.size, verdict.signed, verdict.log) == (9, 9, log_id(made))


def test_progress_is_told(long: Made) -> None:
    told: list[tuple[int, int]] = []
    verify(long.path, progress=lambda done, total: told.append((done, total)))
    total = sum(f.stat().st_size for f in long.path.glob("*.records"))
    assert told[-1] == (total, total)
    assert told == sorted(told)
