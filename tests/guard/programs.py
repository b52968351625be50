"""What the tests of the guard share: a small program, a clock to set, and a log that keeps what it is given."""

import itertools
import threading
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

import kynara_lang as kynara
from kynara_lang.runtime.policyset import PolicySet

TEXT = """
module shop

subject Bot {}
subject User { tenant: String? }
resource Order { tenant: String? }

action read on Order
action refund on Order (amount: Decimal, note: String?) effects irreversible
action send on Order (to: Set<Email>, body: String?)

context { now: Time, mfa: Bool? }

role support
role lead extends support

permit everything { subject Bot, User with role support  action any  resource Order  scope any "test" }

forbid huge { subject any  action refund  resource Order  when args.amount > 1000.00 }

require approval large {
  subject any  action refund  resource Order  when args.amount > 50.00
  from    User with role lead
  expires 4h
}

require approval two_people {
  subject any  action refund  resource Order  when args.amount > 500.00
  from    User with role support
  quorum  2
  expires 1h
}
"""

BOT = {"type": "Bot", "id": "bot"}
ALICE = {"type": "User", "id": "alice", "roles": ["support"]}
DAVE = {"type": "User", "id": "dave"}
LEA = {"type": "User", "id": "lea", "roles": ["lead"]}
MAX = {"type": "User", "id": "max", "roles": ["support"]}
KIM = {"type": "User", "id": "kim", "roles": ["support"]}
ORDER = {"type": "Order", "id": "o-1"}

HOUR = 3_600 * 10**9
START = 1_795_400_000 * 10**9


def program(text: str = TEXT) -> PolicySet:
    return kynara.loads(text, name="shop.kyn")


@define
class SetClock:
    """A clock in nanoseconds that stands still until it is set."""

    at: int = START

    def __call__(self) -> int:
        return self.at


@frozen
class Receipt:
    seq: int


@define
class Kept:
    """A log that keeps its records in memory, and fails at those of a kind if it is told to."""

    records: list[tuple[str, Mapping[str, Any]]] = field(factory=list)
    failing: set[str] = field(factory=set)
    delay: float = 0.0
    _lock: Any = field(factory=threading.Lock)
    _numbers: Any = field(factory=itertools.count)

    def append(self, kind: str, body: Mapping[str, Any], /) -> Receipt:
        if kind in self.failing:
            raise OSError(28, "No space left on device")
        if self.delay:
            import time

            time.sleep(self.delay)
        with self._lock:
            self.records.append((kind, body))
            return Receipt(next(self._numbers))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.records]

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [body for found, body in self.records if found == kind]
