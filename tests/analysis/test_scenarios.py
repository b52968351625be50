"""A witness written as a test says the same request: checked, and decided, as the witness is."""

from __future__ import annotations

import json

import pytest

from kynara_lang.analysis import invariants
from kynara_lang.analysis.scenario_text import ScenarioWriter
from kynara_lang.analysis.solver import Limits
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

POLICY = """\
module shop
subject Team as "team" in Team
subject User as "user" in Team { level as "Level": Int  boss: User?  born: Time }
subject Agent { owner: User  limits: {daily: Decimal, note as "the-note": String?}  wait: Duration }
resource Order { owner: User  tags: Set<String>  paths: Set<Path>  ip: IP }
action refund as "orders/refund" on Order (amount as "the-amount": Decimal, to: Email?)
context { mfa as "mfa-verified": Bool  source: Url }
role lead as "Team Lead" extends staff
role staff
permit a "d" { subject User in Team::"support" with role lead action refund resource Order
  scope resource.owner == subject and resource.owner.level > 2 when args.amount > subject.level * 1.00
  when context.mfa and context.source.host within "example.com" and "vip" in resource.tags }
permit b "d" { subject Agent action refund resource Order scope delegated and subject.owner == delegator
  when subject.limits.daily >= args.amount and subject.wait > 4h when args has to and args.to.domain within "a.org" }
"""


@pytest.mark.parametrize("kind", ["User", "Agent"])
def test_a_witness_becomes_a_test(kind: str) -> None:
    text = f"{POLICY}\ninvariant never_so {{ never allow subject {kind} action refund resource Order }}"
    program = check_sources([Source("shop.kyn", text)]).program
    found = invariants.prove(program, program.invariants[0], Replay(program), Limits())
    assert found.request is not None
    written = ScenarioWriter(program).test(found.request, "deny", 'it is "so"', "never_so")
    checked = check_sources([Source("shop.kyn", text), Source("found.kyn", written)])
    assert [d.message for d in checked.diagnostics] == [], written
    assert len(checked.program.tests) == 1
    assert json.dumps(found.request["action"]["properties"]["the-amount"]).strip('"') in written
