"""The house rules, as tests: how the folders may know each other, and what no source file may contain.

Each rule is a function from modules to complaints. It runs over `kynara_lang/**/*.py`, and over tiny programs
below that break it, so that a rule which has gone blind fails too.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "kynara_lang"

# What stands higher may import what stands lower. Whatever is not named here stands on top.
FLOORS = {
    "semantics": 0,
    "diagnostics": 0,
    "resources": 0,
    "collecting": 0,
    "version": 0,
    "syntax": 1,
    "libraries": 1,
    "files": 1,
    "report": 1,
    "checker": 2,
    "inputs": 2,
    "ahead": 2,
    "compiler": 3,
    "analysis": 3,
    "configuration": 3,
    "runtime": 4,
    "pipeline": 4,
    "proofs": 4,
    "proving": 5,
    "audit": 5,
    "program": 6,
    "guard": 7,
    "migration": 7,
}
TOP_FLOOR = 8
# Neighbours on one floor do not know each other, except these (and those on the top floor).
NEIGHBOURS = {("pipeline", "runtime")}

OWNERS = {
    "lark": ["kynara_lang/syntax/parser.py", "kynara_lang/syntax/tables.py", "kynara_lang/syntax/shortcuts.py"],
    "click": ["kynara_lang/cli/*"],
    "rich": ["kynara_lang/cli/*", "kynara_lang/diagnostics/render*"],
    "cvc5": ["kynara_lang/analysis/*"],
    "idna": ["kynara_lang/semantics/hosts.py"],
    "cedarpy": ["kynara_lang/migration/*"],
}

# The doors where anything may arrive and nothing may pass. Each needs a reason.
CATCH_ALL_DOORS = {
    "kynara_lang/guard/deciding.py": "the guard fails closed: whatever goes wrong, the answer is no and says what",
    "kynara_lang/guard/guard.py": "neither a log nor whoever is told of new policies can keep them from deciding",
    "kynara_lang/guard/watching.py": "whatever is wrong with a new version of the policies, the old one goes on",
    "kynara_lang/guard/wrapping.py": "a call of which the arguments cannot be worked out is denied, whatever stopped it",
    "kynara_lang/cli/main.py": "no traceback ever reaches a user",
    "kynara_lang/runtime/engine.py": "an error inside a rule has a meaning: the rule matches or not, and it is reported",
    "kynara_lang/runtime/policyset.py": "decide never raises: what cannot be decided is denied",
}

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core"}
UNSAFE_STORES = {"pickle", "marshal", "shelve"}
POSTPONED = re.compile(r"\b(TODO|FIXME|XXX)\b")


class Module(NamedTuple):
    """A source file: its path from the repository root, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")


class Import(NamedTuple):
    """One imported module, as a full dotted name."""

    target: str
    line: int


Complaints = Iterator[str]
Rule = Callable[[list[Module]], Complaints]


def module(path: str, text: str) -> Module:
    return Module(path, text, ast.parse(text, filename=path))


