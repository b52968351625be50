"""Tool lists in the shapes of MCP, OpenAI and Anthropic, cut down to what somebody could be allowed."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
from mcp import types

import kynara_lang as kynara
from kynara_lang.guard.discovery import discover
from kynara_lang.guard.tools import narrow_schema, narrow_tools

POLICY = """
subject User
resource Order
action refund on Order (amount: Decimal, reason: "late" | "broken", note: String?, to: Set<Email>)
action read, erase on Order
permit p {
  subject User
  action refund, read
  resource Order
  scope any "a test"
  unless args has amount and args.amount > 50.00
  unless args has to and not (all x in args.to: x.domain within "acme.com")
}
require approval a { subject any action refund resource any from User }
"""
FOUND = discover(kynara.loads(POLICY), {"type": "User", "id": "u"})
REFUND = next(one for one in FOUND if one.action == "refund")
PARAMETERS = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "description": "In euros."},
        "reason": {"type": "string"},
        "note": {"type": ["string", "null"], "default": None},
        "to": {"type": "array", "items": {"type": "string"}},
        "trace": {"type": "string"},
    },
    "required": ["amount"],
    "additionalProperties": False,
}


def named(key: str, name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "Does it.", key: copy.deepcopy(PARAMETERS), **more}


def chat(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": named("parameters", name, **more)}


SHAPES = {
    "mcp": (lambda name: named("inputSchema", name, annotations={"readOnlyHint": True}), lambda tool: tool["inputSchema"]),
    "anthropic": (lambda name: named("input_schema", name), lambda tool: tool["input_schema"]),
    "openai chat": (chat, lambda tool: tool["function"]["parameters"]),
    "openai responses": (lambda name: named("parameters", name, type="function"), lambda tool: tool["parameters"]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_filtered_and_narrowed_and_the_rest_of_it_stays(shape: str) -> None:
    make, schema_of = SHAPES[shape]
    given = [make("refund"), make("erase"), make("read"), make("unknown")]
    before = copy.deepcopy(given)
    refund, read = narrow_tools(given, FOUND)
    assert given == before, "what is given is not changed"
    holder = refund.get("function", refund)
    assert holder["name"] == "refund"
    assert holder["description"].startswith("Does it.\n\nAllowed only where: ")
    assert "args.amount <= 50.00" in holder["description"]
    assert holder["description"].endswith("A person has to approve each call.")
    narrowed = schema_of(refund)
    assert narrowed["properties"]["amount"] == {"type": "number", "description": "In euros.", "maximum": 50}
    assert narrowed["properties"]["reason"] == {"type": "string", "enum": ["late", "broken"]}
    assert narrowed["properties"]["trace"] == {"type": "string"}
    assert narrowed["required"] == ["amount", "reason", "to"]
    assert narrowed["additionalProperties"] is False
    assert schema_of(read) == PARAMETERS
    if shape == "mcp":
        assert refund["annotations"] == {"readOnlyHint": True}


def test_tools_are_found_under_the_names_of_their_actions() -> None:
    tools = [named("inputSchema", "pay_back"), named("inputSchema", "read")]
    assert [tool["name"] for tool in narrow_tools(tools, FOUND)] == ["read"]
    assert [tool["name"] for tool in narrow_tools(tools, FOUND, {"pay_back": "refund"})] == ["pay_back", "read"]
    assert [tool["name"] for tool in narrow_tools(tools, FOUND, {"read": "erase"})] == []


def test_nothing_discovered_is_no_tools() -> None:
    assert narrow_tools([named("inputSchema", "refund")], []) == []


def test_tools_without_parameters_and_those_a_provider_runs_pass_by_name_or_type() -> None:
    tools = [{"type": "function", "function": {"name": "read"}}, {"type": "web_search_20250305", "name": "web_search"}, {"type": "file_search"}]
    assert narrow_tools(tools, FOUND) == [tools[0]]
    assert narrow_tools(tools, FOUND, {"web_search": "read", "file_search": "read"}) == tools


@pytest.mark.parametrize("tool", [None, "refund", 3, {}, {"description": "x"}, {"name": 5}, {"function": {}}, object()])
def test_what_is_no_tool_is_refused_with_its_place(tool: Any) -> None:
    with pytest.raises(ValueError, match="tool 1 of the list"):
        narrow_tools([named("inputSchema", "read"), tool], FOUND)


def test_an_object_of_the_mcp_package_is_told_how_to_be_passed() -> None:
    tool = types.Tool.model_validate(named("inputSchema", "refund"))
    with pytest.raises(ValueError, match="model_dump"):
        narrow_tools([tool], FOUND)
    (narrowed,) = narrow_tools([tool.model_dump(by_alias=True, exclude_none=True)], FOUND)
    assert types.Tool.model_validate(narrowed).input_schema["properties"]["amount"]["maximum"] == 50


def test_a_strict_tool_is_narrowed_by_lists_of_values_alone() -> None:
    (tool,) = narrow_tools([chat("refund", strict=True)], FOUND)
    narrowed = tool["function"]["parameters"]
    assert narrowed["properties"]["reason"] == {"type": "string", "enum": ["late", "broken"]}
    assert {**narrowed, "properties": {**narrowed["properties"], "reason": {"type": "string"}}} == PARAMETERS
    assert "args.amount <= 50.00" in tool["function"]["description"]


# --- one parameter


def narrowed(own: Any, name: str = "amount", **more: Any) -> Any:
    found = narrow_schema({"type": "object", "properties": {name: own}, **more}, REFUND)
    jsonschema.Draft202012Validator.check_schema(found)
    return found["properties"][name]


def test_the_narrower_bound_counts() -> None:
    assert narrowed({"type": "number", "maximum": 20})["maximum"] == 20
    assert narrowed({"type": "number", "maximum": 80})["maximum"] == 50
    assert narrowed({"type": "integer"}) == {"type": "integer", "maximum": 50}


def test_a_text_gets_a_pattern_and_keeps_its_own() -> None:
    assert narrowed({"type": "string"}).keys() == {"type", "pattern"}
    both = narrowed({"type": "string", "pattern": "0$"})
    assert both["pattern"] == "0$"
    assert both["allOf"][0].keys() == {"pattern"}
    valid = jsonschema.Draft202012Validator(both).is_valid
    assert (valid("50.00"), valid("51.00"), valid("4.5")) == (True, False, False)


def test_values_in_common_stay() -> None:
    assert narrowed({"type": "string", "enum": ["broken", "lost"]}, "reason")["enum"] == ["broken"]
    assert "not" in narrowed({"type": "string", "enum": ["lost"]}, "reason")


def test_null_stays_where_the_tool_takes_it_for_nothing() -> None:
    for own in (
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        {"$ref": "#/$defs/Note"},
    ):
        made = narrowed(own, "note", **{"$defs": {"Note": {"type": ["string", "null"]}}})
        schema = {**made, "$defs": {"Note": {"type": ["string", "null"]}}}
        assert jsonschema.Draft202012Validator(schema).is_valid(None)


def test_a_definition_is_narrowed_where_it_is_used() -> None:
    made = narrowed({"$ref": "#/$defs/Money"}, **{"$defs": {"Money": {"type": "number"}}})
    assert made["allOf"][0] == {"$ref": "#/$defs/Money"}
    assert made["allOf"][1]["maximum"] == 50


@pytest.mark.parametrize("target", ["#", "#/properties/amount", "https://example.com/money.json", 5])
def test_a_schema_whose_parts_refer_to_each_other_stays(target: Any) -> None:
    own = {"type": "object", "properties": {"amount": {"type": "number"}, "note": {"$ref": target}}}
    assert narrow_schema(own, REFUND) == own


def test_what_is_converted_on_the_way_stays() -> None:
    assert narrowed({"type": "boolean"}) == {"type": "boolean"}
    assert narrowed({"type": "object", "properties": {"cents": {"type": "integer"}}})["properties"] == {"cents": {"type": "integer"}}
    assert narrowed({"type": "array", "items": {"type": "integer"}}, "to")["items"] == {"type": "integer"}


def test_a_parameter_that_anything_fits_gets_the_schema_of_the_policy() -> None:
    for own in (True, {}):
        made = narrowed(own)
        assert made["maximum"] == 50
    assert narrow_schema({"type": "object", "properties": {"amount": False}}, REFUND)["properties"]["amount"] is False


def test_a_default_is_filled_in_by_the_tool() -> None:
    own = {"type": "object", "properties": {"amount": {"type": "number", "default": 1}, "reason": {"type": "string"}}}
    assert narrow_schema(own, REFUND)["required"] == ["reason"]


@pytest.mark.parametrize(
    "own",
    [
        {"type": "object"}, {"type": "object", "properties": []}, {"properties": {"amount": {"type": 5}}},
        {"properties": {"amount": {"type": "number", "maximum": "x"}, "reason": {"enum": 5, "type": "string"}}},
        {"properties": {"to": {"type": "array", "items": [True]}, "amount": []}, "required": "amount"},
        {"properties": {"amount": {"anyOf": 3}, "reason": {"allOf": None}, "note": {"type": [1, None]}, "to": 7}},
    ],
)  # fmt: skip
def test_a_malformed_schema_ends_in_no_traceback(own: Any) -> None:
    for strict in (False, True):
        narrow_tools([{"name": "refund", "inputSchema": own, "strict": strict}], FOUND)


def test_unevaluated_items_do_not_make_a_schema_wider() -> None:
    own = {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False}
    made = jsonschema.Draft202012Validator(narrowed(own, "to"))
    assert made.is_valid(["a@acme.com"])
    assert not made.is_valid(["a@acme.com", "b@acme.com"])
    assert not made.is_valid(["a@evil.net"])
