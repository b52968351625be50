"""Parses the files of a program in several processes at the same time; trees come back as data, as from a cache.

The processes are begun anew, not forked: a host can have threads, and a command shows that it is busy with one. They
take texts and open no file. All they do is save time: what one of them finds anything wrong with, or does not bring to
an end, is parsed here as ever.

`python -m kynara_lang.ahead` is such a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from attrs import define, evolve, field

from .collecting import undisturbed
from .diagnostics.diagnostic import Report
from .diagnostics.source import Source, Span
from .syntax import ast, packed, stored
from .syntax.builder import Pack

_HERE: Final = Path(__file__).resolve().parent.parent
WORTH: Final = 100_000
"""How many characters make a process worth its beginning: Lark needs a quarter of a second for them."""


@define
class Ahead:
    """Trees that are made in other processes; without any, whatever is read is parsed here.

    Each is given out once, so that what was read takes no memory twice.
    """

    _shares: dict[int, tuple[Future[list[bytes]], int]] = field(factory=dict)

    def read(self, source: Source, report: Report, pack: Pack | None = None) -> ast.Module:
        """Return the tree of a source as `parser.read` does."""
        future, at = self._shares.pop(id(source), (None, 0))
        lines = [] if future is None else future.result()
        if at < len(lines):
            made, lines[at] = lines[at], b""
            module = _module(made, source)
            if module is not None:
                return module
        from .syntax import parser  # only here: it loads Lark

        return parser.read(source, report, pack)


@contextmanager
def parsing_ahead(sources: Sequence[Source], jobs: int | None, *, pack: bool = False) -> Iterator[Ahead]:
    """Begin to parse sources in at most so many processes, in as many as are worth it; with `pack` rules are packed.

    Where `jobs` is None, as many as can run at once.
    """
    size = sum(len(source.text) for source in sources)
    count = min(jobs or _cores(), len(sources), size // WORTH)
    if count < 2 or not sys.executable:
        yield Ahead()
        return
    shares: list[list[Source]] = [[] for _ in range(count)]
    sizes = [0] * count
    for source in sorted(sources, key=lambda s: len(s.text), reverse=True):
        least = sizes.index(min(sizes))
        shares[least].append(source)
        sizes[least] += len(source.text)
    # -P: the working folder can hold policies that somebody else wrote, and must not hold our modules.
    command = [sys.executable, "-P", "-m", __name__, *(["--pack"] if pack else [])]
    processes = [_begin(command) for _ in shares]
    with ThreadPoolExecutor(count) as threads:
        futures = [threads.submit(_made, *work) for work in zip(processes, shares, strict=True)]
        places = (
            (id(source), (future, at))
            for future, share in zip(futures, shares, strict=True)
            for at, source in enumerate(share)
        )
        try:
            yield Ahead(dict(places))
        finally:
            for process in processes:
                if process is not None:
                    process.kill()


def _cores() -> int:
    """Return how many processes can run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(command: list[str]) -> subprocess.Popen[bytes] | None:
    paths = [str(_HERE), *filter(None, [os.environ.get("PYTHONPATH")])]  # the same package, wherever it was found
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, env=environment)
    except OSError:  # there can be no more processes
        return None


def _made(process: subprocess.Popen[bytes] | None, share: Sequence[Source]) -> list[bytes]:
    """Return what a process makes of each source, as far as it comes."""
    if process is None:
        return []
    texts = "".join(f"{json.dumps([source.name, source.text])}\n" for source in share)
    made, _ = process.communicate(texts.encode())
    return made.split(b"\n\n")[:-1]


# What goes from one to the other: a line for the tree, and two for each packed rule


def _lines(module: ast.Module) -> Iterator[bytes]:
    yield json.dumps(stored.to_data(module), separators=(",", ":")).encode()
    for rule in module.packed:
        name = rule.name
        head = [rule.effect, rule.doc, rule.span.start, rule.span.end, name.text, name.span.start, name.span.end]
        yield json.dumps(head).encode()
        yield rule.rows


def _module(made: bytes, source: Source) -> ast.Module | None:
    """Return the tree of a source, None where there is none."""
    tree, *rules = made.split(b"\n")
    try:
        found = tuple(_rule(*rule, source) for rule in zip(rules[::2], rules[1::2], strict=True))
        return evolve(stored.from_data(json.loads(tree), source), packed=found)
    except (TypeError, ValueError):  # the source has mistakes, or the process had
        return None


def _rule(head: bytes, rows: bytes, source: Source) -> ast.PackedRule:
    effect, doc, start, end, text, *at = json.loads(head)
    return ast.PackedRule(effect, ast.Ident(text, span=Span(source, *at)), Span(source, start, end), rows, doc)


def main(read: IO[bytes], write: IO[bytes], pack: Pack | None) -> None:
    """Parse the sources on some lines, and write what becomes of each, or an empty line."""
    from .syntax import parser

    for line in read:
        with undisturbed():
            report = Report()
            module = parser.read(Source(*json.loads(line)), report, pack)
            lines = [] if report.sorted() or module.broken else _lines(module)
            write.write(b"\n".join(lines) + b"\n\n")
            write.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, packed.pack if "--pack" in sys.argv else None)
