"""An explanation for people: first the answer, then why, then what would have to be different.

The answer comes first because most readers stop there; then whatever stood in the way, with the clauses as written and
the values beside them; then verified changes; last every rule that was looked at, one line each.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from rich.cells import cell_len
from rich.text import Text

from ..diagnostics.excerpt import visible
from ..runtime.approvers import Unapprovable
from ..runtime.decision import DecisionError, Effect
from ..runtime.explanation import ClauseResult, Considered, Explanation, LinkExplanation, NearMiss

SAID = {
    Effect.ALLOW: ("allowed", "bold green"),
    Effect.REQUIRE_APPROVAL: ("needs approval", "bold yellow"),
    Effect.DENY: ("denied", "bold red"),
}
KINDS = {"permit": "permit", "forbid": "forbid", "require_approval": "require approval"}
_NEAREST = 3
_NARROWEST = 30
_MOST_RULES = 12
_RANK = {"matched": 0, "error": 1, "failed": 2, "not_applicable": 3}


def renderables(explanation: Explanation, width: int = 100, *, all_rules: bool = False) -> Iterator[Text]:
    """Yield the parts of an explanation, laid out for a width in columns; `all_rules` leaves none uncounted."""
    for part in _sections(explanation, all_rules=all_rules):
        yield _laid_out(part, max(width, _NARROWEST))


def _sections(explanation: Explanation, *, all_rules: bool) -> Iterator[Text]:
    yield _answer(explanation)
    if explanation.decision.errors:
        yield _errors(explanation.decision.errors, invalid=not explanation.links)
    if not explanation.links:
        return
    if len(explanation.links) > 1:
        yield _chain(explanation.links)
    yield from _why(explanation)
    if explanation.decision.effect is not Effect.ALLOW:
        yield _changes(explanation)
    if explanation.approval_digest and explanation.decision.effect is Effect.REQUIRE_APPROVAL:
        yield _binding(explanation.approval_digest)
    yield _looked_at(explanation, all_rules=all_rules)
    if explanation.ignored_attributes:
        yield _ignored(explanation.ignored_attributes)


def _line(text: Text, *parts: tuple[str, str] | str) -> None:
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        text.append(visible(words), style)
    text.append("\n")


def _laid_out(part: Text, width: int) -> Text:
    """Break long lines at spaces, and let what follows stand four columns to the right of the line's own start."""
    out = Text()
    for line in part.split("\n"):
        words = line.plain
        start = len(words) - len(words.lstrip(" "))
        while cell_len(line.plain) > width:
            room = line.plain[: _fitting(line.plain, width)]
            at = room.rfind(" ")
            at = at if at > start + 4 else len(room)
            out.append_text(line[:at])
            out.append("\n")
            rest = line[at:]
            rest = rest[len(rest.plain) - len(rest.plain.lstrip(" ")) :]
            line = Text(" " * (start + 4)).append_text(rest)
        out.append_text(line)
        out.append("\n")
    return out


def _fitting(words: str, width: int) -> int:
    """Return how many characters fit into a width; wide ones take two columns."""
    used = 0
    for at, char in enumerate(words):
        used += cell_len(char)
        if used > width:
            return at
    return len(words)


def _answer(explanation: Explanation) -> Text:
    """Say in the first line what was decided and why, in the second what follows from it."""
    said, style = SAID[explanation.decision.effect]
    text = Text()
    first, second = sentence(explanation)
    _line(text, (said, style), ": ", (first, "bold"))
    if second:
        _line(text, second)
    return text


def sentence(explanation: Explanation) -> tuple[str, str]:
    """Return the answer in one sentence, and a second that says what it follows from."""
    decision, links = explanation.decision, explanation.links
    if not links:
        return "this is not a valid request", "No rule was asked."
    what = f"{explanation.action} {explanation.resource}"
    who = " for ".join(link.subject for link in links)
    if decision.effect is Effect.ALLOW:
        people = tuple(dict.fromkeys(person for status in decision.approvals for person in status.approved_by))
        approved = f" It was approved by {_several(people)}." if people else ""
        return f"{who} may {what}", f"Permitted by {_several(decision.rules)}; nothing forbids it.{approved}"
    if decision.effect is Effect.REQUIRE_APPROVAL:
        asking = _several(decision.rules)
        return f"{who} may {what} once it is approved", f"It is permitted, but {asking} asks for an approval first."
    limits = [link for link in links if link.effect is Effect.DENY]
    forbidding = tuple(dict.fromkeys(name for link in limits for name in link.rules))
    if forbidding:
        return f"{_several(forbidding)} forbids {who} to {what}", "A forbid outweighs every permit."
    if links[0].effect is not Effect.DENY:
        last = limits[-1].subject
        return (
            f"{last} may not {what}, so {links[0].subject} may not do it for them",
            "Whoever acts for somebody never gets more than that somebody has.",
        )
    if len(limits) < len(links):
        others = ", ".join(link.subject for link in links if link.effect is not Effect.DENY)
        return (
            f"no permit lets {limits[0].subject} {what}",
            f"{others} may, but whoever acts for somebody needs a permit of its own.",
        )
    anyone = " or ".join(link.subject for link in links)
    return f"no permit lets {anyone} {what}", "Without a matching permit everything is denied."


