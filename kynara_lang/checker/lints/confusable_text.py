"""A name or text looks like another, and is not.

## What it finds

Names of the language are ASCII, so the texts are what matters: identifiers of entities, values of enums, spellings
behind `as`, and texts in conditions. It finds

- a word that mixes Latin letters with Cyrillic or Greek ones drawn alike: `"аdmin"` with a Cyrillic `а`;
- characters that nobody sees, such as a zero-width joiner or a no-break space; wide letters, `"ａｄｍｉｎ"`;
- letters made of a base and a separate accent, which most programs send as one character;
- spaces at either end of a text that is compared as a whole.

And it finds two names of one kind that look alike: `user1` and `userl`, `r0le` and `role`, `modem` and `modern`, `adm1n`
and `admin`. It compares roles, types, actions, lets, rules, the attributes of one type, the parameters of one action, the
context fields, the values of one enum, the identifiers of one entity type, and what requests call things.

Texts in one alphabet are left alone, whichever it is: `"Москва"` and `"日本"` are fine. So is what a fixture or a test
contains, because that is where attacks are tried.

## Why it matters

Texts are compared character by character. A rule for `User::"аdmin"` is a rule for somebody who does not exist, or who
was registered to look like somebody else; a review cannot tell. Of two names that look alike, sooner or later the wrong
one is written.

A character that is meant can be written openly as an escape: `"\\u{430}dmin"`. Then everybody sees it, and nothing is
reported.

## Avoid

```kyn
subject User
resource Doc {
  owner: User
}
action read on Doc

permit admin_reads "The administrator reads everything" {
  subject  User::"аdmin"
  action   read
  resource Doc
  scope    any "the administrator answers for all of it"
}
```

## Prefer

```kyn
subject User
resource Doc {
  owner: User
}
action read on Doc

permit owner_reads "Owners read their documents" {
  subject  User
  action   read
  resource Doc
  scope    subject == resource.owner
}

permit admin_reads "The administrator reads everything" {
  subject  User::"admin"
  action   read
  resource Doc
  scope    any "the administrator answers for all of it"
}
```

## Options

None.

## What it cannot see

Look-alikes within one alphabet beyond the few named above, letters of alphabets other than Latin, Cyrillic and Greek, and
texts that arrive in requests. Names shorter than three characters are not compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from ...diagnostics.source import Span
from ...semantics.confusables import Oddity, oddity, skeletons
from ...syntax import ast, walk
from ..linter import Context, Lint

VALID = (
    'subject User { city: String }\nresource Doc { kind: "größe" | "Москва" | "日本　語" | "naïve" | "m²" | "👩\u200d💻" }\n'
    'action read as "lire é" on Doc\npermit p "d\u00a0d" { subject User::"Ольга", User::"user1", User::"user2"'
    ' action read resource Doc scope any " а\u200db " when subject.city == "\\u{430}dmin" }\n'
    'fixture eve = User::"аdmin" { city: " Rome" }\ntest "t" { given eve expect deny read on Doc::"а1b" }',
    "subject User { mode: Int  node: Int  mall: Int  mail: Int  x1: Int  xl: Int }\nrole reader\nrole leader\n"
    'type Size = "s" | "m" | "l" | "1" | "xl"\naction read on User (cost: Int)\ntrait Priced { c0st: Int }',
    'import std.tenancy (Tenanted)\nsubject User is Tenanted { note: String }\nlet words = "a "\n'
    'forbid f { subject User action any resource any when subject.note.starts_with("rm ") or subject.note like "* x" }',
)
INVALID = (
    'subject Team\nsubject User in Team { kind: "staff" | "ѕtaff" }  # <-\nresource Doc as "Dос"  # <-\n'
    'action read as "read\u00a0it" on Doc  # <-\nrole lead as " lead"  # <-\npermit p "d" {\n subject User::"ａｄｍｉｎ",  # <-\n'
    ' User in Team::"te\u0301l"  # <-\n action read resource Doc scope any "x" }',
    "subject User { level: String  l0gin: Int\n login: Int }  # <-\nrole user1\nrole userl  # <-\naction modern on User\n"
    "action modem on User  # <-\nlet is_admin = true\nlet is_adm1n = true  # <-\ncontext { col: Int\n coI: Int }  # <-",
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    'let privileged(u: Tenanted) = u in {User::"root",\n User::"rооt"}  # <-\n'
    "forbid f { subject Tenanted action read resource Tenanted unless privileged(subject)\n"
    ' when subject.tenant == " acme"  # <-\n when subject.tenant not in {"ok",\n "globex "} }  # <-',
    'subject User\nresource Doc\naction read on Doc\npermit p "d" { subject User::"al1ce" action read resource Doc\n'
    ' scope any "x" }\nforbid f { subject User::"alIce" action read resource Doc }  # <-',
)

_ESCAPE = re.compile(r"\\(?:u\{[^}]*\}|.)")
_SHORTEST = 3  # of names that are compared: in shorter ones, everything looks alike
_WHAT = {
    "invisible": "holds a character that nobody sees",
    "mixed": "mixes letters of two alphabets that look alike",
    "wide": "is written in wide letters",
    "decomposed": "writes a letter and its accent as two characters",
}


def _program(context: Context) -> None:
    seen: dict[tuple[str, ...], dict[str, tuple[str, Span]]] = {}
    for module in context.modules:
        for decl in module.declarations:
            if not isinstance(decl, ast.FixtureDecl | ast.TestDecl):
                _texts(decl, context)
                for group, what, text, span in _names(decl, context):
                    _compare(seen.setdefault(group, {}), what, text, span, context)


# --- texts


def _texts(decl: ast.Decl, context: Context) -> None:
    whole: set[ast.Node] = set()
    prose: set[ast.Node | None] = set()
    for node in walk.descend(decl):  # what contains a text comes before it
        match node:
            case ast.RuleDecl(description=said) | ast.InvariantDecl(description=said) | ast.ScopeClause(reason=said):
                prose.add(said)
            case ast.StringLit() if node not in prose:
                _text(node, node in whole, context)
            case _:
                whole.update(_compared_as_a_whole(node))


def _compared_as_a_whole(node: ast.Node) -> Iterator[ast.Node]:
    match node:
        case ast.EnumType(values):
            yield from values
        case ast.EntityLit(id=text) | ast.Pattern(id=ast.StringLit() as text):
            yield text
        case ast.Binary("==" | "!=" | "in" | "not in", left, right):
            for side in (left, right):
                yield from side.items if isinstance(side, ast.SetLit) else (side,)
        case ast.EntityDecl() | ast.AttributeDecl() | ast.ActionName() | ast.RoleDecl():
            if node.external is not None:
                yield node.external


def _text(node: ast.StringLit, whole: bool, context: Context) -> None:
    written = node.span.text[1:-1]
    seen = _ESCAPE.sub(r"\\", written)  # what is written as an escape is seen
    if (found := oddity(seen)) is not None:
        _odd(node, written, found, context)
    elif whole and seen.strip(" ") not in ("", seen):
        inner = written.strip(" ")
        before, after = len(written) - len(written.lstrip(" ")), len(written) - len(written.rstrip(" "))
        openly = "\\u{20}" * before + inner + "\\u{20}" * after
        context.report(
            node.span,
            f'"{written}" {"begins" if written.startswith(" ") else "ends"} with a space',
            "texts are compared character by character, spaces too",
            help=f'write `"{inner}"`; if the space is meant, write it openly: `"{openly}"`',
        )


def _odd(node: ast.StringLit, written: str, found: Oddity, context: Context) -> None:
    character = found.character
    if found.plain is not None and found.plain.isascii():
        openly = "".join(c if c.isascii() else _escaped(c) for c in written)
    else:
        openly = written.replace(character, _escaped(character))
    cure = "write it in one alphabet" if found.kind == "mixed" else "write it without that character"
    if found.plain is not None and "\\" not in written:
        cure = f'write `"{found.plain}"`'
    name = unicodedata.name(character, "a character without a name").lower()
    if found.kind == "mixed":  # its name begins with that of an alphabet
        name = name.capitalize()
    context.report(
        node.span,
        f'"{written}" {_WHAT[found.kind]}',
        f"{'' if found.kind in ('invisible', 'decomposed') else f'`{character}` is '}U+{ord(character):04X}, {name}",
        notes=["texts are compared character by character, so it is not equal to the text that it looks like"],
        help=f'{cure}; if it is meant, write it openly: `"{openly}"`',
    )


def _escaped(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"


# --- names


def _compare(seen: dict[str, tuple[str, Span]], what: str, text: str, span: Span, context: Context) -> None:
    if len(text) < _SHORTEST or "\\" in span.text or oddity(text) is not None:
        return  # too short, written openly, or reported as a text
    for looks in skeletons(text):
        first, place = seen.setdefault(looks, (text, span))
        if first != text:
            context.report(
                span,
                f"the {what} `{text}` looks like `{first}`",
                f"easily taken for `{first}`",
                labels=[(place, f"this is `{first}`")],
                notes=[_difference(first, text)],
                help="give one of them a name that cannot be mistaken",
            )
            return


def _difference(first: str, second: str) -> str:
    if len(first) != len(second):
        return "`rn` and `m` are hard to tell apart in many fonts"
    a, b = next((a, b) for a, b in zip(first, second, strict=True) if a != b)
    return f"they differ in {_shown(a)} and {_shown(b)}, which are hard to tell apart in many fonts"


def _shown(character: str) -> str:
    return f"`{character}`" if character.isascii() else f"`{character}` (U+{ord(character):04X})"


def _names(decl: ast.Decl, context: Context) -> Iterator[tuple[tuple[str, ...], str, str, Span]]:
    """Yield the names of a declaration that are compared: the group they are in, what they are, and where."""
    match decl:
        case ast.RuleDecl(name=name):
            yield ("rule",), "rule", name.text, name.span
        case ast.LetDecl(name):
            yield ("let",), "let", name.text, name.span
        case ast.RoleDecl(name, external):
            yield ("role",), "role", name.text, name.span
            yield from _external("role", external)
        case ast.TypeDecl(name) | ast.TraitDecl(name):
            yield ("type",), "type", name.text, name.span
        case ast.EntityDecl(name=name, external=external):
            yield ("type",), "type", name.text, name.span
            yield from _external("type", external)
        case ast.ActionDecl(names=names):
            for part in names:
                yield ("action",), "action", part.name.text, part.name.span
                yield from _external("action", part.external)
    match decl:
        case ast.EntityDecl(attributes=fields) | ast.TraitDecl(attributes=fields):
            yield from _fields("attribute", decl, fields)
        case ast.ActionDecl(parameters=fields):
            yield from _fields("parameter", decl, fields)
        case ast.ContextDecl(fields):
            yield from _fields("context field", None, fields)
    for node in walk.descend(decl):
        match node:
            case ast.EnumType(values):
                for value in values:
                    yield ("value", str(node.span.start), node.span.source.name), "value", value.value, value.span
            case ast.EntityLit(kind, text) | ast.Pattern(ast.Ident() as kind, ast.StringLit() as text):
                target = context.tables.targets.get(kind)
                yield ("entity", getattr(target, "key", kind.text)), "entity", text.value, node.span


def _external(what: str, external: ast.StringLit | None) -> Iterator[tuple[tuple[str, ...], str, str, Span]]:
    if external is not None:
        yield ("external", what), what, external.value, external.span


def _fields(
    what: str, owner: ast.Decl | None, fields: tuple[ast.AttributeDecl, ...]
) -> Iterator[tuple[tuple[str, ...], str, str, Span]]:
    group = (what,) if owner is None else (what, str(owner.span.start), owner.span.source.name)
    for field in fields:
        yield group, what, field.name.text, field.name.span


LINT = Lint(program=_program)
