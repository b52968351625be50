"""Sources and spans: lines and columns count from 1, offsets from 0, all in code points."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kynara_lang.diagnostics.source import Source, Span


def place(text: str, offset: int) -> tuple[int, int]:
    position = Source("a.kyn", text).position(offset)
    assert position.offset == offset
    return position.line, position.column


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, (1, 1)),
        ("ab", 0, (1, 1)),
        ("ab", 1, (1, 2)),
        ("ab", 2, (1, 3)),
        ("ab\n", 2, (1, 3)),
        ("ab\n", 3, (2, 1)),
        ("ab\ncd", 3, (2, 1)),
        ("ab\ncd", 5, (2, 3)),
        ("\n\n", 1, (2, 1)),
        ("\n\n", 2, (3, 1)),
        ("a\r\nb", 2, (1, 3)),
        ("a\r\nb", 3, (2, 1)),
        ("日本\n😀x", 4, (2, 2)),
        ("a\x0bb\x0cc\u2028d", 6, (1, 7)),
    ],
)
def test_position(text: str, offset: int, expected: tuple[int, int]) -> None:
    assert place(text, offset) == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("ab", ["ab"]),
        ("ab\n", ["ab", ""]),
        ("ab\r\ncd\r\n", ["ab", "cd", ""]),
        ("\n\nx", ["", "", "x"]),
        ("a\rb\u2028c", ["a\rb\u2028c"]),
        ("  a  \n", ["  a  ", ""]),
    ],
)
def test_line_text(text: str, lines: list[str]) -> None:
    source = Source("a.kyn", text)
    assert [source.line_text(n + 1) for n in range(len(source.line_starts()))] == lines


def test_every_offset_is_in_its_line() -> None:
    source = Source("a.kyn", "one\n\ntwo 日本\r\n\tthree")
    for offset in range(len(source.text) + 1):
        position = source.position(offset)
        assert source.line_starts()[position.line - 1] + position.column - 1 == offset


def test_span() -> None:
    source = Source("a.kyn", "permit\n  read\n")
    span = Span(source, 9, 13)
    assert span.text == "read"
    assert (span.first.line, span.first.column) == (2, 3)
    assert (span.last.line, span.last.column) == (2, 7)
    assert Span(source, 0, 6).to(span).text == "permit\n  read"
    assert Span(source, 14, 14).text == ""


def test_equal_texts_are_different_sources() -> None:
    a, b = Source("a.kyn", "x"), Source("a.kyn", "x")
    assert a != b
    assert Span(a, 0, 1) == Span(a, 0, 1)
    assert Span(a, 0, 1) != Span(b, 0, 1)


def test_lines_are_found_once_by_many_threads() -> None:
    for _ in range(20):
        source = Source("a.kyn", "x\n" * 2000)
        with ThreadPoolExecutor(8) as pool:
            lines = set(pool.map(lambda _, s=source: s.position(3999).line, range(32)))
        assert lines == {2000}
        assert source.line_starts() == list(range(0, 4001, 2))
