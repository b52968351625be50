"""What an engine offers to be measured, and requests in a form from which each makes its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from ipaddress import ip_network
from socket import inet_aton
from typing import Any

from attrs import frozen

from tests.benchmarks.workloads.shape import Workload

Form = tuple[Callable[[Any], object], list[Any]]
"""How a request is decided, and all requests in the shape that this takes, in the order of the workload."""


class Engine:
    """A way to decide the requests of a workload: `write` its program, `load` it, and offer the `forms` of requests.

    Only `load` is timed as loading: writing the program down in the engine's own language is our work, not its. Several
    questions of one request (an agent's and its user's) are asked one after the other, and all must be answered by yes.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    def write(self) -> None:
        """Write the program and the data down in the language of the engine."""
        raise NotImplementedError

    def load(self) -> None:
        """Load what was written, so that requests can be decided."""
        raise NotImplementedError

    def forms(self) -> dict[str, Form]:
        """Return the forms in which requests can come, the best one first."""
        raise NotImplementedError

    def allowed(self, answer: Any) -> bool | None:
        """Say what an answer means; None is one that is neither yes nor no, and never right."""
        return bool(answer)


@frozen
class Asked:
    """One question: whether a subject may do something to a resource; `now` in a context is in seconds."""

    subject: dict[str, Any]
    action: str
    resource: dict[str, Any]
    context: dict[str, Any]


def questions(workload: Workload) -> list[list[Asked]]:
    """Return the questions of each request, one for each principal of its chain.

    Subjects and resources have their `type`, `id` and `roles` beside their properties, and are the same dict wherever they
    are the same.
    """
    seen: dict[tuple[str, str], dict[str, Any]] = {}

    def entity(found: dict[str, Any]) -> dict[str, Any]:
        key = (found["type"], found["id"])
        if key not in seen:
            seen[key] = {"type": key[0], "id": key[1], "roles": found.get("roles", []), **found.get("properties", {})}
        return seen[key]

    asked = []
    for request in workload.requests:
        context = in_seconds(request["context"])
        chain, link = [], request["subject"]
        while link is not None:
            chain.append(Asked(entity(link), request["action"]["name"], entity(request["resource"]), context))
            link = link.get("on_behalf_of")
        asked.append(chain)
    return asked


def in_seconds(context: dict[str, Any]) -> dict[str, Any]:
    """Return a context with `now` as a number, for engines that have no times."""
    if "now" not in context:
        return context
    return {**context, "now": int(datetime.fromisoformat(context["now"]).timestamp())}


def distinct(asked: list[list[Asked]], what: str) -> list[dict[str, Any]]:
    """Return every `subject` or `resource` of some questions once."""
    return list({id(entity): entity for chain in asked for one in chain for entity in [getattr(one, what)]}.values())


def buckets(workload: Workload, types: list[str]) -> dict[tuple[str, str], list[Any]]:
    """Return the rules by action and resource type, as a host would index them."""
    found: dict[tuple[str, str], list[Any]] = {}
    for number, rule in enumerate(workload.rules):
        for action in rule.actions:
            for kind in types if rule.kind is None else [rule.kind]:
                found.setdefault((action, kind), []).append((number, rule))
    return found


@cache
def block(text: str) -> tuple[int, int]:
    """Return the mask and the address of a block of IPv4 addresses."""
    found = ip_network(text)
    return int(found.netmask), int(found.network_address)


def within(address: str, text: str) -> bool:
    """Say whether an IPv4 address lies in a block; for engines that know no addresses."""
    mask, base = block(text)
    return int.from_bytes(inet_aton(address), "big") & mask == base
