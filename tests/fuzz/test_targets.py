"""The corpus of the guided fuzzer, replayed without it: every input through its target; and that targets see what is wrong."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from kynara_lang import baseline, caching, configuration
from kynara_lang.audit import reading, tail
from kynara_lang.caching import trees
from kynara_lang.checker import stored_rules
from kynara_lang.guard import approvals
from kynara_lang.runtime import entities, evidence, strict_json
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.syntax import formatter, parser
from tests.fuzz import guided, targets, targets_of_files
from tests.fuzz.targets import Wrong
from tests.fuzz.targets_of_files import TARGETS

CORPUS = Path(__file__).with_name("corpus")
MOST_BYTES = 200_000


def test_every_target_has_a_corpus_and_the_command_knows_it() -> None:
    assert guided.targets() == sorted(TARGETS)
    for target in TARGETS:
        assert list((CORPUS / target).iterdir())
        assert list(guided.words(target))


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_shows_nothing_wrong(target: str) -> None:
    for path in sorted((CORPUS / target).iterdir()):
        content = path.read_bytes()
        try:
            TARGETS[target](content)
        except Exception as error:
            raise AssertionError(f"{path.name}: {content[:500]!r}") from error


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_reads_whatever_bytes_there_are(target: str) -> None:
    for content in (b"", b"\0", b"\xff\xfe", b"{", b"[" * 5000, b'"\\ud800"', "\u202e".encode(), bytes(range(256))):
        TARGETS[target](content)


def test_every_kind_of_entry_of_the_cache_has_a_target() -> None:
    """A kind is what `cache.get` is asked for; a new one needs a target of its own."""
    folder = Path(caching.__file__).parent
    kinds = {path.stem for path in folder.glob("*.py") if "cache.get(" in path.read_text(encoding="utf-8")}
    assert kinds <= {"trees", "reports", "keeper", "programs"}


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_of_a_corpus_is_cut_before_it_is_fuzzed(target: str) -> None:
    """The fuzzer cuts what is longer; of an entry of the cache that lacks its end nothing would be read, ever."""
    most = guided._LONGER.get(target, guided.MOST_BYTES)
    assert [path.name for path in (CORPUS / target).iterdir() if path.stat().st_size > most] == []


def replay(target: str) -> None:
    """Run the whole corpus through a target."""
    for path in sorted((CORPUS / target).iterdir()):
        TARGETS[target](path.read_bytes())


def _breaks(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("made on purpose")


# What each target would not survive if it raised: a test of the tests.
BROKEN: dict[str, tuple[Any, str]] = {
    "parser": (parser, "_parse"),
    "checker": (targets, "check_sources"),
    "request": (PolicySet, "explain"),
    "entities": (entities.World, "__init__"),
    "evidence": (strict_json, "_decoded"),
    "configuration": (configuration, "_parsed"),
    "baseline": (baseline, "_entries"),
    "tree-cache": (trees, "key_of"),
    "program-cache": (targets_of_files.programs, "_program"),
    "program-bodies": (stored_rules.packed, "unpack"),
    "report-cache": (targets_of_files.reports, "_decoded"),
    "cache-entry": (targets_of_files.Cache, "get"),
    "approval-row": (approvals, "_approval"),
    "approval-store": (approvals.ApprovalStore, "_check"),
    "audit-log": (tail.Tail, "problem"),
}


@pytest.mark.parametrize("target", TARGETS)
def test_an_exception_of_something_else_is_seen(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if target == "entities":
        targets.policies()  # which needs a world of its own
    monkeypatch.setattr(*BROKEN[target], _breaks)
    with pytest.raises(ZeroDivisionError):
        replay(target)


def test_a_decision_that_the_oracle_does_not_share_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Says:
        decision = "require_approval"

    monkeypatch.setattr(targets.oracle, "decide", lambda *_: Says)
    with pytest.raises(Wrong, match="the oracle says"):
        replay("request")


def test_a_layout_that_is_not_stable_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real, more = formatter.formatted, itertools.count()
    monkeypatch.setattr(targets, "formatted", lambda s, r: (text := real(s, r)) and text + "#" * next(more))
    with pytest.raises(Wrong, match="not stable"):
        TARGETS["parser"](targets.PROGRAM.encode())


def test_an_approver_who_counts_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence of a single person, where two are needed, and an evaluator that does not mind."""
    monkeypatch.setattr(evidence, "approved_by", lambda *_: ("a", "b"))
    given = b'[{"rule": "fuzz.sending", "digest": "DIGEST", "approvers": [{"type": "user", "id": "ann"}], "expires": "2026-11-22T11:00:00Z"}]'
    with pytest.raises(Wrong, match="allowed by"):
        TARGETS["evidence"](given)


def test_a_message_that_a_terminal_obeys_is_seen() -> None:
    with pytest.raises(Wrong):
        targets.said("a \x1b[2J message")


def test_records_out_of_order_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stops at nothing, beside a verifier that does."""
    monkeypatch.setattr(targets_of_files, "read_log", lambda *_, **__: iter(()))
    assert reading.read_log is not targets_of_files.read_log
    with pytest.raises(Wrong, match="verified"):
        TARGETS["audit-log"](targets_of_files.log_lines())


def test_what_runs_new_lines_is_taken_into_a_corpus_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, extra = tmp_path / "corpus", tmp_path / "extra"
    for folder in (corpus / "baseline", extra):
        folder.mkdir(parents=True)
    (corpus / "baseline" / "seed").write_bytes(b'{"a": 1}')
    (extra / "same").write_bytes(b'{"b": 2}')
    (extra / "more").write_bytes(b'{"version": 1, "entries": []}')
    (extra / "large").write_bytes(b'{"version": 2}' + b" " * guided.MOST_KEPT)
    monkeypatch.setattr(guided, "CORPUS", corpus)
    assert guided.take("baseline", extra) == 0
    assert {path.read_bytes() for path in (corpus / "baseline").iterdir()} == {b'{"a": 1}', b'{"version": 1, "entries": []}'}


def test_policies_are_spliced_by_words_and_the_same_way_again() -> None:
    splice = guided.Splicer([b'permit p { when x == "a b" }', b"role r0 extends r1"])
    made = {splice(b"forbid f { subject any }", 100, seed) for seed in range(200)}
    assert made == {splice(b"forbid f { subject any }", 100, seed) for seed in range(200)}
    assert len(made) > 100
    assert all(len(content) <= 100 for content in made)
    assert any(b'"a b"' in content and b"forbid" in content for content in made)
    assert not any(b'"a ' in content and b'"a b"' not in content for content in made if len(content) < 100)
