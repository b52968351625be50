"""Paths of thousands of segments, where many rules ask whether a path is within a directory: work that is its square.

A directory index that is asked about every parent of a path has been a way to stop file servers. Seen in Kynara itself: rules that a
path tells apart were looked up by each directory above it, and of a path of 8,192 characters there are four thousand, of 16 MB
together. Now only those as short as some rule's directory are made.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

import kynara_lang as kynara

HEAD = """\
subject User
resource Doc { at: Path, other: Path? }
action read on Doc
permit all { subject any action any resource any scope any "t" }
"""
RULES = "".join(
    f'forbid f{i} {{ subject any action any resource any when resource.at within "/n{i}/a" }}\n'
    f'require approval a{i} {{ subject any action any resource any when resource has other and resource.other within "n{i}" from User }}\n'
    for i in range(40)
)
DEEP = "/a" * 4000


def request(at: str, other: str = "x") -> dict[str, Any]:
    resource = {"type": "Doc", "id": "d", "properties": {"at": at, "other": other}}
    return {"subject": {"type": "User", "id": "u"}, "action": {"name": "read"}, "resource": resource, "context": {}}


@pytest.mark.parametrize(
    ("at", "other", "effect"),
    [
        (DEEP, "x", "allow"),
        (f"/n7/a{DEEP}", "x", "deny"),
        (f"/n7{DEEP}", "x", "deny"),
        (f"/n7/ab{DEEP}", "x", "allow"),
        (DEEP, f"n3{DEEP}", "require_approval"),
        (DEEP, f"n33/{'b' * 8000}", "require_approval"),
        (DEEP, f"n333{DEEP}", "allow"),
        ("/n39/a", "n39", "deny"),
        ("/n39", "n39", "require_approval"),
    ],
)
def test_a_deep_path_is_decided_as_a_short_one_and_takes_little(at: str, other: str, effect: str) -> None:
    policies = kynara.loads(HEAD + RULES)
    asked = request(at, other)
    assert policies.decide(asked).effect.value == effect  # what is compiled once
    prepared = policies.request(**asked)
    tracemalloc.start()
    try:
        assert policies.decide(asked).effect.value == policies.decide(prepared).effect.value == effect
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000
