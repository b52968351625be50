"""Case folding, Unicode normalisation, confusables: two texts that one system takes for equal and another does not.

Spotify accounts were taken over with names that one canonicalisation changed and a second one changed again (2013);
password resets went to other people's addresses because `ı` becomes `I` in upper case (Django, CVE-2019-19844); source
code says another thing than it shows with letters that look alike (CVE-2021-42694) or with bidirectional controls
(CVE-2021-42574). Here texts are compared by code point, `.lower()` folds A to Z and nothing else, and the checker speaks
up about policies that look like what they are not.
"""

from __future__ import annotations

from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from tests.hostile.asking import NO, REFUSED, YES, answer, call, codes, door, refusal

CYRILLIC_A, KELVIN, DOTLESS, DOTTED, LONG_S = "\u0430", "\u212a", "\u0131", "\u0130", "\u017f"
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"

SAME = [
    # what the policy says, what the request says, whether `==` holds, whether `.lower() ==` does
    ("admin", "admin", YES, YES),
    ("admin", "ADMIN", NO, YES),
    ("admin", "Admin", NO, YES),
    ("admin", f"{CYRILLIC_A}dmin", NO, NO),
    ("admin", "admin ", NO, NO),
    ("admin", "admin\u200b", NO, NO),
    ("admin", "admin\0", NO, NO),
    ("admin", "adm\u00adin", NO, NO),
    ("admin", "\ufeffadmin", NO, NO),
    ("admin", "ａｄｍｉｎ", NO, NO),
    ("admin", f"ADM{DOTTED}N", NO, NO),
    ("admin", f"adm{DOTLESS}n", NO, NO),
    ("task", f"tas{KELVIN}", NO, NO),
    ("boss", f"bo{LONG_S}s", NO, NO),
    ("strasse", "straße", NO, NO),
    ("straße", "STRASSE", NO, NO),
    ("straße", "STRAẞE", NO, NO),
    (COMPOSED, DECOMPOSED, NO, NO),
    (COMPOSED, "CAFÉ", NO, NO),
    (COMPOSED, "CAF\u00e9", NO, YES),
    ("ss", "ß", NO, NO),
    ("fi", "ﬁ", NO, NO),
    ("1", "１", NO, NO),
    ("1", "¹", NO, NO),
    ("ς", "σ", NO, NO),
    ("bigbird", "ᴮᴵᴳᴮᴵᴿᴰ", NO, NO),
    ("😀", "😀", YES, YES),
]


@pytest.mark.parametrize(("meant", "given", "equal", "folded"), SAME)
def test_texts_are_equal_by_code_point_and_fold_a_to_z_only(meant: str, given: str, equal: str, folded: str) -> None:
    assert answer("String", f'args.x == "{meant}"', given) == equal
    assert answer("String", f'args.x in {{"{meant}", "other"}}', given) == equal
    assert answer("Set<String>", f'"{meant}" in args.x', [given]) == equal
    assert answer("String", f'args.x.lower() == "{meant}"', given) == folded
    assert answer("String", f'args.x like "{meant}*"', given) == (YES if given.startswith(meant) else NO)


def test_folding_does_not_change_a_length() -> None:
    for text in (f"{DOTTED}", "ﬃ", "ß", "ΐ"):
        assert answer("String", "args.x.lower().length() == args.x.length()", text) == YES


@pytest.mark.parametrize("given", ["\ud800", "a\udfff", "\udcff\udc00"], ids=ascii)
def test_half_a_character_is_no_text(given: str) -> None:
    """Two lone surrogates become one character when someone joins them, or a question mark when someone writes them."""
    assert answer("String", 'args.x != "admin"', given) == REFUSED
    identity = call("a")
    identity["subject"]["id"] = given
    asked = door('subject User\nresource Doc\naction read on Doc (x: String)\npermit p { subject any action any resource any scope any "t" }\n')
    assert codes(asked.ask(identity)) == ["malformed-request"]


IDENTITIES = ["Alice", "alice ", " alice", "alice\u200d", "\u0430lice", "ali\u0441e", "al\u0131ce", "alicе", "alice\n", "ａlice", "a\u0301lice"]


