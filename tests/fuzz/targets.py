"""What is fuzzed with arbitrary bytes: everything that reads what somebody else wrote, and what must hold whatever it says.

A target takes bytes and raises where something is wrong: an exception that is none of Kynara's own, a message that cannot be
shown, or an answer that two ways of reading do not share. `guided` drives targets by coverage, and `test_targets` replays the
corpus through them without it. What reads entries of the cache belongs into `targets_of_files`, one target a kind of entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any
from unicodedata import category

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic, Report
from kynara_lang.diagnostics.render_text import render_diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.files import source_of
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime import strict_json
from kynara_lang.runtime.entities import Entities, EntitiesError
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from kynara_lang.runtime.request import expand_evaluations
from kynara_lang.syntax import parser
from kynara_lang.syntax.formatter import formatted
from tests import oracle

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of characters: controls, and what is seen by its effect

Target = Callable[[bytes], None]

NOW = "2026-11-22T10:00:00Z"
PROGRAM = """\
trait Tenanted { tenant: String }
subject Team
subject User as "user" in Team is Tenanted { level: Int, owner: User?, tags: Set<String>, mail: Email?, rank as "the-rank": Decimal? }
subject Agent is Tenanted { owner: User, trust: "low" | "high" }
resource Folder in Folder
resource Doc in Folder is Tenanted { at: Path, link: Url?, from: IP?, host: Host?, meta: {size: Int, note: String?}, until: Time?, ttl: Duration? }
action docs.read as "docs:read" on Doc
action docs.send as "docs:send" on Doc (to: Set<Email>, amount: Decimal, body: String?) effects sends_out
context { ip: IP?, mfa as "mfa-verified": Bool?, now: Time }
role reader
role writer as "the-writer" extends reader
permit reads { subject User with role reader, Agent action docs.* resource Doc scope subject.tenant == resource.tenant when subject is Agent or subject.level > 1 }
permit sends { subject any action docs.send resource Doc in Folder::"open" scope any "a folder for all" when args.amount <= 50.00 and resource.at within "/work" }
forbid far { subject any action any resource Doc when context has ip and not (context.ip within "10.0.0.0/8") }
forbid large { subject any action docs.send resource Doc when resource.meta.size * 2 > 100 or (resource has link and resource.link.host within "evil.example") }
forbid late { subject Agent action any resource Doc when resource has until and context.now > resource.until + 1h }
require approval sending { subject Agent action docs.send resource any when any a in args.to: not (a.domain within "example.com") from User with role writer quorum 2 expires 4h }
"""
STORE: list[Any] = [
    {"type": "Team", "id": "t"},
    {"type": "user", "id": "lea", "properties": {"tenant": "a", "level": 3, "tags": ["x"]}, "roles": ["the-writer"], "parents": [{"type": "Team", "id": "t"}]},
    {"type": "Folder", "id": "sub", "parents": [{"type": "Folder", "id": "open"}]},
    {"type": "Doc", "id": "kept", "properties": {"tenant": "a", "at": "/work/a", "meta": {"size": 1}}, "parents": [{"type": "Folder", "id": "sub"}]},
]  # fmt: skip
REQUEST: dict[str, Any] = {
    "subject": {"type": "Agent", "id": "bot", "properties": {"tenant": "a", "owner": {"type": "user", "id": "lea"}, "trust": "low"},
                "on_behalf_of": {"type": "user", "id": "lea"}},
    "action": {"name": "docs:send", "properties": {"to": ["eve@evil.example"], "amount": "10.00"}},
    "resource": {"type": "Doc", "id": "kept"},
    "context": {"now": NOW, "ip": "10.1.2.3"},
}  # fmt: skip


class Wrong(AssertionError):
    """A target saw what must not be."""


@cache
def policies(*, stored: bool = True) -> PolicySet:
    """Return the program that requests and entities are read for."""
    checked = check_sources([Source("fuzz.kyn", PROGRAM)])
    assert not checked.has_errors, checked.diagnostics
    return PolicySet(checked.program, Entities.from_list(STORE) if stored else None)


def told(found: Iterable[Diagnostic]) -> None:
    """See to it that findings can be shown: short, and nothing in them that a terminal obeys."""
    for diagnostic in list(found)[:20]:
        shown = render_diagnostic(diagnostic, width=100).plain
        said(diagnostic.message)
        said(shown)
        if len(shown) > 20_000:
            raise Wrong(f"a message of {len(shown)} characters: {shown[:200]!r}")


def said(message: str) -> None:
    """See to it that a message is text that no terminal obeys; an unusual space is shown as it is."""
    if not message or any(category(c) in _OBEYED and c != "\n" for c in message):
        raise Wrong(f"not a message: {message[:2000]!r}")


def of_json(data: bytes) -> Any:
    """Read bytes as requests are read; a complaint is one line, and text is read as its bytes are."""
    try:
        value = strict_json.loads(data)
    except strict_json.JsonProblem as problem:
        said(problem.message)
        with suppress(UnicodeDecodeError, strict_json.JsonProblem):
            strict_json.loads(data.decode())
            raise Wrong("its text is read, and its bytes are not") from None
        raise
    if repr(strict_json.loads(data.decode())) != repr(value):
        raise Wrong("text and bytes are read differently")
    return value


# --- policies


def source(data: bytes) -> Source | None:
    """Make a source of bytes, as of a file."""
    findings = Report()
    made = source_of("hostile.kyn", data, findings)
    told(findings.sorted())
    if (made is None) != findings.has_errors:
        raise Wrong("a file that is not read is no error, or one that is")
    return made


def of_parser(data: bytes) -> None:
    """A policy is parsed, laid out and parsed again: the layout is stable, and what is broken is said."""
    made = source(data)
    if made is None:
        return
    report = Report()
    module = parser.read(made, report)
    found = report.sorted()
    told(found)
    if module.broken and not report.has_errors:
        raise Wrong("something is broken, and nobody is told")
    again = Report()
    text = formatted(made, again)
    if text is None:
        if not again.has_errors:
            raise Wrong("there is no layout, and nobody is told")
        return
    if formatted(Source("hostile.kyn", text), Report()) != text:
        raise Wrong(f"the layout is not stable: {text!r}")


def of_checker(data: bytes) -> None:
    """A policy is checked with every lint; one without errors decides, and denies what it does not know."""
    made = source(data)
    if made is None:
        return
    checked = check_sources([made], lints=LintSettings())
    told(checked.diagnostics)
    if checked.has_errors:
        return
    decided = PolicySet(checked.program)
    for request in ({}, REQUEST):
        decision = decided.decide(request)
        if any(e.code == "internal-error" for e in decision.errors):
            raise Wrong(f"{decision.errors}")
        if oracle.decide(checked.program, request, None).decision != decision.effect.value:
            raise Wrong(f"the oracle does not say {decision}")


# --- requests, entities, approvals


def of_request(data: bytes) -> None:
    """A request is decided as the oracle does, the explanation says the same, and nothing is an internal error."""
    try:
        value = of_json(data)
    except strict_json.JsonProblem:
        return
    with suppress(InvalidRequest):
        for single in expand_evaluations(value)[:3]:
            _decided(single)


def _decided(request: Any) -> None:
    for stored in (True, False):
        point = policies(stored=stored)
        decision = point.decide(request)
        if any(e.code == "internal-error" for e in decision.errors):
            raise Wrong(f"{decision.errors}")
        for error in decision.errors:
            said(error.message)
        if any(error.path is not None for error in decision.errors) and decision.effect.value != "deny":
            raise Wrong("a malformed request is not denied")
        explanation = point.explain(request)
        if point.decide(request, []) != decision or explanation.decision != decision:
            raise Wrong("asked otherwise, it answers otherwise")
        for change in explanation.counterfactual:
            said(change.change)
        verdict = oracle.decide(point.program, request, STORE if stored else None).decision
        if verdict != decision.effect.value and decision.effect.value != "deny":
            raise Wrong(f"the oracle says {verdict}, not {decision}")


def of_entities(data: bytes) -> None:
    """A store is read or refused; a request is then decided without an internal error."""
    try:
        point = policies().bind(Entities.from_text(data.decode()))
    except UnicodeDecodeError:
        return
    except EntitiesError as error:
        said(str(error))
        return
    for request in (REQUEST, {**REQUEST, "resource": {"type": "Doc", "id": "d"}}):
        decision = point.decide(request)
        if any(e.code == "internal-error" for e in decision.errors):
            raise Wrong(f"{decision.errors}")
        if point.explain(request).decision != decision:
            raise Wrong("the explanation says otherwise")


def of_evidence(data: bytes) -> None:
    """Approvals beside a request: whatever they are, two distinct approvers who may approve are needed."""
    try:
        value = of_json(data)
    except strict_json.JsonProblem:
        return
    point = policies()
    bound = point.approval_digest(REQUEST)
    given = _bound(value, bound)
    decision = point.decide(REQUEST, given)
    if any(e.code == "internal-error" for e in decision.errors):
        raise Wrong(f"{decision.errors}")
    for error in decision.errors:
        said(error.message)
    if decision.effect.value == "allow":
        named = {(a["type"], a["id"]) for one in given for a in one["approvers"] if one.get("rule") == "fuzz.sending"}
        if len(named - {("user", "lea"), ("Agent", "bot")}) < 2:
            raise Wrong(f"allowed by {given}")


def _bound(value: Any, digest: str) -> Any:
    """Put the digest of the call where a fuzzer, which cannot work out a hash, writes `DIGEST`."""
    if isinstance(value, list):
        return [_bound(item, digest) for item in value]
    if isinstance(value, dict):
        return {key: _bound(item, digest) for key, item in value.items()}
    return digest if value == "DIGEST" else value
