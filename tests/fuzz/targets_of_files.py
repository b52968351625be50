"""Targets that read Kynara's own files: configuration, baseline, entries of the cache, approval store, audit log.

Whoever can sign an entry of the cache could change the policies themselves; entries are fuzzed as if anybody could, since an
entry that a disk has damaged must be as good as none.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import zlib
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from kynara_lang.audit import Log, LogError, read_log, verify
from kynara_lang.baseline import BaselineError, baseline_of, entries_of, hold
from kynara_lang.caching import programs, reports, trees
from kynara_lang.caching.folder import Cache
from kynara_lang.checker.settings import LintSettings
from kynara_lang.configuration import ConfigurationError, find_configuration
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.guard.approvals import ApprovalStore, Asked, State, StoreError
from kynara_lang.inputs import Inputs
from kynara_lang.pipeline import Checked, check_sources, compile_sources, standard_library
from kynara_lang.runtime.entities import Entities, EntitiesError
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.syntax import ast, parser, walk
from tests.audit.disks import MemoryDisk

from .targets import (
    PROGRAM,
    REQUEST,
    STORE,
    Target,
    Wrong,
    of_checker,
    of_entities,
    of_evidence,
    of_parser,
    of_request,
    said,
    told,
)

SMALL = 'module m\nimport std.tenancy\n## doc\nrole r # end\nforbid f { subject any action any resource any when context has now }\n'
FINDINGS = 'role unused\nlet x = 1\nforbid f { subject any action any resource any when 1 == 1 }\n'


@cache
def scratch() -> Path:
    """Return a folder in memory, where there is one, for what is only read from files."""
    made = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None, prefix="kynara-fuzz-")
    return Path(made)


def of_configuration(data: bytes) -> None:
    """A configuration is read or refused, with a line for each problem."""
    folder = scratch() / "configuration"
    folder.mkdir(exist_ok=True)
    (folder / "kynara.toml").write_bytes(data)
    try:
        found = find_configuration(folder)
    except ConfigurationError as error:
        said(str(error))
        return
    found.lints.key()


@cache
def linted() -> Checked:
    """Return findings of lints, which a baseline can hold."""
    return check_sources([Source("fuzz.kyn", PROGRAM + "role unused\nrole unused_too\n")], lints=LintSettings())


def of_baseline(data: bytes) -> None:
    """A baseline is read or refused, and never hides what the language itself demands."""
    try:
        entries = baseline_of(data)
    except BaselineError as error:
        said(str(error))
        return
    found = linted().diagnostics
    held = hold(found, entries, linted=True)
    if len(held.left) + held.hidden != len(found) or held.hidden > sum(entry.count for entry in entries):
        raise Wrong("findings are lost")
    if hold(found, entries_of(found), linted=True).left:
        raise Wrong("its own baseline does not hold it")


# --- the cache


class Held(Cache):
    """A cache that holds one entry, whatever its key."""

    def __init__(self, payload: bytes) -> None:
        """Take what the entry holds."""
        super().__init__(Path("/nowhere"), b"fuzz" * 8)
        self.payload = payload

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the entry."""
        return self.payload

    def put(self, kind: str, key: str, *parts: bytes | memoryview) -> None:
        """Keep nothing."""


