"""`kynara std`: what the standard library has, and what each of its modules declares.

The pages are the documentation in the modules themselves, so they say what the checker reads.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import click
from attrs import frozen

from .. import libraries, resources
from ..diagnostics.diagnostic import Report
from ..diagnostics.suggest import near
from ..semantics.problems import quoted
from ..syntax import ast, parser
from . import render_page
from .options import Stop, color_option
from .output import counted, print_json, print_laid_out, results, width

FORMATS: Final = ("text", "markdown", "json")

_LONGEST_VALUE = 60
_SUPPRESSION = re.compile(r"^[ \t]*# kynara: .*\n", re.MULTILINE)
_KINDS: Final = {
    "traits": "Traits",
    "types": "Types",
    "groups": "Action groups",
    "roles": "Roles",
    "constants": "Constants",
    "predicates": "Predicates",
}
_MEANINGS: Final = {
    "traits": "A type has one by `is`, and its attributes with it.",
    "groups": "An action joins one by `in`. It must have the parameters that are shown.",
    "roles": "A role of a program has one by `extends`, once it is imported by name.",
}
_EFFECTS: Final = {"permit": "permit", "forbid": "forbid", "require_approval": "require approval"}


@frozen
class Entry:
    """Something that a module declares: its name, how it is written, and what it is for."""

    name: str
    signature: str
    doc: str


@frozen
class RulePage:
    """A rule of a module: its effect, name, description and documentation, and its text."""

    effect: str
    name: str
    description: str
    doc: str
    text: str


@frozen
class ModulePage:
    """A module of the standard library: what it says of itself, and what it declares by kind."""

    name: str
    summary: str
    doc: str
    entries: dict[str, tuple[Entry, ...]]
    rules: tuple[RulePage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that an import can list; those of permits are among them."""
        declared = [entry.name for kind in _KINDS for entry in self.entries[kind]]
        return (*declared, *(rule.name for rule in self.rules if rule.effect == "permit"))


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Show the pages of all modules.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How modules are shown.",
)
@color_option
@click.pass_context
def std(ctx: click.Context, names: tuple[str, ...], everything: bool, output_format: str) -> None:
    """Show the standard library: its modules, or what one of them declares, forbids and asks for.

    NAME is a module such as `std.tenancy`; `std.` can be left out. Without one, all modules are listed.

    \b
    Examples:
      kynara std
      kynara std tenancy
      kynara std std.email std.network --format json

    Exit codes: 0 the modules were shown, 2 there is no such module.
    """
    console = results(ctx)
    found = _found(names) or tuple(page_of(name) for name in resources.library_modules())
    pages = bool(names) or everything
    if output_format == "json":
        print_json({"version": 1, "modules": [module_dict(page, whole=pages) for page in found]})
    elif not pages:
        shown = _contents_markdown(found) if output_format == "markdown" else _contents(found, width(console))
        click.echo(shown, nl=False)
    elif output_format == "markdown":
        click.echo("\n".join(page_markdown(page) for page in found), nl=False)
    else:
        for number, page in enumerate(found):
            if number:
                print_laid_out(console, "\n")
            print_laid_out(console, render_page.lay_out(page_markdown(page), width(console)))


def _found(words: Sequence[str]) -> tuple[ModulePage, ...]:
    """Return the modules that are meant, each once, or stop with everything that is unknown."""
    known = resources.library_modules()
    named = [word if word in known else f"std.{word}" for word in words]
    unknown = [word for word, name in zip(words, named, strict=True) if name not in known]
    if unknown:
        raise Stop("\n".join(_unknown(word, known) for word in unknown))
    return tuple(page_of(name) for name in dict.fromkeys(named))


def _unknown(word: str, known: Sequence[str]) -> str:
    """Say that there is no such module, and what may have been meant: one that declares the name, or a near one."""
    message = f"the standard library has no module {quoted(word)}"
    declaring = [f"`{name}`" for name in known if word in _declared(page_of(name))]
    if declaring:
        return f"{message}; {quoted(word)} is declared by {' and '.join(declaring)}"
    by_last = {name.rpartition(".")[2]: name for name in known}
    guess = near(word.removeprefix("std."), by_last)
    if guess:
        return f"{message}; did you mean `{by_last[guess]}`?"
    return f"{message}; `kynara std` lists what there is"


def _declared(page: ModulePage) -> set[str]:
    return {*page.names, *(rule.name for rule in page.rules)}


# --- reading a module


def page_of(name: str) -> ModulePage:
    """Return what a module of the standard library says and declares."""
    source = libraries.standard_library().find(name)
    assert source is not None, name
    module = parser.read(source, Report())
    doc = _doc_of(module)
    entries: dict[str, list[Entry]] = {kind: [] for kind in _KINDS}
    rules = []
    for decl in module.declarations:
        match decl:
            case ast.RuleDecl(effect, rule, description):
                said = description.value if description else ""
                rules.append(RulePage(effect, rule.text, said, _line(decl.doc), _text_of(decl)))
            case _:
                for kind, entry in _entries(decl):
                    entries[kind].append(entry)
    return ModulePage(name, doc.partition("\n")[0], doc, {k: tuple(v) for k, v in entries.items()}, tuple(rules))


