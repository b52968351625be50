"""What an author is told when a file does not parse: what stood there, what would fit, and an example."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Span

_PLAIN = {
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "DOT": "`.`",
    "VBAR": "`|`",
    "QMARK": "`?`",
    "STAR": "`*`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "LESSTHAN": "`<`",
    "MORETHAN": "`>`",
    "NAME": "a name",
    "TYPE_NAME": "a type",
    "STRING": 'a text in `"…"`',
    "INT": "a whole number",
    "DECIMAL": "a number",
    "TIME": "a time",
    "DURATION": "a duration such as `15m`",
    "DECISION": "`allow`, `require_approval` or `deny`",
    "REQUIRE_APPROVAL": "`require approval`",
    "ACTS_AS": "`acts as`",
    "WITH_ROLE": "`with role`",
    "ON_BEHALF_OF": "`on behalf of`",
    "SET": "`Set<…>`",
    "$END": "the end of the file",
    "__ANON_0": "`::`",
}
_OPERATORS = {"IN", "LIKE", "WITHIN", "HAS", "IS", "HOLDS", "PLUS", "MINUS", "STAR", "LESSTHAN", "MORETHAN", "NOT"}
_DECLARATIONS = {"TRAIT", "TYPE", "LET", "ROLE", "PERMIT", "FORBID", "INVARIANT", "FIXTURE"}
_CLAUSES = {"WHEN", "UNLESS", "SCOPE", "VALID"}
_VALUES = {"TRUE", "FALSE", "INT", "STRING", "LPAR"}


def expected_words(terminals: Iterable[str]) -> str:
    """Say in words what the grammar would take at a place."""
    names = set(terminals)
    words: list[str] = []
    if names >= _VALUES:
        words.append("a value or condition")
        names -= _VALUES | {"DECIMAL", "TIME", "DURATION", "LBRACE", "MINUS", "ALL", "ANY", "NOT", "NAME", "TYPE_NAME"}
        names -= {"SUBJECT", "RESOURCE", "CONTEXT"}
    if names >= _CLAUSES:
        words.append("a clause such as `when`")
        names -= _CLAUSES | {"SUBJECT", "ACTION", "RESOURCE", "FROM", "QUORUM", "EXPIRES", "NEVER", "ALWAYS"}
    if names >= _DECLARATIONS:
        words.append("a declaration such as `permit` or `action`")
        names -= _DECLARATIONS | {"SUBJECT", "ACTION", "RESOURCE", "CONTEXT", "REQUIRE_APPROVAL", "TEST", "IMPORT"}
    if len(names & _OPERATORS) > 3:
        words.append("an operator")
        names -= _OPERATORS | {"OR", "AND", "DOT"}
        names = {n for n in names if not n.startswith("__ANON")}
    if "NAME" in names and len(names) > 40:
        words.append("a name")
        names.clear()
    for name in sorted(names):
        word = _PLAIN.get(name) or (f"`{name.lower()}`" if not name.startswith("__") else None)
        if word and word not in words:
            words.append(word)
    shown = words[:6]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1] if shown else "something else"


def unexpected(report: Report, span: Span, accepted: Iterable[str]) -> None:
    """Report a token that does not fit where it stands."""
    text = span.text
    if not text:
        opening = _unclosed(span)
        report.add(
            "KYN001",
            "the file ends too early",
            span,
            f"expected {expected_words(accepted)}",
            labels=[(opening, "this is never closed")] if opening else (),
            help="close it with `}`" if opening and opening.text == "{" else None,
        )
        return
    report.add("KYN001", f"`{text}` does not fit here", span, f"expected {expected_words(accepted)}")


def unknown_character(report: Report, span: Span) -> None:
    """Report a character that starts no word of the language, or a string that never ends."""
    if span.text == '"':
        line_end = span.source.text.find("\n", span.start)
        whole = Span(span.source, span.start, line_end if line_end >= 0 else len(span.source.text))
        report.add(
            "KYN003",
            "a string has no closing quote",
            whole,
            'expected `"` before the end of the line',
            help='close the string on the same line; a line break inside is written `\\n`',
        )
        return
    word = re.compile(r"[0-9][A-Za-z0-9_]*|.", re.DOTALL).match(span.source.text, span.start)
    whole = Span(span.source, span.start, word.end() if word else span.end)
    report.add("KYN002", f"`{whole.text}` has no meaning in a policy", whole, "not part of the language")


def _unclosed(span: Span) -> Span | None:
    """Find the innermost bracket that is still open at a place."""
    stack: list[Span] = []
    for found in re.finditer(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|[({]|[)}]', span.source.text[: span.start]):
        if found[0] in "({":
            stack.append(Span(span.source, *found.span()))
        elif found[0] in ")}" and stack:
            stack.pop()
    return stack[-1] if stack else None
