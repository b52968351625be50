"""Text to tree: the only place that knows Lark.

A file is first looked at as text (`scrutiny`), then parsed by shipped LALR tables with the builder attached, so that
no parse tree is ever made; last, comments are collected and `##` lines become the documentation of what follows them.
Problems become diagnostics; nothing is raised.

A declaration that does not parse is set aside as broken and reading goes on at the next one (`recovery`), so that one
run shows the mistakes of all declarations, and names that a broken one may declare are not called unknown.
"""

from __future__ import annotations

import re
import threading
from typing import Any, cast

import lark
from attrs import evolve, frozen

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span
from . import ast, messages, recovery, scrutiny, tables, walk
from .builder import Builder, Pack
from .walk import MAX_DEPTH as MAX_DEPTH

MAX_BROKEN = 20  # declarations that do not parse, in one file

_COMMENTS = re.compile(rf"{scrutiny.STRING}|#[^\n]*")

_lock = threading.Lock()
_builder = Builder()
_parsers: list[lark.Lark] = []


@frozen
class _Failure:
    """Where parsing stopped, and which terminals would have gone on."""

    span: Span
    accepted: frozenset[str]
    unreadable: bool  # no word of the language begins here


def parse(source: Source, report: Report) -> ast.Module | None:
    """Return the tree of a source, or None when any of it could not be read; what is wrong goes into the report."""
    module = read(source, report)
    return None if module.broken else module


def read(source: Source, report: Report, pack: Pack | None = None) -> ast.Module:
    """Return the tree of what could be read; `broken` holds the spans that could not, and says so in the report.

    With `pack` each rule is packed as soon as it was read.
    """
    text = source.text
    if text.startswith("\ufeff"):
        text = " " + text[1:]  # a byte order mark says nothing in UTF-8
    if not scrutiny.acceptable(source, text, report):
        return ast.Module(source, None, (), (), (), broken=(Span(source, 0, len(text)),))
    found: list[ast.Module] = []
    broken: list[Span] = []
    start, end = 0, len(text)
    while start < end or not found:
        parsed = _parse(source, text, start, end, report, pack)
        if isinstance(parsed, ast.Module):
            found.append(parsed)
            break
        parsed = _unfinished(source, text, start, parsed)
        blamed = _tell(parsed, start, report)
        bad = recovery.broken(text, start, parsed.span.start)
        for begin in bad.starts:
            before = _parse(source, text, start, begin, report, pack) if begin > start else None
            if not isinstance(before, _Failure):
                break
        if isinstance(before, ast.Module):
            found.append(before)
        stop = bad.end if len(broken) + 1 < MAX_BROKEN else end
        broken.append(Span(source, start if isinstance(before, _Failure) else begin, stop))
        if stop == bad.end:
            _rest(source, text, broken[-1], blamed, report)
        start = stop
        if start >= end:
            break
    module = _joined(source, found, tuple(broken))
    return _with_comments(_shallow(module, report))


def _tell(failure: _Failure, start: int, report: Report) -> int:
    """Report a failure; return the offset of what is to blame, which may stand before the place of failure."""
    if failure.unreadable:
        messages.unknown_character(report, failure.span, failure.accepted)
    else:
        messages.unexpected(report, failure.span, failure.accepted, start)
    told = report.last
    at = failure.span.start
    return at if told is None or not start <= told.span.start < at else told.span.start


def _rest(source: Source, text: str, broken: Span, stop: int, report: Report) -> None:
    """Report what else does not parse in a broken declaration, each time without the part that broke it before."""
    start, end = broken.start, broken.end
    for _ in range(MAX_BROKEN):
        part = recovery.without_part(text, start, end, stop)
        if part is None:
            return
        text = text[:start] + part + text[end:]
        failure = _parse(source, text, start, end, report)
        if isinstance(failure, ast.Module) or not stop < failure.span.start < end:
            return
        stop = _tell(failure, start, report)


