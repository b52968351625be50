"""User information, backslashes and odd characters in URLs: two parsers see two hosts.

`https://example.com@evil.net/` goes to evil.net, and `https://evil.net\\@example.com/` to either ("A New Era of SSRF",
Orange Tsai, 2017). Python dropped leading blanks only in one place (CVE-2023-24329) and let characters that NFKC turns
into `/`, `?` or `@` through (CVE-2019-9636); curl decoded `%2f` inside a host (CVE-2022-27780). Here whatever parsers are
known to disagree about is refused.
"""

from __future__ import annotations

import pytest

from tests.hostile.asking import NO, REFUSED, YES, answer, refusal

HOSTS = [
    ("https://example.com/a", YES),
    ("HTTPS://EXAMPLE.COM:443/a", YES),
    ("https://example.com./a", YES),
    ("https://mail.example.com", YES),
    ("https://example.com?x=@evil.net", YES),
    ("https://example.com#@evil.net", YES),
    ("https://example.com/@evil.net", YES),
    ("https://evil.net/example.com", NO),
    ("https://evil.net?example.com", NO),
    ("https://evil.net#example.com", NO),
    ("https://evil.net#@example.com", NO),
    ("https://evil.net?@example.com", NO),
    ("https://example.com.evil.net/", NO),
    ("https://evil.net:80/https://example.com", NO),
    ("https://[::ffff:10.0.0.1]/", NO),
    ("https://example.com@evil.net/", REFUSED),
    ("https://evil.net@example.com/", REFUSED),
    ("https://user:password@example.com/", REFUSED),
    ("https://example.com%40evil.net/", REFUSED),
    ("https://evil.net%2f@example.com/", REFUSED),
    ("https://evil.net%2f.example.com/", REFUSED),
    ("https://evil.net%00.example.com/", REFUSED),
    ("https://evil.net\\@example.com/", REFUSED),
    ("https://evil.net\\.example.com/", REFUSED),
    ("https:\\\\example.com/", REFUSED),
    ("https:/\\example.com/", REFUSED),
    ("https:example.com", REFUSED),
    ("https:/example.com", REFUSED),
    ("https:///example.com/", REFUSED),
    ("//example.com/", REFUSED),
    ("example.com", REFUSED),
    (" https://example.com/", REFUSED),
    ("https://example.com/ ", REFUSED),
    ("\thttps://example.com/", REFUSED),
    ("ht\ntps://example.com/", REFUSED),
    ("https://exam\nple.com/", REFUSED),
    ("https://example.com\r\nHost: evil.net/", REFUSED),
    ("https://example.com\0.evil.net/", REFUSED),
    ("https://evil.net／.example.com/", REFUSED),
    ("https://evil.net＼.example.com/", REFUSED),
    ("https://evil.net？.example.com/", REFUSED),
    ("https://evil.net＃.example.com/", REFUSED),
    ("https://evil.net℀.example.com/", REFUSED),
    ("https://example.com:443:80/", REFUSED),
    ("https://example.com:0443/", REFUSED),
    ("https://example.com:/", REFUSED),
    ("https://example.com:99999/", REFUSED),
    ("https://example.com:-1/", REFUSED),
    ("https://example.com:８０/", REFUSED),
    ("https://::1/", REFUSED),
    ("https://[::1%25eth0]/", REFUSED),
    ("https://[example.com]/", REFUSED),
    ("https://[::1].example.com/", REFUSED),
    ("https://*.example.com/", REFUSED),
    ("javascript:alert(1)//example.com", REFUSED),
    ("javascript://example.com/%0aalert(1)", REFUSED),
    ("data:text/html,example.com", REFUSED),
    ("file:///etc/passwd", REFUSED),
    ("1https://example.com/", REFUSED),
    ("ｈttps://example.com/", REFUSED),
]


@pytest.mark.parametrize(("url", "expected"), HOSTS, ids=lambda v: ascii(v)[:50])
def test_a_url_has_the_host_that_every_program_sees(url: str, expected: str) -> None:
    assert answer("Url", 'args.x.host within "example.com"', url) == expected


