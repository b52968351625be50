"""Quantifiers over sets that a request brings: each finds an element of its own, and says the same only of the same."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.question import Verdict
from kynara_lang.runtime.replay import Replay

from .claims import difference, entity, idle, program, request, verdicts

VAULT = """
subject User { team: String, skills: Set<String> }
resource Vault { team: String, sealed: Bool }
action open on Vault
let knows(u: User, what: String) = any s in u.skills: s == what
let lacks(u: User, what: String) = not (all s in u.skills: s != what)
"""
OPEN = "permit open_vaults { subject User action open resource Vault scope subject.team == resource.team when %s }\n"
SHUT = "invariant shut { never allow or require_approval subject User action open resource Vault when resource.sealed }"
TRAINED = request(
    entity("User", "a", team="t", skills=["safety", "crypto"]), entity("Vault", "d", team="t", sealed=True), "open"
)


@pytest.mark.parametrize("name", ["knows", "lacks"])
def test_a_predicate_that_is_called_twice_finds_two_elements(name: str) -> None:
    asked = f'not resource.sealed or ({name}(subject, "safety") and {name}(subject, "crypto"))'
    new, old = program(VAULT + OPEN % asked + SHUT), program(VAULT + OPEN % "not resource.sealed" + SHUT)
    assert Replay(new).decision(TRAINED) == "allow"
    assert verdicts(new, TRAINED) == {"shut": Verdict.REFUTED}
    assert idle(new, TRAINED) == {}
    assert difference(old, new, TRAINED).gains


def test_quantifiers_at_the_same_place_of_two_files_find_two_elements() -> None:
    first = """module base
subject User { team: String }
resource Doc { team: String, tags: Set<String> }
action read on Doc
permit readers { subject User action read resource Doc scope subject.team == resource.team when any t in resource.tags: t == "reviewed" }
"""
    second = 'module limits\n%sinvariant hidden { never allow subject User action read resource Doc when any t in resource.tags: t == "draft" }\n'
    place = first.index("any t") - (second % "").index("any t")
    checked = program(first, second % ("#" * (place - 1) + "\n"))
    both = request(entity("User", "a", team="t"), entity("Doc", "d", team="t", tags=["draft", "reviewed"]))
    assert Replay(checked).decision(both) == "allow"
    assert verdicts(checked, both) == {"hidden": Verdict.REFUTED}


def test_the_links_of_a_chain_find_elements_of_their_own() -> None:
    checked = program("""
subject User { team: String }
subject Agent { team: String }
resource Doc { teams: Set<String> }
action read on Doc
permit readers { subject User, Agent action read resource Doc scope any t in resource.teams: t == subject.team }
invariant same_team { never allow subject Agent action read resource Doc
  when delegated and delegator is User and delegator.team != subject.team }
""")
    person = entity("User", "u", team="red")
    asked = request(entity("Agent", "a", team="blue", on_behalf_of=person), entity("Doc", "d", teams=["red", "blue"]))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"same_team": Verdict.REFUTED}


def test_the_elements_of_an_outer_quantifier_are_not_those_of_an_inner_one_over_the_same_set() -> None:
    checked = program("""
subject User { tags: Set<String> }
resource Doc
action read on Doc
let two(u: User) = any x in u.tags: any y in u.tags: x != y
permit readers { subject User action read resource Doc scope any "test" when two(subject) }
permit others { subject User action read resource Doc scope any "test" when any x in subject.tags: any y in subject.tags: x == y and y != y }
invariant nobody { never allow subject User action read resource Doc }
""")
    asked = request(entity("User", "a", tags=["x", "y"]), entity("Doc", "d"))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"nobody": Verdict.REFUTED}
    assert "readers" not in idle(checked, asked)


def test_what_is_asked_of_two_sets_is_not_one_answer() -> None:
    checked = program("""
subject User { mine: Set<String>, theirs: Set<String> }
resource Doc
action read on Doc
permit readers { subject User action read resource Doc scope any "test"
  when (any t in subject.mine: t == "a") and not (any t in subject.theirs: t == "a") }
invariant nobody { never allow subject User action read resource Doc }
""")
    asked = request(entity("User", "a", mine=["a"], theirs=["b"]), entity("Doc", "d"))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"nobody": Verdict.REFUTED}


@pytest.mark.parametrize("quantifier", ["any", "all"])
def test_what_is_asked_twice_of_one_set_has_one_answer(quantifier: str) -> None:
    """Else no rule that excludes with a predicate what another allows with it could be seen to do so."""
    checked = program(f"""
subject User {{ skills: Set<String> }}
resource Doc {{ skill: String }}
action read on Doc
let fits(u: User, d: Doc) = {quantifier} s in u.skills: s == d.skill
permit readers {{ subject User action read resource Doc scope fits(subject, resource) }}
forbid unfit {{ subject User action read resource Doc when {quantifier} s in subject.skills: s == resource.skill }}
invariant nobody {{ never allow subject User action read resource Doc }}
""")
    asked = request(entity("User", "a", skills=["a"]), entity("Doc", "d", skill="a"))
    assert verdicts(checked, asked) == {"nobody": Verdict.PROVED}


def test_a_witness_of_a_negated_quantifier_is_its_own() -> None:
    checked = program("""
subject User { skills: Set<String> }
resource Doc
action read on Doc
let only(u: User, what: String) = all s in u.skills: s == what
permit readers { subject User action read resource Doc scope any "test" when not only(subject, "a") and not only(subject, "b") }
invariant third { never allow subject User action read resource Doc
  when all s in subject.skills: s in {"a", "b"} }
""")
    asked = request(entity("User", "a", skills=["a", "b"]), entity("Doc", "d"))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"third": Verdict.REFUTED}
