"""What the name of an action says that it does, guessed from its verb.

A word counts where it stands in a verb's place: `create_post` creates, `slack_post_message` posts, `email_update`
updates. Only names that can hardly mean anything else are guessed at; the words are English.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SEGMENT: Final = re.compile(r"[./:]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE: Final = _words("can may do bulk mass batch force hard auto")
_PREPOSITIONS: Final = _words("to from of for in on by with as")
_READ: Final = _words(
    "read get list view show see search find query count describe check inspect watch preview export download"
)
_WRITE: Final = _words("create add edit update change set put patch write save modify remove deploy apply attach")
_HARMLESS: Final = _words(
    "new insert make rename move copy merge open close assign unassign archive unarchive restore undelete undo"
    " recover request cancel draft prepare propose plan schedule simulate validate verify test estimate reject decline"
    " start stop pause resume enable disable suspend leave invite subscribe unsubscribe soft prevent protect lock"
    " unlock build connect disconnect import load rotate generate issue mint give call trigger fire invoke register"
)
_TELLING: Final = _words(
    "delete destroy purge wipe erase shred terminate refund pay transfer wire drop grant revoke promote elevate"
    " impersonate sudo exec execute eval spawn run shell send email mail post publish upload notify tweet broadcast sms"
    " webhook browse fetch crawl scrape approve"
)
_VERBS: Final = _READ | _WRITE | _HARMLESS | _TELLING
_ALSO_NOUNS: Final = _words("post email mail transfer refund webhook shell upload publish wire drop sms run")

_GONE: Final = _words("delete destroy purge wipe erase shred terminate refund pay transfer wire")
_OUT: Final = _words("send email mail post publish upload notify tweet broadcast sms")
_CODE: Final = _words("code command commands script scripts shell python bash sql javascript program binary")
_WEB: Final = _words("web page pages url urls site sites website websites webpage internet")
_MAIL: Final = _words("email emails mail mails inbox mailbox")
_SECRET: Final = _words("token tokens key keys apikey credential credentials secret secrets certificate password")
_RIGHT: Final = _words("role roles permission permissions privilege privileges")
_MEMBER: Final = _words("member members")
_TABLE: Final = _words("table tables database schema collection index")
_RECORD: Final = _words("audit auditing logging monitoring")
_POLICY: Final = _words("policy policies")
_NO_RIGHT: Final = _words("consent session sessions leave license licence device") | _SECRET
_LOOKS: Final = _words("report reports query search test check")


@frozen
class Guess:
    """What a name suggests: what a declaration would say, the word that suggests it, and what the word means."""

    effect: str
    word: str
    meaning: str


_UNDONE: Final = ("effects irreversible", "something that cannot be undone")
_SENDS: Final = ("effects sends_out", "something that leaves the system")
_READS: Final = ("effects reads_untrusted", "reading what strangers wrote")
_RUNS: Final = ("effects executes_code", "running code")
_ROLES: Final = ("modifies roles", "changing who may do what")
_PARENTS: Final = ("modifies parents", "changing who belongs to a group")
_ACTS: Final = ("acts as resource", "acting as somebody else")
_EDITS: Final = ("effects edits_policy", "changing the policy itself")
_MINTS: Final = ("effects mints_credential", "making a credential")
_BLINDS: Final = ("effects disables_audit", "stopping what records misuse")
_APPROVES: Final = ("effects approves", "approving what others ask for")


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake_case, camelCase or with dashes, in small letters."""
    return [word.lower() for word in _WORD.findall(name)]


def guess(name: str, types: frozenset[str] = frozenset(), *, on_subjects: bool = False) -> Guess | None:
    """Say what an action's name suggests, or return None.

    `types` are the words in the names of the types it applies to; `on_subjects` says that subjects are among them.
    """
    segments = [words for part in _SEGMENT.split(name) if (words := words_of(part))]
    if not segments:
        return None
    head = segments[-1]
    while len(head) > 1 and head[0] in _BEFORE:
        head = head[1:]
    verb = _verb(head)
    if verb is None:
        return None
    alone = len(head) == 1
    objects = segments[-2] if alone and len(segments) > 1 else [word for word in head if word != verb]
    until = next((at for at, word in enumerate(objects) if word in _PREPOSITIONS), len(objects))
    last = "".join(objects[:until][-1:])
    everything = frozenset(word for words in segments for word in words)
    found = _authority(verb, last, types, everything, on_subjects)
    found = found or _flow(verb, frozenset(objects), types, everything, alone)
    return None if found is None else Guess(found[0], verb, found[1])


def _verb(head: list[str]) -> str | None:
    """Return the first verb; a word that is also a noun is none where a plain verb follows."""
    for at, word in enumerate(head):
        if word in _VERBS and not (word in _ALSO_NOUNS and any(w in _VERBS - _ALSO_NOUNS for w in head[at + 1 :])):
            return word
    return None


def _authority(
    verb: str, last: str, types: frozenset[str], everything: frozenset[str], on_subjects: bool
) -> tuple[str, str] | None:
    """Guess at effects on who may do what; `last` is what the verb is about: `role` in `assign_role_to_user`."""
    if verb in _WRITE | {"delete"} and everything & _POLICY:
        return _EDITS
    if verb == "mint" or (verb in ("issue", "create", "generate", "rotate") and last in _SECRET):
        return _MINTS
    if verb in ("disable", "stop", "pause", "suspend") and last in _RECORD:
        return _BLINDS
    if verb in _WRITE | {"assign", "unassign", "give"} and verb != "create":
        return _ROLES if last in _RIGHT else _PARENTS if last in _MEMBER else None
    if verb in ("grant", "revoke"):
        return None if (types | {last}) & _NO_RIGHT else _ROLES
    if verb in ("promote", "elevate"):
        return _ROLES if on_subjects else None
    if verb in ("impersonate", "sudo"):
        return _ACTS
    return _APPROVES if verb == "approve" else None


def _flow(
    verb: str, objects: frozenset[str], types: frozenset[str], everything: frozenset[str], alone: bool
) -> tuple[str, str] | None:
    """Guess at what is lost, run, read or sent."""
    if everything & {"http", "https"}:
        reading = verb in ("get", "fetch", "read")
        return _READS if reading else _SENDS if verb in ("post", "put", "patch", "request", "call", "send") else None
    if verb in ("browse", "fetch", "crawl", "scrape"):
        return _READS if (objects | types) & (_WEB | _MAIL) else None
    if verb in _READ:
        reading = verb in ("read", "search") and bool(objects & (_WEB | _MAIL))
        return _READS if reading or "inbox" in objects else None
    if verb in _GONE or (verb == "remove" and "permanently" in objects):
        return _UNDONE
    if verb == "drop":
        return _UNDONE if (objects | types) & _TABLE else None
    if verb in ("exec", "spawn"):
        return _RUNS
    if verb in ("execute", "eval", "run", "shell"):
        return _RUNS if objects & _CODE or (alone and not types & _LOOKS) else None
    if verb == "webhook" or ("webhook" in objects and verb in ("call", "trigger", "fire", "invoke", "create", "add")):
        return _SENDS
    return _SENDS if verb in _OUT else None
