"""The import of Cedar: what is translated decides alike, what is not is refused by name and place, nothing is lost."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.diagnostics.source import Source
from kynara_lang.migration.cedar import CedarError, Imported, import_cedar
from kynara_lang.migration.cedar_literals import Unfit, duration_literal, duration_text, time_literal
from kynara_lang.migration.cedar_names import lower_name, text_literal, upper_name
from kynara_lang.migration.cedar_policies import _same
from kynara_lang.migration.cedar_schema import parse_schema, read_schema
from kynara_lang.migration.cedar_syntax import read_policies
from kynara_lang.syntax.formatter import formatted
from tests.migration.cedar_apps import APPS, App

cedarpy = pytest.importorskip("cedarpy", reason="the extra `bench` is not installed")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "cedar_migration"
SCHEMA = """
entity Team in [Team];
entity User in [Team] { level: Long, name: String, tags: Set<String>, boss?: User, home?: { city: String } };
entity Bot { level: Long };
entity Folder in [Folder];
entity Doc in [Folder] {
  owner: User, open: Bool, note?: String, size: Long, price: decimal, at: datetime, kept: duration, from: ipaddr,
  editors: Set<User>, teams: Set<Team>, "odd name": String
};
action read, edit in [write] appliesTo { principal: [User], resource: [Doc], context: Context };
action write;
action sync appliesTo { principal: [User, Bot], resource: [Doc, Folder], context: { mfa: Bool } };
type Context = { mfa: Bool, ip: ipaddr, level: Long };
"""


SCOPE_ANY = 'scope any "imported from Cedar: no condition bounds its resources (app.cedar:1)"'


def imported(policies: str, *, schema: str = SCHEMA, entities: Any = None) -> Imported:
    """Import text; what comes of it is laid out, and has no errors."""
    found = import_cedar(
        [Source("app.cedar", policies)],
        schema=Source("app.cedarschema", schema) if schema else None,
        entities=None if entities is None else Source("entities.json", json.dumps(entities)),
    )
    source = Source("app.kyn", found.text)
    kynara.loads(found.text)
    assert formatted(source, kynara_report()) == found.text
    return found


def kynara_report() -> Any:
    from kynara_lang.diagnostics.diagnostic import Report

    return Report()


def clauses(policies: str) -> list[str]:
    """Return the clauses of the only rule, each on one line."""
    text = imported(policies).text
    assert "NOT IMPORTED" not in text, text
    body = re.search(r"^(?:permit|forbid) [^{]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert body
    joined = re.sub(r"\n {4,}", " ", body[1])
    return [re.sub(r"\s+", " ", line.strip()) for line in joined.splitlines()]


# What is translated


CONDITIONS = [
    ("resource.open", "resource.open"),
    ("!resource.open", "not resource.open"),
    ('resource.owner.name == "ann"', 'resource.owner.name == "ann"'),
    ("principal.level + 1 * 2 - -3 <= resource.size", "subject.level + 1 * 2 - -3 <= resource.size"),
    ("-principal.level < 0", "-subject.level < 0"),
    ('principal.name like "a*b"', 'subject.name like "a*b"'),
    ('resource["odd name"] == "x"', 'resource.odd_name == "x"'),
    ('resource has note && resource.note == "x"', 'resource has note and resource.note == "x"'),
    ('!(resource has note) || resource.note == "x"', 'not (resource has note) or resource.note == "x"'),
    ("principal has home.city", "subject has home and subject.home has city"),
    ("principal.level > 1 || resource.open && context.mfa", "subject.level > 1 or (resource.open and context.mfa)"),
    (
        "if resource.open then context.mfa else principal.level > 3",
        "(resource.open and context.mfa) or (not resource.open and subject.level > 3)",
    ),
    ('principal in Team::"a"', 'subject in Team::"a"'),
    ('principal in [Team::"a", Team::"b"]', 'subject in Team::"a" or subject in Team::"b"'),
    ("principal in resource.teams", "any g in resource.teams: subject in g"),
    ("resource.editors.contains(principal)", "subject in resource.editors"),
    ('principal.tags.containsAll(["a", "b"])', 'subject.tags.contains_all({"a", "b"})'),
    ('principal.tags.containsAny(["a"])', 'subject.tags.contains_any({"a"})'),
    ("principal.tags.isEmpty()", "subject.tags.size() == 0"),
    ('["a", "b"].contains(principal.name)', 'subject.name in {"a", "b"}'),
    ('resource is Doc in Folder::"f"', 'resource is Doc and resource in Folder::"f"'),
    ('resource.price.lessThan(decimal("1.50"))', "resource.price < 1.50"),
    ('resource.price.greaterThanOrEqual(decimal("-0.1"))', "resource.price >= -0.1"),
    ('resource.at < datetime("2026-11-22")', "resource.at < 2026-11-22"),
    ('resource.at >= datetime("2026-11-22T10:00:00+0100")', "resource.at >= 2026-11-22T10:00:00+01:00"),
    ('resource.at.offset(duration("1d12h")) > resource.at', "resource.at + 36h > resource.at"),
    ('resource.at.durationSince(resource.at) == duration("-90s")', "resource.at - resource.at == -90s"),
    ('resource.kept <= duration("0s")', "resource.kept <= 0s"),
    ('context.ip.isInRange(ip("10.0.0.1/8"))', 'context.ip within "10.0.0.0/8"'),
    ('context.ip == ip("2001:db8:0::1")', 'context.ip == "2001:db8::1"'),
    ("context.ip.isLoopback()", 'context.ip within {"127.0.0.0/8", "::1/128"}'),
    ('resource.owner == User::"a\\"b\\u{202e}"', 'resource.owner == User::"a\\"b\\u{202e}"'),
]


@pytest.mark.parametrize(("cedar", "own"), CONDITIONS, ids=[one[0] for one in CONDITIONS])
def test_a_condition_is_translated(cedar: str, own: str) -> None:
    found = clauses(f'forbid (principal, action == Action::"read", resource) unless {{ {cedar} }};')
    assert found[-1] == f"unless {own}"


HEADS = [
    ("principal, action, resource",
     ["subject User", "action read, edit", "resource Doc", "subject Bot, User", "action sync", "resource Doc, Folder"]),
    ('principal == User::"a", action == Action::"read", resource == Doc::"d"',
     ['subject User::"a"', "action read", 'resource Doc::"d"']),
    ('principal in Team::"a", action in Action::"write", resource in Folder::"f"',
     ['subject User in Team::"a"', "action write", 'resource Doc in Folder::"f"']),
    ("principal is Bot, action, resource == Folder::\"f\"", ["subject Bot", "action sync", 'resource Folder::"f"']),
    ('principal is User in Team::"a", action in [Action::"write", Action::"sync"], resource is Doc in Folder::"f"',
     ['subject User in Team::"a"', "action write, sync", 'resource Doc in Folder::"f"']),
    ('principal is User, action == Action::"sync", resource in Folder::"f"',
     ["subject User", "action sync", 'resource Doc in Folder::"f", Folder in Folder::"f"']),
]  # fmt: skip


@pytest.mark.parametrize(("head", "own"), HEADS, ids=[one[0] for one in HEADS])
def test_a_head_is_translated(head: str, own: list[str]) -> None:
    found = imported(f"permit ({head}) when {{ true }};").text
    body = re.findall(r"^  (?:subject|action|resource) .*", found, re.MULTILINE)
    assert [re.sub(r"\s+", " ", line.strip()) for line in body] == own


def test_actions_for_different_principals_become_rules_of_their_own() -> None:
    text = imported("permit (principal, action, resource) when { resource is Doc };").text
    found = re.findall(r"^  (subject|action) +(.*)", text, re.MULTILINE)
    assert found == [("subject", "User"), ("action", "read, edit"), ("subject", "Bot, User"), ("action", "sync")]


def test_the_scope_is_the_condition_that_ties_the_resource_to_the_principal() -> None:
    text = 'permit (principal, action == Action::"read", resource) when { context.mfa && resource.open && resource.owner == principal };'
    assert clauses(text)[3:] == ["scope resource.owner == subject", "when context.mfa", "when resource.open"]


def test_a_scope_takes_with_it_what_proves_that_it_can_be_read() -> None:
    text = 'permit (principal, action == Action::"read", resource) when { resource has note && resource.note == principal.name };'
    assert clauses(text)[3:] == ["scope resource has note and resource.note == subject.name"]


def test_a_permit_that_nothing_bounds_says_so() -> None:
    text = 'permit (principal, action == Action::"read", resource) unless { resource.open };'
    assert clauses(text)[3:] == [SCOPE_ANY, "unless resource.open"]


def test_unless_before_when_stays_before_it() -> None:
    text = 'forbid (principal, action == Action::"read", resource) unless { context.mfa } when { principal.level + 1 > 0 };'
    assert clauses(text)[3:] == ["when not context.mfa", "when subject.level + 1 > 0"]


def test_conditions_on_types_and_actions_go_into_the_head() -> None:
    text = 'permit (principal, action, resource) when { principal is Bot && action == Action::"sync" && resource is Folder };'
    assert clauses(text)[:3] == ["subject Bot", "action sync", "resource Folder"]


def test_what_types_decide_is_left_out() -> None:
    text = 'permit (principal, action == Action::"sync", resource) when { principal is Bot } unless { principal is User || resource is Doc && resource.open };'
    assert clauses(text)[3:] == [SCOPE_ANY, "unless resource is Doc and resource.open"]
    text = 'permit (principal, action == Action::"read", resource) when { !(principal is User) || principal.level > 1 && !(principal is Bot) };'
    assert clauses(text)[3:] == [SCOPE_ANY, "when subject.level > 1"]
    text = 'forbid (principal, action == Action::"read", resource) when { if resource is Folder then resource.owner == principal else resource.open };'
    assert clauses(text)[3:] == ["when resource.open"]


def test_names_descriptions_and_comments_survive() -> None:
    found = imported(
        "// Everyone reads.\n// Really.\n"
        '@id("Read All") @description("Everybody reads") permit (principal, action == Action::"read", resource is Doc);'
    ).text
    assert '# Everyone reads.\n# Really.\n# Cedar: app.cedar:3\npermit read_all "Everybody reads" {' in found


def test_the_program_says_what_is_different() -> None:
    found = imported('permit (principal, action == Action::"read", resource) when { context.ip.isIpv4() };').text
    plain = re.sub(r"\s*\n# ?", " ", found)
    assert "A forbid that cannot be evaluated" in plain
    assert "is skipped by Cedar" in plain
    assert "::ffff:10.0.0.1" in plain


def test_names_that_do_not_fit_keep_their_spelling() -> None:
    schema = """
    namespace Shop { entity Path { from: String, "mfa-ok": Bool, mfaOk: Bool }; entity item;
    action "View Item", when appliesTo { principal: [Path], resource: [item], context: { now: Long } }; }
    """
    text = (
        'permit (principal, action == Shop::Action::"View Item", resource)'
        ' when { principal["mfa-ok"] && principal.from == "x" && principal.mfaOk && context.now > 1 };'
    )
    found = imported(text, schema=schema)
    assert 'subject PathEntity as "Shop::Path"' in found.text
    assert 'resource Item as "Shop::item"' in found.text
    assert 'view_item as "View Item"' in found.text
    assert 'when_action as "when"' in found.text
    assert 'now_given as "now": Int' in found.text
    assert not found.refusals
    policies = kynara.loads(found.text)
    asked = {
        "subject": {"type": "Shop::Path", "id": "p", "properties": {"mfa-ok": True, "mfaOk": True, "from": "x"}},
        "action": {"name": "View Item"},
        "resource": {"type": "Shop::item", "id": "i"},
        "context": {"now": 2},
    }
    assert policies.decide(asked).allowed
    asked["subject"]["properties"]["mfaOk"] = False
    assert not policies.decide(asked).allowed


# What is refused


REFUSED = [
    ("permit (principal == ?principal, action, resource);", "a template", "permit (principal"),
    ('forbid (principal, action, resource is Doc) when { resource.hasTag("x") };', "`hasTag`", 'resource.hasTag("x")'),
    ('forbid (principal, action, resource is Doc) when { resource.getTag("x") == 1 };', "`getTag`", 'resource.getTag("x")'),
    ('permit (principal, action, resource is Doc) when { resource.note == "x" };', "`resource.note` without a test", "resource.note"),
    ('permit (principal, action, resource is Doc) when { principal.name like "a\\*" };', "a star in a pattern", 'principal.name like "a\\*"'),
    ("permit (principal, action, resource is Doc) when { resource.at.toDate() == resource.at };", "`toDate`", "resource.at.toDate()"),
    ("permit (principal, action, resource is Doc) when { resource.kept.toHours() > 1 };", "`toHours`", "resource.kept.toHours()"),
    ("permit (principal, action, resource is Doc) when { {a: 1} == {a: 1} };", "a record written out", "{a: 1}"),
    ('permit (principal, action, resource is Doc) when { resource.open || action == Action::"read" };', "`action` in a condition", "action"),
    ('permit (principal, action, resource is Doc) when { resource.open || principal.name == 1 };', "`==` between different types", "principal.name == 1"),
    ('permit (principal, action, resource is Doc) when { decimal(principal.name) == decimal("1.0") };', "`decimal(…)` of something", "decimal(principal.name)"),
    ('permit (principal, action, resource is Doc) when { resource.kept == duration("5ms") };', '`duration("5ms")`', 'duration("5ms")'),
    ('permit (principal, action, resource is Doc) when { resource.from == ip("::ffff:10.0.0.1") };', '`ip("::ffff:10.0.0.1")`', 'ip("::ffff:10.0.0.1")'),
    ("permit (principal, action, resource is Doc) when { resource.from.isInRange(resource.from) };", "a block that is no literal", "resource.from.isInRange(resource.from)"),
    ('permit (principal, action == Action::"fly", resource);', '`Action::"fly"`', "permit (principal"),
    ('permit (principal == Robot::"r", action, resource);', "the type `Robot`", "permit (principal"),
    ("forbid (principal, action, resource) when { principal.nickname == 1 };", "the attribute `nickname`", "principal.nickname"),
    ("permit (principal, action, resource) when { principal is Team };", "a policy that can never match", "permit (principal"),
    ('permit (principal, action, resource is Doc) when { resource.open || principal in Folder::"f" };', "`in`", 'principal in Folder::"f"'),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "what", "place"), REFUSED, ids=[one[1] for one in REFUSED])
def test_what_has_no_counterpart_is_refused_by_name_and_place(policy: str, what: str, place: str) -> None:
    other = 'permit (principal == User::"u", action == Action::"edit", resource);\n'
    (refusal,) = imported(other + policy).refusals
    assert what in refusal.what
    assert refusal.why
    assert refusal.instead
    span = refusal.policy.span_of(refusal.node)
    assert span is not None
    assert span.text.startswith(place)
    assert span.first.line == 2


def test_a_forbid_that_is_refused_leaves_a_wider_one() -> None:
    found = imported(
        "permit (principal, action, resource);\n"
        '@id("tags") forbid (principal, action == Action::"edit", resource is Doc) when { resource.hasTag("x") };'
    )
    assert found.refusals[0].stand_in
    assert "NOT IMPORTED: forbid tags (app.cedar:2)" in found.text
    policies = kynara.loads(found.text)
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "edit"}, "resource": {"type": "Doc", "id": "d"}}
    denied = policies.decide(asked)
    assert denied.rules == ("app.tags",)
    assert policies.decide({**asked, "action": {"name": "read"}}).allowed


def test_a_forbid_of_which_not_even_the_head_can_be_read_leaves_one_of_everything() -> None:
    found = imported(
        'permit (principal, action, resource);\nforbid (principal == Robot::"r", action == Action::"fly", resource);'
    )
    policies = kynara.loads(found.text)
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "edit"}, "resource": {"type": "Doc", "id": "d"}}
    assert not policies.decide(asked).allowed


def test_what_is_neither_permit_nor_forbid_is_taken_for_a_forbid() -> None:
    head = {name: {"op": "All"} for name in ("principal", "action", "resource")}
    policies = {"staticPolicies": {"a": {"effect": "permit", **head}, "b": {"effect": "prevent", **head}}}
    found = imported(json.dumps(policies))
    assert [(refusal.what, refusal.stand_in) for refusal in found.refusals] == [("a malformed policy", True)]
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "edit"}, "resource": {"type": "Doc", "id": "d"}}
    assert not kynara.loads(found.text).decide(asked).allowed


def test_a_linked_forbid_of_a_template_leaves_one_of_everything() -> None:
    head = {"principal": {"op": "==", "slot": "?principal"}, "action": {"op": "All"}, "resource": {"op": "All"}}
    policies = {
        "staticPolicies": {"all": {"effect": "permit", **{v: {"op": "All"} for v in head}, "conditions": []}},
        "templates": {"t": {"effect": "forbid", **head, "conditions": []}},
        "templateLinks": [{"templateId": "t", "newId": "l", "values": {"?principal": {"type": "User", "id": "u"}}}],
    }
    found = imported(json.dumps(policies))
    assert [(refusal.policy.id, refusal.stand_in) for refusal in found.refusals] == [("t", False), ("l", True)]
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "edit"}, "resource": {"type": "Doc", "id": "d"}}
    assert not kynara.loads(found.text).decide(asked).allowed


# Against Cedar itself


def decided(
    policies: str, entities: list[Any], requests: list[Any], found: Imported
) -> Iterator[tuple[Any, bool, bool]]:
    """Yield each request with what Cedar and what the imported program decide."""
    oracle = cedarpy.PolicySet.from_str(policies), cedarpy.Entities.from_json_str(json.dumps(entities))
    own = kynara.loads(found.text, entities=kynara.Entities.from_list(found.entities))
    for asked in requests:
        yield asked, cedarpy.is_authorized(asked, *oracle).allowed, own.decide(found.request(asked)).allowed


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_published_applications_decide_as_they_did(app: App) -> None:
    found = imported(app.policies, schema="", entities=app.entities)
    assert not found.refusals
    answers = list(decided(app.policies, app.entities, app.requests(), found))
    assert [asked for asked, theirs, own in answers if theirs != own] == []
    assert {theirs for _, theirs, _ in answers} == {True, False}


def test_the_example_decides_as_it_did() -> None:
    policies = (EXAMPLE / "before.cedar").read_text(encoding="utf-8")
    schema = (EXAMPLE / "before.cedarschema").read_text(encoding="utf-8")
    entities = json.loads((EXAMPLE / "before.entities.json").read_text(encoding="utf-8"))
    found = imported(policies, schema=schema, entities=entities)
    assert not found.refusals
    ids = [one["uid"] for one in entities]
    requests = [
        {"principal": who, "action": {"type": "Action", "id": action}, "resource": what, "context": {"mfa": mfa}}
        for who, what, action, mfa in itertools.product(
            [uid for uid in ids if uid["type"] == "User"],
            [uid for uid in ids if uid["type"] == "Document"],
            ("read", "edit", "share", "delete"),
            (True, False),
        )
    ]
    answers = list(decided(policies, entities, requests, found))
    assert [asked for asked, theirs, own in answers if theirs != own] == []
    assert {theirs for _, theirs, _ in answers} == {True, False}


def test_an_entity_that_nobody_knows_is_in_nothing_as_in_cedar() -> None:
    policies = 'permit (principal, action == Action::"read", resource) unless { resource.owner in Team::"x" };'
    doc = {
        "uid": {"type": "Doc", "id": "d"},
        "attrs": {"owner": {"__entity": {"type": "User", "id": "gone"}}},
        "parents": [],
    }
    user = {"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": []}
    found = imported(policies, entities=[doc, user])
    asked = {"principal": user["uid"], "action": {"type": "Action", "id": "read"}, "resource": doc["uid"]}
    assert [(theirs, own) for _, theirs, own in decided(policies, [doc, user], [asked], found)] == [(True, True)]


def test_without_a_schema_what_was_never_seen_may_still_come() -> None:
    """A forbid about an attribute that no entity has yet is no forbid that never matches."""
    policies = (
        'permit (principal, action == Action::"read", resource); forbid (principal, action, resource) when { %s };'
    )
    entities = [{"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": []}]
    for condition in ("resource has hold && resource.hold", "resource.hold", "context has reason", "context.reason"):
        found = imported(policies % condition, schema="", entities=entities)
        assert condition == "context.reason" or [one.stand_in for one in found.refusals] == [True]


# Reading


TEXTS = [
    *(app.policies for app in APPS),
    (EXAMPLE / "before.cedar").read_text(encoding="utf-8"),
    *(policy for policy, _, _ in REFUSED),
    *(f"forbid (principal, action, resource) when {{ {cedar} }};" for cedar, _ in CONDITIONS),
    r"""@x permit(principal is A::B in A::B::"q\"\u{41}", action == N::Action::"r", resource == X::"y",)
    when { -principal.x < - 3 && !!resource.y && -(3) == 2 && --principal.x == 1 || (principal["a b"].c).d.contains(1)
    && context.x like "a\*\\*" && context has "x y" && {"a": 1, b: [if true then 1 else 2]}.b.containsAny([]) };""",
]


def test_places_are_known_because_the_text_is_read_as_cedar_reads_it() -> None:
    for text in TEXTS:
        data = json.loads(cedarpy.policies_to_json_str(text))
        theirs = {**data["staticPolicies"], **data["templates"]}
        mine = read_policies(text)
        assert len(mine) == len(theirs)
        assert all(_same(one.node, theirs[f"policy{i}"]) for i, one in enumerate(mine)), text


def test_a_schema_as_text_and_as_json_are_one() -> None:
    text = """
    type Size = Long;
    @doc("x") namespace N {
      type Home = { city: String, "z-ip"?: __cedar::String };
      entity User, Admin in [Team] = { home: Home, size?: Size, friends: Set<User>, at: datetime } tags String;
      entity Team; entity Color enum ["red", "blue"];
      action all; action "read it", write in [all, N::Action::"top"] appliesTo { principal: User, resource: [Team] };
      action top;
    }
    """
    cedarpy.Schema.from_str(text)
    record = {"type": "Record", "attributes": {
        "home": {"type": "Home"}, "size": {"type": "Size", "required": False},
        "friends": {"type": "Set", "element": {"type": "Entity", "name": "User"}},
        "at": {"type": "Extension", "name": "datetime"},
    }}  # fmt: skip
    user = {"memberOfTypes": ["Team"], "shape": record}
    action = {
        "memberOf": [{"id": "all"}, {"id": "top", "type": "N::Action"}],
        "appliesTo": {"principalTypes": ["User"], "resourceTypes": ["Team"]},
    }
    data = {
        "": {"commonTypes": {"Size": {"type": "Long"}}, "entityTypes": {}, "actions": {}},
        "N": {
            "commonTypes": {"Home": {"type": "Record", "attributes": {
                "city": {"type": "String"}, "z-ip": {"type": "String", "required": False}
            }}},
            "entityTypes": {"User": user, "Admin": user, "Team": {}, "Color": {"enum": ["red", "blue"]}},
            "actions": {"all": {}, "read it": action, "write": action, "top": {}},
        },
    }  # fmt: skip
    cedarpy.Schema.from_json_str(json.dumps(data))
    assert read_schema(parse_schema(text, "text")) == read_schema(data)


def test_json_needs_no_cedarpy_and_text_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'permit (principal, action == Action::"read", resource) when { resource.open };'
    as_json = cedarpy.policies_to_json_str(text)
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    assert "scope    resource.open" in imported(as_json).text
    with pytest.raises(CedarError) as caught:
        imported(text)
    assert "cedarpy" in str(caught.value)
    assert 'pip install "kynara-lang[bench]"' in str(caught.value.help)


BROKEN = [
    ("permit (principal, action, resource) when { 1 ++ };", SCHEMA, None, "`app.cedar` is not Cedar"),
    ("{", SCHEMA, None, "`app.cedar` is not JSON"),
    ('{"a": 1}', SCHEMA, None, "holds no Cedar policies"),
    ('{"staticPolicies": []}', SCHEMA, None, "no object of policies"),
    ("permit (principal, action, resource);", "", None, "nothing says which types"),
    ("permit (principal, action, resource);", "entity;", None, "no Cedar schema"),
    ("permit (principal, action, resource);", "{}", None, "no action or type"),
    ("permit (principal, action, resource);", '{"": {"entityTypes": {"A": {"memberOfTypes": ["B"]}}}}', None, "no entity type `B`"),
    ("permit (principal, action, resource);", '{"": {"entityTypes": {"A": {"shape": {"type": "C"}}}, "commonTypes": {"C": {"type": "C"}}}}', None, "in a circle"),
    ("permit (principal, action, resource);", SCHEMA, {}, "no list of entities"),
    ("permit (principal, action, resource);", SCHEMA, [{"id": 1}], "has no `uid`"),
    ("permit (principal, action, resource);", SCHEMA, [{"uid": "x"}], "entity 1: an entity is named by"),
    ("permit (principal, action, resource);", SCHEMA, [{"uid": {"type": "User", "id": "u"}, "attrs": {"level": "high"}, "parents": []}], "not of type Long"),
    ("permit (principal, action, resource);", SCHEMA, [{"uid": {"type": "User", "id": "u"}}] * 2, "entity 2 is entity 1 again"),
    ("permit (principal, action, resource);", SCHEMA, [{"uid": {"type": "Doc", "id": "u"}, "attrs": {"from": {"__extn": {"fn": "ip", "arg": "10.0.0.0/8"}}}}], "it is a block"),
    ("permit (principal, action, resource);", SCHEMA, [{"uid": {"type": "Doc", "id": "u"}, "attrs": {"at": "yesterday"}, "parents": []}], "is no time"),
]  # fmt: skip


@pytest.mark.parametrize(("policies", "schema", "entities", "message"), BROKEN, ids=[one[3] for one in BROKEN])
def test_what_cannot_be_read_is_an_error_that_says_why(policies: str, schema: str, entities: Any, message: str) -> None:
    with pytest.raises(CedarError) as caught:
        imported(policies, schema=schema, entities=entities)
    assert message in str(caught.value)


def swapped(value: Any, junk: Any) -> Iterator[Any]:
    """Yield a document with each of its parts in turn replaced by junk, or left out."""
    yield junk
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {n: v for n, v in value.items() if n != name}
            for other in swapped(inner, junk):
                yield {**value, name: other}
    if isinstance(value, list):
        for i, inner in enumerate(value):
            for other in swapped(inner, junk):
                yield [*value[:i], other, *value[i + 1 :]]


@pytest.mark.parametrize("junk", [None, "x", {}, [{}]], ids=str)
def test_malformed_documents_are_refused_and_never_crash(junk: Any) -> None:
    policy = (
        'permit (principal is User in Team::"a", action in [Action::"read"], resource) when { principal has home.city '
        '&& resource.owner like "a*" && [1].contains(2) && context.ip.isInRange(ip("10.0.0.0/8")) && action == Action::"read"'
        '&& (if resource is Doc then -principal.level < 3 else resource.price.lessThan(decimal("1.0"))) };'
    )
    policies = json.loads(cedarpy.policies_to_json_str(policy))
    schema = {"": {"entityTypes": {"Team": {}, "User": {"memberOfTypes": ["Team"], "shape": {
        "type": "Record", "attributes": {"level": {"type": "Set", "element": {"type": "Long"}}}}}},
        "actions": {"read": {"memberOf": [{"id": "g"}], "appliesTo": {
            "principalTypes": ["User"], "resourceTypes": ["Team"], "context": {"type": "Record", "attributes": {}}}}}}}  # fmt: skip
    entities = [{"uid": {"type": "User", "id": "u"}, "attrs": {"level": [1], "o": {"__entity": {"type": "A", "id": "b"}}},
                 "parents": [{"type": "Team", "id": "t"}]}]  # fmt: skip
    tried = 0
    for one, two, three in itertools.chain(
        ((other, SCHEMA, None) for other in swapped(policies, junk)),
        ((policies, json.dumps(other), None) for other in swapped(schema, junk)),
        ((policies, SCHEMA, other) for other in swapped(entities, junk)),
        ((policies, "", other) for other in swapped(entities, junk)),
    ):
        tried += 1
        try:
            text = json.dumps(one)
            found = import_cedar(
                [Source("p.json", text if text.startswith("{") else '{"staticPolicies": ' + text + "}")],
                schema=Source("s.json", two if two.startswith(("{", "\n")) else '{"": ' + two + "}") if two else None,
                entities=None if three is None else Source("e.json", json.dumps(three)),
            )
        except CedarError:
            continue
        kynara.loads(found.text)
    assert tried > 300


def test_deep_conditions_are_refused_and_never_crash() -> None:
    for depth in (90, 400):
        nested = "!" * 4 + "(" * depth + "resource.open" + ")" * depth
        try:
            found = imported(f'permit (principal, action == Action::"read", resource) when {{ {nested} }};')
        except CedarError:
            continue
        assert found.rules + len(found.refusals) == 1
    left = " && ".join(["resource.open"] * 150)
    assert len(imported(f'permit (principal, action == Action::"read", resource) when {{ {left} }};').refusals) == 0
    text = " || ".join(["resource.open"] * 150)
    assert len(imported(f'forbid (principal, action == Action::"read", resource) when {{ {text} }};').refusals) <= 1


# Small parts


@pytest.mark.parametrize(
    ("name", "own"),
    [("legalHold", "legal_hold"), ("a-b", "a_b"), ("9lives", "_9lives"), ("HTTPServer", "http_server"), ("ü", "unnamed"), ("", "unnamed")],
)  # fmt: skip
def test_lower_names(name: str, own: str) -> None:
    assert lower_name(name) == own


def test_upper_names_and_texts() -> None:
    assert [upper_name(name) for name in ("App::user", "a-b", "1x", "_")] == ["User", "AB", "T1x", "Unnamed"]
    assert text_literal('a"\\\n\u202e\x00é') == '"a\\"\\\\\\n\\u{202e}\\u{0}é"'


@pytest.mark.parametrize("text", ["", "d", "1h1d", "5", "1.5h", "-"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(Unfit):
        duration_literal(text)


def test_durations_and_times() -> None:
    assert [duration_text(text) for text in ("1d", "-1500ms", "1m5ms")] == ["86400s", "-1.500s", "60.005s"]
    assert time_literal("2024-02-29T00:00:00.123Z") == "2024-02-29T00:00:00.123Z"
    for text in ("2023-02-29", "2024-13-01", "2024-01-01T25:00:00Z", "2024-01-01T00:00:00", "0000-01-01"):
        with pytest.raises(Unfit):
            time_literal(text)