def _doc_of(module: ast.Module) -> str:
    """Return the documentation in front of `module`: paragraphs, separated by empty lines."""
    if module.name is None:
        return ""
    lines: list[str] = []
    line = module.name.span.first.line - 1
    written = {c.span.first.line: c.text for c in module.comments if c.own_line and c.text.startswith("##")}
    while line in written:
        lines.append(written[line][2:].strip())
        line -= 1
    paragraphs = "\n".join(reversed(lines)).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _entries(decl: ast.Decl) -> Iterator[tuple[str, Entry]]:
    """Yield what a declaration that is no rule declares, with its kind."""
    doc = _line(decl.doc)
    match decl:
        case ast.TraitDecl(name, attributes):
            fields = ", ".join(_written(attribute) for attribute in attributes)
            yield "traits", Entry(name.text, f"{name.text} {{ {fields} }}" if fields else name.text, doc)
        case ast.TypeDecl(name, body):
            yield "types", Entry(name.text, f"{name.text} = {_written(body)}", doc)
        case ast.ActionDecl(parameters=parameters, groups=groups):
            wanted = f" ({', '.join(_written(parameter) for parameter in parameters)})" if parameters else ""
            for group in groups:
                yield "groups", Entry(group.text, group.text + wanted, doc)
        case ast.RoleDecl(name):
            yield "roles", Entry(name.text, _written(decl).removeprefix("role "), doc)
        case ast.LetDecl(name, None, body):
            value = _written(body)
            short = value if len(value) <= _LONGEST_VALUE else "{…}"
            yield "constants", Entry(name.text, f"{name.text} = {short}", doc)
        case ast.LetDecl(name, parameters) if parameters is not None:
            taken = ", ".join(_written(parameter) for parameter in parameters)
            yield "predicates", Entry(name.text, f"{name.text}({taken})", doc)


def _written(node: ast.Node) -> str:
    """Return a part as it is written, on one line."""
    return " ".join(node.span.text.split())


def _text_of(rule: ast.RuleDecl) -> str:
    """Return the text of a rule, without comments that speak to the checker."""
    return textwrap.dedent(_SUPPRESSION.sub("", rule.span.text))


def _line(doc: str | None) -> str:
    return " ".join((doc or "").split())


# --- showing modules


def page_markdown(page: ModulePage) -> str:
    """Return the page of a module as Markdown."""
    names = page.names
    listed = f"import {page.name} ({', '.join(names)})"
    if len(listed) > render_page.WIDEST - 8:
        listed = (
            f"import {page.name} (\n"
            + textwrap.fill(", ".join(names), 72, initial_indent="  ", subsequent_indent="  ")
            + "\n)"
        )
    parts = [f"# {page.name}", page.doc, "## Importing it", f"```kyn\n{listed}\n```", _importing(page)]
    for kind, heading in _KINDS.items():
        if page.entries[kind]:
            parts.append(f"## {heading}")
            if kind in _MEANINGS:
                parts.append(_MEANINGS[kind])
            parts.append("\n".join(f"- `{entry.signature}`: {entry.doc}" for entry in page.entries[kind]))
    if page.rules:
        parts.append("## Rules")
    for rule in page.rules:
        parts += [f"{_EFFECTS[rule.effect]} `{rule.name}`: {rule.doc}", f"```kyn\n{rule.text}\n```"]
    return "\n\n".join(parts) + "\n"


def _importing(page: ModulePage) -> str:
    permits = [f"`{rule.name}`" for rule in page.rules if rule.effect == "permit"]
    words = "List the names that the program uses."
    if len(permits) < len(page.rules):
        words += " The rules below are active with the import, also without a list;"
        words += f" `import {page.name}` alone only narrows."
    if permits:
        words += f" The permit {' and '.join(permits)} is active only if the list has its name."
    return words


def _contents(pages: Iterable[ModulePage], columns: int) -> str:
    """Return one line a module; a summary that is too long for the width goes on below itself."""
    pages = tuple(pages)
    size = max(len(page.name) for page in pages)
    lines = [
        textwrap.fill(
            page.summary, max(columns, 40), initial_indent=f"{page.name:{size}}  ", subsequent_indent=" " * (size + 2)
        )
        for page in pages
    ]
    return "\n".join([*lines, "", f"{counted(len(pages), 'module')}; `kynara std NAME` shows one."]) + "\n"


def _contents_markdown(pages: Iterable[ModulePage]) -> str:
    rows = [f"| `{page.name}` | {page.summary} |" for page in pages]
    return "\n".join(["| module | what it is for |", "|---|---|", *rows]) + "\n"


def module_dict(page: ModulePage, *, whole: bool) -> dict[str, Any]:
    """Return a module as data; `whole` is everything that its page says."""
    told: dict[str, Any] = {"name": page.name, "summary": page.summary}
    if not whole:
        return told
    told |= {"doc": page.doc, "names": list(page.names)}
    for kind in _KINDS:
        told[kind] = [{"name": e.name, "signature": e.signature, "doc": e.doc} for e in page.entries[kind]]
    told["rules"] = [
        {
            "name": f"{page.name}.{rule.name}",
            "effect": rule.effect,
            "description": rule.description,
            "doc": rule.doc,
            "text": rule.text,
        }
        for rule in page.rules
    ]
    return told
