"""What the tests of hostile input share: a program decided in every way there is, all of which must agree.

`Door.ask` decides a request by the compiled trees, by the explanation, as a prepared request, from its JSON text, and by
the oracle. `answer` puts one condition into a permit and into a forbid, so that a row of a table is tested both ways.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from attrs import frozen

import kynara_lang as kynara
from kynara_lang.runtime import strict_json
from tests import oracle

NOW = "2026-11-22T10:00:00Z"
YES, NO, REFUSED, FAULT = "yes", "no", "refused", "fault"


@frozen
class Door:
    """A program with a store, and everything that can decide a request by it."""

    policies: kynara.PolicySet
    store: list[Any] | None = None

    def ask(self, request: Any, approvals: Iterable[Any] = ()) -> kynara.Decision:
        """Decide a request in every way; they must agree, whatever the request is."""
        before = copy.deepcopy(request)
        given = list(approvals)
        decision = self.policies.decide(request, given)
        assert self.policies.decide(request, given) == decision, "asked again, it answers otherwise"
        assert self.policies.explain(request, given).decision == decision
        assert not any(e.code == "internal-error" for e in decision.errors), decision.errors
        if not given:  # what is asked without evidence may go a faster way, and must not answer otherwise
            assert self.policies.decide(request) == decision
        if not given and not _only_checked_here(decision):
            verdict = oracle.decide(self.policies.program, request, self.store)
            assert decision.effect.value == verdict.decision
            assert verdict.valid is not any(e.path is not None for e in decision.errors), decision.errors
        if _can_be_prepared(request):
            prepared = self.policies.request(**request)
            assert self.policies.decide(prepared, given) == decision
            assert given or self.policies.decide(prepared) == decision
        text = _as_json(request)
        if text is not None:
            assert self.policies.decide(strict_json.loads(text), given) == decision
        assert request == before, "deciding a request changed it"
        return decision

    def effect(self, request: Any, approvals: Iterable[Any] = ()) -> str:
        """Return `allow`, `require_approval` or `deny`."""
        return self.ask(request, approvals).effect.value


def _only_checked_here(decision: kynara.Decision) -> bool:
    """Whether a request was refused for what the oracle, which is as naive as can be, does not look at."""
    return any("did you mean" in e.message or "stands beside" in e.message for e in decision.errors)


def _can_be_prepared(request: Any) -> bool:
    parts = {"subject", "action", "resource", "context"}
    return isinstance(request, dict) and request.keys() == parts and all(isinstance(part, dict) for part in request.values())


def _as_json(request: Any) -> str | None:
    """Return the JSON text of a request, None for one that the text would not say exactly."""
    try:
        text = json.dumps(request)
        return text if repr(strict_json.loads(text)) == repr(request) else None
    except (TypeError, ValueError):
        return None


def door(text: str, store: list[Any] | None = None) -> Door:
    """Compile a program given as text."""
    entities = None if store is None else kynara.Entities.from_list(store)
    return Door(kynara.loads(text, entities=entities), store)


def codes(decision: kynara.Decision) -> list[str]:
    """Return the codes of what went wrong."""
    return [error.code for error in decision.errors]


def refusal(text: str) -> list[str]:
    """Return the codes of the errors of a program, which must have some."""
    try:
        kynara.loads(text)
    except kynara.CompileError as problem:
        return sorted({d.code for d in problem.diagnostics if d.severity is kynara.Severity.ERROR})
    raise AssertionError(f"the checker accepts\n{text}")


# --- one condition on one argument

DECLARED = """\
subject User
resource Doc
action read on Doc (x: KIND)
"""
PERMIT = 'permit p { subject User action read resource Doc scope any "tested by its condition" when CONDITION }\n'
FORBID = """\
permit q { subject User action read resource Doc scope any "everything but what is forbidden" }
forbid f { subject User action read resource Doc when CONDITION }
"""


@cache
def _doors(kind: str, condition: str) -> tuple[Door, Door]:
    made = [DECLARED + rules for rules in (PERMIT, FORBID)]
    permit, forbid = (door(text.replace("KIND", kind).replace("CONDITION", condition)) for text in made)
    return permit, forbid


def call(x: Any) -> dict[str, Any]:
    """Return a request whose argument is a value."""
    return {
        "subject": {"type": "User", "id": "u"},
        "action": {"name": "read", "properties": {"x": x}},
        "resource": {"type": "Doc", "id": "d"},
        "context": {"now": NOW},
    }


def answer(kind: str, condition: str, x: Any) -> str:
    """Return how a condition on the argument `args.x` fares: yes, no, a fault, or a request that is refused.

    A permit under it allows where the answer is yes and nowhere else; a forbid under it denies everywhere but where the
    answer is no.
    """
    permit, forbid = _doors(kind, condition)
    request = call(x)
    granted, stopped = permit.ask(request), forbid.ask(request)
    if any(error.path is not None for error in granted.errors):
        assert any(error.path is not None for error in stopped.errors)
        found = REFUSED
    elif granted.errors:
        assert codes(granted) == codes(stopped)
        found = FAULT
    else:
        found = YES if granted.allowed else NO
    assert granted.allowed is (found == YES)
    assert stopped.allowed is (found == NO)
    return found
