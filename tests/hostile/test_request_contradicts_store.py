"""Attributes in the request that contradict the store: the caller says who it is, and is believed.

Mass assignment (GitHub, 2012) lets a form set what it should not; a token's own claims override the directory. Where the
entity store says something of an entity, the request's word does not count, member by member; where the store is silent, the
request may speak, which is the caller's side.
"""

from __future__ import annotations

from typing import Any

import pytest

import kynara_lang as kynara
from tests.hostile.asking import NOW, codes, door

TEXT = """\
subject Team in Team
subject User in Team { level: Int, blocked: Bool?, boss: User?, mail as "e-mail": Email? }
resource Doc { owner: User, secret: Bool, watchers: Set<User> }
action read on Doc (as: User?)
role admin
"""
STORE: list[dict[str, Any]] = [
    {"type": "User", "id": "eve", "properties": {"level": 1, "blocked": True, "e-mail": "eve@example.com"}, "roles": [], "parents": []},
    {"type": "User", "id": "ann", "properties": {"level": 9}, "roles": ["admin"], "parents": [{"type": "Team", "id": "ops"}]},
    {"type": "Doc", "id": "d", "properties": {"owner": {"type": "User", "id": "ann"}, "secret": True, "watchers": []}},
]
EVE = {"type": "User", "id": "eve"}

LIES = [
    # condition of a permit that is false of eve and the document, and what a request says to make it true
    ("subject.level > 5", {"subject": {"properties": {"level": 9}}}),
    ("not (subject has blocked and subject.blocked)", {"subject": {"properties": {"blocked": False}}}),
    ("not (subject has blocked and subject.blocked)", {"subject": {"properties": {}}}),
    ('subject has mail and subject.mail.domain == "admin.example"', {"subject": {"properties": {"e-mail": "x@admin.example"}}}),
    ("subject holds admin", {"subject": {"roles": ["admin"]}}),
    ("subject holds admin", {"subject": {"properties": {"roles": ["admin"]}}}),
    ('subject in Team::"ops"', {"subject": {"parents": [{"type": "Team", "id": "ops"}]}}),
    ('subject in Team::"ops"', {"subject": {"properties": {"parents": [{"type": "Team", "id": "ops"}]}}}),
    ("resource.owner == subject", {"resource": {"properties": {"owner": EVE}}}),
    ("resource.owner.level < 5", {"resource": {"properties": {"owner": {"type": "User", "id": "ann", "properties": {"level": 1}}}}}),
    ("not resource.secret", {"resource": {"properties": {"secret": False}}}),
    ("subject in resource.watchers", {"resource": {"properties": {"watchers": [EVE]}}}),
    ("args has as and args.as.level > 5", {"action": {"properties": {"as": {**EVE, "properties": {"level": 9}}}}}),
    ("args has as and args.as holds admin", {"action": {"properties": {"as": {**EVE, "roles": ["admin"]}}}}),
    ('args has as and args.as in Team::"ops"', {"action": {"properties": {"as": {**EVE, "parents": [{"type": "Team", "id": "ops"}]}}}}),
]


def request(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "subject": {**EVE, **said.get("subject", {})},
        "action": {"name": "read", **said.get("action", {})},
        "resource": {"type": "Doc", "id": "d", **said.get("resource", {})},
        "context": {"now": NOW},
    }


@pytest.mark.parametrize(("condition", "said"), LIES)
def test_what_the_store_says_is_not_overridden(condition: str, said: dict[str, Any]) -> None:
    permit = door(TEXT + f"permit p {{ subject User action read resource Doc scope {condition} }}\n", STORE)
    assert permit.effect(request(said)) == "deny"
    general = 'permit q { subject User action read resource Doc scope any "t" }\n'
    forbid = door(TEXT + general + f"forbid f {{ subject User action read resource Doc unless {condition} }}\n", STORE)
    assert forbid.effect(request(said)) == "deny"


