"""The configuration and the options that select lints: what they mean, what is refused, and what is shown."""

import datetime
import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import Result

import kynara_lang as kynara
from kynara_lang.checker import linter
from kynara_lang.checker.linter import Lint, LintSettings, Option
from kynara_lang.checker.settings import FileIgnores, matches
from kynara_lang.configuration import _KEYS, Configuration, ConfigurationError, find_configuration
from kynara_lang.diagnostics.diagnostic import Severity
from tests.cli.project import ROOT, Run

POLICY = """\
subject User
resource Doc
action read on Doc

permit reads { subject User  action read  resource Doc  scope any "all of it is public" }
"""
"""Has two findings that count here: KYN305, which is quiet, and KYN801."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(*names: str, text: str = "") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def refused(text: str, *, options_later: bool = False) -> list[str]:
    """Return what is wrong with a configuration, line by line and without the name of the file."""
    write("kynara.toml", text=text)
    with pytest.raises(ConfigurationError) as error:
        find_configuration(".", options_later=options_later)
    lines = str(error.value).splitlines()
    assert all(line.startswith("kynara.toml: ") for line in lines)
    return [line.removeprefix("kynara.toml: ") for line in lines]


# Finding and reading it


def test_without_configuration_nothing_is_configured(here: Path) -> None:
    assert find_configuration(here) == Configuration()


def test_the_nearest_configuration_counts_and_its_paths_are_relative_to_it(here: Path) -> None:
    write("kynara.toml", text='policies = "outer"')
    write("sub/kynara.toml", text='policies = ["a", "b/c"]\nlibraries = ["../lib"]\nbaseline = "held.json"')
    write("sub/deep/er/x.kyn")
    os.chdir("sub/deep")
    found = find_configuration("er")
    assert found.policies == (os.path.join("..", "a"), os.path.join("..", "b", "c"))
    assert found.libraries == (os.path.join("..", "..", "lib"),)
    assert found.baseline == os.path.join("..", "held.json")
    assert found.file == (here / "sub" / "kynara.toml").as_posix()


def test_pyproject_counts_only_if_it_has_the_table() -> None:
    write("pyproject.toml", text='[tool.kynara]\npolicies = "rules"')
    write("sub/pyproject.toml", text="[tool.other]\n# kynara")
    assert find_configuration("sub").policies == ("rules",)
    assert find_configuration("sub").file == "pyproject.toml"


def test_kynara_toml_counts_more_than_pyproject() -> None:
    write("pyproject.toml", text='[tool.kynara]\npolicies = "b"')
    write("kynara.toml", text='policies = "a"')
    assert find_configuration(".").policies == ("a",)


def test_a_broken_pyproject_that_is_none_of_our_business_is_passed_over() -> None:
    write("pyproject.toml", text="this is = = not toml")
    assert find_configuration(".") == Configuration()


def test_absolute_paths_stay(here: Path) -> None:
    place = str(here / "x")
    write("kynara.toml", text=f"policies = '{place}'")
    assert find_configuration(".").policies == (place,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('polices = "a"', "there is no key `polices`; did you mean `policies`?"),
        ("extend_select = []", "there is no key `extend_select`; did you mean `extend-select`?"),
        (
            "zzz = 1",
            "there is no key `zzz`; known are `policies`, `libraries`, `select`, `extend-select`, `ignore`, "
            "`per-file-ignores`, `severity`, `options`, `baseline`",
        ),
        ("policies = 5", "`policies` must be a path or a list of paths, not the number `5`"),
        ("policies = true", "`policies` must be a path or a list of paths, not `true`"),
        ("policies = []", "`policies` must be a path or a list of paths, not an empty list"),
        ('policies = ""', "`policies` must hold paths, not an empty text"),
        ('policies = ["a", 1]', "`policies` must hold paths, not the number `1`"),
        ("policies = {a = 1}", "`policies` must be a path or a list of paths, not a table"),
        ("policies = 2026-01-01", "`policies` must be a path or a list of paths, not a time"),
        ('libraries = "lib"', "`libraries` must be a list of paths, not the text `lib`"),
        ("baseline = []", "`baseline` must be a path, not an empty list"),
        ('baseline = ""', "`baseline` must hold paths, not an empty text"),
        ('select = "KYN3"', "`select` must be a list of codes, not the text `KYN3`"),
        ("select = [3]", "`select` must hold codes, not the number `3`"),
        ('select = ["vacuous-scope"]', "`select` must hold codes: `vacuous-scope` is a name; the code is `KYN302`"),
        (
            'extend-select = ["vacuous_scoop"]',
            "`extend-select` must hold codes: there is no code `vacuous_scoop`; did you mean `KYN302` (vacuous-scope)?",
        ),
        ('ignore = ["302"]', "`ignore` must hold codes: there is no code `302`; did you mean `KYN302`?"),
        ('ignore = ["kyn3"]', "`ignore` must hold codes: there is no code `kyn3`; did you mean `KYN3`?"),
        ('ignore = ["all"]', "`ignore` must hold codes: there is no code `all`; all lints are `KYN`"),
        (
            'ignore = ["KYN699"]',
            "`ignore` must hold codes: there is no code `KYN699`; known are "
            "`KYN601`, `KYN602`, `KYN603`, `KYN604`, `KYN605`, `KYN606`, `KYN607`",
        ),
        (
            'ignore = ["no!"]',
            "`ignore` must hold codes: there is no code `no!`; known are codes such as `KYN302`, prefixes such as `KYN3`",
        ),
        ('ignore = ["KYN101"]', "`ignore` names `KYN101`: what the language itself demands cannot be ignored"),
        ('ignore = ["KYN1"]', "`ignore` names `KYN1`: what the language itself demands cannot be ignored"),
        ('per-file-ignores = ["KYN3"]', "`per-file-ignores` must be a table from globs to lists of codes, not a list"),
        (
            'per-file-ignores = {"a.kyn" = "KYN3"}',
            "`per-file-ignores` of `a.kyn` must be a list of codes, not the text `KYN3`",
        ),
        (
            'per-file-ignores = {"a.kyn" = ["KYN301"]}',
            "`per-file-ignores` of `a.kyn` names `KYN301`: what the language itself demands cannot be ignored",
        ),
        (
            'per-file-ignores = {"a?.kyn" = ["KYN3"]}',
            "`per-file-ignores`: the glob `a?.kyn` has `?`; only `*` and `**` have a meaning in a glob",
        ),
        (
            'per-file-ignores = {"tests/" = ["KYN3"]}',
            "`per-file-ignores`: the glob `tests/` names no files; all files below a folder are `folder/**`",
        ),
        (
            'per-file-ignores = {"/tests" = ["KYN3"]}',
            "`per-file-ignores`: the glob `/tests` is absolute; globs are relative to the folder of the configuration",
        ),
        (
            'per-file-ignores = {"a**/b" = ["KYN3"]}',
            "`per-file-ignores`: the glob `a**/b` has `**` beside other signs; "
            "it stands for whole folders: `**/tests/*.kyn`",
        ),
        (
            "per-file-ignores = {'a\\b' = [\"KYN3\"]}",
            "`per-file-ignores`: the glob `a\\b` has a backslash; folders are separated by `/`",
        ),
        ("severity = []", "`severity` must be a table from codes to severities, not an empty list"),
        (
            "severity = {KYN302 = 'fatal'}",
            "`severity` of `KYN302` must be `error`, `warning` or `note`, not the text `fatal`",
        ),
        ("severity = {KYN302 = 1}", "`severity` of `KYN302` must be `error`, `warning` or `note`, not the number `1`"),
        (
            "severity = {KYN101 = 'note'}",
            "`severity` names `KYN101`, which is a mistake in the language and stays an error",
        ),
        (
            "severity = {vacuous-scope = 'note'}",
            "`severity` must hold codes: `vacuous-scope` is a name; the code is `KYN302`",
        ),
        ("policies = = 1", "line 1, column 12: this is not valid TOML: invalid value"),
        ("policies = ", "end of document: this is not valid TOML: invalid value"),
        ("#" + "x" * 2_000_000, "it is larger than 1 MiB"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_why(text: str, message: str) -> None:
    assert refused(text) == [message]


def test_broken_toml_of_any_kind_is_refused() -> None:
    assert "this is not valid TOML: " in refused('policies = "a')[0]
    assert refused("a = " + "[" * 20_000)


@pytest.mark.parametrize("path", ["x.kyn", "token", "../token", "/proc/self/environ"])
def test_a_configuration_names_folders_and_policy_files_alone(here: Path, path: str) -> None:
    write("token", "../token", text="secret")
    os.symlink("token", "x.kyn")
    (problem,) = refused(f'policies = ["policies", "{path}"]')
    assert problem.startswith(f"`policies` names `{path}`, which is no `.kyn` file and is not read: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("key", ["policies", "baseline"])
def test_a_configuration_that_names_a_pipe_is_refused(key: str) -> None:
    os.mkfifo("pipe.kyn")
    os.symlink("pipe.kyn", "link.kyn")
    why = "which is neither a file nor a folder: reading it could take for ever"
    assert refused(f'{key} = "link.kyn"') == [f"`{key}` names `link.kyn`, {why}"]


def test_standard_input_is_no_baseline_of_a_configuration() -> None:
    write("kynara.toml", text='baseline = "-"')
    assert find_configuration(".").baseline == os.path.join(".", "-")


LARGE = "9" * 5000
LARGE_IN_BITS = "0x" + "f" * 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"\nignore = {LARGE}", "line 2: this is not valid TOML: it has a whole number beyond 64 bits; write a smaller one"),
        (f"ignore = {LARGE_IN_BITS}", "`ignore` must be a list of codes, not a whole number beyond 64 bits"),
        (f"ignore = -{2**63 + 1}", "`ignore` must be a list of codes, not a whole number beyond 64 bits"),
        (f"ignore = -{2**63}", f"`ignore` must be a list of codes, not the number `-{2**63}`"),
        (f"ignore = [{LARGE_IN_BITS}]", "`ignore` must hold codes, not a whole number beyond 64 bits"),
        *(
            (
                f"options = {{KYN603 = {{decimals = {value}}}}}",
                "`options` of `KYN603` cannot be used: it has a whole number beyond 64 bits; write a smaller one",
            )
            for value in (LARGE_IN_BITS, f"[1, {LARGE_IN_BITS}]", f"{{a = [{LARGE_IN_BITS}]}}")
        ),
    ],
    ids=lambda value: value[:40],
)
@pytest.mark.parametrize("later", [False, True])
def test_a_number_that_python_does_not_write_is_a_mistake_as_any(text: str, message: str, later: bool) -> None:
    assert refused(text, options_later=later) == [message]


@pytest.mark.parametrize("part", ["a", '"a b"', "'.'", "a-1 "])
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "options = {{ {} = 1 }}"])
def test_a_key_of_very_many_parts_is_refused_before_it_takes_long(part: str, form: str) -> None:
    line = form.format(".".join([part] * 100_000))
    assert refused(f"# ok\n{line}") == ["line 2: a key has more than 100 parts"]
    assert not any("parts" in problem for problem in refused(form.format(".".join(["zzz"] * 90))))


def test_all_mistakes_of_a_configuration_are_told_at_once() -> None:
    found = refused('polices = "a"\nlibraries = 3\nignore = ["KYN101", "nope!"]\nselect = ["x!"]\nseverity = {KYN3 = 1}')
    assert len(found) == 6


def test_a_configuration_must_be_utf_8_and_a_table() -> None:
    Path("kynara.toml").write_bytes(b"# ok\npolicies = '\xff'")
    with pytest.raises(ConfigurationError, match=r"kynara\.toml: line 2: it is not UTF-8 text"):
        find_configuration(".")
    os.remove("kynara.toml")
    write("pyproject.toml", text="[tool]\nkynara = 3")
    with pytest.raises(ConfigurationError, match=r"`tool\.kynara` must be a table, not the number `3`"):
        find_configuration(".")


def test_the_configurations_of_the_reference_can_be_used() -> None:
    reference = (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", reference, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        write("kynara.toml", text=block)
        assert find_configuration(".").policies
    assert find_configuration(".").given == set(_KEYS), "the last one shows every key"


# Options of lints


@pytest.fixture
def optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give KYN302 an option of each type."""
    options = (
        Option("most", 3, "x", lambda value: "must be more than 0" if value < 1 else None),
        Option("unit", "day", "x"),
        Option("names", ("a",), "x"),
    )
    monkeypatch.setattr(linter, "lint_codes", lambda: ("KYN302", "KYN305"))
    monkeypatch.setattr(linter, "lint_of", lambda code: Lint(options=options if code == "KYN302" else ()))


