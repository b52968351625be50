"""Compiled programs that are kept: the same decisions as without, and nothing that does not fit is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import kynara_lang as kynara
from kynara_lang import program as front
from kynara_lang.caching.keeper import Keeper, program_cache
from kynara_lang.checker import linter
from kynara_lang.checker.settings import LintSettings
from kynara_lang.checker.stored_rules import StoredRule
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import compile_sources
from kynara_lang.syntax import packed
from kynara_lang.testing import cases
from kynara_lang.testing.mutants import mutants
from kynara_lang.testing.running import run_test

MAIN = """\
module shop
import acme.base (Owned, no_nights)

subject User is Owned { owner: String }
resource Order is Owned { owner: String, total: Int }
action read on Order
action refund on Order (amount: Int)
role support
let small(o: Order) = o.total < 100

## Whoever owns an order reads it.
permit own "Owners read" {
  subject User  action read  resource Order
  scope subject.owner == resource.owner
}
permit refunds "Support refunds what is small" {
  subject User with role support  action refund  resource Order
  scope subject.owner == resource.owner
  when small(resource) and args.amount <= resource.total
  unless resource.total == 13
}
require approval large { subject User  action refund  resource Order  when args.amount > 50  from User with role support }
fixture o = Order::"1" { owner: "a", total: 5 }
fixture u = User::"u" { owner: "b" }
test "an order is its owner's" { given u  given context { now: 2026-01-01T12:00:00Z }  expect deny read on o }
"""
BASE = """\
module acme.base
trait Owned { owner: String }
forbid no_nights { subject any  action any  resource any  when context.now.hour("UTC") < 5 }
"""


def request(action: str, hour: int = 12, *, amount: int = 1, total: int = 20, owner: str = "a") -> dict[str, Any]:
    said = {"name": action} if action == "read" else {"name": action, "properties": {"amount": amount}}
    return {
        "subject": {"type": "User", "id": "u", "properties": {"owner": "a"}, "roles": ["support"]},
        "action": said,
        "resource": {"type": "Order", "id": "1", "properties": {"owner": owner, "total": total}},
        "context": {"now": f"2026-01-01T{hour:02}:00:00Z"},
    }


REQUESTS = [
    request("read"),
    request("read", 3),
    request("read", owner="b"),
    request("refund"),
    request("refund", total=13),
    request("refund", amount=60, total=99),
    request("refund", amount=60, total=200),
    {"subject": 1},
]


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "kynara.toml").write_text('policies = "policies"\nlibraries = ["lib"]\n', encoding="utf-8")
    for name, text in {"policies/shop.kyn": MAIN, "lib/acme/base.kyn": BASE}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "policies"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each program that was compiled and not found."""
    count: list[int] = []

    def counting(*arguments: Any, **named: Any) -> Any:
        count.append(1)
        return compile_sources(*arguments, **named)

    monkeypatch.setattr(front, "compile_sources", counting)
    return count


def said(policies: kynara.PolicySet) -> list[Any]:
    return [(policies.decide(r).to_dict(), policies.explain(r, all_rules=True).to_dict()) for r in REQUESTS]


def entry(policies: Path) -> Path:
    (found,) = (policies.parent / "cache").glob("program-*")
    return found


def test_a_program_from_the_cache_decides_and_explains_as_the_one_that_was_compiled(
    policies: Path, compiled: list[int]
) -> None:
    fresh = kynara.load(policies)
    first = kynara.load(policies, cache=program_cache())
    assert len(compiled) == 2
    second = kynara.load(policies, cache=program_cache())
    assert len(compiled) == 2
    assert said(fresh) == said(first) == said(second)
    assert {d["decision"] for d, _ in said(second)} == {"allow", "deny", "require_approval"}
    assert [rule.span.text for rule in fresh.program.rules] == [rule.span.text for rule in second.program.rules]
    assert next(rule.decl.doc for rule in second.program.rules if rule.name == "shop.own") is not None


