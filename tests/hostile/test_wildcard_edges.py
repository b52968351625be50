"""Wildcards at the edges: a star that matches nothing, too much, or what stands for a star.

In IAM policies `*` runs across `/` and `:`, so `bucket*` is also another bucket; certificates were taken for `*.com`;
globs with many stars took exponential time. Here there is one wildcard, `*`, in `like` on String only; a dotted prefix
`crm.*` of actions goes by whole segments; and time is linear.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.asking import DECLARED, NO, PERMIT, YES, answer, call, door, refusal

GLOBS = [
    ("*", "", YES),
    ("*", "a\nb\0c", YES),
    ("**", "", YES),
    ("***a***", "a", YES),
    ("", "", YES),
    ("", "a", NO),
    ("a*", "a", YES),
    ("a*", "A", NO),
    ("a*", "ba", NO),
    ("*a", "a", YES),
    ("*a", "ab", NO),
    ("*a", "a\n", NO),
    ("a*a", "a", NO),
    ("a*a", "aa", YES),
    ("a*a", "aba", YES),
    ("ab*ba", "aba", NO),
    ("ab*ba", "abba", YES),
    ("a*b*c", "abc", YES),
    ("a*b*c", "acb", NO),
    ("a*b*c", "axbxbxc", YES),
    ("*ab*ab*", "ab", NO),
    ("*ab*ab*", "aab", NO),
    ("*ab*ab*", "abab", YES),
    ("*.example.com", "example.com", NO),
    ("*.example.com", ".example.com", YES),
    ("*.example.com", "evil.net/.example.com", YES),  # why hosts cannot be compared like this
    ("a.b", "axb", NO),
    ("a?b", "axb", NO),
    ("a?b", "a?b", YES),
    ("[ab]", "a", NO),
    ("[ab]", "[ab]", YES),
    ("a|b", "a", NO),
    ("(a)", "a", NO),
    ("^a$", "a", NO),
    ("a+", "aa", NO),
    ("{a,b}", "a", NO),
    ("%", "a", NO),
    ("_", "a", NO),
    ("\\\\*", "*", NO),  # there is no escape: this is a backslash and anything
    ("\\\\*", "\\x", YES),
    ("a*", "a*", YES),
    ("~*", "~", YES),
    ("é*", "e\u0301x", NO),
]


@pytest.mark.parametrize(("glob", "text", "expected"), GLOBS)
def test_a_star_is_any_run_of_characters_and_nothing_else_is_special(glob: str, text: str, expected: str) -> None:
    assert answer("String", f'args.x like "{glob}"', text) == expected
    assert answer("String", f'not args.x like "{glob}"', text) == (NO if expected == YES else YES)


def test_a_star_in_a_request_is_a_star() -> None:
    """The wildcard is the policy's; what a request carries matches itself."""
    for value in ("*", "a*", "admin*", "%", ".*"):
        assert answer("String", 'args.x == "admin"', value) == NO
        assert answer("String", 'args.x in {"admin", "root"}', value) == NO
        assert answer("String", 'args.x like "admin"', value) == NO
        assert answer("Set<String>", 'args.x.contains_any({"admin"})', [value]) == NO
    head = "subject User\nresource Doc\naction read on Doc (x: String)\n"
    asked = door(head + 'permit p { subject User::"a" action read resource Doc::"d" scope any "t" }\n')
    for member in ("subject", "resource"):
        request = call("")
        request["subject"]["id"] = "a"
        assert asked.effect(request) == "allow"
        for identity in ("*", "a*", "%", "any"):
            request[member]["id"] = identity
            assert asked.effect(request) == "deny"


@pytest.mark.parametrize("glob", ["args.x", "subject", '"a" + "*"', "5", '{"a*"}'])
def test_a_glob_is_a_constant_of_the_policy(glob: str) -> None:
    """A pattern that comes with the request would be the caller's own wildcard."""
    text = f"subject User\nresource Doc\naction read on Doc (x: String)\nforbid f {{ subject User action read resource Doc when args.x like {glob} }}\n"
    assert refusal(text)


PREFIXES = ["crm*", "c*.read", "*.read", "*", "crm.*.read", "crm.**", ".crm", "crm."]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_of_actions_ends_with_its_star_after_a_dot(prefix: str) -> None:
    text = f"subject User\nresource Doc\naction crm.read, crm.contacts.read on Doc\nforbid f {{ subject User action {prefix} resource Doc }}\n"
    assert refusal(text)


def test_a_prefix_that_covers_nothing_is_an_error() -> None:
    text = "subject User\nresource Doc\naction crm.read on Doc\nforbid f { subject User action crn.* resource Doc }\n"
    assert refusal(text)


@settings(max_examples=150, deadline=None)
@given(st.text("ab*", max_size=8), st.text("ab*", max_size=10))
def test_globs_agree_with_regular_expressions(glob: str, text: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, glob.split("*"))), text, re.DOTALL) is not None
    permit = PERMIT.replace("CONDITION", f'args.x like "{glob}"')
    policies = door(DECLARED.replace("KIND", "String") + permit).policies
    assert policies.decide(call(text)).allowed is wanted


def test_many_stars_take_no_more_time_than_few() -> None:
    """`*a*a*a*…b` against `aaaa…` is what backtracking never finishes."""
    for glob, text in (("*a" * 2000 + "*b", "a" * 1_000_000), ("*" * 8000, "a" * 1_000_000), ("*ab" * 1000, "aba" * 300_000)):
        permit = PERMIT.replace("CONDITION", f'args.x like "{glob}"')
        policies = door(DECLARED.replace("KIND", "String") + permit).policies
        start = time.process_time()
        assert policies.decide(call(text)).allowed is (glob == "*" * 8000)
        assert time.process_time() - start < 10
