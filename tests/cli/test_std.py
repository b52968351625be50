"""`kynara std`: the modules of the standard library, in every format, and what is said of one that does not exist."""

import json
import re

import pytest

from kynara_lang import resources
from kynara_lang.diagnostics.source import Source
from kynara_lang.libraries import standard_library
from kynara_lang.pipeline import check_sources
from tests.cli.project import Run

MODULES = resources.library_modules()
ESCAPE = "\x1b["


# the list


def test_every_module_has_its_line(kynara: Run) -> None:
    result = kynara("std")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.findall(r"^(std\.\w+)  +[A-Z]", result.stdout, re.MULTILINE) == MODULES
    assert result.stdout.endswith(f"\n{len(MODULES)} modules; `kynara std NAME` shows one.\n")


@pytest.mark.parametrize("columns", [200, 60])
def test_a_long_line_goes_on_below_itself(kynara: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = kynara("std").stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(line.startswith(("std.", "     ")) for line in lines[:-2])
    assert (len(lines) == len(MODULES) + 2) is (columns == 200)


def test_the_list_as_json_and_markdown(kynara: Run) -> None:
    data = json.loads(kynara("std", "--format", "json").stdout)
    assert data["version"] == 1
    assert [set(module) for module in data["modules"]] == [{"name", "summary"}] * len(MODULES)
    table = kynara("std", "--format", "markdown").stdout
    for module in data["modules"]:
        assert f"| `{module['name']}` | {module['summary']} |\n" in table


# a module


def test_a_page_says_how_it_is_imported_and_what_it_declares(kynara: Run) -> None:
    shown = kynara("std", "std.tenancy").stdout
    assert shown == kynara("std", "tenancy").stdout
    assert shown.startswith("std.tenancy\n  Tenants kept apart: nobody acts on what belongs to another tenant.\n")
    assert "    import std.tenancy (Tenanted, same_tenant)\n" in shown
    assert "  - `Tenanted { tenant: String }`: Something that belongs to one tenant.\n" in shown
    assert "  - `same_tenant(a: Tenanted, b: Tenanted)`: Whether two things belong to the same tenant.\n" in shown
    assert (
        '    forbid no_crossing "Nobody acts on what belongs to another tenant" {\n      subject  Tenanted\n' in shown
    )
    assert "`import std.tenancy` alone only narrows" in " ".join(shown.split())


def test_a_permit_is_said_to_need_its_name(kynara: Run) -> None:
    words = " ".join(kynara("std", "break_glass").stdout.split())
    assert "The permit `emergency_access` is active only if the list has its name." in words
    assert "The permit" not in kynara("std", "tenancy").stdout


@pytest.mark.parametrize("module", MODULES)
def test_the_import_that_is_shown_can_be_copied(kynara: Run, module: str) -> None:
    shown = kynara("std", module, "--format", "markdown").stdout
    (program,) = re.findall(r"^```kyn\n(import .*?)\n```$", shown, re.MULTILINE | re.DOTALL)
    checked = check_sources([Source("policy.kyn", f"{program}\nsubject User")])
    assert [d.message for d in checked.diagnostics] == []
    (names,) = [module["names"] for module in json.loads(kynara("std", module, "--format", "json").stdout)["modules"]]
    assert re.findall(r"\w+", program.partition("(")[2]) == names


@pytest.mark.parametrize("module", MODULES)
def test_everything_that_a_module_declares_is_on_its_page(kynara: Run, module: str) -> None:
    (page,) = json.loads(kynara("std", module, "--format", "json").stdout)["modules"]
    source = standard_library().find(module)
    assert source is not None
    declared = re.findall(r"^(?:trait|type|role|let|forbid|permit|require approval) (\w+)", source.text, re.MULTILINE)
    declared += re.findall(r"^action group\.(\w+)", source.text, re.MULTILINE)
    kinds = ("traits", "types", "groups", "roles", "constants", "predicates")
    told = [entry["name"] for kind in kinds for entry in page[kind]]
    told += [rule["name"].removeprefix(f"{module}.") for rule in page["rules"]]
    assert sorted(told) == sorted(declared)
    for kind in kinds:
        for entry in page[kind]:
            assert entry["doc"]
            assert entry["signature"].startswith(entry["name"])
    text = kynara("std", module).stdout
    for rule in page["rules"]:
        assert rule["description"]
        assert rule["text"].splitlines()[0] in text
    assert "# kynara:" not in text


@pytest.mark.parametrize("columns", [200, 60])
@pytest.mark.parametrize("module", MODULES)
def test_a_page_fits_its_width(kynara: Run, monkeypatch: pytest.MonkeyPatch, module: str, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = kynara("std", module).stdout
    wrapped = [line for line in shown.splitlines() if not line.startswith("    ")]  # programs are not
    assert max(map(len, wrapped)) <= min(columns, 100)
    assert "```" not in shown


def test_several_are_shown_in_the_order_they_are_asked_for_each_once(kynara: Run) -> None:
    shown = kynara("std", "tenancy", "agents", "std.tenancy").stdout
    assert re.findall(r"^std\.\w+$", shown, re.MULTILINE) == ["std.tenancy", "std.agents"]
    everything = kynara("std", "--all").stdout
    assert re.findall(r"^std\.\w+$", everything, re.MULTILINE) == MODULES


def test_colour_is_laid_over_the_text_and_says_nothing_of_its_own(kynara: Run) -> None:
    plain, colored = kynara("std", "money").stdout, kynara("std", "money", "--color", "always").stdout
    assert ESCAPE in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


# what does not exist


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tenacy", "the standard library has no module `tenacy`; did you mean `std.tenancy`?"),
        ("std.emial", "the standard library has no module `std.emial`; did you mean `std.email`?"),
        ("same_tenant", "the standard library has no module `same_tenant`; `same_tenant` is declared by `std.tenancy`"),
        ("McpTool", "the standard library has no module `McpTool`; `McpTool` is declared by `std.mcp`"),
        ("zzzzzz", "the standard library has no module `zzzzzz`; `kynara std` lists what there is"),
        ("../std/agents", "the standard library has no module `../std/agents`"),
    ],
)
def test_what_is_unknown_is_told_with_what_was_meant(kynara: Run, word: str, said: str) -> None:
    result = kynara("std", "tenancy", word)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {said}")
    assert len(result.stderr.splitlines()) == 1


def test_a_terminal_is_never_sent_what_was_typed(kynara: Run) -> None:
    assert "module `\\u{1b}[31m`" in kynara("std", "\x1b[31m").stderr
