"""What tests cover, for people: as a table of files, and as the source with a mark before each line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..diagnostics.excerpt import TAB, visible
from ..testing.coverage import Count, Coverage, FileCoverage, State

MARKS: dict[State, tuple[str, str]] = {"covered": ("+", "green"), "partial": ("~", "yellow"), "missed": ("-", "red")}
_HEADINGS = ("file", "rules", "clauses", "covered")


def table(coverage: Coverage) -> Iterator[Text]:
    """Yield the lines of the table: a file on each, and below it what is missing."""
    rows = [_row(file.name, file.rule_count, file.clause_count) for file in coverage.files]
    total = _row("total", coverage.rule_count, coverage.clause_count)
    sizes = [max(map(len, column)) for column in zip(_HEADINGS, *rows, total, strict=True)]
    yield Text(_columns(_HEADINGS, sizes), "bold")
    for file, row in zip(coverage.files, rows, strict=True):
        yield Text(_columns(row, sizes), _style(file.count))
        for line, state, what in missing(file):
            yield Text(f"    {line}: {what}", MARKS[state][1])
    yield Text(_columns(total, sizes), f"bold {_style(coverage.count)}")


def _row(name: str, rules: Count, clauses: Count) -> tuple[str, ...]:
    percent = f"{(rules + clauses).percent:.1f}%"
    return visible(name), f"{rules.covered}/{rules.total}", f"{clauses.covered}/{clauses.total}", percent


def _columns(cells: tuple[str, ...], sizes: list[int]) -> str:
    first, *rest = cells
    return "  ".join([first.ljust(sizes[0]), *(cell.rjust(size) for cell, size in zip(rest, sizes[1:], strict=True))])


def _style(count: Count) -> str:
    return "green" if count.covered == count.total else "red" if not count.covered else "yellow"


def missing(file: FileCoverage) -> Iterator[tuple[int, State, str]]:
    """Yield what is not covered in a file: line, state, and words for it."""
    for rule in file.rules:
        if rule.lacks is not None:
            decl = rule.rule.decl
            kind = decl.effect.replace("_", " ")
            yield decl.name.span.first.line, rule.state, f"{kind} {decl.name.text} {rule.lacks}"
        for clause in rule.clauses if rule.reached else ():
            if clause.lacks is not None:
                yield clause.span.first.line, clause.state, f"{clause.kind} {clause.lacks}"


def states(file: FileCoverage) -> dict[int, tuple[State, str]]:
    """Return how much is covered on each line of a file that says something to cover, and what is missing there.

    Where two things stand on one line, what is covered less counts.
    """
    found: dict[int, tuple[State, str]] = {}
    order: list[State] = ["covered", "partial", "missed"]
    for rule in file.rules:
        named = rule.rule.decl.name.span
        parts = [(named.first.line, named.first.line, rule.state, rule.lacks)]
        parts += [(c.span.first.line, c.span.last.line, c.state, c.lacks) for c in rule.clauses]
        for first, last, state, lacks in parts:
            for line in range(first, last + 1):
                before, words = found.get(line, ("covered", ""))
                worse = max(before, state, key=order.index)
                told = "; ".join(filter(None, (words, lacks if line == first else None)))
                found[line] = (worse, told)
    return found


def annotated(coverage: Coverage) -> Iterator[Text]:
    """Yield the lines of all files that have rules, each with a mark that says whether it is covered."""
    for number, file in enumerate(coverage.files):
        if number:
            yield Text()
        yield Text(f"{visible(file.name)}  {file.count.percent:.1f}%", "bold")
        known = states(file)
        lines = file.text.splitlines()
        gutter = len(str(len(lines)))
        for at, line in enumerate(lines, 1):
            state, lacks = known.get(at, (None, ""))
            mark, style = MARKS[state] if state is not None else (" ", "")
            shown = Text(f"{at:>{gutter}} ", "dim")
            shown.append(f"{mark} {TAB.join(visible(part) for part in line.split(chr(9)))}", style)
            if lacks:
                shown.append(f"  <- {lacks}", f"italic {style}")
            shown.rstrip()
            yield shown
