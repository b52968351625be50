"""`kynara who-can` and `what-can`: the rules that grant something, and what remains of their conditions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

from .project import ROOT, Run

REFUNDS = str(ROOT / "examples" / "support_refunds" / "policies")
TODO = str(ROOT / "examples" / "authzen_todo" / "todo.kyn")
STORE = str(ROOT / "examples" / "authzen_todo" / "entities.json")


def test_who_can_tells_what_remains_of_the_conditions(kynara: Run) -> None:
    result = kynara("who-can", "read", "Order", "-p", REFUNDS)
    assert result.exit_code == 0
    assert "User can, under conditions, read Order\n  by support.refunds.read_orders for User with role support\n" in result.stdout
    assert "    scope subject.tenant == resource.tenant\n" in result.stdout
    assert "  forbidden by std.tenancy.no_crossing for User\n" in result.stdout


def test_a_store_names_those_who_can(kynara: Run) -> None:
    result = kynara("who-can", "can_update_todo", "Todo", "-p", TODO, "--entities", STORE, "--format", "json")
    answers = json.loads(result.stdout)["answers"]
    assert len(answers) == 3  # rick for certain, morty and summer for their own todos; beth and jerry may only read
    certain = [one for one in answers if one["decisions"] == ["allow"]]
    assert [one["permits"][-1]["rule"] for one in certain] == ["todo.update_any"]
    assert any("resource.ownerID ==" in c for one in answers for rule in one["permits"] for c in rule["conditions"])


def test_nobody_can_what_no_rule_permits(kynara: Run) -> None:
    result = kynara("who-can", "set_trust", "Agent", "-p", REFUNDS)
    assert (result.exit_code, result.stdout) == (1, "Nobody, whatever the request.\n")


def test_what_can_lists_actions(kynara: Run) -> None:
    result = kynara("what-can", "Agent", "-p", REFUNDS, "--format", "json")
    assert [one["action"] for one in json.loads(result.stdout)["answers"]] == ["read", "refund"]
    assert kynara("what-can", "Team", "-p", REFUNDS).exit_code == 1


def test_names_that_do_not_exist_get_a_suggestion(kynara: Run) -> None:
    wrong = kynara("who-can", "refnd", "Order", "-p", REFUNDS)
    assert (wrong.exit_code, "did you mean `refund`?" in wrong.stderr) == (2, True)
    wrong = kynara("what-can", "Agnet", "-p", REFUNDS)
    assert (wrong.exit_code, "did you mean `Agent`?" in wrong.stderr) == (2, True)
    wrong = kynara("who-can", "refund", "Agent", "-p", REFUNDS)
    assert (wrong.exit_code, "it applies to Order" in wrong.stderr) == (2, True)


def test_types_with_colons_are_read_as_requests_spell_them(kynara: Run, tmp_path: Path) -> None:
    policies = tmp_path / "colons"
    policies.mkdir()
    (policies / "p.kyn").write_text(
        """subject Org as "Acme" { name: String }
