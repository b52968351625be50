"""IP values: one integer per address, one range per block, no second spelling."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.addresses import V4, format_block, format_ip, read_block, read_ip
from kynara_lang.semantics.problems import ValueProblem


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("0.0.0.0", V4, "0.0.0.0"),
        ("10.0.0.1", V4 + 0x0A000001, "10.0.0.1"),
        ("255.255.255.255", V4 + 0xFFFFFFFF, "255.255.255.255"),
        ("::", 0, "::"),
        ("::1", 1, "::1"),
        ("2001:DB8:0::1", 0x20010DB8 << 96 | 1, "2001:db8::1"),
        ("::ffff:10.0.0.1", V4 + 0x0A000001, "10.0.0.1"),
        ("::FFFF:a00:1", V4 + 0x0A000001, "10.0.0.1"),
        ("0:0:0:0:0:ffff:0a00:0001", V4 + 0x0A000001, "10.0.0.1"),
        ("::10.0.0.1", 0x0A000001, "::a00:1"),
        ("0000:0000:0000:0000:0000:ffff:255.255.255.255", V4 + 0xFFFFFFFF, "255.255.255.255"),
    ],
)
def test_read_ip(text: str, value: int, written: str) -> None:
    assert read_ip(text) == value
    assert format_ip(value) == written


BAD = [
    ("", "is not an IP address"),
    ("localhost", "is not an IP address"),
    (" 10.0.0.1", "is not an IP address"),
    ("10.0.0.1\n", "is not an IP address"),
    ("１0.0.0.1", "is not an IP address"),
    ("0x7f.0.0.1", "is not an IP address"),
    ("-1.0.0.1", "is not an IP address"),
    ("10..0.1", "is not an IP address"),
    ("10.0.1", "has four numbers"),
    ("2130706433", "has four numbers"),
    ("10.0.0.0.1", "has four numbers"),
    ("010.0.0.1", "has leading zeros"),
    ("10.0.0.00", "has leading zeros"),
    ("10.0.0.256", "has a number above 255"),
    ("10.0.0." + "9" * 8000, "has a number above 255"),
    ("fe80::1%eth0", "has a zone id"),
    ("fe80::1%", "has a zone id"),
    ("[::1]", "without brackets"),
    (":", "is not an IPv6 address"),
    (":::", "is not an IPv6 address"),
    ("1::2::3", "is not an IPv6 address"),
    ("12345::", "is not an IPv6 address"),
    ("::ffff:010.0.0.1", "is not an IPv6 address"),
    ("1:2:3:4:5:6:7:8:9", "is not an IPv6 address"),
    (":" * 8000, "is not an IPv6 address"),
    ("1" * 9000, "characters long"),
]


@pytest.mark.parametrize(("text", "fragment"), BAD)
def test_malformed_addresses_are_neither_addresses_nor_blocks(text: str, fragment: str) -> None:
    for read in (read_ip, read_block):
        with pytest.raises(ValueProblem) as caught:
            read(text)
        assert fragment in caught.value.message


def test_a_block_is_not_an_address() -> None:
    with pytest.raises(ValueProblem, match="is a block"):
        read_ip("10.0.0.0/8")


@pytest.mark.parametrize(
    ("text", "low", "high", "written"),
    [
        ("10.0.0.0/8", "10.0.0.0", "10.255.255.255", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
        ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1/32", "10.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
        ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32"),
        ("::1/128", "::1", "::1", "::1"),
        ("::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
        ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_read_block(text: str, low: str, high: str, written: str) -> None:
    block = read_block(text)
    assert block == (read_ip(low), read_ip(high))
    assert format_block(*block) == written
    assert read_block(written) == block


@pytest.mark.parametrize(
    ("text", "fragment", "suggestion"),
    [
        ("10.0.0.1/8", "`10.0.0.1/8` has host bits set", "10.0.0.0/8"),
        ("10.0.0.1/0", "has host bits set", "0.0.0.0/0"),
        ("2001:db8::1/32", "has host bits set", "2001:db8::/32"),
        ("::ffff:10.0.0.1/104", "has host bits set", "10.0.0.0/8"),
        ("10.0.0.0/", "prefix length from 0 to 32", None),
        ("10.0.0.0/33", "prefix length from 0 to 32", None),
        ("10.0.0.0/08", "prefix length from 0 to 32", None),
        ("10.0.0.0/+8", "prefix length from 0 to 32", None),
        ("10.0.0.0/-1", "prefix length from 0 to 32", None),
        ("10.0.0.0/8\n", "prefix length from 0 to 32", None),
        ("10.0.0.0/8/8", "prefix length from 0 to 32", None),
        ("10.0.0.0/255.0.0.0", "prefix length from 0 to 32", None),
        ("::/129", "prefix length from 0 to 128", None),
        ("::/" + "9" * 8000, "prefix length from 0 to 128", None),
        ("::ffff:0:0/95", "reaches beyond the IPv4-mapped addresses", None),
        ("/8", "is not an IP address", None),
    ],
)
def test_read_block_refuses(text: str, fragment: str, suggestion: str | None) -> None:
    with pytest.raises(ValueProblem) as caught:
        read_block(text)
    assert fragment in caught.value.message
    assert caught.value.suggestion == suggestion


def test_no_ipv6_block_contains_an_ipv4_address() -> None:
    low, high = read_block("::/0")
    assert not low <= read_ip("0.0.0.0") <= high
    assert not low <= read_ip("::ffff:0.0.0.0") <= high


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped address is; `ipaddress` keeps them apart."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


mapped_addresses = st.ip_addresses(v=4).map(lambda v4: ipaddress.IPv6Address(0xFFFF << 32 | int(v4)))
addresses = st.one_of(st.ip_addresses(), mapped_addresses)


@given(addresses)
def test_addresses_survive_writing(address: Address) -> None:
    value = read_ip(str(address))
    assert read_ip(format_ip(value)) == value
    assert format_ip(value) == str(unmapped(address))


@given(addresses.map(unmapped), addresses, st.integers(0, 128))
def test_blocks_agree_with_ipaddress(address: Address, other: Address, prefix: int) -> None:
    network = ipaddress.ip_network((address, min(prefix, address.max_prefixlen)), strict=False)
    low, high = read_block(str(network))
    for candidate in (address, other, network[0], network[-1]):
        assert (low <= read_ip(str(candidate)) <= high) is (unmapped(candidate) in network)
    assert read_block(format_block(low, high)) == (low, high)


@given(st.text("0123456789abf.:/%x[] ", max_size=24))
def test_only_value_problems_are_raised(text: str) -> None:
    for read in (read_ip, read_block):
        try:
            read(text)
        except ValueProblem as problem:
            assert "\n" not in problem.message
