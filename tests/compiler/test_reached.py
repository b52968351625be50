"""What something else refers to is looked up before the tests, and an error in it still counts only where it is reached."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.compiler.layout import Place
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

BASE = """
subject Group
subject User in Group
resource Org { admins: Group, owners: Group?, banned: Group }
resource Doc { org: Org, readers: Group }
resource Note { org: Org? }
action read on Doc, Note
"""
PERMITS = """
permit readers { subject User action read resource Doc scope subject in resource.readers }
permit via_org { subject User action read resource Doc scope subject in resource.org.admins }
"""
FORBID = "forbid banned { subject User action read resource Doc when subject in resource.org.banned }"
ADMINS, READERS = {"type": "Group", "id": "admins"}, {"type": "Group", "id": "readers"}
Json = dict[str, Any]


def org(**properties: Any) -> Json:
    return {
        "type": "Org",
        "id": "o",
        "properties": {"admins": ADMINS, "banned": {"type": "Group", "id": "banned"}, **properties},
    }


def decided(policies: PolicySet, groups: list[str], about: Json) -> Decision:
    """Return the decision, which is the same whichever way the request comes."""
    who = {"type": "User", "id": "u", "parents": [{"type": "Group", "id": group} for group in groups]}
    doc = {"type": "Doc", "id": "d", "properties": {"org": about, "readers": READERS}}
    request: Json = {"subject": who, "action": {"name": "read"}, "resource": doc}
    found = policies.decide(request)
    assert policies.decide(policies.request(**request)) == found
    assert policies.explain(request).decision.effect == found.effect
    return found


def test_what_is_reached_has_a_place_and_no_lookup_in_the_tests() -> None:
    policies = program(PERMITS, base=BASE)
    layout = policies._engine.bucket("read", "User", "Doc").layout
    assert Place("resource", "reached", "org", "admins") in layout.places
    assert Place("resource", "value", "org") not in layout.places
    note = program(
        "permit n { subject User action read resource Note scope resource has org and subject in resource.org.admins }",
        base=BASE,
    )
    assert all(p.part != "reached" for p in note._engine.bucket("read", "User", "Note").layout.places)


def test_who_is_in_it_is_permitted_and_nobody_else() -> None:
    policies = program(PERMITS, base=BASE)
    assert decided(policies, ["admins"], org()).rules == ("f1.via_org",)
    assert decided(policies, ["readers"], org()).rules == ("f1.readers",)
    assert not decided(policies, ["banned"], org()).allowed


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"type": "Org", "id": "o"}, "unknown-entity"),
        ({"type": "Org", "id": "o", "properties": {"banned": ADMINS}}, "missing-attribute"),
    ],
)
def test_an_error_in_it_counts_only_where_no_earlier_rule_decides(about: Json, code: str) -> None:
    policies = program(PERMITS, base=BASE)
    before = decided(policies, ["readers"], about)
    assert (before.rules, before.errors) == (("f1.readers",), ())
    failed = decided(policies, ["admins"], about)
    assert not failed.allowed
    assert [error.code for error in failed.errors] == [code]


def test_a_forbid_that_cannot_look_forbids() -> None:
    policies = program(PERMITS + FORBID, base=BASE)
    assert decided(policies, ["readers"], org()).allowed
    assert decided(policies, ["readers", "banned"], org()).rules == ("f1.banned",)
    unknown = decided(policies, ["readers"], {"type": "Org", "id": "o"})
    assert (unknown.allowed, unknown.rules) == (False, ("f1.banned",))


def test_an_optional_attribute_that_is_absent_is_proved_before_it_is_looked_in() -> None:
    rule = "permit owners { subject User action read resource Doc scope resource.org has owners and subject in resource.org.owners }"
    policies = program(rule, base=BASE)
    assert decided(policies, ["admins"], org(owners=ADMINS)).allowed
    absent = decided(policies, ["admins"], org())
    assert (absent.allowed, absent.errors) == (False, ())
