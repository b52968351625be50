"""What a host does that loads policies, in a process of its own: `python -m tests.benchmarks.loaded FOLDER REQUESTS`.

It prints one line of JSON: the seconds of loading, and, as medians over the requests, of the first decision of a kind, of
explaining it, and of explaining it again; and the most memory until the program was loaded, in megabytes.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import kynara_lang


def main(folder: str, requests: str) -> None:
    start = perf_counter()
    policies = kynara_lang.load(folder, cache=kynara_lang.program_cache())
    loaded = perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    asked = [json.loads(line) for line in Path(requests).read_text(encoding="utf-8").splitlines()]
    decided, explained, again = [], [], []
    for request in asked:
        reading = perf_counter()
        decision = policies.decide(request)
        decided.append(perf_counter() - reading)
        for taken in (explained, again):
            reading = perf_counter()
            explanation = policies.explain(request)
            taken.append(perf_counter() - reading)
        assert not decision.errors
        assert explanation.links
    print(
        json.dumps(
            {
                "load": loaded - start,
                "loaded_mb": peak,
                "first decision": median(decided),
                "first explanation": median(explained),
                "explanation": median(again),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
