"""Whether a check proves, and how long it may take: a wish as plain data, cheap where nothing is to be proved."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from attrs import frozen

INSTALL: Final = 'pip install "kynara-lang[prove]"'


def solver_installed() -> bool:
    """Whether the extra `prove` is there."""
    return find_spec("cvc5") is not None


@frozen
class ProofWish:
    """`wanted` is True where somebody asked for proofs, False where somebody refused them, None where nobody said.

    What nobody asked for is proved if the extra is installed, for a limited time; what was asked for and stays unknown
    is an error. `seconds` is what one question may take.
    """

    wanted: bool | None = None
    seconds: float = 2.0

    def key(self) -> str:
        """Return a text that is equal for wishes that come to the same here."""
        return f"{self.wanted} {self.seconds} {self.wanted is not False and solver_installed()}"


NO_PROOFS: Final = ProofWish(wanted=False)
