"""`kynara who-can` and `what-can`: the rules that grant something, and what remains of their conditions."""

from __future__ import annotations

import json
from pathlib import Path

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
