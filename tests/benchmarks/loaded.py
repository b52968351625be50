"""What a host does that loads policies, in a process of its own: `python -m tests.benchmarks.loaded FOLDER REQUESTS`.

It prints one line of JSON: the seconds of loading, of the first decision and explanation, and of later explanations.
Peaks are measured from outside.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import kynara_lang


def main(folder: str, requests: str) -> None:
    start = perf_counter()
    policies = kynara_lang.load(folder, cache=kynara_lang.program_cache())
    loaded = perf_counter()
    asked = [json.loads(line) for line in Path(requests).read_text(encoding="utf-8").splitlines()]
    reading = perf_counter()
    decision = policies.decide(asked[0])
    decided = perf_counter()
    taken = []
    for request in asked:
        before = perf_counter()
        explanation = policies.explain(request)
        taken.append(perf_counter() - before)
    assert not decision.errors
    assert explanation.links
    print(
        json.dumps(
            {
                "load": loaded - start,
                "first decision": decided - reading,
                "first explanation": taken[0],
                "explanation": median(taken[1:]),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
