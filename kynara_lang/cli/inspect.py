"""`kynara inspect`: what a decision costs at worst, and which rules are looked at for every request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import click

from .options import Stop, cache_option, color_option, paths_argument
from .output import busy, chatter, counted, print_json, results, width
from .policies import load_policies

if TYPE_CHECKING:
    from ..checker.symbols import Program
    from ..compiler.inspection import Inspected


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def external(self) -> str: ...


@click.command()
@paths_argument
@click.option("--action", metavar="NAME", help="Look at requests of this action only.")
@click.option("--resource", metavar="TYPE", help="Look at requests about this type only.")
@click.option("--subject", metavar="TYPE", help="Look at requests of this type of subject only.")
@click.option("--all", "everything", is_flag=True, help="Show all requests and rules, not the worst alone.")
@click.option(
    "--max-tests",
    metavar="N",
    type=click.IntRange(min=0),
    help="Exit with 1 if a request can need more tests than this.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "dot"]),
    default="text",
    show_default=True,
    help="How to show it; `dot` draws the trees.",
)
@cache_option
@color_option
@click.pass_context
def inspect(
    ctx: click.Context,
    paths: tuple[str, ...],
    action: str | None,
    resource: str | None,
    subject: str | None,
    everything: bool,
    max_tests: int | None,
    output: str,
    cache: bool,
) -> None:
    """Show what a decision costs at worst, and which rules are looked at for every request.

    The rules of a program are arranged by action, resource type and subject type, and then by what tells them apart:
    roles, groups, constants. What nothing tells apart is looked at for every request; for each such rule, this shows
    the clauses that are to blame, and what to write instead, if anything. A test is one condition between `and`, `or`
    and `not`, or one lookup.

    \b
    Examples:
      kynara inspect policies/
      kynara inspect policies/ --action refund --all
      kynara inspect policies/ --max-tests 100

    Exit codes: 0 fine, 1 a request can need more tests than --max-tests, 2 it could not be looked at.
    """
    from ..compiler.inspection import Inspector
    from . import render_inspect

    program = load_policies(ctx, paths, cache=cache).program
    actions = _chosen(action, program.actions, "action")
    resources = _chosen(resource, program.types, "type")
    subjects = _chosen(subject, {k: t for k, t in program.types.items() if t.kind == "subject"}, "type of subjects")
    inspector = Inspector(program)
    places = [
        place
        for place in inspector.places()
        if place.action in actions and place.resource in resources and place.subject in subjects
    ]
    if not places:
        raise Stop(*_nothing(program, action, resource))
    found: list[Inspected] = []
    with busy(ctx, "building decision trees", total=len(places)) as one_more:
        for place in places:
            found.append(inspector.bucket(place))
            one_more()
    shown = render_inspect.Inspection(program, tuple(found))
    if output == "json":
        print_json(shown.to_dict())
    elif output == "dot":
        click.echo(render_inspect.dot(shown))
    else:
        console = results(ctx)
        for part in render_inspect.renderables(shown, width(console), everything=everything):
            console.print(part, soft_wrap=True)
    ctx.exit(_over(ctx, found, max_tests))


def _chosen(name: str | None, known: Mapping[str, _Named], what: str) -> set[str]:
    """Return the keys of what a name stands for; without a name, all."""
    if name is None:
        return set(known)
    found = {key for key, symbol in known.items() if name in (key, symbol.name, symbol.external)}
    if not found:
        from ..diagnostics.suggest import near

        guess = near(name, [symbol.name for symbol in known.values()])
        raise Stop(f"there is no {what} `{name}`", f"did you mean `{guess}`?" if guess else None)
    return found


def _nothing(program: Program, action: str | None, resource: str | None) -> tuple[str, str | None]:
    """Say why no request is left to be looked at."""
    if action is None or resource is None:
        return "the program declares no action that a subject could perform on a resource", None
    kinds = {program.types[key].name for key in _about(program, action)}
    return f"the action `{action}` does not apply to a {resource}", f"it applies to {', '.join(sorted(kinds))}"


def _about(program: Program, action: str) -> Iterable[str]:
    for key, symbol in program.actions.items():
        if action in (key, symbol.name, symbol.external):
            yield from symbol.on


def _over(ctx: click.Context, found: list[Inspected], limit: int | None) -> int:
    """Return the exit code; say on standard error how many kinds of requests are over the limit."""
    over = [] if limit is None else [bucket for bucket in found if bucket.tests > limit]
    if over:
        worst = max(bucket.tests for bucket in over)
        kinds = counted(len(over), "kind of request", "kinds of requests")
        chatter(ctx).print(f"{kinds} can need more than {limit} tests: up to {worst:,}", soft_wrap=True)
    return 1 if over else 0