def the_package() -> list[Module]:
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    return [module(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


# Reading imports


def imports_of(source: Module, nodes: Iterable[ast.AST], known: set[str]) -> Iterator[Import]:
    """List what the given statements import; `from a import b` is `a.b` where that is a module, else `a`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(source, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(inner if inner in known else base, node.lineno)


def absolute(source: Module, node: ast.ImportFrom) -> str:
    """Resolve the dots of a relative import."""
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    parts = parts[: len(parts) - node.level + source.is_package]
    return ".".join(parts + ([node.module] if node.module else []))


def at_module_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk everything that runs on import, or would if TYPE_CHECKING were true: all but function bodies."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def known_names(modules: list[Module]) -> set[str]:
    return {m.name for m in modules} | {f"{PACKAGE}.{station}" for station in FLOORS}


def station(name: str) -> str:
    """The folder or file directly under the package that a module belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


# The rules


def imports_point_down(modules: list[Module]) -> Complaints:
    known = known_names(modules)
    for m in modules:
        here = station(m.name)
        for target, line in imports_of(m, ast.walk(m.tree), known):
            if target.split(".")[0] != PACKAGE:
                continue
            there = station(target)
            mine, its = FLOORS.get(here, TOP_FLOOR), FLOORS.get(there, TOP_FLOOR)
            neighbours = here == there or mine == TOP_FLOOR or (here, there) in NEIGHBOURS
            if its > mine or (its == mine and not neighbours):
                where = "above it" if its > mine else "beside it on the same floor"
                yield (
                    f"{m.path}:{line}: `{here}` imports `{target}`, which stands {where}; "
                    "move what both need further down, or pass it in as an argument"
                )


def imports_have_no_cycle(modules: list[Module]) -> Complaints:
    known = {m.name for m in modules}
    lines: dict[tuple[str, str], str] = {}
    graph: dict[str, set[str]] = {m.name: set() for m in modules}
    for m in modules:
        for target, line in imports_of(m, at_module_level(m.tree), known):
            if target in known:
                graph[m.name].add(target)
                lines.setdefault((m.name, target), f"{m.path}:{line}")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]  # graphlib lists it from the imported to the importer
        yield (
            f"{lines[circle[0], circle[1]]}: imports run in a circle: {' -> '.join(circle)}; "
            "move what they share into a module that both import"
        )


def files_are_short(modules: list[Module]) -> Complaints:
    for m in modules:
        length = len(m.text.splitlines())
        if length > MAX_FILE_LINES:
            yield (
                f"{m.path}:{MAX_FILE_LINES + 1}: the file has {length} lines, more than {MAX_FILE_LINES}; "
                "split it by subject"
            )


def functions_are_short(modules: list[Module]) -> Complaints:
    for m in modules:
        for node in ast.walk(m.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    yield (
                        f"{m.path}:{node.lineno}: `{node.name}` has {length} lines, more than "
                        f"{MAX_FUNCTION_LINES}; give its parts names of their own"
                    )


def libraries_have_one_owner(modules: list[Module]) -> Complaints:
    for m in modules:
        for target, line in imports_of(m, ast.walk(m.tree), set()):
            library = target.split(".")[0]
            owners = OWNERS.get(library)
            if owners and not any(fnmatch(m.path, owner) for owner in owners):
                yield (
                    f"{m.path}:{line}: `{library}` belongs to {' and '.join(owners)}; "
                    "ask its owner for what you need"
                )


def names_say_something(modules: list[Module]) -> Complaints:
    for m in modules:
        vague = VAGUE_NAMES.intersection(m.path.removesuffix(".py").split("/"))
        for name in sorted(vague):
            yield f"{m.path}:1: `{name}` says nothing; name the file or folder after what it does"


def no_code_from_text(modules: list[Module]) -> Complaints:
    for m in modules:
        for node in ast.walk(m.tree):
            if not isinstance(node, ast.Call):
                continue
            name = builtin_called(node.func)
            place = f"{m.path}:{node.lineno}"
            if name == "eval":
                yield f"{place}: `eval` is never called; use a table, or generate code in compiler/"
            elif name in {"exec", "compile"} and not m.path.startswith(f"{PACKAGE}/compiler/"):
                yield f"{place}: `{name}` belongs to {PACKAGE}/compiler/; ask it for the function"


def builtin_called(function: ast.expr) -> str | None:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="builtins"), attr=name):
            return name
    return None


def no_unsafe_stores(modules: list[Module]) -> Complaints:
    for m in modules:
        for target, line in imports_of(m, ast.walk(m.tree), set()):
            library = target.split(".")[0]
            if library in UNSAFE_STORES:
                yield f"{m.path}:{line}: reading `{library}` can run code; store JSON instead"


def nothing_is_postponed(modules: list[Module]) -> Complaints:
    for m in modules:
        for number, line in enumerate(m.text.splitlines(), start=1):
            if found := POSTPONED.search(line):
                yield f"{m.path}:{number}: {found[0]}: do it now, or open an issue and drop the mark"


def modules_have_docstrings(modules: list[Module]) -> Complaints:
    for m in modules:
        if not (ast.get_docstring(m.tree) or "").strip():
            yield f"{m.path}:1: the module has no docstring; begin with one full sentence on what it does"


def catch_all_only_at_doors(modules: list[Module]) -> Complaints:
    for m in modules:
        for node in ast.walk(m.tree):
            if (
                isinstance(node, ast.ExceptHandler)
                and catches_all(node.type)
                and m.path not in CATCH_ALL_DOORS
            ):
                yield (
                    f"{m.path}:{node.lineno}: this catches every exception; name those you expect, or, if "
                    "this is a door, list the file with its reason in CATCH_ALL_DOORS of tests/test_house.py"
                )


def catches_all(kind: ast.expr | None) -> bool:
    match kind:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
        case ast.Attribute(value=ast.Name(id="builtins"), attr="Exception" | "BaseException"):
            return True
        case ast.Tuple(elts=kinds):
            return any(map(catches_all, kinds))
    return False