def test_tests_are_kept_too(policies: Path) -> None:
    for _ in range(2):
        loaded = kynara.load(policies, cache=program_cache())
        (test,) = cases.tests_of(loaded.program)
        assert (test.title, run_test(loaded, test).passed) == ("an order is its owner's", True)


def test_lints_and_changes_are_not_looked_for_where_nothing_would_be_found(policies: Path) -> None:
    for _ in range(2):
        program = kynara.load(policies, cache=program_cache()).program
        with pytest.raises(ValueError, match="its rules are packed"):
            linter.run(program, LintSettings())
        with pytest.raises(ValueError, match="its rules are packed"):
            mutants(program)


def test_without_asking_nothing_is_kept(policies: Path) -> None:
    kynara.load(policies)
    assert not (policies.parent / "cache").exists()


@pytest.mark.parametrize("changed", ["policies/shop.kyn", "lib/acme/base.kyn"])
def test_a_change_of_any_file_is_another_program(policies: Path, compiled: list[int], changed: str) -> None:
    before = kynara.load(policies, cache=program_cache())
    file = policies.parent / changed
    file.write_text(file.read_text().replace("< 5", "< 13").replace('from User', 'when true from User'), encoding="utf-8")
    after = kynara.load(policies, cache=program_cache())
    assert len(compiled) == 2
    assert after.digest != before.digest


def test_a_new_file_is_another_program(policies: Path, compiled: list[int]) -> None:
    kynara.load(policies, cache=program_cache())
    (policies / "more.kyn").write_text("forbid more { subject any action any resource any }\n", encoding="utf-8")
    assert kynara.load(policies, cache=program_cache()).decide(REQUESTS[0]).effect is kynara.Effect.DENY
    assert len(compiled) == 2


def test_another_version_of_this_program_takes_nothing(policies: Path, compiled: list[int]) -> None:
    keeper = program_cache()
    kynara.load(policies, cache=keeper)
    kynara.load(policies, cache=evolve(keeper, checking="another"))
    assert len(compiled) == 2


@pytest.mark.parametrize("byte", [0, 70, 200, -1])
def test_a_changed_entry_is_none(policies: Path, compiled: list[int], byte: int) -> None:
    kynara.load(policies, cache=program_cache())
    path = entry(policies)
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    assert kynara.load(policies, cache=program_cache()).decide(REQUESTS[0]).effect is kynara.Effect.ALLOW
    assert len(compiled) == 2


def _spoilt(head: dict[str, Any]) -> list[tuple[str, Any]]:
    """Every part of the head once as something that it cannot be."""
    return [(name, wrong) for name in head for wrong in (None, [], {}, [[]], [[1, 2]], "x", -1)]


def test_a_signed_entry_that_makes_no_sense_is_none_or_fails_closed(policies: Path, compiled: list[int]) -> None:
    keeper = program_cache()
    kynara.load(policies, cache=keeper)
    assert isinstance(keeper, Keeper)
    assert keeper.cache is not None
    kind, _, key = entry(policies).name.partition("-")
    payload = keeper.cache.get(kind, key)
    assert payload is not None
    first, _, rest = payload.partition(b"\n")
    head = json.loads(first)
    allowed = [r for r in REQUESTS if kynara.load(policies).decide(r).effect is kynara.Effect.ALLOW]
    for name, wrong in _spoilt(head):
        if name == "digest":
            continue  # any text can be one; it decides nothing
        keeper.cache.put(kind, key, json.dumps({**head, name: wrong}).encode() + b"\n" + rest)
        found = kynara.load(policies, cache=keeper)
        assert {r["action"]["name"] for r in allowed} == {"read", "refund"}
        for request in REQUESTS:
            if found.decide(request).effect is kynara.Effect.ALLOW:
                assert request in allowed, (name, wrong)
    for cut in range(0, len(rest), 7):
        keeper.cache.put(kind, key, first + b"\n" + rest[:cut])
        assert kynara.load(policies, cache=keeper).decide(REQUESTS[0]).effect is kynara.Effect.ALLOW


