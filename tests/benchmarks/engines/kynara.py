"""Kynara itself, as a host uses it: a program loaded from a file; requests prepared, as dicts, or as JSON text."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import kynara_lang
from kynara_lang.runtime.strict_json import loads
from tests.benchmarks.engines.shape import Engine, Form


class Kynara(Engine):
    """Policies and requests; what is read, validated and decided each time is said by the form."""

    def write(self) -> None:
        """Write the program to a folder that is kept between runs if the benchmark names one."""
        kept = os.environ.get("KYNARA_BENCHMARK_FOLDER")
        if not kept:
            self.own = tempfile.TemporaryDirectory(prefix="kynara-benchmark-")  # removed with this engine
            kept = self.own.name
        self.path = Path(kept) / self.workload.name
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "measured.kyn").write_text(self.workload.text, encoding="utf-8")
        self.store = self.workload.entities

    def load(self) -> None:
        """Load the program, with its entities; what an earlier run loaded comes from the benchmark's own cache."""
        store = None if self.store is None else kynara_lang.Entities.from_list(self.store)
        self.policies = kynara_lang.load(self.path, entities=store, cache=kynara_lang.program_cache())

    def forms(self) -> dict[str, Form]:
        """Return requests that are validated already, and two forms that are validated whole each time."""
        policies = self.policies
        prepared = [policies.request(**request) for request in self.workload.requests]
        texts = [json.dumps(request).encode() for request in self.workload.requests]
        return {
            "prepared": (policies.decide, prepared),
            "dict": (policies.decide, self.workload.requests),
            "JSON text": (lambda text: policies.decide(loads(text)), texts),  # type: ignore[arg-type]
        }

    def allowed(self, answer: Any) -> bool | None:
        """Say whether a decision allows; one with errors is none."""
        return None if answer.errors else answer.allowed
