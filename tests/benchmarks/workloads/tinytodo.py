"""Lists of things to do, shared with teams: n users and n lists, and a tree of teams."""

from __future__ import annotations

import math
import random
from typing import Any

from tests.benchmarks.workloads.shape import PROBABILITY, Graph, Workload, asking

PUBLIC = ("create_list", "get_lists")
EDIT = ("update_list", "create_task", "update_task", "delete_task")
ACTIONS = (*PUBLIC, "get_list", *EDIT, "delete_list", "edit_shares")
TEXT = """\
resource Application
subject Team in Team, Application
subject User in Team
resource List { owner: User, readers: Team, editors: Team }
action create_list, get_lists on Application
action get_list, update_list, create_task, update_task, delete_task, delete_list, edit_shares on List

permit anyone { subject User action create_list, get_lists resource Application::"TinyTodo" scope any "one application" }
permit owner { subject User action any resource List scope resource.owner == subject }
permit readers {
  subject User action get_list resource List scope subject in resource.readers or subject in resource.editors
}
permit editors {
  subject User
  action update_list, create_task, update_task, delete_task
  resource List
  scope subject in resource.editors
}
"""


def build(n: int = 20) -> Workload:
    rng = random.Random(7)
    graph = Graph()
    application = graph.add("Application", "TinyTodo")
    teams: list[str] = []

    def tree(depth: int, parent: str | None) -> None:
        teams.append(graph.add("Team", f"team_{len(teams)}", [parent] if parent else []))
        mine = teams[-1]
        if depth and rng.randrange(5) != 4:
            tree(depth - 1, mine)
            tree(depth - 1, mine)

    tree(max(1, math.ceil(math.log2(n))), None)
    users = [graph.add("User", f"user_{i}", rng.sample(teams, min(rng.randrange(4), len(teams)))) for i in range(n)]
    lists = []
    for i in range(n):
        shares = {k: graph.add("Team", f"list_{i}_{k}", [application]) for k in ("readers", "editors")}
        lists.append(graph.add("List", f"list_{i}", owner=rng.choice(users), **shares))
        for member in users + teams:
            graph.entities[member][1].extend(share for share in shares.values() if rng.random() < PROBABILITY)
    asked = []
    for _ in range(500):
        action = rng.choice(ACTIONS)
        asked.append((rng.choice(users), action, application if action in PUBLIC else rng.choice(lists)))
    return Workload(f"tinytodo-{n}", TEXT, [asking(*a) for a in asked], by_hand(graph), asked, graph=graph)


def by_hand(graph: Graph) -> Any:
    above = graph.ancestors()
    lists = {
        key: (properties["owner"], properties["readers"], properties["editors"])
        for key, (properties, _) in graph.entities.items()
        if key.startswith("List:")
    }
    edit = frozenset(EDIT)

    def decide(request: Any) -> bool:
        who, action, what = request
        found = lists.get(what)
        if found is None:
            return bool(action == "create_list" or action == "get_lists")
        owner, readers, editors = found
        if owner == who:
            return True
        if action == "get_list":
            mine = above[who]
            return readers in mine or editors in mine
        return action in edit and editors in above[who]

    return decide
