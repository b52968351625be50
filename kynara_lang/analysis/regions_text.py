"""Regions in words: what one version grants and the other does not, by the conditions of the rules that explain it.

Conditions are those that remain once the types are known, with lets expanded, so that a changed constant shows. Where
the other version has a rule of the same name, its conditions stand beside those that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal

from attrs import frozen

from ..checker.symbols import Approval, RuleSymbol
from ..semantics.display import display_text
from ..semantics.times import format_duration
from ..semantics.types import Enum
from .contrast import Contrast, Item, Witness
from .knowledge import Known, Someone
from .links import Slice
from .partial import Part, Partial, Remains
from .versions import Version, same_type
from .witness import Json

ALIKE = 0.5
_QUOTED = re.compile(r'("(?:\\.|[^"\\])*")')
Direction = Literal["gain", "loss"]
Standing = Literal["same", "changed", "only", "gone"]


@frozen
class Line:
    """One condition of a region.

    `standing` says how it compares with the rule of the same name in the other version: `changed` has `across` in its
    place there, `only` has nothing, and `gone` stands only there (then `text` is what it says there).
    """

    kind: str
    text: str
    standing: Standing = "same"
    across: str | None = None


@frozen
class Region:
    """Requests that two versions decide differently for one reason, and one of them.

    `side` is the version whose rule the lines tell of: `new` or `old`. `rules` are qualified names with their places,
    `chain` the types of those on whose behalf the request is made. `general` is what it says without the names of its
    types and its action.
    """

    kind: str
    sentence: str
    side: Literal["old", "new"]
    lines: tuple[Line, ...]
    rules: tuple[tuple[str, str], ...]
    request: Json
    before: str
    after: str
    note: str = ""
    chain: tuple[str, ...] = ()
    general: tuple[str, ...] = ()


def described(contrast: Contrast, witness: Witness, direction: Direction) -> Region:
    """Return what a witness stands for, in words."""
    giver, other = contrast.giver, contrast.other
    assert contrast.where is not None
    of_giver = witness.kind in ("permit", "unreadable", "elsewhere")
    rule = witness.rule or (witness.permits[0] if witness.permits else None)
    version, where = (giver, contrast.where) if of_giver else (other, contrast.theirs)
    across, there = (other, contrast.theirs) if of_giver else (giver, contrast.where)
    assert where is not None
    lines: tuple[Line, ...] = ()
    counterpart: RuleSymbol | None = None
    if rule is not None:
        counterpart = _counterpart(rule, across, there)
        if witness.kind == "eased":
            lines = tuple(_approval_lines(rule, counterpart))
        else:
            theirs = None if counterpart is None or there is None else remains(across, there, counterpart)
            lines = tuple(_lines(remains(version, where, rule), theirs))
    note = ""
    if counterpart is not None and witness.kind in ("permit", "forbid", "approval"):
        if all(line.standing == "same" for line in lines):
            note = "the rule says what it said; what it rests on has changed"
    gains = direction == "gain"
    before, after = (witness.taken, witness.given) if gains else (witness.given, witness.taken)
    side: Literal["old", "new"] = "new" if of_giver == gains else "old"
    named = [(r.name, _place(r)) for r in dict.fromkeys((*([rule] if rule else []), *witness.permits))]
    sentence, general = _said(contrast, witness, direction, lines)
    rules = tuple(named)
    return Region(
        witness.kind, sentence, side, lines, rules, witness.request, before, after, note, general=general
    )


def remains(version: Version, where: Slice, rule: RuleSymbol) -> Remains:
    """Return what a rule asks in a slice, of requests of which nothing else is known."""
    subject = Someone("subject", frozenset({where.subject}), own=True)
    resource = Someone("resource", frozenset({where.resource}), own=True)
    return Partial(version.program, Known(subject, where.action, resource)).rule(rule)


def _counterpart(rule: RuleSymbol, version: Version, where: Slice | None) -> RuleSymbol | None:
    """Return the rule of a version that has the name and the effect of another."""
    named = (r for r in version.rules(where) if r.name == rule.name and r.effect == rule.effect)
    return next(named, None)


def _place(rule: RuleSymbol) -> str:
    span = rule.decl.name.span
    return f"{span.source.name}:{span.first.line}"


# --- sentences


def _said(
    contrast: Contrast, witness: Witness, direction: Direction, lines: Iterable[Line]
) -> tuple[str, tuple[str, ...]]:
    """Return the sentence of a region, and all that it says without the names of its types and its action."""
    where = contrast.where
    assert where is not None
    program = contrast.giver.program
    subject, resource = program.types[where.subject].name, program.types[where.resource].name
    who, what = _parties(contrast, witness)
    sentence = _sentence(contrast, witness, direction, who, f"`{program.actions[where.action].name}` {what}")
    general = [_sentence(contrast, witness, direction, _nameless(who, subject), _nameless(what, resource))]
    for line in lines:
        name = {"subject": subject, "resource": resource}.get(line.kind)
        texts = (line.text, line.across or "")
        general += [line.kind, line.standing, *(text if name is None else _nameless(text, name) for text in texts)]
    return sentence, tuple(general)


def _nameless(patterns: str, name: str) -> str:
    """Return patterns without the name of a type that each begins with; what stands in quotes is none."""
    pieces = _QUOTED.split(patterns)
    return "".join(p if i % 2 else re.sub(rf"(^|, ){name}\b(?!::)", r"\1_", p) for i, p in enumerate(pieces))


def _sentence(contrast: Contrast, witness: Witness, direction: Direction, who: str, what: str) -> str:
    gains = direction == "gain"
    may = "may now" if gains else "may no longer"
    name = f"`{witness.rule.decl.name.text}`" if witness.rule is not None else ""
    after = witness.given if gains else witness.taken
    asks = ", with an approval" if gains and after == "require_approval" else ""
    match witness.kind:
        case "permit":
            return f"{who} {may} {what}{asks}"
        case "forbid":
            return f"{who} {may} {what} where {name} {'forbade' if gains else 'forbids'} it{asks}"
        case "approval":
            return f"{who} may now {what} without the approval {name}" if gains else f"{who} now needs {name} to {what}"
        case "eased":
            return f"the approval {name} for {who} to {what} asks for {'less' if gains else 'more'}"
        case "unreadable":
            assert witness.item is not None
            time = "were invalid before" if gains else "are invalid now"
            return f"{who} {may} {what} by requests that {time}: {_item(witness.item, contrast)}"
    return f"{who} {may} {what} on behalf of others{asks}"


def _parties(contrast: Contrast, witness: Witness) -> tuple[str, str]:
    """Return who asks, and for what, in the patterns of the rule."""
    where, giver = contrast.where, contrast.giver
    assert where is not None
    types = giver.program.types
    who, resource = types[where.subject].name, types[where.resource].name
    permits = [witness.rule] if witness.kind == "permit" and witness.rule is not None else witness.permits[:1]
    for permit in permits:
        left = remains(giver, where, permit)
        who, resource = left.subject or who, left.resource or resource
    return who, resource


def _item(item: Item, contrast: Contrast) -> str:
    """Say how a request differs from what the other version can read."""
    name = item.place
    if item.written is None or item.written.optional:
        if not item.wanted.optional:
            return f"they come without `{name}`"
    if item.written is not None and isinstance(item.written.type, Enum) and isinstance(item.wanted.type, Enum):
        new = [display_text(v) for v in item.written.type.values if v not in item.wanted.type.values]
        return f"`{name}` is {' or '.join(new)}"
    if item.written is not None and not same_type(item.wanted, item.written, (contrast.other, contrast.giver)):
        return f"`{name}` is of the type {item.written.type}, not {item.wanted.type}"
    return f"`{name}` is read differently"


# --- conditions


def _lines(mine: Remains, theirs: Remains | None) -> Iterable[Line]:
    parts = _of(mine)
    if theirs is None or theirs.outcome == "never":
        yield from (Line(kind, text) for kind, text in parts if kind != "subject")
        return
    across = _of(theirs)
    left = [part for part in across if part not in parts]
    for kind, text in parts:
        if (kind, text) in across:
            if kind != "subject":
                yield Line(kind, text)
            continue
        near = _nearest(kind, text, left)
        if near is None:
            yield Line(kind, text, "only")
        else:
            left.remove(near)
            yield Line(kind, text, "changed", near[1])
    for kind, text in left:
        yield Line(kind, text, "gone")


def _of(remains: Remains) -> list[tuple[str, str]]:
    """Return what a rule asks: who, and its conditions."""
    parts = [p for p in remains.parts if p.kind not in ("subject", "resource")]
    resource = [Part("resource", p.text) for p in remains.parts if p.kind == "resource"]
    return [("subject", remains.subject), *((p.kind, p.text) for p in (*resource, *parts))]


def _nearest(kind: str, text: str, left: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Return which of some conditions became another: the most similar one, of its kind."""
    found: tuple[float, tuple[str, str]] | None = None
    for part in left:
        likeness = 1.0 if kind == part[0] == "subject" else SequenceMatcher(None, text, part[1]).ratio()
        if (part[0] == kind or {part[0], kind} <= {"scope", "when"}) and likeness >= ALIKE:
            if found is None or likeness > found[0]:
                found = (likeness, part)
    return None if found is None else found[1]


def _approval_lines(rule: RuleSymbol, counterpart: RuleSymbol | None) -> Iterable[Line]:
    assert rule.approval is not None
    said = dict(_asked(rule.approval))
    other = dict(_asked(counterpart.approval)) if counterpart is not None and counterpart.approval is not None else {}
    for kind, text in said.items():
        if kind not in other or other[kind] == text:
            yield Line(kind, text)
        else:
            yield Line(kind, text, "changed", other[kind])


def _asked(approval: Approval) -> Iterable[tuple[str, str]]:
    if approval.clause is not None:
        yield "from", " ".join(approval.clause.span.text.split()).removeprefix("from ")
    yield "quorum", str(approval.quorum)
    yield "expires", format_duration(approval.expires)
