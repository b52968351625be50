"""Attributes of somebody who may be of several types: what one type requires, another may leave out."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.question import Verdict
from kynara_lang.runtime.replay import Replay

from .claims import difference, entity, idle, program, request, verdicts

TYPES = """
subject %s { level: Int }
subject %s { level%s: Int? }
subject Agent { team: String }
resource Doc { team: String }
action read on Doc
"""
RULES = """
permit agents { subject Agent action read resource Doc scope resource.team == subject.team when delegated and %s }
permit others { subject Aaa, Bbb action read resource Doc scope any "public" }
invariant need { never allow subject Agent action read resource Doc when (delegator is Aaa or delegator is Bbb) and not (delegator has level) }
"""
REFERRED = """
trait Ranked {}
subject %s is Ranked { level: Int }
subject %s is Ranked { level%s: Int? }
resource Doc { owner: Ranked }
action read on Doc
permit p { subject Aaa action read resource Doc scope any "test" when not (resource.owner has level) }
invariant nobody { never allow subject Aaa action read resource Doc when resource.owner is Bbb }
"""
NAMES = [("Aaa", "Bbb", ""), ("Bbb", "Aaa", ""), ("Aaa", "Bbb", ' as "rank"'), ("Bbb", "Aaa", ' as "rank"')]


@pytest.mark.parametrize("names", NAMES)
def test_one_type_may_leave_out_what_another_requires(names: tuple[str, str, str]) -> None:
    anyone = "(delegator is Aaa or delegator is Bbb) and (not (delegator has level) or delegator.level > 3)"
    rules = RULES % anyone
    checked = program(TYPES % names + rules)
    asked = request(
        entity("Agent", "a", team="t", on_behalf_of={"type": names[1], "id": "b"}), entity("Doc", "d", team="t")
    )
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"need": Verdict.REFUTED}
    assert idle(checked, asked) == {}
    old = program(TYPES % names + rules.replace("not (delegator has level) or ", "delegator has level and "))
    assert difference(old, checked, asked).gains


@pytest.mark.parametrize("names", NAMES)
def test_what_a_type_requires_is_there(names: tuple[str, str, str]) -> None:
    checked = program(TYPES % names + RULES % f"delegator is {names[0]} and (not (delegator has level) or delegator.level > 3)")
    assert verdicts(checked) == {"need": Verdict.PROVED}


@pytest.mark.parametrize("names", NAMES[:2])
def test_so_may_a_reference(names: tuple[str, str, str]) -> None:
    checked = program(REFERRED % names)
    asked = request(entity("Aaa", "a", level=1), entity("Doc", "d", owner=entity("Bbb", "b")))
    assert Replay(checked).decision(asked) == "allow"
    assert verdicts(checked, asked) == {"nobody": Verdict.REFUTED}
