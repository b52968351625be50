"""Cedar as a live oracle: what both languages can say must be decided alike, with one intended difference.

A forbid that cannot be evaluated denies in Kynara, and is skipped by Cedar. Those decisions are counted and shown; `-s`
prints the figures of a run. No other difference is let through, and none in the other direction.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import currently_in_test_context, event, given, note
from hypothesis import strategies as st

import kynara_lang as kynara
from kynara_lang.diagnostics.source import Source
from kynara_lang.migration.cedar import import_cedar

from .cedar_pairs import DECLARATIONS, LAST, SCHEMA, Facts, Pair, exemplars, policies, request
from .vocabulary import Draw, readable

cedarpy = pytest.importorskip("cedarpy", reason="the extra `bench` is not installed")

REQUESTS = 12
EQUAL, DIFFERENT = "equal", "forbid in error: Cedar allows, Kynara denies"
FAILED = re.compile(r"`(policy\d+)`")

Case = tuple[Pair, Facts, list[tuple[dict[str, Any], dict[str, Any]]]]


@st.composite
def cases(draw: Any) -> Case:
    """A program in both languages, entities, and requests."""
    source = Draw(draw)
    written, facts = policies(source), Facts(source)
    facts.fill()
    return written, facts, [request(source) for _ in range(REQUESTS)]


class Oracle:
    """Cedar, with a program and entities."""

    def __init__(self, written: Pair, facts: Facts) -> None:
        self.policies = cedarpy.PolicySet.from_str(written.cedar)
        self.entities = cedarpy.Entities.from_json_str(json.dumps(facts.cedar))
        self.effects = {
            f"policy{i}": text.split(" ", 1)[0]
            for i, text in enumerate(re.findall(r"^(?:permit|forbid) .*$", written.cedar, re.MULTILINE))
        }

    def decide(self, asked: dict[str, Any]) -> tuple[bool, frozenset[str]]:
        """Return whether a request is allowed, and the forbids that are in error."""
        found = cedarpy.is_authorized(asked, self.policies, self.entities)
        failed = {name for error in found.diagnostics.errors for name in FAILED.findall(error)}
        return found.allowed, frozenset(name for name in failed if self.effects[name] == "forbid")


def compare(allowed: bool, failed: frozenset[str], decision: kynara.Decision, seen: Counter[str]) -> None:
    """Compare two decisions; count those that are equal, and those that differ as they are meant to."""
    assert not [error for error in decision.errors if error.path is not None], "the request is valid"
    if allowed == decision.allowed:
        seen[EQUAL] += 1
        seen["allowed" if allowed else "denied"] += 1
        return
    assert allowed, "Kynara never allows what Cedar denies"
    rules = {re.sub(r"_\d+$", "", rule.rpartition(".")[2]) for rule in decision.rules}
    faulty = {re.sub(r"_\d+$", "", str(error.rule).rpartition(".")[2]) for error in decision.errors}
    assert rules, "some forbid decided"
    assert rules <= failed, "only forbids that Cedar skipped make a difference"
    assert rules & faulty, "and the decision says so"
    seen[DIFFERENT] += 1
    if currently_in_test_context():
        event(DIFFERENT)


def show(seen: Counter[str], what: str) -> None:
    """Print what was compared."""
    print(f"\n{what}: " + ", ".join(f"{number} {name}" for name, number in sorted(seen.items())))


def test_a_forbid_in_error_is_the_difference() -> None:
    """The intended difference, each kind of it once: an overflow, and a value that is missing."""
    for cedar, own in (
        ("principal.level + resource.size > 0", "subject.level + resource.size > 0"),
        ("resource.owner.level > 0", "resource.owner.level > 0"),
    ):
        facts = Facts(Draw(lambda strategy: 0))
        facts.fill()
        for store, known in ((facts.cedar, "attrs"), (facts.kynara, "properties")):
            for entity in store:
                values = entity.get(known, {})
                values.update({name: LAST for name in ("level", "size") if name in values})
                if "owner" in values:
                    ghost = {"type": "User", "id": "ghost"}
                    values["owner"] = {"__entity": ghost} if known == "attrs" else ghost
        opening = 'permit policy1 { subject User, Bot  action any  resource any  scope any "all" }\n'
        written = Pair(
            f"forbid (principal, action, resource) when {{ {cedar} }};\npermit (principal, action, resource);\n",
            f"{DECLARATIONS}forbid policy0 {{ subject User, Bot  action any  resource any  when {own} }}\n{opening}",
        )
        seen: Counter[str] = Counter()
        to_cedar, to_kynara = request(Draw(lambda strategy: 0))
        oracle = Oracle(written, facts)
        policies = kynara.loads(written.kynara, entities=kynara.Entities.from_list(facts.kynara))
        compare(*oracle.decide(to_cedar), policies.decide(to_kynara), seen)
        assert seen == {DIFFERENT: 1}


def test_both_languages_decide_the_common_subset_alike() -> None:
    seen: Counter[str] = Counter()

    @given(cases())
    def run(case: Case) -> None:
        written, facts, requests = case
        note(f"{written.cedar}\n{written.kynara}\n{readable(facts.cedar)}")
        oracle = Oracle(written, facts)
        own = kynara.loads(written.kynara, entities=kynara.Entities.from_list(facts.kynara))
        for to_cedar, to_kynara in requests:
            note(readable(to_cedar))
            compare(*oracle.decide(to_cedar), own.decide(to_kynara), seen)

    run()
    show(seen, "written in both languages")
    assert seen["allowed"] > 0 < seen["denied"]


@pytest.mark.parametrize("schema", [True, False], ids=["with a schema", "types from the entities"])
def test_imported_policies_decide_as_they_did(schema: bool) -> None:
    seen: Counter[str] = Counter()

    @given(cases())
    def run(case: Case) -> None:
        written, facts, requests = case
        facts.cedar += exemplars()
        note(f"{written.cedar}\n{readable(facts.cedar)}")
        oracle = Oracle(written, facts)
        imported = import_cedar(
            [Source("drawn.cedar", written.cedar)],
            schema=Source("drawn.cedarschema", SCHEMA) if schema else None,
            entities=Source("drawn.json", json.dumps(facts.cedar)),
        )
        note(imported.text)
        # What can never match decides nothing; nothing else of the common subset may be refused where types are known.
        refused = {refusal.what for refusal in imported.refusals} - {"a policy that can never match"}
        assert not (refused and schema)
        seen["programs refused in part" if refused else "programs"] += 1
        own = kynara.loads(imported.text, entities=kynara.Entities.from_list(imported.entities))
        for to_cedar, _ in requests:
            note(readable(to_cedar))
            allowed, failed = oracle.decide(to_cedar)
            decision = own.decide(imported.request(to_cedar))
            if refused:  # what is missing must never open a door
                seen["decisions of such programs"] += 1
                assert allowed or not decision.allowed
            else:
                compare(allowed, failed, decision, seen)

    run()
    show(seen, f"imported from Cedar {'with' if schema else 'without'} a schema")
    assert seen["programs"] > 0
    assert seen["allowed"] > 0 < seen["denied"]
