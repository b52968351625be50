"""Escalation: the set of paths with their cures, what is no escalation, and all of it against trying everything out."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.analysis import solver
from kynara_lang.analysis.control import edges, to_dict
from kynara_lang.analysis.escalation import Escalation, Survey, escalations
from kynara_lang.analysis.escalation_report import cut_of, diagnostics, unsettled
from kynara_lang.analysis.question import Verdict
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.diagnostic import Severity
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

ROOT = Path(__file__).resolve().parents[2]
SET = Path(__file__).parent / "escalation"
NAMES = sorted(path.stem for path in SET.glob("*.kyn") if not path.stem.endswith(".fixed"))


def program(*texts: str) -> Program:
    """Return checked files as one program."""
    checked = check_sources([Source(f"f{number}.kyn", text) for number, text in enumerate(texts)])
    assert not checked.has_errors, [(d.code, d.message, d.span.text) for d in checked.diagnostics]
    return checked.program


def survey(*texts: str, depth: int = 2) -> Survey:
    checked = program(*texts)
    return escalations(checked, Replay(checked), depth=depth)


def serious(found: Survey) -> list[Escalation]:
    return [one for one in found.found if one.severity is not Severity.NOTE]


@cache
def of_set(name: str) -> Survey:
    return survey(text_of(name))


def text_of(name: str) -> str:
    return (SET / f"{name}.kyn").read_text(encoding="utf-8")


def expected(name: str) -> set[str]:
    return set(re.findall(r"KYN[0-9]{3}", text_of(name).splitlines()[0]))


# --- the set


def test_everything_of_the_set_is_found_and_no_cure_is() -> None:
    missed = [name for name in NAMES if {one.code for one in serious(of_set(name))} != expected(name)]
    alarms = [name for name in NAMES if serious(of_set(f"{name}.fixed")) or of_set(f"{name}.fixed").unknown]
    recall = 100 * (len(NAMES) - len(missed)) / len(NAMES)
    print(f"escalation: {len(NAMES)} programs, recall {recall:.0f} %, {len(alarms)} false positives on their cures")
    assert len(NAMES) >= 40
    assert missed == []
    assert alarms == []


def test_every_code_of_a_path_is_in_the_set() -> None:
    assert set().union(*map(expected, NAMES)) == {f"KYN40{number}" for number in range(1, 10)}


def test_each_program_of_the_set_has_a_cure_that_differs() -> None:
    for name in NAMES:
        assert expected(name)
        body, cure = (text.split("\n\n", 1)[1] for text in (text_of(name), text_of(f"{name}.fixed")))
        assert body != cure
        assert not expected(f"{name}.fixed")


@pytest.mark.parametrize("name", NAMES)
def test_the_proposed_rule_cuts_the_path(name: str) -> None:
    text = text_of(name)
    for one in serious(of_set(name)):
        cut = cut_of(one, of_set(name).program)
        if one.code == "KYN406":
            assert cut is None
            continue
        again = survey(f"{text}\n{cut}\n")
        same = (one.subject, one.code, one.key.rule.name)
        assert same not in [(other.subject, other.code, other.key.rule.name) for other in again.found]
        assert not again.unknown


@pytest.mark.parametrize("name", NAMES)
def test_each_request_of_a_path_is_decided_as_told(name: str) -> None:
    found = of_set(name)
    judge = Replay(found.program)
    for one in serious(found):
        if one.approved or one.code == "KYN406":
            continue  # decided with approvals, which requests do not carry
        assert [judge.decision(move.request) for move in one.moves] == ["allow"] * len(one.moves)
        assert all(judge.decision(need) == "allow" for move in one.moves for need in move.needs)
        if one.request is not None:
            assert judge.decision(one.request) == "allow"
            assert one.before in ("deny", "require_approval")


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_tells_every_hop(name: str) -> None:
    found = of_set(name)
    for one, told in zip(found.found, diagnostics(found), strict=True):
        assert told.code == one.code
        assert told.severity is one.severity
        assert told.witness is not None
        assert len(told.path) == len(one.moves) + (one.gained is not None)
        assert all(hop.witness is not None and hop.rule is not None for hop in told.path)
        assert told.help


# --- what is no escalation

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").rglob("*.kyn"))


@pytest.mark.parametrize("folder", sorted(set(EXAMPLES)), ids=lambda path: path.name)
def test_the_examples_are_silent(folder: Path) -> None:
    found = survey(*(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.kyn"))))
    assert (found.found, found.unknown) == ((), ())


def test_the_complete_example_of_the_language_is_silent() -> None:
    found = survey((ROOT / "tests" / "syntax" / "complete_example.kyn").read_text(encoding="utf-8"))
    assert (found.found, found.unknown) == ((), ())


def test_the_standard_library_is_silent() -> None:
    files = sorted((ROOT / "stdlib_policies" / "std").glob("*.kyn"))
    imports = "\n".join(f"import std.{path.stem}" for path in files)
    found = survey(f"{imports}\nsubject User")
    assert (found.found, found.unknown, found.proved) == ((), (), True)


PEOPLE = """
role member
role lead extends member
subject User { team: String }
resource Order { team: String, status: "open" | "shipped" }
action read on Order
action refund on Order (amount: Decimal)
permit members_read "d" {
  subject User with role member  action read  resource Order
  scope subject.team == resource.team
}
permit leads_refund "d" {
  subject User with role lead  action refund  resource Order
  scope subject.team == resource.team
  when  resource.status == "shipped"
}
"""


def test_work_on_a_resource_that_only_a_when_reads_is_no_escalation() -> None:
    found = survey(
        PEOPLE + 'action ship on Order modifies status permit ship "d" {\n'
        "subject User with role lead action ship resource Order scope subject.team == resource.team }"
    )
    assert (found.found, found.unknown) == ((), ())


def test_the_same_work_is_one_when_a_scope_or_a_forbid_reads_it() -> None:
    work = (
        'action ship on Order modifies status permit ship "d" {\n'
        "subject User with role lead action ship resource Order scope subject.team == resource.team }"
    )
    in_scope = PEOPLE.replace("team\n  when  resource.status", "team and resource.status")
    assert [one.code for one in survey(in_scope + work).found] == ["KYN404"]
    forbid = 'forbid f { subject any action refund resource Order unless resource.status == "shipped" }'
    assert [one.code for one in survey(PEOPLE + work + forbid).found] == ["KYN404"]


def test_an_administrator_who_gives_roles_to_others_is_no_escalation() -> None:
    grant = """
    role admin
    action grant on User (role: String) modifies roles = args.role
    permit admins_grant "d" {
      subject User with role admin  action grant  resource User
      scope subject.team == resource.team and subject != resource
    }
    """
    found = survey(PEOPLE + grant)
    assert (found.found, found.unknown) == ((), ())
    assert [one.code for one in survey(PEOPLE + grant.replace(" and subject != resource", "")).found] == ["KYN401"]


def test_who_has_every_right_already_gains_none_by_a_role() -> None:
    found = survey("""
    role clerk
    role admin extends clerk
    subject User { team: String }
    resource Order { team: String }
    action read on Order
    action grant on User (role: String) modifies roles = args.role
    permit read_orders "d" { subject User with role clerk action read resource Order scope subject.team == resource.team }
    permit admins_grant "d" { subject User with role admin action grant resource User scope subject.team == resource.team }
    """)
    assert (found.found, found.unknown) == ((), ())


FOUR_EYES = """
require approval large "d" {
  subject any  action refund  resource Order
  when    args.amount > 100.00
  from    User with role lead where approver.team == resource.team
}
"""


def test_a_colleague_who_approves_is_no_escalation() -> None:
    found = survey(PEOPLE + FOUR_EYES)
    assert (found.found, found.unknown) == ((), ())


def test_people_who_approve_each_other_are_four_eyes_and_agents_are_not() -> None:
    text = """
    subject %s { team: String }
    resource Order { team: String }
    action refund on Order
    permit p "d" { subject %s action refund resource Order scope subject.team == resource.team }
    require approval other { subject any action refund resource Order from %s where approver.team == resource.team }
    """
    assert survey(text.replace("%s", "User")).found == ()
    (one,) = survey(text.replace("%s", "Agent")).found
    assert (one.code, one.severity) == ("KYN406", Severity.WARNING)
    assert survey("role reviewer " + text.replace("from %s", "from %s with role reviewer").replace("%s", "Agent")).found == ()


def test_what_a_permit_for_delegated_work_grants_is_no_step_of_its_own() -> None:
    found = survey("""
    subject Agent { trust: Int }
    resource Order { price: Int }
    action buy on Order
    action set_trust on Agent (trust: Int) modifies trust = args.trust
    permit buy_cheap "d" { subject Agent action buy resource Order scope resource.price <= subject.trust }
    permit tune "d" { subject Agent action set_trust resource Agent scope delegated }
    """)
    assert (found.found, found.unknown) == ((), ())


def test_a_wider_right_that_every_request_has_already_is_none() -> None:
    found = survey(PEOPLE + """
    action impersonate on User acts as resource
    permit support "d" { subject User action impersonate resource User scope subject.team == resource.team unless resource holds member }
    """)
    assert (found.found, found.unknown) == ((), ())


# --- weight


def test_a_path_that_somebody_else_approves_is_a_note_that_says_who() -> None:
    (one,) = of_set("aws_update_function_code.fixed").found
    assert (one.code, one.severity) == ("KYN408", Severity.NOTE)
    (told,) = diagnostics(of_set("aws_update_function_code.fixed"))
    assert "once that is approved" in told.message
    assert any("Identity with role reviewer" in note for note in told.notes)


def test_people_who_are_singled_out_may_edit_the_policy() -> None:
    text = """
    role admin
    subject %s { team: String, keeper: Bool }
    resource Repo { team: String }
    action push on Repo effects edits_policy
    permit p "d" { subject %s%s action push resource Repo scope subject.team == resource.team %s }
    """

    def weights(kind: str, role: str = "", when: str = "") -> list[tuple[str, Severity]]:
        found = survey(text % (kind, kind, role, when)).found
        return [(one.code, one.severity) for one in found]

    assert weights("User") == [("KYN403", Severity.ERROR)]
    assert weights("User", " with role admin") == [("KYN403", Severity.NOTE)]
    assert weights("User", when="when subject.keeper") == [("KYN403", Severity.NOTE)]
    assert weights("Agent", " with role admin") == [("KYN403", Severity.ERROR)]


def test_one_finding_for_a_subject_type_a_code_and_a_permit() -> None:
    actions = "\n".join(
        f"action a{n} on Order permit p{n} {{ subject Agent action a{n} resource Order scope resource.price <= subject.trust }}"
        for n in range(6)
    )
    found = survey(f"""
    subject Agent {{ trust: Int }}
    resource Order {{ price: Int }}
    {actions}
    action set_trust on Agent (trust: Int) modifies trust = args.trust
    permit tune "d" {{ subject Agent action set_trust resource Agent scope subject == resource }}
    """)
    assert [one.code for one in found.found] == ["KYN401"]


# --- how far it looks


CHAIN = text_of("agent_promotes_helper_and_runs_it")


def test_a_path_of_two_steps_is_not_one_of_one() -> None:
    assert survey(CHAIN, depth=1).found == ()
    (one,) = survey(CHAIN, depth=2).found
    assert len(one.moves) == 2


def test_three_steps_are_found_where_two_are_not_enough() -> None:
    text = """
    role second
    subject Agent { team: String }
    subject Helper { team: String, ready: Bool }
    resource Database { team: String }
    action drop on Database
    action run on Helper acts as resource
    action prepare on Helper modifies ready
    action promote on Helper (role: String) modifies roles = args.role
    permit d "d" { subject Helper with role second action drop resource Database scope subject.team == resource.team when subject.ready }
    permit r "d" { subject Agent action run resource Helper scope subject.team == resource.team unless resource holds second or resource.ready }
    permit s "d" { subject Agent action prepare resource Helper scope subject.team == resource.team }
    permit p "d" { subject Agent action promote resource Helper scope subject.team == resource.team }
    """
    assert survey(text, depth=2).found == ()
    (one,) = survey(text, depth=3).found
    assert len(one.moves) == 3


def test_a_program_without_authority_is_proved() -> None:
    assert survey(PEOPLE).proved
    harmless = 'action rename on Order (to: String) modifies team permit r "d" { subject Agent action rename resource Order scope any "all" } subject Agent'
    assert survey(PEOPLE + harmless).steps["Agent"] == ()


def test_without_time_everything_is_unknown_and_said_so() -> None:
    checked = program(CHAIN)
    found = escalations(checked, Replay(checked), seconds=-1.0)
    assert found.found == ()
    assert not found.proved
    assert {one.verdict for one in found.unknown} == {Verdict.UNKNOWN}
    assert all("no time" in note.notes[0] for note in unsettled(found))
    assert {note.code for note in unsettled(found)} == {"KYN903"}


def test_a_path_that_the_evaluator_does_not_confirm_is_unknown() -> None:
    class Deaf(Replay):
        def decision(self, request: dict[str, Any]) -> str:
            return "deny"

    checked = program(CHAIN)
    found = escalations(checked, Deaf(checked))
    assert found.found == ()
    assert found.unknown


def test_without_the_solver_there_is_still_the_control_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise solver.MissingSolver

    monkeypatch.setattr(solver.Smt, "__init__", missing)
    checked = program(CHAIN)
    assert [(e.action, e.target, e.permits) for e in edges(checked)] == [
        ("helper.promote", "Helper.roles", ("promote",)),
        ("helper.run", "Helper", ("run_helpers",)),
    ]
    with pytest.raises(solver.MissingSolver, match="prove"):
        escalations(checked, Replay(checked))


def test_the_graph_knows_which_edges_paths_take() -> None:
    shown = to_dict(of_set("agent_promotes_helper_and_runs_it"))
    assert [edge["codes"] for edge in shown["edges"]] == [["KYN402"], ["KYN402"]]
    (path,) = shown["paths"]
    assert [hop["action"] for hop in path["hops"]] == ["helper.run", "helper.promote", "database.drop"]


# --- against trying everything out

WORLD = """
subject Agent { level: "a" | "b", on: Bool }
resource Doc { label: "a" | "b" }
action read, write on Doc
action relabel on Doc (label: String) modifies label = args.label
action set_level on Agent (level: String) modifies level = args.level
action toggle on Agent modifies on
action run on Agent acts as resource
"""
OF_SUBJECT = ["subject.level == \"a\"", "subject.level == \"b\"", "subject.on", "not subject.on"]
OF_DOC = ["resource.label == subject.level", "resource.label != subject.level", "resource.label == \"a\"", "resource.label == \"b\""]
OF_AGENT = ["resource == subject", "resource != subject", "resource.level == subject.level", "resource.on", "not resource.on"]
RULES = {"read": "Doc", "write": "Doc", "relabel": "Doc", "set_level": "Agent", "toggle": "Agent", "run": "Agent"}


def some_program(seed: int) -> str:
    """Return a random small program; what its permits ask of resources stands in scopes."""
    chosen = random.Random(seed)
    rules = []
    for number in range(chosen.randint(3, 7)):
        action, kind = chosen.choice(list(RULES.items()))
        scope = chosen.choice(OF_DOC if kind == "Doc" else OF_AGENT)
        more = chosen.choice(["", "", f" when {chosen.choice(OF_SUBJECT)}"])
        if action == "set_level" and chosen.random() < 0.4:
            more += f' when args.level == "{chosen.choice("ab")}"'
        if chosen.random() < 0.75:
            rules.append(f'permit p{number} "d" {{ subject Agent action {action} resource {kind} scope {scope}{more} }}')
        else:
            rules.append(f"forbid f{number} {{ subject Agent action {action} resource {kind} when {scope}{more} }}")
    return WORLD + "\n".join(rules)


State = tuple[tuple[tuple[str, bool], ...], str]


def worlds(count: int) -> Iterator[State]:
    agents = product(product("ab", (False, True)), repeat=count)
    yield from product(agents, "ab")


def requests(count: int) -> list[tuple[int, str, str | None, int]]:
    """List every request: by which agent, for what, with which argument, on which agent (or the document)."""
    found: list[tuple[int, str, str | None, int]] = []
    for who in range(count):
        found += [(who, "read", None, 0), (who, "write", None, 0), *((who, "relabel", x, 0) for x in "ab")]
        for on in range(count):
            found += [(who, "toggle", None, on), (who, "run", None, on), *((who, "set_level", x, on) for x in "ab")]
    return found


def allowed(judge: Replay, state: State) -> frozenset[tuple[int, str, str | None, int]]:
    agents, label = state

    def entity(number: int) -> dict[str, Any]:
        level, on = agents[number]
        return {"type": "Agent", "id": str(number), "properties": {"level": level, "on": on}}

    doc = {"type": "Doc", "id": "d", "properties": {"label": label}}
    found = set()
    for who, action, argument, on in requests(len(agents)):
        name = {"set_level": "level", "relabel": "label"}.get(action, "")
        named = {"name": action, "properties": {name: argument} if argument else {}}
        resource = doc if RULES[action] == "Doc" else entity(on)
        if judge.decision({"subject": entity(who), "action": named, "resource": resource}) == "allow":
            found.add((who, action, argument, on))
    return frozenset(found)


def after(state: State, action: str, argument: str | None, on: int) -> list[State]:
    agents, label = state
    level, switched = agents[on]
    if action == "relabel":
        return [(agents, argument or "")]
    if action == "set_level":
        changed = [(argument or "", switched)]
    elif action == "toggle":
        changed = [(level, False), (level, True)]
    else:
        changed = [(level, switched)]
    return [((*agents[:on], one, *agents[on + 1 :]), label) for one in changed]


def gets_further(judge: Replay, depth: int, count: int = 2) -> bool:
    """Try out everything that the first of some agents can do in a few steps, itself or as whom it came to act as."""
    may = {state: allowed(judge, state) for state in worlds(count)}
    for start in may:
        before = {request[1:] for request in may[start] if request[0] == 0}
        reached: set[tuple[State, frozenset[int]]] = {(start, frozenset({0}))}
        for _ in range(depth):
            further = set()
            for state, held in reached:
                for who, action, argument, on in may[state]:
                    if who in held:
                        more = held | {on} if action == "run" else held
                        further |= {(new, more) for new in after(state, action, argument, on)}
            reached |= further
        if any(r[0] in held and r[1:] not in before for state, held in reached for r in may[state]):
            return True
    return False


@pytest.mark.parametrize("block", range(4))
def test_what_is_found_is_what_trying_everything_out_finds(block: int) -> None:
    verdicts = []
    for seed in range(block * 20, block * 20 + 20):
        checked = program(some_program(seed))
        judge = Replay(checked)
        found = escalations(checked, judge)
        assert not found.unknown, seed
        tried = gets_further(judge, 2) or (bool(found.found) and gets_further(judge, 2, count=3))
        assert bool(found.found) is tried, f"seed {seed}\n{some_program(seed)}"
        verdicts.append(bool(found.found))
    assert {True, False} == set(verdicts)
