"""The public interface of the package: `load`, `loads`, `check`, and what they raise."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from tests.cli.project import POLICY, ROOT

REQUEST: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice", "properties": {"tenant": "acme"}},
    "action": {"name": "read"},
    "resource": {"type": "Order", "id": "o-1", "properties": {"tenant": "acme"}},
}


def test_everything_public_is_there() -> None:
    for name in kynara.__all__:
        assert getattr(kynara, name) is not None
    assert set(kynara.__all__) <= set(dir(kynara))
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(kynara, "non" + "sense")


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, kynara_lang; print([m for m in sys.modules if m.startswith('kynara_lang.')])"
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
    assert ran.stdout.strip() == b"['kynara_lang.version']"  # one line of text


def test_load_and_decide(project: Path) -> None:
    for paths in ("policies", project / "policies", ["policies/shop.kyn"], [project / "policies" / "shop.kyn"]):
        decision = kynara.load(paths).decide(REQUEST)
        assert decision.effect is kynara.Effect.ALLOW
        assert decision.allowed
        assert decision.rules == ("shop.read_orders",)


def test_loads(project: Path) -> None:
    assert kynara.loads(POLICY).digest == kynara.load("policies").digest
    with pytest.raises(kynara.CompileError) as error:
        kynara.loads("permit", name="mine.kyn")
    assert "mine.kyn:1:7: error[KYN001]" in str(error.value)


def test_a_program_is_the_same_from_wherever_it_is_loaded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = kynara.load("policies").digest
    monkeypatch.chdir(project.parent)
    assert kynara.load(project / "policies").digest == digest
    assert kynara.load("project/policies").digest == digest


def test_libraries_are_found_wherever_the_process_works(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "base.kyn").write_text("trait Kept { tenant: String }")
    (project / "policies" / "more.kyn").write_text("import base (Kept)\nresource Doc is Kept")
    with pytest.raises(kynara.CompileError, match="there is no module `base`"):
        kynara.load("policies")
    (project / "kynara.toml").write_text('libraries = ["lib"]')
    digest = kynara.load("policies").digest
    monkeypatch.chdir("/")
    assert kynara.load(project / "policies").digest == digest
    assert kynara.load([project / "policies" / "shop.kyn", project / "policies" / "more.kyn"]).digest == digest


def test_check(project: Path) -> None:
    good, bad = kynara.check("policies"), kynara.check(["broken"])
    assert (good.ok, good.diagnostics, good.files, good.rules) == (True, (), 1, 3)
    assert (bad.ok, len(bad.diagnostics)) == (False, 2)
    assert isinstance(bad.diagnostics[0], kynara.Diagnostic)
    assert bad.diagnostics[0].severity is kynara.Severity.ERROR


def test_a_compile_error_lists_what_is_wrong(project: Path) -> None:
    with pytest.raises(kynara.CompileError) as error:
        kynara.load("broken")
    assert len(error.value.diagnostics) == 2
    first, *rest = str(error.value).splitlines()
    assert first == "the policy has 2 errors"
    assert all(line.startswith("broken/shop.kyn:15:") for line in rest)


def test_a_long_list_of_errors_is_cut(project: Path) -> None:
    rules = "\n".join(f'permit p{n} {{ subject Nobody action read resource Order scope any "x" }}' for n in range(50))
    with pytest.raises(kynara.CompileError) as error:
        kynara.loads(POLICY + rules)
    assert str(error.value).splitlines()[-1] == "and 30 more"
    assert len(error.value.diagnostics) == 50


def test_paths_and_configuration_that_cannot_be_used(project: Path) -> None:
    unusable: list[str | Path | list[str]] = ["nowhere", [], project / "empty"]
    for paths in unusable:
        with pytest.raises(OSError) as error:
            kynara.load(paths)
        assert isinstance(error.value, kynara.FilesError)
    (project / "kynara.toml").write_text("policies = 3")
    with pytest.raises(ValueError) as broken:
        kynara.load("policies")
    assert isinstance(broken.value, kynara.ConfigurationError)


def test_entities(project: Path) -> None:
    (project / "entities.json").write_text('[{"type": "user", "id": "alice", "properties": {"tenant": "globex"}}]')
    entities = kynara.Entities.from_json("entities.json")
    assert not kynara.load("policies", entities=entities).decide(REQUEST).allowed
    assert not kynara.loads(POLICY, entities=entities).decide(REQUEST).allowed
    wrong = kynara.Entities.from_list([{"type": "user", "id": "a", "properties": {"tenant": 3}}])
    with pytest.raises(kynara.EntitiesError):
        kynara.load("policies", entities=wrong)


def test_explain_and_requests(project: Path) -> None:
    policies = kynara.load("policies")
    assert isinstance(policies, kynara.PolicySet)
    assert isinstance(policies.explain(REQUEST), kynara.Explanation)
    request = policies.request(**REQUEST)
    assert isinstance(request, kynara.Request)
    assert policies.decide(request).allowed
