"""Repositories, teams and organizations: n of each and n users; what one may do includes what a lesser role may."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.workloads.shape import PROBABILITY, Graph, Workload, asking

ROLES = ("readers", "triagers", "writers", "maintainers", "admins")
ORGANIZATION_ROLES = ("readers", "writers", "admins")
ACTIONS = ("read", "triage", "write", "maintain", "administer")
NEEDS = {action: ROLES[i:] for i, action in enumerate(ACTIONS)}
ORGANIZATION_NEEDS = {
    "read": ORGANIZATION_ROLES,
    "triage": ORGANIZATION_ROLES[1:],
    "write": ORGANIZATION_ROLES[1:],
    "maintain": ("admins",),
    "administer": ("admins",),
}
TEXT = """\
resource RepoRole
resource OrganizationRole
subject Team in Team, RepoRole
subject Organization in OrganizationRole {
  readers: OrganizationRole
  writers: OrganizationRole
  admins: OrganizationRole
}
subject User in Team, Organization, RepoRole, OrganizationRole
resource Repository {
  owner: Organization
  readers: RepoRole
  triagers: RepoRole
  writers: RepoRole
  maintainers: RepoRole
  admins: RepoRole
}
action read, triage, write, maintain, administer on Repository

permit readers { subject User action read resource Repository scope subject in resource.readers }
permit triagers { subject User action read, triage resource Repository scope subject in resource.triagers }
permit writers { subject User action read, triage, write resource Repository scope subject in resource.writers }
permit maintainers {
  subject User action read, triage, write, maintain resource Repository scope subject in resource.maintainers
}
permit admins { subject User action any resource Repository scope subject in resource.admins }
permit owner_readers { subject User action read resource Repository scope subject in resource.owner.readers }
permit owner_writers {
  subject User action read, triage, write resource Repository scope subject in resource.owner.writers
}
permit owner_admins { subject User action any resource Repository scope subject in resource.owner.admins }
"""


def build(n: int = 20) -> Workload:
    rng = random.Random(7)
    graph = Graph()

    def hit() -> bool:
        return rng.random() < PROBABILITY

    for i in range(n):
        parents = [f"OrganizationRole:org_{j}_{rng.choice(ORGANIZATION_ROLES)}" for j in range(n) if hit()]
        graph.add(
            "Organization", f"org_{i}", parents, **{r: f"OrganizationRole:org_{i}_{r}" for r in ORGANIZATION_ROLES}
        )
        for role in ORGANIZATION_ROLES:
            graph.add("OrganizationRole", f"org_{i}_{role}")
    repositories = []
    for i in range(n):
        mine = {r: f"RepoRole:repo_{i}_{r}" for r in ROLES}
        repositories.append(graph.add("Repository", f"repo_{i}", owner=f"Organization:org_{rng.randrange(n)}", **mine))
        for role in ROLES:
            graph.add("RepoRole", f"repo_{i}_{role}")

    def repo_roles() -> list[str]:
        return [f"RepoRole:repo_{j}_{rng.choice(ROLES)}" for j in range(n) if hit()]

    for i in range(n):
        graph.add("Team", f"team_{i}", [f"Team:team_{j}" for j in range(i) if hit()] + repo_roles())
    users = []
    for i in range(n):
        parents = repo_roles() + [f"Team:team_{j}" for j in range(n) if hit()]
        for j in range(n):
            parents += [f"Organization:org_{j}"] if hit() else []
            parents += [f"OrganizationRole:org_{j}_{rng.choice(ORGANIZATION_ROLES)}"] if hit() else []
        users.append(graph.add("User", f"user_{i}", parents))
    asked = [(rng.choice(users), rng.choice(ACTIONS), rng.choice(repositories)) for _ in range(500)]
    return Workload(f"github-{n}", TEXT, [asking(*a) for a in asked], by_hand(graph), asked, graph=graph)


def enough(graph: Graph) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each repository and action what it is enough to be in."""
    found = {}
    for key, (properties, _) in graph.entities.items():
        if key.startswith("Repository:"):
            owner = graph.entities[properties["owner"]][0]
            found[key] = {
                a: (*(properties[r] for r in NEEDS[a]), *(owner[r] for r in ORGANIZATION_NEEDS[a])) for a in ACTIONS
            }
    return found


def by_hand(graph: Graph) -> Any:
    above, places = graph.ancestors(), enough(graph)

    def decide(request: Any) -> bool:
        who, action, what = request
        return not above[who].isdisjoint(places[what][action])

    return decide
