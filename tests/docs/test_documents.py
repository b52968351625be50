"""Runs what the documents show: programs are checked, requests decided, commands and Python run, and compared.

A fenced block says in its info string what it is:

- `kyn`: a complete program without diagnostics; `kyn error=KYN203` one with exactly these (separated by commas). `base`
  makes it the program that what follows is about; `fragment` adds a file to that program instead.
- `kyn excerpt=FILE`: lines that stand in that file.
- `kyn conditions`: one condition a line, evaluated on the sample request; `# true`, `# false` or `# error: code` says
  what comes of it.
- `json sample`: the request for conditions. `json allow`, `json require_approval`, `json deny`, `json deny=CODE`: a
  request to the program shown last, decided so and with exactly these errors (separated by commas).
- `json entities`: the store of the requests that follow. `json approvals`: what is handed in beside the next request.
- `python`: run from the root of the repository; what a line prints is what its comment says.
- `console`: `$ kynara …` and its output, both streams, at a width of 100; `$ echo $?` shows the exit code of the last.
  With `--snapshot-update` the real output is written into the document, to be read in the diff.

Other blocks (`sh`, `text`) are only read by people.
"""

import contextlib
import datetime
import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

import kynara_lang as kynara
from kynara_lang import files
from kynara_lang.checker import expansion, resolution
from kynara_lang.checker.settings import LintSettings
from kynara_lang.cli import json_lines
from kynara_lang.diagnostics.codes import CODES
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Checked, check_sources
from kynara_lang.runtime import convert, facts, request, store, strict_json
from kynara_lang.semantics import problems
from kynara_lang.semantics.operators import BUILTINS, OPERATORS
from kynara_lang.semantics.types import Enum
from kynara_lang.syntax import builder, parser, scrutiny

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("grammar/*.md"), *ROOT.glob("examples/*/README.md")]
)
REFERENCE = (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
TAGS = {"kyn", "json", "python", "console", "sh", "text", "toml", "ebnf", ""}


@frozen
class Block:
    """A fenced block of a document: its tag, the words behind the tag, its text and its line."""

    document: str
    line: int
    tag: str
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str) -> list[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        tag, *words = match[1].split() or [""]
        found.append(Block(document, text.count("\n", 0, match.start()) + 1, tag, tuple(words), match[2]))
    return found


ALL = [block for document in DOCUMENTS for block in blocks(document)]


# --- programs and requests


@define
class Stage:
    """What the blocks of a document have set up so far."""

    base: list[Source] = field(factory=list)
    program: list[Source] = field(factory=list)
    sample: Any = None
    entities: kynara.Entities | None = None
    approvals: list[Any] = field(factory=list)

    def policies(self) -> kynara.PolicySet:
        return policies(check_sources(self.program), self.entities)


@frozen
class Case:
    """A block with what stood before it."""

    block: Block
    stage: Stage


def policies(checked: Checked, entities: kynara.Entities | None = None) -> kynara.PolicySet:
    assert not checked.has_errors, [d.message for d in checked.diagnostics]
    return kynara.PolicySet(checked.program, entities)


def cases(tag: str) -> Iterator[Any]:
    """Yield the blocks of a tag in all documents, each with the stage on which it stands."""
    for document in DOCUMENTS:
        stage = Stage()
        for block in blocks(document):
            if block.tag == "kyn" and "conditions" not in block.words and not excerpted(block):
                source = Source(block.place, block.text)
                sources = [*stage.base, source] if "fragment" in block.words else [source]
                shown = Stage(stage.base, sources, stage.sample, None, [])
                if "base" in block.words:
                    shown.base = [source]
                if not expected_codes(block):
                    stage = shown
                if tag == "kyn":
                    yield pytest.param(Case(block, shown), id=block.place)
                continue
            elif block.tag == "json" and "sample" in block.words:
                stage = Stage(stage.base, stage.program, strict_json.loads(block.text), None, [])
            elif block.tag == "json" and "entities" in block.words:
                store = kynara.Entities.from_text(block.text)
                stage = Stage(stage.base, stage.program, stage.sample, store, [])
            elif block.tag == "json" and "approvals" in block.words:
                given = strict_json.loads(block.text)
                assert isinstance(given, list)
                stage = Stage(stage.base, stage.program, stage.sample, stage.entities, given)
            if block.tag == tag:
                yield pytest.param(Case(block, stage), id=block.place)


def excerpted(block: Block) -> str:
    """Return the file of which a block is a part, or nothing."""
    return next((word.removeprefix("excerpt=") for word in block.words if word.startswith("excerpt=")), "")


def expected_codes(block: Block) -> list[str]:
    found = (word.partition("=")[2] for word in block.words if word.startswith(("error=", "warning=")))
    return sorted(itertools.chain.from_iterable(codes.split(",") for codes in found))


@pytest.mark.parametrize("case", list(cases("kyn")))
def test_programs_are_as_their_block_says(case: Case) -> None:
    block = case.block
    if "conditions" in block.words:
        check_conditions(case)
        return
    if file := excerpted(block):
        assert block.text in (ROOT / file).read_text(encoding="utf-8"), block.place
        return
    assert {word.partition("=")[0] for word in block.words} <= {"base", "fragment", "error", "warning"}
    # What the first page shows is what lints recommend, too; the reference teaches one thing at a time.
    lints = LintSettings() if block.place.startswith("README.md") else None
    checked = check_sources(case.stage.program, lints=lints, today=datetime.date(2026, 11, 23))
    shown = [f"{d.code} line {block.line + d.span.first.line}: {d.message}" for d in checked.diagnostics]
    assert sorted(d.code for d in checked.diagnostics) == expected_codes(block), "\n".join(shown)


def check_conditions(case: Case) -> None:
    lines = [line for line in case.block.text.splitlines() if line.split("#")[0].strip()]
    assert lines, case.block.place
    wrong = []
    for line in lines:
        condition, _, promised = line.rpartition("# ")
        found = outcome(case.stage, condition)
        if found != promised.strip():
            wrong.append(f"{condition.strip()} is {found}, not {promised}")
    assert not wrong, "\n".join(wrong)


def outcome(stage: Stage, condition: str) -> str:
    """Say what a condition comes to: asked in a `forbid` of all requests, beside a `permit` of all requests."""
    probe = f"""
    permit everything_ {{ subject any action any resource any scope any "probe" }}
    forbid probe_ {{ subject any action any resource any when {condition} }}
    """
    checked = check_sources([*stage.base, Source("probe.kyn", probe)])
    if checked.has_errors:
        return "refused: " + ", ".join(sorted({d.code for d in checked.diagnostics}))
    decision = policies(checked).decide(stage.sample)
    assert decision.rules, decision
    if decision.errors:
        return "error: " + ", ".join(error.code for error in decision.errors)
    return "true" if decision.effect is kynara.Effect.DENY else "false"


@pytest.mark.parametrize("case", list(cases("json")))
def test_requests_are_decided_as_their_block_says(case: Case) -> None:
    block, stage = case.block, case.stage
    raw = strict_json.loads(block.text)
    (word, *rest) = block.words
    if word in ("sample", "entities", "approvals"):
        stage.policies()
        return
    effect, _, codes = word.partition("=")
    decision = stage.policies().decide(raw, stage.approvals)  # type: ignore[arg-type]
    found = (str(decision.effect), sorted(error.code for error in decision.errors))
    assert found == (effect, sorted(codes.split(",")) if codes else []), decision
    for rules in (word.removeprefix("rules=") for word in rest):
        assert decision.rules == tuple(rules.split(","))


# --- Python


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if any(b.tag == "python" for b in blocks(d))])
def test_python_prints_what_its_comments_say(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    for block in blocks(document):
        if block.tag != "python":
            continue
        promised = [m[1].strip() for m in re.finditer(r"^\s*print\(.*\)\s+# (.*)$", block.text, re.MULTILINE)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * block.line + block.text, str(ROOT / document), "exec"), names)
        assert out.getvalue().splitlines() == promised, block.place


