"""`python -m tests.mutation --group evaluator --sample 300 --seed 1`: what the tests do not notice.

Changes the source in one small place after the other, runs the tests that reach the place, and lists the changes that
no test noticed; those that SURVIVORS.md gives no reason for are marked NEW. `--all` takes every change; a sample comes
with the interval in which the share of all of them lies. What was found is kept in `.mutation/`.

Why not the tools' own runners: cosmic-ray starts the tests anew for each change, which here takes ten seconds before
the first test runs. Its operators are used, and processes are forked that have collected the tests already. mutmut
forks as well, but leaves out what is decorated (properties) and what stands outside functions (limits, tables).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.mutation.changes import Mutant, mutants_of
from tests.mutation.covering import Coverage
from tests.mutation.forking import KILLED, SURVIVED, TIMED_OUT, UNFIT
from tests.mutation.fresh import Fresh
from tests.mutation.groups import GOALS, GROUPS, ROOT, files_of, interval

_WORK = ROOT / ".mutation"
_BUDGET = 15.0


def main() -> int:
    """Judge the mutants of one group; the exit code is 1 where too few were noticed."""
    asked = _options()
    everything = [mutant for file in files_of(asked.group) for mutant in mutants_of(file)]
    chosen = everything
    if not asked.all:
        chosen = random.Random(asked.seed).sample(everything, min(asked.sample, len(everything)))
    if asked.only:
        chosen = [mutant for mutant in everything if mutant.name in set(asked.only)]
    coverage = Coverage(_WORK)
    jobs = [job for job in (_job(mutant, coverage, asked) for mutant in chosen) if job is not None]
    work = _WORK / asked.group
    work.mkdir(parents=True, exist_ok=True)
    results = _forked(work, jobs)
    again = [job for job in jobs if results[job["name"]]["outcome"] == UNFIT]
    again += [job for job in jobs if asked.again and results[job["name"]]["outcome"] == SURVIVED]
    _again(work, again, results, coverage)
    known = (Path(__file__).parent / "SURVIVORS.md").read_text(encoding="utf-8")
    for job in sorted(jobs, key=lambda job: (job["path"], job["line"])):
        if results[job["name"]]["outcome"] == SURVIVED:
            print(f"- {'' if _row(job) in known else 'NEW '}{job['path']}:{job['line']} {_row(job)}")
    target = work / "results.json"
    kept = ("name", "path", "line", "operator", "change")
    rows = [{name: job[name] for name in kept} | results[job["name"]] for job in jobs]
    target.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return _summary(asked, everything, chosen, jobs, results)


def _options() -> Any:
    options = argparse.ArgumentParser(prog="python -m tests.mutation", description=str(__doc__).splitlines()[0])
    options.add_argument("--group", choices=sorted(GROUPS), required=True)
    options.add_argument("--sample", type=int, default=300, metavar="N", help="judge N changes (default: 300)")
    options.add_argument("--seed", type=int, default=1, help="which ones; the same seed gives the same ones")
    options.add_argument("--all", action="store_true", help="judge every change; takes hours")
    options.add_argument("--only", nargs="*", metavar="NAME", help="judge these, as `.mutation/` names them")
    options.add_argument("--again", action="store_true", help="run survivors once more, in processes of their own")
    options.add_argument("--tests", nargs="*", metavar="PATH", help="judge by all tests of these files, whatever they take")
    options.add_argument("--budget", type=float, default=_BUDGET, help="seconds of tests for each change (default: 15)")
    return options.parse_args()


def _job(mutant: Mutant, coverage: Coverage, asked: Any) -> dict[str, Any] | None:
    text = mutant.mutated()
    try:
        compile(text, mutant.path, "exec", dont_inherit=True)
    except SyntaxError:
        return None
    at_import = coverage.at_import(mutant)
    tests = coverage.tests_for(mutant, asked.budget) if at_import is None else at_import
    if asked.tests and at_import is None:
        reaching = coverage.tests_for(mutant, math.inf)
        tests = [test for test in reaching if test.split("::")[0] in set(asked.tests)]
    return {
        "name": mutant.name,
        "path": mutant.path,
        "line": mutant.line,
        "operator": mutant.operator,
        "text": text,
        "change": mutant.change(),
        "tests": tests,
        "at_import": at_import is not None,
        "limits": {test: coverage.seconds[test] for test in tests},
    }


def _forked(work: Path, jobs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    jobs = sorted(jobs, key=lambda job: job["path"])
    (work / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
    (work / "forked.jsonl").write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--basetemp", str(work / "temporary")]
    command += ["-p", "tests.mutation.steady", "-p", "tests.mutation.forking"]
    used = {test.split("::")[0] for job in jobs for test in job["tests"]}
    environment = os.environ | {"KYNARA_MUTATION_WORK": str(work), "PYTHONPATH": str(ROOT)}
    with (work / "forked.log").open("w", encoding="utf-8") as log:
        subprocess.run([*command, *sorted(used)], cwd=ROOT, env=environment, stdout=log, stderr=log, check=False)
    lines = (work / "forked.jsonl").read_text(encoding="utf-8").splitlines()
    found = {result["name"]: result for result in map(json.loads, lines)}
    if set(found) != {job["name"] for job in jobs}:
        raise SystemExit(f"the tests could not be run to the end; see {work / 'forked.log'}")
    return found


def _again(work: Path, jobs: list[dict[str, Any]], results: dict[str, dict[str, Any]], coverage: Coverage) -> None:
    fresh = Fresh(work)
    for job in jobs:
        started = time.monotonic()
        outcome, test = fresh.judge(job | {"tests": coverage.few_files(job["tests"])})
        took = round(time.monotonic() - started, 2)
        results[job["name"]] = {"name": job["name"], "outcome": outcome, "by": test, "seconds": took}


def _summary(
    asked: Any, everything: list[Mutant], chosen: list[Mutant], jobs: list[Any], results: dict[str, Any]
) -> int:
    outcomes = [results[job["name"]]["outcome"] for job in jobs]
    killed, late, left = (outcomes.count(word) for word in (KILLED, TIMED_OUT, SURVIVED))
    share, (low, high) = (killed + late) / len(jobs), interval(killed + late, len(jobs))
    print(f"{asked.group}: {len(everything)} changes, {len(chosen)} chosen (seed {asked.seed}), of which ", end="")
    print(f"{len(chosen) - len(jobs)} are no program")
    print(f"killed {killed}, timed out {late}, survived {left}: {share:.1%} noticed, ", end="")
    print(f"{low:.1%} to {high:.1%} of all with 95 %")
    return 0 if share * 100 >= GOALS[asked.group] else 1


def _row(job: dict[str, Any]) -> str:
    before, after = job["change"]
    return f"`` {before} `` → `` {after} ``"


if __name__ == "__main__":
    sys.exit(main())
