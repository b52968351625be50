"""Changes that no test notices, for people and for programs: where, what, and a test that would notice."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from ..checker.symbols import Program
from ..diagnostics.excerpt import TAB, visible
from ..testing.mutants import Mutant
from ..testing.mutating import Mutation, Tried
from ..testing.writing import TestWriter
from .output import counted, listed

MOST_LINES = 8
"""How many lines of a change are shown."""


def survivors(mutation: Mutation, program: Program) -> Iterator[Text]:
    """Yield a part for each change that no test notices."""
    writer = TestWriter(program)
    for tried in mutation.survivors:
        mutant = tried.mutant
        text = Text()
        text.append("SURVIVED ", "bold red")
        text.append(f"{visible(mutant.span.source.name)}:{mutant.span.first.line}", "bold")
        text.append(f"  {mutant.decl.name.text}: {visible(mutant.what)}\n")
        for line in changed_lines(mutant):
            text.append(
                f"  {TAB.join(visible(part) for part in line.split(chr(9)))}\n", "red" if line[0] == "-" else "green"
            )
        written = test_for(tried, writer)
        if written is None:
            text.append("  no request was found that shows it; perhaps it changes nothing\n", "dim")
        else:
            text.append("  no test notices; this one would:\n\n")
            for line in written.splitlines():
                text.append(f"    {visible(line)}\n", "cyan")
        yield text


def test_for(tried: Tried, writer: TestWriter) -> str | None:
    """Return a test that would notice a change, None where no request is known that shows it."""
    if tried.difference is None:
        return None
    request, decided, _ = tried.difference
    return writer.test(f"{tried.mutant.decl.name.text}: {tried.mutant.what}", request, decided)


def changed_lines(mutant: Mutant) -> list[str]:
    """Return the lines that a change takes away and those that it puts in their place, marked `-` and `+`."""
    before = mutant.decl.span.text.splitlines()
    after = mutant.declaration().splitlines()
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "-+" and line[1:].strip()]
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"{lines[-1][0]} … {counted(more, 'more line')}"]


def score_line(mutation: Mutation) -> Text:
    """Return the line that sums it up."""
    noticed, survived = mutation.count("noticed"), mutation.count("survived")
    style = "bold green" if not survived else "bold red"
    text = Text(f"{noticed} of {counted(noticed + survived, 'change')} noticed: {mutation.score:.1f}%", style)
    aside = []
    if same := mutation.count("equivalent"):
        aside.append(f"{same} that change nothing")
    if refused := mutation.count("refused"):
        aside.append(f"{refused} that the checker refuses")
    if aside:
        text.append(f"; left out: {listed(aside)}", "")
    return text


def not_tried(mutation: Mutation) -> Iterator[str]:
    """Yield what was not tried, and why."""
    if mutation.left:
        yield f"{counted(mutation.left, 'change')} not tried: the time was over; --mutate-timeout gives more"
    if mutation.beyond:
        clauses = counted(mutation.beyond, "clause")
        yield f"{clauses} of approvals not changed (from, quorum, expires)"


def mutation_dict(mutation: Mutation, program: Program) -> dict[str, Any]:
    """Return everything as JSON values."""
    writer = TestWriter(program)
    return {
        "score": round(mutation.score, 2),
        "noticed": mutation.count("noticed"),
        "survived": mutation.count("survived"),
        "equivalent": mutation.count("equivalent"),
        "refused": mutation.count("refused"),
        "not_tried": mutation.left,
        "beyond_tests": mutation.beyond,
        "survivors": [_survivor(tried, writer) for tried in mutation.survivors],
    }


def _survivor(tried: Tried, writer: TestWriter) -> dict[str, Any]:
    mutant = tried.mutant
    found = {
        "file": mutant.span.source.name,
        "line": mutant.span.first.line,
        "declaration": mutant.decl.name.text,
        "change": mutant.what,
        "diff": changed_lines(mutant),
    }
    if tried.difference is not None:
        request, decided, otherwise = tried.difference
        found |= {
            "request": request,
            "decision": decided,
            "changed_decision": otherwise,
            "test": test_for(tried, writer),
        }
    return found