@pytest.mark.usefixtures("optional")
def test_options_of_lints() -> None:
    write("kynara.toml", text='[options.KYN302]\nmost = 4\nunit = "week"\nnames = ["b", "c"]')
    found = find_configuration(".").lints
    assert found.options == {"KYN302": {"most": 4, "unit": "week", "names": ("b", "c")}}


@pytest.mark.usefixtures("optional")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("options = 3", "`options` must be a table from codes to tables of options, not the number `3`"),
        ("[options]\nKYN302 = 3", "`options` of `KYN302` must be a table of options, not the number `3`"),
        ("[options.KYN302]\nmosst = 3", "`options` of `KYN302` know no `mosst`; did you mean `most`?"),
        ("[options.KYN302]\nz = 3", "`options` of `KYN302` know no `z`; known are `most`, `unit`, `names`"),
        ("[options.KYN302]\nmost = true", "`options` of `KYN302`: `most` must be a whole number, not `true`"),
        ("[options.KYN302]\nmost = 1.5", "`options` of `KYN302`: `most` must be a whole number, not the number `1.5`"),
        ("[options.KYN302]\nmost = 0", "`options` of `KYN302`: `most` must be more than 0"),
        ("[options.KYN302]\nunit = 1", "`options` of `KYN302`: `unit` must be a text, not the number `1`"),
        ('[options.KYN302]\nnames = "a"', "`options` of `KYN302`: `names` must be a list of texts, not the text `a`"),
        ("[options.KYN302]\nnames = [1]", "`options` of `KYN302`: `names` must be a list of texts, not a list"),
        ("[options.KYN305]\nmost = 1", "`options` of `KYN305` cannot be set, because it has none"),
        ("[options.KYN101]\nmost = 1", "`options` of `KYN101` cannot be set, because it has none"),
        ("[options.KYN3]\nmost = 1", "`options` are of one lint each; `KYN3` stands for several"),
        ("[options.vacuous-scope]\nmost = 1", "`options` must hold codes: `vacuous-scope` is a name; the code is `KYN302`"),
    ],
)
def test_options_that_cannot_be_used(text: str, message: str) -> None:
    assert refused(text) == [message]


