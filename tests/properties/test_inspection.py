"""What `inspect` claims of a program's costs, against a count of what its requests really take."""

from __future__ import annotations

from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from tests.compiler.counting import Counting, metered

from .generate import Made, program
from .requests import Caller
from .vocabulary import Draw, readable

REQUESTS = 8


@st.composite
def cases(draw: Any) -> tuple[Made, list[Any], list[Any]]:
    """A program, a store, and requests."""
    source = Draw(draw)
    made = program(source)
    caller = Caller(source, made.schema)
    return made, caller.store(), [caller.request() for _ in range(REQUESTS)]


@given(cases())
def test_no_request_takes_more_tests_than_inspect_says(case: tuple[Made, list[Any], list[Any]]) -> None:
    made, store, requests = case
    policies = PolicySet(made.check(), Entities.from_list(store))
    counting = Counting(policies)
    with metered() as meter:
        for request in requests:
            try:
                links = list(counting.links(request, meter))
            except InvalidRequest:
                continue
            for quick, exact, inspected in links:
                note(f"{readable(request)}\n  took {quick} and {exact} of {inspected.tests} and {inspected.again}")
                assert quick <= inspected.tests
                assert exact is None or (inspected.again is not None and exact <= inspected.again)