# --- commands


def run(arguments: list[str]) -> tuple[str, int]:
    """Run `kynara` from the root of the repository, without colours and 100 columns wide."""
    settings = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    settings.pop("FORCE_COLOR", None)
    command = [sys.executable, "-m", "kynara_lang.cli.main", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60
    )
    return done.stdout, done.returncode


def transcript(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block as written, with their output; a backslash continues a command."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        last = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


@pytest.mark.parametrize("case", list(cases("console")))
def test_commands_print_what_is_shown(case: Case, pytestconfig: pytest.Config) -> None:
    code = 0
    real = ""
    for command, shown in transcript(case.block.text):
        words = shlex.split(command.replace("\\\n", ""))
        if words == ["echo", "$?"]:
            output = f"{code}\n"
        elif words[0] == "cat":
            output = "".join((ROOT / word).read_text(encoding="utf-8") for word in words[1:])
        else:
            assert words[0] == "kynara", f"{case.block.place}: only kynara is run, not `{command}`"
            output, code = run(words[1:])
        if not pytestconfig.getoption("update_snapshots", False):
            assert plain(output) == plain(shown), f"{case.block.place}: $ {command}"
        real += f"$ {command}\n{plain(output)}\n\n"
    if plain(real) != plain(case.block.text):  # then snapshots are to be updated
        file = ROOT / case.block.document
        document = file.read_text(encoding="utf-8")
        file.write_text(document.replace(case.block.text, plain(real) + "\n"), encoding="utf-8")


def plain(text: str) -> str:
    """Return text without spaces at the ends of lines and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


# --- what the documents promise to be complete


def rows(after: str) -> list[list[str]]:
    """Return the cells of the first table of the reference behind a heading, its head left out."""
    text = REFERENCE[REFERENCE.index(f"\n{after}\n") :]
    table = re.search(r"^(?:\|.*\n)+", text, re.MULTILINE)
    assert table is not None, after
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_table_of_codes_is_that_of_the_checker() -> None:
    told = {row[0]: tuple(row[1:]) for row in rows("### Diagnostic codes")}
    meant = {c.code: (c.name, c.severity, c.meaning.replace("|", "\\|")) for c in CODES.values()}
    assert told == meant


def test_the_table_of_request_codes_is_that_of_the_runtime() -> None:
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "kynara_lang").rglob("*.py"))]
    listed = re.search(r"^Code: TypeAlias = Literal\[(.*?)\]", "\n".join(sources), re.MULTILINE | re.DOTALL)
    assert listed is not None
    codes = set(re.findall(r'"([a-z-]+)"', listed[1]))
    for source in sources:
        codes |= set(re.findall(r'\b(?:DecisionError|EvaluationError)\(\s*"([a-z-]+)"', source))
    told = {row[0].strip("`") for row in rows("### Error codes of decisions")}
    assert told == codes


def test_the_table_of_operators_is_complete() -> None:
    told = {word for row in rows("### Operators") for word in re.findall(r"`([^` ]+(?: [^` ]+)?)`", row[0])}
    meant = {*OPERATORS, "==", "!=", "in", "not in", "has", "is", "holds", "and", "or", "not"}
    assert meant <= told


def test_the_table_of_builtins_is_that_of_the_language() -> None:
    told = set()
    for row in rows("### Builtins"):
        name = re.sub(r"\(.*", "", row[1].strip("`.")).strip(".")
        receiver = row[0].strip("`").partition("<")[0]
        told.add((receiver, name))
        found = BUILTINS[receiver, name]
        assert row[2].strip("`") == ("enum" if isinstance(found.result, Enum) else str(found.result)), row
    assert told == set(BUILTINS)


def test_the_table_of_reasons_is_that_of_the_runtime() -> None:
    source = (ROOT / "kynara_lang" / "runtime" / "audience.py").read_text(encoding="utf-8")
    reasons = re.findall(r'AgentReason\(\s*decision\.effect,\s*"([a-z-]+)"', source)
    assert {row[0].strip("`") for row in rows("## Explanations")} == set(reasons)


LIMITS = {
    "a policy file, in bytes": files.MAX_BYTES,
    "a policy file, in characters": scrutiny.MAX_CHARACTERS,
    "a line of a policy, in characters": scrutiny.MAX_LINE,
    "a name, in characters": builder.MAX_NAME,
    "brackets in brackets": scrutiny.MAX_NESTING,
    "expressions in expressions": parser.MAX_DEPTH,
    "parts of a condition once its lets are expanded": expansion.MAX_SIZE,
    "levels of a condition once its lets are expanded": expansion.MAX_DEPTH,
    "roles that roles extend, through others too, in all": resolution.MAX_EXTENDED,
    "principals in a chain": request.MAX_CHAIN,
    "a String in a request, in characters": convert.MAX_STRING,
    "an Email, Host, Url, Path, IP, Time, or Decimal as text, in characters": problems.MAX_TEXT,
    "elements of a set in a request": convert.MAX_ELEMENTS,
    "entities in entities, parents in parents": convert.MAX_DEPTH,
    "members of an entity or of a request that mean nothing": facts.MAX_STRANGE,
    "a number in JSON, in characters": strict_json.MAX_NUMBER_LENGTH,
    "an exponent in JSON": strict_json.MAX_EXPONENT,
    "a request as a file or a line, in bytes": json_lines.MAX_LINE,
    "an entity store, in bytes": store.MAX_STORE_BYTES,
}


def test_the_limits_are_those_of_the_code() -> None:
    assert {row[0]: row[1] for row in rows("## Limits")} == {what: f"{limit:,}" for what, limit in LIMITS.items()}


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.place)
def test_every_block_has_a_tag_that_is_known(block: Block) -> None:
    assert block.tag in TAGS


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def slug(title: str) -> str:
    """Return the anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).strip().replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in LINK.findall(without_code(text)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), target
        if anchor:
            titles = TITLE.findall(FENCE.sub("", found.read_text(encoding="utf-8")))
            assert anchor in map(slug, titles), target
