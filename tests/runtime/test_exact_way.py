"""What the exact way, which reads and validates everything, says of chains and of texts, beside what is quick."""

from __future__ import annotations

import pytest

from kynara_lang.runtime.decision import DecisionError
from tests.runtime.programs import ALICE, ask, having, program

PEOPLE = [{**having(ALICE, level=level), "id": f"u{level}"} for level in (1, 2, 3, 4)]
EVERYONE = 'permit p { subject any action any resource any scope any "t" }\n'


@pytest.mark.parametrize("first", range(1, 5))
@pytest.mark.parametrize("second", range(1, 5))
def test_the_delegator_of_a_principal_is_whom_it_acts_for_itself(first: int, second: int) -> None:
    """In a chain u1 → u2 → u3 → u4 each has one delegator, and the last has none."""
    policies = program(
        EVERYONE + "forbid f { subject User action read resource Doc\n"
        f"  when subject.level == {first} when delegator is User and delegator.level == {second} }}"
    )
    asked = ask(*PEOPLE)
    decision = policies._decide(policies._prepare(asked), ())
    assert decision.allowed is (second != first + 1)
    assert policies.decide(asked) == decision
    link = policies.explain(asked).links[first - 1]
    assert link.effect == ("deny" if second == first + 1 else "allow")


@pytest.mark.parametrize("first", range(1, 5))
@pytest.mark.parametrize("second", range(1, 5))
def test_the_actor_is_whoever_performs_the_call_or_could_have(first: int, second: int) -> None:
    """A link is decided for each principal up to itself, so that nobody gets more through another."""
    policies = program(
        EVERYONE + "forbid f { subject User action read resource Doc\n"
        f"  when subject.level == {first} when actor is User and actor.level == {second} }}"
    )
    asked = ask(*PEOPLE)
    decision = policies._decide(policies._prepare(asked), ())
    assert decision.allowed is (second > first)
    assert policies.decide(asked) == decision


def test_a_forbid_for_somebody_else_who_could_have_called_is_told_without_errors_that_come_after_it() -> None:
    policies = program(
        EVERYONE + "forbid f { subject User action read resource Doc when actor is User and actor.level == 2 }\n"
        "require approval a { subject User action read resource Doc from any\n"
        "  when subject.level * 9223372036854775807 > 0 }"
    )
    asked = ask(*PEOPLE[:2])
    decision = policies.decide(asked)
    assert (decision.effect.value, decision.rules, decision.errors) == ("deny", ("f1.f",), ())
    assert policies.decide(asked, []) == decision


@pytest.mark.parametrize("length", [1, 999, 1000, 1001, 5000])
@pytest.mark.parametrize("letter", ["a", "\x1b", "é", "\n"])
def test_a_message_is_one_line_of_at_most_a_thousand_characters_of_what_was_said(length: int, letter: str) -> None:
    text = "x" * (length - 1) + letter
    message = DecisionError("c", text).message
    assert message.isprintable()
    assert message.endswith("…") is (length > 1000)
    last = letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}"
    assert message.removesuffix("…") == ("x" * (length - 1) + last if length <= 1000 else "x" * 1000)


HOLDING = """
subject User { line: { a: Int, by: User? }, friends: Set<User>, lines: Set<{ a: Int, by: User }> }
resource Doc
action read on Doc
permit p { subject User action read resource Doc scope any "t"
  when all f in subject.friends: f.line.a > 0 when all l in subject.lines: l.by != subject }
"""


def user(name: str, number: int, **more: object) -> dict[str, object]:
    return {"type": "User", "id": name, "properties": {"line": {"a": number}, "friends": [], "lines": [], **more}}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (user("v", 1), user("v", 1), True),
        (user("v", 1), user("v", 2), False),
        (user("v", 1), user("w", 2), True),
        (user("v", 1, friends=[user("w", 1)]), user("v", 1, friends=[user("w", 1)]), True),
        (user("v", 1, friends=[user("w", 1)]), user("v", 1, friends=[user("w", 2)]), False),
        (user("v", 1, line={"a": 1, "by": user("w", 1)}), user("v", 1, line={"a": 1, "by": user("w", 1)}), True),
        (user("v", 1, line={"a": 1, "by": user("w", 1)}), user("v", 1, line={"a": 1, "by": user("w", 2)}), False),
        (user("v", 1, line={"a": 1, "by": user("w", 1)}), user("v", 1), False),
        ({**user("v", 1), "roles": ["a"]}, user("v", 1), False),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_whom_a_set_names_twice_must_be_the_same_both_times(
    first: dict[str, object], second: dict[str, object], same: bool, within: bool
) -> None:
    """Entities are equal by name: of two that differ, chance would decide which one the rules see."""
    named: dict[str, object] = {"friends": [first, second]}
    if within:
        named = {"lines": [{"a": 1, "by": first}, {"a": 1, "by": second}]}
    asked = {"subject": user("u", 1, **named), "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}}
    decision = program("role a\n", base=HOLDING).decide(asked)
    assert decision.allowed is same
    assert [error.code for error in decision.errors] == ([] if same else ["contradictory"])