@pytest.mark.parametrize(("condition", "said"), LIES)
def test_without_a_store_the_request_speaks_for_itself(condition: str, said: dict[str, Any]) -> None:
    """So that the tests above cannot pass for another reason than the store."""
    whole = {
        "subject": {"properties": {"level": 1, **said.get("subject", {}).get("properties", {})}},
        "resource": {"properties": {"owner": EVE, "secret": True, "watchers": [], **said.get("resource", {}).get("properties", {})}},
    }
    merged = {name: {**said.get(name, {}), **whole.get(name, {})} for name in ("subject", "action", "resource")}
    permit = door(TEXT + f"permit p {{ subject User action read resource Doc scope {condition} }}\n")
    assert permit.effect(request(merged)) == "allow"


@pytest.mark.parametrize(("condition", "said"), [lie for lie in LIES if "subject" in lie[1] or "resource" in lie[1]])
def test_an_explanation_lists_what_had_no_effect(condition: str, said: dict[str, Any]) -> None:
    permit = door(TEXT + f"permit p {{ subject User action read resource Doc scope {condition} }}\n", STORE)
    ignored = permit.policies.explain(request(said)).to_dict()["ignored_attributes"]
    hides = said == {"subject": {"properties": {}}} or "owner.level" in condition  # it says nothing that differs by name
    assert bool(ignored) is not hides


def test_another_spelling_of_a_type_does_not_escape_the_store() -> None:
    asked = door(TEXT + "permit p { subject User action read resource Doc scope subject.level > 5 }\n", STORE)
    for kind in ("user", "USER", "Users", "User "):
        hostile = request({"subject": {"type": kind, "properties": {"level": 9}}})
        assert codes(asked.ask(hostile)) == ["unknown-type"]


def test_a_store_that_spells_a_type_otherwise_is_refused() -> None:
    """Left out in silence, it would leave the request's word unopposed."""
    with pytest.raises(kynara.EntitiesError):
        door(TEXT, [{"type": "user", "id": "eve", "properties": {"level": 1}}])


def test_an_identifier_of_another_spelling_is_unknown_and_speaks_for_itself() -> None:
    """Identifiers are compared by code point: whoever maps several spellings to one person does it before asking."""
    asked = door(TEXT + "permit p { subject User action read resource Doc scope subject.level > 5 }\n", STORE)
    assert asked.effect(request({"subject": {"id": "EVE", "properties": {"level": 9}}})) == "allow"
    assert codes(asked.ask(request({"subject": {"id": "EVE"}}))) == ["missing-attribute"]


def test_what_a_delegator_carries_is_checked_against_the_store_as_well() -> None:
    asked = door(TEXT + 'permit p { subject User action read resource Doc scope subject.level > 5 }\n', STORE)
    ann = {"type": "User", "id": "ann"}
    assert asked.effect(request({"subject": {**ann, "on_behalf_of": {**EVE, "properties": {"level": 9}}}})) == "deny"
    assert asked.effect(request({"subject": ann})) == "allow"


def test_the_store_itself_cannot_be_changed_by_a_request() -> None:
    asked = door(TEXT + "permit p { subject User action read resource Doc scope subject.level > 5 }\n", STORE)
    for said in (lie[1] for lie in LIES):
        asked.ask(request(said))
    assert asked.effect(request({})) == "deny"
    assert asked.effect(request({"subject": {"type": "User", "id": "ann"}})) == "allow"


def test_changing_the_list_after_loading_changes_nothing() -> None:
    mutable: list[dict[str, Any]] = [{"type": "User", "id": "eve", "properties": {"level": 1}, "roles": []}]
    policies = kynara.loads(TEXT + "permit p { subject User action read resource Doc scope subject.level > 5 }\n", entities=kynara.Entities.from_list(mutable))
    mutable[0]["properties"]["level"] = 9
    mutable.append({"type": "User", "id": "new"})
    assert not policies.decide(request({})).allowed


def test_a_prepared_request_does_not_change_with_what_it_was_made_of() -> None:
    policies = kynara.loads(TEXT + "permit p { subject User action read resource Doc scope subject.level > 5 }\n")
    parts = request({"subject": {"properties": {"level": 1}}})
    prepared = policies.request(**parts)
    parts["subject"]["properties"]["level"] = 9
    assert not policies.decide(prepared).allowed
    assert policies.decide(parts).allowed
