"""Hostile policies: a file cannot make `check`, `fmt`, the lints or the prover run away.

Whoever may send a change to a repository can have it checked, before anyone has read it. Work is counted in calls of
functions, which does not depend on the machine: twice the size may take two and a half times the work, with room for what
every program costs. What is worked out in C is bounded by processor time, very widely. What would grow faster than its text
is refused where it is written (KYN007).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kynara_lang.analysis.proving import Prover
from kynara_lang.checker import names
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics import diagnostic
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Checked, check_sources
from kynara_lang.runtime.replay import Replay
from kynara_lang.syntax.formatter import formatted

HEAD = """\
subject User { name: String, level: Int, tags: Set<String>, ok: Bool }
resource Doc { name: String, level: Int, at: Path, host: Host, ip: IP }
action read, write on Doc (n: Int, s: String)
"""
SECONDS = 60  # of processor time for the larger input, on a slow machine under load; what runs away takes hours


def rule(name: str, *clauses: str, effect: str = "forbid") -> str:
    scope = ' scope any "t"' if effect == "permit" else ""
    return f"{effect} {name} {{ subject User action read resource Doc{scope} {' '.join(clauses)} }}\n"


def tree(size: int, depth: int = 0) -> str:
    """Write a balanced tree of `or` and `and` in turn."""
    if size <= 1:
        return f"args.n == {depth}"
    word = "or" if depth % 2 else "and"
    return f"({tree(size // 2, depth + 1)} {word} {tree(size - size // 2, depth + 1)})"


def lines(items: list[str], word: str) -> str:
    return f"\n {word} ".join(items)


SHAPES: dict[str, tuple[int, Callable[[int], str]]] = {
    "a long or": (60, lambda n: HEAD + rule("f", "when " + lines([f"args.n == {i}" for i in range(n)], "or"))),
    "a long and": (60, lambda n: HEAD + rule("f", "when " + lines([f"args.n != {i}" for i in range(n)], "and"))),
    "a tree of and and or": (60, lambda n: HEAD + rule("f", f"when {tree(n)}")),
    "ors of ands": (120, lambda n: HEAD + rule("f", "when " + lines([f"(args.n == {i} and subject.level == {i})" for i in range(n)], "or"))),
    "ands of ors": (30, lambda n: HEAD + rule("f", "when " + lines([f"(args.n == {i} or subject.level == {i})" for i in range(n)], "and"))),
    "clauses": (60, lambda n: HEAD + rule("f", *(f"when args.n != {i}\n" for i in range(n)))),
    "globs in one rule": (40, lambda n: HEAD + rule("f", "when " + lines([f'args.s like "*a{i}*b*"' for i in range(n)], "or"))),
    "globs in many rules": (60, lambda n: HEAD + "".join(rule(f"f{i}", f'when args.s like "a*{i}*b"') for i in range(n))),
    "overlapping globs": (60, lambda n: HEAD + "".join(rule(f"f{i}", f'when args.s like "{"a" * (i % 30)}*{"b" * (i // 30)}"') for i in range(n))),
    "overlapping paths": (60, lambda n: HEAD + "".join(rule(f"f{i}", f'when resource.at within "/{"/".join("a" * (i % 40 + 1))}/{i}"') for i in range(n))),
    "overlapping hosts": (60, lambda n: HEAD + "".join(rule(f"f{i}", f'when resource.host within "{"a." * (i % 40)}h{i}.example"') for i in range(n))),
    "overlapping blocks": (60, lambda n: HEAD + "".join(rule(f"f{i}", f'when resource.ip within "10.{i % 256}.0.0/16"') for i in range(n))),
    "overlapping ranges": (60, lambda n: HEAD + "".join(rule(f"f{i}", f"when args.n > {i} and args.n < {i + 500}") for i in range(n))),
    "rules that are alike": (60, lambda n: HEAD + "".join(rule(f"f{i}", "when args.n == 1") for i in range(n))),
    "large sets": (200, lambda n: HEAD + rule("f", "when args.n in {" + ",\n".join(map(str, range(n))) + "}")),
    "long enums": (100, lambda n: HEAD + 'type E = ' + " |\n ".join(f'"v{i}"' for i in range(n)) + "\nsubject Other { e: E }\n"),
    "predicates": (60, lambda n: HEAD + "".join(f"let p{i}(u: User) = u.level > {i}\n" for i in range(n)) + rule("f", "when " + lines([f"p{i}(subject)" for i in range(n)], "or"))),
    "roles": (100, lambda n: "role r0\n" + "".join(f"role r{i} extends r{i // 2}\n" for i in range(1, n)) + HEAD + rule("f", "when subject holds r1")),
    "types": (60, lambda n: "".join(f"resource T{i} {{ a: Int }}\n" for i in range(n)) + HEAD + "forbid f { subject User action any resource any }\n"),
    "actions": (60, lambda n: HEAD + "".join(f"action a.b{i} on Doc\n" for i in range(n)) + "forbid f { subject User action a.* resource any }\n"),
    "suppressions": (60, lambda n: HEAD + "".join(f'# kynara: ignore[KYN305] reason="x"\n{rule(f"f{i}", f"when args.n == {i}")}' for i in range(n))),
    "long lines": (20, lambda n: HEAD + f"# {'x' * 90_000}\n" * n + rule("f")),
    "comments": (200, lambda n: HEAD + "".join(f"# comment {i}\n" for i in range(n)) + rule("f")),
}  # fmt: skip


def covered(n: int) -> str:
    """Write permits that are each forbidden by one of many forbids, which are compared with some hundred at most."""
    pairs = (rule(f"f{i}", f"when args.n == {i}") + rule(f"p{i}", f"when args.n == {i}", effect="permit") for i in range(n))
    return HEAD + "".join(pairs)


def calls(work: Callable[[], Any]) -> int:
    """Return how many functions a piece of work calls."""
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def check(text: str) -> Checked:
    return check_sources([Source("hostile.kyn", text)])


def lint(text: str) -> Checked:
    return check_sources([Source("hostile.kyn", text)], lints=LintSettings())


def fmt(text: str) -> str | None:
    return formatted(Source("hostile.kyn", text), Report())


@pytest.mark.parametrize("work", [check, lint, fmt], ids=lambda w: w.__name__)
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_size_is_no_more_than_two_and_a_half_times_the_work(shape: str, work: Callable[[str], Any]) -> None:
    size, text = SHAPES[shape]
    work(text(4))  # what is loaded and remembered once
    base, small, large = (calls(lambda written=written: work(written)) for written in (HEAD, text(size), text(2 * size)))
    assert large - base <= 2.5 * max(small - base, 2_000), (base, small, large)


BIG: dict[str, int] = {
    "a long or": 1000, "a tree of and and or": 1000, "globs in one rule": 1000, "globs in many rules": 800, "overlapping globs": 800,
    "overlapping paths": 600, "overlapping blocks": 600, "overlapping ranges": 600, "rules that are alike": 1000, "large sets": 5000,
}  # fmt: skip


@pytest.mark.parametrize("shape", BIG)
def test_thousands_are_checked_in_bounded_time(shape: str) -> None:
    text = SHAPES[shape][1](BIG[shape])
    start = time.process_time()
    lint(text)
    fmt(text)
    assert time.process_time() - start < SECONDS


def test_permits_under_forbids_are_told_in_bounded_time() -> None:
    """Asking of each forbid what would be without it, among hundreds, took minutes."""
    start = time.process_time()
    names = [d.name for d in lint(covered(200)).diagnostics]
    assert names.count("shadowed-by-forbid") == 200
    assert time.process_time() - start < SECONDS


def test_a_prover_without_time_left_does_not_even_ask_what_rules_depend_on() -> None:
    """Each rule can depend on all others, so naming that for all of them has the square of their number."""

    def work(n: int) -> Callable[[], Any]:
        text = HEAD + "".join(rule(f"p{i}", f"when args.n == {i}", effect="permit") for i in range(n))
        program = check(text).program
        prover = Prover(program, Replay(program), patience=lambda: False)
        assert len(prover.run((), lambda code: True).unsettled) == n
        return lambda: prover.run((), lambda code: True)

    small, large = calls(work(60)), calls(work(120))
    assert large < 2.2 * small


def test_names_that_are_nearly_alike_are_compared_in_bounded_time() -> None:
    """Each unknown name is compared with each known one, to say what was meant."""
    n = 1200
    text = "".join(f"role abcdefgh{i}\n" for i in range(n)) + "".join(f"role x{i} extends abcdefghx{i}\n" for i in range(n))
    start = time.process_time()
    assert len(check(text).diagnostics) == n
    assert time.process_time() - start < SECONDS


def test_so_many_names_are_compared_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the largest size can have a million names that nobody knows, and as many that they may have been meant for."""
    n, compared = 700, Counter[str]()

    def counting(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def seen(word: str, names: Any) -> Any:
            compared[kind] += len(list(names))
            return None

        return seen

    monkeypatch.setattr(diagnostic, "near", counting("near", diagnostic.near))
    monkeypatch.setattr(names, "_with_word", counting("words", names._with_word))
    text = "".join(f"role abcdefgh{i}\n" for i in range(n)) + "".join(f"role x{i} extends abcdefghx{i}\n" for i in range(n))
    assert len(check(text).diagnostics) == n
    assert n < sum(compared.values()) <= diagnostic._COMPARED < n * n
    assert all(compared.values())


def doubling(n: int) -> str:
    lets = "".join(f"let p{i}(x: User) = p{i - 1}(x) or p{i - 1}(x)\n" for i in range(1, n))
    return HEAD + "let p0(x: User) = x.level > 1\n" + lets + rule("f", f"when p{n - 1}(subject)")


def constants(n: int) -> str:
    return HEAD + "let c0 = 1\n" + "".join(f"let c{i} = c{i - 1} + c{i - 1}\n" for i in range(1, n)) + rule("f", f"when args.n == c{n - 1}")


def nested(n: int) -> str:
    return HEAD + "let p0(x: User) = x.level > 1\n" + "".join(f"let p{i}(x: User) = p{i - 1}(x)\n" for i in range(1, n)) + rule("f", f"when p{n - 1}(subject)")


def quantified(n: int) -> str:
    heads = "".join(f"all v{i} in subject.tags: " for i in range(n))
    return HEAD + rule("f", f"when {heads}v0 == v{n - 1}")


def role_chain(n: int) -> str:
    return HEAD + "role r0\n" + "".join(f"role r{i} extends r{i - 1}\n" for i in range(1, n)) + rule("f", f"when subject holds r{n // 2}")


def records(n: int) -> str:
    return "type R0 = {a: Int}\n" + "".join(f"type R{i} = {{a: R{i - 1}, b: R{i - 1}}}\n" for i in range(1, n)) + f"subject U {{ r: R{n - 1} }}\n"


def parentheses(n: int) -> str:
    return HEAD + rule("f", "when " + "(" * n + "args.n == 1" + ")" * n)


GROWING: dict[str, tuple[Callable[[int], str], list[int]]] = {
    "lets that double": (doubling, [8, 12, 16, 20, 40, 100]),
    "constants that double": (constants, [8, 16, 40, 62, 100]),
    "predicates nested by 100": (nested, [50, 100, 200, 400, 1000]),
    "quantifiers nested by 100": (quantified, [5, 20, 100, 200]),
    "roles in a chain": (role_chain, [100, 1000, 1400, 2000, 8000]),
    "records that double": (records, [5, 12, 30, 100]),
    "parentheses nested by 100": (parentheses, [20, 100, 1000]),
}


@pytest.mark.parametrize("shape", GROWING)
def test_what_grows_faster_than_its_text_is_refused_before_it_is_worked_out(shape: str) -> None:
    make, sizes = GROWING[shape]
    refused = []
    for size in sizes:
        text = make(size)
        start = time.process_time()
        checked = lint(text)
        fmt(text)
        assert time.process_time() - start < SECONDS / 2, f"at {size}"
        refused.append(checked.has_errors)
        if checked.has_errors:
            assert {"KYN007", "KYN509", "KYN202"} & {d.code for d in checked.diagnostics}
            assert len(checked.diagnostics) <= 3
    assert refused == sorted(refused), "what is refused once is refused when it is larger"
    assert refused[-1]
    assert not refused[0]