def _several(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _errors(errors: tuple[DecisionError, ...], *, invalid: bool) -> Text:
    text = Text()
    _line(text, ("What is wrong with the request" if invalid else "What went wrong", "bold"))
    for error in errors:
        place = error.path or error.rule or "request"
        _line(text, f"  {place}: {error.message} ", (f"[{error.code}]", "dim"))
    return text


def _chain(links: tuple[LinkExplanation, ...]) -> Text:
    text = Text()
    _line(text, ("The chain", "bold"), "  (the answer is the least that any link gets)")
    for at, link in enumerate(links):
        said, style = SAID[link.effect]
        lead = "  " + "   " * at + ("└─ acts for " if at else "")
        _line(text, lead, link.subject, ": ", (said, style), f" by {_several(link.rules)}" if link.rules else "")
    return text


# --- why


def _why(explanation: Explanation) -> Iterator[Text]:
    told: set[str] = set()
    deciding = explanation.decision.effect
    given = {status.rule for status in explanation.decision.approvals}
    for link in explanation.links:
        for considered in link.considered:
            matters = considered.rule.effect == "forbid" if deciding is Effect.DENY else True
            asked_for = considered.rule.name in given and considered.outcome in ("matched", "error")
            in_effect = link.effect is deciding and (considered.rule.name in link.rules or asked_for)
            if in_effect and matters and considered.rule.name not in told:
                told.add(considered.rule.name)
                yield _rule("", considered.rule.name, considered, link, explanation)
    if deciding is Effect.DENY and not told:
        yield from _nearest(explanation)


def _rule(lead: str, name: str, considered: Considered, link: LinkExplanation, explanation: Explanation) -> Text:
    text = Text()
    _heading(text, f"{lead}{KINDS[considered.rule.effect]} {name}", considered)
    if len(explanation.links) > 1:
        _line(text, (f"  for {link.subject}", "dim"))
    if considered.as_if is not None:
        why = "a rule asks who acts, so this is decided for each principal up to the link, and the least counts"
        _line(text, (f"  as if {considered.as_if} had made the call: {why}", "dim"))
    for clause in considered.clauses:
        _clause(text, clause, mark=considered.outcome != "matched")
    if considered.error is not None:
        _line(text, ("  in error: ", "red"), f"{considered.error.message}, which makes a forbid match")
    for status in explanation.decision.approvals:
        if status.rule == name:
            people = f" by {_several(status.approved_by)}" if status.approved_by else ""
            state = f"given{people}" if status.satisfied else f"needed: {status.quorum}{people and ', so far' + people}"
            _line(text, f"  approval {state}, from {status.approvers}, lasting {_duration(status.expires_in)}")
    return text


def _heading(text: Text, title: str, considered: Considered | NearMiss) -> None:
    rule = considered.rule
    described = f"  “{rule.description}”" if rule.description else ""
    _line(text, (title, "bold"), described)
    place = rule.decl.name.span
    _line(text, (f"  --> {place.source.name}:{place.first.line}", "blue"))


def _clause(text: Text, clause: ClauseResult, *, mark: bool = True) -> None:
    sign, style = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("?", "yellow")}[clause.holds]
    _line(text, "  ", (f"{sign} " if mark else "", style), f"{clause.kind:<8} {clause.text}")
    if clause.values:
        values = ", ".join(f"{name} = {value}" for name, value in clause.values.items())
        _line(text, (" " * 13 + values, "cyan" if clause.holds else "bold cyan"))


def _nearest(explanation: Explanation) -> Iterator[Text]:
    groups: dict[object, list[NearMiss]] = {}
    for miss in explanation.near_misses:
        failing = tuple((c.span, tuple(c.values.items())) for c in miss.clauses if c.holds is not True)
        groups.setdefault((miss.rule.name, failing), []).append(miss)
    if not groups:
        yield _no_permit(explanation)
        return
    for number, misses in enumerate(list(groups.values())[:_NEAREST]):
        text = Text()
        miss = misses[0]
        _heading(text, f"{'closest permit' if number == 0 else 'next closest'}: {miss.rule.name}", miss)
        if len(explanation.links) > 1:
            who = " and for ".join(explanation.links[m.link].subject for m in misses)
            _line(text, (f"  for {who}", "dim"))
        for clause in miss.clauses:
            _clause(text, clause)
        yield text
    if len(groups) > _NEAREST:
        yield Text(f"and {len(groups) - _NEAREST} more permits that fail\n", "dim")


