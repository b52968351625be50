"""What can go wrong with a log, as one exception: whoever gets it knows that nothing was acknowledged."""

from __future__ import annotations

import errno
from typing import Final, Literal, TypeAlias

Fault: TypeAlias = Literal[
    "too-large",  # the record is larger than 64 KiB
    "not-json",  # the body holds something that canonical JSON cannot
    "full",  # there is no room; the log is as it was before and goes on when there is
    "input-output",  # the system refused a call
    "failed",  # an earlier write or flush failed, and what is on the disk is not known any more
    "locked",  # another process holds the log for too long
    "damaged",  # what is stored is not what was acknowledged
    "missing",  # there is no log where one is expected
    "closed",  # the log was closed
    "undelivered",  # no place outside the folder took the newest checkpoint
    "key",  # a key cannot be read, or does not fit
    "settings",  # the log was opened in a way that makes no sense
    "extra",  # an optional package is not installed
]

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LogError(Exception):
    """The log cannot do what it was asked; nothing was acknowledged. `code` is for programs, `message` for people."""

    def __init__(self, code: Fault, message: str) -> None:
        """Take a code, and one line on what is wrong and what to do."""
        super().__init__(message)
        self.code: Fault = code
        self.message = message

    def again(self) -> LogError:
        """Return an equal error to raise in another thread."""
        return LogError(self.code, self.message)


def refused(doing: str, error: OSError) -> LogError:
    """Return what a call that the system refused means for the log; `doing` says what was tried."""
    code: Fault = "full" if error.errno in _NO_ROOM else "input-output"
    return LogError(code, f"{doing}: {error.strerror or error}")


def needs_extra(package: str, extra: str, purpose: str) -> LogError:
    """Return the complaint that an optional package is needed for something."""
    return LogError("extra", f'{purpose} needs the package `{package}`: pip install "kynara-lang[{extra}]"')
