"""Three applications that Cedar's authors published, small: policies as they are, with entities made for the tests.

GDrive, GitHub and TinyTodo are those of "Cedar: A New Language for Expressive, Fast, Safe, and Analyzable Authorization"
(OOPSLA 2024). None of them has a schema here, so types come from the entities.
"""

from __future__ import annotations

import itertools
from typing import Any

from attrs import frozen

Json = Any


@frozen
class App:
    """Policies, entities, and every request that can be made of some principals, actions and resources."""

    name: str
    policies: str
    entities: list[Json]
    principals: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def requests(self) -> list[Json]:
        asked = itertools.product(self.principals, self.actions, self.resources)
        return [
            {"principal": uid(who), "action": {"type": "Action", "id": action}, "resource": uid(what), "context": {}}
            for who, action, what in asked
        ]


def uid(name: str) -> Json:
    kind, _, own = name.partition(":")
    return {"type": kind, "id": own}


def entity(name: str, parents: str = "", **attrs: Json) -> Json:
    return {"uid": uid(name), "attrs": attrs, "parents": [uid(one) for one in parents.split()]}


def ref(name: str) -> Json:
    return {"__entity": uid(name)}


def refs(names: str) -> list[Json]:
    return [ref(name) for name in names.split()]


GDRIVE = App(
    "gdrive",
    """
permit(principal, action == Action::"read", resource) when { resource in principal.view };
permit(principal, action == Action::"read", resource) when { resource.isPublic };
permit(principal, action in [Action::"read", Action::"write", Action::"share"], resource)
  when { resource in principal.ownedDocuments || resource in principal.ownedFolders };
permit(principal, action == Action::"changeOwner", resource) when { principal.ownedDocuments.contains(resource) };
permit(principal, action == Action::"createDocument", resource) when { principal.ownedFolders.contains(resource) };
""",
    [
        entity("User:ann", view=ref("View:ann"), ownedDocuments=refs("Document:a"), ownedFolders=refs("Folder:in")),
        entity("User:bob", view=ref("View:bob"), ownedDocuments=[], ownedFolders=[]),
        entity("View:ann"),
        entity("View:bob"),
        entity("View:group", "View:ann View:bob"),
        entity("Document:a", isPublic=False),
        entity("Document:b", "Folder:in", isPublic=False),
        entity("Document:c", "View:group", isPublic=False),
        entity("Document:d", isPublic=True),
        entity("Folder:in", "Folder:out"),
        entity("Folder:out", "View:bob"),
    ],
    ("User:ann", "User:bob", "View:ann"),
    ("read", "write", "share", "changeOwner", "createDocument"),
    ("Document:a", "Document:b", "Document:c", "Document:d", "Folder:in", "Folder:out"),
)

_ROLES = ("readers", "triagers", "writers", "maintainers", "admins")

GITHUB = App(
    "github",
    """
permit(principal, action == Action::"read", resource) when { principal in resource.readers };
permit(principal, action in Action::"triage", resource) when { principal in resource.triagers };
permit(principal, action in Action::"write", resource) when { principal in resource.writers };
permit(principal, action in Action::"maintain", resource) when { principal in resource.maintainers };
permit(principal, action in Action::"admin", resource) when { principal in resource.admins };
permit(principal, action == Action::"read", resource) when { principal in resource.owner.readers };
permit(principal, action in Action::"write", resource) when { principal in resource.owner.writers };
permit(principal, action in Action::"admin", resource) when { principal in resource.owner.admins };
""",
    [
        entity(
            "Repository:r", owner=ref("Organization:o"), **{role: ref(f"RepoPermission:r_{role}") for role in _ROLES}
        ),
        entity("Organization:o", **{role: ref(f"OrgPermission:o_{role}") for role in ("readers", "writers", "admins")}),
        entity("Team:t", "Team:u"),
        entity("Team:u", "RepoPermission:r_writers"),
        entity("User:ann", "RepoPermission:r_triagers"),
        entity("User:bob", "Team:t"),
        entity("User:cal", "OrgPermission:o_admins"),
        entity("User:dan", "Organization:o"),
        *(
            entity(f"Action:{action}", f"Action:{more}" if more else "")
            for action, more in itertools.zip_longest(
                ("read", "triage", "write", "maintain", "admin"), ("triage", "write", "maintain", "admin")
            )
        ),
    ],
    ("User:ann", "User:bob", "User:cal", "User:dan", "Team:u"),
    ("read", "triage", "write", "maintain", "admin"),
    ("Repository:r", "Organization:o"),
)

TINYTODO = App(
    "tinytodo",
    """
permit(principal, action in [Action::"CreateList", Action::"GetLists"], resource == Application::"TinyTodo");
permit(principal, action, resource) when { resource has owner && resource.owner == principal };
permit(principal, action == Action::"GetList", resource)
  when { principal in resource.readers || principal in resource.editors };
permit(principal, action in [Action::"UpdateList", Action::"CreateTask", Action::"UpdateTask", Action::"DeleteTask"],
  resource) when { principal in resource.editors };
""",
    [
        entity("Application:TinyTodo"),
        entity("Team:all"),
        entity("Team:dev", "Team:all"),
        entity("User:ann", "Application:TinyTodo"),
        entity("User:bob", "Team:dev Application:TinyTodo"),
        entity("List:a", owner=ref("User:ann"), readers=ref("Team:all"), editors=ref("Team:dev")),
        entity("List:b", owner=ref("User:bob"), readers=ref("Team:dev"), editors=ref("Team:none")),
        *(entity(f"Action:{name}") for name in ("DeleteList", "EditShares")),
    ],
    ("User:ann", "User:bob", "Team:dev"),
    ("CreateList", "GetLists", "GetList", "UpdateList", "DeleteTask", "DeleteList"),
    ("Application:TinyTodo", "List:a", "List:b"),
)

APPS = (GDRIVE, GITHUB, TINYTODO)
