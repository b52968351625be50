"""What `kynara decide` answers to the lines of a stream."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from ..runtime.canonical import canonical_json
from ..runtime.decision import Decision, DecisionError, Effect
from ..runtime.policyset import PolicySet
from ..runtime.problems import InvalidRequest
from ..runtime.request import expand_evaluations
from ..runtime.strict_json import JsonProblem, loads
from .json_lines import MAX_LINE, Line, bare, in_line

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7e]+")
_BATCH: Final = 1000
"""How many requests of a batch are spelled out at a time."""
_KEPT: Final = 4096
"""The JSON of how many decisions is kept."""


def answer_all(
    policies: PolicySet,
    lines: Iterable[Line],
    counts: Counter[Effect],
    write: Callable[[str], object],
    *,
    with_request: bool = False,
) -> None:
    """Write the answer to each line, and count what was decided."""
    texts = _Texts()
    try:
        for line in lines:
            try:
                request = _read(line)
            except JsonProblem as problem:
                if line.content is None or bare(line.content):
                    write(_unreadable(policies, line, problem, counts))
                continue
            if with_request or type(request) is not dict or "evaluations" in request:
                for piece in _answer(policies, line, request, counts, with_request=with_request):
                    write(piece)
            else:
                write(texts.of(policies.decide(request)))
    finally:
        texts.count(counts)


class _Texts:
    """The JSON of decisions that come again and again: the very objects, since those of one rule are one object.

    Writing one anew takes as long as deciding. What is told apart by its errors is not kept, and there is a limit.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Decision, str, list[int]]] = {}
        self._others: Counter[Effect] = Counter()

    def of(self, decision: Decision) -> str:
        """Return the line of a decision, and count it."""
        known = self._known.get(id(decision))
        if known is None:
            text = json.dumps(decision.to_dict()) + "\n"
            if decision.errors or len(self._known) == _KEPT:
                self._others[decision.effect] += 1
                return text
            # It is held here, so that its identity cannot become that of another.
            known = self._known[id(decision)] = (decision, text, [0])
        known[2][0] += 1
        return known[1]

    def count(self, counts: Counter[Effect]) -> None:
        """Add what was decided, by effect."""
        counts.update(self._others)
        for decision, _, (times,) in self._known.values():
            counts[decision.effect] += times


def _unreadable(policies: PolicySet, line: Line, problem: JsonProblem, counts: Counter[Effect]) -> str:
    """Return the answer to a line that is no JSON."""
    error = DecisionError("malformed-request", in_line(line.number, problem.message), path="request")
    return _decided(Decision(Effect.DENY, policies.digest, errors=(error,)), counts) + "\n"


def _answer(
    policies: PolicySet, line: Line, request: object, counts: Counter[Effect], *, with_request: bool
) -> Iterator[str]:
    """Give the answer to a line in pieces, so that a batch needs little more memory than its line."""
    try:
        parts = _parts(request)
    except InvalidRequest as invalid:
        errors = tuple(DecisionError(p.code, f"line {line.number}: {p.message}", path=p.path) for p in invalid.problems)
        yield _decided(Decision(Effect.DENY, policies.digest, errors=errors), counts) + "\n"
        return
    if parts is None:
        decision = policies.decide(cast("Mapping[str, Any]", request))
        yield _decided(decision, counts, request if with_request else None) + "\n"
        return
    lead = '{"evaluations": ['
    for part in parts:
        for single in expand_evaluations(part):
            decision = policies.decide(cast("Mapping[str, Any]", single))
            yield lead + _decided(decision, counts, single if with_request else None)
            lead = ", "
    yield "]}\n"


def _parts(request: object) -> Iterator[Mapping[str, Any]] | None:
    """Cut a batch into small ones, or return None for a single request; raise `InvalidRequest` for a malformed one."""
    if not isinstance(request, Mapping) or "evaluations" not in request:
        return None
    items = request["evaluations"]
    if not isinstance(items, list):
        expand_evaluations(request)  # says what is wrong
    starts = range(0, len(items) or 1, _BATCH)  # an empty batch is one request
    return ({**request, "evaluations": items[at : at + _BATCH]} for at in starts)


def _read(line: Line) -> object:
    """Return what a line holds, or raise `JsonProblem`."""
    if line.content is None:
        raise JsonProblem(f"the line is longer than {MAX_LINE // 2**20} MiB")
    return loads(line.content, max_bytes=MAX_LINE)


def _decided(decision: Decision, counts: Counter[Effect], request: object = None) -> str:
    counts[decision.effect] += 1
    text = json.dumps(decision.to_dict())
    if request is None:
        return text
    # Numbers are written digit for digit, which `json` cannot do, and all else in ASCII, as it does.
    repeated = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], canonical_json(request))
    return f'{text[:-1]}, "request": {repeated}}}'
