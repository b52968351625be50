"""The tools of a support desk as an MCP server: a client sees and calls only what the policies let its user do.

    python examples/mcp_server/server.py        # serves on standard input and output, for Agent::desk-bot and Alice

What is listed is narrowed by `guard.discover`; what is called is decided by the guard, whatever was listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

import kynara_lang as kynara
from kynara_lang.guard import Guard, NotAllowed
from kynara_lang.guard.tools import narrow_tools

HERE = Path(__file__).parent
POLICIES = HERE / "policies"

# A real server takes these from its databases.
ORDERS = kynara.Entities.from_list([{"type": "Order", "id": "o-7", "properties": {"total": "90.00"}}])
ALICE = {"type": "User", "id": "alice", "roles": ["support"]}
BOT = {"type": "Agent", "id": "desk-bot", "on_behalf_of": ALICE}

TEXT = {"type": "string"}


def tool(name: str, description: str, **parameters: Any) -> dict[str, Any]:
    """Write a tool down as the protocol has it; all its parameters are required."""
    schema = {"type": "object", "properties": parameters, "required": list(parameters), "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema}


TOOLS = [
    tool("read_file", "Read a file of the workspace.", path=TEXT),
    tool("write_file", "Write a file of the workspace.", path=TEXT, text=TEXT),
    tool("send_mail", "Send mail.", to={"type": "array", "items": TEXT}, subject=TEXT, body=TEXT),
    tool("refund", "Pay money back, in euros such as 12.50.", order=TEXT, amount=TEXT, reason=TEXT),
    tool("erase_order", "Erase an order for good.", order=TEXT),
]
ACTIONS = {
    "read_file": "files.read",
    "write_file": "files.write",
    "send_mail": "mail.send",
    "refund": "refund",
    "erase_order": "erase",
}


def desk(guard: Guard, files: dict[str, str], sent: list[str]) -> Mapping[str, Callable[..., str]]:
    """Return what the tools do, each guarded: its real arguments are decided upon before it runs."""

    @guard.tool(action="files.read", resource="Workspace::desk")
    def read_file(path: str) -> str:
        return files.get(path, "there is no such file")

    @guard.tool(action="files.write", resource="Workspace::desk")
    def write_file(path: str, text: str) -> str:
        files[path] = text
        return f"wrote {len(text)} characters"

    @guard.tool(action="mail.send", resource="Mailbox::desk")
    def send_mail(to: list[str], subject: str, body: str) -> str:
        sent.append(f"{', '.join(to)}: {subject}")
        return "sent"

    @guard.tool(action="refund", resource="Order::{order}")
    def refund(order: str, amount: str, reason: str) -> str:
        sent.append(f"{amount} for {order}, {reason}")
        return f"refunded {amount}"

    @guard.tool(action="erase", resource="Order::{order}")
    def erase_order(order: str) -> str:
        sent.append(f"erased {order}")
        return "erased"

    found = (read_file, write_file, send_mail, refund, erase_order)
    return {function.__name__: function for function in found}


def serve(guard: Guard, subject: Mapping[str, Any], tools: Mapping[str, Callable[..., str]]) -> Server[Any]:
    """Return a server for one subject, which the host knows and the client cannot choose."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        listed = narrow_tools(TOOLS, guard.discover(subject), ACTIONS)
        return types.ListToolsResult(tools=[types.Tool.model_validate(one) for one in listed])

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        function = tools.get(params.name)
        if function is None:
            return answer(f"there is no tool {params.name}", failed=True)
        try:
            with guard.session(subject):
                return answer(function(**(params.arguments or {})))
        except NotAllowed as refused:  # its text is fit for a model: it says nothing of the policy
            return answer(str(refused), failed=True)
        except TypeError:
            return answer(f"{params.name} takes other arguments", failed=True)

    return Server("desk", on_list_tools=list_tools, on_call_tool=call_tool)


def answer(text: str, *, failed: bool = False) -> types.CallToolResult:
    """Return what a call came to."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)


def desk_server(subject: Mapping[str, Any], files: dict[str, str], sent: list[str]) -> Server[Any]:
    """Return the server of the desk for a subject, with the policies that lie beside this file."""
    guard = Guard(kynara.load(POLICIES).bind(ORDERS))
    return serve(guard, subject, desk(guard, files, sent))


async def main() -> None:
    """Serve on standard input and output until the client goes away."""
    server = desk_server(BOT, {"/workspace/hello.txt": "hello"}, [])
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
