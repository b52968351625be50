"""Poisoned caches of compiled programs: an entry that somebody left is decided by, in place of the policy that is loaded.

Caches of compiled code have been the shortest way into build systems and language runtimes: what is loaded is trusted because
it is fast. Here an entry that the user's own key did not sign, under this very name, is none, and the files are compiled. Whoever has
the key can sign anything (SECURITY.md says so); then a body that is no rule, is another rule's, or does not fit the declarations
must not count by half: it is an error, and the request is denied. `test_poisoned_caches.py` does the same to `kynara check`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import kynara_lang as kynara
from kynara_lang import program as front
from kynara_lang.caching.keeper import program_cache
from kynara_lang.pipeline import compile_sources

HEAD = """\
subject User { level: Int }
resource Doc { size: Int }
action read, write on Doc
"""
STRICT = HEAD + """\
permit reads { subject User action read resource Doc scope any "t" when subject.level > 1 and resource.size < 10 }
forbid large { subject any action any resource Doc when resource.size * 2 > 4 }
require approval asked { subject any action any resource Doc when subject.level == 5 from User }
"""
OPEN = HEAD + 'permit all { subject any action any resource any scope any "t" }\n'
NOW = {"now": "2026-11-22T10:00:00Z"}
REQUESTS = [
    {"subject": {"type": "User", "id": "u", "properties": {"level": level}}, "action": {"name": action},
     "resource": {"type": "Doc", "id": "d", "properties": {"size": size}}, "context": NOW}
    for level in (1, 2, 5) for size in (1, 3, 50) for action in ("read", "write")
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "policies").mkdir()
    return tmp_path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each program that was compiled, and not found."""
    count: list[int] = []

    def counting(*arguments: Any, **named: Any) -> Any:
        count.append(1)
        return compile_sources(*arguments, **named)

    monkeypatch.setattr(front, "compile_sources", counting)
    return count


def load(home: Path, text: str = STRICT, **changed: str) -> kynara.PolicySet:
    (home / "policies" / "p.kyn").write_text(text, encoding="utf-8")
    return kynara.load(home / "policies", cache=evolve(program_cache(), **changed))


def entries(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "cache").glob("program-*")}


def said(policies: kynara.PolicySet) -> list[str]:
    return [policies.decide(request).effect.value for request in REQUESTS]


def test_the_two_programs_are_not_alike(home: Path) -> None:
    assert said(load(home)) != said(load(home, OPEN))
    assert set(said(load(home))) == {"allow", "deny", "require_approval"}
    assert set(said(load(home, OPEN))) == {"allow"}


# --- entries that the user's key did not sign for this program


def unsigned(entry: bytes, other: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what somebody without the key can write in place of an entry; `other` is that of another program, signed."""
    yield "empty", b""
    yield "of another program", other
    yield "signed for another program", other[:64] + entry[64:]
    yield "another program under this signature", entry[:64] + other[64:]
    yield "no signature", entry[64:]
    yield "extended", entry + b"\n"
    head, _, body = entry.partition(b"\n")
    yield "the bodies of another program", head + b"\n" + other.partition(b"\n")[2]
    yield "the heads of another program", other.partition(b"\n")[0] + b"\n" + body
    for cut in (*range(0, 200, 9), *range(200, len(entry), 61), len(entry) - 1):
        yield f"cut at {cut}", entry[:cut]
    for at in (*range(0, 130, 7), *range(130, len(entry), 37), len(entry) - 1):
        for bit in (1, 128):
            yield f"bit {bit} of byte {at}", entry[:at] + bytes([entry[at] ^ bit]) + entry[at + 1 :]


def test_an_entry_that_nobody_signed_for_this_program_never_decides(home: Path, compiled: list[int]) -> None:
    load(home, OPEN)
    ((_, other),) = entries(home).items()
    expected = said(load(home))
    (name,) = entries(home).keys() - {n for n, c in entries(home).items() if c == other}
    kept = entries(home)[name]
    for how, content in unsigned(kept, other):
        path = home / "cache" / name
        path.write_bytes(content)
        path.chmod(0o600)
        before = len(compiled)
        assert said(load(home)) == expected, how
        assert len(compiled) == before + 1, how
    assert len(compiled) > 60


def test_an_entry_that_another_user_signed_never_decides(home: Path, compiled: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker makes the entry on their own machine, under their own key, for the very same files."""
    expected = said(load(home))
    ((name, _),) = entries(home).items()
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(home / "theirs"))
    cache = program_cache().cache
    assert cache is not None
    load(home, OPEN)
    theirs = next((home / "theirs").glob("program-*"))
    payload = cache.get(*theirs.name.split("-"))
    assert payload is not None
    cache.put(*name.split("-"), payload)  # signed under the name it is to pass for
    forged = (home / "theirs" / name).read_bytes()
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(home / "cache"))
    (home / "cache" / name).write_bytes(forged)
    before = len(compiled)
    assert said(load(home)) == expected
    assert len(compiled) == before + 1


