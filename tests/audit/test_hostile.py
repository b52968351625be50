"""Folders that somebody made to hurt whoever verifies them: bounded work, a finding, and no traceback."""

import contextlib
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from kynara_lang.audit import Log, LogError, disk, read_log
from kynara_lang.audit.framing import MAX_LINE, START, Head, chained, line_of, record_json
from tests.audit.logs import ALONE, FIRST, KEY, both, chain, lines_of, make, put

ID = "0" * 32


def line(body: bytes, seq: int = 0, before: bytes = START, kind: str = "genesis", **more: object) -> bytes:
    """Return a line with a right hash around whatever stands for a body."""
    head = Head(seq, 0, kind, ID, 0, seq, "2026-01-01T00:00:00.000000Z", 1)._replace(**more)  # type: ignore[arg-type]
    text = record_json(body, head)
    return line_of(text, chained(before, text))


def raw(text: bytes) -> bytes:
    return line_of(text, chained(START, text))


WHOLE = raw(record_json(b"{}", Head(0, 0, "genesis", ID, 0, 0, "2026-01-01T00:00:00.000000Z", 1)))
CONTENTS: dict[str, bytes] = {
    "zeros": bytes(5_000_000),
    "no line feed": b"0" * 5_000_000,
    "only line feeds": b"\n" * 1_000_000,
    "huge length": b"ffffffff " + b"0" * 64 + b" {}\n",
    "length too small": b"00000000 " + b"0" * 64 + b" {}\n",
    "no digits": b"-0000001 " + b"0" * 64 + b" {\n",
    "letters": b"0000000G " + b"0" * 64 + b" {}\n",
    "capital letters": WHOLE.replace(WHOLE[9:73], WHOLE[9:73].upper()),
    "no json": raw(b"hello"),
    "empty json": raw(b""),
    "an array": raw(b"[]"),
    "deep json": line(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "deeper than the body": line(b"{" + b'"a":{' * 9_000 + b"}" * 9_001),
    "duplicate keys": line(b'{"a":1,"a":2}'),
    "duplicate body": line(b'{},"body":{}'),
    "more members": line(b'{},"aaa":{}'),
    "keys out of order": line(b'{"b":1,"a":2}'),
    "a fraction": line(b'{"a":1.5}'),
    "a huge number": line(b'{"a":' + b"9" * 60_000 + b"}"),
    "not a number": line(b'{"a":NaN}'),
    "invalid utf-8": line(b'{"a":"\xff\xfe"}'),
    "a lone surrogate": line(b'{"a":"\\ud800"}'),
    "a surrogate in utf-8": line(b'{"a":"\xed\xa0\x80"}'),
    "an escaped letter": line(b'{"a":"\\u0061"}'),
    "a space": line(b'{"a": 1}'),
    "a bare carriage return": line(b'{"a":"\r"}'),
    "a nul": line(b'{"a":"\x00"}'),
    "body is text": line(b'"x"'),
    "body is null": line(b"null"),
    "another version": line(b"{}", version=2),
    "another number": line(b"{}", seq=7),
    "another kind first": line(b"{}", kind="decision"),
    "an epoch first": line(b"{}", epoch=3),
    "a commit to come": line(b"{}", commit=5),
    "a huge counter": line(b"{}", monotonic=10**16 - 1),
    "a month too many": line(b"{}", time="2026-13-01T00:00:00.00000Z"),
    "two genesis records": WHOLE + line(b"{}", 1, bytes.fromhex(WHOLE[9:73].decode())),
    "carriage returns": WHOLE.replace(b"\n", b"\r\n"),
    "a line feed more": WHOLE + b"\n",
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
}


def attempt(log: Path) -> None:
    """Do everything to a log that is done to one; nothing but `LogError` may come out."""
    with pytest.raises(LogError):
        list(read_log(log))
    with pytest.raises(LogError):
        Log.open(log, wait=0.1)


@pytest.mark.parametrize("name", CONTENTS)
def test_contents(name: str, tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(CONTENTS[name])
    tracemalloc.start()
    verdict = both(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not verdict.ok
    assert peak < 4_000_000
    assert all(len(finding.message) < 400 for finding in verdict.findings)
    with pytest.raises(LogError):
        list(read_log(tmp_path))
    with contextlib.suppress(LogError):
        Log.open(tmp_path, wait=0.1).close()


def test_the_harmless_neighbour_of_all_these_is_fine(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(WHOLE)
    assert both(tmp_path).ok


def test_a_sparse_file_of_gigabytes(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log"):
        pass
    os.truncate(tmp_path / "log" / FIRST, 5 << 30)
    (found,) = both(tmp_path / "log").findings
    assert found.seq == 3
    attempt(tmp_path / "log")


def as_a_folder(path: Path, where: Path) -> None:
    path.mkdir()


def as_a_link(path: Path, where: Path) -> None:
    (where / "target").write_bytes(WHOLE)
    path.symlink_to(where / "target")


def as_a_link_to_itself(path: Path, where: Path) -> None:
    path.symlink_to(path)


def as_a_link_to_zeros(path: Path, where: Path) -> None:
    path.symlink_to("/dev/zero")


def as_a_pipe(path: Path, where: Path) -> None:
    os.mkfifo(path)


KINDS = [as_a_folder, as_a_link, as_a_link_to_itself, as_a_link_to_zeros, as_a_pipe]


@pytest.mark.parametrize("make_file", KINDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", [FIRST, "checkpoint"])
def test_files_that_are_no_files(name: str, make_file: Callable[[Path, Path], None], tmp_path: Path) -> None:
    made = make(tmp_path / "made", 2)
    (made.path / name).unlink()
    make_file(made.path / name, tmp_path)
    assert "unreadable" in {f.code for f in both(made.path, key=KEY).findings}
    with pytest.raises(LogError):
        Log.open(made.path, key=KEY, checkpoints=[made.witness])


@pytest.mark.parametrize("make_file", KINDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["lock", "acknowledged", "resume"])
def test_helping_files_that_are_no_files(name: str, make_file: Callable[[Path, Path], None], tmp_path: Path) -> None:
    made = make(tmp_path / "made", 2)
    (made.path / name).unlink()
    make_file(made.path / name, tmp_path)
    assert both(made.path, key=KEY).ok  # they are only for writers
    with pytest.raises(LogError):
        Log.open(made.path, key=KEY, checkpoints=[made.witness])


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 100, b"9" * 50, b"x" * 10**6])
def test_what_is_acknowledged_may_be_nonsense(content: bytes, tmp_path: Path) -> None:
    made = make(tmp_path, 2)
    (made.path / "acknowledged").write_bytes(content)
    with Log.open(made.path, key=KEY, checkpoints=[made.witness]) as log:
        log.append("decision", {})
    assert both(made.path, key=KEY).ok


def test_a_lock_that_somebody_holds_does_not_hold_up_a_verifier_for_long(tmp_path: Path) -> None:
    made = make(tmp_path, 2)
    holder = Log.open(made.path, keyless=True)
    holder._writer.lock()
    assert both(made.path, key=KEY).ok
    holder._writer.unlock()


@pytest.mark.parametrize(
    "names", [["0000000000000001.records"], ["9999999999999999.records"], [FIRST, "9999999999999999.records"]]
)
def test_names_of_segments(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_bytes(WHOLE)
    assert {f.code for f in both(tmp_path).findings} == {"missing"}


@pytest.mark.parametrize(
    "name", ["1.records", "00000000000000000.records", "٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠.records", "0000000000000000.records.new", "x"]
)
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(WHOLE)
    assert {f.code for f in both(tmp_path).findings} == {"missing"}


def test_a_record_of_the_largest_size_and_one_byte_more(tmp_path: Path) -> None:
    empty = len(line(b'{"a":""}'))
    for more, ok in ((0, True), (1, False)):
        body = b'{"a":"' + b"x" * (MAX_LINE - empty + more) + b'"}'
        text = b'{"body":' + body + line(b"{}")[74 + 10 : -1]
        (tmp_path / FIRST).write_bytes(raw(text))
        assert both(tmp_path).ok is ok


def test_recovery_records_may_say_anything(tmp_path: Path) -> None:
    made = make(tmp_path, 2)
    for body in (b'{"cut":5}', b'{"cut":{"bytes":[1]}}', b'{"cut":null}', b"{}"):
        lines = lines_of(made.path)[:2]
        record = lines[1].replace(b'"kind":"open"', b'"kind":"recovery"').replace(b'"seq":1', b'"seq":2')
        start = record.index(b'{"body":') + 8
        put(made.path, chain([*lines, record[:start] + body + record[record.index(b',"commit"') :]]))
        (made.path / "checkpoint").unlink(missing_ok=True)
        verdict = both(made.path)
        assert verdict.ok, verdict.findings
        assert verdict.observations


@pytest.mark.parametrize("arguments", [["nowhere"], [".", "--key", "nonsense"], [".", "--checkpoint", "nowhere"], []])
def test_the_program_that_stands_alone_has_no_tracebacks(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(ALONE), *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


def test_the_program_that_stands_alone(tmp_path: Path) -> None:
    made = make(tmp_path, 2)
    (tmp_path / "key.pub").write_text(KEY.public.text + "\n")
    (held,) = made.witness.iterdir()
    command = [
        sys.executable,
        str(ALONE),
        str(made.path),
        "--key",
        str(tmp_path / "key.pub"),
        "--checkpoint",
        str(held),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "in order, as far as this level tells: checkpoint held elsewhere\n")
    (made.path / FIRST).write_bytes((made.path / FIRST).read_bytes()[:-1])
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "torn" in done.stdout
    assert "NOT in order" in done.stdout


def test_the_program_that_stands_alone_is_short_and_needs_little() -> None:
    text = ALONE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    names = {row.split()[1].split(".")[0] for row in text.splitlines() if row.strip().startswith(("import ", "from "))}
    assert names - {"cryptography"} <= set(sys.stdlib_module_names)


def test_a_system_without_flock_and_pread_can_still_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path, 2)
    monkeypatch.delattr(os, "pread")
    monkeypatch.setattr(disk, "fcntl", None)
    assert both(made.path, key=KEY).ok
    with pytest.raises(LogError, match="flock"):
        Log.open(made.path, keyless=True)
