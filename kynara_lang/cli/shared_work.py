"""Decides in several processes: lines go out in batches, and answers come back in the order of the lines.

Each process has the policies from the one that began it, so nothing is loaded twice. Only so many batches are on their
way that memory stays constant.
"""

from __future__ import annotations

import io
import multiprocessing
import select
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from typing import Final

from ..runtime.decision import Effect
from ..runtime.policyset import PolicySet
from .answers import answer_all
from .json_lines import Line
from .options import Stop

_LINES: Final = 1024
_BYTES: Final = 1024 * 1024
_ON_THEIR_WAY: Final = 3
"""How many batches there are for each process: one in work, one that waits, one that is written."""

_Answer = tuple[str, dict[str, int]]
_inherited: list[tuple[PolicySet, bool]] = []


def can_share_work() -> bool:
    """Tell whether this system can begin processes that have what this one has."""
    return "fork" in multiprocessing.get_all_start_methods()


class SharedWork:
    """Answers lines by several processes."""

    def __init__(
        self,
        policies: PolicySet,
        counts: Counter[Effect],
        write: Callable[[str], object],
        jobs: int,
        *,
        with_request: bool,
    ) -> None:
        """Take what `answer_all` takes; processes begin with the first batch."""
        self._counts, self._write, self._most = counts, write, jobs * _ON_THEIR_WAY
        self._first = 1
        self._batch: list[bytes | None] = []
        self._size = 0
        self._sent: deque[Future[_Answer]] = deque()
        self._processes = ProcessPoolExecutor(
            jobs, multiprocessing.get_context("fork"), initializer=_begin, initargs=(policies, with_request)
        )

    def answer_all(self, lines: Iterable[Line]) -> None:
        """Write the answer to each line, and count what was decided."""
        try:
            for number, content in lines:
                if not self._batch:
                    self._first = number
                self._batch.append(content)
                self._size += len(content or b"")
                if len(self._batch) >= _LINES or self._size >= _BYTES:
                    self._send()
            self.settle()
        finally:
            # Those at work end with their batch, which is soon; without waiting some end with a traceback.
            self._processes.shutdown(wait=True, cancel_futures=True)

    def settle_unless_more(self, stream: io.BufferedIOBase) -> None:
        """Write all answers unless reading on would give something at once."""
        try:
            more = bool(select.select([stream], [], [], 0)[0])
        except (OSError, ValueError):
            more = False  # nobody knows: whoever sent the lines may be waiting for the answers
        if not more:
            self.settle()

    def settle(self) -> None:
        """Write all answers to lines that were read."""
        self._send()
        while self._sent:
            self._receive()

    def _send(self) -> None:
        if not self._batch:
            return
        try:
            self._sent.append(self._processes.submit(_answers, self._first, self._batch))
        except BrokenProcessPool:
            raise _died() from None
        self._batch, self._size = [], 0
        if len(self._sent) >= self._most:
            self._receive()

    def _receive(self) -> None:
        try:
            text, counts = self._sent.popleft().result()
        except BrokenProcessPool:
            raise _died() from None
        self._write(text)
        self._counts.update({Effect(name): times for name, times in counts.items()})


def _died() -> Stop:
    return Stop(
        "a process that decides requests has ended before its time", "memory may have run out; use fewer --jobs"
    )


def _begin(policies: PolicySet, with_request: bool) -> None:
    """Begin a process: remember what it inherits, and leave interruptions to the process that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _inherited[:] = [(policies, with_request)]


def _answers(first: int, contents: list[bytes | None]) -> _Answer:
    """Answer a batch of lines that follow each other; this is what the processes do.

    They are numbered here: sent as objects, they cost a tenth of the whole time.
    """
    (policies, with_request) = _inherited[0]
    lines = map(Line, count(first), contents)
    counts: Counter[Effect] = Counter()
    pieces: list[str] = []
    answer_all(policies, lines, counts, pieces.append, with_request=with_request)
    return "".join(pieces), {effect.value: times for effect, times in counts.items()}
