"""Many threads on a program that was just loaded: rules are unpacked and buckets are built by whoever comes first."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.caching.keeper import program_cache
from kynara_lang.checker import stored_rules

THREADS = 8
HEAD = """\
subject User { level: Int, team: String? }
subject Agent { owner: User }
resource Doc { kind: String, size: Int, at: IP? }
resource Note { kind: String }
action read, write on Doc, Note
role staff
let small(n: Int) = n < 30
"""
RULES = "".join(
    f'permit p{i} {{ subject any action any resource any scope any "t" when resource.kind == "k{i}" }}\n'
    f'forbid f{i} {{ subject User action read resource Doc when resource.kind == "k{i}" and not small(resource.size + {i}) }}\n'
    f'forbid g{i} {{ subject any action write resource Doc when resource has at and resource.at within "10.0.{i}.0/24" }}\n'
    f'forbid h{i} {{ subject any action any resource Note when delegation.depth > 0 and actor == Agent::"a{i}" }}\n'
    for i in range(45)
) + "require approval w { subject any action read resource Doc when resource.size * 2 == 6 from User with role staff where approver.level > 1 }\n"


def requests() -> list[Any]:
    found = []
    for i in range(0, 46, 5):
        ann = {"type": "User", "id": "ann", "properties": {"level": 1}, "roles": ["staff"]}
        bot = {"type": "Agent", "id": f"a{i}", "properties": {"owner": ann}, "on_behalf_of": ann}
        for subject in (ann, bot):
            for kind, properties in (
                ("Doc", {"kind": f"k{i}", "size": 3, "at": f"10.0.{i}.7"}),
                ("Doc", {"kind": f"k{i}", "size": 2**63 - 2}),
                ("Note", {"kind": f"k{i}"}),
            ):
                resource = {"type": kind, "id": "d", "properties": properties}
                for action in ("read", "write"):
                    found.append({"subject": subject, "action": {"name": action}, "resource": resource, "context": {}})
    return found


def answers(policies: kynara.PolicySet, asked: list[Any], *, explaining: bool) -> list[Any]:
    """Decide or explain first, one as the other, so that threads meet the same rule on different ways."""
    if explaining:
        explained = [policies.explain(request).to_dict() for request in asked[::5]]
        return [explained, [policies.decide(request).to_dict() for request in asked]]
    decided = [policies.decide(request).to_dict() for request in asked]
    return [[policies.explain(request).to_dict() for request in asked[::5]], decided]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.kyn").write_text(HEAD + RULES, encoding="utf-8")
    return tmp_path / "policies"


def fresh(paths: Path) -> kynara.PolicySet:
    return kynara.load(paths)


def kept(paths: Path) -> kynara.PolicySet:
    return kynara.load(paths, cache=program_cache())


@pytest.mark.parametrize("load", [fresh, kept])
@pytest.mark.usefixtures("impatient")
def test_threads_that_share_a_program_give_the_answers_of_one(
    paths: Path, load: Callable[[Path], kynara.PolicySet], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(paths)  # so that `kept` finds it
    asked = requests()
    expected = answers(kynara.load(paths), asked, explaining=False)
    assert {d["decision"] for d in expected[1]} == {"allow", "deny", "require_approval"}
    assert any(d["errors"] for d in expected[1])
    unpacked: Counter[bytes] = Counter()
    real = stored_rules.packed.unpack

    def slowly(line: bytes, source: Any) -> Any:
        unpacked[line] += 1
        time.sleep(0.0002)  # others come meanwhile
        return real(line, source)

    for _ in range(2):
        unpacked.clear()
        policies, together = load(paths), threading.Barrier(THREADS)
        found: list[Any] = []

        def work(number: int, policies: Any = policies, together: Any = together, found: Any = found) -> None:
            turned = asked[number * 7 % len(asked) :] + asked[: number * 7 % len(asked)]
            together.wait()
            answers(policies, turned[:40], explaining=number % 2 == 0)
            found.append(answers(policies, asked, explaining=number % 2 == 1))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        with monkeypatch.context() as patched:
            patched.setattr(stored_rules.packed, "unpack", slowly)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        # Once for the bucket, and once more if an explanation shows it: whoever comes second takes what is there.
        assert max(unpacked.values()) <= 2
        assert len(found) == THREADS  # nobody stopped with an exception
        assert all(one == expected for one in found)
