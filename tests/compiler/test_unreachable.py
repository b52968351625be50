"""What no value can reach is compiled all the same: a set without elements, a type that tests before have ruled out."""

from __future__ import annotations

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.policyset import PolicySet

SCHEMA = """\
subject User { tags: Set<String>, level: Int }
subject Bot { tags: String, made: Time, home: Path }
resource Doc
action read on Doc
"""
USER = {"type": "User", "id": "u", "properties": {"tags": ["a"], "level": 3}}
BOT = {"type": "Bot", "id": "b", "properties": {"tags": "ab", "made": "2026-01-01T00:00:00Z", "home": "/b"}}

CONDITIONS = [
    ('any x in {}: x like "a*"', False, False),
    ('all x in {}: x.starts_with("a")', True, True),
    ("any x in {}: x + 1 > 2", False, False),
    ('all x in {}: x within "/a"', True, True),
    ('subject is User and (not subject is Bot or subject.tags like "a*")', True, False),
    ("subject is User and (subject is Bot and subject.tags.length() > 1)", False, False),
    ('subject is Bot or (subject is Bot and subject.home within "/b")', False, True),
    ('subject is User and (subject is Bot and subject.made.hour("UTC") < 3)', False, False),
    ("subject is Bot and (subject is User and -subject.level < 3 - subject.level)", False, False),
]


@pytest.mark.parametrize(("condition", "user", "bot"), CONDITIONS)
def test_what_nothing_reaches_decides_nothing(condition: str, user: bool, bot: bool) -> None:
    rule = f'permit p {{ subject User, Bot action read resource Doc scope any "test" when {condition} }}'
    checked = check_sources([Source("p.kyn", SCHEMA + rule)])
    assert checked.diagnostics == ()
    policies = PolicySet(checked.program)
    policies.warm()
    for subject, allowed in ((USER, user), (BOT, bot)):
        decision = policies.decide(
            {"subject": subject, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}}
        )
        assert (decision.allowed, decision.errors) == (allowed, ())
