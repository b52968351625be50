"""What the checker says to do about a mistake, and how far it looks: one example for each thing it can say."""

from __future__ import annotations

import pytest

from kynara_lang.checker.action_words import guess
from kynara_lang.checker.settings import matches
from kynara_lang.diagnostics.diagnostic import Diagnostic
from tests.checker.programs import HEAD, check, rule


def only(text: str) -> Diagnostic:
    (one,) = check(text).diagnostics
    return one


def of(condition: str) -> Diagnostic:
    return only(rule(f"when {condition}"))


@pytest.mark.parametrize(
    ("condition", "help_"),
    [
        ("subject.staff", "write `subject holds staff`"),
        ("subject.lead == true", "write `subject holds lead`"),
        ('"staff" in subject.roles', "write `subject holds staff`"),
        ('subject.role == "staff"', "write `subject holds staff`"),
        ('subject.role != "staff"', "write `not subject holds staff`"),
        ('subject.role == "other"', "write `subject holds NAME`"),
        ('subject.id == "x"', 'compare the entity itself: `subject == User::"x"`'),
        ('subject.id != "x"', 'compare the entity itself: `subject != User::"x"`'),
        ("subject.uid == subject.nick", 'compare the entity itself: `subject == User::"…"`'),
    ],
)
def test_what_other_languages_keep_in_attributes_is_asked_of_the_entity(condition: str, help_: str) -> None:
    (one, *_) = check(rule(f"when {condition}")).diagnostics
    assert one.help == help_


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("can_delete", "delete"),
        ("bulk_force_delete", "delete"),
        ("delete_bulk", "delete"),
        ("may_do_auto_delete_all", "delete"),
        ("can.delete", "delete"),
    ],
)
def test_words_before_the_verb_of_an_action_are_passed_over(name: str, word: str) -> None:
    assert guess(name) == guess(word)
    assert guess("can_read_may") == guess("read_may")


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/**", "a/b/c", True),
        ("**/c", "a/b/c", True),
        ("**/c", "c", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "b/c", False),
        ("a/**/c", "a/b", False),
        ("a/b/**", "a", False),
        ("a/b", "a", False),
        ("a", "a/b", False),
    ],
)
def test_two_stars_stand_for_any_number_of_segments(glob: str, path: str, fits: bool) -> None:
    assert matches(glob, path) is fits


def test_a_circle_of_roles_is_written_out_where_more_than_one_is_in_it() -> None:
    assert only("role a extends a\n").notes == ("all roles of a circle hold the same rights, so they are one role",)
    assert only("role a extends b\nrole b extends a\n").notes[0] == "the circle is a → b → a"
    assert only("role a extends b\nrole b extends c\nrole c extends a\n").notes[0] == "the circle is a → b → c → a"


def test_after_a_parameter_declared_twice_the_others_still_count() -> None:
    text = HEAD + "let p(n: Int, n: Int, m: String) = n > 1 and m == \"x\"\n"
    assert only(text).message == "the parameter `n` is declared twice"


def test_a_group_that_nobody_is_in_is_told_with_the_right_article() -> None:
    head = "subject User\nsubject Agent\nsubject Hut\nsubject Team\nresource Doc\naction read on Doc\n"
    for member, said in (("User", "a User"), ("Agent", "an Agent"), ("Hut", "a Hut")):
        one = only(head + f'forbid f {{ subject {member} in Team::"x" action read resource Doc }}')
        assert one.message == f"{said} is never in a Team"


SCOPES = """
subject User {{ n: Int }}
resource Doc {{ {0} }}
action read on Doc
permit p {{ subject User action read resource Doc }}
"""


@pytest.mark.parametrize(
    ("attribute", "example"),
    [
        ("owner: User", "such as `scope subject == resource.owner`"),
        ("readers: Set<User>", "such as `scope subject in resource.readers`"),
    ],
)
def test_a_permit_without_a_scope_is_shown_one_that_its_types_allow(attribute: str, example: str) -> None:
    assert example in (only(SCOPES.format(attribute)).help or "")


def test_whether_something_is_there_is_asked_with_has() -> None:
    assert of("exists(subject.nick)").help == "write `subject has nick`"
    assert of("any_other(subject.level)").help != "write `subject has level`"


@pytest.mark.parametrize("name", ["exists", "contains"])
def test_a_predicate_may_be_called_what_other_languages_call_a_question(name: str) -> None:
    assert check(HEAD + f"let {name}(n: Int) = n > 1\n" + rule(f"when {name}(subject.level)").removeprefix(HEAD)).diagnostics == ()


def test_a_let_may_be_exactly_as_large_as_is_compiled() -> None:
    """And a rule that uses it is one part too large, which is said of the rule."""

    def text(more: str) -> str:
        terms = " and ".join(["n > 1"] * 6665 + [more])
        let = f"let large(n: Int) = {terms}\n"
        return HEAD + let + rule("when large(subject.level)").removeprefix(HEAD)

    one = only(text("not n > 1"))
    assert one.message.startswith("this has 20,0")
    assert one.span.text == "large(subject.level)"
    assert only(text("not (not n > 1)")).span.text.startswith("n > 1 and")


def test_what_an_approver_must_be_is_said_with_where() -> None:
    approval = "require approval a {{ subject User action read resource Doc from User {0}when approver.level > 1 }}"
    for more in ("", "with role lead "):
        found = check(HEAD + approval.format(more)).diagnostics
        assert found[0].message == "what an approver must be is said with `where`"
        assert found[0].span.text == "when"
        assert found[0].help == "write `where`"
        assert len(found) == 1


def test_now_belongs_to_the_context_and_is_told_once() -> None:
    one = of("now > 2026-01-01")
    assert (one.message, one.help) == ("`now` is not declared", "write `context.now`")
    assert one.labels[0].message == "the time belongs to `context`"
