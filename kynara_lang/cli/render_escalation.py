"""The control graph and the paths of escalation as text, DOT and Mermaid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.text import Text

from ..analysis.control import Edge
from ..analysis.escalation import Survey
from ..analysis.escalation_report import diagnostics, unsettled
from ..diagnostics.excerpt import visible
from ..diagnostics.render_text import render_full
from .output import counted


def graph_text(edges: Sequence[Edge]) -> Text:
    """Return who may do what about authority, one line an edge, those that a path takes marked with its code."""
    if not edges:
        return Text("Nothing on authority is permitted to anybody.")
    shown = Text("Who may change what about authority:\n")
    for subject, mine in groupby(edges, key=lambda edge: edge.subject):
        shown.append(f"\n  {visible(subject)}\n", "bold")
        for edge in mine:
            line = f"    {edge.action} on {edge.resource}: {edge.effect} → {edge.target}"
            shown.append(visible(f"{line}  (permitted by {', '.join(edge.permits)})"))
            if edge.codes:
                shown.append(f"  {', '.join(edge.codes)}", "bold red")
            shown.append("\n")
    shown.rstrip()
    return shown


def paths_text(survey: Survey, width: int) -> Text:
    """Return every path with its requests, and what could not be settled."""
    shown = Text()
    found = (*diagnostics(survey), *unsettled(survey))
    if found:
        shown.append("\n\n").append_text(render_full(found, width=width))
    return shown.append(f"\n\n{summary(survey)}")


def summary(survey: Survey) -> str:
    """Say in a sentence what is known."""
    if survey.proved:
        return "No subject can escalate: no permitted action changes anything that a rule reads."
    told = []
    if survey.found:
        told.append(f"{counted(len(survey.found), 'path')}, the shortest for each permit and code.")
    if survey.unknown:
        told.append(f"{counted(len(survey.unknown), 'question')} could not be settled.")
    nothing = "Nothing else leads further" if told else "Nobody gets further"
    told.append(f"{nothing} in up to {counted(survey.depth, 'step')}; longer paths were not looked for.")
    return " ".join(told)


def dot(edges: Iterable[Edge]) -> str:
    """Return the control graph for Graphviz."""
    lines = ["digraph control {", "  rankdir=LR;", "  node [shape=box];"]
    listed = list(edges)
    for target in sorted({e.target for e in listed if not e.principal}):
        lines.append(f"  {_quoted(target)} [shape=ellipse];")
    for edge in listed:
        style = ", color=red, fontcolor=red" if edge.codes else ""
        lines.append(f"  {_quoted(edge.subject)} -> {_quoted(edge.target)} [label={_quoted(_label(edge))}{style}];")
    return "\n".join([*lines, "}"])


def mermaid(edges: Iterable[Edge]) -> str:
    """Return the control graph for Mermaid."""
    listed = list(edges)
    names = sorted({name for e in listed for name in (e.subject, e.target)})
    numbers = {name: f"n{number}" for number, name in enumerate(names)}
    round_ones = {e.target for e in listed if not e.principal}
    lines = ["flowchart LR"]
    for name in names:
        text = name.replace('"', "#quot;")
        lines.append(f'  {numbers[name]}(["{text}"])' if name in round_ones else f'  {numbers[name]}["{text}"]')
    for edge in listed:
        label = _label(edge).replace('"', "#quot;")
        lines.append(f'  {numbers[edge.subject]} -->|"{label}"| {numbers[edge.target]}')
    marked = [str(number) for number, edge in enumerate(listed) if edge.codes]
    if marked:
        lines.append(f"  linkStyle {','.join(marked)} stroke:red,color:red")
    return "\n".join(lines)


def _label(edge: Edge) -> str:
    return edge.action + (f" ({', '.join(edge.codes)})" if edge.codes else "")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