class Keeping(Held):
    """A cache that remembers what was put into it last."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(b"")

    def put(self, kind: str, key: str, *parts: bytes | memoryview) -> None:
        """Remember an entry."""
        self.payload = b"".join(parts)


def of_tree_cache(data: bytes) -> None:
    """An entry is a tree of the language whose spans lie in the text, or as good as none."""
    source, report = Source("small.kyn", SMALL), Report()
    module = trees.read(Held(data), "fuzz", source, report)
    told(report.sorted())
    for top in (*module.imports, *module.declarations, *module.comments):
        for node in walk.descend(top):
            if not isinstance(node, ast.Node) or not 0 <= node.span.start <= node.span.end <= len(SMALL):
                raise Wrong(f"no node: {node!r}")
        if walk.deepest(top)[0] > parser.MAX_DEPTH:
            raise Wrong("deeper than a tree can be")


@cache
def inputs() -> Inputs:
    """Return what a report is about."""
    return Inputs((Source("findings.kyn", FINDINGS),), 1, standard_library(), Report())


def of_program_cache(data: bytes) -> None:
    """An entry is a program that decides, each body read when it is needed, or as good as none; `read` never raises otherwise."""
    found = programs.find(Held(data), "fuzz", program_inputs())
    if found is None:
        return
    try:
        policies = PolicySet(found, Entities.from_list(STORE))
    except EntitiesError as error:  # the signed program is another one, whose types the store does not fit
        said(str(error))
        return
    decision = policies.decide(REQUEST)
    for error in decision.errors:
        said(error.message)
    if any(error.code == "internal-error" and error.rule is None for error in decision.errors) and decision.effect.value != "deny":
        raise Wrong(f"{decision}")
    if policies.explain(REQUEST, all_rules=True).decision != decision:
        raise Wrong("the explanation says otherwise")


def of_program_bodies(data: bytes) -> None:
    """The bodies of a program, a line each, behind a compression that a fuzzer would seldom get through."""
    head, sections = programs._sections(kept_program())
    sections[-1] = zlib.compress(data, 1)
    head["sizes"] = [len(section) for section in sections]
    of_program_cache(b"\n".join((json.dumps(head).encode(), b"".join(sections))))


def program_inputs() -> Inputs:
    """Return what a kept program was made of."""
    return Inputs((Source("fuzz.kyn", PROGRAM),), 1, standard_library(), Report())


@cache
def kept_program() -> bytes:
    """Return the entry of the cache for the program that requests are fuzzed with."""
    held, made = Keeping(), program_inputs()
    programs.keep(held, "fuzz", made, compile_sources(made.sources, made.libraries).program)
    return held.payload


def of_report_cache(data: bytes) -> None:
    """An entry is a report that can be shown, or as good as none."""
    found = reports.find(Held(data), "0" * 64, inputs())
    if found is not None:
        told(found.diagnostics)


def of_cache_entry(data: bytes) -> None:
    """The file of an entry: without the key nobody makes one that counts."""
    folder = scratch() / "cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"parsed-{'0' * 64}"
    path.write_bytes(data)
    path.chmod(0o600)
    if Cache(folder, b"fuzz" * 8).get("parsed", "0" * 64) is not None:
        raise Wrong("an entry that nobody signed")


# --- approvals, the audit log


@cache
def _store() -> bytes:
    """Return the file of a store that holds one request for approval."""
    path = scratch() / "made.db"
    store = ApprovalStore(path)
    store.open(digest="sha256:0", policy_digest="sha256:1", request=REQUEST, rules=[Asked("fuzz.sending", 2, "User", 60)], now=1)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


_COLUMNS = ("rules", "request", "state", "digest", "opened", "expires", "ended", "session", "id")


def of_approval_row(data: bytes) -> None:
    """A row of the approval store with anything in one column is read, or the store says that it cannot be."""
    column = _COLUMNS[data[0] % len(_COLUMNS)] if data else "rules"
    text = data[1:].decode("utf-8", "replace")
    path = scratch() / "rows.db"
    for left in scratch().glob("rows.db*"):
        left.unlink()
    path.write_bytes(_store())
    path.chmod(0o600)
    with closing(sqlite3.connect(path)) as database:
        with suppress(sqlite3.IntegrityError):
            database.execute(f"UPDATE approval SET {column} = ?", (text,))
        database.commit()
    _read_store(path)


def of_approval_store(data: bytes) -> None:
    """A store overwritten at a place (two bytes say which), or something else where a store should be, is read or refused."""
    path = scratch() / "store.db"
    for left in scratch().glob("store.db*"):
        left.unlink()
    at = int.from_bytes(data[:2])
    path.write_bytes(_store()[:at] + data[2:] + _store()[at + len(data) - 2 :] if at < len(_store()) else data[2:])
    path.chmod(0o600)
    _read_store(path)


def _read_store(path: Path) -> None:
    try:
        store = ApprovalStore(path, create=False)
        for one in store.requests(now=2):
            if not isinstance(one.state, State):
                raise Wrong(f"no state: {one.state!r}")
            one.to_dict()
        store.find("sha256:0", 2)
        store.expire(2**40)
    except StoreError as error:
        said(str(error))


@cache
def log_lines() -> bytes:
    """Return the only segment of a small log."""
    disk = MemoryDisk()
    with Log.open("/log", disk=disk) as log:
        for number in range(3):
            log.append("decision", {"number": number})
    (content,) = [bytes(c) for name, c in disk.files().items() if name.endswith(".records")]
    return content


def of_audit_log(data: bytes) -> None:
    """A segment of a log is read as far as it is in order; `verify` always has a verdict, and says why it is not ok."""
    disk = MemoryDisk({"/log/0000000000000000.records": data})
    read, complaint = 0, None
    try:
        for entry in read_log("/log", disk=disk):
            read += 1
            if not isinstance(entry.record, dict):
                raise Wrong("no record")
    except LogError as error:
        complaint = error
        said(str(error))
    verdict = verify("/log", disk=disk)
    for finding in verdict.findings:
        said(finding.message)
    if verdict.ok and (complaint is not None or verdict.size != read):
        raise Wrong(f"verified, but {complaint} after {read} records")


TARGETS: dict[str, Target] = {
    "parser": of_parser,
    "checker": of_checker,
    "request": of_request,
    "entities": of_entities,
    "evidence": of_evidence,
    "configuration": of_configuration,
    "baseline": of_baseline,
    "tree-cache": of_tree_cache,
    "program-cache": of_program_cache,
    "program-bodies": of_program_bodies,
    "report-cache": of_report_cache,
    "cache-entry": of_cache_entry,
    "approval-row": of_approval_row,
    "approval-store": of_approval_store,
    "audit-log": of_audit_log,
}

