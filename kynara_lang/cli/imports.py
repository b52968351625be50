"""`kynara import`: policies of other languages become policies of this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from ..diagnostics.diagnostic import Label, Severity
from ..diagnostics.excerpt import visible
from ..diagnostics.render_text import render_excerpt
from ..diagnostics.source import Source
from ..migration.cedar import CedarError, Imported, Refusal, import_cedar
from ..runtime.strict_json import JsonProblem, loads
from .json_lines import bare
from .options import STDIN, Stop, color_option, read_input
from .output import chatter, counted, print_laid_out, say

_LIMIT: Final = 64 * 2**20


@click.group(name="import")
@color_option
def imports() -> None:
    """Translate policies of another language into a program of Kynara.

    \b
    Examples:
      kynara import cedar policies.cedar --schema app.cedarschema -o policies/
      kynara import cedar --help

    Exit codes: 0 all policies were translated, 1 some were refused, 2 nothing could be translated.
    """


@imports.command()
@click.argument("policies", nargs=-1, required=True, metavar="POLICIES...")
@click.option("--schema", metavar="FILE", help="The schema, as text or in Cedar's JSON format.")
@click.option("--entities", metavar="FILE", help="Entities in Cedar's JSON format; they become an entity store.")
@click.option("--requests", metavar="FILE", help="Requests to Cedar, one a line; they become requests to Kynara.")
@click.option("-o", "--output", metavar="DIR", help="Write NAME.kyn, and what else is given, to this folder.")
@color_option
@click.pass_context
def cedar(
    ctx: click.Context,
    policies: tuple[str, ...],
    schema: str | None,
    entities: str | None,
    requests: str | None,
    output: str | None,
) -> None:
    """Translate Cedar policies into a program that decides the same.

    POLICIES are Cedar text, for which the extra `bench` is needed, or Cedar's JSON format. The types come from the
    schema; without one, from the entities. What has no counterpart is refused: each such policy is shown with its
    place, the reason, and what to do. A forbid that is refused leaves a wider one in its place, so that nothing is
    permitted that Cedar forbids. Without `-o` the program goes to standard output. Nothing is overwritten.

    \b
    Examples:
      kynara import cedar policies.cedar --schema app.cedarschema
      kynara import cedar a.cedar b.cedar --schema app.cedarschema --entities entities.json -o policies/
      kynara import cedar policies.json --entities entities.json --requests requests.jsonl -o policies/

    Exit codes: 0 all policies were translated, 1 some were refused, 2 nothing could be translated.
    """
    if policies.count(STDIN) + [schema, entities, requests].count(STDIN) > 1:
        raise click.UsageError(f"'{STDIN}' can be only one of the files.", ctx)
    if requests is not None and output is None:
        raise click.UsageError("'--requests' needs '-o DIR' to write to.", ctx)
    try:
        imported = import_cedar(
            [_source(ctx, path, "the policies") for path in policies],
            schema=None if schema is None else _source(ctx, schema, "the schema"),
            entities=None if entities is None else _source(ctx, entities, "the entities"),
        )
        files = _files(imported, Path(policies[0]).stem if policies[0] != STDIN else "imported")
        if requests is not None:
            files["requests.jsonl"] = _requests(imported, _source(ctx, requests, "the requests"))
    except CedarError as error:
        raise Stop(str(error), error.help) from None
    if output is None:
        click.echo(imported.text, nl=False)
    else:
        _write(Path(output), files)
    for refusal in imported.refusals:
        _show(ctx, refusal)
    done = imported.policies - len(imported.refusals)
    say(_summary(imported, done))
    ctx.exit(1 if imported.refusals else 0)


def _summary(imported: Imported, done: int) -> str:
    """Return the line that says what was done."""
    became = f"{counted(imported.policies, 'policy', 'policies')}: {done} translated"
    if imported.refusals:
        became += f", {len(imported.refusals)} refused"
        standing = sum(refusal.stand_in for refusal in imported.refusals)
        if standing:
            became += f"; {counted(standing, 'wider forbid')} in place of what was refused"
    return became


def _source(ctx: click.Context, path: str, purpose: str) -> Source:
    """Read a file as UTF-8 text."""
    content = read_input(ctx, path, purpose, _LIMIT)
    try:
        return Source("<stdin>" if path == STDIN else path, content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise Stop(f"`{path}` is not UTF-8 text: byte {error.start} cannot be read") from None


def _files(imported: Imported, stem: str) -> dict[str, str]:
    """Return the texts to write by their names."""
    files = {f"{stem}.kyn": imported.text}
    if imported.entities is not None:
        files["entities.json"] = _json_lines(imported.entities)
    return files


def _json_lines(items: list[Any]) -> str:
    """Return a JSON list with a line for each item."""
    return "[" + ",\n ".join(json.dumps(item, ensure_ascii=False) for item in items) + "]\n"


def _requests(imported: Imported, source: Source) -> str:
    """Return the translated requests, one a line."""
    return "".join(f"{json.dumps(request, ensure_ascii=False)}\n" for request in _translated(imported, source))


def _translated(imported: Imported, source: Source) -> Iterator[Any]:
    for number, line in enumerate(source.text.split("\n"), start=1):  # JSON may hold other ends of lines
        if not bare(line.encode()):
            continue
        try:
            yield imported.request(loads(line))
        except (CedarError, JsonProblem) as error:
            raise CedarError(f"`{source.name}`, line {number}: {error}") from None


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files, or none of them if one is there already."""
    there = [folder / name for name in files if (folder / name).exists()]
    if there:
        lines = [f"`{path.as_posix()}` is in the way" for path in there]
        raise Stop("\n".join([*lines, "nothing was written"]), "name a folder that has no such files")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        say(visible(f"wrote {(folder / name).as_posix()}"))


def _show(ctx: click.Context, refusal: Refusal) -> None:
    """Show a policy that was refused: what, where, why, and what to do instead."""
    policy = refusal.policy
    say(visible(f"refused: {policy.effect} `{policy.name}` ({policy.place}): {refusal.what}"))
    span = policy.span_of(refusal.node)
    if span is not None:
        console = chatter(ctx)
        print_laid_out(console, render_excerpt([Label(span, "")], width=console.width, severity=Severity.WARNING))
    say(visible(f"  = why: {refusal.why}"))
    if refusal.stand_in:
        say("  = note: a forbid of everything that this one can be about stands in its place")
    say(visible(f"  = help: {refusal.instead}"))
