"""`std.email`: mail that stays inside, and mail that somebody looks at before it leaves."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, codes, entity, program, text_of

WRITER = entity("Secretary", mail_domains=["example.com", "example.org"])
BOX = entity("Mailbox", team="example.com")
IN, OUT = "a@mail.example.com", "a@example.com.evil.net"


@pytest.mark.parametrize(
    ("to", "leaves"),
    [([IN], False), ([IN, "b@EXAMPLE.org"], False), ([OUT], True), ([IN, OUT], True), ([], False)],
)
def test_announcements_stay_inside(to: list[str], leaves: bool) -> None:
    decision = ("deny", {"std.email.stays_inside"}) if leaves else ("allow", {"secretaries_write"})
    assert ask(program("email"), WRITER, "announce", BOX, to=to) == decision


@pytest.mark.parametrize("copies", [{}, {"cc": [IN]}, {"bcc": [IN]}, {"cc": [], "bcc": []}])
def test_answers_inside_wait_for_nobody(copies: dict[str, Any]) -> None:
    asked = ask(program("email"), WRITER, "answer", BOX, to=[IN], body="x", **copies)
    assert asked == ("allow", {"secretaries_write"})


@pytest.mark.parametrize("leaving", [{"to": [IN, OUT]}, {"cc": [OUT]}, {"cc": [IN], "bcc": [IN, OUT]}])
def test_answers_that_leave_wait(leaving: dict[str, Any]) -> None:
    asked = ask(program("email"), WRITER, "answer", BOX, **{"to": [IN], "body": "x", **leaving})
    assert asked == ("require_approval", {"std.email.outside_mail"})


def test_nothing_is_inside_of_no_domain() -> None:
    assert ask(program("email"), entity("Secretary", mail_domains=[]), "announce", BOX, to=[IN])[0] == "deny"


@pytest.mark.parametrize(("to", "effect"), [([IN], "allow"), ([], "deny"), (["a@example.org"], "deny")])
def test_the_predicates_serve_the_permits_of_a_program(to: list[str], effect: str) -> None:
    assert ask(program("email"), entity("Robot"), "chat", BOX, to=to)[0] == effect


@pytest.mark.parametrize("parameters", ["(recipient: Email)", "(to: Email)", "(to: Set<Email>, cc: Email?)", ""])
def test_an_action_that_joins_without_its_parameters_is_refused(parameters: str) -> None:
    more = f"\naction whisper on Mailbox {parameters} in inside_mail effects sends_out"
    assert codes(text_of("email") + more) & {"KYN108", "KYN201", "KYN203"}
