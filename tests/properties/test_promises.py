"""The four promises, each as a property of its own, for random programs and requests.

None of these tests asks the oracle what is right: they compare the decision point with itself.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, standard_library
from kynara_lang.runtime.decision import Decision, Effect
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet

from .generate import checked, program
from .requests import Caller
from .vocabulary import Draw, json_like, readable

REQUESTS = 6
MORE = 2**63 - 1
LIBRARY_CONDITIONS = (
    "when delegated",
    "when delegation.depth == 1",
    "unless actor == subject",
    "when context.now < 2026-11-22T10:00:00Z",
    f"when {MORE} + delegation.depth > 5",  # an error where somebody is acted for
    "when delegated and delegator == subject",
    "unless subject in subject",
)


class Case:
    """A program with a store and requests; tests draw from it what they do to them."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.made = program(draw)
        self.caller = Caller(draw, self.made.schema)
        self.store = self.caller.store() if draw.chance(30) else []
        self.requests = [self.caller.request(bent=5) for _ in range(REQUESTS)]

    def policies(self, files: dict[str, str] | None = None, libraries: Libraries | None = None) -> PolicySet:
        """Compile the program, or what became of it."""
        return PolicySet(checked(files or self.made.files(), libraries), Entities.from_list(self.store))

    def __repr__(self) -> str:
        shown = [f"--- {name}\n{text}" for name, text in self.made.files().items()]
        return "\n".join([*shown, f"store: {readable(self.store)}", *map(readable, self.requests)])


@st.composite
def cases(draw: Any) -> Case:
    return Case(Draw(draw))


def compare(after: PolicySet, before: PolicySet, requests: list[Any]) -> list[tuple[Decision, Decision]]:
    """Decide requests twice, and leave a note of what came out."""
    found = [(after.decide(request), before.decide(request)) for request in requests]
    for request, (new, old) in zip(requests, found, strict=True):
        note(f"{readable(request)}\n  before {old}\n  after  {new}")
    return found


# --- deny by default


@given(cases())
def test_nothing_is_allowed_without_a_permit(case: Case) -> None:
    policies = case.policies(case.made.files(only=("forbid", "require approval")))
    for request in case.requests:
        decision = policies.decide(request)
        assert decision.effect is Effect.DENY
        assert not decision.approvals


# --- only permit widens


@st.composite
def widened(draw: Any) -> tuple[Case, dict[str, str]]:
    """A case, and its files with one more forbid or approval."""
    case = Case(Draw(draw))
    extra = case.made.author.rule("extra", case.draw.pick(("forbid", "require approval")))
    files = case.made.files()
    files["main.kyn"] += extra
    return case, files


@given(widened())
def test_adding_a_forbid_or_an_approval_never_widens(drawn: tuple[Case, dict[str, str]]) -> None:
    case, files = drawn
    note(files["main.kyn"])
    for new, old in compare(case.policies(files), case.policies(), case.requests):
        assert new.effect.rank <= old.effect.rank


@st.composite
def libraries(draw: Any) -> str:
    """The text of a library; its permit is never named by an import."""
    source = Draw(draw)
    rules = ['permit all { subject any action any resource any scope any "a library may not say so" }']
    for i in range(1 + source.number(2)):
        effect = source.pick(("forbid", "require approval"))
        conditions = "\n".join(source.some(LIBRARY_CONDITIONS, 30))
        more = "from any" if effect == "require approval" else ""
        rules.append(f"{effect} extra_{i} {{ subject any action any resource any {conditions} {more} }}")
    return "module lib.extra\n" + "\n".join(rules)


@given(cases(), libraries())
def test_importing_a_library_never_widens(case: Case, library: str) -> None:
    shipped = standard_library()

    def find(name: str) -> Source | None:
        return Source("lib/extra.kyn", library) if name == "lib.extra" else shipped.find(name)

    note(library)
    known = Libraries(find, (*shipped.names, "lib.extra"))
    files = {name: f"import lib.extra\nimport std.tenancy\n{text}" for name, text in case.made.files().items()}
    for new, old in compare(case.policies(files, known), case.policies(), case.requests):
        assert new.effect.rank <= old.effect.rank
        assert "lib.extra.all" not in new.rules


@st.composite
def shuffled(draw: Any) -> tuple[Case, dict[str, str]]:
    """A case, and its files with everything in another order, and declarations in other files."""
    case = Case(Draw(draw))
    made = copy.copy(case.made)
    made.declarations = case.draw.shuffled(made.declarations)
    made.rules = {name: case.draw.shuffled(rules) for name, rules in made.rules.items()}
    files = made.files()
    return case, {name: files[name] for name in case.draw.shuffled(list(files))}


