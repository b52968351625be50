"""The words that random programs and requests are made of: few, so that they meet, and close to each other.

For every type a pool of pairs: how a value is written in a policy, and how a request can carry the same value. Values
one off from each other, spelled differently, or at the ends of a range stand side by side.
"""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from kynara_lang.semantics import types as ty

T = TypeVar("T")
D = decimal.Decimal


class Draw:
    """Draws with few words; every choice shrinks towards the first of a list and towards `False`."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def number(self, most: int) -> int:
        return self._draw(_numbers(most)) if most > 0 else 0

    def pick(self, items: Sequence[T]) -> T:
        return items[self.number(len(items) - 1)]

    def chance(self, percent: int) -> bool:
        return self.number(99) >= 100 - percent

    def some(self, items: Sequence[T], percent: int) -> list[T]:
        return [item for item in items if self.chance(percent)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        left, found = list(items), []
        while left:
            found.append(left.pop(self.number(len(left) - 1)))
        return found


_CACHE: dict[int, st.SearchStrategy[int]] = {}


def _numbers(most: int) -> st.SearchStrategy[int]:
    if most not in _CACHE:
        _CACHE[most] = st.integers(0, most)
    return _CACHE[most]


def quoted(text: str) -> str:
    """Write a string literal."""
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(raw, escaped)
    return f'"{text}"'


def _texts(*values: str) -> list[tuple[str, list[Any]]]:
    return [(quoted(value), [value]) for value in values]


IDS = ("a", "b", "c")
TOP = (2**63 - 1, -(2**63))

POOL: dict[ty.Type, list[tuple[str, list[Any]]]] = {
    ty.BOOL: [("true", [True]), ("false", [False])],
    ty.INT: [(str(n), [n]) for n in (0, 1, 2, 3, 1, 2, -1, 7, 8080, 443, 2**62, *TOP)],
    ty.DECIMAL: [
        ("0.00", ["0", 0, D("0E+3"), "-0"]),
        ("1.00", ["1.00", 1, D("1.0")]),
        ("1.0001", ["1.0001", D("1.0001")]),
        ("2.5", ["2.50", D("25E-1")]),
        ("0.0001", ["0.0001", D("1E-4")]),
        ("50.00", ["50", 50, D(50)]),
        ("-1.5", ["-1.5", D("-1.50")]),
        ("922337203685477.5807", ["922337203685477.5807", 922337203685477]),
        ("-922337203685477.5808", ["-922337203685477.5808"]),
    ],
    ty.STRING: [
        *_texts("a", "b", "ab", "abc", "A", "acme", "globex", "", "a*b", "aXbXa", "é", "ß", 'q"\\', "x\ty\n", "😀"),
    ],
    ty.TIME: [
        ("2026-11-22", ["2026-11-22T00:00:00Z"]),
        ("2026-11-22T10:00:00Z", ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00"]),
        ("2026-11-22T10:00:00.000000001Z", ["2026-11-22T10:00:00.000000001Z"]),
        ("2026-11-22T09:59:59.999999999Z", ["2026-11-22t09:59:59.999999999z"]),
        ("2026-03-29T01:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T00:59:59-00:00"]),
        ("2026-11-20T23:30:00Z", ["2026-11-20T23:30:00Z"]),
        ("0001-01-01", ["0001-01-01T00:00:00Z"]),
        ("9999-12-31T23:59:59.999999999Z", ["9999-12-31T23:59:59.999999999Z"]),
    ],
    ty.DURATION: [
        ("0s", ["0s", "-0s"]),
        ("90s", ["90s", "90.0s"]),
        ("15m", ["15m", "900s"]),
        ("4h", ["4h", "-4h"]),
        ("7d", ["7d", "0.000000001s"]),
        ("106751d", ["106751d", "-106751d"]),
    ],
    ty.IP: [
        *_texts("10.0.0.1", "10.1.2.3", "11.0.0.0", "192.168.0.1", "::1", "2001:db8::1"),
        ('"::ffff:10.0.0.1"', ["::ffff:10.0.0.1", "10.0.0.1"]),
    ],
    ty.BLOCK: _texts(
        "10.0.0.0/8", "10.0.0.1", "10.0.0.0/31", "0.0.0.0/0", "::/1", "2001:db8::/32", "::ffff:10.0.0.0/104"
    ),
    ty.EMAIL: [
        ('"a@example.com"', ["a@example.com", "a@EXAMPLE.com", "a@example.com."]),
        *_texts("A@example.com", "eve@evil.net", "a.b+c@mail.example.com", "a@notexample.com"),
    ],
    ty.HOST: [
        ('"example.com"', ["example.com", "EXAMPLE.COM."]),
        *_texts("mail.example.com", "example.com.evil.net", "notexample.com", "com", "10.0.0.1", "[::1]"),
        ('"bücher.example.com"', ["bücher.example.com", "xn--bcher-kva.example.com"]),
    ],
    ty.URL: [
        ('"https://example.com/work/a?x=1"', ["https://example.com/work/a?x=1", "HTTPS://EXAMPLE.com:443/work/./a?x=1"]),
        *_texts("https://example.com", "http://mail.example.com:8080/work-evil", "ssh://git.example.com/work/../etc"),
        *_texts("foo://example.com/work", "https://[::1]/%61", "https://example.com.evil.net/work/a"),
    ],
    ty.PATH: [
        ('"/work"', ["/work", "/work/", "/etc/../work"]),
        *_texts("/work/a.py", "/work-evil", "/", ".", "src", "src/main.tar.gz", "a//b/./c", ".bashrc", "/work/..a.b"),
    ],
}

GLOBS = ("a*b", "*", "a*", "*b", "**a*", "a*b*a", "", "a", "*é*", "*.*", "aXb*Xa")
ZONES = ("Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati")
LEVELS = ty.Enum(("low", "mid", "high"))
SOME_LEVELS = ty.Enum(("low", "high"))
STATES = ty.Enum(("open", "shut", "a b"))

JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, -(2**63) - 1, 10**400, 1.5, 0.0, float("nan"), float("inf"), D("NaN"),
    D("1.00001"), D("1E+400"), "", "a", "1", "1.5", "true", "low", "10.0.0.1", "2026-11-22", "\ud800", "\x00",
    "/..", "a" * 9000, [], [None], [[]], ["a"], ["a", 1], {}, {"type": "User"}, {"id": "a"}, {"type": "User", "id": "a"},
    {"type": "Nobody", "id": "a"}, {"type": 1, "id": []}, {"a": 1}, {"properties": []}, {"roles": "a", "parents": {}},
]  # fmt: skip


def json_like() -> st.SearchStrategy[Any]:
    """Arbitrary decoded JSON, and a little of what is none."""
    leaves = st.one_of(st.sampled_from(JUNK), st.integers(), st.text(max_size=5), st.booleans())
    keys = st.sampled_from(("subject", "action", "resource", "context", "type", "id", "name", "properties", "a"))
    return st.recursive(
        leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4))
    )


def readable(value: Any) -> str:
    """Show a request for a failure message."""
    return json.dumps(value, ensure_ascii=True, default=lambda x: f"<{type(x).__name__} {x}>")
