"""What rules read counts, whether or not the solver has a counterpart for it: nothing less is a proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kynara_lang.analysis.escalation import Survey, escalations
from kynara_lang.analysis.escalation_report import unsettled
from kynara_lang.analysis.links import Slice
from kynara_lang.analysis.readings import Reader
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

SET = Path(__file__).parent / "escalation"
Json = dict[str, Any]


def program(text: str) -> Program:
    checked = check_sources([Source("policy.kyn", text)])
    assert not checked.has_errors, [(d.code, d.message, d.span.text) for d in checked.diagnostics]
    return checked.program


def survey(text: str) -> Survey:
    checked = program(text)
    return escalations(checked, Replay(checked))


def entity(kind: str, identity: str, **properties: Any) -> Json:
    return {"type": kind, "id": identity, "properties": properties}


def decided(text: str, *requests: tuple[Json, str, Json, Json]) -> list[str]:
    """Return how requests are decided: who, which action, with which arguments, on what."""
    judge = Replay(program(text))
    return [
        judge.decision({"subject": who, "action": {"name": action, "properties": given}, "resource": on})
        for who, action, given, on in requests
    ]


SETS = """
subject User { level: Int }
resource Doc { acl: Set<{ kind: String, level: Int }>, level: Int }
action read on Doc
action set_level on User (level: Int) modifies level = args.level
permit level_up "d" { subject User action set_level resource User scope resource == subject }
"""
RECORDS = SETS + """
permit by_acl "d" {
  subject User action read resource Doc
  scope any e in resource.acl: e.kind == "read" and e.level <= subject.level
}
"""
FOLDERS = """
subject Agent { folders: Set<Path> }
resource File { path: Path }
action read on File
action share_folder on Agent (folders: Set<Path>) modifies folders = args.folders
permit own_folders "d" { subject Agent action read resource File scope resource.path within subject.folders }
permit manage "d" { subject Agent action share_folder resource Agent scope resource == subject }
"""


def test_a_quantifier_over_records_reads_what_its_body_does() -> None:
    doc = entity("Doc", "d", acl=[{"kind": "read", "level": 5}], level=0)
    low, high = entity("User", "u", level=1), entity("User", "u", level=9)
    step = (low, "set_level", {"level": 9}, low)
    assert decided(RECORDS, (low, "read", {}, doc), step, (high, "read", {}, doc)) == ["deny", "allow", "allow"]
    found = survey(RECORDS)
    assert not found.proved
    assert [step.where.action for step in found.steps["User"]] == ["set_level"]
    assert ["`set_level`" in note.message for note in unsettled(found)] == [True]


def test_a_set_on_the_right_of_within_is_read() -> None:
    file = entity("File", "f", path="/etc/shadow")
    before, after = entity("Agent", "a", folders=["/tmp"]), entity("Agent", "a", folders=["/"])
    step = (before, "share_folder", {"folders": ["/"]}, before)
    assert decided(FOLDERS, (before, "read", {}, file), step, (after, "read", {}, file)) == ["deny", "allow", "allow"]
    found = survey(FOLDERS)
    assert not found.proved
    assert found.found or found.unknown


SCOPES = {
    "a set of records": "any e in resource.acl: e.level <= subject.level",
    "a constant set": "any n in numbers: n <= subject.level",
    "right of what has no counterpart": '(any e in resource.acl: e.kind == "x") or resource.level <= subject.level',
    "an operand beside records": "resource.acl == {} and resource.level < subject.level + 1",
    "a predicate": "covers(subject, resource)",
    "a predicate in a predicate": "twice(subject, resource)",
}
LETS = """
let numbers = {3, 5}
let covers(u: User, d: Doc) = any e in d.acl: e.level <= u.level
let twice(u: User, d: Doc) = covers(u, d) and covers(u, d)
"""


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_nothing_is_proved_where_a_scope_reads_what_is_changed(scope: str) -> None:
    found = survey(SETS + LETS + f'permit r "d" {{ subject User action read resource Doc scope {scope} }}')
    assert not found.proved
    assert found.found or found.unknown


PLACES = """
role lead
subject Team in Team { tier: Int }
subject User in Team { level: Int, boss: User?, team: Team, peers: Set<User> }
subject Agent { owner: User }
resource Doc { owner: User, level: Int }
action read on Doc (by: User)
permit p "d" { subject User, Agent action read resource Doc scope any "x" %s }
"""
READ = {
    "subject is User and subject.level > 1": {("User", "level")},
    "subject is Agent and subject.owner.level > 1": {("Agent", "owner"), ("User", "level")},
    "resource.owner.team.tier > 1": {("Doc", "owner"), ("User", "team"), ("Team", "tier")},
    "args.by.level > 1": {("User", "level")},
    "subject is User and subject has boss": {("User", "boss")},
    "subject is User and (any u in subject.peers: u.level > 1)": {("User", "peers"), ("User", "level")},
    "subject is Agent and (all u in subject.owner.peers: u.team.tier > 1)": {
        ("Agent", "owner"),
        ("User", "peers"),
        ("User", "team"),
        ("Team", "tier"),
    },
}


@pytest.mark.parametrize("condition", READ)
def test_attributes_are_read_of_the_types_that_can_stand_there(condition: str) -> None:
    found = {"User": set[tuple[str, str]](), "Agent": set[tuple[str, str]]()}
    for kind in found:
        reader = Reader(program(PLACES % f"when {condition}"))
        found[kind] = set(reader.of_slice(Slice("read", kind, "Doc")).attributes)
    assert found["User"] | found["Agent"] == READ[condition]
    assert found["Agent"] >= {pair for pair in READ[condition] if pair[0] == "Agent"}


def test_roles_groups_and_delegation_are_read_where_they_are_asked() -> None:
    def reading(more: str) -> Any:
        return Reader(program(PLACES % more)).of_slice(Slice("read", "User", "Doc"))

    assert not reading("").delegation
    assert reading("when delegated").delegation
    assert reading("when delegated and delegator is User and delegator.level > 1").attributes == {("User", "level")}
    assert reading("when resource.owner holds lead").roles == {"User"}
    assert reading('when resource.owner in Team::"x"').groups
    assert not reading("when resource.owner in {resource.owner}").groups
    forbid = "} forbid f { subject User action read resource Doc when actor is Agent and actor.owner.level > 1"
    assert reading(forbid).attributes == {("Agent", "owner"), ("User", "level")}
    pattern = '} forbid f { subject User in Team::"x" with role lead action read resource Doc'
    assert (reading(pattern).roles, reading(pattern).groups) == ({"User"}, True)


def test_what_is_asked_of_approvers_is_read_too() -> None:
    ask = "} require approval a { subject any action read resource Doc from User with role lead where approver.level > 1"
    reading = Reader(program(PLACES % ask)).of_slice(Slice("read", "User", "Doc"))
    assert reading.roles == {"User"}
    assert reading.attributes == {("User", "level")}


def test_an_argument_that_is_left_out_leaves_nothing_there() -> None:
    text = """
subject User
resource Doc { holder: User? }
action read on Doc
action hand on Doc (to: User?) modifies holder = args.to
permit r "r" { subject User action read resource Doc scope not (resource has holder) }
permit s "s" { subject User action hand resource Doc scope any "x" }
"""
    who, held, free = entity("User", "u"), entity("Doc", "d", holder=entity("User", "v")), entity("Doc", "d")
    step = (who, "hand", {}, held)
    assert decided(text, (who, "read", {}, held), step, (who, "read", {}, free)) == ["deny", "allow", "allow"]
    (one,) = survey(text).found
    assert one.code == "KYN404"
    assert "properties" not in one.moves[0].request["action"]
