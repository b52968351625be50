"""`kynara escalation`: who may change what about authority, and whether anybody comes to more than was permitted."""

from __future__ import annotations

import click

from ..analysis.control import edges, to_dict
from ..analysis.escalation import DEPTH, Survey, escalations
from ..analysis.solver import Limits, MissingSolver
from ..diagnostics.diagnostic import Severity
from .options import color_option, paths_argument
from .output import busy, chatter, print_json, print_laid_out, results, width
from .policies import load_whole
from .render_escalation import dot, graph_text, mermaid, paths_text

_DEEPEST = 4


@click.command()
@paths_argument
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "dot", "mermaid"]),
    default="text",
    show_default=True,
    help="How to show it; `dot` and `mermaid` draw the graph alone.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, _DEEPEST),
    default=DEPTH,
    show_default=True,
    help="How many steps a path may have.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=120.0,
    show_default=True,
    help="How long to look; what is left by then is unknown.",
)
@color_option
@click.pass_context
def escalation(ctx: click.Context, paths: tuple[str, ...], output: str, depth: int, timeout: float) -> None:
    """Show who may change authority, and how anybody comes to more than was permitted.

    A path is a sequence of requests, each of them permitted. All requests of a path are decided again before it is
    shown. A path that needs somebody else's approval is a note.

    \b
    Examples:
      kynara escalation policies/
      kynara escalation policies/ --depth 3
      kynara escalation policies/ --format mermaid > control.mmd

    Exit codes: 0 there is no path but notes, 1 there is one, or it is unknown, 2 it could not be looked for.
    """
    from ..runtime.replay import Replay  # only here: --help needs no evaluator

    program = load_whole(ctx, paths).program
    survey: Survey | None = None
    missing = ""
    try:
        with busy(ctx, "looking for paths"):
            survey = escalations(program, Replay(program), Limits(), depth=depth, seconds=timeout)
    except MissingSolver as error:
        missing = str(error)
    graph = edges(program, survey)
    if output == "dot":
        click.echo(dot(graph))
    elif output == "mermaid":
        click.echo(mermaid(graph))
    elif output == "json":
        print_json(to_dict(survey) if survey is not None else {"version": 1, "edges": [e.to_dict() for e in graph]})
    else:
        console = results(ctx)
        shown = graph_text(graph)
        print_laid_out(console, shown if survey is None else shown.append_text(paths_text(survey, width(console))))
    if survey is None:
        print_laid_out(chatter(ctx), f"note: paths were not looked for; {missing}")
        ctx.exit(2)
    serious = any(one.severity is not Severity.NOTE for one in survey.found)
    ctx.exit(1 if serious or survey.unknown else 0)
