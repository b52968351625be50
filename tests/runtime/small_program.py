"""A small program built by hand from its symbols, for the tests that read requests and entities."""

from typing import Any, cast

from kynara_lang.checker.symbols import (
    ActionSymbol,
    AttributeSymbol,
    EntityType,
    Program,
    RoleSymbol,
)
from kynara_lang.runtime.entities import Entities, World
from kynara_lang.semantics import types
from kynara_lang.semantics.types import (
    BOOL,
    DECIMAL,
    EMAIL,
    INT,
    IP,
    STRING,
    TIME,
    Enum,
    Field,
    Record,
    SetOf,
    Type,
)

NO_NODE = cast(Any, None)
USER = types.Entity(frozenset({"User"}))
PRINCIPAL = types.Entity(frozenset({"User", "std.agents.Agent"}))
LINE = Record((Field("count", INT, external="n"), Field("note", STRING, optional=True)))


def attribute(name: str, type: Type, optional: bool = False, external: str | None = None) -> AttributeSymbol:
    return AttributeSymbol(name, external or name, type, optional, False, NO_NODE)


def attributes(*symbols: AttributeSymbol) -> dict[str, AttributeSymbol]:
    return {symbol.name: symbol for symbol in symbols}


def program() -> Program:
    """Teams (nested) with users, agents acting for them, folders with documents, and a few actions."""
    kinds = [
        EntityType("Team", "Team", "Team", "subject", NO_NODE, parents={"Team"}),
        EntityType(
            "User",
            "User",
            "user",
            "subject",
            NO_NODE,
            parents={"Team"},
            attributes=attributes(
                attribute("tenant", STRING),
                attribute("mail", EMAIL, optional=True),
                attribute("manager", USER, optional=True),
                attribute("friends", SetOf(USER), optional=True),
                attribute("mfa", BOOL, optional=True, external="mfa-verified"),
            ),
        ),
        EntityType(
            "std.agents.Agent",
            "Agent",
            "Agent",
            "subject",
            NO_NODE,
            attributes=attributes(
                attribute("owner", USER),
                attribute("trust", Enum(("low", "medium", "high"))),
                attribute("roles", SetOf(STRING), optional=True),
            ),
        ),
        EntityType("Folder", "Folder", "Folder", "resource", NO_NODE, parents={"Folder"}),
        EntityType(
            "Doc",
            "Doc",
            "Doc",
            "resource",
            NO_NODE,
            parents={"Folder"},
            attributes=attributes(
                attribute("tenant", STRING),
                attribute("total", DECIMAL),
                attribute("lines", SetOf(LINE), optional=True),
                attribute("owner", PRINCIPAL, optional=True),
            ),
        ),
    ]
    actions = [
        ActionSymbol("read", "read", "read", NO_NODE, frozenset({"Doc", "Folder", "User"})),
        ActionSymbol(
            "pay",
            "pay",
            "mcp:pay",
            NO_NODE,
            frozenset({"Doc"}),
            attributes(
                attribute("amount", DECIMAL),
                attribute("to", SetOf(EMAIL), optional=True, external="To"),
                attribute("who", PRINCIPAL, optional=True),
                attribute("line", LINE, optional=True),
                attribute("at", TIME, optional=True),
            ),
        ),
    ]
    roles = [
        RoleSymbol("support", "support", "support", NO_NODE, frozenset({"support"})),
        RoleSymbol("lead", "lead", "team-lead", NO_NODE, frozenset({"lead", "support"})),
        RoleSymbol("audit", "audit", "audit", NO_NODE, frozenset({"audit"})),
    ]
    return Program(
        types={kind.key: kind for kind in kinds},
        actions={action.key: action for action in actions},
        roles={role.key: role for role in roles},
        context=attributes(attribute("now", TIME), attribute("ip", IP, optional=True, external="client-ip")),
        by_external={kind.external: kind for kind in kinds},
        actions_by_external={action.external: action for action in actions},
        roles_by_external={role.external: role for role in roles},
    )


def world(*entities: dict[str, object]) -> World:
    """The small program with some stored entities."""
    return World(program(), Entities.from_list(entities) if entities else None)


def user(name: str = "alice", **members: object) -> dict[str, object]:
    return {"type": "user", "id": name, **members}


def agent(name: str = "bot", **members: object) -> dict[str, object]:
    return {"type": "Agent", "id": name, **members}


def doc(name: str = "d-1", **members: object) -> dict[str, object]:
    return {"type": "Doc", "id": name, **members}


def team(name: str, **members: object) -> dict[str, object]:
    return {"type": "Team", "id": name, **members}


def request(**members: object) -> dict[str, Any]:
    """A request that is fine, with some members replaced."""
    return {
        "subject": user(properties={"tenant": "acme"}),
        "action": {"name": "read"},
        "resource": doc(properties={"tenant": "acme", "total": "80.00"}),
        "context": {"now": "2026-11-22T10:00:00Z"},
        **members,
    }
