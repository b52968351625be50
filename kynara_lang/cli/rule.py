"""`kynara rule`: the page of a lint or an error, and the beginnings of a new lint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from ..diagnostics.codes import CODES, Code
from ..pages import UnknownCode, find_code, page_of
from . import render_page
from .options import Stop, color_option
from .output import print_json, print_laid_out, results, width

FORMATS: Final = ("text", "markdown", "json")


@click.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--all", "everything", is_flag=True, help="Show the pages of all codes.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How pages are shown.",
)
@click.option("--new", metavar="NAME", help="In a checkout of Kynara: begin a new lint of this name.")
@click.option("--family", metavar="8xx", help="With --new: the hundred in which the new lint gets the next free code.")
@click.option("--code", metavar="KYN810", help="With --new: the code of the new lint, in place of --family.")
@color_option
@click.pass_context
def rule(
    ctx: click.Context,
    codes: tuple[str, ...],
    everything: bool,
    output_format: str,
    new: str | None,
    family: str | None,
    code: str | None,
) -> None:
    """Show the page of a lint or an error: what it finds, why it matters, what to avoid and what to prefer.

    CODE is a code such as `KYN301`, its number, or its name. Without one, all codes are listed.

    \b
    Examples:
      kynara rule KYN301
      kynara rule permit-without-scope 509
      kynara rule --all --format markdown > lints.md
      kynara rule --new secret-in-text --family 8xx

    Exit codes: 0 the page was shown, 2 there is no such code.
    """
    if new is not None:
        if codes or everything:
            raise click.UsageError("--new begins a lint and shows no page: leave CODE and --all out.", ctx)
        _begin(new, family, code)
        return
    if family is not None or code is not None:
        raise click.UsageError(f"{'--family' if code is None else '--code'} needs --new NAME.", ctx)
    show = _pages if codes or everything else _contents
    show(results(ctx), _found(codes) or tuple(CODES.values()), output_format)


def _found(words: Sequence[str]) -> tuple[Code, ...]:
    """Return the codes that are meant, each once, or stop with everything that is unknown."""
    found: dict[str, Code] = {}
    unknown = []
    for word in words:
        try:
            code = find_code(word)
            found[code.code] = code
        except UnknownCode as error:
            unknown.append(str(error))
    if unknown:
        raise Stop("\n".join(unknown))
    return tuple(found.values())


def _contents(console: Console, codes: Sequence[Code], output_format: str) -> None:
    if output_format == "json":
        print_json({"version": 1, "codes": [render_page.code_dict(code) for code in codes]})
    elif output_format == "markdown":
        click.echo(render_page.contents_markdown(codes), nl=False)
    else:
        print_laid_out(console, render_page.render_contents(codes))


def _pages(console: Console, codes: Sequence[Code], output_format: str) -> None:
    pages = [page_of(code.code) for code in codes]
    if output_format == "json":
        print_json({"version": 1, "pages": [render_page.page_dict(page) for page in pages]})
    elif output_format == "markdown":
        click.echo("\n".join(page.markdown for page in pages), nl=False)
    else:
        for number, page in enumerate(pages):
            if number:
                print_laid_out(console, "\n")
            print_laid_out(console, render_page.render_page(page, width(console)))


def _begin(name: str, family: str | None, code: str | None) -> None:
    """Begin a lint in the checkout that the working folder is in, and say what to do next."""
    from . import new_lint

    begun = new_lint.begin(Path.cwd(), name, family, code)
    click.echo(new_lint.what_next(begun), nl=False)
