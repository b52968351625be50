"""`kynara diff`: who gains and who loses between two versions of a program, each with a request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import click

from ..runtime import strict_json
from ..runtime.strict_json import JsonProblem
from .json_lines import Readable, bare, in_line, read_lines
from .options import STDIN, Stop, color_option, standard_input
from .output import busy, print_json
from .policies import configuration
from .recorded import unwrapped
from .revisions import program_at

if TYPE_CHECKING:
    from ..runtime.replay import Replay


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--no-new-access", is_flag=True, help="Exit with 1 if anybody may do more, or if that is not known.")
@click.option("--replay", metavar="FILE", help="Also decide the recorded requests of a JSON-lines file by both.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True, help="How."
)
@click.option(
    "--prove-timeout",
    type=click.FloatRange(0.01, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="What one question to the solver may take.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to compare; what is left by then is unknown.",
)
@color_option
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    no_new_access: bool,
    replay: str | None,
    form: str,
    prove_timeout: float,
    timeout: float,
) -> None:
    """Show what differs between the programs OLD and NEW: who may do more, who may do less.

    Each is a path, or `REV:path` of the git checkout. Every kind of request is compared for all requests there can
    be; what differs comes with a request that both versions have decided. What could not be settled, or not within
    the time, is named as unknown, never called the same.

    \b
    Examples:
      kynara diff HEAD~1:policies policies --no-new-access
      kynara diff main:policies HEAD:policies --format markdown
      kynara diff old/ new/ --replay requests.jsonl

    Exit codes: 0 compared, 1 with --no-new-access if there is new access or it is unknown, 2 it could not be compared.
    """
    from ..analysis.differences import Comparing
    from ..analysis.solver import Limits
    from ..analysis.versions import Version
    from ..proofs import solver_installed
    from ..runtime.replay import Replay
    from . import render_diff

    end = time.monotonic() + timeout
    libraries = configuration().libraries
    programs = [program_at(ctx, named, libraries).program for named in (old, new)]
    deciders = [Replay(program) for program in programs]
    limits = Limits(milliseconds=int(prove_timeout * 1000)) if solver_installed() else None
    with busy(ctx, "comparing"):
        versions = [Version(p, d) for p, d in zip(programs, deciders, strict=True)]
        found = Comparing(versions[0], versions[1], limits, left=lambda: end - time.monotonic()).run()
    flips = None if replay is None else list(_flips(ctx, replay, deciders))
    if form == "json":
        print_json(render_diff.as_data(found, flips))
    else:
        click.echo((render_diff.as_text if form == "text" else render_diff.as_markdown)(found, flips))
    ctx.exit(1 if no_new_access and (found.gains or found.unknown_gains) else 0)


def _flips(ctx: click.Context, path: str, deciders: list[Replay]) -> Iterator[tuple[int, str, str]]:
    """Yield the recorded requests that the two versions decide otherwise; stop at what is no request."""
    try:
        with standard_input(ctx, "the requests") if path == STDIN else open(path, "rb") as stream:
            for line in read_lines(cast(Readable, stream)):
                if line.content is None:
                    raise Stop(f"line {line.number} of {path} is too long")
                if not bare(line.content):
                    continue
                request, _ = unwrapped(_read(line.number, line.content))
                if not isinstance(request, dict):
                    raise Stop(f"line {line.number} of {path} is no request")
                before, after = (decider.decision(request) for decider in deciders)
                if before != after:
                    yield line.number, before, after
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}") from None


def _read(number: int, content: bytes) -> object:
    try:
        return strict_json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Stop(f"line {number} is not UTF-8 text") from None
    except JsonProblem as problem:
        raise Stop(in_line(number, problem.message)) from None
