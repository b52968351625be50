"""Entities whose types requests name with `::`, as Cedar does, and one type's name can begin with another's."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.keys import entity_text, spelled, type_and_id, type_prefix
from kynara_lang.analysis.question import Verdict
from kynara_lang.runtime.replay import Replay

from .claims import difference, entity, idle, program, request, verdicts

ORG = """
subject Org as "Acme" { name: String }
subject Person as "Acme::Person" { name: String }
subject Bot as "Acme::Bot" { name: String }
resource Doc as "Acme::Doc" { owner: String }
action read on Doc
permit others { subject Person, Org action read resource Doc scope resource.owner == subject.name }
"""
BOTS = "permit bots { subject Bot action read resource Doc scope resource.owner == subject.name when %s }\n"
NEVER = "invariant bots_never { never allow subject Bot action read resource Doc when delegated and delegator is Person }\n"
PERSON = entity("Acme::Person", "p", name="x")
ASKED = request(entity("Acme::Bot", "a", name="x", on_behalf_of=PERSON), entity("Acme::Doc", "d", owner="x"))


def test_a_type_is_not_one_whose_name_its_own_begins_with() -> None:
    checked = program(ORG + BOTS % "delegated and not (delegator is Org)" + NEVER)
    assert Replay(checked).decision(ASKED) == "allow"
    assert verdicts(checked, ASKED) == {"bots_never": Verdict.REFUTED}


def test_a_rule_for_one_of_two_types_is_not_taken_for_a_rule_for_both() -> None:
    rules = BOTS % "delegated and delegator is Person" + "forbid f { subject Bot action read resource Doc when delegator is Org }\n"
    checked, before = program(ORG + rules), program(ORG)
    assert Replay(checked).decision(ASKED) == "allow"
    assert "bots" not in idle(checked, ASKED)
    assert difference(before, checked, ASKED).gains


def test_a_reference_to_one_of_two_types_is_not_of_the_other() -> None:
    checked = program("""
trait Owner {}
subject Team as "Acme" is Owner
subject Crew as "Acme::Crew" is Owner
subject User
resource Doc { owner: Owner }
action read on Doc
permit p { subject User action read resource Doc scope any "test" when not (resource.owner is Team) }
invariant never_crew { never allow subject User action read resource Doc when resource.owner is Crew }
""")
    asked = request(entity("User", "u"), entity("Doc", "d", owner=entity("Acme::Crew", "c")))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"never_crew": Verdict.REFUTED}


def test_groups_whose_types_and_identifiers_read_alike_together_are_two() -> None:
    text = """
subject Team as "Acme"
subject Crew as "Acme::Crew"
subject User in Team, Crew
resource Doc
action read on Doc
permit p { subject User in %s action read resource Doc scope any "test" }
"""
    old, new = program(text % 'Team::"Crew::x"'), program(text % 'Crew::"x"')
    asked = request(entity("User", "u", parents=[{"type": "Acme::Crew", "id": "x"}]), entity("Doc", "d"))
    assert [Replay(one).decision(asked) for one in (old, new)] == ["deny", "allow"]
    assert difference(old, new, asked).gains


@pytest.mark.parametrize("kind", ["Acme", "Acme::", "Acme::Person", "a%3a;", ":", "", "ä::\U00030000"])
@pytest.mark.parametrize("identity", ["", "x", "::x", "Person::x", "%3a;"])
def test_the_text_of_an_entity_can_be_read_back(kind: str, identity: str) -> None:
    text = entity_text(kind, identity)
    assert type_and_id(text) == (kind, identity)
    assert text.startswith(type_prefix(kind))
    for other in ("Acme", "Acme::", "Acme::Person", "a%3a;", "a:", ""):
        assert text.startswith(type_prefix(other)) is (other == kind)


def test_spellings_are_told_apart() -> None:
    names = ["a", "a.b", "a b", "a present", "a?", "a[0]", "a%2e;b", "%", "%%", "", "ab", "a:b", "ä", "\U00030000"]
    assert len({spelled(name) for name in names}) == len(names)
    assert not any(sign in spelled(name) for name in names for sign in ".:?[ ]|'@!()")


def test_requests_of_such_types_are_written_and_confirmed() -> None:
    checked = program("""
subject Person as "Acme::Person" { name: String }
resource Doc as "Acme::Doc" { author: Person, readers: Set<Person> }
action read on Doc
permit handbook { subject Person action read resource Doc::"hand::book" scope any "test" }
permit authors { subject Person action read resource Doc scope resource.author == subject and subject in resource.readers }
invariant first { never allow subject Person action read resource Doc::"hand::book" }
invariant second { never allow subject Person action read resource Doc when resource != Doc::"hand::book" }
""")
    person, doc = entity("Acme::Person", "::p", name="x"), entity("Acme::Doc", "d::e", author=PERSON, readers=[])
    mine = {"author": person, "readers": [person]}
    asked = [request(person, {**doc, "id": "hand::book"}), request(person, entity("Acme::Doc", "d::e", **mine))]
    assert [Replay(checked).decision(one) for one in asked] == ["allow", "allow"]
    assert verdicts(checked, *asked) == {"first": Verdict.REFUTED, "second": Verdict.REFUTED}
