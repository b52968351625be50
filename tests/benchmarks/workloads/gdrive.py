"""A drive of documents and folders that are shared by views: n users, documents and folders."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.workloads.shape import PROBABILITY, Graph, Workload, asking

ACTIONS = ("read", "write", "share", "change_owner", "create_document")
TEXT = """\
resource View in View
resource Folder in Folder, View
resource Document in Folder, View { public: Bool }
subject User { view: View, documents: Set<Document>, folders: Set<Folder> }
action read, write, share, change_owner on Document
action create_document on Folder

permit viewers { subject User action read resource Document scope resource in subject.view }
permit everyone { subject User action read resource Document scope resource.public }
permit owners {
  subject User
  action read, write, share
  resource Document
  scope resource in subject.documents or (any f in subject.folders: resource in f)
}
permit givers { subject User action change_owner resource Document scope resource in subject.documents }
permit makers { subject User action create_document resource Folder scope resource in subject.folders }
"""


def build(n: int = 20) -> Workload:
    rng = random.Random(7)
    graph = Graph()

    def some(pattern: str, most: int = n) -> list[str]:
        return [pattern.format(j) for j in range(most) if rng.random() < PROBABILITY]

    groups: dict[int, list[int]] = {g: [] for g in range(n)}
    users = []
    for i in range(n):
        for g in range(n):
            if rng.random() < PROBABILITY:
                groups[g].append(i)
        view = graph.add("View", f"user_{i}")
        documents, folders = some("Document:document_{}"), some("Folder:folder_{}")
        users.append(graph.add("User", f"user_{i}", view=view, documents=documents, folders=folders))
    for g in range(n):
        graph.add("View", f"group_{g}", [f"View:user_{i}" for i in groups[g]])

    def views() -> list[str]:
        return some("View:user_{}") + some("View:group_{}")

    documents = [
        graph.add("Document", f"document_{i}", some("Folder:folder_{}") + views(), public=rng.random() < 0.5)
        for i in range(n)
    ]
    folders = [graph.add("Folder", f"folder_{i}", some("Folder:folder_{}", i) + views()) for i in range(n)]
    asked = []
    for _ in range(500):
        action = rng.choice(ACTIONS)
        asked.append((rng.choice(users), action, rng.choice(folders if action == "create_document" else documents)))
    return Workload(f"gdrive-{n}", TEXT, [asking(*a) for a in asked], by_hand(graph), asked, graph=graph)


def by_hand(graph: Graph) -> Any:
    class Person:
        __slots__ = ("documents", "folders", "view")

    class Item:
        __slots__ = ("above", "public")

    people: dict[str, Any] = {}
    items: dict[str, Any] = {}
    above = graph.ancestors()
    for key, (properties, _) in graph.entities.items():
        if key.startswith("User:"):
            person = people[key] = Person()
            person.view = properties["view"]
            person.documents, person.folders = frozenset(properties["documents"]), frozenset(properties["folders"])
        elif key.startswith(("Document:", "Folder:")):
            item = items[key] = Item()
            item.public, item.above = properties.get("public", False), above[key]

    def decide(request: Any) -> bool:
        who, action, what = request
        person = people[who]
        if action == "read":
            item = items[what]
            return (
                item.public
                or person.view in item.above
                or what in person.documents
                or not person.folders.isdisjoint(item.above)
            )
        if action == "write" or action == "share":
            return what in person.documents or not person.folders.isdisjoint(items[what].above)
        if action == "change_owner":
            return what in person.documents
        if action == "create_document":
            return what in person.folders
        return False

    return decide
