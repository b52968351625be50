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


@pytest.mark.parametrize("length", [1, 999, 1000, 1001, 5000])
@pytest.mark.parametrize("letter", ["a", "\x1b", "é", "\n"])
def test_a_message_is_one_line_of_at_most_a_thousand_characters_of_what_was_said(length: int, letter: str) -> None:
    text = "x" * (length - 1) + letter
    message = DecisionError("c", text).message
    assert message.isprintable()
    assert message.endswith("…") is (length > 1000)
    last = letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}"
    assert message.removesuffix("…") == ("x" * (length - 1) + last if length <= 1000 else "x" * 1000)
