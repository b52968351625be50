"""What the context of a request refers to changes like anything else, and each request comes with its own."""

from __future__ import annotations

import pytest

from kynara_lang.runtime.replay import Replay

from .test_escalation_readings import program, survey

HEAD = """
subject Group in Group
subject User in Group { level: Int }
resource Doc { level: Int }
context { boss: User, channel: String, device: { safe: Bool, name: String? } }
action read on Doc
action set_level on User (level: Int) modifies level = args.level
action join on User (group: Group) modifies parents = args.group
"""
PROGRAMS = {
    "an attribute of whom it names": """
permit r "r" { subject User action read resource Doc scope context.boss.level >= resource.level }
permit s "s" { subject User action set_level resource User scope any "x" }
""",
    "a group of whom it names": """
permit r "r" { subject User action read resource Doc scope context.boss in Group::"staff" }
permit s "s" { subject User action join resource User scope any "x" }
""",
    "one for the step, another for the gain": """
permit r "r" { subject User action read resource Doc scope subject.level >= resource.level when context.channel == "web" }
permit s "s" { subject User action set_level resource User scope resource == subject when context.channel == "console" }
""",
    "records": """
permit r "r" { subject User action read resource Doc scope subject.level >= resource.level when context.device.safe }
permit s "s" { subject User action set_level resource User scope resource == subject unless context.device.safe }
""",
}


@pytest.mark.parametrize("more", PROGRAMS.values(), ids=PROGRAMS)
def test_a_gain_that_a_context_takes_part_in_is_found_and_confirmed(more: str) -> None:
    found = survey(HEAD + more)
    judge = Replay(program(HEAD + more))
    assert found.unknown == ()
    assert found.found
    for one in found.found:
        assert one.request is not None
        requests = [*(move.request for move in one.moves), one.request]
        assert {judge.decision(request) for request in requests} == {"allow"}


def test_requests_that_differ_in_their_context_alone_are_no_gain() -> None:
    found = survey(HEAD + """
permit r "r" { subject User action read resource Doc scope any "x" when context.channel == "web" }
permit s "s" { subject User action set_level resource User scope resource == subject when context.channel == "console" }
""")
    assert (found.found, found.unknown) == ((), ())


def test_all_requests_of_a_path_share_a_context_where_one_will_do() -> None:
    (one,) = survey(HEAD + """
permit r "r" { subject User action read resource Doc scope subject.level >= resource.level when context.channel == "web" }
permit s "s" { subject User action set_level resource User scope resource == subject when context.channel == "web" }
""").found
    assert one.request is not None
    assert one.moves[0].request["context"] == one.request["context"]
