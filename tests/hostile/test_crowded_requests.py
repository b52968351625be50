"""Requests crowded with members that nobody knows: each is compared with what it may be a misspelling of, which takes time.

Seen in Kynara itself: a request of one megabyte full of members such as `contex1` kept the decision point busy for 19 seconds,
because each was measured against every known name. More than a hundred in one object are refused without a look at any.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kynara_lang.runtime import facts, strict_json
from tests.fuzz.targets import REQUEST, policies
from tests.hostile.asking import codes
from tests.hostile.test_work_limits import calls


def crowded(count: int, name: str = "contex{}") -> dict[str, Any]:
    return {name.format(number): 1 for number in range(count)}


WHERE = {
    "the request": lambda more: {**REQUEST, **more},
    "the subject": lambda more: {**REQUEST, "subject": {**REQUEST["subject"], **more}},
    "the delegator": lambda more: {**REQUEST, "subject": {**REQUEST["subject"], "on_behalf_of": {"type": "user", "id": "lea", **more}}},
    "the resource": lambda more: {**REQUEST, "resource": {**REQUEST["resource"], **more}},
    "a parent": lambda more: {**REQUEST, "resource": {"type": "Doc", "id": "d", "parents": [{"type": "Folder", "id": "open", **more}]}},
}  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_a_crowd_of_unknown_members_is_refused(where: str) -> None:
    decision = policies().decide(WHERE[where](crowded(facts.MAX_STRANGE + 1, "zz{}")))
    assert decision.effect.value == "deny"
    assert "malformed-request" in codes(decision)
    assert any("more than 100 members here that mean nothing" in error.message for error in decision.errors)


@pytest.mark.parametrize("where", WHERE)
def test_some_unknown_members_are_ignored_as_the_interface_asks(where: str) -> None:
    decision = policies().decide(WHERE[where](crowded(facts.MAX_STRANGE, "zz{}")))
    assert not any("mean nothing" in error.message for error in decision.errors)
    assert policies().decide(WHERE[where]({})).effect == decision.effect


@pytest.mark.parametrize("where", WHERE)
def test_a_misspelt_member_is_found_in_a_crowd_that_is_let_in(where: str) -> None:
    decision = policies().decide(WHERE[where]({**crowded(facts.MAX_STRANGE - 1, "zz{}"), "onBehalfOf": {"type": "user", "id": "eve"}}))
    assert decision.effect.value == "deny"
    assert any("did you mean `on_behalf_of`?" in error.message for error in decision.errors)


@pytest.mark.parametrize("where", WHERE)
def test_a_larger_crowd_costs_no_more_than_its_text(where: str) -> None:
    for count in (8, 2_000, 8_000):
        text = json.dumps(WHERE[where](crowded(count)))
        policies().decide(strict_json.loads(text))
        assert calls(lambda text=text: policies().decide(strict_json.loads(text))) < 6 * count + 10_000
