"""The codes of all diagnostics: one row each, never reused once released.

0xx syntax, 1xx names and modules, 2xx types, 3xx scope, 4xx escalation, 5xx logic, 6xx approval and delegation,
7xx information flow, 8xx hygiene, 9xx invariants and tests.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Code:
    """A diagnostic code with its readable name, usual severity and one-line meaning."""

    code: str
    name: str
    severity: str
    meaning: str


def _table(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> dict[str, Code]:
    return {row[0]: Code(row[0], row[1], row[3] if len(row) == 4 else "error", row[2]) for row in rows}


CODES: dict[str, Code] = _table(
    ("KYN001", "unexpected-text", "Something stands where the grammar expects something else."),
    ("KYN002", "unknown-character", "A character has no meaning in the language."),
    ("KYN003", "unterminated-string", "A string has no closing quote on its line."),
    ("KYN004", "invalid-escape", "A string holds an escape that does not exist."),
    ("KYN005", "deceptive-character", "A character hides, reorders or breaks lines unseen."),
    ("KYN006", "unreadable-file", "A file is not UTF-8 text."),
    ("KYN007", "too-large", "A file, a nesting or a list is larger than is checked."),
    ("KYN008", "chained-comparison", "A comparison is compared again."),
    ("KYN009", "missing-clause", "A rule lacks a clause that it must have."),
    ("KYN010", "repeated-clause", "A clause or option stands more often than it may."),
    ("KYN011", "misplaced-clause", "A clause or option stands where it has no meaning."),
    ("KYN012", "reserved-word", "A word is kept free for a later version."),
    ("KYN013", "number-out-of-range", "A number, time or duration does not fit its type."),
    ("KYN101", "unknown-name", "A name is not declared."),
    ("KYN102", "duplicate-name", "A name is declared twice."),
    ("KYN103", "unknown-module", "An imported module does not exist."),
    ("KYN104", "not-in-module", "An imported name is not declared by its module."),
    ("KYN105", "circular-definition", "A let or type is defined by itself."),
    ("KYN106", "wrong-kind-of-name", "A name is declared, but as something else."),
    ("KYN107", "unneeded-import", "A module of the program itself is imported.", "warning"),
    ("KYN108", "ambiguous-name", "A name means more than one thing."),
    ("KYN201", "type-mismatch", "A value has another type than its place needs."),
    ("KYN202", "unknown-attribute", "A type has no such attribute, parameter or method."),
    ("KYN203", "maybe-absent", "An optional value is read without proof that it is present."),
    ("KYN204", "malformed-literal", "A literal is not a valid value of the type its place needs."),
    ("KYN205", "not-comparable", "Two values are compared that can never be equal or ordered."),
    ("KYN206", "wrong-arguments", "A call has too few, too many or misnamed arguments."),
    ("KYN207", "actor-in-permit", "A permit reads who acts for the subject."),
    ("KYN208", "not-a-constant", "A place needs a constant."),
    ("KYN209", "pattern-needs-within", "A spelling test is used where only containment is safe."),
    ("KYN210", "impossible-test", "A test can never hold for any value it is asked of."),
    ("KYN211", "wrong-effect", "An action effect names what cannot have it."),
    ("KYN301", "permit-without-scope", "A permit does not say which resources it reaches."),
    ("KYN410", "role-cycle", "A role extends itself."),
    ("KYN509", "mixed-and-or", "`and` and `or` stand together without parentheses."),
    ("KYN601", "approval-without-approver", "An approval does not say who may give it."),
)
