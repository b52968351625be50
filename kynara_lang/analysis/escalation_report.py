"""What is told of a path: in a sentence, hop by hop, and the single rule that cuts it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..checker.symbols import PatternSymbol, Program, RuleSymbol
from ..checker.words import rule_in_words
from ..diagnostics.diagnostic import Diagnostic, Hop, Label, Severity
from ..diagnostics.source import Span
from .escalation import Escalation, Move, Survey
from .keys import type_and_id
from .links import Slice
from .steps import MEMORY, POWERS
from .witness import Json


def diagnostics(survey: Survey) -> tuple[Diagnostic, ...]:
    """Return every path of a program as a finding, those that could not be settled not among them."""
    return tuple(finding(one, survey.program) for one in survey.found)


def unsettled(survey: Survey) -> tuple[Diagnostic, ...]:
    """Return notes on what could be neither found nor excluded."""
    found = []
    for one in survey.unknown:
        where = one.steps[0].where
        action = survey.program.actions[where.action]
        span = next(part.name.span for part in action.decl.names if part.name.text == action.name)
        what = f"whether {a_subject(one.subject, survey.program)} can get further with `{action.name}` is not known"
        found.append(
            Diagnostic(
                "KYN903",
                what,
                (Label(span, "not known"),),
                notes=(one.reason,),
                help="say it more simply, or give the solver more time with `--prove-timeout`",
                severity=Severity.NOTE,
            )
        )
    return tuple(found)


def finding(one: Escalation, program: Program) -> Diagnostic:
    """Return one path as a finding."""
    moves = sorted(one.moves, key=lambda move: move is not one.key)  # the one to blame is the primary place
    labels = [Label(move.rule.decl.name.span, f"permits `{_action(move.where, program)}`") for move in moves]
    if one.code == "KYN406":
        labels.insert(0, Label(one.moves[0].waits[0].decl.name.span, "lets agents approve what agents ask for"))
    labels += [Label(span, words) for span, words in _effects(one, program)]
    granted = one.granted
    if granted is not None and granted.effect == "permit" and granted not in [m.rule for m in one.moves]:
        labels.append(Label(granted.decl.name.span, "permits what is gained"))
    labels += [Label(rule.decl.name.span, "no longer stands in the way") for rule in one.lifted]
    labels += [Label(rule.decl.name.span, "asks for the approval") for rule in _approvals(one)]
    cut = cut_of(one, program)
    return Diagnostic(
        one.code,
        sentence(one, program),
        tuple(_distinct(labels)),
        notes=tuple(notes(one, program)),
        help=f"narrow {rule_in_words(one.key.rule)}, or cut the path where it is not meant:\n{cut}"
        if cut
        else _approver_help(one),
        severity=one.severity,
        witness=one.request or one.moves[0].request,
        path=tuple(hops(one, program)),
    )


def _distinct(labels: Iterable[Label]) -> list[Label]:
    kept: dict[Any, Label] = {}
    for label in labels:
        kept.setdefault((label.span.source.name, label.span.start), label)
    return list(kept.values())


def _effects(one: Escalation, program: Program) -> Iterator[tuple[Span, str]]:
    """Yield the places of the effects that make the hops of a path steps, and what they say."""
    for step in one.steps if one.code != "KYN406" else ():
        decl, acting = program.actions[step.where.action].decl, step.acting
        if acting is not None and acting.memory:
            yield from ((e.span, "steers it by what it writes") for e in decl.effects if e.text == MEMORY)
        elif acting is not None:
            names = ((n.span, n.attribute.text if n.attribute else None) for n in decl.acts_as)
            yield from ((span, "as whom it can go on") for span, name in names if name == acting.name)
        elif one.gained is None:
            powers = (e for e in decl.effects if f"effects {e.text}" in one.moves[0].effects)
            yield from ((e.span, "authority in itself") for e in powers)
        yield from ((m.span, "what it changes") for m in decl.modifies)


def _approvals(one: Escalation) -> list[RuleSymbol]:
    found = [rule for move in one.moves for rule in move.waits]
    return found + ([one.granted] if one.granted is not None and one.granted.effect == "require_approval" else [])


# --- sentences


def a_subject(key: str, program: Program) -> str:
    """Return a type by key with its article: "an `Agent`"."""
    name = program.types[key].name
    return f"{'an' if name[0] in 'AEIO' else 'a'} `{name}`"


def _action(where: Slice, program: Program) -> str:
    return program.actions[where.action].name


def sentence(one: Escalation, program: Program) -> str:
    """Say in a sentence what a path comes to."""
    text = _sentence(one, program)
    if one.code == "KYN409":
        text = f"a wildcard of {rule_in_words(one.key.rule)} covers `{_action(one.key.where, program)}`: {text}"
    if one.severity is Severity.NOTE and any(m.waits for m in one.moves):
        text += ", once that is approved"
    return text


def _sentence(one: Escalation, program: Program) -> str:
    who = a_subject(one.subject, program)
    if one.gained is None:
        power = one.moves[0].effects[0].partition(" ")[2]
        return f"{who} may use `{_action(one.moves[0].where, program)}`, which {POWERS[power]}"
    gain, onto = f"`{_action(one.gained, program)}`", a_subject(one.gained.resource, program)
    means = " and ".join(dict.fromkeys(f"`{_action(m.where, program)}`" for m in one.moves))
    changed = ", ".join(f"`{e.split()[1]}`" for e in one.key.effects if e.startswith("modifies"))
    acting = one.steps[0].acting
    if one.code == "KYN406":
        return f"two of `{program.types[one.subject].name}` can approve {gain} for each other"
    if one.approved:
        return f"{who} can ask for {gain} and approve it alone, by way of {means}"
    if acting is not None:
        verb = "steer" if acting.memory else "act as"
        return f"{who} can {verb} {a_subject(acting.principal, program)} by {means}, which may {gain} {onto}"
    if one.lifted:
        names = " and ".join(f"`{r.decl.name.text}`" for r in one.lifted)
        return f"{who} can lift {names}, which stops its {gain}: {means} changes {changed}"
    if one.code in ("KYN404", "KYN405") or one.key.request["subject"]["id"] != one.key.request["resource"]["id"]:
        return f"{who} can move what bounds its {gain}: {means} changes {changed} of {_changed(one, program)}"
    return f"{who} can raise itself: {means} changes its {changed}, then it may {gain} {onto}"


def _changed(one: Escalation, program: Program) -> str:
    return a_subject(one.key.where.resource, program)


def notes(one: Escalation, program: Program) -> list[str]:
    """Tell a path hop by hop."""
    found = [f"{number}. {hop.message}" for number, hop in enumerate(hops(one, program), 1)]
    for rule in [r for move in one.moves for r in move.waits]:
        found.append(f"{rule_in_words(rule)} asks {approvers(rule)} first")
    return found


def approvers(rule: RuleSymbol) -> str:
    """Say whose approval a rule asks for, as it is written."""
    clause = rule.approval.clause if rule.approval is not None else None
    return "somebody" if clause is None else " ".join(clause.span.text.removeprefix("from").split())


def hops(one: Escalation, program: Program) -> list[Hop]:
    """Return the hops of a path, the gained request last."""
    found = []
    for move in one.moves:
        verb = "is permitted, and waits for an approval," if move.waits and one.code != "KYN406" else "is allowed"
        needs = "".join(f", and {said(n)} too" for n in move.needs)
        words = f"{said(move.request)} {verb} by `{move.rule.decl.name.text}`{needs}"
        if one.code == "KYN406":
            words = f"{said(move.request)} is allowed once the other approves"
        found.append(_hop(move.rule, move, words, program))
    if one.gained is not None and one.request is not None:
        rule = one.granted or one.moves[-1].rule
        action = program.actions[one.gained.action].name
        if one.code == "KYN406":
            words = f"{said(one.request)} is allowed once the first approves"
        elif one.approved:
            others = " and ".join(_value(dict(zip(("type", "id"), type_and_id(k), strict=True))) for k in one.approvers)
            words = f"{said(one.request)} is allowed with the approval of {others}; before, it had to wait"
        else:
            was = {"deny": "was denied", "require_approval": "needed an approval"}.get(one.before, "was not possible")
            whose = "to it" if one.request["subject"]["id"] == one.moves[0].request["subject"]["id"] else "to the first"
            words = f"{said(one.request)} is allowed, and {was} {whose} before"
        found.append(Hop(rule.decl.name.span, words, rule.name, action, None, action, one.request))
    return found


def _hop(rule: RuleSymbol, move: Move, message: str, program: Program) -> Hop:
    action = program.actions[move.where.action].name
    return Hop(rule.decl.name.span, message, rule.name, action, ", ".join(move.effects) or None, None, move.request)


def said(request: Json) -> str:
    """Write a request in one line: `Agent::"a" set_trust(trust: "high") on Agent::"a"`."""
    given = request["action"].get("properties", {})
    arguments = ", ".join(f"{name}: {_value(value)}" for name, value in given.items())
    action = request["action"]["name"] + (f"({arguments})" if arguments else "")
    subject, resource = _value(request["subject"]), _value(request["resource"])
    whom = request["subject"].get("on_behalf_of")
    behalf = "" if whom is None else f" on behalf of {_value(whom)}"
    return f"{subject}{behalf} {action} on {'itself' if resource == subject else resource}"


def _value(value: Any) -> str:
    if isinstance(value, dict) and {"type", "id"} <= value.keys():
        return f"{value['type']}::{json.dumps(value['id'], ensure_ascii=False)}"
    if isinstance(value, list):
        return "{" + ", ".join(_value(v) for v in value) + "}"
    return json.dumps(value, ensure_ascii=False)


# --- the cure


def cut_of(one: Escalation, program: Program) -> str | None:
    """Return a rule that cuts a path: a forbid of its first hop, on the subject itself where that is enough."""
    if one.code == "KYN406":
        return None
    move = one.key
    action = program.actions[move.where.action].name
    lines = [
        f"  subject  {_patterns(move.rule.subjects, one.subject, program)}",
        f"  action   {action}",
        f"  resource {program.types[move.where.resource].name}",
    ]
    if one.own:
        lines.append("  when     resource == subject")
    name = _unused(f"no_{'own_' if one.own else ''}{action.replace('.', '_')}", program)
    return "\n".join([f"forbid {name} {{", *lines, "}"])


def _patterns(patterns: Iterable[PatternSymbol], subject: str, program: Program) -> str:
    """Return the patterns of a rule that a type of subjects fits, as they are written; `any` as that type."""
    name = program.types[subject].name
    shown = [name if p.node.type is None else p.node.span.text for p in patterns if subject in p.types]
    return ", ".join(dict.fromkeys(" ".join(text.split()) for text in shown))


def _unused(name: str, program: Program) -> str:
    taken = {rule.decl.name.text for rule in program.rules}
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)


def _approver_help(one: Escalation) -> str:
    rule = one.granted or one.moves[0].rule
    return f"let `from` of {rule_in_words(rule)} name people, or let `where` set approvers apart from whoever asks"
