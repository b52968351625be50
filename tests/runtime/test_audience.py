"""What a caller is told: enough to go on, and nothing of the policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.runtime.audience import agent_reason
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

TEXT = """
permit secret_name "A secret description" {
  subject User with role editor action pay resource Doc
  scope subject.tenant == resource.tenant
  when args.amount <= resource.price
}
require approval hidden_approval {
  subject any action pay resource any when args.amount > 2.00 from User with role editor
}
forbid hidden_forbid { subject any action pay resource Doc when resource.kind == "hidden constant" }
"""
POLICIES = program(TEXT)


def told(request: Any) -> dict[str, str]:
    return agent_reason(POLICIES.decide(request), request).to_dict()


def pay(amount: str, **changes: Any) -> dict[str, Any]:
    return ask(changes.pop("person", ALICE), action="pay", args={"amount": amount}, **changes)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pay("1.00"), "allowed"),
        (pay("2.50"), "approval-required"),
        (pay("9.00"), "not-permitted"),
        (pay("1.00", resource=having(DOC, kind="hidden constant")), "not-permitted"),
        (pay("1.00", person=BOT), "not-permitted"),
        (pay("1.00", resource=having(DOC, price=None)), "incomplete-request"),
        (pay("1,00"), "invalid-request"),
        ({}, "invalid-request"),
        (None, "invalid-request"),
    ],
)
def test_the_reason_is_stable(request_: Any, reason: str) -> None:
    assert told(request_)["reason"] == reason


def test_an_argument_that_is_wrong_is_named_and_nothing_else_is() -> None:
    assert "action.properties.amount" in told(pay("1,00"))["message"]
    assert "resource" not in told(pay("1.00", resource=having(DOC, price="x")))["message"]


def test_a_forbid_reads_like_no_permit() -> None:
    forbidden = told(pay("1.00", resource=having(DOC, kind="hidden constant")))
    assert forbidden == told(pay("9.00"))


VALUES = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x3FF), min_size=1, max_size=12)


@given(identity=VALUES, tenant=VALUES, amount=st.sampled_from(["1.00", "2.50", "9.00", "x"]), drop=st.booleans())
def test_nothing_but_what_the_request_said(identity: str, tenant: str, amount: str, drop: bool) -> None:
    doc = {**having(DOC, tenant=tenant, price=None if drop else "2.50"), "id": identity}
    request = pay(amount, resource=doc)
    text = json.dumps(told(request), ensure_ascii=False)
    for secret in ("secret", "hidden", "f1.", "price", "editor", "2.00", "scope", "role", "acme"):
        assert secret not in text.replace(identity, "").replace(tenant, "")


def test_long_and_unprintable_names_do_not_reach_the_text() -> None:
    request = pay("9.00", resource={**DOC, "id": "x" * 10_000})
    assert len(told(request)["message"]) < 300
    assert "\x1b" not in told(pay("9.00", resource={**DOC, "id": "\x1b[31m"}))["message"]
