"""`std.agents`: supervision, what cannot be undone, and the depth of chains, each for agents with the trait alone."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

RECORD = entity("Record", drafts=1, owner_id="u-1")
USER = entity("User", owner_id="u-1")


def intern(max_depth: int, behalf: Any = None) -> dict[str, Any]:
    return entity("Intern", max_depth=max_depth, behalf=behalf)


def clerk(trust: str = "high", identity: str = "c", **more: Any) -> dict[str, Any]:
    return entity(f"Clerk:{identity}", trust=trust, **{"owner_id": "u-1", **more})


@pytest.mark.parametrize(
    ("subject", "action", "effect", "rules"),
    [
        # supervised agents need somebody behind them, others do not
        (intern(1), "read", "deny", {"std.agents.never_alone"}),
        (intern(1, USER), "read", "allow", {"all_read"}),
        (entity("Plain", owner_id="x"), "read", "allow", {"all_read"}),
        (clerk(), "read", "allow", {"all_read"}),
        # cautious agents do for what cannot be undone
        (clerk(), "erase", "deny", {"std.agents.nothing_final_alone"}),
        (clerk(behalf=USER), "erase", "allow", {"clerks_erase"}),
        (USER, "erase", "allow", {"clerks_erase"}),
        # trust and owners
        (clerk(), "file", "allow", {"owners_file"}),
        (clerk("medium"), "file", "allow", {"owners_file"}),
        (clerk("low"), "file", "deny", set()),
        (clerk(owner_id="u-2"), "file", "deny", set()),
    ],
)
def test_agents(subject: Any, action: str, effect: str, rules: set[str]) -> None:
    assert ask(program("agents"), subject, action, RECORD) == (effect, rules)


@pytest.mark.parametrize(
    ("chain", "effect"),
    [
        (intern(0, USER), "deny"),
        (intern(1, USER), "allow"),
        (intern(1, entity("Plain:p", owner_id="x", behalf=USER)), "deny"),
        (intern(2, entity("Plain:p", owner_id="x", behalf=USER)), "allow"),
        # the whole chain counts, whichever link has the bound
        (entity("Plain:p", owner_id="x", behalf=intern(1, USER)), "deny"),
        (entity("Plain:p", owner_id="x", behalf=intern(2, USER)), "allow"),
        (entity("Plain:p", owner_id="x", behalf=entity("Plain:q", owner_id="x", behalf=USER)), "allow"),
    ],
)
def test_chains_are_as_long_as_each_bounded_link_allows(chain: Any, effect: str) -> None:
    decided, rules = ask(program("agents"), chain, "read", RECORD)
    assert (decided, "std.agents.too_deep" in rules) == (effect, effect == "deny")


@pytest.mark.parametrize("strong", ["low", "medium", "high"])
@pytest.mark.parametrize("weak", ["low", "medium", "high"])
def test_trust_has_an_order(strong: str, weak: str) -> None:
    order = ["low", "medium", "high"]
    effect, _ = ask(program("agents"), clerk(strong), "train", clerk(weak, "d"))
    assert (effect == "allow") is (order.index(strong) > order.index(weak))
