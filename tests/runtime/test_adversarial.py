"""Programs and requests made to defeat the decision tree; the oracle, which tests every rule, is the judge."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from kynara_lang.runtime.policyset import PolicySet
from tests import oracle
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

JSON = Any


def judged(policies: PolicySet, requests: Iterable[JSON], store: list[JSON] | None = None) -> set[str]:
    """Decide requests in every form, each as the oracle does; return the decisions there were."""
    found = set()
    for request in requests:
        verdict = oracle.decide(policies.program, request, store or [])
        prepared = policies.request(**{k: request[k] for k in ("subject", "action", "resource", "context")})
        for form in (request, prepared):
            decision = policies.decide(form)
            assert decision.effect.value == verdict.decision, request
            assert set(decision.rules) <= verdict.rules
            assert bool(decision.rules) == bool(verdict.rules)
            assert not any(e.code == "internal-error" for e in decision.errors)
        found.add(verdict.decision)
    return found


def rule(kind: str, name: str, *clauses: str) -> str:
    scope = 'scope any "t" ' if kind == "permit" else ""
    approver = "from User " if kind.startswith("require") else ""
    return f"{kind} {name} {{ subject any action read resource Doc {scope}{' '.join(clauses)} {approver}}}\n"


KINDS = ("permit", "forbid", "require approval")


@pytest.mark.parametrize("kind", KINDS)
def test_rules_equal_but_one_constant(kind: str) -> None:
    """Which constant it is, and where among other tests it stands, must not matter."""
    text = "" if kind == "permit" else rule("permit", "all")
    guard = "when resource.size + 1 > 3"
    for i in range(60):
        own = f'when resource.kind == "k{i}"'
        text += rule(kind, f"r{i}", *((own, guard) if i % 2 else (guard, own)))
    huge = 9223372036854775807
    requests = [
        ask(resource=having(DOC, kind=f"k{i}", size=size)) for i in (0, 1, 2, 31, 58, 59, 60) for size in (1, 5, huge)
    ]
    assert len(judged(program(text), requests)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_rules_that_no_value_tells_apart(kind: str) -> None:
    rng = random.Random(kind)
    text = "" if kind == "permit" else rule("permit", "all")
    for i in range(80):
        low, high = rng.randrange(1000), rng.randrange(1000)
        text += rule(
            kind,
            f"r{i}",
            f"when resource.size > {low} and resource.size + 3 < {low + 40}",
            f'unless resource.price > {high}.00 or resource.kind like "*{i}*"',
        )
    requests = [
        ask(
            resource=having(DOC, size=rng.randrange(400), price=f"{rng.randrange(900)}.5", kind=f"x{rng.randrange(99)}")
        )
        for _ in range(60)
    ]
    assert len(judged(program(text), requests)) == 2


def test_rules_with_several_constants_each() -> None:
    """One rule stands in many cases of a switch, and some also in none."""
    rng = random.Random(4)
    kinds = [f"k{i}" for i in range(30)]
    text = ""
    for i in range(90):
        some = ", ".join(f'"{k}"' for k in rng.sample(kinds, 3))
        clauses = [f"when resource.kind in {{{some}}}"] if i % 7 else []
        clauses.append(f"when resource.size > {rng.randrange(50)}" if i % 7 else "when resource.size > 10000")
        text += rule(rng.choice(KINDS), f"r{i}", *clauses)
    requests = [
        ask(resource=having(DOC, kind=rng.choice([*kinds, "other"]), size=rng.choice((5, 20, 40, 60, 20000))))
        for _ in range(120)
    ]
    judged(program(text), requests)


def test_a_subject_with_ten_thousand_roles() -> None:
    names = [f"r{i}" for i in range(300)]
    text = "".join(f"role {name}\n" for name in names) + "role top extends r7, r8\n"
    for i in range(0, 300, 3):
        text += (
            f"permit p{i} {{ subject User with role r{i} action read resource Doc "
            f'scope any "t" when resource.size == {i} }}\n'
        )
    text += "forbid f { subject User with role r9 or r10 or r11 or r12 or r13 action read resource Doc when resource.size == 9 }\n"
    text += "forbid g { subject User action read resource Doc when subject holds r8 and resource.size == 12 }\n"
    policies = program(text)
    strangers = [f"unknown{i}" for i in range(10_000)]
    held = [strangers + names, strangers, ["top", *strangers], [*strangers, "r12"], []]
    requests = [
        ask({**ALICE, "roles": roles}, resource=having(DOC, size=size))
        for roles in held
        for size in (0, 3, 7, 9, 12, 299)
    ]
    assert judged(policies, requests) == {"allow", "deny"}
    assert policies._plain.decide(requests[0]) is not None


def test_a_hierarchy_a_thousand_levels_deep() -> None:
    def folder(name: str, *parents: str) -> JSON:
        return {"type": "Folder", "id": name, "parents": [{"type": "Folder", "id": p} for p in parents]}

    store = [folder(f"f{i}", *([f"f{i + 1}"] if i < 999 else [])) for i in range(1000)]
    text = "".join(
        f'permit p{i} {{ subject any action read resource Doc in Folder::"f{i}" scope any "t" when resource.size == {i} }}\n'
        for i in range(0, 1000, 40)
    )
    policies = program(text, entities=store)
    requests = []
    for start in (0, 1, 500, 960, 999):
        for size in (0, 480, 520, 960):
            doc = {**having(DOC, size=size), "parents": [{"type": "Folder", "id": f"f{start}"}]}
            requests.append(ask(resource=doc))
    assert judged(policies, requests, store) == {"allow", "deny"}


PLACES = """
subject User in Team { level: Int }
subject Team in Team
resource File { path: Path, size: Int }
action read on File (to: Host)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_rules_told_apart_by_directories_and_domains(kind: str) -> None:
    """What is within many places at once, or in none, or only looks as if it were."""
    rng = random.Random(5)
    directories = ["/", ".", "/a", "/a/b", "/a/b/c", "/ab", "a", "a/b", "b"] + [f"/srv/t{i}" for i in range(30)]
    domains = ["com", "a.com", "b.a.com", "ba.com", "10.0.0.1"] + [f"t{i}.example" for i in range(30)]
    paths = [*directories, "/a/b/c/d", "/abc", "a/b/c", "/srv", "/srv/t1/x", "/srv/t11/x/y", "srv/t1", "..a"]
    hosts = [*domains, "x.b.a.com", "bba.com", "example", "x.t1.example", "x1.t1.example", "[::1]", "10.0.0.2"]

    def rule(name: str, *clauses: str) -> str:
        scope = 'scope any "t" ' if kind == "permit" else ""
        approver = "from User " if kind.startswith("require") else ""
        return f"{kind} {name} {{ subject any action read resource File {scope}{' '.join(clauses)} {approver}}}\n"

    text = "" if kind == "permit" else 'permit all { subject any action read resource File scope any "t" }\n'
    for i, place in enumerate(directories):
        text += rule(
            f"p{i}", f'when resource.path within "{place}"', f"when resource.size + 1 == {rng.randrange(2, 5)}"
        )
    for i, place in enumerate(domains):
        text += rule(f"h{i}", f'when args.to within "{place}"', f"when resource.size == {rng.randrange(5, 9)}")
    policies = program(text, base=PLACES)
    requests = []
    for _ in range(150):
        file = {"type": "File", "id": "f", "properties": {"path": rng.choice(paths), "size": rng.randrange(1, 9)}}
        requests.append(ask(ALICE, resource=file, args={"to": rng.choice(hosts)}))
    assert len(judged(policies, requests)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_rules_told_apart_by_groups(kind: str) -> None:
    def team(name: str, *parents: str) -> JSON:
        return {"type": "Team", "id": name, "parents": [{"type": "Team", "id": p} for p in parents]}

    store = [team(f"t{i}", *(f"t{j}" for j in (2 * i + 1, 2 * i + 2) if j < 40)) for i in range(40)]
    text = "" if kind == "permit" else 'permit all { subject any action read resource File scope any "t" }\n'
    scope = 'scope any "t" ' if kind == "permit" else ""
    approver = "from User " if kind.startswith("require") else ""
    for i in range(0, 40, 2):
        text += (
            f'{kind} r{i} {{ subject User in Team::"t{i}" action read resource File '
            f"{scope}when resource.size == {i % 7} {approver}}}\n"
        )
    policies = program(text, base=PLACES, entities=store)
    requests = []
    for start in (0, 1, 3, 6, 20, 39):
        for size in range(8):
            person = {**ALICE, "parents": [{"type": "Team", "id": f"t{start}"}]}
            file = {"type": "File", "id": "f", "properties": {"path": "/", "size": size}}
            requests.append(ask(person, resource=file, args={"to": "a.com"}))
    assert len(judged(policies, requests, store)) == 2


def test_chains_of_every_length() -> None:
    text = (
        rule("permit", "all", "when resource.size < 100")
        + rule("forbid", "deep", "when delegation.depth > 5")
        + "forbid agent { subject User action read resource Doc when delegated and delegator is Agent and resource.size == 7 }\n"
        + rule("require approval", "wait", "when resource.size == 50")
    )
    for base in (text, text.replace(rule("forbid", "deep", "when delegation.depth > 5"), "")):
        policies = program(base)
        people = [{**(ALICE if i % 2 else BOT), "id": f"p{i}"} for i in range(9)]
        requests = [
            ask(*people[first : first + length], resource=having(DOC, size=size))
            for first in (0, 1)
            for length in range(1, 9)
            for size in (7, 50, 60, 100)
        ]
        assert judged(policies, requests) == {"allow", "deny", "require_approval"}


WHO = (
    'forbid low { subject any action read resource Doc when actor is Agent and actor.trust == "low" }\n',
    "forbid junior { subject any action read resource Doc when delegated and delegator is User and delegator.level < 2 }\n",
    "forbid novice { subject any action read resource Doc when actor is User and not (actor holds reader) }\n",
    "forbid idle { subject any action read resource Doc when delegated and delegator is User and delegator holds editor and resource.size == 9 }\n",
    'forbid out { subject any action read resource Doc when actor is User and actor in Team::"x" }\n',
    rule("forbid", "deep", "when delegation.depth > 1 and resource.size > 50"),
    rule("require approval", "wait", "when actor is Agent and delegation.depth == 1"),
    rule("require approval", "nick", 'when actor is User and actor has nick and actor.nick == "n"'),
)


@pytest.mark.parametrize("asked", [*((text,) for text in WHO), WHO])
def test_rules_that_ask_who_acts_for_whom(asked: tuple[str, ...]) -> None:
    """Everyone up to a link could have called: the least counts. None of this needs the exact way."""
    policies = program(rule("permit", "all", "when resource.size < 100") + "".join(asked))
    people = [
        ALICE,
        having(ALICE, level=1),
        {**ALICE, "roles": []},
        {**having(ALICE, nick="n"), "parents": [{"type": "Team", "id": "x"}]},
        BOT,
        having(BOT, trust="low"),
    ]
    chains = (
        [(p,) for p in people]
        + [(p, q) for p in people for q in people]
        + [(BOT, p, q) for p in people for q in people]
    )
    requests = []
    for chain in chains:
        named = [{**person, "id": f"p{i}"} for i, person in enumerate(chain)]
        requests += [ask(*named, resource=having(DOC, size=size)) for size in (9, 60, 100)]
    assert "deny" in judged(policies, requests)
    assert all(policies._plain.decide(request) is not None for request in requests)


def test_who_acts_is_validated_where_some_rule_asks() -> None:
    policies = program(rule("permit", "all") + WHO[0] + WHO[1])
    for broken in (having(BOT, trust=None), having(BOT, trust="lower"), having(BOT, trust=7), {**BOT, "roles": 7}):
        for chain in ((broken,), (broken, ALICE), (ALICE, broken)):
            judged(policies, [ask(*chain), ask(*chain, resource=having(DOC, size=9))])
    assert policies.decide(ask(BOT, having(ALICE, level=None))).errors
