"""Records, verdicts and differences as text for people.

Nothing here is believed to be harmless: all that comes out of a log is made visible, character by character, before it
goes to a terminal, and cut where it is long.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..audit import framing
from ..audit.export_manifest import Signed
from ..audit.query_facts import facts_of
from ..audit.reading import Entry
from ..audit.replay import REASONS, Difference, Replayed
from ..audit.verifying import Finding, Level, Verdict
from ..diagnostics.excerpt import visible
from .output import counted

_LABEL: Final = 12
_LONGEST: Final = 2000
_LONGEST_LINE: Final = 400
_MOST: Final = 20

_UNSEEN: Final[Mapping[Level, str]] = {
    Level.CHAIN: (
        "only the folder was compared with itself: a log whose end was cut off, one that was written anew as a whole, "
        "and an old copy look the same; --key and --checkpoint find those"
    ),
    Level.SIGNED: (
        "an old copy of the whole folder, with its old checkpoint, looks the same, and what came after the newest "
        "checkpoint could have been cut off; --checkpoint, with one that you keep elsewhere, finds the first"
    ),
    Level.HELD: "what was written after the checkpoint that you hold could have been cut off",
}
"""What is not noticed at a level."""


def entry_of(line: bytes) -> Entry:
    """Return a stored line as a record that lies nowhere."""
    head = framing.head_of(framing.json_of(line))
    assert head is not None
    return Entry(head.seq, line, json.loads(framing.json_of(line)), "", 0)


# --- a record


def record_line(entry: Entry) -> str:
    """Return a record on one line: number, time, kind, and what it comes to."""
    facts = facts_of(entry)
    rules = f"  ({', '.join(facts.rules)})" if facts.kind == "decision" and facts.rules else ""
    line = f"{facts.seq:>8}  {framing.time_text(facts.time)}  {facts.kind:<9} {facts.summary}{rules}"
    return _cut(visible(line), _LONGEST_LINE)


def record_text(entry: Entry) -> str:
    """Return a record with all that it holds, a line for each thing."""
    facts = facts_of(entry)
    lines = [f"record {facts.seq}: {facts.kind}, {framing.time_text(facts.time)}", facts.summary]
    body = entry.record.get("body")
    members = body if isinstance(body, dict) else {}
    parts = _decision(members) if facts.kind == "decision" else _plain(members)
    lines += [f"  {label:<{_LABEL}} {value}" for label, value in parts]
    lines += [f"  {'log':<{_LABEL}} {facts.log}, epoch {entry.record.get('epoch')}"]
    lines += [f"  {'hash':<{_LABEL}} {entry.hash}"]
    if facts.kind == "decision" and entry.segment and facts.decision == "allow":
        lines.append(f"how the call ended: kynara audit query PATH --about {facts.seq}")
    return "".join(f"{_cut(visible(line), _LONGEST)}\n" for line in lines)


def _decision(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a decision record holds: who asked for what, what was decided, and why."""
    request = _members(body.get("request"))
    link = _members(request.get("subject"))
    label = "by"
    while link:
        yield label, _entity(link)
        link, label = _members(link.get("on_behalf_of")), "for"
    action = _members(request.get("action"))
    yield "action", str(body.get("action"))
    yield from (("argument", f"{name} = {_value(value)}") for name, value in _members(action.get("properties")).items())
    yield "resource", _entity(_members(request.get("resource")))
    yield from (("context", f"{name} = {_value(value)}") for name, value in _members(request.get("context")).items())
    yield "decision", str(body.get("decision"))
    yield from (("rule", _rule(rule)) for rule in _items(body.get("rules")))
    yield from (("approval", _approval(one)) for one in _items(body.get("approvals")))
    yield from (("evidence", _value(one)) for one in _items(body.get("evidence")))
    yield from (("error", _error(one)) for one in _items(body.get("errors")))
    for name in ("degraded", "phase", "session", "trace_id", "entities", "policy_digest", "engine"):
        if body.get(name) is not None:
            yield _LABELS.get(name, name), str(body[name])


_LABELS: Final = {"policy_digest": "policies", "trace_id": "trace"}


def _plain(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the members of a body as they are; those of an object inside it each by itself."""
    for name, value in body.items():
        inner = _members(value)
        if inner and name in ("approval", "request"):
            yield from ((f"{name}", f"{key} = {_value(item)}") for key, item in inner.items() if item is not None)
        elif value is not None:
            yield name, _value(value)


def _entity(entity: Mapping[str, Any]) -> str:
    """Return an entity with all that was said of it."""
    said = [f"{name} = {_value(value)}" for name, value in _members(entity.get("properties")).items()]
    roles = entity.get("roles")
    if roles is not None:
        said.append(f"roles {_value(roles)}")
    name = f"{entity.get('type')}::{_value(entity.get('id'))}" if entity else "nothing"
    return f"{name} {{{', '.join(said)}}}" if said else name


def _rule(rule: object) -> str:
    told = _members(rule)
    effect = str(told.get("effect", "")).replace("_", " ")
    place = f" ({told.get('file')}:{told.get('line')})" if told.get("file") is not None else ""
    return f"{effect} {told.get('rule')}{place}".strip()


def _approval(status: object) -> str:
    told = _members(status)
    people = ", ".join(str(one) for one in _items(told.get("approved_by"))) or "nobody"
    state = "given" if told.get("satisfied") is True else "missing"
    return f"{told.get('rule')}: {state}; {told.get('quorum')} needed, approved by {people}"


def _error(error: object) -> str:
    told = _members(error)
    place = told.get("rule") or told.get("path")
    return f"{told.get('code')}: {told.get('message')}" + (f" (in {place})" if place else "")


def _value(value: object) -> str:
    """Return a stored value; a commitment in words, and a number as the number it was."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inside),) = value.items()
        if name == "$hmac":
            return f"(redacted; commitment {str(inside)[:16]}…)"
        if name == "$number" and isinstance(inside, str):
            return inside
    return json.dumps(value, ensure_ascii=False)


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters; --format json has all)"