@given(shuffled())
def test_order_never_matters(drawn: tuple[Case, dict[str, str]]) -> None:
    case, files = drawn
    after, before = case.policies(files), case.policies()
    assert after.digest == before.digest
    for new, old in compare(after, before, case.requests):
        assert new.to_dict() == old.to_dict()


# --- non-escalation


@given(cases())
def test_acting_for_someone_never_gives_more_than_they_have(case: Case) -> None:
    policies = case.policies()
    for request in case.requests:
        whole = policies.decide(request)
        subject = request.get("subject") if isinstance(request, dict) else None
        while isinstance(subject, dict) and "on_behalf_of" in subject:
            subject = subject["on_behalf_of"]
            direct = policies.decide({**request, "subject": subject})
            note(f"{readable(request)}\n  whole  {whole}\n  direct {direct}")
            assert whole.effect.rank <= direct.effect.rank


# --- fail closed


@st.composite
def broken(draw: Any) -> tuple[Case, list[Any]]:
    """A case, and its requests bent out of shape."""
    case = Case(Draw(draw))
    return case, [case.caller.bend(case.caller.bend(request)) for request in case.requests]


@given(broken())
def test_a_malformed_request_is_denied_and_told_why(drawn: tuple[Case, list[Any]]) -> None:
    case, requests = drawn
    policies = case.policies()
    for request in requests:
        decision = policies.decide(request)
        note(f"{readable(request)}\n  {decision}")
        if any(error.path is not None for error in decision.errors):
            assert decision.effect is Effect.DENY
            assert not decision.rules
        assert not any(error.code == "internal-error" for error in decision.errors)


def _everyone_twice(request: Any) -> Any:
    return {**request, "subject": {**request["subject"], "on_behalf_of": request["subject"]}}


def _too_many(request: Any) -> Any:
    kind, chain = request["subject"]["type"], None
    for i in range(17):
        chain = {"type": kind, "id": f"n{i}"} | ({"on_behalf_of": chain} if chain else {})
    return {**request, "subject": chain}


BROKEN = {
    **{f"no {name}": lambda r, n=name: {k: v for k, v in r.items() if k != n} for name in ("subject", "action", "resource")},
    **{f"null {name}": lambda r, n=name: {**r, n: None} for name in ("subject", "action", "resource", "context")},
    "an action nobody declared": lambda r: {**r, "action": {**r["action"], "name": "nothing.such"}},
    "a type nobody declared": lambda r: {**r, "resource": {**r["resource"], "type": "Nothing"}},
    "a number for a name": lambda r: {**r, "resource": {**r["resource"], "id": 1}},
    "a lone surrogate": lambda r: {**r, "resource": {**r["resource"], "id": "\ud800"}},
    "roles that are no list": lambda r: {**r, "subject": {**r["subject"], "roles": "admin"}},
    "a principal twice": _everyone_twice,
    "a chain of seventeen": _too_many,
}  # fmt: skip


@given(cases())
def test_what_cannot_be_a_request_is_denied(case: Case) -> None:
    policies = case.policies()
    for how, breaking in BROKEN.items():
        decision = policies.decide(breaking(case.caller.plain()))
        note(f"{how}: {decision}")
        assert decision.effect is Effect.DENY
        assert any(error.path is not None for error in decision.errors)
        assert not decision.rules


@given(cases(), st.lists(json_like(), min_size=1, max_size=20))
def test_nothing_makes_a_decision_raise(case: Case, requests: list[Any]) -> None:
    policies = case.policies()
    for request in requests:
        decision = policies.decide(request)
        assert decision.effect is Effect.DENY
        assert decision.errors
        assert policies.explain(request).decision.effect is Effect.DENY


@given(cases())
def test_a_prepared_request_is_decided_like_any_other(case: Case) -> None:
    policies = case.policies()
    for request in case.requests:
        if isinstance(request, dict) and {"subject", "action", "resource", "context"} == request.keys():
            prepared = policies.request(**request)
            assert policies.decide(prepared) == policies.decide(prepared) == policies.decide(request)


@given(cases())
def test_an_explanation_tells_the_same_decision(case: Case) -> None:
    policies = case.policies()
    for request in case.requests:
        decision, explanation = policies.decide(request), policies.explain(request)
        assert explanation.decision == decision
        note(readable(request))
        for found in explanation.to_dict()["links"]:
            assert decision.effect.rank <= Effect(found["decision"]).rank
