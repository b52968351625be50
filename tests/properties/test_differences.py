"""Differences of random programs: what is shown is so, what is called equal never differs, and narrowing gives nobody more."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from kynara_lang.analysis.differences import Comparing, Differences
from kynara_lang.analysis.solver import Limits, available
from kynara_lang.analysis.versions import Version
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

from .generate import Made, program
from .requests import Caller
from .vocabulary import Draw, readable

pytestmark = pytest.mark.skipif(not available(), reason="the extra `prove` is not installed")

LIMITS = Limits(200, 30_000)
MOST_SLICES = 6
"""Programs that grant more are left to other tests: each slice takes a second or so, and they are all alike."""
RANKS = {"invalid": 0, "deny": 0, "require_approval": 1, "allow": 2}


class Case:
    """Two versions of a program, and requests."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.made: Made = program(draw)
        self.caller = Caller(draw, self.made.schema)
        self.requests = [self.caller.request(bent=0) for _ in range(10)]

    def edited(self) -> dict[str, str]:
        """Return files in which rules were exchanged, added and dropped, and perhaps what roles and types extend."""
        draw, made = self.draw, copy.copy(self.made)
        made.rules = {name: list(rules) for name, rules in made.rules.items()}
        for rules in made.rules.values():
            for i, rule in reversed(list(enumerate(rules))):
                effect, name = re.match(r"(permit|forbid|require approval) (\w+)", rule).groups()
                if draw.chance(25):
                    rules[i] = made.author.rule(name, effect)
                elif draw.chance(10):
                    del rules[i]
        if draw.chance(30):
            made.rules["main.kyn"].append(
                made.author.rule("extra", draw.pick(("permit", "forbid", "require approval")))
            )
        if draw.chance(30):
            made.declarations = [re.sub(r"^(role .*?) extends .*", r"\1", d) for d in made.declarations]
        if draw.chance(15):
            made.declarations = [
                re.sub(r"^(subject \w+( as \"\w+\")?) in [\w, ]+?(?= is| \{|$)", r"\1", d) for d in made.declarations
            ]
        return made.files()


@st.composite
def pairs(draw: Any) -> tuple[Case, dict[str, str]]:
    case = Case(Draw(draw))
    return case, case.edited()


@st.composite
def cases(draw: Any) -> Case:
    return Case(Draw(draw))


def program_of(files: dict[str, str]) -> Program:
    """Check files; what the checker refuses is no example."""
    result = check_sources([Source(name, text) for name, text in files.items()])
    assume(not result.has_errors)
    return result.program


def compared(old: Program, new: Program, **how: Any) -> Differences:
    versions = [Version(program, Replay(program)) for program in (old, new)]
    assume(all(len(version.granted()) <= MOST_SLICES for version in versions))
    return Comparing(*versions, LIMITS, **how).run()


@settings(max_examples=12)
@given(cases())
def test_a_program_does_not_differ_from_itself(case: Case) -> None:
    files = case.made.files()
    note("\n".join(files.values()))
    found = compared(program_of(files), program_of(files), structural=False)
    assert not found.slices
    assert not found.declared


@settings(max_examples=12)
@given(cases())
def test_order_makes_no_difference(case: Case) -> None:
    made = copy.copy(case.made)
    made.rules = {name: case.made.rules[name][::-1] for name in case.made.rules}
    made.declarations = case.made.declarations[::-1]
    found = compared(program_of(case.made.files()), program_of(made.files()))
    assert not found.slices
    assert not found.declared
    assert found.by_proof == 0  # the structure alone shows it


@st.composite
def narrowed(draw: Any) -> tuple[Case, dict[str, str]]:
    case = Case(Draw(draw))
    files = case.made.files()
    files["main.kyn"] += case.made.author.rule("extra", case.draw.pick(("forbid", "require approval")))
    return case, files


@settings(max_examples=12)
@given(narrowed())
def test_a_forbid_or_an_approval_gives_nobody_more(drawn: tuple[Case, dict[str, str]]) -> None:
    case, files = drawn
    note(files["main.kyn"])
    old, new = program_of(case.made.files()), program_of(files)
    for structural in (True, False):
        found = compared(old, new, structural=structural)
        assert not found.gains
        assert not found.unknown_gains or not structural


@settings(max_examples=25)
@given(pairs())
def test_what_is_shown_is_so_and_what_is_called_equal_never_differs(drawn: tuple[Case, dict[str, str]]) -> None:
    case, files = drawn
    note("\n".join(["--- old", *case.made.files().values(), "--- new", *files.values()]))
    old, new = program_of(case.made.files()), program_of(files)  # an edit may leave a group without members
    before, after = Replay(old), Replay(new)
    found = compared(old, new)
    for one in found.slices:
        for side, sign in ((one.gains, 1), (one.losses, -1)):
            note(f"{one.action} {one.subject} {one.resource}: {side}")
            assert side.regions or side.verdict != "found"
            for region in side.regions:
                assert (before.decision(region.request), after.decision(region.request)) == (
                    region.before,
                    region.after,
                )
                rise = RANKS[region.after] - RANKS[region.before]
                assert rise * sign > 0 or (region.kind == "eased" and rise == 0)
            assert "mistake in Kynara" not in side.reason
    verdicts = {(s.action, s.subject, s.resource): (s.gains.verdict, s.losses.verdict) for s in found.slices}
    for request in case.requests:
        decided = RANKS[before.decision(request)], RANKS[after.decision(request)]
        if "invalid" in (before.decision(request), after.decision(request)) or decided[0] == decided[1]:
            continue
        note(f"{decided}: {readable(request)}")
        side = 0 if decided[1] > decided[0] else 1
        chain, subject = set(), request["subject"]
        while subject is not None:
            chain.add(subject["type"])
            subject = subject.get("on_behalf_of")
        places = [(request["action"]["name"], kind, request["resource"]["type"]) for kind in chain]
        assert any(verdicts.get(place, ("none", "none"))[side] != "none" for place in places)
