"""`kynara import cedar`: what it writes works, what it refuses is shown, and nothing that is there is touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.project import Run

pytest.importorskip("cedarpy", reason="the extra `bench` is not installed")

SCHEMA = """
entity User;
entity Doc { owner: User };
action read, edit appliesTo { principal: [User], resource: [Doc], context: { mfa: Bool } };
"""
POLICIES = """
@id("own") permit (principal, action, resource) when { resource.owner == principal };
@id("mfa") forbid (principal, action == Action::"edit", resource) unless { context.mfa };
"""
TAGGED = POLICIES + '@id("tagged") forbid (principal, action, resource) when { resource.hasTag("x") };\n'
ENTITIES = [
    {"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": []},
    {"uid": {"type": "Doc", "id": "d"}, "attrs": {"owner": {"__entity": {"type": "User", "id": "ann"}}}, "parents": []},
]
REQUESTS = [
    {"principal": 'User::"ann"', "action": 'Action::"edit"', "resource": 'Doc::"d"', "context": {"mfa": True}},
    {"principal": 'User::"ann"', "action": 'Action::"edit"', "resource": 'Doc::"d"', "context": {"mfa": False}},
    {"principal": {"type": "User", "id": "bob"}, "action": 'Action::"read"', "resource": 'Doc::"d"', "context": {}},
]


@pytest.fixture
def given(project: Path) -> Path:
    """The working folder has a Cedar program."""
    (project / "app.cedar").write_text(POLICIES, encoding="utf-8")
    (project / "tagged.cedar").write_text(TAGGED, encoding="utf-8")
    (project / "app.cedarschema").write_text(SCHEMA, encoding="utf-8")
    (project / "entities.json").write_text(json.dumps(ENTITIES), encoding="utf-8")
    (project / "asked.jsonl").write_text("".join(json.dumps(one) + "\n" for one in REQUESTS), encoding="utf-8")
    return project


def test_the_program_goes_to_standard_output(kynara: Run, given: Path) -> None:
    result = kynara("import", "cedar", "app.cedar", "--schema", "app.cedarschema")
    assert result.exit_code == 0
    assert result.stdout.startswith("# Imported from Cedar by `kynara import cedar`: app.cedar, app.cedarschema.")
    assert "permit own {" in result.stdout
    assert result.stderr == "2 policies: 2 translated\n"
    (given / "new").mkdir()
    (given / "new" / "app.kyn").write_text(result.stdout, encoding="utf-8")
    assert "error" not in kynara("check", "new").output
    assert kynara("fmt", "--check", "new").exit_code == 0


def test_policies_can_come_from_standard_input(kynara: Run, given: Path) -> None:
    result = kynara("import", "cedar", "-", "--schema", "app.cedarschema", input=POLICIES)
    assert result.exit_code == 0
    assert "# Cedar: <stdin>:2" in result.stdout


def test_everything_goes_to_a_folder_and_decides(kynara: Run, given: Path) -> None:
    options = ("--schema", "app.cedarschema", "--entities", "entities.json", "--requests", "asked.jsonl", "-o", "out")
    result = kynara("import", "cedar", "app.cedar", *options)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert [line for line in result.stderr.splitlines() if line.startswith("wrote")] == [
        "wrote out/app.kyn", "wrote out/entities.json", "wrote out/requests.jsonl"
    ]  # fmt: skip
    done = kynara("decide", "out/app.kyn", "--requests", "out/requests.jsonl", "--entities", "out/entities.json")
    assert [json.loads(line)["decision"] for line in done.stdout.splitlines()] == ["allow", "deny", "deny"]


def test_lines_of_requests_end_where_those_of_json_do(kynara: Run, given: Path) -> None:
    """A line separator may stand in a text of JSON, and a line of a form feed is no blank one."""
    options = ("app.cedar", "--schema", "app.cedarschema", "--requests", "asked.jsonl", "-o")
    named = json.dumps({**REQUESTS[2], "principal": 'User::"a\u2028b"'}, ensure_ascii=False)
    (given / "asked.jsonl").write_text(f"{named}\n \t\n{named}\n", encoding="utf-8")
    assert kynara("import", "cedar", *options, "out").exit_code == 0
    assert len((given / "out" / "requests.jsonl").read_text(encoding="utf-8").split("\n")) == 3
    (given / "asked.jsonl").write_text(f"\f\n{named}\n", encoding="utf-8")
    refused = kynara("import", "cedar", *options, "other")
    assert refused.exit_code == 2
    assert "`asked.jsonl`, line 1" in refused.stderr


def test_nothing_is_overwritten(kynara: Run, given: Path) -> None:
    (given / "out").mkdir()
    (given / "out" / "entities.json").write_text("mine", encoding="utf-8")
    options = ("--schema", "app.cedarschema", "--entities", "entities.json", "-o", "out")
    result = kynara("import", "cedar", "app.cedar", *options)
    assert result.exit_code == 2
    assert "`out/entities.json` is in the way" in result.stderr
    assert [path.name for path in (given / "out").iterdir()] == ["entities.json"]


def test_what_is_refused_is_shown_with_its_place_and_the_exit_code_is_1(kynara: Run, given: Path) -> None:
    result = kynara("import", "cedar", "tagged.cedar", "--schema", "app.cedarschema")
    assert result.exit_code == 1
    assert result.stderr == (
        "refused: forbid `tagged` (tagged.cedar:4): `hasTag`\n"
        " --> tagged.cedar:4:59\n"
        "  |\n"
        '4 | @id("tagged") forbid (principal, action, resource) when { resource.hasTag("x") };\n'
        "  |                                                           ^^^^^^^^^^^^^^^^^^^^\n"
        "  = why: entities have no tags in Kynara\n"
        "  = note: a forbid of everything that this one can be about stands in its place\n"
        "  = help: use an attribute that is a set of records or texts\n"
        "3 policies: 2 translated, 1 refused; 1 wider forbid in place of what was refused\n"
    )
    assert "NOT IMPORTED: forbid tagged (tagged.cedar:4)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["app.cedar"], "nothing says which types and attributes there are"),
        (["missing.cedar", "--schema", "app.cedarschema"], "`missing.cedar`"),
        (["app.cedarschema", "--schema", "app.cedarschema"], "`app.cedarschema` is not Cedar"),
        (["app.cedar", "--schema", "app.cedar"], "`app.cedar` is no Cedar schema"),
        (["app.cedar", "--entities", "asked.jsonl"], "`asked.jsonl` is not JSON"),
        (["app.cedar", "--schema", "app.cedarschema", "--requests", "asked.jsonl"], "needs '-o DIR'"),
        (["app.cedar", "--schema", "app.cedarschema", "--requests", "app.cedar", "-o", "out"], "`app.cedar`, line 2"),
        (["-", "--schema", "-"], "can be only one of the files"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_read_ends_with_exit_code_2(
    kynara: Run, given: Path, arguments: list[str], message: str
) -> None:
    result = kynara("import", "cedar", *arguments, input="")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (given / "out").exists()


def test_text_without_the_extra_names_it(kynara: Run, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    result = kynara("import", "cedar", "app.cedar", "--schema", "app.cedarschema")
    assert result.exit_code == 2
    assert 'pip install "kynara-lang[bench]"' in result.stderr
