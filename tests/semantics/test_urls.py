"""Url values: parts, normal spelling, and every ambiguity refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.paths import read_path
from kynara_lang.semantics.problems import EvaluationError, ValueProblem
from kynara_lang.semantics.urls import Url, format_url, read_url, url_port


@pytest.mark.parametrize(
    ("text", "url", "written"),
    [
        ("https://example.com", Url("https", "example.com", 443, "/", ""), "https://example.com/"),
        ("HTTPS://Example.COM.:443/", Url("https", "example.com", 443, "/", ""), "https://example.com/"),
        ("http://a:8080/x/", Url("http", "a", 8080, "/x", ""), "http://a:8080/x"),
        ("ws://a", Url("ws", "a", 80, "/", ""), "ws://a/"),
        ("wss://a", Url("wss", "a", 443, "/", ""), "wss://a/"),
        ("ftp://a", Url("ftp", "a", 21, "/", ""), "ftp://a/"),
        ("ssh://a", Url("ssh", "a", 22, "/", ""), "ssh://a/"),
        ("git://a", Url("git", "a", 9418, "/", ""), "git://a/"),
        ("x+y://a/b", Url("x+y", "a", None, "/b", ""), "x+y://a/b"),
        ("x://a:65535", Url("x", "a", 65535, "/", ""), "x://a:65535/"),
        ("https://a?q=/../#f", Url("https", "a", 443, "/", "?q=/../#f"), "https://a/?q=/../#f"),
        ("https://a#f?g@h", Url("https", "a", 443, "/", "#f?g@h"), "https://a/#f?g@h"),
        ("https://a/x@y:z", Url("https", "a", 443, "/x@y:z", ""), "https://a/x@y:z"),
        ("https://a//b/./c/%2E%2e/d", Url("https", "a", 443, "/b/d", ""), "https://a/b/d"),
        ("https://a/%41%20b", Url("https", "a", 443, "/A b", ""), "https://a/A%20b"),
        ("https://a/%C3%A9", Url("https", "a", 443, "/é", ""), "https://a/%C3%A9"),
        ("https://a/é", Url("https", "a", 443, "/é", ""), "https://a/%C3%A9"),
        ("https://a/%3Fx%23%25", Url("https", "a", 443, "/?x#%", ""), "https://a/%3Fx%23%25"),
        ("https://a/%252e%252e/", Url("https", "a", 443, "/%2e%2e", ""), "https://a/%252e%252e"),
        ("https://a/x;p=1", Url("https", "a", 443, "/x;p=1", ""), "https://a/x;p=1"),
        ("https://[::1]:8443/", Url("https", "[::1]", 8443, "/", ""), "https://[::1]:8443/"),
        ("https://[::ffff:10.0.0.1]", Url("https", "10.0.0.1", 443, "/", ""), "https://10.0.0.1/"),
        ("https://bücher.example", Url("https", "xn--bcher-kva.example", 443, "/", ""), None),
    ],
)
def test_read_url(text: str, url: Url, written: str | None) -> None:
    assert read_url(text) == url
    assert read_url(format_url(url)) == url
    if written is not None:
        assert format_url(url) == written


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "has no scheme"),
        ("example.com/x", "has no scheme"),
        ("//example.com", "has no scheme"),
        ("1http://a", "has no scheme"),
        ("ht_tp://a", "has no scheme"),
        ("mailto:a", "has no `//host`"),
        ("localhost:80/x", "has no `//host`"),
        ("https:/a", "has no `//host`"),
        ("https:///a", "has no host"),
        ("https://", "has no host"),
        ("https://:80", "has no host"),
        ("file:///etc", "has no host"),
        (" https://a", "contains whitespace"),
        ("https://a/x y", "contains whitespace"),
        ("https://a\t.com", "contains whitespace"),
        ("https://a/\u00a0", "contains whitespace"),
        ("https://a\n", "contains whitespace"),
        ("https://a?q=\x01", "contains a control character"),
        ("https://a/\x7f", "contains a control character"),
        ("https://a/\x80", "contains a control character"),
        ("https://a\\@b", "contains a backslash"),
        ("https:\\\\a", "contains a backslash"),
        ("https://a/\ud800", "contains a lone surrogate"),
        ("https://user@a", "has user information"),
        ("https://good.com@evil.com/", "has user information"),
        ("https://good.com:443@evil.com/", "has user information"),
        ("https://a:", "needs a port"),
        ("https://a:0", "needs a port"),
        ("https://a:080", "needs a port"),
        ("https://a:65536", "needs a port"),
        ("https://a:+80", "needs a port"),
        ("https://a:８0", "needs a port"),
        ("https://[::1]x", "has no valid host"),
        ("https://[::1", "needs brackets around"),
        ("https://::1/", "needs brackets around"),
        ("https://a:80:80", "needs brackets around"),
        ("https://0x7f.1/", "has no valid host"),
        ("https://2130706433/", "has no valid host"),
        ("https://%65vil.com/", "has no valid host"),
        ("https://*.a.com/", "has no valid host"),
        ("https://a/%2fb", "contains `%2f`"),
        ("https://a/..%2F..", "contains `%2f`"),
        ("https://a/%5Cb", "contains `%5c`"),
        ("https://a/%00", "contains `%00`"),
        ("https://a/%0a", "contains a control character"),
        ("https://a/%7f", "contains a control character"),
        ("https://a/%c2%80", "contains a control character"),
        ("https://a/%C2%85", "contains a control character"),
        ("https://a/%c2%9F", "contains a control character"),
        ("https://a/%", "has a `%` without two hex digits"),
        ("https://a/%4", "has a `%` without two hex digits"),
        ("https://a/%zz", "has a `%` without two hex digits"),
        ("https://a/%ff", "not UTF-8"),
        ("https://a/%c0%af", "not UTF-8"),
        ("https://a/%ed%a0%80", "not UTF-8"),
        ("https://a/..", "climbs above the root"),
        ("https://a/%2e%2e/x", "climbs above the root"),
        ("https://a/b/.%2E/../x", "climbs above the root"),
        ("https://a/b/..;/x", "parameter on a dot segment"),
        ("https://a/b/%2e%2e%3bx/y", "parameter on a dot segment"),
        ("https://a/" + "x" * 9000, "characters long"),
    ],
)
def test_read_url_refuses(text: str, fragment: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_url(text)
    assert fragment in caught.value.message
    assert "\n" not in caught.value.message


def test_spellings_of_one_url_are_equal() -> None:
    spellings = ["https://a", "https://A:443", "HTTPS://a./", "https://a/./", "https://a/b/%2e%2E"]
    assert len({read_url(text) for text in spellings}) == 1
    assert read_url("http://a:443") != read_url("https://a:443")


def test_url_port() -> None:
    assert url_port(read_url("https://a")) == 443
    assert url_port(read_url("x://a:7")) == 7
    with pytest.raises(EvaluationError) as caught:
        url_port(read_url("x://a"))
    assert caught.value.code == "no-port"


paths = st.text("ab./;%2eEfF5cC3A9@:é?# ", max_size=20)
urls = st.one_of(
    st.tuples(st.sampled_from(["http://a", "x://b:1", "https://[::1]"]), paths).map("/".join),
    st.text("htps:/a.[]1@%?#;é", max_size=20),
)


@given(urls)
def test_normal_urls_are_read_as_themselves(text: str) -> None:
    try:
        url = read_url(text)
    except ValueProblem as problem:
        assert "\n" not in problem.message
        return
    written = format_url(url)
    assert read_url(written) == url
    assert format_url(read_url(written)) == written
    assert url.path.startswith("/")
    assert read_path(url.path) == url.path
