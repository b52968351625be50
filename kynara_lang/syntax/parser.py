"""Text to tree: the only place that knows Lark.

A file is first looked at as text (size, encoding, controls that deceive the eye, nesting), then parsed by shipped
LALR tables with the builder attached, so that no parse tree is ever made; last, comments are collected and `##` lines
become the documentation of what follows them. Problems become diagnostics; nothing is raised.
"""

from __future__ import annotations

import re
import threading
from typing import Any, cast

import lark
from attrs import evolve

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span
from . import ast, messages, tables, walk
from .builder import Builder

MAX_CHARACTERS = 32 * 1024 * 1024
MAX_NESTING = 100
MAX_DEPTH = 80

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
_BRACKETS = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|[(\[{]|[)\]}]')
_COMMENTS = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*')

_lock = threading.Lock()
_builder = Builder()
_parsers: list[lark.Lark] = []


def parse(source: Source, report: Report) -> ast.Module | None:
    """Return the tree of a source, or None when it could not be read; what is wrong goes into the report."""
    if not _readable(source, report):
        return None
    with _lock:  # one builder, one file at a time: parsing holds the interpreter anyway
        if not _parsers:
            _parsers.append(tables.load(_builder))
        _builder.source, _builder.report = source, report
        try:
            module = _parsers[0].parse(source.text)
        except lark.exceptions.UnexpectedToken as problem:
            token, end = problem.token, len(source.text)
            span = Span(source, end, end)
            if token.type != "$END" and token.start_pos is not None and token.end_pos is not None:
                span = Span(source, token.start_pos, token.end_pos)
            messages.unexpected(report, span, problem.accepts)
            return None
        except lark.exceptions.UnexpectedCharacters as problem:
            at = cast(int, problem.pos_in_stream)
            messages.unknown_character(report, Span(source, at, at + 1))
            return None
    assert isinstance(module, ast.Module)
    if not _shallow(module, report):
        return None
    return _with_comments(module)


def _readable(source: Source, report: Report) -> bool:
    text = source.text
    if len(text) > MAX_CHARACTERS:
        report.add(
            "KYN007",
            f"the file has {len(text):,} characters",
            Span(source, 0, 0),
            f"at most {MAX_CHARACTERS:,} are read",
            help="split the policy into several files; all files of the checked paths form one program",
        )
        return False
    if found := _UNREADABLE.search(text):
        what = "a NUL character" if found[0] == "\0" else "a lone surrogate, half of a character"
        report.add("KYN006", f"the file holds {what}", Span(source, *found.span()), "not text")
        return False
    for found in _BIDI.finditer(text):
        report.add(
            "KYN005",
            "a bidirectional control character makes text look other than it is",
            Span(source, *found.span()),
            f"U+{ord(found[0]):04X} stands here unseen",
            notes=["such characters can hide code from whoever reviews it, in comments and strings too"],
            help="delete the character; in a string it can be written as an escape, such as `\\u{202e}`",
        )
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "([{":
            depth += 1
            if depth > MAX_NESTING:
                report.add(
                    "KYN007",
                    f"brackets are nested more than {MAX_NESTING} deep",
                    Span(source, *found.span()),
                    "one too many opens here",
                    help="give parts of the expression names with `let`",
                )
                return False
        elif found[0] in ")]}":
            depth -= 1
    return True


def _shallow(module: ast.Module, report: Report) -> bool:
    """Refuse trees whose depth would exhaust the stack of later passes."""
    fine = True
    for declaration in module.declarations:
        depth, node = walk.deepest(declaration)
        if depth > MAX_DEPTH:
            report.add(
                "KYN007",
                f"an expression is nested {depth} levels deep",
                node.span,
                f"at most {MAX_DEPTH} levels are checked",
                help="give parts of the expression names with `let`",
            )
            fine = False
    return fine


def _with_comments(module: ast.Module) -> ast.Module:
    source = module.source
    if "#" not in source.text:
        return module
    comments = []
    docs: dict[int, str] = {}  # by the line on which the documentation ends
    for found in _COMMENTS.finditer(source.text):
        if found[0][0] != "#":
            continue
        place = source.position(found.start())
        own_line = not source.line_text(place.line)[: place.column - 1].strip()
        comments.append(ast.Comment(found[0], own_line, span=Span(source, *found.span())))
        if own_line and found[0].startswith("##"):
            before = docs.pop(place.line - 1, None)
            line = found[0][2:].strip()
            docs[place.line] = line if before is None else f"{before}\n{line}"
    declarations = module.declarations
    if docs:
        declarations = tuple(_documented(d, docs) for d in declarations)
    return evolve(module, declarations=declarations, comments=tuple(comments))


def _documented(node: ast.Decl, docs: dict[int, str]) -> ast.Decl:
    changes: dict[str, Any] = {}
    if doc := docs.get(node.span.first.line - 1):
        changes["doc"] = doc
    for part in ("attributes", "parameters", "fields"):
        inner = getattr(node, part, None)
        if inner and isinstance(inner[0], ast.AttributeDecl):
            made = tuple(
                evolve(a, doc=docs[line]) if (line := a.span.first.line - 1) in docs else a for a in inner
            )
            changes[part] = made
    return evolve(node, **changes) if changes else node
