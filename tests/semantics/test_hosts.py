"""Host and Email values: one normal form each, containment by labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.hosts import email_domain, enclosing_domains, host_within, read_email, read_host
from kynara_lang.semantics.problems import ValueProblem


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.Com.", "example.com"),
        ("localhost", "localhost"),
        ("r3---sn-x.example.com", "r3---sn-x.example.com"),
        ("4chan.org", "4chan.org"),
        ("1.example", "1.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("straße.de", "xn--strae-oqa.de"),
        ("example。com", "example.com"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),
        ("exam\u00adple.com", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
        ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
        ("[::ffff:10.0.0.1]", "10.0.0.1"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
        (".".join(["a" * 49] * 5) + ".xyz", ".".join(["a" * 49] * 5) + ".xyz"),
    ],
)
def test_read_host(text: str, host: str) -> None:
    assert read_host(text) == host
    assert read_host(host) == host


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "has no labels", None),
        (".", "has no labels", None),
        ("\u00ad", "has an empty label", None),
        ("a..b", "has an empty label", None),
        ("example.com..", "has an empty label", None),
        (".example.com", "starts with a dot", "example.com"),
        ("*.example.com", "has a wildcard", "example.com"),
        ("*.", "has a wildcard", None),
        ("example.com:443", "has a port", "example.com"),
        (":443", "has a port", None),
        ("https://example.com", "is a URL", "example.com"),
        ("https://ann@example.com/", "is a URL", None),
        ("a_b.com", "has `_`", None),
        ("a b.com", "has ` `", None),
        ("example.com\n", "has `\\n`", None),
        ("user@example.com", "has `@`", None),
        ("example.com/x", "has `/`", None),
        ("%65xample.com", "has `%`", None),
        ("-a.com", "starts or ends with a hyphen", None),
        ("a-.com", "starts or ends with a hyphen", None),
        ("a" * 64 + ".com", "label longer than 63", None),
        ("ü" * 63 + ".com", "is not a valid IDNA label", None),
        (".".join(["a" * 50] * 5), "longer than the 253 characters", None),
        (".".join(["ü" * 40] * 6), "longer than the 253 characters", None),
        ("ü" * 8000, "longer than the 253 characters", None),
        ("a" * 8193, "characters long", None),
        ("xn--a.com", "is not a valid IDNA label", None),
        ("xn--.com", "is not a valid IDNA label", None),
        ("xn--abc-.com", "is not a valid IDNA label", None),
        ("a\u200db.com", "is not a valid IDNA label", None),
        ("example.com／evil", "has a character that host names cannot have", None),
        ("\ud800.com", "has a character that host names cannot have", None),
        ("a\u202eb.com", "has a character that host names cannot have", None),
        ("1.2.3", "is no host", None),
        ("2130706433", "is no host", None),
        ("0x7f000001", "is no host", None),
        ("127.0.0.0x1", "is no host", None),
        ("a.0x", "is no host", None),
        ("a.b.1", "is no host", None),
        ("127.0.0.01", "leading zeros", None),
        ("127.0.0.256", "above 255", None),
        ("[127.0.0.1]", "is not an IPv6 address in brackets", None),
        ("[::1", "is not an IPv6 address in brackets", None),
        ("[", "is not an IPv6 address in brackets", None),
        ("[::1%eth0]", "zone id", None),
        ("[[::1]]", "is not a host", None),
        ("::1/128", "is not a host", None),
    ],
)
def test_read_host_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_host(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("host", "domain", "expected"),
    [
        ("example.com", "example.com", True),
        ("api.example.com", "example.com", True),
        ("a.b.example.com", "com", True),
        ("evilexample.com", "example.com", False),
        ("example.com", "api.example.com", False),
        ("example.com.evil.org", "example.com", False),
        ("EXAMPLE.COM.", "example.com", True),
        ("shop.bücher.example", "xn--bcher-kva.example", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("10.0.0.1", "0.0.0.1", False),
        ("::1", "[0::1]", True),
        ("::1", "::2", False),
        ("example.com", "::1", False),
    ],
)
def test_host_within(host: str, domain: str, expected: bool) -> None:
    assert host_within(read_host(host), read_host(domain)) is expected


labels = st.text("abz09-üßéѐ中", min_size=1, max_size=6)
hosts = st.one_of(
    st.lists(labels, min_size=1, max_size=4).map(".".join),
    st.ip_addresses().map(str),
    st.text("a1.xn-[]:%0Aü。①\u00ad\u200d", max_size=20),
    st.text(st.characters(), max_size=20),
)


@given(hosts)
def test_normal_hosts_are_read_as_themselves(text: str) -> None:
    try:
        host = read_host(text)
    except ValueProblem as problem:
        assert "\n" not in problem.message
        return
    assert read_host(host) == host
    assert host.isascii()
    assert host == host.lower()


@given(hosts, hosts)
def test_ip_literals_contain_only_themselves(one: str, other: str) -> None:
    try:
        host, domain = read_host(one), read_host(other)
    except ValueProblem:
        return
    if host_within(host, domain) and host != domain:
        assert host.split(".")[-domain.count(".") - 1 :] == domain.split(".")
        for name in (host, domain):
            assert "[" not in name
            assert not name.rpartition(".")[2].isdigit()


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("eve@example.com", "eve@example.com"),
        ("Eve.B+tag@EXAMPLE.com", "Eve.B+tag@example.com"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
        ("a" * 64 + "@b.c", "a" * 64 + "@b.c"),
        ("!#$%&'*+-/=?^_`{|}~@b", "!#$%&'*+-/=?^_`{|}~@b"),
    ],
)
def test_read_email(text: str, email: str) -> None:
    assert read_email(text) == email
    assert read_email(email) == email
    assert email_domain(email) == read_host(text.rpartition("@")[2])


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("", "needs exactly one `@`", None),
        ("eve", "needs exactly one `@`", None),
        ("eve@a.com@b.com", "needs exactly one `@`", None),
        ("@example.com", "1 to 64 characters before the `@`", None),
        ("a" * 65 + "@b.c", "1 to 64 characters before the `@`", None),
        (".eve@example.com", "cannot stand before the `@`", None),
        ("e..ve@example.com", "cannot stand before the `@`", None),
        ("eve.@example.com", "cannot stand before the `@`", None),
        ('"eve"@example.com', "cannot stand before the `@`", None),
        ("eve(x)@example.com", "cannot stand before the `@`", None),
        ("Eve <eve@example.com", "cannot stand before the `@`", None),
        ("e\u202eve@example.com", "cannot stand before the `@`", None),
        ("e\ud800@example.com", "cannot stand before the `@`", None),
        ("e\0@example.com", "cannot stand before the `@`", None),
        ("eve@", "has no valid domain", None),
        ("eve@a_b", "has no valid domain", None),
        ("eve@*.example.com", "has no valid domain", "eve@example.com"),
        ("eve@10.0.0.1", "has an IP address", None),
        ("eve@[::1]", "has an IP address", None),
        ("eve@" + "a" * 9000, "characters long", None),
    ],
)
def test_read_email_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_email(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


@given(st.one_of(st.emails(), st.tuples(st.text(max_size=8), hosts).map("@".join)))
def test_normal_emails_are_read_as_themselves(text: str) -> None:
    try:
        email = read_email(text)
    except ValueProblem as problem:
        assert "\n" not in problem.message
        return
    assert read_email(email) == email
    assert email.count("@") == 1


@pytest.mark.parametrize("host", ["com", "a.com", "b.a.com", "ba.com", "10.0.0.1", "[::1]", "x.t1.example"])
def test_enclosing_domains_are_those_that_it_is_within(host: str) -> None:
    others = ["com", "a.com", "b.a.com", "ba.com", "example", "t1.example", "10.0.0.1", "0.0.1", "[::1]"]
    found = enclosing_domains(host)
    assert {other for other in others if host_within(host, other)} == set(found) & set(others)
    assert all(host_within(host, domain) for domain in found)