def test_a_program_with_errors_is_not_kept(policies: Path) -> None:
    (policies / "bad.kyn").write_text("permit p { subject Nobody action any resource any }\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(kynara.CompileError):
            kynara.load(policies, cache=program_cache())
    assert not list((policies.parent / "cache").glob("program-*"))


def test_of_a_rule_only_the_head_is_made_until_a_request_needs_the_body(
    policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kynara.load(policies, cache=program_cache())
    found = kynara.load(policies, cache=program_cache())
    rules = {rule.name: rule for rule in found.program.rules}
    assert all(isinstance(rule, StoredRule) for rule in rules.values())
    unpacked: list[str] = []
    unpack = packed.unpack

    def unpacking(line: bytes, source: Source) -> Any:
        rule = unpack(line, source)
        unpacked.append(rule.name.text)
        return rule

    monkeypatch.setattr(packed, "unpack", unpacking)
    for _ in range(2):
        assert found.decide(REQUESTS[0]).allowed
        assert sorted(unpacked) == ["no_nights", "own"]


def test_of_a_rule_that_one_bucket_holds_nothing_but_its_code_stays(policies: Path) -> None:
    found = kynara.load(policies, cache=program_cache())
    tables = found.program.tables
    found.warm()

    def made(name: str) -> bool:
        rule = next(rule for rule in found.program.rules if rule.name == name)
        try:
            object.__getattribute__(rule, "decl")
        except AttributeError:
            return False
        return True

    assert {r.name for r in found.program.rules if made(r.name)} == {"acme.base.no_nights", "shop.large"}
    sizes = [len(table) for table in (tables.types, tables.constants, tables.targets)]
    own = next(rule for rule in found.program.rules if rule.name == "shop.own")
    with own.opened() as body:
        assert body.decl.name.text == "own"
        assert [len(table) for table in (tables.types, tables.constants, tables.targets)] > sizes
    assert [len(table) for table in (tables.types, tables.constants, tables.targets)] == sizes


def test_what_is_kept_begins_with_json(policies: Path) -> None:
    kynara.load(policies, cache=program_cache())
    head = entry(policies).read_bytes()[64:].partition(b"\n")[0]
    assert set(json.loads(head)) == {"imported", "digest", "modules", "kinds", "sizes"}


def test_tests_that_name_rules_beside_a_mistake_are_told_like_any() -> None:
    """A rule with a mistake has no body, and naming another one must not ask for it."""
    text = """\
subject User { team: String }
resource Doc { team: String }
action read on Doc
permit fine { subject User action read resource Doc scope subject.team == resource.team }
permit broken { subject User action read resource Doc scope resource.tem == "x" }
fixture u = User::"u" { team: "x" }
fixture d = Doc::"d" { team: "x" }
test "t" { given u  expect allow read on d because fine, fin }
"""
    with pytest.raises(kynara.CompileError) as wrong:
        kynara.loads(text)
    assert [found.code for found in wrong.value.diagnostics] == ["KYN202", "KYN101"]


FIRST = """\
module a
subject User
resource Doc
action read on Doc
permit p { subject User action read resource Doc scope any "x" }
fixture u = User::"u"
fixture d = Doc::"d"
test "t" { given u  expect allow read on d because p }
"""


def test_a_name_that_two_rules_have_is_shown_at_both_places() -> None:
    sources = [
        Source("a.kyn", FIRST),
        Source("b.kyn", 'module b\nforbid p { subject any action any resource any when context.now.hour("UTC") < 5 }\n'),
    ]
    found = [d for d in compile_sources(sources).diagnostics if d.code == "KYN108"]
    places = {(label.span.source.name, label.span.first.line, label.span.text) for label in found[0].labels}
    assert {("a.kyn", 5, "p"), ("b.kyn", 2, "p")} <= places
