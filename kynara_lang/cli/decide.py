"""`kynara decide`: one decision for each line of requests, as they come.

A line that cannot be read is denied with the reason, like any malformed request: a stream never stops in the middle,
and the n-th answer belongs to the n-th line that is not blank.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

import click

from ..runtime.canonical import canonical_json
from ..runtime.decision import Decision, DecisionError, Effect
from ..runtime.policyset import PolicySet
from ..runtime.problems import InvalidRequest
from ..runtime.request import expand_evaluations
from ..runtime.strict_json import JsonProblem, loads
from .json_lines import MAX_LINE, Line, Readable, in_line, read_lines
from .options import STDIN, Stop, color_option, entities_option, paths_argument, standard_input
from .output import Gauge, chatter, counted
from .policies import load_policies

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7e]+")
_BATCH: Final = 1000
"""How many requests of a batch are spelled out at a time."""


@click.command()
@paths_argument
@click.option("--requests", metavar="FILE", required=True, help="Requests as JSON lines; `-` reads standard input.")
@entities_option
@click.option("--summary", is_flag=True, help="Say at the end, on standard error, how many of what was decided.")
@click.option("--with-request", is_flag=True, help="Repeat each request beside its decision, to explain it later.")
@click.option("--exit-on-deny", is_flag=True, help="Exit with 1 if anything was denied.")
@color_option
@click.pass_context
def decide(
    ctx: click.Context,
    paths: tuple[str, ...],
    requests: str,
    entities: str | None,
    summary: bool,
    with_request: bool,
    exit_on_deny: bool,
) -> None:
    """Decide requests, one a line, and print one decision a line, as JSON.

    A line that is no valid request is denied, with the reason among its errors. One with `evaluations` is a batch as
    in the AuthZEN API and is answered by one line with all its decisions. Blank lines are skipped.

    \b
    Examples:
      kynara decide policies/ --requests requests.jsonl
      kynara decide policies/ --requests - --entities entities.json --summary < requests.jsonl

    Exit codes: 0 everything was decided, 1 something was denied and --exit-on-deny is given, 2 the policy has errors
    or a file cannot be read.
    """
    if requests == STDIN:
        standard_input(ctx, "the requests")  # the policy or the entities cannot come from there, too
    policies = load_policies(ctx, paths, entities)
    counts: Counter[Effect] = Counter()
    with _opened(ctx, requests) as (stream, size), Gauge(ctx, "deciding", size) as gauge:

        def before_waiting() -> None:
            sys.stdout.flush()
            if size is not None:
                gauge.at(stream.tell())

        answer_all(
            policies,
            _one_each(read_lines(cast(Readable, stream), before_waiting=before_waiting)),
            counts,
            sys.stdout.write,
            with_request=with_request,
        )
    if summary:
        chatter(ctx).print(summarized(counts), soft_wrap=True)
    ctx.exit(1 if exit_on_deny and counts[Effect.DENY] else 0)


def answer_all(
    policies: PolicySet,
    lines: Iterable[Line],
    counts: Counter[Effect],
    write: Callable[[str], object],
    *,
    with_request: bool = False,
) -> None:
    """Write the answer to each line, and count what was decided."""
    for line in lines:
        if line.content is not None and not line.content.strip():
            continue
        for piece in _answer(policies, line, counts, with_request=with_request):
            write(piece)


def _one_each(lines: Iterable[Line]) -> Iterator[Line]:
    """Pass lines on unless the first shows that they are no JSON lines but one document laid out for people."""
    for line in lines:
        if line.number == 1 and line.content is not None and line.content.strip() in (b"{", b"["):
            raise Stop(
                "the requests are not JSON lines: the first line holds only a bracket",
                "put each request on one line; for one request in a file, use `kynara explain --request FILE`",
            )
        yield line


def summarized(counts: Counter[Effect]) -> str:
    """Return how many requests there were, and how they were decided."""
    each = ", ".join(f"{counts[effect]:,} {effect}" for effect in (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY))
    return f"{counted(counts.total(), 'request')}: {each}"


def _answer(policies: PolicySet, line: Line, counts: Counter[Effect], *, with_request: bool) -> Iterator[str]:
    """Give the answer to a line in pieces, so that a batch needs little more memory than its line."""
    try:
        request = _read(line)
        parts = _parts(request)
    except JsonProblem as problem:
        error = DecisionError("malformed-request", in_line(line.number, problem.message), path="request")
        yield _decided(Decision(Effect.DENY, policies.digest, errors=(error,)), counts) + "\n"
        return
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


@contextmanager
def _opened(ctx: click.Context, path: str) -> Iterator[tuple[io.BufferedIOBase, int | None]]:
    """Open the requests; also tell their size in bytes, where it is known."""
    if path == STDIN:
        yield cast(io.BufferedIOBase, standard_input(ctx, "the requests")), None
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115 - an error while answering is no error of opening
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Stop(f"the requests cannot be read: {path}: {reason}") from None
    with stream:
        yield stream, os.fstat(stream.fileno()).st_size or None
