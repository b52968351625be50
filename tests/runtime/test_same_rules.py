"""Of several rules that decide alike, a decision names the same ones each time: in every process, and however it is asked.

What a switch looks through are sets, whose order depends on a seed that Python chooses anew for each process. A log that is replayed
elsewhere would name other rules for the same request, and the replay would say that something changed.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara

ROOT = Path(__file__).resolve().parents[2]
COUNT = 30
PROGRAM = (
    "subject User in Team\nsubject Team\nresource Doc in Folder\nresource Folder\naction read, write on Doc\n"
    + "".join(f"role r{i}\n" for i in range(COUNT))
    + "".join(
        f'permit p{i} {{ subject User with role r{i} action read resource Doc scope any "t" }}\n'
        f'forbid f{i} {{ subject any action read resource Doc in Folder::"f{i}" }}\n'
        f'permit q{i} {{ subject User in Team::"t{i}" action write resource Doc scope any "t" }}\n'
        f"forbid g{i} {{ subject any action write resource Doc when actor holds r{i} }}\n"
        for i in range(COUNT)
    )
)


def requests() -> list[Any]:
    found = []
    for some in itertools.permutations(range(0, COUNT, 6), 3):
        for action in ("read", "write"):
            user = {"type": "User", "id": "u", "roles": [f"r{i}" for i in some], "parents": [{"type": "Team", "id": f"t{i}"} for i in some]}
            doc = {"type": "Doc", "id": "d"}
            folders = [{"type": "Folder", "id": f"f{i}"} for i in some]
            for subject in (user, {**user, "roles": []}, {**user, "roles": [f"r{i}" for i in range(*sorted(some)[:2])]}):
                for resource in (doc, {**doc, "parents": folders}):
                    found.append({"subject": subject, "action": {"name": action}, "resource": resource, "context": {}})
    return found


def answers() -> list[Any]:
    policies = kynara.loads(PROGRAM)
    return [policies.decide(request).to_dict() for request in requests()]


def test_it_does_not_matter_how_a_request_is_asked_nor_in_which_order_it_says_things() -> None:
    policies = kynara.loads(PROGRAM)
    named: dict[str, set[Any]] = {}
    for request in requests():
        decision = policies.decide(request)
        assert policies.decide(request, []) == decision
        assert policies.decide(policies.request(**request)) == decision
        in_order = {part: sorted(request["subject"][part], key=str) for part in ("roles", "parents")}
        above = sorted(request["resource"].get("parents", ()), key=str)
        named.setdefault(f"{request['action']} {in_order} {above}", set()).add(decision)
    assert {len(decisions) for decisions in named.values()} == {1}
    assert len({decision.rules for decisions in named.values() for decision in decisions}) > 10


@pytest.mark.parametrize("seed", ["1", "2", "77"])
def test_another_process_names_the_same_rules(seed: str) -> None:
    code = "import json; from tests.runtime.test_same_rules import answers; print(json.dumps(answers()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == answers()
