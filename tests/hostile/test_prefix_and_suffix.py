"""Prefix and suffix matches that are not containment: `/work-evil` begins with `/work`, `notexample.com` ends like another.

The file server for agents of CVE-2025-53110 compared the beginnings of paths; allow-lists of redirects and of origins that
end in a domain without the dot are found every year. `within` works by segments, labels, bits and members instead, and
where only letters can be compared, the checker does not let paths, hosts, URLs and addresses be compared by them.
"""

from __future__ import annotations

import pytest

from tests.hostile.asking import NO, NOW, YES, answer, door, refusal

CONTAINED = [
    ("Path", "/work", ["/work", "/work/a", "/work/a/b"], ["/work-evil", "/workshop", "/wor", "/", "/a/work", "work"]),
    ("Path", "/work/a", ["/work/a", "/work/a/b"], ["/work/ab", "/work", "/work/a-b/c"]),
    ("Host", "example.com", ["example.com", "a.example.com"], ["notexample.com", "example.com.net", "com", "a-example.com", "xample.com"]),
    ("Host", "a.example.com", ["a.example.com", "b.a.example.com"], ["aa.example.com", "example.com", "b-a.example.com"]),
    ("Host", "com", ["com", "example.com"], ["com.net", "telecom", "example.telecom"]),
    ("Host", "10.0.0.1", ["10.0.0.1"], ["110.0.0.1", "10.0.0.10", "10.0.0.11"]),
    ("IP", "10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["100.0.0.1", "11.0.0.0", "9.255.255.255", "1.0.0.0", "::a00:1"]),
    ("IP", "10.0.0.1", ["10.0.0.1"], ["10.0.0.10", "10.0.0.100", "110.0.0.1", "10.0.0.0"]),
    ("IP", "10.0.0.0/31", ["10.0.0.0", "10.0.0.1"], ["10.0.0.2", "10.0.0.10", "10.0.0.11"]),
    ("IP", "2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db80::1", "2001:db9::", "2001:db7:ffff::"]),
    ("IP", "0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1", "2001:db8::1"]),
    ("IP", "::/0", ["::", "::1", "ffff::"], ["10.0.0.1", "::ffff:10.0.0.1"]),
]


@pytest.mark.parametrize(("kind", "place", "inside", "outside"), CONTAINED)
def test_containment_is_by_parts_and_not_by_letters(kind: str, place: str, inside: list[str], outside: list[str]) -> None:
    for value in inside:
        assert answer(kind, f'args.x within "{place}"', value) == YES, value
    for value in outside:
        assert answer(kind, f'args.x within "{place}"', value) == NO, value


@pytest.mark.parametrize("kind", ["Path", "Host", "Url", "Email", "IP"])
@pytest.mark.parametrize(
    "condition",
    ['args.x like "/work*"', 'args.x.starts_with("a")', 'args.x.ends_with("a")', 'args.x.contains("a")', "args.x.lower() == args.x", 'args.x like "*example.com"'],
)
def test_letters_of_what_has_parts_cannot_be_compared(kind: str, condition: str) -> None:
    text = f"subject User\nresource Doc\naction read on Doc (x: {kind})\nforbid f {{ subject User action read resource Doc when {condition} }}\n"
    assert all(code.startswith("KYN2") for code in refusal(text))


def test_groups_contain_by_membership_and_not_by_name() -> None:
    text = """\
subject Team in Team
subject User in Team
resource Doc
action read on Doc (x: String)
permit p { subject User in Team::"eng" action read resource Doc scope any "t" }
"""
    asked = door(text)
    for name, expected in (("eng", "allow"), ("eng/backend", "deny"), ("eng.backend", "deny"), ("engineering", "deny"), ("en", "deny"), ("Team::eng", "deny")):
        request = {
            "subject": {"type": "User", "id": "u", "parents": [{"type": "Team", "id": name}]},
            "action": {"name": "read", "properties": {"x": ""}},
            "resource": {"type": "Doc", "id": "eng"},
            "context": {"now": NOW},
        }
        assert asked.effect(request) == expected


def test_a_prefix_of_actions_goes_by_whole_segments() -> None:
    text = """\
subject User
resource Doc
action crm.read, crm.contacts.read, crmx.read, crm_admin.drop, xcrm.read on Doc
permit p { subject User action crm.* resource Doc scope any "t" }
"""
    asked = door(text)
    for name, expected in (("crm.read", "allow"), ("crm.contacts.read", "allow"), ("crmx.read", "deny"), ("crm_admin.drop", "deny"), ("xcrm.read", "deny")):
        request = {"subject": {"type": "User", "id": "u"}, "action": {"name": name}, "resource": {"type": "Doc", "id": "d"}}
        assert asked.effect(request) == expected


def test_letters_of_a_text_are_compared_as_they_are() -> None:
    assert answer("String", 'args.x.starts_with("ab")', "ab") == YES
    assert answer("String", 'args.x.starts_with("ab")', "a") == NO
    assert answer("String", 'args.x.ends_with("ab")', "b") == NO
    assert answer("String", 'args.x.contains("ab")', "a\0b") == NO
    assert answer("String", 'args.x.contains("")', "") == YES
    assert answer("String", 'args.x.starts_with("é")', "e\u0301") == NO
