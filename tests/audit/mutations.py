"""Mutates logs at random: `python -m tests.audit.mutations --count 1000000` changes a larger log a million times.

Every mutation must be found, at the line that it is in. The records before that line are read once, not a million times.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from kynara_lang.audit import Log, verify
from kynara_lang.audit.encoding import text_problem
from kynara_lang.audit.framing import head_of, json_of
from kynara_lang.audit.tail import Tail
from tests.audit.logs import FIRST, both


def every_byte(log: Path) -> Iterator[int]:
    """Change every byte of a log in turn and verify it with both verifiers; the change must be found in its line."""
    path = log / FIRST
    content = path.read_bytes()
    starts = starts_of(content)
    for at, byte in enumerate(content):
        path.write_bytes(content[:at] + bytes([byte ^ (1 << at % 8)]) + content[at + 1 :])
        verdict = both(log)
        line = bisect_right(starts, at) - 1
        assert verdict.findings, f"byte {at}"
        assert (verdict.findings[0].seq, verdict.findings[0].offset) == (line, starts[line]), f"byte {at}"
        yield at
    path.write_bytes(content)


def starts_of(content: bytes) -> list[int]:
    starts, at = [0], 0
    while (at := content.find(b"\n", at) + 1) and at < len(content):
        starts.append(at)
    return starts


def larger_log(where: Path, records: int) -> Path:
    with Log.open(where / "larger") as log:
        for number in range(records):
            log.append("decision", {"number": number, "text": 'Grüße, "quoted" \n and more' * (number % 7)})
    return where / "larger"


def mutated(content: bytes, chance: random.Random) -> tuple[bytes, int]:
    """Return some content with one change, and an offset before which nothing changed.

    Bits and bytes are changed, stretches removed, doubled, moved, overwritten and inserted.
    """
    at = chance.randrange(len(content))
    length = min(chance.choice([1, 1, 2, 8, 64, 300]), len(content) - at)
    before, stretch, behind = content[:at], content[at : at + length], content[at + length :]
    kind = chance.randrange(7)
    if kind == 0:
        return before + bytes([stretch[0] ^ (1 << chance.randrange(8))]) + stretch[1:] + behind, at
    if kind == 1:
        return before + chance.randbytes(length) + behind, at
    if kind == 2:
        return before + behind, at
    if kind == 3:
        return before + stretch + stretch + behind, at
    if kind == 4:
        return before + chance.randbytes(length) + stretch + behind, at
    if kind == 5:
        other = chance.randrange(len(content))
        return before + content[other : other + length] + behind, at
    return before + bytes(length) + behind, at


def run(log: Path, count: int, *, seed: int, both_verifiers: bool = False) -> int:
    """Mutate a log so many times; return how many mutations were found and located. All must be."""
    path, chance = log / FIRST, random.Random(seed)
    content = path.read_bytes()
    starts = starts_of(content)
    places, ends = [*starts, len(content)], frozenset(starts)
    tails = tails_of(content, starts)
    found = 0
    while found < count:
        changed, at = mutated(content, chance)
        if changed == content or (len(changed) in ends and content.startswith(changed)):
            continue  # nothing changed, or whole records were cut off the end, which only a checkpoint tells
        first = next((i for i in range(at, min(len(changed), len(content))) if changed[i] != content[i]), None)
        first = min(len(changed), len(content)) if first is None else first
        line = bisect_right(starts, first) - 1 if first < len(content) else len(starts)
        if both_verifiers:
            path.write_bytes(changed)
            place = both(log).findings[0]
            assert (place.seq, place.offset) == (line, places[line]), (found, place, line)
        else:
            assert broken_at(tails[line], changed, places[line]), f"mutation {found}, line {line}"
        found += 1
    path.write_bytes(content)
    assert verify(log).ok
    return found


def tails_of(content: bytes, starts: list[int]) -> list[Tail]:
    """Return the tail before each line."""
    tails, tail = [], Tail()
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        tails.append(tail.copy())
        line = content[start:end]
        head = head_of(json_of(line))
        assert head is not None
        tail.advance(line, head)
    return [*tails, tail.copy()]


def broken_at(tail: Tail, content: bytes, start: int) -> bool:
    """Tell whether the line that begins at an offset is refused; what is before it is as it was."""
    if start >= len(content):
        return False
    end = content.find(b"\n", start) + 1
    line = content[start : end or len(content)]
    return tail.problem(line) is not None or text_problem(json_of(line)) is not None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.audit.mutations")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = larger_log(Path(folder), 500)
        start = time.perf_counter()
        found = run(log, options.count, seed=options.seed)
        size = (log / FIRST).stat().st_size
    print(f"{found} mutations of {size} bytes, all found and located ({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
