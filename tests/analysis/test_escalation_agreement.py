"""Random programs with groups, roles, references and approvals: a path of the solver is one of the evaluator."""

from __future__ import annotations

import random

import pytest

from kynara_lang.analysis.escalation import escalations
from kynara_lang.analysis.escalation_report import diagnostics
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

BASE = """
role r0
role r1 extends r0
role r2
subject Team in Team { tier: Int }
subject User in Team { team: String, boss: User?, tags: Set<String> }
subject Agent in Team { owner: User, trust: "low" | "high", team: String, limit: Decimal, on: Bool }
resource Folder in Folder { team: String }
resource Doc in Folder {
  team: String
  owner: User
  folder: Folder
  path: Path
  label: String?
  readers: Set<User>
  cost: Decimal
}
action read, write on Doc (amount: Decimal)
action doc_set on Doc (owner: User, team: String) modifies owner = args.owner, team = args.team
action doc_move on Doc (to: Folder) modifies parents = args.to
action doc_move_any on Doc modifies parents
action folder_move on Folder (to: Folder) modifies parents = args.to
action doc_label on Doc (label: String?) modifies label = args.label
action doc_path on Doc (to: Path) modifies path = args.to
action doc_share on Doc (who: Set<User>) modifies readers = args.who
action grant on User, Agent (role: String) modifies roles = args.role
action grant_any on User, Agent modifies roles
action join on User, Agent (group: Team) modifies parents = args.group
action set_trust on Agent (t: String) modifies trust = args.t
action set_owner on Agent (o: User) modifies owner = args.o
action set_boss on User (b: User) modifies boss = args.b
action team_tier on Team (n: Int) modifies tier = args.n
action imp on User, Agent acts as resource
action spawn on Folder (child: Agent) acts as args.child
action use on Agent acts as resource.owner requires imp
action mem on Agent effects writes_memory
action ok on Doc effects approves
"""
OF_SUBJECT = {
    "User": [
        "subject holds r1",
        'subject in Team::"x"',
        'subject has boss and subject.boss.team == "t"',
        '"z" in subject.tags',
    ],
    "Agent": [
        'subject.trust == "high"',
        "subject holds r2",
        "subject.owner holds r1",
        'subject in Team::"x"',
        "subject.limit > 5.00",
    ],
}
OF_RESOURCE: dict[str, dict[str, list[str]]] = {
    "Doc": {
        "any": [
            "resource.team == subject.team",
            'resource in Folder::"pub"',
            'resource.folder in Folder::"pub"',
            "resource.folder.team == subject.team",
            'resource.path within "/w"',
            'resource has label and resource.label == "l"',
            "resource.owner.team == subject.team",
        ],
        "User": ["resource.owner == subject", "subject in resource.readers"],
        "Agent": ["resource.owner == subject.owner", "resource.cost <= subject.limit"],
    },
    "Folder": {"any": ["resource.team == subject.team", 'resource in Folder::"pub"'], "User": [], "Agent": []},
    "User": {
        "any": ["resource.team == subject.team", 'resource in Team::"x"', "not (resource holds r1)"],
        "User": ["resource == subject", "resource != subject"],
        "Agent": ["resource == subject.owner"],
    },
    "Agent": {
        "any": ["resource.team == subject.team", 'resource.trust == "low"', "not (resource holds r2)"],
        "User": ["resource.owner == subject"],
        "Agent": ["resource == subject", "resource != subject", "resource.owner == subject.owner"],
    },
    "Team": {"any": ["resource.tier < 3"], "User": ["subject in resource"], "Agent": ["subject in resource"]},
}
ACTIONS = {
    "Doc": ["read", "write", "doc_set", "doc_move", "doc_move_any", "doc_label", "doc_path", "doc_share", "ok"],
    "Folder": ["folder_move", "spawn"],
    "User": ["grant", "grant_any", "join", "set_boss", "imp"],
    "Agent": ["grant", "grant_any", "join", "set_trust", "set_owner", "imp", "use", "mem"],
    "Team": ["team_tier"],
}
OF_ARGUMENTS = {
    "grant": ['args.role == "r1"', 'args.role != "r2"'],
    "doc_move": ['args.to in Folder::"pub"', 'args.to.team == "t"'],
    "doc_path": ['args.to within "/w/x"'],
    "spawn": ['args.child.trust == "low"', "args.child.team == subject.team"],
}
FROM = ["User with role r1", "Agent", 'User in Team::"x"', "User where approver.team == subject.team"]


def some_program(seed: int) -> str:
    """Return a random program, most of whose actions change something that its rules read."""
    chosen = random.Random(seed)
    rules = []
    for number in range(chosen.randint(3, 8)):
        subject = chosen.choice(["User", "Agent", "Agent"])
        resource = chosen.choice(["Doc", "Doc", "Doc", "User", "Agent", "Agent", "Folder", "Team"])
        action = chosen.choice(ACTIONS[resource])
        able = OF_RESOURCE[resource]["any"] + OF_RESOURCE[resource][subject]
        scope, more = chosen.choice(able), ""
        if chosen.random() < 0.5:
            more += f"\n  when {chosen.choice(OF_SUBJECT[subject])}"
        if chosen.random() < 0.3:
            more += f"\n  {chosen.choice(['when', 'unless'])} {chosen.choice(able)}"
        if action in OF_ARGUMENTS and chosen.random() < 0.5:
            more += f"\n  {chosen.choice(['when', 'unless'])} {chosen.choice(OF_ARGUMENTS[action])}"
        pattern = subject + chosen.choice(["", "", " with role r0", " with role r2", ' in Team::"x"'])
        head, kind = f"subject {pattern} action {action} resource {resource}", chosen.random()
        if kind < 0.72:
            rules.append(f'permit p{number} "d" {{ {head} scope {scope}{more} }}')
        elif kind < 0.86:
            rules.append(f"forbid f{number} {{ {head} when {scope}{more} }}")
        else:
            quorum = chosen.choice(["", "", " quorum 2"])
            rules.append(f"require approval a{number} {{ {head} when {scope}{more} from {chosen.choice(FROM)}{quorum} }}")
    return BASE + "\n".join(rules)


@pytest.mark.parametrize("block", range(4))
def test_the_solver_and_the_evaluator_agree_on_paths(block: int) -> None:
    found = 0
    for seed in range(block * 10, block * 10 + 10):
        checked = check_sources([Source("policy.kyn", some_program(seed))])
        assert not checked.has_errors, [(d.message, d.span.text) for d in checked.diagnostics]
        survey = escalations(checked.program, Replay(checked.program))
        assert [one.reason for one in survey.unknown] == [], f"seed {seed}\n{some_program(seed)[len(BASE) :]}"
        assert len(diagnostics(survey)) == len(survey.found)
        found += len(survey.found)
    assert found
