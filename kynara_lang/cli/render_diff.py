"""The difference of two programs as text, as JSON, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..analysis.declared import Declared
from ..analysis.differences import Differences, Side
from ..analysis.merged import Entry, Told, merged, products
from ..analysis.regions_text import Line, Region
from ..analysis.versions import Triple
from ..diagnostics.excerpt import visible
from ..diagnostics.witness_text import witness_lines
from ..proofs import INSTALL
from .output import counted

Flip = tuple[int, str, str]
"""A recorded request that is decided otherwise: its line, the decision before and after."""


def as_text(found: Differences, flips: list[Flip] | None) -> str:
    """Return the difference for a terminal."""
    lines: list[str] = []
    for declared in found.declared:
        lines.append(f"declared: {_declared(declared)}")
    if found.declared:
        lines.append("")
    for title, entries in _directions(found):
        for entry in entries:
            lines += [f"{title}: {_places(entry)}", *_entry(entry), ""]
    lines += [f"request in line {line}: {before} -> {after}" for line, before, after in flips or ()]
    lines.append(summary(found))
    return "\n".join(visible(line) for line in lines)


def as_markdown(found: Differences, flips: list[Flip] | None) -> str:
    """Return the difference as a comment for a pull request."""
    lines = [f"### Policy difference\n\n{_escaped(summary(found))}\n"]
    for declared in found.declared:
        lines.append(f"- declared: {_escaped(_declared(declared))}")
    for title, entries in _directions(found):
        if entries:
            lines.append(f"\n#### {title}\n")
        for entry in entries:
            lines.append(f"**{_escaped(_places(entry))}**\n")
            for region in entry.regions:
                lines += [f"- {_escaped(_sentence(region, entry))}\n", "  ```text"]
                lines += [f"  {visible(line).replace('`', chr(39))}" for line in _region(region)]
                lines.append("  ```")
            lines += [f"- not settled: {_escaped(reason)}" for reason in entry.reasons]
    lines += [f"- recorded request in line {line}: {before} → {after}" for line, before, after in flips or ()]
    return "\n".join(lines)


def as_data(found: Differences, flips: list[Flip] | None) -> dict[str, Any]:
    """Return the difference as JSON values."""
    made: dict[str, Any] = {
        "version": 1,
        "declared": [{"change": d.change, "what": d.what, "old": d.old, "new": d.new} for d in found.declared],
        "slices": [
            {
                **_place((s.action, s.subject, s.resource)),
                "gains": _side_data(s.gains),
                "losses": _side_data(s.losses),
                "rules": [
                    {"change": r.change, "effect": r.effect, "rule": r.name, "place": r.place} for r in s.rules
                ],
            }
            for s in found.slices
        ],
        "regions": [
            _region_data(direction, region, entry)
            for direction, sides in (("gain", _told(found, "gains")), ("loss", _told(found, "losses")))
            for entry in merged(sides)
            for region in entry.regions
        ],
        "summary": {
            "gains": found.gains,
            "losses": found.losses,
            "unknown_gains": found.unknown_gains,
            "equal_by_structure": found.by_structure,
            "equal_by_proof": found.by_proof,
            "out_of_time": found.out_of_time,
            "solver": found.solver,
        },
    }
    if flips is not None:
        made["flips"] = [{"line": line, "before": before, "after": after} for line, before, after in flips]
    return made


def summary(found: Differences) -> str:
    """Return the one line that says how it went."""
    equal = found.by_structure + found.by_proof
    unknown = sum("unknown" in (s.gains.verdict, s.losses.verdict) for s in found.slices)
    gains = sum(s.gains.verdict == "found" for s in found.slices)
    losses = sum(s.losses.verdict == "found" for s in found.slices)
    if not found.slices:
        return f"No difference: {counted(equal, 'kind')} of request decided alike, for sure"
    parts = [f"more access in {counted(gains, 'kind')} of request" if gains else "no new access"]
    parts.append(f"less in {losses}")
    if unknown:
        cure = "" if found.solver else f" ({INSTALL})"
        parts.append(f"unknown in {unknown}{' (give it more time with `--timeout`)' if found.out_of_time else cure}")
    parts.append(f"{equal} decided alike, for sure")
    if unknown and not gains:
        parts[0] = "no new access found"
    return "; ".join(parts)


def _directions(found: Differences) -> Iterator[tuple[str, list[Entry]]]:
    gains, losses = _told(found, "gains"), _told(found, "losses")
    yield "More access", merged(side for side in gains if side.regions)
    yield "Less access", merged(side for side in losses if side.regions)
    unknown = [side for side in (*gains, *losses) if not side.regions]
    yield "Unknown", merged(sorted(unknown, key=lambda side: side.place))


def _told(found: Differences, direction: str) -> list[Told]:
    """Return what is told of gains, or of losses; where there are none, for sure, that is nothing."""
    sides = [((s.action, s.subject, s.resource), getattr(s, direction)) for s in found.slices]
    return [Told(place, side.regions, side.reason) for place, side in sides if side.verdict != "none"]


def _places(entry: Entry) -> str:
    """Say which kinds of request: `User read, write Doc` for all combinations of what stands in such a list."""
    return "; ".join(" ".join(", ".join(names) for names in several) for several in products(entry.places))


def _sentence(region: Region, entry: Entry) -> str:
    others = len(entry.places) - 1
    if not others:
        return region.sentence
    return f"{region.sentence}; likewise in the other {counted(others, 'kind')} of request"


def _entry(entry: Entry) -> Iterator[str]:
    for region in entry.regions:
        yield f"  {_sentence(region, entry)}"
        yield from (f"    {line}" for line in _region(region))
    yield from (f"  not settled: {reason}" for reason in entry.reasons)


def _region(region: Region) -> Iterator[str]:
    for line in region.lines:
        yield _line(line, region.side)
    if region.note:
        yield f"note: {region.note}"
    for name, place in region.rules:
        yield f"rule {name} ({place})"
    yield f"for instance, {region.before} before, {region.after} now:"
    yield from (f"  {line}" for line in witness_lines(region.request))


def _line(line: Line, side: str) -> str:
    other = "was" if side == "new" else "now"
    if line.standing == "changed":
        return f"{line.kind} {line.text}   ({other}: {line.across})"
    if line.standing == "only":
        return f"{line.kind} {line.text}   ({'new' if side == 'new' else 'gone'})"
    if line.standing == "gone":
        return f"no longer: {line.kind} {line.text}" if side == "new" else f"and now: {line.kind} {line.text}"
    return f"{line.kind} {line.text}"


def _declared(declared: Declared) -> str:
    if declared.change == "changed":
        return f"{declared.what}: {declared.old} -> {declared.new}"
    return f"{declared.change} {declared.what}"


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in visible(text))


def _place(place: Triple) -> dict[str, str]:
    action, subject, resource = place
    return {"subject": subject, "action": action, "resource": resource}


def _side_data(side: Side) -> dict[str, Any]:
    return {"verdict": side.verdict, "complete": side.complete, "reason": side.reason}


def _region_data(direction: str, region: Region, entry: Entry) -> dict[str, Any]:
    lines = region.lines
    return {
        "direction": direction,
        "slices": [_place(place) for place in entry.places],
        "kind": region.kind,
        "sentence": region.sentence,
        "conditions": [{"clause": i.kind, "text": i.text, "standing": i.standing, "across": i.across} for i in lines],
        "rules": [{"rule": name, "place": place} for name, place in region.rules],
        "witness": region.request,
        "before": region.before,
        "after": region.after,
        "note": region.note,
    }
