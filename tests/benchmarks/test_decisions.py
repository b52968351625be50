"""What the benchmark of decisions compares decides alike, and what does not is refused; nothing is timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from tests.benchmarks import cell, decisions
from tests.benchmarks.engines import ENGINES, KYNARA
from tests.benchmarks.engines.shape import Engine, Form, questions, within
from tests.benchmarks.timing import Timed
from tests.benchmarks.workloads import get

SMALL = ("gdrive-20", "github-20", "tinytodo-20", "abac", "agents", "roles-10", "roles-100")
SOME = 200
PAIRS = [(name, engine) for name in SMALL for engine, known in ENGINES.items() if name.partition("-")[0] in known.kinds]


@pytest.mark.parametrize("name", SMALL)
def test_programs_are_clean_and_their_answers_differ(name: str) -> None:
    workload = get(name)
    assert not check_sources([Source("measured.kyn", workload.text)]).diagnostics
    answers = {bool(workload.by_hand(request)) for request in workload.hand_requests}
    assert answers == {True, False}, "a workload whose answers are all alike measures nothing"
    assert (workload.graph is None) == bool(workload.rules), "other engines need either rules or a graph"


@pytest.mark.parametrize(("name", "engine"), PAIRS)
def test_engines_and_the_function_by_hand_decide_alike(
    name: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ENGINES[engine]
    if not known.installed:
        pytest.skip(f"{known.package} of the extra `bench` is not installed")
    monkeypatch.setenv("KYNARA_BENCHMARK_FOLDER", str(tmp_path))
    found = known.load()(get(name))
    found.write()
    found.load()
    forms = found.forms()
    assert next(iter(forms)) == "prepared"
    for form, (call, requests) in forms.items():
        assert len(requests) == len(found.workload.hand_requests)
        assert cell.compare(found, call, requests[:SOME], form) == SOME


def test_rules_that_are_alike_in_all_engines_are_those_of_the_program() -> None:
    for name in ("abac", "agents", "roles-100"):
        workload = get(name)
        rules = [line for line in workload.text.splitlines() if line.startswith(("permit ", "forbid "))]
        assert len(rules) == len(workload.rules)
        assert [line.split()[0] for line in rules] == [rule.effect for rule in workload.rules]


def test_a_request_asks_one_question_for_each_principal_of_its_chain() -> None:
    asked = questions(get("agents"))
    assert {len(chain) for chain in asked} == {2}
    assert [one.subject["type"] for one in asked[0]] == ["Agent", "User"]
    assert {len(chain) for chain in questions(get("abac"))} == {1}
    (one,) = questions(get("abac"))[0]
    assert isinstance(one.context["now"], int)


def test_addresses_for_engines_that_know_none() -> None:
    assert within("10.1.2.3", "10.0.0.0/8")
    assert not within("11.1.2.3", "10.0.0.0/8")


class Wrong(Engine):
    """An engine that allows everything."""

    def write(self) -> None:
        pass

    def load(self) -> None:
        pass

    def forms(self) -> dict[str, Form]:
        return {"prepared": (lambda request: True, self.workload.requests)}


class Unsure(Wrong):
    """An engine that answers nothing that could be right."""

    def allowed(self, answer: Any) -> bool | None:
        return None


@pytest.mark.parametrize("engine", [Wrong, Unsure])
def test_a_wrong_engine_is_refused_before_it_is_timed(engine: type[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> Any:
        pytest.fail("something was timed that is wrong")

    monkeypatch.setattr(cell, "alternate", never)
    with pytest.raises(cell.Disagreement, match=r"roles-10, prepared: by hand (True|False), but True for"):
        cell.measure(engine(get("roles-10")), 0.01)


def test_only_what_was_compared_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Right(Wrong):
        def forms(self) -> dict[str, Form]:
            return {"prepared": (self.workload.by_hand, self.workload.hand_requests)}

    timed: list[int] = []

    def alternate(call: Any, requests: Any, *given: Any) -> Any:
        timed.append(len(requests))
        return Timed(1.0, 1.0, 1.0, 1.0, 1.0)

    monkeypatch.setattr(cell, "alternate", alternate)
    monkeypatch.setattr(cell, "MOST_COMPARED", 7)
    found = cell.measure(Right(get("roles-10")), 0.01)
    assert timed == [7]
    assert found["forms"]["prepared"]["compared"] == 7


def run_cell(*lines: str) -> list[str]:
    """Return what runs a cell after some lines that change what it does."""
    program = [
        "import sys",
        f"sys.argv = ['cell', {KYNARA!r}, 'roles-10', '0.01']",
        "from tests.benchmarks import cell",
        *lines,
    ]
    return ["-c", "\n".join([*program, "sys.exit(cell.end())"])]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cell.compare = lambda engine, *_: (_ for _ in ()).throw(cell.Disagreement('no'))", "decides wrongly: no"),
        (
            "cell.LOADING = 1; cell.KYNARA = ''; import time; cell.ENGINES[sys.argv[1]].load().load = lambda _: time.sleep(9)",
            "not loaded in",
        ),
        ("cell.measure = lambda *_: int('x')", "failed: ValueError: invalid literal"),
        ("sys.exit(9)", "failed: it said nothing"),
    ],
)
def test_what_goes_wrong_in_a_cell_is_reported_and_not_dropped(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = decisions.processes.run
    monkeypatch.setattr(decisions.processes, "run", lambda given, **rest: run(run_cell(line), **rest))
    found = decisions.one("vakt", "roles-10", True, str(tmp_path))
    assert found["problem"].startswith(said), found
    assert bool(found.get("wrong")) == ("wrongly" in said)
    assert ("DECIDES WRONGLY" in capfd.readouterr().err) == ("wrongly" in said)
    assert decisions.table([found])[1] == ("vakt, prepared", found["problem"].partition(":")[0])
    assert decisions.problems([found]) == [f"vakt on roles-10: {found['problem']}"]


def test_a_cell_that_failed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def one(engine: str, workload: str, quick: bool, folder: str) -> dict[str, Any]:
        asked.append(engine)
        found = {"engine": engine, "workload": workload}
        return {**found, "problem": "failed: it is broken"} if engine == "casbin" else {**found, "forms": {}}

    monkeypatch.setattr(decisions, "one", one)
    monkeypatch.setattr(decisions, "present", lambda engines: [ENGINES[name] for name in engines])
    cells = decisions.measured(("roles-10",), False, (KYNARA, "casbin"))
    assert asked == [KYNARA, "casbin", KYNARA, KYNARA]
    assert [c["repeat"] for c in cells] == [0, 0, 1, 2]


def test_engines_meet_only_workloads_for_which_they_make_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        decisions, "one", lambda e, w, *_: asked.append((e, w)) or {"engine": e, "workload": w, "forms": {}}
    )
    monkeypatch.setattr(decisions, "present", lambda engines: [ENGINES[name] for name in engines])
    decisions.measured(("gdrive-5", "abac", "roles-10"), True)
    assert ("casbin", "abac") not in asked
    assert ("vakt", "gdrive-5") not in asked
    assert ("cedarpy", "gdrive-5") in asked
    assert ("casbin", "roles-10") in asked


def test_a_real_cell_has_everything_that_is_documented(tmp_path: Path) -> None:
    found = decisions.one(KYNARA, "roles-10", True, str(tmp_path))
    assert set(found) == {"engine", "workload", "load_seconds", "load_mb", "peak_mb", "forms"}
    assert list(found["forms"]) == ["prepared", "dict", "JSON text"]
    for form in found["forms"].values():
        assert set(form) == {"seconds", "by_hand", "ratio", "p50", "p99", "compared"}
        assert form["compared"] == 1000
        assert all(value > 0 for value in form.values())
    json.dumps(found)
