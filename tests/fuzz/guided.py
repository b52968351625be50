"""`python -m tests.fuzz.guided --target parser --minutes 5`: fuzzes what reads bytes, led by what the bytes make it do.

Needs the extra `fuzz` (atheris). It begins with the corpus of the target and with what lies in the repository; what makes a
target do something new is kept in a folder of its own and named at the end. `--into FOLDER` keeps it there, so that a run
goes on where another stopped. A failure is written to `tests/fuzz/corpus/<target>/`, where `pytest tests/fuzz` replays it:
it stays there as a regression test when the mistake is mended. `--take` copies from that folder what the corpus lacks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from kynara_lang.resources import grammar_text

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")
MOST_BYTES = 4096
_LONGER = {"program-cache": 16_384}
"""What an input has at most where `MOST_BYTES` would cut the smallest that is read at all."""
MOST_KEPT = 12_000
"""How many bytes of inputs the corpus of one target has at most."""
SLOW = 20
"""A single input that takes longer, in seconds, is a failure."""

_POLICIES = ("tests/golden/diagnostics", "tests/syntax", "examples", "stdlib_policies")
_REAL: dict[str, tuple[str, tuple[str, ...]]] = {
    "parser": ("*.kyn", _POLICIES),
    "checker": ("*.kyn", _POLICIES),
    "entities": ("*.json", ("examples",)),
    "request": ("*.json", ("examples",)),
    "configuration": ("*.toml", ("examples",)),
}
_TOKENS = re.compile(rb'"[^"\n]*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|\s+|.', re.DOTALL)
_WORDS: dict[str, str] = {
    "configuration": "policies libraries select extend-select ignore per-file-ignores severity options baseline KYN error warning info = [ ] { }",
    "baseline": '"version" "entries" "code" "file" "fingerprint" "message" "count" : 1 [ ] { } ,',
    "audit-log": "genesis open close decision recovery",
}
_JSON = (
    '"subject" "action" "resource" "context" "type" "id" "properties" "roles" "parents" "name" "on_behalf_of" "evaluations" '
    '"rule" "digest" "approvers" "expires" "DIGEST" true false null \\u0000 \\ud800 1e5 -0 [ ] { } : ,'
)


def targets() -> list[str]:
    """Return the names of the targets, without loading what they read."""
    return sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def words(target: str) -> Iterator[str]:
    """Yield words that inputs of a target are made of."""
    if target in ("parser", "checker"):
        yield from sorted({found[1] for found in re.finditer(r"/([a-z]{2,20})\(\?", grammar_text())})
        yield from ("==", "!=", "<=", ">=", "##", "2026-11-22", "4h", "50.00", "::", '"a*"')
    else:
        yield from _WORDS.get(target, _JSON).split()


def real_inputs(target: str) -> Iterator[Path]:
    """Yield files of the repository that are inputs of a target."""
    pattern, folders = _REAL.get(target, ("", ()))
    for folder in folders:
        yield from (p for p in sorted((ROOT / folder).rglob(pattern)) if p.stat().st_size <= MOST_BYTES)


def prepared(target: str, folder: Path) -> Path:
    """Copy what a run begins with into its folder; return the file of words."""
    for number, path in enumerate([*sorted((CORPUS / target).glob("*")), *real_inputs(target)]):
        shutil.copy(path, folder / f"real-{number}")
    dictionary = folder.parent / f"{target}.dict"
    escaped = (re.sub(r'[\\"]', r"\\\g<0>", word) for word in words(target))
    dictionary.write_text("".join(f'"{word}"\n' for word in escaped))
    return dictionary


class Splicer:
    """Changes policies by words instead of bytes: puts a few words of a real policy in place of some others."""

    def __init__(self, real: list[bytes]) -> None:
        """Take policies as they are written."""
        self._real = [_TOKENS.findall(content) for content in real]

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """Return changed data; the same seed gives the same."""
        chance = random.Random(seed)
        found = _TOKENS.findall(data)
        for _ in range(chance.randint(1, 3)):
            other = chance.choice(self._real)
            start, at = chance.randrange(len(other)), chance.randint(0, len(found))
            taken = other[start : start + chance.choice((0, 1, 1, 2, 5, 20))]
            found[at : at + chance.choice((0, 0, 1, 1, 5))] = taken
        return b"".join(found)[:most]


def child(target: str, arguments: list[str]) -> None:
    """Load a target with its coverage counted, and hand it to the fuzzer, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["kynara_lang"]):
        from tests.fuzz.targets_of_files import TARGETS
    splice = Splicer([path.read_bytes() for path in real_inputs(target)]) if target in ("parser", "checker") else None

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        if splice is None or seed % 3 == 0:
            changed: bytes = atheris.Mutate(data, len(data))
            return changed
        return splice(data, most, seed)

    how = {} if splice is None else {"custom_mutator": mutated}
    atheris.Setup([sys.argv[0], *arguments], TARGETS[target], **how)
    atheris.Fuzz()


