"""A tool loop that is guarded: what a model would call stands in calls.jsonl, so that everybody sees the same.

    python examples/guarded_tools/agent.py FOLDER

FOLDER is where the audit log and the approvals are kept.
"""

import json
import sys
from pathlib import Path

import kynara_lang as kynara
from kynara_lang.audit import Log
from kynara_lang.guard import Guard, NotAllowed

HERE = Path(__file__).parent

ORDERS = {
    "o-1": {"tenant": "acme", "customer": "eve@example.com", "total": "80.00"},
    "g-7": {"tenant": "globex", "customer": "gil@example.com", "total": "5.00"},
}


def order_of(order: str) -> dict[str, object]:
    """Say what the shop knows of an order; what a caller claims of it does not come into it."""
    return {"type": "Order", "id": order, "properties": ORDERS[order]}


def tools(guard: Guard) -> dict[str, object]:
    """Return the tools of the agent by name. Each line with `@guard.tool` is all that guarding takes."""

    @guard.tool(action="look_up", resource=order_of)
    def look_up(order: str) -> str:
        return f"{order}: {ORDERS[order]['total']} paid by {ORDERS[order]['customer']}"

    @guard.tool(action="refund", resource=order_of)
    def refund(order: str, amount: float, reason: str | None = None) -> str:
        return f"refunded {amount:.2f} of {order}"

    @guard.tool(action="write", resource=order_of)
    def write(order: str, to: str, body: str) -> str:
        return f"wrote to {to}"

    return {"look_up": look_up, "refund": refund, "write": write}


def run(folder: Path) -> None:
    """Do what the model asks for, one call after the other, for Alice."""
    folder.mkdir(parents=True, exist_ok=True)
    policies = kynara.load(HERE / "policies", entities=kynara.Entities.from_json(HERE / "people.json"))
    with Log.open(folder / "log") as log:
        guard = Guard(policies, log, folder / "approvals.db")
        known = tools(guard)
        with guard.session("Agent::desk-bot", id="example"), guard.acting_for("User::alice"):
            for line in (HERE / "calls.jsonl").read_text(encoding="utf-8").splitlines():
                call = json.loads(line)
                print(f"> {call['tool']}({', '.join(f'{n}={v!r}' for n, v in call['arguments'].items())})")
                print(f"  {answer(known[call['tool']], call['arguments'])}")


def answer(tool: object, arguments: dict[str, object]) -> str:
    """Return what the model is told: what the tool says, or why it was not let through."""
    assert callable(tool)
    try:
        return str(tool(**arguments))
    except NotAllowed as refused:
        return str(refused)
    except TypeError as wrong:  # a call that no function of this name would take
        return f"that is no call of this tool: {wrong}"


if __name__ == "__main__":
    run(Path(sys.argv[1]))
