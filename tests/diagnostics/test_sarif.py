"""SARIF: every report is valid by the published schema, and says what the diagnostics say."""

import datetime
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.checker.linter import LintSettings, lint_codes
from kynara_lang.diagnostics.codes import CODES
from kynara_lang.diagnostics.diagnostic import Diagnostic, Label, Severity
from kynara_lang.diagnostics.render_sarif import sarif_dict
from kynara_lang.diagnostics.source import Source, Span
from kynara_lang.pages import page_of
from kynara_lang.pipeline import check_sources
from tests.diagnostics.findings import ALL, ESCAPE, FIXED, NOTE, PATH, PLAIN, SHOP, at, hostile

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
TODAY = datetime.date(2026, 11, 23)
QUIET = tuple(code.code for code in CODES.values() if code.quiet)


def valid(*diagnostics: Diagnostic, **more: Any) -> dict[str, Any]:
    """The one run of a report, which is valid after the way through JSON."""
    log = json.loads(json.dumps(sarif_dict(diagnostics, version="1.2.3", **more)))
    problems = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(log)]
    assert not problems, "\n".join(problems)
    (run,) = log["runs"]
    return run


def test_the_schema_is_the_published_one_and_refuses_what_is_wrong() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    log = sarif_dict(ALL, version="1.2.3")
    assert VALIDATOR.is_valid(log)
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not VALIDATOR.is_valid(log)


def test_the_whole_report() -> None:
    shop = {"uri": "policies/shop.kyn", "uriBaseId": "%SRCROOT%"}
    assert sarif_dict([PLAIN], version="1.2.3", page=lambda code: f"# {code}\n") == {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kynara",
                        "version": "1.2.3",
                        "informationUri": "kynara:rule",
                        "rules": [
                            {
                                "id": "KYN801",
                                "name": "undescribed-permit",
                                "shortDescription": {"text": "A permit does not say in words what it is for."},
                                "fullDescription": {"text": "A permit does not say in words what it is for."},
                                "helpUri": "kynara:rule/KYN801",
                                "help": {"text": "# KYN801\n", "markdown": "# KYN801\n"},
                                "defaultConfiguration": {"level": "warning"},
                            }
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "%SRCROOT%": {"description": {"text": "The folder in which kynara was run."}}
                },
                "results": [
                    {
                        "ruleId": "KYN801",
                        "ruleIndex": 0,
                        "level": "warning",
                        "message": {
                            "text": "the permit `read_orders` does not say what it is for\n"
                            'help: say it in words\npermit read_orders "…" {'
                        },
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": shop,
                                    "region": {"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 19},
                                },
                                "message": {"text": "no description"},
                            }
                        ],
                        "partialFingerprints": {"kynaraFingerprint/v1": "364b5353c0b9c3344c81caa248fbab6b:1"},
                    }
                ],
            }
        ],
    }


def test_a_report_without_findings_is_valid() -> None:
    run = valid()
    assert run["results"] == run["tool"]["driver"]["rules"] == []


def test_rules_are_those_that_occur_and_results_point_to_them() -> None:
    run = valid(*ALL, PLAIN)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["KYN301", "KYN305", "KYN410", "KYN801"]
    assert [result["ruleId"] for result in run["results"]] == ["KYN801", "KYN301", "KYN410", "KYN305", "KYN801"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["error", "note", "error", "warning"]


def test_the_level_is_that_of_the_finding_not_that_of_the_code() -> None:
    run = valid(evolve(NOTE, severity=Severity.ERROR))
    assert run["results"][0]["level"] == "error"
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == "note"


def test_second_places_are_related_locations() -> None:
    (result,) = valid(FIXED)["results"]
    order, user = result["relatedLocations"]
    assert (order["id"], order["message"]) == (0, {"text": "these are reached"})
    assert order["physicalLocation"]["artifactLocation"]["uri"] == "policies/my%20types.kyn"
    assert order["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 15}
    assert (user["id"], "message" in user) == (1, False)
    assert "message" not in result["locations"][0]
    assert "relatedLocations" not in valid(PLAIN)["results"][0]


def test_a_path_is_a_code_flow() -> None:
    (result,) = valid(PATH)["results"]
    ((flow,),) = (result["codeFlows"],)
    (thread,) = flow["threadFlows"]
    steps = [step["location"] for step in thread["locations"]]
    assert [step["message"]["text"] for step in steps] == ["it reads the key", "it refunds"]
    assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [3, 10]
    assert "codeFlows" not in valid(PLAIN)["results"][0]


def test_fixes_say_by_file_what_to_replace_and_whether_that_is_safe() -> None:
    (fix,) = valid(FIXED)["results"][0]["fixes"]
    assert fix["description"]["text"] == "add a scope (this can change decisions: read it before you take it)"
    assert fix["properties"] == {"safe": False}
    shop, types = fix["artifactChanges"]
    assert shop["artifactLocation"]["uri"] == "policies/shop.kyn"
    assert shop["replacements"] == [
        {
            "deletedRegion": {"startLine": 12, "startColumn": 12, "endLine": 13, "endColumn": 17},
            "insertedContent": {"text": "write"},
        }
    ]
    assert types["artifactLocation"]["uri"] == "policies/my%20types.kyn"
    (safe,) = valid(NOTE)["results"][0]["fixes"]
    assert safe["description"]["text"] == "write nothing"
    assert safe["properties"] == {"safe": True}


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("a/b.kyn", {"uri": "a/b.kyn", "uriBaseId": "%SRCROOT%"}),
        ("a b/ü#%?.kyn", {"uri": "a%20b/%C3%BC%23%25%3F.kyn", "uriBaseId": "%SRCROOT%"}),
        ("a:b.kyn", {"uri": "a%3Ab.kyn", "uriBaseId": "%SRCROOT%"}),
        ("<stdin>", {"uri": "%3Cstdin%3E", "uriBaseId": "%SRCROOT%"}),
        ("\udcff.kyn", {"uri": "%FF.kyn", "uriBaseId": "%SRCROOT%"}),
        ("/tmp/a b.kyn", {"uri": "file:///tmp/a%20b.kyn"}),
        ("C:/tmp/a b.kyn", {"uri": "file:///C:/tmp/a%20b.kyn"}),
    ],
)
def test_files_are_uris(name: str, location: dict[str, str]) -> None:
    source = Source(name, "permit")
    run = valid(Diagnostic("KYN001", "x", (Label(Span(source, 0, 6), ""),)))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == location


