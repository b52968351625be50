"""What a rule reads of an entity that it names itself no request tells, but a store may: nothing is claimed of that."""

from __future__ import annotations

import pytest

from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.store import Entities

from .test_escalation_readings import entity, program, survey

HEAD = """
role lead
let boss = User::"boss"
let above(u: User, d: Doc) = u.level >= d.level
subject Group in Group
subject User in Group { level: Int, deputy: User }
resource Doc { level: Int }
action read on Doc
action change on User (level: Int, role: String, group: Group)
  modifies level = args.level, roles = args.role, parents = args.group
permit s "s" { subject User action change resource User scope any "x" }
"""
SCOPES = {
    "an attribute": 'User::"boss".level >= resource.level',
    "an attribute of an attribute": "boss.deputy.level >= resource.level",
    "a role": "boss holds lead",
    "a group": 'boss in Group::"staff"',
    "an element": 'any u in {User::"boss", User::"other"}: u.level >= resource.level',
    "an argument of a predicate": "above(boss, resource)",
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_a_change_of_what_a_rule_names_is_not_known_to_lead_nowhere(scope: str) -> None:
    found = survey(f'{HEAD} permit r "r" {{ subject User action read resource Doc scope {scope} }}')
    assert not found.proved
    assert ["names itself" in one.reason for one in found.unknown] == [True]


def test_a_store_tells_what_a_rule_reads_of_whom_it_names() -> None:
    checked = program(f'{HEAD} permit r "r" {{ subject User action read resource Doc scope boss.level >= resource.level }}')
    deputy = {"type": "User", "id": "boss"}
    who, doc = entity("User", "u", level=1, deputy=deputy), entity("Doc", "d", level=5)
    request = {"subject": who, "action": {"name": "read"}, "resource": doc}
    stores = (Entities.from_list([entity("User", "boss", level=level, deputy=deputy)]) for level in (1, 9))
    assert [PolicySet(checked, store).decide(request).effect.value for store in stores] == ["deny", "allow"]


def test_to_compare_with_whom_a_rule_names_reads_nothing_of_it() -> None:
    found = survey(f'{HEAD} permit r "r" {{ subject User action read resource Doc scope subject == boss }}')
    assert found.proved
