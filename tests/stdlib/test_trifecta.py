"""`std.trifecta`: what has seen private data and untrusted text sends nothing, or waits."""

import itertools
import re
from typing import Any

import pytest

import kynara_lang as kynara
from tests.stdlib.asking import ask, entity, program, text_of

SEEN = list(itertools.product([False, True], repeat=2))


def agent(private: bool, untrusted: bool, identity: str = "a", behalf: Any = None) -> dict[str, Any]:
    return entity(f"Agent:{identity}", saw_private=private, saw_untrusted=untrusted, behalf=behalf)


@pytest.mark.parametrize(("private", "untrusted"), SEEN)
def test_egress_is_refused_or_waits_once_both_were_seen(private: bool, untrusted: bool) -> None:
    policies, subject, both = program("trifecta"), agent(private, untrusted), private and untrusted
    assert ask(policies, subject, "look_up", entity("Contact")) == ("allow", {"agents_work"})
    assert ask(policies, subject, "browse", entity("Page")) == ("allow", {"agents_work"})
    post, answer = ask(policies, subject, "post", entity("Page")), ask(policies, subject, "answer", entity("Mail"))
    if both:
        assert post == ("deny", {"std.trifecta.no_exfiltration"})
        assert answer == ("require_approval", {"std.trifecta.reviewed_exfiltration"})
    else:
        assert post == answer == ("allow", {"agents_work"})
    assert ask(policies, subject, "sum_up", entity("Mail"))[0] == ("deny" if both else "allow")


@pytest.mark.parametrize(("first", "second"), list(itertools.product(SEEN, SEEN)))
def test_two_agents_of_a_chain_count_together(first: tuple[bool, bool], second: tuple[bool, bool]) -> None:
    subject = agent(*first, behalf=agent(*second, identity="b"))
    both = any(seen[0] for seen in (first, second)) and any(seen[1] for seen in (first, second))
    assert ask(program("trifecta"), subject, "post", entity("Page"))[0] == ("deny" if both else "allow")
    handed = ask(program("trifecta"), agent(*first), "hand_on", agent(*second, identity="b"))[0]
    assert handed == ("deny" if both else "allow")


@pytest.mark.parametrize(
    ("action", "resource", "effect"),
    [("look_up", "Contact", "deny"), ("browse", "Page", "allow"), ("post", "Page", "deny"), ("answer", "Mail", "deny")],
)
def test_the_quarantined_read_untrusted_text_and_nothing_else(action: str, resource: str, effect: str) -> None:
    decided, rules = ask(program("trifecta"), entity("Browser"), action, entity(resource))
    assert (decided, "std.trifecta.quarantine" in rules) == (effect, effect == "deny")


def test_an_action_that_joins_no_group_is_not_bound() -> None:
    text = re.sub(r" in egress\b", "", text_of("trifecta"), count=1)
    assert text != text_of("trifecta")
    assert ask(program("trifecta"), agent(True, True), "post", entity("Page"))[0] == "deny"
    assert ask(kynara.loads(text), agent(True, True), "post", entity("Page"))[0] == "allow"