subject Person as "Acme::Person" { name: String }
resource Doc as "Acme::Doc" { name: String }
action read on Doc
permit ann { subject Person::"a::n" action read resource Doc scope resource.name == subject.name }
""",
        encoding="utf-8",
    )
    for person in ("Acme::Person::a::n", 'Acme::Person::"a::n"', "Person::a::n", "Acme::Person"):
        result = kynara("what-can", person, "-p", str(policies), "--format", "json")
        assert [one["action"] for one in json.loads(result.stdout)["answers"]] == ["read"], person
    assert kynara("what-can", "Acme::Person::p", "-p", str(policies)).exit_code == 1
    assert kynara("what-can", "Acme::Nobody", "-p", str(policies)).exit_code == 1
    assert kynara("what-can", "Nobody::x", "-p", str(policies)).exit_code == 2


PATTERNS = """\
subject Team { name: String }
subject User in Team { age: Int }
subject Agent { name: String }
resource Folder { name: String }
resource Doc in Folder { size: Int }
action read on Doc
action write on Doc
role staff
role admin extends staff
permit by_role { subject User with role admin  action read  resource Doc  scope any "x" }
permit in_team { subject User in Team::"x"  action read  resource Doc  scope any "x" }
permit alice { subject User::"alice"  action read  resource Doc  scope any "x" }
permit in_folder { subject Agent  action read  resource Doc in Folder::"f"  scope any "x" }
permit one_doc { subject Agent  action read  resource Doc::"d"  scope any "x"  when resource.size < 9 }
forbid secret { subject any  action read  resource Doc in Folder::"secret" }
forbid outsiders { subject User in Team::"out"  action read  resource Doc }
require approval ask {
  subject User with role staff  action read  resource Doc in Folder::"g"  from User with role admin
}
permit writing {
  subject User in Team::"x" with role staff or admin, User::"carl"  action write  resource Doc in Folder::"a", Doc::"b"
  scope any "x"
}
"""


@pytest.fixture
def patterns(kynara: Run, tmp_path: Path) -> Callable[..., str]:
    """Return what the command answers on the program with a pattern of each kind."""
    policies = tmp_path / "patterns"
    policies.mkdir()
    (policies / "p.kyn").write_text(PATTERNS, encoding="utf-8")
    return lambda *args: kynara(*args, "-p", str(policies)).stdout


def test_patterns_that_narrow_a_rule_are_told(patterns: Callable[..., str]) -> None:
    assert patterns("who-can", "read", "Doc") == (
        "Agent can, under conditions, read Doc\n"
        '  by p.in_folder for Agent on Doc in Folder::"f"\n'
        '  by p.one_doc for Agent on Doc::"d"\n'
        "    when resource.size < 9\n"
        '  forbidden by p.secret for Agent on Doc in Folder::"secret"\n'
        "User can, under conditions, read Doc\n"
        '  by p.alice for User::"alice"\n'
        "  by p.by_role for User with role admin\n"
        '  by p.in_team for User in Team::"x"\n'
        '  forbidden by p.outsiders for User in Team::"out"\n'
        '  forbidden by p.secret for User on Doc in Folder::"secret"\n'
        '  asks for p.ask for User with role staff on Doc in Folder::"g"\n'
    )


def test_several_patterns_are_told_as_a_clause_lists_them(patterns: Callable[..., str]) -> None:
    told = patterns("what-can", "User")
    whom = 'User in Team::"x" with role staff or admin, User::"carl"'
    assert f'  by p.writing for {whom} on Doc in Folder::"a", Doc::"b"\n' in told
    policy = PATTERNS + f'permit copied {{ subject {whom}  action write  resource Doc  scope any "x" }}\n'
    assert not check_sources([Source("p.kyn", policy)]).has_errors


def test_always_is_said_where_what_is_asked_fits_for_sure(patterns: Callable[..., str]) -> None:
    assert '  by p.alice for User::"alice", always\n' in patterns("what-can", "User::alice")
    assert '  by p.alice for User::"alice"' not in patterns("what-can", "User::bob")
    assert '  by p.one_doc for Agent on Doc::"d"\n    when' in patterns("who-can", "read", "Doc::d")


def test_json_tells_patterns_of_every_effect(patterns: Callable[..., str]) -> None:
    _, user = json.loads(patterns("who-can", "read", "Doc", "--format", "json"))["answers"]
    told = {
        (effect, rule["rule"]): (rule["subject"], rule["resource"], rule["always"])
        for effect in ("permits", "forbids", "approvals")
        for rule in user[effect]
    }
    assert told == {
        ("permits", "p.alice"): ('User::"alice"', "Doc", False),
        ("permits", "p.by_role"): ("User with role admin", "Doc", False),
        ("permits", "p.in_team"): ('User in Team::"x"', "Doc", False),
        ("forbids", "p.outsiders"): ('User in Team::"out"', "Doc", False),
        ("forbids", "p.secret"): ("User", 'Doc in Folder::"secret"', False),
        ("approvals", "p.ask"): ("User with role staff", 'Doc in Folder::"g"', False),
    }


STORED = """\
subject User { age: Int }
resource Doc { size: Int }
action read on Doc
action write on Doc
permit all { subject User  action read, write  resource Doc  scope any "x"  when resource.size < 9 }
forbid old { subject User  action read  resource Doc  when subject.age + resource.size > 0 and subject.age > 20 }
require approval ask {
  subject User  action write  resource Doc  when subject.age + resource.size > 0 or subject.age == 10  from User
}
"""


def test_what_only_an_error_brings_about_is_told_apart(kynara: Run, tmp_path: Path) -> None:
    policies = tmp_path / "stored"
    policies.mkdir()
    (policies / "p.kyn").write_text(STORED, encoding="utf-8")
    store = tmp_path / "store.json"
    store.write_text(json.dumps([{"type": "User", "id": 'a"b', "properties": {"age": 10}}]), encoding="utf-8")
    arguments = ("what-can", 'User::a"b', "-p", str(policies), "--entities", str(store))
    assert kynara(*arguments).exit_code == 1  # the store has no Doc
    told = kynara("who-can", "read", "Doc", *arguments[2:]).stdout
    assert told == (
        'User::"a\\"b" can, under conditions, read Doc\n'
        "  by p.all for User\n"
        "    when resource.size < 9\n"
        "  forbidden by p.old for User\n"
        "    where evaluating one of these is an error\n"
        "    when 10 + resource.size > 0\n"
    )
    told = kynara("who-can", "write", "Doc", *arguments[2:]).stdout
    assert told == (
        'User::"a\\"b" can, under conditions and with an approval, write Doc\n'
        "  by p.all for User\n"
        "    when resource.size < 9\n"
        "  asks for p.ask for User, always\n"
    )
