"""Deny skipped on error: a prohibition that cannot be evaluated is left out, and what it forbids goes through.

Cedar documents that a policy in error is ignored, forbids included ("skip on error"). Whoever can cause the error, by an
overflow or by an attribute left out, switches the prohibition off. Here an error makes a forbid and an approval match.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.asking import NOW, codes, door

HEAD = """\
subject User { boss: User?, level: Int }
resource Doc { size: Int, tags: Set<String>, seen: Time, link: Url }
action read on Doc (n: Int, s: String)
permit p { subject User action read resource Doc scope any "t" }
"""
TOP = 2**63 - 1
CONDITIONS = [
    ("when resource.size + args.n > 100", "overflow"),
    ("unless resource.size + args.n <= 100", "overflow"),
    ("when not (resource.size + args.n <= 100)", "overflow"),
    ("unless args.s == args.s and resource.size + args.n <= 100", "overflow"),
    ('unless args.s == "other" or resource.size + args.n <= 100', "overflow"),
    ("when all t in resource.tags: t.length() + resource.size + args.n < 0", "overflow"),
    ("unless any t in resource.tags: t.length() + resource.size + args.n > 0", "overflow"),
    ("when subject has boss and subject.boss.level > 3", "unknown-entity"),
    ('when subject has boss and (subject.boss == User::"x" or subject.boss.level > 3)', "unknown-entity"),
    ("when resource.seen + 400d > resource.seen", "time-range"),
    ("when resource.link.port == 22", "no-port"),
]


def request(**changes: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "User", "id": "u", "properties": {"level": 1, "boss": {"type": "User", "id": "nobody"}}},
        "action": {"name": "read", "properties": {"n": TOP, "s": "a"}},
        "resource": {
            "type": "Doc",
            "id": "d",
            "properties": {"size": TOP, "tags": ["a"], "seen": "9999-12-31T00:00:00Z", "link": "foo://h/"},
        },
        "context": {"now": NOW},
        **changes,
    }


@pytest.mark.parametrize(("condition", "code"), CONDITIONS)
@pytest.mark.parametrize("others", [0, 12], ids=["alone", "among others"])
def test_a_forbid_in_error_forbids(condition: str, code: str, others: int) -> None:
    # Many rules that one text tells apart become a switch, which must not jump over the one in error.
    more = "".join(f'forbid g{i} {{ subject User action read resource Doc when args.s == "k{i}" }}\n' for i in range(others))
    decision = door(HEAD + more + f"forbid f {{ subject User action read resource Doc {condition} }}\n").ask(request())
    assert (decision.effect.value, decision.rules, codes(decision)) == ("deny", ("policy.f",), [code])


@pytest.mark.parametrize("others", [0, 12], ids=["alone", "among others"])
def test_an_approval_in_error_is_asked_for(others: int) -> None:
    more = "".join(
        f'require approval g{i} {{ subject User action read resource Doc when args.s == "k{i}" from User }}\n'
        for i in range(others)
    )
    text = HEAD + more + "require approval f { subject User action read resource Doc when resource.size + args.n > 0 from User }\n"
    decision = door(text).ask(request())
    assert (decision.effect.value, decision.rules, codes(decision)) == ("require_approval", ("policy.f",), ["overflow"])


def test_an_error_behind_a_switch_counts() -> None:
    """The clause in error stands before the one that tells the rules apart."""
    rules = "".join(
        f'forbid f{i} {{ subject User action read resource Doc when resource.size + args.n > 0 when args.s == "k{i}" }}\n'
        for i in range(12)
    )
    decision = door(HEAD + rules).ask(request())
    assert decision.effect.value == "deny"
    assert set(codes(decision)) == {"overflow"}
    assert len(decision.rules) == 12


def test_what_a_forbid_reads_cannot_be_left_out() -> None:
    """An attribute that only a forbid reads is as necessary as any other: without it the request is refused."""
    asked = door(HEAD + "forbid f { subject User action read resource Doc when resource.size > 5 }\n")
    without = request()
    del without["resource"]["properties"]["size"]
    decision = asked.ask(without)
    assert (decision.effect.value, codes(decision)) == ("deny", ["missing-attribute"])


def test_a_permit_in_error_does_not_hide_a_forbid() -> None:
    text = HEAD + """
permit bad { subject User action read resource Doc scope resource.size + args.n > 0 }
forbid f { subject User action read resource Doc when args.s == "a" }
"""
    assert door(text).ask(request()).rules == ("policy.f",)
