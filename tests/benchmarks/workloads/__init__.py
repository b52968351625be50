"""Workloads of the benchmark of decisions: a program, requests, and what a person would write by hand instead.

The shapes are those that policy engines are compared by: the three applications of the Cedar paper (OOPSLA 2024), rules
with conditions on attributes, agents that act for users, and many independent rules about roles.
"""

from __future__ import annotations

from importlib import import_module

from tests.benchmarks.workloads.shape import Workload

KINDS = ("gdrive", "github", "tinytodo", "abac", "agents", "roles")


def get(name: str) -> Workload:
    """Return a workload by name, with its size behind a hyphen: `roles-1000`."""
    kind, _, size = name.partition("-")
    build = import_module(f"tests.benchmarks.workloads.{kind}").build
    found: Workload = build(int(size)) if size else build()
    return found
