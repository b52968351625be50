"""The numbers that stand for something: limits, units, ports and the rows of the operator tables, written out again.

Other tests take these from the source, so that they would not see one of them change.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from kynara_lang.semantics import problems
from kynara_lang.semantics.addresses import V4, format_block, read_block, read_ip
from kynara_lang.semantics.confusables import oddity
from kynara_lang.semantics.display import display, display_text
from kynara_lang.semantics.hosts import read_email, read_host
from kynara_lang.semantics.numbers import (
    INT_MAX,
    INT_MIN,
    SCALE,
    decimal_from_number,
    format_decimal,
    read_decimal,
    read_int,
)
from kynara_lang.semantics.operators import BUILTINS, OPERATORS, receiver_name
from kynara_lang.semantics.paths import path_suffix, read_path
from kynara_lang.semantics.problems import MAX_TEXT, ValueProblem, quoted
from kynara_lang.semantics.text import ascii_lower, compile_glob, glob_match
from kynara_lang.semantics.times import (
    TIME_MAX,
    TIME_MIN,
    format_duration,
    read_date_or_time,
    read_duration,
    read_time,
    zone,
)
from kynara_lang.semantics.types import INT, STRING, SetOf
from kynara_lang.semantics.urls import format_url, read_url, url_port


def refused(read: object, text: str) -> ValueProblem:
    with pytest.raises(ValueProblem) as caught:
        read(text)  # type: ignore[operator]
    return caught.value


def test_numbers() -> None:
    assert (INT_MIN, INT_MAX, SCALE) == (-9_223_372_036_854_775_808, 9_223_372_036_854_775_807, 10_000)
    assert read_int("9223372036854775807") == INT_MAX
    assert read_int("-9223372036854775808") == INT_MIN
    for text in ("9223372036854775808", "-9223372036854775809", "1" * 20, "1" * 21):
        assert "64 bits" in refused(read_int, text).message
    assert read_decimal("-922337203685477.5808") == INT_MIN
    assert "±922 trillion" in refused(read_decimal, "1" * 20).message
    assert refused(read_decimal, "1.00001").message.endswith("has more than 4 fraction digits")
    assert refused(read_decimal, "+01.5").suggestion == "1.5"
    assert refused(read_int, "007").suggestion == "7"
    assert refused(read_int, "-00").suggestion == "-0"
    assert [format_decimal(n) for n in (1, 10, 100, 1000, 10_000, -15_000, 0)] == [
        "0.0001", "0.001", "0.01", "0.10", "1.00", "-1.50", "0.00"
    ]  # fmt: skip
    assert decimal_from_number(Decimal("1e14")) == 10**18
    assert decimal_from_number(Decimal("0e999999999")) == 0
    assert decimal_from_number(Decimal("1.50000")) == 15_000
    with pytest.raises(ValueProblem, match="trillion"):
        decimal_from_number(Decimal("1e15"))
    with pytest.raises(ValueProblem, match="fraction digits"):
        decimal_from_number(Decimal("1e-5"))


def test_times_and_durations() -> None:
    assert read_time("1970-01-02T00:00:00Z") == 86_400 * 10**9
    assert read_time("2026-11-22T10:20:30.000000001Z") % 10**9 == 1
    assert read_time("1970-01-01T00:00:00-23:59") == 86_340 * 10**9
    assert read_time("1970-01-01T23:59:00+23:59") == 0
    for offset in ("+24:00", "-24:00", "+00:60"):
        assert "23:59" in refused(read_time, f"2026-01-01T00:00:00{offset}").message
    for clock in ("24:00:00", "00:60:00", "00:00:60", "23:59:60"):
        assert "time of day" in refused(read_time, f"2026-01-01T{clock}Z").message
        assert "time of day" in refused(read_time, f"2026-01-01T{clock}+00:00").message
    assert read_time("2026-01-01T23:59:59+00:00") == read_time("2026-01-01T23:59:59Z")
    assert "calendar" in refused(read_time, "2026-02-29T00:00:00Z").message
    assert read_date_or_time("1970-01-03") == 2 * 86_400 * 10**9
    assert TIME_MIN == -62_135_596_800 * 10**9
    assert TIME_MAX == 253_402_300_800 * 10**9 - 1
    assert [read_duration(f"1{unit}") // 10**9 for unit in "smhd"] == [1, 60, 3600, 86_400]
    assert read_duration("-0.5s") == -500_000_000
    assert [format_duration(n * 10**9) for n in (0, 1, 59, 60, 61, 3600, 86_400, -90, 172_800)] == [
        "0s", "1s", "59s", "1m", "61s", "1h", "1d", "-90s", "2d"
    ]  # fmt: skip
    assert format_duration(1_500_000_000) == "1.5s"
    assert refused(read_duration, "1h30m").suggestion == "90m"
    assert refused(read_duration, "1d2h3m4s").suggestion == "93784s"


def test_zones_are_suggested_by_city_and_case() -> None:
    assert refused(zone, "europe/berlin").suggestion == "Europe/Berlin"
    assert refused(zone, "New York").suggestion == "America/New_York"
    assert refused(zone, "Europe/Berlim").suggestion == "Europe/Berlin"
    assert refused(zone, "xxxxxxxx").suggestion is None
    near = "America/Argentina/Buenos_Aires"
    assert refused(zone, near + "x" * (64 - len(near))).suggestion == near
    assert refused(zone, near + "x" * (65 - len(near))).suggestion is None
    assert zone("Europe/Berlin") is zone("Europe/Berlin")


def test_texts() -> None:
    assert MAX_TEXT == 8192
    problems.refuse_long("x" * 8192)
    for read in (read_time, read_duration, read_ip, read_block, read_host, read_email, read_url, read_path, read_int,
                 read_decimal, compile_glob, zone, read_date_or_time):  # fmt: skip
        assert "is 8193 characters long; at most 8192 are allowed" in refused(read, "x" * 8193).message
    assert quoted("x" * 60) == f"`{'x' * 60}`"
    assert quoted("x" * 61) == f"`{'x' * 59}…`"
    assert quoted("\0" * 12) == "`" + "\\u{0}" * 12 + "`"
    assert quoted("\0" * 13) == "`" + "\\u{0}" * 11 + "…`"
    assert quoted("a`b\n") == "`a\\u{60}b\\n`"
    assert ascii_lower("ÄBC") == "Äbc"
    for pattern, text, matches in (
        ("a*b", "ab", True), ("a*a", "a", False), ("*ab*b", "ab", False), ("*ab*b", "abb", True), ("a**b", "axb", True),
        ("*", "", True), ("a*bc*d", "abcd", True), ("a*bc*cd", "abcd", False), ("ab", "ab", True), ("ab", "abc", False),
    ):  # fmt: skip
        assert glob_match(compile_glob(pattern), text) is matches, pattern


def test_addresses() -> None:
    assert V4 == 2**128
    assert read_ip("1.2.3.4") == 2**128 + 0x01020304
    assert read_ip("255.255.255.255") == 2**128 + 2**32 - 1
    assert read_ip("::ffff:1.2.3.4") == read_ip("1.2.3.4")
    assert read_ip("::fffe:1.2.3.4") == 0xFFFE01020304
    assert read_block("0.0.0.0/0") == (V4, V4 + 2**32 - 1)
    assert read_block("::/0") == (0, 2**128 - 1)
    assert read_block("10.0.0.1/32") == (read_ip("10.0.0.1"),) * 2
    assert read_block("::1/128") == (1, 1)
    assert read_block("::ffff:10.0.0.0/104") == read_block("10.0.0.0/8")
    assert read_block("::ffff:0.0.0.0/96") == read_block("0.0.0.0/0")
    assert "reaches beyond" in refused(read_block, "::ffff:0.0.0.0/95").message
    assert "from 0 to 32" in refused(read_block, "1.0.0.0/33").message
    assert "from 0 to 128" in refused(read_block, "::/129").message
    assert refused(read_block, "10.1.2.3/8").suggestion == "10.0.0.0/8"
    assert "above 255" in refused(read_ip, "1.2.3.256").message
    assert "above 255" in refused(read_ip, "1.2.3.1000").message
    assert "octal" in refused(read_ip, "1.2.3.04").message
    assert "four numbers" in refused(read_ip, "1.2.3").message
    longest = "0000:0000:0000:0000:0000:0000:255.255.255.255"
    assert read_ip(longest) == 2**32 - 1
    assert "not an IPv6 address" in refused(read_ip, "0" + longest).message
    assert [format_block(*read_block(text)) for text in ("10.0.0.0/31", "10.0.0.1/32", "fe80::/10")] == [
        "10.0.0.0/31", "10.0.0.1", "fe80::/10"
    ]  # fmt: skip


def test_hosts_and_addresses_of_mail() -> None:
    label = "a" * 63
    name = ".".join([label, label, label, "a" * 61])
    assert len(name) == 253
    assert read_host(name) == read_host(name + ".") == name
    assert "longer than the 253 characters" in refused(read_host, name + "a").message
    assert "longer than 63" in refused(read_host, label + "a").message
    german = "ü." + ".".join(["a" * 61] * 3)
    assert read_host(german).startswith("xn--tda.")
    # What is not ASCII is measured before it is mapped: a dot at the end is no part of the name.
    long = "ü" + ".a" * 126
    assert len(long) == 253
    for text in (long, long + ".", long + ".a"):
        assert "253" in refused(read_host, text).message
    wide = "ａ" + ".a" * 126
    assert read_host(wide) == read_host(wide + ".") == "a" + ".a" * 126
    assert read_email("x" * 64 + "@x.y")
    assert "1 to 64" in refused(read_email, "x" * 65 + "@x.y").message
    assert "1 to 64" in refused(read_email, "@x.y").message


@pytest.mark.parametrize(
    ("scheme", "port"), [("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21), ("ssh", 22), ("git", 9418)]
)
def test_default_ports(scheme: str, port: int) -> None:
    url = read_url(f"{scheme}://x.y/")
    assert url_port(url) == port
    assert url == read_url(f"{scheme}://x.y:{port}")
    assert format_url(url) == f"{scheme}://x.y/"
    assert format_url(read_url(f"{scheme}://x.y:{port + 1}/")) == f"{scheme}://x.y:{port + 1}/"


def test_ports_and_segments_of_urls() -> None:
    assert read_url("http://x:1/").port == 1
    assert read_url("http://x:65535/").port == 65535
    for port in ("0", "65536", "99999", "123456", "080", ""):
        assert "port from 1 to 65535" in refused(read_url, f"http://x:{port}/").message
    assert read_url("http://x/a;b/c").path == "/a;b/c"
    for segment in (".;a", "..;a", "..;", "%2e%2e;a"):
        assert "parameter on a dot segment" in refused(read_url, f"http://x/a/{segment}/b").message
    assert read_url("http://x/a;..").path == "/a;.."
    assert read_url("http://[::1]:8/a?b#c") == ("http", "[::1]", 8, "/a", "?b#c")
    assert read_url("http://x#c").rest == "#c"


def test_suffixes_of_paths() -> None:
    found = {p: path_suffix(p) for p in ("a.py", "a.tar.gz", ".bashrc", "..a", "a.", ".a.b", "/", ".", "d.x/a", "...b")}
    assert found == {
        "a.py": ".py", "a.tar.gz": ".gz", ".bashrc": "", "..a": "", "a.": "", ".a.b": ".b", "/": "", ".": "", "d.x/a": "",
        "...b": "",
    }  # fmt: skip


def test_what_is_shown_is_cut_where_asked() -> None:
    assert display_text("abc", 3) == '"abc"'
    assert display_text("abcd", 3) == '"abc…"'
    numbers = SetOf(INT)
    assert display(frozenset({10, 9, 1}), numbers) == "{1, 9, 10}"
    assert display(frozenset({10, 9, 1}), numbers, 2) == "{1, 9, …}"
    assert display(frozenset({10, 9, 1}), numbers, 4) == "{1, 9, 10}"
    assert display(frozenset({"abcdef"}), SetOf(STRING), 3) == '{"abc…"}'


def test_odd_texts_name_the_first_that_is_odd() -> None:
    for text, kind, character, plain in (
        ("e\u0301a\u0300", "decomposed", "\u0301", "\u00e9\u00e0"),
        ("\u212bx", "decomposed", "\u212b", "\u00c5x"),
        ("ab\u0441d\u0435", "mixed", "\u0441", "abcde"),
        ("ab\u0441\u0431", "mixed", "\u0441", None),
        ("\u0431\u0432\u0433a\u0441\u0434b", "mixed", "a", None),
    ):
        found = oddity(text)
        assert found is not None
        assert (found.kind, found.character, found.plain) == (kind, character, plain)


def test_what_is_to_blame_is_what_changes_and_not_what_stands_first() -> None:
    found = oddity("x\u212b")
    assert found is not None
    assert found.character == "\u212b"


# What can be an error: overflow, a time out of range, a product that cannot be written, a port that is not there.
FALLIBLE = {"Url.port", "Time.hour", "Time.weekday"}


def test_the_rows_say_what_can_fail() -> None:
    for op, rows in OPERATORS.items():
        assert all(row.fails is (op in "+-*") for row in rows), op
        assert all(row.op == op for row in rows)
    assert {f"{row.receiver}.{row.name}" for row in BUILTINS.values() if row.fails} == FALLIBLE
    kinds = {op: [(str(r.left), str(r.right), str(r.result)) for r in OPERATORS[op]] for op in "+-*"}
    same = [(name, name, name) for name in ("Int", "Decimal", "Duration")]
    assert kinds["+"] == [*same, ("Time", "Duration", "Time"), ("Duration", "Time", "Time")]
    assert kinds["-"] == [*same, ("Time", "Duration", "Time"), ("Time", "Time", "Duration")]
    assert kinds["*"] == [
        ("Int", "Int", "Int"), ("Decimal", "Decimal", "Decimal"), ("Decimal", "Int", "Decimal"),
        ("Int", "Decimal", "Decimal"), ("Duration", "Int", "Duration"), ("Int", "Duration", "Duration"),
    ]  # fmt: skip
    for op in ("<", "<=", ">", ">="):
        assert [str(r.left) for r in OPERATORS[op]] == [str(r.right) for r in OPERATORS[op]] == [
            "Int", "Decimal", "Time", "Duration"
        ]  # fmt: skip
        assert {str(r.result) for r in OPERATORS[op]} == {"Bool"}
    assert BUILTINS["Time", "hour"].shown == '.hour("Europe/Berlin")'
    assert BUILTINS["Url", "port"].shown == ".port"
    assert BUILTINS["String", "starts_with"].shown == ".starts_with(…)"
    assert BUILTINS["String", "length"].shown == ".length()"
    assert (receiver_name(SetOf(INT)), receiver_name(INT)) == ("Set", "Int")
