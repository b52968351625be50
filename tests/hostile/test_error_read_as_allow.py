"""Error read as allow: what goes wrong while a decision is made is taken for permission.

Seen wherever a caller asks "was it denied?" instead of "was it allowed?": a library returns null, raises, or gives an
object that is true, and the gate stays open. CWE-636, "not failing securely".
"""

from __future__ import annotations

from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.runtime import engine, evidence, policyset
from tests.hostile.asking import FAULT, answer, call, codes, door

TOP = 2**63 - 1
FAULTS = [
    ("Int", "args.x + 1 > 0", TOP, "overflow"),
    ("Int", "not (args.x + 1 > 0)", TOP, "overflow"),
    ("Int", "args.x + 1 > 0 or true", TOP, "overflow"),
    ("Int", "not (args.x + 1 < 0 and false)", TOP, "overflow"),
    ("Int", "-args.x < 0", -TOP - 1, "overflow"),
    ("Int", "args.x * args.x >= 0", 2**62, "overflow"),
    ("Decimal", "args.x * args.x >= 0.00", "0.0001", "inexact"),
    ("Time", "args.x + 1d > args.x", "9999-12-31T00:00:00Z", "time-range"),
    ("Time", 'args.x.hour("Pacific/Kiritimati") >= 0', "9999-12-31T23:00:00Z", "time-range"),
    ("Url", "args.x.port != 0", "foo://example.com/", "no-port"),
    ("Set<Int>", "any n in args.x: n + 1 > 0", [1, TOP], "overflow"),
    ("Set<Int>", "all n in args.x: n + 1 > 0", [TOP], "overflow"),
]


@pytest.mark.parametrize(("kind", "condition", "value", "code"), FAULTS)
def test_an_evaluation_error_is_no_permission(kind: str, condition: str, value: Any, code: str) -> None:
    assert answer(kind, condition, value) == FAULT
    text = f"subject User\nresource Doc\naction read on Doc (x: {kind})\n"
    permits = door(text + f'permit p {{ subject User action read resource Doc scope any "t" when {condition} }}\n')
    assert codes(permits.ask(call(value))) == [code]


def test_what_comes_before_an_error_is_still_said() -> None:
    """`false and ERROR` is false and `true or ERROR` true: the left side decides, as the language says."""
    assert answer("Int", "args.x < 0 and args.x + 1 > 0", TOP) == "no"
    assert answer("Int", "args.x > 0 or args.x + 1 > 0", TOP) == "yes"


class Unread(Exception):
    """What no part of the decision point knows."""


RAISED = (Unread, KeyError, TypeError, RecursionError, MemoryError, ZeroDivisionError, StopIteration)
PLACES: list[tuple[Any, str]] = [
    (policyset, "read_shape"),
    (policyset, "validate"),
    (engine.Engine, "buckets"),
    (engine.Engine, "needs"),
    (engine.Engine, "views"),
    (engine.Engine, "link"),
    (engine.tree, "bucket"),
    (policyset.canonical, "approval_digest"),
    (evidence, "read"),
    (evidence, "approved_by"),
]
PROGRAM = """\
subject User
resource Doc
action read on Doc (x: Int)
permit p { subject User action read resource Doc scope any "t" }
require approval q { subject User action read resource Doc when args.x == 1 from User }
"""


@pytest.mark.parametrize("error", RAISED, ids=lambda e: e.__name__)
@pytest.mark.parametrize(("owner", "name"), PLACES, ids=[name for _, name in PLACES])
def test_a_decision_point_that_breaks_anywhere_denies(
    owner: Any, name: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = kynara.loads(PROGRAM)
    approval = {"rule": "policy.q", "digest": policies.approval_digest(call(1)), "approvers": [{"type": "User", "id": "v"}]}
    given = [{**approval, "expires": "2026-11-22T11:00:00Z"}]
    assert policies.decide(call(1), given).allowed

    def breaks(*_: Any, **__: Any) -> Any:
        raise error("broken on purpose")

    monkeypatch.setattr(owner, name, breaks)
    decision = kynara.loads(PROGRAM).decide(call(1), given)
    assert decision.effect is kynara.Effect.DENY
    assert codes(decision) == ["internal-error"]
    assert "broken on purpose" not in str(decision.to_dict()), "what an exception says may be a secret"


def test_a_decision_is_not_true_by_itself() -> None:
    """`if policies.decide(request):` must not pass for a denial."""
    denied = kynara.loads(PROGRAM).decide({})
    assert denied.allowed is False
    assert str(denied.effect) == "deny"
    assert denied.effect.rank == 0