# --- a verdict


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict: what is wrong, or that nothing is; and what would not have been noticed."""
    lines: list[str] = []
    for finding in verdict.findings:
        lines += _finding(finding)
    if verdict.ok:
        lines.append(f"nothing is wrong with these {counted(verdict.size, 'record')}")
    else:
        lines.append(f"{counted(verdict.size, 'record')} {'was' if verdict.size == 1 else 'were'} read")
    if verdict.size:
        lines.append(f"  log          {verdict.log}")
        lines.append(f"  times        {verdict.first_time} to {verdict.last_time}")
        lines.append(f"  root         {verdict.root.hex()}")
        lines.append(f"  hash         {verdict.hash.hex()}")
    lines.append(f"  level        {verdict.level}")
    if verdict.signed:
        after = f"{verdict.size - verdict.signed:,} came after it"
        unchecked = "; its signature was not checked" if verdict.level is Level.CHAIN else ""
        lines.append(f"  checkpoint   covers {counted(verdict.signed, 'record')}, and {after}{unchecked}")
    lines += [f"note: {one}" for one in verdict.observations[:_MOST]]
    if len(verdict.observations) > _MOST:
        lines.append(f"note: and {len(verdict.observations) - _MOST} more; --format json has them")
    if verdict.ok:
        lines.append(f"note: {_UNSEEN[verdict.level]}")
    return "".join(f"{visible(line)}\n" for line in lines)


def _finding(finding: Finding) -> list[str]:
    lines = [f"error[{finding.code}]: {finding.message}"]
    if finding.seq is not None:
        place = "" if finding.segment is None else f", {finding.segment}"
        at = "" if finding.offset is None else f", byte {finding.offset}"
        lines.append(f"  --> record {finding.seq}{place}{at}")
    return lines


# --- an export


def manifest_text(read: Signed) -> str:
    """Return what a manifest says, which was found to be true of the file."""
    said = read.said
    covered, tree = _members(said.get("range")), _members(said.get("tree"))
    criteria = "".join(f"; {name} {value}" for name, value in _members(said.get("criteria")).items())
    lines = [
        f"{said.get('file')} is as it was exported: {said.get('records')} records, {said.get('view')}",
        f"  range        records {covered.get('first')} to {covered.get('last')}{criteria}",
        f"  log          {said.get('log')}, {tree.get('size')} records",
        f"  root         {tree.get('root')}",
        f"  made         {said.get('made')}",
    ]
    if read.signed_by is None:
        lines.append("note: its signature was not checked; --key names the public key that must have signed")
    else:
        lines.append(f"  signed by    {read.signed_by}")
    return "".join(f"{visible(line)}\n" for line in lines)


# --- deciding again


def replay_text(counts: Replayed, shown: Sequence[Difference]) -> str:
    """Return the differences, and how many decisions came out how."""
    lines: list[str] = []
    for one in shown:
        lines.append(record_line(one.entry).strip())
        lines.append(f"  then  {_answer(one.then)}")
        lines.append(f"  now   {_answer(one.now)}" + ("" if one.same_policy else "  (another policy)"))
    if counts.different > len(shown):
        lines.append(f"and {counts.different - len(shown):,} more; --limit shows more")
    again = f"{counted(counts.decisions, 'decision')}: {counts.equal:,} come out the same, {counts.different:,} not"
    skipped = counts.skipped.total()
    lines.append(f"{again}, {skipped:,} not decided again" if skipped else again)
    lines += [f"  {number:,}: {REASONS[reason]}" for reason, number in sorted(counts.skipped.items())]
    if counts.other_policy:
        was = "was" if counts.other_policy == 1 else "were"
        lines.append(f"note: {counts.other_policy:,} {was} decided under other policies; only the effect is compared")
    if not counts.replayed:
        lines.append("nothing was decided again, so nothing is shown to be the same")
    return "".join(f"{_cut(visible(line), _LONGEST)}\n" for line in lines)


def _answer(told: Mapping[str, Any]) -> str:
    """Return an answer on one line, as far as it was compared."""
    parts = [str(told["decision"])]
    parts += [f"{name} {_value(told[name])}" for name in ("rules", "approvals", "errors") if told.get(name)]
    return "; ".join(parts)
