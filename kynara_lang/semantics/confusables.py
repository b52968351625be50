"""Texts that look like others: letters of two alphabets, characters that are invisible or wide, names like `userl`.

The letters are those of Unicode's security data (UTS 39, confusables.txt) that people really mix up: Cyrillic and Greek
ones drawn like Latin ones. Texts in one alphabet, whichever it is, are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from attrs import frozen

_CYRILLIC: Final = (
    "430=a 441=c 435=e 4bb=h 456=i 458=j 43e=o 440=p 455=s 443=y 445=x 501=d 51b=q 51d=w 475=v 4cf=l "
    "433=r 410=A 412=B 421=C 415=E 41d=H 406=I 408=J 41a=K 41c=M 41e=O 420=P 405=S 422=T 425=X 423=Y "
    "50c=G 51a=Q 51c=W 4ae=Y 4c0=I "
)
_GREEK: Final = (
    "3b1=a 3b3=y 3b9=i 3bd=v 3bf=o 3c1=p 3c5=u 3f2=c 3f3=j 391=A 392=B 395=E 396=Z 397=H 399=I 39a=K "
    "39c=M 39d=N 39f=O 3a1=P 3a4=T 3a5=Y 3a7=X 3f9=C "
)
LATIN: Final = {chr(int(number, 16)): letter for number, letter in (p.split("=") for p in (_CYRILLIC + _GREEK).split())}
"""Cyrillic and Greek letters by the Latin letter that they look like."""

_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
_JOINERS: Final = frozenset("\u200c\u200d")
_SPACE_OF_CHINESE: Final = "\u3000"
_WORD: Final = re.compile(r"\w+")
_DIGIT_IN_WORD: Final = re.compile(r"1(?=[A-Za-z])")


@frozen
class Oddity:
    """What is odd about a text: its kind, the character that is to blame, and the plain text it looks like, if any."""

    kind: str
    character: str
    plain: str | None = None


def oddity(text: str) -> Oddity | None:
    """Return the first thing about a text that a reader cannot see, or None."""
    if text.isascii():
        return None
    for before, character in zip("\0" + text, text, strict=False):
        if _unseen(character, before):
            space = " " if unicodedata.category(character) == "Zs" else ""
            return Oddity("invisible", character, text.replace(character, space))
    for word in _WORD.findall(text):
        if (letter := _stranger(word)) is not None:
            return Oddity("mixed", letter, _in_latin(text))
    wide = next((c for c in text if unicodedata.decomposition(c).startswith(("<wide>", "<font>"))), None)
    if wide is not None and (shown := unicodedata.normalize("NFKC", text)).isascii():
        return Oddity("wide", wide, shown)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        mark = next((c for c in text if unicodedata.combining(c) or unicodedata.normalize("NFC", c) != c), text[0])
        return Oddity("decomposed", mark, composed)
    return None


def alphabet(character: str) -> str:
    """Return the alphabet of a letter as Unicode names it, such as `Latin`; nothing for other characters."""
    if not character.isalpha():
        return ""
    return unicodedata.name(character, "").partition(" ")[0].capitalize()


def skeletons(text: str) -> Iterator[str]:
    """Yield what a text looks like, for comparison: two that share one of these are easily taken for each other.

    `rn` looks like `m`; `1`, `I` and `|` like `l`; `0` like both `O` and `o`; a `1` inside a word can pass for an `i`.
    """
    latin = "".join(LATIN.get(c, c) for c in unicodedata.normalize("NFKC", text)).replace("rn", "m")
    for spelled in dict.fromkeys((latin, _DIGIT_IN_WORD.sub("i", latin))):
        plain = spelled.replace("1", "l").replace("I", "l").replace("|", "l")
        yield from dict.fromkeys((plain.replace("0", "o"), plain.replace("0", "O")))


def _unseen(character: str, before: str) -> bool:
    if character in _BLANK:
        return True
    foreign = before.isalpha() and alphabet(before) not in ("Latin", "Greek", "Cyrillic")
    if character in _JOINERS or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        needed = foreign or unicodedata.category(before)[0] in "SM"  # some scripts and emoji are written with them
        return not needed
    if character == _SPACE_OF_CHINESE:
        return not foreign
    return character != " " and unicodedata.category(character) in ("Cf", "Zs")


def _stranger(word: str) -> str | None:
    """Return a letter that is out of place in a word that mixes Latin with letters drawn like Latin ones."""
    latin = [c for c in word if alphabet(c) == "Latin"]
    others = [c for c in word if alphabet(c) in ("Cyrillic", "Greek")]
    alike = [c for c in others if c in LATIN]
    if not latin or not alike:
        return None
    return alike[0] if _in_latin(word) or len(others) <= len(latin) else latin[0]


def _in_latin(text: str) -> str | None:
    """Return the ASCII text that a text looks like, if there is one."""
    latin = "".join(LATIN.get(c, c) for c in text)
    return latin if latin.isascii() else None
