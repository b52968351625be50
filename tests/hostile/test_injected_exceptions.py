"""An exception at any node of a program, whenever it comes, never yields a more permissive decision.

Generated code is rewritten so that every node of every expression goes through one function, which raises at the n-th
evaluation, from the n-th on, or whenever one node is evaluated, for every n and every node of random programs. What is promised
of all programs is asked again while a node is broken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kynara_lang.compiler import codegen, fused, ir
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.semantics.problems import EvaluationError
from tests.fuzz.choices import Chosen
from tests.hostile.asking import NOW, door
from tests.properties.generate import checked, program
from tests.properties.requests import Caller
from tests.properties.vocabulary import readable

ERRORS: tuple[Callable[[], Exception], ...] = (
    lambda: EvaluationError("overflow", "made on purpose"),
    lambda: ZeroDivisionError("made on purpose"),
    lambda: KeyError("made on purpose"),
    lambda: StopIteration("made on purpose"),
    lambda: RecursionError("made on purpose"),
    lambda: MemoryError("made on purpose"),
    lambda: TypeError("made on purpose"),
)
PROGRAMS, REQUESTS, MOST = 40, 6, 200
KINDS = {"Const", "Root", "Local", "Read", "Present", "Apply", "Not", "And", "Or", "Collect", "Each"}


class Spy:
    """Counts evaluations of nodes, and raises where it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.raised = 0
        self.sites: list[str] = []
        self.raises: Callable[[int, str], bool] = lambda number, site: False
        self.error = ERRORS[0]

    def __call__(self, site: str, value: Any) -> Any:
        """Pass a value on, or raise."""
        self.count += 1
        self.sites.append(site)
        if self.raises(self.count, site):
            self.raised += 1
            raise self.error()
        return value

    def watch(self, decide: Callable[[], Decision], raises: Callable[[int, str], bool]) -> Decision:
        """Decide while raising somewhere."""
        self.count, self.raised, self.sites, self.raises = 0, 0, [], raises
        return decide()


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    """Let every node of generated code go through a spy; its site is its content, so that two programs share it."""
    made = Spy()

    def watched(plain: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
        def expr(self: codegen.Writer, node: Any) -> str:
            return f"spy({self.constant(repr(node))}, {plain(self, node)})"

        return expr

    for writer in (codegen.Writer, fused._Writer):
        monkeypatch.setattr(writer, "expr", watched(writer.expr))
    monkeypatch.setitem(codegen.NAMESPACE, "spy", made)
    return made


def evidence(policies: PolicySet, request: Any) -> list[Any]:
    """Return approvals of every rule that asks for one by everybody who could give it."""
    try:
        digest = policies.approval_digest(request)
    except Exception:  # the request is malformed, or nobody could approve it
        return []
    kinds = [kind.external for kind in policies.program.types.values() if kind.kind == "subject"]
    people = [{"type": kind, "id": f"approver-{i}"} for kind in kinds for i in range(2)]
    rules = [rule.name for rule in policies.program.rules if rule.effect == "require_approval"]
    expires = request["context"].get("now") if isinstance(request.get("context"), dict) else None
    given = {"digest": digest, "approvers": people, "expires": str(expires or NOW)[:19].replace("T10", "T11") + "Z"}
    return [{"rule": rule, **given} for rule in rules]


def hold(expected: Decision, found: Decision, spy: Spy, request: Any) -> None:
    """Fail where an exception gave more than there was without it, or was not told although it made a difference."""
    assert found.effect.rank <= expected.effect.rank, f"{expected}\n{found}\n{readable(request)}"
    if found.effect is not expected.effect:
        assert spy.raised
        assert found.errors, f"nobody is told why\n{expected}\n{found}"


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_an_exception_anywhere_never_widens(number: int, spy: Spy) -> None:
    draw, chance = Chosen(f"injected-{number}"), random.Random(number)
    made = program(draw)
    caller = Caller(draw, made.schema)
    policies = PolicySet(made.check(), Entities.from_list(caller.store() if draw.chance(30) else []))
    for request in [caller.request(bent=0) for _ in range(REQUESTS)]:
        given = evidence(policies, request)

        def decide(request: Any = request, given: list[Any] = given) -> Decision:
            return policies.decide(request, given) if given else policies.decide(request)

        expected = spy.watch(decide, lambda n, site: False)
        evaluated, sites = spy.count, sorted(set(spy.sites))
        places = range(1, evaluated + 1)
        for n in places if evaluated <= MOST else sorted(chance.sample(places, MOST)):
            spy.error = ERRORS[n % len(ERRORS)]
            hold(expected, spy.watch(decide, lambda count, site, n=n: count == n), spy, request)
            hold(expected, spy.watch(decide, lambda count, site, n=n: count >= n), spy, request)
        for broken in sites:
            spy.error = ERRORS[len(broken) % len(ERRORS)]
            hold(expected, spy.watch(decide, lambda count, site, broken=broken: site == broken), spy, request)
        spy.watch(decide, lambda n, site: False)


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_every_promise_holds_while_a_node_is_broken(number: int, spy: Spy) -> None:
    """Without a permit nothing is allowed, one more forbid or approval does not widen, and a chain gets no more than its parts."""
    draw = Chosen(f"promises-{number}")
    made = program(draw)
    caller = Caller(draw, made.schema)
    store = Entities.from_list(caller.store() if draw.chance(30) else [])
    narrower = made.files()
    narrower["main.kyn"] += made.author.rule("extra", draw.pick(("forbid", "require approval")))
    plain, narrowed = PolicySet(made.check(), store), PolicySet(checked(narrower), store)
    without = PolicySet(made.check(only=("forbid", "require approval")), store)
    for request in [caller.request(bent=0) for _ in range(REQUESTS)]:
        whole = [request, *parts(request)]
        spy.watch(lambda whole=whole: [p.decide(r) for r in whole for p in (plain, narrowed)], lambda n, site: False)  # type: ignore[arg-type,return-value,misc]
        for at, broken in enumerate(sorted(set(spy.sites))):
            spy.error = ERRORS[at % len(ERRORS)]

            def decided(policies: PolicySet, one: Any, broken: str = broken) -> Any:
                return spy.watch(lambda: policies.decide(one), lambda n, site: site == broken).effect

            found = [decided(plain, one) for one in whole]
            context = f"{broken}\n{narrower}\n{readable(request)}"
            assert all(found[0].rank <= direct.rank for direct in found[1:]), context
            assert decided(narrowed, request).rank <= found[0].rank, context
            assert decided(without, request).value == "deny", context
        spy.raises = lambda n, site: False


def parts(request: Any) -> list[Any]:
    """Return a request as each of those would make it directly whom somebody acts for."""
    found, subject = [], request["subject"]
    while "on_behalf_of" in subject:
        subject = subject["on_behalf_of"]
        found.append({**request, "subject": subject})
    return found


def test_every_kind_of_node_was_broken() -> None:
    """A test of the tests: programs that lack a kind of node say nothing about it."""
    assert {kind.__name__ for kind in vars(ir).values() if isinstance(kind, type) and issubclass(kind, ir.Expr)} - {"Expr", "Shown"} == KINDS
    seen: set[str] = set()
    for number in range(PROGRAMS):
        policies = PolicySet(program(Chosen(f"injected-{number}")).check())
        list(policies._engine.warm())
        for bucket in policies._engine._buckets.values():
            guards = [guard.condition for test in bucket.bucket.tests for guard in test.guards]
            seen |= {type(node).__name__ for guard in guards for node in ir.descend(guard)}
    assert seen == KINDS


RULES = """\
subject User { level: Int }
resource Doc { level: Int }
action read on Doc
permit p { subject User action read resource Doc scope subject.level > 1 }
forbid f { subject User action read resource Doc when resource.level > 5 }
require approval a { subject User action read resource Doc when resource.level > 3 from User where approver.level > 1 }
"""


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e()).__name__)
def test_each_effect_does_what_the_language_says_of_an_error(error: Callable[[], Exception], spy: Spy) -> None:
    policies = door(RULES).policies
    request = {
        "subject": {"type": "User", "id": "u", "properties": {"level": 2}},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d", "properties": {"level": 1}},
        "context": {"now": NOW},
    }
    assert policies.decide(request).allowed
    spy.error = error
    found = {}
    nodes = sorted(set(spy.sites))
    for broken in nodes:
        decision = spy.watch(lambda: policies.decide(request), lambda n, site, broken=broken: site == broken)
        if len({said.rule for said in decision.errors}) == 1:  # two rules may hold the same node
            found[decision.errors[0].rule] = decision.effect.value
    assert found == {"policy.p": "deny", "policy.f": "deny", "policy.a": "require_approval"}


def test_the_spy_sees_every_node(spy: Spy) -> None:
    """A test of the test: without an evaluation to break, nothing above could fail."""
    policies = door(RULES).policies
    request = {
        "subject": {"type": "User", "id": "u", "properties": {"level": 2}},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d", "properties": {"level": 4}},
        "context": {"now": NOW},
    }
    lea = {"type": "User", "id": "lea", "properties": {"level": 3}}
    approval = {"rule": "policy.a", "digest": policies.approval_digest(request), "approvers": [lea], "expires": "2026-11-22T11:00:00Z"}
    decision = spy.watch(lambda: policies.decide(request, [approval]), lambda n, site: False)
    assert decision.allowed
    evaluated = spy.count
    assert evaluated >= 12  # three nodes at least for each of the three rules, and for the approver
    last = spy.watch(lambda: policies.decide(request, [approval]), lambda n, site: n == evaluated)
    assert last.effect.value == "require_approval"
    assert [e.rule for e in last.errors] == ["policy.a"]
