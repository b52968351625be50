"""Rows, tables, JSON and the picture say what was measured; nothing is timed."""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from attrs import evolve

from kynara_lang.cli.main import COMMANDS
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import commands, decisions, headline, loading, processes, stream
from tests.benchmarks.engines import ENGINES, KYNARA
from tests.benchmarks.measure import HEADINGS, Found, Row, lines_of, shown
from tests.benchmarks.picture import COLOURS, LABEL, apart, draw
from tests.benchmarks.picture import lines_of as lines_in
from tests.benchmarks.timing import alternate
from tests.benchmarks.workloads import get

SVG = "{http://www.w3.org/2000/svg}"


def made(engine: str, workload: str, ratio: float, *, slow: float = 2.0, repeat: int = 0) -> dict[str, Any]:
    """Return a cell as measuring makes it."""
    form = {
        "seconds": ratio * 3e-7, "by_hand": 3e-7, "ratio": ratio, "p50": 1e-6, "p99": slow * 1e-6, "compared": 1000,
    }  # fmt: skip
    forms = ("prepared", "dict", "JSON text") if engine == KYNARA else ("prepared", "dict")
    return {
        "engine": engine,
        "workload": workload,
        "load_seconds": 0.1,
        "load_mb": 1.0,
        "peak_mb": 40.0,
        "forms": dict.fromkeys(forms, form),
        "repeat": repeat,
    }


def a_run() -> list[dict[str, Any]]:
    """Return cells of two applications and of growth, with an engine that is too slow for the last."""
    cells = [made(KYNARA, "gdrive-5", 1.5), made(KYNARA, "github-5", 2.5), made("cedarpy", "gdrive-5", 150.0)]
    for n, workload in enumerate(decisions.GROWTH):
        cells.append(made(KYNARA, workload, 1.0 + n / 4, slow=2.0 + n))
        cells.append(made("regorus RVM", workload, 20.0))
    cells[-1] = {"engine": "regorus RVM", "workload": "roles-100000", "problem": "not loaded in 60 s", "repeat": 0}
    return cells


