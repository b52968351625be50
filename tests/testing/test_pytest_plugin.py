"""The plugin of pytest, run by pytest itself in folders of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.project import POLICY
from tests.cli.test_test import FAILING, TESTS

pytest_plugins = ["pytester"]

Pytest = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Pytest:
    """Run pytest with the plugin, and nothing of this repository."""

    def go(*arguments: str) -> pytest.RunResult:
        plugin = ("-p", "no:kynara", "-p", "kynara_lang.testing.pytest_plugin")
        return pytester.runpytest_inprocess(*plugin, "-p", "no:cacheprovider", *arguments)

    return go


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A folder with a policy, and tests beside it of which one fails."""
    folder = pytester.path / "policies"
    folder.mkdir()
    (folder / "shop.kyn").write_text(POLICY, encoding="utf-8")
    (folder / "tests.kyn").write_text(TESTS + FAILING, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("shop")
def test_every_test_is_an_item(run: Pytest) -> None:
    result = run("--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "policies/tests.kyn::everybody reads",
            "policies/tests.kyn::support refunds",
            "policies/tests.kyn::wrong on purpose",
        ]
    )
    result.assert_outcomes()


@pytest.mark.usefixtures("shop")
def test_a_failure_has_the_text_of_the_command(run: Pytest) -> None:
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "policies/tests.kyn:22: wanted deny, got allow",
            "22 |   expect deny read on o1",
            "*^^^^ wanted deny, got allow",
            "  = determined by shop.read_orders",
            '*allowed: User::"ann" may read Order::"o-1"*',
            "*did not determine that it is allow*",
            "*context.now: the context needs `now` for this decision",
            "FAILED policies/tests.kyn::wrong on purpose - policies/tests.kyn:22: wanted d*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


@pytest.mark.usefixtures("shop")
def test_items_are_chosen_as_usual(run: Pytest) -> None:
    run("-k", "support").assert_outcomes(passed=1, deselected=2)
    run("policies/tests.kyn::everybody reads").assert_outcomes(passed=1)
    run("-x", "-k", "wrong or refunds").assert_outcomes(passed=1, failed=1, deselected=1)


def test_files_of_python_are_collected_as_ever(run: Pytest, shop: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one="def test_one(): pass")
    (shop / "tests.kyn").write_text(TESTS, encoding="utf-8")
    run().assert_outcomes(passed=3)


def test_files_without_tests_are_left_alone_even_broken_ones(run: Pytest, shop: Path) -> None:
    other = shop.parent / "elsewhere"
    other.mkdir()
    (other / "broken.kyn").write_text('permit nothing at all\n# test "x"\n', encoding="utf-8")
    (other / "bytes.kyn").write_bytes(b"\xff\xfe\x00")
    run("-k", "not wrong").assert_outcomes(passed=2, deselected=1)


def test_a_program_with_errors_is_an_error_of_collection(run: Pytest, shop: Path) -> None:
    (shop / "shop.kyn").write_text(POLICY.replace("resource Order\n", "resource Ordre\n"), encoding="utf-8")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["error?KYN101?*", "*did you mean `Order`*"])
    assert "Traceback" not in result.stdout.str()


def test_a_file_of_the_project_belongs_to_its_program(run: Pytest, shop: Path) -> None:
    """The tests lie in a folder below the policies, which alone would be no program."""
    (shop.parent / "kynara.toml").write_text('policies = "policies"\n', encoding="utf-8")
    inner = shop / "tests"
    inner.mkdir()
    (shop / "tests.kyn").rename(inner / "shop.kyn")
    run("-k", "not wrong").assert_outcomes(passed=2, deselected=1)
    run("policies/tests/shop.kyn", "-k", "not wrong").assert_outcomes(passed=2, deselected=1)


def test_a_file_elsewhere_is_a_program_with_those_beside_it(run: Pytest, shop: Path) -> None:
    """Neither the program of the project nor what lies below takes part: their names would clash."""
    (shop.parent / "kynara.toml").write_text('policies = "policies"\n', encoding="utf-8")
    story = shop.parent / "story"
    (story / "deeper").mkdir(parents=True)
    for folder in (story, story / "deeper"):
        (folder / "shop.kyn").write_text(POLICY, encoding="utf-8")
        (folder / "tests.kyn").write_text(TESTS, encoding="utf-8")
    run("story").assert_outcomes(passed=4)
    run("-k", "not wrong").assert_outcomes(passed=6, deselected=1)


def test_libraries_of_the_configuration_are_found(run: Pytest, shop: Path) -> None:
    (shop.parent / "kynara.toml").write_text('policies = "policies"\nlibraries = ["lib"]\n', encoding="utf-8")
    library = shop.parent / "lib" / "acme"
    library.mkdir(parents=True)
    (library / "base.kyn").write_text("module acme.base\nrole clerk\n", encoding="utf-8")
    tests = TESTS.replace("module shop.tests\n", "module shop.tests\nimport acme.base (clerk)\n")
    (shop / "tests.kyn").write_text(tests.replace("with role support", "with role support, clerk"), encoding="utf-8")
    run().assert_outcomes(passed=2)


def test_a_broken_configuration_is_told_without_a_traceback(run: Pytest, shop: Path) -> None:
    (shop.parent / "kynara.toml").write_text("polices = 1\n", encoding="utf-8")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no key `polices`; did you mean `policies`?*"])
    assert "Traceback" not in result.stdout.str()


def test_a_file_that_cannot_be_read_is_told(run: Pytest, shop: Path) -> None:
    """A folder of that name stands for any file that cannot be opened."""
    (shop / "tests.kyn").write_text(TESTS, encoding="utf-8")
    (shop / "shop.kyn").unlink()
    (shop / "shop.kyn").symlink_to(shop / "nowhere.kyn")
    result = run("policies/tests.kyn")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*policies/shop.kyn*"])
    assert "Traceback" not in result.stdout.str()


def test_files_beside_one_are_no_links_out_of_the_folder(run: Pytest, shop: Path) -> None:
    (shop / "tests.kyn").write_text(TESTS, encoding="utf-8")
    (shop.parent / "token").write_text("secret", encoding="utf-8")
    (shop / "more.kyn").symlink_to("../token")
    result = run("policies/tests.kyn")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*more.kyn` is a link that leads out of the folder*"])
    assert "secret" not in result.stdout.str()


def test_the_distribution_names_the_plugin() -> None:
    import tomllib

    from tests.cli.project import ROOT

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"kynara": "kynara_lang.testing.pytest_plugin"}
    assert [name.partition(">")[0] for name in project["optional-dependencies"]["pytest"]] == ["pytest"]