# What selects what


@pytest.mark.parametrize(
    ("settings", "selected", "refused"),
    [
        (LintSettings(), "KYN302 KYN803", "KYN305"),
        (LintSettings(ignore=("KYN3",)), "KYN501", "KYN302"),
        (LintSettings(ignore=("KYN3",), extend_select=("KYN302",)), "KYN302", "KYN303"),
        (LintSettings(select=("KYN302",), ignore=("KYN302",)), "", "KYN302 KYN303"),
        (LintSettings(select=("KYN3",)), "KYN302 KYN305", "KYN501"),
        (LintSettings(select=()), "", "KYN302"),
    ],
)
def test_the_longer_prefix_counts_more(settings: LintSettings, selected: str, refused: str) -> None:
    assert all(settings.selects(code) for code in selected.split())
    assert not any(settings.selects(code) for code in refused.split())


FILE = LintSettings(select=("KYN3",), ignore=("KYN302", "KYN306"), extend_select=("KYN801",))


@pytest.mark.parametrize(
    ("asked", "selected", "refused"),
    [
        ({}, "KYN303 KYN305 KYN801", "KYN302 KYN306 KYN501"),
        ({"select": ("KYN302",)}, "KYN302", "KYN303 KYN801"),
        ({"select": ("KYN",)}, "KYN302 KYN501", "KYN305"),
        ({"select": ("KYN3",), "ignore": ("KYN303",)}, "KYN302", "KYN303"),
        ({"ignore": ("KYN8",)}, "KYN303", "KYN801 KYN302"),
        ({"ignore": ("KYN",)}, "", "KYN303 KYN801"),
        ({"extend_select": ("KYN3",)}, "KYN302 KYN306 KYN801", "KYN501"),
        ({"extend_select": ("KYN302",)}, "KYN302", "KYN306"),
        ({"extend_select": ("KYN5",), "ignore": ("KYN501",)}, "KYN502", "KYN501 KYN302"),
    ],
)
def test_the_command_line_counts_more_than_the_file(
    asked: dict[str, tuple[str, ...]], selected: str, refused: str
) -> None:
    settings = FILE.asked(**asked)
    assert [code for code in selected.split() if not settings.selects(code)] == []
    assert [code for code in refused.split() if settings.selects(code)] == []