LOOPBACK = [
    ("http://127.0.0.1/", YES),
    ("http://[::ffff:127.0.0.1]/", YES),
    ("http://[::FFFF:7f00:1]/", YES),
    ("http://１２７.０.０.１/", YES),
    ("http://127。0。0。1/", YES),
    ("http://①②⑦.⓪.⓪.①/", YES),
    ("http://127.0.0.1./", YES),
    ("http://127.1/", REFUSED),
    ("http://0177.0.0.1/", REFUSED),
    ("http://0x7f000001/", REFUSED),
    ("http://0x7f.0.0.1/", REFUSED),
    ("http://2130706433/", REFUSED),
    ("http://127.0.0.1.nip.io/", NO),
    ("http://localhost/", NO),
    ("http://[::1]/", NO),
]


@pytest.mark.parametrize(("url", "expected"), LOOPBACK, ids=lambda v: ascii(v)[:50])
def test_an_address_in_a_url_has_one_form(url: str, expected: str) -> None:
    assert answer("Url", 'args.x.host == "127.0.0.1"', url) == expected


PATHS = [
    ("https://h/work/a", YES),
    ("https://h/work/./a//b", YES),
    ("https://h/etc/../work/a", YES),
    ("https://h/%77ork/a", YES),
    ("https://h/work/a?x=/../../etc", YES),
    ("https://h/work;x=1/a", NO),
    ("https://h/work-evil/a", NO),
    ("https://h/work/../etc/passwd", NO),
    ("https://h/work/%2e%2e/etc/passwd", NO),
    ("https://h/work/.%2e/etc/passwd", NO),
    ("https://h/work/%252e%252e/etc", YES),  # decoded once it is a segment named `%2e%2e`
    ("https://h/work/..%2fetc", REFUSED),
    ("https://h/work%2fa", REFUSED),
    ("https://h/work/..%5c..%5cetc", REFUSED),
    ("https://h/work\\..\\etc", REFUSED),
    ("https://h/work/%00", REFUSED),
    ("https://h/work/..;/etc", REFUSED),
    ("https://h/work/..;x=1/etc", REFUSED),
    ("https://h/work/%c0%ae%c0%ae/etc", REFUSED),
    ("https://h/work/%zz", REFUSED),
    ("https://h/work/%", REFUSED),
    ("https://h/work/%0a", REFUSED),
    ("https://h/../etc", REFUSED),
    ("https://h/work/../../etc", REFUSED),
]


@pytest.mark.parametrize(("url", "expected"), PATHS, ids=lambda v: ascii(v)[:50])
def test_the_path_of_a_url_is_decoded_once_and_normalised(url: str, expected: str) -> None:
    assert answer("Url", 'args.x.path within "/work"', url) == expected


@pytest.mark.parametrize("url", ["HTTPS://h/", "https://h:443", "https://H./", "https://h/./"])
def test_spellings_of_one_url_are_equal(url: str) -> None:
    assert answer("Url", 'args.x == "https://h/"', url) == YES


@pytest.mark.parametrize("url", ["http://h/", "https://h:444/", "https://h/?", "https://h/#", "https://h/a", "https://h.h/"])
def test_other_urls_are_not(url: str) -> None:
    assert answer("Url", 'args.x == "https://h/"', url) == NO


def test_a_scheme_is_what_it_says() -> None:
    for url in ("javascript://h/", "file://h/etc", "gopher://h/", "https+evil://h/"):
        assert answer("Url", 'args.x.scheme in {"http", "https"}', url) == NO


@pytest.mark.parametrize("url", ["https://u@h/", "https:\\\\h", "h", "https://h/%2f", " https://h/", "https://127.1/"])
def test_a_policy_cannot_name_such_a_url(url: str) -> None:
    quoted = url.replace("\\", "\\\\")
    text = f'subject User\nresource Doc\naction read on Doc (x: Url)\nforbid f {{ subject User action read resource Doc when args.x == "{quoted}" }}\n'
    assert all(code.startswith("KYN2") for code in refusal(text))