RULES: list[Rule] = [
    imports_point_down,
    imports_have_no_cycle,
    files_are_short,
    functions_are_short,
    libraries_have_one_owner,
    names_say_something,
    no_code_from_text,
    no_unsafe_stores,
    nothing_is_postponed,
    modules_have_docstrings,
    catch_all_only_at_doors,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    modules = the_package()
    assert modules, "no sources found: this test would see nothing"
    complaints = list(rule(modules))
    assert not complaints, "\n" + "\n".join(complaints)


# The rules themselves: tiny programs that break them, with the places they must name, and some that do not.

Files = dict[str, str]

BREAKING: list[tuple[Rule, Files, list[str]]] = [
    (imports_point_down, {"syntax/a.py": "\nfrom kynara_lang.checker import b"}, ["syntax/a.py:2"]),
    (imports_point_down, {"syntax/a.py": "from kynara_lang import checker"}, ["syntax/a.py:1"]),
    (imports_point_down, {"syntax/a.py": "from ..checker.b import c"}, ["syntax/a.py:1"]),
    (imports_point_down, {"syntax/__init__.py": "from ..checker import c"}, ["syntax/__init__.py:1"]),
    (imports_point_down, {"syntax/a.py": "def f():\n    import kynara_lang.cli.main"}, ["syntax/a.py:2"]),
    (imports_point_down, {"syntax/a.py": "from kynara_lang import load"}, ["syntax/a.py:1"]),
    (imports_point_down, {"semantics/a.py": "import kynara_lang.diagnostics.b"}, ["semantics/a.py:1"]),
    (imports_point_down, {"diagnostics/a.py": "import kynara_lang.semantics"}, ["diagnostics/a.py:1"]),
    (imports_point_down, {"resources.py": "import kynara_lang.semantics"}, ["resources.py:1"]),
    (imports_point_down, {"compiler/a.py": "import kynara_lang.analysis.b"}, ["compiler/a.py:1"]),
    (imports_point_down, {"analysis/a.py": "import kynara_lang.compiler.b"}, ["analysis/a.py:1"]),
    (imports_point_down, {"runtime/a.py": "from kynara_lang.pipeline import run"}, ["runtime/a.py:1"]),
    (imports_point_down, {"pipeline.py": "import kynara_lang.testing"}, ["pipeline.py:1"]),
    (
        imports_point_down,
        {"syntax/a.py": "if TYPE_CHECKING:\n    import kynara_lang.runtime"},
        ["syntax/a.py:2"],
    ),
    (
        imports_have_no_cycle,
        {"cli/a.py": "\nfrom kynara_lang.cli import b", "cli/b.py": "import kynara_lang.cli.a"},
        ["cli/a.py:2"],
    ),
    (
        imports_have_no_cycle,
        {
            "cli/a.py": "from . import b",
            "cli/b.py": "from .c import x",
            "cli/c.py": "if TYPE_CHECKING:\n    from .a import x",
        },
        ["cli/a.py:1"],
    ),
    (imports_have_no_cycle, {"cli/a.py": "import kynara_lang.cli.a"}, ["cli/a.py:1"]),
    (
        imports_have_no_cycle,
        {"cli/__init__.py": "from kynara_lang.cli.a import x", "cli/a.py": "from kynara_lang.cli import y"},
        ["cli/__init__.py:1"],
    ),
    (files_are_short, {"a.py": "x = 1\n" * 601}, ["a.py:601"]),
    (functions_are_short, {"a.py": "@d\ndef f():\n" + "    x = 1\n" * 70}, ["a.py:2"]),
    (functions_are_short, {"a.py": "class C:\n  async def f():\n" + "    x = 1\n" * 70}, ["a.py:2"]),
    (libraries_have_one_owner, {"checker/a.py": "import os, lark.tree"}, ["checker/a.py:1"]),
    (libraries_have_one_owner, {"syntax/ast.py": "from lark import Token"}, ["syntax/ast.py:1"]),
    (libraries_have_one_owner, {"testing/a.py": "def f():\n    import click"}, ["testing/a.py:2"]),
    (libraries_have_one_owner, {"diagnostics/codes.py": "import rich"}, ["diagnostics/codes.py:1"]),
    (libraries_have_one_owner, {"compiler/a.py": "import cvc5"}, ["compiler/a.py:1"]),
    (libraries_have_one_owner, {"semantics/urls.py": "from idna import encode"}, ["semantics/urls.py:1"]),
    (
        names_say_something,
        {"checker/utils.py": "", "common/a.py": ""},
        ["checker/utils.py:1", "common/a.py:1"],
    ),
    (names_say_something, {"core/__init__.py": "", "helpers.py": ""}, ["core/__init__.py:1", "helpers.py:1"]),
    (no_code_from_text, {"compiler/a.py": "eval('1')"}, ["compiler/a.py:1"]),
    (no_code_from_text, {"runtime/a.py": "exec(compile('1'))"}, ["runtime/a.py:1", "runtime/a.py:1"]),
    (no_code_from_text, {"runtime/a.py": "import builtins\nbuiltins.eval('1')"}, ["runtime/a.py:2"]),
    (no_unsafe_stores, {"a.py": "import pickle", "b.py": "from marshal import loads"}, ["a.py:1", "b.py:1"]),
    (nothing_is_postponed, {"a.py": "x = 1  # TODO: more\n# FIXME\n'XXX'"}, ["a.py:1", "a.py:2", "a.py:3"]),
    (
        modules_have_docstrings,
        {"a.py": "x = 1", "b.py": "", "c.py": '""" """'},
        ["a.py:1", "b.py:1", "c.py:1"],
    ),
    (catch_all_only_at_doors, {"a.py": "try:\n  x\nexcept Exception as e:\n  y"}, ["a.py:3"]),
    (catch_all_only_at_doors, {"a.py": "try:\n  x\nexcept:\n  y"}, ["a.py:3"]),
    (catch_all_only_at_doors, {"a.py": "try:\n  x\nexcept (OSError, BaseException):\n  y"}, ["a.py:3"]),
]

KEEPING: list[tuple[Rule, Files]] = [
    (
        imports_point_down,
        {"checker/a.py": "import os\nfrom kynara_lang import diagnostics, semantics, resources"},
    ),
    (imports_point_down, {"checker/a.py": "from kynara_lang.syntax import ast\nfrom . import b"}),
    (
        imports_point_down,
        {"pipeline.py": "from kynara_lang.runtime import policies\nimport kynara_lang.compiler"},
    ),
    (imports_point_down, {"cli/a.py": "import kynara_lang, kynara_lang.testing, kynara_lang.pipeline"}),
    (imports_point_down, {"__init__.py": "from kynara_lang.pipeline import load"}),
    (
        imports_have_no_cycle,
        {"cli/a.py": "import kynara_lang.cli.b", "cli/b.py": "def f():\n    from . import a"},
    ),
    (
        imports_have_no_cycle,
        {"cli/__init__.py": "from .a import x", "cli/a.py": "from .b import y", "cli/b.py": ""},
    ),
    (files_are_short, {"a.py": "x = 1\n" * 600}),
    (functions_are_short, {"a.py": "def f():\n" + "    x = 1\n" * 69}),
    (
        libraries_have_one_owner,
        {"syntax/parser.py": "import lark", "syntax/tables.py": "from lark import Lark"},
    ),
    (
        libraries_have_one_owner,
        {"cli/a/b.py": "import click, rich", "diagnostics/render_text.py": "import rich"},
    ),
    (libraries_have_one_owner, {"analysis/a.py": "import cvc5", "semantics/hosts.py": "import idna"}),
    (libraries_have_one_owner, {"checker/a.py": "from .lark import x\nfrom kynara_lang.click import y"}),
    (names_say_something, {"checker/scores.py": "", "semantics/hosts.py": ""}),
    (no_code_from_text, {"compiler/a.py": "exec(compile('1'))", "a.py": "import re\nre.compile('1')"}),
    (no_unsafe_stores, {"a.py": "import json"}),
    (nothing_is_postponed, {"a.py": "code = 'KYNXXX'  # todos"}),
    (modules_have_docstrings, {"a.py": '"""Says what it does."""'}),
    (
        catch_all_only_at_doors,
        {"a.py": "try:\n  x\nexcept (OSError, ValueError):\n  y\nexcept KeyError:\n  z"},
    ),
    (catch_all_only_at_doors, {"cli/main.py": "try:\n  x\nexcept Exception:\n  y"}),
]


def program(files: Files) -> list[Module]:
    return [module(f"{PACKAGE}/{path}", text) for path, text in files.items()]


@pytest.mark.parametrize(("rule", "files", "places"), BREAKING)
def test_a_rule_names_each_place_that_breaks_it(rule: Rule, files: Files, places: list[str]) -> None:
    complaints = list(rule(program(files)))
    found = [complaint.split(": ")[0] for complaint in complaints]
    if rule is imports_have_no_cycle:  # any import of the circle will do
        assert len(found) == 1
        assert found[0].split(":")[0].removeprefix(f"{PACKAGE}/") in files
    else:
        assert found == [f"{PACKAGE}/{place}" for place in places]


@pytest.mark.parametrize(("rule", "files"), KEEPING)
def test_a_rule_leaves_the_rest_alone(rule: Rule, files: Files) -> None:
    assert list(rule(program(files))) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_is_tested_both_ways(rule: Rule) -> None:
    assert any(rule is broken for broken, _, _ in BREAKING)
    assert any(rule is kept for kept, _ in KEEPING)


def test_a_circle_is_told_in_the_order_of_its_imports() -> None:
    files = {"cli/a.py": "from . import b", "cli/b.py": "from . import c", "cli/c.py": "from . import a"}
    (complaint,) = imports_have_no_cycle(program(files))
    names = re.findall(r"cli\.([abc])", complaint)
    following = {"a": "b", "b": "c", "c": "a"}
    assert len(names) == 4
    assert all(following[one] == other for one, other in pairwise(names))


def test_each_door_has_a_reason() -> None:
    assert all(reason.strip() for reason in CATCH_ALL_DOORS.values())