@pytest.mark.parametrize("identity", IDENTITIES, ids=ascii)
@pytest.mark.parametrize("how", ["pattern", "literal", "store", "group"])
def test_a_name_that_looks_like_another_is_another(identity: str, how: str) -> None:
    head = "subject Team\nsubject User in Team\nresource Doc\naction read on Doc (x: String)\nrole lead\n"
    rules = {
        "pattern": 'permit p { subject User::"alice" action read resource Doc scope any "t" }',
        "literal": 'permit p { subject User action read resource Doc scope subject == User::"alice" }',
        "store": 'permit p { subject User with role lead action read resource Doc scope any "t" }',
        "group": 'permit p { subject User in Team::"alice" action read resource Doc scope any "t" }',
    }
    store: list[Any] = [{"type": "User", "id": "alice", "roles": ["lead"]}]
    asked = door(head + rules[how], store if how == "store" else None)
    for name, expected in (("alice", "allow"), (identity, "deny")):
        request = call("a")
        if how == "group":
            request["subject"]["parents"] = [{"type": "Team", "id": name}]
        else:
            request["subject"]["id"] = name
        assert asked.effect(request) == expected


def test_an_approver_who_looks_like_another_is_not_the_other() -> None:
    """And whoever asks cannot approve under a name that only looks different."""
    text = 'subject User\nresource Doc\naction read on Doc (x: String)\npermit p { subject any action read resource Doc scope any "t" }\nrequire approval q { subject any action read resource Doc from User::"lea" }\n'
    asked = door(text)
    evidence = {"rule": "policy.q", "digest": asked.policies.approval_digest(call("a")), "expires": "2026-11-22T11:00:00Z"}
    for name, expected in (("lea", "allow"), ("Lea", "require_approval"), ("l\u0435a", "require_approval"), ("lea\u200b", "require_approval")):
        given = [{**evidence, "approvers": [{"type": "User", "id": name}]}]
        assert asked.effect(call("a"), given) == expected


def found(text: str) -> set[str]:
    checked = check_sources([Source("policy.kyn", text)], lints=LintSettings())
    return {d.code for d in checked.diagnostics}


DECEIVING = [
    ('subject User\nresource Doc\naction read on Doc\npermit p { subject User::"' + CYRILLIC_A + 'dmin" action read resource Doc scope any "t" }\n'),
    ('subject User { name: String }\nresource Doc\naction read on Doc\npermit p { subject User action read resource Doc scope subject.name == "ad\u0443min" }\n'),
    'role userl\nrole user1\n',
    ('subject User { name: String }\nresource Doc\naction read on Doc\nforbid p { subject User action read resource Doc when subject.name == "' + DECOMPOSED + '" }\n'),
]  # fmt: skip


@pytest.mark.parametrize("text", DECEIVING, ids=["id", "literal", "names", "decomposed"])
def test_a_policy_that_looks_like_what_it_is_not_is_told(text: str) -> None:
    assert "KYN805" in found(text)


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u00ad", "\ufeff"], ids=ascii)
def test_what_turns_a_line_around_is_refused_anywhere(character: str) -> None:
    """A comment that ends where nobody sees it can take a forbid out of a policy, or put a permit in."""
    head = "subject User\nresource Doc\naction read on Doc\n"
    for text in (f"# {character} forbid", f'let a = "{character}"', f"role a{character}", f"## {character}\nrole a"):
        assert refusal(head + text + "\n") == ["KYN005"]


def test_letters_that_are_not_ascii_are_no_names() -> None:
    for text in (f"role {CYRILLIC_A}dmin", "subject Usеr", "let ａ = 1", "role a\u0301", "action ｒead"):
        assert refusal(text + "\n")


def test_a_keyword_in_another_case_is_no_keyword() -> None:
    head = "subject User\nresource Doc\naction read on Doc\n"
    for word in ("FORBID", "Forbid", "PERMIT", "fоrbid"):
        with pytest.raises(kynara.CompileError):
            kynara.loads(f"{head}{word} f {{ subject User action read resource Doc }}\n")