def run(target: str, minutes: float, into: Path | None, seed: int) -> int:
    """Fuzz one target for some time; return the exit code of the fuzzer."""
    scratch = Path(tempfile.mkdtemp(prefix="kynara-fuzz-"))
    folder = into or scratch / target
    folder.mkdir(parents=True, exist_ok=True)
    dictionary = prepared(target, folder)
    before = len(list(folder.iterdir()))
    arguments = [
        f"-max_total_time={round(minutes * 60)}",
        f"-max_len={_LONGER.get(target, MOST_BYTES)}",
        f"-timeout={SLOW}",
        f"-seed={seed}",
        f"-dict={dictionary}",
        f"-artifact_prefix={CORPUS / target}/found-",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        str(folder),
    ]
    print(f"{target}: seed {seed}", flush=True)
    code = _started(target, arguments)
    print(f"{target}: {len(list(folder.iterdir())) - before} new inputs in {folder}", flush=True)
    return code


def take(target: str, extra: Path) -> int:
    """Take into a corpus what a run kept and what runs lines that the corpus does not: the smallest first, up to a size."""
    from tests.fuzz.targets_of_files import TARGETS

    known = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    covered = set[tuple[str, int]]().union(*(lines_of(TARGETS[target], content) for content in known))
    room = MOST_KEPT - sum(map(len, known))
    taken = 0
    for content in sorted({path.read_bytes() for path in extra.iterdir()}, key=lambda c: (len(c), c)):
        if len(content) > room:
            break
        new = lines_of(TARGETS[target], content) - covered
        if new:
            (CORPUS / target / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)
            covered |= new
            room -= len(content)
            taken += 1
    print(f"{target}: {taken} inputs taken")
    return 0


def lines_of(target: Callable[[bytes], None], content: bytes) -> set[tuple[str, int]]:
    """Return the lines of Kynara that an input makes run."""
    found: set[tuple[str, int]] = set()

    def seen(frame: FrameType, event: str, argument: object) -> Callable[..., object] | None:
        if "kynara_lang" not in frame.f_code.co_filename:
            return None
        found.add((frame.f_code.co_filename, frame.f_lineno))
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        target(content)
    finally:
        sys.settrace(before)
    return found


def _started(target: str, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "tests.fuzz.guided", "--target", target, "--child", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}).returncode


def main() -> int:
    """Run the guided fuzzer; return the exit code."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__.splitlines()[0])
    options.add_argument("--target", choices=[*targets(), "all"], required=True)
    options.add_argument("--minutes", type=float, default=1.0, help="how long, for each target (default: 1)")
    options.add_argument("--seed", type=int, help="a number; without one, one that nobody chose")
    options.add_argument("--into", type=Path, help="the folder that keeps what is new")
    options.add_argument("--take", action="store_true", help="take what lies in --into and covers more into the corpus")
    options.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.child is not None:
        child(asked.target, asked.child)
    code = 0
    for target in targets() if asked.target == "all" else [asked.target]:
        into = asked.into and asked.into / target
        if asked.take and into is not None:
            code = max(code, take(target, into))
        else:
            seed = int.from_bytes(os.urandom(4)) if asked.seed is None else asked.seed
            code = max(code, run(target, asked.minutes, into, seed))
    return code


if __name__ == "__main__":
    sys.exit(main())
