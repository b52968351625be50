"""An explanation as one HTML page that needs nothing else: no network, no script.

The tree is drawn with nested `details` elements, which any browser can unfold: the answer, the links of the chain, the
rules of each link, the clauses of each rule with what they read. What matters for the answer is open from the start.
Everything that comes from a policy or a request is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from ..diagnostics.excerpt import visible
from ..runtime.decision import Effect
from ..runtime.explanation import ClauseResult, Considered, Explanation, LinkExplanation
from .render_explanation import KINDS, SAID, no_approval, outcome_words, sentence

_STYLE = """
:root { --ok: #1a7f37; --no: #b42318; --wait: #9a6700; --line: #c8ccd1; --dim: #656d76; --panel: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ok: #3fb950; --no: #ff7b72; --wait: #d29922; --line: #3d444d; --dim: #9198a1; --panel: #151b23;
          color-scheme: dark; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
code, .values, .place { font-family: ui-monospace, monospace; font-size: .88em; }
.badge { border: 1px solid currentColor; border-radius: 1em; padding: .05em .6em; font-size: .8em;
         white-space: nowrap; }
.allow { color: var(--ok); } .deny { color: var(--no); } .require_approval { color: var(--wait); }
.quiet, .place { color: var(--dim); }
.tree, .tree ul { list-style: none; margin: 0; padding-left: 1.4rem; }
.tree > li { padding-left: 0; } .tree li { position: relative; margin: .25rem 0; }
.tree ul > li::before { content: ""; position: absolute; left: -1rem; top: -.3rem; bottom: 0;
                        border-left: 1px solid var(--line); }
.tree ul > li::after { content: ""; position: absolute; left: -1rem; top: .8rem; width: .8rem;
                       border-top: 1px solid var(--line); }
.tree ul > li:last-child::before { bottom: auto; height: 1.1rem; }
summary { cursor: pointer; } .clause { padding: .1rem .5rem; background: var(--panel); border-radius: 4px; }
.values { color: var(--dim); margin-left: 1.6rem; overflow-wrap: anywhere; }
"""
_TICKS = re.compile("`([^`]*)`")
_MARKS = {True: ("✓", "allow", "holds"), False: ("✗", "deny", "does not hold"), None: ("?", "quiet", "has no answer")}


def page(explanation: Explanation) -> str:
    """Return the whole page."""
    effect = explanation.decision.effect
    first, second = sentence(explanation)
    body = [
        f'<h1><span class="badge {effect}">{SAID[effect][0]}</span> {_text(first)}</h1>',
        f'<p class="quiet">{_text(second)}</p>',
    ]
    if explanation.decision.errors:
        body.append("<h2>What went wrong</h2><ul>")
        for error in explanation.decision.errors:
            place = error.path or error.rule or "request"
            body.append(f"<li><code>{_text(place)}</code>: {_text(error.message)}</li>")
        body.append("</ul>")
    if explanation.counterfactual or explanation.unapprovable:
        body.append("<h2>What would change the answer</h2><ul>")
        for change in explanation.counterfactual:
            said = f'<span class="badge {change.decision}">{SAID[change.decision][0]}</span>'
            body.append(f"<li>if {_text(change.change)}: {said}</li>")
        body += [f"<li>{_text(no_approval(without))}</li>" for without in explanation.unapprovable]
        body.append("</ul>")
    if explanation.links:
        body.append('<h2>How it was decided</h2><ul class="tree">')
        body += [_link(link, at) for at, link in enumerate(explanation.links)]
        body.append("</ul>")
    if explanation.ignored_attributes:
        names = ", ".join(f"<code>{_text(name)}</code>" for name in explanation.ignored_attributes)
        body.append(
            f"<h2>Ignored: not declared by the program, or known otherwise from the entities</h2><p>{names}</p>"
        )
    body.append(f'<p class="place">policy {_text(explanation.decision.policy_digest)}</p>')
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(SAID[effect][0])}: {_text(explanation.action)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _text(words: str) -> str:
    """Escape words; what stands in backticks becomes code."""
    return _TICKS.sub(r"<code>\1</code>", escape(visible(words)))


def _link(link: LinkExplanation, at: int) -> str:
    lead = "acts for " if at else ""
    title = (
        f'{lead}<strong>{_text(link.subject)}</strong> <span class="badge {link.effect}">{SAID[link.effect][0]}</span>'
    )
    rules = "".join(_rule(considered, link) for considered in _ordered(link))
    more = "".join(f'<li class="quiet">{p.count} more: {_text(p.reason)}</li>' for p in link.pruned)
    return f"<li><details open><summary>{title}</summary><ul>{rules}{more}</ul></details></li>"


def _ordered(link: LinkExplanation) -> Iterable[Considered]:
    """Order rules by what they mean for the answer: those that decided, those that failed, those kept out."""
    rank = {"matched": 0, "error": 1, "failed": 2, "not_applicable": 3}
    return sorted(link.considered, key=lambda c: (c.rule.name not in link.rules, rank[c.outcome], c.rule.name))


def _rule(considered: Considered, link: LinkExplanation) -> str:
    rule = considered.rule
    decisive = rule.name in link.rules or (
        link.effect is Effect.DENY and not link.rules and rule.effect == "permit" and considered.outcome == "failed"
    )
    place = rule.decl.name.span
    quiet = ' class="quiet"' if considered.outcome == "not_applicable" else ""
    title = (
        f"<span{quiet}>{KINDS[rule.effect]} <strong>{_text(rule.name)}</strong>: "
        f"{_text(outcome_words(considered, short=True))}</span> "
        f'<span class="place">{_text(place.source.name)}:{place.first.line}</span>'
    )
    if not considered.clauses:
        clause = considered.clause
        shown = f'<ul><li><span class="clause"><code>{_clause(clause)}</code></span></li></ul>' if clause else ""
        return f"<li><details><summary>{title}</summary>{shown}</details></li>"
    described = f'<p class="quiet">{_text(rule.description)}</p>' if rule.description else ""
    clauses = "".join(_clause_item(c) for c in considered.clauses)
    state = " open" if decisive else ""
    return f"<li><details{state}><summary>{title}</summary>{described}<ul>{clauses}</ul></details></li>"


def _clause(clause: ClauseResult) -> str:
    return f"{clause.kind} {_text(clause.text)}"


def _clause_item(clause: ClauseResult) -> str:
    sign, style, words = _MARKS[clause.holds]
    values = ", ".join(f"{_text(name)} = {_text(value)}" for name, value in clause.values.items())
    below = f'<div class="values">{values}</div>' if values else ""
    return (
        f'<li><span class="{style}" title="{words}">{sign}</span> '
        f'<span class="clause"><code>{_clause(clause)}</code></span>{below}</li>'
    )
