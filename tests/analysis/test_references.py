"""References that tell some attributes and not others: what they do not tell is an error where it is read."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.question import Verdict
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.replay import Replay

from .claims import Json, difference, entity, idle, program, request, verdicts

TYPES = """
subject User { boss: User, team: String, grade: "junior" | "senior", level: Int, note: String? }
resource Doc { team: String, secret: Bool }
action read on Doc
role lead
permit readers { subject User action read resource Doc scope subject.boss.team == resource.team }
"""
LOW = "forbid low { subject User action read resource Doc when subject.boss.level < 3 }\n"
JUNIORS = 'forbid juniors { subject User action read resource Doc when subject.boss.grade == "junior" and subject.boss.level < 2 }\n'
OPEN = """invariant open { always allow subject User action read resource Doc
  when not delegated and not resource.secret and subject.boss.team == resource.team }
"""


def asked(**boss: object) -> Json:
    """Return a request of somebody whose boss it refers to with some attributes."""
    user = entity("User", "a", team="blue", grade="senior", level=1, boss=entity("User", "b", **boss))
    return request(user, entity("Doc", "d", team="t", secret=False))


def test_what_a_reference_does_not_tell_is_an_error_of_a_forbid() -> None:
    forbid = 'forbid f { subject User action read resource Doc when subject.boss.grade == "junior" and resource.secret }\n'
    checked = program(TYPES + forbid + OPEN)
    some = asked(team="t")
    assert Replay(checked).decision(some) == "deny"
    assert Replay(checked).decision(asked(team="t", grade="junior")) == "allow"
    assert verdicts(checked, some) == {"open": Verdict.REFUTED}


def test_a_rule_that_errors_where_another_does_not_is_of_use() -> None:
    """Without `juniors`, who has a boss whose grade is not told may read."""
    both, less = program(TYPES + LOW + JUNIORS), program(TYPES + LOW)
    some = asked(team="t", level=5)
    assert [Replay(one).decision(some) for one in (both, less)] == ["deny", "allow"]
    assert idle(both, some) == {}
    assert difference(both, less, some).gains


def test_a_rule_that_reads_no_more_than_another_is_covered() -> None:
    lower = "forbid lower { subject User action read resource Doc when subject.boss.level < 2 }\n"
    checked = program(TYPES + LOW + lower)
    some = [asked(team="t"), asked(team="t", level=1), asked(team="t", level=2), asked(team="t", level=3)]
    assert idle(checked, *some) == {"lower": "covered"}


@pytest.mark.parametrize(
    "when",
    [
        "subject.boss has note and not (subject.boss has note)",
        'subject.boss.level < 2 and (subject.boss.grade == "junior" and subject.boss.level > 2)',
    ],
)
def test_what_no_reference_can_make_true_stays_excluded(when: str) -> None:
    odd = f"permit odd {{ subject User action read resource Doc scope subject.team == resource.team when {when} }}\n"
    some = [asked(team="t"), asked(team="t", level=1), asked(team="t", level=5, note="x")]
    assert idle(program(TYPES + LOW + odd), *some) == {"odd": "never"}


def test_two_references_to_one_entity_may_tell_different_parts() -> None:
    checked = program("""
subject User { level: Int, team: String }
resource Doc { owner: User, author: User, team: String }
action read on Doc
role lead
permit p { subject User action read resource Doc scope resource.team == subject.team
  when resource.owner == resource.author and resource.owner.level > 3 }
forbid f { subject User action read resource Doc when resource.author.team == "x" }
forbid g { subject User action read resource Doc when resource.author holds lead }
invariant told { always deny subject User action read resource Doc }
invariant led { never allow subject User action read resource Doc when resource.owner holds lead }
invariant untold { always allow subject User action read resource Doc when not delegated and resource.team == subject.team
  and resource.owner == resource.author and resource.owner.level > 3 and resource.owner.team != "x" and not (resource.owner holds lead) }
""")
    reader = entity("User", "a", level=1, team="t")

    def doc(author: Json, **owner: object) -> Json:
        return request(reader, entity("Doc", "d", team="t", owner=entity("User", "b", **owner), author=author))

    author = entity("User", "b", team="y")
    some = [doc(author, level=5), doc(author, level=5, roles=["lead"]), doc(entity("User", "b", level=5), level=5, team="y")]
    assert [Replay(checked).decision(one) for one in some] == ["allow", "allow", "deny"]
    assert set(verdicts(checked, *some).values()) == {Verdict.REFUTED}


def test_of_two_that_are_one_entity_the_first_is_the_element() -> None:
    checked = program("""
subject User { level: Int }
resource Doc { owner: User, author: User }
action read on Doc
permit p { subject User action read resource Doc scope any "test" }
forbid f { subject User action read resource Doc when any u in {resource.owner, resource.author}: u.level < 3 }
invariant open { always deny subject User action read resource Doc when resource.owner == resource.author
  and resource.author.level < 3 }
""")
    reader, owner, author = entity("User", "a", level=1), entity("User", "b", level=5), entity("User", "b", level=1)
    some = request(reader, entity("Doc", "d", owner=owner, author=author))
    assert Replay(checked).decision(some) == "allow"
    assert verdicts(checked)["open"] is Verdict.PROVED  # two mentions of one entity do not contradict each other


def test_what_the_store_completes_is_told() -> None:
    """So nothing that a reference leaves out is taken for missing, either."""
    checked = program(TYPES + LOW + JUNIORS + "invariant shut { never allow subject User action read resource Doc }")
    some = asked(team="t", level=5)
    store = Entities.from_list([entity("User", "b", grade="senior")])
    assert [PolicySet(checked, known).decide(some).effect.value for known in (None, store)] == ["deny", "allow"]
    assert verdicts(checked, some) == {"shut": Verdict.REFUTED}
