"""What decisions cost, as text, JSON and DOT: the requests that need the most tests, and the rules to blame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any

from attrs import evolve, frozen
from rich.cells import cell_len
from rich.text import Text

from ..checker.symbols import Program
from ..compiler import ir
from ..compiler.inspection import Inspected, Part, Place, Switched, Unskipped
from ..compiler.tree import FEW
from ..diagnostics.diagnostic import Label, Severity
from ..diagnostics.excerpt import visible, wrap
from ..diagnostics.render_json import range_dict
from ..diagnostics.render_text import NARROWEST, render_excerpt
from .output import counted, listed

_MOST_BUCKETS = 15
_MOST_RULES = 10
_MOST_NAMES = 3
_TABLE = 76  # columns that a table needs to read well; below that each kind of request has its own lines
_EFFECTS = {"forbid": "forbid", "permit": "permit", "require_approval": "require approval"}
_NOTHING_ASKED = "asks for nothing but an action and types"
_ASK_SOMETHING = "ask for a role, a group or a constant, where not every such request is meant"


@frozen
class Found:
    """Buckets that are alike in everything that is shown of them."""

    first: Inspected
    places: tuple[Place, ...]


@frozen
class Blame:
    """A rule that is looked at for every request of some places; `tests` is what the worst of them needs."""

    one: Unskipped
    places: tuple[Place, ...]
    tests: int


@frozen(slots=False, eq=False)
class Inspection:
    """The buckets of a program, those that need the most tests first."""

    program: Program
    buckets: tuple[Inspected, ...]

    @cached_property
    def found(self) -> list[Found]:
        """The buckets that have rules, alike ones together."""
        alike: dict[object, list[Inspected]] = {}
        for bucket in self.buckets:
            if bucket.rules:
                alike.setdefault(_likeness(bucket), []).append(bucket)
        found = [Found(group[0], tuple(bucket.place for bucket in group)) for group in alike.values()]
        return sorted(found, key=lambda one: (-one.first.tests, -len(one.first.rules), one.places))

    @cached_property
    def blamed(self) -> list[Blame]:
        """The rules that are looked at for every request of some bucket, those of the worst first."""
        groups: dict[object, tuple[Unskipped, list[Place], int]] = {}
        for found in self.found:
            for one in found.first.unskipped:
                key = (one.rule.name, one.why, one.could, one.tests, one.blamed)
                groups.setdefault(key, (one, [], found.first.tests))[1].extend(found.places)
        blamed = [Blame(one, tuple(places), tests) for one, places, tests in groups.values()]
        return sorted(blamed, key=lambda b: (-b.tests, -b.one.tests, _where(b.one)))

    def place(self, place: Place) -> tuple[str, str, str]:
        """Return the names of an action, a resource type and a subject type; of two alike, the whole names."""
        types = Counter(kind.name for kind in self.program.types.values())
        actions = Counter(action.name for action in self.program.actions.values())
        action = self.program.actions[place.action].name
        resource, subject = (self.program.types[key].name for key in (place.resource, place.subject))
        return (
            action if actions[action] == 1 else place.action,
            resource if types[resource] == 1 else place.resource,
            subject if types[subject] == 1 else place.subject,
        )

    def places(self, places: Sequence[Place]) -> str:
        """Name places in few words: `read, write on Doc by User`."""
        named = [self.place(place) for place in places]
        parts = [list(dict.fromkeys(names)) for names in zip(*named, strict=True)]
        if len(parts[0]) * len(parts[1]) * len(parts[2]) == len(set(named)):
            action, resource, subject = map(_short, parts)
            return visible(f"{action} on {resource} by {subject}")
        action, resource, subject = named[0]
        return visible(f"{action} on {resource} by {subject}, and {len(named) - 1:,} more")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        worst = self.found[0].first if self.found else None
        return {
            "version": 1,
            "tests": worst.tests if worst else 0,
            "buckets": [self._bucket(bucket) for bucket in self._sorted()],
            "unskipped": [self._blame(blame) for blame in self.blamed],
            "without_rules": sum(not bucket.rules for bucket in self.buckets),
        }

    def _sorted(self) -> list[Inspected]:
        return sorted((b for b in self.buckets if b.rules), key=lambda b: (-b.tests, -len(b.rules), b.place))

    def _bucket(self, bucket: Inspected) -> dict[str, Any]:
        return {
            **self._place(bucket.place),
            "rules": len(bucket.rules),
            "tests": bucket.tests,
            "tests_in_error": bucket.again,
            "depth": bucket.depth,
            "asks_who_acts": bucket.asks_who_acts,
            "parts": [_part(part) for part in bucket.parts],
        }

    def _place(self, place: Place) -> dict[str, str]:
        return dict(zip(("action", "resource", "subject"), self.place(place), strict=True))

    def _blame(self, blame: Blame) -> dict[str, Any]:
        one = blame.one
        span = one.rule.decl.name.span
        return {
            "rule": one.rule.name,
            "effect": one.rule.effect,
            "file": span.source.name,
            "range": range_dict(span),
            "tests": one.tests,
            "why": one.why,
            "could": list(one.could),
            "clauses": [
                {
                    "kind": blamed.kind,
                    "range": range_dict(blamed.span),
                    "obstacles": [{"code": o.code, "message": o.message, "help": o.help} for o in blamed.obstacles],
                }
                for blamed in one.blamed
            ],
            "buckets": [self._place(place) for place in blame.places],
        }


def _where(one: Unskipped) -> tuple[str, int]:
    span = one.rule.decl.name.span
    return span.source.name, span.start


def _part(part: Part) -> dict[str, Any]:
    return {
        "effect": part.effect,
        "rules": part.rules,
        "tests": part.tests,
        "switches": [_switch(switch) for switch in part.switches],
        "unskipped": [one.rule.name for one in part.unskipped],
    }


def _switch(switch: Switched) -> dict[str, Any]:
    return {
        "on": switch.on,
        "several": switch.several,
        "cases": switch.cases,
        "rules": switch.rules,
        "tests": switch.tests,
        "heaviest_case": switch.heaviest,
    }


def _likeness(bucket: Inspected) -> object:
    parts = tuple(
        (p.effect, p.switches, tuple((u.rule.name, u.why, u.blamed) for u in p.unskipped)) for p in bucket.parts
    )
    return bucket.tests, bucket.rules, bucket.again, bucket.asks_who_acts, parts


def _short(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return listed(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1:,} more"


# --- text


def renderables(shown: Inspection, width: int, *, everything: bool = False) -> Iterator[Text]:
    """Yield the parts of the text, laid out for a width in columns; `everything` leaves nothing out."""
    width = max(width, NARROWEST)
    yield from _lines(_summary(shown), width)
    if not shown.found:
        return
    listed_ones = shown.found if everything else shown.found[:_MOST_BUCKETS]
    yield Text("")
    yield from (_table if width >= _TABLE else _blocks)(shown, listed_ones, width)
    if len(listed_ones) < len(shown.found):
        rest = counted(len(shown.found) - len(listed_ones), "row")
        yield from _lines(f"… and {rest} that need at most as many tests (--all shows them)", width, "dim")
    yield Text("")
    for line in _legend(shown, listed_ones):
        yield from _lines(line, width, "dim")
    yield from _rules(shown, width, everything=everything)


def _lines(words: str, width: int, style: str = "") -> Iterator[Text]:
    yield from (Text(line, style) for line in wrap(visible(words), width))


def _summary(shown: Inspection) -> str:
    if not shown.found:
        return "No rule is about any of these requests: all of them are denied without a test."
    worst = shown.found[0]
    rules = {name for found in shown.found for name in found.first.rules}
    kinds = sum(len(found.places) for found in shown.found)
    needs = f"can need up to {counted(worst.first.tests, 'test')}" if worst.first.tests else "needs no test at all"
    said = (
        f"{counted(len(rules), 'rule')} for {counted(kinds, 'combination')} of action, resource type and subject type"
    )
    return f"{said}. The worst, {shown.places(worst.places)}, {needs}."


def _switches(bucket: Inspected) -> str:
    """Say what the rules of a bucket are told apart by, without saying anything twice."""
    said = dict.fromkeys(
        f"{switch.on} ({counted(switch.cases, 'case')}, heaviest {counted(switch.heaviest, 'test')})"
        for part in bucket.parts
        for switch in part.switches
    )
    if bucket.depth > 1:
        said[f"up to {bucket.depth} switches deep"] = None
    return visible("; ".join(said)) or "– (one by one)"


def _unskipped(bucket: Inspected) -> int:
    return sum(1 for _ in bucket.unskipped)


def _tests(bucket: Inspected) -> str:
    return f"{bucket.tests:,}{'*' if bucket.asks_who_acts else ''}"


def _table(shown: Inspection, found: Sequence[Found], width: int) -> Iterator[Text]:
    errors = any(one.first.again is not None for one in found)
    titles = ["tests", *(["in error"] if errors else []), "rules", "every time", "request", "told apart by"]
    rows = []
    for one in found:
        again = one.first.again
        numbers = [_tests(one.first), *([f"+{again:,}" if again is not None else ""] if errors else [])]
        numbers += [f"{len(one.first.rules):,}", f"{_unskipped(one.first):,}"]
        rows.append([*numbers, shown.places(one.places), _switches(one.first)])
    sizes = [max(cell_len(row[at]) for row in [titles, *rows]) for at in range(len(titles))]
    room = width - sum(sizes[:-2]) - 2 * (len(sizes) - 1)
    sizes[-2] = min(sizes[-2], max(room - sizes[-1], room // 2))
    sizes[-1] = room - sizes[-2]
    for row in (titles, *rows):
        *numbers, request, apart = row
        last = [wrap(request, sizes[-2], cell_len), wrap(apart, sizes[-1], cell_len)]
        for at, (left, right) in enumerate(zip_longest(*last, fillvalue="")):
            cells = [f"{number if at == 0 else '':>{size}}" for number, size in zip(numbers, sizes[:-2], strict=True)]
            line = "  ".join([*cells, left + " " * (sizes[-2] - cell_len(left)), right]).rstrip()
            yield Text(line, "bold" if row is titles else "")


def _blocks(shown: Inspection, found: Sequence[Found], width: int) -> Iterator[Text]:
    for one in found:
        bucket = one.first
        yield from _lines(shown.places(one.places), width, "bold")
        tests = f"{_tests(bucket)} {'test' if bucket.tests == 1 else 'tests'}"
        again = "" if bucket.again is None else f", in error +{bucket.again:,}"
        yield from _lines(f"    {tests}{again}", width)
        rules = counted(len(bucket.rules), "rule")
        yield from _lines(f"    {rules}, {_unskipped(bucket):,} looked at every time", width)
        yield from _lines(f"    told apart by {_switches(bucket)}", width)


def _legend(shown: Inspection, found: Sequence[Found]) -> Iterator[str]:
    yield "tests: the most that one link can need; a request on behalf of others needs those of all its links."
    if any(one.first.asks_who_acts for one in found):
        yield "*: a rule asks who acts, so the second link is decided twice, the third three times, and so on."
    if any(one.first.again is not None for one in found):
        yield "in error: what comes on top when a condition is an evaluation error; then every rule is looked at."
    yield "every time: rules that are looked at whatever the subject, the resource and the arguments are."


def _rules(shown: Inspection, width: int, *, everything: bool) -> Iterator[Text]:
    groups = _alike(shown.blamed, everything=everything)
    if groups:
        yield Text("")
        yield from _lines("Rules that are looked at for every request, and that no switch could skip", width, "bold")
    for first, *others in groups if everything else groups[:_MOST_RULES]:
        yield Text("")
        yield from _blame(shown, first, others, width)
    if len(groups) > _MOST_RULES and not everything:
        rest = counted(sum(map(len, groups[_MOST_RULES:])), "more rule")
        yield Text("")
        yield from _lines(f"… and {rest} (--all shows them)", width, "dim")
    for why, said in (
        ("alike", "Rules that are looked at for every request, because too few differ in what they ask for"),
        (
            "few",
            f"Rules that are looked at for every request, because up to {FEW} are tested as fast as a switch finds one",
        ),
    ):
        alike = [blame for blame in shown.blamed if blame.one.why == why]
        if alike:
            yield Text("")
            yield from _lines(said, width, "bold")
            yield from _could(alike, width, everything=everything)


def _alike(blamed: Sequence[Blame], *, everything: bool) -> list[list[Blame]]:
    """Return each rule that no switch could skip, with those of the same requests and obstacles unless all are shown.

    A rule of several requests is as it is where it needs the most tests.
    """
    by_rule: dict[str, list[Blame]] = {}
    for blame in blamed:
        if blame.one.why == "no-index":
            by_rule.setdefault(blame.one.rule.name, []).append(blame)
    groups: dict[object, list[Blame]] = {}
    for name, found in by_rule.items():
        worst = max(found, key=lambda blame: blame.one.tests)
        whole = evolve(worst, places=tuple(place for blame in found for place in blame.places))
        obstacles = tuple((b.kind, tuple(o.code for o in b.obstacles)) for b in worst.one.blamed)
        key = name if everything else (worst.one.rule.effect, whole.places, obstacles)
        groups.setdefault(key, []).append(whole)
    return list(groups.values())


def _blame(shown: Inspection, blame: Blame, others: Sequence[Blame], width: int) -> Iterator[Text]:
    one = blame.one
    said = f"{_EFFECTS[one.rule.effect]} {one.rule.name}"
    tests = f"{counted(one.tests, 'test')} for {shown.places(blame.places)}"
    yield from _lines(f"{said}: {tests}", width, "bold")
    labels = [Label(b.span, "; ".join(o.message for o in b.obstacles)) for b in one.blamed]
    labels = labels or [Label(one.rule.decl.name.span, _NOTHING_ASKED)]
    yield render_excerpt(labels, width=width, severity=Severity.NOTE)
    helps = [o.help for b in one.blamed for o in b.obstacles if o.help] if one.blamed else [_ASK_SOMETHING]
    if one.rule.library:
        helps = ["import its other rules only, and write what you need of this one in your own policy"]
    for help in dict.fromkeys(helps):
        yield from _remark("help", help, width)
    if others:
        yield from _remark("likewise", _short([other.one.rule.name for other in others]), width)


def _remark(kind: str, words: str, width: int) -> Iterator[Text]:
    first, *rest = wrap(visible(words), width - len(kind) - 6)
    yield Text.assemble("  = ", (kind, "bold"), f": {first}")
    yield from (Text(" " * (len(kind) + 6) + line) for line in rest)


def _could(alike: Sequence[Blame], width: int, *, everything: bool) -> Iterator[Text]:
    """List rules by what could tell them apart, one line for each."""
    groups: dict[str, dict[str, None]] = {}
    for blame in alike:
        groups.setdefault(" or ".join(blame.one.could), {})[blame.one.rule.name] = None
    for could, names in sorted(groups.items()):
        told = listed(names) if everything else _short(list(names))
        for number, line in enumerate(wrap(visible(f"could be told apart by {could}: {told}"), width - 4)):
            yield Text(f"  {'' if number == 0 else '  '}{line}")


# --- DOT


def dot(shown: Inspection) -> str:
    """Return the trees for Graphviz; cases of one shape are drawn once."""
    lines = ["digraph trees {", "  rankdir=LR;", "  node [shape=box];"]
    for found in shown.found:
        root = _node(lines, f"{shown.places(found.places)}\nup to {counted(found.first.tests, 'test')}", "shape=oval")
        for part in found.first.parts:
            _draw(lines, root, part.tree, _EFFECTS[part.effect])
    return "\n".join([*lines, "}"])


def _draw(lines: list[str], above: str, made: ir.Tree, said: str) -> None:
    """Draw what a tree consists of below a node: a node for each switch, one for all rules beside them."""
    rules = [node.rule.name for node in made if isinstance(node, ir.Test)]
    for node in made:
        if isinstance(node, ir.Switch):
            own = _node(lines, f"{node.label}\n{counted(len(node.cases), 'case')}", "shape=diamond")
            _edge(lines, above, own, said)
            shapes: dict[object, list[ir.Tree]] = {}
            for case in node.cases.values():
                shapes.setdefault(_shape(case), []).append(case)
            for cases in shapes.values():
                _draw(lines, own, cases[0], counted(len(cases), "case"))
    if rules:
        _edge(lines, above, _node(lines, "\n".join(rules[:_MOST_NAMES]) + _more(rules)), said)


def _more(rules: Sequence[str]) -> str:
    return f"\nand {len(rules) - _MOST_NAMES:,} more" if len(rules) > _MOST_NAMES else ""


def _shape(made: ir.Tree) -> object:
    """Return what cases have in common that are drawn as one."""
    return tuple(
        "rule"
        if isinstance(node, ir.Test)
        else (node.label, frozenset(Counter(map(_shape, node.cases.values())).items()))
        for node in made
    )


def _node(lines: list[str], text: str, style: str = "") -> str:
    name = f"n{len(lines)}"
    lines.append(f"  {name} [label={_quoted(text)}{', ' + style if style else ''}];")
    return name


def _edge(lines: list[str], above: str, below: str, said: str) -> None:
    lines.append(f"  {above} -> {below} [label={_quoted(said)}];")


def _quoted(text: str) -> str:
    shown = "\\n".join(visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return f'"{shown}"'
