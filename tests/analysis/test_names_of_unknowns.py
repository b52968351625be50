"""What requests call things can be any text: no two things become one unknown, whatever signs are in their names."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.question import Verdict
from kynara_lang.runtime.replay import Replay

from .claims import Json, entity, idle, program, request, verdicts

TYPES = """
subject User { team: String }
resource Doc { team: String }
action read on Doc
"""
NOBODY = "invariant nobody { never allow subject User action read resource Doc }\n"
USER, DOC = entity("User", "a", team="x"), entity("Doc", "d", team="x")
CONTEXTS: list[tuple[str, str, Json]] = [
    (
        'user: { id: String } user_id as "user.id": String',
        'context.user.id == "root" and context.user_id != "root"',
        {"user": {"id": "root"}, "user.id": "x"},
    ),
    (
        'mfa: Bool? mfa_present as "mfa present": Bool',
        "context has mfa and not context.mfa_present",
        {"mfa": True, "mfa present": False},
    ),
    (
        'boss: User told as "boss?": Bool',
        'context.boss.team == "x" and not context.told',
        {"boss": USER, "boss?": False},
    ),
    (
        'boss: User other as "boss.team": String',
        'context.boss.team == "x" and context.other == "y"',
        {"boss": USER, "boss.team": "y"},
    ),
]


@pytest.mark.parametrize(("declared", "when", "context"), CONTEXTS)
def test_fields_of_the_context_are_told_apart(declared: str, when: str, context: Json) -> None:
    permit = f"permit p {{ subject User action read resource Doc scope subject.team == resource.team when {when} }}\n"
    checked = program(f"{TYPES}context {{ {declared} }}\n{permit}{NOBODY}")
    asked = request(USER, DOC, **context)
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"nobody": Verdict.REFUTED}
    assert idle(checked, asked) == {}


def test_an_invariant_on_one_field_is_not_proved_by_another() -> None:
    checked = program(f"""{TYPES}
context {{ user: {{ id: String }} login as "user.id": String }}
permit readers {{ subject User action read resource Doc scope subject.team == resource.team
  when context.user.id == "root" or context.login == "lead" }}
invariant root_only {{ never allow subject User action read resource Doc when context.user.id == "root" and context.login != "root" }}
""")
    asked = request(USER, DOC, **{"user": {"id": "root"}, "user.id": "x"})
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"root_only": Verdict.REFUTED}


@pytest.mark.parametrize(
    ("one", "other", "mine", "theirs"),
    [
        ("grade: \"a\" | \"b\"", "grade: String", "a", "c"),
        ("home: Path", "home: String", "/x", "../x"),
        ("owner: Aaa", "owner: Bbb", {"type": "Aaa", "id": "o"}, {"type": "Bbb", "id": "o"}),
    ],
)
def test_an_attribute_of_two_types_of_people_has_a_value_of_either_type(one: str, other: str, mine: object, theirs: object) -> None:
    """What `delegator.grade` can be is not what the grades of both types have in common."""
    name = one.partition(":")[0]
    literals = [f'{value["type"]}::"o"' if isinstance(value, dict) else f'"{value}"' for value in (mine, theirs)]
    checked = program(f"""
subject Aaa {{ {one} }}
subject Bbb {{ {other} }}
subject Agent
resource Doc
action read on Doc
permit people {{ subject Aaa, Bbb action read resource Doc scope any "test" }}
permit first {{ subject Agent action read resource Doc scope any "test"
  when delegated and delegator is Aaa and delegator.{name} == {literals[0]} }}
permit second {{ subject Agent action read resource Doc scope any "test"
  when delegated and delegator is Bbb and delegator.{name} == {literals[1]} }}
invariant no_first {{ never allow subject Agent action read resource Doc when delegator is Aaa }}
invariant no_second {{ never allow subject Agent action read resource Doc when delegator is Bbb }}
""")
    agent = {"type": "Agent", "id": "a"}
    people = [entity("Aaa", "p", **{name: mine}), entity("Bbb", "p", **{name: theirs})]
    asked = [request({**agent, "on_behalf_of": person}, entity("Doc", "d")) for person in people]
    assert [Replay(checked).decision(one) for one in asked] == ["allow", "allow"]
    assert verdicts(checked, *asked) == {"no_first": Verdict.REFUTED, "no_second": Verdict.REFUTED}
    assert idle(checked, *asked) == {}