def test_the_longer_prefix_gives_the_severity() -> None:
    settings = LintSettings(severities={"KYN3": Severity.NOTE, "KYN302": Severity.WARNING})
    assert settings.severity("KYN302") is Severity.WARNING
    assert settings.severity("KYN303") is Severity.NOTE
    assert settings.severity("KYN501") is None


@pytest.mark.parametrize(
    ("glob", "named", "others"),
    [
        ("a.kyn", "a.kyn", "b/a.kyn a.kynx"),
        ("*.kyn", "a.kyn b.kyn", "b/a.kyn"),
        ("tests/**", "tests/a.kyn tests/x/y/a.kyn", "testsx/a.kyn x/tests/a.kyn"),
        ("tests/*", "tests/a.kyn", "tests/x/a.kyn"),
        ("**/tests/*.kyn", "tests/a.kyn x/y/tests/a.kyn", "tests/x/a.kyn"),
        ("a/**/b.kyn", "a/b.kyn a/x/y/b.kyn", "a/xb.kyn b.kyn"),
        ("*/x-*-y/*", "a/x-1-y/b", "a/x-y/b a/x-1-y"),
        ("**", "a.kyn a/b.kyn", ""),
    ],
)
def test_globs_go_by_whole_segments(glob: str, named: str, others: str) -> None:
    assert all(matches(glob, path) for path in named.split())
    assert not any(matches(glob, path) for path in others.split())


