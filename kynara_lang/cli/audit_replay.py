"""`kynara audit replay`: decides what was decided again, and says what comes out otherwise."""

from __future__ import annotations

from typing import Any

import click

from .audit import format_option, log_argument, progress, trouble
from .options import color_option, entities_option
from .output import print_json
from .policies import load_policies


@click.command(short_help="Decide again what was decided, and show what differs.")
@log_argument
@click.option("--policies", "-p", "paths", multiple=True, metavar="PATH", help="The policies, if not those configured.")
@entities_option
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="How many to show.")
@format_option
@color_option
@click.pass_context
def replay(ctx: click.Context, log: str, paths: tuple[str, ...], entities: str | None, limit: int, form: str) -> None:
    """Decide every decision of a log again, from what its record holds, and show where the answer is another one.

    Under the policies that decided then, there must be no difference. Under others, this shows what they would have
    decided. What cannot be decided again, such as calls with redacted arguments, is counted and never taken as equal.

    \b
    Examples:
      kynara audit replay audit/ --policies policies/
      kynara audit replay audit/ --policies proposal/ --entities entities.json --format json

    Exit codes: 0 all that was decided again came out the same, 1 something did not, or nothing could be decided again,
    2 the policy has errors, or a file cannot be read.
    """
    from ..audit.query import watched
    from ..audit.reading import read_log
    from ..audit.replay import Difference, Replayed
    from ..audit.replay import replay as replayed
    from . import render_audit

    policies = load_policies(ctx, paths, entities)
    counts = Replayed()
    shown: list[Difference] = []
    with trouble(log), progress(ctx, "deciding again") as at:
        for difference in replayed(watched(read_log(log), log, at), policies, counts):
            if len(shown) < limit:
                shown.append(difference)
    if form == "json":
        print_json(_data(policies.digest, counts, shown))
    else:
        click.echo(render_audit.replay_text(counts, shown), nl=False)
    ctx.exit(0 if counts.replayed and not counts.different else 1)


def _data(digest: str, counts: Any, shown: list[Any]) -> dict[str, Any]:
    return {
        "policy_digest": digest,
        "decisions": counts.decisions,
        "equal": counts.equal,
        "different": counts.different,
        "other_policy": counts.other_policy,
        "not_decided_again": dict(sorted(counts.skipped.items())),
        "differences": [
            {"seq": one.entry.seq, "same_policy": one.same_policy, "then": one.then, "now": one.now} for one in shown
        ],
    }
