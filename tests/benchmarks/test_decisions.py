"""What the benchmark of decisions compares decides alike; nothing is timed."""

from __future__ import annotations

import json

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.strict_json import loads
from tests.benchmarks.decisions import agree
from tests.benchmarks.workloads import get


@pytest.mark.parametrize("name", ["gdrive-20", "github-20", "tinytodo-20", "abac", "agents", "roles-10", "roles-100"])
def test_rules_and_the_function_by_hand_decide_alike(name: str) -> None:
    workload = get(name)
    checked = check_sources([Source("measured.kyn", workload.text)])
    assert not checked.diagnostics
    store = None if workload.entities is None else Entities.from_list(workload.entities)
    policies = PolicySet(checked.program, store)
    agree(workload, policies.decide, [policies.request(**request) for request in workload.requests])
    agree(workload, policies.decide, workload.requests)
    agree(workload, lambda text: policies.decide(loads(text)), [json.dumps(r) for r in workload.requests])
    decided = {policies.decide(request).effect for request in workload.requests}
    assert len(decided) == 2, "a workload whose answers are all alike measures nothing"