def test_a_hostile_glob_takes_no_time() -> None:
    assert not matches("/".join(["**", "*a*a*a*a*"] * 200), "/".join(["a" * 200] * 200) + "/b")


def test_equal_settings_have_equal_keys() -> None:
    one = LintSettings(severities={"KYN3": Severity.NOTE, "KYN5": Severity.NOTE}, options={"KYN302": {"a": (1,)}})
    other = LintSettings(severities={"KYN5": Severity.NOTE, "KYN3": Severity.NOTE}, options={"KYN302": {"a": (1,)}})
    assert one.key() == other.key()
    different = [
        LintSettings(),
        LintSettings(select=("KYN3",)),
        LintSettings(ignore=("KYN3",)),
        LintSettings(severities={"KYN3": Severity.NOTE}),
        LintSettings(options={"KYN302": {"a": 1}}),
        LintSettings(per_file_ignores=(FileIgnores("a", ("KYN3",)),)),
        LintSettings(working="/a"),
    ]
    assert len({settings.key() for settings in different}) == len(different)


def test_options_of_a_wrong_type_have_a_key_of_their_own() -> None:
    one, other = (LintSettings(options={"KYN302": {"a": day}}) for day in (datetime.date(2026, 1, 1), "2026-01-01"))
    assert one.key() != other.key()