def test_a_goal_is_reached_or_missed_by_the_ratio_or_else_by_the_median() -> None:
    row = Row("a", (2.0, 4.0, 3.0))
    assert row.at_most(3.0).reached
    assert not row.at_most(2.9).reached
    assert not row.at_least(3.1).reached
    assert row.reached is None
    beside = row.beside(Row("b", (1.0, 1.0, 3.0)), "b")
    assert beside.ratio == 2.0
    assert beside.at_most(2.0).reached
    assert beside.at_most(2.0).goal == "≤ 2 times"
    assert not beside.at_least(2.1).reached
    assert row.at_most(1.5).room == 0.5
    assert beside.at_least(4.0).room == 0.5


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s", "1.5 s"),
        (0.0123, "s", "12.3 ms"),
        (4.56e-6, "s", "4.56 µs"),
        (3.2e-7, "s", "320 ns"),
        (123456.0, "decisions/s", "123,456 decisions/s"),
        (400.0, "MB", "400 MB"),
    ],
)
def test_values_are_shown_with_their_units(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_columns_of_a_table_stand_under_each_other_and_empty_ones_are_left_out() -> None:
    lines = lines_of([HEADINGS, Row("a", (1.0, 2.0)).cells(), Row("longer", (1.0,), 3.0, "a").at_most(2.0).cells()])
    assert lines == [
        "what    median  runs        ratio  to  goal",
        "a       1.5 s   1 s to 2 s",
        "longer  1 s                 3.00   a   ≤ 2 times  missed",
    ]


def test_the_headline_names_the_worst_workload_of_each_promise() -> None:
    rows = {row.what: row for row in headline.of_decisions(a_run())}
    assert not rows["applications: a prepared decision (github-5)"].reached
    assert rows["applications: cedarpy is slower"].ratio == 100.0
    assert rows["up to 1 000 rules: a prepared decision (roles-1000)"].reached
    assert rows["10 000 and 100 000 rules: a prepared decision (roles-100000)"].ratio == 2.0
    assert rows["growth from 100 to 100 000 rules, prepared"].ratio == pytest.approx(2.0 / 1.25)
    slowest = rows["99 of 100 single decisions take at most (roles-100000)"]
    assert (slowest.ratio, slowest.reached) == (6.0, False)
    assert rows["from JSON text to a decision (github-5)"].reached
    assert rows["regorus RVM, from a dict, is slower (roles-10000)"].ratio == pytest.approx(20 / 1.75)


def test_the_table_of_engines_has_a_line_for_each_form_and_says_what_could_not_be_measured() -> None:
    lines = {line[0]: line[1:] for line in decisions.table(a_run())}
    assert lines["times by hand"] == ("gdrive-5", "github-5", *decisions.GROWTH)
    assert lines["Kynara, prepared"] == ("1.50", "2.50", "1.00", "1.25", "1.50", "1.75", "2.00")
    assert lines["regorus RVM, prepared"] == ("", "", "20", "20", "20", "20", "not loaded in 60 s")
    assert lines["cedarpy, prepared"][:2] == ("150", "")
    assert lines["by hand"] == ("300 ns",) * 7


def test_loading_is_told_of_the_first_time_with_the_memory_of_the_process() -> None:
    cells = [*a_run(), {**made(KYNARA, "roles-10", 1.0, repeat=1), "load_seconds": 9.0}]
    lines = {line[0]: line[1:] for line in decisions.loads(cells)}
    assert lines[KYNARA] == ("100 ms, 40 MB",) * 5
    assert lines["regorus RVM"] == (*("100 ms, 40 MB",) * 4, "")


def test_medians_are_taken_over_the_repeats() -> None:
    cells = [made(KYNARA, "abac", ratio, repeat=n) for n, ratio in enumerate((0.5, 3.0, 0.75))]
    found = decisions.figures(cells, KYNARA, "abac")
    assert found is not None
    assert found.ratio == 0.75
    assert len(found.seconds) == 3
    assert decisions.figures(cells, "vakt", "abac") is None


# --- JSON and the command


def test_json_has_the_documented_shape(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cells = a_run()
    monkeypatch.setattr(decisions, "run", lambda quick: Found(decisions.rows(cells), cells, [decisions.table(cells)]))
    assert benchmarks.main(["decisions", "--json", "--quick"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"benchmark", "quick", "machine", "engines", "rows", "cells"}
    assert (said["benchmark"], said["quick"]) == ("decisions", True)
    assert set(said["engines"]) == set(ENGINES)
    assert all((said["engines"][name] is not None) == known.installed for name, known in ENGINES.items())
    documented = benchmarks.__doc__ or ""
    for row in said["rows"]:
        assert set(row) == {"what", "median", "values", "unit", "ratio", "to", "goal", "reached", "peak_mb"}
        assert all(f"`{key}`" in documented for key in row)
    for cell in said["cells"]:
        assert all(f"`{key}`" in documented for key in cell if key not in ("engine", "workload", "repeat"))
        for form in cell.get("forms", {}).values():
            assert all(f"`{key}`" in documented for key in form)


def test_without_a_name_the_headline_runs_and_a_wrong_engine_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [{**made("vakt", "abac", 1.0), "wrong": True, "problem": "decides wrongly: it does"}]
    monkeypatch.setattr(headline, "run", lambda quick: Found([Row("it", (1.0,)).at_most(2.0)], cells))
    assert benchmarks.main([]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("headline, ")
    assert "vakt on abac: decides wrongly: it does" in shown
    assert "reached" in shown


def test_engines_that_are_not_installed_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without = evolve(ENGINES["vakt"], module="a_module_that_is_nowhere")
    monkeypatch.setitem(ENGINES, "vakt", without)
    assert without in decisions.missing()
    assert without not in decisions.present()
    monkeypatch.setattr(headline, "run", lambda quick: Found([Row("it", (1.0,))]))
    benchmarks.main([])
    assert "vakt is not measured: vakt is not installed (extra `bench`)" in capsys.readouterr().err


def test_benchmarks_all_exist_and_only_those_of_decisions_draw(capsys: pytest.CaptureFixture[str]) -> None:
    for name in benchmarks.BENCHMARKS:
        assert (Path(benchmarks.__file__).parent / f"{name}.py").is_file()
    with pytest.raises(SystemExit):
        benchmarks.main(["check", "--picture", "x.svg"])
    assert "a picture is drawn of decisions" in capsys.readouterr().err


# --- the picture


def test_the_picture_is_well_formed_with_a_line_and_a_label_for_each_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = a_run()
    monkeypatch.setattr(decisions, "run", lambda quick: Found([Row("it", (1.0,))], cells))
    file = tmp_path / "growth.svg"
    benchmarks.main(["decisions", "--picture", str(file)])
    picture = ElementTree.fromstring(file.read_text(encoding="utf-8"))
    groups = [group for group in picture.iter(f"{SVG}g") if group.get("class", "").startswith("line")]
    assert list(lines_in(cells)) == [KYNARA, "by hand", "regorus RVM"]
    labels = [text.text or "" for group in groups for text in group.iter(f"{SVG}text")]
    assert [label.rpartition(":")[0] for label in labels] == [KYNARA, "by hand", "regorus RVM"]
    dots = [len(list(group.iter(f"{SVG}circle"))) for group in groups]
    assert dots == [5, 5, 4], "an engine that could not load the last program ends before it"
    for group, count in zip(groups, dots, strict=True):
        (line,) = group.iter(f"{SVG}polyline")
        points = [tuple(map(float, pair.split(","))) for pair in (line.get("points") or "").split()]
        assert len(points) == count
        assert points == sorted(points), "more rules stand further right"
    assert "prefers-color-scheme: dark" in (picture.findtext(f"{SVG}style") or "")


def test_both_axes_are_logarithmic() -> None:
    drawn = draw({KYNARA: [(10, 1e-7), (100, 1e-6), (1000, 1e-5)]}, "here")
    points = re.search(r'points="([^"]*)"', drawn)
    assert points is not None
    (x1, y1), (x2, y2), (x3, y3) = [tuple(map(float, pair.split(","))) for pair in points[1].split()]
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.2)
    assert y1 > y2


def test_labels_do_not_cover_each_other() -> None:
    found = apart({"a": 400.0, "b": 401.0, "c": 455.0, "d": 458.0, "e": 458.0})
    heights = sorted(found.values())
    assert all(below - above >= LABEL for above, below in pairwise(heights))
    assert heights[-1] <= 458
    assert found["a"] < found["b"]


def test_every_engine_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == {*ENGINES, "by hand"}
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_the_picture_of_the_readme_shows_every_engine() -> None:
    picture = ElementTree.parse(processes.ROOT / "grammar" / "growth.svg")
    labels = {(text.text or "").rpartition(":")[0] for text in picture.iter(f"{SVG}text")}
    assert {*ENGINES, "by hand"} <= labels
    assert "(grammar/growth.svg)" in (processes.ROOT / "README.md").read_text(encoding="utf-8")


# --- what else is measured


def test_every_command_has_work_to_do(tmp_path: Path) -> None:
    assert set(commands.WORK) == set(COMMANDS)
    assert set(COMMANDS) - set(commands.able()) <= {"import"}
    small = commands.Small(tmp_path)
    small.write()
    assert small.work("approvals").output.count("pending") == 1
    assert small.work("explain").output.startswith("needs approval")
    small.work("init")
    small.work("init")


def test_rules_in_many_files_are_those_in_one(tmp_path: Path) -> None:
    text = get("roles-100").text
    files = loading.in_files(text, 20)
    assert len(files) == 20
    assert sorted("".join(files.values()).splitlines()) == sorted(text.splitlines())
    program = loading.Program(tmp_path, 100, 4)
    assert len(list(program.policies.iterdir())) == 4
    found = program.load()
    assert {"load", "first decision", "first explanation", "explanation", "peak_mb"} <= set(found)
    assert program.command("check", "--no-prove", "policies").code == 0
    assert json.loads(program.command("decide", "policies", "--requests", program.one.name).output)["errors"] == []


def test_goals_of_loading_are_for_the_largest_program_only() -> None:
    runs = {
        what: [{"seconds": 1.0, "peak": 100.0 if "explanation" not in what else None}]
        for what in (loading.LARK, "loaded cold", "loaded from the cache", "explanation")
    }

    class Large:
        name = "many rules"

    judged = loading._rows(Large(), runs, judged=True)  # type: ignore[arg-type]
    goals = {row.what.partition(": ")[2]: (row.goal, row.reached) for row in judged if row.goal}
    assert goals == {
        "loaded cold": ("≤ 20 times", True),
        "memory, loaded cold": ("≤ 400 MB", True),
        "loaded from the cache": ("≤ 2 s", True),
        "memory, loaded from the cache": ("≤ 150 MB", True),
        "explanation": ("≤ 50 ms", False),
    }
    assert not any(row.goal for row in loading._rows(Large(), runs, judged=False))  # type: ignore[arg-type]


def test_answers_of_a_stream_are_compared_line_by_line(tmp_path: Path) -> None:
    given = stream.Stream(get("gdrive-5"), tmp_path, 10, 700)
    given.write()
    assert given.decide(700).code == 0
    given.agree(700)
    answers = tmp_path / "answers.jsonl"
    lines = answers.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 700
    first = json.loads(lines[0])
    lines[0] = json.dumps({**first, "decision": "deny" if first["decision"] == "allow" else "allow"})
    answers.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SystemExit, match="gdrive-5, line 1 of a stream is decided wrongly"):
        given.agree(700)
    answers.write_text("", encoding="utf-8")
    with pytest.raises(SystemExit, match="0 answers to 700 lines"):
        given.agree(700)


def test_a_process_is_measured_without_the_memory_of_what_started_it() -> None:
    ballast = bytearray(300_000_000)
    small = processes.must(["-c", "pass"])
    assert len(ballast) > 0
    assert small.peak_mb < 100
    large = processes.must(["-c", "print(len(bytearray(200_000_000)))"])
    assert (large.peak_mb > 200, large.output, large.code) == (True, "200000000\n", 0)


def test_what_a_process_says_and_how_it_ends_is_kept() -> None:
    ran = processes.run(["-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])
    assert (ran.output, ran.errors, ran.code) == ("out\n", "err\n", 3)
    with pytest.raises(SystemExit, match="ended with 3"):
        processes.must(["-c", "import sys; sys.exit(3)"])
    assert processes.must(["-c", "import sys; sys.exit(3)"], fine=(0, 3)).code == 3
    assert processes.run(["-c", "import os, signal; os.kill(os.getpid(), signal.SIGALRM)"]).code == -14
    assert sys.executable


def test_requests_of_slow_engines_are_timed_in_parts() -> None:
    asked: list[int] = []

    def slow(request: int) -> None:
        asked.append(request)
        sum(range(100_000))

    found = alternate(slow, list(range(50)), lambda request: None, [0] * 50, 0.05)
    assert found.seconds > found.by_hand
    assert set(asked) <= set(range(50))
