"""`kynara audit show`, `query` and `tail`: records for people, and for programs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from ..diagnostics.excerpt import visible
from .audit import format_option, log_argument, progress, trouble
from .options import Stop, color_option
from .output import counted, print_json, say

if TYPE_CHECKING:
    from ..audit.query import Criteria
    from ..audit.reading import Entry

_PAUSE: Final = 0.5
_MOST: Final = 10_000


def _entity(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return an entity, or a type, as a log writes it."""
    from ..audit.query_facts import entity_of

    found = None if value is None else entity_of(value)
    if found is None and value is not None:
        message = f"{value!r} is no entity; write `Agent` for all agents, or `Agent::refund-bot` for one."
        raise click.BadParameter(message, ctx, param)
    return found


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a time of RFC 3339, or the beginning of a day, in microseconds since 1970."""
    from ..audit.query_facts import read_time

    found = None if value is None else read_time(value)
    if found is None and value is not None:
        message = f"{value!r} is no time; write 2026-11-22, or 2026-11-22T10:00:00Z with a time zone."
        raise click.BadParameter(message, ctx, param)
    return found


_CRITERIA: Final = (
    click.option("--until", callback=_moment, metavar="TIME", help="Only before this time, or this day."),
    click.option("--since", callback=_moment, metavar="TIME", help="Only from this time on, such as 2026-11-22."),
    click.option("--about", metavar="SEQ", help="Only about the decision of record SEQ: how the call ended."),
    click.option("--kind", metavar="KIND", help="Only records of a kind: decision, outcome, approval, policy, …"),
    click.option("--session", metavar="ID", help="Only of one session."),
    click.option("--rule", metavar="NAME", help="Only what this rule determined."),
    click.option("--decision", metavar="DECISION", help="Only allow, deny or require_approval."),
    click.option("--resource", callback=_entity, metavar="ENTITY", help="Only on this resource, or all of a type."),
    click.option("--action", metavar="NAME", help="Only this action."),
    click.option("--member", callback=_entity, metavar="ENTITY", help="Only with this principal in the chain."),
    click.option("--subject", callback=_entity, metavar="ENTITY", help="Only by this principal, or all of a type."),
)


def criteria_options(command: Any) -> Any:
    """Add what records can be found by to a command, as the members of `Criteria`."""
    for option in _CRITERIA:
        command = option(command)
    return command


def criteria_of(given: dict[str, Any]) -> Criteria:
    """Return what records are looked for."""
    from ..audit.query import Criteria

    return Criteria(**given)


@click.command(short_help="Show one record.")
@log_argument
@click.argument("seq", type=click.IntRange(min=0))
@format_option
@color_option
@click.pass_context
def show(ctx: click.Context, log: str, seq: int, form: str) -> None:
    """Show record SEQ: what was asked, by whom and for whom, what was decided, and why.

    \b
    Examples:
      kynara audit show audit/ 47
      kynara audit show audit/ 47 --format json

    Exit codes: 0 fine, 1 the log is not in order, 2 there is no such record, or it cannot be read.
    """
    from ..audit.reading import read_log
    from . import render_audit

    with trouble(log):
        entry = next(read_log(log, since=seq), None)
        if entry is None:
            raise Stop(f"there is no record {seq}", f"`kynara audit tail {log}` shows the newest ones")
        if form == "json":
            print_json(as_data(entry))
        else:
            click.echo(render_audit.record_text(entry), nl=False)


@click.command(short_help="Find records by what they say.")
@log_argument
@criteria_options
@click.option("--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, help="How many to show.")
@click.option("--oldest", is_flag=True, help="Show the oldest first, not the newest.")
@click.option("--scan", is_flag=True, help="Read the whole log and check its chain; use no index.")
@format_option
@color_option
@click.pass_context
def query(ctx: click.Context, /, log: str, limit: int, oldest: bool, scan: bool, form: str, **given: Any) -> None:
    """Find the records of a log that fit all of what is asked for.

    An index beside the log says where they are; it is made when it is missing, and goes on with the log. Each record is
    read from the log itself, and its hash checked against the record before it. So an index that was changed can hide
    records but not make any up, and a record that was changed is told unless its hash was computed anew: that is found
    by --scan, which reads the whole chain, and by `kynara audit verify` with a checkpoint where all hashes up to the
    end were.

    \b
    Examples:
      kynara audit query audit/ --decision deny --since 2026-11-01
      kynara audit query audit/ --member User::alice --action refund --format json

    Exit codes: 0 fine (also if nothing fits), 1 the log is not in order, 2 it cannot be read.
    """
    from ..audit.query import search
    from . import render_audit

    with trouble(log):
        with progress(ctx, "reading the log") as at:
            answer = search(log, criteria_of(given), limit=limit, oldest=oldest, scan=scan, progress=at)
        if answer.unindexed is not None and not scan:
            say(visible(f"note: the whole log was read, because its index cannot be kept: {answer.unindexed}"))
        if form == "json":
            records = [as_data(entry) for entry in answer.entries]
            print_json({"total": answer.total, "scanned": answer.unindexed is not None, "records": records})
            return
        for entry in answer.entries:
            click.echo(render_audit.record_line(entry))
    shown = len(answer.entries)
    which = "oldest" if oldest else "newest"
    said = counted(answer.total, "record")
    say(said if shown == answer.total else f"the {shown} {which} of {said}; --limit shows more")


@click.command(short_help="Show the newest records.")
@log_argument
@click.option("-n", "--lines", "count", type=click.IntRange(0, _MOST), default=10, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on, and show records as they are written.")
@format_option
@color_option
@click.pass_context
def tail(ctx: click.Context, log: str, count: int, follow: bool, form: str) -> None:
    """Show the newest records of a log, a line each; with --format json, as JSON lines.

    \b
    Examples:
      kynara audit tail audit/
      kynara audit tail audit/ -f --format json

    Exit codes: 0 fine, 1 the log is not in order, 2 it cannot be read.
    """
    from ..audit.query_reading import newest, read_after

    with trouble(log):
        entries = newest(log, max(count, 1))
        last = entries[-1]
        for entry in entries[len(entries) - count :] if count < len(entries) else entries:
            _print(entry, form)
        while follow:
            sys.stdout.flush()
            time.sleep(_PAUSE)
            for entry in read_after(log, last):
                _print(entry, form)
                last = entry


def _print(entry: Entry, form: str) -> None:
    from . import render_audit

    if form == "json":
        print_json(as_data(entry), indent=None)
    else:
        click.echo(render_audit.record_line(entry))


def as_data(entry: Entry) -> dict[str, Any]:
    """Return a record as data: where it is, its hash, and all that it holds."""
    return {
        "seq": entry.seq,
        "hash": entry.hash,
        "segment": entry.segment,
        "offset": entry.offset,
        "record": entry.record,
    }
