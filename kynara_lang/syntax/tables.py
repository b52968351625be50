"""The parse tables: built from the grammar once, shipped beside this file, and used only if they fit.

Lark's own way to keep tables is a pickle in the shared temporary folder, which whoever may write there can turn into
code. Ours are JSON, carry the digest of the grammar and the version of Lark that they were made from, and are read
only when both are the ones at hand; otherwise the tables are built anew in memory, which costs half a second.

Run `python -m kynara_lang.syntax.tables` after a change of the grammar.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import lark

from ..resources import grammar_text
from .shortcuts import shorten

SHIPPED = Path(__file__).with_name("tables.json")
_OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "contextual",
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}


def _stamp(grammar: str) -> str:
    return f"lark {lark.__version__} sha256:{hashlib.sha256(grammar.encode()).hexdigest()}"


def build(transformer: object | None = None, *, strict: bool = False) -> lark.Lark:
    """Build the parser from the grammar; `strict` refuses every conflict and colliding terminal."""
    return lark.Lark(grammar_text(), transformer=transformer, strict=strict, **_OPTIONS)


def load(transformer: object | None = None) -> lark.Lark:
    """Return the parser from the shipped tables, or built from the grammar where they do not fit it."""
    try:
        tables = json.loads(SHIPPED.read_bytes())
    except (OSError, ValueError):
        return build(transformer)
    if not isinstance(tables, dict) or tables.get("stamp") != _stamp(grammar_text()):
        return build(transformer)
    data, memo = tables["data"], tables["memo"]
    table = data["parser"]["parser"]
    table["states"] = {int(state): actions for state, actions in table["states"].items()}
    table["tokens"] = {int(number): name for number, name in table["tokens"].items()}
    for state, actions in table["states"].items():
        table["states"][state] = {int(token): action for token, action in actions.items()}
    parser: lark.Lark = lark.Lark.__new__(lark.Lark)
    parser._load({"data": data, "memo": {int(number): item for number, item in memo.items()}}, transformer=transformer)
    return parser


def dump() -> str:
    """Return the tables of the grammar at hand as JSON text."""
    parser: Any = build()
    inner = parser.parser.parser
    inner._parse_table = shorten(inner._parse_table)
    data, memo = parser.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    tables = {"stamp": _stamp(grammar_text()), "data": data, "memo": memo}
    return json.dumps(tables, separators=(",", ":"), sort_keys=True) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(dump(), encoding="utf-8")
