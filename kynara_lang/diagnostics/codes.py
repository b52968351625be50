"""The codes of all diagnostics: one row each, never reused once released.

0xx syntax, 1xx names and modules, 2xx types, 3xx scope, 4xx escalation, 5xx logic, 6xx approval and delegation,
7xx information flow, 8xx hygiene, 9xx invariants and tests.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Code:
    """A diagnostic code with its readable name, usual severity and one-line meaning.

    A `quiet` one is reported only to those who ask for it.
    """

    code: str
    name: str
    severity: str
    meaning: str
    quiet: bool = False


def _table(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> dict[str, Code]:
    found = {}
    for code, name, meaning, *rest in rows:
        severity, _, quiet = (rest[0] if rest else "error").partition(" ")
        found[code] = Code(code, name, severity, meaning, bool(quiet))
    return found


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
    ("KYN012", "reserved-word", "A word has a meaning already, or is kept free for a later version."),
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
    ("KYN302", "vacuous-scope", "A scope is true of every resource."),
    ("KYN303", "scope-ignores-resource", "A scope does not mention the resource."),
    ("KYN304", "wildcard-covers-authority", "A wildcard covers an action that changes authority."),
    ("KYN305", "unscoped-on-purpose", "A permit says on purpose that nothing bounds it.", "note quiet"),
    ("KYN306", "scope-from-untrusted", "Only what the caller chooses bounds a permit.", "warning"),
    ("KYN307", "open-complement-scope", "A scope reaches everything except a few values.", "warning"),
    ("KYN401", "self-escalation", "A subject can give itself what it was not permitted."),
    ("KYN402", "escalation-through-others", "A subject gets further through a principal that it steers."),
    ("KYN403", "may-edit-policy", "Whoever a policy binds may change the policy, or what records it."),
    ("KYN404", "scope-laundering", "A subject can change the very attribute that bounds it."),
    ("KYN405", "may-approve-own-request", "A subject can approve what it asks for itself."),
    ("KYN406", "mutual-approval", "Two agents can approve each other's requests.", "warning"),
    ("KYN407", "may-lift-own-denial", "A subject can change what a rule stops it by."),
    ("KYN408", "acts-as-stronger", "A subject can act as a principal that may do more."),
    ("KYN409", "authority-through-wildcard", "A wildcard permits an action that leads further."),
    ("KYN410", "role-cycle", "A role extends itself."),
    ("KYN501", "never-matches", "A rule can match no request."),
    ("KYN502", "always-true-condition", "A condition is true whenever it is asked.", "warning"),
    ("KYN503", "shadowed-by-forbid", "A permit grants nothing, because a forbid covers it."),
    ("KYN504", "redundant-rule", "A rule says only what another says already.", "warning"),
    ("KYN505", "duplicate-rule", "Two rules say the same.", "warning"),
    ("KYN506", "forbid-never-fires", "A rule narrows what nothing permits.", "warning"),
    ("KYN507", "expired-validity", "A rule is never valid, or no longer.", "warning"),
    ("KYN508", "all-over-empty-set", "`all` holds for an empty set, and permits.", "warning"),
    ("KYN509", "mixed-and-or", "`and` and `or` stand together without parentheses."),
    ("KYN510", "self-comparison", "A value is compared with itself.", "warning"),
    ("KYN511", "pattern-with-equals", "A pattern is compared as plain text.", "warning"),
    ("KYN512", "action-resource-mismatch", "A rule names an action that its resources do not have.", "warning"),
    ("KYN601", "approval-without-approver", "An approval does not say who may give it, or nobody can."),
    ("KYN602", "quorum-out-of-reach", "A quorum is larger than the number of possible approvers.", "warning"),
    ("KYN603", "long-lived-approval", "An approval lasts longer than a week.", "warning"),
    ("KYN604", "irreversible-without-approval", "An agent may do what cannot be undone, unasked.", "warning"),
    ("KYN605", "autonomous-without-delegator", "An agent is permitted alone what is somebody's own.", "warning"),
    ("KYN606", "unbounded-delegation", "Agents may act for agents without a bound.", "warning"),
    ("KYN607", "agent-approves", "An AI principal can give an approval.", "warning"),
    ("KYN701", "lethal-trifecta", "An agent reads secrets and untrusted text and can send out."),
    ("KYN702", "trifecta-through-others", "An agent reaches all three through others it acts as.", "warning"),
    ("KYN703", "untrusted-decides", "What the caller chooses decides a permit.", "warning"),
    ("KYN801", "undescribed-permit", "A permit does not say in words what it is for.", "warning"),
    ("KYN802", "unused-declaration", "Something is declared and never used.", "warning"),
    ("KYN803", "useless-suppression", "A suppression is unused, expired or malformed.", "warning"),
    ("KYN804", "unconventional-name", "A name is spelled unlike the others of its kind.", "warning"),
    ("KYN805", "confusable-text", "A name or text looks like another, and is not.", "warning"),
    ("KYN806", "grants-nothing", "A policy permits nothing at all.", "warning"),
    ("KYN807", "effect-not-declared", "An action's name suggests an effect it does not declare.", "warning"),
    ("KYN808", "attribute-without-fixture", "Rules read an attribute that no fixture gives.", "warning"),
    ("KYN809", "hard-to-read", "A rule is built in a way that hides what it means.", "warning"),
    ("KYN901", "broken-invariant", "A request exists that an invariant rules out."),
    ("KYN902", "untested-rule", "No test makes a rule match.", "warning"),
    ("KYN903", "not-proved", "Something could be neither proved nor refuted.", "note"),
)

LANGUAGE_CODES = frozenset(code for code in CODES if code < "KYN300") | {"KYN301", "KYN410", "KYN509"}
"""Errors of the language itself: no setting and no comment silences them. (KYN601 is a lint that is one in part.)"""

TESTED_CODES = frozenset({"KYN902"})
"""What only `kynara test --coverage` finds."""

PROVED_CODES = frozenset(code for code in CODES if code[3] in "49") - LANGUAGE_CODES - TESTED_CODES
"""What only proofs find."""

PROVABLE_CODES = frozenset({"KYN302", "KYN501", "KYN503", "KYN504", "KYN506"})
"""Codes of lints of which proofs find more than structure shows."""
