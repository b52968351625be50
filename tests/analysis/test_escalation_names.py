"""What requests call types and attributes makes no difference: what is changed and what is read meet by declaration."""

from __future__ import annotations

import pytest

from kynara_lang.analysis import invariants
from kynara_lang.analysis.question import Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.runtime.replay import Replay

from .test_escalation_readings import Json, decided, entity, program, survey

HEAD = """
role lead
trait Owned { level: Int, tags: Set<String>, team: Team }
resource Team as "Acme::Team" { tier as "t:tier": Int }
subject Group as "Acme::Group" in Group
subject Person as "Acme::Person" in Group is Owned {
  level as "p:level": Int  tags as "p.tags": Set<String>  team as "p team": Team
}
subject Bot as "Acme::Bot" in Group is Owned { level as "b::level": Int  tags: Set<String>  team as "level": Team }
resource Doc as "Acme::Doc" { owner as "the:owner": Owned, level as "l": Int, tag: String }
action read on Doc
action pass on Person, Bot
action run on Doc acts as resource.owner requires pass
action set_level on Person, Bot (level as "to:level": Int) modifies level = args.level
action set_tags on Person, Bot (tags: Set<String>) modifies tags = args.tags
action set_tier on Team (tier: Int) modifies tier = args.tier
action give on Doc (to: Owned) modifies owner = args.to
action grant on Person, Bot (role: String) modifies roles = args.role
action join on Person, Bot (group: Group) modifies parents = args.group
"""


def reading(scope: str, action: str, on: str, bound: str = "resource == subject") -> str:
    permit = f'permit r "r" {{ subject Person action read resource Doc scope {scope} }}'
    return f'{HEAD}{permit} permit s "s" {{ subject Person action {action} resource {on} scope {bound} }}'


MINE = "resource.owner == subject and "
FOUND = {
    "an attribute": reading(MINE + "resource.level <= resource.owner.level", "set_level", "Person"),
    "a set": reading(MINE + "resource.tag in resource.owner.tags", "set_tags", "Person"),
    "an attribute of an attribute": reading(
        MINE + "resource.level <= resource.owner.team.tier", "set_tier", "Team", "resource == subject.team"
    ),
    "a reference": reading("resource.owner == subject", "give", "Doc", 'any "x"'),
    "roles": reading(MINE + "resource.owner holds lead", "grant", "Person"),
    "groups": reading(MINE + 'resource.owner in Group::"x::y"', "join", "Person"),
    "a principal": reading("resource.level <= subject.level", "set_level", "Bot", 'any "x"')
    + """
permit p "p" { subject Bot action pass resource Person scope any "x" }
permit a "a" { subject Bot action run resource Doc scope any "x" }
""",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_what_is_changed_is_what_is_read_of_a_type_among_several(text: str) -> None:
    found = survey(text)
    assert found.unknown == ()
    assert found.found
    judge = Replay(program(text))
    for one in found.found:
        assert one.request is not None
        requests: list[Json] = [*(move.request for move in one.moves), one.request]
        assert {judge.decision(request) for request in requests} == {"allow"}


def test_a_quantifier_over_a_set_that_requests_call_otherwise_for_each_type_is_no_proof() -> None:
    text = reading(MINE + "(any t in resource.owner.tags: t == resource.tag)", "set_tags", "Person")

    def person(*tags: str) -> dict[str, object]:
        return entity("Acme::Person", "p", **{"p:level": 1, "p.tags": list(tags), "p team": {"type": "Acme::Team", "id": "t"}})

    def doc(*tags: str) -> dict[str, object]:
        return entity("Acme::Doc", "d", **{"the:owner": person(*tags), "l": 1, "tag": "a"})

    step = (person(), "set_tags", {"tags": ["a"]}, person())
    requests = ((person(), "read", {}, doc()), step, (person("a"), "read", {}, doc("a")))
    assert decided(text, *requests) == ["deny", "allow", "allow"]
    found = survey(text)
    assert not found.proved
    assert found.found or found.unknown


def test_an_invariant_of_what_requests_call_otherwise_for_each_type_is_proved() -> None:
    text = reading("resource.owner.level > 3", "set_level", "Person") + """
forbid f { subject Person action read resource Doc when subject.level > 3 }
invariant own { never allow subject Person action read resource Doc when resource.owner == subject }
"""
    checked = program(text)
    (one,) = checked.invariants
    assert invariants.prove(checked, one, Replay(checked), Limits()).verdict is Verdict.PROVED
