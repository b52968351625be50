"""Literals, read as the type that their place needs; a malformed one is an error here, never at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span
from ..semantics import addresses, hosts, numbers, paths, times, urls
from ..semantics.problems import ValueProblem
from ..semantics.types import (
    BLOCK,
    DECIMAL,
    DURATION,
    EMAIL,
    ERROR,
    HOST,
    INT,
    IP,
    PATH,
    TIME,
    URL,
    Enum,
    Type,
)
from ..syntax import ast

READERS: dict[Type, Callable[[str], Any]] = {
    IP: addresses.read_ip,
    BLOCK: addresses.read_block,
    EMAIL: hosts.read_email,
    HOST: hosts.read_host,
    URL: urls.read_url,
    PATH: paths.read_path,
}

_ARTICLE = {
    "IP": "an IP address",
    "address block": "an address block",
    "Email": "an e-mail address",
    "Url": "a URL",
}


def read_string(node: ast.StringLit, kind: Type, report: Report, use: ast.Expr) -> tuple[Type, Any]:
    """Read a string literal as an IP, Email, Host, Url, Path, address block or enum.

    `use` is the place that needs it: the literal itself, or the name of a `let` that stands for it.
    """
    also = [] if use is node else [(use.span, f"read as {_ARTICLE.get(str(kind), str(kind))} here")]
    if isinstance(kind, Enum):
        if node.value in kind.values:
            return kind, node.value
        guess = report.near(node.value, kind.values)
        report.add(
            "KYN204",
            f'"{node.value}" is not one of the values possible here',
            node.span,
            "no such value",
            labels=also,
            notes=[f"possible are {', '.join(_quote(v) for v in kind.values)}"],
            help=f"did you mean {_quote(guess)}?" if guess else None,
        )
        return ERROR, None
    if kind in (PATH, URL) and _not_filled_in(node, kind, report, also):
        return ERROR, None
    try:
        return kind, READERS[kind](node.value)
    except ValueProblem as problem:
        report.add(
            "KYN204",
            problem.message
            if " is not a" in problem.message or ", not a" in problem.message
            else f"this is not {_ARTICLE.get(str(kind), f'a {str(kind).lower()}')}: {problem.message}",
            node.span,
            f"read as {_ARTICLE.get(str(kind), f'a {kind}')}",
            labels=also,
            help=f"write {_quote(problem.suggestion)}" if problem.suggestion else None,
        )
        return ERROR, None


def _not_filled_in(node: ast.StringLit, kind: Type, report: Report, also: list[tuple[Span, str]]) -> bool:
    """Report what other tools fill in and Kynara takes as it stands: wildcards, `~` and `{…}` in a path or URL.

    A character that is really meant can be written as an escape, such as `\\u{2a}`.
    """
    written = node.span.text
    found = next((mark for mark in ("*", "?", "{", "$") if mark in written.replace("\\u{", "")), None)
    if kind == PATH and node.value.startswith("~"):
        found = "~"
    if found is None or (kind == URL and found == "?"):
        return False
    directory = node.value.split(found, 1)[0].rpartition("/")[0]
    what = {"~": "no home folder", "{": "no placeholders", "$": "no variables"}.get(found, "no wildcards")
    help_text = None
    if found in ("*", "?") and kind == PATH:
        suffix = node.value.rpartition("*")[2]
        if directory:
            help_text = f'`within` covers everything below: write `within "{directory}"`'
        elif suffix.startswith(".") and "/" not in suffix:
            help_text = f'test the ending: `.suffix == "{suffix}"`; or the name: `.name == "{suffix}"`'
    report.add(
        "KYN204",
        f"{'a path' if kind == PATH else 'a URL'} knows {what}, so this would hardly ever match",
        node.span,
        f"`{found}` is taken as it stands",
        labels=also,
        help=help_text,
    )
    return True


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'`"{escaped}"`'


_NUMBER_READERS: dict[type[ast.Expr], tuple[Type, Callable[[str], int]]] = {
    ast.IntLit: (INT, numbers.read_int),
    ast.DecimalLit: (DECIMAL, numbers.read_decimal),
    ast.TimeLit: (TIME, times.read_date_or_time),
    ast.DurationLit: (DURATION, times.read_duration),
}

NumberLit = ast.IntLit | ast.DecimalLit | ast.TimeLit | ast.DurationLit


def read_number(node: NumberLit, report: Report, *, negative: bool = False) -> tuple[Type, int | None]:
    """Read a number, a time or a duration; `negative` says that a minus stands in front."""
    kind, reader = _NUMBER_READERS[type(node)]
    try:
        return kind, reader(f"-{node.text}" if negative else node.text)
    except ValueProblem as problem:
        if problem.suggestion == f"{node.text}Z":
            report.add(
                "KYN204",
                f"a time says its zone, and `{node.text}` does not",
                node.span,
                "no zone at the end",
                help=f"write `{problem.suggestion}` for UTC, or the offset instead of the `Z`, such as `+01:00`",
            )
            return ERROR, None
        report.add(
            "KYN013",
            problem.message,
            node.span,
            f"not a value of {kind}",
            help=f"write `{problem.suggestion}`" if problem.suggestion else None,
        )
        return ERROR, None
