"""What is compiled at the first request: the same by many threads at once, all of it by `warm`, nothing left for later."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kynara_lang.compiler import codegen, fused
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

RULES = (
    "".join(
        f'permit p{i} {{ subject User, Agent action read resource Doc scope any "t" when resource.kind == "k{i}" }}\n'
        f'forbid f{i} {{ subject User action read resource Doc when resource.kind == "k{i}" and resource.size > {i * 5} }}\n'
        for i in range(40)
    )
    + "require approval w { subject any action read resource Doc when resource.size == 3 from User }\n"
)


def requests() -> list[Any]:
    people = [(ALICE,), (BOT,), (BOT, ALICE)]
    docs = [having(DOC, kind=f"k{i % 41}", size=size) for i in range(0, 41, 3) for size in (3, 50)]
    return [ask(*chain, resource=doc) for chain in people for doc in docs]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient")
def test_threads_that_come_first_together_decide_alike() -> None:
    asked = requests()
    expected = [program(RULES).decide(request) for request in asked]
    assert len({d.effect for d in expected}) == 3
    for _ in range(5):
        policies = program(RULES)
        found: list[list[Any]] = []
        together = threading.Barrier(8)

        def work(policies: PolicySet = policies, together: threading.Barrier = together, at: Any = found) -> None:
            together.wait()
            prepared = [policies.request(**request) for request in asked]
            at.append([policies.decide(one) for pair in zip(asked, prepared, strict=True) for one in pair])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [[d for d in expected for _ in range(2)]] * 8


def test_warm_leaves_nothing_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    policies = program(RULES)
    policies.warm()

    def never(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("something was compiled after `warm`")

    monkeypatch.setattr(fused, "compiled", never)
    monkeypatch.setattr(codegen, "function", never)
    for request in requests():
        found = policies._plain.decide(request)
        assert found is not None
        assert found.decision == policies.decide(request) == policies.decide(policies.request(**request))


def test_decisions_of_one_rule_are_one_object() -> None:
    """No decision is made anew for a request, so what is kept does not grow with requests."""
    policies = program(RULES)
    first = ask(resource=having(DOC, kind="k9", size=1))
    second = ask({**ALICE, "id": "someone"}, resource=having(DOC, kind="k9", size=2))
    assert policies.decide(first) is policies.decide(second)
    chained = ask(BOT, ALICE, resource=having(DOC, kind="k9", size=1))
    assert policies.decide(chained) is policies.decide(chained)