def test_an_entry_of_another_version_never_decides(home: Path, compiled: list[int]) -> None:
    """An entry is known by the sources of Kynara, too: what an older release understood does not count for a newer one."""
    load(home, checking="an older release")
    (old,) = entries(home).items()
    expected = said(load(home))
    assert len(compiled) == 2
    (new,) = entries(home).keys() - {old[0]}
    (home / "cache" / new).write_bytes(old[1])
    assert said(load(home)) == expected
    assert len(compiled) == 3


# --- entries that are signed, by the user's own key, and nonsense


def signed(home: Path, text: str) -> tuple[Callable[[bytes], None], bytes]:
    """Return what puts a payload in place of the entry of a program, and the payload there."""
    load(home, text)
    (home / "policies" / "p.kyn").write_text(text, encoding="utf-8")
    cache = program_cache().cache
    assert cache is not None
    ((name, _),) = entries(home).items()
    payload = cache.get(*name.split("-"))
    assert payload is not None
    return (lambda changed: cache.put(*name.split("-"), changed)), payload


def lines_of(payload: bytes) -> tuple[dict[str, Any], list[bytes], list[bytes]]:
    """Take a payload apart: its head, the sections before the box, and the lines in the box."""
    first, _, rest = payload.partition(b"\n")
    head = json.loads(first)
    sections, at = [], 0
    for size in head["sizes"]:
        sections.append(rest[at : at + size])
        at += size
    return head, sections[:-1], zlib.decompress(sections[-1]).split(b"\n")


def with_box(payload: bytes, box: bytes) -> bytes:
    head, sections, _ = lines_of(payload)
    sections = [*sections, box]
    head["sizes"] = [len(section) for section in sections]
    return json.dumps(head).encode() + b"\n" + b"".join(sections)


def bodies(lines: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield boxes in which bodies are something else than they were."""
    yield "no box", b""
    yield "no compressed data", b"nonsense"
    yield "cut", zlib.compress(b"\n".join(lines))[:-9]
    yield "in another order", zlib.compress(b"\n".join(reversed(lines)))
    yield "all the first", zlib.compress(b"\n".join(lines[:1] * len(lines)))
    yield "all the last", zlib.compress(b"\n".join(lines[-1:] * len(lines)))
    yield "fewer", zlib.compress(lines[0])
    yield "a bomb", zlib.compress(b"[" * 50_000_000)
    for wrong in (b"", b"null", b"[]", b"[null,[]]", b"{}", b"[null,[[0,0,0]]]", b"[" * 100_000, b"\xff", b'["doc",null]'):
        yield f"all {wrong[:20]!r}", zlib.compress(b"\n".join([wrong] * len(lines)))
    for at, line in enumerate(lines):
        doc, rows = json.loads(line)
        for number in range(len(rows)):
            for changed in (rows[:number] + rows[number + 1 :], [*rows[:number], *([rows[number]] * 2), *rows[number + 1 :]]):
                yield f"a row of {at} dropped or doubled", _box(lines, at, doc, changed)
            for place, value in enumerate(rows[number]):
                if isinstance(value, str):
                    other = [*rows[number][:place], "unknown", *rows[number][place + 1 :]]
                    yield f"{value} of {at} is unknown", _box(lines, at, doc, [*rows[:number], other, *rows[number + 1 :]])


def _box(lines: list[bytes], at: int, doc: Any, rows: Any) -> bytes:
    return zlib.compress(b"\n".join([*lines[:at], json.dumps([doc, rows]).encode(), *lines[at + 1 :]]))


def test_bodies_that_are_signed_and_nonsense_never_make_a_decision_more_permissive(home: Path, compiled: list[int]) -> None:
    """What stands in the entry for a rule is unreadable, or another rule: then requests that it is about are denied."""
    put, payload = signed(home, STRICT)
    rank = {"deny": 0, "require_approval": 1, "allow": 2}
    expected = said(kynara.load(home / "policies"))
    read, refused = 0, 0
    for how, box in bodies(lines_of(payload)[2]):
        put(with_box(payload, box))
        policies = kynara.load(home / "policies", cache=program_cache())
        read += 1
        for request, before in zip(REQUESTS, expected, strict=True):
            decision = policies.decide(request)
            assert rank[decision.effect.value] <= rank[before], (how, request, decision)
            refused += decision.effect.value != before
            assert policies.explain(request).decision == decision, how
    assert read > 100
    assert refused > 200  # they are looked at, and do not count


def test_the_bodies_of_another_program_do_not_count(home: Path) -> None:
    put, payload = signed(home, STRICT)
    (home / "cache").rename(home / "first")
    _, other = signed(home, OPEN)
    (home / "cache").rename(home / "second")
    (home / "first").rename(home / "cache")
    put(with_box(payload, zlib.compress(b"\n".join(lines_of(other)[2] * 3))))
    assert set(said(load(home))) == {"deny"}
