"""What can be wrong with a request or an entity: as data, with the place in the JSON it was found at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..diagnostics.suggest import near
from ..semantics.problems import quoted

Code: TypeAlias = Literal[
    "malformed-request",
    "unknown-action",
    "unknown-type",
    "action-not-applicable",
    "not-a-subject",
    "missing-attribute",
    "missing-argument",
    "wrong-type",
    "invalid-value",
    "repeated-principal",
    "chain-too-long",
    "contradictory",
]

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_LONGEST_MEMBER: Final = 60


@frozen
class RequestProblem:
    """One thing that is wrong: a stable code for programs, a JSON path, and one line for people.

    The path is that of the request's JSON, such as `subject.properties.tenant` or `resource.parents[0]`;
    `request` stands for the whole.
    """

    code: Code
    path: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the problem as it stands in the JSON of a decision."""
        return {"code": self.code, "message": self.message, "path": self.path}


class InvalidRequest(Exception):
    """A request that cannot be decided and is therefore denied; `problems` says why, at least once."""

    def __init__(self, problems: Iterable[RequestProblem]) -> None:
        """Take everything that was found."""
        self.problems: tuple[RequestProblem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return the problems, one a line."""
        return "\n".join(f"{p.path}: {p.message}" for p in self.problems)


class Refused(Exception):
    """One value is not acceptable; it ends the reading of that value and goes no further than the reader."""

    def __init__(self, code: Code, path: str, message: str) -> None:
        """Take what a `RequestProblem` is made of."""
        super().__init__(code, path, message)
        self.problem = RequestProblem(code, path, message)

    @classmethod
    def of(cls, problem: RequestProblem) -> Refused:
        """Make the exception of a problem."""
        return cls(problem.code, problem.path, problem.message)


class Problems(list[RequestProblem]):
    """The problems found so far."""

    def add(self, code: Code, path: str, message: str) -> None:
        """Append a problem."""
        self.append(RequestProblem(code, path, message))


def step(name: object) -> str:
    """Return a member's name as a step of a JSON path: `.name`, or `["any text"]` shortened and escaped.

    A name that is no text cannot come from JSON, but a caller in Python can have one; it is `[…]`.
    """
    if not isinstance(name, str):
        return "[…]"
    if _PLAIN.fullmatch(name):
        return f".{name}"
    shown = name if len(name) <= _LONGEST_MEMBER else name[:_LONGEST_MEMBER] + "…"
    return f"[{json.dumps(shown)}]"


def meant(word: str, names: Iterable[str]) -> str:
    """Return `; did you mean …?` for the name that is close to a word, or nothing."""
    guess = near(word, names)
    return f"; did you mean {quoted(guess)}?" if guess else ""