# On the command line and from Python


def codes(result: Result) -> list[str]:
    found = [finding["code"] for finding in json.loads(result.stdout)["diagnostics"]]
    return [code for code in found if code in ("KYN305", "KYN801")]


def checked(kynara: Run, *arguments: str) -> list[str]:
    return codes(kynara("check", "policies", "--output-format", "json", *arguments))


@pytest.fixture
def policies(project: Path) -> Path:
    """A project with the findings KYN305 and KYN801."""
    (project / "policies" / "shop.kyn").write_text(POLICY, encoding="utf-8")
    return project


def test_options_select(kynara: Run, policies: Path) -> None:
    assert checked(kynara) == ["KYN801"]
    assert checked(kynara, "--ignore", "KYN5,KYN801") == []
    assert checked(kynara, "--extend-select", "KYN305") == ["KYN801", "KYN305"]
    assert checked(kynara, "--select", "KYN305", "--select", "KYN5, KYN6") == ["KYN305"]
    (policies / "kynara.toml").write_text('select = ["KYN305"]\nextend-select = ["KYN801"]\n[severity]\nKYN305 = "error"')
    assert checked(kynara) == ["KYN801", "KYN305"]
    assert checked(kynara, "--ignore", "KYN") == []
    assert kynara("check", "policies", "--select", "KYN305").exit_code == 1
    (policies / "kynara.toml").write_text('[severity]\nKYN8 = "note"')
    assert kynara("check", "policies", "--select", "KYN801").exit_code == 0
    (policies / "kynara.toml").write_text("")
    assert kynara("check", "policies", "--select", "KYN801").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "KYN3,n!"], "'--select': there is no code `n!`; known are codes such as"),
        (["--ignore", "undescribed-permit"], "'--ignore': `undescribed-permit` is a name; the code is `KYN801`"),
        (["--ignore", "KYN101"], "'--ignore': it names `KYN101`: what the language itself demands cannot be ignored"),
        (["--extend-select", "kyn801"], "'--extend-select': there is no code `kyn801`; did you mean `KYN801`?"),
    ],
)
def test_unknown_codes_are_usage_errors(kynara: Run, policies: Path, arguments: list[str], message: str) -> None:
    result = kynara("check", "policies", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_no_setting_silences_the_language(kynara: Run, project: Path) -> None:
    (project / "kynara.toml").write_text('ignore = ["KYN"]\nper-file-ignores = {"**" = ["KYN"]}\nseverity = {KYN = "note"}')
    result = kynara("check", "broken", "--output-format", "concise")
    assert result.exit_code == 1
    assert result.stdout.count("error[KYN101]") == 2


def test_ignores_of_some_files(kynara: Run, policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (policies / "kynara.toml").write_text('[per-file-ignores]\n"policies/*.kyn" = ["KYN5", "KYN8"]')
    assert checked(kynara) == []
    assert codes(kynara("check", str(policies / "policies"), "--output-format", "json")) == []
    monkeypatch.chdir(policies / "policies")
    assert codes(kynara("check", ".", "--output-format", "json")) == []
    (policies / "broken").mkdir(exist_ok=True)
    monkeypatch.chdir(policies / "broken")
    assert codes(kynara("check", "../policies", "--output-format", "json")) == []
    (policies / "kynara.toml").write_text('[per-file-ignores]\n"shop.kyn" = ["KYN8"]')
    assert codes(kynara("check", "../policies", "--output-format", "json")) == ["KYN801"]


def test_python_uses_the_configuration_and_loading_runs_no_lints(policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (policies / "kynara.toml").write_text('per-file-ignores = {"policies/**" = ["KYN801"]}\nselect = ["KYN305", "KYN801"]')
    assert [d.code for d in kynara.check("policies").diagnostics] == ["KYN305"]
    monkeypatch.chdir("/")
    assert [d.code for d in kynara.check(policies / "policies").diagnostics] == ["KYN305"]
    (policies / "kynara.toml").write_text('select = ["KYN801"]\nseverity = {KYN801 = "error"}')
    report = kynara.check(policies / "policies")
    assert (report.ok, [str(d.severity) for d in report.diagnostics]) == (False, ["error"])
    assert kynara.load(policies / "policies").digest == kynara.loads(POLICY, name="shop.kyn").digest


# Showing them


def test_settings_are_shown_with_where_they_come_from(kynara: Run, policies: Path) -> None:
    (policies / "kynara.toml").write_text(
        'policies = "policies"\nbaseline = "held.json"\nignore = ["KYN801"]\nselect = ["KYN3", "KYN8"]\n'
        'severity = {KYN3 = "note"}\nper-file-ignores = {"tests/**" = ["KYN802"]}'
    )
    result = kynara("check", "--show-settings", "--ignore", "KYN302", "--extend-select", "KYN5")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = {line.split("  ")[0]: line.partition("  # ")[2] for line in result.stdout.splitlines()}
    assert shown['policies = ["policies"]'] == "kynara.toml"
    assert shown["libraries = []"] == "default"
    assert shown['select = ["KYN3", "KYN8"]'] == "kynara.toml"
    assert shown['extend-select = ["KYN5"]'] == "--extend-select"
    assert shown['ignore = ["KYN801", "KYN302"]'] == "kynara.toml, --ignore"
    assert shown['baseline = "held.json"'] == "kynara.toml"
    assert shown["[severity]"] == "kynara.toml"
    assert {"#   KYN305 unscoped-on-purpose", "#   KYN803 useless-suppression"} <= set(result.stdout.splitlines())
    assert "KYN801 undescribed" not in result.stdout
    read = tomllib.loads(result.stdout)
    assert (read["severity"], read["per-file-ignores"]) == ({"KYN3": "note"}, {"tests/**": ["KYN802"]})


def test_what_is_shown_replaces_the_file_when_select_is_given(kynara: Run, policies: Path) -> None:
    (policies / "kynara.toml").write_text('ignore = ["KYN801"]')
    lines = kynara("check", "--show-settings", "--select", "KYN3").stdout.splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["select", "=", '["KYN3"]', "#", "--select"],
        ["extend-select", "=", "[]", "#", "default"],
        ["ignore", "=", "[]", "#", "default"],
    ]


@pytest.mark.usefixtures("optional")
def test_options_are_shown_with_their_defaults(kynara: Run, policies: Path) -> None:
    (policies / "kynara.toml").write_text("[options.KYN302]\nmost = 7")
    shown = kynara("check", "--show-settings").stdout
    assert tomllib.loads(shown)["options"] == {"KYN302": {"most": 7, "unit": "day", "names": ["a"]}}
    (most,) = (line for line in shown.splitlines() if line.startswith("most"))
    assert most.endswith("# kynara.toml")


def test_settings_without_configuration(kynara: Run) -> None:
    result = kynara("check", "--show-settings")
    assert result.exit_code == 0
    assert tomllib.loads(result.stdout)["select"] == ["KYN"]
    assert "# there is no baseline" in result.stdout
