"""Empty sets under `all`: what holds of every member holds where there is none.

`ForAllValues` of IAM is true for a request that leaves the key out, as its manual warns; "all recipients are ours" is true
of a message to nobody, until the tool takes an empty list for "everybody". The language keeps the logic (`all` over an
empty set holds, `any` does not), a missing set is no empty one, and a lint speaks up where a permit rests on it.
"""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from tests.hostile.asking import NO, REFUSED, YES, answer, call, codes, door

LOGIC: list[tuple[str, Any, str]] = [
    ('all s in args.x: s == "a"', [], YES),
    ('not any s in args.x: s != "a"', [], YES),
    ('any s in args.x: s == "a"', [], NO),
    ('all s in args.x: s == "a" and s == "b"', [], YES),
    ('args.x.size() > 0 and (all s in args.x: s == "a")', [], NO),
    ('args.x.size() > 0 and (all s in args.x: s == "a")', ["a"], YES),
    ('(any s in args.x: true) and (all s in args.x: s == "a")', [], NO),
    ('args.x.contains_any({"a"})', [], NO),
    ("args.x.contains_all(args.x)", [], YES),
    ('args.x.contains_all({"a"})', [], NO),
    ("args.x.contains_any(args.x)", [], NO),
    ('"a" in args.x', [], NO),
    ('"a" not in args.x', [], YES),
    ("args.x == args.x", [], YES),
    ("args.x.size() == 0", [], YES),
    ('all s in args.x: s == "a"', None, REFUSED),
    ('all s in args.x: s == "a"', "", REFUSED),
    ('all s in args.x: s == "a"', {}, REFUSED),
    ('all s in args.x: s == "a"', [None], REFUSED),
    ('all s in args.x: s == "a"', [[]], REFUSED),
    ('all s in args.x: s == "a"', ["a", "b"], NO),
    ('any s in args.x: all t in args.x: s == t', [], NO),
    ("all s in args.x: any t in args.x: s == t", [], YES),
]


@pytest.mark.parametrize(("condition", "value", "expected"), LOGIC)
def test_the_logic_of_empty_sets(condition: str, value: Any, expected: str) -> None:
    assert answer("Set<String>", condition, value) == expected


def test_a_set_that_is_left_out_is_not_an_empty_one() -> None:
    head = "subject User\nresource Doc\naction read on Doc (x: Set<String>)\n"
    asked = door(head + 'permit p { subject User action read resource Doc scope any "t" when all s in args.x: s == "a" }\n')
    without = call([])
    assert asked.effect(without) == "allow"
    del without["action"]["properties"]["x"]
    assert codes(asked.ask(without)) == ["missing-argument"]


def test_nobody_is_not_everybody() -> None:
    """No roles, no parents, no approvers: none of them is a wildcard."""
    text = """\
subject Team
subject User in Team
resource Doc
action read on Doc (x: Int)
role admin
permit p { subject User with role admin action read resource Doc scope any "t" }
permit q { subject User in Team::"ops" action read resource Doc scope any "t" }
require approval r { subject User action read resource Doc from User }
"""
    asked = door(text)
    request = call(1)
    for members in ({}, {"roles": []}, {"parents": []}, {"roles": [], "parents": [], "properties": {}}):
        assert asked.effect({**request, "subject": {"type": "User", "id": "u", **members}}) == "deny"
    admin = {**request, "subject": {"type": "User", "id": "u", "roles": ["admin"]}}
    evidence = {"rule": "policy.r", "digest": asked.policies.approval_digest(admin), "approvers": [], "expires": "2026-11-22T11:00:00Z"}
    decision = asked.ask(admin, [evidence])
    assert (decision.effect.value, codes(decision)) == ("require_approval", ["malformed-approval"])
    assert asked.effect(admin, []) == "require_approval"


EMPTY_POLICIES = ["", "\n", "# nothing\n", "subject User\n", "subject User\nresource Doc\naction read on Doc (x: Int)\n"]


@pytest.mark.parametrize("text", EMPTY_POLICIES)
def test_a_program_without_rules_denies(text: str) -> None:
    assert door(text).effect(call(1)) == "deny"


VACUOUS = """\
subject User { tenant: String }
resource Doc { tenant: String }
action send on Doc (to: Set<Email>)
permit p {
  subject User
  action send
  resource Doc
  scope subject.tenant == resource.tenant
  when all m in args.to: m.domain within "example.com"
}
"""


def test_a_permit_that_rests_on_an_empty_set_is_told() -> None:
    def found(text: str) -> list[str]:
        checked = check_sources([Source("policy.kyn", text)], lints=LintSettings())
        return [d.name for d in checked.diagnostics]

    assert "all-over-empty-set" in found(VACUOUS)
    assert "all-over-empty-set" not in found(VACUOUS.replace("  when all", "  when args.to.size() > 0\n  when all"))
