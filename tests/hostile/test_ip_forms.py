"""IPv4-mapped IPv6, octal and short forms: one address, read as another or not at all.

Python read `010.0.0.1` as 10.0.0.1 and others as 8.0.0.1 (CVE-2021-29921), as did a widely used package of npm
(CVE-2021-28918); the package `ip` took `0x7f.1`, `127.1`, `012.1.2.3` and `::fFFf:127.0.0.1` for public addresses
(CVE-2023-42282, CVE-2024-29415). Here an address in another form is refused, and an IPv4-mapped one is the IPv4 address.
"""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.asking import NO, REFUSED, YES, answer, call, door, refusal

PRIVATE = 'args.x within {"10.0.0.0/8", "127.0.0.0/8", "::1", "fc00::/7"}'
FORMS = [
    ("10.0.0.1", YES),
    ("10.255.255.255", YES),
    ("127.0.0.1", YES),
    ("::ffff:10.0.0.1", YES),
    ("::FFFF:10.0.0.1", YES),
    ("::ffff:a00:1", YES),
    ("::fFFf:127.0.0.1", YES),
    ("0:0:0:0:0:ffff:0a00:0001", YES),
    ("0000:0000:0000:0000:0000:ffff:10.0.0.1", YES),
    ("::1", YES),
    ("0:0:0:0:0:0:0:1", YES),
    ("fd00::1", YES),
    ("9.255.255.255", NO),
    ("11.0.0.0", NO),
    ("8.8.8.8", NO),
    ("::ffff:8.8.8.8", NO),
    ("::10.0.0.1", NO),  # IPv4-compatible, long deprecated: an IPv6 address of its own
    ("::ffff:0:10.0.0.1", NO),  # IPv4-translated
    ("64:ff9b::10.0.0.1", NO),
    ("2002:a00:1::", NO),
    ("::fffe:10.0.0.1", NO),
    ("::1:ffff:10.0.0.1", NO),
    ("::", NO),
    ("010.0.0.1", REFUSED),
    ("10.0.0.01", REFUSED),
    ("10.0.0.001", REFUSED),
    ("012.1.2.3", REFUSED),
    ("0177.0.0.1", REFUSED),
    ("01200000001", REFUSED),
    ("0x0a.0.0.1", REFUSED),
    ("0xa000001", REFUSED),
    ("0x7f.1", REFUSED),
    ("127.1", REFUSED),
    ("10.1", REFUSED),
    ("10", REFUSED),
    ("167772161", REFUSED),
    ("10.0.1", REFUSED),
    ("10.0.0.0.1", REFUSED),
    ("10.0.0.256", REFUSED),
    ("10.0.0.-1", REFUSED),
    ("10.0.0.1 ", REFUSED),
    (" 10.0.0.1", REFUSED),
    ("10.0.0.1\n", REFUSED),
    ("10.0.0.1\0", REFUSED),
    ("10.0.0.1.", REFUSED),
    ("10.0.0.1:80", REFUSED),
    ("10.0.0.1/32", REFUSED),
    ("10.0.0.0/8", REFUSED),
    ("10,0,0,1", REFUSED),
    ("10。0。0。1", REFUSED),
    ("１０.0.0.1", REFUSED),
    ("١٠.0.0.1", REFUSED),
    ("²10.0.0.1", REFUSED),
    ("[::1]", REFUSED),
    ("::1%eth0", REFUSED),
    ("fe80::1%25lo", REFUSED),
    ("::ffff:010.0.0.1", REFUSED),
    ("::ffff:10.1", REFUSED),
    ("::ffff:0x0a000001", REFUSED),
    ("::ffff:10.0.0.256", REFUSED),
    ("::00001", REFUSED),
    (":::1", REFUSED),
    ("1::2::3", REFUSED),
    ("::g", REFUSED),
    ("localhost", REFUSED),
    ("", REFUSED),
]


@pytest.mark.parametrize(("address", "expected"), FORMS, ids=ascii)
def test_an_address_is_read_in_its_plain_form_only(address: str, expected: str) -> None:
    assert answer("IP", PRIVATE, address) == expected


def test_equality_and_sets_see_the_same_address() -> None:
    for spelled in ("10.0.0.1", "::ffff:10.0.0.1", "::FFFF:0A00:1"):
        assert answer("IP", 'args.x == "10.0.0.1"', spelled) == YES
        assert answer("IP", 'args.x == "::ffff:10.0.0.1"', spelled) == YES
        assert answer("IP", 'args.x in {"::ffff:10.0.0.1"}', spelled) == YES
        assert answer("Set<IP>", "args.x.size() == 1", [spelled, "10.0.0.1"]) == YES
        assert answer("IP", 'args.x within "::ffff:10.0.0.0/104"', spelled) == YES
        assert answer("IP", 'args.x within "::/0"', spelled) == NO


BLOCKS = ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1/8", "010.0.0.0/8", "10/8", "10.0.0.0/255.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/8/8",
          "10.0.0.0-10.0.0.9", "10.0.0.*", "::ffff:0:0/95", "::/129", "fe80::%eth0/64", "10.0.0.0/8 "]  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS)
def test_a_policy_cannot_name_a_block_that_is_none(block: str) -> None:
    text = f'subject User\nresource Doc\naction read on Doc (x: IP)\nforbid f {{ subject User action read resource Doc when args.x within "{block}" }}\n'
    assert all(code.startswith("KYN2") for code in refusal(text))


TEN = 'subject User\nresource Doc\naction read on Doc (x: IP)\npermit p { subject User action read resource Doc scope any "t" when args.x within "10.32.0.0/11" }\n'
DOOR = door(TEN)
BLOCK = ipaddress.ip_network("10.32.0.0/11")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1) | st.integers(int(BLOCK[0]) - 3, int(BLOCK[-1]) + 3), st.booleans())
def test_containment_is_that_of_the_numbers(number: int, mapped: bool) -> None:
    address = ipaddress.IPv4Address(number)
    spelled = str(ipaddress.IPv6Address((0xFFFF << 32) | number)) if mapped else str(address)
    assert DOOR.policies.decide(call(spelled)).allowed is (address in BLOCK)
