"""Problems quote offending text safely and survive pickling."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kynara_lang.semantics.problems import MAX_TEXT, EvaluationError, ValueProblem, quoted, refuse_long


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1/8", "`10.0.0.1/8`"),
        ("", "``"),
        ("a\nb\tc\0", "`a\\nb\\tc\\u{0}`"),
        ("x\x1b[31m", "`x\\u{1b}[31m`"),
        ("\u202egpj", "`\\u{202e}gpj`"),
        ("\ud800", "`\\u{d800}`"),
        ("a`b", "`a\\u{60}b`"),
        ("é\\", "`é\\`"),
        ("a" * 60, "`" + "a" * 60 + "`"),
        ("a" * 61, "`" + "a" * 59 + "…`"),
        ("\0" * 99, "`" + "\\u{0}" * 11 + "…`"),
    ],
)
def test_quoted(text: str, expected: str) -> None:
    assert quoted(text) == expected


@given(st.text(st.characters(), max_size=200))
def test_quoted_is_short_printable_and_ends_where_it_should(text: str) -> None:
    inner = quoted(text)[1:-1]
    assert len(inner) <= 60
    assert inner.isprintable()
    assert "`" not in inner


def test_problems_keep_their_parts_when_pickled() -> None:
    problem = pickle.loads(pickle.dumps(ValueProblem("wrong", "right")))
    assert (str(problem), problem.message, problem.suggestion) == ("wrong", "wrong", "right")
    error = pickle.loads(pickle.dumps(EvaluationError("overflow", "too large")))
    assert (str(error), error.code, error.message) == ("too large", "overflow", "too large")
    assert isinstance(problem, ValueError)
    assert not isinstance(error, ValueError)


def test_long_texts_are_refused() -> None:
    refuse_long("x" * MAX_TEXT)
    with pytest.raises(ValueProblem, match="8193 characters long"):
        refuse_long("x" * (MAX_TEXT + 1))
