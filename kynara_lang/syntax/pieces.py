"""The words of a source with its comments, in order: what the formatter prints, each once and none twice.

Printing goes through the tree and takes word after word as the tree demands; a word that is not what the tree demands
is a mistake of the formatter and raises. What the layout leaves out (a comma, parentheses) is dropped, and its comments
go to the words around it, so that no comment is lost or moves past another.
"""

from __future__ import annotations

import re
from typing import Final

from . import ast
from .layout import Piece, Remark
from .scrutiny import STRING

SUPPRESSION: Final = "# kynara: ignore["
_WORD: Final = re.compile(
    rf"""\#[^\n]* | {STRING}
    | [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[Tt][0-9:.]*[0-9](?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?)?(?![A-Za-z0-9_])
    | [0-9]+\.[0-9]+(?![A-Za-z0-9_]) | [0-9]+[smhd]? | [A-Za-z_][A-Za-z0-9_]* | == | != | <= | >= | :: | [^\s\ufeff]""",
    re.VERBOSE,
)
_JOINS: Final = frozenset({",", "{"})  # what joins the line before it, in front of a comment there
_BEGINS: Final = frozenset({"{", "(", ","})  # what a new item follows, which does not


class FormatterError(Exception):
    """The formatter made a mistake; the text must be left as it is."""


def read_pieces(text: str) -> list[Piece]:
    """Return the words of a text with their comments; last comes an empty one, which has the comments at the end."""
    pieces: list[Piece] = []
    leads: list[Remark] = []
    apart, fresh, end = False, True, 0
    for found in _WORD.finditer(text):
        word = found[0]
        breaks = text.count("\n", end, found.start())
        if word[0] == "#":
            _read_comment(found, breaks, pieces, leads)
            apart = apart or (len(leads) == 1 and breaks > 1)
        else:
            if leads:
                leads[-1].gap = breaks > 1
            else:
                apart, fresh = breaks > 1, breaks > 0 or not pieces
            pieces.append(Piece(word, found.start(), found.end(), leads, None, apart, fresh or bool(leads)))
            leads, apart, fresh = [], False, False
        end = found.end()
    apart = apart if leads else text.count("\n", end) > 1
    pieces.append(Piece("", len(text), len(text), leads, None, apart, True))
    return pieces


def _read_comment(found: re.Match[str], breaks: int, pieces: list[Piece], leads: list[Remark]) -> None:
    remark = Remark(found[0].rstrip(" \t\r"), found.start(), found.end())
    if breaks == 0 and pieces and not leads:
        pieces[-1].trail = remark
        return
    if leads:
        leads[-1].gap = breaks > 1
    leads.append(remark)


class Words:
    """The words of a source, taken one after the other."""

    def __init__(self, pieces: list[Piece]) -> None:
        """Take the pieces of a source."""
        self._pieces = pieces
        self._carried: list[Remark] = []  # comments of dropped words, for the next one
        self._taken: Piece | None = None
        self.at = 0

    @property
    def next(self) -> Piece:
        """The word that comes next."""
        return self._pieces[self.at]

    def peek(self, ahead: int) -> Piece:
        """Return the word that is some words ahead of the next one."""
        return self._pieces[self.at + ahead]

    def take(self, wanted: str | None = None) -> Piece:
        """Take the next word, which must be a certain one if that is known."""
        piece = self._pieces[self.at]
        if wanted is not None and piece.text != wanted:
            raise FormatterError(f"`{wanted}` was to be printed where `{piece.text}` stands")
        self.at += 1
        if self._carried:
            piece.leads = self._carried + piece.leads
            self._carried = []
        before, self._taken = self._taken, piece
        joins = before is not None and piece.text in _JOINS and before.text not in _BEGINS
        if before is not None and joins and not piece.leads and piece.trail is None:
            piece.trail, before.trail = before.trail, None
        return piece

    def join(self, wanted: str) -> Piece:
        """Take a word that tells a name from a keyword: no comment stands before it, it goes to what follows."""
        before, piece = self._taken, self.next
        if before is not None and (self._carried or piece.leads or before.trail is not None):
            remarks = [*([before.trail] if before.trail else []), *self._carried, *_remarks(piece)]
            before.trail, self._carried, piece.leads, piece.trail = None, [], [], None
            self.take(wanted)
            self._carried = remarks
            return piece
        return self.take(wanted)

    def name(self, node: ast.Ident) -> Piece:
        """Take a name; the parts of a dotted one become one word."""
        return self.spanned(node, node.text)

    def spanned(self, node: ast.Node, text: str | None = None) -> Piece:
        """Take all that a node covers as one word, printed as written or as `text`."""
        piece = self.take()
        while piece.end < node.span.end:
            if text is None:
                raise FormatterError(f"`{node.span.text}` is no single word")
            piece.end = self.next.end
            self.drop_last()
        piece.text = piece.text if text is None else text
        if piece.start != node.span.start or piece.end != node.span.end:
            raise FormatterError(f"`{piece.text}` was to be printed in another place")
        return piece

    def drop(self) -> None:
        """Leave a word out; its comments go to the line before, or else before the next word."""
        piece, before = self.next, self._taken
        self.at += 1
        if not piece.leads and piece.trail and before and not before.trail and not self._carried:
            before.trail = piece.trail
            return
        remarks = _remarks(piece)
        if remarks and remarks[-1].text.startswith("##"):
            remarks[-1].gap = True  # it documented nothing, and must not begin to
        self._carried += remarks

    def drop_last(self) -> None:
        """Leave out a word that may be the last of a declaration; its comments go to the one before."""
        piece, before = self.next, self._taken
        assert before is not None
        self.at += 1
        remarks = _remarks(piece)
        if len(remarks) == 1 and before.trail is None:
            before.trail = remarks[0]
        elif remarks:
            before.leads = [*before.leads, *([before.trail] if before.trail else []), *remarks]
            before.trail = None


def _remarks(piece: Piece) -> list[Remark]:
    return [*piece.leads, *([piece.trail] if piece.trail else [])]
