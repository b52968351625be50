"""Code injection through names, strings and external names into generated code.

An expression from a header ran in Spring Cloud Function (CVE-2022-22963); template engines evaluate what should have been
printed. Decisions are compiled to Python here, so whatever an author or a caller writes must stay a value: constants are
bound beside the code, never written into it, and names are of letters that cannot end a name.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.compiler import codegen
from tests.hostile.asking import NO, NOW, YES, answer, door, refusal

PAYLOADS = [
    '"',
    "'",
    "\\",
    "\\'",
    "'''",
    '\\"\\"\\"',
    "') or True or ('",
    "']; __import__('os').system('touch /tmp/kynara-owned') #",
    "__import__('os').system('id')",
    "{0}",
    "{0.__class__}",
    "{s.__init__.__globals__}",
    "%s%n",
    "${jndi:ldap://evil}",
    "#{7+7}",
    "\n return 0\n",
    "\n\n    import os\n",
    "\r\nreturn True",
    "\t",
    "\u2028return 0",
    "k0",
    "s.attrs['secret']",
    "True",
    "lambda: 0",
    "x: (yield)",
    "\u0000",
    "f(s, r, a, c, d, x, n, p) or True",
    "0 if 1 else",
    "..",
    "*",
    "🐍",
]


def written(text: str) -> str:
    """Write a text as a literal of the language."""
    out = "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
    return f'"{out}"'


@pytest.fixture(autouse=True)
def _only_our_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile only what looks like our own code and holds no payload."""
    real = codegen._code.__wrapped__

    def code(source: str) -> Any:
        for payload in PAYLOADS:
            assert len(payload) < 8 or payload not in source
        assert re.fullmatch(r"[\w\s.,:=+\-*<>()\[\]'!{}&|]*", source), source
        return real(source)

    monkeypatch.setattr(codegen, "_code", code)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_text_of_a_policy_stays_a_text(payload: str) -> None:
    literal = written(payload)
    for condition in (
        f"args.x == {literal}",
        f"args.x in {{{literal}, {written(payload + 'x')}}}",
        f"args.x.starts_with({literal}) and args.x.length() == {len(payload)}",
        f"args.x.ends_with({literal}) and args.x.length() == {len(payload)}",
        f"{{a: args.x}} == {{a: {literal}}}",
    ):
        assert answer("String", condition, payload) == YES
        assert answer("String", condition, payload + "!") == NO


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_an_identifier_or_an_external_name_stays_a_name(payload: str) -> None:
    literal = written(payload)
    text = f"""\
subject User as {literal} {{ a as {literal}: String, b as "b": "one" | {literal} }}
resource Doc
action read as {literal} on Doc (p as {literal}: Int)
context {{ c as {literal}: Bool }}
role r as {literal}
permit p {literal} {{
  subject User::{literal} with role r
  action  read
  resource any
  scope   any {literal}
  when    subject.a == {literal} and subject.b == {literal} and args.p == 1 and context.c
}}
"""
    try:
        asked = door(text)
    except kynara.CompileError as problem:
        assert "*" in payload or not payload.strip() or any(ord(c) < 32 or ord(c) == 0x2028 for c in payload), problem
        return
    request = {
        "subject": {"type": payload, "id": payload, "properties": {payload: payload, "b": payload}, "roles": [payload]},
        "action": {"name": payload, "properties": {payload: 1}},
        "resource": {"type": "Doc", "id": payload},
        "context": {"now": NOW, payload: True},
    }
    assert asked.effect(request) == "allow"
    request["subject"]["id"] = payload + "x"
    assert asked.effect(request) == "deny"


def test_switches_over_hostile_texts_find_their_rule() -> None:
    """Many rules told apart by one text become a table; its keys are values, too."""
    rules = "".join(f"permit p{i} {{ subject User action read resource Doc scope args.x == {written(p)} }}\n" for i, p in enumerate(PAYLOADS))
    asked = door("subject User\nresource Doc\naction read on Doc (x: String)\n" + rules)
    for i, payload in enumerate(PAYLOADS):
        request = {"subject": {"type": "User", "id": "u"}, "action": {"name": "read", "properties": {"x": payload}}, "resource": {"type": "Doc", "id": "d"}, "context": {}}
        assert asked.ask(request).rules == (f"policy.p{i}",)
        request["action"]["properties"] = {"x": payload + "~"}  # type: ignore[index]
        assert asked.effect(request) == "deny"


PYTHON_NAMES = ["class", "def", "return", "import", "lambda", "None", "_", "__class__", "__globals__", "__builtins__", "__import__", "self", "exec", "s", "r", "a", "c", "d", "x", "n", "p", "k0", "w0", "f", "found", "hit", "case", "key", "all", "any", "len", "frozenset", "attribute", "MISSING", "checked"]


@pytest.mark.parametrize("name", PYTHON_NAMES)
def test_names_of_python_and_of_generated_code_are_ordinary_names(name: str) -> None:
    if name[0].isupper():
        assert refusal(f"subject User {{ {name}: Int }}\n")
        return
    bound = name if name not in ("any", "all", "import", "_") else f"{name}_"
    text = f"""\
subject User {{ {name}: Int }}
resource Doc {{ {name}: Set<Int> }}
action read on Doc ({name}: Int)
context {{ {name}: Int? }}
permit p {{
  subject User action read resource Doc
  scope subject.{name} == 7 and (all {bound} in resource.{name}: {bound} == args.{name})
  when context has {name} and context.{name} == subject.{name}
}}
"""
    asked = door(text)
    request = {
        "subject": {"type": "User", "id": "u", "properties": {name: 7}},
        "action": {"name": "read", "properties": {name: 3}},
        "resource": {"type": "Doc", "id": "d", "properties": {name: [3]}},
        "context": {"now": NOW, name: 7},
    }
    assert asked.effect(request) == "allow"
    request["resource"]["properties"] = {name: [3, 4]}  # type: ignore[index]
    assert asked.effect(request) == "deny"


NAMES = ['a"b', "a'b", "a-b", "a b", "a\nb", "a;b", "a(b)", "a[0]", "ａ", "é", "a\u0301", "a\u200b", "a{0}", "a%s", "1a", "a\\b"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("where", ["subject {} ", "subject User {{ {}: Int }}", "action {}", "role {}", "let {} = 1", "context {{ {}: Int }}", "subject User\nforbid {} {{ subject User action any resource any }}"])
def test_a_name_is_of_letters_digits_and_underscores(name: str, where: str) -> None:
    assert refusal(where.format(name) + "\n")


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_what_a_request_says_reaches_no_code_and_no_terminal(payload: str) -> None:
    text = "subject User\nresource Doc\naction read on Doc (x: Int)\npermit p { subject User action read resource Doc scope any \"t\" when args.x == 1 }\n"
    policies = kynara.loads(text)
    request = {
        "subject": {"type": payload, "id": payload, payload: payload, "roles": [payload]},
        "action": {"name": payload, "properties": {payload: payload}},
        "resource": {"type": payload, "id": payload, "properties": {payload: [payload]}},
        "context": {payload: {payload: payload}},
    }
    decision = policies.decide(request)
    assert not decision.allowed
    for error in decision.errors:
        assert error.message.isprintable()
        assert error.path is None or error.path.isprintable()
    assert policies.explain(request).decision == decision


def test_the_namespace_of_generated_code_offers_nothing() -> None:
    assert codegen.NAMESPACE["__builtins__"] == {}
    reachable = set(codegen.NAMESPACE)
    assert not reachable & {"eval", "exec", "open", "getattr", "globals", "__import__", "compile", "type", "object"}
