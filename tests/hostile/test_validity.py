"""Validity boundaries: a grant that still holds at the instant it ends, or one that begins a moment early.

Certificates and tokens are accepted a second too long where `<=` stands for `<`, where seconds are compared after fractions
were cut off, or where a date is taken for local midnight. Here validity is half-open, compared in nanoseconds of UTC with
`context.now`, and a rule outside of it does not exist, whatever its effect.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.asking import codes, door, refusal

HEAD = "subject User\nresource Doc\naction read on Doc\n"
PERMIT = 'permit p { subject User action read resource Doc scope any "t" }\n'


def request(now: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "User", "id": "u"},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d"},
        "context": {"now": now},
    }


BOUNDS = "valid from 2026-01-01 valid until 2026-12-31T12:00:00Z"
INSTANTS = [
    ("2025-12-31T23:59:59.999999999Z", False),
    ("2026-01-01T00:00:00Z", True),
    ("2026-01-01T00:00:00.000000000Z", True),
    ("2026-01-01T00:00:00.000000001Z", True),
    ("2026-01-01T00:59:59+01:00", False),
    ("2026-01-01T01:00:00+01:00", True),
    ("2025-12-31T23:00:00-01:00", True),
    ("2025-12-31T00:00:00-23:59", False),
    ("2026-12-31T11:59:59.999999999Z", True),
    ("2026-12-31T12:00:00Z", False),
    ("2026-12-31T12:00:00.000000001Z", False),
    ("2026-12-31T12:59:59+01:00", True),
    ("2026-12-31T13:00:00+01:00", False),
    ("0001-01-01T00:00:00Z", False),
    ("9999-12-31T23:59:59.999999999Z", False),
]


@pytest.mark.parametrize(("now", "inside"), INSTANTS)
def test_validity_is_half_open_for_every_effect(now: str, inside: bool) -> None:
    permit = door(HEAD + f'permit q {{ subject User action read resource Doc scope any "t" {BOUNDS} }}\n')
    assert permit.effect(request(now)) == ("allow" if inside else "deny")
    forbid = door(HEAD + PERMIT + f"forbid f {{ subject User action read resource Doc {BOUNDS} }}\n")
    assert forbid.effect(request(now)) == ("deny" if inside else "allow")
    approval = door(HEAD + PERMIT + f"require approval a {{ subject User action read resource Doc {BOUNDS} from User }}\n")
    assert approval.effect(request(now)) == ("require_approval" if inside else "allow")


BAD_NOW = [None, "", 0, 1767225600, True, "now", "2026-06-01", "2026-06-01T00:00:00", "2026-06-01T00:00:00z ", "2026-06-01 00:00:00Z", "2026-6-1T0:0:0Z",
           "2026-06-01T24:00:00Z", "2026-02-30T00:00:00Z", "2026-06-01T00:00:00+24:00", "2026-06-01T00:00:00.0000000001Z", "-2026-06-01T00:00:00Z",
           "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "２０２６-06-01T00:00:00Z", "2026-06-01T00:00:00\u2212" + "01:00", ["2026-06-01T00:00:00Z"]]  # fmt: skip


@pytest.mark.parametrize("now", BAD_NOW, ids=repr)
def test_a_time_that_is_none_refuses_the_request(now: Any) -> None:
    for text in (
        HEAD + f'permit q {{ subject User action read resource Doc scope any "t" {BOUNDS} }}\n',
        HEAD + PERMIT + f"forbid f {{ subject User action read resource Doc {BOUNDS} }}\n",
    ):
        decision = door(text).ask(request(now))
        assert decision.effect.value == "deny"
        assert codes(decision)[0] in ("wrong-type", "invalid-value")


def test_a_rule_outside_its_validity_is_not_in_error_either() -> None:
    """It does not exist, so that what it would stumble over does not matter."""
    head = "subject User\nresource Doc { size: Int }\naction read on Doc\n"
    broken = "when resource.size + 9223372036854775807 > 0"
    text = head + PERMIT + f"forbid f {{ subject User action read resource Doc valid until 2026-01-01 {broken} }}\n"
    asked = {**request("2026-06-01T00:00:00Z"), "resource": {"type": "Doc", "id": "d", "properties": {"size": 1}}}
    assert (door(text).effect(asked), codes(door(text).ask(asked))) == ("allow", [])
    asked["context"] = {"now": "2025-06-01T00:00:00Z"}
    assert (door(text).effect(asked), codes(door(text).ask(asked))) == ("deny", ["overflow"])


@pytest.mark.parametrize("bounds", ["valid from 2027-01-01 valid until 2026-01-01", "valid from 2026-01-01 valid until 2026-01-01"])
def test_a_validity_that_never_is_matches_never(bounds: str) -> None:
    asked = door(HEAD + f'permit q {{ subject User action read resource Doc scope any "t" {bounds} }}\n')
    for now in ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"):
        assert asked.effect(request(now)) == "deny"


@pytest.mark.parametrize("bound", ["valid until 2026-02-30", 'valid until "2026-01-01"', "valid until 2026-01-01T00:00:00", "valid until context.now", "valid until 4h"])
def test_a_bound_is_an_instant(bound: str) -> None:
    assert refusal(HEAD + f"forbid f {{ subject User action read resource Doc {bound} }}\n")