def _parse(
    source: Source, text: str, start: int, end: int, report: Report, pack: Pack | None = None
) -> ast.Module | _Failure:
    """Parse a part of a text; what lies before it counts as blank, so that spans stay true."""
    part = text if (start, end) == (0, len(text)) else " " * start + text[start:end]
    with _lock:  # one builder, one file at a time: parsing holds the interpreter anyway
        if not _parsers:
            _parsers.append(tables.load(_builder))
        _builder.source, _builder.report, _builder.pack = source, report, pack
        try:
            module = _parsers[0].parse(part)
        except lark.exceptions.UnexpectedToken as problem:
            token = problem.token
            span = Span(source, end, end)
            if token.type != "$END" and token.start_pos is not None and token.end_pos is not None:
                span = Span(source, token.start_pos, token.end_pos)
            return _Failure(span, frozenset(problem.accepts), False)
        except lark.exceptions.UnexpectedCharacters as problem:
            at = cast(int, problem.pos_in_stream)
            return _Failure(Span(source, at, at + 1), frozenset(problem.allowed or ()), True)
    assert isinstance(module, ast.Module)
    return module


def _unfinished(source: Source, text: str, start: int, failure: _Failure) -> _Failure:
    """Where the word that begins the next declaration was taken for a name, say that it is what does not fit."""
    at = recovery.declaration_word_before(text, start, failure.span.start)
    if at is None:
        return failure
    before = _parse(source, text, start, at[0], Report())
    return evolve(before, span=Span(source, *at)) if isinstance(before, _Failure) else failure


def _joined(source: Source, parts: list[ast.Module], broken: tuple[Span, ...]) -> ast.Module:
    if len(parts) == 1 and not broken:
        return parts[0]
    return ast.Module(
        source,
        next((part.name for part in parts if part.name), None),
        tuple(item for part in parts for item in part.imports),
        tuple(item for part in parts for item in part.declarations),
        (),
        broken=broken,
        packed=tuple(rule for part in parts for rule in part.packed),
    )


def _shallow(module: ast.Module, report: Report) -> ast.Module:
    """Set aside declarations whose depth would exhaust the stack of later passes."""
    fine: list[ast.Decl] = []
    broken: list[Span] = []
    for declaration in module.declarations:
        depth, node = walk.deepest(declaration)
        if depth <= MAX_DEPTH:
            fine.append(declaration)
            continue
        report.add(
            "KYN007",
            f"an expression is nested {depth} levels deep",
            node.span,
            f"at most {MAX_DEPTH} levels are checked",
            help="give parts of the expression names with `let`",
        )
        broken.append(declaration.span)
    if not broken:
        return module
    return evolve(module, declarations=tuple(fine), broken=(*module.broken, *broken))


def _with_comments(module: ast.Module) -> ast.Module:
    source = module.source
    if "#" not in source.text:
        return module
    comments = []
    docs: dict[int, list[str]] = {}  # by the line on which the documentation ends
    for found in _COMMENTS.finditer(source.text):
        if found[0][0] != "#":
            continue
        place = source.position(found.start())
        own_line = not source.line_text(place.line)[: place.column - 1].strip(" \t\ufeff")
        comment = found[0].rstrip("\r")
        comments.append(ast.Comment(comment, own_line, span=Span(source, found.start(), found.start() + len(comment))))
        if own_line and comment.startswith("##") and not comment.startswith("###"):
            docs[place.line] = docs.pop(place.line - 1, [])
            docs[place.line].append(comment[2:].strip())
    declarations = module.declarations
    if docs:
        declarations = tuple(_documented(d, docs) for d in declarations)
    packed = tuple(evolve(rule, doc=_doc_of(rule, docs)) for rule in module.packed) if docs else module.packed
    return evolve(module, declarations=declarations, comments=tuple(comments), packed=packed)


def _documented(node: ast.Decl, docs: dict[int, list[str]]) -> ast.Decl:
    changes: dict[str, Any] = {}
    if doc := _doc_of(node, docs):
        changes["doc"] = doc
    for part in ("attributes", "parameters", "fields"):
        inner = getattr(node, part, None)
        if inner and isinstance(inner[0], ast.AttributeDecl):
            changes[part] = tuple(evolve(a, doc=doc) if (doc := _doc_of(a, docs)) is not None else a for a in inner)
    return evolve(node, **changes) if changes else node


def _doc_of(node: ast.Node | ast.PackedRule, docs: dict[int, list[str]]) -> str | None:
    """Return the documentation above a node, which is about the first thing of its line and nothing behind that."""
    first = node.span.first
    doc = docs.get(first.line - 1)
    if doc is None or node.span.source.line_text(first.line)[: first.column - 1].strip(" \t\ufeff"):
        return None
    return "\n".join(doc)
