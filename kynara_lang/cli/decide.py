"""`kynara decide`: one decision for each line of requests, as they come.

A line that cannot be read is denied with the reason, like any malformed request: a stream never stops in the middle,
and the n-th answer belongs to the n-th line that is not blank: of
nothing, or of what JSON counts as white space.
"""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import click

from ..runtime.decision import Effect
from .answers import answer_all
from .json_lines import Line, Readable, bare, read_lines
from .options import (
    STDIN,
    Stop,
    cache_option,
    color_option,
    entities_option,
    no_requests,
    paths_argument,
    standard_input,
)
from .output import Gauge, chatter, counted
from .policies import load_policies

if TYPE_CHECKING:
    from ..runtime.policyset import PolicySet
    from .shared_work import SharedWork


@click.command()
@paths_argument
@click.option("--requests", metavar="FILE", help="Requests as JSON lines; `-` reads standard input.")
@entities_option
@click.option("--summary", is_flag=True, help="Say at the end, on standard error, how many of what was decided.")
@click.option("--with-request", is_flag=True, help="Repeat each request beside its decision, to explain it later.")
@click.option("--exit-on-deny", is_flag=True, help="Exit with 1 if anything was denied.")
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 256), default=1, help="Decide in N processes; order is kept."
)
@cache_option
@color_option
@click.pass_context
def decide(
    ctx: click.Context,
    paths: tuple[str, ...],
    requests: str | None,
    entities: str | None,
    summary: bool,
    with_request: bool,
    exit_on_deny: bool,
    jobs: int,
    cache: bool,
) -> None:
    """Decide requests, one a line, and print one decision a line, as JSON.

    A line that is no valid request is denied, with the reason among its errors. One with `evaluations` is a batch as
    in the AuthZEN API and is answered by one line with all its decisions. Lines that are empty or hold only
    spaces and tabs are skipped.

    \b
    Examples:
      kynara decide policies/ --requests requests.jsonl
      kynara decide policies/ --requests - --entities entities.json --summary < requests.jsonl
      kynara decide policies/ --requests requests.jsonl --jobs 4 > decisions.jsonl

    Exit codes: 0 everything was decided, 1 something was denied and --exit-on-deny is given, 2 the policy has errors
    or a file cannot be read.
    """
    if requests is None:
        otherwise = "Say which requests: --requests FILE, or --requests - for standard input."
        raise no_requests(ctx, paths, "--requests", otherwise)
    if requests == STDIN:
        standard_input(ctx, "the requests")  # the policy or the entities cannot come from there, too
    policies = load_policies(ctx, paths, entities, cache=cache)
    counts: Counter[Effect] = Counter()
    with _opened(ctx, requests) as (stream, size), Gauge(ctx, "deciding", size) as gauge:
        shared = _shared_work(policies, counts, jobs, with_request=with_request) if jobs > 1 else None

        def before_waiting() -> None:
            if shared is not None and size is None:
                shared.settle_unless_more(stream)
            sys.stdout.flush()
            if size is not None:
                gauge.at(stream.tell())

        lines = _one_each(read_lines(cast(Readable, stream), before_waiting=before_waiting))
        if shared is None:
            answer_all(policies, lines, counts, sys.stdout.write, with_request=with_request)
        else:
            shared.answer_all(lines)
    if summary:
        chatter(ctx).print(summarized(counts), soft_wrap=True)
    ctx.exit(1 if exit_on_deny and counts[Effect.DENY] else 0)


def _shared_work(policies: PolicySet, counts: Counter[Effect], jobs: int, *, with_request: bool) -> SharedWork:
    from .shared_work import SharedWork, can_share_work  # only here: most streams are decided by one process

    if not can_share_work():
        raise Stop("this system cannot share the work among processes", "leave out --jobs")
    return SharedWork(policies, counts, sys.stdout.write, jobs, with_request=with_request)


def _one_each(lines: Iterable[Line]) -> Iterator[Line]:
    """Pass lines on unless the first shows that they are no JSON lines but one document laid out for people."""
    for line in lines:
        if line.number == 1 and line.content is not None and bare(line.content) in (b"{", b"["):
            raise Stop(
                "the requests are not JSON lines: the first line holds only a bracket",
                "put each request on one line; for one request in a file, use `kynara explain --request FILE`",
            )
        yield line


def summarized(counts: Counter[Effect]) -> str:
    """Return how many requests there were, and how they were decided."""
    each = ", ".join(f"{counts[effect]:,} {effect}" for effect in (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY))
    return f"{counted(counts.total(), 'request')}: {each}"


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
