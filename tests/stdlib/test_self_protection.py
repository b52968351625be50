"""`std.self_protection`: an agent changes neither itself, nor its equals, nor what judges and records it."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

PERMITS = """
permit agents_overreach "o" { subject Agent action edit_policy, stop_log resource any scope any "a mistake" }
permit people_run_it "p" { subject User action edit_policy, stop_log, pause, tune, remind, note resource any scope any "p" }
"""
STD = "std.self_protection."


def agent(rank: int, identity: str = "a", behalf: Any = None) -> dict[str, Any]:
    return entity(f"Agent:{identity}", rank=rank, team="t", behalf=behalf)


def part(kind: str, of: dict[str, Any]) -> dict[str, Any]:
    return entity(kind, agent=of)


@pytest.mark.parametrize(
    ("action", "kind", "rule"),
    [("edit_policy", "Policy", "no_policy_changes"), ("stop_log", "Log", "no_audit_changes")],
)
def test_policies_and_records_are_for_people(action: str, kind: str, rule: str) -> None:
    policies, bot, user = program("self_protection", PERMITS), agent(9), entity("User")
    assert ask(policies, bot, action, entity(kind)) == ("deny", {STD + rule})
    assert ask(policies, user, action, entity(kind)) == ("allow", {"people_run_it"})
    assert ask(policies, agent(9, behalf=user), action, entity(kind))[0] == "deny"


@pytest.mark.parametrize(("own", "other", "effect"), [(2, 1, "allow"), (2, 2, "deny"), (2, 3, "deny")])
def test_only_a_stronger_agent_changes_an_agent(own: int, other: int, effect: str) -> None:
    policies = program("self_protection")
    whole = ask(policies, agent(own), "pause", agent(other, "b"))
    piece = ask(policies, agent(own), "tune", part("Setting", agent(other, "b")))
    assert (whole[0], piece[0]) == (effect, effect)
    if effect == "deny":
        assert whole[1] == {STD + "never_itself_or_its_equal"}
        assert piece[1] == {STD + "no_parts_of_its_equal"}
    assert ask(policies, agent(own), "review", agent(other, "b"))[0] == effect


def test_no_agent_changes_itself() -> None:
    policies = program("self_protection")
    assert ask(policies, agent(2), "pause", agent(2))[0] == "deny"
    assert ask(policies, agent(2), "tune", part("Setting", agent(2)))[0] == "deny"


def test_no_agent_sends_another_to_change_it() -> None:
    policies = program("self_protection")
    strong = agent(3, "strong", behalf=agent(2))
    assert ask(policies, agent(3, "strong"), "pause", agent(2))[0] == "allow"
    assert ask(policies, strong, "pause", agent(2))[0] == "deny"


@pytest.mark.parametrize(("own", "other", "effect"), [(2, 1, "allow"), (2, 2, "allow"), (2, 3, "deny")])
def test_memory_is_not_written_upwards(own: int, other: int, effect: str) -> None:
    policies = program("self_protection")
    whole = ask(policies, agent(own), "remind", agent(other, "b"))
    piece = ask(policies, agent(own), "note", part("Memory", agent(other, "b")))
    assert (whole[0], piece[0]) == (effect, effect)
    if effect == "deny":
        assert whole[1] == {STD + "no_orders_upwards"}
        assert piece[1] == {STD + "no_notes_upwards"}


def test_people_go_on_administering() -> None:
    policies, user = program("self_protection", PERMITS), entity("User")
    for action, resource in [
        ("pause", agent(3)),
        ("remind", agent(3)),
        ("tune", part("Setting", agent(3))),
        ("note", part("Memory", agent(3))),
    ]:
        assert ask(policies, user, action, resource) == ("allow", {"people_run_it"})


def test_a_part_of_an_agent_that_nobody_knows_stays_closed() -> None:
    policies = program("self_protection", PERMITS)
    setting = entity("Setting", agent={"type": "Agent", "id": "unknown"})
    request = {"subject": agent(9), "action": {"name": "tune"}, "resource": setting}
    decision = policies.decide(request)
    assert str(decision.effect) == "deny"
    assert {error.code for error in decision.errors} & {"unknown-entity", "missing-attribute"}