def test_columns_count_code_points() -> None:
    source = Source("a.kyn", 'let 😀é = "x"')
    run = valid(Diagnostic("KYN002", "x", (Label(Span(source, 5, 6), ""),)))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (run["columnKind"], region["startColumn"], region["endColumn"]) == ("unicodeCodePoints", 6, 7)


def test_an_empty_place_at_the_end_is_valid() -> None:
    source = Source("a.kyn", "permit\n")
    run = valid(Diagnostic("KYN001", "x", (Label(Span(source, 7, 7), ""),)))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 1}


def test_fingerprints_do_not_move_with_lines_and_are_unique() -> None:
    moved = Source("elsewhere.kyn", "\n\n# more\n" + SHOP.text)
    there = evolve(PLAIN, labels=(Label(at("read_orders", moved), ""),))
    here = valid(PLAIN, PLAIN, NOTE)["results"]
    prints = [result["partialFingerprints"]["kynaraFingerprint/v1"] for result in here]
    assert len(set(prints)) == 3
    assert valid(there)["results"][0]["partialFingerprints"] == here[0]["partialFingerprints"]


def test_nothing_hides_in_texts_or_becomes_a_link() -> None:
    text = json.dumps(sarif_dict([hostile()], version="1.2.3"))
    run = valid(hostile())
    (result,) = run["results"]
    places = [*result["locations"], *result["relatedLocations"]]
    messages = [result["message"]["text"], *(place["message"]["text"] for place in places)]
    messages += [result["fixes"][0]["description"]["text"]]
    messages += [step["location"]["message"]["text"] for step in result["codeFlows"][0]["threadFlows"][0]["locations"]]
    assert len(messages) == 5
    for message in messages:
        assert "\u241b[31m" in message
        assert all(character not in message for character in "\x1b\x00\r\u202e\ufffe")
        assert "](" not in message
    assert ESCAPE not in text


def test_every_code_makes_a_valid_rule() -> None:
    run = valid(*(evolve(PLAIN, code=code) for code in CODES))
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["name"]) for rule in rules] == [(code, CODES[code].name) for code in sorted(CODES)]
    assert all(rule["help"] == rule["shortDescription"] == {"text": CODES[rule["id"]].meaning} for rule in rules)


def test_the_pages_of_lints_are_the_help_of_rules() -> None:
    found = [evolve(PLAIN, code=code) for code in lint_codes()]
    run = valid(*found, page=lambda code: page_of(code).markdown)
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["help"]["text"].startswith(f"# {rule['id']} {rule['name']}\n")
        assert "## Why it matters\n" in rule["help"]["text"]
        assert rule["help"]["markdown"] == rule["help"]["text"]


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tests" / "golden" / "diagnostics").glob("*.kyn"), key=lambda path: path.name),
    ids=lambda path: path.stem,
)
def test_what_the_checker_says_of_every_golden_policy_is_valid(path: Path) -> None:
    if path.is_dir():
        sources = [Source(file.name, file.read_bytes().decode("utf-8")) for file in sorted(path.glob("*.kyn"))]
    else:
        sources = [Source(path.name, path.read_bytes().decode("utf-8"))]
    checked = check_sources(sources, lints=LintSettings(extend_select=QUIET), today=TODAY)
    run = valid(*checked.diagnostics)
    assert len(run["results"]) == len(checked.diagnostics)


@given(st.text(), st.text(max_size=20), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_any_text_makes_a_valid_report(text: str, name: str, start: int, size: int) -> None:
    source = Source(name, text)
    start = min(start, len(text))
    span = Span(source, start, min(start + size, len(text)))
    valid(Diagnostic("KYN101", text, (Label(span, text), Label(span, text)), (text,), text))
