"""Duplicate keys: the one who checks reads the first, the one who acts the second.

CouchDB's two JSON readers took different ones of two `roles`, and anybody could make themselves administrator
(CVE-2017-12635). Keys that are equal after unescaping, members given in two places, and declarations made twice are the
same attack. Here each of them is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import kynara_lang as kynara
from kynara_lang.cli.main import cli
from kynara_lang.runtime import strict_json
from tests.hostile.asking import NOW, call, codes, door, refusal

DOCUMENTS = [
    '{"roles": ["reader"], "roles": ["admin"]}',
    '{"a": {"roles": [], "roles": []}}',
    '[{"x": 1, "x": 1}]',
    '{"type": "User", "id": "u", "type": "Admin"}',
    '{"roles": 1, "\\u0072oles": 2}',
    '{"a\\/b": 1, "a/b": 2}',
    '{"": 1, "": 2}',
    '{"\\u0000": 1, "\\u0000": 2}',
    '{"\\ud83d\\ude00": 1, "😀": 2}',
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_json_with_a_key_twice_is_refused(text: str) -> None:
    for document in (text, text.encode()):
        with pytest.raises(strict_json.JsonProblem, match="twice"):
            strict_json.loads(document)


@pytest.mark.parametrize("text", ['{"roles": 1, "Roles": 2}', '{"a": 1, "a ": 2}', '{"é": 1, "e\\u0301": 2}', '{"a": {"x": 1}, "b": {"x": 1}}'])
def test_keys_that_differ_are_two_keys(text: str) -> None:
    assert strict_json.loads(text) == json.loads(text)


POLICY = """\
subject User
resource Doc
action read on Doc (x: Int)
permit p { subject User action read resource Doc scope any "t" when args.x == 1 }
"""


def line(properties: str, more: str = "") -> str:
    return (
        '{"subject": {"type": "User", "id": "u"}, "action": {"name": "read", "properties": '
        f'{properties}}}, "resource": {{"type": "Doc", "id": "d"}}, "context": {{"now": "{NOW}"}}{more}}}\n'
    )


@pytest.mark.parametrize(
    "request_line",
    [
        line('{"x": 1, "x": 2}'),
        line('{"x": 2, "x": 1}'),
        line('{"x": 2, "\\u0078": 1}'),
        line('{"x": 1}', ', "resource": {"type": "Doc", "id": "other"}'),
        line('{"x": 1}', ', "action": {"name": "read", "properties": {"x": 1}}'),
    ],
)
def test_the_command_line_denies_a_request_with_a_key_twice(request_line: str, tmp_path: Path) -> None:
    (tmp_path / "p.kyn").write_text(POLICY)
    result = CliRunner().invoke(cli, ["decide", str(tmp_path / "p.kyn"), "--requests", "-"], input=line('{"x": 1}') + request_line)
    good, bad = map(json.loads, result.stdout.splitlines())
    assert good["decision"] == "allow"
    assert bad["decision"] == "deny"
    assert bad["errors"]


def test_a_store_with_a_key_or_an_entity_twice_is_refused(tmp_path: Path) -> None:
    hostile = [
        '[{"type": "User", "id": "u", "roles": [], "roles": ["admin"]}]',
        '[{"type": "User", "id": "u", "roles": []}, {"type": "User", "id": "u", "roles": ["admin"]}]',
        '[{"type": "User", "id": "u"}, {"type": "User", "\\u0069d": "u"}]',
    ]
    for text in hostile:
        path = tmp_path / "entities.json"
        path.write_text(text)
        with pytest.raises(kynara.EntitiesError):
            kynara.Entities.from_json(path)


TWICE = [
    ({"roles": ["reader"], "properties": {"roles": ["admin"]}}, "contradictory"),
    ({"roles": [], "properties": {"roles": ["admin"]}}, "contradictory"),
    ({"parents": [], "properties": {"parents": [{"type": "Team", "id": "ops"}]}}, "contradictory"),
    ({"properties": {"on_behalf_of": {"type": "User", "id": "v"}}}, "malformed-request"),
    ({"properties": {"onBehalfOf": {"type": "User", "id": "v"}}}, "malformed-request"),
    ({"onBehalfOf": {"type": "User", "id": "v"}}, "malformed-request"),
    ({"Roles": ["admin"]}, "malformed-request"),
]


@pytest.mark.parametrize(("members", "code"), TWICE)
def test_a_member_in_two_places_must_agree(members: dict[str, object], code: str) -> None:
    text = """\
subject Team
subject User in Team
resource Doc
action read on Doc (x: Int)
role reader
role admin
permit p { subject User action read resource Doc scope any "t" }
"""
    request = call(1)
    request["subject"] |= members
    assert codes(door(text).ask(request)) == [code]


def test_a_set_that_says_two_things_of_one_entity_is_refused() -> None:
    """Entities are equal by name, so a set would keep one of the two: which, nobody knows."""
    text = """\
subject User { level: Int }
resource Doc
action read on Doc (x: Set<User>)
permit p { subject User action read resource Doc scope any "t" when any u in args.x: u.level > 3 }
"""
    one = {"type": "User", "id": "a", "properties": {"level": 1}}
    other = {"type": "User", "id": "a", "properties": {"level": 9}}
    for members in ([one, other], [other, one], [one, {**other, "roles": []}]):
        assert codes(door(text).ask(call(members))) == ["contradictory"]
    assert door(text).effect(call([other, dict(other)])) == "allow"


DECLARED_TWICE = [
    "role a\nrole a",
    "subject User\nsubject User",
    "subject User\nresource User",
    "action read\naction read",
    "let a = 1\nlet a = 2",
    "type A = Int\ntype A = String",
    'subject User as "user"\nsubject Person as "user"',
    'action a as "x"\naction b as "x"',
    'role a as "x"\nrole b as "x"',
    "subject User { a: Int, a: String }",
    'subject User { a as "x": Int, b as "x": Int }',
    "action a (n: Int, n: Int)",
    "context { ip: IP }\ncontext { ip: String }",
    "subject User\nforbid f { subject User action any resource any }\nforbid f { subject User action any resource any }",
    "subject User\nforbid f { subject User subject User action any resource any }",
]


@pytest.mark.parametrize("text", DECLARED_TWICE)
def test_a_policy_that_says_a_thing_twice_is_an_error(text: str) -> None:
    assert refusal(text + "\n")