def _no_permit(explanation: Explanation) -> Text:
    """Say why not even a near miss exists: nothing in the program grants this to such a subject."""
    text = Text()
    for link in explanation.links:
        if link.effect is not Effect.DENY:
            continue
        permits = [c for c in link.considered if c.rule.effect == "permit"]
        about = [c for c in permits if c.clause is not None and c.clause.kind != "action"]
        if not about:
            _line(text, f"No permit of this program is about `{explanation.action}`.")
            break
        _line(text, f"No permit for `{explanation.action}` fits {link.subject} on {explanation.resource}:")
        for found in about[:_NEAREST]:
            assert found.clause is not None
            place = found.clause.span
            _line(text, f"  {found.rule.name}: {found.reason}")
            _line(text, (f"    {place.source.name}:{place.first.line}  {found.clause.kind} {found.clause.text}", "dim"))
    return text


# --- what else


def _changes(explanation: Explanation) -> Text:
    text = Text()
    changes = explanation.counterfactual
    _line(text, ("What would change the answer", "bold"), "  (each was tried)" if changes else "")
    if not changes:
        _line(text, "  No small change to this request alone was found that would; the policy or what is known of the")
        _line(text, "  entities would have to be different.")
    for change in changes:
        said, style = SAID[change.decision]
        _line(text, f"  if {change.change}: ", (said, style))
    for without in explanation.unapprovable:
        _line(text, f"  {no_approval(without)}")
    return text


def no_approval(without: Unapprovable) -> str:
    """Say that no approval was found that would satisfy a rule, and why."""
    return f"no approval was found that {without.rule} would count: {without.reason}"


def _binding(digest: str) -> Text:
    text = Text()
    _line(text, ("An approval of this call is bound to", "bold"))
    _line(text, f"  {digest}")
    return text


def _looked_at(explanation: Explanation, *, all_rules: bool) -> Text:
    text = Text()
    _line(text, ("Rules looked at", "bold"))
    for link in explanation.links:
        if len(explanation.links) > 1:
            _line(text, f"  for {link.subject}")
        elsewhere = [c for c in link.considered if c.clause and c.clause.kind == "action" and not all_rules]
        near = [c for c in link.considered if c not in elsewhere]
        ranked = sorted(near, key=lambda c: (_RANK[c.outcome], c.rule.name))
        shown = {id(c) for c in (ranked if all_rules else ranked[:_MOST_RULES])}
        for considered in near:
            if id(considered) not in shown:
                continue
            kind = KINDS[considered.rule.effect]
            style = "dim" if considered.outcome == "not_applicable" else ""
            _line(text, (f"  {kind:<16} {considered.rule.name}", style))
            _line(text, (f"      {outcome_words(considered)}", style))
        if len(shown) < len(near):
            _line(text, (f"  {len(near) - len(shown)} more that do not match (--all lists them)", "dim"))
        counts: dict[str, int] = {p.reason: p.count for p in link.pruned}
        for considered in elsewhere:
            reason = considered.reason or ""
            counts[reason] = counts.get(reason, 0) + 1
        for reason, count in counts.items():
            _line(text, (f"  {count} more: {reason} (--all lists them)", "dim"))
    return text


def outcome_words(considered: Considered, *, short: bool = False) -> str:
    """Say what came of a rule; `short` leaves out the values and the place."""
    if considered.as_if is not None:
        seen = outcome_words(evolve(considered, as_if=None), short=short)
        return f"as if {considered.as_if} had made the call: {seen}"
    if considered.outcome == "matched":
        return "matches"
    if considered.reason is not None:
        place = considered.clause.span if considered.clause else considered.rule.decl.span
        if short:
            return considered.reason
        return f"{considered.reason} ({place.source.name}:{place.first.line})"
    clause = considered.clause
    if considered.outcome == "error" and considered.error is not None:
        effect = "so it does not match" if considered.rule.effect == "permit" else "so it counts as matching"
        return f"in error ({considered.error.message}), {effect}"
    if clause is None:
        return considered.outcome
    if short:
        return f"stops at {clause.kind}"
    values = ", ".join(f"{name} = {value}" for name, value in clause.values.items())
    return f"stops at `{clause.kind} {clause.text}`" + (f" with {values}" if values else "")


def _ignored(names: tuple[str, ...]) -> Text:
    text = Text()
    _line(text, ("Ignored: not declared by the program, or known otherwise from the entities", "bold"))
    _line(text, f"  {', '.join(names)}")
    return text


def _duration(seconds: int) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
