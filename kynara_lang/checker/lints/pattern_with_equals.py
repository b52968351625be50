"""A pattern is compared as plain text.

## What it finds

Texts with a `*` beside `==`, `!=` or `in`, or in `.starts_with(…)`, `.ends_with(…)` and `.contains(…)`, which all take it as
it stands; `%` at the end of such a text, as in SQL; `like` without any `*`. And texts that the value beside them never is: a
capital letter compared with `.lower()`, a `.suffix` without its dot (`"py"`) or with two (`".tar.gz"`), a `.name` with a `/`,
a `.scheme` in capitals or with `://`. Constants are looked into.

## Why it matters

`resource.title == "report-*"` matches the one document that somebody called `report-*`, and no report. In a permit that is
noticed soon. In a forbid nobody notices: it reads as a protection, compiles, and forbids nothing.

## Avoid

```kyn
subject Agent
resource Tool { title: String }
action call on Tool

permit call_tools "Agents call the tools for reports" {
  subject  Agent
  action   call
  resource Tool
  scope    resource.title == "report-*"
}
```

## Prefer

```kyn
subject Agent
resource Tool { title: String }
action call on Tool

permit call_tools "Agents call the tools for reports" {
  subject  Agent
  action   call
  resource Tool
  scope    resource.title like "report-*"
}
```

## Options

None.

## What it cannot see

Whether a star is meant as one. A text that is nothing but signs (`"*"`, `"*/*"`) or that holds spaces (`"0 * * * *"`) is left
alone; elsewhere a star that is really meant is written `\\u{2a}`. Texts that reach a comparison through the parameter of a
predicate are not looked at. What stands for regular expressions elsewhere (`^`, `$`, `[…]`) has no meaning here at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from ...diagnostics.diagnostic import Edit, Fix
from ...diagnostics.source import Span
from ...semantics.operators import Builtin
from ...semantics.paths import path_suffix
from ...semantics.types import STRING, SetOf
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import LetSymbol

_FORBID = "forbid f { subject User action read resource Doc when"

VALID = (
    rules(f'{_FORBID} resource.title == "report" or resource.title like "report-*" }}'),
    rules(f'{_FORBID} resource.title == "*" or resource.title in {{"*/*", "0 * * * *"}} }}'),
    rules(f'{_FORBID} resource.title == "a\\u{{2a}}" or resource.title == "100%" or resource.title == "%2F" }}'),
    rules(f'{_FORBID} resource.title.contains("*") or resource.title.starts_with("select *") }}'),
    rules(f'{_FORBID} resource.path.suffix in {{".py", ""}} or resource.path.name == "a.py" }}'),
    rules(f'{_FORBID} resource.title.lower() == "abc" or resource.title == "ABC" }}'),
    rules(f'{_FORBID} resource.status == "draft" and resource.path within "/a" }}'),
    rules(f'let prefix = "report-*"\n{_FORBID} resource.title like prefix }}'),
)
INVALID = (
    rules(f'{_FORBID} resource.title ==\n "report-*" }}  # <-'),
    rules(f'{_FORBID} resource.title !=\n "*.pdf" }}  # <-'),
    rules(f'{_FORBID} resource.title in {{"a",\n "report-*"}} }}  # <-'),
    rules(f'{_FORBID}\n "team-*" in resource.labels }}  # <-'),
    rules(f'{_FORBID} resource.title ==\n "report%" }}  # <-'),
    rules(f'{_FORBID} resource.title like\n "report" }}  # <-'),
    rules(f'{_FORBID} resource.title.starts_with(\n"report-*") }}  # <-'),
    rules(f'{_FORBID} resource.title.contains("a*b") or resource.title.ends_with(\n"*.pdf") }}  # <-'),
    rules(f'{_FORBID} resource.path.suffix ==\n "py" }}  # <-'),
    rules(f'{_FORBID} resource.path.suffix in {{".gz",\n ".tar.gz"}} }}  # <-'),
    rules(f'{_FORBID} resource.path.name ==\n "secret/key" }}  # <-'),
    rules(f'{_FORBID} resource.title.lower() ==\n "Secret" }}  # <-'),
    rules(f'{_FORBID} resource.title.lower() like\n "Secret*" }}  # <-'),
    rules(f'{_FORBID} resource.title.lower().starts_with(\n"Secret") }}  # <-'),
    rules(
        'let secret = {"secret-*", "key"}\nlet hidden(d: Doc) = d.title in\n secret  # <-\n'
        'permit p "d" { subject User with role staff action doc_actions resource Doc scope subject == resource.owner unless hidden(resource) }'
    ),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc scope resource.tenant ==\n "acme-*" }  # <-',
    "subject User\nresource Page { url: Url }\naction read on Page\n"
    'permit p "d" { subject User action read resource Page scope resource.url.scheme ==\n "HTTPS" }  # <-',
)

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.\-]*")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_STAR: Final = "a star that is really meant is written `\\u{2a}`"


@frozen
class _Text:
    """A text that is compared: the literal, and what stands for it where it is compared."""

    literal: ast.StringLit
    use: ast.Expr

    @property
    def value(self) -> str:
        """The text itself."""
        return self.literal.value

    @property
    def shown(self) -> str:
        """The text as it is written, in quotes."""
        return self.literal.span.text


@frozen
class _Problem:
    """What is wrong with a text where it stands, and what was probably meant."""

    message: str
    label: str
    help: str
    notes: tuple[str, ...] = ()
    fix: Fix | None = None


def _texts(expr: ast.Expr, context: Context, use: ast.Expr | None = None) -> Iterator[_Text]:
    """Yield the texts that an expression is made of, through constants."""
    match expr:
        case ast.StringLit():
            yield _Text(expr, use or expr)
        case ast.SetLit(items):
            for item in items:
                yield from _texts(item, context, use)
        case ast.Var():
            let = context.tables.targets.get(expr)
            if isinstance(let, LetSymbol):
                yield from _texts(let.decl.body, context, use or expr)


# --- where texts are compared


def _binary(node: ast.Binary, context: Context) -> None:
    types = context.tables.types
    if node.op == "like":
        for text in _texts(node.right, context):
            _report(text, _never(node.left, text, context) or _no_pattern(node, text), context)
    elif node.op in ("==", "!=", "in", "not in"):
        elements = node.op in ("in", "not in")
        if types.get(node.left) == STRING:
            for text in _texts(node.right, context):
                _report(text, _never(node.left, text, context) or _pattern(node, text), context)
        if types.get(node.right) == (SetOf(STRING) if elements else STRING):
            for text in _texts(node.left, context):
                _report(text, _never(node.right, text, context) or _pattern(node, text), context)


def _method(node: ast.MethodCall, context: Context) -> None:
    if node.name.text in ("starts_with", "ends_with", "contains"):
        for text in (text for argument in node.arguments for text in _texts(argument, context)):
            _report(text, _capital(node.target, text) or _pattern_in_method(node, text), context)


def _report(text: _Text, problem: _Problem | None, context: Context) -> None:
    if problem is None:
        return
    direct = text.use is text.literal
    context.report(
        text.use.span,
        problem.message,
        problem.label,
        labels=[] if direct else [(text.literal.span, "written here")],
        notes=problem.notes,
        help=problem.help,
        fix=problem.fix if direct else None,
    )


# --- texts that a value never is


def _never(value: ast.Expr, text: _Text, context: Context) -> _Problem | None:
    """Say why a value is never such a text, if that is so whatever the request."""
    row = context.tables.targets.get(value)
    if not isinstance(value, ast.Attribute) or not isinstance(row, Builtin) or "*" in text.value:
        return _capital(value, text)
    match row.receiver, row.name:
        case "Path", "suffix" if text.value and path_suffix(f"x{text.value}") != text.value:
            meant = path_suffix(f"x.{text.value.lstrip('.')}")
            why = (
                "a suffix begins with its dot"
                if not text.value.startswith(".")
                else "a suffix is what follows the last dot"
            )
            return _unlike(text, "`.suffix`", why, f'"{meant}"' if meant else None)
        case "Path", "name" if "/" in text.value:
            below = f"{_in_short(value.target)} within"
            help_text = f'compare the path itself, or write `{below} "/…"` for all that lies below a folder'
            return _unlike(text, "`.name`", "a name is the last part of a path and holds no `/`", None, help_text)
        case "Url", "scheme" if not _SCHEME.fullmatch(text.value):
            meant = text.value.partition(":")[0].lower()
            return _unlike(
                text, "`.scheme`", "a scheme is in small letters and has no `:`", f'"{meant}"' if meant else None
            )
    return None


def _capital(value: ast.Expr, text: _Text) -> _Problem | None:
    if not isinstance(value, ast.MethodCall) or value.name.text != "lower" or not re.search("[A-Z]", text.value):
        return None
    meant = text.shown.lower() if "\\" not in text.shown else None
    return _Problem(
        f"`.lower()` leaves no capital letters, and `{text.shown}` has one",
        "no value is like this",
        f"write `{meant}`" if meant else "write it in small letters",
        fix=_replaced(text, meant) if meant else None,
    )


def _unlike(text: _Text, what: str, why: str, meant: str | None, help_text: str = "correct the text") -> _Problem:
    return _Problem(
        f"{what} is never `{text.shown}`",
        "no value is equal to this",
        f"write `{meant}`" if meant else help_text,
        (why,),
        _replaced(text, meant) if meant else None,
    )


def _replaced(text: _Text, meant: str) -> Fix:
    return Fix(f"replace `{text.shown}` by `{meant}`", (Edit(text.literal.span, meant),))


# --- patterns that are none


def _pattern(node: ast.Binary, text: _Text) -> _Problem | None:
    sign = "*" if _is_pattern(text) else "%" if _is_sql(text) else None
    if sign is None:
        return None
    pattern = text.shown if sign == "*" else _with_stars(text)
    value = _in_short(node.right if node.left is text.use else node.left)
    match node.op:
        case "==":
            cure = f"`{value} like {pattern}`"
        case "!=":
            cure = f"`not ({value} like {pattern})`"
        case "in" if node.left is text.use:
            cure = f"`any x in {value}: x like {pattern}`"
        case _ if node.left is text.use:
            cure = f"`not (any x in {value}: x like {pattern})`"
        case "in":
            cure = f"`{value} like {pattern}`, joined with the others by `or`"
        case _:
            cure = f"`not ({value} like {pattern})`, joined with the others by `and`"
    return _Problem(
        f"`{node.op}` takes `{text.shown}` letter by letter, not as a pattern",
        f"this `{sign}` stands for nothing but itself",
        f"write {cure}" + (f"; {_STAR}" if sign == "*" else ""),
        ("patterns are for `like`, and their only sign is `*`",),
        _as_like(node, text, pattern),
    )


def _as_like(node: ast.Binary, text: _Text, pattern: str) -> Fix | None:
    """Return the edits that make a comparison a `like`, where it is written plainly."""
    plain = text.use is node.right and node.span.start == node.left.span.start
    if node.op not in ("==", "!=") or not plain or (operator := _operator(node)) is None:
        return None
    edits = [Edit(operator, "like"), Edit(node.right.span, pattern)]
    if node.op == "!=":
        edits.insert(0, Edit(Span(operator.source, node.span.start, node.span.start), "not "))
    return Fix(f"replace `{node.op}` by `{'not … ' if node.op == '!=' else ''}like`", tuple(edits))


def _operator(node: ast.Binary) -> Span | None:
    """Return where an operator stands, if nothing but it stands between its operands."""
    source, start, end = node.span.source, node.left.span.end, node.right.span.start
    between = source.text[start:end]
    at = start + len(between) - len(between.lstrip())
    return Span(source, at, at + len(node.op)) if between.strip() == node.op else None


def _no_pattern(node: ast.Binary, text: _Text) -> _Problem | None:
    if "*" in text.value:
        return None
    if _is_sql(text):
        pattern = _with_stars(text)
        fix = _replaced(text, pattern)
        return _Problem("`like` knows no `%`", "this `%` stands for nothing but itself", f"write `{pattern}`", (), fix)
    operator = _operator(node)
    return _Problem(
        f"`like {text.shown}` matches this one text and no other",
        "a pattern without a `*`",
        f"write `== {text.shown}`, or put a `*` where anything may stand",
        # It decides the same, and is yet not safe: perhaps it is the `*` that was forgotten.
        fix=Fix("replace `like` by `==`", (Edit(operator, "=="),)) if operator is not None else None,
    )


def _pattern_in_method(node: ast.MethodCall, text: _Text) -> _Problem | None:
    name, value = node.name.text, text.value
    front = value.startswith("*") and name != "starts_with"
    back = value.endswith("*") and name != "ends_with"
    if not _is_pattern(text) or not (front or back):
        return None
    meant = f'"{text.shown[1:-1].strip("*")}"'
    return _Problem(
        f"`.{name}` takes its text letter by letter, not as a pattern",
        "this `*` stands for nothing but itself",
        f"write `.{name}({meant})`; {_STAR}" if "*" not in meant else f"use `like`; {_STAR}",
        fix=_replaced(text, meant) if "*" not in meant else None,
    )


def _with_stars(text: _Text) -> str:
    return re.sub('^"%|%"$', lambda found: found[0].replace("%", "*"), text.shown)


def _is_pattern(text: _Text) -> bool:
    """Whether a text looks like a glob; a star beside spaces, or nothing but signs, may be meant as it stands."""
    return "*" in text.shown and not re.search(r"\s", text.value) and re.search(r"\w", text.value) is not None


def _is_sql(text: _Text) -> bool:
    value = text.value
    if re.search(r"\s", value) or not re.search(r"\w", value) or text.shown[1:-1] != value:
        return False
    return (value.startswith("%") and not _ENCODED.match(value)) or (value.endswith("%") and not value[-2].isdigit())


def _in_short(expr: ast.Expr) -> str:
    text = " ".join(expr.span.text.split())
    return text if len(text) <= 50 else "…"


LINT = Lint(nodes={ast.Binary: _binary, ast.MethodCall: _method})
